//! The slice of parameter space that a sweep goes over, a line, a curve or a plane, as combinations of vectors.

use std::{fmt, ops::Range};

use crate::{Error, Layout, Result, Scalar};

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

/// A line, a curve or a plane through parameter space, as an oracle sees it.
///
/// Every point is a combination Σ cᵢ·bᵢ of the [`basis`](Self::basis) vectors:
///
/// | kind | basis | coefficients at (α, β) |
/// | --- | --- | --- |
/// | [`line`](Self::line) | θ, d | 1, α |
/// | [`segment`](Self::segment) | θ_a, θ_b | 1−α, α |
/// | [`plane`](Self::plane) | θ, d₁, d₂ | 1, α, β |
/// | [`curve`](Self::curve), Bezier | n + 1 points | C(n, i)·αⁱ·(1−α)ⁿ⁻ⁱ |
/// | [`curve`](Self::curve), chain | n + 1 points | 1−s and s at both ends of piece k, 0 at the others; k + s = n·α |
///
/// An oracle that is linear in some of its parameters can use this: the product of the data with
/// each basis vector's first layer, computed once, serves every point
/// (see [`Loss::prepare`](crate::Loss::prepare)). Write it for any number of vectors.
///
/// ```
/// use loss_landscape::{Layout, oracle::Slice};
///
/// let (theta, d, e) = ([1.0, 1.0], [1.0, 0.0], [0.0, 2.0]);
/// let slice = Slice::plane(&Layout::flat(2)?, &theta, &d, &e)?;
/// let mut out = [0.0; 2];
/// slice.theta_into([0.5, -0.25], &mut out);
/// assert_eq!(out, [1.5, 0.5]);
/// assert!(slice.coefficients([0.5, -0.25]).eq([1.0, 0.5, -0.25]));
/// assert_eq!((slice.basis().len(), slice.len()), (3, 2));
/// // Parameter 1 alone, as an oracle asks for one layer.
/// slice.part_into([0.5, -0.25], 1..2, &mut out[..1]);
/// assert_eq!(out[0], 0.5);
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Slice<'a, S> {
    kind: SliceKind,
    basis: Vec<&'a [S]>,
}

/// What a slice is, which decides how its vectors are combined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SliceKind {
    Line,
    Segment,
    Plane,
    Curve(PathShape),
}

/// How a curve between two parameter vectors runs along its other points, its bends.
///
/// `Display` and the serialised form are `bezier` and `chain`.
///
/// ```
/// use loss_landscape::{Layout, oracle::Slice, path::PathShape};
///
/// let (a, bend, b) = ([0.0], [1.0], [0.0]);
/// let at_half = |shape| -> loss_landscape::Result<f64> {
///     let slice = Slice::curve(&Layout::flat(1)?, shape, &[&a, &bend, &b])?;
///     let mut theta = [0.0];
///     slice.theta_into([0.5, 0.0], &mut theta);
///     Ok(theta[0])
/// };
/// assert_eq!(at_half(PathShape::Chain)?, 1.0); // at the bend
/// assert_eq!(at_half(PathShape::Bezier)?, 0.5); // drawn towards it
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum PathShape {
    /// A Bezier curve: smooth, and drawn towards its bends without going through them. With one bend it is quadratic:
    /// (1−t)²·θ_a + 2t(1−t)·bend + t²·θ_b.
    Bezier,
    /// A polygonal chain: straight pieces from point to point, each for an equal share of t.
    Chain,
}

/// The most points of a curve, ends included: up to there a binomial coefficient is exact in `f64`, or nearly so.
pub(crate) const MOST_POINTS: usize = 64;
/// Parameters that a curve of many points combines at a time.
const BLOCK: usize = 256;

impl<'a, S: Scalar> Slice<'a, S> {
    /// The line θ + α·d.
    ///
    /// # Errors
    /// [`Error::Length`](crate::Error::Length) or [`Error::NonFinite`](crate::Error::NonFinite) for
    /// a vector that does not fit the layout or is not finite.
    pub fn line(layout: &Layout, theta: &'a [S], direction: &'a [S]) -> Result<Self> {
        layout.ensure_finite("θ", theta)?;
        layout.ensure_finite("the direction", direction)?;
        Ok(Self { kind: SliceKind::Line, basis: vec![theta, direction] })
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
        Ok(Self { kind: SliceKind::Segment, basis: vec![a, b] })
    }

    /// The plane θ + α·d₁ + β·d₂.
    ///
    /// # Errors
    /// As [`line`](Self::line).
    pub fn plane(layout: &Layout, theta: &'a [S], first: &'a [S], second: &'a [S]) -> Result<Self> {
        layout.ensure_finite("θ", theta)?;
        layout.ensure_finite("the first direction", first)?;
        layout.ensure_finite("the second direction", second)?;
        Ok(Self { kind: SliceKind::Plane, basis: vec![theta, first, second] })
    }

    /// The curve of this shape through or towards these points, from the first at α = 0 to the last at α = 1, both to
    /// the bit. Parameters that are equal in all points (in both ends of a piece of a chain) keep their value at every
    /// α, to the bit. Beyond its ends a Bezier curve goes on as the same polynomial, and a chain straight.
    ///
    /// ```
    /// use loss_landscape::{Layout, oracle::Slice, path::PathShape};
    ///
    /// let points = [[0.1, 0.0], [0.1, 2.0], [0.1, 1.0]];
    /// let slice = Slice::curve(&Layout::flat(2)?, PathShape::Bezier, &points.each_ref().map(|point| &point[..]))?;
    /// let mut theta = [0.0; 2];
    /// slice.theta_into([0.5, 0.0], &mut theta);
    /// assert_eq!(theta, [0.1, 1.25]);
    /// assert!(slice.coefficients([0.5, 0.0]).eq([0.25, 0.5, 0.25]));
    /// # Ok::<(), loss_landscape::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`line`](Self::line); [`Error::PathPoints`](crate::Error::PathPoints) unless there are 2 to 64 points.
    pub fn curve(layout: &Layout, shape: PathShape, points: &[&'a [S]]) -> Result<Self> {
        if !(2..=MOST_POINTS).contains(&points.len()) {
            return Err(Error::PathPoints { points: points.len(), most: MOST_POINTS });
        }
        for (number, point) in points.iter().enumerate() {
            layout.ensure_finite(&format!("point {number} of the curve"), point)?;
        }
        Ok(Self { kind: SliceKind::Curve(shape), basis: points.to_vec() })
    }

    /// A curve of points that are checked already.
    pub(crate) fn checked_curve(shape: PathShape, points: Vec<&'a [S]>) -> Self {
        Self { kind: SliceKind::Curve(shape), basis: points }
    }

    /// The vectors, each as long as θ, that points are combinations of: two on a line or segment, three on a plane, and
    /// all points of a curve.
    pub fn basis(&self) -> &[&'a [S]] {
        &self.basis
    }

    /// The coefficients of the point (α, β), one for each vector of the [`basis`](Self::basis). Many of a
    /// chain's are 0.
    pub fn coefficients(
        &self,
        [alpha, beta]: [f64; 2],
    ) -> impl ExactSizeIterator<Item = f64> + Clone + use<'_, S> {
        let (kind, last) = (self.kind, self.basis.len() - 1);
        (0..self.basis.len()).map(move |i| match kind {
            SliceKind::Line | SliceKind::Plane => [1.0, alpha, beta][i],
            SliceKind::Segment => [1.0 - alpha, alpha][i],
            SliceKind::Curve(PathShape::Bezier) => bernstein(last, i, alpha),
            SliceKind::Curve(PathShape::Chain) => {
                let (piece, share) = piece(last, alpha);
                if i == piece {
                    1.0 - share
                } else if i == piece + 1 {
                    share
                } else {
                    0.0
                }
            }
        })
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
        let part = |i: usize| &self.basis[i][range.clone()];
        let [alpha, beta] = coordinates.map(S::from_f64);
        match self.kind {
            SliceKind::Line => {
                for ((out, &t), &d) in out.iter_mut().zip(part(0)).zip(part(1)) {
                    *out = t + alpha * d;
                }
            }
            SliceKind::Segment => between(coordinates[0], part(0), part(1), out),
            SliceKind::Plane => {
                for (((out, &t), &d), &e) in out.iter_mut().zip(part(0)).zip(part(1)).zip(part(2)) {
                    *out = t + alpha * d + beta * e;
                }
            }
            SliceKind::Curve(PathShape::Chain) => {
                let (piece, share) = piece(self.basis.len() - 1, coordinates[0]);
                between(share, part(piece), part(piece + 1), out);
            }
            SliceKind::Curve(PathShape::Bezier) => self.bezier_into(coordinates[0], range, out),
        }
    }

    fn bezier_into(&self, t: f64, range: Range<usize>, out: &mut [S]) {
        let last = self.basis.len() - 1;
        let part = |i: usize| &self.basis[i][range.clone()];
        // One point alone counts there, and 0·x would lose the sign of a zero.
        if t == 0.0 || t == 1.0 {
            return copy(part(if t == 0.0 { 0 } else { last }), out);
        }
        if last == 1 {
            return between(t, part(0), part(1), out);
        }
        let c = |i: usize| S::from_f64(bernstein(last, i, t));
        if last == 2 {
            let [x, y, z] = [c(0), c(1), c(2)];
            for (((out, &a), &m), &b) in out.iter_mut().zip(part(0)).zip(part(1)).zip(part(2)) {
                *out = if a == m && m == b { a } else { x * a + y * m + z * b };
            }
            return;
        }
        let len = out.len().min(range.len());
        for (block, out) in out[..len].chunks_mut(BLOCK).enumerate() {
            let size = out.len();
            let part = |i: usize| &part(i)[block * BLOCK..][..size];
            let mut equal = [true; BLOCK];
            let mut sums = [S::zero(); BLOCK];
            for i in 0..=last {
                let factor = c(i);
                for (((sum, equal), &value), &first) in
                    sums.iter_mut().zip(&mut equal).zip(part(i)).zip(part(0))
                {
                    *sum += factor * value;
                    *equal &= value == first;
                }
            }
            for (((out, &sum), &equal), &first) in out.iter_mut().zip(&sums).zip(&equal).zip(part(0)) {
                *out = if equal { first } else { sum };
            }
        }
    }
}

/// (1−α)·a + α·b. The ends are copied, since 0·x + 1·y would lose the sign of a zero.
fn between<S: Scalar>(alpha: f64, a: &[S], b: &[S], out: &mut [S]) {
    if alpha == 0.0 || alpha == 1.0 {
        return copy(if alpha == 0.0 { a } else { b }, out);
    }
    let (rest, alpha) = (S::from_f64(1.0 - alpha), S::from_f64(alpha));
    for ((out, &a), &b) in out.iter_mut().zip(a).zip(b) {
        *out = if a == b { a } else { rest * a + alpha * b };
    }
}

fn copy<S: Scalar>(from: &[S], out: &mut [S]) {
    let len = out.len().min(from.len());
    out[..len].copy_from_slice(&from[..len]);
}

/// The piece of a chain of `pieces` of them in which t lies, and where in it: 0 at its start, 1 at its end.
fn piece(pieces: usize, t: f64) -> (usize, f64) {
    let along = t * pieces as f64;
    let piece = along.floor().clamp(0.0, (pieces - 1) as f64);
    (piece as usize, along - piece)
}

/// C(n, i)·tⁱ·(1−t)ⁿ⁻ⁱ.
fn bernstein(n: usize, i: usize, t: f64) -> f64 {
    let power = |base: f64, exponent: usize| (0..exponent).fold(1.0, |product, _| product * base);
    // Every quotient on the way is a binomial coefficient.
    let choose = (0..i.min(n - i)).fold(1.0, |c, k| c * (n - k) as f64 / (k + 1) as f64);
    choose * power(t, i) * power(1.0 - t, n - i)
}

impl fmt::Display for PathShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl PathShape {
    const ALL: [Self; 2] = [Self::Bezier, Self::Chain];

    /// The name in machine forms.
    fn name(self) -> &'static str {
        match self {
            Self::Bezier => "bezier",
            Self::Chain => "chain",
        }
    }

    /// The shape of a name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        crate::wire::named(&Self::ALL, Self::name, name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn curves_end_in_their_points_and_are_their_combinations() {
        let layout = Layout::flat(700).unwrap();
        let vector = |seed: f64| -> Vec<f64> {
            // One value is the same in all points.
            (0..700).map(|i| if i == 5 { 0.1 } else { (seed + f64::from(i)).sin() }).collect()
        };
        for (shape, count) in [
            (PathShape::Bezier, 2),
            (PathShape::Bezier, 3),
            (PathShape::Bezier, 6),
            (PathShape::Bezier, 64),
            (PathShape::Chain, 2),
            (PathShape::Chain, 5),
        ] {
            let mut points: Vec<Vec<f64>> = (0..count).map(|i| vector(0.3 * i as f64)).collect();
            points[count - 1][0] = -0.0;
            let refs: Vec<&[f64]> = points.iter().map(Vec::as_slice).collect();
            let slice = Slice::curve(&layout, shape, &refs).unwrap();
            let at = |t: f64| {
                let mut theta = vec![f64::NAN; 700];
                slice.theta_into([t, 0.0], &mut theta);
                theta
            };
            let bits = |theta: &[f64]| theta.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
            assert_eq!(bits(&at(0.0)), bits(&points[0]));
            assert_eq!(bits(&at(1.0)), bits(&points[count - 1]));
            for t in [0.1, 0.25, 1.0 / 3.0, 0.5, 0.99] {
                let theta = at(t);
                let c: Vec<f64> = slice.coefficients([t, 0.0]).collect();
                assert_eq!(c.len(), count);
                assert!((c.iter().sum::<f64>() - 1.0).abs() < 1e-13, "{shape} {count}: {c:?}");
                for i in (0..700).step_by(13) {
                    let sum: f64 = c.iter().zip(&points).map(|(c, point)| c * point[i]).sum();
                    assert!((theta[i] - sum).abs() < 1e-13, "{shape} of {count} at {t}: {} {sum}", theta[i]);
                }
                assert_eq!(theta[5], 0.1, "what is equal in all stands still to the last bit");
                let mut part = [0.0; 300];
                slice.part_into([t, 0.0], 250..550, &mut part);
                assert_eq!(part, theta[250..550]);
            }
        }
    }

    #[test]
    fn a_chain_visits_its_points_and_goes_on_straight() {
        let layout = Layout::flat(1).unwrap();
        let points: [&[f64]; 4] = [&[0.0], &[3.0], &[-1.0], &[5.0]];
        let slice = Slice::curve(&layout, PathShape::Chain, &points).unwrap();
        let at = |t: f64| {
            let mut theta = [0.0];
            slice.theta_into([t, 0.0], &mut theta);
            theta[0]
        };
        for (t, value) in
            [(1.0 / 3.0, 3.0), (2.0 / 3.0, -1.0), (0.5, 1.0), (-1.0 / 3.0, -3.0), (4.0 / 3.0, 11.0)]
        {
            assert!((at(t) - value).abs() < 1e-14, "{t}: {}", at(t));
        }
        for count in [1, 65] {
            let points = vec![points[0]; count];
            let error = Slice::curve(&layout, PathShape::Chain, &points).unwrap_err();
            assert!(matches!(error, Error::PathPoints { points, most: 64 } if points == count), "{error}");
        }
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
