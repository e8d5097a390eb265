//! Sharpness: how much the loss rises around a point.

use loss_landscape::curvature::{Lanczos, Sharpness, SharpnessReport, SharpnessScale, TraceEstimator};
use pyo3::prelude::*;

use crate::{
    curvature::{about, at, outcome},
    errors::argument,
    layout::{Vector, json, mask_of, vector_of},
    oracle::{AnyModel, SETS, with_model},
    relay::relayed,
};

/// What is measured and how; the fields are those of Python's `_sharpness`.
#[derive(FromPyObject)]
pub(crate) struct Settings<'py> {
    /// `average`, `worst` or `report`.
    measure: String,
    radius: f64,
    scale: String,
    mask: Option<Vec<String>>,
    draws: usize,
    /// Perturbations of the caller's, instead of random ones.
    given: Option<Vec<Vector<'py>>>,
    antithetic: bool,
    confidence: f64,
    restarts: usize,
    steps: usize,
    seed: u64,
    tolerance: f64,
    max_products: usize,
    trace_products: usize,
}

fn scale_of(word: &str) -> PyResult<SharpnessScale> {
    match word {
        "plain" => Ok(SharpnessScale::Plain),
        "relative" => Ok(SharpnessScale::Relative),
        other => Err(argument(format!("`{other}` is no scale: one of 'plain' and 'relative'"))),
    }
}

/// What was measured, as a JSON text; a report with what it says and what follows from it.
#[pyfunction]
pub(crate) fn sharpness(
    py: Python<'_>,
    oracle: &Bound<'_, PyAny>,
    set: usize,
    theta: Option<Vector<'_>>,
    settings: Settings<'_>,
) -> PyResult<String> {
    let Settings { radius, draws, antithetic, confidence, restarts, steps, seed, .. } = settings;
    let lanczos = Lanczos::new()
        .tolerance(settings.tolerance)
        .max_products(settings.max_products)
        .seed(seed)
        .vectors(false);
    let trace = TraceEstimator::new().max_products(settings.trace_products).seed(seed);
    let sharpness = Sharpness::new(radius)
        .scale(scale_of(&settings.scale)?)
        .draws(draws)
        .antithetic(antithetic)
        .confidence(confidence)
        .restarts(restarts)
        .steps(steps)
        .seed(seed)
        .lanczos(lanczos)
        .trace(trace);
    let model = AnyModel::new(oracle, false)?;
    with_model!(&model, model => {
        let theta = at(model, theta.as_ref())?;
        let mask = mask_of(loss_landscape::Model::layout(model), settings.mask.clone())?;
        let sharpness = match &mask {
            Some(mask) => sharpness.mask(mask),
            None => sharpness,
        };
        let (given, data) = (settings.given.as_ref(), &SETS[set]);
        let given = given.map(|all| all.iter().map(vector_of).collect::<PyResult<Vec<_>>>()).transpose()?;
        match settings.measure.as_str() {
            "average" => {
                let answer = relayed(py, model, |relay| match &given {
                    Some(given) => sharpness.average_over(relay, &theta, data, given),
                    None => sharpness.average(relay, &theta, data),
                })?;
                json(&unless_raised(answer, model)?)
            }
            "worst" => {
                let answer = relayed(py, model, |relay| sharpness.worst(relay, &theta, data))?;
                json(&unless_raised(answer, model)?)
            }
            _ => {
                let answer = relayed(py, model, |relay| sharpness.report(relay, &theta, data))?;
                described(&unless_raised(answer, model)?)
            }
        }
    })
}

/// An exception counts as a bad draw to the core, and comes first here.
fn unless_raised<S: crate::layout::PyScalar, T>(
    answer: loss_landscape::Result<T>,
    model: &crate::oracle::PyModel<S>,
) -> PyResult<T> {
    match model.raised().take() {
        Some(raised) => Err(raised),
        None => outcome(answer, model.raised()),
    }
}

fn described<S: crate::layout::PyScalar + serde::Serialize>(report: &SharpnessReport<S>) -> PyResult<String> {
    let stated = serde_json::json!({
        "quadratic_average": report.quadratic_average(),
        "quadratic_worst": report.quadratic_worst(),
        "text": report.to_string(),
        "extremes": about(&report.extremes),
    });
    Ok(format!("[{},{stated}]", json(report)?))
}
