//! The multilayer perceptron: linear layers, prepared for planes, exact to the Hessian-vector product.

mod dense_hessian;
mod dense_pass;
mod dense_plane;
mod perceptron;
mod perceptron_evaluation;
mod single_samples;

pub use perceptron::Mlp;

pub(crate) use dense_hessian::MlpHessian;
pub(crate) use dense_plane::prepare;
pub(crate) use perceptron_evaluation::{gradient, learner, measure, outputs};
pub(crate) use single_samples::{sample_losses, sample_worker};
