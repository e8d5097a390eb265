//! C3: networks without skips get chaotic with depth.

use loss_landscape_plot::Panels;

use super::{differs, figures, planes, resnets};
use crate::{
    Cell, Job, Lab, Measurements, Result, Setting, Statistic,
    measurements::{PERSISTENCE, TRAINED, name},
    report::{Section, number},
    verdict::{Prediction, Side},
};

pub(super) fn jobs(setting: &Setting) -> Vec<Job> {
    let mut jobs =
        planes(&resnets(setting).concat(), setting.trainings, [setting.plane_draws, setting.line_draws]);
    jobs.extend(picture_cells(setting).map(|cell| Job::Picture(cell, 0)));
    jobs
}

fn picture_cells(setting: &Setting) -> [Cell; 2] {
    [true, false].map(|skips| Cell::resnet(setting.picture_depth(), skips, setting))
}

/// What makes a surface chaotic, and in words of the network that has more of it.
const ROUGH: [(&str, &str); 3] = [
    (name::BENDS_DOWN, "violates convexity more often"),
    (name::ROUGHNESS, "is rougher along lines"),
    (name::MINIMA, "has more persistent minima"),
];

/// That a network without skips is more chaotic than the one with them.
pub(super) fn without_skips(all: &Measurements, [without, with]: [&Cell; 2]) -> Result<Vec<Prediction>> {
    let mut predictions = Vec::new();
    for (measure, words) in ROUGH {
        let text = format!("{} {words} than {}", without.kind.name(), with.kind.name());
        predictions.push(differs(all, text, [without, with], measure, Side::Above)?);
    }
    let text = format!("{} has a smaller basin than {}", without.kind.name(), with.kind.name());
    predictions.push(differs(all, text, [without, with], name::BASIN, Side::Below)?);
    Ok(predictions)
}

/// That the deep one of two networks without skips is the more chaotic one.
pub(super) fn with_depth(all: &Measurements, [deep, shallow]: [&Cell; 2]) -> Result<Vec<Prediction>> {
    let of = |(measure, words)| {
        let text = format!("{} {words} than {}", deep.kind.name(), shallow.kind.name());
        differs(all, text, [deep, shallow], measure, Side::Above)
    };
    ROUGH[..2].iter().copied().map(of).collect()
}

pub(super) fn section(lab: &Lab, all: &Measurements) -> Result<Section> {
    let setting = lab.setting();
    let pairs = resnets(setting);
    let cells: Vec<Cell> = pairs.concat();
    let first = &pairs[0];
    let mut predictions: Vec<Prediction> = Vec::new();
    for [with, without] in &pairs[1..] {
        predictions.extend(without_skips(all, [without, with])?);
    }
    let [deep_with, deep_without] = &pairs[pairs.len() - 1];
    predictions.extend(with_depth(all, [deep_without, &first[1]])?);
    let mut tables = Vec::new();
    for cell in &cells {
        tables.extend(Statistic::proportion(all, &cell.name(), name::TRAINS));
    }
    // What depth does with skips, to be read beside the predictions.
    for (measure, _) in ROUGH {
        tables.extend(Statistic::difference(all, [&deep_with.name(), &first[0].name()], measure)?);
    }
    let mut surfaces = Panels::new().columns(2);
    for cell in picture_cells(setting) {
        let surface = lab.plane(&Job::Picture(cell, 0))?;
        surfaces = surfaces.panel(figures::shaded(&surface, cell.kind.name())?);
    }
    let measures = [
        name::BENDS_DOWN,
        name::ROUGHNESS,
        name::MINIMA,
        name::BASIN,
        name::MEDIAN_LOSS,
        name::LARGEST_LOSS,
        name::TRAIN_ERROR,
        name::TEST_ERROR,
    ];
    let depths: Vec<String> = setting.depths.iter().map(usize::to_string).collect();
    Ok(Section {
        title: "Networks without skips get chaotic with depth".to_owned(),
        figures_of_paper: "1, 5 and 6".to_owned(),
        question: "Does the loss around residual networks without their skips become chaotic with depth, and does it \
            stay smooth with them?"
            .to_owned(),
        measured: format!(
            "ResNets of depth {}, with and without skips, {} trainings of {} epochs each. Around every training {} \
             planes of {}×{} points of [−1, 1]² along filter-normalised random directions, on {} training images. Read \
             off each plane: the share of triples of points (at 1, 2, 4, … steps) at which the loss bends down; the \
             roughness, that is the share of the total variation of ln L along rows and columns that a single valley \
             does not explain; minima of a persistence above {} nats; the share below ln 10; the median and the largest \
             loss. A network counts as trained with a training error up to {} %.",
            depths.join(", "),
            setting.trainings,
            setting.epochs,
            setting.plane_draws,
            setting.plane_points,
            setting.plane_points,
            setting.samples,
            number(PERSISTENCE),
            number(100.0 * TRAINED),
        ),
        predictions,
        statistics: tables,
        pictures: vec![
            figures::shaded_picture(
                "c3_surfaces",
                "As the paper draws it (figure 1): the loss around the first training, logarithmic height.",
                &surfaces.shared_scale(),
            )?,
            figures::picture(
                "c3_planes",
                "As the paper draws it (figures 5 and 6): the first plane of the first training of each network, on \
                 one scale.",
                &figures::first_planes(lab, &cells, 2)?,
            )?,
            figures::picture("c3_measures", figures::DOTS, &figures::dot_panels(all, &cells, &measures, 2))?,
        ],
        ..Section::default()
    })
}
