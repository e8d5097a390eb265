//! Round numbers for ticks and contour levels.

/// Positions of ticks in data units.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Ticks {
    /// Long ticks, which carry numbers.
    pub(crate) major: Vec<f64>,
    /// Short ticks without numbers.
    pub(crate) minor: Vec<f64>,
}

/// At most `most` multiples of 1, 2 or 5 times a power of ten in `[lo, hi]`. Where rounding leaves
/// no such numbers (the range is a few units in the last place), the ends themselves.
pub(crate) fn linear(lo: f64, hi: f64, most: usize) -> Vec<f64> {
    let most = most.max(2) as f64;
    // Divided first: the difference of the ends can overflow.
    let rough = hi / most - lo / most;
    let exponent = rough.log10().floor();
    if !(lo < hi && exponent.is_finite()) {
        return vec![lo];
    }
    for (digit, shift) in [(1.0, 0), (2.0, 0), (5.0, 0), (1.0, 1), (2.0, 1)] {
        let exponent = exponent as i32 + shift;
        let at = |k: f64| {
            // Division by a power of ten rounds correctly where multiplication by 0.1 would not.
            if exponent < 0 { k * digit / 10f64.powi(-exponent) } else { k * digit * 10f64.powi(exponent) }
        };
        let step = at(1.0);
        if step <= 0.0 || !step.is_finite() {
            continue;
        }
        // The slack admits ends that are round numbers up to rounding errors.
        let (first, last) = ((lo / step - 1e-9).ceil(), (hi / step + 1e-9).floor());
        if first.abs().max(last.abs()) > 1e14 {
            break;
        }
        let count = last - first + 1.0;
        if count > most || count < 1.0 {
            continue;
        }
        return (0..count as usize).map(|k| at(first + k as f64)).collect();
    }
    vec![lo, hi]
}

/// At most `most` round numbers in `[lo, hi]`, `lo > 0`, evenly spread on a logarithmic scale.
/// Ranges too short for that fall back to [`linear`].
pub(crate) fn logarithmic(lo: f64, hi: f64, most: usize) -> Vec<f64> {
    const DIGITS: [&[f64]; 4] = [&[1.0, 1.5, 2.0, 3.0, 5.0, 7.0], &[1.0, 2.0, 5.0], &[1.0, 3.0], &[1.0]];
    log_ticks(lo, hi, most, &DIGITS)
}

/// Major and minor ticks of a linear axis.
pub(crate) fn linear_axis(lo: f64, hi: f64, most: usize) -> Ticks {
    Ticks { major: linear(lo, hi, most), minor: Vec::new() }
}

/// Major and minor ticks of a logarithmic axis.
pub(crate) fn log_axis(lo: f64, hi: f64, most: usize) -> Ticks {
    let major = log_ticks(lo, hi, most, &[&[1.0, 2.0, 5.0], &[1.0]]);
    let minor = if (0.5..10.0).contains(&(hi.log10() - lo.log10())) {
        let digits: Vec<f64> = (1..10).map(f64::from).collect();
        decades(lo, hi, 1, &digits).into_iter().filter(|v| !major.contains(v)).collect()
    } else {
        Vec::new()
    };
    Ticks { major, minor }
}

fn log_ticks(lo: f64, hi: f64, most: usize, digits: &[&[f64]]) -> Vec<f64> {
    for &digits in digits {
        let ticks = decades(lo, hi, 1, digits);
        if ticks.len() <= most.max(2) {
            return if ticks.len() >= 3 { ticks } else { linear(lo, hi, most) };
        }
    }
    for step in [2, 3, 5, 10, 20, 30, 50, 100, 200, 500] {
        let ticks = decades(lo, hi, step, &[1.0]);
        if ticks.len() <= most.max(2) {
            return ticks;
        }
    }
    vec![lo, hi]
}

/// All `digit × 10^(k step)` in `[lo, hi]`.
fn decades(lo: f64, hi: f64, step: i32, digits: &[f64]) -> Vec<f64> {
    let (low, high) = (lo.log10(), hi.log10());
    if !(low.is_finite() && high.is_finite()) {
        return Vec::new();
    }
    let first = (low.floor() as i32).div_euclid(step) * step;
    let mut ticks = Vec::new();
    let mut exponent = first;
    while exponent <= high.floor() as i32 {
        for digit in digits {
            let value =
                if exponent < 0 { digit / 10f64.powi(-exponent) } else { digit * 10f64.powi(exponent) };
            if value > 0.0 && value.is_finite() && value >= lo * (1.0 - 1e-12) && value <= hi * (1.0 + 1e-12)
            {
                ticks.push(value);
            }
        }
        exponent += step;
    }
    ticks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn linear_ticks_are_round_and_exact() {
        assert_eq!(linear(-1.0, 1.0, 6), [-1.0, -0.5, 0.0, 0.5, 1.0]);
        assert_eq!(linear(0.0, 1.0, 6), [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]);
        assert_eq!(linear(2.301, 2.309, 6), [2.302, 2.304, 2.306, 2.308]);
        assert_eq!(linear(-3e7, 3e7, 4), [-2e7, 0.0, 2e7]);
    }

    #[test]
    fn log_ticks_thin_out_as_the_range_grows() {
        assert_eq!(
            logarithmic(0.02, 300.0, 13),
            [0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0]
        );
        assert_eq!(logarithmic(1e-3, 1e6, 10).len(), 10);
        assert_eq!(logarithmic(1e-300, 1e300, 13).len(), 13);
        assert_eq!(logarithmic(2.0, 2.4, 5), [2.0, 2.1, 2.2, 2.3, 2.4]);
    }

    #[test]
    fn log_axis_has_minor_ticks_between_decades() {
        let ticks = log_axis(0.1, 1000.0, 6);
        assert_eq!(ticks.major, [0.1, 1.0, 10.0, 100.0, 1000.0]);
        assert_eq!(ticks.minor.len(), 32);
    }

    #[test]
    fn no_tick_is_infinite() {
        for digits in [&[1.0][..], &[1.0, 2.0, 5.0]] {
            assert!(decades(1e300, f64::MAX, 1, digits).iter().all(|tick| tick.is_finite()));
        }
    }

    #[test]
    fn extreme_ranges_end_and_stay_inside() {
        for (lo, hi) in [
            (f64::MIN, f64::MAX),
            (0.0, 5e-324),
            (5e-324, 1e-320),
            (1.0, 1.0 + f64::EPSILON),
            (1e300, 1.000_000_1e300),
            (3.0, 3.0),
            (f64::NAN, 1.0),
            (0.0, f64::INFINITY),
        ] {
            for ticks in [linear(lo, hi, 6), logarithmic(lo, hi, 12)] {
                assert!(ticks.len() <= 12, "{lo} {hi}: {ticks:?}");
            }
        }
    }
}
