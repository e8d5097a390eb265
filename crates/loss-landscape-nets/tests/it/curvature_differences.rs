//! Networks whose exact products are hidden: the ends of the spectrum by differences of gradients in `f32`.

use loss_landscape::{
    EigenRatio, Gradient, HessianProduct, Layout, Loss, Model, OracleError, RandomDirections, Sweep,
    curvature::{HessianOperator, Lanczos, LanczosEnd},
};
use loss_landscape_nets::{Activation, Criterion, Mlp, Samples, Sgd, digits};

/// A network that has gradients alone.
struct Gradients(Mlp<f32>);

impl Model for Gradients {
    type Scalar = f32;
    fn layout(&self) -> &Layout {
        self.0.layout()
    }
    fn parameters(&self) -> &[f32] {
        self.0.parameters()
    }
}

impl Loss<Samples<f32>> for Gradients {
    fn loss(&self, theta: &[f32], data: &Samples<f32>) -> Result<f64, OracleError> {
        self.0.loss(theta, data)
    }
}

impl Gradient<Samples<f32>> for Gradients {
    fn gradient(&self, theta: &[f32], data: &Samples<f32>, out: &mut [f32]) -> Result<f64, OracleError> {
        self.0.gradient(theta, data, out)
    }
}

impl HessianProduct<Samples<f32>> for Gradients {}

/// A trained network, its θ the same in both precisions.
fn network(activation: Activation, seed: u64) -> (Gradients, Mlp<f64>) {
    let (_, train) = digits::<f64>().unwrap();
    let sizes = [64, 8, 10];
    let mut net = Mlp::<f64>::new(&sizes, activation, Criterion::CrossEntropy, seed).unwrap();
    Sgd::new(0.1).momentum(0.9).batch_size(32).epochs(8).train(&mut net, &train).unwrap();
    let single: Vec<f32> = net.parameters().iter().map(|&t| t as f32).collect();
    let double = single.iter().map(|&t| f64::from(t)).collect();
    let low = Mlp::<f32>::new(&sizes, activation, Criterion::CrossEntropy, seed).unwrap();
    (Gradients(low.at(single).unwrap()), net.at(double).unwrap())
}

#[test]
fn smooth_networks_are_certified_and_right() {
    let (single, double) = (digits::<f32>().unwrap().1, digits::<f64>().unwrap().1);
    for seed in 0..4 {
        let (gradients, exact) = network(Activation::Tanh, seed);
        let mut products = HessianOperator::new(&exact, exact.parameters(), &double).unwrap();
        let truth = Lanczos::new().tolerance(1e-6).run(&mut products).unwrap();
        let mut hessian = HessianOperator::new(&gradients, gradients.parameters(), &single).unwrap();
        let found = Lanczos::new().tolerance(0.005).run(&mut hessian).unwrap();
        assert_eq!(found.end, LanczosEnd::Certified, "{seed}: {found}");
        assert!((found.ratio() - truth.ratio()).abs() < 0.005, "{seed}: {found}");
        assert!((found.lambda_max / truth.lambda_max - 1.0).abs() < 1e-3, "{seed}: {found}");
        assert!(found.product_error > 0.0 && found.product_error < 1e-3 * found.lambda_max, "{found:?}");
    }
}

#[test]
fn a_map_by_differences_has_no_marks_and_the_same_bits_for_any_number_of_threads() {
    let data = digits::<f32>().unwrap().1;
    let (gradients, _) = network(Activation::Tanh, 7);
    let map = |threads: usize| {
        let plane = Sweep::plane(&gradients, RandomDirections::new(1)).data("", &data);
        let plane = plane.alpha(-1.0..=1.0, 5).beta(-1.0..=1.0, 5).threads(threads);
        plane.eigen_ratio(&EigenRatio::new()).unwrap()
    };
    let (one, two) = (map(1), map(2));
    assert_eq!(one.values(), two.values());
    assert!(one.uncertain().iter().all(|&marked| !marked), "{:?}", one.ends());
    assert_eq!(one.reason(), None);
}

/// Differences across kinks are no Hessian: what is said of them is true all the same.
#[test]
fn kinks_are_told() {
    let (single, double) = (digits::<f32>().unwrap().1, digits::<f64>().unwrap().1);
    let mut refused = 0;
    for seed in 0..4 {
        let (gradients, exact) = network(Activation::Relu, seed);
        let mut products = HessianOperator::new(&exact, exact.parameters(), &double).unwrap();
        let truth = Lanczos::new().tolerance(1e-6).run(&mut products).unwrap();
        let mut hessian = HessianOperator::new(&gradients, gradients.parameters(), &single).unwrap();
        let found = Lanczos::new().tolerance(0.005).run(&mut hessian).unwrap();
        let [low, high] = found.ratio_interval();
        assert!(low <= truth.ratio() && truth.ratio() <= high, "{seed}: {found}, not {}", truth.ratio());
        if matches!(found.end, LanczosEnd::Inexact | LanczosEnd::Asymmetric) {
            refused += 1;
            let reason = found.reason().unwrap();
            assert!(reason.starts_with("products by differences in f32 are "), "{reason}");
            assert!(reason.ends_with("use f64, or exact products") && found.to_string().contains(&reason));
        }
    }
    assert!(refused > 0, "no kink was met");
}
