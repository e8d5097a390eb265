//! What an adaptive sweep is asked for, and the scales on which it interpolates.

use crate::{Error, Result};

/// The scale on which an adaptive sweep interpolates a channel and measures its errors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum ErrorScale {
    /// [`Log`](Self::Log) if every finite value computed is positive, [`Linear`](Self::Linear) otherwise.
    #[default]
    Auto,
    /// Of the values; errors are shares of the distance from the least to the greatest value computed.
    Linear,
    /// Of the natural logarithms; errors are shares of the value itself. A value that is not positive has no
    /// logarithm and counts as not finite.
    Log,
}

/// The numbers that steer a refinement.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) tolerance: f64,
    /// The most evaluations; no limit if None.
    pub(super) budget: Option<usize>,
    /// Contours that matter; the whole surface if there are none.
    pub(super) levels: Vec<f64>,
    /// Points of the first stage along each axis.
    pub(super) first: Option<usize>,
    pub(super) scale: ErrorScale,
    pub(super) seed: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            tolerance: 0.01,
            budget: None,
            levels: Vec::new(),
            first: None,
            scale: ErrorScale::Auto,
            seed: 0,
        }
    }
}

impl Settings {
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

    /// A value on a resolved scale; NaN where it does not reach.
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
