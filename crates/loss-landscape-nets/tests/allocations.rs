//! A sweep allocates nothing per point: 16 times the points take no more allocations. Only the `gemm` crate, which
//! multiplies the layers after the first one of an [`Mlp`] and those of a [`Transformer`], asks for memory of its own: two
//! small pieces a product at most.

use std::alloc::System;

use loss_landscape::{
    FnModel, Layout, Loss, RandomDirections, SampleLosses, Sampled, Sweep,
    path::{BentPath, PathShape},
};
use loss_landscape_nets::{
    Activation, Architecture, Chain, Criterion, Gelu, Gpt, Mlp, Network, Pool, Tokens, Transformer, digits,
};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Allocations of a sweep of n×n points, all threads counted.
fn allocations<M: Loss<D> + Sync, D: Sync>(model: &M, data: &D, n: usize) -> usize {
    let dirs = RandomDirections::new(1).pair(model).unwrap();
    let sweep = Sweep::plane(model, dirs).data("", data).alpha(-1.0..=1.0, n).beta(-1.0..=1.0, n).threads(1);
    let region = Region::new(ALLOCATOR);
    let surface = sweep.run().unwrap();
    let change = region.change();
    assert_eq!(surface.report().computed, n * n);
    change.allocations + change.reallocations
}

fn assert_none_per_point<M: Loss<D> + Sync, D: Sync>(model: &M, data: &D) {
    // The first sweep of a process also pays for thread-local state.
    allocations(model, data, 8);
    let (few, many) = (allocations(model, data, 8), allocations(model, data, 32));
    // The thread pool's own queues take a block now and then, so that counts differ by one or two;
    // one allocation a point would be 960 more, one for each batch of 16 points 60 more.
    assert!(many.abs_diff(few) < 10, "{few} allocations for 64 points, {many} for 1,024");
}

/// The same along curves, whose points may be many.
fn assert_none_along_curves<M: Loss<D> + Sync, D: Sync>(model: &M, data: &D) {
    use loss_landscape::Scalar;

    for (shape, count) in [(PathShape::Bezier, 3), (PathShape::Bezier, 6), (PathShape::Chain, 6)] {
        let point = |k: usize| {
            let moved = |t: &M::Scalar| M::Scalar::from_f64(t.as_f64() + 0.01 * k as f64);
            model.parameters().iter().map(moved).collect()
        };
        let path = BentPath::new(model.layout(), shape, (0..count).map(point).collect()).unwrap();
        let allocations = |points| {
            let sweep = Sweep::along(model, &path).data("", data).alpha(0.0..=1.0, points).threads(1);
            let region = Region::new(ALLOCATOR);
            sweep.run().unwrap();
            let change = region.change();
            change.allocations + change.reallocations
        };
        allocations(64);
        let (few, many) = (allocations(64), allocations(1024));
        assert!(many.abs_diff(few) < 10, "{few} allocations for 64 points, {many} for 1,024");
    }
}

/// A sampled sweep allocates what its nodes keep, a few pieces each, and nothing for a point between them.
fn assert_none_between_nodes<M, D>(model: &M, data: &D)
where
    M: SampleLosses<D> + Sync,
    D: Sync,
{
    let allocations = |n: usize| {
        let dirs = RandomDirections::new(1).pair(model).unwrap();
        let sweep = Sweep::plane(model, dirs).data("", data).alpha(-1.0..=1.0, n).beta(-1.0..=1.0, n);
        let region = Region::new(ALLOCATOR);
        let spacing = (n - 1) / 4;
        let surface = sweep.threads(1).sampled(&Sampled::new().relative_error(0.1).spacing(spacing)).unwrap();
        let change = region.change();
        assert_eq!(surface.sampling().nodes, 25);
        change.allocations + change.reallocations
    };
    allocations(9);
    let (few, many) = (allocations(9), allocations(33));
    assert!(many.abs_diff(few) < 20, "{few} allocations for 81 points, {many} for 1,089");
}

// One test, since the counter is the whole program's.
#[test]
fn a_sweep_allocates_nothing_per_point() {
    let free = |theta: &[f32], (): &()| f64::from(theta[0]);
    let model = FnModel::new(Layout::flat(100).unwrap(), vec![1.0; 100], free).unwrap();
    assert_none_per_point(&model, &());
    assert_none_along_curves(&model, &());

    // A prepared network: its first layer is combined from products that exist.
    let (train, _) = digits::<f32>().unwrap();
    let net = Mlp::new(&[64, 10], Activation::Relu, Criterion::CrossEntropy, 0).unwrap();
    assert_none_per_point(&net, &train);
    assert_none_along_curves(&net, &train);

    // Further layers are products by the `gemm` crate, which allocates a few bytes in each call:
    // that, and nothing of ours.
    let net = Mlp::new(&[64, 32, 16, 10], Activation::Tanh, Criterion::CrossEntropy, 0).unwrap();
    allocations(&net, &train, 8);
    let per_point = (allocations(&net, &train, 32) - allocations(&net, &train, 8)) as f64 / 960.0;
    let products_per_point = 2.0 * (train.len() as f64 / 256.0).ceil();
    assert!(per_point <= 2.0 * products_per_point, "{per_point} allocations a point");

    // A convolutional network of all kinds of layers: its parameters are folded and packed at each point.
    let body = Chain::new().conv3x3("a", 4, 1).batch_norm("an").relu().conv1x1("b", 4, 1).tanh();
    let chain = Chain::new()
        .conv3x3("stem", 4, 2)
        .max_pool(Pool::new(2))
        .skip(body, Chain::new())
        .concat([Chain::new().batch_norm("n").relu(), Chain::new()])
        .average_pool(Pool::new(2))
        .group_norm("g", 2)
        .gelu(Gelu::Exact)
        .adaptive_average_pool(2)
        .transposed(Chain::new().pixel_linear("t", 4))
        .layer_norm("l")
        .linear("head", 10);
    let architecture = Architecture::new([1, 8, 8], chain).unwrap();
    let net = Network::new(&architecture, Criterion::CrossEntropy, 0).unwrap();
    let few = train.select(&(0..100).collect::<Vec<_>>()).unwrap();
    assert_none_per_point(&net, &few);
    assert_none_along_curves(&net, &few);
    assert_none_between_nodes(&net, &train);

    // Four chunks of 16 sequences of 16 tokens; in each block four linear layers, and two products for each head of each
    // sequence.
    let gpt = Gpt::new(10, 16).width(8).heads(2).layers(2);
    let net = Transformer::<f32>::new(&gpt, 0).unwrap();
    let text = ndarray::Array2::from_shape_fn((64, 17), |(i, j)| ((i + j) % 10) as u32);
    let text = Tokens::next_token(&text).unwrap();
    allocations(&net, &text, 8);
    let per_point = (allocations(&net, &text, 32) - allocations(&net, &text, 8)) as f64 / 960.0;
    let products_per_point = f64::from(4 * (2 * 4 + 1) + 64 * 2 * 2 * 2);
    assert!(per_point <= 2.0 * products_per_point, "{per_point} allocations a point");
}
