//! The builder of adaptive sweeps.

use super::{
    lattice::Lattice,
    refine::Refinement,
    settings::{ErrorScale, Settings},
    surface::AdaptiveSurface,
};
use crate::{
    Directions, Error, Loss, Observer, OnBadPoint, Result, Scalar,
    guard::guarded,
    sweep::{
        axis::Axis,
        options::{Options, Origin, Task, axis_options, sweep_options},
        stages::Stages,
    },
};

/// A sweep over a plane that computes some points of a grid and interpolates the others.
///
/// The result is a grid like that of a [`Grid2d`](crate::Grid2d), 51×51 points of [−1, 1]² by default. A coarse
/// lattice is computed first. Then, stage by stage, the points are computed where interpolation is most in
/// doubt, until it keeps the [`tolerance`](Self::tolerance), checked on 60 points drawn at random from those
/// left out, or the [`budget`](Self::budget) of evaluations is spent. It pays on smooth landscapes: a fifth of
/// the points of a multilayer perceptron's surface, a quarter of ResNet-20's, put every contour within 1 % of its
/// level (`cargo bench --bench adaptive`). Choosing them takes some 0.4 s for 520 of 2,601, so a
/// [`Grid2d`](crate::Grid2d) is quicker where an evaluation takes less than about 0.2 ms.
///
/// **Interpolation** is by polyharmonic splines over the 24 nearest computed points or so, on a logarithmic
/// [scale](Self::scale) where all values are positive. How far each point may be off is estimated as in kriging, and the
/// estimates are scaled by what was found at points predicted before they were computed.
///
/// **What decides.** The first channel of each data set steers, the loss, or those of
/// [`steered_by`](Self::steered_by); the others are interpolated at the same points, linearly scaled, and never
/// outside the values computed. Without [`levels`](Self::levels) the whole surface shall keep the tolerance; with levels,
/// what lies beside those contours.
///
/// **What is not finite** is never interpolated across: between a finite and a non-finite point the border is
/// refined until it is found, within the budget. Points that are not computed and have a non-finite one as their
/// neighbour in some direction are NaN in the result.
///
/// **What cannot be seen.** A feature that lies wholly between computed points, such as a contour that closes around a
/// dip between four points of the first stage, leaves no trace in them. Nothing but a denser
/// [`first_stage`](Self::first_stage) finds it; the checks find it with the probability that one of their points hits it.
///
/// The result has the same bits for any number of threads, and after any interruption with a
/// [`journal`](Self::journal), which holds the computed points and serves a larger budget, another tolerance or
/// the whole [`Grid2d`](crate::Grid2d) too. It has no shards, since every stage needs all
/// points before it.
///
/// ```
/// use loss_landscape::{Adaptive2d, AdaptiveEnd, FnModel, Layout, RandomDirections};
///
/// let loss = |theta: &[f64], _: &()| 0.1 + theta.iter().map(|t| t * t).sum::<f64>();
/// let model = FnModel::new(Layout::flat(3)?, vec![0.5; 3], loss)?;
/// let surface = Adaptive2d::new(&model, RandomDirections::new(1).pair(&model)?)
///     .data("", &())
///     .tolerance(0.01)
///     .budget(600)
///     .run()?;
/// assert_eq!(surface.shape(), [51, 51]);
/// assert_eq!(surface.end(), AdaptiveEnd::Tolerance);
/// assert!(surface.evaluations() < 300);
/// assert!(surface.channel("loss")?.iter().all(|loss| loss.is_finite()));
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Debug)]
#[must_use]
pub struct Adaptive2d<'a, M: Loss<D> + ?Sized, D: ?Sized + Sync> {
    model: &'a M,
    directions: Directions<M::Scalar>,
    alpha: Axis,
    beta: Axis,
    options: Options<'a, D>,
    settings: Settings,
    steering: Option<Vec<String>>,
}

impl<'a, M: Loss<D> + ?Sized, D: ?Sized + Sync> Adaptive2d<'a, M, D> {
    /// A sweep around the model's parameters over the plane of `directions`.
    pub fn new(model: &'a M, directions: Directions<M::Scalar>) -> Self {
        let axis = || Axis::range(-1.0..=1.0, 51);
        let (options, settings) = (Options::default(), Settings::default());
        Self { model, directions, alpha: axis(), beta: axis(), options, settings, steering: None }
    }

    /// How far off an interpolated value may be, on the [scale](Self::scale) in use: 0.01, the default, is 1 % of
    /// the value where the scale is logarithmic, and 1 % of the range of all values where it is linear.
    pub fn tolerance(mut self, tolerance: f64) -> Self {
        self.settings.tolerance = tolerance;
        self
    }

    /// The most points to evaluate; as many as the grid has by default. A tenth of it, at most 60 points, is
    /// kept for the last check.
    pub fn budget(mut self, evaluations: usize) -> Self {
        self.settings.budget = Some(evaluations);
        self
    }

    /// Contours that shall be right, rather than the whole surface: values of the channels that steer.
    pub fn levels(mut self, levels: &[f64]) -> Self {
        self.settings.levels = levels.to_vec();
        self
    }

    /// The scale on which values are interpolated and errors measured; [`ErrorScale::Auto`] by default.
    pub fn scale(mut self, scale: ErrorScale) -> Self {
        self.settings.scale = scale;
        self
    }

    /// Points of the first stage along each axis; by default about a thirty-second of the grid's points in all,
    /// but no fewer than 9 along an axis, nor more than a third of the budget in all. An axis gives no more than
    /// every second of its points. The point nearest to (0, 0) is always among them.
    pub fn first_stage(mut self, along: usize) -> Self {
        self.settings.first = Some(along);
        self
    }

    /// The seed of the points drawn for checks; 0 by default.
    pub fn seed(mut self, seed: u64) -> Self {
        self.settings.seed = seed;
        self
    }

    /// The channels that shall keep the tolerance, by their names in the result, such as `"train loss"`; the
    /// first channel of each data set by default.
    pub fn steered_by(mut self, channels: &[&str]) -> Self {
        self.steering = Some(channels.iter().map(ToString::to_string).collect());
        self
    }

    /// Evaluates points, and interpolates the others.
    ///
    /// # Errors
    /// As [`Grid2d::run`](crate::Grid2d::run); [`Error::Setting`] for a tolerance that is not positive, a budget
    /// of 0, a first stage of fewer than 2 points along an axis, or a level that is not finite (or not positive,
    /// with [`ErrorScale::Log`]); [`Error::UnknownChannel`] for one that shall steer and is not there. A point that
    /// fails is no error: see [`SweepReport::bad_points`](crate::SweepReport::bad_points).
    pub fn run(self) -> Result<AdaptiveSurface> {
        self.settings.check()?;
        let (plane, origin) = Origin::plane(self.model, &self.directions)?;
        let channels = guarded("naming its channels", || Ok(self.model.channels()))?;
        let grid = self.options.grid(&self.alpha, Some(&self.beta), channels.len())?;
        let steering = self.steering(&channels)?;
        let lattice = Lattice::new(&grid.alpha, &grid.beta);
        let stride = channels.len() * self.options.data.len();
        let mut refinement = Refinement::new(lattice, self.settings.clone(), stride, &steering);
        let task = Task {
            grid,
            // What is computed at a point does not depend on why, so that a journal serves any budget.
            settings: String::new(),
            fingerprints: self.options.fingerprints(self.model)?,
            keeper: None,
            finite: channels.len(),
            passes: 1,
            channels,
            stages: Stages::Chosen(&mut refinement),
            origin,
            scalar: M::Scalar::NAME,
        };
        let swept =
            self.options.sweep(task, &|number| self.model.prepare(&plane, self.options.data[number].1))?;
        Ok(AdaptiveSurface::new(swept, &refinement))
    }

    /// The positions of the channels that steer.
    fn steering(&self, channels: &[String]) -> Result<Vec<usize>> {
        let Some(wanted) = &self.steering else {
            return Ok((0..self.options.data.len()).map(|set| set * channels.len()).collect());
        };
        let names = self.options.channel_names(channels);
        let unknown = |name: &str| Error::UnknownChannel { name: name.to_owned(), names: names.clone() };
        let position =
            |name: &String| names.iter().position(|other| other == name).ok_or_else(|| unknown(name));
        let mut positions: Vec<usize> = wanted.iter().map(position).collect::<Result<_>>()?;
        positions.sort_unstable();
        positions.dedup();
        if positions.is_empty() { Err(unknown("")) } else { Ok(positions) }
    }
}

sweep_options!(Adaptive2d, Loss);
axis_options!(Adaptive2d, Loss, alpha, alpha_at, "α", "51 from −1 to 1 by default.");
axis_options!(Adaptive2d, Loss, beta, beta_at, "β", "51 from −1 to 1 by default.");
