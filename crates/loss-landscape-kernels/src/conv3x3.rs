//! The convolution that the paper's networks are made of: 3×3, stride 1, padding 1.

#![allow(clippy::needless_range_loop, reason = "arrays in registers are indexed by constants")]
#![allow(clippy::inline_always, reason = "only what is inlined is compiled for the chosen instruction set")]

use pulp::{Simd, WithSimd};

use crate::{
    conv_input::ConvInput,
    epilogue::{Epilogue, EpilogueVectors},
    filter_bank::{BLOCK, FilterBank},
    kernel_scalar::KernelScalar,
    lanes::{LANES, many_registers},
    tensor_shape::TensorShape,
};

/// Σ over sources of filters ∗ x, plus a bias.
///
/// Four output channels × four pixels of a row stay in registers (two pixels where there are 16
/// registers). A vector of inputs is loaded once for three taps, and what is outside the image is
/// not multiplied, which saves a sixth of the work at 8×8 and more than half at 2×2.
#[derive(Debug)]
pub struct Conv3x3<'a, S> {
    /// Of the inputs; the results have as many pixels.
    pub input: TensorShape,
    /// Output channels.
    pub outputs: usize,
    /// Groups of samples.
    pub groups: usize,
    /// What is convolved with what.
    pub sources: &'a [ConvInput<'a, S>],
    /// A number for each output channel.
    pub bias: Option<&'a [S]>,
    /// What becomes of the sums.
    pub epilogue: Epilogue<'a, S>,
    /// The results.
    pub out: &'a mut [S],
}

impl<S: KernelScalar> Conv3x3<'_, S> {
    /// Computes it.
    pub fn run(self) {
        (S::kernels().conv3x3)(self);
    }
}

impl<S: KernelScalar> WithSimd for Conv3x3<'_, S> {
    type Output = ();
    #[inline(always)]
    fn with_simd<V: Simd>(self, simd: V) {
        let output = TensorShape { channels: self.outputs, ..self.input };
        let filters = FilterBank { outputs: self.outputs, inputs: self.input.channels, kernel: [3; 2] };
        let parts = S::parts::<V>();
        let out = S::vectors_mut::<V>(self.out);
        let epilogue = self.epilogue.vectors::<V>();
        let blocks = self.outputs.div_ceil(BLOCK);
        let rows = self.groups * output.height;
        let filters_first = filters.come_first::<S>(output.width);
        for i in 0..rows * blocks {
            let (block, row) = if filters_first { (i / rows, i % rows) } else { (i % blocks, i / blocks) };
            let (group, y) = (row / output.height, row % output.height);
            for part in 0..parts {
                let row = OutputRow {
                    simd,
                    sources: self.sources,
                    filters,
                    input: self.input,
                    from: group * self.input.vectors() * parts + part,
                    y,
                    block,
                    bias: self.bias,
                };
                let to = (group * output.vectors() + block * BLOCK * output.stride() + y * output.width)
                    * parts
                    + part;
                let mut x = 0;
                if const { many_registers::<V>() } {
                    while x + 4 <= output.width {
                        row.tile::<4>(x, &epilogue, out, to, output.stride());
                        x += 4;
                    }
                }
                while x + 2 <= output.width {
                    row.tile::<2>(x, &epilogue, out, to, output.stride());
                    x += 2;
                }
                if x < output.width {
                    row.tile::<1>(x, &epilogue, out, to, output.stride());
                }
            }
        }
    }
}

/// A row of results, for one block of output channels.
#[derive(Clone, Copy)]
struct OutputRow<'a, S, V> {
    simd: V,
    sources: &'a [ConvInput<'a, S>],
    filters: FilterBank,
    input: TensorShape,
    /// The group's first input vector.
    from: usize,
    y: usize,
    block: usize,
    bias: Option<&'a [S]>,
}

impl<S: KernelScalar, V: Simd> OutputRow<'_, S, V> {
    /// `P` pixels from `x` on.
    #[inline(always)]
    fn tile<const P: usize>(
        &self,
        x: usize,
        epilogue: &EpilogueVectors<'_, S, V>,
        out: &mut [S::Vector<V>],
        to: usize,
        stride: usize,
    ) {
        match (x == 0, x + P == self.input.width) {
            (true, true) => self.edged::<P, true, true>(x, epilogue, out, to, stride),
            (true, false) => self.edged::<P, true, false>(x, epilogue, out, to, stride),
            (false, true) => self.edged::<P, false, true>(x, epilogue, out, to, stride),
            (false, false) => self.edged::<P, false, false>(x, epilogue, out, to, stride),
        }
    }

    /// Adds one row of taps, over all input channels.
    #[inline(always)]
    fn add_row<const P: usize, const LEFT: bool, const RIGHT: bool>(
        &self,
        inputs: &[S::Vector<V>],
        start: usize,
        taps: &[S],
        sums: &mut [[S::Vector<V>; P]; BLOCK],
    ) {
        let (simd, parts) = (self.simd, S::parts::<V>());
        // A copy that only constants index stays in registers.
        let mut held = *sums;
        for (channel, taps) in taps.as_chunks::<{ 3 * BLOCK }>().0.iter().enumerate() {
            let at = start + channel * self.input.stride() * parts;
            // From the pixel on the left of the tile to the one on its right.
            let mut values = [S::splat(simd, S::zero()); 6];
            let skipped = usize::from(LEFT);
            let used = P + 2 - skipped - usize::from(RIGHT);
            let window = &inputs[at + skipped * parts - parts..][..=(used - 1) * parts];
            for i in 0..used {
                values[skipped + i] = window[i * parts];
            }
            for column in 0..3 {
                for k in 0..BLOCK {
                    let tap = S::splat(simd, taps[column * BLOCK + k]);
                    for p in 0..P {
                        let outside = (LEFT && column == 0 && p == 0) || (RIGHT && column == 2 && p == P - 1);
                        if !outside {
                            held[k][p] = S::fma(simd, tap, values[p + column], held[k][p]);
                        }
                    }
                }
            }
        }
        *sums = held;
    }

    #[inline(always)]
    fn edged<const P: usize, const LEFT: bool, const RIGHT: bool>(
        &self,
        x: usize,
        epilogue: &EpilogueVectors<'_, S, V>,
        out: &mut [S::Vector<V>],
        to: usize,
        stride: usize,
    ) {
        let (simd, parts) = (self.simd, S::parts::<V>());
        let first = self.block * BLOCK;
        let mut sums = [[S::splat(simd, S::zero()); P]; BLOCK];
        if let Some(bias) = self.bias {
            for k in 0..BLOCK {
                sums[k] = [S::splat(simd, bias.get(first + k).copied().unwrap_or(S::zero())); P];
            }
        }
        for source in self.sources {
            let inputs = S::vectors::<V>(source.x);
            let bank = &source.filters[self.block * self.filters.block_len()..][..self.filters.block_len()];
            for row in 0..3 {
                let y = self.y + row;
                if y == 0 || y > self.input.height {
                    continue;
                }
                let taps = &bank[row * self.filters.row_len()..][..self.filters.row_len()];
                let start = self.from + ((y - 1) * self.input.width + x) * parts;
                self.add_row::<P, LEFT, RIGHT>(inputs, start, taps, &mut sums);
            }
        }
        let channels = self.filters.outputs - first;
        for k in 0..BLOCK {
            if k < channels {
                for p in 0..P {
                    epilogue.store(simd, sums[k][p], out, to + (k * stride + x + p) * parts);
                }
            }
        }
    }
}

const _: () = assert!(LANES == 16 && BLOCK == 4, "the kernel is laid out for these");
