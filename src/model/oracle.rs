//! What an oracle prepares for a sweep: shared products, scratch memory for each thread, several points in one call.
//! Whoever only writes [`Loss::loss`](crate::Loss::loss) needs none of it.

use super::OracleError;
use crate::{Point, Scalar, Slice};

/// An oracle made ready for one slice and one data set; all threads of a sweep share it.
///
/// [`Loss::prepare`](crate::Loss::prepare) returns it. Implement it where something can be computed
/// once for the whole slice. This model has a loss that is quadratic in θ, so that six inner
/// products serve every point of the slice:
///
/// ```
/// use loss_landscape::{Layout, Loss, Model, OracleError, RandomDirections, grid_2d};
/// use loss_landscape::oracle::{Point, Prepared, Slice, Worker};
///
/// struct Bowl {
///     layout: Layout,
///     theta: Vec<f64>,
/// }
///
/// impl Model for Bowl {
///     type Scalar = f64;
///     fn layout(&self) -> &Layout {
///         &self.layout
///     }
///     fn parameters(&self) -> &[f64] {
///         &self.theta
///     }
/// }
///
/// impl Loss<()> for Bowl {
///     fn loss(&self, theta: &[f64], _: &()) -> Result<f64, OracleError> {
///         Ok(theta.iter().map(|t| t * t).sum())
///     }
///     fn prepare<'a>(
///         &'a self,
///         slice: &'a Slice<'a, f64>,
///         _: &'a (),
///     ) -> Result<Option<Box<dyn Prepared + 'a>>, OracleError> {
///         let basis = slice.basis();
///         let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum();
///         let gram = basis.iter().map(|a| basis.iter().map(|b| dot(a, b)).collect()).collect();
///         Ok(Some(Box::new(Quadratic { gram, slice })))
///     }
/// }
///
/// struct Quadratic<'a> {
///     gram: Vec<Vec<f64>>,
///     slice: &'a Slice<'a, f64>,
/// }
///
/// impl Prepared for Quadratic<'_> {
///     fn worker(&self) -> Result<Box<dyn Worker + '_>, OracleError> {
///         Ok(Box::new(move |points: &[Point], _chunk: usize, out: &mut [f64]| -> Result<(), OracleError> {
///             for (point, out) in points.iter().zip(out) {
///                 let c = self.slice.coefficients(point.coordinates);
///                 *out = self.gram.iter().zip(c.clone()).map(|(row, ci)| {
///                     row.iter().zip(c.clone()).map(|(g, cj)| ci * g * cj).sum::<f64>()
///                 }).sum();
///             }
///             Ok(())
///         }))
///     }
/// }
///
/// let bowl = Bowl { layout: Layout::flat(3)?, theta: vec![0.1, 0.2, 0.3] };
/// let surface = grid_2d(&bowl, &(), RandomDirections::new(1))?;
/// assert!((surface.loss()[[25, 25]] - 0.14).abs() < 1e-12); // the centre of 51×51
/// # Ok::<(), loss_landscape::Error>(())
/// ```
pub trait Prepared: Sync {
    /// A worker for one thread, with its scratch memory.
    ///
    /// # Errors
    /// Any error; the points of that thread then fail with it.
    fn worker(&self) -> Result<Box<dyn Worker + '_>, OracleError>;

    /// The number of fixed chunks into which the data is divided; 1 by default.
    ///
    /// With fewer points than threads, the sweep gives the chunks of one point to different threads. The number must
    /// not depend on the number of threads, or results would depend on it too.
    fn chunks(&self) -> usize {
        1
    }

    /// What the sum over all chunks is divided by; 1 by default. If a chunk's share is a sum over its samples, the
    /// divisor is the number of all samples, and the channels are means.
    fn divisor(&self) -> f64 {
        1.0
    }

    /// Bytes of scratch memory of one worker, for [`Sweep::cost`](crate::Sweep::cost); unknown by default.
    fn worker_memory(&self) -> Option<u64> {
        None
    }

    /// The most points that a worker should get in one call; 1 by default.
    fn batch(&self) -> usize {
        1
    }
}

/// Evaluates points on one thread, with scratch memory of its own.
///
/// Every closure of the right type is a worker, as the example of [`Prepared`] shows; a struct
/// can hold its scratch memory in fields:
///
/// ```
/// use loss_landscape::{OracleError, oracle::{Point, Worker}};
///
/// struct Rosenbrock {
///     calls: usize,
/// }
///
/// impl Worker for Rosenbrock {
///     fn evaluate(&mut self, points: &[Point], _: usize, out: &mut [f64]) -> Result<(), OracleError> {
///         self.calls += points.len();
///         for (point, out) in points.iter().zip(out) {
///             let [x, y] = point.coordinates;
///             *out = (1.0 - x).powi(2) + 100.0 * (y - x * x).powi(2);
///         }
///         Ok(())
///     }
/// }
///
/// let mut worker = Rosenbrock { calls: 0 };
/// let mut out = [0.0; 2];
/// let points = [[0.0, 0.0], [1.0, 1.0]].map(|coordinates| Point { number: 0, coordinates });
/// worker.evaluate(&points, 0, &mut out)?;
/// assert_eq!(out, [1.0, 0.0]);
/// # Ok::<(), OracleError>(())
/// ```
pub trait Worker {
    /// Writes each point's channels: those of point 0, then those of point 1, and so on.
    ///
    /// With several [chunks](Prepared::chunks) it writes the share of this one: the value of a
    /// channel is the sum of its chunks' shares, which the sweep adds in the order of the chunks,
    /// divided by the [divisor](Prepared::divisor).
    /// The values of a point must not depend on the other points of the call.
    ///
    /// # Errors
    /// Any error; the sweep then asks for the points one by one, records those that fail with their
    /// coordinates, and goes on. A panic is treated the same, with a new worker.
    fn evaluate(&mut self, points: &[Point], chunk: usize, out: &mut [f64]) -> Result<(), OracleError>;
}

impl<F: FnMut(&[Point], usize, &mut [f64]) -> Result<(), OracleError>> Worker for F {
    fn evaluate(&mut self, points: &[Point], chunk: usize, out: &mut [f64]) -> Result<(), OracleError> {
        self(points, chunk, out)
    }
}

/// A worker that combines θ in a buffer of its own and calls a function of θ, point by point.
///
/// This is what [`Loss::worker`](crate::Loss::worker) does by default; call it yourself to give each thread scratch
/// memory:
///
/// ```
/// use loss_landscape::{Layout, Loss, Model, OracleError, RandomDirections, grid_2d};
/// use loss_landscape::oracle::{Slice, Worker, pointwise};
///
/// struct Net {
///     layout: Layout,
///     theta: Vec<f32>,
/// }
///
/// impl Model for Net {
///     type Scalar = f32;
///     fn layout(&self) -> &Layout {
///         &self.layout
///     }
///     fn parameters(&self) -> &[f32] {
///         &self.theta
///     }
/// }
///
/// impl Net {
///     fn forward(&self, theta: &[f32], data: &[f32], hidden: &mut [f32]) -> f64 {
///         for (h, t) in hidden.iter_mut().zip(theta) {
///             *h = data.iter().map(|x| (x * t).tanh()).sum();
///         }
///         hidden.iter().map(|&h| f64::from(h * h)).sum()
///     }
/// }
///
/// impl Loss<[f32]> for Net {
///     fn loss(&self, theta: &[f32], data: &[f32]) -> Result<f64, OracleError> {
///         Ok(self.forward(theta, data, &mut vec![0.0; theta.len()]))
///     }
///     fn worker<'a>(
///         &'a self,
///         slice: &'a Slice<'a, f32>,
///         data: &'a [f32],
///     ) -> Result<Box<dyn Worker + 'a>, OracleError> {
///         let mut hidden = vec![0.0; slice.len()]; // once for each thread
///         Ok(pointwise(slice, move |theta: &[f32], out: &mut [f64]| {
///             out[0] = self.forward(theta, data, &mut hidden);
///             Ok(())
///         }))
///     }
/// }
///
/// let net = Net { layout: Layout::flat(2)?, theta: vec![0.5, -0.5] };
/// let surface = grid_2d(&net, [1.0, 2.0].as_slice(), RandomDirections::new(7))?;
/// assert_eq!(surface.shape(), [51, 51]);
/// # Ok::<(), loss_landscape::Error>(())
/// ```
pub fn pointwise<'a, S, W>(slice: &'a Slice<'a, S>, measure: W) -> Box<dyn Worker + 'a>
where
    S: Scalar,
    W: FnMut(&[S], &mut [f64]) -> Result<(), OracleError> + 'a,
{
    Box::new(Pointwise { slice, theta: vec![S::zero(); slice.len()], measure })
}

struct Pointwise<'a, S, W> {
    slice: &'a Slice<'a, S>,
    theta: Vec<S>,
    measure: W,
}

impl<S, W> Worker for Pointwise<'_, S, W>
where
    S: Scalar,
    W: FnMut(&[S], &mut [f64]) -> Result<(), OracleError>,
{
    fn evaluate(&mut self, points: &[Point], _: usize, out: &mut [f64]) -> Result<(), OracleError> {
        let channels = (out.len() / points.len().max(1)).max(1);
        for (point, out) in points.iter().zip(out.chunks_exact_mut(channels)) {
            self.slice.theta_into(point.coordinates, &mut self.theta);
            (self.measure)(&self.theta, out)?;
        }
        Ok(())
    }
}
