//! Normalisation within a sample: of groups of channels, or of all channels at each pixel.

use std::ops::Range;

use loss_landscape_kernels::{
    DeltaThroughSets, Epilogue, GradientOfSets, NormSets, NormaliseSets, TangentDeltaThroughSets,
    TangentOfSets,
};

use super::layer::{Layer, LayerContext};
use crate::real::Real;

/// γ · x̂ + β, x̂ being x less the mean of its set, over the root of the set's variance plus ε.
#[derive(Debug)]
pub(crate) struct SetNorm {
    pub(crate) inputs: [usize; 1],
    pub(crate) out: usize,
    pub(crate) sets: NormSets,
    /// γ and β among the plain parameters.
    pub(crate) scale: Range<usize>,
    pub(crate) shift: Range<usize>,
}

impl<S: Real> Layer<S> for SetNorm {
    fn inputs(&self) -> &[usize] {
        &self.inputs
    }

    fn value(&self, context: &LayerContext<'_, S>, out: &mut [S]) {
        let plain = &context.weights.plain;
        NormaliseSets {
            out,
            x: context.value(self.inputs[0]),
            scale: &plain[self.scale.clone()],
            shift: &plain[self.shift.clone()],
            sets: self.sets,
        }
        .run();
    }

    fn delta(&self, _input: usize, context: &LayerContext<'_, S>, epilogue: Epilogue<'_, S>, out: &mut [S]) {
        DeltaThroughSets {
            out,
            x: context.value(self.inputs[0]),
            delta: context.delta(self.out),
            scale: &context.weights.plain[self.scale.clone()],
            sets: self.sets,
            epilogue,
        }
        .run();
    }

    fn gradient(&self, context: &LayerContext<'_, S>, _scratch: &mut [S], gradient: &mut [S]) {
        self.add_gradient(context, context.delta(self.out), None, gradient);
    }

    fn tangent(&self, context: &LayerContext<'_, S>, out: &mut [S]) {
        let along = &context.along().plain;
        TangentOfSets {
            out,
            x: context.value(self.inputs[0]),
            tangent: context.tangent(self.inputs[0]),
            scale: &context.weights.plain[self.scale.clone()],
            scale_along: &along[self.scale.clone()],
            shift_along: &along[self.shift.clone()],
            sets: self.sets,
        }
        .run();
    }

    fn tangent_delta(
        &self,
        _input: usize,
        context: &LayerContext<'_, S>,
        epilogue: Epilogue<'_, S>,
        out: &mut [S],
    ) {
        TangentDeltaThroughSets {
            out,
            x: context.value(self.inputs[0]),
            tangent: context.tangent(self.inputs[0]),
            delta: context.delta(self.out),
            tangent_delta: context.tangent_delta(self.out),
            scale: &context.weights.plain[self.scale.clone()],
            scale_along: &context.along().plain[self.scale.clone()],
            sets: self.sets,
            epilogue,
        }
        .run();
    }

    fn tangent_gradient(&self, context: &LayerContext<'_, S>, _scratch: &mut [S], gradient: &mut [S]) {
        let bend = context.tangent(self.inputs[0]).map(|tangent| [tangent, context.delta(self.out)]);
        self.add_gradient(context, context.tangent_delta(self.out), bend, gradient);
    }
}

impl SetNorm {
    /// γ comes right before β.
    fn add_gradient<S: Real>(
        &self,
        context: &LayerContext<'_, S>,
        delta: &[S],
        bend: Option<[&[S]; 2]>,
        gradient: &mut [S],
    ) {
        let both = &mut gradient[self.scale.start..self.shift.end];
        let (by_scale, by_shift) = both.split_at_mut(self.scale.len());
        let x = context.value(self.inputs[0]);
        GradientOfSets { by_scale, by_shift, x, delta, bend, sets: self.sets }.run();
    }
}
