//! Central differences: of losses for gradients, of gradients for Hessian-vector products.

use super::{Gradient, Loss, OracleError};
use crate::{Scalar, params::norm};

/// ∂L/∂θᵢ by a central difference with step ε^⅓·max(1, |θᵢ|); `theta` is restored.
pub(super) fn partial<D: ?Sized, M: Loss<D> + ?Sized>(
    model: &M,
    theta: &mut [M::Scalar],
    index: usize,
    data: &D,
) -> Result<f64, OracleError> {
    let centre = theta[index];
    let step = M::Scalar::EPSILON.cbrt() * centre.as_f64().abs().max(1.0);
    theta[index] = M::Scalar::from_f64(centre.as_f64() + step);
    let (above, loss_above) = (theta[index], model.loss(theta, data));
    theta[index] = M::Scalar::from_f64(centre.as_f64() - step);
    let (below, loss_below) = (theta[index], model.loss(theta, data));
    theta[index] = centre;
    // Rounding has changed the step, so the difference of the two places is what counts.
    Ok((loss_above? - loss_below?) / (above.as_f64() - below.as_f64()))
}

/// ∇²L(θ)·v by a central difference of gradients; see [`HessianProduct`](crate::HessianProduct).
pub(super) fn hessian_product<D: ?Sized, M: Gradient<D> + ?Sized>(
    model: &M,
    theta: &[M::Scalar],
    v: &[M::Scalar],
    data: &D,
    out: &mut [M::Scalar],
) -> Result<(), OracleError> {
    for (what, len) in [("θ", theta.len()), ("v", v.len()), ("the product", out.len())] {
        model.layout().ensure_length(what, len)?;
    }
    let length = norm(v);
    if length == 0.0 {
        out.fill(M::Scalar::from_f64(0.0));
        return Ok(());
    }
    let step = M::Scalar::EPSILON.cbrt() * (1.0 + norm(theta)) / length;
    let shifted = |sign: f64| -> Vec<M::Scalar> {
        let at = |(t, v): (&M::Scalar, &M::Scalar)| t.as_f64() + sign * step * v.as_f64();
        theta.iter().zip(v).map(at).map(M::Scalar::from_f64).collect()
    };
    // An element that the gradient leaves unwritten must not pass for a value.
    out.fill(M::Scalar::from_f64(f64::NAN));
    model.gradient(&shifted(1.0), data, out)?;
    let mut below = vec![M::Scalar::from_f64(f64::NAN); theta.len()];
    model.gradient(&shifted(-1.0), data, &mut below)?;
    for (out, below) in out.iter_mut().zip(&below) {
        *out = M::Scalar::from_f64((out.as_f64() - below.as_f64()) / (2.0 * step));
    }
    Ok(())
}
