//! The functions between layers.

use loss_landscape_kernels::{AddBiasAndActivate, Nonlinearity};

#[test]
fn relu_keeps_nan() {
    let mut z = [f64::NAN, -0.5, 0.5];
    AddBiasAndActivate { z: &mut z, bias: &[0.0], activation: Some(Nonlinearity::Relu) }.run();
    assert!(z[0].is_nan());
    assert_eq!(z[1..], [0.0, 0.5]);
}
