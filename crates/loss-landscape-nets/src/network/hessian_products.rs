//! Products of a network's Hessian, and of its Gauss–Newton part and rest, by Pearlmutter's R-operator: values and
//! derivatives once for each θ where they fit, then a tangent pass forward and one backward for each vector.
//!
//! In folded parameters φ(θ) the Hessian has the same two parts. Carried to θ, the rest gets what the curvature of φ
//! adds, and the Gauss–Newton part Jφᵀ·G·Jφ does not.

use std::sync::{Mutex, MutexGuard, PoisonError};

use loss_landscape::{
    OracleError,
    curvature::HessianPart,
    oracle::{GaussNewtonWorker, HessianWorker},
};
use loss_landscape_kernels::{AlignedBuffer, zeros};

use super::{
    chunk_state::{ChunkState, Keep, state_len},
    conv_network::Network,
    evaluation::chunk_loss,
    scratch_pool::ScratchPool,
    tangent_state::{TangentInput, TangentState},
    vector_by_vector::vector_by_vector,
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
    /// The gradient by folded parameters, which bends with them; empty unless all is known at θ.
    gradient: Vec<S>,
    /// What the chunks hold of θ.
    filled: Filled,
    /// The chunks at θ, all of them or none. Each belongs to one part of the split, so no thread ever waits.
    states: Vec<Mutex<ChunkState<S>>>,
    scratch: ScratchPool<Scratch<S>>,
}

/// What is known at θ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Filled {
    Nothing,
    Values,
    /// And derivatives, and the gradient.
    All,
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
            filled: Filled::Nothing,
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

    /// Values of a chunk unless they are there, its derivatives if asked for, and its gradient if there is a place.
    fn fill(
        &self,
        state: &mut ChunkState<S>,
        chunk: usize,
        [values, derivatives]: [bool; 2],
        space: &mut [S],
        gradient: Option<&mut [S]>,
    ) {
        let range = self.split.range(chunk);
        let wanted = self.data.slice(range.clone()).1;
        if values {
            chunk_loss(self.net, state, &self.weights, self.data, range);
        }
        if derivatives {
            let scale = 1.0 / self.data.len() as f64;
            state.backward(&self.net.plan, &self.weights, wanted, scale, space, gradient);
        }
    }

    fn part_product(&mut self, part: HessianPart, v: &[S], out: &mut [S]) -> Result<(), OracleError> {
        let plan = &self.net.plan;
        let layout = self.net.blocks();
        layout.ensure_length("the vector", v.len())?;
        layout.ensure_length("the product", out.len())?;
        layout.ensure_length("θ", self.theta.len())?;
        plan.load_direction(&self.theta, v, &mut self.direction);
        let this = &*self;
        let needed = if part == HessianPart::GaussNewton { Filled::Values } else { Filled::All };
        // The gradient is summed once, the chunks are filled once where they are kept.
        let first = this.filled < needed && needed == Filled::All;
        let known = if this.states.is_empty() { Filled::Nothing } else { this.filled };
        let fill = [known < Filled::Values, known < needed && needed == Filled::All];
        let along = TangentInput {
            weights: &this.weights,
            direction: &this.direction,
            criterion: this.net.criterion,
            part,
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
                        let gradient = first.then_some(&mut gradient[..]);
                        this.fill(state, chunk, fill, space, gradient);
                        tangent.product(plan, state, &along, space, &mut total);
                    }
                },
            );
            (gradient, total)
        });
        let (gradients, tangents): (Vec<_>, Vec<_>) = parts.into_iter().unzip();
        if first {
            self.gradient = add_up(gradients);
            plan.put_in_order(&mut self.gradient);
        }
        self.filled = self.filled.max(needed);
        let mut tangents = add_up(tangents);
        plan.put_in_order(&mut tangents);
        if part == HessianPart::GaussNewton {
            plan.fold.pull(&self.theta, &tangents, out);
        } else {
            plan.fold.pull_tangent(&self.theta, v, &self.gradient, &tangents, out);
        }
        Ok(())
    }

    fn part_products(
        &mut self,
        part: HessianPart,
        n: usize,
        vectors: &[S],
        out: &mut [S],
    ) -> Result<(), OracleError> {
        let layout = self.net.blocks();
        vector_by_vector(layout, n, vectors, out, |v, out| self.part_product(part, v, out))
    }
}

impl<S: Real> HessianWorker<S> for NetworkHessian<'_, S> {
    fn at(&mut self, theta: &[S]) -> Result<(), OracleError> {
        self.net.blocks().ensure_length("θ", theta.len())?;
        self.theta.clear();
        self.theta.extend_from_slice(theta);
        self.net.plan.load(theta, &mut self.weights);
        // Left to the first product, which has every chunk in its hands.
        self.filled = Filled::Nothing;
        self.gradient.clear();
        Ok(())
    }

    fn product(&mut self, v: &[S], out: &mut [S]) -> Result<(), OracleError> {
        self.part_product(HessianPart::Whole, v, out)
    }
}

impl<S: Real> GaussNewtonWorker<S> for NetworkHessian<'_, S> {
    fn gauss_newton_products(&mut self, n: usize, vectors: &[S], out: &mut [S]) -> Result<(), OracleError> {
        self.part_products(HessianPart::GaussNewton, n, vectors, out)
    }

    fn rest_products(&mut self, n: usize, vectors: &[S], out: &mut [S]) -> Result<(), OracleError> {
        self.part_products(HessianPart::Rest, n, vectors, out)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
