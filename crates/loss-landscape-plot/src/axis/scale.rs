//! Linear and logarithmic scales.

/// How values are spread along an axis or over colours.
///
/// # Example
///
/// ```
/// use loss_landscape_plot::{CurveFigure, Figure, Scale, Series};
///
/// let series = || Series::new("loss", &[0.0, 1.0, 2.0], &[1.0, 0.0, 20.0]);
/// let figure = |scale| CurveFigure::new().series(series()).left_scale(scale);
/// // A value of 0 makes the automatic scale linear; a logarithmic one leaves it out, and says so.
/// assert_eq!(figure(Scale::Auto).to_svg()?, figure(Scale::Linear).to_svg()?);
/// assert!(figure(Scale::Log).to_svg()?.contains("1 of 3 points not positive"));
/// # Ok::<(), loss_landscape_plot::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Scale {
    /// [`Log`](Self::Log) if every finite value (and every level and range end given) is positive
    /// and the largest is more than 50 times the smallest, [`Linear`](Self::Linear) otherwise.
    #[default]
    Auto,
    /// Proportional to the value.
    Linear,
    /// Proportional to the logarithm. Values that are not positive are left out and counted in
    /// the caption.
    Log,
}

/// Ratio of largest to smallest value above which [`Scale::Auto`] is logarithmic.
const AUTO_LOG_RATIO: f64 = 50.0;

/// Extent of the finite values of some data.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Extent {
    pub(crate) min: f64,
    pub(crate) max: f64,
    /// Smallest value above zero, infinite if there is none.
    pub(crate) min_positive: f64,
}

/// A scale with its data known: values to coordinates of modest size.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Mapping {
    /// Values divided by `unit`, so that differences cannot overflow.
    Linear { unit: f64 },
    /// Decimal logarithms.
    Log,
}

impl Extent {
    /// `None` if no value is finite.
    pub(crate) fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut extent = Self { min: f64::INFINITY, max: f64::NEG_INFINITY, min_positive: f64::INFINITY };
        for v in values.into_iter().filter(|v| v.is_finite()) {
            extent.min = extent.min.min(v);
            extent.max = extent.max.max(v);
            if v > 0.0 {
                extent.min_positive = extent.min_positive.min(v);
            }
        }
        (extent.min <= extent.max).then_some(extent)
    }

    /// Ends of the drawable range, widened if it is a single point.
    pub(crate) fn range(&self, log: bool) -> (f64, f64) {
        if log {
            let (lo, hi) = (self.min_positive, self.max);
            if lo.log10() < hi.log10() {
                return (lo, hi);
            }
            ((lo / 2.0).max(f64::MIN_POSITIVE), (hi * 2.0).clamp(1e-300, f64::MAX))
        } else {
            if self.min < self.max {
                return (self.min, self.max);
            }
            let pad = if self.max == 0.0 { 1.0 } else { 0.1 * self.max.abs() };
            ((self.min - pad).max(f64::MIN), (self.max + pad).clamp(f64::MIN + f64::MAX / 1e3, f64::MAX))
        }
    }
}

impl Scale {
    /// Whether the scale is logarithmic for data of this extent and these further numbers.
    pub(crate) fn is_log(self, extent: &Extent, further: impl IntoIterator<Item = f64>) -> bool {
        match self {
            Self::Linear => false,
            Self::Log => true,
            Self::Auto => {
                extent.min > 0.0
                    && extent.max / extent.min > AUTO_LOG_RATIO
                    && further.into_iter().all(|v| v > 0.0)
            }
        }
    }
}

impl Mapping {
    /// The mapping for values up to `largest` in magnitude.
    pub(crate) fn new(log: bool, largest: f64) -> Self {
        if log {
            Self::Log
        } else if largest > 0.0 {
            Self::Linear { unit: largest }
        } else {
            Self::Linear { unit: 1.0 }
        }
    }

    pub(crate) fn is_log(self) -> bool {
        self == Self::Log
    }

    /// Coordinate of `value`; NaN where the scale does not reach.
    pub(crate) fn forward(self, value: f64) -> f64 {
        match self {
            _ if !value.is_finite() => f64::NAN,
            Self::Linear { unit } => value / unit,
            Self::Log if value > 0.0 => value.log10(),
            Self::Log => f64::NAN,
        }
    }

    /// Position of `value` between `lo` (0) and `hi` (1), not clamped; 0.5 if these coincide.
    pub(crate) fn fraction(self, value: f64, lo: f64, hi: f64) -> f64 {
        let [value, lo, hi] = [value, lo, hi].map(|v| self.forward(v));
        if lo < hi { (value - lo) / (hi - lo) } else { 0.5 }
    }
}

/// A range extended at its low and its high end by these shares of it, as far as numbers go.
pub(crate) fn padded((lo, hi): (f64, f64), log: bool, [below, above]: [f64; 2]) -> (f64, f64) {
    if log {
        let length = hi.log10() - lo.log10();
        let [below, above] = [below, above].map(|share| 10f64.powf(share * length));
        ((lo / below).max(f64::MIN_POSITIVE).min(lo), (hi * above).min(f64::MAX))
    } else {
        ((lo - (below * hi - below * lo)).max(f64::MIN), (hi + (above * hi - above * lo)).min(f64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn auto_is_log_only_for_positive_wide_data() {
        let of = |values: &[f64]| Extent::of(values.iter().copied()).unwrap();
        let none = std::iter::empty::<f64>;
        assert!(Scale::Auto.is_log(&of(&[0.02, 300.0, f64::NAN]), none()));
        assert!(!Scale::Auto.is_log(&of(&[0.0, 300.0]), none()));
        assert!(!Scale::Auto.is_log(&of(&[1.0, 49.0]), none()));
        assert!(!Scale::Auto.is_log(&of(&[0.02, 300.0]), [0.0]));
        assert!(Scale::Log.is_log(&of(&[-1.0, 1.0]), none()));
    }

    #[test]
    fn extents_ignore_what_is_not_finite() {
        assert_eq!(Extent::of([f64::NAN, f64::INFINITY]), None);
        let e = Extent::of([f64::NAN, -2.0, 3.0, f64::NEG_INFINITY]).unwrap();
        assert_eq!((e.min, e.max, e.min_positive), (-2.0, 3.0, 3.0));
    }

    #[test]
    fn single_values_get_a_range_around_them() {
        for v in [0.0, 1.0, -7.0, f64::MAX, f64::MIN, 5e-324, 1e-310] {
            let e = Extent::of([v]).unwrap();
            let (lo, hi) = e.range(false);
            assert!(lo <= v && v <= hi && lo.is_finite() && hi.is_finite(), "{v}");
            if v > 0.0 {
                let (lo, hi) = e.range(true);
                assert!(lo < hi && lo.log10().is_finite() && hi.is_finite(), "{v}");
            }
        }
    }

    #[test]
    fn fractions_do_not_overflow() {
        let m = Mapping::new(false, f64::MAX);
        assert!((m.fraction(0.0, f64::MIN, f64::MAX) - 0.5).abs() < 1e-12);
        assert!((Mapping::Log.fraction(1.0, 1e-300, 1e300) - 0.5).abs() < 1e-12);
    }
}
