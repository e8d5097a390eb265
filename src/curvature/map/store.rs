//! What the points of a map leave behind: for each other, for the report, and for a journal.

use std::sync::{
    OnceLock,
    atomic::{AtomicBool, Ordering},
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
    found: Vec<OnceLock<Found>>,
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
    pub(super) fn new(rows: usize, columns: usize, sets: usize, dimension: usize) -> Self {
        let points = rows * columns;
        let store = |number| Store {
            rows,
            columns,
            number,
            sets,
            dimension,
            found: (0..points).map(|_| OnceLock::new()).collect(),
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

    /// What a point left for its neighbours.
    pub(super) fn found(&self, point: usize) -> Option<&Found> {
        self.found[point].get()
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
        let _ = self.runs[point].set(run);
        if let Some(found) = found {
            let _ = self.found[point].set(found);
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
        if let Some(Found { ends, vectors }) = store.found.get(row).and_then(OnceLock::get) {
            out.extend(ends.iter().flat_map(|end| end.to_le_bytes()));
            out.extend(vectors.iter().flatten().flat_map(|v| v.to_le_bytes()));
        }
    }

    fn restore(&self, set: usize, row: usize, bytes: &[u8]) -> bool {
        let store = &self.0[set];
        if bytes.is_empty() {
            // The oracle failed there.
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
    }

    fn restore_stage(&self, stage: &[u8]) -> bool {
        let &[auditing @ (0 | 1)] = stage else { return false };
        self.audit(auditing == 1);
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
