//! The settings of an adaptive sweep, and the scales on which it interpolates.

use crate::{Error, Result};

/// The scale on which an adaptive sweep interpolates a channel and measures its errors.
///
/// ```
/// use loss_landscape::{Adaptive, ErrorScale, FnModel, Layout, RandomDirections, Sweep};
///
/// // A loss over several orders of magnitude: 1 % of each value, not of the largest one.
/// let loss = |theta: &[f64], _: &()| (4.0 * theta.iter().map(|t| t * t).sum::<f64>()).exp();
/// let model = FnModel::new(Layout::flat(3)?, vec![0.5; 3], loss)?;
/// let sweep = |scale| {
///     let sweep = Sweep::plane(&model, RandomDirections::new(1)).data("", &());
///     sweep.adaptive(&Adaptive::new().scale(scale).tolerance(0.01))
/// };
/// let (auto, linear) = (sweep(ErrorScale::Auto)?, sweep(ErrorScale::Linear)?);
/// assert_eq!(auto.scale("loss")?, ErrorScale::Log); // all values are positive
/// assert_eq!(linear.scale("loss")?, ErrorScale::Linear);
/// assert!(auto.evaluations() < 400);
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum ErrorScale {
    /// [`Log`](Self::Log) if every finite value computed is positive, [`Linear`](Self::Linear) otherwise.
    #[default]
    Auto,
    /// The values themselves; errors are shares of the distance from the least to the greatest value computed.
    Linear,
    /// Their natural logarithms; errors are shares of the value itself. A value that is not positive has no
    /// logarithm and counts as not finite.
    Log,
}

/// How an adaptive sweep chooses its points: the settings of [`Sweep::adaptive`](crate::Sweep::adaptive).
///
/// ```
/// use loss_landscape::{Adaptive, AdaptiveEnd, FnModel, Layout, RandomDirections, Sweep};
///
/// let loss = |theta: &[f64], _: &()| 0.1 + theta.iter().map(|t| t * t).sum::<f64>();
/// let model = FnModel::new(Layout::flat(3)?, vec![0.5; 3], loss)?;
/// let sweep = Sweep::plane(&model, RandomDirections::new(1)).data("", &());
/// let surface = sweep.adaptive(&Adaptive::new().tolerance(0.01).budget(600))?;
/// assert_eq!((surface.shape(), surface.end()), ([51, 51], AdaptiveEnd::Tolerance));
/// assert!(surface.evaluations() < 300);
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub struct Adaptive {
    pub(super) tolerance: f64,
    /// The most points to evaluate; no limit if None.
    pub(super) budget: Option<usize>,
    /// The levels of contours that matter; the whole surface matters if there are none.
    pub(super) levels: Vec<f64>,
    /// Points of the first stage along each axis.
    pub(super) first: Option<usize>,
    pub(super) scale: ErrorScale,
    pub(super) seed: u64,
    /// Names of channels.
    pub(super) steering: Option<Vec<String>>,
}

impl Default for Adaptive {
    fn default() -> Self {
        Self {
            tolerance: 0.01,
            budget: None,
            levels: Vec::new(),
            first: None,
            scale: ErrorScale::Auto,
            seed: 0,
            steering: None,
        }
    }
}

impl Adaptive {
    /// The whole surface to a tolerance of 0.01.
    pub fn new() -> Self {
        Self::default()
    }

    /// The error that an interpolated value may have, on the [scale](Self::scale) in use; positive, 0.01 by default.
    /// That is 1 % of the value where the scale is logarithmic, and 1 % of the range of all values where it is linear.
    pub fn tolerance(self, tolerance: f64) -> Self {
        Self { tolerance, ..self }
    }

    /// The most points to evaluate, 1 or more; by default all points of the grid. A tenth of the budget, at most 60
    /// points, is kept for the last check.
    pub fn budget(self, evaluations: usize) -> Self {
        Self { budget: Some(evaluations), ..self }
    }

    /// Contours that should be right, rather than the whole surface: values of the channels that steer, finite (and
    /// positive, with [`ErrorScale::Log`]). Fewer points are evaluated then:
    ///
    /// ```
    /// use loss_landscape::{Adaptive, FnModel, Layout, RandomDirections, Sweep};
    ///
    /// let loss = |theta: &[f64], _: &()| 1.0 + (3.0 * theta[0]).sin() * theta[1];
    /// let model = FnModel::new(Layout::flat(2)?, vec![0.2, 0.7], loss)?;
    /// let sweep = |adaptive| Sweep::plane(&model, RandomDirections::new(2)).data("", &()).adaptive(&adaptive);
    /// let whole = sweep(Adaptive::new().tolerance(1e-3))?;
    /// let contours = sweep(Adaptive::new().tolerance(1e-3).levels(&[1.2, 1.4]))?;
    /// assert!(contours.evaluations() < whole.evaluations());
    /// # Ok::<(), loss_landscape::Error>(())
    /// ```
    pub fn levels(self, levels: &[f64]) -> Self {
        Self { levels: levels.to_vec(), ..self }
    }

    /// The scale on which values are interpolated and errors measured; [`ErrorScale::Auto`] by default.
    pub fn scale(self, scale: ErrorScale) -> Self {
        Self { scale, ..self }
    }

    /// Points of the first stage along each axis, 2 or more. By default the stage has about a thirty-second of the
    /// points of the grid, but at least 9 along an axis, and at most a third of the budget. No more than about every
    /// second point of an axis is taken. The point nearest to (0, 0) is always in the first stage.
    pub fn first_stage(self, along: usize) -> Self {
        Self { first: Some(along), ..self }
    }

    /// The seed of the points drawn for checks; 0 by default.
    pub fn seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// The channels that should keep the tolerance, by their names in the result, such as `"train loss"`; by default
    /// the first channel of each data set. [`Sweep::adaptive`](crate::Sweep::adaptive) fails with
    /// [`Error::UnknownChannel`](crate::Error::UnknownChannel) if there is no such channel.
    ///
    /// ```
    /// use loss_landscape::{Adaptive, FnModel, Layout, RandomDirections, Sweep};
    ///
    /// let loss = |theta: &[f64], bend: &f64| 1.0 + (bend * theta[0]).sin() * theta[1];
    /// let model = FnModel::new(Layout::flat(2)?, vec![0.2, 0.7], loss)?;
    /// let sweep = Sweep::plane(&model, RandomDirections::new(2)).data("train", &1.0).data("test", &9.0);
    /// let surface = sweep.adaptive(&Adaptive::new().steered_by(&["train loss"]))?;
    /// assert!(surface.held_out().is_some_and(|held_out| held_out.largest <= 0.01)); // of the training loss alone
    /// # Ok::<(), loss_landscape::Error>(())
    /// ```
    pub fn steered_by(self, channels: &[&str]) -> Self {
        Self { steering: Some(channels.iter().map(ToString::to_string).collect()), ..self }
    }
}

impl Adaptive {
    pub(super) fn check(&self) -> Result<()> {
        let setting = |setting, needs, value| Err(Error::Setting { setting, needs, value });
        if !(self.tolerance > 0.0 && self.tolerance.is_finite()) {
            return setting("the tolerance", "positive and finite", self.tolerance);
        }
        if self.budget == Some(0) {
            return setting("the budget", "1 or more", 0.0);
        }
        if let Some(first) = self.first.filter(|first| *first < 2) {
            return setting(
                "the number of points of the first stage along an axis",
                "2 or more",
                first as f64,
            );
        }
        let bad = |level: &f64| !level.is_finite() || (self.scale == ErrorScale::Log && *level <= 0.0);
        if let Some(level) = self.levels.iter().copied().find(bad) {
            let log = self.scale == ErrorScale::Log;
            return setting("a level", if log { "finite and positive" } else { "finite" }, level);
        }
        Ok(())
    }
}

impl ErrorScale {
    /// [`Linear`](Self::Linear) or [`Log`](Self::Log) for these values.
    pub(super) fn resolve(self, values: impl IntoIterator<Item = f64>) -> Self {
        match self {
            Self::Auto if values.into_iter().all(|value| !value.is_finite() || value > 0.0) => Self::Log,
            Self::Auto => Self::Linear,
            other => other,
        }
    }

    /// A value on a resolved scale; NaN where the scale does not include it.
    pub(super) fn forward(self, value: f64) -> f64 {
        match self {
            Self::Log if value > 0.0 => value.ln(),
            Self::Log => f64::NAN,
            _ => value,
        }
    }

    pub(super) fn backward(self, value: f64) -> f64 {
        if self == Self::Log { value.exp() } else { value }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_is_logarithmic_where_all_is_positive() {
        assert_eq!(ErrorScale::Auto.resolve([1.0, f64::NAN, 3.0, f64::INFINITY]), ErrorScale::Log);
        assert_eq!(ErrorScale::Auto.resolve([1.0, 0.0]), ErrorScale::Linear);
        assert_eq!(ErrorScale::Log.resolve([-1.0]), ErrorScale::Log);
        assert!(ErrorScale::Log.forward(0.0).is_nan() && ErrorScale::Log.forward(-1.0).is_nan());
        assert!((ErrorScale::Log.backward(ErrorScale::Log.forward(7.0)) - 7.0).abs() < 1e-14);
        assert_eq!(ErrorScale::Linear.backward(ErrorScale::Linear.forward(-7.0)), -7.0);
    }
}
