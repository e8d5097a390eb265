//! Loss landscapes of neural networks that you can believe.
//!
//! A network's loss is a function of millions of parameters; a picture of it over one or two directions shows whether
//! a minimiser lies in a wide bowl or a narrow ravine, and whether the ground around it is smooth or chaotic. This
//! crate computes such pictures after *Visualizing the Loss Landscape of Neural Nets* (Li, Xu, Taylor, Studer,
//! Goldstein, NeurIPS 2018[^1]): filter-normalised random directions, interpolation between minimisers, surfaces over
//! a plane, and maps of the Hessian's eigenvalue ratio, for any model that implements two small traits, in parallel
//! and with the same bits for any number of threads.
//!
//! ```
//! use loss_landscape::{FnModel, Layout, RandomDirections, grid_2d};
//!
//! let data = [(0.0, 1.0), (1.0, 3.0), (2.0, 5.0)];
//! let loss = |theta: &[f64], data: &[(f64, f64); 3]| {
//!     data.iter().map(|(x, y)| (theta[0] * x + theta[1] - y).powi(2)).sum::<f64>() / 3.0
//! };
//! let model = FnModel::new(Layout::flat(2)?, vec![2.0, 1.0], loss)?;
//! let surface = grid_2d(&model, &data, RandomDirections::new(42))?;
//! assert_eq!(surface.shape(), [51, 51]);
//! assert_eq!(surface.loss()[[25, 25]], 0.0); // the centre is θ itself
//! # Ok::<(), loss_landscape::Error>(())
//! ```
//!
//! The guide in the repository (`docs/guide`) explains how to read such a surface and what not to conclude from it,
//! with a chapter on each of the parts below. Figures and pages are drawn by the crate `loss-landscape-plot`;
//! `loss-landscape-nets` has the paper's networks, and yours of the same pieces, with exact gradients and
//! Hessian-vector products.
//!
//! # The words
//!
//! - **θ** is all parameters of a model in one flat vector. A [`Layout`] names its **blocks** and their roles; a
//!   **filter** is the part of a block at one index of its filter axis.
//! - A **direction** has one value for each parameter. **Filter normalisation** gives each of its filters the norm of
//!   the same filter of θ (section 4 of the paper).
//! - A **line** is θ + α·d, a **segment** (1−α)·θ_a + α·θ_b between two minimisers, a **plane** θ + α·d₁ + β·d₂. A
//!   **sweep** evaluates points of one of them; the result is a **landscape**.
//! - An **oracle** is what evaluates: your implementation of [`Loss`]. A **channel** is one figure that an evaluation
//!   yields, such as the loss or the accuracy. The loss is the mean over all samples.
//! - The **eigenvalue ratio** at a point is |λ_min/λ_max| of the Hessian there. A **Ritz value** estimates an
//!   eigenvalue from inside the spectrum.
//! - A **bad point** is one at which the oracle failed or gave a value that is not finite. It is data, not an error.
//!
//! # The types, and how they relate
//!
//! **Your model.** [`Model`] says which parameters there are: θ, and its [`Layout`] of named [`Block`]s with their
//! [`Role`] and filter axis. [`Loss`] evaluates θ on your own data type; [`FnModel`] makes both out of a closure.
//! What your model can do beyond that are traits of their own: [`Gradient`], [`HessianProduct`],
//! [`GaussNewtonProduct`], and [`SampleLosses`] for the losses of single samples. The module [`check`] tests the first two. What you write fails with an [`OracleError`], which
//! is made of any error.
//!
//! **Directions.** [`RandomDirections`] draws them from a seed, [`Direction::between`] takes the difference of two
//! parameter vectors, [`Direction::new`] takes yours. A [`Normalization`] gives them their length: the paper's rule
//! by default, the original repository's as a preset. A [`Mask`] chooses blocks by name or role. Two directions are
//! [`Directions`]; they know their cosine.
//!
//! **Sweeps.** [`Sweep`] says where to go, on which data and how (axes, threads, journal, shard, observer), once for
//! all kinds of sweeps: [`run`](Sweep::run) evaluates losses at every point, [`adaptive`](Sweep::adaptive) at a fifth
//! of the points of a smooth surface, [`sampled`](Sweep::sampled) estimates it at every point from some of the samples,
//! with an error, [`eigen_ratio`](Sweep::eigen_ratio) maps the eigenvalue ratio. [`line_1d`],
//! [`interpolate`], [`grid_2d`],
//! [`eigen_ratio_1d`] and [`eigen_ratio_2d`] are sweeps with all defaults.
//!
//! **Results.** A [`Landscape`] is a [`Curve`] or a [`Surface`]: values by channel, and a [report] of
//! how it went, which points were bad, and where everything came from. A [`RatioMap`], an [`AdaptiveSurface`] and
//! a [`SampledLandscape`] are landscapes that know more. A [`Journal`] is the file that a long sweep writes as it goes; an [`Observer`] watches
//! and may cancel.
//!
//! **Curvature** beyond maps is in the module [`curvature`]: extreme eigenvalues with bounds, eigenpairs, traces,
//! diagonals and spectral densities with error bars, of a Hessian, of its Gauss–Newton part and the rest, or of any
//! symmetric operator; sharpness; planes along eigenvectors and gradients; and what a plane hides.
//!
//! **Draws.** [`Sweep::draws`] sweeps many random directions or planes at once; [`Draws`] holds a landscape for each. A
//! [`Measure`](measure::Measure) reads one number off each of them, and the module [`statistics`] says how sure the mean
//! is, and whether networks differ by more than their directions do.
//!
//! **Shape.** [`Topology`](topology::Topology) finds the minima of a curve or surface, the saddles at which they merge,
//! how deep and wide each is, and which of them stand out of the noise.
//!
//! **Trajectories** are in the module [`trajectory`]: the principal plane of a training's snapshots, where each of
//! them lies in it and off it, and what a random walk would show there.
//!
//! **Paths** between minimisers are in the module [`path`]: how high the loss rises on the straight line, curves that are
//! trained to go around, and sweeps along them.
//!
//! **Matching.** [`matching`] permutes the hidden units of one network to be like those of another, so that a barrier that
//! is only a relabelling of units is seen as one.
//!
//! **Speed, when you need it.** The module [`oracle`]: scratch memory for each thread, products computed once for the
//! whole slice, several points in one call, data in chunks.
//!
//! # Features
//!
//! None is on by default; each adds, none changes what is there.
//!
//! - `serde`: `Serialize` and `Deserialize` for settings, reports, provenance and landscapes; what must hold is checked
//!   on the way in. Adds `serde`.
//! - `json`, `npz`, `csv`: landscapes, shapes and trajectories as JSON, for numpy, and for spreadsheets, to the bit
//!   (JSON and CSV: but for the bits of NaN). Each gives four methods: `write_json(path)`, `to_json_bytes()`,
//!   `read_json(path)` and `from_json_bytes(bytes)`. All need `serde` and `serde_json`.
//! - `vtk`: surfaces for ParaView, `Surface::write_vtk`. Adds nothing.
//! - `safetensors`: parameters of any [`Layout`] from and to the files that PyTorch users keep, `read_checkpoint` and
//!   `write_checkpoint`, [`Direction`]s and [`Directions`] with their sources, and the snapshots of a training. Adds
//!   `safetensors`.
//! - `progress`: `ProgressBar`, an [`Observer`] for the terminal (of trainings too). Adds `indicatif`.
//!
//! # What it does not do
//!
//! - It does not differentiate your model: bring a gradient for curvature, or use losses alone.
//! - It does not prove that an eigenvalue is the extreme one: from products alone nobody can. Bounds hold with the
//!   probability that they name.
//! - It does not smooth, clip or replace values. NaN and infinity are stored as they are, listed, and masked in
//!   figures. Only [adaptive sweeps](Sweep::adaptive) interpolate, and mark where; only [sampled ones](Sweep::sampled)
//!   estimate, and say how well.
//! - It does not re-estimate batch statistics unless asked. Buffers stand still unless you move them.
//! - It does not guess roles or filter axes from ranks or names; the layout says them, or a rule that you choose
//!   ([`Layout::from_tensors`]).
//! - It does not read or write HDF5. The one crate that can without the C library changes its interface so fast that a
//!   library must pin one version of it, which then does not resolve beside anyone else's; it adds 90 MB to a build,
//!   and recurses on hostile files. `scripts/original_hdf5.py` in the repository converts between npz and the files of
//!   the original repository.
//!
//! # Numbers
//!
//! Losses, coordinates, norms and sums are `f64`; θ and directions are `f32` or `f64`. Results are the same bits on
//! one machine for any number of threads. Across machines, draws of a seed agree within 1e-12, and losses as far as
//! the model's own arithmetic does. A point costs what the oracle costs plus one pass over θ and its directions (0.16
//! to 0.20 ms for a million `f32` parameters where the oracle is free, about the time of reading three vectors and
//! writing one).
//!
//! The library prints nothing and does not panic on a caller's input; an oracle that panics is a bad point (not with
//! `panic = "abort"`).
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

pub mod curvature;
mod direction;
pub mod draws;
mod engine;
mod error;
#[cfg(any(feature = "serde", feature = "safetensors", feature = "vtk"))]
mod io;
mod landscape;
pub mod matching;
pub mod measure;
mod memory;
mod model;
mod params;
pub mod path;
#[cfg(feature = "progress")]
mod progress;
mod replace;
mod scalar;
mod slice;
pub mod statistics;
mod sweep;
mod symmetric;
pub mod topology;
pub mod trajectory;
mod wire;

/// The arrays of the public API, in the version that it speaks.
pub use ndarray;

pub use curvature::{EigenRatio, RatioCost, RatioMap, eigen_ratio_1d, eigen_ratio_2d};
pub use direction::{
    BlockReport, Buffers, Conformance, Direction, DirectionSource, Directions, Norm, Normalization, Policy,
    Projection, RandomDirections,
};
pub use draws::Draws;
pub use engine::{AllThreads, Arrival, Execution, Executor, Here, Journal, Observer, PerThread, Progress};
pub use error::{Error, Result};
#[cfg(feature = "vtk")]
pub use io::VtkHeight;
#[cfg(feature = "safetensors")]
pub use io::{
    Checkpoint, CheckpointFiles, CheckpointReader, from_checkpoint_bytes, read_checkpoint,
    to_checkpoint_bytes, write_checkpoint,
};
pub use landscape::{Curve, GridDimension, Landscape, OnBadPoint, Surface};
pub use model::{
    FnModel, GaussNewtonProduct, Gradient, HessianProduct, IntoLoss, Loss, Model, OracleError, SampleLosses,
};
pub use params::{Block, Layout, Mask, NamedTensor, Role, burn_roles, content_hash, pytorch_roles};
#[cfg(feature = "progress")]
pub use progress::ProgressBar;
pub use scalar::Scalar;
pub use sweep::{
    Adaptive, AdaptiveEnd, AdaptiveSurface, ErrorScale, Geometry, HeldOut, Line, Plane, RandomGeometry,
    RefinementStage, Sampled, SampledLandscape, SampledReport, SampledSet, Segment, Sweep, SweepCost,
    grid_2d, interpolate, line_1d,
};

pub(crate) use model::{Prepared, Worker};
pub(crate) use slice::{PathShape, Point, Slice};

/// What an oracle may prepare for a sweep, for speed: shared products, scratch memory for each thread, several points
/// in one call. Nobody who only writes [`Loss::loss`] needs any of it.
pub mod oracle {
    pub use crate::{
        model::{
            Fingerprint, FnFingerprint, GaussNewtonWorker, HessianWorker, NoFingerprint, Prepared,
            SampleWorker, Worker, pointwise, samplewise,
        },
        slice::{Point, Slice},
    };
}

/// What a result says of itself: how the sweep went, which points were bad, where everything came from.
pub mod report {
    pub use crate::{
        engine::Damage,
        landscape::{
            BadPoint, DirectionRecord, OnBadPoint, PointFailure, Provenance, Resumed, SweepEnd, SweepReport,
        },
    };
}

/// How results are written: what is replaced, what is written to, and what is refused.
pub mod files {
    pub use crate::replace::write;
}

/// Checks of what you wrote: is this the gradient of that loss, this the Hessian of that gradient, and do these
/// permutations leave the loss as it is?
pub mod check {
    pub use crate::{
        matching::{PermutationCheck, check_permutations},
        model::{DerivativeCheck, GradientCheck, HessianCheck, check_gradient, check_hessian_product},
    };
}

/// The design of the crate: its words, what its numbers mean, and which module may use which.
#[doc = include_str!("../docs/DESIGN.md")]
pub mod _design {}
