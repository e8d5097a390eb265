//! The loss on a path beside the loss on the plane below it.

use rayon::prelude::*;

use super::{Snapshots, Trajectory};
use crate::{Error, Loss, Result, Scalar, Slice, landscape::PointFailure, memory, model::catch};

/// The loss at every snapshot, and at its projection into the plane. [`Trajectory::losses`] makes it.
///
/// A path that is drawn onto the surface of its plane is drawn at the second of the two. Where they differ, the height
/// at which the picture shows a snapshot is not its loss.
///
/// ```
/// use loss_landscape::{FnModel, Layout, trajectory::PrincipalPlane};
///
/// let path = [[4.0, 0.0, 1.0], [2.0, 2.0, 1.0], [1.0, 0.0, -1.0], [0.0, 0.0, 0.0]];
/// let loss = |t: &[f64], _: &()| t.iter().map(|t| t * t).sum::<f64>();
/// let model = FnModel::new(Layout::flat(3)?, vec![0.0; 3], loss)?;
/// let trajectory = PrincipalPlane::new().run(&Layout::flat(3)?, &path)?;
/// let losses = trajectory.losses(&model, &path, &())?;
/// // Of this loss the difference is the squared distance from the plane.
/// for (t, off) in trajectory.report().off_plane.iter().enumerate() {
///     assert!((losses.on_path[t] - losses.on_plane[t] - off * off).abs() < 1e-12);
/// }
/// assert!(losses.failures.is_empty());
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct PathLosses {
    /// The loss at each snapshot itself, with all its parameters, buffers included; NaN where the oracle failed.
    #[cfg_attr(feature = "serde", serde(with = "crate::wire::forms"))]
    pub on_path: Vec<f64>,
    /// The loss at the nearest point of the plane through the last snapshot. What the components do not move, such as
    /// buffers, is the last snapshot's there. NaN where the oracle failed.
    #[cfg_attr(feature = "serde", serde(with = "crate::wire::forms"))]
    pub on_plane: Vec<f64>,
    /// The losses that failed or are not finite, in the order of the snapshots.
    pub failures: Vec<PathFailure>,
}

/// A snapshot, or its projection, whose loss failed or is not finite.
///
/// ```
/// use loss_landscape::{FnModel, Layout, trajectory::PrincipalPlane};
///
/// let path = [[-1.0, 0.0], [1.0, 2.0], [4.0, 1.0]];
/// let model = FnModel::new(Layout::flat(2)?, vec![4.0, 1.0], |t: &[f64], _: &()| t[0].ln())?;
/// let trajectory = PrincipalPlane::new().run(&Layout::flat(2)?, &path)?;
/// let losses = trajectory.losses(&model, &path, &())?;
/// assert_eq!(losses.failures.len(), 2);
/// assert_eq!((losses.failures[0].snapshot, losses.failures[0].on_plane), (0, false));
/// assert_eq!(losses.failures[0].failure.to_string(), "`loss` is NaN");
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct PathFailure {
    /// The snapshot.
    pub snapshot: usize,
    /// Whether it is its projection into the plane, and not the snapshot itself.
    pub on_plane: bool,
    /// Why it is bad.
    pub failure: PointFailure,
}

impl PathLosses {
    /// The snapshot whose loss differs most from that of its projection, and the absolute difference; none if no pair
    /// of losses is finite.
    pub fn largest_gap(&self) -> Option<(usize, f64)> {
        let gaps = self.on_path.iter().zip(&self.on_plane).map(|(path, plane)| (path - plane).abs());
        let finite = gaps.enumerate().filter(|(_, gap)| gap.is_finite());
        finite.reduce(|most, other| if other.1 > most.1 { other } else { most })
    }
}

impl<S: Scalar> Trajectory<S> {
    /// Evaluates the loss at every snapshot and at its projection into the plane, the snapshots being those that the
    /// trajectory was made of: 2·T losses, in parallel over snapshots in rayon's current pool, with memory for two θ a
    /// thread. [`PathLosses`] has an example. The projection is θ_T + α·d₁ + β·d₂, computed as a sweep around the last
    /// snapshot computes it.
    ///
    /// # Errors
    /// [`Error::LayoutMismatch`] for a model of another layout; [`Error::TrajectoryLength`] for another number of
    /// snapshots; those of reading snapshots. An oracle that fails or panics ends nothing: it is recorded.
    pub fn losses<M, P, D>(&self, model: &M, snapshots: &P, data: &D) -> Result<PathLosses>
    where
        M: Loss<D, Scalar = S> + Sync + ?Sized,
        P: Snapshots<S> + ?Sized,
        D: Sync + ?Sized,
    {
        let [first, second] = [self.directions().first(), self.directions().second()];
        let layout = first.layout();
        layout.ensure_same(model.layout())?;
        snapshots.ensure_fits(layout)?;
        let (found, expected) = (snapshots.count(), self.report().snapshots);
        if found != expected {
            return Err(Error::TrajectoryLength { found, expected });
        }
        let vector = || memory::filled("the parameters of a snapshot", layout.len(), S::zero());
        let read = |index: usize, out: &mut [S]| {
            snapshots.read(index, 0..layout.len(), out)?;
            layout.ensure_finite(&snapshots.name(index), out)
        };
        let mut end = vector()?;
        read(found - 1, &mut end)?;
        let slice = Slice::plane(layout, &end, first.values(), second.values())?;
        let along = &self.report().coordinates;
        let pair = |index: usize, theta: &mut Vec<S>| -> Result<[(f64, Option<PointFailure>); 2]> {
            read(index, theta)?;
            let on_path = evaluate(model, theta, data);
            slice.theta_into([along[0][index], along[1][index]], theta);
            Ok([on_path, evaluate(model, theta, data)])
        };
        let pairs: Vec<Result<_>> = (0..found)
            .into_par_iter()
            .map_init(Vec::new, |theta: &mut Vec<S>, index| {
                if theta.is_empty() {
                    *theta = vector()?;
                }
                pair(index, theta)
            })
            .collect();
        let mut losses = PathLosses { on_path: Vec::new(), on_plane: Vec::new(), failures: Vec::new() };
        for (snapshot, pair) in pairs.into_iter().enumerate() {
            let [path, plane] = pair?;
            losses.on_path.push(path.0);
            losses.on_plane.push(plane.0);
            for (on_plane, failure) in [(false, path.1), (true, plane.1)] {
                losses.failures.extend(failure.map(|failure| PathFailure { snapshot, on_plane, failure }));
            }
        }
        Ok(losses)
    }
}

fn evaluate<S, M, D>(model: &M, theta: &[S], data: &D) -> (f64, Option<PointFailure>)
where
    M: Loss<D, Scalar = S> + ?Sized,
    D: ?Sized,
{
    match catch(|| model.loss(theta, data)) {
        Ok(loss) if loss.is_finite() => (loss, None),
        Ok(value) => (value, Some(PointFailure::NonFinite { channel: "loss".to_owned(), value })),
        Err(failure) => (f64::NAN, Some(PointFailure::of(failure))),
    }
}
