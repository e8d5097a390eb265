//! The loop of all sweeps: stage by stage to the outcome, whatever is measured.

use std::{
    ops::Range,
    panic::resume_unwind,
    time::{Duration, Instant},
};

use super::{
    Observer,
    execution::{Crew, CrewWork},
    journal::{Keeper, Known, Recorder},
    processes::Team,
    rows::{Room, Rows},
    settings::is_in_shard,
    shared::{Shared, StopReason, into_inner},
    stages::{Choice, Stages},
};
use crate::{
    Point, Result,
    landscape::{BadPoint, OnBadPoint, SweepEnd},
};

/// What is to be evaluated: every point of α × β, on every data set, for each draw of the slice. Points are numbered
/// through all draws.
#[derive(Clone, Copy)]
pub(crate) struct Job<'a> {
    pub(crate) alpha: &'a [f64],
    pub(crate) beta: &'a [f64],
    /// How many slices there are; more than one only where the stages are [`Stages::All`] of one pass.
    pub(crate) draws: usize,
    /// The names of the data sets.
    pub(crate) sets: &'a [String],
    /// The channels of one data set.
    pub(crate) channels: &'a [String],
    /// How many of them, counted from the first, must be finite.
    pub(crate) finite: usize,
    /// How often a point may be computed; see [`Header`](super::journal::Header). More than once only where a
    /// choice asks for it: point p again is the number of points + p.
    pub(crate) passes: usize,
    /// (k, n): of all points those whose number is k modulo n. None for all.
    pub(crate) shard: Option<(usize, usize)>,
    /// Where finished points are written.
    pub(crate) ledger: Option<&'a dyn Recorder>,
    /// What is kept of a point for each data set, in addition to its values.
    pub(crate) keeper: Option<&'a dyn Keeper>,
    pub(crate) observer: Option<&'a dyn Observer>,
    pub(crate) on_bad: OnBadPoint,
    /// Other processes, to which this one deals out points.
    pub(crate) team: Option<&'a Team<'a>>,
    /// Where process 0 has done this job and all that it found is known: how it ended there. The choices are made again,
    /// and no point is computed.
    pub(super) repeated: Option<Ending>,
}

/// Why a job stopped before its last point, if it did.
#[derive(Clone, Copy)]
pub(super) struct Ending(pub(super) Option<StopReason>);

/// The outcome of a job: values by point, data set and channel.
pub(crate) struct Outcome {
    pub(crate) values: Vec<f64>,
    pub(crate) computed: Vec<bool>,
    /// With the number of the point.
    pub(crate) bad_points: Vec<(usize, BadPoint)>,
    pub(crate) end: SweepEnd,
    /// The time for each draw, preparation included.
    pub(crate) elapsed: Vec<Duration>,
}

/// Lets some work use the threads over the slice of a draw.
pub(crate) type OverDraw<'o> = dyn Fn(usize, &mut CrewWork<'_>) -> Result<()> + 'o;

impl Job<'_> {
    /// Evaluates what is not known yet of the job, draw after draw.
    pub(crate) fn run(&self, over: &OverDraw<'_>, stages: Stages<'_>, known: Known) -> Result<Outcome> {
        let mut stages = self.left(stages, &known);
        let (mut found, hidden) = self.visible(&stages, known)?;
        // All memory is taken before the first point, since a sweep must not fail for lack of it with points computed.
        let mut room = Room::new(stages.largest(), self.stride())?;
        let (total, before) = (self.total(&stages, &found), found.count());
        let shared = Shared::new(self, total, before, std::mem::take(&mut found.bad));
        if let Some(observer) = self.observer {
            observer.started(total);
            if before > 0 {
                observer.resumed(before);
            }
        }
        let mut elapsed = vec![Duration::ZERO; self.draws];
        let mut outcome = Ok(());
        for (draw, elapsed) in elapsed.iter_mut().enumerate() {
            let points = self.points_of(draw);
            // One slice is always prepared, so that data that do not fit are found even if nothing is left to do.
            if shared.is_stopped() || (self.draws > 1 && !stages.has_any(&points)) {
                continue;
            }
            let started = Instant::now();
            outcome = over(draw, &mut |crew| {
                self.run_draw(
                    &shared,
                    crew,
                    &mut stages,
                    points.clone(),
                    hidden.as_ref(),
                    &mut room,
                    &mut found,
                );
                Ok(())
            });
            *elapsed = started.elapsed();
            if outcome.is_err() {
                break;
            }
        }
        if let Some(observer) = self.observer {
            observer.finished();
        }
        outcome?;
        let mut shared = shared;
        if let Some(error) = shared.broken.take() {
            return Err(error);
        }
        if let Some(Ending(Some(reason))) = self.repeated {
            shared.halt(reason);
        }
        if let Some(team) = self.team {
            team.conclude(&shared, &found, hidden.as_ref());
        }
        Ok(self.outcome(shared, found, hidden, elapsed))
    }

    /// Evaluates the points of one draw that are left in the stages.
    #[allow(clippy::too_many_arguments, reason = "the state of a run, which is borrowed part by part")]
    fn run_draw(
        &self,
        shared: &Shared<'_>,
        crew: &dyn Crew,
        stages: &mut Stages<'_>,
        points: Range<usize>,
        hidden: Option<&Known>,
        room: &mut Room,
        found: &mut Known,
    ) {
        match stages {
            Stages::All => shared.run_stage(crew, Rows::consecutive(found, points)),
            Stages::Fixed(stages) => {
                for stage in stages {
                    if self.draws > 1 {
                        let own: Vec<usize> =
                            stage.iter().copied().filter(|point| points.contains(point)).collect();
                        run_listed(shared, crew, &own, room, found);
                    } else {
                        run_listed(shared, crew, stage, room, found);
                    }
                }
            }
            Stages::Chosen(choice) => run_chosen(shared, crew, *choice, hidden, room, found),
        }
    }

    /// The stages without the points that are known or of another shard. A choice leaves them out as it goes.
    fn left<'s>(&self, stages: Stages<'s>, known: &Known) -> Stages<'s> {
        let left = |point: &usize| !known.computed[*point] && self.is_mine(*point);
        match stages {
            Stages::All if known.count() > 0 || self.shard.is_some() => {
                Stages::Fixed(vec![(0..self.points()).filter(left).collect()])
            }
            Stages::Fixed(mut stages) => {
                for stage in &mut stages {
                    stage.retain(left);
                }
                Stages::Fixed(stages)
            }
            Stages::All | Stages::Chosen(_) => stages,
        }
    }

    /// What the sweep starts with, and what is hidden from it: an adaptive choice is repeated stage by stage, and sees
    /// a known point only once it asks for it. Only then is it the same choice as in the sweep that was interrupted.
    fn visible(&self, stages: &Stages<'_>, known: Known) -> Result<(Known, Option<Known>)> {
        match stages {
            Stages::Chosen(_) if known.count() > 0 => {
                Ok((Known::empty(self.points() * self.passes, self.stride())?, Some(known)))
            }
            _ => Ok((known, None)),
        }
    }

    /// How many points the sweep has, those known included.
    fn total(&self, stages: &Stages<'_>, found: &Known) -> usize {
        match stages {
            Stages::Chosen(choice) => choice.most(),
            _ => (0..self.points()).filter(|&point| found.computed[point] || self.is_mine(point)).count(),
        }
    }

    fn outcome(
        &self,
        shared: Shared<'_>,
        found: Known,
        hidden: Option<Known>,
        elapsed: Vec<Duration>,
    ) -> Outcome {
        let Shared { stop, bad, panic, .. } = shared;
        if let Some(payload) = into_inner(panic) {
            resume_unwind(payload);
        }
        let mut found = Known { bad: into_inner(bad), ..found };
        let hidden = hidden.into_iter().flat_map(|hidden| hidden.bad);
        found.bad.extend(hidden.filter(|(point, ..)| found.computed[*point]));
        found.merge_passes(self.points());
        let Known { values, computed, bad, .. } = found;
        let complete = computed.iter().all(|&done| done);
        let mine = complete || (0..self.points()).all(|point| computed[point] || !self.is_mine(point));
        let end = match stop.into_inner() {
            // Where the journal failed, the sweep ends with that error.
            Some(StopReason::BadPoint | StopReason::Journal) => SweepEnd::BadPoint,
            Some(StopReason::Cancelled) if !mine => SweepEnd::Cancelled,
            _ if complete || self.shard.is_none() => SweepEnd::Complete,
            _ => SweepEnd::Partial,
        };
        let bad_points = bad.into_iter().map(|(point, _, bad)| (point, bad)).collect();
        Outcome { values, computed, bad_points, end, elapsed }
    }

    /// The points of all draws.
    pub(super) fn points(&self) -> usize {
        self.grid_points() * self.draws
    }

    fn grid_points(&self) -> usize {
        self.alpha.len() * self.beta.len()
    }

    /// The numbers of the points of a draw.
    fn points_of(&self, draw: usize) -> Range<usize> {
        draw * self.grid_points()..(draw + 1) * self.grid_points()
    }

    /// The draw of a point, of any pass.
    pub(super) fn draw(&self, point: usize) -> usize {
        point % self.points() / self.grid_points()
    }

    /// Values of a point.
    fn stride(&self) -> usize {
        self.sets.len() * self.channels.len()
    }

    /// Whether a point is one of this shard.
    fn is_mine(&self, point: usize) -> bool {
        is_in_shard(self.shard, point)
    }

    /// The indices and coordinates of a point, of any pass.
    pub(super) fn place(&self, point: usize) -> ([usize; 2], [f64; 2]) {
        let point = point % self.grid_points();
        let [i, j] = [point / self.beta.len(), point % self.beta.len()];
        ([i, j], [self.alpha[i], self.beta[j]])
    }

    /// A point as the oracle sees it, which knows of one grid alone.
    pub(super) fn point(&self, number: usize) -> Point {
        let coordinates = self.place(number).1;
        Point { number: if self.draws > 1 { number % self.grid_points() } else { number }, coordinates }
    }
}

/// Evaluates a list of points, in `room` until they go to their places.
fn run_listed(shared: &Shared<'_>, crew: &dyn Crew, stage: &[usize], room: &mut Room, found: &mut Known) {
    shared.run_stage(crew, room.rows(stage, found.stride));
    room.copy_to(stage, found);
}

/// Evaluates what a choice asks for, until it asks for nothing; what is hidden from it appears when it asks.
fn run_chosen(
    shared: &Shared<'_>,
    crew: &dyn Crew,
    choice: &mut dyn Choice,
    hidden: Option<&Known>,
    room: &mut Room,
    found: &mut Known,
) {
    let points = shared.job.points();
    while !shared.is_stopped() {
        let mut stage = choice.next(&found.values, &found.computed);
        if stage.is_empty() {
            break;
        }
        if let Some(hidden) = hidden {
            // A point computed again was counted before.
            let new = |stage: &[usize]| stage.iter().filter(|&&point| point < points).count();
            let asked = new(&stage);
            stage.retain(|&point| !hidden.reveal(point, found));
            shared.count_known(asked - new(&stage));
        }
        run_listed(shared, crew, &stage, room, found);
    }
}
