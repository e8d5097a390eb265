//! Hessian-vector products of a network by Pearlmutter's R-operator: values and derivatives once for
//! each θ where they fit, then a tangent pass up and one back for each vector.

use super::{
    model::{Network, add_up},
    pass::{Keep, State, Tangent, state_len},
    strands::{Pool, Strands},
};
use crate::{
    BoxError, HessianWorker,
    nets::{NetScalar, Samples, layers::Weights, simd::Buffer},
};

/// The products of one model and data set, at one θ after another.
pub(super) struct NetworkHessian<'a, S> {
    net: &'a Network<S>,
    data: &'a Samples<S>,
    strands: Strands,
    theta: Vec<S>,
    weights: Weights<S>,
    direction: Weights<S>,
    /// The gradient by folded parameters, which bends with them.
    gradient: Vec<S>,
    /// The chunks at θ, all of them or none.
    states: Vec<State<S>>,
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
        let strands = net.strands(data.len(), net.kept_chunk(), plan.fold.len);
        let all = state_len(plan, data.len(), Keep::All).saturating_mul(size_of::<S>());
        let kept = if all <= memory { strands.chunks() } else { 0 };
        let states = (0..kept).map(|chunk| State::new(plan, strands.range(chunk).len(), Keep::All)).collect();
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
    fn at(&mut self, theta: &[S]) -> Result<(), BoxError> {
        let plan = self.net.plan();
        crate::Model::layout(self.net).ensure_length("θ", theta.len())?;
        self.theta.clear();
        self.theta.extend_from_slice(theta);
        self.weights.set(plan, theta);
        // A strand owns the states of its chunks, so they come apart for the time.
        let states: Vec<std::sync::Mutex<State<S>>> =
            std::mem::take(&mut self.states).into_iter().map(std::sync::Mutex::new).collect();
        let this = &*self;
        let parts = this.strands.run(|chunks| {
            let mut gradient = vec![S::zero(); plan.fold.len];
            let memory = || {
                let samples = this.strands.chunk.min(this.data.len());
                let state = states.is_empty().then(|| State::new(plan, samples, Keep::All));
                Scratch { state, tangent: Tangent::new(plan, samples), room: Buffer::new(plan.room()) }
            };
            this.scratch.with(memory, |scratch| {
                for chunk in chunks {
                    let mut kept = states
                        .get(chunk)
                        .map(|state| state.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
                    if let Some(state) = kept.as_deref_mut().or(scratch.state.as_mut()) {
                        this.fill(state, chunk, &mut scratch.room, Some(&mut gradient));
                    }
                }
            });
            (0.0, gradient)
        });
        self.gradient = add_up(parts).1;
        self.states = (states.into_iter())
            .map(|state| state.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner))
            .collect();
        Ok(())
    }

    fn product(&mut self, v: &[S], out: &mut [S]) -> Result<(), BoxError> {
        let plan = self.net.plan();
        let layout = crate::Model::layout(self.net);
        layout.ensure_length("the vector", v.len())?;
        layout.ensure_length("the product", out.len())?;
        layout.ensure_length("θ", self.theta.len())?;
        self.direction.set_direction(plan, &self.theta, v);
        let this = &*self;
        let parts = this.strands.run(|chunks| {
            let mut total = vec![S::zero(); plan.fold.len];
            this.scratch.with(
                || this.scratch(),
                |Scratch { state: own, tangent, room }| {
                    for chunk in chunks {
                        let state = match (this.states.get(chunk), own.as_mut()) {
                            (Some(state), _) => state,
                            (None, Some(state)) => {
                                this.fill(state, chunk, room, None);
                                state
                            }
                            (None, None) => continue,
                        };
                        let (criterion, scale) = (this.net.criterion(), 1.0 / this.data.len() as f64);
                        let (weights, direction) = (&this.weights, &this.direction);
                        tangent.product(plan, state, weights, direction, criterion, scale, room, &mut total);
                    }
                },
            );
            (0.0, total)
        });
        let (_, tangent) = add_up(parts);
        plan.fold.pull_tangent(&self.theta, v, &self.gradient, &tangent, out);
        Ok(())
    }
}
