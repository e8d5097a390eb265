//! Memory that begins at a cache line, so that no vector is cut by its border.

use std::ops::{Deref, DerefMut};

use loss_landscape::Scalar;

/// Bytes of a cache line.
const LINE: usize = 64;

/// A slice, aligned to a cache line.
#[derive(Debug, Default)]
pub(crate) struct AlignedBuffer<S> {
    data: Vec<S>,
    start: usize,
    len: usize,
}

impl<S: Scalar> AlignedBuffer<S> {
    /// Zeros.
    pub(crate) fn new(len: usize) -> Self {
        if len == 0 {
            return Self::default();
        }
        let room = LINE / size_of::<S>();
        let data: Vec<S> = zeros(len + room);
        let start = data.as_ptr().align_offset(LINE).min(room);
        Self { data, start, len }
    }
}

/// Zeros that are written, one by one. Pages that the system promises to be zero cost two faults where they are
/// read before they are written, as sums are, and the second one interrupts all threads.
pub(crate) fn zeros<S: Scalar>(len: usize) -> Vec<S> {
    // Else the compiler itself would ask for zeros.
    let mut zeros = std::hint::black_box(Vec::with_capacity(len));
    zeros.resize(len, S::zero());
    zeros
}

impl<S> Deref for AlignedBuffer<S> {
    type Target = [S];
    fn deref(&self) -> &[S] {
        &self.data[self.start..self.start + self.len]
    }
}

impl<S> DerefMut for AlignedBuffer<S> {
    fn deref_mut(&mut self) -> &mut [S] {
        &mut self.data[self.start..self.start + self.len]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_begin_at_a_cache_line_and_hold_what_was_asked_for() {
        for len in [1, 15, 16, 17, 1000] {
            let mut buffer = AlignedBuffer::<f64>::new(len);
            assert_eq!((buffer.len(), buffer.as_ptr().addr() % LINE), (len, 0));
            buffer[len - 1] = 1.0;
            assert_eq!(buffer.iter().sum::<f64>(), 1.0);
        }
        assert!(AlignedBuffer::<f32>::new(0).is_empty());
    }
}
