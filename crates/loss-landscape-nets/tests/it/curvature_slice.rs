//! What a slice hides, eigenpairs, and planes along eigenvectors, on PyTorch's networks.

use crate::common::{raw, reference};
use loss_landscape::{
    Direction, DirectionSource, Directions, Error, Mask, Model, Normalization, Policy, Role, Sweep,
    curvature::{HessianOperator, Lanczos, LanczosEnd, SliceCurvature},
};
use loss_landscape_nets::{Activation, Mlp};

fn plane(net: &Mlp<f64>) -> Directions<f64> {
    let rule = Normalization::original(Policy::Still);
    let direction = |values: Vec<f64>| {
        Direction::new(net.layout(), values).unwrap().normalized(net.parameters(), &rule).unwrap()
    };
    let [x, y] = [raw(|i| (i + 1.0).sin()), raw(|i| (2.0 * i + 1.0).cos())].map(direction);
    Directions::new(x, y).unwrap()
}

#[test]
fn the_slice_is_what_the_surface_shows_and_the_rest_is_pytorchs() {
    let (net, data, reference) = reference::<f64>(Activation::Tanh);
    let dirs = plane(&net);
    let (points, spectra) = (reference.get("spectrum.points"), reference.get("spectrum.eigenvalues"));
    let mut shares = Vec::new();
    // Far from the minimiser, and at it.
    for index in [2, 4] {
        let (point, spectrum) =
            ([points[2 * index], points[2 * index + 1]], &spectra[1210 * index..][..1210]);
        let report = SliceCurvature::new().report(&net, &data, &dirs, point).unwrap();

        // Second differences of the loss over the plane.
        let step = 1e-3;
        let around = |centre: f64| [centre - step, centre, centre + step];
        let surface = Sweep::plane(&net, dirs.clone())
            .data("", &data)
            .alpha_at(&around(point[0]))
            .beta_at(&around(point[1]))
            .run()
            .unwrap();
        let loss = surface.channel("loss").unwrap();
        let second = |a: [usize; 2], b: [usize; 2]| (loss[a] - 2.0 * loss[[1, 1]] + loss[b]) / step.powi(2);
        let cross = (loss[[2, 2]] - loss[[2, 0]] - loss[[0, 2]] + loss[[0, 0]]) / (4.0 * step.powi(2));
        let scale = report.matrix[0][0].abs() + report.matrix[1][1].abs();
        for (found, exact) in [
            (report.matrix[0][0], second([0, 1], [2, 1])),
            (report.matrix[1][1], second([1, 0], [1, 2])),
            (report.matrix[0][1], cross),
        ] {
            assert!((found - exact).abs() < 1e-4 * scale, "{point:?}: {found} {exact}");
        }
        assert_eq!(report.matrix[0][1], report.matrix[1][0]);

        let (least, most) = (spectrum[0], spectrum[1209]);
        assert!(least <= report.curvatures[0] && report.curvatures[1] <= most);
        assert!(report.extremes.lambda_min >= least - 1e-9 && report.extremes.bounds[0] <= least);
        let energy: f64 = spectrum.iter().map(|value| value * value).sum();
        assert!((report.energy - energy).abs() < 3.0 * report.energy_error, "{} {energy}", report.energy);
        assert!(report.energy_error < 0.4 * energy);
        let seen = report.curvatures.iter().map(|c| c * c).sum::<f64>();
        assert!((report.energy_share - seen / report.energy).abs() < 1e-12 * report.energy_share);
        assert_eq!(report.products, 2 + report.extremes.products + 32);
        shares.push(report.energy_share);

        // It looks convex in the slice and is not.
        let words = report.to_string();
        assert_eq!(report.slice_is_convex(), Some(true), "{words}");
        assert_eq!(report.extremes.is_convex(), Some(false));
        let reading = "A convex slice proves nothing";
        assert!(words.contains(reading), "{words}");
    }
    assert!(shares.iter().all(|share| *share < 0.01), "a slice sees little: {shares:?}");
}

#[test]
fn a_slice_of_bad_input_says_what_is_wrong() {
    let (net, data, _) = reference::<f64>(Activation::Relu);
    let dirs = plane(&net);
    let report = |slice: SliceCurvature, point| slice.report(&net, &data, &dirs, point);
    let nowhere = report(SliceCurvature::new(), [0.0, f64::NAN]);
    assert!(matches!(nowhere, Err(Error::Coordinates { axis: "β", .. })));
    assert!(matches!(report(SliceCurvature::new().probes(1), [0.0; 2]), Err(Error::Setting { .. })));
    let none = Mask::role(net.layout(), Role::Buffer);
    assert!(matches!(report(SliceCurvature::new().mask(&none), [0.0; 2]), Err(Error::EmptyMask)));
    let sure = SliceCurvature::new().lanczos(Lanczos::new().tolerance(-1.0));
    assert!(matches!(report(sure, [0.0; 2]), Err(Error::Setting { .. })));

    // The directions do not move biases, so in biases alone they span nothing.
    let biases = Mask::role(net.layout(), Role::Bias);
    let blind = report(SliceCurvature::new().mask(&biases), [0.0; 2]).unwrap();
    assert!(blind.curvatures[0].is_nan() && blind.slice_is_convex().is_none());
    assert_eq!((blind.parameters, blind.matrix), (26, [[0.0; 2]; 2]));
    assert!(blind.to_string().contains("span no plane"));
}

#[test]
fn eigenpairs_are_pytorchs_and_span_planes() {
    let (net, data, reference) = reference::<f64>(Activation::Tanh);
    // The spectrum at θ itself.
    let spectrum = &reference.get("spectrum.eigenvalues")[4 * 1210..5 * 1210];
    let mut hessian = HessianOperator::new(&net, net.parameters(), &data).unwrap();
    let pairs = Lanczos::new().tolerance(1e-7).pairs(&mut hessian, 2, 5).unwrap();
    assert_eq!((pairs.end, pairs.values.len(), pairs.lowest), (LanczosEnd::Residuals, 7, 2));
    for (found, exact) in pairs.values.iter().zip(spectrum[..2].iter().chain(&spectrum[1205..])) {
        assert!((found - exact).abs() < 1e-8 * spectrum[1209], "{found} {exact}");
    }
    for (i, a) in pairs.vectors.iter().enumerate() {
        for (j, b) in pairs.vectors.iter().enumerate() {
            let inner: f64 = a.iter().zip(b).map(|(a, b)| a * b).sum();
            assert!((inner - f64::from(u8::from(i == j))).abs() < 1e-12, "{i} {j}");
        }
    }
    let (steep, down) = (pairs.direction(&hessian, 6).unwrap(), pairs.direction(&hessian, 0).unwrap());
    assert_eq!(*steep.source(), DirectionSource::Eigenvector { eigenvalue: pairs.values[6] });
    let report =
        SliceCurvature::new().report(&net, &data, &Directions::new(steep, down).unwrap(), [0.0; 2]).unwrap();
    // This plane hides nothing of the ends.
    assert!((report.curvatures[0] - spectrum[0]).abs() < 1e-6 * spectrum[1209]);
    assert!((report.curvatures[1] - spectrum[1209]).abs() < 1e-6 * spectrum[1209]);
    assert_eq!(report.slice_is_convex(), Some(false));
    assert!(report.to_string().contains("which proves that the loss is not convex here"));
    assert!(matches!(pairs.direction(&hessian, 7), Err(Error::Setting { .. })));
    let masked = HessianOperator::new(&net, net.parameters(), &data).unwrap();
    let masked = masked.masked(&Mask::role(net.layout(), Role::Weight)).unwrap();
    assert!(matches!(pairs.direction(&masked, 0), Err(Error::OperatorLength { .. })));
}
