//! A landscape of a page from the result of a sweep, or from several draws.

use loss_landscape::{DirectionSource, Draws, Surface, report::Provenance};
use ndarray::Axis;

use super::landscape::{PageChannel, PageDraw, PageLandscape};

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
        let mut landscape = Self::new(name, surface.alpha(), surface.beta());
        for (channel, values) in surface.channels().iter().zip(surface.values().axis_iter(Axis(2))) {
            landscape = landscape.channel(channel, values);
        }
        landscape.provenance(origin(surface))
    }

    /// A landscape of several draws of the directions, one shown at a time: a slider goes through them, by keys too, or
    /// plays them, all on one scale of heights and colours. Beside it stand the seed and the streams of the draw that
    /// is shown; what is the same for all draws is told once. Every value of every draw is in the page, for 10.7 bytes.
    ///
    /// [`channel`](Self::channel) adds what all draws have in common, and [`topologies`](Self::topologies) the minima
    /// and saddles of each.
    ///
    /// ```
    /// use loss_landscape::{FnModel, Layout, RandomDirections, Sweep, draws::BandSettings};
    /// use loss_landscape_plot::page::{Page, PageLandscape};
    ///
    /// let loss = |t: &[f64], _: &()| t.iter().enumerate().map(|(k, t)| k as f64 * t * t).sum::<f64>();
    /// let model = FnModel::new(Layout::flat(10)?, vec![0.3; 10], loss)?;
    /// let sweep = Sweep::plane(&model, RandomDirections::new(42)).data("train", &());
    /// let draws = sweep.alpha(-1.0..=1.0, 21).beta(-1.0..=1.0, 21).draws(5)?;
    /// let median = draws.band("train loss", &BandSettings::new())?.median;
    /// let landscape = PageLandscape::from_draws("five planes", &draws).channel("median loss", median.view());
    /// let html = Page::new("One network").landscape(landscape).to_html()?;
    /// assert!(html.contains("seed 42, streams 2 and 3"));
    /// # Ok::<(), loss_landscape_plot::Error>(())
    /// ```
    pub fn from_draws(name: impl Into<String>, draws: &Draws) -> Self {
        let mut landscape = Self::new(name, draws.alpha(), draws.beta());
        for (k, channel) in draws.channels().iter().enumerate() {
            let grids = draws.iter().map(|surface| surface.values().index_axis(Axis(2), k).to_owned());
            landscape.channels.push(PageChannel { name: channel.clone(), grids: grids.collect() });
        }
        let origins: Vec<Vec<(String, String)>> = draws.iter().map(origin).collect();
        let common = |pair: &(String, String)| origins.iter().all(|pairs| pairs.contains(pair));
        for (surface, pairs) in draws.iter().zip(&origins) {
            let provenance = pairs.iter().filter(|pair| !common(pair)).cloned().collect();
            landscape.draws.push(PageDraw { label: label(&surface.report().provenance), provenance });
        }
        let shared: Vec<_> = origins[0].iter().filter(|pair| common(pair)).cloned().collect();
        landscape.provenance(shared)
    }
}

/// The directions of a draw in a few words: seed and streams of random ones, or their sources.
fn label(provenance: &Provenance) -> String {
    use DirectionSource::Random;
    let sources: Vec<&DirectionSource> =
        provenance.directions.iter().map(|direction| &direction.source).collect();
    match sources[..] {
        [Random { seed, stream }, Random { seed: other, stream: next }] if seed == other => {
            format!("seed {seed}, streams {stream} and {next}")
        }
        _ => sources.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "),
    }
}

/// Where the values of a surface came from, and how many points it has.
fn origin(surface: &Surface) -> Vec<(String, String)> {
    let report = surface.report();
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
    let mut pairs = pairs(&report.provenance);
    let points = format!("{} of {} computed{between}{bad}", report.computed, report.total);
    pairs.push(("points".to_owned(), points));
    pairs
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
            landscape.channels[1].grids[0]
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

    #[test]
    fn draws_tell_what_they_share_once_and_the_rest_each() {
        let loss = |t: &[f64], (): &()| if t[0] > 1.3 { f64::NAN } else { t[0] * t[1] };
        let model = FnModel::new(Layout::flat(3).unwrap(), vec![1.0, 2.0, 0.5], loss).unwrap();
        let sweep = Sweep::plane(&model, RandomDirections::new(9)).data("train", &()).data("test", &());
        let draws = sweep.alpha(-1.0..=1.0, 5).beta(-1.0..=1.0, 7).draws(3).unwrap();
        let landscape = PageLandscape::from_draws("three", &draws);
        assert_eq!(landscape.channels.iter().map(|channel| channel.grids.len()).collect::<Vec<_>>(), [3, 3]);
        for (k, surface) in draws.iter().enumerate() {
            let test = surface.channel("test loss").unwrap();
            let kept = landscape.channels[1].grids[k].iter();
            assert!(kept.zip(test).all(|(a, b)| a.to_bits() == b.to_bits()), "{k}");
            let PageDraw { label, provenance } = &landscape.draws[k];
            assert_eq!(*label, format!("seed 9, streams {} and {}", 2 * k, 2 * k + 1));
            assert!(provenance[0].0 == "direction of α" && provenance[1].0 == "direction of β");
            assert!(provenance.iter().all(|pair| !landscape.provenance.contains(pair)));
        }
        let shared: Vec<&str> = landscape.provenance.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(shared[..3], ["θ", "data `train`", "data `test`"]);
        // Whoever made the directions, something is told of them.
        let given = Draws::new(vec![
            Surface::from_channels(
                draws.alpha(),
                draws.beta(),
                [("loss".to_owned(), ndarray::Array2::zeros((5, 7)))],
            )
            .unwrap(),
        ]);
        let single = PageLandscape::from_draws("one", &given.unwrap());
        assert_eq!((single.draws.len(), single.draws[0].label.as_str()), (1, ""));
        assert!(Page::new("").landscape(landscape).landscape(single).to_html().is_ok());
    }
}
