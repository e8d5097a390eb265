//! Sweeps: the loss along a line, between two minimisers, over a plane.

mod adaptive;
mod axis;
mod driver;
mod elsewhere;
mod grid;
pub(crate) mod journal;
mod line;
mod observer;
pub(crate) mod options;
mod private;
mod probe;
mod report;
mod stages;
pub(crate) mod swept;

pub use adaptive::{Adaptive2d, AdaptiveEnd, AdaptiveSurface, ErrorScale, HeldOut, RefinementStage};
pub(crate) use axis::Axis;
pub use grid::{Grid2d, Surface, grid_2d};
pub use journal::{Damage, Journal};
pub use line::{Curve, Interpolation, Line1d, interpolate, line_1d};
pub use observer::{Observer, Progress};
pub use probe::SweepProbe;
pub use report::{
    BadPoint, DirectionRecord, OnBadPoint, PointFailure, Provenance, Resumed, SweepReport, Termination,
};
pub(crate) use stages::{Choice, Stages};
