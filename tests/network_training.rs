//! Five steps of training a ResNet-8 against PyTorch, with batch normalisation in training mode, and its
//! statistics estimated anew.

mod common;

use common::{Reference, relative_error};
use loss_landscape::{
    Loss, Model, Role,
    nets::{Adam, Architecture, Criterion, Network, Samples, Sgd, Skips, TrainingEnd, TrainingReport},
};
use ndarray::Array2;

/// Numbers that PyTorch's script makes too: the hash of an index, in [0, 1).
fn hashed(index: u64) -> f64 {
    let mut z = index.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
}

fn splitmix(index: u64) -> u64 {
    let mut z = index.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

fn network() -> Network<f64> {
    let architecture = Architecture::resnet(8, [1, 8, 8], 10, Skips::With).unwrap();
    let mut theta = vec![0.0; architecture.layout().len()];
    for block in architecture.layout().blocks() {
        let fan_in: usize = block.shape()[1..].iter().product();
        for index in block.range() {
            let u = hashed(index as u64);
            let r = 2.0 * u - 1.0;
            theta[index] = match block.role() {
                Role::Weight => r * (6.0 / fan_in as f64).sqrt(),
                Role::NormScale => 0.5 + u,
                Role::Buffer if block.name().ends_with("running_var") => 0.5 + u,
                Role::NormShift | Role::Buffer => 0.2 * r,
                _ => 0.1 * r,
            };
        }
    }
    Network::new(&architecture, Criterion::CrossEntropy, 0).unwrap().with_parameters(theta).unwrap()
}

fn images(first: usize, count: usize) -> Samples<f64> {
    let value = |(i, j): (usize, usize)| 2.0 * hashed(1_000_000_000 + ((first + i) * 64 + j) as u64) - 1.0;
    let labels = (first..first + count).map(|n| (splitmix(3_000_000_000 + n as u64) % 10) as u32).collect();
    Samples::labelled(Array2::from_shape_fn((count, 64), value), labels).unwrap()
}

/// Per block the inner product with the projection vector.
fn projected(net: &Network<f64>, theta: &[f64]) -> Vec<f64> {
    let q = |index: usize| 2.0 * hashed(4_000_000_000 + index as u64) - 1.0;
    let blocks = net.layout().blocks().iter();
    blocks.map(|block| block.range().map(|i| theta[i] * q(i)).sum()).collect()
}

/// One step on each of five batches: an epoch over all of them that does not shuffle.
fn check(name: &str, train: impl Fn(&mut Network<f64>, &Samples<f64>, usize) -> TrainingReport<f64>) {
    let reference = Reference::load("training");
    let mut net = network();
    let report = train(&mut net, &images(0, 120), 24);
    assert_eq!((report.end, report.steps), (TrainingEnd::Complete, 5));
    let error = relative_error(projected(&net, net.parameters()), reference.get(&format!("{name}.blocks")));
    assert!(error < 1e-9, "{name}: {error:e}");
}

#[test]
fn five_steps_are_pytorchs() {
    check("nesterov", |net, data, batch| {
        let rule = Sgd::new(0.1).momentum(0.9).nesterov(true).weight_decay(5e-4);
        rule.batch_size(batch).epochs(1).shuffle(false).train(net, data).unwrap()
    });
    check("momentum", |net, data, batch| {
        let rule = Sgd::new(0.1).momentum(0.9).weight_decay(5e-4);
        rule.batch_size(batch).epochs(1).shuffle(false).train(net, data).unwrap()
    });
    check("adam", |net, data, batch| {
        let rule = Adam::new(1e-3).weight_decay(5e-4);
        rule.batch_size(batch).epochs(1).shuffle(false).train(net, data).unwrap()
    });
}

#[test]
fn the_running_statistics_follow_as_pytorchs() {
    let reference = Reference::load("training");
    let mut net = network();
    let rule = Sgd::new(0.1).momentum(0.9).nesterov(true).weight_decay(5e-4).batch_size(24).epochs(1);
    rule.shuffle(false).train(&mut net, &images(0, 24)).unwrap();
    for name in ["running_mean", "running_var"] {
        let block = net.layout().block(&format!("bn1.{name}")).unwrap();
        let expected = reference.get(&format!("nesterov.step1.{name}"));
        let error = relative_error(block.slice(net.parameters()).unwrap().iter().copied(), expected);
        assert!(error < 1e-12, "{name}: {error:e}");
    }
}

#[test]
fn statistics_estimated_anew_are_pytorchs() {
    let reference = Reference::load("training");
    let net = network();
    let data = images(0, 40);
    let anew = net.reestimated(&data, 16).unwrap();
    let theta = anew.parameters_at(net.parameters()).unwrap();
    let error = relative_error(projected(&net, &theta), reference.get("restat.blocks"));
    assert!(error < 1e-10, "{error:e}");
    let loss = anew.loss(net.parameters(), &data).unwrap();
    assert!((loss - reference.get("restat.loss")[0]).abs() < 1e-10, "{loss}");
    assert_eq!(loss, net.loss(&theta, &data).unwrap());
}
