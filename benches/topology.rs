//! The shape of a surface of 1001 × 1001 points: noise, which has a minimum for every five to nine points, and a smooth
//! field. `cargo bench --bench topology`

mod common;

use std::{f64::consts::TAU, hint::black_box};

use common::{in_turns, median};
use loss_landscape::{
    Surface,
    ndarray::Array2,
    topology::{Neighbours, Topology},
};
use ndarray_rand::rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

const SIDE: usize = 1001;

fn surface(loss: Array2<f64>) -> Surface {
    let axis: Vec<f64> = (0..SIDE).map(|i| i as f64 / (SIDE - 1) as f64).collect();
    Surface::from_channels(&axis, &axis, [("loss".to_owned(), loss)]).unwrap()
}

fn main() {
    let mut generator = ChaCha8Rng::seed_from_u64(5);
    let noise = surface(Array2::from_shape_simple_fn((SIDE, SIDE), || generator.random::<f64>()));
    let waves: Vec<[f64; 4]> = (0..30)
        .map(|_| {
            std::array::from_fn(
                |k| if k < 2 { generator.random_range(-8.0..8.0) } else { generator.random() },
            )
        })
        .collect();
    let smooth = surface(Array2::from_shape_fn((SIDE, SIDE), |(i, j)| {
        let (x, y) = (i as f64 / SIDE as f64, j as f64 / SIDE as f64);
        waves.iter().map(|[kx, ky, phase, height]| height * (TAU * (kx * x + ky * y + phase)).cos()).sum()
    }));
    for (name, surface) in [("noise", &noise), ("smooth", &smooth)] {
        for neighbours in [Neighbours::Eight, Neighbours::Four] {
            let topology = Topology::new().neighbours(neighbours);
            let seconds = in_turns(7, &mut [&mut || drop(black_box(topology.of(surface).unwrap()))]);
            let report = topology.of(surface).unwrap();
            println!(
                "{name}, {SIDE} × {SIDE} points, {neighbours:?}: {:.0} ms (must: 1000) for {} minima and {} hills",
                median(&seconds[0]) * 1e3,
                report.minima.len(),
                report.hills.len(),
            );
        }
    }
}
