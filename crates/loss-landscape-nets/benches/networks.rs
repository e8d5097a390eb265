//! The paper's networks: a loss at a grid point, a gradient, a Hessian-vector product, and the rate of
//! every convolution beside that of the matrix product. `cargo bench --bench networks`
//!
//! With `--raw CASE WORK` it prints one number of seconds, with two threads, for
//! `benches/pytorch/networks.py`.

#[path = "../../../benches/common/mod.rs"]
mod common;

use std::{hint::black_box, time::Instant};

use common::median;
use loss_landscape::{Directions, Gradient, HessianProduct, Model, RandomDirections, Sweep};
use loss_landscape_kernels::{Matrix, Store, product};
use loss_landscape_nets::{Architecture, Chain, Conv, Criterion, Network, Samples, Skips};
use ndarray::Array2;

const CASES: [&str; 8] = [
    "resnet20-cifar",
    "resnet56-cifar",
    "resnet20-digits",
    "resnet56-digits",
    "vgg9",
    "wrn56-4",
    "densenet121",
    "resnet18-cifar",
];

fn images(shape: [usize; 3], count: usize) -> Samples<f32> {
    let features = shape.iter().product();
    let values =
        Array2::from_shape_fn((count, features), |(i, j)| ((i * 31 + j * 17) % 101) as f32 / 50.0 - 1.0);
    Samples::labelled(values, (0..count).map(|i| (i * 7 % 10) as u32).collect()).unwrap()
}

fn case(name: &str) -> (Network<f32>, Samples<f32>) {
    let (cifar, digits) = ([3, 32, 32], [1, 8, 8]);
    let resnet = |depth, shape| Architecture::resnet(depth, shape, 10, Skips::With).unwrap();
    let (architecture, shape, count) = match name {
        "resnet20-cifar" => (resnet(20, cifar), cifar, 1024),
        "resnet56-cifar" => (resnet(56, cifar), cifar, 1024),
        "resnet20-digits" => (resnet(20, digits), digits, 1437),
        "resnet56-digits" => (resnet(56, digits), digits, 1437),
        "vgg9" => (Architecture::vgg9(cifar, 10).unwrap(), cifar, 256),
        "wrn56-4" => (Architecture::wide_resnet(56, 4, cifar, 10, Skips::With).unwrap(), cifar, 256),
        "densenet121" => (Architecture::densenet121(cifar, 10).unwrap(), cifar, 256),
        // torchvision's, whose stem leaves 8×8 pixels of 32×32.
        "resnet18-cifar" => (Architecture::torchvision_resnet(18, cifar, 10).unwrap(), cifar, 1024),
        other => panic!("no case {other}"),
    };
    (Network::new(&architecture, Criterion::CrossEntropy, 0).unwrap(), images(shape, count))
}

/// Seconds for each of `points` grid points.
fn loss(
    net: &Network<f32>,
    data: &Samples<f32>,
    dirs: &Directions<f32>,
    points: usize,
    threads: usize,
) -> f64 {
    let started = Instant::now();
    let sweep = Sweep::plane(net, dirs.clone()).data("", data).threads(threads);
    black_box(sweep.alpha(-0.1..=0.1, points).beta(-0.1..=0.1, 2).run().unwrap());
    started.elapsed().as_secs_f64() / (2 * points) as f64
}

fn with_threads<R: Send>(threads: usize, work: impl FnOnce() -> R + Send) -> R {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(work)
}

fn raw(name: &str, work: &str) -> f64 {
    let (net, data) = case(name);
    let mut seconds: Vec<f64> = match work {
        "loss" => {
            let dirs = RandomDirections::new(0).pair(&net).unwrap();
            // A sweep begins with hashes and norms of all weights, which is much for few points of many weights.
            let points = if name.ends_with("digits") || name.starts_with("resnet18") { 8 } else { 2 };
            (0..5).map(|_| loss(&net, &data, &dirs, points, 2)).collect()
        }
        "gradient" => with_threads(2, || {
            let mut out = vec![0.0; net.parameters().len()];
            let mut run = || {
                let started = Instant::now();
                net.gradient(net.parameters(), &data, &mut out).unwrap();
                started.elapsed().as_secs_f64()
            };
            run();
            (0..3).map(|_| run()).collect()
        }),
        // A product at a new θ, as PyTorch's is, and one more at the same.
        "hvp" | "next-hvp" => with_threads(2, || {
            let mut out = vec![0.0; net.parameters().len()];
            let v: Vec<f32> = (0..out.len()).map(|i| ((3 * i + 2) as f32).sin()).collect();
            let mut worker = net.hessian_worker(&data).unwrap();
            worker.at(net.parameters()).unwrap();
            worker.product(&v, &mut out).unwrap();
            let mut run = || {
                let started = Instant::now();
                if work == "hvp" {
                    worker.at(net.parameters()).unwrap();
                }
                worker.product(&v, &mut out).unwrap();
                started.elapsed().as_secs_f64()
            };
            (0..3).map(|_| run()).collect()
        }),
        other => panic!("no work {other}"),
    };
    seconds.sort_by(f64::total_cmp);
    median(&seconds)
}

/// GFLOP/s of a matrix product of n×n.
fn product_rate(n: usize) -> f64 {
    let (a, b) = (vec![0.5_f32; n * n], vec![0.25_f32; n * n]);
    let mut c = vec![0.0_f32; n * n];
    let started = Instant::now();
    product(Store::Replace, Matrix::new(&a, n, n), Matrix::new(&b, n, n), &mut c);
    black_box(c);
    2.0 * (n * n * n) as f64 / started.elapsed().as_secs_f64() / 1e9
}

/// GFLOP/s on one core of a chain of convolutions, there and back between two numbers of channels,
/// multiplications by padding counted as is usual.
fn convolution_rate([from, to]: [usize; 2], side: usize, kernel: usize, samples: usize) -> f64 {
    let count = 8;
    let outputs = |i: usize| if i.is_multiple_of(2) { to } else { from };
    let chain =
        (0..count).fold(Chain::new(), |chain, i| chain.conv(Conv::new(i.to_string(), outputs(i), kernel)));
    let shape = [from, side, side];
    let architecture = Architecture::new(shape, chain.global_average_pool()).unwrap();
    let net = Network::<f32>::new(&architecture, Criterion::CrossEntropy, 0).unwrap();
    let data = images(shape, samples);
    let flops = (2 * count * from * to * kernel * kernel * side * side * samples) as f64;
    with_threads(1, || {
        net.outputs(net.parameters(), &data).unwrap();
        let started = Instant::now();
        black_box(net.outputs(net.parameters(), &data).unwrap());
        flops / started.elapsed().as_secs_f64() / 1e9
    })
}

fn rates() {
    println!("GFLOP/s on one core, medians of 7; the share of the matrix product's (768×768) beside it");
    println!("{:<28}{:>8}{:>8}", "convolution", "GFLOP/s", "share");
    for ([from, to], side, kernel) in [
        ([16, 16], 32, 3),
        ([32, 32], 16, 3),
        ([64, 64], 8, 3),
        ([16, 16], 8, 3),
        ([32, 32], 4, 3),
        ([64, 64], 2, 3),
        ([64, 64], 32, 3),
        ([128, 128], 16, 3),
        ([256, 256], 8, 3),
        ([128, 32], 16, 3),
        ([128, 128], 32, 1),
        ([256, 256], 8, 1),
        ([256, 128], 32, 1),
        ([512, 128], 16, 1),
        ([1024, 128], 8, 1),
        ([1024, 128], 4, 1),
    ] {
        let samples = (1 << 22) / (from.max(to) * side * side).max(1 << 13) / 16 * 16;
        let pairs: Vec<[f64; 2]> = (0..7)
            .map(|_| [product_rate(768), convolution_rate([from, to], side, kernel, samples.clamp(16, 512))])
            .collect();
        let rate = median(&pairs.iter().map(|pair| pair[1]).collect::<Vec<_>>());
        let share = median(&pairs.iter().map(|pair| pair[1] / pair[0]).collect::<Vec<_>>());
        let name = format!("{from}→{to}, {kernel}×{kernel}, {side}×{side}");
        println!("{name:<28}{rate:>8.0}{:>7.0}%", 100.0 * share);
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    if let [flag, name, work] = &arguments[..]
        && flag == "--raw"
    {
        println!("{}", raw(name, work));
        return;
    }
    println!("scratch memory of a sweep's thread, parameters included");
    for name in CASES {
        println!("{name:<18}{:>8.1} MB", case(name).0.sweep_memory() as f64 / 1e6);
    }
    if arguments == ["--memory"] {
        return;
    }
    rates();
    println!("milliseconds, two threads: a grid point, a gradient, a product at a new θ, a further one");
    for name in &CASES[..4] {
        let [a, b, c, d] = ["loss", "gradient", "hvp", "next-hvp"].map(|work| raw(name, work) * 1e3);
        println!(
            "{name:<18}{a:>9.1}{b:>9.1} ({:.1} losses){c:>9.1} ({:.1}){d:>9.1} ({:.1})",
            b / a,
            c / a,
            d / a
        );
    }
    for name in &CASES[4..] {
        println!("{name:<18}{:>9.1}", raw(name, "loss") * 1e3);
    }
}
