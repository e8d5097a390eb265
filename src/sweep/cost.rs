//! The cost of a sweep, estimated from one of its points.

use std::{path::Path, time::Instant};

use super::{Geometry, LOSS_POINTS, Sweep};
use crate::{
    Loss, OracleError, Point, Result, Slice,
    engine::{
        journal::Journal,
        settings::{Grid, Settings},
    },
    model::guarded,
};

/// The estimated cost of a sweep, from its middle point; [`Sweep::cost`] measures it.
///
/// ```
/// use loss_landscape::{FnModel, Layout, RandomDirections, Sweep};
///
/// let model = FnModel::new(Layout::flat(2)?, vec![1.0; 2], |t: &[f64], _: &()| t[0] * t[1])?;
/// // The finest grid that takes a minute at most.
/// let sweep = |points| {
///     Sweep::plane(&model, RandomDirections::new(1)).data("", &()).alpha(-1.0..=1.0, points).beta(-1.0..=1.0, points)
/// };
/// let coarse = sweep(11).cost()?;
/// let affordable = (60.0 / coarse.seconds_per_point).sqrt() as usize;
/// let surface = sweep(affordable.clamp(11, 101)).run()?;
/// assert!(surface.report().computed >= coarse.points);
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct SweepCost {
    /// Points that the sweep would evaluate: those of the shard that are not in the journal.
    pub points: usize,
    /// Seconds that the oracle took to prepare all data sets.
    pub preparing_seconds: f64,
    /// Seconds for a point on one thread, all data sets together.
    pub seconds_per_point: f64,
    /// Seconds of the whole sweep, if all threads are busy all the time and do not slow each other down.
    pub total_seconds: f64,
    /// Bytes of coordinates and values.
    pub memory: u64,
    /// Bytes of scratch memory that each thread takes in addition, if the oracle states it
    /// ([`Prepared::worker_memory`](crate::oracle::Prepared::worker_memory)).
    pub worker_memory: Option<u64>,
}

/// The cost of one data set.
struct SetCost {
    preparing_seconds: f64,
    seconds_per_point: f64,
    worker_memory: Option<u64>,
}

/// A point that takes less than this is evaluated repeatedly for this long, since a single time would be too inexact.
const SECONDS: f64 = 0.1;

impl<M: Loss<D> + ?Sized, D: ?Sized, W: Geometry<M>, X> Sweep<'_, M, D, W, X> {
    /// Estimates what [`run`](Self::run) would cost. It prepares the oracle and evaluates the middle point on the
    /// calling thread, repeatedly for a tenth of a second if it takes less than that.
    ///
    /// ```
    /// use loss_landscape::{FnModel, Layout, RandomDirections, Sweep};
    ///
    /// let model = FnModel::new(Layout::flat(2)?, vec![1.0; 2], |t: &[f64], _: &()| t[0] * t[1])?;
    /// let cost = Sweep::plane(&model, RandomDirections::new(1)).data("", &()).cost()?;
    /// assert_eq!(cost.points, 51 * 51);
    /// println!("{:.0} s, {} bytes", cost.total_seconds, cost.memory);
    /// # Ok::<(), loss_landscape::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`run`](Self::run), but none of a journal; [`Error::Oracle`](crate::Error::Oracle) or
    /// [`Error::OraclePanicked`](crate::Error::OraclePanicked) if the point fails.
    pub fn cost(&self) -> Result<SweepCost> {
        let channels = guarded("naming its channels", || Ok(self.model.channels()))?.len();
        let grid = self.grid(LOSS_POINTS, channels)?;
        let placed = self.placed()?;
        let slice = placed.slice()?;
        let sets = (self.data.iter())
            .map(|(_, data)| {
                guarded("evaluating the middle point", || self.cost_of_set(&slice, data, &grid, channels))
            })
            .collect::<Result<Vec<_>>>()?;
        let seconds_per_point: f64 = sets.iter().map(|set| set.seconds_per_point).sum();
        let preparing_seconds: f64 = sets.iter().map(|set| set.preparing_seconds).sum();
        let points = self.settings.points_left(grid.points());
        let threads =
            self.settings.threads.unwrap_or_else(rayon::current_num_threads).clamp(1, points.max(1));
        // Neither can overflow: the grid was refused if it did.
        let values = grid.points() * (self.data.len() * channels * 8 + 1);
        Ok(SweepCost {
            points,
            preparing_seconds,
            seconds_per_point,
            total_seconds: preparing_seconds + points as f64 * seconds_per_point / threads as f64,
            memory: (values + 8 * (grid.alpha.len() + grid.beta.len())) as u64,
            worker_memory: sets
                .iter()
                .try_fold(0_u64, |sum, set| Some(sum.saturating_add(set.worker_memory?))),
        })
    }

    fn cost_of_set(
        &self,
        slice: &Slice<'_, M::Scalar>,
        data: &D,
        grid: &Grid,
        channels: usize,
    ) -> Result<SetCost, OracleError> {
        let started = Instant::now();
        let prepared = self.model.prepare(slice, data)?;
        let preparing_seconds = started.elapsed().as_secs_f64();
        let (chunks, batch) =
            prepared.as_ref().map_or((1, 1), |prepared| (prepared.chunks(), prepared.batch()));
        let mut worker = match &prepared {
            Some(prepared) => prepared.worker()?,
            None => self.model.worker(slice, data)?,
        };
        let middle = Point {
            number: grid.alpha.len() / 2 * grid.beta.len() + grid.beta.len() / 2,
            coordinates: grid.middle(),
        };
        let mut out = Vec::new();
        let mut pass = |points: &[Point]| -> Result<f64, OracleError> {
            out.resize(points.len() * channels, 0.0);
            let started = Instant::now();
            for chunk in 0..chunks.max(1) {
                worker.evaluate(points, chunk, &mut out)?;
            }
            Ok(started.elapsed().as_secs_f64())
        };
        let mut seconds_per_point = pass(&[middle])?;
        if seconds_per_point < SECONDS {
            // In batches of the oracle's size, and without what only the first call cost.
            let most = (SECONDS / seconds_per_point.max(1e-9)).min(grid.points() as f64).max(1.0);
            let points = vec![middle; batch.clamp(1, most as usize)];
            let (mut seconds, mut evaluated) = (0.0, 0);
            while seconds < SECONDS {
                seconds += pass(&points)?;
                evaluated += points.len();
            }
            seconds_per_point = seconds / evaluated as f64;
        }
        let worker_memory = prepared.as_ref().and_then(|prepared| prepared.worker_memory());
        Ok(SetCost { preparing_seconds, seconds_per_point, worker_memory })
    }
}

impl Settings<'_> {
    /// The number of points to evaluate: those of the shard that are not in the journal. If the journal cannot be read,
    /// that is all of them; the sweep itself will report why.
    pub(crate) fn points_left(&self, total: usize) -> usize {
        let read = |path: &Path| Journal::read([path]).ok().filter(|journal| journal.total() == total);
        let journal = self.journal.as_deref().and_then(read);
        let known = |point: &usize| journal.as_ref().is_some_and(|journal| journal.contains(*point));
        (0..total).filter(|point| self.is_mine(*point) && !known(point)).count()
    }
}

#[cfg(test)]
mod tests {
    use std::{thread::sleep, time::Duration};

    use crate::{Error, FnModel, Layout, RandomDirections, Sweep};

    #[test]
    fn a_slow_loss_is_seen_and_points_that_are_there_do_not_count() {
        let slow = |theta: &[f64], (): &()| {
            sleep(Duration::from_millis(120));
            theta[0]
        };
        let model = FnModel::new(Layout::flat(2).unwrap(), vec![1.0, 2.0], slow).unwrap();
        let line = || Sweep::line(&model, RandomDirections::new(0)).data("", &()).threads(2);
        let cost = line().alpha(-1.0..=1.0, 5).cost().unwrap();
        // However slow the machine, a point takes no less than it sleeps.
        assert!(cost.seconds_per_point >= 0.12, "{cost:?}");
        assert_eq!(cost.total_seconds, cost.preparing_seconds + 5.0 * cost.seconds_per_point / 2.0);
        assert_eq!((cost.points, cost.memory, cost.worker_memory), (5, 5 * 9 + 8 * 6, None));
        let path = std::env::temp_dir().join(format!("loss-landscape-cost-{}", std::process::id()));
        line().alpha(-1.0..=1.0, 5).shard(0, 2).journal(&path).run().unwrap();
        let left = line().alpha(-1.0..=1.0, 5).journal(&path).cost().unwrap().points;
        let other_left = line().alpha(-1.0..=1.0, 5).shard(1, 2).journal(&path).cost().unwrap().points;
        std::fs::remove_file(&path).unwrap();
        assert_eq!((left, other_left), (2, 2));
    }

    #[test]
    fn what_is_wrong_is_found_before_the_run() {
        let fails = |_: &[f64], (): &()| -> Result<f64, crate::OracleError> { Err("no data today".into()) };
        let model = FnModel::new(Layout::flat(2).unwrap(), vec![1.0, 2.0], fails).unwrap();
        let grid = Sweep::plane(&model, RandomDirections::new(0));
        assert!(matches!(grid.cost(), Err(Error::NoData)));
        assert!(matches!(grid.data("", &()).cost(), Err(Error::Oracle { .. })));
    }
}
