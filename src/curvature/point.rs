//! One point of an eigenvalue-ratio map: warm from its neighbours where they agree, cold where not.

use std::sync::{
    OnceLock,
    atomic::{AtomicU8, AtomicUsize, Ordering},
};

use super::{
    Extremes, HessianOperator, Lanczos, LanczosEnd, SymmetricOperator,
    basis::dot,
    lanczos::RANDOM_SHARE,
    order,
    solver::{Solver, Start},
};
use crate::{
    BoxError, Error, HessianProduct, Mask, Plane, Point, Prepared, Result, Scalar, Worker, params::norm,
};

/// The channels of a map, in their order.
pub(super) const CHANNELS: [&str; 13] = [
    "lambda_min",
    "lambda_max",
    "ratio",
    "sign",
    "ratio low",
    "ratio high",
    "lambda_min bound",
    "lambda_max bound",
    "lambda_min residual",
    "lambda_max residual",
    "asymmetry",
    "products",
    "certified",
];

/// Neighbours agree if the mean of their aligned eigenvectors is at least this long. It is 1 if they are
/// equal, 0.71 if two are orthogonal, 0.5 if four are.
const AGREEMENT: f64 = 0.65;
/// Warm runs stop by residuals, at this share of the tolerance.
const CAUTION: f64 = 0.9;

/// How every point of a map is computed.
#[derive(Clone, Debug)]
pub(super) struct Recipe {
    pub(super) lanczos: Lanczos,
    pub(super) mask: Option<Mask>,
    pub(super) warm: bool,
}

/// What the points of one data set leave behind, for each other and for the report.
pub(super) struct Store {
    alpha: Vec<f64>,
    beta: Vec<f64>,
    number: usize,
    vectors: Vec<OnceLock<[Box<[u16]>; 2]>>,
    ends: Vec<AtomicU8>,
    products: AtomicUsize,
    cold: AtomicUsize,
}

/// A plane ready for a map over one data set.
pub(super) struct RatioPlane<'a, M: HessianProduct<D> + ?Sized, D: ?Sized + Sync> {
    model: &'a M,
    data: &'a D,
    plane: &'a Plane<'a, M::Scalar>,
    recipe: &'a Recipe,
    store: &'a Store,
}

/// One thread's memory.
struct RatioWorker<'a, M: HessianProduct<D> + ?Sized, D: ?Sized + Sync> {
    shared: &'a RatioPlane<'a, M, D>,
    /// Made with the first point, since a worker cannot fail to be made.
    tools: Option<Tools<'a, M::Scalar>>,
}

struct Tools<'a, S> {
    hessian: HessianOperator<'a, S>,
    solver: Solver<S>,
    theta: Vec<S>,
    /// The sum of the neighbours' eigenvectors of each end, and one of them.
    ends: [Vec<S>; 2],
    one: Vec<S>,
}

impl Store {
    pub(super) fn new(alpha: &[f64], beta: &[f64], number: usize) -> Self {
        let points = alpha.len() * beta.len();
        Self {
            alpha: alpha.to_vec(),
            beta: beta.to_vec(),
            number,
            vectors: (0..points).map(|_| OnceLock::new()).collect(),
            ends: (0..points).map(|_| AtomicU8::new(0)).collect(),
            products: AtomicUsize::new(0),
            cold: AtomicUsize::new(0),
        }
    }

    /// Why the run at each point ended; none where it did not run or failed.
    pub(super) fn ends(&self) -> Vec<Option<LanczosEnd>> {
        self.ends.iter().map(|code| decode(code.load(Ordering::Relaxed))).collect()
    }

    pub(super) fn products(&self) -> usize {
        self.products.load(Ordering::Relaxed)
    }

    pub(super) fn cold(&self) -> usize {
        self.cold.load(Ordering::Relaxed)
    }

    /// The indices of a point, whose coordinates come from these axes.
    fn locate(&self, [alpha, beta]: Point) -> [usize; 2] {
        let find =
            |axis: &[f64], value: f64| axis.partition_point(|&other| other < value).min(axis.len() - 1);
        [find(&self.alpha, alpha), find(&self.beta, beta)]
    }
}

impl<'a, M: HessianProduct<D> + ?Sized, D: ?Sized + Sync> RatioPlane<'a, M, D> {
    /// Makes one worker, so that data that does not fit is found before the first point.
    pub(super) fn new(
        model: &'a M,
        data: &'a D,
        plane: &'a Plane<'a, M::Scalar>,
        recipe: &'a Recipe,
        store: &'a Store,
    ) -> Result<Self> {
        let shared = Self { model, data, plane, recipe, store };
        shared.hessian()?;
        Ok(shared)
    }

    fn hessian(&self) -> Result<HessianOperator<'a, M::Scalar>> {
        let hessian = HessianOperator::unplaced(self.model, self.data)?;
        match &self.recipe.mask {
            Some(mask) => hessian.masked(mask),
            None => Ok(hessian),
        }
    }

    fn tools(&self) -> Result<Tools<'a, M::Scalar>> {
        let hessian = self.hessian()?;
        let n = hessian.dimension();
        let zeros = |n: usize| vec![M::Scalar::from_f64(0.0); n];
        Ok(Tools {
            solver: Solver::new(n),
            theta: zeros(self.plane.len()),
            ends: [zeros(n), zeros(n)],
            one: zeros(n),
            hessian,
        })
    }

    fn evaluate(&self, tools: &mut Tools<'a, M::Scalar>, point: Point, out: &mut [f64]) -> Result<()> {
        let Self { plane, recipe, store, .. } = self;
        let [i, j] = store.locate(point);
        let columns = store.beta.len();
        let index = i * columns + j;
        plane.theta_into(point, &mut tools.theta);
        tools.hessian.move_to(&tools.theta)?;

        let warm = recipe.warm && self.warm_start(tools, i, j);
        let stream = (store.number * store.vectors.len() + index) as u64;
        let Tools { hessian, solver, ends, .. } = tools;
        let known = if warm { Some((ends[0].as_slice(), RANDOM_SHARE)) } else { None };
        solver.start(Start { seed: recipe.lanczos.seed, stream, warm: known });
        let lanczos = if warm {
            recipe.lanczos.clone().by_residuals(true).tolerance(CAUTION * recipe.lanczos.tolerance)
        } else {
            recipe.lanczos.clone()
        };
        let extremes = lanczos.advance(solver, hessian)?;

        store.products.fetch_add(extremes.products, Ordering::Relaxed);
        store.cold.fetch_add(usize::from(!warm), Ordering::Relaxed);
        store.ends[index].store(encode(extremes.end), Ordering::Relaxed);
        write(&extremes, out);
        if recipe.warm && order::is_needed(i, j) {
            solver.ritz(true);
            let last = solver.theta.len() - 1;
            let pair = [0, last].map(|which| {
                solver.vector(which, &mut tools.one);
                tools.one.iter().map(|&v| round(v)).collect()
            });
            // A point is computed once, unless its batch failed; then both are equal.
            let _ = store.vectors[index].set(pair);
        }
        Ok(())
    }

    /// The sum of the neighbours' eigenvectors of both ends, if two or more know theirs and agree.
    fn warm_start(&self, tools: &mut Tools<'a, M::Scalar>, i: usize, j: usize) -> bool {
        let Tools { ends, one, .. } = tools;
        let columns = self.store.beta.len();
        let mut count = 0;
        for near in order::neighbours(i, j, self.store.alpha.len(), columns) {
            let Some(pair) = self.store.vectors[near].get() else { continue };
            for (sum, v) in ends.iter_mut().zip(pair) {
                for (one, &v) in one.iter_mut().zip(v) {
                    *one = M::Scalar::from_f64(f64::from(f32::from_bits(u32::from(v) << 16)));
                }
                if count == 0 {
                    sum.copy_from_slice(one);
                } else {
                    // An eigenvector has no sign of its own.
                    let flip = dot(sum, one) < 0.0;
                    for (sum, &one) in sum.iter_mut().zip(one.iter()) {
                        *sum = if flip { *sum - one } else { *sum + one };
                    }
                }
            }
            count += 1;
        }
        if count < 2 {
            return false;
        }
        let [low, high] = [0, 1].map(|end: usize| norm(&ends[end]));
        if low.min(high) < AGREEMENT * f64::from(count) {
            return false;
        }
        // λ_max stands apart and needs less of the start than λ_min.
        let (weight, [sum, high_sum]) = (0.5 * low / high, ends);
        for (sum, high) in sum.iter_mut().zip(high_sum.iter()) {
            *sum = M::Scalar::from_f64(sum.as_f64() + weight * high.as_f64());
        }
        true
    }
}

impl<M: HessianProduct<D> + ?Sized, D: ?Sized + Sync> Prepared for RatioPlane<'_, M, D> {
    fn worker(&self) -> Box<dyn Worker + '_> {
        Box::new(RatioWorker { shared: self, tools: None })
    }
}

impl<M: HessianProduct<D> + ?Sized, D: ?Sized + Sync> Worker for RatioWorker<'_, M, D> {
    fn evaluate(&mut self, points: &[Point], _: usize, out: &mut [f64]) -> Result<(), BoxError> {
        if self.tools.is_none() {
            self.tools = Some(self.shared.tools()?);
        }
        let Some(tools) = &mut self.tools else { return Ok(()) };
        for (&point, out) in points.iter().zip(out.chunks_exact_mut(CHANNELS.len())) {
            self.shared.evaluate(tools, point, out).map_err(|error| match error {
                // The sweep says itself that it was the oracle.
                Error::Oracle { source, .. } => source,
                Error::OraclePanicked { message, .. } => std::panic::resume_unwind(Box::new(message)),
                other => BoxError::from(other),
            })?;
        }
        Ok(())
    }
}

fn write<S>(extremes: &Extremes<S>, out: &mut [f64]) {
    let [low, high] = extremes.ratio_interval();
    let sign = if extremes.lambda_min == 0.0 { 0.0 } else { extremes.lambda_min.signum() };
    let certified = matches!(extremes.end, LanczosEnd::Certified | LanczosEnd::Decided | LanczosEnd::Exact);
    out.copy_from_slice(&[
        extremes.lambda_min,
        extremes.lambda_max,
        extremes.ratio(),
        sign,
        low,
        high,
        extremes.bounds[0],
        extremes.bounds[1],
        extremes.residuals[0],
        extremes.residuals[1],
        extremes.asymmetry,
        extremes.products as f64,
        f64::from(u8::from(certified)),
    ]);
}

/// The upper half of an f32, rounded to nearest: eight bits are plenty for a start.
fn round<S: Scalar>(v: S) -> u16 {
    ((v.as_f64() as f32).to_bits().saturating_add(0x8000) >> 16) as u16
}

const ENDS: [LanczosEnd; 6] = [
    LanczosEnd::Certified,
    LanczosEnd::Residuals,
    LanczosEnd::Decided,
    LanczosEnd::Exact,
    LanczosEnd::ProductLimit,
    LanczosEnd::Asymmetric,
];

fn encode(end: LanczosEnd) -> u8 {
    ENDS.iter().position(|&other| other == end).map_or(0, |position| position as u8 + 1)
}

fn decode(code: u8) -> Option<LanczosEnd> {
    ENDS.get(usize::from(code).checked_sub(1)?).copied()
}
