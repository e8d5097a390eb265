//! Adaptive sweeps: some points of a grid are computed, the others interpolated.
//!
//! `lattice` has the places of the points, `spline` interpolates between scattered ones (and solves with `factor`),
//! `field` does so for all points, `choice` picks the points to compute next, `refine` goes from stage to stage. None
//! of these knows an oracle; `sweep` evaluates their points with one.

mod choice;
mod factor;
mod field;
mod lattice;
mod refine;
mod settings;
mod spline;
mod surface;
mod sweep;

pub use refine::{AdaptiveEnd, HeldOut, RefinementStage};
pub use settings::{Adaptive, ErrorScale};
pub use surface::AdaptiveSurface;
