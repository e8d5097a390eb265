//! In which order a map is computed, and which points help which: from coarse to fine.
//!
//! Points on a coarse lattice come first and start cold. Then the step is halved again and again: first the
//! middles of the squares of the lattice, from their four corners, then the middles of its sides, from
//! four neighbours (two on a line). Each stage needs only the ones before, so that its points
//! are independent, and the order does not depend on the threads.

/// Every eighth point along each axis starts cold.
pub(super) const LATTICE: usize = 8;

/// What a point is in the order: one of the lattice, the middle of a square or of a side at some step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Lattice,
    Square(usize),
    Side(usize),
}

/// The points (row-major indices) of a grid of `rows`×`columns`, stage by stage.
pub(super) fn stages(rows: usize, columns: usize) -> Vec<Vec<usize>> {
    let mut order = vec![Place::Lattice];
    let mut step = LATTICE / 2;
    while step > 0 {
        order.extend([Place::Square(step), Place::Side(step)]);
        step /= 2;
    }
    let mut stages: Vec<Vec<usize>> = vec![Vec::new(); order.len()];
    for i in 0..rows {
        for j in 0..columns {
            let place = place(i, j);
            if let Some(stage) = order.iter().position(|&other| other == place) {
                stages[stage].push(i * columns + j);
            }
        }
    }
    stages.retain(|stage| !stage.is_empty());
    stages
}

/// The pairs of points on opposite sides that (i, j) starts from: two inside, one at a border (and on a
/// line), none for one of the lattice or beyond its last row or column.
pub(super) fn pairs(i: usize, j: usize, rows: usize, columns: usize) -> impl Iterator<Item = [usize; 2]> {
    let (step, moves) = match place(i, j) {
        Place::Lattice => (0, [(0, 0); 2]),
        Place::Square(step) => (step, [(1, 1), (1, -1)]),
        Place::Side(step) => (step, [(1, 0), (0, 1)]),
    };
    // At most the lattice's, so that the sign fits.
    let step = step.cast_signed();
    let there = move |down: isize, right: isize| {
        let i = i.checked_add_signed(down * step).filter(|&i| i < rows)?;
        let j = j.checked_add_signed(right * step).filter(|&j| j < columns)?;
        Some(i * columns + j)
    };
    moves
        .into_iter()
        .filter(move |_| step > 0)
        .filter_map(move |(down, right): (isize, isize)| Some([there(-down, -right)?, there(down, right)?]))
}

/// The pairs of nearest points on opposite sides of (i, j), along the axes and the diagonals; those inside.
pub(super) fn nearest(i: usize, j: usize, rows: usize, columns: usize) -> impl Iterator<Item = [usize; 2]> {
    let there = move |down: isize, right: isize| {
        let i = i.checked_add_signed(down).filter(|&i| i < rows)?;
        let j = j.checked_add_signed(right).filter(|&j| j < columns)?;
        Some(i * columns + j)
    };
    let moves = [(1, 0), (0, 1), (1, 1), (1, -1)].into_iter();
    moves.filter_map(move |(down, right): (isize, isize)| Some([there(-down, -right)?, there(down, right)?]))
}

/// Whether later points start from this one: all but those of the last stage do.
pub(super) fn is_needed(i: usize, j: usize) -> bool {
    place(i, j) != Place::Side(1)
}

/// How many points of a grid others start from: all but those with an odd sum of indices.
pub(super) fn needed(rows: usize, columns: usize) -> usize {
    rows * columns - (rows / 2 * columns.div_ceil(2) + rows.div_ceil(2) * (columns / 2))
}

/// How many points of a grid have no pair to start from.
pub(super) fn alone(rows: usize, columns: usize) -> usize {
    let is_alone = |point: &usize| pairs(point / columns, point % columns, rows, columns).next().is_none();
    (0..rows * columns).filter(is_alone).count()
}

/// The step at a point is the largest power of two that divides both of its indices.
fn place(i: usize, j: usize) -> Place {
    let twos = (i | j).trailing_zeros().min(LATTICE.trailing_zeros());
    let step = 1_usize << twos;
    if step == LATTICE {
        Place::Lattice
    } else if (i & j) & step != 0 {
        Place::Square(step)
    } else {
        Place::Side(step)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_point_comes_once_and_after_those_it_needs() {
        for (rows, columns) in [(1, 1), (25, 1), (1, 7), (9, 7), (25, 25), (51, 3), (13, 30)] {
            let stages = stages(rows, columns);
            let mut stage_of = vec![usize::MAX; rows * columns];
            for (stage, points) in stages.iter().enumerate() {
                for &point in points {
                    assert_eq!(stage_of[point], usize::MAX, "point {point} twice");
                    stage_of[point] = stage;
                }
            }
            let counted = (0..rows * columns).filter(|p| is_needed(p / columns, p % columns)).count();
            assert_eq!(needed(rows, columns), counted, "{rows}×{columns}");
            for i in 0..rows {
                for j in 0..columns {
                    let point = i * columns + j;
                    for other in pairs(i, j, rows, columns).flatten() {
                        assert!(stage_of[other] < stage_of[point], "({i}, {j}) needs {other}");
                        assert!(is_needed(other / columns, other % columns));
                    }
                }
            }
        }
    }

    #[test]
    fn nearest_points_come_in_pairs() {
        let of = |i, j| nearest(i, j, 3, 4).map(|pair| pair.map(|p| (p / 4, p % 4))).collect::<Vec<_>>();
        assert_eq!(of(1, 2), [[(0, 2), (2, 2)], [(1, 1), (1, 3)], [(0, 1), (2, 3)], [(0, 3), (2, 1)]]);
        assert_eq!(of(0, 1), [[(0, 0), (0, 2)]], "at a border along it alone");
        assert!(of(2, 3).is_empty(), "a corner has none");
        assert_eq!(nearest(5, 0, 25, 1).collect::<Vec<_>>(), [[4, 6]]);
    }

    #[test]
    fn a_point_starts_from_opposite_sides() {
        let of = |i, j| pairs(i, j, 26, 25).map(|pair| pair.map(|p| (p / 25, p % 25))).collect::<Vec<_>>();
        assert_eq!(of(4, 12), [[(0, 8), (8, 16)], [(0, 16), (8, 8)]]);
        assert_eq!(of(3, 4), [[(2, 4), (4, 4)], [(3, 3), (3, 5)]]);
        assert_eq!(of(24, 1), [[(23, 1), (25, 1)], [(24, 0), (24, 2)]]);
        assert_eq!(of(25, 8), [[(25, 7), (25, 9)]], "nothing below it");
        assert!(pairs(25, 0, 26, 1).next().is_none(), "the end of a line, beyond the lattice");
        assert!(of(16, 8).is_empty());
        assert_eq!(pairs(5, 0, 25, 1).collect::<Vec<_>>(), [[4, 6]]);
    }
}
