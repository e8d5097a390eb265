//! The multilayer perceptron: sizes, activation, criterion, parameters.

use std::ops::Range;

use ndarray_rand::rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{curvature::MlpHessian, pass::Pass, prepared};
use crate::{
    Criterion, Error, NetScalar, Result, Samples, Sums,
    train::{BatchMeans, Learner, Trainable},
};
use loss_landscape::{
    Block, Gradient, HessianProduct, Layout, Loss, Model, OracleError,
    oracle::{HessianWorker, Prepared, Slice},
};

/// The activation between layers; the last layer has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Activation {
    /// max(0, z); its derivative at 0 is taken as 0.
    Relu,
    /// tanh z.
    Tanh,
}

/// A multilayer perceptron: linear layers of any sizes with an activation between them.
///
/// Blocks are named and shaped as in PyTorch: `fc1.weight` (out×in), `fc1.bias` (out), `fc2.weight`
/// and so on; filters are the rows of a weight. It implements [`Loss`], [`Gradient`] and
/// [`HessianProduct`] over [`Samples`], all exact, in `f32` and `f64`.
///
/// With [`Criterion::CrossEntropy`] one pass yields the channels `loss` (nats) and `accuracy`
/// (a fraction, 0 to 1), with [`Criterion::MeanSquaredError`] only `loss`.
///
/// **Cost.** A loss is one forward pass, 2·Σ inᵢ·outᵢ flops a sample; a gradient at most 3 of them, a
/// Hessian-vector product at most 7 (1.9 and 3.7 measured on the digits, and 2.2 for each further product at the same θ). In a sweep the first layer
/// is not multiplied again: its products with the 2 or 3 vectors that span the line or plane are
/// computed once and combined at every point, as (W₀ + αD₁ + βD₂)·x = W₀·x + α·D₁·x + β·D₂·x. See
/// [`with_plane_memory`](Self::with_plane_memory).
///
/// ```
/// use loss_landscape_nets::{Activation, Criterion, Mlp, Sgd, digits};
/// use loss_landscape::{RandomDirections, grid_2d};
///
/// let (train, _) = digits::<f32>()?;
/// let mut net = Mlp::new(&[64, 16, 10], Activation::Tanh, Criterion::CrossEntropy, 0)?;
/// Sgd::new(0.1).momentum(0.9).batch_size(64).epochs(3).train(&mut net, &train)?;
/// let surface = grid_2d(&net, &train, RandomDirections::new(1).pair(&net)?)?;
/// assert!(surface.channel("loss")?[[25, 25]] < 1.0);
/// assert!(surface.channel("accuracy")?[[25, 25]] > 0.7);
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Mlp<S> {
    sizes: Vec<usize>,
    activation: Activation,
    criterion: Criterion,
    layout: Layout,
    layers: Vec<Layer>,
    theta: Vec<S>,
    plane_memory: usize,
    hessian_memory: usize,
}

/// Where the parameters of one linear layer lie in θ.
#[derive(Clone, Debug)]
pub(super) struct Layer {
    pub(super) inputs: usize,
    pub(super) outputs: usize,
    pub(super) weight: Range<usize>,
    pub(super) bias: Range<usize>,
}

impl<S: NetScalar> Mlp<S> {
    /// A network of these sizes, inputs first, outputs last, with random parameters.
    ///
    /// Weights and biases of a layer are uniform in ±1/√inputs, as PyTorch's `Linear` draws them,
    /// from stream 0 of the seed.
    ///
    /// # Errors
    /// [`Error::LayerSizes`] for fewer than two sizes or a size of zero,
    /// [`Error::TooManyParameters`] or [`Error::OutOfMemory`] for sizes too large.
    pub fn new(sizes: &[usize], activation: Activation, criterion: Criterion, seed: u64) -> Result<Self> {
        if sizes.len() < 2 || sizes.contains(&0) {
            return Err(Error::LayerSizes { sizes: sizes.to_vec() });
        }
        let blocks = sizes.windows(2).enumerate().flat_map(|(i, pair)| {
            let name = format!("fc{}", i + 1);
            [
                Block::weight(format!("{name}.weight"), [pair[1], pair[0]], 0),
                Block::bias(format!("{name}.bias"), [pair[1]]),
            ]
        });
        let layout = Layout::new(blocks)?;
        let layers: Vec<Layer> = (sizes.windows(2).zip(layout.blocks().chunks_exact(2)))
            .map(|(pair, blocks)| Layer {
                inputs: pair[0],
                outputs: pair[1],
                weight: blocks[0].range(),
                bias: blocks[1].range(),
            })
            .collect();
        let mut generator = ChaCha8Rng::seed_from_u64(seed);
        let mut theta = Vec::new();
        theta.try_reserve_exact(layout.len()).map_err(|_| Error::OutOfMemory {
            what: "the network's parameters",
            bytes: (layout.len() as u64).saturating_mul(size_of::<S>() as u64),
        })?;
        for layer in &layers {
            let bound = (layer.inputs as f64).sqrt().recip();
            let count = layer.weight.len() + layer.bias.len();
            theta.extend((0..count).map(|_| S::from_f64(generator.random_range(-bound..bound))));
        }
        let sizes = sizes.to_vec();
        let memory = 1 << 30;
        Ok(Self {
            sizes,
            activation,
            criterion,
            layout,
            layers,
            theta,
            plane_memory: memory,
            hessian_memory: memory,
        })
    }

    /// The same network with other parameters.
    ///
    /// # Errors
    /// [`Error::Length`] or [`Error::NonFinite`].
    pub fn with_parameters(mut self, theta: Vec<S>) -> Result<Self> {
        self.layout.ensure_finite("θ", &theta)?;
        self.theta = theta;
        Ok(self)
    }

    /// How many bytes the first layer's products may take in a sweep, for each data set; 1 GiB by
    /// default.
    ///
    /// They take (2 on a line, 3 on a plane) × samples × units of the first layer × the size of the
    /// scalar. Where that is more, every point multiplies the first layer anew; losses then differ
    /// by rounding.
    #[must_use]
    pub fn with_plane_memory(self, bytes: usize) -> Self {
        Self { plane_memory: bytes, ..self }
    }

    /// How many bytes each thread may keep for Hessian-vector products at one θ; 1 GiB by default.
    ///
    /// Kept are activations and derivatives: 2 × samples × units of all layers × the size of the scalar.
    /// Where that is more, every product computes them anew, which makes it about 1.7 times as dear.
    #[must_use]
    pub fn with_hessian_memory(self, bytes: usize) -> Self {
        Self { hessian_memory: bytes, ..self }
    }

    /// The layer sizes, inputs first, outputs last.
    pub fn sizes(&self) -> &[usize] {
        &self.sizes
    }

    /// The activation between layers.
    pub fn activation(&self) -> Activation {
        self.activation
    }

    /// The loss.
    pub fn criterion(&self) -> Criterion {
        self.criterion
    }

    /// The outputs before the softmax, [samples, outputs], row by row.
    ///
    /// # Errors
    /// [`Error::Length`] for θ, [`Error::SampleShape`] for samples that do not fit.
    pub fn outputs(&self, theta: &[S], data: &Samples<S>) -> Result<Vec<S>> {
        self.layout.ensure_length("θ", theta.len())?;
        if data.features() != self.sizes[0] {
            return Err(Error::SampleShape {
                what: "an input",
                found: data.features(),
                expected: self.sizes[0],
            });
        }
        let mut pass = Pass::new(self, data.len());
        let units = self.sizes[self.sizes.len() - 1];
        let mut all = Vec::with_capacity(data.len() * units);
        for chunk in 0..pass.chunks() {
            let range = pass.chunk(chunk);
            let samples = range.len();
            let outputs = pass.forward(self, theta, data.slice(range).0);
            all.extend(
                (0..samples)
                    .flat_map(|s| (0..units).map(move |u| (u, s)))
                    .map(|(u, s)| outputs[u * samples + s]),
            );
        }
        Ok(all)
    }

    pub(super) fn layers(&self) -> &[Layer] {
        &self.layers
    }

    pub(super) fn plane_memory(&self) -> usize {
        self.plane_memory
    }

    pub(super) fn hessian_memory(&self) -> usize {
        self.hessian_memory
    }

    pub(super) fn check(&self, data: &Samples<S>) -> Result<()> {
        data.check(self.sizes[0], self.sizes[self.sizes.len() - 1], self.criterion)
    }

    pub(super) fn ready(&self, theta: &[S], data: &Samples<S>) -> Result<()> {
        self.layout.ensure_length("θ", theta.len())?;
        self.check(data)
    }
}

impl<S: NetScalar> Model for Mlp<S> {
    type Scalar = S;

    fn layout(&self) -> &Layout {
        &self.layout
    }

    fn parameters(&self) -> &[S] {
        &self.theta
    }
}

impl<S: NetScalar> Loss<Samples<S>> for Mlp<S> {
    fn loss(&self, theta: &[S], data: &Samples<S>) -> Result<f64, OracleError> {
        let mut out = [0.0];
        self.measure(theta, data, &mut out)?;
        Ok(out[0])
    }

    fn fingerprint(&self, data: &Samples<S>) -> Option<u64> {
        // The memory says whether a plane is prepared, which changes the last digits.
        let Self { sizes, activation, criterion, plane_memory, .. } = self;
        Some(data.fingerprint(&format!("{sizes:?} {activation:?} {criterion:?} {plane_memory}")))
    }

    fn channels(&self) -> Vec<String> {
        match self.criterion {
            Criterion::CrossEntropy => vec!["loss".to_owned(), "accuracy".to_owned()],
            Criterion::MeanSquaredError => vec!["loss".to_owned()],
        }
    }

    fn measure(&self, theta: &[S], data: &Samples<S>, out: &mut [f64]) -> Result<(), OracleError> {
        self.ready(theta, data)?;
        let mut pass = Pass::new(self, data.len());
        let mut total = Sums::default();
        for chunk in 0..pass.chunks() {
            let sums = pass.loss(self, theta, data, chunk);
            total.loss += sums.loss;
            total.hits += sums.hits;
        }
        for (out, sum) in out.iter_mut().zip([total.loss, total.hits]) {
            *out = sum / data.len() as f64;
        }
        Ok(())
    }

    fn prepare<'a>(
        &'a self,
        plane: &'a Slice<'a, S>,
        data: &'a Samples<S>,
    ) -> Result<Option<Box<dyn Prepared + 'a>>, OracleError> {
        self.check(data)?;
        self.layout.ensure_length("the plane", plane.len())?;
        Ok(Some(prepared::prepare(self, plane, data)?))
    }
}

impl<S: NetScalar> Gradient<Samples<S>> for Mlp<S> {
    fn gradient(&self, theta: &[S], data: &Samples<S>, out: &mut [S]) -> Result<f64, OracleError> {
        self.ready(theta, data)?;
        self.layout.ensure_length("the gradient", out.len())?;
        let mut pass = Pass::new(self, data.len());
        Ok(pass.gradient(self, theta, data, out).loss / data.len() as f64)
    }
}

impl<S: NetScalar> HessianProduct<Samples<S>> for Mlp<S> {
    /// Exact, by the R-operator[^1]: one pass forward and one back, each with its derivative along v.
    ///
    /// [^1]: B. Pearlmutter, *Fast exact multiplication by the Hessian*, Neural Computation 6 (1994).
    fn hessian_product(
        &self,
        theta: &[S],
        v: &[S],
        data: &Samples<S>,
        out: &mut [S],
    ) -> Result<(), OracleError> {
        self.ready(theta, data)?;
        let mut worker = MlpHessian::new(self, data);
        worker.at(theta)?;
        worker.product(v, out)
    }

    /// Keeps activations and derivatives at θ; see [`with_hessian_memory`](Self::with_hessian_memory).
    fn hessian_worker<'a>(
        &'a self,
        data: &'a Samples<S>,
    ) -> Result<Box<dyn HessianWorker<S> + 'a>, OracleError> {
        self.check(data)?;
        Ok(Box::new(MlpHessian::new(self, data)))
    }
}

impl<S: NetScalar> Trainable<S> for Mlp<S> {
    fn check(&self, data: &Samples<S>) -> Result<()> {
        Mlp::check(self, data)
    }

    fn learner(&self, batch_size: usize) -> Result<Box<dyn Learner<S> + '_>> {
        Ok(Box::new(MlpLearner { net: self, pass: Pass::new(self, batch_size) }))
    }

    fn theta_mut(&mut self) -> &mut [S] {
        &mut self.theta
    }
}

/// The gradients of one training.
struct MlpLearner<'a, S> {
    net: &'a Mlp<S>,
    pass: Pass<S>,
}

impl<S: NetScalar> Learner<S> for MlpLearner<'_, S> {
    fn gradient(&mut self, theta: &mut [S], batch: &Samples<S>, out: &mut [S]) -> Result<BatchMeans> {
        let sums = self.pass.gradient(self.net, theta, batch, out);
        let samples = batch.len() as f64;
        let accuracy = batch.labels().map(|_| sums.hits / samples);
        Ok(BatchMeans { loss: sums.loss / samples, accuracy })
    }
}
