//! What cannot be meant, and what is said about it.

use candle_core::{DType, Device, Tensor, Var};
use candle_nn::{VarBuilder, VarMap};
use loss_landscape::{Gradient, Loss, Model, Role};
use loss_landscape_candle::{CandleModel, Error, NamedVars, candle_roles};

fn var(shape: &[usize], dtype: DType) -> Var {
    Var::zeros(shape, dtype, &Device::Cpu).unwrap()
}

#[test]
fn names_without_a_role_are_all_listed_with_how_to_say_them() {
    let map = VarMap::new();
    let vb = VarBuilder::from_varmap(&map, DType::F32, &Device::Cpu);
    vb.get((3, 4), "attention.query").unwrap();
    vb.get(4, "cls").unwrap();
    vb.get(4, "fc.bias").unwrap();
    let error = NamedVars::of(&map).unwrap_err();
    assert_eq!(
        error.to_string(),
        "no role is known for `attention.query` of shape [3, 4], `cls` of shape [4]; say them with \
         NamedVars::with_rule(&vars, |tensor| match tensor.name() { \"attention.query\" => Some((Role::Weight, \
         Some(0))), _ => candle_roles(tensor) })"
    );
    let vars = NamedVars::with_rule(&map, |tensor| match tensor.name() {
        "attention.query" => Some((Role::Weight, Some(0))),
        "cls" => Some((Role::Bias, None)),
        _ => candle_roles(tensor),
    })
    .unwrap();
    assert_eq!(vars.layout().blocks()[0].filters(), 3);
    // A scalar has no axis for filters.
    let scalar = || vec![("logit_scale", var(&[], DType::F32))];
    let text = NamedVars::of(scalar()).unwrap_err().to_string();
    assert!(text.contains("\"logit_scale\" => Some((Role::Bias, None))"), "{text}");
    let vars = NamedVars::with_rule(scalar(), |_| Some((Role::Bias, None))).unwrap();
    assert_eq!(vars.layout().len(), 1);
    let many = (0..30).map(|i| (format!("p{i}"), var(&[2], DType::F32))).collect::<Vec<_>>();
    let text = NamedVars::of(many).unwrap_err().to_string();
    assert!(text.contains("`p19` of shape [2], 10 more"), "{text}");
}

#[test]
fn variables_of_several_types_are_refused_by_name() {
    let mixed = vec![("a.bias", var(&[2], DType::F32)), ("b.bias", var(&[2], DType::F64))];
    let error = NamedVars::of(mixed).unwrap_err();
    assert!(
        matches!(&error, Error::MixedTypes { first, second, .. } if first == "a.bias" && second == "b.bias")
    );
    let half = NamedVars::of(vec![("a.bias", var(&[2], DType::BF16))]).unwrap_err();
    assert_eq!(half.to_string(), "`a.bias` is BF16, and not f32 or f64");
    let other = CandleModel::new(vec![("a.bias", var(&[2], DType::F64))], |x: &Tensor| x.sum_all());
    assert!(other.unwrap_err().to_string().contains("new_f64"));
}

#[test]
fn no_variables_and_one_variable_twice() {
    assert!(matches!(NamedVars::of(&VarMap::new()), Err(Error::NoVars)));
    let tied = var(&[2, 2], DType::F32);
    let error = NamedVars::of(vec![("in.weight", tied.clone()), ("out.weight", tied)]).unwrap_err();
    assert_eq!(error.to_string(), "`in.weight` and `out.weight` are one variable: list it once");
    let name = || vec![("a.bias", var(&[2], DType::F32)), ("a.bias", var(&[2], DType::F32))];
    assert!(matches!(NamedVars::of(name()), Err(Error::Core(loss_landscape::Error::DuplicateBlock { .. }))));
}

#[test]
fn a_theta_that_is_not_finite_is_named() {
    let bias = Var::new(&[0.0_f32, f32::NAN], &Device::Cpu).unwrap();
    let error = CandleModel::new(vec![("fc.bias", bias)], |x: &Tensor| x.sum_all()).unwrap_err();
    assert_eq!(error.to_string(), "θ is NaN at index 1 of block `fc.bias`");
}

#[test]
fn a_closure_that_returns_a_vector_is_told_so() {
    let bias = var(&[3], DType::F32);
    let inner = bias.clone();
    let model =
        CandleModel::new(vec![("fc.bias", bias.clone())], move |x: &Tensor| inner.broadcast_sub(x)?.sqr());
    let model = model.unwrap();
    let x = Tensor::new(&[1.0_f32], &Device::Cpu).unwrap();
    let text =
        "the closure returned a tensor of shape [3] as `loss`, which must be one number: take its mean";
    assert_eq!(model.loss(model.parameters(), &x).unwrap_err().to_string(), text);
    assert_eq!(model.gradient(model.parameters(), &x, &mut [0.0; 3]).unwrap_err().to_string(), text);
    // A vector of one value is a number.
    let inner = bias.clone();
    let model = CandleModel::new(vec![("fc.bias", bias)], move |x: &Tensor| {
        inner.broadcast_sub(x)?.sqr()?.mean_keepdim(0)
    });
    assert_eq!(model.unwrap().loss(&[2.0; 3], &x).unwrap(), 1.0);
}

#[test]
fn figures_must_be_as_many_as_channels() {
    let bias = var(&[3], DType::F32);
    let inner = bias.clone();
    let model = CandleModel::new(vec![("fc.bias", bias)], move |(): &()| {
        let loss = inner.sqr()?.mean_all()?;
        Ok([loss.clone(), loss])
    })
    .unwrap();
    let text = model.loss(model.parameters(), &()).unwrap_err().to_string();
    assert!(text.contains("2 tensors") && text.contains("further_channels"), "{text}");
    let model = model.further_channels(["accuracy"]);
    assert_eq!(Loss::<()>::channels(&model), ["loss", "accuracy"]);
    assert_eq!(model.loss(&[1.0; 3], &()).unwrap(), 1.0);
}

#[test]
fn a_loss_that_no_variable_reaches_is_told_so() {
    let model = CandleModel::new(vec![("fc.bias", var(&[3], DType::F32))], |x: &Tensor| x.sqr()?.mean_all());
    let (model, x) = (model.unwrap(), Tensor::new(&[1.0_f32], &Device::Cpu).unwrap());
    let text = model.gradient(model.parameters(), &x, &mut [0.0; 3]).unwrap_err().to_string();
    assert!(text.contains("no gradient reaches any of the 1 variables"), "{text}");
}

#[test]
fn a_theta_of_another_length_is_refused() {
    let bias = var(&[3], DType::F32);
    let inner = bias.clone();
    let model = CandleModel::new(vec![("fc.bias", bias)], move |(): &()| inner.sum_all()).unwrap();
    assert!(model.loss(&[1.0; 2], &()).is_err());
    assert!(model.gradient(&[1.0; 3], &(), &mut [0.0; 2]).is_err());
}

#[test]
fn roles_of_candles_layers() {
    let map = VarMap::new();
    let vb = VarBuilder::from_varmap(&map, DType::F32, &Device::Cpu);
    candle_nn::lstm(4, 3, candle_nn::LSTMConfig::default(), vb.pp("lstm")).unwrap();
    candle_nn::layer_norm(4, 1e-5, vb.pp("norm")).unwrap();
    candle_nn::conv2d(2, 5, 3, candle_nn::Conv2dConfig::default(), vb.pp("conv")).unwrap();
    candle_nn::batch_norm(5, 1e-5, vb.pp("bn")).unwrap();
    let vars = NamedVars::of(&map).unwrap();
    for (name, role, axis) in [
        ("lstm.weight_ih_l0", Role::Weight, Some(0)),
        ("lstm.bias_hh_l0", Role::Bias, None),
        ("norm.weight", Role::NormScale, None),
        ("norm.bias", Role::NormShift, None),
        ("conv.weight", Role::Weight, Some(0)),
        ("bn.running_var", Role::Buffer, None),
    ] {
        let block = vars.layout().block(name).unwrap();
        assert_eq!((block.role(), block.filter_axis()), (role, axis), "{name}");
    }
}
