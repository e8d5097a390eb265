//! C8: paths of trainings are low-dimensional, and random directions do not show them.

use loss_landscape_plot::{Panels, TrajectoryFigure};

use super::{figures, mean_is};
use crate::{
    Cell, Job, Lab, Measurements, Result, Setting, Statistic, cell::Kind, measurements::name,
    report::Section, verdict::Side,
};

/// The paper's: at least this share of a path lies in two dimensions.
const PLANE: f64 = 0.4;
/// A share below this counts as not seen at all.
const RANDOM: f64 = 0.02;

pub(super) fn jobs(setting: &Setting) -> Vec<Job> {
    let mut jobs = Vec::new();
    for cell in cells(setting) {
        jobs.extend((0..setting.trainings).map(|training| Job::Train(cell, training)));
        jobs.push(Job::Path(cell, 0));
    }
    jobs
}

/// A residual network and VGG-9, trained as the paper's are.
pub(super) fn cells(setting: &Setting) -> [Cell; 2] {
    [Cell::resnet(setting.path_depth, true, setting), Cell::plain(Kind::Vgg9, setting.epochs)]
}

pub(super) fn section(lab: &Lab, all: &Measurements) -> Result<Section> {
    let setting = lab.setting();
    let cells = cells(setting);
    let mut predictions = Vec::new();
    let mut statistics = Vec::new();
    for cell in &cells {
        let (name, key) = (cell.kind.name(), cell.name());
        let text = format!("{name}: more than {} % of the path lies in its principal plane", 100.0 * PLANE);
        predictions.push(mean_is(all, text, &key, name::PLANE_SHARE, Side::Above, PLANE)?);
        let text = format!("{name}: more of it than of a random walk with the same steps in its own");
        predictions.push(mean_is(all, text, &key, name::PLANE_EXCESS, Side::Above, 0.0)?);
        let text = format!("{name}: less than {} % of it lies in a random plane", 100.0 * RANDOM);
        predictions.push(mean_is(all, text, &key, name::RANDOM_SHARE, Side::Below, RANDOM)?);
        statistics.extend(Statistic::mean(all, &key, name::WALK_SHARE)?);
    }
    let mut panels = Panels::new().columns(1);
    for cell in &cells {
        let (path, surface) = (lab.path(cell, 0)?, lab.plane(&Job::Path(*cell, 0))?);
        let [x, y] = &path.coordinates;
        let epochs: Vec<f64> = (0..x.len()).map(|epoch| epoch as f64).collect();
        let plane = figures::contours(&surface, cell.kind.name())?
            .x_label("first component")
            .y_label("second component");
        let two = |shares: &[f64]| shares.iter().take(2).sum::<f64>();
        let walk = two(&path.random_walk);
        let figure = TrajectoryFigure::new(plane, x, y, &path.off_plane)
            .distances(&path.distances)
            .steps("epoch", &epochs)
            .variance(two(&path.shares), walk, walk);
        panels = panels.panel(figure);
    }
    let measures = [name::PLANE_SHARE, name::WALK_SHARE, name::PLANE_EXCESS, name::RANDOM_SHARE];
    Ok(Section {
        title: "Paths of trainings are low-dimensional, and random directions do not show them".to_owned(),
        figures_of_paper: "9 and 10".to_owned(),
        question: "Does most of a training's path lie in the plane of its two leading principal components, more than \
            chance would put there, and next to nothing in a random plane?"
            .to_owned(),
        measured: format!(
            "Snapshots after every one of {} epochs of {} trainings each of {} and {}. The share of the squared length \
             of θ_t − θ_T in the two leading principal components, beside that of a random walk with steps of the same \
             lengths (its null model), and in a plane of two filter-normalised random directions. The paper reports 40 \
             to 90 %.",
            setting.epochs,
            setting.trainings,
            cells[0].kind.name(),
            cells[1].kind.name(),
        ),
        predictions,
        statistics,
        pictures: vec![
            figures::picture(
                "c8_paths",
                "As the paper draws it (figure 9): the path of the first training over its principal plane, and beside \
                 it what the plane does not show.",
                &panels,
            )?,
            figures::picture("c8_shares", figures::DOTS, &figures::dot_panels(all, &cells, &measures, 2))?,
        ],
        ..Section::default()
    })
}
