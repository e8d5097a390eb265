//! Maps of the ratio of the extreme eigenvalues over two directions.

mod draw;
mod eigenvalues;

use loss_landscape::{RatioMap, curvature::RatioState};
use ndarray::{Array2, ArrayView2, Zip};

use self::eigenvalues::{Curvature, Eigenvalues};
use crate::{
    ColorMap, CriticalPoints, Error, Result,
    axis::{numbers, scale::Mapping, ticks},
    caption,
    checks::check_range,
    figure::{Draw, Figure},
    plane::{bands::Bands, shared::SharedScale, sheet::Sheet},
    results,
    svg::Drawing,
};

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
/// points, so that the ratio falls to 0 and rises again where λₘᵢₙ changes its sign. An SVG document has about 420
/// by 370 px.
///
/// # Example
///
/// ```
/// use loss_landscape_plot::{Figure, RatioFigure};
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
/// # Ok::<(), loss_landscape_plot::Error>(())
/// ```
///
/// # Errors
/// Drawing ends in [`Error::TooFewPoints`], [`Error::NotFinite`] or [`Error::NotIncreasing`] for an axis;
/// [`Error::Length`] for an array of another shape than that of the axes; [`Error::NoFiniteValue`] if at no point both
/// eigenvalues are finite and one is not 0; [`Error::Range`] for a limit that is not finite or not above 0;
/// [`Error::Level`] for a level that is not finite; [`Error::NotFinite`] for a marker;
/// [`Error::Length`], [`Error::Empty`] or [`Error::TrajectoryLabel`] for a trajectory.
#[derive(Clone, Debug)]
#[must_use]
pub struct RatioFigure {
    sheet: Sheet,
    eigenvalues: Eigenvalues,
    levels: Option<Vec<f64>>,
    /// What is known of the points of a map that are not certified.
    assurance: Vec<String>,
}

impl RatioFigure {
    /// A figure of the least and the greatest eigenvalue, where `[[i, j]]` of both belongs to (`x[i]`, `y[j]`): the
    /// first index runs along the horizontal axis. `x` and `y` must increase strictly, at any spacing.
    #[allow(clippy::needless_pass_by_value, reason = "views are passed by value throughout ndarray")]
    pub fn new(
        x: &[f64],
        y: &[f64],
        lambda_min: ArrayView2<'_, f64>,
        lambda_max: ArrayView2<'_, f64>,
    ) -> Self {
        let mut sheet = Sheet::new(x, y);
        "|λₘᵢₙ / λₘₐₓ|".clone_into(&mut sheet.value_label);
        let (min, max) = (lambda_min.into_owned(), lambda_max.into_owned());
        let eigenvalues = Eigenvalues { min, max, uncertain: None, limit: 0.5 };
        Self { sheet, eigenvalues, levels: None, assurance: Vec::new() }
    }

    /// A figure of a map of the eigenvalue ratio, on its first data set: its axes labelled α and β, its
    /// [`uncertain`](Self::uncertain) points marked. Below the figure stands how many points are not certified, and
    /// what the map's own [audit](loss_landscape::curvature::Audit) says of them. [`From`] does the same.
    ///
    /// # Example
    /// ```no_run
    /// use loss_landscape::{EigenRatio, Gradient, HessianProduct, Loss, RandomDirections, Sweep};
    /// use loss_landscape_plot::{Figure, RatioFigure};
    ///
    /// fn draw<M, D>(model: &M, data: &D) -> Result<(), Box<dyn std::error::Error>>
    /// where
    ///     M: HessianProduct<D> + Sync,
    ///     D: Sync,
    /// {
    ///     let directions = RandomDirections::new(42).pair(model)?;
    ///     let map = Sweep::plane(model, directions).data("", data).eigen_ratio(&EigenRatio::new())?;
    ///     Ok(RatioFigure::from_map(&map).title("|λₘᵢₙ / λₘₐₓ| of the Hessian").save("ratio.svg")?)
    /// }
    /// ```
    pub fn from_map(map: &RatioMap) -> Self {
        let mut figure = Self::new(map.alpha(), map.beta(), map.lambda_min(), map.lambda_max());
        figure.sheet.label_axes(results::LABELS);
        figure.assurance = assurance(map);
        figure.uncertain(map.uncertain().view())
    }

    /// The title above the figure; none by default.
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.sheet.title = title.into();
        self
    }

    /// The label of the horizontal axis, that of the first index; none by default.
    pub fn x_label(mut self, label: impl Into<String>) -> Self {
        self.sheet.x_label = label.into();
        self
    }

    /// The label of the vertical axis, that of the second index; none by default.
    pub fn y_label(mut self, label: impl Into<String>) -> Self {
        self.sheet.y_label = label.into();
        self
    }

    /// The label of the colour bar: what the values are, and in which unit; `|λₘᵢₙ / λₘₐₓ|` by default.
    pub fn value_label(mut self, label: impl Into<String>) -> Self {
        self.sheet.value_label = label.into();
        self
    }

    /// The colours of the values; [`ColorMap::Viridis`] by default.
    pub fn color_map(mut self, map: ColorMap) -> Self {
        self.sheet.color_map = map;
        self
    }

    /// The upper end of the colour scale, above 0; 0.5 by default, the value of the paper's figure.
    pub fn limit(mut self, limit: f64) -> Self {
        self.eigenvalues.limit = limit;
        self
    }

    /// Ratios at which to draw isolines, in any order, instead of about ten round numbers up to the limit. Must be
    /// finite; no ratio is below 0, and the line at 0 is always drawn. With a level above the limit, the limit is a
    /// level too: what is beyond it has one colour.
    pub fn levels(mut self, levels: impl Into<Vec<f64>>) -> Self {
        self.levels = Some(levels.into());
        self
    }

    /// Points whose ratio is not known to the tolerance that was asked for, with the same indices as the
    /// eigenvalues. They are drawn like all others, marked with a small × and counted below the figure.
    #[allow(clippy::needless_pass_by_value, reason = "views are passed by value throughout ndarray")]
    pub fn uncertain(mut self, points: ArrayView2<'_, bool>) -> Self {
        self.eigenvalues.uncertain = Some(points.into_owned());
        self
    }

    /// Marks the position (`x`, `y`), in the units of the axes, with a dot and a label, which may be empty. Markers
    /// outside the axes are not drawn, and are counted in the caption.
    pub fn marker(mut self, x: f64, y: f64, label: impl Into<String>) -> Self {
        self.sheet.mark(x, y, label);
        self
    }

    /// Joins the points (`x[k]`, `y[k]`), in the units of the axes, by a line, such as the path of a training, from
    /// a ring at the first to a diamond at the last. Points outside the axes, and points that are not finite, are
    /// not drawn, and are counted in the caption; the line ends where it leaves the axes.
    pub fn trajectory(self, x: &[f64], y: &[f64]) -> Self {
        self.labelled_trajectory(x, y, std::iter::empty::<(usize, String)>())
    }

    /// A [`trajectory`](Self::trajectory) with labels at some of its points, given by their indices.
    pub fn labelled_trajectory<L: Into<String>>(
        mut self,
        x: &[f64],
        y: &[f64],
        labels: impl IntoIterator<Item = (usize, L)>,
    ) -> Self {
        self.sheet.join(x, y, labels);
        self
    }

    /// Marks minima and saddles: those of a [`TopologyReport`](loss_landscape::topology::TopologyReport) by a
    /// reference to it, or any [`CriticalPoints`]. Later ones take the place of earlier ones.
    pub fn critical_points(mut self, points: impl Into<CriticalPoints>) -> Self {
        self.sheet.critical_points = Some(points.into());
        self
    }

    fn check(&self) -> Result<()> {
        let Eigenvalues { min, max, uncertain, .. } = &self.eigenvalues;
        self.sheet.check()?;
        self.sheet.check_shape("least eigenvalues", min.dim())?;
        self.sheet.check_shape("greatest eigenvalues", max.dim())?;
        match uncertain {
            Some(points) => self.sheet.check_shape("uncertain points", points.dim()),
            None => Ok(()),
        }
    }

    /// The scale, with 0 for its first level.
    fn bands(&self) -> Result<Bands> {
        check_range("ratio scale", (0.0, self.eigenvalues.limit), false)?;
        let given = self.levels.as_deref().unwrap_or(&[]);
        if let Some(index) = given.iter().position(|v| !v.is_finite()) {
            return Err(Error::Level { index, value: given[index], log: false });
        }
        let mut levels =
            self.levels.clone().unwrap_or_else(|| ticks::linear(0.0, self.eigenvalues.limit, MOST_LEVELS));
        levels.retain(|&v| v > 0.0);
        levels.push(0.0);
        if levels.iter().any(|&v| v > self.eigenvalues.limit) {
            levels.push(self.eigenvalues.limit);
        }
        levels.sort_by(f64::total_cmp);
        levels.dedup();
        let largest = levels.iter().copied().fold(self.eigenvalues.limit, f64::max);
        Ok(Bands { mapping: Mapping::new(false, largest), lo: 0.0, hi: self.eigenvalues.limit, levels })
    }

    /// The key of the marks, and what the figure does not show, for its caption.
    fn notes(&self, eigenvalues: &Eigenvalues, points: &Array2<Curvature>) -> Vec<String> {
        let note = |count, what: &str| caption::note(count, points.len(), "points", what);
        let count = |f: &dyn Fn(Curvature) -> bool| points.iter().filter(|&&p| f(p)).count();
        let known = || Zip::from(points).and(&eigenvalues.min).and(&eigenvalues.max);
        let sign = |f: fn(f64, f64) -> bool| {
            known().fold(0, |n, point, &min, &max| n + usize::from(point.is_known() && f(min, max)))
        };
        let convex = sign(|min, _| min >= 0.0);
        let beyond = |p: Curvature| matches!(p, Curvature::Ratio(_)) && eigenvalues.is_beyond(p);
        let greatest = points.iter().fold(0.0, |m: f64, p| match p {
            Curvature::Ratio(ratio) => m.max(*ratio),
            _ => m,
        });
        let above =
            format!("above {} (greatest {})", numbers::brief(eigenvalues.limit), numbers::brief(greatest));
        let uncertain = eigenvalues.uncertain.as_ref().map_or(0, |flags| {
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
        .chain(self.assurance.iter().cloned())
        .chain(self.sheet.overlay_notes())
        .collect()
    }
}

/// How many points of the first data set are warm, and what the map found of them when it checked itself.
fn assurance(map: &RatioMap) -> Vec<String> {
    let states = map.states().column(0);
    let warm = states.iter().filter(|state| **state == Some(RatioState::Warm)).count();
    let note =
        caption::note(warm, states.len(), "points", "warm: as neighbours lead to expect, not certified");
    let audit = map.audits().first().filter(|audit| warm > 0 && audit.points > 0).map(|audit| {
        format!(
            "of {} drawn {} were off: at most {} % of the warm (95 %)",
            audit.points,
            audit.off,
            numbers::brief(100.0 * audit.upper_bound)
        )
    });
    note.into_iter().chain(audit).chain(map.reason()).collect()
}

/// As by [`from_map`](RatioFigure::from_map).
impl From<&RatioMap> for RatioFigure {
    fn from(map: &RatioMap) -> Self {
        Self::from_map(map)
    }
}

impl Figure for RatioFigure {}

impl Draw for RatioFigure {
    fn draw(&self, _: Option<&SharedScale>) -> Result<Drawing> {
        self.check()?;
        let bands = self.bands()?;
        let eigenvalues = self.eigenvalues.rounded();
        let points = eigenvalues.curvatures();
        if !points.iter().any(|point| point.is_known()) {
            return Err(Error::NoFiniteValue { what: self.sheet.value_label.clone() });
        }
        Ok(draw::draw(&self.sheet, &eigenvalues, &bands, &points, &self.notes(&eigenvalues, &points)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        colors::ColorMap,
        svg::hatching::Hatching,
        testing::{axis, hatched, texts},
    };

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
        let count = |hatching: Hatching| hatched(&svg, hatching.strokes()[0].2).len();
        assert!(count(Hatching::Dots) > 500);
        assert_eq!((count(Hatching::Crossed), count(Hatching::Unknown)), (0, 0));
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
        other.eigenvalues.max = Array2::ones((4, 3));
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
        assert!(matches!(swapped.to_svg(), Err(Error::NotIncreasing { .. })));
    }
}
