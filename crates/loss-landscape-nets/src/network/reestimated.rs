//! A network whose batch normalisations take their statistics anew at every θ.

#[cfg(doc)]
use loss_landscape::Loss;

use super::{
    chunk_state::{ChunkState, Keep, state_len},
    conv_network::Network,
    plan::{Mode, Plan},
};
use crate::{
    data::Samples,
    error::{CountSetting, Result},
    fingerprint::Fingerprint,
    layers::Weights,
    memory::ensure_room,
    real::Real,
};

/// A network that estimates the running means and variances of its batch normalisations from data, at
/// every point anew, before it measures a loss.
///
/// Away from the minimiser the statistics of training no longer describe what the layers get; this asks
/// how large the loss would be had they been taken there. The estimate is that of PyTorch's
/// `torch.optim.swa_utils.update_bn`: the data passes once in mini-batches, in training mode, and the
/// batches' means and unbiased variances are averaged. The statistics in θ do not matter then.
///
/// It has losses only: it is a [`Loss`], but no [`Gradient`](loss_landscape::Gradient), since its statistics
/// depend on θ through all of the data.
///
/// **Cost.** A pass over the data of the statistics, for each point and data set, and that of the loss.
///
/// **Memory.** Each thread of a sweep holds the values of a mini-batch for the two or three tensors that a
/// layer reads and writes, and once more the parameters, beside [`Network::sweep_memory`].
///
/// ```
/// use loss_landscape_nets::{Architecture, Chain, Criterion, Network, digits};
/// use loss_landscape::{Loss, Model};
///
/// let chain = Chain::new().conv3x3("conv", 4, 2).batch_norm("bn").relu().global_average_pool().linear("fc", 10);
/// let net = Network::<f32>::new(&Architecture::new([1, 8, 8], chain)?, Criterion::CrossEntropy, 0)?;
/// let (train, test) = digits::<f32>()?;
/// let anew = net.reestimated(&train, 128)?;
/// assert_ne!(anew.loss(net.parameters(), &test)?, net.loss(net.parameters(), &test)?);
/// # Ok::<(), loss_landscape::OracleError>(())
/// ```
#[derive(Debug)]
pub struct Reestimated<'a, S> {
    pub(crate) net: &'a Network<S>,
    plan: Plan<S>,
    data: &'a Samples<S>,
    batch: usize,
}

impl<'a, S: Real> Reestimated<'a, S> {
    pub(crate) fn new(net: &'a Network<S>, data: &'a Samples<S>, batch: usize) -> Result<Self> {
        CountSetting::BatchSize.ensure(batch > 0, batch)?;
        net.check_inputs(data)?;
        let plan = Plan::new(net.architecture.graph(), Mode::Training);
        let batch = batch.min(data.len());
        ensure_room::<S>("a mini-batch for statistics", state_len(&plan, batch, Keep::Outputs))?;
        Ok(Self { net, plan, data, batch })
    }

    /// θ with the statistics of the data at θ in its buffers.
    pub(crate) fn with_statistics(&self, theta: &[S]) -> Result<Vec<S>> {
        self.net.blocks().ensure_length("θ", theta.len())?;
        let mut theta = theta.to_vec();
        StatisticsEstimate::new(self).write(self, &mut theta);
        Ok(theta)
    }

    pub(crate) fn write_fingerprint(&self, out: &mut Fingerprint) {
        self.net.write_fingerprint(out);
        self.data.write_fingerprint(out);
        out.count(self.batch);
    }
}

/// Memory for estimates.
#[derive(Debug)]
pub(super) struct StatisticsEstimate<S> {
    state: ChunkState<S>,
    weights: Weights<S>,
}

impl<S: Real> StatisticsEstimate<S> {
    pub(super) fn new(of: &Reestimated<'_, S>) -> Self {
        Self { state: ChunkState::new(&of.plan, of.batch, Keep::Outputs), weights: of.plan.weights(false) }
    }

    /// Writes the statistics at θ into its buffers.
    pub(super) fn write(&mut self, of: &Reestimated<'_, S>, theta: &mut [S]) {
        of.plan.load(theta, &mut self.weights);
        for (index, start) in (0..of.data.len()).step_by(of.batch).enumerate() {
            let inputs = of.data.slice(start..(start + of.batch).min(of.data.len())).0;
            self.state.forward(&of.plan, &self.weights, inputs);
            // The average of what came so far and this.
            let share = S::one() / S::from_f64((index + 1) as f64);
            for (own, [mean, variance]) in self.state.statistics.iter().zip(&of.plan.running) {
                if index == 0 {
                    theta[mean.clone()].fill(S::zero());
                    theta[variance.clone()].fill(S::zero());
                }
                for (average, &new) in theta[mean.clone()].iter_mut().zip(&own.mean) {
                    *average += share * (new - *average);
                }
                for (average, new) in theta[variance.clone()].iter_mut().zip(own.unbiased_variance()) {
                    *average += share * (new - *average);
                }
            }
        }
    }
}
