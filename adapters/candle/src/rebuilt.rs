//! A network that is built anew at every θ, so that threads can share the model.

use std::{collections::HashMap, fmt};

use candle_core::{Tensor, Var};
use candle_nn::VarBuilder;
use loss_landscape::{
    Gradient, HessianProduct, Layout, Loss, Model, OracleError,
    oracle::{Fingerprint, FnFingerprint, NoFingerprint, Slice, Worker},
};

use crate::{
    CandleScalar, Figures, IntoNamedVars, NamedVars, Result,
    parts::{Parts, Tensors},
};

/// A network of candle's that a closure builds anew at every θ, from a [`VarBuilder`] over the tensors of that θ.
///
/// Nothing is set and nothing put back: the variables are read once, and never touched. So threads can share the
/// model, which is [`Sync`] if the closure is, and all of the core's functions take it. It suits networks whose parts
/// all come from a `VarBuilder`, as is candle's custom, and costs their construction at every point.
///
/// ```
/// use candle_core::{DType, Device, Result, Tensor};
/// use candle_nn::{Linear, Module, VarBuilder, VarMap, loss::cross_entropy};
/// use loss_landscape::{RandomDirections, grid_2d};
/// use loss_landscape_candle::RebuiltModel;
///
/// fn network(vb: &VarBuilder<'_>) -> Result<Linear> {
///     candle_nn::linear(2, 2, vb.pp("fc"))
/// }
///
/// let map = VarMap::new();
/// let net = network(&VarBuilder::from_varmap(&map, DType::F32, &Device::Cpu))?; // and training, as you do it
///
/// let model = RebuiltModel::new(&map, |vb, (x, y): &(Tensor, Tensor)| cross_entropy(&network(&vb)?.forward(x)?, y))?;
/// let data = (Tensor::new(&[[1.0_f32, 0.0]], &Device::Cpu)?, Tensor::new(&[1_u32], &Device::Cpu)?);
/// let surface = grid_2d(&model, &data, RandomDirections::new(42))?; // on all threads
/// let here = cross_entropy(&net.forward(&data.0)?, &data.1)?.to_scalar::<f32>()?;
/// assert_eq!(surface.loss()[[25, 25]], f64::from(here));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// What [`CandleModel`](crate::CandleModel) says of the closure, of θ and of derivatives holds here. candle divides its
/// operations among threads as well; with several threads of a sweep, start the program with `RAYON_NUM_THREADS=1
/// CANDLE_NUM_THREADS=1`, and say `.threads(n)`.
pub struct RebuiltModel<F, S = f32, H = NoFingerprint> {
    parts: Parts<S, H>,
    loss: F,
}

impl<F> RebuiltModel<F> {
    /// A network with variables of `f32`, as [`CandleModel::new`](crate::CandleModel::new).
    ///
    /// # Errors
    /// As that.
    pub fn new<D: ?Sized, R: Figures>(vars: impl IntoNamedVars, loss: F) -> Result<Self>
    where
        F: Fn(VarBuilder<'static>, &D) -> candle_core::Result<R>,
    {
        Ok(Self { parts: Parts::new(vars)?, loss })
    }
}

impl<F> RebuiltModel<F, f64> {
    /// [`new`](RebuiltModel::new) for variables of `f64`.
    ///
    /// # Errors
    /// As that.
    pub fn new_f64<D: ?Sized, R: Figures>(vars: impl IntoNamedVars, loss: F) -> Result<Self>
    where
        F: Fn(VarBuilder<'static>, &D) -> candle_core::Result<R>,
    {
        Ok(Self { parts: Parts::new(vars)?, loss })
    }
}

impl<F, S, H> RebuiltModel<F, S, H> {
    /// Names for what the closure returns beside the loss, as
    /// [`CandleModel::further_channels`](crate::CandleModel::further_channels).
    #[must_use]
    pub fn further_channels<N: Into<String>>(self, names: impl IntoIterator<Item = N>) -> Self {
        Self { parts: self.parts.further_channels(names), ..self }
    }

    /// The same model with a hash of its data, as
    /// [`CandleModel::fingerprint_by`](crate::CandleModel::fingerprint_by).
    pub fn fingerprint_by<D: ?Sized, G: Fn(&D) -> u64>(
        self,
        hash: G,
    ) -> RebuiltModel<F, S, FnFingerprint<G>> {
        RebuiltModel { parts: self.parts.fingerprint_by(hash), loss: self.loss }
    }

    /// Whether each point's θ is combined by candle, as
    /// [`CandleModel::combine_on_device`](crate::CandleModel::combine_on_device).
    #[must_use]
    pub fn combine_on_device(self, on_device: bool) -> Self {
        Self { parts: Parts { on_device, ..self.parts }, ..self }
    }

    /// The variables, with their names, roles and filter axes; it can be printed.
    pub fn vars(&self) -> &NamedVars {
        &self.parts.vars
    }
}

impl<F, S, H> fmt::Debug for RebuiltModel<F, S, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.parts.debug("RebuiltModel", f)
    }
}

impl<F, S: CandleScalar, H> RebuiltModel<F, S, H> {
    /// What the closure measures with a network of these tensors.
    fn figures<D: ?Sized, R: Figures>(&self, tensors: &mut dyn Tensors, data: &D) -> Result<R>
    where
        F: Fn(VarBuilder<'static>, &D) -> candle_core::Result<R>,
    {
        let names = self.layout().blocks().iter().map(|block| block.name().to_owned());
        let named = names.zip(tensors).map(|(name, tensor)| Ok((name, tensor?)));
        let named: HashMap<String, Tensor> = named.collect::<candle_core::Result<_>>()?;
        Ok((self.loss)(VarBuilder::from_tensors(named, S::TYPE, self.vars().device()), data)?)
    }
}

impl<F, S: CandleScalar, H> Model for RebuiltModel<F, S, H> {
    type Scalar = S;

    fn layout(&self) -> &Layout {
        &self.parts.vars.layout
    }

    fn parameters(&self) -> &[S] {
        &self.parts.theta
    }
}

impl<D, R, F, S, H> Loss<D> for RebuiltModel<F, S, H>
where
    D: ?Sized,
    R: Figures,
    F: Fn(VarBuilder<'static>, &D) -> candle_core::Result<R>,
    S: CandleScalar,
    H: Fingerprint<D>,
{
    fn loss(&self, theta: &[S], data: &D) -> Result<f64, OracleError> {
        Ok(self.parts.number(&self.figures(&mut self.parts.tensors(theta)?, data)?)?)
    }

    fn channels(&self) -> Vec<String> {
        self.parts.channels.clone()
    }

    fn measure(&self, theta: &[S], data: &D, out: &mut [f64]) -> Result<(), OracleError> {
        Ok(self.parts.write(&self.figures(&mut self.parts.tensors(theta)?, data)?, out)?)
    }

    fn fingerprint(&self, data: &D) -> Option<u64> {
        self.parts.fingerprint.of(data)
    }

    fn worker<'a>(
        &'a self,
        slice: &'a Slice<'a, S>,
        data: &'a D,
    ) -> Result<Box<dyn Worker + 'a>, OracleError> {
        self.parts
            .worker(slice, move |tensors, out| Ok(self.parts.write(&self.figures(tensors, data)?, out)?))
    }
}

impl<D, R, F, S, H> Gradient<D> for RebuiltModel<F, S, H>
where
    D: ?Sized,
    R: Figures,
    F: Fn(VarBuilder<'static>, &D) -> candle_core::Result<R>,
    S: CandleScalar,
    H: Fingerprint<D>,
{
    fn gradient(&self, theta: &[S], data: &D, out: &mut [S]) -> Result<f64, OracleError> {
        self.layout().ensure_length("the gradient", out.len())?;
        let vars = self.parts.tensors(theta)?.map(|tensor| Var::from_tensor(&tensor?));
        let vars: Vec<Var> = vars.collect::<candle_core::Result<_>>()?;
        let figures = self.figures(&mut vars.iter().map(|var| Ok(var.as_tensor().clone())), data)?;
        let found = self.parts.loss(&figures)?.backward()?;
        self.parts.write_gradient(&vars, &found, out)?;
        Ok(self.parts.number(&figures)?)
    }
}

/// By differences of gradients.
impl<D, R, F, S, H> HessianProduct<D> for RebuiltModel<F, S, H>
where
    D: ?Sized,
    R: Figures,
    F: Fn(VarBuilder<'static>, &D) -> candle_core::Result<R>,
    S: CandleScalar,
    H: Fingerprint<D>,
{
}
