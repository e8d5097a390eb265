//! What a random sample of a map's points says of the rest: an exact bound by the binomial distribution.

/// The probability with which [`Audit::upper_bound`] holds.
const CONFIDENCE: f64 = 0.95;

/// A check of a map by itself: points drawn at random from those that were not certified are computed again,
/// cold and certified, when all others are done.
///
/// A warm point that agrees with its neighbours is good by experience, not by proof. The audit measures that
/// experience on the very map: of [`points`](Self::points) drawn, [`off`](Self::off) were off by more than the
/// tolerance, and so with 95 % probability over the draw at most [`upper_bound`](Self::upper_bound) of all such
/// points were. The bound is Clopper and Pearson's[^1]; they are drawn without replacement from finitely many,
/// which only makes it wider than it need be. It tells the certified value from the true one no more than the
/// map's confidence does.
///
/// Points found off are mended: the map has their certified values, and those of the neighbours that no longer
/// agree. So the map that is returned is better than the bound says.
///
/// ```
/// use loss_landscape::{EigenRatio, Gradient, HessianProduct, Layout, Loss, Model, OracleError, RandomDirections, Sweep};
/// # struct Quartic { layout: Layout, theta: Vec<f64> }
/// # impl Model for Quartic {
/// #     type Scalar = f64;
/// #     fn layout(&self) -> &Layout { &self.layout }
/// #     fn parameters(&self) -> &[f64] { &self.theta }
/// # }
/// # impl Loss<()> for Quartic {
/// #     fn loss(&self, theta: &[f64], _: &()) -> Result<f64, OracleError> {
/// #         Ok(theta.iter().enumerate().map(|(i, t)| t.powi(4) - (1.0 + i as f64) * t.powi(2)).sum())
/// #     }
/// # }
/// # impl Gradient<()> for Quartic {
/// #     fn gradient(&self, theta: &[f64], data: &(), out: &mut [f64]) -> Result<f64, OracleError> {
/// #         for (i, (out, t)) in out.iter_mut().zip(theta).enumerate() {
/// #             *out = 4.0 * t.powi(3) - 2.0 * (1.0 + i as f64) * t;
/// #         }
/// #         self.loss(theta, data)
/// #     }
/// # }
/// # impl HessianProduct<()> for Quartic {}
/// # let model = Quartic { layout: Layout::flat(12)?, theta: vec![1.0; 12] };
///
/// let sweep = Sweep::plane(&model, RandomDirections::new(1)).data("", &());
/// let map = sweep.alpha(-0.1..=0.1, 9).beta(-0.1..=0.1, 9).eigen_ratio(&EigenRatio::new().audit(8))?;
/// let audit = map.audits()[0];
/// assert_eq!((audit.points, audit.off), (8, 0));
/// assert!((audit.upper_bound - 0.312).abs() < 0.001); // 0 of 8 may still be 31 %
/// # Ok::<(), loss_landscape::Error>(())
/// ```
///
/// [^1]: C. Clopper, E. Pearson, *The use of confidence or fiducial limits illustrated in the case of the
/// binomial*, Biometrika 26 (1934).
#[derive(Clone, Copy, Debug, PartialEq)]
#[must_use]
#[non_exhaustive]
pub struct Audit {
    /// Points that were drawn; fewer than asked for where fewer were not certified.
    pub points: usize,
    /// Those of them whose ratio differed from the certified one by more than the tolerance.
    pub off: usize,
    /// At most this share of the points that were not certified was off, at a confidence of 95 %, before any was
    /// mended; 1 if none was drawn.
    pub upper_bound: f64,
}

impl Audit {
    pub(super) fn new(points: usize, off: usize) -> Self {
        Self { points, off, upper_bound: upper_bound(points, off, CONFIDENCE) }
    }
}

/// The largest share at which `off` or fewer of `points` have a probability of 1 − `confidence` or more.
fn upper_bound(points: usize, off: usize, confidence: f64) -> f64 {
    if off >= points {
        return 1.0;
    }
    let (mut low, mut high) = (0.0_f64, 1.0_f64);
    // The tail falls with the share; sixty halvings end at rounding.
    for _ in 0..60 {
        let middle = low.midpoint(high);
        if tail(points, off, middle) > 1.0 - confidence {
            low = middle;
        } else {
            high = middle;
        }
    }
    high
}

/// The probability of `off` or fewer among `points`, each with probability `share`, between 0 and 1.
fn tail(points: usize, off: usize, share: f64) -> f64 {
    let (hit, miss) = (share.ln(), (-share).ln_1p());
    let mut log_choices = 0.0;
    let mut sum = 0.0;
    for k in 0..=off {
        if k > 0 {
            log_choices += ((points - k + 1) as f64 / k as f64).ln();
        }
        sum += (log_choices + k as f64 * hit + (points - k) as f64 * miss).exp();
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    /// None off: (1 − p)ⁿ = 0.05 has a closed form; all but one off: 1 − pⁿ = 0.05.
    #[test]
    fn bounds_have_their_closed_forms() {
        for n in [1, 5, 20, 59, 1000] {
            let exact = 1.0 - 0.05_f64.powf(1.0 / n as f64);
            assert!((upper_bound(n, 0, 0.95) - exact).abs() < 1e-12, "{n}");
            let exact = 0.95_f64.powf(1.0 / n as f64);
            assert!((upper_bound(n, n - 1, 0.95) - exact).abs() < 1e-12, "{n}");
        }
        assert_eq!((upper_bound(0, 0, 0.95), upper_bound(7, 7, 0.95)), (1.0, 1.0));
    }

    /// At the bound the tail sums to 0.05, by whole products instead of logarithms.
    #[test]
    fn at_the_bound_the_tail_is_what_is_left() {
        for (n, off) in [(10, 1), (20, 3), (50, 25), (100, 2)] {
            let p = upper_bound(n, off, 0.95);
            let term = |k: usize| {
                let choices: f64 = (1..=k).map(|i| (n - k + i) as f64 / i as f64).product();
                choices * p.powf(k as f64) * (1.0 - p).powf((n - k) as f64)
            };
            let sum: f64 = (0..=off).map(term).sum();
            assert!((sum - 0.05).abs() < 1e-11, "{off} of {n}: {sum}");
        }
    }

    /// The bound holds in 95 % of samples or more, whatever the true share.
    #[test]
    fn the_bound_covers() {
        for (n, share) in [(20, 0.1), (20, 0.02), (100, 0.05), (13, 0.5)] {
            let covered: f64 = (0..=n)
                .filter(|&off| upper_bound(n, off, 0.95) >= share)
                .map(|off| tail(n, off, share) - if off > 0 { tail(n, off - 1, share) } else { 0.0 })
                .sum();
            assert!(covered >= 0.95 - 1e-12, "{n}, {share}: {covered}");
        }
    }

    #[test]
    fn a_tail_of_many_points_does_not_vanish() {
        let p = upper_bound(1_000_000, 0, 0.95);
        assert!((p * 1e6 - 2.9957).abs() < 1e-3, "{p}");
        assert!(upper_bound(100_000, 3_000, 0.95) > 0.03);
    }
}
