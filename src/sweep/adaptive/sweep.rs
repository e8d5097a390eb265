//! Adaptive sweeps of a plane: they evaluate the points that a refinement chooses.

use super::{lattice::Lattice, refine::Refinement, settings::Adaptive, surface::AdaptiveSurface};
use crate::{
    Error, Execution, Loss, Result,
    engine::stages::Stages,
    model::guarded,
    sweep::{LOSS_POINTS, Plan, Plane, Sweep, losses::Losses},
};

impl<M: Loss<D> + ?Sized, D: ?Sized, X: Execution<M, D>> Sweep<'_, M, D, Plane<M::Scalar>, X> {
    /// Evaluates some points of the plane, and interpolates the others.
    ///
    /// The result is a grid like that of [`run`](Self::run). A coarse lattice is computed first. Then the points at
    /// which interpolation is most in doubt are computed, stage by stage, until it keeps the
    /// [`tolerance`](Adaptive::tolerance), checked on 60 points drawn at random from those left out, or the
    /// [`budget`](Adaptive::budget) of evaluations is spent.
    ///
    /// **Cost.** It pays on smooth landscapes: a fifth of the points of the surface of a multilayer perceptron, or a
    /// quarter of those of ResNet-20, put every contour within 1 % of its level (`cargo bench -p loss-landscape-nets
    /// --bench adaptive`). To choose 520 of 2,601 points takes about 0.4 s, so that [`run`](Self::run) is faster where
    /// an evaluation takes less than about 0.2 ms.
    ///
    /// **Interpolation** is by polyharmonic splines over about 24 of the nearest computed points, on a logarithmic
    /// [scale](Adaptive::scale) where all values are positive. The error of each point is estimated as in kriging, and
    /// the estimates are calibrated on points that were predicted before they were computed.
    ///
    /// **Channels.** The first channel of each data set, the loss, decides which points are computed, or those of
    /// [`steered_by`](Adaptive::steered_by). The others are interpolated at the same points, on a linear scale, and are
    /// kept within the range of the values computed. Without [`levels`](Adaptive::levels) the whole surface should keep
    /// the tolerance; with levels, the neighbourhood of those contours.
    ///
    /// **Values that are not finite** are never interpolated across: between a finite and a non-finite point the border
    /// is refined until it is found, within the budget. A point that is not computed is NaN in the result if its
    /// nearest neighbour in some direction is not finite.
    ///
    /// **Limits.** A feature that is wholly between computed points, such as a dip between four points of the first
    /// stage, leaves no trace in them. Only a denser [`first_stage`](Adaptive::first_stage) finds it for certain; the
    /// checks find it with the probability that one of their points hits it.
    ///
    /// The result has the same bits for any number of threads, and after any interruption with a
    /// [`journal`](Self::journal). The journal holds the computed points, and also serves a sweep with a larger budget,
    /// another tolerance, or the whole grid. There are no shards, since every stage needs all points before it.
    ///
    /// ```
    /// use loss_landscape::{Adaptive, FnModel, Layout, RandomDirections, Sweep};
    ///
    /// let loss = |theta: &[f64], _: &()| 0.1 + theta.iter().map(|t| t * t).sum::<f64>();
    /// let model = FnModel::new(Layout::flat(3)?, vec![0.5; 3], loss)?;
    /// let surface = Sweep::plane(&model, RandomDirections::new(1)).data("", &()).adaptive(&Adaptive::new())?;
    /// assert!(surface.evaluations() < 300);
    /// assert!(surface.loss().iter().all(|loss| loss.is_finite()));
    /// # Ok::<(), loss_landscape::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`run`](Self::run); [`Error::Setting`] for a tolerance that is not positive, a budget of 0, a first stage of
    /// fewer than 2 points along an axis, or a level that is not finite (or not positive, with
    /// [`ErrorScale::Log`](crate::ErrorScale::Log)); [`Error::UnknownChannel`] for a channel of
    /// [`steered_by`](Adaptive::steered_by) that does not exist; [`Error::AdaptiveShard`]. A point that fails is no
    /// error: see [`SweepReport::bad_points`](crate::report::SweepReport::bad_points).
    pub fn adaptive(self, adaptive: &Adaptive) -> Result<AdaptiveSurface> {
        adaptive.check()?;
        if let Some((k, n)) = self.settings().shard {
            return Err(Error::AdaptiveShard { k, n });
        }
        let channels = guarded("naming its channels", || Ok(self.model().channels()))?;
        let grid = self.grid(LOSS_POINTS, channels.len())?;
        let steering = self.steering(adaptive, &channels)?;
        let placed = self.placed()?;
        let lattice = Lattice::new(&grid.alpha, &grid.beta);
        let stride = channels.len() * self.data_sets().len();
        let mut refinement = Refinement::new(lattice, adaptive.clone(), stride, &steering);
        let plan = Plan {
            // The values at a point do not depend on why it was chosen, so that a journal serves any budget.
            settings: String::new(),
            keeper: None,
            finite: channels.len(),
            passes: 1,
            channels,
            stages: Stages::Chosen(&mut refinement),
        };
        let parts = self.evaluate(&placed, &Losses, grid, plan)?;
        Ok(AdaptiveSurface::new(parts, &refinement))
    }

    /// The positions of the channels that steer.
    fn steering(&self, adaptive: &Adaptive, channels: &[String]) -> Result<Vec<usize>> {
        let Some(wanted) = &adaptive.steering else {
            return Ok((0..self.data_sets().len()).map(|set| set * channels.len()).collect());
        };
        let names = self.channel_names(channels);
        let unknown = |name: &str| Error::UnknownChannel { name: name.to_owned(), names: names.clone() };
        let position =
            |name: &String| names.iter().position(|other| other == name).ok_or_else(|| unknown(name));
        let mut positions: Vec<usize> = wanted.iter().map(position).collect::<Result<_>>()?;
        positions.sort_unstable();
        positions.dedup();
        if positions.is_empty() { Err(unknown("")) } else { Ok(positions) }
    }
}
