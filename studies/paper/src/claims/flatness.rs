//! Flatness and generalisation over all networks: the question of the paper's section 5.

use loss_landscape_plot::{CurveFigure, Panels, Series};

use super::figures;
use crate::{
    Lab, Measurements, Result, Statistic,
    measurements::name,
    report::Section,
    verdict::{Prediction, Side},
};

/// Over every network whose lines were measured; nothing for less than two.
pub(crate) fn section(lab: &Lab, all: &Measurements) -> Result<Option<Section>> {
    let mut networks: Vec<String> = Vec::new();
    for row in all.rows().iter().filter(|row| row.measure == name::WIDTH) {
        if !networks.contains(&row.network) {
            networks.push(row.network.clone());
        }
    }
    if networks.len() < 2 {
        return Ok(None);
    }
    let measures = [name::WIDTH, name::TEST_ERROR];
    let prediction = |text: &str, statistic| Prediction {
        text: text.to_owned(),
        statistic,
        effect: None,
        side: Side::Below,
        null: 0.0,
    };
    let trained: Vec<String> = networks
        .iter()
        .filter(|network| all.means(network, name::TRAINS).iter().all(|t| *t == 1.0))
        .cloned()
        .collect();
    let predictions = vec![
        prediction(
            "over all trainings: the wider, the smaller the test error",
            Statistic::correlation(all, &networks, measures),
        ),
        prediction(
            "over networks, by their means: the wider, the smaller the test error",
            Statistic::cell_correlation(all, &networks, measures),
        ),
        prediction(
            "the same over networks all of whose trainings are trained",
            Statistic::cell_correlation(all, &trained, measures),
        ),
    ];
    // Within each network: do the wider of its own trainings generalise better?
    let statistics = networks
        .iter()
        .filter_map(|network| Statistic::correlation(all, std::slice::from_ref(network), measures));
    let statistics = statistics.collect();
    let mut panels = Panels::new();
    for (title, kinds) in [("every training", false), ("means of networks", true)] {
        let mut figure = CurveFigure::new()
            .title(title)
            .x_label(format!("{}, along filter-normalised lines", name::WIDTH))
            .left_label("test error");
        for (color, network) in networks.iter().enumerate() {
            let mut pairs = all.pairs(network, measures);
            if kinds {
                let mean = |k: usize| pairs.iter().map(|p| p[k]).sum::<f64>() / pairs.len() as f64;
                pairs = vec![[mean(0), mean(1)]];
            }
            pairs.sort_by(|a, b| a[0].total_cmp(&b[0]));
            let [x, y] = [0, 1].map(|k| pairs.iter().map(|pair| pair[k]).collect::<Vec<_>>());
            if !x.is_empty() {
                figure = figure.series(Series::new("", &x, &y).points().color(color));
            }
        }
        panels = panels.panel(figure);
    }
    let trainings: usize = networks.iter().map(|network| all.pairs(network, measures).len()).sum();
    Ok(Some(Section {
        name: "Flatness".to_owned(),
        title: "Is flatness in this sense related to generalisation at all?".to_owned(),
        figures_of_paper: "section 5 (four networks there)".to_owned(),
        question: "Over all networks of this study: is the test error smaller where the width along filter-normalised \
            lines is larger?"
            .to_owned(),
        measured: format!(
            "{trainings} trainings of {} networks whose lines were measured (as in C2, on {} images); test errors on 360 \
             images, so that one image is 0.28 %. Trainings of one network are not independent of each other: the \
             interval of the first correlation is too short for it, that of the second one is not.",
            networks.len(),
            lab.setting().samples
        ),
        predictions,
        statistics,
        pictures: vec![figures::picture(
            "flatness",
            "A dot for each training, and for each network; the same colour is not always the same network.",
            &panels,
        )?],
        ..Section::default()
    }))
}
