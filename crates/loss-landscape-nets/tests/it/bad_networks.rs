//! Networks, data and parameters that do not fit, each refused with what is wrong, and sweeps that leave
//! the numbers there are.

use crate::common::{hashed_inputs, hashed_samples};
use loss_landscape::{
    Direction, Gradient, HessianProduct, Layout, Loss, Model, RandomDirections, Sweep, from_checkpoint_bytes,
    report::{PointFailure, SweepEnd},
    to_checkpoint_bytes,
};
use loss_landscape_nets::{
    Architecture, Chain, Conv, Criterion, Error, Network, Piece, Pool, Samples, Skips,
};
use ndarray::{Array2, Array4};

const INPUT: [usize; 3] = [2, 6, 4];

fn architecture() -> Architecture {
    let chain =
        Chain::new().conv3x3("conv", 3, 1).batch_norm("bn").relu().global_average_pool().linear("fc", 5);
    Architecture::new(INPUT, chain).unwrap()
}

fn network(criterion: Criterion) -> Network<f64> {
    Network::new(&architecture(), criterion, 1).unwrap()
}

/// What every use of the data says; all must say the same.
fn refused(net: &Network<f64>, theta: &[f64], data: &Samples<f64>) -> String {
    let mut out = vec![0.0; net.layout().len()];
    let v = vec![1.0; out.len()];
    let mut errors = vec![
        net.loss(theta, data).unwrap_err().to_string(),
        net.measure(theta, data, &mut [0.0; 2]).unwrap_err().to_string(),
        net.gradient(theta, data, &mut out).unwrap_err().to_string(),
        net.hessian_product(theta, &v, data, &mut out).unwrap_err().to_string(),
    ];
    errors.push(match net.hessian_worker(data) {
        Err(error) => error.to_string(),
        Ok(mut worker) => worker.at(theta).unwrap_err().to_string(),
    });
    assert!(errors.iter().all(|error| *error == errors[0]), "{errors:?}");
    errors.remove(0)
}

#[test]
fn data_that_does_not_fit_is_refused_everywhere() {
    let net = network(Criterion::CrossEntropy);
    let targets = Samples::regression(hashed_inputs(3, 48), Array2::zeros((3, 5))).unwrap();
    let turned = Samples::images(Array4::zeros((3, 2, 4, 6)), vec![0; 3]).unwrap();
    for (data, says) in [
        (hashed_samples(3, 47, 5), "an input has 47 where 48 is needed"),
        (
            Samples::labelled(hashed_inputs(3, 48), vec![0, 4, 5]).unwrap(),
            "label 5 of sample 2 is out of range for 5 classes",
        ),
        (targets, "the loss cross-entropy needs labels (`Samples::labelled`)"),
        (turned, "layer `the input` cannot take 2×4×6 (channels, height, width): it needs images of 2×6×4"),
    ] {
        assert_eq!(refused(&net, net.parameters(), &data), says);
        // A sweep refuses before its first point.
        let dirs = RandomDirections::new(1).pair(&net).unwrap();
        let error = Sweep::plane(&net, dirs).data("set", &data).run().unwrap_err();
        assert!(
            matches!(error, loss_landscape::Error::Oracle { .. }) && error.to_string().contains(says),
            "{error}"
        );
    }
    let net = network(Criterion::MeanSquaredError);
    let few = Samples::regression(hashed_inputs(3, 48), Array2::zeros((3, 4))).unwrap();
    assert_eq!(refused(&net, net.parameters(), &few), "a target has 4 where 5 is needed");
    let labels = hashed_samples(3, 48, 5);
    let says = "the loss mean squared error needs target values (`Samples::regression`)";
    assert_eq!(refused(&net, net.parameters(), &labels), says);
    // Outputs need no targets, but inputs that fit.
    assert!(net.outputs(net.parameters(), &labels).is_ok());
    let error = net.outputs(net.parameters(), &hashed_samples(3, 47, 5)).unwrap_err();
    assert!(matches!(error, Error::SampleShape { found: 47, expected: 48, .. }), "{error}");
}

#[test]
fn data_without_samples_cannot_be_made() {
    for (samples, features) in [(0, 48), (3, 0)] {
        let inputs = Array2::<f64>::zeros((samples, features));
        assert!(matches!(Samples::labelled(inputs.clone(), vec![0; samples]), Err(Error::NoSamples)));
        assert!(matches!(Samples::regression(inputs, Array2::zeros((samples, 5))), Err(Error::NoSamples)));
    }
    assert!(matches!(Samples::<f64>::images(Array4::zeros((0, 2, 6, 4)), vec![]), Err(Error::NoSamples)));
}

#[test]
fn parameters_of_another_length_are_refused_everywhere() {
    let net = network(Criterion::CrossEntropy);
    let (data, len) = (hashed_samples(3, 48, 5), net.layout().len());
    for wrong in [0, len - 1, len + 1] {
        let says = format!("θ has {wrong} values where the layout has {len} parameters");
        assert_eq!(refused(&net, &vec![0.1; wrong], &data), says);
        assert_eq!(net.outputs(&vec![0.1; wrong], &data).unwrap_err().to_string(), says);
        let error = net.clone().at(vec![0.1; wrong]).unwrap_err();
        assert!(
            matches!(error, Error::Core(loss_landscape::Error::Length { .. })) && error.to_string() == says,
            "{error}"
        );

        let (theta, mut short, mut right) = (net.parameters(), vec![0.0; wrong], vec![0.0; len]);
        assert!(net.gradient(theta, &data, &mut short).is_err());
        assert!(net.hessian_product(theta, &vec![1.0; wrong], &data, &mut right).is_err());
        assert!(net.hessian_product(theta, &vec![1.0; len], &data, &mut short).is_err());
    }
    let mut worker = net.hessian_worker(&data).unwrap();
    let mut out = vec![0.0; len];
    assert!(worker.product(&vec![1.0; len], &mut out).is_err(), "never moved to a θ");
}

#[test]
fn parameters_that_are_not_finite_are_refused_with_their_block() {
    let net = network(Criterion::CrossEntropy);
    for (block, value) in [("conv.weight", f64::NAN), ("bn.running_var", f64::INFINITY)] {
        let mut theta = net.parameters().to_vec();
        theta[net.layout().block(block).unwrap().range().start + 2] = value;
        match net.clone().at(theta).unwrap_err() {
            Error::Core(loss_landscape::Error::NonFinite { block: found, index: 2, .. }) => {
                assert_eq!(found, block);
            }
            error => panic!("{error}"),
        }
    }
}

/// A line that is a network all the way, but for one block.
fn line(block: &str, along: f64, data: &Samples<f64>, alpha: &[f64]) -> (Vec<f64>, Vec<[usize; 2]>) {
    let net = network(Criterion::CrossEntropy);
    let mut values = vec![0.0; net.layout().len()];
    values[net.layout().block(block).unwrap().range()].fill(along);
    let direction = Direction::new(net.layout(), values).unwrap();
    let curve = Sweep::line(&net, direction).data("", data).alpha_at(alpha).run().unwrap();
    let report = curve.report();
    assert_eq!((report.end, report.computed), (SweepEnd::Complete, alpha.len()));
    for bad in &report.bad_points {
        assert!(matches!(&bad.failure, PointFailure::NonFinite { channel, .. } if channel == "loss"));
    }
    let bad = report.bad_points.iter().map(|bad| bad.index).collect();
    (curve.channel("loss").unwrap().to_vec(), bad)
}

#[test]
fn a_sweep_keeps_what_is_not_finite_and_lists_it() {
    let data = hashed_samples(20, 48, 5);
    // A variance below 0 has no root.
    let (losses, bad) = line("bn.running_var", -1.0, &data, &[0.0, 0.5, 1.5, 2.5]);
    assert!(losses[..2].iter().all(|loss| loss.is_finite()));
    assert!(losses[2..].iter().all(|loss| loss.is_nan()), "{losses:?}");
    assert_eq!(bad, [[2, 0], [3, 0]]);
    // A softmax of outputs too large for the scalar; the points after it are as if it had not been.
    let (losses, bad) = line("conv.weight", 1e308, &data, &[-1e-308, 0.0, 10.0]);
    assert!(losses[..2].iter().all(|loss| loss.is_finite()) && !losses[2].is_finite(), "{losses:?}");
    assert_eq!(bad, [[2, 0]]);
    let (alone, none) = line("conv.weight", 1e308, &data, &[0.0]);
    assert_eq!((alone[0].to_bits(), none.len()), (losses[1].to_bits(), 0));
}

#[test]
fn one_thread_computes_on_after_a_point_that_is_not_finite() {
    let (net, data) = (network(Criterion::CrossEntropy), hashed_samples(20, 48, 5));
    let mut values = vec![0.0; net.layout().len()];
    values[net.layout().block("bn.running_var").unwrap().range()].fill(1.0);
    let direction = Direction::new(net.layout(), values).unwrap();
    let alpha = [-3.0, -2.0, -0.5, 0.0];
    let curve = Sweep::line(&net, direction).data("", &data).alpha_at(&alpha).threads(1).run().unwrap();
    let losses = curve.channel("loss").unwrap();
    assert!(losses[0].is_nan() && losses[1].is_nan() && losses[2].is_finite());
    assert_eq!(losses[3].to_bits(), net.loss(net.parameters(), &data).unwrap().to_bits());
}

#[test]
fn architectures_that_do_not_fit_say_where_and_why() {
    let pool = Pool::new(5);
    let unfit = |chain: Chain| Architecture::new(INPUT, chain).unwrap_err().to_string();
    let conv = |name: &str| Chain::new().conv3x3(name, 3, 1);
    for (chain, layer, shape, needs) in [
        (conv("a"), "`the last layer`", "3×6×4", "one value for each output"),
        (Chain::new().conv(Conv::new("a", 3, 5).padding(0)), "`a`", "2×6×4", "5×5 kernel"),
        (Chain::new().conv(Conv::new("a", 3, 3).padding(3)), "`a`", "2×6×4", "padding 3"),
        (Chain::new().conv(Conv::new("a", 3, 16)), "`a`", "2×6×4", "side 16"),
        (Chain::new().conv(Conv::new("a", 3, 3).stride(0)), "`a`", "2×6×4", "stride 0"),
        (Chain::new().conv(Conv::new("a", 3, 3).stride([1, 0])), "`a`", "2×6×4", "stride 1×0"),
        (Chain::new().conv(Conv::new("a", 3, [3, 0])), "`a`", "2×6×4", "side 3×0"),
        (Chain::new().conv(Conv::new("a", 3, 3).dilation(0)), "`a`", "2×6×4", "dilation 0"),
        (Chain::new().conv(Conv::new("a", 3, 3).dilation(usize::MAX)), "`a`", "2×6×4", "dilation 1"),
        (Chain::new().conv(Conv::new("a", 3, 3).dilation(3)), "`a`", "2×6×4", "3×3 kernel"),
        (Chain::new().conv(Conv::new("a", 3, 3).groups(3)), "`a`", "2×6×4", "3 outputs for 3 groups"),
        (Chain::new().conv(Conv::new("a", 4, 3).groups(0)), "`a`", "2×6×4", "for 0 groups"),
        (Chain::new().scope("s.0", conv("a").conv3x3("b", 0, 1)), "`s.0.b`", "3×6×4", "at least one channel"),
        (conv("a").max_pool(pool), "`the max pool after `a``", "3×6×4", "windows of 5×5"),
        (conv("a").average_pool(Pool::new(2).ceil(true)), "average pool after `a`", "3×6×4", "inside"),
        (conv("a").max_pool(Pool::new(3).padding(2)), "max pool after `a`", "3×6×4", "half a window"),
        (Chain::new().skip(conv("a"), Chain::new()), "`the skip after `a``", "3×6×4", "2×6×4"),
        (Chain::new().concat([Chain::new(), Chain::new().conv3x3("b", 3, 2)]), "after `b`", "3×3×2", "6×4"),
        (Chain::new().linear("fc", 0), "`fc`", "2×6×4", "at least one output"),
        (conv("a").pixel_linear("fc", 0), "`fc`", "3×6×4", "at least one output"),
        (conv("a").group_norm("n", 2), "`n`", "3×6×4", "not 3 for 2"),
        (conv("a").group_norm("n", 0), "`n`", "3×6×4", "not 3 for 0"),
        (conv("a").adaptive_average_pool([2, 0]), "adaptive pool after `a`", "3×6×4", "not 2×0"),
        (
            conv("a").transposed(Chain::new().global_average_pool()),
            "pieces up to `a`",
            "24×1×1",
            "3×1 pixels",
        ),
    ] {
        let error = unfit(chain);
        assert!([layer, shape, needs].iter().all(|part| error.contains(part)), "{error}: {layer} {needs}");
    }
    for epsilon in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let norm = Piece::LayerNorm { name: "n".to_owned(), epsilon };
        let says = format!("the epsilon of a normalisation must be positive and finite, not {epsilon}");
        assert_eq!(unfit(Chain::new().piece(norm)), says);
    }
    assert!(unfit(Chain::new().linear("fc", 3).linear("fc", 3)).contains("fc.weight"));
    let zero = Architecture::new([2, 0, 4], conv("a")).unwrap_err().to_string();
    assert!(zero.contains("2×0×4"), "{zero}");
}

fn read(from: &Layout, to: &Layout) -> loss_landscape::Error {
    let file = to_checkpoint_bytes(from, &vec![0.5_f32; from.len()]).unwrap();
    assert!(from_checkpoint_bytes::<f32>(from, &file).is_ok());
    from_checkpoint_bytes::<f32>(to, &file).unwrap_err()
}

#[test]
fn a_checkpoint_of_another_architecture_is_refused_with_what_differs() {
    let resnet = |depth, classes, skips| Architecture::resnet(depth, [1, 8, 8], classes, skips).unwrap();
    let net = resnet(20, 10, Skips::With);
    match read(net.layout(), resnet(20, 10, Skips::Without).layout()) {
        loss_landscape::Error::Checkpoint { missing, extra, misshapen, mistyped } => {
            assert!(missing.is_empty() && misshapen.is_empty() && mistyped.is_empty());
            assert!(extra.len() == 10 && extra.iter().all(|name| name.contains(".shortcut.")), "{extra:?}");
        }
        error => panic!("{error}"),
    }
    match read(net.layout(), resnet(20, 7, Skips::With).layout()) {
        loss_landscape::Error::Checkpoint { misshapen, .. } => {
            let weight = ("linear.weight".to_owned(), vec![10, 64], vec![7, 64]);
            assert_eq!(misshapen, [weight, ("linear.bias".to_owned(), vec![10], vec![7])]);
        }
        error => panic!("{error}"),
    }
    match read(net.layout(), resnet(26, 10, Skips::With).layout()) {
        loss_landscape::Error::Checkpoint { missing, extra, .. } => {
            assert!(extra.is_empty() && missing.len() == 30, "{missing:?}");
            assert!(missing.iter().all(|name| name.contains(".3.")), "{missing:?}");
        }
        error => panic!("{error}"),
    }
    let says = read(net.layout(), Architecture::vgg9([1, 8, 8], 10).unwrap().layout()).to_string();
    assert!(says.contains("`features.0.weight`"), "{says}");
}
