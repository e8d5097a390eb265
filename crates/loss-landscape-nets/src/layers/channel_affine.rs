//! A factor and a shift for each channel: a batch normalisation that no convolution precedes.

use loss_landscape_kernels::{ChannelSums, DotPlanes, Epilogue, ScaledTensor, SumPlanes, TensorShape};

use std::ops::Range;

use super::layer::{Layer, LayerContext};
use crate::real::Real;

/// factor · x + shift, then ReLU if asked for.
#[derive(Debug)]
pub(crate) struct ChannelAffine {
    pub(crate) inputs: [usize; 1],
    pub(crate) out: usize,
    pub(crate) rectified: bool,
    pub(crate) shape: TensorShape,
    pub(crate) factors: Range<usize>,
    pub(crate) shifts: Range<usize>,
}

impl<S: Real> Layer<S> for ChannelAffine {
    fn inputs(&self) -> &[usize] {
        &self.inputs
    }

    fn rectified(&self) -> bool {
        self.rectified
    }

    fn value(&self, context: &LayerContext<'_, S>, out: &mut [S]) {
        let plain = &context.weights.plain;
        ChannelSums {
            shape: self.shape,
            terms: &[ScaledTensor {
                x: context.value(self.inputs[0]),
                factors: Some(&plain[self.factors.clone()]),
            }],
            shifts: Some(&plain[self.shifts.clone()]),
            epilogue: Epilogue { relu: self.rectified, ..Epilogue::default() },
            out,
        }
        .run();
    }

    fn delta(&self, _input: usize, context: &LayerContext<'_, S>, epilogue: Epilogue<'_, S>, out: &mut [S]) {
        let factors = Some(&context.weights.plain[self.factors.clone()]);
        let terms = &[ScaledTensor { x: context.delta(self.out), factors }];
        ChannelSums { shape: self.shape, terms, shifts: None, epilogue, out }.run();
    }

    fn gradient(&self, context: &LayerContext<'_, S>, _scratch: &mut [S], gradient: &mut [S]) {
        let delta = context.delta(self.out);
        DotPlanes {
            sums: &mut gradient[self.factors.clone()],
            x: context.value(self.inputs[0]),
            y: delta,
            shape: self.shape,
        }
        .run();
        SumPlanes { sums: &mut gradient[self.shifts.clone()], x: delta, shape: self.shape }.run();
    }

    fn tangent(&self, context: &LayerContext<'_, S>, out: &mut [S]) {
        let (plain, along) = (&context.weights.plain, &context.along().plain);
        let own =
            ScaledTensor { x: context.value(self.inputs[0]), factors: Some(&along[self.factors.clone()]) };
        let passed = context.tangent(self.inputs[0]);
        let passed = passed.map(|x| ScaledTensor { x, factors: Some(&plain[self.factors.clone()]) });
        let terms = [Some(own), passed].map(|term| term.unwrap_or(own));
        ChannelSums {
            shape: self.shape,
            terms: if passed.is_some() { &terms } else { &terms[..1] },
            shifts: Some(&along[self.shifts.clone()]),
            epilogue: Epilogue {
                mask: self.rectified.then(|| context.value(self.out)),
                ..Epilogue::default()
            },
            out,
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
        let (plain, along) = (&context.weights.plain, &context.along().plain);
        let terms = &[
            ScaledTensor { x: context.tangent_delta(self.out), factors: Some(&plain[self.factors.clone()]) },
            ScaledTensor { x: context.delta(self.out), factors: Some(&along[self.factors.clone()]) },
        ];
        ChannelSums { shape: self.shape, terms, shifts: None, epilogue, out }.run();
    }

    fn tangent_gradient(&self, context: &LayerContext<'_, S>, _scratch: &mut [S], gradient: &mut [S]) {
        let tangent_delta = context.tangent_delta(self.out);
        let factors = &mut gradient[self.factors.clone()];
        DotPlanes { sums: factors, x: context.value(self.inputs[0]), y: tangent_delta, shape: self.shape }
            .run();
        if let Some(tangent) = context.tangent(self.inputs[0]) {
            DotPlanes { sums: factors, x: tangent, y: context.delta(self.out), shape: self.shape }.run();
        }
        SumPlanes { sums: &mut gradient[self.shifts.clone()], x: tangent_delta, shape: self.shape }.run();
    }
}
