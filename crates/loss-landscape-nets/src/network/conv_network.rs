//! The convolutional network: an architecture, its parameters and how it is computed.

#[cfg(doc)]
use loss_landscape::{GaussNewtonProduct, Gradient, HessianProduct, Loss};
use loss_landscape::{Layout, Role};
use loss_landscape_kernels::LANES;
use ndarray_rand::rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

use super::{
    architecture::Architecture,
    chunk_state::{Keep, state_len},
    graph::Op,
    plan::{Mode, Plan},
};
use crate::{
    criterion::Criterion,
    data::Samples,
    error::{Error, Result},
    fingerprint::Fingerprint,
    memory::ensure_room,
    real::Real,
};

/// A convolutional network with parameters: VGG, ResNet, DenseNet, or one of your own pieces.
///
/// It implements [`Loss`], [`Gradient`], [`HessianProduct`] and [`GaussNewtonProduct`] over [`Samples`] of its input
/// shape, all exact, in `f32` (fast) and `f64`. With [`Criterion::CrossEntropy`] one pass yields the channels `loss`
/// (nats) and `accuracy` (0 to 1), with [`Criterion::MeanSquaredError`] only `loss`.
///
/// Batch normalisation uses the running statistics, which are buffers of the layout: a direction may
/// move them, gradients and Hessian-vector products hold them fixed and are 0 there. At each θ it is
/// folded into the convolution before it.
///
/// **Cost.** On ResNet-20 a gradient costs 3.6 to 4.7 losses, a Hessian-vector product 13 to 14 at a new θ,
/// and each further vector 8 if what depends on θ alone fits in
/// [`hessian_memory`](Self::hessian_memory), 11 if not.
/// Gradients and products share the data out among the threads of the rayon pool that calls them, each
/// share with sums as long as θ (for networks of many millions of parameters in four shares at most);
/// the result has the same bits for any number of threads. Samples are computed 16 at a time, so
/// that 17 cost as much as 32.
///
/// **Memory.** A thread of a sweep needs [`sweep_memory`](Self::sweep_memory) bytes. Its points allocate nothing,
/// except for layers of your own ([`CustomLayer`](crate::CustomLayer)), which get slices of 16 samples at a time.
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
/// # Ok::<(), loss_landscape_nets::Error>(())
/// ```
#[derive(Debug)]
pub struct Network<S> {
    pub(crate) architecture: Architecture,
    pub(crate) criterion: Criterion,
    pub(crate) theta: Vec<S>,
    pub(crate) plan: Plan<S>,
    /// Bytes.
    pub(crate) plane_memory: u64,
    pub(crate) hessian_memory: u64,
}

/// Bytes of the largest tensor of a chunk in a sweep, about: small enough to stay in a second-level cache.
const SWEEP_TENSOR: usize = 512 << 10;
/// The same for gradients.
const GRADIENT_TENSOR: usize = 2 << 20;
/// Bytes of all values of a chunk for Hessian-vector products, about.
const HESSIAN_VALUES: usize = 128 << 20;
/// Groups in a chunk at most.
const MOST_GROUPS: usize = 8;

impl<S: Real> Network<S> {
    pub(crate) fn random(architecture: &Architecture, criterion: Criterion, seed: u64) -> Result<Self> {
        let len = architecture.layout().len();
        // θ, and the same folded, packed and in gradients: small requests would be granted anyway.
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
            if let Op::Custom { layer, parameters, .. } = &node.op {
                let input = architecture.graph().nodes[node.inputs[0]].shape.dims();
                let own = &mut theta[parameters.clone()];
                let mut values: Vec<f64> = own.iter().map(|value| value.as_f64()).collect();
                layer.initial(input, &mut values, &mut || StandardNormal.sample(&mut generator));
                own.iter_mut().zip(values).for_each(|(own, value)| *own = S::from_f64(value));
            }
            if let Op::Conv { weight, geometry, sets, linear, .. } = &node.op {
                let input = architecture.graph().nodes[node.inputs[0]].shape;
                let fan_in = (input.channels / sets * geometry.kernel.iter().product::<usize>()) as f64;
                let deviation = if *linear { 1e-3 } else { (2.0 / fan_in).sqrt() };
                for value in &mut theta[weight.clone()] {
                    let drawn: f64 = StandardNormal.sample(&mut generator);
                    *value = S::from_f64(drawn * deviation);
                }
            }
        }
        architecture.layout().ensure_finite("the initial θ", &theta)?;
        Ok(Self::from_parameters(architecture, criterion, theta))
    }

    fn from_parameters(architecture: &Architecture, criterion: Criterion, theta: Vec<S>) -> Self {
        let plan = Plan::new(architecture.graph(), Mode::Evaluation);
        let (plane_memory, hessian_memory) = (1 << 30, 1 << 30);
        Self { architecture: architecture.clone(), criterion, theta, plan, plane_memory, hessian_memory }
    }

    /// The same network, planned anew.
    pub(crate) fn copy(&self) -> Self {
        Self {
            plane_memory: self.plane_memory,
            hessian_memory: self.hessian_memory,
            ..Self::from_parameters(&self.architecture, self.criterion, self.theta.clone())
        }
    }

    pub(crate) fn blocks(&self) -> &Layout {
        self.architecture.layout()
    }

    /// Bytes of scratch memory of one thread in a sweep.
    pub(crate) fn bytes_of_sweep(&self) -> u64 {
        let tensors = state_len(&self.plan, self.sweep_chunk(), Keep::Outputs);
        let parameters = self.theta.len() + self.plan.fold.len + self.plan.packed_forward;
        ((tensors + parameters) * size_of::<S>()) as u64
    }

    /// A sweep's chunk of samples: whole groups.
    pub(super) fn sweep_chunk(&self) -> usize {
        self.chunk_of(SWEEP_TENSOR / self.largest_tensor())
    }

    /// A gradient's chunk of samples.
    pub(super) fn gradient_chunk(&self) -> usize {
        self.chunk_of(GRADIENT_TENSOR / self.largest_tensor())
    }

    /// A Hessian-vector product's chunk of samples.
    pub(super) fn hessian_chunk(&self) -> usize {
        self.chunk_of(HESSIAN_VALUES / (self.plan.tensors_len() * size_of::<S>()))
    }

    /// Bytes of the largest tensor of one group.
    fn largest_tensor(&self) -> usize {
        let largest = self.plan.shapes.iter().map(|shape| shape.len()).max();
        largest.expect("a plan has at least the input") * size_of::<S>()
    }

    /// The samples of about so many groups; of more where a chunk would read more filters than it has values, since
    /// every chunk reads all filters.
    fn chunk_of(&self, groups: usize) -> usize {
        let by_filters = self.plan.packed_forward / self.plan.tensors_len();
        LANES * groups.max(by_filters).clamp(1, MOST_GROUPS)
    }

    /// What is computed. The memory says whether the first layer is prepared for planes, which changes the last digits.
    pub(crate) fn write_fingerprint(&self, out: &mut Fingerprint) {
        out.counts(&self.architecture.input());
        self.architecture.chain().write_fingerprint(out);
        self.criterion.write_fingerprint(out);
        out.number(self.plane_memory);
    }

    pub(crate) fn check_inputs(&self, data: &Samples<S>) -> Result<()> {
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

    pub(crate) fn check_samples(&self, data: &Samples<S>) -> Result<()> {
        self.check_inputs(data)?;
        data.check(data.features(), self.plan.outputs(), self.criterion)
    }

    pub(crate) fn ready(&self, theta: &[S], data: &Samples<S>) -> Result<()> {
        self.blocks().ensure_length("θ", theta.len())?;
        self.check_samples(data)
    }
}
