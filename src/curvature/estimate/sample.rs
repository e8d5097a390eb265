//! The mean of a sample, with its standard error and an interval.
//!
//! The interval is Student's[^1], on a scale on which the sample is not skewed[^2]. The value of a probe is a sum of a
//! few large squares and is skewed to the right, so that Student's interval alone ends too early on that side. With one
//! dominant eigenvalue and 16 probes it holds in 89 % of the runs where it states 95 %, on Hall's scale in 94 %.
//!
//! [^1]: Quantiles: M. Abramowitz, I. Stegun, *Handbook of Mathematical Functions*, 26.7.3 and 26.7.4.
//! [^2]: P. Hall, *On the removal of skewness by transformation*, J. R. Stat. Soc. B 54 (1992).

use super::probes::LEAST_ESTIMATE;

/// The mean, standard deviation and skewness of the distribution of the values.
#[derive(Clone, Copy, Debug)]
pub(in crate::curvature) struct Sample {
    pub(in crate::curvature) count: usize,
    pub(in crate::curvature) mean: f64,
    /// The standard deviation of one value; infinite if there is only one.
    pub(in crate::curvature) deviation: f64,
    skewness: f64,
}

/// With more degrees of freedom than this, the quantile for this number is used, which is at most 1e-4 too wide.
const MOST_FREEDOM: usize = 10_000;

impl Sample {
    pub(in crate::curvature) fn of(values: &[f64]) -> Self {
        let count = values.len() as f64;
        // Scaled, so that no power overflows or underflows.
        let largest = values.iter().fold(0.0_f64, |largest, value| largest.max(value.abs()));
        let scale = if largest.is_normal() { largest } else { 1.0 };
        let mean = values.iter().map(|value| value / scale).sum::<f64>() / count;
        let moment = |power: i32| values.iter().map(|value| (value / scale - mean).powi(power)).sum::<f64>();
        let squares = moment(2);
        let deviation =
            if values.len() < 2 { f64::INFINITY } else { scale * (squares / (count - 1.0)).sqrt() };
        let skewness = moment(3) / count / (squares / count).powf(1.5);
        // A constant has no skewness.
        let skewness = if skewness.is_finite() { skewness } else { 0.0 };
        Self { count: values.len(), mean: scale * mean, deviation, skewness }
    }

    /// The same for values that may be equal by chance: a few probes of ±1 can be the same vector, so that a spread of
    /// 0 among them means nothing.
    pub(in crate::curvature) fn of_probes(self) -> Self {
        let chance = self.deviation == 0.0 && self.count < LEAST_ESTIMATE;
        Self { deviation: if chance { f64::INFINITY } else { self.deviation }, ..self }
    }

    /// The standard error of the mean; infinite for one value.
    pub(in crate::curvature) fn standard_error(&self) -> f64 {
        self.deviation / (self.count as f64).sqrt()
    }

    /// The interval that includes the mean with this probability, as distances from the sample's mean: one below 0, one
    /// above.
    pub(in crate::curvature) fn reach(&self, confidence: f64) -> [f64; 2] {
        if self.deviation == 0.0 {
            return [0.0; 2];
        }
        if self.count < 2 {
            return [f64::NEG_INFINITY, f64::INFINITY];
        }
        let room = student(self.count - 1, confidence);
        let root = (self.count as f64).sqrt();
        [room, -room].map(|t| -unskewed(t, self.skewness, self.count as f64) / root * self.deviation)
    }
}

/// √n times Hall's inverse of W + γ·W²/3 + γ²·W³/27 + γ/(6n) at t/√n, for W = (mean − µ)/deviation.
fn unskewed(t: f64, skewness: f64, count: f64) -> f64 {
    let root = count.sqrt();
    let x = skewness * (t / root - skewness / (6.0 * count));
    // This form of ((1 + x)^⅓ − 1)·3/γ does not divide by γ, which may be 0.
    let cube_root = (1.0 + x).cbrt();
    let share = 3.0 / (cube_root * cube_root + cube_root + 1.0);
    share * (t - skewness / (6.0 * root))
}

/// The t with P(|T| < t) = `confidence` for this many degrees of freedom; infinite for none.
pub(in crate::curvature) fn student(freedom: usize, confidence: f64) -> f64 {
    if freedom == 0 {
        return f64::INFINITY;
    }
    let freedom = freedom.min(MOST_FREEDOM);
    let mut outside = 1.0;
    while within(freedom, outside) < confidence && outside < 1e17 {
        outside *= 2.0;
    }
    let mut inside = 0.0;
    for _ in 0..80 {
        let middle = f64::midpoint(inside, outside);
        if within(freedom, middle) < confidence {
            inside = middle;
        } else {
            outside = middle;
        }
    }
    outside
}

/// P(|T| < t): finite sums in cos θ and sin θ for tan θ = t/√ν.
fn within(freedom: usize, t: f64) -> f64 {
    let root = (freedom as f64).sqrt();
    let angle = t.atan2(root);
    let (sine, square) = (angle.sin(), angle.cos().powi(2));
    let odd = freedom % 2;
    let mut term = if odd == 1 { angle.cos() } else { 1.0 };
    let mut sum = 0.0;
    for k in 0..freedom / 2 {
        sum += term;
        let k = (2 * k + odd) as f64;
        term *= square * (k + 1.0) / (k + 2.0);
    }
    if odd == 1 { (angle + sine * sum) * std::f64::consts::FRAC_2_PI } else { sine * sum }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_of_tables() {
        let table = [
            (1, 0.95, 12.706_205),
            (2, 0.95, 4.302_653),
            (3, 0.99, 5.840_909),
            (4, 0.9, 2.131_847),
            (9, 0.95, 2.262_157),
            (15, 0.95, 2.131_450),
            (30, 0.99, 2.749_996),
            (120, 0.95, 1.979_930),
            (10_000, 0.95, 1.960_201),
        ];
        for (freedom, confidence, expected) in table {
            let found = student(freedom, confidence);
            assert!((found / expected - 1.0).abs() < 1e-6, "{freedom}: {found} against {expected}");
        }
        assert_eq!(student(usize::MAX, 0.95), student(10_000, 0.95));
        assert_eq!(student(0, 0.95), f64::INFINITY);
        assert!(student(1, 1.0 - 1e-15) > 1e14);
    }

    #[test]
    fn without_skewness_the_interval_is_students() {
        let sample = Sample::of(&[1.0, 2.0, 3.0, 4.0, 5.0]);
        assert!((sample.mean - 3.0).abs() < 1e-15 && (sample.deviation - 2.5_f64.sqrt()).abs() < 1e-15);
        let [low, high] = sample.reach(0.95);
        assert!((high - 2.776_445 * 0.5_f64.sqrt()).abs() < 1e-6 && (low + high).abs() < 1e-14);
        let huge = Sample::of(&[1e200, 2e200, 3e200, 4e200, 5e200]);
        assert!((huge.standard_error() / sample.standard_error() / 1e200 - 1.0).abs() < 1e-14);
        assert_eq!(Sample::of(&[2.0; 7]).reach(0.95), [0.0; 2]);
        assert_eq!(Sample::of(&[2.0; 12]).of_probes().reach(0.95), [0.0; 2]);
        let few = Sample::of(&[2.0; 11]).of_probes();
        assert_eq!(
            (few.standard_error(), few.reach(0.95)),
            (f64::INFINITY, [f64::NEG_INFINITY, f64::INFINITY])
        );
        let one = Sample::of(&[2.0]);
        assert_eq!(
            (one.standard_error(), one.reach(0.95)),
            (f64::INFINITY, [f64::NEG_INFINITY, f64::INFINITY])
        );
    }

    #[test]
    fn the_inverse_undoes_the_transformation() {
        for (skewness, n) in [(2.0, 16.0), (-0.7, 5.0), (1e-9, 9.0), (2.5, 8.0)] {
            for t in [-2.1, -0.3, 0.0, 1.7] {
                let w = unskewed(t, skewness, n) / f64::sqrt(n);
                let back = w
                    + skewness * w * w / 3.0
                    + (skewness * skewness) * w.powi(3) / 27.0
                    + skewness / (6.0 * n);
                assert!((back - t / n.sqrt()).abs() < 1e-14, "{skewness} {t}");
            }
        }
    }

    /// χ² with one degree of freedom, whose skewness is √8: quotients of 95 in 100 over 2,000 samples are
    /// good to half a percent.
    #[test]
    fn intervals_of_skewed_samples_hold() {
        use super::super::probes::Probe;
        let mut v = vec![0.0_f64; 2000 * 16];
        Probe::Gaussian.draw(1, 0, &mut v);
        let (mut held, mut students) = (0, 0);
        for sample in v.chunks_exact(16) {
            let sample = Sample::of(&sample.iter().map(|g| g * g).collect::<Vec<_>>());
            let [low, high] = sample.reach(0.95);
            held += usize::from((low..=high).contains(&(1.0 - sample.mean)));
            let room = student(15, 0.95) * sample.standard_error();
            students += usize::from((1.0 - sample.mean).abs() <= room);
        }
        assert!((1860..=1940).contains(&held), "{held}");
        assert!(students < 1820, "{students}");
    }
}
