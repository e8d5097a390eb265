//! The instruction sets that kernels are compiled for, and the one that a thread uses.

use std::cell::Cell;

use pulp::Arch;

/// An instruction set that this machine has.
///
/// Kernels take the best one. Tests force each in turn, to see that all give the same.
#[derive(Clone, Copy, Debug)]
pub struct InstructionSet(pub(crate) Arch);

thread_local!(static FORCED: Cell<Option<InstructionSet>> = const { Cell::new(None) });

impl InstructionSet {
    /// The one that kernels on this thread use now.
    #[inline]
    pub(crate) fn current() -> Self {
        FORCED.get().unwrap_or_else(|| Self(Arch::new()))
    }

    /// Every one of this machine, from the oldest to the newest.
    pub fn all() -> Vec<Self> {
        #[allow(unused_mut, reason = "not every processor has more")]
        let mut all = vec![Self(Arch::Scalar)];
        #[cfg(target_arch = "x86_64")]
        {
            all.extend(pulp::x86::V3::try_new().map(Arch::V3).map(Self));
            all.extend(pulp::x86::V4::try_new().map(Arch::V4).map(Self));
        }
        all
    }

    /// Does `work` with this instruction set: all kernels that the calling thread runs meanwhile, and no others.
    pub fn force<R>(self, work: impl FnOnce() -> R) -> R {
        /// Lets go even if `work` panics.
        struct Before(Option<InstructionSet>);

        impl Drop for Before {
            fn drop(&mut self) {
                FORCED.set(self.0);
            }
        }

        let _before = Before(FORCED.replace(Some(self)));
        work()
    }
}
