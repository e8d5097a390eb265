//! tanh over tensors, and its derivatives.

#![allow(clippy::inline_always, reason = "only what is inlined is compiled for the chosen instruction set")]

use crate::{
    elementwise::Elementwise,
    epilogue::{AT_ONCE, Epilogue},
    kernel_scalar::KernelScalar,
};

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
        let mut sums = [S::zero(); AT_ONCE];
        for (block, (x, a)) in x.chunks(AT_ONCE).zip(a.chunks(AT_ONCE)).enumerate() {
            let sums = &mut sums[..x.len()];
            for ((sum, &x), &a) in sums.iter_mut().zip(x).zip(a) {
                *sum = x * (S::one() - a * a);
            }
            epilogue.put_all(sums, out, block * AT_ONCE);
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
        let mut sums = [S::zero(); AT_ONCE];
        for (block, td) in tangent_delta.chunks(AT_ONCE).enumerate() {
            let start = block * AT_ONCE;
            let [d, a, ta] = [delta, a, tangent].map(|x| &x[start..start + td.len()]);
            let sums = &mut sums[..td.len()];
            for ((((sum, &td), &d), &a), &ta) in sums.iter_mut().zip(td).zip(d).zip(a).zip(ta) {
                *sum = td * (S::one() - a * a) - (a + a) * ta * d;
            }
            epilogue.put_all(sums, out, start);
        }
    }
}
