//! Gradients in training mode: normalised by the statistics of the mini-batch, which the running ones follow.

use loss_landscape_kernels::AlignedBuffer;

use super::{
    chunk_state::{ChunkState, Keep, state_len},
    conv_network::Network,
    plan::{Mode, Plan},
};
use crate::{
    data::Samples,
    error::Result,
    layers::{PARTS, Weights},
    memory::ensure_room,
    real::Real,
    train::{BatchMeans, Learner},
};

/// How far the running statistics go towards those of a mini-batch: PyTorch's default.
const MOMENTUM: f64 = 0.1;

/// Memory for the gradients of one training in mini-batches of at most `batch_size` samples.
pub(crate) fn learner<S: Real>(net: &Network<S>, batch_size: usize) -> Result<Box<dyn Learner<S> + '_>> {
    let plan = Plan::new(net.architecture.graph(), Mode::Training);
    let scratch_len = PARTS * plan.scratch_len();
    let state_len = state_len(&plan, batch_size, Keep::Values);
    ensure_room::<S>("a mini-batch in training", state_len.saturating_add(scratch_len))?;
    Ok(Box::new(NetworkLearner {
        weights: plan.weights(true),
        state: ChunkState::new(&plan, batch_size, Keep::Values).in_parallel(),
        scratch: AlignedBuffer::new(scratch_len),
        plan,
    }))
}

/// One training's scratch memory.
struct NetworkLearner<S> {
    plan: Plan<S>,
    weights: Weights<S>,
    state: ChunkState<S>,
    scratch: AlignedBuffer<S>,
}

impl<S: Real> Learner<S> for NetworkLearner<S> {
    fn gradient(&mut self, theta: &mut [S], batch: &Samples<S>, out: &mut [S]) -> Result<BatchMeans> {
        let samples = batch.len() as f64;
        let (inputs, wanted) = batch.slice(0..batch.len());
        self.plan.load(theta, &mut self.weights);
        self.state.forward(&self.plan, &self.weights, inputs);
        let sums = self.state.finish(&self.plan, wanted);
        out.fill(S::zero());
        self.state.backward(&self.plan, &self.weights, wanted, 1.0 / samples, &mut self.scratch, Some(out));
        self.plan.put_in_order(out);
        let momentum = S::from_f64(MOMENTUM);
        for (own, [mean, variance]) in self.state.statistics.iter().zip(&self.plan.running) {
            for (running, &new) in theta[mean.clone()].iter_mut().zip(&own.mean) {
                *running += momentum * (new - *running);
            }
            // A single value has no variance to learn from.
            if own.count > 1 {
                for (running, new) in theta[variance.clone()].iter_mut().zip(own.unbiased_variance()) {
                    *running += momentum * (new - *running);
                }
            }
        }
        let accuracy = batch.labels().map(|_| sums.hits / samples);
        Ok(BatchMeans { loss: sums.loss / samples, accuracy })
    }
}
