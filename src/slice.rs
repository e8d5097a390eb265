//! The slice of parameter space that a sweep goes over, a line or a plane, as combinations of two or three vectors.

use std::ops::Range;

use crate::{Layout, Result, Scalar};

/// A point of a sweep: its number and its coordinates.
///
/// The number finds what you keep for each point, without a search among the coordinates. This worker reads losses
/// that another program computed for a grid of 2×2 points:
///
/// ```
/// use loss_landscape::{OracleError, oracle::{Point, Worker}};
///
/// let losses = [3.0, 1.0, 4.0, 1.5]; // row by row
/// let mut worker = |points: &[Point], _chunk: usize, out: &mut [f64]| -> Result<(), OracleError> {
///     for (point, out) in points.iter().zip(out) {
///         *out = losses[point.number];
///     }
///     Ok(())
/// };
/// let mut out = [0.0];
/// worker.evaluate(&[Point { number: 2, coordinates: [1.0, -1.0] }], 0, &mut out)?; // i = 1, j = 0
/// assert_eq!(out, [4.0]);
/// # Ok::<(), OracleError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Its number: i·n + j at the indices (i, j) of a grid of m×n points, i on a line.
    pub number: usize,
    /// Its coordinates (α, β); β is 0 on a line.
    pub coordinates: [f64; 2],
}

/// A line or a plane through parameter space, as an oracle sees it.
///
/// Every point is a combination Σ cᵢ·bᵢ of the [`basis`](Self::basis) vectors:
///
/// | kind | basis | coefficients at (α, β) |
/// | --- | --- | --- |
/// | [`line`](Self::line) | θ, d | 1, α |
/// | [`segment`](Self::segment) | θ_a, θ_b | 1−α, α |
/// | [`plane`](Self::plane) | θ, d₁, d₂ | 1, α, β |
///
/// An oracle that is linear in some of its parameters can use this: the product of the data with
/// each basis vector's first layer, computed once, serves every point
/// (see [`Loss::prepare`](crate::Loss::prepare)).
///
/// ```
/// use loss_landscape::{Layout, oracle::Slice};
///
/// let (theta, d, e) = ([1.0, 1.0], [1.0, 0.0], [0.0, 2.0]);
/// let slice = Slice::plane(&Layout::flat(2)?, &theta, &d, &e)?;
/// let mut out = [0.0; 2];
/// slice.theta_into([0.5, -0.25], &mut out);
/// assert_eq!(out, [1.5, 0.5]);
/// assert_eq!(slice.coefficients([0.5, -0.25]), [1.0, 0.5, -0.25]);
/// assert_eq!((slice.basis().len(), slice.len()), (3, 2));
/// // Parameter 1 alone, as an oracle asks for one layer.
/// slice.part_into([0.5, -0.25], 1..2, &mut out[..1]);
/// assert_eq!(out[0], 0.5);
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Slice<'a, S> {
    kind: Kind,
    basis: [&'a [S]; 3],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Line,
    Segment,
    Plane,
}

impl<'a, S: Scalar> Slice<'a, S> {
    /// The line θ + α·d.
    ///
    /// # Errors
    /// [`Error::Length`](crate::Error::Length) or [`Error::NonFinite`](crate::Error::NonFinite) for
    /// a vector that does not fit the layout or is not finite.
    pub fn line(layout: &Layout, theta: &'a [S], direction: &'a [S]) -> Result<Self> {
        layout.ensure_finite("θ", theta)?;
        layout.ensure_finite("the direction", direction)?;
        Ok(Self { kind: Kind::Line, basis: [theta, direction, &[]] })
    }

    /// The segment (1−α)·θ_a + α·θ_b: exactly θ_a at α = 0 and θ_b at α = 1. Parameters that are equal in both keep
    /// their value at every α, to the bit.
    ///
    /// ```
    /// use loss_landscape::{Layout, oracle::Slice};
    ///
    /// let slice = Slice::segment(&Layout::flat(2)?, &[0.1, 1.0], &[0.1, 3.0])?;
    /// let mut theta = [0.0; 2];
    /// slice.theta_into([0.25, 0.0], &mut theta);
    /// assert_eq!(theta, [0.1, 1.5]);
    /// # Ok::<(), loss_landscape::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`line`](Self::line).
    pub fn segment(layout: &Layout, a: &'a [S], b: &'a [S]) -> Result<Self> {
        layout.ensure_finite("θ_a", a)?;
        layout.ensure_finite("θ_b", b)?;
        Ok(Self { kind: Kind::Segment, basis: [a, b, &[]] })
    }

    /// The plane θ + α·d₁ + β·d₂.
    ///
    /// # Errors
    /// As [`line`](Self::line).
    pub fn plane(layout: &Layout, theta: &'a [S], first: &'a [S], second: &'a [S]) -> Result<Self> {
        layout.ensure_finite("θ", theta)?;
        layout.ensure_finite("the first direction", first)?;
        layout.ensure_finite("the second direction", second)?;
        Ok(Self { kind: Kind::Plane, basis: [theta, first, second] })
    }

    /// The two (line, segment) or three (plane) vectors, each as long as θ, that points are combinations of.
    pub fn basis(&self) -> &[&'a [S]] {
        match self.kind {
            Kind::Line | Kind::Segment => &self.basis[..2],
            Kind::Plane => &self.basis,
        }
    }

    /// The coefficients of the point (α, β) in the basis; on a line the third is 0 and has no vector.
    pub fn coefficients(&self, [alpha, beta]: [f64; 2]) -> [f64; 3] {
        match self.kind {
            Kind::Line => [1.0, alpha, 0.0],
            Kind::Segment => [1.0 - alpha, alpha, 0.0],
            Kind::Plane => [1.0, alpha, beta],
        }
    }

    /// The number of parameters.
    #[allow(clippy::len_without_is_empty, reason = "a layout is never empty")]
    pub fn len(&self) -> usize {
        self.basis[0].len()
    }

    /// Writes the parameters at a point, in one pass. Coordinates are rounded to `S` first, and the arithmetic is
    /// in `S`.
    ///
    /// If `out` is shorter than θ, only the first `out.len()` parameters are written; if it is longer, the rest of
    /// `out` keeps its values.
    pub fn theta_into(&self, coordinates: [f64; 2], out: &mut [S]) {
        self.part_into(coordinates, 0..self.len(), out);
    }

    /// Writes the parameters of one range of the flat vector, as [`theta_into`](Self::theta_into) does for all of
    /// them. A range that ends past θ is shortened.
    pub fn part_into(&self, coordinates: [f64; 2], range: Range<usize>, out: &mut [S]) {
        let end = range.end.min(self.len());
        let range = range.start.min(end)..end;
        let [origin, first] = [&self.basis[0][range.clone()], &self.basis[1][range.clone()]];
        let [alpha, beta] = coordinates.map(S::from_f64);
        match self.kind {
            Kind::Line => {
                for ((out, &t), &d) in out.iter_mut().zip(origin).zip(first) {
                    *out = t + alpha * d;
                }
            }
            Kind::Segment => {
                // The ends are copied, since 0·x + 1·y would lose the sign of a zero.
                if coordinates[0] == 0.0 || coordinates[0] == 1.0 {
                    let end = if coordinates[0] == 0.0 { origin } else { first };
                    let len = out.len().min(end.len());
                    out[..len].copy_from_slice(&end[..len]);
                    return;
                }
                let rest = S::from_f64(1.0 - coordinates[0]);
                for ((out, &a), &b) in out.iter_mut().zip(origin).zip(first) {
                    *out = if a == b { a } else { rest * a + alpha * b };
                }
            }
            Kind::Plane => {
                let second = &self.basis[2][range];
                for (((out, &t), &d), &e) in out.iter_mut().zip(origin).zip(first).zip(second) {
                    *out = t + alpha * d + beta * e;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;

    #[test]
    fn a_segment_ends_in_its_minimisers() {
        let layout = Layout::flat(3).unwrap();
        let (a, b) = ([0.1_f64, 1e9, 0.3], [-0.0_f64, -1e-9, 0.3]);
        let slice = Slice::segment(&layout, &a, &b).unwrap();
        let mut out = [0.0; 3];
        slice.theta_into([0.0, 0.0], &mut out);
        assert_eq!(out, a);
        slice.theta_into([1.0, 0.0], &mut out);
        assert_eq!(out.map(f64::to_bits), b.map(f64::to_bits));
        slice.theta_into([0.3, 0.0], &mut out);
        assert_eq!(out[2], 0.3, "what is equal in both stands still to the last bit");
    }

    #[test]
    fn parts_are_parts_of_the_whole() {
        let layout = Layout::flat(5).unwrap();
        let (t, d, e) = ([1.0_f32, 2.0, 3.0, 4.0, 5.0], [1.0_f32; 5], [10.0_f32; 5]);
        let slice = Slice::plane(&layout, &t, &d, &e).unwrap();
        let (mut whole, mut part) = ([0.0; 5], [0.0; 2]);
        slice.theta_into([0.5, -0.25], &mut whole);
        slice.part_into([0.5, -0.25], 2..4, &mut part);
        assert_eq!(part, whole[2..4]);
        assert_eq!(whole[0], 1.0 + 0.5 - 2.5);
        slice.part_into([0.5, -0.25], 4..99, &mut part);
        assert_eq!(part[0], whole[4]);
    }

    #[test]
    fn bad_vectors_are_refused() {
        let layout = Layout::flat(2).unwrap();
        let short = Slice::line(&layout, &[1.0_f64, 2.0], &[1.0]);
        assert!(matches!(short, Err(Error::Length { len: 1, expected: 2, .. })));
        let infinite = Slice::line(&layout, &[1.0_f64, f64::INFINITY], &[1.0, 1.0]);
        assert!(matches!(infinite, Err(Error::NonFinite { index: 1, .. })));
    }
}
