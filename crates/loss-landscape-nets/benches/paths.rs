//! Curves between two perceptrons trained on digits: how high the straight line rises and what is left of it along
//! Bezier curves and chains, over sizes and seeds; and what a point along a curve costs beside one on a line.
//!
//! `cargo bench -p loss-landscape-nets --bench paths`, a minute on one core; with `-- --cost` the second table
//! alone.

use std::time::Instant;

use loss_landscape::{
    Curve, Model, Sweep,
    path::{Barrier, BentPath, PathShape, PathTraining, StepRule},
};
use loss_landscape_nets::{Activation, Criterion, Mlp, Samples, Sgd, digits};

fn main() {
    let (train, test) = digits::<f32>().unwrap();
    println!(
        "highest loss on the way over that of the higher end, train data (error rate at worst, test data, in %)"
    );
    println!(
        "{:<26} {:>6} {:>10} {:>16} {:>16} {:>16} {:>16}",
        "sizes, epochs, steps", "seeds", "end loss", "line", "bezier", "chain, 1 bend", "chain, 3 bends"
    );
    let mut worst = 0.0_f64;
    let all = [
        (&[64, 16, 10][..], 30, 2000),
        (&[64, 24, 10], 30, 2000),
        (&[64, 64, 10], 30, 2000),
        // Until nothing is left to learn, so that no curve is better trained than its ends.
        (&[64, 24, 10], 200, 2000),
        (&[64, 24, 10], 200, 20_000),
        (&[64, 64, 10], 200, 2000),
        (&[64, 64, 10], 200, 20_000),
        (&[64, 32, 32, 10], 30, 2000),
        (&[64, 32, 32, 10], 30, 20_000),
    ];
    for (sizes, epochs, steps) in all {
        for seeds in [[1, 2], [3, 4], [5, 6]] {
            let [a, b] = seeds.map(|seed| trained(sizes, epochs, seed, &train));
            let line =
                Sweep::segment(&a, a.parameters(), b.parameters()).data("train", &train).data("test", &test);
            let line = line.alpha(0.0..=1.0, 101).run().unwrap();
            let ends = Barrier::rise(&line, "train loss").unwrap().ends;
            let mut cells = vec![cell(&line).0];
            for (shape, bends) in [(PathShape::Bezier, 1), (PathShape::Chain, 1), (PathShape::Chain, 3)] {
                let curve = bent(&a, &b, shape, bends, steps, &train, &test);
                let (text, ratio) = cell(&curve);
                worst = worst.max(ratio);
                cells.push(text);
            }
            println!(
                "{:<26} {:>6} {:>10.5} {:>16} {:>16} {:>16} {:>16}",
                format!("{sizes:?} {epochs} {steps}"),
                format!("{},{}", seeds[0], seeds[1]),
                ends[0].max(ends[1]),
                cells[0],
                cells[1],
                cells[2],
                cells[3],
            );
        }
    }
    println!("the worst curve rises to {worst:.3} times its higher end\n");
    cost(&train);
}

/// As in the tests: mini-batches of 32.
fn trained(sizes: &[usize], epochs: usize, seed: u64, train: &Samples<f32>) -> Mlp<f32> {
    let mut net = Mlp::new(sizes, Activation::Relu, Criterion::CrossEntropy, seed).unwrap();
    Sgd::new(0.05).momentum(0.9).batch_size(32).epochs(epochs).seed(seed).train(&mut net, train).unwrap();
    net
}

fn bent(
    a: &Mlp<f32>,
    b: &Mlp<f32>,
    shape: PathShape,
    bends: usize,
    steps: usize,
    train: &Samples<f32>,
    test: &Samples<f32>,
) -> Curve {
    let ends = [a.parameters(), b.parameters()];
    let start = BentPath::straight(a.layout(), shape, ends, bends, loss_landscape::Buffers::Still).unwrap();
    let indices: Vec<usize> = (0..train.len()).collect();
    let batches: Vec<_> = indices.chunks_exact(64).map(|batch| train.select(batch).unwrap()).collect();
    let training = PathTraining::new(0.03).rule(StepRule::adam()).steps(steps).seed(1);
    let path = training.run_batches(a, &batches, &start).unwrap().path;
    Sweep::along(a, &path).data("train", train).data("test", test).run().unwrap()
}

fn cell(curve: &Curve) -> (String, f64) {
    let barrier = Barrier::rise(curve, "train loss").unwrap();
    let higher = barrier.ends[0].max(barrier.ends[1]);
    let ratio = (higher + barrier.rise) / higher;
    let accuracy = curve.channel("test accuracy").unwrap();
    let worst = accuracy.iter().copied().fold(1.0, f64::min);
    (format!("{ratio:.3} ({:.1})", 100.0 * (1.0 - worst)), ratio)
}

/// Microseconds a point of sweeps of 4,001 points on one thread.
fn cost(train: &Samples<f32>) {
    let [a, b] = [1, 2]
        .map(|seed| Mlp::<f32>::new(&[64, 24, 10], Activation::Relu, Criterion::CrossEntropy, seed).unwrap());
    let timed = |name: &str, run: &dyn Fn() -> Curve| {
        // The shortest of several: others may want the processor.
        let once = || {
            let started = Instant::now();
            run();
            started.elapsed().as_secs_f64() * 1e6 / 4001.0
        };
        let shortest = (0..5).map(|_| once()).fold(f64::INFINITY, f64::min);
        println!("{name:<24} {shortest:>8.1} µs a point");
    };
    timed("straight line", &|| {
        let sweep = Sweep::segment(&a, a.parameters(), b.parameters()).data("", train);
        sweep.alpha(0.0..=1.0, 4001).threads(1).run().unwrap()
    });
    for (name, shape, bends) in [
        ("bezier, 1 bend", PathShape::Bezier, 1),
        ("bezier, 6 bends", PathShape::Bezier, 6),
        ("chain, 1 bend", PathShape::Chain, 1),
        ("chain, 6 bends", PathShape::Chain, 6),
    ] {
        let ends = [a.parameters(), b.parameters()];
        let path =
            BentPath::straight(a.layout(), shape, ends, bends, loss_landscape::Buffers::Still).unwrap();
        timed(name, &|| {
            Sweep::along(&a, &path).data("", train).alpha(0.0..=1.0, 4001).threads(1).run().unwrap()
        });
    }
}
