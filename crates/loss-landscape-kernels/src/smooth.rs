//! Functions without kinks, value by value, and their derivatives: the two forms of GELU.

#![allow(clippy::inline_always, reason = "only what is inlined is compiled for the chosen instruction set")]

use crate::{
    elementwise::Elementwise,
    epilogue::{AT_ONCE, Epilogue},
    kernel_scalar::KernelScalar,
};

/// A function of one number that is twice differentiable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Smooth {
    /// z·Φ(z), Φ being the distribution function of N(0, 1).
    Gelu,
    /// z/2·(1 + tanh(√(2/π)·(z + 0.044715·z³))).
    GeluTanh,
}

/// 1/√(2π)
const DENSITY: f64 = 0.398_942_280_401_432_7;
/// √(2/π)
const INNER: f64 = 0.797_884_560_802_865_4;
const CUBIC: f64 = 0.044_715;

impl Smooth {
    #[inline(always)]
    fn value<S: KernelScalar>(self, z: S) -> S {
        let half = S::nearest(0.5);
        match self {
            Self::Gelu => {
                half * z * (S::one() + (z * S::nearest(std::f64::consts::FRAC_1_SQRT_2)).erf_fast())
            }
            Self::GeluTanh => half * z * (S::one() + Self::inner(z).tanh_fast()),
        }
    }

    /// What the tanh of GELU's second form is taken of.
    #[inline(always)]
    fn inner<S: KernelScalar>(z: S) -> S {
        S::nearest(INNER) * (z + S::nearest(CUBIC) * z * z * z)
    }

    /// The first derivative.
    #[inline(always)]
    fn slope<S: KernelScalar>(self, z: S) -> S {
        let (half, one) = (S::nearest(0.5), S::one());
        match self {
            Self::Gelu => {
                let density = S::nearest(DENSITY) * (-half * z * z).exp_nonpositive();
                half * (one + (z * S::nearest(std::f64::consts::FRAC_1_SQRT_2)).erf_fast()) + z * density
            }
            Self::GeluTanh => {
                let t = Self::inner(z).tanh_fast();
                half * (one + t) + half * z * (one - t * t) * Self::inner_slope(z)
            }
        }
    }

    #[inline(always)]
    fn inner_slope<S: KernelScalar>(z: S) -> S {
        S::nearest(INNER) * (S::one() + S::nearest(3.0 * CUBIC) * z * z)
    }

    /// The second derivative.
    #[inline(always)]
    fn curvature<S: KernelScalar>(self, z: S) -> S {
        let (half, one, two) = (S::nearest(0.5), S::one(), S::nearest(2.0));
        match self {
            Self::Gelu => S::nearest(DENSITY) * (-half * z * z).exp_nonpositive() * (two - z * z),
            Self::GeluTanh => {
                let t = Self::inner(z).tanh_fast();
                let (u1, u2) = (Self::inner_slope(z), S::nearest(6.0 * INNER * CUBIC) * z);
                (one - t * t) * (u1 + half * z * (u2 - two * t * u1 * u1))
            }
        }
    }
}

/// f of each value.
#[derive(Debug)]
pub struct SmoothValues<'a, S> {
    /// The results.
    pub out: &'a mut [S],
    /// The arguments.
    pub z: &'a [S],
    /// Which function.
    pub function: Smooth,
}

impl<S: KernelScalar> SmoothValues<'_, S> {
    /// Computes it.
    pub fn run(self) {
        (S::kernels().smooth_values)(self);
    }
}

impl<S: KernelScalar> Elementwise for SmoothValues<'_, S> {
    #[inline(always)]
    fn apply(self) {
        let Self { out, z, function } = self;
        for (out, &z) in out.iter_mut().zip(z) {
            *out = function.value(z);
        }
    }
}

/// x · f′(z)
#[derive(Debug)]
pub struct TimesSmoothSlope<'a, S> {
    /// The results.
    pub out: &'a mut [S],
    /// What is multiplied.
    pub x: &'a [S],
    /// The arguments of f.
    pub z: &'a [S],
    /// Which function.
    pub function: Smooth,
    /// What becomes of the products.
    pub epilogue: Epilogue<'a, S>,
}

impl<S: KernelScalar> TimesSmoothSlope<'_, S> {
    /// Computes it.
    pub fn run(self) {
        (S::kernels().times_smooth_slope)(self);
    }
}

impl<S: KernelScalar> Elementwise for TimesSmoothSlope<'_, S> {
    #[inline(always)]
    fn apply(self) {
        let Self { out, x, z, function, epilogue } = self;
        let mut sums = [S::zero(); AT_ONCE];
        for (block, (x, z)) in x.chunks(AT_ONCE).zip(z.chunks(AT_ONCE)).enumerate() {
            let sums = &mut sums[..x.len()];
            for ((sum, &x), &z) in sums.iter_mut().zip(x).zip(z) {
                *sum = x * function.slope(z);
            }
            epilogue.put_all(sums, out, block * AT_ONCE);
        }
    }
}

/// Rδ · f′(z) + δ · f″(z) · Rz
#[derive(Debug)]
pub struct SmoothCurvature<'a, S> {
    /// The results.
    pub out: &'a mut [S],
    /// Rδ.
    pub tangent_delta: &'a [S],
    /// δ.
    pub delta: &'a [S],
    /// z.
    pub z: &'a [S],
    /// Rz.
    pub tangent: &'a [S],
    /// Which function.
    pub function: Smooth,
    /// What becomes of the sums.
    pub epilogue: Epilogue<'a, S>,
}

impl<S: KernelScalar> SmoothCurvature<'_, S> {
    /// Computes it.
    pub fn run(self) {
        (S::kernels().smooth_curvature)(self);
    }
}

impl<S: KernelScalar> Elementwise for SmoothCurvature<'_, S> {
    #[inline(always)]
    fn apply(self) {
        let Self { out, tangent_delta, delta, z, tangent, function, epilogue } = self;
        let mut sums = [S::zero(); AT_ONCE];
        for (block, td) in tangent_delta.chunks(AT_ONCE).enumerate() {
            let start = block * AT_ONCE;
            let [d, z, tz] = [delta, z, tangent].map(|x| &x[start..start + td.len()]);
            let sums = &mut sums[..td.len()];
            for ((((sum, &td), &d), &z), &tz) in sums.iter_mut().zip(td).zip(d).zip(z).zip(tz) {
                *sum = td * function.slope(z) + d * function.curvature(z) * tz;
            }
            epilogue.put_all(sums, out, start);
        }
    }
}
