//! Kernels over tensors whose innermost axis is samples: convolutions and what goes with them.

mod buffer;
mod filters;
mod finish;
mod lanes;
mod lines;
mod planes;
mod shape;
mod slopes;
mod three;

pub(crate) use lanes::Lanes;

pub(crate) use buffer::{Buffer, zeros};
pub(crate) use filters::{BLOCK, Filters};
pub(crate) use finish::{Finish, FinishVectors};
#[cfg(test)]
pub(crate) use lanes::paths;
pub(crate) use lanes::{LANES, dispatch};
pub(crate) use lines::{Lines, MAX_SIDE, Way};
pub(crate) use planes::{Planes, Term, dot_planes, sum_planes};
pub(crate) use shape::Shape;
pub(crate) use slopes::{Slopes, fold};
pub(crate) use three::Three;

/// Inputs and the packed filters to convolve them with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Source<'a, S> {
    pub(crate) x: &'a [S],
    pub(crate) filters: &'a [S],
}

#[cfg(test)]
mod tests;
