//! A network to start with: a multilayer perceptron, its data and its training (feature `nets`).
//!
//! [`Mlp`] is a [`Model`](crate::Model) with loss, accuracy, exact gradient and exact
//! Hessian-vector product over [`Samples`]; [`Sgd`] and [`Adam`] train it; [`digits`] is real data to try it on.
//! Nothing else of the crate knows of this module: it uses the same traits that your own network
//! would implement.

mod augment;
mod cifar;
mod curvature;
mod digits;
mod gemm;
mod head;
mod idx;
mod images;
mod kernels;
mod layers;
mod mlp;
mod network;
mod pass;
mod prepared;
mod samples;
mod simd;
mod train;

pub use augment::Augment;
pub use cifar::{cifar10, cifar10_files};
pub use digits::{digits, labelled_images};
pub use idx::{Idx, parse_idx};
pub use kernels::NetScalar;
pub use mlp::{Activation, Criterion, Mlp};
pub use network::{Architecture, Chain, Conv, Network, Piece, Pool, Reestimated, Skips};
pub use samples::Samples;
pub use train::{
    Adam, Epoch, EpochProgress, Sgd, Snapshot, StepProgress, Trainable, TrainingEnd, TrainingObserver,
    TrainingReport,
};

use head::{Sums, Wanted};
