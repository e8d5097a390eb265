//! One run of a sweep: from the points and what is measured there, to the values and the report.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use super::{
    Executor,
    driver::{Ending, Job, Outcome, OverDraw},
    execution::{CrewWork, Crews, Execution, Measurement, Subject},
    journal::{ByPoint, Form, Header, Keeper, Known, Ledger, Recorder, full_channels},
    processes::{NoThreads, Team, serve},
    settings::{DataSets, Grid, Settings},
    stages::Stages,
};
use crate::{
    Error, Loss, Result, Scalar, Slice,
    landscape::{DirectionRecord, Parts, Provenance, Resumed, SweepEnd},
    model::guarded,
};

/// What is evaluated where, and in which order.
pub(crate) struct Task<'a> {
    /// Of each draw.
    pub(crate) origins: Vec<Origin>,
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

/// The slices of a sweep, one for each draw.
pub(crate) trait Slices<S>: Sync {
    /// Makes the slice of a draw, if it is not made yet, and lets `work` use it.
    fn with(&self, draw: usize, work: &mut dyn FnMut(&Slice<'_, S>) -> Result<()>) -> Result<()>;
}

/// What came of a task.
pub(crate) struct Ran {
    /// The points of each draw.
    pub(crate) parts: Vec<Parts>,
    /// How all of it ended.
    pub(crate) end: SweepEnd,
    pub(crate) elapsed: Duration,
    pub(crate) threads: usize,
    pub(crate) resumed: Option<Resumed>,
}

/// Checks everything, prepares the oracle and evaluates all points of the task.
pub(crate) fn run<M, D, X>(
    subject: &Subject<'_, M, D>,
    slices: &dyn Slices<M::Scalar>,
    measurement: &impl Measurement<M, D>,
    execution: &X,
    settings: &Settings<'_>,
    task: Task<'_>,
) -> Result<Ran>
where
    M: Loss<D> + ?Sized,
    D: ?Sized,
    X: Execution<M, D>,
{
    let started = Instant::now();
    let names: Vec<String> = subject.data.iter().map(|(name, _)| name.clone()).collect();
    check_channels(&names, &task.channels)?;
    let fingerprint =
        |(_, data): &(String, &D)| guarded("taking a fingerprint", || Ok(subject.model.fingerprint(data)));
    let hashes = subject.data.iter().map(fingerprint).collect::<Result<Vec<_>>>()?;
    let header = header(&task, M::Scalar::NAME, names, hashes);
    let Task { origins, grid, keeper, stages, .. } = task;
    let work = work(slices, settings, &header, &grid.beta, keeper, stages);
    let found = execution.execute(subject, measurement, settings.threads, header.points(), work)?;
    Ok(found.into_ran(&header, &origins, started))
}

// What follows is not generic over models, data and executions, so that it is compiled once and not for each of them.

/// What came of all points.
pub(crate) struct Found {
    outcome: Outcome,
    resumed: Option<Resumed>,
    threads: usize,
    machines: Vec<String>,
}

impl Found {
    fn into_ran(self, header: &Header, origins: &[Origin], started: Instant) -> Ran {
        let Self { outcome, resumed, threads, machines } = self;
        let resumed =
            resumed.map(|resumed| Resumed { unchecked_data: unchecked(&header.provenance), ..resumed });
        let Outcome { values, computed, bad_points, end, elapsed } = outcome;
        let cosines: Vec<Option<f64>> = origins.iter().map(|origin| origin.cosine).collect();
        let mut parts =
            ByPoint { values, computed, bad_points, end }.into_parts(header, &cosines, &elapsed, threads);
        for part in &mut parts {
            part.report.machines.clone_from(&machines);
        }
        Ran { parts, end, elapsed: started.elapsed(), threads, resumed }
    }
}

/// Refuses channels without names, or with names that come twice.
fn check_channels(data: &[String], channels: &[String]) -> Result<()> {
    let full = full_channels(data, channels);
    if channels.is_empty() || full.iter().collect::<HashSet<_>>().len() < full.len() {
        return Err(Error::Channels { channels: full });
    }
    Ok(())
}

/// What the threads are used for.
fn work<'w, 's, S: Scalar>(
    slices: &'w dyn Slices<S>,
    settings: &'w Settings<'w>,
    header: &'w Header,
    beta: &'w [f64],
    keeper: Option<&'w dyn Keeper>,
    stages: Stages<'s>,
) -> impl FnOnce(&dyn Crews<S>) -> Result<Found> + Send + use<'w, 's, S> {
    move |crews| {
        let over = |draw: usize, work: &mut CrewWork<'_>| {
            slices.with(draw, &mut |slice: &Slice<'_, S>| crews.over(slice, work))
        };
        let job = Job {
            alpha: &header.alpha,
            beta,
            draws: header.draws,
            sets: &header.provenance.data,
            channels: &header.channels,
            finite: header.finite,
            passes: header.passes,
            shard: settings.shard,
            ledger: None,
            keeper,
            observer: settings.observer,
            on_bad: settings.on_bad,
            team: None,
            repeated: None,
        };
        in_all_processes(&over, settings, header, &job, crews.threads(), stages)
    }
}

/// Runs the sweep in this process, and in the others of its executor if there are any.
fn in_all_processes(
    over: &OverDraw<'_>,
    settings: &Settings<'_>,
    header: &Header,
    job: &Job<'_>,
    threads: usize,
    stages: Stages<'_>,
) -> Result<Found> {
    let Some(executor) = settings.executor.filter(|executor| executor.processes() > 1) else {
        let (outcome, resumed) = evaluate(over, settings, header, *job, stages)?;
        return Ok(Found { outcome, resumed, threads, machines: Vec::new() });
    };
    match executor.process() {
        0 => {
            let team = Team::new(executor, header);
            let job = Job { team: Some(&team), ..*job };
            let evaluated = evaluate(over, settings, header, job, stages);
            let (outcome, resumed) = evaluated.inspect_err(|error| team.fail(&error.to_string()))?;
            let (threads, machines) = (threads + team.threads(), team.machines());
            Ok(Found { outcome, resumed, threads, machines })
        }
        process if process < executor.processes() => {
            let job = Job { observer: None, ..*job };
            let outcome = help(executor, over, header, job, threads, stages)?;
            Ok(Found { outcome, resumed: None, threads, machines: Vec::new() })
        }
        process => {
            let source = format!("its executor knows of {} processes", executor.processes()).into();
            Err(Error::Executor { process, source })
        }
    }
}

/// Takes from the journal what is there, if there is one, and evaluates the rest.
fn evaluate(
    over: &OverDraw<'_>,
    settings: &Settings<'_>,
    header: &Header,
    job: Job<'_>,
    stages: Stages<'_>,
) -> Result<(Outcome, Option<Resumed>)> {
    let mut known = Known::nothing(header)?;
    let (ledger, resumed) = match &settings.journal {
        Some(path) => {
            let (ledger, resumed) = Ledger::resume(path, header, job.keeper, &mut known)?;
            (Some(ledger), resumed)
        }
        None => (None, None),
    };
    let job = Job { ledger: ledger.as_ref().map(|ledger| ledger as &dyn Recorder), ..job };
    let outcome = job.run(over, stages, known)?;
    ledger.map_or(Ok(()), Ledger::close)?;
    Ok((outcome, resumed))
}

/// Computes what process 0 asks for until it has all points, and takes the result from it.
fn help(
    executor: &dyn Executor,
    over: &OverDraw<'_>,
    header: &Header,
    job: Job<'_>,
    threads: usize,
    stages: Stages<'_>,
) -> Result<Outcome> {
    let form = Form::new(header, &header.encode());
    let (known, reason) = serve(executor, over, header, form, &job, threads)?;
    let job = Job { repeated: Some(Ending(reason)), ..job };
    job.run(&|_: usize, work: &mut CrewWork<'_>| work(&NoThreads), stages, known)
}

impl Ran {
    /// The one draw of a sweep that has no more, with what is known of the whole.
    pub(crate) fn into_one(self) -> Parts {
        let Self { parts, elapsed, resumed, .. } = self;
        #[expect(clippy::expect_used, reason = "as many as there are origins, which is one")]
        let mut parts = parts.into_iter().next().expect("a draw");
        (parts.report.elapsed, parts.report.resumed) = (elapsed, resumed);
        parts
    }
}

/// The names of all channels in a result, with the names of the data sets before them.
pub(crate) fn channel_names<D: ?Sized>(data: &DataSets<'_, D>, channels: &[String]) -> Vec<String> {
    let names: Vec<String> = data.iter().map(|(name, _)| name.clone()).collect();
    full_channels(&names, channels)
}

/// The head of a journal: everything that decides the values. `data` are the names of the data sets, with their
/// fingerprints.
fn header(task: &Task<'_>, scalar: &str, data: Vec<String>, data_hashes: Vec<Option<u64>>) -> Header {
    let Task { origins, grid, .. } = task;
    let origin = &origins[0];
    let provenance = Provenance {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        scalar: scalar.to_owned(),
        theta_hash: Some(origin.theta_hash),
        directions: origins.iter().flat_map(|origin| origin.directions.iter().cloned()).collect(),
        // Each draw has its own.
        cosine: if origins.len() == 1 { origin.cosine } else { None },
        data,
        data_hashes,
    };
    Header {
        sweep: origin.kind.to_owned(),
        settings: task.settings.clone(),
        parameters: origin.parameters,
        layout_hash: origin.layout_hash,
        draws: origins.len(),
        alpha: grid.alpha.clone(),
        beta: grid.is_plane.then(|| grid.beta.clone()),
        channels: task.channels.clone(),
        finite: task.finite,
        passes: task.passes,
        provenance,
    }
}

/// The data sets without a fingerprint.
fn unchecked(provenance: &Provenance) -> Vec<String> {
    let sets = provenance.data.iter().zip(&provenance.data_hashes);
    sets.filter(|(_, hash)| hash.is_none()).map(|(name, _)| name.clone()).collect()
}
