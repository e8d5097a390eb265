//! What the lattice predicts of each sample at a point between its nodes, and how far off that may be.
//!
//! Losses are interpolated on the scale 10·arsinh(g/10) with g = ln(eˡ − 1), the inverse of the softplus. On it a small
//! loss is its logarithm and a large one itself; the cross-entropy of two classes is there minus the margin of the
//! outputs, which is nearly linear over a short way. The arsinh bends it where |g| is far above 10: deep networks' outputs grow
//! faster than linearly. `benches/sampled.rs` of the networks' crate compares it with other scales.

use super::{
    lattice::{Lattice, Weighted},
    store::Store,
};
use crate::{Result, memory::filled};

/// The predictions at one point.
pub(super) struct Control {
    /// The channels of each sample, [channel][sample]; 0 where nothing is predicted.
    pub(super) predicted: Vec<f64>,
    /// Their sums over all samples.
    pub(super) sums: Vec<f64>,
    /// How far off the prediction of a sample may be, by channel, as the mean over all samples.
    pub(super) doubts: Vec<f64>,
    cubic: Vec<Weighted>,
    corners: Vec<Weighted>,
}

/// The scale on which losses are interpolated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scale {
    /// 10·arsinh(ln(eˡ − 1)/10).
    Softplus,
    /// The losses themselves, where some are negative.
    Linear,
}

/// Losses below this are taken for it: its logarithm is as small as single precision tells apart.
const LEAST: f64 = 1e-8;
/// Above this eˡ − 1 is eˡ.
const LARGE: f64 = 36.0;
/// Where the scale turns from linear to logarithmic.
const BEND: f64 = 10.0;
/// The largest argument of a hyperbolic sine that stays in single precision.
const MOST: f64 = 80.0;
/// Nodes at the corners of a cell.
const CORNERS: usize = 4;
/// How far a prediction may be off, in parts of the range of the losses at the corners, beside its distance from the
/// linear interpolation.
const RANGE: f64 = 0.1;
/// The weight of further channels in the probability of being drawn.
const FURTHER: f64 = 0.25;
/// The size that every sample has, as a share of the typical one: it bounds what a surprise may weigh.
const FLOOR: f64 = 0.1;

impl Scale {
    pub(super) fn forward(self, loss: f64) -> f64 {
        match self {
            Self::Linear => loss,
            Self::Softplus if loss > LARGE => BEND * (loss / BEND).asinh(),
            Self::Softplus => {
                let loss = loss.max(LEAST);
                BEND * ((loss + (-(-loss).exp_m1()).ln()) / BEND).asinh()
            }
        }
    }

    pub(super) fn backward(self, value: f64) -> f64 {
        match self {
            Self::Linear => value,
            Self::Softplus => {
                // Beyond that, a polynomial has run away.
                let value = BEND * (value / BEND).clamp(-MOST, MOST).sinh();
                value.max(0.0) + (-value.abs()).exp().ln_1p()
            }
        }
    }
}

impl Control {
    /// Bytes for each sample.
    pub(super) fn bytes_per_sample(channels: usize) -> u64 {
        8 * channels as u64
    }

    /// Room for these samples and channels.
    pub(super) fn new(samples: usize, channels: usize) -> Result<Self> {
        let predicted = filled("the predictions of a sampled sweep", samples * channels, 0.0)?;
        Ok(Self {
            predicted,
            sums: vec![0.0; channels],
            doubts: vec![0.0; channels],
            cubic: Vec::new(),
            corners: Vec::new(),
        })
    }

    /// Predicts all samples at a point, and writes the sizes by which they are to be drawn.
    pub(super) fn predict(&mut self, lattice: &Lattice, store: &Store, point: usize, sizes: &mut [f64]) {
        let samples = sizes.len();
        lattice.cubic(point, &mut self.cubic);
        lattice.corners(point, &mut self.corners);
        let known = |nodes: &[Weighted]| nodes.iter().all(|w| store.node(w.node).is_some());
        if !known(&self.corners) {
            // A corner failed: every sample is as likely as any other, and nothing is taken for known.
            self.predicted.fill(0.0);
            self.sums.fill(0.0);
            self.doubts.fill(0.0);
            return sizes.fill(1.0);
        }
        if !known(&self.cubic) {
            self.cubic.clone_from(&self.corners);
        }
        let (loss, further) = self.predicted.split_at_mut(samples);
        predict_loss(store, &self.cubic, &self.corners, loss, sizes);
        self.doubts[0] = sizes.iter().sum::<f64>() / samples as f64;
        normalise(sizes, 1.0);
        for (channel, predicted) in further.chunks_exact_mut(samples).enumerate() {
            self.doubts[channel + 1] = add_further(store, channel + 1, &self.corners, predicted, sizes);
        }
        raise(sizes);
        for (sum, predicted) in self.sums.iter_mut().zip(self.predicted.chunks_exact(samples)) {
            *sum = predicted.iter().sum();
        }
    }
}

/// Interpolates the first channel, and writes how far off it may be.
fn predict_loss(store: &Store, cubic: &[Weighted], corners: &[Weighted], out: &mut [f64], doubt: &mut [f64]) {
    let scale = store.scale();
    let of = |w: &Weighted| store.node(w.node).map_or(&[][..], |node| node.scaled(scale, store.samples()));
    out.fill(0.0);
    for w in cubic {
        out.iter_mut().zip(of(w)).for_each(|(out, g)| *out += w.weight * f64::from(*g));
    }
    let mut room = [(0.0, &[][..]); CORNERS];
    let corners = with_values(corners, of, &mut room);
    for (sample, (out, doubt)) in out.iter_mut().zip(doubt).enumerate() {
        let (mut linear, mut low, mut high) = (0.0, f64::INFINITY, f64::NEG_INFINITY);
        for (weight, values) in corners {
            let g = f64::from(values[sample]);
            linear += weight * g;
            low = low.min(g);
            high = high.max(g);
        }
        *out = scale.backward(*out);
        *doubt = (*out - scale.backward(linear)).abs() + RANGE * (scale.backward(high) - scale.backward(low));
    }
}

/// Weights with the values that belong to them.
fn with_values<'r, 'v>(
    corners: &[Weighted],
    of: impl Fn(&Weighted) -> &'v [f32],
    room: &'r mut [(f64, &'v [f32]); CORNERS],
) -> &'r [(f64, &'v [f32])] {
    for (room, corner) in room.iter_mut().zip(corners) {
        *room = (corner.weight, of(corner));
    }
    &room[..corners.len()]
}

/// Interpolates another channel, linearly, and adds its range at the corners to the sizes; returns the mean of the
/// ranges.
fn add_further(
    store: &Store,
    channel: usize,
    corners: &[Weighted],
    out: &mut [f64],
    sizes: &mut [f64],
) -> f64 {
    let samples = out.len();
    let of = |w: &Weighted| store.node(w.node).map_or(&[][..], |node| node.channel(channel, samples));
    let mut room = [(0.0, &[][..]); CORNERS];
    let corners = with_values(corners, of, &mut room);
    let range = |sample: usize| {
        let values = corners.iter().map(|(_, values)| values[sample]);
        values.clone().fold(f32::NEG_INFINITY, f32::max) - values.fold(f32::INFINITY, f32::min)
    };
    let total: f64 = (0..samples).map(|sample| f64::from(range(sample))).sum();
    let weight = if total > 0.0 { FURTHER * samples as f64 / total } else { 0.0 };
    for (sample, (out, size)) in out.iter_mut().zip(sizes).enumerate() {
        *out = corners.iter().map(|(weight, values)| weight * f64::from(values[sample])).sum();
        *size += weight * f64::from(range(sample));
    }
    total / samples as f64
}

/// Adds a share of the typical size to all. The mean of roots, squared, is not what a few huge ones make it.
fn raise(sizes: &mut [f64]) {
    let typical = (sizes.iter().map(|size| size.sqrt()).sum::<f64>() / sizes.len() as f64).powi(2);
    let floor = if typical > 0.0 { FLOOR * typical } else { 1.0 };
    for size in sizes {
        *size += floor;
    }
}

/// Scales values to this mean; all become 0 where they are, or where one has no bound.
fn normalise(values: &mut [f64], mean: f64) {
    let sum: f64 = values.iter().sum();
    let factor = mean * values.len() as f64 / sum;
    if factor.is_finite() && sum.is_finite() {
        for value in values {
            *value *= factor;
        }
    } else {
        values.fill(0.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scale_goes_back_to_where_it_came_from() {
        for loss in [1e-7, 1e-3, 0.1, 1.0, 5.0, 30.0, 40.0, 1e6] {
            let there = Scale::Softplus.forward(loss);
            assert!((Scale::Softplus.backward(there) / loss - 1.0).abs() < 1e-9, "{loss}");
        }
        assert!((Scale::Softplus.backward(Scale::Softplus.forward(0.0)) - LEAST).abs() < 1e-15);
        assert_eq!(Scale::Linear.backward(Scale::Linear.forward(-3.0)), -3.0);
        // The cross-entropy of two classes with a margin of 1.7.
        let margin = Scale::Softplus.forward((-1.7_f64).exp().ln_1p());
        assert!((margin + 10.0 * 0.17_f64.asinh()).abs() < 1e-12);
    }

    #[test]
    fn sizes_have_a_mean_or_are_nothing() {
        let mut values = [1.0, 3.0];
        normalise(&mut values, 1.0);
        assert_eq!(values, [0.5, 1.5]);
        for mut values in [[0.0, 0.0], [f64::INFINITY, 1.0]] {
            normalise(&mut values, 1.0);
            assert!(values.iter().all(|value| *value == 0.0));
        }
        let mut sizes = [1.0, 1.0, 1e12];
        raise(&mut sizes);
        // A third of the large one is no floor for the others.
        assert!(sizes[0] < 2e10, "{sizes:?}");
        let mut sizes = [0.0; 3];
        raise(&mut sizes);
        assert_eq!(sizes, [1.0; 3]);
    }
}
