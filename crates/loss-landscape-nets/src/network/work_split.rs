//! The samples of one loss split among threads, in parts that do not depend on their number.

use std::ops::Range;

use loss_landscape::Scalar;
use rayon::iter::{IndexedParallelIterator, IntoParallelIterator, ParallelIterator};

/// Samples in consecutive chunks, and chunks in consecutive parts. A part is computed by one thread and has sums of
/// its own, which are added in the order of the parts: so the bits are the same for any number of threads.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WorkSplit {
    pub(crate) samples: usize,
    /// Samples in a chunk.
    pub(crate) chunk: usize,
    parts: usize,
}

/// Parts at most, and at least where there are enough chunks; bytes of sums for numbers in between.
const MOST: usize = 64;
const LEAST: usize = 4;
const MEMORY: usize = 256 << 20;

impl WorkSplit {
    /// With `sums` scalars of sums for each part.
    pub(crate) fn new<S>(samples: usize, chunk: usize, sums: usize) -> Self {
        let most = (MEMORY / (sums * size_of::<S>()).max(1)).clamp(LEAST, MOST);
        // A power of two: two threads would take as long for five parts as for six.
        let most = 1 << most.ilog2();
        let chunk = chunk.min(samples);
        Self { samples, chunk, parts: samples.div_ceil(chunk).clamp(1, most) }
    }

    pub(crate) fn chunks(&self) -> usize {
        self.samples.div_ceil(self.chunk)
    }

    /// The samples of a chunk.
    pub(crate) fn range(&self, chunk: usize) -> Range<usize> {
        chunk * self.chunk..((chunk + 1) * self.chunk).min(self.samples)
    }

    /// Runs `work` on the chunks of every part, in parallel; the results in the order of parts.
    pub(crate) fn run<R: Send>(&self, work: impl Fn(Range<usize>) -> R + Sync) -> Vec<R> {
        let (parts, chunks) = (self.parts, self.chunks());
        let range = |part: usize| part * chunks / parts..(part + 1) * chunks / parts;
        (0..parts).into_par_iter().with_max_len(1).map(|part| work(range(part))).collect()
    }
}

/// The sums of all parts, added in their order.
pub(crate) fn add_up<S: Scalar>(parts: Vec<Vec<S>>) -> Vec<S> {
    let mut parts = parts.into_iter();
    let mut total = parts.next().expect("work is split in at least one part");
    for part in parts {
        for (total, value) in total.iter_mut().zip(part) {
            *total += value;
        }
    }
    total
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sample_is_in_one_chunk_of_one_part() {
        for (samples, chunk, sums) in
            [(1, 16, 0), (100, 16, 0), (1000, 3, 1 << 30), (5000, 16, 10), (5000, 16, 11_000_000)]
        {
            let split = WorkSplit::new::<f32>(samples, chunk, sums);
            let parts = split.run(|chunks| chunks.map(|chunk| split.range(chunk)).collect::<Vec<_>>());
            let covered: Vec<usize> = parts.concat().into_iter().flatten().collect();
            assert_eq!(covered, (0..samples).collect::<Vec<_>>());
            assert!(parts.len() <= MOST);
            assert!(parts.len() == split.chunks() || parts.len().is_power_of_two());
        }
        assert_eq!(add_up(vec![vec![1.0, 2.0], vec![0.5, 0.25]]), [1.5, 2.25]);
    }
}
