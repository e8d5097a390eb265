//! The paper's networks against PyTorch, at hashed parameters: blocks, logits, losses, gradients and
//! Hessian-vector products. `f64` to 1e-8 of the largest, losses in `f32` to 1e-3.

use crate::common::{Reference, hashed_network, hashed_samples, hashed_vector, projected, relative_error};
use loss_landscape::{Gradient, HessianProduct, Layout, Loss, Model};
use loss_landscape_nets::{
    Architecture, Chain, Conv, Criterion, NetScalar, Network, Pool, Result, Samples, Skips,
};

/// A case of `tests/pytorch/networks.py`.
struct Case {
    name: &'static str,
    architecture: Architecture,
    samples: usize,
}

impl Case {
    fn new(name: &'static str, architecture: Result<Architecture>, samples: usize) -> Self {
        Self { name, architecture: architecture.unwrap(), samples }
    }

    fn network<S: NetScalar>(&self, reference: &Reference) -> Network<S> {
        let gain = reference.get(&format!("{}.gain", self.name))[0];
        hashed_network(&self.architecture, Criterion::CrossEntropy, 0, gain)
    }

    fn data<S: NetScalar>(&self) -> Samples<S> {
        let features = self.architecture.input().iter().product();
        hashed_samples(self.samples, features, self.architecture.outputs())
    }
}

const SMALL: [usize; 3] = [1, 8, 8];
const CIFAR: [usize; 3] = [3, 32, 32];

fn deep() -> Vec<Case> {
    use Skips::{With, Without};
    vec![
        Case::new("resnet20", Architecture::resnet(20, CIFAR, 10, With), 2),
        Case::new("resnet20_noshort", Architecture::resnet(20, CIFAR, 10, Without), 2),
        Case::new("resnet56", Architecture::resnet(56, SMALL, 10, With), 20),
        Case::new("resnet56_noshort", Architecture::resnet(56, SMALL, 10, Without), 20),
        Case::new("resnet110", Architecture::resnet(110, SMALL, 10, With), 3),
    ]
}

fn wide() -> Vec<Case> {
    use Skips::{With, Without};
    vec![
        Case::new("wrn56_2", Architecture::wide_resnet(56, 2, SMALL, 10, With), 3),
        Case::new("wrn56_2_noshort", Architecture::wide_resnet(56, 2, SMALL, 10, Without), 3),
        Case::new("wrn20_4", Architecture::wide_resnet(20, 4, CIFAR, 10, With), 2),
    ]
}

fn vgg9() -> Case {
    Case::new("vgg9", Architecture::vgg9(CIFAR, 10), 2)
}

fn densenet() -> Case {
    Case::new("densenet121", Architecture::densenet121(CIFAR, 10), 2)
}

/// Made up to have what the others have not: tanh, overlapping pools, even images, biases.
fn odd() -> Case {
    let branch = Chain::new().conv(Conv::new("p", 3, 1).bias(true)).relu();
    let body = Chain::new().conv(Conv::new("s1", 9, 3).bias(true)).tanh().conv1x1("s2", 9, 1);
    let chain = Chain::new()
        .conv(Conv::new("c1", 5, 5).bias(true))
        .tanh()
        .conv3x3("c2", 6, 2)
        .batch_norm("b2")
        .max_pool(Pool::new(3).stride(2))
        .concat([branch, Chain::new()])
        .skip(body, Chain::new())
        .average_pool(Pool::new(2).stride(1))
        .batch_norm("b3")
        .relu()
        .linear("out", 4);
    Case::new("odd", Architecture::new([2, 11, 9], chain), 37)
}

/// Names and shapes of the blocks as PyTorch's script notes them down.
fn names(layout: &Layout) -> String {
    let shape = |shape: &[usize]| shape.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    let blocks = layout.blocks().iter();
    let entries = blocks.map(|block| format!("[\"{}\",[{}]]", block.name(), shape(block.shape())));
    format!("[{}]", entries.collect::<Vec<_>>().join(","))
}

fn exact(case: &Case) {
    let reference = Reference::load("networks");
    let get = |what: &str| reference.get(&format!("{}.{what}", case.name));
    let layout = case.architecture.layout();
    assert_eq!(names(layout), reference.note(&format!("{}.names", case.name)));
    let counts = [case.architecture.trained_parameters() as f64, layout.len() as f64];
    assert_eq!(counts.as_slice(), get("count"));

    let (net, data) = (case.network::<f64>(&reference), case.data());
    let theta = net.parameters();
    let close = |what: &str, found: Vec<f64>| {
        let error = relative_error(found, get(what));
        assert!(error < 1e-8, "{what} of {}: {error:e}", case.name);
    };
    close("logits", net.outputs(theta, &data).unwrap().into_iter().collect());
    let mut out = vec![f64::NAN; layout.len()];
    // The loss alone is held against this one in other tests.
    close("loss", vec![net.gradient(theta, &data, &mut out).unwrap()]);
    close("blocks_gradient", projected(layout, &out));
    if case.name == "densenet121" {
        return; // Half a minute: `tests/densenet_product.rs` has it to itself.
    }
    out.fill(f64::NAN);
    net.hessian_product(theta, &hashed_vector(layout, 2_000_000_000), &data, &mut out).unwrap();
    close("blocks_hvp", projected(layout, &out));
}

#[test]
fn resnets_in_f64() {
    deep().iter().for_each(exact);
}

#[test]
fn wide_resnets_in_f64() {
    wide().iter().for_each(exact);
}

#[test]
fn vgg9_in_f64() {
    exact(&vgg9());
}

#[test]
fn densenet_in_f64() {
    exact(&densenet());
}

#[test]
fn the_odd_network_in_f64() {
    exact(&odd());
}

#[test]
fn losses_in_f32() {
    let reference = Reference::load("networks");
    for case in deep().into_iter().chain(wide()).chain([vgg9(), densenet(), odd()]) {
        let net = case.network::<f32>(&reference);
        let loss = net.loss(net.parameters(), &case.data()).unwrap();
        let expected = reference.get(&format!("{}.loss", case.name))[0];
        let error = (loss - expected).abs() / expected;
        assert!(error < 1e-3, "{}: {loss} against {expected}, {error:e}", case.name);
    }
}
