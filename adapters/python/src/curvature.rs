//! Curvature at one point: extreme eigenvalues, eigenvectors, traces, densities, gradients, of the Hessian or of one of
//! its parts H = G + R.

use loss_landscape::{
    Direction, Gradient, Mask, Model, OracleError,
    check::{check_gradient, check_hessian_product},
    curvature::{
        DensityEstimate, DiagonalEstimator, EigenPairs, Extremes, GaussNewtonOperator, GaussNewtonSplit,
        HessianOperator, HessianPart, Lanczos, SpectralDensity, SymmetricOperator, TraceEstimator,
    },
};
use numpy::{IntoPyArray, PyArray1};
use pyo3::prelude::*;

use crate::{
    errors::{Raised, argument, exception},
    layout::{PyDirection, PyScalar, Vector, json, mask_of, vector_of},
    oracle::{AnyModel, PyModel, SETS, with_model},
};

/// The core's answer; an exception of Python's that passed through it comes first.
pub(crate) fn outcome<T>(answer: loss_landscape::Result<T>, raised: &Raised) -> PyResult<T> {
    answer.map_err(|error| raised.take().unwrap_or_else(|| exception(&error)))
}

pub(crate) fn at<S: PyScalar>(model: &PyModel<S>, theta: Option<&Vector<'_>>) -> PyResult<Vec<S>> {
    theta.map_or_else(|| Ok(model.parameters().to_vec()), vector_of::<S>)
}

/// The Hessian, or one of its parts, in chosen blocks.
enum Matrix<'a, S> {
    Hessian(HessianOperator<'a, S>),
    Part(GaussNewtonOperator<'a, S>),
}

fn part_of(word: &str) -> PyResult<HessianPart> {
    Ok(match word {
        "hessian" => HessianPart::Whole,
        "gauss_newton" => HessianPart::GaussNewton,
        "rest" => HessianPart::Rest,
        other => {
            let text = format!(
                "`{other}` is no part of a Hessian: one of 'hessian', 'gauss_newton' (G) and 'rest' (R = H − G)"
            );
            return Err(argument(text));
        }
    })
}

impl<'a, S: PyScalar> Matrix<'a, S> {
    fn new(
        model: &'a PyModel<S>,
        theta: &[S],
        set: usize,
        part: HessianPart,
        mask: Option<&Mask>,
    ) -> loss_landscape::Result<Self> {
        if part == HessianPart::Whole {
            let hessian = HessianOperator::new(model, theta, &SETS[set])?;
            return Ok(Self::Hessian(match mask {
                Some(mask) => hessian.masked(mask)?,
                None => hessian,
            }));
        }
        let mut operator = GaussNewtonOperator::new(model, theta, &SETS[set])?;
        if let Some(mask) = mask {
            operator = operator.masked(mask)?;
        }
        operator.set_part(part);
        Ok(Self::Part(operator))
    }

    fn direction(&self, pairs: &EigenPairs<S>, index: usize) -> loss_landscape::Result<Direction<S>> {
        match self {
            Self::Hessian(hessian) => pairs.direction(hessian, index),
            Self::Part(part) => Direction::new(part.layout(), part.embed(&pairs.vectors[index])?),
        }
    }
}

impl<S: PyScalar> Matrix<'_, S> {
    /// The index in θ of each parameter.
    fn places(&self) -> loss_landscape::Result<Vec<usize>> {
        let ones = vec![S::from_f64(1.0); self.dimension()];
        let chosen = match self {
            Self::Hessian(hessian) => hessian.embed(&ones)?,
            Self::Part(part) => part.embed(&ones)?,
        };
        Ok((0..chosen.len()).filter(|&index| chosen[index].as_f64() != 0.0).collect())
    }
}

impl<S: PyScalar> SymmetricOperator for Matrix<'_, S> {
    type Scalar = S;

    fn dimension(&self) -> usize {
        match self {
            Self::Hessian(hessian) => hessian.dimension(),
            Self::Part(part) => part.dimension(),
        }
    }

    fn apply(&mut self, v: &[S], out: &mut [S]) -> Result<(), OracleError> {
        self.apply_several(v, out)
    }

    fn apply_several(&mut self, vectors: &[S], out: &mut [S]) -> Result<(), OracleError> {
        match self {
            Self::Hessian(hessian) => hessian.apply_several(vectors, out),
            Self::Part(part) => part.apply_several(vectors, out),
        }
    }

    fn product_error(&self) -> f64 {
        match self {
            Self::Hessian(hessian) => hessian.product_error(),
            Self::Part(part) => part.product_error(),
        }
    }
}

/// What follows from both ends of a spectrum, in words too.
pub(crate) fn about<S: PyScalar>(found: &Extremes<S>) -> serde_json::Value {
    serde_json::json!({
        "ratio": found.ratio(),
        "ratio_interval": found.ratio_interval(),
        "reason": found.reason(),
        "text": found.to_string(),
    })
}

/// What matrix is meant: the part of the Hessian, and patterns of block names.
type Which = (String, Option<Vec<String>>);

/// λ_min and λ_max with bounds: a JSON text, and the two vectors if asked for.
#[pyfunction]
#[allow(clippy::too_many_arguments, reason = "the keywords of a Python function")]
pub(crate) fn extremes(
    py: Python<'_>,
    oracle: &Bound<'_, PyAny>,
    set: usize,
    theta: Option<Vector<'_>>,
    which: Which,
    settings: (f64, f64, usize, u64),
) -> PyResult<String> {
    let model = AnyModel::new(oracle, false)?;
    with_model!(&model, model => {
        let theta = at(model, theta.as_ref())?;
        let (part, mask) = (part_of(&which.0)?, mask_of(model.layout(), which.1)?);
        let (tolerance, confidence, products, seed) = settings;
        let lanczos =
            Lanczos::new().tolerance(tolerance).confidence(confidence).max_products(products).seed(seed).vectors(false);
        let answer = py.detach(|| {
            lanczos.run(&mut Matrix::new(model, &theta, set, part, mask.as_ref())?)
        });
        let found = outcome(answer, model.raised())?;
        Ok(format!("[{},{}]", json(&found)?, about(&found)))
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
    which: Which,
    counts: (usize, usize),
    settings: (f64, usize, u64),
) -> PyResult<(Vec<f64>, Vec<PyDirection>, Vec<f64>, usize, String)> {
    let model = AnyModel::new(oracle, false)?;
    with_model!(&model, model => {
        let theta = at(model, theta.as_ref())?;
        let (part, mask) = (part_of(&which.0)?, mask_of(model.layout(), which.1)?);
        let (tolerance, products, seed) = settings;
        let lanczos = Lanczos::new().tolerance(tolerance).max_products(products).seed(seed);
        let answer = py.detach(|| {
            let mut matrix = Matrix::new(model, &theta, set, part, mask.as_ref())?;
            let pairs = lanczos.pairs(&mut matrix, counts.0, counts.1)?;
            let directions = (0..pairs.values.len())
                .map(|k| matrix.direction(&pairs, k).map(PyScalar::wrap))
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
    which: Which,
    settings: (f64, usize, u64),
) -> PyResult<String> {
    let model = AnyModel::new(oracle, false)?;
    with_model!(&model, model => {
        let theta = at(model, theta.as_ref())?;
        let (part, mask) = (part_of(&which.0)?, mask_of(model.layout(), which.1)?);
        let (confidence, products, seed) = settings;
        let estimator = TraceEstimator::new().confidence(confidence).max_products(products).seed(seed);
        let answer = py.detach(|| estimator.run(&mut Matrix::new(model, &theta, set, part, mask.as_ref())?));
        json(&outcome(answer, model.raised())?)
    })
}

/// The diagonal of the Hessian as a whole vector, its standard errors, whose relative size, products and how it ended.
#[pyfunction]
#[allow(clippy::type_complexity, reason = "a tuple for Python")]
pub(crate) fn diagonal<'py>(
    py: Python<'py>,
    oracle: &Bound<'py, PyAny>,
    set: usize,
    theta: Option<Vector<'py>>,
    which: Which,
    settings: (Option<f64>, usize, u64),
) -> PyResult<(Bound<'py, PyArray1<f64>>, Bound<'py, PyArray1<f64>>, f64, usize, String)> {
    let model = AnyModel::new(oracle, false)?;
    with_model!(&model, model => {
        let theta = at(model, theta.as_ref())?;
        let (part, mask) = (part_of(&which.0)?, mask_of(model.layout(), which.1)?);
        let (tolerance, products, seed) = settings;
        let mut estimator = DiagonalEstimator::new().max_products(products).seed(seed);
        if let Some(tolerance) = tolerance {
            estimator = estimator.tolerance(tolerance);
        }
        let answer = py.detach(|| {
            let mut matrix = Matrix::new(model, &theta, set, part, mask.as_ref())?;
            let found = estimator.run(&mut matrix)?;
            // Where each parameter of the operator is in θ.
            let places = matrix.places()?;
            let whole = |values: &[f64]| {
                let mut whole = vec![0.0; theta.len()];
                places.iter().zip(values).for_each(|(&place, value)| whole[place] = *value);
                whole
            };
            Ok((whole(&found.values), whole(&found.standard_errors), found.relative_error(), found.products, found.end))
        });
        let (values, errors, relative, products, end) = outcome(answer, model.raised())?;
        Ok((values.into_pyarray(py), errors.into_pyarray(py), relative, products, format!("{end:?}")))
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
    which: Which,
    settings: (usize, usize, f64, u64),
) -> PyResult<PyDensity> {
    let model = AnyModel::new(oracle, false)?;
    with_model!(&model, model => {
        let theta = at(model, theta.as_ref())?;
        let (part, mask) = (part_of(&which.0)?, mask_of(model.layout(), which.1)?);
        let (probes, steps, confidence, seed) = settings;
        let density = SpectralDensity::new().probes(probes).steps(steps).confidence(confidence).seed(seed);
        let answer = py.detach(|| density.run(&mut Matrix::new(model, &theta, set, part, mask.as_ref())?));
        Ok(PyDensity(outcome(answer, model.raised())?))
    })
}

/// Both parts of the Hessian: the report and its text, as a JSON text.
#[pyfunction]
pub(crate) fn gauss_newton_split(
    py: Python<'_>,
    oracle: &Bound<'_, PyAny>,
    set: usize,
    theta: Option<Vector<'_>>,
    mask: Option<Vec<String>>,
    settings: (f64, f64, usize, usize, usize, u64),
) -> PyResult<String> {
    let model = AnyModel::new(oracle, false)?;
    with_model!(&model, model => {
        let theta = at(model, theta.as_ref())?;
        let (tolerance, confidence, products, trace_products, probes, seed) = settings;
        let lanczos =
            Lanczos::new().tolerance(tolerance).confidence(confidence).max_products(products).seed(seed).vectors(false);
        let trace = TraceEstimator::new().max_products(trace_products).seed(seed);
        let mut split = GaussNewtonSplit::new().lanczos(lanczos).trace(trace).probes(probes);
        if let Some(mask) = mask_of(model.layout(), mask)? {
            split = split.mask(&mask);
        }
        let answer = py.detach(|| split.report(model, &theta, &SETS[set]));
        let report = outcome(answer, model.raised())?;
        let about = serde_json::json!({
            "text": report.to_string(),
            "hessian": about(&report.hessian),
            "gauss_newton": about(&report.gauss_newton),
            "rest": about(&report.rest),
        });
        Ok(format!("[{},{about}]", json(&report)?))
    })
}

/// The product of the Hessian or of one of its parts with a vector.
#[pyfunction]
pub(crate) fn part_product<'py>(
    py: Python<'py>,
    oracle: &Bound<'py, PyAny>,
    set: usize,
    theta: Option<Vector<'py>>,
    part: &str,
    v: Vector<'py>,
) -> PyResult<Bound<'py, PyAny>> {
    let model = AnyModel::new(oracle, false)?;
    with_model!(&model, model => {
        let theta = at(model, theta.as_ref())?;
        let (v, part) = (vector_of(&v)?, part_of(part)?);
        let answer = py.detach(|| {
            let mut matrix = Matrix::new(model, &theta, set, part, None)?;
            let chosen = match &matrix {
                Matrix::Hessian(hessian) => hessian.restrict(&v)?,
                Matrix::Part(part) => part.restrict(&v)?,
            };
            let mut out = chosen.clone();
            matrix.apply(&chosen, &mut out).map_err(loss_landscape::Error::from)?;
            match &matrix {
                Matrix::Hessian(hessian) => hessian.embed(&out),
                Matrix::Part(part) => part.embed(&out),
            }
        });
        Ok(outcome(answer, model.raised())?.into_pyarray(py).into_any())
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
