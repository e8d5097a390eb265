//! What every layer can do, and what it may look at.

use std::fmt::Debug;

use loss_landscape_kernels::Epilogue;

use super::{
    batch_statistics::BatchStatistics,
    tensors::{INPUT, Tensors},
};
use crate::real::Real;

/// A layer between tensors.
///
/// A tensor with a fused ReLU holds what comes out of it, and its δ is that by what goes in: whoever
/// finishes the δ of a tensor multiplies by the slope, as [`Epilogue::mask`] asks.
pub(crate) trait Layer<S: Real>: Debug + Send + Sync {
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

    /// Packs its filters out of the plain parameters, for the forward pass, and for the backward one if asked for.
    fn pack(&self, _weights: &mut Weights<S>, _backward: bool) {}

    /// Values of scratch memory.
    fn scratch_len(&self) -> usize {
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
    fn measure(&self, _context: &LayerContext<'_, S>, _own: &mut BatchStatistics<S>) {}

    /// Takes the statistics of δ, before anything of the backward pass is asked for.
    fn measure_delta(&self, _context: &LayerContext<'_, S>, _own: &mut BatchStatistics<S>) {}

    /// Its values.
    fn value(&self, context: &LayerContext<'_, S>, out: &mut [S]);

    /// δ of an input, from δ of the output.
    fn delta(&self, input: usize, context: &LayerContext<'_, S>, epilogue: Epilogue<'_, S>, out: &mut [S]);

    /// Adds the gradient by its parameters, in an order of its own.
    fn gradient(&self, _context: &LayerContext<'_, S>, _scratch: &mut [S], _gradient: &mut [S]) {}

    /// R of its values.
    fn tangent(&self, context: &LayerContext<'_, S>, out: &mut [S]);

    /// R of δ of an input.
    fn tangent_delta(
        &self,
        input: usize,
        context: &LayerContext<'_, S>,
        epilogue: Epilogue<'_, S>,
        out: &mut [S],
    );

    /// Adds R of the gradient by its parameters, in the same order.
    fn tangent_gradient(&self, _context: &LayerContext<'_, S>, _scratch: &mut [S], _gradient: &mut [S]) {}

    /// Puts a gradient to which nothing more is added into the order of the parameters.
    fn put_in_order(&self, _gradient: &mut [S]) {}
}

/// What a layer may look at: parameters, and tensors by their number.
#[derive(Debug)]
pub(crate) struct LayerContext<'a, S> {
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
    pub(crate) statistics: &'a [BatchStatistics<S>],
}

/// Parameters as layers read them.
#[derive(Debug, Default)]
pub(crate) struct Weights<S> {
    /// All parameters, in the order of the plan.
    pub(crate) plain: Vec<S>,
    /// The filters of convolutions as the kernels read them in a forward pass.
    pub(crate) forward: Vec<S>,
    /// The same for a backward pass; empty where no derivatives are wanted.
    pub(crate) backward: Vec<S>,
}

impl<'a, S> LayerContext<'a, S> {
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

    /// The direction of R.
    pub(crate) fn along(&self) -> &'a Weights<S> {
        self.direction.expect("R is only asked for along a direction")
    }
}
