//! The result of a sampled sweep: estimates with their errors.

use std::ops::Deref;

use ndarray::{ArrayView, Ix2};

use super::report::{SampledReport, SampledSet};
use crate::{Error, GridDimension, Landscape, Result};

/// What [`Sweep::sampled`](crate::Sweep::sampled) returns: a [`Landscape`] of estimates, with all its methods, files and
/// figures, that knows how sure each point is.
///
/// For each data set its channels are those of the oracle, then `"… standard error"` for each of them in the same order,
/// and `"samples"`, the number of samples evaluated there. So files and journals keep the errors. A point at which all
/// samples were evaluated has an error of 0.
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
/// # let data: Vec<f64> = (0..2000).map(|i| f64::from(i).sin()).collect();
/// let sweep = || Sweep::plane(&net, RandomDirections::new(1)).data("train", data.as_slice());
/// let sweep = || sweep().alpha(-1.0..=1.0, 21).beta(-1.0..=1.0, 21);
/// let (sampled, full) = (sweep().sampled(&Sampled::new())?, sweep().run()?);
/// assert_eq!(sampled.channels(), ["train loss", "train loss standard error", "train samples"]);
/// let error = sampled.standard_error("train loss")?;
/// // 95 % intervals reach 1.96 standard errors to both sides.
/// let inside = sampled.loss().into_iter().zip(full.loss()).zip(&error).filter(|((found, true_value), error)| {
///     (*found - *true_value).abs() <= 1.96 * **error + 1e-12
/// });
/// assert!(inside.count() as f64 >= 0.9 * 441.0);
/// assert!(sampled.share() < 0.2 && sampled.samples().iter().all(|samples| *samples <= 2000.0));
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct SampledLandscape<D: GridDimension = Ix2> {
    landscape: Landscape<D>,
    /// The oracle's own channels of a data set.
    channels: usize,
    report: SampledReport,
}

/// The channels of a data set in the result: the oracle's, their errors, and the number of samples.
pub(super) fn with_errors(channels: &[String]) -> Vec<String> {
    let errors = channels.iter().map(|channel| format!("{channel} standard error"));
    channels.iter().cloned().chain(errors).chain(["samples".to_owned()]).collect()
}

/// A data set of a sampled sweep.
pub(super) struct SetFacts {
    pub(super) name: String,
    pub(super) samples: usize,
    pub(super) too_few: bool,
}

impl<D: GridDimension> SampledLandscape<D> {
    pub(super) fn new(
        landscape: Landscape<D>,
        channels: usize,
        spacing: usize,
        nodes: usize,
        sets: Vec<SetFacts>,
    ) -> Self {
        let width = 2 * channels + 1;
        let all = landscape.values();
        let values: Vec<f64> = all.iter().copied().collect();
        let count = sets.len();
        let sets = sets.into_iter().enumerate().map(|(set, SetFacts { name, samples, too_few })| {
            let rows = values.chunks_exact(width * count).zip(landscape.computed());
            let points = rows.filter(|(_, computed)| **computed).map(|(row, _)| {
                let of = &row[set * width..][..width];
                [of[0], of[channels], of[2 * channels]]
            });
            SampledSet::of(name, samples, too_few, points)
        });
        let report = SampledReport { spacing, nodes, sets: sets.collect() };
        Self { landscape, channels, report }
    }

    /// The standard error of each point of a channel, such as `"train loss"`: 0 where all samples were evaluated. The
    /// estimate plus and minus 1.96 of it hold the mean of all samples with a probability of 95 %.
    /// [`Sweep::sampled`](crate::Sweep::sampled) says how that was checked.
    ///
    /// # Errors
    /// [`Error::UnknownChannel`], with the names that there are.
    pub fn standard_error(&self, name: &str) -> Result<ArrayView<'_, f64, D>> {
        let width = 2 * self.channels + 1;
        let own = |position: usize| position % width < self.channels;
        match self.landscape.position(name) {
            Ok(position) if own(position) => Ok(self.landscape.channel_at(position + self.channels)),
            _ => {
                let names =
                    self.landscape.channels().iter().enumerate().filter(|(position, _)| own(*position));
                let names = names.map(|(_, name)| name.clone()).collect();
                Err(Error::UnknownChannel { name: name.to_owned(), names })
            }
        }
    }

    /// The standard error of the loss on the first data set; see [`standard_error`](Self::standard_error).
    pub fn error(&self) -> ArrayView<'_, f64, D> {
        self.landscape.channel_at(self.channels)
    }

    /// The number of samples evaluated at each point, on the first data set.
    pub fn samples(&self) -> ArrayView<'_, f64, D> {
        self.landscape.channel_at(2 * self.channels)
    }

    /// The share of the evaluations of a full sweep over the same points that it took, all data sets together.
    pub fn share(&self) -> f64 {
        let sets = self.report.sets.iter();
        let spent: f64 = sets.clone().map(|set| set.evaluations as f64).sum();
        let all: f64 = sets.map(|set| self.landscape.report().computed as f64 * set.samples as f64).sum();
        spent / all
    }

    /// How many samples were taken, and how sure the points are.
    pub fn sampling(&self) -> &SampledReport {
        &self.report
    }

    /// The landscape alone.
    pub fn into_landscape(self) -> Landscape<D> {
        self.landscape
    }
}

impl<D: GridDimension> Deref for SampledLandscape<D> {
    type Target = Landscape<D>;

    fn deref(&self) -> &Landscape<D> {
        &self.landscape
    }
}
