//! Central differences: of losses for gradients, of gradients for Hessian-vector products.

use std::cell::Cell;

use ndarray_rand::rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

use super::{Gradient, HessianProduct, Loss, OracleError};
use crate::{Mask, Scalar, params::norm};

/// ∂L/∂θᵢ by a central difference with step ε^⅓·max(1, |θᵢ|); `theta` is restored.
pub(super) fn partial<D: ?Sized, M: Loss<D> + ?Sized>(
    model: &M,
    theta: &mut [M::Scalar],
    index: usize,
    data: &D,
) -> Result<f64, OracleError> {
    let centre = theta[index];
    let step = M::Scalar::EPSILON.cbrt() * centre.as_f64().abs().max(1.0);
    theta[index] = M::Scalar::from_f64(centre.as_f64() + step);
    let (above, loss_above) = (theta[index], model.loss(theta, data));
    theta[index] = M::Scalar::from_f64(centre.as_f64() - step);
    let (below, loss_below) = (theta[index], model.loss(theta, data));
    theta[index] = centre;
    // Rounding has changed the step, so the difference of the two places is what counts.
    Ok((loss_above? - loss_below?) / (above.as_f64() - below.as_f64()))
}

/// d²L(θ + s·u)/ds² at 0 along a vector of length 1, from losses alone: of second differences at six steps, each half of
/// the one before, the two neighbours that agree best are extrapolated.
pub(super) fn second<D: ?Sized, M: Loss<D> + ?Sized>(
    model: &M,
    theta: &[M::Scalar],
    u: &[M::Scalar],
    data: &D,
) -> Result<f64, OracleError> {
    let mut moved = theta.to_vec();
    let mut loss = |step: f64| {
        for ((moved, theta), u) in moved.iter_mut().zip(theta).zip(u) {
            *moved = M::Scalar::from_f64(theta.as_f64() + step * u.as_f64());
        }
        model.loss(&moved, data)
    };
    let centre = loss(0.0)?;
    let mut step = M::Scalar::EPSILON.powf(0.25) * (1.0 + norm(theta));
    let mut found = Vec::new();
    for _ in 0..6 {
        found.push((loss(step)? - 2.0 * centre + loss(-step)?) / (step * step));
        step /= 2.0;
    }
    let pairs = found.windows(2).map(|pair| ((pair[1] - pair[0]).abs(), (4.0 * pair[1] - pair[0]) / 3.0));
    Ok(pairs.min_by(|a, b| a.0.total_cmp(&b.0)).map_or(f64::NAN, |(_, best)| best))
}

/// Products with the Hessian at one θ by central differences of gradients, with a step that is fitted to the model.
///
/// A central difference with the step h along a unit vector v has two errors: T·h²/6, where T = ‖D⁴L[v, v, v]‖, and
/// η/(√2·h), where η is the noise of a gradient. Both are measured, since neither can be known from θ alone: η from the
/// second difference of three gradients so close to each other that only rounding tells them apart (J. Moré, S. Wild,
/// *Estimating computational noise*, SIAM J. Sci. Comput. 33, 2011), T from two differences at h and h/2. The step is
/// the one with the least sum. At kinks (ReLU) the differences at two steps disagree without any T; then the error
/// that is reported is large.
pub(super) struct Differences<S> {
    theta: Vec<S>,
    trained: Mask,
    /// The step along a vector of length 1.
    step: f64,
    error: f64,
    /// θ moved, and the gradient below.
    moved: Vec<S>,
    below: Vec<S>,
}

/// The longest and shortest step, as shares of e^⅓·(1 + ‖θ‖) for the relative noise e of gradients, which is not taken
/// for less than ε, nor its root for more than NOISIEST.
const NOISIEST: f64 = 0.5;
const LONGEST: f64 = 0.5;
const SHORTEST: f64 = 1e-3;
/// How often the step is fitted, and how much shorter than the steps that were tried the best one may be.
const FITS: usize = 4;
const SHORTER: f64 = 0.125;
/// How much farther gradients are compared where they are equal, and up to which share of 1 + ‖θ‖.
const FARTHER: f64 = 16.0;
const FARTHEST: f64 = 0.05;
/// The error of a product along other vectors than those of the fit: it is estimated along one, and is larger along the
/// eigenvectors of large eigenvalues.
const OTHERS: f64 = 2.0;
/// The seed of the vector that steps are fitted along.
const SEED: u64 = 0x5eed;

impl<S: Scalar> Differences<S> {
    /// Fits the step at θ, by 9 gradients where the first steps that are tried are good, and seldom more than 21.
    pub(super) fn fit<D: ?Sized, M>(model: &M, theta: &[S], data: &D) -> Result<Self, OracleError>
    where
        M: Gradient<D, Scalar = S> + ?Sized,
    {
        let layout = model.layout();
        layout.ensure_length("θ", theta.len())?;
        let unwritten = || vec![S::from_f64(f64::NAN); theta.len()];
        let trained = Mask::trained(layout);
        let mut fit = Self {
            theta: theta.to_vec(),
            trained,
            step: 0.0,
            error: 0.0,
            moved: unwritten(),
            below: unwritten(),
        };
        let size = 1.0 + norm(theta);
        let mut share = S::EPSILON.cbrt();
        let mut step = LONGEST * share * size;

        // One product leans a random vector towards the large eigenvalues, where errors are large too.
        let mut generator = ChaCha8Rng::seed_from_u64(SEED);
        let random: Vec<f64> = (0..theta.len()).map(|_| StandardNormal.sample(&mut generator)).collect();
        let Some(random) = fit.unit(random)? else { return Ok(fit) };
        let leaning = fit.difference(model, data, &random, step)?;
        let curvature = length_of(leaning.iter().copied());
        let mut v = fit.unit(leaning)?.unwrap_or_else(|| random.clone());

        let noise = fit.noise(model, data, &v)?;
        if noise == 0.0 {
            fit.step = step;
            return Ok(fit);
        }
        // Gradients may have fewer digits than S, and then take longer steps.
        let noisy = (noise / (curvature * size)).cbrt().min(NOISIEST);
        if noisy > 2.0 * share {
            share = noisy;
            step = LONGEST * share * size;
            let leaning = fit.difference(model, data, &random, step)?;
            v = fit.unit(leaning)?.unwrap_or(random);
        }
        let shortest = SHORTEST * share * size;
        for _ in 0..FITS {
            let whole = fit.difference(model, data, &v, step)?;
            let half = fit.difference(model, data, &v, step / 2.0)?;
            let apart = length_of(whole.iter().zip(&half).map(|(a, b)| a - b));
            // The difference of the two differences has noise of its own, which is not taken for less than a third.
            let own = noise / step * 2.5_f64.sqrt();
            let truncation = (apart * apart - own * own).max(0.0).sqrt().max(own / 3.0);
            let fourth = 8.0 * truncation / (step * step);
            let best = (3.0 * noise / (std::f64::consts::SQRT_2 * fourth)).cbrt();
            let best = best.clamp(shortest, step);
            fit.step = best;
            fit.error = OTHERS * (best * best * fourth / 6.0 + noise / (std::f64::consts::SQRT_2 * best));
            if !fit.error.is_finite() {
                // A gradient is not finite there; the products will say so.
                (fit.step, fit.error) = (step / 2.0, 0.0);
                break;
            }
            if best >= SHORTER * step || best <= shortest {
                break;
            }
            step = 2.0 * best;
        }
        Ok(fit)
    }

    /// The noise of a gradient near θ, as a distance.
    fn noise<D: ?Sized, M>(&mut self, model: &M, data: &D, v: &[f64]) -> Result<f64, OracleError>
    where
        M: Gradient<D, Scalar = S> + ?Sized,
    {
        let length = norm(&self.theta);
        // A few units in the last place of most parameters.
        let mut near = 8.0 * S::EPSILON * if length > 0.0 { length } else { 1.0 };
        let here = self.gradient(model, data, v, 0.0)?;
        // Gradients still have their last place where others are equal by chance.
        let mut noise = 0.25 * S::EPSILON * length_of(here.iter().copied());
        loop {
            let next = self.gradient(model, data, v, near)?;
            let last = self.gradient(model, data, v, 2.0 * near)?;
            let still = (0..here.len()).filter(|&i| here[i] == next[i] && next[i] == last[i]).count();
            let none = |i: usize| here[i] == 0.0 && next[i] == 0.0 && last[i] == 0.0;
            let zero = (0..here.len()).filter(|&i| none(i)).count();
            // Gradients of fewer digits than S has, such as of half precision, are steps that are not seen from so near.
            let farther = near * FARTHER;
            let second =
                here.iter().zip(&next).zip(&last).map(|((here, next), last)| here - 2.0 * next + last);
            noise = noise.max(length_of(second) / 6.0_f64.sqrt());
            if 2 * (still - zero) > here.len() - zero && farther < FARTHEST * (1.0 + length) {
                near = farther;
                continue;
            }
            return Ok(noise);
        }
    }

    /// The estimated error of a product with a vector of length 1.
    pub(super) fn error(&self) -> f64 {
        self.error
    }

    /// Writes ∇²L(θ)·v, by two gradients.
    pub(super) fn product<D: ?Sized, M>(
        &mut self,
        model: &M,
        data: &D,
        v: &[S],
        out: &mut [S],
    ) -> Result<(), OracleError>
    where
        M: Gradient<D, Scalar = S> + ?Sized,
    {
        for (what, len) in [("v", v.len()), ("the product", out.len())] {
            model.layout().ensure_length(what, len)?;
        }
        let length = norm(v);
        if length == 0.0 {
            out.fill(S::from_f64(0.0));
            return Ok(());
        }
        let step = self.step / length;
        // An element that the gradient leaves unwritten must not pass for a value.
        out.fill(S::from_f64(f64::NAN));
        self.below.fill(S::from_f64(f64::NAN));
        self.move_along(v.iter().map(|v| v.as_f64()), step);
        model.gradient(&self.moved, data, out)?;
        self.move_along(v.iter().map(|v| v.as_f64()), -step);
        model.gradient(&self.moved, data, &mut self.below)?;
        for (out, below) in out.iter_mut().zip(&self.below) {
            *out = S::from_f64((out.as_f64() - below.as_f64()) / (2.0 * step));
        }
        Ok(())
    }

    /// The same along a vector of length 1 by the step s, in f64.
    pub(super) fn difference<D: ?Sized, M>(
        &mut self,
        model: &M,
        data: &D,
        v: &[f64],
        step: f64,
    ) -> Result<Vec<f64>, OracleError>
    where
        M: Gradient<D, Scalar = S> + ?Sized,
    {
        let above = self.gradient(model, data, v, step)?;
        let below = self.gradient(model, data, v, -step)?;
        Ok(above.iter().zip(&below).map(|(above, below)| (above - below) / (2.0 * step)).collect())
    }

    pub(super) fn step(&self) -> f64 {
        self.step
    }

    /// ∇L(θ + s·v).
    fn gradient<D: ?Sized, M>(
        &mut self,
        model: &M,
        data: &D,
        v: &[f64],
        step: f64,
    ) -> Result<Vec<f64>, OracleError>
    where
        M: Gradient<D, Scalar = S> + ?Sized,
    {
        self.move_along(v.iter().copied(), step);
        self.below.fill(S::from_f64(f64::NAN));
        model.gradient(&self.moved, data, &mut self.below)?;
        Ok(self.below.iter().map(|g| g.as_f64()).collect())
    }

    fn move_along(&mut self, v: impl Iterator<Item = f64>, step: f64) {
        for ((moved, theta), v) in self.moved.iter_mut().zip(&self.theta).zip(v) {
            *moved = S::from_f64(theta.as_f64() + step * v);
        }
    }

    /// The trained part of a vector, with length 1; None if it has none, or is not finite.
    pub(super) fn unit(&self, mut v: Vec<f64>) -> Result<Option<Vec<f64>>, OracleError> {
        self.trained.apply(&mut v)?;
        let length = length_of(v.iter().copied());
        if !(length > 0.0 && length.is_finite()) {
            return Ok(None);
        }
        for v in &mut v {
            *v /= length;
        }
        Ok(Some(v))
    }
}

/// The Euclidean length.
pub(super) fn length_of(values: impl Iterator<Item = f64>) -> f64 {
    values.map(|value| value * value).sum::<f64>().sqrt()
}

thread_local! {
    /// Whether a call asks only whether it ends in the provided product, and whether it did.
    static ASKED: Cell<Asked> = const { Cell::new(Asked::Nothing) };
}

#[derive(Clone, Copy, PartialEq)]
enum Asked {
    Nothing,
    WhetherProvided,
    ItIsProvided,
}

/// Multiplies with the model's own product; or, if that is the provided one, returns true without a product.
///
/// A trait cannot say whether a provided method was overridden. But a worker must know, because then it fits the step
/// once for all products at θ. So it asks by a call on this very thread.
pub(super) fn multiply_unless_provided<D: ?Sized, M: HessianProduct<D> + ?Sized>(
    model: &M,
    theta: &[M::Scalar],
    v: &[M::Scalar],
    data: &D,
    out: &mut [M::Scalar],
) -> Result<bool, OracleError> {
    /// Takes the question back, also where the model panics.
    struct Reset;
    impl Drop for Reset {
        fn drop(&mut self) {
            ASKED.set(Asked::Nothing);
        }
    }
    let _reset = Reset;
    ASKED.set(Asked::WhetherProvided);
    model.hessian_product(theta, v, data, out)?;
    Ok(ASKED.get() == Asked::ItIsProvided)
}

/// ∇²L(θ)·v by a central difference of gradients; see [`HessianProduct`](crate::HessianProduct).
pub(super) fn hessian_product<D: ?Sized, M: Gradient<D> + ?Sized>(
    model: &M,
    theta: &[M::Scalar],
    v: &[M::Scalar],
    data: &D,
    out: &mut [M::Scalar],
) -> Result<(), OracleError> {
    if ASKED.get() != Asked::Nothing {
        ASKED.set(Asked::ItIsProvided);
        return Ok(());
    }
    Differences::fit(model, theta, data)?.product(model, data, v, out)
}

#[cfg(test)]
mod tests {
    use ndarray_rand::rand::Rng;

    use super::*;
    use crate::{Layout, Model};

    /// L = Σ cᵢ·(cosh tᵢ − 1), with gradients that are rounded to so many bits.
    struct Cosh<S> {
        layout: Layout,
        theta: Vec<S>,
        curvatures: Vec<f64>,
        bits: i32,
    }

    impl<S: Scalar> Cosh<S> {
        fn new(theta: &[f64], bits: i32) -> Self {
            Self {
                layout: Layout::flat(theta.len()).unwrap(),
                theta: theta.iter().map(|&t| S::from_f64(t)).collect(),
                curvatures: (0..theta.len()).map(|i| 1.0 + (i * i) as f64).collect(),
                bits,
            }
        }

        /// The error of a fitted product with a vector of length 1, and what was estimated.
        fn errors(&self, seed: u64) -> [f64; 2] {
            let mut generator = ChaCha8Rng::seed_from_u64(seed);
            let v: Vec<f64> = self.theta.iter().map(|_| StandardNormal.sample(&mut generator)).collect();
            let length = length_of(v.iter().copied());
            let v: Vec<S> = v.iter().map(|v| S::from_f64(v / length)).collect();
            let mut fit = Differences::fit(self, &self.theta, &()).unwrap();
            let mut out = vec![S::from_f64(0.0); v.len()];
            fit.product(self, &(), &v, &mut out).unwrap();
            let exact = self.theta.iter().zip(&self.curvatures).zip(&v);
            let exact = exact.map(|((t, c), v)| c * t.as_f64().cosh() * v.as_f64());
            [length_of(exact.zip(&out).map(|(exact, found)| exact - found.as_f64())), fit.error()]
        }
    }

    impl<S: Scalar> Model for Cosh<S> {
        type Scalar = S;
        fn layout(&self) -> &Layout {
            &self.layout
        }
        fn parameters(&self) -> &[S] {
            &self.theta
        }
    }

    impl<S: Scalar> Loss<()> for Cosh<S> {
        fn loss(&self, theta: &[S], (): &()) -> Result<f64, OracleError> {
            Ok(theta.iter().zip(&self.curvatures).map(|(t, c)| c * (t.as_f64().cosh() - 1.0)).sum())
        }
    }

    impl<S: Scalar> Gradient<()> for Cosh<S> {
        fn gradient(&self, theta: &[S], data: &(), out: &mut [S]) -> Result<f64, OracleError> {
            let unit = 2.0_f64.powi(-self.bits);
            for ((out, t), c) in out.iter_mut().zip(theta).zip(&self.curvatures) {
                *out = S::from_f64((c * t.as_f64().sinh() / unit).round() * unit);
            }
            self.loss(theta, data)
        }
    }

    impl<S: Scalar> HessianProduct<()> for Cosh<S> {}

    /// Whatever the noise of gradients, the error is estimated to within a factor, and nearly as small as any step could
    /// make it: for a noise η and a fourth derivative T it is of the size of (η²·T)^⅓. The noise is random, so most
    /// errors must be that small, and all of them known.
    #[test]
    fn errors_are_small_and_known() {
        let mut generator = ChaCha8Rng::seed_from_u64(77);
        let mut sizes = Vec::new();
        for _ in 0..4_000 {
            let (bits, scale) = (generator.random_range(8..40), generator.random_range(0.1..1.5));
            let theta: Vec<f64> = (0..40).map(|i| scale * f64::from(i % 7 - 3) / 3.0 + 0.01).collect();
            let seed = generator.random();
            let [error, estimate] = Cosh::<f64>::new(&theta, bits).errors(seed);
            assert!(error <= 2.0 * estimate, "{bits} {scale} {seed}: {error:e} {estimate:e}");
            let noise = 2.0_f64.powi(-bits) * (40.0_f64 / 12.0).sqrt();
            let least = (noise * noise * 1600.0).cbrt();
            sizes.push([error / least, estimate / least]);
        }
        let quantile = |which: usize, share: f64| {
            let mut sorted: Vec<f64> = sizes.iter().map(|size| size[which]).collect();
            sorted.sort_by(f64::total_cmp);
            sorted[(share * (sorted.len() - 1) as f64) as usize]
        };
        let [error, estimate] = [0, 1].map(|which| [0.5, 0.9, 0.99, 1.0].map(|share| quantile(which, share)));
        assert!(error[0] < 0.8 && error[2] < 2.0 && error[3] < 10.0, "{error:?}");
        assert!(estimate[0] < 2.0 && estimate[1] < 4.0, "{estimate:?}");
    }

    /// Gradients in steps so coarse that from most distances nothing moves, and at the last only by chance.
    #[test]
    fn noise_that_was_seen_is_not_forgotten() {
        let scale = 0.118_493_008_068_220_77;
        let theta: Vec<f64> = (0..40).map(|i| scale * f64::from(i % 7 - 3) / 3.0 + 0.01).collect();
        let [error, estimate] = Cosh::<f64>::new(&theta, 8).errors(1);
        assert!(error <= 2.0 * estimate && error < 3.0, "{error:e} {estimate:e}");
    }

    #[test]
    fn single_precision_is_good_for_four_digits() {
        let theta: Vec<f64> = (0..300).map(|i| f64::from(i * 7 % 11) / 11.0 - 0.5).collect();
        let mut model = Cosh::<f32>::new(&theta, 100);
        model.curvatures = (0..300).map(|i| 1.0 + f64::from(i) / 300.0).collect();
        let [error, estimate] = model.errors(1);
        assert!(error < 2e-4 && error <= estimate && estimate < 2e-3, "{error:e} {estimate:e}");
    }

    #[test]
    fn a_loss_without_noise_or_curvature_is_no_trouble() {
        // A constant gradient: no noise, and no product.
        let mut flat = Cosh::<f64>::new(&[0.0; 5], 0);
        flat.curvatures = vec![0.0; 5];
        assert_eq!(flat.errors(1), [0.0, 0.0]);
        let centre = Cosh::<f64>::new(&[0.0; 5], 100);
        let [error, estimate] = centre.errors(2);
        assert!(error <= 2.0 * estimate.max(1e-9) && estimate < 1e-4, "{error:e} {estimate:e}");
    }

    /// A model with a product of its own, which may panic.
    struct Own {
        inner: Cosh<f64>,
        panics: bool,
    }

    impl Model for Own {
        type Scalar = f64;
        fn layout(&self) -> &Layout {
            self.inner.layout()
        }
        fn parameters(&self) -> &[f64] {
            self.inner.parameters()
        }
    }

    impl Loss<()> for Own {
        fn loss(&self, theta: &[f64], (): &()) -> Result<f64, OracleError> {
            self.inner.loss(theta, &())
        }
    }

    impl Gradient<()> for Own {
        fn gradient(&self, theta: &[f64], (): &(), out: &mut [f64]) -> Result<f64, OracleError> {
            self.inner.gradient(theta, &(), out)
        }
    }

    impl HessianProduct<()> for Own {
        fn hessian_product(&self, _: &[f64], v: &[f64], (): &(), out: &mut [f64]) -> Result<(), OracleError> {
            assert!(!self.panics, "ouch");
            out.iter_mut().zip(v).for_each(|(out, v)| *out = 3.0 * v);
            Ok(())
        }
    }

    #[test]
    fn products_of_the_models_own_are_found_and_used() {
        let theta = [0.1, -0.2, 0.3];
        let mut out = [0.0; 3];
        let own = Own { inner: Cosh::new(&theta, 100), panics: false };
        let mut worker = own.hessian_worker(&()).unwrap();
        worker.at(&theta).unwrap();
        worker.product(&[1.0, 0.0, 2.0], &mut out).unwrap();
        assert_eq!((out, worker.product_error()), ([3.0, 0.0, 6.0], 0.0));

        let provided = Cosh::<f64>::new(&theta, 100);
        let mut worker = provided.hessian_worker(&()).unwrap();
        worker.at(&theta).unwrap();
        worker.product(&[0.0, 1.0, 0.0], &mut out).unwrap();
        assert!((out[1] - 2.0 * 0.2_f64.cosh()).abs() < 1e-7 && worker.product_error() > 0.0);
        // The question is taken back, also where its answer is a panic.
        let panics = Own { inner: Cosh::new(&theta, 100), panics: true };
        let mut asking = panics.hessian_worker(&()).unwrap();
        asking.at(&theta).unwrap();
        let asked =
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| asking.product(&[1.0; 3], &mut out)));
        assert!(asked.is_err());
        provided.hessian_product(&theta, &[1.0, 0.0, 0.0], &(), &mut out).unwrap();
        assert!((out[0] - 0.1_f64.cosh()).abs() < 1e-7, "{out:?}");
        let short = provided.hessian_product(&theta, &[1.0], &(), &mut out).unwrap_err();
        assert!(short.to_string().contains("v has 1 values"), "{short}");
    }

    /// L = Σ max(|tᵢ| − k, 0)²/2, whose gradient is 0 up to the kinks at ±k.
    struct Kink {
        layout: Layout,
        theta: [f64; 2],
        at: f64,
    }

    impl Model for Kink {
        type Scalar = f64;
        fn layout(&self) -> &Layout {
            &self.layout
        }
        fn parameters(&self) -> &[f64] {
            &self.theta
        }
    }

    impl Loss<()> for Kink {
        fn loss(&self, theta: &[f64], (): &()) -> Result<f64, OracleError> {
            Ok(theta.iter().map(|t| (t.abs() - self.at).max(0.0).powi(2) / 2.0).sum())
        }
    }

    impl Gradient<()> for Kink {
        fn gradient(&self, theta: &[f64], data: &(), out: &mut [f64]) -> Result<f64, OracleError> {
            out.iter_mut().zip(theta).for_each(|(out, t)| *out = (t.abs() - self.at).max(0.0).copysign(*t));
            self.loss(theta, data)
        }
    }

    #[test]
    fn a_gradient_that_is_zero_near_by_and_not_farther_on_is_no_panic() {
        // Closer together than the two steps from θ that are compared, so that one kink lies between these.
        for k in 0..200 {
            let at = 10.0_f64.powf(-16.0 + 0.02 * f64::from(k));
            let model = Kink { layout: Layout::flat(2).unwrap(), theta: [0.0; 2], at };
            let fit = Differences::fit(&model, &model.theta, &()).unwrap();
            assert!(fit.error() >= 0.0, "{at:e}");
        }
    }
}
