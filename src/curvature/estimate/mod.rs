//! Estimates from products with random probes: the trace, the diagonal, and the density of the spectrum.

mod density;
mod diagonal;
mod energy;
mod probes;
mod quadrature;
mod sample;
mod sketch;
mod trace;

pub use density::{DensityCurve, DensityEstimate, SpectralDensity};
pub use diagonal::{DiagonalEstimate, DiagonalEstimator};
pub use probes::{EstimateEnd, Probe};
pub use quadrature::Quadrature;
pub use trace::{TraceEstimate, TraceEstimator, TraceMethod};

pub(super) use energy::{energy, ensure_probes};
pub(super) use sample::Sample;
