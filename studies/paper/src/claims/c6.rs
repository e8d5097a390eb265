//! C6: where the surface looks convex, the eigenvalue ratio is small.

use loss_landscape_plot::{Panels, RatioFigure};

use super::{differs, figures, mean_is};
use crate::{
    Cell, Job, Lab, Measurements, Result, Setting, Statistic, measurements::name, report::Section,
    verdict::Side,
};

/// A ratio up to this counts as small: a tenth of the curvature.
const SMALL: f64 = 0.1;

pub(super) fn jobs(setting: &Setting) -> Vec<Job> {
    let of = |cell: Cell| (0..setting.map_trainings).map(move |training| Job::Map(cell, training));
    pairs(setting).concat().into_iter().flat_map(of).collect()
}

fn pairs(setting: &Setting) -> Vec<[Cell; 2]> {
    let of = |depth: &usize| [true, false].map(|skips| Cell::resnet(*depth, skips, setting));
    setting.map_depths.iter().map(of).collect()
}

pub(super) fn section(lab: &Lab, all: &Measurements) -> Result<Section> {
    let setting = lab.setting();
    let pairs = pairs(setting);
    let cells = pairs.concat();
    let mut predictions = Vec::new();
    for cell in &cells {
        let name = cell.kind.name();
        let text =
            format!("{name}: where the loss is below ln 10 and looks convex, the ratio is below {SMALL}");
        predictions.push(mean_is(all, text, &cell.name(), name::CONVEX_RATIO, Side::Below, SMALL)?);
        let text =
            format!("{name}: over the points of a map, the ratio grows with how far the loss bends down");
        predictions.push(mean_is(all, text, &cell.name(), name::RATIO_BEND, Side::Above, 0.0)?);
    }
    let [with, without] = &pairs[pairs.len() - 1];
    let text = format!("{} has larger ratios than {}", without.kind.name(), with.kind.name());
    predictions.push(differs(all, text, [without, with], name::MEDIAN_RATIO, Side::Above)?);
    let mut statistics = Vec::new();
    let mut panels = Panels::new().columns(2);
    for cell in &cells {
        statistics.extend(Statistic::mean(all, &cell.name(), name::CERTIFIED)?);
        let [map, losses] = lab.map(cell, 0)?;
        panels = panels.panel(figures::contours(&losses, cell.short_name())?);
        let (min, max) = (map.channel("train lambda_min")?, map.channel("train lambda_max")?);
        let state = map.channel("train state")?.mapv(|state| state == 0.0 || !state.is_finite());
        let figure = RatioFigure::new(map.alpha(), map.beta(), min, max)
            .uncertain(state.view())
            .x_label("α")
            .y_label("β")
            .title("|λₘᵢₙ / λₘₐₓ| over the same plane");
        panels = panels.panel(figure);
    }
    let measures = [name::MEDIAN_RATIO, name::CONVEX_RATIO, name::RATIO_BEND, name::CERTIFIED];
    Ok(Section {
        title: "Where the surface looks convex, the eigenvalue ratio is small".to_owned(),
        figures_of_paper: "8".to_owned(),
        question: "Is |λ_min/λ_max| of the full Hessian small where the surface looks convex, and large where it is \
            chaotic?"
            .to_owned(),
        measured: format!(
            "Maps of {}×{} points of [−1, 1]² on {} training images, around {} trainings of each network, by warm-started \
             Lanczos runs (tolerance 0.02, bounds at 0.999; a share of the points is certified, and counted below), with \
             the loss at the same points. A point looks convex where the loss does not exceed the mean of its \
             neighbours along either axis; how far it does, relative to itself, is correlated with the ratio by ranks, \
             over the points of each map.",
            setting.map_points, setting.map_points, setting.map_samples, setting.map_trainings,
        ),
        predictions,
        statistics,
        pictures: vec![
            figures::picture(
                "c6_maps",
                "As the paper draws it (figure 8): the loss and the eigenvalue ratio around the first training.",
                &panels,
            )?,
            figures::picture("c6_measures", figures::DOTS, &figures::dot_panels(all, &cells, &measures, 2))?,
        ],
        ..Section::default()
    })
}
