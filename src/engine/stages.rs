//! In which order the points of a sweep are evaluated.

/// Which points are evaluated together: a stage begins when the one before has ended.
pub(crate) enum Stages<'s> {
    /// All at once.
    All,
    /// These, stage by stage.
    Fixed(Vec<Vec<usize>>),
    /// Those chosen from what was found so far.
    Chosen(&'s mut dyn Choice),
}

/// Chooses stages from what was found.
pub(crate) trait Choice: Send {
    /// The most points that it asks for, all stages together.
    fn most(&self) -> usize;

    /// The points of the next stage, none of them computed; none to end. In a job of two passes, point p is computed
    /// again as the number of points + p. `values` are by point, data set
    /// and channel. It is called on the pool of the sweep, which waits for it.
    fn next(&mut self, values: &[f64], computed: &[bool]) -> Vec<usize>;
}

impl Stages<'_> {
    /// The most points of a stage.
    pub(super) fn largest(&self) -> usize {
        match self {
            Self::All => 0,
            Self::Fixed(stages) => stages.iter().map(Vec::len).max().unwrap_or(0),
            Self::Chosen(choice) => choice.most(),
        }
    }
}
