//! The element-wise loops of a multilayer perceptron.
//!
//! Matrices are [units, samples], samples contiguous, so that every loop runs along samples.

#![allow(clippy::inline_always, reason = "only what is inlined is compiled for the chosen instruction set")]

use crate::{elementwise::Elementwise, kernel_scalar::KernelScalar};

/// Values that stay in the first-level cache while several vectors are added to them.
const BLOCK: usize = 1024;

/// The function between layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nonlinearity {
    /// max(0, z); its derivative at 0 is taken as 0.
    Relu,
    /// tanh z.
    Tanh,
}

/// out ← Σ cᵢ·basisᵢ, then the activation if there is one: the first layer at a point of a line, plane or curve.
#[derive(Debug)]
pub struct CombineBasis<'a, S> {
    /// The result.
    pub out: &'a mut [S],
    /// Two vectors of its length or more, one after the other.
    pub basis: &'a [S],
    /// Their coefficients.
    pub c: &'a [S],
    /// The activation.
    pub activation: Option<Nonlinearity>,
}

impl<S: KernelScalar> CombineBasis<'_, S> {
    /// Computes it.
    pub fn run(self) {
        (S::kernels().combine_basis)(self);
    }
}

impl<S: KernelScalar> Elementwise for CombineBasis<'_, S> {
    #[inline(always)]
    fn apply(self) {
        let Self { out, basis, c, activation } = self;
        let len = out.len();
        match *c {
            [c0, c1] => {
                let (first, second) = basis.split_at(len);
                for ((out, &a), &b) in out.iter_mut().zip(first).zip(second) {
                    *out = act(c0 * a + c1 * b, activation);
                }
            }
            [c0, c1, c2] => {
                let (first, rest) = basis.split_at(len);
                let (second, third) = rest.split_at(len);
                for (((out, &a), &b), &d) in out.iter_mut().zip(first).zip(second).zip(third) {
                    *out = act(c0 * a + c1 * b + c2 * d, activation);
                }
            }
            _ => {
                for (block, out) in out.chunks_mut(BLOCK).enumerate() {
                    out.fill(S::zero());
                    // Most coefficients of a chain are 0.
                    for (i, &c) in c.iter().enumerate().filter(|(_, c)| **c != S::zero()) {
                        for (out, &x) in out.iter_mut().zip(&basis[i * len + block * BLOCK..(i + 1) * len]) {
                            *out += c * x;
                        }
                    }
                    for out in out {
                        *out = act(*out, activation);
                    }
                }
            }
        }
    }
}

/// z ← z + bias of its row, then the activation if there is one.
#[derive(Debug)]
pub struct AddBiasAndActivate<'a, S> {
    /// [units, samples].
    pub z: &'a mut [S],
    /// A number for each unit.
    pub bias: &'a [S],
    /// The activation.
    pub activation: Option<Nonlinearity>,
}

impl<S: KernelScalar> AddBiasAndActivate<'_, S> {
    /// Computes it.
    pub fn run(self) {
        (S::kernels().add_bias_and_activate)(self);
    }
}

impl<S: KernelScalar> Elementwise for AddBiasAndActivate<'_, S> {
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
#[derive(Debug)]
pub struct DeltaThroughActivation<'a, S> {
    /// δ, by the activations; becomes that by their arguments.
    pub delta: &'a mut [S],
    /// The activations.
    pub activations: &'a [S],
    /// Which activation.
    pub activation: Nonlinearity,
}

impl<S: KernelScalar> DeltaThroughActivation<'_, S> {
    /// Computes it.
    pub fn run(self) {
        (S::kernels().delta_through_activation)(self);
    }
}

impl<S: KernelScalar> Elementwise for DeltaThroughActivation<'_, S> {
    #[inline(always)]
    fn apply(self) {
        let Self { delta, activations, activation } = self;
        for (delta, &a) in delta.iter_mut().zip(activations) {
            *delta *= slope(a, activation);
        }
    }
}

/// The R-operator through an activation, forward: Rz ← Rz + R-bias; Ra ← act′ ⊙ Rz. Keeps both.
#[derive(Debug)]
pub struct TangentThroughActivation<'a, S> {
    /// Rz.
    pub tangent_z: &'a mut [S],
    /// Ra.
    pub tangent_a: &'a mut [S],
    /// A number for each unit.
    pub tangent_bias: &'a [S],
    /// The activations.
    pub activations: &'a [S],
    /// Which activation.
    pub activation: Nonlinearity,
}

impl<S: KernelScalar> TangentThroughActivation<'_, S> {
    /// Computes it.
    pub fn run(self) {
        (S::kernels().tangent_through_activation)(self);
    }
}

impl<S: KernelScalar> Elementwise for TangentThroughActivation<'_, S> {
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
#[derive(Debug)]
pub struct TangentDeltaThroughActivation<'a, S> {
    /// Rδ.
    pub tangent_delta: &'a mut [S],
    /// δ.
    pub delta: &'a [S],
    /// The activations.
    pub activations: &'a [S],
    /// Rz.
    pub tangent_z: &'a [S],
    /// Which activation.
    pub activation: Nonlinearity,
}

impl<S: KernelScalar> TangentDeltaThroughActivation<'_, S> {
    /// Computes it.
    pub fn run(self) {
        (S::kernels().tangent_delta_through_activation)(self);
    }
}

impl<S: KernelScalar> Elementwise for TangentDeltaThroughActivation<'_, S> {
    #[inline(always)]
    fn apply(self) {
        let Self { tangent_delta, delta, activations, tangent_z, activation } = self;
        for (((td, &delta), &a), &tz) in tangent_delta.iter_mut().zip(delta).zip(activations).zip(tangent_z) {
            *td *= slope(a, activation);
            if activation == Nonlinearity::Tanh {
                *td -= (a + a) * delta * tz;
            }
        }
    }
}

/// Row sums, added to `out`: the gradient of a bias. Sixteen sums a row, or each addition would
/// wait for the one before.
#[derive(Debug)]
pub struct AddRowSums<'a, S> {
    /// A number for each row.
    pub out: &'a mut [S],
    /// Row by row.
    pub matrix: &'a [S],
}

impl<S: KernelScalar> AddRowSums<'_, S> {
    /// Computes it.
    pub fn run(self) {
        (S::kernels().add_row_sums)(self);
    }
}

impl<S: KernelScalar> Elementwise for AddRowSums<'_, S> {
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
fn act<S: KernelScalar>(z: S, activation: Option<Nonlinearity>) -> S {
    match activation {
        None => z,
        // A comparison that keeps NaN.
        Some(Nonlinearity::Relu) => {
            if z < S::zero() {
                S::zero()
            } else {
                z
            }
        }
        Some(Nonlinearity::Tanh) => z.tanh_fast(),
    }
}

/// The slope of the activation, from its value a.
#[inline(always)]
fn slope<S: KernelScalar>(a: S, activation: Nonlinearity) -> S {
    match activation {
        Nonlinearity::Relu => {
            if a > S::zero() {
                S::one()
            } else {
                S::zero()
            }
        }
        Nonlinearity::Tanh => S::one() - a * a,
    }
}
