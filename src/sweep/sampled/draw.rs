//! Samples drawn with unequal probabilities, and the mean that they estimate.
//!
//! Sample i has a size pᵢ and a uniform number uᵢ. The k samples with the smallest uᵢ/pᵢ are drawn, and λ is the
//! (k + 1)-th smallest: **priority sampling** (N. Duffield, C. Lund, M. Thorup, *Priority sampling for estimation of
//! arbitrary subset sums*, J. ACM 54, 2007). With πᵢ = min(1, λ·pᵢ) the sum of eᵢ/πᵢ over the drawn is an unbiased
//! estimate of the sum of all eᵢ, for any k, and to draw more only adds samples.
//!
//! Sizes are made so that eᵢ/πᵢ varies little. Since Σπᵢ differs from k by chance, the estimate is corrected by
//! B·(Σπᵢ − k), with B the mean of eᵢ/πᵢ by weights 1 − πᵢ, and its variance is estimated by
//! n/(n − 1)·Σ(1 − πᵢ)·(eᵢ/πᵢ − B)², over the n drawn samples with πᵢ < 1 (J. Hájek, *Asymptotic theory of rejective
//! sampling with varying probabilities from a finite population*, Ann. Math. Statist. 35, 1964; C.-E. Särndal,
//! B. Swensson, J. Wretman, *Model Assisted Survey Sampling*, 1992, chapters 3 and 6). What is certain to be drawn
//! (πᵢ = 1) adds no variance: that is the correction for a finite number of samples.

use ndarray_rand::rand::{RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;
use statrs::distribution::{ContinuousCDF, StudentsT};

use crate::Result;

/// An estimate with its standard error.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Estimate {
    pub(super) mean: f64,
    pub(super) error: f64,
}

/// The order in which samples are drawn, and the probabilities that belong to a number of them.
pub(super) struct Draw {
    /// pᵢ, positive.
    pub(super) sizes: Vec<f64>,
    /// uᵢ/pᵢ.
    keys: Vec<f64>,
    order: Vec<u32>,
    /// πᵢ of the drawn samples, in their order.
    probabilities: Vec<f64>,
    /// Σπᵢ of all samples.
    expected: f64,
}

/// What 95 % of a normal distribution lie within, in standard deviations.
const NORMAL: f64 = 1.959_963_984_540_054;

impl Draw {
    pub(super) const BYTES_PER_SAMPLE: u64 = 28;

    /// Room for this many samples.
    pub(super) fn new(samples: usize) -> Result<Self> {
        use crate::memory::{filled, with_capacity};
        const WHAT: &str = "the draws of a sampled sweep";
        Ok(Self {
            sizes: filled(WHAT, samples, 1.0)?,
            keys: filled(WHAT, samples, 0.0)?,
            order: filled(WHAT, samples, 0)?,
            probabilities: with_capacity(WHAT, samples)?,
            expected: 0.0,
        })
    }

    /// Draws numbers for the sizes that were set.
    pub(super) fn start(&mut self, seed: u64, stream: u64) {
        let mut generator = ChaCha8Rng::seed_from_u64(seed);
        generator.set_stream(stream);
        for (key, size) in self.keys.iter_mut().zip(&self.sizes) {
            // Above 0 and below 1, on 52 bits.
            let uniform = ((generator.next_u64() >> 12) as f64 + 0.5) / (1_u64 << 52) as f64;
            *key = uniform / size;
        }
        for (index, place) in self.order.iter_mut().enumerate() {
            *place = index as u32;
        }
    }

    /// The first `count` samples, fewer than there are, ascending.
    pub(super) fn first(&mut self, count: usize) -> &[u32] {
        let keys = &self.keys;
        let by_key = |a: &u32, b: &u32| keys[*a as usize].total_cmp(&keys[*b as usize]).then(a.cmp(b));
        let (drawn, next, _) = self.order.select_nth_unstable_by(count, by_key);
        drawn.sort_unstable();
        let threshold = keys[*next as usize];
        let probability = |size: f64| (threshold * size).min(1.0);
        self.probabilities.clear();
        self.probabilities.extend(drawn.iter().map(|&sample| probability(self.sizes[sample as usize])));
        self.expected = self.sizes.iter().map(|&size| probability(size)).sum();
        &self.order[..count]
    }

    /// Estimates the mean of `predicted` + `gap` over all samples, given the sum of all that is predicted, and the gap of
    /// each drawn sample, in the order of [`first`](Self::first).
    ///
    /// The error is widened so that ±1.96 of it hold the mean with 95 %, however few the samples and however skewed:
    /// by Student's t with 2n/(κ − 1) degrees of freedom, which is how well a variance is known from n values of
    /// kurtosis κ, n − 1 at most.
    ///
    /// What was drawn does not show how rare surprises are: where nearly all predictions are exact, a draw that misses the
    /// few others would claim a precision that it does not have. So the error knows of one sample more, whose prediction
    /// is off by a quarter of what it may be off by. In a draw by sizes it adds as much of `doubt`, the mean over all
    /// samples of what these may be off by, as one of n samples stands for.
    pub(super) fn estimate(&self, predicted: f64, doubt: f64, gap: impl Fn(usize) -> f64) -> Estimate {
        let (all, drawn) = (self.sizes.len() as f64, self.probabilities.len());
        let ratio = |k: usize| gap(self.order[k] as usize) / self.probabilities[k];
        let chance = |k: usize| 1.0 - self.probabilities[k];
        let (mut sum, mut weight, mut weighted, mut uncertain) = (0.0, 0.0, 0.0, 0_usize);
        for k in 0..drawn {
            let (ratio, chance) = (ratio(k), chance(k));
            sum += ratio;
            weight += chance;
            weighted += chance * ratio;
            uncertain += usize::from(chance > 0.0);
        }
        if uncertain < 2 {
            // Every sample is certain to be drawn but for one at most, whose spread nobody knows.
            let error = if uncertain == 0 { 0.0 } else { f64::INFINITY };
            return Estimate { mean: (predicted + sum) / all, error };
        }
        let typical = weighted / weight;
        let (mut squares, mut fourths) = (0.0, 0.0);
        for k in 0..drawn {
            let square = chance(k) * (ratio(k) - typical).powi(2);
            squares += square;
            fourths += square * square;
        }
        let count = uncertain as f64;
        let mean = (predicted + sum + typical * (self.expected - drawn as f64)) / all;
        let missed = SURPRISE * doubt / count;
        if squares == 0.0 {
            return Estimate { mean, error: missed };
        }
        let kurtosis = fourths * count / (squares * squares);
        let freedom = (2.0 * count / (kurtosis - 1.0).max(1e-9)).min(count - 1.0).max(LEAST_FREEDOM);
        let error = (count / (count - 1.0) * squares).sqrt() / all;
        Estimate { mean, error: (error * widening(freedom)).hypot(missed) }
    }
}

/// With it 95 % intervals keep what they promise on quadratics of any range (`cargo bench --bench sampled_coverage`).
/// Without, 71 % of them held where parabolas are nearly exact; with all of the doubt, 97.5 % where they are not.
const SURPRISE: f64 = 0.25;

/// Degrees of freedom are not taken to be fewer, or one sample in a thousand could cost all others.
const LEAST_FREEDOM: f64 = 3.0;

/// With more degrees of freedom the quantiles differ by less than 2e-5, which their computation is not exact to.
const NEARLY_NORMAL: f64 = 1e5;

/// Student's 97.5 % quantile over the normal one.
fn widening(freedom: f64) -> f64 {
    if freedom > NEARLY_NORMAL {
        return 1.0;
    }
    StudentsT::new(0.0, 1.0, freedom).map_or(f64::INFINITY, |student| student.inverse_cdf(0.975) / NORMAL)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sizes, predictions and values of a population whose gaps vary with their sizes.
    fn population(samples: usize) -> (Vec<f64>, Vec<f64>, Vec<f64>) {
        let wave = |i: usize, f: f64| (f * i as f64).sin();
        let sizes: Vec<f64> = (0..samples).map(|i| (1.5 * wave(i, 1.7)).exp() + 0.1).collect();
        let predicted: Vec<f64> = (0..samples).map(|i| 2.0 + wave(i, 0.3)).collect();
        let values = (0..samples).map(|i| predicted[i] + sizes[i] * (0.2 + wave(i, 5.3))).collect();
        (sizes, predicted, values)
    }

    #[test]
    fn more_samples_only_add_to_those_drawn() {
        let (sizes, ..) = population(300);
        let mut draw = Draw::new(300).unwrap();
        draw.sizes.copy_from_slice(&sizes);
        draw.start(1, 2);
        let mut before: Vec<u32> = Vec::new();
        for count in [16, 48, 64, 200, 299] {
            let now = draw.first(count).to_vec();
            assert!(now.len() == count && now.windows(2).all(|pair| pair[0] < pair[1]));
            assert!(before.iter().all(|sample| now.binary_search(sample).is_ok()));
            assert!(draw.probabilities.iter().all(|p| (0.0..=1.0).contains(p)));
            before = now;
        }
    }

    const DRAWS: usize = 4000;

    /// The mean over many draws is the mean of all values, within four of its own standard errors, and so is the
    /// estimated variance that of the estimates, within a tenth.
    #[test]
    fn estimates_are_unbiased_and_know_their_variance() {
        let (sizes, predicted, values) = population(400);
        let truth = values.iter().sum::<f64>() / 400.0;
        let total: f64 = predicted.iter().sum();
        let mut draw = Draw::new(400).unwrap();
        draw.sizes.copy_from_slice(&sizes);
        for count in [48, 160] {
            let (mut sum, mut squares, mut variances, mut inside) = (0.0, 0.0, 0.0, 0);
            for stream in 0..DRAWS as u64 {
                draw.start(7, stream);
                draw.first(count);
                let Estimate { mean, error } = draw.estimate(total, 0.0, |i| values[i] - predicted[i]);
                sum += mean - truth;
                squares += (mean - truth).powi(2);
                variances += error * error;
                inside += usize::from((mean - truth).abs() <= NORMAL * error);
            }
            let draws = DRAWS as f64;
            let spread = (squares / draws).sqrt();
            assert!((sum / draws).abs() < 4.0 * spread / draws.sqrt(), "bias {} of {spread}", sum / draws);
            let ratio = variances / squares;
            assert!((0.95..1.15).contains(&ratio), "variance {ratio} of the true one with {count}");
            let covered = inside as f64 / draws;
            assert!((0.93..0.97).contains(&covered), "{covered} with {count}");
        }
    }

    #[test]
    fn a_prediction_without_gaps_has_no_error() {
        let mut draw = Draw::new(100).unwrap();
        draw.start(0, 0);
        draw.first(48);
        assert_eq!(draw.estimate(250.0, 0.0, |_| 0.0), Estimate { mean: 2.5, error: 0.0 });
        assert_eq!(draw.estimate(250.0, 48.0, |_| 0.0), Estimate { mean: 2.5, error: SURPRISE });
    }

    #[test]
    fn students_quantile_is_wider_than_the_normal_one() {
        // Tables: 2.228139, 1.983972 and 1.962339 for 10, 100 and 1,000 degrees of freedom.
        for (freedom, quantile) in [(10.0, 2.228_138_852), (100.0, 1.983_971_519), (1000.0, 1.962_339_081)] {
            let found = widening(freedom) * NORMAL;
            assert!((found - quantile).abs() < 1e-6, "{found} for {quantile}");
        }
        assert_eq!(widening(1e6), 1.0);
    }
}
