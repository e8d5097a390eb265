//! The ends of a spectrum from one Lanczos run, with what is known of their errors.

use super::{
    bounds::{Interval, ratio_interval, within},
    operator::{HessianOperator, SymmetricOperator, ensure_dimension},
    solver::{Solver, Start},
};
use crate::{Error, HessianProduct, Result, Scalar};

/// The share of a random vector in a warm start: it costs a product or so, and lets a run find what its
/// start did not know.
pub(super) const RANDOM_SHARE: f64 = 1.0 / 16.0;

/// λ_min and λ_max of the Hessian in all parameters but buffers, at the model's own; [`Lanczos`] has the
/// options.
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
/// The run starts from a seeded random vector, keeps its basis orthogonal in full, and stops as soon as
/// [the ratio](Extremes::ratio) is known to the [tolerance](Self::tolerance): with the
/// [confidence](Self::confidence) asked for, no end of the spectrum lies so far outside the Ritz values
/// that the ratio would be off by more. How that is known is in [`Extremes::bounds`].
///
/// **Cost.** One product a step; on networks 17 to 28 for a ratio to 0.005. Beside them 2·k·n multiply-adds
/// at step k twice over, and [`memory`](Self::memory) for a basis of n-vectors.
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum LanczosEnd {
    /// The ratio is known to the tolerance, at the confidence asked for.
    Certified,
    /// The residuals are below the tolerance. That shows eigenvalues near the Ritz values, not that they
    /// are the extreme ones; asked for by [`Lanczos::by_residuals`], and all there is after a restart.
    Residuals,
    /// The ratio is above or below the [threshold](Lanczos::threshold), at the confidence asked for.
    Decided,
    /// The basis spans an invariant space: the whole space, or to rounding one outside of whose ends nothing
    /// can be, within the tolerance times the largest |λ| and at the confidence asked for. Its Ritz values are
    /// all the eigenvalues there are, each once.
    Exact,
    /// The basis spans an invariant space to rounding, but rounding hides what may be outside, farther than the
    /// tolerance. That happens in `f32`; the bounds say what is known.
    Breakdown,
    /// The limit on products was reached before.
    ProductLimit,
    /// The products are not those of a symmetric operator to the tolerance asked: they are wrong, or
    /// noisier than that. See [`Extremes::asymmetry`].
    Asymmetric,
}

/// Both ends of a spectrum, and what is known of them.
///
/// λ_min and λ_max are the algebraic extremes, signed. Ritz values never lie outside the spectrum, so
/// the true λ_min is at most [`lambda_min`](Self::lambda_min), and the true λ_max at least
/// [`lambda_max`](Self::lambda_max) (up to the products' own rounding).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Extremes<S> {
    /// The lowest Ritz value: the estimate of λ_min, from above.
    pub lambda_min: f64,
    /// The highest Ritz value: the estimate of λ_max, from below.
    pub lambda_max: f64,
    /// ‖A·y − θ·y‖ of both: there is an eigenvalue within this distance of each. It need not be the
    /// extreme one.
    pub residuals: [f64; 2],
    /// Where the true ends may lie: with probability [`confidence`](Self::confidence) over the random
    /// start, λ_min ≥ `bounds[0]` and λ_max ≤ `bounds[1]`. Infinite where nothing can be said.
    pub bounds: [f64; 2],
    /// The probability that the bounds hold.
    pub confidence: f64,
    /// How far QᵀAQ is from symmetric and tridiagonal over the run's basis, in the Frobenius norm, as a
    /// share of the largest |θ|: the asymmetry and the noise of the products. The bounds allow for it.
    pub asymmetry: f64,
    /// Products of the operator with a vector.
    pub products: usize,
    /// How often the basis was full and all but the ends was dropped.
    pub restarts: usize,
    /// Why the run ended.
    pub end: LanczosEnd,
    /// Eigenvectors of λ_min and λ_max, of length 1, if asked for.
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
    /// A run with the ratio to 0.001, confidence 0.999, 500 products and 1 GiB at most.
    pub fn new() -> Self {
        Self::default()
    }

    /// How far the [ratio](Extremes::ratio) may be from the true one: absolute up to a ratio of 1,
    /// relative above. 0.001 by default.
    pub fn tolerance(self, tolerance: f64) -> Self {
        Self { tolerance, ..self }
    }

    /// The probability with which the bounds shall hold, above 0 and below 1; 0.999 by default. Ten times
    /// fewer failures cost about three products more on networks.
    pub fn confidence(self, confidence: f64) -> Self {
        Self { confidence, ..self }
    }

    /// Stops as soon as the ratio is known to be above or below this, if that is earlier;
    /// [`Extremes::above`] then tells.
    pub fn threshold(self, ratio: f64) -> Self {
        Self { threshold: Some(ratio), ..self }
    }

    /// The most products; 500 by default.
    pub fn max_products(self, products: usize) -> Self {
        Self { max_products: products, ..self }
    }

    /// The most bytes for the basis and its scratch memory; 1 GiB by default. A run that needs more
    /// vectors restarts with the outermost Ritz vectors: its bounds stay those of before, it can end by residuals
    /// alone, and a step costs k³ operations beside its product.
    pub fn memory_limit(self, bytes: u64) -> Self {
        Self { memory_limit: bytes, ..self }
    }

    /// The seed of the random start, `ChaCha8Rng`; 0 by default.
    pub fn seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// The stream of the seed's generator; 0 by default. Runs with other streams start independently.
    pub fn stream(self, stream: u64) -> Self {
        Self { stream, ..self }
    }

    /// Returns the eigenvectors of both ends too.
    pub fn vectors(self, vectors: bool) -> Self {
        Self { vectors, ..self }
    }

    /// Stops when the residuals alone are below the tolerance, with three products or more. That is
    /// earlier and proves less: near a minimiser a Ritz value can sit on the wrong eigenvalue with a small
    /// residual for many products. [`Extremes::bounds`] says what is known then.
    pub fn by_residuals(self, by_residuals: bool) -> Self {
        Self { by_residuals, ..self }
    }

    /// The bytes that a run on vectors of length `n` takes at most: basis, product and the vectors
    /// returned. The operator's own memory is not in it, nor 16·k² bytes for a basis of k vectors that is full.
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
    /// [`Error::NonFiniteProduct`] from a product. Not to reach the tolerance is no error: see
    /// [`Extremes::end`].
    pub fn run<A: SymmetricOperator + ?Sized>(&self, operator: &mut A) -> Result<Extremes<A::Scalar>> {
        self.run_with(operator, None)
    }

    /// Runs from a vector near the eigenvectors sought, such as the sum of those at a neighbouring θ, to which a
    /// sixteenth of a random vector is added: without it nothing could be said of what the start does not know. It
    /// saves products where residuals decide ([`by_residuals`](Self::by_residuals)); certainty comes from the random
    /// share and costs the same. The vector is scaled to length 1; zero, or one that is not finite, is no start and
    /// is ignored.
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

    /// Goes on with a run that ended by its residuals, until it ends otherwise.
    pub(super) fn resume<A: SymmetricOperator + ?Sized>(
        &self,
        solver: &mut Solver<A::Scalar>,
        operator: &mut A,
    ) -> Result<Extremes<A::Scalar>> {
        solver.make_room(self.capacity::<A::Scalar>(operator.dimension()));
        self.advance(solver, operator)
    }

    /// What is known after a step; `bounds` are those of the step before.
    fn look<S: Scalar>(&self, solver: &Solver<S>, bounds: &mut [f64; 2]) -> Extremes<S> {
        let last = solver.theta.len() - 1;
        let scale = solver.scale();
        let noise = solver.noise() + 4.0 * S::EPSILON * scale;
        if solver.restarts > 0 {
            // Those of before hold, unless the unlikely has come to light.
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
            // In the measure of the spectrum: a ratio to an end at zero is never known.
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
        // A single vector must have a size that the system can speak of.
        let vector = n.checked_mul(size_of::<S>()).and_then(|bytes| isize::try_from(bytes).ok());
        if bytes > self.memory_limit || vector.is_none() {
            let what = "a Lanczos basis";
            return Err(Error::MemoryLimit { what, bytes, limit: self.memory_limit });
        }
        Ok(())
    }

    /// The most vectors in a basis: what fits the limits, 8 at least where n is not smaller.
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

    /// What the ratio is between, if the [bounds](Self::bounds) hold.
    pub fn ratio_interval(&self) -> Interval {
        let [low, high] = self.bounds;
        ratio_interval([low, self.lambda_min], [self.lambda_max, high])
    }

    /// What the ratio is between, if the eigenvalues that the residuals show are the extreme ones.
    /// Nothing warrants that; it is a measure of convergence, not a bound.
    pub fn residual_interval(&self) -> Interval {
        let [low, high] = self.residuals;
        ratio_interval(
            [self.lambda_min - low, self.lambda_min + low],
            [self.lambda_max - high, self.lambda_max + high],
        )
    }

    /// Whether the ratio is above `threshold` (at the confidence of the bounds), if that is known.
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

    /// Whether the operator is positive semidefinite, that is a loss locally convex, if that is known: a
    /// negative Ritz value proves that it is not (if it is more than the products' noise and rounding);
    /// that it is, holds at the confidence of the bounds.
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
