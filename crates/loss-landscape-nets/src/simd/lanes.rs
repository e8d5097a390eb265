//! Vectors of whatever width the processor has, chosen at run time: what the convolution kernels are written in.

#![allow(clippy::inline_always, reason = "only what is inlined is compiled for the chosen instruction set")]

use pulp::{Arch, Scalar128b, Simd, WithSimd};

/// Samples that lie side by side in memory, one in each lane: the innermost axis of every tensor.
///
/// It is the width of an AVX-512 register of `f32`. Narrower registers go over the lanes in parts,
/// so that each lane sees the same operations in the same order whatever the processor has.
pub(crate) const LANES: usize = 16;

/// A scalar with vectors of the width that `V` offers.
pub trait Lanes: Copy + Sized {
    /// The vector.
    type Vector<V: Simd>: Copy;
    /// How many vectors cover [`LANES`].
    fn parts<V: Simd>() -> usize;
    /// The slice as vectors, the rest cut off.
    fn vectors<V: Simd>(slice: &[Self]) -> &[Self::Vector<V>];
    /// The slice as vectors to write to, the rest cut off.
    fn vectors_mut<V: Simd>(slice: &mut [Self]) -> &mut [Self::Vector<V>];
    /// The same value in every lane.
    fn splat<V: Simd>(simd: V, value: Self) -> Self::Vector<V>;
    /// a + b.
    fn sum<V: Simd>(simd: V, a: Self::Vector<V>, b: Self::Vector<V>) -> Self::Vector<V>;
    /// a·b + c, rounded once where the processor can.
    fn fma<V: Simd>(simd: V, a: Self::Vector<V>, b: Self::Vector<V>, c: Self::Vector<V>) -> Self::Vector<V>;
    /// 0 where `by` ≤ 0, else `value`: where a ReLU gave NaN, derivatives pass.
    fn where_positive<V: Simd>(simd: V, by: Self::Vector<V>, value: Self::Vector<V>) -> Self::Vector<V>;
    /// 0 where `value` < 0, else `value`; NaN stays.
    fn relu<V: Simd>(simd: V, value: Self::Vector<V>) -> Self::Vector<V>;
}

macro_rules! lanes {
    ($scalar:ty, $vector:ident, $lanes:ident, $as:ident, $as_mut:ident, $splat:ident, $add:ident, $mul_add:ident, $less:ident, $less_or_equal:ident, $select:ident) => {
        impl Lanes for $scalar {
            type Vector<V: Simd> = V::$vector;
            #[inline(always)]
            fn parts<V: Simd>() -> usize {
                LANES / V::$lanes
            }
            #[inline(always)]
            fn vectors<V: Simd>(slice: &[Self]) -> &[V::$vector] {
                V::$as(slice).0
            }
            #[inline(always)]
            fn vectors_mut<V: Simd>(slice: &mut [Self]) -> &mut [V::$vector] {
                V::$as_mut(slice).0
            }
            #[inline(always)]
            fn splat<V: Simd>(simd: V, value: Self) -> V::$vector {
                simd.$splat(value)
            }
            #[inline(always)]
            fn sum<V: Simd>(simd: V, a: V::$vector, b: V::$vector) -> V::$vector {
                simd.$add(a, b)
            }
            #[inline(always)]
            fn fma<V: Simd>(simd: V, a: V::$vector, b: V::$vector, c: V::$vector) -> V::$vector {
                simd.$mul_add(a, b, c)
            }
            #[inline(always)]
            fn where_positive<V: Simd>(simd: V, by: V::$vector, value: V::$vector) -> V::$vector {
                let zero = simd.$splat(0.0);
                simd.$select(simd.$less_or_equal(by, zero), zero, value)
            }
            #[inline(always)]
            fn relu<V: Simd>(simd: V, value: V::$vector) -> V::$vector {
                let zero = simd.$splat(0.0);
                simd.$select(simd.$less(value, zero), zero, value)
            }
        }
    };
}
lanes!(
    f32,
    f32s,
    F32_LANES,
    as_simd_f32s,
    as_mut_simd_f32s,
    splat_f32s,
    add_f32s,
    mul_add_e_f32s,
    less_than_f32s,
    less_than_or_equal_f32s,
    select_f32s
);
lanes!(
    f64,
    f64s,
    F64_LANES,
    as_simd_f64s,
    as_mut_simd_f64s,
    splat_f64s,
    add_f64s,
    mul_add_e_f64s,
    less_than_f64s,
    less_than_or_equal_f64s,
    select_f64s
);

/// Whether kernels may hold 24 vectors at once: AVX-512 and NEON have 32 registers, AVX2 has 16.
#[inline(always)]
pub(crate) fn many_registers<V: Simd>() -> bool {
    V::F32_LANES == LANES || cfg!(target_arch = "aarch64")
}

/// Runs a task compiled for the best instruction set that the processor has.
#[inline]
pub(crate) fn dispatch<T: WithSimd>(task: T) -> T::Output {
    #[cfg(test)]
    if let Some(path) = paths::forced() {
        return paths::run(path, Portable(task));
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
pub(crate) mod paths {
    use std::cell::Cell;

    use super::*;

    #[derive(Clone, Copy, Debug)]
    pub(crate) enum Path {
        Baseline,
        #[cfg(target_arch = "x86_64")]
        V3(pulp::x86::V3),
        #[cfg(target_arch = "x86_64")]
        V4(pulp::x86::V4),
    }

    thread_local!(static FORCED: Cell<Option<Path>> = const { Cell::new(None) });

    pub(super) fn forced() -> Option<Path> {
        FORCED.get()
    }

    pub(super) fn run<T: WithSimd>(path: Path, task: T) -> T::Output {
        match path {
            Path::Baseline => task.with_simd(pulp::Scalar),
            #[cfg(target_arch = "x86_64")]
            Path::V3(simd) => Simd::vectorize(simd, task),
            #[cfg(target_arch = "x86_64")]
            Path::V4(simd) => Simd::vectorize(simd, task),
        }
    }

    /// Every path of this machine.
    pub(crate) fn all() -> Vec<Path> {
        #[allow(unused_mut, reason = "only x86-64 has more")]
        let mut all = vec![Path::Baseline];
        #[cfg(target_arch = "x86_64")]
        {
            all.extend(pulp::x86::V3::try_new().map(Path::V3));
            all.extend(pulp::x86::V4::try_new().map(Path::V4));
        }
        all
    }

    /// Runs `work` on this thread with one path.
    pub(crate) fn with<R>(path: Path, work: impl FnOnce() -> R) -> R {
        FORCED.set(Some(path));
        let result = work();
        FORCED.set(None);
        result
    }
}
