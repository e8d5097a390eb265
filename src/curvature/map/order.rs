//! In which order a map is computed, and which points help which: from coarse to fine.
//!
//! Points on a coarse lattice come first and start cold. Then the step is halved again and again: first the
//! middles of the squares of the lattice, from their four corners, then the middles of its sides, from
//! four neighbours (two on a line). Each stage needs only the ones before, so that its points
//! are independent, and the order does not depend on the threads. Where memory is short all this is done in bands.

/// Every eighth point along each axis starts cold.
pub(super) const LATTICE: usize = 8;

/// What a point is in the order: one of the lattice, the middle of a square or of a side at some step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Lattice,
    Square(usize),
    Side(usize),
}

/// The order of a whole map, in bands of lattice rows: all stages of one band before the next, in which points may
/// start from those of bands before. What a point leaves for others is needed no longer than until the last of them is
/// done, so that with narrow bands little is kept at any time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Order {
    /// The points (row-major indices), stage by stage.
    pub(super) stages: Vec<Vec<usize>>,
    /// How many points start from each.
    pub(super) dependents: Vec<u8>,
    /// The most points at any time from which others still start.
    pub(super) most_kept: usize,
}

impl Order {
    /// Of a grid of `rows`×`columns`, `band` rows in each band: a multiple of [`LATTICE`], or more than there are for a
    /// single one.
    pub(super) fn new(rows: usize, columns: usize, band: usize) -> Self {
        let points = rows * columns;
        let levels = levels();
        let mut by_level = vec![Vec::new(); levels.len()];
        for point in 0..points {
            let place = place(point / columns, point % columns);
            if let Some(level) = levels.iter().position(|&level| level == place) {
                by_level[level].push(point);
            }
        }
        let parents = |point: usize| pairs(point / columns, point % columns, rows, columns).flatten();
        // A point belongs to the last band of those that it starts from, all of which are of levels before; one that
        // starts alone to that of its row.
        let mut band_of = vec![0; points];
        let mut dependents = vec![0; points];
        for &point in by_level.iter().flatten() {
            let own = point / columns / band;
            band_of[point] = parents(point).map(|parent| band_of[parent]).max().unwrap_or(own);
            for parent in parents(point) {
                dependents[parent] += 1;
            }
        }
        let mut stages = vec![Vec::new(); rows.div_ceil(band) * levels.len()];
        for (level, points) in by_level.iter().enumerate() {
            for &point in points {
                stages[band_of[point] * levels.len() + level].push(point);
            }
        }
        stages.retain(|stage| !stage.is_empty());
        let most_kept = most_kept(&stages, &dependents, parents);
        Self { stages, dependents, most_kept }
    }

    /// The order in the widest bands with which at most so many points are kept at any time, or in the narrowest.
    pub(super) fn within(rows: usize, columns: usize, kept: u64) -> Self {
        let mut band = rows.next_multiple_of(LATTICE);
        loop {
            let order = Self::new(rows, columns, band);
            if order.most_kept as u64 <= kept || band <= LATTICE {
                return order;
            }
            band = (band / 2).next_multiple_of(LATTICE);
        }
    }
}

/// The most points kept at any time, if a stage keeps all of its points before any parent goes.
fn most_kept<P: Iterator<Item = usize>>(
    stages: &[Vec<usize>],
    dependents: &[u8],
    parents: impl Fn(usize) -> P,
) -> usize {
    let mut left = dependents.to_vec();
    let (mut kept, mut most) = (0_usize, 0);
    for stage in stages {
        kept += stage.iter().filter(|&&point| dependents[point] > 0).count();
        most = most.max(kept);
        for parent in stage.iter().flat_map(|&point| parents(point)) {
            left[parent] -= 1;
            kept -= usize::from(left[parent] == 0);
        }
    }
    most
}

/// What points are, from the coarsest to the finest.
fn levels() -> Vec<Place> {
    let mut levels = vec![Place::Lattice];
    let mut step = LATTICE / 2;
    while step > 0 {
        levels.extend([Place::Square(step), Place::Side(step)]);
        step /= 2;
    }
    levels
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
        for (rows, columns) in [(1, 1), (25, 1), (1, 7), (9, 7), (25, 25), (51, 3), (13, 30), (67, 20)] {
            for band in [8, 16, 24, 1000] {
                let order = Order::new(rows, columns, band);
                let mut stage_of = vec![usize::MAX; rows * columns];
                for (stage, points) in order.stages.iter().enumerate() {
                    for &point in points {
                        assert_eq!(stage_of[point], usize::MAX, "point {point} twice");
                        stage_of[point] = stage;
                    }
                }
                let mut dependents = vec![0; rows * columns];
                for i in 0..rows {
                    for j in 0..columns {
                        let point = i * columns + j;
                        for other in pairs(i, j, rows, columns).flatten() {
                            assert!(
                                stage_of[other] < stage_of[point],
                                "({i}, {j}) needs {other}, band {band}"
                            );
                            dependents[other] += 1;
                        }
                    }
                }
                assert!(stage_of.iter().all(|&stage| stage < usize::MAX), "{rows}×{columns}, band {band}");
                assert_eq!(order.dependents, dependents);
            }
        }
    }

    #[test]
    fn narrow_bands_keep_few_points() {
        let whole = Order::new(251, 251, 256);
        // All with an even sum of indices.
        assert_eq!(whole.most_kept, 251 * 251 / 2 + 1);
        assert_eq!(whole.stages.len(), 7);
        let kept: Vec<usize> = [8, 16, 32, 64].map(|band| Order::new(251, 251, band).most_kept).to_vec();
        assert!(kept.is_sorted() && kept[0] < 2600 && kept[3] < whole.most_kept / 2, "{kept:?}");
        assert_eq!(Order::within(251, 251, 100_000), whole);
        assert_eq!(Order::within(251, 251, whole.most_kept as u64), whole);
        let narrow = Order::within(251, 251, 5000);
        assert!((kept[0]..=5000).contains(&narrow.most_kept));
        // What cannot be kept is left to the caller, who refuses it.
        assert_eq!(Order::within(251, 251, 10).most_kept, kept[0]);
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
