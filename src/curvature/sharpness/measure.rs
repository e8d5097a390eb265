//! The measurement of sharpness.

use super::{
    ascent::{Ascent, WorstSharpness},
    average::{AverageSharpness, Averaging, ensure_loss},
    ellipsoid::{Ellipsoid, SharpnessScale},
    report::SharpnessReport,
};
use crate::{
    Error, Gradient, HessianProduct, Loss, Mask, OracleError, Result, Scalar,
    curvature::{
        estimate::{Probe, TraceEstimator},
        gradient_at::gradient_at,
        lanczos::Lanczos,
        operator::{HessianOperator, SymmetricOperator},
    },
    model::guarded,
};

/// Measures how much the loss rises around θ: on average over random perturbations, in the worst case within an
/// ellipsoid, and by the curvature that both follow at a minimum.
///
/// With c = 1 ([plain](SharpnessScale::Plain)) or c = |θ| ([relative](SharpnessScale::Relative)) and a radius ρ,
///
/// - [`average`](Self::average): E L(θ + δ) − L(θ) for δ ~ N(0, ρ²c²), by draws;
/// - [`worst`](Self::worst): max L(θ + δ) − L(θ) over ‖δ/c‖₂ ≤ ρ, of which projected gradient ascent gives a lower
///   bound. A perturbation of the average is about √n times as long as the longest of these;
/// - [`report`](Self::report): both, beside λ_max and the trace of diag(c)·H·diag(c). At a minimum and for small ρ the
///   worst case is ρ²·λ_max/2 and the average ρ²·tr/2.
///
/// **What it does not say.** None of these measures predicts which of two networks generalises better. Over many
/// trainings "sharpness does not correlate well with generalization but rather with some training parameters like the
/// learning rate", and for some tasks it correlates negatively (Andriushchenko et al.,
/// [2023](https://arxiv.org/abs/2302.07011), who measured the relative forms, which no rescaling of layers can change,
/// for that very reason). They say how the loss looks around one point.
///
/// Buffers always stand still. The model and the data are shared by all threads of rayon's current pool; results have
/// the same bits for any number of them.
///
/// ```
/// use loss_landscape::curvature::{Sharpness, SharpnessScale};
/// use loss_landscape::{Gradient, HessianProduct, Layout, Loss, Model, OracleError};
/// # struct Bowl { layout: Layout, theta: Vec<f64> }
/// # impl Model for Bowl {
/// #     type Scalar = f64;
/// #     fn layout(&self) -> &Layout { &self.layout }
/// #     fn parameters(&self) -> &[f64] { &self.theta }
/// # }
/// # impl Loss<()> for Bowl {
/// #     fn loss(&self, t: &[f64], _: &()) -> Result<f64, OracleError> {
/// #         Ok(t.iter().zip(1..).map(|(t, c)| f64::from(c) * (t - 2.0).powi(2) / 2.0).sum())
/// #     }
/// # }
/// # impl Gradient<()> for Bowl {
/// #     fn gradient(&self, t: &[f64], data: &(), out: &mut [f64]) -> Result<f64, OracleError> {
/// #         out.iter_mut().zip(t).zip(1..).for_each(|((out, t), c)| *out = f64::from(c) * (t - 2.0));
/// #         self.loss(t, data)
/// #     }
/// # }
/// # impl HessianProduct<()> for Bowl {}
///
/// // L = Σ i·(t_i − 2)²/2, i from 1 to 4, at its minimum: H = diag(1, 2, 3, 4), and c = 2 in the relative form.
/// let bowl = Bowl { layout: Layout::flat(4)?, theta: vec![2.0; 4] };
/// for (scale, c) in [(SharpnessScale::Plain, 1.0), (SharpnessScale::Relative, 2.0_f64)] {
///     let report = Sharpness::new(0.1).scale(scale).report(&bowl, bowl.parameters(), &())?;
///     let half = 0.1_f64.powi(2) / 2.0 * c.powi(2);
///     assert!((report.worst.value - half * 4.0).abs() < 1e-6);
///     let [low, high] = report.average.interval;
///     assert!(low <= half * 10.0 && half * 10.0 <= high);
///     assert!((report.trace.value - c.powi(2) * 10.0).abs() < 1e-6);
/// }
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Clone, Debug)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(default, deny_unknown_fields)
)]
#[must_use]
pub struct Sharpness {
    #[cfg_attr(feature = "serde", serde(with = "crate::wire::forms"))]
    radius: f64,
    scale: SharpnessScale,
    mask: Option<Mask>,
    draws: usize,
    antithetic: bool,
    #[cfg_attr(feature = "serde", serde(with = "crate::wire::forms"))]
    confidence: f64,
    restarts: usize,
    steps: usize,
    seed: u64,
    lanczos: Lanczos,
    trace: TraceEstimator,
}

/// The first stream of the starts of ascents; draws have the streams from 0 on.
const START_STREAM: u64 = 1 << 40;

/// ρ = 0.05, the radius that sharpness-aware minimisation was published with (Foret et al., 2021).
impl Default for Sharpness {
    fn default() -> Self {
        Self::new(0.05)
    }
}

impl Sharpness {
    /// Sharpness within the radius ρ, finite and above 0: plain, in all parameters except buffers, 100 draws, 8
    /// restarts of 50 gradients.
    pub fn new(radius: f64) -> Self {
        Self {
            radius,
            scale: SharpnessScale::Plain,
            mask: None,
            draws: 100,
            antithetic: false,
            confidence: 0.95,
            restarts: 8,
            steps: 50,
            seed: 0,
            lanczos: Lanczos::new(),
            trace: TraceEstimator::new(),
        }
    }

    /// The lengths of the ellipsoid's axes; [`SharpnessScale::Plain`] by default.
    pub fn scale(self, scale: SharpnessScale) -> Self {
        Self { scale, ..self }
    }

    /// Perturbs these blocks alone, buffers never.
    pub fn mask(self, mask: &Mask) -> Self {
        Self { mask: Some(mask.clone()), ..self }
    }

    /// The number of random perturbations of the average, 1 or more; 100 by default. An interval takes 2, a reliable
    /// one about 12.
    pub fn draws(self, draws: usize) -> Self {
        Self { draws, ..self }
    }

    /// Whether each draw is the mean of the losses at θ + δ and θ − δ, which costs twice as much and takes what is odd
    /// in δ out of the spread, the slope above all; not by default. It pays where θ is no minimum.
    pub fn antithetic(self, antithetic: bool) -> Self {
        Self { antithetic, ..self }
    }

    /// The probability of the average's interval, above 0 and below 1; 0.95 by default.
    pub fn confidence(self, confidence: f64) -> Self {
        Self { confidence, ..self }
    }

    /// The number of random starts of the ascent, 1 or more; 8 by default.
    pub fn restarts(self, restarts: usize) -> Self {
        Self { restarts, ..self }
    }

    /// The most gradients for each start, 1 or more; 50 by default.
    pub fn steps(self, steps: usize) -> Self {
        Self { steps, ..self }
    }

    /// The seed of draws and starts; 0 by default. Draw k is z ~ N(0, 1) for every parameter of the layout, from stream
    /// k of the seed's `ChaCha8Rng`, whatever the mask, and δ = ρ·c⊙z.
    pub fn seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// The settings of the Lanczos run for λ_max in a [report](Self::report).
    pub fn lanczos(self, lanczos: Lanczos) -> Self {
        Self { lanczos, ..self }
    }

    /// The settings of the trace in a [report](Self::report).
    pub fn trace(self, trace: TraceEstimator) -> Self {
        Self { trace, ..self }
    }

    /// The average case at `theta`: needs losses alone, [`draws`](Self::draws) of them (twice as many in antithetic
    /// pairs) and one more, with memory for two θ a thread.
    ///
    /// A draw whose loss fails or is not finite is left out and counted: see [`AverageSharpness`].
    ///
    /// # Errors
    /// [`Error::Setting`] for a radius, confidence or number out of range; [`Error::Length`] or [`Error::NonFinite`] for
    /// θ; [`Error::LayoutMismatch`] or [`Error::EmptyMask`] for the mask; [`Error::NothingToPerturb`] in the relative
    /// form where θ is 0; [`Error::NonFiniteLoss`], [`Error::Oracle`] or [`Error::OraclePanicked`] at θ itself.
    pub fn average<M, D>(&self, model: &M, theta: &[M::Scalar], data: &D) -> Result<AverageSharpness>
    where
        M: Loss<D> + Sync + ?Sized,
        D: Sync + ?Sized,
    {
        let ellipsoid = self.ellipsoid(model, theta)?;
        self.averaged(&ellipsoid, model, theta, data)
    }

    /// The same mean over perturbations of yours, δ = ρ·c⊙z for each of these z: those of another program, or of
    /// another distribution. The standard error and the interval are right for independent ones.
    ///
    /// ```
    /// use loss_landscape::{FnModel, Layout, Model, curvature::Sharpness};
    ///
    /// let model = FnModel::new(Layout::flat(2)?, vec![0.0; 2], |t: &[f64], _: &()| t[0] * t[0] + 3.0 * t[1] * t[1])?;
    /// let along_the_axes = [[1.0, 0.0], [0.0, 1.0]];
    /// let found = Sharpness::new(0.1).average_over(&model, model.parameters(), &(), &along_the_axes)?;
    /// assert!((found.value - 0.01 * (1.0 + 3.0) / 2.0).abs() < 1e-15);
    /// # Ok::<(), loss_landscape::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`average`](Self::average); [`Error::Length`] or [`Error::NonFinite`] for a z.
    pub fn average_over<M, D, Z>(
        &self,
        model: &M,
        theta: &[M::Scalar],
        data: &D,
        draws: &[Z],
    ) -> Result<AverageSharpness>
    where
        M: Loss<D> + Sync + ?Sized,
        D: Sync + ?Sized,
        Z: AsRef<[M::Scalar]> + Sync,
    {
        let of_these = Self { draws: draws.len(), ..self.clone() };
        let ellipsoid = of_these.ellipsoid(model, theta)?;
        for (index, z) in draws.iter().enumerate() {
            model.layout().ensure_finite(&format!("draw {index}"), z.as_ref())?;
        }
        let loss = ensure_loss(guarded("computing the loss at θ", || model.loss(theta, data))?)?;
        let draw = |index: usize, z: &mut [M::Scalar]| z.copy_from_slice(draws[index].as_ref());
        Ok(of_these.averaging().run(&ellipsoid, model, data, loss, draw))
    }

    /// The worst case at `theta`, from below: [`restarts`](Self::restarts) ascents of [`steps`](Self::steps) gradients
    /// at most, and one gradient more, with memory for five θ a thread.
    ///
    /// Each ascent begins at a random place of the surface of the ellipsoid. It steps along the gradient in the
    /// coordinates δ/c, back into the ellipsoid, as long as the loss rises; steps that rise grow, others are tried
    /// shorter. Places where the loss or its gradient is not finite are not gone to, and counted.
    ///
    /// # Errors
    /// As [`average`](Self::average).
    pub fn worst<M, D>(&self, model: &M, theta: &[M::Scalar], data: &D) -> Result<WorstSharpness>
    where
        M: Gradient<D> + Sync + ?Sized,
        D: Sync + ?Sized,
    {
        let ellipsoid = self.ellipsoid(model, theta)?;
        let [loss, _] = Self::foot(&ellipsoid, model, theta, data)?;
        Ok(self.climbed(&ellipsoid, model, data, loss, &[]))
    }

    /// Both, beside λ_max and the trace of diag(c)·H·diag(c) and the gradient norm ‖c⊙∇L‖ at `theta`. The ascents also
    /// start along the eigenvector of λ_max, on both sides, so that [`WorstSharpness::rises`] has two entries more.
    ///
    /// # Errors
    /// As [`average`](Self::average), and those of [`HessianOperator::new`], [`Lanczos::run`] and
    /// [`TraceEstimator::run`].
    pub fn report<M, D>(&self, model: &M, theta: &[M::Scalar], data: &D) -> Result<SharpnessReport<M::Scalar>>
    where
        M: HessianProduct<D> + Sync + ?Sized,
        D: Sync + ?Sized,
    {
        let ellipsoid = self.ellipsoid(model, theta)?;
        let [loss, gradient_norm] = Self::foot(&ellipsoid, model, theta, data)?;
        let mut hessian = HessianOperator::new(model, theta, data)?;
        // What the ellipsoid cannot move has no axis, and what is masked no share in the spectrum.
        let trained = Mask::trained(model.layout());
        let chosen = self.mask.as_ref().map(|mask| mask.and(&trained)).transpose()?;
        hessian = hessian.restricted(chosen.as_ref())?;
        let axes: Vec<f64> = ellipsoid.chosen().map(|index| ellipsoid.axis(index)).collect();
        let mut scaled = Scaled { hessian, axes, vectors: Vec::new() };
        let mut extremes = self.lanczos.clone().vectors(true).run(&mut scaled)?;
        let trace = self.trace.run(&mut scaled)?;
        let vectors = extremes.vectors.take();
        let steepest = match &vectors {
            Some([_, top]) => vec![scaled.hessian.embed(top)?],
            None => Vec::new(),
        };
        if self.lanczos.vectors {
            extremes.vectors = vectors;
        }
        Ok(SharpnessReport {
            radius: self.radius,
            scale: self.scale,
            parameters: scaled.axes.len(),
            loss,
            gradient_norm,
            average: self.averaged(&ellipsoid, model, theta, data)?,
            worst: self.climbed(&ellipsoid, model, data, loss, &steepest),
            extremes,
            trace,
        })
    }

    fn averaging(&self) -> Averaging {
        Averaging { draws: self.draws, antithetic: self.antithetic, confidence: self.confidence }
    }

    fn averaged<M, D>(
        &self,
        ellipsoid: &Ellipsoid<'_, M::Scalar>,
        model: &M,
        theta: &[M::Scalar],
        data: &D,
    ) -> Result<AverageSharpness>
    where
        M: Loss<D> + Sync + ?Sized,
        D: Sync + ?Sized,
    {
        let loss = ensure_loss(guarded("computing the loss at θ", || model.loss(theta, data))?)?;
        let draw = |index: usize, z: &mut [M::Scalar]| Probe::Gaussian.draw(self.seed, index as u64, z);
        Ok(self.averaging().run(ellipsoid, model, data, loss, draw))
    }

    /// From random starts, and from both sides of these vectors.
    fn climbed<M, D>(
        &self,
        ellipsoid: &Ellipsoid<'_, M::Scalar>,
        model: &M,
        data: &D,
        loss: f64,
        along: &[Vec<M::Scalar>],
    ) -> WorstSharpness
    where
        M: Gradient<D> + Sync + ?Sized,
        D: Sync + ?Sized,
    {
        let start = |index: usize, u: &mut [M::Scalar]| match index.checked_sub(self.restarts) {
            None => Probe::Gaussian.draw(self.seed, START_STREAM + index as u64, u),
            Some(rest) => {
                for (u, &along) in u.iter_mut().zip(&along[rest / 2]) {
                    *u = if rest % 2 == 0 { along } else { -along };
                }
            }
        };
        let starts = self.restarts + 2 * along.len();
        Ascent { steps: self.steps }.run(ellipsoid, model, data, loss, starts, start)
    }

    /// The loss at θ as gradients give it, and ‖c⊙∇L‖.
    fn foot<M, D>(
        ellipsoid: &Ellipsoid<'_, M::Scalar>,
        model: &M,
        theta: &[M::Scalar],
        data: &D,
    ) -> Result<[f64; 2]>
    where
        M: Gradient<D> + ?Sized,
        D: ?Sized,
    {
        let (loss, mut gradient) = gradient_at(model, theta, data)?;
        let loss = ensure_loss(loss)?;
        ellipsoid.pull(&mut gradient);
        Ok([loss, crate::params::norm(&gradient)])
    }

    fn ellipsoid<'t, M: crate::Model + ?Sized>(
        &self,
        model: &M,
        theta: &'t [M::Scalar],
    ) -> Result<Ellipsoid<'t, M::Scalar>> {
        let count = |value: usize| (value as f64, value > 0);
        let settings = [
            ("the radius", "finite and above 0", (self.radius, self.radius > 0.0 && self.radius.is_finite())),
            ("the number of draws", "1 or more", count(self.draws)),
            ("the number of restarts", "1 or more", count(self.restarts)),
            ("the steps of an ascent", "1 or more", count(self.steps)),
            (
                "the confidence",
                "above 0 and below 1",
                (self.confidence, self.confidence > 0.0 && self.confidence < 1.0),
            ),
        ];
        if let Some(&(setting, needs, (value, _))) = settings.iter().find(|(_, _, (_, fine))| !fine) {
            return Err(Error::Setting { setting, needs, value });
        }
        Ellipsoid::new(model.layout(), theta, self.scale, self.radius, self.mask.as_ref())
    }
}

/// diag(c)·H·diag(c).
struct Scaled<'a, S> {
    hessian: HessianOperator<'a, S>,
    /// c, for the operator's parameters.
    axes: Vec<f64>,
    /// c⊙v.
    vectors: Vec<S>,
}

impl<S: Scalar> SymmetricOperator for Scaled<'_, S> {
    type Scalar = S;

    fn dimension(&self) -> usize {
        self.hessian.dimension()
    }

    fn apply(&mut self, v: &[S], out: &mut [S]) -> Result<(), OracleError> {
        self.apply_several(v, out)
    }

    fn apply_several(&mut self, vectors: &[S], out: &mut [S]) -> Result<(), OracleError> {
        self.vectors.clear();
        self.vectors.extend_from_slice(vectors);
        let scale = |vectors: &mut [S], axes: &[f64]| {
            for v in vectors.chunks_exact_mut(axes.len()) {
                v.iter_mut().zip(axes).for_each(|(v, &axis)| *v = S::from_f64(v.as_f64() * axis));
            }
        };
        scale(&mut self.vectors, &self.axes);
        self.hessian.apply_several(&self.vectors, out)?;
        scale(out, &self.axes);
        Ok(())
    }

    /// c⊙v is at most max c as long as v, and so is the error of H·(c⊙v) after the second factor.
    fn product_error(&self) -> f64 {
        let longest = self.axes.iter().copied().fold(0.0, f64::max);
        longest * longest * self.hessian.product_error()
    }
}
