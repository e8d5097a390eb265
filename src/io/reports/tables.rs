//! Tables of numbers.

use serde::{Serialize, de::DeserializeOwned};

use super::{Misfit, Report};

/// A report that is a head and tables.
pub(super) trait Tabular: Report {
    /// Its tables in order.
    const TABLES: &'static [TableKind];
    /// What is in no table.
    type Head: Serialize + DeserializeOwned;

    fn head(&self) -> Self::Head;

    /// Its tables, as [`TABLES`](Self::TABLES) has them.
    fn tables(&self) -> Vec<Table>;

    /// The report out of tables that have the right columns, and nothing else of them checked.
    fn from_tables(head: Self::Head, tables: &[Table]) -> Result<Self, Misfit>;
}

/// A kind of table: what its columns are.
pub(in crate::io) struct TableKind {
    /// What a row is, such as `minimum`.
    pub(super) name: &'static str,
    pub(super) columns: &'static [ColumnKind],
    /// Whether it only says again what other tables say. It is written and not read.
    pub(super) derived: bool,
}

/// A kind of column.
pub(in crate::io) struct ColumnKind {
    /// Its name in an npz file, after that of the table.
    pub(super) name: &'static str,
    pub(super) numbers: Numbers,
    pub(super) parts: Parts,
    /// Whether it may be missing; then its width is 0.
    pub(super) optional: bool,
}

/// What the numbers of a column are. A column holds all of them as `f64`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Numbers {
    /// Any number.
    Floats,
    /// Whole numbers from 0 on; −1 for none.
    Counts,
    /// 1 for true, 0 for false.
    Flags,
}

/// How many numbers a row has in a column.
#[derive(Clone, Copy)]
pub(super) enum Parts {
    One,
    /// As many as there are names, which CSV has.
    Named(&'static [&'static str]),
    /// As many as there are; in CSV they have the name of the column with `_1`, `_2` and so on.
    Any,
}

/// The numbers of a table, by column.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::io) struct Table {
    pub(super) rows: usize,
    pub(super) columns: Vec<Column>,
}

/// A column: `width` numbers for each row, row by row.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Column {
    pub(super) width: usize,
    pub(super) values: Vec<f64>,
}

impl ColumnKind {
    pub(super) const fn floats(name: &'static str) -> Self {
        Self { name, numbers: Numbers::Floats, parts: Parts::One, optional: false }
    }

    pub(super) const fn counts(name: &'static str) -> Self {
        Self { name, numbers: Numbers::Counts, parts: Parts::One, optional: false }
    }

    pub(super) const fn flags(name: &'static str) -> Self {
        Self { name, numbers: Numbers::Flags, parts: Parts::One, optional: false }
    }

    /// The same with a number for each of these names.
    pub(super) const fn parts(self, names: &'static [&'static str]) -> Self {
        Self { name: self.name, numbers: self.numbers, parts: Parts::Named(names), optional: self.optional }
    }

    /// The same with any number of numbers.
    pub(super) const fn any(self) -> Self {
        Self { name: self.name, numbers: self.numbers, parts: Parts::Any, optional: self.optional }
    }

    /// The same, which may be missing.
    pub(super) const fn optional(self) -> Self {
        Self { name: self.name, numbers: self.numbers, parts: self.parts, optional: true }
    }

    /// The names of its parts in CSV.
    #[cfg(feature = "csv")]
    pub(super) fn names(&self, width: usize) -> Vec<String> {
        match self.parts {
            Parts::One => vec![self.name.to_owned(); width],
            Parts::Named(names) => names.iter().take(width).map(|&name| name.to_owned()).collect(),
            Parts::Any => (1..=width).map(|k| format!("{}_{k}", self.name)).collect(),
        }
    }
}

/// Writes a table column by column.
pub(super) struct Writer {
    rows: usize,
    columns: Vec<Column>,
}

impl Table {
    pub(super) fn of(rows: usize) -> Writer {
        Writer { rows, columns: Vec::new() }
    }

    /// A number of a row.
    pub(super) fn float(&self, column: usize, row: usize) -> f64 {
        self.row(column, row).first().copied().unwrap_or(f64::NAN)
    }

    /// The whole numbers of a row; none where there is none.
    pub(super) fn count<const N: usize>(&self, column: usize, row: usize) -> Option<[usize; N]> {
        let values = self.row(column, row);
        let mut counts = [0; N];
        for (k, count) in counts.iter_mut().enumerate() {
            *count = values.get(k).copied().filter(|value| *value >= 0.0)? as usize;
        }
        Some(counts)
    }

    pub(super) fn flag(&self, column: usize, row: usize) -> bool {
        self.float(column, row) != 0.0
    }

    pub(super) fn row(&self, column: usize, row: usize) -> &[f64] {
        let Column { width, values } = &self.columns[column];
        values.get(width * row..width * (row + 1)).unwrap_or(&[])
    }
}

impl Writer {
    /// Adds a column of `N` numbers a row.
    pub(super) fn with<const N: usize>(mut self, rows: impl Iterator<Item = [f64; N]>) -> Self {
        self.columns.push(Column { width: N, values: rows.flatten().collect() });
        self
    }

    /// Adds a column of one number a row.
    pub(super) fn with_one(self, rows: impl Iterator<Item = f64>) -> Self {
        self.with(rows.map(|value| [value]))
    }

    /// Adds a column of flags.
    pub(super) fn with_flags(self, rows: impl Iterator<Item = bool>) -> Self {
        self.with_one(rows.map(|flag| f64::from(u8::from(flag))))
    }

    /// Adds a column of counts, −1 for none.
    pub(super) fn with_counts(self, rows: impl Iterator<Item = Option<usize>>) -> Self {
        self.with_one(rows.map(count))
    }

    /// Adds a column of any width, row by row.
    pub(super) fn with_any(mut self, width: usize, values: Vec<f64>) -> Self {
        self.columns.push(Column { width, values });
        self
    }

    pub(super) fn done(self) -> Table {
        Table { rows: self.rows, columns: self.columns }
    }
}

/// A count as a number, −1 for none.
pub(super) fn count(count: Option<usize>) -> f64 {
    count.map_or(-1.0, |count| count as f64)
}

/// Two counts as numbers.
pub(super) fn pair(counts: Option<[usize; 2]>) -> [f64; 2] {
    counts.map_or([-1.0; 2], |counts| counts.map(|count| count as f64))
}

/// Whether numbers are what a column of this kind can hold.
pub(super) fn fits(numbers: Numbers, value: f64) -> bool {
    match numbers {
        Numbers::Floats => true,
        Numbers::Counts => value >= -1.0 && value <= (1_u64 << 53) as f64 && value.fract() == 0.0,
        Numbers::Flags => value == 0.0 || value == 1.0,
    }
}
