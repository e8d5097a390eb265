//! Networks with exact derivatives for the crate [`loss_landscape`], their data and their training.
//!
//! The core of loss-landscape draws the landscape of any model that implements its traits. This crate has models:
//! the networks of the paper[^1] and any other of the same layers, exact to the Hessian-vector product, in `f32` and
//! `f64`. It is used where no other framework is at hand, where curvature is asked for, or to try things out.
//!
//! # From data to a surface
//!
//! ```
//! use loss_landscape::{RandomDirections, Sweep};
//! use loss_landscape_nets::{Activation, Criterion, Mlp, Sgd, digits};
//!
//! let (train, test) = digits::<f32>()?;
//! let mut net = Mlp::new(&[64, 32, 10], Activation::Relu, Criterion::CrossEntropy, 0)?;
//! Sgd::new(0.1).momentum(0.9).batch_size(64).epochs(3).train(&mut net, &train)?;
//! let surface = Sweep::plane(&net, RandomDirections::new(1).pair(&net)?)
//!     .data("train", &train)
//!     .data("test", &test)
//!     .alpha(-1.0..=1.0, 5)
//!     .beta(-1.0..=1.0, 5)
//!     .run()?;
//! assert!(surface.channel("test accuracy")?[[2, 2]] > 0.8);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Networks
//!
//! A [`Network`] is a convolutional network of an [`Architecture`]: one of the paper's
//! ([`Architecture::resnet`], [`wide_resnet`](Architecture::wide_resnet), [`vgg9`](Architecture::vgg9),
//! [`densenet121`](Architecture::densenet121)), one of PyTorch's zoo, or a [`Chain`] of [`Piece`]s of your own, one of
//! which may be a layer that you write ([`CustomLayer`]). An [`Mlp`] is a multilayer perceptron, a [`Transformer`] a
//! decoder-only transformer in the shape of a [`Gpt`]. All implement [`Model`](loss_landscape::Model),
//! [`Loss`](loss_landscape::Loss), [`SampleLosses`](loss_landscape::SampleLosses),
//! [`Gradient`](loss_landscape::Gradient), [`HessianProduct`](loss_landscape::HessianProduct) and
//! [`GaussNewtonProduct`](loss_landscape::GaussNewtonProduct): transformers over [`Tokens`], the others over [`Samples`].
//!
//! | network | parameters at 3×32×32, 10 classes | made by |
//! | --- | --- | --- |
//! | ResNet-20, -56, -110 | 272,474; 855,770; 1,730,714 | [`Architecture::resnet`] |
//! | the same without skips | 269,722; 853,018; 1,727,962 | with [`Skips::Without`] |
//! | WRN-56-2, -4, -8 | 3.41, 13.63, 54.47 million | [`Architecture::wide_resnet`] |
//! | VGG-9 | 2,789,706 | [`Architecture::vgg9`] |
//! | DenseNet-121 | 6,956,298 | [`Architecture::densenet121`] |
//! | torchvision's ResNet-18 to -152 | 11.18, 21.29, 23.53, 42.52, 58.16 million | [`Architecture::torchvision_resnet`] |
//! | torchvision's VGG-11 to -19, with BN or not | 128.8 to 139.6 million | [`Vgg`] |
//! | timm's MLP-Mixer | | [`Mixer`] |
//! | your own | | [`Architecture::new`] |
//! | multilayer perceptron | Σ (inᵢ + 1)·outᵢ | [`Mlp::new`] |
//! | GPT-2's transformer, over tokens | 124 million; 3.2 with 65 tokens and 4 layers of width 256 | [`Transformer::new`] |
//!
//! ```
//! use loss_landscape::{Gradient, HessianProduct, Loss, Model};
//! use loss_landscape_nets::{Architecture, Chain, Criterion, Network, digits};
//!
//! let body = Chain::new().conv3x3("conv1", 8, 1).batch_norm("bn1").relu().conv3x3("conv2", 8, 1);
//! let chain = Chain::new()
//!     .conv3x3("stem", 8, 2)
//!     .scope("block", Chain::new().skip(body, Chain::new()))
//!     .relu()
//!     .global_average_pool()
//!     .linear("head", 10);
//! let net = Network::<f64>::new(&Architecture::new([1, 8, 8], chain)?, Criterion::CrossEntropy, 0)?;
//!
//! let data = digits()?.1.select(&[0, 1, 2, 3])?;
//! let theta = net.parameters();
//! let (mut gradient, mut product) = (vec![0.0; theta.len()], vec![0.0; theta.len()]);
//! let loss = net.gradient(theta, &data, &mut gradient)?;
//! assert!((loss - net.loss(theta, &data)?).abs() < 1e-12);
//! net.hessian_product(theta, &gradient, &data, &mut product)?; // H·∇L
//! # Ok::<(), loss_landscape::OracleError>(())
//! ```
//!
//! Batch normalisation uses its running statistics, which are buffers of the layout; [`Reestimated`] takes them
//! anew at every point. Names and shapes of blocks are PyTorch's, so that a checkpoint from there is read into
//! [`Network::at`] or [`Mlp::at`].
//!
//! # Data
//!
//! [`Samples`] are inputs with labels or target values. [`digits`] are part of the crate. Every file format has a
//! reader of files and one of bytes: [`read_cifar10`] and [`cifar10_from_bytes`], [`read_labelled_images`] and
//! [`labelled_images_from_bytes`], [`read_idx`] and [`idx_from_bytes`]. [`Augment`] crops and flips.
//!
//! # Training
//!
//! [`Sgd`] and [`Adam`] step as PyTorch's do. A [`TrainingObserver`] watches and may stop; a [`TrainingReport`] says
//! how it went, with [`Snapshot`]s of θ on the way. For the feature `progress` the core's `ProgressBar` is one.
//!
//! # Names
//!
//! A method that sets something and returns the rest is called what it sets: `momentum(0.9)`, `plane_memory(bytes)`,
//! `at(theta)`. Memory is in bytes, as `u64`. Seeds are API: a release that draws other values for a seed says so.
//!
//! # Speed
//!
//! All work is compiled in this crate and its kernels in `loss-landscape-kernels`, for both scalars and, the kernels,
//! for each instruction set that pulp knows; a user's crate compiles none of it. So a debug build of your program is fast if dependencies are optimised:
//!
//! ```toml
//! [profile.dev.package."*"]
//! opt-level = 3
//! ```
//!
//! Gradients and products of a [`Network`] share the samples out among the threads of the rayon pool that calls
//! them, and have the same bits for any number of threads.
//!
//! [^1]: H. Li, Z. Xu, G. Taylor, C. Studer and T. Goldstein, *Visualizing the loss landscape of neural nets*,
//!     NeurIPS 2018, <https://arxiv.org/abs/1712.09913>.

mod activation;
mod api;
mod criterion;
mod data;
mod error;
mod fingerprint;
mod layers;
mod memory;
mod mlp;
mod network;
mod real;
mod train;
mod transformer;

pub use activation::Activation;
pub use api::{
    Adam, NetScalar, Sgd, Trainable, Training, TrainingMode, cifar10_from_bytes, digits,
    labelled_images_from_bytes, read_cifar10, read_labelled_images,
};
pub use criterion::Criterion;
pub use data::{Augment, Idx, Samples, Tokens, idx_from_bytes, read_idx};
pub use error::{CountSetting, Error, NumberSetting, Result};
pub use layers::{CustomLayer, LayerDirection, LayerPoint};
pub use mlp::Mlp;
pub use network::{
    Architecture, Chain, Conv, Custom, Gelu, Mixer, Network, Piece, Pool, Reestimated, Sides, Skips, Vgg,
};
pub use train::{
    AdaptiveMoments, Epoch, EpochProgress, Momentum, Rule, Snapshot, StepProgress, TrainingEnd,
    TrainingObserver, TrainingReport,
};
pub use transformer::{Gpt, Transformer};

/// The README's program is run as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
