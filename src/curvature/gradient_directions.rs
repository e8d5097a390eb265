//! The plane of the gradient and a direction orthogonal to it.

use super::{gradient_at::gradient_at, lanczos::Lanczos, operator::HessianOperator};
use crate::{
    Direction, DirectionSource, Directions, Error, Gradient, HessianProduct, Mask, Norm, Normalization,
    Policy, RandomDirections, Result, Scalar,
    direction::orthogonalize,
    params::{dot, norm},
};

/// Finds the plane of the gradient at a model's parameters and one direction of its orthogonal complement.
///
/// Along α the loss rises fastest; β goes along a [random direction](Self::random_pair) or the [steepest
/// eigenvector](Self::eigenvector_pair) of the Hessian, made orthogonal to the gradient. Both directions are of length
/// 1, so that the slope along α at θ is the norm of the gradient, and that along β is 0. Their
/// [sources](DirectionSource) say what they are.
///
/// At a minimiser there is no gradient, and near one it is the noise of the optimiser: see the norm in its source.
///
/// ```
/// use loss_landscape::{DirectionSource, Gradient, Layout, Loss, Model, OracleError, Sweep};
/// use loss_landscape::curvature::GradientDirections;
/// # struct Bowl { layout: Layout, theta: Vec<f64> }
/// # impl Model for Bowl {
/// #     type Scalar = f64;
/// #     fn layout(&self) -> &Layout { &self.layout }
/// #     fn parameters(&self) -> &[f64] { &self.theta }
/// # }
/// # impl Loss<()> for Bowl {
/// #     fn loss(&self, t: &[f64], _: &()) -> Result<f64, OracleError> {
/// #         Ok(t.iter().zip(1..).map(|(t, c)| f64::from(c) * t * t / 2.0).sum())
/// #     }
/// # }
/// # impl Gradient<()> for Bowl {
/// #     fn gradient(&self, t: &[f64], data: &(), out: &mut [f64]) -> Result<f64, OracleError> {
/// #         out.iter_mut().zip(t).zip(1..).for_each(|((out, t), c)| *out = f64::from(c) * t);
/// #         self.loss(t, data)
/// #     }
/// # }
///
/// // L = Σ i·t_i²/2 at θ = (1, 0, …, 0), where the gradient is (1, 0, …, 0).
/// let mut theta = vec![0.0; 10];
/// theta[0] = 1.0;
/// let bowl = Bowl { layout: Layout::flat(10)?, theta };
/// let plane = GradientDirections::new().seed(7).random_pair(&bowl, &())?;
/// assert_eq!(plane.first().values()[..2], [1.0, 0.0]);
/// assert_eq!(*plane.first().source(), DirectionSource::Gradient { norm: 1.0 });
/// assert_eq!(plane.second().source().to_string(), "random, seed 7, stream 0, made orthogonal to the gradient");
/// assert!(plane.cosine().abs() < 1e-15);
///
/// let surface = Sweep::plane(&bowl, plane).data("", &()).alpha_at(&[-1.0, 0.0]).beta_at(&[0.0]).run()?;
/// assert_eq!(surface.loss()[[0, 0]], 0.0); // one gradient step of length 1 leads to the minimum
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Clone, Debug)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(default, deny_unknown_fields)
)]
#[must_use]
pub struct GradientDirections {
    seed: u64,
    stream: u64,
    lanczos: Lanczos,
    mask: Option<Mask>,
}

impl Default for GradientDirections {
    fn default() -> Self {
        Self { seed: 0, stream: 0, lanczos: Lanczos::new().tolerance(1e-6), mask: None }
    }
}

impl GradientDirections {
    /// Seed 0, stream 0, eigenvectors to residuals of 1e-6 times the largest |λ|, in all parameters except buffers.
    pub fn new() -> Self {
        Self::default()
    }

    /// The seed of a random direction; 0 by default. It is drawn from N(0, 1), as [`RandomDirections`] draws.
    pub fn seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// The stream of the generator; 0 by default.
    pub fn stream(self, stream: u64) -> Self {
        Self { stream, ..self }
    }

    /// The settings of the run for an eigenvector.
    pub fn lanczos(self, lanczos: Lanczos) -> Self {
        Self { lanczos, ..self }
    }

    /// Uses the gradient and the Hessian in these blocks alone; the directions are 0 elsewhere.
    pub fn mask(self, mask: &Mask) -> Self {
        Self { mask: Some(mask.clone()), ..self }
    }

    /// The gradient, and a random direction without its part along the gradient. It costs one gradient.
    ///
    /// # Errors
    /// [`Error::ZeroGradient`] where the gradient is 0 in the chosen blocks; [`Error::ParallelDirections`] where nothing
    /// is orthogonal to it, as with one parameter; [`Error::LayoutMismatch`] or [`Error::EmptyMask`] for the mask;
    /// [`Error::NonFinite`] for θ or the gradient; [`Error::Oracle`] or [`Error::OraclePanicked`].
    pub fn random_pair<M, D>(&self, model: &M, data: &D) -> Result<Directions<M::Scalar>>
    where
        M: Gradient<D> + ?Sized,
        D: ?Sized,
    {
        let mask = self.chosen(model)?;
        let gradient = Self::gradient(model, data, &mask)?;
        let raw = Normalization::default()
            .with_norm(Norm::None)
            .with_biases(Policy::Normalize)
            .with_norm_parameters(Policy::Normalize);
        let drawn = RandomDirections::new(self.seed).stream(self.stream).normalization(raw).mask(mask);
        let source = DirectionSource::RandomAcross { seed: self.seed, stream: self.stream };
        across(gradient, drawn.one(model)?.into_values(), source)
    }

    /// The gradient, and the eigenvector of λ_max of the Hessian without its part along the gradient. It costs one
    /// gradient and a run of [`Lanczos::pairs`].
    ///
    /// Late in a training the gradient may be nearly along that eigenvector: what is left of it is then mostly other
    /// eigenvectors' and rounding.
    ///
    /// # Errors
    /// As [`random_pair`](Self::random_pair), and those of [`HessianOperator::new`] and [`Lanczos::pairs`].
    pub fn eigenvector_pair<M, D>(&self, model: &M, data: &D) -> Result<Directions<M::Scalar>>
    where
        M: HessianProduct<D> + ?Sized,
        D: ?Sized,
    {
        let mask = self.chosen(model)?;
        let gradient = Self::gradient(model, data, &mask)?;
        let mut hessian = HessianOperator::new(model, model.parameters(), data)?.masked(&mask)?;
        let pairs = self.lanczos.pairs(&mut hessian, 0, 1)?;
        let (Some(vector), Some(&eigenvalue)) = (pairs.vectors.first(), pairs.values.first()) else {
            return Err(Error::FewEigenvectors { found: 0 });
        };
        across(gradient, hessian.embed(vector)?, DirectionSource::EigenvectorAcross { eigenvalue })
    }

    fn chosen<M: crate::Model + ?Sized>(&self, model: &M) -> Result<Mask> {
        let trained = Mask::trained(model.layout());
        let mask = match &self.mask {
            Some(mask) => mask.and(&trained)?,
            None => trained,
        };
        if mask.selected() == 0 { Err(Error::EmptyMask) } else { Ok(mask) }
    }

    /// Of length 1.
    fn gradient<M, D>(model: &M, data: &D, mask: &Mask) -> Result<Direction<M::Scalar>>
    where
        M: Gradient<D> + ?Sized,
        D: ?Sized,
    {
        let (_, mut gradient) = gradient_at(model, model.parameters(), data)?;
        mask.apply(&mut gradient)?;
        let length = norm(&gradient);
        if length == 0.0 {
            return Err(Error::ZeroGradient { parameters: mask.selected() });
        }
        divide(&mut gradient, length);
        Ok(Direction::from_parts(model.layout(), gradient, DirectionSource::Gradient { norm: length }))
    }
}

/// The gradient's direction, and what is orthogonal to it in another, of length 1.
fn across<S: Scalar>(
    gradient: Direction<S>,
    mut other: Vec<S>,
    source: DirectionSource,
) -> Result<Directions<S>> {
    let whole = norm(&other);
    let cosine = dot(gradient.values(), &other) / whole;
    orthogonalize(gradient.values(), other.iter_mut());
    let rest = norm(&other);
    // The rest of a parallel direction is the rounding of its elements.
    if rest <= 64.0 * S::EPSILON * whole {
        return Err(Error::ParallelDirections { cosine });
    }
    divide(&mut other, rest);
    let layout = gradient.layout().clone();
    Directions::new(gradient, Direction::from_parts(&layout, other, source))
}

fn divide<S: Scalar>(vector: &mut [S], by: f64) {
    for value in vector {
        *value = S::from_f64(value.as_f64() / by);
    }
}
