//! A factor and a shift for each channel: a batch normalisation that no convolution precedes.

use std::ops::Range;

use super::{Layer, Scene};
use crate::{
    NetScalar,
    simd::{Finish, Planes, Shape, Term, dispatch, dot_planes, sum_planes},
};

/// factor · x + shift, then ReLU if asked for.
#[derive(Debug)]
pub(crate) struct Affine {
    pub(crate) inputs: [usize; 1],
    pub(crate) out: usize,
    pub(crate) rectified: bool,
    pub(crate) shape: Shape,
    pub(crate) factors: Range<usize>,
    pub(crate) shifts: Range<usize>,
}

impl<S: NetScalar> Layer<S> for Affine {
    fn inputs(&self) -> &[usize] {
        &self.inputs
    }

    fn rectified(&self) -> bool {
        self.rectified
    }

    fn value(&self, scene: &Scene<'_, S>, out: &mut [S]) {
        let plain = &scene.weights.plain;
        dispatch(Planes {
            shape: self.shape,
            terms: &[Term { x: scene.value(self.inputs[0]), factors: Some(&plain[self.factors.clone()]) }],
            shifts: Some(&plain[self.shifts.clone()]),
            finish: Finish { relu: self.rectified, ..Finish::default() },
            out,
        });
    }

    fn delta(&self, _input: usize, scene: &Scene<'_, S>, finish: Finish<'_, S>, out: &mut [S]) {
        let factors = Some(&scene.weights.plain[self.factors.clone()]);
        let terms = &[Term { x: scene.delta(self.out), factors }];
        dispatch(Planes { shape: self.shape, terms, shifts: None, finish, out });
    }

    fn gradient(&self, scene: &Scene<'_, S>, _room: &mut [S], gradient: &mut [S]) {
        let delta = scene.delta(self.out);
        dot_planes(&mut gradient[self.factors.clone()], scene.value(self.inputs[0]), delta, self.shape);
        sum_planes(&mut gradient[self.shifts.clone()], delta, self.shape);
    }

    fn tangent(&self, scene: &Scene<'_, S>, out: &mut [S]) {
        let (plain, along) = (&scene.weights.plain, &scene.along().plain);
        let own = Term { x: scene.value(self.inputs[0]), factors: Some(&along[self.factors.clone()]) };
        let passed = scene.tangent(self.inputs[0]);
        let passed = passed.map(|x| Term { x, factors: Some(&plain[self.factors.clone()]) });
        let terms = [Some(own), passed].map(|term| term.unwrap_or(own));
        dispatch(Planes {
            shape: self.shape,
            terms: if passed.is_some() { &terms } else { &terms[..1] },
            shifts: Some(&along[self.shifts.clone()]),
            finish: Finish { mask: self.rectified.then(|| scene.value(self.out)), ..Finish::default() },
            out,
        });
    }

    fn tangent_delta(&self, _input: usize, scene: &Scene<'_, S>, finish: Finish<'_, S>, out: &mut [S]) {
        let (plain, along) = (&scene.weights.plain, &scene.along().plain);
        let terms = &[
            Term { x: scene.tangent_delta(self.out), factors: Some(&plain[self.factors.clone()]) },
            Term { x: scene.delta(self.out), factors: Some(&along[self.factors.clone()]) },
        ];
        dispatch(Planes { shape: self.shape, terms, shifts: None, finish, out });
    }

    fn tangent_gradient(&self, scene: &Scene<'_, S>, _room: &mut [S], gradient: &mut [S]) {
        let tangent_delta = scene.tangent_delta(self.out);
        let factors = &mut gradient[self.factors.clone()];
        dot_planes(factors, scene.value(self.inputs[0]), tangent_delta, self.shape);
        if let Some(tangent) = scene.tangent(self.inputs[0]) {
            dot_planes(factors, tangent, scene.delta(self.out), self.shape);
        }
        sum_planes(&mut gradient[self.shifts.clone()], tangent_delta, self.shape);
    }
}
