//! placeholder
#![cfg_attr(docsrs, feature(doc_cfg))]

mod check;
mod closure;
mod differences;
mod direction;
mod error;
#[cfg(feature = "npz")]
mod io;
mod model;
#[cfg(feature = "nets")]
pub mod nets;
mod oracle;
mod params;
mod plane;
#[cfg(feature = "plot")]
pub mod plot;
#[cfg(feature = "progress")]
mod progress;
mod scalar;
mod sweep;

pub use check::{DerivativeCheck, GradientCheck, HessianCheck, check_gradient, check_hessian_product};
pub use closure::{FnModel, IntoLoss};
pub use direction::{
    BlockReport, Buffers, Conformance, Direction, DirectionSource, Directions, Norm, Normalization, Policy,
    RandomDirections,
};
pub use error::{BoxError, Error, Result};
pub use model::{Gradient, HessianProduct, Loss, Model};
pub use oracle::{Prepared, Worker, pointwise};
pub use params::{Block, Layout, Mask, Role};
pub use plane::{Plane, Point};
#[cfg(feature = "progress")]
pub use progress::ProgressBar;
pub use scalar::Scalar;
pub use sweep::{
    BadPoint, Curve, DirectionRecord, Grid2d, Interpolation, Line1d, Observer, OnBadPoint, PointFailure,
    Progress, Provenance, Surface, SweepReport, Termination, grid_2d, interpolate, line_1d,
};
