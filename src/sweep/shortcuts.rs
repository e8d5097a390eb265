//! Sweeps with all their defaults, in one call.

use super::{Line, Plane, Sweep};
use crate::{Curve, Loss, Result, Surface};

/// The loss at θ + α·d for 51 values of α from −1 to 1: 51 evaluations. [`Sweep`] has the options.
///
/// ```
/// use loss_landscape::{Direction, FnModel, Layout, line_1d};
///
/// let bowl = FnModel::new(Layout::flat(2)?, vec![0.0; 2], |t: &[f64], _: &()| t[0] * t[0] + t[1] * t[1])?;
/// let direction = Direction::new(&Layout::flat(2)?, vec![3.0, 4.0])?;
/// let curve = line_1d(&bowl, &(), direction)?; // or `RandomDirections::new(42)`
/// assert_eq!(curve.loss()[50], 25.0); // α = 1
/// # Ok::<(), loss_landscape::Error>(())
/// ```
///
/// # Errors
/// As [`Sweep::run`].
pub fn line_1d<M, D>(model: &M, data: &D, direction: impl Into<Line<M::Scalar>>) -> Result<Curve>
where
    M: Loss<D> + Sync + ?Sized,
    D: Sync + ?Sized,
{
    Sweep::line(model, direction).data("", data).run()
}

/// The loss at (1−α)·θ_a + α·θ_b for 101 values of α from −0.5 to 1.5: 101 evaluations. [`Sweep`] has the options.
///
/// ```
/// use loss_landscape::{FnModel, Layout, interpolate};
///
/// let two_wells = |t: &[f64], _: &()| (t[0] * t[0] - 1.0).powi(2);
/// let model = FnModel::new(Layout::flat(1)?, vec![1.0], two_wells)?;
/// let curve = interpolate(&model, &(), &[-1.0], &[1.0])?;
/// assert_eq!(curve.loss()[50], 1.0); // half-way, α = 0.5
/// # Ok::<(), loss_landscape::Error>(())
/// ```
///
/// # Errors
/// As [`Sweep::run`].
pub fn interpolate<M, D>(model: &M, data: &D, a: &[M::Scalar], b: &[M::Scalar]) -> Result<Curve>
where
    M: Loss<D> + Sync + ?Sized,
    D: Sync + ?Sized,
{
    Sweep::segment(model, a, b).data("", data).run()
}

/// The loss over θ + α·d₁ + β·d₂ at 51×51 points of [−1, 1]²: 2,601 evaluations. [`Sweep`] has the options.
///
/// ```
/// use loss_landscape::{FnModel, Layout, RandomDirections, grid_2d};
///
/// let bowl = FnModel::new(Layout::flat(3)?, vec![1.0; 3], |t: &[f64], _: &()| t.iter().map(|t| t * t).sum::<f64>())?;
/// let surface = grid_2d(&bowl, &(), RandomDirections::new(42))?;
/// assert_eq!(surface.loss()[[25, 25]], 3.0); // the centre is θ itself
/// # Ok::<(), loss_landscape::Error>(())
/// ```
///
/// # Errors
/// As [`Sweep::run`].
pub fn grid_2d<M, D>(model: &M, data: &D, directions: impl Into<Plane<M::Scalar>>) -> Result<Surface>
where
    M: Loss<D> + Sync + ?Sized,
    D: Sync + ?Sized,
{
    Sweep::plane(model, directions).data("", data).run()
}
