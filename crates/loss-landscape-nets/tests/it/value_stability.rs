//! Seeds are API: the values drawn for a seed may not change. A failure here is a value-breaking
//! change, to be said so in CHANGELOG.md.

#![allow(clippy::unreadable_literal, reason = "golden values as they were printed")]

use approx::assert_relative_eq;
use loss_landscape::{
    Block, FnModel, Layout, Model, Norm, Normalization, Policy, RandomDirections,
    curvature::{DiagonalEstimator, FnOperator, Lanczos, SpectralDensity, TraceEstimator, TraceMethod},
};
use loss_landscape_nets::{Activation, Criterion, Gpt, Mlp, Sgd, Transformer, digits};

type Constant = fn(&[f64], &()) -> f64;

fn model() -> FnModel<f64, Constant> {
    let layout = Layout::new([Block::weight("w", [2, 2], 0), Block::bias("b", [1])]).unwrap();
    FnModel::new(layout, vec![3.0, 4.0, 0.5, 1.2, 9.0], (|_, ()| 0.0) as Constant).unwrap()
}

fn check(rule: Normalization, stream: u64, orthogonal: bool, expected: [[f64; 5]; 2]) {
    let draw = RandomDirections::new(42).stream(stream).normalization(rule).orthogonal(orthogonal);
    let dirs = draw.pair(&model()).unwrap();
    assert_relative_eq!(dirs.first().values(), &expected[0][..], max_relative = 1e-12);
    assert_relative_eq!(dirs.second().values(), &expected[1][..], max_relative = 1e-12);
}

#[test]
fn raw_draws_of_seed_42() {
    let raw = Normalization::default().with_norm(Norm::None).with_biases(Policy::Normalize);
    check(
        raw,
        0,
        false,
        [
            [
                0.47798123835102174,
                1.3340706102318078,
                -0.21086668327103028,
                0.4763469238088213,
                -0.5120906220561634,
            ],
            [
                0.619082468652957,
                -0.8932268002286089,
                -0.048571219327352456,
                1.9120431406471572,
                -1.501272174079846,
            ],
        ],
    );
}

#[test]
fn filter_normalised_draws_of_seed_42() {
    check(
        Normalization::default(),
        0,
        false,
        [
            [1.6864607665080384, 4.7070001150445195, -0.5262225828173749, 1.1887345344243225, 0.0],
            [2.848210016777855, -4.109464648871711, -0.033012969549519385, 1.2995807569526114, 0.0],
        ],
    );
}

#[test]
fn orthogonal_draws_of_seed_42_from_stream_8() {
    check(
        Normalization::default(),
        8,
        true,
        [
            [2.888420443744643, -4.081302162320012, 1.2521757731563228, -0.3493648996684771, 0.0],
            [4.081302162320012, 2.8884204437446432, -0.3493648996684771, -1.2521757731563228, 0.0],
        ],
    );
}

#[test]
fn initial_parameters_and_shuffles() {
    let mut net = Mlp::<f64>::new(&[64, 8, 10], Activation::Tanh, Criterion::CrossEntropy, 7).unwrap();
    let expected = [-0.08555097574484516, -0.0830026593069747, 0.05106903200911411];
    assert_relative_eq!(net.parameters()[..3], expected, max_relative = 1e-12);
    let (train, _) = digits().unwrap();
    Sgd::new(0.05).momentum(0.9).batch_size(100).epochs(1).seed(3).train(&mut net, &train).unwrap();
    // The order of summation is the processor's, so that training agrees less closely.
    assert_relative_eq!(
        net.parameters()[..3],
        [-0.08555097574484516, -0.08132274328163457, 0.059145956526493126],
        max_relative = 1e-9
    );
}

/// The draws of seed 42 are those of its directions, above.
#[test]
fn initial_parameters_of_transformers() {
    let net = Transformer::<f64>::new(&Gpt::new(5, 4).width(32).heads(2).layers(2), 42).unwrap();
    let draws = [0.47798123835102174, 1.3340706102318078, -0.21086668327103028, 0.4763469238088213];
    assert_relative_eq!(net.parameters()[..4], draws.map(|draw| 0.02 * draw), max_relative = 1e-12);
    let of = |name: &str| &net.parameters()[net.layout().block(name).unwrap().range()];
    for (name, expected) in
        [("attn.c_attn", 0.02), ("attn.c_proj", 0.01), ("mlp.c_fc", 0.02), ("mlp.c_proj", 0.01)]
    {
        let weights = of(&format!("transformer.h.1.{name}.weight"));
        let deviation = (weights.iter().map(|w| w * w).sum::<f64>() / weights.len() as f64).sqrt();
        // Five standard errors of the smallest.
        assert!((deviation / expected - 1.0).abs() < 0.12, "{name}: {deviation}");
        assert!(of(&format!("transformer.h.1.{name}.bias")).iter().all(|bias| *bias == 0.0));
    }
    assert!(of("transformer.ln_f.weight").iter().all(|scale| *scale == 1.0));
    assert!(of("transformer.ln_f.bias").iter().all(|shift| *shift == 0.0));
}

/// Draws are made in f64 whatever the scalar, so that a network has the same directions in both.
#[test]
fn f32_directions_are_f64_directions_rounded() {
    let layout = Layout::new([Block::weight("w", [3, 4], 1), Block::bias("b", [3])]).unwrap();
    let raw = Normalization::default().with_norm(Norm::None).with_biases(Policy::Normalize);
    let draw = RandomDirections::new(5).normalization(raw);
    let wide = FnModel::new(layout.clone(), vec![1.0_f64; 15], |_: &[f64], (): &()| 0.0).unwrap();
    let narrow = FnModel::new(layout, vec![1.0_f32; 15], |_: &[f32], (): &()| 0.0).unwrap();
    let rounded: Vec<f32> = draw.one(&wide).unwrap().values().iter().map(|&v| v as f32).collect();
    assert_eq!(draw.one(&narrow).unwrap().values(), rounded);
}

/// One product each, so that the values are those of the start or the probe alone.
#[test]
fn starts_of_lanczos_and_probes() {
    // Diagonal, with one pair beside it.
    let mut operator = FnOperator::new(10, |v: &[f64], out: &mut [f64]| {
        for (i, (out, v)) in out.iter_mut().zip(v).enumerate() {
            *out = i as f64 * v;
        }
        out[2] += 3.0 * v[7];
        out[7] += 3.0 * v[2];
        Ok(())
    });
    let lanczos = Lanczos::new().seed(42).stream(3).max_products(1);
    let cold = lanczos.run(&mut operator).unwrap().lambda_min;
    let warm = lanczos.run_from(&mut operator, &[1.0; 10]).unwrap().lambda_min;
    let plain = TraceEstimator::new().method(TraceMethod::Hutchinson).seed(42).max_products(3);
    let trace = plain.run(&mut operator).unwrap().value;
    let density = SpectralDensity::new().seed(42).probes(1).steps(1).run(&mut operator).unwrap();
    let diagonal = DiagonalEstimator::new().seed(42).max_products(3).run(&mut operator).unwrap().values[2];
    let found = [cold, warm, trace, density.moments[0], diagonal];
    let expected = [5.351010163610013, 5.148595209297359, 43.0, 5.776844639853725, 1.0];
    assert_relative_eq!(found[..], expected[..], max_relative = 1e-12);
}
