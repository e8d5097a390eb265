//! Transformers against PyTorch (see `tests/pytorch/gpt.py`), against central differences, and with what does not fit.

use crate::{
    common::{
        Reference, assert_close_in_every_block, hashed, hashed_theta, hashed_vector, norm, projected,
        relative_error, splitmix, widened,
    },
    networks::names,
};
use loss_landscape::{
    GaussNewtonProduct, Gradient, HessianProduct, Loss, Model, RandomDirections, SampleLosses, Sampled,
    Sweep,
    check::{check_gradient, check_hessian_product, check_permutations},
    curvature::EigenRatio,
    matching::Permutations,
};
use loss_landscape_nets::{Error, Gpt, NetScalar, Tokens, Transformer};
use ndarray::Array2;
use proptest::prelude::*;

/// Tokens, targets and mask as PyTorch's script makes them.
fn tokens(sequences: usize, length: usize, vocabulary: usize, masked: bool) -> Tokens {
    let numbers = |start: u64, modulus: usize| {
        Array2::from_shape_fn((sequences, length), |(n, t)| {
            (splitmix(start + (n * length + t) as u64) % modulus as u64) as u32
        })
    };
    let data = Tokens::new(&numbers(5_000_000_000, vocabulary), &numbers(3_000_000_000, vocabulary)).unwrap();
    if masked { data.counting(&numbers(6_000_000_000, 3).mapv(|number| number != 0)).unwrap() } else { data }
}

fn network<S: NetScalar>(gpt: &Gpt, base: u64) -> Transformer<S> {
    let theta = hashed_theta(&gpt.layout().unwrap(), base, 1.0);
    Transformer::new(gpt, 0).unwrap().at(theta).unwrap()
}

/// Every block's projection to 1e-9 of the block's norm, or of 1e-6 of all blocks' norm where that is larger.
fn projections_agree(what: &str, net: &Transformer<f64>, found: &[f64], expected: &[f64]) {
    let layout = net.layout();
    let least = 1e-6 * norm(found);
    for ((block, ours), expected) in layout.blocks().iter().zip(projected(layout, found)).zip(expected) {
        let error = (ours - expected).abs() / norm(&found[block.range()]).max(least);
        assert!(error < 1e-9, "{what} at {}: {error:e}", block.name());
    }
}

fn agrees_with_pytorch(case: &str, gpt: &Gpt, data: &Tokens) {
    let reference = Reference::load("gpt");
    let get = |what: &str| reference.get(&format!("{case}.{what}"));
    let net = network::<f64>(gpt, 0);
    let (layout, theta) = (net.layout(), net.parameters());
    assert_eq!(names(layout), reference.note(&format!("{case}.names")));
    assert_eq!(get("count"), [layout.len() as f64]);
    let mut channels = [0.0; 2];
    net.measure(theta, data, &mut channels).unwrap();
    assert!(relative_error([channels[0]], get("loss")) < 1e-11, "loss of {case}");
    assert!((channels[1] - get("accuracy")[0]).abs() < 1e-12, "accuracy of {case}");
    let numbers: Vec<usize> = (0..data.len()).collect();
    let mut each = vec![f64::NAN; 2 * data.len()];
    net.sample_losses(theta, data, &numbers, &mut each).unwrap();
    let losses = each.chunks_exact(2).map(|channels| channels[0]);
    assert!(relative_error(losses, get("sequences")) < 1e-11, "losses of sequences of {case}");

    let v = hashed_vector(layout, 2_000_000_000);
    let [mut gradient, mut product, mut gauss_newton] = [(); 3].map(|()| vec![f64::NAN; layout.len()]);
    let loss = net.gradient(theta, data, &mut gradient).unwrap();
    assert!(relative_error([loss], get("loss")) < 1e-11, "loss of {case} with its gradient");
    net.hessian_product(theta, &v, data, &mut product).unwrap();
    net.gauss_newton_product(theta, &v, data, &mut gauss_newton).unwrap();
    projections_agree(&format!("gradient of {case}"), &net, &gradient, &get("blocks_gradient"));
    projections_agree(&format!("product of {case}"), &net, &product, &get("blocks_hvp"));
    projections_agree(&format!("G·v of {case}"), &net, &gauss_newton, &get("blocks_gauss_newton"));

    let single = network::<f32>(gpt, 0);
    let v: Vec<f32> = hashed_vector(layout, 2_000_000_000);
    let mut out = vec![f32::NAN; layout.len()];
    single.gradient(single.parameters(), data, &mut out).unwrap();
    let what = format!("f32 gradient of {case}");
    assert_close_in_every_block(&what, layout, [&widened(&out), &gradient], 1e-4, 1e-4);
    single.hessian_product(single.parameters(), &v, data, &mut out).unwrap();
    let what = format!("f32 product of {case}");
    assert_close_in_every_block(&what, layout, [&widened(&out), &product], 1e-3, 1e-4);
}

#[test]
fn a_small_transformer_is_pytorchs() {
    agrees_with_pytorch("small", &Gpt::new(13, 12).width(12).heads(3).layers(2), &tokens(5, 9, 13, false));
}

#[test]
fn one_with_a_head_of_its_own_that_sees_all_tokens_is_pytorchs() {
    let gpt = Gpt::new(11, 7).width(8).heads(2).layers(1).tied(false).causal(false);
    agrees_with_pytorch("free", &gpt, &tokens(40, 7, 11, false));
}

#[test]
fn targets_that_do_not_count_are_left_out_as_in_pytorch() {
    agrees_with_pytorch("masked", &Gpt::new(17, 24).width(20).heads(4).layers(3), &tokens(13, 21, 17, true));
}

#[test]
fn one_of_three_million_parameters_is_pytorchs() {
    let gpt = Gpt::new(65, 128).width(208).heads(8).layers(6);
    agrees_with_pytorch("millions", &gpt, &tokens(3, 128, 65, false));
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    // At least six channels: of three, some token's lie so close together once in a thousand networks that their
    // normalisation bends more within the step of a difference than the difference may be off.
    #[test]
    fn derivatives_agree_with_differences_and_products_are_symmetric(
        vocabulary in 2..9_usize,
        size in 6..9_usize,
        heads in 1..4_usize,
        layers in 1..3_usize,
        length in 1..20_usize,
        sequences in 1..20_usize,
        tied: bool,
        causal: bool,
        masked: bool,
        seed in 0..1_u64 << 30,
    ) {
        let gpt = Gpt::new(vocabulary, 20).width(size * heads).heads(heads).layers(layers);
        let gpt = gpt.tied(tied).causal(causal);
        let data = tokens(sequences, length, vocabulary, false);
        let mask = Array2::from_shape_fn((sequences, length), |(n, t)| {
            t == 0 || hashed(seed + (n * length + t) as u64) > 0.0
        });
        let data = if masked { data.counting(&mask).unwrap() } else { data };
        let net = network::<f64>(&gpt, seed);
        let theta = net.parameters();
        let gradient = check_gradient(&net, theta, &data).unwrap();
        prop_assert!(gradient.error < 1e-5, "{gradient:?}");

        let [u, v] = [2_000_000, 3_000_000].map(|base| hashed_vector::<f64>(net.layout(), seed + base));
        let n = theta.len();
        let mut worker = net.gauss_newton_worker(&data).unwrap();
        worker.at(theta).unwrap();
        let [mut hu, mut hv, mut gv, mut rv] = [(); 4].map(|()| vec![f64::NAN; n]);
        // The part that needs no derivatives first.
        worker.gauss_newton_products(n, &v, &mut gv).unwrap();
        worker.product(&u, &mut hu).unwrap();
        worker.product(&v, &mut hv).unwrap();
        worker.rest_products(n, &v, &mut rv).unwrap();
        prop_assert!((dot(&u, &hv) - dot(&v, &hu)).abs() <= 1e-11 * norm(&u) * norm(&hv).max(norm(&v)));
        let sum: Vec<f64> = gv.iter().zip(&rv).map(|(g, r)| g + r).collect();
        prop_assert!(relative_error(sum, hv.clone()) < 1e-10);
        let mut alone = vec![f64::NAN; n];
        net.hessian_product(theta, &v, &data, &mut alone).unwrap();
        prop_assert_eq!(alone, hv, "kept or computed anew, the same bits");
        let product = check_hessian_product(&net, theta, &data).unwrap();
        prop_assert!(product.error < 1e-5, "{product:?}");
    }
}

#[test]
fn sweeps_gradients_and_products_have_the_same_bits_for_any_threads() {
    let gpt = Gpt::new(11, 32).width(16).heads(4).layers(2);
    let (net, data) = (network::<f32>(&gpt, 3), tokens(50, 30, 11, true));
    let (theta, v) = (net.parameters(), hashed_vector::<f32>(net.layout(), 5));
    let dirs = RandomDirections::new(2).pair(&net).unwrap();
    let [first, others @ ..] = [1, 2, 3].map(|threads| {
        let sweep =
            Sweep::plane(&net, dirs.clone()).data("", &data).alpha_at(&[0.0, 0.5]).beta_at(&[0.0, 1.0]);
        let surface = sweep.threads(threads).run().unwrap();
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let derivatives = pool.install(|| {
            let [mut gradient, mut product] = [(); 2].map(|()| vec![f32::NAN; theta.len()]);
            net.gradient(theta, &data, &mut gradient).unwrap();
            net.hessian_product(theta, &v, &data, &mut product).unwrap();
            [gradient, product].concat()
        });
        let losses = surface.channel("loss").unwrap().iter().map(|loss| loss.to_bits()).collect::<Vec<_>>();
        (losses, derivatives.into_iter().map(f32::to_bits).collect::<Vec<_>>())
    });
    assert!(others.iter().all(|other| *other == first));
    assert_eq!(first.0[0], net.loss(theta, &data).unwrap().to_bits());
}

#[test]
fn losses_of_sequences_are_the_same_bits_whichever_are_asked_for() {
    let gpt = Gpt::new(11, 32).width(16).heads(4).layers(2);
    let (net, data) = (network::<f32>(&gpt, 3), tokens(50, 30, 11, true));
    let numbers: Vec<usize> = (0..50).collect();
    let mut all = vec![f64::NAN; 100];
    net.sample_losses(net.parameters(), &data, &numbers, &mut all).unwrap();
    for samples in [vec![7], vec![0, 3, 4, 49]] {
        let mut some = vec![f64::NAN; 2 * samples.len()];
        net.sample_losses(net.parameters(), &data, &samples, &mut some).unwrap();
        for (sample, found) in samples.iter().zip(some.chunks_exact(2)) {
            assert_eq!(found, &all[2 * sample..2 * sample + 2]);
        }
    }
    let mean = all.chunks_exact(2).map(|channels| channels[0]).sum::<f64>() / 50.0;
    let loss = net.loss(net.parameters(), &data).unwrap();
    assert!((mean - loss).abs() < 1e-5 * loss, "{mean} and {loss}");
}

#[test]
fn permuted_heads_and_units_leave_the_loss_as_it_is() {
    for (heads, tied) in [(3, true), (1, false)] {
        let gpt = Gpt::new(11, 16).width(12).heads(heads).layers(2).tied(tied).prefix("");
        let (net, data) = (network::<f64>(&gpt, 9), tokens(6, 16, 11, false));
        let check = check_permutations(&net, net.parameters(), &data, &net.permutation_spec(), 4).unwrap();
        assert!(check.error < 1e-12, "{heads} heads: {} by {:e}", check.worst.unwrap(), check.error);
        let shuffled = Permutations::random(&net.permutation_spec(), 4).apply(net.parameters()).unwrap();
        assert_ne!(shuffled, net.parameters());
        let [a, b] = [net.parameters(), &shuffled].map(|theta| net.loss(theta, &data).unwrap());
        assert!((a - b).abs() < 1e-12 * a, "{heads} heads: {a} and {b}");
    }
}

#[test]
fn sampled_sweeps_and_ratio_maps_take_transformers() {
    let gpt = Gpt::new(7, 6).width(6).heads(2).layers(1);
    let (net, data) = (network::<f64>(&gpt, 9), tokens(20, 6, 7, true));
    let plane = || Sweep::plane(&net, RandomDirections::new(3)).data("", &data);
    let grid = plane().alpha(-0.5..=0.5, 5).beta(-0.5..=0.5, 5);
    let memory = grid.cost().unwrap().worker_memory.unwrap();
    // θ and the widest matrices at the least, and no more than a few of these.
    let least = 8 * (net.parameters().len() + 9 * 6 * 120) as u64;
    assert!((least..10 * least).contains(&memory), "{memory} bytes");
    let exact = grid.run().unwrap();
    // So few sequences are all evaluated.
    let sampled = plane().alpha(-0.5..=0.5, 5).beta(-0.5..=0.5, 5).sampled(&Sampled::new()).unwrap();
    for name in ["loss", "accuracy"] {
        let [a, b] = [exact.channel(name).unwrap(), sampled.channel(name).unwrap()];
        assert!(a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 1e-12), "{name}: {a} and {b}");
    }
    let map = plane()
        .alpha(0.0..=0.5, 2)
        .beta(0.0..=0.5, 2)
        .eigen_ratio(&EigenRatio::new().certified(true))
        .unwrap();
    let n = net.parameters().len();
    let mut dense = nalgebra::DMatrix::zeros(n, n);
    let mut worker = net.hessian_worker(&data).unwrap();
    worker.at(net.parameters()).unwrap();
    for j in 0..n {
        let (mut unit, mut column) = (vec![0.0; n], vec![f64::NAN; n]);
        unit[j] = 1.0;
        worker.product(&unit, &mut column).unwrap();
        dense.set_column(j, &nalgebra::DVector::from_vec(column));
    }
    let spectrum = nalgebra::SymmetricEigen::new(dense).eigenvalues;
    let ratio = (spectrum.min() / spectrum.max()).abs();
    let found = map.ratio()[[0, 0]];
    assert!((found - ratio).abs() < 0.005, "{found} and {ratio}");
}

/// Weights of attention that no address space holds: 4 million tokens that all see each other.
#[test]
fn sequences_too_long_for_the_memory_are_refused() {
    let length = 1 << 22;
    let net = Transformer::<f64>::new(&Gpt::new(2, length).width(1).heads(1).layers(1), 0).unwrap();
    let zeros = Array2::zeros((1, length));
    let error = refused(&net, &Tokens::new(&zeros, &zeros).unwrap());
    assert!(error.contains("a pass over a chunk of sequences"), "{error}");
}

#[test]
fn products_without_a_place_are_refused() {
    let (net, data) =
        (network::<f64>(&Gpt::new(5, 4).width(4).heads(2).layers(1), 0), tokens(2, 4, 5, false));
    let (theta, v) = (net.parameters(), vec![1.0; net.parameters().len()]);
    for room in [0, v.len() - 1] {
        let mut out = vec![0.0; room];
        assert!(net.gradient(theta, &data, &mut out).is_err());
        assert!(net.hessian_product(theta, &v, &data, &mut out).is_err());
        assert!(net.gauss_newton_product(theta, &v, &data, &mut out).is_err());
    }
    let mut out = v.clone();
    assert!(net.hessian_product(theta, &v[1..], &data, &mut out).is_err());
    assert!(net.gauss_newton_product(theta, &v[1..], &data, &mut out).is_err());
    // A worker that was not told θ.
    assert!(net.hessian_worker(&data).unwrap().product(&v, &mut out).is_err());
}

/// What every use of the data says; all must say the same.
fn refused(net: &Transformer<f64>, data: &Tokens) -> String {
    let theta = net.parameters();
    let (v, mut out) = (vec![1.0; theta.len()], vec![0.0; theta.len()]);
    let errors = [
        net.loss(theta, data).unwrap_err().to_string(),
        net.gradient(theta, data, &mut out).unwrap_err().to_string(),
        net.hessian_product(theta, &v, data, &mut out).unwrap_err().to_string(),
        net.gauss_newton_product(theta, &v, data, &mut out).unwrap_err().to_string(),
        net.sample_losses(theta, data, &[0], &mut [0.0; 2]).unwrap_err().to_string(),
        net.hessian_worker(data).err().unwrap().to_string(),
    ];
    assert!(errors.iter().all(|error| *error == errors[0]), "{errors:?}");
    errors[0].clone()
}

#[test]
fn what_does_not_fit_is_refused_everywhere() {
    let net = network::<f64>(&Gpt::new(10, 8).width(4).heads(2).layers(1), 0);
    let zeros = |length: usize| Array2::<u32>::zeros((2, length));
    let long = Tokens::new(&zeros(9), &zeros(9)).unwrap();
    assert_eq!(refused(&net, &long), "sequences of 9 tokens are too long for 8 positions");
    let mut outside = zeros(8);
    outside[[1, 3]] = 10;
    let of_inputs = Tokens::new(&outside, &zeros(8)).unwrap();
    let says = "token 10 of sequence 1 at position 3 is out of range for a vocabulary of 10";
    assert_eq!(refused(&net, &of_inputs), says);
    let of_targets = Tokens::new(&zeros(8), &outside).unwrap();
    assert_eq!(refused(&net, &of_targets), says.replace("token", "target"));
    // A sweep refuses before its first point.
    let dirs = RandomDirections::new(1).pair(&net).unwrap();
    let error = Sweep::plane(&net, dirs).data("set", &of_inputs).run().unwrap_err();
    assert!(error.to_string().contains(says), "{error}");
    // Where they do not count they are not looked at.
    let mask = Array2::from_shape_fn((2, 8), |place| place != (1, 3));
    assert!(net.loss(net.parameters(), &of_targets.counting(&mask).unwrap()).unwrap().is_finite());
    let empty = Array2::from_shape_fn((2, 8), |(n, _)| n == 0);
    let error = Tokens::new(&zeros(8), &zeros(8)).unwrap().counting(&empty).unwrap_err();
    assert!(matches!(error, Error::EmptyMask { sequence: 1 }), "{error}");
    let shorter = Tokens::new(&zeros(5), &zeros(5)).unwrap();
    assert!(net.loss(net.parameters(), &shorter).is_ok());
    for wrong in [0, net.parameters().len() + 1] {
        assert!(net.loss(&vec![0.0; wrong], &shorter).is_err());
        assert!(net.clone().at(vec![0.0; wrong]).is_err());
    }
}
