//! Permutations of hidden units: the specifications that networks derive, and matching with them.

use loss_landscape::{
    Loss, Model, Role, Scalar, Sweep,
    check::check_permutations,
    matching::{PermutationSpec, Permutations, WeightMatching},
    path::Barrier,
};
use loss_landscape_nets::{
    Activation, Adam, Architecture, Chain, Conv, Criterion, Gelu, Mixer, Mlp, Pool, Samples, Skips, digits,
};

use crate::common::{Swish, hashed_network, hashed_samples};

/// Convolutional networks with everything that pieces can do, by name.
fn architectures() -> Vec<(&'static str, Architecture)> {
    let input = [3, 8, 8];
    let new = |chain: Chain| Architecture::new(input, chain).unwrap();
    let body = || Chain::new().conv3x3("a", 6, 1).batch_norm("an").relu().conv3x3("b", 6, 1);
    let branches =
        || [Chain::new().conv3x3("c1", 4, 1).relu(), Chain::new(), Chain::new().conv1x1("c2", 2, 1)];
    vec![
        ("ResNet-20", Architecture::resnet(20, input, 10, Skips::With).unwrap()),
        ("ResNet-20 without skips", Architecture::resnet(20, input, 10, Skips::Without).unwrap()),
        ("VGG-9", Architecture::vgg9(input, 10).unwrap()),
        // An image is flattened into a linear layer, whose outputs are normalised.
        (
            "flattened",
            new(Chain::new()
                .conv(Conv::new("c", 5, 3).bias(true))
                .tanh()
                .max_pool(Pool::new(2))
                .linear("d", 7)
                .batch_norm("n")
                .relu()
                .linear("e", 10)),
        ),
        // Normalised inputs, and a flattened image that is normalised itself.
        (
            "normalised",
            new(Chain::new().batch_norm("i").conv3x3("c", 5, 2).average_pool(Pool::new(2)).linear("d", 10)),
        ),
        // A residual stream that begins with the inputs stays as it is; inside the body channels may move.
        ("from the inputs", new(Chain::new().skip(body().conv1x1("z", 3, 1), Chain::new()).linear("d", 10))),
        // One layer in the body: the stream on both axes of its weights.
        (
            "one layer in the body",
            new(Chain::new()
                .conv3x3("s", 6, 1)
                .skip(Chain::new().conv3x3("a", 6, 1).batch_norm("n").tanh(), Chain::new())
                .relu()
                .global_average_pool()
                .linear("d", 10)),
        ),
        // Joined channels, inputs among them, that a convolution, a sum and a linear layer read.
        ("joined", new(Chain::new().concat(branches()).batch_norm("n").conv3x3("e", 8, 2).linear("d", 10))),
        // Sums of joined channels: alike, and not.
        (
            "sums of joined channels",
            new(Chain::new()
                .skip(
                    Chain::new().concat([Chain::new().conv1x1("p", 4, 1), Chain::new().conv1x1("q", 2, 1)]),
                    Chain::new().concat([Chain::new().conv1x1("r", 4, 1), Chain::new().conv1x1("t", 2, 1)]),
                )
                .relu()
                .linear("d", 10)),
        ),
        (
            "sums that do not fit",
            new(Chain::new()
                .skip(
                    Chain::new().concat([Chain::new().conv1x1("p", 4, 1), Chain::new().conv1x1("q", 2, 1)]),
                    Chain::new().conv3x3("r", 6, 1).relu().conv3x3("t", 6, 1),
                )
                .relu()
                .linear("d", 10)),
        ),
        // All channels of an image, each channel, or each pixel's: they may move. Groups of several stay as they are, and
        // so does what is turned around.
        (
            "normalised within samples",
            new(Chain::new()
                .conv3x3("a", 6, 1)
                .group_norm("all", 1)
                .gelu(Gelu::Exact)
                .conv3x3("b", 6, 2)
                .group_norm("each", 6)
                .gelu(Gelu::Tanh)
                .pixel_linear("c", 5)
                .layer_norm("pixels")
                .dropout()
                .conv3x3("d", 6, 1)
                .group_norm("threes", 2)
                .adaptive_average_pool(3)
                .conv1x1("e", 4, 1)
                .transposed(Chain::new().pixel_linear("f", 7).relu().pixel_linear("g", 9))
                .linear("h", 8)
                .layer_norm("features")
                .gelu(Gelu::Exact)
                .linear("i", 10)),
        ),
        ("mixer", Mixer::new(2).width(6).depth(2).hidden(5, 7).architecture(input, 10).unwrap()),
        // The last convolution is the output.
        ("all convolutions", new(body().relu().conv1x1("o", 10, 1).global_average_pool())),
        // Depthwise filters go with their channels; groups of several and a user's own layer keep the order they have.
        (
            "in groups",
            new(Chain::new()
                .conv3x3("a", 6, 1)
                .conv(Conv::new("depthwise", 6, 3).groups(6).bias(true))
                .batch_norm("n")
                .relu()
                .conv1x1("b", 6, 1)
                .relu()
                .conv(Conv::new("pairs", 4, 3).groups(2))
                .tanh()
                .conv1x1("c", 5, 1)
                .custom("swish", Swish::Exact)
                .conv1x1("d", 6, 1)
                .relu()
                .linear("e", 10)),
        ),
    ]
}

/// Statistics, scales and biases all differ, so that one that is forgotten shows.
fn invariance(name: &str, architecture: &Architecture) {
    let net = hashed_network::<f64>(architecture, Criterion::CrossEntropy, 17, 1.0);
    let data = hashed_samples(5, architecture.input().iter().product(), 10);
    let spec = architecture.permutation_spec();
    for seed in 0..2 {
        let check = check_permutations(&net, net.parameters(), &data, &spec, seed).unwrap();
        assert!(check.error < 1e-12, "{name}: {} by {:e}", check.worst.unwrap(), check.error);
    }
}

#[test]
fn permuted_networks_have_the_same_losses() {
    for (name, architecture) in architectures() {
        invariance(name, &architecture);
    }
    for activation in [Activation::Tanh, Activation::Relu] {
        for sizes in [&[64, 10][..], &[64, 7, 10], &[64, 9, 8, 1, 6, 10]] {
            let net = Mlp::<f64>::new(sizes, activation, Criterion::CrossEntropy, 3).unwrap();
            let spec = net.permutation_spec();
            assert_eq!(spec.groups().len(), sizes.len() - 2);
            let data = hashed_samples(20, 64, 10);
            assert!(check_permutations(&net, net.parameters(), &data, &spec, 1).unwrap().error < 1e-13);
        }
    }
}

#[test]
fn a_permuted_densenet_has_the_same_loss() {
    let architecture = Architecture::densenet121([3, 8, 8], 10).unwrap();
    let net = hashed_network::<f64>(&architecture, Criterion::CrossEntropy, 17, 1.0);
    let data = hashed_samples(2, 192, 10);
    let spec = architecture.permutation_spec();
    // The first convolution, two in each of 58 layers, and three between blocks.
    assert_eq!(spec.groups().len(), 1 + 2 * 58 + 3);
    let permuted = Permutations::random(&spec, 1).apply(net.parameters()).unwrap();
    let [loss, other] = [net.parameters(), &permuted].map(|theta| net.loss(theta, &data).unwrap());
    assert!((loss - other).abs() < 1e-11 * loss, "{loss} {other}");
}

#[test]
fn groups_are_named_after_their_layers() {
    let names = |spec: &PermutationSpec| -> Vec<(String, usize)> {
        spec.groups().iter().map(|group| (group.name().to_owned(), group.units())).collect()
    };
    let spec = Architecture::resnet(8, [3, 32, 32], 10, Skips::With).unwrap().permutation_spec();
    let expected = [
        ("conv1", 16),
        ("layer1.0.conv1", 16),
        ("layer2.0.conv1", 32),
        ("layer2.0.conv2", 32),
        ("layer3.0.conv1", 64),
        ("layer3.0.conv2", 64),
    ];
    assert_eq!(names(&spec), expected.map(|(name, units)| (name.to_owned(), units)));
    let find = |name: &str| {
        let all = architectures();
        names(&all.iter().find(|(other, _)| *other == name).unwrap().1.permutation_spec())
    };
    assert_eq!(find("from the inputs"), [("a".to_owned(), 6), ("b".to_owned(), 6)]);
    assert_eq!(find("sums of joined channels"), [("p".to_owned(), 4), ("q".to_owned(), 2)]);
    assert_eq!(find("sums that do not fit"), [("r".to_owned(), 6)]);
    assert_eq!(find("all convolutions"), [("a".to_owned(), 6), ("b".to_owned(), 6)]);
    assert_eq!(find("joined"), [("c1".to_owned(), 4), ("c2".to_owned(), 2), ("e".to_owned(), 8)]);
    // Every parameter but those of inputs and outputs belongs to channels: running statistics too.
    let spec = Architecture::resnet(20, [3, 32, 32], 10, Skips::With).unwrap().permutation_spec();
    let marks: Vec<f64> = (0..spec.layout().len()).map(|index| index as f64).collect();
    let permuted = Permutations::random(&spec, 9).apply(&marks).unwrap();
    for block in spec.layout().blocks() {
        let same = marks[block.range()] == permuted[block.range()];
        assert_eq!(same, block.name() == "linear.bias", "{}", block.name());
        assert!(block.role() != Role::Buffer || !same);
    }
}

#[test]
fn permuted_copies_of_networks_come_back_to_the_bit() {
    for (name, architecture) in architectures() {
        if architecture.layout().len() > 1_000_000 {
            continue; // VGG-9, which the bench matches
        }
        let net = hashed_network::<f32>(&architecture, Criterion::CrossEntropy, 5, 1.0);
        let spec = architecture.permutation_spec();
        for seed in 0..3 {
            let copy = Permutations::random(&spec, seed).apply(net.parameters()).unwrap();
            let matched = WeightMatching::new().starts(1).run(&spec, net.parameters(), &copy).unwrap();
            assert_eq!(matched.theta(), net.parameters(), "{name}, seed {seed}");
            assert!(matched.report().converged());
        }
    }
}

/// How far the loss rises above the line between its ends.
fn barrier<S: Scalar, M>(model: &M, a: &[S], b: &[S], data: &Samples<S>) -> f64
where
    M: Loss<Samples<S>, Scalar = S> + Sync,
{
    let curve = Sweep::segment(model, a, b).data("", data).alpha(0.0..=1.0, 11).run().unwrap();
    Barrier::rise(&curve, "loss").unwrap().height
}

#[test]
fn matching_lowers_the_barrier_between_independent_trainings() {
    let (train, _) = digits::<f32>().unwrap();
    let trained = |seed| {
        let mut net = Mlp::new(&[64, 64, 10], Activation::Relu, Criterion::CrossEntropy, seed).unwrap();
        Adam::new(1e-3).batch_size(64).epochs(20).seed(seed).train(&mut net, &train).unwrap();
        net
    };
    let (a, b) = (trained(1), trained(2));
    let matched = WeightMatching::new().run(&a.permutation_spec(), a.parameters(), b.parameters()).unwrap();
    let before = barrier(&a, a.parameters(), b.parameters(), &train);
    let after = barrier(&a, a.parameters(), matched.theta(), &train);
    assert!(matched.report().cosine() > matched.report().cosine_before() + 0.1);
    assert!(after < 0.75 * before, "{before} {after}");
    let (own, moved) = (a.loss(b.parameters(), &train).unwrap(), a.loss(matched.theta(), &train).unwrap());
    assert!((own - moved).abs() < 1e-5 * own);
    // A barrier that is only a relabelling goes away.
    let copy = Permutations::random(&a.permutation_spec(), 3).apply(a.parameters()).unwrap();
    let matched = WeightMatching::new().run(&a.permutation_spec(), a.parameters(), &copy).unwrap();
    let [before, after] = [&copy, matched.theta()].map(|b: &[f32]| barrier(&a, a.parameters(), b, &train));
    assert!(before > 0.1 && after < 1e-6, "{before} {after}");
}
