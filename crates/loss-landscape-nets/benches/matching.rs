//! Weight matching: what it costs, how often permuted copies come back, and what it makes of barriers on the digits.
//!
//! ```sh
//! cargo bench --bench matching                # the cost, a minute
//! cargo bench --bench matching -- --copies    # permuted copies
//! cargo bench --bench matching -- --barriers  # independently trained networks, some minutes on one core
//! ```

use std::time::Instant;

use loss_landscape::{
    Loss, Model, Sweep,
    matching::{Assignment, Descent, PermutationSpec, Permutations, WeightMatching},
};
use loss_landscape_nets::{
    Activation, Adam, Architecture, Criterion, Mlp, Network, Samples, Sgd, Skips, digits,
};
use ndarray::Array2;
use ndarray_rand::rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

fn main() -> Outcome {
    let asked: Vec<String> = std::env::args().collect();
    let has = |flag: &str| asked.iter().any(|arg| arg == flag);
    if has("--copies") {
        return copies();
    }
    if has("--barriers") {
        return barriers();
    }
    cost()
}

/// Two networks that have nothing to do with each other: the most sweeps.
fn cost() -> Outcome {
    println!(
        "{:<28}{:>12}{:>8}{:>8}{:>10}{:>26}",
        "network", "parameters", "starts", "sweeps", "seconds", "of it, if only products"
    );
    let rate = product_rate();
    let image = [3, 32, 32];
    let resnet = |depth, k, skips| Architecture::wide_resnet(depth, k, image, 10, skips);
    for (name, architecture) in [
        ("ResNet-20, 16-32-64", resnet(20, 1, Skips::With)?),
        ("the same without skips", resnet(20, 1, Skips::Without)?),
        ("ResNet-20, 4 times as wide", resnet(20, 4, Skips::With)?),
        ("ResNet-56", resnet(56, 1, Skips::With)?),
        ("VGG-9", Architecture::vgg9(image, 10)?),
    ] {
        let net = |seed| Network::<f32>::new(&architecture, Criterion::CrossEntropy, seed);
        let (a, b, spec) = (net(1)?, net(2)?, architecture.permutation_spec());
        for starts in [1, 4] {
            let matching = WeightMatching::new().starts(starts);
            let begun = Instant::now();
            let matched = matching.run(&spec, a.parameters(), b.parameters())?;
            let seconds = begun.elapsed().as_secs_f64();
            let sweeps: usize = matched.report().descents.iter().map(Descent::sweeps).sum();
            let parameters = architecture.trained_parameters();
            let limit = (sweeps as f64) * products(&architecture) / rate / seconds;
            println!(
                "{name:<28}{parameters:>12}{starts:>8}{sweeps:>8}{seconds:>10.3}{:>24.0} %",
                100.0 * limit
            );
        }
    }
    println!("the products alone at {:.1} GFLOP/s, a product of 512×512×512 on the same threads", rate / 1e9);
    println!("\n{:<34}{:>12}", "assignment of n units", "seconds");
    for n in [64, 256, 512, 1024, 2048] {
        let mut generator = ChaCha8Rng::seed_from_u64(n);
        let similarity = Array2::from_shape_fn((n as usize, n as usize), |_| generator.random::<f64>());
        let begun = Instant::now();
        let found = Assignment::largest(&similarity)?;
        assert!(found.upper_bound() - found.total() < 1e-9);
        println!("n = {n:<30}{:>12.4}", begun.elapsed().as_secs_f64());
    }
    Ok(())
}

/// Operations of a sweep: each weight [out, in, …] is multiplied once for its outputs and once for its inputs, inputs
/// and outputs of the network left out.
fn products(architecture: &Architecture) -> f64 {
    let weights = architecture.layout().blocks().iter().filter(|block| block.shape().len() > 1);
    let weights: Vec<_> = weights.collect();
    let last = weights.len() - 1;
    let of = |(number, block): (usize, &&loss_landscape::Block)| {
        let units = if number < last { block.shape()[0] } else { 0 };
        let units = units + if number > 0 { block.shape()[1].min(weights[number - 1].shape()[0]) } else { 0 };
        2.0 * units as f64 * block.len() as f64
    };
    weights.iter().enumerate().map(of).sum()
}

/// Operations a second of a large matrix product in double precision, a band of rows on each thread.
fn product_rate() -> f64 {
    let n = 512;
    let [a, b] = [1.0, 2.0].map(|k| Array2::from_shape_fn((n, n), |(i, j)| (k * i as f64 + j as f64).sin()));
    let begun = Instant::now();
    let rounds = 8;
    let product = || (0..rounds).map(|_| a.dot(&b.t())[[1, 2]]).sum::<f64>();
    let threads = rayon::current_num_threads();
    let sums: Vec<f64> = rayon::broadcast(|_| product());
    assert!(sums[0].is_finite());
    threads as f64 * f64::from(rounds) * 2.0 * (n as f64).powi(3) / begun.elapsed().as_secs_f64()
}

/// How often a randomly permuted copy comes back to the bit, by each kind of start.
fn copies() -> Outcome {
    let (train, _) = digits::<f32>()?;
    let nets: Vec<(String, PermutationSpec, Vec<f32>, Vec<f32>)> = vec![
        mlp("64-32-10", &[64, 32, 10], &train)?,
        mlp("64-32-32-10", &[64, 32, 32, 10], &train)?,
        mlp("64-32-32-32-32-10", &[64, 32, 32, 32, 32, 10], &train)?,
        mlp("64-128-128-10", &[64, 128, 128, 10], &train)?,
        network("VGG-9", &Architecture::vgg9([1, 8, 8], 10)?, &train)?,
        network("ResNet-20", &Architecture::resnet(20, [1, 8, 8], 10, Skips::With)?, &train)?,
        network(
            "ResNet-20 without skips",
            &Architecture::resnet(20, [1, 8, 8], 10, Skips::Without)?,
            &train,
        )?,
    ];
    println!("copies that came back to the bit");
    println!(
        "{:<28}{:<10}{:>8}{:>12}{:>12}{:>16}",
        "network", "", "copies", "anchored", "identity", "identity ×4"
    );
    for (name, spec, fresh, trained) in &nets {
        let tries = if fresh.len() > 1_000_000 { 3 } else { 20 };
        for (state, theta) in [("at random", fresh), ("trained", trained)] {
            let came_back = |matching: &WeightMatching| -> Outcome<usize> {
                let mut count = 0;
                for seed in 0..tries {
                    let copy = Permutations::random(spec, seed).apply(theta)?;
                    let matched = matching.clone().seed(seed).run(spec, theta, &copy)?;
                    count += usize::from(matched.theta() == theta);
                }
                Ok(count)
            };
            let anchored = came_back(&WeightMatching::new().starts(1))?;
            let identity = came_back(&WeightMatching::new().starts(1).anchored(false))?;
            let four = came_back(&WeightMatching::new().starts(4).anchored(false))?;
            println!("{name:<28}{state:<10}{tries:>8}{anchored:>12}{identity:>12}{four:>16}");
        }
    }
    Ok(())
}

type Named = (String, PermutationSpec, Vec<f32>, Vec<f32>);

fn mlp(name: &str, sizes: &[usize], train: &Samples<f32>) -> Outcome<Named> {
    let mut net = Mlp::new(sizes, Activation::Relu, Criterion::CrossEntropy, 1)?;
    let fresh = net.parameters().to_vec();
    Adam::new(1e-3).batch_size(64).epochs(20).train(&mut net, train)?;
    Ok((name.to_owned(), net.permutation_spec(), fresh, net.parameters().to_vec()))
}

fn network(name: &str, architecture: &Architecture, train: &Samples<f32>) -> Outcome<Named> {
    let mut net = Network::new(architecture, Criterion::CrossEntropy, 1)?;
    let fresh = net.parameters().to_vec();
    Sgd::new(0.05).momentum(0.9).weight_decay(5e-4).batch_size(64).epochs(3).train(&mut net, train)?;
    Ok((name.to_owned(), architecture.permutation_spec(), fresh, net.parameters().to_vec()))
}

/// Barriers between independently trained networks, before and after matching.
fn barriers() -> Outcome {
    let (train, test) = digits::<f32>()?;
    let pairs = 5;
    println!("barriers in nats, median (least to largest) of {pairs} pairs of seeds; cosines are medians\n");
    println!(
        "{:<26}{:>9}{:>24}{:>24}{:>24}{:>24}{:>9}{:>9}",
        "network", "loss", "train, before", "after", "test, before", "after", "cosine", "after"
    );
    for hidden in [&[16][..], &[64], &[256], &[1024], &[16, 16], &[64, 64], &[256, 256], &[64, 64, 64]] {
        let sizes: Vec<usize> = [64].into_iter().chain(hidden.iter().copied()).chain([10]).collect();
        let train_one = |seed: u64| -> Outcome<Mlp<f32>> {
            let mut net = Mlp::new(&sizes, Activation::Relu, Criterion::CrossEntropy, seed)?;
            Adam::new(1e-3).batch_size(64).epochs(40).seed(seed).train(&mut net, &train)?;
            Ok(net)
        };
        let mut row = Row::default();
        for pair in 0..pairs {
            let (a, b) = (train_one(2 * pair)?, train_one(2 * pair + 1)?);
            row.add(&a, &a.permutation_spec(), [a.parameters(), b.parameters()], [&train, &test])?;
        }
        let name = sizes.iter().map(ToString::to_string).collect::<Vec<_>>().join("-");
        row.print(&name);
    }
    for (name, skips) in [("ResNet-20, 16-32-64", Skips::With), ("ResNet-20 without skips", Skips::Without)] {
        let architecture = Architecture::resnet(20, [1, 8, 8], 10, skips)?;
        let train_one = |seed: u64| -> Outcome<Network<f32>> {
            let mut net = Network::new(&architecture, Criterion::CrossEntropy, seed)?;
            let sgd = Sgd::new(0.05).momentum(0.9).weight_decay(5e-4).batch_size(64).epochs(12);
            sgd.learning_rate_steps(&[(8, 0.1)]).seed(seed).train(&mut net, &train)?;
            Ok(net)
        };
        let mut row = Row::default();
        for pair in 0..pairs {
            let (a, b) = (train_one(2 * pair)?, train_one(2 * pair + 1)?);
            let spec = architecture.permutation_spec();
            let statistics = a.reestimated(&train, 256)?;
            row.add(&statistics, &spec, [a.parameters(), b.parameters()], [&train, &test])?;
        }
        row.print(name);
    }
    Ok(())
}

/// What several pairs of networks of one kind show.
#[derive(Default)]
struct Row {
    loss: Vec<f64>,
    /// Train before and after, test before and after.
    barriers: [Vec<f64>; 4],
    cosines: [Vec<f64>; 2],
}

impl Row {
    fn add<M>(
        &mut self,
        model: &M,
        spec: &PermutationSpec,
        [a, b]: [&[f32]; 2],
        data: [&Samples<f32>; 2],
    ) -> Outcome
    where
        M: Loss<Samples<f32>> + Model<Scalar = f32> + Sync,
    {
        let matched = WeightMatching::new().run(spec, a, b)?;
        for (after, b) in [b, matched.theta()].into_iter().enumerate() {
            let sweep = Sweep::segment(model, a, b).data("train", data[0]).data("test", data[1]);
            let curve = sweep.alpha(0.0..=1.0, 25).run()?;
            for (set, name) in ["train loss", "test loss"].into_iter().enumerate() {
                let losses = curve.channel(name)?;
                let (first, last) = (losses[0], losses[losses.len() - 1]);
                let above = |(alpha, loss): (&f64, &f64)| loss - (1.0 - alpha) * first - alpha * last;
                let barrier = curve.alpha().iter().zip(losses).map(above).fold(0.0, f64::max);
                self.barriers[2 * set + after].push(barrier);
                if set == 0 && after == 0 {
                    self.loss.extend([first, last]);
                }
            }
        }
        self.cosines[0].push(matched.report().cosine_before());
        self.cosines[1].push(matched.report().cosine());
        Ok(())
    }

    fn print(mut self, name: &str) {
        print!("{name:<26}{:>9.4}", median(&mut self.loss));
        for barriers in &mut self.barriers {
            let middle = median(barriers);
            print!(
                "{:>24}",
                format!("{middle:.3} ({:.3} to {:.3})", barriers[0], barriers[barriers.len() - 1])
            );
        }
        println!("{:>9.3}{:>9.3}", median(&mut self.cosines[0]), median(&mut self.cosines[1]));
    }
}

/// Of the sorted values.
fn median(values: &mut [f64]) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let half = values.len() / 2;
    if values.len() % 2 == 1 { values[half] } else { 0.5 * (values[half - 1] + values[half]) }
}
