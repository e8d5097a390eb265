//! A network that is built anew at every θ, so that threads can share the model.

use std::{collections::HashMap, fmt};

use candle_core::{Tensor, Var};
use candle_nn::VarBuilder;
use loss_landscape::{
    Gradient, HessianProduct, Layout, Loss, Model, OracleError,
    oracle::{Fingerprint, NoFingerprint, Point, Slice, Worker, pointwise},
};

use crate::{
    CandleScalar, FingerprintBy, IntoNamedVars, NamedVars, Result,
    figures::{self, Figures},
    model::{basis_on_device, combined, theta_of, write_gradient},
};

/// A network of candle's that a closure builds anew at every θ, from a [`VarBuilder`] over the tensors of that θ.
///
/// Nothing is set and nothing put back: the variables are read once, and never touched. So threads can share the
/// model, which is [`Sync`] if the closure is, and all of the core's functions take it. It suits networks whose parts
/// all come from a `VarBuilder`, as is candle's custom, and costs their construction at every point: microseconds for
/// each tensor.
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
    vars: NamedVars,
    theta: Vec<S>,
    loss: F,
    channels: Vec<String>,
    fingerprint: H,
    on_device: bool,
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
        Self::of(vars.into_named_vars()?, loss)
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
        Self::of(vars.into_named_vars()?, loss)
    }
}

impl<F, S: CandleScalar> RebuiltModel<F, S> {
    fn of(vars: NamedVars, loss: F) -> Result<Self> {
        let theta = theta_of(&vars)?;
        let on_device = !vars.device().is_cpu();
        let channels = vec!["loss".to_owned()];
        Ok(Self { vars, theta, loss, channels, fingerprint: NoFingerprint, on_device })
    }
}

impl<F, S, H> RebuiltModel<F, S, H> {
    /// Names for what the closure returns beside the loss, as
    /// [`CandleModel::further_channels`](crate::CandleModel::further_channels).
    #[must_use]
    pub fn further_channels<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.channels.truncate(1);
        self.channels.extend(names.into_iter().map(Into::into));
        self
    }

    /// The same model with a hash of its data, as
    /// [`CandleModel::fingerprint_by`](crate::CandleModel::fingerprint_by).
    pub fn fingerprint_by<D: ?Sized, G: Fn(&D) -> u64>(
        self,
        hash: G,
    ) -> RebuiltModel<F, S, FingerprintBy<G>> {
        let Self { vars, theta, loss, channels, on_device, .. } = self;
        RebuiltModel { vars, theta, loss, channels, fingerprint: FingerprintBy(hash), on_device }
    }

    /// Whether each point's θ is combined by candle, as
    /// [`CandleModel::combine_on_device`](crate::CandleModel::combine_on_device).
    #[must_use]
    pub fn combine_on_device(self, on_device: bool) -> Self {
        Self { on_device, ..self }
    }

    /// The variables, with their names, roles and filter axes; it can be printed.
    pub fn vars(&self) -> &NamedVars {
        &self.vars
    }
}

impl<F, S, H> fmt::Debug for RebuiltModel<F, S, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { vars, channels, on_device, .. } = self;
        f.debug_struct("RebuiltModel")
            .field("vars", &vars.layout.blocks().len())
            .field("parameters", &vars.layout.len())
            .field("channels", channels)
            .field("on_device", on_device)
            .finish_non_exhaustive()
    }
}

impl<F, S: CandleScalar, H> RebuiltModel<F, S, H> {
    /// The tensors of a θ on the host, in the order of the layout.
    fn tensors_of(&self, theta: &[S]) -> Result<Vec<Tensor>> {
        self.vars.layout.ensure_length("θ", theta.len())?;
        let blocks = self.vars.layout.blocks().iter();
        let tensors =
            blocks.map(|block| Tensor::from_slice(&theta[block.range()], block.shape(), self.vars.device()));
        Ok(tensors.collect::<candle_core::Result<_>>()?)
    }

    /// The tensors of a θ that is one vector on the device: views of it.
    fn views(&self, theta: &Tensor) -> Result<Vec<Tensor>> {
        let blocks = self.vars.layout.blocks().iter();
        let tensors =
            blocks.map(|block| theta.narrow(0, block.range().start, block.len())?.reshape(block.shape()));
        Ok(tensors.collect::<candle_core::Result<_>>()?)
    }

    /// What the closure measures with a network of these tensors.
    fn figures<D: ?Sized, R: Figures>(&self, tensors: Vec<Tensor>, data: &D) -> Result<R>
    where
        F: Fn(VarBuilder<'static>, &D) -> candle_core::Result<R>,
    {
        let names = self.vars.layout.blocks().iter().map(|block| block.name().to_owned());
        let tensors: HashMap<String, Tensor> = names.zip(tensors).collect();
        Ok((self.loss)(VarBuilder::from_tensors(tensors, S::TYPE, self.vars.device()), data)?)
    }
}

impl<F, S: CandleScalar, H> Model for RebuiltModel<F, S, H> {
    type Scalar = S;

    fn layout(&self) -> &Layout {
        &self.vars.layout
    }

    fn parameters(&self) -> &[S] {
        &self.theta
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
        let figures = self.figures(self.tensors_of(theta)?, data)?;
        Ok(figures::number(figures::loss(&figures, &self.channels)?, &self.channels[0])?)
    }

    fn channels(&self) -> Vec<String> {
        self.channels.clone()
    }

    fn measure(&self, theta: &[S], data: &D, out: &mut [f64]) -> Result<(), OracleError> {
        Ok(figures::write(&self.figures(self.tensors_of(theta)?, data)?, &self.channels, out)?)
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
                figures::write(&self.figures(self.views(&theta)?, data)?, &self.channels, out)?;
            }
            Ok(())
        }))
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
        self.vars.layout.ensure_length("the gradient", out.len())?;
        let vars =
            self.tensors_of(theta)?.iter().map(Var::from_tensor).collect::<candle_core::Result<Vec<_>>>()?;
        let tensors = vars.iter().map(|var| var.as_tensor().clone()).collect();
        let figures = self.figures(tensors, data)?;
        let loss = figures::loss(&figures, &self.channels)?;
        write_gradient(&self.vars.layout, &vars, &loss.backward()?, out)?;
        Ok(figures::number(loss, &self.channels[0])?)
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
