//! The derivative of a loss by the filters of a convolution: products of inputs and derivatives,
//! summed over pixels and samples.

#![allow(clippy::needless_range_loop, reason = "arrays in registers are indexed by constants")]
#![allow(clippy::inline_always, reason = "only what is inlined is compiled for the chosen instruction set")]

use std::ops::Range;

use pulp::{Simd, WithSimd};

use crate::{
    conv_general::{ConvPass, TapLine},
    conv_geometry::ConvGeometry,
    filter_bank::{BLOCK, FilterBank},
    kernel_scalar::KernelScalar,
    lanes::{LANES, many_registers, sum_lanes},
    tensor_shape::TensorShape,
};

/// Pixels after which a kernel turns to other channels: the derivatives of a block of outputs at
/// these pixels stay in the first-level cache while all inputs pass by.
const BAND: usize = 64;

/// Adds Σ x ⊗ δ over all pairs to a gradient [outputs, inputs, rows, columns].
///
/// For one block of four outputs after the other, sums are kept for each lane and folded at the
/// end. For 3×3 kernels at stride 1, 24 of them are in registers: four outputs × two inputs × the
/// three columns of a row.
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
    pub sums: &'a mut [S],
    /// What is added to.
    pub gradient: &'a mut [S],
}

impl<S: KernelScalar> FilterGradients<'_, S> {
    /// Computes it.
    pub fn run(self) {
        (S::kernels().filter_gradients)(self);
    }
}

impl<S> FilterGradients<'_, S> {
    /// Values of scratch memory for a layer.
    pub fn scratch_len(filters: FilterBank) -> usize {
        filters.block_len() * LANES
    }
}

impl<S: KernelScalar> WithSimd for FilterGradients<'_, S> {
    type Output = ();
    #[inline(always)]
    fn with_simd<V: Simd>(mut self, simd: V) {
        let geometry = self.geometry;
        let kernel = geometry.kernel;
        let filters = FilterBank { outputs: self.output.channels, inputs: self.input.channels, kernel };
        if geometry.is_pointwise() {
            let row = |shape: TensorShape| TensorShape { height: 1, width: shape.pixels(), ..shape };
            (self.input, self.output) = (row(self.input), row(self.output));
        }
        for block in 0..self.output.channels.div_ceil(BLOCK) {
            self.sums[..Self::scratch_len(filters)].fill(S::zero());
            for pair in self.pairs {
                if geometry.is_3x3() {
                    self.gradient_3x3(simd, *pair, block);
                } else {
                    self.gradient_general(simd, *pair, block);
                }
            }
            self.add_to_gradient(filters, block);
        }
    }
}

impl<S: KernelScalar> FilterGradients<'_, S> {
    /// 3×3, stride 1, padding 1, band by band.
    #[inline(always)]
    fn gradient_3x3<V: Simd>(&mut self, simd: V, pair: (&[S], &[S]), block: usize) {
        let rows_at_once = (BAND / self.output.width).clamp(1, self.output.height);
        let groups_at_once = (BAND / self.output.pixels()).clamp(1, self.groups.max(1));
        for first_group in (0..self.groups).step_by(groups_at_once) {
            let groups = first_group..(first_group + groups_at_once).min(self.groups);
            for first_row in (0..self.output.height).step_by(rows_at_once) {
                let rows = first_row..(first_row + rows_at_once).min(self.output.height);
                for tap in 0..3 {
                    for part in 0..S::parts::<V>() {
                        let mut channel = 0;
                        if const { many_registers::<V>() } {
                            while channel + 2 <= self.input.channels {
                                self.band::<V, 2>(simd, pair, block, &groups, &rows, [tap, part, channel]);
                                channel += 2;
                            }
                        }
                        while channel < self.input.channels {
                            self.band::<V, 1>(simd, pair, block, &groups, &rows, [tap, part, channel]);
                            channel += 1;
                        }
                    }
                }
            }
        }
    }

    #[inline(always)]
    fn band<V: Simd, const C: usize>(
        &mut self,
        simd: V,
        (x, delta): (&[S], &[S]),
        block: usize,
        groups: &Range<usize>,
        rows: &Range<usize>,
        [tap, part, channel]: [usize; 3],
    ) {
        let parts = S::parts::<V>();
        let (x, delta) = (S::vectors::<V>(x), S::vectors::<V>(delta));
        let memory = S::vectors_mut::<V>(self.sums);
        let width = self.output.width;
        // [input of C][column][output of the block], as in packed filters.
        let base = (tap * self.input.channels + channel) * 3 * BLOCK * parts + part;
        let mut sums = [[[S::splat(simd, S::zero()); BLOCK]; 3]; C];
        for c in 0..C {
            for column in 0..3 {
                for k in 0..BLOCK {
                    sums[c][column][k] = memory[base + ((c * 3 + column) * BLOCK + k) * parts];
                }
            }
        }
        // Outputs that fill up the block repeat the last one; their sums are dropped.
        let channels: [usize; BLOCK] =
            std::array::from_fn(|k| (block * BLOCK + k).min(self.output.channels - 1));
        for group in groups.clone() {
            for y in rows.clone() {
                let source = y + tap;
                if source == 0 || source > self.input.height {
                    continue;
                }
                let at = |shape: TensorShape, channel: usize, y: usize| {
                    (group * shape.vectors() + channel * shape.stride() + y * width) * parts
                };
                let span = (width - 1) * parts + part + 1;
                let deltas: [&[S::Vector<V>]; BLOCK] =
                    std::array::from_fn(|k| &delta[at(self.output, channels[k], y)..][..span]);
                let values: [&[S::Vector<V>]; C] =
                    std::array::from_fn(|c| &x[at(self.input, channel + c, source - 1)..][..span]);
                // The first and the last pixel of a row have no neighbour on one side.
                let at = |p: usize| p * parts + part;
                if width == 1 {
                    pixel::<S, V, C, 1, 2>(simd, &deltas, &values, at(0), parts, &mut sums);
                    continue;
                }
                pixel::<S, V, C, 1, 3>(simd, &deltas, &values, at(0), parts, &mut sums);
                for p in 1..width - 1 {
                    pixel::<S, V, C, 0, 3>(simd, &deltas, &values, at(p), parts, &mut sums);
                }
                pixel::<S, V, C, 0, 2>(simd, &deltas, &values, at(width - 1), parts, &mut sums);
            }
        }
        for c in 0..C {
            for column in 0..3 {
                for k in 0..BLOCK {
                    memory[base + ((c * 3 + column) * BLOCK + k) * parts] = sums[c][column][k];
                }
            }
        }
    }

    /// Any kernel, tap by tap along lines.
    #[inline(always)]
    fn gradient_general<V: Simd>(&mut self, simd: V, pair: (&[S], &[S]), block: usize) {
        let geometry = self.geometry;
        let whole = geometry.is_pointwise() && self.input.width == 1;
        let (groups, rows) = if whole { (1, 1) } else { (self.groups, self.output.height) };
        for group in 0..groups {
            for y in 0..rows {
                let line = if whole {
                    TapLine::groups(self.input, self.output, self.groups)
                } else {
                    TapLine::new(ConvPass::Forward, self.input, self.output, geometry, y, 0)
                };
                for part in 0..S::parts::<V>() {
                    let mut channel = 0;
                    if const { many_registers::<V>() } {
                        while channel + 4 <= self.input.channels {
                            self.taps::<V, 4>(simd, pair, block, &line, [group, part, channel]);
                            channel += 4;
                        }
                    }
                    while channel < self.input.channels {
                        self.taps::<V, 1>(simd, pair, block, &line, [group, part, channel]);
                        channel += 1;
                    }
                }
            }
        }
    }

    #[inline(always)]
    fn taps<V: Simd, const C: usize>(
        &mut self,
        simd: V,
        (x, delta): (&[S], &[S]),
        block: usize,
        line: &TapLine,
        [group, part, channel]: [usize; 3],
    ) {
        let parts = S::parts::<V>();
        let (x, delta) = (S::vectors::<V>(x), S::vectors::<V>(delta));
        let memory = S::vectors_mut::<V>(self.sums);
        let from: [usize; C] =
            std::array::from_fn(|c| group * self.input.vectors() + (channel + c) * self.input.stride());
        let to: [usize; BLOCK] = std::array::from_fn(|k| {
            let output = (block * BLOCK + k).min(self.output.channels - 1);
            group * self.output.vectors() + output * self.output.stride() + line.to_start
        });
        let columns = self.geometry.kernel[1];
        for &(row, y) in line.rows() {
            for column in line.columns() {
                let place = |c: usize, k: usize| {
                    let input = row * self.input.channels + channel + c;
                    ((input * columns + column.tap) * BLOCK + k) * parts + part
                };
                let mut sums: [[S::Vector<V>; BLOCK]; C] =
                    std::array::from_fn(|c| std::array::from_fn(|k| memory[place(c, k)]));
                for p in column.first..column.end {
                    let at = y * self.input.width
                        + (column.offset + (p * line.from_step).cast_signed()).unsigned_abs();
                    let d: [S::Vector<V>; BLOCK] =
                        std::array::from_fn(|k| delta[(to[k] + p * line.to_step) * parts + part]);
                    for c in 0..C {
                        let value = x[(from[c] + at) * parts + part];
                        for k in 0..BLOCK {
                            sums[c][k] = S::fma(simd, d[k], value, sums[c][k]);
                        }
                    }
                }
                for c in 0..C {
                    for k in 0..BLOCK {
                        memory[place(c, k)] = sums[c][k];
                    }
                }
            }
        }
    }

    /// Folds the lanes, always in the same order, into the gradient of a block.
    #[inline(always)]
    fn add_to_gradient(&mut self, filters: FilterBank, block: usize) {
        let mut sums = self.sums.as_chunks::<LANES>().0.iter();
        let [rows, columns] = filters.kernel;
        for row in 0..rows {
            for input in 0..filters.inputs {
                for column in 0..columns {
                    for (k, lanes) in (block * BLOCK..block * BLOCK + BLOCK).zip(sums.by_ref()) {
                        if k < filters.outputs {
                            let place = ((k * filters.inputs + input) * rows + row) * columns + column;
                            self.gradient[place] += sum_lanes(lanes);
                        }
                    }
                }
            }
        }
    }
}

/// The products of a pixel's derivatives with the values under the columns from `FIRST` to below `END`.
#[inline(always)]
fn pixel<S: KernelScalar, V: Simd, const C: usize, const FIRST: usize, const END: usize>(
    simd: V,
    deltas: &[&[S::Vector<V>]; BLOCK],
    values: &[&[S::Vector<V>]; C],
    at: usize,
    parts: usize,
    sums: &mut [[[S::Vector<V>; BLOCK]; 3]; C],
) {
    let d: [S::Vector<V>; BLOCK] = std::array::from_fn(|k| deltas[k][at]);
    for c in 0..C {
        for column in FIRST..END {
            let value = values[c][at + column * parts - parts];
            for k in 0..BLOCK {
                sums[c][column][k] = S::fma(simd, d[k], value, sums[c][column][k]);
            }
        }
    }
}
