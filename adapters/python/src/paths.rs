//! Trajectories, barriers and bent paths between minimisers.

use std::ops::ControlFlow;

use loss_landscape::{
    Gradient, Model,
    path::{Barrier, BentPath, PathShape, PathTraining, StepRule},
    trajectory::PrincipalPlane,
};
use numpy::PyArray1;
use pyo3::prelude::*;

use crate::{
    errors::{OrRaise, argument, exception},
    layout::{PyDirection, PyLayout, PyScalar, Vector, json, vector_of},
    oracle::{AnyModel, SETS, with_model},
    results::{PyLandscape, Values},
};

/// Runs on threads of its own. Those of rayon's global pool would not come along if the process forks, and waiting for
/// them would never end.
pub(crate) fn in_own_pool<T: Send>(work: impl FnOnce() -> T + Send) -> PyResult<T> {
    let pool = rayon::ThreadPoolBuilder::new().build().map_err(|error| argument(error.to_string()))?;
    Ok(pool.install(work))
}

/// The principal plane of snapshots: its directions, and a report as JSON text with a sentence.
#[pyfunction]
pub(crate) fn principal_plane(
    py: Python<'_>,
    layout: &PyLayout,
    snapshots: Vec<Vector<'_>>,
    centred: bool,
    weights_only: bool,
    components: usize,
) -> PyResult<(Vec<PyDirection>, String, String)> {
    fn of<S: PyScalar>(
        py: Python<'_>,
        layout: &PyLayout,
        snapshots: &[Vector<'_>],
        plane: &PrincipalPlane,
        components: usize,
    ) -> PyResult<(Vec<PyDirection>, String, String)> {
        let snapshots = snapshots.iter().map(vector_of::<S>).collect::<PyResult<Vec<_>>>()?;
        let found = py.detach(|| in_own_pool(|| plane.run(&layout.0, &snapshots)))?.or_raise()?;
        let directions = (0..components).filter_map(|k| found.component(k).cloned()).map(S::wrap).collect();
        Ok((directions, json(found.report())?, found.report().to_string()))
    }
    let mut plane = PrincipalPlane::new().centred(centred).components(components);
    if weights_only {
        plane = plane.weights_only();
    }
    match snapshots.first() {
        None => Err(argument("a trajectory needs snapshots")),
        Some(Vector::F32(_)) => of::<f32>(py, layout, &snapshots, &plane, components),
        Some(Vector::F64(_)) => of::<f64>(py, layout, &snapshots, &plane, components),
    }
}

/// The barrier of a curve between its ends at 0 and 1, as JSON text.
#[pyfunction]
pub(crate) fn barrier(curve: &PyLandscape, channel: &str, fall: bool) -> PyResult<String> {
    let Values::Curve(curve) = &curve.0 else { return Err(argument("a barrier is that of a curve")) };
    let found = if fall { Barrier::fall(curve, channel) } else { Barrier::rise(curve, channel) };
    json(&found.or_raise()?)
}

/// Ctrl-C as an exception.
fn signals() -> PyResult<()> {
    #[allow(
        clippy::redundant_closure_for_method_calls,
        reason = "the method itself has one lifetime, and not all"
    )]
    Python::attach(|py| py.check_signals())
}

/// Trains a curve between two minimisers: its points, and a report as JSON text.
#[pyfunction]
#[allow(clippy::too_many_arguments, reason = "the keywords of a Python function")]
pub(crate) fn train_path<'py>(
    py: Python<'py>,
    oracle: &Bound<'py, PyAny>,
    set: usize,
    ends: (Vector<'py>, Vector<'py>),
    shape: &str,
    bends: usize,
    settings: (f64, usize, usize, u64, bool),
) -> PyResult<(Vec<Bound<'py, PyAny>>, String)> {
    let shape = match shape {
        "bezier" => PathShape::Bezier,
        "chain" => PathShape::Chain,
        other => {
            return Err(argument(format!("`{other}` is no shape of a path: one of 'bezier' and 'chain'")));
        }
    };
    let (learning_rate, steps, draws, seed, adam) = settings;
    let mut training = PathTraining::new(learning_rate).steps(steps).draws(draws).seed(seed);
    if adam {
        training = training.rule(StepRule::adam());
    }
    let model = AnyModel::new(oracle, false)?;
    with_model!(&model, model => {
        let (a, b) = (vector_of(&ends.0)?, vector_of(&ends.1)?);
        let straight = match shape {
            PathShape::Bezier => BentPath::bezier(model.layout(), &a, &b, bends),
            PathShape::Chain => BentPath::chain(model.layout(), &a, &b, bends),
        }
        .or_raise()?;
        let answer = py.detach(|| {
            training.run_with(
                &straight,
                |theta, _, out| model.gradient(theta, &SETS[set], out),
                |_| match signals() {
                    Ok(()) => ControlFlow::Continue(()),
                    Err(error) => {
                        let _ = model.raised().keep(error);
                        ControlFlow::Break(())
                    }
                },
            )
        });
        if let Some(raised) = model.raised().take() {
            return Err(raised);
        }
        let trained = answer.map_err(|error| exception(&error))?;
        let points = trained.path.points().iter();
        let points = points.map(|point| PyArray1::from_slice(py, point).into_any()).collect();
        Ok((points, json(&trained.report)?))
    })
}
