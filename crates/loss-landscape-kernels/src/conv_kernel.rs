//! Which kernel computes a convolution, and the order of filters that it reads.

use crate::{
    conv_general::GeneralConv, conv_geometry::ConvGeometry, conv3x3::Conv3x3, filter_bank::FilterBank,
    kernel_scalar::KernelScalar, tensor_shape::TensorShape, winograd::Winograd3x3,
};

/// The kernel of a convolution, in both passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConvKernel {
    /// [`Winograd3x3`].
    Winograd,
    /// [`Conv3x3`].
    Direct,
    /// [`GeneralConv`].
    General,
}

/// Channels from which on what Winograd's transforms take is less than what they save.
const CHANNELS: usize = 12;

impl ConvKernel {
    /// The fastest one.
    pub fn fastest(geometry: ConvGeometry, input: TensorShape, outputs: usize) -> Self {
        if !geometry.is_3x3() {
            return Self::General;
        }
        // A direct convolution does not multiply what is outside the image, and tiles may jut out of it. Below 1.4
        // multiplications for one there is nothing left after the transforms.
        let direct = (3 * input.height - 2) * (3 * input.width - 2);
        let tiles = 16 * input.height.div_ceil(2) * input.width.div_ceil(2);
        if input.channels.min(outputs) >= CHANNELS && 5 * direct >= 7 * tiles {
            Self::Winograd
        } else {
            Self::Direct
        }
    }

    /// Length of a bank of filters in the kernel's order.
    pub fn packed_len(self, bank: FilterBank) -> usize {
        match self {
            Self::Winograd => bank.winograd_len(),
            Self::Direct | Self::General => bank.packed_len(),
        }
    }

    /// Puts a bank into the kernel's order.
    pub fn pack<S: KernelScalar>(self, bank: FilterBank, filters: &[S], packed: &mut [S]) {
        match self {
            Self::Winograd => bank.pack_winograd(filters, packed),
            Self::Direct | Self::General => bank.pack(filters, packed),
        }
    }

    /// Puts the [transposed](FilterBank::transposed) of a bank into the kernel's order.
    pub fn pack_transposed<S: KernelScalar>(self, bank: FilterBank, filters: &[S], packed: &mut [S]) {
        match self {
            Self::Winograd => bank.pack_winograd_transposed(filters, packed),
            Self::Direct | Self::General => bank.pack_transposed(filters, packed),
        }
    }

    /// Computes a convolution whose filters are in the kernel's order.
    pub fn run<S: KernelScalar>(self, conv: GeneralConv<'_, S>) {
        if self == Self::General {
            return conv.run();
        }
        let GeneralConv { from: input, to, groups, sources, bias, epilogue, out, .. } = conv;
        let conv = Conv3x3 { input, outputs: to.channels, groups, sources, bias, epilogue, out };
        if self == Self::Winograd { Winograd3x3(conv).run() } else { conv.run() }
    }
}
