//! Data for networks: samples, the formats they are read from, and their augmentation.

mod augment;
mod chosen;
mod cifar10;
mod idx;
mod images;
mod input_file;
mod samples;
mod tokens;

pub use augment::Augment;
pub use idx::{Idx, idx_from_bytes, read_idx};
pub use samples::Samples;
pub use tokens::Tokens;

pub(crate) use cifar10::{cifar10_files, cifar10_images};
pub(crate) use idx::labelled_images;
pub(crate) use images::rows;
pub(crate) use tokens::TokenSlice;
