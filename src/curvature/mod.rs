//! Curvature: the spectrum of the Hessian, at a point and over a line or plane.

mod basis;
mod bounds;
mod density;
mod diagonal;
mod lanczos;
mod operator;
mod probes;
mod quadrature;
mod sample;
mod sketch;
mod solver;
mod trace;
mod tridiagonal;

pub use density::{DensityCurve, DensityEstimate, SpectralDensity};
pub use diagonal::{DiagonalEnd, DiagonalEstimate, DiagonalEstimator};
pub use lanczos::{Extremes, Lanczos, LanczosEnd, eigen_extremes};
pub use operator::{FnOperator, HessianOperator, SymmetricOperator};
pub use probes::Probe;
pub use quadrature::Quadrature;
pub use trace::{TraceEnd, TraceEstimate, TraceEstimator, TraceMethod};
