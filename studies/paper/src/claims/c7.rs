//! C7: VGG and DenseNet look like their class.

use super::{differs, figures, planes};
use crate::{
    Cell, Job, Lab, Measurements, Result, Setting, Statistic,
    cell::Kind,
    measurements::name,
    report::Section,
    verdict::{Prediction, Side},
};

pub(super) fn jobs(setting: &Setting) -> Vec<Job> {
    let [vgg, densenet, with, without] = cells(setting);
    let draws = [setting.plane_draws, setting.line_draws];
    let mut jobs = planes(&[vgg, with, without], setting.trainings, draws);
    jobs.extend(planes(&[densenet], setting.large_trainings, [setting.large_draws; 2]));
    jobs
}

/// VGG-9, the DenseNet, and the residual networks that they are compared with.
pub(super) fn cells(setting: &Setting) -> [Cell; 4] {
    let [with, without] = [true, false].map(|skips| Cell::resnet(setting.deepest(), skips, setting));
    [Cell::plain(Kind::Vgg9, setting.epochs), Cell::densenet(setting), with, without]
}

/// That these networks are smoother than one without skips.
pub(super) fn smoother(all: &Measurements, cells: [&Cell; 2], without: &Cell) -> Result<Vec<Prediction>> {
    let mut predictions = Vec::new();
    for cell in cells {
        for (measure, words) in [
            (name::BENDS_DOWN, "violates convexity less often"),
            (name::ROUGHNESS, "is smoother along lines"),
            (name::MINIMA, "has fewer persistent minima"),
        ] {
            let text = format!("{} {words} than {}", cell.kind.name(), without.kind.name());
            predictions.push(differs(all, text, [cell, without], measure, Side::Below)?);
        }
    }
    Ok(predictions)
}

pub(super) fn section(lab: &Lab, all: &Measurements) -> Result<Section> {
    let setting = lab.setting();
    let cells = cells(setting);
    let [vgg, densenet, _, without] = &cells;
    let predictions = smoother(all, [vgg, densenet], without)?;
    let mut statistics = Vec::new();
    for cell in &cells {
        for measure in [name::BENDS_DOWN, name::ROUGHNESS, name::MINIMA, name::TEST_ERROR] {
            statistics.extend(Statistic::mean(all, &cell.name(), measure)?);
        }
    }
    let measures = [name::BENDS_DOWN, name::ROUGHNESS, name::MINIMA, name::BASIN];
    Ok(Section {
        title: "VGG and DenseNet look like their class: convex and smooth".to_owned(),
        figures_of_paper: "1 and 6".to_owned(),
        question: "Are the surfaces of a VGG and of a DenseNet smooth, unlike those of a deep network without skips?"
            .to_owned(),
        measured: format!(
            "VGG-9 ({} trainings) and {} ({} trainings), planes as in C3 ({} and {} around every training), beside the \
             deepest residual networks of C3.",
            setting.trainings,
            densenet.kind.name(),
            setting.large_trainings,
            setting.plane_draws,
            setting.large_draws,
        ),
        predictions,
        statistics,
        pictures: vec![
            figures::picture(
                "c7_planes",
                "As the paper draws it (figures 1 and 6): the first plane of the first training, on one scale.",
                &figures::first_planes(lab, &cells, 2)?,
            )?,
            figures::picture("c7_measures", figures::DOTS, &figures::dot_panels(all, &cells, &measures, 2))?,
        ],
        ..Section::default()
    })
}
