//! The order in which the points of a sweep are evaluated.

use std::ops::Range;

/// The stages of a sweep: the points of one are evaluated together, and it begins when the one before has ended.
pub(crate) enum Stages<'s> {
    /// All points in one stage.
    All,
    /// These points, stage by stage.
    Fixed(Vec<Vec<usize>>),
    /// Points chosen from the values found so far.
    Chosen(&'s mut dyn Choice),
}

/// Chooses the points of each stage from the values found in the stages before.
pub(crate) trait Choice: Send {
    /// The most points that it asks for in all stages together.
    fn most(&self) -> usize;

    /// The points of the next stage, none of them computed; none to end. In a job of two passes, point p is computed
    /// again as the number of points + p. `values` are by point, data set
    /// and channel. It is called on the pool of the sweep, which waits for it.
    fn next(&mut self, values: &[f64], computed: &[bool]) -> Vec<usize>;
}

impl Stages<'_> {
    /// Whether any point of a range is to be evaluated.
    pub(super) fn has_any(&self, points: &Range<usize>) -> bool {
        match self {
            Self::All | Self::Chosen(_) => true,
            Self::Fixed(stages) => stages.iter().flatten().any(|point| points.contains(point)),
        }
    }

    /// The most points of a stage.
    pub(super) fn largest(&self) -> usize {
        match self {
            Self::All => 0,
            Self::Fixed(stages) => stages.iter().map(Vec::len).max().unwrap_or(0),
            Self::Chosen(choice) => choice.most(),
        }
    }
}
