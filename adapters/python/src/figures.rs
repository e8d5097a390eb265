//! Figures and pages, as text and bytes.

use loss_landscape::{Draws, path::BarrierMatrix, topology::TopologyReport};
use loss_landscape_plot::{
    ContourFigure, CurveFigure, DensityFigure, FanFigure, Figure, HeatFigure, MatrixFigure, MergeTreeFigure,
    PersistenceFigure, RatioFigure, Scale, Series, SurfaceFigure,
    page::{Page, PageLandscape},
};
use numpy::PyReadonlyArray2;
use pyo3::{
    prelude::*,
    types::{PyBytes, PyString},
};

use crate::{
    errors::{OrRaise, argument},
    results::{PyLandscape, Values},
    topology::PyTopology,
};

/// How a figure looks; the fields are those of Python's `_Style`.
#[derive(FromPyObject)]
pub(crate) struct Style {
    title: Option<String>,
    log: bool,
    low: Option<f64>,
    high: Option<f64>,
    levels: Vec<f64>,
    markers: Vec<(f64, f64, String)>,
    path: Option<(Vec<f64>, Vec<f64>)>,
    x_label: Option<String>,
    y_label: Option<String>,
    /// Minima and saddles that are marked on surfaces.
    critical_points: Option<PyTopology>,
    /// Whether isolines lie on splines.
    splines: bool,
    /// The channel with the standard errors of the one that is drawn: shaded as far as two of them.
    errors: Option<String>,
    /// A sentence for the caption of contours.
    note: Option<String>,
}

const PIXELS_PER_UNIT: f64 = 2.5;

fn rendered<'py>(py: Python<'py>, figure: &impl Figure, format: &str) -> PyResult<Bound<'py, PyAny>> {
    Ok(match format {
        "svg" => PyString::new(py, &figure.to_svg().or_raise()?).into_any(),
        "png" => PyBytes::new(py, &figure.to_png(PIXELS_PER_UNIT).or_raise()?).into_any(),
        "pdf" => PyBytes::new(py, &figure.to_pdf().or_raise()?).into_any(),
        other => {
            return Err(argument(format!(
                "`{other}` is no format of figures: one of 'svg', 'png' and 'pdf'"
            )));
        }
    })
}

pub(crate) fn density<'py>(
    py: Python<'py>,
    estimate: &loss_landscape::curvature::DensityEstimate,
    format: &str,
    title: Option<String>,
) -> PyResult<Bound<'py, PyAny>> {
    let mut figure = DensityFigure::from_estimate(estimate).or_raise()?;
    if let Some(title) = title {
        figure = figure.title(title);
    }
    rendered(py, &figure, format)
}

/// What contours and heat maps have in common.
macro_rules! flat {
    ($figure:expr, $style:expr) => {{
        let mut figure = $figure;
        let style = $style;
        if let Some(title) = &style.title {
            figure = figure.title(title.clone());
        }
        if let Some(label) = &style.x_label {
            figure = figure.x_label(label.clone());
        }
        if let Some(label) = &style.y_label {
            figure = figure.y_label(label.clone());
        }
        for (x, y, label) in &style.markers {
            figure = figure.marker(*x, *y, label.clone());
        }
        if let Some((x, y)) = &style.path {
            figure = figure.trajectory(x, y);
        }
        figure
    }};
}

fn scale(style: &Style) -> Scale {
    if style.log { Scale::Log } else { Scale::Linear }
}

/// Draws a surface as `contour`, `surface` or `heat`, or a curve.
#[pyfunction]
pub(crate) fn figure<'py>(
    py: Python<'py>,
    landscape: &PyLandscape,
    kind: &str,
    channels: Vec<String>,
    format: &str,
    style: Style,
) -> PyResult<Bound<'py, PyAny>> {
    let style = &style;
    let range = style.low.zip(style.high);
    let channel = channels.first().ok_or_else(|| argument("a figure needs a channel"))?;
    match (&landscape.0, kind) {
        (Values::Curve(curve), "curve") => {
            let mut figure = CurveFigure::new().left_scale(scale(style));
            for channel in &channels {
                let values = curve.channel(channel).or_raise()?;
                let mut series = Series::new(channel.clone(), curve.alpha(), &values.to_vec());
                if let Some(errors) = &style.errors {
                    let twice = 2.0 * &curve.channel(errors).or_raise()?;
                    series = series.band(&(&values - &twice).to_vec(), &(&values + &twice).to_vec());
                }
                figure = figure.series(series);
            }
            figure = figure.x_label(style.x_label.clone().unwrap_or_else(|| "α".to_owned()));
            if let Some(label) = &style.y_label {
                figure = figure.left_label(label.clone());
            }
            if let Some(title) = &style.title {
                figure = figure.title(title.clone());
            }
            if let Some((low, high)) = range {
                figure = figure.left_range(low, high);
            }
            rendered(py, &figure, format)
        }
        (Values::Surface(surface), "contour") => {
            let mut figure =
                flat!(ContourFigure::from_surface(surface, channel).or_raise()?, style).scale(scale(style));
            if let Some((low, high)) = range {
                figure = figure.color_range(low, high);
            }
            if !style.levels.is_empty() {
                figure = figure.levels(style.levels.clone());
            }
            if let Some(shape) = &style.critical_points {
                figure = figure.critical_points(&shape.0);
            }
            if let Some(errors) = &style.errors {
                figure = figure.standard_error(surface.channel(errors).or_raise()?);
            }
            if style.splines {
                figure = figure.splines();
            }
            if let Some(note) = &style.note {
                figure = figure.note(note.clone());
            }
            rendered(py, &figure, format)
        }
        (Values::Surface(surface), "heat") => {
            let mut figure =
                flat!(HeatFigure::from_surface(surface, channel).or_raise()?, style).scale(scale(style));
            if let Some((low, high)) = range {
                figure = figure.color_range(low, high);
            }
            if let Some(shape) = &style.critical_points {
                figure = figure.critical_points(&shape.0);
            }
            rendered(py, &figure, format)
        }
        (Values::Surface(surface), "surface") => {
            let mut figure = SurfaceFigure::from_surface(surface, channel).or_raise()?.scale(scale(style));
            if let Some(title) = &style.title {
                figure = figure.title(title.clone());
            }
            if let Some(label) = &style.x_label {
                figure = figure.x_label(label.clone());
            }
            if let Some(label) = &style.y_label {
                figure = figure.y_label(label.clone());
            }
            if let Some((low, high)) = range {
                figure = figure.height_range(low, high);
            }
            if let Some(shape) = &style.critical_points {
                figure = figure.critical_points(&shape.0);
            }
            rendered(py, &figure, format)
        }
        (Values::Curve(_), other) => {
            Err(argument(format!("a curve is not drawn as `{other}`: only as 'curve'")))
        }
        (Values::Surface(_), other) => {
            let text = format!("a surface is not drawn as `{other}`: one of 'contour', 'surface' and 'heat'");
            Err(argument(text))
        }
    }
}

/// Draws a map of eigenvalue ratios.
#[pyfunction]
#[allow(clippy::too_many_arguments, reason = "the keywords of a Python function")]
pub(crate) fn ratio_figure<'py>(
    py: Python<'py>,
    alpha: Vec<f64>,
    beta: Vec<f64>,
    lambda_min: PyReadonlyArray2<'py, f64>,
    lambda_max: PyReadonlyArray2<'py, f64>,
    uncertain: PyReadonlyArray2<'py, bool>,
    format: &str,
    style: Style,
) -> PyResult<Bound<'py, PyAny>> {
    let figure = RatioFigure::new(&alpha, &beta, lambda_min.as_array(), lambda_max.as_array())
        .uncertain(uncertain.as_array());
    let mut figure = flat!(figure, &style);
    if let Some(high) = style.high {
        figure = figure.limit(high);
    }
    if !style.levels.is_empty() {
        figure = figure.levels(style.levels.clone());
    }
    rendered(py, &figure, format)
}

/// Draws lines of several draws as a fan.
#[pyfunction]
pub(crate) fn fan_figure<'py>(
    py: Python<'py>,
    curves: Vec<PyLandscape>,
    channel: &str,
    format: &str,
    style: Style,
) -> PyResult<Bound<'py, PyAny>> {
    let curve = |landscape: PyLandscape| match landscape.0 {
        Values::Curve(curve) => Ok(curve),
        Values::Surface(_) => Err(argument("a fan is drawn of curves")),
    };
    let curves = curves.into_iter().map(curve).collect::<PyResult<Vec<_>>>()?;
    let draws = Draws::new(curves).or_raise()?;
    let mut figure = FanFigure::from_draws(&draws, channel).or_raise()?.scale(scale(&style));
    if let Some(title) = &style.title {
        figure = figure.title(title.clone());
    }
    if let Some((low, high)) = style.low.zip(style.high) {
        figure = figure.range(low, high);
    }
    rendered(py, &figure, format)
}

/// Draws a shape as its `persistence` diagram or as a `merge_tree`, with a line of the persistence below which nothing
/// counts.
pub(crate) fn shape<'py>(
    py: Python<'py>,
    report: &TopologyReport,
    kind: &str,
    format: &str,
    style: &Style,
    floor: Option<f64>,
) -> PyResult<Bound<'py, PyAny>> {
    let title = style.title.clone();
    match kind {
        "persistence" => {
            let mut figure = PersistenceFigure::from_report(report).scale(scale(style));
            if let Some(title) = title {
                figure = figure.title(title);
            }
            if let Some(label) = &style.y_label {
                figure = figure.value_label(label.clone());
            }
            if let Some(floor) = floor {
                figure = figure.floor(floor);
            }
            rendered(py, &figure, format)
        }
        "merge_tree" => {
            let mut figure = MergeTreeFigure::from_report(report).scale(scale(style));
            if let Some(title) = title {
                figure = figure.title(title);
            }
            if let Some(label) = &style.y_label {
                figure = figure.y_label(label.clone());
            }
            if let Some(floor) = floor {
                figure = figure.floor(floor);
            }
            rendered(py, &figure, format)
        }
        other => {
            Err(argument(format!("a shape is not drawn as `{other}`: one of 'persistence' and 'merge_tree'")))
        }
    }
}

/// Draws the heights of barriers as a matrix.
pub(crate) fn barriers<'py>(
    py: Python<'py>,
    matrix: &BarrierMatrix,
    format: &str,
    style: &Style,
) -> PyResult<Bound<'py, PyAny>> {
    let mut figure = MatrixFigure::from_barriers(matrix).scale(scale(style));
    if let Some(title) = &style.title {
        figure = figure.title(title.clone());
    }
    if let Some(label) = &style.y_label {
        figure = figure.value_label(label.clone());
    }
    if let Some((low, high)) = style.low.zip(style.high) {
        figure = figure.color_range(low, high);
    }
    rendered(py, &figure, format)
}

/// A landscape on a page: its name, the surface, and paths by name.
type OnPage = (String, PyLandscape, Vec<(String, Vec<f64>, Vec<f64>)>);

/// Landscapes as one HTML file.
#[pyfunction]
pub(crate) fn page(title: &str, caption: &str, landscapes: Vec<OnPage>) -> PyResult<String> {
    let mut page = Page::new(title).caption(caption);
    for (name, landscape, paths) in landscapes {
        let Values::Surface(surface) = &landscape.0 else { return Err(argument("a page shows surfaces")) };
        let mut shown = PageLandscape::from_surface(name, surface);
        for (name, x, y) in &paths {
            shown = shown.trajectory(name.clone(), x, y);
        }
        page = page.landscape(shown);
    }
    page.to_html().or_raise()
}

/// Writes bytes as the core writes all files: as a whole, or not at all.
#[pyfunction]
pub(crate) fn write_file(path: std::path::PathBuf, bytes: &[u8]) -> PyResult<()> {
    loss_landscape::files::write(path, bytes).or_raise()
}
