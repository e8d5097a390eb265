//! Symmetric operators, which multiply vectors: the Hessian of a loss, closures, and implementations of your own.

use std::fmt;

use super::chosen_parameters::ChosenParameters;
use crate::{
    Error, HessianProduct, Layout, Mask, OracleError, Result, Scalar,
    model::{HessianWorker, guarded},
};

/// A symmetric linear operator on vectors of one length, known only by its products with them.
///
/// [`HessianOperator`] is the Hessian of a model's loss, [`FnOperator`] a closure. One of your own:
///
/// ```
/// use loss_landscape::{OracleError, curvature::{Lanczos, SymmetricOperator}};
///
/// /// The second difference on a path of n nodes.
/// struct Path(usize);
///
/// impl SymmetricOperator for Path {
///     type Scalar = f64;
///     fn dimension(&self) -> usize {
///         self.0
///     }
///     fn apply(&mut self, v: &[f64], out: &mut [f64]) -> Result<(), OracleError> {
///         for i in 0..v.len() {
///             let before = if i > 0 { v[i - 1] } else { 0.0 };
///             out[i] = 2.0 * v[i] - before - v.get(i + 1).unwrap_or(&0.0);
///         }
///         Ok(())
///     }
/// }
///
/// let extremes = Lanczos::new().tolerance(1e-6).run(&mut Path(30))?;
/// let exact = 2.0 + 2.0 * (std::f64::consts::PI / 31.0).cos();
/// assert!((extremes.lambda_max - exact).abs() < 1e-6);
/// # Ok::<(), loss_landscape::Error>(())
/// ```
pub trait SymmetricOperator {
    /// The number type of the vectors.
    type Scalar: Scalar;

    /// The length of the vectors.
    fn dimension(&self) -> usize;

    /// Writes A·v.
    ///
    /// # Errors
    /// Any error; it ends the computation with [`Error::Oracle`], and a panic ends it with [`Error::OraclePanicked`].
    fn apply(&mut self, v: &[Self::Scalar], out: &mut [Self::Scalar]) -> Result<(), OracleError>;

    /// Writes the products with several vectors, stored one after another in `vectors` and in `out`. The default
    /// multiplies them one by one; override it if they are faster together.
    ///
    /// # Errors
    /// As [`apply`](Self::apply).
    fn apply_several(
        &mut self,
        vectors: &[Self::Scalar],
        out: &mut [Self::Scalar],
    ) -> Result<(), OracleError> {
        let n = self.dimension().max(1);
        for (v, out) in vectors.chunks_exact(n).zip(out.chunks_exact_mut(n)) {
            self.apply(v, out)?;
        }
        Ok(())
    }

    /// The estimated error of a product with a vector of length 1, as a distance; 0 for exact products, which is
    /// provided. Bounds on eigenvalues are wider by it.
    fn product_error(&self) -> f64 {
        0.0
    }
}

/// A symmetric operator made of a closure that writes A·v.
///
/// ```
/// use loss_landscape::curvature::{FnOperator, Lanczos};
///
/// let mut diagonal = FnOperator::new(3, |v: &[f64], out: &mut [f64]| {
///     for (i, (out, v)) in out.iter_mut().zip(v).enumerate() {
///         *out = (i as f64 - 1.0) * v;
///     }
///     Ok(())
/// });
/// let extremes = Lanczos::new().run(&mut diagonal)?;
/// assert!((extremes.lambda_min + 1.0).abs() < 1e-12 && (extremes.ratio() - 1.0).abs() < 1e-12);
/// # Ok::<(), loss_landscape::Error>(())
/// ```
pub struct FnOperator<S, F> {
    n: usize,
    apply: F,
    scalar: std::marker::PhantomData<fn(S)>,
}

/// The Hessian of a model's loss at one θ, in the parameters of chosen blocks.
///
/// Its vectors have only the chosen parameters, in the order of the layout: all except buffers, unless it is
/// [`masked`](Self::masked). A product costs one of the model's Hessian-vector products: see [`HessianProduct`].
///
/// ```
/// use loss_landscape::{Block, Gradient, HessianProduct, Layout, Loss, Mask, Model, OracleError, Role};
/// use loss_landscape::curvature::{HessianOperator, Lanczos};
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
/// let layout = Layout::new([Block::weight("w", [5, 2], 0), Block::bias("b", [4])])?;
/// let model = Saddle { layout, theta: vec![0.0; 14] }; // any model with a Hessian; this one's is diagonal
/// let weights = Mask::role(model.layout(), Role::Weight); // as the original code: no biases
/// let mut hessian = HessianOperator::new(&model, model.parameters(), &())?.masked(&weights)?;
/// let extremes = Lanczos::new().run(&mut hessian)?;
/// assert!((extremes.lambda_min + 2.0).abs() < 1e-6 && (extremes.lambda_max - 7.0).abs() < 1e-6);
/// // Vectors of the operator have 10 elements, those of the model 14.
/// let whole = hessian.embed(&[1.0; 10])?;
/// assert_eq!((whole.len(), hessian.restrict(&whole)?.len(), whole[13]), (14, 10, 0.0));
/// hessian.move_to(&[0.1; 14])?; // the same blocks at another θ
/// # Ok::<(), loss_landscape::Error>(())
/// ```
///
/// A model without gradients has no Hessian-vector products, and the compiler says so:
///
/// ```compile_fail,E0277
/// use loss_landscape::{FnModel, Layout, Model, curvature::HessianOperator};
///
/// let model = FnModel::new(Layout::flat(2)?, vec![1.0, 2.0], |theta: &[f64], _: &()| theta[0])?;
/// let hessian = HessianOperator::new(&model, model.parameters(), &());
/// // error[E0277]: `FnModel<f64, …>` has no Hessian-vector products over `()`
/// # Ok::<(), loss_landscape::Error>(())
/// ```
pub struct HessianOperator<'a, S> {
    worker: Box<dyn HessianWorker<S> + 'a>,
    chosen: ChosenParameters<S>,
}

impl<S: Scalar, F: FnMut(&[S], &mut [S]) -> Result<(), OracleError>> FnOperator<S, F> {
    /// An operator on vectors of length `n`.
    pub fn new(n: usize, apply: F) -> Self {
        Self { n, apply, scalar: std::marker::PhantomData }
    }
}

impl<S: Scalar, F: FnMut(&[S], &mut [S]) -> Result<(), OracleError>> SymmetricOperator for FnOperator<S, F> {
    type Scalar = S;

    fn dimension(&self) -> usize {
        self.n
    }

    fn apply(&mut self, v: &[S], out: &mut [S]) -> Result<(), OracleError> {
        (self.apply)(v, out)
    }
}

impl<S, F> fmt::Debug for FnOperator<S, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FnOperator").field("n", &self.n).finish_non_exhaustive()
    }
}

impl<'a, S: Scalar> HessianOperator<'a, S> {
    /// The Hessian at `theta` in all parameters except buffers.
    ///
    /// # Errors
    /// [`Error::Length`] or [`Error::NonFinite`] for θ; [`Error::EmptyMask`] if all blocks are buffers;
    /// [`Error::Oracle`] or [`Error::OraclePanicked`] if the model fails with these data or this θ.
    pub fn new<M, D>(model: &'a M, theta: &[S], data: &'a D) -> Result<Self>
    where
        M: HessianProduct<D, Scalar = S> + ?Sized,
        D: ?Sized,
    {
        let mut operator = Self::unplaced(model, data)?;
        operator.move_to(theta)?;
        Ok(operator)
    }

    /// The same Hessian in the parameters of these blocks alone.
    ///
    /// # Errors
    /// [`Error::LayoutMismatch`] for a mask of another layout, [`Error::EmptyMask`] for one that chooses
    /// nothing.
    pub fn masked(mut self, mask: &Mask) -> Result<Self> {
        self.chosen = ChosenParameters::new(self.chosen.layout(), Some(mask))?;
        Ok(self)
    }

    /// The same Hessian in the parameters of these blocks, if there is a mask.
    pub(super) fn restricted(self, mask: Option<&Mask>) -> Result<Self> {
        match mask {
            Some(mask) => self.masked(mask),
            None => Ok(self),
        }
    }

    /// Moves to another θ, in place.
    ///
    /// # Errors
    /// [`Error::Length`], [`Error::NonFinite`], [`Error::Oracle`] or [`Error::OraclePanicked`].
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
    /// [`Error::OperatorLength`] if it is not as long as the operator's vectors.
    pub fn embed(&self, v: &[S]) -> Result<Vec<S>> {
        self.chosen.embed(v)
    }

    /// The chosen parameters of a vector of the whole layout.
    ///
    /// # Errors
    /// [`Error::Length`] if it does not fit the layout.
    pub fn restrict(&self, whole: &[S]) -> Result<Vec<S>> {
        self.chosen.restrict(whole)
    }

    /// The Hessian before its first [`move_to`](Self::move_to).
    pub(super) fn unplaced<M, D>(model: &'a M, data: &'a D) -> Result<Self>
    where
        M: HessianProduct<D, Scalar = S> + ?Sized,
        D: ?Sized,
    {
        let chosen = ChosenParameters::new(model.layout(), None)?;
        let worker = guarded("making a Hessian worker", || model.hessian_worker(data))?;
        Ok(Self { worker, chosen })
    }
}

impl<S: Scalar> SymmetricOperator for HessianOperator<'_, S> {
    type Scalar = S;

    fn dimension(&self) -> usize {
        self.chosen.len()
    }

    fn apply(&mut self, v: &[S], out: &mut [S]) -> Result<(), OracleError> {
        self.apply_several(v, out)
    }

    fn apply_several(&mut self, vectors: &[S], out: &mut [S]) -> Result<(), OracleError> {
        let Self { worker, chosen } = self;
        chosen.multiply(vectors, out, |n, vectors, out| worker.products(n, vectors, out))
    }

    fn product_error(&self) -> f64 {
        self.worker.product_error()
    }
}

impl<S: Scalar> fmt::Debug for HessianOperator<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HessianOperator").field("n", &self.chosen.len()).finish_non_exhaustive()
    }
}

impl<A: SymmetricOperator + ?Sized> SymmetricOperator for &mut A {
    type Scalar = A::Scalar;

    fn dimension(&self) -> usize {
        (**self).dimension()
    }

    fn apply(&mut self, v: &[A::Scalar], out: &mut [A::Scalar]) -> Result<(), OracleError> {
        (**self).apply(v, out)
    }

    fn apply_several(&mut self, vectors: &[A::Scalar], out: &mut [A::Scalar]) -> Result<(), OracleError> {
        (**self).apply_several(vectors, out)
    }

    fn product_error(&self) -> f64 {
        (**self).product_error()
    }
}

/// Multiplies several vectors; errors, panics and products that are not finite become errors of this crate.
///
/// `before` is the number of products so far, for the error.
pub(super) fn multiply<A: SymmetricOperator + ?Sized>(
    operator: &mut A,
    before: usize,
    vectors: &[A::Scalar],
    out: &mut [A::Scalar],
) -> Result<()> {
    out.fill(A::Scalar::from_f64(f64::NAN));
    guarded("multiplying a vector", || operator.apply_several(vectors, out))?;
    let n = operator.dimension().max(1);
    match first_bad(out) {
        None => Ok(()),
        Some(at) => {
            Err(Error::NonFiniteProduct { product: before + at / n, index: at % n, value: out[at].as_f64() })
        }
    }
}

/// The position of the first value that is not finite; it goes by sixteen values, which the compiler vectorises.
fn first_bad<S: Scalar>(values: &[S]) -> Option<usize> {
    let fine = |chunk: &[S]| chunk.iter().fold(true, |fine, value| fine & value.is_finite());
    let chunk = values.chunks(16).position(|chunk| !fine(chunk))?;
    values[16 * chunk..].iter().position(|value| !value.is_finite()).map(|at| 16 * chunk + at)
}

/// Refuses an operator on vectors of length 0.
pub(super) fn ensure_dimension<A: SymmetricOperator + ?Sized>(operator: &A) -> Result<usize> {
    match operator.dimension() {
        0 => Err(Error::EmptyOperator),
        n => Ok(n),
    }
}
