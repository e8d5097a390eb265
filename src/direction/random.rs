//! Gaussian random directions: one seed, one stream of the generator for each direction.

use ndarray::Array1;
use ndarray_rand::{RandomExt, rand::SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;

use super::{Direction, DirectionSource, Directions, Norm, Normalization, Policy};
use crate::{
    Block, Layout, Mask, Model, Result, Scalar,
    params::{dot, norm},
};

/// Draws random directions for a model and normalises them; the paper's rule by default.
///
/// Entries are i.i.d. N(0, 1) from `ChaCha8Rng`, drawn in `f64` for every parameter of the layout
/// in its order, whatever the policy and the scalar: the first direction from stream 0 of the seed,
/// the second from stream 1. **Seeds are API:** the same seed gives the same directions within
/// 1e-12 (to the bit on one platform) in every version with the same major number (before 1.0: the same minor number).
///
/// ```
/// use loss_landscape::{Block, FnModel, Layout, Mask, Model, Normalization, Policy, RandomDirections};
///
/// let layout = Layout::new([Block::weight("w", [4, 2], 0), Block::bias("b", [4])])?;
/// let model = FnModel::new(layout, vec![1.0; 12], |theta: &[f64], _: &()| theta[0])?;
/// let dirs = RandomDirections::new(42).orthogonal(true).pair(&model)?;
/// assert!(dirs.cosine().abs() < 1e-12);
/// // The original repository's rule, with another seed.
/// let original = Normalization::original(Policy::Still);
/// let dirs = RandomDirections::new(123).normalization(original).pair(&model)?;
/// assert!((dirs.first().norm() - 8.0_f64.sqrt()).abs() < 1e-8); // four filters of norm √2
/// // A second, independent plane of the same seed, in one layer alone.
/// let mask = Mask::name(model.layout(), "w")?;
/// let dirs = RandomDirections::new(42).stream(2).mask(mask).pair(&model)?;
/// assert_eq!(dirs.second().source().to_string(), "random, seed 42, stream 3");
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
#[must_use]
pub struct RandomDirections {
    seed: u64,
    #[cfg_attr(feature = "serde", serde(default))]
    stream: u64,
    #[cfg_attr(feature = "serde", serde(default))]
    normalization: Normalization,
    #[cfg_attr(feature = "serde", serde(default))]
    orthogonal: bool,
    #[cfg_attr(feature = "serde", serde(default))]
    mask: Option<Mask>,
}

impl RandomDirections {
    /// Directions of this seed.
    pub fn new(seed: u64) -> Self {
        Self { seed, stream: 0, normalization: Normalization::default(), orthogonal: false, mask: None }
    }

    /// The stream of the first direction, 0 by default; a second direction takes the next stream. Different streams of
    /// one seed are independent draws.
    pub fn stream(self, stream: u64) -> Self {
        Self { stream, ..self }
    }

    /// The same from later streams.
    pub(crate) fn later(self, streams: u64) -> Self {
        Self { stream: self.stream.wrapping_add(streams), ..self }
    }

    /// How directions are normalised; the paper's rule by default.
    pub fn normalization(self, normalization: Normalization) -> Self {
        Self { normalization, ..self }
    }

    /// Makes the second direction of a pair orthogonal to the first; off by default, as in the paper.
    ///
    /// It is done before normalisation, inside every filter (or block, for the norms by layer), so that the directions
    /// are still orthogonal afterwards and every filter has the norm that it should have. A filter of one parameter has
    /// nothing orthogonal to it and is left as drawn, and blocks under [`Policy::Copy`] are θ in both directions:
    /// [`Directions::cosine`] shows what remains. With [`Norm::None`] and [`Norm::Weight`] the whole vectors are made
    /// orthogonal, after normalisation.
    pub fn orthogonal(self, orthogonal: bool) -> Self {
        Self { orthogonal, ..self }
    }

    /// Moves only the chosen blocks; all by default. The draws are the same as without a mask.
    pub fn mask(self, mask: Mask) -> Self {
        Self { mask: Some(mask), ..self }
    }

    /// Draws one direction for a model.
    ///
    /// # Errors
    /// As [`Direction::normalized`] and [`Direction::masked`].
    pub fn one<M: Model + ?Sized>(&self, model: &M) -> Result<Direction<M::Scalar>> {
        self.one_for(model.layout(), model.parameters())
    }

    pub(crate) fn one_for<S: Scalar>(&self, layout: &Layout, theta: &[S]) -> Result<Direction<S>> {
        layout.ensure_length("θ", theta.len())?;
        self.finish(self.draw(layout, self.stream), theta)
    }

    /// Draws two directions for a model.
    ///
    /// # Errors
    /// As [`Direction::normalized`] and [`Direction::masked`].
    pub fn pair<M: Model + ?Sized>(&self, model: &M) -> Result<Directions<M::Scalar>> {
        self.pair_for(model.layout(), model.parameters())
    }

    pub(crate) fn pair_for<S: Scalar>(&self, layout: &Layout, theta: &[S]) -> Result<Directions<S>> {
        layout.ensure_length("θ", theta.len())?;
        let first = self.draw(layout, self.stream);
        let mut second = self.draw(layout, self.stream.wrapping_add(1));
        let whole = matches!(self.normalization.norm(), Norm::None | Norm::Weight);
        if self.orthogonal && !whole {
            for block in layout.blocks() {
                if self.normalization.policy(block) == Policy::Normalize {
                    self.orthogonalize_block(block, first.values(), second.values_mut())?;
                }
            }
        }
        let (first, mut second) = (self.finish(first, theta)?, self.finish(second, theta)?);
        if self.orthogonal && whole {
            orthogonalize(first.values(), second.values_mut());
        }
        Directions::new(first, second)
    }

    fn draw<S: Scalar>(&self, layout: &Layout, stream: u64) -> Direction<S> {
        let mut generator = ChaCha8Rng::seed_from_u64(self.seed);
        generator.set_stream(stream);
        let values = Array1::<f64>::random_using(layout.len(), StandardNormal, &mut generator);
        let values = values.into_iter().map(S::from_f64).collect();
        Direction::from_parts(layout, values, DirectionSource::Random { seed: self.seed, stream })
    }

    fn finish<S: Scalar>(&self, direction: Direction<S>, theta: &[S]) -> Result<Direction<S>> {
        let direction = direction.normalized(theta, &self.normalization)?;
        match &self.mask {
            Some(mask) => direction.masked(mask),
            None => Ok(direction),
        }
    }

    fn orthogonalize_block<S: Scalar>(&self, block: &Block, first: &[S], second: &mut [S]) -> Result<()> {
        let Some(axis) = self.normalization.group_axis(block) else {
            orthogonalize(block.slice(first)?, block.slice_mut(second)?);
            return Ok(());
        };
        let axis = ndarray::Axis(axis);
        let (first, mut second) = (block.view(first)?, block.view_mut(second)?);
        for (x, y) in first.axis_iter(axis).zip(second.axis_iter_mut(axis)) {
            orthogonalize(x, y);
        }
        Ok(())
    }
}

/// y ← y − (⟨x, y⟩ / ⟨x, x⟩)·x, twice, since rounding leaves a rest; a single value, or x = 0, changes nothing.
pub(crate) fn orthogonalize<'x, 'y, S: Scalar, X, Y>(x: X, y: Y)
where
    X: IntoIterator<Item = &'x S, IntoIter: Clone>,
    Y: IntoIterator<Item = &'y mut S>,
{
    let x = x.into_iter();
    let mut y: Vec<&mut S> = y.into_iter().collect();
    let square = norm(x.clone()).powi(2);
    if y.len() < 2 || square == 0.0 {
        return;
    }
    for _ in 0..2 {
        let share = dot(x.clone(), y.iter().map(|y| &**y)) / square;
        for (y, x) in y.iter_mut().zip(x.clone()) {
            **y = S::from_f64(y.as_f64() - share * x.as_f64());
        }
    }
}
