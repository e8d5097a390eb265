//! How many 95 % intervals of sampled sweeps hold, on losses whose means are known: quadratics, samples that weigh very
//! differently, and losses that no other point foretells. `cargo bench --bench sampled_coverage`
//!
//! Where the range is small, nearly all predictions are exact, and what is left are the few samples that a parabola does
//! not suit. Intervals are those of points that were not finished in full; the last column counts those as held too, since they are
//! exact. Networks are in `cargo bench -p loss-landscape-nets --bench sampled`.

use loss_landscape::{Layout, Loss, Model, OracleError, RandomDirections, SampleLosses, Sampled, Sweep};
use ndarray_rand::rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, LogNormal, Pareto, StandardNormal};

/// What a sample loses at θ.
#[derive(Clone, Copy)]
enum Kind {
    /// (θ·x − y)², x and y normal.
    Quadratic,
    /// The same times a weight of a Pareto distribution of this index.
    Weighted(f64),
    /// Lognormal with this σ, new at every point.
    Surprise(f64),
}

struct Losses {
    kind: Kind,
    layout: Layout,
    theta: [f64; 2],
    /// x₀, x₁, y, weight
    samples: Vec<[f64; 4]>,
}

impl Losses {
    fn new(kind: Kind, count: usize) -> Self {
        let mut generator = ChaCha8Rng::seed_from_u64(1);
        let samples = (0..count).map(|_| {
            let [x, y, z]: [f64; 3] = [(); 3].map(|()| StandardNormal.sample(&mut generator));
            let weight = match kind {
                Kind::Weighted(index) => Pareto::new(1.0, index).unwrap().sample(&mut generator),
                _ => 1.0,
            };
            [x, y, z, weight]
        });
        Self { kind, layout: Layout::flat(2).unwrap(), theta: [1.0, -0.5], samples: samples.collect() }
    }

    fn one(&self, theta: &[f64], sample: usize) -> f64 {
        let [a, b, y, weight] = self.samples[sample];
        match self.kind {
            Kind::Surprise(sigma) => {
                let stream = theta[0].to_bits() ^ theta[1].to_bits().rotate_left(17);
                let mut generator = ChaCha8Rng::seed_from_u64(stream ^ ((sample as u64) << 40));
                LogNormal::new(0.0, sigma).unwrap().sample(&mut generator)
            }
            _ => weight * (theta[0] * a + theta[1] * b - y).powi(2),
        }
    }
}

impl Model for Losses {
    type Scalar = f64;
    fn layout(&self) -> &Layout {
        &self.layout
    }
    fn parameters(&self) -> &[f64] {
        &self.theta
    }
}

impl Loss<()> for Losses {
    fn loss(&self, theta: &[f64], (): &()) -> Result<f64, OracleError> {
        let sum: f64 = (0..self.samples.len()).map(|sample| self.one(theta, sample)).sum();
        Ok(sum / self.samples.len() as f64)
    }
}

impl SampleLosses<()> for Losses {
    fn sample_count(&self, (): &()) -> usize {
        self.samples.len()
    }
    fn sample_losses(
        &self,
        theta: &[f64],
        (): &(),
        samples: &[usize],
        out: &mut [f64],
    ) -> Result<(), OracleError> {
        samples.iter().zip(out).for_each(|(&sample, out)| *out = self.one(theta, sample));
        Ok(())
    }
}

fn main() {
    println!(
        "{:<34}{:>9}{:>9}{:>10}{:>9}{:>11}{:>9}{:>12}",
        "losses", "samples", "target", "spacing", "spent", "intervals", "held", "exact too"
    );
    for (name, kind, range) in [
        ("quadratic", Kind::Quadratic, 1.0),
        ("quadratic, range 0.3", Kind::Quadratic, 0.3),
        ("quadratic, range 0.1", Kind::Quadratic, 0.1),
        ("Pareto weights, index 2.5", Kind::Weighted(2.5), 1.0),
        ("Pareto weights, index 1.5", Kind::Weighted(1.5), 1.0),
        ("Pareto weights, index 1.1", Kind::Weighted(1.1), 1.0),
        ("lognormal surprises, σ = 0.5", Kind::Surprise(0.5), 1.0),
        ("lognormal surprises, σ = 1", Kind::Surprise(1.0), 1.0),
        ("lognormal surprises, σ = 1.5", Kind::Surprise(1.5), 1.0),
        ("lognormal surprises, σ = 2", Kind::Surprise(2.0), 1.0),
    ] {
        for (count, target, spacing) in [(1500, 0.05, 4), (1500, 0.02, 4), (8000, 0.02, 8)] {
            let losses = Losses::new(kind, count);
            let sweep = || {
                let sweep = Sweep::plane(&losses, RandomDirections::new(1)).data("", &());
                sweep.alpha(-range..=range, 25).beta(-range..=range, 25)
            };
            let truth = sweep().run().unwrap();
            let (mut held, mut intervals, mut exact, mut spent) = (0, 0, 0, 0.0);
            let seeds = 8;
            for seed in 0..seeds {
                let sampled = Sampled::new().relative_error(target).spacing(spacing).seed(seed);
                let found = sweep().sampled(&sampled).unwrap();
                spent += found.share() / seeds as f64;
                let error = found.standard_error("loss").unwrap();
                for ((value, error), truth) in found.loss().iter().zip(error).zip(truth.loss()) {
                    if *error > 0.0 {
                        intervals += 1;
                        held += usize::from((value - truth).abs() <= 1.96 * error);
                    } else {
                        exact += 1;
                    }
                }
                exact -= found.sampling().nodes;
            }
            println!(
                "{name:<34}{count:>9}{:>8}%{spacing:>10}{:>8.1}%{intervals:>11}{:>8.1}%{:>11.1}%",
                100.0 * target,
                100.0 * spent,
                100.0 * held as f64 / f64::from(intervals.max(1)),
                100.0 * (held + exact) as f64 / (intervals as usize + exact) as f64
            );
        }
    }
}
