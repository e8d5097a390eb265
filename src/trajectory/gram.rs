//! Snapshots read in blocks of parameters, and their inner products.

use std::ops::Range;

use rayon::prelude::*;

use super::Snapshots;
use crate::{Error, Layout, Result, Scalar, memory};

/// Columns of a block that are multiplied while they are in a cache.
const STRIP: usize = 256;
/// Sums of a product that run side by side.
const LANES: usize = 4;

/// Reads the chosen parameters of all snapshots, block by block, as differences from the last snapshot.
pub(super) struct Blocks<'a, P: ?Sized> {
    layout: &'a Layout,
    snapshots: &'a P,
    /// The ranges of each block in the flat vector, together as many parameters as a row is long, or fewer.
    pieces: Vec<Vec<Range<usize>>>,
    /// [even number of rows, width]; rows and columns that are not there are zeros.
    rows: Vec<f64>,
    width: usize,
    count: usize,
}

impl<'a, P: ?Sized> Blocks<'a, P> {
    /// For these ranges, holding `bytes` of differences at once, or one strip of columns if that is more.
    pub(super) fn new(
        layout: &'a Layout,
        snapshots: &'a P,
        count: usize,
        ranges: &[Range<usize>],
        bytes: u64,
    ) -> Result<Self> {
        let chosen: usize = ranges.iter().map(Range::len).sum();
        let padded = count + count % 2;
        let columns = usize::try_from(bytes / (8 * padded as u64)).unwrap_or(usize::MAX);
        let width = columns.clamp(STRIP, chosen.max(STRIP)).next_multiple_of(LANES);
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
        let rows = memory::filled("a block of all snapshots", padded.saturating_mul(width), 0.0)?;
        Ok(Self { layout, snapshots, pieces, rows, width, count })
    }

    /// The ranges of each block.
    pub(super) fn pieces(&self) -> &[Vec<Range<usize>>] {
        &self.pieces
    }

    /// The differences of the block that was read last: a row for each snapshot.
    pub(super) fn rows(&self) -> Vec<&[f64]> {
        self.rows.chunks_exact(self.width).take(self.count).collect()
    }

    /// Reads a block.
    pub(super) fn read<S: Scalar>(&mut self, block: usize) -> Result<()>
    where
        P: Snapshots<S>,
    {
        let (layout, snapshots, pieces) = (self.layout, self.snapshots, &self.pieces[block]);
        let rows = self.rows.par_chunks_exact_mut(self.width).take(self.count).enumerate();
        let read: Vec<Result<()>> = rows
            .map_init(Vec::new, |scratch: &mut Vec<S>, (index, row)| {
                row.fill(0.0);
                let mut at = 0;
                for range in pieces {
                    scratch.clear();
                    scratch.resize(range.len(), S::zero());
                    snapshots.read(index, range.clone(), scratch)?;
                    for (out, value) in row[at..at + range.len()].iter_mut().zip(&*scratch) {
                        *out = value.as_f64();
                    }
                    if let Some(bad) = scratch.iter().position(|value| !value.is_finite()) {
                        let name = || snapshots.name(index);
                        return Err(non_finite(layout, name, range.start + bad, scratch[bad].as_f64()));
                    }
                    at += range.len();
                }
                Ok(())
            })
            .collect();
        // The first in order, whichever thread found its own first.
        read.into_iter().collect::<Result<()>>()?;
        let (others, rest) = self.rows.split_at_mut((self.count - 1) * self.width);
        let last = &mut rest[..self.width];
        others.par_chunks_exact_mut(self.width).for_each(|row| {
            row.iter_mut().zip(&*last).for_each(|(value, last)| *value -= last);
        });
        last.fill(0.0);
        Ok(())
    }

    /// The Gram matrix [count, count] of the differences from the last snapshot. The sums of an entry are the same
    /// whichever thread computes them.
    pub(super) fn gram<S: Scalar>(&mut self) -> Result<Vec<f64>>
    where
        P: Snapshots<S>,
    {
        let (t, padded) = (self.count, self.count + self.count % 2);
        let mut upper =
            memory::filled("the Gram matrix of the snapshots", padded.saturating_mul(padded), 0.0)?;
        for block in 0..self.pieces.len() {
            self.read::<S>(block)?;
            let (rows, width) = (&self.rows, self.width);
            upper.par_chunks_exact_mut(2 * padded).enumerate().for_each(|(pair, out)| {
                let (above, below) = out.split_at_mut(padded);
                add_products(rows, width, 2 * pair, above, below);
            });
        }
        let mut gram = memory::filled("the Gram matrix of the snapshots", t * t, 0.0)?;
        for i in 0..t {
            for j in i..t {
                gram[i * t + j] = upper[i * padded + j];
                gram[j * t + i] = upper[i * padded + j];
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

/// Adds the inner products of rows `first` and `first` + 1 with themselves and all rows after them.
fn add_products(rows: &[f64], width: usize, first: usize, above: &mut [f64], below: &mut [f64]) {
    let row = |index: usize, strip: &Range<usize>| {
        let start = index * width;
        &rows[start + strip.start..start + strip.end]
    };
    for start in (0..width).step_by(STRIP) {
        let strip = start..width.min(start + STRIP);
        let left = [row(first, &strip), row(first + 1, &strip)];
        for second in (first..above.len()).step_by(2) {
            let sums = products(left, [row(second, &strip), row(second + 1, &strip)]);
            for (k, [a, b]) in [[sums[0], sums[2]], [sums[1], sums[3]]].into_iter().enumerate() {
                above[second + k] += a;
                below[second + k] += b;
            }
        }
    }
}

/// ⟨a, c⟩, ⟨a, d⟩, ⟨b, c⟩ and ⟨b, d⟩: four products for four rows read.
fn products([a, b]: [&[f64]; 2], [c, d]: [&[f64]; 2]) -> [f64; 4] {
    let mut sums = [[0.0; LANES]; 4];
    let [a, b, c, d] = [a, b, c, d].map(|row| row.as_chunks::<LANES>().0);
    for (((a, b), c), d) in a.iter().zip(b).zip(c).zip(d) {
        for lane in 0..LANES {
            sums[0][lane] += a[lane] * c[lane];
            sums[1][lane] += a[lane] * d[lane];
            sums[2][lane] += b[lane] * c[lane];
            sums[3][lane] += b[lane] * d[lane];
        }
    }
    sums.map(|[a, b, c, d]| (a + b) + (c + d))
}

fn non_finite(layout: &Layout, name: impl FnOnce() -> String, position: usize, value: f64) -> Error {
    let (block, index) =
        layout.locate(position).map_or_else(Default::default, |(b, i)| (b.name().to_owned(), i));
    Error::NonFinite { what: name(), block, index, value }
}
