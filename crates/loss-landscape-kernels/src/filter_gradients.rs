//! The derivative of a loss by the filters of a convolution: products of inputs and derivatives,
//! summed over pixels and samples.

#![allow(clippy::inline_always, reason = "only what is inlined is compiled for the chosen instruction set")]

use pulp::{Simd, WithSimd};

use crate::{
    conv_geometry::ConvGeometry,
    filter_bank::{BLOCK, FilterBank},
    gradients_by_channel, gradients_by_sample,
    kernel_scalar::KernelScalar,
    lanes::LANES,
    tensor_shape::TensorShape,
};

/// Adds Σ x ⊗ δ over all pairs to a gradient [rows, columns, outputs, inputs].
///
/// With enough input channels they are put side by side in a vector, where no sum has to be folded and 16 of them
/// stay in registers. With few, samples stay side by side.
#[derive(Debug)]
pub struct FilterGradients<'a, S> {
    /// The convolution's inputs.
    pub input: TensorShape,
    /// Its results.
    pub output: TensorShape,
    /// Its windows.
    pub geometry: ConvGeometry,
    /// Groups of samples.
    pub groups: usize,
    /// Inputs, and derivatives by the outputs.
    pub pairs: &'a [(&'a [S], &'a [S])],
    /// Scratch memory of [`scratch_len`](Self::scratch_len).
    pub scratch: &'a mut [S],
    /// What is added to.
    pub gradient: &'a mut [S],
}

impl<S: KernelScalar> FilterGradients<'_, S> {
    /// Computes it.
    pub fn run(self) {
        (S::kernels().filter_gradients)(self);
    }

    /// The filters.
    pub(crate) fn filters(&self) -> FilterBank {
        FilterBank {
            outputs: self.output.channels,
            inputs: self.input.channels,
            kernel: self.geometry.kernel,
        }
    }
}

impl<S> FilterGradients<'_, S> {
    /// Values of scratch memory for a layer.
    pub fn scratch_len(input: TensorShape, output: TensorShape, geometry: ConvGeometry) -> usize {
        if is_by_channel(input, output) {
            gradients_by_channel::scratch_len(input, output)
        } else {
            let filters =
                FilterBank { outputs: output.channels, inputs: input.channels, kernel: geometry.kernel };
            gradients_by_sample::scratch_len(filters)
        }
    }
}

impl<S: Copy> FilterGradients<'_, S> {
    /// Puts a gradient into the order of filters, [outputs, inputs, rows, columns].
    pub fn put_in_order(filters: FilterBank, gradient: &mut [S]) {
        let FilterBank { outputs, inputs, kernel } = filters;
        let taps = kernel[0] * kernel[1];
        if taps == 1 {
            return;
        }
        let summed = gradient.to_vec();
        for (pair, filter) in gradient.chunks_exact_mut(taps).enumerate() {
            for (tap, value) in filter.iter_mut().enumerate() {
                *value = summed[tap * outputs * inputs + pair];
            }
        }
    }
}

impl<S: KernelScalar> WithSimd for FilterGradients<'_, S> {
    type Output = ();
    #[inline(always)]
    fn with_simd<V: Simd>(self, simd: V) {
        if is_by_channel(self.input, self.output) {
            gradients_by_channel::run(simd, self);
        } else {
            gradients_by_sample::run(simd, self);
        }
    }
}

/// Whether channels are put side by side: does not depend on the processor, since it changes the order of sums.
fn is_by_channel(input: TensorShape, output: TensorShape) -> bool {
    input.channels > 3 * LANES / 4 && output.channels > BLOCK
}
