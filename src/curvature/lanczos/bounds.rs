//! What a Lanczos run proves about the ends of a spectrum, and about the ratio between them.
//!
//! A Ritz value is never outside the spectrum: θ_min ≥ λ_min and θ_max ≤ λ_max always. How far outside the Ritz values
//! the true ends are cannot be proved from products alone, since a start without any share of an eigenvector never
//! shows its eigenvalue. But a random start has a share of every eigenvector, and a small share only with small
//! probability. The weights of the start over the eigenvalues are a measure, whose orthonormal polynomials p₀, …, p_k
//! the run computes, and the mass of a measure at a point x is at most 1 / Σ pⱼ(x)², its Christoffel number. So an
//! eigenvalue at x that was missed has a weight below that number, and outside the Ritz values the sum grows fast.
//! Where the sum exceeds the inverse of the weight that a random start has with the given probability, there is no end
//! of the spectrum[^1].
//!
//! [^1]: J. van Dorsselaer, M. Hochstenbach, H. van der Vorst, *Computing probabilistic bounds for
//! extreme eigenvalues of symmetric matrices with the Lanczos method*, SIAM J. Matrix Anal. Appl. 22
//! (2001), section 3, with p_k² alone instead of the sum; G. Szegő, *Orthogonal Polynomials*, 3.4, for the
//! Christoffel numbers.

/// An interval that includes a value; its ends may be infinite.
pub(super) type Interval = [f64; 2];

/// The share of one eigenvector in a start b = u + s·g/√n, with g drawn from N(0, 1).
#[derive(Clone, Copy, Debug)]
pub(super) struct RandomShare {
    /// n·‖b‖² / s².
    pub(super) inverse: f64,
}

impl RandomShare {
    /// 1/w for the weight w that the start has in one given eigenvector with probability 1 − δ.
    ///
    /// The component is Gaussian with standard deviation s/√n around some mean, so that it is smaller than t with
    /// probability √(2/π)·t·√n/s at most.
    pub(super) fn inverse_weight(self, delta: f64) -> f64 {
        self.inverse * std::f64::consts::FRAC_2_PI / (delta * delta)
    }
}

/// The three-term recurrence of a run: α₀ … α_{k−1} and β₁ … β_k.
#[derive(Clone, Copy, Debug)]
pub(super) struct Recurrence<'a> {
    pub(super) alpha: &'a [f64],
    pub(super) beta: &'a [f64],
    /// The size below which a β is noise.
    pub(super) floor: f64,
}

impl Recurrence<'_> {
    /// Σ pⱼ(x)² for j = 0 … k.
    fn christoffel(&self, x: f64) -> f64 {
        let (mut before, mut p, mut sum, mut previous) = (0.0, 1.0, 1.0, 0.0);
        for (&alpha, &beta) in self.alpha.iter().zip(self.beta) {
            let beta = beta.hypot(self.floor);
            let next = ((x - alpha) * p - previous * before) / beta;
            (before, p, previous) = (p, next, beta);
            sum += p * p;
            if sum > 1e280 {
                break;
            }
        }
        sum
    }

    /// The point beyond `end`, in the direction of `sign`, where the sum reaches `inverse_weight`;
    /// infinite if that is farther than a million times `scale`.
    pub(super) fn reach(&self, end: f64, sign: f64, scale: f64, inverse_weight: f64) -> f64 {
        if scale == 0.0 || self.christoffel(end) >= inverse_weight {
            return end;
        }
        let mut outside = scale * 1e-9;
        while self.christoffel(end + sign * outside) < inverse_weight {
            outside *= 4.0;
            if outside > 1e6 * scale {
                return sign * f64::INFINITY;
            }
        }
        let mut inside = if outside > 2e-9 * scale { outside / 4.0 } else { 0.0 };
        for _ in 0..40 {
            let middle = inside.midpoint(outside);
            if self.christoffel(end + sign * middle) < inverse_weight {
                inside = middle;
            } else {
                outside = middle;
            }
        }
        end + sign * outside
    }
}

/// |λ_min / λ_max| over all λ_min and λ_max in these intervals.
pub(super) fn ratio_interval(lambda_min: Interval, lambda_max: Interval) -> Interval {
    let magnitudes = |[low, high]: Interval| {
        let least = if low <= 0.0 && high >= 0.0 { 0.0 } else { low.abs().min(high.abs()) };
        [least, low.abs().max(high.abs())]
    };
    let ([least, most], [below, above]) = (magnitudes(lambda_min), magnitudes(lambda_max));
    let low = if above.is_infinite() { 0.0 } else { least / above };
    [low, if below > 0.0 { most / below } else { f64::INFINITY }]
}

/// Whether a ratio is within `tolerance` of every point of its interval; the tolerance is relative above 1.
pub(super) fn within(ratio: f64, [low, high]: Interval, tolerance: f64) -> bool {
    let room = tolerance * ratio.max(1.0);
    high - ratio <= room && ratio - low <= room
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_of_intervals() {
        assert_eq!(ratio_interval([-2.0, -1.0], [4.0, 5.0]), [0.2, 0.5]);
        assert_eq!(ratio_interval([-1.0, 2.0], [4.0, 5.0]), [0.0, 0.5]);
        assert_eq!(ratio_interval([1.0, 2.0], [4.0, 5.0]), [0.2, 0.5]);
        assert_eq!(ratio_interval([-3.0, -2.0], [-1.0, 1.0])[1], f64::INFINITY);
        assert_eq!(ratio_interval([-3.0, -2.0], [-1.0, -0.5]), [2.0, 6.0]);
        assert_eq!(ratio_interval([f64::NEG_INFINITY, -2.0], [1.0, f64::INFINITY]), [0.0, f64::INFINITY]);
        assert!(within(0.5, [0.4, 0.55], 0.1) && !within(0.5, [0.3, 0.55], 0.1));
        assert!(within(10.0, [9.5, 10.5], 0.1) && !within(10.0, [9.5, f64::INFINITY], 0.1));
    }

    /// Chebyshev's recurrence on [−1, 1]: pⱼ = √2·Tⱼ, and Tⱼ(cosh t) = cosh jt.
    #[test]
    fn the_sum_is_that_of_the_orthonormal_polynomials() {
        let (alpha, mut beta) = ([0.0; 6], [0.5; 6]);
        beta[0] = 0.5_f64.sqrt();
        let recurrence = Recurrence { alpha: &alpha, beta: &beta, floor: 0.0 };
        let t = 0.3_f64;
        let exact = 1.0 + (1..=6).map(|j| 2.0 * (f64::from(j) * t).cosh().powi(2)).sum::<f64>();
        assert!((recurrence.christoffel(t.cosh()) / exact - 1.0).abs() < 1e-13);
        let found = recurrence.reach(1.0, 1.0, 1.0, exact);
        assert!((found - t.cosh()).abs() < 1e-9);
        assert_eq!(recurrence.reach(-1.0, -1.0, 1.0, exact), -found);
        assert_eq!(recurrence.reach(1.0, 1.0, 1.0, 1e300), f64::INFINITY);
    }
}
