//! Checkpoints: a model's parameters from and to safetensors files.

mod decode;
mod direction;
mod files;
mod layout;
mod parse;
mod prefix;
mod read;
mod write;

pub use files::CheckpointFiles;
pub use read::{Checkpoint, CheckpointReader, from_checkpoint_bytes, read_checkpoint};
pub use write::{to_checkpoint_bytes, write_checkpoint};
