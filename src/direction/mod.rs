//! Directions in parameter space: one vector, with its layout and its source.

mod normalize;
mod pair;
mod projection;
mod random;
mod through;

pub use normalize::{Conformance, Norm, Normalization, Policy};
pub use pair::Directions;
pub use projection::Projection;
pub use random::RandomDirections;

pub(crate) use pair::ensure_moves;
pub(crate) use random::orthogonalize;

use std::fmt;

use crate::{Error, Layout, Mask, PathShape, Result, Scalar, params::norm, wire::fields};

/// Where a direction came from, as results record it.
///
/// `Display` is for people. Journals and safetensors files hold it as one of the lines `random seed=42 stream=1`,
/// `between`, `eigenvector eigenvalue=-0.5`, `gradient norm=0.5`, `random_across seed=42 stream=1`,
/// `eigenvector_across eigenvalue=-0.5`, `principal component=1 snapshots=300 centred=false`,
/// `through axis=1 points=`, three hashes with commas between them, `curve shape=bezier point=1 points=3` and `given`;
/// serialised (feature `serde`) it is
/// `{"random": {"seed": 42, "stream": 1}}`, `"between"` and so on.
///
/// ```
/// use loss_landscape::DirectionSource;
///
/// let source = DirectionSource::Eigenvector { eigenvalue: -0.5 };
/// assert_eq!(source.to_string(), "eigenvector of eigenvalue -0.5");
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum DirectionSource {
    /// Drawn from N(0, 1) by [`RandomDirections`].
    Random {
        /// The seed of the generator.
        seed: u64,
        /// The stream of the generator.
        stream: u64,
    },
    /// The difference of two parameter vectors.
    Between,
    /// An eigenvector of a Hessian.
    Eigenvector {
        /// Its eigenvalue.
        #[cfg_attr(feature = "serde", serde(with = "crate::wire::forms"))]
        eigenvalue: f64,
    },
    /// The gradient of a loss, divided by its norm.
    Gradient {
        /// The norm: the slope along the direction.
        #[cfg_attr(feature = "serde", serde(with = "crate::wire::forms"))]
        norm: f64,
    },
    /// Drawn from N(0, 1), made orthogonal to the gradient, of length 1.
    RandomAcross {
        /// The seed of the generator.
        seed: u64,
        /// The stream of the generator.
        stream: u64,
    },
    /// An eigenvector of a Hessian, made orthogonal to the gradient, of length 1.
    EigenvectorAcross {
        /// The eigenvalue of the eigenvector.
        #[cfg_attr(feature = "serde", serde(with = "crate::wire::forms"))]
        eigenvalue: f64,
    },
    /// A principal component of the snapshots of a training.
    Principal {
        /// Its number, counted from 1, by falling share of the variance.
        component: usize,
        /// The number of snapshots.
        snapshots: usize,
        /// Whether the variance is about the mean of the snapshots, and not about the last of them.
        centred: bool,
    },
    /// One of the orthonormal axes of the plane through three parameter vectors.
    Through {
        /// 1 from the first vector to the second, 2 at a right angle to that towards the third.
        axis: usize,
        /// The [`content_hash`](crate::content_hash) of each vector.
        #[cfg_attr(feature = "serde", serde(with = "crate::wire::forms"))]
        points: [u64; 3],
    },
    /// A point of a curve: a bend, or its end. Not a difference; its hash is that of the point itself.
    CurvePoint {
        /// How the curve runs along its points.
        shape: PathShape,
        /// The number of the point, from 1: the start of the curve is θ itself.
        point: usize,
        /// The number of points, start and end included.
        points: usize,
    },
    /// Given by the caller.
    Given,
}

/// Whether buffers, such as the running means of a batch normalisation, take part in a difference of two parameter
/// vectors.
///
/// ```
/// use loss_landscape::{Block, Buffers, FnModel, Layout, Role, Sweep};
///
/// let layout = Layout::new([Block::weight("w", [1, 1], 0), Block::new("mean", [1], Role::Buffer, None)])?;
/// let (a, b) = ([0.0, 0.0], [1.0, 1.0]);
/// let model = FnModel::new(layout, a.to_vec(), |theta: &[f64], _: &()| theta[0] + 10.0 * theta[1])?;
/// let at_b = |buffers| {
///     let curve = Sweep::segment(&model, &a, &b).data("", &()).buffers(buffers).alpha_at(&[1.0]).run()?;
///     Ok::<f64, loss_landscape::Error>(curve.loss()[0])
/// };
/// assert_eq!(at_b(Buffers::Still)?, 1.0); // the weights of b with the mean of a
/// assert_eq!(at_b(Buffers::Move)?, 11.0); // b itself
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Buffers {
    /// Buffers keep their values in the first vector, θ_a.
    #[default]
    Still,
    /// Buffers are interpolated like the parameters.
    Move,
}

/// A direction: one value for each parameter of a layout.
///
/// ```
/// use loss_landscape::{Block, Buffers, Direction, Layout, Normalization};
///
/// let layout = Layout::new([Block::weight("w", [2, 2], 0), Block::bias("b", [2])])?;
/// let theta = [3.0, 4.0, 0.0, 1.0, 9.0, 9.0];
/// // Given by the caller, and normalised by the paper's rule: each filter gets the norm of θ's.
/// let direction = Direction::new(&layout, vec![1.0, 0.0, 2.0, 0.0, 1.0, 1.0])?
///     .normalized(&theta, &Normalization::default())?;
/// assert_eq!(direction.values(), [5.0, 0.0, 1.0, 0.0, 0.0, 0.0]);
/// // From one parameter vector to another, never normalised.
/// let there = Direction::between(&layout, &theta, &[0.0; 6], Buffers::Still)?;
/// assert_eq!(there.values()[0], -3.0);
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Direction<S> {
    layout: Layout,
    values: Vec<S>,
    source: DirectionSource,
    normalization: Option<Normalization>,
}

/// The norms of a direction and of θ in one block, and its filters that do not move. All norms are Euclidean, in f64.
///
/// ```
/// use loss_landscape::{Block, Direction, Layout, Normalization};
///
/// let layout = Layout::new([Block::weight("w", [2, 2], 0), Block::bias("b", [2])])?;
/// let theta = [3.0, 4.0, 0.0, 0.0, 9.0, 9.0]; // the second filter is pruned
/// let direction = Direction::new(&layout, vec![1.0, 0.0, 2.0, 0.0, 1.0, 1.0])?
///     .normalized(&theta, &Normalization::default())?;
/// let report = direction.report(&theta)?;
/// assert_eq!((report[0].theta_norm, report[0].direction_norm), (5.0, 5.0));
/// for block in &report {
///     println!("{}: {} of {} filters stand still", block.block, block.zero_directions, block.filters);
/// }
/// assert_eq!((report[0].zero_parameters, report[0].zero_directions), (1, 1));
/// assert_eq!(report[1].direction_norm, 0.0); // biases stand still by default
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct BlockReport {
    /// The name of the block.
    pub block: String,
    /// ‖θ‖ over the block.
    pub theta_norm: f64,
    /// ‖d‖ over the block.
    pub direction_norm: f64,
    /// The number of filters in the block.
    pub filters: usize,
    /// The number of filters with ‖d_f‖ = 0, which do not move.
    pub zero_directions: usize,
    /// The number of filters with ‖θ_f‖ = 0, which a norm relative to θ keeps from moving.
    pub zero_parameters: usize,
}

impl<S: Scalar> Direction<S> {
    /// A direction given by the caller.
    ///
    /// # Errors
    /// [`Error::Length`](crate::Error::Length) or [`Error::NonFinite`](crate::Error::NonFinite).
    pub fn new(layout: &Layout, values: Vec<S>) -> Result<Self> {
        layout.ensure_finite("the direction", &values)?;
        Ok(Self { layout: layout.clone(), values, source: DirectionSource::Given, normalization: None })
    }

    /// An eigenvector of a Hessian, finite since it was computed.
    pub(crate) fn eigenvector(layout: &Layout, values: Vec<S>, eigenvalue: f64) -> Self {
        let source = DirectionSource::Eigenvector { eigenvalue };
        Self { layout: layout.clone(), values, source, normalization: None }
    }

    /// A direction from a file, whose values have been checked.
    #[cfg(feature = "safetensors")]
    pub(crate) fn read(
        layout: &Layout,
        values: Vec<S>,
        source: DirectionSource,
        normalization: Option<Normalization>,
    ) -> Self {
        Self { layout: layout.clone(), values, source, normalization }
    }

    /// The direction θ_b − θ_a, so that θ_a + 1·d is θ_b up to rounding. It is meant for planes through several
    /// minimisers; between two of them, [`interpolate`](crate::interpolate) is exact at both ends.
    ///
    /// # Errors
    /// [`Error::Length`](crate::Error::Length) or [`Error::NonFinite`](crate::Error::NonFinite).
    pub fn between(layout: &Layout, a: &[S], b: &[S], buffers: Buffers) -> Result<Self> {
        layout.ensure_finite("θ_a", a)?;
        layout.ensure_finite("θ_b", b)?;
        let mut values: Vec<S> = a.iter().zip(b).map(|(&a, &b)| b - a).collect();
        if buffers == Buffers::Still {
            Mask::trained(layout).apply(&mut values)?;
        }
        layout.ensure_finite("θ_b − θ_a", &values)?;
        Ok(Self { layout: layout.clone(), values, source: DirectionSource::Between, normalization: None })
    }

    /// The same direction, normalised relative to θ.
    ///
    /// # Errors
    /// [`Error::Length`](crate::Error::Length) or [`Error::NonFinite`](crate::Error::NonFinite) for
    /// a θ that does not fit or is not finite, or if the result is not finite.
    pub fn normalized(mut self, theta: &[S], normalization: &Normalization) -> Result<Self> {
        normalization.apply(&self.layout, theta, &mut self.values)?;
        self.normalization = Some(*normalization);
        Ok(self)
    }

    /// The same direction, with zeros outside the chosen blocks.
    ///
    /// ```
    /// use loss_landscape::{Block, Direction, Layout, Mask};
    ///
    /// let layout = Layout::new([Block::weight("conv.w", [2, 1], 0), Block::weight("fc.w", [1, 2], 0)])?;
    /// let last = Mask::name(&layout, "fc.*")?;
    /// let direction = Direction::new(&layout, vec![1.0; 4])?.masked(&last)?;
    /// assert_eq!(direction.values(), [0.0, 0.0, 1.0, 1.0]);
    /// # Ok::<(), loss_landscape::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::LayoutMismatch`](crate::Error::LayoutMismatch) for a mask of another layout,
    /// [`Error::EmptyMask`](crate::Error::EmptyMask) for one that chooses nothing.
    pub fn masked(mut self, mask: &Mask) -> Result<Self> {
        self.layout.ensure_same(mask.layout())?;
        if mask.selected() == 0 {
            return Err(Error::EmptyMask);
        }
        mask.apply(&mut self.values)?;
        Ok(self)
    }

    /// One value for each parameter.
    pub fn values(&self) -> &[S] {
        &self.values
    }

    /// One value for each parameter, without a copy.
    pub fn into_values(self) -> Vec<S> {
        self.values
    }

    /// The layout of the values.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Where the direction came from.
    pub fn source(&self) -> &DirectionSource {
        &self.source
    }

    /// How it was normalised; None if it was not.
    pub fn normalization(&self) -> Option<&Normalization> {
        self.normalization.as_ref()
    }

    /// The Euclidean norm ‖d‖.
    pub fn norm(&self) -> f64 {
        norm(&self.values)
    }

    /// The cosine of the angle to another direction: 0 if they are orthogonal, NaN if one of them is zero.
    ///
    /// ```
    /// use loss_landscape::{FnModel, Layout, RandomDirections};
    ///
    /// let model = FnModel::new(Layout::flat(10_000)?, vec![1.0; 10_000], |t: &[f64], _: &()| t[0])?;
    /// let draw = |stream| RandomDirections::new(42).stream(stream).one(&model);
    /// // Independent directions in n dimensions are nearly orthogonal: |cos| is about √(2/πn).
    /// assert!(draw(0)?.cosine(&draw(7)?)?.abs() < 0.05);
    /// # Ok::<(), loss_landscape::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::LayoutMismatch`](crate::Error::LayoutMismatch).
    pub fn cosine(&self, other: &Self) -> Result<f64> {
        self.layout.ensure_same(&other.layout)?;
        let (a, b) = (self.norm(), other.norm());
        // Each value is divided, since products of the norms may overflow or underflow.
        Ok(self.values.iter().zip(&other.values).map(|(x, y)| (x.as_f64() / a) * (y.as_f64() / b)).sum())
    }

    /// The norms of the direction and of θ, block by block, and the filters that do not move. [`BlockReport`] has an
    /// example.
    ///
    /// # Errors
    /// [`Error::Length`](crate::Error::Length).
    pub fn report(&self, theta: &[S]) -> Result<Vec<BlockReport>> {
        let blocks = self.layout.blocks().iter();
        blocks
            .map(|block| {
                let zeros = |vector: &[S]| -> Result<usize> {
                    let mut count = 0;
                    for index in 0..block.filters() {
                        count += usize::from(block.filter(vector, index)?.iter().all(S::is_zero));
                    }
                    Ok(count)
                };
                Ok(BlockReport {
                    block: block.name().to_owned(),
                    theta_norm: norm(block.slice(theta)?),
                    direction_norm: norm(block.slice(&self.values)?),
                    filters: block.filters(),
                    zero_directions: zeros(&self.values)?,
                    zero_parameters: zeros(theta)?,
                })
            })
            .collect()
    }

    pub(crate) fn from_parts(layout: &Layout, values: Vec<S>, source: DirectionSource) -> Self {
        Self { layout: layout.clone(), values, source, normalization: None }
    }

    pub(crate) fn values_mut(&mut self) -> &mut [S] {
        &mut self.values
    }
}

impl fmt::Display for DirectionSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Random { seed, stream } => write!(f, "random, seed {seed}, stream {stream}"),
            Self::Between => f.write_str("between two parameter vectors"),
            Self::Eigenvector { eigenvalue } => write!(f, "eigenvector of eigenvalue {eigenvalue}"),
            Self::Gradient { norm } => write!(f, "gradient of norm {norm}"),
            Self::RandomAcross { seed, stream } => {
                write!(f, "random, seed {seed}, stream {stream}, made orthogonal to the gradient")
            }
            Self::EigenvectorAcross { eigenvalue } => {
                write!(f, "eigenvector of eigenvalue {eigenvalue}, made orthogonal to the gradient")
            }
            Self::Principal { component, snapshots, centred } => {
                let about = if *centred { "their mean" } else { "the last" };
                write!(f, "principal component {component} of {snapshots} snapshots about {about}")
            }
            Self::Through { axis, points: [a, b, c] } => {
                write!(f, "axis {axis} of the plane through θ {a:016x}, {b:016x} and {c:016x}")
            }
            Self::CurvePoint { shape, point, points } => {
                let what = if point + 1 == *points { "end".to_owned() } else { format!("bend {point}") };
                write!(f, "{what} of a {shape} curve of {points} points")
            }
            Self::Given => f.write_str("given by the caller"),
        }
    }
}

impl DirectionSource {
    /// The machine form: see the type.
    pub(crate) fn to_line(&self) -> String {
        match self {
            Self::Random { seed, stream } => format!("random seed={seed} stream={stream}"),
            Self::Between => "between".to_owned(),
            Self::Eigenvector { eigenvalue } => format!("eigenvector eigenvalue={eigenvalue:?}"),
            Self::Gradient { norm } => format!("gradient norm={norm:?}"),
            Self::RandomAcross { seed, stream } => format!("random_across seed={seed} stream={stream}"),
            Self::EigenvectorAcross { eigenvalue } => {
                format!("eigenvector_across eigenvalue={eigenvalue:?}")
            }
            Self::Principal { component, snapshots, centred } => {
                format!("principal component={component} snapshots={snapshots} centred={centred}")
            }
            Self::Through { axis, points: [a, b, c] } => {
                format!("through axis={axis} points={a:016x},{b:016x},{c:016x}")
            }
            Self::CurvePoint { shape, point, points } => {
                format!("curve shape={shape} point={point} points={points}")
            }
            Self::Given => "given".to_owned(),
        }
    }

    /// Reads what [`to_line`](Self::to_line) writes; all NaN are read back as one.
    pub(crate) fn from_line(line: &str) -> Option<Self> {
        let (kind, rest) = line.split_once(' ').unwrap_or((line, ""));
        match kind {
            "random" => {
                let [seed, stream] = fields(rest, ["seed", "stream"])?;
                Some(Self::Random { seed: seed.parse().ok()?, stream: stream.parse().ok()? })
            }
            "eigenvector" => {
                let [eigenvalue] = fields(rest, ["eigenvalue"])?;
                Some(Self::Eigenvector { eigenvalue: eigenvalue.parse().ok()? })
            }
            "gradient" => {
                let [norm] = fields(rest, ["norm"])?;
                Some(Self::Gradient { norm: norm.parse().ok()? })
            }
            "random_across" => {
                let [seed, stream] = fields(rest, ["seed", "stream"])?;
                Some(Self::RandomAcross { seed: seed.parse().ok()?, stream: stream.parse().ok()? })
            }
            "eigenvector_across" => {
                let [eigenvalue] = fields(rest, ["eigenvalue"])?;
                Some(Self::EigenvectorAcross { eigenvalue: eigenvalue.parse().ok()? })
            }
            "principal" => {
                let [component, snapshots, centred] = fields(rest, ["component", "snapshots", "centred"])?;
                Some(Self::Principal {
                    component: component.parse().ok()?,
                    snapshots: snapshots.parse().ok()?,
                    centred: centred.parse().ok()?,
                })
            }
            "through" => {
                let [axis, points] = fields(rest, ["axis", "points"])?;
                let points: Option<Vec<u64>> = points
                    .split(',')
                    .map(|hash| u64::from_str_radix(hash, 16).ok().filter(|_| hash.len() == 16))
                    .collect();
                Some(Self::Through { axis: axis.parse().ok()?, points: points?.try_into().ok()? })
            }
            "curve" => {
                let [shape, point, points] = fields(rest, ["shape", "point", "points"])?;
                let shape = PathShape::named(shape)?;
                Some(Self::CurvePoint { shape, point: point.parse().ok()?, points: points.parse().ok()? })
            }
            _ => [Self::Between, Self::Given].into_iter().find(|source| source.to_line() == line),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Block, Role};

    #[test]
    fn buffers_move_only_on_request() {
        let layout =
            Layout::new([Block::weight("w", [1, 2], 0), Block::new("mean", [1], Role::Buffer, None)])
                .unwrap();
        let (a, b) = ([1.0_f64, 2.0, 3.0], [2.0, 4.0, 7.0]);
        let still = Direction::between(&layout, &a, &b, Buffers::Still).unwrap();
        assert_eq!(still.values(), [1.0, 2.0, 0.0]);
        let moving = Direction::between(&layout, &a, &b, Buffers::Move).unwrap();
        assert_eq!(moving.values(), [1.0, 2.0, 4.0]);
    }

    #[test]
    fn zero_filters_are_counted() {
        let layout = Layout::new([Block::weight("w", [3, 2], 0)]).unwrap();
        let theta = [1.0_f64, 1.0, 0.0, 0.0, 2.0, 2.0];
        let d = Direction::new(&layout, vec![0.0, 0.0, 1.0, 1.0, 1.0, 0.0]).unwrap();
        let d = d.normalized(&theta, &Normalization::default()).unwrap();
        let report = &d.report(&theta).unwrap()[0];
        assert_eq!((report.filters, report.zero_directions, report.zero_parameters), (3, 2, 1));
        assert!((report.direction_norm - 8.0_f64.sqrt()).abs() < 1e-15);
    }

    #[test]
    fn cosines_neither_overflow_nor_vanish() {
        let layout = Layout::flat(2).unwrap();
        for scale in [1e200, 1.0, 1e-200] {
            let a = Direction::new(&layout, vec![scale, 0.0]).unwrap();
            let b = Direction::new(&layout, vec![scale, scale]).unwrap();
            approx::assert_relative_eq!(a.cosine(&b).unwrap(), 0.5_f64.sqrt(), max_relative = 1e-15);
        }
    }

    #[test]
    fn overflowing_differences_are_named() {
        let layout = Layout::flat(1).unwrap();
        let far = Direction::between(&layout, &[f64::MAX], &[-f64::MAX], Buffers::Still);
        assert!(matches!(far, Err(Error::NonFinite { .. })));
    }

    #[test]
    fn the_lines_of_sources_are_these() {
        for (source, line) in [
            (
                DirectionSource::Random { seed: u64::MAX, stream: 1 },
                "random seed=18446744073709551615 stream=1",
            ),
            (DirectionSource::Between, "between"),
            (DirectionSource::Eigenvector { eigenvalue: -0.0 }, "eigenvector eigenvalue=-0.0"),
            (DirectionSource::Eigenvector { eigenvalue: 1e-300 }, "eigenvector eigenvalue=1e-300"),
            (DirectionSource::Eigenvector { eigenvalue: f64::NEG_INFINITY }, "eigenvector eigenvalue=-inf"),
            (
                DirectionSource::Principal { component: 2, snapshots: 300, centred: false },
                "principal component=2 snapshots=300 centred=false",
            ),
            (
                DirectionSource::Through { axis: 1, points: [0, u64::MAX, 10] },
                "through axis=1 points=0000000000000000,ffffffffffffffff,000000000000000a",
            ),
            (DirectionSource::Gradient { norm: 0.5 }, "gradient norm=0.5"),
            (DirectionSource::RandomAcross { seed: 42, stream: 1 }, "random_across seed=42 stream=1"),
            (DirectionSource::EigenvectorAcross { eigenvalue: -0.5 }, "eigenvector_across eigenvalue=-0.5"),
            (
                DirectionSource::CurvePoint { shape: PathShape::Bezier, point: 1, points: 3 },
                "curve shape=bezier point=1 points=3",
            ),
            (
                DirectionSource::CurvePoint { shape: PathShape::Chain, point: 4, points: 5 },
                "curve shape=chain point=4 points=5",
            ),
            (DirectionSource::Given, "given"),
        ] {
            assert_eq!(source.to_line(), line);
            assert_eq!(DirectionSource::from_line(line), Some(source));
        }
        for line in [
            "",
            "random",
            "random seed=1",
            "random seed=1 stream=x",
            "gradient",
            "gradient eigenvalue=1",
            "random_across seed=1",
            "eigenvector_across norm=1",
            "between ",
            "given by the caller",
            "principal component=1 snapshots=3 centred=maybe",
            "through axis=1 points=0000000000000000,ffffffffffffffff",
            "through axis=1 points=0,1,2",
            "curve shape=circle point=1 points=3",
            "curve shape=bezier point=1",
        ] {
            assert_eq!(DirectionSource::from_line(line), None, "{line:?}");
        }
    }

    proptest! {
        #[test]
        fn sources_are_read_as_they_are_written(seed: u64, stream: u64, bits: u64) {
            let eigenvalue = f64::from_bits(bits);
            for source in [
                DirectionSource::Random { seed, stream },
                DirectionSource::Eigenvector { eigenvalue },
                DirectionSource::Gradient { norm: eigenvalue },
                DirectionSource::RandomAcross { seed, stream },
                DirectionSource::EigenvectorAcross { eigenvalue },
                DirectionSource::Principal { component: 1, snapshots: seed as usize, centred: seed % 2 == 0 },
                DirectionSource::Through { axis: 2, points: [seed, stream, bits] },
            ] {
                let read = DirectionSource::from_line(&source.to_line()).unwrap();
                // NaN is no equal of itself.
                prop_assert!(read == source || eigenvalue.is_nan() && read.to_line() == source.to_line());
            }
        }

        #[test]
        fn prose_and_junk_are_no_sources(text in ".{0,60}", seed in "[0-9+-]{0,30}", stream: u64) {
            prop_assert_eq!(DirectionSource::from_line(&text), None);
            let prose = DirectionSource::Random { seed: stream, stream }.to_string();
            prop_assert_eq!(DirectionSource::from_line(&prose), None);
            let _ = DirectionSource::from_line(&format!("random seed={seed} stream={seed}"));
            let _ = DirectionSource::from_line(&format!("eigenvector eigenvalue={seed}"));
        }
    }
}
