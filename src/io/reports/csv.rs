//! Reports as CSV: a line for each row of each table, which its first field names, and the head as a comment.

use std::fmt::Write;

use super::{
    Document,
    tables::{Column, Numbers, Parts, Table, TableKind, Tabular, fits},
};
use crate::{
    Result,
    io::{csv::OURS, json, table::wrong},
};

/// The column that names the table of a line.
const TABLE: &str = "table";

pub(super) fn encode<R: Tabular>(report: &R) -> Result<Vec<u8>> {
    let tables = report.tables();
    let mut header = vec![TABLE.to_owned()];
    // For each table the places of its columns' parts in a line.
    let mut places = Vec::new();
    for (kind, table) in R::TABLES.iter().zip(&tables) {
        let mut columns = Vec::new();
        for (column_kind, column) in kind.columns.iter().zip(&table.columns) {
            for (part, name) in column_kind.names(column.width).into_iter().enumerate() {
                let place = header.iter().position(|other| *other == name).unwrap_or_else(|| {
                    header.push(name);
                    header.len() - 1
                });
                columns.push((place, column_kind.numbers, column, part));
            }
        }
        columns.sort_by_key(|(place, ..)| *place);
        places.push(columns);
    }
    let mut text = String::new();
    text.extend(["# ", &json::line(&Document::new::<R>(report.head()), "CSV")?, "\n"]);
    text.push_str(&header.join(","));
    text.push('\n');
    for ((kind, table), columns) in R::TABLES.iter().zip(&tables).zip(&places) {
        for row in 0..table.rows {
            text.push_str(kind.name);
            let mut at = 0;
            for (place, numbers, column, part) in columns {
                text.extend(std::iter::repeat_n(',', place - at));
                at = *place;
                put(&mut text, *numbers, column.values[row * column.width + part]);
            }
            text.extend(std::iter::repeat_n(',', header.len() - 1 - at));
            text.push('\n');
        }
    }
    Ok(text.into_bytes())
}

fn put(text: &mut String, numbers: Numbers, value: f64) {
    // Writing to a String does not fail.
    let _ = match numbers {
        Numbers::Floats => write!(text, "{value:?}"),
        Numbers::Counts | Numbers::Flags if value >= 0.0 => write!(text, "{value}"),
        Numbers::Counts | Numbers::Flags => Ok(()),
    };
}

pub(super) fn decode<R: Tabular>(bytes: &[u8]) -> Result<R> {
    let text = std::str::from_utf8(bytes).map_err(|error| wrong("CSV", "the text", "UTF-8", error))?;
    let mut lines = text.lines().enumerate().map(|(i, line)| (i + 1, line));
    let comment = lines.next().map(|(_, line)| line).filter(|line| line.starts_with(OURS));
    let comment =
        comment.ok_or_else(|| wrong("CSV", "line 1", format!("a comment `{OURS}…`"), "something else"))?;
    let head = json::parse::<Document<R::Head>>(&comment.as_bytes()[2..], "CSV")?.check::<R>("CSV")?;
    let header = lines.next().map_or("", |(_, line)| line);
    let width = header.split(',').count();
    let mut tables = Vec::new();
    let mut readers = Vec::new();
    for kind in R::TABLES {
        let (table, places) = columns(kind, header)?;
        tables.push(table);
        readers.push(places);
    }
    for (number, line) in lines.filter(|(_, line)| !line.trim().is_empty()) {
        let name = line.split(',').next().unwrap_or("");
        let Some(k) = R::TABLES.iter().position(|kind| kind.name == name) else {
            let names = R::TABLES.iter().map(|kind| kind.name).collect::<Vec<_>>().join(", ");
            let found: String = name.chars().take(60).collect();
            return Err(wrong(
                "CSV",
                format!("the table of line {number}"),
                format!("one of {names}"),
                found,
            ));
        };
        let found = line.split(',').count();
        if found != width {
            return Err(wrong("CSV", format!("line {number}"), format!("{width} fields"), found));
        }
        // Parts come in the order of the header, and so do those of one column.
        let mut places = readers[k].iter().peekable();
        for (place, field) in line.split(',').enumerate() {
            while let Some((_, column, numbers)) = places.next_if(|(wanted, ..)| *wanted == place) {
                let value = parse(field.trim(), *numbers).ok_or_else(|| {
                    let field: String = field.chars().take(60).collect();
                    wrong(
                        "CSV",
                        format!("field {} of line {number}", place + 1),
                        "a number of its kind",
                        field,
                    )
                })?;
                tables[k].columns[*column].values.push(value);
            }
        }
        tables[k].rows += 1;
    }
    let report = R::from_tables(head, &tables).map_err(|misfit| misfit.into_error("CSV"))?;
    report.check().map_err(|misfit| misfit.into_error("CSV"))?;
    Ok(report)
}

/// The place of a part in a line, its column, and what it holds.
type Place = (usize, usize, Numbers);

/// An empty table of this kind, and where its columns are in a line.
fn columns(kind: &TableKind, header: &str) -> Result<(Table, Vec<Place>)> {
    let mut table = Table { rows: 0, columns: Vec::new() };
    let mut places = Vec::new();
    for (index, column) in kind.columns.iter().enumerate().filter(|_| !kind.derived) {
        let most = match column.parts {
            Parts::One => 1,
            Parts::Named(names) => names.len(),
            Parts::Any => header.len(),
        };
        let mut width = 0;
        let mut start = 0;
        while width < most {
            let names = column.names(width + 1);
            let name = &names[width];
            // Of any number of parts, each stands after the one before it: no header is searched anew for each.
            let rest = header.split(',').enumerate().skip(start);
            let Some((place, _)) = { rest }.find(|(_, found)| found.trim() == name) else { break };
            places.push((place, index, column.numbers));
            (width, start) = (width + 1, place + 1);
        }
        let whole = matches!(column.parts, Parts::Any) || width == most;
        if !(whole || column.optional && width == 0) {
            return Err(wrong(
                "CSV",
                "the header",
                format!("with the columns of `{}`", column.name),
                "without",
            ));
        }
        table.columns.push(Column { width, values: Vec::new() });
    }
    places.sort_by_key(|(place, ..)| *place);
    Ok((table, places))
}

fn parse(field: &str, numbers: Numbers) -> Option<f64> {
    if field.is_empty() && numbers == Numbers::Counts {
        return Some(-1.0);
    }
    field.parse().ok().filter(|value| fits(numbers, *value))
}
