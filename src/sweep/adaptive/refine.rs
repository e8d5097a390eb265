//! From coarse to fine: stages of points, each chosen from what those before found.
//!
//! A stage is evaluated after its points were predicted, so that every one of them tests the interpolation
//! from outside. These errors scale the estimates of those to come; the ones at points drawn at random
//! decide when it is done, and are what the result states.

use ndarray_rand::rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::{
    choice::Choose,
    field::{Field, Place},
    lattice::Lattice,
    settings::{Adaptive, ErrorScale},
};
use crate::engine::stages::Choice;

/// Why an adaptive sweep ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AdaptiveEnd {
    /// Points drawn at random from those left out were all within the tolerance.
    Tolerance,
    /// The budget was spent.
    Budget,
    /// Every point was computed.
    AllPoints,
    /// What is left lies between points that are not finite, and nothing can be interpolated.
    NonFinite,
    /// The observer or a bad point stopped it; see [`SweepReport::end`](crate::report::SweepReport).
    Stopped,
}

/// How wrong the interpolation was at points that it did not know, before they were computed.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct HeldOut {
    /// How many points.
    pub points: usize,
    /// How many of them were off by more than the tolerance, or not finite though predicted.
    pub beyond: usize,
    /// Half of them were off by no more than this.
    pub median: f64,
    /// 95 % of them were off by no more than this.
    pub quantile_95: f64,
    /// The largest error; infinite if a point was not finite.
    pub largest: f64,
}

/// One stage of an adaptive sweep.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct RefinementStage {
    /// Points evaluated.
    pub points: usize,
    /// Whether they were drawn at random from those left, as a check; else they were those most in doubt.
    pub check: bool,
    /// How far off they had been predicted; none in the first stage.
    pub held_out: Option<HeldOut>,
}

/// The state of a refinement.
pub(super) struct Refinement {
    lattice: Lattice,
    settings: Adaptive,
    /// The positions of the channels, those that steer first.
    order: Vec<usize>,
    leading: usize,
    budget: usize,
    field: Field,
    generator: ChaCha8Rng,
    /// The stage that is being evaluated, and what was predicted.
    pending: Vec<Predicted>,
    /// Held-out errors over raw estimates, the last ones.
    ratios: Vec<f64>,
    /// Grows with each check that fails.
    caution: f64,
    pub(super) stages: Vec<RefinementStage>,
    pub(super) end: Option<AdaptiveEnd>,
}

/// A point before it was computed.
struct Predicted {
    point: usize,
    /// By steering channel, on its scale; NaN where nothing was predicted.
    values: Vec<f64>,
    raw: f64,
    matters: bool,
}

/// The whole result: values by point and channel, and estimated errors.
pub(super) struct Filled {
    pub(super) values: Vec<f64>,
    pub(super) errors: Vec<f64>,
    pub(super) scales: Vec<ErrorScale>,
}

/// The scales of the channels in the refinement's order, and the values computed on them.
struct Scaled {
    scales: Vec<ErrorScale>,
    /// An error of this size counts as 1.
    units: Vec<f64>,
    /// The least and the greatest value computed, not on the scale.
    ranges: Vec<[f64; 2]>,
    values: Vec<f64>,
}

/// Points of a check. If all hold, fewer than a twentieth of those left do not, with 95 % confidence.
const CHECKS: usize = 60;

/// The share of the budget that is kept for the last check.
const CHECK_SHARE: usize = 10;

/// A stage is a share of what is computed, so that the stages are few, and no fewer points than this.
const STAGE_SHARE: usize = 8;
const LEAST_STAGE: usize = 16;

/// Of so many points the estimates are calibrated, so that this share of them would have been safe.
const CALIBRATING: usize = 128;
const SAFE_SHARE: f64 = 0.9;

impl Refinement {
    /// `steering` are the positions of the channels that steer, of `channels`.
    pub(super) fn new(lattice: Lattice, settings: Adaptive, channels: usize, steering: &[usize]) -> Self {
        let mut order = steering.to_vec();
        order.extend((0..channels).filter(|channel| !steering.contains(channel)));
        let points = lattice.len();
        Self {
            order,
            leading: steering.len(),
            budget: settings.budget.map_or(points, |budget| budget.min(points)),
            field: Field::new(points, steering.len()),
            generator: ChaCha8Rng::seed_from_u64(settings.seed),
            pending: Vec::new(),
            ratios: Vec::new(),
            caution: 1.0,
            stages: Vec::new(),
            end: None,
            lattice,
            settings,
        }
    }

    /// What the last check found.
    pub(super) fn held_out(&self) -> Option<HeldOut> {
        self.stages.iter().rev().find(|stage| stage.check).and_then(|stage| stage.held_out)
    }

    /// Fills the gaps in the values of a refinement that has ended, however it did.
    pub(super) fn fill(&self, values: &[f64], computed: &[bool]) -> Filled {
        let channels = self.order.len();
        let scaled = self.scaled(values, computed, channels);
        let mut field = Field::new(self.lattice.len(), channels);
        field.update(&self.lattice, &scaled.values, computed, &scaled.units[..self.leading]);
        let mut filled = values.to_vec();
        let mut errors = vec![f64::NAN; self.lattice.len()];
        for (point, error) in errors.iter_mut().enumerate() {
            match field.places[point] {
                Place::Computed => *error = 0.0,
                Place::Between => {
                    *error = field.errors[point] * self.calibration();
                    for (position, &channel) in self.order.iter().enumerate() {
                        let mut value = scaled.scales[position].backward(field.at(point)[position]);
                        if position >= self.leading && !value.is_nan() {
                            let [lo, hi] = scaled.ranges[position];
                            value = value.max(lo).min(hi);
                        }
                        filled[point * channels + channel] = value;
                    }
                }
                Place::Border | Place::Beyond => {}
            }
        }
        let mut scales = vec![ErrorScale::Linear; channels];
        self.order.iter().zip(scaled.scales).for_each(|(&channel, scale)| scales[channel] = scale);
        Filled { values: filled, errors, scales }
    }

    /// The first `channels` channels of the refinement's order on their scales.
    fn scaled(&self, values: &[f64], computed: &[bool], channels: usize) -> Scaled {
        let stride = self.order.len();
        let found = |channel: usize| {
            let all = (0..self.lattice.len()).filter(|point| computed[*point]);
            all.map(move |point| values[point * stride + channel])
        };
        let scale = |position: usize| {
            // The others may be counts or shares, and have no tolerance to keep.
            let wish = if position < self.leading { self.settings.scale } else { ErrorScale::Linear };
            wish.resolve(found(self.order[position]))
        };
        let scales: Vec<ErrorScale> = (0..channels).map(scale).collect();
        let ranges: Vec<[f64; 2]> = (self.order[..channels].iter())
            .map(|&channel| {
                let finite = found(channel).filter(|value| value.is_finite());
                finite.fold([f64::INFINITY, f64::NEG_INFINITY], |[lo, hi], x| [lo.min(x), hi.max(x)])
            })
            .collect();
        let units = scales.iter().zip(&ranges).map(|(scale, [lo, hi])| match scale {
            ErrorScale::Log => 1.0,
            // Where all values are equal, what rounding leaves is no error.
            _ => (hi - lo).max(1e-12 * hi.abs().max(lo.abs())).clamp(f64::MIN_POSITIVE, f64::MAX),
        });
        let units = units.collect();
        let mut on_scale = vec![f64::NAN; self.lattice.len() * channels];
        for (point, row) in on_scale.chunks_exact_mut(channels).enumerate().filter(|(p, _)| computed[*p]) {
            for ((value, &channel), scale) in row.iter_mut().zip(&self.order).zip(&scales) {
                *value = scale.forward(values[point * stride + channel]);
            }
        }
        Scaled { scales, units, ranges, values: on_scale }
    }

    /// Compares the stage that was evaluated with what was predicted.
    fn settle(&mut self, scaled: &Scaled, computed: &[bool]) {
        let Some(stage) = self.stages.last_mut() else {
            assert!(self.pending.is_empty(), "nothing is predicted before the first stage");
            return;
        };
        let mut errors = Vec::with_capacity(self.pending.len());
        for predicted in self.pending.drain(..) {
            assert!(
                computed[predicted.point],
                "the driver asks for a stage only when the one before is whole"
            );
            let found = &scaled.values[predicted.point * self.leading..][..self.leading];
            let mut error = 0.0_f64;
            let mut crosses = predicted.matters;
            for (channel, (before, now)) in predicted.values.iter().zip(found).enumerate() {
                let before = scaled.scales[channel].forward(*before);
                let off = (before - now).abs() / scaled.units[channel];
                error = if off.is_finite() { error.max(off) } else { f64::INFINITY };
                crosses |= self.settings.levels.iter().any(|level| {
                    let level = scaled.scales[channel].forward(*level);
                    (before < level) != (*now < level)
                });
            }
            if predicted.raw > 0.0 && predicted.raw.is_finite() && error.is_finite() {
                self.ratios.push(error / predicted.raw);
            }
            // Where no contour passes, and none was missed, an error does not show.
            errors.push(if crosses { error } else { 0.0 });
        }
        self.ratios.drain(..self.ratios.len().saturating_sub(CALIBRATING));
        stage.held_out = HeldOut::of(errors, self.settings.tolerance);
        if stage.check && stage.held_out.is_some_and(|held_out| held_out.beyond > 0) {
            self.caution *= 2.0;
        }
    }

    /// What raw estimates are multiplied with, so that most held-out errors of late would have been less.
    fn calibration(&self) -> f64 {
        let mut ratios = self.ratios.clone();
        ratios.sort_unstable_by(f64::total_cmp);
        // Nothing has been held out before the second stage has ended.
        let safe = if ratios.is_empty() { 1.0 } else { ratios[(ratios.len() as f64 * SAFE_SHARE) as usize] };
        safe.max(1e-3) * self.caution
    }

    /// The coarse lattice and the middle of it all.
    fn first_stage(&self) -> Vec<usize> {
        let usual = ((self.lattice.len() as f64 / 32.0).sqrt() as usize).max(9);
        let affordable = ((self.budget as f64 / 3.0).sqrt() as usize).max(1);
        let along = self.settings.first.unwrap_or(usual.min(affordable));
        let mut points: Vec<usize> = self.lattice.origin().into_iter().collect();
        points.extend(self.lattice.coarse(along).into_iter().filter(|p| Some(*p) != self.lattice.origin()));
        points.truncate(self.budget);
        points.sort_unstable();
        points
    }

    /// The points of the next stage, and whether they are a check; or why there is none.
    fn decide(&mut self, scaled: &Scaled, computed: &[bool]) -> Result<(Vec<usize>, bool), AdaptiveEnd> {
        let spent = computed.iter().filter(|done| **done).count();
        let last = self.stages.last().filter(|stage| stage.check);
        assert!(spent <= self.budget, "no stage asks for more than the budget has left");
        let left = self.budget - spent;
        if spent == computed.len() {
            return Err(AdaptiveEnd::AllPoints);
        }
        let whole = |held_out: HeldOut| held_out.points >= CHECKS && held_out.beyond == 0;
        if last.and_then(|stage| stage.held_out).is_some_and(whole) {
            return Err(AdaptiveEnd::Tolerance);
        }
        if left == 0 {
            return Err(AdaptiveEnd::Budget);
        }
        if spent == 0 {
            return Ok((self.first_stage(), false));
        }
        self.field.update(&self.lattice, &scaled.values, computed, &scaled.units);
        let levels: Option<Vec<Vec<f64>>> = (!self.settings.levels.is_empty()).then(|| {
            let on =
                |scale: &ErrorScale| self.settings.levels.iter().map(|level| scale.forward(*level)).collect();
            scaled.scales.iter().map(on).collect()
        });
        let choose = Choose {
            lattice: &self.lattice,
            field: &self.field,
            calibration: self.calibration(),
            tolerance: self.settings.tolerance,
            levels: levels.as_deref(),
            units: &scaled.units,
        };
        // What is kept for the last check, unless an earlier one has taken of it.
        let kept = CHECKS.min(self.budget / CHECK_SHARE);
        let open = if left >= kept { left - kept } else { left };
        let mut points = choose.doubtful(open.min(LEAST_STAGE.max(spent / STAGE_SHARE)));
        let check = points.is_empty();
        if check {
            points = choose.random(left.min(CHECKS), &mut self.generator);
        }
        if points.is_empty() {
            return Err(AdaptiveEnd::NonFinite);
        }
        let predict = |&point: &usize| {
            let values = self.field.at(point).iter().zip(&scaled.scales);
            let values = values.map(|(value, scale)| scale.backward(*value)).collect();
            Predicted { point, values, raw: self.field.errors[point], matters: choose.matters(point) }
        };
        let between = |point: &&usize| self.field.places[**point] == Place::Between;
        self.pending = points.iter().filter(between).map(predict).collect();
        Ok((points, check))
    }
}

impl Choice for Refinement {
    fn most(&self) -> usize {
        self.budget
    }

    fn next(&mut self, values: &[f64], computed: &[bool]) -> Vec<usize> {
        let scaled = self.scaled(values, computed, self.leading);
        self.settle(&scaled, computed);
        match self.decide(&scaled, computed) {
            Ok((points, check)) => {
                self.stages.push(RefinementStage { points: points.len(), check, held_out: None });
                points
            }
            Err(end) => {
                self.end = Some(end);
                Vec::new()
            }
        }
    }
}

impl HeldOut {
    /// None without errors.
    fn of(mut errors: Vec<f64>, tolerance: f64) -> Option<Self> {
        if errors.is_empty() {
            return None;
        }
        errors.sort_unstable_by(f64::total_cmp);
        let quantile = |share: f64| errors[(errors.len() as f64 * share).ceil() as usize - 1];
        Some(Self {
            points: errors.len(),
            beyond: errors.iter().filter(|error| **error > tolerance).count(),
            median: quantile(0.5),
            quantile_95: quantile(0.95),
            largest: quantile(1.0),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs a refinement of a function of (row, column) without an oracle.
    fn run(
        side: usize,
        settings: Adaptive,
        f: impl Fn(f64, f64) -> f64,
    ) -> (Refinement, Vec<f64>, Vec<bool>) {
        let axis: Vec<f64> = (0..side).map(|k| k as f64 / (side - 1) as f64).collect();
        let mut refinement = Refinement::new(Lattice::new(&axis, &axis), settings, 1, &[0]);
        let (mut values, mut computed) = (vec![f64::NAN; side * side], vec![false; side * side]);
        loop {
            let points = refinement.next(&values, &computed);
            if points.is_empty() {
                return (refinement, values, computed);
            }
            for point in points {
                assert!(!computed[point], "{point} twice");
                computed[point] = true;
                values[point] = f(axis[point / side], axis[point % side]);
            }
        }
    }

    #[test]
    fn stages_grow_finer_until_a_check_holds() {
        let (refinement, values, computed) = run(41, Adaptive::default(), |x, y| y + (2.0 * x * x * y).exp());
        assert_eq!(refinement.end, Some(AdaptiveEnd::Tolerance));
        let last = refinement.stages[refinement.stages.len() - 1];
        assert!(
            last.check && last.held_out.is_some_and(|h| h.points == 60 && h.beyond == 0 && h.largest <= 0.01)
        );
        assert!(refinement.stages[0].held_out.is_none());
        let filled = refinement.fill(&values, &computed);
        assert_eq!(filled.scales, [ErrorScale::Log]);
        assert!(filled.values.iter().all(|value| value.is_finite()));
        assert!(filled.errors.iter().zip(&computed).all(|(error, computed)| (*error == 0.0) == *computed));
    }

    #[test]
    fn constants_cost_no_more_than_the_first_stage_and_a_check() {
        for value in [0.0, -3.0, 1e-300, 1e300] {
            let (refinement, values, computed) = run(41, Adaptive::default(), |_, _| value);
            assert_eq!(refinement.end, Some(AdaptiveEnd::Tolerance), "{value}");
            assert_eq!(computed.iter().filter(|done| **done).count(), 81 + 60);
            let filled = refinement.fill(&values, &computed);
            assert!(
                filled.values.iter().all(|found| (found - value).abs() <= 1e-10 * value.abs()),
                "{value}"
            );
        }
    }

    /// Hoeffding's bound (J. Am. Stat. Assoc. 58, 1963, theorems 1 and 4) on the probability that of `drawn` points,
    /// each of which counts with a probability that is `share` on average, as many count as did, or as much farther
    /// from the mean on that side. It holds for draws without replacement too.
    fn chance(counted: usize, drawn: usize, share: f64) -> f64 {
        let found = counted as f64 / drawn as f64;
        let part = |p: f64, q: f64| if p > 0.0 { p * (p / q).ln() } else { 0.0 };
        (-(drawn as f64) * (part(found, share) + part(1.0 - found, 1.0 - share))).exp()
    }

    /// Of the errors that a check measures, a twentieth lies above the 95 % quantile of the errors of all points left,
    /// and half above their median, but for chance.
    #[test]
    fn checks_measure_a_random_sample_of_the_points_left() {
        const SIDE: usize = 25;
        let axis: Vec<f64> = (0..SIDE).map(|k| k as f64 / (SIDE - 1) as f64).collect();
        let (mut drawn, mut above, mut expected) = (0, [0; 2], [0.0; 2]);
        for seed in 0..100 {
            let [u, v] = [3.0 + (seed as f64).sin(), 2.0 + (1.7 * seed as f64).cos()];
            let f = |point: usize| {
                let (x, y) = (axis[point / SIDE], axis[point % SIDE]);
                (2.0 * (u * x * x).sin() * (v * y + 5.0 * x).cos() - x).exp()
            };
            // Nothing is in doubt at such a tolerance, so that the check follows upon the first stage.
            let settings = Adaptive::new().tolerance(1e3).seed(seed);
            let mut refinement = Refinement::new(Lattice::new(&axis, &axis), settings, 1, &[0]);
            let (mut values, mut computed) = (vec![f64::NAN; SIDE * SIDE], vec![false; SIDE * SIDE]);
            let mut evaluate = |points: &[usize], values: &mut Vec<f64>| {
                for &point in points {
                    (values[point], computed[point]) = (f(point), true);
                }
                computed.clone()
            };
            let first = refinement.next(&values, &[false; SIDE * SIDE]);
            let known = evaluate(&first, &mut values);
            let check = refinement.next(&values, &known);
            assert!(refinement.stages[1].check && check.len() == CHECKS);
            // By way of the value itself, as the check does, so that the bits are the same.
            let error = |point: usize| (refinement.field.at(point)[0].exp().ln() - f(point).ln()).abs();
            let mut all: Vec<f64> = (0..SIDE * SIDE).filter(|point| !known[*point]).map(error).collect();
            let mut measured: Vec<f64> = check.iter().map(|point| error(*point)).collect();
            for errors in [&mut all, &mut measured] {
                errors.sort_unstable_by(f64::total_cmp);
            }
            for (k, share) in [0.95, 0.5].into_iter().enumerate() {
                let quantile = all[(all.len() as f64 * share).ceil() as usize - 1];
                let count = |errors: &[f64]| errors.iter().filter(|error| **error > quantile).count();
                above[k] += count(&measured);
                expected[k] += (CHECKS * count(&all)) as f64 / all.len() as f64;
            }
            drawn += CHECKS;
            // What the result states are the quantiles of the same errors.
            let known = evaluate(&check, &mut values);
            assert!(refinement.next(&values, &known).is_empty());
            let held_out = refinement.held_out().unwrap();
            assert_eq!((held_out.points, held_out.largest), (CHECKS, measured[CHECKS - 1]));
            assert_eq!((held_out.median, held_out.quantile_95), (measured[29], measured[56]));
        }
        for (above, expected) in above.into_iter().zip(expected) {
            let chance = chance(above, drawn, expected / drawn as f64);
            assert!(
                chance > 1e-6,
                "{above} of {drawn} above, where {expected} are to be expected: {chance:e}"
            );
        }
    }

    #[test]
    fn held_out_errors_are_summed_up() {
        let errors = (1..=100).rev().map(f64::from).chain([f64::INFINITY]).collect();
        let held_out = HeldOut::of(errors, 90.0).unwrap();
        assert_eq!((held_out.points, held_out.beyond, held_out.median), (101, 11, 51.0));
        assert_eq!((held_out.quantile_95, held_out.largest), (96.0, f64::INFINITY));
        assert!(HeldOut::of(Vec::new(), 1.0).is_none());
    }
}
