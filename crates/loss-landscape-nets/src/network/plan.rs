//! From a graph to layers: what is fused, in which order derivatives go back, which tensors share memory.

use std::{ops::Range, sync::Arc};

use loss_landscape_kernels::{ConvKernel, FilterBank, PoolWindows, TensorShape};

use super::{
    backward_step::BackwardStep,
    batch_norm_folding::{BatchNormFolding, FoldSegment},
    chain::Pool,
    graph::{Graph, Node, Op},
    memory_plan::MemoryPlan,
};
use crate::{
    layers::{
        Add, AveragePool, BatchNorm, ChannelAffine, Concat, Convolution, CustomPass, Flatten, GlobalMean,
        INPUT, Layer, LinearMap, Mapped, MaxPool, Rectify, SetNorm, SmoothActivation, Tanh, Transpose,
        Weights,
    },
    real::Real,
};

/// Which statistics normalise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// The running ones, folded away: [`BatchNormFolding`].
    Evaluation,
    /// Those of the batch, which must be one chunk.
    Training,
}

/// A network ready to be computed: layer i gives tensor i + 1, tensor 0 being the input.
#[derive(Debug)]
pub(crate) struct Plan<S> {
    pub(crate) layers: Vec<Box<dyn Layer<S>>>,
    pub(crate) shapes: Vec<TensorShape>,
    pub(crate) fold: BatchNormFolding,
    /// The first layer, if it is a convolution of the input alone that nothing else reads.
    pub(crate) first: Option<Convolution>,
    pub(crate) backward: Vec<BackwardStep>,
    /// For δ: the tensor whose memory holds that of each tensor.
    pub(crate) same: Vec<usize>,
    /// Lengths of the filters packed for a forward and for a backward pass.
    pub(crate) packed_forward: usize,
    pub(crate) packed_backward: usize,
    /// The buffers of a normalisation with batch statistics (mean, variance), for each.
    pub(crate) running: Vec<[Range<usize>; 2]>,
    /// Memory for values alone, and for δ when every value is kept.
    pub(crate) value_memory: MemoryPlan,
    pub(crate) delta_memory: MemoryPlan,
}

/// The nodes of one layer.
#[derive(Debug)]
struct FusedNodes {
    /// The node whose operation it is.
    node: usize,
    norm: Option<usize>,
    plus: Option<usize>,
    rectified: bool,
}

/// What layers are made of, one after the other.
struct LayerBuilder<'a> {
    graph: &'a Graph,
    mode: Mode,
    tensors: Vec<usize>,
    fold: BatchNormFolding,
    first: Option<Convolution>,
    packed_forward: usize,
    packed_backward: usize,
    running: Vec<[Range<usize>; 2]>,
}

impl<S: Real> Plan<S> {
    pub(crate) fn new(graph: &Graph, mode: Mode) -> Self {
        let fused = fuse(graph, mode);
        // The tensor of each node that has one.
        let mut tensors = vec![usize::MAX; graph.nodes.len()];
        tensors[0] = INPUT;
        let last_nodes = fused.iter().enumerate().filter_map(|(node, nodes)| nodes.as_ref().map(|_| node));
        for (tensor, node) in last_nodes.enumerate() {
            tensors[node] = tensor + 1;
        }
        let mut builder = LayerBuilder {
            graph,
            mode,
            tensors,
            fold: BatchNormFolding::default(),
            first: None,
            packed_forward: 0,
            packed_backward: 0,
            running: Vec::new(),
        };
        if mode == Mode::Training {
            let all = builder.fold.reserve(graph.layout.len());
            builder.fold.segments.push(FoldSegment::Plain { from: all.clone(), to: all });
        }
        let mut layers: Vec<Box<dyn Layer<S>>> = Vec::new();
        let mut shapes = vec![graph.nodes[0].shape];
        for (node, nodes) in fused.iter().enumerate() {
            if let Some(nodes) = nodes {
                layers.push(builder.layer(nodes, layers.len() + 1));
                shapes.push(graph.nodes[node].shape);
            }
        }
        let LayerBuilder { fold, first, packed_forward, packed_backward, running, .. } = builder;
        let readers_of_input = layers.iter().filter(|layer| layer.inputs().contains(&INPUT)).count();
        let first = first.filter(|conv| readers_of_input == 1 && conv.inputs.len() == 1 && conv.sets == 1);
        let (backward, same) = backward_steps(&layers);
        let lens: Vec<usize> = shapes.iter().map(|shape| shape.len()).collect();
        let value_memory = MemoryPlan::of_values(&layers, &lens);
        let delta_memory = MemoryPlan::of_deltas(&layers, &backward, &same, &lens);
        Self {
            layers,
            shapes,
            fold,
            first,
            backward,
            same,
            packed_forward,
            packed_backward,
            running,
            value_memory,
            delta_memory,
        }
    }

    /// The number of the network's outputs.
    pub(crate) fn outputs(&self) -> usize {
        self.shapes[self.layers.len()].channels
    }

    /// Values of scratch memory that the derivatives of any layer need.
    pub(crate) fn scratch_len(&self) -> usize {
        self.layers.iter().map(|layer| layer.scratch_len()).max().unwrap_or(0)
    }

    /// Puts a gradient to which every layer has added into the order of the parameters.
    pub(crate) fn put_in_order(&self, gradient: &mut [S]) {
        for layer in &self.layers {
            layer.put_in_order(gradient);
        }
    }

    /// Memory for parameters; `backward` if derivatives are wanted.
    pub(crate) fn weights(&self, backward: bool) -> Weights<S> {
        Weights {
            plain: vec![S::zero(); self.fold.len],
            forward: vec![S::zero(); self.packed_forward],
            backward: vec![S::zero(); if backward { self.packed_backward } else { 0 }],
        }
    }

    /// Folds and packs θ.
    pub(crate) fn load(&self, theta: &[S], weights: &mut Weights<S>) {
        self.fold.apply(theta, &mut weights.plain);
        self.pack(weights);
    }

    /// Folds and packs a direction v at θ.
    pub(crate) fn load_direction(&self, theta: &[S], v: &[S], weights: &mut Weights<S>) {
        self.fold.push(theta, v, &mut weights.plain);
        self.pack(weights);
    }

    fn pack(&self, weights: &mut Weights<S>) {
        let backward = !weights.backward.is_empty();
        for layer in &self.layers {
            layer.pack(weights, backward);
        }
    }

    /// Values of all tensors of one group.
    pub(crate) fn tensors_len(&self) -> usize {
        self.shapes.iter().map(|shape| shape.len()).sum()
    }
}

/// Merges normalisations, sums and ReLUs into the layer before, where nothing else reads it.
fn fuse(graph: &Graph, mode: Mode) -> Vec<Option<FusedNodes>> {
    let mut readers = vec![0; graph.nodes.len()];
    for &input in graph.nodes.iter().flat_map(|node| &node.inputs) {
        readers[input] += 1;
    }
    let mut fused: Vec<Option<FusedNodes>> = Vec::with_capacity(graph.nodes.len());
    for (index, Node { op, inputs, .. }) in graph.nodes.iter().enumerate() {
        let is = |nodes: &FusedNodes, wanted: fn(&Op) -> bool| wanted(&graph.nodes[nodes.node].op);
        let conv = |nodes: &FusedNodes| is(nodes, |op| matches!(op, Op::Conv { .. }));
        let norm = |nodes: &FusedNodes| is(nodes, |op| matches!(op, Op::BatchNorm(_)));
        let bare = |nodes: &FusedNodes| nodes.plus.is_none() && !nodes.rectified;
        // The nodes at an input, if only this node reads it and it is of the right kind.
        let take = |fused: &mut Vec<Option<FusedNodes>>, input: usize, fits: &dyn Fn(&FusedNodes) -> bool| {
            let alone = readers[input] == 1 && fused[input].as_ref().is_some_and(fits);
            if alone { fused[input].take() } else { None }
        };
        let mut new = FusedNodes { node: index, norm: None, plus: None, rectified: false };
        let nodes = match op {
            Op::Input => None,
            Op::BatchNorm(_) if mode == Mode::Evaluation => {
                let before = take(&mut fused, inputs[0], &|d| conv(d) && bare(d) && d.norm.is_none());
                Some(before.map_or_else(|| new, |nodes| FusedNodes { norm: Some(index), ..nodes }))
            }
            Op::Add => {
                let fits = |d: &FusedNodes| bare(d) && (conv(d) || (mode == Mode::Training && norm(d)));
                let (a, b) = (inputs[0], inputs[1]);
                if let Some(nodes) = take(&mut fused, a, &fits) {
                    Some(FusedNodes { plus: Some(b), ..nodes })
                } else if let Some(nodes) = take(&mut fused, b, &fits) {
                    Some(FusedNodes { plus: Some(a), ..nodes })
                } else {
                    Some(new)
                }
            }
            Op::Relu => {
                let fits = |d: &FusedNodes| {
                    !d.rectified && (conv(d) || norm(d) || is(d, |op| matches!(op, Op::Add)))
                };
                if let Some(nodes) = take(&mut fused, inputs[0], &fits) {
                    Some(FusedNodes { rectified: true, ..nodes })
                } else {
                    new.rectified = true;
                    Some(new)
                }
            }
            _ => Some(new),
        };
        fused.push(nodes);
    }
    fused
}

impl LayerBuilder<'_> {
    fn layer<S: Real>(&mut self, nodes: &FusedNodes, out: usize) -> Box<dyn Layer<S>> {
        let node = &self.graph.nodes[nodes.node];
        let mut inputs: Vec<usize> = node.inputs.iter().map(|&input| self.tensors[input]).collect();
        let input = self.graph.nodes[node.inputs[0]].shape;
        let (shape, rectified) = (node.shape, nodes.rectified);
        let one = [inputs[0]];
        match &node.op {
            Op::Conv { weight, bias, geometry, sets, .. } => {
                let (geometry, sets) = (*geometry, *sets);
                let [outputs, inputs_of] = [shape, input].map(|shape| shape.channels / sets);
                let filters = FilterBank { outputs, inputs: inputs_of, kernel: geometry.kernel };
                let of_set = TensorShape { channels: inputs_of, ..input };
                let kernel = ConvKernel::fastest(geometry, of_set, outputs);
                let forward = take(&mut self.packed_forward, sets * kernel.packed_len(filters));
                let backward =
                    take(&mut self.packed_backward, sets * kernel.packed_len(filters.transposed()));
                let (weight, bias) = self.folded(nodes.norm, weight.clone(), bias.clone());
                inputs.extend(nodes.plus.map(|node| self.tensors[node]));
                let conv = Convolution {
                    inputs,
                    out,
                    rectified,
                    input,
                    output: shape,
                    geometry,
                    kernel,
                    sets,
                    weight,
                    bias,
                    forward,
                    backward,
                };
                if out == INPUT + 1 {
                    self.first = Some(conv.clone());
                }
                Box::new(conv)
            }
            Op::BatchNorm(norm) if self.mode == Mode::Training => {
                let statistics = self.running.len();
                self.running.push([norm.mean.clone(), norm.variance.clone()]);
                inputs.extend(nodes.plus.map(|node| self.tensors[node]));
                let (scale, shift, epsilon) = (norm.scale.clone(), norm.shift.clone(), norm.epsilon);
                Box::new(BatchNorm { inputs, out, rectified, shape, scale, shift, epsilon, statistics })
            }
            Op::BatchNorm(norm) => {
                let factors = self.fold.reserve(shape.channels);
                let shifts = self.fold.reserve(shape.channels);
                self.fold.segments.push(FoldSegment::Normalised {
                    weight: None,
                    bias: None,
                    norm: norm.clone(),
                    to_weight: factors.clone(),
                    to_bias: shifts.clone(),
                });
                Box::new(ChannelAffine { inputs: one, out, rectified, shape, factors, shifts })
            }
            Op::Input | Op::Relu => Box::new(Rectify { inputs: one, out, shape }),
            Op::Tanh => Box::new(Tanh { inputs: one, out }),
            Op::SetNorm(norm) => {
                let scale = self.plain(norm.scale.clone());
                let shift = self.plain(norm.shift.clone());
                Box::new(SetNorm { inputs: one, out, sets: norm.sets, scale, shift })
            }
            Op::Smooth(function) => Box::new(SmoothActivation { inputs: one, out, function: *function }),
            Op::Transpose => mapped(one, out, Transpose { input, output: shape }),
            Op::AdaptivePool => {
                let windows = PoolWindows { adaptive: true, ..pool_windows(Pool::new(1), input, shape) };
                mapped(one, out, AveragePool { windows })
            }
            Op::MaxPool(pool) => {
                Box::new(MaxPool { inputs: one, out, windows: pool_windows(*pool, input, shape) })
            }
            Op::AveragePool(pool) => {
                mapped(one, out, AveragePool { windows: pool_windows(*pool, input, shape) })
            }
            Op::Mean => mapped(one, out, GlobalMean { input }),
            Op::Flatten => mapped(one, out, Flatten { input }),
            Op::Add => Box::new(Add { inputs: [inputs[0], inputs[1]], out, rectified, shape }),
            Op::Concat => {
                let lens = node.inputs.iter().map(|&input| self.graph.nodes[input].shape.len()).collect();
                Box::new(Concat { inputs, out, shape, lens })
            }
            Op::Custom { layer, parameters, buffers } => {
                let parameters = self.plain(parameters.clone());
                let (layer, buffers) = (Arc::clone(layer), buffers.clone());
                Box::new(CustomPass { inputs: one, out, input, output: shape, layer, parameters, buffers })
            }
        }
    }

    /// The filters and the bias of a convolution in φ.
    fn folded(
        &mut self,
        norm: Option<usize>,
        weight: Range<usize>,
        bias: Option<Range<usize>>,
    ) -> (Range<usize>, Option<Range<usize>>) {
        if self.mode == Mode::Training {
            return (weight, bias);
        }
        let to_weight = self.fold.reserve(weight.len());
        if let Some(Op::BatchNorm(norm)) = norm.map(|node| &self.graph.nodes[node].op) {
            let to_bias = self.fold.reserve(norm.scale.len());
            self.fold.segments.push(FoldSegment::Normalised {
                weight: Some(weight),
                bias,
                norm: norm.clone(),
                to_weight: to_weight.clone(),
                to_bias: to_bias.clone(),
            });
            return (to_weight, Some(to_bias));
        }
        self.fold.segments.push(FoldSegment::Plain { from: weight, to: to_weight.clone() });
        let to_bias = bias.map(|bias| self.plain(bias));
        (to_weight, to_bias)
    }

    /// Parameters of θ as they are, in φ.
    fn plain(&mut self, from: Range<usize>) -> Range<usize> {
        if self.mode == Mode::Training {
            return from;
        }
        let to = self.fold.reserve(from.len());
        self.fold.segments.push(FoldSegment::Plain { from, to: to.clone() });
        to
    }
}

/// The next `len` places of something that is `end` long.
fn take(end: &mut usize, len: usize) -> Range<usize> {
    let start = *end;
    *end += len;
    start..*end
}

fn mapped<S: Real>(inputs: [usize; 1], out: usize, map: impl LinearMap + 'static) -> Box<dyn Layer<S>> {
    Box::new(Mapped { inputs, out, map })
}

fn pool_windows(pool: Pool, input: TensorShape, output: TensorShape) -> PoolWindows {
    let Pool { window, stride, padding, count_padding, .. } = pool;
    PoolWindows { input, output, window, stride, padding, count_padding, adaptive: false }
}

/// The steps back through all layers, and for each tensor the one whose δ is the same.
fn backward_steps<S: Real>(layers: &[Box<dyn Layer<S>>]) -> (Vec<BackwardStep>, Vec<usize>) {
    let count = layers.len() + 1;
    let mut left = vec![0; count];
    for &tensor in layers.iter().flat_map(|layer| layer.inputs()) {
        left[tensor] += 1;
    }
    let mut same: Vec<usize> = (0..count).collect();
    // Of each tensor, whether δ is there in part, and a tensor whose δ is still to be added.
    let mut written = vec![false; count];
    let mut pending: Vec<Option<usize>> = vec![None; count];
    let mut steps = Vec::new();
    for (index, layer) in layers.iter().enumerate().rev() {
        let out = index + 1;
        if layer.statistics().is_some() {
            steps.push(BackwardStep::Measure { layer: index });
        }
        steps.push(BackwardStep::Gradient { layer: index });
        for (input, &tensor) in layer.inputs().iter().enumerate() {
            left[tensor] -= 1;
            if tensor == INPUT {
                continue;
            }
            let last = left[tensor] == 0;
            let masked = last && layers[tensor - 1].rectified();
            let plus = pending[tensor].take();
            let add = written[tensor];
            if !layer.passes(input) {
                steps.push(BackwardStep::Delta { layer: index, input, tensor, add, plus, masked });
                written[tensor] = true;
            } else if last && !masked && !add && plus.is_none() {
                same[tensor] = same[out];
            } else if !last && plus.is_none() {
                pending[tensor] = Some(out);
            } else {
                // In the order in which they came.
                let (from, plus) = plus.map_or((out, None), |first| (first, Some(out)));
                steps.push(BackwardStep::Sum { tensor, from, plus, add, masked });
                written[tensor] = true;
            }
        }
    }
    (steps, same)
}
