//! One network, the same bits: for any number of threads, kept states or none, a sweep or a single loss.

use crate::common::{hashed_network, hashed_samples, hashed_vector};
use loss_landscape::{Direction, Directions, Gradient, HessianProduct, Loss, Model, Normalization, Sweep};
use loss_landscape_nets::{Architecture, Criterion, Network, Samples, Skips};

const THREADS: [usize; 3] = [1, 2, 4];

/// ResNet-8, whose blocks are those of the deeper ones, and samples that fill neither their last group nor their last
/// chunk.
fn case() -> (Network<f32>, Samples<f32>) {
    let architecture = Architecture::resnet(8, [1, 8, 8], 10, Skips::With).unwrap();
    (hashed_network(&architecture, Criterion::CrossEntropy, 0, 0.7), hashed_samples(300, 64, 10))
}

fn with_threads<R: Send>(threads: usize, work: impl FnOnce() -> R + Send) -> R {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(work)
}

/// Asserts that `work` gives the same for 1, 2 and 4 threads, and returns it.
fn same<R: Send + PartialEq + std::fmt::Debug>(work: impl Fn() -> R + Sync) -> R {
    let [first, others @ ..] = THREADS.map(|threads| with_threads(threads, &work));
    assert!(others.iter().all(|other| *other == first), "the threads make a difference");
    first
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

#[test]
fn losses_and_gradients_have_the_same_bits_for_any_threads() {
    let (net, data) = case();
    let theta = net.parameters();
    let loss = same(|| {
        let mut out = [0.0; 2];
        net.measure(theta, &data, &mut out).unwrap();
        assert_eq!(out[0].to_bits(), net.loss(theta, &data).unwrap().to_bits());
        out.map(f64::to_bits)
    });
    let (from_gradient, gradient) = same(|| {
        let mut out = vec![f32::NAN; theta.len()];
        let loss = net.gradient(theta, &data, &mut out).unwrap();
        (loss.to_bits(), bits(&out))
    });
    assert!(gradient.iter().any(|&bits| bits << 1 != 0));
    let (a, b) = (f64::from_bits(from_gradient), f64::from_bits(loss[0]));
    assert!((a - b).abs() <= 1e-12 * b, "summed in another order, {a} and {b}");
}

#[test]
fn products_have_the_same_bits_for_any_threads_kept_or_not() {
    let (net, data) = case();
    let theta = net.parameters().to_vec();
    let [v, w] = [1_000_000, 2_000_000].map(|base| hashed_vector::<f32>(net.layout(), base));
    let products = |net: &Network<f32>| {
        let mut worker = net.hessian_worker(&data).unwrap();
        let mut all = Vec::new();
        // To another θ and back, so that what is kept there must not stay.
        for at in [&theta, &w, &theta] {
            worker.at(at).unwrap();
            for vector in [&v, &w] {
                let mut out = vec![f32::NAN; theta.len()];
                worker.product(vector, &mut out).unwrap();
                all.push(bits(&out));
            }
        }
        all
    };
    let kept = same(|| products(&net));
    assert_eq!((&kept[0], &kept[1]), (&kept[4], &kept[5]));
    assert_ne!(kept[0], kept[2]);
    let anew = net.clone().hessian_memory(0);
    assert!(same(|| products(&anew)) == kept, "kept or computed anew");
    let mut out = vec![f32::NAN; theta.len()];
    net.hessian_product(&theta, &v, &data, &mut out).unwrap();
    assert_eq!(bits(&out), kept[0]);
}

#[test]
fn a_sweep_gives_the_bits_of_single_losses_for_any_threads() {
    let (net, data) = case();
    let layout = net.layout();
    let [x, y] = [3_000_000, 4_000_000].map(|base| {
        let direction = Direction::new(layout, hashed_vector(layout, base)).unwrap();
        direction.normalized(net.parameters(), &Normalization::default()).unwrap()
    });
    // Two points go to fewer threads than there are, and then in chunks of the data.
    for (alpha, beta) in [(vec![-0.5, 0.0, 0.3], vec![-0.4, 0.0, 0.6]), (vec![0.2], vec![-0.1, 0.7])] {
        let sweep = |threads| {
            let dirs = Directions::new(x.clone(), y.clone()).unwrap();
            let sweep = Sweep::plane(&net, dirs).data("", &data).alpha_at(&alpha).beta_at(&beta);
            let surface = sweep.threads(threads).run().unwrap();
            ["loss", "accuracy"].map(|name| surface.channel(name).unwrap().mapv(f64::to_bits))
        };
        let [first, others @ ..] = THREADS.map(sweep);
        assert!(others.iter().all(|other| *other == first), "the threads make a difference");
        for (i, &a) in alpha.iter().enumerate() {
            for (j, &b) in beta.iter().enumerate() {
                let plane =
                    loss_landscape::oracle::Slice::plane(layout, net.parameters(), x.values(), y.values());
                let mut theta = vec![0.0; layout.len()];
                plane.unwrap().theta_into([a, b], &mut theta);
                let mut out = [0.0; 2];
                net.measure(&theta, &data, &mut out).unwrap();
                assert_eq!(out.map(f64::to_bits), [first[0][[i, j]], first[1][[i, j]]], "at {a}, {b}");
            }
        }
    }
}
