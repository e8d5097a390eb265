//! Traces, diagonals and densities of a Hessian whose products take one thread, on one thread and on two.
//! `cargo bench --bench estimates`

mod common;

use std::hint::black_box;

use common::{in_turns, median, ratio};
use loss_landscape::{
    OracleError, Result,
    curvature::{
        DiagonalEstimator, FnOperator, SpectralDensity, SymmetricOperator, TraceEstimator, TraceMethod,
        on_threads,
    },
};

const SAMPLES: usize = 4000;

/// The Hessian of a logistic regression at θ = 0: v ↦ Xᵀ·X·v / (4·samples).
struct Regression<'a> {
    features: usize,
    inputs: &'a [f64],
}

impl SymmetricOperator for Regression<'_> {
    type Scalar = f64;

    fn dimension(&self) -> usize {
        self.features
    }

    fn apply(&mut self, v: &[f64], out: &mut [f64]) -> Result<(), OracleError> {
        out.fill(0.0);
        for x in self.inputs.chunks_exact(self.features) {
            let along = x.iter().zip(v).map(|(x, v)| x * v).sum::<f64>() / (4.0 * SAMPLES as f64);
            out.iter_mut().zip(x).for_each(|(out, x)| *out += along * x);
        }
        Ok(())
    }
}

fn main() {
    for features in [100, 400, 1600] {
        let inputs: Vec<f64> = (0..SAMPLES * features).map(|i| ((i * i + i) as f64).sin()).collect();
        let make = || Ok(Regression { features, inputs: &inputs });
        println!(
            "{features} parameters, {SAMPLES} samples, f64: seconds with one thread, with two, speed-up"
        );
        for method in [TraceMethod::Hutchinson, TraceMethod::HutchPlusPlus] {
            let trace = TraceEstimator::new().method(method).max_products(64);
            line(
                &format!("trace, {method:?}, 64 products"),
                || black_box(trace.run(&mut make().unwrap()).unwrap().value),
                || black_box(on_threads(2, make, |operator| trace.run(operator)).unwrap().value),
            );
        }
        let diagonal = DiagonalEstimator::new().max_products(64);
        line(
            "diagonal, 64 products",
            || black_box(diagonal.run(&mut make().unwrap()).unwrap().values[0]),
            || black_box(on_threads(2, make, |operator| diagonal.run(operator)).unwrap().values[0]),
        );
        let density = SpectralDensity::new().probes(8).steps(32);
        line(
            "density, 8 probes of 32 steps",
            || black_box(density.run(&mut make().unwrap()).unwrap().moments[0]),
            || black_box(on_threads(2, make, |operator| density.run(operator)).unwrap().moments[0]),
        );
    }
    handing_over();
}

fn line(name: &str, mut one: impl FnMut() -> f64, mut two: impl FnMut() -> f64) {
    assert_eq!(one().to_bits(), two().to_bits(), "the same bits");
    let seconds = in_turns(9, &mut [&mut || _ = one(), &mut || _ = two()]);
    let [first, second] = [&seconds[0], &seconds[1]];
    println!("  {name:<36}{:>9.4}{:>9.4}{:>7.2}", median(first), median(second), ratio(first, second));
}

/// What a call costs beside its products.
fn handing_over() {
    const CALLS: usize = 2000;
    let make = || {
        Ok(FnOperator::new(1, |v: &[f64], out: &mut [f64]| {
            out.copy_from_slice(v);
            Ok(())
        }))
    };
    let seconds = in_turns(
        5,
        &mut [&mut || {
            on_threads(2, make, |operator| {
                let mut out = [0.0; 8];
                for _ in 0..CALLS {
                    operator.apply_several(&[1.0; 8], &mut out).unwrap();
                }
                Ok(black_box(out))
            })
            .unwrap();
        }],
    );
    println!("a call of 8 vectors on 2 threads: {:.1} µs", 1e6 * median(&seconds[0]) / CALLS as f64);
}
