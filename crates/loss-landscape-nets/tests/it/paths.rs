//! Paths between trained networks: on digits a curve goes around what the straight line climbs; sweeps along curves
//! give the networks' own losses, prepared or not, with batch statistics taken anew or not.

use loss_landscape::{
    Buffers, Curve, Gradient, Loss, Mask, Model, Sweep, content_hash,
    path::{Barrier, BentPath, PathShape, PathTraining, StepRule},
};
use loss_landscape_nets::{
    Activation, Architecture, Chain, Conv, Criterion, Mlp, Network, Samples, Sgd, TrainingMode, digits,
};
use ndarray::Array2;

/// Trained until it fits: the paper's small-batch setting.
fn trained(sizes: &[usize], seed: u64, train: &Samples<f32>) -> Mlp<f32> {
    let mut net = Mlp::new(sizes, Activation::Relu, Criterion::CrossEntropy, seed).unwrap();
    Sgd::new(0.05).momentum(0.9).batch_size(32).epochs(30).seed(seed).train(&mut net, train).unwrap();
    net
}

fn highest(curve: &Curve) -> f64 {
    curve.loss().iter().copied().fold(0.0, f64::max)
}

/// Mini-batches of one size, in the order of the samples.
fn batches(data: &Samples<f32>, size: usize) -> Vec<Samples<f32>> {
    let indices: Vec<usize> = (0..data.len()).collect();
    indices.chunks_exact(size).map(|indices| data.select(indices).unwrap()).collect()
}

#[test]
fn a_curve_goes_around_the_barrier_between_two_trained_networks() {
    let (train, _) = digits::<f32>().unwrap();
    let [a, b] = [1, 2].map(|seed| trained(&[64, 24, 10], seed, &train));
    let line = Sweep::segment(&a, a.parameters(), b.parameters()).data("", &train).alpha(0.0..=1.0, 61);
    let line = Barrier::rise(&line.run().unwrap(), "loss").unwrap();
    let higher = line.ends[0].max(line.ends[1]);
    assert!(line.rise + higher > 10.0 * higher, "{line} {:?}", line.ends);

    let start = BentPath::bezier(a.layout(), a.parameters(), b.parameters(), 1).unwrap();
    let training = PathTraining::new(0.03).rule(StepRule::adam()).steps(2000).seed(1);
    let trained = training.run_batches(&a, &batches(&train, 64), &start).unwrap();
    let curve = Sweep::along(&a, &trained.path).data("", &train).run().unwrap();
    let highest = highest(&curve);
    println!("line {} × the higher end, curve {} ×", (line.rise + higher) / higher, highest / higher);
    assert!(highest <= 1.05 * higher, "{highest} {higher}");
}

/// Of any threads, prepared or not, a sweep gives the loss at the points of its curve.
fn check_along<N: Loss<Samples<f64>> + Model<Scalar = f64> + Sync>(net: &N, anew: &N, data: &Samples<f64>) {
    let trained = Mask::trained(net.layout()).ranges();
    let point = |k: usize| {
        let mut theta = net.parameters().to_vec();
        for i in trained.iter().cloned().flatten() {
            theta[i] += 0.2 * ((i + 7 * k) as f64).sin();
        }
        theta
    };
    for (shape, count) in [
        (PathShape::Bezier, 3),
        (PathShape::Bezier, 5),
        (PathShape::Chain, 3),
        (PathShape::Chain, 6),
        (PathShape::Chain, 9),
    ] {
        let path = BentPath::new(net.layout(), shape, (0..count).map(point).collect()).unwrap();
        let run = |net| Sweep::along(net, &path).data("", data).alpha(0.0..=1.0, 13);
        let curve = run(net).threads(1).run().unwrap();
        assert_eq!(curve.values(), run(net).threads(3).run().unwrap().values());
        let unprepared = run(anew).run().unwrap();
        for (k, t) in curve.alpha().iter().enumerate() {
            let expected = net.loss(&path.at(*t), data).unwrap();
            for found in [curve.loss()[k], unprepared.loss()[k]] {
                approx::assert_relative_eq!(found, expected, max_relative = 1e-11);
            }
        }
    }
}

#[test]
fn sweeps_along_curves_give_the_losses_of_their_points() {
    let inputs = Array2::from_shape_fn((39, 112), |(i, j)| ((i * 112 + j) as f64).sin());
    let data = Samples::labelled(inputs, (0..39).map(|i| i % 3).collect()).unwrap();
    let mlp = Mlp::<f64>::new(&[112, 7, 3], Activation::Tanh, Criterion::CrossEntropy, 1).unwrap();
    // A first layer of so many inputs is multiplied once for the whole curve.
    let chain =
        Chain::new().conv(Conv::new("a", 5, 7)).batch_norm("b").relu().global_average_pool().linear("c", 3);
    let architecture = Architecture::new([2, 7, 8], chain).unwrap();
    let net = Network::<f64>::new(&architecture, Criterion::CrossEntropy, 1).unwrap();
    check_along(&mlp, &mlp.clone().plane_memory(0), &data);
    check_along(&net, &net.clone().plane_memory(0), &data);
}

#[test]
fn batch_statistics_are_taken_anew_along_a_curve() {
    let (train, _) = digits::<f32>().unwrap();
    let train = train.select(&(0..256).collect::<Vec<_>>()).unwrap();
    let chain =
        Chain::new().conv3x3("conv", 4, 2).batch_norm("bn").relu().global_average_pool().linear("fc", 10);
    let architecture = Architecture::new([1, 8, 8], chain).unwrap();
    let [a, b] = [1, 2].map(|seed| {
        let mut net = Network::<f32>::new(&architecture, Criterion::CrossEntropy, seed).unwrap();
        Sgd::new(0.1).momentum(0.9).batch_size(32).epochs(20).seed(seed).train(&mut net, &train).unwrap();
        net
    });
    // In training mode, since the running statistics of one end mean nothing on the way to the other.
    let ends = [a.parameters(), b.parameters()];
    let start = BentPath::straight(a.layout(), PathShape::Bezier, ends, 1, Buffers::Move).unwrap();
    let training = PathTraining::new(0.03).rule(StepRule::adam()).steps(400).seed(1);
    let trained = training.run_batches(&TrainingMode::new(&a), &batches(&train, 64), &start).unwrap();
    let path = trained.path;

    let anew = a.reestimated(&train, 64).unwrap();
    let curve = |path, threads| {
        Sweep::along(&anew, path).data("", &train).alpha(0.0..=1.0, 21).threads(threads).run().unwrap()
    };
    let bent = curve(&path, 1);
    assert_eq!(bent.values(), curve(&path, 3).values());
    for (t, loss) in bent.alpha().iter().zip(bent.loss()) {
        approx::assert_relative_eq!(*loss, anew.loss(&path.at(*t), &train).unwrap(), max_relative = 1e-6);
    }
    let frozen = Sweep::along(&a, &path).data("", &train).alpha(0.0..=1.0, 21).run().unwrap();
    let straight = curve(&start, 1);
    let barrier = |curve| Barrier::rise(curve, "loss").unwrap().height;
    println!(
        "barriers: straight {}, bent {}, bent with interpolated statistics {}",
        barrier(&straight),
        barrier(&bent),
        barrier(&frozen)
    );
    assert!(barrier(&bent) < 0.5 * barrier(&straight));
    assert!(barrier(&frozen) > barrier(&bent));
    // Bends have the buffers of the straight line, which no gradient moves.
    let buffers = Mask::role(a.layout(), loss_landscape::Role::Buffer).ranges();
    for range in buffers {
        assert_eq!(path.bends()[0][range.clone()], start.bends()[0][range]);
    }
}

#[test]
fn a_training_on_digits_has_the_same_bits_for_any_number_of_threads() {
    let (train, _) = digits::<f32>().unwrap();
    let [a, b] = [1, 2]
        .map(|seed| Mlp::<f32>::new(&[64, 12, 10], Activation::Relu, Criterion::CrossEntropy, seed).unwrap());
    let start = BentPath::chain(a.layout(), a.parameters(), b.parameters(), 2).unwrap();
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let trained =
            pool.install(|| PathTraining::new(0.05).steps(20).draws(3).run(&a, &train, &start).unwrap());
        trained.path.points().iter().map(|point| content_hash(point)).collect::<Vec<_>>()
    };
    assert_eq!(run(1), run(3));
}

#[test]
fn training_mode_is_the_network_itself_without_batch_normalisation() {
    let (train, _) = digits::<f32>().unwrap();
    let net = Mlp::<f32>::new(&[64, 12, 10], Activation::Relu, Criterion::CrossEntropy, 1).unwrap();
    let batch = train.select(&(0..50).collect::<Vec<_>>()).unwrap();
    let mode = TrainingMode::new(&net);
    let [mut own, mut other] = [vec![0.0; net.layout().len()], vec![0.0; net.layout().len()]];
    let loss = net.gradient(net.parameters(), &batch, &mut own).unwrap();
    approx::assert_relative_eq!(
        mode.gradient(net.parameters(), &batch, &mut other).unwrap(),
        loss,
        max_relative = 1e-6
    );
    approx::assert_abs_diff_eq!(own[..], other[..], epsilon = 1e-6);
    let wrong = Samples::labelled(Array2::<f32>::ones((3, 5)), vec![0, 1, 2]).unwrap();
    assert!(mode.loss(net.parameters(), &wrong).is_err() && mode.loss(&[0.0], &batch).is_err());
}
