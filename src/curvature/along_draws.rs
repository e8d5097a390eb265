//! The exact curvature along several draws of random directions.

use super::{
    lanczos::dot,
    operator::{HessianOperator, multiply},
};
use crate::{
    Error, HessianProduct, RandomDirections, Result, Scalar,
    measure::{Measured, Reading},
};

/// dᵀ∇²L(θ)·d at the model's parameters along `draws` directions, by a product each: those of
/// [`Sweep::draws`](crate::Sweep::draws) over a line, and so what its second differences estimate.
///
/// For directions that are normal in each filter f of n_f parameters and have its norm, the mean over draws is
/// Σ_f ‖θ_f‖²/n_f·tr H_ff: the average curvature of the filter times its squared norm. A random direction therefore shows
/// the *mean* curvature, and says nothing of single eigenvalues. Over Gaussian directions without normalisation the
/// mean is tr H, and the variance 2‖H‖_F².
///
/// ```
/// use loss_landscape::{Gradient, HessianProduct, Layout, Loss, Model, OracleError, RandomDirections};
/// use loss_landscape::curvature::directional_curvatures;
/// # /// L(θ) = Σ i·tᵢ² / 2.
/// # struct Bowl { layout: Layout, theta: Vec<f64> }
/// # impl Model for Bowl {
/// #     type Scalar = f64;
/// #     fn layout(&self) -> &Layout { &self.layout }
/// #     fn parameters(&self) -> &[f64] { &self.theta }
/// # }
/// # impl Loss<()> for Bowl {
/// #     fn loss(&self, theta: &[f64], _: &()) -> Result<f64, OracleError> {
/// #         Ok(theta.iter().enumerate().map(|(i, t)| i as f64 * t * t / 2.0).sum())
/// #     }
/// # }
/// # impl Gradient<()> for Bowl {
/// #     fn gradient(&self, theta: &[f64], data: &(), out: &mut [f64]) -> Result<f64, OracleError> {
/// #         for (i, (out, t)) in out.iter_mut().zip(theta).enumerate() {
/// #             *out = i as f64 * t;
/// #         }
/// #         self.loss(theta, data)
/// #     }
/// # }
/// # impl HessianProduct<()> for Bowl {}
///
/// let model = Bowl { layout: Layout::flat(100)?, theta: vec![1.0; 100] }; // H = diag(0, 1, …, 99)
/// let curvatures = directional_curvatures(&model, &(), &RandomDirections::new(42), 20)?;
/// assert!(curvatures.mean_interval(0.99)?.contains(4950.0)); // ‖θ‖²/n·tr H
/// println!("{curvatures}"); // curvature along d: mean … (95 % interval … to …, from 20 values)
/// # Ok::<(), loss_landscape::Error>(())
/// ```
///
/// # Errors
/// [`Error::Setting`] for no draws; those of [`RandomDirections::one`] and [`HessianOperator::new`], and of a product
/// that fails or is not finite.
pub fn directional_curvatures<M, D>(
    model: &M,
    data: &D,
    random: &RandomDirections,
    draws: usize,
) -> Result<Measured>
where
    M: HessianProduct<D> + ?Sized,
    D: ?Sized,
{
    if draws == 0 {
        return Err(Error::Setting { setting: "the number of draws", value: 0.0, needs: "1 or more" });
    }
    let mut hessian = HessianOperator::new(model, model.parameters(), data)?;
    let mut product = vec![M::Scalar::from_f64(0.0); model.layout().len()];
    let readings = (0..draws).map(|draw| {
        let direction = hessian.restrict(random.clone().later(draw as u64).one(model)?.values())?;
        let product = &mut product[..direction.len()];
        multiply(&mut hessian, draw, &direction, product)?;
        Ok(Reading::Value(dot(&direction, product)))
    });
    Ok(Measured::new("curvature along d", readings.collect::<Result<Vec<_>>>()?))
}
