//! Every other convolution, and backward passes through a stride: along lines of results whose taps are
//! at the same places.

#![allow(clippy::needless_range_loop, reason = "arrays in registers are indexed by constants")]
#![allow(clippy::inline_always, reason = "only what is inlined is compiled for the chosen instruction set")]

use std::ops::Range;

use pulp::{Simd, WithSimd};

use crate::{
    conv_geometry::ConvGeometry,
    conv_input::ConvInput,
    epilogue::{Epilogue, EpilogueVectors},
    filter_bank::{BLOCK, FilterBank},
    kernel_scalar::KernelScalar,
    lanes::many_registers,
    tensor_shape::TensorShape,
};

/// The most rows or columns of a kernel.
pub const MAX_SIDE: usize = 15;

/// Vectors of inputs that all blocks of outputs read one after the other: they fit into the
/// second-level cache.
const CACHED: usize = 4096;

/// Results in a band, at least.
const LEAST: usize = 12;

/// Whether values go forward through a convolution, or derivatives backward.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConvPass {
    /// Values.
    Forward,
    /// Derivatives.
    Backward,
}

/// Σ over sources of filters ∗ x, plus a bias. In a backward pass `from` is the shape of the
/// convolution's results, `to` that of its inputs, and the filters are the transposed ones.
#[derive(Debug)]
pub struct GeneralConv<'a, S> {
    /// Whether values go forward or derivatives backward.
    pub pass: ConvPass,
    /// The shape of what is read.
    pub from: TensorShape,
    /// The shape of the results.
    pub to: TensorShape,
    /// The convolution's windows.
    pub geometry: ConvGeometry,
    /// Groups of samples.
    pub groups: usize,
    /// What is convolved with what.
    pub sources: &'a [ConvInput<'a, S>],
    /// A number for each channel of the results.
    pub bias: Option<&'a [S]>,
    /// What becomes of the sums.
    pub epilogue: Epilogue<'a, S>,
    /// The results.
    pub out: &'a mut [S],
}

impl<S: KernelScalar> GeneralConv<'_, S> {
    /// Computes it.
    pub fn run(self) {
        (S::kernels().general_conv)(self);
    }
}

/// Results at equal steps, each of which sees its taps at the same distances.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TapLine {
    /// Rows of taps, and the row of the source that each falls on.
    rows: [(usize, usize); MAX_SIDE],
    row_count: usize,
    /// Columns of taps, and the results p for which each falls into the source, from
    /// `offset` + p·`step`.
    columns: [TapColumn; MAX_SIDE],
    column_count: usize,
    /// The number of results.
    pub(crate) count: usize,
    /// From one result to the next: in the source, and where results go; in vectors.
    pub(crate) from_step: usize,
    pub(crate) to_step: usize,
    /// The place of the first result in its plane.
    pub(crate) to_start: usize,
}

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct TapColumn {
    pub(crate) tap: usize,
    pub(crate) offset: isize,
    pub(crate) first: usize,
    pub(crate) end: usize,
}

impl TapLine {
    /// The line of row `y` whose results are at columns `phase`, `phase` + s, …; s is the stride in
    /// a backward pass, and 1 in a forward one.
    pub(crate) fn new(
        pass: ConvPass,
        from: TensorShape,
        to: TensorShape,
        geometry: ConvGeometry,
        y: usize,
        phase: usize,
    ) -> Self {
        let mut line = Self {
            rows: [(0, 0); MAX_SIDE],
            row_count: 0,
            columns: [TapColumn::default(); MAX_SIDE],
            column_count: 0,
            count: 0,
            from_step: 1,
            to_step: 1,
            to_start: y * to.width + phase,
        };
        let ConvGeometry { kernel: [rows, columns], stride, padding, dilation } = geometry;
        let signed = |n: usize| n.cast_signed();
        // In a backward pass taps are turned round: tap t of n in the packed filters is n − 1 − t.
        let reach = |axis: usize, taps: usize| signed(padding[axis]) - signed((taps - 1) * dilation[axis]);
        let source_row = |tap: usize| match pass {
            ConvPass::Forward => Some(signed(y * stride[0] + tap * dilation[0]) - signed(padding[0])),
            ConvPass::Backward => {
                let at = signed(y + tap * dilation[0]) + reach(0, rows);
                let step = signed(stride[0]);
                (at.rem_euclid(step) == 0).then(|| at.div_euclid(step))
            }
        };
        for tap in 0..rows {
            if let Some(row) = source_row(tap).filter(|&row| row >= 0 && row < signed(from.height)) {
                line.rows[line.row_count] = (tap, row.unsigned_abs());
                line.row_count += 1;
            }
        }
        match pass {
            ConvPass::Forward => (line.count, line.from_step) = (to.width, stride[1]),
            ConvPass::Backward => {
                (line.count, line.to_step) = ((to.width - phase).div_ceil(stride[1]), stride[1]);
            }
        }
        for tap in 0..columns {
            let offset = match pass {
                ConvPass::Forward => signed(tap * dilation[1]) - signed(padding[1]),
                ConvPass::Backward => {
                    let at = signed(phase + tap * dilation[1]) + reach(1, columns);
                    let step = signed(stride[1]);
                    if at.rem_euclid(step) != 0 {
                        continue;
                    }
                    at.div_euclid(step)
                }
            };
            // offset + p·step is in 0..width.
            let first = offset.min(0).unsigned_abs().div_ceil(line.from_step);
            let room = signed(from.width) - offset;
            let end = room.max(0).unsigned_abs().div_ceil(line.from_step).min(line.count);
            if first < end {
                line.columns[line.column_count] = TapColumn { tap, offset, first, end };
                line.column_count += 1;
            }
        }
        line
    }

    /// The samples as a line, for images of a single pixel: step by step through the groups.
    pub(crate) fn groups(from: TensorShape, to: TensorShape, groups: usize) -> Self {
        let mut line = Self::new(ConvPass::Forward, from, to, ConvGeometry::square(1, 1, 0), 0, 0);
        (line.count, line.from_step, line.to_step) = (groups, from.vectors(), to.vectors());
        line.columns[0].end = groups;
        line
    }

    pub(crate) fn rows(&self) -> &[(usize, usize)] {
        &self.rows[..self.row_count]
    }

    pub(crate) fn columns(&self) -> &[TapColumn] {
        &self.columns[..self.column_count]
    }

    /// Whether every column of taps serves all of `count` results from `p` on, or none.
    fn uniform(&self, p: usize, count: usize) -> bool {
        p + count <= self.count
            && self.columns().iter().all(|column| {
                (column.first <= p && p + count <= column.end) || p >= column.end || p + count <= column.first
            })
    }
}

impl<S: KernelScalar> WithSimd for GeneralConv<'_, S> {
    type Output = ();
    #[inline(always)]
    fn with_simd<V: Simd>(mut self, simd: V) {
        // Without neighbours, an image is one row; images of one pixel make one row of all groups.
        if self.geometry.is_pointwise() {
            let row = |shape: TensorShape| TensorShape { height: 1, width: shape.pixels(), ..shape };
            (self.from, self.to) = (row(self.from), row(self.to));
            if self.from.width == 1 {
                let line = TapLine::groups(self.from, self.to, self.groups);
                self.line(simd, &line, 0, 0..self.to.channels.div_ceil(BLOCK));
                return;
            }
        }
        let phases = match self.pass {
            ConvPass::Forward => 1,
            ConvPass::Backward => self.geometry.stride[1].min(self.to.width),
        };
        let blocks = self.to.channels.div_ceil(BLOCK);
        let at_once = if self.filters().come_first::<S>(self.to.width / phases) { 2 } else { blocks };
        for first in (0..blocks).step_by(at_once) {
            let blocks = first..(first + at_once).min(blocks);
            for group in 0..self.groups {
                for y in 0..self.to.height {
                    for phase in 0..phases {
                        let line = TapLine::new(self.pass, self.from, self.to, self.geometry, y, phase);
                        self.line(simd, &line, group, blocks.clone());
                    }
                }
            }
        }
    }
}

impl<S: KernelScalar> GeneralConv<'_, S> {
    #[inline(always)]
    fn filters(&self) -> FilterBank {
        FilterBank { outputs: self.to.channels, inputs: self.from.channels, kernel: self.geometry.kernel }
    }

    #[inline(always)]
    fn line<V: Simd>(&mut self, simd: V, line: &TapLine, group: usize, blocks: Range<usize>) {
        // Without bands, every block of outputs would fetch the whole line from memory anew.
        let vectors = self.from.channels * line.row_count * line.from_step.min(self.from.width);
        let band = (CACHED / vectors.max(1)).max(LEAST);
        for part in 0..S::parts::<V>() {
            for first in (0..line.count).step_by(band) {
                let band = first..(first + band).min(line.count);
                let mut block = blocks.start;
                if const { many_registers::<V>() } {
                    while block + 2 <= blocks.end {
                        self.band::<V, 2>(simd, line, [group, part, block], &band);
                        block += 2;
                    }
                }
                while block < blocks.end {
                    self.band::<V, 1>(simd, line, [group, part, block], &band);
                    block += 1;
                }
            }
        }
    }

    /// `B` blocks of outputs, tile by tile.
    #[inline(always)]
    fn band<V: Simd, const B: usize>(
        &mut self,
        simd: V,
        line: &TapLine,
        place: [usize; 3],
        band: &Range<usize>,
    ) {
        let mut p = band.start;
        while p < band.end {
            let fits = |count: usize| p + count <= band.end && line.uniform(p, count);
            if B == 2 && fits(3) {
                self.tile::<V, B, 3>(simd, line, place, p);
                p += 3;
            } else if B == 1 && many_registers::<V>() && fits(4) {
                self.tile::<V, B, 4>(simd, line, place, p);
                p += 4;
            } else if fits(2) {
                self.tile::<V, B, 2>(simd, line, place, p);
                p += 2;
            } else {
                self.tile::<V, B, 1>(simd, line, place, p);
                p += 1;
            }
        }
    }

    #[inline(always)]
    fn tile<V: Simd, const B: usize, const P: usize>(
        &mut self,
        simd: V,
        line: &TapLine,
        [group, part, block]: [usize; 3],
        p: usize,
    ) {
        let parts = S::parts::<V>();
        let first = block * BLOCK;
        let mut sums = [[[S::splat(simd, S::zero()); P]; BLOCK]; B];
        if let Some(bias) = self.bias {
            for b in 0..B {
                for k in 0..BLOCK {
                    let bias = bias.get(first + b * BLOCK + k).copied().unwrap_or(S::zero());
                    sums[b][k] = [S::splat(simd, bias); P];
                }
            }
        }
        let place = [group * self.from.vectors() * parts + part, block, p];
        match line.from_step {
            1 => self.add::<V, B, P, 1>(simd, line, place, &mut sums),
            2 => self.add::<V, B, P, 2>(simd, line, place, &mut sums),
            _ => self.add::<V, B, P, 0>(simd, line, place, &mut sums),
        }
        let out = S::vectors_mut::<V>(self.out);
        let epilogue: EpilogueVectors<'_, S, V> = self.epilogue.vectors::<V>();
        let to =
            (group * self.to.vectors() + first * self.to.stride() + line.to_start + p * line.to_step) * parts;
        let channels = self.to.channels - first;
        for b in 0..B {
            for k in 0..BLOCK {
                let k_all = b * BLOCK + k;
                if k_all < channels {
                    for p in 0..P {
                        let index = to + (k_all * self.to.stride() + p * line.to_step) * parts + part;
                        epilogue.store(simd, sums[b][k][p], out, index);
                    }
                }
            }
        }
    }

    /// Adds all products; `STEP` is the line's step, or 0 for one that is not known here.
    #[inline(always)]
    fn add<V: Simd, const B: usize, const P: usize, const STEP: usize>(
        &self,
        simd: V,
        line: &TapLine,
        [from, block, p]: [usize; 3],
        sums: &mut [[[S::Vector<V>; P]; BLOCK]; B],
    ) {
        let parts = S::parts::<V>();
        let filters = self.filters();
        let kernel = filters.kernel;
        let step = if STEP == 0 { line.from_step } else { STEP } * parts;
        let plane = self.from.stride() * parts;
        // A copy that only constants index stays in registers.
        let mut held = *sums;
        for source in self.sources {
            let inputs = S::vectors::<V>(source.x);
            let banks: [&[[S; BLOCK]]; B] = std::array::from_fn(|b| {
                let bank = &source.filters[(block + b) * filters.block_len()..][..filters.block_len()];
                bank.as_chunks::<BLOCK>().0
            });
            for &(row, y) in line.rows() {
                for column in line.columns() {
                    if p < column.first || p >= column.end {
                        continue;
                    }
                    let x = (column.offset + (p * line.from_step).cast_signed()).unsigned_abs();
                    let start = from + (y * self.from.width + x) * parts;
                    let first_tap = row * self.from.channels * kernel[1] + column.tap;
                    for channel in 0..self.from.channels {
                        let window = &inputs[start + channel * plane..][..=(P - 1) * step];
                        let values: [S::Vector<V>; P] = std::array::from_fn(|p| window[p * step]);
                        for b in 0..B {
                            let taps = &banks[b][first_tap + channel * kernel[1]];
                            for k in 0..BLOCK {
                                let tap = S::splat(simd, taps[k]);
                                for p in 0..P {
                                    held[b][k][p] = S::fma(simd, tap, values[p], held[b][k][p]);
                                }
                            }
                        }
                    }
                }
            }
        }
        *sums = held;
    }
}
