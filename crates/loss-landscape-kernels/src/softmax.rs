//! The softmax of [units, samples], what it needs, and its derivative along a direction.

#![allow(clippy::inline_always, reason = "only what is inlined is compiled for the chosen instruction set")]

use crate::{elementwise::Elementwise, kernel_scalar::KernelScalar};

/// The largest output of each sample, and the first unit that has it. NaN wins over all, so that
/// it reaches the loss.
#[derive(Debug)]
pub struct LargestOutputs<'a, S> {
    /// [units, samples].
    pub outputs: &'a [S],
    /// The largest output of each sample.
    pub largest: &'a mut [S],
    /// The first unit that has it.
    pub first: &'a mut [S],
}

impl<S: KernelScalar> LargestOutputs<'_, S> {
    /// Computes it.
    pub fn run(self) {
        (S::kernels().largest_outputs)(self);
    }
}

impl<S: KernelScalar> Elementwise for LargestOutputs<'_, S> {
    #[inline(always)]
    fn apply(self) {
        let Self { outputs, largest, first } = self;
        let samples = largest.len();
        largest.copy_from_slice(&outputs[..samples]);
        first.fill(S::zero());
        for (unit, row) in outputs.chunks_exact(samples).enumerate().skip(1) {
            let unit = S::nearest(unit as f64);
            for ((&z, largest), first) in row.iter().zip(largest.iter_mut()).zip(first.iter_mut()) {
                let wins = z > *largest || z.is_nan();
                *first = if wins { unit } else { *first };
                *largest = if wins { z } else { *largest };
            }
        }
    }
}

/// The softmax in place, and Σ exp(z − max z) of each sample.
#[derive(Debug)]
pub struct Softmax<'a, S> {
    /// [units, samples].
    pub outputs: &'a mut [S],
    /// The largest output z of each sample.
    pub largest: &'a [S],
    /// Σ exp(z − max z) of each sample.
    pub totals: &'a mut [S],
}

impl<S: KernelScalar> Softmax<'_, S> {
    /// Computes it.
    pub fn run(self) {
        (S::kernels().softmax)(self);
    }
}

impl<S: KernelScalar> Elementwise for Softmax<'_, S> {
    #[inline(always)]
    fn apply(self) {
        let Self { outputs, largest, totals } = self;
        let samples = largest.len();
        totals.fill(S::zero());
        for row in outputs.chunks_exact_mut(samples) {
            for ((z, &largest), total) in row.iter_mut().zip(largest).zip(totals.iter_mut()) {
                *z = (*z - largest).exp_nonpositive();
                *total += *z;
            }
        }
        for row in outputs.chunks_exact_mut(samples) {
            for (z, &total) in row.iter_mut().zip(totals.iter()) {
                *z /= total;
            }
        }
    }
}

/// For each sample scale · p ⊙ (Rz − Σₖ pₖ·Rzₖ): the derivative of the softmax p along Rz.
#[derive(Debug)]
pub struct SoftmaxTangent<'a, S> {
    /// The softmax, [units, samples].
    pub outputs: &'a [S],
    /// The tangent of its argument; becomes the result.
    pub tangent: &'a mut [S],
    /// Scratch memory for a value a sample.
    pub mean: &'a mut [S],
    /// What the result is multiplied with.
    pub scale: S,
}

impl<S: KernelScalar> SoftmaxTangent<'_, S> {
    /// Computes it.
    pub fn run(self) {
        (S::kernels().softmax_tangent)(self);
    }
}

impl<S: KernelScalar> Elementwise for SoftmaxTangent<'_, S> {
    #[inline(always)]
    fn apply(self) {
        let Self { outputs, tangent, mean, scale } = self;
        let samples = mean.len();
        mean.fill(S::zero());
        for (p, t) in outputs.chunks_exact(samples).zip(tangent.chunks_exact(samples)) {
            for ((mean, &p), &t) in mean.iter_mut().zip(p).zip(t) {
                *mean += p * t;
            }
        }
        for (p, t) in outputs.chunks_exact(samples).zip(tangent.chunks_exact_mut(samples)) {
            for ((&mean, &p), t) in mean.iter().zip(p).zip(t) {
                *t = scale * p * (*t - mean);
            }
        }
    }
}

/// What the bend of the softmax p along Rp adds to R of the derivative by its argument, for derivatives δ by p:
/// result ← result + scale · (Rp ⊙ (δ − Σₖ pₖ·δₖ) − p·Σₖ Rpₖ·δₖ), for each sample.
#[derive(Debug)]
pub struct SoftmaxBend<'a, S> {
    /// What is added to, [units, samples].
    pub out: &'a mut [S],
    /// The softmax.
    pub outputs: &'a [S],
    /// Its tangent.
    pub tangent: &'a [S],
    /// δ.
    pub delta: &'a [S],
    /// Scratch memory for two values a sample.
    pub means: &'a mut [S],
    /// What the sums are multiplied with.
    pub scale: S,
}

impl<S: KernelScalar> SoftmaxBend<'_, S> {
    /// Computes it.
    pub fn run(self) {
        (S::kernels().softmax_bend)(self);
    }
}

impl<S: KernelScalar> Elementwise for SoftmaxBend<'_, S> {
    #[inline(always)]
    fn apply(self) {
        let Self { out, outputs, tangent, delta, means, scale } = self;
        let samples = means.len() / 2;
        let (plain, along) = means.split_at_mut(samples);
        plain.fill(S::zero());
        along.fill(S::zero());
        let rows = outputs.chunks_exact(samples).zip(tangent.chunks_exact(samples));
        for ((p, t), d) in rows.clone().zip(delta.chunks_exact(samples)) {
            for sample in 0..samples {
                plain[sample] += p[sample] * d[sample];
                along[sample] += t[sample] * d[sample];
            }
        }
        let results = delta.chunks_exact(samples).zip(out.chunks_exact_mut(samples));
        for ((p, t), (d, out)) in rows.zip(results) {
            for sample in 0..samples {
                let bend = t[sample] * (d[sample] - plain[sample]) - p[sample] * along[sample];
                out[sample] += scale * bend;
            }
        }
    }
}
