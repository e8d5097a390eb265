//! The scalars that kernels compute in, with exponentials that vectorise.

#![allow(clippy::inline_always, reason = "only what is inlined is compiled for the chosen instruction set")]

use loss_landscape::Scalar;

use super::lanes::Lanes;

/// `f32` or `f64` as the kernels need it.
///
/// `f32` has exponentials of its own that vectorise, right to 3 units in the last place; `f64`
/// takes the platform's.
pub trait Real: Scalar + Lanes {
    /// eˣ for x ≤ 0 (NaN stays NaN).
    #[must_use]
    fn exp_nonpositive(self) -> Self;
    /// tanh x.
    #[must_use]
    fn tanh_fast(self) -> Self;
}

impl Real for f64 {
    #[inline(always)]
    fn exp_nonpositive(self) -> Self {
        self.exp()
    }

    #[inline(always)]
    fn tanh_fast(self) -> Self {
        self.tanh()
    }
}

/// 1.5·2²³: adding it rounds a small f32 to a whole number, found in the low bits of the sum.
const ROUND: f32 = 12_582_912.0;
/// ln 2 in two parts: n·LN2_HIGH is exact for |n| < 2¹⁵.
const LN2_HIGH: f32 = 0.693_359_4;
const LN2_LOW: f32 = -2.121_944_4e-4;

impl Real for f32 {
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Distance in units in the last place of the f32 result.
    fn ulps(found: f32, exact: f64) -> f64 {
        let unit = f64::from(f32::EPSILON) * 2.0_f64.powf(exact.abs().log2().floor());
        (f64::from(found) - exact).abs() / unit
    }

    #[test]
    fn exp_and_tanh_are_right_to_three_units_in_the_last_place() {
        let (mut worst_exp, mut worst_tanh) = (0.0_f64, 0.0_f64);
        for i in 0..2_000_000 {
            let x = -86.9 * (i as f32 / 2e6);
            worst_exp = worst_exp.max(ulps(x.exp_nonpositive(), f64::from(x).exp()));
            // From 1e-6 to 12, denser near 0.
            let x = 12.0 * (i as f32 / 2e6).powi(3) + 1e-6;
            worst_tanh = worst_tanh.max(ulps(x.tanh_fast(), f64::from(x).tanh()));
            assert_eq!((-x).tanh_fast(), -x.tanh_fast());
        }
        assert!(worst_exp <= 3.0 && worst_tanh <= 3.0, "exp {worst_exp}, tanh {worst_tanh}");
    }

    #[test]
    fn the_edges_are_right() {
        assert_eq!(0.0_f32.tanh_fast(), 0.0);
        assert_eq!(f32::INFINITY.tanh_fast(), 1.0);
        assert_eq!((-100.0_f32).tanh_fast(), -1.0);
        assert!(f32::NAN.tanh_fast().is_nan());
        assert_eq!(0.0_f32.exp_nonpositive(), 1.0);
        assert!(f32::NEG_INFINITY.exp_nonpositive() < 1e-37);
        assert!(f32::NAN.exp_nonpositive().is_nan());
    }
}
