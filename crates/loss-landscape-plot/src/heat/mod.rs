//! Heat maps: one coloured cell for each point.

mod draw;

use loss_landscape::Surface;
use ndarray::ArrayView2;

use crate::{
    ColorMap, CriticalPoints, Result, Scale,
    figure::{Draw, Figure},
    plane::{
        shared::SharedScale,
        values::{PlaneValues, Shareable, difference},
    },
    svg::Drawing,
};

/// A heat map of values over two directions: each point is a cell of one colour, with nothing
/// interpolated between points.
///
/// A cell reaches halfway to its neighbours, and as far beyond the outermost points. Cells whose value
/// is not finite, or not positive on a logarithmic scale, are hatched in grey; they are counted below the
/// figure, as are values outside an explicit colour range. There are 129 colours, too many to see steps.
///
/// Neighbouring cells of one colour are stored as one rectangle. Grids finer than about 420 × 420 points whose
/// values are so rough that this leaves more than 180,000 are drawn in square blocks of points, in the colour
/// of their mean (of logarithms on a logarithmic scale), which the caption says; a block with a missing point is
/// hatched. An SVG document has about 420 by 360 px.
///
/// # Example
///
/// ```
/// use loss_landscape_plot::{Figure, HeatFigure};
/// use ndarray::Array2;
///
/// let axis: Vec<f64> = (0..21).map(|k| f64::from(k) / 10.0 - 1.0).collect();
/// let accuracy = Array2::from_shape_fn((21, 21), |(i, j)| (-axis[i].powi(2) - axis[j].powi(2)).exp());
/// let svg = HeatFigure::new(&axis, &axis, accuracy.view())
///     .color_range(0.0, 1.0)
///     .value_label("accuracy")
///     .trajectory(&[0.8, 0.3, 0.1, 0.0], &[0.9, 0.5, 0.0, 0.0])
///     .to_svg()?;
/// assert!(svg.contains("trajectory from"));
/// # Ok::<(), loss_landscape_plot::Error>(())
/// ```
///
/// # Errors
/// Drawing ends in an [`Error`](crate::Error): `TooFewPoints`, `NotFinite` or `NotIncreasing` for an axis; `Length` for
/// values of another shape than that of the axes; `NoFiniteValue` or `NoPositiveValue` if there is nothing to draw;
/// `Range` for a colour range; `NotFinite` for a marker; `Length`, `Empty` or `TrajectoryLabel` for a trajectory.
#[derive(Clone, Debug)]
#[must_use]
pub struct HeatFigure {
    data: PlaneValues,
}

impl HeatFigure {
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
    /// use loss_landscape_plot::{HeatFigure, Figure};
    ///
    /// let model = FnModel::new(Layout::flat(2)?, vec![2.0, 1.0], |t: &[f64], _: &()| t[0] * t[0] + t[1] * t[1])?;
    /// let surface = Sweep::plane(&model, RandomDirections::new(42).pair(&model)?).data("train", &()).run()?;
    /// let svg = HeatFigure::from_surface(&surface, "train loss")?.title("A bowl").to_svg()?;
    /// assert!(svg.contains("train loss") && svg.contains("β"));
    /// let same = HeatFigure::from(&surface).title("A bowl").to_svg()?;
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
    /// use loss_landscape_plot::{HeatFigure, Figure};
    /// use ndarray::array;
    ///
    /// let (train, test) = (array![[0.1, 0.5], [0.4, 0.9]], array![[0.2, 0.5], [0.6, 0.8]]);
    /// let gap = HeatFigure::difference(&[0.0, 1.0], &[0.0, 1.0], test.view(), train.view())?;
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

    fn of(mut data: PlaneValues) -> Self {
        data.sheet.cells = true;
        Self { data }
    }
}

/// A figure of the first channel, as by `from_surface`.
impl From<&Surface> for HeatFigure {
    fn from(surface: &Surface) -> Self {
        Self::of(PlaneValues::from_first_channel(surface))
    }
}

impl Figure for HeatFigure {}

impl Draw for HeatFigure {
    fn draw(&self, scale: Option<&SharedScale>) -> Result<Drawing> {
        self.data.check()?;
        Ok(draw::draw(&self.data, scale, &self.data.resolve(scale)?))
    }

    fn shareable(&self) -> Option<Shareable<'_>> {
        Some(Shareable { values: &self.data, smooth: true })
    }
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::*;
    use crate::{
        ColorMap, Error, Scale, layout,
        svg::hatching::UNKNOWN_GROUND,
        testing::{axis, texts},
    };

    fn figure(nx: usize, ny: usize, f: impl Fn(f64, f64) -> f64) -> HeatFigure {
        let (x, y) = (axis(-1.0, 1.0, nx), axis(-1.0, 1.0, ny));
        let values = Array2::from_shape_fn((nx, ny), |(i, j)| f(x[i], y[j]));
        HeatFigure::new(&x, &y, values.view())
    }

    #[test]
    fn missing_cells_are_hatched_and_counted() {
        let mut figure = figure(8, 6, |x, y| 0.1 + x * x + y * y);
        assert!(!figure.to_svg().unwrap().contains(UNKNOWN_GROUND));
        figure.data.values[[3, 4]] = f64::NAN;
        figure.data.values[[4, 4]] = f64::INFINITY;
        figure.data.values[[7, 0]] = 0.0;
        let svg = figure.scale(Scale::Log).color_range(0.2, 5.0).to_svg().unwrap();
        assert_eq!(svg.matches(UNKNOWN_GROUND).count(), 1);
        let caption = texts(&svg).join(" | ");
        assert!(caption.contains("2 of 48 points not finite"), "{caption}");
        assert!(caption.contains("1 of 48 points not positive"), "{caption}");
        assert!(caption.contains("of 48 points outside the colour range"), "{caption}");
    }

    #[test]
    fn trajectories_are_drawn_in_the_coordinates_of_the_axes() {
        // Cells of the outermost points reach beyond them: the axes are -0.5 to 10.5 and -1 to 3.
        let (x, y) = (axis(0.0, 10.0, 11), [0.0, 2.0]);
        let svg = HeatFigure::new(&x, &y, Array2::zeros((11, 2)).view())
            .labelled_trajectory(&[0.0, 5.0, 20.0], &[3.0, 1.0, 1.0], [(1, "middle")])
            .to_svg()
            .unwrap();
        let document = roxmltree::Document::parse(&svg).unwrap();
        let number = |n: &roxmltree::Node<'_, '_>, name| n.attribute(name).unwrap().parse::<f64>().unwrap();
        let centers: Vec<[f64; 2]> = document
            .descendants()
            .filter(|n| n.has_tag_name("circle"))
            .map(|n| [number(&n, "cx"), number(&n, "cy")])
            .collect();
        let at = |u: f64, v: f64| {
            [layout::SIDE + u * layout::FRAME_SIDE, layout::TOP + (1.0 - v) * layout::FRAME_SIDE]
        };
        // Two dots, then the ring at the start; the end is outside.
        let expected = [at(0.5 / 11.0, 1.0), at(0.5, 0.5), at(0.5 / 11.0, 1.0)];
        assert_eq!(centers.len(), 3);
        let close = |a: &[f64; 2], b: &[f64; 2]| (a[0] - b[0]).hypot(a[1] - b[1]) < 0.02;
        assert!(centers.iter().zip(&expected).all(|(a, b)| close(a, b)), "{centers:?}");
        let caption = texts(&svg);
        assert!(caption.contains(&"middle".to_owned()));
        assert!(
            caption.iter().any(|t| t.contains("1 of 3 trajectory points outside the axes")),
            "{caption:?}"
        );
    }

    #[test]
    fn zero_has_the_middle_colour_of_a_diverging_map() {
        let zero = ColorMap::BlueRed.at(0.5).hex();
        let svg = figure(3, 3, |x, _| 5.0 * x).diverging().to_svg().unwrap();
        // Once as cells, once in the colour bar.
        assert_eq!(svg.matches(&zero).count(), 2);
        let same = Array2::from_elem((3, 3), 4.0);
        let axis = [0.0, 1.0, 2.0];
        let svg = HeatFigure::difference(&axis, &axis, same.view(), same.view()).unwrap().to_svg().unwrap();
        assert_eq!(svg.matches(&zero).count(), 2);
    }

    #[test]
    fn hostile_values_are_drawn_or_refused_without_panic() {
        let fields: [&dyn Fn(f64, f64) -> f64; 6] = [
            &|_, _| 2.0,
            &|x, y| x * y * f64::MAX,
            &|x, _| if x > 0.0 { 5e-324 } else { 0.0 },
            &|x, _| 10f64.powf(300.0 * x),
            &|x, y| if x > y { f64::INFINITY } else { f64::NEG_INFINITY },
            &|x, y| if (x, y) == (-1.0, -1.0) { 1.0 } else { f64::NAN },
        ];
        for (k, f) in fields.iter().enumerate() {
            for scale in [Scale::Auto, Scale::Linear, Scale::Log] {
                match figure(5, 4, f).scale(scale).to_svg() {
                    Ok(svg) => {
                        roxmltree::Document::parse(&svg).unwrap();
                        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{k}");
                    }
                    Err(Error::NoFiniteValue { .. } | Error::NoPositiveValue { .. }) => {}
                    Err(other) => panic!("{k}: {other}"),
                }
            }
        }
        let values = ndarray::array![[0.0, 1.0], [2.0, 3.0]];
        for x in [[f64::MIN, f64::MAX], [0.0, 5e-324], [1.0, 1.0 + f64::EPSILON]] {
            roxmltree::Document::parse(&HeatFigure::new(&x, &x, values.view()).to_svg().unwrap()).unwrap();
        }
    }
}
