//! The report of a sweep: how it ended, and which points failed.

use std::{fmt, ops::Range, sync::Arc, time::Duration};

use super::Provenance;
use crate::{Error, model::OracleFailure};

/// How a sweep ended.
///
/// ```
/// use std::ops::ControlFlow;
/// use loss_landscape::{FnModel, Layout, Progress, RandomDirections, Sweep, report::SweepEnd};
///
/// let model = FnModel::new(Layout::flat(2)?, vec![1.0, 2.0], |t: &[f64], _: &()| t[0] * t[1])?;
/// let stop = |p: &Progress<'_>| if p.done < 100 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) };
/// let surface = Sweep::plane(&model, RandomDirections::new(1)).data("", &()).observer(&stop).run()?;
/// let report = surface.report();
/// match report.end {
///     SweepEnd::Complete => println!("all {} points", report.total),
///     SweepEnd::Partial => println!("this shard's {} points", report.computed),
///     SweepEnd::Cancelled | SweepEnd::BadPoint => println!("stopped after {} points", report.computed),
///     other => println!("{other:?}"),
/// }
/// assert_eq!(report.end, SweepEnd::Cancelled);
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum SweepEnd {
    /// Every point was evaluated; in an adaptive sweep, every point that it chose.
    Complete,
    /// The observer cancelled it before all points were evaluated.
    Cancelled,
    /// A bad point ended it, because [`OnBadPoint::Stop`] was set.
    BadPoint,
    /// Every point of this shard was evaluated; those of other shards are missing. In a result read from a
    /// [`Journal`](crate::Journal), points are missing, for whatever reason.
    Partial,
}

/// What a sweep does when a point fails or is not finite.
///
/// By default it records the point and goes on, since one point says nothing about the others. [`Stop`](Self::Stop)
/// suits a loss that should never fail:
///
/// ```
/// use loss_landscape::{FnModel, Layout, OnBadPoint, RandomDirections, Sweep, report::SweepEnd};
///
/// let model = FnModel::new(Layout::flat(2)?, vec![0.5, 0.5], |t: &[f64], _: &()| (t[0] - 0.5).ln())?;
/// let sweep = || Sweep::plane(&model, RandomDirections::new(1)).data("", &()).threads(1);
/// let stopped = sweep().on_bad_point(OnBadPoint::Stop).run()?;
/// assert_eq!((stopped.report().end, stopped.report().bad_points.len()), (SweepEnd::BadPoint, 1));
/// let whole = sweep().run()?;
/// assert_eq!(whole.report().end, SweepEnd::Complete);
/// assert!(stopped.report().computed < whole.report().computed);
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum OnBadPoint {
    /// Records the point and goes on.
    #[default]
    Record,
    /// Records the point and begins no other. Points that other threads have begun are finished.
    Stop,
}

/// Why a point is bad.
///
/// ```
/// use loss_landscape::{Direction, FnModel, Layout, OracleError, Sweep, report::PointFailure};
///
/// let loss = |theta: &[f64], _: &()| -> Result<f64, OracleError> {
///     if theta[0] < 0.0 { Err("not for negative parameters")? }
///     Ok(1.0 / theta[0])
/// };
/// let model = FnModel::new(Layout::flat(1)?, vec![1.0], loss)?;
/// let direction = Direction::new(&Layout::flat(1)?, vec![1.0])?;
/// let curve = Sweep::line(&model, direction).data("", &()).alpha_at(&[-2.0, -1.0, 2.0]).run()?;
/// for bad in &curve.report().bad_points {
///     match &bad.failure {
///         PointFailure::NonFinite { channel, value } => assert!(channel == "loss" && *value == f64::INFINITY),
///         PointFailure::Error(error) => assert_eq!(error.to_string(), "not for negative parameters"),
///         PointFailure::Panic(message) => panic!("a panic where none should be: {message}"),
///         other => panic!("{other}"),
///     }
/// }
/// assert_eq!(curve.report().bad_points.len(), 2);
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum PointFailure {
    /// The oracle returned NaN or infinity; the value is kept.
    NonFinite {
        /// The first channel that is not finite.
        channel: String,
        /// Its value.
        #[cfg_attr(feature = "serde", serde(with = "crate::wire::forms"))]
        value: f64,
    },
    /// The oracle returned this error; the channels of its data set are NaN.
    Error(
        #[cfg_attr(feature = "serde", serde(with = "crate::wire::forms"))]
        Arc<dyn std::error::Error + Send + Sync>,
    ),
    /// The oracle panicked with this message; the channels of its data set are NaN.
    Panic(String),
}

/// A point that failed, or whose values are not finite, on one data set. As text it says where and why.
///
/// ```
/// use loss_landscape::{FnModel, Layout, RandomDirections, Sweep};
///
/// let model = FnModel::new(Layout::flat(1)?, vec![1.0], |t: &[f64], offset: &f64| (t[0] + offset).ln())?;
/// let sweep = Sweep::line(&model, RandomDirections::new(1)).data("train", &9.0).data("test", &0.0);
/// let curve = sweep.alpha(-2.0..=2.0, 5).run()?;
/// let bad = curve.report().bad_points.first().expect("a logarithm of a negative number");
/// let [i, _] = bad.index;
/// assert!(curve.channel("test loss")?[i].is_nan() && curve.channel("train loss")?[i].is_finite());
/// assert_eq!((bad.data.as_str(), bad.coordinates[0]), ("test", curve.alpha()[i]));
/// assert_eq!(bad.to_string(), format!("point [{i}, 0] at ({}, 0) of `test`: `loss` is NaN", curve.alpha()[i]));
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct BadPoint {
    /// The indices (i, j) of the point; j is 0 on a line.
    pub index: [usize; 2],
    /// Its coordinates (α, β); β is 0 on a line.
    #[cfg_attr(feature = "serde", serde(with = "crate::wire::forms"))]
    pub coordinates: [f64; 2],
    /// The name of the data set, as the caller gave it.
    pub data: String,
    /// Why it is bad.
    pub failure: PointFailure,
}

/// How a sweep went. [`Landscape::report`](crate::Landscape::report) returns it. As text it is a few lines: how it
/// ended, the bad points, what was in the journal, the provenance; lines that have nothing to say are left out.
///
/// ```
/// use loss_landscape::{FnModel, Layout, RandomDirections, grid_2d, report::SweepEnd};
///
/// let model = FnModel::new(Layout::flat(2)?, vec![0.5, 0.5], |t: &[f64], _: &()| (t[0] + 0.4).ln())?;
/// let surface = grid_2d(&model, &(), RandomDirections::new(1))?;
/// let report = surface.report();
/// // complete: 2601 of 2601 points in 1.2ms on 8 threads
/// // 1051 bad points, the first is point [0, 0] at (-1, -1): `loss` is NaN
/// // loss-landscape 0.1.0, f64, θ 5a0f…; direction … random, seed 1, stream 0 (…
/// println!("{report}");
/// assert!(report.to_string().starts_with("complete: 2601 of 2601 points in "));
/// assert_eq!((report.end, report.computed), (SweepEnd::Complete, 2601));
/// let nan = surface.loss().iter().filter(|loss| loss.is_nan()).count();
/// assert_eq!(report.bad_points.len(), nan);
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct SweepReport {
    /// How it ended.
    pub end: SweepEnd,
    /// The number of points of the grid.
    pub total: usize,
    /// The number of points computed, including those of the journal; fewer than `total` if the sweep was stopped, a
    /// shard, or adaptive.
    pub computed: usize,
    /// Points that failed or are not finite, in the order of their indices and data sets.
    pub bad_points: Vec<BadPoint>,
    /// Wall-clock time, preparation included; zero in a result from a journal or of another program.
    #[cfg_attr(feature = "serde", serde(rename = "elapsed_seconds", with = "crate::wire::forms"))]
    pub elapsed: Duration,
    /// The number of threads that evaluated points: as many as asked for, unless there was not enough work for them
    /// ([`Sweep::threads`](crate::Sweep::threads)).
    pub threads: usize,
    /// The kinds of machine ([`Executor::machine`](crate::Executor::machine)) that took part, in the order of the
    /// alphabet, if processes on several were allowed to: then the last digits of a value say on which it was computed. It
    /// is empty if there was one kind, and in all processes but 0.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Vec::is_empty"))]
    pub machines: Vec<String>,
    /// What was in the journal, if the sweep went on with one.
    #[cfg_attr(feature = "serde", serde(default))]
    pub resumed: Option<Resumed>,
    /// The θ, directions and data of the sweep.
    pub provenance: Provenance,
}

/// What a sweep found in its journal. [`Sweep::journal`](crate::Sweep::journal) has an example of a sweep that goes on
/// after an interruption. Look at [`unchecked_data`](Self::unchecked_data) before you trust a result that was resumed:
///
/// ```
/// use loss_landscape::{FnModel, Layout, RandomDirections, Sweep};
///
/// let path = std::env::temp_dir().join(format!("resumed-{}.journal", std::process::id()));
/// // A closure without a fingerprint: nothing says that its data have changed.
/// let model = FnModel::new(Layout::flat(1)?, vec![1.0], |t: &[f64], x: &f64| (x - t[0]).powi(2))?;
/// let run = |x: &f64| Sweep::line(&model, RandomDirections::new(1)).data("train", x).journal(&path).run();
/// let (first, second) = (run(&1.0)?, run(&5.0)?);
/// assert_eq!(first.loss(), second.loss()); // of the old data
/// let resumed = second.report().resumed.as_ref().expect("a journal with points");
/// assert_eq!((resumed.points, resumed.unchecked_data.as_slice()), (51, ["train".to_owned()].as_slice()));
/// # std::fs::remove_file(&path).unwrap();
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Resumed {
    /// The number of points that were in the journal, and were not evaluated again.
    pub points: usize,
    /// The length in bytes of an unfinished record at the end, as a killed process may leave it; it was removed.
    pub torn: u64,
    /// Ranges of bytes that are not valid records, because the file was changed. Their points were evaluated again, now
    /// or by an earlier run.
    pub damaged: Vec<Range<u64>>,
    /// Data sets that the journal could not check, since the oracle has no
    /// [`fingerprint`](crate::Loss::fingerprint) of them: if they have changed, points of before and after are mixed.
    #[cfg_attr(feature = "serde", serde(default))]
    pub unchecked_data: Vec<String>,
}

impl fmt::Display for PointFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NonFinite { channel, value } => write!(f, "`{channel}` is {value}"),
            Self::Error(error) => write!(f, "the oracle failed: {error}"),
            Self::Panic(message) => write!(f, "the oracle panicked: {message}"),
        }
    }
}

impl fmt::Display for BadPoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { index: [i, j], coordinates: [alpha, beta], data, failure } = self;
        write!(f, "point [{i}, {j}] at ({alpha}, {beta})")?;
        if !data.is_empty() {
            write!(f, " of `{data}`")?;
        }
        write!(f, ": {failure}")
    }
}

impl fmt::Display for SweepEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Complete => "complete",
            Self::Cancelled => "cancelled",
            Self::BadPoint => "stopped at a bad point",
            Self::Partial => "partial",
        })
    }
}

impl fmt::Display for SweepReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { end, total, computed, bad_points, elapsed, threads, machines, resumed, provenance } = self;
        write!(f, "{end}: {computed} of {total} points")?;
        // Of another program or a journal nobody knows.
        if *threads > 0 {
            write!(f, " in {elapsed:.1?} on {threads} thread{}", if *threads == 1 { "" } else { "s" })?;
        }
        if !machines.is_empty() {
            write!(f, ", on machines of several kinds: {}", machines.join("; "))?;
        }
        match bad_points.as_slice() {
            [] => {}
            [bad] => write!(f, "\n1 bad point: {bad}")?,
            [first, ..] => write!(f, "\n{} bad points, the first is {first}", bad_points.len())?,
        }
        if let Some(resumed) = resumed {
            write!(f, "\n{resumed}")?;
        }
        if *provenance != Provenance::default() {
            write!(f, "\n{provenance}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Resumed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} points were in the journal", self.points)?;
        if self.torn > 0 {
            write!(f, ", {} bytes of an unfinished one were removed", self.torn)?;
        }
        if !self.damaged.is_empty() {
            let parts = if self.damaged.len() == 1 { "part" } else { "parts" };
            write!(f, ", {} {parts} of it damaged", self.damaged.len())?;
        }
        if !self.unchecked_data.is_empty() {
            write!(f, "; whether these data have changed is unknown: {:?}", self.unchecked_data)?;
        }
        Ok(())
    }
}

impl PointFailure {
    /// The failure of a point. An oracle that called this crate, for example for a Hessian, may pass on an error of
    /// ours, which already says whether the cause was an error or a panic.
    pub(crate) fn of(failure: OracleFailure) -> Self {
        let error = match failure {
            OracleFailure::Error(error) => error,
            OracleFailure::Panic(message) => return Self::Panic(message),
        };
        match error.into_boxed().downcast::<Error>() {
            Ok(error) => match *error {
                Error::Oracle { source, .. } => Self::Error(source.into()),
                Error::OraclePanicked { message, .. } => Self::Panic(message),
                other => Self::Error(Box::<dyn std::error::Error + Send + Sync>::from(other).into()),
            },
            Err(other) => Self::Error(other.into()),
        }
    }
}

impl SweepReport {
    /// The report of values of another program: all of `total` points are computed, and nothing is known about how.
    pub(crate) fn imported(total: usize, bad_points: Vec<BadPoint>) -> Self {
        Self {
            end: SweepEnd::Complete,
            total,
            computed: total,
            bad_points,
            elapsed: Duration::ZERO,
            threads: 0,
            machines: Vec::new(),
            resumed: None,
            provenance: Provenance::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_says_in_a_few_lines_what_matters() {
        let bad = |value| BadPoint {
            index: [1, 0],
            coordinates: [0.5, 0.0],
            data: "train".to_owned(),
            failure: PointFailure::NonFinite { channel: "loss".to_owned(), value },
        };
        let mut report = SweepReport::imported(9, Vec::new());
        assert_eq!(report.to_string(), "complete: 9 of 9 points");
        report.bad_points.push(bad(f64::NAN));
        assert_eq!(
            report.to_string(),
            "complete: 9 of 9 points\n1 bad point: point [1, 0] at (0.5, 0) of `train`: `loss` is NaN"
        );
        report.bad_points.push(bad(f64::INFINITY));
        (report.end, report.computed, report.threads) = (SweepEnd::Cancelled, 7, 1);
        report.elapsed = Duration::from_millis(1234);
        let damaged = std::iter::once(3..5).collect();
        report.resumed =
            Some(Resumed { points: 4, torn: 12, damaged, unchecked_data: vec!["train".to_owned()] });
        report.provenance.scalar = "f64".to_owned();
        assert_eq!(
            report.to_string(),
            "cancelled: 7 of 9 points in 1.2s on 1 thread\n\
             2 bad points, the first is point [1, 0] at (0.5, 0) of `train`: `loss` is NaN\n\
             4 points were in the journal, 12 bytes of an unfinished one were removed, 1 part of it damaged; \
             whether these data have changed is unknown: [\"train\"]\n\
             f64, θ unknown"
        );
        (report.end, report.threads) = (SweepEnd::BadPoint, 2);
        assert!(
            report.to_string().starts_with("stopped at a bad point: 7 of 9 points in 1.2s on 2 threads\n")
        );
        report.end = SweepEnd::Partial;
        assert!(report.to_string().starts_with("partial: "));
    }

    #[test]
    fn a_point_fails_of_the_innermost_cause() {
        let panicked = Error::OraclePanicked { during: "multiplying".into(), message: "ouch".into() };
        assert!(
            matches!(PointFailure::of(OracleFailure::Error(panicked.into())), PointFailure::Panic(text) if text == "ouch")
        );
        let failed = Error::Oracle { during: "multiplying".into(), source: "no".into() };
        let PointFailure::Error(inner) = PointFailure::of(OracleFailure::Error(failed.into())) else {
            panic!("an error")
        };
        assert_eq!(inner.to_string(), "no");
    }
}
