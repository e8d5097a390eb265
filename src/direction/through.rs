//! The plane through three parameter vectors.

use super::{Buffers, Direction, DirectionSource, Directions};
use crate::{Error, Layout, Mask, Result, Scalar, content_hash, params::norm};

impl<S: Scalar> Directions<S> {
    /// The plane through three parameter vectors, such as three minimisers, with an orthonormal basis and θ_a as its
    /// origin, and the coordinates of the three in it.
    ///
    /// With u = θ_b − θ_a and v = (θ_c − θ_a) − ⟨θ_c − θ_a, u⟩/‖u‖²·u the directions are u/‖u‖ and v/‖v‖, as in
    /// section 3 of Garipov et al. ([2018](https://arxiv.org/abs/1802.10026)). Sweep it around a model whose parameters
    /// are θ_a. Each direction's [source](DirectionSource::Through) names the three by their hashes.
    ///
    /// ```
    /// use loss_landscape::{Buffers, Directions, FnModel, Layout, Sweep};
    ///
    /// let layout = Layout::flat(3)?;
    /// let (a, b, c) = ([1.0, 0.0, 0.0], [1.0, 2.0, 0.0], [1.0, 1.0, 3.0]);
    /// let (plane, at) = Directions::through(&layout, [&a, &b, &c], Buffers::Still)?;
    /// assert_eq!(at, [[0.0, 0.0], [2.0, 0.0], [1.0, 3.0]]);
    ///
    /// let far = |theta: &[f64], c: &[f64; 3]| theta.iter().zip(c).map(|(t, c)| (t - c).powi(2)).sum::<f64>();
    /// let model = FnModel::new(layout, a.to_vec(), far)?;
    /// let surface = Sweep::plane(&model, plane).data("", &c).alpha_at(&[0.0, 1.0]).beta_at(&[0.0, 3.0]).run()?;
    /// assert_eq!(surface.loss()[[1, 1]], 0.0); // θ_c itself
    /// # Ok::<(), loss_landscape::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Length`] or [`Error::NonFinite`] for a vector that does not fit or is not finite;
    /// [`Error::ZeroDirection`] where θ_a and θ_b are equal; [`Error::ParallelDirections`] where the three lie on one
    /// line.
    pub fn through(layout: &Layout, points: [&[S]; 3], buffers: Buffers) -> Result<(Self, [[f64; 2]; 3])> {
        let [a, b, c] = points;
        for (name, theta) in [("θ_a", a), ("θ_b", b), ("θ_c", c)] {
            layout.ensure_finite(name, theta)?;
        }
        let ranges = match buffers {
            Buffers::Still => Mask::trained(layout).ranges(),
            Buffers::Move => Mask::all(layout).ranges(),
        };
        let away = |theta: &[S]| {
            let mut away = vec![0.0; layout.len()];
            for i in ranges.iter().cloned().flatten() {
                away[i] = theta[i].as_f64() - a[i].as_f64();
            }
            away
        };
        let unit = |vector: &mut [f64]| {
            let length = norm(&*vector);
            for value in vector.iter_mut() {
                *value /= length;
            }
            length
        };
        let [mut first, mut second] = [away(b), away(c)];
        let length = unit(&mut first);
        if length == 0.0 {
            return Err(Error::ZeroDirection { which: "first".to_owned() });
        }
        let whole = norm(&second);
        // Twice: what rounding left of the first direction after one pass goes with the second.
        let mut along = 0.0;
        for _ in 0..2 {
            let share: f64 = first.iter().zip(&second).map(|(f, s)| f * s).sum();
            second.iter_mut().zip(&first).for_each(|(s, f)| *s -= share * f);
            along += share;
        }
        if norm(&second) <= 8.0 * S::EPSILON * whole {
            return Err(Error::ParallelDirections { cosine: if along < 0.0 { -1.0 } else { 1.0 } });
        }
        let across = unit(&mut second);
        let hashes = points.map(content_hash);
        let direction = |vector: Vec<f64>, axis| -> Result<Direction<S>> {
            let values: Vec<S> = vector.into_iter().map(S::from_f64).collect();
            layout.ensure_finite("the plane through three points", &values)?;
            Ok(Direction::from_parts(layout, values, DirectionSource::Through { axis, points: hashes }))
        };
        let plane = Self::new(direction(first, 1)?, direction(second, 2)?)?;
        Ok((plane, [[0.0, 0.0], [length, 0.0], [along, across]]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Block, Role};

    #[test]
    fn the_three_points_are_in_the_plane_and_the_basis_is_orthonormal() {
        let layout = Layout::new([Block::bias("b", [40]), Block::new("m", [2], Role::Buffer, None)]).unwrap();
        let theta = |seed: f64| -> Vec<f64> { (0..42).map(|i| (seed * f64::from(i + 1)).sin()).collect() };
        let points = [theta(0.3), theta(1.7), theta(2.9)];
        let points = points.each_ref().map(Vec::as_slice);
        let (plane, at) = Directions::through(&layout, points, Buffers::Move).unwrap();
        assert!(plane.cosine().abs() < 1e-15 && (plane.first().norm() - 1.0).abs() < 1e-15);
        for (theta, at) in points.into_iter().zip(at) {
            let found = plane.project(points[0], theta).unwrap();
            assert!(found.residual < 1e-14, "{found:?}");
            assert!((0..2).all(|k| (found.coordinates[k] - at[k]).abs() < 1e-13), "{found:?} {at:?}");
        }
        let (still, _) = Directions::through(&layout, points, Buffers::Still).unwrap();
        assert!(still.first().values()[40..].iter().chain(&still.second().values()[40..]).all(|v| *v == 0.0));
        let hashes = points.map(content_hash);
        assert_eq!(*plane.second().source(), DirectionSource::Through { axis: 2, points: hashes });
    }

    #[test]
    fn points_that_span_no_plane_are_refused() {
        let layout = Layout::flat(3).unwrap();
        let (a, b, c) = ([0.1_f32, 0.2, 0.3], [0.4_f32, 0.7, -0.1], [f32::NAN, 0.0, 0.0]);
        let line: Vec<f32> = a.iter().zip(&b).map(|(a, b)| a - 0.7 * (b - a)).collect();
        let through = |points| Directions::through(&layout, points, Buffers::Still).map(|_| ());
        let parallel = through([&a, &b, &line]);
        assert!(matches!(parallel, Err(Error::ParallelDirections { cosine: -1.0 })), "{parallel:?}");
        assert!(matches!(through([&a, &b, &a]), Err(Error::ParallelDirections { .. })));
        assert!(matches!(through([&a, &a, &b]), Err(Error::ZeroDirection { .. })));
        assert!(matches!(through([&a, &b, &c]), Err(Error::NonFinite { index: 0, .. })));
        assert!(matches!(through([&a, &b, &b[1..]]), Err(Error::Length { len: 2, .. })));
    }
}
