//! What a network must be able to do to be trained.

use super::super::{NetScalar, Samples};
use crate::Result;
use loss_landscape::Model;

/// A network that [`Sgd`](super::Sgd) and [`Adam`](super::Adam) train: every network of this module.
///
/// It is there to write functions over any of them. It is sealed: the networks of this module
/// implement it and no other type can.
///
/// ```
/// use loss_landscape::Error;
/// use loss_landscape_nets::{Activation, Criterion, Mlp, NetScalar, Samples, Sgd, Trainable, digits};
///
/// /// The mean loss in the last of three epochs.
/// fn try_rate<S: NetScalar>(net: &mut impl Trainable<S>, data: &Samples<S>, rate: f64) -> Result<f64, Error> {
///     let report = Sgd::new(rate).batch_size(64).epochs(3).train(net, data)?;
///     Ok(report.epochs[2].loss)
/// }
///
/// let (train, _) = digits::<f32>()?;
/// let net = Mlp::new(&[64, 16, 10], Activation::Relu, Criterion::CrossEntropy, 0)?;
/// assert!(try_rate(&mut net.clone(), &train, 0.1)? < try_rate(&mut net.clone(), &train, 0.001)?);
/// # Ok::<(), loss_landscape::Error>(())
/// ```
pub trait Trainable<S: NetScalar>: Model<Scalar = S> {
    /// Checks that the network can take the samples.
    #[doc(hidden)]
    fn check(&self, data: &Samples<S>) -> Result<()>;

    /// Scratch memory for mini-batches of up to `batch_size` samples.
    #[doc(hidden)]
    fn learner(&self, batch_size: usize) -> Result<Box<dyn Learner<S> + '_>>;

    /// θ, to put what was learned.
    #[doc(hidden)]
    fn theta_mut(&mut self) -> &mut [S];
}

/// The gradients of one training, with their scratch memory. Nobody outside the crate can name it,
/// which seals [`Trainable`].
pub trait Learner<S> {
    /// Writes the gradient of the mean loss over a mini-batch, 0 at buffers, and returns that loss.
    ///
    /// The network is in training mode: normalised with the statistics of the mini-batch, and the
    /// running statistics in the buffers of θ follow them. Nothing else of θ is written. `batch` has
    /// at least one sample and no more than the learner was made for, and passed the network's check.
    fn gradient(&mut self, theta: &mut [S], batch: &Samples<S>, out: &mut [S]) -> Result<BatchMeans>;
}

/// Means over the samples of a mini-batch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BatchMeans {
    /// The loss, weight decay not counted.
    pub loss: f64,
    /// The fraction of right answers, if the samples have labels.
    pub accuracy: Option<f64>,
}
