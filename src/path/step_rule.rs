//! How a step moves the bends of a curve.

use std::ops::Range;

use crate::{Error, Result, Scalar, memory};

/// The rule by which a training moves the bends of a curve, as PyTorch's optimisers of these names. η is the learning
/// rate and g the gradient.
///
/// ```
/// use loss_landscape::path::{PathTraining, StepRule};
///
/// let plain = PathTraining::new(0.05).rule(StepRule::Sgd { momentum: 0.0 });
/// let adam = PathTraining::new(0.01).rule(StepRule::adam());
/// assert_eq!(StepRule::adam(), StepRule::Adam { betas: [0.9, 0.999], epsilon: 1e-8 });
/// # let _ = (plain, adam);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum StepRule {
    /// u ← μ·u + g; bend ← bend − η·u.
    Sgd {
        /// μ, from 0 to below 1.
        momentum: f64,
    },
    /// m ← β₁·m + (1−β₁)·g; v ← β₂·v + (1−β₂)·g²; bend ← bend − η/(1−β₁ᵏ) · m / (√v/√(1−β₂ᵏ) + ε) at step k.
    Adam {
        /// β₁ and β₂, each from 0 to below 1.
        betas: [f64; 2],
        /// ε, positive.
        epsilon: f64,
    },
}

impl StepRule {
    /// Adam with its usual settings, β = (0.9, 0.999) and ε = 1e-8.
    pub fn adam() -> Self {
        Self::Adam { betas: [0.9, 0.999], epsilon: 1e-8 }
    }

    pub(super) fn check(self) -> Result<()> {
        let refuse = |setting, needs, value| Err(Error::Setting { setting, needs, value });
        let share = |value: f64| (0.0..1.0).contains(&value);
        match self {
            Self::Sgd { momentum } if !share(momentum) => {
                refuse("the momentum", "from 0 to below 1", momentum)
            }
            Self::Adam { betas: [first, _], .. } if !share(first) => {
                refuse("Adam's β₁", "from 0 to below 1", first)
            }
            Self::Adam { betas: [_, second], .. } if !share(second) => {
                refuse("Adam's β₂", "from 0 to below 1", second)
            }
            Self::Adam { epsilon, .. } if !(epsilon > 0.0 && epsilon.is_finite()) => {
                refuse("Adam's ε", "finite and above 0", epsilon)
            }
            _ => Ok(()),
        }
    }
}

/// What a rule keeps of one bend between steps.
pub(super) struct RuleState<S> {
    rule: StepRule,
    /// The velocity, or the mean of the gradients.
    first: Vec<S>,
    /// The mean of their squares.
    second: Vec<S>,
    /// βᵏ.
    powers: [f64; 2],
}

impl<S: Scalar> RuleState<S> {
    pub(super) fn new(rule: StepRule, len: usize) -> Result<Self> {
        let second = if matches!(rule, StepRule::Adam { .. }) { len } else { 0 };
        let zeros = |len| memory::filled("the moments of a training", len, S::zero());
        Ok(Self { rule, first: zeros(len)?, second: zeros(second)?, powers: [1.0; 2] })
    }

    /// One step of the entries in these ranges.
    pub(super) fn step(&mut self, trained: &[Range<usize>], rate: f64, bend: &mut [S], gradient: &[S]) {
        match self.rule {
            StepRule::Sgd { momentum } => {
                let (momentum, rate) = (S::from_f64(momentum), S::from_f64(rate));
                for range in trained {
                    let pairs = bend[range.clone()].iter_mut().zip(&gradient[range.clone()]);
                    for ((bend, &g), u) in pairs.zip(&mut self.first[range.clone()]) {
                        *u = momentum * *u + g;
                        *bend -= rate * *u;
                    }
                }
            }
            StepRule::Adam { betas, epsilon } => {
                for (power, beta) in self.powers.iter_mut().zip(betas) {
                    *power *= beta;
                }
                let [b1, b2] = betas.map(S::from_f64);
                let [c1, c2] = betas.map(|beta| S::from_f64(1.0 - beta));
                let rate = S::from_f64(rate / (1.0 - self.powers[0]));
                let root = S::from_f64((1.0 - self.powers[1]).sqrt());
                let epsilon = S::from_f64(epsilon);
                for range in trained {
                    let moments = self.first[range.clone()].iter_mut().zip(&mut self.second[range.clone()]);
                    let pairs = bend[range.clone()].iter_mut().zip(&gradient[range.clone()]);
                    for ((bend, &g), (m, v)) in pairs.zip(moments) {
                        *m = b1 * *m + c1 * g;
                        *v = b2 * *v + c2 * g * g;
                        *bend -= rate * *m / (v.sqrt() / root + epsilon);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// On the gradients 2, −1, 0.5, against the formulas in their papers' form.
    #[test]
    fn steps_are_those_of_the_formulas() {
        let gradients = [2.0, -1.0, 0.5];
        let run = |rule| {
            let mut state = RuleState::<f64>::new(rule, 2).unwrap();
            let mut bend = [1.0, 7.0];
            for g in gradients {
                state.step(std::slice::from_ref(&(0..1)), 0.1, &mut bend, &[g, f64::NAN]);
            }
            assert_eq!(bend[1], 7.0, "what is not trained stands still");
            bend[0]
        };
        let (mut bend, mut u) = (1.0, 0.0);
        for g in gradients {
            u = 0.9 * u + g;
            bend -= 0.1 * u;
        }
        assert_eq!(run(StepRule::Sgd { momentum: 0.9 }), bend);
        let (mut bend, mut m, mut v) = (1.0_f64, 0.0_f64, 0.0_f64);
        for (k, g) in (1..).zip(gradients) {
            m = 0.8 * m + 0.2 * g;
            v = 0.95 * v + 0.05 * g * g;
            let (mean, square) = (m / (1.0 - 0.8_f64.powi(k)), v / (1.0 - 0.95_f64.powi(k)));
            bend -= 0.1 * mean / (square.sqrt() + 1e-3);
        }
        let found = run(StepRule::Adam { betas: [0.8, 0.95], epsilon: 1e-3 });
        assert!((found - bend).abs() < 1e-14, "{found} {bend}");
    }
}
