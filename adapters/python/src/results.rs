//! Curves and surfaces as objects of Python.

use loss_landscape::{Curve, Draws, Journal, RatioMap, Surface, VtkHeight, ndarray};
use numpy::{IntoPyArray, PyArray1, PyReadonlyArrayDyn};
use pyo3::{prelude::*, types::PyBytes};

use crate::{
    errors::{OrRaise, argument},
    layout::{json, to_numpy},
};

/// A curve or a surface.
#[derive(Clone)]
pub(crate) enum Values {
    Curve(Curve),
    Surface(Surface),
}

/// Values over a line or a plane, with a report.
#[pyclass(name = "Landscape", module = "loss_landscape._core", frozen, from_py_object)]
#[derive(Clone)]
pub(crate) struct PyLandscape(pub(crate) Values);

impl From<Curve> for PyLandscape {
    fn from(curve: Curve) -> Self {
        Self(Values::Curve(curve))
    }
}

impl From<Surface> for PyLandscape {
    fn from(surface: Surface) -> Self {
        Self(Values::Surface(surface))
    }
}

macro_rules! with_values {
    ($landscape:expr, $inner:ident => $work:expr) => {
        match &$landscape.0 {
            $crate::results::Values::Curve($inner) => $work,
            $crate::results::Values::Surface($inner) => $work,
        }
    };
}
pub(crate) use with_values;

#[pymethods]
impl PyLandscape {
    /// From arrays by name; without β a curve.
    #[staticmethod]
    fn from_channels(
        alpha: Vec<f64>,
        beta: Option<Vec<f64>>,
        channels: Vec<(String, PyReadonlyArrayDyn<'_, f64>)>,
    ) -> PyResult<Self> {
        fn fitted<D: ndarray::Dimension>(
            channels: Vec<(String, PyReadonlyArrayDyn<'_, f64>)>,
        ) -> PyResult<Vec<(String, ndarray::Array<f64, D>)>> {
            let one = |(name, values): (String, PyReadonlyArrayDyn<'_, f64>)| {
                let values = values.as_array().to_owned().into_dimensionality::<D>();
                let text = format!("channel `{name}` does not have the dimensions of the axes");
                Ok((name, values.map_err(|_| argument(text))?))
            };
            channels.into_iter().map(one).collect()
        }
        Ok(match beta {
            None => Curve::from_channels(&alpha, fitted(channels)?).or_raise()?.into(),
            Some(beta) => Surface::from_channels(&alpha, &beta, fitted(channels)?).or_raise()?.into(),
        })
    }

    #[getter]
    fn is_surface(&self) -> bool {
        matches!(self.0, Values::Surface(_))
    }

    fn alpha<'py>(&self, py: Python<'py>) -> Bound<'py, PyAny> {
        with_values!(self, inner => PyArray1::from_slice(py, inner.alpha()).into_any())
    }

    fn beta<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        match &self.0 {
            Values::Curve(_) => None,
            Values::Surface(surface) => Some(PyArray1::from_slice(py, surface.beta()).into_any()),
        }
    }

    fn channels(&self) -> Vec<String> {
        with_values!(self, inner => inner.channels().to_vec())
    }

    fn channel<'py>(&self, py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyAny>> {
        with_values!(self, inner => Ok(to_numpy(py, inner.channel(name).or_raise()?)))
    }

    fn computed<'py>(&self, py: Python<'py>) -> Bound<'py, PyAny> {
        with_values!(self, inner => inner.computed().clone().into_pyarray(py).into_any())
    }

    fn report(&self) -> PyResult<String> {
        with_values!(self, inner => json(inner.report()))
    }

    fn report_text(&self) -> String {
        with_values!(self, inner => inner.report().to_string())
    }

    fn __str__(&self) -> String {
        with_values!(self, inner => inner.to_string())
    }

    /// The file as bytes, in one of the formats json, npz and csv.
    fn to_bytes<'py>(&self, py: Python<'py>, format: &str) -> PyResult<Bound<'py, PyBytes>> {
        let bytes = with_values!(self, inner => match format {
            "json" => inner.to_json_bytes(),
            "npz" => inner.to_npz_bytes(),
            "csv" => inner.to_csv_bytes(),
            other => return Err(argument(format!("`{other}` is no format: one of 'npz', 'json' and 'csv'"))),
        });
        Ok(PyBytes::new(py, &bytes.or_raise()?))
    }

    #[staticmethod]
    fn from_bytes(bytes: &[u8], format: &str, surface: bool) -> PyResult<Self> {
        Ok(match (format, surface) {
            ("json", false) => Curve::from_json_bytes(bytes).or_raise()?.into(),
            ("json", true) => Surface::from_json_bytes(bytes).or_raise()?.into(),
            ("npz", false) => Curve::from_npz_bytes(bytes).or_raise()?.into(),
            ("npz", true) => Surface::from_npz_bytes(bytes).or_raise()?.into(),
            ("csv", false) => Curve::from_csv_bytes(bytes).or_raise()?.into(),
            ("csv", true) => Surface::from_csv_bytes(bytes).or_raise()?.into(),
            (other, _) => {
                return Err(argument(format!("`{other}` is no format: one of 'npz', 'json' and 'csv'")));
            }
        })
    }

    /// Writes a surface for ParaView.
    fn write_vtk(&self, path: std::path::PathBuf, channel: &str) -> PyResult<()> {
        match &self.0 {
            Values::Curve(_) => Err(argument("only surfaces are written for ParaView")),
            Values::Surface(surface) => surface.write_vtk(path, &VtkHeight::new(channel)).or_raise(),
        }
    }
}

/// What is in the journals of one sweep: the landscapes (one a draw), and whether they are of several draws.
#[pyfunction]
pub(crate) fn read_journal(
    py: Python<'_>,
    paths: Vec<std::path::PathBuf>,
) -> PyResult<(Vec<PyLandscape>, Option<crate::sweep::RatioParts>)> {
    let journal = py.detach(|| Journal::read(&paths)).or_raise()?;
    if let Ok(map) = RatioMap::<ndarray::Ix2>::from_journal(&journal) {
        let (landscape, parts) = crate::sweep::ratio_parts(py, map);
        return Ok((vec![landscape], Some(parts)));
    }
    if let Ok(map) = RatioMap::<ndarray::Ix1>::from_journal(&journal) {
        let (landscape, parts) = crate::sweep::ratio_parts(py, map);
        return Ok((vec![landscape], Some(parts)));
    }
    if let Ok(draws) = Draws::<ndarray::Ix2>::from_journal(&journal) {
        return Ok((draws.into_landscapes().into_iter().map(Into::into).collect(), None));
    }
    let draws = Draws::<ndarray::Ix1>::from_journal(&journal).or_raise()?;
    Ok((draws.into_landscapes().into_iter().map(Into::into).collect(), None))
}

/// Writes journals as one, without the points that failed if asked, so that they are tried again.
#[pyfunction]
pub(crate) fn merge_journals(
    paths: Vec<std::path::PathBuf>,
    out: std::path::PathBuf,
    drop_failures: bool,
) -> PyResult<(usize, usize)> {
    let mut journal = Journal::read(&paths).or_raise()?;
    if drop_failures {
        journal = journal.without_failures();
    }
    journal.write(out).or_raise()?;
    Ok((journal.computed(), journal.total()))
}
