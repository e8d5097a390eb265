//! What all sweeps have in common: data sets, threads, observer, limits; and how they run.

use std::{path::PathBuf, time::Instant};

use super::{
    DirectionRecord, Observer, OnBadPoint, Provenance, SweepReport,
    axis::Axis,
    driver::Job,
    journal::{Header, Keeper, Known, Ledger, full_channels},
    private::Set,
    stages::Stages,
};
use crate::{
    BoxError, Direction, Directions, Error, Layout, Loss, Model, Plane, Prepared, Result, Scalar,
    direction::ensure_moves, guard::guarded, params::content_hash,
};

pub(crate) use super::swept::Swept;

/// The settings that every sweep has.
pub(crate) struct Options<'a, D: ?Sized> {
    pub(crate) data: Vec<(String, &'a D)>,
    pub(crate) threads: Option<usize>,
    pub(crate) observer: Option<&'a dyn Observer>,
    pub(crate) on_bad: OnBadPoint,
    pub(crate) memory_limit: u64,
    pub(crate) journal: Option<PathBuf>,
    /// (k, n); see [`Job::shard`].
    pub(crate) shard: Option<(usize, usize)>,
}

/// What a line or plane is made of, for the provenance.
pub(crate) struct Origin {
    /// `line`, `interpolation` or `plane`.
    pub(crate) kind: &'static str,
    pub(crate) layout_hash: u64,
    pub(crate) parameters: usize,
    pub(crate) theta_hash: u64,
    pub(crate) directions: Vec<DirectionRecord>,
    pub(crate) cosine: Option<f64>,
}

/// The coordinates of a sweep.
pub(crate) struct Grid {
    pub(crate) alpha: Vec<f64>,
    /// 0 alone on a line.
    pub(crate) beta: Vec<f64>,
}

/// What is evaluated where, and in which order.
pub(crate) struct Task<'a> {
    pub(crate) grid: Grid,
    /// What else than a loss, and how; for the journal.
    pub(crate) settings: String,
    /// The content of each data set, as the oracle calls it.
    pub(crate) fingerprints: Vec<Option<u64>>,
    /// What data sets keep of a point beside its values.
    pub(crate) keeper: Option<&'a dyn Keeper>,
    pub(crate) channels: Vec<String>,
    /// How many of the channels, the first ones, must be finite for a point to be good.
    pub(crate) finite: usize,
    /// How often a point may be computed; see [`Job::passes`].
    pub(crate) passes: usize,
    pub(crate) stages: Stages<'a>,
    pub(crate) origin: Origin,
    pub(crate) scalar: &'static str,
}

impl Origin {
    /// The line from the model's parameters along a direction.
    pub(crate) fn line<'m, M: Model + ?Sized>(
        model: &'m M,
        direction: &'m Direction<M::Scalar>,
    ) -> Result<(Plane<'m, M::Scalar>, Self)> {
        let (layout, theta) = (model.layout(), model.parameters());
        layout.ensure_same(direction.layout())?;
        ensure_moves("only", direction)?;
        let plane = Plane::line(layout, theta, direction.values())?;
        let directions = vec![DirectionRecord::of(direction)];
        Ok((plane, Self::new("line", layout, theta, directions, None)))
    }

    /// The plane through the model's parameters that two directions span.
    pub(crate) fn plane<'m, M: Model + ?Sized>(
        model: &'m M,
        directions: &'m Directions<M::Scalar>,
    ) -> Result<(Plane<'m, M::Scalar>, Self)> {
        let (layout, theta) = (model.layout(), model.parameters());
        let (first, second) = (directions.first(), directions.second());
        layout.ensure_same(first.layout())?;
        let plane = Plane::spanned(layout, theta, first.values(), second.values())?;
        let records = vec![DirectionRecord::of(first), DirectionRecord::of(second)];
        Ok((plane, Self::new("plane", layout, theta, records, Some(directions.cosine()))))
    }

    pub(crate) fn new<S: Scalar>(
        kind: &'static str,
        layout: &Layout,
        theta: &[S],
        directions: Vec<DirectionRecord>,
        cosine: Option<f64>,
    ) -> Self {
        let (layout_hash, theta_hash) = (layout.content_hash(), content_hash(theta));
        Self { kind, layout_hash, parameters: layout.len(), theta_hash, directions, cosine }
    }
}

impl<D: ?Sized> Default for Options<'_, D> {
    fn default() -> Self {
        Self {
            data: Vec::new(),
            threads: None,
            observer: None,
            on_bad: OnBadPoint::default(),
            memory_limit: 4 << 30,
            journal: None,
            shard: None,
        }
    }
}

impl<D: ?Sized> std::fmt::Debug for Options<'_, D> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options")
            .field("data", &self.data.iter().map(|(name, _)| name).collect::<Vec<_>>())
            .field("threads", &self.threads)
            .field("on_bad", &self.on_bad)
            .field("memory_limit", &self.memory_limit)
            .field("journal", &self.journal)
            .field("shard", &self.shard)
            .finish_non_exhaustive()
    }
}

impl<D: ?Sized> Options<'_, D> {
    /// Checks everything, prepares the plane and evaluates it.
    ///
    /// `prepare` gets the number of each data set once, before the first point.
    pub(crate) fn sweep<'p>(
        &self,
        task: Task<'_>,
        prepare: &(dyn Fn(usize) -> Result<Box<dyn Prepared + 'p>, BoxError> + Sync),
    ) -> Result<Swept>
    where
        D: Sync,
    {
        let started = Instant::now();
        let Task { grid: Grid { alpha, beta }, channels, finite, mut stages, origin, scalar, .. } = task;
        let full = self.channel_names(&channels);
        let distinct: std::collections::HashSet<&String> = full.iter().collect();
        if channels.is_empty() || distinct.len() < full.len() {
            return Err(Error::Channels { channels: full });
        }
        if let Some((k, n)) = self.shard.filter(|(k, n)| k >= n) {
            return Err(Error::Shard { k, n });
        }
        let provenance = Provenance {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            scalar: scalar.to_owned(),
            theta_hash: Some(origin.theta_hash),
            directions: origin.directions,
            cosine: origin.cosine,
            data: self.names(),
            data_hashes: task.fingerprints,
        };
        let header = Header {
            sweep: origin.kind.to_owned(),
            settings: task.settings,
            parameters: origin.parameters,
            layout_hash: origin.layout_hash,
            alpha,
            beta: (origin.kind == "plane").then(|| beta.clone()),
            channels,
            finite,
            passes: task.passes,
            provenance,
        };
        let mut run = || {
            let mut sets = Vec::with_capacity(self.data.len());
            for (number, (name, _)) in self.data.iter().enumerate() {
                let during = format!("preparing the plane for data set `{name}`");
                sets.push(guarded(&during, || Ok(Set::new(name, prepare(number)?)))?);
            }
            let mut known = Known::nothing(&header)?;
            let (ledger, resumed) = match &self.journal {
                Some(path) => {
                    let (ledger, resumed) = Ledger::resume(path, &header, task.keeper, &mut known)?;
                    (Some(ledger), resumed)
                }
                None => (None, None),
            };
            let job = Job {
                alpha: &header.alpha,
                beta: &beta,
                sets,
                channels: &header.channels,
                finite,
                passes: header.passes,
                shard: self.shard,
                ledger: ledger.as_ref(),
                keeper: task.keeper,
                observer: self.observer,
                on_bad: self.on_bad,
            };
            let outcome = job.run(&mut stages, known)?;
            drop(job);
            ledger.map_or(Ok(()), Ledger::close)?;
            Ok((outcome, resumed, rayon::current_num_threads()))
        };
        let (outcome, resumed, threads) = match self.pool()? {
            Some(pool) => pool.install(run)?,
            None => run()?,
        };
        let report = SweepReport {
            termination: outcome.termination,
            total: outcome.computed.len(),
            computed: outcome.computed.iter().filter(|&&done| done).count(),
            bad_points: outcome.bad_points,
            elapsed: started.elapsed(),
            threads,
            resumed,
            provenance: header.provenance,
        };
        let alpha = header.alpha;
        Ok(Swept { alpha, beta, values: outcome.values, computed: outcome.computed, channels: full, report })
    }

    /// The names of all channels in a result, those of the data sets before them.
    pub(crate) fn channel_names(&self, channels: &[String]) -> Vec<String> {
        full_channels(&self.names(), channels)
    }

    fn names(&self) -> Vec<String> {
        self.data.iter().map(|(name, _)| name.clone()).collect()
    }

    /// Checks data sets, axes and memory for `channels` channels a data set, and lays the grid out.
    /// A line has no `beta`.
    pub(crate) fn grid(&self, alpha: &Axis, beta: Option<&Axis>, channels: usize) -> Result<Grid> {
        self.check_data()?;
        alpha.check("α")?;
        beta.map_or(Ok(()), |beta| beta.check("β"))?;
        self.check_memory(alpha, beta, self.data.len() * channels)?;
        let alpha = alpha.coordinates("α")?;
        let beta = beta.map_or_else(|| Ok(vec![0.0]), |beta| beta.coordinates("β"))?;
        Ok(Grid { alpha, beta })
    }

    /// Sweeps a loss: its channels at all points.
    pub(crate) fn sweep_loss<M: Loss<D> + ?Sized>(
        &self,
        model: &M,
        plane: &Plane<'_, M::Scalar>,
        alpha: &Axis,
        beta: Option<&Axis>,
        origin: Origin,
    ) -> Result<Swept>
    where
        D: Sync,
    {
        let channels = guarded("naming its channels", || Ok(model.channels()))?;
        let grid = self.grid(alpha, beta, channels.len())?;
        let task = Task {
            grid,
            settings: String::new(),
            fingerprints: self.fingerprints(model)?,
            keeper: None,
            finite: channels.len(),
            passes: 1,
            channels,
            stages: Stages::All,
            origin,
            scalar: M::Scalar::NAME,
        };
        self.sweep(task, &|number| model.prepare(plane, self.data[number].1))
    }

    /// What the oracle calls the content of each data set.
    pub(crate) fn fingerprints<M: Loss<D> + ?Sized>(&self, model: &M) -> Result<Vec<Option<u64>>>
    where
        D: Sync,
    {
        let of = |(_, data): &(String, &D)| guarded("taking a fingerprint", || Ok(model.fingerprint(data)));
        self.data.iter().map(of).collect()
    }

    fn check_data(&self) -> Result<()> {
        if self.data.is_empty() {
            return Err(Error::NoData);
        }
        for (i, (name, _)) in self.data.iter().enumerate() {
            if self.data[..i].iter().any(|(other, _)| other == name) {
                return Err(Error::DuplicateData { name: name.clone() });
            }
        }
        Ok(())
    }

    /// Refuses a grid whose coordinates and values exceed the limit, before allocating any.
    fn check_memory(&self, alpha: &Axis, beta: Option<&Axis>, channels: usize) -> Result<()> {
        let (rows, columns) = (alpha.len() as u64, beta.map_or(1, Axis::len) as u64);
        let bytes = rows.checked_mul(columns).and_then(|points| {
            let per_point = (channels as u64).checked_mul(8)?.checked_add(1)?;
            points.checked_mul(per_point)?.checked_add(rows.checked_add(columns)?.checked_mul(8)?)
        });
        if bytes.is_none_or(|bytes| bytes > self.memory_limit) {
            let mut shape = vec![alpha.len()];
            shape.extend(beta.map(Axis::len));
            return Err(Error::GridTooLarge { shape, channels, bytes, limit: self.memory_limit });
        }
        Ok(())
    }

    fn pool(&self) -> Result<Option<rayon::ThreadPool>> {
        let Some(threads) = self.threads else { return Ok(None) };
        if threads == 0 {
            return Err(Error::ZeroThreads);
        }
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.map(Some).map_err(|source| Error::ThreadPool { threads, source })
    }
}

/// The builder methods of one axis.
macro_rules! axis_options {
    ($sweep:ident, $capability:ident, $axis:ident, $axis_at:ident, $symbol:literal, $default:literal) => {
        impl<'a, M: $capability<D> + ?Sized, D: ?Sized + Sync> $sweep<'a, M, D> {
            #[doc = concat!("Equally spaced ", $symbol, ", both ends included; ", $default)]
            pub fn $axis(mut self, range: std::ops::RangeInclusive<f64>, points: usize) -> Self {
                self.$axis = Axis::range(range, points);
                self
            }

            #[doc = concat!("These ", $symbol, ", strictly increasing.")]
            pub fn $axis_at(mut self, values: &[f64]) -> Self {
                self.$axis = Axis::Values(values.to_vec());
                self
            }
        }
    };
}
pub(crate) use axis_options;

/// The builder methods that every sweep has.
macro_rules! sweep_options {
    ($sweep:ident, $capability:ident) => {
        impl<'a, M: $capability<D> + ?Sized, D: ?Sized + Sync> $sweep<'a, M, D> {
            /// Adds a data set. Its name stands before its channels (`"train loss"`) and in the
            /// provenance; an empty name leaves the channels as the oracle names them.
            pub fn data(mut self, name: impl Into<String>, data: &'a D) -> Self {
                self.options.data.push((name.into(), data));
                self
            }

            /// Runs on a pool of this many threads of its own; by default on rayon's current pool, all
            /// of whose threads must then get free before the sweep returns.
            /// The result has the same bits for any number.
            pub fn threads(mut self, threads: usize) -> Self {
                self.options.threads = Some(threads);
                self
            }

            /// Tells an observer of every finished point; it may cancel the sweep.
            pub fn observer(mut self, observer: &'a dyn Observer) -> Self {
                self.options.observer = Some(observer);
                self
            }

            /// What to do when a point fails or is not finite; to record it and go on by default.
            pub fn on_bad_point(mut self, on_bad: OnBadPoint) -> Self {
                self.options.on_bad = on_bad;
                self
            }

            /// Writes every point to a file as it finishes, so that the sweep survives its process: the same
            /// call, made again, evaluates only what is missing and gives the same bits as a sweep that was
            /// never disturbed. A file that does not exist is begun.
            ///
            /// Points at which the oracle failed are kept as such, since a sweep never disturbed would have them too;
            /// [`Journal::without_failures`](crate::Journal::without_failures) is for those who want them tried
            /// again. The bits are those of one machine: on another the last digits of the oracle may differ.
            ///
            /// The journal holds the axes, the crate's version, hashes of θ, of the layout, the directions and
            /// (where the oracle has a [`fingerprint`](crate::Loss::fingerprint)) of the data, and a checksum
            /// for each point. [`Journal`](crate::Journal) reads it.
            /// [`SweepReport::resumed`](crate::SweepReport::resumed) says what was found in it.
            ///
            /// `run` then also fails with [`Error::JournalMismatch`](crate::Error::JournalMismatch) for a
            /// journal of another sweep, [`Error::NotAJournal`](crate::Error::NotAJournal),
            /// [`Error::JournalInUse`](crate::Error::JournalInUse) if another process writes it, and
            /// [`Error::JournalWrite`](crate::Error::JournalWrite) when the disk is full: what is in the journal
            /// by then stays there.
            pub fn journal(mut self, path: impl Into<std::path::PathBuf>) -> Self {
                self.options.journal = Some(path.into());
                self
            }

            /// The most bytes that coordinates and values may take; 4 GiB by default. The scratch
            /// memory of the oracle is its own.
            pub fn memory_limit(mut self, bytes: u64) -> Self {
                self.options.memory_limit = bytes;
                self
            }
        }
    };
}
pub(crate) use sweep_options;

/// The builder method of sweeps whose points do not depend on each other.
macro_rules! shard_option {
    ($sweep:ident, $capability:ident) => {
        impl<'a, M: $capability<D> + ?Sized, D: ?Sized + Sync> $sweep<'a, M, D> {
            /// Evaluates only points k, k + n, k + 2n, ... of the sweep (counted row by row from 0), with k from 0
            /// to n − 1, and leaves the others to other processes. Their [journals](Self::journal) make the
            /// whole: [`Journal::read`](crate::Journal::read). The result alone has NaN where others compute
            /// and ends as [`Termination::Partial`](crate::Termination::Partial). A map of eigenvalue ratios
            /// starts all points of a shard cold.
            ///
            /// `run` fails with [`Error::Shard`](crate::Error::Shard) unless k < n.
            pub fn shard(mut self, k: usize, n: usize) -> Self {
                // One of one is the whole.
                self.options.shard = ((k, n) != (0, 1)).then_some((k, n));
                self
            }
        }
    };
}
pub(crate) use shard_option;

/// What results of all shapes tell.
macro_rules! result_accessors {
    ($result:ident) => {
        impl $result {
            /// The coordinates α.
            pub fn alpha(&self) -> &[f64] {
                &self.alpha
            }

            /// The names of the channels: `"loss"`, or with named data sets `"train loss"`.
            pub fn channels(&self) -> &[String] {
                &self.channels
            }

            /// How the sweep went: termination, bad points, provenance.
            pub fn report(&self) -> &SweepReport {
                &self.report
            }

            /// The position of a channel on the last axis of the values.
            pub(super) fn position(&self, name: &str) -> Result<usize> {
                self.channels.iter().position(|channel| channel == name).ok_or_else(|| {
                    Error::UnknownChannel { name: name.to_owned(), names: self.channels.clone() }
                })
            }
        }
    };
}
pub(crate) use result_accessors;
