//! A measure of several draws.

use std::fmt;

use super::Reading;
use crate::{
    Error, Result,
    statistics::{Interval, Sample, quantile_interval},
};

/// One reading for each draw, of a measure or of anything else that is one number.
///
/// ```
/// use loss_landscape::{FnModel, Layout, RandomDirections, Sweep, measure::{Level, Measure}};
///
/// let loss = |t: &[f64], _: &()| t.iter().enumerate().map(|(i, t)| (1.0 + i as f64) * t * t).sum::<f64>();
/// let model = FnModel::new(Layout::flat(20)?, vec![0.1; 20], loss)?;
/// let draws = Sweep::line(&model, RandomDirections::new(42)).data("", &()).alpha(-2.0..=2.0, 81).draws(30)?;
/// let radius = draws.measure("loss", &Measure::Radius(Level::TimesCentre(2.0)))?;
/// let mean = radius.mean_interval(0.95)?;
/// assert!(mean.low > 0.3 && mean.high < 1.0);
/// println!("{radius}"); // radius to 2 times the value at θ: … (95 % interval … to …, from 30 values)
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Measured {
    name: String,
    readings: Vec<Reading>,
}

impl Measured {
    /// These readings, by this name. One whose number is not finite becomes unknown.
    pub fn new(name: impl Into<String>, readings: impl IntoIterator<Item = Reading>) -> Self {
        let known = |reading: Reading| match reading {
            Reading::Value(value) if !value.is_finite() => Reading::Unknown,
            Reading::AtLeast(value) if !value.is_finite() => Reading::Unknown,
            reading => reading,
        };
        Self { name: name.into(), readings: readings.into_iter().map(known).collect() }
    }

    /// What was measured.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// One reading for each draw.
    pub fn readings(&self) -> &[Reading] {
        &self.readings
    }

    /// The number of draws of which only a lower bound is known.
    pub fn at_least(&self) -> usize {
        self.readings.iter().filter(|reading| matches!(reading, Reading::AtLeast(_))).count()
    }

    /// The number of draws of which nothing is known.
    pub fn unknown(&self) -> usize {
        self.readings.iter().filter(|reading| matches!(reading, Reading::Unknown)).count()
    }

    /// The values that are known.
    ///
    /// # Errors
    /// [`Error::OnlyBounds`] where some are only bounded, since a sample of the others would be too small:
    /// [`median_interval`](Self::median_interval) may still exist, and wider axes mend it. [`Error::SampleSize`] if no
    /// value is known. Draws of which nothing is known are left out.
    pub fn sample(&self) -> Result<Sample> {
        let bounded = self.at_least();
        if bounded > 0 {
            return Err(Error::OnlyBounds { name: self.name.clone(), bounded, draws: self.readings.len() });
        }
        Sample::new(self.readings.iter().filter_map(|reading| reading.value()).collect::<Vec<_>>())
    }

    /// Student's interval of the mean over draws, as [`Sample::mean_interval`].
    ///
    /// # Errors
    /// As [`sample`](Self::sample) and [`Sample::mean_interval`].
    pub fn mean_interval(&self, confidence: f64) -> Result<Interval> {
        self.sample()?.mean_interval(confidence)
    }

    /// The interval of the median over draws, as [`Sample::quantile_interval`]. It takes readings of which only a lower
    /// bound is known as larger than all others, so that an end, or the median itself, may be infinite.
    ///
    /// ```
    /// use loss_landscape::measure::{Measured, Reading};
    ///
    /// let known = (1..=8).map(|k| Reading::Value(f64::from(k)));
    /// let radius = Measured::new("radius", known.chain([Reading::AtLeast(9.0); 3]));
    /// assert!(radius.mean_interval(0.95).is_err());
    /// let median = radius.median_interval(0.95)?;
    /// assert_eq!((median.low, median.estimate, median.high), (2.0, 6.0, f64::INFINITY));
    /// # Ok::<(), loss_landscape::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Sample::quantile_interval`]; [`Error::OnlyBounds`] where a lower bound is below a value that is known, so
    /// that their order is not.
    pub fn median_interval(&self, confidence: f64) -> Result<Interval> {
        let mut values: Vec<f64> = self.readings.iter().filter_map(|reading| reading.value()).collect();
        values.sort_by(f64::total_cmp);
        let largest = values.last().copied().unwrap_or(f64::NEG_INFINITY);
        let bounds = self.readings.iter().filter_map(|reading| match reading {
            Reading::AtLeast(bound) => Some(*bound),
            _ => None,
        });
        let bounded = self.at_least();
        if bounds.into_iter().any(|bound| bound < largest) {
            return Err(Error::OnlyBounds { name: self.name.clone(), bounded, draws: self.readings.len() });
        }
        values.extend(std::iter::repeat_n(f64::INFINITY, bounded));
        quantile_interval(&values, 0.5, confidence)
    }
}

/// The mean with its 95 % interval, or the median where some readings are only bounded; and over how many draws.
impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, readings } = self;
        match self.mean_interval(0.95) {
            Ok(mean) => write!(f, "{name}: mean {mean}")?,
            Err(Error::OnlyBounds { .. }) => match self.median_interval(0.95) {
                Ok(median) => write!(f, "{name}: median {median}")?,
                Err(_) => write!(f, "{name}: no interval")?,
            },
            Err(_) => write!(f, "{name}: no interval")?,
        }
        let (bounded, unknown, draws) = (self.at_least(), self.unknown(), readings.len());
        if bounded > 0 {
            write!(f, "; only a lower bound in {bounded} of {draws} draws")?;
        }
        if unknown > 0 {
            write!(f, "; unknown in {unknown} of {draws} draws")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_measure_says_over_how_many_draws_it_is() {
        let values = |n: usize| (0..n).map(|k| Reading::Value(k as f64));
        let with = |readings: &[Reading]| Measured::new("x", values(7).chain(readings.iter().copied()));
        assert_eq!(
            with(&[Reading::Unknown, Reading::Value(f64::NAN)]).to_string(),
            "x: mean 3.0 (95 % interval 1.0 to 5.0, from 7 values); unknown in 2 of 9 draws"
        );
        assert_eq!(
            with(&[Reading::AtLeast(6.0)]).to_string(),
            "x: median 3.5000 (95 % interval 0.0000 to inf, from 8 values); only a lower bound in 1 of 8 draws"
                .replace("0.0000", "0")
        );
        let hidden = with(&[Reading::AtLeast(2.0)]);
        assert!(matches!(hidden.median_interval(0.9), Err(Error::OnlyBounds { bounded: 1, draws: 8, .. })));
        assert_eq!(hidden.to_string(), "x: no interval; only a lower bound in 1 of 8 draws");
        assert_eq!(Measured::new("x", []).to_string(), "x: no interval");
        assert!(matches!(Measured::new("x", []).sample(), Err(Error::SampleSize { values: 0, .. })));
        assert!(matches!(Measured::new("x", values(1)).mean_interval(0.95), Err(Error::SampleSize { .. })));
    }
}
