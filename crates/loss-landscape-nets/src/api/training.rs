//! What users train with.

use std::ops::ControlFlow;

use super::{net_scalar::NetScalar, trainable::Trainable};
#[cfg(doc)]
use crate::error::Error;
use crate::{
    data::{Augment, Samples},
    error::Result,
    train::{
        AdaptiveMoments, EpochProgress, Momentum, Rule, Settings, TrainingObserver, TrainingReport,
        TrainingStart,
    },
};

/// A training: a rule, and the settings that all rules have. It is made as [`Sgd`] or [`Adam`].
///
/// ```
/// use loss_landscape_nets::{Activation, Adam, Criterion, Mlp, Rule, Sgd, Training, digits};
///
/// /// What both trainings of a comparison have in common.
/// fn short<R: Rule>(training: Training<R>) -> Training<R> {
///     training.batch_size(32).epochs(1).seed(3)
/// }
///
/// let (train, _) = digits::<f32>()?;
/// let net = Mlp::new(&[64, 10], Activation::Relu, Criterion::CrossEntropy, 0)?;
/// let (mut a, mut b) = (net.clone(), net);
/// assert!(short(Sgd::new(0.1)).train(&mut a, &train)?.epochs[0].loss < 2.0);
/// assert!(short(Adam::new(0.01)).train(&mut b, &train)?.epochs[0].loss < 2.0);
/// # Ok::<(), loss_landscape_nets::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Training<R> {
    settings: Settings,
    rule: R,
}

/// Stochastic gradient descent with momentum and weight decay, by PyTorch's rule:
/// g ← ∇L + λ·θ; u ← μ·u + g; θ ← θ − η·u, with u = g at the first step. With
/// [`nesterov`](Training::nesterov) θ ← θ − η·(g + μ·u) instead.
///
/// Samples are shuffled every epoch from the seed; the last mini-batch of an epoch may be small.
/// Same seed, same bits. A training takes four vectors of the length of θ besides the network's.
///
/// Its other settings, and `train`, are the methods of [`Training`].
///
/// ```
/// use loss_landscape_nets::{Activation, Criterion, Mlp, Sgd, digits};
///
/// let (train, _) = digits::<f32>()?;
/// let mut net = Mlp::new(&[64, 32, 10], Activation::Relu, Criterion::CrossEntropy, 0)?;
/// let report = Sgd::new(0.1).momentum(0.9).weight_decay(1e-4).batch_size(32).epochs(2).train(&mut net, &train)?;
/// assert!(report.epochs[1].loss < report.epochs[0].loss);
/// # Ok::<(), loss_landscape_nets::Error>(())
/// ```
pub type Sgd = Training<Momentum>;

/// Adam[^1] by PyTorch's rule, with weight decay in the gradient (L2, not decoupled):
/// g ← ∇L + λ·θ; m ← β₁·m + (1 − β₁)·g; v ← β₂·v + (1 − β₂)·g²;
/// θ ← θ − η/(1 − β₁ᵗ) · m / (√v / √(1 − β₂ᵗ) + ε), with m = v = 0 before step t = 1.
///
/// Samples are shuffled every epoch from the seed; the last mini-batch of an epoch may be small.
/// Same seed, same bits. A training takes five vectors of the length of θ besides the network's.
///
/// Its other settings, and `train`, are the methods of [`Training`].
///
/// ```
/// use loss_landscape_nets::{Activation, Adam, Criterion, Mlp, digits};
///
/// let (train, _) = digits::<f32>()?;
/// let mut net = Mlp::new(&[64, 32, 10], Activation::Relu, Criterion::CrossEntropy, 0)?;
/// let report = Adam::new(0.01).weight_decay(1e-4).batch_size(32).epochs(2).train(&mut net, &train)?;
/// assert!(report.epochs[1].loss < report.epochs[0].loss);
/// # Ok::<(), loss_landscape_nets::Error>(())
/// ```
///
/// [^1]: D. Kingma and J. Ba, *Adam: a method for stochastic optimization*, ICLR 2015,
///     <https://arxiv.org/abs/1412.6980>.
pub type Adam = Training<AdaptiveMoments>;

impl Training<Momentum> {
    /// Plain gradient descent with this learning rate: no momentum, no decay, mini-batches of 128,
    /// 30 epochs, seed 0.
    pub fn new(learning_rate: f64) -> Self {
        Self { settings: Settings::new(learning_rate), rule: Momentum { momentum: 0.0, nesterov: false } }
    }

    /// μ, from 0 to below 1; positive with [`nesterov`](Self::nesterov).
    pub fn momentum(mut self, momentum: f64) -> Self {
        self.rule.momentum = momentum;
        self
    }

    /// Whether steps look ahead along the velocity; by default they do not.
    pub fn nesterov(mut self, nesterov: bool) -> Self {
        self.rule.nesterov = nesterov;
        self
    }
}

impl Training<AdaptiveMoments> {
    /// Adam with this learning rate: β = (0.9, 0.999), ε = 1e-8, no decay, mini-batches of 128, 30
    /// epochs, seed 0.
    pub fn new(learning_rate: f64) -> Self {
        let rule = AdaptiveMoments { betas: [0.9, 0.999], epsilon: 1e-8 };
        Self { settings: Settings::new(learning_rate), rule }
    }

    /// β₁ and β₂, each from 0 to below 1: how slowly the means of gradient and squared gradient
    /// follow.
    pub fn betas(mut self, first: f64, second: f64) -> Self {
        self.rule.betas = [first, second];
        self
    }

    /// ε, positive.
    pub fn epsilon(mut self, epsilon: f64) -> Self {
        self.rule.epsilon = epsilon;
        self
    }
}

impl<R: Rule> Training<R> {
    /// λ, on all of θ but buffers: biases, and scales and shifts of normalisations, too. 0 by
    /// default.
    pub fn weight_decay(mut self, weight_decay: f64) -> Self {
        self.settings.weight_decay = weight_decay;
        self
    }

    /// Samples in a mini-batch, 128 by default; with as many as there are samples, or more, every
    /// step takes all.
    pub fn batch_size(mut self, batch_size: usize) -> Self {
        self.settings.batch_size = batch_size;
        self
    }

    /// Passes over the data; 30 by default.
    pub fn epochs(mut self, epochs: usize) -> Self {
        self.settings.epochs = epochs;
        self
    }

    /// The seed of the shuffling; 0 by default.
    pub fn seed(mut self, seed: u64) -> Self {
        self.settings.seed = seed;
        self
    }

    /// Whether samples are shuffled before every epoch; yes by default. Without, mini-batches are
    /// consecutive samples.
    pub fn shuffle(mut self, shuffle: bool) -> Self {
        self.settings.shuffle = shuffle;
        self
    }

    /// Crops and flips images at random, anew in every epoch, with draws from stream 1 of the seed;
    /// none by default.
    pub fn augment(mut self, augment: Augment) -> Self {
        self.settings.augment = augment;
        self
    }

    /// Multiplies the learning rate by a factor once a number of epochs is done, for each pair
    /// (epochs, factor); never by default.
    ///
    /// The paper's networks were trained with
    /// `.learning_rate_steps(&[(150, 0.1), (225, 0.1), (275, 0.1)])`.
    pub fn learning_rate_steps(mut self, steps: &[(usize, f64)]) -> Self {
        self.settings.learning_rate_steps = steps.to_vec();
        self
    }

    /// Keeps θ from the start, after every `every_epochs` epochs, and from the end, for
    /// [`TrainingReport::snapshots`]; by default none.
    ///
    /// **Memory.** epochs / `every_epochs` + 2 vectors of the length of θ at most.
    pub fn snapshots(mut self, every_epochs: usize) -> Self {
        self.settings.snapshots = Some(every_epochs);
        self
    }

    /// Trains a network from where it is.
    ///
    /// # Errors
    /// [`Error::NumberOutOfRange`] or [`Error::CountOutOfRange`] for a setting out of range; the errors of
    /// samples that do not fit the network; [`Error::OutOfMemory`] for snapshots. A training that diverges is no
    /// error: see [`TrainingReport::end`].
    pub fn train<S: NetScalar, N: Trainable<S> + ?Sized>(
        &self,
        net: &mut N,
        data: &Samples<S>,
    ) -> Result<TrainingReport<S>> {
        let mut nobody = |_: &EpochProgress<'_, S>| ControlFlow::Continue(());
        self.train_observed(net, data, &mut nobody)
    }

    /// Trains a network from where it is, and tells an observer of every step and epoch; it may
    /// stop the training.
    ///
    /// # Errors
    /// As [`train`](Self::train).
    pub fn train_observed<S: NetScalar, N: Trainable<S> + ?Sized>(
        &self,
        net: &mut N,
        data: &Samples<S>,
        observer: &mut dyn TrainingObserver<S>,
    ) -> Result<TrainingReport<S>> {
        let rule = self.rule.update_rule();
        rule.check()?;
        self.settings.check()?;
        net.check(data)?;
        self.settings.augment.check(data)?;
        let learner = net.learner(self.settings.batch_size.min(data.len()))?;
        let start = TrainingStart { learner, layout: net.layout(), theta: net.parameters(), data };
        let (theta, outcome) = (S::compiled().train)(&self.settings, &rule, start, observer);
        net.theta_mut().copy_from_slice(&theta);
        outcome
    }
}
