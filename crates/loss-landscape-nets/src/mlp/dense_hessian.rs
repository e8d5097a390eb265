//! Products of a multilayer perceptron's Hessian, and of its Gauss–Newton part and rest, by Pearlmutter's R-operator:
//! activations and derivatives computed once for each θ, then one tangent pass forward and one back for each vector.
//!
//! The pass back begins with R of the loss's derivative by the outputs, and takes up R of weights and slopes on its way.
//! The first alone is the product with the Gauss–Newton part G, the second alone that with R = H − G.

use loss_landscape::{
    OracleError,
    curvature::HessianPart,
    oracle::{GaussNewtonWorker, HessianWorker},
};
use loss_landscape_kernels::{
    AddBiasAndActivate, AddRowSums, DeltaThroughActivation, Matrix, Store, TangentDeltaThroughActivation,
    TangentThroughActivation, product,
};

use super::{
    dense_pass::{CHUNK, DensePass},
    perceptron::Mlp,
};
use crate::{criterion, data::Samples, real::Real};

/// One thread's worker. [units, samples] throughout.
pub(crate) struct MlpHessian<'a, S> {
    net: &'a Mlp<S>,
    data: &'a Samples<S>,
    theta: Vec<S>,
    pass: DensePass<S>,
    /// What depends on θ alone: for each chunk of samples, or for one if all take too much memory.
    states: Vec<ChunkAtTheta<S>>,
    /// Before and after each activation.
    tangent_z: Vec<Vec<S>>,
    tangent_a: Vec<Vec<S>>,
    /// Of the derivatives by a layer's outputs, and by those of the layer before.
    tangent_delta: [Vec<S>; 2],
    scratch: Vec<S>,
}

/// A chunk of samples at θ: what each layer gives (the last one the softmax), and the derivative of
/// the loss by what each layer gives before its activation.
struct ChunkAtTheta<S> {
    /// The chunk that it holds now, and whether its derivatives too.
    held: Option<(usize, bool)>,
    layers: Vec<Vec<S>>,
    deltas: Vec<Vec<S>>,
}

impl<'a, S: Real> MlpHessian<'a, S> {
    pub(crate) fn new(net: &'a Mlp<S>, data: &'a Samples<S>) -> Self {
        let pass = DensePass::new(net, data.len());
        let width = CHUNK.min(data.len());
        let of_layers = || -> Vec<Vec<S>> {
            net.layers.iter().map(|layer| vec![S::zero(); layer.outputs * width]).collect()
        };
        let units: usize = net.layers.iter().map(|layer| layer.outputs).sum();
        let bytes = 2_u128 * units as u128 * data.len() as u128 * size_of::<S>() as u128;
        let count = if bytes <= u128::from(net.hessian_memory) { pass.chunks() } else { 1 };
        let widest =
            net.layers.iter().map(|layer| layer.outputs).max().expect("a network has at least one layer");
        Self {
            net,
            data,
            theta: Vec::new(),
            states: (0..count)
                .map(|_| ChunkAtTheta { held: None, layers: of_layers(), deltas: of_layers() })
                .collect(),
            tangent_z: of_layers(),
            tangent_a: of_layers(),
            tangent_delta: [(); 2].map(|()| vec![S::zero(); widest * width]),
            scratch: vec![S::zero(); width],
            pass,
        }
    }

    /// The state of a chunk, computed where it is not there: forward, and back if derivatives are asked for.
    fn ready(&mut self, chunk: usize, derivatives: bool) -> usize {
        let index = chunk.min(self.states.len() - 1);
        let held = self.states[index].held.filter(|(held, _)| *held == chunk);
        if held.is_none() {
            self.pass.loss(self.net, &self.theta, self.data, chunk);
            self.pass.swap_layers(&mut self.states[index].layers);
        }
        let there = held.is_some_and(|(_, derivatives)| derivatives);
        if derivatives && !there {
            self.fill_deltas(index, chunk);
        }
        self.states[index].held = Some((chunk, derivatives || there));
        index
    }

    /// Back over one chunk at θ.
    fn fill_deltas(&mut self, index: usize, chunk: usize) {
        let Self { net, data, theta, pass, states, .. } = self;
        let ChunkAtTheta { layers, deltas, .. } = &mut states[index];
        let range = pass.chunk(chunk);
        let samples = range.len();
        let wanted = data.slice(range).1;
        let last = net.layers.len() - 1;
        let size = net.layers[last].outputs * samples;
        deltas[last][..size].copy_from_slice(&layers[last][..size]);
        criterion::derivative(&mut deltas[last][..size], wanted, samples, 1.0 / data.len() as f64);
        for index in (1..=last).rev() {
            let layer = &net.layers[index];
            let (below, above) = deltas.split_at_mut(index);
            let below = &mut below[index - 1][..layer.inputs * samples];
            let weight = Matrix::new(&theta[layer.weight.clone()], layer.outputs, layer.inputs).t();
            product(Store::Replace, weight, Matrix::new(&above[0], layer.outputs, samples), below);
            let activations = &layers[index - 1][..below.len()];
            DeltaThroughActivation { delta: below, activations, activation: net.activation.kernel() }.run();
        }
    }

    /// One chunk's share of the product with a part of the Hessian, added to `out`.
    fn chunk_product(&mut self, part: HessianPart, state: usize, chunk: usize, v: &[S], out: &mut [S]) {
        let range = self.pass.chunk(chunk);
        let samples = range.len();
        let inputs = self.data.slice(range).0;
        self.tangent_forward(state, v, inputs, samples);
        let last = self.net.layers.len() - 1;
        let size = self.net.layers[last].outputs * samples;
        let start = &mut self.tangent_delta[0][..size];
        if part == HessianPart::Rest {
            start.fill(S::zero());
        } else {
            start.copy_from_slice(&self.tangent_z[last][..size]);
            criterion::second_derivative(
                self.net.criterion,
                &self.states[state].layers[last][..size],
                start,
                &mut self.scratch[..samples],
                1.0 / self.data.len() as f64,
            );
        }
        for index in (0..=last).rev() {
            self.layer_tangent(part, state, index, inputs, samples, out);
            if index > 0 {
                self.tangent_back(part, state, v, index, samples);
            }
        }
    }

    /// Rz = V·a + W·Ra + v_b for every layer, and Ra after the activation.
    fn tangent_forward(&mut self, state: usize, v: &[S], inputs: &[S], samples: usize) {
        let layers = &self.states[state].layers;
        let last = self.net.layers.len() - 1;
        for (index, layer) in self.net.layers.iter().enumerate() {
            let size = layer.outputs * samples;
            let along = Matrix::new(&v[layer.weight.clone()], layer.outputs, layer.inputs);
            let below = match index {
                0 => Matrix::new(inputs, samples, layer.inputs).t(),
                _ => Matrix::new(&layers[index - 1], layer.inputs, samples),
            };
            let z = &mut self.tangent_z[index][..size];
            product(Store::Replace, along, below, z);
            if index > 0 {
                let weight = Matrix::new(&self.theta[layer.weight.clone()], layer.outputs, layer.inputs);
                let below = Matrix::new(&self.tangent_a[index - 1], layer.inputs, samples);
                product(Store::Add, weight, below, z);
            }
            let bias = &v[layer.bias.clone()];
            if index < last {
                TangentThroughActivation {
                    tangent_z: z,
                    tangent_a: &mut self.tangent_a[index][..size],
                    tangent_bias: bias,
                    activations: &layers[index][..size],
                    activation: self.net.activation.kernel(),
                }
                .run();
            } else {
                AddBiasAndActivate { z, bias, activation: None }.run();
            }
        }
    }

    /// R of the layer's gradient: Rδ·aᵀ + δ·Raᵀ; the inputs of the first layer have no tangent.
    fn layer_tangent(
        &self,
        part: HessianPart,
        state: usize,
        index: usize,
        inputs: &[S],
        samples: usize,
        out: &mut [S],
    ) {
        let ChunkAtTheta { layers, deltas, .. } = &self.states[state];
        let layer = &self.net.layers[index];
        let weight = &mut out[layer.weight.clone()];
        let below = match index {
            0 => Matrix::new(inputs, samples, layer.inputs),
            _ => Matrix::new(&layers[index - 1], layer.inputs, samples).t(),
        };
        product(Store::Add, Matrix::new(&self.tangent_delta[0], layer.outputs, samples), below, weight);
        if index > 0 && part != HessianPart::GaussNewton {
            let below = Matrix::new(&self.tangent_a[index - 1], layer.inputs, samples).t();
            product(Store::Add, Matrix::new(&deltas[index], layer.outputs, samples), below, weight);
        }
        let size = layer.outputs * samples;
        AddRowSums { out: &mut out[layer.bias.clone()], matrix: &self.tangent_delta[0][..size] }.run();
    }

    /// Rδ of the layer below: Vᵀδ + WᵀRδ, through its activation.
    fn tangent_back(&mut self, part: HessianPart, state: usize, v: &[S], index: usize, samples: usize) {
        let ChunkAtTheta { layers, deltas, .. } = &self.states[state];
        let layer = &self.net.layers[index];
        let transposed = |parameters| Matrix::new(parameters, layer.outputs, layer.inputs).t();
        let [tangent, below] = &mut self.tangent_delta;
        let tangent = Matrix::new(tangent, layer.outputs, samples);
        let weight = transposed(&self.theta[layer.weight.clone()]);
        let size = layer.inputs * samples;
        let activations = &layers[index - 1][..size];
        let activation = self.net.activation.kernel();
        if part == HessianPart::GaussNewton {
            product(Store::Replace, weight, tangent, below);
            DeltaThroughActivation { delta: &mut below[..size], activations, activation }.run();
        } else {
            let delta = Matrix::new(&deltas[index], layer.outputs, samples);
            product(Store::Replace, transposed(&v[layer.weight.clone()]), delta, below);
            product(Store::Add, weight, tangent, below);
            TangentDeltaThroughActivation {
                tangent_delta: &mut below[..size],
                delta: &deltas[index - 1][..size],
                activations,
                tangent_z: &self.tangent_z[index - 1][..size],
                activation,
            }
            .run();
        }
        self.tangent_delta.swap(0, 1);
    }

    /// Chunk by chunk, so that what is known at θ stays in the caches for all vectors.
    fn part_products(
        &mut self,
        part: HessianPart,
        n: usize,
        vectors: &[S],
        out: &mut [S],
    ) -> Result<(), OracleError> {
        let layout = &self.net.blocks;
        layout.ensure_length("θ", self.theta.len())?;
        layout.ensure_length("v", n)?;
        layout.ensure_length("the product", out.len() / (vectors.len() / n).max(1))?;
        out.fill(S::zero());
        for chunk in 0..self.pass.chunks() {
            let state = self.ready(chunk, part != HessianPart::GaussNewton);
            for (v, out) in vectors.chunks_exact(n).zip(out.chunks_exact_mut(n)) {
                self.chunk_product(part, state, chunk, v, out);
            }
        }
        Ok(())
    }
}

impl<S: Real> HessianWorker<S> for MlpHessian<'_, S> {
    fn at(&mut self, theta: &[S]) -> Result<(), OracleError> {
        self.net.ready(theta, self.data)?;
        self.theta.clear();
        self.theta.extend_from_slice(theta);
        for state in &mut self.states {
            state.held = None;
        }
        Ok(())
    }

    fn product(&mut self, v: &[S], out: &mut [S]) -> Result<(), OracleError> {
        self.products(v.len(), v, out)
    }

    fn products(&mut self, n: usize, vectors: &[S], out: &mut [S]) -> Result<(), OracleError> {
        self.part_products(HessianPart::Whole, n, vectors, out)
    }
}

impl<S: Real> GaussNewtonWorker<S> for MlpHessian<'_, S> {
    fn gauss_newton_products(&mut self, n: usize, vectors: &[S], out: &mut [S]) -> Result<(), OracleError> {
        self.part_products(HessianPart::GaussNewton, n, vectors, out)
    }

    fn rest_products(&mut self, n: usize, vectors: &[S], out: &mut [S]) -> Result<(), OracleError> {
        self.part_products(HessianPart::Rest, n, vectors, out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Activation, Criterion, digits};
    use loss_landscape::{HessianProduct, Model};

    #[test]
    fn what_is_kept_does_not_change_the_product() {
        let data = digits::<f64>().unwrap().0;
        let net = Mlp::new(&[64, 9, 7, 10], Activation::Tanh, Criterion::CrossEntropy, 1).unwrap();
        let forgetful = net.clone().hessian_memory(0);
        let n = net.parameters().len();
        let vectors: Vec<f64> = (0..2 * n).map(|i| (i as f64).sin()).collect();
        let [mut kept, mut anew, mut single] = [(); 3].map(|()| vec![f64::NAN; 2 * n]);
        let mut worker = net.hessian_worker(&data).unwrap();
        // Somewhere else first, so that leftovers would show.
        worker.at(&vec![0.1; n]).unwrap();
        worker.product(&vectors[..n], &mut kept[..n]).unwrap();
        worker.at(net.parameters()).unwrap();
        worker.products(n, &vectors, &mut kept).unwrap();
        let mut worker = forgetful.hessian_worker(&data).unwrap();
        worker.at(net.parameters()).unwrap();
        worker.products(n, &vectors, &mut anew).unwrap();
        for (v, out) in vectors.chunks(n).zip(single.chunks_mut(n)) {
            net.hessian_product(net.parameters(), v, &data, out).unwrap();
        }
        assert_eq!(kept, anew);
        assert_eq!(kept, single);
    }

    #[test]
    fn a_worker_that_was_never_moved_says_so() {
        let data = digits::<f64>().unwrap().0;
        let net = Mlp::<f64>::new(&[64, 10], Activation::Relu, Criterion::CrossEntropy, 1).unwrap();
        let mut worker = net.hessian_worker(&data).unwrap();
        assert!(worker.product(&vec![0.0; 650], &mut vec![0.0; 650]).is_err());
        worker.at(net.parameters()).unwrap();
        assert!(worker.product(&[0.0; 3], &mut [0.0; 3]).is_err());
    }
}
