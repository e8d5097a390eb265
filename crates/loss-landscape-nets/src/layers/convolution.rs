//! Convolutions, and linear layers as convolutions of one pixel; with a bias, a sum and a ReLU fused in.

use std::ops::Range;

use loss_landscape_kernels::{
    AlignedBuffer, Conv3x3, ConvInput, ConvPass, Epilogue, FilterBank, FilterGradients, GeneralConv,
    SumPlanes, TensorShape, zeros,
};
use rayon::{
    iter::{IndexedParallelIterator, IntoParallelIterator, ParallelIterator},
    slice::ParallelSliceMut,
};

use super::layer::{Layer, LayerContext, Weights};
use crate::real::Real;

/// filters ∗ x + bias (+ another tensor), then ReLU if asked for.
#[derive(Clone, Debug)]
pub(crate) struct Convolution {
    /// x, and what is added.
    pub(crate) inputs: Vec<usize>,
    pub(crate) out: usize,
    pub(crate) rectified: bool,
    pub(crate) input: TensorShape,
    pub(crate) output: TensorShape,
    /// Side, stride, padding.
    pub(crate) geometry: [usize; 3],
    /// The filters and the bias among the plain parameters, and the packed filters of both passes.
    pub(crate) weight: Range<usize>,
    pub(crate) bias: Option<Range<usize>>,
    pub(crate) forward: Range<usize>,
    pub(crate) backward: Range<usize>,
}

impl Convolution {
    pub(crate) fn filters(&self) -> FilterBank {
        FilterBank { outputs: self.output.channels, inputs: self.input.channels, side: self.geometry[0] }
    }

    fn run<S: Real>(
        &self,
        pass: ConvPass,
        context: &LayerContext<'_, S>,
        sources: &[ConvInput<'_, S>],
        bias: Option<&[S]>,
        epilogue: Epilogue<'_, S>,
        out: &mut [S],
    ) {
        let (from, to) = match pass {
            ConvPass::Forward => (self.input, self.output),
            ConvPass::Backward => (self.output, self.input),
        };
        let [side, stride, padding] = self.geometry;
        let work = |groups: usize, sources: &[ConvInput<'_, S>], epilogue: Epilogue<'_, S>, out: &mut [S]| {
            if self.geometry == [3, 1, 1] {
                Conv3x3 { input: from, outputs: to.channels, groups, sources, bias, epilogue, out }.run();
            } else {
                GeneralConv { pass, from, to, side, stride, padding, groups, sources, bias, epilogue, out }
                    .run();
            }
        };
        // Images of one pixel take all groups at once, and are small.
        if context.parallel && to.pixels() > 1 {
            out.par_chunks_mut(to.len()).enumerate().for_each(|(group, out)| {
                let part = |x: &'_ [S], len: usize| group * len..((group + 1) * len).min(x.len());
                let mut own = [ConvInput { x: &[], filters: &[] }; 2];
                for (own, source) in own.iter_mut().zip(sources) {
                    *own = ConvInput { x: &source.x[part(source.x, from.len())], ..*source };
                }
                let epilogue = Epilogue {
                    plus: epilogue.plus.map(|x| &x[part(x, to.len())]),
                    mask: epilogue.mask.map(|x| &x[part(x, to.len())]),
                    ..epilogue
                };
                work(1, &own[..sources.len()], epilogue, out);
            });
        } else {
            work(context.groups, sources, epilogue, out);
        }
    }

    fn bias<'a, S>(&self, weights: &'a Weights<S>) -> Option<&'a [S]> {
        self.bias.clone().map(|range| &weights.plain[range])
    }

    fn add_gradient<S: Real>(
        &self,
        context: &LayerContext<'_, S>,
        pairs: &[(&[S], &[S])],
        delta: &[S],
        scratch: &mut [S],
        gradient: &mut [S],
    ) {
        if let Some(bias) = self.bias.clone() {
            SumPlanes { sums: &mut gradient[bias], x: delta, shape: self.output }.run();
        }
        let [side, stride, padding] = self.geometry;
        let (input, output) = (self.input, self.output);
        let gradient = &mut gradient[self.weight.clone()];
        if !context.parallel || context.groups < PARTS {
            let groups = context.groups;
            FilterGradients { input, output, side, stride, padding, groups, pairs, sums: scratch, gradient }
                .run();
            return;
        }
        // Parts with sums of their own, always the same, added in their order.
        let parts: Vec<Vec<S>> = (0..PARTS)
            .into_par_iter()
            .map(|part| {
                let groups = part * context.groups / PARTS..(part + 1) * context.groups / PARTS;
                let own: Vec<(&[S], &[S])> = (pairs.iter())
                    .map(|(x, delta)| {
                        let x = &x[groups.start * input.len()..groups.end * input.len()];
                        (x, &delta[groups.start * output.len()..groups.end * output.len()])
                    })
                    .collect();
                let mut sums = AlignedBuffer::new(FilterGradients::<S>::scratch_len(self.filters()));
                let mut gradient = zeros(gradient.len());
                let (groups, pairs) = (groups.len(), &own[..]);
                let (sums, out) = (&mut sums[..], &mut gradient[..]);
                FilterGradients { input, output, side, stride, padding, groups, pairs, sums, gradient: out }
                    .run();
                gradient
            })
            .collect();
        for part in parts {
            for (total, value) in gradient.iter_mut().zip(part) {
                *total += value;
            }
        }
    }
}

/// Parts of a chunk's groups that threads work off at once where layers share groups out.
const PARTS: usize = 4;

impl<S: Real> Layer<S> for Convolution {
    fn inputs(&self) -> &[usize] {
        &self.inputs
    }

    fn rectified(&self) -> bool {
        self.rectified
    }

    fn passes(&self, input: usize) -> bool {
        input == 1
    }

    fn pack(&self, weights: &mut Weights<S>, backward: bool) {
        let filters = self.filters();
        let bank = &weights.plain[self.weight.clone()];
        filters.pack(bank, &mut weights.forward[self.forward.clone()]);
        if backward {
            filters.pack_transposed(bank, &mut weights.backward[self.backward.clone()]);
        }
    }

    fn scratch_len(&self) -> usize {
        FilterGradients::<S>::scratch_len(self.filters())
    }

    fn value(&self, context: &LayerContext<'_, S>, out: &mut [S]) {
        let epilogue = Epilogue {
            plus: self.inputs.get(1).map(|&tensor| context.value(tensor)),
            relu: self.rectified,
            ..Epilogue::default()
        };
        let filters = &context.weights.forward[self.forward.clone()];
        let sources = [ConvInput { x: context.value(self.inputs[0]), filters }];
        self.run(ConvPass::Forward, context, &sources, self.bias(context.weights), epilogue, out);
    }

    fn delta(&self, _input: usize, context: &LayerContext<'_, S>, epilogue: Epilogue<'_, S>, out: &mut [S]) {
        let filters = &context.weights.backward[self.backward.clone()];
        let sources = [ConvInput { x: context.delta(self.out), filters }];
        self.run(ConvPass::Backward, context, &sources, None, epilogue, out);
    }

    fn gradient(&self, context: &LayerContext<'_, S>, scratch: &mut [S], gradient: &mut [S]) {
        let delta = context.delta(self.out);
        self.add_gradient(context, &[(context.value(self.inputs[0]), delta)], delta, scratch, gradient);
    }

    fn tangent(&self, context: &LayerContext<'_, S>, out: &mut [S]) {
        let own = context.value(self.out);
        let epilogue = Epilogue {
            plus: self.inputs.get(1).and_then(|&tensor| context.tangent(tensor)),
            mask: self.rectified.then_some(own),
            ..Epilogue::default()
        };
        let x = ConvInput {
            x: context.value(self.inputs[0]),
            filters: &context.along().forward[self.forward.clone()],
        };
        let bias = self.bias(context.along());
        match context.tangent(self.inputs[0]) {
            None => self.run(ConvPass::Forward, context, &[x], bias, epilogue, out),
            Some(tangent) => {
                let tangent =
                    ConvInput { x: tangent, filters: &context.weights.forward[self.forward.clone()] };
                self.run(ConvPass::Forward, context, &[tangent, x], bias, epilogue, out);
            }
        }
    }

    fn tangent_delta(
        &self,
        _input: usize,
        context: &LayerContext<'_, S>,
        epilogue: Epilogue<'_, S>,
        out: &mut [S],
    ) {
        let own = self.out;
        let sources = [
            ConvInput {
                x: context.tangent_delta(own),
                filters: &context.weights.backward[self.backward.clone()],
            },
            ConvInput { x: context.delta(own), filters: &context.along().backward[self.backward.clone()] },
        ];
        self.run(ConvPass::Backward, context, &sources, None, epilogue, out);
    }

    fn tangent_gradient(&self, context: &LayerContext<'_, S>, scratch: &mut [S], gradient: &mut [S]) {
        let own = self.out;
        let (delta, tangent_delta) = (context.delta(own), context.tangent_delta(own));
        let first = (context.value(self.inputs[0]), tangent_delta);
        match context.tangent(self.inputs[0]) {
            None => self.add_gradient(context, &[first], tangent_delta, scratch, gradient),
            Some(tangent) => {
                self.add_gradient(context, &[first, (tangent, delta)], tangent_delta, scratch, gradient);
            }
        }
    }
}
