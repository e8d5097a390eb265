//! How alike the units of two parameter vectors are.

use ndarray::{Array2, ArrayView2, linalg::general_mat_mul};
use rayon::prelude::*;

use super::{
    PermutationSpec,
    permutations::{LEFT_OUT, gather},
    specification::Place,
};
use crate::{Block, Result, Scalar, memory};

/// Rows of a matrix of similarities that one thread computes at a time.
const ROWS: usize = 64;

/// Two parameter vectors, and which blocks of them count.
pub(super) struct Pair<'a, S> {
    pub(super) spec: &'a PermutationSpec,
    pub(super) a: &'a [S],
    pub(super) b: &'a [S],
    pub(super) counted: Vec<bool>,
}

impl<S: Scalar> Pair<'_, S> {
    fn block(&self, number: usize) -> &Block {
        &self.spec.layout().blocks()[number]
    }

    /// Those places of a group that count.
    fn places(&self, group: usize) -> impl Iterator<Item = Place> {
        self.spec.places(group).iter().copied().filter(|place| self.counted[place.block])
    }

    /// The blocks of a group that count, each once.
    pub(super) fn blocks_of(&self, group: usize) -> Vec<usize> {
        let mut blocks: Vec<usize> = self.places(group).map(|place| place.block).collect();
        blocks.sort_unstable();
        blocks.dedup();
        blocks
    }

    /// Whether a block has the group on two axes, so that the inner product is not linear in its permutation.
    pub(super) fn is_quadratic(&self, group: usize) -> bool {
        let on_another = |place: &Place| {
            let all = self.spec.on_block(place.block);
            all.iter().any(|other| other.group == group && other.axis != place.axis)
        };
        self.places(group).any(|place| on_another(&place))
    }

    /// The inner product of a block of a with that of b in these orders.
    pub(super) fn of_block(&self, number: usize, orders: &[Vec<usize>]) -> Result<f64> {
        let b = self.permuted(number, orders, |_| true, None)?;
        Ok(self.block(number).slice(self.a)?.iter().zip(&b).map(|(a, b)| a.as_f64() * b).sum())
    }

    /// The inner products of all blocks that count, 0 for the others.
    pub(super) fn of_blocks(&self, orders: &[Vec<usize>]) -> Result<Vec<f64>> {
        let numbers = 0..self.counted.len();
        numbers
            .map(|number| if self.counted[number] { self.of_block(number, orders) } else { Ok(0.0) })
            .collect()
    }

    /// For each unit of a and each of b the inner product of their parameters, where all other groups are in these
    /// orders. With `decided` only parameters count that lie on no axis of an undecided group beside this one.
    pub(super) fn of_units(
        &self,
        group: usize,
        orders: &[Vec<usize>],
        decided: Option<&[bool]>,
    ) -> Result<Array2<f64>> {
        let units = self.spec.groups()[group].units();
        let mut sums = memory::filled("similarities of units", units.saturating_mul(units), 0.0)?;
        for place in self.places(group) {
            let block = self.block(place.block);
            let known = |other| decided.is_none_or(|decided| decided[other]);
            let mut left = memory::with_capacity("a block of parameters", block.len())?;
            left.extend(block.slice(self.a)?.iter().map(|value| value.as_f64()));
            let left = rows(left, block.shape(), place, units)?;
            let right =
                rows(self.permuted(place.block, orders, known, Some(place))?, block.shape(), place, units)?;
            let width = left.len() / units;
            let right = view(&right, width).reversed_axes();
            sums.par_chunks_mut(ROWS * units).zip(left.par_chunks(ROWS * width)).for_each(|(sums, left)| {
                let mut sums = view_mut(sums, units);
                general_mat_mul(1.0, &view(left, width), &right, 1.0, &mut sums);
            });
        }
        #[expect(clippy::expect_used, reason = "made with this length")]
        Ok(Array2::from_shape_vec((units, units), sums).expect("a sum for each pair"))
    }

    /// A block of b in these orders, with zeros on axes of other groups that are not known; at `still` units stay where
    /// they are.
    fn permuted(
        &self,
        number: usize,
        orders: &[Vec<usize>],
        known: impl Fn(usize) -> bool,
        still: Option<Place>,
    ) -> Result<Vec<f64>> {
        let block = self.block(number);
        let mut maps = self.spec.maps(number, orders);
        for on in self.spec.on_block(number) {
            let here = still.is_some_and(|place| (place.axis, place.start) == (on.axis, on.start));
            if let Some(map) = &mut maps[on.axis] {
                let covered = on.start..on.start + on.units * on.run;
                if here {
                    map[covered.clone()].iter_mut().zip(covered).for_each(|(source, index)| *source = index);
                } else if !known(on.group) {
                    map[covered].fill(LEFT_OUT);
                }
            }
        }
        let mut out = memory::filled("a block of parameters", block.len(), 0.0)?;
        gather(block.shape(), &maps, block.slice(self.b)?, &mut out, 0.0, Scalar::as_f64);
        Ok(out)
    }

    /// How many of a group's parameters lie on no axis of an undecided group beside it, as a share of all.
    pub(super) fn share_decided(&self, group: usize, decided: &[bool]) -> f64 {
        let (mut all, mut known) = (0.0, 0.0);
        for place in self.places(group) {
            let shape = self.block(place.block).shape();
            let own = (self.spec.groups()[group].units() * place.run) as f64;
            let others = || shape.iter().enumerate().filter(|(axis, _)| *axis != place.axis);
            all += own * others().map(|(_, length)| *length as f64).product::<f64>();
            let open = |axis: usize| -> usize {
                let on = self.spec.on_block(place.block).iter();
                on.filter(|on| on.axis == axis && !decided[on.group]).map(|on| on.units * on.run).sum()
            };
            known += own * others().map(|(axis, length)| (length - open(axis)) as f64).product::<f64>();
        }
        if all > 0.0 { known / all } else { 0.0 }
    }

    /// The norms of each unit's parameters in a and in b, which no permutation changes.
    pub(super) fn unit_norms(&self, group: usize) -> Result<[Vec<f64>; 2]> {
        let units = self.spec.groups()[group].units();
        let norms = |theta: &[S]| -> Result<Vec<f64>> {
            let mut squares = vec![0.0; units];
            for place in self.places(group) {
                let block = self.block(place.block);
                let values = block.slice(theta)?.iter().map(|value| value.as_f64()).collect();
                let values = rows(values, block.shape(), place, units)?;
                for (square, row) in squares.iter_mut().zip(values.chunks_exact(values.len() / units)) {
                    *square += row.iter().map(|value| value * value).sum::<f64>();
                }
            }
            Ok(squares.into_iter().map(f64::sqrt).collect())
        };
        Ok([norms(self.a)?, norms(self.b)?])
    }
}

/// The parameters of each unit at a place side by side: [units, all else].
fn rows(mut values: Vec<f64>, shape: &[usize], place: Place, units: usize) -> Result<Vec<f64>> {
    let inner: usize = shape[place.axis + 1..].iter().product();
    let outer: usize = shape[..place.axis].iter().product();
    let (length, run) = (shape[place.axis] * inner, place.run * inner);
    let from = place.start * inner;
    if outer == 1 {
        values.truncate(from + units * run);
        values.drain(..from);
        return Ok(values);
    }
    let mut out = memory::with_capacity("the parameters of units", units * outer * run)?;
    for unit in 0..units {
        for slab in values.chunks_exact(length) {
            out.extend_from_slice(&slab[from + unit * run..from + (unit + 1) * run]);
        }
    }
    Ok(out)
}

#[expect(clippy::expect_used, reason = "chunks are of whole rows")]
fn view(values: &[f64], width: usize) -> ArrayView2<'_, f64> {
    ArrayView2::from_shape((values.len() / width, width), values).expect("whole rows")
}

#[expect(clippy::expect_used, reason = "chunks are of whole rows")]
fn view_mut(values: &mut [f64], width: usize) -> ndarray::ArrayViewMut2<'_, f64> {
    let rows = values.len() / width;
    ndarray::ArrayViewMut2::from_shape((rows, width), values).expect("whole rows")
}
