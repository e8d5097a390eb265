//! What a sweep says of itself: how it ended, which points failed, and what it was a sweep of.

use std::{fmt, ops::Range, sync::Arc, time::Duration};

use crate::{Direction, DirectionSource, Normalization, Scalar, params::content_hash};

/// How a sweep ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Termination {
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
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum OnBadPoint {
    /// Records it and goes on.
    #[default]
    Record,
    /// Records it and begins no other point.
    Stop,
}

/// Why a point is bad.
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

/// A point that failed or whose values are not finite.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct BadPoint {
    /// The indices (i, j) of the point; j is 0 on a line.
    pub index: [usize; 2],
    /// Its coordinates (α, β); β is 0 on a line.
    #[cfg_attr(feature = "serde", serde(with = "crate::wire::forms"))]
    pub coordinates: [f64; 2],
    /// The name of the data set.
    pub data: String,
    /// What happened.
    pub failure: PointFailure,
}

/// How a sweep went.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct SweepReport {
    /// How it ended.
    pub termination: Termination,
    /// Points of the sweep.
    pub total: usize,
    /// Points evaluated; fewer than `total` if it was stopped or adaptive.
    pub computed: usize,
    /// Points that failed or are not finite, by index and data set.
    pub bad_points: Vec<BadPoint>,
    /// Wall-clock time, preparation included.
    #[cfg_attr(feature = "serde", serde(rename = "elapsed_seconds", with = "crate::wire::forms"))]
    pub elapsed: Duration,
    /// Threads of the pool.
    pub threads: usize,
    /// What was found in the journal, if there was one to go on with.
    #[cfg_attr(feature = "serde", serde(default))]
    pub resumed: Option<Resumed>,
    /// What it was a sweep of.
    pub provenance: Provenance,
}

/// What a sweep found in its journal.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Resumed {
    /// Points that were there, and were not evaluated again.
    pub points: usize,
    /// Bytes of an unfinished record at the end, as a killed process leaves it; they were dropped.
    pub torn: u64,
    /// Bytes that are no records, by place: the file was changed. Their points were evaluated again, now or by an
    /// earlier run.
    pub damaged: Vec<Range<u64>>,
}

/// What a result came from. The axes are in the result itself.
///
/// Hashes are XXH3 with 64 bits over the values as little-endian bytes.
///
/// The default knows nothing, and is what values that come from elsewhere have.
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Provenance {
    /// The version of this crate that computed the values; empty if it did not.
    pub version: String,
    /// The scalar of the parameters: `"f32"` or `"f64"`; empty if unknown.
    pub scalar: String,
    /// The hash of θ (of θ_a for an interpolation), if known.
    #[cfg_attr(feature = "serde", serde(with = "crate::wire::forms"))]
    pub theta_hash: Option<u64>,
    /// The directions; for an interpolation one, θ_b − θ_a, with the hash of its end: θ_b, with the
    /// buffers of θ_a unless they move.
    pub directions: Vec<DirectionRecord>,
    /// The cosine between the two directions of a plane.
    #[cfg_attr(feature = "serde", serde(with = "crate::wire::forms"))]
    pub cosine: Option<f64>,
    /// The names of the data sets, as the caller gave them.
    pub data: Vec<String>,
    /// What the oracle calls the content of each data set ([`Loss::fingerprint`](crate::Loss::fingerprint)).
    #[cfg_attr(feature = "serde", serde(with = "crate::wire::forms"))]
    pub data_hashes: Vec<Option<u64>>,
}

/// Where one direction came from.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct DirectionRecord {
    /// Its source.
    pub source: DirectionSource,
    /// Its normalisation, if it has one.
    pub normalization: Option<Normalization>,
    /// Its content hash.
    #[cfg_attr(feature = "serde", serde(with = "crate::wire::forms"))]
    pub hash: u64,
}

impl DirectionRecord {
    pub(crate) fn of<S: Scalar>(direction: &Direction<S>) -> Self {
        Self {
            source: direction.source().clone(),
            normalization: direction.normalization().copied(),
            hash: content_hash(direction.values()),
        }
    }

    pub(crate) fn between(hash: u64) -> Self {
        Self { source: DirectionSource::Between, normalization: None, hash }
    }
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

impl SweepReport {
    /// The report of values that come from elsewhere: all of `total` points are there, and nothing is known of
    /// how they were computed.
    pub(crate) fn elsewhere(total: usize, bad_points: Vec<BadPoint>) -> Self {
        Self {
            termination: Termination::Complete,
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

/// In one line, for people; with feature `serde` it can be serialised.
impl fmt::Display for Provenance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::default() {
            return f.write_str("unknown");
        }
        if !self.version.is_empty() {
            write!(f, "loss-landscape {}, ", self.version)?;
        }
        if !self.scalar.is_empty() {
            write!(f, "{}, ", self.scalar)?;
        }
        match self.theta_hash {
            Some(hash) => write!(f, "θ {hash:016x}")?,
            None => f.write_str("θ unknown")?,
        }
        for direction in &self.directions {
            write!(f, "; direction {:016x} {}", direction.hash, direction.source)?;
            if let Some(normalization) = direction.normalization {
                write!(f, " ({normalization})")?;
            }
        }
        if let Some(cosine) = self.cosine {
            write!(f, "; cosine {cosine}")?;
        }
        if !self.data.is_empty() {
            write!(f, "; data {:?}", self.data)?;
        }
        Ok(())
    }
}
