//! Stochastic gradient descent with momentum, Nesterov's or the plain one: one step.

use std::ops::Range;

use loss_landscape::Scalar;

use super::update_steps::UpdateSteps;
use crate::error::{NumberSetting, Result};

/// The rule of [`Sgd`](crate::Sgd), which makes it.
///
/// ```
/// use loss_landscape_nets::{Momentum, Sgd, Training};
///
/// let training: Training<Momentum> = Sgd::new(0.1).momentum(0.9).nesterov(true);
/// ```
#[derive(Clone, Debug)]
pub struct Momentum {
    pub(crate) momentum: f64,
    pub(crate) nesterov: bool,
}

/// What gradient descent keeps between steps.
pub(super) struct MomentumState<S> {
    momentum: S,
    nesterov: bool,
    decay: S,
    u: Vec<S>,
}

impl Momentum {
    pub(crate) fn check(&self) -> Result<()> {
        NumberSetting::Momentum.check(self.momentum)?;
        if self.nesterov { NumberSetting::NesterovMomentum.check(self.momentum) } else { Ok(()) }
    }
}

impl<S: Scalar> MomentumState<S> {
    pub(super) fn new(rule: &Momentum, weight_decay: f64, len: usize) -> Self {
        Self {
            momentum: S::from_f64(rule.momentum),
            nesterov: rule.nesterov,
            decay: S::from_f64(weight_decay),
            u: vec![S::zero(); len],
        }
    }
}

impl<S: Scalar> UpdateSteps<S> for MomentumState<S> {
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

    use crate::{Activation, Criterion, Mlp, Samples, Sgd, TrainingEnd};
    use loss_landscape::Model;

    /// y = 2x − 1 by a single linear layer, full batch: the steps can be done by hand.
    fn line() -> (Mlp<f64>, Samples<f64>) {
        let net = Mlp::new(&[1, 1], Activation::Tanh, Criterion::MeanSquaredError, 0).unwrap();
        let data = Samples::regression(array![[0.0], [1.0], [2.0]], array![[-1.0], [1.0], [3.0]]).unwrap();
        (net.at(vec![0.0, 0.0]).unwrap(), data)
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
            let error = sgd.train(&mut net, &data).unwrap_err().to_string();
            assert!(error.starts_with(name), "{sgd:?}: {error}");
        }
        let (mut net, data) = line();
        assert!(new().momentum(0.5).nesterov(true).epochs(1).train(&mut net, &data).is_ok());
    }
}
