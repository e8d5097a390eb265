//! From a graph to layers: what is fused, in which order derivatives go back, which tensors share memory.

use super::{
    fold::{Fold, Segment},
    graph::{Graph, Node, Op},
    slots::Slots,
};
use crate::{
    NetScalar,
    layers::{
        Add, Affine, AveragePool, BatchNorm, Concat, Convolution, Flatten, INPUT, Layer, MaxPool, Mean,
        Rectify, Tanh, Windows,
    },
    simd::{Filters, Shape},
};

/// Which statistics normalise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// The running ones, folded away: [`Fold`].
    Evaluation,
    /// Those of the batch, which must be one chunk.
    Training,
}

/// A network ready to be computed: layer i gives tensor i + 1, tensor 0 being the input.
#[derive(Debug)]
pub(crate) struct Plan<S> {
    pub(crate) layers: Vec<Box<dyn Layer<S>>>,
    pub(crate) shapes: Vec<Shape>,
    pub(crate) fold: Fold,
    pub(crate) back: Vec<Step>,
    /// For δ: the tensor whose memory holds that of each tensor.
    pub(crate) same: Vec<usize>,
    /// Lengths of the packed filters on the way up and back.
    pub(crate) packed: [usize; 2],
    /// The buffers of a normalisation with batch statistics (mean, variance), for each.
    pub(crate) running: Vec<[std::ops::Range<usize>; 2]>,
    /// Memory for values alone, and for δ when every value is kept.
    pub(crate) value_slots: Slots,
    pub(crate) delta_slots: Slots,
}

/// A step on the way back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// The statistics of a layer's δ.
    Measure { layer: usize },
    /// The gradient by a layer's parameters.
    Gradient { layer: usize },
    /// δ of a layer's input: added to what is there, plus δ of another tensor, masked by a fused ReLU.
    Delta { layer: usize, input: usize, tensor: usize, add: bool, plus: Option<usize>, masked: bool },
    /// The same with a sum of other tensors' δ alone.
    Sum { tensor: usize, from: Vec<usize>, add: bool, masked: bool },
}

/// A layer in the making.
#[derive(Debug)]
struct Draft {
    /// The node whose operation it is.
    node: usize,
    norm: Option<usize>,
    plus: Option<usize>,
    rectified: bool,
}

impl<S: NetScalar> Plan<S> {
    pub(crate) fn new(graph: &Graph, mode: Mode) -> Self {
        let drafts = fuse(graph, mode);
        // The tensor of each node that has one.
        let mut tensors = vec![usize::MAX; graph.nodes.len()];
        tensors[0] = INPUT;
        let last_nodes = drafts.iter().enumerate().filter_map(|(node, draft)| draft.as_ref().map(|_| node));
        for (tensor, node) in last_nodes.enumerate() {
            tensors[node] = tensor + 1;
        }
        let mut maker =
            Maker { graph, mode, tensors, fold: Fold::default(), packed: [0, 0], running: Vec::new() };
        if mode == Mode::Training {
            let all = maker.fold.reserve(graph.layout.len());
            maker.fold.segments.push(Segment::Plain { from: all.clone(), to: all });
        }
        let mut layers: Vec<Box<dyn Layer<S>>> = Vec::new();
        let mut shapes = vec![graph.nodes[0].shape];
        for (node, draft) in drafts.iter().enumerate() {
            if let Some(draft) = draft {
                layers.push(maker.layer(draft, layers.len() + 1));
                shapes.push(graph.nodes[node].shape);
            }
        }
        let Maker { fold, packed, running, .. } = maker;
        let (back, same) = way_back(&layers);
        let lens: Vec<usize> = shapes.iter().map(|shape| shape.len()).collect();
        let value_slots = Slots::of_values(&layers, &lens);
        let delta_slots = Slots::of_deltas(&layers, &back, &same, &lens);
        Self { layers, shapes, fold, back, same, packed, running, value_slots, delta_slots }
    }

    /// Scratch memory that any layer needs.
    pub(crate) fn room(&self) -> usize {
        self.layers.iter().map(|layer| layer.room()).max().unwrap_or(0)
    }

    /// Values of all tensors of one group.
    pub(crate) fn tensors_len(&self) -> usize {
        self.shapes.iter().map(|shape| shape.len()).sum()
    }
}

/// Merges normalisations, sums and ReLUs into the layer before, where nothing else reads it.
fn fuse(graph: &Graph, mode: Mode) -> Vec<Option<Draft>> {
    let mut readers = vec![0; graph.nodes.len()];
    for &input in graph.nodes.iter().flat_map(|node| &node.inputs) {
        readers[input] += 1;
    }
    let mut drafts: Vec<Option<Draft>> = Vec::with_capacity(graph.nodes.len());
    for (index, Node { op, inputs, .. }) in graph.nodes.iter().enumerate() {
        let is = |draft: &Draft, wanted: fn(&Op) -> bool| wanted(&graph.nodes[draft.node].op);
        let conv = |draft: &Draft| is(draft, |op| matches!(op, Op::Conv { .. }));
        let norm = |draft: &Draft| is(draft, |op| matches!(op, Op::Norm(_)));
        let bare = |draft: &Draft| draft.plus.is_none() && !draft.rectified;
        // The draft at an input, if only this node reads it and it is of the right kind.
        let take = |drafts: &mut Vec<Option<Draft>>, input: usize, fits: &dyn Fn(&Draft) -> bool| {
            let alone = readers[input] == 1 && drafts[input].as_ref().is_some_and(fits);
            if alone { drafts[input].take() } else { None }
        };
        let mut new = Draft { node: index, norm: None, plus: None, rectified: false };
        let draft = match op {
            Op::Input => None,
            Op::Norm(_) if mode == Mode::Evaluation => {
                let before = take(&mut drafts, inputs[0], &|d| conv(d) && bare(d) && d.norm.is_none());
                Some(before.map_or_else(|| new, |draft| Draft { norm: Some(index), ..draft }))
            }
            Op::Add => {
                let fits = |d: &Draft| bare(d) && (conv(d) || (mode == Mode::Training && norm(d)));
                let (a, b) = (inputs[0], inputs[1]);
                if let Some(draft) = take(&mut drafts, a, &fits) {
                    Some(Draft { plus: Some(b), ..draft })
                } else if let Some(draft) = take(&mut drafts, b, &fits) {
                    Some(Draft { plus: Some(a), ..draft })
                } else {
                    Some(new)
                }
            }
            Op::Relu => {
                let fits =
                    |d: &Draft| !d.rectified && (conv(d) || norm(d) || is(d, |op| matches!(op, Op::Add)));
                if let Some(draft) = take(&mut drafts, inputs[0], &fits) {
                    Some(Draft { rectified: true, ..draft })
                } else {
                    new.rectified = true;
                    Some(new)
                }
            }
            _ => Some(new),
        };
        drafts.push(draft);
    }
    drafts
}

struct Maker<'a> {
    graph: &'a Graph,
    mode: Mode,
    tensors: Vec<usize>,
    fold: Fold,
    packed: [usize; 2],
    running: Vec<[std::ops::Range<usize>; 2]>,
}

impl Maker<'_> {
    fn layer<S: NetScalar>(&mut self, draft: &Draft, out: usize) -> Box<dyn Layer<S>> {
        let node = &self.graph.nodes[draft.node];
        let mut inputs: Vec<usize> = node.inputs.iter().map(|&input| self.tensors[input]).collect();
        let input = self.graph.nodes[node.inputs[0]].shape;
        let (shape, rectified) = (node.shape, draft.rectified);
        let one = [inputs[0]];
        match &node.op {
            Op::Conv { weight, bias, side, stride, padding, .. } => {
                let filters = Filters { outputs: shape.channels, inputs: input.channels, side: *side };
                let [up, back] = &mut self.packed;
                let (up_start, back_start) = (*up, *back);
                *up += filters.packed_len();
                *back += filters.transposed().packed_len();
                let (up, back) = (up_start..*up, back_start..*back);
                let (weight, bias) = self.folded(draft.norm, weight.clone(), bias.clone());
                inputs.extend(draft.plus.map(|node| self.tensors[node]));
                Box::new(Convolution {
                    inputs,
                    out,
                    rectified,
                    input,
                    output: shape,
                    geometry: [*side, *stride, *padding],
                    weight,
                    bias,
                    up,
                    back,
                })
            }
            Op::Norm(norm) if self.mode == Mode::Training => {
                let statistics = self.running.len();
                self.running.push([norm.mean.clone(), norm.variance.clone()]);
                inputs.extend(draft.plus.map(|node| self.tensors[node]));
                let (scale, shift, epsilon) = (norm.scale.clone(), norm.shift.clone(), norm.epsilon);
                Box::new(BatchNorm { inputs, out, rectified, shape, scale, shift, epsilon, statistics })
            }
            Op::Norm(norm) => {
                let factors = self.fold.reserve(shape.channels);
                let shifts = self.fold.reserve(shape.channels);
                self.fold.segments.push(Segment::Norm {
                    norm: norm.clone(),
                    to_factors: factors.clone(),
                    to_shifts: shifts.clone(),
                });
                Box::new(Affine { inputs: one, out, rectified, shape, factors, shifts })
            }
            Op::Input | Op::Relu => Box::new(Rectify { inputs: one, out, shape }),
            Op::Tanh => Box::new(Tanh { inputs: one, out }),
            Op::MaxPool(pool) => {
                Box::new(MaxPool { inputs: one, out, windows: Windows { input, output: shape, pool: *pool } })
            }
            Op::AveragePool(pool) => Box::new(AveragePool {
                inputs: one,
                out,
                windows: Windows { input, output: shape, pool: *pool },
            }),
            Op::Mean => Box::new(Mean { inputs: one, out, input }),
            Op::Flatten => Box::new(Flatten { inputs: one, out, input }),
            Op::Add => Box::new(Add { inputs: [inputs[0], inputs[1]], out, rectified, shape }),
            Op::Concat => {
                let lens = node.inputs.iter().map(|&input| self.graph.nodes[input].shape.len()).collect();
                Box::new(Concat { inputs, out, shape, lens })
            }
        }
    }

    /// Where the filters and the bias of a convolution lie in φ.
    fn folded(
        &mut self,
        norm: Option<usize>,
        weight: std::ops::Range<usize>,
        bias: Option<std::ops::Range<usize>>,
    ) -> (std::ops::Range<usize>, Option<std::ops::Range<usize>>) {
        if self.mode == Mode::Training {
            return (weight, bias);
        }
        let to_weight = self.fold.reserve(weight.len());
        if let Some(Op::Norm(norm)) = norm.map(|node| &self.graph.nodes[node].op) {
            let to_bias = self.fold.reserve(norm.scale.len());
            self.fold.segments.push(Segment::Conv {
                weight,
                bias,
                norm: norm.clone(),
                to_weight: to_weight.clone(),
                to_bias: to_bias.clone(),
            });
            return (to_weight, Some(to_bias));
        }
        self.fold.segments.push(Segment::Plain { from: weight, to: to_weight.clone() });
        let to_bias = bias.map(|bias| {
            let to = self.fold.reserve(bias.len());
            self.fold.segments.push(Segment::Plain { from: bias, to: to.clone() });
            to
        });
        (to_weight, to_bias)
    }
}

/// The steps back through all layers, and for each tensor the one whose δ is the same.
fn way_back<S: NetScalar>(layers: &[Box<dyn Layer<S>>]) -> (Vec<Step>, Vec<usize>) {
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
            steps.push(Step::Measure { layer: index });
        }
        steps.push(Step::Gradient { layer: index });
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
                steps.push(Step::Delta { layer: index, input, tensor, add, plus, masked });
                written[tensor] = true;
            } else if last && !masked && !add && plus.is_none() {
                same[tensor] = same[out];
            } else if !last && plus.is_none() {
                pending[tensor] = Some(out);
            } else {
                let from = plus.into_iter().chain([out]).collect();
                steps.push(Step::Sum { tensor, from, add, masked });
                written[tensor] = true;
            }
        }
    }
    (steps, same)
}
