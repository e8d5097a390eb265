//! Where branches meet: sums and concatenations.

use super::{Layer, Scene};
use crate::{
    NetScalar,
    simd::{Finish, Planes, Shape, Term, dispatch},
};

/// a + b, then ReLU if asked for.
#[derive(Debug)]
pub(crate) struct Add {
    pub(crate) inputs: [usize; 2],
    pub(crate) out: usize,
    pub(crate) rectified: bool,
    pub(crate) shape: Shape,
}

impl Add {
    fn sum<S: NetScalar>(&self, terms: [Option<&[S]>; 2], finish: Finish<'_, S>, out: &mut [S]) {
        let term = |x| Term { x, factors: None };
        let shape = self.shape;
        match terms {
            [Some(a), Some(b)] => {
                dispatch(Planes { shape, terms: &[term(a), term(b)], shifts: None, finish, out });
            }
            [Some(a), None] | [None, Some(a)] => {
                dispatch(Planes { shape, terms: &[term(a)], shifts: None, finish, out });
            }
            [None, None] => out.fill(S::zero()),
        }
    }
}

impl<S: NetScalar> Layer<S> for Add {
    fn inputs(&self) -> &[usize] {
        &self.inputs
    }

    fn rectified(&self) -> bool {
        self.rectified
    }

    fn passes(&self, _input: usize) -> bool {
        true
    }

    fn value(&self, scene: &Scene<'_, S>, out: &mut [S]) {
        let finish = Finish { relu: self.rectified, ..Finish::default() };
        self.sum(self.inputs.map(|tensor| Some(scene.value(tensor))), finish, out);
    }

    fn delta(&self, _input: usize, scene: &Scene<'_, S>, finish: Finish<'_, S>, out: &mut [S]) {
        self.sum([Some(scene.delta(self.out)), None], finish, out);
    }

    fn tangent(&self, scene: &Scene<'_, S>, out: &mut [S]) {
        let mask = self.rectified.then(|| scene.value(self.out));
        self.sum(self.inputs.map(|tensor| scene.tangent(tensor)), Finish { mask, ..Finish::default() }, out);
    }

    fn tangent_delta(&self, _input: usize, scene: &Scene<'_, S>, finish: Finish<'_, S>, out: &mut [S]) {
        self.sum([Some(scene.tangent_delta(self.out)), None], finish, out);
    }
}

/// The channels of several tensors, one behind the other.
#[derive(Debug)]
pub(crate) struct Concat {
    pub(crate) inputs: Vec<usize>,
    pub(crate) out: usize,
    pub(crate) shape: Shape,
    /// Of the inputs, in scalars of one group.
    pub(crate) lens: Vec<usize>,
}

impl Concat {
    /// Copies inputs to their places; zeros where there is none.
    fn gather<'a, S: NetScalar>(&self, part: impl Fn(usize) -> Option<&'a [S]>, out: &mut [S]) {
        let mut start = 0;
        for (&tensor, &len) in self.inputs.iter().zip(&self.lens) {
            let from = part(tensor);
            for (group, out) in out.chunks_exact_mut(self.shape.len()).enumerate() {
                match from {
                    Some(from) => out[start..start + len].copy_from_slice(&from[group * len..][..len]),
                    None => out[start..start + len].fill(S::zero()),
                }
            }
            start += len;
        }
    }

    /// The part of an input, out of a tensor like the output.
    fn scatter<S: NetScalar>(&self, input: usize, from: &[S], finish: Finish<'_, S>, out: &mut [S]) {
        let start: usize = self.lens[..input].iter().sum();
        let len = self.lens[input];
        let shape = Shape { channels: len / (self.shape.len() / self.shape.channels), ..self.shape };
        for (group, from) in from.chunks_exact(self.shape.len()).enumerate() {
            let range = group * len..(group + 1) * len;
            let finish = Finish {
                plus: finish.plus.map(|plus| &plus[range.clone()]),
                mask: finish.mask.map(|mask| &mask[range.clone()]),
                ..finish
            };
            let terms = &[Term { x: &from[start..start + len], factors: None }];
            dispatch(Planes { shape, terms, shifts: None, finish, out: &mut out[range] });
        }
    }
}

impl<S: NetScalar> Layer<S> for Concat {
    fn inputs(&self) -> &[usize] {
        &self.inputs
    }

    fn value(&self, scene: &Scene<'_, S>, out: &mut [S]) {
        self.gather(|tensor| Some(scene.value(tensor)), out);
    }

    fn delta(&self, input: usize, scene: &Scene<'_, S>, finish: Finish<'_, S>, out: &mut [S]) {
        self.scatter(input, scene.delta(self.out), finish, out);
    }

    fn tangent(&self, scene: &Scene<'_, S>, out: &mut [S]) {
        self.gather(|tensor| scene.tangent(tensor), out);
    }

    fn tangent_delta(&self, input: usize, scene: &Scene<'_, S>, finish: Finish<'_, S>, out: &mut [S]) {
        self.scatter(input, scene.tangent_delta(self.out), finish, out);
    }
}
