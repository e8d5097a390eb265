//! Curvature: the spectrum of the Hessian, at a point and over a line or plane.

mod basis;
mod bounds;
mod lanczos;
mod operator;
mod solver;
mod tridiagonal;

pub use lanczos::{Extremes, Lanczos, LanczosEnd, eigen_extremes};
pub use operator::{FnOperator, HessianOperator, SymmetricOperator};
