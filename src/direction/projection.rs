//! The point of a plane that is nearest to given parameters.

use super::Directions;
use crate::{Error, Result, Scalar, params::norm};

/// Where parameters lie relative to a plane through an origin: the nearest point of the plane, and how far it is.
/// [`Directions::project`] makes it.
///
/// ```
/// use loss_landscape::{Direction, Directions, Layout};
///
/// let layout = Layout::flat(3)?;
/// let first = Direction::new(&layout, vec![1.0, 0.0, 0.0])?;
/// let second = Direction::new(&layout, vec![1.0, 1.0, 0.0])?; // not orthogonal to the first
/// let plane = Directions::new(first, second)?;
/// let found = plane.project(&[0.0, 0.0, 1.0], &[5.0, 3.0, 5.0])?;
/// assert!((found.coordinates[0] - 2.0).abs() < 1e-12 && (found.coordinates[1] - 3.0).abs() < 1e-12);
/// assert!((found.residual - 4.0).abs() < 1e-12);
/// assert!((found.relative_residual() - 4.0 / 50.0_f64.sqrt()).abs() < 1e-12);
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Projection {
    /// (α, β) of the nearest point origin + α·d₁ + β·d₂.
    pub coordinates: [f64; 2],
    /// The Euclidean distance of the parameters from that point.
    pub residual: f64,
    /// Their Euclidean distance from the origin.
    pub distance: f64,
}

impl Projection {
    /// The residual as a share of the distance, from 0 in the plane to 1 at a right angle to it; 0 at the origin.
    pub fn relative_residual(&self) -> f64 {
        if self.distance == 0.0 { 0.0 } else { self.residual / self.distance }
    }
}

impl<S: Scalar> Directions<S> {
    /// The point of the plane origin + α·d₁ + β·d₂ that is nearest to `theta`, in the Euclidean distance over all
    /// parameters. The directions need not be orthogonal. All sums are in `f64`.
    ///
    /// The origin is the centre of the plane: the parameters of the model that a sweep goes around. [`Projection`]
    /// has an example. What lies off the plane counts wherever it lies: buffers and biases too, if the two vectors
    /// differ there and the directions do not move them.
    ///
    /// It takes three passes over the vectors and no memory.
    ///
    /// # Errors
    /// [`Error::Length`] or [`Error::NonFinite`] for a vector that does not fit or is not finite;
    /// [`Error::ParallelDirections`] where the directions span no plane.
    pub fn project(&self, origin: &[S], theta: &[S]) -> Result<Projection> {
        let layout = self.first().layout();
        layout.ensure_finite("the origin of the plane", origin)?;
        layout.ensure_finite("the θ to project", theta)?;
        let [first, second] = [self.first().values(), self.second().values()];
        let [length, other] = [norm(first), norm(second)];
        let away = || origin.iter().zip(theta).map(|(origin, theta)| theta.as_f64() - origin.as_f64());
        // Divided by the lengths, so that no product overflows or vanishes.
        let scale = away().fold(0.0_f64, |largest, away| largest.max(away.abs()));
        if scale == 0.0 {
            return Ok(Projection { coordinates: [0.0; 2], residual: 0.0, distance: 0.0 });
        }
        let units = || first.iter().zip(second).map(|(a, b)| [a.as_f64() / length, b.as_f64() / other]);
        let cosine: f64 = units().map(|[a, b]| a * b).sum();
        // The part of the second direction at a right angle to the first, entry by entry: where the angle is small, a
        // difference of sums would have lost it.
        let (mut square, mut across, mut along) = (0.0, 0.0, 0.0);
        for ([a, b], away) in units().zip(away()) {
            let (right, away) = (b - cosine * a, away / scale);
            square += right * right;
            across += right * away;
            along += a * away;
        }
        if square.sqrt() <= 8.0 * S::EPSILON {
            return Err(Error::ParallelDirections { cosine: self.cosine() });
        }
        let beta = across / square;
        let alpha = along - cosine * beta;
        let (mut rest, mut whole) = (0.0, 0.0);
        for ([a, b], away) in units().zip(away()) {
            let away = away / scale;
            rest += (away - alpha * a - beta * b).powi(2);
            whole += away * away;
        }
        let coordinates = [alpha * scale / length, beta * scale / other];
        Ok(Projection { coordinates, residual: rest.sqrt() * scale, distance: whole.sqrt() * scale })
    }
}

#[cfg(test)]
mod tests {
    use approx::assert_relative_eq;
    use proptest::prelude::*;

    use super::*;
    use crate::{Direction, Layout};

    fn plane<S: Scalar>(first: &[S], second: &[S]) -> Directions<S> {
        let layout = Layout::flat(first.len()).unwrap();
        let direction = |values: &[S]| Direction::new(&layout, values.to_vec()).unwrap();
        Directions::new(direction(first), direction(second)).unwrap()
    }

    #[test]
    fn neither_size_nor_a_small_angle_matter() {
        for scale in [1e150, 1.0, 1e-150] {
            let found = plane(&[scale, 0.0, 0.0], &[scale, 1e-6 * scale, 0.0])
                .project(&[0.0; 3], &[3.0 * scale, 2e-6 * scale, scale])
                .unwrap();
            assert_relative_eq!(found.coordinates[0], 1.0, max_relative = 1e-9);
            assert_relative_eq!(found.coordinates[1], 2.0, max_relative = 1e-9);
            assert_relative_eq!(found.residual, scale, epsilon = 0.0, max_relative = 1e-12);
            assert_relative_eq!(found.distance, scale * 10.0_f64.sqrt(), epsilon = 0.0, max_relative = 1e-12);
        }
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let good = plane(&[1.0_f64, 0.0], &[0.0, 1.0]);
        let short = good.project(&[0.0; 2], &[1.0]);
        assert!(matches!(short, Err(Error::Length { len: 1, expected: 2, .. })));
        assert!(matches!(good.project(&[0.0; 3], &[1.0; 2]), Err(Error::Length { len: 3, .. })));
        assert!(matches!(good.project(&[0.0; 2], &[1.0, f64::NAN]), Err(Error::NonFinite { index: 1, .. })));
        let third = [1.0_f32 / 3.0, -0.7];
        let parallel = plane(&third, &third.map(|value| -0.3 * value));
        let error = parallel.project(&[0.0; 2], &[1.0, 1.0]).unwrap_err();
        assert!(matches!(error, Error::ParallelDirections { cosine } if cosine < -0.999), "{error}");
        assert_eq!(good.project(&[1.0; 2], &[1.0; 2]).unwrap().relative_residual(), 0.0);
    }

    proptest! {
        #[test]
        fn no_point_of_the_plane_is_nearer(
            values in prop::collection::vec(-1.0_f64..1.0, 24),
            step in prop::array::uniform2(-0.1_f64..0.1),
        ) {
            let [first, second, origin, theta] = [0, 6, 12, 18].map(|at| &values[at..at + 6]);
            let directions = plane(first, second);
            prop_assume!(directions.cosine().abs() < 0.999);
            let found = directions.project(origin, theta).unwrap();
            let distance = |[alpha, beta]: [f64; 2]| -> f64 {
                let off = |i: usize| theta[i] - origin[i] - alpha * first[i] - beta * second[i];
                (0..6).map(|i| off(i).powi(2)).sum::<f64>().sqrt()
            };
            let [alpha, beta] = found.coordinates;
            prop_assert!((distance(found.coordinates) - found.residual).abs() < 1e-9);
            prop_assert!(distance([alpha + step[0], beta + step[1]]) >= found.residual - 1e-12);
        }
    }
}
