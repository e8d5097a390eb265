//! How a sweep runs, whatever it measures: threads, observer, limits, journal, shard.

use std::path::PathBuf;

use super::{Executor, Observer, axis::Axis};
use crate::{Error, Result, landscape::OnBadPoint, memory::with_capacity};

/// Bytes that no process has, whatever its user allows: the address space of a 64-bit process, 128 TiB.
const ADDRESSABLE: u64 = 1 << 47;

/// From this many bytes on the system is asked for them in advance.
const LARGE: u64 = 1 << 30;

/// The settings that every sweep has.
pub(crate) struct Settings<'a> {
    pub(crate) threads: Option<usize>,
    pub(crate) observer: Option<&'a dyn Observer>,
    pub(crate) on_bad: OnBadPoint,
    pub(crate) memory_limit: u64,
    pub(crate) journal: Option<PathBuf>,
    /// (k, n): only the points whose number is k modulo n. None for all points.
    pub(crate) shard: Option<(usize, usize)>,
    /// The processes that run the sweep together; none for this one alone.
    pub(crate) executor: Option<&'a dyn Executor>,
}

/// The data sets of a sweep, with their names.
pub(crate) type DataSets<'a, D> = Vec<(String, &'a D)>;

/// The coordinates of a sweep.
#[derive(Clone, Debug)]
pub(crate) struct Grid {
    pub(crate) alpha: Vec<f64>,
    /// The single value 0 on a line.
    pub(crate) beta: Vec<f64>,
    /// Whether it is a plane; a plane may have a single β, as a line has.
    pub(crate) is_plane: bool,
}

impl Default for Settings<'_> {
    fn default() -> Self {
        Self {
            threads: None,
            observer: None,
            on_bad: OnBadPoint::default(),
            memory_limit: 4 << 30,
            journal: None,
            shard: None,
            executor: None,
        }
    }
}

impl std::fmt::Debug for Settings<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Settings")
            .field("threads", &self.threads)
            .field("on_bad", &self.on_bad)
            .field("memory_limit", &self.memory_limit)
            .field("journal", &self.journal)
            .field("shard", &self.shard)
            .finish_non_exhaustive()
    }
}

impl Settings<'_> {
    /// Checks the shard, the axes and the memory for `channels` channels of all data sets together in each of `draws`
    /// draws, and makes the grid. A line has no `beta`.
    pub(crate) fn grid(
        &self,
        alpha: &Axis,
        beta: Option<&Axis>,
        channels: usize,
        draws: usize,
    ) -> Result<Grid> {
        if let Some((k, n)) = self.shard.filter(|(k, n)| k >= n) {
            return Err(Error::Shard { k, n });
        }
        alpha.check("α")?;
        beta.map_or(Ok(()), |beta| beta.check("β"))?;
        self.check_memory(alpha, beta, channels, draws)?;
        let alpha = alpha.coordinates("α")?;
        let is_plane = beta.is_some();
        let beta = beta.map_or_else(|| Ok(vec![0.0]), |beta| beta.coordinates("β"))?;
        Ok(Grid { alpha, beta, is_plane })
    }

    /// Whether a point is one of this shard, which [`grid`](Self::grid) has checked.
    pub(crate) fn is_mine(&self, point: usize) -> bool {
        is_in_shard(self.shard, point)
    }

    /// Refuses a grid whose coordinates and values exceed the limit, or what a process can have, before
    /// allocating any.
    fn check_memory(&self, alpha: &Axis, beta: Option<&Axis>, channels: usize, draws: usize) -> Result<()> {
        let (rows, columns) = (alpha.len() as u64, beta.map_or(1, Axis::len) as u64);
        let bytes = rows.checked_mul(columns).and_then(|points| {
            let per_point = (channels as u64).checked_mul(8)?.checked_add(1)?;
            points
                .checked_mul(draws as u64)?
                .checked_mul(per_point)?
                .checked_add(rows.checked_add(columns)?.checked_mul(8)?)
        });
        let limit = self.memory_limit.min(ADDRESSABLE).min(isize::MAX as u64);
        if bytes.is_none_or(|bytes| bytes > limit) {
            let mut shape: Vec<usize> = (draws > 1).then_some(draws).into_iter().collect();
            shape.push(alpha.len());
            shape.extend(beta.map(Axis::len));
            return Err(Error::GridTooLarge { shape, channels, bytes, limit });
        }
        // The coordinates of a long axis take seconds, and a system that will not give the memory says so at once.
        match bytes.filter(|&bytes| bytes > LARGE) {
            Some(bytes) => with_capacity::<u8>("the values of the grid", bytes as usize).map(drop),
            None => Ok(()),
        }
    }
}

impl Grid {
    /// The number of points.
    pub(crate) fn points(&self) -> usize {
        self.alpha.len() * self.beta.len()
    }

    /// The coordinates in the middle.
    pub(crate) fn middle(&self) -> [f64; 2] {
        [self.alpha[self.alpha.len() / 2], self.beta[self.beta.len() / 2]]
    }
}

/// Whether a point is one of a shard (k, n), k below n: its number is k modulo n. All points are, without shards.
pub(crate) fn is_in_shard(shard: Option<(usize, usize)>, point: usize) -> bool {
    shard.is_none_or(|(k, n)| point % n == k)
}

/// Refuses a sweep without data sets, or with two of the same name.
pub(crate) fn check_data<D: ?Sized>(data: &DataSets<'_, D>) -> Result<()> {
    if data.is_empty() {
        return Err(Error::NoData);
    }
    for (i, (name, _)) in data.iter().enumerate() {
        if data[..i].iter().any(|(other, _)| other == name) {
            return Err(Error::DuplicateData { name: name.clone() });
        }
    }
    Ok(())
}
