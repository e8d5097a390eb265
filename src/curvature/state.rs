//! How well the ratio at one point of a map is known.

/// How well the ratio at one point of a map is known.
///
/// Only [`Certified`](Self::Certified) is a statement with a probability. [`Warm`](Self::Warm) is experience, which
/// the map's [audit](crate::Audit) measures. The numbers are those of the channel `state`.
///
/// ```
/// use loss_landscape::{EigenRatio2d, RandomDirections, RatioState};
/// use loss_landscape::nets::{digits, Activation, Criterion, Mlp};
///
/// let data = digits::<f32>()?.1;
/// let net = Mlp::new(&[64, 8, 10], Activation::Tanh, Criterion::CrossEntropy, 0)?;
/// let map = EigenRatio2d::new(&net, RandomDirections::new(1).pair(&net)?)
///     .data("", &data)
///     .alpha(-0.1..=0.1, 5)
///     .beta(-0.1..=0.1, 5)
///     .certified(true)
///     .run()?;
/// assert!(map.states().iter().all(|state| *state == Some(RatioState::Certified)));
/// assert!(map.channel("state")?.iter().all(|state| *state == 2.0));
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[must_use]
pub enum RatioState {
    /// 0: not known to the tolerance. The run met a limit, or its products are not symmetric.
    Marked,
    /// 1: found from a warm start, and either in accord with what the neighbours lead to expect, or within the
    /// tolerance at a confidence of 0.9 by the run's own bounds. No more is known.
    Warm,
    /// 2: within the tolerance at the confidence asked for.
    Certified,
}

impl RatioState {
    /// The value of the channel `state`.
    pub(super) fn number(self) -> u8 {
        self as u8
    }

    pub(super) fn from_number(number: u8) -> Option<Self> {
        [Self::Marked, Self::Warm, Self::Certified].into_iter().find(|state| state.number() == number)
    }
}
