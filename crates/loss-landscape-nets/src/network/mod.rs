//! Convolutional networks: built of pieces, computed in evaluation mode with batch normalisation folded away.
//!
//! From what a user writes to what is computed: a [`Chain`] of pieces becomes a `graph`, a `plan` of layers, and
//! passes over a `chunk_state`. `evaluation`, `hessian_products`, `training_mode`, `prepared_plane` and
//! `reestimated` are what is asked of it.

mod architecture;
mod backward_step;
mod batch_norm_folding;
mod chain;
mod chunk_state;
mod conv_network;
mod evaluation;
mod graph;
mod hessian_products;
mod memory_plan;
mod mixer;
mod paper_networks;
mod plan;
mod prepared_first_layer;
mod prepared_plane;
mod reestimated;
mod scratch_pool;
mod single_samples;
mod tangent_state;
mod torchvision;
mod training_mode;
mod unit_groups;
mod vector_by_vector;
mod work_split;

pub use architecture::Architecture;
pub use chain::{Chain, Conv, Custom, Gelu, Piece, Pool, Sides};
pub use conv_network::Network;
pub use mixer::Mixer;
pub use paper_networks::Skips;
pub use reestimated::Reestimated;
pub use torchvision::Vgg;

pub(crate) use evaluation::{gradient, measure, outputs};
pub(crate) use hessian_products::NetworkHessian;
pub(crate) use prepared_plane::prepare;
pub(crate) use scratch_pool::ScratchPool;
pub(crate) use single_samples::{sample_losses, sample_worker};
pub(crate) use training_mode::learner;
pub(crate) use vector_by_vector::vector_by_vector;
pub(crate) use work_split::{WorkSplit, add_up};

#[cfg(test)]
mod tests;
