//! The multilayer perceptron: linear layers, prepared for planes, exact to the Hessian-vector product.

mod curvature;
mod model;
mod pass;
mod prepared;

pub use model::{Activation, Mlp};
