//! Sharpness: how much the loss rises around θ, on average over random perturbations and in the worst case.

mod ascent;
mod average;
mod ellipsoid;
mod measure;
mod report;

pub use ascent::WorstSharpness;
pub use average::AverageSharpness;
pub use ellipsoid::SharpnessScale;
pub use measure::Sharpness;
pub use report::SharpnessReport;
