//! C9: the pictures do not depend on the draw of the directions.

use loss_landscape::measure::{Measured, Reading};
use loss_landscape_plot::{FanFigure, MeasureFigure, Panels, Scale};

use super::{c2, c3, figures, names, pair_cells, resnets};
use crate::{
    Cell, Job, Lab, Measurements, Result, Setting, Statistic,
    cell::Kind,
    measurements::name,
    report::Section,
    verdict::{Prediction, Side},
};

/// Half of the variance.
const HALF: f64 = 0.5;

pub(super) fn jobs(setting: &Setting) -> Vec<Job> {
    let planes = c3::jobs(setting).into_iter().filter(|job| !matches!(job, Job::Picture(..)));
    planes.chain(c2::jobs(setting)).collect()
}

pub(super) fn section(lab: &Lab, all: &Measurements) -> Result<Section> {
    let setting = lab.setting();
    let cells = resnets(setting).concat();
    let mut lined: Vec<Cell> = cells.clone();
    lined.extend(pair_cells(setting).into_iter().flatten());
    let mut predictions = Vec::new();
    let mut statistics = Vec::new();
    for (measure, cells) in [
        (name::BENDS_DOWN, &cells),
        (name::ROUGHNESS, &cells),
        (name::MINIMA, &cells),
        (name::BASIN, &cells),
        (name::LARGEST_LOSS, &cells),
        (name::WIDTH, &lined),
    ] {
        let statistic = Statistic::share(all, &names(cells), measure)?;
        let text = format!("{measure}: more than half of the variance of single draws is between trainings");
        predictions.push(Prediction { text, statistic, effect: None, side: Side::Above, null: HALF });
    }
    // Within one network: is a draw less than a training?
    for cell in &cells {
        statistics.extend(Statistic::share(all, &[cell.name()], name::BENDS_DOWN)?);
    }
    let deep = cells[cells.len() - 1];
    let planes = Panels::from_draws(&lab.planes(&deep, 0)?, "train loss")?;
    let vgg = pair_cells(setting).into_iter().flatten().find(|cell| cell.kind == Kind::Vgg9);
    let vgg = vgg.unwrap_or(deep);
    let fan = FanFigure::from_draws(&lab.lines(&vgg, 0)?, "train loss")?
        .lines()
        .scale(Scale::Log)
        .y_label("training loss (nats)")
        .title(vgg.short_name());
    let mut rows = MeasureFigure::new().title("Every training with its draws").x_label(name::BENDS_DOWN);
    for (color, cell) in cells.iter().enumerate() {
        rows = rows.color(color);
        for (training, draws) in all.groups(&cell.name(), name::BENDS_DOWN).into_iter().enumerate() {
            let readings = draws.into_iter().map(Reading::Value);
            let label = format!("{}, {}", cell.short_name(), training + 1);
            rows = rows.group(label, &Measured::new(name::BENDS_DOWN, readings));
        }
    }
    Ok(Section {
        title: "The pictures do not depend on the draw of the directions".to_owned(),
        figures_of_paper: "appendix".to_owned(),
        question: "Is the spread between random directions small beside that between networks, so that one picture of \
            a network is as good as another?"
            .to_owned(),
        measured: format!(
            "All planes of C3 and all lines of C2 and C3. For each measure, the share of the variance of single draws \
             that is between trainings of all {} networks (of {} for the width), by the analysis of variance: 1 if all \
             draws of a training agree, 0 if trainings do not differ at all. Below it, the same within each network \
             alone.",
            cells.len(),
            lined.len()
        ),
        predictions,
        statistics,
        pictures: vec![
            figures::picture(
                "c9_lines",
                "As the paper draws it (appendix): lines along several directions through one minimiser.",
                &fan,
            )?,
            figures::picture(
                "c9_planes",
                format!("All planes through the first training of {}, on one scale.", deep.kind.name()),
                &planes,
            )?,
            figures::picture(
                "c9_spread",
                "Dots are draws, bars 95 % intervals of the mean over draws, a row for each training.",
                &rows,
            )?,
        ],
        ..Section::default()
    })
}
