//! The transformer: its shape, its parameters, and what it accepts.

#[cfg(doc)]
use loss_landscape::{GaussNewtonProduct, Gradient, HessianProduct, Loss, SampleLosses};
use loss_landscape::{Layout, Role, matching::PermutationSpec};
use ndarray_rand::rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

use super::{
    attention::HeadScratch,
    gpt::{Gpt, Places},
    pass::{Dims, Keep, chunk_of, state_len},
};
use crate::{
    data::Tokens,
    error::{Error, Result},
    fingerprint::Fingerprint,
    memory::ensure_room,
    real::Real,
};

/// A decoder-only transformer with parameters: the loss of predicting tokens, in the shape of a [`Gpt`].
///
/// It implements [`Loss`], [`SampleLosses`], [`Gradient`], [`HessianProduct`] and [`GaussNewtonProduct`] over
/// [`Tokens`], all exact, in `f32` (fast) and `f64`. One pass yields the channels `loss`, the cross-entropy in nats as
/// the mean over all tokens that count, and `accuracy`, the share of them that is predicted right. A sample is a
/// sequence.
///
/// **Cost.** Of one token about 24·layers·width² + 4·layers·width·length + 2·width·vocabulary flops for a loss. A gradient
/// costs 3 losses, a Hessian-vector product at a new θ 8 and each further one 6 if what depends on θ alone fits in
/// [`hessian_memory`](Self::hessian_memory): these are multiplications, the rest comes on top. Memory grows with the
/// square of the sequences' length, for the weights of attention; what the system does not give is an error.
/// Gradients and products share the sequences out among the threads of the rayon pool that calls them, and have the same
/// bits for any number of threads.
///
/// ```
/// use loss_landscape::{Gradient, Loss, Model, RandomDirections, Sweep};
/// use loss_landscape_nets::{Gpt, Tokens, Transformer};
/// use ndarray::Array2;
///
/// // Each token is followed by the next number.
/// let text = Array2::from_shape_fn((8, 17), |(i, j)| ((i + j) % 10) as u32);
/// let data = Tokens::next_token(&text)?;
/// let gpt = Gpt::new(10, 16).width(16).heads(2).layers(2);
/// let net = Transformer::<f32>::new(&gpt, 0)?;
/// assert!((net.loss(net.parameters(), &data)? - 10.0_f64.ln()).abs() < 0.1);
/// let curve = Sweep::line(&net, RandomDirections::new(1)).data("train", &data).alpha(-1.0..=1.0, 3).run()?;
/// assert_eq!(curve.shape(), [3]);
/// # Ok::<(), loss_landscape::OracleError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Transformer<S> {
    pub(crate) shape: Gpt,
    pub(crate) blocks: Layout,
    pub(super) places: Places,
    pub(crate) theta: Vec<S>,
    /// Bytes.
    pub(crate) hessian_memory: u64,
}

impl<S> Transformer<S> {
    pub(crate) fn units(&self) -> PermutationSpec {
        self.shape.unit_groups(&self.blocks)
    }
}

impl<S: Real> Transformer<S> {
    pub(crate) fn random(shape: &Gpt, seed: u64) -> Result<Self> {
        let blocks = shape.layout()?;
        ensure_room::<S>("the transformer's parameters", blocks.len().saturating_mul(4))?;
        let places = shape.places(&blocks);
        let mut theta = vec![S::zero(); blocks.len()];
        let mut generator = ChaCha8Rng::seed_from_u64(seed);
        let last_of_branch = 0.02 / (2.0 * shape.layers as f64).sqrt();
        for block in blocks.blocks() {
            let deviation = if block.name().ends_with("c_proj.weight") { last_of_branch } else { 0.02 };
            for value in &mut theta[block.range()] {
                match block.role() {
                    Role::Weight => {
                        let drawn: f64 = StandardNormal.sample(&mut generator);
                        *value = S::from_f64(drawn * deviation);
                    }
                    Role::NormScale => *value = S::one(),
                    _ => {}
                }
            }
        }
        Ok(Self { shape: shape.clone(), blocks, places, theta, hessian_memory: 1 << 30 })
    }

    /// What is computed.
    pub(crate) fn write_fingerprint(&self, out: &mut Fingerprint) {
        self.shape.write_fingerprint(out);
    }

    /// Checks that data fit, and that there is memory for a loss of one chunk of them.
    pub(crate) fn check_tokens(&self, data: &Tokens) -> Result<()> {
        let Gpt { vocabulary, positions, .. } = self.shape;
        if data.sequence_length() > positions {
            return Err(Error::SequenceTooLong { length: data.sequence_length(), positions });
        }
        data.check(vocabulary)?;
        self.ensure_pass(data, &[Keep::Outputs])
    }

    pub(crate) fn ready(&self, theta: &[S], data: &Tokens) -> Result<()> {
        self.blocks.ensure_length("θ", theta.len())?;
        self.check_tokens(data)
    }

    /// Whether one thread can have the memory for such states of a chunk: weights of attention grow with the square of
    /// the sequences' length.
    pub(super) fn ensure_pass(&self, data: &Tokens, states: &[Keep]) -> Result<()> {
        ensure_room::<S>("a pass over a chunk of sequences", self.pass_len(data, states))
    }

    fn pass_len(&self, data: &Tokens, states: &[Keep]) -> usize {
        let dims = Dims::new(self, chunk_of(self, data).min(data.len()), data.sequence_length());
        let states = states.iter().map(|&keep| state_len(dims, self.shape.layers, keep));
        states.fold(HeadScratch::<S>::len(dims.length), usize::saturating_add)
    }

    /// Bytes of scratch memory of one thread in a sweep.
    pub(super) fn bytes_of_sweep(&self, data: &Tokens) -> u64 {
        let len = self.pass_len(data, &[Keep::Outputs]).saturating_add(self.theta.len());
        (len as u64).saturating_mul(size_of::<S>() as u64)
    }
}
