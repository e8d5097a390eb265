//! What users call. Each method that computes is a call through [`net_scalar::NetScalar`] of a function that was
//! compiled in this crate.

pub(crate) mod compiled;
mod data_files;
mod making_samples;
mod mlp;
pub(crate) mod net_scalar;
mod network;
mod reestimated_network;
mod trainable;
mod training;
mod training_mode;
mod transformer;

pub use data_files::{
    cifar10_from_bytes, digits, labelled_images_from_bytes, read_cifar10, read_labelled_images,
};
pub use net_scalar::NetScalar;
pub use trainable::Trainable;
pub use training::{Adam, Sgd, Training};
pub use training_mode::TrainingMode;
