//! The statistics of the report. Each names the numbers it is made of, so that another program can compute it again
//! from the table of measurements.

use loss_landscape::statistics::{Interval, Sample, TwoLevel, difference};
use serde::Serialize;
use statrs::distribution::{Beta, ContinuousCDF, Normal};

use crate::{Measurements, Result, measurements::mean};

/// The probability of all intervals.
pub const CONFIDENCE: f64 = 0.95;

/// A statistic with its interval.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Statistic {
    /// How it is computed.
    pub kind: Kind,
    /// The measures: two for correlations, one for all else.
    pub measures: Vec<&'static str>,
    /// The cells: one for means and proportions, two for differences, several for the others.
    pub networks: Vec<String>,
    /// What is subtracted from a mean for its effect size; 0 for all else.
    pub null: f64,
    /// The estimate.
    pub estimate: f64,
    /// The lower end of the interval.
    pub low: f64,
    /// The upper end.
    pub high: f64,
    /// Trainings (or values, for a share) that it is made of.
    pub values: usize,
}

/// How a statistic is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The mean over trainings of the means over draws, with Student's interval over trainings.
    Mean,
    /// The difference of two such means, first less second, with Welch's interval.
    Difference,
    /// That difference in pooled standard deviations of trainings, Hedges' g; of one cell, its mean less the null. The
    /// interval is g ± 1.96 standard errors by the usual large-sample formula.
    Effect,
    /// Spearman's rank correlation over all trainings of the cells, with the interval of Bonett and Wright (2000).
    Correlation,
    /// The same over the cells, each by the mean of its trainings.
    CellCorrelation,
    /// The share of the variance of single draws that is between trainings of all the cells, with Fisher's interval.
    Share,
    /// The share of trainings for which the measure is 1, with the interval of Clopper and Pearson.
    Proportion,
}

impl Statistic {
    fn new(
        kind: Kind,
        measures: &[&'static str],
        networks: &[String],
        found: [f64; 3],
        values: usize,
    ) -> Self {
        let [estimate, low, high] = found;
        let (measures, networks) = (measures.to_vec(), networks.to_vec());
        Self { kind, measures, networks, null: 0.0, estimate, low, high, values }
    }

    fn of_interval(kind: Kind, measure: &'static str, networks: &[String], interval: &Interval) -> Self {
        let Interval { estimate, low, high, values, .. } = *interval;
        Self::new(kind, &[measure], networks, [estimate, low, high], values)
    }

    /// [`Kind::Mean`]; nothing for less than two trainings.
    ///
    /// # Errors
    /// Those of the library's statistics, for values that are not finite.
    pub fn mean(all: &Measurements, network: &str, measure: &'static str) -> Result<Option<Self>> {
        let means = all.means(network, measure);
        if means.len() < 2 {
            return Ok(None);
        }
        let interval = Sample::new(means)?.mean_interval(CONFIDENCE)?;
        Ok(Some(Self::of_interval(Kind::Mean, measure, &[network.to_owned()], &interval)))
    }

    /// [`Kind::Difference`]; nothing if one has less than two trainings.
    ///
    /// # Errors
    /// As [`mean`](Self::mean).
    pub fn difference(all: &Measurements, [a, b]: [&str; 2], measure: &'static str) -> Result<Option<Self>> {
        let [first, second] = [a, b].map(|network| all.means(network, measure));
        if first.len() < 2 || second.len() < 2 {
            return Ok(None);
        }
        let interval = difference(&Sample::new(first)?, &Sample::new(second)?, CONFIDENCE)?;
        Ok(Some(Self::of_interval(Kind::Difference, measure, &[a, b].map(str::to_owned), &interval)))
    }

    /// [`Kind::Effect`] of one cell against a number, or of two; nothing where nothing varies.
    pub fn effect(all: &Measurements, networks: &[String], measure: &'static str, null: f64) -> Option<Self> {
        let samples: Vec<Sample> = networks
            .iter()
            .map(|network| Sample::new(all.means(network, measure)).ok())
            .collect::<Option<_>>()?;
        let counts: Vec<f64> = samples.iter().map(|sample| sample.len() as f64).collect();
        if counts.iter().any(|count| *count < 2.0) {
            return None;
        }
        let (gap, share) = match &samples[..] {
            [one] => (one.mean() - null, 1.0 / counts[0]),
            [a, b] => (a.mean() - b.mean(), 1.0 / counts[0] + 1.0 / counts[1]),
            _ => return None,
        };
        let freedom = counts.iter().sum::<f64>() - counts.len() as f64;
        let squares: f64 = samples.iter().zip(&counts).map(|(s, n)| s.variance() * (n - 1.0)).sum();
        let deviation = (squares / freedom).sqrt();
        if deviation == 0.0 {
            return None;
        }
        let g = (1.0 - 3.0 / (4.0 * freedom - 1.0)) * gap / deviation;
        let error = (share + g * g / (2.0 * counts.iter().sum::<f64>())).sqrt();
        let reach = normal_quantile() * error;
        let values = counts.iter().sum::<f64>() as usize;
        let found = Self::new(Kind::Effect, &[measure], networks, [g, g - reach, g + reach], values);
        Some(Self { null, ..found })
    }

    /// [`Kind::Correlation`]; nothing for less than four trainings, or where one measure is constant.
    pub fn correlation(all: &Measurements, networks: &[String], measures: [&'static str; 2]) -> Option<Self> {
        let pairs: Vec<[f64; 2]> = networks.iter().flat_map(|n| all.pairs(n, measures)).collect();
        Self::of_pairs(Kind::Correlation, networks, measures, &pairs)
    }

    /// [`Kind::CellCorrelation`]; nothing for less than four cells.
    pub fn cell_correlation(
        all: &Measurements,
        networks: &[String],
        measures: [&'static str; 2],
    ) -> Option<Self> {
        let pairs = networks.iter().filter_map(|network| {
            let pairs = all.pairs(network, measures);
            let column = |k: usize| mean(&pairs.iter().map(|pair| pair[k]).collect::<Vec<_>>());
            (!pairs.is_empty()).then(|| [column(0), column(1)])
        });
        Self::of_pairs(Kind::CellCorrelation, networks, measures, &pairs.collect::<Vec<_>>())
    }

    fn of_pairs(
        kind: Kind,
        networks: &[String],
        measures: [&'static str; 2],
        pairs: &[[f64; 2]],
    ) -> Option<Self> {
        let n = pairs.len();
        if n < 4 {
            return None;
        }
        let rho = spearman(pairs)?;
        Some(Self::new(kind, &measures, networks, correlation_interval(rho, n), n))
    }

    /// [`Kind::Share`]; nothing if no training has two draws.
    ///
    /// # Errors
    /// As [`mean`](Self::mean).
    pub fn share(all: &Measurements, networks: &[String], measure: &'static str) -> Result<Option<Self>> {
        let groups: Vec<Vec<f64>> = networks.iter().flat_map(|n| all.groups(n, measure)).collect();
        if groups.len() < 2 || groups.iter().all(|group| group.len() < 2) {
            return Ok(None);
        }
        let groups: Vec<Sample> = groups.into_iter().map(Sample::new).collect::<Result<_, _>>()?;
        let interval = TwoLevel::of(&groups)?.share_interval(CONFIDENCE)?;
        Ok(Some(Self::of_interval(Kind::Share, measure, networks, &interval)))
    }

    /// [`Kind::Proportion`] of the trainings of one cell.
    pub fn proportion(all: &Measurements, network: &str, measure: &'static str) -> Option<Self> {
        let values = all.means(network, measure);
        let (n, hits) = (values.len(), values.iter().filter(|value| **value == 1.0).count());
        if n == 0 {
            return None;
        }
        let tail = (1.0 - CONFIDENCE) / 2.0;
        let quantile = |a: usize, b: usize, p: f64| {
            Beta::new(a as f64, b as f64).map_or(f64::NAN, |beta| beta.inverse_cdf(p))
        };
        let low = if hits == 0 { 0.0 } else { quantile(hits, n - hits + 1, tail) };
        let high = if hits == n { 1.0 } else { quantile(hits + 1, n - hits, 1.0 - tail) };
        let networks = [network.to_owned()];
        Some(Self::new(Kind::Proportion, &[measure], &networks, [hits as f64 / n as f64, low, high], n))
    }

    /// Whether the interval lies above or below a number, or neither.
    pub fn side(&self, null: f64) -> i8 {
        i8::from(self.low > null) - i8::from(self.high < null)
    }
}

/// The 97.5 % quantile of the normal distribution.
fn normal_quantile() -> f64 {
    Normal::standard().inverse_cdf(0.5 + CONFIDENCE / 2.0)
}

/// tanh(artanh ρ ± z·√((1 + ρ²/2)/(n − 3))): D. G. Bonett, T. A. Wright, Psychometrika 65 (2000), equation 4.
fn correlation_interval(rho: f64, n: usize) -> [f64; 3] {
    // At ±1 the transform is infinite and the interval a point, which four pairs do not show; it is taken as near it.
    let inner = rho.clamp(-0.9999, 0.9999);
    let reach = normal_quantile() * ((1.0 + inner * inner / 2.0) / (n as f64 - 3.0)).sqrt();
    [rho, (inner.atanh() - reach).tanh(), (inner.atanh() + reach).tanh()]
}

/// Spearman's rank correlation, ties by their mean rank; nothing for less than three pairs, or where one side is
/// constant.
pub fn spearman(pairs: &[[f64; 2]]) -> Option<f64> {
    if pairs.len() < 3 {
        return None;
    }
    let [x, y] = [0, 1].map(|k| ranks(&pairs.iter().map(|pair| pair[k]).collect::<Vec<_>>()));
    let middle = f64::midpoint(pairs.len() as f64, 1.0);
    let (mut xy, mut xx, mut yy) = (0.0, 0.0, 0.0);
    for (a, b) in x.iter().zip(&y) {
        let (a, b) = (a - middle, b - middle);
        xy += a * b;
        xx += a * a;
        yy += b * b;
    }
    (xx > 0.0 && yy > 0.0).then(|| (xy / (xx * yy).sqrt()).clamp(-1.0, 1.0))
}

/// The rank of each value, from 1; equal values have the mean of theirs.
fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&i, &j| values[i].total_cmp(&values[j]));
    let mut ranks = vec![0.0; values.len()];
    let mut start = 0;
    while start < order.len() {
        let mut end = start;
        while end < order.len() && values[order[end]] == values[order[start]] {
            end += 1;
        }
        let rank = (start + end + 1) as f64 / 2.0;
        for &i in &order[start..end] {
            ranks[i] = rank;
        }
        start = end;
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;

    /// scipy.stats.spearmanr([1, 2, 2, 4, 5], [3, 1, 4, 4, 9]) is 0.7632, by hand: Σ = 7.25 of √(9.5·9.5).
    #[test]
    fn rank_correlations_with_ties_are_those_of_mean_ranks() {
        assert_eq!(ranks(&[3.0, 1.0, 4.0, 4.0, 9.0]), [2.0, 1.0, 3.5, 3.5, 5.0]);
        let pairs = [[1.0, 3.0], [2.0, 1.0], [2.0, 4.0], [4.0, 4.0], [5.0, 9.0]];
        assert!((spearman(&pairs).unwrap() - 7.25 / 9.5).abs() < 1e-12);
        assert_eq!(spearman(&[[1.0, 2.0], [1.0, 3.0], [1.0, 4.0]]), None);
        let [rho, low, high] = correlation_interval(0.5, 30);
        let reach = 1.959_963_984_540_054 * (1.125_f64 / 27.0).sqrt();
        assert!((high - (0.5_f64.atanh() + reach).tanh()).abs() < 1e-9 && low < rho);
        let [one, low, high] = correlation_interval(1.0, 4);
        assert!(one == 1.0 && low < 1.0 && high <= 1.0);
    }
}
