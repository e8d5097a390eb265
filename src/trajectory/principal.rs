//! The plane in which a path moves most.

use rayon::prelude::*;

use super::{
    Snapshots, TrajectoryReport,
    gram::{Blocks, LANES},
    walk::{centre, random_walk_shares, shares, spectrum, walk_of_steps},
};
use crate::{Direction, DirectionSource, Directions, Error, Layout, Mask, Result, Role, Scalar, memory};

/// Bytes of differences between snapshots that are held at once by default.
const MEMORY: u64 = 32 << 20;
/// Columns of a component that one thread adds up at a time.
const COLUMNS: usize = 1024;

/// Finds the principal components of the snapshots of a training, and the plane of the leading two.
///
/// By default as in section 7 of the paper: components of the differences from the last snapshot, θ_t − θ_T, not
/// centred; over all blocks but buffers. [`centred`](Self::centred) takes those about the mean, as most tools do.
///
/// From the T×T Gram matrix of the differences, whose eigenvectors say how each component is made of snapshots: so
/// memory grows with T² and not with T times the number of parameters. Snapshots are read twice, block by block of
/// parameters, and never held together. Accuracy: see
/// [`TrajectoryReport::eigenvalues`]. Time: about T²·n/2 multiplications for n parameters, T³ for the eigenvectors.
/// Results have the same bits for any number of threads; it runs in rayon's current pool.
///
/// ```
/// use loss_landscape::{FnModel, Layout, Sweep, trajectory::PrincipalPlane};
///
/// // Gradient descent on a valley that is narrow in one direction and long in another.
/// let loss = |t: &[f64], _: &()| 0.5 * (30.0 * t[0] * t[0] + t[1] * t[1] + 0.1 * t[2] * t[2]);
/// let mut theta = [1.0, 1.0, 1.0];
/// let mut path = vec![theta];
/// for _ in 0..40 {
///     for (t, curvature) in theta.iter_mut().zip([30.0, 1.0, 0.1]) {
///         *t -= 0.06 * curvature * *t;
///     }
///     path.push(theta);
/// }
///
/// let model = FnModel::new(Layout::flat(3)?, theta.to_vec(), loss)?; // around the end of the training
/// let trajectory = PrincipalPlane::new().run(&Layout::flat(3)?, &path)?;
/// let report = trajectory.report();
/// println!("{report}"); // 41 snapshots of 3 parameters: two components … A random walk has 90.1 % there, …
/// let [alpha, beta] = report.ranges(0.1);
/// let (on_path, directions) = (trajectory.losses(&model, &path, &())?, trajectory.into_directions());
/// let surface = Sweep::plane(&model, directions).data("", &()).alpha(alpha, 25).beta(beta, 25).run()?;
/// assert_eq!(surface.shape(), [25, 25]);
/// // The path is not in the plane: its losses are not those that the surface shows below it.
/// assert!(on_path.largest_gap().is_some_and(|(_, gap)| gap > 0.0));
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct PrincipalPlane {
    centred: bool,
    components: usize,
    parameters: Parameters,
    memory: u64,
}

/// Over which blocks.
#[derive(Clone, Debug)]
enum Parameters {
    Trained,
    Weights,
    Chosen(Mask),
}

/// A path with its principal components, and the plane of the first two through its last snapshot.
///
/// ```
/// use loss_landscape::{DirectionSource, Layout, trajectory::PrincipalPlane};
///
/// let path = [[3.0, 0.0, 0.0, 0.0], [1.0, 1.0, 0.5, 0.0], [0.0, 0.0, 0.0, 0.0]];
/// let trajectory = PrincipalPlane::new().run(&Layout::flat(4)?, &path)?;
/// let plane = trajectory.directions();
/// assert!(plane.cosine().abs() < 1e-12 && (plane.first().norm() - 1.0).abs() < 1e-12);
/// let source = DirectionSource::Principal { component: 1, snapshots: 3, centred: false };
/// assert_eq!(*plane.first().source(), source);
///
/// let report = trajectory.report();
/// assert_eq!((report.dimensions, report.distances[0]), (2, 3.0));
/// assert!(report.off_plane.iter().all(|distance| *distance < 1e-12)); // three points are in a plane
/// // Any other θ of the same model can be put into the plane, relative to the last snapshot.
/// let found = plane.project(&path[2], &path[0])?;
/// assert!((found.coordinates[0] - report.coordinates[0][0]).abs() < 1e-12);
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Trajectory<S> {
    plane: Directions<S>,
    others: Vec<Direction<S>>,
    report: TrajectoryReport,
}

impl PrincipalPlane {
    /// The paper's: two components about the last snapshot, over all blocks but buffers.
    pub fn new() -> Self {
        Self { centred: false, components: 2, parameters: Parameters::Trained, memory: MEMORY }
    }

    /// Whether the components are those about the mean of the snapshots. The plane goes through the last snapshot
    /// either way.
    pub fn centred(self, centred: bool) -> Self {
        Self { centred, ..self }
    }

    /// How many components to compute, 2 by default. The plane is that of the first two.
    pub fn components(self, components: usize) -> Self {
        Self { components, ..self }
    }

    /// Over blocks of [`Role::Weight`] alone, as the original repository's option to ignore biases and normalisation
    /// layers.
    pub fn weights_only(self) -> Self {
        Self { parameters: Parameters::Weights, ..self }
    }

    /// Over the blocks of a mask. What it leaves out does not move in the plane, and counts in no distance.
    pub fn mask(self, mask: &Mask) -> Self {
        Self { parameters: Parameters::Chosen(mask.clone()), ..self }
    }

    /// Bytes of differences between snapshots to hold at once, 32 MiB by default; 256 parameters of every snapshot at
    /// least. Beside them there are four T×T matrices of `f64` and the components themselves.
    pub fn memory(self, bytes: u64) -> Self {
        Self { memory: bytes, ..self }
    }

    /// Computes the components and the plane. The order of the snapshots is that of the training: the last is the
    /// origin.
    ///
    /// Each component points to the side on which a snapshot lies farthest along it.
    ///
    /// # Errors
    /// Those of the snapshots that do not fit the layout, such as [`Error::Length`] with the number of the snapshot;
    /// [`Error::NonFinite`]; [`Error::TrajectoryDimensions`] for too few snapshots, equal ones, or ones on a line;
    /// [`Error::TrajectoryOverflow`] for ones too far apart; [`Error::Setting`] for fewer than two components;
    /// [`Error::EmptyMask`] or [`Error::LayoutMismatch`] for a mask; [`Error::OutOfMemory`].
    pub fn run<S, P>(&self, layout: &Layout, snapshots: &P) -> Result<Trajectory<S>>
    where
        S: Scalar,
        P: Snapshots<S> + ?Sized,
    {
        let mask = match &self.parameters {
            Parameters::Trained => Mask::trained(layout),
            Parameters::Weights => Mask::role(layout, Role::Weight),
            Parameters::Chosen(mask) => {
                layout.ensure_same(mask.layout())?;
                mask.clone()
            }
        };
        if mask.selected() == 0 {
            return Err(Error::EmptyMask);
        }
        if self.components < 2 {
            let value = self.components as f64;
            return Err(Error::Setting { setting: "components", needs: "2 or more", value });
        }
        snapshots.ensure_fits(layout)?;
        let t = snapshots.count();
        let flat = |dimensions| {
            let components = self.components;
            Err(Error::TrajectoryDimensions { snapshots: t, dimensions, components })
        };
        if t < 2 {
            return flat(0);
        }

        let mut blocks = Blocks::new(layout, snapshots, t, &mask.ranges(), self.memory)?;
        let mut gram = blocks.gram::<S>()?;
        let distances: Vec<f64> = (0..t).map(|i| gram[i * t + i].sqrt()).collect();
        let steps: Vec<f64> = (1..t)
            .map(|i| (gram[(i - 1) * (t + 1)] + gram[i * (t + 1)] - 2.0 * gram[(i - 1) * t + i]).max(0.0))
            .collect();
        if self.centred {
            centre(&mut gram, t);
        }
        let mut eigenvalues = spectrum(&mut gram, t)?;
        eigenvalues.truncate(t - 1);
        let noise = 16.0 * t as f64 * f64::EPSILON * eigenvalues[0];
        let dimensions = eigenvalues.iter().take_while(|value| **value > noise).count();
        if dimensions < self.components {
            return flat(dimensions);
        }

        // Component k is Σ weights[k][t]·(θ_t − θ_T), and coordinates[k][t] is how far snapshot t is along it.
        let (mut weights, mut coordinates) = (Vec::new(), Vec::new());
        for (k, eigenvalue) in eigenvalues.iter().take(self.components).enumerate() {
            let length = eigenvalue.sqrt();
            let mut column: Vec<f64> = (0..t).map(|i| gram[i * t + k]).collect();
            // About the mean they add up to zero, but for rounding that would be weighed by the distance of the mean.
            let mean = if self.centred { column.iter().sum::<f64>() / t as f64 } else { 0.0 };
            for value in &mut column {
                *value -= mean;
            }
            let along = |value: f64| (value - column[t - 1]) * length;
            let farthest =
                column.iter().map(|v| along(*v)).fold(0.0, |a: f64, b| if b.abs() > a.abs() { b } else { a });
            let sign = 1.0_f64.copysign(farthest);
            coordinates.push(column.iter().map(|v| sign * along(*v)).collect::<Vec<f64>>());
            weights.push(column.iter().map(|v| sign * v / length).collect::<Vec<f64>>());
        }
        let (vectors, off_plane) = combine::<S, P>(&mut blocks, layout, &weights, &coordinates)?;
        let mut directions = vectors.into_iter().enumerate().map(|(k, values)| {
            let source = DirectionSource::Principal { component: k + 1, snapshots: t, centred: self.centred };
            Direction::from_parts(layout, values, source)
        });
        #[expect(clippy::expect_used, reason = "fewer than two components were refused")]
        let [first, second] = [(); 2].map(|()| directions.next().expect("two components"));
        Ok(Trajectory {
            plane: Directions::new(first, second)?,
            others: directions.collect(),
            report: TrajectoryReport {
                snapshots: t,
                parameters: mask.selected(),
                centred: self.centred,
                dimensions,
                shares: shares(&eigenvalues),
                random_walk: random_walk_shares(t, self.centred),
                random_walk_of_steps: walk_of_steps(&steps, self.centred)?,
                eigenvalues,
                coordinates,
                distances,
                off_plane,
            },
        })
    }
}

impl Default for PrincipalPlane {
    fn default() -> Self {
        Self::new()
    }
}

impl<S: Scalar> Trajectory<S> {
    /// The first two components, of length 1: the plane through the last snapshot.
    pub fn directions(&self) -> &Directions<S> {
        &self.plane
    }

    /// The first two components without a copy, as [`Sweep::plane`](crate::Sweep::plane) takes them.
    pub fn into_directions(self) -> Directions<S> {
        self.plane
    }

    /// A component, counted from 0, if it was computed.
    pub fn component(&self, index: usize) -> Option<&Direction<S>> {
        match index {
            0 => Some(self.plane.first()),
            1 => Some(self.plane.second()),
            _ => self.others.get(index - 2),
        }
    }

    /// Coordinates, distances, and how much is explained by how many dimensions.
    pub fn report(&self) -> &TrajectoryReport {
        &self.report
    }
}

/// The components, and the distance of every snapshot from the plane of the first two: in one pass, since what a block
/// of the components is, only that block of the snapshots decides.
fn combine<S: Scalar, P: Snapshots<S> + ?Sized>(
    blocks: &mut Blocks<'_, P>,
    layout: &Layout,
    weights: &[Vec<f64>],
    coordinates: &[Vec<f64>],
) -> Result<(Vec<Vec<S>>, Vec<f64>)> {
    let mut vectors = Vec::with_capacity(weights.len());
    for _ in weights {
        vectors.push(memory::filled("a principal component", layout.len(), S::zero())?);
    }
    let mut squares = vec![0.0; coordinates.first().map_or(0, Vec::len)];
    for block in 0..blocks.pieces().len() {
        blocks.read::<S>(block)?;
        let pieces = &blocks.pieces()[block];
        let panels = blocks.panels();
        let width = panels.first().map_or(0, |panel| panel.len());
        let mut parts = vec![vec![0.0; width]; weights.len()];
        for (part, weights) in parts.iter_mut().zip(weights) {
            part.par_chunks_mut(COLUMNS).enumerate().for_each(|(chunk, part)| {
                for (panel, weights) in panels.iter().zip(weights.chunks(LANES)) {
                    for (sum, values) in part.iter_mut().zip(&panel[chunk * COLUMNS..]) {
                        *sum += weights.iter().zip(values).map(|(weight, value)| weight * value).sum::<f64>();
                    }
                }
            });
        }
        for (part, vector) in parts.iter_mut().zip(&mut vectors) {
            let mut at = 0;
            for range in pieces {
                let part = &mut part[at..at + range.len()];
                for (value, out) in part.iter_mut().zip(&mut vector[range.clone()]) {
                    *out = S::from_f64(*value);
                    // Distances are those from the plane that is handed out, which is rounded.
                    *value = out.as_f64();
                }
                at += range.len();
            }
        }
        let [first, second] = [&parts[0], &parts[1]];
        let along = coordinates[0].chunks(LANES).zip(coordinates[1].chunks(LANES)).collect::<Vec<_>>();
        squares.par_chunks_mut(LANES).zip(along).zip(&panels).for_each(
            |((squares, (alpha, beta)), panel)| {
                for ((values, a), b) in panel.iter().zip(first).zip(second) {
                    let on_plane = alpha.iter().zip(beta).map(|(alpha, beta)| alpha * a + beta * b);
                    for ((square, value), on_plane) in squares.iter_mut().zip(values).zip(on_plane) {
                        *square += (value - on_plane).powi(2);
                    }
                }
            },
        );
    }
    Ok((vectors, squares.into_iter().map(f64::sqrt).collect()))
}
