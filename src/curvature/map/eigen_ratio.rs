//! Maps of the Hessian's eigenvalue ratio over a line or a plane (section 6 of the paper).

use std::time::Instant;

use ndarray::Ix1;

use super::{
    order::{self, Order},
    point::{CHANNELS, RatioMeasurement},
    ratio_map::RatioMap,
    refinement::Refinement,
    store::Stores,
};
use crate::{
    Error, Execution, GridDimension, HessianProduct, Landscape, Mask, Model, Result, Scalar,
    curvature::{lanczos::Lanczos, operator::HessianOperator},
    engine::stages::Stages,
    sweep::{Geometry, Line, Plan, Plane, Sweep},
};

/// The eigenvalue ratio over θ + α·d, 51 points of [−1, 1]; [`EigenRatio`] and [`Sweep`] have the options.
///
/// # Errors
/// As [`Sweep::eigen_ratio`].
pub fn eigen_ratio_1d<M, D>(
    model: &M,
    data: &D,
    direction: impl Into<Line<M::Scalar>>,
) -> Result<RatioMap<Ix1>>
where
    M: HessianProduct<D> + Sync + ?Sized,
    D: Sync + ?Sized,
{
    Sweep::line(model, direction).data("", data).eigen_ratio(&EigenRatio::new())
}

/// The eigenvalue ratio over θ + α·d₁ + β·d₂, 25×25 points of [−1, 1]²; [`EigenRatio`] and [`Sweep`] have the options.
///
/// # Errors
/// As [`Sweep::eigen_ratio`].
pub fn eigen_ratio_2d<M, D>(model: &M, data: &D, directions: impl Into<Plane<M::Scalar>>) -> Result<RatioMap>
where
    M: HessianProduct<D> + Sync + ?Sized,
    D: Sync + ?Sized,
{
    Sweep::plane(model, directions).data("", data).eigen_ratio(&EigenRatio::new())
}

/// How a map of |λ_min / λ_max| of the Hessian is computed: how far each point is from convex.
///
/// [`Sweep::eigen_ratio`] makes the map, over a line or a plane.
///
/// At every point one Lanczos run finds both ends of the spectrum; see [`Lanczos`] for what is known of
/// their errors. By default the map is computed from coarse to fine. Every eighth point along each axis starts
/// cold, and its ratio is certified. The others start from the sum of the eigenvectors that their neighbours on
/// opposite sides found, with a sixteenth of a random vector, and stop by residuals.
/// Where neighbours disagree, as on grids too coarse or where eigenvalues cross, the point starts cold after
/// all; where the ends found lie farther in than the neighbours lead to expect, by more than the tolerance, the run
/// goes on until its own bounds hold at a confidence of 0.9. When all points are there, those are computed again,
/// cold and certified, which none of the pairs of their nearest neighbours leads to expect; and so are at the end
/// a few drawn at random, which say how many of the others may be off ([`audit`](Self::audit)).
///
/// So a point has one of three [states](RatioMap::states): certified at the [confidence](Self::confidence);
/// warm, of which no more is known than that it agrees with its neighbours, or its bounds hold at 0.9; or
/// [marked](RatioMap::uncertain), where a limit was met or the products are not symmetric. No theorem makes a
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
/// | `asymmetry` | of the products, relative; see [`Extremes::asymmetry`](crate::curvature::Extremes) |
/// | `products` | Hessian-vector products at the point, both times if it was computed again |
/// | `certified` | 1 if the interval of the ratio is within the tolerance, else 0 |
/// | `state` | 2 certified, 1 warm, 0 marked: [`RatioState`](super::RatioState) |
///
/// **Memory.** For each thread a Lanczos basis; for warm starts 4·n bytes for each point that others have still to start
/// from, half of all points when the last begin. Where that is more than [`Sweep::memory_limit`], the map is computed in
/// bands of rows one after the other, in the widest that fit: in bands of eight rows about nine points of each column are
/// kept. The values are the same bits. But a band has fewer points for threads or processes to share between two waits for
/// all of them, so with many of these raise the limit instead. [`Sweep::eigen_ratio_cost`] says how much is taken, and how
/// many products are to come.
///
/// ```
/// use loss_landscape::{EigenRatio, Gradient, HessianProduct, Layout, Loss, Model, OracleError, RandomDirections, Sweep};
///
/// /// Σ tᵢ⁴ − Σ tᵢ²: convex far from 0, not near it.
/// struct Quartic {
///     layout: Layout,
///     theta: Vec<f64>,
/// }
///
/// impl Model for Quartic {
///     type Scalar = f64;
///     fn layout(&self) -> &Layout {
///         &self.layout
///     }
///     fn parameters(&self) -> &[f64] {
///         &self.theta
///     }
/// }
///
/// impl Loss<()> for Quartic {
///     fn loss(&self, theta: &[f64], _: &()) -> Result<f64, OracleError> {
///         Ok(theta.iter().map(|t| t.powi(4) - t.powi(2)).sum())
///     }
/// }
///
/// impl Gradient<()> for Quartic {
///     fn gradient(&self, theta: &[f64], data: &(), out: &mut [f64]) -> Result<f64, OracleError> {
///         out.iter_mut().zip(theta).for_each(|(out, t)| *out = 4.0 * t.powi(3) - 2.0 * t);
///         self.loss(theta, data)
///     }
/// }
///
/// impl HessianProduct<()> for Quartic {} // by differences of gradients
///
/// let model = Quartic { layout: Layout::flat(20)?, theta: vec![1.0; 20] };
/// let map = Sweep::plane(&model, RandomDirections::new(1))
///     .data("", &())
///     .alpha(-0.5..=0.5, 5)
///     .beta(-0.5..=0.5, 3)
///     .eigen_ratio(&EigenRatio::new().tolerance(0.01))?;
/// assert_eq!(map.ratio().dim(), (5, 3));
/// assert_eq!(map.channel("sign")?[[2, 1]], 1.0); // convex at θ itself
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct EigenRatio {
    pub(super) lanczos: Lanczos,
    pub(super) mask: Option<Mask>,
    pub(super) warm: bool,
    /// How many points are drawn and certified at the end; none for a share of them.
    pub(super) audit: Option<usize>,
}

/// What a map would cost, after one point of it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RatioCost {
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

/// Points along an axis of a map over a line, and over a plane, unless the caller says otherwise.
const POINTS: [usize; 2] = [51, 25];

impl Default for EigenRatio {
    fn default() -> Self {
        // A map has hundreds of points: at 0.999 each, an interval would miss in nearly half of the maps of 625.
        let lanczos = Lanczos::new().tolerance(0.005).confidence(0.9999);
        Self { lanczos, mask: None, warm: true, audit: None }
    }
}

impl EigenRatio {
    /// Ratios to 0.005 with warm starts.
    pub fn new() -> Self {
        Self::default()
    }

    /// The Hessian in these blocks alone, such as the weights of the original code; all but buffers
    /// by default.
    pub fn mask(mut self, mask: &Mask) -> Self {
        self.mask = Some(mask.clone());
        self
    }

    /// How far each ratio may be from the true one: absolute up to a ratio of 1, relative above.
    /// 0.005 by default, a hundredth of the paper's scale.
    pub fn tolerance(mut self, tolerance: f64) -> Self {
        self.lanczos.tolerance = tolerance;
        self
    }

    /// The probability, for each point, with which its bounds hold; 0.9999 by default, since
    /// a map has many points: of 625 one interval in sixteen maps misses.
    pub fn confidence(mut self, confidence: f64) -> Self {
        self.lanczos.confidence = confidence;
        self
    }

    /// Whether every point starts cold and is certified, so that all of them are known at the
    /// [confidence](Self::confidence) asked for; false by default. On networks with few parameters it took 21.9
    /// products a point instead of 16.4. A shard is always computed so, since the neighbours are in others.
    pub fn certified(mut self, certified: bool) -> Self {
        self.warm = !certified;
        self
    }

    /// How many points that are not certified are drawn at random when all others are done, and computed again, cold
    /// and certified; 2 % of the map's points but at least 5 by default, and none where all points are certified. The
    /// draw is the [seed](Self::seed)'s. Each costs what a cold point does, about 22 products: by default 0.4 a point
    /// of the map. What they show is in [`RatioMap::audits`].
    pub fn audit(mut self, points: usize) -> Self {
        self.audit = Some(points);
        self
    }

    /// The most products at a point; 500 by default. A point that would need more keeps what it
    /// has ([`LanczosEnd::ProductLimit`](crate::curvature::LanczosEnd::ProductLimit)).
    pub fn max_products(mut self, products: usize) -> Self {
        self.lanczos.max_products = products;
        self
    }

    /// The seed of the random starts, one stream a point; 0 by default.
    pub fn seed(mut self, seed: u64) -> Self {
        self.lanczos.seed = seed;
        self
    }

    /// The most bytes for the Lanczos basis of one thread; 1 GiB by default. Points that would need
    /// more go on with a part of it, and may end uncertain; see [`Lanczos::memory_limit`].
    pub fn basis_memory(mut self, bytes: u64) -> Self {
        self.lanczos.memory_limit = bytes;
        self
    }

    /// All that the values depend on, for a journal, in a form of its own.
    fn settings(&self) -> String {
        let Self { lanczos, mask, warm, audit } = self;
        let blocks = mask.as_ref().map_or_else(|| "trained".to_owned(), Mask::ranges_text);
        // Without warm points there is nothing to draw from.
        let audit = match audit.filter(|_| *warm) {
            Some(points) => points.to_string(),
            None => "default".to_owned(),
        };
        format!("eigen_ratio {} warm_starts={warm} audit={audit} blocks={blocks}", lanczos.settings_text())
    }

    /// How often a point may be computed.
    fn passes(&self) -> usize {
        if self.warm { 2 } else { 1 }
    }

    /// How many of `points` points the audit draws.
    fn drawn(&self, points: usize) -> usize {
        if self.warm { self.audit.unwrap_or_else(|| points.div_ceil(50).max(5)) } else { 0 }
    }
}

impl<M: HessianProduct<D> + ?Sized, D: ?Sized, W: Geometry<M>, X> Sweep<'_, M, D, W, X> {
    /// Maps |λ_min / λ_max| of the Hessian: how far each point is from convex (section 6 of the paper).
    ///
    /// [`EigenRatio`] has the options and says how points are computed, at what cost, and how sure they are. 51 points
    /// of a line, 25×25 of a plane by default.
    ///
    /// # Errors
    /// As [`run`](Self::run); [`Error::Setting`] for a tolerance or confidence out of range or no products;
    /// [`Error::EmptyMask`] for a mask that chooses nothing, [`Error::LayoutMismatch`] for one of another layout;
    /// [`Error::MemoryLimit`] if the eigenvectors kept for warm starts or a Lanczos basis do not fit. A point that
    /// fails is no error: see [`SweepReport::bad_points`](crate::report::SweepReport::bad_points).
    pub fn eigen_ratio(self, ratio: &EigenRatio) -> Result<RatioMap<W::Dim>>
    where
        X: Execution<M, D>,
    {
        let ratio = &self.effective(ratio);
        let grid = self.grid(default_points::<M, W>(), CHANNELS.len())?;
        let Memory { dimension, order, .. } = self.ratio_memory(ratio, grid.alpha.len(), grid.beta.len())?;
        let (shape, sets) = ([grid.alpha.len(), grid.beta.len()], self.data_sets().len());
        let Order { stages, dependents, .. } = order.unwrap_or_default();
        let stores = Stores::new(shape, sets, dimension, &dependents);
        let placed = self.placed()?;
        let mut refinement = Refinement::new(
            shape,
            stages,
            sets,
            ratio.lanczos.tolerance,
            (ratio.drawn(grid.points()), ratio.lanczos.seed),
            &stores,
        );
        let plan = Plan {
            settings: ratio.settings(),
            keeper: Some(&stores),
            stages: if ratio.warm { Stages::Chosen(&mut refinement) } else { Stages::All },
            passes: ratio.passes(),
            channels: CHANNELS.map(str::to_owned).to_vec(),
            // Bounds may be infinite.
            finite: 3,
        };
        let measurement = RatioMeasurement { ratio, stores: &stores };
        let parts = self.evaluate(&placed, &measurement, grid, plan)?;
        Ok(RatioMap::new(Landscape::assemble(parts), stores.totals()))
    }

    /// Computes the middle point of the first data set, cold, on the calling thread, and says what
    /// [`eigen_ratio`](Self::eigen_ratio) would cost.
    ///
    /// # Errors
    /// As [`eigen_ratio`](Self::eigen_ratio), and what the point itself fails with.
    pub fn eigen_ratio_cost(&self, ratio: &EigenRatio) -> Result<RatioCost> {
        let ratio = &self.effective(ratio);
        let grid = self.grid(default_points::<M, W>(), CHANNELS.len())?;
        let (rows, columns) = (grid.alpha.len(), grid.beta.len());
        let memory = self.ratio_memory(ratio, rows, columns)?;
        let placed = self.placed()?;
        let slice = placed.slice()?;
        let mut theta = vec![M::Scalar::from_f64(0.0); slice.len()];
        slice.theta_into(grid.middle(), &mut theta);
        let started = Instant::now();
        let hessian = HessianOperator::new(self.model(), &theta, self.data_sets()[0].1)?;
        let mut hessian = hessian.restricted(ratio.mask.as_ref())?;
        let extremes = ratio.lanczos.run(&mut hessian)?;
        let seconds_per_product = started.elapsed().as_secs_f64() / extremes.products as f64;

        let settings = self.settings();
        let points = settings.points_left(grid.points()) * self.data_sets().len();
        let threads = settings.threads.unwrap_or_else(rayon::current_num_threads).clamp(1, points.max(1));
        let cold = if ratio.warm { order::alone(rows, columns) * self.data_sets().len() } else { points };
        let cold_points = cold.min(points);
        let least = cold_points * extremes.products + (points - cold_points) * extremes.products.min(3);
        let audited = ratio.drawn(grid.points()) * self.data_sets().len();
        let total_products = [least, (points + audited) * extremes.products];
        Ok(RatioCost {
            points,
            cold_points,
            products: extremes.products,
            seconds_per_product,
            total_products,
            total_seconds: total_products
                .map(|products| products as f64 * seconds_per_product / threads as f64),
            memory: memory.values_and_kept.saturating_add(memory.basis.saturating_mul(threads as u64)),
        })
    }

    /// The same settings, but for warm starts in a shard, whose neighbours are elsewhere.
    fn effective(&self, ratio: &EigenRatio) -> EigenRatio {
        EigenRatio { warm: ratio.warm && self.settings().shard.is_none(), ..ratio.clone() }
    }

    /// Checks the settings, and that what the map keeps fits the memory.
    fn ratio_memory(&self, ratio: &EigenRatio, rows: usize, columns: usize) -> Result<Memory> {
        ratio.lanczos.check()?;
        let layout = self.model().layout();
        let trained = Mask::trained(layout);
        let mask = ratio.mask.as_ref().unwrap_or(&trained);
        layout.ensure_same(mask.layout())?;
        let n = mask.selected();
        if n == 0 {
            return Err(Error::EmptyMask);
        }
        ratio.lanczos.ensure_memory::<M::Scalar>(n)?;
        let sets = self.data_sets().len() as u64;
        let values =
            ((rows * columns * (8 * CHANNELS.len() + 2) * ratio.passes()) as u64).saturating_mul(sets);
        let limit = self.settings().memory_limit;
        let each = (n as u64).saturating_mul(4).saturating_mul(sets).max(1);
        // A grid whose values do not fit is not ordered.
        let fits = ratio.warm && values <= limit;
        let order = fits.then(|| Order::within(rows, columns, (limit - values) / each));
        let kept = order.as_ref().map_or(0, |order| order.most_kept as u64).saturating_mul(each);
        let bytes = values.saturating_add(kept);
        if bytes > limit {
            let what = "the map, with the eigenvectors that warm starts keep (if all points are certified there are none),";
            return Err(Error::MemoryLimit { what, bytes, limit });
        }
        let basis = ratio.lanczos.memory::<M::Scalar>(n);
        Ok(Memory { dimension: n, values_and_kept: bytes, basis, order })
    }
}

/// The bytes that a map takes: values and what warm starts keep, and a Lanczos basis for each thread.
struct Memory {
    /// Parameters of an eigenvector.
    dimension: usize,
    values_and_kept: u64,
    basis: u64,
    /// In which order points are computed; none where no point starts from another.
    order: Option<Order>,
}

/// Points along an axis of a map over this geometry.
fn default_points<M: Model + ?Sized, W: Geometry<M>>() -> usize {
    POINTS[W::Dim::AXES - 1]
}
