//! Two-dimensional sweeps: the loss over a plane.

use ndarray::{Array2, Array3, ArrayView2, s};

use super::{
    Observer, OnBadPoint, SweepProbe, SweepReport,
    axis::Axis,
    options::{Options, Origin, axis_options, result_accessors, shard_option, sweep_options},
    swept::Swept,
};
use crate::{Directions, Error, Loss, Result};

/// The loss over θ + α·d₁ + β·d₂, 51×51 points of [−1, 1]²; [`Grid2d`] has the options.
///
/// # Errors
/// As [`Grid2d::run`].
pub fn grid_2d<M, D>(model: &M, data: &D, directions: Directions<M::Scalar>) -> Result<Surface>
where
    M: Loss<D> + ?Sized,
    D: ?Sized + Sync,
{
    Grid2d::new(model, directions).data("", data).run()
}

/// A sweep over a plane: θ + α·d₁ + β·d₂, θ the model's parameters.
///
/// It costs one evaluation of every data set for each point, less what the oracle
/// [prepares](crate::Loss::prepare) once.
///
/// ```
/// use loss_landscape::{FnModel, Grid2d, Layout, RandomDirections};
///
/// let loss = |theta: &[f32], _: &()| theta.iter().map(|t| t * t).sum::<f32>();
/// let model = FnModel::new(Layout::flat(4)?, vec![1.0_f32; 4], loss)?;
/// let surface = Grid2d::new(&model, RandomDirections::new(1).pair(&model)?)
///     .data("train", &())
///     .alpha(-1.0..=1.0, 21)
///     .beta(0.0..=0.5, 6)
///     .threads(2)
///     .run()?;
/// assert_eq!(surface.shape(), [21, 6]);
/// assert_eq!(surface.channel("train loss")?[[10, 0]], 4.0);
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Debug)]
#[must_use]
pub struct Grid2d<'a, M: Loss<D> + ?Sized, D: ?Sized + Sync> {
    model: &'a M,
    directions: Directions<M::Scalar>,
    alpha: Axis,
    beta: Axis,
    options: Options<'a, D>,
}

/// The values of a two-dimensional sweep; `[i, j]` is always the point (α_i, β_j).
#[derive(Clone, Debug)]
pub struct Surface {
    alpha: Vec<f64>,
    beta: Vec<f64>,
    values: Array3<f64>,
    computed: Array2<bool>,
    channels: Vec<String>,
    report: SweepReport,
}

impl<'a, M: Loss<D> + ?Sized, D: ?Sized + Sync> Grid2d<'a, M, D> {
    /// A sweep around the model's parameters over the plane of `directions`.
    pub fn new(model: &'a M, directions: Directions<M::Scalar>) -> Self {
        let axis = || Axis::range(-1.0..=1.0, 51);
        Self { model, directions, alpha: axis(), beta: axis(), options: Options::default() }
    }

    /// Evaluates every point.
    ///
    /// # Errors
    /// [`Error::LayoutMismatch`] for directions of another layout; [`Error::Range`],
    /// [`Error::Resolution`] or [`Error::Coordinates`] for an axis; [`Error::NoData`],
    /// [`Error::DuplicateData`]; [`Error::GridTooLarge`]; [`Error::NonFinite`] for a θ that is not
    /// finite; [`Error::Oracle`] if preparing fails. A point that fails is no error: see
    /// [`SweepReport::bad_points`].
    pub fn run(self) -> Result<Surface> {
        let (plane, origin) = Origin::plane(self.model, &self.directions)?;
        let swept = self.options.sweep_loss(self.model, &plane, &self.alpha, Some(&self.beta), origin)?;
        Ok(Surface::new(swept))
    }

    /// Evaluates the middle point (a fast one for a tenth of a second) and says what the sweep would cost, as
    /// far as one point can tell.
    ///
    /// # Errors
    /// As [`run`](Self::run), but none of a journal; [`Error::Oracle`] or [`Error::OraclePanicked`] if the
    /// point fails.
    pub fn probe(&self) -> Result<SweepProbe> {
        let (plane, _) = Origin::plane(self.model, &self.directions)?;
        self.options.probe_loss(self.model, &plane, &self.alpha, Some(&self.beta))
    }
}

sweep_options!(Grid2d, Loss);
shard_option!(Grid2d, Loss);
axis_options!(Grid2d, Loss, alpha, alpha_at, "α", "51 from −1 to 1 by default.");
axis_options!(Grid2d, Loss, beta, beta_at, "β", "51 from −1 to 1 by default.");

impl Surface {
    pub(crate) fn new(swept: Swept) -> Self {
        let Swept { alpha, beta, values, computed, channels, report } = swept;
        let shape = (alpha.len(), beta.len());
        // The driver made points × channels values; an empty array would show a slip there.
        let values = Array3::from_shape_vec((shape.0, shape.1, channels.len()), values).unwrap_or_default();
        let computed = Array2::from_shape_vec(shape, computed).unwrap_or_default();
        Self { alpha, beta, values, computed, channels, report }
    }

    /// A surface of values that come from elsewhere, such as another program: `[i, j]` of each channel is the
    /// point (α_i, β_j).
    ///
    /// Its report says that all points are there and which are not finite; its provenance is the default, which
    /// knows nothing.
    ///
    /// ```
    /// use loss_landscape::{Surface, ndarray::array};
    ///
    /// let loss = array![[2.0, 1.0, 2.0], [1.0, 0.0, f64::NAN]];
    /// let surface = Surface::from_channels(&[0.0, 1.0], &[-1.0, 0.0, 1.0], [("train loss".to_owned(), loss)])?;
    /// assert_eq!(surface.channel("train loss")?[[1, 1]], 0.0);
    /// assert_eq!(surface.report().bad_points[0].index, [1, 2]);
    /// # Ok::<(), loss_landscape::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Resolution`] or [`Error::Coordinates`] for an axis that is empty, not finite or not increasing;
    /// [`Error::Channels`] for no channels or a name twice; [`Error::ChannelShape`].
    pub fn from_channels(
        alpha: &[f64],
        beta: &[f64],
        channels: impl IntoIterator<Item = (String, Array2<f64>)>,
    ) -> Result<Self> {
        let channels = channels.into_iter().map(|(name, values)| (name, values.into_dyn()));
        Swept::from_channels(alpha.to_vec(), Some(beta.to_vec()), &channels.collect::<Vec<_>>())
            .map(Self::new)
    }

    /// The coordinates β.
    pub fn beta(&self) -> &[f64] {
        &self.beta
    }

    /// The number of points along α and β.
    pub fn shape(&self) -> [usize; 2] {
        [self.alpha.len(), self.beta.len()]
    }

    /// One channel, [α, β]; NaN where nothing was computed or the oracle failed. Of an adaptive sweep, what
    /// was not [`computed`](Self::computed) is interpolated; see [`AdaptiveSurface`](crate::AdaptiveSurface).
    ///
    /// # Errors
    /// [`Error::UnknownChannel`].
    pub fn channel(&self, name: &str) -> Result<ArrayView2<'_, f64>> {
        Ok(self.values.slice(s![.., .., self.position(name)?]))
    }

    /// All values, [α, β, channel].
    pub fn values(&self) -> &Array3<f64> {
        &self.values
    }

    /// Which points were computed: all, unless the sweep was stopped or adaptive.
    pub fn computed(&self) -> &Array2<bool> {
        &self.computed
    }
}

result_accessors!(Surface);
