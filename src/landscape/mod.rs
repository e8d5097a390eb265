//! The result of a sweep: values over a line or a plane, and what is known of them.

mod import;
mod provenance;
mod report;

use std::fmt;

use ndarray::{Array, ArrayView, Axis, Dimension, Ix1, Ix2, RemoveAxis};

pub(crate) use import::ensure_upwards;
pub use provenance::{DirectionRecord, Provenance};
pub use report::{BadPoint, OnBadPoint, PointFailure, Resumed, SweepEnd, SweepReport};

use crate::{Error, Result};

/// The values of a sweep over a grid of one dimension (a [`Curve`]) or two (a [`Surface`]), with all that is known of
/// them.
///
/// A sweep ends in a landscape; [`from_channels`](Surface::from_channels) makes one of values from elsewhere, and
/// [`from_journal`](Self::from_journal) of the points that a journal has. Maps of eigenvalue ratios
/// ([`RatioMap`](crate::RatioMap)) and adaptive surfaces ([`AdaptiveSurface`](crate::AdaptiveSurface)) are landscapes
/// that know more: all methods below work on them too.
///
/// # Reading values
///
/// A **channel** is one figure that an evaluation yields, such as the loss or the accuracy. Its name is the oracle's,
/// with the name of the data set before it where that is not empty. `[i]` is always the point α_i, `[i, j]` the point
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
/// println!("{surface}");
/// # Ok::<(), loss_landscape::Error>(())
/// ```
///
/// # What went wrong
///
/// A point at which the oracle failed is NaN in the channels of that data set; a value that is not finite stays as it
/// is. Both are listed in the [`report`](Self::report), with their coordinates:
///
/// ```
/// use loss_landscape::{FnModel, Layout, RandomDirections, grid_2d};
///
/// let model = FnModel::new(Layout::flat(2)?, vec![0.5, 0.5], |t: &[f64], _: &()| (t[0] + 0.4).ln())?;
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
/// Where a sweep was stopped, or left points to other shards, [`computed`](Self::computed) says which points there
/// are. Of an adaptive sweep it says which values are the oracle's own: the others are interpolated.
///
/// # Files and figures
///
/// With the features of the same names: `write_json`, `write_npz` (numpy), `write_csv` and, for surfaces, `write_vtk`
/// (ParaView); `to_npz_bytes` and its like give the bytes instead, `read_npz` and `from_npz_bytes` read them back, to
/// the bit. Figures and pages are drawn by the crate `loss-landscape-plot`: `ContourFigure::from(&surface)`.
#[derive(Clone, Debug)]
pub struct Landscape<D: GridDimension> {
    alpha: Vec<f64>,
    /// 0 alone on a line.
    beta: Vec<f64>,
    /// [point × channel], points row by row.
    values: Vec<f64>,
    computed: Array<bool, D>,
    channels: Vec<String>,
    report: SweepReport,
}

/// The values of a sweep over a line: a [`Landscape`] of one dimension.
pub type Curve = Landscape<Ix1>;

/// The values of a sweep over a plane: a [`Landscape`] of two dimensions; `[i, j]` is always the point (α_i, β_j).
pub type Surface = Landscape<Ix2>;

/// The dimensions that a landscape may have: `Ix1` or `Ix2`. Sealed.
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
    /// The same with an axis for the channels behind it.
    #[doc(hidden)]
    fn with_channels(rows: usize, columns: usize, channels: usize) -> Self::Larger;
}

/// What a landscape is made of, before it has a dimension.
pub(crate) struct Parts {
    pub(crate) alpha: Vec<f64>,
    /// 0 alone on a line.
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

    /// The coordinates α.
    pub fn alpha(&self) -> &[f64] {
        &self.alpha
    }

    /// The number of points along each axis: `[m]` of a curve, `[m, n]` of a surface.
    pub fn shape(&self) -> D::Shape {
        D::shape_of(self.alpha.len(), self.beta.len())
    }

    /// The names of the channels: `"loss"`, or with named data sets `"train loss"`. There is at least one.
    pub fn channels(&self) -> &[String] {
        &self.channels
    }

    /// One channel: a value for each point; NaN where nothing was computed or the oracle failed. Of an adaptive sweep,
    /// what was not [`computed`](Self::computed) is interpolated.
    ///
    /// # Errors
    /// [`Error::UnknownChannel`].
    pub fn channel(&self, name: &str) -> Result<ArrayView<'_, f64, D>> {
        Ok(self.channel_at(self.position(name)?))
    }

    /// The first channel of the first data set: the loss of a sweep of losses. See [`channel`](Self::channel).
    pub fn loss(&self) -> ArrayView<'_, f64, D> {
        self.channel_at(0)
    }

    /// All values, with the channels on the last axis: [α, channel] or [α, β, channel].
    pub fn values(&self) -> ArrayView<'_, f64, D::Larger> {
        let shape = D::with_channels(self.alpha.len(), self.beta.len(), self.channels.len());
        #[expect(clippy::expect_used, reason = "checked where the landscape was assembled")]
        ArrayView::from_shape(shape, &self.values).expect("a value for each point and channel")
    }

    /// Which points were computed: all, unless the sweep was stopped, one of several shards, or adaptive.
    pub fn computed(&self) -> &Array<bool, D> {
        &self.computed
    }

    /// How the sweep went: how it ended, bad points, provenance.
    pub fn report(&self) -> &SweepReport {
        &self.report
    }

    /// The channel at a position of [`channels`](Self::channels).
    pub(crate) fn channel_at(&self, position: usize) -> ArrayView<'_, f64, D> {
        self.values().index_axis_move(Axis(D::AXES), position)
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

#[cfg(any(feature = "json", feature = "vtk"))]
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
    /// The coordinates β.
    pub fn beta(&self) -> &[f64] {
        &self.beta
    }
}

/// In one line: what it is, how large, its channels, and the range of the first one.
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
