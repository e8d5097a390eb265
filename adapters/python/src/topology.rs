//! The shape of a curve or surface as an object of Python.

use loss_landscape::topology::{Neighbours, Topology, TopologyReport};
use pyo3::{prelude::*, types::PyBytes};

use crate::{
    errors::{OrRaise, argument},
    figures::Style,
    layout::json,
    results::{PyLandscape, with_values},
};

/// Minima, merges and hills.
#[pyclass(name = "Topology", module = "loss_landscape._core", frozen, from_py_object)]
#[derive(Clone)]
pub(crate) struct PyTopology(pub(crate) TopologyReport);

/// A persistence pair: dimension, birth, death, their indices, and whether it is certain.
type PairTuple = (usize, f64, f64, Option<[usize; 2]>, Option<[usize; 2]>, bool);

#[pymethods]
impl PyTopology {
    /// The whole report as a JSON text.
    fn report(&self) -> PyResult<String> {
        json(&self.0)
    }

    fn pairs(&self) -> Vec<PairTuple> {
        let pairs = self.0.pairs().into_iter();
        pairs.map(|p| (p.dimension, p.birth, p.death, p.birth_index, p.death_index, p.certain)).collect()
    }

    fn __str__(&self) -> String {
        self.0.to_string()
    }

    fn figure<'py>(
        &self,
        py: Python<'py>,
        kind: &str,
        format: &str,
        style: Style,
        floor: Option<f64>,
    ) -> PyResult<Bound<'py, PyAny>> {
        crate::figures::shape(py, &self.0, kind, format, &style, floor)
    }

    fn to_bytes<'py>(&self, py: Python<'py>, format: &str) -> PyResult<Bound<'py, PyBytes>> {
        let bytes = match format {
            "json" => self.0.to_json_bytes(),
            "npz" => self.0.to_npz_bytes(),
            "csv" => self.0.to_csv_bytes(),
            other => return Err(argument(format!("`{other}` is no format: one of 'npz', 'json' and 'csv'"))),
        };
        Ok(PyBytes::new(py, &bytes.or_raise()?))
    }

    #[staticmethod]
    fn from_bytes(bytes: &[u8], format: &str) -> PyResult<Self> {
        Ok(Self(match format {
            "json" => TopologyReport::from_json_bytes(bytes).or_raise()?,
            "npz" => TopologyReport::from_npz_bytes(bytes).or_raise()?,
            "csv" => TopologyReport::from_csv_bytes(bytes).or_raise()?,
            other => return Err(argument(format!("`{other}` is no format: one of 'npz', 'json' and 'csv'"))),
        }))
    }
}

/// How it is found; the fields are those of Python's `_topology`.
#[derive(FromPyObject)]
pub(crate) struct Settings {
    channel: String,
    neighbours: usize,
    persistence_above: f64,
    standard_error: Option<f64>,
    /// The name of a channel.
    standard_errors: Option<String>,
    confidence: f64,
}

/// The shape of a channel.
#[pyfunction]
pub(crate) fn topology(py: Python<'_>, landscape: &PyLandscape, settings: Settings) -> PyResult<PyTopology> {
    let neighbours = match settings.neighbours {
        4 => Neighbours::Four,
        8 => Neighbours::Eight,
        other => return Err(argument(format!("a point has 4 or 8 neighbours, not {other}"))),
    };
    let mut topology = Topology::new()
        .channel(settings.channel)
        .neighbours(neighbours)
        .persistence_above(settings.persistence_above)
        .confidence(settings.confidence);
    if let Some(error) = settings.standard_error {
        topology = topology.standard_error(error);
    }
    if let Some(channel) = settings.standard_errors {
        topology = topology.standard_errors(channel);
    }
    let found = py.detach(|| with_values!(landscape, inner => topology.of(inner)));
    Ok(PyTopology(found.or_raise()?))
}
