//! The ends of a spectrum from one Lanczos run, with bounds on their errors.

use super::{
    bounds::{Interval, ratio_interval, within},
    operator::{HessianOperator, SymmetricOperator, ensure_dimension},
    solver::{Solver, Start},
};
use crate::{Error, HessianProduct, Result, Scalar};

/// The share of a random vector in a warm start. It costs about one product, and lets a run find eigenvectors that its
/// start does not contain.
pub(super) const RANDOM_SHARE: f64 = 1.0 / 16.0;

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
    pub(super) tolerance: f64,
    #[cfg_attr(feature = "serde", serde(with = "crate::wire::forms"))]
    pub(super) confidence: f64,
    #[cfg_attr(feature = "serde", serde(with = "crate::wire::forms"))]
    pub(super) threshold: Option<f64>,
    pub(super) max_products: usize,
    pub(super) memory_limit: u64,
    pub(super) seed: u64,
    pub(super) stream: u64,
    pub(super) vectors: bool,
    pub(super) by_residuals: bool,
}

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
    /// these are the extreme ones. A run ends so if [`Lanczos::by_residuals`] is set, or after a restart, which leaves
    /// no bounds.
    Residuals,
    /// The ratio is above or below the [threshold](Lanczos::threshold), at the confidence set.
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
#[non_exhaustive]
pub struct Extremes<S> {
    /// The lowest Ritz value: the estimate of λ_min, from above.
    pub lambda_min: f64,
    /// The highest Ritz value: the estimate of λ_max, from below.
    pub lambda_max: f64,
    /// ‖A·y − θ·y‖ of both Ritz pairs: there is an eigenvalue within this distance of each Ritz value, which need not
    /// be the extreme one.
    pub residuals: [f64; 2],
    /// How far outside the true ends may be: with probability [`confidence`](Self::confidence) over the random start,
    /// λ_min ≥ `bounds[0]` and λ_max ≤ `bounds[1]`. Infinite if nothing is known.
    pub bounds: [f64; 2],
    /// The probability that the bounds hold.
    pub confidence: f64,
    /// The distance of QᵀAQ from a symmetric tridiagonal matrix, over the basis Q of the run, in the Frobenius norm and
    /// as a share of the largest |θ|: the asymmetry and noise of the products. The bounds include it.
    pub asymmetry: f64,
    /// The number of products of the operator with a vector.
    pub products: usize,
    /// How often the basis was full, and reduced to the Ritz vectors of both ends.
    pub restarts: usize,
    /// Why the run ended.
    pub end: LanczosEnd,
    /// The Ritz vectors of λ_min and λ_max, of length 1; None unless [`Lanczos::vectors`] is set.
    pub vectors: Option<[Vec<S>; 2]>,
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
        let mut solver = Solver::new(n);
        let warm = warm.map(|v| (v, RANDOM_SHARE));
        solver.start(Start { seed: self.seed, stream: self.stream, warm });
        let mut extremes = self.advance(&mut solver, operator)?;
        if self.vectors {
            solver.ritz(true);
            let vector = |index: usize| {
                let mut v = vec![A::Scalar::from_f64(0.0); n];
                solver.vector(index, &mut v);
                v
            };
            extremes.vectors = Some([vector(0), vector(solver.theta.len() - 1)]);
        }
        Ok(extremes)
    }

    /// Steps until the run ends; the solver has been started.
    pub(super) fn advance<A: SymmetricOperator + ?Sized>(
        &self,
        solver: &mut Solver<A::Scalar>,
        operator: &mut A,
    ) -> Result<Extremes<A::Scalar>> {
        let capacity = self.capacity::<A::Scalar>(operator.dimension());
        let mut bounds = [f64::NEG_INFINITY, f64::INFINITY];
        loop {
            solver.step(operator)?;
            solver.ritz(solver.len() == capacity);
            let mut extremes = self.look(solver, &mut bounds);
            if let Some(end) = self.end(&extremes, solver) {
                extremes.end = end;
                return Ok(extremes);
            }
            solver.make_room(capacity);
        }
    }

    /// Continues a run that ended by its residuals, until it ends for another reason.
    pub(super) fn resume<A: SymmetricOperator + ?Sized>(
        &self,
        solver: &mut Solver<A::Scalar>,
        operator: &mut A,
    ) -> Result<Extremes<A::Scalar>> {
        solver.make_room(self.capacity::<A::Scalar>(operator.dimension()));
        self.advance(solver, operator)
    }

    /// What is known now of a run that was never restarted.
    pub(super) fn known<S: Scalar>(&self, solver: &Solver<S>) -> Extremes<S> {
        let mut bounds = [f64::NEG_INFINITY, f64::INFINITY];
        self.look(solver, &mut bounds)
    }

    /// Whether the ratio is within the tolerance of all that the bounds allow.
    pub(super) fn is_certified<S>(&self, extremes: &Extremes<S>) -> bool {
        within(extremes.ratio(), extremes.ratio_interval(), self.tolerance)
    }

    /// What is known after a step; `bounds` are those of the step before.
    fn look<S: Scalar>(&self, solver: &Solver<S>, bounds: &mut [f64; 2]) -> Extremes<S> {
        let last = solver.theta.len() - 1;
        let scale = solver.scale();
        let noise = solver.noise() + 4.0 * S::EPSILON * scale;
        if solver.restarts > 0 {
            // The bounds from before the restart hold, unless a Ritz value has disproved them.
            if solver.value(0) < bounds[0] {
                bounds[0] = f64::NEG_INFINITY;
            }
            if solver.value(last) > bounds[1] {
                bounds[1] = f64::INFINITY;
            }
        } else if solver.is_whole() {
            *bounds = [solver.value(0) - noise, solver.value(last) + noise];
        } else {
            let [low, high] = solver.reach((1.0 - self.confidence) / 2.0);
            *bounds = [low - noise, high + noise];
        }
        Extremes {
            lambda_min: solver.value(0),
            lambda_max: solver.value(last),
            residuals: [solver.residual(0), solver.residual(last)],
            bounds: *bounds,
            confidence: self.confidence,
            asymmetry: solver.asymmetry(),
            products: solver.products,
            restarts: solver.restarts,
            end: LanczosEnd::ProductLimit,
            vectors: None,
        }
    }

    fn end<S: Scalar>(&self, extremes: &Extremes<S>, solver: &Solver<S>) -> Option<LanczosEnd> {
        let ratio = extremes.ratio();
        if extremes.asymmetry > self.tolerance {
            return Some(LanczosEnd::Asymmetric);
        }
        let known = within(ratio, extremes.ratio_interval(), self.tolerance);
        if solver.is_invariant() {
            // As a share of the spectrum, since the ratio to an end at zero is never known.
            let [low, high] = extremes.bounds;
            let outside = (extremes.lambda_min - low).max(high - extremes.lambda_max);
            let exact = outside <= self.tolerance * solver.scale() || solver.is_whole();
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

    pub(super) fn check(&self) -> Result<()> {
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

    pub(super) fn ensure_memory<S: Scalar>(&self, n: usize) -> Result<()> {
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
    pub(super) fn capacity<S: Scalar>(&self, n: usize) -> usize {
        let bytes = (n as u64).saturating_mul(size_of::<S>() as u64).max(1);
        let rest = if self.vectors { 3 } else { 1 };
        let fit = usize::try_from(self.memory_limit / bytes).unwrap_or(usize::MAX).saturating_sub(rest);
        fit.max(8).min(self.max_products.max(8)).min(n)
    }
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

    /// Whether the operator is positive semidefinite, and so the loss locally convex. A negative Ritz value, beyond
    /// noise and rounding of the products, proves that it is not; that it is holds at the confidence of the bounds.
    /// None if neither is known.
    pub fn is_convex(&self) -> Option<bool>
    where
        S: Scalar,
    {
        let share = self.asymmetry + 4.0 * S::EPSILON;
        let noise = share * self.lambda_min.abs().max(self.lambda_max.abs());
        if self.lambda_min < -noise {
            Some(false)
        } else if self.bounds[0] >= 0.0 {
            Some(true)
        } else {
            None
        }
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
