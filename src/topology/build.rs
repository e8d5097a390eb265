//! From floods to a report: what is kept, and how what is left out joins what is kept.

use super::{
    Hill, Merge, MergeTree, Minimum, Neighbours, SaddleDistance, Site, TopologyReport, TreeNode,
    flood::{Flood, Grid, NONE, ascending, flood},
};
use crate::{Result, memory::filled};

pub(super) struct Builder<'l> {
    /// α and β; the single β of a line is 0.
    pub(super) axes: [&'l [f64]; 2],
    pub(super) surface: bool,
    pub(super) neighbours: Neighbours,
    pub(super) floor: Floor,
    /// Row by row.
    pub(super) values: Vec<f64>,
}

/// What a persistence must be above.
pub(super) struct Floor {
    persistence: f64,
    /// The factor, and the standard error of every point, or one for all.
    noise: Option<(f64, Vec<f64>)>,
}

impl Floor {
    pub(super) fn new(persistence: f64, errors: Option<Vec<f64>>, confidence: f64, values: &[f64]) -> Self {
        let points = values.iter().filter(|value| value.is_finite()).count().max(1);
        let factor = (2.0 * (points as f64 / (1.0 - confidence)).ln()).sqrt();
        Self { persistence, noise: errors.map(|errors| (factor, errors)) }
    }

    fn passes(&self, persistence: f64, points: [usize; 2]) -> bool {
        let above_noise = self.noise.as_ref().is_none_or(|(factor, errors)| {
            let error = |point: usize| if errors.len() == 1 { errors[0] } else { errors[point] };
            // False too where an error is not known, which is NaN.
            persistence > factor * (error(points[0]) + error(points[1]))
        });
        persistence > self.persistence && above_noise
    }
}

/// The components of a flood that are kept.
struct Kept {
    /// Their numbers, the most persistent first.
    numbers: Vec<usize>,
    /// For every component, the position in `numbers`; [`NONE`] if it is left out.
    positions: Vec<usize>,
    /// Persistence of every component.
    persistences: Vec<f64>,
    /// Those of a persistence above 0 that are left out.
    left_out: usize,
}

impl Builder<'_> {
    pub(super) fn build(self, channel: String) -> Result<TopologyReport> {
        let mut order = ascending(&self.values)?;
        let eight = self.neighbours == Neighbours::Eight;
        let below = flood(self.grid(eight), &order, false)?;
        let kept = self.kept(&below);
        let elders = below.elders(&kept);
        let owners = below.owners(&kept);

        let (merges, tree) = self.merges(&below, &kept, &elders, &owners);
        let mut minima = self.minima(&below, &kept, order.len());
        for (position, merge) in merges.iter().enumerate() {
            minima[merge.ends].merge = Some(position);
        }
        for (minimum, leaf) in minima.iter_mut().zip(&tree.nodes) {
            if let Some(parent) = leaf.parent {
                minimum.depth = merges[parent - kept.numbers.len()].at.value - minimum.at.value;
            }
        }
        let mut basins = filled("the basin of each point", self.values.len(), None)?;
        let (mut sizes, mut beside_hole) = (vec![0; minima.len()], vec![false; minima.len()]);
        for (basin, &number) in basins.iter_mut().zip(&below.basins).filter(|(_, number)| **number != NONE) {
            let owner = owners[number];
            *basin = Some(owner);
            sizes[owner] += 1;
            beside_hole[owner] |= below.beside_hole[number];
        }
        for ((minimum, points), beside_hole) in minima.iter_mut().zip(sizes).zip(beside_hole) {
            minimum.basin_points = points;
            minimum.basin_share = points as f64 / order.len() as f64;
            minimum.basin_beside_hole = beside_hole;
        }
        drop(below);

        let ends = [order.first(), order.last()].map(|point| point.map_or(0.0, |&point| self.values[point]));
        let (points, holes) = (order.len(), self.values.len() - order.len());
        let (mut hills, mut left_out) = (Vec::new(), kept.left_out);
        if self.surface {
            order.reverse();
            let above = flood(self.grid(!eight), &order, true)?;
            let kept = self.kept(&above);
            hills = self.hills(&above, &kept);
            left_out += kept.left_out;
        }
        Ok(TopologyReport {
            channel,
            neighbours: self.neighbours,
            shape: self.axes.map(<[f64]>::len),
            points,
            holes,
            persistence_above: self.floor.persistence,
            noise_factor: self.floor.noise.as_ref().map(|(factor, _)| *factor),
            saddle_distance: saddle_distance(&minima, &merges, &tree.nodes, ends[1] - ends[0]),
            minima,
            merges,
            tree,
            hills,
            left_out,
            basins,
        })
    }

    fn grid(&self, diagonal: bool) -> Grid {
        let [rows, columns] = self.axes.map(<[f64]>::len);
        Grid { rows, columns, diagonal }
    }

    fn site(&self, point: usize) -> Site {
        let columns = self.axes[1].len();
        let index = [point / columns, point % columns];
        let coordinates = [self.axes[0][index[0]], self.axes[1][index[1]]];
        Site { index, coordinates, value: self.values[point] }
    }

    /// Components that never end are always kept, and so is the outside.
    fn kept(&self, flood: &Flood) -> Kept {
        let mut persistences = vec![f64::INFINITY; flood.seeds.len()];
        let mut keep = vec![true; flood.seeds.len()];
        let mut left_out = 0;
        for meeting in &flood.meetings {
            let points = [flood.seeds[meeting.dies], meeting.at];
            let persistence = (self.values[points[1]] - self.values[points[0]]).abs();
            persistences[meeting.dies] = persistence;
            keep[meeting.dies] = self.floor.passes(persistence, points);
            left_out += usize::from(persistence > 0.0 && !keep[meeting.dies]);
        }
        let mut numbers: Vec<usize> = (0..keep.len()).filter(|&number| keep[number]).collect();
        // Stable: of equal persistence, the older first.
        numbers.sort_by(|&a, &b| persistences[b].total_cmp(&persistences[a]));
        let mut positions = vec![NONE; keep.len()];
        for (position, &number) in numbers.iter().enumerate() {
            positions[number] = position;
        }
        Kept { numbers, positions, persistences, left_out }
    }

    fn minima(&self, flood: &Flood, kept: &Kept, points: usize) -> Vec<Minimum> {
        let ends = flood.ends();
        let minimum = |&number: &usize| Minimum {
            at: self.site(flood.seeds[number]),
            merge: None,
            persistence: kept.persistences[number],
            depth: f64::INFINITY,
            basin_points: 0,
            basin_share: 0.0,
            certain: match ends[number] {
                NONE => points == self.values.len(),
                end => flood.meetings[end].certain,
            },
            basin_beside_hole: false,
        };
        kept.numbers.iter().map(minimum).collect()
    }

    /// The merges of what is kept, and the tree of both.
    fn merges(
        &self,
        flood: &Flood,
        kept: &Kept,
        elders: &[usize],
        owners: &[usize],
    ) -> (Vec<Merge>, MergeTree) {
        let mut merges = Vec::with_capacity(kept.numbers.len());
        for meeting in &flood.meetings {
            let ends = kept.positions[meeting.dies];
            if ends == NONE {
                continue;
            }
            let between = meeting.between.map(|basin| owners[basin]);
            let (at, continues) = (self.site(meeting.at), elders[meeting.survives]);
            merges.push(Merge { at, ends, continues, between, certain: meeting.certain });
        }
        let values = kept.numbers.iter().map(|&number| self.values[flood.seeds[number]]);
        let tree = MergeTree::of(values, &merges);
        (merges, tree)
    }

    fn hills(&self, flood: &Flood, kept: &Kept) -> Vec<Hill> {
        let ends = flood.ends();
        let hill = |&number: &usize| Hill {
            at: self.site(flood.seeds[number]),
            pass: (ends[number] != NONE).then(|| self.site(flood.meetings[ends[number]].at)),
            persistence: kept.persistences[number],
            certain: ends[number] != NONE && flood.meetings[ends[number]].certain,
        };
        // All but the outside.
        kept.numbers.iter().filter(|&&number| number != 0).map(hill).collect()
    }
}

impl Flood {
    /// For every component, the position of the kept one that it is part of: itself, or the next elder that is kept.
    fn elders(&self, kept: &Kept) -> Vec<usize> {
        let mut elders = kept.positions.clone();
        // An elder ends after those that end in it.
        for meeting in self.meetings.iter().rev() {
            if elders[meeting.dies] == NONE {
                elders[meeting.dies] = elders[meeting.survives];
            }
        }
        elders
    }

    /// For every basin, the position of the kept one that its points belong to: itself, or that across the saddle where
    /// it ends. Following that way never comes back: among the basins that a component is made of, it leads to the
    /// oldest, and from there out of the component.
    fn owners(&self, kept: &Kept) -> Vec<usize> {
        let (mut owners, ends) = (kept.positions.clone(), self.ends());
        let mut way = Vec::new();
        for start in 0..owners.len() {
            let mut basin = start;
            while owners[basin] == NONE {
                way.push(basin);
                basin = self.meetings[ends[basin]].between[1];
            }
            for passed in way.drain(..) {
                owners[passed] = owners[basin];
            }
        }
        owners
    }
}

fn saddle_distance(
    minima: &[Minimum],
    merges: &[Merge],
    tree: &[TreeNode],
    range: f64,
) -> Option<SaddleDistance> {
    let (mut edges, mut height, mut weighted, mut plane) = (0, 0.0, 0.0, 0.0);
    for (minimum, leaf) in minima.iter().zip(tree) {
        let Some(parent) = leaf.parent else { continue };
        let [[a, b], [c, d]] = [minimum.at, merges[parent - minima.len()].at].map(|site| site.coordinates);
        edges += 1;
        height += minimum.depth;
        weighted += minimum.depth * minimum.basin_share;
        plane += (a - c).hypot(b - d);
    }
    let mean = |sum: f64| sum / edges as f64;
    (edges > 0).then(|| SaddleDistance {
        edges,
        height: mean(height),
        relative_height: mean(height) / range,
        weighted_height: mean(weighted),
        plane: mean(plane),
    })
}
