//! Scratch memory that threads take and give back.

use std::sync::{Mutex, PoisonError};

/// Pieces of memory; there are never more than threads use at once.
#[derive(Debug, Default)]
pub(crate) struct ScratchPool<T>(Mutex<Vec<T>>);

impl<T> ScratchPool<T> {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    /// Works with a piece of memory, a new one if all are in use.
    pub(crate) fn with<R>(&self, new: impl FnOnce() -> T, work: impl FnOnce(&mut T) -> R) -> R {
        let taken = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut piece = taken.unwrap_or_else(new);
        let result = work(&mut piece);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(piece);
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_used_again_and_never_by_two() {
        let pool = ScratchPool::new();
        let inner = |made: usize| pool.with(|| vec![made], |piece| piece[0]);
        assert_eq!(inner(1), 1);
        assert_eq!(inner(2), 1, "taken again");
        let both = pool.with(|| vec![3], |outer| (outer[0], inner(4)));
        assert_eq!(both, (1, 4), "a new one while the first is in use");
    }
}
