//! How a sampled sweep went.

use std::fmt;

/// How many samples a sampled sweep took, and how sure its points are.
/// [`SampledLandscape::sampling`](crate::SampledLandscape::sampling) returns it. As text it is a line for each data set.
///
/// ```
/// # use loss_landscape::{Layout, Loss, Model, OracleError, RandomDirections, SampleLosses, Sampled, Sweep};
/// # struct Net { layout: Layout, theta: Vec<f64> }
/// # impl Model for Net {
/// #     type Scalar = f64;
/// #     fn layout(&self) -> &Layout { &self.layout }
/// #     fn parameters(&self) -> &[f64] { &self.theta }
/// # }
/// # impl Net { fn one(t: &[f64], x: f64) -> f64 { (t[0] * x - t[1]).powi(2) } }
/// # impl Loss<[f64]> for Net {
/// #     fn loss(&self, t: &[f64], data: &[f64]) -> Result<f64, OracleError> {
/// #         Ok(data.iter().map(|x| Self::one(t, *x)).sum::<f64>() / data.len() as f64)
/// #     }
/// # }
/// # impl SampleLosses<[f64]> for Net {
/// #     fn sample_count(&self, data: &[f64]) -> usize { data.len() }
/// #     fn sample_losses(&self, t: &[f64], data: &[f64], s: &[usize], out: &mut [f64]) -> Result<(), OracleError> {
/// #         s.iter().zip(out).for_each(|(s, out)| *out = Self::one(t, data[*s]));
/// #         Ok(())
/// #     }
/// # }
/// # let net = Net { layout: Layout::flat(2)?, theta: vec![1.0, 0.5] };
/// # let train: Vec<f64> = (0..2000).map(|i| f64::from(i).sin()).collect();
/// # let few = vec![0.5; 20];
/// let sweep = Sweep::plane(&net, RandomDirections::new(1)).data("train", train.as_slice()).data("few", &few);
/// let surface = sweep.alpha(-1.0..=1.0, 21).beta(-1.0..=1.0, 21).sampled(&Sampled::new().relative_error(0.05))?;
/// let report = surface.sampling();
/// // train: 9.1 % of all evaluations, 36 points in full; relative errors 0.40 % in the median, …
/// // few: all samples of every point, since there are fewer than 32
/// println!("{report}");
/// let [train, few] = report.sets.as_slice() else { panic!("two data sets") };
/// assert!(train.share < 0.25 && train.largest_error <= 0.05);
/// assert!(few.too_few && few.share == 1.0);
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct SampledReport {
    /// Every how many points along each axis one was evaluated in full.
    pub spacing: usize,
    /// The number of these points.
    pub nodes: usize,
    /// By data set.
    pub sets: Vec<SampledSet>,
}

/// What a sampled sweep did with one data set; [`SampledReport`] has an example. Errors are those of its first channel
/// as shares of the estimates, over the points computed whose value is finite.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct SampledSet {
    /// Its name, as the caller gave it.
    pub data: String,
    /// The number of samples.
    pub samples: usize,
    /// Evaluations of single samples, at all points computed.
    pub evaluations: u64,
    /// The same as a share of all samples at these points.
    pub share: f64,
    /// The number of points at which all samples were evaluated, those of the lattice included; they have no error.
    pub in_full: usize,
    /// Whether every point was evaluated in full because there are fewer than 32 samples.
    pub too_few: bool,
    /// The median of the relative errors.
    pub median_error: f64,
    /// What 95 % of the relative errors are at most.
    pub error_95: f64,
    /// The largest relative error.
    pub largest_error: f64,
}

impl SampledSet {
    /// From the first channel, its errors and the numbers of samples at all points computed.
    pub(super) fn of(
        data: String,
        samples: usize,
        too_few: bool,
        points: impl Iterator<Item = [f64; 3]>,
    ) -> Self {
        let (mut evaluations, mut in_full, mut computed) = (0, 0, 0_usize);
        let mut errors = Vec::new();
        for [value, error, count] in points {
            computed += 1;
            if !count.is_finite() {
                continue;
            }
            evaluations += count as u64;
            in_full += usize::from(count as usize == samples);
            let relative = if error == 0.0 { 0.0 } else { error / value.abs() };
            errors.push(relative);
        }
        errors.sort_unstable_by(f64::total_cmp);
        let quantile = |share: f64| match errors.len() {
            0 => f64::NAN,
            len => errors[((len as f64 * share).ceil() as usize).clamp(1, len) - 1],
        };
        let share = evaluations as f64 / (computed as f64 * samples as f64);
        let [median_error, error_95, largest_error] = [0.5, 0.95, 1.0].map(quantile);
        Self { data, samples, evaluations, share, in_full, too_few, median_error, error_95, largest_error }
    }
}

impl fmt::Display for SampledReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (k, set) in self.sets.iter().enumerate() {
            if k > 0 {
                writeln!(f)?;
            }
            write!(f, "{set}")?;
        }
        Ok(())
    }
}

impl fmt::Display for SampledSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.data.is_empty() {
            write!(f, "{}: ", self.data)?;
        }
        if self.too_few {
            return write!(
                f,
                "all samples of every point, since there are fewer than {}",
                super::point::LEAST
            );
        }
        let percent = |share: f64| 100.0 * share;
        write!(
            f,
            "{:.1} % of all evaluations, {} points in full; relative errors {:.2} % in the median, {:.2} % at 95 % of the \
             points, {:.2} % at most",
            percent(self.share),
            self.in_full,
            percent(self.median_error),
            percent(self.error_95),
            percent(self.largest_error)
        )
    }
}
