//! The energy of a spectrum: the sum of the squares of all eigenvalues.

use super::{probes::Probe, sample::Sample};
use crate::{
    Error, Result, Scalar,
    curvature::operator::{SymmetricOperator, multiply},
};

/// The first stream of the probes; the starts of Lanczos runs have low streams.
const ENERGY_STREAM: u64 = 1 << 62;

/// Σλ² = ‖A‖_F² = E‖A·z‖² for z of independent signs, and its standard error.
pub(in crate::curvature) fn energy<A: SymmetricOperator + ?Sized>(
    operator: &mut A,
    seed: u64,
    probes: usize,
) -> Result<[f64; 2]> {
    let n = operator.dimension();
    let [mut z, mut product] = [(); 2].map(|()| vec![A::Scalar::from_f64(0.0); n]);
    let mut squares = Vec::new();
    for probe in 0..probes {
        Probe::Rademacher.draw(seed, ENERGY_STREAM + probe as u64, &mut z);
        multiply(operator, probe, &z, &mut product)?;
        squares.push(crate::params::norm(&product).powi(2));
    }
    let sample = Sample::of(&squares).of_probes();
    Ok([sample.mean, sample.standard_error()])
}

/// Refuses fewer probes than a spread needs.
pub(in crate::curvature) fn ensure_probes(probes: usize) -> Result<()> {
    if probes < 2 {
        let (setting, needs) = ("the number of probes", "2 or more");
        return Err(Error::Setting { setting, needs, value: probes as f64 });
    }
    Ok(())
}
