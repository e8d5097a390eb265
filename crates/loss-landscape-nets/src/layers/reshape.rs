//! From an image to a list of values, for linear layers.

use super::{Layer, Scene};
use crate::{
    NetScalar,
    simd::{Finish, LANES, Shape},
};

/// [channels, height, width] as [channels·height·width, 1, 1].
#[derive(Debug)]
pub(crate) struct Flatten {
    pub(crate) inputs: [usize; 1],
    pub(crate) out: usize,
    pub(crate) input: Shape,
}

impl Flatten {
    fn flatten<S: NetScalar>(&self, x: Option<&[S]>, out: &mut [S]) {
        let Some(x) = x else { return out.fill(S::zero()) };
        let (stride, pixels) = (self.input.stride() * LANES, self.input.pixels() * LANES);
        for (plane, out) in x.chunks_exact(stride).zip(out.chunks_exact_mut(pixels)) {
            out.copy_from_slice(&plane[..pixels]);
        }
    }

    fn back<S: NetScalar>(&self, delta: &[S], finish: Finish<'_, S>, out: &mut [S]) {
        let (stride, pixels) = (self.input.stride() * LANES, self.input.pixels() * LANES);
        for (plane, delta) in delta.chunks_exact(pixels).enumerate() {
            for (at, &delta) in delta.iter().enumerate() {
                finish.put(delta, out, plane * stride + at);
            }
        }
    }
}

impl<S: NetScalar> Layer<S> for Flatten {
    fn inputs(&self) -> &[usize] {
        &self.inputs
    }

    fn value(&self, scene: &Scene<'_, S>, out: &mut [S]) {
        self.flatten(Some(scene.value(self.inputs[0])), out);
    }

    fn delta(&self, _input: usize, scene: &Scene<'_, S>, finish: Finish<'_, S>, out: &mut [S]) {
        self.back(scene.delta(self.out), finish, out);
    }

    fn tangent(&self, scene: &Scene<'_, S>, out: &mut [S]) {
        self.flatten(scene.tangent(self.inputs[0]), out);
    }

    fn tangent_delta(&self, _input: usize, scene: &Scene<'_, S>, finish: Finish<'_, S>, out: &mut [S]) {
        self.back(scene.tangent_delta(self.out), finish, out);
    }
}
