//! How long a thread or a process takes for a point, so that it is given no more than it soon gives back.

use std::time::Duration;

/// Runs of points should take about so long: long against a message, short against the whole sweep.
const RUN: f64 = 0.01;
/// A point that takes this many seconds may wait for the message that asks for it.
const LONG: f64 = 0.1;
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

    /// Whether a point takes so long that a message is nothing against it.
    pub(super) fn is_long(self) -> bool {
        self.seconds.is_some_and(|seconds| seconds > LONG)
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
        assert_eq!((pace.run(), pace.is_long()), (Some(10), false));
        (0..50).for_each(|_| pace.take(Duration::from_secs(1), 1));
        assert_eq!((pace.run(), pace.is_long()), (Some(1), true), "however slow");
        (0..90).for_each(|_| pace.take(Duration::ZERO, 1));
        assert!(pace.run() > Some(1_000_000));
    }
}
