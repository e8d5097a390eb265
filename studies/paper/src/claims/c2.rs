//! C2: along filter-normalised directions the small-batch minimiser is wider, and width goes with test error.

use loss_landscape_plot::{FanFigure, Panels, Scale};

use super::{decay_words, differs, figures, goes_with, lines, names, pair_cells, pair_kinds};
use crate::{
    Cell, Job, Lab, Measurements, Result, Setting,
    measurements::name,
    report::{Section, number},
    verdict::Side,
};

pub(super) fn jobs(setting: &Setting) -> Vec<Job> {
    lines(&cells(setting), setting)
}

fn cells(setting: &Setting) -> Vec<Cell> {
    pair_cells(setting).into_iter().flatten().collect()
}

pub(super) fn section(lab: &Lab, all: &Measurements) -> Result<Section> {
    let setting = lab.setting();
    let (pairs, cells) = (pair_cells(setting), cells(setting));
    let mut predictions = Vec::new();
    for [small, large] in &pairs {
        let text =
            format!("{} {}: the small-batch minimiser is wider", small.kind.name(), decay_words(small));
        predictions.push(differs(all, text, [small, large], name::WIDTH, Side::Above)?);
        let text =
            format!("{} {}: the small batch errs less on test images", small.kind.name(), decay_words(small));
        predictions.push(differs(all, text, [small, large], name::TEST_ERROR, Side::Below)?);
    }
    for kind in pair_kinds(setting) {
        let of_kind: Vec<Cell> = cells.iter().copied().filter(|cell| cell.kind == kind).collect();
        let text = format!("{}: the wider a minimiser, the smaller its test error", kind.name());
        let measures = [name::WIDTH, name::TEST_ERROR];
        predictions.push(goes_with(all, text, &names(&of_kind), measures, Side::Below));
    }
    let [bounded, widths] = all.bounded(&names(&cells), name::WIDTH);
    let mut notes = Vec::new();
    if bounded > 0 {
        notes.push(format!(
            "{bounded} of {widths} widths are larger than the axis and count as its length, 1.5, which makes \
             differences smaller than they are."
        ));
    }
    let mut fans = Panels::new().columns(2);
    for pair in &pairs {
        let mut figure = FanFigure::new()
            .title(format!("{}, {}", pair[0].kind.name(), decay_words(&pair[0])))
            .y_label("training loss (nats)")
            .scale(Scale::Log);
        for cell in pair {
            figure = figure.draws(format!("batch {}", cell.batch), &lab.lines(cell, 0)?, "train loss")?;
        }
        fans = fans.panel(figure);
    }
    let measures = [name::WIDTH, name::TEST_ERROR];
    Ok(Section {
        title: "Along filter-normalised directions, width goes with test error".to_owned(),
        figures_of_paper: "4 and 5, table 1".to_owned(),
        question: "With every filter of a direction scaled to its filter of the network, is the small-batch minimiser \
            the wider one in both cases, and does the wider one generalise better?"
            .to_owned(),
        measured: format!(
            "The networks of C1. Around each of {} trainings, {} lines θ + αd along filter-normalised random \
             directions, {} points of [−1.5, 1.5], on {} training images. The width is the distance from θ at which the \
             loss is {} nats higher, on the nearer side; the test error is that on 360 images.",
            setting.trainings,
            setting.line_draws,
            setting.line_points,
            setting.samples,
            number(crate::measurements::RISE),
        ),
        predictions,
        pictures: vec![
            figures::picture(
                "c2_lines",
                "As the paper draws it (figure 5, one direction there): the loss along lines through the first \
                 training, median and bands over directions.",
                &fans,
            )?,
            figures::picture("c2_widths", figures::DOTS, &figures::dot_panels(all, &cells, &measures, 2))?,
        ],
        notes,
        ..Section::default()
    })
}
