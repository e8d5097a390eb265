//! Allocations that report an error where the system has no memory, instead of aborting.

use crate::{Error, Result};

/// A vector of `len` copies of one value, or an error that says what it was for.
pub(crate) fn filled<T: Clone>(what: &'static str, len: usize, value: T) -> Result<Vec<T>> {
    let mut vector = with_capacity(what, len)?;
    vector.resize(len, value);
    Ok(vector)
}

/// An empty vector with room for `len` values, or an error that says what it was for.
pub(crate) fn with_capacity<T>(what: &'static str, len: usize) -> Result<Vec<T>> {
    let mut vector = Vec::new();
    vector.try_reserve_exact(len).map_err(|_| Error::OutOfMemory {
        what,
        bytes: (len as u64).saturating_mul(size_of::<T>() as u64),
    })?;
    Ok(vector)
}
