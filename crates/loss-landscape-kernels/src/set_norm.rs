//! Normalisation of sets of a sample's values: groups of channels over the image, or all channels of a pixel.
//!
//! With x̂ = (x − mean)·r and r = 1/√(variance + ε), both R of x̂ and what comes back through it are made with
//! P(u) = r·(u − mean(u) − x̂·mean(x̂·u)): Rx̂ = P(Rx), and δ of x is P(γ·δ).

#![allow(clippy::inline_always, reason = "only what is inlined is compiled for the chosen instruction set")]

use crate::{
    elementwise::Elementwise,
    epilogue::Epilogue,
    kernel_scalar::KernelScalar,
    lanes::{LANES, sum_lanes},
    tensor_shape::TensorShape,
};

/// Which values of a sample are normalised together: blocks of channels × pixels of its tensor.
#[derive(Clone, Copy, Debug)]
pub struct NormSets {
    /// Of a tensor: channels, pixels, and the vectors from one channel to the next.
    all: [usize; 3],
    /// Consecutive channels and pixels of a set.
    set: [usize; 2],
    epsilon: f64,
}

/// One set in one group of samples.
#[derive(Clone, Copy)]
struct SetPlace {
    /// Its first vector, and the step to that of the next channel.
    first: usize,
    stride: usize,
    /// Its first channel.
    channel: usize,
    channels: usize,
    pixels: usize,
}

impl SetPlace {
    /// Its channels, each with the range of its vectors.
    #[inline(always)]
    fn rows(self) -> impl Iterator<Item = (usize, std::ops::Range<usize>)> {
        (0..self.channels).map(move |c| {
            let start = self.first + c * self.stride;
            (self.channel + c, start..start + self.pixels)
        })
    }
}

impl NormSets {
    /// Sets of consecutive channels and pixels of a tensor, divisors of all of them. `epsilon` is added to variances, and
    /// positive.
    pub fn of_tensor(shape: TensorShape, channels: usize, pixels: usize, epsilon: f64) -> Self {
        Self { all: [shape.channels, shape.pixels(), shape.stride()], set: [channels, pixels], epsilon }
    }

    /// The columns of a matrix [units, samples], the samples a multiple of [`LANES`].
    pub fn of_columns(units: usize, samples: usize, epsilon: f64) -> Self {
        let vectors = samples / LANES;
        Self { all: [units, vectors, vectors], set: [units, 1], epsilon }
    }

    /// Consecutive channels of a set.
    pub fn channels(self) -> usize {
        self.set[0]
    }

    /// Where the sets of a tensor of `len` values are.
    #[inline(always)]
    fn places(self, len: usize) -> impl Iterator<Item = SetPlace> {
        let Self { all: [all_channels, all_pixels, stride], set: [channels, pixels], .. } = self;
        let (blocks, parts) = (all_channels / channels, all_pixels / pixels);
        let groups = len / (all_channels * stride * LANES);
        (0..groups * blocks * parts).map(move |index| {
            let (group, block, part) = (index / (blocks * parts), index / parts % blocks, index % parts);
            SetPlace {
                first: (group * all_channels + block * channels) * stride + part * pixels,
                stride,
                channel: block * channels,
                channels,
                pixels,
            }
        })
    }

    #[inline(always)]
    fn share<S: KernelScalar>(self) -> S {
        S::one() / S::nearest((self.set[0] * self.set[1]) as f64)
    }
}

/// A number for each lane.
type Lane<S> = [S; LANES];

#[inline(always)]
fn vectors<S: KernelScalar>(x: &[S]) -> &[Lane<S>] {
    x.as_chunks::<LANES>().0
}

#[inline(always)]
fn zero<S: KernelScalar>() -> Lane<S> {
    [S::zero(); LANES]
}

/// The means of a set's samples, and r.
#[inline(always)]
fn moments<S: KernelScalar>(sets: NormSets, place: SetPlace, x: &[Lane<S>]) -> [Lane<S>; 2] {
    let share = sets.share::<S>();
    let (mut mean, mut square) = (zero(), zero::<S>());
    for (_, row) in place.rows() {
        for x in &x[row] {
            for lane in 0..LANES {
                mean[lane] += x[lane];
            }
        }
    }
    for mean in &mut mean {
        *mean *= share;
    }
    for (_, row) in place.rows() {
        for x in &x[row] {
            for lane in 0..LANES {
                let centred = x[lane] - mean[lane];
                square[lane] += centred * centred;
            }
        }
    }
    let epsilon = S::nearest(sets.epsilon);
    [mean, square.map(|square| S::one() / (square * share + epsilon).sqrt())]
}

/// mean(u) and mean(x̂·u) of factor·u, with a factor for each channel if there are any.
#[inline(always)]
fn projections<S: KernelScalar>(
    sets: NormSets,
    place: SetPlace,
    [mean, inverse]: [Lane<S>; 2],
    x: &[Lane<S>],
    u: &[Lane<S>],
    factors: Option<&[S]>,
) -> [Lane<S>; 2] {
    let share = sets.share::<S>();
    let (mut plain, mut dot) = (zero(), zero::<S>());
    for (channel, row) in place.rows() {
        let factor = factors.map_or(S::one(), |factors| factors[channel]);
        for (x, u) in x[row.clone()].iter().zip(&u[row]) {
            for lane in 0..LANES {
                let u = factor * u[lane];
                plain[lane] += u;
                dot[lane] += u * (x[lane] - mean[lane]) * inverse[lane];
            }
        }
    }
    for lane in 0..LANES {
        plain[lane] *= share;
        dot[lane] *= share;
    }
    [plain, dot]
}

/// γ·x̂ + β.
#[derive(Debug)]
pub struct NormaliseSets<'a, S> {
    /// The results.
    pub out: &'a mut [S],
    /// The tensor.
    pub x: &'a [S],
    /// γ: a number for each channel.
    pub scale: &'a [S],
    /// β.
    pub shift: &'a [S],
    /// The sets.
    pub sets: NormSets,
}

impl<S: KernelScalar> NormaliseSets<'_, S> {
    /// Computes it.
    pub fn run(self) {
        (S::kernels().normalise_sets)(self);
    }
}

impl<S: KernelScalar> Elementwise for NormaliseSets<'_, S> {
    #[inline(always)]
    fn apply(self) {
        let Self { out, x, scale, shift, sets } = self;
        let (x, out) = (vectors(x), out.as_chunks_mut::<LANES>().0);
        for place in sets.places(x.len() * LANES) {
            let [mean, inverse] = moments(sets, place, x);
            for (channel, row) in place.rows() {
                for (out, x) in out[row.clone()].iter_mut().zip(&x[row]) {
                    for lane in 0..LANES {
                        let normal = (x[lane] - mean[lane]) * inverse[lane];
                        out[lane] = scale[channel] * normal + shift[channel];
                    }
                }
            }
        }
    }
}

/// δ of x: P(γ·δ).
#[derive(Debug)]
pub struct DeltaThroughSets<'a, S> {
    /// The results.
    pub out: &'a mut [S],
    /// The tensor that was normalised.
    pub x: &'a [S],
    /// δ.
    pub delta: &'a [S],
    /// γ.
    pub scale: &'a [S],
    /// The sets.
    pub sets: NormSets,
    /// What becomes of the results.
    pub epilogue: Epilogue<'a, S>,
}

impl<S: KernelScalar> DeltaThroughSets<'_, S> {
    /// Computes it.
    pub fn run(self) {
        (S::kernels().delta_through_sets)(self);
    }
}

impl<S: KernelScalar> Elementwise for DeltaThroughSets<'_, S> {
    #[inline(always)]
    fn apply(self) {
        let Self { out, x, delta, scale, sets, epilogue } = self;
        let (x, delta) = (vectors(x), vectors(delta));
        for place in sets.places(x.len() * LANES) {
            let of_x @ [mean, inverse] = moments(sets, place, x);
            let [plain, dot] = projections(sets, place, of_x, x, delta, Some(scale));
            for (channel, row) in place.rows() {
                for at in row {
                    let (x, delta) = (&x[at], &delta[at]);
                    let mut values = zero();
                    for lane in 0..LANES {
                        let normal = (x[lane] - mean[lane]) * inverse[lane];
                        let g = scale[channel] * delta[lane];
                        values[lane] = inverse[lane] * (g - plain[lane] - normal * dot[lane]);
                    }
                    epilogue.put_all(&mut values, out, at * LANES);
                }
            }
        }
    }
}

/// Adds the gradient by γ and β: Σ δ·x̂ and Σ δ, or along a direction Σ Rδ·x̂ + δ·Rx̂ and Σ Rδ.
#[derive(Debug)]
pub struct GradientOfSets<'a, S> {
    /// A sum for each channel.
    pub by_scale: &'a mut [S],
    /// A sum for each channel.
    pub by_shift: &'a mut [S],
    /// The tensor that was normalised.
    pub x: &'a [S],
    /// δ, or Rδ.
    pub delta: &'a [S],
    /// Along a direction, Rx and δ.
    pub bend: Option<[&'a [S]; 2]>,
    /// The sets.
    pub sets: NormSets,
}

impl<S: KernelScalar> GradientOfSets<'_, S> {
    /// Computes it.
    pub fn run(self) {
        (S::kernels().gradient_of_sets)(self);
    }
}

impl<S: KernelScalar> Elementwise for GradientOfSets<'_, S> {
    #[inline(always)]
    fn apply(self) {
        let Self { by_scale, by_shift, x, delta, bend, sets } = self;
        let (x, delta) = (vectors(x), vectors(delta));
        for place in sets.places(x.len() * LANES) {
            let of_x @ [mean, inverse] = moments(sets, place, x);
            for (channel, row) in place.rows() {
                let (mut plain, mut dot) = (zero(), zero());
                for (x, delta) in x[row.clone()].iter().zip(&delta[row]) {
                    for lane in 0..LANES {
                        plain[lane] += delta[lane];
                        dot[lane] += delta[lane] * (x[lane] - mean[lane]) * inverse[lane];
                    }
                }
                by_scale[channel] += sum_lanes(&dot);
                by_shift[channel] += sum_lanes(&plain);
            }
            let Some([tangent, delta]) = bend else { continue };
            let (tangent, delta) = (vectors(tangent), vectors(delta));
            let [plain, dot] = projections(sets, place, of_x, x, tangent, None);
            for (channel, row) in place.rows() {
                let mut sum = zero();
                for at in row {
                    let (x, tangent, delta) = (&x[at], &tangent[at], &delta[at]);
                    for lane in 0..LANES {
                        let normal = (x[lane] - mean[lane]) * inverse[lane];
                        sum[lane] +=
                            delta[lane] * inverse[lane] * (tangent[lane] - plain[lane] - normal * dot[lane]);
                    }
                }
                by_scale[channel] += sum_lanes(&sum);
            }
        }
    }
}

/// R of γ·x̂ + β: Rγ·x̂ + γ·P(Rx) + Rβ.
#[derive(Debug)]
pub struct TangentOfSets<'a, S> {
    /// The results.
    pub out: &'a mut [S],
    /// The tensor that is normalised.
    pub x: &'a [S],
    /// Rx; none if it is 0.
    pub tangent: Option<&'a [S]>,
    /// γ.
    pub scale: &'a [S],
    /// Rγ.
    pub scale_along: &'a [S],
    /// Rβ.
    pub shift_along: &'a [S],
    /// The sets.
    pub sets: NormSets,
}

impl<S: KernelScalar> TangentOfSets<'_, S> {
    /// Computes it.
    pub fn run(self) {
        (S::kernels().tangent_of_sets)(self);
    }
}

impl<S: KernelScalar> Elementwise for TangentOfSets<'_, S> {
    #[inline(always)]
    fn apply(self) {
        let Self { out, x, tangent, scale, scale_along, shift_along, sets } = self;
        let (x, out) = (vectors(x), out.as_chunks_mut::<LANES>().0);
        let tangent = tangent.map(vectors);
        for place in sets.places(x.len() * LANES) {
            let of_x @ [mean, inverse] = moments(sets, place, x);
            let [plain, dot] =
                tangent.map_or([zero(); 2], |tangent| projections(sets, place, of_x, x, tangent, None));
            for (channel, row) in place.rows() {
                for at in row {
                    let (x, out) = (&x[at], &mut out[at]);
                    for lane in 0..LANES {
                        let normal = (x[lane] - mean[lane]) * inverse[lane];
                        let moved = tangent.map_or(S::zero(), |tangent| {
                            inverse[lane] * (tangent[at][lane] - plain[lane] - normal * dot[lane])
                        });
                        out[lane] =
                            scale_along[channel] * normal + scale[channel] * moved + shift_along[channel];
                    }
                }
            }
        }
    }
}

/// R of P(g) for g = γ·δ: P(Rg) − mean(x̂·Rx)·r·P(g) − r·(Rx̂·mean(x̂·g) + x̂·mean(g·Rx̂)).
#[derive(Debug)]
pub struct TangentDeltaThroughSets<'a, S> {
    /// The results.
    pub out: &'a mut [S],
    /// The tensor that was normalised.
    pub x: &'a [S],
    /// Rx; none if it is 0.
    pub tangent: Option<&'a [S]>,
    /// δ.
    pub delta: &'a [S],
    /// Rδ.
    pub tangent_delta: &'a [S],
    /// γ.
    pub scale: &'a [S],
    /// Rγ.
    pub scale_along: &'a [S],
    /// The sets.
    pub sets: NormSets,
    /// What becomes of the results.
    pub epilogue: Epilogue<'a, S>,
}

impl<S: KernelScalar> TangentDeltaThroughSets<'_, S> {
    /// Computes it.
    pub fn run(self) {
        (S::kernels().tangent_delta_through_sets)(self);
    }
}

impl<S: KernelScalar> Elementwise for TangentDeltaThroughSets<'_, S> {
    #[inline(always)]
    fn apply(self) {
        let Self { out, x, tangent, delta, tangent_delta, scale, scale_along, sets, epilogue } = self;
        let (x, delta, tangent_delta) = (vectors(x), vectors(delta), vectors(tangent_delta));
        let tangent = tangent.map(vectors);
        let share = sets.share::<S>();
        for place in sets.places(x.len() * LANES) {
            let of_x @ [mean, inverse] = moments(sets, place, x);
            // Of g = γ·δ, of Rg = Rγ·δ + γ·Rδ, and of Rx.
            let [g_plain, g_dot] = projections(sets, place, of_x, x, delta, Some(scale));
            let [mut r_plain, mut r_dot] = projections(sets, place, of_x, x, tangent_delta, Some(scale));
            let of_direction = projections(sets, place, of_x, x, delta, Some(scale_along));
            let [t_plain, t_dot] =
                tangent.map_or([zero(); 2], |tangent| projections(sets, place, of_x, x, tangent, None));
            // mean(g·Rx̂)
            let mut crossed = zero::<S>();
            if let Some(tangent) = tangent {
                for (channel, row) in place.rows() {
                    for at in row {
                        for lane in 0..LANES {
                            let normal = (x[at][lane] - mean[lane]) * inverse[lane];
                            let moved =
                                inverse[lane] * (tangent[at][lane] - t_plain[lane] - normal * t_dot[lane]);
                            crossed[lane] += scale[channel] * delta[at][lane] * moved;
                        }
                    }
                }
            }
            for lane in 0..LANES {
                r_plain[lane] += of_direction[0][lane];
                r_dot[lane] += of_direction[1][lane] + crossed[lane] * share;
            }
            for (channel, row) in place.rows() {
                for at in row {
                    // Rx, of which there is none in front of the first parameters.
                    let tangent = tangent.map_or([S::zero(); LANES], |tangent| tangent[at]);
                    let mut values = zero();
                    for lane in 0..LANES {
                        let (inverse, delta) = (inverse[lane], delta[at][lane]);
                        let normal = (x[at][lane] - mean[lane]) * inverse;
                        let moved = inverse * (tangent[lane] - t_plain[lane] - normal * t_dot[lane]);
                        let g = scale[channel] * delta;
                        let along = scale_along[channel] * delta + scale[channel] * tangent_delta[at][lane];
                        let back = g - g_plain[lane] - normal * g_dot[lane];
                        values[lane] = inverse
                            * (along
                                - r_plain[lane]
                                - normal * r_dot[lane]
                                - moved * g_dot[lane]
                                - inverse * t_dot[lane] * back);
                    }
                    epilogue.put_all(&mut values, out, at * LANES);
                }
            }
        }
    }
}
