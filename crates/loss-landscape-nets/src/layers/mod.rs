//! The layers: each knows its values, its derivatives, and the directional derivatives of both.
//!
//! With R{·} the derivative along a direction of parameters (Pearlmutter's R-operator), a layer
//! computes its value and its R, and sends back the derivative of the loss δ and its R.

mod batch_norm;
mod batch_statistics;
mod channel_affine;
mod convolution;
mod custom_layer;
mod custom_pass;
mod differences;
mod flatten;
mod joins;
mod layer;
mod linear_map;
mod pooling;
mod set_norm;
mod smooth_activations;
mod standalone_activations;
mod tensors;
mod transpose;

pub(crate) use batch_norm::BatchNorm;
pub(crate) use batch_statistics::BatchStatistics;
pub(crate) use channel_affine::ChannelAffine;
pub(crate) use convolution::{Convolution, PARTS};
pub use custom_layer::{CustomLayer, LayerDirection, LayerPoint};
pub(crate) use custom_pass::CustomPass;
pub(crate) use flatten::Flatten;
pub(crate) use joins::{Add, Concat};
pub(crate) use layer::{Layer, LayerContext, Weights};
pub(crate) use linear_map::{LinearMap, Mapped};
pub(crate) use pooling::{AveragePool, GlobalMean, MaxPool};
pub(crate) use set_norm::SetNorm;
pub(crate) use smooth_activations::SmoothActivation;
pub(crate) use standalone_activations::{Rectify, Tanh};
pub(crate) use tensors::{INPUT, TensorSlot, Tensors};
pub(crate) use transpose::Transpose;
