//! Several measures of the same draws.

use super::{Measured, Reading};
use crate::{Error, Result};

/// Several measures of the same draws, as a table for files: a row for each draw, a column for each measure.
///
/// With the features `json`, `npz` and `csv` it is written and read back exactly, as results are. In npz and CSV the
/// names of the measures are in the metadata (in CSV the comment before the header); the columns are `value_1`,
/// `value_2` and so on, and beside each `known_1`, …: 1 for a value, 2 for a lower bound, 0 where nothing is known.
///
/// ```
/// use loss_landscape::{FnModel, Layout, RandomDirections, Sweep, measure::{Measure, MeasureTable}};
///
/// let model = FnModel::new(Layout::flat(5)?, vec![1.0; 5], |t: &[f64], _: &()| t.iter().map(|t| t * t).sum::<f64>())?;
/// let draws = Sweep::line(&model, RandomDirections::new(1)).data("", &()).draws(8)?;
/// let of = |measure| draws.measure("loss", &measure);
/// let table = MeasureTable::new(vec![of(Measure::Curvature { axis: 0 })?, of(Measure::Offset)?])?;
/// assert_eq!((table.draws(), table.measures().len()), (8, 2));
/// let read = MeasureTable::from_csv_bytes(&table.to_csv_bytes()?)?;
/// assert_eq!(read, table);
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct MeasureTable {
    measures: Vec<Measured>,
}

impl MeasureTable {
    /// These measures.
    ///
    /// # Errors
    /// [`Error::MeasureDraws`] for one that is not of as many draws as the first.
    pub fn new(measures: Vec<Measured>) -> Result<Self> {
        let table = Self { measures };
        let draws = table.draws();
        match table.measures.iter().find(|measured| measured.readings().len() != draws) {
            Some(other) => Err(Error::MeasureDraws {
                name: other.name().to_owned(),
                draws: other.readings().len(),
                expected: draws,
            }),
            None => Ok(table),
        }
    }

    /// A row of readings for each of what is compared, in the order of the names.
    pub(crate) fn of_rows<const N: usize>(names: [&str; N], rows: &[[Reading; N]]) -> Self {
        let column = |(column, name)| Measured::new(name, rows.iter().map(|row| row[column]));
        Self { measures: names.into_iter().enumerate().map(column).collect() }
    }

    /// The measures.
    pub fn measures(&self) -> &[Measured] {
        &self.measures
    }

    /// The number of draws of each; 0 without measures.
    pub fn draws(&self) -> usize {
        self.measures.first().map_or(0, |measured| measured.readings().len())
    }
}
