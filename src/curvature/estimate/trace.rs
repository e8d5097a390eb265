//! The trace, which is the sum of the eigenvalues, of an operator that is known only by its products.
//!
//! The mean of zᵀAz over random probes z with uncorrelated elements of variance 1 is the trace
//! (Hutchinson[^1]); one probe has the variance 2·‖A‖² in the Frobenius norm, off the diagonal alone for
//! ±1. Hutch++[^2] computes the part of the trace on a sketch Q of the range exactly:
//! tr A = tr QᵀAQ + tr (I − QQᵀ)A(I − QQᵀ). Only the second term is estimated by Hutchinson's method, with far less
//! variance if the spectrum has a few large eigenvalues.
//!
//! [^1]: M. Hutchinson, *A stochastic estimator of the trace of the influence matrix for Laplacian smoothing
//! splines*, Commun. Stat. Simul. Comput. 19 (1990); ±1 and N(0, 1) compared: H. Avron, S. Toledo,
//! J. ACM 58 (2011).
//! [^2]: R. Meyer, Ca. Musco, Ch. Musco, D. Woodruff, *Hutch++: Optimal Stochastic Trace Estimation*, SOSA
//! 2021, <https://arxiv.org/abs/2010.09649>, algorithm 1.

use super::{
    probes::{self, BATCH, EstimateEnd, LEAST_ESTIMATE, MOST_BYTES, PILOT_STREAM, Probe, Products},
    sample::Sample,
    sketch::Sketch,
};
use crate::{
    Error, Result, Scalar,
    curvature::{
        lanczos::dot,
        operator::{SymmetricOperator, ensure_dimension},
    },
};

/// Estimates the trace of a symmetric operator, with a standard error and an interval that holds with the probability
/// stated.
///
/// Without a [tolerance](Self::tolerance) all [products](Self::max_products) are spent. With one, a pilot of up to 16
/// probes plans how many fresh probes the estimate takes. The pilot is not part of the estimate, and no run stops early
/// because its error looks small by chance. In both cases the estimate is a mean over a number of probes that does not
/// depend on their values: it has no bias, and the interval is that of an ordinary mean.
///
/// If unit vectors take no more products, they are used instead, and the trace is exact.
///
/// With few probes intervals hold less often than stated: with 2 to 8 probes, one dominant eigenvalue and a stated
/// 0.95, in 0.83 to 0.92 of the runs. They are reliable from about 12 probes on.
///
/// **Cost.** One product for each probe, two for each column of the sketch. In addition, Hutch++ with k columns does
/// 4·k·n multiply-adds for each column and each probe, and keeps k vectors: see [`memory`](Self::memory).
///
/// ```
/// use loss_landscape::curvature::{EstimateEnd, FnOperator, TraceEstimator, TraceMethod};
///
/// // One outlier, 10 along (1, 1, …, 1), over a bulk at 0.01.
/// let mut operator = FnOperator::new(500, |v: &[f64], out: &mut [f64]| {
///     let mean = v.iter().sum::<f64>() / 500.0;
///     out.iter_mut().zip(v).for_each(|(out, v)| *out = 0.01 * v + 10.0 * mean);
///     Ok(())
/// });
/// let found = TraceEstimator::new().tolerance(0.02).max_products(400).run(&mut operator)?;
/// assert!((found.value - 15.0).abs() < 4.0 * found.standard_error);
/// assert!(found.products < 100);
/// let plain = TraceEstimator::new().method(TraceMethod::Hutchinson).max_products(100).run(&mut operator)?;
/// assert!(plain.standard_error > 5.0 * found.standard_error);
/// let exact = TraceEstimator::new().max_products(500).run(&mut operator)?;
/// assert_eq!(exact.end, EstimateEnd::Exact);
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Clone, Debug)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(default, deny_unknown_fields)
)]
#[must_use]
pub struct TraceEstimator {
    method: TraceMethod,
    probe: Probe,
    #[cfg_attr(feature = "serde", serde(with = "crate::wire::forms"))]
    tolerance: Option<f64>,
    #[cfg_attr(feature = "serde", serde(with = "crate::wire::forms"))]
    confidence: f64,
    max_products: usize,
    memory_limit: u64,
    pub(in crate::curvature) seed: u64,
}

/// How a trace is estimated. The example of [`TraceEstimator`] compares both for one outlier over a bulk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum TraceMethod {
    /// The mean of zᵀAz over probes z. It takes hardly any memory, and is the better method for a flat spectrum.
    Hutchinson,
    /// A third of the products for a sketch of the range, a third to project on it, and a third for probes of the rest.
    /// It is the better method if few eigenvalues are large.
    #[default]
    HutchPlusPlus,
}

/// An estimated trace, with its standard error and interval.
///
/// ```
/// use loss_landscape::curvature::{FnOperator, TraceEstimate, TraceEstimator};
///
/// let mut operator = FnOperator::new(500, |v: &[f64], out: &mut [f64]| {
///     let mean = v.iter().sum::<f64>() / 500.0;
///     out.iter_mut().zip(v).for_each(|(out, v)| *out = 0.01 * v + 10.0 * mean);
///     Ok(())
/// });
/// let found = TraceEstimator::new().confidence(0.99).run(&mut operator)?;
/// let TraceEstimate { value, standard_error, interval: [low, high], confidence, products, .. } = found;
/// println!("{value:.2} ± {standard_error:.2} from {products} products");
/// println!("from {low:.2} to {high:.2} with probability {confidence}");
/// assert!(low <= 15.0 && 15.0 <= high && products <= 100);
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct TraceEstimate {
    /// The trace: exact, or an unbiased estimate.
    #[cfg_attr(feature = "serde", serde(with = "crate::wire::forms"))]
    pub value: f64,
    /// The standard error of the value, from the spread of the probes; 0 if the value is exact. It is infinite if fewer
    /// than 12 probes have no spread, since that can be chance: then nothing is known, and the end is never
    /// [`EstimateEnd::Tolerance`].
    #[cfg_attr(feature = "serde", serde(with = "crate::wire::forms"))]
    pub standard_error: f64,
    /// The interval that includes the trace with the probability [`confidence`](Self::confidence): Student's t with one
    /// degree of freedom less than probes, corrected for the skewness of the probes (P. Hall, J. R. Stat. Soc. B 54,
    /// 1992), so that it extends farther up than down if the probes see a few large eigenvalues. Infinite if the
    /// standard error is.
    #[cfg_attr(feature = "serde", serde(with = "crate::wire::forms"))]
    pub interval: [f64; 2],
    /// The probability of the interval.
    #[cfg_attr(feature = "serde", serde(with = "crate::wire::forms"))]
    pub confidence: f64,
    /// The number of probes in the mean; 0 if the value is exact by unit vectors.
    pub probes: usize,
    /// The number of probes of the pilot, which are not in the mean.
    pub pilot: usize,
    /// The dimension of the space in which the trace is exact; 0 for [`TraceMethod::Hutchinson`].
    pub sketch: usize,
    /// The number of products of the operator with a vector in all.
    pub products: usize,
    /// Why it ended.
    pub end: EstimateEnd,
}

impl Default for TraceEstimator {
    fn default() -> Self {
        Self {
            method: TraceMethod::default(),
            probe: Probe::default(),
            tolerance: None,
            confidence: 0.95,
            max_products: 100,
            memory_limit: 1 << 30,
            seed: 0,
        }
    }
}

impl TraceEstimator {
    /// Hutch++ with 100 products and 1 GiB at most, and an interval of confidence 0.95.
    pub fn new() -> Self {
        Self::default()
    }

    /// The method; [`TraceMethod::HutchPlusPlus`] by default.
    pub fn method(self, method: TraceMethod) -> Self {
        Self { method, ..self }
    }

    /// The distribution of the probes; [`Probe::Rademacher`] by default. A sketch is always Gaussian.
    pub fn probe(self, probe: Probe) -> Self {
        Self { probe, ..self }
    }

    /// The standard error to reach, as a share of the trace: finite and above 0. Only the products that it takes are
    /// spent; without a tolerance all of them are. About two runs in three reach it, the others miss it by a little. A
    /// trace near 0, whose positive and negative parts cancel, has no relative error to plan for and takes all
    /// products. So does Hutch++ with fewer than 32 products, which are too few for a sketch and a pilot.
    pub fn tolerance(self, tolerance: f64) -> Self {
        Self { tolerance: Some(tolerance), ..self }
    }

    /// The probability of the interval, above 0 and below 1; 0.95 by default.
    pub fn confidence(self, confidence: f64) -> Self {
        Self { confidence, ..self }
    }

    /// The most products, pilot and sketch included: 2 or more, 4 or more for Hutch++; 100 by default. With
    /// fewer than 12 for Hutchinson or 34 for Hutch++ there are too few probes for the interval to hold as often as
    /// stated.
    pub fn max_products(self, products: usize) -> Self {
        Self { max_products: products, ..self }
    }

    /// The most bytes for vectors; 1 GiB by default. If it is less than a run could use, fewer vectors are multiplied
    /// in one call, and then the sketch gets fewer columns. More than `isize::MAX` bytes are never taken.
    pub fn memory_limit(self, bytes: u64) -> Self {
        Self { memory_limit: bytes.min(MOST_BYTES), ..self }
    }

    /// The seed of the probes (`ChaCha8Rng`, one stream for each); 0 by default. Estimates with equal seeds have the
    /// same probes and are not independent, even for different operators.
    pub fn seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// The most bytes that a run on vectors of length `n` takes: vectors, products, sketch. The operator's own memory
    /// is not included.
    ///
    /// ```
    /// use loss_landscape::curvature::{TraceEstimator, TraceMethod};
    ///
    /// let million = |estimator: TraceEstimator| estimator.memory::<f32>(1_000_000);
    /// assert_eq!(million(TraceEstimator::new().method(TraceMethod::Hutchinson)), 64_000_000); // 8 vectors, 8 products
    /// assert!(million(TraceEstimator::new()) > 128_000_000); // a sketch of 33 columns too
    /// ```
    pub fn memory<S: Scalar>(&self, n: usize) -> u64 {
        let (batch, columns) = self.room::<S>(n);
        let vectors = 2 * batch + if columns > 0 { columns + 1 } else { 0 };
        (vectors as u64).saturating_mul(n as u64).saturating_mul(size_of::<S>() as u64)
    }

    /// Estimates the trace.
    ///
    /// # Errors
    /// [`Error::Setting`] for a tolerance, confidence or number of products out of range; [`Error::EmptyOperator`];
    /// [`Error::MemoryLimit`] if not even 2 vectors fit (4 for Hutch++); [`Error::Oracle`], [`Error::OraclePanicked`]
    /// or [`Error::NonFiniteProduct`] from a product. A tolerance that is not reached is no error: see
    /// [`TraceEstimate::end`].
    pub fn run<A: SymmetricOperator + ?Sized>(&self, operator: &mut A) -> Result<TraceEstimate> {
        self.check()?;
        let n = ensure_dimension(operator)?;
        let bytes = self.memory::<A::Scalar>(n);
        if bytes > self.memory_limit {
            let what = "a trace's vectors";
            return Err(Error::MemoryLimit { what, bytes, limit: self.memory_limit });
        }
        let (batch, columns) = self.room::<A::Scalar>(n);
        let mut products = Products::new(operator, n, batch);
        if n <= self.max_products && (self.tolerance.is_none() || probes::is_short(n)) {
            return self.exact(&mut products, 0, 0);
        }
        let sketch = Sketch::new(&mut products, columns, self.seed, self.tolerance)?;
        let rest = self.max_products - products.count;
        let (mut pilot, mut probes) = (0, if sketch.whole { LEAST_ESTIMATE.min(rest) } else { rest });
        if let (Some(tolerance), false) = (self.tolerance, sketch.whole) {
            pilot = probes::pilot(rest);
            probes = rest - pilot;
            if pilot > 0 {
                let sample = self.sample(&mut products, &sketch, PILOT_STREAM, pilot)?;
                let error = tolerance * (sketch.trace + sample.mean).abs();
                probes = probes::planned(sample.deviation, error, probes);
            }
            if probes >= n {
                return self.exact(&mut products, pilot, sketch.basis.len());
            }
        }
        let sample = self.sample(&mut products, &sketch, 0, probes)?;
        let sample = if sketch.whole { sample } else { sample.of_probes() };
        let value = sketch.trace + sample.mean;
        let standard_error = sample.standard_error();
        let met = self.tolerance.is_some_and(|tolerance| standard_error <= tolerance * value.abs());
        let end = if sketch.whole {
            EstimateEnd::LowRank
        } else {
            EstimateEnd::of_probes(met, products.count >= self.max_products)
        };
        Ok(TraceEstimate {
            value,
            standard_error,
            interval: sample.reach(self.confidence).map(|reach| value + reach),
            confidence: self.confidence,
            probes,
            pilot,
            sketch: sketch.basis.len(),
            products: products.count,
            end,
        })
    }

    fn exact<A: SymmetricOperator + ?Sized>(
        &self,
        products: &mut Products<'_, A>,
        pilot: usize,
        sketch: usize,
    ) -> Result<TraceEstimate> {
        let mut value = 0.0;
        products.diagonal(|_, element| value += element)?;
        Ok(TraceEstimate {
            value,
            standard_error: 0.0,
            interval: [value; 2],
            confidence: self.confidence,
            probes: 0,
            pilot,
            sketch,
            products: products.count,
            end: EstimateEnd::Exact,
        })
    }

    /// The values of probes outside the sketch, with streams from `stream` on.
    fn sample<A: SymmetricOperator + ?Sized>(
        &self,
        products: &mut Products<'_, A>,
        sketch: &Sketch<A::Scalar>,
        stream: u64,
        probes: usize,
    ) -> Result<Sample> {
        let [mut c, mut again] = [(); 2].map(|()| vec![0.0; sketch.basis.len()]);
        let mut values = Vec::with_capacity(probes);
        let draw = |j: usize, v: &mut [A::Scalar]| {
            self.probe.draw(self.seed, stream + j as u64, v);
            if !c.is_empty() {
                sketch.basis.project(v, &mut c);
                sketch.basis.subtract(v, &c, &mut again);
            }
        };
        products.each(0..probes, draw, |_, v, product| values.push(dot(v, product)))?;
        Ok(Sample::of(&values))
    }

    /// The number of vectors in one call, and of columns of a sketch, that fit the limits; the least possible if
    /// nothing fits.
    fn room<S: Scalar>(&self, n: usize) -> (usize, usize) {
        let bytes = (n as u64).saturating_mul(size_of::<S>() as u64).max(1);
        let fit = usize::try_from(self.memory_limit / bytes).unwrap_or(usize::MAX);
        let columns = match self.method {
            TraceMethod::Hutchinson => return ((fit / 2).clamp(1, BATCH), 0),
            TraceMethod::HutchPlusPlus => (self.max_products.min(n) / 3).max(1),
        };
        let batch = (fit.saturating_sub(columns + 1) / 2).clamp(1, BATCH);
        (batch, columns.min(fit.saturating_sub(2 * batch + 1)).max(1))
    }

    fn check(&self) -> Result<()> {
        let tolerance = self.tolerance.unwrap_or(1.0);
        let (least, needs) = match self.method {
            TraceMethod::Hutchinson => (2, "2 or more"),
            TraceMethod::HutchPlusPlus => (4, "4 or more"),
        };
        let confidence = self.confidence > 0.0 && self.confidence < 1.0;
        let settings = [
            ("the tolerance of the trace", "finite and above 0", tolerance, tolerance > 0.0),
            ("the confidence", "above 0 and below 1", self.confidence, confidence),
            ("the most products", needs, self.max_products as f64, self.max_products >= least),
        ];
        match settings.iter().find(|(_, _, value, fine)| !(*fine && value.is_finite())) {
            Some(&(setting, needs, value, _)) => Err(Error::Setting { setting, needs, value }),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::probes::tests::hadamard, *};
    use crate::curvature::FnOperator;

    const METHODS: [TraceMethod; 2] = [TraceMethod::Hutchinson, TraceMethod::HutchPlusPlus];

    /// Five outliers over a bulk.
    fn hard(n: u32) -> Vec<f64> {
        (0..n).map(|i| if i < 5 { 10.0 + f64::from(i) } else { 0.2 * f64::from(i).sin().abs() }).collect()
    }

    fn estimator(method: TraceMethod) -> TraceEstimator {
        TraceEstimator::new().method(method).max_products(60)
    }

    #[test]
    fn operators_with_nothing_left_to_chance() {
        for method in METHODS {
            for n in [1, 2, 3, 60] {
                let found = estimator(method).run(&mut identity::<f64>(n)).unwrap();
                assert_eq!((found.value, found.interval, found.products), (n as f64, [n as f64; 2], n));
                assert_eq!((found.end, found.probes), (EstimateEnd::Exact, 0));
            }
            for n in [1, 2, 3] {
                let short = estimator(method).max_products(4).tolerance(0.1);
                assert_eq!(short.run(&mut identity::<f64>(n)).unwrap().value, n as f64);
            }
            // Probes of ±1 know the trace of the identity; projected ones do not.
            let found = estimator(method).tolerance(0.5).run(&mut identity::<f32>(1000)).unwrap();
            assert_eq!(found.end, EstimateEnd::Tolerance);
            assert!((found.value - 1000.0).abs() <= 4.0 * found.standard_error, "{found:?}");
            let zero = |_: &[f64], out: &mut [f64]| {
                out.fill(0.0);
                Ok(())
            };
            let found = estimator(method).tolerance(0.1).run(&mut FnOperator::new(1000, zero)).unwrap();
            assert_eq!((found.value, found.interval), (0.0, [0.0; 2]));
            assert_ne!(found.end, EstimateEnd::Missed);
        }
    }

    /// One pair of elements hangs together: two probes show no spread as often as not.
    #[test]
    fn few_equal_probes_are_not_certain() {
        let mut pair = FnOperator::new(100, |v: &[f64], out: &mut [f64]| {
            out.copy_from_slice(v);
            (out[0], out[1]) = (v[0] + 5.0 * v[1], v[1] + 5.0 * v[0]);
            Ok(())
        });
        let mut unknown = 0;
        for seed in 0..40 {
            let run = TraceEstimator::new().method(TraceMethod::Hutchinson).max_products(2).seed(seed);
            let found = run.tolerance(0.01).run(&mut pair).unwrap();
            assert_eq!(found.end, EstimateEnd::ProductLimit, "{found:?}");
            assert!(found.interval[0] <= 100.0 && 100.0 <= found.interval[1], "{found:?}");
            unknown += usize::from(found.standard_error == f64::INFINITY);
        }
        assert!((8..=32).contains(&unknown), "{unknown}");
    }

    fn identity<S: Scalar>(n: usize) -> impl SymmetricOperator<Scalar = S> {
        FnOperator::new(n, |v: &[S], out: &mut [S]| {
            out.copy_from_slice(v);
            Ok(())
        })
    }

    /// Five eigenvectors, spread over all elements, make most of the trace. Shares of 600 seeds are good to
    /// 0.009.
    #[test]
    fn intervals_hold_as_often_as_they_say() {
        let spectrum = hard(128);
        let trace: f64 = spectrum.iter().sum();
        let cases = [
            (TraceMethod::Hutchinson, Probe::Rademacher, None),
            (TraceMethod::Hutchinson, Probe::Gaussian, Some(0.1)),
            (TraceMethod::Hutchinson, Probe::Rademacher, Some(0.08)),
            (TraceMethod::HutchPlusPlus, Probe::Rademacher, None),
            (TraceMethod::HutchPlusPlus, Probe::Rademacher, Some(0.01)),
        ];
        for (method, probe, tolerance) in cases {
            let (mut held, mut sum, mut squares, mut within) = (0, 0.0, 0.0, 0);
            let seeds = 600;
            for seed in 0..seeds {
                let most = if tolerance.is_some() { 127 } else { 30 };
                let run = TraceEstimator { tolerance, ..estimator(method) };
                let run = run.probe(probe).max_products(most).seed(seed);
                let found = run.run(&mut hadamard::<f64>(&spectrum)).unwrap();
                let [low, high] = found.interval;
                held += usize::from((low..=high).contains(&trace));
                within += usize::from((found.value - trace).abs() <= 3.0 * found.standard_error);
                sum += found.value / trace - 1.0;
                squares += (found.value / trace - 1.0).powi(2);
            }
            let case = format!("{method:?}, {probe:?}, {tolerance:?}");
            let (held, within) = (held as f64 / seeds as f64, within as f64 / seeds as f64);
            assert!((0.923..=0.977).contains(&held), "{case}: {held}");
            assert!(within > 0.96, "{case}: {within}");
            let (bias, spread) = (sum / seeds as f64, (squares / seeds as f64).sqrt());
            assert!(bias.abs() < 3.0 * spread / (seeds as f64).sqrt(), "{case}: bias {bias}");
            assert!(tolerance.is_none_or(|tolerance| spread < 1.15 * tolerance), "{case}: {spread}");
        }
    }

    #[test]
    fn a_tolerance_costs_what_it_takes_and_no_more() {
        let spectrum = hard(256);
        for method in METHODS {
            let run = |tolerance: f64, most| {
                let run = estimator(method).tolerance(tolerance).max_products(most);
                run.run(&mut hadamard::<f64>(&spectrum)).unwrap()
            };
            let [rough, fine] = [run(0.3, 2000), run(0.05, 2000)];
            assert!(rough.products < fine.products && fine.products < 200, "{rough:?} {fine:?}");
            // 1e-6 takes more probes than there are unit vectors.
            let exact = run(1e-6, 2000);
            assert_eq!(exact.end, EstimateEnd::Exact);
            assert!((exact.value - spectrum.iter().sum::<f64>()).abs() < 1e-10 && exact.pilot == 16);
            assert!(exact.products <= 256 + 16 + 2 * exact.sketch);
            let short = run(1e-6, 100);
            assert_eq!((short.end, short.products), (EstimateEnd::ProductLimit, 100));
            // The fresh probes of a plan are those of a run without one.
            if method == TraceMethod::Hutchinson {
                let again =
                    estimator(method).max_products(fine.probes).run(&mut hadamard::<f64>(&spectrum)).unwrap();
                assert_eq!((again.value, again.standard_error), (fine.value, fine.standard_error));
            }
        }
    }

    #[test]
    fn the_same_bits_whenever_and_however_few_fit() {
        let spectrum = hard(256);
        for method in METHODS {
            let run = estimator(method).seed(7);
            let first = run.run(&mut hadamard::<f64>(&spectrum)).unwrap();
            assert_eq!(first, run.run(&mut hadamard::<f64>(&spectrum)).unwrap());
            assert_ne!(first.value, run.clone().seed(8).run(&mut hadamard::<f64>(&spectrum)).unwrap().value);
            let columns = if method == TraceMethod::Hutchinson { 0 } else { 21 };
            assert_eq!(run.memory::<f64>(256), (16 + columns) * 8 * 256);
            let little = run.clone().memory_limit((2 + columns) * 8 * 256);
            assert_eq!(first, little.run(&mut hadamard::<f64>(&spectrum)).unwrap());
            assert_eq!(little.memory::<f64>(256), (2 + columns) * 8 * 256);
        }
        let few = estimator(TraceMethod::HutchPlusPlus).memory_limit(9 * 8 * 256);
        let found = few.run(&mut hadamard::<f64>(&spectrum)).unwrap();
        assert_eq!((found.sketch, found.products), (6, 60));
    }

    #[test]
    fn what_cannot_be_done_is_refused_by_name() {
        let spectrum = hard(256);
        let message = |run: TraceEstimator| {
            run.run(&mut hadamard::<f64>(&spectrum)).map(|_| ()).unwrap_err().to_string()
        };
        for tolerance in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(message(TraceEstimator::new().tolerance(tolerance)).contains("tolerance of the trace"));
        }
        for confidence in [0.0, 1.0, f64::NAN] {
            assert!(message(TraceEstimator::new().confidence(confidence)).contains("the confidence"));
        }
        assert!(
            message(TraceEstimator::new().max_products(3)).contains("the most products must be 4 or more")
        );
        let plain = TraceEstimator::new().method(TraceMethod::Hutchinson);
        assert!(message(plain.clone().max_products(1)).contains("the most products must be 2 or more"));
        assert!(message(plain.memory_limit(4000)).contains("4096 bytes"));
        for method in METHODS {
            let all = estimator(method).memory_limit(u64::MAX);
            let found = all.run(&mut identity::<f64>(usize::MAX));
            assert!(matches!(found, Err(Error::MemoryLimit { bytes: u64::MAX, .. })), "{found:?}");
        }
        let nothing = TraceEstimator::new().run(&mut identity::<f64>(0));
        assert!(matches!(nothing, Err(Error::EmptyOperator)));
        for method in METHODS {
            let mut calls = 0;
            let mut bad = FnOperator::new(256, |v: &[f64], out: &mut [f64]| {
                out.copy_from_slice(v);
                calls += 1;
                out[3] = if calls == 30 { f64::NAN } else { 1.0 };
                Ok(())
            });
            let error = estimator(method).run(&mut bad);
            assert!(matches!(error, Err(Error::NonFiniteProduct { product: 29, index: 3, .. })), "{error:?}");
        }
    }
}
