//! Convolutional networks: built of pieces, computed in evaluation mode with batch normalisation folded away.

mod architecture;
mod chain;
#[cfg(test)]
mod curved_training;
mod first;
mod fold;
mod graph;
mod hessian;
mod learner;
mod model;
mod pass;
mod plan;
mod reestimated;
mod slots;
mod strands;
mod sweep;
mod zoo;

pub use architecture::Architecture;
pub use chain::{Chain, Conv, Piece, Pool};
pub use model::Network;
pub use reestimated::Reestimated;
pub use zoo::Skips;

#[cfg(test)]
mod tests;
