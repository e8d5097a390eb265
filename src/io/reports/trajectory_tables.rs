//! Trajectories as tables.

use super::{
    Misfit,
    tables::{ColumnKind, Table, TableKind, Tabular},
};
use crate::trajectory::{PathFailure, PathLosses, PathRecord, TrajectoryReport};

/// What of a trajectory is in no table.
#[derive(serde::Serialize, serde::Deserialize)]
pub(in crate::io) struct Head {
    snapshots: usize,
    parameters: usize,
    centred: bool,
    dimensions: usize,
    /// None where losses were not evaluated.
    failures: Option<Vec<PathFailure>>,
}

impl Tabular for PathRecord {
    const TABLES: &'static [TableKind] = &[
        TableKind {
            name: "snapshot",
            columns: &[
                ColumnKind::floats("coordinate").any(),
                ColumnKind::floats("distance"),
                ColumnKind::floats("off_plane"),
                ColumnKind::floats("loss_on_path").optional(),
                ColumnKind::floats("loss_on_plane").optional(),
            ],
            derived: false,
        },
        TableKind {
            name: "component",
            columns: &[
                ColumnKind::floats("eigenvalue"),
                ColumnKind::floats("share"),
                ColumnKind::floats("random_walk"),
                ColumnKind::floats("random_walk_of_steps"),
            ],
            derived: false,
        },
    ];

    type Head = Head;

    fn head(&self) -> Head {
        let TrajectoryReport { snapshots, parameters, centred, dimensions, .. } = self.report;
        let failures = self.losses.as_ref().map(|losses| losses.failures.clone());
        Head { snapshots, parameters, centred, dimensions, failures }
    }

    fn tables(&self) -> Vec<Table> {
        let report = &self.report;
        let one = |values: &[f64]| values.to_vec();
        let coordinates: Vec<f64> = (0..report.snapshots)
            .flat_map(|t| report.coordinates.iter().map(move |along| along[t]))
            .collect();
        let loss = |of: fn(&PathLosses) -> &[f64]| {
            self.losses.as_ref().map_or((0, Vec::new()), |losses| (1, of(losses).to_vec()))
        };
        let (path, plane) = (loss(|losses| &losses.on_path), loss(|losses| &losses.on_plane));
        vec![
            Table::of(report.snapshots)
                .with_any(report.coordinates.len(), coordinates)
                .with_any(1, one(&report.distances))
                .with_any(1, one(&report.off_plane))
                .with_any(path.0, path.1)
                .with_any(plane.0, plane.1)
                .done(),
            Table::of(report.eigenvalues.len())
                .with_any(1, one(&report.eigenvalues))
                .with_any(1, one(&report.shares))
                .with_any(1, one(&report.random_walk))
                .with_any(1, one(&report.random_walk_of_steps))
                .done(),
        ]
    }

    fn from_tables(head: Head, tables: &[Table]) -> Result<Self, Misfit> {
        let [snapshots, components] = tables else {
            return Err(Misfit::new("the tables", "2", tables.len()));
        };
        let column = |table: &Table, k: usize| table.columns[k].values.clone();
        let width = snapshots.columns[0].width;
        let along = |k: usize| (0..snapshots.rows).map(|row| snapshots.row(0, row)[k]).collect();
        let report = TrajectoryReport {
            snapshots: head.snapshots,
            parameters: head.parameters,
            centred: head.centred,
            dimensions: head.dimensions,
            eigenvalues: column(components, 0),
            shares: column(components, 1),
            random_walk: column(components, 2),
            random_walk_of_steps: column(components, 3),
            coordinates: (0..width).map(along).collect(),
            distances: column(snapshots, 1),
            off_plane: column(snapshots, 2),
        };
        let losses = head.failures.map(|failures| PathLosses {
            on_path: column(snapshots, 3),
            on_plane: column(snapshots, 4),
            failures,
        });
        Ok(Self { report, losses })
    }
}
