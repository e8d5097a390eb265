//! Which points of a map are computed, stage by stage: all of them from coarse to fine, then again those that do
//! not agree with their neighbours, and at the end a random sample, the audit.
//!
//! A point found warm starts from neighbours that may be up to eight cells away, and can miss an eigenvector that
//! is extreme on a few cells alone. When the map is whole, its nearest neighbours are known too, which it did not
//! start from: where none of the pairs on opposite sides of it leads to expect its ratio, it is computed again, cold
//! and certified; then its neighbours are looked at anew, until all agree.

use std::vec::IntoIter;

use ndarray_rand::rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{order, point::CHANNELS, ratio_state::RatioState, store::Stores};
use crate::engine::stages::Choice;

/// How far from the means of all pairs of its nearest neighbours a ratio may be, as a multiple of the tolerance.
const DEVIATION: f64 = 0.5;

/// The stages of a map with warm starts.
pub(super) struct Refinement<'s> {
    /// What is left of the first pass.
    first: IntoIter<Vec<usize>>,
    stores: &'s Stores,
    rows: usize,
    columns: usize,
    sets: usize,
    tolerance: f64,
    /// The points computed again.
    again: Vec<bool>,
    /// How many the audit draws, and from which seed; none when it was.
    audit: Option<(usize, u64)>,
}

impl<'s> Refinement<'s> {
    /// `stages` are those of the first pass.
    pub(super) fn new(
        [rows, columns]: [usize; 2],
        stages: Vec<Vec<usize>>,
        sets: usize,
        tolerance: f64,
        audit: (usize, u64),
        stores: &'s Stores,
    ) -> Self {
        Self {
            first: stages.into_iter(),
            stores,
            rows,
            columns,
            sets,
            tolerance,
            again: vec![false; rows * columns],
            audit: Some(audit),
        }
    }

    /// The signed ratio at a point, by the values that count so far.
    fn ratio(&self, values: &[f64], point: usize, set: usize) -> f64 {
        let row = if self.again[point] { self.again.len() + point } else { point };
        let at = (row * self.sets + set) * CHANNELS.len();
        values[at] / values[at + 1]
    }

    /// Whether no pair of nearest neighbours leads to expect the ratio at a point.
    fn deviates(&self, values: &[f64], point: usize, set: usize) -> bool {
        let ratio = self.ratio(values, point, set);
        let room = DEVIATION * self.tolerance * ratio.abs().max(1.0);
        let mut least = f64::INFINITY;
        for [one, other] in
            order::nearest(point / self.columns, point % self.columns, self.rows, self.columns)
        {
            let mean = self.ratio(values, one, set).midpoint(self.ratio(values, other, set));
            if mean.is_finite() {
                least = least.min((ratio - mean).abs());
            }
        }
        least > room && least.is_finite()
    }

    /// Points for which `wanted` holds on one of the data sets, and which are not computed again yet.
    fn open(&self, wanted: impl Fn(usize, usize) -> bool) -> Vec<usize> {
        let any = |point: usize| (0..self.sets).any(|set| wanted(point, set));
        (0..self.again.len()).filter(|&point| !self.again[point] && any(point)).collect()
    }

    fn ask(&mut self, points: &[usize]) -> Vec<usize> {
        for &point in points {
            self.again[point] = true;
        }
        points.iter().map(|point| self.again.len() + point).collect()
    }

    fn draw(&self, count: usize, seed: u64) -> Vec<usize> {
        let mut open = self.open(|point, set| {
            self.stores.get(set).first(point).is_some_and(|run| run.state == RatioState::Warm)
        });
        let mut generator = ChaCha8Rng::seed_from_u64(seed);
        // Points have the streams from 0 on.
        generator.set_stream(u64::MAX);
        let count = count.min(open.len());
        for k in 0..count {
            let other = generator.random_range(k as u64..open.len() as u64) as usize;
            open.swap(k, other);
        }
        open.truncate(count);
        open.sort_unstable();
        open
    }
}

impl Choice for Refinement<'_> {
    fn most(&self) -> usize {
        self.again.len()
    }

    fn next(&mut self, values: &[f64], _: &[bool]) -> Vec<usize> {
        self.stores.end_stage();
        if let Some(stage) = self.first.next() {
            return stage;
        }
        self.stores.audit(false);
        let flagged = self.open(|point, set| {
            self.stores.get(set).first(point).is_some_and(|run| run.by_accord)
                && self.deviates(values, point, set)
        });
        if !flagged.is_empty() {
            return self.ask(&flagged);
        }
        let Some((count, seed)) = self.audit.take() else { return Vec::new() };
        let drawn = self.draw(count, seed);
        self.stores.audit(true);
        self.ask(&drawn)
    }
}
