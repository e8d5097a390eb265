//! The same sweep along several draws of random directions.

use super::{LOSS_POINTS, Placed, Plan, RandomGeometry, Sweep, losses::Losses};
use crate::{
    Draws, Error, Execution, GridDimension, Landscape, Layout, Loss, Model, Result, Slice,
    draws::DrawsReport,
    engine::{
        run::{Ran, Slices},
        stages::Stages,
    },
    model::guarded,
};

/// Directions of all draws are kept up to this many bytes; beyond it they are drawn again when their turn comes.
const KEPT: usize = 1 << 30;

/// The draws of a sweep, made already or yet to be made.
struct Placements<'p, M: Model + ?Sized, W> {
    // Not the model itself, which threads might not share.
    layout: &'p Layout,
    theta: &'p [M::Scalar],
    geometries: &'p [W],
    kept: Vec<Option<Placed<'p, M::Scalar>>>,
}

impl<M: Model + ?Sized, D: ?Sized, W: RandomGeometry<M>, X> Sweep<'_, M, D, W, X> {
    /// Evaluates the loss as [`run`](Self::run) does, along `draws` independent draws of the random directions: one
    /// pool of threads, one [journal](Self::journal), one observer, and the same axes for all.
    ///
    /// Draw k has the directions of the streams k of a line, 2k and 2k + 1 of a plane, counted from
    /// [`RandomDirections::stream`](crate::RandomDirections::stream); so the first one is what [`run`](Self::run) gives,
    /// and more draws leave the first ones as they are. Points are numbered through all draws for journals and
    /// [shards](Self::shard).
    ///
    /// ```
    /// use loss_landscape::{FnModel, Layout, RandomDirections, Sweep, measure::Measure};
    ///
    /// let loss = |t: &[f64], _: &()| t.iter().enumerate().map(|(i, t)| i as f64 * t * t / 2.0).sum::<f64>();
    /// let model = FnModel::new(Layout::flat(100)?, vec![1.0; 100], loss)?;
    /// let draws = Sweep::line(&model, RandomDirections::new(42)).data("train", &()).draws(20)?;
    /// assert_eq!((draws.len(), draws.report().computed), (20, 20 * 51));
    ///
    /// // Along a direction as long as θ, E[dᵀHd] = ‖θ‖²/n·tr H, which is 4950 here.
    /// let curvature = draws.measure("train loss", &Measure::Curvature { axis: 0 })?;
    /// assert!(curvature.mean_interval(0.99)?.contains(4950.0));
    /// # Ok::<(), loss_landscape::Error>(())
    /// ```
    ///
    /// **Cost.** `draws` times that of [`run`](Self::run). Values take `draws` times the memory, which the
    /// [limit](Self::memory_limit) counts; directions up to 1 GiB are kept beside them, and others are drawn twice.
    ///
    /// # Errors
    /// As [`run`](Self::run); [`Error::FixedDirections`] for directions that are given and not drawn, and
    /// [`Error::Setting`] for no draws.
    pub fn draws(self, draws: usize) -> Result<Draws<W::Dim>>
    where
        M: Loss<D>,
        X: Execution<M, D>,
    {
        if draws == 0 {
            return Err(Error::Setting { setting: "the number of draws", value: 0.0, needs: "1 or more" });
        }
        let channels = guarded("naming its channels", || Ok(self.model.channels()))?;
        let grid = self.grid_of_draws(LOSS_POINTS, channels.len(), draws)?;
        let geometries = (0..draws).map(|k| self.geometry.draw(k)).collect::<Result<Vec<_>>>()?;
        let (layout, theta) = (self.model.layout(), self.model.parameters());
        let mut room = KEPT;
        let (mut origins, mut kept) = (Vec::with_capacity(draws), Vec::with_capacity(draws));
        for geometry in &geometries {
            let placed = geometry.place(layout, theta)?;
            placed.slice()?;
            origins.push(placed.origin.clone());
            let bytes = placed.bytes();
            kept.push((bytes <= room).then_some(placed));
            room = room.saturating_sub(bytes);
        }
        let placements = Placements::<M, W> { layout, theta, geometries: &geometries, kept };
        let plan = Plan {
            settings: String::new(),
            keeper: None,
            finite: channels.len(),
            passes: 1,
            channels,
            stages: Stages::All,
        };
        let ran = self.evaluate_all(&placements, origins, &Losses, grid, plan)?;
        Ok(of_run(ran))
    }
}

fn of_run<D: GridDimension>(ran: Ran) -> Draws<D> {
    let Ran { parts, end, elapsed, threads, resumed } = ran;
    let landscapes = parts.into_iter().map(Landscape::assemble).collect();
    Draws::assemble(landscapes, |report| DrawsReport { end, elapsed, threads, resumed, ..report })
}

impl<M: Model + ?Sized, W: RandomGeometry<M>> Slices<M::Scalar> for Placements<'_, M, W> {
    fn with(&self, draw: usize, work: &mut dyn FnMut(&Slice<'_, M::Scalar>) -> Result<()>) -> Result<()> {
        match &self.kept[draw] {
            Some(placed) => work(&placed.slice()?),
            None => work(&self.geometries[draw].place(self.layout, self.theta)?.slice()?),
        }
    }
}
