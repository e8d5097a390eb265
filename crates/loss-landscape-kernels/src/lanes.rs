//! Vectors of whatever width the processor has: what the convolution kernels are written in.

#![allow(clippy::inline_always, reason = "only what is inlined is compiled for the chosen instruction set")]

use crate::kernel_scalar::KernelScalar;
use pulp::Simd;

/// Samples side by side in memory, one in each lane: the innermost axis of every tensor.
///
/// It is the width of an AVX-512 register of `f32`. Narrower registers go over the lanes in parts,
/// so that each lane sees the same operations in the same order whatever the processor has.
pub const LANES: usize = 16;

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
    /// a − b.
    fn difference<V: Simd>(simd: V, a: Self::Vector<V>, b: Self::Vector<V>) -> Self::Vector<V>;
    /// a·b + c, rounded once where the processor can.
    fn fma<V: Simd>(simd: V, a: Self::Vector<V>, b: Self::Vector<V>, c: Self::Vector<V>) -> Self::Vector<V>;
    /// 0 where `by` ≤ 0, else `value`: where a ReLU gave NaN, derivatives pass.
    fn where_positive<V: Simd>(simd: V, by: Self::Vector<V>, value: Self::Vector<V>) -> Self::Vector<V>;
    /// `value` where `x` is larger than `than` or NaN, else `other`.
    fn where_larger<V: Simd>(
        simd: V,
        x: Self::Vector<V>,
        than: Self::Vector<V>,
        value: Self::Vector<V>,
        other: Self::Vector<V>,
    ) -> Self::Vector<V>;
    /// 0 where `value` < 0, else `value`; NaN stays.
    fn relu<V: Simd>(simd: V, value: Self::Vector<V>) -> Self::Vector<V>;
}

impl Lanes for f32 {
    type Vector<V: Simd> = V::f32s;

    #[inline(always)]
    fn parts<V: Simd>() -> usize {
        LANES / V::F32_LANES
    }

    #[inline(always)]
    fn vectors<V: Simd>(slice: &[Self]) -> &[V::f32s] {
        V::as_simd_f32s(slice).0
    }

    #[inline(always)]
    fn vectors_mut<V: Simd>(slice: &mut [Self]) -> &mut [V::f32s] {
        V::as_mut_simd_f32s(slice).0
    }

    #[inline(always)]
    fn splat<V: Simd>(simd: V, value: Self) -> V::f32s {
        simd.splat_f32s(value)
    }

    #[inline(always)]
    fn sum<V: Simd>(simd: V, a: V::f32s, b: V::f32s) -> V::f32s {
        simd.add_f32s(a, b)
    }

    #[inline(always)]
    fn difference<V: Simd>(simd: V, a: V::f32s, b: V::f32s) -> V::f32s {
        simd.sub_f32s(a, b)
    }

    #[inline(always)]
    fn fma<V: Simd>(simd: V, a: V::f32s, b: V::f32s, c: V::f32s) -> V::f32s {
        simd.mul_add_e_f32s(a, b, c)
    }

    #[inline(always)]
    fn where_positive<V: Simd>(simd: V, by: V::f32s, value: V::f32s) -> V::f32s {
        let zero = simd.splat_f32s(0.0);
        simd.select_f32s(simd.less_than_or_equal_f32s(by, zero), zero, value)
    }

    #[inline(always)]
    fn where_larger<V: Simd>(simd: V, x: V::f32s, than: V::f32s, value: V::f32s, other: V::f32s) -> V::f32s {
        let unless_nan = simd.select_f32s(simd.equal_f32s(x, x), other, value);
        simd.select_f32s(simd.less_than_f32s(than, x), value, unless_nan)
    }

    #[inline(always)]
    fn relu<V: Simd>(simd: V, value: V::f32s) -> V::f32s {
        let zero = simd.splat_f32s(0.0);
        simd.select_f32s(simd.less_than_f32s(value, zero), zero, value)
    }
}

impl Lanes for f64 {
    type Vector<V: Simd> = V::f64s;

    #[inline(always)]
    fn parts<V: Simd>() -> usize {
        LANES / V::F64_LANES
    }

    #[inline(always)]
    fn vectors<V: Simd>(slice: &[Self]) -> &[V::f64s] {
        V::as_simd_f64s(slice).0
    }

    #[inline(always)]
    fn vectors_mut<V: Simd>(slice: &mut [Self]) -> &mut [V::f64s] {
        V::as_mut_simd_f64s(slice).0
    }

    #[inline(always)]
    fn splat<V: Simd>(simd: V, value: Self) -> V::f64s {
        simd.splat_f64s(value)
    }

    #[inline(always)]
    fn sum<V: Simd>(simd: V, a: V::f64s, b: V::f64s) -> V::f64s {
        simd.add_f64s(a, b)
    }

    #[inline(always)]
    fn difference<V: Simd>(simd: V, a: V::f64s, b: V::f64s) -> V::f64s {
        simd.sub_f64s(a, b)
    }

    #[inline(always)]
    fn fma<V: Simd>(simd: V, a: V::f64s, b: V::f64s, c: V::f64s) -> V::f64s {
        simd.mul_add_e_f64s(a, b, c)
    }

    #[inline(always)]
    fn where_positive<V: Simd>(simd: V, by: V::f64s, value: V::f64s) -> V::f64s {
        let zero = simd.splat_f64s(0.0);
        simd.select_f64s(simd.less_than_or_equal_f64s(by, zero), zero, value)
    }

    #[inline(always)]
    fn where_larger<V: Simd>(simd: V, x: V::f64s, than: V::f64s, value: V::f64s, other: V::f64s) -> V::f64s {
        let unless_nan = simd.select_f64s(simd.equal_f64s(x, x), other, value);
        simd.select_f64s(simd.less_than_f64s(than, x), value, unless_nan)
    }

    #[inline(always)]
    fn relu<V: Simd>(simd: V, value: V::f64s) -> V::f64s {
        let zero = simd.splat_f64s(0.0);
        simd.select_f64s(simd.less_than_f64s(value, zero), zero, value)
    }
}

/// Whether kernels may hold 24 vectors at once: AVX-512 and NEON have 32 registers, AVX2 has 16.
#[inline(always)]
pub(crate) const fn many_registers<V: Simd>() -> bool {
    V::F32_LANES == LANES || cfg!(target_arch = "aarch64")
}

/// The sum of the lanes, by halves.
#[inline(always)]
pub(crate) fn sum_lanes<S: KernelScalar>(lanes: &[S; LANES]) -> S {
    let eight: [S; 8] = std::array::from_fn(|i| lanes[i] + lanes[i + 8]);
    let four: [S; 4] = std::array::from_fn(|i| eight[i] + eight[i + 4]);
    (four[0] + four[2]) + (four[1] + four[3])
}
