//! The driver under all sweeps: deals points out to threads, survives bad ones, keeps the bits.

use std::{
    any::Any,
    ops::ControlFlow,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU8, AtomicUsize, Ordering},
    },
};

use super::{
    BadPoint, Observer, OnBadPoint, PointFailure, Progress, Termination,
    journal::{Keeper, Known, Ledger, encode},
    private::{Private, Set, add, divide},
    stages::Stages,
    swept::filled,
};
use crate::{Point, Result};

/// What is to be evaluated: every point of α × β, on every data set.
pub(crate) struct Job<'a> {
    pub(crate) alpha: &'a [f64],
    pub(crate) beta: &'a [f64],
    pub(crate) sets: Vec<Set<'a>>,
    /// The channels of one data set.
    pub(crate) channels: &'a [String],
    /// How many of them, the first ones, must be finite.
    pub(crate) finite: usize,
    /// How often a point may be computed; see [`Header`](super::journal::Header). More than once only where a
    /// choice asks for it: point p again is the number of points + p.
    pub(crate) passes: usize,
    /// (k, n): of all points those whose number is k modulo n. None for all.
    pub(crate) shard: Option<(usize, usize)>,
    /// Where finished points are written.
    pub(crate) ledger: Option<&'a Ledger>,
    /// What data sets keep of a point beside its values.
    pub(crate) keeper: Option<&'a dyn Keeper>,
    pub(crate) observer: Option<&'a dyn Observer>,
    pub(crate) on_bad: OnBadPoint,
}

/// What came out: values by point, data set and channel.
pub(crate) struct Outcome {
    pub(crate) values: Vec<f64>,
    pub(crate) computed: Vec<bool>,
    pub(crate) bad_points: Vec<BadPoint>,
    pub(crate) termination: Termination,
}

/// The state that threads share.
struct Shared<'a> {
    job: &'a Job<'a>,
    /// Points known before and to come.
    total: usize,
    done: AtomicUsize,
    stop: AtomicU8,
    bad: Mutex<Vec<(usize, usize, BadPoint)>>,
    /// What the caller's observer panicked with: the sweep stops, and it goes on outside.
    panic: Mutex<Option<Box<dyn Any + Send>>>,
}

/// Points evaluated together: all of the job, or these.
#[derive(Clone, Copy)]
enum Stage<'a> {
    All,
    These(&'a [usize]),
}

/// A point whose chunks are evaluated by different threads.
struct Pending<'v> {
    /// By data set, chunk and channel.
    shares: Vec<f64>,
    /// The failure of each data set in its lowest chunk, as one thread would find it.
    failures: Vec<Option<(usize, PointFailure)>>,
    /// Chunks still to come.
    left: usize,
    values: &'v mut [f64],
    computed: &'v mut bool,
}

/// With more chunks than this their shares are not worth the memory; points are not split then.
const MOST_CHUNKS: usize = 1 << 16;

const RUN: u8 = 0;
const CANCELLED: u8 = 1;
const STOPPED: u8 = 2;

impl Job<'_> {
    fn points(&self) -> usize {
        self.alpha.len() * self.beta.len()
    }

    fn stride(&self) -> usize {
        self.sets.len() * self.channels.len()
    }

    /// Evaluates what is not known yet of the job, on the current rayon pool.
    pub(crate) fn run(&self, stages: &mut Stages<'_>, known: Known) -> Result<Outcome> {
        let (points, stride) = (self.points(), self.stride());
        let there = known.computed.iter().filter(|&&done| done).count();
        let left = |point: &usize| !known.computed[*point] && self.is_mine(*point);
        match stages {
            Stages::All if there > 0 || self.shard.is_some() => {
                *stages = Stages::Fixed(vec![(0..points).filter(left).collect()]);
            }
            Stages::Fixed(stages) => stages.iter_mut().for_each(|stage| stage.retain(left)),
            Stages::All | Stages::Chosen(_) => {}
        }
        let largest = stages.largest();
        // A choice is made anew from what it asks for, stage by stage, so that it is the same choice.
        let (shown, hidden) = match stages {
            Stages::Chosen(_) if there > 0 => (Known::empty(points * self.passes, stride)?, Some(known)),
            _ => (known, None),
        };
        let Known { mut values, mut computed, bad } = shown;
        // All memory is taken before the first point, since nothing computed must be lost.
        let mut room = (filled(largest * stride, f64::NAN)?, filled(largest, false)?);
        let total = match stages {
            Stages::Chosen(choice) => choice.most(),
            _ => (0..points).filter(|&point| computed[point] || self.is_mine(point)).count(),
        };
        let before = if hidden.is_some() { 0 } else { there };
        if let Some(observer) = self.observer {
            observer.started(total);
            if before > 0 {
                observer.resumed(before);
            }
        }
        let shared = Shared {
            job: self,
            total,
            done: AtomicUsize::new(before),
            stop: AtomicU8::new(RUN),
            bad: Mutex::new(bad),
            panic: Mutex::new(None),
        };
        match stages {
            Stages::All => shared.run_stage(Stage::All, &mut values, &mut computed),
            Stages::Fixed(stages) => {
                for stage in stages {
                    shared.run_listed(stage, &mut room, &mut values, &mut computed);
                }
            }
            Stages::Chosen(choice) => {
                while shared.stop.load(Ordering::Relaxed) == RUN {
                    let mut stage = choice.next(&values, &computed);
                    if stage.is_empty() {
                        break;
                    }
                    if let Some(hidden) = &hidden {
                        let new = |stage: &[usize]| stage.iter().filter(|&&point| point < points).count();
                        let asked = new(&stage);
                        stage.retain(|&point| !hidden.show(point, stride, &mut values, &mut computed));
                        shared.take_up(asked - new(&stage));
                    }
                    shared.run_listed(&stage, &mut room, &mut values, &mut computed);
                }
            }
        }
        if let Some(observer) = self.observer {
            observer.finished();
        }
        if let Some(payload) = lock(&shared.panic).take() {
            resume_unwind(payload);
        }
        let mut bad = shared.bad.into_inner().unwrap_or_else(PoisonError::into_inner);
        bad.extend(hidden.into_iter().flat_map(|hidden| hidden.bad).filter(|(point, ..)| computed[*point]));
        let mut found = Known { values, computed, bad };
        found.merge_passes(points, stride);
        let Known { values, computed, bad } = found;
        let complete = computed.iter().all(|&done| done);
        let mine = complete || (0..points).all(|point| computed[point] || !self.is_mine(point));
        let termination = match shared.stop.into_inner() {
            STOPPED => Termination::BadPoint,
            CANCELLED if !mine => Termination::Cancelled,
            _ if complete || self.shard.is_none() => Termination::Complete,
            _ => Termination::Partial,
        };
        let bad_points = bad.into_iter().map(|(_, _, bad)| bad).collect();
        Ok(Outcome { values, computed, bad_points, termination })
    }

    /// Whether a point is one of this shard.
    fn is_mine(&self, point: usize) -> bool {
        self.shard.is_none_or(|(k, n)| point % n == k)
    }

    fn place(&self, point: usize) -> ([usize; 2], Point) {
        let point = point % self.points();
        let [i, j] = [point / self.beta.len(), point % self.beta.len()];
        ([i, j], [self.alpha[i], self.beta[j]])
    }
}

impl Stage<'_> {
    /// The point of the job at a position of the stage.
    fn point(self, position: usize) -> usize {
        match self {
            Self::All => position,
            Self::These(points) => points[position],
        }
    }
}

impl<'a> Shared<'a> {
    /// So many points more were there before.
    fn take_up(&self, points: usize) {
        let done = self.done.fetch_add(points, Ordering::Relaxed) + points;
        if let Some(observer) = self.job.observer.filter(|_| points > 0) {
            observer.resumed(done);
        }
    }

    /// A list of points, in `room` until they go to their places.
    fn run_listed(
        &self,
        stage: &[usize],
        (room, done): &mut (Vec<f64>, Vec<bool>),
        values: &mut [f64],
        computed: &mut [bool],
    ) {
        let stride = self.job.stride();
        let (room, done) = (&mut room[..stage.len() * stride], &mut done[..stage.len()]);
        room.fill(f64::NAN);
        done.fill(false);
        self.run_stage(Stage::These(stage), room, done);
        for ((&point, from), &mut done) in stage.iter().zip(room.chunks_exact(stride)).zip(done) {
            values[point * stride..(point + 1) * stride].copy_from_slice(from);
            computed[point] = done;
        }
    }

    fn run_stage(&self, stage: Stage<'_>, values: &mut [f64], computed: &mut [bool]) {
        let threads = rayon::current_num_threads();
        let sets = &self.job.sets;
        let chunks = sets.iter().map(|set| set.chunks).fold(0, usize::saturating_add);
        let divisible = sets.iter().any(|set| set.chunks > 1) && chunks <= MOST_CHUNKS;
        if computed.len() < threads && divisible {
            self.run_by_chunks(stage, values, computed);
        } else {
            self.run_by_points(stage, threads, values, computed);
        }
    }

    /// Threads take runs of points, long ones first and shorter ones towards the end, so that they
    /// seldom meet at the lock and end together.
    fn run_by_points(&self, stage: Stage<'_>, threads: usize, values: &mut [f64], computed: &mut [bool]) {
        let (points, stride) = (computed.len(), self.job.stride());
        let wish = self.job.sets.iter().map(|set| set.batch).max().unwrap_or(1);
        let batch = wish.min(points.div_ceil(4 * threads)).max(1);
        let rest = Mutex::new((0, values, computed));
        rayon::broadcast(|_| {
            let mut private = self.private(batch);
            while self.stop.load(Ordering::Relaxed) == RUN {
                let (first, values, computed) = {
                    let mut rest = lock(&rest);
                    let (first, values, computed) = std::mem::take(&mut *rest);
                    let share = computed.len() / (8 * threads);
                    let run = if share > batch { share.next_multiple_of(batch) } else { share };
                    let run = run.max(batch.div_ceil(4));
                    let run = run.min(computed.len());
                    let (values, values_left) = values.split_at_mut(run * stride);
                    let (computed, computed_left) = computed.split_at_mut(run);
                    *rest = (first + run, values_left, computed_left);
                    (first, values, computed)
                };
                if computed.is_empty() {
                    break;
                }
                let batches = values.chunks_mut(batch * stride).zip(computed.chunks_mut(batch));
                for (index, (values, computed)) in batches.enumerate() {
                    if self.stop.load(Ordering::Relaxed) != RUN {
                        break;
                    }
                    let first = first + index * batch;
                    self.evaluate(&mut private, stage, first, values);
                    if !self.write(&mut private, stage, first, values) {
                        break;
                    }
                    computed.fill(true);
                    for (k, values) in values.chunks_exact(stride).enumerate() {
                        self.tell(stage.point(first + k), values);
                    }
                }
            }
        });
    }

    /// Fewer points than threads: one thread a chunk of the data of one point. The shares are
    /// added in the order of the chunks, as one thread would.
    fn run_by_chunks(&self, stage: Stage<'_>, values: &mut [f64], computed: &mut [bool]) {
        let (points, channels) = (computed.len(), self.job.channels.len());
        let chunks: Vec<usize> = self.job.sets.iter().map(|set| set.chunks).collect();
        let each: usize = chunks.iter().sum();
        let places: Vec<(usize, usize)> =
            chunks.iter().enumerate().flat_map(|(set, &n)| (0..n).map(move |chunk| (set, chunk))).collect();
        let pending: Vec<Mutex<Pending<'_>>> = (values.chunks_mut(self.job.stride()).zip(computed))
            .map(|(values, computed)| {
                let (shares, failures) = (vec![f64::NAN; each * channels], vec![None; chunks.len()]);
                Mutex::new(Pending { shares, failures, left: each, values, computed })
            })
            .collect();
        let next = AtomicUsize::new(0);
        rayon::broadcast(|_| {
            let mut private = self.private(1);
            loop {
                let task = next.fetch_add(1, Ordering::Relaxed);
                let (point, place) = (task / each, task % each);
                // A point once begun is finished, or its other chunks would be lost.
                if point >= points || (place == 0 && self.stop.load(Ordering::Relaxed) != RUN) {
                    next.fetch_max(points * each, Ordering::Relaxed);
                    break;
                }
                let (set, chunk) = places[place];
                let outcome =
                    private.attempt(&self.job.sets, set, chunk, &[self.job.place(stage.point(point)).1]);
                let mut state = lock(&pending[point]);
                match outcome {
                    Ok(()) => {
                        state.shares[place * channels..][..channels]
                            .copy_from_slice(&private.share[..channels]);
                    }
                    Err(failure) => {
                        let first = &mut state.failures[set];
                        if first.as_ref().is_none_or(|&(other, _)| chunk < other) {
                            *first = Some((chunk, failure));
                        }
                    }
                }
                state.left -= 1;
                if state.left > 0 {
                    continue;
                }
                let point = stage.point(point);
                let Pending { shares, failures, values, computed, .. } = &mut *state;
                let mut first = 0;
                for (set, &n) in chunks.iter().enumerate() {
                    let out = &mut values[set * channels..][..channels];
                    for (k, share) in
                        shares[first * channels..][..n * channels].chunks_exact(channels).enumerate()
                    {
                        add(out, share, k == 0);
                    }
                    divide(out, self.job.sets[set].divisor);
                    first += n;
                    if let Some((_, failure)) = failures[set].take() {
                        self.record(&mut private, point, set, out, failure);
                    } else {
                        self.inspect(&mut private, point, set, out);
                    }
                }
                if self.write(&mut private, Stage::These(&[point]), 0, values) {
                    **computed = true;
                    self.tell(point, values);
                }
            }
        });
    }

    fn private(&self, batch: usize) -> Private<'a> {
        Private::new(self.job.sets.len(), self.job.channels.len(), batch)
    }

    /// Evaluates consecutive points on all data sets, as many in a call as each oracle likes.
    fn evaluate(&self, private: &mut Private<'a>, stage: Stage<'_>, first: usize, values: &mut [f64]) {
        let stride = self.job.stride();
        for set in 0..self.job.sets.len() {
            let batch = self.job.sets[set].batch.min(values.len() / stride);
            for (index, values) in values.chunks_mut(batch * stride).enumerate() {
                self.evaluate_set(private, stage, set, first + index * batch, values);
            }
        }
    }

    /// Evaluates consecutive points on one data set; if the call fails, its points are asked for
    /// again one by one.
    fn evaluate_set(
        &self,
        private: &mut Private<'a>,
        stage: Stage<'_>,
        set: usize,
        first: usize,
        values: &mut [f64],
    ) {
        let (channels, stride) = (self.job.channels.len(), self.job.stride());
        let count = values.len() / stride;
        let points = (first..first + count).map(|position| self.job.place(stage.point(position)).1);
        match private.whole(&self.job.sets, set, points) {
            Ok(()) => {
                for (k, values) in values.chunks_exact_mut(stride).enumerate() {
                    let out = &mut values[set * channels..][..channels];
                    out.copy_from_slice(&private.sum[k * channels..][..channels]);
                    self.inspect(private, stage.point(first + k), set, out);
                }
            }
            Err(failure) if count == 1 => {
                let out = &mut values[set * channels..][..channels];
                self.record(private, stage.point(first), set, out, failure);
            }
            Err(_) => {
                for (k, values) in values.chunks_exact_mut(stride).enumerate() {
                    self.evaluate_set(private, stage, set, first + k, values);
                }
            }
        }
    }

    /// Lists a point whose values are not finite; the values stay.
    fn inspect(&self, private: &mut Private<'a>, point: usize, set: usize, out: &mut [f64]) {
        if let Some(k) = out.iter().take(self.job.finite).position(|value| !value.is_finite()) {
            let failure = PointFailure::NonFinite { channel: self.job.channels[k].clone(), value: out[k] };
            self.list(private, point, set, failure);
        }
    }

    fn record(
        &self,
        private: &mut Private<'a>,
        point: usize,
        set: usize,
        out: &mut [f64],
        failure: PointFailure,
    ) {
        out.fill(f64::NAN);
        self.list(private, point, set, failure);
    }

    fn list(&self, private: &mut Private<'a>, point: usize, set: usize, failure: PointFailure) {
        let (index, coordinates) = self.job.place(point);
        let data = self.job.sets[set].name.to_owned();
        if self.job.ledger.is_some() {
            private.failures.push((point, set, failure.clone()));
        }
        lock(&self.bad).push((point, set, BadPoint { index, coordinates, data, failure }));
        if self.job.on_bad == OnBadPoint::Stop {
            self.halt(STOPPED);
        }
    }

    /// Writes finished points to the journal, if there is one; false if it could not.
    fn write(&self, private: &mut Private<'a>, stage: Stage<'_>, first: usize, values: &[f64]) -> bool {
        let Some(ledger) = self.job.ledger else { return true };
        let Private { failures, records, .. } = private;
        records.clear();
        let rows = values.chunks_exact(self.job.stride());
        let count = rows.len();
        for (k, values) in rows.enumerate() {
            let point = stage.point(first + k);
            let failures = failures.iter().filter(|(other, ..)| *other == point);
            let failures = failures.map(|(_, set, failure)| (*set, failure));
            let extra = |set: usize, out: &mut Vec<u8>| {
                if let Some(keeper) = self.job.keeper {
                    keeper.save(set, point, out);
                }
            };
            encode(ledger.form(), point, values, failures, extra, records);
        }
        failures.clear();
        let written = ledger.append(records, count);
        if !written {
            self.halt(STOPPED);
        }
        written
    }

    fn tell(&self, point: usize, values: &[f64]) {
        // One computed again was counted before.
        let new = usize::from(point < self.job.points());
        let done = self.done.fetch_add(new, Ordering::Relaxed) + new;
        if let Some(observer) = self.job.observer {
            let (index, coordinates) = self.job.place(point);
            let progress = Progress { done, total: self.total, index, coordinates, values };
            match catch_unwind(AssertUnwindSafe(|| observer.point(&progress))) {
                Ok(ControlFlow::Continue(())) => {}
                Ok(ControlFlow::Break(())) => self.halt(CANCELLED),
                Err(payload) => {
                    lock(&self.panic).get_or_insert(payload);
                    self.halt(CANCELLED);
                }
            }
        }
    }

    /// The first reason to stop counts.
    fn halt(&self, reason: u8) {
        let _ = self.stop.compare_exchange(RUN, reason, Ordering::Relaxed, Ordering::Relaxed);
    }
}

/// A lock is poisoned only if the caller's observer panicked; what it guards is whole even then.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
