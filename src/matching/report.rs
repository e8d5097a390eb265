//! What is known of a matching.

use std::fmt;

/// How alike two parameter vectors were before and after matching, group by group, and how it was found.
/// [`WeightMatching`](super::WeightMatching) has an example; `Display` says it in three sentences, for people.
///
/// **Similarity** is the inner product Σ θ_a·θ_b over the parameters that count. The squared distance is
/// ‖θ_a‖² + ‖θ_b‖² less twice the similarity, and no permutation changes the norms, so that the largest similarity is the
/// least distance.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct MatchingReport {
    /// ‖θ_a‖ and ‖θ_b‖ over the parameters that count.
    pub norms: [f64; 2],
    /// The similarity of θ_a and θ_b.
    pub similarity_before: f64,
    /// The similarity of θ_a and the permuted θ_b.
    pub similarity: f64,
    /// The same for each group of units, over the blocks in which it is. A block between two groups is in both.
    pub groups: Vec<GroupMatch>,
    /// All descents, in their order.
    pub descents: Vec<Descent>,
    /// The index of the descent whose permutations these are: the first of those with the largest similarity.
    pub best: usize,
}

/// One group of units before and after matching.
///
/// ```
/// use loss_landscape::{Layout, Block, matching::{PermutationSpec, UnitGroup, WeightMatching}};
///
/// let layout = Layout::new([Block::weight("in", [2, 1], 0), Block::weight("out", [1, 2], 0)])?;
/// let spec = PermutationSpec::new(&layout, [UnitGroup::new("hidden", 2).axis("in", 0).axis("out", 1)])?;
/// let matched = WeightMatching::new().run(&spec, &[1.0, 2.0, 3.0, 4.0], &[2.0, 1.0, 4.0, 3.0])?;
/// let group = &matched.report().groups[0];
/// assert_eq!((group.name.as_str(), group.units, group.moved), ("hidden", 2, 2));
/// assert_eq!((group.similarity_before, group.similarity), (28.0, 30.0));
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct GroupMatch {
    /// The name of the group.
    pub name: String,
    /// The number of its units.
    pub units: usize,
    /// How many of them are not where they were in θ_b.
    pub moved: usize,
    /// Σ θ_a·θ_b over the blocks of the group.
    pub similarity_before: f64,
    /// The same for the permuted θ_b.
    pub similarity: f64,
}

/// How one coordinate descent went.
///
/// ```
/// use loss_landscape::{Layout, Block, matching::{PermutationSpec, Start, UnitGroup, WeightMatching}};
///
/// let layout = Layout::new([Block::weight("in", [2, 1], 0), Block::weight("out", [1, 2], 0)])?;
/// let spec = PermutationSpec::new(&layout, [UnitGroup::new("hidden", 2).axis("in", 0).axis("out", 1)])?;
/// let paper = WeightMatching::new().anchored(false).starts(1);
/// let matched = paper.run(&spec, &[1.0, 2.0, 3.0, 4.0], &[2.0, 1.0, 4.0, 3.0])?;
/// let descent = &matched.report().descents[0];
/// assert_eq!(descent.start, Start::Identity);
/// // One sweep swaps the units, a second finds nothing to do.
/// assert_eq!(descent.similarities, [28.0, 30.0, 30.0]);
/// assert!(descent.converged && descent.sweeps() == 2);
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Descent {
    /// Where it began.
    pub start: Start,
    /// The similarity at the start and after each sweep. It never falls, but for rounding.
    pub similarities: Vec<f64>,
    /// Whether the last sweep changed nothing: no group alone could be permuted to more similarity.
    pub converged: bool,
}

/// Where a descent begins.
///
/// ```
/// use loss_landscape::matching::Start;
///
/// assert_eq!(Start::Anchored.to_string(), "anchored");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Start {
    /// Groups matched one after the other, outwards from inputs and outputs, each by those parameters alone that
    /// connect it to what is matched already.
    Anchored,
    /// All units where they are, as in the paper.
    Identity,
}

impl Descent {
    /// The similarity that it reached.
    pub fn similarity(&self) -> f64 {
        self.similarities.last().copied().unwrap_or(f64::NAN)
    }

    /// The number of sweeps over all groups, with the one that changed nothing.
    pub fn sweeps(&self) -> usize {
        self.similarities.len().saturating_sub(1)
    }
}

impl MatchingReport {
    /// The cosine of the angle between θ_a and θ_b, over the parameters that count; 0 if one of them is zero.
    pub fn cosine_before(&self) -> f64 {
        self.cosine_of(self.similarity_before)
    }

    /// The same for the permuted θ_b.
    pub fn cosine(&self) -> f64 {
        self.cosine_of(self.similarity)
    }

    /// Whether the best descent ended where no group alone could be permuted to more similarity. That is no proof that
    /// permuting several at once could not.
    pub fn converged(&self) -> bool {
        self.descents.get(self.best).is_some_and(|descent| descent.converged)
    }

    /// The number of units that are not where they were.
    pub fn moved(&self) -> usize {
        self.groups.iter().map(|group| group.moved).sum()
    }

    fn cosine_of(&self, similarity: f64) -> f64 {
        let [a, b] = self.norms;
        if a == 0.0 || b == 0.0 { 0.0 } else { similarity / a / b }
    }
}

impl fmt::Display for Start {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Anchored => "anchored",
            Self::Identity => "identity",
        })
    }
}

impl fmt::Display for MatchingReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units: usize = self.groups.iter().map(|group| group.units).sum();
        write!(
            f,
            "{} of {units} units in {} groups moved. The cosine of the two parameter vectors was {:.4} and is {:.4}.",
            self.moved(),
            self.groups.len(),
            self.cosine_before(),
            self.cosine()
        )?;
        if let Some(best) = self.descents.get(self.best) {
            let end = if best.converged { "converged" } else { "not converged" };
            let sweeps = if best.sweeps() == 1 { "sweep" } else { "sweeps" };
            write!(
                f,
                " Descent {} of {} ({}), {end} after {} {sweeps}",
                self.best + 1,
                self.descents.len(),
                best.start,
                best.sweeps()
            )?;
            let worst = self.descents.iter().map(Descent::similarity).fold(f64::INFINITY, f64::min);
            if worst < best.similarity() {
                write!(f, "; the worst reached {:.4}", self.cosine_of(worst))?;
            }
            f.write_str(".")?;
        }
        Ok(())
    }
}
