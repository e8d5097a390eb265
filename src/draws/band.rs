//! The distribution of a channel over draws, point by point.

use ndarray::{Array, Ix2};

use super::Draws;
use crate::{
    GridDimension, Result,
    statistics::{Sample, ensure_confidence, ensure_share, quantile},
};

/// Which quantiles a [`Band`] has, and how sure the interval of its mean is.
///
/// ```
/// use loss_landscape::draws::BandSettings;
///
/// let quartiles = BandSettings::new().quantiles(0.25, 0.75).confidence(0.9);
/// # let _ = quartiles;
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(default, deny_unknown_fields)
)]
#[must_use]
pub struct BandSettings {
    low: f64,
    high: f64,
    confidence: f64,
}

/// How a channel is distributed over the draws at each point of the axes: median, two quantiles, and the mean with its
/// interval.
///
/// The quantiles are about *draws*: between [`low`](Self::low) and [`high`](Self::high) lies the loss of most
/// directions. The interval of the mean is about the *mean*, and shrinks as draws are added. Both are of one point at a
/// time; a curve of one draw may leave the band somewhere.
///
/// ```
/// use loss_landscape::{FnModel, Layout, RandomDirections, Sweep, draws::BandSettings};
///
/// let loss = |t: &[f64], _: &()| t.iter().enumerate().map(|(i, t)| i as f64 * t * t).sum::<f64>();
/// let model = FnModel::new(Layout::flat(10)?, vec![0.3; 10], loss)?;
/// let draws = Sweep::line(&model, RandomDirections::new(42)).data("", &()).draws(25)?;
/// let band = draws.band("loss", &BandSettings::new())?; // 10 % to 90 %, the mean at 95 %
/// assert_eq!(band.alpha.len(), 51);
/// // At θ all directions agree, away from it they do not.
/// assert_eq!((band.low[25], band.high[25]), (band.median[25], band.median[25]));
/// assert!(band.low[50] < band.median[50] && band.median[50] < band.high[50]);
/// assert!(band.mean_low[50] < band.mean[50] && band.mean[50] < band.mean_high[50]);
/// assert!(band.counts.iter().all(|&count| count == 25));
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Band<D: GridDimension = Ix2> {
    /// The channel.
    pub channel: String,
    /// The number of draws.
    pub draws: usize,
    /// The coordinates α.
    pub alpha: Vec<f64>,
    /// The coordinates β; the single value 0 of a line.
    pub beta: Vec<f64>,
    /// The shares of draws below [`low`](Self::low) and [`high`](Self::high).
    pub quantiles: [f64; 2],
    /// The probability with which [`mean_low`](Self::mean_low) to [`mean_high`](Self::mean_high) holds the mean.
    pub confidence: f64,
    /// At each point, the number of draws with a finite value there: all else is of these.
    pub counts: Array<usize, D>,
    /// The median over draws; NaN where no draw is finite.
    pub median: Array<f64, D>,
    /// The lower quantile.
    pub low: Array<f64, D>,
    /// The upper quantile.
    pub high: Array<f64, D>,
    /// The mean.
    pub mean: Array<f64, D>,
    /// The lower end of Student's interval of the mean; NaN with fewer than two draws.
    pub mean_low: Array<f64, D>,
    /// The upper end.
    pub mean_high: Array<f64, D>,
}

impl Default for BandSettings {
    fn default() -> Self {
        Self::new()
    }
}

impl BandSettings {
    /// The 10 % and 90 % quantiles, and a 95 % interval of the mean.
    pub const fn new() -> Self {
        Self { low: 0.1, high: 0.9, confidence: 0.95 }
    }

    /// The shares of draws below the lower and the upper edge of the band, from 0 to 1.
    pub const fn quantiles(self, low: f64, high: f64) -> Self {
        Self { low, high, ..self }
    }

    /// The probability with which the interval of the mean holds, between 0 and 1.
    pub const fn confidence(self, confidence: f64) -> Self {
        Self { confidence, ..self }
    }
}

impl<D: GridDimension> Band<D> {
    pub(super) fn of(draws: &Draws<D>, channel: &str, settings: &BandSettings) -> Result<Self> {
        let &BandSettings { low, high, confidence } = settings;
        ensure_confidence(confidence)?;
        ensure_share(low)?;
        ensure_share(high)?;
        let views = draws.iter().map(|landscape| landscape.channel(channel)).collect::<Result<Vec<_>>>()?;
        let [rows, columns] = draws.rows_and_columns();
        let mut values: Vec<_> = views.iter().map(|view| view.iter()).collect();
        let mut at_point = Vec::with_capacity(draws.len());
        let mut points = Vec::with_capacity(rows * columns);
        for _ in 0..rows * columns {
            at_point.clear();
            let finite =
                values.iter_mut().filter_map(Iterator::next).copied().filter(|value| value.is_finite());
            at_point.extend(finite);
            at_point.sort_by(f64::total_cmp);
            points.push(Spread::of(&at_point, [0.5, low, high], confidence)?);
        }
        let array = |figure: fn(&Spread) -> f64| {
            #[expect(clippy::expect_used, reason = "one for each point of the grid")]
            Array::from_shape_vec(D::grid(rows, columns), points.iter().map(figure).collect())
                .expect("a grid")
        };
        let axes = draws.landscapes()[0].axes();
        Ok(Self {
            channel: channel.to_owned(),
            draws: draws.len(),
            alpha: axes[0].to_vec(),
            beta: axes[1].to_vec(),
            quantiles: [low, high],
            confidence,
            counts: array(|point| point.count as f64).mapv(|count| count as usize),
            median: array(|point| point.quantiles[0]),
            low: array(|point| point.quantiles[1]),
            high: array(|point| point.quantiles[2]),
            mean: array(|point| point.mean),
            mean_low: array(|point| point.interval[0]),
            mean_high: array(|point| point.interval[1]),
        })
    }
}

/// The distribution at one point.
struct Spread {
    count: usize,
    quantiles: [f64; 3],
    mean: f64,
    interval: [f64; 2],
}

impl Spread {
    /// Of sorted finite values, of which there may be none.
    fn of(sorted: &[f64], quantiles: [f64; 3], confidence: f64) -> Result<Self> {
        let nan = Self { count: 0, quantiles: [f64::NAN; 3], mean: f64::NAN, interval: [f64::NAN; 2] };
        if sorted.is_empty() {
            return Ok(nan);
        }
        let sample = Sample::new(sorted)?;
        let interval = match sample.len() {
            1 => nan.interval,
            _ => sample.mean_interval(confidence).map(|interval| [interval.low, interval.high])?,
        };
        Ok(Self {
            count: sample.len(),
            quantiles: quantiles.map(|q| quantile(sorted, q)),
            mean: sample.mean(),
            interval,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Curve, Error, statistics::Interval};

    fn draws(rows: &[[f64; 3]]) -> Draws<ndarray::Ix1> {
        let curve = |row: &[f64; 3]| {
            Curve::from_channels(&[-1.0, 0.0, 1.0], [("loss".to_owned(), row.to_vec().into())]).unwrap()
        };
        Draws::new(rows.iter().map(curve).collect()).unwrap()
    }

    #[test]
    fn a_band_counts_the_draws_that_it_is_of() {
        let band = draws(&[[1.0, 2.0, f64::NAN], [3.0, f64::INFINITY, f64::NAN], [8.0, f64::NAN, f64::NAN]]);
        let band = band.band("loss", &BandSettings::new().quantiles(0.0, 1.0)).unwrap();
        assert_eq!(band.counts.to_vec(), [3, 1, 0]);
        assert_eq!((band.low[0], band.median[0], band.high[0], band.mean[0]), (1.0, 3.0, 8.0, 4.0));
        let Interval { low, high, .. } = Sample::new([1.0, 3.0, 8.0]).unwrap().mean_interval(0.95).unwrap();
        assert_eq!((band.mean_low[0], band.mean_high[0]), (low, high));
        assert!((band.median[1], band.mean[1]) == (2.0, 2.0) && band.mean_low[1].is_nan());
        assert!(band.median[2].is_nan() && band.mean_high[2].is_nan());
        assert_eq!((band.alpha.len(), band.beta.as_slice(), band.draws), (3, &[0.0][..], 3));
    }

    #[test]
    fn settings_out_of_range_are_refused() {
        let draws = draws(&[[1.0; 3]]);
        for settings in [
            BandSettings::new().quantiles(-0.1, 0.9),
            BandSettings::new().quantiles(0.1, f64::NAN),
            BandSettings::new().confidence(1.0),
        ] {
            assert!(matches!(draws.band("loss", &settings), Err(Error::Setting { .. })), "{settings:?}");
        }
        assert!(matches!(draws.band("accuracy", &BandSettings::new()), Err(Error::UnknownChannel { .. })));
    }
}
