//! Planes that mean something: of eigenvectors, and of the gradient and what is orthogonal to it.

use loss_landscape::{
    Direction, DirectionSource, Directions, Error, Layout, Mask, Model, Norm, Normalization, Policy,
    RandomDirections, Sweep,
    curvature::{GradientDirections, HessianDirections, Lanczos, LanczosEnd, SpectrumEnds},
};

use crate::quadratic::Quadratic;

/// From −1.9 to 4, in all of the parameters but the buffers.
fn spectrum() -> Vec<f64> {
    (0..20).map(|i| 0.1 + f64::from(i) * 0.3 - if i % 3 == 0 { 2.0 } else { 1.0 }).collect()
}

/// The eigenvalues of the first `chosen` parameters, ascending.
fn dense(model: &Quadratic, chosen: usize) -> Vec<f64> {
    let mut values: Vec<f64> =
        model.a.view((0, 0), (chosen, chosen)).into_owned().symmetric_eigenvalues().iter().copied().collect();
    values.sort_by(f64::total_cmp);
    values
}

/// dᵀAd and the slope along both directions.
fn seen(model: &Quadratic, plane: &Directions<f64>) -> [[f64; 2]; 2] {
    [plane.first(), plane.second()].map(|direction| {
        let d = nalgebra::DVector::from_row_slice(direction.values());
        [d.dot(&(&model.a * &d)), d.dot(&model.slope)]
    })
}

fn eigenvalue(direction: &Direction<f64>) -> f64 {
    match *direction.source() {
        DirectionSource::Eigenvector { eigenvalue } => eigenvalue,
        ref other => panic!("{other}"),
    }
}

#[test]
fn eigenvectors_of_the_ends_asked_for() {
    let model = Quadratic::new(&spectrum());
    let weights = Mask::name(&model.layout, "w").unwrap();
    for (mask, chosen) in [(None, 18), (Some(&weights), 16)] {
        let exact = dense(&model, chosen);
        let (low, high) = (|k: usize| exact[k], |k: usize| exact[chosen - 1 - k]);
        for (ends, expected) in [
            (SpectrumEnds::Highest, [high(0), high(1)]),
            (SpectrumEnds::Both, [high(0), low(0)]),
            (SpectrumEnds::Lowest, [low(0), low(1)]),
        ] {
            let mut directions = HessianDirections::new().ends(ends).lanczos(Lanczos::new().tolerance(1e-10));
            if let Some(mask) = mask {
                directions = directions.mask(mask);
            }
            let (plane, pairs) = directions.pair(&model, &()).unwrap();
            let found = [plane.first(), plane.second()];
            for ((direction, [curvature, _]), expected) in
                found.into_iter().zip(seen(&model, &plane)).zip(expected)
            {
                assert!((curvature - expected).abs() < 1e-9, "{ends:?}: {curvature}, {expected}");
                assert!((eigenvalue(direction) - expected).abs() < 1e-9, "{ends:?}");
                assert!((direction.norm() - 1.0).abs() < 1e-12);
                assert!(direction.values()[chosen..].iter().all(|d| *d == 0.0));
            }
            assert!(plane.cosine().abs() < 1e-9 && pairs.values.len() == 2);
            assert!(matches!(pairs.end, LanczosEnd::Residuals | LanczosEnd::Exact), "{pairs:?}");
        }
    }
    // The same run gives the same plane.
    let [a, b] = [(); 2].map(|()| HessianDirections::new().pair(&model, &()).unwrap().0);
    assert_eq!(a, b);
}

#[test]
fn one_eigenvalue_spans_no_plane() {
    let model = Quadratic::new(&[3.0; 20]);
    let error = HessianDirections::new().pair(&model, &()).unwrap_err();
    assert_eq!(error.to_string(), "a plane takes 2 eigenvectors of different eigenvalues; 1 was found");
    let other = Mask::all(&Layout::flat(20).unwrap());
    let error = HessianDirections::new().mask(&other).pair(&model, &()).unwrap_err();
    assert!(matches!(error, Error::LayoutMismatch { .. }), "{error}");
}

#[test]
fn the_gradient_and_what_is_orthogonal_to_it() {
    let mut model = Quadratic::new(&spectrum());
    model.slope.iter_mut().enumerate().for_each(|(i, slope)| *slope = (i as f64).sin());
    let steepness = model.slope.rows(0, 18).norm();
    let directions = GradientDirections::new().seed(5).stream(2);
    let random = directions.random_pair(&model, &()).unwrap();
    let eigen = directions.eigenvector_pair(&model, &()).unwrap();
    for plane in [&random, &eigen] {
        let [[_, first], [_, second]] = seen(&model, plane);
        assert!((first - steepness).abs() < 1e-13 && second.abs() < 1e-13, "{first}, {second}");
        let DirectionSource::Gradient { norm } = *plane.first().source() else { panic!() };
        assert!((norm - steepness).abs() < 1e-14);
        assert!(plane.cosine().abs() < 1e-15);
        for direction in [plane.first(), plane.second()] {
            assert!((direction.norm() - 1.0).abs() < 1e-14);
            assert_eq!(direction.values()[18..], [0.0; 2], "buffers stand still");
        }
    }
    // The draw is that of a random direction, without its part along the gradient.
    let raw = Normalization::default().with_norm(Norm::None).with_biases(Policy::Normalize);
    let drawn = RandomDirections::new(5).stream(2).normalization(raw).one(&model).unwrap();
    let along = random.first().cosine(&drawn).unwrap();
    let across = random.second().cosine(&drawn).unwrap();
    assert!((along.powi(2) + across.powi(2) - 1.0).abs() < 1e-13 && across > 0.5);
    assert_eq!(*random.second().source(), DirectionSource::RandomAcross { seed: 5, stream: 2 });
    // The eigenvector of λ_max is in the plane of the two.
    let (leading, pairs) = HessianDirections::new().pair(&model, &()).unwrap();
    let [along, across] =
        [eigen.first(), eigen.second()].map(|direction| direction.cosine(leading.first()).unwrap());
    assert!((along.powi(2) + across.powi(2) - 1.0).abs() < 1e-9, "{along} {across}");
    let DirectionSource::EigenvectorAcross { eigenvalue } = *eigen.second().source() else { panic!() };
    assert!((eigenvalue - pairs.values[1]).abs() < 1e-9);

    let weights = Mask::name(&model.layout, "w").unwrap();
    let masked = GradientDirections::new().mask(&weights);
    for plane in [masked.random_pair(&model, &()).unwrap(), masked.eigenvector_pair(&model, &()).unwrap()] {
        assert!(plane.first().values()[16..].iter().chain(&plane.second().values()[16..]).all(|d| *d == 0.0));
        let DirectionSource::Gradient { norm } = *plane.first().source() else { panic!() };
        assert!((norm - model.slope.rows(0, 16).norm()).abs() < 1e-13 && plane.cosine().abs() < 1e-15);
    }
}

#[test]
fn without_a_gradient_or_a_complement_there_is_no_plane() {
    let flat = Quadratic::new(&spectrum());
    let [a, b] = [
        GradientDirections::new().random_pair(&flat, &()),
        GradientDirections::new().eigenvector_pair(&flat, &()),
    ];
    for error in [a.unwrap_err(), b.unwrap_err()] {
        assert_eq!(error.to_string(), "the gradient is 0 in all 18 parameters, and no direction");
    }
    // Along an eigenvector, nothing is left of it.
    let mut model = Quadratic::new(&spectrum());
    let (leading, _) =
        HessianDirections::new().lanczos(Lanczos::new().tolerance(1e-14)).pair(&model, &()).unwrap();
    model.slope.copy_from_slice(leading.first().values());
    let exact = GradientDirections::new().lanczos(Lanczos::new().tolerance(1e-14).seed(9));
    let parallel = exact.eigenvector_pair(&model, &());
    assert!(
        matches!(parallel, Err(Error::ParallelDirections { cosine }) if cosine.abs() > 0.999),
        "{parallel:?}"
    );
    assert!(exact.random_pair(&model, &()).is_ok());
    model.slope[3] = f64::NAN;
    let nan = GradientDirections::new().random_pair(&model, &()).unwrap_err();
    assert_eq!(nan.to_string(), "the gradient is NaN at index 3 of block `w`");
}

/// What spans a plane is in every record of it.
#[test]
fn provenance_and_files_say_what_spans_the_plane() {
    let mut model = Quadratic::new(&spectrum());
    model.slope.fill(0.5);
    let planes = [
        GradientDirections::new().seed(5).random_pair(&model, &()).unwrap(),
        GradientDirections::new().eigenvector_pair(&model, &()).unwrap(),
        HessianDirections::new().pair(&model, &()).unwrap().0,
    ];
    for plane in planes {
        let bytes = plane.to_safetensors_bytes().unwrap();
        let read = Directions::<f64>::from_safetensors_bytes(model.layout(), &bytes).unwrap();
        assert_eq!(read, plane);
        let sources = [plane.first(), plane.second()].map(|direction| direction.source().clone());
        let folder = std::env::temp_dir().join(format!("loss-landscape-planes-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let journal = folder.join("journal");
        let sweep = || {
            let sweep = Sweep::plane(&model, plane.clone()).data("", &()).alpha(-1.0..=1.0, 3);
            sweep.beta(-1.0..=1.0, 3).journal(&journal).run().unwrap()
        };
        let (surface, again) = (sweep(), sweep());
        std::fs::remove_dir_all(&folder).unwrap();
        assert_eq!(again.report().resumed.as_ref().map(|resumed| resumed.points), Some(9));
        let provenance = &surface.report().provenance;
        assert_eq!(provenance.directions.iter().map(|d| d.source.clone()).collect::<Vec<_>>(), sources);
        assert!(sources.iter().all(|source| provenance.to_string().contains(&source.to_string())));
    }
}
