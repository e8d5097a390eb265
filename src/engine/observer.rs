//! Watching a sweep, and stopping it.

use std::ops::ControlFlow;

/// One finished point, as an [`Observer`] sees it.
///
/// Closures are observers, so that a log takes a few lines:
///
/// ```
/// use std::{ops::ControlFlow, sync::Mutex};
/// use loss_landscape::{FnModel, Layout, Progress, RandomDirections, Sweep};
///
/// let lines = Mutex::new(Vec::new());
/// let log = |progress: &Progress<'_>| {
///     let Progress { done, total, coordinates: [alpha, _], values, .. } = progress;
///     if done % 10 == 0 || done == total {
///         lines.lock().unwrap().push(format!("{done}/{total}: loss {:.3} at α = {alpha:.2}", values[0]));
///     }
///     ControlFlow::Continue(())
/// };
/// let model = FnModel::new(Layout::flat(2)?, vec![1.0, 2.0], |t: &[f64], _: &()| t[0] * t[1])?;
/// Sweep::line(&model, RandomDirections::new(1)).data("", &()).observer(&log).run()?;
/// assert_eq!(lines.into_inner().unwrap().len(), 6); // 10, 20, …, 50, 51
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Progress<'a> {
    /// Points finished so far, including this one and those of the journal.
    pub done: usize,
    /// Points of the whole sweep; for a shard, its own points; for an adaptive sweep, its budget.
    pub total: usize,
    /// Whether the point was computed before: a map computes some points again, and `done` counts them once.
    pub again: bool,
    /// The draw that this point is of, counted from 0; 0 unless the sweep has [draws](crate::Sweep::draws).
    pub draw: usize,
    /// The indices (i, j) of this point; j is 0 on a line.
    pub index: [usize; 2],
    /// Its coordinates (α, β); β is 0 on a line.
    pub coordinates: [f64; 2],
    /// The values of its channels, in the order of the result's channels; NaN where it failed.
    pub values: &'a [f64],
}

/// Watches a sweep: progress bars, logs, early stopping.
///
/// Threads call it as points finish, in no fixed order, so it should be quick, and takes `&self`. If an observer
/// panics, the sweep ends and the panic continues in the caller. Closures from [`Progress`] to [`ControlFlow`] are
/// observers, as its example shows. A struct can also count, or stop the sweep as soon as a loss is low enough:
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

    /// The sweep goes on with a journal, and `done` of its points are finished. Called after
    /// [`started`](Self::started); in an adaptive sweep, at each stage that asks for points of the journal.
    fn resumed(&self, done: usize) {
        let _ = done;
    }

    /// A point is finished. [`ControlFlow::Break`] cancels the sweep: points in flight are
    /// finished, no others begun, and what was computed is returned.
    fn point(&self, progress: &Progress<'_>) -> ControlFlow<()>;

    /// The oracle [interrupts](crate::Error::Interrupted) the sweep: the point with these indices and coordinates, on
    /// the data set of this name, is left for the next run.
    fn interrupted(&self, index: [usize; 2], coordinates: [f64; 2], data: &str) {
        let _ = (index, coordinates, data);
    }

    /// Another process of the sweep's [executor](crate::Sweep::executor) is gone, or was given up: its points go to the
    /// others. The reason is in words. Called in process 0, once for each.
    fn lost(&self, process: usize, reason: &str) {
        let _ = (process, reason);
    }

    /// The sweep has ended, for whatever reason.
    fn finished(&self) {}
}

impl<F: Fn(&Progress<'_>) -> ControlFlow<()> + Sync> Observer for F {
    fn point(&self, progress: &Progress<'_>) -> ControlFlow<()> {
        self(progress)
    }
}
