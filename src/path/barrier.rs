//! The barrier of a curve between two minimisers.

use std::fmt;

use crate::{Curve, Error, Result};

/// How high a loss rises on the way between two parameter vectors: B = sup_t L(γ(t)) − [(1−t)·L(γ(0)) + t·L(γ(1))].
///
/// This is the error barrier of Frankle et al. ([2020](https://arxiv.org/abs/1912.05671)), relative to the line between
/// the losses of both ends, so that it is 0 for a loss that is convex along the way, however different the ends are.
/// The [rise](Self::rise) over the higher end is given beside it.
///
/// **What is certain.** The supremum is over the points of the curve from 0 to 1 that have a finite value, so that it is
/// a lower bound of the true one; [`spacing`](Self::spacing) says how far apart the points are. Points without a finite
/// value are [missing](Self::missing), and the loss there may be anything: **a barrier with missing points is no more
/// than a lower bound even on its grid**. On a long way a barrier that is 0 but for rounding may come out as some
/// 1e-16 of the loss.
///
/// ```
/// use loss_landscape::{FnModel, Layout, Sweep, path::Barrier};
///
/// // Two wells of different depths: (x² − 1)² + 0.1·x.
/// let wells = |t: &[f64], _: &()| (t[0] * t[0] - 1.0).powi(2) + 0.1 * t[0];
/// let model = FnModel::new(Layout::flat(1)?, vec![1.0], wells)?;
/// let curve = Sweep::segment(&model, &[-1.0], &[1.0]).data("", &()).alpha(0.0..=1.0, 101).run()?;
/// let barrier = Barrier::rise(&curve, "loss")?;
/// assert!((barrier.height - 1.0).abs() < 1e-15 && barrier.at == 0.5);
/// assert!((barrier.rise - 0.9).abs() < 1e-2); // over the higher end
/// println!("{barrier}"); // barrier 1 at t = 0.5, 0.901 over the higher end; 101 points, 0.01 apart at most
///
/// let bowl = FnModel::new(Layout::flat(1)?, vec![1.0], |t: &[f64], _: &()| t[0] * t[0])?;
/// let curve = Sweep::segment(&bowl, &[-1.0], &[3.0]).data("", &()).alpha(0.0..=1.0, 101).run()?;
/// assert_eq!(Barrier::rise(&curve, "loss")?.height, 0.0);
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Barrier {
    /// B, 0 or more, over the points that are there.
    pub height: f64,
    /// Where it is: the first t at which B is taken, 0 where it is 0.
    pub at: f64,
    /// The values at both ends, t = 0 and t = 1.
    pub ends: [f64; 2],
    /// The highest value between the ends minus that of the higher end, 0 or more. Of a
    /// [fall](Self::fall): the lower end minus the lowest value.
    pub rise: f64,
    /// Where that value is; 0 or 1 where it is an end's.
    pub rise_at: f64,
    /// The number of points from 0 to 1 with a finite value, ends included.
    pub points: usize,
    /// The widest gap in t between neighbouring ones of these.
    pub spacing: f64,
    /// Each t from 0 to 1 without a finite value: not computed, failed, or infinite.
    pub missing: Vec<f64>,
}

impl Barrier {
    /// The barrier of a channel that is bad where it is high, such as a loss, along a curve or segment whose axis has
    /// 0 and 1 among its values. Points beyond them do not count.
    ///
    /// # Errors
    /// [`Error::UnknownChannel`]; [`Error::BarrierEnd`] where the curve has no finite value at 0 or 1.
    pub fn rise(curve: &Curve, channel: &str) -> Result<Self> {
        Self::of(curve, channel, 1.0)
    }

    /// The barrier of a channel that is bad where it is low, such as an accuracy: how far it falls below the line
    /// between its ends. Of an accuracy it is the barrier of the error rate.
    ///
    /// ```
    /// use loss_landscape::{Curve, ndarray::array, path::Barrier};
    ///
    /// let accuracy = ("accuracy".to_owned(), array![0.9, 0.25, 1.0]);
    /// let curve = Curve::from_channels(&[0.0, 0.5, 1.0], [accuracy])?;
    /// let barrier = Barrier::fall(&curve, "accuracy")?;
    /// assert!((barrier.height - 0.7).abs() < 1e-15 && (barrier.rise - 0.65).abs() < 1e-15);
    /// assert_eq!(barrier.ends, [0.9, 1.0]);
    /// # Ok::<(), loss_landscape::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`rise`](Self::rise).
    pub fn fall(curve: &Curve, channel: &str) -> Result<Self> {
        Self::of(curve, channel, -1.0)
    }

    /// Whether every point from 0 to 1 has a finite value.
    pub fn is_complete(&self) -> bool {
        self.missing.is_empty()
    }

    /// The barrier of `sign` times a channel.
    fn of(curve: &Curve, channel: &str, sign: f64) -> Result<Self> {
        let values = curve.channel(channel)?;
        let between = || {
            let pairs = curve.alpha().iter().copied().zip(values.iter().map(|value| sign * value));
            pairs.filter(|(t, _)| (0.0..=1.0).contains(t))
        };
        let end = |end: f64| {
            let found = between().find(|(t, value)| *t == end && value.is_finite());
            let missing = || Error::BarrierEnd { channel: channel.to_owned(), at: end };
            found.map(|(_, value)| value).ok_or_else(missing)
        };
        let [a, b] = [end(0.0)?, end(1.0)?];
        // At the ends nothing lies above the line, whatever rounding says.
        let mut barrier = Self {
            height: 0.0,
            at: 0.0,
            ends: [sign * a, sign * b],
            rise: 0.0,
            rise_at: if a >= b { 0.0 } else { 1.0 },
            points: 0,
            spacing: 0.0,
            missing: Vec::new(),
        };
        let mut before = 0.0;
        for (t, value) in between() {
            if !value.is_finite() {
                barrier.missing.push(t);
                continue;
            }
            barrier.points += 1;
            barrier.spacing = barrier.spacing.max(t - before);
            before = t;
            let excess = value - ((1.0 - t) * a + t * b);
            if 0.0 < t && t < 1.0 && excess > barrier.height {
                (barrier.height, barrier.at) = (excess, t);
            }
            if value - a.max(b) > barrier.rise {
                (barrier.rise, barrier.rise_at) = (value - a.max(b), t);
            }
        }
        Ok(barrier)
    }
}

/// One line, with what is missing.
impl fmt::Display for Barrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { height, at, rise, points, spacing, missing, .. } = self;
        if !missing.is_empty() {
            f.write_str("at least ")?;
        }
        write!(f, "barrier {} at t = {at}, {} over the higher end", short(*height), short(*rise))?;
        write!(f, "; {points} points, {} apart at most", short(*spacing))?;
        match missing.as_slice() {
            [] => Ok(()),
            [t] => write!(f, "; no value at t = {t}"),
            [first, .., last] => {
                write!(f, "; no value at {} points from t = {first} to {last}", missing.len())
            }
        }
    }
}

/// Three significant digits.
pub(super) fn short(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return value.to_string();
    }
    let rounded = format!("{value:.2e}");
    let rounded = rounded.parse::<f64>().unwrap_or(value);
    if (1e-4..1e6).contains(&rounded.abs()) { rounded.to_string() } else { format!("{rounded:e}") }
}

#[cfg(test)]
mod tests {
    use ndarray::Array1;
    use proptest::prelude::*;

    use super::*;

    fn curve(t: &[f64], values: &[f64]) -> Curve {
        Curve::from_channels(t, [("loss".to_owned(), Array1::from(values.to_vec()))]).unwrap()
    }

    #[test]
    fn only_the_way_between_the_ends_counts() {
        let curve =
            curve(&[-0.5, 0.0, 0.25, 0.5, 0.75, 1.0, 1.5], &[100.0, 1.0, 2.0, 2.5, 6.0, 5.0, f64::NAN]);
        let barrier = Barrier::rise(&curve, "loss").unwrap();
        assert_eq!((barrier.height, barrier.at), (2.0, 0.75));
        assert_eq!((barrier.rise, barrier.rise_at), (1.0, 0.75));
        assert_eq!((barrier.points, barrier.spacing, barrier.ends), (5, 0.25, [1.0, 5.0]));
        assert!(barrier.is_complete());
    }

    #[test]
    fn missing_points_are_named_and_make_a_lower_bound() {
        let values = [1.0, 3.0, f64::NAN, f64::INFINITY, 1.0];
        let barrier = Barrier::rise(&curve(&[0.0, 0.25, 0.5, 0.75, 1.0], &values), "loss").unwrap();
        assert_eq!((barrier.height, barrier.points, barrier.spacing), (2.0, 3, 0.75));
        assert_eq!(barrier.missing, [0.5, 0.75]);
        assert_eq!(
            barrier.to_string(),
            "at least barrier 2 at t = 0.25, 2 over the higher end; 3 points, 0.75 apart at most; \
             no value at 2 points from t = 0.5 to 0.75"
        );
    }

    #[test]
    fn ends_without_a_value_are_refused() {
        let barrier = |t: &[f64], values: &[f64]| Barrier::rise(&curve(t, values), "loss").unwrap_err();
        for (t, values, end) in [
            (&[0.0, 0.5][..], &[1.0, 1.0][..], 1.0),
            (&[0.1, 1.0], &[1.0, 1.0], 0.0),
            (&[0.0, 1.0], &[f64::NAN, 1.0], 0.0),
            (&[0.0, 1.0], &[1.0, f64::INFINITY], 1.0),
        ] {
            let error = barrier(t, values);
            assert!(matches!(&error, Error::BarrierEnd { at, .. } if *at == end), "{error}");
        }
        let error = Barrier::rise(&curve(&[0.0, 1.0], &[1.0; 2]), "accuracy").unwrap_err();
        assert!(matches!(error, Error::UnknownChannel { .. }));
    }

    proptest! {
        #[test]
        fn a_convex_loss_has_no_barrier(
            centre in -3.0_f64..3.0, scale in 0.01_f64..100.0, tilt in -5.0_f64..5.0, points in 3_usize..60,
        ) {
            let t: Vec<f64> = (0..points).map(|i| i as f64 / (points - 1) as f64).collect();
            let values: Vec<f64> = t.iter().map(|t| scale * (t - centre).powi(2) + tilt * t).collect();
            let barrier = Barrier::rise(&curve(&t, &values), "loss").unwrap();
            prop_assert_eq!((barrier.height, barrier.at, barrier.rise), (0.0, 0.0, 0.0));
        }

        #[test]
        fn a_fall_is_a_rise_of_the_negative(values in prop::collection::vec(-3.0_f64..3.0, 2..20)) {
            let t: Vec<f64> = (0..values.len()).map(|i| i as f64 / (values.len() - 1) as f64).collect();
            let negative: Vec<f64> = values.iter().map(|value| -value).collect();
            let rise = Barrier::rise(&curve(&t, &values), "loss").unwrap();
            let fall = Barrier::fall(&curve(&t, &negative), "loss").unwrap();
            prop_assert_eq!((rise.height, rise.at, rise.rise), (fall.height, fall.at, fall.rise));
            prop_assert_eq!(rise.ends.map(|end| -end), fall.ends);
            prop_assert!(rise.height >= 0.0 && rise.rise >= 0.0);
        }
    }
}
