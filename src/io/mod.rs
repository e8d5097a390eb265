//! Results as files that other programs open, and parameters from and to such files.

#[cfg(any(feature = "npz", feature = "csv"))]
mod barriers;
#[cfg(feature = "safetensors")]
mod checkpoint;
#[cfg(feature = "csv")]
mod csv;
#[cfg(feature = "serde")]
mod document;
#[cfg(feature = "serde")]
mod draws;
#[cfg(any(feature = "npz", feature = "safetensors"))]
mod half;
#[cfg(feature = "json")]
mod json;
#[cfg(feature = "npz")]
mod npz;
#[cfg(any(feature = "json", feature = "npz", feature = "csv"))]
mod reports;
#[cfg(feature = "serde")]
mod table;
#[cfg(all(test, feature = "json"))]
mod testing;
#[cfg(feature = "vtk")]
mod vtk;

#[cfg(feature = "vtk")]
pub use vtk::VtkHeight;

#[cfg(feature = "safetensors")]
pub use checkpoint::{
    Checkpoint, CheckpointFiles, CheckpointReader, from_checkpoint_bytes, read_checkpoint,
    to_checkpoint_bytes, write_checkpoint,
};
