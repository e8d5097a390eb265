//! The settings of a sampled sweep.

use crate::{Error, Result};

/// How a sampled sweep chooses how many samples to evaluate: the settings of
/// [`Sweep::sampled`](crate::Sweep::sampled).
///
/// By default every point goes on until the standard error of its loss is at most 1 % of the loss.
///
/// ```
/// use loss_landscape::Sampled;
///
/// let to_a_percent = Sampled::new(); // the default
/// let same = Sampled::new().relative_error(0.01);
/// assert_eq!(to_a_percent, same);
/// let absolute = Sampled::new().standard_error(0.002);
/// let a_tenth = Sampled::new().budget(0.1).seed(7);
/// # let _ = (absolute, a_tenth);
/// ```
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub struct Sampled {
    pub(super) target: Target,
    /// Points between two of the lattice, along each axis; by default what suits the number of samples.
    pub(super) spacing: Option<usize>,
    pub(super) seed: u64,
}

/// When a point has samples enough.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Target {
    /// The standard error, as a share of the estimate.
    Relative(f64),
    /// The standard error itself.
    Absolute(f64),
    /// The share of all evaluations that the sweep may take.
    Budget(f64),
}

/// From this many samples on, lattices are wider: what they cost is a share of all samples, and what the points between
/// them cost is a number of samples.
const MANY: usize = 4096;
const SPACING: usize = 4;
const WIDE_SPACING: usize = 5;

impl Default for Sampled {
    fn default() -> Self {
        Self { target: Target::Relative(0.01), spacing: None, seed: 0 }
    }
}

impl Sampled {
    /// A standard error of 1 % of the loss at every point.
    pub fn new() -> Self {
        Self::default()
    }

    /// The standard error that the loss at a point may have, as a share of that loss; positive, 0.01 by default. A
    /// point that would need more than 70 % of the samples is finished in full, and has no error. Replaces
    /// [`standard_error`](Self::standard_error) and [`budget`](Self::budget).
    pub fn relative_error(self, share: f64) -> Self {
        Self { target: Target::Relative(share), ..self }
    }

    /// The standard error that the loss at a point may have, in its own unit; positive. It suits contours at levels
    /// that lie evenly, and costs less near a minimiser than a [relative error](Self::relative_error).
    pub fn standard_error(self, error: f64) -> Self {
        Self { target: Target::Absolute(error), ..self }
    }

    /// The share of the evaluations of a full sweep that this one may take, between 0 and 1, those of the lattice
    /// included. All points between the lattice's get the same number of samples, whatever error that leaves.
    pub fn budget(self, share: f64) -> Self {
        Self { target: Target::Budget(share), ..self }
    }

    /// Every how many points along each axis one is evaluated in full, 2 or more; by default every 4th with fewer than
    /// 4,096 samples, and every 5th with more. The first and the last point of an axis always are.
    pub fn spacing(self, points: usize) -> Self {
        Self { spacing: Some(points), ..self }
    }

    /// The seed of the draws; 0 by default. Every point has draws of its own.
    pub fn seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }
}

impl Sampled {
    pub(super) fn check(&self) -> Result<()> {
        let (setting, needs, value) = match self.target {
            Target::Relative(share) => {
                ("the relative error of a sampled sweep", "positive and finite", share)
            }
            Target::Absolute(error) => {
                ("the standard error of a sampled sweep", "positive and finite", error)
            }
            Target::Budget(share) => ("the budget of a sampled sweep", "above 0 and at most 1", share),
        };
        let most = if matches!(self.target, Target::Budget(_)) { 1.0 } else { f64::MAX };
        if !(value > 0.0 && value <= most) {
            return Err(Error::Setting { setting, needs, value });
        }
        match self.spacing {
            Some(spacing @ (0 | 1)) => {
                let (setting, needs) = ("the spacing of a sampled sweep", "2 or more");
                Err(Error::Setting { setting, needs, value: spacing as f64 })
            }
            _ => Ok(()),
        }
    }

    /// Every how many points one is evaluated in full, for data sets of at most `samples` samples.
    pub(super) fn spacing_for(&self, samples: usize) -> usize {
        self.spacing.unwrap_or(if samples < MANY { SPACING } else { WIDE_SPACING })
    }

    /// All that the values depend on, for a journal.
    pub(super) fn text(&self, spacing: usize) -> String {
        let (kind, value) = match self.target {
            Target::Relative(share) => ("relative", share),
            Target::Absolute(error) => ("absolute", error),
            Target::Budget(share) => ("budget", share),
        };
        format!("sampled target={kind} value={value:e} spacing={spacing} seed={}", self.seed)
    }
}
