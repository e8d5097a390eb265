//! The largest rise of the loss that projected gradient ascent finds.

use rayon::prelude::*;

use super::{average::evaluate, ellipsoid::Ellipsoid};
use crate::{
    Gradient, Scalar,
    landscape::PointFailure,
    params::{dot, norm},
};

/// The largest rise of the loss that was found within the ellipsoid: a **lower bound** of max L(θ + δ) − L(θ).
/// [`Sharpness::worst`](super::Sharpness::worst) makes it.
///
/// ```
/// use loss_landscape::{Gradient, Layout, Loss, Model, OracleError, curvature::Sharpness};
/// # struct Bowl { layout: Layout, theta: Vec<f64> }
/// # impl Model for Bowl {
/// #     type Scalar = f64;
/// #     fn layout(&self) -> &Layout { &self.layout }
/// #     fn parameters(&self) -> &[f64] { &self.theta }
/// # }
/// # impl Loss<()> for Bowl {
/// #     fn loss(&self, t: &[f64], _: &()) -> Result<f64, OracleError> {
/// #         Ok(t.iter().zip(1..).map(|(t, c)| f64::from(c) * t * t / 2.0).sum())
/// #     }
/// # }
/// # impl Gradient<()> for Bowl {
/// #     fn gradient(&self, t: &[f64], data: &(), out: &mut [f64]) -> Result<f64, OracleError> {
/// #         out.iter_mut().zip(t).zip(1..).for_each(|((out, t), c)| *out = f64::from(c) * t);
/// #         self.loss(t, data)
/// #     }
/// # }
///
/// // L = Σ i·t_i²/2, i from 1 to 4, at its minimum.
/// let bowl = Bowl { layout: Layout::flat(4)?, theta: vec![0.0; 4] };
/// let found = Sharpness::new(0.1).restarts(3).worst(&bowl, bowl.parameters(), &())?;
/// assert!((found.value - 0.01 * 4.0 / 2.0).abs() < 1e-8);
/// assert!(found.rises.len() == 3 && (found.reach - 1.0).abs() < 1e-12 && found.alignment > 0.999);
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct WorstSharpness {
    /// The largest rise that was found, 0 or more: a lower bound.
    #[cfg_attr(feature = "serde", serde(with = "crate::wire::forms"))]
    pub value: f64,
    /// L(θ).
    #[cfg_attr(feature = "serde", serde(with = "crate::wire::forms"))]
    pub loss: f64,
    /// The rise that each start found; NaN for a start without a finite loss. Where they differ, more starts may find
    /// more.
    #[cfg_attr(feature = "serde", serde(with = "crate::wire::forms"))]
    pub rises: Vec<f64>,
    /// ‖δ/c‖/ρ of the best perturbation: 1 on the surface of the ellipsoid. 0 if nothing rises.
    #[cfg_attr(feature = "serde", serde(with = "crate::wire::forms"))]
    pub reach: f64,
    /// The cosine between δ/c and c⊙∇L at the best perturbation: 1 where no step along the surface rises any more.
    /// NaN if nothing rises.
    #[cfg_attr(feature = "serde", serde(with = "crate::wire::forms"))]
    pub alignment: f64,
    /// The number of gradients in all.
    pub gradients: usize,
    /// The number of losses or gradients that failed or were not finite. Steps do not go there, although the rise may
    /// be largest there.
    pub bad: usize,
    /// What the first of them was, in the order of the starts.
    pub failure: Option<PointFailure>,
}

/// What is asked of an ascent.
pub(super) struct Ascent {
    /// Gradients for each start, at most.
    pub(super) steps: usize,
}

/// Steps that are shorter than this share of the radius end an ascent.
const SHORTEST: f64 = 1e-9;
/// Steps are at most this many radii long. Far beyond the surface a step is the next vector of the power method.
const LONGEST: f64 = 1e3;
/// The factor on a step that rose, and the divisor of one that did not.
const FACTOR: f64 = 4.0;

impl Ascent {
    /// From all starts u, in parallel: `start` writes the one of this number, of any length but 0.
    pub(super) fn run<M, D>(
        &self,
        ellipsoid: &Ellipsoid<'_, M::Scalar>,
        model: &M,
        data: &D,
        loss: f64,
        starts: usize,
        start: impl Fn(usize, &mut [M::Scalar]) + Sync,
    ) -> WorstSharpness
    where
        M: Gradient<D> + Sync + ?Sized,
        D: Sync + ?Sized,
    {
        let climbs: Vec<Climb> = (0..starts)
            .into_par_iter()
            .map_init(
                || Places::new(model.layout().len()),
                |places, index| {
                    start(index, &mut places.u);
                    self.climb(ellipsoid, model, data, loss, places)
                },
            )
            .collect();
        // The first of the highest; NaN is not above 0.
        let rising = climbs.iter().filter(|climb| climb.rise > 0.0);
        let best = rising.reduce(|best, other| if other.rise > best.rise { other } else { best });
        WorstSharpness {
            value: best.map_or(0.0, |best| best.rise),
            loss,
            rises: climbs.iter().map(|climb| climb.rise).collect(),
            reach: best.map_or(0.0, |best| best.reach),
            alignment: best.map_or(f64::NAN, |best| best.alignment),
            gradients: climbs.iter().map(|climb| climb.gradients).sum(),
            bad: climbs.iter().map(|climb| climb.bad).sum(),
            failure: climbs.into_iter().find_map(|climb| climb.failure),
        }
    }

    /// u ← Π(u + s·g/‖g‖) with g = c⊙∇L(θ + c⊙u), as long as the loss rises. A step that does not is taken back and
    /// tried shorter.
    fn climb<M, D>(
        &self,
        ellipsoid: &Ellipsoid<'_, M::Scalar>,
        model: &M,
        data: &D,
        loss: f64,
        places: &mut Places<M::Scalar>,
    ) -> Climb
    where
        M: Gradient<D> + ?Sized,
        D: ?Sized,
    {
        let radius = ellipsoid.radius;
        let Places { u, g, next, next_g, theta } = places;
        let mut climb =
            Climb { rise: f64::NAN, reach: 0.0, alignment: f64::NAN, gradients: 0, bad: 0, failure: None };
        ellipsoid.clear_rest(u);
        let length = norm(&*u);
        stretch(u, radius / length);
        let Some(mut height) = climb.look(ellipsoid, model, data, u, g, theta) else { return climb };
        let mut step = radius;
        while climb.gradients < self.steps && step >= SHORTEST * radius {
            let slope = norm(&*g);
            if slope == 0.0 {
                break;
            }
            for ((next, u), g) in next.iter_mut().zip(&*u).zip(&*g) {
                *next = M::Scalar::from_f64(u.as_f64() + step / slope * g.as_f64());
            }
            let length = norm(&*next);
            if length > radius {
                stretch(next, radius / length);
            }
            match climb.look(ellipsoid, model, data, next, next_g, theta) {
                Some(found) if found > height => {
                    height = found;
                    std::mem::swap(u, next);
                    std::mem::swap(g, next_g);
                    step = (step * FACTOR).min(LONGEST * radius);
                }
                _ => step /= FACTOR,
            }
        }
        climb.rise = height - loss;
        climb.reach = norm(&*u) / radius;
        climb.alignment = dot(&*u, &*g) / (norm(&*u) * norm(&*g));
        climb
    }
}

fn stretch<S: Scalar>(vector: &mut [S], factor: f64) {
    for value in vector {
        *value = S::from_f64(value.as_f64() * factor);
    }
}

/// One thread's memory: a place and a gradient, the next ones, and θ + c⊙u.
struct Places<S> {
    u: Vec<S>,
    g: Vec<S>,
    next: Vec<S>,
    next_g: Vec<S>,
    theta: Vec<S>,
}

impl<S: Scalar> Places<S> {
    fn new(n: usize) -> Self {
        let [u, g, next, next_g] = [(); 4].map(|()| vec![S::zero(); n]);
        Self { u, g, next, next_g, theta: Vec::new() }
    }
}

/// What one start found.
struct Climb {
    rise: f64,
    reach: f64,
    alignment: f64,
    gradients: usize,
    bad: usize,
    failure: Option<PointFailure>,
}

impl Climb {
    /// The loss at u, and its derivative by u; counted if there is none.
    fn look<M, D>(
        &mut self,
        ellipsoid: &Ellipsoid<'_, M::Scalar>,
        model: &M,
        data: &D,
        u: &[M::Scalar],
        g: &mut [M::Scalar],
        theta: &mut Vec<M::Scalar>,
    ) -> Option<f64>
    where
        M: Gradient<D> + ?Sized,
        D: ?Sized,
    {
        self.gradients += 1;
        ellipsoid.point(u, 1.0, theta);
        // An element that the model leaves unwritten must not pass for a derivative.
        g.fill(M::Scalar::from_f64(f64::NAN));
        let found = evaluate(|| model.gradient(theta, data, g)).and_then(|loss| {
            ellipsoid.pull(g);
            let value = norm(&*g);
            let bad = || PointFailure::NonFinite { channel: "gradient".to_owned(), value };
            value.is_finite().then_some(loss).ok_or_else(bad)
        });
        if let Err(failure) = &found {
            self.bad += 1;
            self.failure.get_or_insert_with(|| failure.clone());
        }
        found.ok()
    }
}
