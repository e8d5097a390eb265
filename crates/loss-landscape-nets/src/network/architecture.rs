//! An architecture: a chain of pieces for images of one shape, checked.

use std::sync::Arc;

use loss_landscape::{Block, Layout, Role};

use super::{chain::Chain, graph::Graph};
use crate::error::Result;

/// What a network computes, without its parameters: pieces that fit each other and their inputs.
///
/// Cheap to clone. The [`layout`](Self::layout) has a block for every parameter and buffer, named and
/// shaped as in PyTorch, in the order of its state dict without `num_batches_tracked`.
///
/// ```
/// use loss_landscape_nets::{Architecture, Skips};
///
/// let architecture = Architecture::resnet(20, [3, 32, 32], 10, Skips::With)?;
/// assert_eq!(architecture.layout().blocks()[0].name(), "conv1.weight");
/// assert_eq!((architecture.outputs(), architecture.trained_parameters()), (10, 272_474));
/// # Ok::<(), loss_landscape_nets::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Architecture {
    chain: Arc<Chain>,
    graph: Arc<Graph>,
}

impl Architecture {
    /// An architecture for inputs of [channels, height, width].
    ///
    /// # Errors
    /// [`Error::LayerShape`](crate::Error::LayerShape) with the first layer that does not fit and
    /// what it is given; the errors of [`Layout::new`], such as a name that comes twice.
    pub fn new(input: [usize; 3], chain: Chain) -> Result<Self> {
        let graph = Graph::new(input, &chain)?;
        Ok(Self { chain: Arc::new(chain), graph: Arc::new(graph) })
    }

    /// The pieces.
    pub fn chain(&self) -> &Chain {
        &self.chain
    }

    /// The inputs: channels, height, width.
    pub fn input(&self) -> [usize; 3] {
        self.graph.input
    }

    /// The number of outputs.
    pub fn outputs(&self) -> usize {
        self.graph.outputs()
    }

    /// The blocks of parameters and buffers.
    pub fn layout(&self) -> &Layout {
        &self.graph.layout
    }

    /// The number of parameters that are trained: all but the buffers.
    pub fn trained_parameters(&self) -> usize {
        let blocks = self.layout().blocks().iter();
        blocks.filter(|block| block.role() != Role::Buffer).map(Block::len).sum()
    }

    pub(crate) fn graph(&self) -> &Graph {
        &self.graph
    }
}
