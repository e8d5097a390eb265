//! One-dimensional sweeps: along a direction, and between two minimisers.

use ndarray::{Array1, Array2, ArrayView1, s};

use super::{
    DirectionRecord, Observer, OnBadPoint, SweepProbe, SweepReport,
    axis::Axis,
    options::{Options, Origin, axis_options, result_accessors, shard_option, sweep_options},
    swept::Swept,
};
use crate::{Buffers, Direction, Error, Loss, Plane, Result, Role, params::content_hash};

/// The loss at θ + α·d for 51 values of α from −1 to 1; [`Line1d`] has the options.
///
/// # Errors
/// As [`Line1d::run`].
pub fn line_1d<M, D>(model: &M, data: &D, direction: Direction<M::Scalar>) -> Result<Curve>
where
    M: Loss<D> + ?Sized,
    D: ?Sized + Sync,
{
    Line1d::new(model, direction).data("", data).run()
}

/// The loss at (1−α)·θ_a + α·θ_b for 101 values of α from −0.5 to 1.5; [`Interpolation`] has the
/// options.
///
/// # Errors
/// As [`Interpolation::run`].
pub fn interpolate<M, D>(model: &M, data: &D, a: &[M::Scalar], b: &[M::Scalar]) -> Result<Curve>
where
    M: Loss<D> + ?Sized,
    D: ?Sized + Sync,
{
    Interpolation::new(model, a, b).data("", data).run()
}

/// A sweep along one direction: θ + α·d, θ the model's parameters.
///
/// It costs one evaluation of every data set for each point.
///
/// ```
/// use loss_landscape::{FnModel, Layout, Line1d, RandomDirections};
///
/// let loss = |theta: &[f64], scale: &f64| scale * theta.iter().map(|t| t * t).sum::<f64>();
/// let model = FnModel::new(Layout::flat(4)?, vec![1.0; 4], loss)?;
/// let curve = Line1d::new(&model, RandomDirections::new(1).one(&model)?)
///     .data("train", &1.0)
///     .data("test", &2.0)
///     .alpha(-1.0..=1.0, 5)
///     .run()?;
/// assert_eq!(curve.alpha(), [-1.0, -0.5, 0.0, 0.5, 1.0]);
/// assert_eq!(curve.channel("test loss")?[2], 8.0);
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Debug)]
#[must_use]
pub struct Line1d<'a, M: Loss<D> + ?Sized, D: ?Sized + Sync> {
    model: &'a M,
    direction: Direction<M::Scalar>,
    alpha: Axis,
    options: Options<'a, D>,
}

/// A sweep between two minimisers: (1−α)·θ_a + α·θ_b, exactly θ_a at 0 and θ_b at 1.
///
/// This is the paper's section 3, after Goodfellow et al. 2015. It costs one evaluation of every
/// data set for each point.
///
/// ```
/// use loss_landscape::{FnModel, Interpolation, Layout};
///
/// let loss = |theta: &[f64], _: &()| theta.iter().map(|t| (t * t - 1.0).powi(2)).sum::<f64>();
/// let model = FnModel::new(Layout::flat(2)?, vec![0.0; 2], loss)?;
/// let curve = Interpolation::new(&model, &[-1.0, 1.0], &[1.0, 1.0]).data("", &()).alpha(0.0..=1.0, 3).run()?;
/// assert_eq!(curve.channel("loss")?.to_vec(), [0.0, 1.0, 0.0]);
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Debug)]
#[must_use]
pub struct Interpolation<'a, M: Loss<D> + ?Sized, D: ?Sized + Sync> {
    model: &'a M,
    a: &'a [M::Scalar],
    b: &'a [M::Scalar],
    buffers: Buffers,
    alpha: Axis,
    options: Options<'a, D>,
}

/// The values of a one-dimensional sweep.
#[derive(Clone, Debug)]
pub struct Curve {
    alpha: Vec<f64>,
    values: Array2<f64>,
    computed: Array1<bool>,
    channels: Vec<String>,
    report: SweepReport,
}

impl<'a, M: Loss<D> + ?Sized, D: ?Sized + Sync> Line1d<'a, M, D> {
    /// A sweep from the model's parameters along `direction`.
    pub fn new(model: &'a M, direction: Direction<M::Scalar>) -> Self {
        Self { model, direction, alpha: Axis::range(-1.0..=1.0, 51), options: Options::default() }
    }

    /// Evaluates every point.
    ///
    /// # Errors
    /// [`Error::LayoutMismatch`] for a direction of another layout; [`Error::ZeroDirection`];
    /// [`Error::Range`], [`Error::Resolution`] or [`Error::Coordinates`] for the axis;
    /// [`Error::NoData`], [`Error::DuplicateData`]; [`Error::GridTooLarge`];
    /// [`Error::NonFinite`] for a θ that is not finite; [`Error::Oracle`] if preparing fails. A
    /// point that fails is no error: see [`SweepReport::bad_points`].
    pub fn run(self) -> Result<Curve> {
        let (plane, origin) = Origin::line(self.model, &self.direction)?;
        self.options.sweep_loss(self.model, &plane, &self.alpha, None, origin).map(Curve::new)
    }

    /// Evaluates the middle point (a fast one for a tenth of a second) and says what the sweep would cost, as
    /// far as one point can tell.
    ///
    /// # Errors
    /// As [`run`](Self::run), but none of a journal; [`Error::Oracle`] or [`Error::OraclePanicked`] if the
    /// point fails.
    pub fn probe(&self) -> Result<SweepProbe> {
        let (plane, _) = Origin::line(self.model, &self.direction)?;
        self.options.probe_loss(self.model, &plane, &self.alpha, None)
    }
}

impl<'a, M: Loss<D> + ?Sized, D: ?Sized + Sync> Interpolation<'a, M, D> {
    /// A sweep from θ_a through θ_b.
    pub fn new(model: &'a M, a: &'a [M::Scalar], b: &'a [M::Scalar]) -> Self {
        // 0 and 1, the minimisers themselves, are among these.
        let alpha = Axis::range(-0.5..=1.5, 101);
        Self { model, a, b, buffers: Buffers::Still, alpha, options: Options::default() }
    }

    /// Whether buffers are interpolated too; by default they stay as in θ_a.
    pub fn buffers(mut self, buffers: Buffers) -> Self {
        self.buffers = buffers;
        self
    }

    /// Evaluates every point.
    ///
    /// # Errors
    /// As [`Line1d::run`], [`Error::Length`] or [`Error::NonFinite`] for minimisers that do not fit
    /// the model, and [`Error::ZeroDirection`] if they are equal.
    pub fn run(self) -> Result<Curve> {
        let layout = self.model.layout();
        let end = self.end()?;
        let plane = Plane::interpolation(layout, self.a, &end)?;
        let directions = vec![DirectionRecord::between(content_hash(&end))];
        let origin = Origin::new("interpolation", layout, self.a, directions, None);
        self.options.sweep_loss(self.model, &plane, &self.alpha, None, origin).map(Curve::new)
    }

    /// Evaluates the middle point (a fast one for a tenth of a second) and says what the sweep would cost, as
    /// far as one point can tell.
    ///
    /// # Errors
    /// As [`run`](Self::run), but none of a journal; [`Error::Oracle`] or [`Error::OraclePanicked`] if the
    /// point fails.
    pub fn probe(&self) -> Result<SweepProbe> {
        let end = self.end()?;
        let plane = Plane::interpolation(self.model.layout(), self.a, &end)?;
        self.options.probe_loss(self.model, &plane, &self.alpha, None)
    }

    /// θ_b, with the buffers of θ_a unless they move.
    fn end(&self) -> Result<Vec<M::Scalar>> {
        let layout = self.model.layout();
        layout.ensure_finite("θ_a", self.a)?;
        layout.ensure_finite("θ_b", self.b)?;
        let mut end = self.b.to_vec();
        if self.buffers == Buffers::Still {
            for block in layout.blocks().iter().filter(|block| block.role() == Role::Buffer) {
                end[block.range()].copy_from_slice(&self.a[block.range()]);
            }
        }
        if self.a == end {
            return Err(Error::ZeroDirection { which: "interpolation's".to_owned() });
        }
        Ok(end)
    }
}

sweep_options!(Line1d, Loss);
shard_option!(Line1d, Loss);
axis_options!(Line1d, Loss, alpha, alpha_at, "α", "51 from −1 to 1 by default.");
sweep_options!(Interpolation, Loss);
shard_option!(Interpolation, Loss);
axis_options!(
    Interpolation,
    Loss,
    alpha,
    alpha_at,
    "α",
    "101 from −0.5 to 1.5 by default, 0 and 1 among them (the paper draws 401)."
);

impl Curve {
    pub(crate) fn new(swept: Swept) -> Self {
        let Swept { alpha, values, computed, channels, report, .. } = swept;
        // The driver made points × channels values; an empty array would show a slip there.
        let values = Array2::from_shape_vec((alpha.len(), channels.len()), values).unwrap_or_default();
        Self { alpha, values, computed: Array1::from(computed), channels, report }
    }

    /// A curve of values that come from elsewhere; see [`Surface::from_channels`](crate::Surface::from_channels).
    ///
    /// ```
    /// use loss_landscape::{Curve, ndarray::array};
    ///
    /// let curve = Curve::from_channels(&[-1.0, 0.0, 1.0], [("loss".to_owned(), array![1.0, 0.0, 1.0])])?;
    /// assert_eq!(curve.channel("loss")?[1], 0.0);
    /// # Ok::<(), loss_landscape::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Surface::from_channels`](crate::Surface::from_channels).
    pub fn from_channels(
        alpha: &[f64],
        channels: impl IntoIterator<Item = (String, Array1<f64>)>,
    ) -> Result<Self> {
        let channels = channels.into_iter().map(|(name, values)| (name, values.into_dyn()));
        Swept::from_channels(alpha.to_vec(), None, &channels.collect::<Vec<_>>()).map(Self::new)
    }

    /// One channel: a value for each α; NaN where nothing was computed or the oracle failed.
    ///
    /// # Errors
    /// [`Error::UnknownChannel`].
    pub fn channel(&self, name: &str) -> Result<ArrayView1<'_, f64>> {
        Ok(self.values.slice(s![.., self.position(name)?]))
    }

    /// All values, [point, channel].
    pub fn values(&self) -> &Array2<f64> {
        &self.values
    }

    /// Which points were computed: all, unless the sweep was stopped.
    pub fn computed(&self) -> &Array1<bool> {
        &self.computed
    }
}

result_accessors!(Curve);
