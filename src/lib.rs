//! Loss landscapes of neural networks that you can believe.
//!
//! This crate implements *Visualizing the Loss Landscape of Neural Nets* (Li, Xu, Taylor, Studer,
//! Goldstein, NeurIPS 2018[^1]): filter-normalised random directions, interpolation between
//! minimisers, surfaces over a plane, and maps of the Hessian's eigenvalue ratio, for any model that implements
//! two small traits, in parallel and with the same bits for any number of threads.
//!
//! ```
//! use loss_landscape::{grid_2d, FnModel, Layout, RandomDirections};
//!
//! let data = [(0.0, 1.0), (1.0, 3.0), (2.0, 5.0)];
//! let loss = |theta: &[f64], data: &[(f64, f64); 3]| {
//!     data.iter().map(|(x, y)| (theta[0] * x + theta[1] - y).powi(2)).sum::<f64>() / 3.0
//! };
//! let model = FnModel::new(Layout::flat(2)?, vec![2.0, 1.0], loss)?;
//! let surface = grid_2d(&model, &data, RandomDirections::new(42).pair(&model)?)?;
//! assert_eq!(surface.shape(), [51, 51]);
//! assert_eq!(surface.channel("loss")?[[25, 25]], 0.0); // the centre is θ itself
//! # Ok::<(), loss_landscape::Error>(())
//! ```
//!
//! # The types, and how they relate
//!
//! **Your model.** [`Model`] says which parameters there are: one flat vector θ, and a [`Layout`] of
//! named [`Block`]s with their [`Role`] and filter axis. [`Loss`] evaluates θ on your own data type;
//! [`FnModel`] makes both out of a closure. What your model can do beyond that are traits of their
//! own: [`Gradient`], [`HessianProduct`]. [`check_gradient`] and [`check_hessian_product`] test them.
//!
//! **Directions.** [`RandomDirections`] draws them from a seed, [`Direction::between`] takes the
//! difference of two parameter vectors, [`Direction::new`] takes yours. A [`Normalization`] gives them
//! their length: the paper's rule by default, the original repository's as a preset. A [`Mask`] chooses
//! blocks by name or role. Two directions are [`Directions`]; they know their cosine.
//!
//! **Sweeps.** [`Line1d`] goes along one direction, [`Interpolation`] from one minimiser to another,
//! [`Grid2d`] over a plane; [`line_1d`], [`interpolate`] and [`grid_2d`] are these with their defaults.
//! They end in a [`Curve`] or a [`Surface`]: the values of each channel, and a [`SweepReport`] of how
//! it went, which points were bad, and where everything came from ([`Provenance`]). An [`Observer`]
//! watches and may cancel. [`Adaptive2d`] computes a fifth of a smooth surface and interpolates the rest: its
//! [`AdaptiveSurface`] says which is which, and how wrong it was at points left out.
//!
//! **Curvature.** [`eigen_extremes`] finds λ_min and λ_max of the Hessian at θ, [`EigenRatio2d`] maps
//! |λ_min/λ_max| over a plane ([`eigen_ratio_1d`] and [`eigen_ratio_2d`] with their defaults) into a
//! [`RatioSurface`]. Under both is [`Lanczos`], which works for any [`SymmetricOperator`]: a
//! [`HessianOperator`], all of it or the blocks of a [`Mask`], or a closure ([`FnOperator`]). It ends in
//! [`Extremes`], with bounds and why it ended, or in [`EigenPairs`], which span planes.
//! [`TraceEstimator`], [`DiagonalEstimator`] and [`SpectralDensity`] estimate with error bars;
//! [`SliceCurvature`] says what a plane hides.
//!
//! **Speed, when you need it.** [`Loss::prepare`] may return a [`Prepared`] plane with a [`Worker`] for
//! each thread: scratch memory, products computed once for the whole plane, several points in one call,
//! data in chunks. [`pointwise`] is the default. A [`HessianWorker`] keeps what Hessian-vector products at one θ
//! share.
//!
#![cfg_attr(
    feature = "nets",
    doc = "**Networks** are in [`nets`]: the paper's, and yours of the same pieces; **figures** are in"
)]
#![cfg_attr(
    not(feature = "nets"),
    doc = "**Networks** are in `nets`: the paper's, and yours of the same pieces; **figures** are in"
)]
#![cfg_attr(feature = "plot", doc = "[`plot`].")]
#![cfg_attr(not(feature = "plot"), doc = "`plot`.")]
//!
//! # Features
//!
//! None is on by default; each adds, none changes what is there.
//!
//! - `nets`: multilayer perceptrons and convolutional networks (VGG, ResNet, DenseNet, your own) with exact
//!   gradients and Hessian-vector products, their training, readers of IDX and CIFAR-10 files, and the
//!   handwritten digits. Adds the crates `gemm` and `pulp`.
//! - `plot`: figures as SVG, contours with labels, shaded surfaces, heat maps, eigenvalue ratios, curves on two
//!   axes, spectra. Adds `colorous`.
//! - `png`: the same as PNG, on machines without fonts too. Adds `resvg`.
//! - `html`: landscapes as one HTML file to turn and zoom, offline (module `page`). Adds what `plot` adds.
//! - `json`: results with all that is known of them; [`Surface`] and [`Curve`] get `write_json`, `read_json` and
//!   `from_json_bytes`, [`SweepReport`] gets `to_json` and `from_json`. Adds `serde_json`.
//! - `npz`, `csv`, `hdf5`: results for numpy, spreadsheets, and in the layout of the original repository's files,
//!   which its scripts read; each with writing and reading as above, to the bit (CSV: but for the bits of NaN).
//!   All need `json`; `hdf5` adds `hdf5-pure`.
//! - `vtk`: surfaces for ParaView, `VtkWriter`. Adds nothing.
//! - `safetensors`: parameters of any [`Layout`] from and to the files that PyTorch users keep, `read_checkpoint`
//!   and `write_checkpoint`, and [`Direction`]s and [`Directions`] with their sources. Adds `safetensors`.
//! - `progress`: `ProgressBar`, an [`Observer`] for the terminal (of trainings too). Adds `indicatif`.
//!
//! # What it does not do
//!
//! - It does not differentiate your model: bring a gradient for curvature, or use losses alone.
//! - It does not prove that an eigenvalue is the extreme one: from products alone nobody can. Bounds hold with
//!   the probability that they name.
//! - It does not smooth, clip or replace values. NaN and infinity are stored as they are, listed, and
//!   masked in figures. Only [`Adaptive2d`] interpolates, and marks where.
//! - It does not re-estimate batch statistics unless asked (`nets::Reestimated`). Buffers stand still unless you
//!   move them.
//! - It does not guess filter axes from ranks or names; the layout says them.
//!
//! # Numbers
//!
//! Losses, coordinates, norms and sums are `f64`; θ and directions are `f32` or `f64`. Results are the
//! same bits on one machine for any number of threads. Across machines, draws of a seed agree within
//! 1e-12, and losses as far as the model's own arithmetic does. A point costs what the oracle costs
//! plus one pass over θ and its directions (0.16 to 0.20 ms for a million `f32` parameters where the oracle
//! is free, about the time of reading three vectors and writing one).
//!
//! The library prints nothing and does not panic on a caller's input; an oracle that panics is a bad
//! point (not with `panic = "abort"`).
//!
//! [^1]: <https://arxiv.org/abs/1712.09913>
#![cfg_attr(docsrs, feature(doc_cfg))]
// Of the library alone: tests may unwrap, examples may print.
#![cfg_attr(
    not(test),
    warn(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::todo,
        clippy::print_stdout,
        clippy::print_stderr
    )
)]

mod check;
mod closure;
mod curvature;
mod differences;
mod direction;
mod error;
mod guard;
mod hessian;
#[cfg(any(feature = "json", feature = "safetensors", feature = "vtk"))]
mod io;
mod model;
#[cfg(feature = "nets")]
pub mod nets;
mod oracle;
#[cfg(feature = "html")]
pub mod page;
mod params;
mod plane;
#[cfg(feature = "plot")]
pub mod plot;
#[cfg(feature = "progress")]
mod progress;
mod replace;
mod scalar;
mod sweep;

/// The arrays of the public API, in the version that it speaks.
pub use ndarray;

pub use check::{DerivativeCheck, GradientCheck, HessianCheck, check_gradient, check_hessian_product};
pub use closure::{FnModel, IntoLoss};
pub use curvature::{
    Audit, DensityCurve, DensityEstimate, DiagonalEnd, DiagonalEstimate, DiagonalEstimator, EigenPairs,
    EigenRatio1d, EigenRatio2d, Extremes, FnOperator, HessianOperator, Lanczos, LanczosEnd, Probe,
    Quadrature, RatioCurve, RatioProbe, RatioState, RatioSurface, SliceCurvature, SliceReport,
    SpectralDensity, SymmetricOperator, TraceEnd, TraceEstimate, TraceEstimator, TraceMethod, eigen_extremes,
    eigen_ratio_1d, eigen_ratio_2d,
};
pub use direction::{
    BlockReport, Buffers, Conformance, Direction, DirectionSource, Directions, Norm, Normalization, Policy,
    RandomDirections,
};
pub use error::{BoxError, Error, Result};
pub use hessian::HessianWorker;
#[cfg(feature = "vtk")]
pub use io::VtkWriter;
#[cfg(feature = "safetensors")]
pub use io::{Checkpoint, CheckpointReader, checkpoint_bytes, read_checkpoint, write_checkpoint};
pub use model::{Gradient, HessianProduct, Loss, Model};
pub use oracle::{Prepared, Worker, pointwise};
pub use params::{Block, Layout, Mask, Role};
pub use plane::{Plane, Point};
#[cfg(feature = "progress")]
pub use progress::ProgressBar;
pub use scalar::Scalar;
pub use sweep::{
    Adaptive2d, AdaptiveEnd, AdaptiveSurface, BadPoint, Curve, Damage, DirectionRecord, ErrorScale, Grid2d,
    HeldOut, Interpolation, Journal, Line1d, Observer, OnBadPoint, PointFailure, Progress, Provenance,
    RefinementStage, Resumed, Surface, SweepProbe, SweepReport, Termination, grid_2d, interpolate, line_1d,
};

/// The design of the crate: its words, what its numbers mean, and which module may use which.
#[doc = include_str!("../docs/DESIGN.md")]
pub mod _design {}

#[cfg(all(doctest, feature = "nets", feature = "png", feature = "html", feature = "npz"))]
#[doc = include_str!("../README.md")]
struct Readme;
