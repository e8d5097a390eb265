//! Points whose data are evaluated in chunks by different threads.

use super::{
    execution::Facts,
    rows::Rows,
    worker::{add, divide},
};
use crate::landscape::PointFailure;

/// The chunks of all data sets: (data set, chunk), in the order in which their shares are added.
pub(super) fn chunks_of(facts: &[Facts]) -> Vec<(usize, usize)> {
    let sets = facts.iter().enumerate();
    sets.flat_map(|(set, facts)| (0..facts.chunks).map(move |chunk| (set, chunk))).collect()
}

/// A point of which some chunks are evaluated.
pub(super) struct SplitPoint<'v> {
    /// Its one row.
    pub(super) row: Rows<'v>,
    /// By data set, chunk and channel.
    shares: Vec<f64>,
    channels: usize,
    /// The failure of each data set in its lowest chunk, which is the one that a single thread would find.
    failures: Vec<Option<(usize, PointFailure)>>,
    /// Chunks still to come.
    left: usize,
}

impl<'v> SplitPoint<'v> {
    pub(super) fn new(row: Rows<'v>, sets: usize, chunks: usize, channels: usize) -> Self {
        let (shares, failures) = (vec![f64::NAN; chunks * channels], vec![None; sets]);
        Self { row, shares, channels, failures, left: chunks }
    }

    /// Takes what came of a chunk, at its place in the order of all; true if it was the last one to come.
    pub(super) fn take(
        &mut self,
        place: usize,
        (set, chunk): (usize, usize),
        share: Result<&[f64], PointFailure>,
    ) -> bool {
        match share {
            Ok(share) => self.shares[place * self.channels..][..self.channels].copy_from_slice(share),
            Err(failure) => {
                let lowest = &mut self.failures[set];
                if lowest.as_ref().is_none_or(|&(other, _)| chunk < other) {
                    *lowest = Some((chunk, failure));
                }
            }
        }
        self.left -= 1;
        self.left == 0
    }

    /// Adds the shares of each data set in the order of its chunks, as one thread would, and hands each sum over with
    /// its failure, if it has one.
    pub(super) fn add_up(
        &mut self,
        facts: &[Facts],
        mut finish: impl FnMut(usize, &mut [f64], Option<PointFailure>),
    ) {
        let mut shares = self.shares.as_slice();
        for (set, facts) in facts.iter().enumerate() {
            let (own, others) = shares.split_at(facts.chunks * self.channels);
            shares = others;
            let out = self.row.of_set(0, set, self.channels);
            for (chunk, share) in own.chunks_exact(self.channels).enumerate() {
                add(out, share, chunk == 0);
            }
            divide(out, facts.divisor);
            finish(set, out, self.failures[set].take().map(|(_, failure)| failure));
        }
    }
}
