//! The plane of two eigenvectors of the Hessian.

use super::{
    lanczos::{EigenPairs, Lanczos},
    operator::HessianOperator,
};
use crate::{Directions, Error, HessianProduct, Mask, Result, Scalar};

/// Which eigenvectors span a plane.
///
/// ```
/// use loss_landscape::curvature::SpectrumEnds;
///
/// assert_eq!(SpectrumEnds::default(), SpectrumEnds::Highest);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum SpectrumEnds {
    /// Of the greatest eigenvalue along α, and of the second along β: the two steepest directions at a minimum.
    #[default]
    Highest,
    /// Of the greatest eigenvalue along α, and of the least along β: a plane that shows negative curvature if there is
    /// any.
    Both,
    /// Of the least eigenvalue along α, and of the second along β.
    Lowest,
}

/// Finds the plane of two outermost eigenvectors of the Hessian at a model's parameters.
///
/// The directions are of length 1 and orthogonal, so that α and β are Euclidean distances and the second derivatives
/// of the loss along them at θ are the eigenvalues. Their [sources](crate::DirectionSource::Eigenvector) name these.
/// The sign of an eigenvector is that which the run's random start gives it. No other plane shows as much curvature as
/// that of the [highest](SpectrumEnds::Highest), which says nothing about most directions.
///
/// **Cost.** A run of [`Lanczos::pairs`], with its memory and that of two vectors more.
///
/// ```
/// use loss_landscape::{DirectionSource, Gradient, HessianProduct, Layout, Loss, Model, OracleError, Sweep};
/// use loss_landscape::curvature::{HessianDirections, SpectrumEnds};
/// # /// L(θ) = Σ cᵢ·tᵢ² / 2 with c from −2 to n − 3, plus a small term of degree 4.
/// # struct Saddle { layout: Layout, theta: Vec<f64> }
/// # impl Model for Saddle {
/// #     type Scalar = f64;
/// #     fn layout(&self) -> &Layout { &self.layout }
/// #     fn parameters(&self) -> &[f64] { &self.theta }
/// # }
/// # impl Loss<()> for Saddle {
/// #     fn loss(&self, theta: &[f64], _: &()) -> Result<f64, OracleError> {
/// #         Ok(theta.iter().enumerate().map(|(i, t)| (i as f64 - 2.0) * t * t / 2.0 + 0.1 * t.powi(4)).sum())
/// #     }
/// # }
/// # impl Gradient<()> for Saddle {
/// #     fn gradient(&self, theta: &[f64], data: &(), out: &mut [f64]) -> Result<f64, OracleError> {
/// #         for (i, (out, t)) in out.iter_mut().zip(theta).enumerate() {
/// #             *out = (i as f64 - 2.0) * t + 0.4 * t.powi(3);
/// #         }
/// #         self.loss(theta, data)
/// #     }
/// # }
/// # impl HessianProduct<()> for Saddle {}
///
/// // The eigenvalues at θ = 0 are −2, −1, …, 9.
/// let model = Saddle { layout: Layout::flat(12)?, theta: vec![0.0; 12] };
/// let (plane, pairs) = HessianDirections::new().ends(SpectrumEnds::Both).pair(&model, &())?;
/// assert!((pairs.values[0] + 2.0).abs() < 1e-6 && (pairs.values[1] - 9.0).abs() < 1e-6);
/// assert_eq!(*plane.first().source(), DirectionSource::Eigenvector { eigenvalue: pairs.values[1] });
///
/// let surface = Sweep::plane(&model, plane).data("", &()).alpha(-0.1..=0.1, 3).beta(-0.1..=0.1, 3).run()?;
/// let loss = surface.loss();
/// assert!(loss[[0, 1]] > loss[[1, 1]] && loss[[1, 0]] < loss[[1, 1]]); // up along α, down along β
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Clone, Debug)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(default, deny_unknown_fields)
)]
#[must_use]
pub struct HessianDirections {
    ends: SpectrumEnds,
    lanczos: Lanczos,
    mask: Option<Mask>,
}

impl Default for HessianDirections {
    fn default() -> Self {
        Self { ends: SpectrumEnds::Highest, lanczos: Lanczos::new().tolerance(1e-6), mask: None }
    }
}

impl HessianDirections {
    /// The two highest, to residuals of 1e-6 times the largest |λ|, in all parameters except buffers.
    pub fn new() -> Self {
        Self::default()
    }

    /// Which eigenvectors; [`SpectrumEnds::Highest`] by default.
    pub fn ends(self, ends: SpectrumEnds) -> Self {
        Self { ends, ..self }
    }

    /// The settings of the run, of which the tolerance is that of the residuals, as a share of the largest |λ|.
    pub fn lanczos(self, lanczos: Lanczos) -> Self {
        Self { lanczos, ..self }
    }

    /// Uses the Hessian in these blocks alone; the directions are 0 elsewhere.
    pub fn mask(self, mask: &Mask) -> Self {
        Self { mask: Some(mask.clone()), ..self }
    }

    /// The plane at the model's parameters, and what is known of the eigenpairs, their residuals and why the run ended
    /// above all.
    ///
    /// # Errors
    /// [`Error::FewEigenvectors`] if the Hessian has one eigenvalue alone, such as that of ‖θ‖²; those of
    /// [`HessianOperator::new`], [`HessianOperator::masked`] and [`Lanczos::pairs`].
    pub fn pair<S, M, D>(&self, model: &M, data: &D) -> Result<(Directions<S>, EigenPairs<S>)>
    where
        S: Scalar,
        M: HessianProduct<D, Scalar = S> + ?Sized,
        D: ?Sized,
    {
        let mut hessian =
            HessianOperator::new(model, model.parameters(), data)?.restricted(self.mask.as_ref())?;
        // Values come ascending.
        let (lowest, highest, first, second) = match self.ends {
            SpectrumEnds::Highest => (0, 2, 1, 0),
            SpectrumEnds::Both => (1, 1, 1, 0),
            SpectrumEnds::Lowest => (2, 0, 0, 1),
        };
        let pairs = self.lanczos.pairs(&mut hessian, lowest, highest)?;
        let found = pairs.values.len();
        if found < 2 {
            return Err(Error::FewEigenvectors { found });
        }
        let plane = Directions::new(pairs.direction(&hessian, first)?, pairs.direction(&hessian, second)?)?;
        Ok((plane, pairs))
    }
}
