//! The layers: each knows its values, its derivatives, and the directional derivatives of both.
//!
//! With R{·} the derivative along a direction of parameters (Pearlmutter's R-operator), a layer
//! computes its value and its R, and sends back the derivative of the loss δ and its R.

mod activation;
mod affine;
mod conv;
mod join;
mod norm;
mod pool;
mod reshape;

use std::fmt::Debug;

pub(crate) use activation::{Rectify, Tanh};
pub(crate) use affine::Affine;
pub(crate) use conv::Convolution;
pub(crate) use join::{Add, Concat};
pub(crate) use norm::{BatchNorm, Statistics};
pub(crate) use pool::{AveragePool, MaxPool, Mean, Windows};
pub(crate) use reshape::Flatten;

use super::{
    NetScalar,
    simd::{Buffer, Finish},
};

/// What a layer may look at: parameters, and tensors by their number.
#[derive(Debug)]
pub(crate) struct Scene<'a, S> {
    /// Groups of samples in the chunk, and samples, the last group being filled up.
    pub(crate) groups: usize,
    pub(crate) samples: usize,
    /// Whether groups are shared out among threads.
    pub(crate) parallel: bool,
    pub(crate) weights: &'a Weights<S>,
    /// The direction of parameters of R.
    pub(crate) direction: Option<&'a Weights<S>>,
    pub(crate) values: Tensors<'a, S>,
    /// The derivatives of the loss by tensors, by what a fused ReLU gets where there is one.
    pub(crate) deltas: Tensors<'a, S>,
    /// R of the values.
    pub(crate) tangents: Tensors<'a, S>,
    /// R of the derivatives.
    pub(crate) tangent_deltas: Tensors<'a, S>,
    /// The statistics of normalisations that use those of the batch.
    pub(crate) statistics: &'a [Statistics<S>],
}

/// Tensors by number, several of which may share a buffer at different times.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tensors<'a, S> {
    pub(crate) buffers: &'a [Buffer<S>],
    /// The buffer and the length for one group of each tensor.
    pub(crate) places: &'a [Place],
}

/// Where a tensor lies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) buffer: usize,
    /// Of one group.
    pub(crate) len: usize,
}

impl<'a, S> Tensors<'a, S> {
    pub(crate) fn none() -> Self {
        Self { buffers: &[], places: &[] }
    }

    /// The tensor for `groups` groups.
    pub(crate) fn get(&self, tensor: usize, groups: usize) -> &'a [S] {
        let place = self.places[tensor];
        &self.buffers[place.buffer][..place.len * groups]
    }
}

impl<'a, S> Scene<'a, S> {
    pub(crate) fn value(&self, tensor: usize) -> &'a [S] {
        self.values.get(tensor, self.groups)
    }

    pub(crate) fn delta(&self, tensor: usize) -> &'a [S] {
        self.deltas.get(tensor, self.groups)
    }

    /// R of a tensor; none of the network's input, which depends on no parameter.
    pub(crate) fn tangent(&self, tensor: usize) -> Option<&'a [S]> {
        (tensor != INPUT).then(|| self.tangents.get(tensor, self.groups))
    }

    pub(crate) fn tangent_delta(&self, tensor: usize) -> &'a [S] {
        self.tangent_deltas.get(tensor, self.groups)
    }

    /// The direction of R; the parameters themselves if there is none, which no caller of R does.
    pub(crate) fn along(&self) -> &'a Weights<S> {
        self.direction.unwrap_or(self.weights)
    }
}

/// The number of the network's input among the tensors.
pub(crate) const INPUT: usize = 0;

/// Parameters as layers read them.
#[derive(Debug, Default)]
pub(crate) struct Weights<S> {
    /// One behind the other.
    pub(crate) plain: Vec<S>,
    /// The filters of convolutions as the kernels read them: on the way up, and back.
    pub(crate) up: Vec<S>,
    pub(crate) back: Vec<S>,
}

/// A layer between tensors.
///
/// A tensor with a fused ReLU holds what comes out of it, and its δ is that by what goes in: whoever
/// finishes the δ of a tensor multiplies by the slope, as [`Finish::mask`] asks.
pub(crate) trait Layer<S: NetScalar>: Debug + Send + Sync {
    /// The tensors that it reads.
    fn inputs(&self) -> &[usize];

    /// Whether its output ends in a ReLU.
    fn rectified(&self) -> bool {
        false
    }

    /// Whether an input is added as it is, so that its δ is that of the output.
    fn passes(&self, _input: usize) -> bool {
        false
    }

    /// The convolution that it is, if it is one.
    fn convolution(&self) -> Option<&Convolution> {
        None
    }

    /// Packs its filters out of the plain parameters, for the way up, and back if asked for.
    fn pack(&self, _weights: &mut Weights<S>, _back: bool) {}

    /// Values of scratch memory.
    fn room(&self) -> usize {
        0
    }

    /// The number of its statistics, if it is normalised by those of the batch.
    fn statistics(&self) -> Option<usize> {
        None
    }

    /// The channels that it has statistics of.
    fn channels(&self) -> usize {
        0
    }

    /// Takes the statistics of its inputs, before its values are asked for.
    fn measure(&self, _scene: &Scene<'_, S>, _own: &mut Statistics<S>) {}

    /// Takes the statistics of δ, before anything of the way back is asked for.
    fn measure_delta(&self, _scene: &Scene<'_, S>, _own: &mut Statistics<S>) {}

    /// Its values.
    fn value(&self, scene: &Scene<'_, S>, out: &mut [S]);

    /// δ of an input, from δ of the output.
    fn delta(&self, input: usize, scene: &Scene<'_, S>, finish: Finish<'_, S>, out: &mut [S]);

    /// Adds the gradient by its parameters.
    fn gradient(&self, _scene: &Scene<'_, S>, _room: &mut [S], _gradient: &mut [S]) {}

    /// R of its values.
    fn tangent(&self, scene: &Scene<'_, S>, out: &mut [S]);

    /// R of δ of an input.
    fn tangent_delta(&self, input: usize, scene: &Scene<'_, S>, finish: Finish<'_, S>, out: &mut [S]);

    /// Adds R of the gradient by its parameters.
    fn tangent_gradient(&self, _scene: &Scene<'_, S>, _room: &mut [S], _gradient: &mut [S]) {}
}
