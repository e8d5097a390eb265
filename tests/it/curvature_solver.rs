//! Lanczos against a dense eigensolver, restarts, and calls and products that must be refused.

use loss_landscape::{
    Error, OracleError, Scalar,
    curvature::{Extremes, FnOperator, Lanczos, LanczosEnd, SymmetricOperator},
};
use nalgebra::{DMatrix, SymmetricEigen};
use proptest::prelude::*;

/// A dense matrix as an operator; not necessarily symmetric.
fn dense<S: Scalar>(a: &DMatrix<f64>) -> impl SymmetricOperator<Scalar = S> + '_ {
    FnOperator::new(a.nrows(), |v: &[S], out: &mut [S]| {
        for (i, out) in out.iter_mut().enumerate() {
            *out = S::from_f64(a.row(i).iter().zip(v).map(|(a, v)| a * v.as_f64()).sum());
        }
        Ok(())
    })
}

/// A symmetric matrix with entries in [−1, 1], exact in f32; of low rank if asked for, and shifted.
fn symmetric(n: usize, seed: u64, rank: Option<usize>, shift: f64) -> DMatrix<f64> {
    let mut state = seed;
    let mut draw = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        f64::from((state >> 41) as u32) / f64::from(1_u32 << 22) - 1.0
    };
    let mut a = match rank {
        None => DMatrix::from_fn(n, n, |_, _| draw()),
        Some(rank) => {
            let b = DMatrix::from_fn(n, rank, |_, _| draw());
            let signs = DMatrix::from_fn(rank, rank, |i, j| if i == j { draw() } else { 0.0 });
            &b * signs * b.transpose()
        }
    };
    a = 0.5 * (&a + a.transpose());
    a.map(|a| f64::from(a as f32)) + shift * DMatrix::identity(n, n)
}

/// Both ends and their vectors against the dense solver.
fn against_the_oracle<S: Scalar>(a: &DMatrix<f64>, seed: u64, tolerance: f64, slack: f64) {
    let n = a.nrows();
    let values = SymmetricEigen::new(a.clone()).eigenvalues;
    let (low, high) = (values.min(), values.max());
    let norm = low.abs().max(high.abs());
    let lanczos = Lanczos::new().tolerance(tolerance).max_products(n).seed(seed).vectors(true);
    let found: Extremes<S> = lanczos.run(&mut dense(a)).unwrap();
    let context = format!("{} n = {n}: {found:?} against {low} and {high}", S::NAME);
    assert!((found.lambda_min - low).abs() <= slack * norm, "{context}");
    assert!((found.lambda_max - high).abs() <= slack * norm, "{context}");
    assert!(found.products <= n && found.end != LanczosEnd::ProductLimit, "{context}");
    let vectors = found.vectors.as_ref().unwrap().each_ref().map(|v| {
        assert_eq!(v.len(), n);
        DMatrix::from_iterator(n, 1, v.iter().map(|v| v.as_f64()))
    });
    for (v, value) in vectors.iter().zip([found.lambda_min, found.lambda_max]) {
        assert!((v.norm() - 1.0).abs() < 10.0 * S::EPSILON * (n as f64), "{context}: length {}", v.norm());
        let residual = (a * v - value * v).norm();
        // The error of the eigenvalue goes as the square of the residual.
        assert!(residual <= slack.sqrt() * norm, "{context}: residual {residual:e}");
    }
    let inner = vectors[0].dot(&vectors[1]).abs();
    assert!(high - low < 1e-3 * norm || inner < slack, "{context}: ⟨v, w⟩ = {inner:e}");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(60) })]
    #[test]
    fn dense_matrices(n in 2..=60_usize, seed: u64, shift in prop_oneof![Just(0.0), -30.0..30.0_f64]) {
        let a = symmetric(n, seed, None, shift);
        against_the_oracle::<f64>(&a, seed, 1e-9, 1e-6);
        against_the_oracle::<f32>(&a, seed, 1e-3, 1e-3);
    }

    #[test]
    fn dense_matrices_of_low_rank(n in 6..=60_usize, rank in 1..=5_usize, seed: u64) {
        let a = symmetric(n, seed, Some(rank), 0.0);
        prop_assume!(a.norm() > 1e-3);
        against_the_oracle::<f64>(&a, seed, 1e-9, 1e-6);
    }
}

#[test]
fn one_eigenvalue_has_one_vector() {
    let found = Lanczos::new().vectors(true).run(&mut dense::<f64>(&DMatrix::identity(9, 9))).unwrap();
    let [low, high] = found.vectors.unwrap();
    assert_eq!(low, high);
    let one = DMatrix::from_element(1, 1, -2.0);
    let found = Lanczos::new().vectors(true).run(&mut dense::<f32>(&one)).unwrap();
    assert!((found.lambda_min + 2.0).abs() < 1e-6 && found.lambda_min == found.lambda_max);
    assert_eq!((found.end, found.products), (LanczosEnd::Exact, 1));
    assert!(found.vectors.unwrap().iter().all(|v| (v[0].abs() - 1.0).abs() < 1e-6));
}

/// Ten outliers over a bulk whose lowest eigenvalue stands off a little.
fn large(n: usize) -> impl SymmetricOperator<Scalar = f64> {
    FnOperator::new(n, move |v: &[f64], out: &mut [f64]| {
        for (i, (out, v)) in out.iter_mut().zip(v).enumerate() {
            let bulk = 0.1 * (i as f64 / n as f64 - 0.5);
            *out = v * match i {
                0 => -0.2,
                1..=10 => i as f64,
                _ => bulk,
            };
        }
        Ok(())
    })
}

#[test]
fn little_memory_takes_more_products_and_finds_the_same() {
    let n = 20_000_usize;
    let bytes = |vectors: usize| (vectors * n * 8) as u64;
    // 8 basis vectors and the product, 11 and the product, and enough.
    for (vectors, most) in [(9, 60), (12, 35), (60, 22)] {
        let lanczos = Lanczos::new().tolerance(1e-4).memory_limit(bytes(vectors));
        assert_eq!(lanczos.memory::<f64>(n), bytes(vectors));
        let found = lanczos.run(&mut large(n)).unwrap();
        let restarted = vectors < 60;
        assert_eq!(found.restarts > 0, restarted, "{found:?}");
        assert_eq!(found.end, if restarted { LanczosEnd::Residuals } else { LanczosEnd::Certified });
        assert!((found.lambda_min + 0.2).abs() < 1e-4 && (found.lambda_max - 10.0).abs() < 1e-9, "{found:?}");
        assert!((found.ratio() - 0.02).abs() < 1e-4 && found.residuals[0] < 1e-3, "{found:?}");
        assert!(found.bounds[0] <= -0.2 && found.bounds[1] >= 10.0, "{found:?}");
        assert!(found.asymmetry < 1e-13 && found.products <= most, "{found:?}");
    }
    // The bounds of before the restart are kept.
    let lanczos = Lanczos::new().tolerance(1e-4).memory_limit(bytes(12));
    let before = lanczos.clone().max_products(11).run(&mut large(n)).unwrap();
    let after = lanczos.clone().max_products(12).run(&mut large(n)).unwrap();
    assert_eq!((before.restarts, after.restarts), (0, 1), "the basis holds 11");
    assert_eq!((before.end, before.bounds), (LanczosEnd::ProductLimit, after.bounds));
    assert!(after.lambda_min <= before.lambda_min + 1e-12 && after.lambda_max >= before.lambda_max - 1e-12);

    // Vectors to return take memory too.
    let vectors = Lanczos::new().vectors(true).memory_limit(bytes(12));
    assert_eq!(vectors.memory::<f64>(n), bytes(12));
    let found = vectors.run(&mut large(n)).unwrap();
    assert!(found.restarts > 0);
    let mut product = vec![0.0; n];
    for (v, value) in found.vectors.as_ref().unwrap().iter().zip([found.lambda_min, found.lambda_max]) {
        large(n).apply(v, &mut product).unwrap();
        let square: f64 = product.iter().zip(v).map(|(p, v)| (p - value * v).powi(2)).sum();
        assert!(square.sqrt() < 0.011, "{}", square.sqrt());
    }

    for (lanczos, needs) in [(Lanczos::new(), 9), (Lanczos::new().vectors(true), 11)] {
        let lanczos = lanczos.memory_limit(bytes(needs) - 1);
        let error = lanczos.run(&mut large(n)).unwrap_err();
        let Error::MemoryLimit { bytes: needed, limit, .. } = error else { panic!("{error}") };
        assert_eq!((needed, limit), (bytes(needs), bytes(needs) - 1));
    }
}

/// Restarts with a basis smaller than the number of eigenvalues that there are: nothing exact about it.
#[test]
fn few_eigenvalues_and_fewer_vectors() {
    let n = 240_usize;
    for distinct in 8..=16 {
        for tolerance in [1e-3, 1e-9] {
            let lanczos =
                Lanczos::new().tolerance(tolerance).memory_limit((9 * n * 8) as u64).max_products(120);
            let mut operator = FnOperator::new(n, |v: &[f64], out: &mut [f64]| {
                for (i, (out, v)) in out.iter_mut().zip(v).enumerate() {
                    *out = v * ((i % distinct) as f64 - 3.0);
                }
                Ok(())
            });
            let found = lanczos.run(&mut operator).unwrap();
            let truth = 3.0 / (distinct as f64 - 4.0);
            assert!((found.ratio() - truth).abs() <= tolerance, "{found:?}");
            let end = if distinct == 8 { LanczosEnd::Certified } else { LanczosEnd::Residuals };
            assert_eq!((found.end, found.restarts > 0), (end, distinct > 8), "{found:?}");
            assert!(found.bounds[0] <= -3.0 && found.bounds[1] >= distinct as f64 - 4.0, "{found:?}");
        }
    }
}

#[test]
fn settings_out_of_range_are_refused_before_a_product() {
    let new = Lanczos::new;
    for (lanczos, named) in [
        (new().tolerance(0.0), "tolerance"),
        (new().tolerance(-1e-3), "tolerance"),
        (new().tolerance(f64::NAN), "tolerance"),
        (new().tolerance(f64::INFINITY), "tolerance"),
        (new().confidence(0.0), "confidence"),
        (new().confidence(1.0), "confidence"),
        (new().confidence(-0.5), "confidence"),
        (new().confidence(f64::NAN), "confidence"),
        (new().threshold(f64::NAN), "threshold"),
        (new().threshold(f64::INFINITY), "threshold"),
        (new().threshold(-1e-9), "threshold"),
        (new().max_products(0), "products"),
    ] {
        let mut operator = FnOperator::new(3, |_: &[f64], _: &mut [f64]| panic!("a product"));
        for error in
            [lanczos.run(&mut operator).unwrap_err(), lanczos.run_from(&mut operator, &[1.0; 3]).unwrap_err()]
        {
            assert!(matches!(&error, Error::Setting { setting, .. } if setting.contains(named)), "{error}");
        }
    }
    // At the edges of what is allowed.
    let fine = new().tolerance(f64::MIN_POSITIVE).confidence(1.0 - f64::EPSILON).threshold(0.0);
    let found = fine.run(&mut dense::<f64>(&symmetric(5, 1, None, 0.0))).unwrap();
    assert!(found.bounds.iter().all(|b| !b.is_nan()), "{found:?}");
    let mut nothing = FnOperator::new(0, |_: &[f64], _: &mut [f64]| Ok(()));
    assert!(matches!(new().run(&mut nothing).unwrap_err(), Error::EmptyOperator));
    assert!(matches!(new().run_from(&mut nothing, &[]).unwrap_err(), Error::EmptyOperator));
}

/// An operator that goes wrong at one product.
fn wrong_at(
    when: usize,
    mut how: impl FnMut(&mut [f64]) -> Result<(), OracleError>,
) -> impl SymmetricOperator<Scalar = f64> {
    let mut product = 0;
    FnOperator::new(40, move |v: &[f64], out: &mut [f64]| {
        for (i, (out, v)) in out.iter_mut().zip(v).enumerate() {
            *out = (i as f64 - 7.0) * v;
        }
        product += 1;
        if product == when + 1 { how(out) } else { Ok(()) }
    })
}

#[test]
fn products_that_go_wrong_end_the_run_with_their_place() {
    for when in [0, 1, 5] {
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            for at in [0, 17, 39] {
                let mut operator = wrong_at(when, |out| {
                    out[at] = bad;
                    Ok(())
                });
                let error = Lanczos::new().tolerance(1e-9).run(&mut operator).unwrap_err();
                let Error::NonFiniteProduct { product, index, value } = error else { panic!("{error}") };
                assert_eq!((product, index), (when, at));
                assert_eq!(value.to_bits(), bad.to_bits());
            }
        }
        let error = Lanczos::new().run(&mut wrong_at(when, |_| Err("out of cheese".into()))).unwrap_err();
        assert!(
            matches!(&error, Error::Oracle { source, .. } if source.to_string() == "out of cheese"),
            "{error}"
        );
        let error = Lanczos::new().run(&mut wrong_at(when, |_| panic!("the cat"))).unwrap_err();
        assert!(matches!(&error, Error::OraclePanicked { message, .. } if message == "the cat"), "{error}");
    }
    // What a product leaves unwritten is no product.
    let mut lazy = FnOperator::new(3, |v: &[f64], out: &mut [f64]| {
        out[..2].copy_from_slice(&v[..2]);
        Ok(())
    });
    let error = Lanczos::new().run(&mut lazy).unwrap_err();
    assert!(matches!(error, Error::NonFiniteProduct { product: 0, index: 2, .. }), "{error}");
}

/// Products that are finite but nonsense, up to those that overflow.
#[test]
fn absurd_products_are_told_from_symmetric_ones() {
    for huge in [1e30, 1e150, 1e200, 1e308, f64::MAX] {
        for when in [1, 2, 4] {
            let mut operator = wrong_at(when, |out| {
                for out in out.iter_mut() {
                    *out = huge * out.signum();
                }
                Ok(())
            });
            let found = Lanczos::new().run(&mut operator).unwrap();
            assert_eq!(
                (found.end, found.products),
                (LanczosEnd::Asymmetric, when + 1),
                "{huge:e}: {found:?}"
            );
            assert!(found.asymmetry > 0.1, "{found:?}");
        }
    }
    let ones = |_: &[f64], out: &mut [f64]| {
        out.fill(1.0);
        Ok(())
    };
    assert_eq!(Lanczos::new().run(&mut FnOperator::new(50, ones)).unwrap().end, LanczosEnd::Asymmetric);
    // Another operator each time.
    let mut growth = 1.0;
    let drifting = |v: &[f64], out: &mut [f64]| {
        growth *= 1.1;
        for (i, (out, v)) in out.iter_mut().zip(v).enumerate() {
            *out = growth * (i as f64) * v;
        }
        Ok(())
    };
    assert_eq!(Lanczos::new().run(&mut FnOperator::new(50, drifting)).unwrap().end, LanczosEnd::Asymmetric);
}

#[test]
fn what_is_not_symmetric_is_told() {
    let (part, other) = (symmetric(60, 5, None, 0.0), symmetric(60, 6, None, 0.0));
    let values = SymmetricEigen::new(part.clone()).eigenvalues;
    let truth = (values.min() / values.max()).abs();
    let run = |share: f64| {
        let anti = |i: usize, j: usize| share * other[(i, j)] * (j as f64 - i as f64).signum();
        let a = DMatrix::from_fn(60, 60, |i, j| part[(i, j)] + if i == j { 0.0 } else { anti(i, j) });
        Lanczos::new().run(&mut dense::<f64>(&a)).unwrap()
    };
    for (share, from, to) in [(0.01, 1e-3, 2e-2), (0.3, 0.03, 0.5), (1.0, 0.1, 2.0)] {
        let found = run(share);
        assert_eq!(found.end, LanczosEnd::Asymmetric, "{share}");
        assert!((from..to).contains(&found.asymmetry) && found.products <= 4, "{share}: {found:?}");
    }
    // So little that it cannot matter at the tolerance: it is reported, and the answer is right.
    let found = run(1e-5);
    assert_eq!(found.end, LanczosEnd::Certified);
    assert!((1e-6..1e-4).contains(&found.asymmetry) && (found.ratio() - truth).abs() < 1e-3, "{found:?}");
    assert!(found.bounds[0] <= values.min() && values.max() <= found.bounds[1], "{found:?}");
    assert!(run(0.0).asymmetry < 1e-14);
    // The turn of a plane among 20 coordinates that stand still.
    let mut turn = DMatrix::identity(20, 20);
    (turn[(3, 4)], turn[(4, 3)]) = (1.0, -1.0);
    let found = Lanczos::new().run(&mut dense::<f64>(&turn)).unwrap();
    assert_eq!(found.end, LanczosEnd::Asymmetric);
    assert!(found.asymmetry > 0.1);
}

/// A semidefinite operator of low rank has λ_min = 0, and rounding puts its Ritz value on either side.
fn never_called_concave<S: Scalar>() {
    for (n, rank) in [(10, 1), (10, 3), (100, 2), (1000, 1), (1000, 3)] {
        let factor = |r: usize, i: usize| S::from_f64((((r + 1) * i) as f64 * 0.7 + r as f64).sin());
        for seed in 0..20 {
            let mut operator = FnOperator::new(n, |v: &[S], out: &mut [S]| -> Result<(), OracleError> {
                out.fill(S::from_f64(0.0));
                for r in 0..rank {
                    let inner = v.iter().enumerate().map(|(i, &v)| v * factor(r, i));
                    let inner = inner.fold(S::from_f64(0.0), |sum, term| sum + term);
                    out.iter_mut().enumerate().for_each(|(i, out)| *out += inner * factor(r, i));
                }
                Ok(())
            });
            let found = Lanczos::new().seed(seed).run(&mut operator).unwrap();
            assert_eq!(found.is_convex(), None, "{found:?}");
            assert!(found.lambda_min.abs() < 8.0 * S::EPSILON * found.lambda_max, "{found:?}");
            assert!(found.bounds[0] <= 0.0, "{found:?}");
        }
    }
}

#[test]
fn rounding_is_no_negative_curvature() {
    never_called_concave::<f64>();
    never_called_concave::<f32>();
}
