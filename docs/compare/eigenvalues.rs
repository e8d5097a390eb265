//! The spectra of `original_eigenvalues.py`, by this crate: 44 products as there, and its own stopping rule.
//!
//! To run it, copy it to the folder `examples` and call `cargo run --release --example eigenvalues`.

use loss_landscape::{FnOperator, Lanczos};

/// Like a network's near a minimiser: ten outliers, a bulk above zero, and a tail that reaches below it.
fn network_like(lowest: f64) -> Vec<f64> {
    let bulk = (0..2890).map(|k| 0.15 * (f64::from(k) / 2890.0).powi(2));
    let below = (1..101).map(|k| lowest * (f64::from(k) / 100.0).powi(2));
    (1..11).map(f64::from).chain(bulk).chain(below).collect()
}

fn main() -> Result<(), loss_landscape::Error> {
    let convex: Vec<f64> = (0..200).map(|k| 1.0 + 9.0 * f64::from(k) / 199.0).collect();
    println!(
        "true λ_min    44 products, mean of 20 seeds (from .. to)    by default: products, λ_min, ratio, interval"
    );
    for spectrum in [network_like(-0.002), network_like(-0.02), network_like(-0.2), convex] {
        let mut operator = FnOperator::new(spectrum.len(), |v: &[f64], out: &mut [f64]| {
            out.iter_mut().zip(&spectrum).zip(v).for_each(|((out, l), v)| *out = l * v);
            Ok(())
        });
        let mut found = Vec::new();
        for seed in 0..20 {
            let run = Lanczos::new().tolerance(1e-9).max_products(44).seed(seed).run(&mut operator)?;
            found.push(run.lambda_min);
        }
        let mean = found.iter().sum::<f64>() / 20.0;
        let [from, to] =
            [found.iter().copied().fold(f64::MAX, f64::min), found.iter().copied().fold(f64::MIN, f64::max)];
        let run = Lanczos::new().run(&mut operator)?;
        let [low, high] = run.ratio_interval();
        let truth = spectrum.iter().copied().fold(f64::MAX, f64::min);
        println!(
            "{truth:<12.4}  {mean:.5} ({from:.5} .. {to:.5})    {}, {:.5}, {:.5}, [{low:.5}, {high:.5}]",
            run.products,
            run.lambda_min,
            run.ratio()
        );
    }
    Ok(())
}
