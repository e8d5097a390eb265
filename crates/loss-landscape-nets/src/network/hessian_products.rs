//! Hessian-vector products of a network by Pearlmutter's R-operator: values and derivatives once for
//! each θ where they fit, then a tangent pass forward and one backward for each vector.

use std::sync::{Mutex, MutexGuard, PoisonError};

use loss_landscape::{OracleError, oracle::HessianWorker};
use loss_landscape_kernels::{AlignedBuffer, zeros};

use super::{
    chunk_state::{ChunkState, Keep, state_len},
    conv_network::Network,
    evaluation::chunk_loss,
    scratch_pool::ScratchPool,
    tangent_state::{TangentInput, TangentState},
    work_split::{WorkSplit, add_up},
};
use crate::{data::Samples, layers::Weights, real::Real};

/// The products of one model and data set, at one θ after another.
pub(crate) struct NetworkHessian<'a, S> {
    net: &'a Network<S>,
    data: &'a Samples<S>,
    split: WorkSplit,
    theta: Vec<S>,
    weights: Weights<S>,
    direction: Weights<S>,
    /// The gradient by folded parameters, which bends with them; empty before the first product at θ.
    gradient: Vec<S>,
    /// The chunks at θ, all of them or none. Each belongs to one part of the split, so no thread ever waits.
    states: Vec<Mutex<ChunkState<S>>>,
    scratch: ScratchPool<Scratch<S>>,
}

/// One thread's memory.
struct Scratch<S> {
    /// A chunk at θ, if they are not kept.
    state: Option<ChunkState<S>>,
    tangent: TangentState<S>,
    space: AlignedBuffer<S>,
}

impl<'a, S: Real> NetworkHessian<'a, S> {
    pub(crate) fn new(net: &'a Network<S>, data: &'a Samples<S>, memory: u64) -> Self {
        let plan = &net.plan;
        let split = WorkSplit::new::<S>(data.len(), net.hessian_chunk(), plan.fold.len);
        let all = state_len(plan, data.len(), Keep::All).saturating_mul(size_of::<S>());
        let kept = if all as u64 <= memory { split.chunks() } else { 0 };
        let state = |chunk| Mutex::new(ChunkState::new(plan, split.range(chunk).len(), Keep::All));
        let states = (0..kept).map(state).collect();
        Self {
            net,
            data,
            split,
            theta: Vec::new(),
            weights: plan.weights(true),
            direction: plan.weights(true),
            gradient: Vec::new(),
            states,
            scratch: ScratchPool::new(),
        }
    }

    fn scratch(&self) -> Scratch<S> {
        let (plan, samples) = (&self.net.plan, self.split.chunk.min(self.data.len()));
        let state = self.states.is_empty().then(|| ChunkState::new(plan, samples, Keep::All));
        Scratch {
            state,
            tangent: TangentState::new(plan, samples),
            space: AlignedBuffer::new(plan.scratch_len()),
        }
    }

    /// Values and derivatives of a chunk, and its gradient if asked for.
    fn fill(&self, state: &mut ChunkState<S>, chunk: usize, space: &mut [S], gradient: Option<&mut [S]>) {
        let range = self.split.range(chunk);
        let wanted = self.data.slice(range.clone()).1;
        chunk_loss(self.net, state, &self.weights, self.data, range);
        let scale = 1.0 / self.data.len() as f64;
        state.backward(&self.net.plan, &self.weights, wanted, scale, space, gradient);
    }
}

impl<S: Real> HessianWorker<S> for NetworkHessian<'_, S> {
    fn at(&mut self, theta: &[S]) -> Result<(), OracleError> {
        self.net.blocks().ensure_length("θ", theta.len())?;
        self.theta.clear();
        self.theta.extend_from_slice(theta);
        self.net.plan.load(theta, &mut self.weights);
        // Left to the first product, which has every chunk in its hands.
        self.gradient.clear();
        Ok(())
    }

    fn product(&mut self, v: &[S], out: &mut [S]) -> Result<(), OracleError> {
        let plan = &self.net.plan;
        let layout = self.net.blocks();
        layout.ensure_length("the vector", v.len())?;
        layout.ensure_length("the product", out.len())?;
        layout.ensure_length("θ", self.theta.len())?;
        plan.load_direction(&self.theta, v, &mut self.direction);
        let this = &*self;
        let first = this.gradient.is_empty();
        let along = TangentInput {
            weights: &this.weights,
            direction: &this.direction,
            criterion: this.net.criterion,
            scale: 1.0 / this.data.len() as f64,
        };
        let parts = this.split.run(|chunks| {
            let mut gradient = zeros(if first { plan.fold.len } else { 0 });
            let mut total = zeros(plan.fold.len);
            this.scratch.with(
                || this.scratch(),
                |Scratch { state: own, tangent, space }| {
                    for chunk in chunks {
                        let mut kept = this.states.get(chunk).map(|state| lock(state));
                        let state = kept
                            .as_deref_mut()
                            .or(own.as_mut())
                            .expect("a chunk is kept, or the thread has its own");
                        if first || this.states.is_empty() {
                            let gradient = first.then_some(&mut gradient[..]);
                            this.fill(state, chunk, space, gradient);
                        }
                        tangent.product(plan, state, &along, space, &mut total);
                    }
                },
            );
            (gradient, total)
        });
        let (gradients, tangents): (Vec<_>, Vec<_>) = parts.into_iter().unzip();
        if first {
            self.gradient = add_up(gradients);
        }
        plan.fold.pull_tangent(&self.theta, v, &self.gradient, &add_up(tangents), out);
        Ok(())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
