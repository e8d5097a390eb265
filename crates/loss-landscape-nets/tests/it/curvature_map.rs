//! Eigenvalue-ratio maps: against PyTorch's spectra and closed forms, over threads, with points that fail.

use std::{
    ops::ControlFlow,
    sync::atomic::{AtomicUsize, Ordering},
};

use crate::common::{first, raw, reference};
use loss_landscape::{
    Block, Direction, Directions, EigenRatio, Error, Gradient, HessianProduct, Layout, Loss, Mask, Model,
    Normalization, OnBadPoint, OracleError, Policy, Progress, RatioMap, Role, Sweep,
    curvature::{HessianOperator, Lanczos, LanczosEnd},
    eigen_ratio_1d, eigen_ratio_2d,
    oracle::Slice,
    report::{PointFailure, SweepEnd},
};
use loss_landscape_nets::{Activation, Mlp, Samples};

const N: usize = 40;

/// L = Σ aᵢ·θᵢ²/2 + bᵢ·θᵢ⁴/12, whose Hessian is diag(aᵢ + bᵢ·θᵢ²); θ₀ and θ₁ are α and β.
struct Quartic {
    layout: Layout,
    theta: Vec<f64>,
    /// What happens instead of the product at a point (α, β), if anything.
    trouble: fn(f64, f64) -> Trouble,
    products: AtomicUsize,
}

enum Trouble {
    None,
    Error,
    Panic,
    NotANumber,
    Rotation,
}

impl Quartic {
    fn new(trouble: fn(f64, f64) -> Trouble) -> Self {
        let layout = Layout::new([
            Block::weight("w", [N - 1, 1], 0),
            Block::bias("b", [1]),
            Block::new("mean", [2], Role::Buffer, None),
        ]);
        Self { layout: layout.unwrap(), theta: vec![0.0; N + 2], trouble, products: AtomicUsize::new(0) }
    }

    fn curvature(theta: &[f64], i: usize) -> f64 {
        match i {
            0 => 4.0 + 3.0 * theta[0].powi(2),
            1 => 0.3 - 2.0 * theta[1].powi(2),
            i => 0.5 + 0.4 * (i as f64).sin(),
        }
    }

    /// The true (λ_min, λ_max).
    fn extremes(alpha: f64, beta: f64) -> (f64, f64) {
        let values: Vec<f64> = (0..N).map(|i| Self::curvature(&[alpha, beta], i)).collect();
        (values.iter().copied().fold(f64::MAX, f64::min), values.iter().copied().fold(f64::MIN, f64::max))
    }

    fn plane(&self) -> Directions<f64> {
        let unit = |i: usize| {
            let mut values = vec![0.0; N + 2];
            values[i] = 1.0;
            Direction::new(&self.layout, values).unwrap()
        };
        Directions::new(unit(0), unit(1)).unwrap()
    }
}

impl Model for Quartic {
    type Scalar = f64;
    fn layout(&self) -> &Layout {
        &self.layout
    }
    fn parameters(&self) -> &[f64] {
        &self.theta
    }
}

impl Loss<()> for Quartic {
    fn loss(&self, _: &[f64], (): &()) -> Result<f64, OracleError> {
        unreachable!("a map of curvature needs no loss")
    }
}

impl Gradient<()> for Quartic {
    fn gradient(&self, _: &[f64], (): &(), _: &mut [f64]) -> Result<f64, OracleError> {
        unreachable!("and no gradient where the product is known")
    }
}

impl HessianProduct<()> for Quartic {
    fn hessian_product(&self, theta: &[f64], v: &[f64], (): &(), out: &mut [f64]) -> Result<(), OracleError> {
        self.products.fetch_add(1, Ordering::Relaxed);
        out.fill(0.0);
        for i in 0..N {
            out[i] = Self::curvature(theta, i) * v[i];
        }
        match (self.trouble)(theta[0], theta[1]) {
            Trouble::None => {}
            Trouble::Error => return Err("out of cheese".into()),
            Trouble::Panic => panic!("the cat is on the keyboard"),
            Trouble::NotANumber => out[3] = f64::NAN,
            Trouble::Rotation => {
                out[4] += 2.0 * v[5];
                out[5] -= 2.0 * v[4];
            }
        }
        Ok(())
    }
}

fn sound(_: f64, _: f64) -> Trouble {
    Trouble::None
}

#[test]
fn a_known_hessian_is_mapped_with_its_sign() {
    let model = Quartic::new(sound);
    for warm in [true, false] {
        let map = Sweep::plane(&model, model.plane())
            .data("", &())
            .alpha(-1.0..=1.0, 19)
            .beta(-0.5..=0.8, 11)
            .eigen_ratio(&EigenRatio::new().certified(!warm))
            .unwrap();
        let [ratio, sign, low, high] =
            ["ratio", "sign", "ratio low", "ratio high"].map(|name| map.channel(name).unwrap());
        for (i, &alpha) in map.alpha().iter().enumerate() {
            for (j, &beta) in map.beta().iter().enumerate() {
                let (least, most) = Quartic::extremes(alpha, beta);
                let exact = (least / most).abs();
                assert!(
                    (ratio[[i, j]] - exact).abs() <= 0.005,
                    "({alpha}, {beta}): {} {exact}",
                    ratio[[i, j]]
                );
                if least.abs() > 0.005 * most {
                    assert_eq!(sign[[i, j]], least.signum(), "({alpha}, {beta})");
                }
                assert!(low[[i, j]] <= exact + 1e-12 && exact <= high[[i, j]] + 1e-12);
                let bounds =
                    ["lambda_min bound", "lambda_max bound"].map(|c| map.channel(c).unwrap()[[i, j]]);
                assert!(bounds[0] <= least + 1e-12 && most <= bounds[1] + 1e-12);
            }
        }
        assert_eq!(map.products(), model.products.swap(0, Ordering::Relaxed), "every product is counted");
        let sum: f64 = map.channel("products").unwrap().sum();
        assert_eq!(sum, map.products() as f64);
        assert!(map.uncertain().iter().all(|uncertain| !uncertain));
        let certified = map.channel("certified").unwrap().iter().filter(|c| **c == 1.0).count();
        if warm {
            assert!(map.cold_points() >= 6 && map.cold_points() <= 19 * 11);
        } else {
            assert_eq!((map.cold_points(), certified), (19 * 11, 19 * 11));
        }
    }
}

/// The reference network, its plane, and the true ends of the spectrum at the nine reference points.
fn network(activation: Activation) -> (Mlp<f64>, Samples<f64>, Directions<f64>, crate::common::Reference) {
    let (net, data, reference) = reference::<f64>(activation);
    let rule = Normalization::original(Policy::Still);
    let direction = |values: Vec<f64>| {
        Direction::new(net.layout(), values).unwrap().normalized(net.parameters(), &rule).unwrap()
    };
    let dirs =
        Directions::new(direction(raw(|i| (i + 1.0).sin())), direction(raw(|i| (2.0 * i + 1.0).cos())));
    (net, data, dirs.unwrap(), reference)
}

/// Three α by three β, as the reference file has them.
fn axes(points: &[f64]) -> [Vec<f64>; 2] {
    [0, 1].map(|k| {
        let mut axis: Vec<f64> = points.iter().skip(k).step_by(2).copied().collect();
        axis.sort_by(f64::total_cmp);
        axis.dedup();
        axis
    })
}

#[test]
fn pytorchs_spectra_are_mapped_in_all_parameters_and_in_weights_alone() {
    for activation in [Activation::Tanh, Activation::Relu] {
        let (net, data, dirs, reference) = network(activation);
        let points = reference.get("spectrum.points");
        let [alpha, beta] = axes(&points);
        assert_eq!((alpha.len(), beta.len()), (3, 3));
        let weights = Mask::role(net.layout(), Role::Weight);
        for (name, n, mask) in
            [("spectrum.eigenvalues", 1210, None), ("spectrum.eigenvalues_rank2_only", 1184, Some(weights))]
        {
            let spectra = reference.get(name);
            let sweep = Sweep::plane(&net, dirs.clone()).data("train", &data).alpha_at(&alpha).beta_at(&beta);
            let ratio = mask.as_ref().map_or_else(EigenRatio::new, |mask| EigenRatio::new().mask(mask));
            let map = sweep.eigen_ratio(&ratio).unwrap();
            for (point, spectrum) in points.chunks(2).zip(spectra.chunks(n)) {
                let i = alpha.iter().position(|a| *a == point[0]).unwrap();
                let j = beta.iter().position(|b| *b == point[1]).unwrap();
                let exact = (spectrum[0] / spectrum[n - 1]).abs();
                let found = map.channel("train ratio").unwrap()[[i, j]];
                assert!((found - exact).abs() < 0.005, "{activation:?} {point:?}: {found} {exact}");
                assert!(map.lambda_min()[[i, j]] >= spectrum[0] - 1e-9);
                assert!(map.lambda_max()[[i, j]] <= spectrum[n - 1] + 1e-9);
            }
        }
    }
}

/// Grids from coarse to fine: where neighbours are too far apart to help, points start cold.
#[test]
fn warm_maps_are_right_on_any_grid() {
    let (net, data, dirs, _) = network(Activation::Tanh);
    // Enough of the digits for a landscape of the same kind.
    let data = first(&data, 320);
    let plane =
        Slice::plane(net.layout(), net.parameters(), dirs.first().values(), dirs.second().values()).unwrap();
    let mut theta = net.parameters().to_vec();
    let mut hessian = HessianOperator::new(&net, &theta, &data).unwrap();
    let sure = Lanczos::new().tolerance(1e-6).confidence(1.0 - 1e-9);
    let mut share = Vec::new();
    for (rows, columns, range) in [(4, 3, 1.0), (13, 4, 1.0), (17, 6, 0.25)] {
        let map = Sweep::plane(&net, dirs.clone())
            .data("", &data)
            .alpha(-range..=range, rows)
            .beta(-0.1..=range, columns)
            .eigen_ratio(&EigenRatio::new())
            .unwrap();
        let ratio = map.ratio();
        for ((i, j), &found) in ratio.indexed_iter() {
            plane.theta_into([map.alpha()[i], map.beta()[j]], &mut theta);
            hessian.move_to(&theta).unwrap();
            let exact = sure.run(&mut hessian).unwrap().ratio();
            assert!((found - exact).abs() <= 0.005, "{rows}×{columns} at [{i}, {j}]: {found} {exact}");
        }
        share.push(map.cold_points() as f64 / ratio.len() as f64);
    }
    assert!(share[2] < 0.3 && share[2] < share[0], "close neighbours help: {share:?}");
}

fn bits(map: &RatioMap) -> Vec<u64> {
    map.values().iter().map(|value| value.to_bits()).collect()
}

#[test]
fn the_bits_do_not_depend_on_the_threads() {
    let (net, data, dirs, _) = network(Activation::Relu);
    let data = first(&data, 600);
    let map = |threads: usize, seed: u64| {
        Sweep::plane(&net, dirs.clone())
            .data("", &data)
            .alpha(-0.5..=0.5, 11)
            .beta(0.0..=0.4, 5)
            .threads(threads)
            .eigen_ratio(&EigenRatio::new().seed(seed))
            .unwrap()
    };
    let one = map(1, 0);
    for threads in [2, 4, 7] {
        let other = map(threads, 0);
        assert_eq!(bits(&one), bits(&other), "{threads} threads");
        assert_eq!(one.ends(), other.ends());
        assert_eq!((one.products(), one.cold_points()), (other.products(), other.cold_points()));
    }
    assert_ne!(bits(&one), bits(&map(2, 1)), "the seed counts");
}

fn treacherous(alpha: f64, beta: f64) -> Trouble {
    match (alpha, beta) {
        (0.0, 0.0) => Trouble::Error,
        (0.5, 0.0) => Trouble::Panic,
        (0.5, 1.0) => Trouble::NotANumber,
        (-0.5, 1.0) => Trouble::Rotation,
        _ => Trouble::None,
    }
}

#[test]
fn points_that_fail_are_recorded_and_the_rest_is_finished() {
    let model = Quartic::new(treacherous);
    for (threads, warm) in [(1, true), (3, true), (2, false)] {
        let map = Sweep::plane(&model, model.plane())
            .data("cats", &())
            .alpha(-1.0..=1.0, 9)
            .beta_at(&[-1.0, -0.5, 0.0, 0.5, 1.0])
            .threads(threads)
            .eigen_ratio(&EigenRatio::new().certified(!warm))
            .unwrap();
        let report = map.report();
        assert_eq!((report.end, report.computed), (SweepEnd::Complete, 45));
        let bad: Vec<([usize; 2], String)> =
            report.bad_points.iter().map(|bad| (bad.index, bad.failure.to_string())).collect();
        assert_eq!(bad.len(), 3, "{bad:?}");
        assert_eq!(bad[0], ([4, 2], "the oracle failed: out of cheese".to_owned()));
        assert_eq!(bad[1], ([6, 2], "the oracle panicked: the cat is on the keyboard".to_owned()));
        assert_eq!(bad[2].0, [6, 4]);
        assert!(bad[2].1.contains("index 3") && bad[2].1.contains("NaN"), "{}", bad[2].1);
        assert!(matches!(report.bad_points[1].failure, PointFailure::Panic(_)));
        // A product that is not symmetric keeps its values and says so.
        assert_eq!(map.ends()[[2 * 5 + 4, 0]], Some(LanczosEnd::Asymmetric));
        assert!(map.channel("cats asymmetry").unwrap()[[2, 4]] > 0.05);
        let uncertain: Vec<(usize, usize)> =
            map.uncertain().indexed_iter().filter(|(_, u)| **u).map(|(place, _)| place).collect();
        assert_eq!(uncertain, [(2, 4), (4, 2), (6, 2), (6, 4)]);
        for ((i, j), &found) in map.ratio().indexed_iter() {
            let (least, most) = Quartic::extremes(map.alpha()[i], map.beta()[j]);
            if !uncertain.contains(&(i, j)) {
                assert!((found - (least / most).abs()).abs() <= 0.005, "[{i}, {j}]");
            }
        }
    }
    let stopped = Sweep::plane(&model, model.plane())
        .data("", &())
        .alpha(-1.0..=1.0, 9)
        .beta_at(&[-1.0, -0.5, 0.0, 0.5, 1.0])
        .threads(1)
        .on_bad_point(OnBadPoint::Stop)
        .eigen_ratio(&EigenRatio::new())
        .unwrap();
    assert_eq!(stopped.report().end, SweepEnd::BadPoint);
    assert!(stopped.report().computed < 45 && stopped.report().bad_points.len() == 1);
}

#[test]
fn an_observer_sees_every_point_and_may_cancel() {
    let model = Quartic::new(sound);
    let seen = AtomicUsize::new(0);
    let observer = |progress: &Progress<'_>| {
        assert_eq!((progress.total, progress.values.len()), (45, 14));
        if seen.fetch_add(1, Ordering::Relaxed) + 1 == 20 {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    };
    let map = Sweep::plane(&model, model.plane())
        .data("", &())
        .alpha(-1.0..=1.0, 9)
        .beta(-1.0..=1.0, 5)
        .threads(1)
        .observer(&observer)
        .eigen_ratio(&EigenRatio::new())
        .unwrap();
    assert_eq!((map.report().end, map.report().computed), (SweepEnd::Cancelled, 20));
    assert_eq!(map.ratio().iter().filter(|ratio| ratio.is_finite()).count(), 20);
    assert_eq!(map.ends().iter().filter(|end| end.is_some()).count(), 20);
    let computed = map.computed();
    assert!(computed.indexed_iter().all(|((i, j), done)| *done == map.ratio()[[i, j]].is_finite()));
}

#[test]
fn a_line_is_a_row_of_the_plane() {
    let model = Quartic::new(sound);
    let plane = model.plane();
    let line = eigen_ratio_1d(&model, &(), plane.second().clone()).unwrap();
    assert_eq!(line.ratio().len(), 51);
    for (&beta, &found) in line.alpha().iter().zip(line.ratio()) {
        let (least, most) = Quartic::extremes(0.0, beta);
        assert!((found - (least / most).abs()).abs() <= 0.005, "{beta}");
    }
    assert_eq!(line.uncertain().to_vec(), vec![false; 51]);
    let surface = eigen_ratio_2d(&model, &(), plane).unwrap();
    assert_eq!(surface.ratio().dim(), (25, 25));
}

#[test]
fn a_cost_says_what_is_to_come() {
    let (net, data, dirs, _) = network(Activation::Tanh);
    let sweep = || {
        let sweep = Sweep::plane(&net, dirs.clone()).data("", &data).threads(2);
        sweep.alpha(-0.5..=0.5, 9).beta(-0.5..=0.5, 9)
    };
    let cost = sweep().eigen_ratio_cost(&EigenRatio::new()).unwrap();
    let map = sweep().eigen_ratio(&EigenRatio::new()).unwrap();
    assert_eq!((cost.points, cost.cold_points), (81, 4));
    assert!(map.products() >= cost.total_products[0] && map.products() <= cost.total_products[1]);
    assert!(cost.seconds_per_product > 0.0 && cost.total_seconds[0] < cost.total_seconds[1]);
    // 41 points keep two eigenvectors of two bytes; two threads keep a basis of 500 vectors and a product.
    let kept = 41 * 4 * 1210;
    let basis = 2 * 501 * 8 * 1210;
    // Each point may be computed twice: 14 values, and whether it is there and in a stage.
    assert_eq!(cost.memory, kept + basis + 81 * 2 * (14 * 8 + 2));
    let cold = sweep().eigen_ratio_cost(&EigenRatio::new().certified(true)).unwrap();
    assert_eq!((cold.cold_points, cold.total_products), (81, [81 * cold.products; 2]));
}

#[test]
fn bad_settings_are_refused_before_any_product() {
    let model = Quartic::new(|_, _| panic!("no product was to be computed"));
    let sweep = || Sweep::plane(&model, model.plane()).data("", &()).alpha(-1.0..=1.0, 3).beta(-1.0..=1.0, 3);
    let map = |ratio: EigenRatio| sweep().eigen_ratio(&ratio);
    let new = EigenRatio::new;
    for tolerance in [0.0, -0.1, f64::NAN, f64::INFINITY] {
        assert!(matches!(map(new().tolerance(tolerance)), Err(Error::Setting { .. })), "{tolerance}");
    }
    for confidence in [0.0, 1.0, f64::NAN] {
        assert!(matches!(map(new().confidence(confidence)), Err(Error::Setting { .. })), "{confidence}");
    }
    assert!(matches!(map(new().max_products(0)), Err(Error::Setting { .. })));
    let nothing = Mask::all(model.layout()).not();
    assert!(matches!(map(new().mask(&nothing)), Err(Error::EmptyMask)));
    let foreign = Mask::all(&Layout::flat(N).unwrap());
    assert!(matches!(map(new().mask(&foreign)), Err(Error::LayoutMismatch { .. })));
    assert!(matches!(sweep().beta(1.0..=-1.0, 3).eigen_ratio(&new()), Err(Error::Range { .. })));
    assert!(matches!(sweep().threads(0).eigen_ratio(&new()), Err(Error::ZeroThreads)));
    assert!(matches!(sweep().data("", &()).eigen_ratio(&new()), Err(Error::DuplicateData { .. })));
    assert!(matches!(map(new().basis_memory(100)), Err(Error::MemoryLimit { limit: 100, .. })));
    // Enough for the values, not for what warm starts keep: 160 bytes a point, of 450 points in one band, and of fewer
    // in narrow ones.
    let certified = 900 * (14 * 8 + 2);
    // A warm map may compute points a second time, and keeps both.
    let values = 2 * certified;
    let tight = |warm: bool, kept: u64| {
        let limit = values + kept * 160;
        let sweep = sweep().alpha(-1.0..=1.0, 30).beta(-1.0..=1.0, 30).memory_limit(limit);
        sweep.on_bad_point(OnBadPoint::Stop).eigen_ratio(&new().certified(!warm))
    };
    let Err(Error::MemoryLimit { bytes, .. }) = tight(true, 1) else { panic!() };
    let least = (bytes - values) / 160;
    assert!(bytes == values + least * 160 && (200..400).contains(&least), "{least}");
    assert!(matches!(tight(true, least - 1), Err(Error::MemoryLimit { bytes: same, .. }) if same == bytes));
    for map in [tight(true, least), tight(false, 1)] {
        assert_eq!(map.unwrap().report().end, SweepEnd::BadPoint, "it panics, but it fits");
    }
    assert!(matches!(sweep().memory_limit(900).eigen_ratio(&new()), Err(Error::GridTooLarge { .. })));
    let none = Sweep::<_, (), _>::line(&model, model.plane().first().clone());
    assert!(matches!(none.eigen_ratio(&new()), Err(Error::NoData)));
    let still = Direction::new(model.layout(), vec![0.0; N + 2]).unwrap();
    let still = Sweep::line(&model, still).data("", &());
    assert!(matches!(still.eigen_ratio(&new()), Err(Error::ZeroDirection { .. })));
    let zero = Directions::new(model.plane().first().clone(), model.plane().first().clone()).unwrap();
    let buffers = Mask::role(model.layout(), Role::Buffer);
    let zero = Sweep::plane(&model, zero).data("", &());
    assert!(zero.eigen_ratio_cost(&new().mask(&buffers)).is_err(), "it panics");
}

#[test]
fn a_basis_too_small_to_certify_is_told() {
    let (net, data, dirs, _) = network(Activation::Tanh);
    let map = Sweep::plane(&net, dirs)
        .data("", &data)
        .alpha_at(&[0.0])
        .beta(-0.1..=0.1, 2)
        .eigen_ratio(&EigenRatio::new().certified(true).basis_memory(10 * 8 * 1210))
        .unwrap();
    assert_eq!(map.ends().iter().flatten().count(), 2);
    assert!(map.ends().iter().all(|end| *end == Some(LanczosEnd::Residuals)), "{:?}", map.ends());
    assert!(map.uncertain().iter().all(|uncertain| *uncertain));
    assert!(map.channel("certified").unwrap().iter().all(|certified| *certified == 0.0));
}

#[test]
fn bounds_may_be_infinite_without_making_a_point_bad() {
    let model = Quartic::new(sound);
    // One product certifies nothing.
    let map = Sweep::plane(&model, model.plane())
        .data("", &())
        .alpha(-1.0..=1.0, 3)
        .beta(-1.0..=1.0, 3)
        .eigen_ratio(&EigenRatio::new().max_products(1).confidence(1.0 - 1e-12))
        .unwrap();
    assert!(map.channel("ratio high").unwrap().iter().any(|high| high.is_infinite()));
    assert!(map.report().bad_points.is_empty());
    assert!(map.uncertain().iter().all(|uncertain| *uncertain));
}

#[test]
fn a_cost_counts_the_points_beyond_the_lattice() {
    let model = Quartic::new(sound);
    // 0, 4, 6, 7; every eighth and 50.
    for (points, cold) in [(8, 4), (49, 7), (51, 8)] {
        let line = || {
            let line = Sweep::line(&model, model.plane().second().clone()).data("", &());
            line.alpha(-0.1..=0.1, points)
        };
        let cost = line().eigen_ratio_cost(&EigenRatio::new()).unwrap();
        let run = line().eigen_ratio(&EigenRatio::new()).unwrap();
        assert_eq!(cost.cold_points, cold, "{points} points");
        assert!(run.cold_points() >= cold);
    }
}
