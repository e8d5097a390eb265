//! The coordinates of a sweep: a range with both ends, or values given one by one.

use std::ops::RangeInclusive;

use crate::{Error, Result, landscape::ensure_upwards, memory::with_capacity};

/// An axis that is not checked yet; nothing is allocated until [`coordinates`](Self::coordinates).
#[derive(Clone, Debug)]
pub enum Axis {
    Range { range: RangeInclusive<f64>, points: usize },
    Values(Vec<f64>),
}

impl Axis {
    pub(crate) fn range(range: RangeInclusive<f64>, points: usize) -> Self {
        Self::Range { range, points }
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Range { points, .. } => *points,
            Self::Values(values) => values.len(),
        }
    }

    /// Checks the axis without allocating its coordinates.
    pub(crate) fn check(&self, axis: &'static str) -> Result<()> {
        match self {
            Self::Range { range, points } => {
                let (start, end) = (*range.start(), *range.end());
                if !(start.is_finite() && end.is_finite() && start < end && (end - start).is_finite()) {
                    return Err(Error::Range { axis, start, end });
                }
                if *points < 2 {
                    return Err(Error::Resolution { axis, points: *points });
                }
            }
            Self::Values(values) => ensure_upwards(axis, values)?,
        }
        Ok(())
    }

    /// The coordinates of a checked axis. Both ends of a range are exact, and a range symmetric
    /// about 0 has coordinates symmetric to the bit. A range too narrow for its points, so that
    /// rounding makes some of them equal, is refused.
    pub(crate) fn coordinates(&self, axis: &'static str) -> Result<Vec<f64>> {
        let mut coordinates = with_capacity("the coordinates", self.len())?;
        match self {
            Self::Values(values) => coordinates.extend_from_slice(values),
            Self::Range { range, points } => {
                let last = points - 1;
                coordinates.extend((0..*points).map(|i| match i {
                    0 => *range.start(),
                    i if i == last => *range.end(),
                    i => {
                        let share = i as f64 / last as f64;
                        let mirrored = (last - i) as f64 / last as f64;
                        range.start() * mirrored + range.end() * share
                    }
                }));
            }
        }
        match (1..coordinates.len()).find(|&i| coordinates[i - 1] >= coordinates[i]) {
            Some(index) => Err(Error::Coordinates { axis, index, value: coordinates[index] }),
            None => Ok(coordinates),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_hold_both_ends_and_their_middle() {
        let axis = Axis::range(-1.0..=1.0, 51).coordinates("α").unwrap();
        assert_eq!((axis[0], axis[25], axis[50]), (-1.0, 0.0, 1.0));
        assert!((0..51).all(|i| axis[i] == -axis[50 - i]));
        let axis = Axis::range(-0.5..=1.5, 401).coordinates("α").unwrap();
        assert!((axis[100]).abs() < 1e-16 && (axis[300] - 1.0).abs() < 1e-15 && axis[400] == 1.5);
    }

    #[test]
    fn bad_axes_are_refused() {
        let range = |start: f64, end: f64, points| Axis::range(start..=end, points).check("α");
        assert!(matches!(range(1.0, -1.0, 5), Err(Error::Range { .. })));
        assert!(matches!(range(1.0, 1.0, 5), Err(Error::Range { .. })));
        assert!(matches!(range(f64::NAN, 1.0, 5), Err(Error::Range { .. })));
        assert!(matches!(range(0.0, f64::INFINITY, 5), Err(Error::Range { .. })));
        assert!(matches!(range(-f64::MAX, f64::MAX, 5), Err(Error::Range { .. })));
        assert!(matches!(range(0.0, 1.0, 0), Err(Error::Resolution { points: 0, .. })));
        assert!(matches!(range(0.0, 1.0, 1), Err(Error::Resolution { points: 1, .. })));
        let values = |values: &[f64]| Axis::Values(values.to_vec()).check("α");
        assert!(matches!(values(&[]), Err(Error::Resolution { points: 0, .. })));
        assert!(matches!(values(&[0.0, 1.0, 1.0]), Err(Error::Coordinates { index: 2, .. })));
        assert!(matches!(values(&[f64::NAN]), Err(Error::Coordinates { index: 0, .. })));
        let narrow = Axis::range(1.0..=1.0 + f64::EPSILON, 51).coordinates("α");
        assert!(matches!(narrow, Err(Error::Coordinates { index: 1, .. })));
        let default = Axis::range(-0.5..=1.5, 101).coordinates("α").unwrap();
        assert!(default[25] == 0.0 && default[75] == 1.0, "an interpolation's default has its minimisers");
        assert!(values(&[0.5]).is_ok(), "a single coordinate is a valid axis");
    }
}
