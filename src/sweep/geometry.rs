//! Where a sweep goes: along a line, between two minimisers, over a plane.

use std::borrow::Cow;

use ndarray::{Ix1, Ix2};

use crate::{
    Buffers, Direction, Directions, Error, GridDimension, Layout, Model, RandomDirections, Result, Role,
    Scalar, Slice,
    direction::ensure_moves,
    engine::{axis::Axis, run::Origin},
    landscape::DirectionRecord,
    params::content_hash,
};

/// The line θ + α·d through a model's parameters; made of a [`Direction`], or of [`RandomDirections`] that are drawn
/// when the sweep runs.
#[derive(Clone, Debug)]
pub struct Line<S>(Source<RandomDirections, Direction<S>>);

/// The plane θ + α·d₁ + β·d₂ through a model's parameters; made of [`Directions`], or of [`RandomDirections`] that are
/// drawn when the sweep runs.
#[derive(Clone, Debug)]
pub struct Plane<S>(Source<RandomDirections, Directions<S>>);

/// The segment (1−α)·θ_a + α·θ_b between two parameter vectors.
#[derive(Clone, Debug)]
pub struct Segment<'a, S> {
    pub(super) a: &'a [S],
    pub(super) b: &'a [S],
    pub(super) buffers: Buffers,
}

#[derive(Clone, Debug)]
enum Source<R, G> {
    Random(R),
    Given(G),
}

/// Where a sweep around a model may go: [`Line`], [`Segment`] or [`Plane`]. Sealed.
pub trait Geometry<M: Model + ?Sized>: sealed::Sealed {
    /// The dimension of the result.
    type Dim: GridDimension;

    /// The axis of α (and β) unless the caller says otherwise, for `points` points of a line or plane.
    #[doc(hidden)]
    fn default_axis(points: usize) -> Axis;

    /// The vectors that span it, and where they come from.
    #[doc(hidden)]
    fn place<'g>(&'g self, model: &'g M) -> Result<Placed<'g, M::Scalar>>;
}

/// A geometry around one model: the vectors that span it.
pub struct Placed<'g, S: Clone> {
    pub(crate) origin: Origin,
    kind: Kind,
    layout: &'g Layout,
    vectors: [Cow<'g, [S]>; 3],
}

#[derive(Clone, Copy)]
enum Kind {
    Line,
    Segment,
    Plane,
}

mod sealed {
    pub trait Sealed {}
    impl<S> Sealed for super::Line<S> {}
    impl<S> Sealed for super::Plane<S> {}
    impl<S> Sealed for super::Segment<'_, S> {}
}

impl<S> From<Direction<S>> for Line<S> {
    fn from(direction: Direction<S>) -> Self {
        Self(Source::Given(direction))
    }
}

impl<S> From<RandomDirections> for Line<S> {
    fn from(random: RandomDirections) -> Self {
        Self(Source::Random(random))
    }
}

impl<S> From<Directions<S>> for Plane<S> {
    fn from(directions: Directions<S>) -> Self {
        Self(Source::Given(directions))
    }
}

impl<S> From<RandomDirections> for Plane<S> {
    fn from(random: RandomDirections) -> Self {
        Self(Source::Random(random))
    }
}

impl<M: Model + ?Sized> Geometry<M> for Line<M::Scalar> {
    type Dim = Ix1;

    fn default_axis(points: usize) -> Axis {
        Axis::range(-1.0..=1.0, points)
    }

    fn place<'g>(&'g self, model: &'g M) -> Result<Placed<'g, M::Scalar>> {
        let direction = match &self.0 {
            Source::Given(direction) => Cow::Borrowed(direction),
            Source::Random(random) => Cow::Owned(random.one(model)?),
        };
        let (layout, theta) = (model.layout(), model.parameters());
        layout.ensure_same(direction.layout())?;
        ensure_moves("only", &direction)?;
        let records = vec![DirectionRecord::of(&direction)];
        Ok(Placed {
            origin: Origin::of("line", layout, theta, records, None)?,
            kind: Kind::Line,
            layout,
            vectors: [Cow::Borrowed(theta), values(direction), Cow::Borrowed(&[])],
        })
    }
}

impl<M: Model + ?Sized> Geometry<M> for Plane<M::Scalar> {
    type Dim = Ix2;

    fn default_axis(points: usize) -> Axis {
        Axis::range(-1.0..=1.0, points)
    }

    fn place<'g>(&'g self, model: &'g M) -> Result<Placed<'g, M::Scalar>> {
        let (layout, theta) = (model.layout(), model.parameters());
        let (first, second, cosine) = match &self.0 {
            Source::Given(directions) => {
                (Cow::Borrowed(directions.first()), Cow::Borrowed(directions.second()), directions.cosine())
            }
            Source::Random(random) => {
                let directions = random.pair(model)?;
                let cosine = directions.cosine();
                let [first, second] = directions.into_both();
                (Cow::Owned(first), Cow::Owned(second), cosine)
            }
        };
        layout.ensure_same(first.layout())?;
        let records = vec![DirectionRecord::of(&first), DirectionRecord::of(&second)];
        Ok(Placed {
            origin: Origin::of("plane", layout, theta, records, Some(cosine))?,
            kind: Kind::Plane,
            layout,
            vectors: [Cow::Borrowed(theta), values(first), values(second)],
        })
    }
}

impl<M: Model + ?Sized> Geometry<M> for Segment<'_, M::Scalar> {
    type Dim = Ix1;

    /// 0 and 1, the minimisers themselves, are among the 101 points of a sweep of losses.
    fn default_axis(points: usize) -> Axis {
        Axis::range(-0.5..=1.5, 2 * points - 1)
    }

    fn place<'g>(&'g self, model: &'g M) -> Result<Placed<'g, M::Scalar>> {
        let layout = model.layout();
        layout.ensure_finite("θ_a", self.a)?;
        layout.ensure_finite("θ_b", self.b)?;
        let mut end = self.b.to_vec();
        if self.buffers == Buffers::Still {
            for block in layout.blocks().iter().filter(|block| block.role() == Role::Buffer) {
                end[block.range()].copy_from_slice(&self.a[block.range()]);
            }
        }
        if self.a == end {
            return Err(Error::ZeroDirection { which: "interpolation's".to_owned() });
        }
        let records = vec![DirectionRecord::between(content_hash(&end))];
        Ok(Placed {
            origin: Origin::of("interpolation", layout, self.a, records, None)?,
            kind: Kind::Segment,
            layout,
            vectors: [Cow::Borrowed(self.a), Cow::Owned(end), Cow::Borrowed(&[])],
        })
    }
}

impl<S: Scalar> Placed<'_, S> {
    /// What oracles see of it.
    pub(crate) fn slice(&self) -> Result<Slice<'_, S>> {
        let [origin, first, second] = &self.vectors;
        match self.kind {
            Kind::Line => Slice::line(self.layout, origin, first),
            Kind::Segment => Slice::segment(self.layout, origin, first),
            Kind::Plane => Slice::plane(self.layout, origin, first, second),
        }
    }
}

impl<S: Clone> std::fmt::Debug for Placed<'_, S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Placed").field("origin", &self.origin).finish_non_exhaustive()
    }
}

impl Origin {
    fn of<S: Scalar>(
        kind: &'static str,
        layout: &Layout,
        theta: &[S],
        directions: Vec<DirectionRecord>,
        cosine: Option<f64>,
    ) -> Result<Self> {
        layout.ensure_length("θ", theta.len())?;
        let (layout_hash, theta_hash) = (layout.content_hash(), content_hash(theta));
        Ok(Self { kind, layout_hash, parameters: layout.len(), theta_hash, directions, cosine })
    }
}

fn values<S: Scalar>(direction: Cow<'_, Direction<S>>) -> Cow<'_, [S]> {
    match direction {
        Cow::Borrowed(direction) => Cow::Borrowed(direction.values()),
        Cow::Owned(direction) => Cow::Owned(direction.into_values()),
    }
}
