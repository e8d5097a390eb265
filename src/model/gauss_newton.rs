//! The two parts of a Hessian, H = G + R: the Gauss–Newton part and the rest.

use super::{HessianProduct, HessianWorker, OracleError};
use crate::Scalar;

/// Which part of a Hessian H = G + R is meant.
///
/// For a loss ℓ(z(θ)) of a network's outputs z with the Jacobian J, G = Jᵀ·∇²ℓ·J is what the curvature of ℓ puts into
/// H, and R = Σₖ ∂ℓ/∂zₖ·∇²zₖ what the curvature of the network does. Where ℓ is convex, G has no negative eigenvalue,
/// and all negative curvature comes from R.
///
/// ```
/// use loss_landscape::curvature::HessianPart;
///
/// let text = [HessianPart::Whole, HessianPart::GaussNewton, HessianPart::Rest].map(|part| part.to_string());
/// assert_eq!(text, ["H", "G", "R"]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum HessianPart {
    /// H itself.
    Whole,
    /// G, the generalised Gauss–Newton matrix.
    GaussNewton,
    /// R = H − G.
    Rest,
}

impl std::fmt::Display for HessianPart {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Whole => "H",
            Self::GaussNewton => "G",
            Self::Rest => "R",
        })
    }
}

/// An oracle that multiplies the Gauss–Newton part of its Hessian with vectors.
///
/// The loss is a mean of ℓ(z(θ)) over samples, z being the outputs of a network and ℓ a criterion such as the
/// cross-entropy or the squared error. With the Jacobian J of the outputs, G = Jᵀ·∇²ℓ·J is the generalised
/// Gauss–Newton matrix (N. Schraudolph, *Fast curvature matrix-vector products for second-order gradient descent*,
/// Neural Computation 14, 2002), and R = H − G the rest. A product G·v is the derivative of the outputs along v, the
/// small matrix ∇²ℓ of each sample, and a plain backward pass.
///
/// One method is required. Override [`gauss_newton_worker`](Self::gauss_newton_worker) where products at one θ share
/// work, or where R·v can be computed without the difference H·v − G·v, which loses digits where R is small.
///
/// The outputs of logistic regression are linear in θ, so that G is all of its Hessian:
///
/// ```
/// use loss_landscape::{GaussNewtonProduct, Gradient, HessianProduct, Layout, Loss, Model, OracleError};
/// use loss_landscape::curvature::{GaussNewtonOperator, Lanczos};
///
/// /// The mean of ln(1 + exp(−y·z)) over samples (x, y) with y = ±1 and z = ⟨θ, x⟩.
/// struct Logistic {
///     layout: Layout,
///     theta: Vec<f64>,
/// }
///
/// type Samples = [([f64; 2], f64)];
///
/// fn output(theta: &[f64], x: &[f64; 2]) -> f64 {
///     theta[0] * x[0] + theta[1] * x[1]
/// }
///
/// impl Model for Logistic {
///     type Scalar = f64;
///     fn layout(&self) -> &Layout {
///         &self.layout
///     }
///     fn parameters(&self) -> &[f64] {
///         &self.theta
///     }
/// }
///
/// impl Loss<Samples> for Logistic {
///     fn loss(&self, theta: &[f64], data: &Samples) -> Result<f64, OracleError> {
///         let sum: f64 = data.iter().map(|(x, y)| (-y * output(theta, x)).exp().ln_1p()).sum();
///         Ok(sum / data.len() as f64)
///     }
/// }
///
/// impl Gradient<Samples> for Logistic {
///     fn gradient(&self, theta: &[f64], data: &Samples, out: &mut [f64]) -> Result<f64, OracleError> {
///         out.fill(0.0);
///         for (x, y) in data {
///             let slope = -y / (1.0 + (y * output(theta, x)).exp()) / data.len() as f64;
///             out.iter_mut().zip(x).for_each(|(out, x)| *out += slope * x);
///         }
///         self.loss(theta, data)
///     }
/// }
///
/// impl HessianProduct<Samples> for Logistic {}
///
/// impl GaussNewtonProduct<Samples> for Logistic {
///     fn gauss_newton_product(
///         &self,
///         theta: &[f64],
///         v: &[f64],
///         data: &Samples,
///         out: &mut [f64],
///     ) -> Result<(), OracleError> {
///         out.fill(0.0);
///         for (x, _) in data {
///             let p = 1.0 / (1.0 + (-output(theta, x)).exp());
///             // Jv, times ℓ″ = p·(1 − p), back through Jᵀ.
///             let back = p * (1.0 - p) * output(v, x) / data.len() as f64;
///             out.iter_mut().zip(x).for_each(|(out, x)| *out += back * x);
///         }
///         Ok(())
///     }
/// }
///
/// let model = Logistic { layout: Layout::flat(2)?, theta: vec![0.5, -1.0] };
/// let data = [([1.0, 0.0], 1.0), ([0.5, 2.0], -1.0), ([-1.0, 1.0], 1.0)];
/// let (theta, data) = (model.parameters(), data.as_slice());
/// let (mut g, mut h) = ([0.0; 2], [0.0; 2]);
/// model.gauss_newton_product(theta, &[1.0, 2.0], data, &mut g).unwrap();
/// model.hessian_product(theta, &[1.0, 2.0], data, &mut h).unwrap();
/// assert!(g.iter().zip(h).all(|(g, h)| (g - h).abs() < 1e-9));
///
/// let mut operator = GaussNewtonOperator::new(&model, theta, data)?;
/// assert!(Lanczos::new().run(&mut operator)?.lambda_min > 0.0);
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no Gauss–Newton products over `{D}`",
    note = "implement `GaussNewtonProduct<D>`, whose one method multiplies a vector with Jᵀ·∇²ℓ·J"
)]
pub trait GaussNewtonProduct<D: ?Sized>: HessianProduct<D> {
    /// Writes G(θ)·v.
    ///
    /// # Errors
    /// As [`Loss::loss`](crate::Loss::loss).
    fn gauss_newton_product(
        &self,
        theta: &[Self::Scalar],
        v: &[Self::Scalar],
        data: &D,
        out: &mut [Self::Scalar],
    ) -> Result<(), OracleError>;

    /// A worker for many products with all parts of the Hessian, one for each thread. The default calls
    /// [`gauss_newton_product`](Self::gauss_newton_product) for each vector, and multiplies with H by a
    /// [`hessian_worker`](HessianProduct::hessian_worker), whose estimated error the bounds on H and R know.
    ///
    /// # Errors
    /// Any error, such as of data that does not fit the model.
    fn gauss_newton_worker<'a>(
        &'a self,
        data: &'a D,
    ) -> Result<Box<dyn GaussNewtonWorker<Self::Scalar> + 'a>, OracleError> {
        Ok(Box::new(RecomputingParts {
            model: self,
            data,
            theta: Vec::new(),
            hessian: self.hessian_worker(data)?,
        }))
    }
}

/// Multiplies vectors with the parts of a Hessian H = G + R at one θ after another, on one thread.
///
/// [`GaussNewtonProduct::gauss_newton_worker`] returns it. As a [`HessianWorker`] it multiplies with H; what it keeps
/// at θ serves all parts. This model has one output, z = t³, and the loss z²/2, so that G = (3t²)² and R = z·6t:
///
/// ```
/// use loss_landscape::{OracleError, oracle::{GaussNewtonWorker, HessianWorker}};
///
/// #[derive(Default)]
/// struct Cube {
///     g: f64,
///     r: f64,
/// }
///
/// impl HessianWorker<f64> for Cube {
///     fn at(&mut self, theta: &[f64]) -> Result<(), OracleError> {
///         let t = theta[0];
///         (self.g, self.r) = (9.0 * t.powi(4), 6.0 * t.powi(4));
///         Ok(())
///     }
///     fn product(&mut self, v: &[f64], out: &mut [f64]) -> Result<(), OracleError> {
///         out[0] = (self.g + self.r) * v[0];
///         Ok(())
///     }
/// }
///
/// impl GaussNewtonWorker<f64> for Cube {
///     fn gauss_newton_products(&mut self, _: usize, vectors: &[f64], out: &mut [f64]) -> Result<(), OracleError> {
///         out.iter_mut().zip(vectors).for_each(|(out, v)| *out = self.g * v);
///         Ok(())
///     }
/// }
///
/// let mut worker = Cube::default();
/// let mut out = [0.0; 2];
/// worker.at(&[1.0])?;
/// worker.rest_products(1, &[1.0, -2.0], &mut out)?; // H·v − G·v, unless you write it
/// assert_eq!(out, [6.0, -12.0]);
/// # Ok::<(), OracleError>(())
/// ```
pub trait GaussNewtonWorker<S: Scalar>: HessianWorker<S> {
    /// Writes the products of G with several vectors of length `n`, stored one after another in `vectors` and in
    /// `out`.
    ///
    /// # Errors
    /// As [`Loss::loss`](crate::Loss::loss).
    fn gauss_newton_products(&mut self, n: usize, vectors: &[S], out: &mut [S]) -> Result<(), OracleError>;

    /// Writes the products of R = H − G. The default subtracts, in memory of its own as large as `out`; its error is
    /// the rounding of H·v, however small R·v is.
    ///
    /// # Errors
    /// As [`Loss::loss`](crate::Loss::loss).
    fn rest_products(&mut self, n: usize, vectors: &[S], out: &mut [S]) -> Result<(), OracleError> {
        // An element that the model leaves unwritten must not pass for a product.
        let mut part = vec![S::from_f64(f64::NAN); out.len()];
        self.gauss_newton_products(n, vectors, &mut part)?;
        self.products(n, vectors, out)?;
        for (out, part) in out.iter_mut().zip(part) {
            *out -= part;
        }
        Ok(())
    }
}

/// The worker of a model that prepares nothing.
struct RecomputingParts<'a, M: GaussNewtonProduct<D> + ?Sized, D: ?Sized> {
    model: &'a M,
    data: &'a D,
    theta: Vec<M::Scalar>,
    hessian: Box<dyn HessianWorker<M::Scalar> + 'a>,
}

impl<M: GaussNewtonProduct<D> + ?Sized, D: ?Sized> HessianWorker<M::Scalar> for RecomputingParts<'_, M, D> {
    fn at(&mut self, theta: &[M::Scalar]) -> Result<(), OracleError> {
        self.theta.clear();
        self.theta.extend_from_slice(theta);
        self.hessian.at(theta)
    }

    fn product(&mut self, v: &[M::Scalar], out: &mut [M::Scalar]) -> Result<(), OracleError> {
        self.hessian.product(v, out)
    }

    fn products(
        &mut self,
        n: usize,
        vectors: &[M::Scalar],
        out: &mut [M::Scalar],
    ) -> Result<(), OracleError> {
        self.hessian.products(n, vectors, out)
    }

    fn product_error(&self) -> f64 {
        self.hessian.product_error()
    }
}

impl<M, D> GaussNewtonWorker<M::Scalar> for RecomputingParts<'_, M, D>
where
    M: GaussNewtonProduct<D> + ?Sized,
    D: ?Sized,
{
    fn gauss_newton_products(
        &mut self,
        n: usize,
        vectors: &[M::Scalar],
        out: &mut [M::Scalar],
    ) -> Result<(), OracleError> {
        for (v, out) in vectors.chunks_exact(n).zip(out.chunks_exact_mut(n)) {
            self.model.gauss_newton_product(&self.theta, v, self.data, out)?;
        }
        Ok(())
    }
}
