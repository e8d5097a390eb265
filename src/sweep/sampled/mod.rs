//! Sampled sweeps: a mean over samples is estimated from some of them, with its error.
//!
//! `lattice` has the points at which all samples are evaluated, `control` predicts the losses of each sample between
//! them, `draw` chooses samples and estimates their mean, `store` keeps what the lattice's points leave, `point`
//! evaluates points with an oracle, and `landscape` is the result.

mod control;
mod draw;
mod landscape;
mod lattice;
mod point;
mod report;
mod settings;
mod store;
mod sweep;

pub use landscape::SampledLandscape;
pub use report::{SampledReport, SampledSet};
pub use settings::Sampled;
