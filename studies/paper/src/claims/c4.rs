//! C4: wider networks are flatter.

use super::{differs, figures, planes};
use crate::{
    Cell, Job, Lab, Measurements, Result, Setting, Statistic, measurements::name, report::Section,
    verdict::Side,
};

pub(super) fn jobs(setting: &Setting) -> Vec<Job> {
    planes(&cells(setting), setting.large_trainings, [setting.large_draws; 2])
}

fn of(setting: &Setting, skips: bool) -> Vec<Cell> {
    setting.widths.iter().map(|width| Cell::wide(*width, skips, setting)).collect()
}

fn cells(setting: &Setting) -> Vec<Cell> {
    [true, false].into_iter().flat_map(|skips| of(setting, skips)).collect()
}

pub(super) fn section(lab: &Lab, all: &Measurements) -> Result<Section> {
    let setting = lab.setting();
    let cells = cells(setting);
    let mut predictions = Vec::new();
    for skips in [true, false] {
        let cells = of(setting, skips);
        let (narrow, wide) = (&cells[0], &cells[cells.len() - 1]);
        let [wide_name, narrow_name] = [wide, narrow].map(|cell| cell.kind.name());
        for (measure, words, side) in [
            (name::WIDTH, "is flatter (a larger width) than", Side::Above),
            (name::BASIN, "has a larger basin than", Side::Above),
            (name::BENDS_DOWN, "violates convexity less often than", Side::Below),
        ] {
            let text = format!("{wide_name} {words} {narrow_name}");
            predictions.push(differs(all, text, [wide, narrow], measure, side)?);
        }
    }
    let mut statistics = Vec::new();
    for cell in &cells {
        for measure in [name::WIDTH, name::BASIN, name::BENDS_DOWN] {
            statistics.extend(Statistic::mean(all, &cell.name(), measure)?);
        }
    }
    let measures = [name::WIDTH, name::BASIN, name::BENDS_DOWN, name::TEST_ERROR];
    let widths: Vec<String> = setting.widths.iter().map(usize::to_string).collect();
    Ok(Section {
        title: "Wider networks are flatter".to_owned(),
        figures_of_paper: "7".to_owned(),
        question: "Are residual networks with k times the channels flatter around their minimisers, with and without \
            skips?"
            .to_owned(),
        measured: format!(
            "ResNets of depth {} with k = {} times the channels, with and without skips, {} trainings of {} epochs \
             each; {} lines and {} planes of {}×{} points around every training, measured as in C2 and C3. The \
             predictions compare the widest with the narrowest.",
            setting.wide_depth,
            widths.join(", "),
            setting.large_trainings,
            setting.large_epochs,
            setting.large_draws,
            setting.large_draws,
            setting.plane_points,
            setting.plane_points,
        ),
        predictions,
        statistics,
        pictures: vec![
            figures::picture(
                "c4_planes",
                "As the paper draws it (figure 7): the first plane of the first training, with skips above and \
                 without below, k growing to the right.",
                &figures::first_planes(lab, &cells, setting.widths.len())?,
            )?,
            figures::picture("c4_measures", figures::DOTS, &figures::dot_panels(all, &cells, &measures, 2))?,
        ],
        ..Section::default()
    })
}
