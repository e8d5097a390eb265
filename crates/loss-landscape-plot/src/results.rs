//! The parts of the core's results that figures are drawn from.

use loss_landscape::{Curve, DensityEstimate, Surface};
use ndarray::{ArrayView1, ArrayView2, Axis};

use crate::Result;

/// The labels of the axes of a surface.
pub(crate) const LABELS: [&str; 2] = ["α", "β"];

/// The coordinates along both axes of a surface.
pub(crate) fn axes(surface: &Surface) -> [&[f64]; 2] {
    [surface.alpha(), surface.beta()]
}

/// One channel of a surface, [α, β].
pub(crate) fn channel<'a>(surface: &'a Surface, name: &str) -> Result<ArrayView2<'a, f64>> {
    Ok(surface.channel(name)?)
}

/// The name of the first channel of a surface, and its values. A surface has at least one channel.
pub(crate) fn first_channel(surface: &Surface) -> (&str, ArrayView2<'_, f64>) {
    (&surface.channels()[0], surface.values().index_axis(Axis(2), 0))
}

/// One channel along a curve.
pub(crate) fn curve_channel<'a>(curve: &'a Curve, name: &str) -> Result<ArrayView1<'a, f64>> {
    Ok(curve.channel(name)?)
}

/// The name of the first channel along a curve, and its values. A curve has at least one channel.
pub(crate) fn first_curve_channel(curve: &Curve) -> (&str, ArrayView1<'_, f64>) {
    (&curve.channels()[0], curve.values().index_axis(Axis(1), 0))
}

/// Where a density of Gaussians of this width is drawn: evenly over all its nodes and a little beyond, close enough
/// to show each Gaussian.
pub(crate) fn density_points(estimate: &DensityEstimate, width: f64) -> Vec<f64> {
    let [low, high] = estimate.range();
    let margin = (0.05 * (high - low)).max(4.0 * width);
    let span = high - low + 2.0 * margin;
    let steps = (2.0 * span / width).ceil().clamp(1000.0, 4000.0);
    (0..=steps as usize).map(|k| low - margin + span * (k as f64 / steps)).collect()
}
