//! The worker with which one thread multiplies vectors with Hessians, at one θ after another.

use super::{
    HessianProduct, OracleError,
    differences::{Differences, multiply_unless_provided},
};

/// Multiplies vectors with the Hessian at one θ after another, on one thread.
///
/// [`HessianProduct::hessian_worker`](crate::HessianProduct::hessian_worker) returns it. The worker
/// owns its scratch memory, and in [`at`](Self::at) it can compute what depends on θ alone, once for
/// all products there. The Hessian of this model is diagonal and costs many exponentials, the
/// products cost none:
///
/// ```
/// use loss_landscape::{Gradient, HessianProduct, Layout, Loss, Model, OracleError, oracle::HessianWorker};
///
/// struct Cosh {
///     layout: Layout,
///     theta: Vec<f64>,
/// }
///
/// impl Model for Cosh {
///     type Scalar = f64;
///     fn layout(&self) -> &Layout {
///         &self.layout
///     }
///     fn parameters(&self) -> &[f64] {
///         &self.theta
///     }
/// }
///
/// impl Loss<()> for Cosh {
///     fn loss(&self, theta: &[f64], _: &()) -> Result<f64, OracleError> {
///         Ok(theta.iter().map(|t| t.cosh()).sum())
///     }
/// }
///
/// impl Gradient<()> for Cosh {
///     fn gradient(&self, theta: &[f64], data: &(), out: &mut [f64]) -> Result<f64, OracleError> {
///         out.iter_mut().zip(theta).for_each(|(out, t)| *out = t.sinh());
///         self.loss(theta, data)
///     }
/// }
///
/// impl HessianProduct<()> for Cosh {
///     fn hessian_worker<'a>(&'a self, _: &'a ()) -> Result<Box<dyn HessianWorker<f64> + 'a>, OracleError> {
///         Ok(Box::new(Diagonal(vec![0.0; self.theta.len()])))
///     }
/// }
///
/// struct Diagonal(Vec<f64>);
///
/// impl HessianWorker<f64> for Diagonal {
///     fn at(&mut self, theta: &[f64]) -> Result<(), OracleError> {
///         self.0.iter_mut().zip(theta).for_each(|(d, t)| *d = t.cosh());
///         Ok(())
///     }
///     fn product(&mut self, v: &[f64], out: &mut [f64]) -> Result<(), OracleError> {
///         out.iter_mut().zip(&self.0).zip(v).for_each(|((out, d), v)| *out = d * v);
///         Ok(())
///     }
/// }
///
/// let model = Cosh { layout: Layout::flat(2)?, theta: vec![0.0, 1.0] };
/// let mut worker = model.hessian_worker(&())?;
/// let mut out = [0.0; 2];
/// worker.at(model.parameters())?;
/// worker.product(&[2.0, 0.0], &mut out)?;
/// assert_eq!(out, [2.0, 0.0]);
/// # Ok::<(), OracleError>(())
/// ```
pub trait HessianWorker<S> {
    /// Moves to θ. It is called before the first product.
    ///
    /// # Errors
    /// As [`Loss::loss`](crate::Loss::loss).
    fn at(&mut self, theta: &[S]) -> Result<(), OracleError>;

    /// Writes ∇²L(θ)·v.
    ///
    /// # Errors
    /// As [`Loss::loss`](crate::Loss::loss).
    fn product(&mut self, v: &[S], out: &mut [S]) -> Result<(), OracleError>;

    /// Writes the products with several vectors of length `n`, stored one after another in `vectors` and in `out`,
    /// for models that multiply them faster together; one by one by default.
    ///
    /// # Errors
    /// As [`Loss::loss`](crate::Loss::loss).
    fn products(&mut self, n: usize, vectors: &[S], out: &mut [S]) -> Result<(), OracleError> {
        for (v, out) in vectors.chunks_exact(n).zip(out.chunks_exact_mut(n)) {
            self.product(v, out)?;
        }
        Ok(())
    }

    /// The estimated error of a product at this θ with a vector of length 1, as a distance; 0 for exact products, which
    /// is provided. The provided differences of gradients estimate theirs. Bounds on eigenvalues are wider by it.
    fn product_error(&self) -> f64 {
        0.0
    }
}

/// The worker of a model that prepares nothing: it keeps θ, and calls
/// [`hessian_product`](HessianProduct::hessian_product) for each vector. Where that is the provided difference of
/// gradients, it fits the step of the differences once for all products at θ.
pub(crate) struct Recomputing<'a, M: HessianProduct<D> + ?Sized, D: ?Sized> {
    model: &'a M,
    data: &'a D,
    theta: Vec<M::Scalar>,
    /// Whether the products are differences, once that is known.
    provided: Option<bool>,
    differences: Option<Differences<M::Scalar>>,
}

impl<'a, M: HessianProduct<D> + ?Sized, D: ?Sized> Recomputing<'a, M, D> {
    pub(crate) fn new(model: &'a M, data: &'a D) -> Self {
        Self { model, data, theta: Vec::new(), provided: None, differences: None }
    }
}

impl<M: HessianProduct<D> + ?Sized, D: ?Sized> HessianWorker<M::Scalar> for Recomputing<'_, M, D> {
    fn at(&mut self, theta: &[M::Scalar]) -> Result<(), OracleError> {
        self.theta.clear();
        self.theta.extend_from_slice(theta);
        self.differences = None;
        Ok(())
    }

    fn product(&mut self, v: &[M::Scalar], out: &mut [M::Scalar]) -> Result<(), OracleError> {
        let Self { model, data, theta, provided, differences } = self;
        if provided.is_none() {
            let found = multiply_unless_provided(*model, theta, v, *data, out)?;
            *provided = Some(found);
            if !found {
                return Ok(());
            }
        }
        if *provided == Some(false) {
            return model.hessian_product(theta, v, data, out);
        }
        let differences = match differences {
            Some(differences) => differences,
            None => differences.insert(Differences::fit(*model, theta, *data)?),
        };
        differences.product(*model, data, v, out)
    }

    fn product_error(&self) -> f64 {
        self.differences.as_ref().map_or(0.0, Differences::error)
    }
}
