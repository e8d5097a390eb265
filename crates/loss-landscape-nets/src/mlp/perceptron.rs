//! The multilayer perceptron: sizes, activation, criterion, parameters.

use std::ops::Range;

use loss_landscape::{
    Block, Layout,
    matching::{PermutationSpec, UnitGroup},
};
#[cfg(doc)]
use loss_landscape::{GaussNewtonProduct, Gradient, HessianProduct, Loss};
use ndarray_rand::rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::{
    activation::Activation,
    criterion::Criterion,
    data::Samples,
    error::{Error, Result},
    fingerprint::Fingerprint,
    memory::with_room,
    real::Real,
};

/// A multilayer perceptron: linear layers of any sizes with an activation between them.
///
/// Blocks are named and shaped as in PyTorch: `fc1.weight` (out×in), `fc1.bias` (out), `fc2.weight`
/// and so on; filters are the rows of a weight. It implements [`Loss`], [`Gradient`],
/// [`HessianProduct`] and [`GaussNewtonProduct`] over [`Samples`], all exact, in `f32` and `f64`.
///
/// With [`Criterion::CrossEntropy`] one pass yields the channels `loss` (nats) and `accuracy`
/// (a fraction, 0 to 1), with [`Criterion::MeanSquaredError`] only `loss`.
///
/// **Cost.** A loss is one forward pass, 2·Σ inᵢ·outᵢ flops a sample; a gradient at most 3 of them, a
/// Hessian-vector product at most 7 (1.9 and 3.7 measured on the digits, and 2.2 for each further product at the
/// same θ). In a sweep the first layer is not multiplied again: its products with the 2 or 3 vectors that span the
/// line or plane are computed once and combined at every point, as (W₀ + αD₁ + βD₂)·x = W₀·x + α·D₁·x + β·D₂·x. See
/// [`plane_memory`](Self::plane_memory).
///
/// A point of a sweep allocates nothing, but for the few bytes that the `gemm` crate asks for in each product after
/// the first layer's.
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
/// # Ok::<(), loss_landscape_nets::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Mlp<S> {
    pub(crate) sizes: Vec<usize>,
    pub(crate) activation: Activation,
    pub(crate) criterion: Criterion,
    pub(crate) blocks: Layout,
    pub(crate) layers: Vec<DenseLayer>,
    pub(crate) theta: Vec<S>,
    /// Bytes.
    pub(crate) plane_memory: u64,
    pub(crate) hessian_memory: u64,
}

/// The parameters of one linear layer, in θ.
#[derive(Clone, Debug)]
pub(crate) struct DenseLayer {
    pub(super) inputs: usize,
    pub(super) outputs: usize,
    pub(super) weight: Range<usize>,
    pub(super) bias: Range<usize>,
}

impl<S> Mlp<S> {
    /// A group for each hidden layer.
    pub(crate) fn hidden_units(&self) -> PermutationSpec {
        let hidden = self.sizes[1..self.sizes.len() - 1].iter().enumerate();
        let groups = hidden.map(|(layer, &units)| {
            let [name, next] = [1, 2].map(|after| format!("fc{}", layer + after));
            let group = UnitGroup::new(&name, units);
            group
                .axis(format!("{name}.weight"), 0)
                .axis(format!("{name}.bias"), 0)
                .axis(format!("{next}.weight"), 1)
        });
        PermutationSpec::new(&self.blocks, groups).expect("every hidden layer has these blocks")
    }
}

impl<S: Real> Mlp<S> {
    pub(crate) fn random(
        sizes: &[usize],
        activation: Activation,
        criterion: Criterion,
        seed: u64,
    ) -> Result<Self> {
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
        let layers: Vec<DenseLayer> = (sizes.windows(2).zip(layout.blocks().chunks_exact(2)))
            .map(|(pair, blocks)| DenseLayer {
                inputs: pair[0],
                outputs: pair[1],
                weight: blocks[0].range(),
                bias: blocks[1].range(),
            })
            .collect();
        let mut generator = ChaCha8Rng::seed_from_u64(seed);
        let mut theta = with_room("the network's parameters", layout.len())?;
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
            blocks: layout,
            layers,
            theta,
            plane_memory: memory,
            hessian_memory: memory,
        })
    }

    pub(super) fn last_layer(&self) -> &DenseLayer {
        self.layers.last().expect("a network has at least one layer")
    }

    pub(crate) fn check_samples(&self, data: &Samples<S>) -> Result<()> {
        data.check(self.sizes[0], self.last_layer().outputs, self.criterion)
    }

    pub(crate) fn ready(&self, theta: &[S], data: &Samples<S>) -> Result<()> {
        self.blocks.ensure_length("θ", theta.len())?;
        self.check_samples(data)
    }

    /// What is computed. The memory says whether the first layer is prepared for planes, which changes the last digits.
    pub(crate) fn write_fingerprint(&self, out: &mut Fingerprint) {
        out.counts(&self.sizes);
        self.activation.write_fingerprint(out);
        self.criterion.write_fingerprint(out);
        out.number(self.plane_memory);
    }
}
