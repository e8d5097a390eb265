//! The gradient by filters with channels side by side: inputs are turned round first, from samples to channels.

#![allow(clippy::needless_range_loop, reason = "arrays in registers are indexed by constants")]
#![allow(clippy::inline_always, reason = "only what is inlined is compiled for the chosen instruction set")]

use std::ops::Range;

use pulp::Simd;

use crate::{
    filter_gradients::FilterGradients,
    kernel_scalar::KernelScalar,
    lanes::{LANES, many_registers},
    tensor_shape::TensorShape,
};

/// Pixels whose products are summed before the sums go to memory: what is read for them stays in the second-level
/// cache, and few enough numbers follow each other in a sum that its rounding does not grow.
const BAND: usize = 64;
/// Vectors of a tile, at most.
const WIDEST: usize = 4;

/// Pixels of a row, and the inputs that a tap multiplies them with.
#[derive(Clone, Copy, Default)]
struct Run {
    /// The first pixel, in vectors from the first channel.
    delta: usize,
    /// The first input, in pixels.
    input: usize,
    count: usize,
}

/// The gradient, in tiles as wide as channels and registers allow.
#[inline(always)]
pub(crate) fn run<S: KernelScalar, V: Simd>(simd: V, work: FilterGradients<'_, S>) {
    let vectors = (work.input.channels * S::parts::<V>()).div_ceil(LANES);
    if const { many_registers::<V>() } {
        if vectors.is_multiple_of(4) || vectors > 8 {
            work.tiles::<V, 4, 4>(simd);
        } else if vectors.is_multiple_of(2) || vectors > 4 {
            work.tiles::<V, 2, 8>(simd);
        } else {
            work.tiles::<V, 1, 16>(simd);
        }
    } else if vectors.is_multiple_of(2) || vectors > 4 {
        work.tiles::<V, 2, 4>(simd);
    } else {
        work.tiles::<V, 1, 8>(simd);
    }
}

/// The inputs of the groups of a band, turned round, in tiles of whole vectors.
pub(crate) fn scratch_len(input: TensorShape, output: TensorShape) -> usize {
    let all = input.channels;
    let channels = all.next_multiple_of(if all > WIDEST * LANES { WIDEST * LANES } else { LANES });
    (BAND / output.pixels()).max(1) * input.pixels() * LANES * channels
}

impl<S: KernelScalar> FilterGradients<'_, S> {
    /// `W` vectors of inputs × `O` outputs at a time.
    #[inline(always)]
    fn tiles<V: Simd, const W: usize, const O: usize>(mut self, simd: V) {
        let output = self.output;
        let rows_at_once = (BAND / output.width).clamp(1, output.height);
        let groups_at_once = (BAND / output.pixels()).clamp(1, self.groups.max(1));
        for &(x, delta) in self.pairs {
            for first_group in (0..self.groups).step_by(groups_at_once) {
                let groups = first_group..(first_group + groups_at_once).min(self.groups);
                self.turn::<V, W>(x, &groups);
                for first_row in (0..output.height).step_by(rows_at_once) {
                    let rows = first_row..(first_row + rows_at_once).min(output.height);
                    self.band::<V, W, O>(simd, delta, &groups, &rows);
                }
            }
        }
    }

    /// The inputs of some groups as [tile of channels][group][pixel][lane][channel of the tile].
    #[inline(always)]
    fn turn<V: Simd, const W: usize>(&mut self, x: &[S], groups: &Range<usize>) {
        let width = W * LANES / S::parts::<V>();
        let shape = self.input;
        let x = x.as_chunks::<LANES>().0;
        let mut places = self.scratch.chunks_exact_mut(LANES * width);
        for first in (0..shape.channels).step_by(width) {
            let used = width.min(shape.channels - first);
            for group in groups.clone() {
                let from = &x[group * shape.vectors() + first * shape.stride()..];
                for (pixel, place) in (0..shape.pixels()).zip(places.by_ref()) {
                    for channel in 0..used {
                        let lanes = &from[channel * shape.stride() + pixel];
                        for lane in 0..LANES {
                            place[lane * width + channel] = lanes[lane];
                        }
                    }
                    if used < width {
                        for row in place.chunks_exact_mut(width) {
                            row[used..].fill(S::zero());
                        }
                    }
                }
            }
        }
    }

    #[inline(always)]
    fn band<V: Simd, const W: usize, const O: usize>(
        &mut self,
        simd: V,
        delta: &[S],
        groups: &Range<usize>,
        rows: &Range<usize>,
    ) {
        let (input, output) = (self.input, self.output);
        let [taps_down, taps_along] = self.geometry.kernel;
        let width = W * LANES / S::parts::<V>();
        let tile_len = groups.len() * input.pixels() * LANES * W;
        let turned = S::vectors::<V>(self.scratch);
        let delta = delta.as_chunks::<LANES>().0;
        for first in (0..output.channels).step_by(O) {
            // Outputs that fill up the tile repeat the last one; their sums are dropped.
            let deltas: [&[[S; LANES]]; O] =
                std::array::from_fn(|k| &delta[(first + k).min(output.channels - 1) * output.stride()..]);
            for down in 0..taps_down {
                for along in 0..taps_along {
                    let mut runs = [Run::default(); BAND];
                    let count = self.runs(groups, rows, [down, along], &mut runs);
                    let tap = down * taps_along + along;
                    for (tile, first_input) in (0..input.channels).step_by(width).enumerate() {
                        let x = &turned[tile * tile_len..][..tile_len];
                        let mut sums = [[S::zero(); WIDEST * LANES]; O];
                        let step = self.geometry.stride[1];
                        add_products::<S, V, W, O>(simd, x, &deltas, &runs[..count], step, &mut sums);
                        for k in 0..O.min(output.channels - first) {
                            let place = (tap * output.channels + first + k) * input.channels + first_input;
                            let used = width.min(input.channels - first_input);
                            for (place, sum) in self.gradient[place..place + used].iter_mut().zip(sums[k]) {
                                *place += sum;
                            }
                        }
                    }
                }
            }
        }
    }

    /// Writes the runs of a band that a tap multiplies, and returns their number.
    #[inline(always)]
    fn runs(
        &self,
        groups: &Range<usize>,
        rows: &Range<usize>,
        tap: [usize; 2],
        runs: &mut [Run; BAND],
    ) -> usize {
        let (input, output, geometry) = (self.input, self.output, self.geometry);
        let place = |axis: usize, result: usize| {
            let at = result * geometry.stride[axis] + tap[axis] * geometry.dilation[axis];
            at.checked_sub(geometry.padding[axis])
        };
        // The results along a row whose input is in the image.
        let inside = |x: &usize| place(1, *x).is_some_and(|x| x < input.width);
        let Some(first) = (0..output.width).find(inside) else { return 0 };
        let count = (first..output.width).take_while(inside).count();
        let Some(from) = place(1, first) else { return 0 };
        let mut used = 0;
        for group in groups.clone() {
            for y in rows.clone() {
                if let Some(row) = place(0, y).filter(|row| *row < input.height) {
                    runs[used] = Run {
                        delta: group * output.vectors() + y * output.width + first,
                        input: (group - groups.start) * input.pixels() + row * input.width + from,
                        count,
                    };
                    used += 1;
                }
            }
        }
        used
    }
}

/// Σ x ⊗ δ over the runs and all samples, one after the other.
#[inline(always)]
fn add_products<S: KernelScalar, V: Simd, const W: usize, const O: usize>(
    simd: V,
    x: &[S::Vector<V>],
    deltas: &[&[[S; LANES]]; O],
    runs: &[Run],
    step: usize,
    out: &mut [[S; WIDEST * LANES]; O],
) {
    let mut sums = [[S::splat(simd, S::zero()); W]; O];
    for run in runs {
        for pixel in 0..run.count {
            let x = &x[(run.input + pixel * step) * LANES * W..][..LANES * W];
            let delta: [&[S; LANES]; O] = std::array::from_fn(|k| &deltas[k][run.delta + pixel]);
            for lane in 0..LANES {
                let values: [S::Vector<V>; W] = std::array::from_fn(|w| x[lane * W + w]);
                for k in 0..O {
                    let delta = S::splat(simd, delta[k][lane]);
                    for w in 0..W {
                        sums[k][w] = S::fma(simd, delta, values[w], sums[k][w]);
                    }
                }
            }
        }
    }
    for k in 0..O {
        S::vectors_mut::<V>(&mut out[k])[..W].copy_from_slice(&sums[k]);
    }
}
