//! Adam: one step.

use std::ops::Range;

use loss_landscape::Scalar;

use super::update_steps::UpdateSteps;
use crate::error::{NumberSetting, Result};

/// The rule of [`Adam`](crate::Adam), which makes it.
///
/// ```
/// use loss_landscape_nets::{AdaptiveMoments, Adam, Training};
///
/// let training: Training<AdaptiveMoments> = Adam::new(0.001).betas(0.9, 0.99);
/// ```
#[derive(Clone, Debug)]
pub struct AdaptiveMoments {
    pub(crate) betas: [f64; 2],
    pub(crate) epsilon: f64,
}

/// What Adam keeps between steps.
pub(super) struct AdamState<S> {
    betas: [f64; 2],
    /// βᵗ.
    powers: [f64; 2],
    epsilon: S,
    decay: S,
    first: Vec<S>,
    second: Vec<S>,
}

impl AdaptiveMoments {
    pub(crate) fn check(&self) -> Result<()> {
        let [first, second] = self.betas;
        NumberSetting::Beta1.check(first)?;
        NumberSetting::Beta2.check(second)?;
        NumberSetting::AdamEpsilon.check(self.epsilon)
    }
}

impl<S: Scalar> AdamState<S> {
    pub(super) fn new(rule: &AdaptiveMoments, weight_decay: f64, len: usize) -> Self {
        Self {
            betas: rule.betas,
            powers: [1.0; 2],
            epsilon: S::from_f64(rule.epsilon),
            decay: S::from_f64(weight_decay),
            first: vec![S::zero(); len],
            second: vec![S::zero(); len],
        }
    }
}

impl<S: Scalar> UpdateSteps<S> for AdamState<S> {
    fn step(&mut self, trained: &[Range<usize>], rate: f64, theta: &mut [S], gradient: &[S]) {
        for (power, beta) in self.powers.iter_mut().zip(self.betas) {
            *power *= beta;
        }
        let [b1, b2] = self.betas.map(S::from_f64);
        let [c1, c2] = self.betas.map(|beta| S::from_f64(1.0 - beta));
        let rate = S::from_f64(rate / (1.0 - self.powers[0]));
        let root = S::from_f64((1.0 - self.powers[1]).sqrt());
        let (epsilon, decay) = (self.epsilon, self.decay);
        for range in trained {
            let moments = self.first[range.clone()].iter_mut().zip(&mut self.second[range.clone()]);
            let pairs = theta[range.clone()].iter_mut().zip(&gradient[range.clone()]);
            for ((theta, &g), (m, v)) in pairs.zip(moments) {
                let g = g + decay * *theta;
                *m = b1 * *m + c1 * g;
                *v = b2 * *v + c2 * g * g;
                *theta -= rate * *m / (v.sqrt() / root + epsilon);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use crate::{Activation, Adam, Criterion, Mlp, Samples};
    use loss_landscape::Model;

    /// y = 2x − 1 by a single linear layer, full batch: the steps can be done by hand.
    fn line() -> (Mlp<f64>, Samples<f64>) {
        let net = Mlp::new(&[1, 1], Activation::Tanh, Criterion::MeanSquaredError, 0).unwrap();
        let data = Samples::regression(array![[0.0], [1.0], [2.0]], array![[-1.0], [1.0], [3.0]]).unwrap();
        (net.at(vec![0.5, 0.25]).unwrap(), data)
    }

    /// Against the paper's own form, with m̂ and v̂.
    #[test]
    fn steps_are_the_papers() {
        let (mut net, data) = line();
        let adam = Adam::new(0.1).betas(0.8, 0.95).epsilon(1e-3).weight_decay(0.3);
        adam.learning_rate_steps(&[(3, 0.5)]).batch_size(3).epochs(5).train(&mut net, &data).unwrap();
        let (mut theta, mut m, mut v) = ([0.5_f64, 0.25], [0.0; 2], [0.0; 2]);
        for t in 1..=5 {
            let mut g = [0.3 * theta[0], 0.3 * theta[1]];
            for (x, y) in [(0.0, -1.0), (1.0, 1.0), (2.0, 3.0)] {
                g[0] += 2.0 / 3.0 * (theta[0] * x + theta[1] - y) * x;
                g[1] += 2.0 / 3.0 * (theta[0] * x + theta[1] - y);
            }
            let rate = if t <= 3 { 0.1 } else { 0.05 };
            for i in 0..2 {
                m[i] = 0.8 * m[i] + 0.2 * g[i];
                v[i] = 0.95 * v[i] + 0.05 * g[i] * g[i];
                let (mean, square) = (m[i] / (1.0 - 0.8_f64.powi(t)), v[i] / (1.0 - 0.95_f64.powi(t)));
                theta[i] -= rate * mean / (square.sqrt() + 1e-3);
            }
        }
        approx::assert_relative_eq!(net.parameters(), &theta[..], max_relative = 1e-13);
    }

    /// With the corrections of the bias, the first step is as long as the learning rate.
    #[test]
    fn the_first_step_has_the_length_of_the_rate() {
        let (mut net, data) = line();
        Adam::new(0.01).epsilon(1e-30).epochs(1).train(&mut net, &data).unwrap();
        // At (0.5, 0.25) both derivatives are negative: (−1.667, −0.5).
        approx::assert_relative_eq!(net.parameters(), &[0.51, 0.26][..], max_relative = 1e-14);
    }

    #[test]
    fn it_finds_the_minimum() {
        let (mut net, data) = line();
        Adam::new(0.1).learning_rate_steps(&[(500, 0.1)]).epochs(1000).train(&mut net, &data).unwrap();
        approx::assert_abs_diff_eq!(net.parameters(), &[2.0, -1.0][..], epsilon = 1e-6);
    }

    #[test]
    fn settings_out_of_range_are_named() {
        let new = || Adam::new(0.1);
        for (adam, name) in [
            (Adam::new(-1.0), "the learning rate"),
            (new().betas(1.0, 0.9), "Adam's β₁"),
            (new().betas(f64::NAN, 0.9), "Adam's β₁"),
            (new().betas(0.9, -0.1), "Adam's β₂"),
            (new().epsilon(0.0), "Adam's ε"),
            (new().epsilon(f64::INFINITY), "Adam's ε"),
        ] {
            let (mut net, data) = line();
            let error = adam.train(&mut net, &data).unwrap_err().to_string();
            assert!(error.starts_with(name), "{adam:?}: {error}");
        }
    }
}
