//! The quadrature that a Lanczos run is.
//!
//! From a start v of length 1 the Ritz values are the nodes, the squares of the first components of the
//! eigenvectors of the tridiagonal matrix the weights. With m steps it integrates every polynomial of degree
//! 2m − 1 exactly: Σ wᵢ·p(θᵢ) = vᵀp(A)v[^1].
//!
//! [^1]: G. Golub, J. Welsch, *Calculation of Gauss quadrature rules*, Math. Comp. 23 (1969).

use super::{sample::Sample, solver::Solver, tridiagonal};
use crate::{Error, Result, Scalar};

/// The nodes of one run, ascending, and their weights.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Quadrature {
    /// Ritz values: never outside the spectrum.
    pub nodes: Vec<f64>,
    /// The weight of each node; 1 together, to rounding.
    pub weights: Vec<f64>,
    /// There is an eigenvalue within this distance of each node: nearly 0 for outliers after few steps.
    pub residuals: Vec<f64>,
    /// Whether the run ended in an invariant space before its steps or with them: its nodes are then
    /// eigenvalues, each that there is once, and the weights the start's shares of them.
    pub invariant: bool,
}

/// The nodes and weights of a run; `products` is the number so far, for an error.
pub(super) fn quadrature<S: Scalar>(
    solver: &Solver<S>,
    invariant: bool,
    products: usize,
) -> Result<Quadrature> {
    let (alpha, beta, unit) = solver.recurrence();
    let (mut nodes, mut beta) = (alpha.to_vec(), beta.to_vec());
    let mut first = vec![0.0; nodes.len()];
    first[0] = 1.0;
    if !tridiagonal::eigen(&mut nodes, &mut beta, &mut first) {
        // Finite products whose squares are not: as good as infinite.
        return Err(Error::NonFiniteProduct { product: products - 1, index: 0, value: f64::INFINITY });
    }
    for node in &mut nodes {
        *node *= unit;
    }
    let residuals = (0..nodes.len()).map(|index| solver.residual(index)).collect();
    Ok(Quadrature { nodes, weights: first.iter().map(|z| z * z).collect(), residuals, invariant })
}

/// What the probes say of ∫ f.
pub(super) fn over_probes(quadratures: &[Quadrature], f: impl Fn(f64) -> f64) -> Sample {
    let integral = |q: &Quadrature| q.nodes.iter().zip(&q.weights).map(|(&node, w)| w * f(node)).sum::<f64>();
    Sample::of(&quadratures.iter().map(integral).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use crate::curvature::{FnOperator, SpectralDensity, probes::Probe};

    /// vᵀAʲv of each start, and, with all steps, every eigenvalue once.
    #[test]
    fn each_probe_is_exact_for_its_own_start() {
        let spectrum: Vec<f64> = (0..20).map(|i| f64::from(i * i) - 50.0).collect();
        let mut operator = FnOperator::new(20, |v: &[f64], out: &mut [f64]| {
            out.iter_mut().zip(&spectrum).zip(v).for_each(|((out, l), v)| *out = l * v);
            Ok(())
        });
        for steps in [3, 19, 20, 64] {
            let run = SpectralDensity::new().probes(2).steps(steps).seed(5);
            let found = run.run(&mut operator).unwrap();
            for (stream, quadrature) in (0..).zip(&found.quadratures) {
                let mut v = [0.0_f64; 20];
                Probe::Gaussian.draw(5, stream, &mut v);
                let square: f64 = v.iter().map(|v| v * v).sum();
                for power in 0..5 {
                    let exact: f64 =
                        spectrum.iter().zip(v).map(|(l, v)| l.powi(power) * v * v / square).sum();
                    let nodes = quadrature.nodes.iter().zip(&quadrature.weights);
                    let moment: f64 = nodes.map(|(node, weight)| weight * node.powi(power)).sum();
                    assert!((moment - exact).abs() < 1e-12 * 311.0_f64.powi(power), "{steps} {power}");
                }
                assert_eq!(quadrature.invariant, steps >= 20);
                if steps >= 20 {
                    assert!(quadrature.nodes.iter().zip(&spectrum).all(|(a, b)| (a - b).abs() < 1e-10));
                }
            }
        }
    }
}
