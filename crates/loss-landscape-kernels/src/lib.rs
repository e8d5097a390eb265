//! The arithmetic of [loss-landscape-nets](https://docs.rs/loss-landscape-nets): convolutions, channel sums,
//! element-wise loops, matrix products.
//!
//! **Internal**: nothing here is promised to stay between releases. It is a crate of its own so that it is compiled
//! once. Each kernel is compiled for both scalars and for each instruction set that pulp knows, which takes most of
//! the time that the networks take to build; what is generic in a library is compiled again wherever it is used, in
//! every test program too.
//!
//! A kernel is a struct of its arguments with a method `run`. That method goes through a table of pointers to
//! functions, which this crate fills for `f32` and for `f64`. Tensors have samples as their innermost axis
//! ([`TensorShape`]), matrices are [units, samples].
//!
//! Lengths must fit each other as the fields' documentation says; kernels panic where they do not.

mod aligned_buffer;
mod centred_sums;
mod channel_sums;
mod compiled;
mod conv3x3;
mod conv_general;
mod conv_geometry;
mod conv_input;
mod conv_kernel;
mod dense;
mod dispatch;
mod elementwise;
mod epilogue;
mod filter_bank;
mod filter_gradients;
mod gemm;
mod gradients_by_channel;
mod gradients_by_sample;
mod instruction_set;
mod interleave;
mod kernel_scalar;
mod lanes;
mod pooling;
mod set_norm;
mod smooth;
mod softmax;
mod tanh;
mod tensor_shape;
mod winograd;
mod winograd_filters;

pub use aligned_buffer::{AlignedBuffer, zeros};
pub use centred_sums::{CentredSums, SquaredDeviations};
pub use channel_sums::{ChannelSums, DotPlanes, ScaledTensor, SumPlanes};
pub use conv_general::{ConvPass, GeneralConv, MAX_SIDE};
pub use conv_geometry::ConvGeometry;
pub use conv_input::ConvInput;
pub use conv_kernel::ConvKernel;
pub use conv3x3::Conv3x3;
pub use dense::{
    AddBiasAndActivate, AddRowSums, CombineBasis, DeltaThroughActivation, Nonlinearity,
    TangentDeltaThroughActivation, TangentThroughActivation,
};
pub use epilogue::Epilogue;
pub use filter_bank::FilterBank;
pub use filter_gradients::FilterGradients;
pub use gemm::{Matrix, Store, product, strided_product};
pub use instruction_set::InstructionSet;
pub use interleave::{load, squeeze, stretch};
pub use kernel_scalar::KernelScalar;
pub use lanes::LANES;
pub use pooling::{
    AddAtLargest, ImageMeans, PoolWindows, SpreadOverImage, SpreadOverWindows, TakeAtLargest, WindowMeans,
};
pub use set_norm::{
    DeltaThroughSets, GradientOfSets, NormSets, NormaliseSets, TangentDeltaThroughSets, TangentOfSets,
};
pub use smooth::{Smooth, SmoothCurvature, SmoothValues, TimesSmoothSlope};
pub use softmax::{LargestOutputs, Softmax, SoftmaxBend, SoftmaxTangent};
pub use tanh::{TanhCurvature, TanhValues, TimesTanhSlope};
pub use tensor_shape::TensorShape;
pub use winograd::Winograd3x3;
