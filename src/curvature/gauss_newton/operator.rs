//! The parts of a Hessian as operators.

use std::fmt;

use crate::{
    Layout, Mask, OracleError, Result, Scalar,
    curvature::{chosen_parameters::ChosenParameters, operator::SymmetricOperator},
    model::{GaussNewtonProduct, GaussNewtonWorker, HessianPart, guarded},
};

/// A part of the Hessian H = G + R of a model's loss at one θ, in the parameters of chosen blocks.
///
/// It is G after [`new`](Self::new), and any part after [`set_part`](Self::set_part); what the model keeps at θ serves
/// all of them. Everything that takes a [`SymmetricOperator`] takes it: [`Lanczos`](super::super::Lanczos),
/// [`TraceEstimator`](super::super::TraceEstimator), [`SpectralDensity`](super::super::SpectralDensity). Its vectors
/// are those of [`HessianOperator`](super::super::HessianOperator): the chosen parameters, all except buffers unless it
/// is [`masked`](Self::masked).
///
/// ```
/// use loss_landscape::{GaussNewtonProduct, Gradient, HessianProduct, Layout, Loss, Model, OracleError};
/// use loss_landscape::curvature::{GaussNewtonOperator, HessianPart, Lanczos};
/// # /// One sample with the outputs z_i = t_i³ and the loss Σ z_i²/2.
/// # struct Cubes { layout: Layout, theta: Vec<f64> }
/// # impl Model for Cubes {
/// #     type Scalar = f64;
/// #     fn layout(&self) -> &Layout { &self.layout }
/// #     fn parameters(&self) -> &[f64] { &self.theta }
/// # }
/// # impl Loss<()> for Cubes {
/// #     fn loss(&self, theta: &[f64], _: &()) -> Result<f64, OracleError> {
/// #         Ok(theta.iter().map(|t| (t.powi(3) - 1.0).powi(2) / 2.0).sum())
/// #     }
/// # }
/// # impl Gradient<()> for Cubes {
/// #     fn gradient(&self, theta: &[f64], data: &(), out: &mut [f64]) -> Result<f64, OracleError> {
/// #         out.iter_mut().zip(theta).for_each(|(out, t)| *out = (t.powi(3) - 1.0) * 3.0 * t.powi(2));
/// #         self.loss(theta, data)
/// #     }
/// # }
/// # impl HessianProduct<()> for Cubes {
/// #     fn hessian_product(&self, theta: &[f64], v: &[f64], _: &(), out: &mut [f64]) -> Result<(), OracleError> {
/// #         for ((out, t), v) in out.iter_mut().zip(theta).zip(v) {
/// #             *out = (9.0 * t.powi(4) + (t.powi(3) - 1.0) * 6.0 * t) * v;
/// #         }
/// #         Ok(())
/// #     }
/// # }
/// # impl GaussNewtonProduct<()> for Cubes {
/// #     fn gauss_newton_product(&self, theta: &[f64], v: &[f64], _: &(), out: &mut [f64]) -> Result<(), OracleError> {
/// #         out.iter_mut().zip(theta).zip(v).for_each(|((out, t), v)| *out = 9.0 * t.powi(4) * v);
/// #         Ok(())
/// #     }
/// # }
///
/// // Outputs t³ that should be 1, with the squared error: G = 9t⁴ and R = (t³ − 1)·6t.
/// let model = Cubes { layout: Layout::flat(2)?, theta: vec![0.5, 1.0] };
/// let mut operator = GaussNewtonOperator::new(&model, model.parameters(), &())?;
/// let g = Lanczos::new().run(&mut operator)?;
/// assert!((g.lambda_min - 9.0 / 16.0).abs() < 1e-12 && (g.lambda_max - 9.0).abs() < 1e-12);
/// operator.set_part(HessianPart::Rest);
/// let r = Lanczos::new().run(&mut operator)?;
/// assert!((r.lambda_min + 3.0 * 7.0 / 8.0).abs() < 1e-12 && r.lambda_max.abs() < 1e-12);
/// # Ok::<(), loss_landscape::Error>(())
/// ```
pub struct GaussNewtonOperator<'a, S> {
    worker: Box<dyn GaussNewtonWorker<S> + 'a>,
    chosen: ChosenParameters<S>,
    part: HessianPart,
}

impl<'a, S: Scalar> GaussNewtonOperator<'a, S> {
    /// G at `theta` in all parameters except buffers.
    ///
    /// # Errors
    /// [`Error::Length`](crate::Error::Length) or [`Error::NonFinite`](crate::Error::NonFinite) for θ;
    /// [`Error::EmptyMask`](crate::Error::EmptyMask) if all blocks are buffers;
    /// [`Error::Oracle`](crate::Error::Oracle) or [`Error::OraclePanicked`](crate::Error::OraclePanicked) if the model
    /// fails with these data or this θ.
    pub fn new<M, D>(model: &'a M, theta: &[S], data: &'a D) -> Result<Self>
    where
        M: GaussNewtonProduct<D, Scalar = S> + ?Sized,
        D: ?Sized,
    {
        let chosen = ChosenParameters::new(model.layout(), None)?;
        let worker = guarded("making a Gauss–Newton worker", || model.gauss_newton_worker(data))?;
        let mut operator = Self { worker, chosen, part: HessianPart::GaussNewton };
        operator.move_to(theta)?;
        Ok(operator)
    }

    /// The same matrix in the parameters of these blocks alone.
    ///
    /// # Errors
    /// [`Error::LayoutMismatch`](crate::Error::LayoutMismatch) for a mask of another layout,
    /// [`Error::EmptyMask`](crate::Error::EmptyMask) for one that chooses nothing.
    pub fn masked(mut self, mask: &Mask) -> Result<Self> {
        self.chosen = ChosenParameters::new(self.chosen.layout(), Some(mask))?;
        Ok(self)
    }

    /// The part that it is now.
    pub fn part(&self) -> HessianPart {
        self.part
    }

    /// Makes it another part of the same Hessian.
    pub fn set_part(&mut self, part: HessianPart) {
        self.part = part;
    }

    /// Moves to another θ, in place.
    ///
    /// # Errors
    /// [`Error::Length`](crate::Error::Length), [`Error::NonFinite`](crate::Error::NonFinite),
    /// [`Error::Oracle`](crate::Error::Oracle) or [`Error::OraclePanicked`](crate::Error::OraclePanicked).
    pub fn move_to(&mut self, theta: &[S]) -> Result<()> {
        self.layout().ensure_finite("θ", theta)?;
        guarded("moving its Hessian to θ", || self.worker.at(theta))
    }

    /// The model's layout.
    pub fn layout(&self) -> &Layout {
        self.chosen.layout()
    }

    /// A vector of the operator as a vector of the whole layout, with zeros outside the chosen blocks.
    ///
    /// # Errors
    /// [`Error::OperatorLength`](crate::Error::OperatorLength) if it is not as long as the operator's vectors.
    pub fn embed(&self, v: &[S]) -> Result<Vec<S>> {
        self.chosen.embed(v)
    }

    /// The chosen parameters of a vector of the whole layout.
    ///
    /// # Errors
    /// [`Error::Length`](crate::Error::Length) if it does not fit the layout.
    pub fn restrict(&self, whole: &[S]) -> Result<Vec<S>> {
        self.chosen.restrict(whole)
    }
}

impl<S: Scalar> SymmetricOperator for GaussNewtonOperator<'_, S> {
    type Scalar = S;

    fn dimension(&self) -> usize {
        self.chosen.len()
    }

    fn apply(&mut self, v: &[S], out: &mut [S]) -> Result<(), OracleError> {
        self.apply_several(v, out)
    }

    fn apply_several(&mut self, vectors: &[S], out: &mut [S]) -> Result<(), OracleError> {
        let Self { worker, chosen, part } = self;
        chosen.multiply(vectors, out, |n, vectors, out| match part {
            HessianPart::Whole => worker.products(n, vectors, out),
            HessianPart::GaussNewton => worker.gauss_newton_products(n, vectors, out),
            HessianPart::Rest => worker.rest_products(n, vectors, out),
        })
    }

    /// That of products with H, which R = H − G has as well; products with G have none.
    fn product_error(&self) -> f64 {
        match self.part {
            HessianPart::GaussNewton => 0.0,
            HessianPart::Whole | HessianPart::Rest => self.worker.product_error(),
        }
    }
}

impl<S: Scalar> fmt::Debug for GaussNewtonOperator<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GaussNewtonOperator")
            .field("part", &self.part)
            .field("n", &self.chosen.len())
            .finish_non_exhaustive()
    }
}
