//! The gradient at a point around which something is measured.

use crate::{Gradient, Result, Scalar, model::guarded};

/// The loss at θ and its gradient, whose values are finite.
pub(super) fn gradient_at<M, D>(model: &M, theta: &[M::Scalar], data: &D) -> Result<(f64, Vec<M::Scalar>)>
where
    M: Gradient<D> + ?Sized,
    D: ?Sized,
{
    model.layout().ensure_finite("θ", theta)?;
    // An element that the model leaves unwritten must not pass for a derivative.
    let mut gradient = vec![M::Scalar::from_f64(f64::NAN); theta.len()];
    let loss = guarded("computing the gradient at θ", || model.gradient(theta, data, &mut gradient))?;
    model.layout().ensure_finite("the gradient", &gradient)?;
    Ok((loss, gradient))
}
