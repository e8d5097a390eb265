//! The gradients that a training asks a network for.

use crate::{data::Samples, error::Result};

/// The gradients of one training, with their scratch memory. Nobody outside the crate can name it,
/// which seals [`Trainable`](crate::Trainable).
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
