//! Maps of the Hessian's eigenvalue ratio over a line or a plane (section 6 of the paper).

use std::time::Instant;

use super::{
    Lanczos, RatioCurve, RatioSurface,
    operator::HessianOperator,
    order,
    point::{CHANNELS, RatioPlane, Recipe},
    ratio::Totals,
    refine::Refinement,
    store::Stores,
};
use crate::{
    Curve, Direction, Directions, Error, HessianProduct, Mask, Observer, OnBadPoint, Plane, Result, Scalar,
    Surface,
    sweep::{
        Axis, Stages,
        options::{Options, Origin, Task, axis_options, shard_option, sweep_options},
        swept::Swept,
    },
};

/// The eigenvalue ratio over θ + α·d, 51 points of [−1, 1]; [`EigenRatio1d`] has the options.
///
/// # Errors
/// As [`EigenRatio1d::run`].
pub fn eigen_ratio_1d<M, D>(model: &M, data: &D, direction: Direction<M::Scalar>) -> Result<RatioCurve>
where
    M: HessianProduct<D> + ?Sized,
    D: ?Sized + Sync,
{
    EigenRatio1d::new(model, direction).data("", data).run()
}

/// The eigenvalue ratio over θ + α·d₁ + β·d₂, 25×25 points of [−1, 1]²; [`EigenRatio2d`] has the options.
///
/// # Errors
/// As [`EigenRatio2d::run`].
pub fn eigen_ratio_2d<M, D>(model: &M, data: &D, directions: Directions<M::Scalar>) -> Result<RatioSurface>
where
    M: HessianProduct<D> + ?Sized,
    D: ?Sized + Sync,
{
    EigenRatio2d::new(model, directions).data("", data).run()
}

/// The eigenvalue ratio along a line: see [`EigenRatio2d`], of which it is the one-dimensional form.
///
/// ```
/// use loss_landscape::{EigenRatio1d, RandomDirections};
/// use loss_landscape::nets::{digits, Activation, Criterion, Mlp};
///
/// let data = digits::<f32>()?.1;
/// let net = Mlp::new(&[64, 8, 10], Activation::Tanh, Criterion::CrossEntropy, 0)?;
/// let direction = RandomDirections::new(1).one(&net)?;
/// let curve = EigenRatio1d::new(&net, direction).data("test", &data).alpha(-1.0..=1.0, 5).run()?;
/// assert!(curve.ratio().iter().all(|ratio| *ratio > 0.0));
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Debug)]
#[must_use]
pub struct EigenRatio1d<'a, M: HessianProduct<D> + ?Sized, D: ?Sized + Sync> {
    model: &'a M,
    direction: Direction<M::Scalar>,
    alpha: Axis,
    recipe: Recipe,
    options: Options<'a, D>,
}

/// A map of |λ_min / λ_max| of the Hessian over a plane: how far each point is from convex.
///
/// At every point one Lanczos run finds both ends of the spectrum; see [`Lanczos`] for what is known of
/// their errors. By default the map is computed from coarse to fine. Every eighth point along each axis starts
/// cold, and its ratio is certified. The others start from the sum of the eigenvectors that their neighbours on
/// opposite sides found, with a sixteenth of a random vector, and stop by residuals: a quarter of the products.
/// Where neighbours disagree, as on grids too coarse or where eigenvalues cross, the point starts cold after
/// all; where the ends found lie farther in than the neighbours lead to expect, by more than the tolerance, the run
/// goes on until its own bounds hold at a confidence of 0.9. When all points are there, those are computed again,
/// cold and certified, which none of the pairs of their nearest neighbours leads to expect; and so are at the end
/// a few drawn at random, which say how many of the others may be off ([`audit`](Self::audit)).
///
/// So a point has one of three [states](RatioSurface::states): certified at the [confidence](Self::confidence);
/// warm, of which no more is known than that it agrees with its neighbours, or its bounds hold at 0.9; or
/// [marked](RatioSurface::uncertain), where a limit was met or the products are not symmetric. No theorem makes a
/// warm point right. [`certified`](Self::certified) leaves none.
///
/// Where the Hessian is zero the ratio is NaN, and the point is listed as bad.
///
/// The result has the same bits for any number of threads. Its channels, for each data set:
///
/// | channel | |
/// | --- | --- |
/// | `lambda_min`, `lambda_max` | the ends of the spectrum: Ritz values, never outside it |
/// | `ratio`, `sign` | \|λ_min / λ_max\|; −1, 0 or 1, the sign of λ_min: 1 is locally convex |
/// | `ratio low`, `ratio high` | what the ratio is between, at the confidence asked for |
/// | `lambda_min bound`, `lambda_max bound` | how far out the ends may lie, at that confidence |
/// | `lambda_min residual`, `lambda_max residual` | an eigenvalue is within this of each |
/// | `asymmetry` | of the products, relative; see [`Extremes::asymmetry`](crate::Extremes) |
/// | `products` | Hessian-vector products at the point, both times if it was computed again |
/// | `certified` | 1 if the interval of the ratio is within the tolerance, else 0 |
/// | `state` | 2 certified, 1 warm, 0 marked: [`RatioState`](crate::RatioState) |
///
/// **Memory.** For warm starts 4·n bytes for each point that others start from, half of them all; for each
/// thread a Lanczos basis. [`probe`](Self::probe) says how much, and how many products are to come.
///
/// ```
/// use loss_landscape::{EigenRatio2d, RandomDirections};
/// use loss_landscape::nets::{digits, Activation, Criterion, Mlp};
///
/// let data = digits::<f32>()?.1;
/// let net = Mlp::new(&[64, 8, 10], Activation::Tanh, Criterion::CrossEntropy, 0)?;
/// let map = EigenRatio2d::new(&net, RandomDirections::new(1).pair(&net)?)
///     .data("", &data)
///     .alpha(-1.0..=1.0, 5)
///     .beta(-1.0..=1.0, 3)
///     .tolerance(0.01)
///     .run()?;
/// let (ratio, sign) = (map.ratio(), map.channel("sign")?);
/// assert_eq!(ratio.dim(), (5, 3));
/// assert!(sign.iter().all(|sign| *sign == -1.0)); // nowhere convex
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Debug)]
#[must_use]
pub struct EigenRatio2d<'a, M: HessianProduct<D> + ?Sized, D: ?Sized + Sync> {
    model: &'a M,
    directions: Directions<M::Scalar>,
    alpha: Axis,
    beta: Axis,
    recipe: Recipe,
    options: Options<'a, D>,
}

/// What a map would cost, after one point of it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RatioProbe {
    /// Points of the map, all data sets together; those of the shard, less those that are in the journal.
    pub points: usize,
    /// How many of them start cold whatever the others find.
    pub cold_points: usize,
    /// Products that the middle point took from a cold start.
    pub products: usize,
    /// Seconds each of them took, on one thread, the Lanczos steps included.
    pub seconds_per_product: f64,
    /// Products of the whole map: if every warm start needs only 3, and if every point and the audit need what this
    /// one did.
    pub total_products: [usize; 2],
    /// The same in seconds, with all threads busy.
    pub total_seconds: [f64; 2],
    /// Bytes for values, eigenvectors kept for warm starts, and the largest Lanczos basis of every thread.
    /// The model's own memory is not in it.
    pub memory: u64,
}

impl<'a, M: HessianProduct<D> + ?Sized, D: ?Sized + Sync> EigenRatio1d<'a, M, D> {
    /// A map around the model's parameters along `direction`.
    pub fn new(model: &'a M, direction: Direction<M::Scalar>) -> Self {
        let (recipe, options) = (Recipe::default(), Options::default());
        Self { model, direction, alpha: Axis::range(-1.0..=1.0, 51), recipe, options }
    }

    /// Computes every point.
    ///
    /// # Errors
    /// As [`EigenRatio2d::run`].
    pub fn run(self) -> Result<RatioCurve> {
        let (plane, origin) = Origin::line(self.model, &self.direction)?;
        let (swept, totals) =
            run(self.model, &plane, &self.alpha, None, &self.options, &self.recipe, origin)?;
        Ok(RatioCurve::new(Curve::new(swept), totals))
    }

    /// Computes the middle point of the first data set and says what the map would cost.
    ///
    /// # Errors
    /// As [`EigenRatio2d::probe`].
    pub fn probe(&self) -> Result<RatioProbe> {
        let (plane, _) = Origin::line(self.model, &self.direction)?;
        probe(self.model, &plane, &self.alpha, None, &self.options, &self.recipe)
    }
}

impl<'a, M: HessianProduct<D> + ?Sized, D: ?Sized + Sync> EigenRatio2d<'a, M, D> {
    /// A map around the model's parameters over the plane of `directions`.
    pub fn new(model: &'a M, directions: Directions<M::Scalar>) -> Self {
        let axis = || Axis::range(-1.0..=1.0, 25);
        let (recipe, options) = (Recipe::default(), Options::default());
        Self { model, directions, alpha: axis(), beta: axis(), recipe, options }
    }

    /// Computes every point.
    ///
    /// # Errors
    /// As [`Grid2d::run`](crate::Grid2d::run); [`Error::Setting`] for a tolerance or confidence out of
    /// range or no products; [`Error::EmptyMask`] for a mask that chooses nothing, [`Error::LayoutMismatch`]
    /// for one of another layout; [`Error::MemoryLimit`] if the
    /// eigenvectors kept for warm starts or a Lanczos basis do not fit. A point that fails is no error:
    /// see [`SweepReport::bad_points`](crate::SweepReport::bad_points).
    pub fn run(self) -> Result<RatioSurface> {
        let (plane, origin) = Origin::plane(self.model, &self.directions)?;
        let (swept, totals) =
            run(self.model, &plane, &self.alpha, Some(&self.beta), &self.options, &self.recipe, origin)?;
        Ok(RatioSurface::new(Surface::new(swept), totals))
    }

    /// Computes the middle point of the first data set, cold, and says what the map would cost.
    ///
    /// # Errors
    /// As [`run`](Self::run), and what the point itself fails with.
    pub fn probe(&self) -> Result<RatioProbe> {
        let (plane, _) = Origin::plane(self.model, &self.directions)?;
        probe(self.model, &plane, &self.alpha, Some(&self.beta), &self.options, &self.recipe)
    }
}

/// What both maps can be told.
macro_rules! ratio_options {
    ($map:ident) => {
        sweep_options!($map, HessianProduct);
        shard_option!($map, HessianProduct);

        impl<'a, M: HessianProduct<D> + ?Sized, D: ?Sized + Sync> $map<'a, M, D> {
            /// The Hessian in these blocks alone, such as the weights of the original code; all but buffers
            /// by default.
            pub fn mask(mut self, mask: &Mask) -> Self {
                self.recipe.mask = Some(mask.clone());
                self
            }

            /// How far each ratio may be from the true one: absolute up to a ratio of 1, relative above.
            /// 0.005 by default, a hundredth of the paper's scale.
            pub fn tolerance(mut self, tolerance: f64) -> Self {
                self.recipe.lanczos.tolerance = tolerance;
                self
            }

            /// The probability, for each point, with which its bounds hold; 0.999 by default.
            pub fn confidence(mut self, confidence: f64) -> Self {
                self.recipe.lanczos.confidence = confidence;
                self
            }

            /// Whether every point starts cold and is certified, so that all of them are known at the
            /// [confidence](Self::confidence) asked for; false by default. It costs 1.3 times the products on rough
            /// maps and three to four times on smooth ones. A shard is always computed so, since the
            /// neighbours are in others.
            pub fn certified(mut self, certified: bool) -> Self {
                self.recipe.warm = !certified;
                self
            }

            /// How many points that are not certified are drawn at random when all others are done, and computed
            /// again, cold and certified; 2 % of the map's points but at least 5 by default, and none where
            /// all points are certified. The draw is the [seed](Self::seed)'s. Each costs what a cold point
            /// does, about 20 products: by default 0.4 a point of the map. What they show is in
            /// [`audits`](RatioSurface::audits).
            pub fn audit(mut self, points: usize) -> Self {
                self.recipe.audit = Some(points);
                self
            }

            /// The most products at a point; 500 by default. A point that would need more keeps what it
            /// has ([`LanczosEnd::ProductLimit`](crate::LanczosEnd)).
            pub fn max_products(mut self, products: usize) -> Self {
                self.recipe.lanczos.max_products = products;
                self
            }

            /// The seed of the random starts, one stream a point; 0 by default.
            pub fn seed(mut self, seed: u64) -> Self {
                self.recipe.lanczos.seed = seed;
                self
            }

            /// The most bytes for the Lanczos basis of one thread; 1 GiB by default. Points that would need
            /// more go on with a part of it, and may end uncertain; see [`Lanczos::memory_limit`].
            pub fn basis_memory(mut self, bytes: u64) -> Self {
                self.recipe.lanczos.memory_limit = bytes;
                self
            }
        }
    };
}

ratio_options!(EigenRatio1d);
ratio_options!(EigenRatio2d);
axis_options!(EigenRatio1d, HessianProduct, alpha, alpha_at, "α", "51 from −1 to 1 by default.");
axis_options!(EigenRatio2d, HessianProduct, alpha, alpha_at, "α", "25 from −1 to 1 by default.");
axis_options!(EigenRatio2d, HessianProduct, beta, beta_at, "β", "25 from −1 to 1 by default.");

impl Default for Recipe {
    fn default() -> Self {
        Self { lanczos: Lanczos::new().tolerance(0.005), mask: None, warm: true, audit: None }
    }
}

impl Recipe {
    /// All that the values depend on, for a journal.
    fn settings(&self) -> String {
        let Self { lanczos, mask, warm, audit } = self;
        let blocks =
            mask.as_ref().map_or_else(|| "trained".to_owned(), |mask| format!("{:?}", mask.ranges()));
        // Without warm points there is nothing to draw from.
        let audit = audit.filter(|_| *warm);
        format!("eigenvalue ratio, {lanczos:?}, warm starts {warm}, audit {audit:?}, blocks {blocks}")
    }

    /// How often a point may be computed.
    fn passes(&self) -> usize {
        if self.warm { 2 } else { 1 }
    }

    /// How many points of so many the audit draws.
    fn drawn(&self, points: usize) -> usize {
        if self.warm { self.audit.unwrap_or_else(|| points.div_ceil(50).max(5)) } else { 0 }
    }
}

/// The bytes that a map takes: values and what warm starts keep, and a Lanczos basis for each thread.
struct Budget {
    /// Parameters of an eigenvector.
    dimension: usize,
    values_and_kept: u64,
    basis: u64,
}

fn budget<M, D>(
    model: &M,
    alpha: &Axis,
    beta: Option<&Axis>,
    options: &Options<'_, D>,
    recipe: &Recipe,
) -> Result<Budget>
where
    M: HessianProduct<D> + ?Sized,
    D: ?Sized + Sync,
{
    recipe.lanczos.check()?;
    let trained = Mask::trained(model.layout());
    let mask = recipe.mask.as_ref().unwrap_or(&trained);
    model.layout().ensure_same(mask.layout())?;
    let n = mask.selected();
    if n == 0 {
        return Err(Error::EmptyMask);
    }
    recipe.lanczos.ensure_memory::<M::Scalar>(n)?;
    let (rows, columns) = (alpha.len(), beta.map_or(1, Axis::len));
    let needed = if recipe.warm { order::needed(rows, columns) } else { 0 };
    let sets = options.data.len() as u64;
    let values = ((rows * columns * (8 * CHANNELS.len() + 2) * recipe.passes()) as u64).saturating_mul(sets);
    let kept = (needed as u64 * 4).saturating_mul(n as u64).saturating_mul(sets);
    let bytes = values.saturating_add(kept);
    if bytes > options.memory_limit {
        let what = "the map, with the eigenvectors that warm starts keep (if all points are certified there are none),";
        return Err(Error::MemoryLimit { what, bytes, limit: options.memory_limit });
    }
    Ok(Budget { dimension: n, values_and_kept: bytes, basis: recipe.lanczos.memory::<M::Scalar>(n) })
}

fn run<M, D>(
    model: &M,
    plane: &Plane<'_, M::Scalar>,
    alpha: &Axis,
    beta: Option<&Axis>,
    options: &Options<'_, D>,
    recipe: &Recipe,
    origin: Origin,
) -> Result<(Swept, Totals)>
where
    M: HessianProduct<D> + ?Sized,
    D: ?Sized + Sync,
{
    // Neighbours are in other shards.
    let recipe = &Recipe { warm: recipe.warm && options.shard.is_none(), ..recipe.clone() };
    let grid = options.grid(alpha, beta, CHANNELS.len())?;
    let dimension = budget(model, alpha, beta, options, recipe)?.dimension;
    let stores = Stores::new(&grid.alpha, &grid.beta, options.data.len(), dimension);
    let mut refinement = Refinement::new(
        [grid.alpha.len(), grid.beta.len()],
        options.data.len(),
        recipe.lanczos.tolerance,
        (recipe.drawn(grid.alpha.len() * grid.beta.len()), recipe.lanczos.seed),
        &stores,
    );
    let task = Task {
        settings: recipe.settings(),
        fingerprints: options.fingerprints(model)?,
        keeper: Some(&stores),
        stages: if recipe.warm { Stages::Chosen(&mut refinement) } else { Stages::All },
        channels: CHANNELS.map(str::to_owned).to_vec(),
        grid,
        origin,
        scalar: M::Scalar::NAME,
        // Bounds may be infinite.
        finite: 3,
        passes: recipe.passes(),
    };
    let swept = options.sweep(task, &|number| {
        let data = options.data[number].1;
        Ok(Box::new(RatioPlane::new(model, data, plane, recipe, stores.get(number))?))
    })?;
    Ok((swept, stores.totals()))
}

fn probe<M, D>(
    model: &M,
    plane: &Plane<'_, M::Scalar>,
    alpha: &Axis,
    beta: Option<&Axis>,
    options: &Options<'_, D>,
    recipe: &Recipe,
) -> Result<RatioProbe>
where
    M: HessianProduct<D> + ?Sized,
    D: ?Sized + Sync,
{
    let grid = options.grid(alpha, beta, CHANNELS.len())?;
    let recipe = &Recipe { warm: recipe.warm && options.shard.is_none(), ..recipe.clone() };
    let memory = budget(model, alpha, beta, options, recipe)?;
    let (rows, columns) = (grid.alpha.len(), grid.beta.len());
    let mut theta = vec![M::Scalar::from_f64(0.0); plane.len()];
    plane.theta_into([grid.alpha[rows / 2], grid.beta[columns / 2]], &mut theta);
    let started = Instant::now();
    let hessian = HessianOperator::new(model, &theta, options.data[0].1)?;
    let mut hessian = hessian.restricted(recipe.mask.as_ref())?;
    let extremes = recipe.lanczos.run(&mut hessian)?;
    let seconds_per_product = started.elapsed().as_secs_f64() / extremes.products as f64;

    let threads = options.threads.unwrap_or_else(rayon::current_num_threads).max(1);
    let points = options.left(rows * columns) * options.data.len();
    let cold = if recipe.warm { order::alone(rows, columns) * options.data.len() } else { points };
    let cold_points = cold.min(points);
    let least = cold_points * extremes.products + (points - cold_points) * extremes.products.min(3);
    let audited = recipe.drawn(rows * columns) * options.data.len();
    let total_products = [least, (points + audited) * extremes.products];
    Ok(RatioProbe {
        points,
        cold_points,
        products: extremes.products,
        seconds_per_product,
        total_products,
        total_seconds: total_products.map(|products| products as f64 * seconds_per_product / threads as f64),
        memory: memory.values_and_kept.saturating_add(memory.basis.saturating_mul(threads as u64)),
    })
}
