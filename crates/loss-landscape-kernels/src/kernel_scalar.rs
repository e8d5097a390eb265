//! The scalars that kernels compute in, with exponentials that vectorise.

#![allow(clippy::inline_always, reason = "only what is inlined is compiled for the chosen instruction set")]

use std::{cell::Cell, fmt::Debug, thread::LocalKey};

use num_traits::{Float, NumAssign};

use crate::{aligned_buffer::AlignedBuffer, compiled::Compiled, gemm::RawProduct, lanes::Lanes};

/// `f32` or `f64` as the kernels need it.
///
/// `f32` has exponentials of its own that vectorise, right to 3 units in the last place; `f64`
/// takes the platform's. No other type can implement it: `Lanes` cannot be named outside the crate.
pub trait KernelScalar: Lanes + Float + NumAssign + Default + Debug + Send + Sync + 'static {
    /// The nearest number of this type.
    #[must_use]
    fn nearest(value: f64) -> Self;
    /// eˣ for x ≤ 0 (NaN stays NaN).
    #[must_use]
    fn exp_nonpositive(self) -> Self;
    /// tanh x.
    #[must_use]
    fn tanh_fast(self) -> Self;
    /// erf x = 2/√π·∫₀ˣ exp(−t²) dt.
    #[must_use]
    fn erf_fast(self) -> Self;
    /// The calling thread's scratch memory. Who takes it puts it back, so that it is allocated once.
    #[doc(hidden)]
    fn scratch() -> &'static LocalKey<Cell<AlignedBuffer<Self>>>;
    /// The matrix product for the processor's instruction set.
    #[doc(hidden)]
    fn raw_product() -> RawProduct<Self>;
    /// The kernels of this crate for the scalar.
    #[doc(hidden)]
    fn kernels() -> &'static Compiled<Self>;
}

impl KernelScalar for f64 {
    #[inline(always)]
    fn nearest(value: f64) -> Self {
        value
    }

    #[inline(always)]
    fn exp_nonpositive(self) -> Self {
        self.exp()
    }

    #[inline(always)]
    fn tanh_fast(self) -> Self {
        self.tanh()
    }

    #[inline(always)]
    fn erf_fast(self) -> Self {
        erf_by_series(self)
    }

    fn scratch() -> &'static LocalKey<Cell<AlignedBuffer<Self>>> {
        thread_local!(static SCRATCH: Cell<AlignedBuffer<f64>> = Cell::default());
        &SCRATCH
    }

    fn raw_product() -> RawProduct<Self> {
        gemm_f64::gemm::f64::get_gemm_fn()
    }

    fn kernels() -> &'static Compiled<Self> {
        static COMPILED: Compiled<f64> = Compiled::new();
        &COMPILED
    }
}

/// 1.5·2²³: adding it rounds a small f32 to a whole number, found in the low bits of the sum.
const ROUND: f32 = 12_582_912.0;
/// ln 2 in two parts: n·LN2_HIGH is exact for |n| < 2¹⁵.
const LN2_HIGH: f32 = 0.693_359_4;
const LN2_LOW: f32 = -2.121_944_4e-4;

impl KernelScalar for f32 {
    #[inline(always)]
    fn nearest(value: f64) -> Self {
        value as Self
    }

    #[inline(always)]
    fn exp_nonpositive(self) -> Self {
        // A comparison, not `max`, which would turn NaN into −87.
        let (power, rest) = split_exp(if self < -87.0 { -87.0 } else { self });
        power * rest + power
    }

    #[inline(always)]
    fn tanh_fast(self) -> Self {
        // tanh x = (e²ˣ − 1) / (e²ˣ + 1), from e²ˣ − 1 so that nothing cancels near 0.
        let twice = 2.0 * self.abs();
        let (power, rest) = split_exp(if twice > 20.0 { 20.0 } else { twice });
        let minus_one = power * rest + (power - 1.0);
        (minus_one / (minus_one + 2.0)).copysign(self)
    }

    #[inline(always)]
    fn erf_fast(self) -> Self {
        // The quotient of polynomials that Eigen and XLA use; it is off by up to 4.5e-7, at 3.9. From there on ±1 is
        // nearer, and the tails of what is made of it are exactly 0. A comparison that keeps NaN.
        let x = self;
        let y = x * x;
        let p = -2.726_142_3e-10 * y + 2.770_681_4e-8;
        let p = ((p * y - 2.101_024e-6) * y - 5.692_506_4e-5) * y - 7.349_906_3e-4;
        let p = (p * y - 2.954_6e-3) * y - 1.609_603_3e-2;
        let q = (-1.456_607_2e-5 * y - 2.133_740_5e-4) * y - 1.682_827e-3;
        let q = (q * y - 7.373_329_2e-3) * y - 1.426_473_9e-2;
        let quotient = x * p / q;
        if x.abs() >= 3.9 { 1.0_f32.copysign(x) } else { quotient }
    }

    fn scratch() -> &'static LocalKey<Cell<AlignedBuffer<Self>>> {
        thread_local!(static SCRATCH: Cell<AlignedBuffer<f32>> = Cell::default());
        &SCRATCH
    }

    fn raw_product() -> RawProduct<Self> {
        gemm_f32::gemm::f32::get_gemm_fn()
    }

    fn kernels() -> &'static Compiled<Self> {
        static COMPILED: Compiled<f32> = Compiled::new();
        &COMPILED
    }
}

/// For x in [−87, 88]: 2ⁿ, and eʳ − 1 for the rest r = x − n·ln 2, |r| ≤ ln 2 / 2, by the Taylor
/// series to r⁷, whose error there is below 2⁻²⁵ relative.
#[inline(always)]
fn split_exp(x: f32) -> (f32, f32) {
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let power = f32::from_bits((shifted.to_bits() << 23).wrapping_add(1.0_f32.to_bits()));
    let r = x - n * LN2_HIGH - n * LN2_LOW;
    let tail = 1.0 / 6.0 + r * (1.0 / 24.0 + r * (1.0 / 120.0 + r * (1.0 / 720.0 + r * (1.0 / 5040.0))));
    (power, r + r * r * (0.5 + r * tail))
}

/// The series erf x = 2/√π·exp(−x²)·Σ 2ⁿ·x²ⁿ⁺¹/(2n+1)!!, in which nothing cancels. Beyond 6 the rest is below half a
/// unit in the last place of 1.
fn erf_by_series(x: f64) -> f64 {
    if x.is_nan() {
        return x;
    }
    if x.abs() >= 6.0 {
        return 1.0_f64.copysign(x);
    }
    let twice_square = 2.0 * x * x;
    let (mut term, mut sum, mut odd) = (x, x, 1.0);
    while term.abs() > 1e-17 * sum.abs() {
        odd += 2.0;
        term *= twice_square / odd;
        sum += term;
    }
    std::f64::consts::FRAC_2_SQRT_PI * (-x * x).exp() * sum
}
