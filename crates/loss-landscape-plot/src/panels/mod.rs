//! Several figures in one document.

mod arrange;

use std::sync::Arc;

use loss_landscape::Draws;
use ndarray::Ix2;

use self::arrange::CommonBar;
use crate::{
    ContourFigure, Error, Result, Scale,
    axis::scale::Extent,
    figure::{Draw, Figure},
    plane::{
        bands::{BandOptions, Bands},
        colorbar::BarPart,
        shared::SharedScale,
        values::{PlaneValues, Shareable},
    },
    svg::Drawing,
};

/// Several figures side by side, of any kind, as one figure.
///
/// # Example
///
/// ```
/// use loss_landscape_plot::{ContourFigure, Figure, Panels};
/// use ndarray::Array2;
///
/// let axis: Vec<f64> = (0..11).map(|k| f64::from(k) / 5.0 - 1.0).collect();
/// let bowl = |depth: f64| {
///     let loss = Array2::from_shape_fn((11, 11), |(i, j)| depth + axis[i].hypot(axis[j]));
///     ContourFigure::new(&axis, &axis, loss.view())
/// };
/// let svg = Panels::new()
///     .panel(bowl(0.1).title("with skip connections"))
///     .panel(bowl(1.0).title("without"))
///     .shared_scale()
///     .to_svg()?;
/// assert!(svg.contains("without"));
/// # Ok::<(), loss_landscape_plot::Error>(())
/// ```
///
/// # Errors
/// Drawing ends in [`Error::Empty`] without panels, and in the errors of the first panel that has one. On a shared
/// scale a figure may have no finite value as long as another has.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Panels {
    figures: Vec<Arc<dyn Draw>>,
    columns: Option<usize>,
    title: String,
    shared: bool,
}

impl Panels {
    /// No panels yet; at least one must be added.
    pub fn new() -> Self {
        Self::default()
    }

    /// Contours of one channel of every draw on one scale, in as many columns as rows or one more: what the choice of
    /// random directions changes in the picture, and what it does not.
    ///
    /// # Example
    ///
    /// ```
    /// use loss_landscape::{FnModel, Layout, RandomDirections, Sweep};
    /// use loss_landscape_plot::{Figure, Panels};
    ///
    /// let loss = |t: &[f64], _: &()| t.iter().enumerate().map(|(i, t)| i as f64 * (t - 1.0).powi(2)).sum::<f64>();
    /// let model = FnModel::new(Layout::flat(5)?, vec![1.0; 5], loss)?;
    /// let draws = Sweep::plane(&model, RandomDirections::new(42)).data("", &()).draws(6)?;
    /// let svg = Panels::from_draws(&draws, "loss")?.title("Six planes through one minimiser").to_svg()?;
    /// assert!(svg.contains("draw 6"));
    /// # Ok::<(), loss_landscape_plot::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Core`] for a channel that the draws do not have.
    pub fn from_draws(draws: &Draws<Ix2>, channel: &str) -> Result<Self> {
        let columns = (draws.len() as f64).sqrt().ceil() as usize;
        let panels = Self::new().columns(columns).shared_scale();
        draws.iter().enumerate().try_fold(panels, |panels, (k, surface)| {
            Ok(panels.panel(ContourFigure::from_surface(surface, channel)?.title(format!("draw {}", k + 1))))
        })
    }

    /// Adds a figure after the others: to the right, or in the next row if the row is full.
    pub fn panel(mut self, figure: impl Figure + 'static) -> Self {
        self.figures.push(Arc::new(figure));
        self
    }

    /// The number of figures in a row, at least 1; all in one row by default.
    pub fn columns(mut self, columns: usize) -> Self {
        self.columns = Some(columns.max(1));
        self
    }

    /// The title above all panels; none by default.
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = title.into();
        self
    }

    /// Gives all contour figures, heat maps and surfaces the same scale, levels and range of colours and heights,
    /// over the values of all. Scale, levels and range set on the figures take part: the first of each applies to
    /// all; if one is diverging, the range of all is symmetric. Figures of other kinds are not affected.
    ///
    /// One colour bar tells the colours of all these figures, to the right of the last column that has one of them;
    /// where their value labels differ, each has its own beside it. Figures with different colour maps keep a bar
    /// each.
    pub fn shared_scale(mut self) -> Self {
        self.shared = true;
        self
    }

    /// The figures whose scale may be shared, with their numbers.
    fn shareable(&self) -> impl Iterator<Item = (usize, Shareable<'_>)> {
        self.figures.iter().enumerate().filter_map(|(k, figure)| Some((k, figure.shareable()?)))
    }

    fn values(&self) -> impl Iterator<Item = &PlaneValues> {
        self.shareable().map(|(_, panel)| panel.values)
    }

    fn shared_bands(&self) -> Result<Option<Bands>> {
        if !self.shared || self.values().next().is_none() {
            return Ok(None);
        }
        let options = BandOptions {
            scale: self
                .values()
                .map(|v| v.bands.scale)
                .find(|&scale| scale != Scale::Auto)
                .unwrap_or_default(),
            levels: self.values().find_map(|v| v.bands.levels.clone()),
            range: self.values().find_map(|v| v.bands.range),
            centred: self.values().any(|v| v.bands.centred),
        };
        let values = self.values().flat_map(|v| v.values.iter().copied());
        Bands::resolve(Extent::of(values), &options).map(Some)
    }
}

impl Figure for Panels {}

impl Draw for Panels {
    fn draw(&self, _: Option<&SharedScale>) -> Result<Drawing> {
        if self.figures.is_empty() {
            return Err(Error::Empty { what: "panels" });
        }
        let bands = self.shared_bands()?;
        let common = bands.as_ref().map(|bands| CommonBar { bands, panels: self.shareable().collect() });
        let common = common.filter(CommonBar::suffices);
        let bar = common.as_ref().map_or(BarPart::All, CommonBar::left_to_panels);
        let scale = bands.clone().map(|bands| SharedScale { bands, bar });
        let drawn: Vec<Drawing> =
            self.figures.iter().map(|figure| figure.draw(scale.as_ref())).collect::<Result<_>>()?;
        Ok(arrange::arrange(&drawn, self.columns.unwrap_or(drawn.len()), &self.title, common.as_ref()))
    }
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::*;
    use crate::{
        ColorMap, ContourFigure, CurveFigure, DensityFigure, RatioFigure, Series, SurfaceFigure,
        testing::texts,
    };

    fn contour(offset: f64) -> ContourFigure {
        let axis: Vec<f64> = (0..7).map(f64::from).collect();
        let values = Array2::from_shape_fn((7, 7), |(i, j)| offset + (i * j) as f64);
        ContourFigure::new(&axis, &axis, values.view())
    }

    fn curves() -> CurveFigure {
        CurveFigure::new().series(Series::new("loss", &[0.0, 1.0], &[1.0, 2.0])).guide(0.5, "middle")
    }

    #[test]
    fn a_shared_scale_covers_all_contours() {
        let panels = Panels::new().panel(contour(1.0)).panel(curves()).panel(contour(100.0));
        assert!(panels.shared_bands().unwrap().is_none());
        let bands = panels.shared_scale().shared_bands().unwrap().unwrap();
        assert_eq!((bands.lo, bands.hi), (1.0, 136.0));
        assert!(bands.mapping.is_log());
    }

    #[test]
    fn explicit_settings_take_part_in_the_shared_scale() {
        let bands = Panels::new()
            .panel(contour(1.0))
            .panel(contour(100.0).scale(Scale::Linear).levels([5.0, 50.0]).color_range(0.0, 60.0))
            .shared_scale()
            .shared_bands()
            .unwrap()
            .unwrap();
        assert_eq!(bands.levels, [5.0, 50.0]);
        assert_eq!((bands.lo, bands.hi), (0.0, 60.0));
    }

    #[test]
    fn rows_align_plotting_areas_and_the_document_is_well_formed() {
        let panels = Panels::new().columns(2).panel(contour(0.0)).panel(curves()).panel(contour(2.0));
        let svg = panels.title("<all>").to_svg().unwrap();
        let document = roxmltree::Document::parse(&svg).unwrap();
        let places: Vec<Vec<f64>> = document
            .descendants()
            .filter(|n| n.has_tag_name("g"))
            .filter_map(|n| n.attribute("transform"))
            .map(|t| {
                t.trim_start_matches("translate(")
                    .trim_end_matches(')')
                    .split(' ')
                    .map(|v| v.parse().unwrap())
                    .collect()
            })
            .collect();
        assert_eq!(places.len(), 3);
        let tops = [contour(0.0).draw(None).unwrap().top, curves().draw(None).unwrap().top];
        assert!(tops[0] < tops[1]);
        assert!((places[0][1] + tops[0] - places[1][1] - tops[1]).abs() < 0.02);
        assert!(places[2][0] == 0.0 && places[2][1] > 300.0 && places[1][0] > 400.0);
    }

    #[test]
    fn figures_of_all_kinds_stand_side_by_side() {
        let axis: Vec<f64> = (0..5).map(f64::from).collect();
        let field = |sign: f64| Array2::from_shape_fn((5, 5), |(i, j)| sign * (1.0 + (i + j) as f64));
        let ratio = RatioFigure::new(&axis, &axis, field(-0.1).view(), field(1.0).view());
        let density = DensityFigure::new().series(Series::new("", &axis, &[1e-9, 1.0, 0.1, 0.0, 1e-3]));
        let panels = Panels::new().panel(contour(1.0)).panel(ratio).panel(curves()).panel(density);
        let svg = panels.columns(2).shared_scale().to_svg().unwrap();
        let document = roxmltree::Document::parse(&svg).unwrap();
        assert_eq!(document.descendants().filter(|n| n.has_tag_name("g")).count(), 4);
        for text in ["eigenvalue λ", "loss"] {
            assert!(document.descendants().any(|n| n.text() == Some(text)), "{text}");
        }
    }

    #[test]
    fn surfaces_share_colours_and_heights() {
        let axis = [0.0, 1.0, 2.0];
        let surface = |top: f64| {
            let values = Array2::from_shape_fn((3, 3), |(i, j)| if (i, j) == (2, 2) { top } else { 1.0 });
            SurfaceFigure::new(&axis, &axis, values.view())
        };
        let panels = Panels::new().panel(surface(2.0)).panel(surface(1000.0)).panel(contour(5.0));
        let bands = panels.clone().shared_scale().shared_bands().unwrap().unwrap();
        assert_eq!((bands.lo, bands.hi), (1.0, 1000.0));
        let drawn = |svg: String| -> usize {
            let texts = texts(&svg);
            texts.iter().filter(|t| *t == "1000").count()
        };
        // At the upright edge of each surface.
        assert_eq!(drawn(Panels::new().panel(surface(2.0)).to_svg().unwrap()), 0);
        assert_eq!(drawn(panels.shared_scale().to_svg().unwrap()), 2);
    }

    #[test]
    fn a_panel_without_values_is_drawn_only_on_a_shared_scale() {
        let panels = Panels::new().panel(contour(1.0)).panel(contour(f64::NAN));
        assert!(matches!(panels.to_svg(), Err(Error::NoFiniteValue { .. })));
        let svg = panels.shared_scale().to_svg().unwrap();
        assert!(svg.contains("49 of 49 points not finite"));
        assert!(matches!(Panels::new().to_svg(), Err(Error::Empty { .. })));
    }

    fn titled(label: &str, map: ColorMap) -> ContourFigure {
        contour(1.0).value_label(label).color_map(map)
    }

    #[test]
    fn one_bar_tells_the_colours_of_all_panels_on_one_scale() {
        let of = |figures: [ContourFigure; 2], shared: bool| {
            let [first, second] = figures;
            let panels = Panels::new().panel(first).panel(curves()).panel(second);
            let svg = if shared { panels.shared_scale() } else { panels }.to_svg().unwrap();
            // At a bar, numbers are upright and have the size of ticks; 20 stands at no axis.
            let document = roxmltree::Document::parse(&svg).unwrap();
            let upright =
                |n: &roxmltree::Node<'_, '_>| n.has_tag_name("text") && !n.has_attribute("transform");
            let numbers = document.descendants().filter(|n| upright(n) && n.text() == Some("20"));
            let labels = texts(&svg).iter().filter(|text| text.ends_with("loss")).count() - 1;
            [numbers.count(), labels]
        };
        let (viridis, cividis) = (ColorMap::Viridis, ColorMap::Cividis);
        let same = || [titled("train loss", viridis), titled("train loss", viridis)];
        assert_eq!(of(same(), false), [2, 2]);
        assert_eq!(of(same(), true), [1, 1]);
        // What each panel shows is still told where they differ.
        assert_eq!(of([titled("train loss", viridis), titled("test loss", viridis)], true), [1, 2]);
        // One bar cannot tell the colours of two maps.
        assert_eq!(of([titled("train loss", viridis), titled("train loss", cividis)], true), [2, 2]);
    }

    #[test]
    fn the_common_bar_stands_beside_the_last_column_of_its_panels() {
        let panels =
            Panels::new().columns(2).panel(contour(1.0)).panel(curves()).panel(contour(9.0)).shared_scale();
        let svg = panels.to_svg().unwrap();
        let document = roxmltree::Document::parse(&svg).unwrap();
        let number = |n: &roxmltree::Node<'_, '_>, name| n.attribute(name).unwrap().parse::<f64>().unwrap();
        // The only rectangles outside the panels and the ground are those of the bar, as high as both rows.
        let bar: Vec<_> =
            document.root_element().children().filter(|n| n.has_tag_name("rect")).skip(1).collect();
        assert!(bar.len() > 5 && bar.iter().all(|n| number(n, "x") < 400.0), "{bar:?}");
        assert!(number(&bar[0], "height") > 600.0);
    }

    #[test]
    fn panels_are_figures_too() {
        let row = || Panels::new().panel(contour(1.0)).panel(curves());
        let svg = Panels::new().columns(1).panel(row()).panel(row().title("below")).to_svg().unwrap();
        let document = roxmltree::Document::parse(&svg).unwrap();
        assert_eq!(document.descendants().filter(|n| n.has_tag_name("g")).count(), 6);
        assert!(texts(&svg).contains(&"below".to_owned()));
    }
}
