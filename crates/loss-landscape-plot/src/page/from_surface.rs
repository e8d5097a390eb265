//! A landscape of a page from the result of a sweep.

use loss_landscape::{Surface, report::Provenance};
use ndarray::Axis;

use super::landscape::PageLandscape;

impl PageLandscape {
    /// A landscape of all channels of a surface, with its provenance. Points that were not computed are NaN; those
    /// that an adaptive sweep interpolated are drawn as they are, and counted.
    ///
    /// ```
    /// use loss_landscape::{FnModel, Layout, RandomDirections, grid_2d};
    /// use loss_landscape_plot::page::{Page, PageLandscape};
    ///
    /// let model = FnModel::new(Layout::flat(2)?, vec![2.0, 1.0], |t: &[f64], _: &()| t[0] * t[0] + t[1] * t[1])?;
    /// let surface = grid_2d(&model, &(), RandomDirections::new(42).pair(&model)?)?;
    /// let html = Page::new("A bowl").landscape(PageLandscape::from_surface("bowl", &surface)).to_html()?;
    /// assert!(html.contains("random, seed 42, stream 0"));
    /// # Ok::<(), loss_landscape_plot::Error>(())
    /// ```
    pub fn from_surface(name: impl Into<String>, surface: &Surface) -> Self {
        let report = surface.report();
        let mut landscape = Self::new(name, surface.alpha(), surface.beta());
        for (channel, values) in surface.channels().iter().zip(surface.values().axis_iter(Axis(2))) {
            landscape = landscape.channel(channel, values);
        }
        let bad = match report.bad_points.len() {
            0 => String::new(),
            count => format!(", {count} failed or not finite"),
        };
        let values = surface.values();
        let known = values.lanes(Axis(2)).into_iter().zip(surface.computed());
        let between = known.filter(|(values, computed)| !**computed && values.iter().any(|v| !v.is_nan()));
        let between = match between.count() {
            0 => String::new(),
            count => format!(", {count} interpolated"),
        };
        let points = format!("{} of {} computed{between}{bad}", report.computed, report.total);
        landscape.provenance(pairs(&report.provenance)).provenance([("points", points)])
    }
}

/// What is known of where values came from.
fn pairs(provenance: &Provenance) -> Vec<(String, String)> {
    let Provenance { version, scalar, theta_hash, directions, cosine, data, data_hashes, .. } = provenance;
    let mut pairs = Vec::new();
    let mut add = |name: String, text: String| pairs.push((name, text));
    if let Some(hash) = theta_hash {
        add("θ".to_owned(), format!("{hash:016x} ({scalar})"));
    }
    for (name, hash) in data.iter().zip(data_hashes.iter().chain(std::iter::repeat(&None))) {
        let name = if name.is_empty() { "data".to_owned() } else { format!("data `{name}`") };
        add(name, hash.map_or_else(|| "known by name only".to_owned(), |hash| format!("{hash:016x}")));
    }
    for (direction, axis) in directions.iter().zip(["α", "β"]) {
        let rule = direction.normalization.map_or_else(String::new, |rule| format!("; {rule}"));
        add(format!("direction of {axis}"), format!("{}{rule}; {:016x}", direction.source, direction.hash));
    }
    if let Some(cosine) = cosine {
        add("cosine between them".to_owned(), format!("{cosine:.3e}"));
    }
    if !version.is_empty() {
        add("loss-landscape".to_owned(), version.clone());
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::Page;
    use loss_landscape::{FnModel, Layout, RandomDirections, Sweep};

    #[test]
    fn all_channels_and_where_they_came_from_are_in_the_page() {
        let loss = |t: &[f64], (): &()| if t[0] > 1.3 { f64::NAN } else { t[0] * t[1] };
        let model = FnModel::new(Layout::flat(2).unwrap(), vec![1.0, 2.0], loss).unwrap();
        let sweep = Sweep::plane(&model, RandomDirections::new(9).pair(&model).unwrap());
        let surface = sweep.data("train", &()).data("test", &()).alpha(-1.0..=1.0, 5).run().unwrap();
        let landscape = PageLandscape::from_surface("one", &surface);
        assert_eq!(landscape.channels.len(), 2);
        assert!(
            landscape.channels[1]
                .1
                .iter()
                .zip(surface.channel("test loss").unwrap())
                .all(|(a, b)| a.to_bits() == b.to_bits())
        );
        let texts: Vec<String> =
            landscape.provenance.iter().map(|(name, text)| format!("{name}: {text}")).collect();
        let hash = surface.report().provenance.theta_hash.unwrap();
        assert_eq!(texts[0], format!("θ: {hash:016x} (f64)"));
        assert_eq!(texts[1], "data `train`: known by name only");
        assert!(texts[3].starts_with("direction of α: random, seed 9, stream 0; filter;"), "{}", texts[3]);
        let bad = surface.report().bad_points.len();
        assert!(
            bad > 0
                && texts.last().unwrap()
                    == &format!("points: 255 of 255 computed, {bad} failed or not finite")
        );
        assert!(Page::new("").landscape(landscape).to_html().is_ok());
    }
}
