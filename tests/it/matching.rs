//! Weight matching over layouts of the caller's own.

use loss_landscape::{
    Block, Error, FnModel, Layout, Mask, Model, Role, Sweep,
    check::check_permutations,
    matching::{MatchingReport, PermutationSpec, Permutations, Start, UnitGroup, WeightMatching},
};
use proptest::prelude::*;
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{RngCore, SeedableRng},
};

/// Numbers from −1 to 1.
fn drawn(seed: u64, len: usize) -> Vec<f64> {
    let mut generator = ChaCha8Rng::seed_from_u64(seed);
    (0..len).map(|_| 2.0 * (generator.next_u64() >> 11) as f64 / (1_u64 << 53) as f64 - 1.0).collect()
}

/// A dense network, [out, in], with biases.
fn dense(sizes: &[usize]) -> PermutationSpec {
    let blocks = sizes.windows(2).enumerate().flat_map(|(layer, pair)| {
        [
            Block::weight(format!("fc{layer}.weight"), [pair[1], pair[0]], 0),
            Block::bias(format!("fc{layer}.bias"), [pair[1]]),
        ]
    });
    let hidden = 0..sizes.len() - 2;
    let groups = hidden.map(|layer| {
        UnitGroup::new(format!("fc{layer}"), sizes[layer + 1])
            .axis(format!("fc{layer}.weight"), 0)
            .axis(format!("fc{layer}.bias"), 0)
            .axis(format!("fc{}.weight", layer + 1), 1)
    });
    PermutationSpec::new(&Layout::new(blocks).unwrap(), groups).unwrap()
}

/// x → tanh of each layer but the last, summed over outputs.
fn forward(layout: &Layout, theta: &[f64], x: &[f64]) -> f64 {
    let layers = layout.blocks().len() / 2;
    let mut values = x.to_vec();
    for layer in 0..layers {
        let weight = layout.blocks()[2 * layer].view(theta).unwrap();
        let bias = layout.blocks()[2 * layer + 1].slice(theta).unwrap();
        values = (0..bias.len())
            .map(|out| {
                let sum: f64 = values.iter().enumerate().map(|(i, v)| weight[[out, i]] * v).sum();
                let z = sum + bias[out];
                if layer + 1 < layers { z.tanh() } else { z }
            })
            .collect();
    }
    values.iter().map(|v| (v - 1.0).powi(2)).sum()
}

/// Σ a·b over what counts, without the library.
fn similarity(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[test]
fn a_permuted_copy_with_one_hidden_layer_comes_back_to_the_bit() {
    let spec = dense(&[5, 40, 3]);
    for seed in 0..20 {
        let a = drawn(seed, spec.layout().len());
        let b = Permutations::random(&spec, seed).apply(&a).unwrap();
        assert_ne!(a, b);
        // By the paper's algorithm alone, too.
        for matching in [WeightMatching::new(), WeightMatching::new().anchored(false).starts(1)] {
            let matched = matching.seed(seed).run(&spec, &a, &b).unwrap();
            assert_eq!(matched.theta(), a);
            assert!(matched.report().converged() && (matched.report().cosine() - 1.0).abs() < 1e-14);
        }
    }
}

#[test]
fn the_barrier_between_a_network_and_a_nearly_equal_copy_goes_away() {
    let spec = dense(&[5, 40, 3]);
    let layout = spec.layout().clone();
    let (mut before, mut after) = (0.0_f64, 0.0_f64);
    for seed in 0..20 {
        let a = drawn(seed, layout.len());
        let noise = drawn(seed + 100, layout.len());
        let near: Vec<f64> = a.iter().zip(noise).map(|(a, noise)| a + 1e-9 * noise).collect();
        let b = Permutations::random(&spec, seed).apply(&near).unwrap();
        let loss = |theta: &[f64], x: &[f64; 5]| forward(&layout, theta, x);
        let model = FnModel::new(layout.clone(), a.clone(), loss).unwrap();
        let barrier = |b: &[f64]| {
            let x = [0.3, -0.8, 0.5, 1.0, -0.2];
            let segment = Sweep::segment(&model, &a, b).data("", &x).alpha(0.0..=1.0, 11).run().unwrap();
            let (losses, alpha) = (segment.loss(), segment.alpha());
            let above = |i: usize| losses[i] - (1.0 - alpha[i]) * losses[0] - alpha[i] * losses[10];
            (0..11).map(above).fold(0.0, f64::max)
        };
        let matched = WeightMatching::new().run(&spec, &a, &b).unwrap();
        assert_eq!(matched.theta(), near);
        before = before.max(barrier(&b));
        after = after.max(barrier(matched.theta()));
    }
    assert!(before > 1.0 && after < 1e-12, "{before} {after:e}");
}

#[test]
fn permuted_copies_of_deeper_networks_come_back_to_the_bit() {
    for sizes in [&[5, 8, 8, 3][..], &[4, 16, 12, 20, 2], &[3, 30, 30, 30, 30, 30, 30, 1], &[1, 4, 4, 1]] {
        let spec = dense(sizes);
        for seed in 0..20 {
            let a = drawn(seed, spec.layout().len());
            let b = Permutations::random(&spec, seed).apply(&a).unwrap();
            assert_eq!(WeightMatching::new().starts(1).run(&spec, &a, &b).unwrap().theta(), a, "{sizes:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_descent_never_lowers_the_similarity_and_ends_where_no_swap_raises_it(
        sizes in proptest::collection::vec(1_usize..7, 3..6), seed in any::<u64>(),
    ) {
        let spec = dense(&sizes);
        let (a, b) = (drawn(seed, spec.layout().len()), drawn(!seed, spec.layout().len()));
        let matched = WeightMatching::new().seed(seed).run(&spec, &a, &b).unwrap();
        let report = matched.report();
        prop_assert!((report.similarity - similarity(&a, matched.theta())).abs() < 1e-12);
        prop_assert!((report.similarity_before - similarity(&a, &b)).abs() < 1e-12);
        prop_assert_eq!(matched.permutations().apply(&b).unwrap(), matched.theta());
        for descent in &report.descents {
            prop_assert!(descent.converged);
            prop_assert!(descent.similarity() <= report.similarity + 1e-12);
            for pair in descent.similarities.windows(2) {
                prop_assert!(pair[1] >= pair[0] - 1e-12, "{:?}", descent.similarities);
            }
            if descent.start == Start::Identity {
                prop_assert!((descent.similarities[0] - report.similarity_before).abs() < 1e-12);
            }
        }
        // In each group the best of all permutations: so no two units are better exchanged.
        for (group, order) in matched.permutations().orders().iter().enumerate() {
            for i in 0..order.len() {
                for j in 0..i {
                    let mut orders = matched.permutations().orders().to_vec();
                    orders[group].swap(i, j);
                    let swapped = Permutations::new(&spec, orders).unwrap().apply(&b).unwrap();
                    prop_assert!(similarity(&a, &swapped) <= report.similarity + 1e-12);
                }
            }
        }
    }
}

#[test]
fn small_networks_reach_the_best_of_all_permutations_of_one_group() {
    let spec = dense(&[2, 5, 2]);
    for seed in 0..10 {
        let (a, b) = (drawn(seed, spec.layout().len()), drawn(seed + 100, spec.layout().len()));
        let found = WeightMatching::new().run(&spec, &a, &b).unwrap().report().similarity;
        let mut best = f64::NEG_INFINITY;
        for number in 0..120 {
            let (mut rest, mut units, mut order) = (number, vec![0, 1, 2, 3, 4], Vec::new());
            for left in (1..=5).rev() {
                order.push(units.remove(rest % left));
                rest /= left;
            }
            let permuted = Permutations::new(&spec, vec![order]).unwrap().apply(&b).unwrap();
            best = best.max(similarity(&a, &permuted));
        }
        assert!((found - best).abs() < 1e-13);
    }
}

/// A residual stream with a body of one layer: its block has the group on both axes.
fn residual() -> PermutationSpec {
    let layout = Layout::new([
        Block::weight("stem", [6, 3], 0),
        Block::weight("body", [6, 6], 0),
        Block::weight("head", [2, 6], 0),
    ])
    .unwrap();
    let stream = UnitGroup::new("stream", 6).axis("stem", 0).axis("body", 0).axis("body", 1).axis("head", 1);
    PermutationSpec::new(&layout, [stream]).unwrap()
}

#[test]
fn a_group_on_both_axes_of_a_block_never_loses_and_copies_come_back() {
    let spec = residual();
    for seed in 0..50 {
        let (a, b) = (drawn(seed, spec.layout().len()), drawn(seed + 1000, spec.layout().len()));
        let copy = Permutations::random(&spec, seed).apply(&a).unwrap();
        assert_eq!(WeightMatching::new().run(&spec, &a, &copy).unwrap().theta(), a);
        let report = WeightMatching::new().run(&spec, &a, &b).unwrap().report().clone();
        assert!(report.converged() && report.similarity >= report.similarity_before - 1e-12);
        for descent in &report.descents {
            assert!(descent.similarities.windows(2).all(|pair| pair[1] >= pair[0] - 1e-12), "{descent:?}");
        }
    }
}

#[test]
fn bits_are_the_same_for_any_number_of_threads_and_each_seed_has_its_own() {
    let spec = dense(&[20, 150, 150, 10]);
    let (a, b) = (drawn(1, spec.layout().len()), drawn(2, spec.layout().len()));
    let with = |threads: usize, seed| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| WeightMatching::new().seed(seed).run(&spec, &a, &b).unwrap())
    };
    let bits = |report: &MatchingReport| -> Vec<u64> {
        let all = report.descents.iter().flat_map(|descent| &descent.similarities);
        all.chain([&report.similarity]).map(|value| value.to_bits()).collect()
    };
    let one = with(1, 7);
    for threads in [2, 3, 5] {
        let other = with(threads, 7);
        assert_eq!(other, one);
        assert_eq!(bits(other.report()), bits(one.report()));
    }
    let orders = |seed| with(1, seed).report().descents[1].similarities.clone();
    assert_ne!(orders(7), orders(8));
}

#[test]
fn what_does_not_count_goes_along() {
    let layout = Layout::new([
        Block::weight("w", [4, 2], 0),
        Block::new("mean", [4], Role::Buffer, None),
        Block::weight("v", [1, 4], 0),
    ])
    .unwrap();
    let group = UnitGroup::new("g", 4).axis("w", 0).axis("mean", 0).axis("v", 1);
    let spec = PermutationSpec::new(&layout, [group]).unwrap();
    let a = drawn(3, layout.len());
    let mut b = Permutations::random(&spec, 5).apply(&a).unwrap();
    // Statistics so large that they would decide, were they counted.
    b[8..12].copy_from_slice(&[1e6, 2e6, -3e6, 4e6]);
    let matched = WeightMatching::new().run(&spec, &a, &b).unwrap();
    assert_eq!((&matched.theta()[..8], &matched.theta()[12..]), (&a[..8], &a[12..]));
    let order = matched.permutations().order("g").unwrap();
    assert_eq!(matched.theta()[8..12], [0, 1, 2, 3].map(|i| b[8 + order[i]]));
    // Over the last block alone, the values of that are sorted alike.
    let mask = Mask::name(&layout, "v").unwrap();
    let matched = WeightMatching::new().mask(&mask).run(&spec, &a, &b).unwrap();
    let rank = |values: &[f64]| -> Vec<usize> {
        values.iter().map(|value| values.iter().filter(|other| *other < value).count()).collect()
    };
    assert_eq!(rank(&matched.theta()[12..]), rank(&a[12..]));
    assert!((matched.report().norms[0].powi(2) - similarity(&a[12..], &a[12..])).abs() < 1e-14);
}

#[test]
fn equal_units_and_zeros_stay_where_they_are() {
    let spec = dense(&[3, 4, 4, 2]);
    let zeros = vec![0.0; spec.layout().len()];
    let matched = WeightMatching::new().run(&spec, &zeros, &zeros).unwrap();
    assert_eq!((matched.permutations().moved(), matched.report().cosine()), (0, 0.0));
    assert!(matched.report().converged());
    let ones = vec![1.0; spec.layout().len()];
    assert_eq!(WeightMatching::new().run(&spec, &ones, &ones).unwrap().permutations().moved(), 0);
    // Nothing to permute is no error.
    let none = PermutationSpec::new(spec.layout(), []).unwrap();
    let matched = WeightMatching::new().run(&none, &ones, &zeros).unwrap();
    assert_eq!((matched.theta(), matched.report().groups.len()), (zeros.as_slice(), 0));
    assert!(matched.report().to_string().starts_with("0 of 0 units in 0 groups moved."));
}

#[test]
fn bad_input_is_named() {
    let spec = dense(&[2, 3, 1]);
    let good = drawn(1, spec.layout().len());
    let run = |matching: WeightMatching, b: &[f64]| matching.run(&spec, &good, b).unwrap_err();
    assert!(matches!(run(WeightMatching::new(), &good[1..]), Error::Length { len: 12, expected: 13, .. }));
    let mut bad = good.clone();
    bad[7] = f64::NAN;
    let message = run(WeightMatching::new(), &bad).to_string();
    assert_eq!(message, "θ_b is NaN at index 1 of block `fc0.bias`");
    let message = run(WeightMatching::new().starts(0), &good).to_string();
    assert_eq!(message, "the number of starts must be 1 or more, not 0");
    assert!(matches!(run(WeightMatching::new().sweeps(0), &good), Error::Setting { .. }));
    let other = Layout::flat(13).unwrap();
    let error = run(WeightMatching::new().mask(&Mask::all(&other)), &good);
    assert!(matches!(error, Error::LayoutMismatch { .. }));
    let nothing = Mask::role(spec.layout(), Role::Buffer);
    assert!(matches!(run(WeightMatching::new().mask(&nothing), &good), Error::EmptyMask));
    let huge = vec![1e200; 13];
    let error = WeightMatching::new().run(&spec, &huge, &huge).unwrap_err();
    assert!(matches!(error, Error::Similarity { value: f64::INFINITY, .. }), "{error}");
    let loss = |theta: &[f64], (): &()| theta[0];
    let model = FnModel::new(other, vec![1.0; 13], loss).unwrap();
    let error = check_permutations(&model, model.parameters(), &(), &spec, 0).unwrap_err();
    assert!(matches!(error, Error::LayoutMismatch { .. }));
}

#[test]
fn a_specification_that_forgets_an_axis_is_found_out() {
    let right = dense(&[3, 6, 5, 2]);
    let x = [0.3, -0.8, 0.5];
    let theta = drawn(4, right.layout().len());
    let loss = |theta: &[f64], x: &[f64; 3]| forward(right.layout(), theta, x);
    let model = FnModel::new(right.layout().clone(), theta.clone(), loss).unwrap();
    let check = check_permutations(&model, &theta, &x, &right, 1).unwrap();
    assert!(check.error < 1e-14 && check.groups.len() == 2, "{check:?}");
    let wrong = [
        UnitGroup::new("first", 6).axis("fc0.weight", 0).axis("fc0.bias", 0).axis("fc1.weight", 1),
        UnitGroup::new("second", 5).axis("fc1.weight", 0).axis("fc2.weight", 1),
    ];
    let wrong = PermutationSpec::new(right.layout(), wrong).unwrap();
    let check = check_permutations(&model, &theta, &x, &wrong, 1).unwrap();
    assert!(check.error > 1e-3 && check.worst.as_deref() == Some("second"), "{check:?}");
    assert!((check.groups[0].1 - check.loss).abs() < 1e-14);
}
