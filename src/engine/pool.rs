//! Threads of rayon's. What they are given is not generic, so that rayon's part is compiled once and not for each of
//! a user's models.

use std::{num::NonZero, thread::available_parallelism};

use crate::{Error, Result};

/// More threads than this are never useful, and systems refuse them.
const MOST_THREADS: usize = 1024;
/// A number of threads up to this is never reduced.
const FEW_THREADS: usize = 16;

/// Threads that were made for one sweep.
pub(super) struct Pool(rayon::ThreadPool);

/// The threads asked for, as far as they are useful. Threads beyond the number of points can only be busy with chunks of
/// data, and more of them than processors, or than [`FEW_THREADS`], would not be faster.
pub(crate) fn useful_threads(threads: usize, points: usize) -> Result<usize> {
    if threads == 0 {
        return Err(Error::ZeroThreads);
    }
    let processors = available_parallelism().map_or(1, NonZero::get);
    Ok(threads.min(points.max(processors).max(FEW_THREADS)).min(MOST_THREADS))
}

impl Pool {
    /// As many of the threads asked for as are [useful](useful_threads).
    pub(super) fn new(threads: usize, points: usize) -> Result<Self> {
        let threads = useful_threads(threads, points)?;
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.map(Self).map_err(|error| Error::ThreadPool { threads, source: error.into() })
    }

    pub(super) fn threads(&self) -> usize {
        self.0.current_num_threads()
    }

    /// Runs `work` on one of the threads, where the others help it.
    pub(super) fn run<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        let (mut work, mut found) = (Some(work), None);
        self.install(&mut || found = work.take().map(|work| work()));
        #[expect(clippy::expect_used, reason = "the work is there to be taken, and a panic does not return")]
        found.expect("what the work found")
    }

    fn install(&self, work: &mut (dyn FnMut() + Send)) {
        self.0.install(work);
    }

    /// Runs `work` once on each thread.
    pub(super) fn on_each_thread(&self, work: &(dyn Fn() + Sync)) {
        self.0.broadcast(|_| work());
    }

    /// Runs `work` once on each thread; the first thread's error, if there is one.
    pub(super) fn try_on_each_thread(&self, work: &(dyn Fn() -> Result<()> + Sync)) -> Result<()> {
        self.0.broadcast(|_| work()).into_iter().collect()
    }
}

/// Runs `work` once on each thread of the pool that the caller runs in.
pub(super) fn on_each_current_thread(work: &(dyn Fn() + Sync)) {
    rayon::broadcast(|_| work());
}
