//! Convolutions, and linear layers as convolutions of one pixel; with a bias, a sum and a ReLU fused in.

use std::ops::Range;

use rayon::{
    iter::{IndexedParallelIterator, IntoParallelIterator, ParallelIterator},
    slice::ParallelSliceMut,
};

use super::{Layer, Scene, Weights};
use crate::{
    NetScalar,
    simd::{Buffer, Filters, Finish, Lines, Shape, Slopes, Source, Three, Way, dispatch, sum_planes, zeros},
};

/// filters ∗ x + bias (+ another tensor), then ReLU if asked for.
#[derive(Debug)]
pub(crate) struct Convolution {
    /// x, and what is added.
    pub(crate) inputs: Vec<usize>,
    pub(crate) out: usize,
    pub(crate) rectified: bool,
    pub(crate) input: Shape,
    pub(crate) output: Shape,
    /// Side, stride, padding.
    pub(crate) geometry: [usize; 3],
    /// Where the filters and the bias lie among the plain parameters, and packed.
    pub(crate) weight: Range<usize>,
    pub(crate) bias: Option<Range<usize>>,
    pub(crate) up: Range<usize>,
    pub(crate) back: Range<usize>,
}

impl Convolution {
    pub(crate) fn filters(&self) -> Filters {
        Filters { outputs: self.output.channels, inputs: self.input.channels, side: self.geometry[0] }
    }

    fn run<S: NetScalar>(
        &self,
        way: Way,
        scene: &Scene<'_, S>,
        sources: &[Source<'_, S>],
        bias: Option<&[S]>,
        finish: Finish<'_, S>,
        out: &mut [S],
    ) {
        let (from, to) = match way {
            Way::Up => (self.input, self.output),
            Way::Back => (self.output, self.input),
        };
        let [side, stride, padding] = self.geometry;
        let work = |groups: usize, sources: &[Source<'_, S>], finish: Finish<'_, S>, out: &mut [S]| {
            if self.geometry == [3, 1, 1] {
                dispatch(Three { input: from, outputs: to.channels, groups, sources, bias, finish, out });
            } else {
                dispatch(Lines { way, from, to, side, stride, padding, groups, sources, bias, finish, out });
            }
        };
        // Images of one pixel are worked off group by group at once, and are small.
        if scene.parallel && to.pixels() > 1 {
            out.par_chunks_mut(to.len()).enumerate().for_each(|(group, out)| {
                let part = |x: &'_ [S], len: usize| group * len..((group + 1) * len).min(x.len());
                let mut own = [Source { x: &[], filters: &[] }; 2];
                for (own, source) in own.iter_mut().zip(sources) {
                    *own = Source { x: &source.x[part(source.x, from.len())], ..*source };
                }
                let finish = Finish {
                    plus: finish.plus.map(|x| &x[part(x, to.len())]),
                    mask: finish.mask.map(|x| &x[part(x, to.len())]),
                    ..finish
                };
                work(1, &own[..sources.len()], finish, out);
            });
        } else {
            work(scene.groups, sources, finish, out);
        }
    }

    fn bias<'a, S>(&self, weights: &'a Weights<S>) -> Option<&'a [S]> {
        self.bias.clone().map(|range| &weights.plain[range])
    }

    fn slopes<S: NetScalar>(
        &self,
        scene: &Scene<'_, S>,
        pairs: &[(&[S], &[S])],
        delta: &[S],
        room: &mut [S],
        gradient: &mut [S],
    ) {
        if let Some(bias) = self.bias.clone() {
            sum_planes(&mut gradient[bias], delta, self.output);
        }
        let [side, stride, padding] = self.geometry;
        let (input, output) = (self.input, self.output);
        let gradient = &mut gradient[self.weight.clone()];
        if !scene.parallel || scene.groups < PARTS {
            let groups = scene.groups;
            dispatch(Slopes { input, output, side, stride, padding, groups, pairs, sums: room, gradient });
            return;
        }
        // Parts with sums of their own, always the same, added in their order.
        let parts: Vec<Vec<S>> = (0..PARTS)
            .into_par_iter()
            .map(|part| {
                let groups = part * scene.groups / PARTS..(part + 1) * scene.groups / PARTS;
                let own: Vec<(&[S], &[S])> = (pairs.iter())
                    .map(|(x, delta)| {
                        let x = &x[groups.start * input.len()..groups.end * input.len()];
                        (x, &delta[groups.start * output.len()..groups.end * output.len()])
                    })
                    .collect();
                let mut sums = Buffer::new(Slopes::<S>::room(self.filters()));
                let mut gradient = zeros(gradient.len());
                let (groups, pairs) = (groups.len(), &own[..]);
                let (sums, out) = (&mut sums[..], &mut gradient[..]);
                dispatch(Slopes { input, output, side, stride, padding, groups, pairs, sums, gradient: out });
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

impl<S: NetScalar> Layer<S> for Convolution {
    fn inputs(&self) -> &[usize] {
        &self.inputs
    }

    fn rectified(&self) -> bool {
        self.rectified
    }

    fn passes(&self, input: usize) -> bool {
        input == 1
    }

    fn convolution(&self) -> Option<&Convolution> {
        Some(self)
    }

    fn pack(&self, weights: &mut Weights<S>, back: bool) {
        let filters = self.filters();
        let bank = &weights.plain[self.weight.clone()];
        filters.pack(bank, &mut weights.up[self.up.clone()]);
        if back {
            filters.pack_transposed(bank, &mut weights.back[self.back.clone()]);
        }
    }

    fn room(&self) -> usize {
        Slopes::<S>::room(self.filters())
    }

    fn value(&self, scene: &Scene<'_, S>, out: &mut [S]) {
        let finish = Finish {
            plus: self.inputs.get(1).map(|&tensor| scene.value(tensor)),
            relu: self.rectified,
            ..Finish::default()
        };
        let filters = &scene.weights.up[self.up.clone()];
        let sources = [Source { x: scene.value(self.inputs[0]), filters }];
        self.run(Way::Up, scene, &sources, self.bias(scene.weights), finish, out);
    }

    fn delta(&self, _input: usize, scene: &Scene<'_, S>, finish: Finish<'_, S>, out: &mut [S]) {
        let filters = &scene.weights.back[self.back.clone()];
        let sources = [Source { x: scene.delta(self.out), filters }];
        self.run(Way::Back, scene, &sources, None, finish, out);
    }

    fn gradient(&self, scene: &Scene<'_, S>, room: &mut [S], gradient: &mut [S]) {
        let delta = scene.delta(self.out);
        self.slopes(scene, &[(scene.value(self.inputs[0]), delta)], delta, room, gradient);
    }

    fn tangent(&self, scene: &Scene<'_, S>, out: &mut [S]) {
        let own = scene.value(self.out);
        let finish = Finish {
            plus: self.inputs.get(1).and_then(|&tensor| scene.tangent(tensor)),
            mask: self.rectified.then_some(own),
            ..Finish::default()
        };
        let x = Source { x: scene.value(self.inputs[0]), filters: &scene.along().up[self.up.clone()] };
        let bias = self.bias(scene.along());
        match scene.tangent(self.inputs[0]) {
            None => self.run(Way::Up, scene, &[x], bias, finish, out),
            Some(tangent) => {
                let tangent = Source { x: tangent, filters: &scene.weights.up[self.up.clone()] };
                self.run(Way::Up, scene, &[tangent, x], bias, finish, out);
            }
        }
    }

    fn tangent_delta(&self, _input: usize, scene: &Scene<'_, S>, finish: Finish<'_, S>, out: &mut [S]) {
        let own = self.out;
        let sources = [
            Source { x: scene.tangent_delta(own), filters: &scene.weights.back[self.back.clone()] },
            Source { x: scene.delta(own), filters: &scene.along().back[self.back.clone()] },
        ];
        self.run(Way::Back, scene, &sources, None, finish, out);
    }

    fn tangent_gradient(&self, scene: &Scene<'_, S>, room: &mut [S], gradient: &mut [S]) {
        let own = self.out;
        let (delta, tangent_delta) = (scene.delta(own), scene.tangent_delta(own));
        let first = (scene.value(self.inputs[0]), tangent_delta);
        match scene.tangent(self.inputs[0]) {
            None => self.slopes(scene, &[first], tangent_delta, room, gradient),
            Some(tangent) => {
                self.slopes(scene, &[first, (tangent, delta)], tangent_delta, room, gradient);
            }
        }
    }
}
