//! Which channels of a network may be listed in another order.

use std::ops::Range;

use loss_landscape::{
    Layout,
    matching::{PermutationSpec, UnitGroup},
};

use super::graph::{Graph, Op};

/// Consecutive values of a node that are numbered by one class of channels, `run` values for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Segment {
    class: usize,
    channels: usize,
    run: usize,
}

/// The class of what must stay in its order: inputs and outputs.
const FIXED: usize = 0;

/// Channels that are numbered together, found by following them through the graph.
struct Classes {
    /// For each class one with which it was united, or itself.
    parents: Vec<usize>,
    /// For each class the layer that makes it, and the number of its channels.
    made: Vec<(String, usize)>,
    /// Where channels are, in the order of the layers.
    places: Vec<PlaceOf>,
}

struct PlaceOf {
    block: String,
    axis: usize,
    start: usize,
    segment: Segment,
}

/// The groups of channels of a graph: those of each convolution and linear layer but the last, one group where they are
/// added to each other.
pub(super) fn permutation_spec(graph: &Graph) -> PermutationSpec {
    let mut classes = Classes {
        parents: vec![FIXED],
        made: vec![("the input".to_owned(), graph.input.iter().product())],
        places: Vec::new(),
    };
    let mut values: Vec<Vec<Segment>> = Vec::with_capacity(graph.nodes.len());
    for node in &graph.nodes {
        let segments = match &node.op {
            Op::Input => vec![Segment { class: FIXED, channels: node.shape.channels, run: 1 }],
            Op::Conv { weight, bias, sets, .. } if *sets > 1 => {
                let input = &graph.nodes[node.inputs[0]].shape;
                let channels = values[node.inputs[0]].clone();
                if *sets == input.channels && node.shape.channels == input.channels {
                    // A filter for each channel, which goes where its channel goes.
                    for range in [Some(weight), bias.as_ref()].into_iter().flatten() {
                        classes.place(&name(&graph.layout, range), 0, &channels);
                    }
                    channels
                } else {
                    // Channels might change places within their set alone, which is left out.
                    classes.fix(&channels);
                    vec![Segment { class: FIXED, channels: node.shape.channels, run: 1 }]
                }
            }
            Op::Custom { .. } => {
                // What it does with its channels only its author knows.
                classes.fix(&values[node.inputs[0]]);
                vec![Segment { class: FIXED, channels: node.shape.channels, run: 1 }]
            }
            Op::Conv { weight, bias, .. } => {
                let weight = name(&graph.layout, weight);
                let layer = weight.strip_suffix(".weight").unwrap_or(&weight).to_owned();
                let out = classes.new_class(layer, node.shape.channels);
                classes.place(&weight, 0, &[out]);
                classes.place(&weight, 1, &values[node.inputs[0]]);
                if let Some(bias) = bias {
                    classes.place(&name(&graph.layout, bias), 0, &[out]);
                }
                vec![out]
            }
            Op::BatchNorm(norm) => {
                for range in [&norm.scale, &norm.shift, &norm.mean, &norm.variance] {
                    classes.place(&name(&graph.layout, range), 0, &values[node.inputs[0]]);
                }
                values[node.inputs[0]].clone()
            }
            Op::SetNorm(norm) => {
                let channels = values[node.inputs[0]].clone();
                if norm.sets.channels() == node.shape.channels || norm.sets.channels() == 1 {
                    for range in [&norm.scale, &norm.shift] {
                        classes.place(&name(&graph.layout, range), 0, &channels);
                    }
                } else {
                    // Channels might change places within their group alone, which is left out.
                    classes.fix(&channels);
                }
                channels
            }
            Op::Transpose => {
                // What mixes pixels tells them apart; their order and that of the channels are left as they are.
                classes.fix(&values[node.inputs[0]]);
                vec![Segment { class: FIXED, channels: node.shape.channels, run: 1 }]
            }
            Op::Relu
            | Op::Tanh
            | Op::Smooth(_)
            | Op::MaxPool(_)
            | Op::AveragePool(_)
            | Op::AdaptivePool
            | Op::Mean => values[node.inputs[0]].clone(),
            Op::Flatten => {
                let pixels = graph.nodes[node.inputs[0]].shape.pixels();
                let longer = |segment: &Segment| Segment { run: segment.run * pixels, ..*segment };
                values[node.inputs[0]].iter().map(longer).collect()
            }
            Op::Add => {
                classes.unite(&values[node.inputs[0]], &values[node.inputs[1]]);
                values[node.inputs[0]].clone()
            }
            Op::Concat => node.inputs.iter().flat_map(|&input| values[input].clone()).collect(),
        };
        values.push(segments);
    }
    classes.fix(values.last().expect("a graph has its input at least"));
    let mut groups: Vec<Option<UnitGroup>> = vec![None; classes.parents.len()];
    for PlaceOf { block, axis, start, segment } in &classes.places {
        let class = classes.root(segment.class);
        if class != FIXED {
            let (layer, channels) = &classes.made[class];
            let group = groups[class].take().unwrap_or_else(|| UnitGroup::new(layer, *channels));
            groups[class] = Some(group.part(block, *axis, *start, segment.run));
        }
    }
    PermutationSpec::new(&graph.layout, groups.into_iter().flatten())
        .expect("channels have the places they fill")
}

fn name(layout: &Layout, range: &Range<usize>) -> String {
    let (block, _) = layout.locate(range.start).expect("ranges of a graph are of its layout");
    block.name().to_owned()
}

impl Classes {
    fn new_class(&mut self, layer: String, channels: usize) -> Segment {
        self.parents.push(self.parents.len());
        self.made.push((layer, channels));
        Segment { class: self.parents.len() - 1, channels, run: 1 }
    }

    /// Segments one after the other along an axis.
    fn place(&mut self, block: &str, axis: usize, segments: &[Segment]) {
        let mut start = 0;
        for &segment in segments {
            self.places.push(PlaceOf { block: block.to_owned(), axis, start, segment });
            start += segment.channels * segment.run;
        }
    }

    fn root(&self, mut class: usize) -> usize {
        while self.parents[class] != class {
            class = self.parents[class];
        }
        class
    }

    /// The earlier of the two stands for both.
    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        self.parents[a.max(b)] = a.min(b);
    }

    /// Leaves channels in their order.
    fn fix(&mut self, segments: &[Segment]) {
        for segment in segments {
            self.join(segment.class, FIXED);
        }
    }

    /// What is added to each other is numbered together. Where one side's segments end within one of the other's, no
    /// order but the present one is known to fit both.
    fn unite(&mut self, a: &[Segment], b: &[Segment]) {
        let alike =
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a.channels, a.run) == (b.channels, b.run));
        if alike {
            for (a, b) in a.iter().zip(b) {
                self.join(a.class, b.class);
            }
        } else {
            self.fix(a);
            self.fix(b);
        }
    }
}
