//! What a Lanczos run found: the ends of the spectrum, and how sure they are.

use std::fmt;

use super::bounds::{Interval, ratio_interval};
use crate::Scalar;

/// Why a run ended.
///
/// ```
/// use loss_landscape::curvature::{FnOperator, Lanczos, LanczosEnd};
///
/// let mut operator = FnOperator::new(500, |v: &[f64], out: &mut [f64]| {
///     out.iter_mut().zip(v).enumerate().for_each(|(i, (out, v))| *out = (i as f64 - 50.0) * v);
///     Ok(())
/// });
/// let found = Lanczos::new().max_products(10).run(&mut operator)?;
/// let [low, high] = found.ratio_interval();
/// match found.end {
///     LanczosEnd::Certified | LanczosEnd::Exact => println!("{:.3}", found.ratio()),
///     LanczosEnd::Decided => println!("above the threshold, or below it"),
///     LanczosEnd::Residuals => println!("converged to {:.3}, perhaps not to the ends", found.ratio()),
///     LanczosEnd::ProductLimit | LanczosEnd::Breakdown => println!("between {low:.3} and {high:.3}"),
///     LanczosEnd::Asymmetric => println!("check the Hessian-vector product: {:.0e}", found.asymmetry),
///     other => println!("{other:?}"),
/// }
/// assert_eq!(found.end, LanczosEnd::ProductLimit);
/// assert!(low < 50.0 / 449.0 && 50.0 / 449.0 < high); // 10 products were too few, and that is known
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum LanczosEnd {
    /// The ratio is known to the tolerance, at the confidence set.
    Certified,
    /// The residuals are below the tolerance. That shows that there are eigenvalues near the Ritz values, not that
    /// these are the extreme ones. A run ends so if [`Lanczos::by_residuals`](super::Lanczos::by_residuals) is set, or after a restart, which leaves
    /// no bounds.
    Residuals,
    /// The ratio is above or below the [threshold](super::Lanczos::threshold), at the confidence set.
    Decided,
    /// The basis spans an invariant space: the whole space, or, to rounding, one beyond whose ends there is no
    /// eigenvalue, up to the tolerance times the largest |λ| and at the confidence set. The Ritz values are all the
    /// eigenvalues, each of them once.
    Exact,
    /// The basis spans an invariant space to rounding, but there may be eigenvalues beyond its ends, by more than the
    /// tolerance, that rounding hides. That happens in `f32`; the bounds hold.
    Breakdown,
    /// The limit on products was reached first.
    ProductLimit,
    /// The products differ from those of a symmetric operator by more than the tolerance: they are wrong, or too noisy
    /// for it. See [`Extremes::asymmetry`].
    Asymmetric,
    /// The products are not exact, and by their own account are off by more than the tolerance: differences of gradients
    /// in `f32`, or across kinks. See [`Extremes::product_error`].
    Inexact,
}

/// Both ends of a spectrum, with bounds on their errors.
///
/// λ_min and λ_max are the least and the greatest eigenvalue, with their signs. Ritz values are never outside the
/// spectrum, so the true λ_min is at most [`lambda_min`](Self::lambda_min), and the true λ_max at least
/// [`lambda_max`](Self::lambda_max), up to the rounding of the products. How far the true ends may be outside is in
/// [`bounds`](Self::bounds).
///
/// ```
/// use loss_landscape::curvature::{FnOperator, Lanczos};
///
/// // A bulk in [0, 0.1], an outlier at 10, and a negative eigenvalue.
/// let mut operator = FnOperator::new(1000, |v: &[f64], out: &mut [f64]| {
///     let value = |i: usize| match i { 0 => -0.5, 1 => 10.0, i => 1e-4 * i as f64 };
///     out.iter_mut().zip(v).enumerate().for_each(|(i, (out, v))| *out = value(i) * v);
///     Ok(())
/// });
/// let found = Lanczos::new().vectors(true).run(&mut operator)?;
/// println!("λ_min in [{:.4}, {:.4}]", found.bounds[0], found.lambda_min);
/// println!("λ_max in [{:.4}, {:.4}]", found.lambda_max, found.bounds[1]);
/// assert!(found.bounds[0] <= -0.5 && -0.5 <= found.lambda_min + 1e-9);
///
/// let [low, high] = found.ratio_interval();
/// assert!(low <= 0.05 && 0.05 <= high);
/// assert_eq!(found.above(0.01), Some(true)); // far from convex
/// assert_eq!(found.is_convex(), Some(false));
/// let [down, _up] = found.vectors.as_ref().expect("asked for");
/// assert!(down[0].abs() > 0.99); // the direction in which the loss curves downwards
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Extremes<S> {
    /// The lowest Ritz value: the estimate of λ_min, from above.
    #[cfg_attr(feature = "serde", serde(with = "crate::wire::forms"))]
    pub lambda_min: f64,
    /// The highest Ritz value: the estimate of λ_max, from below.
    #[cfg_attr(feature = "serde", serde(with = "crate::wire::forms"))]
    pub lambda_max: f64,
    /// ‖A·y − θ·y‖ of both Ritz pairs: there is an eigenvalue within this distance of each Ritz value, which need not
    /// be the extreme one.
    #[cfg_attr(feature = "serde", serde(with = "crate::wire::forms"))]
    pub residuals: [f64; 2],
    /// How far outside the true ends may be: with probability [`confidence`](Self::confidence) over the random start,
    /// λ_min ≥ `bounds[0]` and λ_max ≤ `bounds[1]`. Infinite if nothing is known, as where the products are not symmetric.
    #[cfg_attr(feature = "serde", serde(with = "crate::wire::forms"))]
    pub bounds: [f64; 2],
    /// The probability that the bounds hold.
    #[cfg_attr(feature = "serde", serde(with = "crate::wire::forms"))]
    pub confidence: f64,
    /// The distance of QᵀAQ from a symmetric tridiagonal matrix, over the basis Q of the run, in the Frobenius norm and
    /// as a share of the largest |θ|: the asymmetry and noise of the products. The bounds include it.
    #[cfg_attr(feature = "serde", serde(with = "crate::wire::forms"))]
    pub asymmetry: f64,
    /// The error of a product with a vector of length 1, by the operator's own account: an estimate, as a distance, and 0
    /// for exact products. The bounds include it.
    pub product_error: f64,
    /// The number of products of the operator with a vector.
    pub products: usize,
    /// How often the basis was full, and reduced to the Ritz vectors of both ends.
    pub restarts: usize,
    /// Why the run ended.
    pub end: LanczosEnd,
    /// The Ritz vectors of λ_min and λ_max, of length 1; None unless [`Lanczos::vectors`](super::Lanczos::vectors) is set.
    pub vectors: Option<[Vec<S>; 2]>,
}

impl<S> Extremes<S> {
    /// |λ_min / λ_max|; NaN for the zero operator.
    pub fn ratio(&self) -> f64 {
        (self.lambda_min / self.lambda_max).abs()
    }

    /// The interval that includes the ratio if the [bounds](Self::bounds) hold.
    pub fn ratio_interval(&self) -> Interval {
        let [low, high] = self.bounds;
        ratio_interval([low, self.lambda_min], [self.lambda_max, high])
    }

    /// The interval that includes the ratio if the eigenvalues within the residuals are the extreme ones. Nothing
    /// guarantees that: it is a measure of convergence, not a bound.
    pub fn residual_interval(&self) -> Interval {
        let [low, high] = self.residuals;
        ratio_interval(
            [self.lambda_min - low, self.lambda_min + low],
            [self.lambda_max - high, self.lambda_max + high],
        )
    }

    /// Whether the ratio is above `threshold`, at the confidence of the bounds; None if the threshold is between them.
    pub fn above(&self, threshold: f64) -> Option<bool> {
        let [low, high] = self.ratio_interval();
        if low > threshold {
            Some(true)
        } else if high < threshold {
            Some(false)
        } else {
            None
        }
    }

    /// Why the ratio is not known to the tolerance, where the products are to blame, and what helps; None otherwise.
    ///
    /// ```
    /// use loss_landscape::curvature::{FnOperator, Lanczos};
    ///
    /// // Not symmetric: each product is shifted by one element.
    /// let mut operator = FnOperator::new(50, |v: &[f64], out: &mut [f64]| {
    ///     (0..50).for_each(|i| out[i] = i as f64 * v[i] + 9.0 * v[(i + 1) % 50]);
    ///     Ok(())
    /// });
    /// let found = Lanczos::new().run(&mut operator)?;
    /// assert!(found.reason().expect("a reason").starts_with("products are asymmetric by "));
    /// println!("{found}");
    /// # Ok::<(), loss_landscape::Error>(())
    /// ```
    pub fn reason(&self) -> Option<String>
    where
        S: Scalar,
    {
        let scale = self.lambda_min.abs().max(self.lambda_max.abs());
        let share = 100.0 * self.product_error / scale;
        let help = if S::EPSILON > 1e-10 { "use f64, or exact products" } else { "use exact products" };
        match self.end {
            LanczosEnd::Inexact => Some(format!(
                "products by differences in {} are off by {share:.1} % of the largest eigenvalue: {help}",
                S::NAME
            )),
            LanczosEnd::Asymmetric if self.product_error > 0.0 => Some(format!(
                "products by differences in {} are asymmetric by {:.1} %: {help}",
                S::NAME,
                100.0 * self.asymmetry
            )),
            LanczosEnd::Asymmetric => Some(format!(
                "products are asymmetric by {:.1} %: test them with `check_hessian_product`",
                100.0 * self.asymmetry
            )),
            _ => None,
        }
    }

    /// Whether the operator is positive semidefinite, and so the loss locally convex. A negative Ritz value, beyond
    /// noise and rounding of the products, proves that it is not; that it is holds at the confidence of the bounds.
    /// None if neither is known.
    pub fn is_convex(&self) -> Option<bool>
    where
        S: Scalar,
    {
        let share = self.asymmetry + 4.0 * S::EPSILON;
        let noise = share * self.lambda_min.abs().max(self.lambda_max.abs()) + self.product_error;
        if self.lambda_min < -noise {
            Some(false)
        } else if self.bounds[0] >= 0.0 {
            Some(true)
        } else {
            None
        }
    }
}

impl fmt::Display for LanczosEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Certified => "certified",
            Self::Residuals => "converged, not certified",
            Self::Decided => "decided",
            Self::Exact => "exact",
            Self::Breakdown => "ended by rounding",
            Self::ProductLimit => "stopped at the limit of products",
            Self::Asymmetric => "stopped, since the products are not symmetric",
            Self::Inexact => "stopped, since the products are not exact enough",
        })
    }
}

/// Both ends, the ratio with its interval, and why it is not better known if it is not.
impl<S: Scalar> fmt::Display for Extremes<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { lambda_min, lambda_max, confidence, products, end, .. } = self;
        let [low, high] = self.ratio_interval();
        write!(
            f,
            "λ_min {lambda_min:.4e}, λ_max {lambda_max:.4e}, ratio {:.4} (in {low:.4} to {high:.4} with probability \
             {confidence}): {end} after {products} products",
            self.ratio()
        )?;
        match self.reason() {
            Some(reason) => write!(f, "; {reason}"),
            None => Ok(()),
        }
    }
}
