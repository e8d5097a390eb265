//! Which tensors share memory, one after the other.

use super::plan::Step;
use crate::{
    NetScalar,
    layers::{INPUT, Layer, Place},
};

/// The place of each tensor, and the buffers, in values of one group.
#[derive(Clone, Debug, Default)]
pub(crate) struct Slots {
    pub(crate) places: Vec<Place>,
    pub(crate) buffers: Vec<usize>,
}

impl Slots {
    /// A buffer for each tensor.
    pub(crate) fn apart(lens: &[usize]) -> Self {
        let places = lens.iter().enumerate().map(|(buffer, &len)| Place { buffer, len }).collect();
        Self { places, buffers: lens.to_vec() }
    }

    /// For values that are forgotten when no layer reads them any more.
    pub(crate) fn of_values<S: NetScalar>(layers: &[Box<dyn Layer<S>>], lens: &[usize]) -> Self {
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
    pub(crate) fn of_deltas<S: NetScalar>(
        layers: &[Box<dyn Layer<S>>],
        steps: &[Step],
        same: &[usize],
        lens: &[usize],
    ) -> Self {
        let mut uses = vec![(usize::MAX, 0); lens.len()];
        touch(&mut uses, same[layers.len()], 0);
        for (time, step) in steps.iter().enumerate() {
            let mut touch = |tensor: usize| touch(&mut uses, same[tensor], time + 1);
            match step {
                Step::Measure { layer } | Step::Gradient { layer } => touch(layer + 1),
                Step::Delta { layer, tensor, plus, .. } => {
                    touch(layer + 1);
                    touch(*tensor);
                    if let Some(tensor) = plus {
                        touch(*tensor);
                    }
                }
                Step::Sum { tensor, from, .. } => {
                    touch(*tensor);
                    for &tensor in from {
                        touch(tensor);
                    }
                }
            }
        }
        let mut slots = Self::new(&uses, lens);
        for (tensor, &same) in same.iter().enumerate() {
            slots.places[tensor] = slots.places[same];
        }
        slots
    }

    /// From the first and last time at which each tensor is needed.
    fn new(uses: &[(usize, usize)], lens: &[usize]) -> Self {
        let mut slots = Self { places: vec![Place::default(); lens.len()], buffers: Vec::new() };
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
                    let len = slots.buffers[buffer];
                    if len >= lens[tensor] { (0, len) } else { (1, usize::MAX - len) }
                })
                .unwrap_or_else(|| {
                    taken.push(0);
                    slots.buffers.push(0);
                    taken.len() - 1
                });
            taken[buffer] = last;
            slots.buffers[buffer] = slots.buffers[buffer].max(lens[tensor]);
            slots.places[tensor] = Place { buffer, len: lens[tensor] };
        }
        slots
    }
}

fn touch(uses: &mut [(usize, usize)], tensor: usize, time: usize) {
    let (first, last) = &mut uses[tensor];
    (*first, *last) = ((*first).min(time), (*last).max(time));
}
