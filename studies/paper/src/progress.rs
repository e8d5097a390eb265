//! How far a study is, and how long it will take.

use std::{
    io::Write,
    sync::Mutex,
    time::{Duration, Instant},
};

/// Counts the work of a study in estimated seconds, and tells of it.
pub struct Meter {
    state: Mutex<State>,
    started: Instant,
    every: Duration,
}

struct State {
    out: Box<dyn Write + Send>,
    /// Estimated seconds of all jobs, and of those that are done.
    total: f64,
    done: f64,
    /// Of the job at work, and its share that is done.
    job: f64,
    share: f64,
    name: String,
    told: Instant,
    jobs: [usize; 2],
}

impl std::fmt::Debug for Meter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Meter").field("started", &self.started).finish_non_exhaustive()
    }
}

impl Meter {
    /// Tells a writer, at most once in the time `every` within a job.
    pub fn new(out: impl Write + Send + 'static, every: Duration) -> Self {
        let now = Instant::now();
        let state = State {
            out: Box::new(out),
            total: 0.0,
            done: 0.0,
            job: 0.0,
            share: 0.0,
            name: String::new(),
            told: now,
            jobs: [0, 0],
        };
        Self { state: Mutex::new(state), started: now, every }
    }

    /// Tells nobody.
    pub fn silent() -> Self {
        Self::new(std::io::sink(), Duration::from_secs(3600))
    }

    /// A line of its own.
    pub fn say(&self, line: &str) {
        let mut state = self.lock();
        // A terminal that is gone is no reason to end a study.
        drop(writeln!(state.out, "{line}"));
    }

    /// There are so many jobs of so many estimated seconds.
    pub(crate) fn begin(&self, jobs: usize, seconds: f64) {
        let mut state = self.lock();
        (state.total, state.done, state.jobs) = (seconds.max(1e-9), 0.0, [0, jobs]);
    }

    /// A job begins.
    pub(crate) fn job(&self, name: &str, seconds: f64) {
        let mut state = self.lock();
        state.jobs[0] += 1;
        (state.job, state.share) = (seconds, 0.0);
        name.clone_into(&mut state.name);
        self.tell(&mut state);
    }

    /// So much of it is done.
    pub(crate) fn share(&self, share: f64) {
        let mut state = self.lock();
        state.share = share;
        if state.told.elapsed() >= self.every {
            self.tell(&mut state);
        }
    }

    /// It has ended.
    pub(crate) fn end(&self) {
        let mut state = self.lock();
        state.done += state.job;
        (state.job, state.share) = (0.0, 0.0);
    }

    /// Seconds since the meter began.
    pub(crate) fn seconds(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }

    fn tell(&self, state: &mut State) {
        state.told = Instant::now();
        let done = state.done + state.share * state.job;
        let left = state.total - done;
        // As fast as so far, once there is something to go by.
        let pace = if done > 0.05 * state.total { self.seconds() / done } else { 1.0 };
        let line = format!(
            "[{}/{}] {:>3.0} %, {} left: {}",
            state.jobs[0],
            state.jobs[1],
            100.0 * done / state.total,
            time(left * pace),
            state.name
        );
        drop(writeln!(state.out, "{line}"));
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// A time in words: `40 s`, `12 min`, `3 h 20 min`.
pub(crate) fn time(seconds: f64) -> String {
    let minutes = (seconds / 60.0).round() as u64;
    if seconds < 100.0 {
        format!("{:.0} s", seconds.max(0.0))
    } else if minutes < 100 {
        format!("{minutes} min")
    } else {
        format!("{} h {} min", minutes / 60, minutes % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_said_in_words() {
        let said = [-1.0, 40.2, 720.0, 12_000.0].map(time);
        assert_eq!(said, ["0 s", "40 s", "12 min", "3 h 20 min"]);
    }
}
