//! Draws as a table: a row for each point of each draw, the draws one after the other.

use ndarray::{Ix1, Ix2};

use super::{
    Misfit, Report,
    tables::{ColumnKind, Table, TableKind, Tabular},
};
use crate::{
    Draws, GridDimension, Landscape,
    draws::DrawsReport,
    io::{
        draws::of_parts,
        table::{Content, from_content},
    },
    landscape::SweepReport,
};

/// What is in no table.
#[derive(serde::Serialize, serde::Deserialize)]
pub(in crate::io) struct Head {
    channels: Vec<String>,
    report: DrawsReport,
    /// Of each draw.
    reports: Vec<SweepReport>,
}

/// Names may take this many bytes for each number of the table, since every draw has a copy.
const NAMES: usize = 16;

macro_rules! tabular {
    ($dimension:ty, $columns:expr) => {
        impl Tabular for Draws<$dimension>
        where
            Self: Report,
        {
            const TABLES: &'static [TableKind] =
                &[TableKind { name: "point", columns: $columns, derived: false }];

            type Head = Head;

            fn head(&self) -> Head {
                head(self)
            }

            fn tables(&self) -> Vec<Table> {
                vec![table(self)]
            }

            fn from_tables(head: Head, tables: &[Table]) -> Result<Self, Misfit> {
                from_tables(head, tables)
            }
        }
    };
}

tabular!(
    Ix1,
    &[
        ColumnKind::counts("draw"),
        ColumnKind::floats("alpha"),
        ColumnKind::floats("value").any(),
        ColumnKind::flags("computed"),
    ]
);
tabular!(
    Ix2,
    &[
        ColumnKind::counts("draw"),
        ColumnKind::floats("alpha"),
        ColumnKind::floats("beta"),
        ColumnKind::floats("value").any(),
        ColumnKind::flags("computed"),
    ]
);

fn head<D: GridDimension>(draws: &Draws<D>) -> Head {
    Head {
        channels: draws.channels().to_vec(),
        report: draws.report().clone(),
        reports: draws.iter().map(|landscape| landscape.report().clone()).collect(),
    }
}

fn table<D: GridDimension>(draws: &Draws<D>) -> Table {
    let [rows, columns] = draws.rows_and_columns();
    let points = rows * columns;
    let axes = draws.landscapes()[0].axes();
    let all = draws.len() * points;
    let mut writer = Table::of(all)
        .with_counts((0..all).map(|row| Some(row / points)))
        .with_one((0..all).map(|row| axes[0][row % points / columns]));
    if D::AXES == 2 {
        writer = writer.with_one((0..all).map(|row| axes[1][row % columns]));
    }
    let values = draws.iter().flat_map(|landscape| landscape.flat_values().iter().copied()).collect();
    writer
        .with_any(draws.channels().len(), values)
        .with_flags(draws.iter().flat_map(|landscape| landscape.computed().iter().copied()))
        .done()
}

fn from_tables<D: GridDimension>(head: Head, tables: &[Table]) -> Result<Draws<D>, Misfit> {
    let [table] = tables else { return Err(Misfit::new("the tables", "1", tables.len())) };
    let Head { channels, report, reports } = head;
    let value = D::AXES + 1;
    let width = table.columns[value].width;
    if width != channels.len() {
        let expected = format!("{}, one for each channel", channels.len());
        return Err(Misfit::new("the columns `value`", expected, width));
    }
    let draws = reports.len();
    if draws == 0 || !table.rows.is_multiple_of(draws) {
        return Err(Misfit::new("the points", format!("as many in each of {draws} draws"), table.rows));
    }
    let points = table.rows / draws;
    let names: usize = channels.iter().map(String::len).sum();
    if names.saturating_mul(draws) > NAMES * (table.rows * width).max(512) {
        let expected = format!("shorter, since each of {draws} draws has them");
        return Err(Misfit::new("the names of the channels", expected, format!("{names} bytes")));
    }
    // The first draw has the axes; all others must have them again.
    let column = |k: usize| &table.columns[k].values[..points.min(table.rows)];
    let mut alpha = column(1).to_vec();
    alpha.dedup();
    let columns =
        if D::AXES == 2 { column(1).iter().take_while(|value| **value == column(1)[0]).count() } else { 1 };
    let beta = (D::AXES == 2).then(|| column(2)[..columns].to_vec());
    let same = |a: f64, b: f64| a.to_bits() == b.to_bits();
    for row in 0..table.rows {
        let point = row % points;
        let draw = table.count::<1>(0, row).map(|[draw]| draw);
        let at_alpha = alpha.get(point / columns).is_some_and(|alpha| same(*alpha, table.float(1, row)));
        let at_beta = beta.as_ref().is_none_or(|beta| same(beta[point % columns], table.float(2, row)));
        if draw != Some(row / points) || !at_alpha || !at_beta {
            let expected = "every point of one grid once, draw after draw, row by row";
            return Err(Misfit::new("the points", expected, format!("another at row {row}")));
        }
    }
    let landscape = |(draw, report): (usize, SweepReport)| -> Result<Landscape<D>, Misfit> {
        let own = draw * points..(draw + 1) * points;
        let channel = |(k, name): (usize, &String)| {
            (name.clone(), own.clone().map(|row| table.row(value, row)[k]).collect())
        };
        let content = Content {
            alpha: alpha.clone(),
            beta: beta.clone(),
            channels: channels.iter().enumerate().map(channel).collect(),
            computed: Some(own.clone().map(|row| table.flag(value + 1, row)).collect()),
            report: Some(report),
        };
        from_content(content, "draw").map_err(|error| Misfit::new(format!("draw {draw}"), "whole", error))
    };
    let landscapes = reports.into_iter().enumerate().map(landscape).collect::<Result<Vec<_>, _>>()?;
    of_parts(landscapes, report).map_err(|reason| Misfit::new("the draws", "those of one sweep", reason))
}
