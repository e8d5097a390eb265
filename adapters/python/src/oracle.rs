//! An object of Python as an oracle: it has a layout, θ and methods that evaluate.

use std::sync::Arc;

use loss_landscape::{
    Error, GaussNewtonProduct, Gradient, HessianProduct, Layout, Loss, Model, OracleError, SampleLosses,
    Scalar,
    oracle::{GaussNewtonWorker, HessianWorker, Point, Prepared, SampleWorker, Slice, Worker, samplewise},
};
use numpy::{Element, PyArray1, PyArrayMethods, PyReadonlyArray1, PyReadonlyArray2, ToPyArray};
use pyo3::{prelude::*, types::PyTuple};

use crate::{
    errors::{Raised, is_fatal},
    layout::PyLayout,
};

/// The numbers of data sets, to borrow.
pub(crate) const SETS: [usize; 64] = {
    let mut sets = [0; 64];
    let mut i = 0;
    while i < 64 {
        sets[i] = i;
        i += 1;
    }
    sets
};

/// A model that is an object of Python. Data are the numbers of its data sets.
pub(crate) struct PyModel<S> {
    object: Arc<Object<S>>,
    differences: ByDifferences<S>,
}

/// The same without products of its own, so that they are differences of gradients.
struct ByDifferences<S>(Arc<Object<S>>);

struct Object<S> {
    python: Py<PyAny>,
    layout: Layout,
    theta: Vec<S>,
    channels: Vec<String>,
    fingerprints: Vec<Option<u64>>,
    products: bool,
    /// The most points that it evaluates in one call; 1 where it takes them one by one.
    points_at_once: usize,
    /// The number of samples of each data set, where it knows the losses of single ones.
    sample_counts: Vec<usize>,
    /// Whether exceptions are bad points; otherwise they end the call.
    record: bool,
    raised: Raised,
}

impl<S: Scalar + Element> PyModel<S> {
    pub(crate) fn new(object: &Bound<'_, PyAny>, theta: Vec<S>, record: bool) -> PyResult<Self> {
        let layout = object.getattr("layout")?.getattr("_core")?.cast::<PyLayout>()?.get().0.clone();
        let object = Arc::new(Object {
            python: object.clone().unbind(),
            layout,
            theta,
            channels: object.getattr("channels")?.extract()?,
            fingerprints: object.getattr("_fingerprints")?.extract()?,
            products: object.getattr("_has_products")?.extract()?,
            points_at_once: object.getattr("_points_at_once")?.extract::<usize>()?.max(1),
            sample_counts: object.getattr("_sample_counts")?.extract()?,
            record,
            raised: Raised::default(),
        });
        Ok(Self { differences: ByDifferences(Arc::clone(&object)), object })
    }

    pub(crate) fn raised(&self) -> &Raised {
        &self.object.raised
    }
}

impl<S: Scalar + Element> Object<S> {
    /// Calls Python; an exception becomes a failed point, or ends everything.
    fn call<T>(&self, work: impl FnOnce(Python<'_>) -> PyResult<T>) -> Result<T, OracleError> {
        if self.raised.is_set() {
            return Err(Error::Interrupted.into());
        }
        Python::attach(|py| {
            work(py).map_err(|error| {
                if self.record && !is_fatal(py, &error) { error.into() } else { self.raised.keep(error) }
            })
        })
    }

    /// The same for several points. What fails for all of them is asked for again one by one, so that an exception has
    /// its point.
    fn call_for_several<T>(&self, work: impl FnOnce(Python<'_>) -> PyResult<T>) -> Result<T, OracleError> {
        if self.raised.is_set() {
            return Err(Error::Interrupted.into());
        }
        Python::attach(|py| {
            work(py)
                .map_err(|error| if is_fatal(py, &error) { self.raised.keep(error) } else { error.into() })
        })
    }

    /// Hands the vectors of a slice to a method, which returns a function of their coefficients where the object
    /// combines them itself. Before the first point an exception ends the sweep, whatever becomes of bad points.
    fn prepared(
        &self,
        method: &str,
        slice: &Slice<'_, S>,
        set: usize,
    ) -> Result<Option<Py<PyAny>>, OracleError> {
        let made = Python::attach(|py| -> PyResult<Option<Py<PyAny>>> {
            let vectors: Vec<_> = slice.basis().iter().map(|b| PyArray1::from_slice(py, b)).collect();
            let Some(kind) = kind(slice) else { return Ok(None) };
            let made = self.python.bind(py).call_method1(method, (set, kind, vectors))?;
            Ok((!made.is_none()).then(|| made.unbind()))
        });
        made.map_err(|error| self.raised.keep(error))
    }

    fn hessian_at(&self, theta: &[S], set: usize) -> Result<(), OracleError> {
        self.call(|py| {
            let theta = PyArray1::from_slice(py, theta);
            self.python.bind(py).call_method1("_hessian_at", (set, theta)).map(drop)
        })
    }

    /// A product with the matrix of a method, at the θ of the last [`hessian_at`](Self::hessian_at).
    fn product(&self, method: &str, v: &[S], set: usize, out: &mut [S]) -> Result<(), OracleError> {
        self.call(|py| {
            let v = PyArray1::from_slice(py, v);
            let product = self.python.bind(py).call_method1(method, (set, v))?;
            copy(&product.extract::<PyReadonlyArray1<'_, S>>()?, out)
        })
    }

    fn measure(&self, theta: &[S], set: usize, out: &mut [f64]) -> Result<(), OracleError> {
        self.call(|py| {
            let theta = PyArray1::from_slice(py, theta);
            write(&self.python.bind(py).call_method1("_measure", (set, theta))?, out)
        })
    }

    fn gradient(&self, theta: &[S], set: usize, out: &mut [S]) -> Result<f64, OracleError> {
        self.call(|py| {
            let theta = PyArray1::from_slice(py, theta);
            let (loss, gradient): (f64, PyReadonlyArray1<'_, S>) =
                self.python.bind(py).call_method1("_gradient", (set, theta))?.extract()?;
            copy(&gradient, out)?;
            Ok(loss)
        })
    }
}

/// The values of a sequence of numbers, as many as there is room for.
fn write(values: &Bound<'_, PyAny>, out: &mut [f64]) -> PyResult<()> {
    let values: Vec<f64> = values.extract()?;
    if values.len() != out.len() {
        let text = format!("the oracle gave {} values, and has {} channels", values.len(), out.len());
        return Err(crate::errors::argument(text));
    }
    out.copy_from_slice(&values);
    Ok(())
}

/// The values of a sequence of rows of numbers, one for each point.
fn write_rows(rows: &Bound<'_, PyAny>, channels: usize, outs: Vec<&mut [f64]>) -> PyResult<()> {
    let rows: Vec<Vec<f64>> = rows.extract()?;
    if rows.len() != outs.len() || rows.iter().any(|row| row.len() != channels) {
        let text =
            format!("the oracle gave {} rows for {} points of {channels} channels", rows.len(), outs.len());
        return Err(crate::errors::argument(text));
    }
    outs.into_iter().zip(rows).for_each(|(out, row)| out.copy_from_slice(&row));
    Ok(())
}

/// The numbers of samples as Python gets them.
fn numbers<'py>(py: Python<'py>, samples: &[usize]) -> Bound<'py, PyArray1<i64>> {
    PyArray1::from_iter(py, samples.iter().map(|&sample| i64::try_from(sample).unwrap_or(i64::MAX)))
}

/// The rows of an array with the channels of each sample.
fn write_samples(rows: &Bound<'_, PyAny>, out: &mut [f64]) -> PyResult<()> {
    let rows: PyReadonlyArray2<'_, f64> = rows.extract()?;
    let rows = rows.as_slice()?;
    if rows.len() != out.len() {
        let text = format!("the oracle gave {} values for samples where {} are due", rows.len(), out.len());
        return Err(crate::errors::argument(text));
    }
    out.copy_from_slice(rows);
    Ok(())
}

fn copy<S: Element + Copy>(values: &PyReadonlyArray1<'_, S>, out: &mut [S]) -> PyResult<()> {
    let values = values.as_slice()?;
    if values.len() != out.len() {
        let text =
            format!("the oracle gave a vector of {} values for {} parameters", values.len(), out.len());
        return Err(crate::errors::argument(text));
    }
    out.copy_from_slice(values);
    Ok(())
}

impl<S: Scalar + Element> Model for PyModel<S> {
    type Scalar = S;

    fn layout(&self) -> &Layout {
        &self.object.layout
    }

    fn parameters(&self) -> &[S] {
        &self.object.theta
    }
}

impl<S: Scalar + Element> Loss<usize> for PyModel<S> {
    fn loss(&self, theta: &[S], set: &usize) -> Result<f64, OracleError> {
        let mut out = vec![0.0; self.object.channels.len()];
        self.object.measure(theta, *set, &mut out)?;
        Ok(out[0])
    }

    fn channels(&self) -> Vec<String> {
        self.object.channels.clone()
    }

    fn measure(&self, theta: &[S], set: &usize, out: &mut [f64]) -> Result<(), OracleError> {
        self.object.measure(theta, *set, out)
    }

    fn fingerprint(&self, set: &usize) -> Option<u64> {
        self.object.fingerprints.get(*set).copied().flatten()
    }

    /// Hands the vectors of the slice over, where the object wants to combine them itself.
    fn prepare<'a>(
        &'a self,
        slice: &'a Slice<'a, S>,
        set: &'a usize,
    ) -> Result<Option<Box<dyn Prepared + 'a>>, OracleError> {
        let object = &self.object;
        let evaluate = object.prepared("_prepare", slice, *set)?;
        if object.points_at_once > 1 {
            return Ok(Some(Box::new(Together { object, slice, set: *set, evaluate })));
        }
        Ok(evaluate.map(|evaluate| -> Box<dyn Prepared> { Box::new(Combining { object, slice, evaluate }) }))
    }
}

/// How the vectors of a slice are combined: `affine` where the first counts once, `segment` where both share 1.
/// Curves are combined here.
fn kind<S: Scalar>(slice: &Slice<'_, S>) -> Option<&'static str> {
    let at = |alpha| slice.coefficients([alpha, 0.0]).collect::<Vec<f64>>();
    match (at(2.0).as_slice(), slice.basis().len()) {
        ([1.0, 2.0] | [1.0, 2.0, 0.0], _) => Some("affine"),
        ([-1.0, 2.0], 2) => Some("segment"),
        _ => None,
    }
}

/// Points whose vectors Python combines: a few numbers go in, the channels come out.
struct Combining<'a, S> {
    object: &'a Object<S>,
    slice: &'a Slice<'a, S>,
    evaluate: Py<PyAny>,
}

impl<S: Scalar + Element> Prepared for Combining<'_, S> {
    fn worker(&self) -> Result<Box<dyn Worker + '_>, OracleError> {
        Ok(Box::new(move |points: &[Point], _: usize, out: &mut [f64]| {
            let channels = self.object.channels.len();
            for (point, out) in points.iter().zip(out.chunks_exact_mut(channels)) {
                self.object.call(|py| {
                    let coefficients = PyTuple::new(py, self.slice.coefficients(point.coordinates))?;
                    write(&self.evaluate.bind(py).call1((coefficients,))?, out)
                })?;
            }
            Ok::<(), OracleError>(())
        }))
    }
}

/// Several points in one call. A point always has the same place among them, its number modulo how many there are, so
/// that its value does not depend on which others are evaluated with it.
struct Together<'a, S> {
    object: &'a Object<S>,
    slice: &'a Slice<'a, S>,
    set: usize,
    /// Combines the vectors itself; otherwise they are combined here.
    evaluate: Option<Py<PyAny>>,
}

impl<S: Scalar + Element> Prepared for Together<'_, S> {
    fn worker(&self) -> Result<Box<dyn Worker + '_>, OracleError> {
        Ok(Box::new(move |points: &[Point], _: usize, out: &mut [f64]| {
            let channels = self.object.channels.len();
            let mut rows = out.chunks_exact_mut(channels);
            let mut rest = points;
            while !rest.is_empty() {
                let (call, others) = rest.split_at(self.apart(rest));
                let outs: Vec<&mut [f64]> = rows.by_ref().take(call.len()).collect();
                let work = |py: Python<'_>| write_rows(&self.evaluated(py, call)?, channels, outs);
                if points.len() == 1 {
                    self.object.call(work)?;
                } else {
                    self.object.call_for_several(work)?;
                }
                rest = others;
            }
            Ok::<(), OracleError>(())
        }))
    }

    fn batch(&self) -> usize {
        self.object.points_at_once
    }
}

impl<S: Scalar + Element> Together<'_, S> {
    fn place(&self, point: &Point) -> usize {
        point.number % self.object.points_at_once
    }

    /// How many of the first points have places of their own.
    fn apart(&self, points: &[Point]) -> usize {
        let mut taken = vec![false; self.object.points_at_once];
        points.iter().take_while(|point| !std::mem::replace(&mut taken[self.place(point)], true)).count()
    }

    fn evaluated<'py>(&self, py: Python<'py>, points: &[Point]) -> PyResult<Bound<'py, PyAny>> {
        let places: Vec<usize> = points.iter().map(|point| self.place(point)).collect();
        if let Some(evaluate) = &self.evaluate {
            let all: Vec<Vec<f64>> =
                points.iter().map(|point| self.slice.coefficients(point.coordinates).collect()).collect();
            return evaluate.bind(py).call1((places, all));
        }
        // Places without a point have the first one's θ.
        let first = points.first().ok_or_else(|| crate::errors::argument("no points"))?;
        let mut theta = vec![S::zero(); self.slice.len()];
        self.slice.theta_into(first.coordinates, &mut theta);
        let mut all = theta.repeat(self.object.points_at_once);
        for (point, place) in points.iter().zip(&places) {
            self.slice.theta_into(point.coordinates, &mut theta);
            all[place * theta.len()..][..theta.len()].copy_from_slice(&theta);
        }
        let all = ndarray::ArrayView2::from_shape((self.object.points_at_once, theta.len()), &all);
        let all = all.map_err(|error| crate::errors::argument(error.to_string()))?.to_pyarray(py);
        self.object.python.bind(py).call_method1("_measure_together", (self.set, all, places))
    }
}

impl<S: Scalar + Element> SampleLosses<usize> for PyModel<S> {
    fn sample_count(&self, set: &usize) -> usize {
        self.object.sample_counts.get(*set).copied().unwrap_or(0)
    }

    fn sample_losses(
        &self,
        theta: &[S],
        set: &usize,
        samples: &[usize],
        out: &mut [f64],
    ) -> Result<(), OracleError> {
        self.object.call(|py| {
            let arguments = (*set, PyArray1::from_slice(py, theta), numbers(py, samples));
            write_samples(&self.object.python.bind(py).call_method1("_sample_losses", arguments)?, out)
        })
    }

    fn sample_worker<'a>(
        &'a self,
        slice: &'a Slice<'a, S>,
        set: &'a usize,
    ) -> Result<Box<dyn SampleWorker + 'a>, OracleError> {
        let object = &self.object;
        Ok(match object.prepared("_prepare_samples", slice, *set)? {
            Some(evaluate) => Box::new(CombiningSamples { object, slice, evaluate }),
            None => samplewise(slice, move |theta: &[S], samples: &[usize], out: &mut [f64]| {
                self.sample_losses(theta, set, samples, out)
            }),
        })
    }
}

/// Samples at points whose vectors Python combines.
struct CombiningSamples<'a, S> {
    object: &'a Object<S>,
    slice: &'a Slice<'a, S>,
    evaluate: Py<PyAny>,
}

impl<S: Scalar + Element> SampleWorker for CombiningSamples<'_, S> {
    fn evaluate(&mut self, point: Point, samples: &[usize], out: &mut [f64]) -> Result<(), OracleError> {
        self.object.call(|py| {
            let coefficients = PyTuple::new(py, self.slice.coefficients(point.coordinates))?;
            write_samples(&self.evaluate.bind(py).call1((coefficients, numbers(py, samples)))?, out)
        })
    }
}

impl<S: Scalar + Element> Gradient<usize> for PyModel<S> {
    fn gradient(&self, theta: &[S], set: &usize, out: &mut [S]) -> Result<f64, OracleError> {
        self.object.gradient(theta, *set, out)
    }
}

impl<S: Scalar + Element> HessianProduct<usize> for PyModel<S> {
    fn hessian_product(&self, theta: &[S], v: &[S], set: &usize, out: &mut [S]) -> Result<(), OracleError> {
        if !self.object.products {
            return self.differences.hessian_product(theta, v, set, out);
        }
        let mut worker = Products { object: &self.object, set: *set };
        worker.at(theta)?;
        worker.product(v, out)
    }

    fn hessian_worker<'a>(&'a self, set: &'a usize) -> Result<Box<dyn HessianWorker<S> + 'a>, OracleError> {
        if self.object.products {
            Ok(Box::new(Products { object: &self.object, set: *set }))
        } else {
            self.differences.hessian_worker(set)
        }
    }
}

/// Products of the object's own, at one θ after another.
struct Products<'a, S> {
    object: &'a Object<S>,
    set: usize,
}

impl<S: Scalar + Element> HessianWorker<S> for Products<'_, S> {
    fn at(&mut self, theta: &[S]) -> Result<(), OracleError> {
        self.object.hessian_at(theta, self.set)
    }

    fn product(&mut self, v: &[S], out: &mut [S]) -> Result<(), OracleError> {
        self.object.product("_hessian_product", v, self.set, out)
    }
}

impl<S: Scalar + Element> GaussNewtonProduct<usize> for PyModel<S> {
    fn gauss_newton_product(
        &self,
        theta: &[S],
        v: &[S],
        set: &usize,
        out: &mut [S],
    ) -> Result<(), OracleError> {
        self.object.hessian_at(theta, *set)?;
        self.object.product("_gauss_newton_product", v, *set, out)
    }

    fn gauss_newton_worker<'a>(
        &'a self,
        set: &'a usize,
    ) -> Result<Box<dyn GaussNewtonWorker<S> + 'a>, OracleError> {
        let hessian = self.hessian_worker(set)?;
        Ok(Box::new(Parts { object: &self.object, set: *set, hessian, theta: Vec::new() }))
    }
}

/// Products with H, G and R = H − G.
struct Parts<'a, S> {
    object: &'a Object<S>,
    set: usize,
    hessian: Box<dyn HessianWorker<S> + 'a>,
    theta: Vec<S>,
}

impl<S: Scalar + Element> HessianWorker<S> for Parts<'_, S> {
    fn at(&mut self, theta: &[S]) -> Result<(), OracleError> {
        self.theta.clear();
        self.theta.extend_from_slice(theta);
        self.hessian.at(theta)
    }

    fn product(&mut self, v: &[S], out: &mut [S]) -> Result<(), OracleError> {
        self.hessian.product(v, out)
    }

    fn product_error(&self) -> f64 {
        self.hessian.product_error()
    }
}

impl<S: Scalar + Element> GaussNewtonWorker<S> for Parts<'_, S> {
    fn gauss_newton_products(&mut self, n: usize, vectors: &[S], out: &mut [S]) -> Result<(), OracleError> {
        if !self.object.products {
            // Differences of gradients have moved the object.
            self.object.hessian_at(&self.theta, self.set)?;
        }
        for (v, out) in vectors.chunks_exact(n).zip(out.chunks_exact_mut(n)) {
            self.object.product("_gauss_newton_product", v, self.set, out)?;
        }
        Ok(())
    }
}

impl<S: Scalar> Model for ByDifferences<S> {
    type Scalar = S;

    fn layout(&self) -> &Layout {
        &self.0.layout
    }

    fn parameters(&self) -> &[S] {
        &self.0.theta
    }
}

impl<S: Scalar + Element> Loss<usize> for ByDifferences<S> {
    fn loss(&self, theta: &[S], set: &usize) -> Result<f64, OracleError> {
        let mut out = vec![0.0; self.0.channels.len()];
        self.0.measure(theta, *set, &mut out)?;
        Ok(out[0])
    }
}

impl<S: Scalar + Element> Gradient<usize> for ByDifferences<S> {
    fn gradient(&self, theta: &[S], set: &usize, out: &mut [S]) -> Result<f64, OracleError> {
        self.0.gradient(theta, *set, out)
    }
}

impl<S: Scalar + Element> HessianProduct<usize> for ByDifferences<S> {}

/// θ of an oracle, of the scalar that it has.
pub(crate) enum AnyModel {
    F32(PyModel<f32>),
    F64(PyModel<f64>),
}

impl AnyModel {
    pub(crate) fn new(object: &Bound<'_, PyAny>, record: bool) -> PyResult<Self> {
        let theta = object.getattr("theta")?;
        if let Ok(theta) = theta.cast::<PyArray1<f32>>() {
            return Ok(Self::F32(PyModel::new(object, theta.to_vec()?, record)?));
        }
        let theta: PyReadonlyArray1<'_, f64> = theta.extract()?;
        Ok(Self::F64(PyModel::new(object, theta.as_array().to_vec(), record)?))
    }
}

/// Runs the same code for both scalars.
macro_rules! with_model {
    ($any:expr, $model:ident => $work:expr) => {
        match $any {
            $crate::oracle::AnyModel::F32($model) => $work,
            $crate::oracle::AnyModel::F64($model) => $work,
        }
    };
}
pub(crate) use with_model;
