//! From an image to a list of values, for linear layers.

use loss_landscape_kernels::{Epilogue, LANES, TensorShape};

use super::linear_map::LinearMap;
use crate::real::Real;

/// [channels, height, width] as [channels·height·width, 1, 1].
#[derive(Debug)]
pub(crate) struct Flatten {
    pub(crate) input: TensorShape,
}

impl LinearMap for Flatten {
    fn apply<S: Real>(&self, x: &[S], out: &mut [S]) {
        let (stride, pixels) = (self.input.stride() * LANES, self.input.pixels() * LANES);
        for (plane, out) in x.chunks_exact(stride).zip(out.chunks_exact_mut(pixels)) {
            out.copy_from_slice(&plane[..pixels]);
        }
    }

    fn apply_transposed<S: Real>(&self, delta: &[S], epilogue: Epilogue<'_, S>, out: &mut [S]) {
        let (stride, pixels) = (self.input.stride() * LANES, self.input.pixels() * LANES);
        for (plane, delta) in delta.chunks_exact(pixels).enumerate() {
            for (at, &delta) in delta.iter().enumerate() {
                epilogue.put(delta, out, plane * stride + at);
            }
        }
    }
}
