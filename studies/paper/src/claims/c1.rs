//! C1: the line between two minimisers shows the scale of the weights, not the shape.

use loss_landscape::{Mask, Model, Role};
use loss_landscape_plot::{CurveFigure, HistogramFigure, Panels, Scale, Series};

use super::{decay_words, differs, figures, goes_with, mean_is, pair_cells, pair_kinds};
use crate::{
    Cell, Job, Lab, Measurements, Result, Setting,
    measurements::name,
    report::{Section, number},
    verdict::Side,
};

pub(super) fn jobs(setting: &Setting) -> Vec<Job> {
    let of = |[small, large]: [Cell; 2]| {
        (0..setting.trainings).map(move |training| Job::Segment(small, large, training))
    };
    pair_cells(setting).into_iter().flat_map(of).collect()
}

pub(super) fn section(lab: &Lab, all: &Measurements) -> Result<Section> {
    let setting = lab.setting();
    let pairs = pair_cells(setting);
    let mut predictions = Vec::new();
    for [small, _] in &pairs {
        let (words, name) = (decay_words(small), small.kind.name());
        let (look, side) = if small.decay == 0.0 { ("wide", Side::Above) } else { ("sharp", Side::Below) };
        let text = format!("{name} {words}: on the plain line the small-batch minimiser looks {look}");
        predictions.push(mean_is(all, text, &small.name(), name::PLAIN_RATIO, side, 0.0)?);
        let more = if small.decay == 0.0 { "larger" } else { "smaller" };
        let text = format!("{name} {words}: its weights are {more}");
        predictions.push(mean_is(all, text, &small.name(), name::NORM_RATIO, side, 0.0)?);
    }
    for both in pairs.chunks(2) {
        let [[without, _], [with, _]] = both else { continue };
        let text = format!("{}: decay makes the small-batch minimiser look less wide", with.kind.name());
        predictions.push(differs(all, text, [with, without], name::PLAIN_RATIO, Side::Below)?);
    }
    let cells: Vec<String> = pairs.iter().map(|[small, _]| small.name()).collect();
    let text = "over all pairs: whoever has the larger weights looks wider".to_owned();
    predictions.push(goes_with(all, text, &cells, [name::NORM_RATIO, name::PLAIN_RATIO], Side::Above));

    let smalls: Vec<Cell> = pairs.iter().map(|[small, _]| *small).collect();
    let measures = [name::PLAIN_RATIO, name::NORM_RATIO];
    let mut histograms = Panels::new().columns(2);
    for pair in &pairs {
        let mut figure = HistogramFigure::new().x_label("weight").bins(80);
        let mut most = 0.0_f64;
        for cell in pair {
            let weights = weights(lab, cell)?;
            let mut sizes: Vec<f64> = weights.iter().map(|w| w.abs()).collect();
            sizes.sort_by(f64::total_cmp);
            most = most.max(sizes[(sizes.len() - 1) * 995 / 1000]);
            figure = figure.group(format!("batch {}", cell.batch), &weights);
        }
        let title = format!("{}, {}", pair[0].kind.name(), decay_words(&pair[0]));
        // Half a percent of the weights would take nine tenths of the axis.
        histograms = histograms.panel(figure.range(-most, most).title(title));
    }
    Ok(Section {
        title: "The line between two minimisers shows the scale of the weights".to_owned(),
        figures_of_paper: "2 and 3".to_owned(),
        question: "On the straight line from a small-batch to a large-batch minimiser, does the small one look wide \
            without weight decay and sharp with it, as the scale of its weights goes?"
            .to_owned(),
        measured: format!(
            "{} and {}, each trained {} times with batches of {} and of {} for {} epochs, without decay and with {}. \
             On the line θ_s + α(θ_l − θ_s), batch statistics taken anew at every point (running variances would be \
             negative beyond the ends), the plain width of an end is how far outwards (before \
             0, beyond 1) the loss stays within {} nats of the end's own; the measure is the logarithm of the ratio \
             of both, small over large, and beside it that of the norms of all weights.",
            pair_kinds(setting)[0].name(),
            pair_kinds(setting)[1].name(),
            setting.trainings,
            setting.pair_batch,
            setting.pair_large,
            setting.pair_epochs,
            setting.pair_decay,
            number(crate::measurements::PLAIN_RISE),
        ),
        predictions,
        pictures: vec![
            figures::picture(
                "c1_line",
                "As the paper draws it (figure 2): the loss on the line, small batch at 0 and large batch at 1. Thick: \
                 the first training; thin: the others.",
                &lines(lab, &pairs)?,
            )?,
            figures::picture(
                "c1_weights",
                "The weights of the first training (figure 2's histograms), over the bins that hold 99.5 % of either.",
                &histograms,
            )?,
            figures::picture("c1_ratios", figures::DOTS, &figures::dot_panels(all, &smalls, &measures, 2))?,
        ],
        ..Section::default()
    })
}

/// A panel for each pair.
fn lines(lab: &Lab, pairs: &[[Cell; 2]]) -> Result<Panels> {
    let mut panels = Panels::new().columns(2);
    for [small, large] in pairs {
        let mut figure = CurveFigure::new()
            .title(format!("{}, {}", small.kind.name(), decay_words(small)))
            .x_label("α, from small (0) to large batch (1)")
            .left_label("training loss (nats)")
            .left_scale(Scale::Log)
            .guide(0.0, format!("batch {}", small.batch))
            .guide(1.0, format!("batch {}", large.batch));
        for training in (0..lab.setting().trainings).rev() {
            let curve = lab.segment(small, large, training)?;
            let series = Series::from_curve(&curve, "train loss")?.label("").color(0);
            figure = figure.series(if training == 0 { series } else { series.thin() });
        }
        panels = panels.panel(figure);
    }
    Ok(panels)
}

fn weights(lab: &Lab, cell: &Cell) -> Result<Vec<f64>> {
    let net = lab.network(cell, 0)?;
    let ranges = Mask::role(net.layout(), Role::Weight).ranges();
    Ok(ranges.into_iter().flat_map(|range| &net.parameters()[range]).map(|w| f64::from(*w)).collect())
}
