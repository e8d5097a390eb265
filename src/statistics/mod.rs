//! Intervals for what was measured a few times: means, quantiles, differences, and spread on two levels.
//!
//! A loss along one random direction is one number from a distribution. [`Sample`] holds several of them and says how
//! well they determine the mean or a quantile of that distribution; [`difference`] compares two samples; [`TwoLevel`]
//! is for samples of samples, such as several draws of directions for each of several trained networks. What was
//! measured over [draws](crate::draws) becomes a sample by [`Measured::sample`](crate::measure::Measured::sample).
//!
//! Quantiles of Student's, Fisher's and the binomial distribution are those of the crate `statrs`.

mod sample;
mod two_level;

pub use sample::Sample;
pub(crate) use sample::{ensure_share, quantile, quantile_interval};
pub use two_level::TwoLevel;

use std::fmt;

use statrs::distribution::{ContinuousCDF, StudentsT};

use crate::{Error, Result};

/// An estimate with the interval that holds the true value with a stated probability, over the randomness of the
/// sample.
///
/// ```
/// use loss_landscape::statistics::Sample;
///
/// let interval = Sample::new([4.1, 3.9, 4.3, 4.0, 4.2])?.mean_interval(0.95)?;
/// assert!((interval.estimate - 4.1).abs() < 1e-12);
/// assert!(interval.contains(4.0) && !interval.contains(3.5));
/// assert_eq!(interval.to_string(), "4.10 (95 % interval 3.90 to 4.30, from 5 values)");
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[must_use]
#[non_exhaustive]
pub struct Interval {
    /// The estimate.
    #[cfg_attr(feature = "serde", serde(with = "crate::wire::forms"))]
    pub estimate: f64,
    /// The lower end; may be −∞.
    #[cfg_attr(feature = "serde", serde(with = "crate::wire::forms"))]
    pub low: f64,
    /// The upper end; may be +∞.
    #[cfg_attr(feature = "serde", serde(with = "crate::wire::forms"))]
    pub high: f64,
    /// The probability that was asked for, between 0 and 1.
    pub confidence: f64,
    /// The number of values that it is made of.
    pub values: usize,
}

impl Interval {
    /// Whether a value lies in it, ends included.
    pub fn contains(&self, value: f64) -> bool {
        (self.low..=self.high).contains(&value)
    }

    /// Its length, which may be infinite.
    pub fn width(&self) -> f64 {
        self.high - self.low
    }
}

/// The difference mean(a) − mean(b) of two independent samples, with Welch's interval[^1]: the two may have different
/// variances and sizes.
///
/// An interval that contains 0 says that the samples do not show a difference, not that there is none.
///
/// ```
/// use loss_landscape::statistics::{Sample, difference};
///
/// let (a, b) = (Sample::new([5.0, 6.0, 7.0, 6.5])?, Sample::new([1.0, 1.5, 1.2])?);
/// let gap = difference(&a, &b, 0.95)?;
/// assert!(gap.low > 3.0 && gap.values == 7);
/// # Ok::<(), loss_landscape::Error>(())
/// ```
///
/// # Errors
/// [`Error::SampleSize`] for a sample with fewer than two values, [`Error::Setting`] for a confidence that is not
/// between 0 and 1.
///
/// [^1]: B. L. Welch, *The generalization of Student's problem when several different population variances are
/// involved*, Biometrika 34 (1947), equation 29, with the degrees of freedom of Satterthwaite (1946).
pub fn difference(a: &Sample, b: &Sample, confidence: f64) -> Result<Interval> {
    ensure_confidence(confidence)?;
    for sample in [a, b] {
        ensure_values("the interval of a difference", sample.len(), 2)?;
    }
    let shares = [a, b].map(|sample| sample.variance() / sample.len() as f64);
    let variance = shares[0] + shares[1];
    let estimate = a.mean() - b.mean();
    let freedom = variance * variance
        / (shares[0].powi(2) / (a.len() - 1) as f64 + shares[1].powi(2) / (b.len() - 1) as f64);
    // Two constants differ by exactly this.
    let reach = if variance == 0.0 { 0.0 } else { student(freedom, confidence)? * variance.sqrt() };
    Ok(Interval {
        estimate,
        low: estimate - reach,
        high: estimate + reach,
        confidence,
        values: a.len() + b.len(),
    })
}

/// The t with P(|T| ≤ t) = `confidence` for Student's T.
fn student(freedom: f64, confidence: f64) -> Result<f64> {
    let student = StudentsT::new(0.0, 1.0, freedom);
    Ok(student.map_err(|_| not_a_probability(confidence))?.inverse_cdf(0.5 + confidence / 2.0))
}

pub(crate) fn ensure_confidence(confidence: f64) -> Result<()> {
    if confidence > 0.0 && confidence < 1.0 { Ok(()) } else { Err(not_a_probability(confidence)) }
}

fn not_a_probability(confidence: f64) -> Error {
    Error::Setting { setting: "the confidence", value: confidence, needs: "between 0 and 1" }
}

fn ensure_values(what: &'static str, values: usize, needs: usize) -> Result<()> {
    if values < needs { Err(Error::SampleSize { what, values, needs }) } else { Ok(()) }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { estimate, low, high, confidence, values } = *self;
        // As many digits as tell the ends apart, and one more.
        let digits = significant(estimate, high - low);
        write!(
            f,
            "{} ({} % interval {} to {}, from {values} values)",
            rounded(estimate, digits),
            100.0 * confidence,
            rounded(low, digits),
            rounded(high, digits)
        )
    }
}

/// The decimals that show two digits of the width.
fn significant(estimate: f64, width: f64) -> i32 {
    let width = if width > 0.0 && width.is_finite() { width } else { estimate.abs() * 1e-3 };
    if width > 0.0 { 1 - width.log10().floor() as i32 } else { 3 }
}

/// A number to so many decimals, in powers of ten where it is very large or small.
fn rounded(value: f64, decimals: i32) -> String {
    if value == 0.0 || !value.is_finite() {
        return value.to_string();
    }
    let magnitude = value.abs().log10().floor() as i32;
    if (-4..6).contains(&magnitude) && decimals < 12 {
        let decimals = decimals.max(0) as usize;
        format!("{value:.decimals$}")
    } else {
        let digits = (magnitude + decimals).clamp(0, 15) as usize;
        format!("{value:.digits$e}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// R 4.2: t.test(c(5, 6, 7, 6.5), c(1, 1.5, 1.2)) has 3.72 degrees of freedom.
    #[test]
    fn welchs_interval_is_that_of_its_formula() {
        let (a, b) = (Sample::new([5.0, 6.0, 7.0, 6.5]).unwrap(), Sample::new([1.0, 1.5, 1.2]).unwrap());
        let (va, vb): (f64, f64) = (a.variance() / 4.0, b.variance() / 3.0);
        let freedom = (va + vb).powi(2) / (va * va / 3.0 + vb * vb / 2.0);
        let found = difference(&a, &b, 0.9).unwrap();
        let reach = student(freedom, 0.9).unwrap() * (va + vb).sqrt();
        assert!((freedom - 3.6).abs() < 0.3, "{freedom}");
        assert!((found.high - found.estimate - reach).abs() < 1e-14);
        // Equal sizes and variances: Student's two-sample interval with n₁ + n₂ − 2 degrees of freedom.
        let (a, b) = (Sample::new([1.0, 2.0, 3.0]).unwrap(), Sample::new([4.0, 5.0, 6.0]).unwrap());
        let found = difference(&a, &b, 0.95).unwrap();
        let reach = 2.776_445_105_197_799 * (2.0_f64 / 3.0).sqrt();
        assert!((found.low - (-3.0 - reach)).abs() < 1e-12 && found.values == 6);
        let constants = difference(&Sample::new([2.0; 3]).unwrap(), &Sample::new([1.0; 2]).unwrap(), 0.95);
        let constants = constants.unwrap();
        assert_eq!((constants.low, constants.high), (1.0, 1.0));
    }

    #[test]
    fn quantiles_of_tables() {
        for (freedom, confidence, expected) in [
            (1.0, 0.95, 12.706_204_736_174_7),
            (9.0, 0.95, 2.262_157_162_798_2),
            (120.0, 0.95, 1.979_930_405_082_4),
            (30.0, 0.99, 2.749_995_653_567_2),
        ] {
            let found = student(freedom, confidence).unwrap();
            assert!((found / expected - 1.0).abs() < 1e-9, "{freedom}: {found}");
        }
    }

    #[test]
    fn what_gives_no_interval_says_why() {
        let (one, two) = (Sample::new([1.0]).unwrap(), Sample::new([1.0, 2.0]).unwrap());
        let error = difference(&two, &one, 0.95).unwrap_err().to_string();
        assert_eq!(error, "the interval of a difference needs 2 values or more, not 1");
        for confidence in [0.0, 1.0, f64::NAN, 95.0] {
            assert!(matches!(difference(&two, &two, confidence), Err(Error::Setting { .. })));
        }
    }

    #[test]
    fn intervals_are_written_with_the_digits_that_they_know() {
        let interval =
            |estimate, low, high| Interval { estimate, low, high, confidence: 0.9, values: 8 }.to_string();
        assert_eq!(interval(1234.567, 1200.0, 1270.0), "1235 (90 % interval 1200 to 1270, from 8 values)");
        assert_eq!(interval(0.0, -0.5, 0.5), "0 (90 % interval -0.5 to 0.5, from 8 values)");
        assert_eq!(interval(2.5e-9, 2e-9, 3e-9), "2.5e-9 (90 % interval 2.0e-9 to 3.0e-9, from 8 values)");
        assert_eq!(
            interval(1.0, f64::NEG_INFINITY, f64::INFINITY),
            "1.0000 (90 % interval -inf to inf, from 8 values)"
        );
        assert_eq!(interval(2.0, 2.0, 2.0), "2.0000 (90 % interval 2.0000 to 2.0000, from 8 values)");
    }
}
