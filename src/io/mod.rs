//! Results as files that other programs open, and parameters from and to such files.

#[cfg(feature = "safetensors")]
mod checkpoint;
#[cfg(feature = "csv")]
mod csv;
#[cfg(feature = "hdf5")]
mod hdf5;
#[cfg(feature = "json")]
mod json;
#[cfg(feature = "npz")]
mod npz;
#[cfg(feature = "json")]
mod table;
#[cfg(all(test, feature = "json"))]
mod testing;
#[cfg(feature = "vtk")]
mod vtk;

#[cfg(feature = "vtk")]
pub use vtk::VtkWriter;

#[cfg(feature = "safetensors")]
pub use checkpoint::{Checkpoint, CheckpointReader, checkpoint_bytes, read_checkpoint, write_checkpoint};
