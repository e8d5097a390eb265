//! Derivatives of a user's layer by differences, where it has none of its own.
//!
//! All are central differences of four points, (8·(f(h) − f(−h)) − (f(2h) − f(−2h))) / 12h, whose error is h⁴/30 of
//! the fifth derivative and about ε/h of the values by rounding. Samples are moved one by one, each by a step of its
//! own, so that none depends on those beside it.

use super::custom_layer::{CustomLayer, LayerDirection, LayerPoint};

/// How far the coordinate that goes farthest goes: about the fifth root of ε, at which both errors are small.
const STEP: f64 = 1.0 / 1024.0;

/// Multiples of the step, and what is multiplied with the values there.
const STENCIL: [(f64, f64); 4] =
    [(1.0, 8.0 / 12.0), (-1.0, -8.0 / 12.0), (2.0, -1.0 / 12.0), (-2.0, 1.0 / 12.0)];

/// Calls `each` with every sample alone: its point, where its inputs are, and where its values are.
fn each_sample(
    at: &LayerPoint<'_>,
    values: usize,
    mut each: impl FnMut(LayerPoint<'_>, [std::ops::Range<usize>; 2]),
) {
    let (features, outputs) = (at.x.len() / at.samples, values / at.samples);
    for sample in 0..at.samples {
        let [from, to] = [features, outputs].map(|len| sample * len..(sample + 1) * len);
        each(LayerPoint { samples: 1, x: &at.x[from.clone()], ..*at }, [from, to]);
    }
}

/// Calls `each` with the points of the stencil along a direction, and what they are multiplied with.
fn each_point(at: &LayerPoint<'_>, along: &LayerDirection<'_>, mut each: impl FnMut(&LayerPoint<'_>, f64)) {
    let largest = along.x.iter().chain(along.parameters).fold(0.0_f64, |most, v| most.max(v.abs()));
    if largest == 0.0 {
        return;
    }
    let step = STEP / largest;
    let moved = |from: &[f64], along: &[f64], steps: f64| -> Vec<f64> {
        from.iter().zip(along).map(|(from, along)| from + steps * along).collect()
    };
    for (steps, weight) in STENCIL {
        let x = moved(at.x, along.x, steps * step);
        let parameters = moved(at.parameters, along.parameters, steps * step);
        each(&LayerPoint { x: &x, parameters: &parameters, ..*at }, weight / step);
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn add_scaled(total: &mut [f64], part: &[f64], factor: f64) {
    for (total, part) in total.iter_mut().zip(part) {
        *total += factor * part;
    }
}

pub(super) fn by_input<L: CustomLayer + ?Sized>(
    layer: &L,
    at: &LayerPoint<'_>,
    delta: &[f64],
    out: &mut [f64],
) {
    let still = vec![0.0; at.parameters.len()];
    each_sample(at, delta.len(), |at, [from, to]| {
        let mut values = vec![0.0; to.len()];
        let mut along = vec![0.0; from.len()];
        for (coordinate, out) in out[from].iter_mut().enumerate() {
            along[coordinate] = 1.0;
            *out = 0.0;
            each_point(&at, &LayerDirection { x: &along, parameters: &still }, |at, weight| {
                values.fill(0.0);
                layer.value(at, &mut values);
                *out += weight * dot(&values, &delta[to.clone()]);
            });
            along[coordinate] = 0.0;
        }
    });
}

pub(super) fn by_parameters<L: CustomLayer + ?Sized>(
    layer: &L,
    at: &LayerPoint<'_>,
    delta: &[f64],
    out: &mut [f64],
) {
    let still = vec![0.0; at.x.len()];
    let mut along = vec![0.0; at.parameters.len()];
    let mut values = vec![0.0; delta.len()];
    for (coordinate, out) in out.iter_mut().enumerate() {
        along[coordinate] = 1.0;
        each_point(at, &LayerDirection { x: &still, parameters: &along }, |at, weight| {
            values.fill(0.0);
            layer.value(at, &mut values);
            *out += weight * dot(&values, delta);
        });
        along[coordinate] = 0.0;
    }
}

pub(super) fn tangent<L: CustomLayer + ?Sized>(
    layer: &L,
    at: &LayerPoint<'_>,
    along: &LayerDirection<'_>,
    out: &mut [f64],
) {
    out.fill(0.0);
    each_sample(at, out.len(), |at, [from, to]| {
        let mut values = vec![0.0; to.len()];
        each_point(&at, &LayerDirection { x: &along.x[from], ..*along }, |at, weight| {
            values.fill(0.0);
            layer.value(at, &mut values);
            add_scaled(&mut out[to.clone()], &values, weight);
        });
    });
}

pub(super) fn by_input_tangent<L: CustomLayer + ?Sized>(
    layer: &L,
    at: &LayerPoint<'_>,
    along: &LayerDirection<'_>,
    delta: &[f64],
    out: &mut [f64],
) {
    out.fill(0.0);
    each_sample(at, delta.len(), |at, [from, to]| {
        let mut slopes = vec![0.0; from.len()];
        each_point(&at, &LayerDirection { x: &along.x[from.clone()], ..*along }, |at, weight| {
            slopes.fill(0.0);
            layer.by_input(at, &delta[to.clone()], &mut slopes);
            add_scaled(&mut out[from.clone()], &slopes, weight);
        });
    });
}

pub(super) fn by_parameters_tangent<L: CustomLayer + ?Sized>(
    layer: &L,
    at: &LayerPoint<'_>,
    along: &LayerDirection<'_>,
    delta: &[f64],
    out: &mut [f64],
) {
    let mut slopes = vec![0.0; at.parameters.len()];
    each_sample(at, delta.len(), |at, [from, to]| {
        each_point(&at, &LayerDirection { x: &along.x[from], ..*along }, |at, weight| {
            slopes.fill(0.0);
            layer.by_parameters(at, &delta[to.clone()], &mut slopes);
            add_scaled(out, &slopes, weight);
        });
    });
}
