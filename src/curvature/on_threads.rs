//! Several operators that are the same, each on a thread of its own: vectors of one call are shared among them.

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::mpsc::{Receiver, Sender, channel},
    thread,
};

use super::operator::SymmetricOperator;
use crate::{Error, OracleError, Result, Scalar, engine::pool::useful_threads, model::guarded};

/// The operator of [`on_threads`]: it hands vectors to the threads that have the operators.
///
/// ```
/// use loss_landscape::curvature::{FnOperator, OperatorThreads, SymmetricOperator, on_threads};
///
/// let doubled = |v: &[f64], out: &mut [f64]| Ok(out.iter_mut().zip(v).for_each(|(out, v)| *out = 2.0 * v));
/// let twice = |operator: &mut OperatorThreads<f64>| {
///     let mut products = [0.0; 6];
///     operator.apply_several(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], &mut products).unwrap(); // three vectors
///     Ok((operator.threads(), products))
/// };
/// let (threads, products) = on_threads(2, || Ok(FnOperator::new(2, doubled)), twice)?;
/// assert_eq!((threads, products), (2, [2.0, 4.0, 6.0, 8.0, 10.0, 12.0]));
/// # Ok::<(), loss_landscape::Error>(())
/// ```
pub struct OperatorThreads<S> {
    dimension: usize,
    product_error: f64,
    threads: Vec<OperatorThread<S>>,
}

/// The calling thread's end of a thread that has an operator.
struct OperatorThread<S> {
    tasks: Sender<Task<S>>,
    done: Receiver<Done<S>>,
    /// The memory of the last task.
    idle: Option<Task<S>>,
}

/// Vectors, one after another, and their products.
struct Task<S> {
    vectors: Vec<S>,
    products: Vec<S>,
}

/// What came of a task.
struct Done<S> {
    task: Task<S>,
    outcome: Outcome,
}

/// The error of the products, the operator's own error, or its panic.
type Outcome = thread::Result<Result<f64, OracleError>>;

/// Calls `run` with an operator whose products are computed on several threads: `make` is called once on each, and what
/// it returns stays there, so that it need not be `Send`.
///
/// Traces, diagonals and densities multiply up to 8 vectors in one call, as far as their memory limits allow, so that up
/// to 8 threads are of use; a Lanczos run multiplies one at a time and gains nothing. **Nor does a model that uses all
/// threads for one product**, as the networks of `loss-landscape-nets` do if they have enough samples.
///
/// More than 16 threads are reduced to the number of processors, and there are never more than 1,024;
/// [`OperatorThreads::threads`] says how many there are.
///
/// Results have the same bits for any number of threads, provided that the operators are the same and that a product
/// does not depend on which other vectors are multiplied in the same call, as it does not in this crate.
///
/// **Cost.** An operator for each thread: for a [`HessianOperator`](super::HessianOperator) that is its worker, and
/// what [`move_to`](super::HessianOperator::move_to) computes. The vectors of a call are copied once.
///
/// ```
/// use loss_landscape::{FnModel, Gradient, HessianProduct, Layout, Loss, Model, OracleError};
/// use loss_landscape::curvature::{HessianOperator, TraceEstimator, on_threads};
/// # /// L(θ) = Σ cosh tᵢ
/// # struct Cosh { layout: Layout, theta: Vec<f64> }
/// # impl Model for Cosh {
/// #     type Scalar = f64;
/// #     fn layout(&self) -> &Layout { &self.layout }
/// #     fn parameters(&self) -> &[f64] { &self.theta }
/// # }
/// # impl Loss<()> for Cosh {
/// #     fn loss(&self, theta: &[f64], _: &()) -> Result<f64, OracleError> {
/// #         Ok(theta.iter().map(|t| t.cosh()).sum())
/// #     }
/// # }
/// # impl Gradient<()> for Cosh {
/// #     fn gradient(&self, theta: &[f64], data: &(), out: &mut [f64]) -> Result<f64, OracleError> {
/// #         out.iter_mut().zip(theta).for_each(|(out, t)| *out = t.sinh());
/// #         self.loss(theta, data)
/// #     }
/// # }
/// # impl HessianProduct<()> for Cosh {}
/// # let model = Cosh { layout: Layout::flat(300)?, theta: vec![0.5; 300] };
///
/// let hessian = || HessianOperator::new(&model, model.parameters(), &());
/// let estimator = TraceEstimator::new().max_products(40);
/// let found = on_threads(2, hessian, |hessian| estimator.run(hessian))?;
/// assert_eq!(found, estimator.run(&mut hessian()?)?);
/// # Ok::<(), loss_landscape::Error>(())
/// ```
///
/// # Errors
/// [`Error::ZeroThreads`]; [`Error::ThreadPool`] if the system refuses a thread; [`Error::OraclePanicked`] if `make` panics; [`Error::OperatorLength`] if the operators' vectors
/// differ in length; any error of `make` or `run`. An error or panic of an operator is one of `run`'s: see
/// [`SymmetricOperator::apply`].
pub fn on_threads<A, S, T>(
    threads: usize,
    make: impl Fn() -> Result<A> + Sync,
    run: impl FnOnce(&mut OperatorThreads<S>) -> Result<T>,
) -> Result<T>
where
    A: SymmetricOperator<Scalar = S>,
    S: Scalar,
{
    let threads = useful_threads(threads, 1)?;
    thread::scope(|scope| {
        let make = &make;
        let (mut started, mut ready) = (Vec::new(), Vec::new());
        for _ in 0..threads {
            let ((tasks, to_do), (finished, done), (announce, made)) = (channel(), channel(), channel());
            thread::Builder::new()
                .spawn_scoped(scope, move || serve(make, &announce, &to_do, &finished))
                .map_err(|error| Error::ThreadPool { threads, source: error.into() })?;
            started.push(OperatorThread { tasks, done, idle: None });
            ready.push(made);
        }
        let mut dimension = None;
        for made in ready {
            #[expect(clippy::expect_used, reason = "a thread announces its operator, or why it has none")]
            let len = made.recv().expect("an announcement")?;
            let expected = *dimension.get_or_insert(len);
            if len != expected {
                let what = "a vector of the operator on another thread".to_owned();
                return Err(Error::OperatorLength { what, len, expected });
            }
        }
        // There is at least one thread. When the operator is gone, the threads end.
        let mut operator =
            OperatorThreads { dimension: dimension.unwrap_or(0), product_error: 0.0, threads: started };
        run(&mut operator)
    })
}

/// Makes an operator, says so, and computes products until nobody wants more.
fn serve<A: SymmetricOperator>(
    make: impl Fn() -> Result<A>,
    announce: &Sender<Result<usize>>,
    to_do: &Receiver<Task<A::Scalar>>,
    finished: &Sender<Done<A::Scalar>>,
) {
    let made = guarded("making an operator", || {
        Ok(make().map(|operator| {
            let dimension = operator.dimension();
            (operator, dimension)
        }))
    });
    // If nobody listens any more, another thread could not begin.
    let mut operator = match made.flatten() {
        Ok((operator, dimension)) => {
            let _ = announce.send(Ok(dimension));
            operator
        }
        Err(error) => {
            let _ = announce.send(Err(error));
            return;
        }
    };
    while let Ok(mut task) = to_do.recv() {
        let Task { vectors, products } = &mut task;
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            operator.apply_several(vectors, products).map(|()| operator.product_error())
        }));
        let _ = finished.send(Done { task, outcome });
    }
}

impl<S> OperatorThreads<S> {
    /// The number of threads.
    pub fn threads(&self) -> usize {
        self.threads.len()
    }
}

impl<S: Scalar> SymmetricOperator for OperatorThreads<S> {
    type Scalar = S;

    fn dimension(&self) -> usize {
        self.dimension
    }

    fn apply(&mut self, v: &[S], out: &mut [S]) -> Result<(), OracleError> {
        self.apply_several(v, out)
    }

    fn apply_several(&mut self, vectors: &[S], out: &mut [S]) -> Result<(), OracleError> {
        let n = self.dimension.max(1);
        let (count, threads) = (vectors.len() / n, self.threads.len());
        // Vectors up to this one go to the threads before `thread`.
        let first = |thread: usize| n * (count * thread / threads);
        let used = |thread: &usize| first(*thread) < first(*thread + 1);
        for thread in (0..threads).filter(used) {
            self.threads[thread].send(&vectors[first(thread)..first(thread + 1)]);
        }
        // All are waited for, so that none is still busy when the next call comes.
        let (mut failed, mut panicked) = (None, None);
        for thread in (0..threads).filter(used) {
            let out = &mut out[first(thread)..first(thread + 1)];
            match self.threads[thread].receive(out) {
                Ok(Ok(product_error)) => self.product_error = self.product_error.max(product_error),
                Ok(Err(error)) => _ = failed.get_or_insert(error),
                Err(payload) => _ = panicked.get_or_insert(payload),
            }
        }
        if let Some(payload) = panicked {
            resume_unwind(payload);
        }
        failed.map_or(Ok(()), Err)
    }

    fn product_error(&self) -> f64 {
        self.product_error
    }
}

#[expect(clippy::expect_used, reason = "a thread ends only after its operator was dropped")]
impl<S: Scalar> OperatorThread<S> {
    fn send(&mut self, vectors: &[S]) {
        let mut task = self.idle.take().unwrap_or_else(|| Task { vectors: Vec::new(), products: Vec::new() });
        task.vectors.clear();
        task.vectors.extend_from_slice(vectors);
        task.products.clear();
        task.products.resize(vectors.len(), S::from_f64(f64::NAN));
        self.tasks.send(task).expect("a thread that waits for tasks");
    }

    fn receive(&mut self, out: &mut [S]) -> Outcome {
        let Done { task, outcome } = self.done.recv().expect("what came of a task");
        out.copy_from_slice(&task.products);
        self.idle = Some(task);
        outcome
    }
}

impl<S> fmt::Debug for OperatorThreads<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OperatorThreads")
            .field("dimension", &self.dimension)
            .field("threads", &self.threads.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::{
        collections::HashSet,
        sync::{
            Mutex,
            atomic::{AtomicUsize, Ordering::Relaxed},
        },
    };

    use super::*;
    use crate::curvature::{DiagonalEstimator, FnOperator, SpectralDensity, TraceEstimator, TraceMethod};

    const N: usize = 90;

    /// A dense symmetric matrix, row by row; every row is one sum, so that products have the same bits wherever.
    fn dense(v: &[f64], out: &mut [f64]) {
        for (i, out) in out.iter_mut().enumerate() {
            *out = v.iter().enumerate().map(|(j, v)| ((i * j + i + j) as f64).sin() * v).sum();
        }
    }

    fn operator() -> impl SymmetricOperator<Scalar = f64> {
        FnOperator::new(N, |v: &[f64], out: &mut [f64]| {
            dense(v, out);
            Ok(())
        })
    }

    #[test]
    fn estimates_have_the_bits_of_one_thread() {
        let traces = [TraceMethod::Hutchinson, TraceMethod::HutchPlusPlus]
            .map(|method| TraceEstimator::new().method(method).max_products(60).tolerance(0.01));
        // One limit lets all runs of a density step together, one lets none.
        let densities = [1 << 20, 9 * 8 * N as u64]
            .map(|limit| SpectralDensity::new().probes(5).steps(8).memory_limit(limit));
        let diagonal = DiagonalEstimator::new().max_products(50);
        let alone = (
            traces.each_ref().map(|trace| trace.run(&mut operator()).unwrap()),
            diagonal.run(&mut operator()).unwrap(),
            densities.each_ref().map(|density| density.run(&mut operator()).unwrap()),
        );
        assert_eq!(alone.2[0], alone.2[1]);
        for threads in [1, 2, 3, 100_000] {
            let together = on_threads(
                threads,
                || Ok(operator()),
                |operator| {
                    assert_eq!((operator.threads(), operator.dimension()), (useful_threads(threads, 1)?, N));
                    let mut found = Vec::new();
                    for trace in &traces {
                        found.push(trace.run(operator)?);
                    }
                    let diagonal = diagonal.run(operator)?;
                    Ok((found, diagonal, [densities[0].run(operator)?, densities[1].run(operator)?]))
                },
            );
            let (found, diagonal, density) = together.unwrap();
            assert_eq!(
                (found.as_slice(), diagonal, density),
                (alone.0.as_slice(), alone.1.clone(), alone.2.clone())
            );
        }
    }

    #[test]
    fn vectors_of_a_call_are_shared_among_all_threads() {
        let seen = Mutex::new(Vec::new());
        let make = || {
            Ok(FnOperator::new(1, |v: &[f64], out: &mut [f64]| {
                seen.lock().unwrap().push((thread::current().id(), v[0]));
                out.copy_from_slice(v);
                Ok(())
            }))
        };
        for (count, most) in [(3, 1), (4, 1), (9, 3)] {
            let vectors: Vec<f64> = (0..count).map(f64::from).collect();
            let multiply = |operator: &mut OperatorThreads<f64>| {
                let mut out = vec![0.0; vectors.len()];
                operator.apply_several(&vectors, &mut out).unwrap();
                Ok(out)
            };
            assert_eq!(on_threads(4, make, multiply).unwrap(), vectors);
            let seen = std::mem::take(&mut *seen.lock().unwrap());
            let threads: HashSet<_> = seen.iter().map(|(thread, _)| *thread).collect();
            assert_eq!((seen.len(), threads.len()), (vectors.len(), vectors.len().min(4)));
            for thread in threads {
                let shares = seen.iter().filter(|(other, _)| *other == thread).count();
                assert!(shares <= most, "{shares} of {count}");
            }
        }
    }

    #[test]
    fn the_error_of_products_is_the_largest_of_any_thread() {
        struct Rough(f64);
        impl SymmetricOperator for Rough {
            type Scalar = f64;
            fn dimension(&self) -> usize {
                1
            }
            fn apply(&mut self, v: &[f64], out: &mut [f64]) -> Result<(), OracleError> {
                out.copy_from_slice(v);
                Ok(())
            }
            fn product_error(&self) -> f64 {
                self.0
            }
        }
        let made = AtomicUsize::new(0);
        let make = || Ok(Rough(made.fetch_add(1, Relaxed) as f64));
        let found = on_threads(3, make, |operator| {
            operator.apply_several(&[1.0; 3], &mut [0.0; 3]).unwrap();
            Ok(operator.product_error())
        });
        assert_eq!(found.unwrap(), 2.0);
    }

    #[test]
    fn what_goes_wrong_on_a_thread_is_an_error() {
        let trace = |operator: &mut OperatorThreads<f64>| TraceEstimator::new().max_products(8).run(operator);
        let bad = |what: &'static str| {
            move || {
                Ok(FnOperator::new(20, move |v: &[f64], out: &mut [f64]| {
                    out.copy_from_slice(v);
                    match what {
                        "error" => Err("no product today".into()),
                        "panic" => panic!("a broken product"),
                        _ => {
                            out[3] = f64::NAN;
                            Ok(())
                        }
                    }
                }))
            }
        };
        let error = on_threads(2, bad("error"), trace).unwrap_err();
        assert!(matches!(&error, Error::Oracle { source, .. } if source.to_string() == "no product today"));
        let error = on_threads(2, bad("panic"), trace).unwrap_err();
        assert!(matches!(&error, Error::OraclePanicked { message, .. } if message == "a broken product"));
        let error = on_threads(2, bad("NaN"), trace).unwrap_err();
        assert!(matches!(error, Error::NonFiniteProduct { product: 0, index: 3, .. }), "{error}");

        assert!(matches!(on_threads(0, || Ok(operator()), trace), Err(Error::ZeroThreads)));
        let made = AtomicUsize::new(0);
        let other_lengths = || {
            let n = 20 + made.fetch_add(1, Relaxed);
            Ok(FnOperator::new(n, |v: &[f64], out: &mut [f64]| {
                out.copy_from_slice(v);
                Ok(())
            }))
        };
        let error = on_threads(2, other_lengths, trace).unwrap_err();
        assert!(matches!(error, Error::OperatorLength { len: 20 | 21, expected: 20 | 21, .. }), "{error}");
        let none = || -> Result<OperatorThreads<f64>> { Err(Error::EmptyOperator) };
        assert!(matches!(on_threads(3, none, trace), Err(Error::EmptyOperator)));
        let panics = || -> Result<OperatorThreads<f64>> { panic!("no memory") };
        let error = on_threads(3, panics, trace).unwrap_err();
        assert!(matches!(&error, Error::OraclePanicked { message, .. } if message == "no memory"), "{error}");
    }
}
