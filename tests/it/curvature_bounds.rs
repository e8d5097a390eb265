//! Spectra that are known, and bounds that must hold as often as they say: synthetic operators,
//! calibration, warm starts, thresholds.

use std::cell::Cell;

use crate::lanczos_checks::sound;
use loss_landscape::{
    Error, Scalar,
    curvature::{Extremes, FnOperator, Lanczos, LanczosEnd, SymmetricOperator},
};
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use rand_distr::{Distribution, StandardNormal};

/// A diagonal operator that counts its products.
fn diagonal<'a, S: Scalar>(
    spectrum: &'a [f64],
    calls: &'a Cell<usize>,
) -> impl SymmetricOperator<Scalar = S> + 'a {
    FnOperator::new(spectrum.len(), move |v: &[S], out: &mut [S]| {
        calls.set(calls.get() + 1);
        for ((out, l), v) in out.iter_mut().zip(spectrum).zip(v) {
            *out = S::from_f64(l * v.as_f64());
        }
        Ok(())
    })
}

/// Runs from a random vector, and checks that the products are counted.
fn run<S: Scalar>(lanczos: &Lanczos, spectrum: &[f64]) -> Extremes<S> {
    let calls = Cell::new(0);
    let found = lanczos.run(&mut diagonal::<S>(spectrum, &calls)).unwrap();
    assert_eq!(found.products, calls.get());
    found
}

/// Runs from `start`.
fn run_from(lanczos: &Lanczos, spectrum: &[f64], start: &[f64]) -> Extremes<f64> {
    let calls = Cell::new(0);
    let found = lanczos.run_from(&mut diagonal::<f64>(spectrum, &calls), start).unwrap();
    assert_eq!(found.products, calls.get());
    found
}

/// Ten outliers, up to 10, over a bulk with half-normal tails that ends at `lambda_min`, as the Hessians
/// of networks have.
fn network_like(n: usize, lambda_min: f64) -> Vec<f64> {
    let mut generator = ChaCha8Rng::seed_from_u64(7);
    let bulk: Vec<f64> = (10..n).map(|_| StandardNormal.sample(&mut generator)).collect();
    let lowest = bulk.iter().copied().fold(0.0, f64::min);
    let outliers = (1..=10).map(f64::from);
    let mut spectrum: Vec<f64> = bulk.iter().map(|g| g * lambda_min / lowest).chain(outliers).collect();
    spectrum.sort_by(f64::total_cmp);
    spectrum
}

fn uniform(n: usize, low: f64, high: f64) -> Vec<f64> {
    (0..n).map(|i| low + (high - low) * i as f64 / (n - 1) as f64).collect()
}

/// Spectra, ascending, with a name.
fn zoo() -> Vec<(&'static str, Vec<f64>)> {
    let joined = |parts: &[Vec<f64>]| {
        let mut all = parts.concat();
        all.sort_by(f64::total_cmp);
        all
    };
    vec![
        ("ratio 0.0002", network_like(700, -1.9e-3)),
        ("ratio 0.002", network_like(700, -1.99e-2)),
        ("ratio 0.02", network_like(700, -0.186)),
        ("as negative as positive", uniform(200, -3.0, 3.0)),
        ("positive", uniform(200, 1.0, 10.0)),
        ("negative", uniform(200, -10.0, -1.0)),
        ("repeated ends", joined(&[vec![-1.0; 50], uniform(500, -0.5, 4.0), vec![10.0; 50]])),
        ("one deep eigenvalue", joined(&[vec![-8.0], uniform(200, 0.0, 2.0)])),
        ("a lowest close to the next", joined(&[vec![-0.5, -0.499], uniform(200, -0.4, 5.0)])),
        ("two clusters", joined(&[uniform(300, -1.0, -1.0 + 1e-7), uniform(300, 5.0 - 1e-7, 5.0)])),
        ("two eigenvalues", joined(&[vec![-2.0; 400], vec![7.0; 3]])),
        ("identity", vec![3.0; 500]),
        ("minus the identity", vec![-3.0; 500]),
        ("rank one", joined(&[vec![0.0; 999], vec![7.0]])),
        ("rank one, negative", joined(&[vec![0.0; 999], vec![-7.0]])),
        ("rank three", joined(&[vec![0.0; 999], vec![-1.0, 2.0, 3.0]])),
        ("one", vec![-0.25]),
        ("two", vec![-0.25, 4.0]),
        ("two, the same", vec![4.0, 4.0]),
        ("three", vec![-5.0, 0.0, 4.0]),
        ("nine", uniform(9, -1.0, 7.0)),
        ("many decades", (0..60).map(|i| 10.0_f64.powf(f64::from(i) / 5.0 - 12.0)).collect()),
    ]
}

/// Both ends at each tolerance, with the bounds; `unit` scales the spectrum.
fn every_spectrum<S: Scalar>(tolerances: &[f64], units: &[f64]) {
    for (name, spectrum) in zoo() {
        for &unit in units {
            let spectrum: Vec<f64> = spectrum.iter().map(|l| S::from_f64(l * unit).as_f64()).collect();
            let distinct = spectrum.chunk_by(|a, b| a == b).count();
            let seeds = if unit == 1.0 { 0..3 } else { 0..1 };
            for (seed, &tolerance) in seeds.flat_map(|s| tolerances.iter().map(move |t| (s, t))) {
                let context = format!("{} {name}, unit {unit:e}, {tolerance:e}, seed {seed}", S::NAME);
                let found = run::<S>(&Lanczos::new().tolerance(tolerance).seed(seed), &spectrum);
                let slack = 32.0 * S::EPSILON * (spectrum.len() as f64).sqrt();
                sound(&found, &spectrum, tolerance, slack, &context);
                // In f32 a break between clusters may hide too much to be called exact.
                let broke = S::NAME == "f32" && found.end == LanczosEnd::Breakdown;
                assert!(
                    broke || matches!(found.end, LanczosEnd::Certified | LanczosEnd::Exact),
                    "{context}: {found:?}"
                );
                assert!(found.products <= distinct + 1, "{context}: {} products", found.products);
            }
        }
    }
}

#[test]
fn known_spectra_f64() {
    every_spectrum::<f64>(&[1e-1, 1e-3, 1e-6], &[1.0]);
}

#[test]
fn known_spectra_f32() {
    every_spectrum::<f32>(&[1e-1, 1e-3], &[1.0]);
}

#[test]
fn the_scale_does_not_matter() {
    every_spectrum::<f64>(&[1e-3], &[1e-150, 1e150]);
    every_spectrum::<f32>(&[1e-3], &[1e-25, 1e25]);
}

/// A big one, and what it takes.
#[test]
fn a_hundred_thousand_parameters() {
    let spectrum = network_like(100_000, -0.186);
    for (tolerance, products) in [(1e-1, 16), (1e-2, 23)] {
        let found = run::<f32>(&Lanczos::new().tolerance(tolerance), &spectrum);
        assert_eq!(found.end, LanczosEnd::Certified);
        sound(&found, &spectrum, tolerance, 1e-5, "100,000");
        assert!(found.products <= products, "{} products", found.products);
    }
}

/// The original code paints a region where λ_min is above 0.02·λ_max as one of ratio 1.
#[test]
fn convex_and_concave_places_are_told_apart() {
    for (low, high, ratio, convex) in [
        (1.0, 10.0, 0.1, true),
        (0.3, 10.0, 0.03, true),
        (-10.0, -1.0, 10.0, false),
        (-1.0, 10.0, 0.1, false),
    ] {
        let found = run::<f64>(&Lanczos::new(), &uniform(400, low, high));
        assert!((found.ratio() - ratio).abs() <= 1e-3 * ratio.max(1.0), "{found:?}");
        assert_eq!(found.is_convex(), Some(convex));
    }
    // Positive so far, but a negative end is not ruled out.
    let found = run::<f64>(&Lanczos::new().max_products(4), &uniform(400, 0.01, 10.0));
    assert_eq!((found.end, found.is_convex()), (LanczosEnd::ProductLimit, None));
    let zero = run::<f64>(&Lanczos::new(), &[0.0; 300]);
    assert_eq!((zero.lambda_min, zero.lambda_max, zero.bounds), (0.0, 0.0, [0.0; 2]));
    assert_eq!((zero.end, zero.products, zero.is_convex()), (LanczosEnd::Exact, 1, Some(true)));
    assert!(zero.ratio().is_nan());
}

/// The size of the hard spectrum.
const N: usize = 100;

/// Edges that thin out as those of a random matrix, and one eigenvalue a little off at each end: a hard
/// spectrum, whose ends a run finds late.
fn hard(n: usize) -> Vec<f64> {
    let angle = |i: usize| std::f64::consts::PI * i as f64 / n as f64;
    let inside = (1..n - 1).map(|i| -angle(i).cos());
    [-1.02].into_iter().chain(inside).chain([1.02]).collect()
}

const SEEDS: usize = 400;

/// How bounds do over many seeds.
#[derive(Debug)]
struct Calibration {
    /// The share of runs with an end of the spectrum outside the bounds.
    failed: f64,
    /// The share of runs whose Ritz value is not at λ_min.
    missed: f64,
    /// The median and largest distance of the bounds.
    widths: [f64; 2],
}

fn calibrate(lanczos: &Lanczos, spectrum: &[f64], start: Option<&[f64]>) -> Calibration {
    let [low, high] = [spectrum[0], spectrum[spectrum.len() - 1]];
    let (mut failed, mut missed, mut widths) = (0, 0, Vec::new());
    for seed in 0..SEEDS {
        let lanczos = lanczos.clone().seed(seed as u64);
        let found = match start {
            None => run::<f64>(&lanczos, spectrum),
            Some(start) => run_from(&lanczos, spectrum, start),
        };
        let outside = found.bounds[0] > low + 1e-12 || found.bounds[1] < high - 1e-12;
        failed += usize::from(outside);
        missed += usize::from(found.lambda_min > low.midpoint(spectrum[1]));
        widths.push(found.bounds[1] - found.bounds[0]);
    }
    widths.sort_by(f64::total_cmp);
    let share = |count: usize| count as f64 / SEEDS as f64;
    Calibration {
        failed: share(failed),
        missed: share(missed),
        widths: [widths[SEEDS / 2], widths[SEEDS - 1]],
    }
}

/// Three standard deviations of a share of the seeds.
fn spread(share: f64) -> f64 {
    3.0 * (share * (1.0 - share) / SEEDS as f64).sqrt()
}

/// Bounds fail as often as they say at most; and once a run has seen much, nearly that often, so that they
/// are as tight as a random start allows.
fn calibrated(start: Option<&[f64]>, context: &str) {
    let spectrum = hard(N);
    for (confidence, least) in [(0.9, 0.03), (0.5, 0.3)] {
        for (products, width) in [(6, 3.2), (12, 2.25), (28, 2.1)] {
            let lanczos = Lanczos::new().tolerance(1e-12).confidence(confidence).max_products(products);
            let found = calibrate(&lanczos, &spectrum, start);
            let context = format!("{context}, {confidence}, {products} products: {found:?}");
            let allowed = 1.0 - confidence;
            assert!(found.failed <= allowed + spread(allowed), "{context}");
            assert!(products < 28 || found.failed > least, "{context}");
            // The spectrum is 2.04 wide.
            assert!(found.widths[0] > 2.04 && found.widths[0] < width, "{context}");
            assert!(found.widths[1] < 1.2 * width, "{context}");
            assert!(products > 6 || found.missed == 1.0, "{context}");
        }
    }
}

#[test]
fn bounds_hold_as_often_as_they_say() {
    calibrated(None, "cold");
}

#[test]
fn bounds_hold_as_often_as_they_say_from_a_start_that_hides_the_ends() {
    let mut start = vec![0.0; N];
    start[N / 2] = 5.0;
    calibrated(Some(&start), "from an eigenvector of the middle");
}

#[test]
fn bounds_hold_as_often_as_they_say_from_a_start_at_the_wrong_end() {
    let mut start = vec![0.0; N];
    (start[1], start[N - 2]) = (1.0, -2.0);
    calibrated(Some(&start), "from the eigenvectors next to the ends");
}

#[test]
fn certified_runs_are_wrong_as_seldom_as_they_say() {
    let spectrum: Vec<f64> = hard(N).iter().map(|l| 2.0 * l + 1.0).collect();
    let truth = (spectrum[0] / spectrum[N - 1]).abs();
    let mut dearer = 0.0;
    for confidence in [0.5, 0.9, 0.99] {
        let (mut wrong, mut products) = (0, 0);
        for seed in 0..SEEDS {
            let lanczos = Lanczos::new().tolerance(0.004).confidence(confidence).seed(seed as u64);
            let found = run::<f64>(&lanczos, &spectrum);
            assert_eq!(found.end, LanczosEnd::Certified);
            products += found.products;
            wrong += usize::from((found.ratio() - truth).abs() > 0.004);
        }
        let (wrong, products) = (wrong as f64 / SEEDS as f64, products as f64 / SEEDS as f64);
        println!("certified at {confidence}: {wrong} wrong, {products} products");
        assert!(wrong <= 1.0 - confidence + spread(confidence), "{confidence}: {wrong}");
        assert!(products > dearer, "confidence costs products");
        dearer = products;
    }
}

#[test]
fn a_warm_start_saves_products() {
    let spectrum = network_like(2000, -0.186);
    let mut ends = vec![0.0; 2000];
    (ends[0], ends[1999]) = (3.0, 3.0);
    for (tolerance, most) in [(1e-2, 3), (1e-3, 6)] {
        let lanczos = Lanczos::new().tolerance(tolerance).by_residuals(true);
        let (warm, cold) = (run_from(&lanczos, &spectrum, &ends), run::<f64>(&lanczos, &spectrum));
        assert!(warm.products <= most && warm.products < cold.products, "{warm:?} {cold:?}");
        assert_eq!(warm.end, LanczosEnd::Residuals);
        assert!((warm.ratio() - 0.0186).abs() < tolerance, "{warm:?}");
        sound(&warm, &spectrum, tolerance, 1e-12, "warm");
        // Certainty has the price of a cold start: it comes from the random share alone.
        let certified = run_from(&lanczos.by_residuals(false), &spectrum, &ends);
        assert_eq!(certified.end, LanczosEnd::Certified);
        sound(&certified, &spectrum, tolerance, 1e-12, "warm, certified");
        assert!((certified.ratio() - 0.0186).abs() < 1e-8, "{certified:?}");
    }
}

#[test]
fn a_start_that_hides_the_ends_does_not_deceive() {
    let spectrum = network_like(2000, -0.186);
    // Eigenvectors of the bulk alone, and all but the ends.
    let mut one = vec![0.0; 2000];
    one[1000] = 1.0;
    let mut rest = vec![1.0; 2000];
    (rest[0], rest[1999]) = (0.0, 0.0);
    for start in [one, rest] {
        let lanczos = Lanczos::new().tolerance(1e-3);
        let found = run_from(&lanczos, &spectrum, &start);
        assert_eq!(found.end, LanczosEnd::Certified);
        sound(&found, &spectrum, 1e-3, 1e-12, "hidden");
        assert!((found.ratio() - 0.0186).abs() < 1e-5);
    }
}

#[test]
fn starts_are_scaled_and_nothing_is_no_start() {
    let spectrum = uniform(300, -1.0, 3.0);
    let lanczos = Lanczos::new().tolerance(1e-2).vectors(true);
    let cold = run::<f64>(&lanczos, &spectrum);
    for none in [0.0, f64::NAN, f64::INFINITY] {
        let mut start = vec![0.0; 300];
        start[7] = none;
        assert_eq!(run_from(&lanczos, &spectrum, &start), cold);
    }
    let start: Vec<f64> = (0..300).map(|i| f64::from(i).sin()).collect();
    let warm = run_from(&lanczos, &spectrum, &start);
    assert_ne!(warm, cold);
    for scale in [2.0_f64.powi(600), 2.0_f64.powi(-600)] {
        let scaled: Vec<f64> = start.iter().map(|s| s * scale).collect();
        let found = run_from(&lanczos, &spectrum, &scaled);
        assert!((found.lambda_min - warm.lambda_min).abs() < 1e-12, "{scale:e}: {found:?}");
        assert_eq!(found.products, warm.products);
    }
    let calls = Cell::new(0);
    let error = lanczos.run_from(&mut diagonal::<f64>(&spectrum, &calls), &[1.0; 299]).unwrap_err();
    assert!(matches!(error, Error::OperatorLength { len: 299, expected: 300, .. }), "{error}");
    assert_eq!(calls.get(), 0);
}

#[test]
fn a_threshold_is_decided_early_and_right() {
    let spectrum = network_like(2000, -0.186);
    let fine = Lanczos::new().tolerance(1e-5);
    let full = run::<f64>(&fine, &spectrum).products;
    for (threshold, above, most) in [
        (0.0, true, full),
        (1e-4, true, 6),
        (0.005, true, 9),
        (0.015, true, 17),
        (0.018, true, 25),
        (0.0195, false, 45),
        (0.022, false, 30),
        (0.1, false, 16),
        (0.5, false, 8),
    ] {
        let found = run::<f64>(&fine.clone().threshold(threshold), &spectrum);
        assert_eq!((found.end, found.above(threshold)), (LanczosEnd::Decided, Some(above)), "{threshold}");
        assert!(found.products <= most && found.products < full, "{threshold}: {}", found.products);
        sound(&found, &spectrum, 1.0, 1e-12, "threshold");
    }
    // At the ratio itself there is nothing to decide.
    let found = run::<f64>(&fine.threshold(0.0186), &spectrum);
    assert_eq!((found.end, found.above(0.0186), found.products), (LanczosEnd::Certified, None, full));
    // Convex: a ratio is above 0 there too.
    let found = run::<f64>(&Lanczos::new().tolerance(1e-5).threshold(0.05), &uniform(400, 1.0, 10.0));
    assert_eq!((found.end, found.above(0.05)), (LanczosEnd::Decided, Some(true)));
}

/// In f32 a whole eigenvalue can hide below rounding: the run must not call what it saw exact.
#[test]
fn rounding_is_no_proof() {
    let (n, outlier) = (20_000, 0.01_f32);
    let (mut missed, mut breakdowns) = (0, 0);
    for seed in 0..60 {
        let mut operator = FnOperator::new(n, |v: &[f32], out: &mut [f32]| {
            out.copy_from_slice(v);
            out[7] *= 1.0 + outlier;
            Ok(())
        });
        let found = Lanczos::new().tolerance(0.005).seed(seed).run(&mut operator).unwrap();
        missed += usize::from(found.bounds[1] < 1.0 + 0.9 * f64::from(outlier));
        breakdowns += usize::from(found.end == LanczosEnd::Breakdown);
        if found.end != LanczosEnd::Breakdown {
            assert!((found.ratio() - 1.0 / 1.01).abs() <= 0.005, "seed {seed}: {found:?}");
        }
    }
    assert_eq!(missed, 0);
    assert!(breakdowns > 0, "some starts hardly see the outlier, and say so");
}
