//! C3 and C7 once more, on larger images.

use super::{c3, c7, figures};
use crate::{
    Cell, Job, Lab, Larger, Measurements, Result, Setting, Statistic,
    cell::Kind,
    measurements::{TRAINED, name},
    report::{Section, number},
};

/// Of all sizes that the setting has.
pub(crate) fn jobs(setting: &Setting) -> Vec<Job> {
    let of_size = |larger: &Larger| {
        let Larger { trainings, draws, .. } = *larger;
        let of = move |cell: Cell| (0..trainings).map(move |training| Job::Planes(cell, training, draws));
        cells(setting, larger).into_iter().flat_map(of)
    };
    setting.larger.iter().flat_map(of_size).collect()
}

/// The deepest residual network without skips and with them, the shallowest without, VGG-9 and the small DenseNet: the
/// large one takes longer than all others together.
fn cells(setting: &Setting, larger: &Larger) -> [Cell; 5] {
    let [deep, shallow] = [setting.deepest(), setting.depths[0]];
    let resnet = |depth, skips| Cell::larger_resnet(depth, skips, larger);
    let vgg = Cell::plain(Kind::Vgg9, larger.epochs);
    let other = |cell| Cell { side: larger.side, ..cell };
    [
        resnet(deep, false),
        resnet(deep, true),
        resnet(shallow, false),
        other(vgg),
        other(Cell::plain(Kind::DenseNet { full: false }, larger.epochs)),
    ]
}

pub(crate) fn section(lab: &Lab, larger: &Larger, all: &Measurements) -> Result<Section> {
    let setting = lab.setting();
    let cells = cells(setting, larger);
    let [without, with, shallow, vgg, densenet] = &cells;
    let mut predictions = c3::without_skips(all, [without, with])?;
    predictions.extend(c3::with_depth(all, [without, shallow])?);
    predictions.extend(c7::smoother(all, [vgg, densenet], without)?);
    let small = all.means(&Cell::resnet(setting.deepest(), false, setting).name(), name::TRAINS);
    let mut statistics = Vec::new();
    for cell in &cells {
        statistics.extend(Statistic::proportion(all, &cell.name(), name::TRAINS));
        for measure in [
            name::TRAIN_ERROR,
            name::TEST_ERROR,
            name::BENDS_DOWN,
            name::ROUGHNESS,
            name::MINIMA,
            name::BASIN,
        ] {
            statistics.extend(Statistic::mean(all, &cell.name(), measure)?);
        }
    }
    let measures =
        [name::BENDS_DOWN, name::ROUGHNESS, name::MINIMA, name::BASIN, name::TRAIN_ERROR, name::TEST_ERROR];
    let side = larger.side;
    Ok(Section {
        name: format!("{side}×{side}"),
        title: format!("C3 and C7 once more, on images of {0}×{0} pixels", larger.side),
        figures_of_paper: "1, 5 and 6".to_owned(),
        question: format!(
            "Of the trainings of {} in C3, {} of {} have a training error up to {} %: at a random start its gradients are \
             so large that the first steps of SGD throw the weights far away, and the last of its images have 2×2 pixels. \
             What do the surfaces look like on larger images, after a training whose steps do not grow with the gradient?",
            without.kind.name(),
            small.iter().filter(|trains| **trains == 1.0).count(),
            small.len(),
            number(100.0 * TRAINED),
        ),
        measured: format!(
            "The digits, enlarged to {0}×{0} pixels by straight lines between their pixels: {1}, the same without skips, \
             and {2}, trained for {3} epochs by Adam (rate {4}, mini-batches of {5}, no decay), VGG-9 and {6}, a small DenseNet of \
             the same pieces as DenseNet-121, for as many by SGD as in C3; {7} trainings of each. Planes and measures as \
             in C3, {8} planes around every training, on {9} images. Adam's rate and mini-batch were chosen by what single \
             trainings of {10} learnt on images of 16×16 pixels, and that size after a look at one surface, that of the \
             first of its trainings. These predictions count for no other section.",
            larger.side,
            with.kind.name(),
            shallow.kind.name(),
            larger.epochs,
            number(crate::cell::ADAM_RATE),
            larger.batch,
            densenet.kind.name(),
            larger.trainings,
            larger.draws,
            larger.samples,
            without.kind.name(),
        ),
        predictions,
        statistics,
        pictures: vec![
            figures::picture(
                &format!("larger_{side}_planes"),
                "The first plane of the first training of each network, on one scale.",
                &figures::first_planes(lab, &cells, 2)?,
            )?,
            figures::picture(
                &format!("larger_{side}_measures"),
                figures::DOTS,
                &figures::dot_panels(all, &cells, &measures, 2),
            )?,
        ],
        ..Section::default()
    })
}
