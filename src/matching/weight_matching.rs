//! Weight matching: coordinate descent over the groups of units, an assignment for each.

use ndarray_rand::rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::{
    Assignment, Descent, GroupMatch, MatchingReport, PermutationSpec, Permutations, Start,
    permutations::moved, similarity::Pair,
};
use crate::{Error, Mask, Result, Scalar};

/// Gains below this share of what is multiplied are rounding.
const ROUNDING: f64 = 64.0 * f64::EPSILON;

/// Lists the hidden units of one network in the order in which they are most like those of another.
///
/// It looks for the permutations π that maximise the inner product Σ θ_a·π(θ_b), which are those that minimise the
/// distance of the two, by algorithm 1 of Ainsworth, Hayase and Srinivasa (*Git Re-Basin*,
/// [2023](https://arxiv.org/abs/2209.04836), section 3.2): sweep over the groups of units in random order and solve for
/// each, all others held, the linear assignment of its units; until a sweep changes nothing.
///
/// **What it finds** is a maximum in each group, and with several groups not always the largest of all, which is NP-hard
/// to find. Therefore several descents are made, and the best is kept. The first is not the paper's: it begins from
/// groups matched one after the other, outwards from the inputs and outputs, each by those parameters alone that connect
/// it to groups matched before. So the permuted copy of a network comes back to the bit where the units of every group
/// differ in what they receive from the groups before; a network with one group comes back in any case.
///
/// **What counts** are all blocks but buffers, unless a [`mask`](Self::mask) says otherwise. Buffers, such as running
/// statistics, are permuted with their units. Losses between the two ends of a network with batch normalisation need
/// statistics of their own there.
///
/// **Cost.** For a group of n units that own m parameters each: n²·m multiplications for their similarities and at most
/// some n³ steps for the assignment, in each sweep. Memory: two copies of the largest block and the n² similarities for
/// each descent that runs at the same time. Results have the same bits for any number of threads; it runs in rayon's
/// current pool.
///
/// ```
/// use loss_landscape::{Block, Layout};
/// use loss_landscape::matching::{PermutationSpec, Permutations, UnitGroup, WeightMatching};
///
/// // Two hidden layers of 4 and 3 units.
/// let layout = Layout::new([
///     Block::weight("fc1", [4, 2], 0),
///     Block::weight("fc2", [3, 4], 0),
///     Block::weight("fc3", [1, 3], 0),
/// ])?;
/// let spec = PermutationSpec::new(&layout, [
///     UnitGroup::new("first", 4).axis("fc1", 0).axis("fc2", 1),
///     UnitGroup::new("second", 3).axis("fc2", 0).axis("fc3", 1),
/// ])?;
/// // A network, and the same with its units in another order.
/// let a: Vec<f64> = (0..23).map(|i| f64::from(7 * i).sin()).collect();
/// let b = Permutations::random(&spec, 3).apply(&a)?;
/// let matched = WeightMatching::new().run(&spec, &a, &b)?;
/// println!("{}", matched.report()); // … units in 2 groups moved. The cosine …
/// assert_eq!(matched.theta(), a);
/// assert!((matched.report().cosine() - 1.0).abs() < 1e-15 && matched.report().cosine_before() < 0.9);
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Clone, Debug)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(default, deny_unknown_fields)
)]
#[must_use]
pub struct WeightMatching {
    seed: u64,
    starts: usize,
    sweeps: usize,
    anchored: bool,
    mask: Option<Mask>,
}

/// θ_b with its units in the order of those of θ_a, and how that order was found.
///
/// ```
/// use loss_landscape::{Block, Layout, matching::{PermutationSpec, UnitGroup, WeightMatching}};
///
/// let layout = Layout::new([Block::weight("in", [3, 1], 0), Block::weight("out", [1, 3], 0)])?;
/// let spec = PermutationSpec::new(&layout, [UnitGroup::new("hidden", 3).axis("in", 0).axis("out", 1)])?;
/// let (a, b) = ([1.0, -2.0, 3.0, 0.1, 0.2, 0.3], [3.1, 0.9, -2.1, 0.3, 0.1, 0.2]);
/// let matched = WeightMatching::new().run(&spec, &a, &b)?;
/// assert_eq!(matched.theta(), [0.9, -2.1, 3.1, 0.1, 0.2, 0.3]);
/// assert_eq!(matched.permutations().order("hidden"), Some([1, 2, 0].as_slice()));
/// assert!(matched.report().cosine() > 0.99 && matched.report().converged());
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Matched<S> {
    theta: Vec<S>,
    permutations: Permutations,
    report: MatchingReport,
}

impl Default for WeightMatching {
    fn default() -> Self {
        Self { seed: 0, starts: 4, sweeps: 100, anchored: true, mask: None }
    }
}

impl WeightMatching {
    /// Four descents of 100 sweeps at most.
    pub fn new() -> Self {
        Self::default()
    }

    /// The seed of the orders in which groups are visited; 0 by default. Descent k takes stream k of its `ChaCha8Rng`.
    pub fn seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// How many descents to make, 4 by default; the best is kept.
    pub fn starts(self, starts: usize) -> Self {
        Self { starts, ..self }
    }

    /// How many sweeps a descent may take, 100 by default.
    pub fn sweeps(self, sweeps: usize) -> Self {
        Self { sweeps, ..self }
    }

    /// Whether the first descent is [`Start::Anchored`], which is the default. Without it, one start is the paper's
    /// algorithm.
    pub fn anchored(self, anchored: bool) -> Self {
        Self { anchored, ..self }
    }

    /// Counts the parameters of the chosen blocks alone. All blocks are permuted still.
    pub fn mask(self, mask: &Mask) -> Self {
        Self { mask: Some(mask.clone()), ..self }
    }

    /// Permutes the units of θ_b so that they are like those of θ_a.
    ///
    /// # Errors
    /// [`Error::Length`] or [`Error::NonFinite`] for θ_a or θ_b; [`Error::Setting`] for no starts or sweeps;
    /// [`Error::EmptyMask`] or [`Error::LayoutMismatch`] for a mask; [`Error::Similarity`] for values whose products
    /// overflow; [`Error::OutOfMemory`].
    pub fn run<S: Scalar>(&self, spec: &PermutationSpec, a: &[S], b: &[S]) -> Result<Matched<S>> {
        for (setting, value) in [("the number of starts", self.starts), ("the number of sweeps", self.sweeps)]
        {
            if value == 0 {
                return Err(Error::Setting { setting, needs: "1 or more", value: 0.0 });
            }
        }
        let layout = spec.layout();
        layout.ensure_finite("θ_a", a)?;
        layout.ensure_finite("θ_b", b)?;
        let mask = self.mask.clone().unwrap_or_else(|| Mask::trained(layout));
        mask.layout().ensure_same(layout)?;
        if mask.selected() == 0 {
            return Err(Error::EmptyMask);
        }
        let counted: Vec<bool> = (0..layout.blocks().len()).map(|number| mask.contains(number)).collect();
        let pair = Pair { spec, a, b, counted };
        let groups = 0..spec.groups().len();
        let groups = groups.map(|number| Group::new(&pair, number)).collect::<Result<Vec<Group>>>()?;
        let ends: Vec<Result<End>> =
            (0..self.starts).into_par_iter().map(|start| self.descend(&pair, &groups, start)).collect();
        let ends = ends.into_iter().collect::<Result<Vec<End>>>()?;
        let mut best = 0;
        for (number, end) in ends.iter().enumerate() {
            if end.descent.similarity() > ends[best].descent.similarity() {
                best = number;
            }
        }
        let permutations = Permutations::from_parts(spec, ends[best].orders.clone());
        let identity = Permutations::identity(spec);
        let [before, after] = [&identity, &permutations].map(|found| pair.of_blocks(found.orders()));
        let (before, after) = (before?, after?);
        let groups = (groups.iter().zip(spec.groups()).zip(permutations.orders()))
            .map(|((group, stated), order)| GroupMatch {
                name: stated.name().to_owned(),
                units: stated.units(),
                moved: moved(order),
                similarity_before: group.blocks.iter().map(|&block| before[block]).sum(),
                similarity: group.blocks.iter().map(|&block| after[block]).sum(),
            })
            .collect();
        let norm = |theta: &[S]| {
            let chosen = mask.ranges().into_iter().flat_map(|range| &theta[range]);
            chosen.map(|value| value.as_f64().powi(2)).sum::<f64>().sqrt()
        };
        let report = MatchingReport {
            norms: [norm(a), norm(b)],
            similarity_before: before.iter().sum(),
            similarity: after.iter().sum(),
            groups,
            descents: ends.into_iter().map(|end| end.descent).collect(),
            best,
        };
        Ok(Matched { theta: permutations.apply(b)?, permutations, report })
    }

    fn descend<S: Scalar>(&self, pair: &Pair<'_, S>, groups: &[Group], number: usize) -> Result<End> {
        let mut generator = ChaCha8Rng::seed_from_u64(self.seed);
        generator.set_stream(number as u64);
        let start = if self.anchored && number == 0 { Start::Anchored } else { Start::Identity };
        let mut orders = Permutations::identity(pair.spec).orders().to_vec();
        if start == Start::Anchored {
            anchor(pair, groups, &mut orders)?;
        }
        let total = |orders: &[Vec<usize>]| Ok::<f64, Error>(pair.of_blocks(orders)?.iter().sum());
        let mut descent = Descent { start, similarities: vec![total(&orders)?], converged: false };
        let mut turns: Vec<usize> = (0..groups.len()).collect();
        for _ in 0..self.sweeps {
            turns.shuffle(&mut generator);
            let mut changed = false;
            for &group in &turns {
                changed |= groups[group].improve(pair, &mut orders, None)?;
            }
            descent.similarities.push(total(&orders)?);
            if !changed {
                descent.converged = true;
                break;
            }
        }
        Ok(End { orders, descent })
    }
}

/// Where a descent came to.
struct End {
    orders: Vec<Vec<usize>>,
    descent: Descent,
}

/// What stays the same of a group in all descents.
struct Group {
    number: usize,
    units: usize,
    /// The blocks that count, each once.
    blocks: Vec<usize>,
    quadratic: bool,
    /// Of the units in θ_a and θ_b.
    norms: [Vec<f64>; 2],
}

impl Group {
    fn new<S: Scalar>(pair: &Pair<'_, S>, number: usize) -> Result<Self> {
        Ok(Self {
            number,
            units: pair.spec.groups()[number].units(),
            blocks: pair.blocks_of(number),
            quadratic: pair.is_quadratic(number),
            norms: pair.unit_norms(number)?,
        })
    }

    /// Gives the group the best order while the others stay, if that is better than its present one. With `decided`
    /// only what connects it to decided groups counts.
    fn improve<S: Scalar>(
        &self,
        pair: &Pair<'_, S>,
        orders: &mut [Vec<usize>],
        decided: Option<&[bool]>,
    ) -> Result<bool> {
        if self.units < 2 || self.blocks.is_empty() {
            return Ok(false);
        }
        let similarity = pair.of_units(self.number, orders, decided)?;
        let found = Assignment::largest(&similarity)?.into_columns();
        let present = std::mem::replace(&mut orders[self.number], found);
        let found = &orders[self.number];
        let [a, b] = &self.norms;
        let changed = || (0..self.units).filter(|&unit| present[unit] != found[unit]);
        let scale: f64 = changed().map(|unit| a[unit] * (b[present[unit]] + b[found[unit]])).sum();
        let gain = if self.quadratic && decided.is_none() {
            // The similarities hold the other axis still, and are only a guess at what moving both will bring.
            let total = |orders: &[Vec<usize>]| -> Result<f64> {
                self.blocks.iter().map(|&block| pair.of_block(block, orders)).sum()
            };
            let after = total(orders)?;
            let found = std::mem::replace(&mut orders[self.number], present.clone());
            let before = total(orders)?;
            orders[self.number] = found;
            after - before
        } else {
            changed().map(|unit| similarity[[unit, found[unit]]] - similarity[[unit, present[unit]]]).sum()
        };
        let better = gain > ROUNDING * scale;
        if !better {
            orders[self.number] = present;
        }
        Ok(better)
    }
}

/// Orders the groups one after the other, that one next of which the largest share of parameters lies between decided
/// groups, inputs and outputs.
fn anchor<S: Scalar>(pair: &Pair<'_, S>, groups: &[Group], orders: &mut [Vec<usize>]) -> Result<()> {
    let mut decided = vec![false; groups.len()];
    for _ in groups {
        let mut next: Option<(usize, f64)> = None;
        for number in (0..groups.len()).filter(|&number| !decided[number]) {
            let share = pair.share_decided(number, &decided);
            if next.is_none_or(|(_, largest)| share > largest) {
                next = Some((number, share));
            }
        }
        if let Some((number, _)) = next {
            groups[number].improve(pair, orders, Some(&decided))?;
            decided[number] = true;
        }
    }
    Ok(())
}

impl<S: Scalar> Matched<S> {
    /// θ_b with its units in the order of those of θ_a: the same function.
    pub fn theta(&self) -> &[S] {
        &self.theta
    }

    /// The permuted θ_b, moved out.
    pub fn into_theta(self) -> Vec<S> {
        self.theta
    }

    /// The permutations that were applied to θ_b.
    pub fn permutations(&self) -> &Permutations {
        &self.permutations
    }

    /// Similarities before and after, and how the descents went.
    pub fn report(&self) -> &MatchingReport {
        &self.report
    }
}
