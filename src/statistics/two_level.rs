//! Samples of samples: several draws for each of several networks.

use std::fmt;

use statrs::distribution::{ContinuousCDF, FisherSnedecor};

use super::{Interval, Sample, ensure_confidence, ensure_values};
use crate::Result;

/// The spread of a measure on two levels: between groups, such as networks trained from different seeds, and within
/// them, such as draws of directions for one network.
///
/// It answers two questions. *How sure is the mean over networks?* Its [interval](Self::mean_interval) counts groups
/// and not values: a thousand draws around one network say nothing of another. *Do random directions matter?* If the
/// spread [`within`](Self::within) networks is small beside that [`between`](Self::between) them, one direction is as
/// good as another; that is what is meant by saying that plots of ten directions look alike.
///
/// The model is y = µ + bᵢ + eᵢⱼ with independent bᵢ (variance σ_b², [`between`](Self::between)²) and eᵢⱼ (σ_e²,
/// [`within`](Self::within)²), and the estimates are those of the analysis of variance[^1]: σ_e² is the mean square
/// within groups, MSE, and σ_b² = (MSA − MSE)/n₀ with the mean square of groups, MSA, or 0 where that is negative; n₀
/// is the size of a group, (N − Σnᵢ²/N)/(G − 1) where sizes differ.
///
/// ```
/// use loss_landscape::statistics::{Sample, TwoLevel};
///
/// // The curvature along three random directions, for networks trained from four seeds.
/// let networks = [[1.0, 1.1, 0.9], [1.4, 1.5, 1.6], [0.7, 0.8, 0.6], [1.2, 1.3, 1.1]];
/// let groups: Vec<Sample> = networks.iter().map(|n| Sample::new(*n)).collect::<Result<_, _>>()?;
/// let levels = TwoLevel::of(&groups)?;
/// assert!((levels.within - 0.1).abs() < 1e-12 && levels.between > 0.3);
/// let mean = levels.mean_interval(0.95)?;
/// assert!((mean.estimate - 1.1).abs() < 1e-12 && mean.contains(0.7));
/// // Most of the variance is between networks.
/// assert!(levels.share_interval(0.95)?.low > 0.6);
/// println!("{levels}");
/// # Ok::<(), loss_landscape::Error>(())
/// ```
///
/// Of 2,000 simulated experiments of 5 networks with 10 draws each, σ_b = σ_e = 1, the 95 % interval of the mean held
/// in 94.5 %, that of the share in 95.3 %.
///
/// [^1]: S. R. Searle, G. Casella, C. E. McCulloch, *Variance Components* (1992), sections 3.5 and 3.6.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct TwoLevel {
    /// The number of groups, G.
    pub groups: usize,
    /// The number of values of all groups, N.
    pub values: usize,
    /// The mean of the groups' means, each of which counts once.
    pub mean: f64,
    /// The standard deviation between groups, σ_b.
    pub between: f64,
    /// The standard deviation within groups, σ_e.
    pub within: f64,
    /// The groups' means.
    pub means: Vec<f64>,
    /// n₀.
    size: f64,
    /// MSA / MSE.
    ratio: f64,
}

impl TwoLevel {
    /// The spread of these groups.
    ///
    /// # Errors
    /// [`Error::SampleSize`](crate::Error::SampleSize) for fewer than two groups, or if no group has two values.
    pub fn of(groups: &[Sample]) -> Result<Self> {
        ensure_values("the spread between groups", groups.len(), 2)?;
        let values: usize = groups.iter().map(Sample::len).sum();
        let largest = groups.iter().map(Sample::len).max().unwrap_or(0);
        ensure_values("the spread within groups", largest, 2)?;
        let sum: f64 = groups.iter().map(|group| group.mean() * group.len() as f64).sum();
        let overall = sum / values as f64;
        let among: f64 =
            groups.iter().map(|group| group.len() as f64 * (group.mean() - overall).powi(2)).sum();
        let inside: f64 = groups.iter().map(|group| group.variance() * (group.len() - 1) as f64).sum();
        let (count, total) = (groups.len() as f64, values as f64);
        let squares: f64 = groups.iter().map(|group| (group.len() as f64).powi(2)).sum();
        let size = (total - squares / total) / (count - 1.0);
        let (between, within) = (among / (count - 1.0), inside / (total - count));
        let means = Sample::new(groups.iter().map(Sample::mean).collect::<Vec<_>>())?;
        Ok(Self {
            groups: groups.len(),
            values,
            mean: means.mean(),
            between: ((between - within) / size).max(0.0).sqrt(),
            within: within.sqrt(),
            means: means.values().to_vec(),
            size,
            ratio: between / within,
        })
    }

    /// The share of the variance that is between groups, σ_b²/(σ_b² + σ_e²), from 0 to 1: the correlation of two
    /// values of one group. 0 where nothing varies.
    pub fn share_between(&self) -> f64 {
        let (between, within) = (self.between.powi(2), self.within.powi(2));
        if between + within > 0.0 { between / (between + within) } else { 0.0 }
    }

    /// Student's interval of µ, from the means of the groups, with G − 1 degrees of freedom. It is exact for normal
    /// values and groups of one size.
    ///
    /// # Errors
    /// [`Error::Setting`](crate::Error::Setting) for a confidence that is not between 0 and 1.
    pub fn mean_interval(&self, confidence: f64) -> Result<Interval> {
        let interval = Sample::new(self.means.clone())?.mean_interval(confidence)?;
        Ok(Interval { values: self.values, ..interval })
    }

    /// The interval of [`share_between`](Self::share_between), by Fisher's distribution of MSA/MSE: exact for normal
    /// values and groups of one size, and approximate where sizes differ.
    ///
    /// # Errors
    /// As [`mean_interval`](Self::mean_interval).
    pub fn share_interval(&self, confidence: f64) -> Result<Interval> {
        ensure_confidence(confidence)?;
        let freedom = [self.groups - 1, self.values - self.groups].map(|freedom| freedom as f64);
        let fisher = FisherSnedecor::new(freedom[0], freedom[1]);
        let [low, high] = match fisher {
            // Nothing varies within groups, or nothing at all.
            _ if !self.ratio.is_finite() => [self.share_between(); 2],
            Ok(fisher) => [0.5 + confidence / 2.0, 0.5 - confidence / 2.0].map(|p| {
                let ratio = self.ratio / fisher.inverse_cdf(p);
                ((ratio - 1.0) / (ratio + self.size - 1.0)).clamp(0.0, 1.0)
            }),
            Err(_) => [0.0, 1.0],
        };
        Ok(Interval { estimate: self.share_between(), low, high, confidence, values: self.values })
    }

    /// The probability that the F test[^1] finds groups as different as these, or more, where they are all alike.
    /// Small values say that groups differ.
    ///
    /// [^1]: Searle, Casella, McCulloch (1992), section 3.6.
    pub fn p_value(&self) -> f64 {
        let freedom = [self.groups - 1, self.values - self.groups].map(|freedom| freedom as f64);
        match FisherSnedecor::new(freedom[0], freedom[1]) {
            Ok(fisher) if self.ratio.is_finite() => fisher.sf(self.ratio),
            // 0/0 is nothing at all; anything else over 0 is certain.
            _ => f64::from(u8::from(self.ratio.is_nan())),
        }
    }
}

impl fmt::Display for TwoLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { groups, values, mean, between, within, .. } = self;
        write!(
            f,
            "mean {mean:.4} over {groups} groups, {values} values; standard deviation {between:.4} between groups, \
             {within:.4} within: {:.0} % of the variance is between them",
            100.0 * self.share_between()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;
    use ndarray_rand::rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;
    use rand_distr::{Distribution, StandardNormal};

    fn groups<const N: usize>(groups: &[[f64; N]]) -> Vec<Sample> {
        groups.iter().map(|group| Sample::new(*group).unwrap()).collect()
    }

    /// Searle, Casella, McCulloch: σ_b² = (MSA − MSE)/n, here with sums that are done by hand.
    #[test]
    fn components_are_those_of_the_analysis_of_variance() {
        let levels = TwoLevel::of(&groups(&[[1.0, 3.0], [5.0, 7.0], [9.0, 11.0]])).unwrap();
        // Means 2, 6, 10: MSA = 2·(16 + 0 + 16)/2 = 32, MSE = (2 + 2 + 2)/3 = 2.
        assert!((levels.within.powi(2) - 2.0).abs() < 1e-14 && (levels.between.powi(2) - 15.0).abs() < 1e-12);
        assert!((levels.share_between() - 15.0 / 17.0).abs() < 1e-14 && levels.mean == 6.0);
        // F(2, 3) has the closed form P(F > x) = (1 + 2x/3)^(−3/2).
        assert!((levels.p_value() - (1.0_f64 + 32.0 / 3.0).powf(-1.5)).abs() < 1e-12);
        let quantile = |p: f64| 1.5 * ((1.0 - p).powf(-2.0 / 3.0) - 1.0);
        let bound = |p: f64| (16.0 / quantile(p) - 1.0) / (16.0 / quantile(p) + 1.0);
        let share = levels.share_interval(0.9).unwrap();
        assert!(
            (share.low - bound(0.95)).abs() < 1e-9 && (share.high - bound(0.05)).abs() < 1e-9,
            "{share:?}"
        );
        let uneven = [vec![1.0, 3.0], vec![5.0, 7.0, 6.0, 6.0], vec![10.0]];
        let uneven: Vec<Sample> = uneven.into_iter().map(|group| Sample::new(group).unwrap()).collect();
        let levels = TwoLevel::of(&uneven).unwrap();
        assert!((levels.size - (7.0 - 21.0 / 7.0) / 2.0).abs() < 1e-14);
        assert_eq!((levels.groups, levels.values), (3, 7));
    }

    #[test]
    fn what_does_not_vary_has_no_shares() {
        let still = TwoLevel::of(&groups(&[[1.0, 1.0], [1.0, 1.0]])).unwrap();
        assert_eq!((still.share_between(), still.p_value()), (0.0, 1.0));
        assert_eq!(still.share_interval(0.95).unwrap().width(), 0.0);
        let apart = TwoLevel::of(&groups(&[[1.0, 1.0], [2.0, 2.0]])).unwrap();
        assert_eq!((apart.share_between(), apart.p_value()), (1.0, 0.0));
        assert_eq!(apart.share_interval(0.95).unwrap().low, 1.0);
        assert!(matches!(TwoLevel::of(&groups(&[[1.0, 2.0]])), Err(Error::SampleSize { needs: 2, .. })));
        assert!(matches!(TwoLevel::of(&groups(&[[1.0], [2.0]])), Err(Error::SampleSize { needs: 2, .. })));
    }

    #[test]
    fn intervals_hold_over_simulated_experiments() {
        let mut generator = ChaCha8Rng::seed_from_u64(5);
        for spread in [0.3, 1.0, 3.0] {
            let (mut mean, mut share) = (0, 0);
            let truth = spread * spread / (spread * spread + 1.0);
            for _ in 0..2000 {
                let mut normal = || -> f64 { StandardNormal.sample(&mut generator) };
                let experiment: Vec<Sample> = (0..5)
                    .map(|_| {
                        let centre = spread * normal();
                        Sample::new((0..10).map(|_| centre + normal()).collect::<Vec<_>>()).unwrap()
                    })
                    .collect();
                let levels = TwoLevel::of(&experiment).unwrap();
                mean += usize::from(levels.mean_interval(0.95).unwrap().contains(0.0));
                share += usize::from(levels.share_interval(0.95).unwrap().contains(truth));
            }
            println!("{spread}: mean {:.1} %, share {:.1} %", mean as f64 / 20.0, share as f64 / 20.0);
            assert!(
                (1860..=1940).contains(&mean) && (1860..=1940).contains(&share),
                "{spread}: {mean}, {share}"
            );
        }
    }
}
