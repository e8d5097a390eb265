//! The variables are left as they were, bit for bit.

use std::cell::Cell;

use candle_core::{DType, Device, Tensor, Var};
use candle_nn::{BatchNorm, Module, ModuleT, VarBuilder, VarMap};
use loss_landscape::{EigenRatio, Gradient, Loss, Model, RandomDirections, Sweep, report::PointFailure};
use loss_landscape_candle::{CandleModel, NamedVars};

use crate::common::{Data, bits, digits, first, fresh};

fn small() -> Data {
    first(&digits(DType::F64).unwrap()[1], 20).unwrap()
}

#[test]
fn after_sweeps_gradients_and_products() {
    let (map, net) = fresh(DType::F64, true).unwrap();
    let (before, data) = (bits(&map), small());
    let model = CandleModel::new_f64(&map, |data: &Data| net.loss(data)).unwrap();
    let line = || Sweep::line(&model, RandomDirections::new(1)).data("", &data).alpha(-1.0..=1.0, 3).here();
    line().run().unwrap();
    assert_eq!(bits(&map), before);
    line().eigen_ratio(&EigenRatio::new()).unwrap();
    assert_eq!(bits(&map), before);
    let (far, mut out) = (vec![0.25; model.parameters().len()], vec![0.0; model.parameters().len()]);
    model.gradient(&far, &data, &mut out).unwrap();
    assert_eq!(bits(&map), before);
}

#[test]
fn after_errors_and_panics_which_are_points_without_a_value() {
    for on_device in [false, true] {
        let (map, net) = fresh(DType::F64, true).unwrap();
        let (before, data, calls) = (bits(&map), small(), Cell::new(0));
        let model = CandleModel::new_f64(&map, |data: &Data| {
            calls.set(calls.get() + 1);
            match calls.get() {
                2 => candle_core::bail!("no memory on the device"),
                4 => panic!("an index out of range"),
                _ => net.loss(data),
            }
        })
        .unwrap()
        .combine_on_device(on_device);
        let curve = Sweep::line(&model, RandomDirections::new(1)).data("", &data).alpha(-1.0..=1.0, 7).here();
        let curve = curve.run().unwrap();
        assert_eq!(bits(&map), before);
        let failures: Vec<String> =
            curve.report().bad_points.iter().map(|point| point.failure.to_string()).collect();
        assert_eq!(failures.len(), 2, "{failures:?}");
        assert!(failures.iter().any(|text| text.contains("no memory on the device")), "{failures:?}");
        assert!(failures.iter().any(|text| text.contains("an index out of range")), "{failures:?}");
        assert_eq!(curve.loss().iter().filter(|loss| loss.is_finite()).count(), 5);
        // The next call works as if nothing had been.
        let at_home = net.loss(&data).unwrap().to_scalar::<f64>().unwrap();
        assert_eq!(model.loss(model.parameters(), &data).unwrap(), at_home);
    }
}

#[test]
fn nan_is_a_value_and_not_an_error() {
    let bias = Var::new(&[0.5_f64, -0.25], &Device::Cpu).unwrap();
    let inner = bias.clone();
    let vars =
        NamedVars::with_rule(vec![("w", bias.clone())], |_| Some((loss_landscape::Role::Weight, None)));
    let model = CandleModel::new_f64(vars.unwrap(), move |(): &()| inner.log()?.sum_all()).unwrap();
    let curve = Sweep::line(&model, RandomDirections::new(1)).data("", &()).here().run().unwrap();
    assert!(curve.loss()[25].is_nan());
    let failure = &curve.report().bad_points[0].failure;
    assert!(matches!(failure, PointFailure::NonFinite { .. }), "{failure}");
    assert_eq!(bias.to_vec1::<f64>().unwrap(), [0.5, -0.25]);
}

#[test]
fn running_means_that_a_closure_in_training_mode_moves_are_put_back() {
    let map = VarMap::new();
    let vb = VarBuilder::from_varmap(&map, DType::F64, &Device::Cpu);
    let fc = candle_nn::linear(3, 4, vb.pp("fc")).unwrap();
    let norm: BatchNorm = candle_nn::batch_norm(4, 1e-5, vb.pp("bn")).unwrap();
    let x = Tensor::new(&[[0.5, 1.0, -1.0], [2.0, 0.0, 0.25], [1.0, 1.0, 1.0]], &Device::Cpu).unwrap();
    let before = bits(&map);
    let forward = |x: &Tensor, train| norm.forward_t(&fc.forward(x)?, train)?.sqr()?.mean_all();
    let model = CandleModel::new_f64(&map, |x: &Tensor| forward(x, true)).unwrap();
    model.loss(model.parameters(), &x).unwrap();
    assert_eq!(bits(&map), before);

    // In evaluation mode buffers have no gradient, and directions leave them alone.
    let model = CandleModel::new_f64(&map, |x: &Tensor| forward(x, false)).unwrap();
    let mut gradient = vec![f64::NAN; model.parameters().len()];
    model.gradient(model.parameters(), &x, &mut gradient).unwrap();
    for (name, moves) in [("bn.running_mean", false), ("bn.running_var", false), ("fc.weight", true)] {
        let block = model.layout().block(name).unwrap();
        assert_eq!(block.slice(&gradient).unwrap().iter().any(|g| *g != 0.0), moves, "{name}");
    }
}
