//! A network of candle's as a model: its variables, and a closure from data to loss.

use std::{cell::Cell, fmt, marker::PhantomData};

use candle_core::{Tensor, Var, backprop::GradStore};
use loss_landscape::{
    Gradient, HessianProduct, Layout, Loss, Model, OracleError, Role,
    oracle::{Fingerprint, NoFingerprint, Point, Slice, Worker, pointwise},
};

use crate::{
    CandleScalar, Error, ExactProducts, IntoNamedVars, NamedVars, Result,
    at::{elsewhere, move_to_device, move_to_host},
    figures::{self, Figures},
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
/// For networks that are too small for that, [`per_thread`](loss_landscape::Sweep::per_thread) takes a factory which
/// builds a `VarMap`, a network and a model for each thread; start the program with `RAYON_NUM_THREADS=1
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
    vars: NamedVars,
    theta: Vec<S>,
    loss: F,
    channels: Vec<String>,
    fingerprint: H,
    on_device: bool,
    /// Threads must not share the variables.
    not_sync: PhantomData<Cell<()>>,
}

/// The fingerprint of data by a closure; [`CandleModel::fingerprint_by`] makes it, and it is named where the type of a
/// model is.
///
/// ```
/// use loss_landscape::oracle::Fingerprint;
/// use loss_landscape_candle::{CandleModel, FingerprintBy};
///
/// type Loss = fn(&u64) -> candle_core::Result<candle_core::Tensor>;
/// type Versioned = CandleModel<Loss, f32, FingerprintBy<fn(&u64) -> u64>>;
///
/// fn name_of(_: &Versioned) {}
/// # fn of(f: FingerprintBy<fn(&u64) -> u64>) -> Option<u64> { f.of(&7) }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct FingerprintBy<H>(pub(crate) H);

impl<D: ?Sized, H: Fn(&D) -> u64> Fingerprint<D> for FingerprintBy<H> {
    fn of(&self, data: &D) -> Option<u64> {
        Some((self.0)(data))
    }
}

impl<F> CandleModel<F> {
    /// A network with variables of `f32`: a [`VarMap`](candle_nn::VarMap), a list of names and variables, or
    /// [`NamedVars`] with roles of yours.
    ///
    /// # Errors
    /// As [`NamedVars::of`]; [`Error::Type`] for variables of another type; [`Error::Core`] with
    /// [`NonFinite`](loss_landscape::Error::NonFinite) if a value is NaN or infinite.
    pub fn new<D: ?Sized, R: Figures>(vars: impl IntoNamedVars, loss: F) -> Result<Self>
    where
        F: Fn(&D) -> candle_core::Result<R>,
    {
        Self::of(vars.into_named_vars()?, loss)
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
        Self::of(vars.into_named_vars()?, loss)
    }
}

impl<F, S: CandleScalar> CandleModel<F, S> {
    fn of(vars: NamedVars, loss: F) -> Result<Self> {
        let theta = theta_of(&vars)?;
        let on_device = !vars.device().is_cpu();
        let channels = vec!["loss".to_owned()];
        let (fingerprint, not_sync) = (NoFingerprint, PhantomData);
        Ok(Self { vars, theta, loss, channels, fingerprint, on_device, not_sync })
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
    pub fn further_channels<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.channels.truncate(1);
        self.channels.extend(names.into_iter().map(Into::into));
        self
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
    pub fn fingerprint_by<D: ?Sized, G: Fn(&D) -> u64>(self, hash: G) -> CandleModel<F, S, FingerprintBy<G>> {
        let Self { vars, theta, loss, channels, on_device, not_sync, .. } = self;
        CandleModel { vars, theta, loss, channels, fingerprint: FingerprintBy(hash), on_device, not_sync }
    }

    /// Whether each point's θ is combined by candle, on the device of the variables: by default everywhere but on the
    /// CPU, where the crate's own pass is the shorter one. Both do the same arithmetic on lines and planes.
    #[must_use]
    pub fn combine_on_device(self, on_device: bool) -> Self {
        Self { on_device, ..self }
    }

    /// The same model with exact Hessian-vector products, by differentiating twice, in place of differences.
    ///
    /// candle calls that unsupported: it keeps what the second pass needs only where `CANDLE_GRAD_DO_NOT_DETACH=1` is
    /// in the environment as the program starts, and not all its operations have a derivative of their derivative.
    /// [`check_hessian_product`](loss_landscape::check::check_hessian_product) says whether those of your network do.
    ///
    /// # Errors
    /// [`Error::NoSecondDerivatives`] without that variable.
    pub fn exact_products(self) -> Result<ExactProducts<F, S, H>> {
        ExactProducts::new(self)
    }

    /// The variables, with their names, roles and filter axes; it can be printed.
    pub fn vars(&self) -> &NamedVars {
        &self.vars
    }
}

impl<F, S, H> fmt::Debug for CandleModel<F, S, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { vars, channels, on_device, .. } = self;
        f.debug_struct("CandleModel")
            .field("vars", &vars.layout.blocks().len())
            .field("parameters", &vars.layout.len())
            .field("channels", channels)
            .field("on_device", on_device)
            .finish_non_exhaustive()
    }
}

impl<F, S: CandleScalar, H> Model for CandleModel<F, S, H> {
    type Scalar = S;

    fn layout(&self) -> &Layout {
        &self.vars.layout
    }

    fn parameters(&self) -> &[S] {
        &self.theta
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
        self.at_host(theta, || {
            let figures = (self.loss)(data)?;
            Ok(figures::number(figures::loss(&figures, &self.channels)?, &self.channels[0])?)
        })
    }

    fn channels(&self) -> Vec<String> {
        self.channels.clone()
    }

    fn measure(&self, theta: &[S], data: &D, out: &mut [f64]) -> Result<(), OracleError> {
        self.at_host(theta, || Ok(figures::write(&(self.loss)(data)?, &self.channels, out)?))
    }

    fn fingerprint(&self, data: &D) -> Option<u64> {
        self.fingerprint.of(data)
    }

    fn worker<'a>(
        &'a self,
        slice: &'a Slice<'a, S>,
        data: &'a D,
    ) -> Result<Box<dyn Worker + 'a>, OracleError> {
        if !self.on_device {
            return Ok(pointwise(slice, move |theta: &[S], out: &mut [f64]| self.measure(theta, data, out)));
        }
        let basis = basis_on_device(slice, &self.vars)?;
        Ok(Box::new(move |points: &[Point], _: usize, out: &mut [f64]| -> Result<(), OracleError> {
            for (point, out) in points.iter().zip(out.chunks_exact_mut(self.channels.len())) {
                let theta = combined::<S>(&basis, slice.coefficients(point.coordinates))?;
                elsewhere(
                    &self.vars,
                    || move_to_device(&self.vars, &theta),
                    || Ok(figures::write(&(self.loss)(data)?, &self.channels, out)?),
                )?;
            }
            Ok(())
        }))
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
        self.vars.layout.ensure_length("the gradient", out.len())?;
        self.at_host(theta, || {
            let figures = (self.loss)(data)?;
            let loss = figures::loss(&figures, &self.channels)?;
            self.write_gradient(&loss.backward()?, out)?;
            Ok(figures::number(loss, &self.channels[0])?)
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
    pub(crate) fn at_host<T>(
        &self,
        theta: &[S],
        call: impl FnOnce() -> Result<T, OracleError>,
    ) -> Result<T, OracleError> {
        elsewhere(&self.vars, || move_to_host(&self.vars, theta), call)
    }

    /// The loss of data with the variables as they are, as a tensor that can be differentiated.
    pub(crate) fn figures<D: ?Sized, R: Figures>(&self, data: &D) -> Result<Tensor>
    where
        F: Fn(&D) -> candle_core::Result<R>,
    {
        Ok(figures::loss(&(self.loss)(data)?, &self.channels)?.clone())
    }

    pub(crate) fn write_gradient(&self, found: &GradStore, out: &mut [S]) -> Result<()> {
        write_gradient(&self.vars.layout, &self.vars.vars, found, out)
    }
}

/// θ as the variables have it, which must be of the type of the model and finite.
pub(crate) fn theta_of<S: CandleScalar>(vars: &NamedVars) -> Result<Vec<S>> {
    if vars.dtype() != S::TYPE {
        let (name, found) = (vars.name(0).to_owned(), vars.dtype());
        return Err(Error::Type { name, found, expected: S::WORD });
    }
    let mut theta = Vec::with_capacity(vars.layout.len());
    for var in &vars.vars {
        theta.extend(var.flatten_all()?.to_vec1::<S>()?);
    }
    vars.layout.ensure_finite("θ", &theta)?;
    Ok(theta)
}

/// The vectors of a slice, where the variables are.
pub(crate) fn basis_on_device<S: CandleScalar>(
    slice: &Slice<'_, S>,
    vars: &NamedVars,
) -> Result<Vec<Tensor>> {
    let on_device = |vector: &&[S]| Tensor::from_slice(vector, vector.len(), vars.device());
    Ok(slice.basis().iter().map(on_device).collect::<candle_core::Result<_>>()?)
}

/// Writes what backpropagation has found; 0 for buffers, and for variables that the loss does not depend on.
pub(crate) fn write_gradient<S: CandleScalar>(
    layout: &Layout,
    vars: &[Var],
    found: &GradStore,
    out: &mut [S],
) -> Result<()> {
    let mut reached = 0;
    for (var, block) in vars.iter().zip(layout.blocks()) {
        let out = &mut out[block.range()];
        match found.get(var).filter(|_| block.role() != Role::Buffer) {
            Some(gradient) => {
                out.copy_from_slice(&gradient.flatten_all()?.to_vec1::<S>()?);
                reached += 1;
            }
            None => out.fill(S::zero()),
        }
    }
    if reached == 0 { Err(Error::NoGradient { vars: vars.len() }) } else { Ok(()) }
}

/// Σ cᵢ·bᵢ, in the order and the arithmetic of [`Slice::theta_into`] on lines and planes.
pub(crate) fn combined<S: CandleScalar>(
    basis: &[Tensor],
    coefficients: impl Iterator<Item = f64>,
) -> Result<Tensor> {
    let mut sum: Option<Tensor> = None;
    for (vector, c) in basis.iter().zip(coefficients) {
        let c = <S as loss_landscape::Scalar>::from_f64(c).as_f64();
        if c == 0.0 {
            continue;
        }
        let part = if c == 1.0 { vector.clone() } else { vector.affine(c, 0.0)? };
        sum = Some(match sum {
            Some(sum) => (sum + part)?,
            None => part,
        });
    }
    match sum {
        Some(sum) => Ok(sum),
        None => Ok(basis[0].zeros_like()?),
    }
}
