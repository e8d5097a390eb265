//! What the threads of a sweep share: the stock of points, what was bad, why to stop.

use std::{
    any::Any,
    ops::ControlFlow,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::{
        Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Instant,
};

use super::{
    Progress,
    driver::{Ending, Job},
    execution::{Crew, Facts, MakeWorker},
    journal::encode,
    pace::Pace,
    processes::Team,
    rows::Rows,
    split::{SplitPoint, chunks_of},
    stock::Stock,
    worker::{Notes, ThreadState},
};
use crate::{
    Error,
    landscape::{BadPoint, OnBadPoint, PointFailure},
};

/// Why a sweep stops before its last point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StopReason {
    /// The observer or the oracle asked for it, or the observer panicked.
    Cancelled,
    /// A point was bad, and the caller wants none.
    BadPoint,
    /// The journal could not be written, or another process cannot reach process 0.
    Journal,
}

impl StopReason {
    /// For messages; 0 is none of them.
    pub(super) fn code(self) -> u8 {
        match self {
            Self::Cancelled => 1,
            Self::BadPoint => 2,
            Self::Journal => 3,
        }
    }

    pub(super) fn from_code(code: u8) -> Option<Self> {
        [Self::Cancelled, Self::BadPoint, Self::Journal].into_iter().find(|reason| reason.code() == code)
    }
}

/// The state that threads share.
pub(super) struct Shared<'a> {
    pub(super) job: &'a Job<'a>,
    /// Points known before and to come.
    total: usize,
    done: AtomicUsize,
    /// The first reason to stop, which is the one that counts.
    pub(super) stop: OnceLock<StopReason>,
    /// Set where the oracle turns out not to write what it names, or not to be a mean of its samples. That is no matter
    /// of one point, so that the sweep ends with this error.
    pub(super) broken: OnceLock<Error>,
    /// Data set and point at which the oracle asked for the end.
    pub(super) interrupted: OnceLock<(usize, usize)>,
    /// Point, number of the data set.
    pub(super) bad: Mutex<Vec<(usize, usize, BadPoint)>>,
    /// What the caller's observer panicked with: the sweep stops, and the panic goes on outside.
    pub(super) panic: Mutex<Option<Box<dyn Any + Send>>>,
}

/// With more chunks than this their shares are not worth the memory; points are not split then.
const MOST_CHUNKS: usize = 1 << 16;

impl<'a> Shared<'a> {
    /// For `total` points, of which `done` are finished, with what is known to be bad.
    pub(super) fn new(
        job: &'a Job<'a>,
        total: usize,
        done: usize,
        bad: Vec<(usize, usize, BadPoint)>,
    ) -> Self {
        Self {
            job,
            total,
            done: AtomicUsize::new(done),
            stop: OnceLock::new(),
            broken: OnceLock::new(),
            interrupted: OnceLock::new(),
            bad: Mutex::new(bad),
            panic: Mutex::new(None),
        }
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stop.get().is_some()
    }

    /// Counts points that were there before.
    pub(super) fn count_known(&self, points: usize) {
        let done = self.done.fetch_add(points, Ordering::Relaxed) + points;
        if let Some(observer) = self.job.observer.filter(|_| points > 0) {
            observer.resumed(done);
        }
    }

    /// Evaluates the points of a stage.
    pub(super) fn run_stage(&self, crew: &dyn Crew, rows: Rows<'_>) {
        if let Some(Ending(reason)) = self.job.repeated {
            // What is not known was not computed.
            if !rows.is_empty() {
                self.halt(reason.unwrap_or(StopReason::Cancelled));
            }
            return;
        }
        let facts = crew.facts();
        // Oracles say how many chunks they have, and may say anything.
        let chunks = facts.iter().map(|facts| facts.chunks).fold(0, usize::saturating_add);
        let divisible = facts.iter().any(|facts| facts.chunks > 1) && chunks <= MOST_CHUNKS;
        if rows.len() < crew.threads() && divisible {
            self.run_by_chunks(crew, rows);
        } else {
            self.run_by_points(crew, rows);
        }
    }

    /// Evaluates points whole, here and in other processes; points that those leave undone come again.
    fn run_by_points(&self, crew: &dyn Crew, rows: Rows<'_>) {
        let mut left = Stock::new(vec![rows]);
        while !left.is_empty() && !self.is_stopped() {
            left = self.run_stock(crew, left);
        }
    }

    /// Threads take runs of points, long ones first and shorter ones towards the end, so that they seldom meet at the
    /// lock and end together. One more deals out points to other processes, if there are any; what these leave undone is
    /// returned.
    fn run_stock<'v>(&self, crew: &dyn Crew, stock: Stock<'v>) -> Stock<'v> {
        let team = self.job.team.filter(|team| !team.is_alone());
        let (own, facts) = (crew.threads(), crew.facts());
        let threads = own + team.map_or(0, Team::threads);
        let wish = facts.iter().fold(1, |most, facts| facts.batch.max(most));
        let batch = wish.min(stock.len().div_ceil(4 * threads)).max(1);
        let stock = Mutex::new(stock);
        let compute = || {
            crew.on_each_thread(&|make| {
                let mut state = self.state(make, facts, batch);
                let mut pace = team.map(|_| Pace::default());
                while !self.is_stopped() {
                    let most = pace.map(|pace| pace.run().unwrap_or(batch));
                    let Some(run) = lock(&stock).take_run(threads, batch, most) else { break };
                    let (started, points) = (pace.map(|_| Instant::now()), run.len());
                    for mut rows in run.batches(batch) {
                        if self.is_stopped() {
                            break;
                        }
                        self.evaluate(&mut state, rows.reborrow());
                        self.finish(&mut state.notes, &mut rows);
                    }
                    if let (Some(pace), Some(started)) = (&mut pace, started) {
                        pace.take(started.elapsed(), points);
                    }
                }
            });
        };
        let Some(team) = team else {
            compute();
            // Where the sweep stopped, what is left stays undone.
            return Stock::new(Vec::new());
        };
        thread::scope(|scope| {
            let deal = || self.deal(team, &stock, batch, own);
            let dealing = thread::Builder::new().spawn_scoped(scope, deal);
            let computed = catch_unwind(AssertUnwindSafe(compute));
            if computed.is_err() {
                // NoThreads waits for the others then.
                self.halt(StopReason::Cancelled);
            }
            let dealt = match dealing.map(thread::ScopedJoinHandle::join) {
                Ok(dealt) => dealt,
                Err(source) => {
                    self.end_with(Error::ThreadPool { threads: 1, source: source.into() });
                    Ok(Stock::new(Vec::new()))
                }
            };
            match computed.and(dealt) {
                Ok(left) => left,
                Err(payload) => resume_unwind(payload),
            }
        })
    }

    /// Evaluates points that process 0 asked this one for.
    pub(super) fn compute(&self, state: &mut ThreadState<'_, '_>, mut rows: Rows<'_>, batch: usize) {
        for rows in rows.reborrow().batches(batch) {
            if self.is_stopped() {
                return;
            }
            self.evaluate(state, rows);
        }
        // All in one message.
        self.finish(&mut state.notes, &mut rows);
    }

    /// Fewer points than threads: a thread takes one chunk of the data of one point.
    fn run_by_chunks<'v>(&self, crew: &dyn Crew, rows: Rows<'v>) {
        let (sets, channels) = (self.job.sets.len(), self.job.channels.len());
        let facts = crew.facts();
        let chunks = chunks_of(facts);
        let split = |row: Rows<'v>| {
            let number = row.number(0);
            (number, Mutex::new(SplitPoint::new(row, sets, chunks.len(), channels)))
        };
        let points: Vec<_> = rows.batches(1).map(split).collect();
        let next = AtomicUsize::new(0);
        crew.on_each_thread(&|make| {
            let mut state = self.state(make, facts, 1);
            while let Some((index, place)) = self.next_chunk(&next, points.len(), chunks.len()) {
                let &(number, ref split) = &points[index];
                let (set, chunk) = chunks[place];
                let outcome = state.attempt(set, chunk, &[self.job.point(number)]);
                let share = outcome.map(|()| &state.share[..channels]);
                let mut split = lock(split);
                if split.take(place, (set, chunk), share) {
                    split.add_up(facts, |set, out, failure| match failure {
                        Some(failure) => self.fail(&mut state.notes, number, set, out, failure),
                        None => self.list_if_not_finite(&mut state.notes, number, set, out),
                    });
                    self.finish(&mut state.notes, &mut split.row);
                }
            }
        });
    }

    /// The next chunk to evaluate: the position of its point, and its place among the chunks.
    fn next_chunk(&self, next: &AtomicUsize, points: usize, chunks: usize) -> Option<(usize, usize)> {
        let task = next.fetch_add(1, Ordering::Relaxed);
        let (index, place) = (task / chunks, task % chunks);
        // A point once begun is finished, or its other chunks would be lost.
        let goes_on = index < points && (place > 0 || !self.is_stopped());
        if !goes_on {
            next.fetch_max(points * chunks, Ordering::Relaxed);
        }
        goes_on.then_some((index, place))
    }

    pub(super) fn state<'w, 'f>(
        &self,
        make: &'w MakeWorker<'w>,
        facts: &'f [Facts],
        batch: usize,
    ) -> ThreadState<'w, 'f> {
        ThreadState::new(make, facts, self.job.channels.len(), batch)
    }

    /// Evaluates points on all data sets, as many in a call as each oracle likes.
    fn evaluate(&self, state: &mut ThreadState<'_, '_>, mut rows: Rows<'_>) {
        for (set, facts) in state.facts.iter().enumerate() {
            for batch in rows.reborrow().batches(facts.batch) {
                self.evaluate_set(state, set, batch);
            }
        }
    }

    /// Evaluates points on one data set; if the call fails, they are asked for again one by one.
    fn evaluate_set(&self, state: &mut ThreadState<'_, '_>, set: usize, mut rows: Rows<'_>) {
        let channels = self.job.channels.len();
        match state.whole(set, rows.numbers().map(|number| self.job.point(number))) {
            Ok(()) => {
                for row in 0..rows.len() {
                    let number = rows.number(row);
                    let out = rows.of_set(row, set, channels);
                    out.copy_from_slice(&state.sum[row * channels..][..channels]);
                    self.list_if_not_finite(&mut state.notes, number, set, out);
                }
            }
            Err(failure) if rows.len() == 1 => {
                let number = rows.number(0);
                self.fail(&mut state.notes, number, set, rows.of_set(0, set, channels), failure);
            }
            Err(_) => rows.batches(1).for_each(|row| self.evaluate_set(state, set, row)),
        }
    }

    /// Lists a point whose values are not finite; the values stay.
    pub(super) fn list_if_not_finite(&self, notes: &mut Notes, point: usize, set: usize, out: &[f64]) {
        if let Some(k) = out.iter().take(self.job.finite).position(|value| !value.is_finite()) {
            let failure = PointFailure::NonFinite { channel: self.job.channels[k].clone(), value: out[k] };
            self.list(notes, point, set, failure);
        }
    }

    /// Lists a point at which the oracle failed; its values are NaN.
    pub(super) fn fail(
        &self,
        notes: &mut Notes,
        point: usize,
        set: usize,
        out: &mut [f64],
        failure: PointFailure,
    ) {
        out.fill(f64::NAN);
        self.list(notes, point, set, failure);
    }

    fn list(&self, notes: &mut Notes, point: usize, set: usize, failure: PointFailure) {
        if let PointFailure::Error(error) = &failure {
            match error.downcast_ref() {
                Some(Error::Unmeasured { channels }) => {
                    return self.end_with(Error::Unmeasured { channels: channels.clone() });
                }
                Some(Error::SampleMeans { channel, data, samples, mean, own }) => {
                    let (channel, data, samples) = (channel.clone(), data.clone(), *samples);
                    return self.end_with(Error::SampleMeans {
                        channel,
                        data,
                        samples,
                        mean: *mean,
                        own: *own,
                    });
                }
                Some(Error::Interrupted) => {
                    notes.interrupted = true;
                    return self.interrupt(set, point);
                }
                _ => {}
            }
        }
        let (index, coordinates) = self.job.place(point);
        let data = self.job.sets[set].clone();
        if self.job.ledger.is_some() {
            notes.failures.push((point, set, failure.clone()));
        }
        lock(&self.bad).push((point, set, BadPoint { index, coordinates, data, failure }));
        if self.job.on_bad == OnBadPoint::Stop {
            self.halt(StopReason::BadPoint);
        }
    }

    /// Writes evaluated points to the journal, and only then counts them and tells the observer.
    pub(super) fn finish(&self, notes: &mut Notes, rows: &mut Rows<'_>) {
        if self.broken.get().is_some() {
            return;
        }
        if notes.interrupted {
            // What other data sets gave there goes too: the point is left for the next run.
            return rows.forget();
        }
        if !self.write_records(notes, rows) {
            return self.halt(StopReason::Journal);
        }
        rows.mark_computed();
        for (point, values) in rows.iter() {
            self.tell_observer(point, values);
        }
    }

    /// Writes points to the journal, if there is one; false if it could not.
    fn write_records(&self, notes: &mut Notes, rows: &Rows<'_>) -> bool {
        let Some(ledger) = self.job.ledger else { return true };
        let Notes { failures, records, .. } = notes;
        records.clear();
        for (point, values) in rows.iter() {
            let failures = failures.iter().filter(|(other, ..)| *other == point);
            let failures = failures.map(|(_, set, failure)| (*set, failure));
            let extra = |set: usize, out: &mut Vec<u8>| {
                if let Some(keeper) = self.job.keeper {
                    keeper.save(set, point, out);
                }
            };
            if let Err(error) = encode(ledger.form(), point, values, failures, extra, records) {
                ledger.fail(error);
                return false;
            }
        }
        failures.clear();
        ledger.append(records, rows.len())
    }

    fn tell_observer(&self, point: usize, values: &[f64]) {
        // A point computed again was counted before.
        let new = usize::from(point < self.job.points());
        let done = self.done.fetch_add(new, Ordering::Relaxed) + new;
        if let Some(observer) = self.job.observer {
            let (index, coordinates) = self.job.place(point);
            let draw = self.job.draw(point);
            let (total, again) = (self.total, new == 0);
            let progress = Progress { done, total, again, draw, index, coordinates, values };
            match catch_unwind(AssertUnwindSafe(|| observer.point(&progress))) {
                Ok(ControlFlow::Continue(())) => {}
                Ok(ControlFlow::Break(())) => self.halt(StopReason::Cancelled),
                Err(payload) => {
                    lock(&self.panic).get_or_insert(payload);
                    self.halt(StopReason::Cancelled);
                }
            }
        }
    }

    /// Ends the sweep because the oracle asked for it at a point, which is left for the next run.
    pub(super) fn interrupt(&self, set: usize, point: usize) {
        let _ = self.interrupted.set((set, point));
        self.tell_of_interruption(point, set);
        self.halt(StopReason::Cancelled);
    }

    /// Tells the observer that another process is lost.
    pub(super) fn tell_of_loss(&self, process: usize, reason: &str) {
        if let Some(observer) = self.job.observer
            && let Err(payload) = catch_unwind(AssertUnwindSafe(|| observer.lost(process, reason)))
        {
            lock(&self.panic).get_or_insert(payload);
            self.halt(StopReason::Cancelled);
        }
    }

    fn tell_of_interruption(&self, point: usize, set: usize) {
        if let Some(observer) = self.job.observer {
            let (index, coordinates) = self.job.place(point);
            let tell = || observer.interrupted(index, coordinates, &self.job.sets[set]);
            if let Err(payload) = catch_unwind(AssertUnwindSafe(tell)) {
                lock(&self.panic).get_or_insert(payload);
            }
        }
    }

    /// Ends the sweep with an error, the first one that there is.
    pub(super) fn end_with(&self, error: Error) {
        let _ = self.broken.set(error);
        self.halt(StopReason::Cancelled);
    }

    pub(super) fn halt(&self, reason: StopReason) {
        // An error means that there is a reason already.
        let _ = self.stop.set(reason);
    }
}

/// A lock is poisoned only where an invariant of this crate broke; that panic goes on to the caller when all threads
/// have ended.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a lock guarded, when all threads have ended.
pub(super) fn into_inner<T>(mutex: Mutex<T>) -> T {
    mutex.into_inner().unwrap_or_else(PoisonError::into_inner)
}
