//! Losses of single samples: what a sampled sweep asks of an oracle.

use super::{Loss, OracleError};
use crate::{Point, Scalar, Slice};

/// An oracle that knows the loss of each sample by itself, so that a sweep may estimate a mean from some of them
/// ([`Sweep::sampled`](crate::Sweep::sampled)).
///
/// Two methods are required: how many samples there are, and the channels of chosen ones. Every channel of
/// [`Loss::channels`] must be the plain mean of its values over all samples; a sampled sweep checks that at its first
/// point. There is no default, since a mean does not say what it is made of.
///
/// ```
/// use loss_landscape::{Layout, Loss, Model, OracleError, RandomDirections, SampleLosses, Sampled, Sweep};
///
/// /// Logistic regression on (x, y) with y = ±1.
/// struct Classifier {
///     layout: Layout,
///     theta: Vec<f64>,
/// }
///
/// impl Model for Classifier {
///     type Scalar = f64;
///     fn layout(&self) -> &Layout {
///         &self.layout
///     }
///     fn parameters(&self) -> &[f64] {
///         &self.theta
///     }
/// }
///
/// impl Loss<[(f64, f64)]> for Classifier {
///     fn loss(&self, theta: &[f64], data: &[(f64, f64)]) -> Result<f64, OracleError> {
///         let loss = |(x, y): &(f64, f64)| (-y * (theta[0] * x + theta[1])).exp().ln_1p();
///         Ok(data.iter().map(loss).sum::<f64>() / data.len() as f64)
///     }
/// }
///
/// impl SampleLosses<[(f64, f64)]> for Classifier {
///     fn sample_count(&self, data: &[(f64, f64)]) -> usize {
///         data.len()
///     }
///     fn sample_losses(
///         &self,
///         theta: &[f64],
///         data: &[(f64, f64)],
///         samples: &[usize],
///         out: &mut [f64],
///     ) -> Result<(), OracleError> {
///         for (&sample, out) in samples.iter().zip(out) {
///             let (x, y) = data[sample];
///             *out = (-y * (theta[0] * x + theta[1])).exp().ln_1p();
///         }
///         Ok(())
///     }
/// }
///
/// let model = Classifier { layout: Layout::flat(2)?, theta: vec![2.0, 0.5] };
/// let data: Vec<_> = (0..1000).map(|i| f64::from(i).sin()).map(|x| (x, if x > 0.2 { 1.0 } else { -1.0 })).collect();
/// let sweep = Sweep::plane(&model, RandomDirections::new(1)).data("", data.as_slice());
/// let surface = sweep.alpha(-1.0..=1.0, 21).beta(-1.0..=1.0, 21).sampled(&Sampled::new().relative_error(0.02))?;
/// assert!(surface.share() < 0.5); // of all evaluations
/// # Ok::<(), loss_landscape::Error>(())
/// ```
///
/// With [`sample_worker`](Self::sample_worker) each thread gets scratch memory of its own.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say what the loss of a single sample of `{D}` is, and cannot be sampled",
    note = "implement `SampleLosses<D>`: how many samples there are, and the channels of those with given numbers"
)]
pub trait SampleLosses<D: ?Sized>: Loss<D> {
    /// The number of samples of `data` over which the channels are means.
    fn sample_count(&self, data: &D) -> usize;

    /// Writes the channels of some samples at `theta`: those of `samples[0]`, then those of `samples[1]`, and so on, as
    /// many for each as there are [`channels`](Loss::channels).
    ///
    /// `samples` are ascending numbers below [`sample_count`](Self::sample_count), none twice; to have all of them is
    /// common, and an implementation may look for consecutive ones. What is written for a sample must be the same bits
    /// whichever others are asked for.
    ///
    /// # Errors
    /// As [`Loss::loss`].
    fn sample_losses(
        &self,
        theta: &[Self::Scalar],
        data: &D,
        samples: &[usize],
        out: &mut [f64],
    ) -> Result<(), OracleError>;

    /// The worker of one thread: by default a buffer for θ, and a call of [`sample_losses`](Self::sample_losses).
    /// Override it to keep scratch memory from call to call:
    ///
    /// ```
    /// use loss_landscape::{Layout, Loss, Model, OracleError, RandomDirections, SampleLosses, Sampled, Sweep};
    /// use loss_landscape::oracle::{SampleWorker, Slice, samplewise};
    ///
    /// struct Net {
    ///     layout: Layout,
    ///     theta: Vec<f32>,
    /// }
    /// # impl Model for Net {
    /// #     type Scalar = f32;
    /// #     fn layout(&self) -> &Layout { &self.layout }
    /// #     fn parameters(&self) -> &[f32] { &self.theta }
    /// # }
    ///
    /// impl Net {
    ///     fn one(theta: &[f32], x: f32, hidden: &mut [f32]) -> f64 {
    ///         hidden.iter_mut().zip(theta).for_each(|(h, t)| *h = (t * x).tanh());
    ///         f64::from(hidden.iter().map(|h| h * h).sum::<f32>())
    ///     }
    /// }
    ///
    /// impl Loss<[f32]> for Net {
    ///     fn loss(&self, theta: &[f32], data: &[f32]) -> Result<f64, OracleError> {
    ///         let mut hidden = vec![0.0; theta.len()];
    ///         Ok(data.iter().map(|&x| Self::one(theta, x, &mut hidden)).sum::<f64>() / data.len() as f64)
    ///     }
    /// }
    ///
    /// impl SampleLosses<[f32]> for Net {
    ///     fn sample_count(&self, data: &[f32]) -> usize {
    ///         data.len()
    ///     }
    ///     fn sample_losses(
    ///         &self,
    ///         theta: &[f32],
    ///         data: &[f32],
    ///         samples: &[usize],
    ///         out: &mut [f64],
    ///     ) -> Result<(), OracleError> {
    ///         let mut hidden = vec![0.0; theta.len()];
    ///         samples.iter().zip(out).for_each(|(&s, out)| *out = Self::one(theta, data[s], &mut hidden));
    ///         Ok(())
    ///     }
    ///     fn sample_worker<'a>(
    ///         &'a self,
    ///         slice: &'a Slice<'a, f32>,
    ///         data: &'a [f32],
    ///     ) -> Result<Box<dyn SampleWorker + 'a>, OracleError> {
    ///         let mut hidden = vec![0.0; slice.len()]; // once for each thread
    ///         Ok(samplewise(slice, move |theta: &[f32], samples: &[usize], out: &mut [f64]| {
    ///             samples.iter().zip(out).for_each(|(&s, out)| *out = Self::one(theta, data[s], &mut hidden));
    ///             Ok(())
    ///         }))
    ///     }
    /// }
    ///
    /// let net = Net { layout: Layout::flat(2)?, theta: vec![0.5, -0.5] };
    /// let data: Vec<f32> = (0..500_u16).map(|i| f32::from(i) / 100.0).collect();
    /// let curve = Sweep::line(&net, RandomDirections::new(7)).data("", data.as_slice()).sampled(&Sampled::new())?;
    /// assert_eq!(curve.shape(), [51]);
    /// # Ok::<(), loss_landscape::Error>(())
    /// ```
    ///
    /// # Errors
    /// Any error; the points of that thread then fail with it.
    fn sample_worker<'a>(
        &'a self,
        slice: &'a Slice<'a, Self::Scalar>,
        data: &'a D,
    ) -> Result<Box<dyn SampleWorker + 'a>, OracleError> {
        Ok(samplewise(slice, move |theta: &[Self::Scalar], samples: &[usize], out: &mut [f64]| {
            self.sample_losses(theta, data, samples, out)
        }))
    }
}

/// Evaluates samples at points on one thread, with scratch memory of its own.
///
/// [`SampleLosses::sample_worker`] returns it. Several calls at one point follow each other, so that what belongs to the
/// point, such as its θ, should be kept until another point comes:
///
/// ```
/// use loss_landscape::{OracleError, oracle::{Point, SampleWorker}};
///
/// /// Parabolas around each sample.
/// struct Parabolas(Vec<f64>);
///
/// impl SampleWorker for Parabolas {
///     fn evaluate(&mut self, point: Point, samples: &[usize], out: &mut [f64]) -> Result<(), OracleError> {
///         for (&sample, out) in samples.iter().zip(out) {
///             *out = (point.coordinates[0] - self.0[sample]).powi(2);
///         }
///         Ok(())
///     }
/// }
///
/// let mut out = [0.0; 2];
/// let point = Point { number: 0, coordinates: [1.0, 0.0] };
/// Parabolas(vec![1.0, 2.0, 3.0]).evaluate(point, &[0, 2], &mut out)?;
/// assert_eq!(out, [0.0, 4.0]);
/// # Ok::<(), OracleError>(())
/// ```
pub trait SampleWorker {
    /// Writes the channels of some samples at a point, as [`SampleLosses::sample_losses`] does.
    ///
    /// # Errors
    /// Any error; the point then fails with it. A panic is treated the same, with a new worker.
    fn evaluate(&mut self, point: Point, samples: &[usize], out: &mut [f64]) -> Result<(), OracleError>;
}

/// A worker that combines θ in a buffer of its own, once for each point, and calls a function of θ and the numbers of
/// samples. This is what [`SampleLosses::sample_worker`] does by default; its page has an example.
pub fn samplewise<'a, S, W>(slice: &'a Slice<'a, S>, measure: W) -> Box<dyn SampleWorker + 'a>
where
    S: Scalar,
    W: FnMut(&[S], &[usize], &mut [f64]) -> Result<(), OracleError> + 'a,
{
    Box::new(Samplewise { slice, theta: vec![S::zero(); slice.len()], point: None, measure })
}

struct Samplewise<'a, S, W> {
    slice: &'a Slice<'a, S>,
    theta: Vec<S>,
    /// The point whose parameters these are.
    point: Option<Point>,
    measure: W,
}

impl<S, W> SampleWorker for Samplewise<'_, S, W>
where
    S: Scalar,
    W: FnMut(&[S], &[usize], &mut [f64]) -> Result<(), OracleError>,
{
    fn evaluate(&mut self, point: Point, samples: &[usize], out: &mut [f64]) -> Result<(), OracleError> {
        if self.point != Some(point) {
            self.slice.theta_into(point.coordinates, &mut self.theta);
            self.point = Some(point);
        }
        (self.measure)(&self.theta, samples, out)
    }
}
