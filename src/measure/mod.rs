//! What is read off a landscape as one number: curvature at the centre, the reach of a basin, where the lowest point
//! lies, how often the loss bends down.
//!
//! A [`Measure`] is taken of one landscape by [`Measure::of`], or of every draw of several random directions by
//! [`Draws::measure`](crate::Draws::measure), which makes it a distribution with intervals.

mod measured;
mod reading;
mod table;

pub use measured::Measured;
pub use reading::Reading;
pub use table::MeasureTable;

use std::fmt;

use crate::{Error, GridDimension, Landscape, Result};
use reading::Plane;

/// A number that is read off one channel of a curve or surface. `Display` names it as figures and files do.
///
/// The **centre** is the point with the coordinates 0: θ itself. Distances are in the units of α and β, in which
/// filter-normalised directions are as long as θ. Values that are not known make a [`Reading`] unknown; a loss of +∞
/// counts as above every level.
///
/// ```
/// use loss_landscape::{Curve, measure::{Level, Measure, Reading}};
///
/// // L = 1 + 4·(α − 0.25)², on 41 points.
/// let alpha: Vec<f64> = (-20..=20).map(|i| f64::from(i) / 20.0).collect();
/// let loss = alpha.iter().map(|a| 1.0 + 4.0 * (a - 0.25).powi(2)).collect::<Vec<_>>();
/// let curve = Curve::from_channels(&alpha, [("loss".to_owned(), loss.into())])?;
/// let value = |measure: Measure| measure.of(&curve, "loss").map(|reading| reading.value().unwrap_or(f64::NAN));
///
/// assert!((value(Measure::Curvature { axis: 0 })? - 8.0).abs() < 1e-9);
/// assert_eq!(value(Measure::Offset)?, 0.25);
/// assert!((value(Measure::Drop)? - 0.25).abs() < 1e-12);
/// // 2 is reached at α = −0.25 and 0.75.
/// assert!((value(Measure::Radius(Level::Value(2.0)))? - 0.25).abs() < 1e-9);
/// assert_eq!(value(Measure::BendsDown { tolerance: 0.0 })?, 0.0);
/// // A level that the line never reaches: all that is known is that the basin is larger.
/// assert_eq!(Measure::Radius(Level::Value(99.0)).of(&curve, "loss")?, Reading::AtLeast(1.0));
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Measure {
    /// The second difference at the centre, (L(h) − 2·L(0) + L(−h))/h² with the nearest neighbours on the grid. It
    /// estimates dᵀ∇²L·d with an error of h²/12 times the fourth derivative, and of four times the error of L over h².
    /// [`directional_curvatures`](crate::curvature::directional_curvatures) has it exactly, for models with
    /// Hessian-vector products.
    Curvature {
        /// 0 for α, 1 for β.
        axis: usize,
    },
    /// The distance from the centre to the nearest place where the loss exceeds a level, linear between points: along a
    /// line the nearer of the two sides, in a plane the radius of the largest disc about the centre that stays below.
    /// 0 where the centre does not; [`Reading::AtLeast`] where the grid ends before.
    Radius(Level),
    /// The share of the line or plane whose loss does not exceed a level, from 0 to 1. Points count by the part of the
    /// axes that is nearest to them.
    ShareBelow(Level),
    /// The distance of the lowest point from the centre. [`Reading::AtLeast`] where it is on the border of the grid.
    Offset,
    /// The loss at the centre less that at the lowest point. [`Reading::AtLeast`] where that is on the border.
    Drop,
    /// The share of triples along an axis at which the loss bends down: its value lies above the straight line between
    /// its two neighbours by more than the tolerance, and more than rounding explains. Neighbours at 1, 2, 4, … steps
    /// are taken, so that ripples and wide ridges both count. 0 for a convex loss.
    BendsDown {
        /// In units of the channel: what errors of the loss explain.
        tolerance: f64,
    },
}

/// A level of the loss, which bounds a basin.
///
/// ```
/// use loss_landscape::{Curve, measure::{Level, Measure}};
///
/// let alpha = [-2.0, -1.0, 0.0, 1.0, 2.0];
/// let curve = Curve::from_channels(&alpha, [("loss".to_owned(), vec![5.0, 2.0, 1.0, 2.0, 5.0].into())])?;
/// let radius = |level| Measure::Radius(level).of(&curve, "loss").map(|reading| reading.value());
/// assert_eq!(radius(Level::Value(2.0))?, Some(1.0));
/// assert_eq!(radius(Level::AboveCentre(2.5))?, Some(1.5));
/// assert_eq!(radius(Level::TimesCentre(1.5))?, Some(0.5));
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Level {
    /// This value.
    Value(f64),
    /// The loss at the centre plus this much. It does not depend on the unit of a constant in the loss.
    AboveCentre(f64),
    /// The loss at the centre times this much.
    TimesCentre(f64),
}

impl Measure {
    /// Reads it off one channel of a landscape.
    ///
    /// It costs a pass over the points; [`BendsDown`](Self::BendsDown) a pass for each power of two below their number
    /// along an axis.
    ///
    /// # Errors
    /// [`Error::UnknownChannel`]; [`Error::Setting`] for a level or tolerance that is not finite, or an axis that the
    /// landscape has not; [`Error::NoCentre`] where the grid has no point at 0, or, for
    /// [`Curvature`](Self::Curvature), no neighbours at equal distances on both sides of it.
    pub fn of<D: GridDimension>(&self, landscape: &Landscape<D>, channel: &str) -> Result<Reading> {
        let position = landscape.position(channel)?;
        let values: Vec<f64> = landscape.channel_at(position).iter().copied().collect();
        let plane = Plane { axes: landscape.axes(), dimensions: D::AXES, values: &values };
        match *self {
            Self::Curvature { axis } => plane.curvature(axis),
            Self::Radius(level) => plane.radius(|centre| level.above(centre)),
            Self::ShareBelow(level) => plane.share_below(|centre| level.above(centre)),
            Self::Offset => plane.lowest().map(|lowest| lowest.offset),
            Self::Drop => plane.lowest().map(|lowest| lowest.drop),
            Self::BendsDown { tolerance } => {
                ensure("the tolerance", tolerance, tolerance >= 0.0)?;
                Ok(plane.bends_down(tolerance))
            }
        }
    }
}

impl Level {
    /// The level for this loss at the centre.
    fn above(self, centre: f64) -> Result<f64> {
        let (Self::Value(number) | Self::AboveCentre(number) | Self::TimesCentre(number)) = self;
        ensure("the level", number, true)?;
        Ok(match self {
            Self::Value(value) => value,
            Self::AboveCentre(rise) => centre + rise,
            Self::TimesCentre(factor) => centre * factor,
        })
    }
}

fn ensure(setting: &'static str, value: f64, holds: bool) -> Result<()> {
    if value.is_finite() && holds {
        return Ok(());
    }
    Err(Error::Setting { setting, value, needs: if holds { "finite" } else { "0 or more, and finite" } })
}

impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Curvature { axis: 0 } => f.write_str("curvature along α"),
            Self::Curvature { .. } => f.write_str("curvature along β"),
            Self::Radius(level) => write!(f, "radius to {level}"),
            Self::ShareBelow(level) => write!(f, "share below {level}"),
            Self::Offset => f.write_str("distance of the lowest point"),
            Self::Drop => f.write_str("drop to the lowest point"),
            Self::BendsDown { .. } => f.write_str("share that bends down"),
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value(value) => write!(f, "{value}"),
            Self::AboveCentre(rise) => write!(f, "{rise} above θ"),
            Self::TimesCentre(factor) => write!(f, "{factor} times the value at θ"),
        }
    }
}
