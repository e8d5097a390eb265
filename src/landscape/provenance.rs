//! What a result came from: which parameters, directions and data, by hashes.

use std::fmt;

use crate::{Direction, DirectionSource, Normalization, Scalar, params::content_hash};

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
