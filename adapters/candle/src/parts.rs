//! What both kinds of models have in common: variables and θ, names of figures, a fingerprint.

use std::fmt;

use candle_core::{Tensor, Var, backprop::GradStore};
use loss_landscape::{
    OracleError, Role, Scalar,
    oracle::{FnFingerprint, NoFingerprint, Point, Slice, Worker, pointwise},
};

use crate::{
    CandleScalar, Error, IntoNamedVars, NamedVars, Result,
    figures::{self, Figures},
};

/// A model without its closure.
pub(crate) struct Parts<S, H> {
    pub(crate) vars: NamedVars,
    pub(crate) theta: Vec<S>,
    pub(crate) channels: Vec<String>,
    pub(crate) fingerprint: H,
    pub(crate) on_device: bool,
}

/// The tensors of a θ, in the order of the layout's blocks, each made when it is asked for.
pub(crate) trait Tensors: Iterator<Item = candle_core::Result<Tensor>> {}

impl<T: Iterator<Item = candle_core::Result<Tensor>>> Tensors for T {}

impl<S: CandleScalar> Parts<S, NoFingerprint> {
    /// θ is what the variables are now: of the type of the model, and finite.
    pub(crate) fn new(vars: impl IntoNamedVars) -> Result<Self> {
        let vars = vars.into_named_vars()?;
        if vars.dtype() != S::TYPE {
            let (name, found) = (vars.name(0).to_owned(), vars.dtype());
            return Err(Error::Type { name, found, expected: S::WORD });
        }
        let mut theta = Vec::with_capacity(vars.layout.len());
        for var in &vars.vars {
            theta.extend(var.flatten_all()?.to_vec1::<S>()?);
        }
        vars.layout.ensure_finite("θ", &theta)?;
        let on_device = !vars.device().is_cpu();
        Ok(Self { vars, theta, channels: vec!["loss".to_owned()], fingerprint: NoFingerprint, on_device })
    }
}

impl<S, H> Parts<S, H> {
    pub(crate) fn further_channels<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.channels.truncate(1);
        self.channels.extend(names.into_iter().map(Into::into));
        self
    }

    pub(crate) fn fingerprint_by<D: ?Sized, G: Fn(&D) -> u64>(self, hash: G) -> Parts<S, FnFingerprint<G>> {
        let Self { vars, theta, channels, on_device, .. } = self;
        Parts { vars, theta, channels, fingerprint: FnFingerprint::new(hash), on_device }
    }

    pub(crate) fn debug(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { vars, channels, on_device, .. } = self;
        f.debug_struct(name)
            .field("vars", &vars.layout.blocks().len())
            .field("parameters", &vars.layout.len())
            .field("channels", channels)
            .field("on_device", on_device)
            .finish_non_exhaustive()
    }

    /// The loss among the figures of a closure, as a tensor that can be differentiated.
    pub(crate) fn loss<'f>(&self, figures: &'f impl Figures) -> Result<&'f Tensor> {
        figures::loss(figures, &self.channels)
    }

    /// Its value.
    pub(crate) fn number(&self, figures: &impl Figures) -> Result<f64> {
        figures::number(self.loss(figures)?, &self.channels[0])
    }

    /// Writes the figures of a closure.
    pub(crate) fn write(&self, figures: &impl Figures, out: &mut [f64]) -> Result<()> {
        figures::write(figures, &self.channels, out)
    }
}

impl<S: CandleScalar, H> Parts<S, H> {
    /// The tensors of a θ on the host.
    pub(crate) fn tensors(&self, theta: &[S]) -> Result<impl Tensors> {
        self.vars.layout.ensure_length("θ", theta.len())?;
        let blocks = self.vars.layout.blocks().iter();
        Ok(blocks.map(|block| Tensor::from_slice(&theta[block.range()], block.shape(), self.vars.device())))
    }

    /// The tensors of a θ that is one vector where the variables are: views of it.
    fn views(&self, theta: &Tensor) -> impl Tensors {
        let blocks = self.vars.layout.blocks().iter();
        blocks.map(|block| theta.narrow(0, block.range().start, block.len())?.reshape(block.shape()))
    }

    /// A worker that combines each point here or on the device, and measures with its tensors.
    pub(crate) fn worker<'a>(
        &'a self,
        slice: &'a Slice<'a, S>,
        measure: impl Fn(&mut dyn Tensors, &mut [f64]) -> Result<(), OracleError> + 'a,
    ) -> Result<Box<dyn Worker + 'a>, OracleError> {
        if !self.on_device {
            return Ok(pointwise(slice, move |theta: &[S], out: &mut [f64]| {
                measure(&mut self.tensors(theta)?, out)
            }));
        }
        let on_device = |vector: &&[S]| Tensor::from_slice(vector, vector.len(), self.vars.device());
        let basis: Vec<Tensor> = slice.basis().iter().map(on_device).collect::<candle_core::Result<_>>()?;
        Ok(Box::new(move |points: &[Point], _: usize, out: &mut [f64]| -> Result<(), OracleError> {
            for (point, out) in points.iter().zip(out.chunks_exact_mut(self.channels.len())) {
                let theta = combined::<S>(&basis, slice.coefficients(point.coordinates))?;
                measure(&mut self.views(&theta), out)?;
            }
            Ok(())
        }))
    }

    /// Writes the gradient of a loss, which must depend on something.
    pub(crate) fn write_gradient(&self, vars: &[Var], found: &GradStore, out: &mut [S]) -> Result<()> {
        match self.write_derivatives(vars, found, out)? {
            0 => Err(Error::NoGradient { vars: vars.len() }),
            _ => Ok(()),
        }
    }

    /// Writes what backpropagation has found for variables in the order of the layout; 0 for buffers, and for variables
    /// that the loss does not depend on. Returns how many it has reached.
    pub(crate) fn write_derivatives(&self, vars: &[Var], found: &GradStore, out: &mut [S]) -> Result<usize> {
        let mut reached = 0;
        for (var, block) in vars.iter().zip(self.vars.layout.blocks()) {
            let out = &mut out[block.range()];
            match found.get(var).filter(|_| block.role() != Role::Buffer) {
                Some(gradient) => {
                    out.copy_from_slice(&gradient.flatten_all()?.to_vec1::<S>()?);
                    reached += 1;
                }
                None => out.fill(S::zero()),
            }
        }
        Ok(reached)
    }
}

/// Σ cᵢ·bᵢ, in the order and the arithmetic of [`Slice::theta_into`] on lines and planes.
fn combined<S: CandleScalar>(basis: &[Tensor], coefficients: impl Iterator<Item = f64>) -> Result<Tensor> {
    let mut sum: Option<Tensor> = None;
    for (vector, c) in basis.iter().zip(coefficients) {
        let c = <S as Scalar>::from_f64(c).as_f64();
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
