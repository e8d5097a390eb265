//! Memory that is asked for, and refused as an error instead of an abort.

use crate::error::{Error, Result};

/// Makes room for `additional` more values at the end of a vector.
pub(crate) fn reserve<T>(vector: &mut Vec<T>, what: &'static str, additional: usize) -> Result<()> {
    vector.try_reserve(additional).map_err(|_| Error::OutOfMemory {
        what,
        bytes: (additional as u64).saturating_mul(size_of::<T>() as u64),
    })
}

/// An empty vector with room for `len` values.
pub(crate) fn with_room<T>(what: &'static str, len: usize) -> Result<Vec<T>> {
    let mut vector = Vec::new();
    reserve(&mut vector, what, len)?;
    Ok(vector)
}

/// Whether the system would give memory for `len` values; nothing is kept.
pub(crate) fn ensure_room<T>(what: &'static str, len: usize) -> Result<()> {
    with_room::<T>(what, len).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_system_does_not_give_is_an_error_with_its_size() {
        assert!(with_room::<f32>("a little", 10).unwrap().capacity() >= 10);
        for len in [usize::MAX, usize::MAX / 8] {
            let error = ensure_room::<f64>("too much", len).unwrap_err();
            assert!(
                matches!(error, Error::OutOfMemory { what: "too much", bytes } if bytes >= len as u64),
                "{error}"
            );
        }
    }
}
