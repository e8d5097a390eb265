//! From an image to a list of values, for linear layers.

use loss_landscape_kernels::{Epilogue, LANES, TensorShape};

use super::layer::{Layer, LayerContext};
use crate::real::Real;

/// [channels, height, width] as [channels·height·width, 1, 1].
#[derive(Debug)]
pub(crate) struct Flatten {
    pub(crate) inputs: [usize; 1],
    pub(crate) out: usize,
    pub(crate) input: TensorShape,
}

impl Flatten {
    fn flatten<S: Real>(&self, x: Option<&[S]>, out: &mut [S]) {
        let Some(x) = x else { return out.fill(S::zero()) };
        let (stride, pixels) = (self.input.stride() * LANES, self.input.pixels() * LANES);
        for (plane, out) in x.chunks_exact(stride).zip(out.chunks_exact_mut(pixels)) {
            out.copy_from_slice(&plane[..pixels]);
        }
    }

    fn back<S: Real>(&self, delta: &[S], epilogue: Epilogue<'_, S>, out: &mut [S]) {
        let (stride, pixels) = (self.input.stride() * LANES, self.input.pixels() * LANES);
        for (plane, delta) in delta.chunks_exact(pixels).enumerate() {
            for (at, &delta) in delta.iter().enumerate() {
                epilogue.put(delta, out, plane * stride + at);
            }
        }
    }
}

impl<S: Real> Layer<S> for Flatten {
    fn inputs(&self) -> &[usize] {
        &self.inputs
    }

    fn value(&self, context: &LayerContext<'_, S>, out: &mut [S]) {
        self.flatten(Some(context.value(self.inputs[0])), out);
    }

    fn delta(&self, _input: usize, context: &LayerContext<'_, S>, epilogue: Epilogue<'_, S>, out: &mut [S]) {
        self.back(context.delta(self.out), epilogue, out);
    }

    fn tangent(&self, context: &LayerContext<'_, S>, out: &mut [S]) {
        self.flatten(context.tangent(self.inputs[0]), out);
    }

    fn tangent_delta(
        &self,
        _input: usize,
        context: &LayerContext<'_, S>,
        epilogue: Epilogue<'_, S>,
        out: &mut [S],
    ) {
        self.back(context.tangent_delta(self.out), epilogue, out);
    }
}
