//! What a sweep says of itself: how it ended, which points failed, and what it was a sweep of.

use std::{fmt, sync::Arc, time::Duration};

use crate::{Direction, DirectionSource, Normalization, Scalar, params::content_hash};

/// How a sweep ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Termination {
    /// Every point was evaluated; of an adaptive sweep, every point that it chose.
    Complete,
    /// The observer cancelled it.
    Cancelled,
    /// A bad point ended it, as asked by [`OnBadPoint::Stop`].
    BadPoint,
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
    pub termination: Termination,
    /// Points of the sweep.
    pub total: usize,
    /// Points evaluated; fewer than `total` if it was stopped or adaptive.
    pub computed: usize,
    /// Points that failed or are not finite, by index and data set.
    pub bad_points: Vec<BadPoint>,
    /// Wall-clock time, preparation included.
    pub elapsed: Duration,
    /// Threads of the pool.
    pub threads: usize,
    /// What it was a sweep of.
    pub provenance: Provenance,
}

/// What a result came from. The axes are in the result itself; data is known by its name alone.
///
/// Hashes are XXH3 with 64 bits over the values as little-endian bytes.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Provenance {
    /// The version of this crate.
    pub version: &'static str,
    /// The scalar of the parameters: `"f32"` or `"f64"`.
    pub scalar: &'static str,
    /// The hash of θ (of θ_a for an interpolation).
    pub theta_hash: u64,
    /// The directions; for an interpolation one, θ_b − θ_a, with the hash of its end: θ_b, with the
    /// buffers of θ_a unless they move.
    pub directions: Vec<DirectionRecord>,
    /// The cosine between the two directions of a plane.
    pub cosine: Option<f64>,
    /// The names of the data sets, as the caller gave them.
    pub data: Vec<String>,
}

/// Where one direction came from.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct DirectionRecord {
    /// Its source.
    pub source: DirectionSource,
    /// Its normalisation, if it has one.
    pub normalization: Option<Normalization>,
    /// Its content hash.
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

impl fmt::Display for DirectionSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Random { seed, stream } => write!(f, "random, seed {seed}, stream {stream}"),
            Self::Between => write!(f, "between two parameter vectors"),
            Self::Eigenvector { eigenvalue } => write!(f, "eigenvector of eigenvalue {eigenvalue}"),
            Self::Given => write!(f, "given by the caller"),
        }
    }
}

/// As JSON, for files that other programs read.
impl fmt::Display for Provenance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quote = |text: &str| {
            let escaped: String = text
                .chars()
                .flat_map(|c| match c {
                    '"' | '\\' => vec!['\\', c],
                    c if c.is_control() => format!("\\u{:04x}", c as u32).chars().collect(),
                    c => vec![c],
                })
                .collect();
            format!("\"{escaped}\"")
        };
        let directions: Vec<String> = (self.directions.iter())
            .map(|d| {
                let normalization =
                    d.normalization.map_or_else(|| "null".to_owned(), |n| quote(&n.to_string()));
                format!(
                    "{{\"source\": {}, \"normalization\": {normalization}, \"hash\": \"{:016x}\"}}",
                    quote(&d.source.to_string()),
                    d.hash
                )
            })
            .collect();
        let data: Vec<String> = self.data.iter().map(|name| quote(name)).collect();
        let cosine =
            self.cosine.filter(|c| c.is_finite()).map_or_else(|| "null".to_owned(), |c| c.to_string());
        write!(
            f,
            "{{\"crate\": \"loss-landscape\", \"version\": {}, \"scalar\": {}, \"theta_hash\": \"{:016x}\", \
             \"directions\": [{}], \"cosine\": {cosine}, \"data\": [{}]}}",
            quote(self.version),
            quote(self.scalar),
            self.theta_hash,
            directions.join(", "),
            data.join(", "),
        )
    }
}
