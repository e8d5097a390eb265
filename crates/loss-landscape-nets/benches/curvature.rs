//! Eigenvalue-ratio maps: products a point and errors, cold and warm; what Lanczos costs beside its products; and what
//! products with the parts of the Hessian cost. Products are exact counts, the same on any machine. With `--parts` the
//! last alone.

#[path = "../../../benches/common/mod.rs"]
mod common;
#[path = "../tests/it/common.rs"]
mod reference;

use std::{hint::black_box, time::Instant};

use common::{in_turns, median, ratio};
use loss_landscape::{
    Direction, Directions, EigenRatio, GaussNewtonProduct, Model, Normalization, Policy, Sweep,
    curvature::{FnOperator, HessianOperator, HessianPart, Lanczos},
    oracle::{GaussNewtonWorker, Slice},
};
use loss_landscape_nets::{
    Activation, Architecture, Criterion, Mlp, NetScalar, Network, Samples, Skips, digits,
};

const SIDE: usize = 25;
const TOLERANCE: f64 = 0.005;

/// The reference network at minimiser a, and the plane of its reference surface.
fn network(activation: Activation) -> (Mlp<f64>, Samples<f64>, Directions<f64>) {
    let (net, data, _) = reference::reference::<f64>(activation);
    let rule = Normalization::original(Policy::Still);
    let [first, second] = [reference::raw(|i| (i + 1.0).sin()), reference::raw(|i| (2.0 * i + 1.0).cos())]
        .map(|raw| Direction::new(net.layout(), raw).unwrap().normalized(net.parameters(), &rule).unwrap());
    let dirs = Directions::new(first, second).unwrap();
    (net, data, dirs)
}

/// The true ratios: Lanczos until nothing is left to find, which the tests hold against dense spectra.
fn truth(net: &Mlp<f64>, data: &Samples<f64>, dirs: &Directions<f64>) -> Vec<f64> {
    let axis: Vec<f64> = (0..SIDE).map(|i| -1.0 + 2.0 * i as f64 / (SIDE - 1) as f64).collect();
    let plane =
        Slice::plane(net.layout(), net.parameters(), dirs.first().values(), dirs.second().values()).unwrap();
    let mut theta = net.parameters().to_vec();
    let mut hessian = HessianOperator::new(net, &theta, data).unwrap();
    let mut all = Vec::new();
    for &alpha in &axis {
        for &beta in &axis {
            plane.theta_into([alpha, beta], &mut theta);
            hessian.move_to(&theta).unwrap();
            // So sure that not one of the points is wrong.
            let lanczos = Lanczos::new().tolerance(1e-8).confidence(1.0 - 1e-9);
            all.push(lanczos.run(&mut hessian).unwrap().ratio());
        }
    }
    all
}

/// A way to compute a map.
struct Way {
    name: &'static str,
    warm: bool,
    confidence: f64,
}

const WAYS: [Way; 3] = [
    Way { name: "cold, confidence 0.999", warm: false, confidence: 0.999 },
    Way { name: "cold, confidence 0.99", warm: false, confidence: 0.99 },
    Way { name: "warm", warm: true, confidence: 0.999 },
];

/// What came out of one map.
struct Row {
    products: f64,
    seconds: f64,
    error: f64,
    outside: usize,
    missed: usize,
    most: f64,
    cold: usize,
}

fn row(
    net: &Mlp<f64>,
    data: &Samples<f64>,
    dirs: &Directions<f64>,
    truth: &[f64],
    way: &Way,
    seed: u64,
) -> Row {
    let started = Instant::now();
    let map = Sweep::plane(net, dirs.clone())
        .data("", data)
        .threads(2)
        .eigen_ratio(
            &EigenRatio::new()
                .tolerance(TOLERANCE)
                .confidence(way.confidence)
                .certified(!way.warm)
                .seed(seed),
        )
        .unwrap();
    let seconds = started.elapsed().as_secs_f64();
    let ratio = map.ratio();
    let errors: Vec<f64> = ratio.iter().zip(truth).map(|(found, exact)| (found - exact).abs()).collect();
    let [low, high] = ["ratio low", "ratio high"].map(|name| map.channel(name).unwrap());
    let inside = |low: f64, high: f64, exact: f64| low <= exact + 1e-8 && exact <= high + 1e-8;
    Row {
        products: map.products() as f64 / errors.len() as f64,
        seconds,
        error: errors.iter().copied().fold(0.0, f64::max),
        outside: errors.iter().filter(|error| **error > TOLERANCE).count(),
        missed: low.iter().zip(&high).zip(truth).filter(|((l, h), e)| !inside(**l, **h, **e)).count(),
        most: map.channel("products").unwrap().iter().copied().fold(0.0, f64::max),
        cold: map.cold_points(),
    }
}

fn maps(activation: Activation, seeds: u64) {
    let (net, data, dirs) = network(activation);
    let truth = truth(&net, &data, &dirs);
    println!(
        "{activation:?}, 64-16-10, {} digits, {SIDE}×{SIDE} points, tolerance {TOLERANCE}, f64, {seeds} seeds:",
        data.len()
    );
    println!(
        "  {:<24}{:>9}{:>6}{:>7}{:>9}{:>15}{:>14}{:>18}",
        "", "products", "most", "cold", "seconds", "largest error", "outside", "intervals missed"
    );
    for way in &WAYS {
        let rows: Vec<Row> = (0..seeds).map(|seed| row(&net, &data, &dirs, &truth, way, seed)).collect();
        let mean = |of: fn(&Row) -> f64| rows.iter().map(of).sum::<f64>() / rows.len() as f64;
        let largest = |of: fn(&Row) -> f64| rows.iter().map(of).fold(0.0, f64::max);
        let points = rows.len() * truth.len();
        println!(
            "  {:<24}{:>9.2}{:>6}{:>7.0}{:>9.2}{:>15.5}{:>14}{:>18}",
            way.name,
            mean(|row| row.products),
            largest(|row| row.most),
            mean(|row| row.cold as f64),
            mean(|row| row.seconds),
            largest(|row| row.error),
            format!("{} / {points}", rows.iter().map(|row| row.outside).sum::<usize>()),
            format!("{} / {points}", rows.iter().map(|row| row.missed).sum::<usize>()),
        );
    }
}

/// For the comparison with the original: a line of true ratios, then one line a way, products a point, seconds,
/// largest error, points outside the tolerance.
fn one_map() {
    let (net, data, dirs) = network(Activation::Tanh);
    let truth = truth(&net, &data, &dirs);
    println!("{}", truth.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "));
    for way in &WAYS {
        let row = row(&net, &data, &dirs, &truth, way, 0);
        println!("{} {} {} {}", row.products, row.seconds, row.error, row.outside);
    }
}

/// Forty steps at a million parameters, beside reading the basis as often as two passes of Gram–Schmidt
/// must: at step k twice k vectors.
fn overhead() {
    const N: usize = 1_000_000;
    const STEPS: usize = 40;
    let spectrum: Vec<f32> = (0..N).map(|i| ((i as f32) * 0.37).sin()).collect();
    let mut scale = |v: &[f32], out: &mut [f32]| {
        for ((out, l), v) in out.iter_mut().zip(&spectrum).zip(v) {
            *out = l * v;
        }
        Ok(())
    };
    let basis: Vec<Vec<f32>> = (0..STEPS).map(|k| vec![k as f32; N]).collect();
    let (v, mut w) = (vec![1.0_f32; N], vec![0.0_f32; N]);
    let lanczos = Lanczos::new().tolerance(1e-5).max_products(STEPS);
    let seconds = in_turns(
        5,
        &mut [
            &mut || {
                let mut operator = FnOperator::new(N, &mut scale);
                black_box(lanczos.run(&mut operator).unwrap());
            },
            &mut || {
                let mut sums = [0.0_f32; 32];
                for k in 1..=STEPS {
                    for _ in 0..2 {
                        for vector in &basis[..k] {
                            for chunk in vector.chunks_exact(32) {
                                for (sum, value) in sums.iter_mut().zip(chunk) {
                                    *sum += value;
                                }
                            }
                        }
                    }
                }
                black_box(sums);
            },
            &mut || {
                for _ in 0..STEPS {
                    for ((w, l), v) in w.iter_mut().zip(&spectrum).zip(&v) {
                        *w = l * v;
                    }
                    black_box(&w);
                }
            },
        ],
    );
    let rest: Vec<f64> = seconds[0].iter().zip(&seconds[2]).map(|(all, products)| all - products).collect();
    println!(
        "{STEPS} steps at n = {N}, f32: {:.3} s without the products ({:.3} s), {:.2} times reading the basis \
         as often ({:.3} s)",
        median(&rest),
        median(&seconds[2]),
        ratio(&rest, &seconds[1]),
        median(&seconds[1]),
    );
}

/// One product with a part of the Hessian, at a new θ where there is one.
fn part<S: NetScalar>(
    worker: &mut dyn GaussNewtonWorker<S>,
    part: HessianPart,
    theta: Option<&[S]>,
    v: &[S],
    out: &mut [S],
) {
    if let Some(theta) = theta {
        worker.at(theta).unwrap();
    }
    match part {
        HessianPart::Whole => worker.product(v, out).unwrap(),
        HessianPart::GaussNewton => worker.gauss_newton_products(v.len(), v, out).unwrap(),
        HessianPart::Rest => worker.rest_products(v.len(), v, out).unwrap(),
    }
    black_box(out);
}

/// Products with G and R beside those with H, in turns, on one thread.
fn parts<S: NetScalar>(name: &str, net: &impl GaussNewtonProduct<Samples<S>, Scalar = S>, data: &Samples<S>) {
    const PARTS: [HessianPart; 3] = [HessianPart::Whole, HessianPart::GaussNewton, HessianPart::Rest];
    let theta = net.parameters().to_vec();
    let v: Vec<S> = (0..theta.len()).map(|i| S::from_f64((3.0 * i as f64 + 2.0).sin())).collect();
    for (place, at) in [("at the same θ", None), ("at a new θ", Some(theta.as_slice()))] {
        let mut workers = PARTS.map(|_| net.gauss_newton_worker(data).unwrap());
        let mut outs = PARTS.map(|_| theta.clone());
        for worker in &mut workers {
            worker.at(&theta).unwrap();
        }
        let mut works: Vec<_> = (PARTS.into_iter().zip(&mut workers).zip(&mut outs))
            .map(|((which, worker), out)| {
                let v = &v;
                move || part(&mut **worker, which, at, v, out)
            })
            .collect();
        let [h, g, r] = &mut works[..] else { unreachable!("three parts") };
        let seconds = in_turns(15, &mut [h, g, r]);
        println!(
            "{name}, {place}: H·v {:.3} ms, G·v {:.2} of it, R·v {:.2} of it",
            1e3 * median(&seconds[0]),
            ratio(&seconds[1], &seconds[0]),
            ratio(&seconds[2], &seconds[0]),
        );
    }
}

fn all_parts() {
    let one = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    one.install(|| {
        for activation in [Activation::Tanh, Activation::Relu] {
            let (net, data, _) = network(activation);
            parts(&format!("{activation:?} 64-16-10, f64"), &net, &data);
        }
        let train = digits::<f32>().unwrap().0;
        let wide = Mlp::new(&[64, 256, 256, 10], Activation::Relu, Criterion::CrossEntropy, 0).unwrap();
        parts("Relu 64-256-256-10, f32", &wide, &train);
        let architecture = Architecture::resnet(20, [1, 8, 8], 10, Skips::With).unwrap();
        let net = Network::new(&architecture, Criterion::CrossEntropy, 0).unwrap();
        parts("ResNet-20, f32", &net, &train);
    });
}

fn main() {
    let asked = |flag: &str| std::env::args().any(|argument| argument == flag);
    if asked("--map") {
        return one_map();
    }
    if asked("--parts") {
        return all_parts();
    }
    let seeds = if asked("--seeds") { 20 } else { 2 };
    maps(Activation::Tanh, seeds);
    maps(Activation::Relu, seeds);
    overhead();
    all_parts();
}
