//! The lattice of an adaptive sweep: the places of its points, and the search for the nearest of them.

/// The points of an m×n result, row by row, scaled to the unit square: distances are shares of the ranges of the axes.
#[derive(Clone, Debug)]
pub(super) struct Lattice {
    u: Vec<f64>,
    v: Vec<f64>,
    /// The point nearest to (0, 0), if the axes include it.
    origin: Option<usize>,
}

/// Some points of a lattice, sorted into square boxes, so that the nearest are found without a look at all of them.
pub(super) struct Near<'l> {
    lattice: &'l Lattice,
    /// Boxes along each axis.
    boxes: usize,
    points: Vec<Vec<usize>>,
}

impl Lattice {
    pub(super) fn new(alpha: &[f64], beta: &[f64]) -> Self {
        let origin = nearest_to_zero(alpha).zip(nearest_to_zero(beta)).map(|(i, j)| i * beta.len() + j);
        Self { u: unit(alpha), v: unit(beta), origin }
    }

    pub(super) fn len(&self) -> usize {
        self.u.len() * self.v.len()
    }

    pub(super) fn origin(&self) -> Option<usize> {
        self.origin
    }

    pub(super) fn at(&self, point: usize) -> [f64; 2] {
        [self.u[point / self.v.len()], self.v[point % self.v.len()]]
    }

    /// The neighbours of a point along the axes: two to four, or fewer if an axis has a single point.
    pub(super) fn sides(&self, point: usize) -> impl Iterator<Item = usize> {
        let columns = self.v.len();
        let (i, j) = (point / columns, point % columns);
        [
            (i > 0).then(|| point - columns),
            (j > 0).then(|| point - 1),
            (j + 1 < columns).then(|| point + 1),
            (i + 1 < self.u.len()).then(|| point + columns),
        ]
        .into_iter()
        .flatten()
    }

    /// A coarse lattice of about `along`² points: both ends of each axis, and the points nearest to an even
    /// spacing between them. No more than about every second point of an axis is taken.
    pub(super) fn coarse(&self, along: usize) -> Vec<usize> {
        let (rows, columns) = (even(&self.u, along), even(&self.v, along));
        let columns = &columns;
        rows.into_iter().flat_map(|i| columns.iter().map(move |j| i * self.v.len() + j)).collect()
    }
}

/// Coordinates as shares of their range.
fn unit(axis: &[f64]) -> Vec<f64> {
    let (first, last) = ends(axis);
    // Halved, since the range of finite numbers may overflow.
    let range = last / 2.0 - first / 2.0;
    axis.iter().map(|x| if range > 0.0 { (x / 2.0 - first / 2.0) / range } else { 0.0 }).collect()
}

/// The first and the last coordinate.
fn ends(axis: &[f64]) -> (f64, f64) {
    // Indexed, so that an empty axis is a panic: the sweep refuses one before there is a lattice.
    (axis[0], axis[axis.len() - 1])
}

/// The position nearest to 0; None if 0 lies outside the axis.
fn nearest_to_zero(axis: &[f64]) -> Option<usize> {
    let (first, last) = ends(axis);
    let position = (0..axis.len()).min_by(|&a, &b| axis[a].abs().total_cmp(&axis[b].abs()));
    position.filter(|_| first <= 0.0 && last >= 0.0)
}

/// Positions on an axis, ascending.
fn even(axis: &[f64], along: usize) -> Vec<usize> {
    let count = along.min(axis.len() / 2 + 1).max(1);
    if count == 1 {
        return vec![axis.len() / 2];
    }
    let mut positions: Vec<usize> = (0..count)
        .map(|k| {
            let wish = k as f64 / (count - 1) as f64;
            let above = axis.partition_point(|x| *x < wish).min(axis.len() - 1);
            // The first point may itself be the one at or above the wish.
            let below = above.saturating_sub(1);
            // Ties go downwards in the lower half and upwards in the upper half, so that the lattice is symmetric.
            let nearer = (wish - axis[below]) - (axis[above] - wish);
            let is_below = if nearer.abs() < 1e-9 { wish < 0.5 } else { nearer < 0.0 };
            if is_below { below } else { above }
        })
        .collect();
    positions.dedup();
    positions
}

impl<'l> Near<'l> {
    /// An empty set; `expected` is about how many points will be inserted.
    pub(super) fn new(lattice: &'l Lattice, expected: usize) -> Self {
        let boxes = ((expected as f64 / 3.0).sqrt().ceil() as usize).max(1);
        Self { lattice, boxes, points: vec![Vec::new(); boxes * boxes] }
    }

    pub(super) fn insert(&mut self, point: usize) {
        let [i, j] = self.place(self.lattice.at(point));
        self.points[i * self.boxes + j].push(point);
    }

    /// The `count` nearest points to a place with the squares of their distances, nearest first, equal ones
    /// in the order of their numbers.
    pub(super) fn nearest(&self, at: [f64; 2], count: usize, found: &mut Vec<(f64, usize)>) {
        found.clear();
        for ring in 0..self.boxes {
            self.visit(at, ring, |distance, point| found.push((distance, point)));
            let sure = self.reach(ring).powi(2);
            if found.len() >= count && found.iter().filter(|(d, _)| *d <= sure).count() >= count {
                break;
            }
        }
        found.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        found.truncate(count);
    }

    /// Whether there is a point whose squared distance from a place is below `square`.
    pub(super) fn any_within(&self, at: [f64; 2], square: f64) -> bool {
        let mut any = false;
        for ring in 0..self.boxes {
            self.visit(at, ring, |distance, _| any |= distance < square);
            if any || self.reach(ring).powi(2) >= square {
                break;
            }
        }
        any
    }

    /// The least distance of points outside this ring of boxes and those within it.
    fn reach(&self, ring: usize) -> f64 {
        // The place may be at the edge of its box, next to the following ring.
        ring as f64 / self.boxes as f64
    }

    fn place(&self, at: [f64; 2]) -> [usize; 2] {
        at.map(|x| ((x * self.boxes as f64) as usize).min(self.boxes - 1))
    }

    /// Visits the points of the boxes at a Chebyshev distance of `ring` boxes.
    fn visit(&self, at: [f64; 2], ring: usize, mut visit: impl FnMut(f64, usize)) {
        let [row, column] = self.place(at);
        for i in row.saturating_sub(ring)..=(row + ring).min(self.boxes - 1) {
            let step = if row.abs_diff(i) == ring { 1 } else { 2 * ring };
            for j in (0..=2 * ring).step_by(step.max(1)) {
                let Some(j) = (column + j).checked_sub(ring).filter(|j| *j < self.boxes) else { continue };
                for &point in &self.points[i * self.boxes + j] {
                    let there = self.lattice.at(point);
                    visit((there[0] - at[0]).powi(2) + (there[1] - at[1]).powi(2), point);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lattice(rows: usize, columns: usize) -> Lattice {
        let axis = |n: usize| (0..n).map(|k| k as f64 * 3.0 - 1.0).collect::<Vec<_>>();
        Lattice::new(&axis(rows), &axis(columns))
    }

    #[test]
    fn coarse_lattices_hold_the_corners_and_are_symmetric() {
        for (rows, columns, along) in [(51, 51, 9), (51, 21, 9), (2, 2, 9), (2, 7, 9), (3, 3, 2), (1, 9, 5)] {
            let coarse = lattice(rows, columns).coarse(along);
            for corner in [0, columns - 1, (rows - 1) * columns, rows * columns - 1] {
                assert!(coarse.contains(&corner), "{rows}×{columns}: {corner}");
            }
            assert!(coarse.is_sorted() && coarse.windows(2).all(|w| w[0] != w[1]));
            let turned: Vec<usize> = coarse.iter().rev().map(|point| rows * columns - 1 - point).collect();
            assert_eq!(turned, coarse, "{rows}×{columns}");
        }
        assert_eq!(lattice(51, 51).coarse(9).len(), 81);
        assert!(lattice(51, 51).coarse(9).contains(&(25 * 51 + 25)), "the middle");
        assert_eq!(lattice(51, 51).coarse(1), [25 * 51 + 25]);
        let bent = Lattice::new(&[0.0, 0.1, 0.2, 0.3, 10.0], &[0.0]);
        assert_eq!((lattice(51, 51).origin(), bent.origin()), (Some(0), Some(0)));
        assert_eq!(Lattice::new(&[-1.0, 0.25, 1.0], &[-1.0, -0.5]).origin(), None);
        assert_eq!(Lattice::new(&[-1.0, 0.25, 1.0], &[-1.0, 0.5]).origin(), Some(3));
        assert_eq!(bent.coarse(3), [0, 3, 4], "even in coordinates, not in numbers");
    }

    #[test]
    fn the_nearest_are_those_of_a_search_through_all() {
        let lattice = lattice(23, 9);
        let points: Vec<usize> = (0..lattice.len()).filter(|p| (p * 7919) % 11 < 3).collect();
        let mut near = Near::new(&lattice, 10);
        for &point in &points {
            near.insert(point);
        }
        let mut found = Vec::new();
        for at in (0..lattice.len()).map(|p| lattice.at(p)) {
            let mut all: Vec<(f64, usize)> = points
                .iter()
                .map(|&p| ((lattice.at(p)[0] - at[0]).powi(2) + (lattice.at(p)[1] - at[1]).powi(2), p))
                .collect();
            all.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            for count in [1, 5, 1000] {
                near.nearest(at, count, &mut found);
                assert_eq!(found, all[..count.min(all.len())]);
            }
            for square in [0.0, 1e-3, 0.02, 3.0] {
                assert_eq!(near.any_within(at, square), all[0].0 < square);
            }
        }
    }

    #[test]
    fn sides_are_mutual() {
        let lattice = lattice(4, 3);
        assert_eq!(lattice.sides(0).collect::<Vec<_>>(), [1, 3]);
        assert_eq!(lattice.sides(4).collect::<Vec<_>>(), [1, 3, 5, 7]);
        for point in 0..12 {
            assert!(lattice.sides(point).all(|other| lattice.sides(other).any(|back| back == point)));
        }
    }
}
