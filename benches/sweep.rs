//! The sweep itself, over an oracle that costs nothing: time a point, and how far that is from the
//! memory's limit. `cargo bench --bench sweep`

mod common;

use std::{hint::black_box, time::Instant};

use common::{in_turns, median, ratio};
use loss_landscape::{Directions, FnModel, Layout, Loss, RandomDirections, Scalar, Sweep};

type Free<S> = FnModel<S, fn(&[S], &()) -> f64>;

fn free<S: Scalar>(len: usize) -> (Free<S>, Directions<S>) {
    let theta = (0..len).map(|i| S::from_f64((i % 7) as f64 - 3.5)).collect();
    let loss: fn(&[S], &()) -> f64 = |theta, ()| theta[theta.len() / 2].as_f64();
    let model = FnModel::new(Layout::flat(len).unwrap(), theta, loss).unwrap();
    let dirs = RandomDirections::new(0).pair(&model).unwrap();
    (model, dirs)
}

fn sweep<S: Scalar>(model: &Free<S>, dirs: &Directions<S>, side: usize, threads: usize) {
    let grid = Sweep::plane(model as &(dyn Loss<(), Scalar = S> + Sync), dirs.clone()).data("", &());
    let grid = grid.alpha(-1.0..=1.0, side).beta(-1.0..=1.0, side).threads(threads);
    black_box(grid.run().unwrap());
}

fn small<S: Scalar>() {
    const SIDE: usize = 1001;
    let (model, dirs) = free::<S>(100);
    let seconds =
        in_turns(7, &mut [&mut || sweep(&model, &dirs, SIDE, 1), &mut || sweep(&model, &dirs, SIDE, 2)]);
    let per_point = |seconds: &[f64]| median(seconds) / (SIDE * SIDE) as f64 * 1e9;
    println!(
        "free oracle, 100 parameters, {}: {:.0} ns a point with 1 thread, {:.0} ns with 2 (must: below 1000 ns a point and thread)",
        S::NAME,
        per_point(&seconds[0]),
        per_point(&seconds[1]),
    );
}

fn large<S: Scalar>() {
    const LEN: usize = 1_000_000;
    const SIDE: usize = 31;
    let (model, dirs) = free::<S>(LEN);
    let stream: [Vec<S>; 3] = std::array::from_fn(|k| vec![S::from_f64(k as f64); LEN]);
    let mut out = vec![S::from_f64(0.0); LEN];
    // Three vectors read, one written, no more arithmetic than it takes to need all three.
    let mut limit = || {
        for _ in 0..SIDE * SIDE {
            let [a, b, c] = black_box(&stream);
            for (((out, &a), &b), &c) in out.iter_mut().zip(a).zip(b).zip(c) {
                *out = a + b + c;
            }
            black_box(&mut out);
        }
    };
    let seconds = in_turns(9, &mut [&mut || sweep(&model, &dirs, SIDE, 1), &mut limit]);
    let ms = |seconds: &[f64]| median(seconds) / (SIDE * SIDE) as f64 * 1e3;
    println!(
        "free oracle, 1,000,000 parameters, {}: {:.3} ms a point; reading three vectors and writing one {:.3} ms; ratio {:.2} (must: 1.5)",
        S::NAME,
        ms(&seconds[0]),
        ms(&seconds[1]),
        ratio(&seconds[0], &seconds[1]),
    );
}

/// What a journal costs: of a loss that costs nothing, and of one that takes a millisecond.
fn journal() {
    const SIDE: usize = 201;
    const SLOW: usize = 45;
    let path = std::env::temp_dir().join(format!("bench-{}.journal", std::process::id()));
    let (model, dirs) = free::<f32>(100);
    let work = |theta: &[f32], (): &()| {
        let started = Instant::now();
        while started.elapsed().as_micros() < 1000 {
            black_box(theta);
        }
        f64::from(theta[0])
    };
    let busy = FnModel::new(Layout::flat(100).unwrap(), vec![1.0_f32; 100], work).unwrap();
    let grid = |side: usize| {
        Sweep::plane(&model, dirs.clone()).data("", &()).alpha(-1.0..=1.0, side).beta(-1.0..=1.0, side)
    };
    let slow =
        || Sweep::plane(&busy, dirs.clone()).data("", &()).alpha(-1.0..=1.0, SLOW).beta(-1.0..=1.0, SLOW);
    let fresh = || drop(std::fs::remove_file(&path));
    for threads in [1, 2] {
        let seconds = in_turns(
            7,
            &mut [
                &mut || drop(black_box(grid(SIDE).threads(threads).run().unwrap())),
                &mut || {
                    fresh();
                    black_box(grid(SIDE).threads(threads).journal(&path).run().unwrap());
                },
                &mut || drop(black_box(slow().threads(threads).run().unwrap())),
                &mut || {
                    fresh();
                    black_box(slow().threads(threads).journal(&path).run().unwrap());
                },
            ],
        );
        println!(
            "a journal, {threads} threads: {:.2} µs a point and thread (must: 20); of points of 1 ms {:.2} % (must: 2)",
            (median(&seconds[1]) - median(&seconds[0])) / (SIDE * SIDE) as f64 * 1e6 * threads as f64,
            100.0 * (ratio(&seconds[3], &seconds[2]) - 1.0),
        );
    }
    fresh();
}

/// Ten draws in one call against ten calls, of planes and of lines.
fn draws() {
    const DRAWS: u64 = 10;
    for (len, plane) in [(100, true), (10_000, true), (1_000_000, true), (10_000, false), (1_000_000, false)]
    {
        let (model, _) = free::<f32>(len);
        let random = |k: u64| RandomDirections::new(1).stream(k);
        let planes = |k| Sweep::plane(&model, random(2 * k)).data("", &()).threads(2);
        let lines = |k| Sweep::line(&model, random(k)).data("", &()).threads(2);
        let side = if len > 100_000 { 11 } else { 51 };
        let grid = |k| planes(k).alpha(-1.0..=1.0, side).beta(-1.0..=1.0, side);
        let seconds = if plane {
            in_turns(
                9,
                &mut [&mut || (0..DRAWS).for_each(|k| drop(black_box(grid(k).run().unwrap()))), &mut || {
                    black_box(grid(0).draws(DRAWS as usize).unwrap());
                }],
            )
        } else {
            in_turns(
                9,
                &mut [&mut || (0..DRAWS).for_each(|k| drop(black_box(lines(k).run().unwrap()))), &mut || {
                    black_box(lines(0).draws(DRAWS as usize).unwrap());
                }],
            )
        };
        println!(
            "ten draws of a {} of a free oracle, {len} parameters: {:.1} ms; {:.3} of ten sweeps (must: 1.01)",
            if plane { "plane" } else { "line" },
            1e3 * median(&seconds[1]),
            ratio(&seconds[1], &seconds[0]),
        );
    }
}

fn main() {
    draws();
    journal();
    small::<f32>();
    small::<f64>();
    large::<f32>();
    large::<f64>();
}
