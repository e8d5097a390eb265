//! How many evaluations an adaptive sweep needs for the contours of a full 51×51 grid.
//! `cargo bench --bench adaptive`, and without the residual networks, which take minutes,
//! `cargo bench --bench adaptive -- --quick`
//!
//! Every surface is computed in full once. Then adaptive sweeps take their points from it, with no tolerance that
//! they could reach, so that they spend their budgets. The figure's own levels are drawn on both, and at
//! every place where a contour of either crosses a side of a cell, the other surface, interpolated along that side
//! as the figure does, should have the value of the level. Printed is how many of these places are within 1 %
//! of it, and how far off the worst is. A contour through cells that the other does not have counts by the
//! same rule, so that one that is missed altogether shows.

use loss_landscape::{
    Adaptive, AdaptiveSurface, Direction, Directions, FnModel, Layout, Loss, RandomDirections, Sweep,
};
use loss_landscape_nets::{Activation, Architecture, Criterion, Mlp, Network, Samples, Sgd, Skips, digits};
use ndarray::{Array2, ArrayView2};

const SIDE: usize = 51;

/// A surface in full, and how long one of its points took.
struct Full {
    name: &'static str,
    values: Array2<f64>,
    milliseconds: f64,
}

fn main() {
    for full in surfaces() {
        let levels = Levels::of(&full.values.view());
        println!(
            "\n{}: losses {:.3} to {:.3}, {} levels, {:.2} ms a point",
            full.name,
            least(&full.values),
            full.values.fold(0.0_f64, |m, v| m.max(*v)),
            levels.levels.len(),
            full.milliseconds
        );
        println!(
            "{:<28}{:>7}{:>8}{:>10}{:>10}{:>12}{:>11}{:>11}{:>9}",
            "", "points", "of all", "within 1%", "worst", "surf. 95%", "surf. max", "held 95%", "seconds"
        );
        for share in [10, 5, 4, 3, 2] {
            let budget = SIDE * SIDE / share;
            let sweep = |with: &dyn Fn(Adaptive) -> Adaptive| {
                run(&full.values, &|s| with(s.budget(budget).tolerance(1e-9)))
            };
            let along = (budget as f64).sqrt() as usize;
            if 2 * along < SIDE {
                report("even lattice", &full, &levels, &sweep(&|s| s.first_stage(along)));
            }
            report("whole surface", &full, &levels, &sweep(&|s| s));
            report("its levels", &full, &levels, &sweep(&|s| s.levels(&levels.levels)));
        }
        report("whole surface, to 1 %", &full, &levels, &run(&full.values, &|s| s.tolerance(0.01)));
        report("its levels, to 1 %", &full, &levels, &run(&full.values, &|s| s.levels(&levels.levels)));
    }
}

/// A model whose loss is looked up in a surface, so that only the choice of points costs time.
type Table<'a> = dyn Loss<(), Scalar = f64> + Sync + 'a;

fn run(full: &Array2<f64>, with: &dyn Fn(Adaptive) -> Adaptive) -> (AdaptiveSurface, f64) {
    let index = |x: f64| ((x + 1.0) * (SIDE - 1) as f64 / 2.0).round() as usize;
    let layout = Layout::flat(2).unwrap();
    let model = FnModel::new(layout.clone(), vec![0.0; 2], |theta: &[f64], (): &()| {
        full[[index(theta[0]), index(theta[1])]]
    })
    .unwrap();
    let axis = |x: f64, y: f64| Direction::new(&layout, vec![x, y]).unwrap();
    let directions = Directions::new(axis(1.0, 0.0), axis(0.0, 1.0)).unwrap();
    let started = std::time::Instant::now();
    let surface = Sweep::plane(&model as &Table<'_>, directions)
        .data("", &())
        .adaptive(&with(Adaptive::new()))
        .unwrap();
    (surface, started.elapsed().as_secs_f64())
}

fn report(name: &str, full: &Full, levels: &Levels, (surface, seconds): &(AdaptiveSurface, f64)) {
    let found = surface.channel("loss").unwrap();
    let mut off = levels.crossings(&found, &full.values.view());
    off.extend(levels.crossings(&full.values.view(), &found));
    let within = off.iter().filter(|off| **off <= 0.01).count() as f64 / off.len() as f64;
    let mut errors: Vec<f64> = found.iter().zip(&full.values).map(|(a, b)| (a / b - 1.0).abs()).collect();
    errors.sort_by(f64::total_cmp);
    println!(
        "{name:<28}{:>7}{:>7.1}%{:>9.2}%{:>9.2}%{:>11.2}%{:>10.2}%{:>10}{:>9.2}",
        surface.evaluations(),
        100.0 * surface.evaluations() as f64 / full.values.len() as f64,
        100.0 * within,
        100.0 * off.iter().copied().fold(0.0, f64::max),
        100.0 * errors[errors.len() * 95 / 100],
        100.0 * errors[errors.len() - 1],
        surface.held_out().map_or_else(String::new, |h| format!("{:.2}%", 100.0 * h.quantile_95)),
        seconds
    );
}

/// The contours that a figure draws by default.
struct Levels {
    levels: Vec<f64>,
    log: bool,
}

impl Levels {
    fn of(values: &ArrayView2<'_, f64>) -> Self {
        let (lo, hi) = values.iter().fold((f64::MAX, f64::MIN), |(lo, hi), v| (lo.min(*v), hi.max(*v)));
        let log = lo > 0.0 && hi / lo > 50.0;
        let inside = |levels: Vec<f64>| levels.into_iter().filter(|v| *v > lo && *v < hi).collect::<Vec<_>>();
        let decades = |digits: &[f64]| {
            let exponents = lo.log10().floor() as i32..=hi.log10().floor() as i32;
            inside(exponents.flat_map(|e| digits.iter().map(move |d| d * 10f64.powi(e))).collect())
        };
        let even = |step: f64| inside((0..=(hi / step) as i32).map(|k| f64::from(k) * step).collect());
        let candidates: Vec<Vec<f64>> = if log {
            [&[1.0, 1.5, 2.0, 3.0, 5.0, 7.0][..], &[1.0, 2.0, 5.0], &[1.0, 3.0], &[1.0]].map(decades).into()
        } else {
            (-6..3).flat_map(|e| [1.0, 2.0, 5.0].map(|d| even(d * 10f64.powi(e)))).collect()
        };
        let levels = candidates.into_iter().find(|levels| levels.len() <= 13).unwrap();
        Self { levels, log }
    }

    /// How far the values of `other` are from the levels where the contours of `of` cross sides of cells, relative.
    fn crossings(&self, of: &ArrayView2<'_, f64>, other: &ArrayView2<'_, f64>) -> Vec<f64> {
        let on = |v: f64| if self.log { v.ln() } else { v };
        let back = |v: f64| if self.log { v.exp() } else { v };
        let mut off = Vec::new();
        let (rows, columns) = of.dim();
        for (a, _) in of.indexed_iter() {
            for b in [(a.0 + 1, a.1), (a.0, a.1 + 1)].into_iter().filter(|b| b.0 < rows && b.1 < columns) {
                for &level in &self.levels {
                    if (of[a] >= level) != (of[b] >= level) {
                        let share = (on(level) - on(of[a])) / (on(of[b]) - on(of[a]));
                        let value = back(on(other[a]) + share * (on(other[b]) - on(other[a])));
                        let error = (value / level - 1.0).abs();
                        off.push(if error.is_nan() { f64::INFINITY } else { error });
                    }
                }
            }
        }
        off
    }
}

fn least(values: &Array2<f64>) -> f64 {
    values.fold(f64::INFINITY, |m, v| m.min(*v))
}

fn surfaces() -> Vec<Full> {
    let axis = |k: usize| 2.0 * k as f64 / (SIDE - 1) as f64 - 1.0;
    let analytic = |name, f: fn(f64, f64) -> f64| Full {
        name,
        values: Array2::from_shape_fn((SIDE, SIDE), |(i, j)| f(axis(i), axis(j))),
        milliseconds: 0.0,
    };
    let mut surfaces = vec![
        analytic("bowl, 0.01 + x² + 4y²", |x, y| 0.01 + x * x + 4.0 * y * y),
        analytic("valley, 0.05 + 10(y − x²)² + (1 − x)²", |x, y| {
            0.05 + 10.0 * (y - x * x).powi(2) + (1.0 - x).powi(2)
        }),
        analytic("waves, 1.2 + sin 4x · cos 5y + x²", |x, y| {
            1.2 + (4.0 * x).sin() * (5.0 * y).cos() + x * x
        }),
    ];
    let (train, _) = digits::<f32>().unwrap();
    let mlp = |decay: f64| {
        let mut net = Mlp::new(&[64, 32, 10], Activation::Relu, Criterion::CrossEntropy, 1).unwrap();
        Sgd::new(0.05)
            .momentum(0.9)
            .weight_decay(decay)
            .batch_size(32)
            .epochs(60)
            .train(&mut net, &train)
            .unwrap();
        net
    };
    surfaces.push(in_full("MLP 64-32-10, no decay", &mlp(0.0), &train));
    surfaces.push(in_full("MLP 64-32-10, decay 1e-3", &mlp(1e-3), &train));
    if std::env::args().any(|argument| argument == "--quick") {
        return surfaces;
    }
    let images = train.normalized(&[0.3053], &[0.3762]).unwrap();
    for (name, skips) in [("ResNet-20", Skips::With), ("ResNet-20 without skips", Skips::Without)] {
        let architecture = Architecture::resnet(20, [1, 8, 8], 10, skips).unwrap();
        let mut net = Network::<f32>::new(&architecture, Criterion::CrossEntropy, 0).unwrap();
        let sgd = Sgd::new(0.1).momentum(0.9).nesterov(true).weight_decay(5e-4).batch_size(128).epochs(12);
        sgd.learning_rate_steps(&[(6, 0.1), (9, 0.1)]).train(&mut net, &images).unwrap();
        surfaces.push(in_full(name, &net, &images));
    }
    surfaces
}

fn in_full<M: Sync + Loss<Samples<f32>, Scalar = f32>>(
    name: &'static str,
    net: &M,
    data: &Samples<f32>,
) -> Full {
    let surface =
        Sweep::plane(net, RandomDirections::new(7).pair(net).unwrap()).data("", data).run().unwrap();
    let milliseconds = surface.report().elapsed.as_secs_f64() * 1e3 / (SIDE * SIDE) as f64;
    Full { name, values: surface.channel("loss").unwrap().to_owned(), milliseconds }
}
