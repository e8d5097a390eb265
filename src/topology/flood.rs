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

    /// The points around a point, clockwise from the one above it; [`NONE`] where the grid ends.
    fn ring(self, point: usize) -> [usize; 8] {
        let (i, j) = (point / self.columns, point % self.columns);
        let (up, down) = (i > 0, i + 1 < self.rows);
        let (left, right) = (j > 0, j + 1 < self.columns);
        let if_there = |there: bool, neighbour: usize| if there { neighbour } else { NONE };
        let (above, below) = (point.wrapping_sub(self.columns), point.wrapping_add(self.columns));
        [
            if_there(up, above),
            if_there(up && right, above.wrapping_add(1)),
            if_there(right, point.wrapping_add(1)),
            if_there(down && right, below.wrapping_add(1)),
            if_there(down, below),
            if_there(down && left, below.wrapping_sub(1)),
            if_there(left, point.wrapping_sub(1)),
            if_there(up && left, above.wrapping_sub(1)),
        ]
    }

    /// The step from one neighbour to the next in the ring.
    fn step(self) -> usize {
        if self.diagonal { 1 } else { 2 }
    }

    /// For each set of points of a ring, as bits: whether its neighbours of the middle may be in several components, as
    /// far as the ring itself shows. If not, no components meet in the middle.
    fn may_join(self) -> [bool; 256] {
        std::array::from_fn(|set| {
            let is_in = |k: usize| set >> (k % 8) & 1 == 1;
            // Neighbours in the ring are neighbours in both grids; across a corner, in the one with diagonals.
            let joined_to_next =
                |k: usize| is_in(k + 1) || self.diagonal && k.is_multiple_of(2) && is_in(k + 2);
            // Runs of joined points with a neighbour of the middle in them, counted where they end.
            let ends = |k: &usize| is_in(*k) && !joined_to_next(*k);
            let has_neighbour = |end: usize| self.diagonal || end.is_multiple_of(2) || is_in(end + 7);
            (0..8).filter(ends).filter(|&end| has_neighbour(end)).count() > 1
        })
    }
}

/// Components as trees of basins, whose root is the oldest.
struct Components {
    parents: Vec<usize>,
    beside_hole: Vec<bool>,
}

impl Components {
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
///
/// Most points join nothing, as the points around them show. They are found row by row, and only the others are
/// visited in the order of the flood, which leaps about in memory.
pub(super) fn flood(grid: Grid, order: &[usize], from_outside: bool) -> Result<Flood> {
    let points = grid.rows * grid.columns;
    let mut ranks = filled("the order of the points", points, NONE)?;
    for (rank, &point) in order.iter().enumerate() {
        ranks[point] = rank;
    }
    let (lowest, first, events) = scan(grid, &ranks, from_outside)?;
    let mut seeds: Vec<usize> = if from_outside { vec![NONE] } else { Vec::new() };
    seeds.extend(first.iter().map(|&rank| order[rank]));
    let basins = follow(&lowest, &seeds, &ranks)?;
    drop(lowest);

    let mut components =
        Components { parents: (0..seeds.len()).collect(), beside_hole: vec![false; seeds.len()] };
    let (mut meetings, mut beside_hole) = (Vec::new(), vec![false; seeds.len()]);
    for now in events {
        let point = order[now];
        // Eight neighbours and the outside.
        let (mut beside, mut count, mut hole) = ([Beside::default(); 9], 0, false);
        if from_outside && grid.on_border(point) {
            count = 1; // of root 0, flooded at 0, basin 0
        }
        for neighbour in grid.ring(point).into_iter().step_by(grid.step()).filter(|&other| other != NONE) {
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
        }
        let beside = &mut beside[..count];
        beside.sort_unstable_by_key(|component| component.root);
        let first = beside.iter().min_by_key(|component| component.flooded).copied();
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
            let root = components.root(basins[point]);
            components.beside_hole[root] = true;
            beside_hole[basins[point]] = true;
        }
    }
    Ok(Flood { seeds, meetings, basins, beside_hole })
}

/// For each point the neighbour that is flooded first, itself if it is before all, [`NONE`] in holes and where the
/// outside is before all. Then the ranks of points that are before all, and of those where components may meet or that
/// are beside a hole, both ascending.
fn scan(grid: Grid, ranks: &[usize], from_outside: bool) -> Result<(Vec<usize>, Vec<usize>, Vec<usize>)> {
    let mut lowest = filled("the basin of each point", ranks.len(), NONE)?;
    let (mut first, mut events) = (Vec::new(), Vec::new());
    let may_join = grid.may_join();
    for (point, &rank) in ranks.iter().enumerate().filter(|(_, rank)| **rank != NONE) {
        let at_outside = from_outside && grid.on_border(point);
        let (mut set, mut hole, mut before) = (0, false, (rank, point));
        for (k, neighbour) in grid.ring(point).into_iter().enumerate() {
            if neighbour == NONE {
                continue;
            }
            let other = ranks[neighbour];
            set |= usize::from(other < rank) << k;
            if k.is_multiple_of(grid.step()) {
                hole |= other == NONE;
                before = before.min((other, neighbour));
            }
        }
        if !at_outside {
            lowest[point] = before.1;
            if before.1 == point {
                first.push(rank);
            }
        }
        if may_join[set] || at_outside && set != 0 || hole {
            events.push(rank);
        }
    }
    first.sort_unstable();
    events.sort_unstable();
    Ok((lowest, first, events))
}

/// The basin of each point, from its neighbour that is flooded first.
fn follow(lowest: &[usize], seeds: &[usize], ranks: &[usize]) -> Result<Vec<usize>> {
    let mut basins = filled("the basin of each point", lowest.len(), NONE)?;
    for (basin, &seed) in seeds.iter().enumerate().filter(|(_, seed)| **seed != NONE) {
        basins[seed] = basin;
    }
    let mut way = Vec::new();
    for start in (0..ranks.len()).filter(|&point| ranks[point] != NONE) {
        let mut point = start;
        while basins[point] == NONE && lowest[point] != NONE {
            way.push(point);
            point = lowest[point];
        }
        if basins[point] == NONE {
            basins[point] = 0; // the outside
        }
        for passed in way.drain(..) {
            basins[passed] = basins[point];
        }
    }
    Ok(basins)
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
    fn a_ring_shows_which_of_its_points_are_joined() {
        let may_join = |diagonal, set: usize| Grid { rows: 3, columns: 3, diagonal }.may_join()[set];
        // Bits from the point above, clockwise. Nothing, one, and all of the ring.
        for set in [0, 0b1, 0b10, 0b1111_1111] {
            assert!(!may_join(true, set) && !may_join(false, set), "{set:b}");
        }
        // Above and right: joined across the corner, or through it.
        assert!(!may_join(true, 0b101) && may_join(false, 0b101) && !may_join(false, 0b111));
        // Opposite ones, and two corners, which are no neighbours without diagonals.
        assert!(may_join(true, 0b1_0001) && may_join(false, 0b1_0001));
        assert!(may_join(true, 0b1010) && !may_join(false, 0b1010));
        // All but the one above, and all but two corners.
        assert!(!may_join(true, 0b1111_1110) && !may_join(false, 0b1111_1110));
        assert!(!may_join(true, 0b1101_1101) && may_join(false, 0b1101_1101));
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
