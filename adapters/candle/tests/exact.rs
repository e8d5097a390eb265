//! Exact products: a program of its own, since candle reads at its start whether second derivatives are wanted.
//! `test.sh` runs it both ways.

#[allow(dead_code, reason = "the other test program trains")]
mod common;

use candle_core::{DType, Device, Tensor, Var};
use common::{Data, digits, first, fresh};
use loss_landscape::{HessianProduct, Model, check::check_hessian_product};
use loss_landscape_candle::{CandleModel, Error};

#[test]
fn products_are_exact_where_candle_differentiates_twice() {
    let (map, net) = fresh(DType::F64, true).unwrap();
    let (data, before) = (first(&digits(DType::F64).unwrap()[0], 16).unwrap(), common::bits(&map));
    let model = CandleModel::new_f64(&map, |data: &Data| net.loss(data)).unwrap();
    match model.exact_products() {
        Ok(model) => {
            let check = check_hessian_product(&model, model.parameters(), &data).unwrap();
            assert!(check.error < 1e-6, "{check:?}");
            // Differences of gradients are not so symmetric.
            assert!(check.asymmetry < 1e-12 && check.nonlinearity < 1e-12, "{check:?}");
            assert_eq!(common::bits(&map), before);
        }
        Err(error) => {
            assert!(std::env::var("CANDLE_GRAD_DO_NOT_DETACH").is_err());
            assert!(matches!(error, Error::NoSecondDerivatives), "{error}");
        }
    }
}

#[test]
fn products_of_a_linear_loss_are_zero() {
    let bias = Var::new(&[0.5, -0.25], &Device::Cpu).unwrap();
    let inner = bias.clone();
    let model =
        CandleModel::new_f64(vec![("bias", bias)], move |x: &Tensor| inner.mul(x)?.sum_all()).unwrap();
    let x = Tensor::new(&[2.0, 3.0], &Device::Cpu).unwrap();
    if let Ok(model) = model.exact_products() {
        let mut product = [f64::NAN; 2];
        model.hessian_product(&[1.0, 1.0], &[1.0, 2.0], &x, &mut product).unwrap();
        assert_eq!(product, [0.0; 2]);
    }
}
