//! Held against PyTorch: directions, surfaces, lines, accuracies, gradients, Hessian-vector
//! products. `f64` to 1e-9 relative, `f32` to 1e-4.

use crate::common::{Reference, raw, reference, relative_error};
use loss_landscape::{
    Buffers, Direction, Directions, Gradient, HessianProduct, Loss, Model, Norm, Normalization, Policy,
    Sweep,
    check::{check_gradient, check_hessian_product},
};
use loss_landscape_nets::{Activation, Mlp, NetScalar, Samples};

const ACTIVATIONS: [Activation; 2] = [Activation::Tanh, Activation::Relu];

fn each<S: NetScalar>(test: impl Fn(&Mlp<S>, &Samples<S>, &Reference)) {
    for activation in ACTIVATIONS {
        let (net, data, reference) = reference(activation);
        test(&net, &data, &reference);
    }
}

fn original<S: NetScalar>(net: &Mlp<S>, values: Vec<S>, rule: Normalization) -> Direction<S> {
    Direction::new(net.layout(), values).unwrap().normalized(net.parameters(), &rule).unwrap()
}

fn directions<S: NetScalar>(tolerance: f64) {
    each::<S>(|net, _, reference| {
        let norms = [
            ("filter", Norm::Filter),
            ("layer", Norm::Layer),
            ("weight", Norm::Weight),
            ("dfilter", Norm::UnitFilter),
            ("dlayer", Norm::UnitLayer),
        ];
        for (norm_name, norm) in norms {
            for (policy_name, policy) in [("zero_rank1", Policy::Still), ("copy_rank1", Policy::Copy)] {
                let rule = Normalization::original(policy).with_norm(norm);
                for axis in ["x", "y"] {
                    let values =
                        if axis == "x" { raw(|i| (i + 1.0).sin()) } else { raw(|i| (2.0 * i + 1.0).cos()) };
                    let found = original(net, values, rule);
                    let name = format!("direction.{norm_name}.{policy_name}.{axis}");
                    let expected = reference.vector::<f64>(&name);
                    let error = relative_error(found.values().iter().map(|v| v.as_f64()), expected);
                    assert!(error < tolerance, "{name}: {error:e}");
                }
            }
        }
    });
}

#[test]
fn every_normalisation_and_policy_f64() {
    directions::<f64>(1e-9);
}

#[test]
fn every_normalisation_and_policy_f32() {
    directions::<f32>(1e-4);
}

fn surface<S: NetScalar>(tolerance: f64, plane_memory: u64) {
    each::<S>(|net, data, reference| {
        let net = &net.clone().plane_memory(plane_memory);
        let rule = Normalization::original(Policy::Still);
        let first = original(net, raw(|i| (i + 1.0).sin()), rule);
        let second = original(net, raw(|i| (2.0 * i + 1.0).cos()), rule);
        let surface = Sweep::plane(net, Directions::new(first, second).unwrap())
            .data("train", data)
            .alpha_at(&reference.get("surface.x"))
            .beta_at(&reference.get("surface.y"))
            .run()
            .unwrap();
        assert_eq!(surface.shape(), [9, 7]);
        let loss = surface.channel("train loss").unwrap();
        for (found, expected) in loss.iter().zip(reference.get("surface.loss")) {
            assert!((found - expected).abs() <= tolerance * expected, "{found} against {expected}");
        }
        same_accuracy::<S>(
            surface.channel("train accuracy").unwrap().iter(),
            &reference.get("surface.accuracy"),
        );
    });
}

/// Hits are counted, so that f64 agrees exactly; in f32 one sample of 1,437 may fall the other way.
fn same_accuracy<'a, S: NetScalar>(found: impl Iterator<Item = &'a f64>, expected: &[f64]) {
    let allowed = if S::NAME == "f64" { 1e-12 } else { 1.0 / 1437.0 + 1e-12 };
    for (found, expected) in found.zip(expected) {
        assert!((found - expected).abs() <= allowed, "{found} against {expected}");
    }
}

#[test]
fn surface_f64() {
    surface::<f64>(1e-9, u64::MAX);
    surface::<f64>(1e-9, 0);
}

#[test]
fn surface_f32() {
    surface::<f32>(1e-4, u64::MAX);
    surface::<f32>(1e-4, 0);
}

fn line<S: NetScalar>(tolerance: f64) {
    each::<S>(|net, data, reference| {
        let (a, b): (Vec<S>, Vec<S>) = (reference.vector("minimiser_a"), reference.vector("minimiser_b"));
        let curve = Sweep::segment(net, &a, &b)
            .data("", data)
            .alpha(-0.5..=1.5, 41)
            .buffers(Buffers::Move)
            .run()
            .unwrap();
        let alpha = reference.get("line.alpha");
        assert!(curve.alpha().iter().zip(&alpha).all(|(a, b)| (a - b).abs() < 1e-15));
        for (found, expected) in curve.channel("loss").unwrap().iter().zip(reference.get("line.loss")) {
            assert!((found - expected).abs() <= tolerance * expected, "{found} against {expected}");
        }
        same_accuracy::<S>(curve.channel("accuracy").unwrap().iter(), &reference.get("line.accuracy"));
    });
}

#[test]
fn line_f64() {
    line::<f64>(1e-9);
}

#[test]
fn line_f32() {
    line::<f32>(1e-4);
}

fn derivatives<S: NetScalar>(tolerance: f64) {
    each::<S>(|net, data, reference| {
        let mut out = vec![S::from_f64(f64::NAN); 1210];
        let loss = net.gradient(net.parameters(), data, &mut out).unwrap();
        assert!((loss - net.loss(net.parameters(), data).unwrap()).abs() < 1e-12);
        let error = relative_error(out.iter().map(|v| v.as_f64()), reference.get("centre.gradient"));
        assert!(error < tolerance, "gradient: {error:e}");
        let v = raw::<S>(|i| (3.0 * i + 2.0).sin());
        net.hessian_product(net.parameters(), &v, data, &mut out).unwrap();
        let error = relative_error(out.iter().map(|v| v.as_f64()), reference.get("centre.hvp"));
        assert!(error < tolerance, "Hessian-vector product: {error:e}");
    });
}

#[test]
fn gradient_and_hessian_product_f64() {
    derivatives::<f64>(1e-9);
}

#[test]
fn gradient_and_hessian_product_f32() {
    derivatives::<f32>(1e-4);
}

#[test]
fn the_checkers_agree() {
    let (net, data, _) = reference::<f64>(Activation::Tanh);
    let gradient = check_gradient(&net, net.parameters(), &data).unwrap();
    assert!(gradient.error < 1e-6 && gradient.loss_error < 1e-14, "{gradient:?}");
    let hessian = check_hessian_product(&net, net.parameters(), &data).unwrap();
    assert!(hessian.error < 1e-6 && hessian.asymmetry < 1e-14 && hessian.nonlinearity < 1e-14, "{hessian:?}");
}
