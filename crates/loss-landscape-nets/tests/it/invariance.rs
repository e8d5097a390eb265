//! The paper's own point: filter normalisation takes the scale of the weights out of the picture.

use loss_landscape::{Model, Norm, Normalization, RandomDirections, Surface, Sweep};
use loss_landscape_nets::{Activation, Criterion, Mlp, Samples, digits};

/// The same function: the first layer times 10, the second over 10, through ReLU.
fn rescaled(net: &Mlp<f64>) -> Mlp<f64> {
    let mut theta = net.parameters().to_vec();
    let layout = net.layout().clone();
    for (block, factor) in [("fc1.weight", 10.0), ("fc1.bias", 10.0), ("fc2.weight", 0.1)] {
        for value in layout.block(block).unwrap().slice_mut(&mut theta).unwrap() {
            *value *= factor;
        }
    }
    net.clone().at(theta).unwrap()
}

fn surface(net: &Mlp<f64>, data: &Samples<f64>, rule: Normalization) -> Surface {
    let dirs = RandomDirections::new(11).normalization(rule).pair(net).unwrap();
    Sweep::plane(net, dirs).data("", data).alpha(-1.0..=1.0, 7).beta(-1.0..=1.0, 7).run().unwrap()
}

fn largest_change(a: &Surface, b: &Surface) -> f64 {
    let (a, b) = (a.channel("loss").unwrap(), b.channel("loss").unwrap());
    a.iter().zip(b.iter()).map(|(a, b)| (a - b).abs() / a).fold(0.0, f64::max)
}

#[test]
fn filter_normalised_surfaces_ignore_the_scale_and_others_do_not() {
    let (data, _) = digits().unwrap();
    let net = Mlp::new(&[64, 12, 10], Activation::Relu, Criterion::CrossEntropy, 5).unwrap();
    let other = rescaled(&net);
    for norm in [Norm::Filter, Norm::Layer, Norm::Weight] {
        let rule = Normalization::default().with_norm(norm);
        let change = largest_change(&surface(&net, &data, rule), &surface(&other, &data, rule));
        assert!(change < 1e-9, "{norm}: {change:e}");
    }
    for norm in [Norm::None, Norm::UnitFilter, Norm::UnitLayer] {
        let rule = Normalization::default().with_norm(norm);
        let change = largest_change(&surface(&net, &data, rule), &surface(&other, &data, rule));
        assert!(change > 0.1, "{norm}: {change:e}");
    }
}
