//! How a sweep over several draws went.

use std::{fmt, time::Duration};

use crate::landscape::{Resumed, SweepEnd, SweepReport};

/// How a sweep over several draws went. Bad points and directions are in the report of each draw's landscape.
///
/// ```
/// use loss_landscape::{FnModel, Layout, RandomDirections, Sweep};
///
/// let loss = |t: &[f64], _: &()| if t[0] > 1.5 { f64::NAN } else { t[0] * t[0] };
/// let model = FnModel::new(Layout::flat(1)?, vec![1.0], loss)?;
/// let draws = Sweep::line(&model, RandomDirections::new(1)).data("", &()).draws(3)?;
/// let report = draws.report();
/// assert_eq!((report.computed, report.total), (153, 153));
/// assert_eq!(report.bad_points, draws.iter().map(|curve| curve.report().bad_points.len()).sum::<usize>());
/// println!("{report}"); // complete: 153 of 153 points of 3 draws in … on … threads; 36 bad points
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct DrawsReport {
    /// How it ended.
    pub end: SweepEnd,
    /// The number of draws.
    pub draws: usize,
    /// The number of points of all draws.
    pub total: usize,
    /// The number of points computed, including those of the journal.
    pub computed: usize,
    /// The number of bad points.
    pub bad_points: usize,
    /// Wall-clock time, preparation included; for draws that were swept one by one, the sum.
    #[cfg_attr(feature = "serde", serde(rename = "elapsed_seconds", with = "crate::wire::forms"))]
    pub elapsed: Duration,
    /// The number of threads that evaluated points; 0 if that is not known.
    pub threads: usize,
    /// What was in the journal, if the sweep went on with one.
    #[cfg_attr(feature = "serde", serde(default))]
    pub resumed: Option<Resumed>,
}

impl DrawsReport {
    /// What the reports of single sweeps say together.
    pub(super) fn of<'r>(reports: impl Iterator<Item = &'r SweepReport>) -> Self {
        let nothing = Self {
            end: SweepEnd::Complete,
            draws: 0,
            total: 0,
            computed: 0,
            bad_points: 0,
            elapsed: Duration::ZERO,
            threads: 0,
            resumed: None,
        };
        reports.fold(nothing, |sum, report| Self {
            end: if sum.end == SweepEnd::Complete { report.end } else { sum.end },
            draws: sum.draws + 1,
            total: sum.total + report.total,
            computed: sum.computed + report.computed,
            bad_points: sum.bad_points + report.bad_points.len(),
            elapsed: sum.elapsed + report.elapsed,
            threads: sum.threads.max(report.threads),
            resumed: None,
        })
    }
}

impl fmt::Display for DrawsReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { end, draws, total, computed, bad_points, elapsed, threads, resumed } = self;
        let plural = |count: usize| if count == 1 { "" } else { "s" };
        write!(f, "{end}: {computed} of {total} points of {draws} draw{}", plural(*draws))?;
        if *threads > 0 {
            write!(f, " in {elapsed:.1?} on {threads} thread{}", plural(*threads))?;
        }
        if *bad_points > 0 {
            write!(f, "; {bad_points} bad point{}", plural(*bad_points))?;
        }
        if let Some(resumed) = resumed {
            write!(f, "\n{resumed}")?;
        }
        Ok(())
    }
}
