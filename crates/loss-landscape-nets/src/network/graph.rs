//! A chain with its branches spelled out: nodes in the order of computation, their shapes, and the
//! layout of all parameters.

use std::{ops::Range, sync::Arc};

use super::chain::{Chain, Conv, Custom, Piece, Pool, Sides};
use crate::{
    error::{Error, NumberSetting, Result},
    layers::CustomLayer,
};
use loss_landscape::{Block, Layout, Role};
use loss_landscape_kernels::{ConvGeometry, MAX_SIDE, NormSets, Smooth, TensorShape};

/// One node: what it computes, from which nodes, and the shape of what it gives.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) op: Op,
    pub(crate) inputs: Vec<usize>,
    pub(crate) shape: TensorShape,
}

/// What a node computes. Ranges are of θ.
#[derive(Clone, Debug)]
pub(crate) enum Op {
    Input,
    /// A linear layer is one of side 1 on an image of one pixel.
    Conv {
        weight: Range<usize>,
        bias: Option<Range<usize>>,
        geometry: ConvGeometry,
        /// Sets of channels with filters of their own.
        sets: usize,
        linear: bool,
    },
    BatchNorm(BatchNormBlocks),
    /// Of all pixels of consecutive channels, or of each pixel's channels.
    SetNorm(SetNormBlocks),
    Relu,
    Tanh,
    Smooth(Smooth),
    MaxPool(Pool),
    AveragePool(Pool),
    /// The windows follow from both shapes.
    AdaptivePool,
    Mean,
    /// [channels, height, width] as [channels·height·width, 1, 1].
    Flatten,
    /// [channels, height, width] as [height·width, channels, 1], or back.
    Transpose,
    Add,
    Concat,
    Custom {
        layer: Arc<dyn CustomLayer>,
        parameters: Range<usize>,
        /// Buffers among its own parameters.
        buffers: Vec<Range<usize>>,
    },
}

/// A batch normalisation.
#[derive(Clone, Debug)]
pub(crate) struct BatchNormBlocks {
    pub(crate) scale: Range<usize>,
    pub(crate) shift: Range<usize>,
    pub(crate) mean: Range<usize>,
    pub(crate) variance: Range<usize>,
    pub(crate) epsilon: f64,
}

/// A normalisation within a sample.
#[derive(Clone, Debug)]
pub(crate) struct SetNormBlocks {
    pub(crate) scale: Range<usize>,
    pub(crate) shift: Range<usize>,
    pub(crate) sets: NormSets,
}

/// All nodes; the first is the input, the last gives the outputs.
#[derive(Clone, Debug)]
pub(crate) struct Graph {
    pub(crate) input: [usize; 3],
    pub(crate) nodes: Vec<Node>,
    pub(crate) layout: Layout,
}

impl Graph {
    pub(crate) fn new(input: [usize; 3], chain: &Chain) -> Result<Self> {
        let shape = TensorShape::new(input);
        let too_large =
            (input.iter()).try_fold(1_usize, |n, &m| n.checked_mul(m)).is_none_or(|n| n > 1 << 40);
        if input.contains(&0) || too_large {
            return Err(layer(
                "the input",
                input,
                "at least one channel and one pixel, and not more than fit in memory",
            ));
        }
        // A linear layer at once: an image is a list of values then.
        let flat = matches!(chain.pieces().first(), Some(Piece::Linear { .. }));
        let shape = if flat { TensorShape::new([shape.features(), 1, 1]) } else { shape };
        let mut builder = GraphBuilder {
            nodes: vec![Node { op: Op::Input, inputs: Vec::new(), shape }],
            blocks: Vec::new(),
            offset: 0,
            after: "the input".to_owned(),
        };
        let mut last = builder.chain(chain, 0, "").map_err(|error| match error {
            // Said of the images that the caller knows of.
            Error::LayerShape { layer, found, needs } if flat && found == shape.dims() => {
                Error::LayerShape { layer, found: input, needs }
            }
            error => error,
        })?;
        let shape = builder.nodes[last].shape;
        if shape.pixels() != 1 {
            return Err(layer(
                "the last layer",
                shape.dims(),
                "one value for each output; a `global_average_pool` or a `linear` gives that",
            ));
        }
        // The loss leaves the softmax in place of the outputs, so that their layer must not read its own for
        // derivatives. A copy does not.
        if matches!(builder.nodes[last].op, Op::Relu | Op::Tanh | Op::MaxPool(_)) {
            last = builder.node(Op::Flatten, vec![last], shape.dims())?;
        }
        let layout = Layout::new(builder.blocks)?;
        // A chain may end in the middle of the list only if it is the identity.
        assert_eq!(last, builder.nodes.len() - 1, "the last node gives the outputs");
        Ok(Self { input, nodes: builder.nodes, layout })
    }

    pub(crate) fn outputs(&self) -> usize {
        self.nodes[self.nodes.len() - 1].shape.channels
    }
}

fn layer(name: &str, found: [usize; 3], needs: &str) -> Error {
    Error::LayerShape { layer: name.to_owned(), found, needs: needs.to_owned() }
}

/// The largest side of a pool's window.
const MAX_WINDOW: usize = 1 << 20;
/// Values that a sample may have in one layer.
const MOST_VALUES: usize = 1 << 40;

struct GraphBuilder {
    nodes: Vec<Node>,
    blocks: Vec<Block>,
    offset: usize,
    /// The last layer that has a name, for errors of those that have none.
    after: String,
}

impl GraphBuilder {
    fn node(&mut self, op: Op, inputs: Vec<usize>, shape: [usize; 3]) -> Result<usize> {
        // A group of samples in f64, its planes rounded up, and the plans' sums over layers of it.
        let [channels, height, width] = shape;
        let len = height.checked_mul(width).and_then(|pixels| channels.checked_mul(pixels | 1));
        if len.is_none_or(|len| len > MOST_VALUES) {
            let name = format!("the layer after `{}`", self.after);
            return Err(layer(&name, shape, "values that fit in memory"));
        }
        self.nodes.push(Node { op, inputs, shape: TensorShape::new(shape) });
        Ok(self.nodes.len() - 1)
    }

    fn block(&mut self, block: Block) -> Range<usize> {
        let start = self.offset;
        self.offset = start.saturating_add(block.len());
        self.blocks.push(block);
        start..self.offset
    }

    fn dims(&self, node: usize) -> [usize; 3] {
        self.nodes[node].shape.dims()
    }

    fn chain(&mut self, chain: &Chain, from: usize, prefix: &str) -> Result<usize> {
        chain.pieces().iter().try_fold(from, |from, piece| self.piece(piece, from, prefix))
    }

    fn piece(&mut self, piece: &Piece, from: usize, prefix: &str) -> Result<usize> {
        let dims @ [channels, height, width] = self.dims(from);
        match piece {
            Piece::Conv(conv) => self.conv(conv, from, prefix),
            Piece::BatchNorm { name, epsilon } => {
                let name = format!("{prefix}{name}");
                NumberSetting::BatchNormEpsilon.check(*epsilon)?;
                let mut block = |part: &str, role| {
                    self.block(Block::new(format!("{name}.{part}"), [channels], role, None))
                };
                let norm = BatchNormBlocks {
                    scale: block("weight", Role::NormScale),
                    shift: block("bias", Role::NormShift),
                    mean: block("running_mean", Role::Buffer),
                    variance: block("running_var", Role::Buffer),
                    epsilon: *epsilon,
                };
                self.after = name;
                self.node(Op::BatchNorm(norm), vec![from], dims)
            }
            Piece::GroupNorm { name, groups, epsilon } => {
                self.group_norm(format!("{prefix}{name}"), *groups, *epsilon, from)
            }
            Piece::LayerNorm { name, epsilon } => {
                self.set_norm(format!("{prefix}{name}"), from, *epsilon, [channels, 1])
            }
            Piece::Gelu(form) => self.node(Op::Smooth(form.kernel()), vec![from], dims),
            Piece::Dropout => Ok(from),
            Piece::Relu => self.node(Op::Relu, vec![from], dims),
            Piece::Tanh => self.node(Op::Tanh, vec![from], dims),
            Piece::MaxPool(pool) => self.pool(*pool, Op::MaxPool, "max", from),
            Piece::AveragePool(pool) => {
                if pool.ceil {
                    let name = format!("the average pool after `{}`", self.after);
                    return Err(layer(&name, dims, "windows inside the image (`ceil` is for maxima)"));
                }
                self.pool(*pool, Op::AveragePool, "average", from)
            }
            Piece::GlobalAveragePool => self.node(Op::Mean, vec![from], [channels, 1, 1]),
            Piece::AdaptiveAveragePool(sides) => self.adaptive_pool(*sides, from),
            Piece::PixelLinear { name, outputs, bias } => {
                self.pixel_linear(&format!("{prefix}{name}"), *outputs, *bias, from)
            }
            Piece::Transposed { chain } => self.transposed(chain, from, prefix),
            Piece::Linear { name, outputs, bias } => {
                let name = format!("{prefix}{name}");
                let inputs = self.nodes[from].shape.features();
                if *outputs == 0 {
                    return Err(layer(&name, dims, "at least one output"));
                }
                let flat = if height * width == 1 {
                    from
                } else {
                    self.node(Op::Flatten, vec![from], [inputs, 1, 1])?
                };
                let weight = self.block(Block::weight(format!("{name}.weight"), [*outputs, inputs], 0));
                let bias = bias.then(|| self.block(Block::bias(format!("{name}.bias"), [*outputs])));
                self.after = name;
                let op =
                    Op::Conv { weight, bias, geometry: ConvGeometry::square(1, 1, 0), sets: 1, linear: true };
                self.node(op, vec![flat], [*outputs, 1, 1])
            }
            Piece::Scope { name, chain } => self.chain(chain, from, &format!("{prefix}{name}.")),
            Piece::Skip { body, shortcut } => {
                let body = self.chain(body, from, prefix)?;
                let shortcut = self.chain(shortcut, from, prefix)?;
                let (found, needed) = (self.dims(body), self.dims(shortcut));
                if found != needed {
                    let name = format!("the skip after `{}`", self.after);
                    let needs =
                        format!("the shape of its shortcut, {}×{}×{}", needed[0], needed[1], needed[2]);
                    return Err(layer(&name, found, &needs));
                }
                self.node(Op::Add, vec![body, shortcut], found)
            }
            Piece::Concat { branches } => {
                let mut inputs = Vec::with_capacity(branches.len());
                for branch in branches {
                    inputs.push(self.chain(branch, from, prefix)?);
                }
                let Some(&first) = inputs.first() else {
                    let name = format!("the concatenation after `{}`", self.after);
                    return Err(layer(&name, dims, "at least one branch"));
                };
                let [_, height, width] = self.dims(first);
                let mut channels = 0;
                for &input in &inputs {
                    let found = self.dims(input);
                    if found[1..] != [height, width] {
                        let name = format!("the concatenation after `{}`", self.after);
                        let needs = format!("branches of {height}×{width} pixels, as its first has");
                        return Err(layer(&name, found, &needs));
                    }
                    channels = found[0].saturating_add(channels);
                }
                self.node(Op::Concat, inputs, [channels, height, width])
            }
            Piece::Custom(custom) => self.custom(custom, from, prefix),
        }
    }

    fn adaptive_pool(&mut self, sides: Sides, from: usize) -> Result<usize> {
        let dims @ [channels, height, width] = self.dims(from);
        let [rows, columns] = sides.array();
        if ![rows, columns].iter().all(|side| (1..=MAX_WINDOW).contains(side)) {
            let name = format!("the adaptive pool after `{}`", self.after);
            return Err(layer(&name, dims, &format!("sides of 1 to {MAX_WINDOW} pixels, not {sides}")));
        }
        if [rows, columns] == [height, width] {
            return Ok(from);
        }
        self.node(Op::AdaptivePool, vec![from], [channels, rows, columns])
    }

    fn pixel_linear(&mut self, name: &str, outputs: usize, bias: bool, from: usize) -> Result<usize> {
        let dims @ [channels, height, width] = self.dims(from);
        if outputs == 0 {
            return Err(layer(name, dims, "at least one output"));
        }
        let weight = self.block(Block::weight(format!("{name}.weight"), [outputs, channels], 0));
        let bias = bias.then(|| self.block(Block::bias(format!("{name}.bias"), [outputs])));
        name.clone_into(&mut self.after);
        let geometry = ConvGeometry::square(1, 1, 0);
        let op = Op::Conv { weight, bias, geometry, sets: 1, linear: false };
        self.node(op, vec![from], [outputs, height, width])
    }

    fn transposed(&mut self, chain: &Chain, from: usize, prefix: &str) -> Result<usize> {
        let [channels, height, width] = self.dims(from);
        let turned = self.node(Op::Transpose, vec![from], [height * width, channels, 1])?;
        let last = self.chain(chain, turned, prefix)?;
        let found @ [pixels, kept, one] = self.dims(last);
        if [kept, one] != [channels, 1] {
            let name = format!("the transposed pieces up to `{}`", self.after);
            let needs = format!("to leave {channels}×1 pixels, the channels outside, as they are");
            return Err(layer(&name, found, &needs));
        }
        let sides = if pixels == height * width { [height, width] } else { [pixels, 1] };
        self.node(Op::Transpose, vec![last], [channels, sides[0], sides[1]])
    }

    fn group_norm(&mut self, name: String, groups: usize, epsilon: f64, from: usize) -> Result<usize> {
        let dims @ [channels, height, width] = self.dims(from);
        if groups == 0 || !channels.is_multiple_of(groups) {
            let needs = format!("channels that its groups share out evenly, not {channels} for {groups}");
            return Err(layer(&name, dims, &needs));
        }
        self.set_norm(name, from, epsilon, [channels / groups, height * width])
    }

    fn set_norm(
        &mut self,
        name: String,
        from: usize,
        epsilon: f64,
        [channels, pixels]: [usize; 2],
    ) -> Result<usize> {
        NumberSetting::NormEpsilon.check(epsilon)?;
        let shape = self.nodes[from].shape;
        let mut block =
            |part: &str, role| self.block(Block::new(format!("{name}.{part}"), [shape.channels], role, None));
        let norm = SetNormBlocks {
            scale: block("weight", Role::NormScale),
            shift: block("bias", Role::NormShift),
            sets: NormSets::of_tensor(shape, channels, pixels, epsilon),
        };
        self.after = name;
        self.node(Op::SetNorm(norm), vec![from], shape.dims())
    }

    fn custom(&mut self, custom: &Custom, from: usize, prefix: &str) -> Result<usize> {
        let dims = self.dims(from);
        let name = format!("{prefix}{}", custom.name());
        let layer_of_user = custom.layer();
        let shape = layer_of_user.output(dims).map_err(|needs| layer(&name, dims, &needs))?;
        if shape.contains(&0) {
            let [channels, height, width] = shape;
            let needs =
                format!("to give at least one channel and one pixel, not {channels}×{height}×{width}");
            return Err(layer(&name, dims, &needs));
        }
        let start = self.offset;
        let mut buffers = Vec::new();
        for block in layer_of_user.parameters(dims) {
            let role = block.role();
            let full = format!("{name}.{}", block.name());
            let range = self.block(Block::new(full, block.shape(), role, block.filter_axis()));
            if role == Role::Buffer {
                buffers.push(range.start - start..range.end - start);
            }
        }
        self.after = name;
        let op = Op::Custom { layer: custom.shared(), parameters: start..self.offset, buffers };
        self.node(op, vec![from], shape)
    }

    fn conv(&mut self, conv: &Conv, from: usize, prefix: &str) -> Result<usize> {
        let dims @ [inputs, height, width] = self.dims(from);
        let name = format!("{prefix}{}", conv.name);
        let &Conv { channels, kernel, stride, padding, dilation, groups: sets, .. } = conv;
        let fits = |axis: usize| {
            let [side, padding] = [kernel, padding].map(|sides| sides.array()[axis]);
            let dilation = dilation.array()[axis];
            (1..=MAX_SIDE).contains(&side)
                && stride.array()[axis] > 0
                && (1..=MAX_WINDOW).contains(&dilation)
                && padding <= (side - 1) * dilation
        };
        if channels == 0 || !fits(0) || !fits(1) {
            let needs = format!(
                "at least one channel, stride 1 and dilation 1, sides from 1 to {MAX_SIDE} and less padding than the \
                 kernel reaches, not {channels} channels, stride {stride}, dilation {dilation}, side {kernel}, \
                 padding {padding}"
            );
            return Err(layer(&name, dims, &needs));
        }
        if sets == 0 || !inputs.is_multiple_of(sets) || !channels.is_multiple_of(sets) {
            let needs = format!(
                "channels that its groups share out evenly, not {inputs} inputs and {channels} outputs for \
                 {sets} groups"
            );
            return Err(layer(&name, dims, &needs));
        }
        let padding = padding.array();
        // A longer step than the image gives the same single pixel, and a single tap has no distance to the next.
        let longest = height.max(width) + padding[0].max(padding[1]);
        let geometry = ConvGeometry {
            kernel: kernel.array(),
            stride: stride.array().map(|stride| stride.min(longest)),
            padding,
            dilation: [0, 1].map(|axis| if kernel.array()[axis] == 1 { 1 } else { dilation.array()[axis] }),
        };
        let size = |axis: usize, length: usize| {
            let reach = (geometry.kernel[axis] - 1) * geometry.dilation[axis] + 1;
            let room = (length + 2 * padding[axis]).checked_sub(reach)?;
            Some(room / geometry.stride[axis] + 1)
        };
        let [tall, wide] = geometry.kernel;
        let (Some(rows), Some(columns)) = (size(0, height), size(1, width)) else {
            let needs = format!(
                "an image that its {tall}×{wide} kernel fits in, with padding {} and dilation {dilation}",
                conv.padding
            );
            return Err(layer(&name, dims, &needs));
        };
        let shape = [channels, inputs / sets, tall, wide];
        let weight = self.block(Block::weight(format!("{name}.weight"), shape, 0));
        let bias = conv.bias.then(|| self.block(Block::bias(format!("{name}.bias"), [channels])));
        self.after = name;
        self.node(
            Op::Conv { weight, bias, geometry, sets, linear: false },
            vec![from],
            [channels, rows, columns],
        )
    }

    fn pool(&mut self, pool: Pool, op: fn(Pool) -> Op, kind: &str, from: usize) -> Result<usize> {
        let dims @ [channels, height, width] = self.dims(from);
        // A longer step than this gives the same single pixel.
        let pool = pool.stride(pool.stride.min(height.max(width) + MAX_WINDOW));
        if pool.padding > pool.window / 2 {
            let name = format!("the {kind} pool after `{}`", self.after);
            let needs = format!(
                "padding of at most half a window, as every window must hold a pixel of the image, not {} for \
                 windows of {1}×{1}",
                pool.padding, pool.window
            );
            return Err(layer(&name, dims, &needs));
        }
        let sizes = (pool.window > 0 && pool.window <= MAX_WINDOW && pool.stride > 0)
            .then(|| (pool.windows(height), pool.windows(width)));
        let Some((Some(rows), Some(columns))) = sizes else {
            let name = format!("the {kind} pool after `{}`", self.after);
            let Pool { window, stride, padding, .. } = pool;
            let needs = format!("room for windows of {window}×{window}, stride {stride}, padding {padding}");
            return Err(layer(&name, dims, &needs));
        };
        self.node(op(pool), vec![from], [channels, rows, columns])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(chain: &Chain) -> (String, [usize; 3]) {
        match Graph::new([2, 4, 4], chain) {
            Err(Error::LayerShape { layer, found, .. }) => (layer, found),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn layers_that_do_not_fit_are_named_with_their_shapes() {
        let pool = Pool::new(5);
        assert_eq!(refused(&Chain::new().conv(Conv::new("a", 3, 7).padding(0))), ("a".into(), [2, 4, 4]));
        assert_eq!(refused(&Chain::new().scope("s", Chain::new().conv3x3("a", 0, 1))).0, "s.a");
        assert_eq!(refused(&Chain::new().conv1x1("a", 3, 1).max_pool(pool)).0, "the max pool after `a`");
        let skip = Chain::new().skip(Chain::new().conv3x3("a", 3, 1), Chain::new());
        assert_eq!(refused(&skip), ("the skip after `a`".into(), [3, 4, 4]));
        let concat = Chain::new().concat([Chain::new(), Chain::new().conv3x3("b", 3, 2)]);
        assert_eq!(refused(&concat), ("the concatenation after `b`".into(), [3, 2, 2]));
        assert_eq!(refused(&Chain::new().concat([])).1, [2, 4, 4]);
        assert_eq!(refused(&Chain::new().conv3x3("a", 3, 1)), ("the last layer".into(), [3, 4, 4]));
        assert!(Graph::new([0, 4, 4], &Chain::new()).is_err());
        assert!(matches!(
            Graph::new([2, 1, 1], &Chain::new()),
            Err(Error::Core(loss_landscape::Error::EmptyLayout))
        ));
        let twice = Chain::new().linear("a", 2).linear("a", 2);
        assert!(matches!(
            Graph::new([2, 4, 4], &twice),
            Err(Error::Core(loss_landscape::Error::DuplicateBlock { .. }))
        ));
    }
}
