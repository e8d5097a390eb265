//! The derivatives of one chunk's values and derivatives along a direction of parameters: the R-operator.

use loss_landscape::curvature::HessianPart;
use loss_landscape_kernels::{AlignedBuffer, LANES, squeeze, stretch};

use super::{
    backward_step::BackwardStep,
    chunk_state::{ChunkState, buffers, finish_delta},
    memory_plan::MemoryPlan,
    plan::Plan,
};
use crate::{
    criterion::{self, Criterion},
    layers::{INPUT, LayerContext, TensorSlot, Tensors, Weights},
    real::Real,
};

/// What the R-operator differentiates, and along which direction of parameters.
#[derive(Debug)]
pub(crate) struct TangentInput<'a, S> {
    pub(crate) weights: &'a Weights<S>,
    pub(crate) direction: &'a Weights<S>,
    pub(crate) criterion: Criterion,
    /// Which part of the second derivative.
    pub(crate) part: HessianPart,
    /// What the sum over samples is multiplied with.
    pub(crate) scale: f64,
}

/// Memory for the R-operator over one chunk.
#[derive(Debug)]
pub(crate) struct TangentState<S> {
    values: Vec<AlignedBuffer<S>>,
    value_slots: Vec<TensorSlot>,
    deltas: Vec<AlignedBuffer<S>>,
    delta_slots: Vec<TensorSlot>,
    outputs: Vec<S>,
}

impl<S: Real> TangentState<S> {
    pub(crate) fn new(plan: &Plan<S>, samples: usize) -> Self {
        let groups = samples.div_ceil(LANES);
        let mut lens: Vec<usize> = plan.shapes.iter().map(|shape| shape.len()).collect();
        lens[INPUT] = 0;
        let values = MemoryPlan::apart(&lens);
        let outputs = plan.outputs();
        Self {
            values: buffers(&values, groups),
            value_slots: values.slots,
            deltas: buffers(&plan.delta_memory, groups),
            delta_slots: plan.delta_memory.slots.clone(),
            outputs: vec![S::zero(); LANES * (1 + 2 * outputs)],
        }
    }

    fn context<'a>(
        &'a self,
        state: &'a ChunkState<S>,
        weights: &'a Weights<S>,
        direction: &'a Weights<S>,
    ) -> LayerContext<'a, S> {
        LayerContext {
            direction: Some(direction),
            tangents: Tensors { buffers: &self.values, slots: &self.value_slots },
            tangent_deltas: Tensors { buffers: &self.deltas, slots: &self.delta_slots },
            ..state.context(weights)
        }
    }

    /// The context of a backward pass for R of δ as if it were δ: what is left where parameters and slopes have no R.
    fn plain_context<'a>(&'a self, state: &'a ChunkState<S>, weights: &'a Weights<S>) -> LayerContext<'a, S> {
        LayerContext {
            deltas: Tensors { buffers: &self.deltas, slots: &self.delta_slots },
            ..state.context(weights)
        }
    }

    /// Adds to `out` R of the gradient of `scale`·loss by the plain parameters, along a direction,
    /// at the state of a chunk that kept [all](super::chunk_state::Keep::All); or the part of it that begins with the
    /// outputs (the Gauss–Newton part, for which the state needs no derivatives), or the part that does not (the rest).
    pub(crate) fn product(
        &mut self,
        plan: &Plan<S>,
        state: &ChunkState<S>,
        along: &TangentInput<'_, S>,
        scratch: &mut [S],
        out: &mut [S],
    ) {
        let &TangentInput { weights, direction, part, .. } = along;
        let groups = state.samples.div_ceil(LANES);
        for (index, layer) in plan.layers.iter().enumerate() {
            let slot = self.value_slots[index + 1];
            let mut values = std::mem::take(&mut self.values[slot.buffer]);
            layer.tangent(&self.context(state, weights, direction), &mut values[..slot.len * groups]);
            self.values[slot.buffer] = values;
        }
        self.start(plan, state, along);
        let plain = part == HessianPart::GaussNewton;
        for step in &plan.backward {
            match step {
                // Running statistics have no derivatives.
                BackwardStep::Measure { .. } => {}
                BackwardStep::Gradient { layer } => {
                    let layer = &plan.layers[*layer];
                    if plain {
                        layer.gradient(&self.plain_context(state, weights), scratch, out);
                    } else {
                        layer.tangent_gradient(&self.context(state, weights, direction), scratch, out);
                    }
                }
                BackwardStep::Delta { tensor, .. } | BackwardStep::Sum { tensor, .. } => {
                    let slot = self.delta_slots[*tensor];
                    let mut delta = std::mem::take(&mut self.deltas[slot.buffer]);
                    let now = &mut delta[..slot.len * groups];
                    if plain {
                        let context = self.plain_context(state, weights);
                        finish_delta(
                            plan,
                            step,
                            &context,
                            context.deltas,
                            now,
                            |layer, input, epilogue, out| {
                                plan.layers[layer].delta(input, &context, epilogue, out);
                            },
                        );
                    } else {
                        let context = self.context(state, weights, direction);
                        let deltas = context.tangent_deltas;
                        finish_delta(plan, step, &context, deltas, now, |layer, input, epilogue, out| {
                            plan.layers[layer].tangent_delta(input, &context, epilogue, out);
                        });
                    }
                    self.deltas[slot.buffer] = delta;
                }
            }
        }
    }

    /// R of δ of the outputs, from the softmax that the state holds in their slot.
    fn start(&mut self, plan: &Plan<S>, state: &ChunkState<S>, along: &TangentInput<'_, S>) {
        let &TangentInput { criterion, scale, part, .. } = along;
        let last = plan.layers.len();
        let outputs = plan.shapes[last].channels;
        let groups = state.samples.div_ceil(LANES);
        let (from, to) = (self.value_slots[last], self.delta_slots[last]);
        let delta = &mut self.deltas[to.buffer][..to.len * groups];
        if part == HessianPart::Rest {
            delta.fill(S::zero());
            return;
        }
        delta.copy_from_slice(&self.values[from.buffer][..from.len * groups]);
        let softmax = state.outputs();
        let pairs = delta.chunks_exact_mut(outputs * LANES).zip(softmax.chunks_exact(outputs * LANES));
        for (group, (delta, softmax)) in pairs.enumerate() {
            let live = (state.samples - group * LANES).min(LANES);
            let (scratch, compact) = self.outputs.split_at_mut(LANES);
            let (tangent, values) = compact.split_at_mut(outputs * LANES);
            let (tangent, values) = (&mut tangent[..outputs * live], &mut values[..outputs * live]);
            squeeze(delta, tangent, live);
            squeeze(softmax, values, live);
            criterion::second_derivative(criterion, values, tangent, &mut scratch[..live], scale);
            stretch(tangent, delta, live);
        }
    }
}
