//! The paper's networks against PyTorch, at hashed parameters: blocks, logits, losses, gradients and
//! Hessian-vector products.
//!
//! In `f64` every block's projection is PyTorch's to 1e-9 of the block's norm, logits and losses to 1e-8. Gradients
//! and products in `f32` are those of `f64`, which are PyTorch's, in the norm of every block: to [`GRADIENT_F32`]
//! and [`PRODUCT_F32`].

use crate::common::{
    Reference, hashed_network, hashed_samples, hashed_vector, norm, projected, relative_error, widened,
    worst_block,
};
use loss_landscape::{Gradient, HessianProduct, Layout, Loss, Model};
use loss_landscape_nets::{
    Architecture, Chain, Conv, Criterion, NetScalar, Network, Pool, Result, Samples, Skips,
};

/// ‖f32 − f64‖ / ‖f64‖ of a block's gradient, at most.
const GRADIENT_F32: f64 = 1e-4;
/// The same of a block's part of a product.
const PRODUCT_F32: f64 = 1e-3;
/// Blocks whose norm is smaller than this of all blocks' are compared with that: they are what is left where
/// large numbers cancel.
const FLOOR_F32: f64 = 1e-4;

/// A case of `tests/pytorch/networks.py`, or of another script there.
pub(crate) struct Case {
    name: &'static str,
    architecture: Architecture,
    samples: usize,
}

impl Case {
    pub(crate) fn new(name: &'static str, architecture: Result<Architecture>, samples: usize) -> Self {
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

/// Their products take several times as long as those of smaller images, which the cases named `_small` have.
const WITHOUT_PRODUCT: [&str; 2] = ["wrn20_4", "densenet121"];

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
        Case::new("wrn20_4_small", Architecture::wide_resnet(20, 4, [3, 16, 16], 10, With), 2),
    ]
}

fn vgg9() -> Case {
    Case::new("vgg9", Architecture::vgg9(CIFAR, 10), 2)
}

fn densenet() -> Case {
    Case::new("densenet121", Architecture::densenet121(CIFAR, 10), 2)
}

fn densenet_of_small_images() -> Case {
    Case::new("densenet121_small", Architecture::densenet121([3, 16, 16], 10), 2)
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
pub(crate) fn names(layout: &Layout) -> String {
    let shape = |shape: &[usize]| shape.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    let blocks = layout.blocks().iter();
    let entries = blocks.map(|block| format!("[\"{}\",[{}]]", block.name(), shape(block.shape())));
    format!("[{}]", entries.collect::<Vec<_>>().join(","))
}

fn exact(case: &Case) {
    agrees_with(case, &Reference::load("networks"));
}

/// Blocks, logits and loss, gradient and product are PyTorch's, and those in `f32` are those in `f64`.
pub(crate) fn agrees_with(case: &Case, reference: &Reference) {
    let get = |what: &str| reference.get(&format!("{}.{what}", case.name));
    let layout = case.architecture.layout();
    assert_eq!(names(layout), reference.note(&format!("{}.names", case.name)));
    let counts = [case.architecture.trained_parameters() as f64, layout.len() as f64];
    assert_eq!(counts.as_slice(), get("count"));

    let (net, data) = (case.network::<f64>(reference), case.data());
    let theta = net.parameters();
    let close = |what: &str, found: Vec<f64>| {
        let error = relative_error(found, get(what));
        assert!(error < 1e-8, "{what} of {}: {error:e}", case.name);
    };
    close("logits", net.outputs(theta, &data).unwrap().into_iter().collect());
    let (loss, gradient) = gradient_at(&net, &data, theta);
    // The loss alone is held against this one in other tests.
    close("loss", vec![loss]);
    projections_agree(case, "gradient", &gradient, &get("blocks_gradient"));

    let (single, single_data) = (case.network::<f32>(reference), case.data());
    let near_by = NearBy { name: case.name, layout, theta };
    near_by.agree(
        "gradient",
        &gradient,
        GRADIENT_F32,
        |theta| gradient_at(&single, &single_data, theta).1,
        |theta| gradient_at(&net, &data, theta).1,
    );
    if WITHOUT_PRODUCT.contains(&case.name) {
        return;
    }

    let product = product_at(&net, &data, theta);
    projections_agree(case, "product", &product, &get("blocks_hvp"));
    near_by.agree(
        "product",
        &product,
        PRODUCT_F32,
        |theta| product_at(&single, &single_data, theta),
        |theta| product_at(&net, &data, theta),
    );
}

/// The loss and the gradient.
fn gradient_at<S: NetScalar>(net: &Network<S>, data: &Samples<S>, theta: &[S]) -> (f64, Vec<f64>) {
    let mut gradient = vec![S::nan(); theta.len()];
    let loss = net.gradient(theta, data, &mut gradient).unwrap();
    (loss, widened(&gradient))
}

/// The Hessian's product with the vector that PyTorch's script takes.
fn product_at<S: NetScalar>(net: &Network<S>, data: &Samples<S>, theta: &[S]) -> Vec<f64> {
    let mut product = vec![S::nan(); theta.len()];
    let v = hashed_vector(net.layout(), 2_000_000_000);
    net.hessian_product(theta, &v, data, &mut product).unwrap();
    widened(&product)
}

/// Derivatives in `f32` and in `f64`, at a θ or near it.
struct NearBy<'a> {
    name: &'a str,
    layout: &'a Layout,
    theta: &'a [f64],
}

impl NearBy<'_> {
    /// Derivatives in `f32` are those in `f64` at θ, or else where it is 0.1 or 0.2 % longer.
    ///
    /// Of the millions of values that go through a ReLU some lie so near 0 that rounding decides on which side they are,
    /// at about one place in ten; a derivative then jumps, by up to 1 %, with whichever kernel. What is wrong otherwise is
    /// wrong everywhere.
    fn agree(
        &self,
        what: &str,
        expected: &[f64],
        tolerance: f64,
        single: impl Fn(&[f32]) -> Vec<f64>,
        double: impl Fn(&[f64]) -> Vec<f64>,
    ) {
        let mut errors = Vec::new();
        for percent in [0.0, 0.1, 0.2] {
            let theta: Vec<f32> = self.theta.iter().map(|t| (t * (1.0 + percent / 100.0)) as f32).collect();
            let found = single(&theta);
            let elsewhere = (percent > 0.0).then(|| double(&widened(&theta)));
            let expected = elsewhere.as_deref().unwrap_or(expected);
            let (error, block) = worst_block(self.layout, [&found, expected], FLOOR_F32);
            if error <= tolerance {
                return;
            }
            errors.push(format!("{error:e} at {block}"));
        }
        panic!("f32 {what} of {}: {}, {tolerance:e} allowed", self.name, errors.join(", then "));
    }
}

/// Every block's projection to 1e-9 of the block's norm, or of 1e-6 of all blocks' norm where that is larger.
fn projections_agree(case: &Case, what: &str, found: &[f64], expected: &[f64]) {
    let layout = case.architecture.layout();
    let least = 1e-6 * norm(found);
    for ((block, found_projection), expected) in
        layout.blocks().iter().zip(projected(layout, found)).zip(expected)
    {
        let scale = norm(&found[block.range()]).max(least);
        let error = (found_projection - expected).abs() / scale;
        assert!(error < 1e-9, "{what} of {} at {}: {error:e}", case.name, block.name());
    }
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
fn densenet_of_small_images_in_f64() {
    exact(&densenet_of_small_images());
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
