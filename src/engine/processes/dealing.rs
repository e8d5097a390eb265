//! Process 0: it gives runs of points to the other processes, and takes what they found as if a thread had found it.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use super::{
    executor::{Arrival, Executor},
    message::{ToOther, ToProcess0},
    serving::differences,
};
use crate::{
    Error,
    engine::{
        journal::{Form, Header, Known, Record, encode, records},
        pace::Pace,
        rows::Rows,
        shared::{Shared, StopReason, lock},
        stock::Stock,
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
    /// Why it is gone, until the observer is told.
    untold: Option<String>,
    threads: usize,
    /// Its kind of machine, once it has greeted.
    machine: Option<String>,
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
struct Dealt<'t, 'v> {
    draw: usize,
    others: &'t mut Others,
    /// The runs that each process has, those first that it got first.
    runs: Vec<Vec<Run<'v>>>,
    /// Points that came back undone: other processes get them first, and this one in the end.
    back: Stock<'v>,
    notes: Notes,
    /// When it was last seen whether a run takes too long.
    checked: Instant,
}

/// A run of points that a process has.
struct Run<'v> {
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
/// No process has more threads than this, whatever it says.
const MOST_THREADS: usize = 1 << 16;
/// A point that exceeds the limit in so many processes is not given to another one.
const OVERDUE: usize = 2;

impl<'e> Team<'e> {
    /// Greets the other processes.
    pub(in crate::engine) fn new(executor: &'e dyn Executor, header: &'e Header) -> Self {
        let (head, sweep) = (header.encode(), SWEEPS.fetch_add(1, Ordering::Relaxed));
        let form = Form::new(header, &head);
        let member = || Member {
            state: State::Awaited,
            untold: None,
            threads: 0,
            pace: Pace::default(),
            machine: None,
            has: HashSet::new(),
        };
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

    /// The kinds of machine of all that were ready at some time, if there are several.
    pub(in crate::engine) fn machines(&self) -> Vec<String> {
        let others = lock(&self.others);
        let machines = others.members.iter().filter_map(|member| member.machine.as_ref());
        let kinds: BTreeSet<&String> = machines.chain([&self.machine]).collect();
        if kinds.len() > 1 { kinds.into_iter().cloned().collect() } else { Vec::new() }
    }

    /// Whether nobody else computes any more, and the observer knows.
    pub(in crate::engine) fn is_alone(&self) -> bool {
        lock(&self.others).members.iter().all(|member| member.is_out() && member.untold.is_none())
    }

    /// Sends a message to all that still hear; one that cannot be reached is gone.
    fn tell_all(&self, message: &ToOther<'_>) {
        let members = &mut lock(&self.others).members;
        let hearing = members.iter().enumerate().filter(|(_, member)| member.state != State::Gone);
        let hearing: Vec<usize> = hearing.map(|(index, _)| index + 1).collect();
        for (process, error) in self.executor.send_to_all(&hearing, &message.to_bytes()) {
            let member = &mut members[process - 1];
            member.untold = (!member.is_out()).then(|| error.to_string());
            member.state = State::Gone;
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
                    keeper.save_summary(set, point, out);
                }
            };
            // A summary is a few bytes.
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

impl Member {
    /// Whether it gets no more points.
    fn is_out(&self) -> bool {
        matches!(self.state, State::GivenUp | State::Gone)
    }
}

impl Shared<'_> {
    /// Gives points of a stock to the other processes until it is empty and all have come back or are lost. Returns
    /// what nobody has done.
    pub(in crate::engine) fn deal<'v>(
        &self,
        team: &Team<'_>,
        stock: &Mutex<Stock<'v>>,
        batch: usize,
        own: usize,
    ) -> Stock<'v> {
        let mut others = lock(&team.others);
        for (index, member) in others.members.iter_mut().enumerate() {
            if let Some(reason) = member.untold.take() {
                self.tell_of_loss(index + 1, &reason);
            }
        }
        let Some(draw) = lock(stock).first().map(|point| self.job.draw(point)) else {
            return Stock::new(Vec::new());
        };
        let mut dealt = Dealt {
            draw,
            runs: others.members.iter().map(|_| Vec::new()).collect(),
            others: &mut others,
            back: Stock::new(Vec::new()),
            notes: Notes::default(),
            checked: Instant::now(),
        };
        loop {
            if !self.is_stopped() {
                self.hand_out(team, &mut dealt, stock, batch, own);
            }
            let without_result = self.broken.get().is_some() || self.stop.get() == Some(&StopReason::Journal);
            let nothing_out = dealt.runs.iter().all(Vec::is_empty);
            let nothing_left = || self.is_stopped() || lock(stock).is_empty();
            let nobody = || dealt.others.members.iter().all(Member::is_out);
            if without_result || (nothing_out && (nothing_left() || nobody())) {
                break;
            }
            match team.executor.receive(if nothing_out { IDLE } else { BUSY }) {
                Ok(None) => {}
                Ok(Some(Arrival::Message { from, bytes })) => self.hear(team, &mut dealt, from, &bytes),
                Ok(Some(Arrival::Gone { process, reason })) => {
                    self.lose(team, &mut dealt, process, State::Gone, &reason);
                }
                Err(error) => {
                    let reason = error.to_string();
                    for process in 1..=dealt.others.members.len() {
                        self.lose(team, &mut dealt, process, State::Gone, &reason);
                    }
                }
            }
            self.check_limit(team, &mut dealt);
        }
        dealt.back
    }

    /// Gives every process that is ready as many runs as it may have, those first that have the fewest.
    fn hand_out<'v>(
        &self,
        team: &Team<'_>,
        dealt: &mut Dealt<'_, 'v>,
        stock: &Mutex<Stock<'v>>,
        batch: usize,
        own: usize,
    ) {
        let draw = dealt.draw;
        for index in 0..dealt.others.members.len() {
            if matches!(dealt.others.members[index].state, State::Ready(other) if other != draw) {
                dealt.others.members[index].state = State::Preparing(draw);
                self.tell(team, dealt, index, &ToOther::Open { draw });
            }
        }
        let threads = own + team.threads();
        loop {
            let left = lock(stock).len() + dealt.back.len();
            // Towards the end no run should wait for another that is being computed, and a long one never.
            let waiting = |member: &Member| usize::from(left > threads && !member.pace.is_long());
            let free = (dealt.others.members.iter().zip(&dealt.runs).enumerate())
                .filter(|(_, (member, _))| member.state == State::Ready(draw))
                .filter(|(_, (member, runs))| runs.len() < member.threads + waiting(member))
                .min_by_key(|(_, (member, runs))| runs.len() * 1024 / member.threads)
                .map(|(index, _)| index);
            let Some(index) = free.filter(|_| left > 0) else { break };
            let most = dealt.others.members[index].pace.run();
            let rows = (dealt.back.take(most.unwrap_or(1)))
                .or_else(|| lock(stock).take_run(threads, batch, Some(most.unwrap_or(batch))));
            let Some(rows) = rows else { break };
            self.give(team, dealt, index, rows);
        }
    }

    /// Sends a process what the points of a run need, and the run.
    fn give<'v>(&self, team: &Team<'_>, dealt: &mut Dealt<'_, 'v>, index: usize, rows: Rows<'v>) {
        let points: Vec<usize> = rows.numbers().collect();
        let mut stage = Vec::new();
        if let Some(keeper) = self.job.keeper {
            let mut needs = Vec::new();
            for &point in &points {
                keeper.needs(point, &mut needs);
            }
            for point in needs {
                if !dealt.others.members[index].has.insert(point) {
                    continue;
                }
                for set in 0..self.job.sets.len() {
                    let mut bytes = Vec::new();
                    keeper.save(set, point, &mut bytes);
                    if !bytes.is_empty() {
                        self.tell(team, dealt, index, &ToOther::Kept { set, point, bytes: &bytes });
                    }
                }
            }
            keeper.save_stage(points[0], &mut stage);
        }
        if dealt.others.members[index].is_out() {
            return dealt.back.put(rows);
        }
        // Before it is sent, so that it comes back if it cannot be.
        dealt.runs[index].push(Run { rows, begun: None });
        self.tell(team, dealt, index, &ToOther::Run { stage: &stage, points });
        mark_begun(dealt, index);
    }

    /// Sends a message to a process; if that fails it is gone.
    fn tell(&self, team: &Team<'_>, dealt: &mut Dealt<'_, '_>, index: usize, message: &ToOther<'_>) {
        if dealt.others.members[index].state != State::Gone
            && let Err(error) = team.executor.send(index + 1, &message.to_bytes())
        {
            self.lose(team, dealt, index + 1, State::Gone, &error.to_string());
        }
    }

    /// What a process says.
    fn hear(&self, team: &Team<'_>, dealt: &mut Dealt<'_, '_>, from: usize, bytes: &[u8]) {
        let Some(index) = from.checked_sub(1).filter(|&index| index < dealt.others.members.len()) else {
            return;
        };
        let message = ToProcess0::read(bytes);
        let member = &mut dealt.others.members[index];
        match (member.state, message) {
            (State::Awaited, Some(ToProcess0::Greeting { sweep, machine, head, threads }))
                if sweep == team.sweep =>
            {
                let other =
                    (!team.executor.allows_other_machines()).then_some((machine, team.machine.as_str()));
                let differences = differences(team.header, head, from, other);
                if differences.is_empty() {
                    member.threads = threads.clamp(1, MOST_THREADS);
                    member.machine = Some(machine.to_owned());
                    team.threads.fetch_add(member.threads, Ordering::Relaxed);
                    let draw = dealt.draw;
                    member.state = State::Preparing(draw);
                    self.tell(team, dealt, index, &ToOther::Open { draw });
                } else {
                    member.state = State::GivenUp;
                    self.end_with(Error::OtherSweep { process: from, differences });
                }
            }
            // What was under way when a sweep before this one ended.
            (State::Awaited | State::GivenUp | State::Gone, _) => {}
            (State::Preparing(draw), Some(ToProcess0::Ready)) => member.state = State::Ready(draw),
            (_, Some(ToProcess0::Done { time, records: bytes })) => match records(team.form, bytes) {
                Some(records) => self.take(team, dealt, index, time, &records),
                None => self.lose(team, dealt, from, State::GivenUp, "it sent points that are none"),
            },
            (_, Some(ToProcess0::Interrupted { set, point }))
                if set < self.job.sets.len() && point < team.form.points =>
            {
                member.state = State::GivenUp;
                dealt.runs[index].clear();
                self.interrupt(set, point);
            }
            (_, Some(ToProcess0::Broken(error))) => {
                member.state = State::GivenUp;
                self.end_with(error);
            }
            (_, Some(ToProcess0::Failed(reason))) => self.lose(team, dealt, from, State::Gone, reason),
            _ => self.lose(team, dealt, from, State::GivenUp, "it sent what makes no sense"),
        }
    }

    /// Takes points that a process has computed.
    fn take(
        &self,
        team: &Team<'_>,
        dealt: &mut Dealt<'_, '_>,
        index: usize,
        time: Duration,
        records: &[Record<'_>],
    ) {
        let asked = |run: &Run<'_>| {
            run.rows.len() >= records.len()
                && run.rows.numbers().zip(records).all(|(number, record)| number == record.point)
        };
        let Some(place) = dealt.runs[index].iter().position(asked).filter(|_| !records.is_empty()) else {
            let reason = "it sent points that it was not asked for";
            return self.lose(team, dealt, index + 1, State::GivenUp, reason);
        };
        if let Some(keeper) = self.job.keeper {
            let restored = |record: &Record<'_>| {
                record.extras.iter().enumerate().all(|(set, extra)| keeper.restore(set, record.point, extra))
            };
            if !records.iter().all(restored) {
                let reason = "it kept what is nothing of a point";
                return self.lose(team, dealt, index + 1, State::GivenUp, reason);
            }
            dealt.others.members[index].has.extend(records.iter().map(|record| record.point));
        }
        let run = &mut dealt.runs[index][place];
        let mut rows = run.rows.take_front(records.len());
        dealt.others.members[index].pace.take(time, records.len());
        let channels = self.job.channels.len();
        for (row, Record { point, values, failures, .. }) in records.iter().enumerate() {
            for set in 0..self.job.sets.len() {
                let out = rows.of_set(row, set, channels);
                out.copy_from_slice(&values[set * channels..][..channels]);
                match failures.iter().find(|(other, _)| *other == set) {
                    Some((_, failure)) => self.fail(&mut dealt.notes, *point, set, out, failure.clone()),
                    None => self.list_if_not_finite(&mut dealt.notes, *point, set, out),
                }
            }
        }
        if run.rows.is_empty() {
            dealt.runs[index].remove(place);
        }
        self.finish(&mut dealt.notes, &mut rows);
        mark_begun(dealt, index);
    }

    /// A process gets no more points; those that it has come back.
    fn lose(&self, team: &Team<'_>, dealt: &mut Dealt<'_, '_>, process: usize, state: State, reason: &str) {
        let Some(index) = process.checked_sub(1).filter(|&index| index < dealt.others.members.len()) else {
            return;
        };
        let member = &mut dealt.others.members[index];
        let known = member.is_out();
        if member.state != State::Gone {
            member.state = state;
        }
        if known {
            return;
        }
        if state == State::GivenUp {
            team.executor.give_up(process);
        }
        for run in std::mem::take(&mut dealt.runs[index]) {
            dealt.back.put(run.rows);
        }
        self.tell_of_loss(process, reason);
    }

    /// Gives up processes that take too long for a point.
    fn check_limit(&self, team: &Team<'_>, dealt: &mut Dealt<'_, '_>) {
        let Some(limit) = team.limit.filter(|limit| dealt.checked.elapsed() > BUSY.min(*limit / 8)) else {
            return;
        };
        dealt.checked = Instant::now();
        let is_late = |run: &Run<'_>| {
            let allowed = limit.saturating_mul(u32::try_from(run.rows.len()).unwrap_or(u32::MAX));
            run.begun.is_some_and(|begun| begun.elapsed() > allowed)
        };
        for index in 0..dealt.runs.len() {
            let Some(place) = dealt.runs[index].iter().position(is_late) else { continue };
            let mut rows = dealt.runs[index].remove(place).rows;
            let reason = format!("it took longer than the limit of {limit:?} for a point");
            self.lose(team, dealt, index + 1, State::GivenUp, &reason);
            // One by one, so that a point that takes too long is found, and takes no others with it.
            while !rows.is_empty() {
                let mut row = rows.take_front(1);
                let number = row.number(0);
                let overdue = dealt.others.overdue.entry(number).or_default();
                *overdue += 1;
                if *overdue < OVERDUE {
                    dealt.back.put(row);
                    continue;
                }
                for set in 0..self.job.sets.len() {
                    let text = format!("it took longer than the limit of {limit:?} in {OVERDUE} processes");
                    let failure =
                        PointFailure::Error(Box::<dyn std::error::Error + Send + Sync>::from(text).into());
                    let out = row.of_set(0, set, self.job.channels.len());
                    self.fail(&mut dealt.notes, number, set, out, failure);
                }
                self.finish(&mut dealt.notes, &mut row);
            }
        }
    }
}

/// A process begins as many of its runs as it has threads, the oldest first.
fn mark_begun(dealt: &mut Dealt<'_, '_>, index: usize) {
    let threads = dealt.others.members[index].threads;
    for run in dealt.runs[index].iter_mut().take(threads) {
        run.begun.get_or_insert_with(Instant::now);
    }
}
