//! Channel by channel: sums of tensors with a factor for each channel, and sums over a channel.

#![allow(clippy::inline_always, reason = "only what is inlined is compiled for the chosen instruction set")]

use pulp::{Simd, WithSimd};

use crate::{
    elementwise::Elementwise,
    epilogue::Epilogue,
    kernel_scalar::KernelScalar,
    lanes::{LANES, sum_lanes},
    tensor_shape::TensorShape,
};

/// A tensor, and what each of its channels is multiplied with, if not 1.
#[derive(Clone, Copy, Debug)]
pub struct ScaledTensor<'a, S> {
    /// The tensor.
    pub x: &'a [S],
    /// A factor for each channel.
    pub factors: Option<&'a [S]>,
}

/// Σ over terms of x · factor of the channel, plus a number for each channel.
#[derive(Debug)]
pub struct ChannelSums<'a, S> {
    /// Of every term and of the result.
    pub shape: TensorShape,
    /// What is added up.
    pub terms: &'a [ScaledTensor<'a, S>],
    /// A number for each channel.
    pub shifts: Option<&'a [S]>,
    /// What becomes of the sums.
    pub epilogue: Epilogue<'a, S>,
    /// The results.
    pub out: &'a mut [S],
}

impl<S: KernelScalar> ChannelSums<'_, S> {
    /// Computes it.
    pub fn run(self) {
        (S::kernels().channel_sums)(self);
    }
}

impl<S: KernelScalar> WithSimd for ChannelSums<'_, S> {
    type Output = ();
    #[inline(always)]
    fn with_simd<V: Simd>(self, simd: V) {
        let plane = self.shape.stride() * S::parts::<V>();
        let epilogue = self.epilogue.vectors::<V>();
        let out = S::vectors_mut::<V>(self.out);
        for index in 0..out.len() / plane {
            let channel = index % self.shape.channels;
            let shift = S::splat(simd, self.shifts.map_or(S::zero(), |shifts| shifts[channel]));
            for at in index * plane..(index + 1) * plane {
                let mut sum = shift;
                for term in self.terms {
                    let x = S::vectors::<V>(term.x)[at];
                    sum = match term.factors {
                        Some(factors) => S::fma(simd, S::splat(simd, factors[channel]), x, sum),
                        None => S::sum(simd, sum, x),
                    };
                }
                epilogue.store(simd, sum, out, at);
            }
        }
    }
}

/// Adds to each channel's number the sum of its pixels, over all groups.
#[derive(Debug)]
pub struct SumPlanes<'a, S> {
    /// A number for each channel.
    pub sums: &'a mut [S],
    /// The tensor.
    pub x: &'a [S],
    /// Its shape.
    pub shape: TensorShape,
}

impl<S: KernelScalar> SumPlanes<'_, S> {
    /// Computes it.
    pub fn run(self) {
        (S::kernels().sum_planes)(self);
    }
}

impl<S: KernelScalar> Elementwise for SumPlanes<'_, S> {
    #[inline(always)]
    fn apply(self) {
        let Self { sums, x, shape } = self;
        for group in x.chunks_exact(shape.len()) {
            for (sum, plane) in sums.iter_mut().zip(group.chunks_exact(shape.stride() * LANES)) {
                let mut lanes = [S::zero(); LANES];
                for vector in plane[..shape.pixels() * LANES].as_chunks::<LANES>().0 {
                    for (lane, &value) in lanes.iter_mut().zip(vector) {
                        *lane += value;
                    }
                }
                *sum += sum_lanes(&lanes);
            }
        }
    }
}

/// Adds to each channel's number the inner product of two tensors' pixels, over all groups.
#[derive(Debug)]
pub struct DotPlanes<'a, S> {
    /// A number for each channel.
    pub sums: &'a mut [S],
    /// The first tensor.
    pub x: &'a [S],
    /// The second one.
    pub y: &'a [S],
    /// The shape of both.
    pub shape: TensorShape,
}

impl<S: KernelScalar> DotPlanes<'_, S> {
    /// Computes it.
    pub fn run(self) {
        (S::kernels().dot_planes)(self);
    }
}

impl<S: KernelScalar> Elementwise for DotPlanes<'_, S> {
    #[inline(always)]
    fn apply(self) {
        let Self { sums, x, y, shape } = self;
        let plane = shape.stride() * LANES;
        for (x, y) in x.chunks_exact(shape.len()).zip(y.chunks_exact(shape.len())) {
            for ((sum, x), y) in sums.iter_mut().zip(x.chunks_exact(plane)).zip(y.chunks_exact(plane)) {
                let mut lanes = [S::zero(); LANES];
                let pixels = shape.pixels() * LANES;
                for (x, y) in
                    x[..pixels].as_chunks::<LANES>().0.iter().zip(y[..pixels].as_chunks::<LANES>().0)
                {
                    for ((lane, &x), &y) in lanes.iter_mut().zip(x).zip(y) {
                        *lane += x * y;
                    }
                }
                *sum += sum_lanes(&lanes);
            }
        }
    }
}
