//! Pools: the maximum or the mean of windows, and the mean over the image.

#![allow(clippy::inline_always, reason = "only what is inlined is compiled for the chosen instruction set")]

use super::layer::{Layer, LayerContext};
use crate::simd::{Elementwise, Epilogue, LANES, Real, TensorShape, run};

/// The windows of a pool over a plane.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PoolWindows {
    pub(crate) input: TensorShape,
    pub(crate) output: TensorShape,
    /// The side of a window, and the step from one to the next.
    pub(crate) window: usize,
    pub(crate) stride: usize,
}

impl PoolWindows {
    /// Calls `each` with every output pixel and the input pixels of its window, in a plane.
    #[inline(always)]
    fn each(self, mut each: impl FnMut(usize, WindowPixels)) {
        let Self { input, output, window, stride } = self;
        for y in 0..output.height {
            for x in 0..output.width {
                let (row, column) = (y * stride, x * stride);
                let columns = window.min(input.width - column);
                let rows = window.min(input.height - row);
                let first = row * input.width + column;
                each(y * output.width + x, WindowPixels { first, width: input.width, columns, rows, at: 0 });
            }
        }
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

/// The maximum of windows; of equal values the first counts.
#[derive(Debug)]
pub(crate) struct MaxPool {
    pub(crate) inputs: [usize; 1],
    pub(crate) out: usize,
    pub(crate) windows: PoolWindows,
}

#[inline(always)]
fn lanes<S: Real>(tensor: &[S], vector: usize) -> &[S; LANES] {
    &tensor.as_chunks::<LANES>().0[vector]
}

/// Of each window the value of `from` where `x` is largest. NaN wins, as in PyTorch.
struct TakeAtLargest<'a, S> {
    out: &'a mut [S],
    x: &'a [S],
    from: &'a [S],
    windows: PoolWindows,
}

impl<S: Real> Elementwise for TakeAtLargest<'_, S> {
    #[inline(always)]
    fn apply(self) {
        let Self { out, x, from, windows } = self;
        let (stride, out_stride) = (windows.input.stride(), windows.output.stride());
        let out = out.as_chunks_mut::<LANES>().0;
        for plane in 0..windows.planes(x.len()) {
            windows.each(|to, pixels| {
                let mut largest = [S::neg_infinity(); LANES];
                let mut taken = [S::zero(); LANES];
                let mut first = true;
                for pixel in pixels {
                    let (x, from) = (lanes(x, plane * stride + pixel), lanes(from, plane * stride + pixel));
                    for lane in 0..LANES {
                        let wins = first || x[lane] > largest[lane] || x[lane].is_nan();
                        largest[lane] = if wins { x[lane] } else { largest[lane] };
                        taken[lane] = if wins { from[lane] } else { taken[lane] };
                    }
                    first = false;
                }
                out[plane * out_stride + to] = taken;
            });
        }
    }
}

/// Adds δ of each window where `x` is largest; the largest value is in `top`.
struct AddAtLargest<'a, S> {
    out: &'a mut [S],
    x: &'a [S],
    top: &'a [S],
    delta: &'a [S],
    windows: PoolWindows,
}

impl<S: Real> Elementwise for AddAtLargest<'_, S> {
    #[inline(always)]
    fn apply(self) {
        let Self { out, x, top, delta, windows } = self;
        let (stride, out_stride) = (windows.input.stride(), windows.output.stride());
        let out = out.as_chunks_mut::<LANES>().0;
        for plane in 0..windows.planes(x.len()) {
            windows.each(|to, pixels| {
                let mut delta = *lanes(delta, plane * out_stride + to);
                let top = lanes(top, plane * out_stride + to);
                for pixel in pixels {
                    let x = lanes(x, plane * stride + pixel);
                    let out = &mut out[plane * stride + pixel];
                    for lane in 0..LANES {
                        let here = x[lane] == top[lane] || (x[lane].is_nan() && top[lane].is_nan());
                        out[lane] += if here { delta[lane] } else { S::zero() };
                        delta[lane] = if here { S::zero() } else { delta[lane] };
                    }
                }
            });
        }
    }
}

/// What has been gathered in place of `out`, finished. `add` was left to the gathering.
fn finish_gathered<S: Real>(epilogue: Epilogue<'_, S>, out: &mut [S]) {
    for at in 0..out.len() {
        let sum = out[at];
        Epilogue { add: false, ..epilogue }.put(sum, out, at);
    }
}

impl MaxPool {
    fn back<S: Real>(
        &self,
        delta: &[S],
        context: &LayerContext<'_, S>,
        epilogue: Epilogue<'_, S>,
        out: &mut [S],
    ) {
        if !epilogue.add {
            out.fill(S::zero());
        }
        run(AddAtLargest {
            out,
            x: context.value(self.inputs[0]),
            top: context.value(self.out),
            delta,
            windows: self.windows,
        });
        finish_gathered(epilogue, out);
    }
}

impl<S: Real> Layer<S> for MaxPool {
    fn inputs(&self) -> &[usize] {
        &self.inputs
    }

    fn value(&self, context: &LayerContext<'_, S>, out: &mut [S]) {
        let x = context.value(self.inputs[0]);
        run(TakeAtLargest { out, x, from: x, windows: self.windows });
    }

    fn delta(&self, _input: usize, context: &LayerContext<'_, S>, epilogue: Epilogue<'_, S>, out: &mut [S]) {
        self.back(context.delta(self.out), context, epilogue, out);
    }

    fn tangent(&self, context: &LayerContext<'_, S>, out: &mut [S]) {
        match context.tangent(self.inputs[0]) {
            Some(tangent) => run(TakeAtLargest {
                out,
                x: context.value(self.inputs[0]),
                from: tangent,
                windows: self.windows,
            }),
            None => out.fill(S::zero()),
        }
    }

    fn tangent_delta(
        &self,
        _input: usize,
        context: &LayerContext<'_, S>,
        epilogue: Epilogue<'_, S>,
        out: &mut [S],
    ) {
        self.back(context.tangent_delta(self.out), context, epilogue, out);
    }
}

/// The mean of windows.
#[derive(Debug)]
pub(crate) struct AveragePool {
    pub(crate) inputs: [usize; 1],
    pub(crate) out: usize,
    pub(crate) windows: PoolWindows,
}

struct WindowMeans<'a, S> {
    out: &'a mut [S],
    x: &'a [S],
    windows: PoolWindows,
}

impl<S: Real> Elementwise for WindowMeans<'_, S> {
    #[inline(always)]
    fn apply(self) {
        let Self { out, x, windows } = self;
        let (stride, out_stride) = (windows.input.stride(), windows.output.stride());
        let scale = S::one() / S::from_f64((windows.window * windows.window) as f64);
        let out = out.as_chunks_mut::<LANES>().0;
        for plane in 0..windows.planes(x.len()) {
            windows.each(|to, pixels| {
                let mut sum = [S::zero(); LANES];
                for pixel in pixels {
                    for (sum, &x) in sum.iter_mut().zip(lanes(x, plane * stride + pixel)) {
                        *sum += x;
                    }
                }
                out[plane * out_stride + to] = sum.map(|sum| sum * scale);
            });
        }
    }
}

struct SpreadOverWindows<'a, S> {
    out: &'a mut [S],
    delta: &'a [S],
    windows: PoolWindows,
}

impl<S: Real> Elementwise for SpreadOverWindows<'_, S> {
    #[inline(always)]
    fn apply(self) {
        let Self { out, delta, windows } = self;
        let (stride, out_stride) = (windows.input.stride(), windows.output.stride());
        let scale = S::one() / S::from_f64((windows.window * windows.window) as f64);
        let planes = windows.planes(out.len());
        let out = out.as_chunks_mut::<LANES>().0;
        for plane in 0..planes {
            windows.each(|to, pixels| {
                let delta = lanes(delta, plane * out_stride + to);
                for pixel in pixels {
                    for (out, &delta) in out[plane * stride + pixel].iter_mut().zip(delta) {
                        *out += delta * scale;
                    }
                }
            });
        }
    }
}

impl AveragePool {
    fn back<S: Real>(&self, delta: &[S], epilogue: Epilogue<'_, S>, out: &mut [S]) {
        if !epilogue.add {
            out.fill(S::zero());
        }
        run(SpreadOverWindows { out, delta, windows: self.windows });
        finish_gathered(epilogue, out);
    }
}

impl<S: Real> Layer<S> for AveragePool {
    fn inputs(&self) -> &[usize] {
        &self.inputs
    }

    fn value(&self, context: &LayerContext<'_, S>, out: &mut [S]) {
        run(WindowMeans { out, x: context.value(self.inputs[0]), windows: self.windows });
    }

    fn delta(&self, _input: usize, context: &LayerContext<'_, S>, epilogue: Epilogue<'_, S>, out: &mut [S]) {
        self.back(context.delta(self.out), epilogue, out);
    }

    fn tangent(&self, context: &LayerContext<'_, S>, out: &mut [S]) {
        match context.tangent(self.inputs[0]) {
            Some(tangent) => run(WindowMeans { out, x: tangent, windows: self.windows }),
            None => out.fill(S::zero()),
        }
    }

    fn tangent_delta(
        &self,
        _input: usize,
        context: &LayerContext<'_, S>,
        epilogue: Epilogue<'_, S>,
        out: &mut [S],
    ) {
        self.back(context.tangent_delta(self.out), epilogue, out);
    }
}

/// The mean over the image.
#[derive(Debug)]
pub(crate) struct GlobalMean {
    pub(crate) inputs: [usize; 1],
    pub(crate) out: usize,
    pub(crate) input: TensorShape,
}

struct ImageMeans<'a, S> {
    out: &'a mut [S],
    x: &'a [S],
    input: TensorShape,
}

impl<S: Real> Elementwise for ImageMeans<'_, S> {
    #[inline(always)]
    fn apply(self) {
        let Self { out, x, input } = self;
        let scale = S::one() / S::from_f64(input.pixels() as f64);
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

struct SpreadOverImage<'a, S> {
    out: &'a mut [S],
    delta: &'a [S],
    input: TensorShape,
    epilogue: Epilogue<'a, S>,
}

impl<S: Real> Elementwise for SpreadOverImage<'_, S> {
    #[inline(always)]
    fn apply(self) {
        let Self { out, delta, input, epilogue } = self;
        let scale = S::one() / S::from_f64(input.pixels() as f64);
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

impl<S: Real> Layer<S> for GlobalMean {
    fn inputs(&self) -> &[usize] {
        &self.inputs
    }

    fn value(&self, context: &LayerContext<'_, S>, out: &mut [S]) {
        run(ImageMeans { out, x: context.value(self.inputs[0]), input: self.input });
    }

    fn delta(&self, _input: usize, context: &LayerContext<'_, S>, epilogue: Epilogue<'_, S>, out: &mut [S]) {
        run(SpreadOverImage { out, delta: context.delta(self.out), input: self.input, epilogue });
    }

    fn tangent(&self, context: &LayerContext<'_, S>, out: &mut [S]) {
        match context.tangent(self.inputs[0]) {
            Some(tangent) => run(ImageMeans { out, x: tangent, input: self.input }),
            None => out.fill(S::zero()),
        }
    }

    fn tangent_delta(
        &self,
        _input: usize,
        context: &LayerContext<'_, S>,
        epilogue: Epilogue<'_, S>,
        out: &mut [S],
    ) {
        run(SpreadOverImage { out, delta: context.tangent_delta(self.out), input: self.input, epilogue });
    }
}
