//! The element-wise loops of a multilayer perceptron.
//!
//! Matrices are [units, samples], samples contiguous, so that every loop runs along samples.

#![allow(clippy::inline_always, reason = "only what is inlined is compiled for the chosen instruction set")]

use crate::{
    activation::Activation,
    simd::{Elementwise, Real},
};

/// out ← Σ cᵢ·basisᵢ, then the activation if there is one: the first layer at a point of a plane.
pub(super) struct CombineBasis<'a, S> {
    pub(super) out: &'a mut [S],
    pub(super) basis: &'a [S],
    pub(super) c: [S; 3],
    pub(super) activation: Option<Activation>,
}

impl<S: Real> Elementwise for CombineBasis<'_, S> {
    #[inline(always)]
    fn apply(self) {
        let Self { out, basis, c, activation } = self;
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

/// z ← z + bias of its row, then the activation if there is one.
pub(super) struct AddBiasAndActivate<'a, S> {
    pub(super) z: &'a mut [S],
    pub(super) bias: &'a [S],
    pub(super) activation: Option<Activation>,
}

impl<S: Real> Elementwise for AddBiasAndActivate<'_, S> {
    #[inline(always)]
    fn apply(self) {
        let Self { z, bias, activation } = self;
        let samples = z.len() / bias.len();
        for (row, &bias) in z.chunks_exact_mut(samples).zip(bias) {
            for z in row {
                *z = act(*z + bias, activation);
            }
        }
    }
}

/// δ ← δ ⊙ act′, from the activations.
pub(super) struct DeltaThroughActivation<'a, S> {
    pub(super) delta: &'a mut [S],
    pub(super) activations: &'a [S],
    pub(super) activation: Activation,
}

impl<S: Real> Elementwise for DeltaThroughActivation<'_, S> {
    #[inline(always)]
    fn apply(self) {
        let Self { delta, activations, activation } = self;
        for (delta, &a) in delta.iter_mut().zip(activations) {
            *delta *= slope(a, activation);
        }
    }
}

/// The R-operator through an activation, forward: Rz ← Rz + R-bias; Ra ← act′ ⊙ Rz. Keeps both.
pub(super) struct TangentThroughActivation<'a, S> {
    pub(super) tangent_z: &'a mut [S],
    pub(super) tangent_a: &'a mut [S],
    pub(super) tangent_bias: &'a [S],
    pub(super) activations: &'a [S],
    pub(super) activation: Activation,
}

impl<S: Real> Elementwise for TangentThroughActivation<'_, S> {
    #[inline(always)]
    fn apply(self) {
        let Self { tangent_z, tangent_a, tangent_bias, activations, activation } = self;
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

/// The R-operator through an activation, backward, δ having come through already:
/// Rδ ← Rδ ⊙ act′ + δ ⊙ (act″ / act′) ⊙ Rz.
pub(super) struct TangentDeltaThroughActivation<'a, S> {
    pub(super) tangent_delta: &'a mut [S],
    pub(super) delta: &'a [S],
    pub(super) activations: &'a [S],
    pub(super) tangent_z: &'a [S],
    pub(super) activation: Activation,
}

impl<S: Real> Elementwise for TangentDeltaThroughActivation<'_, S> {
    #[inline(always)]
    fn apply(self) {
        let Self { tangent_delta, delta, activations, tangent_z, activation } = self;
        for (((td, &delta), &a), &tz) in tangent_delta.iter_mut().zip(delta).zip(activations).zip(tangent_z) {
            *td *= slope(a, activation);
            if activation == Activation::Tanh {
                *td -= (a + a) * delta * tz;
            }
        }
    }
}

/// Row sums, added to `out`: the gradient of a bias. Sixteen sums a row, or each addition would
/// wait for the one before.
pub(super) struct AddRowSums<'a, S> {
    pub(super) out: &'a mut [S],
    pub(super) matrix: &'a [S],
}

impl<S: Real> Elementwise for AddRowSums<'_, S> {
    #[inline(always)]
    fn apply(self) {
        let Self { out, matrix } = self;
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
fn act<S: Real>(z: S, activation: Option<Activation>) -> S {
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
fn slope<S: Real>(a: S, activation: Activation) -> S {
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

    #[test]
    fn relu_keeps_nan() {
        assert!(act(f64::NAN, Some(Activation::Relu)).is_nan());
        assert_eq!(act(-0.5_f64, Some(Activation::Relu)), 0.0);
    }
}
