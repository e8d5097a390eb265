//! The spectral density, that is the distribution of the eigenvalues, by stochastic Lanczos quadrature.
//!
//! Each Lanczos run from a random vector gives a quadrature over the spectrum, in which every eigenvalue is weighted by
//! the start's share of its eigenvector. The mean of that share over random starts is 1/n for every eigenvector. So the
//! mean over some runs estimates the density, and their spread gives its error[^1].
//!
//! [^1]: L. Lin, Y. Saad, C. Yang, *Approximating spectral densities of large matrices*, SIAM Review 58
//! (2016), section 3.2; B. Ghorbani, S. Krishnan, Y. Xiao, *An Investigation into Neural Net Optimization
//! via Hessian Eigenvalue Density*, ICML 2019, <https://arxiv.org/abs/1901.10159>.

use std::ops::Range;

use rayon::prelude::*;

use super::{
    probes::{BATCH, MOST_BYTES},
    quadrature::{Quadrature, over_probes, quadrature},
};
use crate::{
    Error, Result, Scalar,
    curvature::{
        lanczos::{LanczosProcess, Start},
        operator::{SymmetricOperator, ensure_dimension, multiply},
    },
};

/// The default width is at least this share of the range of nodes, so that a peak can be drawn.
const LEAST_WIDTH: f64 = 1e-3;

/// Estimates the spectral density of a symmetric operator by stochastic Lanczos quadrature (L. Lin, Y. Saad, C. Yang,
/// SIAM Review 58, 2016; for networks B. Ghorbani, S. Krishnan, Y. Xiao, ICML 2019).
///
/// **Cost.** [`probes`](Self::probes)·[`steps`](Self::steps) products, 512 by default. In addition 4·k·n multiply-adds
/// at step k, and [`memory`](Self::memory) for the basis of one probe, of which as many step together as fit the
/// [limit](Self::memory_limit).
///
/// ```
/// use loss_landscape::curvature::{FnOperator, SpectralDensity};
///
/// // Three outliers at 10 beside a bulk in [−1, 1].
/// let spectrum: Vec<f64> = (0..1000).map(|i| if i < 3 { 10.0 } else { (i as f64).sin() }).collect();
/// let mut operator = FnOperator::new(1000, |v: &[f64], out: &mut [f64]| {
///     out.iter_mut().zip(&spectrum).zip(v).for_each(|((out, l), v)| *out = l * v);
///     Ok(())
/// });
/// let found = SpectralDensity::new().steps(40).run(&mut operator)?;
/// let mean = spectrum.iter().sum::<f64>() / 1000.0;
/// assert!((found.moments[0] - mean).abs() < 4.0 * found.moment_errors[0]);
/// assert!((found.range()[1] - 10.0).abs() < 1e-6);
///
/// let at: Vec<f64> = (0..1300).map(|i| -2.0 + 0.01 * i as f64).collect();
/// let density = found.density(&at, None)?;
/// let share: f64 = density.values.iter().map(|value| 0.01 * value).sum();
/// assert!((share - 1.0).abs() < 1e-6);
/// let below = found.cumulative(&[5.0]);
/// assert!(below.lower[0] < 0.997 && 0.997 < below.upper[0]);
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Clone, Debug)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(default, deny_unknown_fields)
)]
#[must_use]
pub struct SpectralDensity {
    probes: usize,
    steps: usize,
    #[cfg_attr(feature = "serde", serde(with = "crate::wire::forms"))]
    confidence: f64,
    memory_limit: u64,
    seed: u64,
}

/// A spectral density, as the quadratures of all probes: their mean is the estimate, their spread gives its error.
///
/// ```
/// use loss_landscape::curvature::{FnOperator, SpectralDensity};
///
/// // 30 eigenvalues at 5, the others in [−1, 1].
/// let mut operator = FnOperator::new(1000, |v: &[f64], out: &mut [f64]| {
///     let value = |i: usize| if i < 30 { 5.0 } else { (i as f64).sin() };
///     out.iter_mut().zip(v).enumerate().for_each(|(i, (out, v))| *out = value(i) * v);
///     Ok(())
/// });
/// let found = SpectralDensity::new().probes(16).steps(40).confidence(0.99).run(&mut operator)?;
/// // How many eigenvalues are above 2?
/// let n = found.dimension as f64;
/// let below = found.cumulative(&[2.0]);
/// let [above, least, most] = [&below.values, &below.upper, &below.lower].map(|share| n * (1.0 - share[0]));
/// println!("{above:.0}, between {least:.0} and {most:.0}");
/// assert!(least <= 30.0 && 30.0 <= most);
/// // The trace, with its standard error.
/// let (trace, error) = (n * found.moments[0], n * found.moment_errors[0]);
/// let exact = 150.0 + (30..1000).map(|i| (i as f64).sin()).sum::<f64>();
/// assert!((trace - exact).abs() < 4.0 * error);
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct DensityEstimate {
    /// The number of eigenvalues, which is the length of the operator's vectors.
    pub dimension: usize,
    /// The quadrature of each probe.
    pub quadratures: Vec<Quadrature>,
    /// The means of λ, λ², λ³ and λ⁴ over all eigenvalues; the trace is `dimension` times the first. The value of a
    /// probe v for λʲ is vᵀAʲv exactly, if it has more than j/2 steps.
    pub moments: [f64; 4],
    /// The standard errors of the moments, from the spread of the probes; infinite for one probe.
    pub moment_errors: [f64; 4],
    /// The probability with which a band holds at each single λ.
    pub confidence: f64,
    /// The largest asymmetry and noise of the products among the probes, as a share of the largest |λ|; see
    /// [`Extremes::asymmetry`](crate::curvature::Extremes::asymmetry).
    pub asymmetry: f64,
    /// The number of products of the operator with a vector.
    pub products: usize,
}

/// A density, or the share of eigenvalues at or below λ, at the requested values of λ, with a band.
/// [`DensityEstimate::density`] and [`DensityEstimate::cumulative`] return it.
///
/// ```
/// use loss_landscape::curvature::{FnOperator, SpectralDensity};
///
/// // Eigenvalues evenly spaced in [0, 1): their density is 1 there.
/// let mut operator = FnOperator::new(1000, |v: &[f64], out: &mut [f64]| {
///     out.iter_mut().zip(v).enumerate().for_each(|(i, (out, v))| *out = 1e-3 * i as f64 * v);
///     Ok(())
/// });
/// let found = SpectralDensity::new().probes(12).run(&mut operator)?;
/// let at = [-0.5, 0.25, 0.5, 0.75, 1.5];
/// let curve = found.density(&at, Some(0.05))?;
/// for (i, lambda) in at.iter().enumerate() {
///     println!("{lambda:5.2}: {:.2} from {:.2} to {:.2}", curve.values[i], curve.lower[i], curve.upper[i]);
/// }
/// assert!(curve.values[0] < 1e-6 && (curve.values[2] - 1.0).abs() < 0.2);
/// assert!(curve.lower[2] <= curve.values[2] && curve.values[2] <= curve.upper[2]);
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct DensityCurve {
    /// The mean over the probes.
    pub values: Vec<f64>,
    /// The lower end of the band, at least 0.
    pub lower: Vec<f64>,
    /// The upper end of the band; for a density from a single probe it is infinite.
    pub upper: Vec<f64>,
    /// The standard deviation of the Gaussians at the nodes, in units of λ; 0 for cumulative shares, which are steps.
    pub width: f64,
}

/// Lanczos runs that step together, so that the operator gets several vectors in one call.
struct Runs<S> {
    processes: Vec<LanczosProcess<S>>,
    vectors: Vec<S>,
    out: Vec<S>,
    /// The number of products so far.
    products: usize,
}

impl Default for SpectralDensity {
    fn default() -> Self {
        Self { probes: 8, steps: 64, confidence: 0.95, memory_limit: 1 << 30, seed: 0 }
    }
}

impl SpectralDensity {
    /// 8 probes of 64 steps, bands of confidence 0.95, 1 GiB at most.
    pub fn new() -> Self {
        Self::default()
    }

    /// The number of runs from random vectors, 1 or more; 8 by default. Errors decrease as 1/√(probes·n), and are
    /// unknown with one probe. With few probes bands hold less often than stated: with 2 to 8 probes, one dominant
    /// eigenvalue and a stated 0.95, in 0.83 to 0.92 of the runs. They are reliable from about 12 probes on.
    pub fn probes(self, probes: usize) -> Self {
        Self { probes, ..self }
    }

    /// The number of steps of a run, 1 or more; 64 by default. Inside the bulk, details narrower than the range of the
    /// spectrum divided by the number of steps are not resolved; outliers are sharp after a few steps. Runs on vectors
    /// of length n end after n steps.
    pub fn steps(self, steps: usize) -> Self {
        Self { steps, ..self }
    }

    /// The probability with which a band holds at one λ, above 0 and below 1; 0.95 by default.
    pub fn confidence(self, confidence: f64) -> Self {
        Self { confidence, ..self }
    }

    /// The most bytes for bases, vectors and products; 1 GiB by default. As many probes step together as fit, up to 8,
    /// so that the operator gets their vectors in one call; values do not depend on it. More than `isize::MAX` bytes are
    /// never taken.
    pub fn memory_limit(self, bytes: u64) -> Self {
        Self { memory_limit: bytes.min(MOST_BYTES), ..self }
    }

    /// The seed of the starts (`ChaCha8Rng`, one stream for each probe); 0 by default. Estimates with equal seeds have
    /// the same starts and are not independent, even for different operators.
    pub fn seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// The bytes that one probe at a time takes with vectors of length `n`, which is the least: basis and product. The
    /// operator's own memory is not included.
    pub fn memory<S: Scalar>(&self, n: usize) -> u64 {
        (self.steps.min(n) as u64)
            .saturating_add(1)
            .saturating_mul(n as u64)
            .saturating_mul(size_of::<S>() as u64)
    }

    /// Runs all probes.
    ///
    /// # Errors
    /// [`Error::Setting`] for no probes, no steps or a confidence out of range; [`Error::EmptyOperator`];
    /// [`Error::MemoryLimit`] if the basis does not fit; [`Error::Oracle`], [`Error::OraclePanicked`] or
    /// [`Error::NonFiniteProduct`] from a product.
    pub fn run<A: SymmetricOperator + ?Sized>(&self, operator: &mut A) -> Result<DensityEstimate> {
        self.check()?;
        let dimension = ensure_dimension(operator)?;
        let bytes = self.memory::<A::Scalar>(dimension);
        if bytes > self.memory_limit {
            let what = "a Lanczos basis";
            return Err(Error::MemoryLimit { what, bytes, limit: self.memory_limit });
        }
        let mut runs = Runs::new(dimension, self.together::<A::Scalar>(dimension));
        let (mut quadratures, mut asymmetry) = (Vec::new(), 0.0_f64);
        for first in (0..self.probes).step_by(runs.processes.len()) {
            let streams = first..self.probes.min(first + runs.processes.len());
            let invariant = self.advance(&mut runs, streams, operator)?;
            for (process, invariant) in runs.processes.iter().zip(invariant) {
                asymmetry = asymmetry.max(process.asymmetry());
                quadratures.push(quadrature(process, invariant, runs.products)?);
            }
        }
        let products = runs.products;
        let samples = [1, 2, 3, 4].map(|power| over_probes(&quadratures, |node: f64| node.powi(power)));
        let confidence = self.confidence;
        Ok(DensityEstimate {
            dimension,
            quadratures,
            moments: samples.map(|sample| sample.mean),
            moment_errors: samples.map(|sample| sample.standard_error()),
            confidence,
            asymmetry,
            products,
        })
    }

    /// How many runs step together: as many as fit with the copies of their vectors and products.
    fn together<S: Scalar>(&self, n: usize) -> usize {
        let copies = (2 * size_of::<S>() as u64).saturating_mul(n as u64);
        let fit = self.memory_limit / self.memory::<S>(n).saturating_add(copies).max(1);
        usize::try_from(fit).unwrap_or(usize::MAX).clamp(1, BATCH.min(self.probes))
    }

    /// Steps to the end of the runs of these streams, and returns which of them reached an invariant space.
    fn advance<A: SymmetricOperator + ?Sized>(
        &self,
        runs: &mut Runs<A::Scalar>,
        streams: Range<usize>,
        operator: &mut A,
    ) -> Result<Vec<bool>> {
        let mut ends = vec![None; streams.len()];
        for (process, stream) in runs.processes.iter_mut().zip(streams) {
            process.start(Start { seed: self.seed, stream: stream as u64, warm: None });
        }
        while ends.contains(&None) {
            runs.step(&mut ends, operator, |process| self.after_step(process))?;
        }
        Ok(ends.into_iter().flatten().collect())
    }

    /// Prepares the next step, or returns, at the end of a run, whether it reached an invariant space.
    fn after_step<S: Scalar>(&self, process: &mut LanczosProcess<S>) -> Option<bool> {
        let k = process.len();
        // Ritz values cost k² operations, and here only set the scale of rounding, which soon stops changing.
        if k <= 16 || k.is_multiple_of(8) || k == self.steps {
            process.ritz(false);
        }
        if process.is_invariant() {
            process.ritz(false);
            return Some(true);
        }
        if k == self.steps {
            return Some(false);
        }
        process.advance();
        None
    }

    fn check(&self) -> Result<()> {
        let confidence = self.confidence > 0.0 && self.confidence < 1.0;
        let settings = [
            ("the probes of a density", "1 or more", self.probes as f64, self.probes > 0),
            ("the steps of a density", "1 or more", self.steps as f64, self.steps > 0),
            ("the confidence", "above 0 and below 1", self.confidence, confidence),
        ];
        match settings.iter().find(|(_, _, _, fine)| !fine) {
            Some(&(setting, needs, value, _)) => Err(Error::Setting { setting, needs, value }),
            None => Ok(()),
        }
    }
}

impl<S: Scalar> Runs<S> {
    fn new(n: usize, together: usize) -> Self {
        // A run alone multiplies in its own memory.
        let copies = if together == 1 { 0 } else { n * together };
        Self {
            processes: (0..together).map(|_| LanczosProcess::new(n)).collect(),
            vectors: vec![S::zero(); copies],
            out: vec![S::zero(); copies],
            products: 0,
        }
    }

    /// A step of each run that has not ended, and what `after_step` makes of it.
    fn step<A: SymmetricOperator<Scalar = S> + ?Sized>(
        &mut self,
        ends: &mut [Option<bool>],
        operator: &mut A,
        after_step: impl Fn(&mut LanczosProcess<S>) -> Option<bool> + Sync,
    ) -> Result<()> {
        let n = operator.dimension();
        let Self { processes, vectors, out, products } = self;
        if let [process] = processes.as_mut_slice() {
            process.step(operator)?;
            *products += 1;
            ends[0] = after_step(process);
            return Ok(());
        }
        let mut open: Vec<_> = processes.iter_mut().zip(ends).filter(|(_, end)| end.is_none()).collect();
        let used = n * open.len();
        for ((process, _), vector) in open.iter().zip(vectors.chunks_exact_mut(n)) {
            vector.copy_from_slice(process.vector_to_multiply());
        }
        multiply(operator, *products, &vectors[..used], &mut out[..used])?;
        *products += open.len();
        let error = operator.product_error();
        open.par_iter_mut().zip(out.par_chunks_exact(n)).for_each(|((process, end), product)| {
            process.step_with_product(product, error);
            **end = after_step(process);
        });
        Ok(())
    }
}

impl DensityEstimate {
    /// The lowest and the highest node; the spectrum extends at least that far.
    pub fn range(&self) -> [f64; 2] {
        let nodes = self.quadratures.iter().flat_map(|quadrature| &quadrature.nodes);
        nodes.fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], &node| [low.min(node), high.max(node)])
    }

    /// The density at these λ, in any order, smoothed by a Gaussian of standard deviation `width` at each node, or of
    /// [`default_width`](Self::default_width) if that is None. Its integral over all λ is 1. The band is for the
    /// smoothed density, at each single λ. It covers the chance of the probes, but not the artefacts of a width below
    /// the resolution of the steps.
    ///
    /// # Errors
    /// [`Error::Setting`] for a width that is not finite and above 0, or too small for full precision
    /// (subnormal).
    pub fn density(&self, at: &[f64], width: Option<f64>) -> Result<DensityCurve> {
        let width = width.unwrap_or_else(|| self.default_width());
        if !(width.is_normal() && width > 0.0) {
            let setting = "the width of a density's Gaussians";
            return Err(Error::Setting { setting, needs: "finite, above 0 and not subnormal", value: width });
        }
        let height = (width * std::f64::consts::TAU.sqrt()).recip();
        let gaussian = |lambda: f64, node: f64| {
            let distance = (lambda - node) / width;
            height * (-0.5 * distance * distance).exp()
        };
        Ok(self.curve(at, width, f64::INFINITY, gaussian))
    }

    /// The share of eigenvalues at or below these λ, in steps at the nodes.
    ///
    /// A node stands for the eigenvalues around it, so that inside the bulk the steps of a probe are off by up to the
    /// weight of a node. Between outliers, and between them and the bulk, there is no such error.
    pub fn cumulative(&self, at: &[f64]) -> DensityCurve {
        let step = |lambda: f64, node: f64| {
            if lambda.is_nan() { f64::NAN } else { f64::from(u8::from(node <= lambda)) }
        };
        self.curve(at, 0.0, 1.0, step)
    }

    /// The default width of [`density`](Self::density): the weighted median, over all nodes, of the mean distance to
    /// the adjacent nodes, or of the residual if that is smaller. It resolves the bulk as far as the steps do; outliers
    /// have hardly any weight and do not count. It is at least a thousandth of the range of the nodes (of |λ| if all of
    /// them are at one λ, and 0.001 for λ = 0).
    pub fn default_width(&self) -> f64 {
        let mut blurs: Vec<(f64, f64)> = Vec::new();
        for Quadrature { nodes, weights, residuals, .. } in &self.quadratures {
            for (i, (&weight, &residual)) in weights.iter().zip(residuals).enumerate() {
                let (before, after) = (i.saturating_sub(1), (i + 1).min(nodes.len() - 1));
                // A single node has no adjacent one, so that its residual decides.
                let gap = match after - before {
                    0 => f64::INFINITY,
                    apart => (nodes[after] - nodes[before]) / apart as f64,
                };
                blurs.push((gap.min(residual), weight));
            }
        }
        blurs.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut left = 0.5 * self.quadratures.len() as f64;
        let median = blurs.iter().find(|(_, weight)| {
            left -= weight;
            left <= 0.0
        });
        let [low, high] = self.range();
        let scale = low.abs().max(high.abs());
        let extent = if high - low > 1e-10 * scale { high - low } else { scale };
        let least = LEAST_WIDTH * if extent > 0.0 { extent } else { 1.0 };
        median.map_or(least, |&(blur, _)| blur.max(least)).max(f64::MIN_POSITIVE)
    }

    /// The mean of a function of λ and the nodes, with a band that is limited to [0, `most`].
    fn curve(&self, at: &[f64], width: f64, most: f64, f: impl Fn(f64, f64) -> f64) -> DensityCurve {
        let none = || Vec::with_capacity(at.len());
        let mut curve = DensityCurve { values: none(), lower: none(), upper: none(), width };
        for &lambda in at {
            let sample = over_probes(&self.quadratures, |node| f(lambda, node));
            let [lower, upper] =
                sample.reach(self.confidence).map(|reach| (sample.mean + reach).clamp(0.0, most));
            // The sum of the weights is 1 only to rounding.
            curve.values.push(sample.mean.clamp(0.0, most));
            curve.lower.push(lower);
            curve.upper.push(upper);
        }
        curve
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::curvature::FnOperator;

    fn diagonal(spectrum: &[f64]) -> impl SymmetricOperator<Scalar = f64> {
        FnOperator::new(spectrum.len(), move |v: &[f64], out: &mut [f64]| {
            out.iter_mut().zip(spectrum).zip(v).for_each(|((out, l), v)| *out = l * v);
            Ok(())
        })
    }

    /// Four outliers beside a bulk in [−1, 1].
    fn hard(n: i32) -> Vec<f64> {
        (0..n).map(|i| if i < 4 { 5.0 + f64::from(i) } else { (f64::from(i)).sin() }).collect()
    }

    fn line(low: f64, high: f64, points: usize) -> Vec<f64> {
        (0..points).map(|i| low + (high - low) * i as f64 / (points - 1) as f64).collect()
    }

    fn integral(at: &[f64], values: &[f64]) -> f64 {
        at.windows(2).zip(values.windows(2)).map(|(x, f)| (x[1] - x[0]) * f64::midpoint(f[0], f[1])).sum()
    }

    #[test]
    fn weights_sum_to_one_and_moments_are_those_of_the_spectrum() {
        let spectrum = hard(400);
        for (probes, steps) in [(2, 1), (3, 2), (12, 3), (12, 40)] {
            let run = SpectralDensity::new().probes(probes).steps(steps);
            let found = run.run(&mut diagonal(&spectrum)).unwrap();
            assert_eq!((found.products, found.quadratures.len()), (probes * steps, probes));
            assert!(found.asymmetry < 1e-12 && found.range()[0] >= -1.0 && found.range()[1] <= 8.0 + 1e-12);
            for quadrature in &found.quadratures {
                assert!((quadrature.weights.iter().sum::<f64>() - 1.0).abs() < 1e-13);
                assert!(
                    quadrature.nodes.is_sorted() && quadrature.nodes.len() == steps && !quadrature.invariant
                );
            }
            for (power, (moment, error)) in (1..).zip(found.moments.iter().zip(found.moment_errors)) {
                let exact = spectrum.iter().map(|l| l.powi(power)).sum::<f64>() / 400.0;
                // With k steps a quadrature has the degree 2k − 1.
                if (power as usize) < 2 * steps && probes > 3 {
                    assert!(
                        (moment - exact).abs() < 3.0 * error,
                        "{power}: {moment} against {exact}, {error}"
                    );
                }
            }
        }
    }

    #[test]
    fn the_identity_is_a_peak_of_area_one() {
        for (factor, n) in [(1.0, 50), (1.0, 1), (1.0, 2), (1e-200, 50), (-1e150, 50), (0.0, 50)] {
            let found = SpectralDensity::new().probes(3).run(&mut diagonal(&vec![factor; n])).unwrap();
            assert_eq!(found.products, 3);
            assert!(found.quadratures.iter().all(|q| q.invariant && q.nodes.len() == 1));
            assert!((found.moments[0] - factor).abs() <= 1e-14 * factor.abs());
            let width = found.default_width();
            assert!((width / (1e-3 * if factor == 0.0 { 1.0 } else { factor.abs() }) - 1.0).abs() < 1e-12);
            let at = line(factor - 8.0 * width, factor + 8.0 * width, 401);
            let density = found.density(&at, None).unwrap();
            assert!((integral(&at, &density.values) - 1.0).abs() < 1e-8, "{factor}");
            let peak = (width * std::f64::consts::TAU.sqrt()).recip();
            assert!((density.values[200] / peak - 1.0).abs() < 1e-8 && density.values[0] < 1e-10 * peak);
            assert_eq!(found.cumulative(&[at[0], at[400]]).values, [0.0, 1.0]);
        }
    }

    #[test]
    fn an_invariant_space_ends_a_run() {
        // Three eigenvalues, so that three steps know all there are.
        let spectrum: Vec<f64> = (0..300).map(|i| if i < 6 { [10.0, -2.0][i % 2] } else { 0.0 }).collect();
        let found = SpectralDensity::new().probes(20).run(&mut diagonal(&spectrum)).unwrap();
        assert_eq!(found.products, 60);
        for q in &found.quadratures {
            assert!(q.invariant && q.nodes.iter().zip([-2.0, 0.0, 10.0]).all(|(a, b)| (a - b).abs() < 1e-12));
        }
        // Eigenvalues, not a bulk between them.
        assert!((found.default_width() - 0.012).abs() < 1e-9);
        let below = found.cumulative(&[-3.0, -1.0, 1.0, 10.1, f64::NAN]);
        assert_eq!((below.values[0], below.lower[0], below.upper[0]), (0.0, 0.0, 0.0));
        assert!(
            below.lower[1] < 0.01 && 0.01 < below.upper[1] && below.lower[2] < 0.99 && 0.99 < below.upper[2]
        );
        assert!((below.values[3] - 1.0).abs() < 1e-12 && below.upper[3] <= 1.0 && below.values[4].is_nan());
    }

    /// Against the spectrum with the same Gaussians; bands of 95 in 100 at each λ.
    #[test]
    fn bands_hold_the_smoothed_density() {
        let spectrum = hard(1000);
        let at = line(-1.5, 9.0, 106);
        let (mut held, mut steps_held) = (0, 0);
        for seed in 0..20 {
            let found =
                SpectralDensity::new().probes(6).steps(40).seed(seed).run(&mut diagonal(&spectrum)).unwrap();
            let curve = found.density(&at, None).unwrap();
            assert!((0.02..0.3).contains(&curve.width), "{}", curve.width);
            let fine = line(-4.0, 11.0, 3001);
            let area = integral(&fine, &found.density(&fine, None).unwrap().values);
            assert!((area - 1.0).abs() < 1e-6);
            let whole = DensityEstimate {
                quadratures: vec![Quadrature {
                    nodes: spectrum.clone(),
                    weights: vec![1e-3; 1000],
                    residuals: vec![0.0; 1000],
                    invariant: true,
                }],
                ..found.clone()
            };
            let exact = whole.density(&at, Some(curve.width)).unwrap();
            let inside = |i: &usize| (curve.lower[*i]..=curve.upper[*i]).contains(&exact.values[*i]);
            held += (0..106).filter(|i| exact.values[*i] < 1e-6 || inside(i)).count();
            let between = [2.0, 4.0, 5.5, 6.5, 7.5];
            let (found, exact) = (found.cumulative(&between), whole.cumulative(&between));
            steps_held +=
                (0..5).filter(|&i| (found.lower[i]..=found.upper[i]).contains(&exact.values[i])).count();
        }
        assert!(held > 20 * 106 * 90 / 100, "{held} of 2120");
        assert!(steps_held >= 88, "{steps_held} of 100");
    }

    #[test]
    fn one_step_is_as_wide_as_its_residual() {
        let spectrum = hard(200);
        let found = SpectralDensity::new().steps(1).run(&mut diagonal(&spectrum)).unwrap();
        let residuals = found.quadratures.iter().map(|q| q.residuals[0]);
        let [low, high] = residuals.fold([f64::INFINITY, 0.0], |[l, h], r| [r.min(l), r.max(h)]);
        assert!(low > 0.5 && (low..=high).contains(&found.default_width()), "{}", found.default_width());
        // Tiny operators have a width too.
        let tiny = SpectralDensity::new().run(&mut diagonal(&[1e-307; 50])).unwrap();
        assert!(tiny.density(&[0.0], None).unwrap().width > 0.0);
        let above = SpectralDensity::new().probes(40).run(&mut diagonal(&spectrum)).unwrap();
        assert!(above.cumulative(&[9.0]).values[0] <= 1.0);
    }

    #[test]
    fn one_probe_knows_no_error_and_seeds_repeat() {
        let spectrum = hard(200);
        let run = SpectralDensity::new().probes(1).steps(10);
        let found = run.run(&mut diagonal(&spectrum)).unwrap();
        assert_eq!(found.moment_errors, [f64::INFINITY; 4]);
        let curve = found.density(&[0.0, f64::NAN], None).unwrap();
        assert_eq!((curve.lower[0], curve.upper[0]), (0.0, f64::INFINITY));
        assert!(curve.values[1].is_nan());
        assert_eq!(found, run.run(&mut diagonal(&spectrum)).unwrap());
        // The first of several probes is the probe of a run with one.
        let several = SpectralDensity::new().probes(3).steps(10).run(&mut diagonal(&spectrum)).unwrap();
        assert_eq!(several.quadratures[0], found.quadratures[0]);
        assert_ne!(several.quadratures[1], found.quadratures[0]);
    }

    #[test]
    fn what_cannot_be_done_is_refused_by_name() {
        let spectrum = hard(200);
        let message = |run: SpectralDensity| run.run(&mut diagonal(&spectrum)).unwrap_err().to_string();
        assert!(message(SpectralDensity::new().probes(0)).contains("the probes of a density"));
        assert!(message(SpectralDensity::new().steps(0)).contains("the steps of a density"));
        assert!(message(SpectralDensity::new().confidence(1.0)).contains("the confidence"));
        assert!(message(SpectralDensity::new().memory_limit(65 * 200 * 8 - 1)).contains("104000 bytes"));
        assert_eq!(SpectralDensity::new().memory::<f32>(10), 11 * 10 * 4);
        let found = SpectralDensity::new().run(&mut diagonal(&spectrum)).unwrap();
        for width in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e-310] {
            let error = found.density(&[0.0], Some(width)).unwrap_err().to_string();
            assert!(error.contains("the width of a density's Gaussians"), "{error}");
        }
        assert!(found.density(&[], None).unwrap().values.is_empty());
        let nan = |_: &[f64], _: &mut [f64]| Ok(());
        let found = SpectralDensity::new().run(&mut FnOperator::new(20, nan));
        assert!(matches!(found, Err(Error::NonFiniteProduct { product: 0, index: 0, .. })));
        let all = SpectralDensity::new().steps(usize::MAX).memory_limit(u64::MAX);
        let found = all.run(&mut FnOperator::new(usize::MAX, nan));
        assert!(matches!(found, Err(Error::MemoryLimit { bytes: u64::MAX, .. })), "{found:?}");
        let found = SpectralDensity::new().run(&mut FnOperator::new(0, nan));
        assert!(matches!(found, Err(Error::EmptyOperator)));
    }
}
