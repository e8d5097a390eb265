//! Pools: the maximum or the mean of windows, and the mean over the image.

#![allow(clippy::inline_always, reason = "only what is inlined is compiled for the chosen instruction set")]

use pulp::{Simd, WithSimd};

use crate::{
    elementwise::Elementwise, epilogue::Epilogue, kernel_scalar::KernelScalar, lanes::LANES,
    tensor_shape::TensorShape,
};

/// The windows of a pool over a plane.
#[derive(Clone, Copy, Debug)]
pub struct PoolWindows {
    /// What is pooled.
    pub input: TensorShape,
    /// What the pool gives.
    pub output: TensorShape,
    /// The side of a window.
    pub window: usize,
    /// From one window to the next.
    pub stride: usize,
    /// Pixels around the image on each side, fewer than a window has.
    pub padding: usize,
    /// Whether a mean is over all pixels of a window, those of the padding being 0, or over those of the image.
    pub count_padding: bool,
    /// Windows that share the input out among the output's pixels, as evenly as they can, and overlap where it does
    /// not come out even. All but the shapes is ignored then.
    pub adaptive: bool,
}

impl PoolWindows {
    /// The pixels of a window that lie on the image, in a plane; `to` is the output pixel.
    #[inline(always)]
    fn pixels(self, to: usize) -> WindowPixels {
        let (input, output) = (self.input, self.output);
        let (row, rows) = self.inside(to / output.width, input.height, output.height);
        let (column, columns) = self.inside(to % output.width, input.width, output.width);
        WindowPixels { first: row * input.width + column, width: input.width, columns, rows, at: 0 }
    }

    /// The part of a window that lies on the image, along one axis: where it begins, and how long it is.
    #[inline(always)]
    fn inside(self, at: usize, length: usize, count: usize) -> (usize, usize) {
        if self.adaptive {
            let start = at * length / count;
            return (start, ((at + 1) * length).div_ceil(count) - start);
        }
        let start = (at * self.stride).saturating_sub(self.padding);
        (start, (at * self.stride + self.window - self.padding).min(length) - start)
    }

    /// What a sum over these pixels of a window is multiplied with to be a mean.
    #[inline(always)]
    fn share<S: KernelScalar>(self, pixels: &WindowPixels) -> S {
        let count = if self.count_padding && !self.adaptive {
            self.window * self.window
        } else {
            pixels.rows * pixels.columns
        };
        S::one() / S::nearest(count as f64)
    }

    fn planes(self, tensor: usize) -> usize {
        tensor / (self.input.stride() * LANES)
    }
}

/// The pixels of a window, row by row.
struct WindowPixels {
    first: usize,
    width: usize,
    columns: usize,
    rows: usize,
    at: usize,
}

impl Iterator for WindowPixels {
    type Item = usize;
    #[inline(always)]
    fn next(&mut self) -> Option<usize> {
        if self.rows == 0 {
            return None;
        }
        let pixel = self.first + self.at;
        self.at += 1;
        if self.at == self.columns {
            (self.at, self.first, self.rows) = (0, self.first + self.width, self.rows - 1);
        }
        Some(pixel)
    }
}

#[inline(always)]
fn lanes<S: KernelScalar>(tensor: &[S], vector: usize) -> &[S; LANES] {
    &tensor.as_chunks::<LANES>().0[vector]
}

/// Of each window the value of `from` where `x` is largest. NaN wins, as in PyTorch.
#[derive(Debug)]
pub struct TakeAtLargest<'a, S> {
    /// The results.
    pub out: &'a mut [S],
    /// What is compared.
    pub x: &'a [S],
    /// What is taken.
    pub from: &'a [S],
    /// The windows.
    pub windows: PoolWindows,
}

impl<S: KernelScalar> TakeAtLargest<'_, S> {
    /// Computes it.
    pub fn run(self) {
        (S::kernels().take_at_largest)(self);
    }
}

impl<S: KernelScalar> WithSimd for TakeAtLargest<'_, S> {
    type Output = ();
    #[inline(always)]
    fn with_simd<V: Simd>(self, simd: V) {
        let Self { out, x, from, windows } = self;
        let parts = S::parts::<V>();
        let (stride, out_stride) = (windows.input.stride(), windows.output.stride());
        let planes = windows.planes(x.len());
        let (out, x, from) = (S::vectors_mut::<V>(out), S::vectors::<V>(x), S::vectors::<V>(from));
        for plane in 0..planes {
            for to in 0..windows.output.pixels() {
                for part in 0..parts {
                    let pixels = windows.pixels(to);
                    let at = |pixel: usize| (plane * stride + pixel) * parts + part;
                    let start = at(pixels.first);
                    let (mut largest, mut taken) = (x[start], from[start]);
                    for pixel in pixels {
                        let here = at(pixel);
                        taken = S::where_larger(simd, x[here], largest, from[here], taken);
                        largest = S::where_larger(simd, x[here], largest, x[here], largest);
                    }
                    out[(plane * out_stride + to) * parts + part] = taken;
                }
            }
        }
    }
}

/// Adds δ of each window where `x` is largest; the largest value is in `top`.
#[derive(Debug)]
pub struct AddAtLargest<'a, S> {
    /// What is added to.
    pub out: &'a mut [S],
    /// What was pooled.
    pub x: &'a [S],
    /// What the pool gave.
    pub top: &'a [S],
    /// What is added.
    pub delta: &'a [S],
    /// The windows.
    pub windows: PoolWindows,
}

impl<S: KernelScalar> AddAtLargest<'_, S> {
    /// Computes it.
    pub fn run(self) {
        (S::kernels().add_at_largest)(self);
    }
}

impl<S: KernelScalar> Elementwise for AddAtLargest<'_, S> {
    #[inline(always)]
    fn apply(self) {
        let Self { out, x, top, delta, windows } = self;
        let (stride, out_stride) = (windows.input.stride(), windows.output.stride());
        let out = out.as_chunks_mut::<LANES>().0;
        for plane in 0..windows.planes(x.len()) {
            for to in 0..windows.output.pixels() {
                let pixels = windows.pixels(to);
                let mut delta = *lanes(delta, plane * out_stride + to);
                let top = lanes(top, plane * out_stride + to);
                for pixel in pixels {
                    let x = lanes(x, plane * stride + pixel);
                    let out = &mut out[plane * stride + pixel];
                    for lane in 0..LANES {
                        let here = (x[lane] == top[lane]) | (x[lane].is_nan() & top[lane].is_nan());
                        out[lane] += if here { delta[lane] } else { S::zero() };
                        delta[lane] = if here { S::zero() } else { delta[lane] };
                    }
                }
            }
        }
    }
}

/// The mean of each window.
#[derive(Debug)]
pub struct WindowMeans<'a, S> {
    /// The means.
    pub out: &'a mut [S],
    /// The tensor.
    pub x: &'a [S],
    /// The windows.
    pub windows: PoolWindows,
}

impl<S: KernelScalar> WindowMeans<'_, S> {
    /// Computes it.
    pub fn run(self) {
        (S::kernels().window_means)(self);
    }
}

impl<S: KernelScalar> Elementwise for WindowMeans<'_, S> {
    #[inline(always)]
    fn apply(self) {
        let Self { out, x, windows } = self;
        let (stride, out_stride) = (windows.input.stride(), windows.output.stride());
        let out = out.as_chunks_mut::<LANES>().0;
        for plane in 0..windows.planes(x.len()) {
            for to in 0..windows.output.pixels() {
                let pixels = windows.pixels(to);
                let scale = windows.share::<S>(&pixels);
                let mut sum = [S::zero(); LANES];
                for pixel in pixels {
                    for (sum, &x) in sum.iter_mut().zip(lanes(x, plane * stride + pixel)) {
                        *sum += x;
                    }
                }
                out[plane * out_stride + to] = sum.map(|sum| sum * scale);
            }
        }
    }
}

/// Adds to each pixel of a window its share of δ.
#[derive(Debug)]
pub struct SpreadOverWindows<'a, S> {
    /// What is added to.
    pub out: &'a mut [S],
    /// What each window spreads.
    pub delta: &'a [S],
    /// The windows.
    pub windows: PoolWindows,
}

impl<S: KernelScalar> SpreadOverWindows<'_, S> {
    /// Computes it.
    pub fn run(self) {
        (S::kernels().spread_over_windows)(self);
    }
}

impl<S: KernelScalar> Elementwise for SpreadOverWindows<'_, S> {
    #[inline(always)]
    fn apply(self) {
        let Self { out, delta, windows } = self;
        let (stride, out_stride) = (windows.input.stride(), windows.output.stride());
        let planes = windows.planes(out.len());
        let out = out.as_chunks_mut::<LANES>().0;
        for plane in 0..planes {
            for to in 0..windows.output.pixels() {
                let pixels = windows.pixels(to);
                let scale = windows.share::<S>(&pixels);
                let delta = lanes(delta, plane * out_stride + to);
                for pixel in pixels {
                    for (out, &delta) in out[plane * stride + pixel].iter_mut().zip(delta) {
                        *out += delta * scale;
                    }
                }
            }
        }
    }
}

/// The mean of each channel over its pixels.
#[derive(Debug)]
pub struct ImageMeans<'a, S> {
    /// A mean for each channel.
    pub out: &'a mut [S],
    /// The tensor.
    pub x: &'a [S],
    /// Its shape.
    pub input: TensorShape,
}

impl<S: KernelScalar> ImageMeans<'_, S> {
    /// Computes it.
    pub fn run(self) {
        (S::kernels().image_means)(self);
    }
}

impl<S: KernelScalar> Elementwise for ImageMeans<'_, S> {
    #[inline(always)]
    fn apply(self) {
        let Self { out, x, input } = self;
        let scale = S::one() / S::nearest(input.pixels() as f64);
        let planes = x.chunks_exact(input.stride() * LANES);
        for (plane, out) in planes.zip(out.as_chunks_mut::<LANES>().0) {
            let mut sum = [S::zero(); LANES];
            for vector in plane[..input.pixels() * LANES].as_chunks::<LANES>().0 {
                for (sum, &x) in sum.iter_mut().zip(vector) {
                    *sum += x;
                }
            }
            *out = sum.map(|sum| sum * scale);
        }
    }
}

/// Gives each pixel its share of δ.
#[derive(Debug)]
pub struct SpreadOverImage<'a, S> {
    /// The result.
    pub out: &'a mut [S],
    /// A number for each channel.
    pub delta: &'a [S],
    /// The shape of the result.
    pub input: TensorShape,
    /// What becomes of the numbers.
    pub epilogue: Epilogue<'a, S>,
}

impl<S: KernelScalar> SpreadOverImage<'_, S> {
    /// Computes it.
    pub fn run(self) {
        (S::kernels().spread_over_image)(self);
    }
}

impl<S: KernelScalar> Elementwise for SpreadOverImage<'_, S> {
    #[inline(always)]
    fn apply(self) {
        let Self { out, delta, input, epilogue } = self;
        let scale = S::one() / S::nearest(input.pixels() as f64);
        for (plane, delta) in delta.as_chunks::<LANES>().0.iter().enumerate() {
            for pixel in 0..input.stride() {
                let start = (plane * input.stride() + pixel) * LANES;
                for (lane, &delta) in delta.iter().enumerate() {
                    epilogue.put(delta * scale, out, start + lane);
                }
            }
        }
    }
}
