//! Pools: the maximum or the mean of windows, and the mean over the image.

#![allow(clippy::inline_always, reason = "only what is inlined is compiled for the chosen instruction set")]

use super::{Layer, Scene};
use crate::{
    NetScalar, Pool,
    kernels::kernel,
    simd::{Finish, LANES, Shape},
};

/// Where windows lie on a plane.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Windows {
    pub(crate) input: Shape,
    pub(crate) output: Shape,
    pub(crate) pool: Pool,
}

impl Windows {
    /// Calls `each` with every output pixel and the input pixels of its window, in a plane.
    #[inline(always)]
    fn each(self, mut each: impl FnMut(usize, Pixels)) {
        let Self { input, output, pool } = self;
        for y in 0..output.height {
            for x in 0..output.width {
                let (row, column) = (y * pool.stride, x * pool.stride);
                let columns = pool.window.min(input.width - column);
                let rows = pool.window.min(input.height - row);
                let first = row * input.width + column;
                each(y * output.width + x, Pixels { first, width: input.width, columns, rows, at: 0 });
            }
        }
    }

    fn planes(self, tensor: usize) -> usize {
        tensor / (self.input.stride() * LANES)
    }
}

/// The pixels of a window, row by row.
struct Pixels {
    first: usize,
    width: usize,
    columns: usize,
    rows: usize,
    at: usize,
}

impl Iterator for Pixels {
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
    pub(crate) windows: Windows,
}

#[inline(always)]
fn lanes<S: NetScalar>(tensor: &[S], vector: usize) -> &[S; LANES] {
    &tensor.as_chunks::<LANES>().0[vector]
}

kernel! {
    /// Of each window the value of `from` where `x` is largest. NaN wins, as in PyTorch.
    fn take_largest(out: &'a mut [S], x: &'a [S], from: &'a [S], windows: Windows) {
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

kernel! {
    /// Adds δ of each window where `x` is largest; the largest value is in `top`.
    fn give_largest(out: &'a mut [S], x: &'a [S], top: &'a [S], delta: &'a [S], windows: Windows) {
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
fn finish_gathered<S: NetScalar>(finish: Finish<'_, S>, out: &mut [S]) {
    for at in 0..out.len() {
        let sum = out[at];
        Finish { add: false, ..finish }.put(sum, out, at);
    }
}

impl MaxPool {
    fn back<S: NetScalar>(&self, delta: &[S], scene: &Scene<'_, S>, finish: Finish<'_, S>, out: &mut [S]) {
        if !finish.add {
            out.fill(S::zero());
        }
        give_largest(out, scene.value(self.inputs[0]), scene.value(self.out), delta, self.windows);
        finish_gathered(finish, out);
    }
}

impl<S: NetScalar> Layer<S> for MaxPool {
    fn inputs(&self) -> &[usize] {
        &self.inputs
    }

    fn value(&self, scene: &Scene<'_, S>, out: &mut [S]) {
        let x = scene.value(self.inputs[0]);
        take_largest(out, x, x, self.windows);
    }

    fn delta(&self, _input: usize, scene: &Scene<'_, S>, finish: Finish<'_, S>, out: &mut [S]) {
        self.back(scene.delta(self.out), scene, finish, out);
    }

    fn tangent(&self, scene: &Scene<'_, S>, out: &mut [S]) {
        match scene.tangent(self.inputs[0]) {
            Some(tangent) => take_largest(out, scene.value(self.inputs[0]), tangent, self.windows),
            None => out.fill(S::zero()),
        }
    }

    fn tangent_delta(&self, _input: usize, scene: &Scene<'_, S>, finish: Finish<'_, S>, out: &mut [S]) {
        self.back(scene.tangent_delta(self.out), scene, finish, out);
    }
}

/// The mean of windows.
#[derive(Debug)]
pub(crate) struct AveragePool {
    pub(crate) inputs: [usize; 1],
    pub(crate) out: usize,
    pub(crate) windows: Windows,
}

kernel! {
    fn average(out: &'a mut [S], x: &'a [S], windows: Windows) {
        let (stride, out_stride) = (windows.input.stride(), windows.output.stride());
        let scale = S::one() / S::from_f64((windows.pool.window * windows.pool.window) as f64);
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

kernel! {
    fn spread(out: &'a mut [S], delta: &'a [S], windows: Windows) {
        let (stride, out_stride) = (windows.input.stride(), windows.output.stride());
        let scale = S::one() / S::from_f64((windows.pool.window * windows.pool.window) as f64);
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
    fn back<S: NetScalar>(&self, delta: &[S], finish: Finish<'_, S>, out: &mut [S]) {
        if !finish.add {
            out.fill(S::zero());
        }
        spread(out, delta, self.windows);
        finish_gathered(finish, out);
    }
}

impl<S: NetScalar> Layer<S> for AveragePool {
    fn inputs(&self) -> &[usize] {
        &self.inputs
    }

    fn value(&self, scene: &Scene<'_, S>, out: &mut [S]) {
        average(out, scene.value(self.inputs[0]), self.windows);
    }

    fn delta(&self, _input: usize, scene: &Scene<'_, S>, finish: Finish<'_, S>, out: &mut [S]) {
        self.back(scene.delta(self.out), finish, out);
    }

    fn tangent(&self, scene: &Scene<'_, S>, out: &mut [S]) {
        match scene.tangent(self.inputs[0]) {
            Some(tangent) => average(out, tangent, self.windows),
            None => out.fill(S::zero()),
        }
    }

    fn tangent_delta(&self, _input: usize, scene: &Scene<'_, S>, finish: Finish<'_, S>, out: &mut [S]) {
        self.back(scene.tangent_delta(self.out), finish, out);
    }
}

/// The mean over the image.
#[derive(Debug)]
pub(crate) struct Mean {
    pub(crate) inputs: [usize; 1],
    pub(crate) out: usize,
    pub(crate) input: Shape,
}

kernel! {
    fn mean(out: &'a mut [S], x: &'a [S], input: Shape) {
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

kernel! {
    fn mean_back(out: &'a mut [S], delta: &'a [S], input: Shape, finish: Finish<'a, S>) {
        let scale = S::one() / S::from_f64(input.pixels() as f64);
        for (plane, delta) in delta.as_chunks::<LANES>().0.iter().enumerate() {
            for pixel in 0..input.stride() {
                let start = (plane * input.stride() + pixel) * LANES;
                for (lane, &delta) in delta.iter().enumerate() {
                    finish.put(delta * scale, out, start + lane);
                }
            }
        }
    }
}

impl<S: NetScalar> Layer<S> for Mean {
    fn inputs(&self) -> &[usize] {
        &self.inputs
    }

    fn value(&self, scene: &Scene<'_, S>, out: &mut [S]) {
        mean(out, scene.value(self.inputs[0]), self.input);
    }

    fn delta(&self, _input: usize, scene: &Scene<'_, S>, finish: Finish<'_, S>, out: &mut [S]) {
        mean_back(out, scene.delta(self.out), self.input, finish);
    }

    fn tangent(&self, scene: &Scene<'_, S>, out: &mut [S]) {
        match scene.tangent(self.inputs[0]) {
            Some(tangent) => mean(out, tangent, self.input),
            None => out.fill(S::zero()),
        }
    }

    fn tangent_delta(&self, _input: usize, scene: &Scene<'_, S>, finish: Finish<'_, S>, out: &mut [S]) {
        mean_back(out, scene.tangent_delta(self.out), self.input, finish);
    }
}
