//! What a sweep says of itself: how it ended, and which points failed.

use std::{fmt, ops::Range, sync::Arc, time::Duration};

use super::Provenance;
use crate::{Error, model::OracleFailure};

/// How a sweep ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SweepEnd {
    /// Every point was evaluated; of an adaptive sweep, every point that it chose.
    Complete,
    /// The observer cancelled it.
    Cancelled,
    /// A bad point ended it, as asked by [`OnBadPoint::Stop`].
    BadPoint,
    /// Every point of this shard was evaluated; those of others are missing. Of a result read from a
    /// [`Journal`](crate::Journal): points are missing, for whatever reason.
    Partial,
}

/// What a sweep does when a point fails or is not finite.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnBadPoint {
    /// Records it and goes on.
    #[default]
    Record,
    /// Records it and begins no other point.
    Stop,
}

/// Why a point is bad.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum PointFailure {
    /// The oracle returned NaN or infinity; the value is kept.
    NonFinite {
        /// The first channel that is not finite.
        channel: String,
        /// Its value.
        value: f64,
    },
    /// The oracle returned this error; the channels of its data set are NaN.
    Error(Arc<dyn std::error::Error + Send + Sync>),
    /// The oracle panicked with this message; the channels of its data set are NaN.
    Panic(String),
}

/// A point that failed or whose values are not finite.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct BadPoint {
    /// The indices (i, j) of the point; j is 0 on a line.
    pub index: [usize; 2],
    /// Its coordinates (α, β); β is 0 on a line.
    pub coordinates: [f64; 2],
    /// The name of the data set.
    pub data: String,
    /// What happened.
    pub failure: PointFailure,
}

/// How a sweep went.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SweepReport {
    /// How it ended.
    pub end: SweepEnd,
    /// Points of the sweep.
    pub total: usize,
    /// Points evaluated; fewer than `total` if it was stopped or adaptive.
    pub computed: usize,
    /// Points that failed or are not finite, by index and data set.
    pub bad_points: Vec<BadPoint>,
    /// Wall-clock time, preparation included.
    pub elapsed: Duration,
    /// Threads that evaluated points: as many as asked for, unless that was more than there was work for
    /// ([`Sweep::threads`](crate::Sweep::threads)).
    pub threads: usize,
    /// What was found in the journal, if there was one to go on with.
    pub resumed: Option<Resumed>,
    /// What it was a sweep of.
    pub provenance: Provenance,
}

/// What a sweep found in its journal.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Resumed {
    /// Points that were there, and were not evaluated again.
    pub points: usize,
    /// Bytes of an unfinished record at the end, as a killed process leaves it; they were dropped.
    pub torn: u64,
    /// Bytes that are no records, by place: the file was changed. Their points were evaluated again, now or by an
    /// earlier run.
    pub damaged: Vec<Range<u64>>,
    /// Data sets that the journal could not check, since the oracle has no
    /// [`fingerprint`](crate::Loss::fingerprint) of them: if they have changed, points of before and after are mixed.
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

impl PointFailure {
    /// What a point failed of. An oracle that asked this crate for something, such as a Hessian, may hand on an error
    /// that already says whether it was an error or a panic.
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
    /// The report of values that come from elsewhere: all of `total` points are there, and nothing is known of
    /// how they were computed.
    pub(crate) fn imported(total: usize, bad_points: Vec<BadPoint>) -> Self {
        Self {
            end: SweepEnd::Complete,
            total,
            computed: total,
            bad_points,
            elapsed: Duration::ZERO,
            threads: 0,
            resumed: None,
            provenance: Provenance::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
