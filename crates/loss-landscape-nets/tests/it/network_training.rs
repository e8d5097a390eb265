//! Five steps of training a ResNet-8 against PyTorch, with batch normalisation in training mode, and its
//! statistics estimated anew.

use crate::common::{Reference, hashed_network, hashed_samples, projected, relative_error};
use loss_landscape::{Gradient, Loss, Model};
use loss_landscape_nets::{
    Adam, Architecture, Chain, Criterion, Gelu, Network, Samples, Sgd, Skips, TrainingEnd, TrainingReport,
};

fn network() -> Network<f64> {
    let architecture = Architecture::resnet(8, [1, 8, 8], 10, Skips::With).unwrap();
    hashed_network(&architecture, Criterion::CrossEntropy, 0, 1.0)
}

/// One step on each of five batches: an epoch over all of them that does not shuffle.
fn check(name: &str, train: impl Fn(&mut Network<f64>, &Samples<f64>, usize) -> TrainingReport<f64>) {
    let reference = Reference::load("training");
    let mut net = network();
    let report = train(&mut net, &hashed_samples(120, 64, 10), 24);
    assert_eq!((report.end, report.steps), (TrainingEnd::Complete, 5));
    let error =
        relative_error(projected(net.layout(), net.parameters()), reference.get(&format!("{name}.blocks")));
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

/// Where nothing has statistics of its own, a step on all samples is one against the gradient.
#[test]
fn pieces_within_samples_train_by_their_gradient() {
    let chain = Chain::new()
        .conv3x3("a", 6, 2)
        .group_norm("g", 3)
        .gelu(Gelu::Exact)
        .dropout()
        .transposed(Chain::new().pixel_linear("t", 16))
        .layer_norm("l")
        .gelu(Gelu::Tanh)
        .adaptive_average_pool([2, 3])
        .linear("head", 10);
    let architecture = Architecture::new([1, 8, 8], chain).unwrap();
    let mut net = hashed_network::<f64>(&architecture, Criterion::CrossEntropy, 0, 1.0);
    let data = hashed_samples(40, 64, 10);
    let (before, mut gradient) = (net.parameters().to_vec(), vec![f64::NAN; net.layout().len()]);
    net.gradient(&before, &data, &mut gradient).unwrap();
    Sgd::new(0.1).batch_size(40).epochs(1).shuffle(false).train(&mut net, &data).unwrap();
    let expected = before.iter().zip(&gradient).map(|(theta, g)| theta - 0.1 * g);
    let error = relative_error(net.parameters().iter().copied(), expected);
    assert!(error < 1e-12, "{error:e}");
}

#[test]
fn the_running_statistics_follow_as_pytorchs() {
    let reference = Reference::load("training");
    let mut net = network();
    let rule = Sgd::new(0.1).momentum(0.9).nesterov(true).weight_decay(5e-4).batch_size(24).epochs(1);
    rule.shuffle(false).train(&mut net, &hashed_samples(24, 64, 10)).unwrap();
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
    let data = hashed_samples(40, 64, 10);
    let anew = net.reestimated(&data, 16).unwrap();
    let theta = anew.parameters_at(net.parameters()).unwrap();
    let error = relative_error(projected(net.layout(), &theta), reference.get("restat.blocks"));
    assert!(error < 1e-10, "{error:e}");
    let loss = anew.loss(net.parameters(), &data).unwrap();
    assert!((loss - reference.get("restat.loss")[0]).abs() < 1e-10, "{loss}");
    assert_eq!(loss, net.loss(&theta, &data).unwrap());
}
