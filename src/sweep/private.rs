//! What one thread of a sweep owns, and how it asks an oracle.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use super::PointFailure;
use crate::{Point, Prepared, Worker, guard::panic_message};

/// A data set with its oracle, and what the oracle said of itself, asked once.
pub(crate) struct Set<'a> {
    pub(super) name: &'a str,
    prepared: Box<dyn Prepared + 'a>,
    pub(super) chunks: usize,
    pub(super) batch: usize,
    pub(super) divisor: f64,
}

/// What one thread owns: a worker for each data set, made when first needed, and its buffers.
pub(super) struct Private<'a> {
    /// The channels of one data set.
    channels: usize,
    workers: Vec<Option<Box<dyn Worker + 'a>>>,
    points: Vec<Point>,
    pub(super) share: Vec<f64>,
    pub(super) sum: Vec<f64>,
    /// What failed of the points in hand, and their records; unused without a journal.
    pub(super) failures: Vec<(usize, usize, PointFailure)>,
    pub(super) records: Vec<u8>,
}

impl<'a> Set<'a> {
    pub(crate) fn new(name: &'a str, prepared: Box<dyn Prepared + 'a>) -> Self {
        let (chunks, batch) = (prepared.chunks().max(1), prepared.batch().max(1));
        let divisor = prepared.divisor();
        Self { name, prepared, chunks, batch, divisor }
    }
}

impl<'a> Private<'a> {
    /// For so many data sets and channels of each, and at most `batch` points at a time.
    pub(super) fn new(sets: usize, channels: usize, batch: usize) -> Self {
        Self {
            channels,
            workers: (0..sets).map(|_| None).collect(),
            points: Vec::with_capacity(batch),
            share: vec![0.0; batch * channels],
            sum: vec![0.0; batch * channels],
            failures: Vec::new(),
            records: Vec::new(),
        }
    }

    /// Evaluates consecutive points on all the data of one set, into `sum`.
    pub(super) fn whole(
        &mut self,
        sets: &'a [Set<'a>],
        set: usize,
        at: impl Iterator<Item = Point>,
    ) -> Result<(), PointFailure> {
        let mut points = std::mem::take(&mut self.points);
        points.clear();
        points.extend(at);
        let room = points.len() * self.channels;
        let mut outcome = Ok(());
        for chunk in 0..sets[set].chunks {
            outcome = self.attempt(sets, set, chunk, &points);
            if outcome.is_err() {
                break;
            }
            add(&mut self.sum[..room], &self.share[..room], chunk == 0);
        }
        divide(&mut self.sum[..room], sets[set].divisor);
        self.points = points;
        outcome
    }

    /// Evaluates points on one chunk of one set, into `share`; a panic ends here, with its worker.
    pub(super) fn attempt(
        &mut self,
        sets: &'a [Set<'a>],
        set: usize,
        chunk: usize,
        points: &[Point],
    ) -> Result<(), PointFailure> {
        let room = points.len() * self.channels;
        let (worker, share) = (&mut self.workers[set], &mut self.share[..room]);
        // A channel that the oracle leaves out must not pass for a value.
        share.fill(f64::NAN);
        let evaluated = catch_unwind(AssertUnwindSafe(|| {
            worker.get_or_insert_with(|| sets[set].prepared.worker()).evaluate(points, chunk, share)
        }));
        match evaluated {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(PointFailure::Error(Arc::from(error))),
            Err(payload) => {
                *worker = None;
                Err(PointFailure::Panic(panic_message(payload.as_ref())))
            }
        }
    }
}

/// The first share is taken as it is, so that −0 and the sum over one chunk keep their bits.
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
