//! Pieces that the paper's networks have not, against PyTorch: see `tests/pytorch/pieces.py`.

use crate::{
    common::Reference,
    networks::{Case, agrees_with},
};
use loss_landscape_nets::{Architecture, Chain, Conv, Pool};

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
