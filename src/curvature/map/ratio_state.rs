//! How well the ratio at one point of a map is known.

/// How well the ratio at one point of a map is known.
///
/// Only [`Certified`](Self::Certified) is a statement with a probability. [`Warm`](Self::Warm) is experience, which
/// the map's [audit](super::Audit) measures. The numbers are those of the channel `state`.
///
/// ```
/// use loss_landscape::{EigenRatio, Gradient, HessianProduct, Layout, Loss, Model, OracleError, RandomDirections, Sweep};
/// use loss_landscape::curvature::RatioState;
/// # struct Quartic { layout: Layout, theta: Vec<f64> }
/// # impl Model for Quartic {
/// #     type Scalar = f64;
/// #     fn layout(&self) -> &Layout { &self.layout }
/// #     fn parameters(&self) -> &[f64] { &self.theta }
/// # }
/// # impl Loss<()> for Quartic {
/// #     fn loss(&self, theta: &[f64], _: &()) -> Result<f64, OracleError> {
/// #         Ok(theta.iter().enumerate().map(|(i, t)| t.powi(4) - (1.0 + i as f64) * t.powi(2)).sum())
/// #     }
/// # }
/// # impl Gradient<()> for Quartic {
/// #     fn gradient(&self, theta: &[f64], data: &(), out: &mut [f64]) -> Result<f64, OracleError> {
/// #         for (i, (out, t)) in out.iter_mut().zip(theta).enumerate() {
/// #             *out = 4.0 * t.powi(3) - 2.0 * (1.0 + i as f64) * t;
/// #         }
/// #         self.loss(theta, data)
/// #     }
/// # }
/// # impl HessianProduct<()> for Quartic {}
/// # let model = Quartic { layout: Layout::flat(12)?, theta: vec![1.0; 12] };
///
/// let sweep = Sweep::plane(&model, RandomDirections::new(1)).data("", &());
/// let map = sweep.alpha(-0.1..=0.1, 5).beta(-0.1..=0.1, 5).eigen_ratio(&EigenRatio::new().certified(true))?;
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
