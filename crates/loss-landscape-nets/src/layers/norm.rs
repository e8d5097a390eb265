//! Batch normalisation by the statistics of the batch itself, as in training.

#![allow(clippy::inline_always, reason = "only what is inlined is compiled for the chosen instruction set")]

use std::ops::Range;

use super::{Layer, Scene};
use crate::{
    NetScalar,
    kernels::kernel,
    simd::{Finish, LANES, Planes, Shape, Term, dispatch, fold},
};

/// γ · x̂ + β (+ another tensor), then ReLU if asked for, where x̂ = (x − mean) / √(variance + ε).
#[derive(Debug)]
pub(crate) struct BatchNorm {
    /// x, and what is added.
    pub(crate) inputs: Vec<usize>,
    pub(crate) out: usize,
    pub(crate) rectified: bool,
    pub(crate) shape: Shape,
    /// γ and β among the plain parameters.
    pub(crate) scale: Range<usize>,
    pub(crate) shift: Range<usize>,
    pub(crate) epsilon: f64,
    /// The number of its [`Statistics`].
    pub(crate) statistics: usize,
}

/// What a normalisation knows of a batch, for each channel.
#[derive(Clone, Debug, Default)]
pub(crate) struct Statistics<S> {
    pub(crate) mean: Vec<S>,
    /// Σ (x − mean)² / n.
    pub(crate) variance: Vec<S>,
    /// 1/√(variance + ε).
    inverse: Vec<S>,
    /// γ/√(variance + ε), and β less the mean's share.
    factors: Vec<S>,
    shifts: Vec<S>,
    /// The means of δ and of δ·x̂.
    delta: Vec<S>,
    delta_dot: Vec<S>,
    /// The number of pixels and samples that the means are over.
    pub(crate) count: usize,
}

impl<S: NetScalar> Statistics<S> {
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
}

kernel! {
    /// Sums over pixels and samples of x·y (of x alone without y), each x less a number of its channel.
    fn sums(out: &'a mut [S], x: &'a [S], y: Option<&'a [S]>, less: &'a [S], shape: Shape, samples: usize) {
        let (plane, pixels) = (shape.stride() * LANES, shape.pixels() * LANES);
        out.fill(S::zero());
        for group in 0..x.len() / shape.len() {
            for (channel, out) in out.iter_mut().enumerate() {
                let start = group * shape.len() + channel * plane;
                let x = x[start..start + pixels].as_chunks::<LANES>().0;
                let mut lanes = [S::zero(); LANES];
                match y {
                    None => for x in x {
                        for (lane, &x) in lanes.iter_mut().zip(x) {
                            *lane += x - less[channel];
                        }
                    },
                    Some(y) => for (x, y) in x.iter().zip(y[start..start + pixels].as_chunks::<LANES>().0) {
                        for ((lane, &x), &y) in lanes.iter_mut().zip(x).zip(y) {
                            *lane += (x - less[channel]) * y;
                        }
                    },
                }
                // Lanes that fill up the last group do not count.
                let live = samples.saturating_sub(group * LANES).min(LANES);
                lanes[live..].fill(S::zero());
                *out += fold(&lanes);
            }
        }
    }
}

kernel! {
    /// Σ (x − mean)².
    fn squares(out: &'a mut [S], x: &'a [S], mean: &'a [S], shape: Shape, samples: usize) {
        let (plane, pixels) = (shape.stride() * LANES, shape.pixels() * LANES);
        out.fill(S::zero());
        for group in 0..x.len() / shape.len() {
            for (channel, out) in out.iter_mut().enumerate() {
                let start = group * shape.len() + channel * plane;
                let mut lanes = [S::zero(); LANES];
                for x in x[start..start + pixels].as_chunks::<LANES>().0 {
                    for (lane, &x) in lanes.iter_mut().zip(x) {
                        *lane += (x - mean[channel]) * (x - mean[channel]);
                    }
                }
                let live = samples.saturating_sub(group * LANES).min(LANES);
                lanes[live..].fill(S::zero());
                *out += fold(&lanes);
            }
        }
    }
}

/// Sets the lanes that fill up the last group to 0: no derivative comes from them.
fn clear_dead_lanes<S: NetScalar>(out: &mut [S], shape: Shape, samples: usize) {
    let live = samples % LANES;
    if live != 0 {
        let last = samples / LANES * shape.len();
        for vector in out[last..last + shape.len()].as_chunks_mut::<LANES>().0 {
            vector[live..].fill(S::zero());
        }
    }
}

/// Along a direction: R of x̂ is inverse · (Rx − mean − x̂ · dot), channel by channel.
struct Along<S> {
    /// The means of Rx and of Rx·x̂.
    mean: Vec<S>,
    dot: Vec<S>,
}

impl BatchNorm {
    fn divide<S: NetScalar>(values: &mut [S], count: usize) {
        let count = S::from_f64(count as f64);
        for value in values {
            *value /= count;
        }
    }

    /// The means over the batch of y and of y·x̂.
    fn means<S: NetScalar>(&self, scene: &Scene<'_, S>, y: &[S]) -> Along<S> {
        let statistics = &scene.statistics[self.statistics];
        let mut along =
            Along { mean: vec![S::zero(); self.shape.channels], dot: vec![S::zero(); self.shape.channels] };
        let nothing = vec![S::zero(); self.shape.channels];
        sums(&mut along.mean, y, None, &nothing, self.shape, scene.samples);
        let x = scene.value(self.inputs[0]);
        sums(&mut along.dot, x, Some(y), &statistics.mean, self.shape, scene.samples);
        for (dot, &inverse) in along.dot.iter_mut().zip(&statistics.inverse) {
            *dot *= inverse;
        }
        Self::divide(&mut along.mean, statistics.count);
        Self::divide(&mut along.dot, statistics.count);
        along
    }

    /// R of x̂ as a linear form of Rx, x and 1: its coefficients for a channel.
    fn tangent_form<S: NetScalar>(statistics: &Statistics<S>, along: Option<&Along<S>>, c: usize) -> [S; 3] {
        let Some(along) = along else { return [S::zero(); 3] };
        let (inverse, mean) = (statistics.inverse[c], statistics.mean[c]);
        let bend = inverse * inverse * along.dot[c];
        [inverse, -bend, bend * mean - inverse * along.mean[c]]
    }
}

impl<S: NetScalar> Layer<S> for BatchNorm {
    fn inputs(&self) -> &[usize] {
        &self.inputs
    }

    fn rectified(&self) -> bool {
        self.rectified
    }

    fn passes(&self, input: usize) -> bool {
        input == 1
    }

    fn statistics(&self) -> Option<usize> {
        Some(self.statistics)
    }

    fn channels(&self) -> usize {
        self.shape.channels
    }

    fn measure(&self, scene: &Scene<'_, S>, own: &mut Statistics<S>) {
        own.count = scene.samples * self.shape.pixels();
        let x = scene.value(self.inputs[0]);
        // The sum first goes where zeros are.
        own.shifts.fill(S::zero());
        sums(&mut own.mean, x, None, &own.shifts, self.shape, scene.samples);
        Self::divide(&mut own.mean, own.count);
        squares(&mut own.variance, x, &own.mean, self.shape, scene.samples);
        Self::divide(&mut own.variance, own.count);
        let plain = &scene.weights.plain;
        for (c, (&scale, &shift)) in
            plain[self.scale.clone()].iter().zip(&plain[self.shift.clone()]).enumerate()
        {
            let inverse = S::one() / (own.variance[c] + S::from_f64(self.epsilon)).sqrt();
            own.inverse[c] = inverse;
            own.factors[c] = scale * inverse;
            own.shifts[c] = shift - own.mean[c] * scale * inverse;
        }
    }

    fn measure_delta(&self, scene: &Scene<'_, S>, own: &mut Statistics<S>) {
        let delta = scene.delta(self.out);
        let nothing = &mut own.delta_dot;
        nothing.fill(S::zero());
        sums(&mut own.delta, delta, None, nothing, self.shape, scene.samples);
        let x = scene.value(self.inputs[0]);
        sums(&mut own.delta_dot, x, Some(delta), &own.mean, self.shape, scene.samples);
        for (dot, &inverse) in own.delta_dot.iter_mut().zip(&own.inverse) {
            *dot *= inverse;
        }
        Self::divide(&mut own.delta, own.count);
        Self::divide(&mut own.delta_dot, own.count);
    }

    fn value(&self, scene: &Scene<'_, S>, out: &mut [S]) {
        let own = &scene.statistics[self.statistics];
        dispatch(Planes {
            shape: self.shape,
            terms: &[Term { x: scene.value(self.inputs[0]), factors: Some(&own.factors) }],
            shifts: Some(&own.shifts),
            finish: Finish {
                plus: self.inputs.get(1).map(|&tensor| scene.value(tensor)),
                relu: self.rectified,
                ..Finish::default()
            },
            out,
        });
    }

    /// γ · inverse · (δ − mean(δ) − x̂ · mean(δ·x̂)).
    fn delta(&self, _input: usize, scene: &Scene<'_, S>, finish: Finish<'_, S>, out: &mut [S]) {
        let own = &scene.statistics[self.statistics];
        let channels = 0..self.shape.channels;
        let of_x: Vec<S> =
            channels.clone().map(|c| -own.factors[c] * own.inverse[c] * own.delta_dot[c]).collect();
        let shifts: Vec<S> =
            channels.map(|c| -own.factors[c] * own.delta[c] - of_x[c] * own.mean[c]).collect();
        let terms = &[
            Term { x: scene.delta(self.out), factors: Some(&own.factors) },
            Term { x: scene.value(self.inputs[0]), factors: Some(&of_x) },
        ];
        dispatch(Planes { shape: self.shape, terms, shifts: Some(&shifts), finish, out });
        clear_dead_lanes(out, self.shape, scene.samples);
    }

    fn gradient(&self, scene: &Scene<'_, S>, _room: &mut [S], gradient: &mut [S]) {
        let own = &scene.statistics[self.statistics];
        let count = S::from_f64(own.count as f64);
        for (range, means) in [(&self.scale, &own.delta_dot), (&self.shift, &own.delta)] {
            for (g, &mean) in gradient[range.clone()].iter_mut().zip(means) {
                *g += mean * count;
            }
        }
    }

    fn tangent(&self, scene: &Scene<'_, S>, out: &mut [S]) {
        let own = &scene.statistics[self.statistics];
        let (plain, direction) = (&scene.weights.plain, &scene.along().plain);
        let x = scene.value(self.inputs[0]);
        let tangent = scene.tangent(self.inputs[0]);
        let along = tangent.map(|tangent| self.means(scene, tangent));
        let mut forms = [(); 3].map(|()| vec![S::zero(); self.shape.channels]);
        for c in 0..self.shape.channels {
            let form = Self::tangent_form(own, along.as_ref(), c);
            let scale = plain[self.scale.clone()][c];
            let scale_r = direction[self.scale.clone()][c] * own.inverse[c];
            forms[0][c] = scale * form[0];
            forms[1][c] = scale * form[1] + scale_r;
            forms[2][c] = scale * form[2] - scale_r * own.mean[c] + direction[self.shift.clone()][c];
        }
        let terms = [
            Term { x, factors: Some(&forms[1]) },
            Term { x: tangent.unwrap_or(x), factors: Some(&forms[0]) },
        ];
        dispatch(Planes {
            shape: self.shape,
            terms: if tangent.is_some() { &terms } else { &terms[..1] },
            shifts: Some(&forms[2]),
            finish: Finish {
                plus: self.inputs.get(1).and_then(|&tensor| scene.tangent(tensor)),
                mask: self.rectified.then(|| scene.value(self.out)),
                ..Finish::default()
            },
            out,
        });
    }

    /// With f = γ·inverse, A = mean(δ), B = mean(δ·x̂), R of f·(δ − A − x̂·B) is
    /// Rf·(δ − A − x̂·B) + f·(Rδ − RA − Rx̂·B − x̂·RB).
    fn tangent_delta(&self, _input: usize, scene: &Scene<'_, S>, finish: Finish<'_, S>, out: &mut [S]) {
        let own = &scene.statistics[self.statistics];
        let (plain, direction) = (&scene.weights.plain, &scene.along().plain);
        let (x, delta) = (scene.value(self.inputs[0]), scene.delta(self.out));
        let tangent_delta = scene.tangent_delta(self.out);
        let tangent = scene.tangent(self.inputs[0]);
        let along = tangent.map(|tangent| self.means(scene, tangent));
        let of_delta = self.means(scene, tangent_delta);
        let crossed = self.crossed(scene, along.as_ref());
        // Coefficients of Rδ, δ, Rx, x and 1.
        let mut forms = [(); 5].map(|()| vec![S::zero(); self.shape.channels]);
        for c in 0..self.shape.channels {
            let (scale, inverse, mean) = (plain[self.scale.clone()][c], own.inverse[c], own.mean[c]);
            let bend = along.as_ref().map_or(S::zero(), |along| along.dot[c]);
            let factor_r = direction[self.scale.clone()][c] * inverse - scale * inverse * inverse * bend;
            let factor = own.factors[c];
            let form = Self::tangent_form(own, along.as_ref(), c);
            // x̂ = inverse·x − inverse·mean.
            let of_normalised = -(factor_r * own.delta_dot[c] + factor * (of_delta.dot[c] + crossed[c]));
            forms[0][c] = factor;
            forms[1][c] = factor_r;
            forms[2][c] = -factor * own.delta_dot[c] * form[0];
            forms[3][c] = of_normalised * inverse - factor * own.delta_dot[c] * form[1];
            forms[4][c] = -factor_r * own.delta[c]
                - factor * of_delta.mean[c]
                - of_normalised * inverse * mean
                - factor * own.delta_dot[c] * form[2];
        }
        let term = |x, form: usize| Term { x, factors: Some(&forms[form][..]) };
        let terms = [term(tangent_delta, 0), term(delta, 1), term(x, 3), term(tangent.unwrap_or(x), 2)];
        let terms = if tangent.is_some() { &terms[..] } else { &terms[..3] };
        dispatch(Planes { shape: self.shape, terms, shifts: Some(&forms[4]), finish, out });
        clear_dead_lanes(out, self.shape, scene.samples);
    }

    fn tangent_gradient(&self, scene: &Scene<'_, S>, _room: &mut [S], gradient: &mut [S]) {
        let own = &scene.statistics[self.statistics];
        let count = S::from_f64(own.count as f64);
        let tangent = scene.tangent(self.inputs[0]);
        let along = tangent.map(|tangent| self.means(scene, tangent));
        let of_delta = self.means(scene, scene.tangent_delta(self.out));
        let crossed = self.crossed(scene, along.as_ref());
        for c in 0..self.shape.channels {
            gradient[self.scale.clone()][c] += (of_delta.dot[c] + crossed[c]) * count;
            gradient[self.shift.clone()][c] += of_delta.mean[c] * count;
        }
    }
}

impl BatchNorm {
    /// mean(δ·Rx̂).
    fn crossed<S: NetScalar>(&self, scene: &Scene<'_, S>, along: Option<&Along<S>>) -> Vec<S> {
        let own = &scene.statistics[self.statistics];
        let mut crossed = vec![S::zero(); self.shape.channels];
        let Some(tangent) = scene.tangent(self.inputs[0]) else { return crossed };
        let nothing = vec![S::zero(); self.shape.channels];
        sums(&mut crossed, tangent, Some(scene.delta(self.out)), &nothing, self.shape, scene.samples);
        Self::divide(&mut crossed, own.count);
        for (c, crossed) in crossed.iter_mut().enumerate() {
            let form = Self::tangent_form(own, along, c);
            // mean(δ·x) from mean(δ·x̂).
            let of_x = own.delta_dot[c] / own.inverse[c] + own.mean[c] * own.delta[c];
            *crossed = form[0] * *crossed + form[1] * of_x + form[2] * own.delta[c];
        }
        crossed
    }
}
