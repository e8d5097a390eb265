//! Gradients by backpropagation against differences of losses, and what is known to be wrong in candle.

use candle_core::{DType, Device, Tensor};
use candle_nn::{Conv2dConfig, Module, VarBuilder, VarMap};
use loss_landscape::{
    Model,
    check::{check_gradient, check_hessian_product},
    curvature::eigen_extremes,
};
use loss_landscape_candle::CandleModel;

use crate::common::{Data, digits, first, fresh};

#[test]
fn gradients_and_products_of_a_cnn_are_right() {
    let (map, net) = fresh(DType::F64, true).unwrap();
    let data = first(&digits(DType::F64).unwrap()[0], 16).unwrap();
    let model =
        CandleModel::new_f64(&map, |data: &Data| net.figures(data)).unwrap().further_channels(["accuracy"]);
    let check = check_gradient(&model, model.parameters(), &data).unwrap();
    assert!(check.error < 1e-7 && check.loss_error == 0.0, "{check:?}");
    let check = check_hessian_product(&model, model.parameters(), &data).unwrap();
    assert!(check.error < 1e-5 && check.asymmetry < 1e-6, "{check:?}");
    let extremes = eigen_extremes(&model, &data).unwrap();
    assert!(extremes.lambda_max > 0.0);
}

/// A convolution, a pooling, and a number.
fn pooled(pool: impl Fn(&Tensor) -> candle_core::Result<Tensor>) -> loss_landscape::check::GradientCheck {
    let (map, x) = (VarMap::new(), digits(DType::F64).unwrap()[0].0.narrow(0, 0, 4).unwrap());
    let vb = VarBuilder::from_varmap(&map, DType::F64, &Device::Cpu);
    let conv =
        candle_nn::conv2d(1, 3, 3, Conv2dConfig { padding: 1, ..Conv2dConfig::default() }, vb.pp("conv"));
    let conv = conv.unwrap();
    // A slope, so that no two values of a window are equal.
    let slope =
        (Tensor::arange(0.0, 64.0, &Device::Cpu).unwrap().reshape((1, 1, 8, 8)).unwrap() * 0.01).unwrap();
    let model = CandleModel::new_f64(&map, |x: &Tensor| {
        pool(&conv.forward(x)?.broadcast_add(&slope)?.tanh()?)?.sqr()?.mean_all()
    })
    .unwrap();
    check_gradient(&model, model.parameters(), &x).unwrap()
}

/// candle 0.11: the gradient through a window of k×k goes to its largest value, divided by k². If this test fails,
/// candle has been mended, and the warnings in the README and at `CandleModel` can go.
#[test]
fn candles_wrong_gradient_of_max_pooling_is_found() {
    let check = pooled(|x| x.max_pool2d(2));
    assert!(check.error > 0.5, "{check:?}");
    assert!((4.0 * check.gradient - check.difference).abs() < 1e-5 * check.difference.abs(), "{check:?}");
    let check = pooled(|x| x.avg_pool2d(2));
    assert!(check.error < 1e-7, "{check:?}");
    // What to use in its place: windows as axes, and their largest value.
    let check = pooled(|x| {
        let (n, c, h, w) = x.dims4()?;
        x.reshape((n, c, h / 2, 2, w / 2, 2))?.max(5)?.max(3)
    });
    assert!(check.error < 1e-7, "{check:?}");
}
