//! Memory that begins at a cache line, so that no vector is cut by its border.

use std::ops::{Deref, DerefMut};

use crate::kernel_scalar::KernelScalar;

/// Bytes of a cache line.
const LINE: usize = 64;

/// A slice, aligned to a cache line.
#[derive(Debug, Default)]
pub struct AlignedBuffer<S> {
    data: Vec<S>,
    start: usize,
    len: usize,
}

impl<S: KernelScalar> AlignedBuffer<S> {
    /// Zeros.
    pub fn new(len: usize) -> Self {
        if len == 0 {
            return Self::default();
        }
        let room = LINE / size_of::<S>();
        let data: Vec<S> = zeros(len + room);
        let start = data.as_ptr().align_offset(LINE).min(room);
        Self { data, start, len }
    }

    /// `len` scalars at least: what is there, or zeros.
    pub(crate) fn at_least(&mut self, len: usize) -> &mut [S] {
        if self.len < len {
            *self = Self::new(len);
        }
        self
    }
}

/// Zeros that are written, one by one. Pages that the system promises to be zero cost two faults where they are
/// read before they are written, as sums are, and the second one interrupts all threads.
pub fn zeros<S: KernelScalar>(len: usize) -> Vec<S> {
    (S::kernels().zeros)(len)
}

pub(crate) fn written_zeros<S: KernelScalar>(len: usize) -> Vec<S> {
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
