//! The data of one loss shared out among threads, in parts that do not depend on their number.

use std::{
    ops::Range,
    sync::{Mutex, PoisonError},
};

use rayon::iter::{IndexedParallelIterator, IntoParallelIterator, ParallelIterator};

/// Consecutive chunks of samples; a strand is worked off by one thread and has sums of its own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Strands {
    pub(crate) samples: usize,
    /// Samples in a chunk.
    pub(crate) chunk: usize,
    count: usize,
}

/// Strands at most, and at least where there are as many chunks; bytes of sums for those in between.
const MOST: usize = 64;
const LEAST: usize = 4;
const MEMORY: usize = 256 << 20;

impl Strands {
    /// With sums of so many scalars for each strand.
    pub(crate) fn new<S>(samples: usize, chunk: usize, sums: usize) -> Self {
        let most = (MEMORY / (sums * size_of::<S>()).max(1)).clamp(LEAST, MOST);
        let chunk = chunk.min(samples);
        Self { samples, chunk, count: samples.div_ceil(chunk).clamp(1, most) }
    }

    pub(crate) fn chunks(&self) -> usize {
        self.samples.div_ceil(self.chunk)
    }

    /// The samples of a chunk.
    pub(crate) fn range(&self, chunk: usize) -> Range<usize> {
        chunk * self.chunk..((chunk + 1) * self.chunk).min(self.samples)
    }

    /// Runs `work` on the chunks of every strand, in parallel; the results in the order of strands.
    pub(crate) fn run<R: Send>(&self, work: impl Fn(Range<usize>) -> R + Sync) -> Vec<R> {
        let (strands, chunks) = (self.count, self.chunks());
        let range = |strand: usize| strand * chunks / strands..(strand + 1) * chunks / strands;
        (0..strands).into_par_iter().with_max_len(1).map(|strand| work(range(strand))).collect()
    }
}

/// Scratch memory that threads take and give back; there is never more than threads use at once.
#[derive(Debug, Default)]
pub(crate) struct Pool<T>(Mutex<Vec<T>>);

impl<T> Pool<T> {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    /// Works with a piece of memory, a new one if all are in use.
    pub(crate) fn with<R>(&self, new: impl FnOnce() -> T, work: impl FnOnce(&mut T) -> R) -> R {
        let taken = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut piece = taken.unwrap_or_else(new);
        let result = work(&mut piece);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(piece);
        result
    }
}
