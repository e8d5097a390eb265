//! The convolution 3×3 at stride 1 with padding 1 once more, by Winograd's minimal filtering F(2×2, 3×3).

#![allow(clippy::needless_range_loop, reason = "arrays in registers are indexed by constants")]
#![allow(clippy::inline_always, reason = "only what is inlined is compiled for the chosen instruction set")]

use std::ops::Range;

use pulp::{Simd, WithSimd};

use crate::{
    conv_input::ConvInput,
    conv3x3::Conv3x3,
    epilogue::EpilogueVectors,
    filter_bank::BLOCK,
    kernel_scalar::KernelScalar,
    lanes::LANES,
    tensor_shape::TensorShape,
    winograd_filters::{POINTS, SIDE},
};

/// Tiles that are computed together: as many as there are registers for.
const TILES: usize = 2;
/// Channels, of inputs and of results, whose transforms stay in the second-level cache.
const CHANNELS: usize = 64;

/// What [`Conv3x3`] computes, with 16 multiplications for four results where that takes 36.
///
/// Y = Aᵀ[Σ (G g Gᵀ) ⊙ (Bᵀ d B)]A over input channels, for tiles d of 4×4 inputs and Y of 2×2 results
/// (Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2016, equation 8). All factors of the
/// transforms are ±1 and ±½.
///
/// Its filters are [transformed](crate::FilterBank::pack_winograd).
#[derive(Debug)]
pub struct Winograd3x3<'a, S>(pub Conv3x3<'a, S>);

impl<S: KernelScalar> Winograd3x3<'_, S> {
    /// Computes it.
    pub fn run(self) {
        (S::kernels().winograd)(self);
    }
}

/// A tile's place.
#[derive(Clone, Copy, Debug, Default)]
struct Tile {
    group: usize,
    /// Of its first result.
    y: usize,
    x: usize,
}

/// From one point of the transformed inputs to the next, in vectors: `[point][channel][tile]`. An odd number, since
/// planes of a power of two would compete for the same places in the cache.
const INPUTS: usize = CHANNELS * TILES + 1;
/// From one row of the products to the next, in vectors: `[row][channel][tile][column of results]`.
const HALVES: usize = CHANNELS * TILES * 2 + 1;
/// Scalars of scratch memory.
const SCRATCH: usize = (POINTS * INPUTS + SIDE * HALVES) * LANES;

impl<S: KernelScalar> WithSimd for Winograd3x3<'_, S> {
    type Output = ();
    #[inline(always)]
    fn with_simd<V: Simd>(self, simd: V) {
        let parts = S::parts::<V>();
        let Conv3x3 { input, outputs: channels, groups, sources, bias, epilogue, out } = self.0;
        let epilogue = epilogue.vectors::<V>();
        let out = S::vectors_mut::<V>(out);
        let [rows, columns] = [input.height.div_ceil(2), input.width.div_ceil(2)];
        let tiles = groups * rows * columns;
        // Taken and given back, as a closure might not be compiled for the instruction set.
        let mut scratch = S::scratch().take();
        let vectors = S::vectors_mut::<V>(scratch.at_least(SCRATCH));
        let (inputs, halves) = vectors.split_at_mut(POINTS * INPUTS);
        for first in (0..channels).step_by(CHANNELS) {
            let outputs = first..(first + CHANNELS).min(channels);
            for start in (0..tiles).step_by(TILES) {
                let count = TILES.min(tiles - start);
                let mut strip = [Tile::default(); TILES];
                for i in 0..count {
                    let (row, column) = ((start + i) / columns, (start + i) % columns);
                    strip[i] = Tile { group: row / rows, y: 2 * (row % rows), x: 2 * column };
                }
                for part in 0..parts {
                    let of = Strip { simd, input, tiles: &strip[..count], part };
                    of.multiply(sources, outputs.clone(), inputs, halves);
                    of.back_along_rows(channels, outputs.clone(), halves, bias, &epilogue, out);
                }
            }
        }
        S::scratch().set(scratch);
    }
}

/// Where the inputs of a tile lie.
#[derive(Clone, Copy)]
struct TileInputs {
    /// The second of its second row, in the first channel.
    start: usize,
    /// Which of its rows and columns are inside the image.
    rows: [bool; SIDE],
    columns: [bool; SIDE],
    channels: usize,
}

/// Some tiles, in one part of the lanes.
#[derive(Clone, Copy)]
struct Strip<'a, V> {
    simd: V,
    input: TensorShape,
    tiles: &'a [Tile],
    part: usize,
}

impl<V: Simd> Strip<'_, V> {
    /// The products, summed over input channels, times A, whose columns are (1, 1, 1, 0) and (0, 1, −1, −1).
    #[inline(always)]
    fn multiply<S: KernelScalar>(
        &self,
        sources: &[ConvInput<'_, S>],
        outputs: Range<usize>,
        inputs: &mut [S::Vector<V>],
        halves: &mut [S::Vector<V>],
    ) {
        let channels = self.input.channels;
        let mut begun = false;
        for source in sources {
            for first in (0..channels).step_by(CHANNELS) {
                let used = first..(first + CHANNELS).min(channels);
                self.transform::<S>(S::vectors::<V>(source.x), used.clone(), inputs);
                for row in 0..SIDE {
                    let inputs = &inputs[row * SIDE * INPUTS..];
                    let halves = &mut halves[row * HALVES..];
                    for (i, block) in (outputs.start / BLOCK..outputs.end.div_ceil(BLOCK)).enumerate() {
                        let halves = &mut halves[i * BLOCK * TILES * 2..][..BLOCK * TILES * 2];
                        let taps: [&[[S; BLOCK]]; SIDE] = std::array::from_fn(|column| {
                            let at = ((block * POINTS + row * SIDE + column) * channels + used.start) * BLOCK;
                            source.filters[at..][..used.len() * BLOCK].as_chunks::<BLOCK>().0
                        });
                        self.add::<S>(taps, inputs, begun, halves);
                    }
                }
                begun = true;
            }
        }
    }

    /// Adds the products of the tiles' transforms in one row, for a block of outputs.
    #[inline(always)]
    fn add<S: KernelScalar>(
        &self,
        taps: [&[[S; BLOCK]]; SIDE],
        inputs: &[S::Vector<V>],
        begun: bool,
        halves: &mut [S::Vector<V>],
    ) {
        let simd = self.simd;
        let zero = S::splat(simd, S::zero());
        let mut sums = [[[zero; 2]; TILES]; BLOCK];
        if begun {
            for k in 0..BLOCK {
                for p in 0..TILES {
                    for column in 0..2 {
                        sums[k][p][column] = halves[(k * TILES + p) * 2 + column];
                    }
                }
            }
        }
        for column in 0..SIDE {
            let values = inputs[column * INPUTS..][..taps[column].len() * TILES].as_chunks::<TILES>().0;
            let mut held = [[zero; TILES]; BLOCK];
            for (taps, values) in taps[column].iter().zip(values) {
                for k in 0..BLOCK {
                    let tap = S::splat(simd, taps[k]);
                    for p in 0..TILES {
                        held[k][p] = S::fma(simd, tap, values[p], held[k][p]);
                    }
                }
            }
            for k in 0..BLOCK {
                for p in 0..TILES {
                    let (held, [left, right]) = (held[k][p], &mut sums[k][p]);
                    match column {
                        0 => *left = S::sum(simd, *left, held),
                        1 => {
                            *left = S::sum(simd, *left, held);
                            *right = S::sum(simd, *right, held);
                        }
                        2 => {
                            *left = S::sum(simd, *left, held);
                            *right = S::difference(simd, *right, held);
                        }
                        _ => *right = S::difference(simd, *right, held),
                    }
                }
            }
        }
        for k in 0..BLOCK {
            for p in 0..TILES {
                for column in 0..2 {
                    halves[(k * TILES + p) * 2 + column] = sums[k][p][column];
                }
            }
        }
    }

    /// Bᵀ d B, for some channels.
    #[inline(always)]
    fn transform<S: KernelScalar>(
        &self,
        x: &[S::Vector<V>],
        channels: Range<usize>,
        inputs: &mut [S::Vector<V>],
    ) {
        let input = self.input;
        for p in 0..self.tiles.len() {
            let tile = self.tiles[p];
            let start = tile.group * input.vectors() + channels.start * input.stride();
            let of = TileInputs {
                // A tile begins a row and a column before its results.
                start: (start + tile.y * input.width + tile.x) * S::parts::<V>() + self.part,
                rows: [tile.y > 0, true, tile.y + 1 < input.height, tile.y + 2 < input.height],
                columns: [tile.x > 0, true, tile.x + 1 < input.width, tile.x + 2 < input.width],
                channels: channels.len(),
            };
            if of.rows == [true; SIDE] && of.columns == [true; SIDE] {
                self.transform_tile::<S, true>(x, of, p, inputs);
            } else {
                self.transform_tile::<S, false>(x, of, p, inputs);
            }
        }
    }

    #[inline(always)]
    fn transform_tile<S: KernelScalar, const INSIDE: bool>(
        &self,
        x: &[S::Vector<V>],
        of: TileInputs,
        p: usize,
        inputs: &mut [S::Vector<V>],
    ) {
        let (simd, parts) = (self.simd, S::parts::<V>());
        let zero = S::splat(simd, S::zero());
        let line = self.input.width * parts;
        let step = self.input.stride() * parts;
        let mut points = inputs.chunks_exact_mut(INPUTS);
        let points: [&mut [[S::Vector<V>; TILES]]; POINTS] = std::array::from_fn(|_| {
            let points = points.next().expect("there is memory for all points");
            &mut points.as_chunks_mut::<TILES>().0[..of.channels]
        });
        for channel in 0..of.channels {
            let mut down = [[zero; SIDE]; SIDE];
            if INSIDE {
                let start = of.start + channel * step - line - parts;
                let d: [&[S::Vector<V>]; SIDE] =
                    std::array::from_fn(|row| &x[start + row * line..][..=(SIDE - 1) * parts]);
                for column in 0..SIDE {
                    down[column] = self.combined::<S>(std::array::from_fn(|row| d[row][column * parts]));
                }
            } else {
                for column in 0..SIDE {
                    if of.columns[column] {
                        let mut d = [zero; SIDE];
                        for row in 0..SIDE {
                            if of.rows[row] {
                                d[row] =
                                    x[of.start + channel * step + row * line + column * parts - line - parts];
                            }
                        }
                        down[column] = self.combined::<S>(d);
                    }
                }
            }
            for row in 0..SIDE {
                let values = self.combined::<S>([down[0][row], down[1][row], down[2][row], down[3][row]]);
                for column in 0..SIDE {
                    points[row * SIDE + column][channel][p] = values[column];
                }
            }
        }
    }

    /// Bᵀ d: d₀ − d₂, d₁ + d₂, d₂ − d₁, d₁ − d₃.
    #[inline(always)]
    fn combined<S: KernelScalar>(&self, d: [S::Vector<V>; SIDE]) -> [S::Vector<V>; SIDE] {
        let simd = self.simd;
        [
            S::difference(simd, d[0], d[2]),
            S::sum(simd, d[1], d[2]),
            S::difference(simd, d[2], d[1]),
            S::difference(simd, d[1], d[3]),
        ]
    }

    /// Aᵀ times what the columns gave: the results.
    #[inline(always)]
    fn back_along_rows<S: KernelScalar>(
        &self,
        channels: usize,
        outputs: Range<usize>,
        halves: &[S::Vector<V>],
        bias: Option<&[S]>,
        epilogue: &EpilogueVectors<'_, S, V>,
        out: &mut [S::Vector<V>],
    ) {
        let (simd, parts) = (self.simd, S::parts::<V>());
        let output = TensorShape { channels, ..self.input };
        let mut rows = halves.chunks_exact(HALVES);
        let len = outputs.len();
        let rows: [&[_]; SIDE] = std::array::from_fn(|_| {
            let row = rows.next().expect("there is memory for all rows");
            &row.as_chunks::<2>().0.as_chunks::<TILES>().0[..len]
        });
        for p in 0..self.tiles.len() {
            let tile = self.tiles[p];
            let first = tile.group * output.vectors() + tile.y * output.width + tile.x;
            let [right, below] = [tile.x + 1 < output.width, tile.y + 1 < output.height];
            for k in 0..len {
                let channel = outputs.start + k;
                let bias = S::splat(simd, bias.map_or(S::zero(), |bias| bias[channel]));
                let halves: [[S::Vector<V>; 2]; SIDE] = std::array::from_fn(|row| rows[row][k][p]);
                let to = (first + channel * output.stride()) * parts + self.part;
                for column in 0..2 {
                    if column == 1 && !right {
                        continue;
                    }
                    let [above, under] = self.back::<S>(std::array::from_fn(|row| halves[row][column]));
                    let to = to + column * parts;
                    epilogue.store(simd, S::sum(simd, above, bias), out, to);
                    if below {
                        epilogue.store(simd, S::sum(simd, under, bias), out, to + output.width * parts);
                    }
                }
            }
        }
    }

    /// m₀ + m₁ + m₂ and m₁ − m₂ − m₃.
    #[inline(always)]
    fn back<S: KernelScalar>(&self, m: [S::Vector<V>; SIDE]) -> [S::Vector<V>; 2] {
        let simd = self.simd;
        [
            S::sum(simd, S::sum(simd, m[0], m[1]), m[2]),
            S::difference(simd, S::difference(simd, m[1], m[2]), m[3]),
        ]
    }
}

const _: () = assert!(CHANNELS.is_multiple_of(BLOCK), "outputs begin with a block");
