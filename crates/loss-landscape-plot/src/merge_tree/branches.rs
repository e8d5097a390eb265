//! Branches of a merge tree.

use crate::{Error, Result};

/// A branch of a [`MergeTreeFigure`](crate::MergeTreeFigure): a minimum, and where it merges with a deeper one.
///
/// # Example
///
/// ```
/// use loss_landscape_plot::{Branch, Figure, MergeTreeFigure};
///
/// let deepest = Branch::new(0.02).share(0.8);
/// let other = Branch::new(0.05).ends(0.4, 0).share(0.2).uncertain();
/// assert!(MergeTreeFigure::new([deepest, other]).to_svg()?.contains("dashed"));
/// # Ok::<(), loss_landscape_plot::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Branch {
    pub(super) minimum: f64,
    /// The level, and the branch that goes on.
    pub(super) end: Option<(f64, usize)>,
    pub(super) share: Option<f64>,
    pub(super) certain: bool,
}

impl Branch {
    /// A branch from this level, the value of its minimum, that never ends.
    pub fn new(minimum: f64) -> Self {
        Self { minimum, end: None, share: None, certain: true }
    }

    /// Ends the branch at this level, that of its saddle, in the branch with this index.
    pub fn ends(mut self, level: f64, into: usize) -> Self {
        self.end = Some((level, into));
        self
    }

    /// The share of all points that flow to the minimum, from 0 to 1.
    pub fn share(mut self, share: f64) -> Self {
        self.share = Some(share);
        self
    }

    /// Marks a branch that points without a value might change.
    pub fn uncertain(mut self) -> Self {
        self.certain = false;
        self
    }

    /// How far the level rises from the minimum to the end.
    pub(super) fn persistence(&self) -> f64 {
        self.end.map_or(f64::INFINITY, |(level, _)| level - self.minimum)
    }
}

/// Checks that the branches make trees.
pub(super) fn check(branches: &[Branch]) -> Result<()> {
    if branches.is_empty() {
        return Err(Error::Empty { what: "branches" });
    }
    for (index, branch) in branches.iter().enumerate() {
        let minimum = branch.minimum;
        for value in [Some(minimum), branch.end.map(|(level, _)| level)].into_iter().flatten() {
            if !value.is_finite() {
                return Err(Error::NotFinite {
                    what: "the branches of a merge tree".to_owned(),
                    index,
                    value,
                });
            }
        }
        if let Some(share) = branch.share.filter(|share| !(0.0..=1.0).contains(share)) {
            return Err(Error::Share { what: format!("branch {index}"), value: share });
        }
        let Some((level, into)) = branch.end else { continue };
        let wrong = |why| Err(Error::Branch { index, minimum, level, into, why });
        if level < minimum {
            return wrong("that is below its minimum");
        }
        let Some(other) = branches.get(into).filter(|_| into != index) else {
            return wrong("there is no such other branch");
        };
        if other.minimum > level || other.end.is_some_and(|(end, _)| end < level) {
            return wrong("which does not reach that level");
        }
    }
    // Branches may end in each other only at one level, but then in a circle.
    let mut seen = vec![usize::MAX; branches.len()];
    for start in 0..branches.len() {
        let mut at = start;
        while seen[at] == usize::MAX {
            seen[at] = start;
            let Some((level, into)) = branches[at].end else { break };
            if seen[into] == start {
                let Branch { minimum, .. } = branches[at];
                return Err(Error::Branch {
                    index: start,
                    minimum,
                    level,
                    into,
                    why: "they end in a circle",
                });
            }
            at = into;
        }
    }
    Ok(())
}
