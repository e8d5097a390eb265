//! A model made of a closure: layout, θ and `|theta, data| loss`.

use super::{Loss, Model, OracleError};
use crate::{Layout, Result, Scalar};

/// A model made of a layout, its parameters and a closure for the loss.
///
/// The closure returns a number, or a [`Result`] of one with any error.
///
/// ```
/// use loss_landscape::{FnModel, Layout, RandomDirections, grid_2d};
///
/// let rosenbrock = |theta: &[f64], _: &()| (1.0 - theta[0]).powi(2) + 100.0 * (theta[1] - theta[0].powi(2)).powi(2);
/// let model = FnModel::new(Layout::flat(2)?, vec![1.0, 1.0], rosenbrock)?;
/// let surface = grid_2d(&model, &(), RandomDirections::new(0))?;
/// assert_eq!(surface.loss()[[25, 25]], 0.0);
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct FnModel<S, F, H = NoFingerprint> {
    layout: Layout,
    theta: Vec<S>,
    loss: F,
    fingerprint: H,
}

/// How a [`FnModel`] recognises data that have changed: by a closure, or not at all.
///
/// [`FnModel::fingerprint_by`] makes one of a closure. Write one of your own where the type must have a name, such as
/// in a field of a struct:
///
/// ```
/// use loss_landscape::{content_hash, oracle::Fingerprint};
///
/// struct Samples {
///     x: Vec<f64>,
///     version: u64,
/// }
///
/// /// The data set has a version already, which says more than a hash.
/// struct ByVersion;
///
/// impl Fingerprint<Samples> for ByVersion {
///     fn of(&self, data: &Samples) -> Option<u64> {
///         Some(data.version ^ content_hash(&data.x))
///     }
/// }
///
/// let (old, new) = (Samples { x: vec![0.5], version: 1 }, Samples { x: vec![0.5], version: 2 });
/// assert_ne!(ByVersion.of(&old), ByVersion.of(&new));
/// ```
pub trait Fingerprint<D: ?Sized> {
    /// The fingerprint of these data, if there is one; see [`Loss::fingerprint`].
    fn of(&self, data: &D) -> Option<u64>;
}

/// Data without a fingerprint, the default of a [`FnModel`].
///
/// ```
/// use loss_landscape::oracle::{Fingerprint, NoFingerprint};
///
/// assert_eq!(NoFingerprint.of("any data"), None);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct NoFingerprint;

/// A closure that takes the fingerprint of data; [`FnModel::fingerprint_by`] makes it, and its example shows what
/// comes out. It is named where the type of the model is:
///
/// ```
/// use loss_landscape::{FnModel, Layout, Loss, content_hash, oracle::FnFingerprint};
///
/// type Squares = FnModel<f64, fn(&[f64], &[f64]) -> f64, FnFingerprint<fn(&[f64]) -> u64>>;
///
/// fn squares() -> loss_landscape::Result<Squares> {
///     let loss: fn(&[f64], &[f64]) -> f64 = |theta, data| data.iter().map(|x| (x - theta[0]).powi(2)).sum();
///     let hash: fn(&[f64]) -> u64 = content_hash;
///     Ok(FnModel::new(Layout::flat(1)?, vec![0.0], loss)?.fingerprint_by(hash))
/// }
///
/// assert!(squares()?.fingerprint([1.0, 2.0].as_slice()).is_some());
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct FnFingerprint<H>(H);

/// What a loss closure may return: `f64`, `f32`, or a `Result` of one of them.
///
/// Implement it for a number type of your own:
///
/// ```
/// use loss_landscape::{IntoLoss, OracleError};
///
/// struct Nats(f64);
///
/// impl IntoLoss for Nats {
///     fn into_loss(self) -> Result<f64, OracleError> {
///         Ok(self.0)
///     }
/// }
/// assert_eq!(Nats(0.5).into_loss().unwrap(), 0.5);
/// ```
pub trait IntoLoss {
    /// The loss.
    ///
    /// # Errors
    /// The error of a `Result`.
    fn into_loss(self) -> std::result::Result<f64, OracleError>;
}

impl<S: Scalar, F> FnModel<S, F> {
    /// A model at these parameters.
    ///
    /// # Errors
    /// [`Error::Length`](crate::Error::Length) or [`Error::NonFinite`](crate::Error::NonFinite) for
    /// parameters that do not fit the layout.
    pub fn new<D: ?Sized, R: IntoLoss>(layout: Layout, theta: Vec<S>, loss: F) -> Result<Self>
    where
        F: Fn(&[S], &D) -> R,
    {
        layout.ensure_finite("θ", &theta)?;
        Ok(Self { layout, theta, loss, fingerprint: NoFingerprint })
    }

    /// The same model with a hash of its data, so that a [journal](crate::Sweep::journal) is refused when they have
    /// changed. The hash must be the same in every process, and cover what else the closure depends on.
    ///
    /// ```
    /// use loss_landscape::{FnModel, Layout, Loss, content_hash};
    ///
    /// let loss = |theta: &[f64], data: &[f64]| data.iter().map(|x| (x - theta[0]).powi(2)).sum::<f64>();
    /// let model = FnModel::new(Layout::flat(1)?, vec![0.0], loss)?.fingerprint_by(content_hash::<f64>);
    /// assert_ne!(model.fingerprint([1.0, 2.0].as_slice()), model.fingerprint([1.0, 3.0].as_slice()));
    /// # Ok::<(), loss_landscape::Error>(())
    /// ```
    pub fn fingerprint_by<D: ?Sized, H: Fn(&D) -> u64>(
        self,
        fingerprint: H,
    ) -> FnModel<S, F, FnFingerprint<H>> {
        let Self { layout, theta, loss, .. } = self;
        FnModel { layout, theta, loss, fingerprint: FnFingerprint::new(fingerprint) }
    }
}

impl<H> FnFingerprint<H> {
    /// The fingerprint by this closure, for a model of yours that takes one as [`FnModel`] does.
    pub fn new(fingerprint: H) -> Self {
        Self(fingerprint)
    }
}

impl<D: ?Sized> Fingerprint<D> for NoFingerprint {
    fn of(&self, _: &D) -> Option<u64> {
        None
    }
}

impl<D: ?Sized, H: Fn(&D) -> u64> Fingerprint<D> for FnFingerprint<H> {
    fn of(&self, data: &D) -> Option<u64> {
        Some((self.0)(data))
    }
}

impl<S: Scalar, F, H> Model for FnModel<S, F, H> {
    type Scalar = S;

    fn layout(&self) -> &Layout {
        &self.layout
    }

    fn parameters(&self) -> &[S] {
        &self.theta
    }
}

impl<S: Scalar, D: ?Sized, R: IntoLoss, F: Fn(&[S], &D) -> R, H: Fingerprint<D>> Loss<D>
    for FnModel<S, F, H>
{
    fn loss(&self, theta: &[S], data: &D) -> std::result::Result<f64, OracleError> {
        (self.loss)(theta, data).into_loss()
    }

    fn fingerprint(&self, data: &D) -> Option<u64> {
        self.fingerprint.of(data)
    }
}

impl IntoLoss for f64 {
    fn into_loss(self) -> std::result::Result<f64, OracleError> {
        Ok(self)
    }
}

impl IntoLoss for f32 {
    fn into_loss(self) -> std::result::Result<f64, OracleError> {
        Ok(f64::from(self))
    }
}

impl<T: IntoLoss, E: Into<OracleError>> IntoLoss for std::result::Result<T, E> {
    fn into_loss(self) -> std::result::Result<f64, OracleError> {
        self.map_err(Into::into)?.into_loss()
    }
}
