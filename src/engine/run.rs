//! One run of a sweep: from the points and what is measured there, to the values and the report.

use std::{collections::HashSet, time::Instant};

use super::{
    driver::{Job, Outcome},
    execution::{Crew, Execution, Measurement, Subject},
    journal::{Header, Keeper, Known, Ledger, full_channels},
    settings::{DataSets, Grid, Settings},
    stages::Stages,
};
use crate::{
    Error, Loss, Result, Scalar,
    landscape::{DirectionRecord, Parts, Provenance, Resumed, SweepReport},
    model::guarded,
};

/// What is evaluated where, and in which order.
pub(crate) struct Task<'a> {
    pub(crate) origin: Origin,
    pub(crate) grid: Grid,
    /// What is measured if it is not a loss, and how; for the journal.
    pub(crate) settings: String,
    /// What is kept of a point for each data set, in addition to its values.
    pub(crate) keeper: Option<&'a dyn Keeper>,
    /// The channels of one data set, and how many of them, counted from the first, must be finite for a point to be
    /// good.
    pub(crate) channels: Vec<String>,
    pub(crate) finite: usize,
    /// How often a point may be computed; see [`Job::passes`].
    pub(crate) passes: usize,
    pub(crate) stages: Stages<'a>,
}

/// The vectors that a line or plane is made of, for the provenance.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    /// `line`, `interpolation`, `curve` or `plane`.
    pub(crate) kind: &'static str,
    pub(crate) layout_hash: u64,
    pub(crate) parameters: usize,
    pub(crate) theta_hash: u64,
    pub(crate) directions: Vec<DirectionRecord>,
    pub(crate) cosine: Option<f64>,
}

/// Checks everything, prepares the oracle and evaluates all points of the task.
pub(crate) fn run<M, D, X>(
    subject: &Subject<'_, M, D>,
    measurement: &impl Measurement<M, D>,
    execution: &X,
    settings: &Settings<'_>,
    task: Task<'_>,
) -> Result<Parts>
where
    M: Loss<D> + ?Sized,
    D: ?Sized,
    X: Execution<M, D>,
{
    let started = Instant::now();
    let channels = channel_names(subject.data, &task.channels);
    if task.channels.is_empty() || channels.iter().collect::<HashSet<_>>().len() < channels.len() {
        return Err(Error::Channels { channels });
    }
    let Task { keeper, stages, .. } = task;
    let beta = task.grid.beta.clone();
    let mut header = header(subject, task.origin, task.grid, task.settings, task.channels, task.finite)?;
    header.passes = task.passes;
    let (outcome, resumed, threads) =
        execution.execute(subject, measurement, settings.threads, header.points(), |crew| {
            let (outcome, resumed) = evaluate(crew, settings, &header, &beta, keeper, stages)?;
            Ok((outcome, resumed, crew.threads()))
        })?;
    let Header { alpha, provenance, .. } = header;
    let report = SweepReport {
        end: outcome.end,
        total: outcome.computed.len(),
        computed: outcome.computed.iter().filter(|&&done| done).count(),
        bad_points: outcome.bad_points,
        elapsed: started.elapsed(),
        threads,
        resumed: resumed.map(|resumed| Resumed { unchecked_data: unchecked(&provenance), ..resumed }),
        provenance,
    };
    Ok(Parts { alpha, beta, values: outcome.values, computed: outcome.computed, channels, report })
}

/// Takes from the journal what is there, if there is one, and evaluates the rest.
fn evaluate(
    crew: &dyn Crew,
    settings: &Settings<'_>,
    header: &Header,
    beta: &[f64],
    keeper: Option<&dyn Keeper>,
    stages: Stages<'_>,
) -> Result<(Outcome, Option<Resumed>)> {
    let mut known = Known::nothing(header)?;
    let (ledger, resumed) = match &settings.journal {
        Some(path) => {
            let (ledger, resumed) = Ledger::resume(path, header, keeper, &mut known)?;
            (Some(ledger), resumed)
        }
        None => (None, None),
    };
    let job = Job {
        alpha: &header.alpha,
        beta,
        sets: &header.provenance.data,
        facts: crew.facts(),
        channels: &header.channels,
        finite: header.finite,
        passes: header.passes,
        shard: settings.shard,
        ledger: ledger.as_ref(),
        keeper,
        observer: settings.observer,
        on_bad: settings.on_bad,
    };
    let outcome = job.run(crew, stages, known)?;
    ledger.map_or(Ok(()), Ledger::close)?;
    Ok((outcome, resumed))
}

/// The names of all channels in a result, with the names of the data sets before them.
pub(crate) fn channel_names<D: ?Sized>(data: &DataSets<'_, D>, channels: &[String]) -> Vec<String> {
    let names: Vec<String> = data.iter().map(|(name, _)| name.clone()).collect();
    full_channels(&names, channels)
}

/// The head of a journal: everything that decides the values.
fn header<M: Loss<D> + ?Sized, D: ?Sized>(
    subject: &Subject<'_, M, D>,
    origin: Origin,
    grid: Grid,
    settings: String,
    channels: Vec<String>,
    finite: usize,
) -> Result<Header> {
    let fingerprint =
        |(_, data): &(String, &D)| guarded("taking a fingerprint", || Ok(subject.model.fingerprint(data)));
    let provenance = Provenance {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        scalar: M::Scalar::NAME.to_owned(),
        theta_hash: Some(origin.theta_hash),
        directions: origin.directions,
        cosine: origin.cosine,
        data: subject.data.iter().map(|(name, _)| name.clone()).collect(),
        data_hashes: subject.data.iter().map(fingerprint).collect::<Result<_>>()?,
    };
    Ok(Header {
        sweep: origin.kind.to_owned(),
        settings,
        parameters: origin.parameters,
        layout_hash: origin.layout_hash,
        alpha: grid.alpha,
        beta: grid.is_plane.then_some(grid.beta),
        channels,
        finite,
        passes: 1,
        provenance,
    })
}

/// The data sets without a fingerprint.
fn unchecked(provenance: &Provenance) -> Vec<String> {
    let sets = provenance.data.iter().zip(&provenance.data_hashes);
    sets.filter(|(_, hash)| hash.is_none()).map(|(name, _)| name.clone()).collect()
}
