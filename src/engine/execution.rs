//! How an oracle reaches the threads of a sweep: shared by all, on the calling thread alone, or as one instance for
//! each thread.

use std::{any::Any, cell::RefCell};

use super::{
    pool::{self, Pool},
    settings::DataSets,
};
use crate::{Model, OracleError, Prepared, Result, Slice, Worker, model::guarded};

/// Runs a sweep on all threads, which share the model and the data: both must be [`Sync`]. It is the default, and the
/// last parameter of [`Sweep`](crate::Sweep), so that the type of a sweep over all threads can leave it out:
///
/// ```
/// use loss_landscape::{AllThreads, FnModel, Layout, Line, RandomDirections, Sweep};
///
/// let model = FnModel::new(Layout::flat(2)?, vec![1.0; 2], |t: &[f64], _: &()| t[0] * t[1])?;
/// let sweep: Sweep<'_, _, (), Line<f64>, AllThreads> = Sweep::line(&model, RandomDirections::new(1));
/// let sweep: Sweep<'_, _, (), Line<f64>> = sweep; // the same type
/// assert_eq!(sweep.data("", &()).run()?.shape(), [51]);
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct AllThreads;

/// Runs a sweep on the calling thread alone, whether the model is [`Sync`] or not; [`Sweep::here`](crate::Sweep::here)
/// makes such a sweep. Its name is needed where a function returns one:
///
/// ```
/// use std::cell::Cell;
/// use loss_landscape::{Here, Layout, Line, Loss, Model, OracleError, RandomDirections, Sweep};
/// # struct Net { layout: Layout, theta: Vec<f64>, calls: Cell<usize> }
/// # impl Model for Net {
/// #     type Scalar = f64;
/// #     fn layout(&self) -> &Layout { &self.layout }
/// #     fn parameters(&self) -> &[f64] { &self.theta }
/// # }
/// # impl Loss<()> for Net {
/// #     fn loss(&self, theta: &[f64], _: &()) -> Result<f64, OracleError> {
/// #         self.calls.set(self.calls.get() + 1);
/// #         Ok(theta.iter().map(|t| t * t).sum())
/// #     }
/// # }
///
/// // `Net` counts its calls in a `Cell`, which threads cannot share.
/// fn through(net: &Net) -> Sweep<'_, Net, (), Line<f64>, Here> {
///     Sweep::line(net, RandomDirections::new(1)).data("", &()).here()
/// }
///
/// let net = Net { layout: Layout::flat(3)?, theta: vec![1.0; 3], calls: Cell::new(0) };
/// through(&net).alpha(-1.0..=1.0, 11).run()?;
/// assert_eq!(net.calls.get(), 11);
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Here;

/// Runs a sweep on threads that each make a model of their own. [`Sweep::per_thread`](crate::Sweep::per_thread) makes
/// such a sweep from a factory `F`, and its example shows a whole one. The type of the sweep names the factory:
///
/// ```
/// use loss_landscape::{Layout, Line, Loss, Model, OracleError, PerThread, RandomDirections, Sweep};
/// # struct Net { layout: Layout, theta: Vec<f64> }
/// # impl Net { fn load() -> Result<Self, OracleError> { Ok(Self { layout: Layout::flat(3)?, theta: vec![1.0; 3] }) } }
/// # impl Model for Net {
/// #     type Scalar = f64;
/// #     fn layout(&self) -> &Layout { &self.layout }
/// #     fn parameters(&self) -> &[f64] { &self.theta }
/// # }
/// # impl Loss<()> for Net {
/// #     fn loss(&self, theta: &[f64], _: &()) -> Result<f64, OracleError> { Ok(theta.iter().map(|t| t * t).sum()) }
/// # }
///
/// type Load = fn() -> Result<Net, OracleError>;
///
/// fn through(net: &Net) -> Sweep<'_, Net, (), Line<f64>, PerThread<Load>> {
///     Sweep::line(net, RandomDirections::new(1)).data("", &()).per_thread(Net::load as Load)
/// }
///
/// let net = Net::load()?;
/// assert_eq!(through(&net).threads(2).run()?.loss()[25], 3.0);
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct PerThread<F> {
    pub(crate) factory: F,
}

/// How a sweep over a model `M` and data `D` may run. Sealed: [`AllThreads`], [`Here`] and [`PerThread`].
///
/// If the compiler says that something cannot be shared between threads, as required for [`AllThreads`] to implement
/// this trait, the model or the data are not [`Sync`]: call [`Sweep::here`](crate::Sweep::here) or
/// [`Sweep::per_thread`](crate::Sweep::per_thread) on the sweep.
///
/// A function that takes a sweep, however it runs, is generic over it:
///
/// ```
/// use loss_landscape::{Execution, FnModel, Layout, Loss, Plane, RandomDirections, Surface, Sweep};
///
/// /// A coarse look before the long run.
/// fn preview<M, D, X>(sweep: Sweep<'_, M, D, Plane<M::Scalar>, X>) -> loss_landscape::Result<Surface>
/// where
///     M: Loss<D>,
///     X: Execution<M, D>,
/// {
///     sweep.alpha(-1.0..=1.0, 5).beta(-1.0..=1.0, 5).run()
/// }
///
/// let model = FnModel::new(Layout::flat(2)?, vec![1.0; 2], |t: &[f64], _: &()| t[0] * t[1])?;
/// let sweep = || Sweep::plane(&model, RandomDirections::new(1)).data("", &());
/// assert_eq!(preview(sweep())?.loss(), preview(sweep().here())?.loss());
/// # Ok::<(), loss_landscape::Error>(())
/// ```
pub trait Execution<M: Model + ?Sized, D: ?Sized>: execute::Execute<M, D> {}

impl<M: Model + ?Sized, D: ?Sized, X: execute::Execute<M, D>> Execution<M, D> for X {}

/// What a sweep evaluates: a model on data sets.
pub struct Subject<'s, M: Model + ?Sized, D: ?Sized> {
    pub(crate) model: &'s M,
    pub(crate) data: &'s DataSets<'s, D>,
}

impl<M: Model + ?Sized, D: ?Sized> std::fmt::Debug for Subject<'_, M, D> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<&String> = self.data.iter().map(|(name, _)| name).collect();
        f.debug_struct("Subject").field("data", &names).finish_non_exhaustive()
    }
}

/// What is measured at each point, such as losses or eigenvalue ratios.
pub trait Measurement<M: Model + ?Sized, D: ?Sized>: Sync {
    /// Does the work that all threads share, once. Data that do not fit the model are found here, before the first
    /// point.
    fn prepare<'p>(
        &'p self,
        model: &'p M,
        data: &'p D,
        set: usize,
        slice: &'p Slice<'p, M::Scalar>,
    ) -> Result<Option<Box<dyn Prepared + 'p>>, OracleError>;

    /// The worker with which one thread evaluates points if nothing is prepared.
    fn worker<'p>(
        &'p self,
        model: &'p M,
        data: &'p D,
        set: usize,
        slice: &'p Slice<'p, M::Scalar>,
    ) -> Result<Box<dyn Worker + 'p>, OracleError>;
}

/// Makes a thread's worker for a data set.
pub(crate) type MakeWorker<'w> = dyn Fn(usize) -> Result<Box<dyn Worker + 'w>, OracleError> + 'w;

/// What an oracle says about itself for one data set, asked once.
#[derive(Clone, Copy, Debug)]
pub struct Facts {
    pub(crate) chunks: usize,
    pub(crate) batch: usize,
    pub(crate) divisor: f64,
}

/// The threads of a sweep, gathered once for all slices that it goes over.
pub trait Crews<S> {
    /// How many there are.
    fn threads(&self) -> usize;

    /// Prepares all data sets for a slice, and lets `work` use the threads.
    fn over(&self, slice: &Slice<'_, S>, work: &mut CrewWork<'_>) -> Result<()>;
}

/// What is done with the threads over one slice.
pub(crate) type CrewWork<'w> = dyn FnMut(&dyn Crew) -> Result<()> + 'w;

/// The threads of a sweep, ready to evaluate points of a slice.
pub trait Crew {
    /// How many there are.
    fn threads(&self) -> usize;

    /// What the oracle says about itself, by data set.
    fn facts(&self) -> &[Facts];

    /// Calls `work` once on each thread, with the function that makes that thread's workers, and waits for all threads.
    fn on_each_thread(&self, work: &(dyn for<'w> Fn(&'w MakeWorker<'w>) + Sync));
}

pub(crate) mod execute {
    use super::{Crews, Measurement, Model, Result, Subject};

    /// The engine's side of [`Execution`](super::Execution).
    pub trait Execute<M: Model + ?Sized, D: ?Sized> {
        /// Gathers the threads and lets `work` use them. `threads` are as many as the caller asked for, `points` as
        /// many as there are.
        fn execute<T: Send>(
            &self,
            subject: &Subject<'_, M, D>,
            measurement: &impl Measurement<M, D>,
            threads: Option<usize>,
            points: usize,
            work: impl FnOnce(&dyn Crews<M::Scalar>) -> Result<T> + Send,
        ) -> Result<T>;
    }
}

impl<M: Model + Sync + ?Sized, D: Sync + ?Sized> execute::Execute<M, D> for AllThreads {
    fn execute<T: Send>(
        &self,
        subject: &Subject<'_, M, D>,
        measurement: &impl Measurement<M, D>,
        threads: Option<usize>,
        points: usize,
        work: impl FnOnce(&dyn Crews<M::Scalar>) -> Result<T> + Send,
    ) -> Result<T> {
        let share = AllShare { subject, measurement };
        match threads {
            Some(threads) => Pool::new(threads, points)?.run(|| work(&share)),
            None => work(&share),
        }
    }
}

impl<M: Model + ?Sized, D: ?Sized> execute::Execute<M, D> for Here {
    fn execute<T: Send>(
        &self,
        subject: &Subject<'_, M, D>,
        measurement: &impl Measurement<M, D>,
        _: Option<usize>,
        _: usize,
        work: impl FnOnce(&dyn Crews<M::Scalar>) -> Result<T> + Send,
    ) -> Result<T> {
        work(&OneThread { subject, measurement })
    }
}

impl<M, D, F> execute::Execute<M, D> for PerThread<F>
where
    M: Model + 'static,
    D: Sync + ?Sized,
    F: Fn() -> Result<M, OracleError> + Sync,
{
    fn execute<T: Send>(
        &self,
        subject: &Subject<'_, M, D>,
        measurement: &impl Measurement<M, D>,
        threads: Option<usize>,
        points: usize,
        work: impl FnOnce(&dyn Crews<M::Scalar>) -> Result<T> + Send,
    ) -> Result<T> {
        let pool = Pool::new(threads.unwrap_or_else(rayon::current_num_threads), points)?;
        let layout = subject.model.layout();
        pool.try_on_each_thread(&|| {
            let model = guarded("making a thread's model", || (self.factory)())?;
            layout.ensure_same(model.layout())?;
            INSTANCE.set(Some(Box::new(model)));
            Ok(())
        })?;
        work(&Instances::<M, D, _> {
            pool: &pool,
            data: subject.data,
            measurement,
            model: std::marker::PhantomData,
        })
    }
}

/// Threads of the current pool that share an oracle.
struct AllShare<'c, M: Model + ?Sized, D: ?Sized, Q> {
    subject: &'c Subject<'c, M, D>,
    measurement: &'c Q,
}

impl<M: Model + Sync + ?Sized, D: Sync + ?Sized, Q: Measurement<M, D>> Crews<M::Scalar>
    for AllShare<'_, M, D, Q>
{
    fn threads(&self) -> usize {
        rayon::current_num_threads()
    }

    fn over(&self, slice: &Slice<'_, M::Scalar>, work: &mut CrewWork<'_>) -> Result<()> {
        let oracle = PreparedOracle::new(self.subject, self.measurement, slice)?;
        work(&SharedCrew(&oracle))
    }
}

struct SharedCrew<'c, M: Model + ?Sized, D: ?Sized, Q>(&'c PreparedOracle<'c, M, D, Q>);

impl<M: Model + Sync + ?Sized, D: Sync + ?Sized, Q: Measurement<M, D>> Crew for SharedCrew<'_, M, D, Q> {
    fn threads(&self) -> usize {
        rayon::current_num_threads()
    }

    fn facts(&self) -> &[Facts] {
        &self.0.facts
    }

    fn on_each_thread(&self, work: &(dyn for<'w> Fn(&'w MakeWorker<'w>) + Sync)) {
        let Self(oracle) = self;
        pool::on_each_current_thread(&|| work(&|set| oracle.worker(set)));
    }
}

/// The calling thread alone.
struct OneThread<'c, M: Model + ?Sized, D: ?Sized, Q> {
    subject: &'c Subject<'c, M, D>,
    measurement: &'c Q,
}

impl<M: Model + ?Sized, D: ?Sized, Q: Measurement<M, D>> Crews<M::Scalar> for OneThread<'_, M, D, Q> {
    fn threads(&self) -> usize {
        1
    }

    fn over(&self, slice: &Slice<'_, M::Scalar>, work: &mut CrewWork<'_>) -> Result<()> {
        let oracle = PreparedOracle::new(self.subject, self.measurement, slice)?;
        work(&CallingThread(&oracle))
    }
}

struct CallingThread<'c, M: Model + ?Sized, D: ?Sized, Q>(&'c PreparedOracle<'c, M, D, Q>);

impl<M: Model + ?Sized, D: ?Sized, Q: Measurement<M, D>> Crew for CallingThread<'_, M, D, Q> {
    fn threads(&self) -> usize {
        1
    }

    fn facts(&self) -> &[Facts] {
        &self.0.facts
    }

    fn on_each_thread(&self, work: &(dyn for<'w> Fn(&'w MakeWorker<'w>) + Sync)) {
        work(&|set| self.0.worker(set));
    }
}

/// Threads of a pool that each have a model of their own, in [`INSTANCE`].
struct Instances<'c, M: Model, D: ?Sized, Q> {
    pool: &'c Pool,
    data: &'c DataSets<'c, D>,
    measurement: &'c Q,
    model: std::marker::PhantomData<fn() -> M>,
}

impl<M: Model + 'static, D: Sync + ?Sized, Q: Measurement<M, D>> Crews<M::Scalar> for Instances<'_, M, D, Q> {
    fn threads(&self) -> usize {
        self.pool.threads()
    }

    fn over(&self, slice: &Slice<'_, M::Scalar>, work: &mut CrewWork<'_>) -> Result<()> {
        work(&InstancesOver { instances: self, slice, facts: vec![Facts::UNPREPARED; self.data.len()] })
    }
}

struct InstancesOver<'c, M: Model, D: ?Sized, Q> {
    instances: &'c Instances<'c, M, D, Q>,
    slice: &'c Slice<'c, M::Scalar>,
    facts: Vec<Facts>,
}

thread_local! {
    /// The model of a thread whose pool was made for one sweep; it is dropped with the thread.
    static INSTANCE: RefCell<Option<Box<dyn Any>>> = const { RefCell::new(None) };
}

impl<M: Model + 'static, D: Sync + ?Sized, Q: Measurement<M, D>> Crew for InstancesOver<'_, M, D, Q> {
    fn threads(&self) -> usize {
        self.instances.threads()
    }

    fn facts(&self) -> &[Facts] {
        &self.facts
    }

    fn on_each_thread(&self, work: &(dyn for<'w> Fn(&'w MakeWorker<'w>) + Sync)) {
        let Instances { pool, data, measurement, .. } = self.instances;
        let slice = self.slice;
        pool.on_each_thread(&|| {
            INSTANCE.with_borrow(|instance| {
                #[expect(clippy::expect_used, reason = "made on every thread before the first point")]
                let model =
                    instance.as_ref().and_then(|any| any.downcast_ref::<M>()).expect("this thread's model");
                work(&|set| measurement.worker(model, data[set].1, set, slice));
            });
        });
    }
}

/// An oracle that all threads may use over one slice, with what it prepared for each data set.
struct PreparedOracle<'p, M: Model + ?Sized, D: ?Sized, Q> {
    subject: &'p Subject<'p, M, D>,
    measurement: &'p Q,
    slice: &'p Slice<'p, M::Scalar>,
    prepared: Vec<Option<Box<dyn Prepared + 'p>>>,
    facts: Vec<Facts>,
}

impl<'p, M: Model + ?Sized, D: ?Sized, Q: Measurement<M, D>> PreparedOracle<'p, M, D, Q> {
    fn new(
        subject: &'p Subject<'p, M, D>,
        measurement: &'p Q,
        slice: &'p Slice<'p, M::Scalar>,
    ) -> Result<Self> {
        let sets = subject.data.iter().enumerate();
        let prepared = sets.map(|(set, (name, data))| {
            let during = format!("preparing the plane for data set `{name}`");
            guarded(&during, || measurement.prepare(subject.model, data, set, slice))
        });
        let prepared = prepared.collect::<Result<Vec<_>>>()?;
        Ok(Self {
            subject,
            measurement,
            slice,
            facts: prepared.iter().map(|prepared| Facts::of(prepared.as_deref())).collect(),
            prepared,
        })
    }

    fn worker(&self, set: usize) -> Result<Box<dyn Worker + '_>, OracleError> {
        let Self { subject, measurement, slice, prepared, .. } = self;
        match &prepared[set] {
            Some(prepared) => prepared.worker(),
            None => measurement.worker(subject.model, subject.data[set].1, set, slice),
        }
    }
}

impl Facts {
    /// Of an oracle that prepares nothing.
    const UNPREPARED: Self = Self { chunks: 1, batch: 1, divisor: 1.0 };

    fn of(prepared: Option<&(dyn Prepared + '_)>) -> Self {
        match prepared {
            Some(prepared) => Self {
                chunks: prepared.chunks().max(1),
                batch: prepared.batch().max(1),
                divisor: prepared.divisor(),
            },
            None => Self::UNPREPARED,
        }
    }
}
