//! Figures that several sections draw.

use loss_landscape::{
    Surface,
    measure::{Measured, Reading},
    ndarray::Ix2,
};
use loss_landscape_plot::{ContourFigure, Figure, MeasureFigure, Panels, Scale, SurfaceFigure};

use crate::{Cell, Lab, Measurements, Result, report::Picture};

const LOSS: &str = "training loss (nats)";
/// Pixels of a PNG for each unit of the SVG document.
const RESOLUTION: f64 = 2.0;

/// A figure as it is written.
pub(super) fn picture(name: &str, caption: impl Into<String>, figure: &impl Figure) -> Result<Picture> {
    let pdf = pdf(figure)?;
    Ok(Picture { name: name.to_owned(), caption: caption.into(), svg: figure.to_svg()?, png: None, pdf })
}

/// A shaded one, whose thousands of cells are smaller as pixels.
pub(super) fn shaded_picture(
    name: &str,
    caption: impl Into<String>,
    figure: &impl Figure,
) -> Result<Picture> {
    let png = Some(figure.to_png(RESOLUTION)?);
    Ok(Picture { png, ..picture(name, caption, figure)? })
}

#[cfg(feature = "pdf")]
fn pdf(figure: &impl Figure) -> Result<Option<Vec<u8>>> {
    Ok(Some(figure.to_pdf()?))
}

#[cfg(not(feature = "pdf"))]
#[allow(clippy::unnecessary_wraps, reason = "with the feature `pdf` it can fail")]
fn pdf(_: &impl Figure) -> Result<Option<Vec<u8>>> {
    Ok(None)
}

pub(super) fn contours(surface: &Surface, title: impl Into<String>) -> Result<ContourFigure> {
    let figure = ContourFigure::from_surface(surface, "train loss")?;
    Ok(figure.title(title).value_label(LOSS).scale(Scale::Log).marker(0.0, 0.0, ""))
}

pub(super) fn shaded(surface: &Surface, title: impl Into<String>) -> Result<SurfaceFigure> {
    let figure = SurfaceFigure::from_surface(surface, "train loss")?;
    Ok(figure.title(title).value_label(LOSS).scale(Scale::Log))
}

/// The first plane of the first training of each cell, on one scale.
pub(super) fn first_planes(lab: &Lab, cells: &[Cell], columns: usize) -> Result<Panels> {
    let mut panels = Panels::new().columns(columns);
    for cell in cells {
        let draws: loss_landscape::Draws<Ix2> = lab.planes(cell, 0)?;
        panels = panels.panel(contours(&draws[0], cell.short_name())?);
    }
    Ok(panels.shared_scale())
}

/// A row for each cell: a dot for each training's mean over draws, and the interval of the mean over trainings.
pub(super) fn dots(all: &Measurements, cells: &[Cell], measure: &str, title: &str) -> MeasureFigure {
    let mut figure = MeasureFigure::new().title(title).x_label(measure).dots("trainings");
    for cell in cells {
        let means = all.means(&cell.name(), measure).into_iter().map(Reading::Value);
        figure = figure.group(cell.short_name(), &Measured::new(measure, means));
    }
    figure
}

/// Several of them side by side.
pub(super) fn dot_panels(all: &Measurements, cells: &[Cell], measures: &[&str], columns: usize) -> Panels {
    let mut panels = Panels::new().columns(columns);
    for measure in measures {
        let known = cells.iter().any(|cell| !all.means(&cell.name(), measure).is_empty());
        if known {
            panels = panels.panel(dots(all, cells, measure, measure));
        }
    }
    panels
}

/// What dots and bars are.
pub(super) const DOTS: &str =
    "Dots are trainings (means over draws), bars are 95 % intervals of the mean over trainings.";
