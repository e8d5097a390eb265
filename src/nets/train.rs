//! Training: stochastic gradient descent with momentum and weight decay.

use ndarray_rand::rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

use super::{Mlp, NetScalar, Samples, pass::Pass};
use crate::{Error, Model, Result};

/// Stochastic gradient descent with momentum and weight decay, by PyTorch's rule:
/// g ← ∇L + λ·θ; u ← μ·u + g; θ ← θ − η·u, with u = g at the first step.
///
/// Samples are shuffled every epoch from the seed; the last mini-batch of an epoch may be small.
/// Same seed, same bits.
///
/// ```
/// use loss_landscape::nets::{digits, Activation, Criterion, Mlp, Sgd};
///
/// let (train, _) = digits::<f32>()?;
/// let mut net = Mlp::new(&[64, 32, 10], Activation::Relu, Criterion::CrossEntropy, 0)?;
/// let report = Sgd::new(0.1).momentum(0.9).weight_decay(1e-4).batch_size(32).epochs(2).train(&mut net, &train)?;
/// assert!(report.epochs[1].loss < report.epochs[0].loss);
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct Sgd {
    learning_rate: f64,
    momentum: f64,
    weight_decay: f64,
    batch_size: usize,
    epochs: usize,
    seed: u64,
}

/// How a training ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TrainingEnd {
    /// All epochs were done.
    Complete,
    /// A mini-batch's loss or a step was NaN or infinite; the network has the last finite
    /// parameters.
    Diverged {
        /// The epoch, from 0.
        epoch: usize,
        /// The step in it, from 0.
        step: usize,
    },
}

/// One epoch of a training.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Epoch {
    /// The mean over samples of the loss that each mini-batch had before its step, weight decay not
    /// counted.
    pub loss: f64,
}

/// What a training did.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct TrainingReport {
    /// How it ended.
    pub end: TrainingEnd,
    /// The epochs that were finished.
    pub epochs: Vec<Epoch>,
    /// Steps taken.
    pub steps: usize,
}

impl Sgd {
    /// Plain gradient descent with this learning rate: no momentum, no decay, mini-batches of 128,
    /// 30 epochs, seed 0.
    pub fn new(learning_rate: f64) -> Self {
        Self { learning_rate, momentum: 0.0, weight_decay: 0.0, batch_size: 128, epochs: 30, seed: 0 }
    }

    /// μ, from 0 to below 1.
    pub fn momentum(self, momentum: f64) -> Self {
        Self { momentum, ..self }
    }

    /// λ, on all parameters, biases too.
    pub fn weight_decay(self, weight_decay: f64) -> Self {
        Self { weight_decay, ..self }
    }

    /// Samples in a mini-batch; with as many as there are samples, or more, it is full-batch descent.
    pub fn batch_size(self, batch_size: usize) -> Self {
        Self { batch_size, ..self }
    }

    /// Passes over the data.
    pub fn epochs(self, epochs: usize) -> Self {
        Self { epochs, ..self }
    }

    /// The seed of the shuffling.
    pub fn seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// Trains a network from where it is.
    ///
    /// # Errors
    /// [`Error::Setting`] for a setting out of range; the errors of samples that do not fit the
    /// network. A training that diverges is no error: see [`TrainingReport::end`].
    pub fn train<S: NetScalar>(&self, net: &mut Mlp<S>, data: &Samples<S>) -> Result<TrainingReport> {
        self.check()?;
        net.check(data)?;
        let batch_size = self.batch_size.min(data.len());
        let mut generator = ChaCha8Rng::seed_from_u64(self.seed);
        let mut order: Vec<usize> = (0..data.len()).collect();
        let mut batch = data.clone();
        let mut pass = Pass::new(net, batch_size);
        let mut theta = net.parameters().to_vec();
        let mut gradient = vec![S::zero(); theta.len()];
        let mut velocity = vec![S::zero(); theta.len()];
        let [rate, momentum, decay] = [self.learning_rate, self.momentum, self.weight_decay].map(S::from_f64);
        let mut report = TrainingReport { end: TrainingEnd::Complete, epochs: Vec::new(), steps: 0 };
        for epoch in 0..self.epochs {
            order.shuffle(&mut generator);
            let mut total = 0.0;
            for (step, indices) in order.chunks(batch_size).enumerate() {
                data.gather(indices, &mut batch);
                let loss = pass.gradient(net, &theta, &batch, &mut gradient);
                for ((theta, u), &g) in theta.iter_mut().zip(&mut velocity).zip(&gradient) {
                    *u = momentum * *u + (g + decay * *theta);
                    *theta -= rate * *u;
                }
                if !loss.is_finite() || theta.iter().any(|t| !t.is_finite()) {
                    report.end = TrainingEnd::Diverged { epoch, step };
                    return Ok(report);
                }
                net.theta_mut().copy_from_slice(&theta);
                report.steps += 1;
                total += loss * indices.len() as f64;
            }
            report.epochs.push(Epoch { loss: total / data.len() as f64 });
        }
        Ok(report)
    }

    fn check(&self) -> Result<()> {
        let settings = [
            ("the learning rate", "positive", self.learning_rate, self.learning_rate > 0.0),
            ("the momentum", "from 0 to below 1", self.momentum, (0.0..1.0).contains(&self.momentum)),
            ("the weight decay", "0 or positive", self.weight_decay, self.weight_decay >= 0.0),
            ("the batch size", "at least 1", self.batch_size as f64, self.batch_size > 0),
        ];
        match settings.into_iter().find(|&(_, _, value, right)| !right || !value.is_finite()) {
            Some((setting, needs, value, _)) => Err(Error::Setting { setting, needs, value }),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;
    use crate::nets::{Activation, Criterion};

    /// y = 2x − 1 by a single linear layer, full batch: the steps can be done by hand.
    fn line() -> (Mlp<f64>, Samples<f64>) {
        let net = Mlp::new(&[1, 1], Activation::Tanh, Criterion::MeanSquaredError, 0).unwrap();
        let data = Samples::regression(array![[0.0], [1.0], [2.0]], array![[-1.0], [1.0], [3.0]]).unwrap();
        (net.with_parameters(vec![0.0, 0.0]).unwrap(), data)
    }

    #[test]
    fn two_steps_are_pytorchs() {
        let (mut net, data) = line();
        Sgd::new(0.1)
            .momentum(0.9)
            .weight_decay(0.01)
            .batch_size(3)
            .epochs(2)
            .train(&mut net, &data)
            .unwrap();
        // By hand: ∇ = (2/3)(Σ (wx + b − y)x, Σ (wx + b − y)).
        let (mut w, mut b, mut u, mut s) = (0.0_f64, 0.0_f64, 0.0_f64, 0.0_f64);
        for _ in 0..2 {
            let (mut gw, mut gb) = (0.0, 0.0);
            for (x, y) in [(0.0, -1.0), (1.0, 1.0), (2.0, 3.0)] {
                gw += 2.0 / 3.0 * (w * x + b - y) * x;
                gb += 2.0 / 3.0 * (w * x + b - y);
            }
            (u, s) = (0.9 * u + gw + 0.01 * w, 0.9 * s + gb + 0.01 * b);
            (w, b) = (w - 0.1 * u, b - 0.1 * s);
        }
        approx::assert_relative_eq!(net.parameters(), &[w, b][..], max_relative = 1e-14);
    }

    #[test]
    fn it_converges_and_repeats_to_the_bit() {
        let run = |seed, epochs| {
            let (mut net, data) = line();
            let report = Sgd::new(0.05)
                .momentum(0.5)
                .batch_size(2)
                .epochs(epochs)
                .seed(seed)
                .train(&mut net, &data)
                .unwrap();
            assert_eq!((report.end, report.steps), (TrainingEnd::Complete, 2 * epochs));
            net.parameters().to_vec()
        };
        approx::assert_abs_diff_eq!(run(1, 300)[..], [2.0, -1.0], epsilon = 1e-9);
        assert_eq!(run(1, 3), run(1, 3));
        assert_ne!(run(1, 3), run(2, 3));
    }

    #[test]
    fn divergence_keeps_the_last_finite_parameters() {
        let (mut net, data) = line();
        let report = Sgd::new(1e200).epochs(usize::MAX).train(&mut net, &data).unwrap();
        assert!(matches!(report.end, TrainingEnd::Diverged { .. }), "{report:?}");
        assert!(net.parameters().iter().all(|t| t.is_finite()));
    }

    #[test]
    fn settings_out_of_range_are_named() {
        let (mut net, data) = line();
        for sgd in [
            Sgd::new(0.0),
            Sgd::new(f64::NAN),
            Sgd::new(f64::INFINITY),
            Sgd::new(0.1).momentum(1.0),
            Sgd::new(0.1).weight_decay(-1.0),
            Sgd::new(0.1).batch_size(0),
        ] {
            assert!(matches!(sgd.train(&mut net, &data), Err(Error::Setting { .. })), "{sgd:?}");
        }
    }
}
