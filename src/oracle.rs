//! What an oracle prepares for a sweep: shared products, private scratch memory, several points in
//! one call. Nobody who only writes [`Loss::loss`](crate::Loss::loss) needs any of it.

use std::marker::PhantomData;

use crate::{BoxError, Plane, Point, Scalar};

/// An oracle made ready for one line or plane and one data set; all threads of a sweep share it.
///
/// [`Loss::prepare`](crate::Loss::prepare) returns it. Implement it where something can be computed
/// once for the whole plane. This model has a loss that is quadratic in θ, so that six inner
/// products serve every point of the plane:
///
/// ```
/// use loss_landscape::{BoxError, Layout, Loss, Model, Plane, Point, Prepared, RandomDirections, Worker, grid_2d};
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
///     fn loss(&self, theta: &[f64], _: &()) -> Result<f64, BoxError> {
///         Ok(theta.iter().map(|t| t * t).sum())
///     }
///     fn prepare<'a>(&'a self, plane: &'a Plane<'a, f64>, _: &'a ()) -> Result<Box<dyn Prepared + 'a>, BoxError> {
///         let basis = plane.basis();
///         let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum();
///         let gram = basis.iter().map(|a| basis.iter().map(|b| dot(a, b)).collect()).collect();
///         Ok(Box::new(Quadratic { gram, plane }))
///     }
/// }
///
/// struct Quadratic<'a> {
///     gram: Vec<Vec<f64>>,
///     plane: &'a Plane<'a, f64>,
/// }
///
/// impl Prepared for Quadratic<'_> {
///     fn worker(&self) -> Box<dyn Worker + '_> {
///         Box::new(move |points: &[Point], _chunk: usize, out: &mut [f64]| -> Result<(), BoxError> {
///             for (point, out) in points.iter().zip(out) {
///                 let c = self.plane.coefficients(*point);
///                 *out = self.gram.iter().zip(c).map(|(row, ci)| {
///                     row.iter().zip(c).map(|(g, cj)| ci * g * cj).sum::<f64>()
///                 }).sum();
///             }
///             Ok(())
///         })
///     }
/// }
///
/// let bowl = Bowl { layout: Layout::flat(3)?, theta: vec![0.1, 0.2, 0.3] };
/// let surface = grid_2d(&bowl, &(), RandomDirections::new(1).pair(&bowl)?)?;
/// let loss = surface.channel("loss")?;
/// assert!((loss[[25, 25]] - 0.14).abs() < 1e-12); // the centre of 51×51
/// # Ok::<(), loss_landscape::Error>(())
/// ```
pub trait Prepared: Sync {
    /// A worker for one thread, with its scratch memory.
    fn worker(&self) -> Box<dyn Worker + '_>;

    /// Into how many fixed chunks the data is cut; 1 by default.
    ///
    /// With fewer points than threads the sweep gives the chunks of one point to different threads.
    /// The number must not depend on the threads, or results would.
    fn chunks(&self) -> usize {
        1
    }

    /// What the sum over chunks is divided by in the end; 1 by default. With shares that are sums
    /// over samples it is the number of samples, and the channels are their means.
    fn divisor(&self) -> f64 {
        1.0
    }

    /// Bytes of scratch memory of one worker, for estimates; unknown by default.
    fn worker_memory(&self) -> Option<u64> {
        None
    }

    /// How many points a worker likes to get in one call, at most; 1 by default.
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
/// use loss_landscape::{BoxError, Point, Worker};
///
/// struct Rosenbrock {
///     calls: usize,
/// }
///
/// impl Worker for Rosenbrock {
///     fn evaluate(&mut self, points: &[Point], _: usize, out: &mut [f64]) -> Result<(), BoxError> {
///         self.calls += points.len();
///         for ([x, y], out) in points.iter().zip(out) {
///             *out = (1.0 - x).powi(2) + 100.0 * (y - x * x).powi(2);
///         }
///         Ok(())
///     }
/// }
///
/// let mut worker = Rosenbrock { calls: 0 };
/// let mut out = [0.0; 2];
/// worker.evaluate(&[[0.0, 0.0], [1.0, 1.0]], 0, &mut out)?;
/// assert_eq!(out, [1.0, 0.0]);
/// # Ok::<(), BoxError>(())
/// ```
pub trait Worker {
    /// Writes each point's channels: those of point 0, then those of point 1, and so on.
    ///
    /// With several [chunks](Prepared::chunks) it writes the share of this one: the value of a
    /// channel is the sum of its chunks' shares, which the sweep adds in the order of the chunks,
    /// over the [divisor](Prepared::divisor).
    /// What a point gets must not depend on the other points of the call.
    ///
    /// # Errors
    /// Any error; the sweep then asks for the points one by one, records those that fail with their
    /// coordinates, and goes on. A panic is treated the same, with a new worker.
    fn evaluate(&mut self, points: &[Point], chunk: usize, out: &mut [f64]) -> Result<(), BoxError>;
}

impl<F: FnMut(&[Point], usize, &mut [f64]) -> Result<(), BoxError>> Worker for F {
    fn evaluate(&mut self, points: &[Point], chunk: usize, out: &mut [f64]) -> Result<(), BoxError> {
        self(points, chunk, out)
    }
}

/// Prepares nothing: each thread combines θ in a buffer of its own and calls a function of θ.
///
/// `worker` is called once for each thread and returns that function, which may own scratch memory.
/// This is what [`Loss::prepare`](crate::Loss::prepare) does by default; call it yourself to give
/// each thread a buffer:
///
/// ```
/// use loss_landscape::{BoxError, Layout, Loss, Model, Plane, Prepared, RandomDirections, grid_2d, pointwise};
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
///     fn loss(&self, theta: &[f32], data: &[f32]) -> Result<f64, BoxError> {
///         Ok(self.forward(theta, data, &mut vec![0.0; theta.len()]))
///     }
///     fn prepare<'a>(&'a self, plane: &'a Plane<'a, f32>, data: &'a [f32]) -> Result<Box<dyn Prepared + 'a>, BoxError> {
///         Ok(pointwise(plane, move || {
///             let mut hidden = vec![0.0; plane.len()]; // once for each thread
///             move |theta: &[f32], out: &mut [f64]| {
///                 out[0] = self.forward(theta, data, &mut hidden);
///                 Ok(())
///             }
///         }))
///     }
/// }
///
/// let net = Net { layout: Layout::flat(2)?, theta: vec![0.5, -0.5] };
/// let surface = grid_2d(&net, [1.0, 2.0].as_slice(), RandomDirections::new(7).pair(&net)?)?;
/// assert_eq!(surface.shape(), [51, 51]);
/// # Ok::<(), loss_landscape::Error>(())
/// ```
pub fn pointwise<'a, S, F, W>(plane: &'a Plane<'a, S>, worker: F) -> Box<dyn Prepared + 'a>
where
    S: Scalar,
    F: Fn() -> W + Sync + 'a,
    W: FnMut(&[S], &mut [f64]) -> Result<(), BoxError> + 'a,
{
    Box::new(Pointwise { plane, worker, returns: PhantomData })
}

struct Pointwise<'a, S, F, W> {
    plane: &'a Plane<'a, S>,
    worker: F,
    returns: PhantomData<fn() -> W>,
}

impl<S, F, W> Prepared for Pointwise<'_, S, F, W>
where
    S: Scalar,
    F: Fn() -> W + Sync,
    W: FnMut(&[S], &mut [f64]) -> Result<(), BoxError>,
{
    fn worker(&self) -> Box<dyn Worker + '_> {
        let mut measure = (self.worker)();
        let mut theta = vec![S::zero(); self.plane.len()];
        Box::new(move |points: &[Point], _chunk: usize, out: &mut [f64]| -> Result<(), BoxError> {
            let channels = (out.len() / points.len().max(1)).max(1);
            for (&point, out) in points.iter().zip(out.chunks_exact_mut(channels)) {
                self.plane.theta_into(point, &mut theta);
                measure(&theta, out)?;
            }
            Ok(())
        })
    }
}
