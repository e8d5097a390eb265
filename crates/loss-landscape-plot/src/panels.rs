//! Several figures in one document.

use super::bands::{BandOptions, Bands};
use super::contour::ContourFigure;
use super::curves::CurveFigure;
use super::density::DensityFigure;
use super::field::Field;
use super::heat::HeatFigure;
use super::png::png_output;
use super::ratio::RatioFigure;
use super::scale::{Extent, Scale};
use super::surface::SurfaceFigure;
use super::svg::{Fragment, Svg};
use super::text::Text;
use crate::Error;

/// Font size of the title over all panels.
const TITLE: f64 = 14.5;
const TITLE_HEIGHT: f64 = 26.0;
const GAP: f64 = 10.0;

/// Several figures side by side, of any kind.
///
/// # Example
///
/// ```
/// use loss_landscape_plot::{ContourFigure, Panels};
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
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Panels {
    figures: Vec<Panel>,
    columns: Option<usize>,
    title: String,
    shared: bool,
}

/// One figure among several; made from any kind with [`From`].
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Panel {
    /// Contours over two directions.
    Contour(ContourFigure),
    /// Curves over one direction.
    Curves(CurveFigure),
    /// Eigenvalue ratios over two directions.
    Ratio(RatioFigure),
    /// Spectral densities.
    Density(DensityFigure),
    /// Cells over two directions.
    Heat(HeatFigure),
    /// A shaded surface over two directions.
    Surface(SurfaceFigure),
}

impl From<ContourFigure> for Panel {
    fn from(figure: ContourFigure) -> Self {
        Self::Contour(figure)
    }
}

impl From<CurveFigure> for Panel {
    fn from(figure: CurveFigure) -> Self {
        Self::Curves(figure)
    }
}

impl From<RatioFigure> for Panel {
    fn from(figure: RatioFigure) -> Self {
        Self::Ratio(figure)
    }
}

impl From<DensityFigure> for Panel {
    fn from(figure: DensityFigure) -> Self {
        Self::Density(figure)
    }
}

impl From<HeatFigure> for Panel {
    fn from(figure: HeatFigure) -> Self {
        Self::Heat(figure)
    }
}

impl From<SurfaceFigure> for Panel {
    fn from(figure: SurfaceFigure) -> Self {
        Self::Surface(figure)
    }
}

impl Panel {
    /// The values of a figure whose scale may be shared.
    fn field(&self) -> Option<&Field> {
        match self {
            Self::Contour(figure) => Some(&figure.field),
            Self::Heat(figure) => Some(&figure.field),
            Self::Surface(figure) => Some(&figure.field),
            Self::Curves(_) | Self::Ratio(_) | Self::Density(_) => None,
        }
    }
}

impl Panels {
    /// No panels yet; at least one must be added.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a figure after the others: to the right, or in the next row if the row is full.
    #[must_use]
    pub fn panel(mut self, figure: impl Into<Panel>) -> Self {
        self.figures.push(figure.into());
        self
    }

    /// Number of figures in a row, at least 1; all in one row unless set.
    #[must_use]
    pub fn columns(mut self, columns: usize) -> Self {
        self.columns = Some(columns.max(1));
        self
    }

    /// Title above all panels.
    #[must_use]
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = title.into();
        self
    }

    /// Gives all contour figures, heat maps and surfaces the same scale, levels and range of colours and
    /// heights, over the values of all. Scale, levels and range set on the figures take part: the first of
    /// each applies to all; if one is diverging, the range of all is symmetric. Figures of other kinds are
    /// not affected.
    #[must_use]
    pub fn shared_scale(mut self) -> Self {
        self.shared = true;
        self
    }

    /// The panels as one SVG document.
    ///
    /// # Errors
    ///
    /// [`Error::Empty`] without panels, and the errors of the figures' own `to_svg` for the first
    /// panel that has one. With a shared scale, a figure may have no finite value as long as another
    /// has.
    pub fn to_svg(&self) -> Result<String, Error> {
        if self.figures.is_empty() {
            return Err(Error::Empty { what: "panels" });
        }
        let shared = self.shared_bands()?;
        let drawn = self
            .figures
            .iter()
            .map(|panel| match panel {
                Panel::Contour(figure) => figure.draw(shared.as_ref()),
                Panel::Curves(figure) => figure.draw(),
                Panel::Ratio(figure) => figure.draw(),
                Panel::Density(figure) => figure.draw(),
                Panel::Heat(figure) => figure.draw(shared.as_ref()),
                Panel::Surface(figure) => figure.draw(shared.as_ref()),
            })
            .collect::<Result<Vec<Fragment>, Error>>()?;
        Ok(self.arrange(&drawn).into_document())
    }

    png_output!();

    fn fields(&self) -> impl Iterator<Item = &Field> {
        self.figures.iter().filter_map(Panel::field)
    }

    fn shared_bands(&self) -> Result<Option<Bands>, Error> {
        if !self.shared || self.fields().next().is_none() {
            return Ok(None);
        }
        let options = BandOptions {
            scale: self
                .fields()
                .map(|f| f.bands.scale)
                .find(|&scale| scale != Scale::Auto)
                .unwrap_or_default(),
            levels: self.fields().find_map(|f| f.bands.levels.clone()),
            range: self.fields().find_map(|f| f.bands.range),
            centred: self.fields().any(|f| f.bands.centred),
        };
        let values = self.fields().flat_map(|f| f.values.iter().copied());
        Bands::resolve(Extent::of(values), &options).map(Some)
    }

    /// Places panels in a grid whose columns are as wide and rows as high as their largest panel.
    fn arrange(&self, drawn: &[Fragment]) -> Fragment {
        let columns = self.columns.unwrap_or(drawn.len()).clamp(1, drawn.len().max(1));
        let rows = drawn.len().div_ceil(columns);
        let mut widths = vec![0.0; columns];
        let mut tops = vec![0.0; rows];
        let mut below = vec![0.0; rows];
        for (k, panel) in drawn.iter().enumerate() {
            widths[k % columns] = panel.width.max(widths[k % columns]);
            tops[k / columns] = panel.top.max(tops[k / columns]);
            below[k / columns] = (panel.height - panel.top).max(below[k / columns]);
        }
        let heights: Vec<f64> = tops.iter().zip(&below).map(|(t, b)| t + b).collect();
        let top = if self.title.is_empty() { 0.0 } else { TITLE_HEIGHT };
        let start = |sizes: &[f64], k: usize| sizes[..k].iter().map(|s| s + GAP).sum::<f64>();
        let width = start(&widths, columns) - GAP;
        let mut svg = Svg::default();
        Text::new([width / 2.0, 17.0], self.title.as_str()).size(TITLE).fit(width - 16.0).draw(&mut svg);
        for (k, panel) in drawn.iter().enumerate() {
            let (column, row) = (k % columns, k / columns);
            let x = start(&widths, column);
            let y = top + start(&heights, row) + tops[row] - panel.top;
            svg.tag("g").attr("transform", &format!("translate({x:.2} {y:.2})")).open();
            svg.raw(&panel.body);
            svg.close();
        }
        Fragment { width, height: top + start(&heights, rows) - GAP, top, body: svg.finish() }
    }
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::super::curve::Curve;
    use super::*;

    fn contour(offset: f64) -> ContourFigure {
        let axis: Vec<f64> = (0..7).map(f64::from).collect();
        let values = Array2::from_shape_fn((7, 7), |(i, j)| offset + (i * j) as f64);
        ContourFigure::new(&axis, &axis, values.view())
    }

    fn curves() -> CurveFigure {
        CurveFigure::new().curve(Curve::new("loss", &[0.0, 1.0], &[1.0, 2.0])).guide(0.5, "middle")
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
        let tops = [contour(0.0).draw(None).unwrap().top, curves().draw().unwrap().top];
        assert!(tops[0] < tops[1]);
        assert!((places[0][1] + tops[0] - places[1][1] - tops[1]).abs() < 0.02);
        assert!(places[2][0] == 0.0 && places[2][1] > 300.0 && places[1][0] > 400.0);
    }

    #[test]
    fn figures_of_all_kinds_stand_side_by_side() {
        let axis: Vec<f64> = (0..5).map(f64::from).collect();
        let field = |sign: f64| Array2::from_shape_fn((5, 5), |(i, j)| sign * (1.0 + (i + j) as f64));
        let ratio = RatioFigure::new(&axis, &axis, field(-0.1).view(), field(1.0).view());
        let density = DensityFigure::new().curve(Curve::new("", &axis, &[1e-9, 1.0, 0.1, 0.0, 1e-3]));
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
            let texts = super::super::probe::texts(&svg);
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
}
