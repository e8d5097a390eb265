//! Filled, labelled contours of a loss over two directions.

mod draw;

use loss_landscape::{SampledLandscape, Surface};
use ndarray::ArrayView2;

use crate::{
    ColorMap, CriticalPoints, Result, Scale,
    figure::{Draw, Figure},
    plane::{
        shared::SharedScale,
        values::{PlaneValues, Shareable, difference},
    },
    results,
    svg::Drawing,
};

/// A contour figure of a loss over two directions: filled bands, labelled isolines, colour bar.
///
/// Nothing is smoothed, unless you ask for [`splines`](Self::splines): isolines are linear interpolations between
/// neighbouring grid points, on the scale that is drawn (of the logarithm where colours are logarithmic). Lines are stored to
/// about 0.03 px; only for data as rough as noise on a fine grid are details below a pixel
/// dropped, to bound the file. Cells with a corner that is not finite are hatched in grey, and
/// the points are counted below the figure, as are values outside an explicit colour range.
///
/// An SVG document has about 420 by 360 px.
///
/// # Example
///
/// ```
/// use loss_landscape_plot::{ContourFigure, Figure};
/// use ndarray::Array2;
///
/// let x: Vec<f64> = (0..31).map(|k| f64::from(k) / 15.0 - 1.0).collect();
/// let y: Vec<f64> = (0..21).map(|k| f64::from(k) / 10.0 - 1.0).collect();
/// let loss = Array2::from_shape_fn((31, 21), |(i, j)| 0.02 + x[i].powi(2) + 9.0 * y[j].powi(2));
/// let svg = ContourFigure::new(&x, &y, loss.view())
///     .title("ResNet-56")
///     .x_label("α")
///     .y_label("β")
///     .value_label("training loss")
///     .marker(0.0, 0.0, "θ*")
///     .to_svg()?;
/// assert!(svg.starts_with("<svg"));
/// # Ok::<(), loss_landscape_plot::Error>(())
/// ```
///
/// # Errors
/// Drawing ends in an [`Error`](crate::Error): `TooFewPoints`, `NotFinite` or `NotIncreasing` for an axis; `Length` for
/// values of another shape than that of the axes; `NoFiniteValue` or `NoPositiveValue` if there is nothing to draw;
/// `Level` or `Range` for a level or colour range; `NotFinite` for a marker; `Length`, `Empty` or `TrajectoryLabel` for
/// a trajectory.
#[derive(Clone, Debug)]
#[must_use]
pub struct ContourFigure {
    data: PlaneValues,
    /// Whether isolines lie on splines.
    splines: bool,
}

impl ContourFigure {
    /// A figure of `values`, where `values[[i, j]]` belongs to (`x[i]`, `y[j]`): the first index runs along the
    /// horizontal axis. `x` and `y` must increase strictly, at any spacing.
    #[allow(clippy::needless_pass_by_value, reason = "views are passed by value throughout ndarray")]
    pub fn new(x: &[f64], y: &[f64], values: ArrayView2<'_, f64>) -> Self {
        Self::of(PlaneValues::new(x, y, &values))
    }

    /// A figure of one channel of a surface, its axes labelled α and β, its values with the name of the channel. Points
    /// that were not computed are missing. [`From`] takes the first channel, which is the loss on the first data set.
    ///
    /// # Example
    /// ```
    /// use loss_landscape::{FnModel, Layout, RandomDirections, Sweep};
    /// use loss_landscape_plot::{ContourFigure, Figure};
    ///
    /// let model = FnModel::new(Layout::flat(2)?, vec![2.0, 1.0], |t: &[f64], _: &()| t[0] * t[0] + t[1] * t[1])?;
    /// let surface = Sweep::plane(&model, RandomDirections::new(42).pair(&model)?).data("train", &()).run()?;
    /// let svg = ContourFigure::from_surface(&surface, "train loss")?.title("A bowl").to_svg()?;
    /// assert!(svg.contains("train loss") && svg.contains("β"));
    /// let same = ContourFigure::from(&surface).title("A bowl").to_svg()?;
    /// assert_eq!(same, svg);
    /// # Ok::<(), loss_landscape_plot::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Core`](crate::Error::Core) for a channel that the surface does not have.
    pub fn from_surface(surface: &Surface, channel: &str) -> Result<Self> {
        Ok(Self::of(PlaneValues::from_surface(surface, channel)?))
    }

    /// A figure of `first` − `second`, two surfaces over the same axes, [`diverging`](Self::diverging) from zero:
    /// blue where the first is lower, red where it is higher.
    ///
    /// # Example
    /// ```
    /// use loss_landscape_plot::{ContourFigure, Figure};
    /// use ndarray::array;
    ///
    /// let (train, test) = (array![[0.1, 0.5], [0.4, 0.9]], array![[0.2, 0.5], [0.6, 0.8]]);
    /// let gap = ContourFigure::difference(&[0.0, 1.0], &[0.0, 1.0], test.view(), train.view())?;
    /// let svg = gap.value_label("test − train loss").to_svg()?;
    /// assert!(svg.contains("test − train loss"));
    /// # Ok::<(), loss_landscape_plot::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Length`](crate::Error::Length) if the surfaces differ in shape.
    #[allow(clippy::needless_pass_by_value, reason = "views are passed by value throughout ndarray")]
    pub fn difference(
        x: &[f64],
        y: &[f64],
        first: ArrayView2<'_, f64>,
        second: ArrayView2<'_, f64>,
    ) -> Result<Self> {
        let difference = difference(&first, &second)?;
        Ok(Self::new(x, y, difference.view()).diverging())
    }

    /// A figure of one channel of a sampled surface, as by [`from_surface`](Self::from_surface), with its
    /// [standard errors](Self::standard_error), and the share of the samples that were evaluated in the caption.
    ///
    /// A map of the errors is a [`HeatFigure`](crate::HeatFigure) of the channel `"… standard error"`.
    ///
    /// ```
    /// use loss_landscape::{GridDimension, SampledLandscape};
    /// use loss_landscape_plot::{ContourFigure, Figure, HeatFigure, Result};
    ///
    /// fn draw(sampled: &SampledLandscape) -> Result<()> {
    ///     ContourFigure::from_sampled(sampled, "train loss")?.save("loss.svg")?;
    ///     HeatFigure::from_surface(sampled, "train loss standard error")?.save("error.svg")
    /// }
    /// ```
    ///
    /// # Errors
    /// [`Error::Core`](crate::Error::Core) for a channel that the oracle does not have.
    pub fn from_sampled(sampled: &SampledLandscape, channel: &str) -> Result<Self> {
        let errors = results::standard_error(sampled, channel)?;
        let figure = Self::from_surface(sampled, channel)?.standard_error(errors);
        Ok(figure.note(results::sampled_note(sampled)))
    }

    /// Shades, around each isoline, where the true value may be its level: where the level is within two of these
    /// standard errors of the value. That is an interval of 95 % at each point, not a band that holds the whole line.
    #[allow(clippy::needless_pass_by_value, reason = "views are passed by value throughout ndarray")]
    pub fn standard_error(mut self, errors: ArrayView2<'_, f64>) -> Self {
        self.data.errors = Some(errors.to_owned());
        self.data.sheet.notes.push("shaded: isolines within ±2 standard errors".to_owned());
        self
    }

    /// The title above the figure; none by default.
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.data.sheet.title = title.into();
        self
    }

    /// The label of the horizontal axis, that of the first index; none by default.
    pub fn x_label(mut self, label: impl Into<String>) -> Self {
        self.data.sheet.x_label = label.into();
        self
    }

    /// The label of the vertical axis, that of the second index; none by default.
    pub fn y_label(mut self, label: impl Into<String>) -> Self {
        self.data.sheet.y_label = label.into();
        self
    }

    /// The label of the colour bar: what the values are, and in which unit; none by default.
    pub fn value_label(mut self, label: impl Into<String>) -> Self {
        self.data.sheet.value_label = label.into();
        self
    }

    /// The colours of the values; [`ColorMap::Viridis`] by default.
    pub fn color_map(mut self, map: ColorMap) -> Self {
        self.data.sheet.color_map = map;
        self
    }

    /// Linear or logarithmic colours; [`Scale::Auto`] by default.
    pub fn scale(mut self, scale: Scale) -> Self {
        self.data.bands.scale = scale;
        self
    }

    /// Values at the ends of the colour map, instead of the least and greatest finite value. What is outside has
    /// the colour of the nearer end and is counted in the caption.
    pub fn color_range(mut self, low: f64, high: f64) -> Self {
        self.data.bands.range = Some((low, high));
        self
    }

    /// Puts zero in the middle of the colours, for values whose sign matters: the map becomes
    /// [`ColorMap::BlueRed`], the scale linear whatever [`scale`](Self::scale) says, and the range symmetric, as far
    /// as its farther end.
    pub fn diverging(mut self) -> Self {
        self.data.diverging();
        self
    }

    /// Draws bands and isolines on cubic splines through the values, along x and then along y, instead of straight
    /// interpolations, and says so in the caption. Of a smooth loss on a coarse grid it draws the curves that a finer grid
    /// would show, and of a rough one waves that are not there: splines overshoot where values jump. On a logarithmic scale
    /// it is the logarithms that are interpolated. With 256 points along an axis there is hardly anything to see of it.
    ///
    /// ```
    /// use loss_landscape_plot::{ContourFigure, Figure};
    /// use ndarray::Array2;
    ///
    /// let x: Vec<f64> = (0..9).map(|k| f64::from(k) / 4.0 - 1.0).collect();
    /// let bowl = Array2::from_shape_fn((9, 9), |(i, j)| x[i].powi(2) + x[j].powi(2));
    /// let figure = ContourFigure::new(&x, &x, bowl.view()).splines();
    /// assert!(figure.to_svg()?.contains("cubic splines between the points"));
    /// # Ok::<(), loss_landscape_plot::Error>(())
    /// ```
    pub fn splines(mut self) -> Self {
        if !self.splines {
            self.data.sheet.notes.push("cubic splines between the points".to_owned());
        }
        self.splines = true;
        self
    }

    /// Values at which to draw isolines, in any order, instead of about ten round numbers. Must be finite, and
    /// positive on a logarithmic scale. An empty list draws none.
    pub fn levels(mut self, levels: impl Into<Vec<f64>>) -> Self {
        self.data.bands.levels = Some(levels.into());
        self
    }

    /// Marks the position (`x`, `y`), in the units of the axes, with a dot and a label, which may be empty. Markers
    /// outside the axes are not drawn, and are counted in the caption.
    pub fn marker(mut self, x: f64, y: f64, label: impl Into<String>) -> Self {
        self.data.sheet.mark(x, y, label);
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
        self.data.sheet.join(x, y, labels);
        self
    }

    /// Marks minima and saddles: those of a [`TopologyReport`](loss_landscape::topology::TopologyReport) by a
    /// reference to it, or any [`CriticalPoints`]. Later ones take the place of earlier ones.
    pub fn critical_points(mut self, points: impl Into<CriticalPoints>) -> Self {
        self.data.sheet.critical_points = Some(points.into());
        self
    }

    /// Adds to what the caption says, such as where the values come from.
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.data.sheet.notes.push(note.into());
        self
    }

    fn of(data: PlaneValues) -> Self {
        Self { data, splines: false }
    }
}

/// A figure of the first channel, as by `from_surface`.
impl From<&Surface> for ContourFigure {
    fn from(surface: &Surface) -> Self {
        Self::of(PlaneValues::from_first_channel(surface))
    }
}

/// A figure of the first channel, as by `from_sampled`.
impl From<&SampledLandscape> for ContourFigure {
    fn from(sampled: &SampledLandscape) -> Self {
        let figure = Self::from(&**sampled).standard_error(results::first_standard_error(sampled));
        figure.note(results::sampled_note(sampled))
    }
}

impl Figure for ContourFigure {}

impl Draw for ContourFigure {
    fn draw(&self, scale: Option<&SharedScale>) -> Result<Drawing> {
        self.data.check()?;
        Ok(draw::draw(&self.data, self.splines, scale, &self.data.resolve(scale)?))
    }

    fn shareable(&self) -> Option<Shareable<'_>> {
        Some(Shareable { values: &self.data, smooth: false })
    }
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::*;
    use crate::{
        Error, Scale,
        svg::hatching::UNKNOWN_GROUND,
        testing::{axis, texts},
    };

    fn figure(nx: usize, ny: usize, f: impl Fn(f64, f64) -> f64) -> ContourFigure {
        let (x, y) = (axis(-1.0, 1.0, nx), axis(-1.0, 1.0, ny));
        let values = Array2::from_shape_fn((nx, ny), |(i, j)| f(x[i], y[j]));
        ContourFigure::new(&x, &y, values.view())
    }

    #[test]
    fn points_not_drawn_are_counted_and_masked() {
        let mut figure = figure(51, 51, |x, y| 0.1 + x * x + y * y);
        let plain = figure.to_svg().unwrap();
        assert!(!plain.contains(UNKNOWN_GROUND) && !plain.contains("not finite"));
        figure.data.values[[3, 4]] = f64::NAN;
        figure.data.values[[40, 5]] = f64::INFINITY;
        figure.data.values[[41, 5]] = f64::NEG_INFINITY;
        let svg = figure.color_range(0.2, 5.0).marker(7.0, 0.0, "far").to_svg().unwrap();
        assert_eq!(svg.matches(UNKNOWN_GROUND).count(), 1);
        let caption = texts(&svg).join(" | ");
        assert!(caption.contains("3 of 2601 points not finite"), "{caption}");
        let outside = axis(-1.0, 1.0, 51);
        let outside = outside
            .iter()
            .flat_map(|x| outside.iter().map(move |y| 0.1 + x * x + y * y))
            .filter(|&v| v < 0.2)
            .count();
        assert!(caption.contains(&format!("{outside} of 2601 points outside the colour range")));
        assert!(caption.contains("1 of 1 markers outside the axes"), "{caption}");
    }

    #[test]
    fn text_of_the_caller_is_escaped() {
        let nasty = "<a & \"b\"> \u{7}]]>";
        let svg = figure(3, 4, |x, y| x + y)
            .title(nasty)
            .x_label(nasty)
            .y_label(nasty)
            .value_label(nasty)
            .marker(0.0, 0.0, nasty)
            .to_svg()
            .unwrap();
        let shown = "<a & \"b\"> \u{fffd}]]>";
        assert_eq!(texts(&svg).iter().filter(|t| *t == shown).count(), 5);
    }

    #[test]
    fn output_is_deterministic_and_small() {
        let draw = || {
            figure(51, 51, |x, y| 0.02 + 30.0 * (x + 0.5 * y).powi(2) + 150.0 * (y - 0.4 * x).powi(2))
                .to_svg()
                .unwrap()
        };
        let svg = draw();
        assert_eq!(svg, draw());
        assert!(svg.len() < 150_000, "{}", svg.len());
        let labels = texts(&svg);
        assert!(labels.iter().filter(|t| *t == "10").count() >= 2, "{labels:?}");
    }

    #[test]
    fn fine_grids_stay_bounded() {
        let smooth = figure(501, 501, |x, y| 1.0 + x * x + (3.0 * y).sin());
        assert!(smooth.to_svg().unwrap().len() < 300_000);
        let noise = figure(201, 201, |x, y| ((x * 4321.7).sin() * (y * 1234.5).cos() * 1e4).fract());
        assert!(noise.to_svg().unwrap().len() < 5_000_000);
    }

    #[test]
    fn hostile_values_are_drawn_or_refused_without_panic() {
        let fields: [&dyn Fn(f64, f64) -> f64; 9] = [
            &|_, _| 2.0,
            &|_, _| 0.0,
            &|x, _| 10f64.powf(300.0 * x),
            &|x, y| x * y * f64::MAX,
            &|x, _| if x > 0.0 { f64::MAX } else { f64::MIN },
            &|x, _| if x > 0.0 { 5e-324 } else { 0.0 },
            &|x, _| 1.0 + f64::EPSILON * x.round(),
            &|x, y| {
                if x > y { f64::INFINITY } else { f64::NEG_INFINITY }
            },
            &|x, y| {
                if (x, y) == (-1.0, -1.0) { 1.0 } else { f64::NAN }
            },
        ];
        for (k, f) in fields.iter().enumerate() {
            for scale in [Scale::Auto, Scale::Linear, Scale::Log] {
                for (nx, ny) in [(2, 2), (5, 4)] {
                    match figure(nx, ny, f).scale(scale).to_svg() {
                        Ok(svg) => {
                            roxmltree::Document::parse(&svg).unwrap();
                            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{k}");
                        }
                        Err(Error::NoFiniteValue { .. } | Error::NoPositiveValue { .. }) => {}
                        Err(other) => panic!("{k}: {other}"),
                    }
                }
            }
        }
    }

    #[test]
    fn hostile_axes_are_drawn_without_panic() {
        let values = ndarray::array![[0.0, 1.0], [2.0, 3.0]];
        for x in [[f64::MIN, f64::MAX], [0.0, 5e-324], [1.0, 1.0 + f64::EPSILON], [1e300, 2e300]] {
            let svg = ContourFigure::new(&x, &x, values.view()).marker(x[0], x[1], "m").to_svg();
            roxmltree::Document::parse(&svg.unwrap()).unwrap();
        }
    }

    #[test]
    fn wrong_shapes_are_refused() {
        let empty = Array2::zeros((0, 0));
        assert!(matches!(
            ContourFigure::new(&[], &[], empty.view()).to_svg(),
            Err(Error::TooFewPoints { len: 0, .. })
        ));
        let one = Array2::zeros((1, 1));
        assert!(matches!(
            ContourFigure::new(&[0.0], &[0.0], one.view()).to_svg(),
            Err(Error::TooFewPoints { len: 1, .. })
        ));
        let swapped = Array2::zeros((2, 3));
        let error = ContourFigure::new(&[0.0, 1.0, 2.0], &[0.0, 1.0], swapped.view()).to_svg().unwrap_err();
        assert!(matches!(error, Error::Length { len: 2, expected: 3, .. }), "{error}");
        assert!(matches!(
            figure(3, 3, |x, _| x).marker(f64::NAN, 0.0, "m").to_svg(),
            Err(Error::NotFinite { .. })
        ));
    }

    #[test]
    fn differences_have_the_colour_of_zero_where_the_surfaces_agree() {
        let (x, y) = (axis(-1.0, 1.0, 9), axis(-1.0, 1.0, 9));
        let bowl = Array2::from_shape_fn((9, 9), |(i, j)| 1.0 + x[i] * x[i] + y[j] * y[j]);
        let same = ContourFigure::difference(&x, &y, bowl.view(), bowl.view()).unwrap().to_svg().unwrap();
        assert!(same.contains(&ColorMap::BlueRed.at(0.5).hex()));
        let tilted = Array2::from_shape_fn((9, 9), |(i, j)| bowl[[i, j]] - x[i]);
        let svg = ContourFigure::difference(&x, &y, bowl.view(), tilted.view()).unwrap().to_svg().unwrap();
        let numbers = texts(&svg);
        assert!(numbers.contains(&"0.0".to_owned()) && numbers.contains(&"−0.8".to_owned()), "{numbers:?}");
        assert!(ContourFigure::difference(&x, &y, bowl.view(), bowl.slice(ndarray::s![1.., ..])).is_err());
    }
}
