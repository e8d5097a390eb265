//! The ends of a spectrum from one Lanczos run, with bounds on their errors.

use super::{
    bounds::within,
    extremes::{Extremes, LanczosEnd},
    process::{LanczosProcess, Start},
};
use crate::{
    Error, HessianProduct, Result, Scalar,
    curvature::operator::{HessianOperator, SymmetricOperator, ensure_dimension},
};

/// The share of a random vector in a warm start. It costs about one product, and lets a run find eigenvectors that its
/// start does not contain.
pub(in crate::curvature) const RANDOM_SHARE: f64 = 1.0 / 16.0;

/// λ_min and λ_max of the Hessian in all parameters except buffers, at the model's parameters; [`Lanczos`] has the
/// options.
///
/// ```
/// use loss_landscape::{Gradient, HessianProduct, Layout, Loss, Model, OracleError, curvature::eigen_extremes};
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
/// let model = Saddle { layout: Layout::flat(30)?, theta: vec![0.0; 30] }; // any model with a Hessian
/// let found = eigen_extremes(&model, &())?;
/// assert!((found.lambda_min + 2.0).abs() < 1e-6 && (found.lambda_max - 27.0).abs() < 0.1);
/// assert_eq!(found.is_convex(), Some(false));
/// println!("{:.3} from {} products", found.ratio(), found.products);
/// # Ok::<(), loss_landscape::Error>(())
/// ```
///
/// # Errors
/// As [`HessianOperator::new`] and [`Lanczos::run`].
pub fn eigen_extremes<M, D>(model: &M, data: &D) -> Result<Extremes<M::Scalar>>
where
    M: HessianProduct<D> + ?Sized,
    D: ?Sized,
{
    Lanczos::new().run(&mut HessianOperator::new(model, model.parameters(), data)?)
}

/// Finds both ends of the spectrum of a symmetric operator by one Lanczos run.
///
/// The run starts from a seeded random vector, re-orthogonalises its basis fully, and stops as soon as [the
/// ratio](Extremes::ratio) is known to the [tolerance](Self::tolerance): with the probability
/// [`confidence`](Self::confidence), neither end of the spectrum is so far outside the Ritz values that the ratio would
/// be off by more. [`Extremes::bounds`] says how far they may be (J. van Dorsselaer, M. Hochstenbach, H. van der Vorst,
/// SIAM J. Matrix Anal. Appl. 22, 2001).
///
/// **Cost.** One product for each step: on networks 17 to 28 for a ratio to 0.005. In addition 4·k·n multiply-adds at
/// step k, and [`memory`](Self::memory) for a basis of vectors of length n.
///
/// ```
/// use loss_landscape::curvature::{FnOperator, Lanczos, LanczosEnd};
///
/// // Ten outliers up to 10 over a bulk in [−0.1, 0.1].
/// let spectrum: Vec<f64> =
///     (0..2000).map(|i| if i < 10 { 1.0 + i as f64 } else { 0.1 * (i as f64).sin() }).collect();
/// let mut operator = FnOperator::new(2000, |v: &[f64], out: &mut [f64]| {
///     out.iter_mut().zip(&spectrum).zip(v).for_each(|((out, l), v)| *out = l * v);
///     Ok(())
/// });
/// let found = Lanczos::new().tolerance(0.002).run(&mut operator)?;
/// assert_eq!(found.end, LanczosEnd::Certified);
/// assert!((found.ratio() - 0.01).abs() < 0.002);
/// assert!(found.bounds[0] <= -0.1 && found.bounds[1] >= 10.0);
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Clone, Debug)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(default, deny_unknown_fields)
)]
#[must_use]
pub struct Lanczos {
    #[cfg_attr(feature = "serde", serde(with = "crate::wire::forms"))]
    pub(in crate::curvature) tolerance: f64,
    #[cfg_attr(feature = "serde", serde(with = "crate::wire::forms"))]
    pub(in crate::curvature) confidence: f64,
    #[cfg_attr(feature = "serde", serde(with = "crate::wire::forms"))]
    pub(in crate::curvature) threshold: Option<f64>,
    pub(in crate::curvature) max_products: usize,
    pub(in crate::curvature) memory_limit: u64,
    pub(in crate::curvature) seed: u64,
    pub(in crate::curvature) stream: u64,
    pub(in crate::curvature) vectors: bool,
    pub(in crate::curvature) by_residuals: bool,
}

impl Default for Lanczos {
    fn default() -> Self {
        Self {
            tolerance: 1e-3,
            confidence: 0.999,
            threshold: None,
            max_products: 500,
            memory_limit: 1 << 30,
            seed: 0,
            stream: 0,
            vectors: false,
            by_residuals: false,
        }
    }
}

/// The largest |λ| is known to about this share when its residual is this share of it; by so many products it is taken
/// for known.
const SETTLED: f64 = 0.1;
const SETTLED_BY: usize = 16;

impl Lanczos {
    /// The ratio to 0.001 at a confidence of 0.999, with at most 500 products and 1 GiB.
    pub fn new() -> Self {
        Self::default()
    }

    /// The distance that the [ratio](Extremes::ratio) may have from the true one: absolute up to a ratio of 1, relative
    /// above. Finite and above 0; 0.001 by default.
    pub fn tolerance(self, tolerance: f64) -> Self {
        Self { tolerance, ..self }
    }

    /// The probability with which the bounds should hold, above 0 and below 1; 0.999 by default. On networks, a failure
    /// probability that is ten times smaller costs about three more products.
    pub fn confidence(self, confidence: f64) -> Self {
        Self { confidence, ..self }
    }

    /// Stops as soon as the ratio is known to be above or below this value, finite and not below 0, if that is earlier.
    ///
    /// ```
    /// use loss_landscape::curvature::{FnOperator, Lanczos, LanczosEnd};
    ///
    /// let mut operator = FnOperator::new(1000, |v: &[f64], out: &mut [f64]| {
    ///     out.iter_mut().zip(v).enumerate().for_each(|(i, (out, v))| *out = (i as f64 - 100.0) * v);
    ///     Ok(())
    /// });
    /// let whole = Lanczos::new().run(&mut operator)?;
    /// let decided = Lanczos::new().threshold(0.5).run(&mut operator)?;
    /// assert_eq!((decided.end, decided.above(0.5)), (LanczosEnd::Decided, Some(false)));
    /// assert!(decided.products < whole.products);
    /// # Ok::<(), loss_landscape::Error>(())
    /// ```
    pub fn threshold(self, ratio: f64) -> Self {
        Self { threshold: Some(ratio), ..self }
    }

    /// The most products, 1 or more; 500 by default.
    pub fn max_products(self, products: usize) -> Self {
        Self { max_products: products, ..self }
    }

    /// The most bytes for the basis and its scratch memory; 1 GiB by default. A run that needs more vectors restarts
    /// with the outermost Ritz vectors. From then on its bounds stay as they were, it can only end by its residuals,
    /// and a step costs k³ operations in addition to its product.
    pub fn memory_limit(self, bytes: u64) -> Self {
        Self { memory_limit: bytes, ..self }
    }

    /// The seed of the random start (`ChaCha8Rng`); 0 by default.
    pub fn seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// The stream of the generator; 0 by default. Runs with different streams start independently.
    pub fn stream(self, stream: u64) -> Self {
        Self { stream, ..self }
    }

    /// Whether to return the Ritz vectors of both ends too; not by default. [`Extremes`] has an example.
    pub fn vectors(self, vectors: bool) -> Self {
        Self { vectors, ..self }
    }

    /// Whether to stop as soon as the residuals are below the tolerance, after three products or more; not by default.
    /// That is earlier and proves less: near a minimiser, a Ritz value can stay at the wrong eigenvalue with a small
    /// residual for many products. [`Extremes::bounds`] holds nevertheless.
    pub fn by_residuals(self, by_residuals: bool) -> Self {
        Self { by_residuals, ..self }
    }

    /// The most bytes that a run on vectors of length `n` takes: basis, product and the vectors returned. The
    /// operator's own memory is not included, nor are 16·k² bytes for a full basis of k vectors.
    ///
    /// ```
    /// use loss_landscape::curvature::Lanczos;
    ///
    /// let lanczos = Lanczos::new().max_products(50);
    /// assert_eq!(lanczos.memory::<f32>(1_000_000), 51 * 4_000_000); // 50 basis vectors and a product
    /// assert!(lanczos.memory_limit(100_000_000).memory::<f32>(1_000_000) <= 100_000_000);
    /// ```
    pub fn memory<S: Scalar>(&self, n: usize) -> u64 {
        let vectors = self.capacity::<S>(n) as u64 + if self.vectors { 3 } else { 1 };
        vectors.saturating_mul(n as u64).saturating_mul(size_of::<S>() as u64)
    }

    /// All settings in a stated form, for journals: what a run finds depends on nothing else but the operator.
    pub(crate) fn settings_text(&self) -> String {
        let Self {
            tolerance,
            confidence,
            threshold,
            max_products,
            memory_limit,
            seed,
            stream,
            vectors,
            by_residuals,
        } = self;
        let threshold = threshold.map_or_else(|| "-".to_owned(), |threshold| format!("{threshold:?}"));
        format!(
            "tolerance={tolerance:?} confidence={confidence:?} threshold={threshold} max_products={max_products} \
             memory_limit={memory_limit} seed={seed} stream={stream} vectors={vectors} by_residuals={by_residuals}"
        )
    }

    /// Runs from a random vector.
    ///
    /// # Errors
    /// [`Error::Setting`] for a tolerance, confidence or threshold out of range; [`Error::EmptyOperator`];
    /// [`Error::MemoryLimit`] if not even 8 vectors fit; [`Error::Oracle`], [`Error::OraclePanicked`] or
    /// [`Error::NonFiniteProduct`] from a product. A tolerance that is not reached is no error: see [`Extremes::end`].
    pub fn run<A: SymmetricOperator + ?Sized>(&self, operator: &mut A) -> Result<Extremes<A::Scalar>> {
        self.run_with(operator, None)
    }

    /// Runs from a vector near the eigenvectors, such as the sum of those at a neighbouring θ, to which a sixteenth of
    /// a random vector is added: without it nothing would be known about eigenvectors that the start does not contain.
    /// It saves products if the run ends by its residuals ([`by_residuals`](Self::by_residuals)); the bounds come from
    /// the random share, and take as many products as from a random vector. The start is scaled to length 1. A start
    /// that is zero or not finite is ignored.
    ///
    /// ```
    /// use loss_landscape::curvature::{FnOperator, Lanczos};
    ///
    /// let hessian_at = |shift: f64| {
    ///     FnOperator::new(2000, move |v: &[f64], out: &mut [f64]| {
    ///         let value = |i: usize| (i as f64).sqrt() - 10.0 + shift;
    ///         out.iter_mut().zip(v).enumerate().for_each(|(i, (out, v))| *out = value(i) * v);
    ///         Ok(())
    ///     })
    /// };
    /// let lanczos = Lanczos::new().vectors(true).by_residuals(true);
    /// let first = lanczos.run(&mut hessian_at(0.0))?;
    /// let [low, high] = first.vectors.as_ref().expect("asked for");
    /// let start: Vec<f64> = low.iter().zip(high).map(|(low, high)| low + high).collect();
    /// let next = lanczos.run_from(&mut hessian_at(0.01), &start)?;
    /// assert!(next.products < first.products);
    /// # Ok::<(), loss_landscape::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`run`](Self::run), and [`Error::OperatorLength`] for a vector of another length.
    pub fn run_from<A: SymmetricOperator + ?Sized>(
        &self,
        operator: &mut A,
        start: &[A::Scalar],
    ) -> Result<Extremes<A::Scalar>> {
        let expected = operator.dimension();
        if start.len() != expected {
            return Err(Error::OperatorLength { what: "the start".into(), len: start.len(), expected });
        }
        self.run_with(operator, Some(start))
    }

    fn run_with<A: SymmetricOperator + ?Sized>(
        &self,
        operator: &mut A,
        warm: Option<&[A::Scalar]>,
    ) -> Result<Extremes<A::Scalar>> {
        self.check()?;
        let n = ensure_dimension(operator)?;
        self.ensure_memory::<A::Scalar>(n)?;
        let mut process = LanczosProcess::new(n);
        let warm = warm.map(|v| (v, RANDOM_SHARE));
        process.start(Start { seed: self.seed, stream: self.stream, warm });
        let mut extremes = self.advance(&mut process, operator)?;
        if self.vectors {
            process.ritz(true);
            let vector = |index: usize| {
                let mut v = vec![A::Scalar::from_f64(0.0); n];
                process.vector(index, &mut v);
                v
            };
            extremes.vectors = Some([vector(0), vector(process.theta.len() - 1)]);
        }
        Ok(extremes)
    }

    /// Steps until the run ends; the process has been started.
    pub(in crate::curvature) fn advance<A: SymmetricOperator + ?Sized>(
        &self,
        process: &mut LanczosProcess<A::Scalar>,
        operator: &mut A,
    ) -> Result<Extremes<A::Scalar>> {
        let capacity = self.capacity::<A::Scalar>(operator.dimension());
        let mut bounds = [f64::NEG_INFINITY, f64::INFINITY];
        loop {
            process.step(operator)?;
            process.ritz(process.len() == capacity);
            let mut extremes = self.look(process, &mut bounds);
            if let Some(end) = self.end(&extremes, process) {
                extremes.end = end;
                if end == LanczosEnd::Asymmetric {
                    // The polynomials are those of no measure.
                    extremes.bounds = [f64::NEG_INFINITY, f64::INFINITY];
                }
                return Ok(extremes);
            }
            process.make_room(capacity);
        }
    }

    /// Continues a run that ended by its residuals, until it ends for another reason.
    pub(in crate::curvature) fn resume<A: SymmetricOperator + ?Sized>(
        &self,
        process: &mut LanczosProcess<A::Scalar>,
        operator: &mut A,
    ) -> Result<Extremes<A::Scalar>> {
        process.make_room(self.capacity::<A::Scalar>(operator.dimension()));
        self.advance(process, operator)
    }

    /// What is known now of a run that was never restarted.
    pub(in crate::curvature) fn known<S: Scalar>(&self, process: &LanczosProcess<S>) -> Extremes<S> {
        let mut bounds = [f64::NEG_INFINITY, f64::INFINITY];
        self.look(process, &mut bounds)
    }

    /// Whether the ratio is within the tolerance of all that the bounds allow.
    pub(in crate::curvature) fn is_certified<S>(&self, extremes: &Extremes<S>) -> bool {
        within(extremes.ratio(), extremes.ratio_interval(), self.tolerance)
    }

    /// What is known after a step; `bounds` are those of the step before.
    fn look<S: Scalar>(&self, process: &LanczosProcess<S>, bounds: &mut [f64; 2]) -> Extremes<S> {
        let last = process.theta.len() - 1;
        let scale = process.scale();
        let noise = process.noise() + process.product_error + 4.0 * S::EPSILON * scale;
        if process.restarts > 0 {
            // The bounds from before the restart hold, unless a Ritz value has disproved them.
            if process.value(0) < bounds[0] {
                bounds[0] = f64::NEG_INFINITY;
            }
            if process.value(last) > bounds[1] {
                bounds[1] = f64::INFINITY;
            }
        } else if process.is_whole() {
            *bounds = [process.value(0) - noise, process.value(last) + noise];
        } else {
            let [low, high] = process.reach((1.0 - self.confidence) / 2.0);
            *bounds = [low - noise, high + noise];
        }
        Extremes {
            lambda_min: process.value(0),
            lambda_max: process.value(last),
            residuals: [process.residual(0), process.residual(last)],
            bounds: *bounds,
            confidence: self.confidence,
            asymmetry: process.asymmetry(),
            product_error: process.product_error,
            products: process.products,
            restarts: process.restarts,
            end: LanczosEnd::ProductLimit,
            vectors: None,
        }
    }

    fn end<S: Scalar>(&self, extremes: &Extremes<S>, process: &LanczosProcess<S>) -> Option<LanczosEnd> {
        let ratio = extremes.ratio();
        // Errors are shares of the largest |λ|, which the first steps do not know yet. Products that claim to be exact are
        // not given the time.
        let top = extremes.residuals[usize::from(extremes.lambda_max > -extremes.lambda_min)];
        let settled = extremes.product_error == 0.0
            || top <= SETTLED * process.scale()
            || extremes.products >= SETTLED_BY;
        if settled && extremes.asymmetry > self.tolerance {
            return Some(LanczosEnd::Asymmetric);
        }
        if settled && extremes.product_error > self.tolerance * process.scale() {
            return Some(LanczosEnd::Inexact);
        }
        let known = within(ratio, extremes.ratio_interval(), self.tolerance);
        if process.is_invariant() {
            // As a share of the spectrum, since the ratio to an end at zero is never known.
            let [low, high] = extremes.bounds;
            let outside = (extremes.lambda_min - low).max(high - extremes.lambda_max);
            let exact = outside <= self.tolerance * process.scale() || process.is_whole();
            return Some(if exact { LanczosEnd::Exact } else { LanczosEnd::Breakdown });
        }
        if known {
            return Some(LanczosEnd::Certified);
        }
        if self.threshold.is_some_and(|threshold| extremes.above(threshold).is_some()) {
            return Some(LanczosEnd::Decided);
        }
        let residuals = (self.by_residuals && extremes.products >= 3) || extremes.restarts > 0;
        if residuals && within(ratio, extremes.residual_interval(), self.tolerance) {
            return Some(LanczosEnd::Residuals);
        }
        (extremes.products >= self.max_products).then_some(LanczosEnd::ProductLimit)
    }

    pub(in crate::curvature) fn check(&self) -> Result<()> {
        let settings = [
            ("the tolerance of the ratio", "finite and above 0", self.tolerance, self.tolerance > 0.0),
            (
                "the confidence",
                "above 0 and below 1",
                self.confidence,
                self.confidence > 0.0 && self.confidence < 1.0,
            ),
            (
                "the threshold of the ratio",
                "finite and not below 0",
                self.threshold.unwrap_or(0.0),
                self.threshold.unwrap_or(0.0) >= 0.0,
            ),
            ("the most products", "1 or more", self.max_products as f64, self.max_products > 0),
        ];
        match settings.iter().find(|(_, _, value, fine)| !(*fine && value.is_finite())) {
            Some(&(setting, needs, value, _)) => Err(Error::Setting { setting, needs, value }),
            None => Ok(()),
        }
    }

    pub(in crate::curvature) fn ensure_memory<S: Scalar>(&self, n: usize) -> Result<()> {
        let bytes = self.memory::<S>(n);
        // A single vector must not exceed the largest possible allocation.
        let vector = n.checked_mul(size_of::<S>()).and_then(|bytes| isize::try_from(bytes).ok());
        if bytes > self.memory_limit || vector.is_none() {
            let what = "a Lanczos basis";
            return Err(Error::MemoryLimit { what, bytes, limit: self.memory_limit });
        }
        Ok(())
    }

    /// The most vectors in a basis: as many as fit the limits, but at least 8, or n if that is less.
    pub(in crate::curvature) fn capacity<S: Scalar>(&self, n: usize) -> usize {
        let bytes = (n as u64).saturating_mul(size_of::<S>() as u64).max(1);
        let rest = if self.vectors { 3 } else { 1 };
        let fit = usize::try_from(self.memory_limit / bytes).unwrap_or(usize::MAX).saturating_sub(rest);
        fit.max(8).min(self.max_products.max(8)).min(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_have_a_stated_form() {
        assert_eq!(
            Lanczos::new().tolerance(0.005).settings_text(),
            "tolerance=0.005 confidence=0.999 threshold=- max_products=500 memory_limit=1073741824 seed=0 stream=0 \
             vectors=false by_residuals=false"
        );
        let other = Lanczos::new().threshold(1e-300).max_products(7).memory_limit(8).seed(9).stream(u64::MAX);
        assert_eq!(
            other.confidence(0.5).vectors(true).by_residuals(true).settings_text(),
            "tolerance=0.001 confidence=0.5 threshold=1e-300 max_products=7 memory_limit=8 seed=9 \
             stream=18446744073709551615 vectors=true by_residuals=true"
        );
    }
}
