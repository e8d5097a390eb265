//! Any process but process 0: it computes the points that process 0 asks for, and takes the result from it.

use std::{
    collections::VecDeque,
    io,
    sync::{
        Condvar, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use super::{
    executor::{Arrival, Executor},
    message::{ToDealer, ToOther},
};
use crate::{
    Error, OracleError, Result,
    engine::{
        driver::{Job, OverDraw},
        execution::{Crew, Facts, MakeWorker},
        journal::{Form, Header, Keeper, Known, Sink, records},
        rows::Room,
        shared::{Shared, StopReason, lock},
    },
    landscape::OnBadPoint,
};

/// How long nothing may come before it is looked again.
const PATIENCE: Duration = Duration::from_millis(500);
/// The most points that an oracle gets in one call.
const MOST_BATCH: usize = 4096;

/// How the head of a process differs from that of process 0, with both kinds of machine where they count.
pub(super) fn differences(
    dealer: &Header,
    head: &[u8],
    process: usize,
    machines: Option<(&str, &str)>,
) -> Vec<String> {
    let (there, here) = (format!("in process {process}"), "in process 0");
    let mut differences = match Header::decode(head) {
        Ok((other, _)) => dealer.differences_from(&other, &there, here),
        Err(reason) => vec![format!("its greeting says of no sweep: {reason}")],
    };
    if let Some((other, own)) = machines.filter(|(other, own)| other != own) {
        differences.push(format!("machine: {other} {there}, {own} {here}"));
    }
    differences
}

/// What process 0 wants next.
enum Next {
    Open(usize),
    End(Option<StopReason>),
}

/// Computes what process 0 asks for. In the end it has told what it found, and why it stopped before its last point, if
/// it did.
pub(in crate::engine) fn serve(
    executor: &dyn Executor,
    over: &OverDraw<'_>,
    header: &Header,
    form: Form,
    job: &Job<'_>,
    threads: usize,
) -> Result<(Known, Option<StopReason>)> {
    let machine = executor.machine();
    let mailbox = Mailbox { executor, form, failed: Mutex::new(None), told: AtomicBool::new(false) };
    let job = Job { ledger: Some(&mailbox), on_bad: OnBadPoint::Record, ..*job };
    let known = Known::nothing(header)?;
    let mut desk = Desk {
        executor,
        header,
        form,
        machine: &machine,
        threads,
        greeted: false,
        keeper: job.keeper,
        known,
    };
    let mut next = desk.next(None)?;
    loop {
        let draw = match next {
            Next::End(reason) => return Ok((desk.known, reason)),
            Next::Open(draw) if draw < header.draws => draw,
            Next::Open(_) => return Err(lost(executor, "it asks for a draw that there is not".into())),
        };
        let mut then = None;
        let done = over(draw, &mut |crew| {
            mailbox.send(&ToDealer::Ready)?;
            then = Some(compute(crew, &mut desk, &mailbox, &job)?);
            Ok(())
        });
        if let Err(error) = done {
            if !matches!(
                error,
                Error::Executor { .. } | Error::EndedByProcess0 { .. } | Error::OtherSweep { .. }
            ) {
                mailbox.send(&ToDealer::Failed(&error.to_string()))?;
            }
            return Err(error);
        }
        next = match then {
            Some(next) => next,
            None => desk.next(None)?,
        };
    }
}

/// Computes runs of points on all threads, until process 0 wants something else.
fn compute(crew: &dyn Crew, desk: &mut Desk<'_>, mailbox: &Mailbox<'_>, job: &Job<'_>) -> Result<Next> {
    let shared = Shared::new(job, 0, 0, Vec::new());
    let facts = crew.facts();
    let batch = facts.iter().fold(1, |most, facts| facts.batch.max(most)).min(MOST_BATCH);
    let (queue, stride) = (Queue::default(), mailbox.form.stride);
    let work = || {
        crew.on_each_thread(&|make| {
            let mut state = shared.state(make, facts, batch);
            while let Some(points) = queue.take() {
                if shared.is_stopped() {
                    continue;
                }
                match Room::new(points.len(), stride) {
                    Ok(mut room) => shared.compute(&mut state, room.rows(&points, stride), batch),
                    Err(error) => shared.end_with(error),
                }
                mailbox.tell_why(&shared);
            }
        });
    };
    thread::scope(|scope| {
        let pump = thread::Builder::new().spawn_scoped(scope, || {
            let next = desk.next(Some(&queue));
            queue.close();
            next
        });
        let Ok(pump) = pump else {
            return Err(Error::ThreadPool { threads: 1, source: "no thread for messages".into() });
        };
        work();
        match pump.join() {
            Ok(next) => next,
            Err(payload) => std::panic::resume_unwind(payload),
        }
    })
}

/// Where messages of process 0 are read.
struct Desk<'d> {
    executor: &'d dyn Executor,
    header: &'d Header,
    form: Form,
    machine: &'d str,
    threads: usize,
    /// Whether process 0 has greeted this sweep: what came before belongs to another one.
    greeted: bool,
    keeper: Option<&'d dyn Keeper>,
    /// What process 0 says of the result.
    known: Known,
}

impl Desk<'_> {
    /// Reads messages until process 0 wants something else than points computed; these go to the queue.
    fn next(&mut self, queue: Option<&Queue>) -> Result<Next> {
        loop {
            let bytes = match self.executor.receive(PATIENCE) {
                Ok(Some(Arrival::Message { from: 0, bytes })) => bytes,
                Ok(Some(Arrival::Gone { process: 0, reason })) => {
                    return Err(lost(self.executor, reason.into()));
                }
                // Processes but 0 have nothing to say to each other.
                Ok(_) => continue,
                Err(error) => return Err(lost(self.executor, error)),
            };
            let executor = self.executor;
            let nonsense = || lost(executor, "process 0 sent what makes no sense".into());
            match ToOther::read(&bytes).ok_or_else(nonsense)? {
                ToOther::Greeting { sweep, machine, head } => self.greet(sweep, machine, head)?,
                _ if !self.greeted => {}
                ToOther::Open { draw } => return Ok(Next::Open(draw)),
                ToOther::Kept { set, point, bytes } => {
                    let fits = set < self.form.sets && point < self.form.points;
                    if !fits || self.keeper.is_some_and(|keeper| !keeper.restore(set, point, bytes)) {
                        return Err(nonsense());
                    }
                }
                ToOther::Run { context, points } => {
                    let fits = points.iter().all(|&point| point < self.form.points);
                    if !fits || self.keeper.is_some_and(|keeper| !keeper.enter(context)) {
                        return Err(nonsense());
                    }
                    if let Some(queue) = queue {
                        queue.put(points);
                    }
                }
                ToOther::Records(bytes) => {
                    for record in records(self.form, bytes).ok_or_else(nonsense)? {
                        for (set, extra) in record.extras.iter().enumerate() {
                            if self.keeper.is_some_and(|keeper| !keeper.restore(set, record.point, extra)) {
                                return Err(nonsense());
                            }
                        }
                        self.known.take(self.header, record.point, &record.values, &record.failures);
                    }
                }
                ToOther::End(reason) => return Ok(Next::End(reason)),
                ToOther::Failed(reason) => {
                    return Err(Error::EndedByProcess0 { reason: reason.to_owned() });
                }
            }
        }
    }

    /// Answers a greeting; refuses another sweep than this one.
    fn greet(&mut self, sweep: usize, machine: &str, head: &[u8]) -> Result<()> {
        self.greeted = true;
        let own = self.header.encode();
        let answer = ToDealer::Greeting { sweep, machine: self.machine, head: &own, threads: self.threads };
        self.executor.send(0, &answer.to_bytes()).map_err(|error| lost(self.executor, error))?;
        let process = self.executor.process();
        let machines = (!self.executor.allows_other_machines()).then_some((self.machine, machine));
        let differences = match Header::decode(head) {
            Ok((dealer, _)) => differences(&dealer, &own, process, machines),
            Err(reason) => vec![format!("the greeting of process 0 says of no sweep: {reason}")],
        };
        if differences.is_empty() { Ok(()) } else { Err(Error::OtherSweep { process, differences }) }
    }
}

/// Process 0 cannot be reached.
fn lost(executor: &dyn Executor, reason: OracleError) -> Error {
    Error::Executor { process: executor.process(), source: reason.into_boxed() }
}

/// Sends what threads found to process 0.
struct Mailbox<'m> {
    executor: &'m dyn Executor,
    form: Form,
    failed: Mutex<Option<io::Error>>,
    /// Whether process 0 was told why no more is computed here.
    told: AtomicBool,
}

impl Mailbox<'_> {
    fn send(&self, message: &ToDealer<'_>) -> Result<()> {
        self.executor.send(0, &message.to_bytes()).map_err(|error| lost(self.executor, error))
    }

    /// Tells process 0 once why this one has stopped, if it has.
    fn tell_why(&self, shared: &Shared<'_>) {
        if !shared.is_stopped() || self.told.swap(true, Ordering::Relaxed) {
            return;
        }
        let message = if let Some(error) = shared.broken.get() {
            ToDealer::broken(error)
        } else if let Some(&(set, point)) = shared.interrupted.get() {
            ToDealer::Interrupted { set, point }.to_bytes()
        } else {
            let failed = lock(&self.failed);
            let reason = failed.as_ref().map_or_else(|| "it stopped".to_owned(), ToString::to_string);
            ToDealer::Failed(&reason).to_bytes()
        };
        // If process 0 does not hear it, that is found where its messages are read.
        let _ = self.executor.send(0, &message);
    }
}

impl Sink for Mailbox<'_> {
    fn form(&self) -> Form {
        self.form
    }

    fn append(&self, records: &[u8], _: usize) -> bool {
        self.send(&ToDealer::Done(records)).is_ok()
    }

    fn fail(&self, error: io::Error) {
        lock(&self.failed).get_or_insert(error);
    }
}

/// Runs of points to compute.
#[derive(Default)]
struct Queue {
    runs: Mutex<(VecDeque<Vec<usize>>, bool)>,
    changed: Condvar,
}

impl Queue {
    fn put(&self, points: Vec<usize>) {
        lock(&self.runs).0.push_back(points);
        self.changed.notify_one();
    }

    /// There will be no more; those that are there count no more either.
    fn close(&self) {
        *lock(&self.runs) = (VecDeque::new(), true);
        self.changed.notify_all();
    }

    /// The next run, when there is one; none at the end.
    fn take(&self) -> Option<Vec<usize>> {
        let mut runs = lock(&self.runs);
        loop {
            match runs.0.pop_front() {
                Some(run) => return Some(run),
                None if runs.1 => return None,
                None => {
                    runs = self.changed.wait(runs).unwrap_or_else(std::sync::PoisonError::into_inner);
                }
            }
        }
    }
}

/// No threads: nothing is left to compute.
pub(in crate::engine) struct Nobody;

impl Crew for Nobody {
    fn threads(&self) -> usize {
        1
    }

    fn facts(&self) -> &[Facts] {
        &[]
    }

    fn on_each_thread(&self, _: &(dyn for<'w> Fn(&'w MakeWorker<'w>) + Sync)) {}
}
