//! Curvature at one point: extreme eigenvalues, eigenvectors, traces, densities, gradients.

use loss_landscape::{
    Gradient, Model,
    check::{check_gradient, check_hessian_product},
    curvature::{DensityEstimate, HessianOperator, Lanczos, SpectralDensity, TraceEstimator},
};
use numpy::{IntoPyArray, PyArray1};
use pyo3::prelude::*;

use crate::{
    errors::{Raised, exception},
    layout::{PyDirection, PyScalar, Vector, json, mask_of, vector_of},
    oracle::{AnyModel, PyModel, SETS, with_model},
};

/// The core's answer; an exception of Python's that passed through it comes first.
fn outcome<T>(answer: loss_landscape::Result<T>, raised: &Raised) -> PyResult<T> {
    answer.map_err(|error| raised.take().unwrap_or_else(|| exception(&error)))
}

fn at<S: PyScalar>(model: &PyModel<S>, theta: Option<&Vector<'_>>) -> PyResult<Vec<S>> {
    theta.map_or_else(|| Ok(model.parameters().to_vec()), vector_of::<S>)
}

/// λ_min and λ_max with bounds: a JSON text, and the two vectors if asked for.
#[pyfunction]
#[allow(clippy::too_many_arguments, reason = "the keywords of a Python function")]
pub(crate) fn extremes(
    py: Python<'_>,
    oracle: &Bound<'_, PyAny>,
    set: usize,
    theta: Option<Vector<'_>>,
    mask: Option<Vec<String>>,
    settings: (f64, f64, usize, u64),
) -> PyResult<String> {
    let model = AnyModel::new(oracle, false)?;
    with_model!(&model, model => {
        let theta = at(model, theta.as_ref())?;
        let mask = mask_of(model.layout(), mask)?;
        let (tolerance, confidence, products, seed) = settings;
        let lanczos =
            Lanczos::new().tolerance(tolerance).confidence(confidence).max_products(products).seed(seed).vectors(false);
        let answer = py.detach(|| {
            let mut hessian = HessianOperator::new(model, &theta, &SETS[set])?;
            if let Some(mask) = &mask {
                hessian = hessian.masked(mask)?;
            }
            let found = lanczos.run(&mut hessian)?;
            let interval = found.ratio_interval();
            Ok((found.ratio(), interval, found.reason(), found.to_string(), found))
        });
        let (ratio, interval, reason, text, found) = outcome(answer, model.raised())?;
        let about = serde_json::json!({ "ratio": ratio, "ratio_interval": interval, "reason": reason, "text": text });
        Ok(format!("[{},{about}]", json(&found)?))
    })
}

/// The outermost eigenpairs: values, directions, residuals, products and how it ended.
#[pyfunction]
#[allow(clippy::type_complexity, clippy::too_many_arguments, reason = "a tuple for Python")]
pub(crate) fn eigenpairs(
    py: Python<'_>,
    oracle: &Bound<'_, PyAny>,
    set: usize,
    theta: Option<Vector<'_>>,
    counts: (usize, usize),
    settings: (f64, usize, u64),
) -> PyResult<(Vec<f64>, Vec<PyDirection>, Vec<f64>, usize, String)> {
    let model = AnyModel::new(oracle, false)?;
    with_model!(&model, model => {
        let theta = at(model, theta.as_ref())?;
        let (tolerance, products, seed) = settings;
        let lanczos = Lanczos::new().tolerance(tolerance).max_products(products).seed(seed);
        let answer = py.detach(|| {
            let mut hessian = HessianOperator::new(model, &theta, &SETS[set])?;
            let pairs = lanczos.pairs(&mut hessian, counts.0, counts.1)?;
            let directions = (0..pairs.values.len())
                .map(|k| pairs.direction(&hessian, k).map(PyScalar::wrap))
                .collect::<loss_landscape::Result<Vec<_>>>()?;
            Ok((pairs.values.clone(), directions, pairs.residuals.clone(), pairs.products, pairs.end.to_string()))
        });
        outcome(answer, model.raised())
    })
}

/// The trace of the Hessian, as a JSON text.
#[pyfunction]
pub(crate) fn trace(
    py: Python<'_>,
    oracle: &Bound<'_, PyAny>,
    set: usize,
    theta: Option<Vector<'_>>,
    settings: (f64, usize, u64),
) -> PyResult<String> {
    let model = AnyModel::new(oracle, false)?;
    with_model!(&model, model => {
        let theta = at(model, theta.as_ref())?;
        let (confidence, products, seed) = settings;
        let estimator = TraceEstimator::new().confidence(confidence).max_products(products).seed(seed);
        let answer = py.detach(|| estimator.run(&mut HessianOperator::new(model, &theta, &SETS[set])?));
        json(&outcome(answer, model.raised())?)
    })
}

/// An estimated spectral density.
#[pyclass(name = "Density", module = "loss_landscape._core", frozen)]
pub(crate) struct PyDensity(pub(crate) DensityEstimate);

#[pymethods]
impl PyDensity {
    fn range(&self) -> [f64; 2] {
        self.0.range()
    }

    #[getter]
    fn products(&self) -> usize {
        self.0.products
    }

    #[getter]
    fn dimension(&self) -> usize {
        self.0.dimension
    }

    fn moments(&self) -> ([f64; 4], [f64; 4]) {
        (self.0.moments, self.0.moment_errors)
    }

    /// Values, lower and upper ends of the interval, and the width of the Gaussians.
    #[allow(clippy::type_complexity, reason = "a tuple for Python")]
    fn density<'py>(
        &self,
        py: Python<'py>,
        at: Vec<f64>,
        width: Option<f64>,
    ) -> PyResult<(Bound<'py, PyArray1<f64>>, Bound<'py, PyArray1<f64>>, Bound<'py, PyArray1<f64>>, f64)>
    {
        let curve = self.0.density(&at, width).map_err(|error| exception(&error))?;
        let width = curve.width;
        Ok((curve.values.into_pyarray(py), curve.lower.into_pyarray(py), curve.upper.into_pyarray(py), width))
    }

    fn figure<'py>(
        &self,
        py: Python<'py>,
        format: &str,
        title: Option<String>,
    ) -> PyResult<Bound<'py, PyAny>> {
        crate::figures::density(py, &self.0, format, title)
    }
}

#[pyfunction]
pub(crate) fn density(
    py: Python<'_>,
    oracle: &Bound<'_, PyAny>,
    set: usize,
    theta: Option<Vector<'_>>,
    settings: (usize, usize, f64, u64),
) -> PyResult<PyDensity> {
    let model = AnyModel::new(oracle, false)?;
    with_model!(&model, model => {
        let theta = at(model, theta.as_ref())?;
        let (probes, steps, confidence, seed) = settings;
        let density = SpectralDensity::new().probes(probes).steps(steps).confidence(confidence).seed(seed);
        let answer = py.detach(|| density.run(&mut HessianOperator::new(model, &theta, &SETS[set])?));
        Ok(PyDensity(outcome(answer, model.raised())?))
    })
}

/// Compares gradient and products with differences: relative errors.
#[pyfunction]
pub(crate) fn check(py: Python<'_>, oracle: &Bound<'_, PyAny>, set: usize) -> PyResult<(f64, f64)> {
    let model = AnyModel::new(oracle, false)?;
    with_model!(&model, model => {
        let answer = py.detach(|| {
            let gradient = check_gradient(model, model.parameters(), &SETS[set])?;
            let hessian = check_hessian_product(model, model.parameters(), &SETS[set])?;
            Ok((gradient.error, hessian.error))
        });
        outcome(answer, model.raised())
    })
}

/// L(θ) and ∇L(θ).
#[pyfunction]
pub(crate) fn gradient<'py>(
    py: Python<'py>,
    oracle: &Bound<'py, PyAny>,
    set: usize,
    theta: Option<Vector<'py>>,
) -> PyResult<(f64, Bound<'py, PyAny>)> {
    let model = AnyModel::new(oracle, false)?;
    with_model!(&model, model => {
        let theta = at(model, theta.as_ref())?;
        let mut out = theta.clone();
        let answer = py.detach(|| model.gradient(&theta, &SETS[set], &mut out).map_err(loss_landscape::Error::from));
        let loss = outcome(answer, model.raised())?;
        Ok((loss, out.into_pyarray(py).into_any()))
    })
}
