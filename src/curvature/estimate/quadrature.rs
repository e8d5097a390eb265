//! The Gauss quadrature of a Lanczos run.
//!
//! For a start v of length 1, the nodes are the Ritz values, and the weights are the squares of the first components of
//! the eigenvectors of the tridiagonal matrix. With m steps the quadrature integrates every polynomial of degree up to
//! 2m − 1 exactly: Σ wᵢ·p(θᵢ) = vᵀp(A)v[^1].
//!
//! [^1]: G. Golub, J. Welsch, *Calculation of Gauss quadrature rules*, Math. Comp. 23 (1969).

use super::sample::Sample;
use crate::{Error, Result, Scalar, curvature::lanczos::LanczosProcess, symmetric::eigen};

/// The nodes of one Lanczos run, ascending, with their weights: Σ wᵢ·f(θᵢ) estimates the mean of f over all
/// eigenvalues.
///
/// ```
/// use loss_landscape::curvature::{FnOperator, SpectralDensity};
///
/// // Two outliers over a bulk in [−1, 1].
/// let spectrum: Vec<f64> =
///     (0..1000).map(|i| match i { 0 => 20.0, 1 => 10.0, i => (i as f64).sin() }).collect();
/// let mut operator = FnOperator::new(1000, |v: &[f64], out: &mut [f64]| {
///     out.iter_mut().zip(&spectrum).zip(v).for_each(|((out, l), v)| *out = l * v);
///     Ok(())
/// });
/// let found = SpectralDensity::new().probes(1).steps(40).run(&mut operator)?;
/// let run = &found.quadratures[0];
/// // The outliers have converged; nodes inside the bulk stand for many eigenvalues.
/// let sharp = run.nodes.iter().zip(&run.residuals).filter(|(_, residual)| **residual < 1e-6);
/// let sharp: Vec<f64> = sharp.map(|(node, _)| *node).filter(|node| *node > 2.0).collect();
/// assert!((sharp[0] - 10.0).abs() < 1e-6 && (sharp[1] - 20.0).abs() < 1e-6);
/// assert!((run.weights.iter().sum::<f64>() - 1.0).abs() < 1e-12);
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Quadrature {
    /// The Ritz values, which are never outside the spectrum.
    pub nodes: Vec<f64>,
    /// The weight of each node; their sum is 1 to rounding.
    pub weights: Vec<f64>,
    /// For each node, a distance within which there is an eigenvalue: nearly 0 for outliers after a few steps.
    pub residuals: Vec<f64>,
    /// Whether the run reached an invariant space. Then the nodes are all the eigenvalues, each of them once, and the
    /// weights are the start's shares of them.
    pub invariant: bool,
}

/// The nodes and weights of a run; `products` is the number of products so far, for the error.
pub(super) fn quadrature<S: Scalar>(
    process: &LanczosProcess<S>,
    invariant: bool,
    products: usize,
) -> Result<Quadrature> {
    let (alpha, beta, unit) = process.recurrence();
    let (mut nodes, mut beta) = (alpha.to_vec(), beta.to_vec());
    let mut first = vec![0.0; nodes.len()];
    first[0] = 1.0;
    if !eigen(&mut nodes, &mut beta, &mut first) {
        // The products are finite, but their squares overflow, so that they count as infinite.
        return Err(Error::NonFiniteProduct { product: products - 1, index: 0, value: f64::INFINITY });
    }
    for node in &mut nodes {
        *node *= unit;
    }
    let residuals = (0..nodes.len()).map(|index| process.residual(index)).collect();
    Ok(Quadrature { nodes, weights: first.iter().map(|z| z * z).collect(), residuals, invariant })
}

/// The integrals of f by the quadratures of all probes, as a sample.
pub(super) fn over_probes(quadratures: &[Quadrature], f: impl Fn(f64) -> f64) -> Sample {
    let integral = |q: &Quadrature| q.nodes.iter().zip(&q.weights).map(|(&node, w)| w * f(node)).sum::<f64>();
    Sample::of(&quadratures.iter().map(integral).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use crate::curvature::{FnOperator, Probe, SpectralDensity};

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
