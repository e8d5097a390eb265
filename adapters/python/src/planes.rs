//! What planes and random directions show of the Hessian, and planes along the gradient.

use loss_landscape::{
    Directions, Model,
    curvature::{GradientDirections, Lanczos, SliceCurvature, directional_curvatures as curvatures},
    measure::Reading,
};
use pyo3::prelude::*;

use crate::{
    curvature::{about, outcome},
    errors::{OrRaise, argument},
    layout::{PyDirection, PyScalar, direction_of, json, mask_of, random_of},
    oracle::{AnyModel, SETS, with_model},
};

/// The curvatures of a plane at a point beside those of the whole Hessian: a JSON text.
#[pyfunction]
#[allow(clippy::too_many_arguments, reason = "the keywords of a Python function")]
pub(crate) fn slice_curvature(
    py: Python<'_>,
    oracle: &Bound<'_, PyAny>,
    set: usize,
    first: &PyDirection,
    second: &PyDirection,
    coordinates: [f64; 2],
    mask: Option<Vec<String>>,
    settings: (f64, f64, usize, usize, u64),
) -> PyResult<String> {
    let model = AnyModel::new(oracle, false)?;
    with_model!(&model, model => {
        let (tolerance, confidence, products, probes, seed) = settings;
        let lanczos =
            Lanczos::new().tolerance(tolerance).confidence(confidence).max_products(products).seed(seed).vectors(false);
        let mut slice = SliceCurvature::new().lanczos(lanczos).probes(probes);
        if let Some(mask) = mask_of(model.layout(), mask)? {
            slice = slice.mask(&mask);
        }
        let plane = Directions::new(direction_of(first)?, direction_of(second)?).or_raise()?;
        let answer = py.detach(|| slice.report(model, &SETS[set], &plane, coordinates));
        let report = outcome(answer, model.raised())?;
        let stated = serde_json::json!({
            "coordinates": report.coordinates,
            "matrix": report.matrix,
            "curvatures": report.curvatures,
            "rounding": report.rounding,
            "energy": report.energy,
            "energy_error": report.energy_error,
            "energy_share": report.energy_share,
            "parameters": report.parameters,
            "products": report.products,
            "convex": report.slice_is_convex(),
            "text": report.to_string(),
        });
        Ok(format!("[{stated},{},{}]", json(&report.extremes)?, about(&report.extremes)))
    })
}

/// The gradient, and a direction across it: `random`, or the `eigenvector` of λ_max.
#[pyfunction]
pub(crate) fn gradient_directions(
    py: Python<'_>,
    oracle: &Bound<'_, PyAny>,
    set: usize,
    second: &str,
    mask: Option<Vec<String>>,
    settings: (u64, u64, f64, usize),
) -> PyResult<Vec<PyDirection>> {
    let model = AnyModel::new(oracle, false)?;
    with_model!(&model, model => {
        let (seed, stream, tolerance, products) = settings;
        let lanczos = Lanczos::new().tolerance(tolerance).max_products(products).seed(seed);
        let mut planes = GradientDirections::new().seed(seed).stream(stream).lanczos(lanczos);
        if let Some(mask) = mask_of(model.layout(), mask)? {
            planes = planes.mask(&mask);
        }
        let answer = match second {
            "random" => py.detach(|| planes.random_pair(model, &SETS[set])),
            "eigenvector" => py.detach(|| planes.eigenvector_pair(model, &SETS[set])),
            other => {
                let text = format!("`{other}` is no second direction: one of 'random' and 'eigenvector'");
                return Err(argument(text));
            }
        };
        Ok(outcome(answer, model.raised())?.into_both().into_iter().map(PyScalar::wrap).collect())
    })
}

/// dᵀHd along random directions.
#[pyfunction]
pub(crate) fn directional_curvatures(
    py: Python<'_>,
    oracle: &Bound<'_, PyAny>,
    set: usize,
    settings: &str,
    mask: Option<Vec<String>>,
    draws: usize,
) -> PyResult<Vec<f64>> {
    let model = AnyModel::new(oracle, false)?;
    with_model!(&model, model => {
        let random = random_of(settings, mask_of(model.layout(), mask)?)?;
        let answer = py.detach(|| curvatures(model, &SETS[set], &random, draws));
        let found = outcome(answer, model.raised())?;
        let number = |reading: &Reading| if let Reading::Value(value) = reading { *value } else { f64::NAN };
        Ok(found.readings().iter().map(number).collect())
    })
}
