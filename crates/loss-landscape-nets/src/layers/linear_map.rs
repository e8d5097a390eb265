//! Layers that are linear maps of one tensor and have no parameters: R of their values is the same map of R, and R of δ
//! the same transposed map.

use std::fmt::Debug;

use loss_landscape_kernels::Epilogue;

use super::layer::{Layer, LayerContext};
use crate::real::Real;

/// A linear map between tensors of fixed shapes, for any number of groups of samples.
pub(crate) trait LinearMap: Debug + Send + Sync {
    /// Its values.
    fn apply<S: Real>(&self, x: &[S], out: &mut [S]);

    /// The transposed map: δ of the input, from δ of the output.
    fn apply_transposed<S: Real>(&self, delta: &[S], epilogue: Epilogue<'_, S>, out: &mut [S]);
}

/// A linear map from one tensor to another.
#[derive(Debug)]
pub(crate) struct Mapped<M> {
    pub(crate) inputs: [usize; 1],
    pub(crate) out: usize,
    pub(crate) map: M,
}

impl<S: Real, M: LinearMap> Layer<S> for Mapped<M> {
    fn inputs(&self) -> &[usize] {
        &self.inputs
    }

    fn value(&self, context: &LayerContext<'_, S>, out: &mut [S]) {
        self.map.apply(context.value(self.inputs[0]), out);
    }

    fn delta(&self, _input: usize, context: &LayerContext<'_, S>, epilogue: Epilogue<'_, S>, out: &mut [S]) {
        self.map.apply_transposed(context.delta(self.out), epilogue, out);
    }

    fn tangent(&self, context: &LayerContext<'_, S>, out: &mut [S]) {
        match context.tangent(self.inputs[0]) {
            Some(tangent) => self.map.apply(tangent, out),
            None => out.fill(S::zero()),
        }
    }

    fn tangent_delta(
        &self,
        _input: usize,
        context: &LayerContext<'_, S>,
        epilogue: Epilogue<'_, S>,
        out: &mut [S],
    ) {
        self.map.apply_transposed(context.tangent_delta(self.out), epilogue, out);
    }
}
