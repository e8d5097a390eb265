//! Sums over pixels and samples about a number of each channel: what means and variances are made of.

#![allow(clippy::inline_always, reason = "only what is inlined is compiled for the chosen instruction set")]

use crate::{
    elementwise::Elementwise,
    kernel_scalar::KernelScalar,
    lanes::{LANES, sum_lanes},
    tensor_shape::TensorShape,
};

/// Sums over pixels and samples of x·y (of x alone without y), each x less a number of its channel.
#[derive(Debug)]
pub struct CentredSums<'a, S> {
    /// A sum for each channel.
    pub out: &'a mut [S],
    /// The first tensor.
    pub x: &'a [S],
    /// The second one.
    pub y: Option<&'a [S]>,
    /// A number for each channel.
    pub less: &'a [S],
    /// The shape of both tensors.
    pub shape: TensorShape,
    /// How many samples count: the rest fill up the last group.
    pub samples: usize,
}

impl<S: KernelScalar> CentredSums<'_, S> {
    /// Computes it.
    pub fn run(self) {
        (S::kernels().centred_sums)(self);
    }
}

impl<S: KernelScalar> Elementwise for CentredSums<'_, S> {
    #[inline(always)]
    fn apply(self) {
        let Self { out, x, y, less, shape, samples } = self;
        let (plane, pixels) = (shape.stride() * LANES, shape.pixels() * LANES);
        out.fill(S::zero());
        for group in 0..x.len() / shape.len() {
            for (channel, out) in out.iter_mut().enumerate() {
                let start = group * shape.len() + channel * plane;
                let x = x[start..start + pixels].as_chunks::<LANES>().0;
                let mut lanes = [S::zero(); LANES];
                match y {
                    None => {
                        for x in x {
                            for (lane, &x) in lanes.iter_mut().zip(x) {
                                *lane += x - less[channel];
                            }
                        }
                    }
                    Some(y) => {
                        for (x, y) in x.iter().zip(y[start..start + pixels].as_chunks::<LANES>().0) {
                            for ((lane, &x), &y) in lanes.iter_mut().zip(x).zip(y) {
                                *lane += (x - less[channel]) * y;
                            }
                        }
                    }
                }
                // Lanes that fill up the last group do not count.
                let live = samples.saturating_sub(group * LANES).min(LANES);
                lanes[live..].fill(S::zero());
                *out += sum_lanes(&lanes);
            }
        }
    }
}

/// Σ (x − mean)².
#[derive(Debug)]
pub struct SquaredDeviations<'a, S> {
    /// A sum for each channel.
    pub out: &'a mut [S],
    /// The tensor.
    pub x: &'a [S],
    /// A number for each channel.
    pub mean: &'a [S],
    /// Its shape.
    pub shape: TensorShape,
    /// How many samples count: the rest fill up the last group.
    pub samples: usize,
}

impl<S: KernelScalar> SquaredDeviations<'_, S> {
    /// Computes it.
    pub fn run(self) {
        (S::kernels().squared_deviations)(self);
    }
}

impl<S: KernelScalar> Elementwise for SquaredDeviations<'_, S> {
    #[inline(always)]
    fn apply(self) {
        let Self { out, x, mean, shape, samples } = self;
        let (plane, pixels) = (shape.stride() * LANES, shape.pixels() * LANES);
        out.fill(S::zero());
        for group in 0..x.len() / shape.len() {
            for (channel, out) in out.iter_mut().enumerate() {
                let start = group * shape.len() + channel * plane;
                let mut lanes = [S::zero(); LANES];
                for x in x[start..start + pixels].as_chunks::<LANES>().0 {
                    for (lane, &x) in lanes.iter_mut().zip(x) {
                        *lane += (x - mean[channel]) * (x - mean[channel]);
                    }
                }
                let live = samples.saturating_sub(group * LANES).min(LANES);
                lanes[live..].fill(S::zero());
                *out += sum_lanes(&lanes);
            }
        }
    }
}
