//! Curvature: the spectrum of the Hessian, at a point and over a line or plane.
//!
//! | question | answer | products of the Hessian with a vector |
//! | --- | --- | --- |
//! | λ_min, λ_max and their ratio, with bounds | [`Lanczos::run`], [`eigen_extremes`] | 17 to 28 for a ratio to 0.005 |
//! | the ratio over a line or plane | [`Sweep::eigen_ratio`](crate::Sweep::eigen_ratio) | about 16 a point of small networks |
//! | the outermost eigenvalues and eigenvectors | [`Lanczos::pairs`] | as many as the residuals take |
//! | the curvature that a plane hides | [`SliceCurvature`] | 34 and a Lanczos run |
//! | the trace | [`TraceEstimator`] | 100, or as many as a tolerance takes |
//! | the diagonal | [`DiagonalEstimator`] | 100, or as many as a tolerance takes |
//! | how many eigenvalues are where | [`SpectralDensity`] | 512 |
//!
//! All of them work on any [`SymmetricOperator`]; [`HessianOperator`] is the Hessian of a model at one θ. A product
//! costs about as much as two gradients.

mod audit;
mod basis;
mod bounds;
mod density;
mod diagonal;
mod lanczos;
mod map;
mod operator;
mod order;
mod pairs;
mod point;
mod probes;
mod quadrature;
mod ratio;
mod refine;
mod sample;
mod sketch;
mod slice;
mod solver;
mod state;
mod store;
mod trace;
mod tridiagonal;

pub use audit::Audit;
pub use density::{DensityCurve, DensityEstimate, SpectralDensity};
pub use diagonal::{DiagonalEstimate, DiagonalEstimator};
pub use lanczos::{Extremes, Lanczos, LanczosEnd, eigen_extremes};
pub use map::{EigenRatio, RatioCost, eigen_ratio_1d, eigen_ratio_2d};
pub use operator::{FnOperator, HessianOperator, SymmetricOperator};
pub use pairs::EigenPairs;
pub use probes::{EstimateEnd, Probe};
pub use quadrature::Quadrature;
pub use ratio::RatioMap;
pub use slice::{SliceCurvature, SliceReport};
pub use state::RatioState;
pub use trace::{TraceEstimate, TraceEstimator, TraceMethod};
