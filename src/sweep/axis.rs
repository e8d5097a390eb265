//! The coordinates of a sweep: a range with both ends, or values given one by one.

use std::ops::RangeInclusive;

use crate::{Error, Result};

/// An axis before it is checked; nothing is allocated until [`coordinates`](Self::coordinates).
#[derive(Clone, Debug)]
pub(crate) enum Axis {
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
            Self::Values(values) => {
                if values.is_empty() {
                    return Err(Error::Resolution { axis, points: 0 });
                }
                let upwards = |i: usize| values[i].is_finite() && (i == 0 || values[i - 1] < values[i]);
                if let Some(index) = (0..values.len()).find(|&i| !upwards(i)) {
                    return Err(Error::Coordinates { axis, index, value: values[index] });
                }
            }
        }
        Ok(())
    }

    /// The coordinates of a checked axis. Both ends of a range are exact, and a range symmetric
    /// about 0 has coordinates symmetric to the bit.
    pub(crate) fn coordinates(&self) -> Vec<f64> {
        match self {
            Self::Values(values) => values.clone(),
            Self::Range { range, points } => {
                let last = points - 1;
                (0..*points)
                    .map(|i| match i {
                        0 => *range.start(),
                        i if i == last => *range.end(),
                        i => {
                            let share = i as f64 / last as f64;
                            let mirrored = (last - i) as f64 / last as f64;
                            range.start() * mirrored + range.end() * share
                        }
                    })
                    .collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_hold_both_ends_and_their_middle() {
        let axis = Axis::range(-1.0..=1.0, 51).coordinates();
        assert_eq!((axis[0], axis[25], axis[50]), (-1.0, 0.0, 1.0));
        assert!((0..51).all(|i| axis[i] == -axis[50 - i]));
        let axis = Axis::range(-0.5..=1.5, 401).coordinates();
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
        assert!(values(&[0.5]).is_ok(), "a single coordinate is a valid axis");
    }
}
