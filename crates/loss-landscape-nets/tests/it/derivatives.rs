//! Gradients and Hessian-vector products of perceptrons of any shape, against central differences.

use crate::common::{hashed_vector, norm};
use loss_landscape::{Gradient, HessianProduct, Loss, Model, check::DerivativeCheck};
use loss_landscape_nets::{Activation, Criterion, Mlp, Samples};
use ndarray::Array2;
use proptest::prelude::*;

/// Length of the step of a difference.
const STEP: f64 = 1e-5;

fn samples(count: usize, inputs: usize, outputs: usize, squared: bool) -> Samples<f64> {
    let wave = |(i, j): (usize, usize)| ((i * 13 + j * 7) as f64).sin();
    let x = Array2::from_shape_fn((count, inputs), wave);
    if squared {
        Samples::regression(x, Array2::from_shape_fn((count, outputs), wave)).unwrap()
    } else {
        Samples::labelled(x, (0..count).map(|i| (i % outputs) as u32).collect()).unwrap()
    }
}

/// Whether each unit of each hidden layer is above 0, sample by sample; computed plainly.
fn signs(net: &Mlp<f64>, theta: &[f64], data: &Samples<f64>) -> Vec<bool> {
    let blocks = net.layout().blocks();
    let mut signs = Vec::new();
    for sample in data.inputs().chunks_exact(data.features()) {
        let mut values = sample.to_vec();
        for pair in blocks.chunks_exact(2).take(net.sizes().len() - 2) {
            let (weight, bias) = (pair[0].slice(theta).unwrap(), pair[1].slice(theta).unwrap());
            values = (weight.chunks_exact(values.len()).zip(bias))
                .map(|(row, bias)| (row.iter().zip(&values).map(|(w, x)| w * x).sum::<f64>() + bias).max(0.0))
                .collect();
            signs.extend(values.iter().map(|&z| z > 0.0));
        }
    }
    signs
}

/// The derivative along a unit vector against the difference of losses, and the product against that of gradients.
/// Rounding disturbs the first by 1e-14 of the loss, and the second by as much of the gradient, over the step.
fn along(net: &Mlp<f64>, data: &Samples<f64>, d: &[f64]) -> Result<(), TestCaseError> {
    let theta = net.parameters();
    let at = |step: f64| {
        let moved: Vec<f64> = theta.iter().zip(d).map(|(t, d)| t + step * d).collect();
        let mut gradient = vec![f64::NAN; theta.len()];
        let loss = net.loss(&moved, data).unwrap();
        net.gradient(&moved, data, &mut gradient).unwrap();
        (loss, gradient)
    };
    let [(low, below), (loss, gradient), (high, above)] = [-STEP, 0.0, STEP].map(at);
    let slope: f64 = gradient.iter().zip(d).map(|(g, d)| g * d).sum();
    let difference = (high - low) / (2.0 * STEP);
    let allowed = 1e-6 * slope.abs() + 1e-14 * (1.0 + loss) / STEP;
    prop_assert!((slope - difference).abs() <= allowed, "{slope} against {difference}, {allowed:e} allowed");
    let mut product = vec![f64::NAN; theta.len()];
    net.hessian_product(theta, d, data, &mut product).unwrap();
    let gap: Vec<f64> = (above.iter().zip(&below).zip(&product))
        .map(|((above, below), product)| (above - below) / (2.0 * STEP) - product)
        .collect();
    let allowed = 1e-6 * norm(&product) + 1e-14 * (1.0 + norm(&gradient)) / STEP;
    prop_assert!(norm(&gap) <= allowed, "product off by {:e}, {allowed:e} allowed", norm(&gap));
    Ok(())
}

proptest! {
    #[test]
    fn derivatives_agree_with_differences(
        sizes in prop::collection::vec(1..9_usize, 2..5), count in 1..300_usize, seed: u64, tanh: bool, squared: bool,
    ) {
        let activation = if tanh { Activation::Tanh } else { Activation::Relu };
        let criterion = if squared { Criterion::MeanSquaredError } else { Criterion::CrossEntropy };
        let net = Mlp::<f64>::new(&sizes, activation, criterion, seed).unwrap();
        let data = samples(count, sizes[0], sizes[sizes.len() - 1], squared);
        let hessian = DerivativeCheck::new().seed(seed).hessian_product(&net, net.parameters(), &data).unwrap();
        prop_assert!(hessian.asymmetry < 1e-12 && hessian.nonlinearity < 1e-12, "{hessian:?}");

        // A difference across a kink of ReLU is wrong by the kink: such directions are left for others.
        let mut tried = 0;
        for base in 0..50 {
            let d = hashed_vector::<f64>(net.layout(), (seed >> 1).wrapping_add(base * 1_000_003));
            let d: Vec<f64> = d.iter().map(|v| v / norm(&d)).collect();
            let moved = |step: f64| net.parameters().iter().zip(&d).map(|(t, d)| t + step * d).collect::<Vec<_>>();
            let smooth = tanh || {
                let pattern = |step: f64| signs(&net, &moved(step), &data);
                pattern(-STEP) == pattern(STEP) && pattern(0.0) == pattern(STEP)
            };
            if smooth {
                along(&net, &data, &d)?;
                tried += 1;
            }
            if tried == 3 {
                break;
            }
        }
        prop_assert!(tried > 0, "50 directions across kinks");
    }
}
