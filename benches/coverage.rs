//! How often the bounds of a Lanczos run hold, on spectra that are negative throughout, turned by reflections so that
//! no coordinate is an eigenvector: misses of 20,000 runs at three confidences, in `f64` and `f32`.
//!
//! ```sh
//! cargo bench --bench coverage             # 2,000 runs a spectrum
//! cargo bench --bench coverage -- 20000
//! ```

use loss_landscape::{
    Scalar,
    curvature::{FnOperator, Lanczos},
};
use ndarray_rand::rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

const CONFIDENCES: [f64; 3] = [0.9, 0.99, 0.999];

/// Ascending, with a name.
fn spectra() -> Vec<(&'static str, Vec<f64>)> {
    let uniform = |n: usize, low: f64, high: f64| -> Vec<f64> {
        (0..n).map(|i| low + (high - low) * i as f64 / (n - 1) as f64).collect()
    };
    let apart = |mut rest: Vec<f64>, end: f64| {
        rest.push(end);
        rest.sort_by(f64::total_cmp);
        rest
    };
    vec![
        ("uniform, −10 to −1", uniform(120, -10.0, -1.0)),
        ("one alone near zero", apart(uniform(120, -10.0, -2.0), -1.0)),
        ("one alone far out", apart(uniform(120, -3.0, -1.0), -10.0)),
        ("close to zero", uniform(120, -10.0, -0.01)),
        ("geometric", apart((0..119).map(|i| -(10.0_f64.powf(f64::from(i) / 60.0))).collect(), -0.5)),
    ]
}

/// Unit vectors; reflecting at all of them, one after another, turns every coordinate into a mixture of all.
fn mirrors(n: usize) -> Vec<Vec<f64>> {
    let mut generator = ChaCha8Rng::seed_from_u64(11);
    let mut mirror = || {
        let v: Vec<f64> = (0..n).map(|_| StandardNormal.sample(&mut generator)).collect();
        let length = v.iter().map(|v: &f64| v * v).sum::<f64>().sqrt();
        v.iter().map(|v| v / length).collect()
    };
    (0..3).map(|_| mirror()).collect()
}

fn reflect(x: &mut [f64], mirror: &[f64]) {
    let twice = 2.0 * x.iter().zip(mirror).map(|(x, m)| x * m).sum::<f64>();
    for (x, m) in x.iter_mut().zip(mirror) {
        *x -= twice * m;
    }
}

/// Misses at the low end, at the high end, and products a run.
fn misses<S: Scalar>(spectrum: &[f64], confidence: f64, runs: u64) -> ([usize; 2], f64) {
    let n = spectrum.len();
    let mirrors = mirrors(n);
    let mut x = vec![0.0; n];
    let mut operator = FnOperator::new(n, |v: &[S], out: &mut [S]| {
        for (x, v) in x.iter_mut().zip(v) {
            *x = v.as_f64();
        }
        for mirror in &mirrors {
            reflect(&mut x, mirror);
        }
        x.iter_mut().zip(spectrum).for_each(|(x, l)| *x *= l);
        mirrors.iter().rev().for_each(|mirror| reflect(&mut x, mirror));
        for (out, &x) in out.iter_mut().zip(&x) {
            *out = S::from_f64(x);
        }
        Ok(())
    });
    let (mut missed, mut products) = ([0, 0], 0);
    for seed in 0..runs {
        let lanczos = Lanczos::new().tolerance(0.02).confidence(confidence).seed(seed);
        let found = lanczos.run(&mut operator).unwrap();
        missed[0] += usize::from(found.bounds[0] > spectrum[0]);
        missed[1] += usize::from(found.bounds[1] < spectrum[n - 1]);
        products += found.products;
    }
    (missed, products as f64 / runs as f64)
}

fn main() {
    let runs: u64 = std::env::args().find_map(|argument| argument.parse().ok()).unwrap_or(2_000);
    println!("{runs} runs each; misses at the low end + at the high end, and products a run:");
    for (name, spectrum) in spectra() {
        for confidence in CONFIDENCES {
            let [(double, products), (single, _)] =
                [misses::<f64>(&spectrum, confidence, runs), misses::<f32>(&spectrum, confidence, runs)];
            let share = |[low, high]: [usize; 2]| {
                let percent = 100.0 * (low + high) as f64 / runs as f64;
                format!("{low} + {high} ({percent:.3} %)")
            };
            println!(
                "  {name:<22} at {confidence:<6} f64: {:<22} f32: {:<22} {products:.1}",
                share(double),
                share(single)
            );
        }
    }
}
