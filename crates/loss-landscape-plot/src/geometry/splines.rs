//! More points of a grid, on cubic splines through its values.

use ndarray::{Array2, ArrayView1, ArrayViewMut1, Axis};

use super::isolines::PixelGrid;

/// Points along an axis that are enough: steps of one or two pixels.
const ENOUGH: usize = 256;

impl PixelGrid {
    /// The grid with more points between its own: on cubic splines through the values along x, and through
    /// theirs along y. A spline ends at a value that is not finite, so that a cell with such a corner has no values.
    pub(crate) fn splined(&self) -> Self {
        let [x, y] = [&self.x, &self.y].map(|axis| Refined::new(axis));
        let ny = self.values.ncols();
        let mut along_x = Array2::zeros((x.fine.len(), ny));
        for j in 0..ny {
            x.fill(&self.values.column(j), along_x.column_mut(j));
        }
        let mut values = Array2::zeros((x.fine.len(), y.fine.len()));
        for (line, out) in along_x.axis_iter(Axis(0)).zip(values.axis_iter_mut(Axis(0))) {
            y.fill(&line, out);
        }
        Self { x: x.fine, y: y.fine, values }
    }
}

/// An axis and its finer one, which has the same number of pieces between each two of its points.
struct Refined<'a> {
    coarse: &'a [f64],
    fine: Vec<f64>,
    pieces: usize,
}

impl<'a> Refined<'a> {
    fn new(coarse: &'a [f64]) -> Self {
        let pieces = ENOUGH.div_ceil(coarse.len().saturating_sub(1).max(1));
        let between = coarse.windows(2).flat_map(|pair| {
            let [from, to] = [pair[0], pair[1]];
            (0..pieces).map(move |k| from + (to - from) * (k as f64 / pieces as f64))
        });
        let fine = between.chain(coarse.last().copied()).collect();
        Self { coarse, fine, pieces }
    }

    /// Writes the values of splines through `values`, NaN between points of which one has no finite value.
    fn fill(&self, values: &ArrayView1<'_, f64>, mut out: ArrayViewMut1<'_, f64>) {
        out.fill(f64::NAN);
        let mut start = 0;
        while start < values.len() {
            let known: Vec<f64> = values.iter().skip(start).copied().take_while(|v| v.is_finite()).collect();
            let at = &self.coarse[start..start + known.len()];
            let bends = second_derivatives(at, &known);
            for i in 0..known.len().saturating_sub(1) {
                let sixth = (at[i + 1] - at[i]).powi(2) / 6.0;
                for k in 0..self.pieces {
                    let right = k as f64 / self.pieces as f64;
                    let left = 1.0 - right;
                    let bend = (left.powi(3) - left) * bends[i] + (right.powi(3) - right) * bends[i + 1];
                    out[(start + i) * self.pieces + k] =
                        left * known[i] + right * known[i + 1] + bend * sixth;
                }
            }
            if let Some(&last) = known.last() {
                out[(start + known.len() - 1) * self.pieces] = last;
            }
            start += known.len() + 1;
        }
    }
}

/// The second derivatives at the points of the cubic spline whose third derivative does not jump at the second and the
/// last but one point (C. de Boor, *A Practical Guide to Splines*, 1978, chapter IV: "not-a-knot"), so that it is exact
/// for cubic polynomials, up to the ends. Through three points it is their parabola.
fn second_derivatives(at: &[f64], values: &[f64]) -> Vec<f64> {
    let n = at.len();
    let mut bends = vec![0.0; n];
    let step = |i: usize| at[i + 1] - at[i];
    let turn = |i: usize| (values[i + 1] - values[i]) / step(i) - (values[i] - values[i - 1]) / step(i - 1);
    match n {
        0..=2 => return bends,
        3 => {
            bends.fill(2.0 * turn(1) / (at[2] - at[0]));
            return bends;
        }
        _ => {}
    }
    // Row i: before·m(i−1) + diagonal·m(i) + after·m(i+1) = 6·turn(i), with the ends' m put in from their conditions.
    // It is diagonally dominant, and solved from above and back.
    let mut factors = vec![0.0; n];
    for i in 1..n - 1 {
        let (mut before, mut diagonal, mut after) = (step(i - 1), 2.0 * (step(i - 1) + step(i)), step(i));
        if i == 1 {
            let ratio = step(0) / step(1);
            (before, diagonal, after) = (0.0, diagonal + step(0) * (1.0 + ratio), after - step(0) * ratio);
        }
        if i == n - 2 {
            let ratio = step(i) / step(i - 1);
            (before, diagonal, after) = (before - step(i) * ratio, diagonal + step(i) * (1.0 + ratio), 0.0);
        }
        let diagonal = diagonal - before * factors[i - 1];
        factors[i] = after / diagonal;
        bends[i] = (6.0 * turn(i) - before * bends[i - 1]) / diagonal;
    }
    for i in (1..n - 2).rev() {
        bends[i] -= factors[i] * bends[i + 1];
    }
    bends[0] = bends[1] - step(0) / step(1) * (bends[2] - bends[1]);
    bends[n - 1] = bends[n - 2] + step(n - 2) / step(n - 3) * (bends[n - 2] - bends[n - 3]);
    bends
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(x: &[f64], y: &[f64], f: impl Fn(f64, f64) -> f64) -> PixelGrid {
        let values = Array2::from_shape_fn((x.len(), y.len()), |(i, j)| f(x[i], y[j]));
        PixelGrid { x: x.to_vec(), y: y.to_vec(), values }
    }

    fn axis(n: u32) -> Vec<f64> {
        (0..n).map(|k| f64::from(k) / f64::from(n - 1)).collect()
    }

    /// Pixels count downwards along y.
    fn downwards(n: u32) -> Vec<f64> {
        axis(n).into_iter().rev().collect()
    }

    #[test]
    fn a_spline_goes_through_its_points_and_is_straight_where_they_are() {
        let (x, y) = ([0.0, 0.3, 0.4, 1.0, 1.7], downwards(7));
        let coarse = grid(&x, &y, |x, y| 2.0 + 3.0 * x - y);
        let fine = coarse.splined();
        for (i, &x) in fine.x.iter().enumerate() {
            for (j, &y) in fine.y.iter().enumerate() {
                assert!((fine.values[[i, j]] - (2.0 + 3.0 * x - y)).abs() < 1e-12);
            }
        }
        let rough = grid(&x, &y, |x, y| (37.0 * x).sin() * (23.0 * y).cos());
        let fine = rough.splined();
        assert!(fine.x.len() >= ENOUGH && fine.y.len() >= ENOUGH);
        for (i, x) in rough.x.iter().enumerate() {
            for (j, y) in rough.y.iter().enumerate() {
                let place = |fine: &[f64], at: &f64| fine.iter().position(|v| v == at).unwrap();
                let found = fine.values[[place(&fine.x, x), place(&fine.y, y)]];
                assert!((found - rough.values[[i, j]]).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn cubic_polynomials_are_exact_and_others_to_the_fourth_order() {
        let largest = |x: &[f64], y: &[f64], f: fn(f64, f64) -> f64| {
            let fine = grid(x, y, f).splined();
            let off = |(i, x): (usize, &f64)| {
                let along = fine.y.iter().enumerate().map(|(j, y)| (fine.values[[i, j]] - f(*x, *y)).abs());
                along.fold(0.0, f64::max)
            };
            fine.x.iter().enumerate().map(off).fold(0.0, f64::max)
        };
        let cubic = |x: f64, y: f64| (1.0 + x - 3.0 * x.powi(2) + 2.0 * x.powi(3)) * (y.powi(3) - y);
        let odd = [0.0, 0.3, 0.4, 1.0, 1.7];
        assert!(largest(&odd, &downwards(4), cubic) < 1e-12);
        let parabola = |x: f64, y: f64| x * x - y * y;
        assert!(largest(&[0.0, 0.2, 1.0], &downwards(3), parabola) < 1e-12);
        let smooth = |x: f64, y: f64| (3.0 * x).sin() * (2.0 * y).cos();
        let [coarse, fine] = [17, 33].map(|n| largest(&axis(n), &downwards(n), smooth));
        assert!(coarse < 1e-4 && coarse / fine > 12.0, "{coarse} and {fine}");
    }

    #[test]
    fn cells_with_an_unknown_corner_have_no_values() {
        let mut coarse = grid(&axis(5), &axis(5), |x, y| x + y);
        coarse.values[[2, 3]] = f64::NAN;
        coarse.values[[0, 0]] = f64::INFINITY;
        let fine = coarse.splined();
        let unknown =
            |x: f64, y: f64| (x - 0.5).abs() < 0.25 && (y - 0.75).abs() < 0.25 || x < 0.25 && y < 0.25;
        for (i, &x) in fine.x.iter().enumerate() {
            for (j, &y) in fine.y.iter().enumerate() {
                assert_eq!(fine.values[[i, j]].is_nan(), unknown(x, y), "{x} {y}");
            }
        }
    }

    #[test]
    fn axes_of_one_or_two_points_are_straight() {
        let fine = grid(&[0.0, 1.0], &[0.0, 1.0], |x, y| x * y).splined();
        assert!((fine.values[[128, 64]] - 0.5 * 0.25).abs() < 1e-12);
        assert_eq!(fine.values.dim(), (257, 257));
    }
}
