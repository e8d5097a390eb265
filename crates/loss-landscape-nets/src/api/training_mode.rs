//! Losses and gradients of mini-batches, as a training sees them.

use std::fmt;

use loss_landscape::{Gradient, Layout, Loss, Model, OracleError};

use super::{net_scalar::NetScalar, trainable::Trainable};
use crate::data::Samples;

/// A network in training mode: batch normalisations use the statistics of the samples that they are given, and not the
/// running ones in the buffers of θ, as PyTorch's after `model.train()`.
///
/// This is what gradients of mini-batches should be taken of where θ moves away from a minimiser, as along the bends
/// of a [`PathTraining`](loss_landscape::path::PathTraining): the running statistics of one end mean nothing half-way
/// to the other. Without batch normalisations it is the network itself. The running statistics are not updated, since
/// a gradient changes no parameters; [`Network::reestimated`](crate::Network::reestimated) takes them anew afterwards.
///
/// **Cost.** That of a step of a training, and the allocation of its scratch memory at every call. A loss alone costs
/// as much as a gradient.
///
/// ```
/// use loss_landscape::{Gradient, Loss, Model, check::check_gradient};
/// use loss_landscape_nets::{Architecture, Chain, Criterion, Network, TrainingMode, digits};
///
/// let chain = Chain::new().conv3x3("conv", 4, 2).batch_norm("bn").relu().global_average_pool().linear("fc", 10);
/// let net = Network::<f64>::new(&Architecture::new([1, 8, 8], chain)?, Criterion::CrossEntropy, 0)?;
/// let batch = digits::<f64>()?.0.select(&(0..32).collect::<Vec<_>>())?;
/// let training = TrainingMode::new(&net);
/// assert_ne!(training.loss(net.parameters(), &batch)?, net.loss(net.parameters(), &batch)?);
/// assert!(check_gradient(&training, net.parameters(), &batch)?.error < 1e-6);
/// # Ok::<(), loss_landscape::OracleError>(())
/// ```
#[derive(Clone, Copy)]
pub struct TrainingMode<'a, S: NetScalar> {
    net: &'a (dyn Trainable<S> + Sync),
}

impl<'a, S: NetScalar> TrainingMode<'a, S> {
    /// This network in training mode.
    pub fn new(net: &'a (impl Trainable<S> + Sync)) -> Self {
        Self { net }
    }
}

impl<S: NetScalar> fmt::Debug for TrainingMode<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TrainingMode")
            .field("parameters", &self.net.parameters().len())
            .finish_non_exhaustive()
    }
}

impl<S: NetScalar> Model for TrainingMode<'_, S> {
    type Scalar = S;

    fn layout(&self) -> &Layout {
        self.net.layout()
    }

    fn parameters(&self) -> &[S] {
        self.net.parameters()
    }
}

impl<S: NetScalar> Loss<Samples<S>> for TrainingMode<'_, S> {
    fn loss(&self, theta: &[S], data: &Samples<S>) -> Result<f64, OracleError> {
        self.gradient(theta, data, &mut vec![S::zero(); theta.len()])
    }
}

impl<S: NetScalar> Gradient<Samples<S>> for TrainingMode<'_, S> {
    fn gradient(&self, theta: &[S], data: &Samples<S>, out: &mut [S]) -> Result<f64, OracleError> {
        self.net.check(data)?;
        for (what, len) in [("θ", theta.len()), ("the gradient", out.len())] {
            self.layout().ensure_length(what, len)?;
        }
        // A learner writes the running statistics that would follow this mini-batch.
        let mut theta = theta.to_vec();
        Ok(self.net.learner(data.len())?.gradient(&mut theta, data, out)?.loss)
    }
}
