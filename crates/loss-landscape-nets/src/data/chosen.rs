//! Numbers of samples that a caller asks for.

use crate::error::{Error, Result};

/// Checks numbers of samples, ascending and below `len`, and the room for `channels` values of each.
pub(super) fn check_chosen(len: usize, indices: &[usize], room: usize, channels: usize) -> Result<()> {
    if let Some(position) = indices.iter().position(|&index| index >= len) {
        return Err(Error::SampleOutOfRange { position, index: indices[position], len });
    }
    if let Some(position) = (1..indices.len()).find(|&k| indices[k] <= indices[k - 1]) {
        return Err(Error::SampleOrder { position, index: indices[position], before: indices[position - 1] });
    }
    let expected = indices.len() * channels;
    if room == expected {
        Ok(())
    } else {
        Err(Error::SampleShape { what: "the room for losses of samples", found: room, expected })
    }
}
