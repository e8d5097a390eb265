//! The exponentials of `f32` against those of `f64`.

use loss_landscape_kernels::KernelScalar;

/// Distance in units in the last place of the f32 result.
fn ulps(found: f32, exact: f64) -> f64 {
    let unit = f64::from(f32::EPSILON) * 2.0_f64.powf(exact.abs().log2().floor());
    (f64::from(found) - exact).abs() / unit
}

#[test]
fn exp_and_tanh_are_right_to_three_units_in_the_last_place() {
    let (mut worst_exp, mut worst_tanh) = (0.0_f64, 0.0_f64);
    for i in 0..2_000_000 {
        let x = -86.9 * (i as f32 / 2e6);
        worst_exp = worst_exp.max(ulps(x.exp_nonpositive(), f64::from(x).exp()));
        // From 1e-6 to 12, denser near 0.
        let x = 12.0 * (i as f32 / 2e6).powi(3) + 1e-6;
        worst_tanh = worst_tanh.max(ulps(x.tanh_fast(), f64::from(x).tanh()));
        assert_eq!((-x).tanh_fast(), -x.tanh_fast());
    }
    assert!(worst_exp <= 3.0 && worst_tanh <= 3.0, "exp {worst_exp}, tanh {worst_tanh}");
}

#[test]
fn the_edges_are_right() {
    assert_eq!(0.0_f32.tanh_fast(), 0.0);
    assert_eq!(f32::INFINITY.tanh_fast(), 1.0);
    assert_eq!((-100.0_f32).tanh_fast(), -1.0);
    assert!(f32::NAN.tanh_fast().is_nan());
    assert_eq!(0.0_f32.exp_nonpositive(), 1.0);
    assert!(f32::NEG_INFINITY.exp_nonpositive() < 1e-37);
    assert!(f32::NAN.exp_nonpositive().is_nan());
}

#[test]
fn the_error_function_is_right() {
    // Abramowitz and Stegun, table 7.1, and erfc(3) of its table 7.3.
    for (x, exact) in [
        (0.1_f64, 0.112_462_916_018_284_9_f64),
        (0.5, 0.520_499_877_813_046_5),
        (1.0, 0.842_700_792_949_714_9),
        (2.0, 0.995_322_265_018_952_7),
        (3.0, 1.0 - 2.209_049_699_858_544e-5),
    ] {
        // A few units in the last place of 1: the series is some forty roundings long.
        assert!((x.erf_fast() - exact).abs() < 1e-15, "{x}: {}", x.erf_fast());
        assert_eq!((-x).erf_fast(), -x.erf_fast());
    }
    for i in 0..1_000_000 {
        let x = 5.0 * (i as f32 / 1e6);
        let gap = (f64::from(x.erf_fast()) - f64::from(x).erf_fast()).abs();
        assert!(gap < 5e-7, "{x}: {gap:e}");
    }
    assert_eq!([f64::INFINITY.erf_fast(), (-7.0_f64).erf_fast(), 0.0_f64.erf_fast()], [1.0, -1.0, 0.0]);
    assert_eq!([f32::INFINITY, 1e30, -1e30, -4.0, 0.0].map(f32::erf_fast), [1.0, 1.0, -1.0, -1.0, 0.0]);
    assert!(f64::NAN.erf_fast().is_nan() && f32::NAN.erf_fast().is_nan());
}
