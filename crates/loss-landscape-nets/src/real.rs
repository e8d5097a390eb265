//! The scalars of this crate's generic code.

use loss_landscape::Scalar;
use loss_landscape_kernels::KernelScalar;

/// A scalar of parameters that has kernels: `f32` and `f64`.
pub trait Real: Scalar + KernelScalar {}

impl<S: Scalar + KernelScalar> Real for S {}
