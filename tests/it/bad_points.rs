//! Points that fail, cancellation, and calls that must be refused before anything is computed.

use std::{
    ops::ControlFlow,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use loss_landscape::{
    Block, Direction, Directions, Error, FnModel, Journal, Layout, Loss, Model, Observer, OnBadPoint,
    OracleError, Progress, RandomDirections, Surface, Sweep,
    oracle::{Point, Prepared, Slice, Worker},
    report::{PointFailure, SweepEnd},
};

/// θ = (x, y) and directions along the axes, so that the loss is a function of (α, β).
fn plane<F: Fn(&[f64], &()) -> R + Sync, R: loss_landscape::IntoLoss>(
    loss: F,
) -> (FnModel<f64, F>, Directions<f64>) {
    let layout = Layout::flat(2).unwrap();
    let east = Direction::new(&layout, vec![1.0, 0.0]).unwrap();
    let north = Direction::new(&layout, vec![0.0, 1.0]).unwrap();
    (FnModel::new(layout, vec![0.0, 0.0], loss).unwrap(), Directions::new(east, north).unwrap())
}

/// NaN, infinity, an error and a panic, each at one point of 5×4; the rest is 7.
fn treacherous(theta: &[f64], (): &()) -> Result<f64, OracleError> {
    match (theta[0], theta[1]) {
        (-1.0, 0.0) => Ok(f64::NAN),
        (-0.5, 1.0) => Ok(f64::INFINITY),
        (0.0, 2.0) => Err("out of cheese".into()),
        (1.0, 3.0) => panic!("the cat is {}", "on the keyboard"),
        _ => Ok(7.0),
    }
}

fn sweep(on_bad: OnBadPoint, threads: usize) -> Surface {
    let (model, dirs) = plane(treacherous);
    Sweep::plane(&model, dirs)
        .data("cats", &())
        .alpha(-1.0..=1.0, 5)
        .beta_at(&[0.0, 1.0, 2.0, 3.0])
        .on_bad_point(on_bad)
        .threads(threads)
        .run()
        .unwrap()
}

#[test]
fn bad_points_are_listed_and_the_rest_is_finished() {
    for threads in [1, 3] {
        let surface = sweep(OnBadPoint::Record, threads);
        let report = surface.report();
        assert_eq!((report.end, report.computed, report.total), (SweepEnd::Complete, 20, 20));
        let loss = surface.channel("cats loss").unwrap();
        assert_eq!(loss.iter().filter(|v| **v == 7.0).count(), 16);
        assert!(loss[[0, 0]].is_nan() && loss[[1, 1]] == f64::INFINITY, "what is not finite is kept");
        assert!(loss[[2, 2]].is_nan() && loss[[4, 3]].is_nan());
        let listed: Vec<String> = report.bad_points.iter().map(ToString::to_string).collect();
        assert_eq!(
            listed,
            [
                "point [0, 0] at (-1, 0) of `cats`: `loss` is NaN",
                "point [1, 1] at (-0.5, 1) of `cats`: `loss` is inf",
                "point [2, 2] at (0, 2) of `cats`: the oracle failed: out of cheese",
                "point [4, 3] at (1, 3) of `cats`: the oracle panicked: the cat is on the keyboard",
            ]
        );
        assert!(matches!(report.bad_points[2].failure, PointFailure::Error(_)));
    }
}

#[test]
fn a_sweep_can_stop_at_the_first_bad_point() {
    let surface = sweep(OnBadPoint::Stop, 1);
    let report = surface.report();
    assert_eq!((report.end, report.computed), (SweepEnd::BadPoint, 1));
    assert_eq!(report.bad_points.len(), 1);
    assert_eq!(surface.computed().iter().filter(|done| **done).count(), 1);
}

/// An oracle that takes points in batches and fails for a whole batch when one of its points is bad.
struct Batched {
    layout: Layout,
    chunks: usize,
}

impl Model for Batched {
    type Scalar = f64;
    fn layout(&self) -> &Layout {
        &self.layout
    }
    fn parameters(&self) -> &[f64] {
        &[0.0]
    }
}

impl Loss<()> for Batched {
    fn loss(&self, theta: &[f64], (): &()) -> Result<f64, OracleError> {
        Ok(theta[0])
    }
    fn prepare<'a>(
        &'a self,
        _: &'a Slice<'a, f64>,
        (): &'a (),
    ) -> Result<Option<Box<dyn Prepared + 'a>>, OracleError> {
        struct Ready(usize);
        impl Prepared for Ready {
            fn worker(&self) -> Result<Box<dyn Worker + '_>, OracleError> {
                let mut broken = false;
                Ok(Box::new(move |points: &[Point], _: usize, out: &mut [f64]| -> Result<(), OracleError> {
                    assert!(!broken, "a worker that panicked is not used again");
                    for (point, out) in points.iter().zip(out) {
                        if point.coordinates[0] == 5.0 {
                            broken = true;
                            panic!("five");
                        }
                        *out = point.coordinates[0];
                    }
                    Ok(())
                }))
            }
            fn batch(&self) -> usize {
                4
            }
            fn chunks(&self) -> usize {
                self.0
            }
            fn divisor(&self) -> f64 {
                self.0 as f64
            }
        }
        Ok(Some(Box::new(Ready(self.chunks))))
    }
}

#[test]
fn one_bad_point_does_not_take_its_batch_or_its_chunks_with_it() {
    for (chunks, points, threads) in [(1, 40, 1), (1, 40, 2), (3, 40, 2), (3, 6, 8)] {
        let model = Batched { layout: Layout::flat(1).unwrap(), chunks };
        let direction = Direction::new(&model.layout, vec![1.0]).unwrap();
        let alpha: Vec<f64> = (0..points).map(f64::from).collect();
        let curve =
            Sweep::line(&model, direction).data("", &()).alpha_at(&alpha).threads(threads).run().unwrap();
        let bad = &curve.report().bad_points;
        assert_eq!(bad.len(), 1, "{bad:?}");
        assert_eq!((bad[0].index, bad[0].coordinates), ([5, 0], [5.0, 0.0]));
        for (i, value) in curve.channel("loss").unwrap().iter().enumerate() {
            assert!(if i == 5 { value.is_nan() } else { *value == i as f64 }, "{i}: {value}");
        }
    }
}

#[test]
fn cancellation_keeps_what_is_done() {
    let seen = Mutex::new(Vec::new());
    let observer = |progress: &Progress<'_>| {
        let mut seen = seen.lock().unwrap();
        seen.push((progress.index, progress.values[0]));
        assert_eq!((progress.done, progress.total), (seen.len(), 2601));
        if seen.len() == 1000 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let (model, dirs) = plane(|theta: &[f64], (): &()| theta[0] - theta[1]);
    let surface = Sweep::plane(&model, dirs).data("", &()).threads(1).observer(&observer).run().unwrap();
    assert_eq!(surface.report().end, SweepEnd::Cancelled);
    assert_eq!(surface.report().computed, 1000);
    let loss = surface.channel("loss").unwrap();
    let seen = seen.into_inner().unwrap();
    for ([i, j], value) in seen {
        assert!(surface.computed()[[i, j]]);
        assert_eq!(loss[[i, j]], value);
        assert_eq!(value, surface.alpha()[i] - surface.beta()[j]);
    }
    let undone = loss.iter().zip(surface.computed()).filter(|(_, done)| !**done);
    assert!(undone.clone().count() == 1601 && undone.clone().all(|(v, _)| v.is_nan()));
    assert!(surface.report().bad_points.is_empty(), "what was not computed is not bad");
}

/// Notes the interrupted points, with the data sets that interrupted them.
#[derive(Default)]
struct Interruptions(Mutex<Vec<Interruption>>);

type Interruption = ([usize; 2], [f64; 2], String);

impl Observer for Interruptions {
    fn point(&self, _: &Progress<'_>) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn interrupted(&self, index: [usize; 2], coordinates: [f64; 2], data: &str) {
        self.0.lock().unwrap().push((index, coordinates, data.to_owned()));
    }
}

/// An oracle may end the sweep; its point is neither bad nor computed, and a journal leaves it for the next run.
#[test]
fn an_interrupted_point_is_left_for_the_next_run() {
    let path = std::env::temp_dir().join(format!("interrupted-{}.journal", std::process::id()));
    for (threads, sets) in [(1, 1), (1, 2), (3, 2)] {
        let _ = std::fs::remove_file(&path);
        let calm = AtomicUsize::new(0);
        let loss = |theta: &[f64], set: &usize| -> Result<f64, OracleError> {
            // In the last data set, so that values of the others are there already.
            if theta[0] == 0.0 && *set + 1 == sets && calm.load(Ordering::Relaxed) == 0 {
                return Err(Error::Interrupted.into());
            }
            Ok(theta[0] + *set as f64)
        };
        let layout = Layout::flat(1).unwrap();
        let direction = Direction::new(&layout, vec![1.0]).unwrap();
        let model = FnModel::new(layout, vec![0.0], loss).unwrap();
        let interruptions = Interruptions::default();
        let sweep = || {
            let line = Sweep::line(&model, direction.clone())
                .threads(threads)
                .journal(&path)
                .observer(&interruptions);
            (0..sets).fold(line, |line, set| line.data(format!("{set}"), [&0, &1][set]))
        };
        let begun = sweep().run().unwrap();
        let report = begun.report();
        assert_eq!(report.end, SweepEnd::Cancelled);
        assert!(report.bad_points.is_empty() && report.computed < 51);
        assert!(!begun.computed()[25] && begun.values().row(25).iter().all(|value| value.is_nan()));
        assert!(!Journal::read([&path]).unwrap().contains(25));

        assert_eq!(*interruptions.0.lock().unwrap(), [([25, 0], [0.0, 0.0], (sets - 1).to_string())]);

        calm.store(1, Ordering::Relaxed);
        let whole = sweep().run().unwrap();
        assert_eq!(whole.report().end, SweepEnd::Complete);
        assert!(whole.loss().iter().zip(whole.alpha()).all(|(loss, alpha)| loss == alpha));
        std::fs::remove_file(&path).unwrap();
    }
}

#[test]
fn cancelling_at_the_last_point_is_complete() {
    struct Last(AtomicUsize);
    impl Observer for Last {
        fn point(&self, progress: &Progress<'_>) -> ControlFlow<()> {
            if progress.done == progress.total { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        }
        fn finished(&self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    let (model, dirs) = plane(|theta: &[f64], (): &()| theta[0]);
    let last = Last(AtomicUsize::new(0));
    let surface = Sweep::plane(&model, dirs).data("", &()).observer(&last).run().unwrap();
    assert_eq!(surface.report().end, SweepEnd::Complete);
    assert_eq!(last.0.into_inner(), 1);
}

#[test]
fn a_bad_setup_is_an_error_before_any_point() {
    let (model, dirs) = plane(|_: &[f64], (): &()| -> f64 { panic!("nothing may be evaluated") });
    let grid = || Sweep::plane(&model, dirs.clone()).data("", &());
    assert!(matches!(grid().alpha(0.0..=1.0, 0).run(), Err(Error::Resolution { axis: "α", points: 0 })));
    assert!(matches!(grid().beta(0.0..=1.0, 1).run(), Err(Error::Resolution { axis: "β", points: 1 })));
    assert!(matches!(grid().alpha(1.0..=-1.0, 5).run(), Err(Error::Range { .. })));
    assert!(matches!(grid().alpha(f64::NAN..=1.0, 5).run(), Err(Error::Range { .. })));
    assert!(matches!(grid().beta_at(&[1.0, 0.0]).run(), Err(Error::Coordinates { index: 1, .. })));
    assert!(matches!(grid().threads(0).run(), Err(Error::ZeroThreads)));
    assert!(matches!(grid().data("", &()).run(), Err(Error::DuplicateData { .. })));
    let error = Sweep::<_, (), _>::plane(&model, dirs.clone()).run().unwrap_err();
    assert!(matches!(error, Error::NoData));
    assert_eq!(
        error.to_string(),
        "a sweep needs at least one data set: give it one with `.data(name, &data)`"
    );
    // 2^80 points, then 2^40: neither may be allocated.
    let huge = grid().alpha(0.0..=1.0, 1 << 40).beta(0.0..=1.0, 1 << 40).run();
    assert!(matches!(huge, Err(Error::GridTooLarge { bytes: None, .. })), "{huge:?}");
    let large = grid().alpha(0.0..=1.0, 1 << 20).beta(0.0..=1.0, 1 << 20).run().unwrap_err();
    assert_eq!(
        large.to_string(),
        "1048576×1048576 points with 1 channels need 9895621427200 bytes of memory; the limit is 4294967296 bytes"
    );
    assert!(matches!(grid().memory_limit(1000).run(), Err(Error::GridTooLarge { limit: 1000, .. })));
    // More than any allocation may have, whatever the caller allows.
    let unlimited = grid().alpha(0.0..=1.0, 1 << 30).beta(0.0..=1.0, 1 << 30).memory_limit(u64::MAX).run();
    assert!(matches!(unlimited, Err(Error::GridTooLarge { bytes: Some(_), .. })), "{unlimited:?}");
    // 10¹⁶ points could be counted, but not addressed.
    let axis = |points| grid().alpha(0.0..=1.0, points).beta(0.0..=1.0, points).memory_limit(u64::MAX);
    let error = axis(100_000_000).run().unwrap_err();
    assert_eq!(
        error.to_string(),
        "100000000×100000000 points with 1 channels need 90000001600000000 bytes of memory; \
         the limit is 140737488355328 bytes"
    );
}

#[test]
fn vectors_that_do_not_fit_are_named() {
    let (model, _) = plane(|theta: &[f64], (): &()| theta[0]);
    let other = Layout::new([Block::weight("w", [1, 2], 0)]).unwrap();
    let foreign = Direction::new(&other, vec![1.0, 1.0]).unwrap();
    let error = Sweep::line(&model, foreign).data("", &()).run().unwrap_err();
    assert!(matches!(&error, Error::LayoutMismatch { index: 0, .. }), "{error}");
    let zero = Direction::new(model.layout(), vec![0.0, 0.0]).unwrap();
    assert!(matches!(Sweep::line(&model, zero).data("", &()).run(), Err(Error::ZeroDirection { .. })));
    let short = Sweep::segment(&model, &[0.0], &[1.0, 2.0]).data("", &()).run();
    assert!(matches!(short, Err(Error::Length { len: 1, expected: 2, .. })));
    let infinite = Sweep::segment(&model, &[0.0, 0.0], &[1.0, f64::INFINITY]).data("", &()).run();
    assert!(matches!(infinite, Err(Error::NonFinite { index: 1, .. })));
    // Nothing is wrong with two ends that are equal.
    let same = Sweep::segment(&model, &[1.0, 2.0], &[1.0, 2.0]).data("", &()).run().unwrap();
    assert!(same.loss().iter().all(|loss| (loss - 1.0).abs() < 1e-15));
    assert!(matches!(Direction::new(&other, vec![f64::NAN, 0.0]), Err(Error::NonFinite { index: 0, .. })));
    assert!(FnModel::new(other, vec![0.0_f32], |_: &[f32], (): &()| 0.0).is_err());
}

/// A model whose parameters are not as many as its layout says, which has more than there is memory.
#[test]
fn a_model_that_contradicts_itself_is_refused_before_anything_is_drawn() {
    struct Liar(Layout);
    impl Model for Liar {
        type Scalar = f64;
        fn layout(&self) -> &Layout {
            &self.0
        }
        fn parameters(&self) -> &[f64] {
            &[1.0]
        }
    }
    let model = Liar(Layout::flat(1 << 61).unwrap());
    let expected = 1 << 61;
    let one = RandomDirections::new(0).one(&model);
    assert!(matches!(one, Err(Error::Length { len: 1, expected: e, .. }) if e == expected));
    assert!(matches!(RandomDirections::new(0).pair(&model), Err(Error::Length { len: 1, .. })));
}

#[test]
fn an_oracle_that_fails_to_prepare_ends_the_call() {
    struct Unready(Layout, bool);
    impl Model for Unready {
        type Scalar = f32;
        fn layout(&self) -> &Layout {
            &self.0
        }
        fn parameters(&self) -> &[f32] {
            &[1.0]
        }
    }
    impl Loss<()> for Unready {
        fn loss(&self, _: &[f32], (): &()) -> Result<f64, OracleError> {
            Ok(0.0)
        }
        fn prepare<'a>(
            &'a self,
            _: &'a Slice<'a, f32>,
            (): &'a (),
        ) -> Result<Option<Box<dyn Prepared + 'a>>, OracleError> {
            assert!(self.1, "not today");
            Err("not ever".into())
        }
    }
    for (fails, text) in [(true, "not ever"), (false, "not today")] {
        let model = Unready(Layout::flat(1).unwrap(), fails);
        let direction = RandomDirections::new(0).one(&model).unwrap();
        let error = Sweep::line(&model, direction).data("", &()).run().unwrap_err();
        assert!(error.to_string().ends_with(text), "{error}");
    }
}

/// An oracle with chunks, two channels and its own batch size; what it does is a closure.
struct Scripted<F> {
    layout: Layout,
    chunks: usize,
    batch: usize,
    script: F,
}

impl<F: Fn(f64, usize, usize, &mut [f64]) -> Result<(), OracleError> + Sync> Model for Scripted<F> {
    type Scalar = f64;
    fn layout(&self) -> &Layout {
        &self.layout
    }
    fn parameters(&self) -> &[f64] {
        &[0.0]
    }
}

impl<F: Fn(f64, usize, usize, &mut [f64]) -> Result<(), OracleError> + Sync> Loss<usize> for Scripted<F> {
    fn loss(&self, _: &[f64], _: &usize) -> Result<f64, OracleError> {
        Err("only prepared".into())
    }
    fn channels(&self) -> Vec<String> {
        vec!["loss".to_owned(), "train loss".to_owned()]
    }
    fn prepare<'a>(
        &'a self,
        _: &'a Slice<'a, f64>,
        data: &'a usize,
    ) -> Result<Option<Box<dyn Prepared + 'a>>, OracleError> {
        struct Ready<'a, F>(&'a Scripted<F>, usize);
        impl<F: Fn(f64, usize, usize, &mut [f64]) -> Result<(), OracleError> + Sync> Prepared for Ready<'_, F> {
            fn worker(&self) -> Result<Box<dyn Worker + '_>, OracleError> {
                Ok(Box::new(|points: &[Point], chunk: usize, out: &mut [f64]| -> Result<(), OracleError> {
                    assert!(points.len() <= self.batch(), "more points than asked for");
                    for (point, out) in points.iter().zip(out.chunks_exact_mut(2)) {
                        (self.0.script)(point.coordinates[0], chunk, self.1, out)?;
                    }
                    Ok(())
                }))
            }
            fn chunks(&self) -> usize {
                self.0.chunks
            }
            fn batch(&self) -> usize {
                self.0.batch.saturating_mul(self.1)
            }
        }
        Ok(Some(Box::new(Ready(self, *data))))
    }
}

fn scripted<F: Fn(f64, usize, usize, &mut [f64]) -> Result<(), OracleError> + Sync>(
    chunks: usize,
    batch: usize,
    script: F,
) -> (Scripted<F>, Direction<f64>) {
    let layout = Layout::flat(1).unwrap();
    let direction = Direction::new(&layout, vec![1.0]).unwrap();
    (Scripted { layout, chunks, batch, script }, direction)
}

#[test]
fn each_data_set_gets_as_many_points_as_its_oracle_likes() {
    let (model, direction) = scripted(1, 2, |alpha, _, data, out: &mut [f64]| {
        out.copy_from_slice(&[alpha, data as f64]);
        Ok(())
    });
    let curve = Sweep::line(&model, direction)
        .data("a", &1)
        .data("b", &7)
        .alpha(0.0..=99.0, 100)
        .threads(1)
        .run()
        .unwrap();
    assert!(curve.report().bad_points.is_empty());
    assert_eq!(curve.channel("b loss").unwrap()[42], 42.0);
    assert_eq!(curve.channel("b train loss").unwrap()[42], 7.0);
}

#[test]
fn as_many_points_as_you_like_is_a_batch_size() {
    let (model, direction) = scripted(1, usize::MAX, |alpha, _, _, out: &mut [f64]| {
        out.fill(alpha);
        Ok(())
    });
    let curve = Sweep::line(&model, direction).data("", &1).alpha(0.0..=9.0, 10).run().unwrap();
    assert_eq!(curve.channel("loss").unwrap().to_vec(), curve.alpha());
}

#[test]
fn a_channel_that_is_not_written_is_nan_and_listed() {
    let (model, direction) = scripted(1, 4, |alpha, _, _, out: &mut [f64]| {
        out[0] = alpha;
        if alpha != 3.0 {
            out[1] = 1.0;
        }
        Ok(())
    });
    let curve = Sweep::line(&model, direction).data("", &1).alpha(0.0..=9.0, 10).threads(1).run().unwrap();
    let bad = &curve.report().bad_points;
    assert_eq!(bad.len(), 1);
    assert_eq!(bad[0].to_string(), "point [3, 0] at (3, 0): `train loss` is NaN");
}

/// Names two channels, and leaves the method that would write them as it is.
struct Forgetful(Layout);

impl Model for Forgetful {
    type Scalar = f64;
    fn layout(&self) -> &Layout {
        &self.0
    }
    fn parameters(&self) -> &[f64] {
        &[1.0]
    }
}

impl Loss<()> for Forgetful {
    fn loss(&self, theta: &[f64], (): &()) -> Result<f64, OracleError> {
        Ok(theta[0])
    }
    fn channels(&self) -> Vec<String> {
        vec!["loss".to_owned(), "accuracy".to_owned()]
    }
}

#[test]
fn an_oracle_that_does_not_write_its_channels_is_told_once_what_to_implement() {
    let model = Forgetful(Layout::flat(1).unwrap());
    let path = std::env::temp_dir().join(format!("loss-landscape-{}-unmeasured.journal", std::process::id()));
    let sweep = || Sweep::line(&model, RandomDirections::new(1)).data("train", &());
    let expected = "the oracle has the channels [\"loss\", \"accuracy\"], but writes the loss alone: implement \
                    `Loss::measure`, which writes one value for each of `Loss::channels`";
    for on_bad in [OnBadPoint::Record, OnBadPoint::Stop] {
        for threads in [1, 4] {
            let error = sweep().threads(threads).on_bad_point(on_bad).journal(&path).run().unwrap_err();
            assert!(matches!(error, Error::Unmeasured { .. }), "{error}");
            assert_eq!(error.to_string(), expected);
        }
    }
    assert_eq!(Journal::read([&path]).unwrap().computed(), 0, "no point of it is kept");
    std::fs::remove_file(&path).unwrap();
    assert_eq!(sweep().here().run().unwrap_err().to_string(), expected);
    assert!(sweep().cost().unwrap_err().to_string().ends_with(expected));
}

#[test]
fn the_failure_that_is_listed_does_not_depend_on_threads() {
    let calls = AtomicUsize::new(0);
    let (model, direction) = scripted(4, 1, |_, chunk, _, out: &mut [f64]| {
        calls.fetch_add(1, Ordering::Relaxed);
        out.fill(1.0);
        if chunk % 2 == 1 { Err(format!("chunk {chunk}").into()) } else { Ok(()) }
    });
    for threads in [1, 8] {
        let line = Sweep::line(&model, direction.clone()).data("", &1).alpha_at(&[0.5]).threads(threads);
        for bad in &line.run().unwrap().report().bad_points {
            assert!(bad.failure.to_string().ends_with("chunk 1"), "{bad}");
        }
    }
    assert_eq!(calls.into_inner(), 2 + 4, "a point that fails alone is not asked for again");
}

#[test]
fn channels_of_two_data_sets_may_not_get_one_name() {
    let (model, direction) = scripted(1, 1, |_, _, _, _: &mut [f64]| Ok(()));
    let error = Sweep::line(&model, direction).data("", &1).data("train", &1).run().unwrap_err();
    assert!(matches!(error, Error::Channels { .. }), "{error}");
}

#[test]
fn a_panicking_observer_ends_the_sweep_at_once() {
    let (model, dirs) = plane(|theta: &[f64], (): &()| theta[0]);
    let seen = AtomicUsize::new(0);
    let observer = |_: &Progress<'_>| -> ControlFlow<()> {
        seen.fetch_add(1, Ordering::Relaxed);
        panic!("enough")
    };
    let sweep = Sweep::plane(&model, dirs).data("", &()).threads(2).observer(&observer);
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| sweep.run()));
    assert_eq!(outcome.unwrap_err().downcast_ref::<&str>(), Some(&"enough"));
    assert!(seen.into_inner() <= 4);
}
