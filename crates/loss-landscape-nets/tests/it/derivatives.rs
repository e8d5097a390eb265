//! Gradients and Hessian-vector products of networks of any shape, against central differences.

use loss_landscape::{Model, check::DerivativeCheck};
use loss_landscape_nets::{Activation, Criterion, Mlp, Samples};
use ndarray::Array2;
use proptest::prelude::*;

proptest! {
    #[test]
    fn derivatives_agree_with_differences(
        sizes in prop::collection::vec(1..9_usize, 2..5), samples in 1..300_usize, seed: u64, tanh: bool, squared: bool,
    ) {
        let activation = if tanh { Activation::Tanh } else { Activation::Relu };
        let criterion = if squared { Criterion::MeanSquaredError } else { Criterion::CrossEntropy };
        let net = Mlp::<f64>::new(&sizes, activation, criterion, seed).unwrap();
        let (inputs, outputs) = (sizes[0], sizes[sizes.len() - 1]);
        let wave = |(i, j): (usize, usize)| ((i * 13 + j * 7) as f64).sin();
        let x = Array2::from_shape_fn((samples, inputs), wave);
        let data = if squared {
            Samples::regression(x, Array2::from_shape_fn((samples, outputs), wave)).unwrap()
        } else {
            Samples::labelled(x, (0..samples).map(|i| (i % outputs) as u32).collect()).unwrap()
        };
        let check = DerivativeCheck::new().seed(seed);
        let gradient = check.gradient(&net, net.parameters(), &data).unwrap();
        let hessian = check.hessian_product(&net, net.parameters(), &data).unwrap();
        prop_assert!(hessian.asymmetry < 1e-12 && hessian.nonlinearity < 1e-12, "{hessian:?}");
        // A difference across a kink of ReLU is wrong by the kink, so only smooth networks are held
        // to it; the ReLU products are linear algebra of the same passes.
        if tanh || sizes.len() == 2 {
            prop_assert!(gradient.error < 1e-6 || gradient.gradient.abs() < 1e-9, "{gradient:?}");
            prop_assert!(hessian.error < 1e-5, "{hessian:?}");
        }
    }
}
