//! A transformer of three million parameters: a loss at a grid point, a gradient, a Hessian-vector product at a new θ and
//! a further one. `cargo bench --bench transformer`
//!
//! With `--raw WORK` it prints one number of seconds, with two threads, for `benches/pytorch/transformer.py`.

#[path = "../../../benches/common/mod.rs"]
mod common;

use std::{hint::black_box, time::Instant};

use common::median;
use loss_landscape::{Gradient, HessianProduct, Model, RandomDirections, Sweep};
use loss_landscape_nets::{Gpt, Tokens, Transformer};
use ndarray::Array2;

/// As in `benches/pytorch/transformer.py`.
const SEQUENCES: usize = 64;

fn case() -> (Transformer<f32>, Tokens) {
    let gpt = Gpt::new(65, 128).width(256).heads(8).layers(4);
    let text = Array2::from_shape_fn((SEQUENCES, 129), |(i, j)| ((i * 31 + j * 17) % 65) as u32);
    (Transformer::new(&gpt, 0).unwrap(), Tokens::next_token(&text).unwrap())
}

fn with_threads<R: Send>(threads: usize, work: impl FnOnce() -> R + Send) -> R {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(work)
}

fn raw(work: &str) -> f64 {
    let (net, data) = case();
    let timed = |run: &mut dyn FnMut()| {
        let started = Instant::now();
        run();
        started.elapsed().as_secs_f64()
    };
    let mut seconds: Vec<f64> = match work {
        "loss" => {
            let dirs = RandomDirections::new(0).pair(&net).unwrap();
            let mut run = || {
                let sweep = Sweep::plane(&net, dirs.clone()).data("", &data).threads(2);
                black_box(sweep.alpha(-0.1..=0.1, 2).beta(-0.1..=0.1, 2).run().unwrap());
            };
            (0..5).map(|_| timed(&mut run) / 4.0).collect()
        }
        "gradient" => with_threads(2, || {
            let mut out = vec![0.0; net.parameters().len()];
            let mut run = || {
                net.gradient(net.parameters(), &data, &mut out).unwrap();
            };
            run();
            (0..5).map(|_| timed(&mut run)).collect()
        }),
        // A product at a new θ, as PyTorch's is, and one more at the same.
        "hvp" | "next-hvp" => with_threads(2, || {
            let mut out = vec![0.0; net.parameters().len()];
            let v: Vec<f32> = (0..out.len()).map(|i| ((3 * i + 2) as f32).sin()).collect();
            let mut worker = net.hessian_worker(&data).unwrap();
            worker.at(net.parameters()).unwrap();
            worker.product(&v, &mut out).unwrap();
            let mut run = || {
                if work == "hvp" {
                    worker.at(net.parameters()).unwrap();
                }
                worker.product(&v, &mut out).unwrap();
            };
            (0..5).map(|_| timed(&mut run)).collect()
        }),
        other => panic!("no work {other}"),
    };
    seconds.sort_by(f64::total_cmp);
    median(&seconds)
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    if let [flag, work] = &arguments[..]
        && flag == "--raw"
    {
        println!("{}", raw(work));
        return;
    }
    println!("milliseconds, two threads, {SEQUENCES} sequences of 128 tokens");
    let [loss, gradient, product, next] = ["loss", "gradient", "hvp", "next-hvp"].map(|work| raw(work) * 1e3);
    println!(
        "loss {loss:.1}, gradient {gradient:.1} ({:.1} losses), product {product:.1} ({:.1}), next {next:.1} ({:.1})",
        gradient / loss,
        product / loss,
        next / loss
    );
}
