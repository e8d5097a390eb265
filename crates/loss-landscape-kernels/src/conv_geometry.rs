//! How the windows of a convolution lie.

/// The windows of a convolution; each pair is along rows and along columns: height, then width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConvGeometry {
    /// Taps.
    pub kernel: [usize; 2],
    /// From one window to the next, in pixels of the input.
    pub stride: [usize; 2],
    /// Zeros on each side.
    pub padding: [usize; 2],
    /// From one tap to the next, in pixels of the input.
    pub dilation: [usize; 2],
}

impl ConvGeometry {
    /// The same in both directions, the taps side by side.
    pub fn square(side: usize, stride: usize, padding: usize) -> Self {
        Self { kernel: [side; 2], stride: [stride; 2], padding: [padding; 2], dilation: [1; 2] }
    }

    /// Whether it is 3×3 at stride 1 with padding 1, which has kernels of its own.
    pub fn is_3x3(self) -> bool {
        self == Self::square(3, 1, 1)
    }

    /// Whether every result is of a single pixel, at the same place.
    pub fn is_pointwise(self) -> bool {
        self == Self::square(1, 1, 0)
    }
}
