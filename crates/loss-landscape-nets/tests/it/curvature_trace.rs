//! Trace, diagonal and spectral density of the reference network's Hessian, held against the eigenvalues
//! of PyTorch's dense one: nine points of the plane around minimiser a, tanh and ReLU, all parameters and
//! weights alone.

use crate::common::{hashed_network, hashed_samples, raw, reference};
use loss_landscape::{
    Direction, Mask, Model, Normalization, Policy, Role,
    curvature::{
        DiagonalEstimator, HessianOperator, SpectralDensity, SymmetricOperator, TraceEstimator, TraceMethod,
        on_threads,
    },
};
use loss_landscape_nets::{Activation, Architecture, Criterion, Skips};

/// Calls the test with the Hessian at each of the 36 and its eigenvalues.
fn each(mut test: impl FnMut(&str, &mut HessianOperator<'_, f64>, &[f64])) {
    for activation in [Activation::Tanh, Activation::Relu] {
        let (net, data, reference) = reference::<f64>(activation);
        let rule = Normalization::original(Policy::Still);
        let [x, y] = [raw(|i| (i + 1.0).sin()), raw(|i| (2.0 * i + 1.0).cos())].map(|values| {
            Direction::new(net.layout(), values).unwrap().normalized(net.parameters(), &rule).unwrap()
        });
        let weights = Mask::role(net.layout(), Role::Weight);
        let masks = [("eigenvalues", Mask::all(net.layout())), ("eigenvalues_rank2_only", weights)];
        let points = reference.get("spectrum.points");
        for (name, mask) in masks {
            let eigenvalues = reference.get(&format!("spectrum.{name}"));
            let mut hessian =
                HessianOperator::new(&net, net.parameters(), &data).unwrap().masked(&mask).unwrap();
            for (point, eigenvalues) in points.chunks(2).zip(eigenvalues.chunks(mask.selected())) {
                let theta: Vec<f64> = (net.parameters().iter().zip(x.values()).zip(y.values()))
                    .map(|((theta, x), y)| theta + point[0] * x + point[1] * y)
                    .collect();
                hessian.move_to(&theta).unwrap();
                test(&format!("{activation:?}, {name} at {point:?}"), &mut hessian, eigenvalues);
            }
        }
    }
}

#[test]
fn traces_are_those_of_the_dense_hessians() {
    let (mut spectra, mut held) = (0, 0);
    each(|case, hessian, eigenvalues| {
        let exact: f64 = eigenvalues.iter().sum();
        let found = TraceEstimator::new().max_products(36).run(hessian).unwrap();
        assert!(
            (found.value - exact).abs() < 3.0 * found.standard_error,
            "{case}: {found:?}, exactly {exact}"
        );
        assert!(found.standard_error < 0.2 * exact.abs(), "{case}: {found:?}");
        spectra += 1;
        held += usize::from((found.interval[0]..=found.interval[1]).contains(&exact));
    });
    assert!(spectra == 36 && held >= 31, "{held} of {spectra} intervals of 0.95 hold");
}

/// On several threads products are computed in other company: a density's runs step together or one by one, and a trace's
/// probes come in groups of any size.
#[test]
fn estimates_on_several_threads_have_the_bits_of_one() {
    let architecture = Architecture::resnet(8, [1, 8, 8], 10, Skips::With).unwrap();
    let net = hashed_network::<f32>(&architecture, Criterion::CrossEntropy, 3, 1.0);
    let data = hashed_samples::<f32>(40, 64, 10);
    let hessian = || HessianOperator::new(&net, net.parameters(), &data);
    let trace = TraceEstimator::new().max_products(24);
    let diagonal = DiagonalEstimator::new().max_products(10);
    let together = SpectralDensity::new().probes(3).steps(5);
    let one_by_one = together.clone().memory_limit(together.memory::<f32>(hessian().unwrap().dimension()));
    let mut alone = hessian().unwrap();
    let expected = (trace.run(&mut alone).unwrap(), diagonal.run(&mut alone).unwrap());
    let density = one_by_one.run(&mut alone).unwrap();
    assert_eq!(together.run(&mut alone).unwrap(), density);
    for threads in [2, 3] {
        let found = on_threads(threads, hessian, |hessian| {
            assert_eq!(together.run(hessian)?, density);
            Ok((trace.run(hessian)?, diagonal.run(hessian)?))
        });
        assert_eq!(found.unwrap(), expected, "{threads} threads");
    }
}

#[test]
fn moments_are_those_of_the_dense_hessians() {
    let (mut near, mut all) = (0, 0);
    each(|case, hessian, eigenvalues| {
        let found = SpectralDensity::new().probes(10).steps(3).run(hessian).unwrap();
        assert!(found.asymmetry < 1e-12 && found.products == 30);
        for (power, (moment, error)) in (1..).zip(found.moments.iter().zip(found.moment_errors)) {
            let exact = eigenvalues.iter().map(|l| l.powi(power)).sum::<f64>() / eigenvalues.len() as f64;
            let errors = (moment - exact).abs() / error;
            assert!(errors < 6.0, "{case}, moment {power}: {moment} ± {error}, exactly {exact}");
            near += usize::from(errors < 3.0);
            all += 1;
        }
    });
    assert!(all == 144 && near >= 138, "{near} of {all} within three standard errors");
}

#[test]
fn density_and_diagonal_at_the_minimiser() {
    let (net, data, reference) = reference::<f64>(Activation::Tanh);
    let spectrum = &reference.get("spectrum.eigenvalues");
    let centre = reference.get("spectrum.points").chunks(2).position(|point| point == [0.0, 0.0]).unwrap();
    let eigenvalues = &spectrum[1210 * centre..][..1210];
    let mut hessian = HessianOperator::new(&net, net.parameters(), &data).unwrap();
    let found = SpectralDensity::new().probes(6).steps(32).run(&mut hessian).unwrap();
    let [low, high] = found.range();
    assert!(low >= eigenvalues[0] - 1e-10 && (high / eigenvalues[1209] - 1.0).abs() < 1e-9);
    let at: Vec<f64> = (0..60).map(|i| low + (high - low) * f64::from(i) / 59.0).collect();
    let below = found.cumulative(&at);
    let curve = found.density(&at, None).unwrap();
    let (mut held, mut steps) = (0, 0);
    for (i, &lambda) in at.iter().enumerate() {
        let exact = eigenvalues.iter().filter(|&&l| l <= lambda).count() as f64 / 1210.0;
        steps += usize::from((below.lower[i]..=below.upper[i]).contains(&exact));
        let gaussian = |l: &f64| (-0.5 * ((lambda - l) / curve.width).powi(2)).exp();
        let height = 1210.0 * curve.width * std::f64::consts::TAU.sqrt();
        let exact = eigenvalues.iter().map(gaussian).sum::<f64>() / height;
        held += usize::from((curve.lower[i] - 1e-9..=curve.upper[i] + 1e-9).contains(&exact));
    }
    assert!(held >= 50 && steps >= 50, "{held} and {steps} of 60 within bands of 0.95");

    let trace: f64 = eigenvalues.iter().sum();
    let diagonal = DiagonalEstimator::new().max_products(60).run(&mut hessian).unwrap();
    let plain =
        TraceEstimator::new().method(TraceMethod::Hutchinson).max_products(60).run(&mut hessian).unwrap();
    let sketched = TraceEstimator::new().max_products(60).run(&mut hessian).unwrap();
    // The same probes: the sum of the one is the other.
    assert!((diagonal.values.iter().sum::<f64>() / plain.value - 1.0).abs() < 1e-12);
    assert!((plain.value - trace).abs() < 3.0 * plain.standard_error);
    assert!(plain.standard_error > 3.0 * sketched.standard_error, "{plain:?} {sketched:?}");
    let mut product = vec![0.0; 1210];
    for i in (0..1210).step_by(60) {
        let unit: Vec<f64> = (0..1210).map(|j| f64::from(u8::from(i == j))).collect();
        hessian.apply(&unit, &mut product).unwrap();
        let [low, high] = diagonal.interval(i, 0.999).unwrap();
        assert!((low..=high).contains(&product[i]), "{i}: {} outside [{low}, {high}]", product[i]);
    }
}
