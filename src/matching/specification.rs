//! Which hidden units may be listed in another order, and which parameters go with them.

use std::sync::Arc;

use crate::{Error, Layout, Result};

/// A group of hidden units, and where in the layout each of them has its parameters.
///
/// A unit of a dense layer owns a row of that layer's weights, its bias, and a column of the next layer's weights; a
/// channel of a convolution also owns the scale, shift and statistics of the normalisation that follows. Whoever lists
/// the units in another order must list all of these in the same order, and then computes the same function. Units
/// that a skip connection adds to each other are one group.
///
/// Nothing is checked here; [`PermutationSpec::new`] checks all groups together, and
/// [`check_permutations`](crate::check::check_permutations) whether the loss stays.
///
/// ```
/// use loss_landscape::{Block, Layout, matching::{PermutationSpec, UnitGroup}};
///
/// // A convolution of 8 channels, whose images of 2×2 pixels a dense layer reads channel by channel.
/// let layout = Layout::new([
///     Block::weight("conv.weight", [8, 3, 3, 3], 0),
///     Block::bias("conv.bias", [8]),
///     Block::weight("fc.weight", [10, 32], 0),
/// ])?;
/// let channels = UnitGroup::new("conv", 8)
///     .axis("conv.weight", 0)
///     .axis("conv.bias", 0)
///     .runs("fc.weight", 1, 4); // four consecutive inputs for each channel
/// let spec = PermutationSpec::new(&layout, [channels])?;
/// assert_eq!(spec.groups()[0].units(), 8);
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
#[must_use]
pub struct UnitGroup {
    name: String,
    units: usize,
    places: Vec<NamedPlace>,
}

/// Where the units of a group are along one axis of a block.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
struct NamedPlace {
    block: String,
    axis: usize,
    /// The first index of the first unit.
    start: usize,
    /// Consecutive indices of each unit.
    run: usize,
    /// Whether the units must fill the axis.
    whole: bool,
}

/// The groups of hidden units of a network: all permutations that leave its function as it is.
///
/// The networks of `loss-landscape-nets` know their own. For others, say which axis of which block each group numbers:
///
/// ```
/// use loss_landscape::{Block, Layout, matching::{PermutationSpec, UnitGroup}};
///
/// // Two hidden layers, as PyTorch stores them: [out, in].
/// let layout = Layout::new([
///     Block::weight("fc1.weight", [5, 2], 0),
///     Block::bias("fc1.bias", [5]),
///     Block::weight("fc2.weight", [4, 5], 0),
///     Block::bias("fc2.bias", [4]),
///     Block::weight("fc3.weight", [1, 4], 0),
/// ])?;
/// let spec = PermutationSpec::new(&layout, [
///     UnitGroup::new("fc1", 5).axis("fc1.weight", 0).axis("fc1.bias", 0).axis("fc2.weight", 1),
///     UnitGroup::new("fc2", 4).axis("fc2.weight", 0).axis("fc2.bias", 0).axis("fc3.weight", 1),
/// ])?;
/// assert_eq!(spec.groups().len(), 2);
/// // Inputs and outputs have their meaning, and are in no group. A slip is an error that names it:
/// let slip = UnitGroup::new("fc1", 5).axis("fc2.weight", 0);
/// let error = PermutationSpec::new(&layout, [slip]).unwrap_err();
/// assert!(error.to_string().contains("axis 0 of block `fc2.weight`, which has 4"), "{error}");
/// # Ok::<(), loss_landscape::Error>(())
/// ```
///
/// Cheap to clone. Serialised (feature `serde`) it is an object of the layout and the groups, checked as by
/// [`new`](Self::new) on the way in.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(into = "Stated", try_from = "Stated")
)]
pub struct PermutationSpec {
    layout: Layout,
    groups: Arc<[UnitGroup]>,
    /// For each group, where its units are.
    places: Arc<[Vec<Place>]>,
    /// For each block, what is on its axes.
    on_block: Arc<[Vec<OnAxis>]>,
}

/// Where units are along one axis of a block, by the number of the block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) block: usize,
    pub(super) axis: usize,
    pub(super) start: usize,
    pub(super) run: usize,
}

/// The same as seen from the block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OnAxis {
    pub(super) group: usize,
    pub(super) units: usize,
    pub(super) axis: usize,
    pub(super) start: usize,
    pub(super) run: usize,
}

impl UnitGroup {
    /// A group of so many units, with no parameters yet.
    pub fn new(name: impl Into<String>, units: usize) -> Self {
        Self { name: name.into(), units, places: Vec::new() }
    }

    /// An axis that has one index for each unit.
    pub fn axis(self, block: impl Into<String>, axis: usize) -> Self {
        self.runs(block, axis, 1)
    }

    /// An axis on which each unit has `run` consecutive indices, as where images become the inputs of a dense layer
    /// channel by channel.
    pub fn runs(self, block: impl Into<String>, axis: usize, run: usize) -> Self {
        self.place(block.into(), axis, 0, run, true)
    }

    /// A part of an axis, from index `start` on, with `run` consecutive indices for each unit. What no group covers
    /// stays where it is. Channels that are joined side by side are such parts.
    pub fn part(self, block: impl Into<String>, axis: usize, start: usize, run: usize) -> Self {
        self.place(block.into(), axis, start, run, false)
    }

    fn place(mut self, block: String, axis: usize, start: usize, run: usize, whole: bool) -> Self {
        self.places.push(NamedPlace { block, axis, start, run, whole });
        self
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The number of units.
    pub fn units(&self) -> usize {
        self.units
    }
}

impl PermutationSpec {
    /// A specification of these groups. None are allowed: then nothing can be permuted.
    ///
    /// # Errors
    /// [`Error::UnitGroup`] for two groups of one name, or a group without units or without parameters;
    /// [`Error::UnknownBlock`]; [`Error::UnitAxis`] for an axis that a block does not have; [`Error::UnitExtent`] for
    /// one that does not have the indices of the units; [`Error::UnitOverlap`] for an index that would move twice.
    pub fn new(layout: &Layout, groups: impl IntoIterator<Item = UnitGroup>) -> Result<Self> {
        let groups: Vec<UnitGroup> = groups.into_iter().collect();
        let mut places = Vec::with_capacity(groups.len());
        let mut on_block: Vec<Vec<OnAxis>> = vec![Vec::new(); layout.blocks().len()];
        for (number, group) in groups.iter().enumerate() {
            let refused = |reason| Err(Error::UnitGroup { group: group.name.clone(), reason });
            if groups[..number].iter().any(|other| other.name == group.name) {
                return refused("has the name of another group");
            }
            if group.units == 0 {
                return refused("has no units");
            }
            if group.places.is_empty() {
                return refused("has no parameters: name the axes of its units with `axis`");
            }
            let resolved = group.places.iter().map(|place| group.resolve(layout, place));
            let resolved = resolved.collect::<Result<Vec<Place>>>()?;
            for &Place { block, axis, start, run } in &resolved {
                on_block[block].push(OnAxis { group: number, units: group.units, axis, start, run });
            }
            places.push(resolved);
        }
        for (block, all) in layout.blocks().iter().zip(&on_block) {
            for (number, later) in all.iter().enumerate() {
                let overlaps = |earlier: &&OnAxis| earlier.axis == later.axis && earlier.meets(later);
                if let Some(earlier) = all[..number].iter().find(overlaps) {
                    return Err(Error::UnitOverlap {
                        block: block.name().to_owned(),
                        axis: later.axis,
                        index: earlier.start.max(later.start),
                        first: groups[earlier.group].name.clone(),
                        second: groups[later.group].name.clone(),
                    });
                }
            }
        }
        Ok(Self {
            layout: layout.clone(),
            groups: groups.into(),
            places: places.into(),
            on_block: on_block.into(),
        })
    }

    /// The layout whose blocks it names.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The groups.
    pub fn groups(&self) -> &[UnitGroup] {
        &self.groups
    }

    /// Where the units of a group are.
    pub(super) fn places(&self, group: usize) -> &[Place] {
        &self.places[group]
    }

    /// What is on the axes of a block.
    pub(super) fn on_block(&self, block: usize) -> &[OnAxis] {
        &self.on_block[block]
    }
}

impl UnitGroup {
    fn resolve(&self, layout: &Layout, place: &NamedPlace) -> Result<Place> {
        let NamedPlace { block: ref name, axis, start, run, whole } = *place;
        let block = layout.block(name)?;
        let number = layout.blocks().iter().take_while(|other| other.name() != name).count();
        let Some(&length) = block.shape().get(axis) else {
            return Err(Error::UnitAxis {
                group: self.name.clone(),
                block: name.clone(),
                axis,
                shape: block.shape().to_vec(),
            });
        };
        let end = self.units.checked_mul(run).and_then(|covered| covered.checked_add(start));
        if run == 0 || end.is_none_or(|end| if whole { end != length } else { end > length }) {
            return Err(Error::UnitExtent {
                group: self.name.clone(),
                units: self.units,
                run,
                start,
                block: name.clone(),
                axis,
                length,
            });
        }
        Ok(Place { block: number, axis, start, run })
    }
}

impl OnAxis {
    fn meets(&self, other: &Self) -> bool {
        let end = |place: &Self| place.start + place.units * place.run;
        self.start < end(other) && other.start < end(self)
    }
}

/// The serialised form.
#[cfg(feature = "serde")]
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Stated {
    layout: Layout,
    groups: Vec<UnitGroup>,
}

#[cfg(feature = "serde")]
impl From<PermutationSpec> for Stated {
    fn from(PermutationSpec { layout, groups, .. }: PermutationSpec) -> Self {
        Self { layout, groups: groups.to_vec() }
    }
}

#[cfg(feature = "serde")]
impl TryFrom<Stated> for PermutationSpec {
    type Error = Error;

    fn try_from(Stated { layout, groups }: Stated) -> Result<Self> {
        Self::new(&layout, groups)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Block;

    fn layout() -> Layout {
        Layout::new([Block::weight("w", [6, 4], 0), Block::bias("b", [6])]).unwrap()
    }

    fn refused(groups: impl IntoIterator<Item = UnitGroup>) -> String {
        PermutationSpec::new(&layout(), groups).unwrap_err().to_string()
    }

    #[test]
    fn bad_groups_are_named() {
        let good = UnitGroup::new("g", 6).axis("w", 0).axis("b", 0);
        assert!(PermutationSpec::new(&layout(), [good.clone()]).is_ok());
        assert!(PermutationSpec::new(&layout(), []).unwrap().groups().is_empty());
        assert_eq!(refused([good.clone(), good.clone()]), "the group `g` has the name of another group");
        assert_eq!(refused([UnitGroup::new("g", 0).axis("w", 0)]), "the group `g` has no units");
        assert!(refused([UnitGroup::new("g", 2)]).contains("has no parameters"));
        assert!(refused([good.clone().axis("v", 0)]).contains("there is no block `v`"));
        let axis = refused([UnitGroup::new("g", 6).axis("b", 1)]);
        assert_eq!(axis, "the group `g` names axis 1 of block `b`, whose shape is [6]");
        let extent = refused([UnitGroup::new("g", 3).axis("w", 0)]);
        assert_eq!(
            extent,
            "the group `g` has 3 units with 1 index each from 0 on along axis 0 of block `w`, which has 6"
        );
        assert!(refused([UnitGroup::new("g", 3).part("b", 0, 1, 2)]).contains("2 indices each from 1 on"));
        assert!(refused([UnitGroup::new("g", 3).runs("b", 0, 0)]).contains("0 indices each"));
        assert!(refused([UnitGroup::new("g", usize::MAX).runs("b", 0, 2)]).contains("which has 6"));
    }

    #[test]
    fn no_index_moves_twice() {
        let parts = |start| {
            [UnitGroup::new("g", 3).part("b", 0, 0, 1), UnitGroup::new("h", 3).part("b", 0, start, 1)]
        };
        assert!(PermutationSpec::new(&layout(), parts(3)).is_ok());
        let message = refused(parts(2));
        assert_eq!(message, "index 2 of axis 0 of block `b` is in the groups `g` and `h`");
        // The same group twice along one axis, and on both axes of a block.
        assert!(refused([UnitGroup::new("g", 6).axis("b", 0).axis("b", 0)]).contains("index 0 of axis 0"));
        let both = UnitGroup::new("g", 4).part("w", 0, 0, 1).axis("w", 1);
        assert!(PermutationSpec::new(&layout(), [both]).is_ok());
    }
}
