//! The diagonal of an operator that is known only by its products.
//!
//! For probes z of −1 and 1 the mean of z ⊙ Az is the diagonal, element by element[^1]; one probe has the
//! variance Σ_{j≠i} A_ij² in element i. A pilot plans the number of probes, as for the trace.
//!
//! [^1]: C. Bekas, E. Kokiopoulou, Y. Saad, *An estimator for the diagonal of a matrix*, Appl. Numer. Math.
//! 57 (2007); with −1 and 1 its quotient of sums is a mean.

use super::{
    probes::{self, BATCH, EstimateEnd, LEAST_ESTIMATE, MOST_BYTES, PILOT_STREAM, Probe, Products},
    sample::student,
};
use crate::{
    Error, Result, Scalar,
    curvature::{
        lanczos::unit_of,
        operator::{SymmetricOperator, ensure_dimension},
    },
    params::norm,
};

/// Estimates the diagonal of a symmetric operator, with a standard error for each element.
///
/// Without a [tolerance](Self::tolerance) all [products](Self::max_products) are spent. With one, a pilot of up to 16
/// probes plans how many fresh probes the estimate takes; the pilot is not part of the estimate. If unit vectors take
/// no more products, they are used instead, and the diagonal is exact.
///
/// **Cost.** One product for each probe, and [`memory`](Self::memory) for the sums of every element.
///
/// ```
/// use loss_landscape::curvature::{DiagonalEstimator, FnOperator};
///
/// // The second difference, whose diagonal is 2.
/// let mut operator = FnOperator::new(1000, |v: &[f64], out: &mut [f64]| {
///     for i in 0..v.len() {
///         out[i] = 2.0 * v[i] - if i > 0 { v[i - 1] } else { 0.0 } - v.get(i + 1).unwrap_or(&0.0);
///     }
///     Ok(())
/// });
/// let found = DiagonalEstimator::new().tolerance(0.1).max_products(500).run(&mut operator)?;
/// assert!(found.relative_error() < 0.11 && found.products < 120);
/// let outside = (0..1000).filter(|&i| {
///     let [low, high] = found.interval(i, 0.95).unwrap_or_default();
///     !(low..=high).contains(&2.0)
/// });
/// assert!(outside.count() < 80);
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Clone, Debug)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(default, deny_unknown_fields)
)]
#[must_use]
pub struct DiagonalEstimator {
    #[cfg_attr(feature = "serde", serde(with = "crate::wire::forms"))]
    tolerance: Option<f64>,
    max_products: usize,
    memory_limit: u64,
    seed: u64,
}

/// An estimated diagonal, with a standard error for each element.
///
/// ```
/// use loss_landscape::curvature::{EstimateEnd, DiagonalEstimator, FnOperator};
///
/// // 1, 2, …, 400 on the diagonal, and 1 everywhere beside it.
/// let mut operator = FnOperator::new(400, |v: &[f64], out: &mut [f64]| {
///     let sum: f64 = v.iter().sum();
///     out.iter_mut().zip(v).enumerate().for_each(|(i, (out, v))| *out = i as f64 * v + sum);
///     Ok(())
/// });
/// let found = DiagonalEstimator::new().tolerance(0.05).max_products(300).run(&mut operator)?;
/// match found.end {
///     EstimateEnd::Exact | EstimateEnd::Tolerance => {}
///     EstimateEnd::Missed => println!("an error of {:.3} instead of 0.05", found.relative_error()),
///     EstimateEnd::ProductLimit => println!("more than {} products are needed", found.products),
///     other => println!("{other:?}"),
/// }
/// // The parameters that matter most, as for pruning.
/// let mut order: Vec<usize> = (0..400).collect();
/// order.sort_by(|&a, &b| found.values[b].total_cmp(&found.values[a]));
/// assert!(order[0] > 350 && found.standard_errors[order[0]] < 20.0);
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct DiagonalEstimate {
    /// The diagonal, exact or an unbiased estimate, in the order of the operator's vectors.
    pub values: Vec<f64>,
    /// The standard error of each element, from the spread of the probes; 0 if it is exact. The errors of different
    /// elements are not independent. An error is infinite if fewer than 12 probes have no spread, since that can be
    /// chance: then nothing is known, and the end is never [`EstimateEnd::Tolerance`].
    pub standard_errors: Vec<f64>,
    /// The number of probes in the mean; 0 if the diagonal is exact by unit vectors.
    pub probes: usize,
    /// The number of probes of the pilot, which are not in the mean.
    pub pilot: usize,
    /// The number of products of the operator with a vector in all.
    pub products: usize,
    /// Why it ended.
    pub end: EstimateEnd,
}

/// Running means and sums of squared deviations, element by element[^1], in a unit in which squares neither overflow
/// nor underflow.
///
/// [^1]: B. P. Welford, *Note on a method for calculating corrected sums of squares and products*,
/// Technometrics 4 (1962).
struct Sums {
    mean: Vec<f64>,
    squares: Vec<f64>,
    count: usize,
    /// A power of two; 0 until a product is not 0.
    unit: f64,
}

impl Default for DiagonalEstimator {
    fn default() -> Self {
        Self { tolerance: None, max_products: 100, memory_limit: 1 << 30, seed: 0 }
    }
}

impl DiagonalEstimator {
    /// At most 100 products and 1 GiB, without a tolerance.
    pub fn new() -> Self {
        Self::default()
    }

    /// The norm of all standard errors to reach, as a share of the norm of the diagonal: finite and above 0. Only the
    /// products that it takes are spent; without a tolerance all of them are.
    pub fn tolerance(self, tolerance: f64) -> Self {
        Self { tolerance: Some(tolerance), ..self }
    }

    /// The most products, including those of the pilot: 2 or more; 100 by default.
    pub fn max_products(self, products: usize) -> Self {
        Self { max_products: products, ..self }
    }

    /// The most bytes for vectors; 1 GiB by default. If it is less than a run could use, fewer vectors are multiplied
    /// in one call. More than `isize::MAX` bytes are never taken.
    pub fn memory_limit(self, bytes: u64) -> Self {
        Self { memory_limit: bytes.min(MOST_BYTES), ..self }
    }

    /// The seed of the probes (`ChaCha8Rng`, one stream for each); 0 by default. Estimates with equal seeds have the
    /// same probes and are not independent, even for different operators.
    pub fn seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// The most bytes that a run on vectors of length `n` takes: vectors, products, sums. The operator's own memory is
    /// not included.
    pub fn memory<S: Scalar>(&self, n: usize) -> u64 {
        let vectors = 2 * self.batch::<S>(n) * size_of::<S>();
        (n as u64).saturating_mul((vectors + 2 * size_of::<f64>()) as u64)
    }

    /// Estimates the diagonal.
    ///
    /// # Errors
    /// [`Error::Setting`] for a tolerance or number of products out of range; [`Error::EmptyOperator`];
    /// [`Error::MemoryLimit`] if not even one vector, its product and the sums fit; [`Error::Oracle`],
    /// [`Error::OraclePanicked`] or [`Error::NonFiniteProduct`] from a product. A tolerance that is not reached is no
    /// error: see [`DiagonalEstimate::end`].
    pub fn run<A: SymmetricOperator + ?Sized>(&self, operator: &mut A) -> Result<DiagonalEstimate> {
        self.check()?;
        let n = ensure_dimension(operator)?;
        let bytes = self.memory::<A::Scalar>(n);
        if bytes > self.memory_limit {
            let what = "a diagonal's vectors";
            return Err(Error::MemoryLimit { what, bytes, limit: self.memory_limit });
        }
        let mut products = Products::new(operator, n, self.batch::<A::Scalar>(n));
        let mut sums = Sums { mean: vec![0.0; n], squares: vec![0.0; n], count: 0, unit: 0.0 };
        if n <= self.max_products && (self.tolerance.is_none() || probes::is_short(n)) {
            return exact(&mut products, sums, 0);
        }
        let (mut pilot, mut probes) = (0, self.max_products);
        if let Some(tolerance) = self.tolerance {
            pilot = probes::pilot(probes);
            probes -= pilot;
            if pilot > 0 {
                self.sample(&mut products, &mut sums, PILOT_STREAM, pilot)?;
                let variance = sums.variance();
                // The squares of the means include the variance of the means.
                let square = square(&sums.mean) - variance / pilot as f64;
                probes = probes::planned(variance.sqrt(), tolerance * square.max(0.0).sqrt(), probes);
            }
            if probes >= n {
                return exact(&mut products, sums, pilot);
            }
        }
        self.sample(&mut products, &mut sums, 0, probes)?;
        let (scale, unit) = ((probes as f64 * (probes as f64 - 1.0)).recip(), sums.unit);
        let error = |square: f64| {
            // A few probes of ±1 can be equal by chance.
            let chance = square == 0.0 && probes < LEAST_ESTIMATE;
            if chance { f64::INFINITY } else { unit * (scale * square).sqrt() }
        };
        let mut estimate = DiagonalEstimate {
            // Both reuse the memory of the sums.
            standard_errors: sums.squares.into_iter().map(error).collect(),
            values: sums.mean.into_iter().map(|mean| unit * mean).collect(),
            probes,
            pilot,
            products: products.count,
            end: EstimateEnd::ProductLimit,
        };
        let met = self.tolerance.is_some_and(|tolerance| estimate.relative_error() <= tolerance);
        estimate.end = EstimateEnd::of_probes(met, products.count >= self.max_products);
        Ok(estimate)
    }

    /// Fills the sums with the products of probes, with streams from `stream` on.
    fn sample<A: SymmetricOperator + ?Sized>(
        &self,
        products: &mut Products<'_, A>,
        sums: &mut Sums,
        stream: u64,
        probes: usize,
    ) -> Result<()> {
        sums.mean.fill(0.0);
        sums.squares.fill(0.0);
        sums.count = 0;
        let draw = |j: usize, v: &mut [_]| Probe::Rademacher.draw(self.seed, stream + j as u64, v);
        products.each(0..probes, draw, |_, v, product| sums.add(v, product))
    }

    fn batch<S: Scalar>(&self, n: usize) -> usize {
        let fit = self.memory_limit / (n as u64).max(1);
        let rest = usize::try_from(fit).unwrap_or(usize::MAX).saturating_sub(2 * size_of::<f64>());
        (rest / (2 * size_of::<S>())).clamp(1, BATCH)
    }

    fn check(&self) -> Result<()> {
        let tolerance = self.tolerance.unwrap_or(1.0);
        if !(tolerance.is_finite() && tolerance > 0.0) {
            let setting = "the tolerance of the diagonal";
            return Err(Error::Setting { setting, needs: "finite and above 0", value: tolerance });
        }
        if self.max_products < 2 {
            let value = self.max_products as f64;
            return Err(Error::Setting { setting: "the most products", needs: "2 or more", value });
        }
        Ok(())
    }
}

impl DiagonalEstimate {
    /// The norm of the standard errors as a share of the norm of the diagonal; 0 if all errors are 0, infinite if one
    /// is infinite.
    pub fn relative_error(&self) -> f64 {
        let error = norm(&self.standard_errors);
        if error == 0.0 || error == f64::INFINITY { error } else { error / norm(&self.values) }
    }

    /// The interval that includes one element with this probability, by Student's t. It holds for each element, not for
    /// all of them together. None for an index or a probability out of range.
    pub fn interval(&self, element: usize, confidence: f64) -> Option<[f64; 2]> {
        let (value, error) = (self.values.get(element)?, self.standard_errors.get(element)?);
        if !(confidence > 0.0 && confidence < 1.0) {
            return None;
        }
        let room =
            if *error == 0.0 { 0.0 } else { student(self.probes.saturating_sub(1), confidence) * error };
        Some([value - room, value + room])
    }
}

fn exact<A: SymmetricOperator + ?Sized>(
    products: &mut Products<'_, A>,
    mut sums: Sums,
    pilot: usize,
) -> Result<DiagonalEstimate> {
    products.diagonal(|i, element| sums.mean[i] = element)?;
    sums.squares.fill(0.0);
    Ok(DiagonalEstimate {
        values: sums.mean,
        standard_errors: sums.squares,
        probes: 0,
        pilot,
        products: products.count,
        end: EstimateEnd::Exact,
    })
}

impl Sums {
    fn add<S: Scalar>(&mut self, z: &[S], product: &[S]) {
        self.count += 1;
        let share = (self.count as f64).recip();
        if self.unit == 0.0 && product.iter().any(|product| product.as_f64() != 0.0) {
            self.unit = unit_of(product);
        }
        let unit = if self.unit == 0.0 { 1.0 } else { self.unit };
        for (((mean, squares), z), product) in self.mean.iter_mut().zip(&mut self.squares).zip(z).zip(product)
        {
            let value = (*z * *product).as_f64() / unit;
            let from_old = value - *mean;
            *mean += share * from_old;
            *squares += from_old * (value - *mean);
        }
    }

    /// The variance of one probe, as a sum over all elements.
    fn variance(&self) -> f64 {
        self.squares.iter().sum::<f64>() / (self.count as f64 - 1.0)
    }
}

fn square(values: &[f64]) -> f64 {
    values.iter().map(|value| value * value).sum()
}

#[cfg(test)]
mod tests {
    use super::{super::probes::tests::hadamard, *};
    use crate::curvature::FnOperator;

    /// Five outliers in the basis of ±1, and a diagonal beside them.
    fn hard() -> (Vec<f64>, Vec<f64>) {
        let spectrum: Vec<f64> = (0..128).map(|i| if i < 5 { 10.0 } else { 0.1 }).collect();
        let mean = spectrum.iter().sum::<f64>() / 128.0;
        let diagonal = (0..128).map(|i| mean + f64::from(i).sin()).collect();
        (spectrum, diagonal)
    }

    fn operator(spectrum: &[f64]) -> impl SymmetricOperator<Scalar = f64> {
        let mut rotated = hadamard::<f64>(spectrum);
        FnOperator::new(128, move |v: &[f64], out: &mut [f64]| {
            rotated.apply(v, out)?;
            out.iter_mut().zip(v).enumerate().for_each(|(i, (out, v))| *out += (i as f64).sin() * v);
            Ok(())
        })
    }

    /// Elements of one run are not independent, seeds are: 5 × 100 elements over 200 seeds.
    #[test]
    fn intervals_of_elements_hold_as_often_as_they_say() {
        let (spectrum, diagonal) = hard();
        for tolerance in [None, Some(0.5)] {
            let (mut held, mut bias, mut error) = (0, 0.0, 0.0);
            for seed in 0..200 {
                let run = DiagonalEstimator { tolerance, ..DiagonalEstimator::new() };
                let found = run.max_products(100).seed(seed).run(&mut operator(&spectrum)).unwrap();
                for i in (3..128).step_by(25) {
                    let [low, high] = found.interval(i, 0.95).unwrap();
                    held += usize::from((low..=high).contains(&diagonal[i]));
                    bias += found.values[i] - diagonal[i];
                }
                let gap: Vec<f64> = found.values.iter().zip(&diagonal).map(|(v, d)| v - d).collect();
                error += square(&gap) / square(&found.standard_errors);
            }
            let held = f64::from(u32::try_from(held).unwrap()) / 1000.0;
            assert!((0.93..0.97).contains(&held), "{tolerance:?}: {held}");
            assert!((bias / 1000.0).abs() < 0.03 && (error / 200.0 - 1.0).abs() < 0.1, "{bias} {error}");
        }
    }

    #[test]
    fn unit_vectors_are_exact_and_so_are_diagonal_operators() {
        let (spectrum, diagonal) = hard();
        for (tolerance, most) in [(None, 128), (Some(1e-3), 150)] {
            let run = DiagonalEstimator { tolerance, ..DiagonalEstimator::new() }.max_products(most);
            let found = run.run(&mut operator(&spectrum)).unwrap();
            assert_eq!((found.end, found.probes, found.relative_error()), (EstimateEnd::Exact, 0, 0.0));
            assert!(found.values.iter().zip(&diagonal).all(|(v, d)| (v - d).abs() < 1e-12));
            assert_eq!(found.interval(3, 0.95), Some([found.values[3]; 2]));
            assert_eq!((found.interval(128, 0.95), found.interval(3, 1.0)), (None, None));
        }
        for n in [1, 2, 1000] {
            let mut operator = FnOperator::new(n, |v: &[f32], out: &mut [f32]| {
                out.iter_mut().zip(v).enumerate().for_each(|(i, (out, v))| *out = (i % 7) as f32 * v);
                Ok(())
            });
            let found = DiagonalEstimator::new().tolerance(0.01).run(&mut operator).unwrap();
            assert!(found.values.iter().enumerate().all(|(i, v)| *v == (i % 7) as f64));
            assert_eq!((found.relative_error(), found.products), (0.0, if n < 28 { n } else { 28 }));
        }
    }

    #[test]
    fn tiny_and_huge_operators_are_as_any() {
        let (spectrum, _) = hard();
        let found = |factor: f64| {
            let mut plain = operator(&spectrum);
            let mut scaled = FnOperator::new(128, |v: &[f64], out: &mut [f64]| {
                plain.apply(v, out)?;
                for out in out {
                    *out *= factor;
                }
                Ok(())
            });
            DiagonalEstimator::new().tolerance(0.3).max_products(100).run(&mut scaled).unwrap()
        };
        let plain = found(1.0);
        for factor in [1e-200_f64, 1e-170, 1e170, 1e300] {
            let found = found(factor);
            assert_eq!((found.products, found.end), (plain.products, plain.end));
            assert!((found.relative_error() / plain.relative_error() - 1.0).abs() < 1e-10);
            for (found, plain) in
                [(&found.values, &plain.values), (&found.standard_errors, &plain.standard_errors)]
            {
                assert!(found.iter().zip(plain).all(|(f, p)| (f / factor - p).abs() < 1e-12), "{factor}");
            }
        }
    }

    #[test]
    fn few_equal_probes_are_not_certain() {
        let mut pair = FnOperator::new(100, |v: &[f64], out: &mut [f64]| {
            out.copy_from_slice(v);
            (out[0], out[1]) = (v[0] + 5.0 * v[1], v[1] + 5.0 * v[0]);
            Ok(())
        });
        for seed in 0..20 {
            let run = DiagonalEstimator::new().max_products(2).tolerance(0.1).seed(seed);
            let found = run.run(&mut pair).unwrap();
            assert_eq!((found.end, found.relative_error()), (EstimateEnd::ProductLimit, f64::INFINITY));
            assert!(found.standard_errors[9] == f64::INFINITY && found.standard_errors[0] > 0.0);
            assert_eq!(found.interval(9, 0.9), Some([f64::NEG_INFINITY, f64::INFINITY]));
        }
    }

    #[test]
    fn a_tolerance_plans_the_probes() {
        let (spectrum, _) = hard();
        let run = |tolerance: f64| {
            DiagonalEstimator::new()
                .tolerance(tolerance)
                .max_products(127)
                .run(&mut operator(&spectrum))
                .unwrap()
        };
        let [rough, fine, finest] = [1.0, 0.3, 0.01].map(run);
        assert!(
            rough.products < fine.products && fine.products < 127,
            "{} {}",
            rough.products,
            fine.products
        );
        assert!(rough.relative_error() < 1.1 && fine.relative_error() < 0.33);
        assert_eq!((finest.end, finest.products), (EstimateEnd::ProductLimit, 127));
        assert_eq!(fine, run(0.3));
        let little = DiagonalEstimator::new().tolerance(0.3).max_products(127).memory_limit(4 * 8 * 128);
        assert_eq!((little.memory::<f64>(128), little.run(&mut operator(&spectrum)).unwrap()), (4096, fine));
    }

    #[test]
    fn what_cannot_be_done_is_refused_by_name() {
        let (spectrum, _) = hard();
        let message = |run: DiagonalEstimator| run.run(&mut operator(&spectrum)).unwrap_err().to_string();
        for tolerance in [0.0, f64::NAN, f64::INFINITY] {
            assert!(
                message(DiagonalEstimator::new().tolerance(tolerance)).contains("tolerance of the diagonal")
            );
        }
        assert!(message(DiagonalEstimator::new().max_products(1)).contains("the most products"));
        assert!(message(DiagonalEstimator::new().memory_limit(4095)).contains("4096 bytes"));
        let nan = |_: &[f64], _: &mut [f64]| Ok(());
        let found = DiagonalEstimator::new().run(&mut FnOperator::new(200, nan));
        assert!(matches!(found, Err(Error::NonFiniteProduct { product: 0, index: 0, .. })));
        let all = DiagonalEstimator::new().memory_limit(u64::MAX);
        let found = all.run(&mut FnOperator::new(usize::MAX, nan));
        assert!(matches!(found, Err(Error::MemoryLimit { bytes: u64::MAX, .. })), "{found:?}");
        let found = DiagonalEstimator::new().run(&mut FnOperator::new(0, nan));
        assert!(matches!(found, Err(Error::EmptyOperator)));
    }
}
