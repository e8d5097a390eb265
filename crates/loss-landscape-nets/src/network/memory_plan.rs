//! Which tensors share memory at different times.

use super::backward_step::BackwardStep;
use crate::{
    layers::{INPUT, Layer, TensorSlot},
    real::Real,
};

/// The slot of each tensor, and the lengths of the buffers, in values of one group.
#[derive(Clone, Debug, Default)]
pub(crate) struct MemoryPlan {
    pub(crate) slots: Vec<TensorSlot>,
    pub(crate) buffers: Vec<usize>,
}

impl MemoryPlan {
    /// A buffer for each tensor.
    pub(crate) fn apart(lens: &[usize]) -> Self {
        let slots = lens.iter().enumerate().map(|(buffer, &len)| TensorSlot { buffer, len }).collect();
        Self { slots, buffers: lens.to_vec() }
    }

    /// For values that are forgotten when no layer reads them any more.
    pub(crate) fn of_values<S: Real>(layers: &[Box<dyn Layer<S>>], lens: &[usize]) -> Self {
        let mut uses = vec![(usize::MAX, 0); lens.len()];
        touch(&mut uses, INPUT, 0);
        for (time, layer) in layers.iter().enumerate() {
            for &tensor in layer.inputs() {
                touch(&mut uses, tensor, time + 1);
            }
            touch(&mut uses, time + 1, time + 1);
        }
        // The outputs are read at the end.
        touch(&mut uses, lens.len() - 1, lens.len());
        Self::new(&uses, lens)
    }

    /// For derivatives that are forgotten when no step back reads them any more.
    pub(crate) fn of_deltas<S: Real>(
        layers: &[Box<dyn Layer<S>>],
        steps: &[BackwardStep],
        same: &[usize],
        lens: &[usize],
    ) -> Self {
        let mut uses = vec![(usize::MAX, 0); lens.len()];
        touch(&mut uses, same[layers.len()], 0);
        for (time, step) in steps.iter().enumerate() {
            let mut touch = |tensor: usize| touch(&mut uses, same[tensor], time + 1);
            match step {
                BackwardStep::Measure { layer } | BackwardStep::Gradient { layer } => touch(layer + 1),
                BackwardStep::Delta { layer, tensor, plus, .. } => {
                    touch(layer + 1);
                    touch(*tensor);
                    if let Some(tensor) = plus {
                        touch(*tensor);
                    }
                }
                BackwardStep::Sum { tensor, from, plus, .. } => {
                    touch(*tensor);
                    touch(*from);
                    if let Some(tensor) = plus {
                        touch(*tensor);
                    }
                }
            }
        }
        let mut plan = Self::new(&uses, lens);
        for (tensor, &same) in same.iter().enumerate() {
            plan.slots[tensor] = plan.slots[same];
        }
        plan
    }

    /// From the first and last time at which each tensor is needed.
    fn new(uses: &[(usize, usize)], lens: &[usize]) -> Self {
        let mut plan = Self { slots: vec![TensorSlot::default(); lens.len()], buffers: Vec::new() };
        let mut order: Vec<usize> = (0..lens.len()).filter(|&tensor| uses[tensor].0 != usize::MAX).collect();
        order.sort_by_key(|&tensor| (uses[tensor].0, tensor));
        // Until when each buffer is taken.
        let mut taken: Vec<usize> = Vec::new();
        for tensor in order {
            let (first, last) = uses[tensor];
            let free = (0..taken.len()).filter(|&buffer| taken[buffer] < first);
            // The one that fits best: the smallest that is large enough, or else the largest.
            let buffer = free
                .min_by_key(|&buffer| {
                    let len = plan.buffers[buffer];
                    if len >= lens[tensor] { (0, len) } else { (1, usize::MAX - len) }
                })
                .unwrap_or_else(|| {
                    taken.push(0);
                    plan.buffers.push(0);
                    taken.len() - 1
                });
            taken[buffer] = last;
            plan.buffers[buffer] = plan.buffers[buffer].max(lens[tensor]);
            plan.slots[tensor] = TensorSlot { buffer, len: lens[tensor] };
        }
        plan
    }
}

fn touch(uses: &mut [(usize, usize)], tensor: usize, time: usize) {
    let (first, last) = &mut uses[tensor];
    (*first, *last) = ((*first).min(time), (*last).max(time));
}
