//! One point of an eigenvalue-ratio map: warm from its neighbours where they agree, cold where not; and cold and
//! certified where it is computed again.

use super::{
    eigen_ratio::EigenRatio,
    order,
    ratio_state::RatioState,
    store::{Found, Run, Store, Stores},
};
use crate::{
    HessianProduct, OracleError, Point, Prepared, Result, Scalar, Slice, Worker,
    curvature::{
        lanczos::{Extremes, Lanczos, LanczosEnd, LanczosProcess, RANDOM_SHARE, Start, dot},
        operator::{HessianOperator, SymmetricOperator},
    },
    engine::execution::Measurement,
    params::norm,
};

/// The channels of a map, in their order.
pub(super) const CHANNELS: [&str; 14] = [
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
    "state",
];

/// Neighbours agree if the mean |cosine| between their eigenvectors, for each end, is at least this over
/// their number: 0.4 for two, 0.2 for four.
const AGREEMENT: f64 = 0.8;
/// How far from where neighbours lead to expect it the ratio may be, as a multiple of the tolerance.
const EXPECTATION: f64 = 1.0;
/// Where it is farther, the run goes on until its own bounds hold it within the tolerance at this confidence.
const GLANCE: f64 = 0.9;

/// Eigenvalue ratios as what a sweep measures.
pub(super) struct RatioMeasurement<'r> {
    pub(super) ratio: &'r EigenRatio,
    pub(super) stores: &'r Stores,
}

/// One thread's worker on one data set.
struct RatioWorker<'a, S> {
    ratio: &'a EigenRatio,
    store: &'a Store,
    slice: &'a Slice<'a, S>,
    tools: Tools<'a, S>,
}

struct Tools<'a, S> {
    hessian: HessianOperator<'a, S>,
    process: LanczosProcess<S>,
    theta: Vec<S>,
    /// The sum of the neighbours' eigenvectors of each end, and one of them.
    sums: [Vec<S>; 2],
    one: Vec<S>,
}

impl<'a, S: Scalar> RatioWorker<'a, S> {
    fn new<M, D>(
        ratio: &'a EigenRatio,
        store: &'a Store,
        slice: &'a Slice<'a, S>,
        model: &'a M,
        data: &'a D,
    ) -> Result<Self>
    where
        M: HessianProduct<D, Scalar = S> + ?Sized,
        D: ?Sized,
    {
        let hessian = HessianOperator::unplaced(model, data)?.restricted(ratio.mask.as_ref())?;
        let n = hessian.dimension();
        let zeros = |n: usize| vec![S::from_f64(0.0); n];
        let tools = Tools {
            process: LanczosProcess::new(n),
            theta: zeros(slice.len()),
            sums: [zeros(n), zeros(n)],
            one: zeros(n),
            hessian,
        };
        Ok(Self { ratio, store, slice, tools })
    }

    fn evaluate_one(&mut self, point: Point, out: &mut [f64]) -> Result<()> {
        let tools = &mut self.tools;
        self.slice.theta_into(point.coordinates, &mut tools.theta);
        tools.hessian.move_to(&tools.theta)?;
        // The second time points are numbered on.
        match point.number.checked_sub(self.store.points()) {
            None => {
                let outcome = self.first_time(point.number, out);
                self.store.finish(point.number);
                outcome
            }
            Some(point) => self.again(point, out),
        }
    }

    fn first_time(&mut self, index: usize, out: &mut [f64]) -> Result<()> {
        let Self { ratio: EigenRatio { lanczos, warm, .. }, store, tools, .. } = self;
        let [i, j] = [index / store.columns, index % store.columns];
        let stream = (store.number * store.points() + index) as u64;
        let expected = if *warm { warm_start(store, tools, i, j) } else { None };
        let Tools { hessian, process, sums: [start, _], .. } = tools;
        let known = expected.map(|_| (start.as_slice(), RANDOM_SHARE));
        process.start(Start { seed: lanczos.seed, stream, warm: known });
        let (mut by_accord, mut glanced) = (false, false);
        let mut extremes = if expected.is_some() {
            lanczos.clone().by_residuals(true).advance(process, hessian)?
        } else {
            lanczos.advance(process, hessian)?
        };
        if let Some(expected) = expected.filter(|_| extremes.end == LanczosEnd::Residuals) {
            by_accord = is_as_expected(&extremes, expected, lanczos.tolerance);
            if !by_accord {
                let glance = lanczos.clone().confidence(GLANCE.min(lanczos.confidence));
                glanced = extremes.restarts == 0 && glance.is_certified(&glance.known(process));
                if !glanced {
                    let end = glance.resume(process, hessian)?.end;
                    glanced = end == LanczosEnd::Certified;
                    // What is said of a point holds at the confidence asked for, or is not said.
                    let end = if glanced { LanczosEnd::Residuals } else { end };
                    extremes = Extremes { end, ..lanczos.known(process) };
                }
            }
        }
        let state = match state(lanczos, &extremes) {
            RatioState::Marked if by_accord || glanced => RatioState::Warm,
            state => state,
        };
        if state == RatioState::Certified && extremes.end == LanczosEnd::Residuals {
            extremes.end = LanczosEnd::Certified;
        }
        let by_accord = by_accord && state == RatioState::Warm;
        write(&extremes, state, extremes.products, out);
        let found = store.is_needed(index).then(|| {
            let Tools { process, one, .. } = tools;
            process.ritz(true);
            let last = process.theta.len() - 1;
            let vectors = [0, last].map(|which| {
                process.vector(which, one);
                one.iter().map(|&v| round(v)).collect()
            });
            Found { ends: [extremes.lambda_min, extremes.lambda_max], vectors }
        });
        let run = Run {
            end: extremes.end,
            state,
            by_accord,
            cold: expected.is_none(),
            audited: false,
            was_off: false,
            products: extremes.products,
            ratio: extremes.ratio(),
        };
        store.put(index, run, found);
        Ok(())
    }

    /// Cold, from another random vector.
    fn again(&mut self, index: usize, out: &mut [f64]) -> Result<()> {
        let Self { ratio: EigenRatio { lanczos, .. }, store, tools, .. } = self;
        #[expect(clippy::expect_used, reason = "only points that ran are asked for again")]
        let first = *store.first(index).expect("how the point went the first time");
        let stream = ((store.sets + store.number) * store.points() + index) as u64;
        let Tools { hessian, process, .. } = tools;
        process.start(Start { seed: lanczos.seed, stream, warm: None });
        let extremes = lanczos.advance(process, hessian)?;
        let (state, ratio) = (state(lanczos, &extremes), extremes.ratio());
        write(&extremes, state, first.products + extremes.products, out);
        let run = Run {
            end: extremes.end,
            state,
            by_accord: false,
            cold: true,
            audited: store.is_auditing(),
            was_off: (first.ratio - ratio).abs() > lanczos.tolerance * ratio.max(1.0),
            products: extremes.products,
            ratio,
        };
        store.put_again(index, run);
        Ok(())
    }
}

/// What the bounds alone say.
fn state<S>(lanczos: &Lanczos, extremes: &Extremes<S>) -> RatioState {
    if lanczos.is_certified(extremes) && !matches!(extremes.end, LanczosEnd::Asymmetric | LanczosEnd::Inexact)
    {
        RatioState::Certified
    } else {
        RatioState::Marked
    }
}

/// Where neighbours agree: their eigenvectors of both ends, summed to one start, and between which ends
/// they lead to expect the spectrum here.
fn warm_start<S: Scalar>(store: &Store, tools: &mut Tools<'_, S>, i: usize, j: usize) -> Option<[f64; 2]> {
    let Tools { sums, one, .. } = tools;
    let (rows, columns) = (store.rows, store.columns);
    let mut count = 0;
    let mut expected = [f64::INFINITY, f64::NEG_INFINITY];
    for pair in order::pairs(i, j, rows, columns) {
        let [Some(one_side), Some(other)] = pair.map(|near| store.found(near)) else {
            continue;
        };
        let middle = [0, 1].map(|end: usize| one_side.ends[end].midpoint(other.ends[end]));
        expected = [expected[0].min(middle[0]), expected[1].max(middle[1])];
        for found in [one_side, other] {
            for (sum, v) in sums.iter_mut().zip(&found.vectors) {
                for (one, &v) in one.iter_mut().zip(v) {
                    *one = S::from_f64(f64::from(f32::from_bits(u32::from(v) << 16)));
                }
                add_aligned(sum, one, count == 0);
            }
            count += 1;
        }
    }
    let [low, high] = [0, 1].map(|end: usize| norm(&sums[end]));
    let count = f64::from(count);
    // ‖Σv‖² is the sum of all cosines, those of each vector with itself among them.
    let cosine = (low.min(high).powi(2) - count) / (count * (count - 1.0));
    if cosine.is_nan() || cosine < AGREEMENT / count {
        return None;
    }
    // λ_max stands apart and needs less of the start than λ_min.
    let (weight, [start, highest]) = (0.5 * low / high, sums);
    for (start, highest) in start.iter_mut().zip(highest.iter()) {
        *start = S::from_f64(start.as_f64() + weight * highest.as_f64());
    }
    Some(expected)
}

/// Whether the ends found are where the neighbours lead to expect them, or farther out, as far as the
/// ratio can tell. A run that followed an eigenvector past a crossing finds an end too far in.
fn is_as_expected<S>(found: &Extremes<S>, [low, high]: [f64; 2], tolerance: f64) -> bool {
    // Signed, or a crossing of zero would look like agreement.
    let ratio = found.lambda_min / found.lambda_max;
    let deeper = found.lambda_min.min(low) / found.lambda_max;
    let flatter = found.lambda_min / found.lambda_max.max(high);
    let room = EXPECTATION * tolerance * ratio.abs().max(1.0);
    (ratio - deeper).abs() <= room && (ratio - flatter).abs() <= room
}

/// Adds a vector that has no sign of its own.
fn add_aligned<S: Scalar>(sum: &mut [S], v: &[S], first: bool) {
    if first {
        sum.copy_from_slice(v);
        return;
    }
    let flip = dot(sum, v) < 0.0;
    for (sum, &v) in sum.iter_mut().zip(v) {
        *sum = if flip { *sum - v } else { *sum + v };
    }
}

impl<M: HessianProduct<D> + ?Sized, D: ?Sized> Measurement<M, D> for RatioMeasurement<'_> {
    /// There is nothing to share, but data that do not fit are found.
    fn prepare<'p>(
        &'p self,
        model: &'p M,
        data: &'p D,
        _: usize,
        _: &'p Slice<'p, M::Scalar>,
    ) -> Result<Option<Box<dyn Prepared + 'p>>, OracleError> {
        HessianOperator::unplaced(model, data)?;
        Ok(None)
    }

    fn worker<'p>(
        &'p self,
        model: &'p M,
        data: &'p D,
        set: usize,
        slice: &'p Slice<'p, M::Scalar>,
    ) -> Result<Box<dyn Worker + 'p>, OracleError> {
        Ok(Box::new(RatioWorker::new(self.ratio, self.stores.get(set), slice, model, data)?))
    }
}

impl<S: Scalar> Worker for RatioWorker<'_, S> {
    fn evaluate(&mut self, points: &[Point], _: usize, out: &mut [f64]) -> Result<(), OracleError> {
        for (&point, out) in points.iter().zip(out.chunks_exact_mut(CHANNELS.len())) {
            self.evaluate_one(point, out)?;
        }
        Ok(())
    }
}

fn write<S>(extremes: &Extremes<S>, state: RatioState, products: usize, out: &mut [f64]) {
    let [low, high] = extremes.ratio_interval();
    let sign = if extremes.lambda_min == 0.0 { 0.0 } else { extremes.lambda_min.signum() };
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
        products as f64,
        f64::from(u8::from(state == RatioState::Certified)),
        f64::from(state.number()),
    ]);
}

/// The upper half of an f32, rounded to nearest: eight bits are plenty for a start.
fn round<S: Scalar>(v: S) -> u16 {
    ((v.as_f64() as f32).to_bits().saturating_add(0x8000) >> 16) as u16
}
