//! A network of candle's as a model: its variables, and a closure from data to loss.

use std::{cell::Cell, fmt, marker::PhantomData};

use candle_core::backprop::GradStore;
use loss_landscape::{
    Gradient, HessianProduct, Layout, Loss, Model, OracleError,
    oracle::{Fingerprint, FnFingerprint, NoFingerprint, Slice, Worker},
};

use crate::{
    CandleScalar, ExactProducts, Figures, IntoNamedVars, NamedVars, Result, at::elsewhere, parts::Parts,
};

/// A network of candle's: its variables, and a closure that computes the loss of data with them.
///
/// The closure calls your network, whose layers hold the same variables. At every point the model sets them to the θ of
/// that point, calls the closure, and puts back what was there, to the bit: also after an error or a panic.
///
/// ```
/// use candle_core::{DType, Device, Tensor};
/// use candle_nn::{Module, VarBuilder, VarMap, loss::cross_entropy};
/// use loss_landscape::{Model, RandomDirections, Sweep, check::check_gradient};
/// use loss_landscape_candle::CandleModel;
///
/// let map = VarMap::new();
/// let vb = VarBuilder::from_varmap(&map, DType::F64, &Device::Cpu);
/// let fc = candle_nn::linear(2, 2, vb.pp("fc"))?; // and training, as you do it
///
/// let x = Tensor::new(&[[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], &Device::Cpu)?;
/// let y = Tensor::new(&[0_u32, 1, 1], &Device::Cpu)?;
/// let model = CandleModel::new_f64(&map, |(x, y): &(Tensor, Tensor)| cross_entropy(&fc.forward(x)?, y))?;
///
/// let data = (x, y);
/// assert!(check_gradient(&model, model.parameters(), &data)?.error < 1e-6);
/// let surface = Sweep::plane(&model, RandomDirections::new(42)).data("train", &data).here().run()?;
/// assert!(surface.report().bad_points.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # The closure
///
/// It returns the mean loss over its data as a tensor of one value; or an array whose first tensor that is, with
/// [further channels](Self::further_channels). The network must be in evaluation mode (`forward_t(x, false)`, no
/// dropout): two calls at one θ have to give the same number. Data that are too large for one pass are a list of
/// batches in the closure's hands, over which it takes the mean.
///
/// # Threads
///
/// There is one set of variables, so that threads cannot share a model: it is not [`Sync`]. Sweeps run
/// [`here`](loss_landscape::Sweep::here), one point after the other, and candle divides each among its own threads.
/// If the network is too small for that, [`per_thread`](loss_landscape::Sweep::per_thread) takes a factory which builds
/// a `VarMap`, a network and a model for each thread; start the program with `RAYON_NUM_THREADS=1
/// CANDLE_NUM_THREADS=1` then, and say `.threads(n)`. [`RebuiltModel`](crate::RebuiltModel) is [`Sync`].
///
/// # θ
///
/// [`parameters`](Model::parameters) are the values that the variables had when the model was made. After more
/// training, make another.
///
/// On the CPU a point's θ is combined in one pass over the vectors of the slice. On other devices these vectors are
/// copied there once for each thread and data set, and combined there, so that for each point only its coordinates go
/// up and its figures come down.
///
/// # Derivatives
///
/// The gradient is candle's backpropagation; buffers, such as running means, have none. Some layers of candle have
/// wrong gradients (`max_pool2d` is one, as of 0.11): [`check_gradient`](loss_landscape::check::check_gradient) finds
/// them. Hessian-vector products are **differences of gradients**, with an estimated error that all bounds know; in
/// `f32` it is large. With [`exact_products`](Self::exact_products) they are exact where candle can differentiate
/// twice.
pub struct CandleModel<F, S = f32, H = NoFingerprint> {
    parts: Parts<S, H>,
    loss: F,
    /// Threads must not share the variables.
    not_sync: PhantomData<Cell<()>>,
}

impl<F> CandleModel<F> {
    /// A network with variables of `f32`: a [`VarMap`](candle_nn::VarMap), a list of names and variables, or
    /// [`NamedVars`] with roles of yours.
    ///
    /// # Errors
    /// As [`NamedVars::of`]; [`Error::Type`](crate::Error::Type) for variables of another type;
    /// [`Error::Core`](crate::Error::Core) with [`NonFinite`](loss_landscape::Error::NonFinite) if a value is NaN or
    /// infinite.
    pub fn new<D: ?Sized, R: Figures>(vars: impl IntoNamedVars, loss: F) -> Result<Self>
    where
        F: Fn(&D) -> candle_core::Result<R>,
    {
        Self::of(vars, loss)
    }
}

impl<F> CandleModel<F, f64> {
    /// [`new`](CandleModel::new) for variables of `f64`.
    ///
    /// # Errors
    /// As that.
    pub fn new_f64<D: ?Sized, R: Figures>(vars: impl IntoNamedVars, loss: F) -> Result<Self>
    where
        F: Fn(&D) -> candle_core::Result<R>,
    {
        Self::of(vars, loss)
    }
}

impl<F, S: CandleScalar> CandleModel<F, S> {
    fn of(vars: impl IntoNamedVars, loss: F) -> Result<Self> {
        Ok(Self { parts: Parts::new(vars)?, loss, not_sync: PhantomData })
    }
}

impl<F, S, H> CandleModel<F, S, H> {
    /// Names for what the closure returns beside the loss, in that order.
    ///
    /// ```
    /// use candle_core::{DType, Device, Tensor};
    /// use candle_nn::{Module, VarBuilder, VarMap, loss::cross_entropy};
    /// use loss_landscape::{RandomDirections, Sweep};
    /// use loss_landscape_candle::CandleModel;
    ///
    /// let map = VarMap::new();
    /// let fc = candle_nn::linear(2, 2, VarBuilder::from_varmap(&map, DType::F32, &Device::Cpu))?;
    /// let model = CandleModel::new(&map, |(x, y): &(Tensor, Tensor)| {
    ///     let logits = fc.forward(x)?;
    ///     let accuracy = logits.argmax(1)?.eq(y)?.to_dtype(DType::F32)?.mean_all()?;
    ///     Ok([cross_entropy(&logits, y)?, accuracy])
    /// })?
    /// .further_channels(["accuracy"]);
    ///
    /// let data = (Tensor::new(&[[1.0_f32, 0.0]], &Device::Cpu)?, Tensor::new(&[0_u32], &Device::Cpu)?);
    /// let curve = Sweep::line(&model, RandomDirections::new(1)).data("test", &data).here().run()?;
    /// assert_eq!(curve.channels(), ["test loss", "test accuracy"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn further_channels<N: Into<String>>(self, names: impl IntoIterator<Item = N>) -> Self {
        Self { parts: self.parts.further_channels(names), ..self }
    }

    /// The same model with a hash of its data, so that a [journal](loss_landscape::Sweep::journal) is refused when they
    /// have changed. [`tensor_fingerprint`](crate::tensor_fingerprint) hashes tensors.
    ///
    /// ```
    /// use candle_core::{DType, Device, Tensor};
    /// use candle_nn::{VarBuilder, VarMap};
    /// use loss_landscape::Loss;
    /// use loss_landscape_candle::{CandleModel, tensor_fingerprint};
    ///
    /// let map = VarMap::new();
    /// let w = VarBuilder::from_varmap(&map, DType::F32, &Device::Cpu).get(2, "bias")?;
    /// let model = CandleModel::new(&map, |x: &Tensor| (&w - x)?.sqr()?.mean_all())?
    ///     .fingerprint_by(|x: &Tensor| tensor_fingerprint([x]));
    /// let [one, two] = [1.0_f32, 2.0].map(|x| Tensor::new(&[x, x], &Device::Cpu).unwrap());
    /// assert_ne!(model.fingerprint(&one), model.fingerprint(&two));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn fingerprint_by<D: ?Sized, G: Fn(&D) -> u64>(self, hash: G) -> CandleModel<F, S, FnFingerprint<G>> {
        let Self { parts, loss, not_sync } = self;
        CandleModel { parts: parts.fingerprint_by(hash), loss, not_sync }
    }

    /// Whether each point's θ is combined by candle, on the device of the variables: by default everywhere but on the
    /// CPU, where that would save no copy. Both do the same arithmetic on lines and planes.
    #[must_use]
    pub fn combine_on_device(self, on_device: bool) -> Self {
        Self { parts: Parts { on_device, ..self.parts }, ..self }
    }

    /// The same model with exact Hessian-vector products, by differentiating twice, in place of differences.
    ///
    /// candle calls that unsupported: it keeps what the second pass needs only where `CANDLE_GRAD_DO_NOT_DETACH=1` is
    /// in the environment as the program starts, and not all its operations have a derivative of their derivative.
    /// [`check_hessian_product`](loss_landscape::check::check_hessian_product) says whether those of your network do.
    ///
    /// # Errors
    /// [`Error::NoSecondDerivatives`](crate::Error::NoSecondDerivatives) without that variable.
    pub fn exact_products(self) -> Result<ExactProducts<F, S, H>> {
        ExactProducts::new(self)
    }

    /// The variables, with their names, roles and filter axes; it can be printed.
    pub fn vars(&self) -> &NamedVars {
        &self.parts.vars
    }
}

impl<F, S, H> fmt::Debug for CandleModel<F, S, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.parts.debug("CandleModel", f)
    }
}

impl<F, S: CandleScalar, H> Model for CandleModel<F, S, H> {
    type Scalar = S;

    fn layout(&self) -> &Layout {
        &self.parts.vars.layout
    }

    fn parameters(&self) -> &[S] {
        &self.parts.theta
    }
}

impl<D, R, F, S, H> Loss<D> for CandleModel<F, S, H>
where
    D: ?Sized,
    R: Figures,
    F: Fn(&D) -> candle_core::Result<R>,
    S: CandleScalar,
    H: Fingerprint<D>,
{
    fn loss(&self, theta: &[S], data: &D) -> Result<f64, OracleError> {
        self.at(theta, || Ok(self.parts.number(&(self.loss)(data)?)?))
    }

    fn channels(&self) -> Vec<String> {
        self.parts.channels.clone()
    }

    fn measure(&self, theta: &[S], data: &D, out: &mut [f64]) -> Result<(), OracleError> {
        self.at(theta, || Ok(self.parts.write(&(self.loss)(data)?, out)?))
    }

    fn fingerprint(&self, data: &D) -> Option<u64> {
        self.parts.fingerprint.of(data)
    }

    fn worker<'a>(
        &'a self,
        slice: &'a Slice<'a, S>,
        data: &'a D,
    ) -> Result<Box<dyn Worker + 'a>, OracleError> {
        self.parts.worker(slice, move |tensors, out| {
            elsewhere(&self.parts.vars, tensors, || Ok(self.parts.write(&(self.loss)(data)?, out)?))
        })
    }
}

impl<D, R, F, S, H> Gradient<D> for CandleModel<F, S, H>
where
    D: ?Sized,
    R: Figures,
    F: Fn(&D) -> candle_core::Result<R>,
    S: CandleScalar,
    H: Fingerprint<D>,
{
    fn gradient(&self, theta: &[S], data: &D, out: &mut [S]) -> Result<f64, OracleError> {
        self.layout().ensure_length("the gradient", out.len())?;
        self.at(theta, || {
            let figures = (self.loss)(data)?;
            let found = self.parts.loss(&figures)?.backward()?;
            self.parts.write_gradient(self.vars().vars(), &found, out)?;
            Ok(self.parts.number(&figures)?)
        })
    }
}

/// By differences of gradients; [`CandleModel::exact_products`] has others.
impl<D, R, F, S, H> HessianProduct<D> for CandleModel<F, S, H>
where
    D: ?Sized,
    R: Figures,
    F: Fn(&D) -> candle_core::Result<R>,
    S: CandleScalar,
    H: Fingerprint<D>,
{
}

impl<F, S: CandleScalar, H> CandleModel<F, S, H> {
    /// Calls with the variables at θ.
    pub(crate) fn at<T>(
        &self,
        theta: &[S],
        call: impl FnOnce() -> Result<T, OracleError>,
    ) -> Result<T, OracleError> {
        elsewhere(&self.parts.vars, &mut self.parts.tensors(theta)?, call)
    }

    /// The gradient of the data's loss with the variables as they are.
    pub(crate) fn backward<D: ?Sized, R: Figures>(&self, data: &D) -> Result<GradStore>
    where
        F: Fn(&D) -> candle_core::Result<R>,
    {
        Ok(self.parts.loss(&(self.loss)(data)?)?.backward()?)
    }

    /// Writes what backpropagation has found: 0 for variables that it has not reached.
    pub(crate) fn write_derivatives(&self, found: &GradStore, out: &mut [S]) -> Result<()> {
        self.parts.write_derivatives(self.vars().vars(), found, out).map(drop)
    }
}
