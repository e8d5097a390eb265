//! The outermost eigenpairs, and directions along eigenvectors.

use super::{
    extremes::LanczosEnd,
    process::{LanczosProcess, Start},
    run::Lanczos,
};
use crate::{
    Direction, Error, Result, Scalar,
    curvature::operator::{HessianOperator, SymmetricOperator, ensure_dimension},
};

/// Eigenvalues and eigenvectors of both ends of a spectrum; [`Lanczos::pairs`] computes them.
///
/// ```
/// use loss_landscape::curvature::{FnOperator, Lanczos};
///
/// // Eigenvalues −2, −1, …, 97.
/// let mut operator = FnOperator::new(100, |v: &[f64], out: &mut [f64]| {
///     out.iter_mut().zip(v).enumerate().for_each(|(i, (out, v))| *out = (i as f64 - 2.0) * v);
///     Ok(())
/// });
/// let pairs = Lanczos::new().tolerance(1e-9).pairs(&mut operator, 2, 1)?;
/// for ((value, residual), expected) in pairs.values.iter().zip(&pairs.residuals).zip([-2.0, -1.0, 97.0]) {
///     println!("{value:.6} ± {residual:.0e}");
///     assert!((value - expected).abs() < 1e-6);
/// }
/// let (lowest, highest) = pairs.vectors.split_at(pairs.lowest);
/// assert!((lowest.len(), highest.len()) == (2, 1) && highest[0][99].abs() > 0.999_999);
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct EigenPairs<S> {
    /// The lowest eigenvalues, ascending, then the highest, ascending.
    pub values: Vec<f64>,
    /// ‖A·v − λ·v‖ of each pair: there is an eigenvalue within this distance of its value.
    pub residuals: Vec<f64>,
    /// The eigenvectors, of length 1 and orthogonal to each other to rounding.
    pub vectors: Vec<Vec<S>>,
    /// The number of pairs of the low end, which come first.
    pub lowest: usize,
    /// The number of products of the operator with a vector.
    pub products: usize,
    /// Why the run ended: [`LanczosEnd::Residuals`] if all residuals are below the tolerance.
    pub end: LanczosEnd,
}

impl Lanczos {
    /// The `lowest` and `highest` outermost eigenpairs, to residuals of the
    /// [tolerance](Self::tolerance) times the largest |λ|.
    ///
    /// A multiple eigenvalue is found once, since one start vector contains only one of its eigenvectors. Small
    /// residuals show that there are eigenvalues near the values, not that none between them was missed; a tolerance
    /// well below the gaps guards against that. If the operator has fewer different eigenvalues than asked for, all of
    /// them are returned, the low end first. The vectors returned take memory in addition to [`memory`](Self::memory).
    ///
    /// ```
    /// use loss_landscape::{Directions, Gradient, HessianProduct, Layout, Loss, Model, OracleError, Sweep};
    /// use loss_landscape::curvature::{HessianOperator, Lanczos};
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
    /// // The plane of the steepest and the most downward curvature of a model.
    /// let model = Saddle { layout: Layout::flat(12)?, theta: vec![0.0; 12] };
    /// let mut hessian = HessianOperator::new(&model, model.parameters(), &())?;
    /// let pairs = Lanczos::new().tolerance(1e-8).pairs(&mut hessian, 1, 2)?;
    /// assert!((pairs.values[0] + 2.0).abs() < 1e-6 && (pairs.values[2] - 9.0).abs() < 1e-6);
    /// let plane = Directions::new(pairs.direction(&hessian, 2)?, pairs.direction(&hessian, 0)?)?;
    /// let surface = Sweep::plane(&model, plane).data("", &()).alpha(-0.1..=0.1, 3).beta(-0.1..=0.1, 3).run()?;
    /// let loss = surface.loss();
    /// let curvature = (loss[[0, 1]] - 2.0 * loss[[1, 1]] + loss[[2, 1]]) / 0.01;
    /// assert!((curvature / pairs.values[2] - 1.0).abs() < 0.1);
    /// # Ok::<(), loss_landscape::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`run`](Self::run); [`Error::Setting`] if no pair is asked for or more than the basis holds.
    pub fn pairs<A: SymmetricOperator + ?Sized>(
        &self,
        operator: &mut A,
        lowest: usize,
        highest: usize,
    ) -> Result<EigenPairs<A::Scalar>> {
        self.check()?;
        let n = ensure_dimension(operator)?;
        self.ensure_memory::<A::Scalar>(n)?;
        let wanted = lowest.saturating_add(highest);
        let capacity = self.capacity::<A::Scalar>(n);
        // A restart must leave room for new vectors.
        let restarts = capacity < n && capacity < self.max_products;
        let most = if restarts { capacity.saturating_sub(4) } else { capacity };
        if wanted == 0 || wanted > most || (wanted > self.max_products && n > self.max_products) {
            return Err(Error::Setting {
                setting: "the number of eigenpairs",
                needs: "1 or more, not more than the most products, and so few that the basis holds them",
                value: wanted as f64,
            });
        }
        let mut process = LanczosProcess::new(n);
        process.start(Start { seed: self.seed, stream: self.stream, warm: None });
        let end = loop {
            process.step(operator)?;
            let full = process.len() == capacity;
            process.ritz(full);
            let count = process.theta.len();
            let enough = self.tolerance * process.scale();
            let converged = count >= wanted
                && chosen(count, lowest, highest).all(|index| process.residual(index) <= enough);
            if process.noise() > enough {
                break LanczosEnd::Asymmetric;
            } else if process.is_invariant() {
                break LanczosEnd::Exact;
            } else if converged {
                break LanczosEnd::Residuals;
            } else if process.products >= self.max_products {
                break LanczosEnd::ProductLimit;
            }
            if full {
                let spare = (capacity - wanted) / 4;
                process.restart(lowest + spare, highest + spare);
            }
            process.advance();
        };
        process.ritz(true);
        let count = process.theta.len();
        let (lowest, highest) = (lowest.min(count), highest.min(count.saturating_sub(lowest)));
        let indices: Vec<usize> = chosen(count, lowest, highest).collect();
        let vector = |&index: &usize| {
            let mut v = vec![A::Scalar::from_f64(0.0); n];
            process.vector(index, &mut v);
            v
        };
        Ok(EigenPairs {
            values: indices.iter().map(|&index| process.value(index)).collect(),
            residuals: indices.iter().map(|&index| process.residual(index)).collect(),
            vectors: indices.iter().map(vector).collect(),
            lowest,
            products: process.products,
            end,
        })
    }
}

impl<S: Scalar> EigenPairs<S> {
    /// The eigenvector at this index as a direction of the whole layout, of length 1, so that α measures Euclidean
    /// distance and the second derivative along α at θ is the eigenvalue. [`Lanczos::pairs`] has an example.
    ///
    /// # Errors
    /// [`Error::OperatorLength`] if `hessian` has vectors of another length; [`Error::Setting`] for an index that is
    /// not below the number of pairs.
    pub fn direction(&self, hessian: &HessianOperator<'_, S>, index: usize) -> Result<Direction<S>> {
        let (Some(v), Some(&value)) = (self.vectors.get(index), self.values.get(index)) else {
            return Err(Error::Setting {
                setting: "the index of an eigenpair",
                needs: "below the number of pairs",
                value: index as f64,
            });
        };
        Ok(Direction::eigenvector(hessian.layout(), hessian.embed(v)?, value))
    }
}

/// The indices of the outermost of `count` values.
fn chosen(count: usize, lowest: usize, highest: usize) -> impl Iterator<Item = usize> {
    (0..lowest.min(count)).chain(count.saturating_sub(highest).max(lowest.min(count))..count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::curvature::FnOperator;

    fn diagonal(spectrum: &[f64]) -> impl SymmetricOperator<Scalar = f64> + '_ {
        FnOperator::new(spectrum.len(), move |v: &[f64], out: &mut [f64]| {
            out.iter_mut().zip(spectrum).zip(v).for_each(|((out, l), v)| *out = l * v);
            Ok(())
        })
    }

    #[test]
    fn the_outermost_pairs_with_and_without_restarts() {
        let spectrum: Vec<f64> = (0..3000_u32)
            .map(|i| match i {
                0..6 => 4.0 + f64::from(i),
                6..10 => -0.5 - 0.3 * f64::from(i),
                _ => 0.2 * f64::from(i).sin(),
            })
            .collect();
        // The eigenvectors are unit vectors.
        let places = [9, 8, 7, 3, 4, 5];
        for limit in [1 << 30, 24 * 3000 * 8] {
            let lanczos = Lanczos::new().tolerance(1e-9).memory_limit(limit).max_products(400);
            let pairs = lanczos.pairs(&mut diagonal(&spectrum), 3, 3).unwrap();
            assert_eq!((pairs.end, pairs.lowest), (LanczosEnd::Residuals, 3));
            for ((&value, v), place) in pairs.values.iter().zip(&pairs.vectors).zip(places) {
                assert!((value - spectrum[place]).abs() < 1e-9, "{value} {}", spectrum[place]);
                assert!((v[place].abs() - 1.0).abs() < 1e-9);
            }
        }
    }

    #[test]
    fn fewer_eigenvalues_than_asked_for_come_all() {
        let spectrum = [1.0, 1.0, 2.0, -1.0, 2.0];
        let pairs = Lanczos::new().pairs(&mut diagonal(&spectrum), 2, 3).unwrap();
        assert_eq!(pairs.end, LanczosEnd::Exact);
        let rounded: Vec<i64> = pairs.values.iter().map(|value| (value * 1e9).round() as i64).collect();
        assert_eq!(rounded, [-1_000_000_000, 1_000_000_000, 2_000_000_000]);
        assert_eq!(pairs.lowest, 2);
        let none = Lanczos::new().pairs(&mut diagonal(&spectrum), 0, 0);
        assert!(matches!(none, Err(Error::Setting { .. })));
        let many = Lanczos::new().pairs(&mut diagonal(&spectrum), 4, 2);
        assert!(matches!(many, Err(Error::Setting { .. })));
    }
}
