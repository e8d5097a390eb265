//! Batch normalisation by the statistics of the batch itself, as in training.

use std::ops::Range;

use loss_landscape_kernels::{
    CentredSums, ChannelSums, Epilogue, LANES, ScaledTensor, SquaredDeviations, TensorShape,
};

use super::{
    batch_statistics::BatchStatistics,
    layer::{Layer, LayerContext},
};
use crate::real::Real;

/// γ · x̂ + β (+ another tensor), then ReLU if asked for, where x̂ = (x − mean) / √(variance + ε).
#[derive(Debug)]
pub(crate) struct BatchNorm {
    /// x, and what is added.
    pub(crate) inputs: Vec<usize>,
    pub(crate) out: usize,
    pub(crate) rectified: bool,
    pub(crate) shape: TensorShape,
    /// γ and β among the plain parameters.
    pub(crate) scale: Range<usize>,
    pub(crate) shift: Range<usize>,
    pub(crate) epsilon: f64,
    /// The number of its [`BatchStatistics`].
    pub(crate) statistics: usize,
}

/// Sets the lanes that fill up the last group to 0: no derivative comes from them.
fn clear_dead_lanes<S: Real>(out: &mut [S], shape: TensorShape, samples: usize) {
    let live = samples % LANES;
    if live != 0 {
        let last = samples / LANES * shape.len();
        for vector in out[last..last + shape.len()].as_chunks_mut::<LANES>().0 {
            vector[live..].fill(S::zero());
        }
    }
}

/// Along a direction: R of x̂ is inverse · (Rx − mean − x̂ · dot), channel by channel.
struct InputTangentMeans<S> {
    /// The means of Rx and of Rx·x̂.
    mean: Vec<S>,
    dot: Vec<S>,
}

impl BatchNorm {
    fn divide<S: Real>(values: &mut [S], count: usize) {
        let count = S::from_f64(count as f64);
        for value in values {
            *value /= count;
        }
    }

    /// The means over the batch of y and of y·x̂.
    fn means<S: Real>(&self, context: &LayerContext<'_, S>, y: &[S]) -> InputTangentMeans<S> {
        let statistics = &context.statistics[self.statistics];
        let mut along = InputTangentMeans {
            mean: vec![S::zero(); self.shape.channels],
            dot: vec![S::zero(); self.shape.channels],
        };
        let nothing = vec![S::zero(); self.shape.channels];
        CentredSums {
            out: &mut along.mean,
            x: y,
            y: None,
            less: &nothing,
            shape: self.shape,
            samples: context.samples,
        }
        .run();
        let x = context.value(self.inputs[0]);
        CentredSums {
            out: &mut along.dot,
            x,
            y: Some(y),
            less: &statistics.mean,
            shape: self.shape,
            samples: context.samples,
        }
        .run();
        for (dot, &inverse) in along.dot.iter_mut().zip(&statistics.inverse) {
            *dot *= inverse;
        }
        Self::divide(&mut along.mean, statistics.count);
        Self::divide(&mut along.dot, statistics.count);
        along
    }

    /// R of x̂ as a linear form of Rx, x and 1: its coefficients for a channel.
    fn tangent_form<S: Real>(
        statistics: &BatchStatistics<S>,
        along: Option<&InputTangentMeans<S>>,
        c: usize,
    ) -> [S; 3] {
        let Some(along) = along else { return [S::zero(); 3] };
        let (inverse, mean) = (statistics.inverse[c], statistics.mean[c]);
        let bend = inverse * inverse * along.dot[c];
        [inverse, -bend, bend * mean - inverse * along.mean[c]]
    }
}

impl<S: Real> Layer<S> for BatchNorm {
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

    fn measure(&self, context: &LayerContext<'_, S>, own: &mut BatchStatistics<S>) {
        own.count = context.samples * self.shape.pixels();
        let x = context.value(self.inputs[0]);
        // The sum first goes where zeros are.
        own.shifts.fill(S::zero());
        CentredSums {
            out: &mut own.mean,
            x,
            y: None,
            less: &own.shifts,
            shape: self.shape,
            samples: context.samples,
        }
        .run();
        Self::divide(&mut own.mean, own.count);
        SquaredDeviations {
            out: &mut own.variance,
            x,
            mean: &own.mean,
            shape: self.shape,
            samples: context.samples,
        }
        .run();
        Self::divide(&mut own.variance, own.count);
        let plain = &context.weights.plain;
        for (c, (&scale, &shift)) in
            plain[self.scale.clone()].iter().zip(&plain[self.shift.clone()]).enumerate()
        {
            let inverse = S::one() / (own.variance[c] + S::from_f64(self.epsilon)).sqrt();
            own.inverse[c] = inverse;
            own.factors[c] = scale * inverse;
            own.shifts[c] = shift - own.mean[c] * scale * inverse;
        }
    }

    fn measure_delta(&self, context: &LayerContext<'_, S>, own: &mut BatchStatistics<S>) {
        let delta = context.delta(self.out);
        let nothing = &mut own.delta_dot;
        nothing.fill(S::zero());
        CentredSums {
            out: &mut own.delta,
            x: delta,
            y: None,
            less: nothing,
            shape: self.shape,
            samples: context.samples,
        }
        .run();
        let x = context.value(self.inputs[0]);
        CentredSums {
            out: &mut own.delta_dot,
            x,
            y: Some(delta),
            less: &own.mean,
            shape: self.shape,
            samples: context.samples,
        }
        .run();
        for (dot, &inverse) in own.delta_dot.iter_mut().zip(&own.inverse) {
            *dot *= inverse;
        }
        Self::divide(&mut own.delta, own.count);
        Self::divide(&mut own.delta_dot, own.count);
    }

    fn value(&self, context: &LayerContext<'_, S>, out: &mut [S]) {
        let own = &context.statistics[self.statistics];
        ChannelSums {
            shape: self.shape,
            terms: &[ScaledTensor { x: context.value(self.inputs[0]), factors: Some(&own.factors) }],
            shifts: Some(&own.shifts),
            epilogue: Epilogue {
                plus: self.inputs.get(1).map(|&tensor| context.value(tensor)),
                relu: self.rectified,
                ..Epilogue::default()
            },
            out,
        }
        .run();
    }

    /// γ · inverse · (δ − mean(δ) − x̂ · mean(δ·x̂)).
    fn delta(&self, _input: usize, context: &LayerContext<'_, S>, epilogue: Epilogue<'_, S>, out: &mut [S]) {
        let own = &context.statistics[self.statistics];
        let channels = 0..self.shape.channels;
        let of_x: Vec<S> =
            channels.clone().map(|c| -own.factors[c] * own.inverse[c] * own.delta_dot[c]).collect();
        let shifts: Vec<S> =
            channels.map(|c| -own.factors[c] * own.delta[c] - of_x[c] * own.mean[c]).collect();
        let terms = &[
            ScaledTensor { x: context.delta(self.out), factors: Some(&own.factors) },
            ScaledTensor { x: context.value(self.inputs[0]), factors: Some(&of_x) },
        ];
        ChannelSums { shape: self.shape, terms, shifts: Some(&shifts), epilogue, out }.run();
        clear_dead_lanes(out, self.shape, context.samples);
    }

    fn gradient(&self, context: &LayerContext<'_, S>, _scratch: &mut [S], gradient: &mut [S]) {
        let own = &context.statistics[self.statistics];
        let count = S::from_f64(own.count as f64);
        for (range, means) in [(&self.scale, &own.delta_dot), (&self.shift, &own.delta)] {
            for (g, &mean) in gradient[range.clone()].iter_mut().zip(means) {
                *g += mean * count;
            }
        }
    }

    fn tangent(&self, context: &LayerContext<'_, S>, out: &mut [S]) {
        let own = &context.statistics[self.statistics];
        let (plain, direction) = (&context.weights.plain, &context.along().plain);
        let x = context.value(self.inputs[0]);
        let tangent = context.tangent(self.inputs[0]);
        let along = tangent.map(|tangent| self.means(context, tangent));
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
            ScaledTensor { x, factors: Some(&forms[1]) },
            ScaledTensor { x: tangent.unwrap_or(x), factors: Some(&forms[0]) },
        ];
        ChannelSums {
            shape: self.shape,
            terms: if tangent.is_some() { &terms } else { &terms[..1] },
            shifts: Some(&forms[2]),
            epilogue: Epilogue {
                plus: self.inputs.get(1).and_then(|&tensor| context.tangent(tensor)),
                mask: self.rectified.then(|| context.value(self.out)),
                ..Epilogue::default()
            },
            out,
        }
        .run();
    }

    /// With f = γ·inverse, A = mean(δ), B = mean(δ·x̂), R of f·(δ − A − x̂·B) is
    /// Rf·(δ − A − x̂·B) + f·(Rδ − RA − Rx̂·B − x̂·RB).
    fn tangent_delta(
        &self,
        _input: usize,
        context: &LayerContext<'_, S>,
        epilogue: Epilogue<'_, S>,
        out: &mut [S],
    ) {
        let own = &context.statistics[self.statistics];
        let (plain, direction) = (&context.weights.plain, &context.along().plain);
        let (x, delta) = (context.value(self.inputs[0]), context.delta(self.out));
        let tangent_delta = context.tangent_delta(self.out);
        let tangent = context.tangent(self.inputs[0]);
        let along = tangent.map(|tangent| self.means(context, tangent));
        let of_delta = self.means(context, tangent_delta);
        let crossed = self.crossed(context, along.as_ref());
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
        let term = |x, form: usize| ScaledTensor { x, factors: Some(&forms[form][..]) };
        let terms = [term(tangent_delta, 0), term(delta, 1), term(x, 3), term(tangent.unwrap_or(x), 2)];
        let terms = if tangent.is_some() { &terms[..] } else { &terms[..3] };
        ChannelSums { shape: self.shape, terms, shifts: Some(&forms[4]), epilogue, out }.run();
        clear_dead_lanes(out, self.shape, context.samples);
    }

    fn tangent_gradient(&self, context: &LayerContext<'_, S>, _scratch: &mut [S], gradient: &mut [S]) {
        let own = &context.statistics[self.statistics];
        let count = S::from_f64(own.count as f64);
        let tangent = context.tangent(self.inputs[0]);
        let along = tangent.map(|tangent| self.means(context, tangent));
        let of_delta = self.means(context, context.tangent_delta(self.out));
        let crossed = self.crossed(context, along.as_ref());
        for c in 0..self.shape.channels {
            gradient[self.scale.clone()][c] += (of_delta.dot[c] + crossed[c]) * count;
            gradient[self.shift.clone()][c] += of_delta.mean[c] * count;
        }
    }
}

impl BatchNorm {
    /// mean(δ·Rx̂).
    fn crossed<S: Real>(
        &self,
        context: &LayerContext<'_, S>,
        along: Option<&InputTangentMeans<S>>,
    ) -> Vec<S> {
        let own = &context.statistics[self.statistics];
        let mut crossed = vec![S::zero(); self.shape.channels];
        let Some(tangent) = context.tangent(self.inputs[0]) else { return crossed };
        let nothing = vec![S::zero(); self.shape.channels];
        CentredSums {
            out: &mut crossed,
            x: tangent,
            y: Some(context.delta(self.out)),
            less: &nothing,
            shape: self.shape,
            samples: context.samples,
        }
        .run();
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
