//! Matching: the hidden units of one network in the order of those of another.
//!
//! A network computes the same function when its hidden units are listed in another order. Two minimisers may thus lie
//! far apart, with a high barrier on the segment between them, and be one network. A [`PermutationSpec`] says which units
//! of a layout may be permuted; the networks of `loss-landscape-nets` give theirs, and
//! [`check_permutations`] tests one of yours. [`WeightMatching`] permutes the units of
//! one parameter vector until they are as like those of another as it can make them. What barrier is left on the segment
//! is not due to the order of units, as far as the permutations found are the best ones.
//!
//! [`Permutations`] may come from elsewhere, for example from an [`Assignment`] of units by their activations.

mod assignment;
mod check;
mod permutations;
mod report;
mod similarity;
mod specification;
mod weight_matching;

pub use assignment::Assignment;
pub use permutations::Permutations;
pub use report::{Descent, GroupMatch, MatchingReport, Start};
pub use specification::{PermutationSpec, UnitGroup};
pub use weight_matching::{Matched, WeightMatching};

/// Shown in the crate's module `check`, beside the other checks.
#[doc(hidden)]
pub use check::{PermutationCheck, check_permutations};
