//! What all sweeps have in common: data sets, threads, observer, limits; and how they run.

use std::time::Instant;

use super::{
    DirectionRecord, Observer, OnBadPoint, Provenance, SweepReport,
    axis::Axis,
    driver::{Job, Set, Stages},
};
use crate::{
    BoxError, Direction, Directions, Error, Loss, Model, Plane, Prepared, Result, Scalar,
    direction::ensure_moves, guard::guarded, params::content_hash,
};

/// The settings that every sweep has.
pub(crate) struct Options<'a, D: ?Sized> {
    pub(crate) data: Vec<(String, &'a D)>,
    pub(crate) threads: Option<usize>,
    pub(crate) observer: Option<&'a dyn Observer>,
    pub(crate) on_bad: OnBadPoint,
    pub(crate) memory_limit: u64,
}

/// What a line or plane is made of, for the provenance.
pub(crate) struct Origin {
    pub(crate) theta_hash: u64,
    pub(crate) directions: Vec<DirectionRecord>,
    pub(crate) cosine: Option<f64>,
}

/// The coordinates of a sweep.
pub(crate) struct Grid {
    pub(crate) alpha: Vec<f64>,
    pub(crate) beta: Vec<f64>,
}

/// What is evaluated where, and in which order.
pub(crate) struct Task<'t> {
    pub(crate) grid: Grid,
    pub(crate) channels: Vec<String>,
    /// How many of the channels, the first ones, must be finite for a point to be good.
    pub(crate) finite: usize,
    pub(crate) stages: Stages<'t>,
    pub(crate) origin: Origin,
    pub(crate) scalar: &'static str,
}

/// The values of a sweep, [point, data set × channel], and what it says of itself.
pub(crate) struct Swept {
    pub(crate) alpha: Vec<f64>,
    pub(crate) beta: Vec<f64>,
    pub(crate) values: Vec<f64>,
    pub(crate) computed: Vec<bool>,
    pub(crate) channels: Vec<String>,
    pub(crate) report: SweepReport,
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
        Ok((plane, Self { theta_hash: content_hash(theta), directions, cosine: None }))
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
        let cosine = Some(directions.cosine());
        Ok((plane, Self { theta_hash: content_hash(theta), directions: records, cosine }))
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
        let Task { grid: Grid { alpha, beta }, channels, finite, mut stages, origin, scalar } = task;
        let full = self.channel_names(&channels);
        let distinct: std::collections::HashSet<&String> = full.iter().collect();
        if channels.is_empty() || distinct.len() < full.len() {
            return Err(Error::Channels { channels: full });
        }
        let mut run = || {
            let mut sets = Vec::with_capacity(self.data.len());
            for (number, (name, _)) in self.data.iter().enumerate() {
                let during = format!("preparing the plane for data set `{name}`");
                sets.push(guarded(&during, || Ok(Set::new(name, prepare(number)?)))?);
            }
            let job = Job {
                alpha: &alpha,
                beta: &beta,
                sets,
                channels: &channels,
                finite,
                observer: self.observer,
                on_bad: self.on_bad,
            };
            Ok((job.run(&mut stages)?, rayon::current_num_threads()))
        };
        let (outcome, threads) = match self.pool()? {
            Some(pool) => pool.install(run)?,
            None => run()?,
        };

        let provenance = Provenance {
            version: env!("CARGO_PKG_VERSION"),
            scalar,
            theta_hash: origin.theta_hash,
            directions: origin.directions,
            cosine: origin.cosine,
            data: self.data.iter().map(|(name, _)| name.clone()).collect(),
        };
        let report = SweepReport {
            termination: outcome.termination,
            total: outcome.computed.len(),
            computed: outcome.computed.iter().filter(|&&done| done).count(),
            bad_points: outcome.bad_points,
            elapsed: started.elapsed(),
            threads,
            provenance,
        };
        Ok(Swept { alpha, beta, values: outcome.values, computed: outcome.computed, channels: full, report })
    }

    /// The names of all channels in a result, those of the data sets before them.
    pub(crate) fn channel_names(&self, channels: &[String]) -> Vec<String> {
        (self.data.iter())
            .flat_map(|(name, _)| {
                let prefix = if name.is_empty() { String::new() } else { format!("{name} ") };
                channels.iter().map(move |channel| format!("{prefix}{channel}"))
            })
            .collect()
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
        let finite = channels.len();
        let task = Task { grid, channels, finite, stages: Stages::All, origin, scalar: M::Scalar::NAME };
        self.sweep(task, &|number| model.prepare(plane, self.data[number].1))
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
