//! Surfaces of a network that candle has trained on the digits.

use candle_core::{DType, Device, Tensor};
use candle_nn::VarMap;
use loss_landscape::{
    Curve, Gradient, Loss, Model, OracleError, RandomDirections, Sweep, check::check_gradient,
};
use loss_landscape_candle::{CandleModel, RebuiltModel, tensor_fingerprint};

use crate::common::{Cnn, Data, bits, digits, first, fresh, train};

fn trained() -> (VarMap, Cnn, Data) {
    let [data, test] = digits(DType::F32).unwrap();
    let (map, net) = fresh(DType::F32, false).unwrap();
    train(&map, &net, &data, 6).unwrap();
    (map, net, test)
}

#[test]
fn a_surface_is_that_of_a_plain_loop_in_candle() {
    let (map, net, test) = trained();
    let test = first(&test, 200).unwrap();
    let model =
        CandleModel::new(&map, |data: &Data| net.figures(data)).unwrap().further_channels(["accuracy"]);
    let plane = RandomDirections::new(42).pair(&model).unwrap();
    let sweep = || {
        Sweep::plane(&model, plane.clone())
            .data("test", &test)
            .alpha(-1.0..=1.0, 5)
            .beta(-0.5..=0.5, 3)
            .here()
    };
    let surface = sweep().run().unwrap();
    let accuracy = surface.channel("test accuracy").unwrap();
    assert!(accuracy[[2, 1]] > 0.85, "the trained network is right for {}", accuracy[[2, 1]]);
    assert!(surface.report().bad_points.is_empty());

    // By hand: another network, whose variables are set from tensors that candle adds.
    let (mut other, by_hand) = fresh(DType::F32, false).unwrap();
    for (i, alpha) in surface.alpha().iter().enumerate() {
        for (j, beta) in surface.beta().iter().enumerate() {
            for (number, block) in model.layout().blocks().iter().enumerate() {
                let part = |vector: &[f32]| {
                    Tensor::from_slice(&vector[block.range()], block.shape(), &Device::Cpu).unwrap()
                };
                let [d, e] = [plane.first(), plane.second()].map(|direction| part(direction.values()));
                let own = model.vars().vars()[number].as_detached_tensor();
                let theta = ((own + (d * *alpha).unwrap()).unwrap() + (e * *beta).unwrap()).unwrap();
                other.set_one(block.name(), theta).unwrap();
            }
            let expected = f64::from(by_hand.loss(&test).unwrap().to_scalar::<f32>().unwrap());
            let found = surface.loss()[[i, j]];
            assert!(
                (found - expected).abs() <= 1e-6 * expected.abs().max(1.0),
                "{found} {expected} at {i}, {j}"
            );
        }
    }
}

#[test]
fn a_point_is_the_same_wherever_it_is_combined() {
    let (map, net, test) = trained();
    let test = first(&test, 50).unwrap();
    let surface = |on_device| {
        let model =
            CandleModel::new(&map, |data: &Data| net.loss(data)).unwrap().combine_on_device(on_device);
        let sweep = Sweep::plane(&model, RandomDirections::new(7)).data("test", &test);
        sweep.alpha(-1.0..=1.0, 4).beta(-1.0..=1.0, 3).here().run().unwrap()
    };
    assert_eq!(surface(true).loss(), surface(false).loss());
}

#[test]
fn segments_are_combined_on_the_device_too() {
    let (map, net, test) = trained();
    let test = first(&test, 50).unwrap();
    let (start, _) = fresh(DType::F32, false).unwrap();
    let begin = CandleModel::new(&start, |data: &Data| net.loss(data)).unwrap();
    let curve = |on_device| -> Curve {
        let model =
            CandleModel::new(&map, |data: &Data| net.loss(data)).unwrap().combine_on_device(on_device);
        let sweep = Sweep::segment(&model, begin.parameters(), model.parameters()).data("test", &test);
        sweep.alpha(-0.25..=1.25, 7).here().run().unwrap()
    };
    for (on_device, here) in curve(true).loss().iter().zip(curve(false).loss()) {
        assert!((on_device - here).abs() < 1e-5 * here.max(1.0), "{on_device} {here}");
    }
}

#[test]
fn threads_with_networks_of_their_own_find_the_same_bits() {
    let [_, test] = digits(DType::F32).unwrap();
    let test = first(&test, 60).unwrap();
    let build = || -> Result<_, OracleError> {
        let (map, net) = fresh(DType::F32, false)?;
        Ok(CandleModel::new(&map, move |data: &Data| net.loss(data))?)
    };
    let model = build().unwrap();
    let sweep = || {
        Sweep::plane(&model, RandomDirections::new(3))
            .data("test", &test)
            .alpha(-1.0..=1.0, 7)
            .beta(-1.0..=1.0, 5)
    };
    let alone = sweep().here().run().unwrap();
    let together = sweep().per_thread(build).threads(3).run().unwrap();
    assert_eq!(together.report().threads, 3);
    assert!(together.report().bad_points.is_empty(), "{}", together.report());
    assert_eq!(alone.loss(), together.loss());
}

#[test]
fn variables_that_threads_share_are_refused_and_not_mixed_up() {
    let [_, test] = digits(DType::F32).unwrap();
    let test = first(&test, 20).unwrap();
    let (map, _) = fresh(DType::F32, false).unwrap();
    // One `VarMap` for all threads, which is a slip: each must have its own.
    let build = || -> Result<_, OracleError> {
        let vb = candle_nn::VarBuilder::from_varmap(&map, DType::F32, &Device::Cpu);
        let net = Cnn::new(&vb, false)?;
        Ok(CandleModel::new(&map, move |data: &Data| {
            // Longer than the others need to begin.
            std::thread::sleep(std::time::Duration::from_millis(20));
            net.loss(data)
        })?)
    };
    let model = build().unwrap();
    let sweep = || {
        Sweep::plane(&model, RandomDirections::new(3))
            .data("", &test)
            .alpha(-1.0..=1.0, 3)
            .beta(-1.0..=1.0, 3)
    };
    let right = sweep().here().run().unwrap();
    let found = sweep().per_thread(build).threads(3).run().unwrap();
    let bad = &found.report().bad_points;
    assert!(!bad.is_empty());
    assert!(bad[0].failure.to_string().contains("variables of its own"), "{}", bad[0].failure);
    for (found, right) in found.loss().iter().zip(right.loss()) {
        assert!(found.is_nan() || found == right, "{found} {right}");
    }
}

#[test]
fn fingerprints_know_values_types_and_shapes() {
    let [data, test] = digits(DType::F32).unwrap();
    let (map, net) = fresh(DType::F32, false).unwrap();
    let model = CandleModel::new(&map, |data: &Data| net.loss(data))
        .unwrap()
        .fingerprint_by(|(x, y): &Data| tensor_fingerprint([x, y]));
    assert_eq!(model.fingerprint(&test), model.fingerprint(&test.clone()));
    assert_ne!(model.fingerprint(&test), model.fingerprint(&data));
    let double = test.0.to_dtype(DType::F64).unwrap();
    assert_ne!(tensor_fingerprint([&test.0]), tensor_fingerprint([&double]));
    let labels = test.1.to_dtype(DType::I64).unwrap();
    assert_ne!(tensor_fingerprint([&labels]), tensor_fingerprint([&labels.to_dtype(DType::F64).unwrap()]));
    // Numbers that f64 cannot tell apart.
    let [one, other] = [1_i64 << 60, (1 << 60) + 1].map(|n| Tensor::new(&[n], &Device::Cpu).unwrap());
    assert_ne!(tensor_fingerprint([&one]), tensor_fingerprint([&other]));
    assert_ne!(tensor_fingerprint([&one, &other]), tensor_fingerprint([&other, &one]));
}

#[test]
fn a_network_that_is_rebuilt_is_shared_by_threads_with_the_same_bits() {
    let (map, net, test) = trained();
    let test = first(&test, 60).unwrap();
    let before = bits(&map);
    let set = CandleModel::new(&map, |data: &Data| net.figures(data)).unwrap().further_channels(["accuracy"]);
    let (alpha, beta) = (5, 3);
    let expected = Sweep::plane(&set, RandomDirections::new(3)).data("", &test).alpha(-1.0..=1.0, alpha);
    let expected = expected.beta(-1.0..=1.0, beta).here().run().unwrap();
    for on_device in [false, true] {
        let model = RebuiltModel::new(&map, |vb, data: &Data| Cnn::new(&vb, false)?.figures(data));
        let model = model.unwrap().further_channels(["accuracy"]).combine_on_device(on_device);
        let sweep = Sweep::plane(&model, RandomDirections::new(3)).data("", &test).alpha(-1.0..=1.0, alpha);
        let found = sweep.beta(-1.0..=1.0, beta).threads(3).run().unwrap();
        assert_eq!(found.report().threads, 3);
        assert_eq!(found.loss(), expected.loss());
        assert_eq!(found.channel("accuracy").unwrap(), expected.channel("accuracy").unwrap());
    }
    assert_eq!(bits(&map), before);
}

#[test]
fn what_asks_for_a_model_that_threads_share_takes_one_that_is_rebuilt() {
    let [data, _] = digits(DType::F64).unwrap();
    let (map, net) = fresh(DType::F64, true).unwrap();
    let data = first(&data, 16).unwrap();
    let model = RebuiltModel::new_f64(&map, |vb, data: &Data| Cnn::new(&vb, true)?.loss(data)).unwrap();
    let check = check_gradient(&model, model.parameters(), &data).unwrap();
    assert!(check.error < 1e-7 && check.loss_error == 0.0, "{check:?}");
    let set = CandleModel::new_f64(&map, |data: &Data| net.loss(data)).unwrap();
    let [mut one, mut other] = [(); 2].map(|()| vec![0.0; model.parameters().len()]);
    model.gradient(model.parameters(), &data, &mut one).unwrap();
    set.gradient(set.parameters(), &data, &mut other).unwrap();
    assert_eq!(one, other);
    let curve = loss_landscape::line_1d(&model, &data, RandomDirections::new(1)).unwrap();
    assert!(curve.report().bad_points.is_empty());
}

#[test]
fn threads_cannot_share_a_model_that_sets_variables() {
    /// Which of two implementations is meant can be inferred only if there is one: for types that are not `Sync`.
    trait NotSync<Which> {
        fn holds(&self) -> bool {
            true
        }
    }
    impl<T> NotSync<()> for T {}
    impl<T: Sync> NotSync<u8> for T {}

    let (map, _) = fresh(DType::F32, false).unwrap();
    let model = CandleModel::new(&map, |x: &Tensor| x.mean_all()).unwrap();
    assert!(model.holds());
}
