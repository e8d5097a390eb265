//! Principal planes against scikit-learn, closed forms and simulated walks; bad input; the same bits for any threads.

use std::{ops::Range, path::PathBuf};

use loss_landscape::{
    Block, CheckpointReader, Directions, Error, FnModel, Layout, Mask, OracleError, Role, Scalar, Sweep,
    trajectory::{PrincipalPlane, Snapshots, TrajectoryReport, random_walk_shares},
};
use ndarray_rand::rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use serde_json::Value;

/// Snapshots of a walk of independent normal steps.
fn walk<S: Scalar>(snapshots: usize, parameters: usize, seed: u64) -> Vec<Vec<S>> {
    let mut generator = ChaCha8Rng::seed_from_u64(seed);
    let mut theta = vec![0.0_f64; parameters];
    let mut step = || {
        for value in &mut theta {
            let step: f64 = StandardNormal.sample(&mut generator);
            *value += step;
        }
        theta.iter().map(|value| S::from_f64(*value)).collect()
    };
    (0..snapshots).map(|_| step()).collect()
}

fn data() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/trajectory")
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).collect()
}

fn fixture_layout() -> Layout {
    Layout::new([Block::weight("fc.weight", [6, 4], 0), Block::bias("fc.bias", [6])]).unwrap()
}

#[test]
fn components_are_those_of_scikit_learn() {
    let text = std::fs::read_to_string(data().join("principal.json")).unwrap();
    let known: Value = serde_json::from_str(&text).unwrap();
    let layout = fixture_layout();
    let paths = (0..12).map(|t| data().join(format!("{t:02}.safetensors")));
    let files = CheckpointReader::<f64>::new(&layout).snapshots(paths).unwrap();
    for (name, centred) in [("centred", true), ("from_end", false)] {
        let known = &known[name];
        let found = PrincipalPlane::new().centred(centred).components(4).run(&layout, &files).unwrap();
        let report = found.report();
        assert_eq!((report.snapshots, report.parameters, report.dimensions), (12, 30, 11));
        for key in ["eigenvalues", "shares"] {
            let (known, found) =
                (numbers(&known[key]), if key == "shares" { &report.shares } else { &report.eigenvalues });
            assert_eq!((known.len(), found.len()), (11, 11));
            for (known, found) in known.iter().zip(found) {
                assert!((known - found).abs() <= 1e-9 * known, "{name} {key}: {known} against {found}");
            }
        }
        for k in 0..4 {
            let (vector, scores) = (numbers(&known["components"][k]), numbers(&known["scores"][k]));
            let (component, along) = (found.component(k).unwrap().values(), &report.coordinates[k]);
            // The sign of a component is a convention.
            let sign = vector.iter().zip(component).map(|(a, b)| a * b).sum::<f64>().signum();
            for (known, found) in vector.iter().zip(component) {
                assert!((known - sign * found).abs() < 1e-9, "{name} {k}: {known} against {found}");
            }
            for (score, along) in scores.iter().zip(along) {
                assert!(
                    (score - scores[11] - sign * along).abs() < 1e-9,
                    "{name} {k}: {score} against {along}"
                );
            }
        }
        assert!(found.component(4).is_none());
    }
}

#[test]
fn walks_in_many_dimensions_have_the_expected_shares() {
    for centred in [false, true] {
        let layout = Layout::flat(20_000).unwrap();
        let path = walk::<f64>(20, 20_000, 7);
        let found = PrincipalPlane::new().centred(centred).run(&layout, &path).unwrap();
        let report = found.report();
        // Shares scatter by about the square root of one over the dimensions.
        for known in [&report.random_walk, &report.random_walk_of_steps] {
            for (known, share) in known.iter().zip(&report.shares) {
                assert!((known - share).abs() < 0.02, "{known} against {share}");
            }
        }
        assert_eq!(report.random_walk, random_walk_shares(20, centred));
        assert!(report.to_string().starts_with("20 snapshots of 20000 parameters: two components about"));
    }
}

/// Distances from the plane as [`Directions::project`] finds them.
fn check_against_projections<S: Scalar>(path: &[Vec<S>], report: &TrajectoryReport, plane: &Directions<S>) {
    let end = path.last().unwrap();
    let near = |a: f64, b: f64| (a - b).abs() < 100.0 * S::EPSILON * report.distances[0];
    for (t, theta) in path.iter().enumerate() {
        let found = plane.project(end, theta).unwrap();
        assert!(near(found.residual, report.off_plane[t]) && near(found.distance, report.distances[t]));
        assert!((0..2).all(|k| near(found.coordinates[k], report.coordinates[k][t])), "{t}");
    }
    assert_eq!((report.off_plane[path.len() - 1], report.distances[path.len() - 1]), (0.0, 0.0));
    assert_eq!(report.coordinates[0][path.len() - 1], 0.0);
}

#[test]
fn coordinates_and_residuals_are_those_of_projections() {
    let layout = Layout::flat(1000).unwrap();
    for centred in [false, true] {
        let path = walk::<f64>(9, 1000, 3);
        let found = PrincipalPlane::new().centred(centred).run(&layout, &path).unwrap();
        check_against_projections(&path, found.report(), found.directions());
        let path = walk::<f32>(9, 1000, 4);
        let found = PrincipalPlane::new().centred(centred).run(&layout, &path).unwrap();
        check_against_projections(&path, found.report(), found.directions());
        let [alpha, beta] = found.report().ranges(0.1);
        assert!(found.report().coordinates[0].iter().all(|a| alpha.contains(a)) && beta.contains(&0.0));
    }
}

#[test]
fn a_path_in_a_plane_lies_in_its_principal_plane() {
    let layout = Layout::flat(50).unwrap();
    let path: Vec<Vec<f64>> = (0..30)
        .map(|t| {
            let [a, b] = [f64::from(t).cos(), 0.3 * f64::from(t * t).sin()];
            (0..50).map(|i| 1e3 + a * f64::from(i).sin() + b * f64::from(i * i).cos()).collect()
        })
        .collect();
    let found = PrincipalPlane::new().run(&layout, &path).unwrap();
    assert_eq!(found.report().dimensions, 2);
    assert!(found.report().off_plane.iter().all(|off| *off < 1e-11), "{:?}", found.report().off_plane);
    assert!((found.report().share_in_plane() - 1.0).abs() < 1e-12);
    let three = PrincipalPlane::new().components(3).run(&layout, &path);
    assert!(matches!(
        three,
        Err(Error::TrajectoryDimensions { snapshots: 30, dimensions: 2, components: 3 })
    ));
}

#[test]
fn neither_threads_nor_the_source_change_a_bit_nor_blocks_much() {
    let layout = Layout::new([Block::weight("w", [50, 41], 0), Block::bias("b", [33])]).unwrap();
    let path = walk::<f32>(7, layout.len(), 5);
    let run = |threads: usize, bytes: u64| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| PrincipalPlane::new().memory(bytes).components(3).run(&layout, &path).unwrap())
    };
    for bytes in [0, 20_000, 1 << 25] {
        assert_eq!(run(1, bytes), run(3, bytes), "{bytes}");
        for (a, b) in run(1, bytes).report().eigenvalues.iter().zip(&run(1, 1 << 25).report().eigenvalues) {
            assert!((a - b).abs() < 1e-12 * a);
        }
    }
    let folder = std::env::temp_dir().join(format!("loss-landscape-trajectory-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let paths: Vec<PathBuf> = (0..7).map(|t| folder.join(t.to_string())).collect();
    for (theta, path) in path.iter().zip(&paths) {
        loss_landscape::write_checkpoint(&layout, theta, path).unwrap();
    }
    let files = CheckpointReader::<f32>::new(&layout).snapshots(&paths).unwrap();
    let from_files = PrincipalPlane::new().memory(20_000).components(3).run(&layout, &files).unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    assert_eq!(from_files, run(2, 20_000));
}

#[test]
fn only_the_chosen_blocks_take_part() {
    let layout = Layout::new([
        Block::weight("w", [10, 3], 0),
        Block::bias("b", [10]),
        Block::new("mean", [10], Role::Buffer, None),
        Block::weight("v", [5, 10], 0),
    ])
    .unwrap();
    let path = walk::<f64>(6, layout.len(), 9);
    let weights: Vec<Vec<f64>> = path.iter().map(|theta| [&theta[..30], &theta[50..]].concat()).collect();
    let alone = PrincipalPlane::new().run(&Layout::flat(80).unwrap(), &weights).unwrap();
    let found = PrincipalPlane::new().weights_only().run(&layout, &path).unwrap();
    assert_eq!(found.report(), alone.report());
    assert_eq!(found.report().parameters, 80);
    assert!(found.directions().first().values()[30..50].iter().all(|value| *value == 0.0));
    let trained = PrincipalPlane::new().run(&layout, &path).unwrap();
    assert_eq!(trained.report().parameters, 90);
    let by_mask = PrincipalPlane::new().mask(&Mask::trained(&layout)).run(&layout, &path).unwrap();
    assert_eq!(trained, by_mask);
}

#[test]
fn losses_on_the_path_are_not_those_on_the_plane() {
    let layout = Layout::flat(40).unwrap();
    let path = walk::<f64>(8, 40, 11);
    let loss = |theta: &[f64], (): &()| -> Result<f64, OracleError> {
        if theta[0] > 1e9 {
            Err("too far")?;
        }
        Ok(theta.iter().enumerate().map(|(i, t)| f64::from(1 + i as u32 % 3) * t * t).sum())
    };
    let model = FnModel::new(layout.clone(), path[7].clone(), loss).unwrap();
    let found = PrincipalPlane::new().run(&layout, &path).unwrap();
    let losses = found.losses(&model, &path, &()).unwrap();
    let along = &found.report().coordinates;
    for t in 0..8 {
        assert_eq!(losses.on_path[t], loss(&path[t], &()).unwrap());
        let at = |value: f64| [value, value + 1.0];
        let sweep = Sweep::plane(&model, found.directions().clone()).data("", &());
        let surface = sweep.alpha_at(&at(along[0][t])).beta_at(&at(along[1][t])).run().unwrap();
        assert_eq!(losses.on_plane[t], surface.loss()[[0, 0]], "as a sweep computes it");
    }
    assert_eq!(losses.on_path[7], losses.on_plane[7]);
    let (snapshot, gap) = losses.largest_gap().unwrap();
    assert_eq!(gap, (losses.on_path[snapshot] - losses.on_plane[snapshot]).abs());

    let mut far = path.clone();
    far[2][0] = 1e10;
    let failed = found.losses(&model, &far, &()).unwrap();
    assert!(failed.on_path[2].is_nan() && failed.failures.len() == 1 && failed.failures[0].snapshot == 2);
    let short = found.losses(&model, &path[1..], &());
    assert!(matches!(short, Err(Error::TrajectoryLength { found: 7, expected: 8 })));
    let other = FnModel::new(Layout::flat(41).unwrap(), vec![0.0; 41], |t: &[f64], (): &()| t[0]).unwrap();
    assert!(matches!(found.losses(&other, &path, &()), Err(Error::LayoutMismatch { .. })));
}

#[test]
fn bad_input_is_named() {
    let layout = Layout::flat(3).unwrap();
    let run = |path: &[Vec<f64>]| PrincipalPlane::new().run(&layout, path).map(|_| ());
    let flat = |found: Result<(), Error>, snapshots, dimensions| {
        matches!(found, Err(Error::TrajectoryDimensions { snapshots: s, dimensions: d, components: 2 })
            if s == snapshots && d == dimensions)
    };
    let [a, b, c] = [vec![0.1, 0.2, 0.3], vec![0.4, -0.1, 0.2], vec![0.0, 5.0, 1.0]];
    assert!(flat(run(&[]), 0, 0));
    assert!(flat(run(std::slice::from_ref(&a)), 1, 0), "one snapshot");
    assert!(flat(run(&[a.clone(), a.clone(), a.clone()]), 3, 0), "equal snapshots");
    assert!(flat(run(&[a.clone(), b.clone()]), 2, 1), "two make a line");
    let line = |share: f64| a.iter().zip(&b).map(|(a, b)| a + share * (b - a)).collect::<Vec<f64>>();
    assert!(flat(run(&[a.clone(), line(0.3), line(0.7), b.clone()]), 4, 1), "snapshots on a line");
    assert!(run(&[a.clone(), b.clone(), c.clone()]).is_ok());

    let error = run(&[a.clone(), vec![1.0; 4], c.clone()]).unwrap_err();
    assert_eq!(error.to_string(), "snapshot 1 has 4 values where the layout has 3 parameters");
    let error = run(&[a.clone(), b.clone(), vec![0.0, f64::NAN, 0.0]]).unwrap_err();
    assert_eq!(error.to_string(), "snapshot 2 is NaN at index 1 of block `theta`");
    let error = run(&[vec![1e300, 0.0, 0.0], b.clone(), c.clone()]).unwrap_err();
    assert!(matches!(error, Error::TrajectoryOverflow { snapshot: 0, value: f64::INFINITY }), "{error}");
    let tiny: Vec<Vec<f64>> = [&a, &b, &c].map(|v| v.iter().map(|v| v * 1e-150).collect()).to_vec();
    assert!(run(&tiny).is_ok());

    let path = [a, b, c];
    let one = PrincipalPlane::new().components(1).run(&layout, &path);
    assert!(matches!(one, Err(Error::Setting { setting: "components", .. })));
    let none =
        PrincipalPlane::new().weights_only().run(&Layout::new([Block::bias("b", [3])]).unwrap(), &path);
    assert!(matches!(none, Err(Error::EmptyMask)));
    let mask = Mask::all(&fixture_layout());
    let other = PrincipalPlane::new().mask(&mask).run(&layout, &path);
    assert!(matches!(other, Err(Error::LayoutMismatch { .. })));
    // Files of another layout than is asked for.
    let files = CheckpointReader::<f64>::new(&layout).snapshots(Vec::<PathBuf>::new()).unwrap();
    assert!(matches!(
        PrincipalPlane::new().run(&fixture_layout(), &files),
        Err(Error::LayoutMismatch { .. })
    ));
}

/// Counts how often each parameter is read.
struct Counted(Vec<Vec<f64>>, std::sync::atomic::AtomicUsize);

impl Snapshots<f64> for Counted {
    fn count(&self) -> usize {
        self.0.len()
    }

    fn ensure_fits(&self, layout: &Layout) -> loss_landscape::Result<()> {
        Snapshots::<f64>::ensure_fits(&self.0, layout)
    }

    fn read(&self, index: usize, range: Range<usize>, out: &mut [f64]) -> loss_landscape::Result<()> {
        self.1.fetch_add(range.len(), std::sync::atomic::Ordering::Relaxed);
        self.0.read(index, range, out)
    }
}

#[test]
fn every_parameter_is_read_twice() {
    let layout = Layout::flat(2000).unwrap();
    let counted = Counted(walk(5, 2000, 1), std::sync::atomic::AtomicUsize::new(0));
    PrincipalPlane::new().memory(0).run(&layout, &counted).unwrap();
    assert_eq!(counted.1.into_inner(), 2 * 5 * 2000);
}

#[test]
fn reports_are_serialised_and_directions_keep_their_source() {
    let layout = Layout::flat(12).unwrap();
    let found = PrincipalPlane::new().run(&layout, &walk::<f64>(5, 12, 2)).unwrap();
    let text = serde_json::to_string(found.report()).unwrap();
    assert_eq!(serde_json::from_str::<TrajectoryReport>(&text).unwrap(), *found.report());
    let bytes = found.directions().to_safetensors_bytes().unwrap();
    assert_eq!(Directions::from_safetensors_bytes(&layout, &bytes).unwrap(), *found.directions());
    let model = FnModel::new(layout.clone(), vec![0.0; 12], |t: &[f64], (): &()| t[0]).unwrap();
    let sweep = Sweep::plane(&model, found.into_directions()).data("", &()).alpha(-1.0..=1.0, 2);
    let surface = sweep.beta(-1.0..=1.0, 2).run().unwrap();
    let told = surface.report().provenance.to_string();
    assert!(told.contains("principal component 2 of 5 snapshots about the last"), "{told}");
}
