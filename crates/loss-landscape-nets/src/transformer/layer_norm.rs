//! Layer normalisation of the columns of matrices [units, columns].

use std::ops::Range;

use loss_landscape_kernels::{
    DeltaThroughSets, Epilogue, GradientOfSets, NormSets, NormaliseSets, TangentDeltaThroughSets,
    TangentOfSets,
};

use super::gpt::EPSILON;
use crate::real::Real;

/// γ and β of one normalisation, in θ, β right after γ.
#[derive(Clone, Debug)]
pub(super) struct NormPlace {
    pub(super) scale: Range<usize>,
    pub(super) shift: Range<usize>,
}

/// What R of δ is made of.
pub(super) struct NormTangents<'a, S> {
    pub(super) x: &'a [S],
    pub(super) tangent: &'a [S],
    pub(super) delta: &'a [S],
    pub(super) tangent_delta: &'a [S],
    /// What is added: the skip connection's R of δ.
    pub(super) plus: Option<&'a [S]>,
}

impl NormPlace {
    fn sets(&self, len: usize) -> NormSets {
        NormSets::of_columns(self.scale.len(), len / self.scale.len(), EPSILON)
    }

    pub(super) fn forward<S: Real>(&self, theta: &[S], x: &[S], out: &mut [S]) {
        let (scale, shift) = (&theta[self.scale.clone()], &theta[self.shift.clone()]);
        NormaliseSets { out, x, scale, shift, sets: self.sets(x.len()) }.run();
    }

    /// δ of x, and what the skip connection adds.
    pub(super) fn back<S: Real>(
        &self,
        theta: &[S],
        [x, delta]: [&[S]; 2],
        plus: Option<&[S]>,
        out: &mut [S],
    ) {
        let epilogue = Epilogue { plus, ..Epilogue::default() };
        let (scale, sets) = (&theta[self.scale.clone()], self.sets(x.len()));
        DeltaThroughSets { out, x, delta, scale, sets, epilogue }.run();
    }

    pub(super) fn add_gradient<S: Real>(
        &self,
        x: &[S],
        delta: &[S],
        bend: Option<[&[S]; 2]>,
        gradient: &mut [S],
    ) {
        let both = &mut gradient[self.scale.start..self.shift.end];
        let (by_scale, by_shift) = both.split_at_mut(self.scale.len());
        GradientOfSets { by_scale, by_shift, x, delta, bend, sets: self.sets(x.len()) }.run();
    }

    pub(super) fn tangent<S: Real>(&self, [theta, v]: [&[S]; 2], [x, tangent]: [&[S]; 2], out: &mut [S]) {
        TangentOfSets {
            out,
            x,
            tangent: Some(tangent),
            scale: &theta[self.scale.clone()],
            scale_along: &v[self.scale.clone()],
            shift_along: &v[self.shift.clone()],
            sets: self.sets(x.len()),
        }
        .run();
    }

    pub(super) fn tangent_back<S: Real>(
        &self,
        [theta, v]: [&[S]; 2],
        of: &NormTangents<'_, S>,
        out: &mut [S],
    ) {
        TangentDeltaThroughSets {
            out,
            x: of.x,
            tangent: Some(of.tangent),
            delta: of.delta,
            tangent_delta: of.tangent_delta,
            scale: &theta[self.scale.clone()],
            scale_along: &v[self.scale.clone()],
            sets: self.sets(of.x.len()),
            epilogue: Epilogue { plus: of.plus, ..Epilogue::default() },
        }
        .run();
    }
}
