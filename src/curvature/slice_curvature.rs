//! The curvature that a plane shows at a point, compared with the curvature of the whole space, which it hides.

use std::fmt;

use super::{
    estimate::{energy, ensure_probes},
    lanczos::{Extremes, Lanczos, dot},
    operator::{HessianOperator, SymmetricOperator, multiply},
};
use crate::{Directions, Error, HessianProduct, Mask, Result, Scalar, Slice};

/// Compares the curvature of a plane at one of its points with that of the whole Hessian.
///
/// A surface over a plane shows two curvatures out of n. Each is a Rayleigh quotient of the Hessian, and so between
/// λ_min and λ_max: a slice that is not convex proves that the loss is not convex, but a convex slice proves nothing.
///
/// **Cost.** Two products for the slice, one Lanczos run (see [`Lanczos`]) for the ends of the spectrum, and
/// [`probes`](Self::probes) products for the sum of squares of all eigenvalues.
///
/// ```
/// use loss_landscape::{Gradient, HessianProduct, Layout, Loss, Model, OracleError};
/// use loss_landscape::{RandomDirections, curvature::SliceCurvature};
/// # /// L(θ) = Σ cᵢ·tᵢ² / 2 with c from −2 to n − 3, plus a small term of degree 4.
/// # struct Saddle { layout: Layout, theta: Vec<f64> }
/// # impl Model for Saddle {
/// #     type Scalar = f64;
/// #     fn layout(&self) -> &Layout { &self.layout }
/// #     fn parameters(&self) -> &[f64] { &self.theta }
/// # }
/// # impl Loss<()> for Saddle {
/// #     fn loss(&self, theta: &[f64], _: &()) -> Result<f64, OracleError> {
/// #         Ok(theta.iter().enumerate().map(|(i, t)| (i as f64 - 2.0) * t * t / 2.0 + 0.1 * t.powi(4)).sum())
/// #     }
/// # }
/// # impl Gradient<()> for Saddle {
/// #     fn gradient(&self, theta: &[f64], data: &(), out: &mut [f64]) -> Result<f64, OracleError> {
/// #         for (i, (out, t)) in out.iter_mut().zip(theta).enumerate() {
/// #             *out = (i as f64 - 2.0) * t + 0.4 * t.powi(3);
/// #         }
/// #         self.loss(theta, data)
/// #     }
/// # }
/// # impl HessianProduct<()> for Saddle {}
///
/// let model = Saddle { layout: Layout::flat(30)?, theta: vec![0.01; 30] };
/// let dirs = RandomDirections::new(1).pair(&model)?;
/// let report = SliceCurvature::new().report(&model, &(), &dirs, [0.0, 0.0])?;
/// // The plane looks convex, the loss is not.
/// assert!(report.curvatures[0] > 0.0 && report.extremes.lambda_min < 0.0);
/// assert!(report.curvatures[1] < report.extremes.lambda_max);
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
pub struct SliceCurvature {
    lanczos: Lanczos,
    probes: usize,
    mask: Option<Mask>,
}

/// The curvature that a plane shows at a point, compared with that of the whole Hessian. As text it explains the
/// result.
///
/// ```
/// use loss_landscape::{Gradient, HessianProduct, Layout, Loss, Model, OracleError};
/// use loss_landscape::{Direction, Directions, curvature::SliceCurvature};
/// # /// L(θ) = Σ cᵢ·tᵢ² / 2 with c from −2 to n − 3, plus a small term of degree 4.
/// # struct Saddle { layout: Layout, theta: Vec<f64> }
/// # impl Model for Saddle {
/// #     type Scalar = f64;
/// #     fn layout(&self) -> &Layout { &self.layout }
/// #     fn parameters(&self) -> &[f64] { &self.theta }
/// # }
/// # impl Loss<()> for Saddle {
/// #     fn loss(&self, theta: &[f64], _: &()) -> Result<f64, OracleError> {
/// #         Ok(theta.iter().enumerate().map(|(i, t)| (i as f64 - 2.0) * t * t / 2.0 + 0.1 * t.powi(4)).sum())
/// #     }
/// # }
/// # impl Gradient<()> for Saddle {
/// #     fn gradient(&self, theta: &[f64], data: &(), out: &mut [f64]) -> Result<f64, OracleError> {
/// #         for (i, (out, t)) in out.iter_mut().zip(theta).enumerate() {
/// #             *out = (i as f64 - 2.0) * t + 0.4 * t.powi(3);
/// #         }
/// #         self.loss(theta, data)
/// #     }
/// # }
/// # impl HessianProduct<()> for Saddle {}
///
/// // The Hessian is diagonal, −2, −1, …, 27; the plane is that of the parameters 0 and 29.
/// let layout = Layout::flat(30)?;
/// let along = |index: usize| Direction::new(&layout, (0..30).map(|i| f64::from(i == index)).collect());
/// let dirs = Directions::new(along(0)?, along(29)?)?;
/// let model = Saddle { layout: layout.clone(), theta: vec![0.0; 30] };
/// let report = SliceCurvature::new().report(&model, &(), &dirs, [0.0, 0.0])?;
/// assert!((report.curvatures[0] + 2.0).abs() < 1e-6 && (report.curvatures[1] - 27.0).abs() < 1e-6);
/// assert_eq!(report.slice_is_convex(), Some(false)); // and so the loss is not convex
/// // Two of 30 directions have 11 % of the energy Σλ².
/// let share = (4.0 + 27.0_f64.powi(2)) / (-2..28).map(|l| f64::from(l).powi(2)).sum::<f64>();
/// assert!((report.energy_share / share - 1.0).abs() < 1e-6);
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct SliceReport<S> {
    /// The coordinates (α, β) of the point.
    pub coordinates: [f64; 2],
    /// d_iᵀ·H·d_j, from products: the second derivatives of the loss by α and β, if the directions are zero outside the
    /// chosen blocks.
    pub matrix: [[f64; 2]; 2],
    /// The least and the largest curvature in the plane, per squared unit of distance, which can be compared with
    /// eigenvalues. NaN if the directions are parallel to rounding, or zero in the chosen blocks.
    pub curvatures: [f64; 2],
    /// Curvatures nearer to 0 than this may be due to rounding, or to asymmetry of the products.
    pub rounding: f64,
    /// The ends of the spectrum of the whole Hessian.
    pub extremes: Extremes<S>,
    /// The energy of the spectrum Σλ² = ‖H‖_F², estimated from random products.
    pub energy: f64,
    /// The standard error of the energy.
    pub energy_error: f64,
    /// The share of that energy in the slice: the sum of its squared curvatures, divided by Σλ².
    pub energy_share: f64,
    /// The number of parameters of the Hessian, in the chosen blocks.
    pub parameters: usize,
    /// The number of products in all.
    pub products: usize,
}

impl Default for SliceCurvature {
    fn default() -> Self {
        Self { lanczos: Lanczos::new(), probes: 32, mask: None }
    }
}

impl SliceCurvature {
    /// Extremes by [`Lanczos::new`], 32 probes, all parameters except buffers.
    pub fn new() -> Self {
        Self::default()
    }

    /// The settings of the Lanczos run for the extremes.
    pub fn lanczos(self, lanczos: Lanczos) -> Self {
        Self { lanczos, ..self }
    }

    /// The number of random products for the energy, 2 or more; 32 by default. The relative standard error of the
    /// energy is at most √(2 / probes).
    pub fn probes(self, probes: usize) -> Self {
        Self { probes, ..self }
    }

    /// Uses the Hessian in these blocks alone.
    pub fn mask(self, mask: &Mask) -> Self {
        Self { mask: Some(mask.clone()), ..self }
    }

    /// The report at the point (α, β) of the plane θ + α·d₁ + β·d₂ through the model's parameters.
    ///
    /// # Errors
    /// [`Error::LayoutMismatch`] for directions of another layout; [`Error::Coordinates`] for a point that is not
    /// finite; [`Error::Setting`] for fewer than 2 probes; and those of [`HessianOperator::new`],
    /// [`HessianOperator::masked`] and [`Lanczos::run`].
    pub fn report<M, D>(
        &self,
        model: &M,
        data: &D,
        directions: &Directions<M::Scalar>,
        coordinates: [f64; 2],
    ) -> Result<SliceReport<M::Scalar>>
    where
        M: HessianProduct<D> + ?Sized,
        D: ?Sized,
    {
        ensure_probes(self.probes)?;
        for (axis, value) in [("α", coordinates[0]), ("β", coordinates[1])] {
            if !value.is_finite() {
                return Err(Error::Coordinates { axis, index: 0, value });
            }
        }
        let (layout, theta) = (model.layout(), model.parameters());
        let [first, second] = [directions.first(), directions.second()];
        layout.ensure_same(first.layout())?;
        let slice = Slice::plane(layout, theta, first.values(), second.values())?;
        let mut place = theta.to_vec();
        slice.theta_into(coordinates, &mut place);
        let mut hessian = HessianOperator::new(model, &place, data)?.restricted(self.mask.as_ref())?;
        let n = hessian.dimension();

        let both = [hessian.restrict(first.values())?, hessian.restrict(second.values())?];
        let frame = Frame::new(both);
        let mut products = vec![M::Scalar::from_f64(0.0); 2 * n];
        multiply(&mut hessian, 0, &frame.vectors, &mut products)?;
        let (matrix, curvatures) = frame.curvatures(&products);

        let extremes = self.lanczos.run(&mut hessian)?;
        let scale = extremes.lambda_min.abs().max(extremes.lambda_max.abs());
        let rounding = scale * (extremes.asymmetry + 16.0 * M::Scalar::EPSILON);
        let [energy, energy_error] = energy(&mut hessian, self.lanczos.seed, self.probes)?;
        let seen = curvatures[0].powi(2) + curvatures[1].powi(2);
        Ok(SliceReport {
            coordinates,
            matrix,
            curvatures,
            rounding,
            products: self.probes.saturating_add(2 + extremes.products),
            extremes,
            energy,
            energy_error,
            energy_share: seen / energy,
            parameters: n,
        })
    }
}

/// An orthonormal frame of a plane: d₁ = r₁₁·q₁, d₂ = r₁₂·q₁ + r₂₂·q₂.
struct Frame<S> {
    /// q₁, then q₂; zeros for a vector that does not exist, because d₁ is zero or d₂ is parallel to it.
    vectors: Vec<S>,
    r: [f64; 3],
}

impl<S: Scalar> Frame<S> {
    /// Gram–Schmidt, twice, so that q₂ is orthogonal however nearly parallel the directions are.
    fn new([first, second]: [Vec<S>; 2]) -> Self {
        let n = first.len();
        let (length, whole) = (crate::params::norm(&first), crate::params::norm(&second));
        let mut vectors = vec![S::zero(); 2 * n];
        let (q1, q2) = vectors.split_at_mut(n);
        if length > 0.0 {
            q1.iter_mut().zip(&first).for_each(|(q, d)| *q = S::from_f64(d.as_f64() / length));
        }
        q2.copy_from_slice(&second);
        let mut along = 0.0;
        for _ in 0..2 {
            let part = dot(q1, q2);
            along += part;
            q2.iter_mut().zip(&*q1).for_each(|(q2, q1)| *q2 = S::from_f64(q2.as_f64() - part * q1.as_f64()));
        }
        let rest = crate::params::norm(&*q2);
        // The rest of a parallel direction is the rounding of its elements.
        let rest = if length > 0.0 && rest > 64.0 * S::EPSILON * whole { rest } else { 0.0 };
        let scale = if rest > 0.0 { rest.recip() } else { 0.0 };
        for q in q2 {
            *q = S::from_f64(q.as_f64() * scale);
        }
        Self { vectors, r: [length, along, rest] }
    }

    /// From H·q₁ and H·q₂: d_iᵀ·H·d_j, and the eigenvalues of H in the plane.
    fn curvatures(&self, products: &[S]) -> ([[f64; 2]; 2], [f64; 2]) {
        let n = products.len() / 2;
        let ((q1, q2), (h1, h2)) = (self.vectors.split_at(n), products.split_at(n));
        let (a, b, c) = (dot(q1, h1), dot(q1, h2).midpoint(dot(q2, h1)), dot(q2, h2));
        let [length, along, rest] = self.r;
        let cross = length * (along * a + rest * b);
        let last = along * along * a + 2.0 * along * rest * b + rest * rest * c;
        let (middle, half) = (a.midpoint(c), ((a - c) / 2.0).hypot(b));
        let curvatures = if rest > 0.0 { [middle - half, middle + half] } else { [f64::NAN; 2] };
        ([[length * length * a, cross], [cross, last]], curvatures)
    }
}

impl<S> SliceReport<S> {
    /// Whether the slice is convex at the point; None if its least curvature may be due to rounding, or if the
    /// directions span no plane.
    pub fn slice_is_convex(&self) -> Option<bool> {
        let least = self.curvatures[0];
        if least.abs() > self.rounding { Some(least > 0.0) } else { None }
    }
}

impl<S: Scalar> fmt::Display for SliceReport<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { coordinates: [alpha, beta], curvatures: [low, high], extremes, .. } = self;
        let Extremes { lambda_min, lambda_max, bounds, confidence, .. } = extremes;
        if low.is_nan() {
            writeln!(f, "At ({alpha}, {beta}) the directions span no plane in the chosen parameters;")?;
        } else {
            writeln!(
                f,
                "At ({alpha}, {beta}) the slice curves between {low:.4e} and {high:.4e} per unit of distance,"
            )?;
        }
        writeln!(
            f,
            "the loss between {lambda_min:.4e} and {lambda_max:.4e} over the {} parameters looked at.",
            self.parameters
        )?;
        match (self.slice_is_convex(), extremes.is_convex()) {
            (None, _) if low.is_nan() => writeln!(f, "The slice says nothing.")?,
            (None, _) => writeln!(f, "The slice is flat to rounding, which says nothing.")?,
            (Some(false), _) => {
                writeln!(f, "The slice is not convex, which proves that the loss is not convex here.")?;
            }
            (Some(true), Some(false)) => writeln!(
                f,
                "The slice is convex, but the loss is not: |λ_min/λ_max| = {:.4}. A convex slice proves nothing.",
                extremes.ratio()
            )?,
            (Some(true), Some(true)) => writeln!(
                f,
                "The slice is convex, and so is the loss here: λ_min ≥ {:.4e} with probability {confidence}.",
                bounds[0]
            )?,
            (Some(true), None) => writeln!(
                f,
                "The slice is convex, which proves nothing; whether the loss is convex here is not decided."
            )?,
        }
        write!(f, "The spectrum's energy Σλ² is {:.3e} ± {:.0e}", self.energy, self.energy_error)?;
        if low.is_nan() {
            write!(f, ".")
        } else {
            write!(f, ", of which the slice sees {:.2e}.", self.energy_share)
        }
    }
}

#[cfg(test)]
mod tests {
    use approx::assert_relative_eq;

    use super::*;

    /// The curvatures of diag(3, −1, 7, …) over the plane of two directions.
    fn of<S: Scalar>(first: &[f64], second: &[f64]) -> ([[f64; 2]; 2], [f64; 2]) {
        let vector = |v: &[f64]| v.iter().map(|&v| S::from_f64(v)).collect::<Vec<S>>();
        let frame = Frame::new([vector(first), vector(second)]);
        let n = first.len();
        let spectrum = |i: usize| [3.0, -1.0, 7.0][(i % n).min(2)];
        let products: Vec<S> =
            frame.vectors.iter().enumerate().map(|(i, q)| S::from_f64(spectrum(i) * q.as_f64())).collect();
        frame.curvatures(&products)
    }

    #[test]
    fn curvatures_are_rayleigh_quotients_in_any_basis() {
        for [u, v] in [[[1.0, 0.0], [0.0, 1.0]], [[5.0, 0.0], [0.0, 0.1]], [[1.0, 2.0], [-3.0, 0.5]]] {
            let (matrix, found) = of::<f64>(&u, &v);
            assert_relative_eq!(found[0], -1.0, max_relative = 1e-12);
            assert_relative_eq!(found[1], 3.0, max_relative = 1e-12);
            let h = |a: [f64; 2], b: [f64; 2]| 3.0 * a[0] * b[0] - a[1] * b[1];
            for (found, exact) in matrix.as_flattened().iter().zip([h(u, u), h(u, v), h(u, v), h(v, v)]) {
                assert_relative_eq!(*found, exact, max_relative = 1e-12, epsilon = 1e-12);
            }
        }
    }

    #[test]
    fn parallel_directions_span_nothing_and_nearly_parallel_ones_stay_in_the_spectrum() {
        let first: Vec<f64> = (0..50).map(|i| (f64::from(i) * 1.3).sin()).collect();
        let other: Vec<f64> = (0..50).map(|i| (f64::from(i) * 0.7).cos()).collect();
        for share in [0.0, 1e-12, 1e-9, 1e-6, 1e-5, 1e-3] {
            let second: Vec<f64> = first.iter().zip(&other).map(|(a, b)| 3.3 * a + share * b).collect();
            for (found, nothing) in
                [(of::<f64>(&first, &second).1, share == 0.0), (of::<f32>(&first, &second).1, share < 1e-4)]
            {
                assert_eq!(found[0].is_nan(), nothing, "{share}: {found:?}");
                assert!(nothing || (found[0] >= -1.0 - 1e-6 && found[1] <= 7.0 + 1e-5), "{share}: {found:?}");
            }
        }
        assert!(of::<f64>(&[0.0, 0.0], &[0.0, 1.0]).1[0].is_nan(), "zero in the chosen blocks");
    }
}
