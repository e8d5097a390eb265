//! Products of a transformer's Hessian, and of its Gauss–Newton part and rest, by the R-operator.

use std::sync::{Mutex, PoisonError};

use loss_landscape::{
    OracleError,
    curvature::HessianPart,
    oracle::{GaussNewtonWorker, HessianWorker},
};
use loss_landscape_kernels::zeros;

use super::{
    backward,
    network::Transformer,
    pass::{self, Dims, Keep, PassState, Scratch, chunk_of, state_len},
    tangent,
};
use crate::{
    data::Tokens,
    network::{ScratchPool, WorkSplit, add_up, vector_by_vector},
    real::Real,
};

/// The products of one model and data set, at one θ after another.
pub(crate) struct TransformerHessian<'a, S> {
    net: &'a Transformer<S>,
    data: &'a Tokens,
    split: WorkSplit,
    theta: Vec<S>,
    /// The chunks at θ, all of them or none. Each belongs to one part of the split, so that no thread ever waits.
    kept: Vec<Mutex<ChunkAtTheta<S>>>,
    pool: ScratchPool<ThreadMemory<S>>,
}

/// Values of a chunk, and derivatives by them.
struct ChunkAtTheta<S> {
    /// Whether it holds the values at θ, and whether the derivatives.
    held: [bool; 2],
    values: PassState<S>,
    deltas: PassState<S>,
}

/// One thread's memory.
struct ThreadMemory<S> {
    /// A chunk at θ, if they are not kept.
    state: Option<ChunkAtTheta<S>>,
    tangents: PassState<S>,
    tangent_deltas: PassState<S>,
    scratch: Scratch<S>,
}

impl<S: Real> ChunkAtTheta<S> {
    fn new(dims: Dims, layers: usize) -> Self {
        let [values, deltas] = [(); 2].map(|()| PassState::new(dims, layers, Keep::All));
        Self { held: [false; 2], values, deltas }
    }
}

impl<'a, S: Real> TransformerHessian<'a, S> {
    pub(crate) fn new(net: &'a Transformer<S>, data: &'a Tokens, memory: u64) -> Self {
        let split = WorkSplit::new::<S>(data.len(), chunk_of(net, data), net.theta.len());
        let layers = net.places.blocks.len();
        let dims = |chunk: usize| Dims::new(net, split.range(chunk).len(), data.sequence_length());
        let all = (0..split.chunks())
            .map(|chunk| state_len(dims(chunk), layers, Keep::All))
            .fold(0, usize::saturating_add);
        let bytes = all.saturating_mul(2 * size_of::<S>()) as u64;
        let kept = if bytes <= memory { split.chunks() } else { 0 };
        let kept = (0..kept).map(|chunk| Mutex::new(ChunkAtTheta::new(dims(chunk), layers))).collect();
        Self { net, data, split, theta: Vec::new(), kept, pool: ScratchPool::new() }
    }

    fn thread_memory(&self) -> ThreadMemory<S> {
        let dims = Dims::new(self.net, self.split.chunk, self.data.sequence_length());
        let layers = self.net.places.blocks.len();
        let [tangents, tangent_deltas] =
            [Keep::All, Keep::Between].map(|keep| PassState::new(dims, layers, keep));
        let state = self.kept.is_empty().then(|| ChunkAtTheta::new(dims, layers));
        ThreadMemory { state, tangents, tangent_deltas, scratch: Scratch::new(dims) }
    }

    /// One chunk's share of a product, added to `out`.
    fn chunk_product(
        &self,
        part: HessianPart,
        chunk: usize,
        v: &[S],
        memory: &mut ThreadMemory<S>,
        out: &mut [S],
    ) {
        let ThreadMemory { state: own, tangents, tangent_deltas, scratch } = memory;
        let mut kept = self.kept.get(chunk).map(|state| state.lock().unwrap_or_else(PoisonError::into_inner));
        if let Some(own) = own {
            own.held = [false; 2];
        }
        let state = kept.as_deref_mut().or(own.as_mut()).expect("a chunk is kept, or the thread has its own");
        let (net, theta) = (self.net, &self.theta[..]);
        let range = self.split.range(chunk);
        let dims = Dims::new(net, range.len(), self.data.sequence_length());
        let chunk = self.data.slice(range);
        let scale = 1.0 / self.data.counted() as f64;
        let ChunkAtTheta { held, values, deltas } = state;
        for state in [&mut *values, &mut *deltas, &mut *tangents, &mut *tangent_deltas] {
            state.resize(dims);
        }
        scratch.take_targets(dims, chunk);
        if !held[0] {
            pass::loss(net, dims, theta, chunk, values, scratch);
            held[0] = true;
        }
        if !held[1] && part != HessianPart::GaussNewton {
            backward::start(dims, values, deltas, scratch, scale);
            backward::backward(net, dims, theta, chunk.tokens, values, deltas, scratch, None);
            held[1] = true;
        }
        tangent::forward(net, dims, [theta, v], chunk.tokens, values, tangents, scratch);
        tangent::start(dims, part, [values, tangents], tangent_deltas, scratch, scale);
        if part == HessianPart::GaussNewton {
            let gradient = Some(out);
            backward::backward(net, dims, theta, chunk.tokens, values, tangent_deltas, scratch, gradient);
        } else {
            let states = [&*values, &*deltas, &*tangents];
            tangent::backward(net, dims, [theta, v], chunk.tokens, states, tangent_deltas, scratch, out);
        }
    }

    fn part_product(&mut self, part: HessianPart, v: &[S], out: &mut [S]) -> Result<(), OracleError> {
        let layout = &self.net.blocks;
        layout.ensure_length("the vector", v.len())?;
        layout.ensure_length("the product", out.len())?;
        layout.ensure_length("θ", self.theta.len())?;
        let this = &*self;
        let parts = this.split.run(|chunks| {
            let mut total = zeros(this.theta.len());
            this.pool.with(
                || this.thread_memory(),
                |memory| {
                    for chunk in chunks {
                        this.chunk_product(part, chunk, v, memory, &mut total);
                    }
                },
            );
            total
        });
        out.copy_from_slice(&add_up(parts));
        Ok(())
    }

    fn part_products(
        &mut self,
        part: HessianPart,
        n: usize,
        vectors: &[S],
        out: &mut [S],
    ) -> Result<(), OracleError> {
        let layout = &self.net.blocks;
        vector_by_vector(layout, n, vectors, out, |v, out| self.part_product(part, v, out))
    }
}

impl<S: Real> HessianWorker<S> for TransformerHessian<'_, S> {
    fn at(&mut self, theta: &[S]) -> Result<(), OracleError> {
        self.net.ready(theta, self.data)?;
        let at_theta = if self.kept.is_empty() { &[Keep::All; 2][..] } else { &[] };
        self.net.ensure_pass(self.data, &[&[Keep::All, Keep::Between], at_theta].concat())?;
        self.theta.clear();
        self.theta.extend_from_slice(theta);
        for state in &mut self.kept {
            state.get_mut().unwrap_or_else(PoisonError::into_inner).held = [false; 2];
        }
        Ok(())
    }

    fn product(&mut self, v: &[S], out: &mut [S]) -> Result<(), OracleError> {
        self.part_product(HessianPart::Whole, v, out)
    }
}

impl<S: Real> GaussNewtonWorker<S> for TransformerHessian<'_, S> {
    fn gauss_newton_products(&mut self, n: usize, vectors: &[S], out: &mut [S]) -> Result<(), OracleError> {
        self.part_products(HessianPart::GaussNewton, n, vectors, out)
    }

    fn rest_products(&mut self, n: usize, vectors: &[S], out: &mut [S]) -> Result<(), OracleError> {
        self.part_products(HessianPart::Rest, n, vectors, out)
    }
}
