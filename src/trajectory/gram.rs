//! Snapshots read in blocks of parameters, and their inner products.

use std::ops::Range;

use rayon::prelude::*;

use super::Snapshots;
use crate::{Error, Layout, Result, Scalar, memory};

/// Snapshots side by side in a panel: their values of one parameter are next to each other.
pub(super) const LANES: usize = 4;
/// Panels in a tile of the Gram matrix, which one thread computes at a time.
const TILE: usize = 8;
/// Parameters that are multiplied while the rows of a tile are in a cache.
const STRIP: usize = 256;

/// Reads the chosen parameters of all snapshots, block by block, as differences from the last snapshot.
pub(super) struct Blocks<'a, P: ?Sized> {
    layout: &'a Layout,
    snapshots: &'a P,
    /// The ranges of each block in the flat vector, together as many parameters as a block is wide, or fewer.
    pieces: Vec<Vec<Range<usize>>>,
    /// [panels, width, lanes]; snapshots and parameters that are not there are zeros.
    values: Vec<[f64; LANES]>,
    last: Vec<f64>,
    width: usize,
    count: usize,
}

/// Inner products of the snapshots of some panels with those of others, which come no earlier.
struct Tile {
    first: Range<usize>,
    second: Range<usize>,
    /// [panels, panels, lanes, lanes]
    sums: Vec<[[f64; LANES]; LANES]>,
}

impl<'a, P: ?Sized> Blocks<'a, P> {
    /// For these ranges, holding `bytes` of differences at once, or one strip of parameters if that is more.
    pub(super) fn new(
        layout: &'a Layout,
        snapshots: &'a P,
        count: usize,
        ranges: &[Range<usize>],
        bytes: u64,
    ) -> Result<Self> {
        let chosen: usize = ranges.iter().map(Range::len).sum();
        let panels = count.div_ceil(LANES);
        let most = usize::try_from(bytes / (8 * LANES as u64 * panels as u64)).unwrap_or(usize::MAX);
        let width = most.max(STRIP).min(chosen);
        let mut pieces: Vec<Vec<Range<usize>>> = Vec::new();
        let mut room = 0;
        for range in ranges {
            let mut range = range.clone();
            while !range.is_empty() {
                if room == 0 {
                    pieces.push(Vec::new());
                    room = width;
                }
                let end = range.end.min(range.start + room);
                room -= end - range.start;
                if let Some(block) = pieces.last_mut() {
                    block.push(range.start..end);
                }
                range.start = end;
            }
        }
        let what = "a block of all snapshots";
        let values = memory::filled(what, panels.saturating_mul(width), [0.0; LANES])?;
        let last = memory::filled(what, width, 0.0)?;
        Ok(Self { layout, snapshots, pieces, values, last, width, count })
    }

    /// The ranges of each block.
    pub(super) fn pieces(&self) -> &[Vec<Range<usize>>] {
        &self.pieces
    }

    /// The differences of the block that was read last, by panels: the values of four snapshots for each parameter.
    pub(super) fn panels(&self) -> Vec<&[[f64; LANES]]> {
        self.values.chunks_exact(self.width).collect()
    }

    /// Reads a block.
    pub(super) fn read<S: Scalar>(&mut self, block: usize) -> Result<()>
    where
        P: Snapshots<S>,
    {
        let (layout, snapshots, pieces, count) =
            (self.layout, self.snapshots, &self.pieces[block], self.count);
        let panels = self.values.par_chunks_exact_mut(self.width).enumerate();
        let read: Vec<Result<()>> = panels
            .map_init(Vec::new, |scratch: &mut Vec<S>, (number, panel)| {
                panel.fill([0.0; LANES]);
                for (lane, index) in (LANES * number..count).take(LANES).enumerate() {
                    let mut at = 0;
                    for range in pieces {
                        scratch.clear();
                        scratch.resize(range.len(), S::zero());
                        snapshots.read(index, range.clone(), scratch)?;
                        if let Some(bad) = scratch.iter().position(|value| !value.is_finite()) {
                            let (name, value) = (snapshots.name(index), scratch[bad].as_f64());
                            return Err(layout.non_finite(name, range.start + bad, value));
                        }
                        for (out, value) in panel[at..at + range.len()].iter_mut().zip(&*scratch) {
                            out[lane] = value.as_f64();
                        }
                        at += range.len();
                    }
                }
                Ok(())
            })
            .collect();
        // The first in order, whichever thread found its own first.
        read.into_iter().collect::<Result<()>>()?;
        let (end, lane) = ((count - 1) / LANES, (count - 1) % LANES);
        for (last, values) in self.last.iter_mut().zip(&self.values[end * self.width..]) {
            *last = values[lane];
        }
        let last = &self.last;
        self.values.par_chunks_exact_mut(self.width).enumerate().for_each(|(number, panel)| {
            // Of the last panel only the snapshots that there are.
            let lanes = LANES.min(count - LANES * number);
            for (values, last) in panel.iter_mut().zip(last) {
                for value in &mut values[..lanes] {
                    *value -= last;
                }
            }
        });
        Ok(())
    }

    /// The Gram matrix [count, count] of the differences from the last snapshot. The sums of an entry are the same
    /// whichever thread computes them.
    pub(super) fn gram<S: Scalar>(&mut self) -> Result<Vec<f64>>
    where
        P: Snapshots<S>,
    {
        let (t, what) = (self.count, "the Gram matrix of the snapshots");
        let panels = t.div_ceil(LANES);
        let mut tiles = Vec::new();
        for first in (0..panels).step_by(TILE) {
            for second in (first..panels).step_by(TILE) {
                let [first, second] = [first, second].map(|start| start..panels.min(start + TILE));
                let sums = memory::filled(what, first.len() * second.len(), [[0.0; LANES]; LANES])?;
                tiles.push(Tile { first, second, sums });
            }
        }
        for block in 0..self.pieces.len() {
            self.read::<S>(block)?;
            let panels = self.panels();
            tiles.par_iter_mut().for_each(|tile| tile.add(&panels));
        }
        let mut gram = memory::filled(what, t * t, 0.0)?;
        for Tile { first, second, sums } in &tiles {
            let pairs = first.clone().flat_map(|i| second.clone().map(move |j| [i, j]));
            for ([i, j], sums) in pairs.zip(sums).filter(|([i, j], _)| i <= j) {
                for (i, row) in (LANES * i..t).zip(sums) {
                    for (j, sum) in (LANES * j..t).zip(row) {
                        gram[i * t + j] = *sum;
                        gram[j * t + i] = *sum;
                    }
                }
            }
        }
        match (0..t).find(|i| !gram[i * t + i].is_finite()) {
            Some(snapshot) => {
                Err(Error::TrajectoryOverflow { snapshot, value: gram[snapshot * t + snapshot] })
            }
            None => Ok(gram),
        }
    }
}

impl Tile {
    /// Adds the products over one block.
    fn add(&mut self, panels: &[&[[f64; LANES]]]) {
        let width = panels.first().map_or(0, |panel| panel.len());
        for start in (0..width).step_by(STRIP) {
            let strip = start..width.min(start + STRIP);
            let pairs = self.first.clone().flat_map(|i| self.second.clone().map(move |j| [i, j]));
            for ([i, j], sums) in pairs.zip(&mut self.sums).filter(|([i, j], _)| i <= j) {
                let added = products(&panels[i][strip.clone()], &panels[j][strip.clone()]);
                for (sums, added) in sums.as_flattened_mut().iter_mut().zip(added.as_flattened()) {
                    *sums += added;
                }
            }
        }
    }
}

/// The inner products of all rows of one panel with all of another: sixteen for eight numbers read.
fn products(first: &[[f64; LANES]], second: &[[f64; LANES]]) -> [[f64; LANES]; LANES] {
    let mut sums = [[0.0; LANES]; LANES];
    for (first, second) in first.iter().zip(second) {
        for (sums, first) in sums.iter_mut().zip(first) {
            for (sum, second) in sums.iter_mut().zip(second) {
                *sum += first * second;
            }
        }
    }
    sums
}
