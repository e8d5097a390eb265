//! The first layer over a whole plane: its products with the vectors that span the plane, once for all
//! points.
//!
//! Before its normalisation the first layer is linear in θ, so its values at a point are combinations of
//! a few tensors, one for each vector that spans the plane. With few inputs for each output, reading those from memory should cost more than
//! multiplying anew; so it is done from [`FAN_IN`] inputs on, a number estimated from the rates of both and not
//! swept.

use std::ops::Range;

use loss_landscape::oracle::{Point, Slice};
use loss_landscape_kernels::{
    AlignedBuffer, ChannelSums, ConvInput, ConvPass, Epilogue, FilterBank, GeneralConv, LANES, ScaledTensor,
    TensorShape, load,
};

use super::{conv_network::Network, work_split::WorkSplit};
use crate::{data::Samples, error::Result, layers::Convolution, memory::ensure_room, real::Real};

/// Inputs of an output from which on values are combined.
const FAN_IN: usize = 96;
/// The most vectors whose products are combined; along a curve of more points the layer is multiplied anew.
const VECTORS: usize = 8;

/// The products of one data set.
#[derive(Debug)]
pub(super) struct PreparedFirstLayer<S> {
    layer: FirstLayer,
    vectors: usize,
    /// For each chunk of samples and each vector that spans the plane, [group][channel][pixel][lane].
    chunks: Vec<Vec<AlignedBuffer<S>>>,
}

/// The layer: its filters in θ and folded, and what it gives.
#[derive(Clone, Debug)]
struct FirstLayer {
    weight: Range<usize>,
    folded: Range<usize>,
    bias: Option<Range<usize>>,
    shape: TensorShape,
    rectified: bool,
}

/// A point of the plane.
#[derive(Debug)]
pub(super) struct FoldedPoint<'a, S> {
    pub(super) plane: &'a Slice<'a, S>,
    pub(super) point: Point,
    pub(super) theta: &'a [S],
    /// The folded parameters.
    pub(super) plain: &'a [S],
}

impl<S: Real> PreparedFirstLayer<S> {
    /// Multiplies once, if it pays and takes no more than the network's plane memory. Nothing if a
    /// product overflows: its combination with coefficient 0 would be NaN where the loss is not.
    pub(super) fn new(
        net: &Network<S>,
        plane: &Slice<'_, S>,
        data: &Samples<S>,
        split: &WorkSplit,
    ) -> Result<Option<Self>> {
        let plan = &net.plan;
        let Some(conv) = plan.first.as_ref().filter(|conv| fan_in(conv) >= FAN_IN) else { return Ok(None) };
        let vectors = plane.basis().len();
        if vectors > VECTORS {
            return Ok(None);
        }
        let groups: usize = (0..split.chunks()).map(|chunk| split.range(chunk).len().div_ceil(LANES)).sum();
        let bytes = (groups as u128) * (vectors * conv.output.len() * size_of::<S>()) as u128;
        if bytes > u128::from(net.plane_memory) {
            return Ok(None);
        }
        ensure_room::<S>("the first layer's products", bytes as usize / size_of::<S>())?;
        let layer = FirstLayer {
            weight: plan.fold.source(&conv.weight),
            folded: conv.weight.clone(),
            bias: conv.bias.clone(),
            shape: conv.output,
            rectified: conv.rectified,
        };
        let banks: Vec<Vec<S>> =
            plane.basis().iter().map(|vector| packed(conv, &vector[layer.weight.clone()])).collect();
        let parts = split.run(|chunks| {
            chunks.map(|chunk| multiply(conv, &banks, data, split.range(chunk))).collect::<Vec<_>>()
        });
        let chunks: Vec<Vec<AlignedBuffer<S>>> = parts.into_iter().flatten().collect();
        let finite = chunks.iter().flatten().all(|tensor| tensor.iter().all(|value| value.is_finite()));
        Ok(finite.then_some(Self { layer, vectors, chunks }))
    }

    /// Writes the layer's values at a point. `factors` is scratch memory.
    pub(super) fn combine(
        &self,
        net: &Network<S>,
        chunk: usize,
        at: &FoldedPoint<'_, S>,
        factors: &mut Vec<S>,
        out: &mut [S],
    ) {
        let channels = self.layer.shape.channels;
        factors.clear();
        // Most coefficients of a chain are 0, and their products need not be read.
        let mut used = [0; VECTORS];
        let mut count = 0;
        for (i, c) in at.plane.coefficients(at.point.coordinates).enumerate() {
            if c == 0.0 && self.vectors > 3 {
                continue;
            }
            used[count] = i;
            count += 1;
            let c = S::from_f64(c);
            factors.extend((0..channels).map(|k| c * net.plan.fold.scale(at.theta, &self.layer.folded, k)));
        }
        let terms: [ScaledTensor<'_, S>; VECTORS] = std::array::from_fn(|term| {
            let term = term.min(count - 1);
            ScaledTensor {
                x: &self.chunks[chunk][used[term]],
                factors: Some(&factors[term * channels..(term + 1) * channels]),
            }
        });
        ChannelSums {
            shape: self.layer.shape,
            terms: &terms[..count],
            shifts: self.layer.bias.clone().map(|bias| &at.plain[bias]),
            epilogue: Epilogue { relu: self.layer.rectified, ..Epilogue::default() },
            out,
        }
        .run();
    }
}

fn fan_in(conv: &Convolution) -> usize {
    conv.input.channels * conv.geometry.kernel.iter().product::<usize>()
}

fn packed<S: Real>(conv: &Convolution, bank: &[S]) -> Vec<S> {
    let filters: FilterBank = conv.filters();
    let mut packed = vec![S::zero(); conv.kernel.packed_len(filters)];
    conv.kernel.pack(filters, bank, &mut packed);
    packed
}

/// The products of a chunk of samples with every bank.
fn multiply<S: Real>(
    conv: &Convolution,
    banks: &[Vec<S>],
    data: &Samples<S>,
    range: Range<usize>,
) -> Vec<AlignedBuffer<S>> {
    let groups = range.len().div_ceil(LANES);
    let mut x = AlignedBuffer::new(conv.input.len() * groups);
    load(&mut x, data.slice(range).0, conv.input);
    let product = |filters: &Vec<S>| {
        let mut out = AlignedBuffer::new(conv.output.len() * groups);
        conv.kernel.run(GeneralConv {
            pass: ConvPass::Forward,
            from: conv.input,
            to: conv.output,
            geometry: conv.geometry,
            groups,
            sources: &[ConvInput { x: &x, filters }],
            bias: None,
            epilogue: Epilogue::default(),
            out: &mut out,
        });
        out
    };
    banks.iter().map(product).collect()
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::*;
    use crate::{Architecture, Chain, Conv, Criterion};
    use loss_landscape::{Loss, Model, RandomDirections, Sweep};

    /// A wide kernel with normalisation, and a linear layer at once.
    fn networks() -> [Network<f64>; 2] {
        let conv = Chain::new()
            .conv(Conv::new("a", 5, 7))
            .batch_norm("b")
            .relu()
            .global_average_pool()
            .linear("c", 3);
        let linear = Chain::new().linear("a", 6).batch_norm("b").tanh().linear("c", 3);
        [conv, linear].map(|chain| {
            let architecture = Architecture::new([2, 7, 8], chain).unwrap();
            let net = Network::new(&architecture, Criterion::CrossEntropy, 1).unwrap();
            // Away from the start, where shifts and means are 0.
            let theta = net.parameters().iter().enumerate().map(|(i, t)| t + 0.3 + 0.2 * (i as f64).sin());
            let theta = theta.collect();
            net.at(theta).unwrap()
        })
    }

    #[test]
    fn prepared_losses_are_those_of_each_point() {
        let inputs = Array2::from_shape_fn((39, 112), |(i, j)| ((i * 112 + j) as f64).sin());
        let data = Samples::labelled(inputs, (0..39).map(|i| i % 3).collect()).unwrap();
        for net in networks() {
            let dirs = RandomDirections::new(3).pair(&net).unwrap();
            let sweep = |net: &Network<f64>| {
                let grid = Sweep::plane(net, dirs.clone()).data("", &data).alpha(-1.0..=1.0, 4);
                grid.beta(-1.0..=1.0, 3)
                    .run()
                    .unwrap()
                    .channel("loss")
                    .unwrap()
                    .to_owned()
                    .into_raw_vec_and_offset()
                    .0
            };
            let (prepared, anew) = (sweep(&net), sweep(&net.clone().plane_memory(0)));
            assert_ne!(prepared, anew, "the products were prepared, and round otherwise");
            approx::assert_relative_eq!(prepared[..], anew[..], max_relative = 1e-12);
            let mut other = net.parameters().to_vec();
            // Buffers stand still in an interpolation.
            for range in loss_landscape::Mask::trained(net.layout()).ranges() {
                other[range].iter_mut().for_each(|t| *t += 0.05);
            }
            let curve = Sweep::segment(&net, net.parameters(), &other).data("", &data).run().unwrap();
            let at_end = net.loss(&other, &data).unwrap();
            let last = curve.alpha().iter().position(|&alpha| alpha == 1.0);
            if let Some(index) = last {
                approx::assert_relative_eq!(
                    curve.channel("loss").unwrap()[index],
                    at_end,
                    max_relative = 1e-12
                );
            }
        }
    }

    #[test]
    fn a_first_layer_with_few_inputs_is_multiplied_at_every_point() {
        let chain = Chain::new().conv3x3("a", 4, 1).relu().global_average_pool().linear("c", 3);
        let net =
            Network::<f32>::new(&Architecture::new([3, 8, 8], chain).unwrap(), Criterion::CrossEntropy, 1)
                .unwrap();
        let data = Samples::labelled(Array2::ones((5, 192)), vec![0, 1, 2, 0, 1]).unwrap();
        let dirs = RandomDirections::new(3).pair(&net).unwrap();
        let [x, y] = [dirs.first(), dirs.second()];
        let plane = Slice::plane(net.layout(), net.parameters(), x.values(), y.values()).unwrap();
        let split = WorkSplit::new::<f32>(5, net.sweep_chunk(), 0);
        assert!(PreparedFirstLayer::new(&net, &plane, &data, &split).unwrap().is_none());
    }
}
