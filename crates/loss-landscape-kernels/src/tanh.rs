//! tanh over tensors, and its derivatives.

#![allow(clippy::inline_always, reason = "only what is inlined is compiled for the chosen instruction set")]

use crate::{elementwise::Elementwise, epilogue::Epilogue, kernel_scalar::KernelScalar};

/// tanh of each value.
#[derive(Debug)]
pub struct TanhValues<'a, S> {
    /// tanh x.
    pub out: &'a mut [S],
    /// The tensor.
    pub x: &'a [S],
}

impl<S: KernelScalar> TanhValues<'_, S> {
    /// Computes it.
    pub fn run(self) {
        (S::kernels().tanh_values)(self);
    }
}

impl<S: KernelScalar> Elementwise for TanhValues<'_, S> {
    #[inline(always)]
    fn apply(self) {
        let Self { out, x } = self;
        for (out, &x) in out.iter_mut().zip(x) {
            *out = x.tanh_fast();
        }
    }
}

/// x · (1 − a²)
#[derive(Debug)]
pub struct TimesTanhSlope<'a, S> {
    /// The result.
    pub out: &'a mut [S],
    /// The tensor.
    pub x: &'a [S],
    /// The values of tanh.
    pub a: &'a [S],
    /// What becomes of the products.
    pub epilogue: Epilogue<'a, S>,
}

impl<S: KernelScalar> TimesTanhSlope<'_, S> {
    /// Computes it.
    pub fn run(self) {
        (S::kernels().times_tanh_slope)(self);
    }
}

impl<S: KernelScalar> Elementwise for TimesTanhSlope<'_, S> {
    #[inline(always)]
    fn apply(self) {
        let Self { out, x, a, epilogue } = self;
        for (at, (&x, &a)) in x.iter().zip(a).enumerate() {
            epilogue.put(x * (S::one() - a * a), out, at);
        }
    }
}

/// Rδ · (1 − a²) − 2 · a · Ra · δ
#[derive(Debug)]
pub struct TanhCurvature<'a, S> {
    /// The result.
    pub out: &'a mut [S],
    /// Rδ.
    pub tangent_delta: &'a [S],
    /// δ.
    pub delta: &'a [S],
    /// a, the values of tanh.
    pub a: &'a [S],
    /// Ra.
    pub tangent: &'a [S],
    /// What becomes of the sums.
    pub epilogue: Epilogue<'a, S>,
}

impl<S: KernelScalar> TanhCurvature<'_, S> {
    /// Computes it.
    pub fn run(self) {
        (S::kernels().tanh_curvature)(self);
    }
}

impl<S: KernelScalar> Elementwise for TanhCurvature<'_, S> {
    #[inline(always)]
    fn apply(self) {
        let Self { out, tangent_delta, delta, a, tangent, epilogue } = self;
        for (at, (((&td, &d), &a), &ta)) in tangent_delta.iter().zip(delta).zip(a).zip(tangent).enumerate() {
            epilogue.put(td * (S::one() - a * a) - (a + a) * ta * d, out, at);
        }
    }
}
