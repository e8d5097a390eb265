//! The line or plane in parameter space that a sweep walks over, as combinations of two or three
//! vectors.

use std::ops::Range;

use crate::{Layout, Result, Scalar};

/// Coordinates (α, β) of a point; β is 0 on a line.
pub type Point = [f64; 2];

/// A line or a plane through parameter space.
///
/// Every point is a combination Σ cᵢ·bᵢ of the [`basis`](Self::basis) vectors:
///
/// | kind | basis | coefficients at (α, β) |
/// | --- | --- | --- |
/// | [`line`](Self::line) | θ, d | 1, α |
/// | [`interpolation`](Self::interpolation) | θ_a, θ_b | 1−α, α |
/// | [`spanned`](Self::spanned) | θ, d₁, d₂ | 1, α, β |
///
/// An oracle that is linear in some of its parameters can use this: the product of the data with
/// each basis vector's first layer, computed once, serves every point
/// (see [`Loss::prepare`](crate::Loss::prepare)).
#[derive(Clone, Debug)]
pub struct Plane<'a, S> {
    kind: Kind,
    basis: [&'a [S]; 3],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Line,
    Interpolation,
    Plane,
}

impl<'a, S: Scalar> Plane<'a, S> {
    /// θ + α·d.
    ///
    /// # Errors
    /// [`Error::Length`](crate::Error::Length) or [`Error::NonFinite`](crate::Error::NonFinite) for
    /// a vector that does not fit the layout or is not finite.
    pub fn line(layout: &Layout, theta: &'a [S], direction: &'a [S]) -> Result<Self> {
        layout.ensure_finite("θ", theta)?;
        layout.ensure_finite("the direction", direction)?;
        Ok(Self { kind: Kind::Line, basis: [theta, direction, &[]] })
    }

    /// (1−α)·θ_a + α·θ_b; exactly θ_a at 0 and θ_b at 1, and parameters equal in both never move.
    ///
    /// # Errors
    /// As [`line`](Self::line).
    pub fn interpolation(layout: &Layout, a: &'a [S], b: &'a [S]) -> Result<Self> {
        layout.ensure_finite("θ_a", a)?;
        layout.ensure_finite("θ_b", b)?;
        Ok(Self { kind: Kind::Interpolation, basis: [a, b, &[]] })
    }

    /// θ + α·d₁ + β·d₂.
    ///
    /// # Errors
    /// As [`line`](Self::line).
    pub fn spanned(layout: &Layout, theta: &'a [S], first: &'a [S], second: &'a [S]) -> Result<Self> {
        layout.ensure_finite("θ", theta)?;
        layout.ensure_finite("the first direction", first)?;
        layout.ensure_finite("the second direction", second)?;
        Ok(Self { kind: Kind::Plane, basis: [theta, first, second] })
    }

    /// The two (line, interpolation) or three (plane) vectors that points are combinations of.
    pub fn basis(&self) -> &[&'a [S]] {
        match self.kind {
            Kind::Line | Kind::Interpolation => &self.basis[..2],
            Kind::Plane => &self.basis,
        }
    }

    /// The coefficients of a point in the basis; on a line the third is 0 and has no vector.
    pub fn coefficients(&self, [alpha, beta]: Point) -> [f64; 3] {
        match self.kind {
            Kind::Line => [1.0, alpha, 0.0],
            Kind::Interpolation => [1.0 - alpha, alpha, 0.0],
            Kind::Plane => [1.0, alpha, beta],
        }
    }

    /// The number of parameters.
    #[allow(clippy::len_without_is_empty, reason = "a layout is never empty")]
    pub fn len(&self) -> usize {
        self.basis[0].len()
    }

    /// Writes the parameters at a point: coordinates and arithmetic in `S`, in one pass.
    ///
    /// Writes the first `out.len()` parameters if `out` is short, and leaves the rest of `out` alone
    /// if it is long.
    pub fn theta_into(&self, point: Point, out: &mut [S]) {
        self.part_into(point, 0..self.len(), out);
    }

    /// Writes the parameters of one range of the flat vector, as
    /// [`theta_into`](Self::theta_into) does for all; a range past the end is cut.
    pub fn part_into(&self, point: Point, range: Range<usize>, out: &mut [S]) {
        let end = range.end.min(self.len());
        let range = range.start.min(end)..end;
        let [origin, first] = [&self.basis[0][range.clone()], &self.basis[1][range.clone()]];
        let [alpha, beta] = point.map(S::from_f64);
        match self.kind {
            Kind::Line => {
                for ((out, &t), &d) in out.iter_mut().zip(origin).zip(first) {
                    *out = t + alpha * d;
                }
            }
            Kind::Interpolation => {
                // Copied at the ends, where 0·x + 1·y would lose the sign of a zero.
                if point[0] == 0.0 || point[0] == 1.0 {
                    let end = if point[0] == 0.0 { origin } else { first };
                    let len = out.len().min(end.len());
                    out[..len].copy_from_slice(&end[..len]);
                    return;
                }
                let rest = S::from_f64(1.0 - point[0]);
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
    fn an_interpolation_ends_in_its_minimisers() {
        let layout = Layout::flat(3).unwrap();
        let (a, b) = ([0.1_f64, 1e9, 0.3], [-0.0_f64, -1e-9, 0.3]);
        let plane = Plane::interpolation(&layout, &a, &b).unwrap();
        let mut out = [0.0; 3];
        plane.theta_into([0.0, 0.0], &mut out);
        assert_eq!(out, a);
        plane.theta_into([1.0, 0.0], &mut out);
        assert_eq!(out.map(f64::to_bits), b.map(f64::to_bits));
        plane.theta_into([0.3, 0.0], &mut out);
        assert_eq!(out[2], 0.3, "what is equal in both stands still to the last bit");
    }

    #[test]
    fn parts_are_parts_of_the_whole() {
        let layout = Layout::flat(5).unwrap();
        let (t, d, e) = ([1.0_f32, 2.0, 3.0, 4.0, 5.0], [1.0_f32; 5], [10.0_f32; 5]);
        let plane = Plane::spanned(&layout, &t, &d, &e).unwrap();
        let (mut whole, mut part) = ([0.0; 5], [0.0; 2]);
        plane.theta_into([0.5, -0.25], &mut whole);
        plane.part_into([0.5, -0.25], 2..4, &mut part);
        assert_eq!(part, whole[2..4]);
        assert_eq!(whole[0], 1.0 + 0.5 - 2.5);
        plane.part_into([0.5, -0.25], 4..99, &mut part);
        assert_eq!(part[0], whole[4]);
    }

    #[test]
    fn bad_vectors_are_refused() {
        let layout = Layout::flat(2).unwrap();
        let short = Plane::line(&layout, &[1.0_f64, 2.0], &[1.0]);
        assert!(matches!(short, Err(Error::Length { len: 1, expected: 2, .. })));
        let infinite = Plane::line(&layout, &[1.0_f64, f64::INFINITY], &[1.0, 1.0]);
        assert!(matches!(infinite, Err(Error::NonFinite { index: 1, .. })));
    }
}
