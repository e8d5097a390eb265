//! Fingerprints, which journals hold: golden values, which no renaming may change, and what tells two apart.

use crate::common::Swish;
use loss_landscape::{Loss, Model};
use loss_landscape_nets::{
    Activation, Architecture, Chain, Conv, Criterion, Gelu, Gpt, Mlp, NetScalar, Network, Piece, Pool,
    Samples, Tokens, Transformer,
};
use ndarray::Array2;

fn samples<S: NetScalar>() -> Samples<S> {
    let inputs = Array2::from_shape_fn((5, 32), |(i, j)| S::from_f64((i * 32 + j) as f64 / 8.0));
    Samples::labelled(inputs, vec![0, 1, 2, 1, 0]).unwrap()
}

fn regression() -> Samples<f64> {
    let inputs = Array2::from_shape_fn((2, 32), |(i, j)| (i * 32 + j) as f64);
    Samples::regression(inputs, Array2::from_shape_fn((2, 3), |(i, j)| (i + j) as f64)).unwrap()
}

/// Every kind of piece.
fn chain() -> Chain {
    let body = Chain::new().conv3x3("a", 4, 1).batch_norm("an").tanh();
    Chain::new()
        .conv(Conv::new("stem", 4, 3).bias(true))
        .relu()
        .scope("s", Chain::new().skip(body, Chain::new()))
        .max_pool(Pool::new(2))
        .concat([Chain::new().conv1x1("c", 2, 1), Chain::new()])
        .average_pool(Pool::new(1))
        .global_average_pool()
        .piece(Piece::Linear { name: "head".to_owned(), outputs: 3, bias: false })
}

fn network<S: NetScalar>(chain: Chain, criterion: Criterion) -> Network<S> {
    Network::new(&Architecture::new([2, 4, 4], chain).unwrap(), criterion, 0).unwrap()
}

fn mlp<S: NetScalar>(sizes: &[usize], activation: Activation, criterion: Criterion) -> Mlp<S> {
    Mlp::new(sizes, activation, criterion, 0).unwrap()
}

#[test]
fn fingerprints_of_version_1_stay() {
    use Criterion::{CrossEntropy, MeanSquaredError};
    let single = samples::<f32>();
    let network_f32 = network::<f32>(chain(), CrossEntropy);
    let found = [
        mlp::<f32>(&[32, 4, 3], Activation::Relu, CrossEntropy).fingerprint(&single),
        mlp::<f64>(&[32, 4, 3], Activation::Tanh, MeanSquaredError).fingerprint(&regression()),
        network_f32.fingerprint(&single),
        network::<f64>(chain(), MeanSquaredError).fingerprint(&regression()),
        network_f32.reestimated(&single, 3).unwrap().fingerprint(&single),
    ];
    let expected: [u64; 5] = [
        0x2e2a_1601_8974_b006,
        0xbb4f_6b0b_3a0f_7f08,
        0x7aa8_1b5d_4f53_1635,
        0x1856_d26a_9d5d_3388,
        0xd213_50c6_cc17_f33b,
    ];
    assert_eq!(found, expected.map(Some), "{found:#018x?}");
}

/// What pieces have beside the plain settings: padded pools, convolutions of all kinds, a layer of one's own.
#[test]
fn fingerprints_of_later_settings_stay() {
    let chain = Chain::new()
        .conv(Conv::new("stem", 4, [3, 1]).stride([1, 2]).padding([1, 0]).dilation([2, 1]).groups(2))
        .max_pool(Pool::new(2).padding(1))
        .average_pool(Pool::new(3).stride(1).padding(1).count_padding(false))
        .custom("own", Swish::Exact)
        .global_average_pool()
        .linear("head", 3);
    let found = network::<f64>(chain, Criterion::CrossEntropy).fingerprint(&samples());
    assert_eq!(found, Some(0x4253_7bda_ec12_55c3), "{found:#018x?}");
}

/// The pieces of networks of today, all of them.
#[test]
fn fingerprints_of_later_pieces_stay() {
    let chain = Chain::new()
        .group_norm("g", 2)
        .gelu(Gelu::Exact)
        .dropout()
        .pixel_linear("p", 4)
        .layer_norm("l")
        .gelu(Gelu::Tanh)
        .transposed(Chain::new().pixel_linear("t", 16))
        .adaptive_average_pool([2, 1])
        .linear("head", 3);
    let found = network::<f64>(chain, Criterion::CrossEntropy).fingerprint(&samples());
    assert_eq!(found, Some(0xa812_621e_e200_b922), "{found:#018x?}");
}

fn tokens() -> Tokens {
    Tokens::next_token(&Array2::from_shape_fn((2, 5), |(i, j)| ((3 * i + j) % 6) as u32)).unwrap()
}

fn transformer<S: NetScalar>(gpt: &Gpt, data: &Tokens) -> u64 {
    Transformer::<S>::new(gpt, 0).unwrap().fingerprint(data).unwrap()
}

fn gpt() -> Gpt {
    Gpt::new(6, 8).width(4).heads(2).layers(1)
}

#[test]
fn fingerprints_of_transformers_stay() {
    let masked = tokens().counting(&Array2::from_shape_fn((2, 4), |(i, j)| i + j != 2)).unwrap();
    let gpt = gpt();
    let found = [
        transformer::<f32>(&gpt, &tokens()),
        transformer::<f64>(&gpt.clone().tied(false).causal(false).prefix(""), &masked),
    ];
    assert_eq!(found, [0x8837_aad9_27a2_5c2e, 0x467d_4b69_d1cf_5215], "{found:#018x?}");
}

#[test]
fn whatever_decides_a_transformers_values_tells_fingerprints_apart() {
    let data = tokens();
    let mask = Array2::from_shape_fn((2, 4), |(_, j)| j > 0);
    let inputs = Array2::from_shape_fn((2, 4), |(i, j)| ((3 * i + j) % 6) as u32);
    let other_targets = Tokens::new(&inputs, &inputs).unwrap();
    let all = [
        transformer::<f64>(&gpt(), &data),
        transformer::<f32>(&gpt(), &data),
        transformer::<f64>(&gpt().width(6), &data),
        transformer::<f64>(&gpt().heads(1), &data),
        transformer::<f64>(&gpt().layers(2), &data),
        transformer::<f64>(&gpt().tied(false), &data),
        transformer::<f64>(&gpt().causal(false), &data),
        transformer::<f64>(&gpt().prefix("other."), &data),
        transformer::<f64>(&Gpt::new(7, 8).width(4).heads(2).layers(1), &data),
        transformer::<f64>(&Gpt::new(6, 9).width(4).heads(2).layers(1), &data),
        transformer::<f64>(&gpt(), &other_targets),
        transformer::<f64>(&gpt(), &data.clone().counting(&mask).unwrap()),
    ];
    let distinct: std::collections::HashSet<u64> = all.into_iter().collect();
    assert_eq!(distinct.len(), all.len());
}

#[test]
fn whatever_decides_the_values_tells_fingerprints_apart() {
    use Criterion::CrossEntropy;
    let data = samples::<f64>();
    let of = |chain: Chain| network::<f64>(chain, CrossEntropy).fingerprint(&data).unwrap();
    let simple = || Chain::new().conv3x3("a", 4, 1);
    let end = |chain: Chain| chain.global_average_pool().linear("head", 3);
    let net = network::<f64>(end(simple()), CrossEntropy);
    let images = data.clone().into_images([2, 4, 4]).unwrap();
    let perceptron = |sizes: &[usize], activation| mlp::<f64>(sizes, activation, CrossEntropy);
    let all = [
        of(end(simple())),
        of(end(simple().relu())),
        of(end(simple().tanh())),
        of(end(Chain::new().conv3x3("b", 4, 1))),
        of(end(Chain::new().conv(Conv::new("a", 4, 3).bias(true)))),
        of(end(Chain::new().conv(Conv::new("a", 4, [3, 1])))),
        of(end(Chain::new().conv(Conv::new("a", 4, [1, 3])))),
        of(end(Chain::new().conv(Conv::new("a", 4, 3).dilation(2).padding(2)))),
        of(end(Chain::new().conv(Conv::new("a", 4, 3).groups(2)))),
        of(end(Chain::new().conv(Conv::new("a", 4, 3).stride([1, 2])))),
        of(end(simple().max_pool(Pool::new(2)))),
        of(end(simple().average_pool(Pool::new(2)))),
        of(end(simple().max_pool(Pool::new(2).stride(1)))),
        of(end(simple().max_pool(Pool::new(2).padding(1)))),
        of(end(simple().average_pool(Pool::new(2).padding(1)))),
        of(end(simple().average_pool(Pool::new(2).padding(1).count_padding(false)))),
        of(end(Chain::new().scope("a", simple()))),
        of(end(Chain::new().skip(simple(), Chain::new().conv1x1("b", 4, 1)))),
        of(end(Chain::new().concat([simple(), Chain::new().conv1x1("b", 4, 1)]))),
        of(end(simple().batch_norm("n"))),
        of(end(simple().piece(Piece::BatchNorm { name: "n".to_owned(), epsilon: 1e-3 }))),
        of(end(simple().group_norm("n", 1))),
        of(end(simple().group_norm("n", 2))),
        of(end(simple().layer_norm("n"))),
        of(end(simple().piece(Piece::LayerNorm { name: "n".to_owned(), epsilon: 1e-3 }))),
        of(end(simple().gelu(Gelu::Exact))),
        of(end(simple().gelu(Gelu::Tanh))),
        of(end(simple().dropout())),
        of(end(simple().adaptive_average_pool(2))),
        of(end(simple().adaptive_average_pool([2, 1]))),
        of(end(simple().pixel_linear("n", 4))),
        of(end(simple().piece(Piece::PixelLinear { name: "n".to_owned(), outputs: 4, bias: false }))),
        of(end(simple().transposed(Chain::new().pixel_linear("n", 16)))),
        net.clone().plane_memory(0).fingerprint(&data).unwrap(),
        net.fingerprint(&images).unwrap(),
        net.fingerprint(&data.select(&[0, 1, 2, 3]).unwrap()).unwrap(),
        net.fingerprint(&data.select(&[4, 1, 2, 3, 0]).unwrap()).unwrap(),
        net.reestimated(&data, 3).unwrap().fingerprint(&data).unwrap(),
        net.reestimated(&data, 2).unwrap().fingerprint(&data).unwrap(),
        network::<f32>(end(simple()), CrossEntropy).fingerprint(&samples()).unwrap(),
        perceptron(&[32, 4, 3], Activation::Relu).fingerprint(&data).unwrap(),
        perceptron(&[32, 4, 3], Activation::Tanh).fingerprint(&data).unwrap(),
        perceptron(&[32, 5, 3], Activation::Relu).fingerprint(&data).unwrap(),
        perceptron(&[32, 4, 3], Activation::Relu).plane_memory(7).fingerprint(&data).unwrap(),
    ];
    let distinct: std::collections::HashSet<u64> = all.into_iter().collect();
    assert_eq!(distinct.len(), all.len());
    // What does not: θ, and how much a worker may keep.
    let moved = net.clone().at(vec![0.5; net.parameters().len()]).unwrap().hessian_memory(0);
    assert_eq!(moved.fingerprint(&data), net.fingerprint(&data));
}
