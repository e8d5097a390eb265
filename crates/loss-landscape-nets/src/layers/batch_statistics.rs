//! What a batch normalisation knows of a batch.

use loss_landscape::Scalar;

/// Numbers for each channel.
#[derive(Clone, Debug, Default)]
pub(crate) struct BatchStatistics<S> {
    pub(crate) mean: Vec<S>,
    /// Σ (x − mean)² / n.
    pub(crate) variance: Vec<S>,
    /// 1/√(variance + ε).
    pub(super) inverse: Vec<S>,
    /// γ/√(variance + ε), and β less the mean's share.
    pub(super) factors: Vec<S>,
    pub(super) shifts: Vec<S>,
    /// The means of δ and of δ·x̂.
    pub(super) delta: Vec<S>,
    pub(super) delta_dot: Vec<S>,
    /// The number of pixels and samples that the means are over.
    pub(crate) count: usize,
}

impl<S: Scalar> BatchStatistics<S> {
    pub(crate) fn new(channels: usize) -> Self {
        let zeros = || vec![S::zero(); channels];
        Self {
            mean: zeros(),
            variance: zeros(),
            inverse: zeros(),
            factors: zeros(),
            shifts: zeros(),
            delta: zeros(),
            delta_dot: zeros(),
            count: 0,
        }
    }

    /// Σ (x − mean)² / (n − 1), as running variances are; of a single value 0.
    pub(crate) fn unbiased_variance(&self) -> impl Iterator<Item = S> {
        let n = self.count as f64;
        let scale = S::from_f64(n / (n - 1.0).max(1.0));
        self.variance.iter().map(move |&variance| variance * scale)
    }
}
