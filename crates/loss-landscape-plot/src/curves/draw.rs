//! Drawing of a chart.

use crate::{
    Result,
    axis::{Axis, Side},
    caption,
    colors::{CURVES, Rgb},
    curves::{
        areas,
        chart::{Chart, ChartAxes},
        legend::{self, Entry},
        series::{Series, Stroke},
    },
    geometry::{
        Point, Polyline, Rect,
        polyline::{clip_segment, resample, thin},
    },
    layout,
    svg::{Drawing, INK, PathData, Svg, TITLE, Text},
};

const LINE_WIDTH: f64 = 1.6;
/// Radius of a dot.
pub(super) const DOT: f64 = 2.4;
/// One of many lines, and its opacity.
const THIN_WIDTH: f64 = 0.7;
const THIN: f64 = 0.35;
/// Opacity of the area under a curve, and of the band around it.
const FILL: f64 = 0.14;
const BAND: f64 = 0.25;
/// Space at the side without an axis.
const BARE_SIDE: f64 = 16.0;
/// Height of a row of guide labels above the frame, and the most rows.
const GUIDE_ROW: f64 = 11.5;
const MOST_GUIDE_ROWS: usize = 4;

/// Checks the chart and draws it.
pub(crate) fn draw(chart: &Chart) -> Result<Drawing> {
    chart.check()?;
    let axes = chart.axes()?;
    Ok(draw_checked(chart, &axes, &chart.notes(&axes)))
}

fn draw_checked(chart: &Chart, axes: &ChartAxes, notes: &[String]) -> Drawing {
    let left = axes.left.as_ref().map_or(BARE_SIDE, Axis::space);
    let right = axes.right.as_ref().map_or(BARE_SIDE, Axis::space);
    let mut frame = Rect {
        x: left,
        y: 0.0,
        width: (layout::WIDTH - left - right).max(layout::FRAME_SIDE),
        height: layout::FRAME_SIDE,
    };
    let width = frame.right() + right;
    let (guides, rows) = guide_texts(chart, axes, &frame);
    frame.y = layout::TOP + rows as f64 * GUIDE_ROW;
    let colors = curve_colors(chart);
    let mut svg = Svg::default();

    let strips = draw_guides(&mut svg, chart, axes, &frame);
    for (curve, color) in chart.series.iter().zip(&colors) {
        draw_areas(&mut svg, curve, axes, &frame, &color.hex());
    }
    let mut seen = Vec::new();
    for (curve, color) in chart.series.iter().zip(&colors) {
        let lines = visible_lines(curve, axes, &frame);
        draw_curve(&mut svg, curve, &lines, &color.hex());
        seen.extend(lines.iter().flat_map(|line| resample(line, 3.0)));
    }
    for text in guides {
        text.lowered(frame.y).draw(&mut svg);
    }
    layout::draw_frame(&mut svg, &frame);
    axes.x.draw(&mut svg, &frame, Side::Bottom, &chart.x_label, INK);
    let sides = [(&axes.left, Side::Left, &chart.left_label), (&axes.right, Side::Right, &chart.right_label)];
    let two = axes.left.is_some() && axes.right.is_some();
    for (axis, side, label) in sides {
        if let Some(axis) = axis {
            let ink = axis_color(chart, &colors, side == Side::Right)
                .filter(|_| two)
                .map_or_else(|| INK.to_owned(), Rgb::hex);
            axis.draw(&mut svg, &frame, side, label, &ink);
        }
    }
    let entries: Vec<Entry<'_>> = chart
        .series
        .iter()
        .zip(&colors)
        .filter(|(curve, _)| !curve.label.is_empty())
        .map(|(curve, &color)| {
            let shade = if curve.has_band() { BAND } else { 0.0 };
            Entry { label: &curve.label, color, stroke: curve.stroke, shade }
        })
        .collect();
    legend::draw(&mut svg, &entries, &frame, &seen, &strips);

    Text::new([frame.x + frame.width / 2.0, layout::TOP - 14.0], chart.title.as_str())
        .size(TITLE)
        .fit(frame.width + 2.0 * left.min(right) - 8.0)
        .draw(&mut svg);
    caption::finish(svg, notes, &frame, width)
}

/// By axis where both are used, by curve otherwise, unless the curve says.
fn curve_colors(chart: &Chart) -> Vec<Rgb> {
    let two = chart.series.iter().any(|c| c.right) && chart.series.iter().any(|c| !c.right);
    let default = |k: usize, curve: &Series| if two { usize::from(curve.right) } else { k };
    chart
        .series
        .iter()
        .enumerate()
        .map(|(k, curve)| CURVES[curve.color.unwrap_or(default(k, curve)) % CURVES.len()])
        .collect()
}

/// The colour that all curves of an axis share, if they do.
fn axis_color(chart: &Chart, colors: &[Rgb], right: bool) -> Option<Rgb> {
    let mut own =
        chart.series.iter().zip(colors).filter(|(curve, _)| curve.right == right).map(|(_, &color)| color);
    let first = own.next()?;
    own.all(|color| color == first).then_some(first)
}

/// The parts of a curve inside the frame, in pixels.
fn visible_lines(curve: &Series, axes: &ChartAxes, frame: &Rect) -> Vec<Polyline> {
    let Some(vertical) = axes.of(curve) else {
        return Vec::new();
    };
    let points = in_pixels(&curve.x, &curve.y, &axes.x, vertical, frame);
    if curve.stroke == Stroke::Points {
        // Each is a line of its own, which is drawn as a dot.
        let inside = |p: &Point| p[1] >= frame.y - 1e-9 && p[1] <= frame.bottom() + 1e-9;
        let dot = |p: Point| Polyline { points: vec![p], closed: false };
        return points.into_iter().filter(inside).map(dot).collect();
    }
    let mut lines = Vec::new();
    for run in points.split(|p| p[1].is_nan()) {
        clip_into(&mut lines, run, frame);
    }
    lines.iter().map(|line| thin(line, 0.03)).collect()
}

/// Points of a curve, NaN in height where the axis cannot show them.
fn in_pixels(x: &[f64], y: &[f64], horizontal: &Axis, vertical: &Axis, frame: &Rect) -> Vec<Point> {
    let place = |(&x, &y): (&f64, &f64)| {
        [frame.x + horizontal.fraction(x) * frame.width, frame.bottom() - vertical.fraction(y) * frame.height]
    };
    x.iter().zip(y).map(place).collect()
}

/// Fills what the curve wants filled: the area under it, the band around it.
fn draw_areas(svg: &mut Svg, curve: &Series, axes: &ChartAxes, frame: &Rect, color: &str) {
    let Some(vertical) = axes.of(curve) else {
        return;
    };
    let edge = |y: &[f64]| in_pixels(&curve.x, y, &axes.x, vertical, frame);
    if curve.filled {
        let zero = vertical.fraction(0.0);
        let base = frame.bottom() - if zero.is_nan() { 0.0 } else { zero } * frame.height;
        let upper = edge(&curve.y);
        let lower: Vec<Point> = upper.iter().map(|p| [p[0], base]).collect();
        areas::draw(svg, &upper, &lower, frame, color, FILL);
    }
    if let Some(ends) = &curve.band {
        let [lower, upper] = ends.each_ref().map(|values| {
            let mut points = edge(values);
            for (point, value) in points.iter_mut().zip(values) {
                if vertical.is_log() && value.is_finite() && *value <= 0.0 {
                    point[1] = frame.bottom();
                }
            }
            points
        });
        areas::draw(svg, &upper, &lower, frame, color, BAND);
    }
}

/// Cuts a line at the top and bottom of the frame.
fn clip_into(lines: &mut Vec<Polyline>, run: &[Point], frame: &Rect) {
    let inside = |p: Point| p[1] >= frame.y - 1e-9 && p[1] <= frame.bottom() + 1e-9;
    let mut line: Vec<Point> = Vec::new();
    let mut finish = |line: &mut Vec<Point>| {
        if !line.is_empty() {
            lines.push(Polyline { points: std::mem::take(line), closed: false });
        }
    };
    if let &[only] = run {
        line.extend(inside(only).then_some(only));
    }
    for w in run.windows(2) {
        let (a, b) = (w[0], w[1]);
        let Some((start, end)) = clip_segment(a[1], b[1], frame.y, frame.bottom()) else {
            finish(&mut line);
            continue;
        };
        let at = |t: f64| [a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1])];
        if line.is_empty() {
            line.push(at(start));
        }
        line.push(at(end));
        if end < 1.0 {
            finish(&mut line);
        }
    }
    finish(&mut line);
}

fn draw_curve(svg: &mut Svg, curve: &Series, lines: &[Polyline], color: &str) {
    let mut path = PathData::default();
    for line in lines.iter().filter(|line| line.points.len() > 1) {
        path.polyline(&line.points, false);
    }
    if !path.is_empty() {
        let mut tag = svg
            .tag("path")
            .attr("d", path.as_str())
            .attr("fill", "none")
            .attr("stroke", color)
            .num("stroke-width", if curve.stroke == Stroke::Thin { THIN_WIDTH } else { LINE_WIDTH })
            .attr("stroke-linejoin", "round");
        if curve.stroke == Stroke::Thin {
            tag = tag.num("stroke-opacity", THIN);
        }
        if curve.stroke == Stroke::Dashed {
            tag = tag.attr("stroke-dasharray", legend::DASHES);
        }
        tag.end();
    }
    // A point between two gaps has no line to show it.
    for line in lines.iter().filter(|line| line.points.len() == 1) {
        svg.tag("circle")
            .num("cx", line.points[0][0])
            .num("cy", line.points[0][1])
            .num("r", if curve.stroke == Stroke::Points { DOT } else { 1.2 * LINE_WIDTH })
            .attr("fill", color)
            .end();
    }
}

/// Draws the guide lines and returns the strips they take.
fn draw_guides(svg: &mut Svg, chart: &Chart, axes: &ChartAxes, frame: &Rect) -> Vec<Rect> {
    let mut strips = Vec::new();
    for guide in &chart.guides {
        let x = frame.x + axes.x.fraction(guide.x) * frame.width;
        let mut path = PathData::default();
        path.polyline(&[[x, frame.y], [x, frame.bottom()]], false);
        svg.tag("path")
            .attr("d", path.as_str())
            .attr("stroke", "#777")
            .attr("stroke-width", "0.8")
            .attr("stroke-dasharray", "1.5 2.5")
            .end();
        strips.push(Rect { x: x - 1.0, y: frame.y, width: 2.0, height: frame.height });
    }
    strips
}

/// Labels above the frame at the guides, in rows so that they do not overlap, for a frame at
/// height 0; and the number of rows.
fn guide_texts<'a>(chart: &'a Chart, axes: &ChartAxes, frame: &Rect) -> (Vec<Text<'a>>, usize) {
    let mut texts: Vec<Text<'a>> = Vec::new();
    let mut rows = 0;
    for guide in chart.guides.iter().filter(|g| !g.label.is_empty()) {
        let x = frame.x + axes.x.fraction(guide.x) * frame.width;
        let place = |row: usize| {
            let at = [x, -GUIDE_ROW * (row as f64 + 0.6)];
            Text::new(at, guide.label.as_str()).within(frame.x, frame.right())
        };
        let free = |row: &usize| {
            let bounds = place(*row).bounds();
            !texts.iter().any(|t| t.bounds().overlaps(&bounds))
        };
        let row = (0..MOST_GUIDE_ROWS - 1).find(free).unwrap_or(MOST_GUIDE_ROWS - 1);
        texts.push(place(row));
        rows = rows.max(row + 1);
    }
    (texts, rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_leaving_the_frame_becomes_two() {
        let frame = Rect { x: 0.0, y: 0.0, width: 10.0, height: 10.0 };
        let mut lines = Vec::new();
        clip_into(&mut lines, &[[0.0, 5.0], [1.0, -5.0], [2.0, 5.0]], &frame);
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[0].points, [[0.0, 5.0], [0.5, 0.0]]);
        assert_eq!(lines[1].points, [[1.5, 0.0], [2.0, 5.0]]);
    }
}
