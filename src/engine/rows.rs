//! Consecutive points of a stage, with the room for their values and flags.

use std::{mem::take, ops::Range};

use super::journal::Known;
use crate::{Result, memory::filled};

/// What memory is asked for.
const VALUES: &str = "the values of the grid";

/// The numbers of the points of a stage, by their positions in it.
#[derive(Clone, Copy)]
enum Numbers<'a> {
    /// Those of a draw, or of the whole sweep, in their order.
    Consecutive,
    Listed(&'a [usize]),
}

/// Consecutive points of a stage: a row of values for each, by data set and channel, and a flag that says whether it
/// is finished.
pub(super) struct Rows<'v> {
    numbers: Numbers<'v>,
    /// The position of the first row in its stage; of consecutive points its number.
    first: usize,
    /// Values of a row.
    stride: usize,
    values: &'v mut [f64],
    computed: &'v mut [bool],
}

/// Room for the points of a stage that do not lie together in the result.
pub(super) struct Room {
    values: Vec<f64>,
    computed: Vec<bool>,
}

impl<'v> Rows<'v> {
    /// The points of a range, in the place of the result.
    pub(super) fn consecutive(found: &'v mut Known, points: Range<usize>) -> Self {
        let Known { stride, values, computed, .. } = found;
        let values = &mut values[points.start * *stride..points.end * *stride];
        let (first, computed) = (points.start, &mut computed[points]);
        Self { numbers: Numbers::Consecutive, first, stride: *stride, values, computed }
    }

    pub(super) fn len(&self) -> usize {
        self.computed.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.computed.is_empty()
    }

    /// The number of the point of a row.
    pub(super) fn number(&self, row: usize) -> usize {
        match self.numbers {
            Numbers::Consecutive => self.first + row,
            Numbers::Listed(points) => points[self.first + row],
        }
    }

    /// The numbers of all points.
    pub(super) fn numbers(&self) -> impl Iterator<Item = usize> {
        (0..self.len()).map(|row| self.number(row))
    }

    /// The points with their values.
    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = (usize, &[f64])> {
        self.values.chunks_exact(self.stride).enumerate().map(|(row, values)| (self.number(row), values))
    }

    /// The values that one data set of `channels` channels has in a row.
    pub(super) fn of_set(&mut self, row: usize, set: usize, channels: usize) -> &mut [f64] {
        &mut self.values[row * self.stride + set * channels..][..channels]
    }

    pub(super) fn mark_computed(&mut self) {
        self.computed.fill(true);
    }

    /// Takes back what was written for points that are not to count.
    pub(super) fn forget(&mut self) {
        self.values.fill(f64::NAN);
    }

    /// Takes the first `count` rows off.
    pub(super) fn take_front(&mut self, count: usize) -> Self {
        let (values, values_left) = take(&mut self.values).split_at_mut(count * self.stride);
        let (computed, computed_left) = take(&mut self.computed).split_at_mut(count);
        let front = Self { values, computed, ..*self };
        (self.values, self.computed, self.first) = (values_left, computed_left, self.first + count);
        front
    }

    /// The same rows in runs of `count`; the last one may be shorter.
    pub(super) fn batches(mut self, count: usize) -> impl Iterator<Item = Self> {
        std::iter::from_fn(move || (!self.is_empty()).then(|| self.take_front(count.min(self.len()))))
    }

    /// The same rows for a shorter time.
    pub(super) fn reborrow(&mut self) -> Rows<'_> {
        Rows { values: self.values, computed: self.computed, ..*self }
    }
}

impl Room {
    /// For at most `points` points of a stage, each of `stride` values.
    pub(super) fn new(points: usize, stride: usize) -> Result<Self> {
        Ok(Self {
            values: filled(VALUES, points * stride, f64::NAN)?,
            computed: filled(VALUES, points, false)?,
        })
    }

    /// Rows for these points, none of them computed.
    pub(super) fn rows<'v>(&'v mut self, points: &'v [usize], stride: usize) -> Rows<'v> {
        let values = &mut self.values[..points.len() * stride];
        let computed = &mut self.computed[..points.len()];
        values.fill(f64::NAN);
        computed.fill(false);
        Rows { numbers: Numbers::Listed(points), first: 0, stride, values, computed }
    }

    /// Copies the rows of these points to their places in the result.
    pub(super) fn copy_to(&self, points: &[usize], found: &mut Known) {
        let rows = self.values.chunks_exact(found.stride).zip(&self.computed);
        for (&point, (values, &computed)) in points.iter().zip(rows) {
            found.values[point * found.stride..][..found.stride].copy_from_slice(values);
            found.computed[point] = computed;
        }
    }
}
