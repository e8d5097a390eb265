//! Batch normalisation folded into the convolution before it, and the derivatives of that.
//!
//! In evaluation mode γ·(W∗x + b − mean)/√(variance + ε) + β is the convolution with filters
//! s·W and bias β + s·(b − mean), where s = γ/√(variance + ε). So a network is computed in these
//! folded parameters φ(θ) alone, and only gradients and products go through φ and its derivatives.
//!
//! φ and its transpose are each written once, over numbers that may carry a derivative along a direction: with
//! plain numbers they give φ and gradients, with [`Dual`] ones the derivatives of both.

use std::ops::Range;

use loss_landscape::Scalar;

use super::graph::BatchNormBlocks;

/// φ(θ), piece by piece.
#[derive(Clone, Debug, Default)]
pub(crate) struct BatchNormFolding {
    pub(crate) segments: Vec<FoldSegment>,
    /// The number of folded parameters.
    pub(crate) len: usize,
}

/// A piece of φ. `to…` ranges are of φ, all others of θ.
#[derive(Clone, Debug)]
pub(crate) enum FoldSegment {
    /// Parameters as they are.
    Plain { from: Range<usize>, to: Range<usize> },
    /// A normalisation, and the convolution before it. Without one it is a factor and a shift for each channel:
    /// what becomes of filters of a single weight 1.
    Normalised {
        weight: Option<Range<usize>>,
        bias: Option<Range<usize>>,
        norm: BatchNormBlocks,
        to_weight: Range<usize>,
        to_bias: Range<usize>,
    },
}

impl BatchNormFolding {
    /// Takes the next `len` places of φ.
    pub(crate) fn reserve(&mut self, len: usize) -> Range<usize> {
        let start = self.len;
        self.len += len;
        start..self.len
    }

    /// The filters in θ that are folded to a range of φ.
    ///
    /// # Panics
    /// If no filters are.
    pub(crate) fn source(&self, folded: &Range<usize>) -> Range<usize> {
        let source = self.segments.iter().find_map(|segment| match segment {
            FoldSegment::Plain { from, to } => (to == folded).then(|| from.clone()),
            FoldSegment::Normalised { weight, to_weight, .. } => {
                if to_weight == folded {
                    weight.clone()
                } else {
                    None
                }
            }
        });
        source.expect("the filters of a convolution are folded from parameters")
    }

    /// What the filters of one output are multiplied with on their way to a range of φ.
    pub(crate) fn scale<S: Scalar>(&self, theta: &[S], folded: &Range<usize>, channel: usize) -> S {
        let scale = self.segments.iter().find_map(|segment| match segment {
            FoldSegment::Plain { to, .. } => (to == folded).then(S::one),
            FoldSegment::Normalised { norm, to_weight, .. } => (to_weight == folded)
                .then(|| theta[norm.scale.start + channel] * inverse(theta, norm, channel)),
        });
        scale.expect("the filters of a convolution are folded from parameters")
    }

    /// φ(θ).
    pub(crate) fn apply<S: Scalar>(&self, theta: &[S], phi: &mut [S]) {
        self.fold(theta, |i| theta[i], |i, folded| phi[i] = folded);
    }

    /// The derivative of φ along v; buffers stand still.
    pub(crate) fn push<S: Scalar>(&self, theta: &[S], v: &[S], out: &mut [S]) {
        let parameter = |i| Dual { value: theta[i], tangent: v[i] };
        self.fold(theta, parameter, |i, folded: Dual<S>| out[i] = folded.tangent);
    }

    /// The gradient by θ from that by φ; 0 for buffers.
    pub(crate) fn pull<S: Scalar>(&self, theta: &[S], gradient: &[S], out: &mut [S]) {
        out.fill(S::zero());
        self.fold_transposed(theta, |i| theta[i], |i| gradient[i], |i, by_theta| out[i] = by_theta);
    }

    /// The derivative of [`pull`](Self::pull) along v, `tangent` being that of `gradient`.
    pub(crate) fn pull_tangent<S: Scalar>(
        &self,
        theta: &[S],
        v: &[S],
        gradient: &[S],
        tangent: &[S],
        out: &mut [S],
    ) {
        out.fill(S::zero());
        let parameter = |i| Dual { value: theta[i], tangent: v[i] };
        let folded = |i| Dual { value: gradient[i], tangent: tangent[i] };
        self.fold_transposed(theta, parameter, folded, |i, by_theta: Dual<S>| out[i] = by_theta.tangent);
    }

    /// φ, of numbers for each parameter to numbers for each folded one.
    fn fold<S: Scalar, N: FoldNumber<S>>(
        &self,
        theta: &[S],
        parameter: impl Fn(usize) -> N,
        mut write: impl FnMut(usize, N),
    ) {
        for segment in &self.segments {
            match segment {
                FoldSegment::Plain { from, to } => {
                    for (from, to) in from.clone().zip(to.clone()) {
                        write(to, parameter(from));
                    }
                }
                FoldSegment::Normalised { weight, bias, norm, to_weight, to_bias } => {
                    let filter = to_weight.len() / to_bias.len();
                    for channel in 0..to_bias.len() {
                        let scale =
                            parameter(norm.scale.start + channel).times(inverse(theta, norm, channel));
                        let to = to_weight.start + channel * filter;
                        match weight {
                            Some(weight) => {
                                let from = weight.start + channel * filter;
                                for i in 0..filter {
                                    write(to + i, scale.product(parameter(from + i)));
                                }
                            }
                            None => write(to, scale),
                        }
                        let centred = centred(theta, &parameter, bias.as_ref(), norm, channel);
                        let shift = parameter(norm.shift.start + channel);
                        write(to_bias.start + channel, shift.plus_product(scale, centred));
                    }
                }
            }
        }
    }

    /// The transpose of the derivative of φ, of derivatives by folded parameters to derivatives by θ.
    fn fold_transposed<S: Scalar, N: FoldNumber<S>>(
        &self,
        theta: &[S],
        parameter: impl Fn(usize) -> N,
        by_folded: impl Fn(usize) -> N,
        mut write: impl FnMut(usize, N),
    ) {
        for segment in &self.segments {
            match segment {
                FoldSegment::Plain { from, to } => {
                    for (from, to) in from.clone().zip(to.clone()) {
                        write(from, by_folded(to));
                    }
                }
                FoldSegment::Normalised { weight, bias, norm, to_weight, to_bias } => {
                    let filter = to_weight.len() / to_bias.len();
                    for channel in 0..to_bias.len() {
                        let inverse = inverse(theta, norm, channel);
                        let scale = parameter(norm.scale.start + channel).times(inverse);
                        let to = to_weight.start + channel * filter;
                        let by_bias = by_folded(to_bias.start + channel);
                        let by_filters = match weight {
                            Some(weight) => {
                                let from = weight.start + channel * filter;
                                for i in 0..filter {
                                    write(from + i, scale.product(by_folded(to + i)));
                                }
                                N::dot((0..filter).map(|i| (by_folded(to + i), parameter(from + i))))
                            }
                            None => by_folded(to),
                        };
                        let centred = centred(theta, &parameter, bias.as_ref(), norm, channel);
                        let by_scale = by_filters.plus_product(by_bias, centred);
                        write(norm.scale.start + channel, by_scale.times(inverse));
                        write(norm.shift.start + channel, by_bias);
                        if let Some(bias) = bias {
                            write(bias.start + channel, scale.product(by_bias));
                        }
                    }
                }
            }
        }
    }
}

/// A number, or a number with a derivative.
trait FoldNumber<S>: Copy {
    /// a, which does not depend on θ.
    fn constant(a: S) -> Self;
    /// self · a.
    fn times(self, a: S) -> Self;
    /// self − a.
    fn less(self, a: S) -> Self;
    /// self · b.
    fn product(self, b: Self) -> Self;
    /// self + a · b.
    fn plus_product(self, a: Self, b: Self) -> Self;
    /// Σ a · b.
    fn dot(pairs: impl Iterator<Item = (Self, Self)>) -> Self;
}

impl<S: Scalar> FoldNumber<S> for S {
    fn constant(a: S) -> Self {
        a
    }

    fn times(self, a: S) -> Self {
        self * a
    }

    fn less(self, a: S) -> Self {
        self - a
    }

    fn product(self, b: Self) -> Self {
        self * b
    }

    fn plus_product(self, a: Self, b: Self) -> Self {
        self + a * b
    }

    fn dot(pairs: impl Iterator<Item = (Self, Self)>) -> Self {
        pairs.fold(S::zero(), |sum, (a, b)| sum + a * b)
    }
}

/// A number and its derivative along a direction.
#[derive(Clone, Copy, Debug)]
struct Dual<S> {
    value: S,
    tangent: S,
}

impl<S: Scalar> FoldNumber<S> for Dual<S> {
    fn constant(a: S) -> Self {
        Self { value: a, tangent: S::zero() }
    }

    fn times(self, a: S) -> Self {
        Self { value: self.value * a, tangent: self.tangent * a }
    }

    fn less(self, a: S) -> Self {
        Self { value: self.value - a, ..self }
    }

    fn product(self, b: Self) -> Self {
        Self { value: self.value * b.value, tangent: self.tangent * b.value + self.value * b.tangent }
    }

    fn plus_product(self, a: Self, b: Self) -> Self {
        Self {
            value: self.value + a.value * b.value,
            tangent: self.tangent + a.tangent * b.value + a.value * b.tangent,
        }
    }

    fn dot(pairs: impl Iterator<Item = (Self, Self)>) -> Self {
        let zero = S::zero();
        let (value, left, right) = pairs.fold((zero, zero, zero), |(value, left, right), (a, b)| {
            (value + a.value * b.value, left + a.tangent * b.value, right + a.value * b.tangent)
        });
        Self { value, tangent: left + right }
    }
}

/// 1/√(variance + ε) of a channel.
fn inverse<S: Scalar>(theta: &[S], norm: &BatchNormBlocks, channel: usize) -> S {
    S::one() / (theta[norm.variance.start + channel] + S::from_f64(norm.epsilon)).sqrt()
}

/// The bias of a convolution less the mean that follows it.
fn centred<S: Scalar, N: FoldNumber<S>>(
    theta: &[S],
    parameter: &impl Fn(usize) -> N,
    bias: Option<&Range<usize>>,
    norm: &BatchNormBlocks,
    channel: usize,
) -> N {
    let bias = bias.map_or_else(|| N::constant(S::zero()), |bias| parameter(bias.start + channel));
    bias.less(theta[norm.mean.start + channel])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two channels of filters of three weights with a bias and a normalisation, two channels of a normalisation
    /// alone, and two plain parameters.
    fn folding() -> (BatchNormFolding, Vec<f64>) {
        let blocks = |start: usize| BatchNormBlocks {
            scale: start..start + 2,
            shift: start + 2..start + 4,
            mean: start + 4..start + 6,
            variance: start + 6..start + 8,
            epsilon: 0.1,
        };
        let mut folding = BatchNormFolding::default();
        let conv = FoldSegment::Normalised {
            weight: Some(0..6),
            bias: Some(6..8),
            norm: blocks(8),
            to_weight: folding.reserve(6),
            to_bias: folding.reserve(2),
        };
        let alone = FoldSegment::Normalised {
            weight: None,
            bias: None,
            norm: blocks(16),
            to_weight: folding.reserve(2),
            to_bias: folding.reserve(2),
        };
        let plain = FoldSegment::Plain { from: 24..26, to: folding.reserve(2) };
        folding.segments = vec![conv, alone, plain];
        (folding, (0..26).map(|i| 1.0 + 0.5 * f64::from(i).sin()).collect())
    }

    fn numbers(len: usize, step: f64) -> Vec<f64> {
        (0..len).map(|i| (step * i as f64 + 0.3).sin()).collect()
    }

    fn dot(a: &[f64], b: &[f64]) -> f64 {
        a.iter().zip(b).map(|(a, b)| a * b).sum()
    }

    #[test]
    fn folded_values_are_those_of_the_formula() {
        let (folding, theta) = folding();
        let mut phi = vec![f64::NAN; folding.len];
        folding.apply(&theta, &mut phi);
        let s = |start: usize, c: usize| theta[start + c] / (theta[start + 6 + c] + 0.1).sqrt();
        for c in 0..2 {
            for i in 0..3 {
                approx::assert_relative_eq!(phi[3 * c + i], s(8, c) * theta[3 * c + i], max_relative = 1e-15);
            }
            let bias = theta[10 + c] + s(8, c) * (theta[6 + c] - theta[12 + c]);
            approx::assert_relative_eq!(phi[6 + c], bias, max_relative = 1e-14);
            approx::assert_relative_eq!(phi[8 + c], s(16, c), max_relative = 1e-15);
            approx::assert_relative_eq!(
                phi[10 + c],
                theta[18 + c] - s(16, c) * theta[20 + c],
                max_relative = 1e-14
            );
        }
        assert_eq!(phi[12..], theta[24..]);
        assert_eq!(folding.source(&(0..6)), 0..6);
        assert_eq!(folding.scale(&theta, &(0..6), 1), s(8, 1));
        assert_eq!(folding.scale(&theta, &(12..14), 1), 1.0);
    }

    #[test]
    fn derivatives_are_differences_and_the_transpose_is_one() {
        let (folding, theta) = folding();
        let mut v = numbers(26, 1.7);
        // Buffers stand still.
        for buffers in [12..16, 20..24] {
            v[buffers].fill(0.0);
        }
        let at = |h: f64| -> Vec<f64> { theta.iter().zip(&v).map(|(t, v)| t + h * v).collect() };
        let apply = |theta: &[f64]| {
            let mut phi = vec![f64::NAN; folding.len];
            folding.apply(theta, &mut phi);
            phi
        };
        let mut pushed = vec![f64::NAN; folding.len];
        folding.push(&theta, &v, &mut pushed);
        let h = 1e-6;
        for ((above, below), pushed) in apply(&at(h)).iter().zip(apply(&at(-h))).zip(&pushed) {
            approx::assert_abs_diff_eq!((above - below) / (2.0 * h), *pushed, epsilon = 1e-9);
        }
        let (gradient, tangent) = (numbers(folding.len, 0.7), numbers(folding.len, 2.9));
        let pull = |theta: &[f64], gradient: &[f64]| {
            let mut out = vec![f64::NAN; 26];
            folding.pull(theta, gradient, &mut out);
            out
        };
        approx::assert_relative_eq!(
            dot(&pull(&theta, &gradient), &v),
            dot(&gradient, &pushed),
            max_relative = 1e-13
        );
        let mut pulled = vec![f64::NAN; 26];
        folding.pull_tangent(&theta, &v, &gradient, &tangent, &mut pulled);
        let moved = |h: f64| -> Vec<f64> { gradient.iter().zip(&tangent).map(|(g, t)| g + h * t).collect() };
        let (above, below) = (pull(&at(h), &moved(h)), pull(&at(-h), &moved(-h)));
        for ((above, below), pulled) in above.iter().zip(below).zip(&pulled) {
            approx::assert_abs_diff_eq!((above - below) / (2.0 * h), *pulled, epsilon = 1e-8);
        }
    }
}
