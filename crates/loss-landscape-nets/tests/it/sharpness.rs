//! Sharpness of networks: against PyTorch, under rescaling of layers, and with the same bits for any number of threads.

use loss_landscape::{
    Model,
    curvature::{Lanczos, Sharpness, SharpnessReport, SharpnessScale, TraceEstimator},
};
use loss_landscape_nets::{
    Activation, Architecture, Chain, Criterion, Mlp, NetScalar, Network, Samples, Sgd, digits,
};
use ndarray::Array2;

use crate::common::{Reference, hashed, hashed_inputs};

const SCALES: [(&str, SharpnessScale); 2] =
    [("plain", SharpnessScale::Plain), ("relative", SharpnessScale::Relative)];

/// The same perturbations, the same ellipsoid, the same Hessian; `tests/pytorch/gauss_newton.py`.
#[test]
fn all_measures_are_pytorchs() {
    let reference = Reference::load("gauss_newton");
    let get = |what: &str| reference.get(&format!("sharpness.{what}"));
    let net = Mlp::<f64>::new(&[5, 4, 2], Activation::Tanh, Criterion::MeanSquaredError, 0).unwrap();
    let net = net.at(get("theta")).unwrap();
    let targets = Array2::from_shape_vec((40, 2), get("targets")).unwrap();
    let data = Samples::regression(hashed_inputs(40, 5), targets).unwrap();
    let n = net.parameters().len();
    let element = |k: usize, i: usize| 3.0_f64.sqrt() * hashed(11_000_000_000 + (1000 * k + i) as u64);
    let draws: Vec<Vec<f64>> = (0..50).map(|k| (0..n).map(|i| element(k, i)).collect()).collect();
    let relative = |found: f64, expected: f64| (found / expected - 1.0).abs();
    for (name, scale) in SCALES {
        let [average, worst] = ["average", "worst"].map(|what| get(&format!("{name}.{what}")));
        let [top, trace] = ["top", "trace"].map(|what| get(&format!("{name}.{what}"))[0]);
        for (index, radius) in [0.05, 0.5].into_iter().enumerate() {
            let sharpness = Sharpness::new(radius)
                .scale(scale)
                .steps(400)
                .restarts(16)
                .lanczos(Lanczos::new().tolerance(1e-10))
                .trace(TraceEstimator::new().max_products(n));
            let report = sharpness.report(&net, net.parameters(), &data).unwrap();
            assert!(
                relative(report.loss, get("loss")[0]) < 1e-10 && report.gradient_norm < 1e-13,
                "{report}"
            );
            assert!(relative(report.extremes.lambda_max, top) < 1e-9, "{name}: {report}, {top}");
            assert!(relative(report.trace.value, trace) < 1e-9, "{name}: {report}, {trace}");
            // Neither program knows the maximum, but both find the same.
            assert!(relative(report.worst.value, worst[index]) < 1e-6, "{name}: {report}, {worst:?}");
            let found = sharpness.average_over(&net, net.parameters(), &data, &draws).unwrap();
            assert!(relative(found.value, average[index]) < 1e-9, "{name}: {found:?}, {average:?}");
        }
    }
}

/// The same function: the first layer times 10, the second over 10, through ReLU.
fn rescaled(net: &Mlp<f64>) -> Mlp<f64> {
    let mut theta = net.parameters().to_vec();
    for (block, factor) in [("fc1.weight", 10.0), ("fc1.bias", 10.0), ("fc2.weight", 0.1)] {
        for value in net.layout().block(block).unwrap().slice_mut(&mut theta).unwrap() {
            *value *= factor;
        }
    }
    net.clone().at(theta).unwrap()
}

#[test]
fn relative_forms_ignore_the_scale_of_layers_and_plain_ones_do_not() {
    let (data, _) = digits::<f64>().unwrap();
    let mut net = Mlp::new(&[64, 12, 10], Activation::Relu, Criterion::CrossEntropy, 5).unwrap();
    Sgd::new(0.1).momentum(0.9).batch_size(64).epochs(3).train(&mut net, &data).unwrap();
    let other = rescaled(&net);
    let reports = |scale| -> [SharpnessReport<f64>; 2] {
        // In the coordinates of the ellipsoid both networks are one, so that all draws and starts are the same.
        let sharpness = Sharpness::new(0.05).scale(scale).draws(8).restarts(2).steps(12);
        let sharpness = sharpness.trace(TraceEstimator::new().max_products(30));
        [&net, &other].map(|net| sharpness.report(net, net.parameters(), &data).unwrap())
    };
    let measures = |report: &SharpnessReport<f64>| {
        let SharpnessReport { average, worst, extremes, trace, gradient_norm, .. } = report;
        [average.value, worst.value, extremes.lambda_max, trace.value, *gradient_norm]
    };
    let [a, b] = reports(SharpnessScale::Relative);
    for (a, b) in measures(&a).into_iter().zip(measures(&b)) {
        assert!((a / b - 1.0).abs() < 1e-9, "{a} against {b}");
    }
    let [a, b] = reports(SharpnessScale::Plain);
    for (a, b) in measures(&a).into_iter().zip(measures(&b)) {
        assert!((a / b - 1.0).abs() > 0.5, "{a} against {b}");
    }
}

fn bits<S: NetScalar>(report: &SharpnessReport<S>) -> Vec<u64> {
    let SharpnessReport { average, worst, extremes, trace, gradient_norm, .. } = report;
    let values = [
        average.value,
        average.standard_error,
        worst.value,
        extremes.lambda_max,
        trace.value,
        *gradient_norm,
    ];
    values.iter().chain(&worst.rises).map(|value| value.to_bits()).collect()
}

#[test]
fn reports_have_the_same_bits_for_any_threads() {
    let chain =
        Chain::new().conv3x3("conv", 4, 2).batch_norm("bn").relu().global_average_pool().linear("fc", 10);
    let architecture = Architecture::new([1, 8, 8], chain).unwrap();
    let net = Network::<f32>::new(&architecture, Criterion::CrossEntropy, 0).unwrap();
    let perceptron = Mlp::<f32>::new(&[64, 6, 10], Activation::Tanh, Criterion::CrossEntropy, 1).unwrap();
    let data = digits::<f32>().unwrap().1;
    let sharpness = Sharpness::new(0.1).draws(7).antithetic(true).restarts(3).steps(6);
    let sharpness = sharpness.trace(TraceEstimator::new().max_products(8));
    let all = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let first = sharpness.report(&net, net.parameters(), &data).unwrap();
            let second = sharpness.report(&perceptron, perceptron.parameters(), &data).unwrap();
            [bits(&first), bits(&second)]
        })
    };
    let one = all(1);
    assert!(one == all(2) && one == all(3), "the threads make a difference");
}
