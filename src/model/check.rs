//! Checks of a user's derivatives: is this the gradient of that loss, and this the Hessian of that gradient?

use ndarray_rand::rand::{Rng, SeedableRng, seq::index};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;

use super::{
    Gradient, HessianProduct, Model, OracleError,
    differences::{self, Differences, length_of},
    guarded,
};
use crate::{
    Mask, Result, Role, Scalar,
    params::{dot, norm},
};

/// Compares a model's gradient with differences of its loss; [`DerivativeCheck`] has the options.
///
/// It costs one gradient and two losses for each coordinate checked, 16 a block.
///
/// ```
/// # use loss_landscape::{Gradient, Layout, Loss, Model, OracleError};
/// # struct Quartic { layout: Layout, theta: Vec<f64> }
/// # impl Model for Quartic {
/// #     type Scalar = f64;
/// #     fn layout(&self) -> &Layout { &self.layout }
/// #     fn parameters(&self) -> &[f64] { &self.theta }
/// # }
/// # impl Loss<()> for Quartic {
/// #     fn loss(&self, t: &[f64], _: &()) -> Result<f64, OracleError> { Ok(t.iter().map(|t| t.powi(4)).sum()) }
/// # }
/// use loss_landscape::check::check_gradient;
///
/// impl Gradient<()> for Quartic {
///     fn gradient(&self, theta: &[f64], data: &(), out: &mut [f64]) -> Result<f64, OracleError> {
///         out.iter_mut().zip(theta).for_each(|(out, t)| *out = 4.0 * t.powi(3));
///         self.loss(theta, data)
///     }
/// }
///
/// let model = Quartic { layout: Layout::flat(3)?, theta: vec![1.0, -0.5, 2.0] };
/// let check = check_gradient(&model, model.parameters(), &())?;
/// assert!(check.error < 1e-8, "block {} at {}: {} is {}", check.block, check.index, check.difference, check.gradient);
/// assert_eq!(check.loss_error, 0.0); // the gradient returns the loss too
/// assert_eq!((check.checked, check.evaluations), (3, 7));
/// # Ok::<(), loss_landscape::Error>(())
/// ```
///
/// # Errors
/// As [`DerivativeCheck::gradient`].
pub fn check_gradient<M, D>(model: &M, theta: &[M::Scalar], data: &D) -> Result<GradientCheck>
where
    M: Gradient<D> + ?Sized,
    D: ?Sized,
{
    DerivativeCheck::new().gradient(model, theta, data)
}

/// Compares a model's Hessian-vector products with differences of its gradient, and with each
/// other; [`DerivativeCheck`] has the options.
///
/// It costs two products and four gradients for each vector, of which there are 3, and once up to 21 gradients, a
/// product and 13 losses.
///
/// ```
/// # use loss_landscape::{Gradient, HessianProduct, Layout, Loss, Model, OracleError};
/// # struct Quartic { layout: Layout, theta: Vec<f64> }
/// # impl Model for Quartic {
/// #     type Scalar = f64;
/// #     fn layout(&self) -> &Layout { &self.layout }
/// #     fn parameters(&self) -> &[f64] { &self.theta }
/// # }
/// # impl Loss<()> for Quartic {
/// #     fn loss(&self, t: &[f64], _: &()) -> Result<f64, OracleError> { Ok(t.iter().map(|t| t.powi(4)).sum()) }
/// # }
/// # impl Gradient<()> for Quartic {
/// #     fn gradient(&self, theta: &[f64], data: &(), out: &mut [f64]) -> Result<f64, OracleError> {
/// #         out.iter_mut().zip(theta).for_each(|(out, t)| *out = 4.0 * t.powi(3));
/// #         self.loss(theta, data)
/// #     }
/// # }
/// use loss_landscape::check::check_hessian_product;
///
/// impl HessianProduct<()> for Quartic {
///     fn hessian_product(&self, theta: &[f64], v: &[f64], _: &(), out: &mut [f64]) -> Result<(), OracleError> {
///         for ((out, t), v) in out.iter_mut().zip(theta).zip(v) {
///             *out = 12.0 * t.powi(2) * v;
///         }
///         Ok(())
///     }
/// }
///
/// let model = Quartic { layout: Layout::flat(3)?, theta: vec![1.0, -0.5, 2.0] };
/// let check = check_hessian_product(&model, model.parameters(), &())?;
/// assert!(check.error < 1e-6);
/// assert!(check.asymmetry < 1e-12 && check.nonlinearity < 1e-12);
/// assert!(check.difference_error < 1e-6 && check.loss_error < 1e-4); // gradients and losses say the same
/// # Ok::<(), loss_landscape::Error>(())
/// ```
///
/// # Errors
/// As [`DerivativeCheck::hessian_product`].
pub fn check_hessian_product<M, D>(model: &M, theta: &[M::Scalar], data: &D) -> Result<HessianCheck>
where
    M: HessianProduct<D> + ?Sized,
    D: ?Sized,
{
    DerivativeCheck::new().hessian_product(model, theta, data)
}

/// Tests derivatives against central differences.
///
/// In `f64` a correct implementation of a smooth loss shows errors below 1e-6 (so do the networks of
/// `loss-landscape-nets`), a wrong one errors of about 1; in `f32` differences are good to a few digits only. Buffers
/// are left out, since no gradient trains them. A kink (ReLU) next to θ raises the error of a correct gradient; check
/// at another θ then.
///
/// ```
/// # use loss_landscape::{Gradient, Layout, Loss, Model, OracleError};
/// # struct Wrong { layout: Layout, theta: Vec<f64> }
/// # impl Model for Wrong {
/// #     type Scalar = f64;
/// #     fn layout(&self) -> &Layout { &self.layout }
/// #     fn parameters(&self) -> &[f64] { &self.theta }
/// # }
/// # impl Loss<()> for Wrong {
/// #     fn loss(&self, theta: &[f64], _: &()) -> Result<f64, OracleError> { Ok(theta.iter().map(|t| t * t).sum()) }
/// # }
/// use loss_landscape::check::DerivativeCheck;
///
/// impl Gradient<()> for Wrong {
///     fn gradient(&self, theta: &[f64], data: &(), out: &mut [f64]) -> Result<f64, OracleError> {
///         for (out, t) in out.iter_mut().zip(theta) {
///             *out = 2.0 * t;
///         }
///         out[2] *= -1.0; // a slip in the sign
///         self.loss(theta, data)
///     }
/// }
///
/// let model = Wrong { layout: Layout::flat(4)?, theta: vec![1.0; 4] };
/// let check = DerivativeCheck::new().gradient(&model, model.parameters(), &())?;
/// assert_eq!((check.block.as_str(), check.index), ("theta", 2));
/// assert!(check.error > 1.0);
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct DerivativeCheck {
    seed: u64,
    coordinates: usize,
    vectors: usize,
}

/// The outcome of a gradient check: the coordinate at which gradient and difference disagree most. [`check_gradient`]
/// shows how to read it, [`DerivativeCheck`] how it finds a slip.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct GradientCheck {
    /// The largest |gᵢ − differenceᵢ|, relative to the largest |gᵢ| or |differenceᵢ| checked. Infinite if one of them
    /// is NaN.
    pub error: f64,
    /// The block of that coordinate.
    pub block: String,
    /// Its position in the block.
    pub index: usize,
    /// The model's derivative there.
    pub gradient: f64,
    /// The central difference of losses there.
    pub difference: f64,
    /// |L from the gradient − L from the loss|, relative to the larger of the two.
    pub loss_error: f64,
    /// How many coordinates were checked.
    pub checked: usize,
    /// How many losses it took, not counting the one that the gradient returns.
    pub evaluations: usize,
}

/// The outcome of a check of Hessian-vector products; [`check_hessian_product`] shows how to read it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct HessianCheck {
    /// The largest ‖Hv − difference of gradients‖ / ‖difference‖ over the vectors, Hv by
    /// [`HessianProduct::hessian_product`] and by the model's [`HessianWorker`](crate::oracle::HessianWorker); the
    /// difference is extrapolated from two steps. Errors of the size of [`difference_error`](Self::difference_error)
    /// say nothing.
    pub error: f64,
    /// The largest ‖D(h) − D(h/2)‖ / ‖D(h/2)‖ over the vectors, for the differences of gradients D at two steps: how far
    /// the gradients themselves determine the product. Near 1 in `f32` they do not, or the loss has kinks.
    pub difference_error: f64,
    /// |uᵀHu − the second difference of losses along u|, as a share of the larger of the two, for the direction u of the
    /// first product. It needs no gradient, and so finds one that is wrong along with its products. In `f32`, losses are
    /// good for a digit or two.
    pub loss_error: f64,
    /// The largest |⟨u, Hv⟩ − ⟨v, Hu⟩| / (‖u‖·‖Hv‖) over pairs of vectors: 0 for a symmetric product.
    pub asymmetry: f64,
    /// The largest ‖H(2v) − 2Hv‖ / ‖2Hv‖: 0 for a linear product; H(2v) is the worker's.
    pub nonlinearity: f64,
    /// How many vectors were tried.
    pub vectors: usize,
}

/// The call during which the model failed, for its error.
const LOSS: &str = "computing its loss";
const GRADIENT: &str = "computing its gradient";
const PRODUCT: &str = "computing its Hessian product";
const WORKER: &str = "computing its Hessian worker";

impl Default for DerivativeCheck {
    fn default() -> Self {
        Self { seed: 0, coordinates: 16, vectors: 3 }
    }
}

impl DerivativeCheck {
    /// Checks 16 random coordinates of every block, and 3 random vectors.
    pub fn new() -> Self {
        Self::default()
    }

    /// The seed of the choice of coordinates and vectors; 0 by default.
    pub fn seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// How many coordinates of each block to check, at most, and at least 1; 16 by default.
    pub fn coordinates(self, coordinates: usize) -> Self {
        Self { coordinates: coordinates.max(1), ..self }
    }

    /// How many random vectors to multiply with the Hessian; 3 by default, and never fewer than 2.
    pub fn vectors(self, vectors: usize) -> Self {
        Self { vectors: vectors.max(2), ..self }
    }

    /// Compares the gradient with central differences of the loss, coordinate by coordinate.
    ///
    /// The step is ε^⅓·max(1, |θᵢ|). It costs one gradient and two losses for each coordinate.
    ///
    /// # Errors
    /// [`Error::Length`](crate::Error::Length) or [`Error::NonFinite`](crate::Error::NonFinite) for θ,
    /// [`Error::Oracle`](crate::Error::Oracle) or [`Error::OraclePanicked`](crate::Error::OraclePanicked) if the model
    /// fails.
    pub fn gradient<M, D>(&self, model: &M, theta: &[M::Scalar], data: &D) -> Result<GradientCheck>
    where
        M: Gradient<D> + ?Sized,
        D: ?Sized,
    {
        let layout = model.layout();
        layout.ensure_finite("θ", theta)?;
        let mut theta = theta.to_vec();
        // An element that the model leaves unwritten must not pass for a gradient.
        let mut gradient = vec![M::Scalar::from_f64(f64::NAN); theta.len()];
        let from_gradient = guarded(GRADIENT, || model.gradient(&theta, data, &mut gradient))?;
        let loss = guarded(LOSS, || model.loss(&theta, data))?;
        let mut generator = ChaCha8Rng::seed_from_u64(self.seed);
        let mut pairs = Vec::new();
        for block in layout.blocks().iter().filter(|block| block.role() != Role::Buffer) {
            let amount = self.coordinates.min(block.len());
            for within in index::sample(&mut generator, block.len(), amount) {
                let position = block.range().start + within;
                let difference = guarded(LOSS, || differences::partial(model, &mut theta, position, data))?;
                pairs.push((block.name(), within, gradient[position].as_f64(), difference));
            }
        }
        let scale = pairs.iter().fold(0.0_f64, |m, &(_, _, g, d)| m.max(g.abs()).max(d.abs()));
        // A NaN anywhere must be what is reported, so it counts as infinitely wrong.
        let error = |&(_, _, g, d): &(&str, usize, f64, f64)| {
            let gap = (g - d).abs();
            let error = if gap == 0.0 { 0.0 } else { gap / scale };
            if error.is_nan() { f64::INFINITY } else { error }
        };
        let worst = pairs.iter().max_by(|a, b| error(a).total_cmp(&error(b)));
        // A layout of nothing but buffers has no gradient that could be wrong.
        let &(block, index, g, d) = worst.unwrap_or(&("", 0, 0.0, 0.0));
        Ok(GradientCheck {
            error: worst.map_or(0.0, error),
            block: block.to_owned(),
            index,
            gradient: g,
            difference: d,
            loss_error: if from_gradient == loss {
                0.0
            } else {
                (from_gradient - loss).abs() / from_gradient.abs().max(loss.abs())
            },
            checked: pairs.len(),
            evaluations: 2 * pairs.len() + 1,
        })
    }

    /// Compares Hessian-vector products with central differences of the gradient along random vectors, and tests that
    /// the product is symmetric and linear.
    ///
    /// It costs two products and four gradients for each vector, and once up to 21 gradients, a product and 13 losses.
    ///
    /// # Errors
    /// [`Error::Length`](crate::Error::Length) or [`Error::NonFinite`](crate::Error::NonFinite) for θ,
    /// [`Error::Oracle`](crate::Error::Oracle) or [`Error::OraclePanicked`](crate::Error::OraclePanicked) if the model
    /// fails.
    pub fn hessian_product<M, D>(&self, model: &M, theta: &[M::Scalar], data: &D) -> Result<HessianCheck>
    where
        M: HessianProduct<D> + ?Sized,
        D: ?Sized,
    {
        model.layout().ensure_finite("θ", theta)?;
        let unwritten = M::Scalar::from_f64(f64::NAN);
        let trained = Mask::trained(model.layout());
        let mut check = HessianCheck {
            error: 0.0,
            difference_error: 0.0,
            loss_error: 0.0,
            asymmetry: 0.0,
            nonlinearity: 0.0,
            vectors: self.vectors,
        };
        let mut previous: Option<[Vec<M::Scalar>; 2]> = None;
        let mut worker = guarded(WORKER, || model.hessian_worker(data))?;
        guarded(WORKER, || worker.at(theta))?;
        let mut differences = guarded(GRADIENT, || Differences::fit(model, theta, data))?;
        for stream in 0..self.vectors {
            let mut v = vector::<M>(theta.len(), self.seed, stream as u64);
            trained.apply(&mut v)?;
            let twice: Vec<M::Scalar> = v.iter().map(|&v| v + v).collect();
            let [mut product, mut double] = [(); 2].map(|()| vec![unwritten; theta.len()]);
            guarded(PRODUCT, || model.hessian_product(theta, &v, data, &mut product))?;
            // With the worker, so that both ways to multiply are checked.
            guarded(WORKER, || worker.product(&twice, &mut double))?;
            let reference = guarded(GRADIENT, || Reference::new(&mut differences, model, data, &v))?;
            let mut difference: Vec<M::Scalar> =
                reference.product.iter().map(|&value| M::Scalar::from_f64(value)).collect();
            for vector in [&mut product, &mut double, &mut difference] {
                trained.apply(vector)?;
            }
            raise(&mut check.difference_error, reference.error);
            raise(&mut check.error, apart(&product, &difference, 1.0));
            raise(&mut check.error, apart(&double, &difference, 2.0));
            raise(&mut check.nonlinearity, apart(&double, &product, 2.0));
            if let Some([u, hu]) = &previous {
                let gap = (dot(u, &product) - dot(&v, hu)).abs();
                raise(&mut check.asymmetry, gap / (norm(u) * norm(&product)).max(f64::MIN_POSITIVE));
            } else {
                // Along a product the curvature is large, and losses can show it.
                let along: Vec<f64> = product.iter().map(|value| value.as_f64()).collect();
                if let Some(u) = guarded(GRADIENT, || differences.unit(along))? {
                    let [u, mut hu] = [
                        u.iter().map(|&value| M::Scalar::from_f64(value)).collect::<Vec<_>>(),
                        vec![unwritten; theta.len()],
                    ];
                    guarded(PRODUCT, || model.hessian_product(theta, &u, data, &mut hu))?;
                    let from_losses = guarded(LOSS, || differences::second(model, theta, &u, data))?;
                    let product = dot(&u, &hu);
                    let larger = product.abs().max(from_losses.abs());
                    let gap = (product - from_losses).abs();
                    raise(&mut check.loss_error, if gap == 0.0 { 0.0 } else { gap / larger });
                }
            }
            previous = Some([v, product]);
        }
        Ok(check)
    }
}

/// The product that gradients say is right, and how sure they are.
struct Reference {
    product: Vec<f64>,
    /// The distance of two differences of it, at one step and at half of it, as a share.
    error: f64,
}

impl Reference {
    /// Richardson's extrapolation of two central differences of gradients, so that the provided product, which is one
    /// of them, is not compared with itself.
    fn new<M, D>(
        differences: &mut Differences<M::Scalar>,
        model: &M,
        data: &D,
        v: &[M::Scalar],
    ) -> std::result::Result<Self, OracleError>
    where
        M: Gradient<D> + ?Sized,
        D: ?Sized,
    {
        let v: Vec<f64> = v.iter().map(|value| value.as_f64()).collect();
        let length = length_of(v.iter().copied());
        let Some(unit) = differences.unit(v)? else {
            return Ok(Self { product: vec![0.0; model.layout().len()], error: 0.0 });
        };
        let step = differences.step();
        let whole = differences.difference(model, data, &unit, step)?;
        let half = differences.difference(model, data, &unit, step / 2.0)?;
        let product = whole.iter().zip(&half).map(|(whole, half)| length * (4.0 * half - whole) / 3.0);
        let product: Vec<f64> = product.collect();
        let gap = length_of(whole.iter().zip(&half).map(|(whole, half)| whole - half));
        let size = length_of(half.iter().copied());
        Ok(Self { product, error: if gap == 0.0 { 0.0 } else { gap / size } })
    }
}

/// ‖a − factor·b‖ / ‖factor·b‖, or ‖a‖ where b is zero.
fn apart<S: Scalar>(a: &[S], b: &[S], factor: f64) -> f64 {
    let gap: Vec<f64> = a.iter().zip(b).map(|(a, b)| a.as_f64() - factor * b.as_f64()).collect();
    let scale = factor * norm(b);
    norm(&gap) / if scale == 0.0 { 1.0 } else { scale }
}

/// The larger of the two; NaN counts as infinitely wrong.
fn raise(worst: &mut f64, error: f64) {
    *worst = worst.max(if error.is_nan() { f64::INFINITY } else { error });
}

fn vector<M: Model + ?Sized>(len: usize, seed: u64, stream: u64) -> Vec<M::Scalar> {
    let mut generator = ChaCha8Rng::seed_from_u64(seed);
    generator.set_stream(stream + 1);
    (0..len).map(|_| M::Scalar::from_f64(generator.sample(StandardNormal))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Layout, Loss};

    struct Broken {
        layout: Layout,
        loss: f64,
        gradient: f64,
    }

    impl Model for Broken {
        type Scalar = f64;
        fn layout(&self) -> &Layout {
            &self.layout
        }
        fn parameters(&self) -> &[f64] {
            &[1.0, 2.0]
        }
    }

    impl Loss<()> for Broken {
        fn loss(&self, _: &[f64], (): &()) -> Result<f64, OracleError> {
            Ok(self.loss)
        }
    }

    impl Gradient<()> for Broken {
        fn gradient(&self, _: &[f64], (): &(), out: &mut [f64]) -> Result<f64, OracleError> {
            out.fill(self.gradient);
            Ok(self.loss)
        }
    }

    /// L = (w − m)² with a buffer m: right derivatives, or ones that are left out.
    struct Buffered {
        layout: Layout,
        writes: bool,
    }

    impl Model for Buffered {
        type Scalar = f64;
        fn layout(&self) -> &Layout {
            &self.layout
        }
        fn parameters(&self) -> &[f64] {
            &[1.0, 3.0]
        }
    }

    impl Loss<()> for Buffered {
        fn loss(&self, theta: &[f64], (): &()) -> Result<f64, OracleError> {
            Ok((theta[0] - theta[1]).powi(2))
        }
    }

    impl Gradient<()> for Buffered {
        fn gradient(&self, theta: &[f64], (): &(), out: &mut [f64]) -> Result<f64, OracleError> {
            if self.writes {
                out.copy_from_slice(&[2.0 * (theta[0] - theta[1]), 0.0]);
            }
            self.loss(theta, &())
        }
    }

    impl HessianProduct<()> for Buffered {}

    #[test]
    fn buffers_are_left_out_and_what_is_not_written_fails() {
        let layout =
            Layout::new([crate::Block::weight("w", [1], 0), crate::Block::new("m", [1], Role::Buffer, None)]);
        let mut model = Buffered { layout: layout.unwrap(), writes: true };
        assert!(check_gradient(&model, model.parameters(), &()).unwrap().error < 1e-8);
        assert!(check_hessian_product(&model, model.parameters(), &()).unwrap().error < 1e-8);
        let short = model.hessian_product(model.parameters(), &[1.0], &(), &mut [0.0; 2]);
        assert!(short.unwrap_err().to_string().contains("v has 1 values"));
        model.writes = false;
        assert_eq!(check_gradient(&model, model.parameters(), &()).unwrap().error, f64::INFINITY);
        assert_eq!(check_hessian_product(&model, model.parameters(), &()).unwrap().error, f64::INFINITY);
    }

    #[test]
    fn nan_never_passes() {
        let check = |loss, gradient| {
            let model = Broken { layout: Layout::flat(2).unwrap(), loss, gradient };
            check_gradient(&model, model.parameters(), &()).unwrap().error
        };
        assert_eq!(check(1.0, 0.0), 0.0, "a constant has gradient 0");
        assert_eq!(check(1.0, f64::NAN), f64::INFINITY);
        assert_eq!(check(f64::NAN, 0.0), f64::INFINITY);
        assert_eq!(check(1.0, f64::INFINITY), f64::INFINITY);
        assert!(check(1.0, 1e-300) >= 1.0);
    }

    /// L = Σ tᵢ⁴, with a gradient that is right or wrong and products that are its differences.
    struct Quartic {
        layout: Layout,
        factor: f64,
    }

    impl Model for Quartic {
        type Scalar = f64;
        fn layout(&self) -> &Layout {
            &self.layout
        }
        fn parameters(&self) -> &[f64] {
            &[1.0, -0.5, 2.0]
        }
    }

    impl Loss<()> for Quartic {
        fn loss(&self, theta: &[f64], (): &()) -> Result<f64, OracleError> {
            Ok(theta.iter().map(|t| t.powi(4)).sum())
        }
    }

    impl Gradient<()> for Quartic {
        fn gradient(&self, theta: &[f64], (): &(), out: &mut [f64]) -> Result<f64, OracleError> {
            out.iter_mut().zip(theta).for_each(|(out, t)| *out = self.factor * t.powi(3));
            self.loss(theta, &())
        }
    }

    impl HessianProduct<()> for Quartic {}

    /// The provided product is not compared with itself alone: losses tell a gradient that is wrong along with it.
    #[test]
    fn differences_can_fail() {
        let check = |factor| {
            let model = Quartic { layout: Layout::flat(3).unwrap(), factor };
            check_hessian_product(&model, model.parameters(), &()).unwrap()
        };
        let right = check(4.0);
        assert!(right.error < 1e-6 && right.error > 0.0, "{right:?}");
        assert!(right.loss_error < 1e-4 && right.difference_error < 1e-6, "{right:?}");
        let wrong = check(5.0);
        assert!(wrong.error < 1e-6 && (wrong.loss_error - 0.2).abs() < 1e-3, "{wrong:?}");
    }
}
