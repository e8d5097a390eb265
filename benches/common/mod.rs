//! Measuring in turns: on a shared machine only what ran in the same seconds can be compared.
#![allow(dead_code, reason = "each bench uses its part")]

use std::time::Instant;

/// Seconds of each of several works, run in turns; one list a work.
pub(crate) fn in_turns(rounds: usize, works: &mut [&mut dyn FnMut()]) -> Vec<Vec<f64>> {
    // The first round warms caches and clocks and is not counted.
    for work in works.iter_mut() {
        work();
    }
    let mut seconds = vec![Vec::with_capacity(rounds); works.len()];
    for _ in 0..rounds {
        for (work, seconds) in works.iter_mut().zip(&mut seconds) {
            let started = Instant::now();
            work();
            seconds.push(started.elapsed().as_secs_f64());
        }
    }
    seconds
}

pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

/// The median of the ratios a / b, turn by turn.
pub(crate) fn ratio(a: &[f64], b: &[f64]) -> f64 {
    median(&a.iter().zip(b).map(|(a, b)| a / b).collect::<Vec<_>>())
}
