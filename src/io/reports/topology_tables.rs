//! Shapes as tables.

use super::{
    Misfit,
    tables::{ColumnKind, Table, TableKind, Tabular, count, pair},
    topology::check_merges,
};
use crate::topology::{Hill, Merge, MergeTree, Minimum, Neighbours, SaddleDistance, Site, TopologyReport};

const INDEX: &[&str] = &["i", "j"];
const COORDINATES: &[&str] = &["alpha", "beta"];

/// What of a shape is in no table.
#[derive(serde::Serialize, serde::Deserialize)]
pub(in crate::io) struct Head {
    channel: String,
    neighbours: Neighbours,
    shape: [usize; 2],
    points: usize,
    holes: usize,
    #[serde(with = "crate::wire::forms")]
    persistence_above: f64,
    #[serde(with = "crate::wire::forms")]
    noise_factor: Option<f64>,
    left_out: usize,
    saddle_distance: Option<SaddleDistance>,
}

impl Tabular for TopologyReport {
    const TABLES: &'static [TableKind] = &[
        TableKind {
            name: "minimum",
            columns: &[
                ColumnKind::counts("index").parts(INDEX),
                ColumnKind::floats("coordinates").parts(COORDINATES),
                ColumnKind::floats("value"),
                ColumnKind::counts("merge"),
                ColumnKind::floats("persistence"),
                ColumnKind::floats("depth"),
                ColumnKind::counts("basin_points"),
                ColumnKind::floats("basin_share"),
                ColumnKind::flags("certain"),
                ColumnKind::flags("basin_beside_hole"),
            ],
            derived: false,
        },
        TableKind {
            name: "merge",
            columns: &[
                ColumnKind::counts("index").parts(INDEX),
                ColumnKind::floats("coordinates").parts(COORDINATES),
                ColumnKind::floats("value"),
                ColumnKind::counts("ends"),
                ColumnKind::counts("continues"),
                ColumnKind::counts("between").parts(&["between_1", "between_2"]),
                ColumnKind::flags("certain"),
            ],
            derived: false,
        },
        TableKind {
            name: "hill",
            columns: &[
                ColumnKind::counts("index").parts(INDEX),
                ColumnKind::floats("coordinates").parts(COORDINATES),
                ColumnKind::floats("value"),
                ColumnKind::counts("pass_index").parts(&["pass_i", "pass_j"]),
                ColumnKind::floats("pass_coordinates").parts(&["pass_alpha", "pass_beta"]),
                ColumnKind::floats("pass_value"),
                ColumnKind::floats("persistence"),
                ColumnKind::flags("certain"),
            ],
            derived: false,
        },
        TableKind {
            name: "pair",
            columns: &[
                ColumnKind::counts("dimension"),
                ColumnKind::floats("birth"),
                ColumnKind::floats("death"),
                ColumnKind::flags("certain"),
            ],
            derived: true,
        },
        TableKind {
            name: "node",
            columns: &[ColumnKind::floats("value"), ColumnKind::counts("parent")],
            derived: true,
        },
        TableKind { name: "point", columns: &[ColumnKind::counts("basin")], derived: false },
    ];

    type Head = Head;

    fn head(&self) -> Head {
        Head {
            channel: self.channel.clone(),
            neighbours: self.neighbours,
            shape: self.shape,
            points: self.points,
            holes: self.holes,
            persistence_above: self.persistence_above,
            noise_factor: self.noise_factor,
            left_out: self.left_out,
            saddle_distance: self.saddle_distance,
        }
    }

    fn tables(&self) -> Vec<Table> {
        let index = |site: &Site| pair(Some(site.index));
        let (minima, merges, hills) = (&self.minima, &self.merges, &self.hills);
        let (pairs, nodes) = (self.pairs(), &self.tree.nodes);
        let pass = |hill: &Hill| hill.pass.map_or([f64::NAN; 2], |pass| pass.coordinates);
        vec![
            Table::of(minima.len())
                .with(minima.iter().map(|m| index(&m.at)))
                .with(minima.iter().map(|m| m.at.coordinates))
                .with_one(minima.iter().map(|m| m.at.value))
                .with_counts(minima.iter().map(|m| m.merge))
                .with_one(minima.iter().map(|m| m.persistence))
                .with_one(minima.iter().map(|m| m.depth))
                .with_counts(minima.iter().map(|m| Some(m.basin_points)))
                .with_one(minima.iter().map(|m| m.basin_share))
                .with_flags(minima.iter().map(|m| m.certain))
                .with_flags(minima.iter().map(|m| m.basin_beside_hole))
                .done(),
            Table::of(merges.len())
                .with(merges.iter().map(|m| index(&m.at)))
                .with(merges.iter().map(|m| m.at.coordinates))
                .with_one(merges.iter().map(|m| m.at.value))
                .with_counts(merges.iter().map(|m| Some(m.ends)))
                .with_counts(merges.iter().map(|m| Some(m.continues)))
                .with(merges.iter().map(|m| pair(Some(m.between))))
                .with_flags(merges.iter().map(|m| m.certain))
                .done(),
            Table::of(hills.len())
                .with(hills.iter().map(|h| index(&h.at)))
                .with(hills.iter().map(|h| h.at.coordinates))
                .with_one(hills.iter().map(|h| h.at.value))
                .with(hills.iter().map(|h| pair(h.pass.map(|pass| pass.index))))
                .with(hills.iter().map(pass))
                .with_one(hills.iter().map(|h| h.pass.map_or(f64::NAN, |pass| pass.value)))
                .with_one(hills.iter().map(|h| h.persistence))
                .with_flags(hills.iter().map(|h| h.certain))
                .done(),
            Table::of(pairs.len())
                .with_counts(pairs.iter().map(|pair| Some(pair.dimension)))
                .with_one(pairs.iter().map(|pair| pair.birth))
                .with_one(pairs.iter().map(|pair| pair.death))
                .with_flags(pairs.iter().map(|pair| pair.certain))
                .done(),
            Table::of(nodes.len())
                .with_one(nodes.iter().map(|node| node.value))
                .with_counts(nodes.iter().map(|node| node.parent))
                .done(),
            Table::of(self.basins.len()).with_one(self.basins.iter().map(|basin| count(*basin))).done(),
        ]
    }

    fn from_tables(head: Head, tables: &[Table]) -> Result<Self, Misfit> {
        let [minima, merges, hills, _, _, points] = tables else {
            return Err(Misfit::new("the tables", "6", tables.len()));
        };
        let missing =
            |what: &str, row: usize| Misfit::new(format!("{what} {row}"), "whole", "without an index");
        let site = |table: &Table, what, row| {
            let index = table.count(0, row).ok_or_else(|| missing(what, row))?;
            let coordinates = [0, 1].map(|k| table.row(1, row)[k]);
            Ok(Site { index, coordinates, value: table.float(2, row) })
        };
        let one = |table: &Table, what, column, row| -> Result<usize, Misfit> {
            table.count::<1>(column, row).map(|[count]| count).ok_or_else(|| missing(what, row))
        };
        let minimum = |row| -> Result<Minimum, Misfit> {
            Ok(Minimum {
                at: site(minima, "minimum", row)?,
                merge: minima.count::<1>(3, row).map(|[merge]| merge),
                persistence: minima.float(4, row),
                depth: minima.float(5, row),
                basin_points: one(minima, "minimum", 6, row)?,
                basin_share: minima.float(7, row),
                certain: minima.flag(8, row),
                basin_beside_hole: minima.flag(9, row),
            })
        };
        let merge = |row| -> Result<Merge, Misfit> {
            Ok(Merge {
                at: site(merges, "merge", row)?,
                ends: one(merges, "merge", 3, row)?,
                continues: one(merges, "merge", 4, row)?,
                between: merges.count(5, row).ok_or_else(|| missing("merge", row))?,
                certain: merges.flag(6, row),
            })
        };
        let hill = |row| -> Result<Hill, Misfit> {
            let pass = hills.count(3, row).map(|index| {
                let coordinates = [0, 1].map(|k| hills.row(4, row)[k]);
                Site { index, coordinates, value: hills.float(5, row) }
            });
            let (persistence, certain) = (hills.float(6, row), hills.flag(7, row));
            Ok(Hill { at: site(hills, "hill", row)?, pass, persistence, certain })
        };
        let minima = (0..minima.rows).map(minimum).collect::<Result<Vec<_>, _>>()?;
        let merges = (0..merges.rows).map(merge).collect::<Result<Vec<_>, _>>()?;
        check_merges(&minima, &merges)?;
        Ok(Self {
            channel: head.channel,
            neighbours: head.neighbours,
            shape: head.shape,
            points: head.points,
            holes: head.holes,
            persistence_above: head.persistence_above,
            noise_factor: head.noise_factor,
            tree: MergeTree::of(minima.iter().map(|minimum| minimum.at.value), &merges),
            minima,
            merges,
            hills: (0..hills.rows).map(hill).collect::<Result<Vec<_>, _>>()?,
            left_out: head.left_out,
            basins: (0..points.rows).map(|row| points.count::<1>(0, row).map(|[basin]| basin)).collect(),
            saddle_distance: head.saddle_distance,
        })
    }
}
