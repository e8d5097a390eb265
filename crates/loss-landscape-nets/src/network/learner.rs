//! Gradients in training mode: normalised by the statistics of the mini-batch, which the running ones follow.

use super::{
    model::{Network, ensure_room},
    pass::{Keep, State, state_len},
    plan::{Mode, Plan},
};
use crate::{
    NetScalar, Result, Samples,
    layers::{Statistics, Weights},
    simd::Buffer,
    train::{BatchMeans, Learner, Trainable},
};

/// How far the running statistics go towards those of a mini-batch: PyTorch's default.
const MOMENTUM: f64 = 0.1;

impl<S: NetScalar> Trainable<S> for Network<S> {
    fn check(&self, data: &Samples<S>) -> Result<()> {
        Network::check(self, data)
    }

    fn learner(&self, batch_size: usize) -> Result<Box<dyn Learner<S> + '_>> {
        let plan = Plan::new(self.architecture().graph(), Mode::Training);
        ensure_room::<S>("a mini-batch in training", state_len(&plan, batch_size, Keep::Values))?;
        Ok(Box::new(NetworkLearner {
            net: self,
            weights: Weights::new(&plan, true),
            state: State::new(&plan, batch_size, Keep::Values).in_parallel(),
            room: Buffer::new(plan.room()),
            plan,
        }))
    }

    fn theta_mut(&mut self) -> &mut [S] {
        Network::theta_mut(self)
    }
}

/// One training's scratch memory.
struct NetworkLearner<'a, S> {
    net: &'a Network<S>,
    plan: Plan<S>,
    weights: Weights<S>,
    state: State<S>,
    room: Buffer<S>,
}

impl<S: NetScalar> Learner<S> for NetworkLearner<'_, S> {
    fn gradient(&mut self, theta: &mut [S], batch: &Samples<S>, out: &mut [S]) -> Result<BatchMeans> {
        let samples = batch.len() as f64;
        let (inputs, wanted) = batch.slice(0..batch.len());
        self.weights.set(&self.plan, theta);
        self.state.forward(&self.plan, &self.weights, inputs);
        let sums = self.state.finish(self.net.architecture().outputs(), wanted);
        out.fill(S::zero());
        self.state.backward(&self.plan, &self.weights, wanted, 1.0 / samples, &mut self.room, Some(out));
        let momentum = S::from_f64(MOMENTUM);
        for (own, [mean, variance]) in self.state.statistics.iter().zip(&self.plan.running) {
            for (running, &new) in theta[mean.clone()].iter_mut().zip(&own.mean) {
                *running += momentum * (new - *running);
            }
            // A single value has no variance to learn from.
            if own.count > 1 {
                for (running, new) in theta[variance.clone()].iter_mut().zip(unbiased(own)) {
                    *running += momentum * (new - *running);
                }
            }
        }
        let accuracy = batch.labels().map(|_| sums.hits / samples);
        Ok(BatchMeans { loss: sums.loss / samples, accuracy })
    }
}

/// Σ (x − mean)² / (n − 1), as running variances are; of a single value 0.
pub(super) fn unbiased<S: NetScalar>(statistics: &Statistics<S>) -> impl Iterator<Item = S> {
    let n = statistics.count as f64;
    let scale = S::from_f64(n / (n - 1.0).max(1.0));
    statistics.variance.iter().map(move |&variance| variance * scale)
}
