//! The network to start with: a prepared plane against single points, against the rate of matrix
//! products, with one and two threads. `cargo bench --bench mlp`
//!
//! With `--per-point` it prints one line of milliseconds a point for `benches/pytorch/compare.py`.

#[path = "../../../benches/common/mod.rs"]
mod common;

use std::hint::black_box;

use common::{in_turns, median, ratio};
use loss_landscape::{Directions, Gradient, HessianProduct, Model, RandomDirections, Surface, Sweep};
use loss_landscape_kernels::{Matrix, Store};
use loss_landscape_nets::{Activation, Criterion, Mlp, Samples, digits};
use matrixmultiply as _;
use ndarray::{Array2, linalg::general_mat_mul};

const SAMPLES: usize = 2048;
const SIDE: usize = 51;
/// Fewer points where each is multiplied anew: the whole grid would take half a minute.
const FEW: usize = 9;

fn network(activation: Activation) -> (Mlp<f32>, Samples<f32>) {
    let net = Mlp::new(&[784, 256, 10], activation, Criterion::CrossEntropy, 0).unwrap();
    let inputs = Array2::from_shape_fn((SAMPLES, 784), |(i, j)| ((i * 31 + j * 17) % 101) as f32 / 101.0);
    let labels = (0..SAMPLES).map(|i| (i * 7 % 10) as u32).collect();
    (net, Samples::labelled(inputs, labels).unwrap())
}

fn sweep(
    net: &Mlp<f32>,
    data: &Samples<f32>,
    dirs: &Directions<f32>,
    side: usize,
    threads: usize,
) -> Surface {
    let grid = Sweep::plane(net, dirs.clone()).data("", data);
    grid.alpha(-1.0..=1.0, side).beta(-1.0..=1.0, side).threads(threads).run().unwrap()
}

/// Floating-point operations of one loss.
fn flops(sizes: &[usize], samples: usize) -> f64 {
    2.0 * samples as f64 * sizes.windows(2).map(|pair| pair[0] * pair[1]).sum::<usize>() as f64
}

fn prepared_against_single(activation: Activation) {
    let (net, data) = network(activation);
    let single = net.clone().plane_memory(0);
    let dirs = RandomDirections::new(0).pair(&net).unwrap();
    let (a, b) = (sweep(&net, &data, &dirs, FEW, 1), sweep(&single, &data, &dirs, FEW, 1));
    let (a, b) = (a.channel("loss").unwrap(), b.channel("loss").unwrap());
    let gap = a.iter().zip(b).map(|(a, b)| ((a - b) / b).abs());
    let gap = gap.fold(0.0, f64::max);

    let [m, k, n] = [256, 784, SAMPLES];
    let left = vec![0.5_f32; m * k];
    let right = vec![0.25_f32; k * n];
    let mut out = vec![0.0_f32; m * n];
    let mut product = || product(m, k, n, &left, &right, &mut out);
    // Short works, so more turns.
    let pair = in_turns(
        15,
        &mut [&mut || drop(black_box(sweep(&net, &data, &dirs, SIDE, 1))), &mut || {
            drop(black_box(sweep(&net, &data, &dirs, SIDE, 2)));
        }],
    );
    let seconds = in_turns(
        5,
        &mut [
            &mut || drop(black_box(sweep(&net, &data, &dirs, SIDE, 1))),
            &mut || drop(black_box(sweep(&single, &data, &dirs, FEW, 1))),
            &mut || drop(black_box(sweep(&single, &data, &dirs, FEW, 2))),
            &mut || (0..40).for_each(|_| product()),
        ],
    );
    let (all, few) = ((SIDE * SIDE) as f64, (FEW * FEW) as f64);
    let scaled = |seconds: &[f64], points: f64| seconds.iter().map(|s| s / points).collect::<Vec<_>>();
    let (one, two) = (scaled(&pair[0], all), scaled(&pair[1], all));
    let beside = scaled(&seconds[0], all);
    let (single_one, single_two) = (scaled(&seconds[1], few), scaled(&seconds[2], few));
    let rate: Vec<f64> = seconds[3].iter().map(|s| 40.0 * 2.0 * (m * k * n) as f64 / s / 1e9).collect();
    let reached: Vec<f64> = single_one.iter().map(|s| flops(net.sizes(), SAMPLES) / s / 1e9).collect();
    println!("MLP 784-256-10 {activation:?}, {SAMPLES} samples, f32:");
    println!(
        "  a point of {SIDE}×{SIDE}, prepared: {:.3} ms with 1 thread, {:.3} ms with 2; speed-up {:.2} (must: 1.85)",
        median(&one) * 1e3,
        median(&two) * 1e3,
        ratio(&one, &two),
    );
    println!(
        "  a point, multiplied anew: {:.3} ms with 1 thread, {:.3} ms with 2; speed-up {:.2} (must: 1.85)",
        median(&single_one) * 1e3,
        median(&single_two) * 1e3,
        ratio(&single_one, &single_two),
    );
    println!(
        "  prepared is {:.1} times as fast (must: 6); losses differ by {gap:.1e} relative (must: 1e-5)",
        ratio(&single_one, &beside)
    );
    println!(
        "  multiplied anew reaches {:.0} GFLOP/s, {:.0} % of the {:.0} GFLOP/s of the matrix product (must: 80 %)",
        median(&reached),
        100.0 * ratio(&reached, &rate),
        median(&rate),
    );
}

fn product(m: usize, k: usize, n: usize, a: &[f32], b: &[f32], out: &mut [f32]) {
    loss_landscape_kernels::product(Store::Replace, Matrix::new(a, m, k), Matrix::new(b, k, n), out);
    black_box(out);
}

/// Why the products are not ndarray's.
fn gemm_against_ndarray() {
    println!("matrix products, f32, 1 thread (ndarray has AVX-512 switched on):");
    for (m, k, n) in [(256, 784, 256), (64, 64, 256), (10, 256, 256), (10, 64, 256)] {
        let (a, b) = (Array2::from_elem((m, k), 0.5_f32), Array2::from_elem((k, n), 0.25_f32));
        let (mut c, mut out) = (Array2::zeros((m, n)), vec![0.0_f32; m * n]);
        let times = (400_000_000 / (m * k * n)).max(10);
        let seconds = in_turns(
            7,
            &mut [
                &mut || (0..times).for_each(|_| general_mat_mul(1.0, &a, &b, 0.0, black_box(&mut c))),
                &mut || {
                    for _ in 0..times {
                        product(m, k, n, a.as_slice().unwrap(), b.as_slice().unwrap(), &mut out);
                    }
                },
            ],
        );
        let rate = |seconds: &[f64]| 2.0 * (m * k * n * times) as f64 / median(seconds) / 1e9;
        println!(
            "  {m}×{k}·{k}×{n}: ndarray {:.0}, gemm {:.0} GFLOP/s; ratio {:.2}",
            rate(&seconds[0]),
            rate(&seconds[1]),
            ratio(&seconds[0], &seconds[1]),
        );
    }
}

fn derivatives() {
    let (data, _) = digits::<f32>().unwrap();
    let net = Mlp::new(&[64, 64, 10], Activation::Tanh, Criterion::CrossEntropy, 0).unwrap();
    let (theta, v) = (net.parameters().to_vec(), vec![1.0; net.parameters().len()]);
    let (mut gradient, mut product, mut kept) = (theta.clone(), theta.clone(), theta.clone());
    let mut worker = net.hessian_worker(&data).unwrap();
    worker.at(&theta).unwrap();
    let seconds = in_turns(
        15,
        &mut [
            &mut || _ = black_box(net.forward_loss(&data)),
            &mut || _ = black_box(net.gradient(&theta, &data, &mut gradient).unwrap()),
            &mut || net.hessian_product(&theta, &v, &data, &mut product).unwrap(),
            &mut || worker.product(&v, &mut kept).unwrap(),
        ],
    );
    println!(
        "MLP 64-64-10 Tanh, {} digits, f32, 1 thread: loss {:.3} ms, gradient {:.1} losses, Hessian-vector product {:.1} losses, a further one at the same θ {:.1}",
        data.len(),
        median(&seconds[0]) * 1e3,
        ratio(&seconds[1], &seconds[0]),
        ratio(&seconds[2], &seconds[0]),
        ratio(&seconds[3], &seconds[0]),
    );
}

trait ForwardLoss {
    fn forward_loss(&self, data: &Samples<f32>) -> f64;
}

impl ForwardLoss for Mlp<f32> {
    fn forward_loss(&self, data: &Samples<f32>) -> f64 {
        loss_landscape::Loss::loss(self, self.parameters(), data).unwrap()
    }
}

/// Milliseconds a point for the comparison with PyTorch: two threads, 51×51 points.
fn per_point() {
    let measure = |net: &Mlp<f32>, data: &Samples<f32>| {
        let dirs = RandomDirections::new(0).pair(net).unwrap();
        let seconds = in_turns(3, &mut [&mut || drop(black_box(sweep(net, data, &dirs, SIDE, 2)))]);
        median(&seconds[0]) / (SIDE * SIDE) as f64 * 1e3
    };
    let (net, data) = network(Activation::Relu);
    let (digits, _) = digits::<f32>().unwrap();
    let small = Mlp::new(&[64, 64, 10], Activation::Relu, Criterion::CrossEntropy, 0).unwrap();
    let (small_tanh, net_tanh) = (
        Mlp::new(&[64, 64, 10], Activation::Tanh, Criterion::CrossEntropy, 0).unwrap(),
        network(Activation::Tanh).0,
    );
    println!(
        "{} {} {} {}",
        measure(&net, &data),
        measure(&net_tanh, &data),
        measure(&small, &digits),
        measure(&small_tanh, &digits)
    );
}

fn main() {
    if std::env::args().any(|argument| argument == "--per-point") {
        return per_point();
    }
    gemm_against_ndarray();
    prepared_against_single(Activation::Relu);
    prepared_against_single(Activation::Tanh);
    derivatives();
}
