//! Watching a sweep, and stopping it.

use std::ops::ControlFlow;

/// One finished point, as an [`Observer`] sees it.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Progress<'a> {
    /// Points finished so far, this one and those of the journal included.
    pub done: usize,
    /// Points of the whole sweep; of a shard, its own; of an adaptive one, its budget.
    pub total: usize,
    /// The indices (i, j) of this point; j is 0 on a line.
    pub index: [usize; 2],
    /// Its coordinates (α, β); β is 0 on a line.
    pub coordinates: [f64; 2],
    /// The values of its channels, in the order of the result's channels; NaN where it failed.
    pub values: &'a [f64],
}

/// Watches a sweep: progress bars, logs, early stopping.
///
/// Threads call it as points finish, in no fixed order, so it must be quick and takes `&self`.
/// An observer that panics ends the sweep, and the panic goes on to the caller.
/// Closures from [`Progress`] to [`ControlFlow`] are observers. To stop as soon as a loss is low
/// enough:
///
/// ```
/// use std::{ops::ControlFlow, sync::atomic::{AtomicUsize, Ordering}};
/// use loss_landscape::{FnModel, Layout, Observer, Progress, RandomDirections, Sweep, report::SweepEnd};
///
/// struct StopBelow {
///     target: f64,
///     seen: AtomicUsize,
/// }
///
/// impl Observer for StopBelow {
///     fn point(&self, progress: &Progress<'_>) -> ControlFlow<()> {
///         self.seen.fetch_add(1, Ordering::Relaxed);
///         if progress.values[0] <= self.target { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
///     }
/// }
///
/// let bowl = |theta: &[f64], _: &()| theta.iter().map(|t| t * t).sum::<f64>();
/// let model = FnModel::new(Layout::flat(3)?, vec![1.0; 3], bowl)?;
/// let observer = StopBelow { target: 3.0, seen: AtomicUsize::new(0) };
/// let surface = Sweep::plane(&model, RandomDirections::new(5).pair(&model)?)
///     .data("", &())
///     .observer(&observer)
///     .run()?;
/// assert_eq!(surface.report().end, SweepEnd::Cancelled);
/// assert_eq!(surface.report().computed, observer.seen.into_inner());
/// # Ok::<(), loss_landscape::Error>(())
/// ```
pub trait Observer: Sync {
    /// The sweep starts; it has `total` points (those of its shard, if it is one of several).
    fn started(&self, total: usize) {
        let _ = total;
    }

    /// The sweep goes on with a journal, and `done` of its points are finished; called after
    /// [`started`](Self::started), of an adaptive sweep after each stage that asks for points of the journal.
    fn resumed(&self, done: usize) {
        let _ = done;
    }

    /// A point is finished. [`ControlFlow::Break`] cancels the sweep: points in flight are
    /// finished, no others begun, and what was computed is returned.
    fn point(&self, progress: &Progress<'_>) -> ControlFlow<()>;

    /// The sweep has ended, however it ended.
    fn finished(&self) {}
}

impl<F: Fn(&Progress<'_>) -> ControlFlow<()> + Sync> Observer for F {
    fn point(&self, progress: &Progress<'_>) -> ControlFlow<()> {
        self(progress)
    }
}
