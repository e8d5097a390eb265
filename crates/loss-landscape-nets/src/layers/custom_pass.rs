//! A user's layer between tensors: samples out of the lanes and back, group by group.

use std::{ops::Range, sync::Arc};

use loss_landscape_kernels::{Epilogue, LANES, TensorShape};
use rayon::{
    iter::{IndexedParallelIterator, IntoParallelIterator, ParallelIterator},
    slice::ParallelSliceMut,
};

use super::{
    custom_layer::{CustomLayer, LayerDirection, LayerPoint},
    layer::{Layer, LayerContext},
};
use crate::real::Real;

/// A [`CustomLayer`] that reads one tensor.
#[derive(Debug)]
pub(crate) struct CustomPass {
    pub(crate) inputs: [usize; 1],
    pub(crate) out: usize,
    pub(crate) input: TensorShape,
    pub(crate) output: TensorShape,
    pub(crate) layer: Arc<dyn CustomLayer>,
    /// Among the plain parameters.
    pub(crate) parameters: Range<usize>,
    /// Buffers among its own parameters.
    pub(crate) buffers: Vec<Range<usize>>,
}

/// The samples of one group, as the layer sees them.
#[derive(Default)]
struct GroupSlices {
    x: Vec<f64>,
    along: Vec<f64>,
    delta: Vec<f64>,
    result: Vec<f64>,
    /// What is added to the result.
    more: Vec<f64>,
}

/// The layer's parameters, and the direction of R.
struct OwnParameters {
    values: Vec<f64>,
    along: Vec<f64>,
}

/// The live lanes of one group as [samples, features]; zeros of no tensor.
fn take<S: Real>(tensor: Option<&[S]>, group: usize, shape: TensorShape, samples: usize, to: &mut Vec<f64>) {
    let features = shape.features();
    to.clear();
    to.resize(samples * features, 0.0);
    let Some(tensor) = tensor else { return };
    let tensor = &tensor[group * shape.len()..][..shape.len()];
    for channel in 0..shape.channels {
        for pixel in 0..shape.pixels() {
            let vector = &tensor[(channel * shape.stride() + pixel) * LANES..][..samples];
            let at = channel * shape.pixels() + pixel;
            for (value, to) in vector.iter().zip(to[at..].iter_mut().step_by(features)) {
                *to = value.as_f64();
            }
        }
    }
}

/// Calls `put` with every place of one group's pixels and what belongs there: 0 in the lanes that fill it up.
fn put_back(from: &[f64], shape: TensorShape, samples: usize, mut put: impl FnMut(usize, f64)) {
    let features = shape.features();
    for channel in 0..shape.channels {
        for pixel in 0..shape.pixels() {
            let place = (channel * shape.stride() + pixel) * LANES;
            let at = channel * shape.pixels() + pixel;
            for lane in 0..LANES {
                put(place + lane, if lane < samples { from[lane * features + at] } else { 0.0 });
            }
        }
    }
}

fn zeros(values: &mut Vec<f64>, len: usize) {
    values.clear();
    values.resize(len, 0.0);
}

/// Writes what `work` puts into the results of each group, by the epilogue.
fn each_group<S: Real>(
    context: &LayerContext<'_, S>,
    shape: TensorShape,
    epilogue: Epilogue<'_, S>,
    out: &mut [S],
    work: impl Fn(usize, usize, &mut GroupSlices) + Sync,
) {
    let one = |slices: &mut GroupSlices, (group, out): (usize, &mut [S])| {
        let samples = (context.samples - group * LANES).min(LANES);
        work(group, samples, slices);
        let own = group * shape.len()..(group + 1) * shape.len();
        let epilogue = Epilogue {
            plus: epilogue.plus.map(|tensor| &tensor[own.clone()]),
            mask: epilogue.mask.map(|tensor| &tensor[own.clone()]),
            ..epilogue
        };
        put_back(&slices.result, shape, samples, |at, value| epilogue.put(S::from_f64(value), out, at));
    };
    if context.parallel {
        out.par_chunks_exact_mut(shape.len()).enumerate().for_each_init(GroupSlices::default, one);
    } else {
        let mut slices = GroupSlices::default();
        out.chunks_exact_mut(shape.len()).enumerate().for_each(|group| one(&mut slices, group));
    }
}

impl CustomPass {
    fn own<S: Real>(&self, context: &LayerContext<'_, S>) -> OwnParameters {
        let plain =
            |values: &[S]| values[self.parameters.clone()].iter().map(|value| value.as_f64()).collect();
        let mut along: Vec<f64> =
            context.direction.map_or_else(Vec::new, |direction| plain(&direction.plain));
        if !along.is_empty() {
            for buffer in &self.buffers {
                along[buffer.clone()].fill(0.0);
            }
        }
        OwnParameters { values: plain(&context.weights.plain), along }
    }

    /// Adds what `work` adds to the results of each group to the gradient, group by group in their order.
    fn sum_groups<S: Real>(
        &self,
        context: &LayerContext<'_, S>,
        gradient: &mut [S],
        work: impl Fn(usize, usize, &mut GroupSlices) + Sync,
    ) {
        if self.parameters.is_empty() {
            return;
        }
        let one = |slices: &mut GroupSlices, group: usize| {
            zeros(&mut slices.result, self.parameters.len());
            work(group, (context.samples - group * LANES).min(LANES), slices);
            slices.result.clone()
        };
        let parts: Vec<Vec<f64>> = if context.parallel {
            (0..context.groups).into_par_iter().map_init(GroupSlices::default, one).collect()
        } else {
            let mut slices = GroupSlices::default();
            (0..context.groups).map(|group| one(&mut slices, group)).collect()
        };
        let mut total = vec![0.0; self.parameters.len()];
        for part in parts {
            total.iter_mut().zip(part).for_each(|(total, part)| *total += part);
        }
        for buffer in &self.buffers {
            total[buffer.clone()].fill(0.0);
        }
        for (gradient, total) in gradient[self.parameters.clone()].iter_mut().zip(total) {
            *gradient += S::from_f64(total);
        }
    }

    fn point<'a>(&self, samples: usize, x: &'a [f64], own: &'a OwnParameters) -> LayerPoint<'a> {
        LayerPoint { input: self.input.dims(), samples, x, parameters: &own.values }
    }
}

impl<S: Real> Layer<S> for CustomPass {
    fn inputs(&self) -> &[usize] {
        &self.inputs
    }

    fn value(&self, context: &LayerContext<'_, S>, out: &mut [S]) {
        let own = self.own(context);
        let x = context.value(self.inputs[0]);
        each_group(context, self.output, Epilogue::default(), out, |group, samples, slices| {
            take(Some(x), group, self.input, samples, &mut slices.x);
            zeros(&mut slices.result, samples * self.output.features());
            self.layer.value(&self.point(samples, &slices.x, &own), &mut slices.result);
        });
    }

    fn delta(&self, _input: usize, context: &LayerContext<'_, S>, epilogue: Epilogue<'_, S>, out: &mut [S]) {
        let own = self.own(context);
        let (x, delta) = (context.value(self.inputs[0]), context.delta(self.out));
        each_group(context, self.input, epilogue, out, |group, samples, slices| {
            take(Some(x), group, self.input, samples, &mut slices.x);
            take(Some(delta), group, self.output, samples, &mut slices.delta);
            zeros(&mut slices.result, slices.x.len());
            let at = self.point(samples, &slices.x, &own);
            self.layer.by_input(&at, &slices.delta, &mut slices.result);
        });
    }

    fn gradient(&self, context: &LayerContext<'_, S>, _scratch: &mut [S], gradient: &mut [S]) {
        let own = self.own(context);
        let (x, delta) = (context.value(self.inputs[0]), context.delta(self.out));
        self.sum_groups(context, gradient, |group, samples, slices| {
            take(Some(x), group, self.input, samples, &mut slices.x);
            take(Some(delta), group, self.output, samples, &mut slices.delta);
            let at = self.point(samples, &slices.x, &own);
            self.layer.by_parameters(&at, &slices.delta, &mut slices.result);
        });
    }

    fn tangent(&self, context: &LayerContext<'_, S>, out: &mut [S]) {
        let own = self.own(context);
        let (x, tangent) = (context.value(self.inputs[0]), context.tangent(self.inputs[0]));
        each_group(context, self.output, Epilogue::default(), out, |group, samples, slices| {
            take(Some(x), group, self.input, samples, &mut slices.x);
            take(tangent, group, self.input, samples, &mut slices.along);
            zeros(&mut slices.result, samples * self.output.features());
            let along = LayerDirection { x: &slices.along, parameters: &own.along };
            self.layer.tangent(&self.point(samples, &slices.x, &own), &along, &mut slices.result);
        });
    }

    fn tangent_delta(
        &self,
        _input: usize,
        context: &LayerContext<'_, S>,
        epilogue: Epilogue<'_, S>,
        out: &mut [S],
    ) {
        let own = self.own(context);
        let (x, tangent) = (context.value(self.inputs[0]), context.tangent(self.inputs[0]));
        let (delta, tangent_delta) = (context.delta(self.out), context.tangent_delta(self.out));
        each_group(context, self.input, epilogue, out, |group, samples, slices| {
            take(Some(x), group, self.input, samples, &mut slices.x);
            take(tangent, group, self.input, samples, &mut slices.along);
            take(Some(delta), group, self.output, samples, &mut slices.delta);
            zeros(&mut slices.result, slices.x.len());
            zeros(&mut slices.more, slices.x.len());
            let at = self.point(samples, &slices.x, &own);
            let along = LayerDirection { x: &slices.along, parameters: &own.along };
            self.layer.by_input_tangent(&at, &along, &slices.delta, &mut slices.more);
            // The derivative is linear in δ.
            take(Some(tangent_delta), group, self.output, samples, &mut slices.delta);
            self.layer.by_input(&at, &slices.delta, &mut slices.result);
            slices.result.iter_mut().zip(&slices.more).for_each(|(result, more)| *result += more);
        });
    }

    fn tangent_gradient(&self, context: &LayerContext<'_, S>, _scratch: &mut [S], gradient: &mut [S]) {
        let own = self.own(context);
        let (x, tangent) = (context.value(self.inputs[0]), context.tangent(self.inputs[0]));
        let (delta, tangent_delta) = (context.delta(self.out), context.tangent_delta(self.out));
        self.sum_groups(context, gradient, |group, samples, slices| {
            take(Some(x), group, self.input, samples, &mut slices.x);
            take(tangent, group, self.input, samples, &mut slices.along);
            take(Some(delta), group, self.output, samples, &mut slices.delta);
            zeros(&mut slices.more, slices.result.len());
            let at = self.point(samples, &slices.x, &own);
            let along = LayerDirection { x: &slices.along, parameters: &own.along };
            self.layer.by_parameters_tangent(&at, &along, &slices.delta, &mut slices.more);
            take(Some(tangent_delta), group, self.output, samples, &mut slices.delta);
            self.layer.by_parameters(&at, &slices.delta, &mut slices.result);
            slices.result.iter_mut().zip(&slices.more).for_each(|(result, more)| *result += more);
        });
    }
}
