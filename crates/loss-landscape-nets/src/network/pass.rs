//! Passes through a network over one chunk of samples: up, back, and along a direction of parameters.

use super::{
    plan::{Plan, Step},
    slots::Slots,
};
use crate::{
    Criterion, NetScalar, Sums, Wanted, head,
    layers::{INPUT, Place, Scene, Statistics, Tensors, Weights},
    simd::{Buffer, Finish, LANES, Planes, Shape, Term, dispatch},
};

/// What a pass keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keep {
    /// The outputs: tensors share memory as soon as nothing reads them.
    Outputs,
    /// All values, and δ as long as it is needed: for a gradient.
    Values,
    /// All values and every δ: for the derivatives of a gradient.
    All,
}

/// The tensors of one chunk of samples.
#[derive(Debug)]
pub(crate) struct State<S> {
    samples: usize,
    values: Vec<Buffer<S>>,
    value_places: Vec<Place>,
    deltas: Vec<Buffer<S>>,
    delta_places: Vec<Place>,
    pub(crate) statistics: Vec<Statistics<S>>,
    /// For one group's outputs and what the head needs.
    head: Vec<S>,
    /// Whether layers share their groups out among threads.
    parallel: bool,
}

fn buffers<S: NetScalar>(slots: &Slots, groups: usize) -> Vec<Buffer<S>> {
    slots.buffers.iter().map(|&len| Buffer::new(len * groups)).collect()
}

/// Memory of a state for so many samples, in values of the scalar.
pub(crate) fn state_len<S: NetScalar>(plan: &Plan<S>, samples: usize, keep: Keep) -> usize {
    let all = plan.tensors_len();
    let sum = |slots: &Slots| slots.buffers.iter().sum::<usize>();
    let group = match keep {
        Keep::Outputs => sum(&plan.value_slots),
        Keep::Values => all + sum(&plan.delta_slots),
        Keep::All => {
            let shared = (0..plan.shapes.len()).filter(|&tensor| plan.same[tensor] != tensor);
            2 * all - shared.map(|tensor| plan.shapes[tensor].len()).sum::<usize>()
        }
    };
    group * samples.div_ceil(LANES)
}

impl<S: NetScalar> State<S> {
    /// Memory for chunks of at most so many samples.
    pub(crate) fn new(plan: &Plan<S>, samples: usize, keep: Keep) -> Self {
        let groups = samples.div_ceil(LANES);
        let lens: Vec<usize> = plan.shapes.iter().map(|shape| shape.len()).collect();
        let values = if keep == Keep::Outputs { plan.value_slots.clone() } else { Slots::apart(&lens) };
        let deltas = match keep {
            Keep::Outputs => Slots::default(),
            Keep::Values => plan.delta_slots.clone(),
            Keep::All => {
                let mut slots = Slots::apart(&lens);
                for (tensor, &same) in plan.same.iter().enumerate() {
                    slots.places[tensor] = slots.places[same];
                    if same != tensor || tensor == INPUT {
                        slots.buffers[tensor] = 0;
                    }
                }
                slots
            }
        };
        let statistics = (plan.layers.iter())
            .filter(|layer| layer.statistics().is_some())
            .map(|layer| Statistics::new(layer.channels()))
            .collect();
        let outputs = plan.shapes.last().map_or(0, |shape| shape.channels);
        Self {
            samples,
            values: buffers(&values, groups),
            value_places: values.places,
            deltas: buffers(&deltas, groups),
            delta_places: deltas.places,
            statistics,
            head: vec![S::zero(); (outputs + 3) * LANES],
            parallel: false,
        }
    }

    /// Lets layers share their groups out among threads, for chunks that must be computed as a whole.
    pub(crate) fn in_parallel(self) -> Self {
        Self { parallel: true, ..self }
    }

    fn scene<'a>(&'a self, weights: &'a Weights<S>) -> Scene<'a, S> {
        Scene {
            groups: self.samples.div_ceil(LANES),
            samples: self.samples,
            parallel: self.parallel,
            weights,
            direction: None,
            values: Tensors { buffers: &self.values, places: &self.value_places },
            deltas: Tensors { buffers: &self.deltas, places: &self.delta_places },
            tangents: Tensors::none(),
            tangent_deltas: Tensors::none(),
            statistics: &self.statistics,
        }
    }

    /// The outputs for inputs [samples, features], as [group][output][lane].
    pub(crate) fn forward(&mut self, plan: &Plan<S>, weights: &Weights<S>, inputs: &[S]) -> &[S] {
        let shape = plan.shapes[INPUT];
        self.samples = inputs.len() / shape.features();
        let place = self.value_places[INPUT];
        load(&mut self.values[place.buffer][..place.len * self.samples.div_ceil(LANES)], inputs, shape);
        self.layers(plan, weights, 0)
    }

    /// The outputs for so many samples, given what the first layer gives them: `first` writes it.
    pub(crate) fn forward_from(
        &mut self,
        plan: &Plan<S>,
        weights: &Weights<S>,
        samples: usize,
        first: impl FnOnce(&mut [S]),
    ) -> &[S] {
        self.samples = samples;
        let place = self.value_places[1];
        first(&mut self.values[place.buffer][..place.len * samples.div_ceil(LANES)]);
        self.layers(plan, weights, 1)
    }

    /// The values of all layers from one on.
    fn layers(&mut self, plan: &Plan<S>, weights: &Weights<S>, from: usize) -> &[S] {
        let groups = self.samples.div_ceil(LANES);
        for (index, layer) in plan.layers.iter().enumerate().skip(from) {
            if let Some(number) = layer.statistics() {
                let mut own = std::mem::take(&mut self.statistics[number]);
                layer.measure(&self.scene(weights), &mut own);
                self.statistics[number] = own;
            }
            let place = self.value_places[index + 1];
            let mut out = std::mem::take(&mut self.values[place.buffer]);
            layer.value(&self.scene(weights), &mut out[..place.len * groups]);
            self.values[place.buffer] = out;
        }
        self.outputs()
    }

    /// The outputs of the last forward pass.
    pub(crate) fn outputs(&self) -> &[S] {
        let place = self.value_places[self.value_places.len() - 1];
        &self.values[place.buffer][..place.len * self.samples.div_ceil(LANES)]
    }

    /// Loss and hits from the outputs, which become the softmax.
    pub(crate) fn finish(&mut self, outputs: usize, wanted: Wanted<'_, S>) -> Sums {
        let mut sums = Sums::default();
        let samples = self.samples;
        let place = self.value_places[self.value_places.len() - 1];
        let tensor = &mut self.values[place.buffer][..place.len * samples.div_ceil(LANES)];
        for (group, tensor) in tensor.chunks_exact_mut(outputs * LANES).enumerate() {
            let range = group * LANES..((group + 1) * LANES).min(samples);
            let live = range.len();
            let (compact, room) = self.head.split_at_mut(outputs * LANES);
            squeeze(tensor, &mut compact[..outputs * live], live);
            let share =
                head::evaluate(&mut compact[..outputs * live], wanted.part(range, outputs), live, room);
            sums.loss += share.loss;
            sums.hits += share.hits;
            stretch(&compact[..outputs * live], tensor, live);
        }
        sums
    }

    /// δ of the outputs, from what [`finish`](Self::finish) left of them.
    fn start(&mut self, plan: &Plan<S>, wanted: Wanted<'_, S>, scale: f64) {
        let last = plan.layers.len();
        let outputs = plan.shapes[last].channels;
        let (from, to) = (self.value_places[last], self.delta_places[last]);
        let groups = self.samples.div_ceil(LANES);
        let delta = &mut self.deltas[to.buffer][..to.len * groups];
        delta.copy_from_slice(&self.values[from.buffer][..from.len * groups]);
        for (group, delta) in delta.chunks_exact_mut(outputs * LANES).enumerate() {
            let range = group * LANES..((group + 1) * LANES).min(self.samples);
            let live = range.len();
            let compact = &mut self.head[..outputs * live];
            squeeze(delta, compact, live);
            head::derivative(compact, wanted.part(range, outputs), live, scale);
            stretch(compact, delta, live);
        }
    }

    /// All δ, and added to `gradient`, if there is one, that of `scale`·loss by the plain parameters.
    pub(crate) fn backward(
        &mut self,
        plan: &Plan<S>,
        weights: &Weights<S>,
        wanted: Wanted<'_, S>,
        scale: f64,
        room: &mut [S],
        mut gradient: Option<&mut [S]>,
    ) {
        self.start(plan, wanted, scale);
        let groups = self.samples.div_ceil(LANES);
        for step in &plan.back {
            match step {
                Step::Measure { layer } => {
                    let layer = &plan.layers[*layer];
                    if let Some(number) = layer.statistics() {
                        let mut own = std::mem::take(&mut self.statistics[number]);
                        layer.measure_delta(&self.scene(weights), &mut own);
                        self.statistics[number] = own;
                    }
                }
                Step::Gradient { layer } => {
                    if let Some(gradient) = gradient.as_deref_mut() {
                        plan.layers[*layer].gradient(&self.scene(weights), room, gradient);
                    }
                }
                Step::Delta { tensor, .. } | Step::Sum { tensor, .. } => {
                    let place = self.delta_places[*tensor];
                    let mut out = std::mem::take(&mut self.deltas[place.buffer]);
                    let scene = self.scene(weights);
                    let out_now = &mut out[..place.len * groups];
                    back(plan, step, &scene, scene.deltas, out_now, |layer, input, finish, out| {
                        plan.layers[layer].delta(input, &scene, finish, out);
                    });
                    self.deltas[place.buffer] = out;
                }
            }
        }
    }
}

/// One step that finishes a δ, of values or of tangents: `deltas` says of which.
fn back<'a, S: NetScalar>(
    plan: &Plan<S>,
    step: &Step,
    scene: &Scene<'a, S>,
    deltas: Tensors<'a, S>,
    out: &mut [S],
    by_layer: impl FnOnce(usize, usize, Finish<'_, S>, &mut [S]),
) {
    let finish = |tensor: usize, add: bool, masked: bool| Finish {
        add,
        plus: None,
        relu: false,
        mask: masked.then(|| scene.value(tensor)),
    };
    match step {
        Step::Delta { layer, input, tensor, add, plus, masked } => {
            let plus = plus.map(|tensor| deltas.get(tensor, scene.groups));
            by_layer(*layer, *input, Finish { plus, ..finish(*tensor, *add, *masked) }, out);
        }
        Step::Sum { tensor, from, add, masked } => {
            let term = |&tensor: &usize| Term { x: deltas.get(tensor, scene.groups), factors: None };
            let plus = from.get(1).map(|&tensor| deltas.get(tensor, scene.groups));
            if let Some(first) = from.first() {
                dispatch(Planes {
                    shape: plan.shapes[*tensor],
                    terms: &[term(first)],
                    shifts: None,
                    finish: Finish { plus, ..finish(*tensor, *add, *masked) },
                    out,
                });
            }
        }
        Step::Measure { .. } | Step::Gradient { .. } => {}
    }
}

/// What the R-operator differentiates, and along which direction of parameters.
#[derive(Debug)]
pub(crate) struct Along<'a, S> {
    pub(crate) weights: &'a Weights<S>,
    pub(crate) direction: &'a Weights<S>,
    pub(crate) criterion: Criterion,
    /// What the sum over samples is multiplied with.
    pub(crate) scale: f64,
}

/// Memory for the R-operator over one chunk.
#[derive(Debug)]
pub(crate) struct Tangent<S> {
    values: Vec<Buffer<S>>,
    value_places: Vec<Place>,
    deltas: Vec<Buffer<S>>,
    delta_places: Vec<Place>,
    head: Vec<S>,
}

impl<S: NetScalar> Tangent<S> {
    pub(crate) fn new(plan: &Plan<S>, samples: usize) -> Self {
        let groups = samples.div_ceil(LANES);
        let mut lens: Vec<usize> = plan.shapes.iter().map(|shape| shape.len()).collect();
        lens[INPUT] = 0;
        let values = Slots::apart(&lens);
        let outputs = plan.shapes.last().map_or(0, |shape| shape.channels);
        Self {
            values: buffers(&values, groups),
            value_places: values.places,
            deltas: buffers(&plan.delta_slots, groups),
            delta_places: plan.delta_slots.places.clone(),
            head: vec![S::zero(); LANES * (1 + 2 * outputs)],
        }
    }

    fn scene<'a>(
        &'a self,
        state: &'a State<S>,
        weights: &'a Weights<S>,
        direction: &'a Weights<S>,
    ) -> Scene<'a, S> {
        Scene {
            direction: Some(direction),
            tangents: Tensors { buffers: &self.values, places: &self.value_places },
            tangent_deltas: Tensors { buffers: &self.deltas, places: &self.delta_places },
            ..state.scene(weights)
        }
    }

    /// Adds to `out` R of the gradient of `scale`·loss by the plain parameters, along a direction,
    /// at the state of a chunk that kept [all](Keep::All).
    pub(crate) fn product(
        &mut self,
        plan: &Plan<S>,
        state: &State<S>,
        along: &Along<'_, S>,
        room: &mut [S],
        out: &mut [S],
    ) {
        let &Along { weights, direction, criterion, scale } = along;
        let groups = state.samples.div_ceil(LANES);
        for (index, layer) in plan.layers.iter().enumerate() {
            let place = self.value_places[index + 1];
            let mut values = std::mem::take(&mut self.values[place.buffer]);
            layer.tangent(&self.scene(state, weights, direction), &mut values[..place.len * groups]);
            self.values[place.buffer] = values;
        }
        self.start(plan, state, criterion, scale);
        for step in &plan.back {
            match step {
                Step::Measure { .. } => {}
                Step::Gradient { layer } => {
                    plan.layers[*layer].tangent_gradient(&self.scene(state, weights, direction), room, out);
                }
                Step::Delta { tensor, .. } | Step::Sum { tensor, .. } => {
                    let place = self.delta_places[*tensor];
                    let mut delta = std::mem::take(&mut self.deltas[place.buffer]);
                    let scene = self.scene(state, weights, direction);
                    let now = &mut delta[..place.len * groups];
                    back(plan, step, &scene, scene.tangent_deltas, now, |layer, input, finish, out| {
                        plan.layers[layer].tangent_delta(input, &scene, finish, out);
                    });
                    self.deltas[place.buffer] = delta;
                }
            }
        }
    }

    /// R of δ of the outputs, from the softmax that the state holds in their place.
    fn start(&mut self, plan: &Plan<S>, state: &State<S>, criterion: Criterion, scale: f64) {
        let last = plan.layers.len();
        let outputs = plan.shapes[last].channels;
        let groups = state.samples.div_ceil(LANES);
        let (from, to) = (self.value_places[last], self.delta_places[last]);
        let delta = &mut self.deltas[to.buffer][..to.len * groups];
        delta.copy_from_slice(&self.values[from.buffer][..from.len * groups]);
        let softmax = state.outputs();
        let pairs = delta.chunks_exact_mut(outputs * LANES).zip(softmax.chunks_exact(outputs * LANES));
        for (group, (delta, softmax)) in pairs.enumerate() {
            let live = (state.samples - group * LANES).min(LANES);
            let (room, compact) = self.head.split_at_mut(LANES);
            let (tangent, values) = compact.split_at_mut(outputs * LANES);
            let (tangent, values) = (&mut tangent[..outputs * live], &mut values[..outputs * live]);
            squeeze(delta, tangent, live);
            squeeze(softmax, values, live);
            head::second_derivative(criterion, values, tangent, &mut room[..live], scale);
            stretch(tangent, delta, live);
        }
    }
}

/// [samples, features] into the lanes of groups, zeros where the last group is filled up.
pub(super) fn load<S: NetScalar>(tensor: &mut [S], inputs: &[S], shape: Shape) {
    let features = shape.features();
    let pixels = shape.pixels();
    for (tensor, inputs) in tensor.chunks_exact_mut(shape.len()).zip(inputs.chunks(features * LANES)) {
        let live = inputs.len() / features;
        for channel in 0..shape.channels {
            let plane = &mut tensor[channel * shape.stride() * LANES..][..pixels * LANES];
            for (pixel, vector) in plane.as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
                let at = channel * pixels + pixel;
                for (lane, value) in vector[..live].iter_mut().enumerate() {
                    *value = inputs[lane * features + at];
                }
                vector[live..].fill(S::zero());
            }
        }
    }
}

/// The live lanes of one group, without gaps.
fn squeeze<S: NetScalar>(tensor: &[S], compact: &mut [S], live: usize) {
    for (vector, compact) in tensor.as_chunks::<LANES>().0.iter().zip(compact.chunks_exact_mut(live)) {
        compact.copy_from_slice(&vector[..live]);
    }
}

/// Back to lanes, zeros in those that fill up the group.
fn stretch<S: NetScalar>(compact: &[S], tensor: &mut [S], live: usize) {
    for (vector, compact) in tensor.as_chunks_mut::<LANES>().0.iter_mut().zip(compact.chunks_exact(live)) {
        vector[..live].copy_from_slice(compact);
        vector[live..].fill(S::zero());
    }
}

impl<S: NetScalar> Weights<S> {
    /// Room for the parameters of a plan; `back` if derivatives are wanted.
    pub(crate) fn new(plan: &Plan<S>, back: bool) -> Self {
        Self {
            plain: vec![S::zero(); plan.fold.len],
            up: vec![S::zero(); plan.packed[0]],
            back: vec![S::zero(); if back { plan.packed[1] } else { 0 }],
        }
    }

    /// Takes parameters.
    pub(crate) fn set(&mut self, plan: &Plan<S>, theta: &[S]) {
        plan.fold.apply(theta, &mut self.plain);
        self.pack(plan);
    }

    /// Takes a direction v at θ.
    pub(crate) fn set_direction(&mut self, plan: &Plan<S>, theta: &[S], v: &[S]) {
        plan.fold.push(theta, v, &mut self.plain);
        self.pack(plan);
    }

    fn pack(&mut self, plan: &Plan<S>) {
        let back = !self.back.is_empty();
        for layer in &plan.layers {
            layer.pack(self, back);
        }
    }
}
