//! Sweeps over several draws of random directions: what they are made of, how they resume, known distributions.

use std::{
    ops::ControlFlow,
    path::PathBuf,
    sync::atomic::{AtomicUsize, Ordering},
};

use loss_landscape::{
    Block, Curve, Draws, Error, FnModel, Journal, Layout, Model, Norm, Normalization, Observer, Progress,
    RandomDirections, Surface, Sweep,
    draws::BandSettings,
    measure::Measure,
    ndarray::{Ix1, Ix2},
    report::SweepEnd,
    statistics::{Sample, TwoLevel, difference},
};
use proptest::prelude::*;

fn layout() -> Layout {
    Layout::new([Block::weight("w", [4, 3], 0), Block::bias("b", [4]), Block::weight("v", [2, 4], 0)])
        .unwrap()
}

fn theta() -> Vec<f64> {
    (0..24).map(|i| 0.3 + f64::from(i * 7 % 11) / 5.0).collect()
}

fn rough(theta: &[f64], _: &()) -> f64 {
    theta.iter().enumerate().map(|(i, t)| (1.0 + i as f64) * t * t + (3.0 * t).sin()).sum()
}

struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("loss-landscape-draws-{name}-{}", std::process::id()));
        let _ = std::fs::remove_file(&path);
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn bits<'v>(values: impl IntoIterator<Item = &'v f64>) -> Vec<u64> {
    values.into_iter().map(|value| value.to_bits()).collect()
}

#[test]
fn each_draw_is_the_sweep_along_its_own_streams() {
    let model = FnModel::new(layout(), theta(), rough).unwrap();
    let random = RandomDirections::new(9).orthogonal(true).stream(4);
    let plane = |random: RandomDirections| {
        Sweep::plane(&model, random).data("train", &()).alpha(-1.0..=1.0, 5).beta(-0.5..=0.5, 3)
    };
    let draws = plane(random.clone()).draws(3).unwrap();
    for (k, draw) in draws.iter().enumerate() {
        let alone: Surface = plane(random.clone().stream(4 + 2 * k as u64)).run().unwrap();
        assert_eq!(bits(draw.values()), bits(alone.values()), "draw {k}");
        assert_eq!(draw.report().provenance, alone.report().provenance);
    }
    let line = |random: RandomDirections| Sweep::line(&model, random).data("", &());
    let draws = line(random.clone()).draws(3).unwrap();
    for (k, draw) in draws.iter().enumerate() {
        let alone: Curve = line(random.clone().stream(4 + k as u64)).run().unwrap();
        assert_eq!(bits(draw.values()), bits(alone.values()), "draw {k}");
    }
    assert_eq!((draws.len(), draws.report().total, draws.report().end), (3, 153, SweepEnd::Complete));
    // More draws leave the first ones as they are.
    assert_eq!(bits(line(random).draws(5).unwrap()[2].values()), bits(draws[2].values()));
}

#[test]
fn the_bits_do_not_depend_on_threads() {
    let model = FnModel::new(layout(), theta(), rough).unwrap();
    let sweep = |points: usize| {
        Sweep::plane(&model, RandomDirections::new(3))
            .data("", &())
            .alpha(-1.0..=1.0, points)
            .beta_at(&[0.0, 0.5])
    };
    for points in [2, 31] {
        let one = sweep(points).threads(1).draws(4).unwrap();
        for threads in [2, 3, 7] {
            let several = sweep(points).threads(threads).draws(4).unwrap();
            let here = sweep(points).here().draws(4).unwrap();
            let own =
                sweep(points).per_thread(|| Ok(FnModel::new(layout(), theta(), rough)?)).threads(threads);
            let own = own.draws(4).unwrap();
            for other in [several, here, own] {
                for (a, b) in one.iter().zip(&other) {
                    assert_eq!(bits(a.values()), bits(b.values()));
                }
            }
        }
    }
}

/// Cancelled at any point and resumed, the draws have the bits of a sweep that was never interrupted.
#[test]
fn draws_resume_from_one_journal() {
    let model = FnModel::new(layout(), theta(), rough).unwrap();
    let sweep =
        || Sweep::line(&model, RandomDirections::new(1)).data("", &()).alpha(-1.0..=1.0, 7).threads(2);
    let whole = sweep().draws(4).unwrap();
    for stop in [0, 1, 6, 7, 8, 20, 27, 28] {
        let scratch = Scratch::new(&format!("resume-{stop}"));
        let cancel = |progress: &Progress<'_>| {
            if progress.done < stop { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        };
        let begun = sweep().journal(&scratch.0).observer(&cancel).draws(4).unwrap();
        // A point in work is finished, and may be the last one.
        let all = begun.report().computed == 28;
        assert!(all || begun.report().end == SweepEnd::Cancelled, "{stop}");
        let journal = Journal::read([&scratch.0]).unwrap();
        assert_eq!((journal.total(), journal.computed()), (28, begun.report().computed));
        let partial = Draws::<Ix1>::from_journal(&journal).unwrap();
        for (a, b) in partial.iter().zip(&begun) {
            assert_eq!(bits(a.values()), bits(b.values()));
            assert_eq!(a.report().provenance.directions, b.report().provenance.directions);
            assert_eq!(
                (a.report().computed, a.report().end),
                (
                    b.report().computed,
                    match b.report().end {
                        SweepEnd::Cancelled => SweepEnd::Partial,
                        end => end,
                    }
                )
            );
        }
        let resumed = sweep().journal(&scratch.0).draws(4).unwrap();
        assert_eq!(resumed.report().end, SweepEnd::Complete);
        assert_eq!(
            resumed.report().resumed.as_ref().map(|found| found.points),
            Some(begun.report().computed)
        );
        for (a, b) in resumed.iter().zip(&whole) {
            assert_eq!(bits(a.values()), bits(b.values()), "{stop}");
            assert_eq!(a.report().provenance, b.report().provenance);
        }
    }
}

#[test]
fn shards_of_draws_merge() {
    let model = FnModel::new(layout(), theta(), rough).unwrap();
    let sweep = || {
        Sweep::plane(&model, RandomDirections::new(1)).data("", &()).alpha(-1.0..=1.0, 3).beta_at(&[0.0, 1.0])
    };
    let paths: Vec<Scratch> = (0..4).map(|k| Scratch::new(&format!("shard-{k}"))).collect();
    for (k, path) in paths.iter().enumerate() {
        let part = sweep().shard(k, 4).journal(&path.0).draws(3).unwrap();
        // 18 points in four shards: 5, 5, 4 and 4.
        assert_eq!((part.report().computed, part.report().end), ([5, 5, 4, 4][k], SweepEnd::Partial));
    }
    let journal = Journal::read(paths.iter().map(|path| &path.0)).unwrap();
    assert_eq!(journal.to_string(), "plane, 3 draws of 3×2 points, 18 computed, 0 missing");
    let (merged, whole) = (Draws::<Ix2>::from_journal(&journal).unwrap(), sweep().draws(3).unwrap());
    for (a, b) in merged.iter().zip(&whole) {
        assert_eq!(bits(a.values()), bits(b.values()));
    }
    // One landscape is not what is in it, and other numbers of draws are other sweeps.
    let error = Surface::from_journal(&journal).unwrap_err().to_string();
    assert!(error.contains("3 draws of a plane"), "{error}");
    assert!(Draws::<Ix1>::from_journal(&journal).is_err());
    let other = sweep().journal(&paths[0].0).draws(2).unwrap_err();
    assert!(other.to_string().contains("draws: 3 in the journal, 2 now"), "{other}");
}

#[test]
fn a_journal_of_one_draw_is_that_of_the_plain_sweep() {
    let model = FnModel::new(layout(), theta(), rough).unwrap();
    let sweep = || Sweep::line(&model, RandomDirections::new(1)).data("", &()).threads(1);
    let (one, plain) = (Scratch::new("one"), Scratch::new("plain"));
    sweep().journal(&one.0).draws(1).unwrap();
    sweep().journal(&plain.0).run().unwrap();
    assert_eq!(std::fs::read(&one.0).unwrap(), std::fs::read(&plain.0).unwrap());
}

#[test]
fn an_observer_sees_one_sweep() {
    #[derive(Default)]
    struct Counts {
        started: AtomicUsize,
        finished: AtomicUsize,
        of_draw: [AtomicUsize; 3],
        last: AtomicUsize,
    }
    impl Observer for Counts {
        fn started(&self, total: usize) {
            assert_eq!(total, 3 * 51);
            self.started.fetch_add(1, Ordering::Relaxed);
        }
        fn point(&self, progress: &Progress<'_>) -> ControlFlow<()> {
            assert!(progress.index[0] < 51 && progress.total == 3 * 51);
            self.of_draw[progress.draw].fetch_add(1, Ordering::Relaxed);
            self.last.fetch_max(progress.done, Ordering::Relaxed);
            ControlFlow::Continue(())
        }
        fn finished(&self) {
            self.finished.fetch_add(1, Ordering::Relaxed);
        }
    }
    let model = FnModel::new(layout(), theta(), rough).unwrap();
    let counts = Counts::default();
    Sweep::line(&model, RandomDirections::new(1)).data("", &()).observer(&counts).draws(3).unwrap();
    assert_eq!((counts.started.into_inner(), counts.finished.into_inner()), (1, 1));
    assert_eq!(counts.of_draw.map(AtomicUsize::into_inner), [51; 3]);
    assert_eq!(counts.last.into_inner(), 3 * 51);
}

#[test]
fn bad_points_belong_to_their_draw() {
    // Far along the second direction alone the loss is not finite.
    let random = RandomDirections::new(2);
    let model = FnModel::new(Layout::flat(2).unwrap(), vec![1.0; 2], |t: &[f64], (): &()| t[0]).unwrap();
    let second = random.clone().stream(1).one(&model).unwrap();
    let at = 1.0 + second.values()[0];
    let cliff = |t: &[f64], (): &()| if t[0] == at { f64::NAN } else { t[0] };
    let model = FnModel::new(Layout::flat(2).unwrap(), vec![1.0; 2], cliff).unwrap();
    let draws = Sweep::line(&model, random).data("", &()).draws(3).unwrap();
    assert_eq!(draws.report().bad_points, 1);
    let bad: Vec<usize> = draws.iter().map(|curve| curve.report().bad_points.len()).collect();
    assert_eq!(bad, [0, 1, 0]);
    assert_eq!(draws[1].report().bad_points[0].index, [50, 0]);
    assert_eq!(draws.band("loss", &BandSettings::new()).unwrap().counts.to_vec()[50], 2);
    let measured = draws.measure("loss", &Measure::Drop).unwrap();
    assert_eq!(measured.unknown(), 1);
}

#[test]
fn what_cannot_be_drawn_is_refused() {
    let model = FnModel::new(layout(), theta(), rough).unwrap();
    let given = RandomDirections::new(1).pair(&model).unwrap();
    let draws = Sweep::plane(&model, given).data("", &()).draws(2);
    assert!(matches!(draws, Err(Error::FixedDirections)));
    let none = Sweep::line(&model, RandomDirections::new(1)).data("", &()).draws(0);
    assert!(matches!(none, Err(Error::Setting { .. })));
    let no_data = Sweep::<_, (), _>::line(&model, RandomDirections::new(1)).draws(2);
    assert!(matches!(no_data, Err(Error::NoData)));
    let large = Sweep::line(&model, RandomDirections::new(1)).data("", &()).draws(1 << 40);
    let error = large.unwrap_err();
    assert!(matches!(&error, Error::GridTooLarge { shape, .. } if *shape == [1 << 40, 51]), "{error}");
    let curve =
        |alpha: &[f64]| Curve::from_channels(alpha, [("loss".to_owned(), vec![0.0; 2].into())]).unwrap();
    let differ = Draws::new(vec![curve(&[0.0, 1.0]), curve(&[0.0, 2.0])]);
    assert!(matches!(differ, Err(Error::DrawsDiffer { draw: 1, what: "axes" })));
    assert!(Draws::<Ix1>::new(Vec::new()).is_err());
}

/// A quadratic ½·θᵀHθ with a full H, on two blocks of weights.
fn quadratic() -> (Vec<Vec<f64>>, Vec<f64>) {
    let n = 24;
    let h = |i: usize, j: usize| {
        let (i, j) = (i.min(j), i.max(j));
        f64::from(u8::try_from((i * 5 + j * 3) % 7).unwrap()) / 3.0 + if i == j { 4.0 } else { 0.0 }
    };
    ((0..n).map(|i| (0..n).map(|j| h(i, j)).collect()).collect(), theta())
}

/// dᵀHd over many filter-normalised draws: its mean is Σ_f ‖θ_f‖²/n_f·tr H_ff over filters. Over Gaussian draws: tr H,
/// with the variance 2‖H‖².
#[test]
fn curvatures_along_draws_have_their_known_moments() {
    let (h, theta) = quadratic();
    let n = theta.len();
    let product = |t: &[f64]| -> f64 {
        (0..n).map(|i| t[i] * (0..n).map(|j| h[i][j] * t[j]).sum::<f64>()).sum::<f64>() / 2.0
    };
    let model = FnModel::new(layout(), theta.clone(), |t: &[f64], (): &()| product(t)).unwrap();
    let curvatures = |random: RandomDirections, draws: usize| {
        let sweep = Sweep::line(&model, random).data("", &()).alpha(-1.0..=1.0, 3);
        sweep.draws(draws).unwrap().measure("loss", &Measure::Curvature { axis: 0 }).unwrap()
    };
    // Biases stand still; a filter of `w` has 3 parameters, one of `v` 4.
    let filters = (0..4).map(|f| 3 * f..3 * f + 3).chain((0..2).map(|f| 16 + 4 * f..20 + 4 * f));
    let expected: f64 = filters
        .map(|filter| {
            let square: f64 = theta[filter.clone()].iter().map(|t| t * t).sum();
            let trace: f64 = filter.clone().map(|i| h[i][i]).sum();
            square / filter.len() as f64 * trace
        })
        .sum();
    let normalised = curvatures(RandomDirections::new(5), 4000);
    let interval = normalised.mean_interval(0.9999).unwrap();
    assert!(interval.contains(expected) && interval.width() < 0.1 * expected, "{interval}, not {expected}");

    let plain = Normalization::default().with_norm(Norm::None);
    let gaussian = curvatures(RandomDirections::new(6).normalization(plain), 4000).sample().unwrap();
    let moved: Vec<usize> = (0..12).chain(16..24).collect();
    let trace: f64 = moved.iter().map(|&i| h[i][i]).sum();
    let squares: f64 =
        moved.iter().flat_map(|&i| moved.iter().map(move |&j| (i, j))).map(|(i, j)| h[i][j].powi(2)).sum();
    assert!(gaussian.mean_interval(0.9999).unwrap().contains(trace));
    assert!((gaussian.variance() / (2.0 * squares) - 1.0).abs() < 0.15, "{} {squares}", gaussian.variance());
}

/// The interval over a few draws holds the mean over very many in 93 to 97 % of 2,000 repetitions.
#[test]
fn intervals_over_draws_hold_as_often_as_they_say() {
    let (h, theta) = quadratic();
    let n = theta.len();
    let loss = |t: &[f64], (): &()| -> f64 {
        (0..n).map(|i| t[i] * (0..n).map(|j| h[i][j] * t[j]).sum::<f64>()).sum::<f64>() / 2.0
    };
    let model = FnModel::new(layout(), theta.clone(), loss).unwrap();
    let sweep = Sweep::line(&model, RandomDirections::new(77)).data("", &()).alpha(-1.0..=1.0, 3);
    let all = sweep.draws(2000 * 12).unwrap().measure("loss", &Measure::Curvature { axis: 0 }).unwrap();
    let values = all.sample().unwrap();
    let truth = values.mean();
    let mut held = [0; 2];
    for (seed, few) in values.values().chunks_exact(12).enumerate() {
        let few = Sample::new(few).unwrap();
        held[0] += usize::from(few.mean_interval(0.95).unwrap().contains(truth));
        held[1] += usize::from(few.bootstrap_interval(0.95, 399, seed as u64).unwrap().contains(truth));
    }
    println!("t {:.1} %, bootstrap {:.1} %", held[0] as f64 / 20.0, held[1] as f64 / 20.0);
    assert!(held.iter().all(|held| (1860..=1940).contains(held)), "{held:?}");
}

/// Two networks whose curvatures differ, and two that do not.
#[test]
fn networks_are_compared_by_their_draws() {
    let curvature = |scale: f64, seed: u64| {
        let loss = move |t: &[f64], (): &()| scale * t.iter().map(|t| t * t).sum::<f64>();
        let model = FnModel::new(layout(), theta(), loss).unwrap();
        assert_eq!(model.parameters().len(), 24);
        let plain = Normalization::default().with_norm(Norm::None);
        let sweep = Sweep::line(&model, RandomDirections::new(seed).normalization(plain)).data("", &());
        let draws = sweep.alpha(-1.0..=1.0, 3).draws(15).unwrap();
        draws.measure("loss", &Measure::Curvature { axis: 0 }).unwrap().sample().unwrap()
    };
    let (flat, other, sharp) = (curvature(1.0, 1), curvature(1.0, 2), curvature(3.0, 3));
    assert!(difference(&sharp, &flat, 0.99).unwrap().low > 0.0);
    assert!(difference(&other, &flat, 0.99).unwrap().contains(0.0));
    let alike = TwoLevel::of(&[flat.clone(), other]).unwrap();
    let apart = TwoLevel::of(&[flat, sharp]).unwrap();
    assert!(alike.p_value() > 0.01 && apart.p_value() < 1e-6);
    assert!(apart.share_between() > 0.7, "{apart}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever the numbers of draws and points, the journal's points are those of the result.
    #[test]
    fn numbers_run_through_all_draws(draws in 1_usize..5, rows in 1_usize..5, columns in 1_usize..4, k in 0_usize..3) {
        let scratch = Scratch::new(&format!("numbers-{draws}-{rows}-{columns}-{k}"));
        let model = FnModel::new(layout(), theta(), rough).unwrap();
        let axis = |points: usize| (0..points).map(|i| i as f64).collect::<Vec<_>>();
        let sweep = Sweep::plane(&model, RandomDirections::new(k as u64)).data("", &());
        let sweep = sweep.alpha_at(&axis(rows)).beta_at(&axis(columns)).threads(1).shard(k, 3).journal(&scratch.0);
        let found = sweep.draws(draws).unwrap();
        let journal = Journal::read([&scratch.0]).unwrap();
        for point in 0..draws * rows * columns {
            prop_assert_eq!(journal.contains(point), point % 3 == k);
            let (draw, i, j) = (point / (rows * columns), point / columns % rows, point % columns);
            prop_assert_eq!(found[draw].computed()[[i, j]], point % 3 == k);
        }
    }
}
