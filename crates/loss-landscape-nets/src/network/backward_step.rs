//! The steps of a backward pass.

/// One step of a backward pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum BackwardStep {
    /// The statistics of a layer's δ.
    Measure { layer: usize },
    /// The gradient by a layer's parameters.
    Gradient { layer: usize },
    /// δ of a layer's input: added to what is there, plus δ of another tensor, masked by a fused ReLU.
    Delta { layer: usize, input: usize, tensor: usize, add: bool, plus: Option<usize>, masked: bool },
    /// The same with δ of one or two other tensors alone.
    Sum { tensor: usize, from: usize, plus: Option<usize>, add: bool, masked: bool },
}
