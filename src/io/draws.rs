//! Draws as documents: their landscapes, and the report of the whole.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser::SerializeStruct};

use crate::{Draws, GridDimension, Landscape, draws::DrawsReport};

/// Draws as they are read.
#[derive(Deserialize)]
#[serde(bound = "")]
struct Raw<D: GridDimension> {
    landscapes: Vec<Landscape<D>>,
    report: DrawsReport,
}

impl<D: GridDimension> Serialize for Draws<D> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut draws = serializer.serialize_struct("Draws", 2)?;
        draws.serialize_field("landscapes", self.landscapes())?;
        draws.serialize_field("report", self.report())?;
        draws.end()
    }
}

impl<'de, D: GridDimension> Deserialize<'de> for Draws<D> {
    fn deserialize<E: Deserializer<'de>>(deserializer: E) -> Result<Self, E::Error> {
        let Raw { landscapes, report } = Raw::<D>::deserialize(deserializer)?;
        of_parts(landscapes, report).map_err(de::Error::custom)
    }
}

/// Draws with the report of their sweep; or why it is not theirs.
pub(super) fn of_parts<D: GridDimension>(
    landscapes: Vec<Landscape<D>>,
    report: DrawsReport,
) -> Result<Draws<D>, String> {
    let draws = Draws::new(landscapes).map_err(|error| error.to_string())?;
    let counts = |report: &DrawsReport| [report.draws, report.total, report.computed, report.bad_points];
    let (expected, found) = (counts(draws.report()), counts(&report));
    if found == expected {
        Ok(draws.reported(report))
    } else {
        Err(format!("the counts of the report should be {expected:?}, not {found:?}"))
    }
}
