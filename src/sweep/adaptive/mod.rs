//! Adaptive sweeps: some points of a grid are computed, the others interpolated.
//!
//! `lattice` knows where points are, `stencil` interpolates between scattered ones (solving by `factor`), `field`
//! does that for all points, `choice` picks what to compute next, `refine` goes from stage to stage. These know no
//! oracle; `sweep` gives them one.

mod choice;
mod factor;
mod field;
mod lattice;
mod refine;
mod settings;
mod stencil;
mod surface;
mod sweep;

pub use refine::{AdaptiveEnd, HeldOut, RefinementStage};
pub use settings::{Adaptive, ErrorScale};
pub use surface::AdaptiveSurface;
