//! Any process but process 0: it computes the points that process 0 asks for, and takes the result from it.

use std::{
    cell::Cell,
    collections::VecDeque,
    io,
    sync::{
        Condvar, Mutex, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use super::{
    executor::{Arrival, Executor},
    message::{ToOther, ToProcess0},
};
use crate::{
    Error, OracleError, Result,
    engine::{
        driver::{Job, OverDraw},
        execution::{Crew, Facts, MakeWorker},
        journal::{Form, Header, Keeper, Known, Recorder, records},
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
    let outbox = Outbox {
        executor,
        form,
        failed: OnceLock::new(),
        unheard: OnceLock::new(),
        told: AtomicBool::new(false),
    };
    let job = Job { ledger: Some(&outbox), on_bad: OnBadPoint::Record, ..*job };
    let known = Known::nothing(header)?;
    let mut inbox = Inbox {
        outbox: &outbox,
        executor,
        header,
        form,
        machine: &machine,
        threads,
        greeted: false,
        keeper: job.keeper,
        known,
    };
    let mut next = inbox.next(None)?;
    loop {
        let draw = match next {
            Next::End(reason) => return Ok((inbox.known, reason)),
            Next::Open(draw) if draw < header.draws => draw,
            Next::Open(_) => return Err(lost(executor, "it asks for a draw that there is not".into())),
        };
        let mut then = None;
        let done = over(draw, &mut |crew| {
            outbox.send_or_listen(&ToProcess0::Ready);
            then = Some(compute(crew, &mut inbox, &outbox, &job)?);
            Ok(())
        });
        if let Err(error) = done {
            if !matches!(
                error,
                Error::Executor { .. } | Error::EndedByProcess0 { .. } | Error::OtherSweep { .. }
            ) {
                outbox.send(&ToProcess0::Failed(&error.to_string()))?;
            }
            return Err(error);
        }
        next = match then {
            Some(next) => next,
            None => inbox.next(None)?,
        };
    }
}

/// Computes runs of points on all threads, until process 0 wants something else.
fn compute(crew: &dyn Crew, inbox: &mut Inbox<'_>, outbox: &Outbox<'_>, job: &Job<'_>) -> Result<Next> {
    let shared = Shared::new(job, 0, 0, Vec::new());
    let facts = crew.facts();
    let batch = facts.iter().fold(1, |most, facts| facts.batch.max(most)).min(MOST_BATCH);
    let (queue, stride) = (Queue::default(), outbox.form.stride);
    let work = || {
        crew.on_each_thread(&|make| {
            let _alarm = Alarm { outbox, shared: &shared, queue: &queue };
            let mut state = shared.state(make, facts, batch);
            while let Some(points) = queue.take() {
                if shared.is_stopped() {
                    continue;
                }
                BEGUN.set(Some(Instant::now()));
                match Room::new(points.len(), stride) {
                    Ok(mut room) => shared.compute(&mut state, room.rows(&points, stride), batch),
                    Err(error) => shared.end_with(error),
                }
                outbox.tell_why(&shared);
            }
        });
    };
    thread::scope(|scope| {
        let pump = thread::Builder::new().spawn_scoped(scope, || {
            let _closing = Closing(&queue);
            inbox.next(Some(&queue))
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
struct Inbox<'i> {
    outbox: &'i Outbox<'i>,
    executor: &'i dyn Executor,
    header: &'i Header,
    form: Form,
    machine: &'i str,
    threads: usize,
    /// Whether process 0 has greeted this sweep: what came before belongs to another one.
    greeted: bool,
    keeper: Option<&'i dyn Keeper>,
    /// What process 0 says of the result.
    known: Known,
}

impl Inbox<'_> {
    /// Reads messages until process 0 wants something else than points computed; these go to the queue.
    fn next(&mut self, queue: Option<&Queue>) -> Result<Next> {
        loop {
            if let Some(reason) = self.outbox.failed.get() {
                // Process 0 was told, and has nothing more to say to this one.
                return Err(lost(self.executor, reason.as_str().into()));
            }
            let bytes = match self.executor.receive(PATIENCE) {
                Ok(Some(Arrival::Message { from: 0, bytes })) => bytes,
                Ok(Some(Arrival::Gone { process: 0, reason })) => {
                    return Err(lost(self.executor, reason.into()));
                }
                Ok(None) => match self.outbox.unheard.get() {
                    Some(reason) => return Err(lost(self.executor, reason.as_str().into())),
                    None => continue,
                },
                // Processes but 0 have nothing to say to each other.
                Ok(Some(_)) => continue,
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
                ToOther::Run { stage, points } => {
                    let fits = points.iter().all(|&point| point < self.form.points);
                    if !fits || self.keeper.is_some_and(|keeper| !keeper.restore_stage(stage)) {
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
        let answer = ToProcess0::Greeting { sweep, machine: self.machine, head: &own, threads: self.threads };
        self.outbox.send_or_listen(&answer);
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

thread_local! {
    /// When this thread began the points that it will send next. Process 0 cannot know: messages wait on the way.
    static BEGUN: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Where messages to process 0 are sent.
struct Outbox<'m> {
    executor: &'m dyn Executor,
    form: Form,
    /// Why nothing more can be sent that process 0 could use.
    failed: OnceLock<String>,
    /// Why process 0 does not hear this one, if it may have said all before it ended.
    unheard: OnceLock<String>,
    /// Whether process 0 was told why no more is computed here.
    told: AtomicBool,
}

impl Outbox<'_> {
    fn send(&self, message: &ToProcess0<'_>) -> Result<()> {
        self.executor.send(0, &message.to_bytes()).map_err(|error| lost(self.executor, error))
    }

    /// Sends a message that process 0 need not hear: one that has ended has said before how.
    fn send_or_listen(&self, message: &ToProcess0<'_>) {
        if let Err(error) = self.executor.send(0, &message.to_bytes()) {
            let _ = self.unheard.set(error.to_string());
        }
    }

    /// Tells process 0 once why this one has stopped, if it has.
    fn tell_why(&self, shared: &Shared<'_>) {
        if !shared.is_stopped() || self.told.swap(true, Ordering::Relaxed) {
            return;
        }
        let broken = shared.broken.get();
        let message = if let Some(error @ (Error::Unmeasured { .. } | Error::SampleMeans { .. })) = broken {
            ToProcess0::broken(error)
        } else if let Some(&(set, point)) = shared.interrupted.get() {
            ToProcess0::Interrupted { set, point }.to_bytes()
        } else {
            let reason = || broken.map_or_else(|| "it stopped".to_owned(), Error::to_string);
            ToProcess0::Failed(self.failed.get_or_init(reason)).to_bytes()
        };
        // If process 0 does not hear it, that is found where its messages are read.
        let _ = self.executor.send(0, &message);
    }
}

impl Recorder for Outbox<'_> {
    fn form(&self) -> Form {
        self.form
    }

    fn append(&self, records: &[u8], _: usize) -> bool {
        let now = Instant::now();
        let since = BEGUN.replace(Some(now));
        let time = since.map_or(Duration::ZERO, |begun| now.saturating_duration_since(begun));
        let sent = self.executor.send(0, &ToProcess0::Done { time, records }.to_bytes());
        sent.inspect_err(|error| drop(self.failed.set(error.to_string()))).is_ok()
    }

    fn fail(&self, error: io::Error) {
        let _ = self.failed.set(error.to_string());
    }
}

/// Tells process 0 if a thread of this process panics, which then waits for nothing more. A panic of an oracle at a point
/// is no such panic.
struct Alarm<'a> {
    outbox: &'a Outbox<'a>,
    shared: &'a Shared<'a>,
    queue: &'a Queue,
}

impl Drop for Alarm<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            let _ = self.outbox.failed.set("it panicked".to_owned());
            self.shared.halt(StopReason::Cancelled);
            self.outbox.tell_why(self.shared);
            self.queue.close();
        }
    }
}

/// Closes a queue, whatever ends its thread.
struct Closing<'q>(&'q Queue);

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        self.0.close();
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
pub(in crate::engine) struct NoThreads;

impl Crew for NoThreads {
    fn threads(&self) -> usize {
        1
    }

    fn facts(&self) -> &[Facts] {
        &[]
    }

    fn on_each_thread(&self, _: &(dyn for<'w> Fn(&'w MakeWorker<'w>) + Sync)) {}
}
