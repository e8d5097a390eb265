//! A sketch of an operator's range, on which Hutch++ computes the trace exactly.
//!
//! The products with Gaussian vectors span nearly the space of the eigenvectors with the largest |λ|. With a tolerance,
//! the sketch ends as soon as a block of columns saves fewer probes than it costs products[^1]. That decision depends
//! on the sketch alone, so that the mean over the probes outside it has no bias.
//!
//! [^1]: D. Persson, A. Cortinovis, D. Kressner, *Improved variants of the Hutch++ algorithm for trace
//! estimation*, SIAM J. Matrix Anal. Appl. 43 (2022), section 3.

use super::probes::{ALLOWANCE, Probe, Products};
use crate::{
    Result, Scalar,
    curvature::{
        lanczos::{Basis, dot, unit_of},
        operator::SymmetricOperator,
    },
};

/// The number of columns of a block, after which the savings are computed.
const BLOCK: usize = 8;
/// The streams of the sketch.
const STREAM: u64 = 2 << 40;

/// The orthonormal matrix Q, and the trace on its columns.
pub(super) struct Sketch<S> {
    pub(super) basis: Basis<S>,
    /// tr QᵀAQ.
    pub(super) trace: f64,
    /// Whether a column was in the span of those before, which happens when Q spans the whole range.
    pub(super) whole: bool,
}

/// Makes products orthogonal to a basis, and adds them to it.
struct Columns<S> {
    y: Vec<S>,
    unit: f64,
    longest: f64,
    c: Vec<f64>,
    again: Vec<f64>,
}

impl<S: Scalar> Sketch<S> {
    /// A sketch of up to `columns` columns, two products each.
    pub(super) fn new<A: SymmetricOperator<Scalar = S> + ?Sized>(
        products: &mut Products<'_, A>,
        columns: usize,
        seed: u64,
        tolerance: Option<f64>,
    ) -> Result<Self> {
        let n = products.dimension();
        let mut sketch = Self { basis: Basis::new(n), trace: 0.0, whole: false };
        if columns == 0 {
            return Ok(sketch);
        }
        let none = Vec::new;
        let mut room = Columns { y: vec![S::zero(); n], unit: 0.0, longest: 0.0, c: none(), again: none() };
        let (mut drawn, mut rough) = (0, 0.0);
        while drawn < columns && !sketch.whole {
            let (before, block) = (sketch.basis.len(), drawn..columns.min(drawn + BLOCK));
            let draw = |j: usize, v: &mut [S]| Probe::Gaussian.draw(seed, STREAM + j as u64, v);
            products.each(block.clone(), draw, |_, omega, product| {
                rough += dot(omega, product);
                sketch.whole |= !room.add(product, &mut sketch.basis);
            })?;
            drawn = block.end;
            let (basis, c) = (&sketch.basis, &mut room.c);
            let mut saved = 0.0;
            c.resize(basis.len(), 0.0);
            let column = |j: usize, v: &mut [S]| v.copy_from_slice(basis.get(j));
            products.each(before..basis.len(), column, |_, q, product| {
                sketch.trace += dot(q, product);
                if tolerance.is_some() {
                    // By how much this column reduces ‖(I − QQᵀ)A(I − QQᵀ)‖² = ‖A‖² − 2·‖AQ‖² + ‖QᵀAQ‖².
                    basis.project(product, c);
                    let squares = |c: &[f64]| c.iter().map(|c| c * c).sum::<f64>();
                    saved +=
                        2.0 * dot(product, product) - 2.0 * squares(&c[..before]) - squares(&c[before..]);
                }
            })?;
            // The variance of a probe is twice that norm, and a column costs two products.
            let error = tolerance.map(|tolerance| tolerance * rough / drawn as f64);
            if error.is_some_and(|error| ALLOWANCE * saved < block.len() as f64 * error.powi(2)) {
                break;
            }
        }
        Ok(sketch)
    }
}

impl<S: Scalar> Columns<S> {
    /// False for a product that is already in the span.
    fn add(&mut self, product: &[S], basis: &mut Basis<S>) -> bool {
        if self.unit == 0.0 {
            self.unit = unit_of(product);
        }
        for (y, product) in self.y.iter_mut().zip(product) {
            *y = S::from_f64(product.as_f64() / self.unit);
        }
        self.longest = self.longest.max(dot(&self.y, &self.y).sqrt());
        self.c.resize(basis.len(), 0.0);
        self.again.resize(basis.len(), 0.0);
        basis.project(&self.y, &mut self.c);
        basis.subtract(&mut self.y, &self.c, &mut self.again);
        self.c.copy_from_slice(&self.again);
        let left = basis.subtract(&mut self.y, &self.c, &mut self.again).sqrt();
        let new = left > 64.0 * S::EPSILON * self.longest;
        if new {
            basis.push(&self.y, left.recip());
        }
        new
    }
}

#[cfg(test)]
mod tests {
    use super::{super::probes::tests::hadamard, *};
    use crate::curvature::{EstimateEnd, TraceEstimator, TraceMethod};

    fn sketch(spectrum: &[f64], columns: usize, tolerance: Option<f64>) -> (Sketch<f64>, usize) {
        let mut operator = hadamard::<f64>(spectrum);
        let mut products = Products::new(&mut operator, spectrum.len(), 3);
        let sketch = Sketch::new(&mut products, columns, 1, tolerance).unwrap();
        (sketch, products.count)
    }

    #[test]
    fn the_basis_is_orthonormal_and_its_trace_is_the_operators_on_it() {
        let spectrum: Vec<f64> = (0..64).map(|i| f64::from(i - 20).powi(3)).collect();
        for factor in [1.0, 1e-180, 1e180] {
            let scaled: Vec<f64> = spectrum.iter().map(|l| factor * l).collect();
            let (found, products) = sketch(&scaled, 11, None);
            assert_eq!((found.basis.len(), products, found.whole), (11, 22, false));
            let mut trace = 0.0;
            for i in 0..11 {
                let mut product = vec![0.0; 64];
                hadamard::<f64>(&spectrum).apply(found.basis.get(i), &mut product).unwrap();
                trace += dot(found.basis.get(i), &product);
                for j in 0..11 {
                    let expected = f64::from(u8::from(i == j));
                    assert!((dot(found.basis.get(i), found.basis.get(j)) - expected).abs() < 1e-13);
                }
            }
            assert!((found.trace / factor / trace - 1.0).abs() < 1e-12, "{factor}");
        }
    }

    #[test]
    fn a_block_that_saves_too_little_is_the_last() {
        let spectrum: Vec<f64> = (0..256).map(|i| if i < 5 { 20.0 } else { 0.1 }).collect();
        let columns = |tolerance: f64| sketch(&spectrum, 80, Some(tolerance)).0.basis.len();
        assert_eq!([0.5, 0.05, 1e-4].map(columns), [8, 16, 80]);
        assert_eq!(sketch(&spectrum, 0, Some(0.1)).1, 0);
    }

    #[test]
    fn the_whole_range_shows() {
        for rank in 0..20 {
            let spectrum: Vec<f64> =
                (0..64).map(|i| if i % 3 == 0 && i < 3 * rank { -1.0 } else { 0.0 }).collect();
            let (found, _) = sketch(&spectrum, 20, None);
            assert_eq!((found.basis.len(), found.whole), (rank as usize, true));
            assert!((found.trace + f64::from(rank)).abs() < 1e-12);
        }
    }

    #[test]
    fn a_sketch_pays_where_the_spectrum_decays() {
        let spectrum: Vec<f64> = (0..256).map(|i| f64::from(i + 1).powf(-1.5)).collect();
        let trace: f64 = spectrum.iter().sum();
        let [plain, sketched] = [TraceMethod::Hutchinson, TraceMethod::HutchPlusPlus].map(|method| {
            let error = |seed| {
                let found = TraceEstimator::new()
                    .method(method)
                    .max_products(60)
                    .seed(seed)
                    .run(&mut hadamard::<f64>(&spectrum))
                    .unwrap();
                assert_eq!((found.products, found.end), (60, EstimateEnd::ProductLimit));
                (found.value / trace - 1.0).powi(2)
            };
            ((0..100).map(error).sum::<f64>() / 100.0).sqrt()
        });
        assert!(plain > 8.0 * sketched, "{plain} against {sketched}");
    }

    #[test]
    fn a_sketch_of_the_whole_range_is_exact() {
        let low = |rank: usize| -> Vec<f64> {
            (0..256).map(|i| if i % 37 < 3 && i / 37 < rank { i as f64 - 100.0 } else { 0.0 }).collect()
        };
        for rank in 0..4 {
            let spectrum = low(rank);
            let (trace, dimension) =
                (spectrum.iter().sum::<f64>(), spectrum.iter().filter(|l| **l != 0.0).count());
            for tolerance in [None, Some(0.01)] {
                let run = TraceEstimator::new().max_products(60);
                let run = if let Some(tolerance) = tolerance { run.tolerance(tolerance) } else { run };
                let found = run.run(&mut hadamard::<f64>(&spectrum)).unwrap();
                assert_eq!((found.end, found.sketch), (EstimateEnd::LowRank, dimension), "{found:?}");
                assert!((found.value - trace).abs() < 1e-10 && found.standard_error < 1e-10, "{found:?}");
            }
        }
    }
}
