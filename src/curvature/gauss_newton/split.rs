//! The measurement of both parts of a Hessian.

use super::{GaussNewtonOperator, GaussNewtonReport};
use crate::{
    Mask, Result, Scalar,
    curvature::{
        estimate::{TraceEstimate, TraceEstimator, energy, ensure_probes},
        lanczos::{Extremes, Lanczos, dot},
        operator::{SymmetricOperator, multiply},
    },
    model::{GaussNewtonProduct, HessianPart},
};

/// Measures the two parts of a Hessian H = G + R: what the curvature of the criterion puts into it, and what the
/// curvature of the network does.
///
/// Where the criterion is convex in the outputs, as cross-entropy and squared error are, G has no negative eigenvalue:
/// a negative λ_min of H, or a large ratio in a map, then comes from R, and the report says how much of it. Towards a
/// fit of all samples the residuals vanish, and R with them.
///
/// **Cost.** Three Lanczos runs (see [`Lanczos`]), two traces ([`TraceEstimator`]), [`probes`](Self::probes) products
/// with each part, and four more. A product with G is cheaper than one with H, a product with R costs as much.
///
/// ```
/// use loss_landscape::{GaussNewtonProduct, Gradient, HessianProduct, Layout, Loss, Model, OracleError};
/// use loss_landscape::curvature::GaussNewtonSplit;
/// # /// One sample with the outputs z_i = t_i³ and the loss Σ (z_i − 1)²/2.
/// # struct Cubes { layout: Layout, theta: Vec<f64> }
/// # impl Model for Cubes {
/// #     type Scalar = f64;
/// #     fn layout(&self) -> &Layout { &self.layout }
/// #     fn parameters(&self) -> &[f64] { &self.theta }
/// # }
/// # impl Loss<()> for Cubes {
/// #     fn loss(&self, theta: &[f64], _: &()) -> Result<f64, OracleError> {
/// #         Ok(theta.iter().map(|t| (t.powi(3) - 1.0).powi(2) / 2.0).sum())
/// #     }
/// # }
/// # impl Gradient<()> for Cubes {
/// #     fn gradient(&self, theta: &[f64], data: &(), out: &mut [f64]) -> Result<f64, OracleError> {
/// #         out.iter_mut().zip(theta).for_each(|(out, t)| *out = (t.powi(3) - 1.0) * 3.0 * t.powi(2));
/// #         self.loss(theta, data)
/// #     }
/// # }
/// # impl HessianProduct<()> for Cubes {
/// #     fn hessian_product(&self, theta: &[f64], v: &[f64], _: &(), out: &mut [f64]) -> Result<(), OracleError> {
/// #         for ((out, t), v) in out.iter_mut().zip(theta).zip(v) {
/// #             *out = (9.0 * t.powi(4) + (t.powi(3) - 1.0) * 6.0 * t) * v;
/// #         }
/// #         Ok(())
/// #     }
/// # }
/// # impl GaussNewtonProduct<()> for Cubes {
/// #     fn gauss_newton_product(&self, theta: &[f64], v: &[f64], _: &(), out: &mut [f64]) -> Result<(), OracleError> {
/// #         out.iter_mut().zip(theta).zip(v).for_each(|((out, t), v)| *out = 9.0 * t.powi(4) * v);
/// #         Ok(())
/// #     }
/// # }
///
/// // Outputs t³ that should be 1, with the squared error: G = 9t⁴ and R = (t³ − 1)·6t, of which the second is
/// // negative at t = ½.
/// let model = Cubes { layout: Layout::flat(3)?, theta: vec![0.5, 1.0, 1.0] };
/// let report = GaussNewtonSplit::new().report(&model, model.parameters(), &())?;
/// assert!((report.gauss_newton.lambda_max - 9.0).abs() < 1e-9);
/// assert!((report.rest.lambda_min + 2.625).abs() < 1e-9);
/// let [from_g, from_r] = report.lowest; // of λ_min(H)
/// assert!((from_g - 0.5625).abs() < 1e-6 && (from_r + 2.625).abs() < 1e-6);
/// assert!((report.trace_share - 18.5625 / 15.9375).abs() < 1e-9);
/// println!("{report}");
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Clone, Debug)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(default, deny_unknown_fields)
)]
#[must_use]
pub struct GaussNewtonSplit {
    lanczos: Lanczos,
    trace: TraceEstimator,
    probes: usize,
    mask: Option<Mask>,
}

impl Default for GaussNewtonSplit {
    fn default() -> Self {
        Self { lanczos: Lanczos::new(), trace: TraceEstimator::new(), probes: 32, mask: None }
    }
}

impl GaussNewtonSplit {
    /// Extremes by [`Lanczos::new`], traces by [`TraceEstimator::new`], energies by 32 probes, in all parameters
    /// except buffers.
    pub fn new() -> Self {
        Self::default()
    }

    /// The settings of the three Lanczos runs.
    pub fn lanczos(self, lanczos: Lanczos) -> Self {
        Self { lanczos, ..self }
    }

    /// The settings of the traces. That of R takes the next seed, so that their errors are independent.
    pub fn trace(self, trace: TraceEstimator) -> Self {
        Self { trace, ..self }
    }

    /// The number of random products for each energy Σλ², 2 or more; 32 by default. Its relative standard error is at
    /// most √(2 / probes).
    pub fn probes(self, probes: usize) -> Self {
        Self { probes, ..self }
    }

    /// Splits the Hessian in these blocks alone.
    pub fn mask(self, mask: &Mask) -> Self {
        Self { mask: Some(mask.clone()), ..self }
    }

    /// The report at `theta`.
    ///
    /// # Errors
    /// [`Error::Setting`](crate::Error::Setting) for fewer than 2 probes; those of [`GaussNewtonOperator::new`],
    /// [`GaussNewtonOperator::masked`], [`Lanczos::run`] and [`TraceEstimator::run`].
    pub fn report<M, D>(
        &self,
        model: &M,
        theta: &[M::Scalar],
        data: &D,
    ) -> Result<GaussNewtonReport<M::Scalar>>
    where
        M: GaussNewtonProduct<D> + ?Sized,
        D: ?Sized,
    {
        ensure_probes(self.probes)?;
        let mut operator = GaussNewtonOperator::new(model, theta, data)?;
        if let Some(mask) = &self.mask {
            operator = operator.masked(mask)?;
        }
        operator.set_part(HessianPart::Whole);
        let mut hessian = self.lanczos.clone().vectors(true).run(&mut operator)?;
        let ends = hessian.vectors.take();
        let mut measured = |part, trace: &TraceEstimator| {
            operator.set_part(part);
            self.measure(&mut operator, trace, ends.as_ref())
        };
        let g = measured(HessianPart::GaussNewton, &self.trace)?;
        let other = self.trace.clone().seed(self.trace.seed.wrapping_add(1));
        let r = measured(HessianPart::Rest, &other)?;
        let of = |part: &Measured<M::Scalar>| part.extremes.products + part.trace.products + self.probes + 2;
        let products = hessian.products + of(&g) + of(&r);
        if self.lanczos.vectors {
            hessian.vectors = ends;
        }
        let (trace_share, trace_share_error) = share(&g.trace, &r.trace);
        Ok(GaussNewtonReport {
            parameters: operator.dimension(),
            hessian,
            lowest: [g.along[0], r.along[0]],
            highest: [g.along[1], r.along[1]],
            gauss_newton: g.extremes,
            rest: r.extremes,
            gauss_newton_trace: g.trace,
            rest_trace: r.trace,
            trace_share,
            trace_share_error,
            energies: [g.energy[0], r.energy[0]],
            energy_errors: [g.energy[1], r.energy[1]],
            products,
        })
    }

    /// The part that the operator is now; `ends` are the Ritz vectors of H.
    fn measure<S: Scalar>(
        &self,
        operator: &mut GaussNewtonOperator<'_, S>,
        trace: &TraceEstimator,
        ends: Option<&[Vec<S>; 2]>,
    ) -> Result<Measured<S>> {
        let mut along = [0.0; 2];
        let mut product = vec![S::zero(); operator.dimension()];
        for (along, v) in along.iter_mut().zip(ends.into_iter().flatten()) {
            multiply(operator, 0, v, &mut product)?;
            *along = dot(v, &product);
        }
        Ok(Measured {
            extremes: self.lanczos.run(operator)?,
            trace: trace.run(operator)?,
            energy: energy(operator, self.lanczos.seed, self.probes)?,
            along,
        })
    }
}

/// What is measured of one part.
struct Measured<S> {
    extremes: Extremes<S>,
    trace: TraceEstimate,
    /// With its standard error.
    energy: [f64; 2],
    /// vᵀ·v with the part between, for both Ritz vectors of H.
    along: [f64; 2],
}

/// a/(a + b) and its standard error: (b·σ_a, a·σ_b)/(a + b)², to first order.
fn share(a: &TraceEstimate, b: &TraceEstimate) -> (f64, f64) {
    let whole = a.value + b.value;
    let error = (b.value * a.standard_error).hypot(a.value * b.standard_error) / (whole * whole);
    (a.value / whole, error)
}
