//! What a slice hides: the curvature that a plane shows at a point, beside that of the whole space.

use std::fmt;

use ndarray_rand::rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{Extremes, HessianOperator, Lanczos, SymmetricOperator, basis::dot, operator::multiply};
use crate::{Directions, Error, HessianProduct, Mask, Plane, Point, Result, Scalar};

/// Compares the curvature of a plane at one of its points with the whole Hessian's.
///
/// A surface over a plane shows two curvatures out of n. By Rayleigh's principle each lies between λ_min
/// and λ_max; so a slice that is not convex proves that the loss is not, and a convex slice proves
/// nothing.
///
/// **Cost.** Two products for the slice, one Lanczos run (see [`Lanczos`]) for the ends of the spectrum, and
/// [`probes`](Self::probes) products for its energy.
///
/// ```
/// use loss_landscape::{RandomDirections, SliceCurvature};
/// use loss_landscape::nets::{digits, Activation, Criterion, Mlp};
///
/// let data = digits::<f64>()?.0;
/// let net = Mlp::new(&[64, 16, 10], Activation::Tanh, Criterion::CrossEntropy, 0)?;
/// let dirs = RandomDirections::new(1).pair(&net)?;
/// let report = SliceCurvature::new().report(&net, &data, &dirs, [0.0, 0.0])?;
/// assert!(report.extremes.lambda_min < report.curvatures[0]);
/// assert!(report.curvatures[1] < report.extremes.lambda_max);
/// let words = report.to_string();
/// # assert!(words.contains("slice"));
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct SliceCurvature {
    lanczos: Lanczos,
    probes: usize,
    mask: Option<Mask>,
}

/// What a plane shows of the curvature at a point, and what it hides. As text it says what that means.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct SliceReport<S> {
    /// The point (α, β).
    pub point: Point,
    /// The second derivatives of the loss by α and β, d_iᵀ·H·d_j: exact, from products.
    pub matrix: [[f64; 2]; 2],
    /// The least and the largest curvature in the plane, per unit of distance: what to compare
    /// with eigenvalues. NaN if the directions are parallel to rounding, or zero in the chosen blocks.
    pub curvatures: [f64; 2],
    /// The whole Hessian's.
    pub extremes: Extremes<S>,
    /// Σλ², the spectrum's energy ‖H‖_F², estimated from random products.
    pub energy: f64,
    /// The standard error of the energy.
    pub energy_error: f64,
    /// The share of that energy that the slice sees: the sum of its squared curvatures over Σλ².
    pub energy_share: f64,
    /// The number of parameters.
    pub parameters: usize,
    /// Products in all.
    pub products: usize,
}

impl Default for SliceCurvature {
    fn default() -> Self {
        Self { lanczos: Lanczos::new(), probes: 32, mask: None }
    }
}

impl SliceCurvature {
    /// Extremes as [`Lanczos::new`] finds them, 32 probes, all parameters but buffers.
    pub fn new() -> Self {
        Self::default()
    }

    /// How the extremes are found.
    pub fn lanczos(self, lanczos: Lanczos) -> Self {
        Self { lanczos, ..self }
    }

    /// Random products for the energy, 2 or more; 32 by default. Its relative standard error is at most
    /// √(2 / probes).
    pub fn probes(self, probes: usize) -> Self {
        Self { probes, ..self }
    }

    /// The Hessian in these blocks alone.
    pub fn mask(self, mask: &Mask) -> Self {
        Self { mask: Some(mask.clone()), ..self }
    }

    /// The report for the plane through the model's parameters, at a point of it.
    ///
    /// # Errors
    /// [`Error::LayoutMismatch`] for directions of another layout; [`Error::Coordinates`] for a point that
    /// is not finite; [`Error::Setting`] for fewer than 2 probes; what [`HessianOperator::new`],
    /// [`HessianOperator::masked`] and [`Lanczos::run`] fail with.
    pub fn report<M, D>(
        &self,
        model: &M,
        data: &D,
        directions: &Directions<M::Scalar>,
        point: Point,
    ) -> Result<SliceReport<M::Scalar>>
    where
        M: HessianProduct<D> + ?Sized,
        D: ?Sized + Sync,
    {
        if self.probes < 2 {
            let (setting, needs) = ("the number of probes", "2 or more");
            return Err(Error::Setting { setting, needs, value: self.probes as f64 });
        }
        for (axis, value) in [("α", point[0]), ("β", point[1])] {
            if !value.is_finite() {
                return Err(Error::Coordinates { axis, index: 0, value });
            }
        }
        let (layout, theta) = (model.layout(), model.parameters());
        let [first, second] = [directions.first(), directions.second()];
        layout.ensure_same(first.layout())?;
        let plane = Plane::spanned(layout, theta, first.values(), second.values())?;
        let mut place = theta.to_vec();
        plane.theta_into(point, &mut place);
        let mut hessian = HessianOperator::new(model, &place, data)?;
        if let Some(mask) = &self.mask {
            hessian = hessian.masked(mask)?;
        }
        let n = hessian.dimension();

        let both = [hessian.restrict(first.values())?, hessian.restrict(second.values())?];
        let mut products = vec![M::Scalar::from_f64(0.0); 2 * n];
        multiply(&mut hessian, 0, &both.concat(), &mut products)?;
        let (left, right) = products.split_at(n);
        let cross = dot(&both[0], right).midpoint(dot(&both[1], left));
        let matrix = [[dot(&both[0], left), cross], [cross, dot(&both[1], right)]];
        let gram = [dot(&both[0], &both[0]), dot(&both[0], &both[1]), dot(&both[1], &both[1])];
        let curvatures = curvatures(matrix, gram);

        let extremes = self.lanczos.run(&mut hessian)?;
        let (energy, energy_error) = self.energy(&mut hessian)?;
        let seen = curvatures[0].powi(2) + curvatures[1].powi(2);
        Ok(SliceReport {
            point,
            matrix,
            curvatures,
            products: 2 + extremes.products + self.probes,
            extremes,
            energy,
            energy_error,
            energy_share: seen / energy,
            parameters: n,
        })
    }

    /// E‖H·z‖² = Σλ² for z of independent signs, and its standard error.
    fn energy<A: SymmetricOperator>(&self, hessian: &mut A) -> Result<(f64, f64)> {
        let n = hessian.dimension();
        let (mut z, mut product) = (vec![A::Scalar::from_f64(1.0); n], vec![A::Scalar::from_f64(0.0); n]);
        let mut generator = ChaCha8Rng::seed_from_u64(self.lanczos.seed);
        // A stream that no start of a run uses.
        generator.set_stream(u64::MAX);
        let mut squares = Vec::with_capacity(self.probes);
        for probe in 0..self.probes {
            for z in &mut z {
                *z = A::Scalar::from_f64(if generator.random::<bool>() { 1.0 } else { -1.0 });
            }
            multiply(hessian, probe, &z, &mut product)?;
            squares.push(crate::params::norm(&product).powi(2));
        }
        let count = self.probes as f64;
        let mean = squares.iter().sum::<f64>() / count;
        let variance = squares.iter().map(|square| (square - mean).powi(2)).sum::<f64>() / (count - 1.0);
        Ok((mean, (variance / count).sqrt()))
    }
}

/// The eigenvalues of M·x = μ·G·x for 2×2 symmetric M and G: Rayleigh quotients in the plane.
fn curvatures(m: [[f64; 2]; 2], [a, b, c]: [f64; 3]) -> [f64; 2] {
    // An orthonormal basis of the plane: d₁ / ‖d₁‖, and what of d₂ is orthogonal to it.
    let length = a.sqrt();
    let along = b / a;
    let rest = (c - b * along).sqrt();
    // Parallel to rounding, or zero: no plane.
    if !(length > 0.0 && rest > 1e-7 * c.sqrt()) {
        return [f64::NAN; 2];
    }
    let first = m[0][0] / a;
    let cross = (m[0][1] - along * m[0][0]) / (length * rest);
    let second = (m[1][1] - 2.0 * along * m[0][1] + along * along * m[0][0]) / (rest * rest);
    let (middle, half) = (first.midpoint(second), ((first - second) / 2.0).hypot(cross));
    [middle - half, middle + half]
}

impl<S> SliceReport<S> {
    /// Whether the slice is convex at the point; none if it has no area.
    pub fn slice_is_convex(&self) -> Option<bool> {
        if self.curvatures[0].is_nan() { None } else { Some(self.curvatures[0] >= 0.0) }
    }
}

impl<S: Scalar> fmt::Display for SliceReport<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { point: [alpha, beta], curvatures: [low, high], extremes, .. } = self;
        let Extremes { lambda_min, lambda_max, bounds, confidence, .. } = extremes;
        writeln!(
            f,
            "At ({alpha}, {beta}) the slice curves between {low:.4e} and {high:.4e} per unit of distance,"
        )?;
        writeln!(
            f,
            "the loss between {lambda_min:.4e} and {lambda_max:.4e} over all {} parameters.",
            self.parameters
        )?;
        match (self.slice_is_convex(), extremes.is_convex()) {
            (None, _) => writeln!(f, "The directions span no plane here, so the slice says nothing.")?,
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
        write!(
            f,
            "The slice sees {:.2e} of the spectrum's energy Σλ² = {:.3e} ± {:.0e}.",
            self.energy_share, self.energy, self.energy_error
        )
    }
}

#[cfg(test)]
mod tests {
    use approx::assert_relative_eq;

    use super::*;

    #[test]
    fn curvatures_are_rayleigh_quotients_in_any_basis() {
        // H = diag(3, −1) seen by orthonormal, stretched and skewed bases of the same plane.
        for basis in [[[1.0, 0.0], [0.0, 1.0]], [[5.0, 0.0], [0.0, 0.1]], [[1.0, 2.0], [-3.0, 0.5]]] {
            let [u, v]: [[f64; 2]; 2] = basis;
            let h = |a: [f64; 2], b: [f64; 2]| 3.0 * a[0] * b[0] - a[1] * b[1];
            let g = |a: [f64; 2], b: [f64; 2]| a[0] * b[0] + a[1] * b[1];
            let found = curvatures([[h(u, u), h(u, v)], [h(u, v), h(v, v)]], [g(u, u), g(u, v), g(v, v)]);
            assert_relative_eq!(found[0], -1.0, max_relative = 1e-12);
            assert_relative_eq!(found[1], 3.0, max_relative = 1e-12);
        }
        assert!(curvatures([[1.0, 1.0], [1.0, 1.0]], [1.0, 1.0, 1.0])[0].is_nan(), "parallel");
        assert!(curvatures([[0.0; 2]; 2], [0.0, 0.0, 1.0])[0].is_nan(), "zero in the chosen blocks");
    }
}
