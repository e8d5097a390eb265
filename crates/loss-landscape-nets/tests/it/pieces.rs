//! Pieces that the paper's networks have not, against PyTorch: see `tests/pytorch/pieces.py`.

use crate::{
    common::{Reference, hashed_network, hashed_samples},
    networks::{Case, agrees_with},
};
use loss_landscape::{Loss, Model, RandomDirections, Sweep};
use loss_landscape_nets::{Architecture, Chain, Conv, Criterion, Network, Pool, Sgd};

fn check(name: &'static str, input: [usize; 3], chain: Chain, samples: usize) {
    let case = Case::new(name, Architecture::new(input, chain), samples);
    agrees_with(&case, &Reference::load("pieces"));
}

/// A block of torchvision's ResNet-18.
fn basic_block(inputs: usize, channels: usize, stride: usize) -> Chain {
    let body = Chain::new().conv3x3("conv1", channels, stride).batch_norm("bn1").relu();
    let body = body.conv3x3("conv2", channels, 1).batch_norm("bn2");
    let shortcut = if stride == 1 && inputs == channels {
        Chain::new()
    } else {
        Chain::new().conv1x1("downsample.0", channels, stride).batch_norm("downsample.1")
    };
    Chain::new().skip(body, shortcut).relu()
}

#[test]
fn the_stem_of_torchvisions_resnets() {
    let chain = Chain::new()
        .conv(Conv::new("conv1", 8, 7).stride(2).padding(3))
        .batch_norm("bn1")
        .relu()
        .max_pool(Pool::new(3).stride(2).padding(1))
        .scope("layer1.0", basic_block(8, 8, 1))
        .scope("layer2.0", basic_block(8, 12, 2))
        .global_average_pool()
        .linear("fc", 10);
    check("stem", [3, 21, 26], chain, 21);
}

#[test]
fn padded_pools() {
    let half = Pool::new(3).stride(2).padding(1);
    let chain = Chain::new()
        .conv(Conv::new("c1", 5, 3).bias(true))
        .tanh()
        .average_pool(half)
        .conv(Conv::new("c2", 6, 3).bias(true))
        .tanh()
        .average_pool(half.count_padding(false))
        .max_pool(Pool::new(2).padding(1).ceil(true))
        .max_pool(Pool::new(5).stride(3).padding(2))
        .linear("out", 4);
    check("pools", [2, 13, 10], chain, 19);
}

fn convolutions() -> Chain {
    Chain::new()
        .conv(Conv::new("c1", 6, 7).groups(2).bias(true))
        .tanh()
        .conv(Conv::new("c2", 6, [1, 7]).stride([1, 2]).bias(true))
        .tanh()
        .conv(Conv::new("c3", 9, 3).groups(3))
        .batch_norm("b3")
        .relu()
        .conv(Conv::new("c4", 8, 3).padding(2).dilation(2).bias(true))
        .tanh()
        .conv(Conv::new("c5", 10, [5, 3]).stride([2, 1]).padding([3, 1]).dilation([2, 1]).groups(2))
        .batch_norm("b5")
        .relu()
        .global_average_pool()
        .linear("out", 4)
}

#[test]
fn convolutions_in_groups_dilated_and_not_square() {
    check("convs", [4, 11, 14], convolutions(), 19);
}

/// A block of MobileNetV2.
fn inverted_residual(hidden: usize, channels: usize, stride: usize, skip: bool) -> Chain {
    let body = Chain::new()
        .conv1x1("conv.0", hidden, 1)
        .batch_norm("conv.1")
        .relu()
        .conv(Conv::new("conv.3", hidden, 3).stride(stride).groups(hidden))
        .batch_norm("conv.4")
        .relu()
        .conv1x1("conv.6", channels, 1)
        .batch_norm("conv.7");
    if skip { Chain::new().skip(body, Chain::new()) } else { body }
}

#[test]
fn depthwise_convolutions() {
    let chain = Chain::new()
        .conv(Conv::new("stem", 6, 3).groups(3).bias(true))
        .tanh()
        .scope("blocks.0", inverted_residual(18, 6, 1, true))
        .scope("blocks.1", inverted_residual(18, 8, 2, false))
        .global_average_pool()
        .linear("fc", 4);
    check("depthwise", [3, 7, 9], chain, 35);
}

/// A first layer of many inputs is prepared for planes, unless it is in groups; trainings compute groups of samples in
/// threads.
#[test]
fn convolutions_in_groups_are_swept_and_trained_with_any_threads() {
    let architecture = Architecture::new([4, 11, 14], convolutions()).unwrap();
    let net: Network<f64> = hashed_network(&architecture, Criterion::CrossEntropy, 0, 1.0);
    let data = hashed_samples(70, 4 * 11 * 14, 4);
    let dirs = RandomDirections::new(2).pair(&net).unwrap();
    let [first, others @ ..] = [1, 2, 4].map(|threads| {
        let sweep = Sweep::plane(&net, dirs.clone()).data("", &data).alpha_at(&[0.0, 0.5]).beta_at(&[0.0]);
        let surface = sweep.threads(threads).run().unwrap();
        let trained = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(|| {
            let mut net = net.clone();
            Sgd::new(0.05).batch_size(70).epochs(2).shuffle(false).train(&mut net, &data).unwrap();
            net.parameters().to_vec()
        });
        let losses: Vec<f64> = surface.channel("loss").unwrap().iter().copied().collect();
        [losses, trained].concat().into_iter().map(f64::to_bits).collect::<Vec<_>>()
    });
    assert!(others.iter().all(|other| *other == first));
    assert_eq!(first[0], net.loss(net.parameters(), &data).unwrap().to_bits());
}
