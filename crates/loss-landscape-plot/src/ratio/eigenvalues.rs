//! The extreme eigenvalues at the points of a plane, and what their signs say.

use ndarray::{Array2, Zip};

/// The extreme eigenvalues over two directions.
#[derive(Clone, Debug)]
pub(super) struct Eigenvalues {
    pub(super) min: Array2<f64>,
    pub(super) max: Array2<f64>,
    /// Where the ratio is not known to the tolerance that was asked for.
    pub(super) uncertain: Option<Array2<bool>>,
    /// The upper end of the colour scale.
    pub(super) limit: f64,
}

/// What is known of one point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Curvature {
    /// The ratio, positive curvature given.
    Ratio(f64),
    /// No curvature is positive, some is negative.
    NoPositive,
    /// Both eigenvalues are zero.
    Flat,
    NotFinite,
}

impl Curvature {
    fn of(min: f64, max: f64) -> Self {
        if !(min.is_finite() && max.is_finite()) {
            Self::NotFinite
        } else if max > 0.0 {
            // A quotient that overflows is as good as the greatest number.
            Self::Ratio((min / max).abs().min(f64::MAX))
        } else if min == 0.0 && max == 0.0 {
            Self::Flat
        } else {
            Self::NoPositive
        }
    }

    /// Whether the point can be drawn.
    pub(super) fn is_known(self) -> bool {
        matches!(self, Self::Ratio(_) | Self::NoPositive)
    }
}

impl Eigenvalues {
    /// Without signs that are rounding.
    pub(super) fn rounded(&self) -> Self {
        let mut rounded = self.clone();
        Zip::from(&mut rounded.min).and(&self.max).for_each(|min, max| {
            if min.abs() <= 4.0 * f64::EPSILON * max.abs() {
                *min = 0.0;
            }
        });
        rounded
    }

    /// What is known of each point.
    pub(super) fn curvatures(&self) -> Array2<Curvature> {
        Zip::from(&self.min).and(&self.max).map_collect(|&min, &max| Curvature::of(min, max))
    }

    /// Whether the point has the colour at the end of the scale.
    pub(super) fn is_beyond(&self, point: Curvature) -> bool {
        match point {
            Curvature::Ratio(ratio) => ratio > self.limit,
            other => other == Curvature::NoPositive,
        }
    }
}
