//! The loop of all sweeps: it deals points out to threads, survives bad points, and gives the same bits for any number
//! of threads.

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
    Observer, Progress,
    execution::{Crew, Facts, MakeWorker},
    journal::{Keeper, Known, Ledger, encode},
    stages::Stages,
    worker::{ThreadState, add, divide},
};
use crate::{
    Point, Result,
    landscape::{BadPoint, OnBadPoint, PointFailure, SweepEnd},
    memory::filled,
};

/// What is to be evaluated: every point of α × β, on every data set.
pub(crate) struct Job<'a> {
    pub(crate) alpha: &'a [f64],
    pub(crate) beta: &'a [f64],
    /// The names of the data sets.
    pub(crate) sets: &'a [String],
    /// What the oracle says of itself, by data set.
    pub(crate) facts: &'a [Facts],
    /// The channels of one data set.
    pub(crate) channels: &'a [String],
    /// How many of them, counted from the first, must be finite.
    pub(crate) finite: usize,
    /// How often a point may be computed; see [`Header`](super::journal::Header). More than once only where a
    /// choice asks for it: point p again is the number of points + p.
    pub(crate) passes: usize,
    /// (k, n): of all points those whose number is k modulo n. None for all.
    pub(crate) shard: Option<(usize, usize)>,
    /// Where finished points are written.
    pub(crate) ledger: Option<&'a Ledger>,
    /// What is kept of a point for each data set, in addition to its values.
    pub(crate) keeper: Option<&'a dyn Keeper>,
    pub(crate) observer: Option<&'a dyn Observer>,
    pub(crate) on_bad: OnBadPoint,
}

/// The outcome of a job: values by point, data set and channel.
pub(crate) struct Outcome {
    pub(crate) values: Vec<f64>,
    pub(crate) computed: Vec<bool>,
    pub(crate) bad_points: Vec<BadPoint>,
    pub(crate) end: SweepEnd,
}

/// The state that threads share.
struct Shared<'a> {
    job: &'a Job<'a>,
    /// Points known from the journal and points to come, together.
    total: usize,
    done: AtomicUsize,
    stop: AtomicU8,
    bad: Mutex<Vec<(usize, usize, BadPoint)>>,
    /// The panic of the caller's observer: the sweep stops, and the panic continues in the caller.
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
    /// The failure of each data set in its first chunk that failed, which is the one that a single thread would find.
    failures: Vec<Option<(usize, PointFailure)>>,
    /// Chunks still to come.
    left: usize,
    values: &'v mut [f64],
    computed: &'v mut bool,
}

/// With more chunks than this, the memory for their shares is not worth it, and points are not split.
const MOST_CHUNKS: usize = 1 << 16;

/// What the memory is for, in an error.
const VALUES: &str = "the values of the grid";

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
    pub(crate) fn run(&self, crew: &dyn Crew, stages: &mut Stages<'_>, known: Known) -> Result<Outcome> {
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
        // An adaptive choice is repeated stage by stage, and sees a known point only once it asks for it: only then is
        // it the same choice as in the sweep that was interrupted.
        let (shown, hidden) = match stages {
            Stages::Chosen(_) if there > 0 => (Known::empty(points * self.passes, stride)?, Some(known)),
            _ => (known, None),
        };
        let Known { mut values, mut computed, bad } = shown;
        // All memory is taken before the first point, since a sweep must not fail for lack of it with points computed.
        let mut room = (filled(VALUES, largest * stride, f64::NAN)?, filled(VALUES, largest, false)?);
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
            Stages::All => shared.run_stage(crew, Stage::All, &mut values, &mut computed),
            Stages::Fixed(stages) => {
                for stage in stages {
                    shared.run_listed(crew, stage, &mut room, &mut values, &mut computed);
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
                    shared.run_listed(crew, &stage, &mut room, &mut values, &mut computed);
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
        let end = match shared.stop.into_inner() {
            STOPPED => SweepEnd::BadPoint,
            CANCELLED if !mine => SweepEnd::Cancelled,
            _ if complete || self.shard.is_none() => SweepEnd::Complete,
            _ => SweepEnd::Partial,
        };
        let bad_points = bad.into_iter().map(|(_, _, bad)| bad).collect();
        Ok(Outcome { values, computed, bad_points, end })
    }

    /// Whether a point is one of this shard.
    fn is_mine(&self, point: usize) -> bool {
        self.shard.is_none_or(|(k, n)| point % n == k)
    }

    /// The indices and coordinates of a point.
    fn place(&self, point: usize) -> ([usize; 2], [f64; 2]) {
        let point = point % self.points();
        let [i, j] = [point / self.beta.len(), point % self.beta.len()];
        ([i, j], [self.alpha[i], self.beta[j]])
    }

    fn point(&self, number: usize) -> Point {
        Point { number, coordinates: self.place(number).1 }
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
    /// Counts points that the journal had.
    fn take_up(&self, points: usize) {
        let done = self.done.fetch_add(points, Ordering::Relaxed) + points;
        if let Some(observer) = self.job.observer.filter(|_| points > 0) {
            observer.resumed(done);
        }
    }

    /// Evaluates a list of points into `room`, and then copies their values to their places.
    fn run_listed(
        &self,
        crew: &dyn Crew,
        stage: &[usize],
        (room, done): &mut (Vec<f64>, Vec<bool>),
        values: &mut [f64],
        computed: &mut [bool],
    ) {
        let stride = self.job.stride();
        let (room, done) = (&mut room[..stage.len() * stride], &mut done[..stage.len()]);
        room.fill(f64::NAN);
        done.fill(false);
        self.run_stage(crew, Stage::These(stage), room, done);
        for ((&point, from), &mut done) in stage.iter().zip(room.chunks_exact(stride)).zip(done) {
            values[point * stride..(point + 1) * stride].copy_from_slice(from);
            computed[point] = done;
        }
    }

    fn run_stage(&self, crew: &dyn Crew, stage: Stage<'_>, values: &mut [f64], computed: &mut [bool]) {
        let facts = self.job.facts;
        let chunks = facts.iter().map(|facts| facts.chunks).fold(0, usize::saturating_add);
        let divisible = facts.iter().any(|facts| facts.chunks > 1) && chunks <= MOST_CHUNKS;
        if computed.len() < crew.threads() && divisible {
            self.run_by_chunks(crew, stage, values, computed);
        } else {
            self.run_by_points(crew, stage, values, computed);
        }
    }

    /// Threads take runs of points, long ones first and shorter ones towards the end: so they seldom wait for the lock,
    /// and all end at about the same time.
    fn run_by_points(&self, crew: &dyn Crew, stage: Stage<'_>, values: &mut [f64], computed: &mut [bool]) {
        let threads = crew.threads();
        let (points, stride) = (computed.len(), self.job.stride());
        let wish = self.job.facts.iter().map(|facts| facts.batch).max().unwrap_or(1);
        let batch = wish.min(points.div_ceil(4 * threads)).max(1);
        let rest = Mutex::new((0, values, computed));
        crew.on_each_thread(&|make| {
            let mut state = self.state(make, batch);
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
                    self.evaluate(&mut state, stage, first, values);
                    if !self.write(&mut state, stage, first, values) {
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

    /// For fewer points than threads: each thread takes a chunk of the data of one point. The shares are added in the
    /// order of the chunks, as one thread would add them.
    fn run_by_chunks(&self, crew: &dyn Crew, stage: Stage<'_>, values: &mut [f64], computed: &mut [bool]) {
        let (points, channels) = (computed.len(), self.job.channels.len());
        let chunks: Vec<usize> = self.job.facts.iter().map(|facts| facts.chunks).collect();
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
        crew.on_each_thread(&|make| {
            let mut state = self.state(make, 1);
            loop {
                let task = next.fetch_add(1, Ordering::Relaxed);
                let (point, place) = (task / each, task % each);
                // A point that has been begun is finished, or its other chunks would be lost.
                if point >= points || (place == 0 && self.stop.load(Ordering::Relaxed) != RUN) {
                    next.fetch_max(points * each, Ordering::Relaxed);
                    break;
                }
                let (set, chunk) = places[place];
                let outcome = state.attempt(set, chunk, &[self.job.point(stage.point(point))]);
                let mut pending = lock(&pending[point]);
                match outcome {
                    Ok(()) => {
                        pending.shares[place * channels..][..channels]
                            .copy_from_slice(&state.share[..channels]);
                    }
                    Err(failure) => {
                        let first = &mut pending.failures[set];
                        if first.as_ref().is_none_or(|&(other, _)| chunk < other) {
                            *first = Some((chunk, failure));
                        }
                    }
                }
                pending.left -= 1;
                if pending.left > 0 {
                    continue;
                }
                let point = stage.point(point);
                let Pending { shares, failures, values, computed, .. } = &mut *pending;
                let mut first = 0;
                for (set, &n) in chunks.iter().enumerate() {
                    let out = &mut values[set * channels..][..channels];
                    for (k, share) in
                        shares[first * channels..][..n * channels].chunks_exact(channels).enumerate()
                    {
                        add(out, share, k == 0);
                    }
                    divide(out, self.job.facts[set].divisor);
                    first += n;
                    if let Some((_, failure)) = failures[set].take() {
                        self.record(&mut state, point, set, out, failure);
                    } else {
                        self.inspect(&mut state, point, set, out);
                    }
                }
                if self.write(&mut state, Stage::These(&[point]), 0, values) {
                    **computed = true;
                    self.tell(point, values);
                }
            }
        });
    }

    fn state<'w>(&self, make: &'w MakeWorker<'w>, batch: usize) -> ThreadState<'w, 'a> {
        ThreadState::new(make, self.job.facts, self.job.channels.len(), batch)
    }

    /// Evaluates consecutive points on all data sets, in calls of the batch size of each oracle.
    fn evaluate(&self, state: &mut ThreadState<'_, '_>, stage: Stage<'_>, first: usize, values: &mut [f64]) {
        let stride = self.job.stride();
        for set in 0..self.job.sets.len() {
            let batch = self.job.facts[set].batch.min(values.len() / stride);
            for (index, values) in values.chunks_mut(batch * stride).enumerate() {
                self.evaluate_set(state, stage, set, first + index * batch, values);
            }
        }
    }

    /// Evaluates consecutive points on one data set; if the call fails, its points are evaluated again one by one.
    fn evaluate_set(
        &self,
        state: &mut ThreadState<'_, '_>,
        stage: Stage<'_>,
        set: usize,
        first: usize,
        values: &mut [f64],
    ) {
        let (channels, stride) = (self.job.channels.len(), self.job.stride());
        let count = values.len() / stride;
        let points = (first..first + count).map(|position| self.job.point(stage.point(position)));
        match state.whole(set, points) {
            Ok(()) => {
                for (k, values) in values.chunks_exact_mut(stride).enumerate() {
                    let out = &mut values[set * channels..][..channels];
                    out.copy_from_slice(&state.sum[k * channels..][..channels]);
                    self.inspect(state, stage.point(first + k), set, out);
                }
            }
            Err(failure) if count == 1 => {
                let out = &mut values[set * channels..][..channels];
                self.record(state, stage.point(first), set, out, failure);
            }
            Err(_) => {
                for (k, values) in values.chunks_exact_mut(stride).enumerate() {
                    self.evaluate_set(state, stage, set, first + k, values);
                }
            }
        }
    }

    /// Lists a point whose values are not finite; the values are kept.
    fn inspect(&self, state: &mut ThreadState<'_, '_>, point: usize, set: usize, out: &mut [f64]) {
        if let Some(k) = out.iter().take(self.job.finite).position(|value| !value.is_finite()) {
            let failure = PointFailure::NonFinite { channel: self.job.channels[k].clone(), value: out[k] };
            self.list(state, point, set, failure);
        }
    }

    fn record(
        &self,
        state: &mut ThreadState<'_, '_>,
        point: usize,
        set: usize,
        out: &mut [f64],
        failure: PointFailure,
    ) {
        out.fill(f64::NAN);
        self.list(state, point, set, failure);
    }

    fn list(&self, state: &mut ThreadState<'_, '_>, point: usize, set: usize, failure: PointFailure) {
        let (index, coordinates) = self.job.place(point);
        let data = self.job.sets[set].clone();
        if self.job.ledger.is_some() {
            state.failures.push((point, set, failure.clone()));
        }
        lock(&self.bad).push((point, set, BadPoint { index, coordinates, data, failure }));
        if self.job.on_bad == OnBadPoint::Stop {
            self.halt(STOPPED);
        }
    }

    /// Writes finished points to the journal, if there is one; false if it could not.
    fn write(&self, state: &mut ThreadState<'_, '_>, stage: Stage<'_>, first: usize, values: &[f64]) -> bool {
        let Some(ledger) = self.job.ledger else { return true };
        let ThreadState { failures, records, .. } = state;
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

    /// Only the first reason to stop is kept.
    fn halt(&self, reason: u8) {
        let _ = self.stop.compare_exchange(RUN, reason, Ordering::Relaxed, Ordering::Relaxed);
    }
}

/// A lock is poisoned only if the caller's observer panicked; the data behind it is consistent even then.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
