//! The rules by which a training steps.

use loss_landscape::Scalar;

use super::{
    adaptive_moments::{AdamState, AdaptiveMoments},
    momentum::{Momentum, MomentumState},
    update_steps::UpdateSteps,
};
use crate::error::Result;

/// A rule of a [`Training`](crate::Training): [`Momentum`] or [`AdaptiveMoments`]. The trait is sealed;
/// the example of [`Training`](crate::Training) uses it.
pub trait Rule {
    /// The rule.
    #[doc(hidden)]
    fn update_rule(&self) -> UpdateRule;
}

/// Any rule. Nobody outside the crate can name it, which seals [`Rule`].
#[derive(Clone, Debug)]
pub enum UpdateRule {
    /// Gradient descent.
    Momentum(Momentum),
    /// Adam.
    AdaptiveMoments(AdaptiveMoments),
}

impl Rule for Momentum {
    fn update_rule(&self) -> UpdateRule {
        UpdateRule::Momentum(self.clone())
    }
}

impl Rule for AdaptiveMoments {
    fn update_rule(&self) -> UpdateRule {
        UpdateRule::AdaptiveMoments(self.clone())
    }
}

impl UpdateRule {
    pub(crate) fn check(&self) -> Result<()> {
        match self {
            Self::Momentum(rule) => rule.check(),
            Self::AdaptiveMoments(rule) => rule.check(),
        }
    }

    /// The steps of a training of `len` parameters.
    pub(super) fn steps<S: Scalar>(&self, weight_decay: f64, len: usize) -> Box<dyn UpdateSteps<S>> {
        match self {
            Self::Momentum(rule) => Box::new(MomentumState::new(rule, weight_decay, len)),
            Self::AdaptiveMoments(rule) => Box::new(AdamState::new(rule, weight_decay, len)),
        }
    }
}
