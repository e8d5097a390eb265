//! The origin of a result: which parameters, directions and data, by hashes.

use std::fmt;

use crate::{Direction, DirectionSource, Normalization, Scalar, params::content_hash};

/// The origin of a result: θ, directions and data. The axes are in the result itself.
///
/// Hashes are those of [`content_hash`](crate::content_hash). Two results of one provenance are of the same function,
/// if all data sets have fingerprints: they can be compared point by point, or drawn on one scale.
///
/// ```
/// use loss_landscape::{FnModel, Layout, RandomDirections, Sweep};
///
/// let model = FnModel::new(Layout::flat(2)?, vec![1.0, 2.0], |t: &[f64], _: &()| t[0] * t[1])?;
/// let line = |seed| Sweep::line(&model, RandomDirections::new(seed)).data("", &());
/// let run = |seed, points| line(seed).alpha(-1.0..=1.0, points).run();
/// let (coarse, fine, other) = (run(1, 11)?, run(1, 101)?, run(2, 11)?);
/// assert_eq!(coarse.report().provenance, fine.report().provenance);
/// assert_ne!(coarse.report().provenance, other.report().provenance);
/// // Of the same model still:
/// assert_eq!(coarse.report().provenance.theta_hash, other.report().provenance.theta_hash);
/// println!("{}", coarse.report().provenance); // loss-landscape …, f64, θ …; direction … random, seed 1, stream 0 (…
/// # Ok::<(), loss_landscape::Error>(())
/// ```
///
/// Values of other programs have the default, in which nothing is known.
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Provenance {
    /// The version of this crate that computed the values; empty if another program did.
    pub version: String,
    /// The scalar of the parameters: `"f32"` or `"f64"`; empty if unknown.
    pub scalar: String,
    /// The hash of θ (for a segment: of θ_a; for a curve: of its first point), if known.
    #[cfg_attr(feature = "serde", serde(with = "crate::wire::forms"))]
    pub theta_hash: Option<u64>,
    /// The directions. A segment has one, θ_b − θ_a, with the hash of its end: θ_b, with the buffers of θ_a unless
    /// buffers [move](crate::Buffers). A curve has one for each of its further points, with the hash of that point.
    pub directions: Vec<DirectionRecord>,
    /// The cosine of the angle between the two directions of a plane.
    #[cfg_attr(feature = "serde", serde(with = "crate::wire::forms"))]
    pub cosine: Option<f64>,
    /// The names of the data sets, as the caller gave them.
    pub data: Vec<String>,
    /// The oracle's [fingerprint](crate::Loss::fingerprint) of each data set, if it has one.
    #[cfg_attr(feature = "serde", serde(with = "crate::wire::forms"))]
    pub data_hashes: Vec<Option<u64>>,
}

/// The origin of one direction.
///
/// ```
/// use loss_landscape::{DirectionSource, FnModel, Layout, RandomDirections, content_hash, grid_2d};
///
/// let model = FnModel::new(Layout::flat(2)?, vec![1.0, 2.0], |t: &[f64], _: &()| t[0] * t[1])?;
/// let surface = grid_2d(&model, &(), RandomDirections::new(42))?;
/// let record = &surface.report().provenance.directions[1];
/// assert_eq!(record.source, DirectionSource::Random { seed: 42, stream: 1 });
/// // Seed and normalisation are enough to draw it again.
/// let random = RandomDirections::new(42).normalization(record.normalization.unwrap_or_default());
/// assert_eq!(content_hash(random.pair(&model)?.second().values()), record.hash);
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct DirectionRecord {
    /// Where it came from: drawn, given, a difference, a gradient, an eigenvector and so on.
    pub source: DirectionSource,
    /// Its normalisation, if it has one.
    pub normalization: Option<Normalization>,
    /// The [`content_hash`](crate::content_hash) of its values; for a segment, of its end; for a curve, of the point.
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
        Self::of_point(DirectionSource::Between, hash)
    }

    /// A parameter vector that a sweep goes to, with the hash of that vector.
    pub(crate) fn of_point(source: DirectionSource, hash: u64) -> Self {
        Self { source, normalization: None, hash }
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
