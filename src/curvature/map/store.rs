//! What the points of a map leave behind: for each other, for the report, and for a journal.

use std::sync::{
    Arc, Mutex, MutexGuard, OnceLock, PoisonError,
    atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering},
};

use super::{order, ratio_map::Totals, ratio_state::RatioState};
use crate::{curvature::lanczos::LanczosEnd, engine::journal::Keeper};

/// The points of all data sets.
pub(super) struct Stores(Vec<Store>);

/// The points of one data set.
pub(super) struct Store {
    /// Points along α and β.
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) number: usize,
    /// Data sets of the map.
    pub(super) sets: usize,
    /// Parameters of an eigenvector.
    dimension: usize,
    /// What points found, until no point is left that starts from it.
    found: Vec<Mutex<Option<Arc<Found>>>>,
    /// How many points are left that start from each, and whether a point is done.
    dependents: Vec<AtomicU8>,
    done: Vec<AtomicBool>,
    /// No point is left that starts from one before this; other processes hear it from process 0.
    first_needed: AtomicUsize,
    /// How each point went the first time, and after all of them how it went the second time.
    runs: Vec<OnceLock<Run>>,
    /// Whether what is computed again is the audit.
    auditing: AtomicBool,
}

/// What a point found, for those that start from it.
pub(super) struct Found {
    /// λ_min and λ_max.
    pub(super) ends: [f64; 2],
    /// Their eigenvectors, as the upper halves of f32.
    pub(super) vectors: [Box<[u16]>; 2],
}

/// How the run at one point went.
#[allow(clippy::struct_excessive_bools, reason = "each is a fact of its own, and none excludes another")]
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Run {
    pub(super) end: LanczosEnd,
    pub(super) state: RatioState,
    /// It is warm, and nothing but the accord with its neighbours speaks for it.
    pub(super) by_accord: bool,
    /// It started from a random vector alone.
    pub(super) cold: bool,
    /// It was drawn by the audit.
    pub(super) audited: bool,
    /// It was computed again, and the first ratio was off by more than the tolerance.
    pub(super) was_off: bool,
    pub(super) products: usize,
    pub(super) ratio: f64,
}

impl Stores {
    /// `dependents` says how many points start from each: none in maps without warm starts.
    pub(super) fn new([rows, columns]: [usize; 2], sets: usize, dimension: usize, dependents: &[u8]) -> Self {
        let points = rows * columns;
        let left = |point: usize| AtomicU8::new(dependents.get(point).copied().unwrap_or(0));
        let store = |number| Store {
            rows,
            columns,
            number,
            sets,
            dimension,
            found: (0..points).map(|_| Mutex::new(None)).collect(),
            dependents: (0..points).map(left).collect(),
            done: (0..points).map(|_| AtomicBool::new(false)).collect(),
            first_needed: AtomicUsize::new(0),
            runs: (0..2 * points).map(|_| OnceLock::new()).collect(),
            auditing: AtomicBool::new(false),
        };
        Self((0..sets).map(store).collect())
    }

    pub(super) fn get(&self, set: usize) -> &Store {
        &self.0[set]
    }

    /// Says whether what is computed again from now on is the audit.
    pub(super) fn audit(&self, auditing: bool) {
        for store in &self.0 {
            store.auditing.store(auditing, Ordering::Relaxed);
        }
    }

    /// Between stages: from which point on others are needed still.
    pub(super) fn end_stage(&self) {
        for store in &self.0 {
            let before = store.first_needed.load(Ordering::Relaxed);
            let first = (before..store.points()).find(|&point| store.is_needed(point));
            store.first_needed.store(first.unwrap_or(store.points()), Ordering::Relaxed);
        }
    }

    /// What the result says of all points.
    pub(super) fn totals(&self) -> Totals {
        let points = self.0.first().map_or(0, Store::points);
        let runs = self.0.iter().enumerate().flat_map(|(set, store)| {
            store.runs.iter().enumerate().filter_map(move |(row, run)| Some((row, set, *run.get()?)))
        });
        Totals::of(points, self.0.len(), runs)
    }
}

impl Store {
    pub(super) fn points(&self) -> usize {
        self.found.len()
    }

    /// What a point left for its neighbours, if there are any left.
    pub(super) fn found(&self, point: usize) -> Option<Arc<Found>> {
        self.place(point).clone()
    }

    fn place(&self, point: usize) -> MutexGuard<'_, Option<Arc<Found>>> {
        self.found[point].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether points are left that start from this one.
    pub(super) fn is_needed(&self, point: usize) -> bool {
        self.dependents[point].load(Ordering::Relaxed) > 0
    }

    /// Says that a point needs no others any more, whether it was computed or failed.
    pub(super) fn finish(&self, point: usize) {
        if self.done[point].swap(true, Ordering::Relaxed) {
            return;
        }
        let [i, j] = [point / self.columns, point % self.columns];
        for parent in order::pairs(i, j, self.rows, self.columns).flatten() {
            let less = |left: u8| left.checked_sub(1);
            if self.dependents[parent].fetch_update(Ordering::Relaxed, Ordering::Relaxed, less) == Ok(1) {
                *self.place(parent) = None;
            }
        }
    }

    /// Drops what the points before this one left.
    fn drop_before(&self, first: usize) {
        let done = self.first_needed.fetch_max(first, Ordering::Relaxed);
        for point in done..first.min(self.points()) {
            self.dependents[point].store(0, Ordering::Relaxed);
            *self.place(point) = None;
        }
    }

    /// How a point went the first time; none where it did not run or failed.
    pub(super) fn first(&self, point: usize) -> Option<&Run> {
        self.runs[point].get()
    }

    pub(super) fn is_auditing(&self) -> bool {
        self.auditing.load(Ordering::Relaxed)
    }

    /// Takes what a point leaves the first time. It is computed once.
    pub(super) fn put(&self, point: usize, run: Run, found: Option<Found>) {
        if self.runs[point].set(run).is_ok() && self.is_needed(point) {
            *self.place(point) = found.map(Arc::new);
        }
    }

    /// Takes how a point went the second time.
    pub(super) fn put_again(&self, point: usize, run: Run) {
        let _ = self.runs[self.points() + point].set(run);
    }
}

impl Keeper for Stores {
    fn save(&self, set: usize, row: usize, out: &mut Vec<u8>) {
        let store = &self.0[set];
        let Some(run) = store.runs[row].get() else { return };
        run.save(out);
        let found = (row < store.points()).then(|| store.found(row)).flatten();
        if let Some(Found { ends, vectors }) = found.as_deref() {
            out.extend(ends.iter().flat_map(|end| end.to_le_bytes()));
            out.extend(vectors.iter().flatten().flat_map(|v| v.to_le_bytes()));
        }
    }

    fn restore(&self, set: usize, row: usize, bytes: &[u8]) -> bool {
        let store = &self.0[set];
        if bytes.is_empty() {
            // The oracle failed there.
            if row < store.points() {
                store.finish(row);
            }
            return true;
        }
        let Some((run, rest)) = Run::restore(bytes) else { return false };
        let found = if rest.is_empty() {
            None
        } else if rest.len() == 16 + 4 * store.dimension && row < store.points() {
            let (ends, vectors) = rest.split_at(16);
            let end = |at: usize| f64::from_le_bytes(std::array::from_fn(|k| ends[at + k]));
            let vector = |bytes: &[u8]| bytes.as_chunks().0.iter().map(|&v| u16::from_le_bytes(v)).collect();
            let (low, high) = vectors.split_at(2 * store.dimension);
            Some(Found { ends: [end(0), end(8)], vectors: [vector(low), vector(high)] })
        } else {
            return false;
        };
        if row < store.points() {
            store.put(row, run, found);
            store.finish(row);
        } else {
            store.put_again(row - store.points(), run);
        }
        true
    }

    fn save_summary(&self, set: usize, row: usize, out: &mut Vec<u8>) {
        if let Some(run) = self.0[set].runs[row].get() {
            run.save(out);
        }
    }

    fn needs(&self, row: usize, out: &mut Vec<usize>) {
        let Some(Store { rows, columns, .. }) = self.0.first() else { return };
        match row.checked_sub(rows * columns) {
            // What the first ratio was.
            Some(point) => out.push(point),
            None => out.extend(order::pairs(row / columns, row % columns, *rows, *columns).flatten()),
        }
    }

    fn save_stage(&self, _: usize, out: &mut Vec<u8>) {
        out.push(u8::from(self.0.first().is_some_and(Store::is_auditing)));
        let first = self.0.iter().map(|store| store.first_needed.load(Ordering::Relaxed)).min();
        out.extend((first.unwrap_or(0) as u64).to_le_bytes());
    }

    fn restore_stage(&self, stage: &[u8]) -> bool {
        let Some((&[auditing @ (0 | 1)], first)) = stage.split_first_chunk::<1>() else { return false };
        let Ok(first) = first.try_into().map(u64::from_le_bytes) else { return false };
        self.audit(auditing == 1);
        for store in &self.0 {
            store.drop_before(usize::try_from(first).unwrap_or(usize::MAX));
        }
        true
    }
}

impl Run {
    /// Why it ended, flags, products, ratio.
    fn save(self, out: &mut Vec<u8>) {
        let end = ENDS.iter().position(|&other| other == self.end).map_or(0, |position| position as u8);
        let flag = |on: bool, bit: u8| if on { bit } else { 0 };
        let flags = self.state.number()
            | flag(self.by_accord, BY_ACCORD)
            | flag(self.cold, COLD)
            | flag(self.audited, AUDITED)
            | flag(self.was_off, WAS_OFF);
        out.extend([end, flags]);
        out.extend((self.products as u32).to_le_bytes());
        out.extend(self.ratio.to_le_bytes());
    }

    /// What [`save`](Self::save) wrote, and what follows it.
    pub(super) fn restore(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (&[end, flags], rest) = bytes.split_first_chunk::<2>()?;
        let (&products, rest) = rest.split_first_chunk::<4>()?;
        let (&ratio, rest) = rest.split_first_chunk::<8>()?;
        let on = |bit: u8| flags & bit != 0;
        let run = Self {
            end: *ENDS.get(usize::from(end))?,
            state: RatioState::from_number(flags & !(BY_ACCORD | COLD | AUDITED | WAS_OFF))?,
            by_accord: on(BY_ACCORD),
            cold: on(COLD),
            audited: on(AUDITED),
            was_off: on(WAS_OFF),
            products: usize::try_from(u32::from_le_bytes(products)).ok()?,
            ratio: f64::from_le_bytes(ratio),
        };
        Some((run, rest))
    }
}

const BY_ACCORD: u8 = 0x80;
const COLD: u8 = 0x40;
const AUDITED: u8 = 0x20;
const WAS_OFF: u8 = 0x10;

const ENDS: [LanczosEnd; 8] = [
    LanczosEnd::Certified,
    LanczosEnd::Residuals,
    LanczosEnd::Decided,
    LanczosEnd::Exact,
    LanczosEnd::Breakdown,
    LanczosEnd::ProductLimit,
    LanczosEnd::Asymmetric,
    LanczosEnd::Inexact,
];
