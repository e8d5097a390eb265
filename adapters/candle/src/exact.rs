//! Exact Hessian-vector products, by differentiating twice.

use candle_core::{Tensor, backprop::GradStore};
use loss_landscape::{
    Gradient, HessianProduct, Layout, Loss, Model, OracleError, Role,
    oracle::{Fingerprint, HessianWorker, NoFingerprint, Slice, Worker},
};

use crate::{CandleModel, CandleScalar, Error, Figures, Result};

/// A [`CandleModel`] whose Hessian-vector products are exact: the derivative of ⟨∇L, v⟩, by candle.
///
/// [`CandleModel::exact_products`] makes it, and says what it needs. A worker keeps the graph of the gradient for all
/// products at one θ, so that each costs about a gradient, and memory for the graph of two.
///
/// ```
/// use candle_core::{DType, Device, Tensor};
/// use candle_nn::{VarBuilder, VarMap};
/// use loss_landscape::{HessianProduct, Model};
/// use loss_landscape_candle::{CandleModel, Error};
///
/// let map = VarMap::new();
/// let w = VarBuilder::from_varmap(&map, DType::F64, &Device::Cpu).get(2, "bias")?;
/// let model = CandleModel::new_f64(&map, |x: &Tensor| (&w - x)?.powf(4.0)?.sum_all())?;
/// match model.exact_products() {
///     // Started with CANDLE_GRAD_DO_NOT_DETACH=1.
///     Ok(model) => {
///         let (mut product, x) = ([0.0; 2], Tensor::new(&[1.0, 2.0], &Device::Cpu)?);
///         model.hessian_product(model.parameters(), &[1.0, 0.0], &x, &mut product).unwrap();
///         assert_eq!(product[1], 0.0);
///     }
///     Err(error) => assert!(matches!(error, Error::NoSecondDerivatives)),
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct ExactProducts<F, S = f32, H = NoFingerprint>(CandleModel<F, S, H>);

impl<F, S, H> ExactProducts<F, S, H> {
    pub(crate) fn new(model: CandleModel<F, S, H>) -> Result<Self> {
        // As candle reads it.
        let wanted =
            std::env::var("CANDLE_GRAD_DO_NOT_DETACH").is_ok_and(|value| !value.is_empty() && value != "0");
        if wanted { Ok(Self(model)) } else { Err(Error::NoSecondDerivatives) }
    }
}

impl<F, S: CandleScalar, H> Model for ExactProducts<F, S, H> {
    type Scalar = S;

    fn layout(&self) -> &Layout {
        self.0.layout()
    }

    fn parameters(&self) -> &[S] {
        self.0.parameters()
    }
}

impl<D, R, F, S, H> Loss<D> for ExactProducts<F, S, H>
where
    D: ?Sized,
    R: Figures,
    F: Fn(&D) -> candle_core::Result<R>,
    S: CandleScalar,
    H: Fingerprint<D>,
{
    fn loss(&self, theta: &[S], data: &D) -> Result<f64, OracleError> {
        self.0.loss(theta, data)
    }

    fn channels(&self) -> Vec<String> {
        Loss::<D>::channels(&self.0)
    }

    fn measure(&self, theta: &[S], data: &D, out: &mut [f64]) -> Result<(), OracleError> {
        self.0.measure(theta, data, out)
    }

    fn fingerprint(&self, data: &D) -> Option<u64> {
        self.0.fingerprint(data)
    }

    fn worker<'a>(
        &'a self,
        slice: &'a Slice<'a, S>,
        data: &'a D,
    ) -> Result<Box<dyn Worker + 'a>, OracleError> {
        self.0.worker(slice, data)
    }
}

impl<D, R, F, S, H> Gradient<D> for ExactProducts<F, S, H>
where
    D: ?Sized,
    R: Figures,
    F: Fn(&D) -> candle_core::Result<R>,
    S: CandleScalar,
    H: Fingerprint<D>,
{
    fn gradient(&self, theta: &[S], data: &D, out: &mut [S]) -> Result<f64, OracleError> {
        self.0.gradient(theta, data, out)
    }
}

impl<D, R, F, S, H> HessianProduct<D> for ExactProducts<F, S, H>
where
    D: ?Sized,
    R: Figures,
    F: Fn(&D) -> candle_core::Result<R>,
    S: CandleScalar,
    H: Fingerprint<D>,
{
    fn hessian_product(&self, theta: &[S], v: &[S], data: &D, out: &mut [S]) -> Result<(), OracleError> {
        let mut worker = self.hessian_worker(data)?;
        worker.at(theta)?;
        worker.product(v, out)
    }

    fn hessian_worker<'a>(&'a self, data: &'a D) -> Result<Box<dyn HessianWorker<S> + 'a>, OracleError> {
        Ok(Box::new(TwicePassed { model: &self.0, data, theta: Vec::new(), gradients: None }))
    }
}

/// Keeps the gradient at θ as tensors that can be differentiated.
struct TwicePassed<'a, F, S, H, D: ?Sized> {
    model: &'a CandleModel<F, S, H>,
    data: &'a D,
    theta: Vec<S>,
    gradients: Option<GradStore>,
}

impl<D, R, F, S, H> HessianWorker<S> for TwicePassed<'_, F, S, H, D>
where
    D: ?Sized,
    R: Figures,
    F: Fn(&D) -> candle_core::Result<R>,
    S: CandleScalar,
    H: Fingerprint<D>,
{
    fn at(&mut self, theta: &[S]) -> Result<(), OracleError> {
        self.theta = theta.to_vec();
        self.gradients = None;
        let gradients = self.model.at(theta, || Ok(self.model.backward(self.data)?))?;
        self.gradients = Some(gradients);
        Ok(())
    }

    fn product(&mut self, v: &[S], out: &mut [S]) -> Result<(), OracleError> {
        let Self { model, theta, gradients, .. } = self;
        let layout = &model.vars().layout;
        for (what, len) in [("v", v.len()), ("the product", out.len())] {
            layout.ensure_length(what, len)?;
        }
        let gradients = gradients.as_ref().ok_or("no θ was given before the first product")?;
        // The graph holds the variables themselves, so that they have to be at θ again.
        model.at(theta, || {
            let mut sum: Option<Tensor> = None;
            for (var, block) in model.vars().vars.iter().zip(layout.blocks()) {
                let Some(gradient) = gradients.get(var).filter(|_| block.role() != Role::Buffer) else {
                    continue;
                };
                let v = Tensor::from_slice(&v[block.range()], block.shape(), var.device())?;
                let part = (gradient * v)?.sum_all()?;
                sum = Some(match sum {
                    Some(sum) => (sum + part)?,
                    None => part,
                });
            }
            let sum = sum.ok_or(Error::NoGradient { vars: layout.blocks().len() })?;
            // Nothing is reached where the loss is linear: its Hessian is zero.
            Ok(model.write_derivatives(&sum.backward()?, out)?)
        })
    }
}
