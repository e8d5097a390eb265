//! Sweeps: where they go, what they measure there, and how they run.

mod adaptive;
mod cost;
mod draws;
mod geometry;
mod losses;
mod sampled;
mod shortcuts;

use std::{ops::RangeInclusive, path::PathBuf};

pub use adaptive::{Adaptive, AdaptiveEnd, AdaptiveSurface, ErrorScale, HeldOut, RefinementStage};
pub use cost::SweepCost;
pub use geometry::{Geometry, Line, Plane, RandomGeometry, Segment};
pub(crate) use geometry::{Placed, sealed};
pub use sampled::{Sampled, SampledLandscape, SampledReport, SampledSet};
pub use shortcuts::{grid_2d, interpolate, line_1d};

use crate::{
    AllThreads, Buffers, Execution, Executor, GridDimension, Here, Landscape, Loss, Model, Observer,
    OracleError, PerThread, Result,
    engine::{
        axis::Axis,
        execution::{Measurement, Subject},
        journal::Keeper,
        run::{Origin, Ran, Slices, Task, channel_names, run},
        settings::{DataSets, Grid, Settings, check_data},
        stages::Stages,
    },
    landscape::{OnBadPoint, Parts},
    model::guarded,
};
use losses::Losses;

/// A sweep: a line or plane through a model's parameters, the data it is measured on, and how it runs.
///
/// The first call says **where** it goes: [`line`](Self::line), [`segment`](Self::segment), [`along`](Self::along) a
/// curve, or [`plane`](Self::plane). The last one says **what** is measured, at which points, and starts the sweep: [`run`](Self::run) evaluates the loss
/// at every point, [`adaptive`](Self::adaptive) evaluates it at some points of a plane and interpolates the others,
/// [`sampled`](Self::sampled) estimates it at every point from some of the samples,
/// [`eigen_ratio`](Self::eigen_ratio) maps |λ_min/λ_max| of the Hessian. The calls in between say **how** it runs, in
/// the same way for all of them: [data](Self::data), [axes](Self::alpha), [threads](Self::threads),
/// [journal](Self::journal), [shard](Self::shard), [other processes](Self::executor), [observer](Self::observer),
/// [bad points](Self::on_bad_point), [memory](Self::memory_limit).
///
/// A point costs one evaluation of every data set, except for what the oracle [prepares](crate::Loss::prepare) once,
/// and a pass over θ and its directions. [`cost`](Self::cost) estimates how long it will take.
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
/// Threads share the model and the data, which must be [`Sync`] for that. A sweep over others runs
/// [`here`](Self::here), on the calling thread, or with one instance [`per_thread`](Self::per_thread):
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

/// What is measured at the points of a sweep, and in which order.
pub(crate) struct Plan<'p> {
    /// What is measured if it is not a loss, and how; for the journal.
    pub(crate) settings: String,
    /// What is kept of a point for each data set, in addition to its values.
    pub(crate) keeper: Option<&'p dyn Keeper>,
    /// The channels of one data set, and how many of them, counted from the first, must be finite for a point to be
    /// good.
    pub(crate) channels: Vec<String>,
    pub(crate) finite: usize,
    /// How often a point may be computed: 1, or 2 where the stages ask for some again.
    pub(crate) passes: usize,
    pub(crate) stages: Stages<'p>,
}

/// The default number of points along an axis of a sweep of losses; a segment has 101.
pub(crate) const LOSS_POINTS: usize = 51;

impl<'a, M: Model + ?Sized, D: ?Sized> Sweep<'a, M, D, Line<M::Scalar>> {
    /// A sweep along θ + α·d, where θ are the model's parameters and d is a [`Direction`](crate::Direction), or drawn
    /// by [`RandomDirections`](crate::RandomDirections). By default it has 51 values of α from −1 to 1.
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
    /// A sweep between two minimisers: (1−α)·θ_a + α·θ_b, exactly θ_a at α = 0 and θ_b at α = 1. By default it has 101
    /// values of α from −0.5 to 1.5, 0 and 1 among them (the paper draws 401).
    ///
    /// This is the paper's section 3, after Goodfellow et al. 2015. Ends may be equal, as those of a network and its
    /// [matched](crate::matching) permuted copy: the loss is then the same everywhere but for rounding.
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
    /// A sweep over the plane θ + α·d₁ + β·d₂, where θ are the model's parameters and the directions are
    /// [`Directions`](crate::Directions), or drawn by [`RandomDirections`](crate::RandomDirections). By default it has
    /// 51 values of α and of β from −1 to 1, and a map of eigenvalue ratios 25.
    ///
    /// ```
    /// use loss_landscape::{Directions, FnModel, Layout, RandomDirections, Sweep};
    ///
    /// let loss = |theta: &[f64], _: &()| theta.iter().map(|t| t * t).sum::<f64>();
    /// let model = FnModel::new(Layout::flat(3)?, vec![1.0; 3], loss)?;
    /// // Directions drawn when the sweep runs, or made before, to look at them or to use them again.
    /// let drawn = Sweep::plane(&model, RandomDirections::new(7)).data("", &()).run()?;
    /// let dirs: Directions<f64> = RandomDirections::new(7).pair(&model)?;
    /// println!("cosine {:.3}", dirs.cosine());
    /// let made = Sweep::plane(&model, dirs).data("", &()).run()?;
    /// assert_eq!(drawn.loss(), made.loss());
    /// # Ok::<(), loss_landscape::Error>(())
    /// ```
    pub fn plane(model: &'a M, directions: impl Into<Plane<M::Scalar>>) -> Self {
        Self::over(model, directions.into())
    }
}

impl<'a, M: Model + ?Sized, D: ?Sized, W> Sweep<'a, M, D, W> {
    pub(crate) fn over(model: &'a M, geometry: W) -> Self {
        let (data, settings) = (Vec::new(), Settings::default());
        Self { model, geometry, data, alpha: None, beta: None, settings, execution: AllThreads }
    }

    /// Runs on the calling thread alone, so that neither the model nor the data need be [`Sync`]. The
    /// [example above](Self#models-that-threads-cannot-share) does so.
    pub fn here(self) -> Sweep<'a, M, D, W, Here> {
        self.executed_by(Here)
    }

    /// Runs on several threads, each with a model of its own that `factory` makes on that thread, once, before the
    /// first point. So the model need not be [`Sync`]; the data must be, or be part of the model (with `()` for
    /// data).
    ///
    /// Each of these models must have the layout of the one with which the sweep was made; that one gives θ, the names
    /// of channels and the fingerprints. Threads evaluate with [`Loss::worker`]. [`Loss::prepare`] is not called, since
    /// there is nothing to share.
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
    /// let sweep = Sweep::plane(&net, RandomDirections::new(1)).data("", &());
    /// let surface = sweep.per_thread(Net::load).threads(2).run()?;
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
    /// Adds a data set. Its name is put before the names of its channels (`"train loss"`) and into the provenance; an
    /// empty name leaves the channels as the oracle names them. A sweep needs at least one data set; an oracle without
    /// data gets `&()`.
    ///
    /// ```
    /// use loss_landscape::{FnModel, Layout, RandomDirections, Sweep};
    ///
    /// let loss = |theta: &[f64], x: &[f64]| x.iter().map(|x| (x - theta[0]).powi(2)).sum::<f64>() / x.len() as f64;
    /// let model = FnModel::new(Layout::flat(1)?, vec![1.0], loss)?;
    /// let (train, test) = (vec![0.5, 1.5], vec![2.0]);
    /// let sweep = Sweep::line(&model, RandomDirections::new(1)).data("train", train.as_slice()).data("test", &test);
    /// assert_eq!(sweep.run()?.channels(), ["train loss", "test loss"]);
    /// # Ok::<(), loss_landscape::Error>(())
    /// ```
    pub fn data(mut self, name: impl Into<String>, data: &'a D) -> Self {
        self.data.push((name.into(), data));
        self
    }

    /// This number of equally spaced values of α, both ends included: 2 or more. An odd number over a range that is
    /// symmetric about 0 has 0, the model itself, among them.
    pub fn alpha(mut self, range: RangeInclusive<f64>, points: usize) -> Self {
        self.alpha = Some(Axis::range(range, points));
        self
    }

    /// These values of α, finite and strictly increasing; there may be a single one.
    ///
    /// ```
    /// use loss_landscape::{FnModel, Layout, RandomDirections, Sweep};
    ///
    /// let model = FnModel::new(Layout::flat(2)?, vec![1.0; 2], |t: &[f64], _: &()| t[0] * t[1])?;
    /// let sweep = Sweep::plane(&model, RandomDirections::new(1)).data("", &());
    /// let surface = sweep.alpha_at(&[-1.0, -0.1, 0.0, 0.1, 1.0]).beta_at(&[0.0]).run()?; // dense near θ, and one row
    /// assert_eq!(surface.shape(), [5, 1]);
    /// # Ok::<(), loss_landscape::Error>(())
    /// ```
    pub fn alpha_at(mut self, values: &[f64]) -> Self {
        self.alpha = Some(Axis::Values(values.to_vec()));
        self
    }

    /// Runs on a pool of its own with this many threads. By default a sweep runs on rayon's current pool, and returns
    /// only when all threads of that pool have become free for it.
    ///
    /// More than 16 threads are reduced to the number of points or of processors, whichever is larger, and there are
    /// never more than 1,024; [`SweepReport::threads`](crate::report::SweepReport::threads) says how many there were.
    /// The result has the same bits for any number:
    ///
    /// ```
    /// use loss_landscape::{FnModel, Layout, RandomDirections, Sweep};
    ///
    /// let model = FnModel::new(Layout::flat(2)?, vec![1.0; 2], |t: &[f64], _: &()| (t[0] * t[1]).sin())?;
    /// let run = |threads| Sweep::plane(&model, RandomDirections::new(1)).data("", &()).threads(threads).run();
    /// let (one, three) = (run(1)?, run(3)?);
    /// assert_eq!((one.report().threads, three.report().threads), (1, 3));
    /// assert_eq!(one.loss(), three.loss());
    /// # Ok::<(), loss_landscape::Error>(())
    /// ```
    pub fn threads(mut self, threads: usize) -> Self {
        self.settings.threads = Some(threads);
        self
    }

    /// Calls an observer for every finished point; it may cancel the sweep. [`Observer`] and
    /// [`Progress`](crate::Progress) have examples.
    pub fn observer(mut self, observer: &'a dyn Observer) -> Self {
        self.settings.observer = Some(observer);
        self
    }

    /// Runs the sweep together with other processes, which run the same program: process 0 deals out points and keeps
    /// the [journal](Self::journal), all compute with threads of their own, and all have the same result in the end, to
    /// the bit that of one process. [`Executor`] says how processes are connected, and has an example.
    ///
    /// All kinds of sweeps run so, with any number of processes. A process that ends or takes too long gives its points
    /// to the others. In process 0 alone the observer is called, and the report says what a journal knew before.
    ///
    /// The call that starts the sweep fails with [`Error::OtherSweep`](crate::Error::OtherSweep) where processes
    /// have different parameters, directions, data (by their [fingerprints](crate::Loss::fingerprint)), settings, versions
    /// of this crate or kinds of machine; with [`Error::EndedByProcess0`](crate::Error::EndedByProcess0) in the others
    /// if process 0 fails, and with [`Error::Executor`](crate::Error::Executor) in one that no longer reaches process 0.
    pub fn executor(mut self, executor: &'a dyn Executor) -> Self {
        self.settings.executor = Some(executor);
        self
    }

    /// What to do when a point fails or is not finite: by default the sweep records it and goes on. [`OnBadPoint`] has
    /// an example of the other way.
    pub fn on_bad_point(mut self, on_bad: OnBadPoint) -> Self {
        self.settings.on_bad = on_bad;
        self
    }

    /// Writes every point to a file as it finishes, so that the sweep survives its process: the same call, made again,
    /// evaluates only the points that are missing, and gives the same bits as a sweep that was never interrupted. A
    /// file that does not exist is created.
    ///
    /// ```
    /// use std::ops::ControlFlow;
    /// use loss_landscape::{FnModel, Layout, Progress, RandomDirections, Sweep, content_hash};
    ///
    /// let loss = |theta: &[f64], x: &[f64]| x.iter().map(|x| (x - theta[0]).powi(2)).sum::<f64>();
    /// let model = FnModel::new(Layout::flat(1)?, vec![1.0], loss)?.fingerprint_by(content_hash::<f64>);
    /// let data = [0.5, 1.5];
    /// let path = std::env::temp_dir().join(format!("sweep-{}.journal", std::process::id()));
    /// let dirs = RandomDirections::new(1);
    /// let sweep = || Sweep::line(&model, dirs.clone()).data("", data.as_slice()).threads(1).journal(&path);
    ///
    /// // An observer cancels after 20 points, as a power failure might.
    /// let cancel = |p: &Progress<'_>| if p.done < 20 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) };
    /// sweep().observer(&cancel).run()?;
    /// let curve = sweep().run()?; // the other 31
    /// let resumed = curve.report().resumed.as_ref().expect("a journal that was begun");
    /// assert_eq!((resumed.points, curve.report().computed), (20, 51));
    /// assert!(resumed.unchecked_data.is_empty()); // thanks to the fingerprint
    /// # std::fs::remove_file(&path).unwrap();
    /// # Ok::<(), loss_landscape::Error>(())
    /// ```
    ///
    /// The journal holds the axes, the crate's version, hashes of θ, of the layout, the directions and the data, and
    /// a checksum for each point; [`Journal`](crate::Journal) reads it. A journal of another sweep is refused.
    /// [`SweepReport::resumed`](crate::report::SweepReport::resumed) says how many points were in it.
    ///
    /// **Data are checked only where the oracle has a [`fingerprint`](crate::Loss::fingerprint)** of them, as
    /// networks of `loss-landscape-nets` have; a closure gets one by
    /// [`FnModel::fingerprint_by`](crate::FnModel::fingerprint_by). Without one, a sweep over changed data goes on
    /// with the points of the old ones, and the report lists the data sets in
    /// [`unchecked_data`](crate::report::Resumed::unchecked_data).
    ///
    /// Points at which the oracle failed are kept as failures, since a sweep without interruption would have them too;
    /// [`Journal::without_failures`](crate::Journal::without_failures) drops them, so that they are tried again. The
    /// bits are the same on one machine; on another the last digits of the oracle may differ.
    ///
    /// The call that starts the sweep then also fails with [`Error::JournalMismatch`](crate::Error::JournalMismatch)
    /// for a journal of another sweep, [`Error::NotAJournal`](crate::Error::NotAJournal),
    /// [`Error::NotAFile`](crate::Error::NotAFile) for a device, pipe or directory,
    /// [`Error::JournalInUse`](crate::Error::JournalInUse) if another process writes it, and
    /// [`Error::JournalWrite`](crate::Error::JournalWrite) when the disk is full; the points written until then stay in
    /// the journal.
    pub fn journal(mut self, path: impl Into<PathBuf>) -> Self {
        self.settings.journal = Some(path.into());
        self
    }

    /// Evaluates only the points k, k + n, k + 2n, ... of the sweep (counted row by row from 0), with k from 0 to n −
    /// 1, and leaves the others to other processes. [`Journal::read`](crate::Journal::read) merges their
    /// [journals](Self::journal); [`Journal`](crate::Journal) has an example. The result of one shard has NaN at the
    /// points of the others, and ends as [`SweepEnd::Partial`](crate::report::SweepEnd::Partial). A map of eigenvalue
    /// ratios starts all points of a shard cold. An adaptive or sampled sweep has no shards, since every stage needs all
    /// points before it.
    ///
    /// The call that starts the sweep fails with [`Error::Shard`](crate::Error::Shard) unless k < n.
    pub fn shard(mut self, k: usize, n: usize) -> Self {
        // Shard 0 of 1 is the whole sweep.
        self.settings.shard = ((k, n) != (0, 1)).then_some((k, n));
        self
    }

    /// The most bytes that coordinates and values may take; 4 GiB by default, and never more than 2⁴⁷ (128 TiB), which
    /// is what a process can address. The scratch memory of the oracle is not counted. A larger grid, or one for which
    /// the system has no memory, is refused before a coordinate is computed; [`Error`](crate::Error) has an example.
    pub fn memory_limit(mut self, bytes: u64) -> Self {
        self.settings.memory_limit = bytes;
        self
    }
}

impl<M: Model + ?Sized, D: ?Sized, X> Sweep<'_, M, D, Plane<M::Scalar>, X> {
    /// This number of equally spaced values of β, both ends included, as [`alpha`](Self::alpha) for α.
    pub fn beta(mut self, range: RangeInclusive<f64>, points: usize) -> Self {
        self.beta = Some(Axis::range(range, points));
        self
    }

    /// These values of β, finite and strictly increasing, as [`alpha_at`](Self::alpha_at) for α.
    pub fn beta_at(mut self, values: &[f64]) -> Self {
        self.beta = Some(Axis::Values(values.to_vec()));
        self
    }
}

impl<M: Model + ?Sized, D: ?Sized, X> Sweep<'_, M, D, Segment<'_, M::Scalar>, X> {
    /// Whether buffers are interpolated too; by default they stay as in θ_a. [`Buffers`] has an example.
    pub fn buffers(mut self, buffers: Buffers) -> Self {
        self.geometry.buffers = buffers;
        self
    }
}

impl<M: Model + ?Sized, D: ?Sized, W: Geometry<M>, X> Sweep<'_, M, D, W, X> {
    /// Evaluates the loss, and whatever else the oracle [measures](Loss::channels), at every point: one evaluation for
    /// each point and data set.
    ///
    /// # Errors
    /// [`Error::LayoutMismatch`](crate::Error::LayoutMismatch) for directions of another layout,
    /// [`Error::ZeroDirection`](crate::Error::ZeroDirection) for one that moves nothing;
    /// [`Error::Length`](crate::Error::Length) or [`Error::NonFinite`](crate::Error::NonFinite) for parameters that do
    /// not fit the model or are not finite; [`Error::Range`](crate::Error::Range),
    /// [`Error::Resolution`](crate::Error::Resolution) or [`Error::Coordinates`](crate::Error::Coordinates) for an
    /// axis; [`Error::NoData`](crate::Error::NoData), [`Error::DuplicateData`](crate::Error::DuplicateData),
    /// [`Error::Channels`](crate::Error::Channels), [`Error::Unmeasured`](crate::Error::Unmeasured) for an oracle that
    /// does not write the channels that it names; [`Error::GridTooLarge`](crate::Error::GridTooLarge),
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
        let placed = self.placed()?;
        let plan = Plan {
            settings: String::new(),
            keeper: None,
            finite: channels.len(),
            passes: 1,
            channels,
            stages: Stages::All,
        };
        self.evaluate(&placed, &Losses, grid, plan).map(Landscape::assemble)
    }

    /// Checks data sets, axes and memory for `channels` channels in each data set, and makes the grid. `points` is the
    /// default number of points along an axis.
    pub(crate) fn grid(&self, points: usize, channels: usize) -> Result<Grid> {
        self.grid_of_draws(points, channels, 1)
    }

    /// The same for several draws, all of which are kept.
    fn grid_of_draws(&self, points: usize, channels: usize, draws: usize) -> Result<Grid> {
        check_data(&self.data)?;
        let [alpha, beta] = self.axes(points);
        let beta = (W::Dim::AXES == 2).then_some(&beta);
        self.settings.grid(&alpha, beta, self.data.len() * channels, draws)
    }

    /// The vectors that it is spanned by.
    pub(crate) fn placed(&self) -> Result<Placed<'_, M::Scalar>> {
        self.geometry.place(self.model.layout(), self.model.parameters())
    }

    /// The axes of α and β; only planes have the second.
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
        // What does not fit the model is found before a journal is opened.
        placed.slice()?;
        self.evaluate_all(placed, vec![placed.origin.clone()], measurement, grid, plan).map(Ran::into_one)
    }

    /// Evaluates the points of a grid on each of several slices, which have these origins.
    fn evaluate_all(
        &self,
        slices: &dyn Slices<M::Scalar>,
        origins: Vec<Origin>,
        measurement: &impl Measurement<M, D>,
        grid: Grid,
        plan: Plan<'_>,
    ) -> Result<Ran>
    where
        M: Loss<D>,
        X: Execution<M, D>,
    {
        let subject = Subject { model: self.model, data: &self.data };
        let Plan { settings, keeper, channels, finite, passes, stages } = plan;
        let task = Task { origins, grid, settings, keeper, channels, finite, passes, stages };
        run(&subject, slices, measurement, &self.execution, &self.settings, task)
    }

    pub(crate) fn model(&self) -> &M {
        self.model
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
