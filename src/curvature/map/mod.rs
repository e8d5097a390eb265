//! Maps of the Hessian's eigenvalue ratio over a line or a plane.

mod audit;
mod eigen_ratio;
mod order;
mod point;
mod ratio_map;
mod ratio_state;
mod refinement;
mod store;

pub use audit::Audit;
pub use eigen_ratio::{EigenRatio, RatioCost, eigen_ratio_1d, eigen_ratio_2d};
pub use ratio_map::RatioMap;
pub use ratio_state::RatioState;
