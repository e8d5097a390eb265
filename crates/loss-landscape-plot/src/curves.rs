//! Curves over one direction: loss on the left axis, accuracy on the right.

use super::axes::{self, Axis};
use super::caption;
use super::curve::Curve;
use super::curves_draw;
use super::png::png_output;
use super::scale::{Extent, Scale};
use super::svg::Fragment;
use crate::Error;

/// A figure of several curves over a common coordinate, with one or two vertical axes.
///
/// Where both axes are used each has its own colour, as in figure 2 of Li et al. (2018); draw
/// training data solid and test data [`dashed`](Curve::dashed). Values that are not finite leave
/// gaps and are counted below the figure. Nothing is checked before [`to_svg`](Self::to_svg).
///
/// # Example
///
/// ```
/// use loss_landscape_plot::{Curve, CurveFigure};
///
/// let alpha = [-0.5, 0.0, 0.5, 1.0, 1.5];
/// let svg = CurveFigure::new()
///     .curve(Curve::new("train loss", &alpha, &[2.1, 0.02, 0.9, 0.01, 3.0]))
///     .curve(Curve::new("test loss", &alpha, &[2.2, 0.31, 1.1, 0.35, 3.4]).dashed())
///     .curve(Curve::new("train accuracy", &alpha, &[0.3, 1.0, 0.7, 1.0, 0.2]).right_axis())
///     .x_label("α")
///     .left_label("cross-entropy loss")
///     .right_label("accuracy")
///     .guide(0.0, "small batch")
///     .guide(1.0, "large batch")
///     .to_svg()?;
/// assert!(svg.contains("small batch"));
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct CurveFigure {
    pub(super) curves: Vec<Curve>,
    pub(super) title: String,
    pub(super) x_label: String,
    pub(super) left_label: String,
    pub(super) right_label: String,
    scale: Scale,
    left_range: Option<(f64, f64)>,
    right_range: Option<(f64, f64)>,
    pub(super) guides: Vec<Guide>,
    /// Whether what is below the axes is left out on purpose, and not counted.
    pub(super) cut: bool,
}

/// A vertical line at a coordinate.
#[derive(Debug, Clone)]
pub(super) struct Guide {
    pub x: f64,
    pub label: String,
}

/// The axes of a curve figure.
#[derive(Debug)]
pub(super) struct CurveAxes {
    pub x: Axis,
    pub left: Option<Axis>,
    pub right: Option<Axis>,
}

impl CurveAxes {
    /// The vertical axis of a curve.
    pub(super) fn of(&self, curve: &Curve) -> Option<&Axis> {
        if curve.right { self.right.as_ref() } else { self.left.as_ref() }
    }
}

impl CurveFigure {
    /// A figure without curves; at least one must be added.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a curve. Later curves are drawn over earlier ones.
    #[must_use]
    pub fn curve(mut self, curve: Curve) -> Self {
        self.curves.push(curve);
        self
    }

    /// Title above the figure.
    #[must_use]
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = title.into();
        self
    }

    /// Label of the horizontal axis.
    #[must_use]
    pub fn x_label(mut self, label: impl Into<String>) -> Self {
        self.x_label = label.into();
        self
    }

    /// Label of the left axis.
    #[must_use]
    pub fn left_label(mut self, label: impl Into<String>) -> Self {
        self.left_label = label.into();
        self
    }

    /// Label of the right axis, drawn only if a curve uses it.
    #[must_use]
    pub fn right_label(mut self, label: impl Into<String>) -> Self {
        self.right_label = label.into();
        self
    }

    /// Scale of the left axis; [`Scale::Auto`] unless set. The right axis is always linear.
    #[must_use]
    pub fn left_scale(mut self, scale: Scale) -> Self {
        self.scale = scale;
        self
    }

    /// Ends of the left axis, instead of those of the data with a margin. Values outside are cut
    /// off at the frame and counted in the caption.
    #[must_use]
    pub fn left_range(mut self, lo: f64, hi: f64) -> Self {
        self.left_range = Some((lo, hi));
        self
    }

    /// Ends of the right axis, as for [`left_range`](Self::left_range).
    #[must_use]
    pub fn right_range(mut self, lo: f64, hi: f64) -> Self {
        self.right_range = Some((lo, hi));
        self
    }

    /// Adds a vertical line at `x` with a label, which may be empty. The horizontal axis extends
    /// to include it.
    #[must_use]
    pub fn guide(mut self, x: f64, label: impl Into<String>) -> Self {
        self.guides.push(Guide { x, label: label.into() });
        self
    }

    /// The figure as an SVG document, about 420 by 360 px.
    ///
    /// # Errors
    ///
    /// - [`Error::Empty`] without curves;
    /// - [`Error::TooFewPoints`], [`Error::NotFinite`] or [`Error::AxisOrder`] if the
    ///   coordinates of a curve are fewer than two, or one is not finite, or not above the last;
    /// - [`Error::Length`] if a curve has more or fewer values, or ends of its band, than coordinates;
    /// - [`Error::NoFiniteValue`] if an axis has curves but none with a finite value,
    ///   [`Error::NoPositiveValue`] if none is positive on a logarithmic scale;
    /// - [`Error::Range`] for an axis range that is not finite, is empty, or not positive on a
    ///   logarithmic scale;
    /// - [`Error::NotFinite`] for a guide at a coordinate that is not finite.
    pub fn to_svg(&self) -> Result<String, Error> {
        Ok(self.draw()?.into_document())
    }

    png_output!();

    pub(super) fn draw(&self) -> Result<Fragment, Error> {
        if self.curves.is_empty() {
            return Err(Error::Empty { what: "curves" });
        }
        for curve in &self.curves {
            curve.check()?;
        }
        for (index, guide) in self.guides.iter().enumerate() {
            if !guide.x.is_finite() {
                return Err(Error::NotFinite {
                    axis: format!("guide `{}`", guide.label),
                    index,
                    value: guide.x,
                });
            }
        }
        let axes = self.axes()?;
        Ok(curves_draw::draw(self, &axes, &self.notes(&axes)))
    }

    fn axes(&self) -> Result<CurveAxes, Error> {
        let coordinates = self.curves.iter().flat_map(|c| c.x.iter().copied());
        let extent = Extent::of(coordinates.chain(self.guides.iter().map(|g| g.x)));
        let (lo, hi) = extent.map_or((0.0, 1.0), |e| e.range(false));
        Ok(CurveAxes {
            x: Axis::new(lo, hi, false, 7),
            left: self.vertical_axis(false)?,
            right: self.vertical_axis(true)?,
        })
    }

    /// The left or right axis, if curves use it.
    fn vertical_axis(&self, right: bool) -> Result<Option<Axis>, Error> {
        let curves = || self.curves.iter().filter(|c| c.right == right);
        if curves().next().is_none() {
            return Ok(None);
        }
        let (what, scale, range) = if right {
            ("right axis", Scale::Linear, self.right_range)
        } else {
            ("left axis", self.scale, self.left_range)
        };
        let extent = Extent::of(curves().flat_map(Curve::values))
            .ok_or_else(|| Error::NoFiniteValue { what: what.to_owned() })?;
        let log = scale.is_log(&extent, range.iter().flat_map(|&(lo, hi)| [lo, hi]));
        if log && extent.max <= 0.0 {
            return Err(Error::NoPositiveValue { what: what.to_owned() });
        }
        if let Some(range) = range {
            axes::check_range(what, range, log)?;
        }
        let (lo, hi) = range.unwrap_or_else(|| with_margin(extent.range(log), log));
        Ok(Some(Axis::new(lo, hi, log, 7)))
    }

    /// What the figure does not show, for its caption.
    fn notes(&self, axes: &CurveAxes) -> Vec<String> {
        let total = self.curves.iter().map(|c| c.y.len()).sum();
        let count = |hidden: &dyn Fn(&Axis, f64) -> bool| -> usize {
            let of =
                |c: &Curve| axes.of(c).map_or(0, |axis| c.y.iter().filter(|&&v| hidden(axis, v)).count());
            self.curves.iter().map(of).sum()
        };
        let not_positive = |axis: &Axis, v: f64| axis.is_log() && v.is_finite() && v <= 0.0;
        [
            (count(&|_, v| !v.is_finite()), "not finite"),
            (count(&not_positive), "not positive (logarithmic axis)"),
            (
                count(&|a, v| !self.cut && v.is_finite() && !not_positive(a, v) && a.is_above(v)),
                "below the axis range",
            ),
            (count(&|a, v| v.is_finite() && a.is_below(v)), "above the axis range"),
        ]
        .into_iter()
        .filter_map(|(n, what)| caption::note(n, total, "points", what))
        .collect()
    }
}

/// A range extended by 4 % at both ends, as far as numbers go.
fn with_margin((lo, hi): (f64, f64), log: bool) -> (f64, f64) {
    const MARGIN: f64 = 0.04;
    if log {
        let pad = MARGIN * (hi.log10() - lo.log10());
        let factor = 10f64.powf(pad);
        ((lo / factor).max(f64::MIN_POSITIVE).min(lo), (hi * factor).min(f64::MAX))
    } else {
        let pad = MARGIN * hi - MARGIN * lo;
        ((lo - pad).max(f64::MIN), (hi + pad).min(f64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::super::probe::{bounds, paths, texts};
    use super::*;

    const X: [f64; 5] = [-0.5, 0.0, 0.5, 1.0, 1.5];

    fn figure(y: &[f64]) -> CurveFigure {
        CurveFigure::new().curve(Curve::new("train", &X, y))
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
        let curve = Curve::new("mean", &X, &[1.0, 2.0, 3.0, 2.0, 1.0]);
        let plain = CurveFigure::new().curve(curve.clone()).left_range(-1.0, 5.0);
        assert!(paths(&plain.to_svg().unwrap(), "fill-opacity", ".14").is_empty());
        let filled = CurveFigure::new().curve(curve.clone().filled()).left_range(-1.0, 5.0);
        let area = paths(&filled.to_svg().unwrap(), "fill-opacity", ".14").swap_remove(0);
        let height = |v: f64| axes::TOP + axes::FRAME_SIDE * (5.0 - v) / 6.0;
        let (top, bottom) = bounds(&area, 1);
        assert!((top - height(3.0)).abs() < 0.02 && (bottom - height(0.0)).abs() < 0.02, "{area:?}");
        let banded = CurveFigure::new().curve(curve.band(&[0.5; 5], &[40.0; 5]));
        let svg = banded.left_scale(Scale::Linear).to_svg().unwrap();
        assert!(texts(&svg).contains(&"40".to_owned()), "{svg}");
        assert_eq!(paths(&svg, "fill-opacity", ".25").len(), 1);
    }

    #[test]
    fn a_band_that_is_not_positive_ends_at_a_logarithmic_axis() {
        let curve = Curve::new("mean", &X, &[1.0; 5]).band(&[-1.0; 5], &[10.0; 5]);
        let figure = CurveFigure::new().curve(curve).left_scale(Scale::Log).left_range(0.1, 100.0);
        let band = paths(&figure.to_svg().unwrap(), "fill-opacity", ".25").swap_remove(0);
        let (top, side) = (axes::TOP, axes::FRAME_SIDE);
        let (upper, lower) = bounds(&band, 1);
        assert!((upper - top - side / 3.0).abs() < 0.02 && (lower - top - side).abs() < 0.02, "{band:?}");
    }

    #[test]
    fn document_is_well_formed_escaped_and_deterministic() {
        let draw = || {
            figure(&[1.0, 0.01, 4.0, 0.02, 70.0])
                .curve(Curve::new("a < b & c", &X, &[0.1, 0.9, 0.5, 0.9, 0.1]).right_axis().dashed())
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
        let svg = CurveFigure::new().curve(Curve::new("long", &x, &y)).to_svg().unwrap();
        assert!(svg.len() < 20_000, "{}", svg.len());
    }

    #[test]
    fn bad_input_is_refused() {
        let refused = |figure: CurveFigure| figure.to_svg().unwrap_err();
        assert!(matches!(refused(CurveFigure::new()), Error::Empty { what: "curves" }));
        assert!(matches!(refused(figure(&[f64::NAN; 5])), Error::NoFiniteValue { .. }));
        assert!(matches!(refused(figure(&[1.0; 5]).left_range(2.0, 2.0)), Error::Range { .. }));
        assert!(matches!(refused(figure(&[1.0; 5]).guide(f64::NAN, "g")), Error::NotFinite { .. }));
        assert!(matches!(
            refused(CurveFigure::new().curve(Curve::new("c", &[], &[]))),
            Error::TooFewPoints { len: 0, .. }
        ));
    }
}
