//! The result of a sweep: values over a line or a plane, with a report of how they were computed.

mod import;
mod provenance;
mod report;

use std::fmt;

use ndarray::{Array, ArrayView, Axis, Dimension, Ix1, Ix2, RemoveAxis};

pub(crate) use import::ensure_upwards;
pub use provenance::{DirectionRecord, Provenance};
pub use report::{BadPoint, OnBadPoint, PointFailure, Resumed, SweepEnd, SweepReport};

use crate::{Error, Result};

/// The values of a sweep over a grid of one dimension (a [`Curve`]) or two (a [`Surface`]), with a report of how they
/// were computed.
///
/// A sweep returns a landscape. [`from_channels`](Surface::from_channels) makes one from values of other programs, and
/// [`from_journal`](Self::from_journal) from the points in a journal. Maps of eigenvalue ratios
/// ([`RatioMap`](crate::RatioMap)), adaptive surfaces ([`AdaptiveSurface`](crate::AdaptiveSurface)) and sampled ones
/// ([`SampledLandscape`](crate::SampledLandscape)) are landscapes with more methods of their own: all methods below work
/// on them too.
///
/// # Reading values
///
/// A **channel** is one number that an evaluation yields, such as the loss or the accuracy. The oracle names it, and
/// the name of the data set, unless it is empty, is put before that. `[i]` is always the point α_i, `[i, j]` the point
/// (α_i, β_j):
///
/// ```
/// use loss_landscape::{FnModel, Layout, RandomDirections, Surface, Sweep};
///
/// let loss = |theta: &[f64], scale: &f64| scale * theta.iter().map(|t| t * t).sum::<f64>();
/// let model = FnModel::new(Layout::flat(4)?, vec![1.0; 4], loss)?;
/// let surface: Surface = Sweep::plane(&model, RandomDirections::new(1))
///     .data("train", &1.0)
///     .data("test", &2.0)
///     .alpha(-1.0..=1.0, 21)
///     .beta(0.0..=0.5, 6)
///     .run()?;
/// assert_eq!(surface.shape(), [21, 6]);
/// assert_eq!((surface.alpha()[10], surface.beta()[0]), (0.0, 0.0));
/// assert_eq!(surface.channels(), ["train loss", "test loss"]);
/// assert_eq!(surface.channel("test loss")?[[10, 0]], 8.0);
/// assert_eq!(surface.loss()[[10, 0]], 4.0); // the first channel of the first data set
/// let lowest = surface.loss().iter().copied().fold(f64::INFINITY, f64::min);
/// assert!(lowest <= 4.0);
/// assert_eq!(surface.values().shape(), [21, 6, 2]); // [α, β, channel]
/// println!("{surface}"); // surface of 21×6 points, train loss, test loss; train loss from … to …
/// # Ok::<(), loss_landscape::Error>(())
/// ```
///
/// # What went wrong
///
/// Where the oracle failed, the channels of that data set are NaN. Where it returned a value that is not finite, the
/// value is kept. The [`report`](Self::report) lists both kinds of points, with their coordinates:
///
/// ```
/// use loss_landscape::{FnModel, Layout, RandomDirections, grid_2d};
///
/// let model = FnModel::new(Layout::flat(2)?, vec![0.5, 0.5], |t: &[f64], _: &()| (t[0] - 0.2).ln())?;
/// let surface = grid_2d(&model, &(), RandomDirections::new(1))?;
/// let report = surface.report();
/// assert_eq!(report.computed, 51 * 51);
/// for bad in &report.bad_points {
///     let [i, j] = bad.index;
///     assert!(surface.loss()[[i, j]].is_nan());
///     println!("{bad}"); // point [0, 7] at (-1, -0.72): `loss` is NaN
/// }
/// # Ok::<(), loss_landscape::Error>(())
/// ```
///
/// If a sweep was stopped, or left points to other shards, [`computed`](Self::computed) says which points were
/// evaluated. In the result of an adaptive sweep it says which values are the oracle's own; the others are
/// interpolated.
///
/// # Files and figures
///
/// The features `json`, `npz` (for numpy), `csv` and, for surfaces, `vtk` (for ParaView) add `write_json`, `write_npz`,
/// `write_csv` and `write_vtk`. `to_npz_bytes` and its like return the bytes instead of writing a file; `read_npz` and
/// `from_npz_bytes` read them back, to the bit. The crate `loss-landscape-plot` draws figures and pages:
/// `ContourFigure::from(&surface)`.
#[derive(Clone, Debug)]
pub struct Landscape<D: GridDimension> {
    alpha: Vec<f64>,
    /// The single value 0 on a line.
    beta: Vec<f64>,
    /// [point × channel], points row by row.
    values: Vec<f64>,
    computed: Array<bool, D>,
    channels: Vec<String>,
    report: SweepReport,
}

/// The values of a sweep over a line or segment: a [`Landscape`] of one dimension, whose page has all methods. `[i]` is
/// always the point α_i.
///
/// ```
/// use loss_landscape::{Curve, FnModel, Layout, interpolate};
///
/// let two_wells = |t: &[f64], _: &()| (t[0] * t[0] - 1.0).powi(2);
/// let model = FnModel::new(Layout::flat(1)?, vec![1.0], two_wells)?;
/// let curve: Curve = interpolate(&model, &(), &[-1.0], &[1.0])?;
/// // The barrier between the two minimisers, and where it is.
/// let between = curve.alpha().iter().zip(curve.loss()).filter(|(alpha, _)| (0.0..=1.0).contains(*alpha));
/// let (alpha, height) = between.max_by(|a, b| a.1.total_cmp(b.1)).expect("points");
/// assert_eq!((*alpha, *height), (0.5, 1.0));
/// # Ok::<(), loss_landscape::Error>(())
/// ```
pub type Curve = Landscape<Ix1>;

/// The values of a sweep over a plane: a [`Landscape`] of two dimensions, whose page has all methods. `[i, j]` is
/// always the point (α_i, β_j).
///
/// ```
/// use loss_landscape::{FnModel, Layout, RandomDirections, Surface, grid_2d};
///
/// let model = FnModel::new(Layout::flat(3)?, vec![0.1; 3], |t: &[f64], _: &()| t.iter().map(|t| t * t).sum::<f64>())?;
/// let surface: Surface = grid_2d(&model, &(), RandomDirections::new(1))?;
/// // The lowest point of the plane, which need not be its centre.
/// let loss = surface.loss();
/// let ((i, j), lowest) = loss.indexed_iter().min_by(|a, b| a.1.total_cmp(b.1)).expect("points");
/// let (alpha, beta) = (surface.alpha()[i], surface.beta()[j]);
/// assert!(*lowest <= loss[[25, 25]], "at ({alpha}, {beta})");
/// # Ok::<(), loss_landscape::Error>(())
/// ```
pub type Surface = Landscape<Ix2>;

/// The dimensions that a landscape may have: `Ix1` or `Ix2`. The trait is sealed. A function for curves and surfaces
/// alike is generic over it:
///
/// ```
/// use loss_landscape::{FnModel, GridDimension, Landscape, Layout, RandomDirections, grid_2d, line_1d};
///
/// /// The share of points whose loss is at most twice that of the lowest.
/// fn flatness<D: GridDimension>(landscape: &Landscape<D>) -> f64 {
///     let loss = landscape.loss();
///     let lowest = loss.iter().copied().fold(f64::INFINITY, f64::min);
///     loss.iter().filter(|loss| **loss <= 2.0 * lowest).count() as f64 / loss.len() as f64
/// }
///
/// let loss = |t: &[f64], _: &()| 1.0 + t.iter().map(|t| t * t).sum::<f64>();
/// let model = FnModel::new(Layout::flat(2)?, vec![0.5; 2], loss)?;
/// let line = flatness(&line_1d(&model, &(), RandomDirections::new(1))?);
/// let plane = flatness(&grid_2d(&model, &(), RandomDirections::new(1))?);
/// assert!(line > 0.0 && plane > 0.0);
/// # Ok::<(), loss_landscape::Error>(())
/// ```
pub trait GridDimension: Dimension<Larger: RemoveAxis + Dimension<Smaller = Self>> + sealed::Sealed {
    /// The number of points along each axis, as [`Landscape::shape`] gives it: `[usize; 1]` or `[usize; 2]`.
    type Shape: AsRef<[usize]> + Copy + fmt::Debug + PartialEq;

    /// 1 or 2.
    #[doc(hidden)]
    const AXES: usize;
    /// `"curve"` or `"surface"`.
    #[doc(hidden)]
    const NAME: &'static str;

    /// The shape of a grid of `rows` × `columns` points; a line has one column.
    #[doc(hidden)]
    fn shape_of(rows: usize, columns: usize) -> Self::Shape;
    /// The same as a dimension of ndarray.
    #[doc(hidden)]
    fn grid(rows: usize, columns: usize) -> Self;
    /// The same with an additional last axis for the channels.
    #[doc(hidden)]
    fn with_channels(rows: usize, columns: usize, channels: usize) -> Self::Larger;
}

/// The parts of a landscape, before it has a dimension.
pub(crate) struct Parts {
    pub(crate) alpha: Vec<f64>,
    /// The single value 0 on a line.
    pub(crate) beta: Vec<f64>,
    /// [point × channel], points row by row.
    pub(crate) values: Vec<f64>,
    pub(crate) computed: Vec<bool>,
    pub(crate) channels: Vec<String>,
    pub(crate) report: SweepReport,
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for ndarray::Ix1 {}
    impl Sealed for ndarray::Ix2 {}
}

impl<D: GridDimension> Landscape<D> {
    pub(crate) fn assemble(parts: Parts) -> Self {
        let Parts { alpha, beta, values, computed, channels, report } = parts;
        let points = alpha.len() * beta.len();
        assert_eq!(values.len(), points * channels.len(), "a value for each point and channel");
        assert!(D::AXES == 2 || beta.len() == 1, "a curve has one row of points");
        #[expect(
            clippy::expect_used,
            reason = "parts are made by this crate, and a slip there must not pass"
        )]
        let computed =
            Array::from_shape_vec(D::grid(alpha.len(), beta.len()), computed).expect("a flag for each point");
        Self { alpha, beta, values, computed, channels, report }
    }

    /// The coordinates α, ascending.
    pub fn alpha(&self) -> &[f64] {
        &self.alpha
    }

    /// The number of points along each axis: `[m]` of a curve, `[m, n]` of a surface.
    pub fn shape(&self) -> D::Shape {
        D::shape_of(self.alpha.len(), self.beta.len())
    }

    /// The names of the channels: `"loss"`, or `"train loss"` if data sets have names. There is at least one.
    pub fn channels(&self) -> &[String] {
        &self.channels
    }

    /// One channel: a value for each point, NaN where nothing was computed or the oracle failed. In the result of an
    /// adaptive sweep, values that were not [`computed`](Self::computed) are interpolated.
    ///
    /// # Errors
    /// [`Error::UnknownChannel`], with the names that there are.
    pub fn channel(&self, name: &str) -> Result<ArrayView<'_, f64, D>> {
        Ok(self.channel_at(self.position(name)?))
    }

    /// The first channel of the first data set: in a sweep of losses, the loss. See [`channel`](Self::channel).
    pub fn loss(&self) -> ArrayView<'_, f64, D> {
        self.channel_at(0)
    }

    /// All values, with the channels on the last axis in the order of [`channels`](Self::channels): [α, channel] or
    /// [α, β, channel].
    pub fn values(&self) -> ArrayView<'_, f64, D::Larger> {
        let shape = D::with_channels(self.alpha.len(), self.beta.len(), self.channels.len());
        #[expect(clippy::expect_used, reason = "checked where the landscape was assembled")]
        ArrayView::from_shape(shape, &self.values).expect("a value for each point and channel")
    }

    /// Whether each point was computed. All were, unless the sweep was stopped, one of several shards, or adaptive.
    pub fn computed(&self) -> &Array<bool, D> {
        &self.computed
    }

    /// How the sweep went: how it ended, which points are bad, and from which θ, directions and data the values are.
    pub fn report(&self) -> &SweepReport {
        &self.report
    }

    /// The channel at a position of [`channels`](Self::channels).
    pub(crate) fn channel_at(&self, position: usize) -> ArrayView<'_, f64, D> {
        self.values().index_axis_move(Axis(D::AXES), position)
    }

    /// α and β; on a line the single β is 0.
    pub(crate) fn axes(&self) -> [&[f64]; 2] {
        [&self.alpha, &self.beta]
    }

    pub(crate) fn rows_and_columns(&self) -> [usize; 2] {
        [self.alpha.len(), self.beta.len()]
    }

    /// The position of a channel on the last axis of the values.
    pub(crate) fn position(&self, name: &str) -> Result<usize> {
        self.channels
            .iter()
            .position(|channel| channel == name)
            .ok_or_else(|| Error::UnknownChannel { name: name.to_owned(), names: self.channels.clone() })
    }
}

#[cfg(feature = "serde")]
impl<D: GridDimension> Landscape<D> {
    /// [point × channel], points row by row.
    pub(crate) fn flat_values(&self) -> &[f64] {
        &self.values
    }

    /// None for a curve.
    pub(crate) fn columns_axis(&self) -> Option<&[f64]> {
        (D::AXES == 2).then_some(self.beta.as_slice())
    }
}

impl Surface {
    /// The coordinates β, ascending.
    pub fn beta(&self) -> &[f64] {
        &self.beta
    }
}

/// One line: curve or surface, the number of points, the channels, and the range of the first one.
impl<D: GridDimension> fmt::Display for Landscape<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shape: Vec<String> = self.shape().as_ref().iter().map(ToString::to_string).collect();
        let finite = || self.loss().into_iter().copied().filter(|value| value.is_finite());
        write!(f, "{} of {} points, {}", D::NAME, shape.join("×"), self.channels.join(", "))?;
        if self.report.computed < self.report.total {
            write!(f, "; {} of {} computed", self.report.computed, self.report.total)?;
        }
        if !self.report.bad_points.is_empty() {
            write!(f, "; {} bad", self.report.bad_points.len())?;
        }
        match finite().next() {
            Some(first) => {
                let (low, high) = finite().fold((first, first), |(low, high), v| (low.min(v), high.max(v)));
                write!(f, "; {} from {low} to {high}", self.channels[0])
            }
            None => write!(f, "; no finite {}", self.channels[0]),
        }
    }
}

impl GridDimension for Ix1 {
    type Shape = [usize; 1];
    const AXES: usize = 1;
    const NAME: &'static str = "curve";

    fn shape_of(rows: usize, _: usize) -> Self::Shape {
        [rows]
    }
    fn grid(rows: usize, _: usize) -> Self {
        ndarray::Dim([rows])
    }
    fn with_channels(rows: usize, _: usize, channels: usize) -> Self::Larger {
        ndarray::Dim([rows, channels])
    }
}

impl GridDimension for Ix2 {
    type Shape = [usize; 2];
    const AXES: usize = 2;
    const NAME: &'static str = "surface";

    fn shape_of(rows: usize, columns: usize) -> Self::Shape {
        [rows, columns]
    }
    fn grid(rows: usize, columns: usize) -> Self {
        ndarray::Dim([rows, columns])
    }
    fn with_channels(rows: usize, columns: usize, channels: usize) -> Self::Larger {
        ndarray::Dim([rows, columns, channels])
    }
}
