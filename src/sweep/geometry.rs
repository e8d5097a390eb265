//! Where a sweep goes: along a line, between two minimisers, over a plane.

use std::borrow::Cow;

use ndarray::{Ix1, Ix2};

use crate::{
    Buffers, Direction, Directions, Error, GridDimension, Layout, Model, RandomDirections, Result, Role,
    Scalar, Slice,
    direction::ensure_moves,
    engine::{
        axis::Axis,
        run::{Origin, Slices},
    },
    landscape::DirectionRecord,
    params::content_hash,
    slice::SliceKind,
};

/// The line θ + α·d through a model's parameters. It is made from a [`Direction`], or from [`RandomDirections`], which
/// are drawn when the sweep runs; [`Sweep::line`](crate::Sweep::line) takes both, and so may a function of yours:
///
/// ```
/// use loss_landscape::{Direction, FnModel, Layout, Line, Loss, RandomDirections, Sweep};
///
/// /// The loss at distance 1 from θ, over the loss at θ.
/// fn rise<M: Loss<()> + Sync>(model: &M, line: impl Into<Line<M::Scalar>>) -> loss_landscape::Result<f64> {
///     let curve = Sweep::line(model, line).data("", &()).alpha_at(&[0.0, 1.0]).run()?;
///     Ok(curve.loss()[1] / curve.loss()[0])
/// }
///
/// let layout = Layout::flat(2)?;
/// let model = FnModel::new(layout.clone(), vec![1.0, 0.0], |t: &[f64], _: &()| t[0] * t[0] + t[1] * t[1])?;
/// assert_eq!(rise(&model, Direction::new(&layout, vec![1.0, 0.0])?)?, 4.0);
/// assert!(rise(&model, RandomDirections::new(1))? >= 0.0);
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Line<S>(Source<RandomDirections, Direction<S>>);

/// The plane θ + α·d₁ + β·d₂ through a model's parameters. It is made from [`Directions`], or from
/// [`RandomDirections`], which are drawn when the sweep runs; [`Sweep::plane`](crate::Sweep::plane) takes both.
///
/// ```
/// use loss_landscape::{Directions, FnModel, Layout, Plane, RandomDirections, Sweep};
///
/// let model = FnModel::new(Layout::flat(3)?, vec![1.0; 3], |t: &[f64], _: &()| t.iter().map(|t| t * t).sum::<f64>())?;
/// let (seed, saved): (u64, Option<Directions<f64>>) = (42, None);
/// // The directions of an earlier sweep if there are any, new ones otherwise.
/// let plane: Plane<f64> = saved.map_or_else(|| RandomDirections::new(seed).into(), Plane::from);
/// let surface = Sweep::plane(&model, plane).data("", &()).run()?;
/// assert_eq!(surface.loss()[[25, 25]], 3.0);
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Plane<S>(Source<RandomDirections, Directions<S>>);

/// The segment (1−α)·θ_a + α·θ_b between two parameter vectors. [`Sweep::segment`](crate::Sweep::segment) makes it; its
/// name is needed where a type says what a sweep goes over:
///
/// ```
/// use loss_landscape::{FnModel, Layout, Loss, Model, Segment, Sweep};
///
/// struct Barrier<'a, M: Model> {
///     sweep: Sweep<'a, M, (), Segment<'a, M::Scalar>>,
/// }
///
/// impl<M: Loss<()> + Sync> Barrier<'_, M> {
///     /// The highest loss between two minimisers.
///     fn height(self) -> loss_landscape::Result<f64> {
///         let curve = self.sweep.data("", &()).alpha(0.0..=1.0, 101).run()?;
///         Ok(curve.loss().iter().copied().fold(f64::NEG_INFINITY, f64::max))
///     }
/// }
///
/// let model = FnModel::new(Layout::flat(1)?, vec![1.0], |t: &[f64], _: &()| (t[0] * t[0] - 1.0).powi(2))?;
/// let barrier = Barrier { sweep: Sweep::segment(&model, &[-1.0], &[1.0]) };
/// assert_eq!(barrier.height()?, 1.0);
/// # Ok::<(), loss_landscape::Error>(())
/// ```
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

/// Where a sweep around a model may go: [`Line`], [`Segment`], [`Plane`] or
/// [`Along`](crate::path::Along) a curve. The trait is sealed. A function that takes
/// sweeps over all of them is generic over it, and so is its result:
///
/// ```
/// use loss_landscape::{Execution, FnModel, Geometry, Landscape, Layout, Loss, RandomDirections, Sweep};
///
/// fn timed<M, D, W, X>(sweep: Sweep<'_, M, D, W, X>) -> loss_landscape::Result<(Landscape<W::Dim>, f64)>
/// where
///     M: Loss<D>,
///     W: Geometry<M>,
///     X: Execution<M, D>,
/// {
///     let landscape = sweep.run()?;
///     let seconds = landscape.report().elapsed.as_secs_f64();
///     Ok((landscape, seconds))
/// }
///
/// let model = FnModel::new(Layout::flat(2)?, vec![1.0; 2], |t: &[f64], _: &()| t[0] * t[1])?;
/// let (curve, _) = timed(Sweep::line(&model, RandomDirections::new(1)).data("", &()))?;
/// let (surface, _) = timed(Sweep::plane(&model, RandomDirections::new(1)).data("", &()))?;
/// assert_eq!((curve.shape(), surface.shape()), ([51], [51, 51]));
/// # Ok::<(), loss_landscape::Error>(())
/// ```
pub trait Geometry<M: Model + ?Sized>: sealed::Sealed {
    /// The dimension of the result: `Ix1` for lines, segments and curves, `Ix2` for planes.
    type Dim: GridDimension;

    /// The default axis of α (and β), for a default of `points` points along an axis of a line or plane.
    #[doc(hidden)]
    fn default_axis(points: usize) -> Axis;

    /// The vectors that span it, and their sources.
    #[doc(hidden)]
    fn place<'g>(&'g self, layout: &'g Layout, theta: &'g [M::Scalar]) -> Result<Placed<'g, M::Scalar>>;
}

/// A geometry around one model: the vectors that span it.
pub struct Placed<'g, S: Clone> {
    pub(crate) origin: Origin,
    pub(crate) kind: SliceKind,
    pub(crate) layout: &'g Layout,
    pub(crate) vectors: Vec<Cow<'g, [S]>>,
}

/// A geometry that may be drawn several times from a seed: [`Line`] or [`Plane`]. The trait is sealed; a function that
/// [draws](crate::Sweep::draws) is generic over it:
///
/// ```
/// use loss_landscape::{Draws, FnModel, Layout, Loss, RandomDirections, RandomGeometry, Sweep};
///
/// fn ten<M, W>(sweep: Sweep<'_, M, (), W>) -> loss_landscape::Result<Draws<W::Dim>>
/// where
///     M: Loss<()> + Sync,
///     W: RandomGeometry<M>,
/// {
///     sweep.data("", &()).draws(10)
/// }
///
/// let model = FnModel::new(Layout::flat(3)?, vec![1.0; 3], |t: &[f64], _: &()| t.iter().map(|t| t * t).sum::<f64>())?;
/// assert_eq!(ten(Sweep::line(&model, RandomDirections::new(1)))?.len(), 10);
/// # Ok::<(), loss_landscape::Error>(())
/// ```
pub trait RandomGeometry<M: Model + ?Sized>: Geometry<M> + Sync {
    /// Draw number k of the same seed, from streams of its own; the first is the geometry itself.
    #[doc(hidden)]
    fn draw(&self, k: usize) -> Result<Self>
    where
        Self: Sized;
}

impl<M: Model + ?Sized> RandomGeometry<M> for Line<M::Scalar> {
    fn draw(&self, k: usize) -> Result<Self> {
        match &self.0 {
            Source::Random(random) => Ok(random.clone().later(k as u64).into()),
            Source::Given(_) => Err(Error::FixedDirections),
        }
    }
}

impl<M: Model + ?Sized> RandomGeometry<M> for Plane<M::Scalar> {
    fn draw(&self, k: usize) -> Result<Self> {
        match &self.0 {
            Source::Random(random) => Ok(random.clone().later(2 * k as u64).into()),
            Source::Given(_) => Err(Error::FixedDirections),
        }
    }
}

pub(crate) mod sealed {
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

    fn place<'g>(&'g self, layout: &'g Layout, theta: &'g [M::Scalar]) -> Result<Placed<'g, M::Scalar>> {
        self.spanned(layout, theta)
    }
}

impl<S: Scalar> Line<S> {
    /// The vectors of the line through θ. Not generic over models, so that it is compiled once a scalar.
    fn spanned<'g>(&'g self, layout: &'g Layout, theta: &'g [S]) -> Result<Placed<'g, S>> {
        let direction = match &self.0 {
            Source::Given(direction) => Cow::Borrowed(direction),
            Source::Random(random) => Cow::Owned(random.one_for(layout, theta)?),
        };
        layout.ensure_same(direction.layout())?;
        ensure_moves("only", &direction)?;
        let records = vec![DirectionRecord::of(&direction)];
        Ok(Placed {
            origin: Origin::of("line", layout, theta, records, None)?,
            kind: SliceKind::Line,
            layout,
            vectors: vec![Cow::Borrowed(theta), values(direction)],
        })
    }
}

impl<M: Model + ?Sized> Geometry<M> for Plane<M::Scalar> {
    type Dim = Ix2;

    fn default_axis(points: usize) -> Axis {
        Axis::range(-1.0..=1.0, points)
    }

    fn place<'g>(&'g self, layout: &'g Layout, theta: &'g [M::Scalar]) -> Result<Placed<'g, M::Scalar>> {
        self.spanned(layout, theta)
    }
}

impl<S: Scalar> Plane<S> {
    /// The vectors of the plane through θ. Not generic over models, so that it is compiled once a scalar.
    fn spanned<'g>(&'g self, layout: &'g Layout, theta: &'g [S]) -> Result<Placed<'g, S>> {
        let (first, second, cosine) = match &self.0 {
            Source::Given(directions) => {
                (Cow::Borrowed(directions.first()), Cow::Borrowed(directions.second()), directions.cosine())
            }
            Source::Random(random) => {
                let directions = random.pair_for(layout, theta)?;
                let cosine = directions.cosine();
                let [first, second] = directions.into_both();
                (Cow::Owned(first), Cow::Owned(second), cosine)
            }
        };
        layout.ensure_same(first.layout())?;
        let records = vec![DirectionRecord::of(&first), DirectionRecord::of(&second)];
        Ok(Placed {
            origin: Origin::of("plane", layout, theta, records, Some(cosine))?,
            kind: SliceKind::Plane,
            layout,
            vectors: vec![Cow::Borrowed(theta), values(first), values(second)],
        })
    }
}

impl<M: Model + ?Sized> Geometry<M> for Segment<'_, M::Scalar> {
    type Dim = Ix1;

    /// 0 and 1, the minimisers themselves, are among the 101 points of a sweep of losses.
    fn default_axis(points: usize) -> Axis {
        Axis::range(-0.5..=1.5, 2 * points - 1)
    }

    fn place<'g>(&'g self, layout: &'g Layout, _: &'g [M::Scalar]) -> Result<Placed<'g, M::Scalar>> {
        self.spanned(layout)
    }
}

impl<S: Scalar> Segment<'_, S> {
    fn spanned<'g>(&'g self, layout: &'g Layout) -> Result<Placed<'g, S>> {
        layout.ensure_finite("θ_a", self.a)?;
        layout.ensure_finite("θ_b", self.b)?;
        let mut end = self.b.to_vec();
        if self.buffers == Buffers::Still {
            for block in layout.blocks().iter().filter(|block| block.role() == Role::Buffer) {
                end[block.range()].copy_from_slice(&self.a[block.range()]);
            }
        }
        let records = vec![DirectionRecord::between(content_hash(&end))];
        Ok(Placed {
            origin: Origin::of("interpolation", layout, self.a, records, None)?,
            kind: SliceKind::Segment,
            layout,
            vectors: vec![Cow::Borrowed(self.a), Cow::Owned(end)],
        })
    }
}

impl<S: Scalar> Placed<'_, S> {
    /// The bytes of the vectors that belong to it, such as directions that were drawn for it.
    pub(super) fn bytes(&self) -> usize {
        let owned = self.vectors.iter().filter(|vector| matches!(vector, Cow::Owned(_)));
        owned.map(|vector| size_of_val(vector.as_ref())).sum()
    }

    /// The same as a slice, which is what oracles see.
    pub(crate) fn slice(&self) -> Result<Slice<'_, S>> {
        let vector = |i: usize| &*self.vectors[i];
        match self.kind {
            SliceKind::Line => Slice::line(self.layout, vector(0), vector(1)),
            SliceKind::Segment => Slice::segment(self.layout, vector(0), vector(1)),
            SliceKind::Plane => Slice::plane(self.layout, vector(0), vector(1), vector(2)),
            SliceKind::Curve(shape) => {
                let points: Vec<&[S]> = self.vectors.iter().map(AsRef::as_ref).collect();
                Slice::curve(self.layout, shape, &points)
            }
        }
    }
}

/// A sweep of one draw.
impl<S: Scalar> Slices<S> for Placed<'_, S> {
    fn with(&self, _: usize, work: &mut dyn FnMut(&Slice<'_, S>) -> Result<()>) -> Result<()> {
        work(&self.slice()?)
    }
}

impl<S: Clone> std::fmt::Debug for Placed<'_, S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Placed").field("origin", &self.origin).finish_non_exhaustive()
    }
}

impl Origin {
    pub(crate) fn of<S: Scalar>(
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
