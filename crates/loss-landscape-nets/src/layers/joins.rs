//! Where branches meet: sums and concatenations.

use loss_landscape_kernels::{ChannelSums, Epilogue, ScaledTensor, TensorShape};

use super::layer::{Layer, LayerContext};
use crate::real::Real;

/// a + b, then ReLU if asked for.
#[derive(Debug)]
pub(crate) struct Add {
    pub(crate) inputs: [usize; 2],
    pub(crate) out: usize,
    pub(crate) rectified: bool,
    pub(crate) shape: TensorShape,
}

impl Add {
    fn sum<S: Real>(&self, terms: [Option<&[S]>; 2], epilogue: Epilogue<'_, S>, out: &mut [S]) {
        let term = |x| ScaledTensor { x, factors: None };
        let shape = self.shape;
        match terms {
            [Some(a), Some(b)] => {
                ChannelSums { shape, terms: &[term(a), term(b)], shifts: None, epilogue, out }.run();
            }
            [Some(a), None] | [None, Some(a)] => {
                ChannelSums { shape, terms: &[term(a)], shifts: None, epilogue, out }.run();
            }
            [None, None] => out.fill(S::zero()),
        }
    }
}

impl<S: Real> Layer<S> for Add {
    fn inputs(&self) -> &[usize] {
        &self.inputs
    }

    fn rectified(&self) -> bool {
        self.rectified
    }

    fn passes(&self, _input: usize) -> bool {
        true
    }

    fn value(&self, context: &LayerContext<'_, S>, out: &mut [S]) {
        let epilogue = Epilogue { relu: self.rectified, ..Epilogue::default() };
        self.sum(self.inputs.map(|tensor| Some(context.value(tensor))), epilogue, out);
    }

    fn delta(&self, _input: usize, context: &LayerContext<'_, S>, epilogue: Epilogue<'_, S>, out: &mut [S]) {
        self.sum([Some(context.delta(self.out)), None], epilogue, out);
    }

    fn tangent(&self, context: &LayerContext<'_, S>, out: &mut [S]) {
        let mask = self.rectified.then(|| context.value(self.out));
        self.sum(
            self.inputs.map(|tensor| context.tangent(tensor)),
            Epilogue { mask, ..Epilogue::default() },
            out,
        );
    }

    fn tangent_delta(
        &self,
        _input: usize,
        context: &LayerContext<'_, S>,
        epilogue: Epilogue<'_, S>,
        out: &mut [S],
    ) {
        self.sum([Some(context.tangent_delta(self.out)), None], epilogue, out);
    }
}

/// The channels of several tensors, joined in their order.
#[derive(Debug)]
pub(crate) struct Concat {
    pub(crate) inputs: Vec<usize>,
    pub(crate) out: usize,
    pub(crate) shape: TensorShape,
    /// Of the inputs, in scalars of one group.
    pub(crate) lens: Vec<usize>,
}

impl Concat {
    /// Copies inputs to their places; zeros where there is none.
    fn gather<'a, S: Real>(&self, part: impl Fn(usize) -> Option<&'a [S]>, out: &mut [S]) {
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
    fn scatter<S: Real>(&self, input: usize, from: &[S], epilogue: Epilogue<'_, S>, out: &mut [S]) {
        let start: usize = self.lens[..input].iter().sum();
        let len = self.lens[input];
        let shape = TensorShape { channels: len / (self.shape.len() / self.shape.channels), ..self.shape };
        for (group, from) in from.chunks_exact(self.shape.len()).enumerate() {
            let range = group * len..(group + 1) * len;
            let epilogue = Epilogue {
                plus: epilogue.plus.map(|plus| &plus[range.clone()]),
                mask: epilogue.mask.map(|mask| &mask[range.clone()]),
                ..epilogue
            };
            let terms = &[ScaledTensor { x: &from[start..start + len], factors: None }];
            ChannelSums { shape, terms, shifts: None, epilogue, out: &mut out[range] }.run();
        }
    }
}

impl<S: Real> Layer<S> for Concat {
    fn inputs(&self) -> &[usize] {
        &self.inputs
    }

    fn value(&self, context: &LayerContext<'_, S>, out: &mut [S]) {
        self.gather(|tensor| Some(context.value(tensor)), out);
    }

    fn delta(&self, input: usize, context: &LayerContext<'_, S>, epilogue: Epilogue<'_, S>, out: &mut [S]) {
        self.scatter(input, context.delta(self.out), epilogue, out);
    }

    fn tangent(&self, context: &LayerContext<'_, S>, out: &mut [S]) {
        self.gather(|tensor| context.tangent(tensor), out);
    }

    fn tangent_delta(
        &self,
        input: usize,
        context: &LayerContext<'_, S>,
        epilogue: Epilogue<'_, S>,
        out: &mut [S],
    ) {
        self.scatter(input, context.tangent_delta(self.out), epilogue, out);
    }
}
