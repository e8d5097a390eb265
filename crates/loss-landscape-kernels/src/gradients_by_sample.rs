//! The gradient by filters with samples side by side: sums are kept for each lane and folded at the end, for one
//! block of outputs after the other.

#![allow(clippy::needless_range_loop, reason = "arrays in registers are indexed by constants")]
#![allow(clippy::inline_always, reason = "only what is inlined is compiled for the chosen instruction set")]

use pulp::Simd;

use crate::{
    conv_general::{ConvPass, TapLine},
    filter_bank::{BLOCK, FilterBank},
    filter_gradients::FilterGradients,
    kernel_scalar::KernelScalar,
    lanes::{LANES, many_registers, sum_lanes},
    tensor_shape::TensorShape,
};

/// The gradient, block by block of outputs.
#[inline(always)]
pub(crate) fn run<S: KernelScalar, V: Simd>(simd: V, mut work: FilterGradients<'_, S>) {
    let filters = work.filters();
    if work.geometry.is_pointwise() {
        let row = |shape: TensorShape| TensorShape { height: 1, width: shape.pixels(), ..shape };
        (work.input, work.output) = (row(work.input), row(work.output));
    }
    for block in 0..filters.outputs.div_ceil(BLOCK) {
        work.scratch[..scratch_len(filters)].fill(S::zero());
        for pair in work.pairs {
            work.add_lanes(simd, *pair, block);
        }
        work.fold(filters, block);
    }
}

/// The sums of a block of outputs, for each lane.
pub(crate) fn scratch_len(filters: FilterBank) -> usize {
    filters.block_len() * LANES
}

impl<S: KernelScalar> FilterGradients<'_, S> {
    /// Any kernel, tap by tap along lines.
    #[inline(always)]
    fn add_lanes<V: Simd>(&mut self, simd: V, pair: (&[S], &[S]), block: usize) {
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
        let memory = S::vectors_mut::<V>(self.scratch);
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
    fn fold(&mut self, filters: FilterBank, block: usize) {
        let mut sums = self.scratch.as_chunks::<LANES>().0.iter();
        let [rows, columns] = filters.kernel;
        for row in 0..rows {
            for input in 0..filters.inputs {
                for column in 0..columns {
                    for (k, lanes) in (block * BLOCK..block * BLOCK + BLOCK).zip(sums.by_ref()) {
                        if k < filters.outputs {
                            let tap = row * columns + column;
                            let place = (tap * filters.outputs + k) * filters.inputs + input;
                            self.gradient[place] += sum_lanes(lanes);
                        }
                    }
                }
            }
        }
    }
}
