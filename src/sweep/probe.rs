//! What a sweep would cost, after one point of it.

use std::{path::Path, time::Instant};

use super::{axis::Axis, journal::Journal, options::Options};
use crate::{BoxError, Loss, Plane, Point, Result, guard::guarded};

/// What a sweep would cost, as its middle point tells.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct SweepProbe {
    /// Points to come: those of the shard, less those that are in the journal.
    pub points: usize,
    /// Seconds that preparing the plane took, for all data sets.
    pub preparing_seconds: f64,
    /// Seconds for a point on one thread, all data sets together.
    pub seconds_per_point: f64,
    /// Seconds of the whole sweep, if all its threads are always busy and slow each other down in nothing.
    pub total_seconds: f64,
    /// Bytes of coordinates and values.
    pub memory: u64,
    /// Bytes of scratch memory that each thread takes beside, where the oracle says it
    /// ([`Prepared::worker_memory`](crate::Prepared::worker_memory)).
    pub worker_memory: Option<u64>,
}

/// A point that is done in less is done again, and again, until it is known better than a clock's first look.
const SECONDS: f64 = 0.1;

impl<D: ?Sized + Sync> Options<'_, D> {
    /// Prepares the plane and evaluates its middle point.
    pub(super) fn probe_loss<M: Loss<D> + ?Sized>(
        &self,
        model: &M,
        plane: &Plane<'_, M::Scalar>,
        alpha: &Axis,
        beta: Option<&Axis>,
    ) -> Result<SweepProbe> {
        let channels = guarded("naming its channels", || Ok(model.channels()))?.len();
        let grid = self.grid(alpha, beta, channels)?;
        let middle = [grid.alpha[grid.alpha.len() / 2], grid.beta[grid.beta.len() / 2]];
        let (mut preparing_seconds, mut seconds_per_point) = (0.0, 0.0);
        let mut worker_memory = Some(0_u64);
        for (_, data) in &self.data {
            let probe = || -> Result<_, BoxError> {
                let started = Instant::now();
                let prepared = model.prepare(plane, data)?;
                let preparing = started.elapsed().as_secs_f64();
                let mut worker = prepared.worker();
                let mut out = vec![0.0; channels];
                let mut pass = |points: &[Point]| -> Result<f64, BoxError> {
                    out.resize(points.len() * channels, 0.0);
                    let started = Instant::now();
                    for chunk in 0..prepared.chunks().max(1) {
                        worker.evaluate(points, chunk, &mut out)?;
                    }
                    Ok(started.elapsed().as_secs_f64())
                };
                let mut seconds = pass(&[middle])?;
                if seconds < SECONDS {
                    // As many at once as it likes, without what only the first one cost.
                    let total = (grid.alpha.len() * grid.beta.len()) as f64;
                    let most = (SECONDS / seconds.max(1e-9)).min(total);
                    let points = vec![middle; prepared.batch().clamp(1, most.max(1.0) as usize)];
                    let (mut total, mut passes) = (0.0, 0.0);
                    while total < SECONDS {
                        total += pass(&points)?;
                        passes += 1.0;
                    }
                    seconds = total / (passes * points.len() as f64);
                }
                Ok((preparing, seconds, prepared.worker_memory()))
            };
            let (preparing, seconds, memory) = guarded("probing the middle point", probe)?;
            preparing_seconds += preparing;
            seconds_per_point += seconds;
            worker_memory = worker_memory.zip(memory).map(|(sum, memory)| sum.saturating_add(memory));
        }
        let (total, sets) = (grid.alpha.len() * grid.beta.len(), self.data.len());
        let points = self.left(total);
        let threads = self.threads.unwrap_or_else(rayon::current_num_threads).max(1);
        let values = total.saturating_mul(sets * channels * 8 + 1);
        Ok(SweepProbe {
            points,
            preparing_seconds,
            seconds_per_point,
            total_seconds: preparing_seconds
                + points as f64 * seconds_per_point / threads.min(points.max(1)) as f64,
            memory: values.saturating_add(8 * (grid.alpha.len() + grid.beta.len())) as u64,
            worker_memory,
        })
    }

    /// How many of so many points are to come. A journal that cannot be read leaves all of them; the sweep
    /// itself says why.
    pub(crate) fn left(&self, total: usize) -> usize {
        let read = |path: &Path| Journal::read([path]).ok().filter(|journal| journal.total() == total);
        let journal = self.journal.as_deref().and_then(read);
        let mine = |point: &usize| self.shard.is_none_or(|(k, n)| n > 0 && point % n == k);
        let known = |point: &usize| journal.as_ref().is_some_and(|journal| journal.contains(*point));
        (0..total).filter(|point| mine(point) && !known(point)).count()
    }
}

#[cfg(test)]
mod tests {
    use std::{thread::sleep, time::Duration};

    use crate::{Error, FnModel, Grid2d, Layout, Line1d, RandomDirections};

    #[test]
    fn a_slow_loss_is_seen_and_points_that_are_there_do_not_count() {
        let slow = |theta: &[f64], (): &()| {
            sleep(Duration::from_millis(120));
            theta[0]
        };
        let model = FnModel::new(Layout::flat(2).unwrap(), vec![1.0, 2.0], slow).unwrap();
        let line =
            || Line1d::new(&model, RandomDirections::new(0).one(&model).unwrap()).data("", &()).threads(2);
        let probe = line().alpha(-1.0..=1.0, 5).probe().unwrap();
        assert!((0.12..2.0).contains(&probe.seconds_per_point), "{probe:?}");
        assert!((probe.total_seconds - 2.5 * probe.seconds_per_point).abs() < 0.1, "{probe:?}");
        assert_eq!((probe.points, probe.memory, probe.worker_memory), (5, 5 * 9 + 8 * 6, None));
        let path = std::env::temp_dir().join(format!("loss-landscape-probe-{}", std::process::id()));
        line().alpha(-1.0..=1.0, 5).shard(0, 2).journal(&path).run().unwrap();
        let left = line().alpha(-1.0..=1.0, 5).journal(&path).probe().unwrap().points;
        let other_left = line().alpha(-1.0..=1.0, 5).shard(1, 2).journal(&path).probe().unwrap().points;
        std::fs::remove_file(&path).unwrap();
        assert_eq!((left, other_left), (2, 2));
    }

    #[test]
    fn what_is_wrong_is_found_before_the_run() {
        let fails = |_: &[f64], (): &()| -> Result<f64, crate::BoxError> { Err("no data today".into()) };
        let model = FnModel::new(Layout::flat(2).unwrap(), vec![1.0, 2.0], fails).unwrap();
        let grid = Grid2d::new(&model, RandomDirections::new(0).pair(&model).unwrap());
        assert!(matches!(grid.probe(), Err(Error::NoData)));
        assert!(matches!(grid.data("", &()).probe(), Err(Error::Oracle { .. })));
    }
}
