//! Watching a training, and stopping it.

use std::ops::ControlFlow;

use super::report::Epoch;

/// One step of a training, as a [`TrainingObserver`] sees it.
///
/// ```
/// use std::ops::ControlFlow;
/// use loss_landscape_nets::{Activation, Criterion, EpochProgress, Mlp, Sgd, StepProgress, TrainingObserver, digits};
///
/// /// Stops once a mini-batch has a loss above `limit`, and counts the steps until then.
/// struct Limit {
///     limit: f64,
///     steps: usize,
/// }
///
/// impl TrainingObserver<f32> for Limit {
///     fn step(&mut self, progress: &StepProgress) -> ControlFlow<()> {
///         self.steps = progress.done;
///         if progress.loss > self.limit { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
///     }
///     fn epoch(&mut self, _: &EpochProgress<'_, f32>) -> ControlFlow<()> {
///         ControlFlow::Continue(())
///     }
/// }
///
/// let (train, _) = digits::<f32>()?;
/// let mut net = Mlp::new(&[64, 16, 10], Activation::Relu, Criterion::CrossEntropy, 0)?;
/// let mut limit = Limit { limit: 10.0, steps: 0 };
/// let report = Sgd::new(50.0).train_observed(&mut net, &train, &mut limit)?;
/// assert!(report.steps == limit.steps && report.epochs.is_empty());
/// # Ok::<(), loss_landscape_nets::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct StepProgress {
    /// Steps taken so far, this one included.
    pub done: usize,
    /// Steps of the whole training.
    pub total: usize,
    /// The epoch, from 0.
    pub epoch: usize,
    /// The step in it, from 0.
    pub step: usize,
    /// The mean loss of the mini-batch before the step.
    pub loss: f64,
    /// The learning rate of the step.
    pub learning_rate: f64,
}

/// One finished epoch of a training, as a [`TrainingObserver`] sees it.
///
/// ```
/// use std::ops::ControlFlow;
/// use loss_landscape_nets::{Activation, Criterion, EpochProgress, Mlp, Sgd, digits};
///
/// let (train, _) = digits::<f32>()?;
/// let mut net = Mlp::new(&[64, 10], Activation::Relu, Criterion::CrossEntropy, 0)?;
/// let mut losses = Vec::new();
/// let mut observer = |progress: &EpochProgress<'_, f32>| {
///     losses.push(progress.epoch.loss);
///     ControlFlow::Continue(())
/// };
/// Sgd::new(0.1).epochs(2).train_observed(&mut net, &train, &mut observer)?;
/// assert!(losses[1] < losses[0]);
/// # Ok::<(), loss_landscape_nets::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct EpochProgress<'a, S> {
    /// Epochs finished so far, this one included.
    pub done: usize,
    /// Epochs of the whole training.
    pub total: usize,
    /// Its loss, accuracy and learning rate.
    pub epoch: Epoch,
    /// θ after it.
    pub theta: &'a [S],
}

/// Watches a training: progress bars, logs, early stopping.
///
/// Unlike the observer of a sweep it is called by one thread and in order, so it takes `&mut self`.
/// [`ControlFlow::Break`] stops the training, which then ends in
/// [`TrainingEnd::Stopped`](crate::TrainingEnd::Stopped) with the network where it is. An observer that
/// panics leaves the network as it was before the training. `ProgressBar` (feature `progress`) is one.
///
/// Closures from [`EpochProgress`] to [`ControlFlow`] are observers. To stop as soon as the loss on
/// other data no longer falls:
///
/// ```
/// use std::ops::ControlFlow;
/// use loss_landscape::Loss;
/// use loss_landscape_nets::{Activation, Adam, Criterion, EpochProgress, Mlp, TrainingEnd, digits};
///
/// let (train, test) = digits::<f32>()?;
/// let mut net = Mlp::new(&[64, 16, 10], Activation::Relu, Criterion::CrossEntropy, 0)?;
/// let judge = net.clone();
/// let mut best = f64::INFINITY;
/// let mut observer = |progress: &EpochProgress<'_, f32>| match judge.loss(progress.theta, &test) {
///     Ok(loss) if loss < best => {
///         best = loss;
///         ControlFlow::Continue(())
///     }
///     _ => ControlFlow::Break(()),
/// };
/// let report = Adam::new(0.01).epochs(1000).train_observed(&mut net, &train, &mut observer)?;
/// assert_eq!(report.end, TrainingEnd::Stopped);
/// # Ok::<(), loss_landscape_nets::Error>(())
/// ```
pub trait TrainingObserver<S> {
    /// The training starts; it has `epochs` epochs and `steps` steps in all.
    fn started(&mut self, epochs: usize, steps: usize) {
        let _ = (epochs, steps);
    }

    /// A step was taken.
    fn step(&mut self, progress: &StepProgress) -> ControlFlow<()> {
        let _ = progress;
        ControlFlow::Continue(())
    }

    /// An epoch is finished.
    fn epoch(&mut self, progress: &EpochProgress<'_, S>) -> ControlFlow<()>;

    /// The training has ended, however it ended.
    fn finished(&mut self) {}
}

impl<S, F: FnMut(&EpochProgress<'_, S>) -> ControlFlow<()>> TrainingObserver<S> for F {
    fn epoch(&mut self, progress: &EpochProgress<'_, S>) -> ControlFlow<()> {
        self(progress)
    }
}

/// Steps, rate and time left, and the mean loss of the last epoch.
#[cfg(feature = "progress")]
impl<S> TrainingObserver<S> for loss_landscape::ProgressBar {
    fn started(&mut self, _: usize, steps: usize) {
        self.start(steps, "steps");
    }

    fn step(&mut self, _: &StepProgress) -> ControlFlow<()> {
        self.advance();
        ControlFlow::Continue(())
    }

    fn epoch(&mut self, progress: &EpochProgress<'_, S>) -> ControlFlow<()> {
        self.note(format!(", loss {:.4}", progress.epoch.loss));
        ControlFlow::Continue(())
    }

    fn finished(&mut self) {
        self.end();
    }
}

#[cfg(all(test, feature = "progress"))]
mod tests {
    use crate::{Activation, Criterion, Mlp, Sgd, digits};
    use loss_landscape::ProgressBar;

    #[test]
    fn a_progress_bar_counts_steps() {
        let (train, _) = digits::<f32>().unwrap();
        let mut net = Mlp::new(&[64, 4, 10], Activation::Relu, Criterion::CrossEntropy, 0).unwrap();
        let mut bar = ProgressBar::new("training");
        let sgd = Sgd::new(0.1).epochs(2);
        let report = sgd.train_observed(&mut net, &train, &mut bar).unwrap();
        let note = format!(", loss {:.4}", report.epochs[1].loss);
        assert_eq!(bar.position(), (report.steps as u64, note));
    }
}
