//! The convolutional network: an architecture, its parameters, and what the traits ask for.

use ndarray::Array2;
use ndarray_rand::rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

use super::{
    architecture::Architecture,
    graph::Op,
    hessian::NetworkHessian,
    pass::{Keep, State, state_len},
    plan::{Mode, Plan},
    strands::{Pool, Strands},
    sweep,
};
use crate::{
    Criterion, Error, NetScalar, Result, Samples, Sums,
    layers::Weights,
    simd::{Buffer, LANES, zeros},
};
use loss_landscape::{
    Gradient, HessianProduct, Layout, Loss, Model, OracleError, Role,
    oracle::{HessianWorker, Prepared, Slice},
};

/// A convolutional network with parameters: VGG, ResNet, DenseNet, or one of your own pieces.
///
/// It implements [`Loss`], [`Gradient`] and [`HessianProduct`] over [`Samples`] of its input shape, all
/// exact, in `f32` (fast) and `f64`. With [`Criterion::CrossEntropy`] one pass yields the channels `loss`
/// (nats) and `accuracy` (0 to 1), with [`Criterion::MeanSquaredError`] only `loss`.
///
/// Batch normalisation uses the running statistics, which are buffers of the layout: a direction may
/// move them, gradients and Hessian-vector products hold them fixed and are 0 there. At each θ it is
/// folded into the convolution before it.
///
/// **Cost.** On ResNet-20 a gradient costs 3.6 to 4.7 losses, a Hessian-vector product 13 to 14 at a new θ,
/// and each further vector 8 if what depends on θ alone fits in
/// [`with_hessian_memory`](Self::with_hessian_memory), 11 if not.
/// Gradients and products share the data out among the threads of the rayon pool that calls them, each
/// share with sums as long as θ (for networks of many millions of parameters in four shares at most);
/// the result has the same bits for any number of threads. Samples are computed 16 at a time, so
/// that 17 cost as much as 32.
///
/// **Memory.** A thread of a sweep needs [`sweep_memory`](Self::sweep_memory) bytes.
///
/// ```
/// use loss_landscape_nets::{Architecture, Chain, Criterion, Network, digits};
/// use loss_landscape::{RandomDirections, Sweep};
///
/// let chain = Chain::new().conv3x3("conv", 4, 2).batch_norm("bn").relu().global_average_pool().linear("fc", 10);
/// let net = Network::<f32>::new(&Architecture::new([1, 8, 8], chain)?, Criterion::CrossEntropy, 0)?;
/// let (train, _) = digits::<f32>()?;
/// let surface = Sweep::plane(&net, RandomDirections::new(1).pair(&net)?)
///     .data("train", &train)
///     .alpha(-1.0..=1.0, 3)
///     .beta(-1.0..=1.0, 3)
///     .run()?;
/// assert!((surface.channel("train loss")?[[1, 1]] - 10.0_f64.ln()).abs() < 0.1);
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Debug)]
pub struct Network<S> {
    architecture: Architecture,
    criterion: Criterion,
    theta: Vec<S>,
    plan: Plan<S>,
    plane_memory: usize,
    hessian_memory: usize,
}

impl<S: NetScalar> Clone for Network<S> {
    fn clone(&self) -> Self {
        Self {
            plane_memory: self.plane_memory,
            hessian_memory: self.hessian_memory,
            ..Self::build(&self.architecture, self.criterion, self.theta.clone())
        }
    }
}

/// Bytes of the largest tensor of a chunk in a sweep, about: small enough to stay in a second-level cache.
const SWEEP_TENSOR: usize = 512 << 10;
/// The same for gradients: larger, since sums over a chunk are folded once for all of it.
const GRADIENT_TENSOR: usize = 2 << 20;
/// Bytes of all values of a chunk for Hessian-vector products, about; their sums are folded more often.
const HESSIAN_VALUES: usize = 128 << 20;
/// Groups in a chunk at most.
const MOST_GROUPS: usize = 8;

impl<S: NetScalar> Network<S> {
    /// A network with random parameters, as the paper's code draws them: convolutions from
    /// N(0, 2/fan-in) (He et al. 2015), linear weights from N(0, 1e-6), biases 0; normalisations with
    /// scale 1, shift 0, mean 0 and variance 1. From stream 0 of the seed.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`] for a network that does not fit in memory.
    pub fn new(architecture: &Architecture, criterion: Criterion, seed: u64) -> Result<Self> {
        let len = architecture.layout().len();
        // θ, and the same folded, packed and in gradients: whether there is room for the small works.
        ensure_room::<S>("the network's parameters", len.saturating_mul(4))?;
        let mut theta = vec![S::zero(); len];
        for block in architecture.layout().blocks() {
            let one = match block.role() {
                Role::NormScale => true,
                Role::Buffer => block.name().ends_with("running_var"),
                _ => false,
            };
            if one {
                theta[block.range()].fill(S::one());
            }
        }
        let mut generator = ChaCha8Rng::seed_from_u64(seed);
        for node in &architecture.graph().nodes {
            if let Op::Conv { weight, side, linear, .. } = &node.op {
                let input = architecture.graph().nodes[node.inputs[0]].shape;
                let fan_in = (input.channels * side * side) as f64;
                let deviation = if *linear { 1e-3 } else { (2.0 / fan_in).sqrt() };
                for value in &mut theta[weight.clone()] {
                    let drawn: f64 = StandardNormal.sample(&mut generator);
                    *value = S::from_f64(drawn * deviation);
                }
            }
        }
        Ok(Self::build(architecture, criterion, theta))
    }

    fn build(architecture: &Architecture, criterion: Criterion, theta: Vec<S>) -> Self {
        let plan = Plan::new(architecture.graph(), Mode::Evaluation);
        let (plane_memory, hessian_memory) = (1 << 30, 1 << 30);
        Self { architecture: architecture.clone(), criterion, theta, plan, plane_memory, hessian_memory }
    }

    /// The same network with other parameters, buffers included.
    ///
    /// # Errors
    /// [`Error::Length`] or [`Error::NonFinite`].
    pub fn with_parameters(mut self, theta: Vec<S>) -> Result<Self> {
        self.layout().ensure_finite("θ", &theta)?;
        self.theta = theta;
        Ok(self)
    }

    /// How many bytes the first layer's products may take in a sweep, for each data set; 1 GiB by
    /// default.
    ///
    /// A first layer with 96 or more inputs for each output is multiplied once for the whole plane, and
    /// combined at every point: (2 on a line, 3 on a plane) × samples × outputs × the size of the scalar.
    /// With fewer inputs, such as a 3×3 convolution of three channels, multiplying anew should cost less
    /// than reading those products from memory, and it is done at every point. Combined losses differ by rounding.
    #[must_use]
    pub fn with_plane_memory(self, bytes: usize) -> Self {
        Self { plane_memory: bytes, ..self }
    }

    /// How many bytes a Hessian worker may keep of what depends on θ alone; 1 GiB by default.
    ///
    /// Kept are values and derivatives of every layer for all samples. Where that is more, every
    /// product computes them anew: one pass up and one back more.
    #[must_use]
    pub fn with_hessian_memory(self, bytes: usize) -> Self {
        Self { hessian_memory: bytes, ..self }
    }

    /// The architecture.
    pub fn architecture(&self) -> &Architecture {
        &self.architecture
    }

    /// The loss.
    pub fn criterion(&self) -> Criterion {
        self.criterion
    }

    /// Bytes of scratch memory that each thread of a sweep needs: a chunk's tensors, and the
    /// parameters plain, folded and packed.
    pub fn sweep_memory(&self) -> usize {
        let tensors = state_len(&self.plan, self.sweep_chunk(), Keep::Outputs);
        let parameters = self.theta.len() + self.plan.fold.len + self.plan.packed[0];
        (tensors + parameters) * size_of::<S>()
    }

    /// The outputs before the softmax, [samples, outputs].
    ///
    /// # Errors
    /// [`Error::Length`] for θ; [`Error::SampleShape`], or [`Error::LayerShape`] for images of another shape,
    /// for samples that do not fit.
    pub fn outputs(&self, theta: &[S], data: &Samples<S>) -> Result<Array2<S>> {
        self.layout().ensure_length("θ", theta.len())?;
        self.check_inputs(data)?;
        let weights = self.weights(theta, false);
        let outputs = self.architecture.outputs();
        let strands = Strands::new::<S>(data.len(), self.sweep_chunk(), 0);
        let parts = strands.run(|chunks| {
            let mut state = State::new(&self.plan, strands.chunk, Keep::Outputs);
            let mut part = Vec::new();
            for chunk in chunks {
                let range = strands.range(chunk);
                let samples = range.len();
                let values = state.forward(&self.plan, &weights, data.slice(range).0);
                part.extend((0..samples).flat_map(|sample| {
                    let group = &values[sample / LANES * outputs * LANES..];
                    (0..outputs).map(move |output| group[output * LANES + sample % LANES])
                }));
            }
            part
        });
        Array2::from_shape_vec((data.len(), outputs), parts.concat()).map_err(|_| Error::SampleShape {
            what: "the outputs",
            found: data.len(),
            expected: outputs,
        })
    }

    /// A sweep's chunk of samples: whole groups.
    pub(super) fn sweep_chunk(&self) -> usize {
        let largest = self.plan.shapes.iter().map(|shape| shape.len()).max().unwrap_or(1);
        LANES * (SWEEP_TENSOR / (largest * size_of::<S>())).clamp(1, MOST_GROUPS)
    }

    /// A gradient's chunk of samples.
    fn gradient_chunk(&self) -> usize {
        let largest = self.plan.shapes.iter().map(|shape| shape.len()).max().unwrap_or(1);
        LANES * (GRADIENT_TENSOR / (largest * size_of::<S>())).clamp(1, MOST_GROUPS)
    }

    /// A Hessian-vector product's chunk of samples.
    pub(super) fn hessian_chunk(&self) -> usize {
        LANES * (HESSIAN_VALUES / (self.plan.tensors_len() * size_of::<S>())).clamp(1, MOST_GROUPS)
    }

    /// What is computed, in words; the memory says whether the first layer is prepared, which changes the last
    /// digits.
    pub(super) fn description(&self) -> String {
        let (input, chain) = (self.architecture.input(), self.architecture.chain());
        format!("{input:?} {chain:?} {:?} {}", self.criterion, self.plane_memory)
    }

    pub(super) fn plan(&self) -> &Plan<S> {
        &self.plan
    }

    pub(super) fn plane_memory(&self) -> usize {
        self.plane_memory
    }

    pub(super) fn hessian_memory(&self) -> usize {
        self.hessian_memory
    }

    pub(super) fn weights(&self, theta: &[S], back: bool) -> Weights<S> {
        let mut weights = Weights::new(&self.plan, back);
        weights.set(&self.plan, theta);
        weights
    }

    pub(super) fn theta_mut(&mut self) -> &mut [S] {
        &mut self.theta
    }

    pub(super) fn check_inputs(&self, data: &Samples<S>) -> Result<()> {
        let input = self.architecture.input();
        let expected = input.iter().product();
        if data.features() != expected {
            return Err(Error::SampleShape { what: "an input", found: data.features(), expected });
        }
        match data.image_shape() {
            Some(found) if found != input => Err(Error::LayerShape {
                layer: "the input".to_owned(),
                found,
                needs: format!("images of {}×{}×{}", input[0], input[1], input[2]),
            }),
            _ => Ok(()),
        }
    }

    pub(super) fn check(&self, data: &Samples<S>) -> Result<()> {
        self.check_inputs(data)?;
        data.check(data.features(), self.architecture.outputs(), self.criterion)
    }

    fn ready(&self, theta: &[S], data: &Samples<S>) -> Result<()> {
        self.layout().ensure_length("θ", theta.len())?;
        self.check(data)
    }
}

impl<S: NetScalar> Model for Network<S> {
    type Scalar = S;

    fn layout(&self) -> &Layout {
        self.architecture.layout()
    }

    fn parameters(&self) -> &[S] {
        &self.theta
    }
}

impl<S: NetScalar> Loss<Samples<S>> for Network<S> {
    fn loss(&self, theta: &[S], data: &Samples<S>) -> Result<f64, OracleError> {
        let mut out = [0.0];
        self.measure(theta, data, &mut out)?;
        Ok(out[0])
    }

    fn fingerprint(&self, data: &Samples<S>) -> Option<u64> {
        Some(data.fingerprint(&self.description()))
    }

    fn channels(&self) -> Vec<String> {
        match self.criterion {
            Criterion::CrossEntropy => vec!["loss".to_owned(), "accuracy".to_owned()],
            Criterion::MeanSquaredError => vec!["loss".to_owned()],
        }
    }

    fn measure(&self, theta: &[S], data: &Samples<S>, out: &mut [f64]) -> Result<(), OracleError> {
        self.ready(theta, data)?;
        let weights = self.weights(theta, false);
        let strands = Strands::new::<S>(data.len(), self.sweep_chunk(), 0);
        let pool = Pool::new();
        let shares: Vec<Vec<Sums>> = strands.run(|chunks| {
            pool.with(
                || State::new(&self.plan, strands.chunk, Keep::Outputs),
                |state| chunks.map(|chunk| self.share(state, &weights, data, strands.range(chunk))).collect(),
            )
        });
        // Chunk by chunk, as a sweep adds them.
        let mut total = Sums::default();
        for share in shares.iter().flatten() {
            total.loss += share.loss;
            total.hits += share.hits;
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
        self.layout().ensure_length("the plane", plane.len())?;
        Ok(Some(sweep::prepare(self, plane, data, None)?))
    }
}

impl<S: NetScalar> Network<S> {
    /// Loss and hits of consecutive samples, summed.
    pub(super) fn share(
        &self,
        state: &mut State<S>,
        weights: &Weights<S>,
        data: &Samples<S>,
        range: std::ops::Range<usize>,
    ) -> Sums {
        let (inputs, wanted) = data.slice(range);
        state.forward(&self.plan, weights, inputs);
        state.finish(self.architecture.outputs(), wanted)
    }
}

impl<S: NetScalar> Gradient<Samples<S>> for Network<S> {
    fn gradient(&self, theta: &[S], data: &Samples<S>, out: &mut [S]) -> Result<f64, OracleError> {
        self.ready(theta, data)?;
        self.layout().ensure_length("the gradient", out.len())?;
        let weights = self.weights(theta, true);
        let strands = Strands::new::<S>(data.len(), self.gradient_chunk(), self.plan.fold.len);
        let pool = Pool::new();
        let scale = 1.0 / data.len() as f64;
        let parts = strands.run(|chunks| {
            let mut gradient = zeros(self.plan.fold.len);
            let mut loss = 0.0;
            let memory = || {
                let state = State::new(&self.plan, strands.chunk.min(data.len()), Keep::Values);
                (state, Buffer::new(self.plan.room()))
            };
            pool.with(memory, |(state, room)| {
                for chunk in chunks {
                    let range = strands.range(chunk);
                    let wanted = data.slice(range.clone()).1;
                    loss += self.share(state, &weights, data, range).loss;
                    state.backward(&self.plan, &weights, wanted, scale, room, Some(&mut gradient));
                }
            });
            (loss, gradient)
        });
        let (losses, gradients): (Vec<f64>, Vec<_>) = parts.into_iter().unzip();
        self.plan.fold.pull(theta, &add_up(gradients), out);
        let loss: f64 = losses.iter().sum();
        Ok(loss / data.len() as f64)
    }
}

/// Whether there is memory for so many scalars.
pub(super) fn ensure_room<S>(what: &'static str, len: usize) -> Result<()> {
    Vec::<S>::new()
        .try_reserve_exact(len)
        .map_err(|_| Error::OutOfMemory { what, bytes: (len as u64).saturating_mul(size_of::<S>() as u64) })
}

/// The sums of all strands, in their order.
pub(super) fn add_up<S: NetScalar>(parts: Vec<Vec<S>>) -> Vec<S> {
    let mut parts = parts.into_iter();
    let mut total = parts.next().unwrap_or_default();
    for part in parts {
        for (total, value) in total.iter_mut().zip(part) {
            *total += value;
        }
    }
    total
}

impl<S: NetScalar> HessianProduct<Samples<S>> for Network<S> {
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
        let mut worker = NetworkHessian::new(self, data, 0);
        worker.at(theta)?;
        worker.product(v, out)
    }

    /// Keeps values and derivatives at θ; see [`with_hessian_memory`](Self::with_hessian_memory).
    fn hessian_worker<'a>(
        &'a self,
        data: &'a Samples<S>,
    ) -> Result<Box<dyn HessianWorker<S> + 'a>, OracleError> {
        self.check(data)?;
        Ok(Box::new(NetworkHessian::new(self, data, self.hessian_memory())))
    }
}
