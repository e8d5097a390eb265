//! What a training says of itself: how it ended, its epochs, and θ on its way.

/// How a training ended.
///
/// ```
/// use loss_landscape_nets::{Activation, Criterion, Mlp, Sgd, TrainingEnd, digits};
///
/// let (train, _) = digits::<f32>()?;
/// let mut net = Mlp::new(&[64, 16, 10], Activation::Relu, Criterion::CrossEntropy, 0)?;
/// let report = Sgd::new(1e30).epochs(3).train(&mut net, &train)?;
/// assert!(matches!(report.end, TrainingEnd::Diverged { epoch: 0, .. }));
/// # Ok::<(), loss_landscape_nets::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum TrainingEnd {
    /// All epochs were done.
    Complete,
    /// The observer stopped it.
    Stopped,
    /// A mini-batch's loss or θ after its step was NaN or infinite; the network has θ from before
    /// that step, running statistics included.
    Diverged {
        /// The epoch, from 0.
        epoch: usize,
        /// The step in it, from 0.
        step: usize,
        /// The mean loss of the mini-batch before that step; finite if only the step went wrong.
        loss: f64,
    },
}

/// One epoch of a training.
///
/// ```
/// use loss_landscape_nets::{Activation, Criterion, Mlp, Sgd, digits};
///
/// let (train, _) = digits::<f32>()?;
/// let mut net = Mlp::new(&[64, 16, 10], Activation::Relu, Criterion::CrossEntropy, 0)?;
/// let sgd = Sgd::new(0.1).learning_rate_steps(&[(2, 0.1)]).epochs(3);
/// let epochs = sgd.train(&mut net, &train)?.epochs;
/// assert!(epochs[2].loss < epochs[0].loss && epochs[2].accuracy > epochs[0].accuracy);
/// assert!(epochs[1].learning_rate == 0.1 && epochs[2].learning_rate < 0.011);
/// # Ok::<(), loss_landscape_nets::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Epoch {
    /// The mean over samples of the loss that each mini-batch had before its step, weight decay not
    /// counted.
    pub loss: f64,
    /// The fraction, 0 to 1, of samples that were classified right before their mini-batch's step, if
    /// they have labels.
    pub accuracy: Option<f64>,
    /// The learning rate of its steps.
    pub learning_rate: f64,
}

/// θ at one moment of a training: a point of its trajectory.
///
/// ```
/// use loss_landscape_nets::{Activation, Criterion, Mlp, Sgd, digits};
///
/// let (train, _) = digits::<f32>()?;
/// let mut net = Mlp::new(&[64, 16, 10], Activation::Relu, Criterion::CrossEntropy, 0)?;
/// let report = Sgd::new(0.1).epochs(3).snapshots(2).train(&mut net, &train)?;
/// let epochs: Vec<usize> = report.snapshots.iter().map(|snapshot| snapshot.epoch).collect();
/// assert_eq!(epochs, [0, 2, 3]);
/// # Ok::<(), loss_landscape_nets::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Snapshot<S> {
    /// Epochs finished by then; 0 is the start.
    pub epoch: usize,
    /// Steps taken by then. The end of a training that diverged or was stopped inside an epoch has
    /// more of them than its epochs.
    pub steps: usize,
    /// θ, buffers included.
    pub theta: Vec<S>,
}

/// What a training did.
///
/// ```
/// use loss_landscape_nets::{Activation, Criterion, Mlp, Sgd, TrainingEnd, digits};
///
/// let (train, _) = digits::<f32>()?;
/// let mut net = Mlp::new(&[64, 16, 10], Activation::Relu, Criterion::CrossEntropy, 0)?;
/// let report = Sgd::new(0.1).batch_size(100).epochs(3).train(&mut net, &train)?;
/// assert_eq!(report.end, TrainingEnd::Complete);
/// assert_eq!(report.steps, 3 * train.len().div_ceil(100));
/// assert!(report.epochs[2].accuracy > report.epochs[0].accuracy);
/// # Ok::<(), loss_landscape_nets::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct TrainingReport<S> {
    /// How it ended.
    pub end: TrainingEnd,
    /// The epochs that were finished.
    pub epochs: Vec<Epoch>,
    /// Steps taken.
    pub steps: usize,
    /// θ at the start, after every few epochs, and at the end; empty unless asked for
    /// ([`Training::snapshots`](crate::Training::snapshots)).
    pub snapshots: Vec<Snapshot<S>>,
}
