//! One chunk of samples in a network: its values in a forward pass, its derivatives in a backward one.

use std::ops::Range;

use loss_landscape_kernels::{
    AlignedBuffer, ChannelSums, Epilogue, LANES, ScaledTensor, load, squeeze, stretch,
};

use super::{backward_step::BackwardStep, memory_plan::MemoryPlan, plan::Plan};
use crate::{
    criterion::{self, EachLoss, LossSums, TargetSlice},
    layers::{BatchStatistics, INPUT, LayerContext, TensorSlot, Tensors, Weights},
    real::Real,
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
pub(crate) struct ChunkState<S> {
    pub(super) samples: usize,
    values: Vec<AlignedBuffer<S>>,
    value_slots: Vec<TensorSlot>,
    deltas: Vec<AlignedBuffer<S>>,
    delta_slots: Vec<TensorSlot>,
    pub(crate) statistics: Vec<BatchStatistics<S>>,
    /// One group's outputs, and what the criterion needs.
    outputs: Vec<S>,
    /// Whether layers share their groups out among threads.
    parallel: bool,
}

pub(super) fn buffers<S: Real>(memory: &MemoryPlan, groups: usize) -> Vec<AlignedBuffer<S>> {
    memory.buffers.iter().map(|&len| AlignedBuffer::new(len * groups)).collect()
}

/// Memory of a state of `samples` samples, in values of the scalar.
pub(crate) fn state_len<S: Real>(plan: &Plan<S>, samples: usize, keep: Keep) -> usize {
    let all = plan.tensors_len();
    let sum = |memory: &MemoryPlan| memory.buffers.iter().sum::<usize>();
    let group = match keep {
        Keep::Outputs => sum(&plan.value_memory),
        Keep::Values => all + sum(&plan.delta_memory),
        Keep::All => {
            let shared = (0..plan.shapes.len()).filter(|&tensor| plan.same[tensor] != tensor);
            2 * all - shared.map(|tensor| plan.shapes[tensor].len()).sum::<usize>()
        }
    };
    group * samples.div_ceil(LANES)
}

impl<S: Real> ChunkState<S> {
    /// Memory for chunks of at most `samples` samples.
    pub(crate) fn new(plan: &Plan<S>, samples: usize, keep: Keep) -> Self {
        let groups = samples.div_ceil(LANES);
        let lens: Vec<usize> = plan.shapes.iter().map(|shape| shape.len()).collect();
        let values = if keep == Keep::Outputs { plan.value_memory.clone() } else { MemoryPlan::apart(&lens) };
        let deltas = match keep {
            Keep::Outputs => MemoryPlan::default(),
            Keep::Values => plan.delta_memory.clone(),
            Keep::All => {
                let mut memory = MemoryPlan::apart(&lens);
                for (tensor, &same) in plan.same.iter().enumerate() {
                    memory.slots[tensor] = memory.slots[same];
                    if same != tensor || tensor == INPUT {
                        memory.buffers[tensor] = 0;
                    }
                }
                memory
            }
        };
        let statistics = (plan.layers.iter())
            .filter(|layer| layer.statistics().is_some())
            .map(|layer| BatchStatistics::new(layer.channels()))
            .collect();
        let outputs = plan.outputs();
        Self {
            samples,
            values: buffers(&values, groups),
            value_slots: values.slots,
            deltas: buffers(&deltas, groups),
            delta_slots: deltas.slots,
            statistics,
            outputs: vec![S::zero(); (outputs + 3) * LANES],
            parallel: false,
        }
    }

    /// Lets layers share their groups out among threads, for chunks that must be computed as a whole.
    pub(crate) fn in_parallel(self) -> Self {
        Self { parallel: true, ..self }
    }

    pub(super) fn context<'a>(&'a self, weights: &'a Weights<S>) -> LayerContext<'a, S> {
        LayerContext {
            groups: self.samples.div_ceil(LANES),
            samples: self.samples,
            parallel: self.parallel,
            weights,
            direction: None,
            values: Tensors { buffers: &self.values, slots: &self.value_slots },
            deltas: Tensors { buffers: &self.deltas, slots: &self.delta_slots },
            tangents: Tensors::none(),
            tangent_deltas: Tensors::none(),
            statistics: &self.statistics,
        }
    }

    /// The outputs for inputs [samples, features], as [group][output][lane].
    pub(crate) fn forward(&mut self, plan: &Plan<S>, weights: &Weights<S>, inputs: &[S]) -> &[S] {
        let shape = plan.shapes[INPUT];
        self.samples = inputs.len() / shape.features();
        let slot = self.value_slots[INPUT];
        load(&mut self.values[slot.buffer][..slot.len * self.samples.div_ceil(LANES)], inputs, shape);
        self.layers(plan, weights, 0)
    }

    /// The outputs for `samples` samples, given what the first layer gives them: `first` writes it.
    pub(crate) fn forward_from(
        &mut self,
        plan: &Plan<S>,
        weights: &Weights<S>,
        samples: usize,
        first: impl FnOnce(&mut [S]),
    ) -> &[S] {
        self.samples = samples;
        let slot = self.value_slots[1];
        first(&mut self.values[slot.buffer][..slot.len * samples.div_ceil(LANES)]);
        self.layers(plan, weights, 1)
    }

    /// The values of all layers from one on.
    fn layers(&mut self, plan: &Plan<S>, weights: &Weights<S>, from: usize) -> &[S] {
        let groups = self.samples.div_ceil(LANES);
        for (index, layer) in plan.layers.iter().enumerate().skip(from) {
            if let Some(number) = layer.statistics() {
                let mut own = std::mem::take(&mut self.statistics[number]);
                layer.measure(&self.context(weights), &mut own);
                self.statistics[number] = own;
            }
            let slot = self.value_slots[index + 1];
            let mut out = std::mem::take(&mut self.values[slot.buffer]);
            layer.value(&self.context(weights), &mut out[..slot.len * groups]);
            self.values[slot.buffer] = out;
        }
        self.outputs()
    }

    /// The outputs of the last forward pass.
    pub(crate) fn outputs(&self) -> &[S] {
        let slot = self.value_slots[self.value_slots.len() - 1];
        &self.values[slot.buffer][..slot.len * self.samples.div_ceil(LANES)]
    }

    /// Loss and hits from the outputs, which become the softmax.
    pub(crate) fn finish(&mut self, plan: &Plan<S>, wanted: TargetSlice<'_, S>) -> LossSums {
        let mut sums = LossSums::default();
        self.finish_groups(plan, wanted, |_, outputs, wanted, live, scratch| {
            let share = criterion::evaluate(outputs, wanted, live, scratch);
            sums.loss += share.loss;
            sums.hits += share.hits;
        });
        sums
    }

    /// The channels of each sample into `out`, [samples, channels].
    pub(super) fn finish_each(
        &mut self,
        plan: &Plan<S>,
        wanted: TargetSlice<'_, S>,
        out: &mut [f64],
        channels: usize,
    ) {
        self.finish_groups(plan, wanted, |range, outputs, wanted, live, scratch| {
            let out = &mut out[range.start * channels..range.end * channels];
            criterion::evaluate_into(outputs, wanted, live, scratch, &mut EachLoss { out, channels });
        });
    }

    /// Calls `evaluate` for the samples of each group, with their outputs as [units, samples].
    fn finish_groups(
        &mut self,
        plan: &Plan<S>,
        wanted: TargetSlice<'_, S>,
        mut evaluate: impl FnMut(Range<usize>, &mut [S], TargetSlice<'_, S>, usize, &mut [S]),
    ) {
        let (samples, outputs) = (self.samples, plan.outputs());
        let slot = self.value_slots[self.value_slots.len() - 1];
        let tensor = &mut self.values[slot.buffer][..slot.len * samples.div_ceil(LANES)];
        for (group, tensor) in tensor.chunks_exact_mut(outputs * LANES).enumerate() {
            let range = group * LANES..((group + 1) * LANES).min(samples);
            let live = range.len();
            let (compact, scratch) = self.outputs.split_at_mut(outputs * LANES);
            let compact = &mut compact[..outputs * live];
            squeeze(tensor, compact, live);
            evaluate(range.clone(), compact, wanted.part(range, outputs), live, scratch);
            stretch(compact, tensor, live);
        }
    }

    /// δ of the outputs, from what [`finish`](Self::finish) left of them.
    fn start(&mut self, plan: &Plan<S>, wanted: TargetSlice<'_, S>, scale: f64) {
        let last = plan.layers.len();
        let outputs = plan.shapes[last].channels;
        let (from, to) = (self.value_slots[last], self.delta_slots[last]);
        let groups = self.samples.div_ceil(LANES);
        let delta = &mut self.deltas[to.buffer][..to.len * groups];
        delta.copy_from_slice(&self.values[from.buffer][..from.len * groups]);
        for (group, delta) in delta.chunks_exact_mut(outputs * LANES).enumerate() {
            let range = group * LANES..((group + 1) * LANES).min(self.samples);
            let live = range.len();
            let compact = &mut self.outputs[..outputs * live];
            squeeze(delta, compact, live);
            criterion::derivative(compact, wanted.part(range, outputs), live, scale);
            stretch(compact, delta, live);
        }
    }

    /// All δ, and added to `gradient`, if there is one, that of `scale`·loss by the plain parameters.
    pub(crate) fn backward(
        &mut self,
        plan: &Plan<S>,
        weights: &Weights<S>,
        wanted: TargetSlice<'_, S>,
        scale: f64,
        scratch: &mut [S],
        mut gradient: Option<&mut [S]>,
    ) {
        self.start(plan, wanted, scale);
        let groups = self.samples.div_ceil(LANES);
        for step in &plan.backward {
            match step {
                BackwardStep::Measure { layer } => {
                    let layer = &plan.layers[*layer];
                    if let Some(number) = layer.statistics() {
                        let mut own = std::mem::take(&mut self.statistics[number]);
                        layer.measure_delta(&self.context(weights), &mut own);
                        self.statistics[number] = own;
                    }
                }
                BackwardStep::Gradient { layer } => {
                    if let Some(gradient) = gradient.as_deref_mut() {
                        plan.layers[*layer].gradient(&self.context(weights), scratch, gradient);
                    }
                }
                BackwardStep::Delta { tensor, .. } | BackwardStep::Sum { tensor, .. } => {
                    let slot = self.delta_slots[*tensor];
                    let mut out = std::mem::take(&mut self.deltas[slot.buffer]);
                    let context = self.context(weights);
                    let out_now = &mut out[..slot.len * groups];
                    finish_delta(
                        plan,
                        step,
                        &context,
                        context.deltas,
                        out_now,
                        |layer, input, epilogue, out| {
                            plan.layers[layer].delta(input, &context, epilogue, out);
                        },
                    );
                    self.deltas[slot.buffer] = out;
                }
            }
        }
    }
}

/// One step that finishes a δ, of values or of tangents: `deltas` says of which.
pub(super) fn finish_delta<'a, S: Real>(
    plan: &Plan<S>,
    step: &BackwardStep,
    context: &LayerContext<'a, S>,
    deltas: Tensors<'a, S>,
    out: &mut [S],
    by_layer: impl FnOnce(usize, usize, Epilogue<'_, S>, &mut [S]),
) {
    let epilogue = |tensor: usize, add: bool, plus: Option<usize>, masked: bool| Epilogue {
        add,
        plus: plus.map(|tensor| deltas.get(tensor, context.groups)),
        relu: false,
        mask: masked.then(|| context.value(tensor)),
    };
    match *step {
        BackwardStep::Delta { layer, input, tensor, add, plus, masked } => {
            by_layer(layer, input, epilogue(tensor, add, plus, masked), out);
        }
        BackwardStep::Sum { tensor, from, plus, add, masked } => ChannelSums {
            shape: plan.shapes[tensor],
            terms: &[ScaledTensor { x: deltas.get(from, context.groups), factors: None }],
            shifts: None,
            epilogue: epilogue(tensor, add, plus, masked),
            out,
        }
        .run(),
        BackwardStep::Measure { .. } | BackwardStep::Gradient { .. } => {
            unreachable!("these steps finish no derivative")
        }
    }
}
