//! What a table of measures out of a file must hold.

use super::{Misfit, Report};
use crate::measure::{MeasureTable, Measured};

super::all_files!(MeasureTable);

impl Report for MeasureTable {
    const NAME: &'static str = "measures";

    fn check(&self) -> Result<(), Misfit> {
        let draws = self.draws();
        let other = self.measures().iter().find(|measured| measured.readings().len() != draws);
        if let Some(other) = other {
            let found = other.readings().len();
            return Err(Misfit::new("the readings of a measure", format!("{draws} of them"), found));
        }
        let readings = self.measures().iter().flat_map(Measured::readings);
        match { readings }.find(|reading| !reading.is_finite()) {
            Some(reading) => Err(Misfit::new("a reading", "finite", reading)),
            None => Ok(()),
        }
    }
}
