//! Channels and pixels in each other's place.

use loss_landscape_kernels::{Epilogue, LANES, TensorShape};

use super::linear_map::LinearMap;
use crate::real::Real;

/// The pixels of the input as channels of the output, and its channels as pixels.
#[derive(Debug)]
pub(crate) struct Transpose {
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
}

impl LinearMap for Transpose {
    fn apply<S: Real>(&self, x: &[S], out: &mut [S]) {
        Self::each([self.input, self.output], x.len(), |from, to| {
            out[to..to + LANES].copy_from_slice(&x[from..from + LANES]);
        });
    }

    fn apply_transposed<S: Real>(&self, delta: &[S], epilogue: Epilogue<'_, S>, out: &mut [S]) {
        Self::each([self.output, self.input], delta.len(), |from, to| {
            for lane in 0..LANES {
                epilogue.put(delta[from + lane], out, to + lane);
            }
        });
    }
}
