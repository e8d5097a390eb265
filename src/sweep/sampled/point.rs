//! One point of a sampled sweep: all samples at a node of the lattice, and as many as its target needs between them.

use super::{
    control::Control,
    draw::{Draw, Estimate},
    lattice::Lattice,
    settings::Target,
    store::{Store, Stores},
};
use crate::{
    Error, OracleError, Point, Prepared, Result, SampleLosses, Slice, Worker, engine::execution::Measurement,
    memory::filled, model::SampleWorker,
};

/// Estimated means as what a sweep measures.
pub(super) struct SampledMeasurement<'s> {
    pub(super) rule: Rule,
    pub(super) lattice: &'s Lattice,
    pub(super) stores: &'s Stores<'s>,
    /// The names of the channels that the oracle has.
    pub(super) channels: &'s [String],
    /// The names of the data sets.
    pub(super) sets: &'s [String],
    /// The node at which the losses of all samples are compared with the loss.
    pub(super) checked: usize,
    pub(super) points: usize,
}

/// When a point has samples enough, and its draws.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rule {
    pub(super) target: Target,
    pub(super) seed: u64,
}

/// Samples of the first draw at a point. With 48 a few intervals less hold.
pub(super) const PILOT: usize = 64;
/// With fewer samples than this all of them are evaluated.
pub(super) const LEAST: usize = 32;
/// A point that needs a larger share of all samples is finished in full.
pub(super) const MOST: f64 = 0.7;
/// Numbers of samples are whole sixteens, which networks compute side by side.
pub(super) const SIXTEEN: usize = 16;
/// How many more samples than the error asks for are taken, so that few points need another draw.
const MARGIN: f64 = 1.1;
/// By how much the number of samples may grow at once: an early estimate of an error may be far off.
const GROWTH: f64 = 4.0;
/// How far the mean of the samples' losses may be from the loss, as a share of the mean size of these: sums over many
/// samples in single precision are off by as much.
const ROUNDING: f64 = 1e-3;

/// One thread's worker on one data set.
struct SampledWorker<'a, 'm> {
    measurement: &'a SampledMeasurement<'a>,
    store: &'a Store,
    set: usize,
    oracle: Box<dyn SampleWorker + 'a>,
    /// The loss and other channels of all samples, as the oracle itself takes their means.
    measure: Box<Measure<'m>>,
    room: Room,
}

/// Writes the oracle's own channels at a point.
type Measure<'m> = dyn FnMut(Point, &mut [f64]) -> Result<(), OracleError> + 'm;

/// Memory for one point.
struct Room {
    control: Control,
    draw: Draw,
    /// The channels of the samples that were evaluated, [sample][channel].
    values: Vec<f64>,
    known: Vec<bool>,
    /// The samples to evaluate next, and what they give.
    next: Vec<usize>,
    found: Vec<f64>,
}

impl<M: SampleLosses<D> + ?Sized, D: ?Sized> Measurement<M, D> for SampledMeasurement<'_> {
    fn prepare<'p>(
        &'p self,
        model: &'p M,
        data: &'p D,
        _: usize,
        slice: &'p Slice<'p, M::Scalar>,
    ) -> Result<Option<Box<dyn Prepared + 'p>>, OracleError> {
        // Data that do not fit are found before the first point.
        model.sample_worker(slice, data).map(|_| None)
    }

    fn worker<'p>(
        &'p self,
        model: &'p M,
        data: &'p D,
        set: usize,
        slice: &'p Slice<'p, M::Scalar>,
    ) -> Result<Box<dyn Worker + 'p>, OracleError> {
        let store = self.stores.get(set);
        let measure = move |point: Point, out: &mut [f64]| {
            let mut theta = model.parameters().to_vec();
            slice.theta_into(point.coordinates, &mut theta);
            model.measure(&theta, data, out)
        };
        Ok(Box::new(SampledWorker {
            measurement: self,
            store,
            set,
            oracle: model.sample_worker(slice, data)?,
            measure: Box::new(measure),
            room: Room::new(store.samples(), self.channels.len())?,
        }))
    }
}

impl Room {
    fn new(samples: usize, channels: usize) -> Result<Self> {
        const WHAT: &str = "the losses of single samples";
        Ok(Self {
            control: Control::new(samples, channels)?,
            draw: Draw::new(samples)?,
            values: filled(WHAT, samples * channels, 0.0)?,
            known: filled(WHAT, samples, false)?,
            next: crate::memory::with_capacity(WHAT, samples)?,
            found: filled(WHAT, samples * channels, 0.0)?,
        })
    }
}

impl Worker for SampledWorker<'_, '_> {
    fn evaluate(&mut self, points: &[Point], _: usize, out: &mut [f64]) -> Result<(), OracleError> {
        let width = out.len() / points.len().max(1);
        for (&point, out) in points.iter().zip(out.chunks_exact_mut(width)) {
            self.room.known.fill(false);
            match self.measurement.lattice.node(point.number) {
                Some(node) => self.node(point, node, out)?,
                None => self.between(point, out)?,
            }
        }
        Ok(())
    }
}

impl SampledWorker<'_, '_> {
    fn channels(&self) -> usize {
        self.measurement.channels.len()
    }

    /// All samples at a node, which leaves their losses for the points around it.
    fn node(&mut self, point: Point, node: usize, out: &mut [f64]) -> Result<(), OracleError> {
        self.finish(point, out)?;
        if node == self.measurement.checked {
            self.check_means(point, out)?;
        }
        let (samples, channels) = (self.store.samples(), self.channels());
        let values = &self.room.values;
        let single = |channel: usize, sample: usize| {
            // Finite in single precision too: predictions need not be exact.
            (values[sample * channels + channel] as f32).clamp(f32::MIN, f32::MAX)
        };
        let left = (0..channels).flat_map(|channel| (0..samples).map(move |sample| single(channel, sample)));
        self.store.put(node, left.collect());
        Ok(())
    }

    /// As many samples as the target needs.
    fn between(&mut self, point: Point, out: &mut [f64]) -> Result<(), OracleError> {
        let samples = self.store.samples();
        let SampledMeasurement { rule, lattice, points, .. } = *self.measurement;
        let first = match rule.target {
            Target::Budget(_) => self.measurement.affordable(samples),
            _ => PILOT,
        };
        if samples < LEAST || first as f64 >= MOST * samples as f64 {
            return self.finish(point, out);
        }
        self.room.control.predict(lattice, self.store, point.number, &mut self.room.draw.sizes);
        self.room.draw.start(rule.seed, (self.set * points + point.number) as u64);
        let mut count = first;
        while (count as f64) < MOST * samples as f64 {
            self.room.next.clear();
            let known = &self.room.known;
            let new = self.room.draw.first(count).iter().map(|&sample| sample as usize);
            self.room.next.extend(new.filter(|&sample| !known[sample]));
            self.ask(point)?;
            let Estimate { mean, error } = self.estimate(0);
            let allowed = match rule.target {
                Target::Relative(share) => share * mean.abs(),
                Target::Absolute(error) => error,
                Target::Budget(_) => f64::INFINITY,
            };
            if error <= allowed {
                self.write_estimates(count, out);
                return Ok(());
            }
            let wanted = MARGIN * count as f64 * (error / allowed).powi(2);
            let wanted = if wanted.is_nan() { f64::INFINITY } else { wanted };
            let wanted = wanted.clamp((count + SIXTEEN) as f64, GROWTH * count as f64);
            count = (wanted as usize).next_multiple_of(SIXTEEN);
        }
        self.finish(point, out)
    }

    /// Evaluates the samples that are asked for next.
    fn ask(&mut self, point: Point) -> Result<(), OracleError> {
        let channels = self.measurement.channels.len();
        let Room { values, known, next, found, .. } = &mut self.room;
        let found = &mut found[..next.len() * channels];
        // What the oracle leaves unwritten must not pass for a value.
        found.fill(f64::NAN);
        self.oracle.evaluate(point, next, found)?;
        for (&sample, found) in next.iter().zip(found.chunks_exact(channels)) {
            if let Some(channel) = found.iter().position(|value| !value.is_finite()) {
                let (name, value) = (self.measurement.channels[channel].clone(), found[channel]);
                return Err(Error::NonFiniteSample { channel: name, sample, value }.into());
            }
            values[sample * channels..][..channels].copy_from_slice(found);
            known[sample] = true;
        }
        Ok(())
    }

    fn estimate(&self, channel: usize) -> Estimate {
        let Room { control, draw, values, .. } = &self.room;
        let (samples, channels) = (self.store.samples(), self.channels());
        let predicted = &control.predicted[channel * samples..][..samples];
        draw.estimate(control.sums[channel], |i| values[i * channels + channel] - predicted[i])
    }

    fn write_estimates(&self, count: usize, out: &mut [f64]) {
        let channels = self.channels();
        for channel in 0..channels {
            let Estimate { mean, error } = self.estimate(channel);
            (out[channel], out[channels + channel]) = (mean, error);
        }
        out[2 * channels] = count as f64;
    }

    /// Evaluates all samples that are left, and writes the means of all.
    fn finish(&mut self, point: Point, out: &mut [f64]) -> Result<(), OracleError> {
        let (samples, channels) = (self.store.samples(), self.channels());
        let Room { known, next, .. } = &mut self.room;
        next.clear();
        next.extend((0..samples).filter(|&sample| !known[sample]));
        self.ask(point)?;
        let (means, rest) = out.split_at_mut(channels);
        means.fill(0.0);
        for values in self.room.values.chunks_exact(channels) {
            means.iter_mut().zip(values).for_each(|(mean, value)| *mean += value);
        }
        for mean in means {
            *mean /= samples as f64;
        }
        rest[..channels].fill(0.0);
        rest[channels] = samples as f64;
        Ok(())
    }

    /// Compares the means of all samples with what the oracle says they are.
    fn check_means(&mut self, point: Point, means: &[f64]) -> Result<(), OracleError> {
        let (samples, channels) = (self.store.samples(), self.channels());
        let mut own = vec![f64::NAN; channels];
        (self.measure)(point, &mut own)?;
        for (channel, (&mean, own)) in means.iter().zip(own).enumerate() {
            let sizes = self.room.values.chunks_exact(channels).map(|values| values[channel].abs());
            let size = sizes.sum::<f64>() / samples as f64;
            if own.is_nan() || (mean - own).abs() > ROUNDING * size {
                let channel = self.measurement.channels[channel].clone();
                let data = self.measurement.sets[self.set].clone();
                return Err(Error::SampleMeans { channel, data, samples, mean, own }.into());
            }
        }
        Ok(())
    }
}

impl SampledMeasurement<'_> {
    /// How many samples a point between nodes may have by the budget, whole sixteens; checked before the sweep.
    fn affordable(&self, samples: usize) -> usize {
        let Target::Budget(share) = self.rule.target else { return samples };
        affordable(share, self.points, self.lattice.len(), samples)
    }
}

/// How many samples a point between nodes may have with this share of all evaluations, whole sixteens.
pub(super) fn affordable(share: f64, points: usize, nodes: usize, samples: usize) -> usize {
    let left = share * points as f64 - nodes as f64;
    let each = left * samples as f64 / (points - nodes).max(1) as f64;
    (each.max(0.0) as usize).min(samples) / SIXTEEN * SIXTEEN
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_what_nodes_leave() {
        // 121 of 2,601 points take 4.65 %; a tenth leaves 2,804 of 50,000 samples for each of the others.
        let each = affordable(0.1, 2601, 121, 50_000);
        assert_eq!(each % SIXTEEN, 0);
        let spent = 121.0 * 50_000.0 + 2480.0 * each as f64;
        let budget = 0.1 * 2601.0 * 50_000.0;
        assert!(spent <= budget && spent + 2480.0 * 16.0 > budget);
        assert_eq!(affordable(0.04, 2601, 121, 50_000), 0);
        assert_eq!(affordable(1.0, 2601, 121, 1600), 1600);
    }
}
