//! Checkpoints: a model's parameters from and to safetensors files.

mod decode;
mod direction;
mod parse;
mod prefix;
mod read;
mod write;

pub use read::{Checkpoint, CheckpointReader, read_checkpoint};
pub use write::{checkpoint_bytes, write_checkpoint};
