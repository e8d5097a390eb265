//! Stochastic gradient descent with momentum, Nesterov's or the plain one.

use std::ops::Range;

use super::{
    EpochProgress, Trainable, TrainingObserver, TrainingReport,
    run::{Steps, run},
    settings::{Settings, ensure, training_options},
};
use crate::{NetScalar, Result, Samples};

/// Stochastic gradient descent with momentum and weight decay, by PyTorch's rule:
/// g ← ∇L + λ·θ; u ← μ·u + g; θ ← θ − η·u, with u = g at the first step. With
/// [`nesterov`](Self::nesterov) θ ← θ − η·(g + μ·u) instead.
///
/// Samples are shuffled every epoch from the seed; the last mini-batch of an epoch may be small.
/// Same seed, same bits. A training takes four vectors of the length of θ besides the network's.
///
/// ```
/// use loss_landscape_nets::{Activation, Criterion, Mlp, Sgd, digits};
///
/// let (train, _) = digits::<f32>()?;
/// let mut net = Mlp::new(&[64, 32, 10], Activation::Relu, Criterion::CrossEntropy, 0)?;
/// let report = Sgd::new(0.1).momentum(0.9).weight_decay(1e-4).batch_size(32).epochs(2).train(&mut net, &train)?;
/// assert!(report.epochs[1].loss < report.epochs[0].loss);
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Sgd {
    settings: Settings,
    momentum: f64,
    nesterov: bool,
}

/// What gradient descent keeps between steps.
struct Velocity<S> {
    momentum: S,
    nesterov: bool,
    decay: S,
    u: Vec<S>,
}

impl Sgd {
    /// Plain gradient descent with this learning rate: no momentum, no decay, mini-batches of 128,
    /// 30 epochs, seed 0.
    pub fn new(learning_rate: f64) -> Self {
        Self { settings: Settings::new(learning_rate), momentum: 0.0, nesterov: false }
    }

    /// μ, from 0 to below 1; positive with [`nesterov`](Self::nesterov).
    pub fn momentum(mut self, momentum: f64) -> Self {
        self.momentum = momentum;
        self
    }

    /// Whether steps look ahead along the velocity; by default they do not.
    pub fn nesterov(mut self, nesterov: bool) -> Self {
        self.nesterov = nesterov;
        self
    }

    fn check(&self) -> Result<()> {
        let momentum = self.momentum;
        ensure("the momentum", "from 0 to below 1", momentum, (0.0..1.0).contains(&momentum))?;
        let right = !self.nesterov || momentum > 0.0;
        ensure("the momentum", "positive with Nesterov's rule", momentum, right)
    }

    fn steps<S: NetScalar>(&self, len: usize) -> Velocity<S> {
        Velocity {
            momentum: S::from_f64(self.momentum),
            nesterov: self.nesterov,
            decay: S::from_f64(self.settings.weight_decay),
            u: vec![S::zero(); len],
        }
    }
}

training_options!(Sgd);

impl<S: NetScalar> Steps<S> for Velocity<S> {
    fn step(&mut self, trained: &[Range<usize>], rate: f64, theta: &mut [S], gradient: &[S]) {
        let (rate, momentum, decay) = (S::from_f64(rate), self.momentum, self.decay);
        for range in trained {
            let pairs = theta[range.clone()].iter_mut().zip(&gradient[range.clone()]);
            for ((theta, &g), u) in pairs.zip(&mut self.u[range.clone()]) {
                let g = g + decay * *theta;
                *u = momentum * *u + g;
                *theta -= rate * if self.nesterov { g + momentum * *u } else { *u };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;
    use crate::{Activation, Criterion, Error, Mlp, TrainingEnd};
    use loss_landscape::Model;

    /// y = 2x − 1 by a single linear layer, full batch: the steps can be done by hand.
    fn line() -> (Mlp<f64>, Samples<f64>) {
        let net = Mlp::new(&[1, 1], Activation::Tanh, Criterion::MeanSquaredError, 0).unwrap();
        let data = Samples::regression(array![[0.0], [1.0], [2.0]], array![[-1.0], [1.0], [3.0]]).unwrap();
        (net.with_parameters(vec![0.0, 0.0]).unwrap(), data)
    }

    /// By hand: ∇ = (2/3)(Σ (wx + b − y)x, Σ (wx + b − y)); three steps, the third at half the rate.
    #[test]
    fn steps_are_pytorchs() {
        for nesterov in [false, true] {
            let (mut net, data) = line();
            let sgd = Sgd::new(0.1).momentum(0.9).nesterov(nesterov).weight_decay(0.01);
            sgd.learning_rate_steps(&[(2, 0.5)]).batch_size(3).epochs(3).train(&mut net, &data).unwrap();
            let (mut theta, mut u) = ([0.0_f64; 2], None::<[f64; 2]>);
            for rate in [0.1, 0.1, 0.05] {
                let mut g = theta.map(|t| 0.01 * t);
                for (x, y) in [(0.0, -1.0), (1.0, 1.0), (2.0, 3.0)] {
                    g[0] += 2.0 / 3.0 * (theta[0] * x + theta[1] - y) * x;
                    g[1] += 2.0 / 3.0 * (theta[0] * x + theta[1] - y);
                }
                let now = u.map_or(g, |u| [0.9 * u[0] + g[0], 0.9 * u[1] + g[1]]);
                u = Some(now);
                for i in 0..2 {
                    theta[i] -= rate * if nesterov { g[i] + 0.9 * now[i] } else { now[i] };
                }
            }
            approx::assert_relative_eq!(net.parameters(), &theta[..], max_relative = 1e-14);
        }
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
        let new = || Sgd::new(0.1);
        for (sgd, name) in [
            (Sgd::new(0.0), "the learning rate"),
            (new().momentum(1.0), "the momentum"),
            (new().momentum(f64::NAN), "the momentum"),
            (new().nesterov(true), "the momentum"),
            (new().weight_decay(-1.0), "the weight decay"),
            (new().batch_size(0), "the batch size"),
            (new().snapshots(0), "the number of epochs between snapshots"),
            (new().learning_rate_steps(&[(1, -0.1)]), "a factor of the learning rate"),
        ] {
            let (mut net, data) = line();
            let error = sgd.train(&mut net, &data).unwrap_err();
            assert!(matches!(error, Error::Setting { setting, .. } if setting == name), "{sgd:?}: {error}");
        }
        assert!(new().momentum(0.5).nesterov(true).check().is_ok());
    }
}
