//! Paths between minimisers: closed forms of barriers, curves that find a valley, sweeps along them with all that
//! sweeps have, bad input, the same bits for any number of threads.

use std::{
    fs,
    ops::ControlFlow,
    path::PathBuf,
    sync::atomic::{AtomicUsize, Ordering},
};

use loss_landscape::{
    Block, Buffers, Curve, DirectionSource, EigenRatio, Error, FnModel, Gradient, HessianProduct, Journal,
    Layout, Loss, Model, OracleError, Progress, Role, Sweep, content_hash,
    path::{
        Barrier, BarrierMatrix, Barriers, BentPath, PathShape, PathTraining, PathTrainingEnd, StepRule,
        TrainedPath, barrier_matrix,
    },
    report::{PointFailure, SweepEnd},
};

/// A valley along the unit circle of the first two parameters: (x² + y² − 1)² + Σ others².
struct Ring {
    layout: Layout,
    theta: Vec<f64>,
}

impl Ring {
    fn new(parameters: usize) -> Self {
        let mut theta = vec![0.0; parameters];
        theta[0] = 1.0;
        Self { layout: Layout::flat(parameters).unwrap(), theta }
    }

    /// The minimum at this angle.
    fn minimum(&self, angle: f64) -> Vec<f64> {
        let mut theta = vec![0.0; self.theta.len()];
        (theta[0], theta[1]) = (angle.cos(), angle.sin());
        theta
    }
}

impl Model for Ring {
    type Scalar = f64;
    fn layout(&self) -> &Layout {
        &self.layout
    }
    fn parameters(&self) -> &[f64] {
        &self.theta
    }
}

impl Loss<()> for Ring {
    fn loss(&self, t: &[f64], (): &()) -> Result<f64, OracleError> {
        let off = t[0] * t[0] + t[1] * t[1] - 1.0;
        Ok(off * off + t[2..].iter().map(|t| t * t).sum::<f64>())
    }
}

impl Gradient<()> for Ring {
    fn gradient(&self, t: &[f64], data: &(), out: &mut [f64]) -> Result<f64, OracleError> {
        let off = t[0] * t[0] + t[1] * t[1] - 1.0;
        out[0] = 4.0 * off * t[0];
        out[1] = 4.0 * off * t[1];
        out[2..].iter_mut().zip(&t[2..]).for_each(|(out, t)| *out = 2.0 * t);
        self.loss(t, data)
    }
}

impl HessianProduct<()> for Ring {}

fn along(ring: &Ring, path: &BentPath<f64>) -> Curve {
    Sweep::along(ring, path).data("", &()).run().unwrap()
}

/// The highest loss on a curve.
fn highest(curve: &Curve) -> f64 {
    curve.loss().iter().copied().fold(0.0, f64::max)
}

#[test]
fn the_barrier_of_a_chord_is_that_of_the_closed_form() {
    let ring = Ring::new(3);
    for angle in [0.5_f64, 1.5, 3.0] {
        let (a, b) = (ring.minimum(0.0), ring.minimum(angle));
        let curve = Sweep::segment(&ring, &a, &b).data("", &()).run().unwrap();
        let barrier = Barrier::rise(&curve, "loss").unwrap();
        // The middle of the chord is cos(angle/2) from the centre.
        let expected = ((angle / 2.0).cos().powi(2) - 1.0).powi(2);
        assert!((barrier.height - expected).abs() < 1e-12 && (barrier.at - 0.5).abs() < 1e-12, "{barrier}");
        assert!((barrier.rise - expected).abs() < 1e-12);
    }
}

#[test]
fn curves_of_all_kinds_find_the_valley() {
    let ring = Ring::new(20);
    let (a, b) = (ring.minimum(0.0), ring.minimum(2.0));
    let line = highest(&Sweep::segment(&ring, &a, &b).data("", &()).alpha(0.0..=1.0, 101).run().unwrap());
    assert!(line > 0.5);
    let layout = ring.layout();
    for (rule, rate) in [(StepRule::Sgd { momentum: 0.9 }, 0.05), (StepRule::adam(), 0.03)] {
        for (start, bar) in [
            // A quadratic curve is no circle: at best its loss is somewhere 0.008.
            (BentPath::bezier(layout, &a, &b, 1).unwrap(), 0.02),
            (BentPath::bezier(layout, &a, &b, 2).unwrap(), 0.002),
            (BentPath::chain(layout, &a, &b, 1).unwrap(), 0.15),
            (BentPath::chain(layout, &a, &b, 5).unwrap(), 0.005),
        ] {
            let training = PathTraining::new(rate).rule(rule).steps(1500).draws(4).seed(2);
            let TrainedPath { path, report, .. } = training.run(&ring, &(), &start).unwrap();
            let found = highest(&along(&ring, &path));
            assert!(found < bar, "{rule:?} {} of {} points: {found}", path.shape(), path.points().len());
            assert_eq!((path.at(0.0), path.at(1.0)), (a.clone(), b.clone()));
            assert!(matches!(report.end, PathTrainingEnd::Complete) && report.losses.len() == 1500);
            assert_eq!(
                report.hashes,
                path.points().iter().map(|point| content_hash(point)).collect::<Vec<_>>()
            );
        }
    }
}

#[test]
fn dimensions_in_which_nothing_happens_change_nothing() {
    let train = |parameters| {
        let ring = Ring::new(parameters);
        let start = BentPath::bezier(ring.layout(), &ring.minimum(0.0), &ring.minimum(2.0), 1).unwrap();
        let trained = PathTraining::new(0.05).steps(400).seed(4).run(&ring, &(), &start).unwrap();
        let barrier = Barrier::rise(&along(&ring, &trained.path), "loss").unwrap();
        (trained.path.bends()[0][..2].to_vec(), barrier.height)
    };
    let few = train(2);
    assert!(few.1 < 0.03, "{few:?}");
    assert_eq!(few, train(10_000));
}

#[test]
fn a_training_has_the_same_bits_for_any_number_of_threads() {
    let ring = Ring::new(50);
    let start = BentPath::chain(ring.layout(), &ring.minimum(0.0), &ring.minimum(2.0), 3).unwrap();
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let training = PathTraining::new(0.02).steps(60).draws(7).seed(9);
        let whole = pool.install(|| training.run(&ring, &(), &start).unwrap());
        let batches = pool.install(|| training.run_batches(&ring, &[(), (), ()], &start).unwrap());
        assert_eq!(whole.path, batches.path, "here all batches are the same");
        (whole.path, whole.report.losses)
    };
    let one = run(1);
    assert_eq!(one, run(3));
    // And the same gradients by a closure on the calling thread.
    let training = PathTraining::new(0.02).steps(60).draws(7).seed(9);
    let gradient = |theta: &[f64], _: usize, out: &mut [f64]| ring.gradient(theta, &(), out);
    let here = training.run_with(&start, gradient, |_| ControlFlow::Continue(())).unwrap();
    assert_eq!(one, (here.path, here.report.losses));
}

#[test]
fn what_breaks_in_a_training_loses_nothing() {
    let layout = Layout::flat(1).unwrap();
    let start = BentPath::bezier(&layout, &[0.0], &[1.0], 1).unwrap();
    let run = |what: &str, rate: f64| {
        let gradient = |theta: &[f64], step: usize, out: &mut [f64]| {
            out[0] = 2.0 * (theta[0] - 2.0);
            match (what, step >= 5) {
                ("error", true) => return Err("no batch".into()),
                ("panic", true) => panic!("ouch"),
                ("loss", true) => return Ok(f64::INFINITY),
                ("gradient", true) => out[0] = f64::NAN,
                _ => {}
            }
            Ok((theta[0] - 2.0).powi(2))
        };
        let training = PathTraining::new(rate).steps(20).draws(2);
        training.run_with(&start, gradient, |_| ControlFlow::Continue(())).unwrap()
    };
    let mut before = None;
    for what in ["error", "panic", "loss", "gradient"] {
        let TrainedPath { path, report, .. } = run(what, 0.05);
        let PathTrainingEnd::Failed { step: 5, t, failure } = &report.end else { panic!("{report}") };
        assert!((0.0..0.5).contains(t));
        match what {
            "error" => assert_eq!(failure.to_string(), "the oracle failed: no batch"),
            "panic" => assert!(matches!(failure, PointFailure::Panic(text) if text == "ouch")),
            _ => assert!(matches!(failure, PointFailure::NonFinite { channel, .. } if channel == what)),
        }
        assert_eq!(report.losses.len(), 5);
        assert!(path.bends()[0][0] > 0.5, "five steps were done");
        assert_eq!(*before.get_or_insert(path.clone()), path);
        assert!(report.to_string().starts_with("failed in step 5 at t = "), "{report}");
    }
    let TrainedPath { path, report, .. } = run("", 1e308);
    assert!(
        matches!(report.end, PathTrainingEnd::Diverged { .. } | PathTrainingEnd::Failed { .. }),
        "{report}"
    );
    assert!(path.bends()[0][0].is_finite());
}

#[test]
fn bad_settings_and_curves_are_named() {
    let ring = Ring::new(3);
    let (a, b) = (ring.minimum(0.0), ring.minimum(1.0));
    let start = BentPath::bezier(ring.layout(), &a, &b, 1).unwrap();
    let new = || PathTraining::new(0.1).steps(3);
    for (training, name) in [
        (PathTraining::new(0.0), "the learning rate"),
        (PathTraining::new(f64::INFINITY), "the learning rate"),
        (new().steps(0), "the number of steps"),
        (new().draws(0), "the number of draws"),
        (new().rule(StepRule::Sgd { momentum: 1.0 }), "the momentum"),
        (new().rule(StepRule::Adam { betas: [f64::NAN, 0.9], epsilon: 1e-8 }), "Adam's β₁"),
        (new().rule(StepRule::Adam { betas: [0.9, -0.1], epsilon: 1e-8 }), "Adam's β₂"),
        (new().rule(StepRule::Adam { betas: [0.9, 0.9], epsilon: 0.0 }), "Adam's ε"),
    ] {
        let error = training.run(&ring, &(), &start).unwrap_err().to_string();
        assert!(error.starts_with(name), "{error}");
    }
    let straight = BentPath::bezier(ring.layout(), &a, &b, 0).unwrap();
    let error = new().run(&ring, &(), &straight).unwrap_err().to_string();
    assert_eq!(error, "the number of bends must be 1 or more, not 0");
    let other = Ring::new(4);
    let error = new().run(&other, &(), &start).unwrap_err();
    assert!(matches!(error, Error::LayoutMismatch { .. }), "{error}");
    let none: [(); 0] = [];
    assert!(matches!(new().run_batches(&ring, &none, &start), Err(Error::NoData)));
    let sweep = |model, path| Sweep::along(model, path).data("", &()).run().unwrap_err();
    assert!(matches!(sweep(&other, &start), Error::LayoutMismatch { .. }));
    let still = BentPath::chain(ring.layout(), &a, &a, 2).unwrap();
    assert_eq!(sweep(&ring, &still).to_string(), "the curve's direction is zero everywhere");
}

#[test]
fn an_observer_sees_every_step_and_ends_a_training() {
    let ring = Ring::new(2);
    let start = BentPath::bezier(ring.layout(), &ring.minimum(0.0), &ring.minimum(2.0), 1).unwrap();
    let mut seen = Vec::new();
    let observer = |step: &loss_landscape::path::PathStep| {
        seen.push(*step);
        if step.done < 7 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    };
    let gradient = |theta: &[f64], _: usize, out: &mut [f64]| ring.gradient(theta, &(), out);
    let training = PathTraining::new(0.02).steps(10);
    let trained = training.run_with(&start, gradient, observer).unwrap();
    assert!(matches!(trained.report.end, PathTrainingEnd::Cancelled));
    assert!(seen.iter().map(|step| step.done).eq(1..=7));
    assert!(seen.iter().map(|step| step.loss).eq(trained.report.losses.iter().copied()));
    assert!(seen[6].learning_rate < seen[0].learning_rate && seen[0].total == 10);
}

fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("loss-landscape-{name}-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn bent(ring: &Ring) -> BentPath<f64> {
    let mut bend = ring.minimum(0.7);
    for value in &mut bend {
        *value *= 1.3;
    }
    BentPath::new(ring.layout(), PathShape::Bezier, vec![ring.minimum(0.0), bend, ring.minimum(1.4)]).unwrap()
}

#[test]
fn a_sweep_along_a_curve_is_the_model_at_its_points() {
    let ring = Ring::new(9);
    for path in
        [bent(&ring), BentPath::chain(ring.layout(), &ring.minimum(0.1), &ring.minimum(3.0), 4).unwrap()]
    {
        let sweep = |threads| Sweep::along(&ring, &path).data("", &()).threads(threads).run().unwrap();
        let curve = sweep(1);
        assert_eq!((curve.shape(), curve.alpha()[0], curve.alpha()[100]), ([101], 0.0, 1.0));
        for (t, loss) in curve.alpha().iter().zip(curve.loss()) {
            assert_eq!(*loss, ring.loss(&path.at(*t), &()).unwrap());
        }
        assert_eq!(curve.loss(), sweep(3).loss());
        let provenance = &curve.report().provenance;
        assert_eq!(provenance.theta_hash, Some(content_hash(&path.points()[0])));
        let count = path.points().len();
        for (k, record) in provenance.directions.iter().enumerate() {
            let source = DirectionSource::CurvePoint { shape: path.shape(), point: k + 1, points: count };
            assert_eq!((&record.source, record.hash), (&source, content_hash(&path.points()[k + 1])));
        }
        assert_eq!(provenance.directions.len(), count - 1);
    }
    // Curvature too goes along a curve.
    let path = bent(&ring);
    let map = Sweep::along(&ring, &path).data("", &()).alpha(0.0..=1.0, 5).eigen_ratio(&EigenRatio::new());
    let map = map.unwrap();
    assert!((map.lambda_max()[0] - 8.0).abs() < 1e-4 && map.shape() == [5]);
}

#[test]
fn a_journal_along_a_curve_goes_on_and_knows_its_curve() {
    let ring = Ring::new(4);
    let (path, folder) = (bent(&ring), folder("curve-journal"));
    let file = folder.join("along.journal");
    let sweep = |path| Sweep::along(&ring, path).data("", &()).threads(1).journal(&file);
    let stop =
        |p: &Progress<'_>| if p.done < 33 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) };
    assert_eq!(sweep(&path).observer(&stop).run().unwrap().report().end, SweepEnd::Cancelled);
    let resumed = sweep(&path).run().unwrap();
    assert_eq!(resumed.report().resumed.as_ref().unwrap().points, 33);
    assert_eq!(resumed.loss(), along(&ring, &path).loss());
    let read = Curve::from_journal(&Journal::read([&file]).unwrap()).unwrap();
    assert_eq!(read.loss(), resumed.loss());
    assert_eq!(read.report().provenance, resumed.report().provenance);
    let text = String::from_utf8_lossy(&fs::read(&file).unwrap()).into_owned();
    assert!(text.contains("\nsweep: curve\n"), "{text}");
    let hash = content_hash(&path.points()[1]);
    let line = format!("\ndirection: {hash:016x} | curve shape=bezier point=1 points=3 | \n");
    assert!(text.contains(&line), "{text}");
    // Another bend, or the same points as another shape, is another sweep.
    let mut points = path.points().to_vec();
    points[1][0] += 1e-9;
    let moved = BentPath::new(ring.layout(), PathShape::Bezier, points).unwrap();
    let chain = BentPath::new(ring.layout(), PathShape::Chain, path.points().to_vec()).unwrap();
    for other in [&moved, &chain] {
        assert!(matches!(sweep(other).run(), Err(Error::JournalMismatch { .. })));
    }
    fs::remove_dir_all(folder).unwrap();
}

/// (x² − 1)² + tilt·x.
fn wells(tilt: f64) -> FnModel<f64, impl Fn(&[f64], &()) -> f64> {
    let loss = move |t: &[f64], (): &()| (t[0] * t[0] - 1.0).powi(2) + tilt * t[0];
    FnModel::new(Layout::flat(1).unwrap(), vec![1.0], loss).unwrap()
}

#[test]
fn a_matrix_holds_the_barrier_of_each_pair() {
    let minimisers: [&[f64]; 3] = [&[-1.0], &[1.0], &[0.2]];
    let model = wells(0.0);
    let matrix = barrier_matrix(&model, &(), &minimisers).unwrap();
    let heights = matrix.heights();
    assert_eq!((matrix.len(), heights.dim()), (3, (3, 3)));
    assert_eq!((heights[[0, 1]], heights[[1, 0]], heights[[1, 1]]), (1.0, 1.0, 0.0));
    assert_eq!(matrix.highest().map(|(pair, _)| pair), Some([0, 1]));
    for i in 0..3 {
        for j in 0..3 {
            assert_eq!(heights[[i, j]], heights[[j, i]]);
            if i < j {
                let sweep = Sweep::segment(&model, minimisers[i], minimisers[j]);
                let curve = sweep.data("", &()).alpha(0.0..=1.0, 31).run().unwrap();
                assert_eq!(matrix.curve(j, i).unwrap().loss(), curve.loss());
                assert_eq!(*matrix.barrier(i, j).unwrap(), Barrier::rise(&curve, "loss").unwrap());
            }
        }
        assert!(matrix.barrier(i, i).is_none() && matrix.barrier(i, 3).is_none());
    }
    let text = matrix.to_string();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "barriers of `loss`");
    assert_eq!(lines[2].split_whitespace().collect::<Vec<_>>()[..3], ["0", "–", "1"]);
}

#[test]
fn a_matrix_says_where_it_does_not_know() {
    let loss = |t: &[f64], (): &()| {
        if t[0] > 5.0 {
            f64::NAN
        } else if (0.4..0.6).contains(&t[0]) {
            f64::INFINITY
        } else {
            t[0] * t[0]
        }
    };
    let model = FnModel::new(Layout::flat(1).unwrap(), vec![1.0], loss).unwrap();
    let minimisers: [&[f64]; 3] = [&[0.0], &[1.0], &[6.0]];
    let matrix = Barriers::new(&model, &minimisers).data("", &()).points(11).run().unwrap();
    let barrier = matrix.barrier(0, 1).unwrap();
    assert_eq!((barrier.missing.as_slice(), barrier.height), (&[0.4, 0.5][..], 0.0));
    assert!(!barrier.is_complete() && matrix.missing()[[1, 0]] == 2);
    assert!(matrix.barrier(0, 2).is_none() && matrix.heights()[[0, 2]].is_nan());
    assert!(matrix.curve(0, 2).is_some() && matrix.missing()[[0, 2]] > 0);
    let text = matrix.to_string();
    assert!(text.contains("≥0") && text.contains('?'), "{text}");

    // A cancelled sweep: nothing is known of the pairs after it.
    let points = AtomicUsize::new(0);
    let stop = |_: &Progress<'_>| match points.fetch_add(1, Ordering::Relaxed) {
        12.. => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    };
    let bowl = wells(0.5);
    let barriers = Barriers::new(&bowl, &[&[-1.0], &[1.0], &[0.2]]).data("", &()).points(11);
    let matrix = barriers.threads(1).observer(&stop).run().unwrap();
    assert!(matrix.barrier(0, 1).is_some() && matrix.barrier(0, 2).is_none());
    assert!(matrix.curve(0, 2).is_some() && matrix.curve(1, 2).is_none());
    assert_eq!(matrix.missing()[[2, 1]], 11);
}

#[test]
fn equal_minimisers_have_no_barrier() {
    let model = wells(0.0);
    let matrix = barrier_matrix(&model, &(), &[&[1.0], &[-1.0], &[1.0]]).unwrap();
    assert_eq!(matrix.barrier(0, 2).unwrap().height, 0.0);
    assert!(matrix.barrier(0, 2).unwrap().is_complete() && matrix.barrier(0, 1).unwrap().height > 0.9);
}

#[test]
fn bad_minimisers_are_named() {
    let model = wells(0.0);
    let run = |minimisers: &[&[f64]]| Barriers::new(&model, minimisers).data("", &()).run().unwrap_err();
    assert!(matches!(run(&[]), Error::Minimisers { found: 0 }));
    assert!(matches!(run(&[&[1.0]]), Error::Minimisers { found: 1 }));
    let error = run(&[&[1.0], &[0.0], &[f64::NAN]]);
    assert!(matches!(&error, Error::InPair { pair: [0, 2], .. }), "{error}");
    assert_eq!(error.to_string(), "between minimisers [0, 2]: θ_b is NaN at index 0 of block `theta`");
    assert!(matches!(run(&[&[1.0], &[0.0, 2.0]]), Error::InPair { pair: [0, 1], .. }));
    let names = Barriers::new(&model, &[&[1.0], &[0.0]]).names(["one"]).data("", &()).run();
    assert!(matches!(names, Err(Error::MinimiserNames { names: 1, minimisers: 2 })));
    let none = Barriers::<_, ()>::new(&model, &[&[1.0], &[0.0]]).run().unwrap_err();
    assert!(matches!(&none, Error::InPair { source, .. } if matches!(**source, Error::NoData)), "{none}");
}

#[test]
fn matrices_go_on_with_journals_and_move_buffers_if_asked() {
    let layout = Layout::new([Block::bias("b", [1]), Block::new("mean", [1], Role::Buffer, None)]).unwrap();
    let loss = |t: &[f64], (): &()| (t[0] * t[0] - 1.0).powi(2) + t[1];
    let model = FnModel::new(layout, vec![1.0, 0.0], loss).unwrap();
    let minimisers: [&[f64]; 3] = [&[-1.0, 0.0], &[1.0, 3.0], &[0.0, 1.0]];
    let folder = folder("barriers");
    let matrix = |buffers| Barriers::new(&model, &minimisers).data("", &()).buffers(buffers);
    let first = matrix(Buffers::Still).journals(&folder).run().unwrap();
    let again = matrix(Buffers::Still).journals(&folder).run().unwrap();
    assert_eq!(first.heights(), again.heights());
    assert_eq!(again.curve(1, 2).unwrap().report().resumed.as_ref().unwrap().points, 31);
    assert!(folder.join("pair-0-2.journal").exists());
    assert_eq!(first.barrier(0, 1).unwrap().ends, [0.0, 0.0]);
    assert_eq!(matrix(Buffers::Move).run().unwrap().barrier(0, 1).unwrap().ends, [0.0, 3.0]);
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn matrices_and_reports_are_serialised_and_checked() {
    let matrix = barrier_matrix(&wells(0.1), &(), &[&[-1.0], &[1.0], &[0.2]]).unwrap();
    let json = serde_json::to_value(&matrix).unwrap();
    let back: BarrierMatrix = serde_json::from_value(json.clone()).unwrap();
    assert_eq!((back.heights(), back.channel()), (matrix.heights(), "loss"));
    assert_eq!(serde_json::to_value(&back).unwrap(), json);
    for broken in [
        |json: &mut serde_json::Value| json["pairs"].as_array_mut().unwrap().truncate(2),
        |json: &mut serde_json::Value| json["pairs"][1]["numbers"] = serde_json::json!([0, 7]),
        |json: &mut serde_json::Value| json["names"] = serde_json::json!([]),
    ] {
        let mut json = json.clone();
        broken(&mut json);
        let error = serde_json::from_value::<BarrierMatrix>(json).unwrap_err().to_string();
        assert!(error.contains("the pairs should be all"), "{error}");
    }
    let ring = Ring::new(2);
    let start = BentPath::bezier(ring.layout(), &ring.minimum(0.0), &ring.minimum(2.0), 1).unwrap();
    let training = PathTraining::new(0.02).rule(StepRule::adam()).steps(5);
    let report = training.run(&ring, &(), &start).unwrap().report;
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!((&json["end"], &json["shape"]), (&"complete".into(), &"bezier".into()));
    let back: loss_landscape::path::PathTrainingReport = serde_json::from_value(json.clone()).unwrap();
    assert_eq!((back.losses, back.hashes, back.rule), (report.losses, report.hashes, report.rule));
    let json = serde_json::to_value(&training).unwrap();
    assert_eq!(serde_json::from_value::<PathTraining>(json).unwrap(), training);
}

#[test]
fn a_matrix_as_csv_and_npz_is_that_matrix() {
    let matrix = Barriers::new(&wells(0.1), &[&[-1.0], &[1.0], &[0.2]])
        .names(["left", "right, far", "middle"])
        .data("train", &())
        .points(5)
        .run()
        .unwrap();
    let text = String::from_utf8(matrix.to_csv_bytes().unwrap()).unwrap();
    assert!(text.starts_with(
        "# {\"format\":\"loss-landscape barriers\",\"version\":2,\"channel\":\"train loss\",\
         \"names\":[\"left\",\"right, far\",\"middle\"]}\n"
    ));
    let lines: Vec<&str> = text.lines().skip(2).collect();
    assert_eq!(lines.len(), 3);
    for (line, [i, j]) in lines.iter().zip([[0, 1], [0, 2], [1, 2]]) {
        let numbers: Vec<f64> = line.split(',').map(|number| number.parse().unwrap()).collect();
        let barrier = matrix.barrier(i, j).unwrap();
        let [first, second] = barrier.ends;
        let expected = [i as f64, j as f64, barrier.height, barrier.at, barrier.rise, barrier.rise_at, first];
        assert_eq!(numbers[..7], expected);
        assert_eq!(numbers[7..], [second, 5.0, 0.25, 0.0]);
    }
    // A curve's reader takes the arrays of its shape out of any archive; here `alpha` is missing.
    let bytes = matrix.to_npz_bytes().unwrap();
    let error = Curve::from_npz_bytes(&bytes).unwrap_err().to_string();
    let arrays = "`barrier` (<f8 of the shape [3, 3]), `at` (<f8 of the shape [3, 3]), \
                  `rise` (<f8 of the shape [3, 3]), `value` (<f8 of the shape [3, 3]), \
                  `missing` (<f8 of the shape [3, 3]), `t` (<f8 of the shape [5]), \
                  `curves` (<f8 of the shape [3, 3, 5])";
    assert!(error.contains(arrays), "{error}");
}
