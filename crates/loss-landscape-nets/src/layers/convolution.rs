//! Convolutions, and linear layers as convolutions of one pixel; with a bias, a sum and a ReLU fused in.

use std::ops::Range;

use loss_landscape_kernels::{
    ConvGeometry, ConvInput, ConvKernel, ConvPass, Epilogue, FilterBank, FilterGradients, GeneralConv,
    SumPlanes, TensorShape, zeros,
};
use rayon::{
    iter::{IndexedParallelIterator, IntoParallelIterator, ParallelIterator},
    slice::ParallelSliceMut,
};

use super::layer::{Layer, LayerContext, Weights};
use crate::real::Real;

/// filters ∗ x + bias (+ another tensor), then ReLU if asked for.
///
/// Sets of channels are convolved each with filters of their own; one set is the ordinary convolution.
#[derive(Clone, Debug)]
pub(crate) struct Convolution {
    /// x, and what is added.
    pub(crate) inputs: Vec<usize>,
    pub(crate) out: usize,
    pub(crate) rectified: bool,
    pub(crate) input: TensorShape,
    pub(crate) output: TensorShape,
    pub(crate) geometry: ConvGeometry,
    pub(crate) kernel: ConvKernel,
    /// Sets of channels that have nothing to do with each other: PyTorch's groups, which are no groups of samples.
    pub(crate) sets: usize,
    /// The filters and the bias among the plain parameters, and the packed filters of both passes.
    pub(crate) weight: Range<usize>,
    pub(crate) bias: Option<Range<usize>>,
    pub(crate) forward: Range<usize>,
    pub(crate) backward: Range<usize>,
}

impl Convolution {
    /// The filters of one set of channels.
    pub(crate) fn filters(&self) -> FilterBank {
        FilterBank {
            outputs: self.output.channels / self.sets,
            inputs: self.input.channels / self.sets,
            kernel: self.geometry.kernel,
        }
    }

    /// One set of a tensor's channels, which lie side by side in a group of samples.
    fn one_set(&self, shape: TensorShape) -> TensorShape {
        TensorShape { channels: shape.channels / self.sets, ..shape }
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
        let geometry = self.geometry;
        let work = |groups: usize, sources: &[ConvInput<'_, S>], epilogue: Epilogue<'_, S>, out: &mut [S]| {
            let conv = GeneralConv { pass, from, to, geometry, groups, sources, bias, epilogue, out };
            self.kernel.run(conv);
        };
        // Images of one pixel take all groups at once, and are small.
        let parallel = context.parallel && to.pixels() > 1;
        if self.sets > 1 {
            let one = |(group, out): (usize, &mut [S])| {
                self.run_sets(pass, [from, to], group, sources, bias, epilogue, out);
            };
            if parallel {
                out.par_chunks_mut(to.len()).enumerate().for_each(one);
            } else {
                out.chunks_mut(to.len()).enumerate().for_each(one);
            }
        } else if parallel {
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

    /// One group of samples, set by set of the channels.
    #[allow(clippy::too_many_arguments, reason = "what `run` has, and the group")]
    fn run_sets<S: Real>(
        &self,
        pass: ConvPass,
        [from_all, to_all]: [TensorShape; 2],
        group: usize,
        sources: &[ConvInput<'_, S>],
        bias: Option<&[S]>,
        epilogue: Epilogue<'_, S>,
        out: &mut [S],
    ) {
        let [from, to] = [from_all, to_all].map(|shape| self.one_set(shape));
        let filters = match pass {
            ConvPass::Forward => self.filters(),
            ConvPass::Backward => self.filters().transposed(),
        };
        let packed_len = self.kernel.packed_len(filters);
        for (set, out) in out.chunks_exact_mut(to.len()).enumerate() {
            let mut own = [ConvInput { x: &[], filters: &[] }; 2];
            for (own, source) in own.iter_mut().zip(sources) {
                let bank = set * packed_len..(set + 1) * packed_len;
                *own = ConvInput {
                    x: &source.x[group * from_all.len() + set * from.len()..][..from.len()],
                    filters: &source.filters[bank],
                };
            }
            let result = group * to_all.len() + set * to.len()..group * to_all.len() + (set + 1) * to.len();
            let epilogue = Epilogue {
                plus: epilogue.plus.map(|x| &x[result.clone()]),
                mask: epilogue.mask.map(|x| &x[result.clone()]),
                ..epilogue
            };
            let bias = bias.map(|bias| &bias[set * to.channels..(set + 1) * to.channels]);
            let (sources, geometry, groups) = (&own[..sources.len()], self.geometry, 1);
            let conv = GeneralConv { pass, from, to, geometry, groups, sources, bias, epilogue, out };
            self.kernel.run(conv);
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
        let gradient = &mut gradient[self.weight.clone()];
        if !context.parallel || context.groups < PARTS {
            self.add_filters(0..context.groups, pairs, scratch, gradient);
            return;
        }
        // Parts with sums of their own, always the same, added in their order.
        let parts: Vec<Vec<S>> = (0..PARTS)
            .into_par_iter()
            .zip(scratch.par_chunks_exact_mut(scratch.len() / PARTS))
            .map(|(part, scratch)| {
                let groups = part * context.groups / PARTS..(part + 1) * context.groups / PARTS;
                let mut gradient = zeros(gradient.len());
                self.add_filters(groups, pairs, scratch, &mut gradient);
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

impl Convolution {
    /// Adds the gradient by the filters of some groups of samples.
    fn add_filters<S: Real>(
        &self,
        groups: Range<usize>,
        pairs: &[(&[S], &[S])],
        scratch: &mut [S],
        gradient: &mut [S],
    ) {
        let geometry = self.geometry;
        let mut own: [(&[S], &[S]); 2] = [(&[], &[]); 2];
        if self.sets == 1 {
            let (input, output) = (self.input, self.output);
            for (own, (x, delta)) in own.iter_mut().zip(pairs) {
                let x = &x[groups.start * input.len()..groups.end * input.len()];
                *own = (x, &delta[groups.start * output.len()..groups.end * output.len()]);
            }
            let (groups, pairs) = (groups.len(), &own[..pairs.len()]);
            FilterGradients { input, output, geometry, groups, pairs, scratch, gradient }.run();
            return;
        }
        let [input, output] = [self.input, self.output].map(|shape| self.one_set(shape));
        let len = gradient.len() / self.sets;
        for group in groups {
            for (set, gradient) in gradient.chunks_exact_mut(len).enumerate() {
                for (own, (x, delta)) in own.iter_mut().zip(pairs) {
                    let x = &x[group * self.input.len() + set * input.len()..][..input.len()];
                    *own = (x, &delta[group * self.output.len() + set * output.len()..][..output.len()]);
                }
                let pairs = &own[..pairs.len()];
                let scratch = &mut *scratch;
                FilterGradients { input, output, geometry, groups: 1, pairs, scratch, gradient }.run();
            }
        }
    }
}

/// Parts of a chunk's groups that threads work off at once where layers share groups out, each with scratch memory of
/// its own.
pub(crate) const PARTS: usize = 4;

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
        let banks = weights.plain[self.weight.clone()].chunks_exact(self.weight.len() / self.sets);
        let forward = weights.forward[self.forward.clone()].chunks_exact_mut(self.kernel.packed_len(filters));
        for (bank, packed) in banks.clone().zip(forward) {
            self.kernel.pack(filters, bank, packed);
        }
        if backward {
            let packed_len = self.kernel.packed_len(filters.transposed());
            let backward = weights.backward[self.backward.clone()].chunks_exact_mut(packed_len);
            for (bank, packed) in banks.zip(backward) {
                self.kernel.pack_transposed(filters, bank, packed);
            }
        }
    }

    fn scratch_len(&self) -> usize {
        let [input, output] = [self.input, self.output].map(|shape| self.one_set(shape));
        FilterGradients::<S>::scratch_len(input, output, self.geometry)
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

    fn put_in_order(&self, gradient: &mut [S]) {
        let gradient = &mut gradient[self.weight.clone()];
        let len = gradient.len() / self.sets;
        for set in gradient.chunks_exact_mut(len) {
            FilterGradients::put_in_order(self.filters(), set);
        }
    }
}
