//! Losses as what a sweep measures: the oracle's own workers.

use crate::{Loss, OracleError, Prepared, Result, Slice, Worker, engine::execution::Measurement};

/// The channels of the oracle, as [`Loss`] gives them.
pub(super) struct Losses;

impl<M: Loss<D> + ?Sized, D: ?Sized> Measurement<M, D> for Losses {
    fn prepare<'p>(
        &'p self,
        model: &'p M,
        data: &'p D,
        _: usize,
        slice: &'p Slice<'p, M::Scalar>,
    ) -> Result<Option<Box<dyn Prepared + 'p>>, OracleError> {
        model.prepare(slice, data)
    }

    fn worker<'p>(
        &'p self,
        model: &'p M,
        data: &'p D,
        _: usize,
        slice: &'p Slice<'p, M::Scalar>,
    ) -> Result<Box<dyn Worker + 'p>, OracleError> {
        model.worker(slice, data)
    }
}
