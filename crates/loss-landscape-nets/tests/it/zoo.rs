//! Networks of torchvision and timm, and the layers that came with them, against PyTorch: see `tests/pytorch/zoo.py`.

use crate::{
    common::Reference,
    networks::{Case, agrees_with, names},
};
use loss_landscape_nets::{Architecture, Chain, Conv, Gelu, Mixer, Piece, Vgg};

const CIFAR: [usize; 3] = [3, 32, 32];

fn exact(case: &Case) {
    agrees_with(case, &Reference::load("zoo"));
}

#[test]
fn resnet18_of_torchvision() {
    exact(&Case::new("resnet18", Architecture::torchvision_resnet(18, CIFAR, 10), 2));
}

#[test]
fn vgg16_with_normalisation_of_torchvision() {
    exact(&Case::new("vgg16_bn", Vgg::new(16).batch_norm(true).hidden(32).architecture(CIFAR, 10), 2));
}

#[test]
fn vgg11_of_torchvision_on_images_that_are_not_square() {
    exact(&Case::new("vgg11", Vgg::new(11).hidden(16).architecture([3, 64, 96], 10), 1));
}

#[test]
fn larger_networks_have_torchvisions_names_and_shapes() {
    let reference = Reference::load("zoo");
    let input = [3, 224, 224];
    for (name, architecture) in [
        ("resnet34", Architecture::torchvision_resnet(34, input, 1000)),
        ("resnet50", Architecture::torchvision_resnet(50, input, 1000)),
        ("resnet101", Architecture::torchvision_resnet(101, input, 1000)),
        ("vgg13", Vgg::new(13).architecture(input, 1000)),
        ("vgg19_bn", Vgg::new(19).batch_norm(true).architecture(input, 1000)),
    ] {
        assert_eq!(names(architecture.unwrap().layout()), reference.note(&format!("{name}.names")), "{name}");
    }
}

#[test]
fn the_mixer_of_timm() {
    let mixer = Mixer::new(4).width(24).depth(2).hidden(10, 40);
    exact(&Case::new("mixer", mixer.architecture([3, 16, 12], 5), 19));
}

#[test]
fn normalisations_within_samples_gelus_and_adaptive_pools() {
    let body = Chain::new().conv3x3("c3", 8, 1).group_norm("n3", 8).gelu(Gelu::Tanh);
    let chain = Chain::new()
        .group_norm("n0", 2)
        .conv(Conv::new("c1", 6, 3).bias(true))
        .group_norm("n1", 3)
        .gelu(Gelu::Exact)
        .dropout()
        .conv3x3("c2", 8, 2)
        .group_norm("n2", 1)
        .relu()
        .skip(body, Chain::new())
        .adaptive_average_pool([7, 3])
        .adaptive_average_pool([3, 2])
        .piece(Piece::PixelLinear { name: "p".to_owned(), outputs: 5, bias: false })
        .layer_norm("n4")
        .linear("fc1", 7)
        .layer_norm("n5")
        .gelu(Gelu::Exact)
        .linear("fc2", 4);
    exact(&Case::new("norms", Architecture::new([4, 9, 7], chain), 19));
}
