//! What a rule does in one step.

use std::ops::Range;

/// The steps of one rule, with what it keeps between them.
pub(super) trait UpdateSteps<S> {
    /// Moves θ by one step, in the ranges trained and nowhere else.
    fn step(&mut self, trained: &[Range<usize>], rate: f64, theta: &mut [S], gradient: &[S]);
}
