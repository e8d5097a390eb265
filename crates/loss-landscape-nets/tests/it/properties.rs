//! Properties that hold whatever the shapes, axes, seeds and numbers of threads.

use loss_landscape::{
    Block, Directions, FnModel, Layout, Mask, Model, Norm, Normalization, Policy, RandomDirections, Role,
    Sweep,
};
use loss_landscape_nets::{Activation, Criterion, Mlp, Samples};
use ndarray::{Array2, Axis};
use proptest::prelude::*;

/// A layout of one to four blocks of rank 1 to 4, any role, any filter axis.
fn layouts() -> impl Strategy<Value = Layout> {
    let block =
        (prop::collection::vec(1..5_usize, 1..5), 0..5_u8, any::<prop::sample::Index>(), any::<bool>());
    prop::collection::vec(block, 1..5).prop_map(|blocks| {
        let blocks = blocks.into_iter().enumerate().map(|(i, (shape, role, axis, has_axis))| {
            let role =
                [Role::Weight, Role::Bias, Role::NormScale, Role::NormShift, Role::Buffer][usize::from(role)];
            // The first is a weight, so that something moves.
            let role = if i == 0 { Role::Weight } else { role };
            let axis = has_axis.then(|| axis.index(shape.len()));
            Block::new(format!("block{i}"), shape, role, axis)
        });
        Layout::new(blocks).unwrap()
    })
}

fn theta(len: usize) -> Vec<f64> {
    (0..len).map(|i| ((i * 37 + 11) % 101) as f64 / 13.0 - 3.1).collect()
}

type Constant = fn(&[f64], &()) -> f64;

fn model(layout: &Layout) -> FnModel<f64, Constant> {
    FnModel::new(layout.clone(), theta(layout.len()), (|_, ()| 0.0) as Constant).unwrap()
}

fn norm<'a>(values: impl IntoIterator<Item = &'a f64>) -> f64 {
    values.into_iter().map(|v| v * v).sum::<f64>().sqrt()
}

proptest! {
    #[test]
    fn filters_have_the_norms_they_should(layout in layouts(), seed: u64, orthogonal: bool) {
        let model = model(&layout);
        for (kind, relative, by_filter) in [
            (Norm::Filter, true, true),
            (Norm::UnitFilter, false, true),
            (Norm::Layer, true, false),
            (Norm::UnitLayer, false, false),
        ] {
            let rule = Normalization::default().with_norm(kind).with_biases(Policy::Normalize);
            let dirs = RandomDirections::new(seed).normalization(rule).orthogonal(orthogonal).pair(&model).unwrap();
            for d in [dirs.first(), dirs.second()] {
                for block in layout.blocks() {
                    let moves = matches!(block.role(), Role::Weight | Role::Bias);
                    let groups = if by_filter { block.filters() } else { 1 };
                    for group in 0..groups {
                        let pick = |v| if by_filter { norm(block.filter(v, group).unwrap().iter()) } else { norm(block.slice(v).unwrap()) };
                        let wanted = match (moves, relative) {
                            (false, _) => 0.0,
                            (true, true) => pick(model.parameters()),
                            (true, false) => 1.0,
                        };
                        prop_assert!((pick(d.values()) - wanted).abs() <= 1e-12 * wanted, "{kind} {block}");
                    }
                }
            }
        }
    }

    #[test]
    fn orthogonal_pairs_are_orthogonal_in_every_filter(layout in layouts(), seed: u64) {
        let model = model(&layout);
        let dirs = RandomDirections::new(seed).orthogonal(true).pair(&model).unwrap();
        for block in layout.blocks().iter().filter(|b| b.role() == Role::Weight) {
            for f in 0..block.filters() {
                let (x, y) = (block.filter(dirs.first().values(), f).unwrap(), block.filter(dirs.second().values(), f).unwrap());
                if x.len() > 1 {
                    let dot: f64 = x.iter().zip(y.iter()).map(|(x, y)| x * y).sum();
                    prop_assert!(dot.abs() <= 1e-12 * norm(x.iter()) * norm(y.iter()), "{block} filter {f}: {dot:e}");
                }
            }
        }
    }

    #[test]
    fn both_conformances_agree_but_for_the_epsilon(rows in 1..6_usize, columns in 1..6_usize, seed: u64) {
        let layout = Layout::new([Block::weight("w", [rows, columns], 0), Block::bias("b", [rows])]).unwrap();
        let model = model(&layout);
        let draw = |rule| RandomDirections::new(seed).normalization(rule).one(&model).unwrap();
        let (paper, original) = (draw(Normalization::default()), draw(Normalization::original(Policy::Still)));
        let gap: Vec<f64> = paper.values().iter().zip(original.values()).map(|(a, b)| a - b).collect();
        // 1e-10 over the norm of a filter of the draw, which can be small for filters of one weight.
        let smallest = (0..rows).map(|f| {
            let raw = RandomDirections::new(seed).normalization(Normalization::default().with_norm(Norm::None)).one(&model).unwrap();
            norm(layout.blocks()[0].filter(raw.values(), f).unwrap().iter())
        }).fold(f64::INFINITY, f64::min);
        prop_assert!(norm(&gap) <= (2e-10 / smallest + 1e-15) * paper.norm());
    }

    #[test]
    fn masks_keep_the_rest_still(layout in layouts(), seed: u64) {
        let model = model(&layout);
        let mask = Mask::name(&layout, "block0").unwrap();
        let d = RandomDirections::new(seed).mask(mask).one(&model).unwrap();
        let end = layout.blocks()[0].range().end;
        prop_assert!(d.values()[end..].iter().all(|&v| v == 0.0));
        prop_assert!(norm(&d.values()[..end]) > 0.0);
    }

    #[test]
    fn a_lines_ends_are_the_two_minimisers(len in 1..40_usize, seed in 0..1000_u64) {
        // The loss is a hash of the bits of θ: equal only if every bit is.
        let loss = |theta: &[f64], (): &()| {
            theta.iter().fold(0_u64, |h, t| h.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(t.to_bits())) as f64
        };
        let layout = Layout::flat(len).unwrap();
        let (a, b) = (theta(len), theta(len + seed as usize)[seed as usize..].to_vec());
        prop_assume!(a != b);
        let model = FnModel::new(layout, a.clone(), loss).unwrap();
        let curve = Sweep::segment(&model, &a, &b).data("", &()).alpha(0.0..=1.0, 5).run().unwrap();
        let values = curve.channel("loss").unwrap();
        prop_assert_eq!(values[0], loss(&a, &()));
        prop_assert_eq!(values[4], loss(&b, &()));
    }

    #[test]
    fn transposing_the_plane_transposes_the_grid(m in 2..6_usize, n in 2..6_usize, seed: u64) {
        let layout = Layout::new([Block::weight("w", [3, 2], 0)]).unwrap();
        let bowl = |theta: &[f64], (): &()| theta.iter().enumerate().map(|(i, t)| (i + 1) as f64 * t.powi(4)).sum::<f64>();
        let model = FnModel::new(layout.clone(), theta(6), bowl).unwrap();
        let dirs = RandomDirections::new(seed).pair(&model).unwrap();
        let run = |dirs: Directions<f64>, m, n| {
            Sweep::plane(&model, dirs).data("", &()).alpha(-1.0..=1.0, m).beta(-1.0..=1.0, n).run().unwrap()
        };
        let (a, b) = (run(dirs.clone(), m, n), run(dirs.swapped(), n, m));
        for (a, b) in a.channel("loss").unwrap().iter().zip(b.channel("loss").unwrap().t().iter()) {
            prop_assert!((a - b).abs() <= 1e-12 * a.abs());
        }
    }

    #[test]
    fn prepared_planes_give_the_losses_of_single_points(
        hidden in prop::collection::vec(1..20_usize, 0..3), samples in 1..600_usize, seed: u64, tanh: bool, squared: bool,
    ) {
        let (net, data) = network(&hidden, samples, seed, tanh, squared);
        let dirs = RandomDirections::new(seed).pair(&net).unwrap();
        let run = |net: &Mlp<f64>| {
            Sweep::plane(net, dirs.clone()).data("", &data).alpha(-1.0..=1.0, 3).beta(-1.0..=0.5, 2).run().unwrap()
        };
        let (prepared, single) = (run(&net), run(&net.clone().plane_memory(0)));
        for (a, b) in prepared.values().iter().zip(single.values()) {
            prop_assert!((a - b).abs() <= 1e-11 * b.abs().max(1e-3), "{} against {}", a, b);
        }
    }

    #[test]
    fn any_number_of_threads_gives_the_same_bits(samples in 1..1500_usize, points in 2..12_usize, seed: u64) {
        let (net, data) = network(&[7], samples, seed, true, false);
        let direction = RandomDirections::new(seed).one(&net).unwrap();
        let run = |threads| {
            let curve = Sweep::line(&net, direction.clone()).data("", &data).alpha(-1.0..=1.0, points).threads(threads).run().unwrap();
            curve.values().iter().map(|v| v.to_bits()).collect::<Vec<_>>()
        };
        let one = run(1);
        for threads in 2..=8 {
            prop_assert_eq!(&run(threads), &one, "{} threads", threads);
        }
    }
}

fn network(
    hidden: &[usize],
    samples: usize,
    seed: u64,
    tanh: bool,
    squared: bool,
) -> (Mlp<f64>, Samples<f64>) {
    let sizes: Vec<usize> = [5].into_iter().chain(hidden.iter().copied()).chain([4]).collect();
    let activation = if tanh { Activation::Tanh } else { Activation::Relu };
    let criterion = if squared { Criterion::MeanSquaredError } else { Criterion::CrossEntropy };
    let net = Mlp::new(&sizes, activation, criterion, seed).unwrap();
    let wave = |(i, j): (usize, usize)| ((i * 13 + j * 7) as f64).sin();
    let inputs = Array2::from_shape_fn((samples, 5), wave);
    let data = if squared {
        Samples::regression(inputs, Array2::from_shape_fn((samples, 4), wave)).unwrap()
    } else {
        Samples::labelled(inputs, (0..samples).map(|i| (i % 4) as u32).collect()).unwrap()
    };
    (net, data)
}

/// 1 to 8 threads, more and fewer points than threads, several data sets: the same bits.
#[test]
fn threads_and_data_sets_do_not_change_a_bit() {
    let (net, train) = network(&[9, 6], 1300, 3, false, false);
    let (_, test) = network(&[9, 6], 300, 4, false, false);
    let dirs = RandomDirections::new(8).pair(&net).unwrap();
    for (m, n) in [(2, 2), (5, 4)] {
        let run = |threads| {
            let surface = Sweep::plane(&net, dirs.clone())
                .data("train", &train)
                .data("test", &test)
                .alpha(-1.0..=1.0, m)
                .beta(-1.0..=1.0, n)
                .threads(threads)
                .run()
                .unwrap();
            assert_eq!(surface.report().threads, threads);
            surface.values().mapv(f64::to_bits)
        };
        let one = run(1);
        for threads in 2..=8 {
            assert_eq!(run(threads), one, "{threads} threads");
        }
        let alone = Sweep::plane(&net, dirs.clone())
            .data("", &test)
            .alpha(-1.0..=1.0, m)
            .beta(-1.0..=1.0, n)
            .run()
            .unwrap();
        assert_eq!(alone.values().index_axis(Axis(2), 0).mapv(f64::to_bits), one.index_axis(Axis(2), 2));
    }
}
