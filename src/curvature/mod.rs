//! Curvature: the spectrum of the Hessian, at a point and over a line or plane.

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
mod sample;
mod sketch;
mod slice;
mod solver;
mod store;
mod trace;
mod tridiagonal;

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
pub use trace::{TraceEstimate, TraceEstimator, TraceMethod};
