//! What must hold of every Lanczos run, whatever the operator.

use loss_landscape::curvature::{Extremes, LanczosEnd};

/// What must hold of every run on an operator with this spectrum, ascending, up to rounding of `slack`
/// times its scale. Returns the error of the ratio.
pub(crate) fn sound<S>(
    found: &Extremes<S>,
    spectrum: &[f64],
    tolerance: f64,
    slack: f64,
    context: &str,
) -> f64 {
    let (low, high) = (spectrum[0], spectrum[spectrum.len() - 1]);
    let (ratio, scale) = ((low / high).abs(), high.abs().max(low.abs()));
    let room = slack * scale;
    assert!(
        found.bounds[0] <= low + room && low <= found.lambda_min + room,
        "{context}: λ_min {low:e} is not from {:e} to {:e}",
        found.bounds[0],
        found.lambda_min
    );
    assert!(
        found.lambda_max <= high + room && high <= found.bounds[1] + room,
        "{context}: λ_max {high:e} is not from {:e} to {:e}",
        found.lambda_max,
        found.bounds[1]
    );
    // Errors of λ_max count more where it is the smaller end.
    let room = slack * (scale / high.abs()).powi(2);
    if !ratio.is_finite() {
        // λ_max is 0: a ratio of rounding, or of nothing.
        return f64::NAN;
    }
    let [from, to] = found.ratio_interval();
    assert!(from <= ratio + room && ratio <= to + room, "{context}: {ratio} is not from {from} to {to}");
    let error = (found.ratio() - ratio).abs();
    if found.end == LanczosEnd::Certified {
        let allowed = tolerance * found.ratio().max(1.0);
        assert!(error <= allowed + room, "{context}: the ratio is off by {error:e}");
        assert!(to - found.ratio() <= allowed * 1.0001 && found.ratio() - from <= allowed * 1.0001);
    }
    if found.end == LanczosEnd::Exact {
        assert!(error <= room, "{context}: the ratio is off by {error:e}");
    }
    error
}
