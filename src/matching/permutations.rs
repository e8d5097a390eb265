//! A permutation for each group of hidden units, and what it makes of parameters.

use ndarray_rand::rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

use super::PermutationSpec;
use crate::{Error, Result, Scalar, memory};

/// A permutation for each group of hidden units.
///
/// Unit i of the result is unit `order(group)[i]` of what the permutation is applied to.
///
/// ```
/// use loss_landscape::{Block, Layout, matching::{Permutations, PermutationSpec, UnitGroup}};
///
/// let layout = Layout::new([Block::weight("in", [3, 1], 0), Block::weight("out", [1, 3], 0)])?;
/// let spec = PermutationSpec::new(&layout, [UnitGroup::new("hidden", 3).axis("in", 0).axis("out", 1)])?;
/// let rotated = Permutations::new(&spec, vec![vec![1, 2, 0]])?;
/// let theta = [0.1, 0.2, 0.3, 10.0, 20.0, 30.0];
/// let other = rotated.apply(&theta)?;
/// assert_eq!(other, [0.2, 0.3, 0.1, 20.0, 30.0, 10.0]);
/// assert_eq!(rotated.inverse().apply(&other)?, theta);
/// # Ok::<(), loss_landscape::Error>(())
/// ```
///
/// Serialised (feature `serde`) it is an object of the specification and the orders, checked on the way in.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(into = "Orders", try_from = "Orders")
)]
pub struct Permutations {
    spec: PermutationSpec,
    orders: Vec<Vec<usize>>,
}

/// Where the values of an axis come from; None: from the same index.
pub(super) type AxisMap = Option<Vec<usize>>;

/// An index that is left out.
pub(super) const LEFT_OUT: usize = usize::MAX;

impl Permutations {
    /// These orders, one for each group of the specification.
    ///
    /// # Errors
    /// [`Error::PermutationCount`] for another number of orders than groups; [`Error::NotAPermutation`] for an order
    /// that does not have each unit of its group once.
    pub fn new(spec: &PermutationSpec, orders: Vec<Vec<usize>>) -> Result<Self> {
        if orders.len() != spec.groups().len() {
            return Err(Error::PermutationCount { found: orders.len(), groups: spec.groups().len() });
        }
        for (group, order) in spec.groups().iter().zip(&orders) {
            let mut seen = vec![false; group.units()];
            let mut fresh =
                |&unit: &usize| seen.get_mut(unit).is_some_and(|seen| !std::mem::replace(seen, true));
            let right = order.iter().take_while(|unit| fresh(unit)).count();
            if right != order.len() || order.len() != group.units() {
                return Err(Error::NotAPermutation {
                    group: group.name().to_owned(),
                    units: group.units(),
                    len: order.len(),
                    index: right,
                });
            }
        }
        Ok(Self { spec: spec.clone(), orders })
    }

    /// Every unit where it is.
    pub fn identity(spec: &PermutationSpec) -> Self {
        let orders = spec.groups().iter().map(|group| (0..group.units()).collect()).collect();
        Self { spec: spec.clone(), orders }
    }

    /// Independent permutations from the uniform distribution: group k is shuffled by stream k of the seed's
    /// `ChaCha8Rng`.
    pub fn random(spec: &PermutationSpec, seed: u64) -> Self {
        let mut permutations = Self::identity(spec);
        for (stream, order) in permutations.orders.iter_mut().enumerate() {
            let mut generator = ChaCha8Rng::seed_from_u64(seed);
            generator.set_stream(stream as u64);
            order.shuffle(&mut generator);
        }
        permutations
    }

    /// Orders that are known to be permutations.
    pub(super) fn from_parts(spec: &PermutationSpec, orders: Vec<Vec<usize>>) -> Self {
        Self { spec: spec.clone(), orders }
    }

    /// The specification whose groups they permute.
    pub fn spec(&self) -> &PermutationSpec {
        &self.spec
    }

    /// The order of each group.
    pub fn orders(&self) -> &[Vec<usize>] {
        &self.orders
    }

    /// The order of the group of this name; None if there is no such group.
    pub fn order(&self, group: &str) -> Option<&[usize]> {
        let found = self.spec.groups().iter().position(|other| other.name() == group)?;
        Some(&self.orders[found])
    }

    /// The number of units of all groups that are not where they were.
    pub fn moved(&self) -> usize {
        self.orders.iter().map(|order| moved(order)).sum()
    }

    /// The permutations that undo these.
    #[must_use]
    pub fn inverse(&self) -> Self {
        let inverse = |order: &Vec<usize>| {
            let mut inverse = vec![0; order.len()];
            for (index, &unit) in order.iter().enumerate() {
                inverse[unit] = index;
            }
            inverse
        };
        Self { spec: self.spec.clone(), orders: self.orders.iter().map(inverse).collect() }
    }

    /// The permuted parameters: every value of θ once, to the bit. Values need not be finite, and vectors other than θ
    /// (a gradient, a direction) may be permuted with it.
    ///
    /// # Errors
    /// [`Error::Length`] if θ does not fit the layout; [`Error::OutOfMemory`].
    pub fn apply<S: Scalar>(&self, theta: &[S]) -> Result<Vec<S>> {
        let layout = self.spec.layout();
        layout.ensure_length("the vector to permute", theta.len())?;
        let mut out = memory::filled("permuted parameters", theta.len(), S::zero())?;
        for (number, block) in layout.blocks().iter().enumerate() {
            let maps = self.spec.maps(number, &self.orders);
            gather(
                block.shape(),
                &maps,
                block.slice(theta)?,
                block.slice_mut(&mut out)?,
                S::zero(),
                |value| value,
            );
        }
        Ok(out)
    }
}

/// The units that are not where they were.
pub(super) fn moved(order: &[usize]) -> usize {
    order.iter().enumerate().filter(|(index, unit)| index != *unit).count()
}

impl PermutationSpec {
    /// Where the values of each axis of a block come from in these orders.
    pub(super) fn maps(&self, block: usize, orders: &[Vec<usize>]) -> Vec<AxisMap> {
        let shape = self.layout().blocks()[block].shape();
        let mut maps: Vec<AxisMap> = vec![None; shape.len()];
        for place in self.on_block(block) {
            let map = maps[place.axis].get_or_insert_with(|| (0..shape[place.axis]).collect());
            for (index, &unit) in orders[place.group].iter().enumerate() {
                for within in 0..place.run {
                    map[place.start + index * place.run + within] = place.start + unit * place.run + within;
                }
            }
        }
        maps
    }
}

/// Copies a block, each index of an axis from where its map says, as `read` makes of the values; `missing` where an
/// index is [`LEFT_OUT`].
pub(super) fn gather<S: Copy, T: Copy>(
    shape: &[usize],
    maps: &[AxisMap],
    from: &[S],
    to: &mut [T],
    missing: T,
    read: impl Fn(S) -> T + Copy,
) {
    let (Some((&length, shape)), Some((map, maps))) = (shape.split_first(), maps.split_first()) else {
        to.iter_mut().zip(from).for_each(|(to, from)| *to = read(*from));
        return;
    };
    if map.is_none() && maps.iter().all(Option::is_none) {
        to.iter_mut().zip(from).for_each(|(to, from)| *to = read(*from));
        return;
    }
    let stride = to.len() / length.max(1);
    for (index, to) in to.chunks_exact_mut(stride.max(1)).enumerate() {
        match map.as_ref().map_or(index, |map| map[index]) {
            LEFT_OUT => to.fill(missing),
            source => {
                gather(shape, maps, &from[source * stride..(source + 1) * stride], to, missing, read);
            }
        }
    }
}

/// The serialised form.
#[cfg(feature = "serde")]
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Orders {
    spec: PermutationSpec,
    orders: Vec<Vec<usize>>,
}

#[cfg(feature = "serde")]
impl From<Permutations> for Orders {
    fn from(Permutations { spec, orders }: Permutations) -> Self {
        Self { spec, orders }
    }
}

#[cfg(feature = "serde")]
impl TryFrom<Orders> for Permutations {
    type Error = Error;

    fn try_from(Orders { spec, orders }: Orders) -> Result<Self> {
        Self::new(&spec, orders)
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{ArrayD, Axis, IxDyn};

    use super::*;
    use crate::{Block, Layout, matching::UnitGroup};

    fn spec() -> PermutationSpec {
        let layout = Layout::new([
            Block::weight("w", [6, 2, 3], 0),
            Block::bias("b", [6]),
            Block::weight("v", [2, 14], 0),
            Block::bias("scalar", []),
        ])
        .unwrap();
        let groups = [
            UnitGroup::new("g", 6).axis("w", 0).axis("b", 0).part("v", 1, 2, 2),
            UnitGroup::new("h", 2).axis("w", 1).axis("v", 0),
        ];
        PermutationSpec::new(&layout, groups).unwrap()
    }

    #[test]
    fn axes_are_selected_as_ndarray_selects_them() {
        let spec = spec();
        let theta: Vec<f64> = (0..spec.layout().len()).map(|i| i as f64).collect();
        let (g, h) = (vec![5, 3, 0, 1, 2, 4], vec![1, 0]);
        let permuted = Permutations::new(&spec, vec![g.clone(), h.clone()]).unwrap().apply(&theta).unwrap();
        let part = |name: &str, vector: &[f64]| -> ArrayD<f64> {
            let block = spec.layout().block(name).unwrap();
            ArrayD::from_shape_vec(IxDyn(block.shape()), block.slice(vector).unwrap().to_vec()).unwrap()
        };
        let w = part("w", &theta).select(Axis(0), &g).select(Axis(1), &h);
        assert_eq!(part("w", &permuted), w);
        assert_eq!(part("b", &permuted), part("b", &theta).select(Axis(0), &g));
        let runs: Vec<usize> =
            [0, 1].into_iter().chain(g.iter().flat_map(|u| [2 + 2 * u, 3 + 2 * u])).collect();
        assert_eq!(part("v", &permuted), part("v", &theta).select(Axis(0), &h).select(Axis(1), &runs));
        assert_eq!(part("scalar", &permuted), part("scalar", &theta));
    }

    #[test]
    fn inverses_undo_to_the_bit_and_seeds_stay() {
        let spec = spec();
        let theta: Vec<f32> = (0..spec.layout().len()).map(|i| (i as f32).sin()).collect();
        for seed in 0..20 {
            let drawn = Permutations::random(&spec, seed);
            assert_eq!(drawn, Permutations::new(&spec, drawn.orders().to_vec()).unwrap());
            assert_eq!(drawn.inverse().apply(&drawn.apply(&theta).unwrap()).unwrap(), theta);
        }
        let identity = Permutations::identity(&spec);
        assert_eq!((identity.apply(&theta).unwrap(), identity.moved()), (theta, 0));
        assert_eq!(Permutations::random(&spec, 1).order("g"), Some([3, 4, 5, 2, 0, 1].as_slice()));
        assert_eq!(identity.order("i"), None);
    }

    #[test]
    fn what_is_no_permutation_is_refused() {
        let spec = spec();
        let new = |g: &[usize], h: &[usize]| Permutations::new(&spec, vec![g.to_vec(), h.to_vec()]);
        assert!(matches!(
            Permutations::new(&spec, vec![vec![0, 1]]),
            Err(Error::PermutationCount { found: 1, groups: 2 })
        ));
        for (bad, at) in [(vec![0, 1, 1, 3, 4, 5], 2), (vec![0, 1, 6, 3, 4, 5], 2), (vec![0, 1], 2)] {
            match new(&bad, &[0, 1]) {
                Err(Error::NotAPermutation { group, units: 6, index, .. }) => {
                    assert_eq!((group.as_str(), index), ("g", at));
                }
                other => panic!("{other:?}"),
            }
        }
        assert!(new(&[0, 1, 2, 3, 4, 5], &[1, 0, 1]).is_err());
        assert!(matches!(
            new(&[0, 1, 2, 3, 4, 5], &[1, 0]).unwrap().apply(&[0.0]),
            Err(Error::Length { .. })
        ));
    }
}
