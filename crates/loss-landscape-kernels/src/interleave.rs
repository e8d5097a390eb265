//! Samples in the lanes of tensors, and back.

use crate::{kernel_scalar::KernelScalar, lanes::LANES, tensor_shape::TensorShape};

/// [samples, features] into the lanes of groups, zeros where the last group is filled up.
pub fn load<S: KernelScalar>(tensor: &mut [S], inputs: &[S], shape: TensorShape) {
    (S::kernels().load)(tensor, inputs, shape);
}

pub(crate) fn loaded<S: KernelScalar>(tensor: &mut [S], inputs: &[S], shape: TensorShape) {
    let features = shape.features();
    let pixels = shape.pixels();
    for (tensor, inputs) in tensor.chunks_exact_mut(shape.len()).zip(inputs.chunks(features * LANES)) {
        let live = inputs.len() / features;
        for channel in 0..shape.channels {
            let plane = &mut tensor[channel * shape.stride() * LANES..][..pixels * LANES];
            for (pixel, vector) in plane.as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
                let at = channel * pixels + pixel;
                for (lane, value) in vector[..live].iter_mut().enumerate() {
                    *value = inputs[lane * features + at];
                }
                vector[live..].fill(S::zero());
            }
        }
    }
}

/// The live lanes of one group, without gaps.
pub fn squeeze<S: KernelScalar>(tensor: &[S], compact: &mut [S], live: usize) {
    (S::kernels().squeeze)(tensor, compact, live);
}

pub(crate) fn squeezed<S: KernelScalar>(tensor: &[S], compact: &mut [S], live: usize) {
    for (vector, compact) in tensor.as_chunks::<LANES>().0.iter().zip(compact.chunks_exact_mut(live)) {
        compact.copy_from_slice(&vector[..live]);
    }
}

/// Back to lanes, zeros in those that fill up the group.
pub fn stretch<S: KernelScalar>(compact: &[S], tensor: &mut [S], live: usize) {
    (S::kernels().stretch)(compact, tensor, live);
}

pub(crate) fn stretched<S: KernelScalar>(compact: &[S], tensor: &mut [S], live: usize) {
    for (vector, compact) in tensor.as_chunks_mut::<LANES>().0.iter_mut().zip(compact.chunks_exact(live)) {
        vector[..live].copy_from_slice(compact);
        vector[live..].fill(S::zero());
    }
}
