//! Measures as a table.

use super::{
    Misfit,
    tables::{ColumnKind, Table, TableKind, Tabular},
};
use crate::measure::{MeasureTable, Measured, Reading};

/// What is in no table.
#[derive(serde::Serialize, serde::Deserialize)]
pub(in crate::io) struct Head {
    names: Vec<String>,
}

/// What is known of a reading, as a number.
const UNKNOWN: f64 = 0.0;
const VALUE: f64 = 1.0;
const AT_LEAST: f64 = 2.0;

impl Tabular for MeasureTable {
    const TABLES: &'static [TableKind] = &[TableKind {
        name: "draw",
        columns: &[
            ColumnKind::floats("value").any().optional(),
            ColumnKind::counts("known").any().optional(),
        ],
        derived: false,
    }];

    type Head = Head;

    fn head(&self) -> Head {
        Head { names: self.measures().iter().map(|measured| measured.name().to_owned()).collect() }
    }

    fn tables(&self) -> Vec<Table> {
        let width = self.measures().len();
        let by_draw = |of: fn(&Reading) -> f64| -> Vec<f64> {
            let rows = 0..self.draws();
            rows.flat_map(|draw| self.measures().iter().map(move |measured| of(&measured.readings()[draw])))
                .collect()
        };
        let number = |reading: &Reading| match reading {
            Reading::Value(value) | Reading::AtLeast(value) => *value,
            Reading::Unknown => f64::NAN,
        };
        let known = |reading: &Reading| match reading {
            Reading::Value(_) => VALUE,
            Reading::AtLeast(_) => AT_LEAST,
            Reading::Unknown => UNKNOWN,
        };
        vec![Table::of(self.draws()).with_any(width, by_draw(number)).with_any(width, by_draw(known)).done()]
    }

    fn from_tables(head: Head, tables: &[Table]) -> Result<Self, Misfit> {
        let [table] = tables else { return Err(Misfit::new("the tables", "1", tables.len())) };
        let width = head.names.len();
        for (column, name) in table.columns.iter().zip(["value", "known"]) {
            if column.width != width {
                let expected = format!("{width}, one for each name");
                return Err(Misfit::new(format!("the columns `{name}`"), expected, column.width));
            }
        }
        let reading = |draw: usize, k: usize| {
            let (value, known) = (table.row(0, draw)[k], table.row(1, draw)[k]);
            match known {
                UNKNOWN => Ok(Reading::Unknown),
                VALUE => Ok(Reading::Value(value)),
                AT_LEAST => Ok(Reading::AtLeast(value)),
                other => Err(Misfit::new("what is known of a reading", "0, 1 or 2", other)),
            }
        };
        let measured = |(k, name): (usize, String)| {
            let readings = (0..table.rows).map(|draw| reading(draw, k)).collect::<Result<Vec<_>, _>>()?;
            if let Some(bad) = readings.iter().find(|reading| !reading.is_finite()) {
                return Err(Misfit::new("a reading", "finite", bad));
            }
            Ok(Measured::new(name, readings))
        };
        let measures = head.names.into_iter().enumerate().map(measured).collect::<Result<Vec<_>, _>>()?;
        Self::new(measures).map_err(|error| Misfit::new("the measures", "of as many draws", error))
    }
}
