//! Batch normalisation folded into the convolution before it, and the derivatives of that.
//!
//! In evaluation mode γ·(W∗x + b − mean)/√(variance + ε) + β is the convolution with filters
//! s·W and bias β + s·(b − mean), where s = γ/√(variance + ε). So a network is computed in these
//! folded parameters φ(θ) alone, and only gradients and products go through φ and its derivatives.

use std::ops::Range;

use super::graph::Norm;
use crate::NetScalar;

/// φ(θ), piece by piece.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fold {
    pub(crate) segments: Vec<Segment>,
    /// The number of folded parameters.
    pub(crate) len: usize,
}

/// A piece of φ. `to…` ranges are of φ, all others of θ.
#[derive(Clone, Debug)]
pub(crate) enum Segment {
    /// Parameters as they are.
    Plain { from: Range<usize>, to: Range<usize> },
    /// A convolution and the normalisation behind it.
    Conv {
        weight: Range<usize>,
        bias: Option<Range<usize>>,
        norm: Norm,
        to_weight: Range<usize>,
        to_bias: Range<usize>,
    },
    /// A normalisation alone: a factor and a shift for each channel.
    Norm { norm: Norm, to_factors: Range<usize>, to_shifts: Range<usize> },
}

/// 1/√(variance + ε) of a channel.
fn inverse<S: NetScalar>(theta: &[S], norm: &Norm, channel: usize) -> S {
    S::one() / (theta[norm.variance.start + channel] + S::from_f64(norm.epsilon)).sqrt()
}

fn dot<S: NetScalar>(a: &[S], b: &[S]) -> S {
    a.iter().zip(b).fold(S::zero(), |sum, (&a, &b)| sum + a * b)
}

impl Fold {
    /// Takes the next `len` places of φ.
    pub(crate) fn reserve(&mut self, len: usize) -> Range<usize> {
        let start = self.len;
        self.len += len;
        start..self.len
    }

    /// Where in θ the filters lie that are folded to a range of φ.
    pub(crate) fn source(&self, folded: &Range<usize>) -> Option<Range<usize>> {
        self.segments.iter().find_map(|segment| match segment {
            Segment::Plain { from, to } => (to == folded).then(|| from.clone()),
            Segment::Conv { weight, to_weight, .. } => (to_weight == folded).then(|| weight.clone()),
            Segment::Norm { .. } => None,
        })
    }

    /// What the filters of one output are multiplied with on their way to a range of φ.
    pub(crate) fn scale<S: NetScalar>(&self, theta: &[S], folded: &Range<usize>, channel: usize) -> S {
        let scale = self.segments.iter().find_map(|segment| match segment {
            Segment::Conv { norm, to_weight, .. } if to_weight == folded => {
                Some(theta[norm.scale.start + channel] * inverse(theta, norm, channel))
            }
            _ => None,
        });
        scale.unwrap_or_else(S::one)
    }

    /// φ(θ).
    pub(crate) fn apply<S: NetScalar>(&self, theta: &[S], phi: &mut [S]) {
        for segment in &self.segments {
            match segment {
                Segment::Plain { from, to } => phi[to.clone()].copy_from_slice(&theta[from.clone()]),
                Segment::Conv { weight, bias, norm, to_weight, to_bias } => {
                    let filter = weight.len() / to_bias.len();
                    for channel in 0..to_bias.len() {
                        let scale = theta[norm.scale.start + channel] * inverse(theta, norm, channel);
                        let from = &theta[weight.start + channel * filter..][..filter];
                        for (to, &from) in phi[to_weight.start + channel * filter..].iter_mut().zip(from) {
                            *to = scale * from;
                        }
                        let centred = centred(theta, bias.as_ref(), norm, channel);
                        phi[to_bias.start + channel] = theta[norm.shift.start + channel] + scale * centred;
                    }
                }
                Segment::Norm { norm, to_factors, to_shifts } => {
                    for channel in 0..to_factors.len() {
                        let scale = theta[norm.scale.start + channel] * inverse(theta, norm, channel);
                        phi[to_factors.start + channel] = scale;
                        phi[to_shifts.start + channel] =
                            theta[norm.shift.start + channel] - scale * theta[norm.mean.start + channel];
                    }
                }
            }
        }
    }

    /// The derivative of φ along v; buffers stand still.
    pub(crate) fn push<S: NetScalar>(&self, theta: &[S], v: &[S], out: &mut [S]) {
        for segment in &self.segments {
            match segment {
                Segment::Plain { from, to } => out[to.clone()].copy_from_slice(&v[from.clone()]),
                Segment::Conv { weight, bias, norm, to_weight, to_bias } => {
                    let filter = weight.len() / to_bias.len();
                    for channel in 0..to_bias.len() {
                        let inverse = inverse(theta, norm, channel);
                        let scale = theta[norm.scale.start + channel] * inverse;
                        let scale_r = v[norm.scale.start + channel] * inverse;
                        let at = weight.start + channel * filter;
                        let from = theta[at..at + filter].iter().zip(&v[at..at + filter]);
                        for (to, (&w, &v)) in out[to_weight.start + channel * filter..].iter_mut().zip(from) {
                            *to = scale_r * w + scale * v;
                        }
                        let bias_r = bias.as_ref().map_or(S::zero(), |bias| v[bias.start + channel]);
                        out[to_bias.start + channel] = v[norm.shift.start + channel]
                            + scale_r * centred(theta, bias.as_ref(), norm, channel)
                            + scale * bias_r;
                    }
                }
                Segment::Norm { norm, to_factors, to_shifts } => {
                    for channel in 0..to_factors.len() {
                        let scale_r = v[norm.scale.start + channel] * inverse(theta, norm, channel);
                        out[to_factors.start + channel] = scale_r;
                        out[to_shifts.start + channel] =
                            v[norm.shift.start + channel] - scale_r * theta[norm.mean.start + channel];
                    }
                }
            }
        }
    }

    /// The gradient by θ from that by φ; 0 for buffers.
    pub(crate) fn pull<S: NetScalar>(&self, theta: &[S], gradient: &[S], out: &mut [S]) {
        out.fill(S::zero());
        for segment in &self.segments {
            match segment {
                Segment::Plain { from, to } => out[from.clone()].copy_from_slice(&gradient[to.clone()]),
                Segment::Conv { weight, bias, norm, to_weight, to_bias } => {
                    let filter = weight.len() / to_bias.len();
                    for channel in 0..to_bias.len() {
                        let inverse = inverse(theta, norm, channel);
                        let scale = theta[norm.scale.start + channel] * inverse;
                        let at = weight.start + channel * filter;
                        let g = &gradient[to_weight.start + channel * filter..][..filter];
                        let g_bias = gradient[to_bias.start + channel];
                        for (out, &g) in out[at..at + filter].iter_mut().zip(g) {
                            *out = scale * g;
                        }
                        let by_scale = dot(g, &theta[at..at + filter])
                            + g_bias * centred(theta, bias.as_ref(), norm, channel);
                        out[norm.scale.start + channel] = by_scale * inverse;
                        out[norm.shift.start + channel] = g_bias;
                        if let Some(bias) = bias {
                            out[bias.start + channel] = scale * g_bias;
                        }
                    }
                }
                Segment::Norm { norm, to_factors, to_shifts } => {
                    for channel in 0..to_factors.len() {
                        let g_shift = gradient[to_shifts.start + channel];
                        let by_scale =
                            gradient[to_factors.start + channel] - g_shift * theta[norm.mean.start + channel];
                        out[norm.scale.start + channel] = by_scale * inverse(theta, norm, channel);
                        out[norm.shift.start + channel] = g_shift;
                    }
                }
            }
        }
    }

    /// The derivative of [`pull`](Self::pull) along v, `tangent` being that of `gradient`.
    pub(crate) fn pull_tangent<S: NetScalar>(
        &self,
        theta: &[S],
        v: &[S],
        gradient: &[S],
        tangent: &[S],
        out: &mut [S],
    ) {
        out.fill(S::zero());
        for segment in &self.segments {
            match segment {
                Segment::Plain { from, to } => out[from.clone()].copy_from_slice(&tangent[to.clone()]),
                Segment::Conv { weight, bias, norm, to_weight, to_bias } => {
                    let filter = weight.len() / to_bias.len();
                    for channel in 0..to_bias.len() {
                        let inverse = inverse(theta, norm, channel);
                        let scale = theta[norm.scale.start + channel] * inverse;
                        let scale_r = v[norm.scale.start + channel] * inverse;
                        let at = weight.start + channel * filter;
                        let from = to_weight.start + channel * filter;
                        let (g, t) = (&gradient[from..from + filter], &tangent[from..from + filter]);
                        let (g_bias, t_bias) =
                            (gradient[to_bias.start + channel], tangent[to_bias.start + channel]);
                        for ((out, &g), &t) in out[at..at + filter].iter_mut().zip(g).zip(t) {
                            *out = scale * t + scale_r * g;
                        }
                        let bias_r = bias.as_ref().map_or(S::zero(), |bias| v[bias.start + channel]);
                        let by_scale = dot(t, &theta[at..at + filter])
                            + dot(g, &v[at..at + filter])
                            + t_bias * centred(theta, bias.as_ref(), norm, channel)
                            + g_bias * bias_r;
                        out[norm.scale.start + channel] = by_scale * inverse;
                        out[norm.shift.start + channel] = t_bias;
                        if let Some(bias) = bias {
                            out[bias.start + channel] = scale * t_bias + scale_r * g_bias;
                        }
                    }
                }
                Segment::Norm { norm, to_factors, to_shifts } => {
                    for channel in 0..to_factors.len() {
                        let t_shift = tangent[to_shifts.start + channel];
                        let by_scale =
                            tangent[to_factors.start + channel] - t_shift * theta[norm.mean.start + channel];
                        out[norm.scale.start + channel] = by_scale * inverse(theta, norm, channel);
                        out[norm.shift.start + channel] = t_shift;
                    }
                }
            }
        }
    }
}

/// The bias of a convolution less the mean behind it.
fn centred<S: NetScalar>(theta: &[S], bias: Option<&Range<usize>>, norm: &Norm, channel: usize) -> S {
    bias.map_or(S::zero(), |bias| theta[bias.start + channel]) - theta[norm.mean.start + channel]
}
