//! Flooding a grid point by point: where components of the flooded points appear, and where they meet.

use crate::{Result, memory::filled};

/// A component or a point that is not there.
pub(super) const NONE: usize = usize::MAX;

/// Points row by row, and which of them are neighbours.
#[derive(Clone, Copy, Debug)]
pub(super) struct Grid {
    pub(super) rows: usize,
    pub(super) columns: usize,
    /// Whether points that touch at a corner are neighbours too.
    pub(super) diagonal: bool,
}

/// What a flood found. Basins and components are known by their number in the order of appearance, so that the older
/// of two has the lower number.
#[derive(Debug)]
pub(super) struct Flood {
    /// The point where each basin began, [`NONE`] for the outside.
    pub(super) seeds: Vec<usize>,
    /// Where components met, in the order of the flood. Each ends one of them, and each component ends at most once.
    pub(super) meetings: Vec<Meeting>,
    /// The basin of each point, which is that of the neighbour flooded first; [`NONE`] for points not in the flood.
    pub(super) basins: Vec<usize>,
    /// Whether a point of each basin has a neighbour that is not in the flood.
    pub(super) beside_hole: Vec<bool>,
}

#[derive(Debug)]
pub(super) struct Meeting {
    /// The point that joins them.
    pub(super) at: usize,
    /// The younger component, known by its first basin.
    pub(super) dies: usize,
    /// The older one.
    pub(super) survives: usize,
    /// The basins that touch here: one of the younger component, and one of another.
    pub(super) between: [usize; 2],
    /// Whether no point of the younger component, before it met the other, had a neighbour that is not in the flood.
    pub(super) certain: bool,
}

impl Grid {
    fn on_border(self, point: usize) -> bool {
        let (i, j) = (point / self.columns, point % self.columns);
        i == 0 || j == 0 || i + 1 == self.rows || j + 1 == self.columns
    }

    fn each_neighbour(self, point: usize, mut visit: impl FnMut(usize)) {
        let (i, j) = (point / self.columns, point % self.columns);
        let (up, down) = (i > 0, i + 1 < self.rows);
        let (left, right) = (j > 0, j + 1 < self.columns);
        let mut if_there = |there: bool, neighbour: usize| {
            if there {
                visit(neighbour);
            }
        };
        if_there(up, point.wrapping_sub(self.columns));
        if_there(down, point + self.columns);
        if_there(left, point.wrapping_sub(1));
        if_there(right, point + 1);
        if self.diagonal {
            if_there(up && left, point.wrapping_sub(self.columns + 1));
            if_there(up && right, point.wrapping_sub(self.columns).wrapping_add(1));
            if_there(down && left, point + self.columns - 1);
            if_there(down && right, point + self.columns + 1);
        }
    }
}

/// Components as trees of basins, whose root is the oldest.
#[derive(Default)]
struct Components {
    parents: Vec<usize>,
    beside_hole: Vec<bool>,
}

impl Components {
    fn begin(&mut self) -> usize {
        self.parents.push(self.parents.len());
        self.beside_hole.push(false);
        self.parents.len() - 1
    }

    /// The oldest basin of a basin's component.
    fn root(&mut self, mut basin: usize) -> usize {
        while self.parents[basin] != basin {
            self.parents[basin] = self.parents[self.parents[basin]];
            basin = self.parents[basin];
        }
        basin
    }

    fn join(&mut self, younger: usize, older: usize) {
        self.parents[younger] = older;
        self.beside_hole[older] |= self.beside_hole[younger];
    }
}

/// A component beside the point that is being flooded.
#[derive(Clone, Copy, Default)]
struct Beside {
    root: usize,
    /// When its first neighbour of the point was flooded: 0 for the outside, then counted from 1.
    flooded: usize,
    /// The basin of that neighbour.
    basin: usize,
}

/// Floods points in an order; points that are not in it are holes. With `from_outside`, everything around the grid is
/// one component that is older than all, and the points at its border are beside it.
pub(super) fn flood(grid: Grid, order: &[usize], from_outside: bool) -> Result<Flood> {
    let points = grid.rows * grid.columns;
    let mut ranks = filled("the order of the points", points, NONE)?;
    for (rank, &point) in order.iter().enumerate() {
        ranks[point] = rank;
    }
    let mut basins = filled("the basin of each point", points, NONE)?;
    let (mut seeds, mut meetings, mut beside_hole) = (Vec::new(), Vec::new(), Vec::new());
    let mut components = Components::default();
    if from_outside {
        components.begin();
        seeds.push(NONE);
        beside_hole.push(false);
    }
    for (now, &point) in order.iter().enumerate() {
        // Eight neighbours and the outside.
        let (mut beside, mut count, mut hole) = ([Beside::default(); 9], 0, false);
        if from_outside && grid.on_border(point) {
            count = 1; // of root 0, flooded at 0, basin 0
        }
        grid.each_neighbour(point, |neighbour| {
            let rank = ranks[neighbour];
            hole |= rank == NONE;
            if rank < now {
                let basin = basins[neighbour];
                let found = Beside { root: components.root(basin), flooded: rank + 1, basin };
                match beside[..count].iter_mut().find(|other| other.root == found.root) {
                    Some(other) if found.flooded < other.flooded => *other = found,
                    Some(_) => {}
                    None => {
                        beside[count] = found;
                        count += 1;
                    }
                }
            }
        });
        let beside = &mut beside[..count];
        beside.sort_unstable_by_key(|component| component.root);
        let first = beside.iter().min_by_key(|component| component.flooded).copied();
        let basin = first.map_or_else(
            || {
                seeds.push(point);
                beside_hole.push(false);
                components.begin()
            },
            |first| first.basin,
        );
        basins[point] = basin;
        if let (Some((oldest, younger)), Some(first)) = (beside.split_first(), first) {
            for component in younger {
                let other = if component.root == first.root { oldest.basin } else { first.basin };
                meetings.push(Meeting {
                    at: point,
                    dies: component.root,
                    survives: oldest.root,
                    between: [component.basin, other],
                    certain: !components.beside_hole[component.root],
                });
                components.join(component.root, oldest.root);
            }
        }
        if hole {
            let root = components.root(basin);
            components.beside_hole[root] = true;
            beside_hole[basin] = true;
        }
    }
    Ok(Flood { seeds, meetings, basins, beside_hole })
}

impl Flood {
    /// The number of the meeting at which each component ends, [`NONE`] for those that never do.
    pub(super) fn ends(&self) -> Vec<usize> {
        let mut ends = vec![NONE; self.seeds.len()];
        for (number, meeting) in self.meetings.iter().enumerate() {
            ends[meeting.dies] = number;
        }
        ends
    }
}

/// The numbers of the finite values, ascending by value and, where values are equal, by number.
pub(super) fn ascending(values: &[f64]) -> Result<Vec<usize>> {
    let finite = values.iter().filter(|value| value.is_finite()).count();
    let mut keyed = crate::memory::with_capacity("the order of the points", finite)?;
    let finite_values = values.iter().enumerate().filter(|(_, value)| value.is_finite());
    keyed.extend(finite_values.map(|(point, &value)| (sortable(value), point)));
    keyed.sort_unstable();
    let mut order = crate::memory::with_capacity("the order of the points", finite)?;
    order.extend(keyed.into_iter().map(|(_, point)| point));
    Ok(order)
}

/// An integer that sorts as the finite number does. Both zeros are equal.
fn sortable(value: f64) -> u64 {
    let bits = (value + 0.0).to_bits();
    if bits >> 63 == 0 { bits | (1 << 63) } else { !bits }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_sorted_by_value_and_number() {
        let values = [0.0, f64::NAN, -1.5, -0.0, f64::MAX, f64::INFINITY, -f64::MIN_POSITIVE, -1.5, f64::MIN];
        assert_eq!(ascending(&values).unwrap(), [8, 2, 7, 6, 0, 3, 4]);
    }

    #[test]
    fn three_components_meet_in_one_point() {
        // Minima in three arms of a cross, around the highest point.
        let values = [9.0, 1.0, 9.0, 2.0, 5.0, 9.5, 9.0, 0.0, 9.0];
        let grid = Grid { rows: 3, columns: 3, diagonal: false };
        let flood = flood(grid, &ascending(&values).unwrap(), false).unwrap();
        assert_eq!(flood.seeds, [7, 1, 3]);
        let ends: Vec<[usize; 3]> = flood.meetings.iter().map(|m| [m.at, m.dies, m.survives]).collect();
        assert_eq!(ends, [[4, 1, 0], [4, 2, 0]]);
        assert_eq!(flood.basins, [1, 1, 1, 2, 0, 0, 0, 0, 0]);
        assert!(flood.meetings.iter().all(|meeting| meeting.certain));
    }
}
