//! Derivatives in training mode, where normalisation bends with the batch: against differences.

use loss_landscape::{Model, curvature::HessianPart};
use loss_landscape_kernels::AlignedBuffer;
use ndarray::Array2;

use crate::{
    Architecture, Chain, Conv, Criterion, Network, Samples, Sgd,
    layers::Weights,
    network::{
        chunk_state::{ChunkState, Keep},
        plan::{Mode, Plan},
        tangent_state::{TangentInput, TangentState},
    },
};

fn number(i: usize) -> f64 {
    (1.7 * i as f64 + 0.3).sin()
}

fn samples(count: usize, features: usize) -> Samples<f64> {
    let inputs = Array2::from_shape_fn((count, features), |(i, j)| number(i * features + j));
    Samples::labelled(inputs, (0..count as u32).map(|i| i * 5 % 3).collect()).unwrap()
}

/// A whole batch in training mode.
struct Batch {
    plan: Plan<f64>,
    data: Samples<f64>,
}

impl Batch {
    fn at(&self, theta: &[f64]) -> (Weights<f64>, ChunkState<f64>, AlignedBuffer<f64>, Vec<f64>) {
        let mut weights = self.plan.weights(true);
        self.plan.load(theta, &mut weights);
        let mut state = ChunkState::new(&self.plan, self.data.len(), Keep::All);
        let mut scratch = AlignedBuffer::new(self.plan.scratch_len());
        let mut gradient = vec![0.0; theta.len()];
        let (inputs, wanted) = self.data.slice(0..self.data.len());
        state.forward(&self.plan, &weights, inputs);
        state.finish(&self.plan, wanted);
        let scale = 1.0 / self.data.len() as f64;
        state.backward(&self.plan, &weights, wanted, scale, &mut scratch, Some(&mut gradient));
        self.plan.put_in_order(&mut gradient);
        (weights, state, scratch, gradient)
    }

    fn product(&self, theta: &[f64], v: &[f64]) -> Vec<f64> {
        let (weights, state, mut scratch, _) = self.at(theta);
        let mut direction = self.plan.weights(true);
        self.plan.load_direction(theta, v, &mut direction);
        let scale = 1.0 / self.data.len() as f64;
        let along = TangentInput {
            weights: &weights,
            direction: &direction,
            criterion: Criterion::CrossEntropy,
            part: HessianPart::Whole,
            scale,
        };
        let mut out = vec![0.0; theta.len()];
        TangentState::new(&self.plan, self.data.len()).product(
            &self.plan,
            &state,
            &along,
            &mut scratch,
            &mut out,
        );
        self.plan.put_in_order(&mut out);
        out
    }
}

#[test]
fn products_with_batch_statistics_are_differences_of_gradients() {
    let block = Chain::new().conv3x3("a", 4, 1).batch_norm("an").tanh().conv3x3("b", 4, 1).batch_norm("bn");
    let chain = Chain::new()
        .batch_norm("first")
        .conv(Conv::new("c", 4, 3).stride(2).bias(true))
        .batch_norm("cn")
        .skip(block, Chain::new())
        .tanh()
        .global_average_pool()
        .linear("d", 3);
    let architecture = Architecture::new([2, 6, 5], chain).unwrap();
    for count in [16, 21] {
        let plan = Plan::new(architecture.graph(), Mode::Training);
        let batch = Batch { plan, data: samples(count, 60) };
        let len = architecture.layout().len();
        let theta: Vec<f64> = (0..len).map(|i| 0.8 + 0.5 * number(7 * i)).collect();
        let v: Vec<f64> = (0..len).map(|i| number(3 * i + 1)).collect();
        let product = batch.product(&theta, &v);
        let h = 1e-5;
        let gradient = |h: f64| batch.at(&theta.iter().zip(&v).map(|(t, v)| t + h * v).collect::<Vec<_>>()).3;
        let (above, below) = (gradient(h), gradient(-h));
        let largest = product.iter().fold(0.0_f64, |most, p| most.max(p.abs()));
        for block in architecture.layout().blocks() {
            for i in block.range() {
                let difference = (above[i] - below[i]) / (2.0 * h);
                let error = (product[i] - difference).abs() / largest;
                assert!(error < 1e-8, "{}: {} against {difference}", block.name(), product[i]);
            }
        }
    }
}

/// A network without normalisation has the same gradient in training, where layers share their groups
/// out among threads, and a step of descent shows it.
#[test]
fn a_step_of_training_is_one_along_the_gradient_for_any_threads() {
    let chain =
        Chain::new().conv3x3("a", 5, 1).relu().conv3x3("b", 6, 2).relu().global_average_pool().linear("c", 3);
    let architecture = Architecture::new([2, 6, 5], chain).unwrap();
    let net = Network::<f64>::new(&architecture, Criterion::CrossEntropy, 3).unwrap();
    let data = samples(90, 60);
    let mut gradient = vec![0.0; net.parameters().len()];
    loss_landscape::Gradient::gradient(&net, net.parameters(), &data, &mut gradient).unwrap();
    let trained = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let mut net = net.clone();
        pool.install(|| Sgd::new(0.5).batch_size(90).epochs(1).shuffle(false).train(&mut net, &data))
            .unwrap();
        net.parameters().to_vec()
    };
    let moved = trained(1);
    for ((moved, theta), g) in moved.iter().zip(net.parameters()).zip(&gradient) {
        approx::assert_abs_diff_eq!(*moved, theta - 0.5 * g, epsilon = 1e-14);
    }
    assert_eq!(moved, trained(2));
    assert_eq!(moved, trained(4));
}
