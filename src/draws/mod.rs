//! Several draws of random directions: one landscape for each, and what they say together.

mod band;
mod report;

pub use band::{Band, BandSettings};
pub use report::DrawsReport;

use std::{fmt, ops::Index, slice};

use ndarray::Ix2;

use crate::{
    Error, GridDimension, Landscape, Result,
    measure::{Measure, Measured, Reading},
};

/// Landscapes over the same axes, one for each draw of random directions, as [`Sweep::draws`](crate::Sweep::draws)
/// gives them.
///
/// One random plane shows one of many pictures. Draws show how much of it is the network's and how much the
/// direction's: a [band](Self::band) holds the loss of most directions at each point, and a
/// [measure](Self::measure) becomes a distribution with an interval.
///
/// ```
/// use loss_landscape::{FnModel, Layout, RandomDirections, Sweep, measure::{Level, Measure}};
///
/// let loss = |t: &[f64], _: &()| t.iter().enumerate().map(|(i, t)| (1.0 + i as f64) * (t - 1.0).powi(2)).sum::<f64>();
/// let model = FnModel::new(Layout::flat(30)?, vec![1.0; 30], loss)?;
/// let draws = Sweep::plane(&model, RandomDirections::new(42))
///     .data("", &())
///     .alpha(-1.0..=1.0, 21)
///     .beta(-1.0..=1.0, 21)
///     .draws(12)?;
///
/// // Each draw is a surface.
/// let first = &draws[0];
/// assert_eq!(first.shape(), [21, 21]);
/// println!("{}", draws.report());
///
/// // What most of them have in common, and one number of each.
/// let band = draws.band("loss", &BandSettings::new())?;
/// assert!(band.low[[0, 0]] <= band.median[[0, 0]] && band.median[[0, 0]] <= band.high[[0, 0]]);
/// let share = draws.measure("loss", &Measure::ShareBelow(Level::Value(100.0)))?;
/// println!("{share}"); // share below 100: mean … (95 % interval … to …, from 12 values)
///
/// // Or a number of your own.
/// let corner = draws.measure_by("loss in a corner", |surface| Reading::Value(surface.loss()[[0, 0]]));
/// assert!(corner.mean_interval(0.95)?.low > 0.0);
/// # use loss_landscape::{draws::BandSettings, measure::Reading};
/// # Ok::<(), loss_landscape::Error>(())
/// ```
///
/// With the features `json`, `npz` and `csv` draws are written and read back exactly, as single results are. npz and CSV
/// have a row for each point of each draw, the draws one after the other: `draw`, `alpha`, `beta` (of surfaces), a value
/// for each channel, and `computed`. In numpy, `file["point_value"].reshape(draws, m, n, channels)` has all of them.
#[derive(Clone, Debug)]
pub struct Draws<D: GridDimension = Ix2> {
    /// At least one.
    landscapes: Vec<Landscape<D>>,
    report: DrawsReport,
}

impl<D: GridDimension> Draws<D> {
    /// Draws that were swept one by one, or read from files.
    ///
    /// ```
    /// use loss_landscape::{Draws, FnModel, Layout, RandomDirections, line_1d};
    ///
    /// let model = FnModel::new(Layout::flat(2)?, vec![1.0; 2], |t: &[f64], _: &()| t[0] * t[1])?;
    /// let curves = (0..4).map(|seed| line_1d(&model, &(), RandomDirections::new(seed))).collect::<Result<Vec<_>, _>>()?;
    /// let draws = Draws::new(curves)?;
    /// assert_eq!((draws.len(), draws.report().computed), (4, 4 * 51));
    /// # Ok::<(), loss_landscape::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Setting`] for none, [`Error::DrawsDiffer`] where axes or channels differ.
    pub fn new(landscapes: Vec<Landscape<D>>) -> Result<Self> {
        let Some(first) = landscapes.first() else {
            return Err(Error::Setting { setting: "the number of draws", value: 0.0, needs: "1 or more" });
        };
        for (draw, landscape) in landscapes.iter().enumerate() {
            for (what, differ) in [
                ("axes", landscape.axes() != first.axes()),
                ("channels", landscape.channels() != first.channels()),
            ] {
                if differ {
                    return Err(Error::DrawsDiffer { draw, what });
                }
            }
        }
        Ok(Self::assemble(landscapes, |report| report))
    }

    /// Draws of the same axes and channels; `known` adds to the report what only the sweep knows.
    pub(crate) fn assemble(
        landscapes: Vec<Landscape<D>>,
        known: impl FnOnce(DrawsReport) -> DrawsReport,
    ) -> Self {
        let report = known(DrawsReport::of(landscapes.iter().map(Landscape::report)));
        Self { landscapes, report }
    }

    /// The same with this report, which is of these draws.
    #[cfg(feature = "serde")]
    pub(crate) fn reported(self, report: DrawsReport) -> Self {
        Self { report, ..self }
    }

    /// The number of draws, 1 or more.
    #[allow(clippy::len_without_is_empty, reason = "there is at least one")]
    pub fn len(&self) -> usize {
        self.landscapes.len()
    }

    /// The landscape of each draw.
    pub fn landscapes(&self) -> &[Landscape<D>] {
        &self.landscapes
    }

    /// The landscapes themselves.
    pub fn into_landscapes(self) -> Vec<Landscape<D>> {
        self.landscapes
    }

    /// The landscapes in their order.
    pub fn iter(&self) -> slice::Iter<'_, Landscape<D>> {
        self.landscapes.iter()
    }

    /// The coordinates α of all draws, ascending.
    pub fn alpha(&self) -> &[f64] {
        self.landscapes[0].alpha()
    }

    /// The names of the channels of all draws.
    pub fn channels(&self) -> &[String] {
        self.landscapes[0].channels()
    }

    /// How the sweep over all draws went.
    pub fn report(&self) -> &DrawsReport {
        &self.report
    }

    /// Takes a measure of one channel of every draw.
    ///
    /// # Errors
    /// As [`Measure::of`].
    pub fn measure(&self, channel: &str, measure: &Measure) -> Result<Measured> {
        let readings = self.iter().map(|landscape| measure.of(landscape, channel));
        Ok(Measured::new(measure.to_string(), readings.collect::<Result<Vec<_>>>()?))
    }

    /// Takes a measure of your own of every draw.
    pub fn measure_by(
        &self,
        name: impl Into<String>,
        measure: impl FnMut(&Landscape<D>) -> Reading,
    ) -> Measured {
        Measured::new(name, self.iter().map(measure))
    }

    /// How one channel is distributed over the draws, at each point. [`Band`] has an example.
    ///
    /// # Errors
    /// [`Error::UnknownChannel`].
    pub fn band(&self, channel: &str, settings: &BandSettings) -> Result<Band<D>> {
        Band::of(self, channel, settings)
    }

    pub(crate) fn rows_and_columns(&self) -> [usize; 2] {
        self.landscapes[0].rows_and_columns()
    }
}

impl Draws<Ix2> {
    /// The coordinates β of all draws, ascending.
    pub fn beta(&self) -> &[f64] {
        self.landscapes[0].beta()
    }
}

impl<D: GridDimension> Index<usize> for Draws<D> {
    type Output = Landscape<D>;

    fn index(&self, draw: usize) -> &Landscape<D> {
        &self.landscapes[draw]
    }
}

impl<'d, D: GridDimension> IntoIterator for &'d Draws<D> {
    type Item = &'d Landscape<D>;
    type IntoIter = slice::Iter<'d, Landscape<D>>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// One line: how many draws of what.
impl<D: GridDimension> fmt::Display for Draws<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.len() == 1 { "draw" } else { "draws" };
        write!(f, "{} {plural}; the first: {}", self.len(), self.landscapes[0])
    }
}
