//! Passes through a multilayer perceptron, one chunk of samples at a time: forward and backward.
//!
//! Activations are [units, samples], so that matrix products need no transposed copies and every
//! element-wise loop runs along samples.

use std::ops::Range;

use loss_landscape_kernels::{
    AddBiasAndActivate, AddRowSums, DeltaThroughActivation, Matrix, Store, product,
};

use super::perceptron::Mlp;
use crate::{
    activation::Activation,
    criterion::{self, EachLoss, LossSums, TargetSlice},
    data::Samples,
    real::Real,
};

/// Samples in a chunk: the unit in which losses are summed, and that threads may share out.
pub(super) const CHUNK: usize = 256;

/// Scratch memory for passes over `samples` samples.
#[derive(Debug)]
pub(super) struct DensePass<S> {
    samples: usize,
    outputs: usize,
    activation: Activation,
    /// After each layer, [units, samples of the chunk].
    layers: Vec<Vec<S>>,
    scratch: Vec<S>,
    /// Derivatives by a layer's outputs, and by the outputs of the layer before.
    delta: [Vec<S>; 2],
}

impl<S: Real> DensePass<S> {
    pub(super) fn new(net: &Mlp<S>, samples: usize) -> Self {
        let width = CHUNK.min(samples);
        Self {
            samples,
            outputs: net.last_layer().outputs,
            activation: net.activation,
            layers: net.layers.iter().map(|layer| vec![S::zero(); layer.outputs * width]).collect(),
            scratch: vec![S::zero(); 3 * width],
            delta: [Vec::new(), Vec::new()],
        }
    }

    /// The number of chunks.
    pub(super) fn chunks(&self) -> usize {
        self.samples.div_ceil(CHUNK)
    }

    /// The samples of a chunk.
    pub(super) fn chunk(&self, index: usize) -> Range<usize> {
        index * CHUNK..((index + 1) * CHUNK).min(self.samples)
    }

    /// The outputs for inputs [samples, features], as [outputs, samples].
    pub(super) fn forward(&mut self, net: &Mlp<S>, theta: &[S], inputs: &[S]) -> &mut [S] {
        let samples = inputs.len() / net.layers[0].inputs;
        let first = &net.layers[0];
        let (weight, bias) = (&theta[first.weight.clone()], &theta[first.bias.clone()]);
        let z = &mut self.layers[0][..first.outputs * samples];
        let inputs = Matrix::new(inputs, samples, first.inputs).t();
        product(Store::Replace, Matrix::new(weight, first.outputs, first.inputs), inputs, z);
        AddBiasAndActivate {
            z,
            bias,
            activation: (net.layers.len() > 1).then_some(self.activation.kernel()),
        }
        .run();
        self.forward_rest(net, &theta[first.bias.end..], samples)
    }

    /// The outputs, given the first layer's activations in [`first_layer`](Self::first_layer);
    /// `rest` holds the parameters after those of the first layer.
    pub(super) fn forward_rest(&mut self, net: &Mlp<S>, rest: &[S], samples: usize) -> &mut [S] {
        let base = net.layers[0].bias.end;
        let last = net.layers.len() - 1;
        for (index, layer) in net.layers.iter().enumerate().skip(1) {
            let weight = &rest[layer.weight.start - base..layer.weight.end - base];
            let bias = &rest[layer.bias.start - base..layer.bias.end - base];
            let (before, after) = self.layers.split_at_mut(index);
            let z = &mut after[0][..layer.outputs * samples];
            let weight = Matrix::new(weight, layer.outputs, layer.inputs);
            product(Store::Replace, weight, Matrix::new(&before[index - 1], layer.inputs, samples), z);
            AddBiasAndActivate { z, bias, activation: (index < last).then_some(self.activation.kernel()) }
                .run();
        }
        &mut self.layers[last][..net.layers[last].outputs * samples]
    }

    /// Memory for the first layer's activations, [units, samples].
    pub(super) fn first_layer(&mut self) -> &mut [S] {
        &mut self.layers[0]
    }

    /// Loss and hits of one chunk, summed over its samples.
    pub(super) fn loss(&mut self, net: &Mlp<S>, theta: &[S], data: &Samples<S>, chunk: usize) -> LossSums {
        let range = self.chunk(chunk);
        let samples = range.len();
        let (inputs, wanted) = data.slice(range);
        self.forward(net, theta, inputs);
        self.finish(wanted, samples)
    }

    /// Loss and hits from the outputs of the last forward pass, which become the softmax.
    pub(super) fn finish(&mut self, wanted: TargetSlice<'_, S>, samples: usize) -> LossSums {
        let outputs = self.layers.last_mut().expect("a network has at least one layer");
        criterion::evaluate(&mut outputs[..self.outputs * samples], wanted, samples, &mut self.scratch)
    }

    /// The channels of each sample from the outputs of the last forward pass, into `out`, [samples, channels].
    pub(super) fn finish_each(&mut self, wanted: TargetSlice<'_, S>, samples: usize, out: &mut [f64]) {
        let channels = out.len() / samples;
        let outputs = self.layers.last_mut().expect("a network has at least one layer");
        let outputs = &mut outputs[..self.outputs * samples];
        criterion::evaluate_into(
            outputs,
            wanted,
            samples,
            &mut self.scratch,
            &mut EachLoss { out, channels },
        );
    }

    /// Writes the gradient of the mean loss and returns loss and hits, summed over all samples.
    pub(super) fn gradient(
        &mut self,
        net: &Mlp<S>,
        theta: &[S],
        data: &Samples<S>,
        out: &mut [S],
    ) -> LossSums {
        self.samples = data.len();
        let widest =
            net.layers.iter().map(|layer| layer.outputs).max().expect("a network has at least one layer");
        for delta in &mut self.delta {
            delta.resize(widest * CHUNK.min(self.samples), S::zero());
        }
        out.fill(S::zero());
        let mut total = LossSums::default();
        for chunk in 0..self.chunks() {
            let range = self.chunk(chunk);
            let samples = range.len();
            let (inputs, wanted) = data.slice(range);
            total += self.loss(net, theta, data, chunk);
            self.start_delta(net, wanted, samples);
            for index in (0..net.layers.len()).rev() {
                self.layer_gradient(net, index, inputs, samples, out);
                if index > 0 {
                    self.delta_back(net, theta, index, samples);
                    let layer = &net.layers[index];
                    let below = layer.inputs * samples;
                    DeltaThroughActivation {
                        delta: &mut self.delta[1][..below],
                        activations: &self.layers[index - 1][..below],
                        activation: self.activation.kernel(),
                    }
                    .run();
                    self.delta.swap(0, 1);
                }
            }
        }
        total
    }

    /// Exchanges the activations of the last forward pass for other memory of that size.
    pub(super) fn swap_layers(&mut self, layers: &mut Vec<Vec<S>>) {
        std::mem::swap(&mut self.layers, layers);
    }

    /// δ of the last layer, from the outputs that [`finish`](Self::finish) left.
    fn start_delta(&mut self, net: &Mlp<S>, wanted: TargetSlice<'_, S>, samples: usize) {
        let last = net.layers.len() - 1;
        let delta = &mut self.delta[0][..net.layers[last].outputs * samples];
        delta.copy_from_slice(&self.layers[last][..delta.len()]);
        criterion::derivative(delta, wanted, samples, 1.0 / self.samples as f64);
    }

    /// The gradient by a layer's parameters: δ·aᵀ and the row sums of δ.
    fn layer_gradient(&self, net: &Mlp<S>, index: usize, inputs: &[S], samples: usize, out: &mut [S]) {
        let layer = &net.layers[index];
        let delta = &self.delta[0][..layer.outputs * samples];
        let matrix = Matrix::new(delta, layer.outputs, samples);
        product(
            Store::Add,
            matrix,
            self.below(index, inputs, layer.inputs, samples),
            &mut out[layer.weight.clone()],
        );
        AddRowSums { out: &mut out[layer.bias.clone()], matrix: delta }.run();
    }

    /// What a layer sees, transposed: [samples, its inputs].
    fn below<'a>(&'a self, index: usize, inputs: &'a [S], units: usize, samples: usize) -> Matrix<'a, S> {
        match index {
            0 => Matrix::new(inputs, samples, units),
            _ => Matrix::new(&self.layers[index - 1], units, samples).t(),
        }
    }

    /// Wᵀ·δ into the other buffer.
    fn delta_back(&mut self, net: &Mlp<S>, theta: &[S], index: usize, samples: usize) {
        let layer = &net.layers[index];
        let weight = Matrix::new(&theta[layer.weight.clone()], layer.outputs, layer.inputs).t();
        let [delta, below] = &mut self.delta;
        product(Store::Replace, weight, Matrix::new(delta, layer.outputs, samples), below);
    }
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::*;
    use crate::{Criterion, Samples};
    use loss_landscape::{Gradient, Model};

    /// Training reuses one pass for batches of several sizes, the last one short.
    #[test]
    fn a_reused_pass_gives_the_gradients_of_a_new_one() {
        for criterion in [Criterion::CrossEntropy, Criterion::MeanSquaredError] {
            let net = Mlp::<f64>::new(&[5, 7, 4], Activation::Tanh, criterion, 1).unwrap();
            let mut pass = DensePass::new(&net, 300);
            for samples in [300, 29, 256, 1, 128] {
                let x = Array2::from_shape_fn((samples, 5), |(i, j)| ((i * 5 + j) as f64).sin());
                let y = Array2::from_shape_fn((samples, 4), |(i, j)| ((i * 4 + j) as f64).cos());
                let data = match criterion {
                    Criterion::CrossEntropy => {
                        Samples::labelled(x, (0..samples as u32).map(|i| i % 4).collect())
                    }
                    Criterion::MeanSquaredError => Samples::regression(x, y),
                };
                let data = data.unwrap();
                let [mut reused, mut new] = [(); 2].map(|()| vec![0.0; net.parameters().len()]);
                let sums = pass.gradient(&net, net.parameters(), &data, &mut reused);
                assert_eq!(
                    sums.loss / samples as f64,
                    net.gradient(net.parameters(), &data, &mut new).unwrap(),
                    "{samples} samples"
                );
                assert_eq!(reused, new, "{samples} samples");
            }
        }
    }
}
