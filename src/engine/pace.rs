//! How long a thread or a process takes for a point, so that it is given no more than it soon gives back.

use std::time::Duration;

/// Runs of points should take about so long: long against a message, short against the whole sweep.
const RUN: f64 = 0.01;
/// How much of what was known before counts on.
const MEMORY: f64 = 0.7;

/// Seconds for a point, of late.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pace {
    seconds: Option<f64>,
}

impl Pace {
    /// Takes in that so many points took so long.
    pub(super) fn take(&mut self, time: Duration, points: usize) {
        let now = time.as_secs_f64() / points.max(1) as f64;
        self.seconds = Some(self.seconds.map_or(now, |before| MEMORY * before + (1.0 - MEMORY) * now));
    }

    /// How many points a run should have, if that is known: 1 or more.
    pub(super) fn run(self) -> Option<usize> {
        self.seconds.map(|seconds| (RUN / seconds.max(1e-12)).max(1.0) as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_follow_the_pace() {
        let mut pace = Pace::default();
        assert_eq!(pace.run(), None);
        pace.take(Duration::from_millis(10), 10);
        assert_eq!(pace.run(), Some(10));
        (0..50).for_each(|_| pace.take(Duration::from_secs(1), 1));
        assert_eq!(pace.run(), Some(1), "however slow");
        (0..90).for_each(|_| pace.take(Duration::ZERO, 1));
        assert!(pace.run() > Some(1_000_000));
    }
}
