//! Hessian-vector products of a network by Pearlmutter's R-operator: values and derivatives once for
//! each θ where they fit, then a tangent pass up and one back for each vector.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{
    model::{Network, add_up},
    pass::{Along, Keep, State, Tangent, state_len},
    strands::{Pool, Strands},
};
use crate::{
    NetScalar, Samples,
    layers::Weights,
    simd::{Buffer, zeros},
};
use loss_landscape::{Model, OracleError, oracle::HessianWorker};

/// The products of one model and data set, at one θ after another.
pub(super) struct NetworkHessian<'a, S> {
    net: &'a Network<S>,
    data: &'a Samples<S>,
    strands: Strands,
    theta: Vec<S>,
    weights: Weights<S>,
    direction: Weights<S>,
    /// The gradient by folded parameters, which bends with them; empty before the first product at θ.
    gradient: Vec<S>,
    /// The chunks at θ, all of them or none. Strands share the chunks out, so no one ever waits.
    states: Vec<Mutex<State<S>>>,
    scratch: Pool<Scratch<S>>,
}

/// One thread's memory.
struct Scratch<S> {
    /// A chunk at θ, if they are not kept.
    state: Option<State<S>>,
    tangent: Tangent<S>,
    room: Buffer<S>,
}

impl<'a, S: NetScalar> NetworkHessian<'a, S> {
    pub(super) fn new(net: &'a Network<S>, data: &'a Samples<S>, memory: usize) -> Self {
        let plan = net.plan();
        let strands = Strands::new::<S>(data.len(), net.hessian_chunk(), plan.fold.len);
        let all = state_len(plan, data.len(), Keep::All).saturating_mul(size_of::<S>());
        let kept = if all <= memory { strands.chunks() } else { 0 };
        let state = |chunk| Mutex::new(State::new(plan, strands.range(chunk).len(), Keep::All));
        let states = (0..kept).map(state).collect();
        Self {
            net,
            data,
            strands,
            theta: Vec::new(),
            weights: Weights::new(plan, true),
            direction: Weights::new(plan, true),
            gradient: Vec::new(),
            states,
            scratch: Pool::new(),
        }
    }

    fn scratch(&self) -> Scratch<S> {
        let (plan, samples) = (self.net.plan(), self.strands.chunk.min(self.data.len()));
        let state = self.states.is_empty().then(|| State::new(plan, samples, Keep::All));
        Scratch { state, tangent: Tangent::new(plan, samples), room: Buffer::new(plan.room()) }
    }

    /// Values and derivatives of a chunk, and its gradient if asked for.
    fn fill(&self, state: &mut State<S>, chunk: usize, room: &mut [S], gradient: Option<&mut [S]>) {
        let range = self.strands.range(chunk);
        let wanted = self.data.slice(range.clone()).1;
        self.net.share(state, &self.weights, self.data, range);
        let scale = 1.0 / self.data.len() as f64;
        state.backward(self.net.plan(), &self.weights, wanted, scale, room, gradient);
    }
}

impl<S: NetScalar> HessianWorker<S> for NetworkHessian<'_, S> {
    fn at(&mut self, theta: &[S]) -> Result<(), OracleError> {
        Model::layout(self.net).ensure_length("θ", theta.len())?;
        self.theta.clear();
        self.theta.extend_from_slice(theta);
        self.weights.set(self.net.plan(), theta);
        // Left to the first product, which has every chunk in its hands.
        self.gradient.clear();
        Ok(())
    }

    fn product(&mut self, v: &[S], out: &mut [S]) -> Result<(), OracleError> {
        let plan = self.net.plan();
        let layout = Model::layout(self.net);
        layout.ensure_length("the vector", v.len())?;
        layout.ensure_length("the product", out.len())?;
        layout.ensure_length("θ", self.theta.len())?;
        self.direction.set_direction(plan, &self.theta, v);
        let this = &*self;
        let first = this.gradient.is_empty();
        let along = Along {
            weights: &this.weights,
            direction: &this.direction,
            criterion: this.net.criterion(),
            scale: 1.0 / this.data.len() as f64,
        };
        let parts = this.strands.run(|chunks| {
            let mut gradient = zeros(if first { plan.fold.len } else { 0 });
            let mut total = zeros(plan.fold.len);
            this.scratch.with(
                || this.scratch(),
                |Scratch { state: own, tangent, room }| {
                    for chunk in chunks {
                        let mut kept = this.states.get(chunk).map(|state| lock(state));
                        let Some(state) = kept.as_deref_mut().or(own.as_mut()) else { continue };
                        if first || this.states.is_empty() {
                            let gradient = first.then_some(&mut gradient[..]);
                            this.fill(state, chunk, room, gradient);
                        }
                        tangent.product(plan, state, &along, room, &mut total);
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
