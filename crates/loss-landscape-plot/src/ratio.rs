//! Maps of the ratio of the extreme eigenvalues over two directions.

use ndarray::{Array2, ArrayView2, Zip};

use super::bands::Bands;
use super::png::png_output;
use super::scale::Mapping;
use super::sheet::{Sheet, overlay_builders, sheet_builders};
use super::svg::Fragment;
use super::{axes, caption, numbers, ratio_draw, ticks};
use crate::Error;

/// Most levels chosen automatically, zero among them.
const MOST_LEVELS: usize = 13;

/// A map of |λₘᵢₙ / λₘₐₓ|, the ratio of the extreme eigenvalues of the Hessian, over two
/// directions: figure 7 of Li et al. (2018).
///
/// Where the ratio is small, the loss is nearly convex: what curvature is negative is small beside
/// the positive curvature. The scale is linear, from 0 to [`limit`](Self::limit); greater ratios
/// have the colour at its end, and are counted below the figure with the greatest of them.
///
/// What the absolute value hides is marked:
///
/// - where λₘᵢₙ ≥ 0 the loss is locally convex, and the ratio is the reciprocal of the condition
///   number: this region is dotted, and a heavy line, with the number 0, bounds it;
/// - where λₘₐₓ ≤ 0 no curvature is positive: this region is crossed, in the colour at the end of
///   the scale whatever the ratio;
/// - where both are 0 there is no ratio. Cells with such a corner, or with one that is not finite,
///   are hatched in grey.
///
/// A λₘᵢₙ that is 0 to rounding beside λₘₐₓ, to 4·[`f64::EPSILON`], is taken for 0, since its sign is noise.
///
/// Isolines are those of linear interpolations of the two eigenvalues between neighbouring grid
/// points, so that the ratio falls to 0 and rises again where λₘᵢₙ changes its sign. Nothing is
/// checked before [`to_svg`](Self::to_svg).
///
/// # Example
///
/// ```
/// use loss_landscape_plot::RatioFigure;
/// use ndarray::Array2;
///
/// let x: Vec<f64> = (0..25).map(|k| f64::from(k) / 12.0 - 1.0).collect();
/// let largest = Array2::from_elem((25, 25), 4.0);
/// let smallest = Array2::from_shape_fn((25, 25), |(i, j)| 0.1 - x[i].powi(2) - x[j].powi(2));
/// let svg = RatioFigure::new(&x, &x, smallest.view(), largest.view())
///     .title("ResNet-56")
///     .x_label("α")
///     .y_label("β")
///     .marker(0.0, 0.0, "θ*")
///     .to_svg()?;
/// assert!(svg.contains("45 of 625 points convex"));
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct RatioFigure {
    pub(super) sheet: Sheet,
    pub(super) min: Array2<f64>,
    pub(super) max: Array2<f64>,
    pub(super) uncertain: Option<Array2<bool>>,
    levels: Option<Vec<f64>>,
    limit: f64,
}

/// What is known of one point.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Curvature {
    /// The ratio, positive curvature given.
    Ratio(f64),
    /// No curvature is positive, some is negative.
    NoPositive,
    /// Both eigenvalues are zero.
    Flat,
    NotFinite,
}

impl Curvature {
    fn of(min: f64, max: f64) -> Self {
        if !(min.is_finite() && max.is_finite()) {
            Self::NotFinite
        } else if max > 0.0 {
            // A quotient that overflows is as good as the greatest number.
            Self::Ratio((min / max).abs().min(f64::MAX))
        } else if min == 0.0 && max == 0.0 {
            Self::Flat
        } else {
            Self::NoPositive
        }
    }

    /// Whether the point can be drawn.
    pub(super) fn is_known(self) -> bool {
        matches!(self, Self::Ratio(_) | Self::NoPositive)
    }
}

impl RatioFigure {
    /// A figure of the least and the greatest eigenvalue, where `[[i, j]]` of both belongs to
    /// (`x[i]`, `y[j]`): the first index runs along the horizontal axis. `x` and `y` must increase
    /// strictly, at any spacing.
    #[must_use]
    #[allow(clippy::needless_pass_by_value, reason = "views are passed by value throughout ndarray")]
    pub fn new(
        x: &[f64],
        y: &[f64],
        lambda_min: ArrayView2<'_, f64>,
        lambda_max: ArrayView2<'_, f64>,
    ) -> Self {
        let mut sheet = Sheet::new(x, y);
        "|λₘᵢₙ / λₘₐₓ|".clone_into(&mut sheet.value_label);
        Self {
            sheet,
            min: lambda_min.into_owned(),
            max: lambda_max.into_owned(),
            uncertain: None,
            levels: None,
            limit: 0.5,
        }
    }

    sheet_builders!(sheet);
    overlay_builders!(sheet);

    /// Upper end of the colour scale, above 0; 0.5 unless set, the value of the paper's figure.
    #[must_use]
    pub fn limit(mut self, limit: f64) -> Self {
        self.limit = limit;
        self
    }

    /// Ratios at which to draw isolines, in any order, instead of about ten round numbers up to the
    /// limit. Must be finite; no ratio is below 0, and the line at 0 is always drawn. With a level above
    /// the limit, the limit is a level too: what is beyond it has one colour.
    #[must_use]
    pub fn levels(mut self, levels: impl Into<Vec<f64>>) -> Self {
        self.levels = Some(levels.into());
        self
    }

    /// Points whose ratio is not known to the tolerance that was asked for, with the same indices
    /// as the eigenvalues. They are drawn like all others, marked with a small × and counted below
    /// the figure.
    #[must_use]
    #[allow(clippy::needless_pass_by_value, reason = "views are passed by value throughout ndarray")]
    pub fn uncertain(mut self, points: ArrayView2<'_, bool>) -> Self {
        self.uncertain = Some(points.into_owned());
        self
    }

    /// The figure as an SVG document, about 420 by 370 px.
    ///
    /// # Errors
    ///
    /// - [`Error::TooFewPoints`], [`Error::NotFinite`] or [`Error::AxisOrder`] if an
    ///   axis has fewer than two points, one that is not finite, or one not above the last;
    /// - [`Error::Length`] if the shape of an array is not that of the axes;
    /// - [`Error::NoFiniteValue`] if at no point both eigenvalues are finite and one is not 0;
    /// - [`Error::Range`] for a limit that is not finite or not above 0, [`Error::Level`]
    ///   for a level that is not finite;
    /// - [`Error::NotFinite`] for a marker whose position is not finite; [`Error::Length`] or
    ///   [`Error::PointIndex`] for a trajectory of unequal lengths, or a label that has no point.
    pub fn to_svg(&self) -> Result<String, Error> {
        Ok(self.draw()?.into_document())
    }

    png_output!();

    pub(super) fn draw(&self) -> Result<Fragment, Error> {
        self.sheet.check()?;
        self.sheet.check_shape("least eigenvalues", self.min.dim())?;
        self.sheet.check_shape("greatest eigenvalues", self.max.dim())?;
        if let Some(points) = &self.uncertain {
            self.sheet.check_shape("uncertain points", points.dim())?;
        }
        let bands = self.bands()?;
        let figure = self.rounded();
        let points = figure.curvatures();
        if !points.iter().any(|point| point.is_known()) {
            return Err(Error::NoFiniteValue { what: self.sheet.value_label.clone() });
        }
        Ok(ratio_draw::draw(&figure, &bands, &points, &figure.notes(&points)))
    }

    /// Without signs that are rounding.
    fn rounded(&self) -> Self {
        let mut figure = self.clone();
        Zip::from(&mut figure.min).and(&self.max).for_each(|min, max| {
            if min.abs() <= 4.0 * f64::EPSILON * max.abs() {
                *min = 0.0;
            }
        });
        figure
    }

    fn curvatures(&self) -> Array2<Curvature> {
        Zip::from(&self.min).and(&self.max).map_collect(|&min, &max| Curvature::of(min, max))
    }

    /// The scale, with 0 for its first level.
    fn bands(&self) -> Result<Bands, Error> {
        axes::check_range("ratio scale", (0.0, self.limit), false)?;
        let given = self.levels.as_deref().unwrap_or(&[]);
        if let Some(index) = given.iter().position(|v| !v.is_finite()) {
            return Err(Error::Level { index, value: given[index], log: false });
        }
        let mut levels = self.levels.clone().unwrap_or_else(|| ticks::linear(0.0, self.limit, MOST_LEVELS));
        levels.retain(|&v| v > 0.0);
        levels.push(0.0);
        if levels.iter().any(|&v| v > self.limit) {
            levels.push(self.limit);
        }
        levels.sort_by(f64::total_cmp);
        levels.dedup();
        let largest = levels.iter().copied().fold(self.limit, f64::max);
        Ok(Bands { mapping: Mapping::new(false, largest), lo: 0.0, hi: self.limit, levels })
    }

    /// Whether the point has the colour at the end of the scale.
    pub(super) fn is_beyond(&self, point: Curvature) -> bool {
        match point {
            Curvature::Ratio(ratio) => ratio > self.limit,
            other => other == Curvature::NoPositive,
        }
    }

    /// The key of the marks, and what the figure does not show, for its caption.
    fn notes(&self, points: &Array2<Curvature>) -> Vec<String> {
        let note = |count, what: &str| caption::note(count, points.len(), "points", what);
        let count = |f: &dyn Fn(Curvature) -> bool| points.iter().filter(|&&p| f(p)).count();
        let known = || Zip::from(points).and(&self.min).and(&self.max);
        let sign = |f: fn(f64, f64) -> bool| {
            known().fold(0, |n, point, &min, &max| n + usize::from(point.is_known() && f(min, max)))
        };
        let convex = sign(|min, _| min >= 0.0);
        let beyond = |p: Curvature| matches!(p, Curvature::Ratio(_)) && self.is_beyond(p);
        let greatest = points.iter().fold(0.0, |m: f64, p| match p {
            Curvature::Ratio(ratio) => m.max(*ratio),
            _ => m,
        });
        let above = format!("above {} (greatest {})", numbers::brief(self.limit), numbers::brief(greatest));
        let uncertain = self.uncertain.as_ref().map_or(0, |flags| {
            Zip::from(points).and(flags).fold(0, |n, p, &flag| n + usize::from(flag && p.is_known()))
        });
        let inverted = sign(|min, max| min > max);
        [
            note(convex, "convex, λₘᵢₙ ≥ 0 (dotted)"),
            (convex > 0 && sign(|min, _| min < 0.0) > 0).then(|| "heavy line: λₘᵢₙ = 0".to_owned()),
            note(count(&|p| p == Curvature::NoPositive), "with λₘₐₓ ≤ 0 (crossed)"),
            note(count(&beyond), &above),
            note(uncertain, "uncertain (×)"),
            note(count(&|p| p == Curvature::Flat), "flat, λₘᵢₙ = λₘₐₓ = 0"),
            note(count(&|p| p == Curvature::NotFinite), "not finite"),
            note(inverted, "with λₘᵢₙ > λₘₐₓ"),
        ]
        .into_iter()
        .flatten()
        .chain(self.sheet.overlay_notes())
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::color::ColorMap;
    use super::super::probe::{axis, texts};
    use super::*;

    fn figure(nx: usize, ny: usize, eigenvalues: impl Fn(f64, f64) -> [f64; 2]) -> RatioFigure {
        let (x, y) = (axis(-1.0, 1.0, nx), axis(-1.0, 1.0, ny));
        let of = |k: usize| Array2::from_shape_fn((nx, ny), |(i, j)| eigenvalues(x[i], y[j])[k]);
        RatioFigure::new(&x, &y, of(0).view(), of(1).view())
    }

    fn caption(figure: &RatioFigure) -> String {
        texts(&figure.to_svg().unwrap()).join(" | ")
    }

    #[test]
    fn a_smooth_map_counts_convex_points_and_those_beyond_the_limit() {
        // Convex where |x| ≤ 0.5: 5 of 9 columns; beyond where |x| = 1, with ratio 0.75.
        let figure = figure(9, 7, |x, _| [0.25 - x * x, 1.0]);
        let caption = caption(&figure);
        assert!(caption.contains("35 of 63 points convex, λmin ≥ 0 (dotted)"), "{caption}");
        assert!(caption.contains("heavy line: λmin = 0"), "{caption}");
        assert!(caption.contains("14 of 63 points above 0.5 (greatest 0.75)"), "{caption}");
        assert!(caption.contains("|λmin / λmax|") && caption.contains("0.50"), "{caption}");
        let svg = figure.to_svg().unwrap();
        assert_eq!(svg.matches("fill=\"url(#loss-landscape-dots)\"").count(), 1);
        assert!(!svg.contains("loss-landscape-crossed") && !svg.contains("loss-landscape-hatch"));
        assert_eq!(svg, figure.to_svg().unwrap());
    }

    #[test]
    fn maps_of_one_sign_have_no_zero_line() {
        let convex = figure(5, 5, |x, _| [0.2 + 0.1 * x, 1.0]);
        assert!(caption(&convex).contains("25 of 25 points convex") && !caption(&convex).contains("heavy"));
        let saddle = figure(5, 5, |_, _| [-0.2, 1.0]).limit(0.2);
        let caption = caption(&saddle);
        for word in ["convex", "heavy", "above", "points"] {
            assert!(!caption.contains(word), "{caption}");
        }
    }

    #[test]
    fn rounding_has_no_sign() {
        let noise = figure(9, 7, |x, y| [1e-15 * (50.0 * x + 31.0 * y).sin(), 2.0]);
        let zero = figure(9, 7, |_, _| [0.0, 2.0]);
        assert_eq!(noise.to_svg().unwrap(), zero.to_svg().unwrap());
        assert!(caption(&noise).contains("63 of 63 points convex"));
        assert!(!caption(&figure(9, 7, |_, _| [-1e-14, 2.0])).contains("convex"));
    }

    #[test]
    fn every_kind_of_point_is_counted() {
        let (x, y) = ([0.0, 1.0, 2.0], [0.0, 1.0]);
        let min = ndarray::array![[-1.0, f64::NAN], [0.0, 2.0], [-1.0, -3.0]];
        let max = ndarray::array![[-0.5, 1.0], [0.0, 1.0], [0.0, 1e-320]];
        let flags = ndarray::array![[false, true], [true, true], [false, true]];
        let figure =
            RatioFigure::new(&x, &y, min.view(), max.view()).uncertain(flags.view()).marker(9.0, 0.0, "away");
        let caption = caption(&figure);
        for note in [
            "1 of 6 points convex",
            "2 of 6 points with λmax ≤ 0 (crossed)",
            "2 of 6 points above 0.5 (greatest 1.8e308)",
            "2 of 6 points uncertain (×)",
            "1 of 6 points flat, λmin = λmax = 0",
            "1 of 6 points not finite",
            "1 of 6 points with λmin > λmax",
            "1 of 1 markers outside the axes",
        ] {
            assert!(caption.contains(note), "{note}: {caption}");
        }
    }

    #[test]
    fn levels_are_the_callers_and_zero() {
        let figure = figure(9, 7, |x, _| [-x - 1.0, 10.0]).limit(0.2).levels([0.1, -3.0, 0.05, 0.1]);
        let bands = figure.bands().unwrap();
        assert_eq!((bands.lo, bands.hi), (0.0, 0.2));
        assert_eq!(bands.levels, [0.0, 0.05, 0.1]);
        let bands = figure.clone().levels([0.3, 0.1]).bands().unwrap();
        assert_eq!(bands.levels, [0.0, 0.1, 0.2, 0.3]);
        let colors = bands.colors(ColorMap::default());
        assert!(colors[3] == colors[4] && colors[2] != colors[3]);
        assert_eq!(figure.levels([]).bands().unwrap().levels, [0.0]);
    }

    #[test]
    fn hostile_eigenvalues_are_drawn_or_refused_without_panic() {
        let big = f64::MAX;
        let fields: [&dyn Fn(f64, f64) -> [f64; 2]; 7] = [
            &|x, y| [x * big, y * big],
            &|x, _| [if x > 0.0 { big } else { -big }, 5e-324],
            &|_, _| [0.0, 0.0],
            &|x, y| [x.min(y), -big],
            &|x, _| [f64::NEG_INFINITY * x, 1.0],
            &|x, y| [(x * 4321.7).sin() * y, (y * 1234.5).cos()],
            &|_, _| [-1.0, -1.0],
        ];
        for (k, f) in fields.iter().enumerate() {
            for limit in [5e-324, 0.5, 3.0, big] {
                match figure(9, 7, f).limit(limit).to_svg() {
                    Ok(svg) => {
                        roxmltree::Document::parse(&svg).unwrap();
                        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{k} {limit}");
                    }
                    Err(Error::NoFiniteValue { .. }) => assert!(k == 2 || k == 4, "{k}"),
                    Err(other) => panic!("{k} {limit}: {other}"),
                }
            }
        }
    }

    #[test]
    fn wrong_input_is_refused() {
        let good = || figure(3, 4, |x, _| [x, 2.0]);
        for limit in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            let error = good().limit(limit).to_svg().unwrap_err();
            assert!(matches!(error, Error::Range { log: false, .. }), "{error}");
        }
        assert!(matches!(good().levels([0.1, f64::NAN]).to_svg(), Err(Error::Level { index: 1, .. })));
        assert!(matches!(good().marker(0.0, f64::NAN, "").to_svg(), Err(Error::NotFinite { .. })));
        assert!(matches!(figure(1, 3, |_, _| [0.0, 1.0]).to_svg(), Err(Error::TooFewPoints { .. })));
        assert!(matches!(figure(3, 3, |_, _| [f64::NAN, 1.0]).to_svg(), Err(Error::NoFiniteValue { .. })));
        let mut other = good();
        other.max = Array2::ones((4, 3));
        assert_eq!(
            other.to_svg().unwrap_err().to_string(),
            "first dimension of the greatest eigenvalues has 4 elements, expected 3"
        );
        let flags = Array2::from_elem((3, 3), true);
        assert!(matches!(good().uncertain(flags.view()).to_svg(), Err(Error::Length { len: 3, .. })));
        let swapped = RatioFigure::new(
            &[0.0, 0.0],
            &[0.0, 1.0],
            Array2::ones((2, 2)).view(),
            Array2::ones((2, 2)).view(),
        );
        assert!(matches!(swapped.to_svg(), Err(Error::AxisOrder { .. })));
    }
}
