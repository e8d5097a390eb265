//! Hidden units in another order: groups that Python names, and the permutations that make two networks alike.

use loss_landscape::{
    Layout, Model, check,
    matching::{Assignment, PermutationSpec, Permutations, UnitGroup, WeightMatching},
};
use numpy::{IntoPyArray, PyReadonlyArray2};
use pyo3::prelude::*;

use crate::{
    curvature::{at, outcome},
    errors::OrRaise,
    layout::{PyLayout, PyScalar, Vector, json, mask_of, vector_of},
    oracle::{AnyModel, SETS, with_model},
    paths::in_own_pool,
};

/// A group: its name, the number of its units, and where they are: block, axis, first index, indices of each unit, and
/// whether they fill the axis.
type GroupTuple = (String, usize, Vec<(String, usize, usize, usize, bool)>);

fn specification(layout: &Layout, groups: Vec<GroupTuple>) -> PyResult<PermutationSpec> {
    let group = |(name, units, places): GroupTuple| {
        places.into_iter().fold(UnitGroup::new(name, units), |group, (block, axis, start, run, whole)| {
            if whole { group.runs(block, axis, run) } else { group.part(block, axis, start, run) }
        })
    };
    PermutationSpec::new(layout, groups.into_iter().map(group)).or_raise()
}

/// θ_b with its units in the order of those of θ_a: the vector, the orders, and a report as JSON text with a sentence.
#[pyfunction]
#[allow(clippy::type_complexity, reason = "a tuple for Python")]
pub(crate) fn match_units<'py>(
    py: Python<'py>,
    layout: &PyLayout,
    groups: Vec<GroupTuple>,
    ends: (Vector<'py>, Vector<'py>),
    mask: Option<Vec<String>>,
    settings: (u64, usize, usize, bool),
) -> PyResult<(Bound<'py, PyAny>, Vec<Vec<usize>>, String, String)> {
    fn of<'py, S: PyScalar>(
        py: Python<'py>,
        spec: &PermutationSpec,
        (a, b): (&Vector<'_>, &Vector<'_>),
        matching: &WeightMatching,
    ) -> PyResult<(Bound<'py, PyAny>, Vec<Vec<usize>>, String, String)> {
        let (a, b) = (vector_of::<S>(a)?, vector_of::<S>(b)?);
        let matched = py.detach(|| in_own_pool(|| matching.run(spec, &a, &b)))?.or_raise()?;
        let orders = matched.permutations().orders().to_vec();
        let (report, theta) = (matched.report(), matched.theta().to_vec());
        let about = serde_json::json!({
            "cosine_before": report.cosine_before(),
            "cosine": report.cosine(),
            "converged": report.converged(),
            "moved": report.moved(),
        });
        let all = format!("[{},{about}]", json(report)?);
        Ok((theta.into_pyarray(py).into_any(), orders, all, report.to_string()))
    }
    let spec = specification(&layout.0, groups)?;
    let (seed, starts, sweeps, anchored) = settings;
    let mut matching = WeightMatching::new().seed(seed).starts(starts).sweeps(sweeps).anchored(anchored);
    if let Some(mask) = mask_of(&layout.0, mask)? {
        matching = matching.mask(&mask);
    }
    match &ends.0 {
        Vector::F32(_) => of::<f32>(py, &spec, (&ends.0, &ends.1), &matching),
        Vector::F64(_) => of::<f64>(py, &spec, (&ends.0, &ends.1), &matching),
    }
}

/// A vector with its units in these orders.
#[pyfunction]
pub(crate) fn permute<'py>(
    py: Python<'py>,
    layout: &PyLayout,
    groups: Vec<GroupTuple>,
    orders: Vec<Vec<usize>>,
    theta: Vector<'py>,
) -> PyResult<Bound<'py, PyAny>> {
    let permutations = Permutations::new(&specification(&layout.0, groups)?, orders).or_raise()?;
    Ok(match &theta {
        Vector::F32(_) => {
            permutations.apply(&vector_of::<f32>(&theta)?).or_raise()?.into_pyarray(py).into_any()
        }
        Vector::F64(_) => {
            permutations.apply(&vector_of::<f64>(&theta)?).or_raise()?.into_pyarray(py).into_any()
        }
    })
}

/// An order for each group, drawn.
#[pyfunction]
pub(crate) fn random_orders(
    layout: &PyLayout,
    groups: Vec<GroupTuple>,
    seed: u64,
) -> PyResult<Vec<Vec<usize>>> {
    Ok(Permutations::random(&specification(&layout.0, groups)?, seed).orders().to_vec())
}

/// The loss at θ, with all units permuted, and with each group alone; the largest error and its group.
#[pyfunction]
#[allow(clippy::type_complexity, reason = "a tuple for Python")]
pub(crate) fn check_permutations(
    py: Python<'_>,
    oracle: &Bound<'_, PyAny>,
    set: usize,
    theta: Option<Vector<'_>>,
    groups: Vec<GroupTuple>,
    seed: u64,
) -> PyResult<(f64, f64, Vec<(String, f64)>, f64, Option<String>)> {
    let model = AnyModel::new(oracle, false)?;
    with_model!(&model, model => {
        let theta = at(model, theta.as_ref())?;
        let spec = specification(model.layout(), groups)?;
        let answer = py.detach(|| check::check_permutations(model, &theta, &SETS[set], &spec, seed));
        let found = outcome(answer, model.raised())?;
        Ok((found.loss, found.permuted, found.groups, found.error, found.worst))
    })
}

/// The column of each row that makes the sum of the chosen values largest, and that sum.
#[pyfunction]
pub(crate) fn assignment(
    py: Python<'_>,
    similarity: PyReadonlyArray2<'_, f64>,
) -> PyResult<(Vec<usize>, f64)> {
    let similarity = similarity.as_array().to_owned();
    let found = py.detach(|| Assignment::largest(&similarity)).or_raise()?;
    Ok((found.columns().to_vec(), found.total()))
}
