//! The choice of an instruction set, once for each call of a kernel.

#![allow(clippy::inline_always, reason = "only what is inlined is compiled for the chosen instruction set")]

use pulp::{Scalar128b, Simd, WithSimd};

use crate::instruction_set::InstructionSet;

/// Runs a task compiled for the best instruction set that the processor has.
#[inline]
pub(crate) fn dispatch<T: WithSimd>(task: T) -> T::Output {
    InstructionSet::current().0.dispatch(Portable(task))
}

/// Takes four lanes at a time where nothing is known of the processor: every x86-64 has SSE2, and the
/// compiler turns these into its instructions.
struct Portable<T>(T);

impl<T: WithSimd> WithSimd for Portable<T> {
    type Output = T::Output;
    #[inline(always)]
    fn with_simd<V: Simd>(self, simd: V) -> T::Output {
        // A constant, so that the branch not taken is never compiled.
        if const { V::F32_LANES == 1 } { self.0.with_simd(Scalar128b) } else { self.0.with_simd(simd) }
    }
}
