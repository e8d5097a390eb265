//! Activations that stand alone: ReLU where nothing precedes it to be fused with, and tanh.

use loss_landscape_kernels::{
    ChannelSums, Epilogue, ScaledTensor, TanhCurvature, TanhValues, TensorShape, TimesTanhSlope,
};

use super::layer::{Layer, LayerContext};
use crate::real::Real;

/// max(0, z).
#[derive(Debug)]
pub(crate) struct Rectify {
    pub(crate) inputs: [usize; 1],
    pub(crate) out: usize,
    pub(crate) shape: TensorShape,
}

fn pass<S: Real>(shape: TensorShape, x: &[S], epilogue: Epilogue<'_, S>, out: &mut [S]) {
    ChannelSums { shape, terms: &[ScaledTensor { x, factors: None }], shifts: None, epilogue, out }.run();
}

impl<S: Real> Layer<S> for Rectify {
    fn inputs(&self) -> &[usize] {
        &self.inputs
    }

    fn rectified(&self) -> bool {
        true
    }

    fn passes(&self, _input: usize) -> bool {
        true
    }

    fn value(&self, context: &LayerContext<'_, S>, out: &mut [S]) {
        pass(self.shape, context.value(self.inputs[0]), Epilogue { relu: true, ..Epilogue::default() }, out);
    }

    fn delta(&self, _input: usize, context: &LayerContext<'_, S>, epilogue: Epilogue<'_, S>, out: &mut [S]) {
        pass(self.shape, context.delta(self.out), epilogue, out);
    }

    fn tangent(&self, context: &LayerContext<'_, S>, out: &mut [S]) {
        let mask = Some(context.value(self.out));
        match context.tangent(self.inputs[0]) {
            Some(x) => pass(self.shape, x, Epilogue { mask, ..Epilogue::default() }, out),
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
        pass(self.shape, context.tangent_delta(self.out), epilogue, out);
    }
}

/// tanh z.
#[derive(Debug)]
pub(crate) struct Tanh {
    pub(crate) inputs: [usize; 1],
    pub(crate) out: usize,
}

impl<S: Real> Layer<S> for Tanh {
    fn inputs(&self) -> &[usize] {
        &self.inputs
    }

    fn value(&self, context: &LayerContext<'_, S>, out: &mut [S]) {
        TanhValues { out, x: context.value(self.inputs[0]) }.run();
    }

    fn delta(&self, _input: usize, context: &LayerContext<'_, S>, epilogue: Epilogue<'_, S>, out: &mut [S]) {
        TimesTanhSlope { out, x: context.delta(self.out), a: context.value(self.out), epilogue }.run();
    }

    fn tangent(&self, context: &LayerContext<'_, S>, out: &mut [S]) {
        match context.tangent(self.inputs[0]) {
            Some(x) => {
                TimesTanhSlope { out, x, a: context.value(self.out), epilogue: Epilogue::default() }.run();
            }
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
        let (own, input) = (self.out, context.tangents.get(self.out, context.groups));
        TanhCurvature {
            out,
            tangent_delta: context.tangent_delta(own),
            delta: context.delta(own),
            a: context.value(own),
            tangent: input,
            epilogue,
        }
        .run();
    }
}
