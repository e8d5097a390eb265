//! Values by the number of their point, cut into the landscape of each draw.

use std::{mem::take, time::Duration};

use super::header::Header;
use crate::landscape::{BadPoint, Parts, Provenance, SweepEnd, SweepReport};

/// Values of all points of a sweep, by point, data set and channel.
pub(crate) struct ByPoint {
    pub(crate) values: Vec<f64>,
    pub(crate) computed: Vec<bool>,
    /// With the numbers of their points, ascending.
    pub(crate) bad_points: Vec<(usize, BadPoint)>,
    /// How the sweep ended.
    pub(crate) end: SweepEnd,
}

impl ByPoint {
    /// The points of each draw, of which the cosine of its directions and its time are given.
    pub(crate) fn into_parts(
        self,
        header: &Header,
        cosines: &[Option<f64>],
        elapsed: &[Duration],
        threads: usize,
    ) -> Vec<Parts> {
        let Self { mut values, mut computed, bad_points, end } = self;
        let (points, stride) = (header.grid_points(), header.stride());
        let mut bad_points = bad_points.into_iter().peekable();
        let directions = header.provenance.directions.len() / header.draws;
        let beta = header.beta.clone().unwrap_or_else(|| vec![0.0]);
        // Once, so that a draw does not copy the directions of all others.
        let common = Provenance { directions: Vec::new(), ..header.provenance.clone() };
        let parts = cosines.iter().zip(elapsed).enumerate().map(|(draw, (&cosine, &elapsed))| {
            let own = draw * points..(draw + 1) * points;
            let (values, computed) = if header.draws == 1 {
                (take(&mut values), take(&mut computed))
            } else {
                (values[own.start * stride..own.end * stride].to_vec(), computed[own].to_vec())
            };
            let done = computed.iter().filter(|&&done| done).count();
            let bad = std::iter::from_fn(|| bad_points.next_if(|(point, _)| point / points == draw));
            let report = SweepReport {
                // Other draws may have been cut short.
                end: if header.draws > 1 && done == points { SweepEnd::Complete } else { end },
                total: points,
                computed: done,
                bad_points: bad.map(|(_, bad)| bad).collect(),
                elapsed,
                threads,
                machines: Vec::new(),
                resumed: None,
                provenance: Provenance {
                    directions: header.provenance.directions[draw * directions..(draw + 1) * directions]
                        .to_vec(),
                    cosine,
                    ..common.clone()
                },
            };
            let (alpha, beta, channels) = (header.alpha.clone(), beta.clone(), header.full_channels());
            Parts { alpha, beta, values, computed, channels, report }
        });
        parts.collect()
    }
}
