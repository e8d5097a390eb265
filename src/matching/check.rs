//! Is the loss the same when hidden units are permuted?

use super::{PermutationSpec, Permutations};
use crate::{Loss, Result, model::guarded};

/// What permuting hidden units did to a loss; [`check_permutations`] has an example.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct PermutationCheck {
    /// The loss at θ.
    pub loss: f64,
    /// The loss with all groups permuted at random.
    pub permuted: f64,
    /// For each group its name, and the loss with that group alone permuted at random.
    pub groups: Vec<(String, f64)>,
    /// The largest difference of these losses from that at θ, relative to the larger of the two. Infinite if one of
    /// them is not a number.
    pub error: f64,
    /// The group for which it is largest; None if there are no groups, or if it is largest for all together.
    pub worst: Option<String>,
}

/// Compares the loss at θ with the loss after random permutations, of each group of units alone and of all together.
///
/// A right specification changes the loss by rounding only: some 1e-15 in `f64`, 1e-6 in `f32`. A wrong one, such as one
/// that leaves out a bias, changes it at nearly every θ; take θ from a trained network or a random one, and not one whose
/// units are equal, such as zeros. It costs two losses and one for each group.
///
/// ```
/// use loss_landscape::{Block, FnModel, Layout, Model, check::check_permutations};
/// use loss_landscape::matching::{PermutationSpec, UnitGroup};
///
/// let layout = Layout::new([
///     Block::weight("w", [3, 1], 0),
///     Block::bias("b", [3]),
///     Block::weight("v", [1, 3], 0),
/// ])?;
/// let loss = |t: &[f64], x: &f64| (0..3).map(|i| t[6 + i] * (t[i] * x + t[3 + i]).tanh()).sum::<f64>();
/// let theta = vec![0.5, -1.0, 2.0, 0.1, 0.2, 0.3, -0.2, 0.6, 0.9];
/// let model = FnModel::new(layout.clone(), theta, loss)?;
///
/// let hidden = UnitGroup::new("hidden", 3).axis("w", 0).axis("v", 1);
/// let spec = PermutationSpec::new(&layout, [hidden.clone()])?;
/// let check = check_permutations(&model, model.parameters(), &1.0, &spec, 0)?;
/// assert!(check.error > 1e-3); // the biases were forgotten
/// assert_eq!(check.worst.as_deref(), Some("hidden"));
///
/// let spec = PermutationSpec::new(&layout, [hidden.axis("b", 0)])?;
/// assert!(check_permutations(&model, model.parameters(), &1.0, &spec, 0)?.error < 1e-14);
/// # Ok::<(), loss_landscape::Error>(())
/// ```
///
/// # Errors
/// [`Error::LayoutMismatch`](crate::Error::LayoutMismatch) if the specification is of another layout than the model's;
/// [`Error::Length`](crate::Error::Length) or [`Error::NonFinite`](crate::Error::NonFinite) for θ;
/// [`Error::Oracle`](crate::Error::Oracle) or [`Error::OraclePanicked`](crate::Error::OraclePanicked) if the model fails.
pub fn check_permutations<M, D>(
    model: &M,
    theta: &[M::Scalar],
    data: &D,
    spec: &PermutationSpec,
    seed: u64,
) -> Result<PermutationCheck>
where
    M: Loss<D> + ?Sized,
    D: ?Sized,
{
    spec.layout().ensure_same(model.layout())?;
    spec.layout().ensure_finite("θ", theta)?;
    let loss_at = |theta: &[M::Scalar]| guarded("computing its loss", || model.loss(theta, data));
    let loss = loss_at(theta)?;
    let drawn = Permutations::random(spec, seed);
    let permuted = loss_at(&drawn.apply(theta)?)?;
    let apart = |other: f64| {
        let error = if other == loss { 0.0 } else { (other - loss).abs() / loss.abs().max(other.abs()) };
        if error.is_nan() { f64::INFINITY } else { error }
    };
    let (mut error, mut worst) = (apart(permuted), None);
    let mut groups = Vec::with_capacity(spec.groups().len());
    for (number, group) in spec.groups().iter().enumerate() {
        let mut orders = Permutations::identity(spec).orders().to_vec();
        orders[number].clone_from(&drawn.orders()[number]);
        let alone = loss_at(&Permutations::from_parts(spec, orders).apply(theta)?)?;
        if apart(alone) >= error && apart(alone) > 0.0 {
            (error, worst) = (apart(alone), Some(group.name().to_owned()));
        }
        groups.push((group.name().to_owned(), alone));
    }
    Ok(PermutationCheck { loss, permuted, groups, error, worst })
}
