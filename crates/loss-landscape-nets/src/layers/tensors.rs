//! Tensors by number, in buffers that several of them may share.

use loss_landscape_kernels::AlignedBuffer;

/// The number of the network's input among the tensors.
pub(crate) const INPUT: usize = 0;

/// Tensors by number, several of which may share a buffer at different times.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tensors<'a, S> {
    pub(crate) buffers: &'a [AlignedBuffer<S>],
    /// The buffer and the length for one group of each tensor.
    pub(crate) slots: &'a [TensorSlot],
}

/// The memory of a tensor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct TensorSlot {
    pub(crate) buffer: usize,
    /// Of one group.
    pub(crate) len: usize,
}

impl<'a, S> Tensors<'a, S> {
    pub(crate) fn none() -> Self {
        Self { buffers: &[], slots: &[] }
    }

    /// The tensor for `groups` groups.
    pub(crate) fn get(&self, tensor: usize, groups: usize) -> &'a [S] {
        let slot = self.slots[tensor];
        &self.buffers[slot.buffer][..slot.len * groups]
    }
}
