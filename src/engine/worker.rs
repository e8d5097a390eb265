//! The state of one thread of a sweep, and how it calls an oracle.

use super::execution::{Facts, MakeWorker};
use crate::{
    Point, Worker,
    landscape::PointFailure,
    model::{OracleFailure, catch},
};

/// The state of one thread: a worker for each data set, made when it is first needed, and buffers.
pub(super) struct ThreadState<'w, 'f> {
    make: &'w MakeWorker<'w>,
    pub(super) facts: &'f [Facts],
    /// The channels of one data set.
    channels: usize,
    workers: Vec<Option<Box<dyn Worker + 'w>>>,
    points: Vec<Point>,
    pub(super) share: Vec<f64>,
    pub(super) sum: Vec<f64>,
    pub(super) notes: Notes,
}

/// What a thread notes down about the points that it has in work.
#[derive(Default)]
pub(super) struct Notes {
    /// Point, data set. Unused where no records are written, and so are these.
    pub(super) failures: Vec<(usize, usize, PointFailure)>,
    pub(super) records: Vec<u8>,
    /// Whether the oracle asked for the end of the sweep: what this thread has in work does not count.
    pub(super) interrupted: bool,
}

impl<'w, 'f> ThreadState<'w, 'f> {
    /// For `channels` channels of each data set, and at most `batch` points at a time.
    pub(super) fn new(make: &'w MakeWorker<'w>, facts: &'f [Facts], channels: usize, batch: usize) -> Self {
        Self {
            make,
            facts,
            channels,
            workers: facts.iter().map(|_| None).collect(),
            points: Vec::with_capacity(batch),
            share: vec![0.0; batch * channels],
            sum: vec![0.0; batch * channels],
            notes: Notes::default(),
        }
    }

    /// Evaluates consecutive points on all the data of one set, into `sum`.
    pub(super) fn whole(&mut self, set: usize, at: impl Iterator<Item = Point>) -> Result<(), PointFailure> {
        let mut points = std::mem::take(&mut self.points);
        points.clear();
        points.extend(at);
        let room = points.len() * self.channels;
        let mut outcome = Ok(());
        for chunk in 0..self.facts[set].chunks {
            outcome = self.attempt(set, chunk, &points);
            if outcome.is_err() {
                break;
            }
            add(&mut self.sum[..room], &self.share[..room], chunk == 0);
        }
        divide(&mut self.sum[..room], self.facts[set].divisor);
        self.points = points;
        outcome
    }

    /// Evaluates points on one chunk of one set, into `share`; a panic ends here, with its worker.
    pub(super) fn attempt(&mut self, set: usize, chunk: usize, points: &[Point]) -> Result<(), PointFailure> {
        let room = points.len() * self.channels;
        let (make, slot, share) = (self.make, &mut self.workers[set], &mut self.share[..room]);
        // A channel that the oracle leaves unwritten must not pass for a value.
        share.fill(f64::NAN);
        let evaluated = catch(|| {
            let worker = match &mut *slot {
                Some(worker) => worker,
                empty => empty.insert(make(set)?),
            };
            worker.evaluate(points, chunk, share)
        });
        evaluated.map_err(|failure| {
            if matches!(failure, OracleFailure::Panic(_)) {
                *slot = None;
            }
            PointFailure::of(failure)
        })
    }
}

/// Adds a share. The first one is copied, so that −0 and the sum over a single chunk keep their bits.
pub(super) fn add(sum: &mut [f64], share: &[f64], first: bool) {
    for (sum, share) in sum.iter_mut().zip(share) {
        *sum = if first { *share } else { *sum + *share };
    }
}

pub(super) fn divide(sum: &mut [f64], divisor: f64) {
    for sum in sum {
        *sum /= divisor;
    }
}
