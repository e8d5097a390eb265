//! Curves over one direction: loss on the left axis, accuracy on the right.

mod areas;
pub(crate) mod chart;
pub(crate) mod draw;
mod legend;
mod series;

use loss_landscape::Curve;

use self::chart::Chart;
pub use self::series::Series;
use crate::{
    Result, Scale,
    figure::{Draw, Figure},
    plane::shared::SharedScale,
    results,
    svg::Drawing,
};

/// A figure of several series over a common coordinate, with one or two vertical axes.
///
/// Where both axes are used each has its own colour, as in figure 2 of Li et al. (2018); draw
/// training data solid and test data [`dashed`](Series::dashed). Values that are not finite leave
/// gaps and are counted below the figure. An SVG document has about 420 by 360 px.
///
/// # Example
///
/// ```
/// use loss_landscape_plot::{CurveFigure, Figure, Series};
///
/// let alpha = [-0.5, 0.0, 0.5, 1.0, 1.5];
/// let svg = CurveFigure::new()
///     .series(Series::new("train loss", &alpha, &[2.1, 0.02, 0.9, 0.01, 3.0]))
///     .series(Series::new("test loss", &alpha, &[2.2, 0.31, 1.1, 0.35, 3.4]).dashed())
///     .series(Series::new("train accuracy", &alpha, &[0.3, 1.0, 0.7, 1.0, 0.2]).right_axis())
///     .x_label("α")
///     .left_label("cross-entropy loss")
///     .right_label("accuracy")
///     .guide(0.0, "small batch")
///     .guide(1.0, "large batch")
///     .to_svg()?;
/// assert!(svg.contains("small batch"));
/// # Ok::<(), loss_landscape_plot::Error>(())
/// ```
///
/// # Errors
/// Drawing ends in an [`Error`](crate::Error): `Empty` without series; the errors that [`Series`] lists;
/// `NoFiniteValue` if an axis has series but none with a finite value, `NoPositiveValue` if none is positive on a
/// logarithmic scale; `Range` for the range of an axis; `NotFinite` for a guide.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct CurveFigure {
    chart: Chart,
}

impl CurveFigure {
    /// A figure without series; at least one must be added.
    pub fn new() -> Self {
        Self::default()
    }

    /// A figure of one channel along a curve, its horizontal axis labelled α; [`Series::from_curve`] adds others.
    /// [`From`] takes the first channel, which is the loss on the first data set.
    ///
    /// # Example
    /// ```
    /// use loss_landscape::{FnModel, Layout, RandomDirections, Sweep};
    /// use loss_landscape_plot::{CurveFigure, Figure, Series};
    ///
    /// let model = FnModel::new(Layout::flat(2)?, vec![2.0, 1.0], |t: &[f64], y: &f64| (t[0] * t[1] - y).powi(2))?;
    /// let line = Sweep::line(&model, RandomDirections::new(42).one(&model)?);
    /// let curve = line.data("train", &2.0).data("test", &2.2).run()?;
    /// let figure = CurveFigure::from_curve(&curve, "train loss")?
    ///     .series(Series::from_curve(&curve, "test loss")?.dashed())
    ///     .left_label("squared error");
    /// assert!(figure.to_svg()?.contains("test loss"));
    /// assert!(!CurveFigure::from(&curve).to_svg()?.contains("test loss"));
    /// # Ok::<(), loss_landscape_plot::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Core`](crate::Error::Core) for a channel that the curve does not have.
    pub fn from_curve(curve: &Curve, channel: &str) -> Result<Self> {
        Ok(Self::of(Series::from_curve(curve, channel)?))
    }

    /// Adds a series. Later ones are drawn over earlier ones.
    pub fn series(mut self, series: Series) -> Self {
        self.chart.series.push(series);
        self
    }

    /// The title above the figure; none by default.
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.chart.title = title.into();
        self
    }

    /// The label of the horizontal axis; none by default.
    pub fn x_label(mut self, label: impl Into<String>) -> Self {
        self.chart.x_label = label.into();
        self
    }

    /// The label of the left axis; none by default.
    pub fn left_label(mut self, label: impl Into<String>) -> Self {
        self.chart.left_label = label.into();
        self
    }

    /// The label of the right axis, drawn only if a series uses it; none by default.
    pub fn right_label(mut self, label: impl Into<String>) -> Self {
        self.chart.right_label = label.into();
        self
    }

    /// The scale of the left axis; [`Scale::Auto`] by default. The right axis is always linear.
    pub fn left_scale(mut self, scale: Scale) -> Self {
        self.chart.left_scale = scale;
        self
    }

    /// The ends of the left axis, instead of those of the data with a margin of 4 %. Values outside are cut off at
    /// the frame and counted in the caption.
    pub fn left_range(mut self, low: f64, high: f64) -> Self {
        self.chart.left_range = Some((low, high));
        self
    }

    /// The ends of the right axis, as for [`left_range`](Self::left_range).
    pub fn right_range(mut self, low: f64, high: f64) -> Self {
        self.chart.right_range = Some((low, high));
        self
    }

    /// Adds a vertical line at `x` with a label, which may be empty. The horizontal axis extends to include it.
    pub fn guide(mut self, x: f64, label: impl Into<String>) -> Self {
        self.chart.guide(x, label);
        self
    }

    /// Adds to what the caption says.
    pub(crate) fn note(mut self, note: String) -> Self {
        self.chart.notes.push(note);
        self
    }

    fn of(series: Series) -> Self {
        Self::new().series(series).x_label(results::LABELS[0])
    }
}

/// A figure of the first channel, as by [`from_curve`](CurveFigure::from_curve).
impl From<&Curve> for CurveFigure {
    fn from(curve: &Curve) -> Self {
        Self::of(Series::from_first_channel(curve))
    }
}

impl Figure for CurveFigure {}

impl Draw for CurveFigure {
    fn draw(&self, _: Option<&SharedScale>) -> Result<Drawing> {
        draw::draw(&self.chart)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{bounds, paths, texts};
    use crate::{Error, layout};

    const X: [f64; 5] = [-0.5, 0.0, 0.5, 1.0, 1.5];

    fn figure(y: &[f64]) -> CurveFigure {
        CurveFigure::new().series(Series::new("train", &X, y))
    }

    fn curve_paths(svg: &str) -> usize {
        svg.matches("stroke-width=\"1.6\" stroke-linejoin").count()
    }

    #[test]
    fn gaps_are_counted_and_single_points_stay_visible() {
        let svg = figure(&[1.0, f64::NAN, 2.0, f64::INFINITY, 3.0]).to_svg().unwrap();
        assert!(svg.contains("2 of 5 points not finite"));
        assert_eq!(svg.matches("<circle").count(), 3);
        assert_eq!(curve_paths(&svg), 0);
    }

    #[test]
    fn values_beyond_the_axis_are_counted() {
        let svg = figure(&[1.0, 2.0, 9.0, 2.0, 1.0]).left_range(0.0, 4.0).to_svg().unwrap();
        assert!(svg.contains("1 of 5 points above the axis range"));
        let svg = figure(&[1.0, -2.0, 9.0, 0.0, 1.0]).left_range(0.0, 4.0).to_svg().unwrap();
        assert!(svg.contains("1 of 5 points below the axis range; 1 of 5 points above the axis range"));
        let svg = figure(&[1.0, -2.0, 9.0, 0.0, 1.0]).left_scale(Scale::Log).to_svg().unwrap();
        assert!(svg.contains("2 of 5 points not positive (logarithmic axis)"));
    }

    #[test]
    fn areas_reach_zero_and_bands_widen_the_axis() {
        let curve = Series::new("mean", &X, &[1.0, 2.0, 3.0, 2.0, 1.0]);
        let plain = CurveFigure::new().series(curve.clone()).left_range(-1.0, 5.0);
        assert!(paths(&plain.to_svg().unwrap(), "fill-opacity", ".14").is_empty());
        let filled = CurveFigure::new().series(curve.clone().filled()).left_range(-1.0, 5.0);
        let area = paths(&filled.to_svg().unwrap(), "fill-opacity", ".14").swap_remove(0);
        let height = |v: f64| layout::TOP + layout::FRAME_SIDE * (5.0 - v) / 6.0;
        let (top, bottom) = bounds(&area, 1);
        assert!((top - height(3.0)).abs() < 0.02 && (bottom - height(0.0)).abs() < 0.02, "{area:?}");
        let banded = CurveFigure::new().series(curve.band(&[0.5; 5], &[40.0; 5]));
        let svg = banded.left_scale(Scale::Linear).to_svg().unwrap();
        assert!(texts(&svg).contains(&"40".to_owned()), "{svg}");
        assert_eq!(paths(&svg, "fill-opacity", ".25").len(), 1);
    }

    #[test]
    fn a_band_that_is_not_positive_ends_at_a_logarithmic_axis() {
        let curve = Series::new("mean", &X, &[1.0; 5]).band(&[-1.0; 5], &[10.0; 5]);
        let figure = CurveFigure::new().series(curve).left_scale(Scale::Log).left_range(0.1, 100.0);
        let band = paths(&figure.to_svg().unwrap(), "fill-opacity", ".25").swap_remove(0);
        let (top, side) = (layout::TOP, layout::FRAME_SIDE);
        let (upper, lower) = bounds(&band, 1);
        assert!((upper - top - side / 3.0).abs() < 0.02 && (lower - top - side).abs() < 0.02, "{band:?}");
    }

    #[test]
    fn document_is_well_formed_escaped_and_deterministic() {
        let draw = || {
            figure(&[1.0, 0.01, 4.0, 0.02, 70.0])
                .series(Series::new("a < b & c", &X, &[0.1, 0.9, 0.5, 0.9, 0.1]).right_axis().dashed())
                .guide(0.0, "<θ₁>")
                .guide(0.01, "a label that would overlap")
                .guide(7.0, "outside")
                .title("\"t\"")
                .to_svg()
                .unwrap()
        };
        let svg = draw();
        assert_eq!(svg, draw());
        let document = roxmltree::Document::parse(&svg).unwrap();
        for text in ["a < b & c", "<θ₁>", "\"t\"", "outside"] {
            assert!(document.descendants().any(|n| n.text() == Some(text)), "{text}");
        }
        assert!(svg.contains("stroke-dasharray=\"5 3\""));
    }

    #[test]
    fn hostile_values_do_not_panic() {
        for y in [
            [0.0; 5],
            [f64::MAX, f64::MIN, 0.0, 1e300, -1e300],
            [1e-300, 1e300, 1.0, 5e-324, f64::MAX],
            [5e-324, 0.0, 5e-324, 0.0, 0.0],
        ] {
            for scale in [Scale::Auto, Scale::Linear, Scale::Log] {
                match figure(&y).left_scale(scale).to_svg() {
                    Ok(svg) => {
                        roxmltree::Document::parse(&svg).unwrap();
                        assert!(!svg.contains("NaN") && !svg.contains("inf"));
                    }
                    Err(error) => assert!(matches!(error, Error::NoPositiveValue { .. })),
                }
            }
        }
    }

    #[test]
    fn long_curves_are_thinned() {
        let x: Vec<f64> = (0..100_000).map(f64::from).collect();
        let y: Vec<f64> = x.iter().map(|v| (v / 1e4).sin()).collect();
        let svg = CurveFigure::new().series(Series::new("long", &x, &y)).to_svg().unwrap();
        assert!(svg.len() < 20_000, "{}", svg.len());
    }

    #[test]
    fn bad_input_is_refused() {
        let refused = |figure: CurveFigure| figure.to_svg().unwrap_err();
        assert!(matches!(refused(CurveFigure::new()), Error::Empty { what: "series" }));
        assert!(matches!(refused(figure(&[f64::NAN; 5])), Error::NoFiniteValue { .. }));
        assert!(matches!(refused(figure(&[1.0; 5]).left_range(2.0, 2.0)), Error::Range { .. }));
        assert!(matches!(refused(figure(&[1.0; 5]).guide(f64::NAN, "g")), Error::NotFinite { .. }));
        assert!(matches!(
            refused(CurveFigure::new().series(Series::new("c", &[], &[]))),
            Error::TooFewPoints { len: 0, .. }
        ));
    }
}
