//! How the training of a curve went.

use std::{fmt, time::Duration};

use super::{StepRule, barrier::short};
use crate::{PathShape, landscape::PointFailure};

/// One step of a training, as its observer sees it; [`PathTraining::run_with`](super::PathTraining::run_with) has an
/// example.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct PathStep {
    /// Steps done so far, this one included.
    pub done: usize,
    /// Steps of the whole training.
    pub total: usize,
    /// The mean loss over the points that this step drew, before it.
    pub loss: f64,
    /// The learning rate of the step.
    pub learning_rate: f64,
}

/// How a training ended.
///
/// ```
/// use loss_landscape::{Layout, path::{BentPath, PathTraining, PathTrainingEnd}};
///
/// let path = BentPath::bezier(&Layout::flat(1)?, &[0.0_f64], &[1.0], 1)?;
/// // A gradient that breaks at the fourth step.
/// let gradient = |theta: &[f64], step: usize, out: &mut [f64]| {
///     out[0] = if step < 3 { theta[0] } else { f64::NAN };
///     Ok(theta[0] * theta[0] / 2.0)
/// };
/// let trained = PathTraining::new(0.1).run_with(&path, gradient, |_| std::ops::ControlFlow::Continue(()))?;
/// assert!(matches!(trained.report.end, PathTrainingEnd::Failed { step: 3, .. }));
/// assert_eq!(trained.report.losses.len(), 3); // and the curve is that of three steps
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum PathTrainingEnd {
    /// All steps were done.
    Complete,
    /// The observer ended it.
    Cancelled,
    /// A loss or gradient failed or was not finite. The curve is that before this step.
    Failed {
        /// The step, from 0.
        step: usize,
        /// Where on the curve.
        #[cfg_attr(feature = "serde", serde(with = "crate::wire::forms"))]
        t: f64,
        /// What went wrong there.
        failure: PointFailure,
    },
    /// A step would have made a bend infinite or NaN. The curve is that before this step.
    Diverged {
        /// The step, from 0.
        step: usize,
    },
}

/// How the training of a curve went. As text it is one line.
///
/// ```
/// use std::ops::ControlFlow;
/// use loss_landscape::{Layout, path::{BentPath, PathTraining}};
///
/// let path = BentPath::bezier(&Layout::flat(1)?, &[-1.0_f64], &[1.0], 1)?;
/// let gradient = |theta: &[f64], _step: usize, out: &mut [f64]| {
///     out[0] = 2.0 * theta[0];
///     Ok(theta[0] * theta[0])
/// };
/// let trained = PathTraining::new(0.1).steps(50).run_with(&path, gradient, |_| ControlFlow::Continue(()))?;
/// let report = trained.report;
/// assert_eq!((report.points, report.losses.len()), (3, 50));
/// println!("{report}"); // complete: 50 of 50 steps of a bezier curve of 3 points; mean loss 0.3 in the first tenth, …
/// assert!(report.to_string().starts_with("complete: 50 of 50 steps of a bezier curve of 3 points; mean loss "));
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct PathTrainingReport {
    /// How it ended.
    pub end: PathTrainingEnd,
    /// The mean loss over the points that each step drew, before that step: one for every step that was done. With few
    /// draws a step they scatter, since losses differ along the curve.
    #[cfg_attr(feature = "serde", serde(with = "crate::wire::forms"))]
    pub losses: Vec<f64>,
    /// The number of steps asked for.
    pub steps: usize,
    /// The number of points drawn at each step.
    pub draws: usize,
    /// The seed of the draws.
    pub seed: u64,
    /// The learning rate of the first step.
    pub learning_rate: f64,
    /// The rule of the steps.
    pub rule: StepRule,
    /// How the curve runs along its points.
    pub shape: PathShape,
    /// The number of its points, ends included.
    pub points: usize,
    /// The [`content_hash`](crate::content_hash) of each point of the curve at the end, as sweeps along it record them.
    #[cfg_attr(feature = "serde", serde(with = "crate::wire::forms"))]
    pub hashes: Vec<u64>,
    /// Wall-clock time.
    #[cfg_attr(feature = "serde", serde(rename = "elapsed_seconds", with = "crate::wire::forms"))]
    pub elapsed: Duration,
}

impl fmt::Display for PathTrainingEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Complete => f.write_str("complete"),
            Self::Cancelled => f.write_str("cancelled"),
            Self::Failed { step, t, failure } => write!(f, "failed in step {step} at t = {t}: {failure}"),
            Self::Diverged { step } => write!(f, "diverged in step {step}"),
        }
    }
}

impl fmt::Display for PathTrainingReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { end, losses, steps, shape, points, .. } = self;
        write!(f, "{end}: {} of {steps} steps of a {shape} curve of {points} points", losses.len())?;
        if losses.is_empty() {
            return Ok(());
        }
        let tenth = losses.len().div_ceil(10);
        let mean = |losses: &[f64]| short(losses.iter().sum::<f64>() / losses.len() as f64);
        let (first, last) = (mean(&losses[..tenth]), mean(&losses[losses.len() - tenth..]));
        write!(f, "; mean loss {first} in the first tenth, {last} in the last")
    }
}
