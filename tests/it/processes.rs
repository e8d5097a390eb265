//! Sweeps in several processes: the same bits as in one, whatever becomes of the others.
//!
//! Most processes are played by threads that speak over channels, so that what becomes of them can be chosen to the
//! message. Real ones, over the pipes of the example `processes`, are killed by the system.

use std::{
    env, fmt, fs,
    ops::ControlFlow,
    panic::{self, AssertUnwindSafe},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    },
    thread::{self, sleep},
    time::Duration,
};

use loss_landscape::{
    Adaptive, Arrival, Curve, EigenRatio, Error, Executor, Gradient, HessianProduct, Journal, Landscape,
    Layout, Loss, Model, Observer, OracleError, Plane, Progress, RandomDirections, Result, SampleLosses,
    Sampled, Surface, Sweep, content_hash,
    oracle::{Point, Prepared, Slice, Worker},
    report::SweepEnd,
};

use crate::pipes::Pipes;

/// A process played by a thread.
struct Channels {
    process: usize,
    to: Vec<Sender<Arrival>>,
    inbox: Mutex<Receiver<Arrival>>,
    /// Messages that it may still send; then it is gone.
    left: AtomicUsize,
    limit: Option<Duration>,
    machine: &'static str,
    mixed: bool,
    /// The most bytes of a message but the first.
    largest: usize,
    sent: AtomicUsize,
    /// Whether nothing can be received, and how often that was tried.
    deaf: bool,
    tried: AtomicUsize,
    /// How long every message that is received takes.
    delay: Duration,
}

impl Channels {
    fn connected(processes: usize) -> Vec<Self> {
        let (to, inboxes): (Vec<_>, Vec<_>) = (0..processes).map(|_| channel()).unzip();
        let one = |(process, inbox)| Self {
            process,
            to: to.clone(),
            inbox: Mutex::new(inbox),
            left: AtomicUsize::new(usize::MAX),
            limit: None,
            machine: "any",
            mixed: false,
            largest: usize::MAX,
            sent: AtomicUsize::new(0),
            deaf: false,
            tried: AtomicUsize::new(0),
            delay: Duration::ZERO,
        };
        inboxes.into_iter().enumerate().map(one).collect()
    }
}

impl Executor for Channels {
    fn process(&self) -> usize {
        self.process
    }
    fn processes(&self) -> usize {
        self.to.len()
    }
    fn send(&self, to: usize, message: &[u8]) -> Result<(), OracleError> {
        if self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_err() {
            let (process, reason) = (self.process, "it was killed".to_owned());
            let _ = self.to[to].send(Arrival::Gone { process, reason });
            return Err("killed".into());
        }
        if self.sent.fetch_add(1, Ordering::Relaxed) > 0 && message.len() > self.largest {
            return Err("too large".into());
        }
        let (from, bytes) = (self.process, message.to_vec());
        Ok(self.to[to].send(Arrival::Message { from, bytes }).map_err(|_| "it has ended")?)
    }
    fn receive(&self, patience: Duration) -> Result<Option<Arrival>, OracleError> {
        if self.deaf {
            self.tried.fetch_add(1, Ordering::Relaxed);
            return Err("nothing can be heard".into());
        }
        if self.left.load(Ordering::Relaxed) == 0 {
            let (process, reason) = (self.process, "it was killed".to_owned());
            let _ = self.to[0].send(Arrival::Gone { process, reason });
            return Err("killed".into());
        }
        // So that one that is killed soon notices.
        match self.inbox.lock().unwrap().recv_timeout(patience.min(Duration::from_millis(20))) {
            Ok(arrival) => {
                sleep(self.delay);
                Ok(Some(arrival))
            }
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => Err("all have ended".into()),
        }
    }
    fn point_limit(&self) -> Option<Duration> {
        self.limit
    }
    fn machine(&self) -> String {
        self.machine.to_owned()
    }
    fn allows_other_machines(&self) -> bool {
        self.mixed
    }
}

/// Runs the same program in all processes.
fn in_all<T: Send>(executors: &[Channels], program: impl Fn(&dyn Executor) -> T + Sync) -> Vec<T> {
    let program = &program;
    thread::scope(|scope| {
        let threads: Vec<_> =
            executors.iter().map(|executor| scope.spawn(move || program(executor))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

/// The mean over x of (Σᵢ sin((1 + i/10)·tᵢ + x))².
struct Wave {
    layout: Layout,
    theta: Vec<f64>,
    /// How long a loss takes.
    pause: Duration,
    /// Where the loss fails, panics, or is not a number, by the first parameter.
    faulty: bool,
}

impl Wave {
    const N: usize = 8;

    fn new() -> Self {
        let theta = (0..Self::N).map(|i| (i as f64).cos()).collect();
        Self { layout: Layout::flat(Self::N).unwrap(), theta, pause: Duration::ZERO, faulty: false }
    }

    fn factor(i: usize) -> f64 {
        1.0 + i as f64 / 10.0
    }

    fn sum(theta: &[f64], x: f64) -> f64 {
        theta.iter().enumerate().map(|(i, t)| (Self::factor(i) * t + x).sin()).sum()
    }

    fn plane(&self) -> Sweep<'_, Self, [f64], Plane<f64>> {
        Sweep::plane(self, RandomDirections::new(3)).alpha(-1.0..=1.0, 17).beta(-1.0..=1.0, 13)
    }
}

impl Model for Wave {
    type Scalar = f64;
    fn layout(&self) -> &Layout {
        &self.layout
    }
    fn parameters(&self) -> &[f64] {
        &self.theta
    }
}

impl Loss<[f64]> for Wave {
    fn loss(&self, theta: &[f64], data: &[f64]) -> Result<f64, OracleError> {
        sleep(self.pause);
        if self.faulty {
            match (theta[0] * 1e6) as u64 % 11 {
                0 => return Err("no loss here".into()),
                1 => panic!("not here either"),
                2 => return Ok(f64::NAN),
                _ => {}
            }
        }
        Ok(data.iter().map(|x| Self::sum(theta, *x).powi(2)).sum::<f64>() / data.len() as f64)
    }
    fn fingerprint(&self, data: &[f64]) -> Option<u64> {
        Some(content_hash(data))
    }
}

impl Gradient<[f64]> for Wave {
    fn gradient(&self, theta: &[f64], data: &[f64], out: &mut [f64]) -> Result<f64, OracleError> {
        out.fill(0.0);
        for x in data {
            let sum = Self::sum(theta, *x);
            for (i, (out, t)) in out.iter_mut().zip(theta).enumerate() {
                let factor = Self::factor(i);
                *out += 2.0 * sum * factor * (factor * t + x).cos() / data.len() as f64;
            }
        }
        self.loss(theta, data)
    }
}

impl HessianProduct<[f64]> for Wave {}

impl SampleLosses<[f64]> for Wave {
    fn sample_count(&self, data: &[f64]) -> usize {
        data.len()
    }
    fn sample_losses(
        &self,
        theta: &[f64],
        data: &[f64],
        samples: &[usize],
        out: &mut [f64],
    ) -> Result<(), OracleError> {
        samples.iter().zip(out).for_each(|(&sample, out)| *out = Self::sum(theta, data[sample]).powi(2));
        Ok(())
    }
}

fn data(samples: usize) -> Vec<f64> {
    (0..samples).map(|k| (k as f64 * 0.37).sin()).collect()
}

/// All that a result says but for the time it took, as text.
fn all_of<D: loss_landscape::GridDimension>(landscape: &Landscape<D>) -> String {
    let bits: Vec<u64> = landscape.values().iter().map(|value| value.to_bits()).collect();
    let report = landscape.report();
    let bad: Vec<String> = report.bad_points.iter().map(ToString::to_string).collect();
    let computed = landscape.computed();
    format!("{bits:x?} {computed:?} {} {} {bad:?} {}", report.end, report.computed, report.provenance)
}

/// Every kind of sweep, each as text.
fn every_kind(executor: &dyn Executor, threads: usize) -> Vec<String> {
    let (wave, few, many) = (Wave::new(), data(5), data(700));
    let plane = || wave.plane().data("train", few.as_slice()).threads(threads).executor(executor);
    let mut all = Vec::new();
    let two_sets = plane().data("test", many.as_slice()).run().unwrap();
    all.push(all_of(&two_sets));
    let adaptive = Adaptive::new().tolerance(1e-3).budget(150);
    let adapted = plane().alpha(-1.0..=1.0, 25).beta(-1.0..=1.0, 25).adaptive(&adaptive).unwrap();
    all.push(format!("{} {} {:?}", all_of(&adapted), adapted.evaluations(), adapted.stages()));
    let map = plane().eigen_ratio(&EigenRatio::new().seed(5).audit(9)).unwrap();
    all.push(format!("{} {:?} {:?}", all_of(&map), map.states(), map.audits()));
    let sweep = Sweep::plane(&wave, RandomDirections::new(3)).data("many", many.as_slice());
    let sampled = sweep.alpha(-1.0..=1.0, 17).beta(-1.0..=1.0, 13).threads(threads).executor(executor);
    let sampled = sampled.sampled(&Sampled::new().relative_error(0.05).spacing(4)).unwrap();
    all.push(format!("{} {}", all_of(&sampled), sampled.sampling()));
    let line = Sweep::line(&wave, RandomDirections::new(7)).data("", few.as_slice());
    let draws = line.alpha(-1.0..=1.0, 9).threads(threads).executor(executor).draws(4).unwrap();
    all.extend(draws.iter().map(all_of));
    let other: Vec<f64> = wave.theta.iter().map(|t| -t).collect();
    let segment = Sweep::segment(&wave, &wave.theta, &other).data("", few.as_slice());
    all.push(all_of(&segment.threads(threads).executor(executor).run().unwrap()));
    all
}

#[test]
fn any_number_of_processes_gives_the_bits_of_one_for_every_kind_of_sweep() {
    let alone = &in_all(&Channels::connected(1), |executor| every_kind(executor, 1))[0];
    for (processes, threads) in [(2, 1), (3, 2), (5, 1)] {
        for (process, found) in
            in_all(&Channels::connected(processes), |executor| every_kind(executor, threads))
                .iter()
                .enumerate()
        {
            for (kind, (found, alone)) in found.iter().zip(alone).enumerate() {
                assert!(found == alone, "sweep {kind} in process {process} of {processes}");
            }
        }
    }
}

#[test]
fn points_fail_as_in_one_process() {
    let program = |executor: &dyn Executor| {
        let wave = Wave { faulty: true, ..Wave::new() };
        all_of(&wave.plane().data("", data(3).as_slice()).threads(1).executor(executor).run().unwrap())
    };
    let alone = &in_all(&Channels::connected(1), program)[0];
    assert!(
        alone.contains("no loss here")
            && alone.contains("panicked: not here either")
            && alone.contains("is NaN")
    );
    for found in in_all(&Channels::connected(3), program) {
        assert!(found == *alone);
    }
}

#[test]
fn processes_that_are_lost_at_any_message_change_nothing() {
    let wave = Wave { pause: Duration::from_micros(300), ..Wave::new() };
    let few = data(4);
    let surface = |executor: &dyn Executor| {
        wave.plane()
            .data("", few.as_slice())
            .threads(1)
            .executor(executor)
            .run()
            .map(|surface| all_of(&surface))
    };
    let map = |executor: &dyn Executor| {
        let sweep = wave.plane().alpha(-1.0..=1.0, 9).beta(-1.0..=1.0, 9).data("", few.as_slice());
        sweep.threads(1).executor(executor).eigen_ratio(&EigenRatio::new()).map(|map| all_of(&map))
    };
    let alone = |program: &(dyn Fn(&dyn Executor) -> Result<String> + Sync)| {
        in_all(&Channels::connected(1), program).remove(0).unwrap()
    };
    let (surface_alone, map_alone) = (alone(&surface), alone(&map));
    for killed in 0..10 {
        for (program, alone) in [
            (&surface as &(dyn Fn(&dyn Executor) -> Result<String> + Sync), &surface_alone),
            (&map, &map_alone),
        ] {
            let executors = Channels::connected(3);
            executors[1].left.store(killed, Ordering::Relaxed);
            executors[2].left.store(3 * killed, Ordering::Relaxed);
            let found = in_all(&executors, program);
            assert!(found[0].as_ref().unwrap() == alone, "after {killed} messages");
            assert!(matches!(found[1], Err(Error::Executor { process: 1, .. })) || found[1].is_ok());
        }
    }
}

/// Counts processes that are lost.
#[derive(Default)]
struct Losses(Mutex<Vec<(usize, String)>>);

impl Observer for Losses {
    fn point(&self, _: &Progress<'_>) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
    fn lost(&self, process: usize, reason: &str) {
        self.0.lock().unwrap().push((process, reason.to_owned()));
    }
}

/// The surface of a wave, some 300 µs a point.
fn slow_surface(executor: &dyn Executor, observer: &dyn Observer) -> Result<String> {
    let wave = Wave { pause: Duration::from_micros(300), ..Wave::new() };
    let few = data(4);
    let sweep = wave.plane().data("", few.as_slice()).threads(1).executor(executor).observer(observer);
    sweep.run().map(|surface| all_of(&surface))
}

#[test]
fn process_0_goes_on_alone_where_it_hears_nobody() {
    let alone = slow_surface(&Channels::connected(1)[0], &Losses::default()).unwrap();
    let mut executors = Channels::connected(3);
    executors[0].deaf = true;
    let losses = Losses::default();
    assert_eq!(slow_surface(&executors[0], &losses).unwrap(), alone);
    let lost: Vec<usize> = losses.0.into_inner().unwrap().into_iter().map(|(process, _)| process).collect();
    assert_eq!(lost, [1, 2]);
    assert_eq!(executors[0].tried.load(Ordering::Relaxed), 1, "it does not ask again and again");
}

#[test]
fn a_process_that_is_gone_before_the_sweep_is_told_of_once() {
    let mut executors = Channels::connected(3);
    executors.truncate(2);
    let losses = Losses::default();
    let found = in_all(&executors, |executor| slow_surface(executor, &losses).unwrap());
    assert_eq!(found[0], found[1]);
    assert!(matches!(losses.0.into_inner().unwrap().as_slice(), [(2, reason)] if reason.contains("ended")));
}

#[test]
fn a_process_whose_points_cannot_be_sent_ends_with_an_error() {
    let mut executors = Channels::connected(3);
    // No record is as small, but what says that it has failed is.
    executors[1].largest = 30;
    let losses = Losses::default();
    // Process 0 waits until process 1 has greeted, was ready, and has tried to send points.
    let waits = |process, _| process == 0 && executors[1].sent.load(Ordering::Relaxed) < 3;
    let found = hanging_line(&executors, &losses, waits);
    assert!(is_sines(found[0].as_ref().unwrap()) && is_sines(found[2].as_ref().unwrap()));
    let error = found[1].as_ref().unwrap_err();
    assert!(matches!(error, Error::Executor { process: 1, .. }) && error.to_string().contains("too large"));
    assert_eq!(losses.0.into_inner().unwrap(), [(1, "too large".to_owned())]);
}

#[test]
fn an_executor_that_is_none_of_its_processes_is_refused() {
    let mut executor = Channels::connected(2).remove(1);
    executor.process = 2;
    let error = slow_surface(&executor, &Losses::default()).unwrap_err().to_string();
    assert_eq!(error, "process 2 cannot go on with its sweep: its executor knows of 2 processes");
}

/// A loss whose workers panic where no point explains it, in one process.
struct Explosive<'e> {
    layout: Layout,
    theta: Vec<f64>,
    explodes: bool,
    /// The others wait until this is set.
    exploded: &'e AtomicBool,
}

impl Model for Explosive<'_> {
    type Scalar = f64;
    fn layout(&self) -> &Layout {
        &self.layout
    }
    fn parameters(&self) -> &[f64] {
        &self.theta
    }
}

impl Loss<()> for Explosive<'_> {
    fn loss(&self, _: &[f64], (): &()) -> Result<f64, OracleError> {
        Err("workers compute it".into())
    }
    fn prepare<'a>(
        &'a self,
        _: &'a Slice<'a, f64>,
        (): &'a (),
    ) -> Result<Option<Box<dyn Prepared + 'a>>, OracleError> {
        Ok(Some(Box::new(self)))
    }
}

impl Prepared for &Explosive<'_> {
    fn worker(&self) -> Result<Box<dyn Worker + '_>, OracleError> {
        Ok(Box::new(Fuse(self)))
    }
}

struct Fuse<'e>(&'e Explosive<'e>);

impl Worker for Fuse<'_> {
    fn evaluate(&mut self, points: &[Point], _: usize, out: &mut [f64]) -> Result<(), OracleError> {
        assert!(!self.0.explodes, "a point that panics");
        while !self.0.exploded.load(Ordering::Relaxed) {
            sleep(Duration::from_millis(1));
        }
        points.iter().zip(out).for_each(|(point, out)| *out = point.coordinates[0]);
        Ok(())
    }
}

impl Drop for Fuse<'_> {
    fn drop(&mut self) {
        if self.0.explodes && !thread::panicking() {
            self.0.exploded.store(true, Ordering::Relaxed);
            panic!("no point explains this");
        }
    }
}

#[test]
fn a_panic_that_no_point_explains_ends_one_process_and_not_the_others() {
    for exploding in [1, 0] {
        let exploded = &AtomicBool::new(false);
        let found = in_all(&Channels::connected(3), |executor| {
            let (layout, theta) = (Layout::flat(1).unwrap(), vec![1.0]);
            let model = Explosive { layout, theta, explodes: executor.process() == exploding, exploded };
            let line = Sweep::line(&model, RandomDirections::new(1)).data("", &()).alpha(-1.0..=1.0, 201);
            let line = line.threads(2).executor(executor);
            panic::catch_unwind(AssertUnwindSafe(|| line.run().map(|curve| all_of(&curve))))
        });
        assert!(found[exploding].is_err(), "the panic goes on to the caller");
        if exploding == 1 {
            let whole = found[0].as_ref().unwrap().as_ref().unwrap();
            assert!(whole.contains(" complete 201 ") && whole.contains("[]"), "{whole}");
            assert_eq!(found[2].as_ref().unwrap().as_ref().unwrap(), whole);
        } else {
            for other in &found[1..] {
                let error = other.as_ref().unwrap().as_ref().unwrap_err();
                assert!(matches!(error, Error::EndedByProcess0 { .. }), "{error}");
            }
        }
    }
}

/// A loss of one parameter that hangs in some processes.
struct Hanging<'h> {
    layout: Layout,
    theta: Vec<f64>,
    hangs: &'h (dyn Fn(f64) -> bool + Sync),
    /// Hanging points go on when this is set.
    over: &'h AtomicBool,
}

impl Model for Hanging<'_> {
    type Scalar = f64;
    fn layout(&self) -> &Layout {
        &self.layout
    }
    fn parameters(&self) -> &[f64] {
        &self.theta
    }
}

impl Loss<()> for Hanging<'_> {
    fn loss(&self, theta: &[f64], (): &()) -> Result<f64, OracleError> {
        sleep(Duration::from_millis(5));
        while (self.hangs)(theta[0]) && !self.over.load(Ordering::Relaxed) {
            sleep(Duration::from_millis(5));
        }
        Ok(theta[0].sin())
    }
}

/// A line of 41 points of a sine in some processes, of which those for which it is said hang at some points.
fn hanging_line(
    executors: &[Channels],
    losses: &Losses,
    hangs: impl Fn(usize, f64) -> bool + Sync,
) -> Vec<Result<Curve>> {
    let (over, hangs) = (AtomicBool::new(false), &hangs);
    in_all(executors, |executor| {
        let process = executor.process();
        let hangs = move |t: f64| hangs(process, t);
        let (layout, theta) = (Layout::flat(1).unwrap(), vec![0.0]);
        let model = Hanging { layout, theta, hangs: &hangs, over: &over };
        let direction = loss_landscape::Direction::new(&model.layout, vec![1.0]).unwrap();
        let sweep = Sweep::line(&model, direction).data("", &()).alpha(-1.0..=1.0, 41).threads(1);
        let curve = sweep.observer(losses).executor(executor).run();
        if process == 0 {
            over.store(true, Ordering::Relaxed);
        }
        curve
    })
}

fn is_sines(curve: &Curve) -> bool {
    curve.loss().iter().zip(curve.alpha()).all(|(loss, alpha)| *loss == alpha.sin())
}

/// What process 0 finds with a limit for a point, and which processes it loses.
fn with_limit(processes: usize, hangs: impl Fn(usize, f64) -> bool + Sync) -> (Curve, Vec<(usize, String)>) {
    let mut executors = Channels::connected(processes);
    executors[0].limit = Some(Duration::from_millis(500));
    let losses = Losses::default();
    let curve = hanging_line(&executors, &losses, hangs).remove(0).unwrap();
    (curve, losses.0.into_inner().unwrap())
}

#[test]
fn a_process_that_hangs_is_given_up_and_its_points_go_to_others() {
    let begun = AtomicBool::new(false);
    let (curve, losses) = with_limit(3, |process, _| match process {
        // The others wait for it, so that it gets a point.
        0 => !begun.load(Ordering::Relaxed),
        1 => false,
        _ => {
            begun.store(true, Ordering::Relaxed);
            true
        }
    });
    assert!(is_sines(&curve) && curve.report().bad_points.is_empty());
    assert!(matches!(losses.as_slice(), [(2, reason)] if reason.contains("500ms")), "{losses:?}");
}

#[test]
fn a_point_that_hangs_in_two_processes_is_a_bad_point() {
    // Process 0 would hang as well, and gets to it last: it is slow.
    let (curve, losses) = with_limit(4, |process, t| {
        if process == 0 {
            sleep(Duration::from_millis(200));
        }
        process > 0 && t == 0.0
    });
    let report = curve.report();
    if curve.loss()[20].is_nan() {
        assert_eq!(losses.len(), 2, "{losses:?}");
        assert!(report.bad_points[0].to_string().contains("longer than the limit of 500ms in 2 processes"));
        assert_eq!(report.bad_points.len(), 1);
    } else {
        assert!(report.bad_points.is_empty(), "process 0 took the point");
    }
    assert!(curve.loss().iter().zip(curve.alpha()).all(|(l, a)| *l == a.sin() || *a == 0.0));
}

#[test]
fn processes_of_different_sweeps_are_refused_with_their_differences() {
    /// What differs in process 1.
    #[derive(Clone, Copy, Debug, PartialEq)]
    enum Other {
        Theta,
        Data,
        Axis,
        Seed,
        Machine,
    }
    let run = |other: Option<Other>, mixed: bool| {
        let mut executors = Channels::connected(3);
        for executor in &mut executors {
            executor.mixed = mixed;
        }
        if other == Some(Other::Machine) {
            executors[1].machine = "another";
        }
        in_all(&executors, |executor| {
            let is = |what: Other| other == Some(what) && executor.process() == 1;
            // Long enough that the greeting comes before the end.
            let mut wave = Wave { pause: Duration::from_millis(2), ..Wave::new() };
            if is(Other::Theta) {
                wave.theta[0] += 1e-9;
            }
            let few = data(if is(Other::Data) { 6 } else { 5 });
            let sweep = wave.plane().data("train", few.as_slice()).threads(1).executor(executor);
            let sweep = if is(Other::Axis) { sweep.alpha(-1.0..=1.5, 17) } else { sweep };
            let map = sweep.eigen_ratio(&EigenRatio::new().seed(u64::from(is(Other::Seed))))?;
            let several = mixed && other == Some(Other::Machine) && executor.process() == 0;
            let kinds: &[&str] = if several { &["another", "any"] } else { &[] };
            assert_eq!(map.report().machines, kinds);
            assert_eq!(map.report().to_string().contains("several kinds: another; any"), several);
            Ok(all_of(&map))
        })
    };
    for (other, words) in [
        (Other::Theta, "theta: "),
        (Other::Data, "data: "),
        (Other::Axis, "alpha: 17 from -1 to 1.5"),
        (Other::Seed, "settings: "),
        (Other::Machine, "machine: another in process 1, any in process 0"),
    ] {
        let found = run(Some(other), false);
        for error in [&found[0], &found[1]] {
            match error {
                Err(Error::OtherSweep { process: 1, differences }) => {
                    assert!(
                        differences.iter().any(|text| text.contains(words)),
                        "{other:?}: {differences:?}"
                    );
                    assert!(differences.iter().all(|text| text.contains("in process 1")), "{differences:?}");
                }
                wrong => panic!("{other:?}: {wrong:?}"),
            }
        }
        assert!(
            matches!(&found[2], Err(Error::EndedByProcess0 { reason }) if reason.contains(words)),
            "{:?}",
            found[2]
        );
    }
    let mixed = run(Some(Other::Machine), true);
    assert!(mixed.iter().all(|found| found.as_ref().unwrap() == run(None, false)[0].as_ref().unwrap()));
}

#[test]
fn what_ends_process_0_ends_the_others() {
    let folder = Folder::new("ends");
    let path = folder.0.join("run.journal");
    fs::write(&path, "not a journal").unwrap();
    let found = in_all(&Channels::connected(3), |executor| {
        let wave = Wave::new();
        wave.plane().data("", data(2).as_slice()).threads(1).executor(executor).journal(&path).run()
    });
    assert!(matches!(found[0], Err(Error::NotAJournal { .. })));
    for other in &found[1..] {
        assert!(matches!(other, Err(Error::EndedByProcess0 { reason }) if reason.contains("no journal")));
    }
}

#[test]
fn all_processes_end_with_what_was_found_when_a_sweep_is_cancelled() {
    let cancel = |progress: &Progress<'_>| {
        if progress.done < 40 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    };
    let found = in_all(&Channels::connected(3), |executor| {
        let wave = Wave { pause: Duration::from_micros(500), ..Wave::new() };
        let few = data(2);
        let sweep = wave.plane().data("", few.as_slice()).threads(1).executor(executor);
        let surface = sweep.observer(&cancel).run().unwrap();
        assert_eq!(surface.report().end, SweepEnd::Cancelled);
        all_of(&surface)
    });
    assert!(found.iter().all(|other| *other == found[0]));
}

/// What comes of a line whose oracle fails with this error in process 2.
fn ended_in_process_2(error: fn() -> Error) -> Vec<Result<String>> {
    struct Stops<'s>(Layout, Vec<f64>, Option<fn() -> Error>, &'s AtomicBool);
    impl Model for Stops<'_> {
        type Scalar = f64;
        fn layout(&self) -> &Layout {
            &self.0
        }
        fn parameters(&self) -> &[f64] {
            &self.1
        }
    }
    impl Loss<()> for Stops<'_> {
        fn loss(&self, theta: &[f64], (): &()) -> Result<f64, OracleError> {
            if let Some(error) = self.2 {
                self.3.store(true, Ordering::Relaxed);
                return Err(error().into());
            }
            // So that process 2 gets a point.
            while !self.3.load(Ordering::Relaxed) {
                sleep(Duration::from_millis(1));
            }
            Ok(theta[0])
        }
    }
    let called = AtomicBool::new(false);
    in_all(&Channels::connected(3), |executor| {
        let error = (executor.process() == 2).then_some(error);
        let model = Stops(Layout::flat(1).unwrap(), vec![1.0], error, &called);
        let sweep = Sweep::line(&model, RandomDirections::new(1)).data("", &()).alpha(-1.0..=1.0, 301);
        sweep.threads(1).executor(executor).run().map(|curve| all_of(&curve))
    })
}

#[test]
fn an_oracle_interrupts_from_any_process() {
    let found = ended_in_process_2(|| Error::Interrupted);
    let first = found[0].as_ref().unwrap();
    assert!(first.contains(" cancelled ") && first.ends_with("[\"\"]"), "{first}");
    assert!(found.iter().all(|other| other.as_ref().unwrap() == first));
}

#[test]
fn an_oracle_that_leaves_channels_unmeasured_ends_the_sweep_from_any_process() {
    let found = ended_in_process_2(|| Error::Unmeasured { channels: vec!["loss".to_owned()] });
    assert!(matches!(&found[0], Err(Error::Unmeasured { channels }) if channels == &["loss"]), "{found:?}");
    let ended = |found: &Result<String>| matches!(found, Err(Error::EndedByProcess0 { .. }));
    assert!(found[1..].iter().all(ended), "{found:?}");
}

/// Process 0 did all by itself and has ended before the other begins, which finds the result and nobody to answer.
#[test]
fn a_process_that_comes_when_all_is_over_has_the_result() {
    let mut channels = Channels::connected(2);
    let program = |executor: &dyn Executor| {
        let wave = Wave::new();
        wave.plane().data("", &[0.5]).threads(1).executor(executor).run()
    };
    let first = program(&channels[0]).unwrap();
    drop(channels.remove(0));
    let second = program(&channels[0]).unwrap();
    assert_eq!(first.values(), second.values());

    // One that ended without a word is told of.
    let mut channels = Channels::connected(2);
    let ended = panic::catch_unwind(AssertUnwindSafe(|| {
        let observer = |_: &Progress<'_>| -> ControlFlow<()> { panic!("in process 0") };
        let wave = Wave::new();
        wave.plane().data("", &[0.5]).threads(1).observer(&observer).executor(&channels[0]).run()
    }));
    assert!(ended.is_err());
    drop(channels.remove(0));
    assert!(program(&channels[0]).is_err());
}

/// Process 0 is slow to take messages. Runs are as long as the points of the other process are fast, all the same.
#[test]
fn runs_do_not_shrink_while_messages_wait() {
    let mut channels = Channels::connected(2);
    channels[0].delay = Duration::from_millis(5);
    let surfaces = in_all(&channels, |executor| {
        // Process 1 has nearly all points.
        let pause = Duration::from_millis(if executor.process() == 0 { 20 } else { 0 });
        let wave = Wave { pause, ..Wave::new() };
        let sweep = wave.plane().alpha(-1.0..=1.0, 51).beta(-1.0..=1.0, 51).data("", &[0.5]);
        sweep.threads(1).executor(executor).run().unwrap()
    });
    assert_eq!(surfaces[0].values(), surfaces[1].values());
    let sent = channels[1].sent.load(Ordering::Relaxed);
    assert!(sent < 300, "{sent} messages for 2,601 points");
}

#[test]
fn more_processes_than_points_and_one_that_comes_late() {
    let wave = Wave::new();
    let few = data(2);
    let alone = Sweep::line(&wave, RandomDirections::new(1)).data("", few.as_slice()).alpha(-1.0..=1.0, 3);
    let alone = all_of(&alone.run().unwrap());
    let found = in_all(&Channels::connected(8), |executor| {
        if executor.process() == 5 {
            sleep(Duration::from_millis(100));
        }
        let sweep = Sweep::line(&wave, RandomDirections::new(1)).data("", few.as_slice());
        all_of(&sweep.alpha(-1.0..=1.0, 3).threads(1).executor(executor).run().unwrap())
    });
    assert!(found.iter().all(|found| *found == alone));
}

#[test]
fn a_journal_serves_any_number_of_processes() {
    let folder = Folder::new("any");
    let path = folder.0.join("map.journal");
    let wave = Wave { pause: Duration::from_micros(200), ..Wave::new() };
    let few = data(3);
    let map = |executor: &dyn Executor, stop: usize| {
        let observer = move |progress: &Progress<'_>| {
            if progress.done < stop { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        };
        let sweep = wave.plane().data("", few.as_slice()).threads(1).executor(executor).journal(&path);
        all_of(&sweep.observer(&observer).eigen_ratio(&EigenRatio::new()).unwrap())
    };
    for (processes, stop) in [(3, 20), (1, 60), (2, 130), (4, usize::MAX)] {
        let found = in_all(&Channels::connected(processes), |executor| map(executor, stop));
        assert!(found.iter().all(|other| *other == found[0]));
        if stop == usize::MAX {
            let alone = wave.plane().data("", few.as_slice()).eigen_ratio(&EigenRatio::new()).unwrap();
            assert!(found[0] == all_of(&alone));
        }
    }
}

#[test]
fn a_map_in_bands_is_the_same_map() {
    let folder = Folder::new("bands");
    let wave = Wave::new();
    let few = data(3);
    let sweep = |limit: u64| {
        let plane = wave.plane().alpha(-1.0..=1.0, 41).beta(-1.0..=1.0, 12);
        plane.data("", few.as_slice()).threads(2).memory_limit(limit)
    };
    let ratio = EigenRatio::new();
    let whole = all_of(&sweep(1 << 30).eigen_ratio(&ratio).unwrap());
    // What all values take, and no eigenvector.
    let values = 2 * 41 * 12 * (14 * 8 + 2);
    let Err(Error::MemoryLimit { bytes: least, .. }) = sweep(values).eigen_ratio(&ratio) else { panic!() };
    let wide = sweep(1 << 30).eigen_ratio_cost(&ratio).unwrap().memory;
    let narrow = sweep(least).eigen_ratio_cost(&ratio).unwrap().memory;
    // Half of all points, against nine for each column.
    let each = 4 * wave.parameters().len() as u64;
    let kept = (least - values) / each;
    let all = kept + (wide - narrow) / each;
    assert!((200..=246).contains(&all) && kept < 120, "{kept} of {all} vectors");
    assert!(all_of(&sweep(least).eigen_ratio(&ratio).unwrap()) == whole);
    assert!(all_of(&sweep(values + kept.midpoint(all) * each).eigen_ratio(&ratio).unwrap()) == whole);
    for processes in [2, 3] {
        let found = in_all(&Channels::connected(processes), |executor| {
            all_of(&sweep(least).threads(1).executor(executor).eigen_ratio(&ratio).unwrap())
        });
        assert!(found.iter().all(|found| *found == whole), "{processes} processes");
    }
    // Begun in bands, cut, and ended as a whole, and the other way round.
    for (first, second) in [(least, 1 << 30), (1 << 30, least), (least, least)] {
        let path = folder.0.join("map.journal");
        sweep(first).journal(&path).eigen_ratio(&ratio).unwrap();
        let len = fs::metadata(&path).unwrap().len();
        for part in [5, 9] {
            let cut = folder.0.join(format!("{part}.journal"));
            fs::copy(&path, &cut).unwrap();
            fs::File::options().write(true).open(&cut).unwrap().set_len(len * part / 10).unwrap();
            let found = in_all(&Channels::connected(2), |executor| {
                let sweep = sweep(second).threads(1).executor(executor).journal(&cut);
                all_of(&sweep.eigen_ratio(&ratio).unwrap())
            });
            assert!(found.iter().all(|found| *found == whole), "{part} of 10");
            fs::remove_file(&cut).unwrap();
        }
        fs::remove_file(&path).unwrap();
    }
}

// Real processes from here on. This program starts itself: what a process does is in the test `child`, which does
// nothing without its variable.

const JOURNAL: &str = "LOSS_LANDSCAPE_TEST_PROCESSES";

fn command(journal: &Path) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", "processes::child", "--nocapture", "--test-threads=1"]).env(JOURNAL, journal);
    command.stderr(Stdio::null());
    command
}

/// The map that all processes compute, some 20 ms a point.
fn map(
    executor: Option<&dyn Executor>,
    journal: Option<&Path>,
    observer: Option<&dyn Observer>,
) -> Result<String> {
    let wave = Wave { pause: Duration::from_micros(if executor.is_some() { 150 } else { 0 }), ..Wave::new() };
    let few = data(3);
    let mut sweep = wave.plane().alpha(-1.0..=1.0, 9).beta(-1.0..=1.0, 9).data("", few.as_slice()).threads(1);
    if let Some(executor) = executor {
        sweep = sweep.executor(executor);
    }
    if let Some(journal) = journal {
        sweep = sweep.journal(journal);
    }
    if let Some(observer) = observer {
        sweep = sweep.observer(observer);
    }
    let map = sweep.eigen_ratio(&EigenRatio::new())?;
    Ok(all_of(&map))
}

/// What a process does: the map of the journal that it is told.
#[test]
fn child() {
    let Some(journal) = env::var_os(JOURNAL).map(PathBuf::from) else { return };
    let pipes = Pipes::connect(3, || command(&journal)).unwrap();
    println!("what a process prints is no message");
    match map(Some(&pipes), Some(&journal), None) {
        Ok(found) => fs::write(journal.with_extension(format!("{}", pipes.process())), found).unwrap(),
        Err(Error::Executor { .. } | Error::EndedByProcess0 { .. }) if pipes.process() > 0 => {}
        Err(error) => panic!("{error}"),
    }
}

/// A folder of its own, gone in the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = env::temp_dir().join(format!("loss-landscape-{}-processes-{name}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Kills a process when some points are there.
struct Killer<'k> {
    pipes: &'k Pipes,
    /// Points, process.
    when: [(usize, usize); 2],
    lost: AtomicUsize,
}

impl Observer for Killer<'_> {
    fn point(&self, progress: &Progress<'_>) -> ControlFlow<()> {
        for (done, process) in self.when {
            if progress.done == done && !progress.again {
                self.pipes.give_up(process);
            }
        }
        ControlFlow::Continue(())
    }
    fn lost(&self, _: usize, _: &str) {
        self.lost.fetch_add(1, Ordering::Relaxed);
    }
}

impl fmt::Debug for Killer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}, {} lost", self.when, self.lost.load(Ordering::Relaxed))
    }
}

#[test]
fn a_message_to_a_process_that_reads_nothing_is_not_waited_for() {
    let sleeping = || {
        let mut command = Command::new("sleep");
        command.arg("60");
        command
    };
    let pipes = Pipes::connect(2, sleeping).unwrap();
    // More than a pipe holds.
    pipes.send(1, "x".repeat(1 << 20).as_bytes()).unwrap();
    pipes.give_up(1);
}

#[test]
fn twenty_processes_killed_change_no_bit() {
    let folder = Folder::new("kills");
    let alone = map(None, None, None).unwrap();
    let mut moments = 0x2545_f491_4f6c_dd1d_u64;
    for round in 0..10 {
        let journal = folder.0.join(format!("{round}.journal"));
        let pipes = Pipes::connect(3, || command(&journal)).unwrap();
        let when = [1, 2].map(|process| {
            moments ^= moments << 13;
            moments ^= moments >> 7;
            moments ^= moments << 17;
            (2 + moments as usize % 70, process)
        });
        let killer = Killer { pipes: &pipes, when, lost: AtomicUsize::new(0) };
        let found = map(Some(&pipes), Some(&journal), Some(&killer)).unwrap();
        assert!(found == alone, "{killer:?}");
    }
}

#[test]
fn process_0_killed_ten_times_goes_on_where_it_was() {
    let folder = Folder::new("first");
    let journal = folder.0.join("run.journal");
    let computed = || Journal::read([&journal]).map_or(0, |journal| journal.computed());
    let mut known = 0;
    for kill in 0..10 {
        let mut first = command(&journal).stdout(Stdio::null()).spawn().unwrap();
        while computed() < known + 1 + kill % 3 {
            assert!(first.try_wait().unwrap().is_none(), "over before it was killed for the {kill}th time");
            sleep(Duration::from_millis(2));
        }
        first.kill().unwrap();
        first.wait().unwrap();
        known = computed();
    }
    assert!(known < 81, "something is left for the last one");
    assert!(command(&journal).stdout(Stdio::null()).status().unwrap().success());
    let alone = map(None, None, None).unwrap();
    for process in 0..3 {
        assert!(
            fs::read_to_string(journal.with_extension(format!("{process}"))).unwrap() == alone,
            "{process}"
        );
    }
    let merged = Journal::read([&journal]).unwrap();
    assert_eq!(merged.computed(), 81);
    assert!(Surface::from_journal(&merged).is_ok());
}
