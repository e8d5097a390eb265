//! Results as files that other programs open.

#[cfg(feature = "npz")]
mod npz;
