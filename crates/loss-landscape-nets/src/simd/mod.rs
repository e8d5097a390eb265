//! Kernels over tensors whose innermost axis is samples: convolutions and what goes with them.

mod aligned_buffer;
mod channel_sums;
mod conv3x3;
mod conv_general;
mod conv_input;
mod dispatch;
mod elementwise;
mod epilogue;
mod filter_bank;
mod filter_gradients;
mod lanes;
mod real;
mod tensor_shape;

pub(crate) use aligned_buffer::{AlignedBuffer, zeros};
pub(crate) use channel_sums::{ChannelSums, DotPlanes, ScaledTensor, SumPlanes};
pub(crate) use conv_general::{ConvPass, GeneralConv, MAX_SIDE};
pub(crate) use conv_input::ConvInput;
pub(crate) use conv3x3::Conv3x3;
pub(crate) use dispatch::dispatch;
#[cfg(test)]
pub(crate) use dispatch::forced;
pub(crate) use elementwise::{Elementwise, run};
pub(crate) use epilogue::Epilogue;
pub(crate) use filter_bank::FilterBank;
pub(crate) use filter_gradients::FilterGradients;
pub(crate) use lanes::{LANES, sum_lanes};
pub(crate) use real::Real;
pub(crate) use tensor_shape::TensorShape;

#[cfg(test)]
mod tests;
