//! Channels and pixels in each other's place.

use loss_landscape_kernels::{Epilogue, LANES, TensorShape};

use super::layer::{Layer, LayerContext};
use crate::real::Real;

/// The pixels of the input as channels of the output, and its channels as pixels.
#[derive(Debug)]
pub(crate) struct Transpose {
    pub(crate) inputs: [usize; 1],
    pub(crate) out: usize,
    pub(crate) input: TensorShape,
    pub(crate) output: TensorShape,
}

impl Transpose {
    /// Calls `put` with the first value of every vector in `from`, one shape, and in the other.
    fn each([from, to]: [TensorShape; 2], len: usize, mut put: impl FnMut(usize, usize)) {
        for group in 0..len / from.len() {
            for channel in 0..from.channels {
                for pixel in 0..from.pixels() {
                    put(
                        group * from.len() + (channel * from.stride() + pixel) * LANES,
                        group * to.len() + (pixel * to.stride() + channel) * LANES,
                    );
                }
            }
        }
    }

    fn forward<S: Real>(&self, x: Option<&[S]>, out: &mut [S]) {
        let Some(x) = x else { return out.fill(S::zero()) };
        Self::each([self.input, self.output], x.len(), |from, to| {
            out[to..to + LANES].copy_from_slice(&x[from..from + LANES]);
        });
    }

    fn back<S: Real>(&self, delta: &[S], epilogue: Epilogue<'_, S>, out: &mut [S]) {
        Self::each([self.output, self.input], delta.len(), |from, to| {
            for lane in 0..LANES {
                epilogue.put(delta[from + lane], out, to + lane);
            }
        });
    }
}

impl<S: Real> Layer<S> for Transpose {
    fn inputs(&self) -> &[usize] {
        &self.inputs
    }

    fn value(&self, context: &LayerContext<'_, S>, out: &mut [S]) {
        self.forward(Some(context.value(self.inputs[0])), out);
    }

    fn delta(&self, _input: usize, context: &LayerContext<'_, S>, epilogue: Epilogue<'_, S>, out: &mut [S]) {
        self.back(context.delta(self.out), epilogue, out);
    }

    fn tangent(&self, context: &LayerContext<'_, S>, out: &mut [S]) {
        self.forward(context.tangent(self.inputs[0]), out);
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
