//! Curvature: the spectrum of the Hessian, at a point and over a line or plane.
//!
//! | question | answer | products of the Hessian with a vector |
//! | --- | --- | --- |
//! | λ_min, λ_max and their ratio, with bounds | [`Lanczos::run`], [`eigen_extremes`] | 17 to 28 for a ratio to 0.005 |
//! | the ratio over a line or plane | [`Sweep::eigen_ratio`](crate::Sweep::eigen_ratio) | about 16 a point of small networks |
//! | the outermost eigenvalues and eigenvectors | [`Lanczos::pairs`] | as many as the residuals take |
//! | the curvature along random directions, with an interval | [`directional_curvatures`] | 1 a direction |
//! | the curvature that a plane hides | [`SliceCurvature`] | 34 and a Lanczos run |
//! | the trace | [`TraceEstimator`] | 100, or as many as a tolerance takes |
//! | the diagonal | [`DiagonalEstimator`] | 100, or as many as a tolerance takes |
//! | why λ_min is negative: the Gauss–Newton part of the Hessian and the rest | [`GaussNewtonSplit`] | about 380 |
//! | how much the loss rises around θ | [`Sharpness`] | a Lanczos run and a trace, beside losses and gradients |
//! | the plane of the steepest directions | [`HessianDirections`] | as many as the residuals take |
//! | the plane of the gradient | [`GradientDirections`] | none, or as many as an eigenvector takes |
//! | how many eigenvalues are where | [`SpectralDensity`] | 512 |
//!
//! Lanczos runs, traces, diagonals and densities work on any [`SymmetricOperator`]; [`HessianOperator`] is the Hessian of
//! a model at one θ, [`GaussNewtonOperator`] a part of it. A product costs about as much as two gradients. With
//! [`on_threads`], traces, diagonals and densities use several threads for a model whose products use one.

mod along_draws;
mod chosen_parameters;
mod estimate;
mod gauss_newton;
mod gradient_at;
mod gradient_directions;
mod hessian_directions;
mod lanczos;
mod map;
mod on_threads;
mod operator;
mod sharpness;
mod slice_curvature;

pub use along_draws::directional_curvatures;
pub use estimate::{
    DensityCurve, DensityEstimate, DiagonalEstimate, DiagonalEstimator, EstimateEnd, Probe, Quadrature,
    SpectralDensity, TraceEstimate, TraceEstimator, TraceMethod,
};
pub use gauss_newton::{GaussNewtonOperator, GaussNewtonReport, GaussNewtonSplit};
pub use gradient_directions::GradientDirections;
pub use hessian_directions::{HessianDirections, SpectrumEnds};
pub use lanczos::{EigenPairs, Extremes, Lanczos, LanczosEnd, eigen_extremes};
pub use map::{Audit, EigenRatio, RatioCost, RatioMap, RatioState, eigen_ratio_1d, eigen_ratio_2d};
pub use on_threads::{OperatorThreads, on_threads};
pub use operator::{FnOperator, HessianOperator, SymmetricOperator};
pub use sharpness::{AverageSharpness, Sharpness, SharpnessReport, SharpnessScale, WorstSharpness};
pub use slice_curvature::{SliceCurvature, SliceReport};

pub use crate::model::HessianPart;
