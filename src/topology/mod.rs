//! The shape of a curve or a surface: its minima, the saddles between them, and how far they persist.

mod build;
mod flood;
mod report;

pub use report::{
    Hill, Merge, MergeTree, Minimum, PersistencePair, SaddleDistance, Site, TopologyReport, TreeFeature,
    TreeNode,
};

use crate::{Error, GridDimension, Landscape, Result};
use build::{Builder, Floor};

/// Finds the minima of a curve or surface, how they merge as the level rises, and how deep and wide they are.
///
/// ```
/// use loss_landscape::{Surface, ndarray::Array2, topology::Topology};
///
/// // Rastrigin's function has a minimum at each pair of whole numbers: 121 of them within 5.12 of the origin.
/// let at: Vec<f64> = (-64..=64).map(|i| f64::from(i) * 0.08).collect();
/// let wave = |x: f64| x * x + 10.0 - 10.0 * (std::f64::consts::TAU * x).cos();
/// let loss = Array2::from_shape_fn((129, 129), |(i, j)| wave(at[i]) + wave(at[j]));
/// let surface = Surface::from_channels(&at, &at, [("loss".to_owned(), loss)])?;
///
/// let report = Topology::new().of(&surface)?;
/// assert_eq!((report.minima.len(), report.merges.len()), (121, 120));
/// assert_eq!(report.minima[0].at.coordinates, [0.0, 0.0]);
/// println!("{report}"); // and each minimum's depth, persistence and share of the plane
///
/// // Only what rises 18 above its minimum: those in the middle, where the bowl is flat.
/// let deep = Topology::new().persistence_above(18.0).of(&surface)?;
/// assert!(deep.minima.len() < 121 && deep.minima.iter().all(|minimum| minimum.persistence > 18.0));
/// # Ok::<(), loss_landscape::Error>(())
/// ```
///
/// # What is computed
///
/// The **sublevel set** of a level holds all points up to it. As the level rises, a component begins at each
/// **minimum** and two merge at each **saddle**; the one whose minimum is higher ends there (the elder rule). Its
/// **persistence** is f(saddle) − f(minimum), infinite for the lowest point. Its **depth** is the same up to the first
/// saddle at which it merges with any other, whoever ends. A **basin** holds the points from which the way to the
/// lowest neighbour, again and again, leads to the minimum. The basin of a minimum that is left out belongs to the
/// one that it touches at the saddle where it ends. (H. Edelsbrunner, D. Letscher, A. Zomorodian, Discrete Comput.
/// Geom. 28, 2002.)
///
/// A **hill** is the counterpart: a maximum that lower ground surrounds, around which sublevel sets have a loop. Hills
/// are found by duality, by flooding from above and from around the grid with the other kind of [`Neighbours`].
///
/// **Equal values** count as ascending in the order of the points, row by row, so that the result is unique. A plateau
/// is one minimum, at a point of it; what would have persistence 0 is never reported. Distances between points do
/// not matter: persistences depend on the order of the values alone, and stay the same where axes are stretched.
///
/// Minima and hills as [pairs](TopologyReport::pairs) are those of `gudhi.CubicalComplex` but for pairs of
/// persistence 0, which it leaves out as well: to the bit, since values are compared and never computed.
///
/// # Holes
///
/// Points whose value is NaN or infinite, and points that were not computed, are **holes**: they belong to no set.
/// Whatever their values really are, what is marked [`certain`](Minimum::certain) stays as it is. What touches a hole,
/// or might merge through one earlier than it seems to, is not certain; in a grid with holes that includes the lowest
/// minimum. The values that an adaptive sweep interpolated count as values.
///
/// # Noise
///
/// Values that were measured on part of the data have errors, and a rough surface then has minima that are not those of
/// the loss. Where standard errors are known ([`standard_error`](Self::standard_error),
/// [`standard_errors`](Self::standard_errors)), only those minima and hills are kept whose persistence is above c times
/// the sum of the errors at its two points, with c from the [`confidence`](Self::confidence). The lowest minimum of
/// each piece of the grid is always kept.
///
/// **Cost.** Sorting the points, and a look at the neighbours of each, twice on a surface; less than a second for
/// 1001 × 1001 points. About 60 bytes a point, and some 200 for each minimum and hill.
#[derive(Clone, Debug, Default)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(default, deny_unknown_fields)
)]
#[must_use]
pub struct Topology {
    /// The first channel unless named.
    channel: Option<String>,
    neighbours: Neighbours,
    #[cfg_attr(feature = "serde", serde(with = "crate::wire::forms"))]
    persistence_above: f64,
    errors: Errors,
    confidence: Confidence,
}

/// Which points of a surface are neighbours. On a line both mean the same.
///
/// ```
/// use loss_landscape::{Surface, ndarray::array, topology::{Neighbours, Topology}};
///
/// // A valley that runs diagonally.
/// let loss = array![[0.0, 5.0, 5.0], [5.0, 1.0, 5.0], [5.0, 5.0, 2.0]];
/// let axis = [0.0, 1.0, 2.0];
/// let surface = Surface::from_channels(&axis, &axis, [("loss".to_owned(), loss)])?;
/// let eight = Topology::new().of(&surface)?;
/// let four = Topology::new().neighbours(Neighbours::Four).of(&surface)?;
/// assert_eq!((eight.minima.len(), four.minima.len()), (1, 3));
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Neighbours {
    /// Points beside each other and points that touch at a corner, so that a ravine that runs diagonally between the
    /// axes is one minimum and not one for each point. The default. This is `CubicalComplex(top_dimensional_cells=…)`
    /// of gudhi (the T-construction: values on squares, which touch at their corners).
    #[default]
    Eight,
    /// Only points beside each other along an axis, so that a ridge that runs diagonally separates what is on its two
    /// sides. This is `CubicalComplex(vertices=…)` of gudhi (the V-construction: values on corners, joined by edges).
    Four,
}

/// Where standard errors come from.
#[derive(Clone, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
enum Errors {
    #[default]
    None,
    Same(#[cfg_attr(feature = "serde", serde(with = "crate::wire::forms"))] f64),
    Channel(String),
}

/// A probability with its own default.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
struct Confidence(#[cfg_attr(feature = "serde", serde(with = "crate::wire::forms"))] f64);

impl Default for Confidence {
    fn default() -> Self {
        Self(0.95)
    }
}

impl Topology {
    /// The first channel with eight neighbours, and all features of a persistence above 0.
    pub fn new() -> Self {
        Self::default()
    }

    /// The channel; the first one by default.
    pub fn channel(self, name: impl Into<String>) -> Self {
        Self { channel: Some(name.into()), ..self }
    }

    /// Which points are neighbours; eight by default.
    pub fn neighbours(self, neighbours: Neighbours) -> Self {
        Self { neighbours, ..self }
    }

    /// Keeps only minima and hills whose persistence is above this, in the unit of the channel: 0 or above, 0 by
    /// default. The lowest minimum is always kept.
    pub fn persistence_above(self, persistence: f64) -> Self {
        Self { persistence_above: persistence, ..self }
    }

    /// The standard error of every value, in the unit of the channel: 0 or above. None by default.
    ///
    /// ```
    /// use loss_landscape::{Curve, ndarray::array, topology::Topology};
    ///
    /// let loss = array![0.0, 1.0, 0.9, 3.0, 0.5, 4.0];
    /// let curve = Curve::from_channels(&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0], [("loss".to_owned(), loss)])?;
    /// assert_eq!(Topology::new().of(&curve)?.minima.len(), 3);
    /// // The dent of depth 0.1 may be an accident.
    /// let report = Topology::new().standard_error(0.1).of(&curve)?;
    /// assert_eq!((report.minima.len(), report.left_out), (2, 1));
    /// # Ok::<(), loss_landscape::Error>(())
    /// ```
    pub fn standard_error(self, error: f64) -> Self {
        Self { errors: Errors::Same(error), ..self }
    }

    /// The channel that holds the standard error of each point: 0 or above. A point where it is not finite has no
    /// known value: no feature with such a point is kept, but for the lowest minimum.
    pub fn standard_errors(self, channel: impl Into<String>) -> Self {
        Self { errors: Errors::Channel(channel.into()), ..self }
    }

    /// The probability with which what is kept is real, where standard errors are given: above 0 and below 1, 0.95 by
    /// default.
    ///
    /// A pair is kept if its persistence is above c·(s₁ + s₂), with the errors s₁ and s₂ of its two points and
    /// c = √(2·ln(n/(1 − confidence))) for n points: 4.5 for a thousand and 5.8 for a million at 0.95. If errors are
    /// Gaussian (the union bound needs no independence), all n values are then within c standard errors at once with
    /// this probability. Persistence is stable: where no value is off by more than ε, pairs above 2ε belong to pairs of
    /// the true surface (D. Cohen-Steiner, H. Edelsbrunner, J. Harer, Discrete Comput. Geom. 37, 2007). That proves
    /// every kept pair where all errors are alike. Where they differ it is a rule: another way across the ridge may be
    /// known less well than its saddle. The largest error as [`standard_error`](Self::standard_error) of every point
    /// proves it in any case.
    pub fn confidence(self, confidence: f64) -> Self {
        Self { confidence: Confidence(confidence), ..self }
    }

    /// The shape of a curve or a surface, which may be a [`RatioMap`](crate::RatioMap) or an
    /// [`AdaptiveSurface`](crate::AdaptiveSurface). Without any finite value, it has no minima.
    ///
    /// # Errors
    /// [`Error::UnknownChannel`]; [`Error::Setting`] for a setting or a standard error out of its range;
    /// [`Error::OutOfMemory`].
    pub fn of<D: GridDimension>(&self, landscape: &Landscape<D>) -> Result<TopologyReport> {
        let setting = |setting, needs, value| Err(Error::Setting { setting, needs, value });
        if !(self.persistence_above >= 0.0 && self.persistence_above.is_finite()) {
            return setting("the persistence", "finite and 0 or above", self.persistence_above);
        }
        let Confidence(confidence) = self.confidence;
        if !(confidence > 0.0 && confidence < 1.0) {
            return setting("the confidence", "above 0 and below 1", confidence);
        }
        let position = self.channel.as_deref().map_or(Ok(0), |name| landscape.position(name))?;
        let values = flat(landscape, position)?;
        let errors = match &self.errors {
            Errors::None => None,
            Errors::Same(error) => Some(vec![*error]),
            Errors::Channel(name) => Some(flat(landscape, landscape.position(name)?)?),
        };
        // An error that is not known is NaN, but not that of every point.
        let wrong =
            |error: &&f64| **error < 0.0 || matches!(self.errors, Errors::Same(_)) && !error.is_finite();
        if let Some(&error) = errors.iter().flatten().find(wrong) {
            return setting("a standard error", "0 or above", error);
        }
        let builder = Builder {
            axes: landscape.axes(),
            surface: D::AXES == 2,
            neighbours: self.neighbours,
            floor: Floor::new(self.persistence_above, errors, confidence, &values),
            values,
        };
        builder.build(landscape.channels()[position].clone())
    }
}

/// One channel, row by row.
fn flat<D: GridDimension>(landscape: &Landscape<D>, position: usize) -> Result<Vec<f64>> {
    let channel = landscape.channel_at(position);
    let mut values = crate::memory::with_capacity("the values of a channel", channel.len())?;
    values.extend(channel.iter());
    Ok(values)
}
