//! The two directions that span a plane.

use super::Direction;
use crate::{Error, Result, Scalar};

/// Two directions of one layout: they span the plane of a surface.
///
/// ```
/// use loss_landscape::{Direction, Directions, Layout};
///
/// let layout = Layout::flat(2)?;
/// let east = Direction::new(&layout, vec![1.0, 0.0])?;
/// let north_east = Direction::new(&layout, vec![1.0, 1.0])?;
/// let dirs = Directions::new(east, north_east)?;
/// assert!((dirs.cosine() - 0.5_f64.sqrt()).abs() < 1e-15);
/// assert_eq!(dirs.swapped().first().values(), [1.0, 1.0]);
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Directions<S> {
    first: Direction<S>,
    second: Direction<S>,
    cosine: f64,
}

impl<S: Scalar> Directions<S> {
    /// A pair of directions; α goes along the first, β along the second.
    ///
    /// # Errors
    /// [`Error::LayoutMismatch`] if their layouts differ, [`Error::ZeroDirection`] if one of them
    /// is zero everywhere.
    pub fn new(first: Direction<S>, second: Direction<S>) -> Result<Self> {
        let cosine = first.cosine(&second)?;
        for (which, direction) in [("first", &first), ("second", &second)] {
            ensure_moves(which, direction)?;
        }
        Ok(Self { first, second, cosine })
    }

    /// The direction of α.
    pub fn first(&self) -> &Direction<S> {
        &self.first
    }

    /// The direction of β.
    pub fn second(&self) -> &Direction<S> {
        &self.second
    }

    /// The cosine of the angle between them. For two random directions in n dimensions E|cos| ≈ √(2/πn). A plane of
    /// directions that are not orthogonal is drawn skewed: angles and distances in a figure are not those of the space.
    pub fn cosine(&self) -> f64 {
        self.cosine
    }

    /// The direction of α and that of β, without a copy.
    pub fn into_both(self) -> [Direction<S>; 2] {
        [self.first, self.second]
    }

    /// The same plane with the axes exchanged.
    #[must_use]
    pub fn swapped(self) -> Self {
        Self { first: self.second, second: self.first, cosine: self.cosine }
    }
}

/// Refuses a direction that is zero everywhere: along it the loss is constant, which is never what was meant.
pub(crate) fn ensure_moves<S: Scalar>(which: &str, direction: &Direction<S>) -> Result<()> {
    if direction.values().iter().all(S::is_zero) {
        return Err(Error::ZeroDirection { which: which.to_owned() });
    }
    Ok(())
}
