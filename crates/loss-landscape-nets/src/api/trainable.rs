//! What a network must be able to do to be trained.

use loss_landscape::Model;

use super::net_scalar::NetScalar;
use crate::{data::Samples, error::Result, train::Learner};

/// A network that [`Sgd`](crate::Sgd) and [`Adam`](crate::Adam) train: every network of this crate.
///
/// It is there to write functions over any of them. It is sealed: the networks of this crate
/// implement it and no other type can.
///
/// ```
/// use loss_landscape_nets::{Activation, Criterion, Error, Mlp, NetScalar, Samples, Sgd, Trainable, digits};
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
/// # Ok::<(), loss_landscape_nets::Error>(())
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
