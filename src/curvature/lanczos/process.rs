//! The Lanczos process itself: one product a step, full re-orthogonalisation, thick restarts.
//!
//! Every new vector is made orthogonal to all the others by classical Gram–Schmidt, twice where the first
//! pass left more than rounding[^1]. The inner products of the first pass are the column of the
//! projected operator QᵀAQ; symmetry says what all but one of them should be, and how far they are from
//! that measures the noise and asymmetry of the products at no cost. When the basis is full, the Ritz
//! vectors of both ends are kept and the rest is dropped[^2].
//!
//! [^1]: L. Giraud, J. Langou, M. Rozložník, J. van den Eshof, *Rounding error analysis of the classical
//! Gram-Schmidt orthogonalization process*, Numer. Math. 101 (2005).
//! [^2]: K. Wu, H. Simon, *Thick-restart Lanczos method for large symmetric eigenvalue problems*, SIAM J.
//! Matrix Anal. Appl. 22 (2000).

use ndarray_rand::rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

use super::{
    basis::{Basis, dot},
    bounds::{RandomShare, Recurrence},
};
use crate::{
    Result, Scalar,
    curvature::operator::{SymmetricOperator, multiply},
    symmetric,
};

/// The start of a run: a random vector, or a known vector to which a random one is added.
#[derive(Clone, Copy, Debug)]
pub(in crate::curvature) struct Start<'a, S> {
    pub(in crate::curvature) seed: u64,
    pub(in crate::curvature) stream: u64,
    /// A vector of any norm except 0, and the share s of the random vector that is added.
    pub(in crate::curvature) warm: Option<(&'a [S], f64)>,
}

/// The state of a run; its memory is reused by the next run.
#[derive(Debug)]
pub(in crate::curvature) struct LanczosProcess<S> {
    basis: Basis<S>,
    /// The next basis vector, not yet of length 1.
    w: Vec<S>,
    /// The power of two that products are divided by, so that squares neither overflow nor vanish.
    unit: f64,
    pub(in crate::curvature) products: usize,
    pub(in crate::curvature) restarts: usize,
    pub(super) share: RandomShare,
    /// The projected operator: its diagonal `alpha` and off-diagonal `beta`. The first `kept` elements are Ritz values
    /// from before the last restart, each coupled to vector `kept` by `arrow`.
    alpha: Vec<f64>,
    beta: Vec<f64>,
    kept: usize,
    arrow: Vec<f64>,
    /// ‖QᵀAQ − its symmetric tridiagonal form‖² so far.
    noise: f64,
    /// What the operator says of the error of its products.
    pub(super) product_error: f64,
    /// The Ritz values, ascending, the last components of their vectors, and, if requested, the whole vectors as
    /// columns.
    pub(in crate::curvature) theta: Vec<f64>,
    last: Vec<f64>,
    z: Vec<f64>,
    off: Vec<f64>,
    c: Vec<f64>,
    again: Vec<f64>,
}

impl<S: Scalar> LanczosProcess<S> {
    pub(in crate::curvature) fn new(n: usize) -> Self {
        let none = Vec::new;
        Self {
            basis: Basis::new(n),
            w: vec![S::zero(); n],
            unit: 1.0,
            products: 0,
            restarts: 0,
            share: RandomShare { inverse: f64::INFINITY },
            alpha: none(),
            beta: none(),
            kept: 0,
            arrow: none(),
            noise: 0.0,
            product_error: 0.0,
            theta: none(),
            last: none(),
            z: none(),
            off: none(),
            c: none(),
            again: none(),
        }
    }

    /// Begins a run.
    pub(in crate::curvature) fn start(&mut self, start: Start<'_, S>) {
        let n = self.w.len();
        self.basis.clear();
        self.alpha.clear();
        self.beta.clear();
        self.arrow.clear();
        (self.kept, self.products, self.restarts, self.noise, self.unit) = (0, 0, 0, 0.0, 1.0);
        self.product_error = 0.0;
        let mut generator = ChaCha8Rng::seed_from_u64(start.seed);
        generator.set_stream(start.stream);
        let warm = start.warm.map(|(v, share)| (v, share, crate::params::norm(v)));
        let warm = warm.filter(|(_, share, length)| *share > 0.0 && length.is_normal());
        let scale = warm.map_or(1.0, |(_, share, _)| share) / (n as f64).sqrt();
        for w in &mut self.w {
            let g: f64 = StandardNormal.sample(&mut generator);
            *w = S::from_f64(scale * g);
        }
        if let Some((v, _, length)) = warm {
            for (w, v) in self.w.iter_mut().zip(v) {
                *w = S::from_f64(w.as_f64() + v.as_f64() / length);
            }
        }
        let square = dot(&self.w, &self.w);
        self.share = RandomShare { inverse: square / (scale * scale) };
        self.basis.push(&self.w, square.sqrt().recip());
    }

    /// Multiplies the last basis vector, and makes the product orthogonal to the whole basis.
    pub(in crate::curvature) fn step<A: SymmetricOperator<Scalar = S> + ?Sized>(
        &mut self,
        operator: &mut A,
    ) -> Result<()> {
        let last = self.basis.get(self.basis.len() - 1);
        multiply(operator, self.products, last, &mut self.w)?;
        self.orthogonalise(operator.product_error());
        Ok(())
    }

    /// The vector that the next step multiplies.
    pub(in crate::curvature) fn vector_to_multiply(&self) -> &[S] {
        self.basis.get(self.basis.len() - 1)
    }

    /// A step whose product was computed elsewhere.
    pub(in crate::curvature) fn step_with_product(&mut self, product: &[S], product_error: f64) {
        self.w.copy_from_slice(product);
        self.orthogonalise(product_error);
    }

    /// The part of a step that comes after its product.
    fn orthogonalise(&mut self, product_error: f64) {
        let k = self.basis.len();
        self.products += 1;
        self.product_error = self.product_error.max(product_error);
        if self.products == 1 {
            self.unit = unit_of(&self.w);
        }
        if self.unit != 1.0 {
            for w in &mut self.w {
                *w = S::from_f64(w.as_f64() / self.unit);
            }
        }
        self.c.resize(k, 0.0);
        self.again.resize(k, 0.0);
        self.basis.project(&self.w, &mut self.c);
        for (i, &c) in self.c[..k - 1].iter().enumerate() {
            let expected = if self.kept > 0 && k - 1 == self.kept {
                self.arrow[i]
            } else if i + 2 == k {
                self.beta[i]
            } else {
                0.0
            };
            self.noise += (c - expected).powi(2);
        }
        self.alpha.push(self.c[k - 1]);
        let mut square = self.basis.subtract(&mut self.w, &self.c, &mut self.again);
        let left = self.again.iter().map(|c| c * c).sum::<f64>();
        if left > square * (16.0 * S::EPSILON).powi(2) {
            self.c.copy_from_slice(&self.again);
            square = self.basis.subtract(&mut self.w, &self.c, &mut self.again);
        }
        self.beta.push(square.sqrt());
    }

    /// Computes the Ritz values of the steps so far, and with `vectors` also the coefficients of all Ritz vectors.
    pub(in crate::curvature) fn ritz(&mut self, vectors: bool) {
        let k = self.alpha.len();
        self.theta.clone_from(&self.alpha);
        if self.kept > 0 {
            self.z.clear();
            self.z.resize(k * k, 0.0);
            for i in 0..k {
                self.z[i * k + i] = self.alpha[i];
                let (j, beside) =
                    if i < self.kept { (self.kept, self.arrow[i]) } else { (i + 1, self.beta[i]) };
                if j < k {
                    self.z[i * k + j] = beside;
                    self.z[j * k + i] = beside;
                }
            }
            self.off.clear();
            self.off.resize(k - 1, 0.0);
            symmetric::reduce(&mut self.z, &mut self.theta, &mut self.off);
        } else {
            self.off.clear();
            self.off.extend_from_slice(&self.beta[..k - 1]);
            let rows = if vectors { k } else { 1 };
            self.z.clear();
            self.z.resize(rows * k, 0.0);
            for row in 0..rows {
                self.z[row * k + k - rows + row] = 1.0;
            }
        }
        if !symmetric::eigen(&mut self.theta, &mut self.off, &mut self.z) {
            // Products are finite, so that their squares overflow: the run ends as asymmetric, not with what was left
            // half done.
            self.theta.fill(f64::INFINITY);
        }
        self.last.clear();
        self.last.extend_from_slice(&self.z[self.z.len() - k..]);
    }

    /// The residual ‖A·y − θ·y‖ of a Ritz pair, which costs nothing after a step.
    pub(in crate::curvature) fn residual(&self, index: usize) -> f64 {
        self.unit * self.last_beta() * self.last[index].abs()
    }

    /// A Ritz value in the operator's own scale.
    pub(in crate::curvature) fn value(&self, index: usize) -> f64 {
        self.unit * self.theta[index]
    }

    /// The largest |θ|, in the operator's own scale.
    pub(in crate::curvature) fn scale(&self) -> f64 {
        self.unit * self.relative_scale()
    }

    /// The distance of the products from those of a symmetric operator, over the vectors of the basis.
    pub(in crate::curvature) fn noise(&self) -> f64 {
        self.unit * self.noise.sqrt()
    }

    /// The noise as a share of the largest |θ|; infinite if the products are so far from those of a symmetric operator
    /// that the arithmetic overflows.
    pub(in crate::curvature) fn asymmetry(&self) -> f64 {
        let (noise, scale) = (self.noise.sqrt(), self.relative_scale());
        if scale == 0.0 {
            0.0
        } else if (noise / scale).is_nan() || !scale.is_finite() {
            f64::INFINITY
        } else {
            noise / scale
        }
    }

    /// The number of basis vectors.
    pub(in crate::curvature) fn len(&self) -> usize {
        self.basis.len()
    }

    /// Whether the basis spans the whole space, so that the Ritz values are the eigenvalues.
    pub(in crate::curvature) fn is_whole(&self) -> bool {
        self.basis.len() == self.w.len()
    }

    /// Whether the basis spans a space that is invariant to rounding, so that no step leads out of it. An eigenvector
    /// of which the start has too small a share may still be outside.
    pub(in crate::curvature) fn is_invariant(&self) -> bool {
        self.is_whole() || self.last_beta() <= self.floor()
    }

    /// The size below which a β is rounding.
    fn floor(&self) -> f64 {
        8.0 * S::EPSILON * self.relative_scale()
    }

    /// Adds the product of the last step, made orthogonal, to the basis.
    pub(in crate::curvature) fn advance(&mut self) {
        self.basis.push(&self.w, self.last_beta().recip());
    }

    /// Prepares for another step in a basis of at most `capacity` vectors, with a restart if it is full.
    pub(in crate::curvature) fn make_room(&mut self, capacity: usize) {
        if self.len() == capacity {
            let keep = (capacity / 4).max(1);
            self.restart(keep, keep);
        }
        self.advance();
    }

    /// Keeps the Ritz vectors of the `low` lowest and `high` highest values, and drops the rest. Then
    /// [`advance`](Self::advance) continues as before. The last [`ritz`](Self::ritz) must have computed vectors.
    pub(in crate::curvature) fn restart(&mut self, low: usize, high: usize) {
        let k = self.alpha.len();
        assert!(low + high <= k, "no Ritz vector is kept twice");
        let beta = self.last_beta();
        let columns: Vec<usize> = (0..low).chain(k - high..k).collect();
        self.basis.combine(&self.z, &columns);
        self.alpha = columns.iter().map(|&i| self.theta[i]).collect();
        self.arrow = columns.iter().map(|&i| beta * self.last[i]).collect();
        self.beta = vec![0.0; columns.len() - 1];
        self.beta.push(beta);
        self.kept = columns.len();
        self.restarts += 1;
    }

    /// How far the ends of the spectrum may be outside the Ritz values; each is farther out with probability δ. Only
    /// valid before a restart, which loses the polynomials of the start.
    pub(in crate::curvature) fn reach(&self, delta: f64) -> [f64; 2] {
        let scale = self.relative_scale();
        let floor = self.noise.sqrt().max(self.floor());
        let recurrence = Recurrence { alpha: &self.alpha, beta: &self.beta, floor };
        let inverse_weight = self.share.inverse_weight(delta);
        let end = |index: usize, sign: f64| {
            self.unit * recurrence.reach(self.theta[index], sign, scale, inverse_weight)
        };
        [end(0, -1.0), end(self.theta.len() - 1, 1.0)]
    }

    /// Writes a Ritz vector, of length 1 to rounding.
    pub(in crate::curvature) fn vector(&self, index: usize, out: &mut [S]) {
        self.basis.combined(&self.z, index, out);
    }

    /// The diagonal and off-diagonal of a run that was never restarted, and the unit of both.
    pub(in crate::curvature) fn recurrence(&self) -> (&[f64], &[f64], f64) {
        (&self.alpha, &self.beta[..self.alpha.len() - 1], self.unit)
    }

    /// The length of what the last step left of its product.
    fn last_beta(&self) -> f64 {
        #[expect(clippy::expect_used, reason = "what a run found is asked for after its first step")]
        *self.beta.last().expect("a step")
    }

    fn relative_scale(&self) -> f64 {
        self.theta.iter().fold(0.0, |scale: f64, theta| scale.max(theta.abs()))
    }
}

/// The power of two next to the largest element if that is far from 1, otherwise 1.
pub(in crate::curvature) fn unit_of<S: Scalar>(w: &[S]) -> f64 {
    let largest = w.iter().fold(0.0_f64, |largest, w| largest.max(w.as_f64().abs()));
    if (1e-8..1e8).contains(&largest) || largest == 0.0 {
        return 1.0;
    }
    // With a whole exponent the division is exact.
    largest.log2().floor().min(1023.0).exp2()
}
