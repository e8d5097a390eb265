//! Hessian-vector products by differences of gradients in `f32`, as a model has them that implements `Gradient` alone:
//! the ends of the spectrum against exact products in `f64`, and what it costs in gradients.
//!
//! ```sh
//! cargo bench --bench differences                # all networks
//! cargo bench --bench differences -- --tuned     # those that the fit of the step was made on
//! cargo bench --bench differences -- --held-out  # all others
//! ```

use std::sync::atomic::{AtomicUsize, Ordering};

use loss_landscape::{
    Gradient, HessianProduct, Layout, Loss, Model, OracleError, RandomDirections, Sweep,
    curvature::{HessianOperator, Lanczos, LanczosEnd},
};
use loss_landscape_nets::{
    Activation, Adam, Architecture, Chain, Criterion, Mlp, Network, Samples, Sgd, Skips, digits,
};

const TOLERANCE: f64 = 0.005;

/// A model that hides its exact products, and counts its gradients.
struct Gradients<M> {
    model: M,
    count: AtomicUsize,
}

impl<M: Model> Model for Gradients<M> {
    type Scalar = M::Scalar;
    fn layout(&self) -> &Layout {
        self.model.layout()
    }
    fn parameters(&self) -> &[M::Scalar] {
        self.model.parameters()
    }
}

impl<M: Loss<D>, D> Loss<D> for Gradients<M> {
    fn loss(&self, theta: &[M::Scalar], data: &D) -> Result<f64, OracleError> {
        self.model.loss(theta, data)
    }
}

impl<M: Gradient<D>, D> Gradient<D> for Gradients<M> {
    fn gradient(&self, theta: &[M::Scalar], data: &D, out: &mut [M::Scalar]) -> Result<f64, OracleError> {
        self.count.fetch_add(1, Ordering::Relaxed);
        self.model.gradient(theta, data, out)
    }
}

impl<M: Gradient<D>, D> HessianProduct<D> for Gradients<M> {}

/// A network, in both precisions at one θ.
struct Case {
    name: String,
    smooth: bool,
    tuned: bool,
}

/// What came of a network.
struct Row {
    certified: bool,
    right: bool,
    /// Whether it is smooth, and whether the fit was made on it.
    kind: [bool; 2],
    gradients: usize,
    products: usize,
}

fn row<A, B>(case: &Case, single: A, double: &B, data: (&Samples<f32>, &Samples<f64>)) -> Row
where
    A: Gradient<Samples<f32>> + Model<Scalar = f32>,
    B: HessianProduct<Samples<f64>> + Model<Scalar = f64>,
{
    let theta: Vec<f64> = single.parameters().iter().map(|&t| f64::from(t)).collect();
    let mut exact = HessianOperator::new(double, &theta, data.1).unwrap();
    let truth = Lanczos::new().tolerance(1e-5).max_products(3000).run(&mut exact).unwrap();
    let model = Gradients { model: single, count: AtomicUsize::new(0) };
    let lanczos = Lanczos::new().tolerance(TOLERANCE);
    let mut hessian = HessianOperator::new(&model, model.parameters(), data.0).unwrap();
    let found = lanczos.run(&mut hessian).unwrap();
    let certified = matches!(found.end, LanczosEnd::Certified | LanczosEnd::Exact);
    let off = (found.ratio() - truth.ratio()).abs();
    let above = (found.lambda_max / truth.lambda_max - 1.0).abs();
    let [low, high] = found.ratio_interval();
    let inside = low <= truth.ratio() && truth.ratio() <= high;
    let right = inside && (!certified || (off <= TOLERANCE * truth.ratio().max(1.0) && above <= TOLERANCE));
    println!(
        "| {} | {} | {:.5} | {:.5} | {low:.5} to {high:.5} | {:.1e} | {:.1e} | {} | {} | {} |",
        case.name,
        model.layout().len(),
        truth.ratio(),
        found.ratio(),
        found.lambda_max / truth.lambda_max - 1.0,
        found.product_error / truth.lambda_max,
        found.end,
        model.count.load(Ordering::Relaxed),
        if right { "" } else { "**wrong**" },
    );
    let (gradients, products) = (model.count.load(Ordering::Relaxed), found.products);
    Row { certified, right, kind: [case.smooth, case.tuned], gradients, products }
}

fn mlp(sizes: &[usize], activation: Activation, epochs: usize, seed: u64) -> [Vec<f64>; 1] {
    let (train, _) = digits::<f64>().unwrap();
    let mut net = Mlp::<f64>::new(sizes, activation, Criterion::CrossEntropy, seed).unwrap();
    if epochs > 0 {
        Sgd::new(0.1).momentum(0.9).batch_size(64).epochs(epochs).seed(seed).train(&mut net, &train).unwrap();
    }
    [net.parameters().to_vec()]
}

fn conv(width: usize, tanh: bool) -> Architecture {
    let act = |chain: Chain| if tanh { chain.tanh() } else { chain.relu() };
    let chain = act(Chain::new().conv3x3("one", width, 1));
    let chain = act(chain.conv3x3("two", 2 * width, 2)).global_average_pool().linear("head", 10);
    Architecture::new([1, 8, 8], chain).unwrap()
}

fn main() {
    let asked: Vec<String> = std::env::args().collect();
    let wanted = |tuned: bool| {
        let has = |flag: &str| asked.iter().any(|argument| argument == flag);
        if tuned { !has("--held-out") } else { !has("--tuned") }
    };
    let single = digits::<f32>().unwrap().0;
    let double = digits::<f64>().unwrap().0;
    println!(
        "| network on {} digits | parameters | ratio in f64 | by differences in f32 | interval | λ_max off by | own \
         error / λ_max | end | gradients | |",
        single.len()
    );
    println!("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |");
    let mut rows = Vec::new();
    let sizes: [&[usize]; 4] = [&[64, 16, 10], &[64, 8, 8, 10], &[64, 32, 10], &[64, 12, 12, 12, 10]];
    for activation in [Activation::Tanh, Activation::Relu] {
        for (k, sizes) in sizes.iter().enumerate() {
            for (epochs, seed) in [(0, 1), (2, 2), (20, 3), (60, 4)] {
                // The fit was made on two of the shapes and two of the trainings.
                let tuned = k < 2 && epochs < 10;
                if !wanted(tuned) {
                    continue;
                }
                let [theta] = mlp(sizes, activation, epochs, seed);
                let low = theta.iter().map(|&t| t as f32).collect();
                let [a, b] = [seed, seed];
                let single_net = Mlp::<f32>::new(sizes, activation, Criterion::CrossEntropy, a).unwrap();
                let double_net = Mlp::<f64>::new(sizes, activation, Criterion::CrossEntropy, b).unwrap();
                let name = format!("{sizes:?} {activation:?}, {epochs} epochs").to_lowercase();
                let case = Case { name, smooth: activation == Activation::Tanh, tuned };
                rows.push(row(&case, single_net.at(low).unwrap(), &double_net, (&single, &double)));
            }
        }
    }
    if wanted(false) {
        for (tanh, width, epochs, seed) in [
            (true, 4, 0, 5),
            (true, 4, 5, 6),
            (true, 8, 15, 7),
            (false, 4, 0, 8),
            (false, 4, 5, 9),
            (false, 8, 15, 10),
        ] {
            let architecture = conv(width, tanh);
            let mut net = Network::<f64>::new(&architecture, Criterion::CrossEntropy, seed).unwrap();
            if epochs > 0 {
                Adam::new(0.003).batch_size(64).epochs(epochs).seed(seed).train(&mut net, &double).unwrap();
            }
            let low = net.parameters().iter().map(|&t| t as f32).collect();
            let single_net = Network::<f32>::new(&architecture, Criterion::CrossEntropy, seed).unwrap();
            let act = if tanh { "tanh" } else { "relu" };
            let name = format!("convolutions of {width} and {} channels, {act}, {epochs} epochs", 2 * width);
            let case = Case { name, smooth: tanh, tuned: false };
            rows.push(row(&case, single_net.at(low).unwrap(), &net, (&single, &double)));
        }
        for epochs in [0, 3] {
            let architecture = Architecture::resnet(20, [1, 8, 8], 10, Skips::With).unwrap();
            let mut net = Network::<f64>::new(&architecture, Criterion::CrossEntropy, 11).unwrap();
            if epochs > 0 {
                Sgd::new(0.05).momentum(0.9).batch_size(64).epochs(epochs).train(&mut net, &double).unwrap();
            }
            let low = net.parameters().iter().map(|&t| t as f32).collect();
            let single_net = Network::<f32>::new(&architecture, Criterion::CrossEntropy, 11).unwrap();
            let case = Case { name: format!("ResNet-20, {epochs} epochs"), smooth: false, tuned: false };
            rows.push(row(&case, single_net.at(low).unwrap(), &net, (&single, &double)));
        }
    }
    for (name, tuned) in [("tuned on", true), ("held out", false)] {
        for (kind, smooth) in [("smooth", true), ("with kinks", false)] {
            let of: Vec<&Row> = rows.iter().filter(|row| row.kind == [smooth, tuned]).collect();
            if of.is_empty() {
                continue;
            }
            let count = |which: &dyn Fn(&Row) -> bool| of.iter().filter(|row| which(row)).count();
            let gradients: usize = of.iter().map(|row| row.gradients).sum();
            let products: usize = of.iter().map(|row| row.products).sum();
            println!(
                "{name}, {kind}: {} of {} certified, {} wrong; {:.1} gradients a product",
                count(&|row| row.certified),
                of.len(),
                count(&|row| !row.right),
                gradients as f64 / products as f64,
            );
        }
    }
    map(&single);
}

/// A ratio map as a user of another engine makes it, whose model has gradients in `f32` alone.
fn map(train: &Samples<f32>) {
    let mut net = Mlp::<f32>::new(&[64, 12, 10], Activation::Tanh, Criterion::CrossEntropy, 20).unwrap();
    Sgd::new(0.1).momentum(0.9).batch_size(64).epochs(10).train(&mut net, train).unwrap();
    let model = Gradients { model: net, count: AtomicUsize::new(0) };
    let plane = Sweep::plane(&model, RandomDirections::new(1)).data("", train);
    let plane = plane.alpha(-1.0..=1.0, 9).beta(-1.0..=1.0, 9);
    let map = plane.eigen_ratio(&loss_landscape::EigenRatio::new()).unwrap();
    let marked = map.uncertain().iter().filter(|&&marked| marked).count();
    println!(
        "a map of 9×9 points: {marked} marked, {} products, {} gradients, {:.1} s",
        map.products(),
        model.count.load(Ordering::Relaxed),
        map.report().elapsed.as_secs_f64(),
    );
}
