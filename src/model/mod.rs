//! The user's whole contract: a model has parameters, a loss oracle measures them.

mod check;
mod closure;
mod differences;
mod gauss_newton;
mod guard;
mod hessian;
mod oracle;
mod oracle_error;
mod sample_losses;

pub use check::{DerivativeCheck, GradientCheck, HessianCheck, check_gradient, check_hessian_product};
pub use closure::{Fingerprint, FnFingerprint, FnModel, IntoLoss, NoFingerprint};
pub use gauss_newton::{GaussNewtonProduct, GaussNewtonWorker, HessianPart};
pub use hessian::HessianWorker;
pub use oracle::{Prepared, Worker, pointwise};
pub use oracle_error::OracleError;
pub use sample_losses::{SampleLosses, SampleWorker, samplewise};

pub(crate) use guard::{OracleFailure, catch, guarded};

use crate::{Layout, Scalar, Slice};

/// A model with parameters: their layout, and their present values.
///
/// ```
/// use loss_landscape::{Block, Layout, Model};
///
/// /// y = w·x + b
/// struct Line {
///     layout: Layout,
///     theta: Vec<f64>,
/// }
///
/// impl Line {
///     fn new(w: f64, b: f64) -> Result<Self, loss_landscape::Error> {
///         let layout = Layout::new([Block::weight("w", [1, 1], 0), Block::bias("b", [1])])?;
///         Ok(Self { layout, theta: vec![w, b] })
///     }
/// }
///
/// impl Model for Line {
///     type Scalar = f64;
///     fn layout(&self) -> &Layout {
///         &self.layout
///     }
///     fn parameters(&self) -> &[f64] {
///         &self.theta
///     }
/// }
///
/// let line = Line::new(2.0, -1.0)?;
/// assert_eq!(line.parameters().len(), line.layout().len());
/// # Ok::<(), loss_landscape::Error>(())
/// ```
pub trait Model {
    /// The number type of the parameters.
    type Scalar: Scalar;

    /// The blocks that the flat parameter vector is made of.
    fn layout(&self) -> &Layout;

    /// θ: the centre of a surface. Its length is [`layout().len()`](Layout::len).
    fn parameters(&self) -> &[Self::Scalar];
}

/// A loss oracle: the mean loss over data of any type `D`, at any parameters.
///
/// One method is required. It takes `&self`, since all threads of a sweep share the oracle, and θ as an argument: it
/// must not use [`Model::parameters`] instead. A model or data that threads cannot share (that are not [`Sync`]) are
/// swept on one thread ([`Sweep::here`](crate::Sweep::here)) or with an instance for every thread
/// ([`Sweep::per_thread`](crate::Sweep::per_thread)).
///
/// ```
/// use loss_landscape::{Layout, Loss, Model, OracleError, RandomDirections, line_1d};
///
/// struct Slope {
///     layout: Layout,
///     theta: Vec<f64>,
/// }
///
/// impl Model for Slope {
///     type Scalar = f64;
///     fn layout(&self) -> &Layout {
///         &self.layout
///     }
///     fn parameters(&self) -> &[f64] {
///         &self.theta
///     }
/// }
///
/// impl Loss<[(f64, f64)]> for Slope {
///     fn loss(&self, theta: &[f64], data: &[(f64, f64)]) -> Result<f64, OracleError> {
///         let sum: f64 = data.iter().map(|(x, y)| (theta[0] * x - y).powi(2)).sum();
///         Ok(sum / data.len() as f64)
///     }
/// }
///
/// let model = Slope { layout: Layout::flat(1)?, theta: vec![3.0] };
/// let data = [(1.0, 3.0), (2.0, 6.0)];
/// let curve = line_1d(&model, data.as_slice(), RandomDirections::new(42))?;
/// assert_eq!(curve.loss()[25], 0.0); // α = 0 is θ itself, which fits
/// # Ok::<(), loss_landscape::Error>(())
/// ```
///
/// Beyond the loss, all provided: [`channels`](Self::channels) and [`measure`](Self::measure) yield several figures
/// from one pass; [`worker`](Self::worker) gives each thread scratch memory, and [`prepare`](Self::prepare) does work
/// once for all points, several points in one call and data in chunks.
pub trait Loss<D: ?Sized>: Model {
    /// The mean loss over `data` at `theta`.
    ///
    /// # Errors
    /// Any error; a sweep records it as the outcome of that point and goes on. NaN and infinity
    /// are no errors but values, kept and listed.
    fn loss(&self, theta: &[Self::Scalar], data: &D) -> Result<f64, OracleError>;

    /// The names of what one pass yields; `["loss"]` by default. The first is the loss.
    ///
    /// With [`measure`](Self::measure) it lets one pass over the data yield several figures:
    ///
    /// ```
    /// use loss_landscape::{Layout, Loss, Model, OracleError, RandomDirections, line_1d};
    ///
    /// struct Classifier {
    ///     layout: Layout,
    ///     theta: Vec<f64>,
    /// }
    ///
    /// impl Model for Classifier {
    ///     type Scalar = f64;
    ///     fn layout(&self) -> &Layout {
    ///         &self.layout
    ///     }
    ///     fn parameters(&self) -> &[f64] {
    ///         &self.theta
    ///     }
    /// }
    ///
    /// /// Logistic regression on (x, y) with y = ±1.
    /// impl Loss<[(f64, f64)]> for Classifier {
    ///     fn loss(&self, theta: &[f64], data: &[(f64, f64)]) -> Result<f64, OracleError> {
    ///         let mut out = [0.0; 2];
    ///         self.measure(theta, data, &mut out)?;
    ///         Ok(out[0])
    ///     }
    ///     fn channels(&self) -> Vec<String> {
    ///         vec!["loss".into(), "accuracy".into()]
    ///     }
    ///     fn measure(&self, theta: &[f64], data: &[(f64, f64)], out: &mut [f64]) -> Result<(), OracleError> {
    ///         out.fill(0.0);
    ///         for (x, y) in data {
    ///             let margin = y * (theta[0] * x + theta[1]);
    ///             out[0] += (-margin).exp().ln_1p() / data.len() as f64;
    ///             out[1] += f64::from(margin > 0.0) / data.len() as f64;
    ///         }
    ///         Ok(())
    ///     }
    /// }
    ///
    /// let model = Classifier { layout: Layout::flat(2)?, theta: vec![2.0, 0.0] };
    /// let data = [(1.0, 1.0), (-1.0, -1.0)];
    /// let curve = line_1d(&model, data.as_slice(), RandomDirections::new(1))?;
    /// assert_eq!(curve.channel("accuracy")?[25], 1.0);
    /// assert!((curve.loss()[25] - (-2.0_f64).exp().ln_1p()).abs() < 1e-15);
    /// # Ok::<(), loss_landscape::Error>(())
    /// ```
    fn channels(&self) -> Vec<String> {
        vec!["loss".to_owned()]
    }

    /// Writes all channels at `theta` into `out`, which has one place for each of [`channels`](Self::channels). By
    /// default it writes the loss, and where there are more channels it ends the sweep with
    /// [`Error::Unmeasured`](crate::Error::Unmeasured).
    ///
    /// # Errors
    /// As [`loss`](Self::loss).
    fn measure(&self, theta: &[Self::Scalar], data: &D, out: &mut [f64]) -> Result<(), OracleError> {
        if out.len() > 1 {
            return Err(crate::Error::Unmeasured { channels: self.channels() }.into());
        }
        out[0] = self.loss(theta, data)?;
        Ok(())
    }

    /// A hash of the data, and of whatever else in the oracle, apart from θ, its values depend on; none by default.
    ///
    /// Results record it, and a [journal](crate::Sweep::journal) is refused where it differs. Without a fingerprint a
    /// journal cannot notice that the data have changed, and the report
    /// [says so](crate::report::Resumed::unchecked_data). It must be the same in every process. A few lines with any
    /// fixed hash function over the bytes of the data will do, such as [`content_hash`](crate::content_hash);
    /// [`FnModel::fingerprint_by`] has an example.
    fn fingerprint(&self, data: &D) -> Option<u64> {
        let _ = data;
        None
    }

    /// The worker with which one thread evaluates points, if nothing is [prepared](Self::prepare): by default a buffer
    /// for θ and a call of [`measure`](Self::measure) for each point. Override it to give each thread scratch memory of
    /// your own, as the example of [`pointwise`] does.
    ///
    /// # Errors
    /// Any error; the points of that thread then fail with it.
    fn worker<'a>(
        &'a self,
        slice: &'a Slice<'a, Self::Scalar>,
        data: &'a D,
    ) -> Result<Box<dyn Worker + 'a>, OracleError> {
        Ok(pointwise(slice, move |theta: &[Self::Scalar], out: &mut [f64]| self.measure(theta, data, out)))
    }

    /// Gets ready for a sweep over `slice`, once for each data set, where something can be computed once for all
    /// points; nothing by default. What it returns is shared by all threads. [`Prepared`] has an example.
    ///
    /// # Errors
    /// Any error; it ends the sweep before the first point ([`Error::Oracle`](crate::Error::Oracle)).
    fn prepare<'a>(
        &'a self,
        slice: &'a Slice<'a, Self::Scalar>,
        data: &'a D,
    ) -> Result<Option<Box<dyn Prepared + 'a>>, OracleError> {
        let _ = (slice, data);
        Ok(None)
    }
}

/// An oracle that knows the gradient of its loss.
///
/// Test an implementation with [`check_gradient`](crate::check::check_gradient).
///
/// ```
/// use loss_landscape::{Gradient, Layout, Loss, Model, OracleError, check::check_gradient};
///
/// struct Bowl {
///     layout: Layout,
///     theta: Vec<f64>,
/// }
///
/// impl Model for Bowl {
///     type Scalar = f64;
///     fn layout(&self) -> &Layout {
///         &self.layout
///     }
///     fn parameters(&self) -> &[f64] {
///         &self.theta
///     }
/// }
///
/// impl Loss<()> for Bowl {
///     fn loss(&self, theta: &[f64], _: &()) -> Result<f64, OracleError> {
///         Ok(theta.iter().map(|t| t.powi(4)).sum())
///     }
/// }
///
/// impl Gradient<()> for Bowl {
///     fn gradient(&self, theta: &[f64], data: &(), out: &mut [f64]) -> Result<f64, OracleError> {
///         for (out, t) in out.iter_mut().zip(theta) {
///             *out = 4.0 * t.powi(3);
///         }
///         self.loss(theta, data)
///     }
/// }
///
/// let bowl = Bowl { layout: Layout::flat(3)?, theta: vec![1.0, -0.5, 2.0] };
/// assert!(check_gradient(&bowl, bowl.parameters(), &())?.error < 1e-8);
/// # Ok::<(), loss_landscape::Error>(())
/// ```
pub trait Gradient<D: ?Sized>: Loss<D> {
    /// Writes ∇L(θ), one value for each parameter (0 for buffers), and returns L(θ).
    ///
    /// # Errors
    /// As [`Loss::loss`].
    fn gradient(
        &self,
        theta: &[Self::Scalar],
        data: &D,
        out: &mut [Self::Scalar],
    ) -> Result<f64, OracleError>;
}

/// An oracle that multiplies its Hessian with vectors.
///
/// Both methods are provided: a product is a central difference of two gradients, so that an empty
/// `impl` is enough. Override [`hessian_product`](Self::hessian_product) where the exact product is
/// known, and [`hessian_worker`](Self::hessian_worker) where products at one θ share work; all curvature is
/// computed with the worker. Test them with [`check_hessian_product`](crate::check::check_hessian_product).
///
/// ```
/// use loss_landscape::{Gradient, HessianProduct, Layout, Loss, Model, OracleError};
///
/// struct Quartic {
///     layout: Layout,
///     theta: Vec<f64>,
/// }
///
/// impl Model for Quartic {
///     type Scalar = f64;
///     fn layout(&self) -> &Layout {
///         &self.layout
///     }
///     fn parameters(&self) -> &[f64] {
///         &self.theta
///     }
/// }
///
/// impl Loss<()> for Quartic {
///     fn loss(&self, theta: &[f64], _: &()) -> Result<f64, OracleError> {
///         Ok(theta.iter().map(|t| t.powi(4)).sum())
///     }
/// }
///
/// impl Gradient<()> for Quartic {
///     fn gradient(&self, theta: &[f64], data: &(), out: &mut [f64]) -> Result<f64, OracleError> {
///         for (out, t) in out.iter_mut().zip(theta) {
///             *out = 4.0 * t.powi(3);
///         }
///         self.loss(theta, data)
///     }
/// }
///
/// impl HessianProduct<()> for Quartic {} // by differences of gradients
///
/// let model = Quartic { layout: Layout::flat(2)?, theta: vec![1.0, 2.0] };
/// let mut hv = [0.0; 2];
/// model.hessian_product(model.parameters(), &[1.0, -1.0], &(), &mut hv).unwrap();
/// assert!((hv[0] - 12.0).abs() < 1e-6 && (hv[1] + 48.0).abs() < 1e-6);
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no Hessian-vector products over `{D}`",
    note = "implement `Gradient`; an empty `impl HessianProduct<D> for …` then takes differences of gradients"
)]
pub trait HessianProduct<D: ?Sized>: Gradient<D> {
    /// Writes ∇²L(θ)·v.
    ///
    /// The provided form is (∇L(θ + h·v) − ∇L(θ − h·v)) / 2h. A step h that is too long meets the higher derivatives, one
    /// that is too short drowns in the rounding of gradients; both errors are measured at θ, and h balances them. The
    /// provided [worker](Self::hessian_worker) does that once for all products at θ, by 9 gradients where the loss is
    /// smooth (21 at most), and then takes two gradients a product; a call of this method alone does all of it. The
    /// estimated error is passed on to bounds ([`HessianWorker::product_error`](crate::oracle::HessianWorker::product_error)).
    /// `docs/BENCHMARKS.md` has errors for small networks; across kinks (ReLU) they are large, and said to be.
    ///
    /// # Errors
    /// As [`Loss::loss`].
    fn hessian_product(
        &self,
        theta: &[Self::Scalar],
        v: &[Self::Scalar],
        data: &D,
        out: &mut [Self::Scalar],
    ) -> Result<(), OracleError> {
        differences::hessian_product(self, theta, v, data, out)
    }

    /// A worker for many products, one for each thread. The default calls
    /// [`hessian_product`](Self::hessian_product) for each vector; [`HessianWorker`] has an example of a better one.
    ///
    /// # Errors
    /// Any error, such as of data that does not fit the model.
    fn hessian_worker<'a>(
        &'a self,
        data: &'a D,
    ) -> Result<Box<dyn HessianWorker<Self::Scalar> + 'a>, OracleError> {
        Ok(Box::new(hessian::Recomputing::new(self, data)))
    }
}
