//! Networks with exact derivatives, their data and their training (feature `nets`).
//!
//! **Networks.** [`Network`] is a convolutional network of an [`Architecture`]: one of the paper's
//! ([`Architecture::resnet`], [`wide_resnet`](Architecture::wide_resnet), [`vgg9`](Architecture::vgg9),
//! [`densenet121`](Architecture::densenet121)) or your own [`Chain`] of the same [`Piece`]s. [`Mlp`] is a
//! multilayer perceptron. Both are a [`Model`](loss_landscape::Model) with loss, accuracy, exact gradient and exact
//! Hessian-vector product, in `f32` and `f64`. [`Reestimated`] takes the statistics of batch normalisations
//! anew at every point.
//!
//! **Data.** [`Samples`] are inputs with labels or target values. [`digits`] are part of the crate;
//! [`cifar10_files`] and [`labelled_images`] read files; [`Augment`] crops and flips.
//!
//! **Training.** [`Sgd`] and [`Adam`] step as PyTorch's do; a [`TrainingObserver`] watches.
//!
//! Nothing else of the crate knows of this module: it uses the same traits that your own network
//! would implement.

mod augment;
mod cifar;
mod digits;
mod error;
mod gemm;
mod head;
mod idx;
mod images;
mod kernels;
mod layers;
mod mlp;
mod network;
mod samples;
mod simd;
mod train;

pub use augment::Augment;
pub use cifar::{cifar10, cifar10_files};
pub use digits::{digits, labelled_images};
pub use error::{Error, Result};
pub use head::Criterion;
pub use idx::{Idx, parse_idx};
pub use kernels::NetScalar;
pub use mlp::{Activation, Mlp};
pub use network::{Architecture, Chain, Conv, Network, Piece, Pool, Reestimated, Skips};
pub use samples::Samples;
pub use train::{
    Adam, Epoch, EpochProgress, Sgd, Snapshot, StepProgress, Trainable, TrainingEnd, TrainingObserver,
    TrainingReport,
};

use head::{Sums, Wanted};
