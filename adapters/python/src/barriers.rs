//! Barriers between several minimisers as an object of Python.

use loss_landscape::path::{Barrier, BarrierMatrix};
use numpy::IntoPyArray;
use pyo3::{prelude::*, types::PyBytes};

use crate::{
    errors::{OrRaise, argument, named},
    figures::Style,
    layout::json,
    results::{PyLandscape, Values},
};

/// Barriers and curves between each pair of minimisers.
#[pyclass(name = "BarrierMatrix", module = "loss_landscape._core", frozen)]
pub(crate) struct PyBarrierMatrix(BarrierMatrix);

#[pymethods]
impl PyBarrierMatrix {
    /// Of the curves between all pairs, in the order (0, 1), (0, 2), …, (1, 2), …; none where it was not measured.
    #[new]
    fn new(names: Vec<String>, channel: &str, curves: Vec<Option<PyLandscape>>) -> PyResult<Self> {
        let count = names.len();
        let numbers = (0..count).flat_map(|i| (i + 1..count).map(move |j| [i, j]));
        let mut pairs = Vec::with_capacity(curves.len());
        for (numbers, landscape) in numbers.zip(&curves) {
            let curve = match landscape.as_ref().map(|landscape| &landscape.0) {
                None => None,
                Some(Values::Curve(curve)) => Some(curve),
                Some(Values::Surface(_)) => return Err(argument("a barrier is that of a curve")),
            };
            // Without a finite value at both ends there is none.
            let barrier = curve.and_then(|curve| Barrier::rise(curve, channel).ok());
            pairs.push(serde_json::json!({ "numbers": numbers, "curve": curve, "barrier": barrier }));
        }
        let stated = serde_json::json!({ "names": names, "channel": channel, "pairs": pairs });
        let matrix = serde_json::from_value(stated);
        Ok(Self(matrix.map_err(|error| argument(format!("no matrix of barriers: {error}")))?))
    }

    fn names(&self) -> Vec<String> {
        self.0.names().to_vec()
    }

    fn channel(&self) -> String {
        self.0.channel().to_owned()
    }

    fn heights<'py>(&self, py: Python<'py>) -> Bound<'py, PyAny> {
        self.0.heights().into_pyarray(py).into_any()
    }

    fn missing<'py>(&self, py: Python<'py>) -> Bound<'py, PyAny> {
        self.0.missing().into_pyarray(py).into_any()
    }

    fn curve(&self, i: usize, j: usize) -> Option<PyLandscape> {
        self.0.curve(i, j).cloned().map(Into::into)
    }

    /// As a JSON text.
    fn barrier(&self, i: usize, j: usize) -> PyResult<Option<String>> {
        self.0.barrier(i, j).map(json).transpose()
    }

    fn highest(&self) -> Option<[usize; 2]> {
        self.0.highest().map(|(pair, _)| pair)
    }

    fn __str__(&self) -> String {
        self.0.to_string()
    }

    fn figure<'py>(&self, py: Python<'py>, format: &str, style: Style) -> PyResult<Bound<'py, PyAny>> {
        crate::figures::barriers(py, &self.0, format, &style)
    }

    /// The file as bytes: `json` holds everything, `npz` the matrices, `csv` a line for each pair.
    fn to_bytes<'py>(&self, py: Python<'py>, format: &str) -> PyResult<Bound<'py, PyBytes>> {
        let bytes = match format {
            "json" => json(&self.0)?.into_bytes(),
            "npz" => self.0.to_npz_bytes().or_raise()?,
            "csv" => self.0.to_csv_bytes().or_raise()?,
            other => return Err(argument(format!("`{other}` is no format: one of 'npz', 'json' and 'csv'"))),
        };
        Ok(PyBytes::new(py, &bytes))
    }

    /// From a JSON text.
    #[staticmethod]
    fn from_bytes(bytes: &[u8]) -> PyResult<Self> {
        let matrix = serde_json::from_slice(bytes);
        Ok(Self(matrix.map_err(|error| named("FormatError", format!("no matrix of barriers: {error}")))?))
    }
}
