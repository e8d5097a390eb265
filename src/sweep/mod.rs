//! Sweeps: where to go, what is measured there, and how.

mod adaptive;
mod cost;
mod geometry;
mod losses;
mod shortcuts;

use std::{ops::RangeInclusive, path::PathBuf};

pub use adaptive::{Adaptive, AdaptiveEnd, AdaptiveSurface, ErrorScale, HeldOut, RefinementStage};
pub use cost::SweepCost;
pub(crate) use geometry::Placed;
pub use geometry::{Geometry, Line, Plane, Segment};
pub use shortcuts::{grid_2d, interpolate, line_1d};

use crate::{
    AllThreads, Buffers, Execution, GridDimension, Here, Landscape, Loss, Model, Observer, OracleError,
    PerThread, Result,
    engine::{
        axis::Axis,
        execution::{Measurement, Subject},
        journal::Keeper,
        run::{Task, channel_names, run},
        settings::{DataSets, Grid, Settings, check_data},
        stages::Stages,
    },
    landscape::{OnBadPoint, Parts},
    model::guarded,
};
use losses::Losses;

/// A sweep: a line or plane through a model's parameters, the data it is measured on, and how it runs.
///
/// **Where** it goes is said first: [`line`](Self::line), [`segment`](Self::segment) or [`plane`](Self::plane).
/// **What** is measured, and at which points, is said last, and starts it: [`run`](Self::run) evaluates the loss at
/// every point,
/// [`adaptive`](Self::adaptive) at some points of a plane and interpolates the others,
/// [`eigen_ratio`](Self::eigen_ratio) maps |λ_min/λ_max| of the Hessian. **How** is said in between, once for all of
/// them: [data](Self::data), [axes](Self::alpha), [threads](Self::threads), [journal](Self::journal),
/// [shard](Self::shard), [observer](Self::observer), [bad points](Self::on_bad_point), [memory](Self::memory_limit).
///
/// A point costs one evaluation of every data set, less what the oracle [prepares](crate::Loss::prepare) once, and a
/// pass over θ and its directions. [`cost`](Self::cost) says how long it will take.
///
/// ```
/// use loss_landscape::{FnModel, Layout, RandomDirections, Sweep};
///
/// let loss = |theta: &[f32], _: &()| theta.iter().map(|t| t * t).sum::<f32>();
/// let model = FnModel::new(Layout::flat(4)?, vec![1.0_f32; 4], loss)?;
/// let surface = Sweep::plane(&model, RandomDirections::new(1))
///     .data("train", &())
///     .alpha(-1.0..=1.0, 21)
///     .beta(0.0..=0.5, 6)
///     .threads(2)
///     .run()?;
/// assert_eq!(surface.shape(), [21, 6]);
/// assert_eq!(surface.channel("train loss")?[[10, 0]], 4.0);
/// # Ok::<(), loss_landscape::Error>(())
/// ```
///
/// The result has the same bits for any number of threads.
///
/// # Models that threads cannot share
///
/// Threads share the model and the data, which must be [`Sync`] for that. Of others the sweep runs
/// [`here`](Self::here), on the calling thread, or with an instance [`per_thread`](Self::per_thread):
///
/// ```
/// use std::{cell::RefCell, rc::Rc};
/// use loss_landscape::{FnModel, Layout, RandomDirections, Sweep};
///
/// let calls = Rc::new(RefCell::new(0)); // cannot go to other threads
/// let loss = |theta: &[f64], _: &()| {
///     *calls.borrow_mut() += 1;
///     theta.iter().map(|t| t * t).sum::<f64>()
/// };
/// let model = FnModel::new(Layout::flat(3)?, vec![1.0; 3], loss)?;
/// let curve = Sweep::line(&model, RandomDirections::new(1)).data("", &()).here().run()?;
/// assert_eq!((curve.report().threads, *calls.borrow()), (1, 51));
/// # Ok::<(), loss_landscape::Error>(())
/// ```
///
/// Without `here` the compiler names what cannot be shared:
///
/// ```compile_fail,E0277
/// use std::{cell::RefCell, rc::Rc};
/// use loss_landscape::{FnModel, Layout, RandomDirections, Sweep};
///
/// let calls = Rc::new(RefCell::new(0));
/// let model = FnModel::new(Layout::flat(1)?, vec![1.0], |_: &[f64], _: &()| f64::from(*calls.borrow()))?;
/// Sweep::line(&model, RandomDirections::new(1)).data("", &()).run()?;
/// // error[E0277]: `Rc<RefCell<i32>>` cannot be shared between threads safely …
/// //    … required for `AllThreads` to implement `Execution<…>`
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Debug)]
#[must_use = "a sweep does nothing until it is run"]
pub struct Sweep<'a, M: ?Sized, D: ?Sized, W, X = AllThreads> {
    model: &'a M,
    geometry: W,
    data: DataSets<'a, D>,
    alpha: Option<Axis>,
    beta: Option<Axis>,
    settings: Settings<'a>,
    execution: X,
}

/// What is measured at the points of a sweep, and in which order they come.
pub(crate) struct Plan<'p> {
    /// What else than a loss, and how; for the journal.
    pub(crate) settings: String,
    /// What data sets keep of a point beside its values.
    pub(crate) keeper: Option<&'p dyn Keeper>,
    /// The channels of one data set, and how many of them, the first ones, must be finite for a point to be good.
    pub(crate) channels: Vec<String>,
    pub(crate) finite: usize,
    pub(crate) stages: Stages<'p>,
}

/// Points along an axis of a sweep of losses unless the caller says otherwise; 101 of a segment.
pub(crate) const LOSS_POINTS: usize = 51;

impl<'a, M: Model + ?Sized, D: ?Sized> Sweep<'a, M, D, Line<M::Scalar>> {
    /// A sweep along θ + α·d, θ the model's parameters; d is a [`Direction`](crate::Direction), or drawn by
    /// [`RandomDirections`](crate::RandomDirections). 51 values of α from −1 to 1 by default.
    ///
    /// ```
    /// use loss_landscape::{FnModel, Layout, RandomDirections, Sweep};
    ///
    /// let loss = |theta: &[f64], scale: &f64| scale * theta.iter().map(|t| t * t).sum::<f64>();
    /// let model = FnModel::new(Layout::flat(4)?, vec![1.0; 4], loss)?;
    /// let curve = Sweep::line(&model, RandomDirections::new(1))
    ///     .data("train", &1.0)
    ///     .data("test", &2.0)
    ///     .alpha(-1.0..=1.0, 5)
    ///     .run()?;
    /// assert_eq!(curve.alpha(), [-1.0, -0.5, 0.0, 0.5, 1.0]);
    /// assert_eq!(curve.channel("test loss")?[2], 8.0);
    /// # Ok::<(), loss_landscape::Error>(())
    /// ```
    pub fn line(model: &'a M, direction: impl Into<Line<M::Scalar>>) -> Self {
        Self::over(model, direction.into())
    }
}

impl<'a, M: Model + ?Sized, D: ?Sized> Sweep<'a, M, D, Segment<'a, M::Scalar>> {
    /// A sweep between two minimisers: (1−α)·θ_a + α·θ_b, exactly θ_a at 0 and θ_b at 1. 101 values of α from −0.5 to
    /// 1.5 by default, 0 and 1 among them (the paper draws 401).
    ///
    /// This is the paper's section 3, after Goodfellow et al. 2015.
    ///
    /// ```
    /// use loss_landscape::{FnModel, Layout, Sweep};
    ///
    /// let loss = |theta: &[f64], _: &()| theta.iter().map(|t| (t * t - 1.0).powi(2)).sum::<f64>();
    /// let model = FnModel::new(Layout::flat(2)?, vec![0.0; 2], loss)?;
    /// let curve = Sweep::segment(&model, &[-1.0, 1.0], &[1.0, 1.0]).data("", &()).alpha(0.0..=1.0, 3).run()?;
    /// assert_eq!(curve.loss().to_vec(), [0.0, 1.0, 0.0]);
    /// # Ok::<(), loss_landscape::Error>(())
    /// ```
    pub fn segment(model: &'a M, a: &'a [M::Scalar], b: &'a [M::Scalar]) -> Self {
        Self::over(model, Segment { a, b, buffers: Buffers::Still })
    }
}

impl<'a, M: Model + ?Sized, D: ?Sized> Sweep<'a, M, D, Plane<M::Scalar>> {
    /// A sweep over the plane θ + α·d₁ + β·d₂, θ the model's parameters; the directions are
    /// [`Directions`](crate::Directions), or drawn by [`RandomDirections`](crate::RandomDirections). 51 values of α and
    /// of β from −1 to 1 by default, 25 of a map of eigenvalue ratios.
    pub fn plane(model: &'a M, directions: impl Into<Plane<M::Scalar>>) -> Self {
        Self::over(model, directions.into())
    }
}

impl<'a, M: Model + ?Sized, D: ?Sized, W> Sweep<'a, M, D, W> {
    fn over(model: &'a M, geometry: W) -> Self {
        let (data, settings) = (Vec::new(), Settings::default());
        Self { model, geometry, data, alpha: None, beta: None, settings, execution: AllThreads }
    }

    /// Runs on the calling thread alone, so that neither model nor data need be [`Sync`].
    pub fn here(self) -> Sweep<'a, M, D, W, Here> {
        self.executed_by(Here)
    }

    /// Runs on several threads, each with a model of its own that `factory` makes on that thread, once, before the
    /// first point. So the model need not be [`Sync`]; the data must be, or be part of the model (with `()` for
    /// data).
    ///
    /// The layouts must be those of the model that the sweep was made with, which gives θ, the names of channels and
    /// fingerprints. Threads evaluate with [`Loss::worker`]; [`Loss::prepare`] is not called, since there is nothing
    /// to share.
    ///
    /// ```
    /// use std::{cell::RefCell, rc::Rc};
    /// use loss_landscape::{Layout, Loss, Model, OracleError, RandomDirections, Sweep};
    ///
    /// struct Net {
    ///     layout: Layout,
    ///     theta: Vec<f64>,
    ///     scratch: Rc<RefCell<Vec<f64>>>, // no other thread may see it
    /// }
    ///
    /// impl Net {
    ///     fn load() -> Result<Self, OracleError> {
    ///         Ok(Self { layout: Layout::flat(3)?, theta: vec![1.0; 3], scratch: Rc::default() })
    ///     }
    /// }
    ///
    /// impl Model for Net {
    ///     type Scalar = f64;
    ///     fn layout(&self) -> &Layout {
    ///         &self.layout
    ///     }
    ///     fn parameters(&self) -> &[f64] {
    ///         &self.theta
    ///     }
    /// }
    ///
    /// impl Loss<()> for Net {
    ///     fn loss(&self, theta: &[f64], _: &()) -> Result<f64, OracleError> {
    ///         let mut scratch = self.scratch.borrow_mut();
    ///         scratch.clear();
    ///         scratch.extend(theta.iter().map(|t| t * t));
    ///         Ok(scratch.iter().sum())
    ///     }
    /// }
    ///
    /// let net = Net::load()?;
    /// let surface = Sweep::plane(&net, RandomDirections::new(1)).data("", &()).per_thread(Net::load).threads(2).run()?;
    /// assert_eq!(surface.report().threads, 2);
    /// # Ok::<(), loss_landscape::Error>(())
    /// ```
    ///
    /// The call that starts the sweep fails with [`Error::Oracle`](crate::Error::Oracle) if the factory fails, and
    /// with [`Error::LayoutMismatch`](crate::Error::LayoutMismatch) for a model of another layout.
    pub fn per_thread<F>(self, factory: F) -> Sweep<'a, M, D, W, PerThread<F>>
    where
        M: Sized,
        F: Fn() -> Result<M, OracleError> + Sync,
    {
        self.executed_by(PerThread { factory })
    }

    fn executed_by<X>(self, execution: X) -> Sweep<'a, M, D, W, X> {
        let Self { model, geometry, data, alpha, beta, settings, .. } = self;
        Sweep { model, geometry, data, alpha, beta, settings, execution }
    }
}

impl<'a, M: ?Sized, D: ?Sized, W, X> Sweep<'a, M, D, W, X> {
    /// Adds a data set. Its name stands before its channels (`"train loss"`) and in the provenance; an empty name
    /// leaves the channels as the oracle names them. A sweep needs at least one; `&()` will do for oracles without
    /// data.
    pub fn data(mut self, name: impl Into<String>, data: &'a D) -> Self {
        self.data.push((name.into(), data));
        self
    }

    /// Equally spaced values of α, both ends included.
    pub fn alpha(mut self, range: RangeInclusive<f64>, points: usize) -> Self {
        self.alpha = Some(Axis::range(range, points));
        self
    }

    /// These values of α, strictly increasing.
    pub fn alpha_at(mut self, values: &[f64]) -> Self {
        self.alpha = Some(Axis::Values(values.to_vec()));
        self
    }

    /// Runs on a pool of this many threads of its own; by default on rayon's current pool, all of whose threads must
    /// then get free before the sweep returns. Of more than 16 no more are made than there are points or processors,
    /// and never more than 1,024 ([`SweepReport::threads`](crate::report::SweepReport::threads) says how many there
    /// were). The result has the same bits for any number.
    pub fn threads(mut self, threads: usize) -> Self {
        self.settings.threads = Some(threads);
        self
    }

    /// Tells an observer of every finished point; it may cancel the sweep.
    pub fn observer(mut self, observer: &'a dyn Observer) -> Self {
        self.settings.observer = Some(observer);
        self
    }

    /// What to do when a point fails or is not finite; to record it and go on by default.
    pub fn on_bad_point(mut self, on_bad: OnBadPoint) -> Self {
        self.settings.on_bad = on_bad;
        self
    }

    /// Writes every point to a file as it finishes, so that the sweep survives its process: the same call, made
    /// again, evaluates only what is missing and gives the same bits as a sweep that was never disturbed. A file that
    /// does not exist is begun.
    ///
    /// The journal holds the axes, the crate's version, hashes of θ, of the layout, the directions and the data, and
    /// a checksum for each point; [`Journal`](crate::Journal) reads it. A journal of another sweep is refused.
    /// [`SweepReport::resumed`](crate::report::SweepReport::resumed) says what was found in it.
    ///
    /// **Data are checked only where the oracle has a [`fingerprint`](crate::Loss::fingerprint)** of them, as
    /// networks of `loss-landscape-nets` have; a closure gets one by
    /// [`FnModel::fingerprint_by`](crate::FnModel::fingerprint_by). Without one, a sweep over changed data goes on
    /// with the points of the old ones, and the report lists the data sets in
    /// [`unchecked_data`](crate::report::Resumed::unchecked_data).
    ///
    /// Points at which the oracle failed are kept as such, since a sweep never disturbed would have them too;
    /// [`Journal::without_failures`](crate::Journal::without_failures) is for those who want them tried again. The
    /// bits are those of one machine: on another the last digits of the oracle may differ.
    ///
    /// The call that starts the sweep then also fails with [`Error::JournalMismatch`](crate::Error::JournalMismatch)
    /// for a journal of another sweep, [`Error::NotAJournal`](crate::Error::NotAJournal),
    /// [`Error::JournalInUse`](crate::Error::JournalInUse) if another process writes it, and
    /// [`Error::JournalWrite`](crate::Error::JournalWrite) when the disk is full: what is in the journal by then stays
    /// there.
    pub fn journal(mut self, path: impl Into<PathBuf>) -> Self {
        self.settings.journal = Some(path.into());
        self
    }

    /// Evaluates only points k, k + n, k + 2n, ... of the sweep (counted row by row from 0), with k from 0 to n − 1,
    /// and leaves the others to other processes. Their [journals](Self::journal) make the whole:
    /// [`Journal::read`](crate::Journal::read). The result alone has NaN where others compute and ends as
    /// [`SweepEnd::Partial`](crate::report::SweepEnd::Partial). A map of eigenvalue ratios starts all points of a shard
    /// cold; an adaptive sweep has no shards, since every stage needs all points before it.
    ///
    /// The call that starts the sweep fails with [`Error::Shard`](crate::Error::Shard) unless k < n.
    pub fn shard(mut self, k: usize, n: usize) -> Self {
        // One of one is the whole.
        self.settings.shard = ((k, n) != (0, 1)).then_some((k, n));
        self
    }

    /// The most bytes that coordinates and values may take; 4 GiB by default. The scratch memory of the oracle is its
    /// own.
    pub fn memory_limit(mut self, bytes: u64) -> Self {
        self.settings.memory_limit = bytes;
        self
    }
}

impl<M: Model + ?Sized, D: ?Sized, X> Sweep<'_, M, D, Plane<M::Scalar>, X> {
    /// Equally spaced values of β, both ends included.
    pub fn beta(mut self, range: RangeInclusive<f64>, points: usize) -> Self {
        self.beta = Some(Axis::range(range, points));
        self
    }

    /// These values of β, strictly increasing.
    pub fn beta_at(mut self, values: &[f64]) -> Self {
        self.beta = Some(Axis::Values(values.to_vec()));
        self
    }
}

impl<M: Model + ?Sized, D: ?Sized, X> Sweep<'_, M, D, Segment<'_, M::Scalar>, X> {
    /// Whether buffers are interpolated too; by default they stay as in θ_a.
    pub fn buffers(mut self, buffers: Buffers) -> Self {
        self.geometry.buffers = buffers;
        self
    }
}

impl<M: Model + ?Sized, D: ?Sized, W: Geometry<M>, X> Sweep<'_, M, D, W, X> {
    /// Evaluates the loss, and what else the oracle [measures](Loss::channels), at every point.
    ///
    /// # Errors
    /// [`Error::LayoutMismatch`](crate::Error::LayoutMismatch) for directions of another layout,
    /// [`Error::ZeroDirection`](crate::Error::ZeroDirection) for one that moves nothing;
    /// [`Error::Length`](crate::Error::Length) or [`Error::NonFinite`](crate::Error::NonFinite) for parameters that do
    /// not fit the model or are not finite; [`Error::Range`](crate::Error::Range),
    /// [`Error::Resolution`](crate::Error::Resolution) or [`Error::Coordinates`](crate::Error::Coordinates) for an axis;
    /// [`Error::NoData`](crate::Error::NoData), [`Error::DuplicateData`](crate::Error::DuplicateData),
    /// [`Error::Channels`](crate::Error::Channels); [`Error::GridTooLarge`](crate::Error::GridTooLarge),
    /// [`Error::OutOfMemory`](crate::Error::OutOfMemory); [`Error::ZeroThreads`](crate::Error::ZeroThreads),
    /// [`Error::ThreadPool`](crate::Error::ThreadPool); [`Error::Oracle`](crate::Error::Oracle) or
    /// [`Error::OraclePanicked`](crate::Error::OraclePanicked) if preparing fails; and those of a
    /// [journal](Self::journal) and a [shard](Self::shard). A point that fails is no error: see
    /// [`SweepReport::bad_points`](crate::report::SweepReport::bad_points).
    pub fn run(self) -> Result<Landscape<W::Dim>>
    where
        M: Loss<D>,
        X: Execution<M, D>,
    {
        let channels = guarded("naming its channels", || Ok(self.model.channels()))?;
        let grid = self.grid(LOSS_POINTS, channels.len())?;
        let placed = self.geometry.place(self.model)?;
        let plan = Plan {
            settings: String::new(),
            keeper: None,
            finite: channels.len(),
            channels,
            stages: Stages::All,
        };
        self.evaluate(&placed, &Losses, grid, plan).map(Landscape::assemble)
    }

    /// Checks data sets, axes and memory for `channels` channels a data set, and lays the grid out; with `points`
    /// points along an axis unless the caller says otherwise.
    pub(crate) fn grid(&self, points: usize, channels: usize) -> Result<Grid> {
        check_data(&self.data)?;
        let [alpha, beta] = self.axes(points);
        let beta = (W::Dim::AXES == 2).then_some(&beta);
        self.settings.grid(&alpha, beta, self.data.len() * channels)
    }

    /// The axes of α and β, the second of which only planes have.
    pub(crate) fn axes(&self, points: usize) -> [Axis; 2] {
        [&self.alpha, &self.beta].map(|axis| axis.clone().unwrap_or_else(|| W::default_axis(points)))
    }

    /// Evaluates the points of a grid.
    pub(crate) fn evaluate(
        &self,
        placed: &Placed<'_, M::Scalar>,
        measurement: &impl Measurement<M, D>,
        grid: Grid,
        plan: Plan<'_>,
    ) -> Result<Parts>
    where
        M: Loss<D>,
        X: Execution<M, D>,
    {
        let slice = placed.slice()?;
        let subject = Subject { model: self.model, data: &self.data, slice: &slice };
        let Plan { settings, keeper, channels, finite, stages } = plan;
        let task = Task { origin: placed.origin.clone(), grid, settings, keeper, channels, finite, stages };
        run(&subject, measurement, &self.execution, &self.settings, task)
    }

    pub(crate) fn model(&self) -> &M {
        self.model
    }

    pub(crate) fn geometry(&self) -> &W {
        &self.geometry
    }

    pub(crate) fn data_sets(&self) -> &[(String, &D)] {
        &self.data
    }

    pub(crate) fn settings(&self) -> &Settings<'_> {
        &self.settings
    }

    /// The names of all channels in a result.
    pub(crate) fn channel_names(&self, channels: &[String]) -> Vec<String> {
        channel_names(&self.data, channels)
    }
}
