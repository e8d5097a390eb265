//! C5: random starts lie in the well-behaved part for networks that train.

use super::{differs, figures, goes_with, mean_is, names, resnets};
use crate::{
    Cell, Job, Lab, Measurements, Result, Setting,
    measurements::{TRAINED, name},
    report::{Section, number},
    verdict::Side,
};
use loss_landscape_plot::Panels;

/// The paper's: losses at random starts are below this.
const START: f64 = 2.5;

pub(super) fn jobs(setting: &Setting) -> Vec<Job> {
    let of =
        |cell: Cell| (0..setting.trainings).flat_map(move |t| [Job::Start(cell, t), Job::Train(cell, t)]);
    resnets(setting).concat().into_iter().flat_map(of).collect()
}

pub(super) fn section(lab: &Lab, all: &Measurements) -> Result<Section> {
    let setting = lab.setting();
    let pairs = resnets(setting);
    let cells = pairs.concat();
    let mut predictions = Vec::new();
    for cell in pairs.iter().map(|[with, _]| with) {
        let text = format!("{}: the loss at a random start is below {START}", cell.kind.name());
        predictions.push(mean_is(all, text, &cell.name(), name::START_LOSS, Side::Below, START)?);
    }
    let [with, without] = &pairs[pairs.len() - 1];
    for (measure, words) in
        [(name::START_BENDS, "violates convexity more often"), (name::START_ROUGHNESS, "is rougher")]
    {
        let text = format!("around random starts {} {words} than {}", without.kind.name(), with.kind.name());
        predictions.push(differs(all, text, [without, with], measure, Side::Above)?);
    }
    let text = "over all trainings: the rougher the surroundings of the start, the larger the training error at the \
        end"
        .to_owned();
    let measures = [name::START_ROUGHNESS, name::TRAIN_ERROR];
    predictions.push(goes_with(all, text, &names(&cells), measures, Side::Above));
    let mut panels = Panels::new().columns(2);
    for cell in &cells {
        panels = panels.panel(figures::contours(&lab.plane(&Job::Start(*cell, 0))?, cell.short_name())?);
    }
    let measures =
        [name::START_LOSS, name::START_SPREAD, name::START_BENDS, name::START_ROUGHNESS, name::TRAIN_ERROR];
    Ok(Section {
        title: "Random starts lie in the well-behaved part for networks that train".to_owned(),
        figures_of_paper: "section 6.3 (no figure)".to_owned(),
        question: "Do random starts lie in a smooth part of the loss for networks that train, and in plateaus or chaos \
            for deep ones without skips?"
            .to_owned(),
        measured: format!(
            "The random starts of all trainings of C3, with a plane of {}×{} points of [−1, 1]² around each, along \
             filter-normalised directions, batch statistics taken anew at every point, since those of training are not \
             there yet. Read off: the loss at the start, the standard deviation of the loss within 0.4 of it (a plateau \
             has next to none), convexity violations and roughness as in C3. A training error up to {} % counts as \
             trained.",
            setting.plane_points,
            setting.plane_points,
            number(100.0 * TRAINED)
        ),
        predictions,
        pictures: vec![
            figures::picture(
                "c5_starts",
                "The loss around the random start of the first training of each network.",
                &panels,
            )?,
            figures::picture("c5_measures", figures::DOTS, &figures::dot_panels(all, &cells, &measures, 2))?,
        ],
        ..Section::default()
    })
}
