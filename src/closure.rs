//! A model out of a closure: layout, θ and `|theta, data| loss`.

use crate::{BoxError, Layout, Loss, Model, Result, Scalar};

/// A model made of a layout, its parameters and a closure for the loss.
///
/// The closure returns a number, or a [`Result`] of one with any error.
///
/// ```
/// use loss_landscape::{FnModel, Layout, RandomDirections, grid_2d};
///
/// let rosenbrock = |theta: &[f64], _: &()| (1.0 - theta[0]).powi(2) + 100.0 * (theta[1] - theta[0].powi(2)).powi(2);
/// let model = FnModel::new(Layout::flat(2)?, vec![1.0, 1.0], rosenbrock)?;
/// let surface = grid_2d(&model, &(), RandomDirections::new(0).pair(&model)?)?;
/// assert_eq!(surface.channel("loss")?[[25, 25]], 0.0);
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct FnModel<S, F> {
    layout: Layout,
    theta: Vec<S>,
    loss: F,
}

/// What a loss closure may return: `f64`, `f32`, or a `Result` of one of them.
///
/// Implement it for a number type of your own:
///
/// ```
/// use loss_landscape::{BoxError, IntoLoss};
///
/// struct Nats(f64);
///
/// impl IntoLoss for Nats {
///     fn into_loss(self) -> Result<f64, BoxError> {
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
    fn into_loss(self) -> std::result::Result<f64, BoxError>;
}

impl<S: Scalar, F> FnModel<S, F> {
    /// A model at these parameters.
    ///
    /// # Errors
    /// [`Error::Length`](crate::Error::Length) or [`Error::NonFinite`](crate::Error::NonFinite) for
    /// parameters that do not fit the layout.
    pub fn new<D: ?Sized, R: IntoLoss>(layout: Layout, theta: Vec<S>, loss: F) -> Result<Self>
    where
        F: Fn(&[S], &D) -> R + Sync,
    {
        layout.ensure_finite("θ", &theta)?;
        Ok(Self { layout, theta, loss })
    }
}

impl<S: Scalar, F: Sync> Model for FnModel<S, F> {
    type Scalar = S;

    fn layout(&self) -> &Layout {
        &self.layout
    }

    fn parameters(&self) -> &[S] {
        &self.theta
    }
}

impl<S: Scalar, D: ?Sized + Sync, R: IntoLoss, F: Fn(&[S], &D) -> R + Sync> Loss<D> for FnModel<S, F> {
    fn loss(&self, theta: &[S], data: &D) -> std::result::Result<f64, BoxError> {
        (self.loss)(theta, data).into_loss()
    }
}

impl IntoLoss for f64 {
    fn into_loss(self) -> std::result::Result<f64, BoxError> {
        Ok(self)
    }
}

impl IntoLoss for f32 {
    fn into_loss(self) -> std::result::Result<f64, BoxError> {
        Ok(f64::from(self))
    }
}

impl<T: IntoLoss, E: Into<BoxError>> IntoLoss for std::result::Result<T, E> {
    fn into_loss(self) -> std::result::Result<f64, BoxError> {
        self.map_err(Into::into)?.into_loss()
    }
}
