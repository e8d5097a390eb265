//! Process 0: it gives runs of points to the other processes, and takes what they found as if a thread had found it.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use super::{
    executor::{Arrival, Executor},
    message::{ToDealer, ToOther},
    serving::differences,
};
use crate::{
    Error,
    engine::{
        journal::{Form, Header, Known, Record, encode, records},
        pace::Pace,
        rows::Rows,
        shared::{Shared, StopReason, lock, next_run},
        worker::Notes,
    },
    landscape::{BadPoint, PointFailure},
};

/// The other processes of a sweep, as process 0 knows them.
pub(in crate::engine) struct Team<'e> {
    executor: &'e dyn Executor,
    header: &'e Header,
    /// Tells it from sweeps before, of which late messages may come.
    sweep: usize,
    form: Form,
    machine: String,
    limit: Option<Duration>,
    others: Mutex<Others>,
    /// Threads of the others that were ready at some time.
    threads: AtomicUsize,
    /// Whether the others know how the sweep ended.
    ended: AtomicBool,
}

struct Others {
    /// Process 1, 2, and so on.
    members: Vec<Member>,
    /// In how many processes each point has exceeded the limit.
    overdue: HashMap<usize, usize>,
}

struct Member {
    state: State,
    threads: usize,
    pace: Pace,
    /// The points whose kept bytes it has.
    has: HashSet<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nothing has come from it.
    Awaited,
    /// It gets ready for a draw.
    Preparing(usize),
    /// It computes points of a draw.
    Ready(usize),
    /// It gets no more points, and whatever comes from it is passed over.
    GivenUp,
    /// It hears nothing any more.
    Gone,
}

/// What is given to the others in a stage.
struct Table<'t, 'v> {
    draw: usize,
    others: &'t mut Others,
    runs: Vec<Run<'v>>,
    /// Points that came back undone.
    back: Vec<Rows<'v>>,
    notes: Notes,
}

/// A run of points that a process has.
struct Run<'v> {
    member: usize,
    rows: Rows<'v>,
    /// When the process may have begun it: none while it is busy with others.
    begun: Option<Instant>,
}

/// The sweeps that this process has dealt out.
static SWEEPS: AtomicUsize = AtomicUsize::new(0);

/// How long a message is waited for where none need come, and where one must.
const IDLE: Duration = Duration::from_millis(1);
const BUSY: Duration = Duration::from_millis(20);
/// About how many bytes of the result are sent at once.
const CHUNK: usize = 1 << 20;
/// A point that exceeds the limit in so many processes is not given to another one.
const OVERDUE: usize = 2;

impl<'e> Team<'e> {
    /// Greets the other processes.
    pub(in crate::engine) fn new(executor: &'e dyn Executor, header: &'e Header) -> Self {
        let (head, sweep) = (header.encode(), SWEEPS.fetch_add(1, Ordering::Relaxed));
        let form = Form::new(header, &head);
        let member =
            || Member { state: State::Awaited, threads: 0, pace: Pace::default(), has: HashSet::new() };
        let members = (1..executor.processes()).map(|_| member()).collect();
        let team = Self {
            executor,
            header,
            sweep,
            form,
            machine: executor.machine(),
            limit: executor.point_limit(),
            others: Mutex::new(Others { members, overdue: HashMap::new() }),
            threads: AtomicUsize::new(0),
            ended: AtomicBool::new(false),
        };
        team.tell_all(&ToOther::Greeting { sweep, machine: &team.machine, head: &head });
        team
    }

    /// The threads of the other processes.
    pub(in crate::engine) fn threads(&self) -> usize {
        self.threads.load(Ordering::Relaxed)
    }

    /// Sends a message to all that still hear; one that cannot be reached is gone.
    fn tell_all(&self, message: &ToOther<'_>) {
        let bytes = message.to_bytes();
        for (index, member) in lock(&self.others).members.iter_mut().enumerate() {
            if member.state != State::Gone && self.executor.send(index + 1, &bytes).is_err() {
                member.state = State::Gone;
            }
        }
    }

    /// Gives the others what was found, so that they have the same result.
    pub(in crate::engine) fn conclude(&self, shared: &Shared<'_>, found: &Known, hidden: Option<&Known>) {
        let reason = shared.stop.get().copied();
        if reason == Some(StopReason::Journal) || lock(&shared.panic).is_some() {
            // There is no result.
            return;
        }
        let bad = lock(&shared.bad);
        let mut failures: HashMap<usize, Vec<(usize, &PointFailure)>> = HashMap::new();
        let known = hidden.map_or(&[][..], |hidden| &hidden.bad);
        for (point, set, BadPoint { failure, .. }) in bad.iter().chain(known) {
            failures.entry(*point).or_default().push((*set, failure));
        }
        let mut bytes = Vec::new();
        for point in (0..found.computed.len()).filter(|&point| found.computed[point]) {
            let values = found.get(point).unwrap_or_default();
            let failures = failures.get(&point).into_iter().flatten().copied();
            let extra = |set: usize, out: &mut Vec<u8>| {
                if let Some(keeper) = shared.job.keeper {
                    keeper.outline(set, point, out);
                }
            };
            // An outline is a few bytes.
            let encoded = encode(self.form, point, values, failures, extra, &mut bytes);
            debug_assert!(encoded.is_ok(), "a record fits its frame");
            if bytes.len() > CHUNK {
                self.tell_all(&ToOther::Records(&bytes));
                bytes.clear();
            }
        }
        if !bytes.is_empty() {
            self.tell_all(&ToOther::Records(&bytes));
        }
        self.tell_all(&ToOther::End(reason));
        self.ended.store(true, Ordering::Relaxed);
    }

    /// Tells the others that there is no result, and why.
    pub(in crate::engine) fn fail(&self, reason: &str) {
        if !self.ended.swap(true, Ordering::Relaxed) {
            self.tell_all(&ToOther::Failed(reason));
        }
    }
}

impl Drop for Team<'_> {
    fn drop(&mut self) {
        self.fail("it panicked");
    }
}

impl Shared<'_> {
    /// Gives points of a stock to the other processes until it is empty and all have come back or are lost. Returns
    /// what nobody has done.
    pub(in crate::engine) fn deal<'v>(
        &self,
        team: &Team<'_>,
        stock: &Mutex<Rows<'v>>,
        draw: usize,
        batch: usize,
        own: usize,
    ) -> Vec<Rows<'v>> {
        let mut others = lock(&team.others);
        let (runs, back, notes) = (Vec::new(), Vec::new(), Notes::default());
        let mut table = Table { draw, others: &mut others, runs, back, notes };
        loop {
            if !self.is_stopped() {
                self.hand_out(team, &mut table, stock, batch, own);
            }
            let without_result = self.broken.get().is_some() || self.stop.get() == Some(&StopReason::Journal);
            let nothing_left = || self.is_stopped() || lock(stock).is_empty();
            if without_result || (table.runs.is_empty() && nothing_left()) {
                break;
            }
            match team.executor.receive(if table.runs.is_empty() { IDLE } else { BUSY }) {
                Ok(None) => {}
                Ok(Some(Arrival::Message { from, bytes })) => self.hear(team, &mut table, from, &bytes),
                Ok(Some(Arrival::Gone { process, reason })) => {
                    self.lose(team, &mut table, process, State::Gone, &reason);
                }
                Err(error) => {
                    let reason = error.to_string();
                    for process in 1..=table.others.members.len() {
                        self.lose(team, &mut table, process, State::Gone, &reason);
                    }
                }
            }
            self.check_limit(team, &mut table);
        }
        table.back
    }

    /// Gives every process that is ready as many runs as it may have, those first that have the fewest.
    fn hand_out<'v>(
        &self,
        team: &Team<'_>,
        table: &mut Table<'_, 'v>,
        stock: &Mutex<Rows<'v>>,
        batch: usize,
        own: usize,
    ) {
        let draw = table.draw;
        for index in 0..table.others.members.len() {
            if matches!(table.others.members[index].state, State::Ready(other) if other != draw) {
                table.others.members[index].state = State::Preparing(draw);
                self.tell(team, table, index, &ToOther::Open { draw });
            }
        }
        let threads = own + team.threads();
        loop {
            let left = lock(stock).len() + table.back.iter().map(Rows::len).sum::<usize>();
            // Towards the end no run should wait for another that is being computed.
            let waiting = usize::from(left > threads);
            let held = |index: usize| table.runs.iter().filter(|run| run.member == index).count();
            let free = (table.others.members.iter().enumerate())
                .filter(|(_, member)| member.state == State::Ready(draw))
                .map(|(index, member)| (held(index), member.threads, index))
                .filter(|&(held, threads, _)| held < threads + waiting)
                .min_by_key(|&(held, threads, _)| held * 1024 / threads.max(1));
            let Some((.., index)) = free else { break };
            let most = table.others.members[index].pace.run();
            let rows = match table.back.last_mut() {
                Some(rows) => {
                    let some = rows.take_front(rows.len().min(most.unwrap_or(1)));
                    table.back.retain(|rows| !rows.is_empty());
                    some
                }
                None => next_run(&mut lock(stock), threads, batch, Some(most.unwrap_or(batch))),
            };
            if rows.is_empty() {
                break;
            }
            self.give(team, table, index, rows);
        }
    }

    /// Sends a process what the points of a run need, and the run.
    fn give<'v>(&self, team: &Team<'_>, table: &mut Table<'_, 'v>, index: usize, rows: Rows<'v>) {
        let points: Vec<usize> = rows.numbers().collect();
        let mut context = Vec::new();
        if let Some(keeper) = self.job.keeper {
            let mut needs = Vec::new();
            for &point in &points {
                keeper.needs(point, &mut needs);
            }
            for point in needs {
                if !table.others.members[index].has.insert(point) {
                    continue;
                }
                for set in 0..self.job.sets.len() {
                    let mut bytes = Vec::new();
                    keeper.save(set, point, &mut bytes);
                    if !bytes.is_empty() {
                        self.tell(team, table, index, &ToOther::Kept { set, point, bytes: &bytes });
                    }
                }
            }
            keeper.context(points[0], &mut context);
        }
        if table.others.members[index].state == State::Gone {
            return table.back.push(rows);
        }
        // Before it is sent, so that it comes back if it cannot be.
        table.runs.push(Run { member: index, rows, begun: None });
        self.tell(team, table, index, &ToOther::Run { context: &context, points });
        mark_begun(table, index);
    }

    /// Sends a message to a process; if that fails it is gone.
    fn tell(&self, team: &Team<'_>, table: &mut Table<'_, '_>, index: usize, message: &ToOther<'_>) {
        if table.others.members[index].state != State::Gone
            && let Err(error) = team.executor.send(index + 1, &message.to_bytes())
        {
            self.lose(team, table, index + 1, State::Gone, &error.to_string());
        }
    }

    /// What a process says.
    fn hear(&self, team: &Team<'_>, table: &mut Table<'_, '_>, from: usize, bytes: &[u8]) {
        let Some(index) = from.checked_sub(1).filter(|&index| index < table.others.members.len()) else {
            return;
        };
        let message = ToDealer::read(bytes);
        let member = &mut table.others.members[index];
        match (member.state, message) {
            (State::Awaited, Some(ToDealer::Greeting { sweep, machine, head, threads }))
                if sweep == team.sweep =>
            {
                let other =
                    (!team.executor.allows_other_machines()).then_some((machine, team.machine.as_str()));
                let differences = differences(team.header, head, from, other);
                if differences.is_empty() {
                    member.threads = threads.max(1);
                    team.threads.fetch_add(member.threads, Ordering::Relaxed);
                    let draw = table.draw;
                    member.state = State::Preparing(draw);
                    self.tell(team, table, index, &ToOther::Open { draw });
                } else {
                    member.state = State::GivenUp;
                    self.end_with(Error::OtherSweep { process: from, differences });
                }
            }
            // What was under way when a sweep before this one ended.
            (State::Awaited | State::GivenUp | State::Gone, _) => {}
            (State::Preparing(draw), Some(ToDealer::Ready)) => member.state = State::Ready(draw),
            (_, Some(ToDealer::Done(bytes))) => match records(team.form, bytes) {
                Some(records) => self.take(team, table, index, &records),
                None => self.lose(team, table, from, State::GivenUp, "it sent points that are none"),
            },
            (_, Some(ToDealer::Interrupted { set, point }))
                if set < self.job.sets.len() && point < team.form.points =>
            {
                member.state = State::GivenUp;
                table.runs.retain(|run| run.member != index);
                self.interrupt(set, point);
            }
            (_, Some(ToDealer::Broken(error))) => {
                member.state = State::GivenUp;
                self.end_with(error);
            }
            (_, Some(ToDealer::Failed(reason))) => self.lose(team, table, from, State::Gone, reason),
            _ => self.lose(team, table, from, State::GivenUp, "it sent what makes no sense"),
        }
    }

    /// Takes points that a process has computed.
    fn take(&self, team: &Team<'_>, table: &mut Table<'_, '_>, index: usize, records: &[Record<'_>]) {
        let asked = |run: &Run<'_>| {
            run.member == index
                && run.rows.len() >= records.len()
                && run.rows.numbers().zip(records).all(|(number, record)| number == record.point)
        };
        let Some(place) = table.runs.iter().position(asked).filter(|_| !records.is_empty()) else {
            return self.lose(
                team,
                table,
                index + 1,
                State::GivenUp,
                "it sent points that it was not asked for",
            );
        };
        let mut rows = table.runs[place].rows.take_front(records.len());
        let member = &mut table.others.members[index];
        if let Some(begun) = table.runs[place].begun {
            member.pace.take(begun.elapsed(), records.len());
        }
        let channels = self.job.channels.len();
        for (row, Record { point, values, failures, extras, .. }) in records.iter().enumerate() {
            for (set, extra) in extras.iter().enumerate() {
                if self.job.keeper.is_some_and(|keeper| !keeper.restore(set, *point, extra)) {
                    rows.forget();
                    table.back.push(rows);
                    return self.lose(
                        team,
                        table,
                        index + 1,
                        State::GivenUp,
                        "it kept what is nothing of a point",
                    );
                }
                let out = rows.of_set(row, set, channels);
                out.copy_from_slice(&values[set * channels..][..channels]);
                match failures.iter().find(|(other, _)| *other == set) {
                    Some((_, failure)) => self.fail(&mut table.notes, *point, set, out, failure.clone()),
                    None => self.list_if_not_finite(&mut table.notes, *point, set, out),
                }
            }
            member.has.insert(*point);
        }
        if table.runs[place].rows.is_empty() {
            table.runs.remove(place);
        }
        self.finish(&mut table.notes, &mut rows);
        mark_begun(table, index);
    }

    /// A process gets no more points; those that it has come back.
    fn lose(&self, team: &Team<'_>, table: &mut Table<'_, '_>, process: usize, state: State, reason: &str) {
        let Some(index) = process.checked_sub(1).filter(|&index| index < table.others.members.len()) else {
            return;
        };
        let member = &mut table.others.members[index];
        let before = std::mem::replace(&mut member.state, state);
        if matches!(before, State::Gone | State::GivenUp) {
            return;
        }
        if state == State::GivenUp {
            team.executor.give_up(process);
        }
        let (lost, kept): (Vec<_>, Vec<_>) =
            std::mem::take(&mut table.runs).into_iter().partition(|run| run.member == index);
        table.runs = kept;
        table.back.extend(lost.into_iter().map(|run| run.rows));
        self.tell_of_loss(process, reason);
    }

    /// Gives up processes that take too long for a point.
    fn check_limit(&self, team: &Team<'_>, table: &mut Table<'_, '_>) {
        let Some(limit) = team.limit else { return };
        let is_late = |run: &Run<'_>| {
            let allowed = limit.saturating_mul(u32::try_from(run.rows.len()).unwrap_or(u32::MAX));
            run.begun.is_some_and(|begun| begun.elapsed() > allowed)
        };
        while let Some(place) = table.runs.iter().position(is_late) {
            let Run { member, mut rows, .. } = table.runs.remove(place);
            let reason = format!("it took longer than the limit of {limit:?} for a point");
            self.lose(team, table, member + 1, State::GivenUp, &reason);
            // One by one, so that a point that takes too long is found, and takes no others with it.
            while !rows.is_empty() {
                let mut row = rows.take_front(1);
                let number = row.number(0);
                let overdue = table.others.overdue.entry(number).or_default();
                *overdue += 1;
                if *overdue < OVERDUE {
                    table.back.push(row);
                    continue;
                }
                for set in 0..self.job.sets.len() {
                    let text = format!("it took longer than the limit of {limit:?} in {OVERDUE} processes");
                    let failure =
                        PointFailure::Error(Box::<dyn std::error::Error + Send + Sync>::from(text).into());
                    let out = row.of_set(0, set, self.job.channels.len());
                    self.fail(&mut table.notes, number, set, out, failure);
                }
                self.finish(&mut table.notes, &mut row);
            }
        }
    }
}

/// A process begins as many of its runs as it has threads, the oldest first.
fn mark_begun(table: &mut Table<'_, '_>, index: usize) {
    let threads = table.others.members[index].threads;
    for run in table.runs.iter_mut().filter(|run| run.member == index).take(threads) {
        run.begun.get_or_insert_with(Instant::now);
    }
}
