//! The choice of an instruction set, once for each call of a kernel.

#![allow(clippy::inline_always, reason = "only what is inlined is compiled for the chosen instruction set")]

use pulp::{Arch, Scalar128b, Simd, WithSimd};

/// Runs a task compiled for the best instruction set that the processor has.
#[inline]
pub(crate) fn dispatch<T: WithSimd>(task: T) -> T::Output {
    #[cfg(test)]
    if let Some(set) = forced::chosen() {
        return forced::run(set, Portable(task));
    }
    Arch::new().dispatch(Portable(task))
}

/// Takes four lanes at a time where nothing is known of the processor: every x86-64 has SSE2, and the
/// compiler turns these into its instructions.
struct Portable<T>(T);

impl<T: WithSimd> WithSimd for Portable<T> {
    type Output = T::Output;
    #[inline(always)]
    fn with_simd<V: Simd>(self, simd: V) -> T::Output {
        if V::F32_LANES == 1 { self.0.with_simd(Scalar128b) } else { self.0.with_simd(simd) }
    }
}

/// Forcing an instruction set, so that tests run every one that the machine has.
#[cfg(test)]
pub(crate) mod forced {
    use std::cell::Cell;

    use super::*;

    #[derive(Clone, Copy, Debug)]
    pub(crate) enum InstructionSet {
        Baseline,
        #[cfg(target_arch = "x86_64")]
        V3(pulp::x86::V3),
        #[cfg(target_arch = "x86_64")]
        V4(pulp::x86::V4),
    }

    thread_local!(static FORCED: Cell<Option<InstructionSet>> = const { Cell::new(None) });

    pub(super) fn chosen() -> Option<InstructionSet> {
        FORCED.get()
    }

    pub(super) fn run<T: WithSimd>(set: InstructionSet, task: T) -> T::Output {
        match set {
            InstructionSet::Baseline => task.with_simd(pulp::Scalar),
            #[cfg(target_arch = "x86_64")]
            InstructionSet::V3(simd) => Simd::vectorize(simd, task),
            #[cfg(target_arch = "x86_64")]
            InstructionSet::V4(simd) => Simd::vectorize(simd, task),
        }
    }

    /// Every instruction set of this machine.
    pub(crate) fn all() -> Vec<InstructionSet> {
        #[allow(unused_mut, reason = "only x86-64 has more")]
        let mut all = vec![InstructionSet::Baseline];
        #[cfg(target_arch = "x86_64")]
        {
            all.extend(pulp::x86::V3::try_new().map(InstructionSet::V3));
            all.extend(pulp::x86::V4::try_new().map(InstructionSet::V4));
        }
        all
    }

    /// Runs `work` on this thread with one instruction set.
    pub(crate) fn with<R>(set: InstructionSet, work: impl FnOnce() -> R) -> R {
        FORCED.set(Some(set));
        let result = work();
        FORCED.set(None);
        result
    }
}
