//! What the points of a map leave behind: for each other, for the report, and for a journal.

use std::sync::{
    OnceLock,
    atomic::{AtomicU8, AtomicU32, Ordering},
};

use ndarray::Array2;

use super::{LanczosEnd, ratio::Totals};
use crate::engine::journal::Keeper;

/// The points of all data sets.
pub(super) struct Stores(Vec<Store>);

/// The points of one data set.
pub(super) struct Store {
    /// Points along α and β.
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) number: usize,
    /// Parameters of an eigenvector.
    dimension: usize,
    found: Vec<OnceLock<Found>>,
    /// Codes of why runs ended, with [`CERTAIN`] and [`COLD`].
    codes: Vec<AtomicU8>,
    products: Vec<AtomicU32>,
}

/// What a point found, for those that start from it.
pub(super) struct Found {
    /// λ_min and λ_max.
    pub(super) ends: [f64; 2],
    /// Their eigenvectors, as the upper halves of f32.
    pub(super) vectors: [Box<[u16]>; 2],
}

/// How the run at one point went.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    pub(super) end: LanczosEnd,
    /// The ratio is certified, or found warm and in accord with the neighbours.
    pub(super) certain: bool,
    /// It started from a random vector alone.
    pub(super) cold: bool,
    pub(super) products: usize,
}

impl Stores {
    pub(super) fn new(rows: usize, columns: usize, sets: usize, dimension: usize) -> Self {
        let points = rows * columns;
        let store = |number| Store {
            rows,
            columns,
            number,
            dimension,
            found: (0..points).map(|_| OnceLock::new()).collect(),
            codes: (0..points).map(|_| AtomicU8::new(0)).collect(),
            products: (0..points).map(|_| AtomicU32::new(0)).collect(),
        };
        Self((0..sets).map(store).collect())
    }

    pub(super) fn get(&self, set: usize) -> &Store {
        &self.0[set]
    }

    /// What the result says of all points.
    pub(super) fn totals(&self) -> Totals {
        let points = self.0.first().map_or(0, |store| store.codes.len());
        let runs = |store: &Store| (0..points).map(|point| store.run(point)).collect::<Vec<_>>();
        let mut totals = Totals::nothing(points, self.0.len());
        for (set, store) in self.0.iter().enumerate() {
            for (point, run) in runs(store).into_iter().enumerate() {
                if let Some(run) = run {
                    totals.add(point, set, run);
                }
            }
        }
        totals
    }
}

impl Store {
    pub(super) fn points(&self) -> usize {
        self.codes.len()
    }

    /// What a point left for its neighbours.
    pub(super) fn found(&self, point: usize) -> Option<&Found> {
        self.found[point].get()
    }

    /// Takes what a point leaves. A point is computed once.
    pub(super) fn put(&self, point: usize, run: Run, found: Option<Found>) {
        self.codes[point].store(run.encode(), Ordering::Relaxed);
        self.products[point].store(run.products as u32, Ordering::Relaxed);
        if let Some(found) = found {
            let _ = self.found[point].set(found);
        }
    }

    /// How the run at a point went; none where it did not run or failed.
    fn run(&self, point: usize) -> Option<Run> {
        let products = self.products[point].load(Ordering::Relaxed);
        Run::decode(self.codes[point].load(Ordering::Relaxed), products)
    }
}

impl Keeper for Stores {
    fn save(&self, set: usize, point: usize, out: &mut Vec<u8>) {
        let store = &self.0[set];
        let Some(run) = store.run(point) else { return };
        run.save(out);
        if let Some(Found { ends, vectors }) = store.found(point) {
            out.extend(ends.iter().flat_map(|end| end.to_le_bytes()));
            out.extend(vectors.iter().flatten().flat_map(|v| v.to_le_bytes()));
        }
    }

    fn restore(&self, set: usize, point: usize, bytes: &[u8]) -> bool {
        let store = &self.0[set];
        if bytes.is_empty() {
            // The oracle failed there.
            return true;
        }
        let Some((run, rest)) = Run::restore(bytes) else { return false };
        let found = if rest.is_empty() {
            None
        } else if rest.len() == 16 + 4 * store.dimension {
            let (ends, vectors) = rest.split_at(16);
            let end = |at: usize| f64::from_le_bytes(std::array::from_fn(|k| ends[at + k]));
            let vector = |bytes: &[u8]| bytes.as_chunks().0.iter().map(|&v| u16::from_le_bytes(v)).collect();
            let (low, high) = vectors.split_at(2 * store.dimension);
            Some(Found { ends: [end(0), end(8)], vectors: [vector(low), vector(high)] })
        } else {
            return false;
        };
        store.put(point, run, found);
        true
    }
}

impl Run {
    fn encode(self) -> u8 {
        let end = ENDS.iter().position(|&other| other == self.end).map_or(0, |position| position as u8 + 1);
        end | if self.certain { CERTAIN } else { 0 } | if self.cold { COLD } else { 0 }
    }

    fn decode(code: u8, products: u32) -> Option<Self> {
        let end = *ENDS.get(usize::from(code & !(CERTAIN | COLD)).checked_sub(1)?)?;
        let products = usize::try_from(products).ok()?;
        Some(Self { end, certain: code & CERTAIN != 0, cold: code & COLD != 0, products })
    }

    fn save(self, out: &mut Vec<u8>) {
        out.push(self.encode());
        out.extend_from_slice(&(self.products as u32).to_le_bytes());
    }

    /// What [`save`](Self::save) wrote, and what follows it.
    pub(super) fn restore(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (&[code, ref products @ ..], rest) = bytes.split_first_chunk::<5>()?;
        Some((Self::decode(code, u32::from_le_bytes(*products))?, rest))
    }
}

impl Totals {
    pub(super) fn nothing(points: usize, sets: usize) -> Self {
        Self {
            ends: Array2::from_elem((points, sets), None),
            certain: vec![false; points],
            products: 0,
            cold: 0,
        }
    }

    pub(super) fn add(&mut self, point: usize, set: usize, run: Run) {
        self.ends[[point, set]] = Some(run.end);
        if set == 0 {
            self.certain[point] = run.certain;
        }
        self.products += run.products;
        self.cold += usize::from(run.cold);
    }
}

const CERTAIN: u8 = 0x80;
const COLD: u8 = 0x40;

const ENDS: [LanczosEnd; 7] = [
    LanczosEnd::Certified,
    LanczosEnd::Residuals,
    LanczosEnd::Decided,
    LanczosEnd::Exact,
    LanczosEnd::Breakdown,
    LanczosEnd::ProductLimit,
    LanczosEnd::Asymmetric,
];
