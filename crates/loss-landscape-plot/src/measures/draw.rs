//! Drawing of a measure of several networks.

use loss_landscape::{
    Error as CoreError,
    measure::{Measured, Reading},
    statistics::Interval,
};

use super::MeasureFigure;
use crate::{
    Error, Result,
    axis::{Axis, Side, scale::Extent},
    caption,
    checks::check_range,
    colors::CURVES,
    geometry::{Point, Rect},
    layout,
    svg::{Anchor, Drawing, PathData, Svg, TICK, TITLE, Text, text_width},
};

/// Height of a row, and of the part that dots are spread over.
const ROW: f64 = 34.0;
const SPREAD: f64 = 12.0;
/// From the labels to the frame, and at the right edge.
const GAP: f64 = 8.0;
const RIGHT: f64 = 16.0;
/// The widest that labels may be.
const LABELS: f64 = 150.0;
const DOT: f64 = 2.2;
const MEAN: f64 = 4.2;
/// Half the height of the ends of an interval.
const CAP: f64 = 5.0;

/// What is drawn for the centre of a network.
struct Centre {
    /// None where there are too few values.
    interval: Option<Interval>,
    value: Option<f64>,
    is_median: bool,
}

pub(super) fn draw(figure: &MeasureFigure) -> Result<Drawing> {
    if figure.groups.is_empty() {
        return Err(Error::Empty { what: "networks" });
    }
    let centres = (figure.groups.iter())
        .map(|group| Centre::of(&group.measured, figure.confidence))
        .collect::<Result<Vec<_>>>()?;
    let axis = axis(figure, &centres)?;

    let widest = figure.groups.iter().map(|group| text_width(&group.label, TICK)).fold(0.0, f64::max);
    let left = widest.min(LABELS) + 2.0 * GAP;
    let frame = Rect {
        x: left,
        y: layout::TOP,
        width: layout::WIDTH - left - RIGHT,
        height: ROW * figure.groups.len() as f64 + GAP,
    };
    let mut svg = Svg::default();
    for (row, (group, centre)) in figure.groups.iter().zip(&centres).enumerate() {
        let y = frame.y + GAP / 2.0 + ROW * (row as f64 + 0.5);
        let color = CURVES[group.color % CURVES.len()].hex();
        draw_readings(&mut svg, group.measured.readings(), &axis, &frame, y, &color);
        draw_centre(&mut svg, centre, &axis, &frame, y, &color);
        Text::new([frame.x - GAP, y], group.label.as_str()).anchor(Anchor::End).fit(LABELS).draw(&mut svg);
    }
    layout::draw_frame(&mut svg, &frame);
    let label = figure.x_label.as_deref().unwrap_or_else(|| figure.groups[0].measured.name());
    axis.draw(&mut svg, &frame, Side::Bottom, label, crate::svg::INK);
    Text::new([frame.x + frame.width / 2.0, layout::TOP - 14.0], figure.title.as_str())
        .size(TITLE)
        .fit(frame.width)
        .draw(&mut svg);
    // Captions begin below the labels, since the frame is narrow.
    let wide = Rect { x: GAP, width: layout::WIDTH - RIGHT, ..frame };
    Ok(caption::finish(svg, &notes(figure, &centres, &axis), &wide, layout::WIDTH))
}

impl Centre {
    fn of(measured: &Measured, confidence: f64) -> Result<Self> {
        let values = || measured.readings().iter().filter_map(|reading| reading.value());
        let is_median = measured.at_least() > 0;
        let found =
            if is_median { measured.median_interval(confidence) } else { measured.mean_interval(confidence) };
        match found {
            Ok(interval) => Ok(Self { interval: Some(interval), value: Some(interval.estimate), is_median }),
            Err(CoreError::SampleSize { .. } | CoreError::OnlyBounds { .. }) => {
                let one = values().next().filter(|_| values().count() == 1 && !is_median);
                Ok(Self { interval: None, value: one, is_median })
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The finite numbers that the axis should show.
    fn numbers(&self) -> impl Iterator<Item = f64> {
        let ends = self.interval.iter().flat_map(|interval| [interval.low, interval.high]);
        self.value.into_iter().chain(ends).filter(|number| number.is_finite())
    }
}

fn number(reading: &Reading) -> Option<f64> {
    match reading {
        Reading::Value(value) | Reading::AtLeast(value) => Some(*value),
        Reading::Unknown => None,
    }
}

fn numbers(figure: &MeasureFigure) -> impl Iterator<Item = f64> {
    figure.groups.iter().flat_map(|group| group.measured.readings().iter().filter_map(number))
}

fn axis(figure: &MeasureFigure, centres: &[Centre]) -> Result<Axis> {
    const WHAT: &str = "axis of the measure";
    let readings =
        Extent::of(numbers(figure)).ok_or_else(|| Error::NoFiniteValue { what: WHAT.to_owned() })?;
    let log = figure.scale.is_log(&readings, figure.range.iter().flat_map(|&(low, high)| [low, high]));
    if log && readings.max <= 0.0 {
        return Err(Error::NoPositiveValue { what: WHAT.to_owned() });
    }
    if let Some(range) = figure.range {
        check_range(WHAT, range, log)?;
        return Ok(Axis::new(range.0, range.1, log, 7));
    }
    let ends = centres.iter().flat_map(Centre::numbers).filter(|number| !log || *number > 0.0);
    let extent = Extent::of(numbers(figure).chain(ends)).unwrap_or(readings);
    let (low, high) = extent.range(log);
    let (low, high) = if log {
        let factor = 10_f64.powf(0.05 * (high.log10() - low.log10()));
        ((low / factor).max(f64::MIN_POSITIVE), (high * factor).min(f64::MAX))
    } else {
        let pad = 0.05 * high - 0.05 * low;
        ((low - pad).max(f64::MIN), (high + pad).min(f64::MAX))
    };
    Ok(Axis::new(low, high, log, 7))
}

/// Whether a number is on the axis.
fn is_shown(axis: &Axis, number: f64) -> bool {
    axis.fraction(number).is_finite() && !axis.is_above(number) && !axis.is_below(number)
}

/// Dots, spread over the height of the row so that equal values are seen; triangles for lower bounds.
fn draw_readings(svg: &mut Svg, readings: &[Reading], axis: &Axis, frame: &Rect, y: f64, color: &str) {
    let mut bounds = PathData::default();
    for (k, reading) in readings.iter().enumerate() {
        let Some(number) = number(reading).filter(|&number| is_shown(axis, number)) else { continue };
        let x = frame.x + axis.fraction(number) * frame.width;
        // The golden ratio spreads any number of dots evenly.
        let height = y + SPREAD * ((0.5 + k as f64 * 0.618_033_988_75).fract() - 0.5);
        if matches!(reading, Reading::AtLeast(_)) {
            let triangle: [Point; 3] =
                [[x - DOT, height - 1.3 * DOT], [x + 1.6 * DOT, height], [x - DOT, height + 1.3 * DOT]];
            bounds.polyline(&triangle, true);
        } else {
            svg.tag("circle")
                .num("cx", x)
                .num("cy", height)
                .num("r", DOT)
                .attr("fill", color)
                .num("fill-opacity", 0.4)
                .end();
        }
    }
    if !bounds.is_empty() {
        svg.tag("path").attr("d", bounds.as_str()).attr("fill", color).num("fill-opacity", 0.6).end();
    }
}

/// The interval as a bar with ends, and the mean or median on it. An end outside the axis has no cap.
fn draw_centre(svg: &mut Svg, centre: &Centre, axis: &Axis, frame: &Rect, y: f64, color: &str) {
    let place = |number: f64| frame.x + axis.fraction(number).clamp(0.0, 1.0) * frame.width;
    if let Some(Interval { low, high, .. }) = centre.interval {
        let from = if is_shown(axis, low) || axis.is_below(low) { place(low) } else { frame.x };
        let to = if high == f64::INFINITY { frame.right() } else { place(high) };
        let mut bar = PathData::default();
        bar.polyline(&[[from, y], [to, y]], false);
        let ends = [(low, from), (high, to)];
        for (_, x) in ends.into_iter().filter(|&(end, _)| is_shown(axis, end)) {
            bar.polyline(&[[x, y - CAP], [x, y + CAP]], false);
        }
        svg.tag("path")
            .attr("d", bar.as_str())
            .attr("stroke", color)
            .num("stroke-width", 2.2)
            .attr("fill", "none")
            .end();
    }
    if let Some(value) = centre.value.filter(|&value| is_shown(axis, value)) {
        let (fill, stroke) = if centre.is_median { ("#fff", color) } else { (color, "#fff") };
        svg.tag("circle")
            .num("cx", place(value))
            .num("cy", y)
            .num("r", MEAN)
            .attr("fill", fill)
            .attr("stroke", stroke)
            .num("stroke-width", 1.4)
            .end();
    }
}

fn notes(figure: &MeasureFigure, centres: &[Centre], axis: &Axis) -> Vec<String> {
    let readings = || figure.groups.iter().flat_map(|group| group.measured.readings());
    let total = readings().count();
    let count = |which: &dyn Fn(&Reading) -> bool| readings().filter(|reading| which(reading)).count();
    let percent = (1e4 * figure.confidence).round() / 100.0;
    let medians = centres.iter().any(|centre| centre.is_median && centre.interval.is_some());
    let means = centres.iter().any(|centre| !centre.is_median && centre.interval.is_some());
    let mut notes = Vec::new();
    if means {
        notes.push(format!("dots: {}; bars: {percent} % intervals of the mean", figure.dots));
    }
    if medians {
        notes.push(format!("hollow: medians, with {percent} % intervals"));
    }
    if let Some(levels) = figure.levels() {
        let share = 100.0 * levels.share_between();
        notes.push(format!("{share:.0} % of the variance is between networks"));
    }
    let outside = |reading: &Reading| {
        number(reading).is_some_and(|number| !is_shown(axis, number) && (number > 0.0 || !axis.is_log()))
    };
    let not_positive =
        |reading: &Reading| axis.is_log() && number(reading).is_some_and(|number| number <= 0.0);
    let counted = [
        (count(&|reading| matches!(reading, Reading::AtLeast(_))), "only bounded below (triangles)"),
        (count(&|reading| *reading == Reading::Unknown), "unknown"),
        (count(&not_positive), "not positive (logarithmic axis)"),
        (count(&outside), "outside the axis range"),
    ];
    notes.extend(counted.into_iter().filter_map(|(n, what)| caption::note(n, total, "draws", what)));
    notes
}
