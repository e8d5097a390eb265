//! Element-wise kernels, compiled for each instruction set and chosen at run time.
//!
//! Matrices are [units, samples], samples contiguous, so that every loop runs along samples.

#![allow(clippy::inline_always, reason = "only what is inlined is compiled for the chosen instruction set")]

use super::{Activation, simd::Lanes};
use loss_landscape::Scalar;

/// A function compiled once for each instruction set.
///
/// It becomes a struct of its arguments with an inlined method: a closure would be called through
/// a shim that the compiler may leave out of line, and so compile for the oldest processor
/// (measured: 8 times as slow for a whole sweep).
macro_rules! kernel {
    ($(#[$meta:meta])* fn $name:ident($($argument:ident: $type:ty),+ $(,)?) $body:block) => {
        $(#[$meta])*
        pub(crate) fn $name<'a, S: $crate::NetScalar>($($argument: $type),+) {
            struct Task<'a, S> {
                $($argument: $type),+
            }
            impl<'a, S: $crate::NetScalar> pulp::WithSimd for Task<'a, S> {
                type Output = ();
                #[inline(always)]
                fn with_simd<V: pulp::Simd>(self, _: V) {
                    let Self { $($argument),+ } = self;
                    $body
                }
            }
            pulp::Arch::new().dispatch(Task { $($argument),+ });
        }
    };
}
pub(super) use kernel;

/// The scalars that networks compute in: [`f32`] and [`f64`].
///
/// `f32` has exponentials of its own that vectorise, right to 3 units in the last place; `f64`
/// takes the platform's. The trait is sealed.
pub trait NetScalar: Scalar + Lanes {
    /// eˣ for x ≤ 0 (NaN stays NaN).
    #[doc(hidden)]
    #[must_use]
    fn exp_nonpositive(self) -> Self;
    /// tanh x.
    #[doc(hidden)]
    #[must_use]
    fn tanh_fast(self) -> Self;
}

impl NetScalar for f64 {
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

impl NetScalar for f32 {
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

kernel! {
    /// out ← Σ cᵢ·basisᵢ, then the activation if there is one: the first layer at a point of a plane.
    fn combine(out: &'a mut [S], basis: &'a [S], c: [S; 3], activation: Option<Activation>) {
        let len = out.len();
        let (first, rest) = basis.split_at(len);
        if rest.len() == len {
            for ((out, &a), &b) in out.iter_mut().zip(first).zip(rest) {
                *out = act(c[0] * a + c[1] * b, activation);
            }
        } else {
            let (second, third) = rest.split_at(len);
            for (((out, &a), &b), &d) in out.iter_mut().zip(first).zip(second).zip(third) {
                *out = act(c[0] * a + c[1] * b + c[2] * d, activation);
            }
        }
    }
}

kernel! {
    /// z ← z + bias of its row, then the activation if there is one.
    fn bias_and_activate(z: &'a mut [S], bias: &'a [S], activation: Option<Activation>) {
        let samples = z.len() / bias.len();
        for (row, &bias) in z.chunks_exact_mut(samples).zip(bias) {
            for z in row {
                *z = act(*z + bias, activation);
            }
        }
    }
}

kernel! {
    /// δ ← δ ⊙ act′, from the activations.
    fn backward(delta: &'a mut [S], activations: &'a [S], activation: Activation) {
        for (delta, &a) in delta.iter_mut().zip(activations) {
            *delta *= slope(a, activation);
        }
    }
}

kernel! {
    /// The R-operator through an activation, forward: Rz ← Rz + R-bias; Ra ← act′ ⊙ Rz. Keeps both.
    fn tangent_forward(tangent_z: &'a mut [S], tangent_a: &'a mut [S], tangent_bias: &'a [S], activations: &'a [S], activation: Activation) {
        let samples = tangent_z.len() / tangent_bias.len();
        for ((z, &bias), (ta, a)) in (tangent_z.chunks_exact_mut(samples).zip(tangent_bias))
            .zip(tangent_a.chunks_exact_mut(samples).zip(activations.chunks_exact(samples)))
        {
            for ((z, ta), &a) in z.iter_mut().zip(ta).zip(a) {
                *z += bias;
                *ta = slope(a, activation) * *z;
            }
        }
    }
}

kernel! {
    /// The R-operator through an activation, backward, δ having come through already:
    /// Rδ ← Rδ ⊙ act′ + δ ⊙ (act″ / act′) ⊙ Rz.
    fn tangent_backward(tangent_delta: &'a mut [S], delta: &'a [S], activations: &'a [S], tangent_z: &'a [S], activation: Activation) {
        for (((td, &delta), &a), &tz) in
            tangent_delta.iter_mut().zip(delta).zip(activations).zip(tangent_z)
        {
            *td *= slope(a, activation);
            if activation == Activation::Tanh {
                *td -= (a + a) * delta * tz;
            }
        }
    }
}

kernel! {
    /// Row sums, added to `out`: the gradient of a bias. Sixteen sums a row, or each addition would
    /// wait for the one before.
    fn add_row_sums(out: &'a mut [S], matrix: &'a [S]) {
        let samples = matrix.len() / out.len();
        for (out, row) in out.iter_mut().zip(matrix.chunks_exact(samples)) {
            let mut sums = [S::zero(); 16];
            let whole = row.chunks_exact(16);
            for (sum, &value) in sums.iter_mut().zip(whole.remainder()) {
                *sum += value;
            }
            for sixteen in whole {
                for (sum, &value) in sums.iter_mut().zip(sixteen) {
                    *sum += value;
                }
            }
            *out += sums.iter().copied().fold(S::zero(), |total, sum| total + sum);
        }
    }
}

#[inline(always)]
fn act<S: NetScalar>(z: S, activation: Option<Activation>) -> S {
    match activation {
        None => z,
        // A comparison that keeps NaN.
        Some(Activation::Relu) => {
            if z < S::zero() {
                S::zero()
            } else {
                z
            }
        }
        Some(Activation::Tanh) => z.tanh_fast(),
    }
}

/// The slope of the activation, from its value a.
#[inline(always)]
fn slope<S: NetScalar>(a: S, activation: Activation) -> S {
    match activation {
        Activation::Relu => {
            if a > S::zero() {
                S::one()
            } else {
                S::zero()
            }
        }
        Activation::Tanh => S::one() - a * a,
    }
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
        assert!(act(f64::NAN, Some(Activation::Relu)).is_nan());
    }
}
