//! Whole networks on every instruction set of this machine.

use loss_landscape::{Gradient, HessianProduct, Loss, Model};
use loss_landscape_kernels::InstructionSet;
use ndarray::Array2;

use crate::{Architecture, Chain, Conv, Criterion, Gelu, NetScalar, Network, Pool, Samples};

/// What a network answers: its loss, its gradient, a product.
struct Answers<S> {
    loss: f64,
    gradient: Vec<S>,
    product: Vec<S>,
}

fn wave<S: NetScalar>(len: usize, step: f64) -> Vec<S> {
    (0..len).map(|i| S::from_f64((step * (i as f64 + 1.0)).sin())).collect()
}

/// A network of all kinds of layers.
fn network<S: NetScalar>() -> Network<S> {
    let body = Chain::new().conv3x3("a", 9, 1).batch_norm("an").relu().conv1x1("b", 9, 1).tanh();
    let chain = Chain::new()
        .conv(Conv::new("stem", 5, 5).bias(true))
        .batch_norm("n")
        .relu()
        .conv3x3("down", 6, 2)
        .concat([Chain::new().conv1x1("c", 3, 1).relu(), Chain::new()])
        .skip(body, Chain::new())
        .group_norm("g", 3)
        .gelu(Gelu::Tanh)
        .transposed(Chain::new().pixel_linear("t", 30))
        .layer_norm("l")
        .gelu(Gelu::Exact)
        .max_pool(Pool::new(2).stride(1))
        .batch_norm("m")
        .relu()
        .average_pool(Pool::new(2).stride(1))
        .adaptive_average_pool([2, 3])
        .linear("head", 4);
    let architecture = Architecture::new([2, 11, 9], chain).unwrap();
    let net = Network::new(&architecture, Criterion::CrossEntropy, 3).unwrap();
    // The last layer begins too small for a Hessian worth the name.
    let theta = net.parameters().iter().zip(wave::<S>(net.parameters().len(), 0.7));
    let theta = theta.map(|(&t, w)| t + S::from_f64(0.2) * w).collect();
    net.at(theta).unwrap()
}

fn answers<S: NetScalar>(set: InstructionSet) -> Answers<S> {
    let net = network::<S>();
    let inputs = Array2::from_shape_vec((37, 198), wave(37 * 198, 1.3)).unwrap();
    let data = Samples::labelled(inputs, (0..37).map(|n| n % 4).collect()).unwrap();
    let theta = net.parameters();
    let (mut gradient, mut product) = (vec![S::nan(); theta.len()], vec![S::nan(); theta.len()]);
    // An instruction set is forced on one thread, which has to do all the work.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let loss = pool.install(|| {
        set.force(|| {
            net.gradient(theta, &data, &mut gradient).unwrap();
            net.hessian_product(theta, &wave(theta.len(), 0.9), &data, &mut product).unwrap();
            net.loss(theta, &data).unwrap()
        })
    });
    Answers { loss, gradient, product }
}

fn close<S: NetScalar>(found: &[S], expected: &[S], tolerance: f64) {
    let largest = expected.iter().fold(0.0_f64, |m, v| m.max(v.as_f64().abs()));
    assert!(largest > 1e-3, "{largest:e} is too small to compare");
    for (found, expected) in found.iter().zip(expected) {
        let error = (found.as_f64() - expected.as_f64()).abs();
        assert!(error <= tolerance * largest, "{found:?} against {expected:?}");
    }
}

fn agree<S: NetScalar>(tolerance: f64) {
    let all: Vec<Answers<S>> = InstructionSet::all().into_iter().map(answers).collect();
    let [baseline, fused @ ..] = all.as_slice() else { panic!("no instruction set") };
    for answers in fused {
        // Lane by lane the same operations, whatever the width of the registers.
        assert_eq!(answers.loss.to_bits(), fused[0].loss.to_bits());
        assert!(answers.gradient == fused[0].gradient && answers.product == fused[0].product);
        // Products and sums that are rounded twice.
        assert!((answers.loss - baseline.loss).abs() <= tolerance * baseline.loss);
        close(&answers.gradient, &baseline.gradient, tolerance);
        close(&answers.product, &baseline.product, tolerance);
    }
}

#[test]
fn every_instruction_set_answers_alike_in_f32() {
    agree::<f32>(1e-5);
}

#[test]
fn every_instruction_set_answers_alike_in_f64() {
    agree::<f64>(1e-13);
}
