//! The memory order of the values of a layer.

use crate::lanes::LANES;

/// Channels × height × width of one sample.
///
/// A tensor is `[group][channel][pixel][lane]`: a group is [`LANES`] samples side by side, the last
/// one filled up. So every kernel works on whole vectors, whatever the channels and the image size
/// are. A plane of pixels is an odd number of vectors long ([`stride`](Self::stride)): planes of a
/// power of two would compete for the same places in the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TensorShape {
    /// Channels.
    pub channels: usize,
    /// Rows of pixels.
    pub height: usize,
    /// Columns of pixels.
    pub width: usize,
}

impl TensorShape {
    /// Of [channels, height, width].
    pub fn new([channels, height, width]: [usize; 3]) -> Self {
        Self { channels, height, width }
    }

    /// [channels, height, width].
    pub fn dims(self) -> [usize; 3] {
        [self.channels, self.height, self.width]
    }

    /// Pixels of one channel.
    pub fn pixels(self) -> usize {
        self.height * self.width
    }

    /// Values of one sample.
    pub fn features(self) -> usize {
        self.channels * self.pixels()
    }

    /// From one channel to the next, in vectors of [`LANES`].
    pub fn stride(self) -> usize {
        self.pixels() | 1
    }

    /// From one group to the next, in vectors of [`LANES`].
    pub fn vectors(self) -> usize {
        self.channels * self.stride()
    }

    /// From one group to the next, in scalars.
    #[allow(clippy::len_without_is_empty, reason = "a shape always has values")]
    pub fn len(self) -> usize {
        self.vectors() * LANES
    }
}
