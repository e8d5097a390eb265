//! The values of a sweep, before they take the shape of a curve or a surface.

use super::SweepReport;
use crate::{Error, Result};

/// The values of a sweep, [point, data set × channel], and what it says of itself.
pub(crate) struct Swept {
    pub(crate) alpha: Vec<f64>,
    /// 0 alone on a line.
    pub(crate) beta: Vec<f64>,
    pub(crate) values: Vec<f64>,
    pub(crate) computed: Vec<bool>,
    pub(crate) channels: Vec<String>,
    pub(crate) report: SweepReport,
}

/// A vector of one value, if there is memory for it.
pub(crate) fn filled<T: Clone>(len: usize, value: T) -> Result<Vec<T>> {
    let mut vector = Vec::new();
    vector.try_reserve_exact(len).map_err(|_| Error::OutOfMemory {
        what: "the values of the grid",
        bytes: (len as u64).saturating_mul(size_of::<T>() as u64),
    })?;
    vector.resize(len, value);
    Ok(vector)
}
