//! Activations that stand alone: ReLU where nothing precedes it to be fused with, and tanh.

use super::{Layer, Scene};
use crate::{
    NetScalar,
    kernels::kernel,
    simd::{Finish, Planes, Shape, Term, dispatch},
};

/// max(0, z).
#[derive(Debug)]
pub(crate) struct Rectify {
    pub(crate) inputs: [usize; 1],
    pub(crate) out: usize,
    pub(crate) shape: Shape,
}

fn pass<S: NetScalar>(shape: Shape, x: &[S], finish: Finish<'_, S>, out: &mut [S]) {
    dispatch(Planes { shape, terms: &[Term { x, factors: None }], shifts: None, finish, out });
}

impl<S: NetScalar> Layer<S> for Rectify {
    fn inputs(&self) -> &[usize] {
        &self.inputs
    }

    fn rectified(&self) -> bool {
        true
    }

    fn passes(&self, _input: usize) -> bool {
        true
    }

    fn value(&self, scene: &Scene<'_, S>, out: &mut [S]) {
        pass(self.shape, scene.value(self.inputs[0]), Finish { relu: true, ..Finish::default() }, out);
    }

    fn delta(&self, _input: usize, scene: &Scene<'_, S>, finish: Finish<'_, S>, out: &mut [S]) {
        pass(self.shape, scene.delta(self.out), finish, out);
    }

    fn tangent(&self, scene: &Scene<'_, S>, out: &mut [S]) {
        let mask = Some(scene.value(self.out));
        match scene.tangent(self.inputs[0]) {
            Some(x) => pass(self.shape, x, Finish { mask, ..Finish::default() }, out),
            None => out.fill(S::zero()),
        }
    }

    fn tangent_delta(&self, _input: usize, scene: &Scene<'_, S>, finish: Finish<'_, S>, out: &mut [S]) {
        pass(self.shape, scene.tangent_delta(self.out), finish, out);
    }
}

/// tanh z.
#[derive(Debug)]
pub(crate) struct Tanh {
    pub(crate) inputs: [usize; 1],
    pub(crate) out: usize,
}

kernel! {
    fn tanh(out: &'a mut [S], x: &'a [S]) {
        for (out, &x) in out.iter_mut().zip(x) {
            *out = x.tanh_fast();
        }
    }
}

kernel! {
    /// x · (1 − a²)
    fn slope(out: &'a mut [S], x: &'a [S], a: &'a [S], finish: Finish<'a, S>) {
        for (at, (&x, &a)) in x.iter().zip(a).enumerate() {
            finish.put(x * (S::one() - a * a), out, at);
        }
    }
}

kernel! {
    /// Rδ · (1 − a²) − 2 · a · Ra · δ
    fn bend(out: &'a mut [S], tangent_delta: &'a [S], delta: &'a [S], a: &'a [S], tangent: &'a [S], finish: Finish<'a, S>) {
        for (at, (((&td, &d), &a), &ta)) in tangent_delta.iter().zip(delta).zip(a).zip(tangent).enumerate() {
            finish.put(td * (S::one() - a * a) - (a + a) * ta * d, out, at);
        }
    }
}

impl<S: NetScalar> Layer<S> for Tanh {
    fn inputs(&self) -> &[usize] {
        &self.inputs
    }

    fn value(&self, scene: &Scene<'_, S>, out: &mut [S]) {
        tanh(out, scene.value(self.inputs[0]));
    }

    fn delta(&self, _input: usize, scene: &Scene<'_, S>, finish: Finish<'_, S>, out: &mut [S]) {
        slope(out, scene.delta(self.out), scene.value(self.out), finish);
    }

    fn tangent(&self, scene: &Scene<'_, S>, out: &mut [S]) {
        match scene.tangent(self.inputs[0]) {
            Some(x) => slope(out, x, scene.value(self.out), Finish::default()),
            None => out.fill(S::zero()),
        }
    }

    fn tangent_delta(&self, _input: usize, scene: &Scene<'_, S>, finish: Finish<'_, S>, out: &mut [S]) {
        let (own, input) = (self.out, scene.tangents.get(self.out, scene.groups));
        bend(out, scene.tangent_delta(own), scene.delta(own), scene.value(own), input, finish);
    }
}
