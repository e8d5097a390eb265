//! The surface of gridded heights, in as many cells as a picture can show.

use ndarray::Array2;

/// Cells of coarser grids are divided into at most this many along an axis, none into more than `MOST_PARTS`.
const FINE_CELLS: usize = 150;
const MOST_PARTS: usize = 8;

/// Heights at the points of a grid over the unit square, bilinear between points that are drawn.
#[derive(Debug)]
pub(crate) struct Mesh {
    pub(crate) u: Vec<f64>,
    pub(crate) v: Vec<f64>,
    /// From 0 to 1 inside the range, beyond outside; NaN where not known.
    pub(crate) heights: Array2<f64>,
    /// Of each cell: nothing where a corner is missing, or else how steeply the surface rises along both axes.
    pub(crate) slopes: Array2<Option<[f64; 2]>>,
    /// How many points were taken.
    pub(crate) taken: [usize; 2],
}

/// One axis: the points taken of a grid, and the finer ones between.
struct Taken {
    /// Indices into the grid, both ends among them.
    indices: Vec<usize>,
    parts: usize,
}

impl Mesh {
    /// The mesh of `heights`, `[[i, j]]` at (`u[i]`, `v[j]`), at least 2 by 2; where that is more than `most`
    /// cells along an axis, of every second point or every third and so on.
    pub(crate) fn new(u: &[f64], v: &[f64], heights: &Array2<f64>, most: usize) -> Self {
        let (first, second) = (Taken::new(u.len(), most), Taken::new(v.len(), most));
        let coarse_u: Vec<f64> = first.indices.iter().map(|&i| u[i]).collect();
        let coarse_v: Vec<f64> = second.indices.iter().map(|&j| v[j]).collect();
        let coarse = Array2::from_shape_fn((coarse_u.len(), coarse_v.len()), |(i, j)| {
            heights[[first.indices[i], second.indices[j]]]
        });
        let missing = Array2::from_shape_fn((coarse_u.len() - 1, coarse_v.len() - 1), |(i, j)| {
            let (a, b) = (&first.indices[i..i + 2], &second.indices[j..j + 2]);
            heights.slice(ndarray::s![a[0]..=a[1], b[0]..=b[1]]).iter().any(|h| h.is_nan())
        });
        let gradients = gradients(&coarse_u, &coarse_v, &coarse);
        let (nx, ny) = missing.dim();
        let (parts_u, parts_v) = (first.parts, second.parts);
        let slopes = Array2::from_shape_fn((nx * parts_u, ny * parts_v), |(i, j)| {
            let middle = |k: usize, parts: usize| ((k % parts) as f64 + 0.5) / parts as f64;
            let cell = [i / parts_u, j / parts_v];
            let at = [middle(i, parts_u), middle(j, parts_v)];
            (!missing[cell]).then(|| [0, 1].map(|k| between(|corner| gradients[corner][k], cell, at)))
        });
        let fine = |axis: &[f64], parts: usize| -> Vec<f64> {
            let at = |k: usize| {
                let (cell, t) = split(k, parts, axis.len());
                axis[cell] + t * (axis[cell + 1] - axis[cell])
            };
            (0..=(axis.len() - 1) * parts).map(at).collect()
        };
        let heights = Array2::from_shape_fn((nx * parts_u + 1, ny * parts_v + 1), |(i, j)| {
            let ((i, s), (j, t)) = (split(i, parts_u, nx + 1), split(j, parts_v, ny + 1));
            between(|corner| coarse[corner], [i, j], [s, t])
        });
        Self {
            u: fine(&coarse_u, parts_u),
            v: fine(&coarse_v, parts_v),
            heights,
            slopes,
            taken: [coarse_u.len(), coarse_v.len()],
        }
    }

    /// Corners of a cell, counter-clockwise from that of least indices: position and height.
    pub(crate) fn corners(&self, [i, j]: [usize; 2]) -> [[f64; 3]; 4] {
        [[i, j], [i + 1, j], [i + 1, j + 1], [i, j + 1]]
            .map(|[i, j]| [self.u[i], self.v[j], self.heights[[i, j]]])
    }
}

impl Taken {
    fn new(len: usize, most: usize) -> Self {
        let cells = len.saturating_sub(1).max(1);
        let stride = cells.div_ceil(most);
        let mut indices: Vec<usize> = (0..cells).step_by(stride).collect();
        indices.push(cells);
        let parts = (FINE_CELLS / (indices.len() - 1)).clamp(1, MOST_PARTS);
        Self { indices, parts }
    }
}

/// The cell that a fine point is in and how far along it, of an axis with `len` points.
fn split(k: usize, parts: usize, len: usize) -> (usize, f64) {
    let cell = (k / parts).min(len - 2);
    (cell, (k - cell * parts) as f64 / parts as f64)
}

/// Bilinear in a cell; corners without weight do not matter, even if they are NaN.
fn between(of: impl Fn([usize; 2]) -> f64, [i, j]: [usize; 2], [s, t]: [f64; 2]) -> f64 {
    let weights = [([i, j], (1.0 - s) * (1.0 - t)), ([i + 1, j], s * (1.0 - t)), ([i, j + 1], (1.0 - s) * t)];
    let weights = weights.into_iter().chain([([i + 1, j + 1], s * t)]);
    weights.filter(|(_, weight)| *weight > 0.0).map(|(corner, weight)| weight * of(corner)).sum()
}

/// Central differences of the heights that are drawn, one-sided beside what is missing.
fn gradients(u: &[f64], v: &[f64], heights: &Array2<f64>) -> Array2<[f64; 2]> {
    let drawn = heights.mapv(|h| h.clamp(0.0, 1.0));
    let along = |axis: &[f64], k: usize, of: &dyn Fn(usize) -> f64| -> f64 {
        let known = |n: usize| n < axis.len() && !of(n).is_nan();
        let from = if k > 0 && known(k - 1) { k - 1 } else { k };
        let to = if known(k + 1) { k + 1 } else { k };
        let (rise, run) = (of(to) - of(from), axis[to] - axis[from]);
        if run > 0.0 { rise / run } else { 0.0 }
    };
    Array2::from_shape_fn(drawn.dim(), |(i, j)| {
        [along(u, i, &|i| drawn[[i, j]]), along(v, j, &|j| drawn[[i, j]])]
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::axis;

    #[test]
    fn coarse_grids_are_divided_and_keep_their_points() {
        let (u, v) = (axis(0.0, 1.0, 11), [0.0, 0.2, 1.0]);
        let heights = Array2::from_shape_fn((11, 3), |(i, j)| 0.3 * u[i] + 0.5 * v[j]);
        let mesh = Mesh::new(&u, &v, &heights, 200);
        assert_eq!((mesh.heights.dim(), mesh.slopes.dim()), ((81, 17), (80, 16)));
        assert_eq!(mesh.taken, [11, 3]);
        for ((i, j), h) in mesh.heights.indexed_iter() {
            assert!((h - 0.3 * mesh.u[i] - 0.5 * mesh.v[j]).abs() < 1e-12);
        }
        assert!(mesh.slopes.iter().all(|s| {
            let [a, b] = s.unwrap();
            (a - 0.3).abs() < 1e-9 && (b - 0.5).abs() < 1e-9
        }));
        assert_eq!((mesh.heights[[16, 8]], mesh.v[8]), (heights[[2, 1]], 0.2));
    }

    #[test]
    fn fine_grids_are_thinned_with_both_ends() {
        let u = axis(0.0, 1.0, 1001);
        let mesh = Mesh::new(&u, &u[..4], &Array2::from_shape_fn((1001, 4), |(i, _)| u[i]), 200);
        assert_eq!((mesh.taken, mesh.slopes.nrows()), ([201, 4], 200));
        assert_eq!((mesh.u[0], mesh.u[1], mesh.u[200]), (0.0, 0.005, 1.0));
        let odd = Taken::new(1004, 200);
        assert_eq!((odd.indices.len(), odd.indices[167], odd.indices[168]), (169, 1002, 1003));
    }

    #[test]
    fn a_missing_point_makes_holes_of_the_cells_around_it_and_no_more() {
        let u = axis(0.0, 1.0, 5);
        let mut heights = Array2::from_elem((5, 5), 0.5);
        heights[[1, 1]] = f64::NAN;
        let mesh = Mesh::new(&u, &u, &heights, 200);
        let parts = mesh.slopes.nrows() / 4;
        for ((i, j), slope) in mesh.slopes.indexed_iter() {
            let hole = i / parts < 2 && j / parts < 2;
            assert_eq!(slope.is_none(), hole, "{i} {j}");
            assert!(hole || mesh.corners([i, j]).iter().all(|c| c[2] == 0.5));
        }
    }

    #[test]
    fn missing_points_between_those_taken_make_holes() {
        let u = axis(0.0, 1.0, 401);
        let mut heights = Array2::from_elem((401, 401), 0.5);
        heights[[7, 8]] = f64::NAN;
        let mesh = Mesh::new(&u, &u, &heights, 200);
        assert_eq!(mesh.taken, [201, 201]);
        let holes: Vec<_> =
            mesh.slopes.indexed_iter().filter(|(_, s)| s.is_none()).map(|(at, _)| at).collect();
        assert_eq!(holes, [(3, 3), (3, 4)]);
    }
}
