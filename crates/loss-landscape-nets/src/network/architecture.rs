//! An architecture: a chain of pieces for images of one shape, checked.

use std::sync::Arc;

use loss_landscape::{Block, Layout, Role, matching::PermutationSpec};

use super::{chain::Chain, graph::Graph, unit_groups};
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

    /// Which channels may be listed in another order without changing the function: for
    /// [`WeightMatching`](loss_landscape::matching::WeightMatching).
    ///
    /// A group for each convolution and linear layer, named after it, with the biases, normalisations and inputs of
    /// later layers that belong to its channels. Channels that skip connections add to each other are one group, with the
    /// name of the first layer. Inputs, outputs and what is added to them stay where they are, as do channels added to
    /// each other whose groups begin and end at different places.
    ///
    /// ```
    /// use loss_landscape_nets::{Architecture, Skips};
    ///
    /// // With skip connections: the channels of each stage, and those inside each of nine blocks.
    /// let resnet = Architecture::resnet(20, [3, 32, 32], 10, Skips::With)?;
    /// let groups = |architecture: &Architecture| architecture.permutation_spec().groups().len();
    /// assert_eq!(groups(&resnet), 3 + 9);
    /// // Without them every convolution has its own: the first, and two in each block.
    /// assert_eq!(groups(&Architecture::resnet(20, [3, 32, 32], 10, Skips::Without)?), 1 + 18);
    /// # Ok::<(), loss_landscape_nets::Error>(())
    /// ```
    pub fn permutation_spec(&self) -> PermutationSpec {
        unit_groups::permutation_spec(&self.graph)
    }

    pub(crate) fn graph(&self) -> &Graph {
        &self.graph
    }
}
