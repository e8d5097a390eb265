//! Reports as npz: an array for each column, named after table and column, and the head as bytes of JSON.

use std::io::Write;

use super::{
    Document,
    tables::{Column, ColumnKind, Numbers, Parts, Table, TableKind, Tabular, fits},
};
use crate::{
    Result,
    io::{
        json,
        npz::{
            Arrays,
            npy::{self, Npy},
            unfit,
            zip::Zip,
        },
    },
    replace::{self, Unfilled},
};

pub(super) fn encode<R: Tabular>(report: &R) -> Result<Vec<u8>> {
    replace::in_memory(|out| write(report, out))
}

fn write<R: Tabular>(report: &R, out: &mut dyn Write) -> std::result::Result<(), Unfilled> {
    let mut zip = Zip::new(out);
    for (kind, table) in R::TABLES.iter().zip(report.tables()) {
        for (column_kind, column) in kind.columns.iter().zip(&table.columns).filter(|(_, c)| c.width > 0) {
            let shape = match column_kind.parts {
                Parts::One => vec![table.rows],
                Parts::Named(_) | Parts::Any => vec![table.rows, column.width],
            };
            let values = column.values.iter();
            let array = match column_kind.numbers {
                Numbers::Floats => npy::encode("<f8", &shape, values.map(|value| value.to_le_bytes())),
                Numbers::Counts => {
                    npy::encode("<i8", &shape, values.map(|value| (*value as i64).to_le_bytes()))
                }
                Numbers::Flags => npy::encode("|b1", &shape, values.map(|value| [u8::from(*value != 0.0)])),
            };
            zip.add(&format!("{}.npy", name(kind, column_kind)), &array)?;
        }
    }
    let metadata = json::line(&Document::new::<R>(report.head()), "npz")?;
    zip.add("metadata.npy", &npy::encode("|u1", &[metadata.len()], metadata.bytes().map(|byte| [byte])))?;
    zip.finish()
}

pub(super) fn decode<R: Tabular>(bytes: &[u8]) -> Result<R> {
    let arrays = Arrays::read(bytes)?;
    let array = arrays.get("metadata")?.ok_or_else(|| arrays.missing("metadata"))?;
    let text = array.bytes().ok_or_else(|| unfit("metadata", "the bytes of a text", array))?;
    let head = json::parse::<Document<R::Head>>(text, "npz")?.check::<R>("npz")?;
    let mut tables = Vec::new();
    for kind in R::TABLES {
        let mut rows = None;
        let mut columns = Vec::new();
        for column in kind.columns.iter().filter(|_| !kind.derived) {
            let name = name(kind, column);
            columns.push(match arrays.get(&name)? {
                None if column.optional => Column { width: 0, values: Vec::new() },
                None => return Err(arrays.missing(&name)),
                Some(array) => read(&name, column, array, &mut rows)?,
            });
        }
        tables.push(Table { rows: rows.unwrap_or(0), columns });
    }
    let report = R::from_tables(head, &tables).map_err(|misfit| misfit.into_error("npz"))?;
    report.check().map_err(|misfit| misfit.into_error("npz"))?;
    Ok(report)
}

fn name(table: &TableKind, column: &ColumnKind) -> String {
    format!("{}_{}", table.name, column.name)
}

/// A column with as many rows as those before it.
fn read(name: &str, kind: &ColumnKind, array: &Npy<'_>, rows: &mut Option<usize>) -> Result<Column> {
    let expected = rows.map_or_else(|| "rows".to_owned(), |rows| format!("{rows} rows"));
    let width = match (kind.parts, &array.shape[..]) {
        (Parts::One, [_]) => Some(1),
        (Parts::Named(names), [_, width]) => Some(*width).filter(|width| *width == names.len()),
        (Parts::Any, [_, width]) => Some(*width),
        _ => None,
    };
    let numbers = array.numbers().filter(|numbers| numbers.iter().all(|value| fits(kind.numbers, *value)));
    match (width, numbers) {
        (Some(width), Some(values)) if rows.is_none_or(|rows| rows == array.shape[0]) => {
            *rows = Some(array.shape[0]);
            Ok(Column { width, values })
        }
        _ => {
            let what = match kind.numbers {
                Numbers::Floats => "numbers",
                Numbers::Counts => "whole numbers from -1 on",
                Numbers::Flags => "true and false",
            };
            let width = match kind.parts {
                Parts::One => String::new(),
                Parts::Named(names) => format!(" of {} each", names.len()),
                Parts::Any => " of any number each".to_owned(),
            };
            Err(unfit(name, &format!("{expected} of {what}{width}"), array))
        }
    }
}
