//! A network whose batch normalisations take their statistics anew at every θ.

use super::{
    learner::unbiased,
    model::{Network, ensure_room},
    pass::{Keep, State, state_len},
    plan::{Mode, Plan},
    sweep,
};
use crate::{Error, NetScalar, Result, Samples, layers::Weights};
use loss_landscape::{
    Layout, Loss, Model, OracleError,
    oracle::{Prepared, Slice},
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
    net: &'a Network<S>,
    plan: Plan<S>,
    data: &'a Samples<S>,
    batch: usize,
}

impl<S: NetScalar> Network<S> {
    /// The same network with statistics taken anew at every θ from `data`, in mini-batches of `batch`.
    ///
    /// # Errors
    /// [`Error::SampleShape`] or [`Error::LayerShape`] for samples that do not fit, [`Error::Setting`] for a
    /// batch of 0, [`Error::OutOfMemory`] for one that is too large.
    pub fn reestimated<'a>(&'a self, data: &'a Samples<S>, batch: usize) -> Result<Reestimated<'a, S>> {
        if batch == 0 {
            return Err(Error::Setting { setting: "the batch size", needs: "at least 1", value: 0.0 });
        }
        self.check_inputs(data)?;
        let plan = Plan::new(self.architecture().graph(), Mode::Training);
        let batch = batch.min(data.len());
        ensure_room::<S>("a mini-batch for statistics", state_len(&plan, batch, Keep::Outputs))?;
        Ok(Reestimated { net: self, plan, data, batch })
    }
}

impl<S: NetScalar> Reestimated<'_, S> {
    /// θ with the statistics of the data at θ in its buffers.
    ///
    /// # Errors
    /// [`Error::Length`].
    pub fn parameters_at(&self, theta: &[S]) -> Result<Vec<S>> {
        self.layout().ensure_length("θ", theta.len())?;
        let mut theta = theta.to_vec();
        Estimate::new(self).write(self, &mut theta);
        Ok(theta)
    }
}

/// Memory for estimates.
#[derive(Debug)]
pub(super) struct Estimate<S> {
    state: State<S>,
    weights: Weights<S>,
}

impl<S: NetScalar> Estimate<S> {
    pub(super) fn new(of: &Reestimated<'_, S>) -> Self {
        Self { state: State::new(&of.plan, of.batch, Keep::Outputs), weights: Weights::new(&of.plan, false) }
    }

    /// Writes the statistics at θ into its buffers.
    pub(super) fn write(&mut self, of: &Reestimated<'_, S>, theta: &mut [S]) {
        self.weights.set(&of.plan, theta);
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
                for (average, new) in theta[variance.clone()].iter_mut().zip(unbiased(own)) {
                    *average += share * (new - *average);
                }
            }
        }
    }
}

impl<S: NetScalar> Model for Reestimated<'_, S> {
    type Scalar = S;

    fn layout(&self) -> &Layout {
        self.net.layout()
    }

    fn parameters(&self) -> &[S] {
        self.net.parameters()
    }
}

impl<S: NetScalar> Loss<Samples<S>> for Reestimated<'_, S> {
    fn loss(&self, theta: &[S], data: &Samples<S>) -> Result<f64, OracleError> {
        self.net.loss(&self.parameters_at(theta)?, data)
    }

    fn fingerprint(&self, data: &Samples<S>) -> Option<u64> {
        let statistics = self.data.fingerprint("");
        Some(data.fingerprint(&format!("{} {statistics:016x} {}", self.net.description(), self.batch)))
    }

    fn channels(&self) -> Vec<String> {
        self.net.channels()
    }

    fn measure(&self, theta: &[S], data: &Samples<S>, out: &mut [f64]) -> Result<(), OracleError> {
        self.net.measure(&self.parameters_at(theta)?, data, out)
    }

    fn prepare<'a>(
        &'a self,
        plane: &'a Slice<'a, S>,
        data: &'a Samples<S>,
    ) -> Result<Option<Box<dyn Prepared + 'a>>, OracleError> {
        self.net.check(data)?;
        self.layout().ensure_length("the plane", plane.len())?;
        Ok(Some(sweep::prepare(self.net, plane, data, Some(self))?))
    }
}
