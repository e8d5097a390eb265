//! The loss at the end of a network: from the last layer's outputs to losses, hits and their derivatives.

use std::{
    fmt,
    ops::{AddAssign, Range},
};

use loss_landscape_kernels::{LargestOutputs, Softmax, SoftmaxTangent};

use crate::{fingerprint::Fingerprint, real::Real};

/// The loss of a network, a mean over samples.
///
/// ```
/// use loss_landscape_nets::{Activation, Criterion, Mlp, Samples};
/// use loss_landscape::{Loss, Model};
/// use ndarray::array;
///
/// let line = Samples::regression(array![[0.0], [1.0]], array![[1.0], [3.0]])?;
/// let net = Mlp::new(&[1, 1], Activation::Tanh, Criterion::MeanSquaredError, 0)?.at(vec![2.0, 1.0])?;
/// assert_eq!(net.loss(net.parameters(), &line)?, 0.0); // y = 2x + 1
/// # Ok::<(), loss_landscape::OracleError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Criterion {
    /// Cross-entropy of the softmax, in nats, for [labels](crate::Samples::labelled).
    CrossEntropy,
    /// The squared error, its mean over samples and outputs, for [values](crate::Samples::regression).
    MeanSquaredError,
}

impl Criterion {
    /// The channels that it yields: `loss`, and `accuracy` of labels.
    pub(crate) fn channels(self) -> Vec<String> {
        match self {
            Self::CrossEntropy => vec!["loss".to_owned(), "accuracy".to_owned()],
            Self::MeanSquaredError => vec!["loss".to_owned()],
        }
    }

    pub(crate) fn channel_count(self) -> usize {
        match self {
            Self::CrossEntropy => 2,
            Self::MeanSquaredError => 1,
        }
    }

    pub(crate) fn write_fingerprint(self, out: &mut Fingerprint) {
        out.number(match self {
            Self::CrossEntropy => 0,
            Self::MeanSquaredError => 1,
        });
    }
}

impl fmt::Display for Criterion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CrossEntropy => "cross-entropy",
            Self::MeanSquaredError => "mean squared error",
        })
    }
}

/// What the samples of a chunk should have given.
#[derive(Clone, Copy, Debug)]
pub(crate) enum TargetSlice<'a, S> {
    /// A class for each sample.
    Labels(&'a [u32]),
    /// [samples, outputs].
    Values(&'a [S]),
}

impl<S> TargetSlice<'_, S> {
    /// What consecutive samples should give, of a network with `outputs` outputs.
    pub(crate) fn part(self, samples: Range<usize>, outputs: usize) -> Self {
        match self {
            TargetSlice::Labels(labels) => TargetSlice::Labels(&labels[samples]),
            TargetSlice::Values(values) => {
                TargetSlice::Values(&values[samples.start * outputs..samples.end * outputs])
            }
        }
    }
}

/// Sums over samples; the mean is taken once, over all data.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct LossSums {
    pub(crate) loss: f64,
    pub(crate) hits: f64,
}

/// What becomes of the losses and hits of single samples.
pub(crate) trait LossSink {
    fn loss(&mut self, sample: usize, loss: f64);
    fn hit(&mut self, sample: usize, hit: bool);
}

impl AddAssign for LossSums {
    fn add_assign(&mut self, other: Self) {
        self.loss += other.loss;
        self.hits += other.hits;
    }
}

impl LossSums {
    /// Writes the means over `count` losses: as many channels as there are.
    pub(crate) fn write_means(self, count: usize, out: &mut [f64]) {
        for (out, sum) in out.iter_mut().zip([self.loss, self.hits]) {
            *out = sum / count as f64;
        }
    }
}

impl LossSink for LossSums {
    fn loss(&mut self, _: usize, loss: f64) {
        self.loss += loss;
    }

    fn hit(&mut self, _: usize, hit: bool) {
        self.hits += f64::from(u8::from(hit));
    }
}

/// The channels of each sample by itself, [samples, channels].
#[derive(Debug)]
pub(crate) struct EachLoss<'a> {
    pub(crate) out: &'a mut [f64],
    pub(crate) channels: usize,
}

impl LossSink for EachLoss<'_> {
    fn loss(&mut self, sample: usize, loss: f64) {
        self.out[sample * self.channels] = loss;
    }

    fn hit(&mut self, sample: usize, hit: bool) {
        if let Some(out) = self.out[sample * self.channels..][..self.channels].get_mut(1) {
            *out = f64::from(u8::from(hit));
        }
    }
}

/// Loss and hits of `outputs`, [units, samples]. With labels `outputs` becomes the softmax.
///
/// Cross-entropy of a sample is ln Σ exp(zₖ − max z) + max z − z_label; a hit is a label that is
/// the first of the largest outputs. The squared error of a sample is the mean over its outputs,
/// and has no hits. `scratch` is scratch memory for 3 values a sample.
pub(crate) fn evaluate<S: Real>(
    outputs: &mut [S],
    wanted: TargetSlice<'_, S>,
    samples: usize,
    scratch: &mut [S],
) -> LossSums {
    let mut sums = LossSums::default();
    evaluate_into(outputs, wanted, samples, scratch, &mut sums);
    sums
}

/// The same, sample by sample in their order: all hits, and then all losses.
pub(crate) fn evaluate_into<S: Real>(
    outputs: &mut [S],
    wanted: TargetSlice<'_, S>,
    samples: usize,
    scratch: &mut [S],
    sink: &mut impl LossSink,
) {
    match wanted {
        TargetSlice::Labels(labels) => cross_entropy(outputs, labels, scratch, sink),
        TargetSlice::Values(values) => squared_error(outputs, values, samples, sink),
    }
}

fn cross_entropy<S: Real>(outputs: &mut [S], labels: &[u32], scratch: &mut [S], sink: &mut impl LossSink) {
    let samples = labels.len();
    let (largest, scratch) = scratch.split_at_mut(samples);
    let (first, scratch) = scratch.split_at_mut(samples);
    let gap = &mut scratch[..samples];
    // The label's own output, before the softmax takes its place.
    for (sample, (gap, &label)) in gap.iter_mut().zip(labels).enumerate() {
        *gap = outputs[label as usize * samples + sample];
    }
    LargestOutputs { outputs, largest, first }.run();
    let found = labels.iter().zip(&*first).zip(gap.iter_mut().zip(&*largest));
    for (sample, ((&label, &first), (gap, &largest))) in found.enumerate() {
        sink.hit(sample, first.as_f64() == f64::from(label) && !largest.is_nan());
        // From here on: max z − z_label, the loss but for the logarithm.
        *gap = largest - *gap;
    }
    let totals = first;
    Softmax { outputs, largest, totals }.run();
    for (sample, (&gap, &total)) in gap.iter().zip(&*totals).enumerate() {
        sink.loss(sample, (gap + total.ln()).as_f64());
    }
}

fn squared_error<S: Real>(outputs: &[S], values: &[S], samples: usize, sink: &mut impl LossSink) {
    let units = outputs.len() / samples;
    for (sample, wanted) in values.chunks_exact(units).enumerate() {
        let squares = wanted.iter().enumerate().map(|(unit, &wanted)| {
            let gap = (outputs[unit * samples + sample] - wanted).as_f64();
            gap * gap
        });
        sink.loss(sample, squares.sum::<f64>() / units as f64);
    }
}

/// The derivative of `scale`·loss by the outputs, in place of what [`evaluate`] left of them.
pub(crate) fn derivative<S: Real>(outputs: &mut [S], wanted: TargetSlice<'_, S>, samples: usize, scale: f64) {
    match wanted {
        TargetSlice::Labels(labels) => {
            for (sample, &label) in labels.iter().enumerate() {
                outputs[label as usize * samples + sample] -= S::one();
            }
            let scale = S::from_f64(scale);
            for z in outputs {
                *z *= scale;
            }
        }
        TargetSlice::Values(values) => {
            let units = outputs.len() / samples;
            let scale = S::from_f64(2.0 * scale / units as f64);
            for (sample, wanted) in values.chunks_exact(units).enumerate() {
                for (unit, &wanted) in wanted.iter().enumerate() {
                    let z = &mut outputs[unit * samples + sample];
                    *z = (*z - wanted) * scale;
                }
            }
        }
    }
}

/// R of the derivative: the second derivative of `scale`·loss times the tangent, in its place.
///
/// `outputs` is what [`evaluate`] left, before [`derivative`]. With labels, for each sample
/// p ⊙ (Rz − Σₖ pₖ·Rzₖ). `scratch` is scratch memory for a value a sample.
pub(crate) fn second_derivative<S: Real>(
    criterion: Criterion,
    outputs: &[S],
    tangent: &mut [S],
    scratch: &mut [S],
    scale: f64,
) {
    match criterion {
        Criterion::CrossEntropy => {
            SoftmaxTangent { outputs, tangent, mean: scratch, scale: S::from_f64(scale) }.run();
        }
        Criterion::MeanSquaredError => {
            let units = outputs.len() / scratch.len();
            let scale = S::from_f64(2.0 * scale / units as f64);
            for t in tangent {
                *t *= scale;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use approx::assert_relative_eq;

    use super::*;

    #[test]
    fn cross_entropy_of_known_outputs() {
        // Two samples, three classes, [class, sample].
        let mut z = [1.0_f64, 0.0, 2.0, 0.0, 3.0, 0.0];
        let sums = evaluate(&mut z, TargetSlice::Labels(&[2, 0]), 2, &mut [0.0; 6]);
        let first = (1.0 + (-1.0_f64).exp() + (-2.0_f64).exp()).ln();
        assert_relative_eq!(sums.loss, first + 3.0_f64.ln(), max_relative = 1e-14);
        assert_eq!(sums.hits, 2.0, "of equal outputs the first counts");
        assert_relative_eq!(z[1], 1.0 / 3.0, max_relative = 1e-15);
    }

    #[test]
    fn huge_outputs_do_not_overflow_and_nan_is_kept() {
        let mut z = [1e30_f32, -1e30];
        let sums = evaluate(&mut z, TargetSlice::Labels(&[1]), 1, &mut [0.0; 3]);
        assert_relative_eq!(sums.loss, f64::from(2.0 * 1e30_f32), max_relative = 1e-6);
        for place in 0..3 {
            let mut z = [0.0_f32; 3];
            z[place] = f32::NAN;
            let sums = evaluate(&mut z, TargetSlice::Labels(&[0]), 1, &mut [0.0; 3]);
            assert!(sums.loss.is_nan() && sums.hits == 0.0, "NaN at {place}");
        }
    }
}
