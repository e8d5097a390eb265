//! Loops over plain slices, compiled once for each instruction set and chosen at run time.

#![allow(clippy::inline_always, reason = "only what is inlined is compiled for the chosen instruction set")]

use pulp::{Simd, WithSimd};

use crate::dispatch::dispatch;

/// A loop and its arguments.
///
/// It is a struct and not a closure: the compiler may leave a closure's body out of line, compiled for the
/// oldest processor (measured: a whole sweep takes 8 times as long). For the same reason `apply` must be
/// `#[inline(always)]`.
pub(crate) trait Elementwise {
    /// Does the work.
    fn apply(self);
}

/// Runs a loop compiled for the best instruction set that the processor has.
#[inline]
pub(crate) fn run(kernel: impl Elementwise) {
    dispatch(ForAnySimd(kernel));
}

struct ForAnySimd<K>(K);

impl<K: Elementwise> WithSimd for ForAnySimd<K> {
    type Output = ();
    #[inline(always)]
    fn with_simd<V: Simd>(self, _: V) {
        self.0.apply();
    }
}
