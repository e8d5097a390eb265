//! The colour bar beside a figure.

use crate::{
    axis::numbers,
    colors::Rgb,
    geometry::Rect,
    layout,
    plane::bands::Bands,
    svg::{Anchor, INK, LABEL, PathData, Svg, TICK, Text},
};

/// From the frame to the bar.
const OFFSET: f64 = 14.0;
const WIDTH: f64 = 11.0;
/// From the bar to its numbers.
const NUMBER_OFFSET: f64 = 6.0;
/// Height of the point at an end beyond which there are values.
const POINT: f64 = 9.0;

/// Space beside a figure without a bar.
const BARE: f64 = 8.0;

/// What is outside the colour range; the bar is pointed at that end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Beyond {
    pub(crate) below: bool,
    pub(crate) above: bool,
}

/// What a figure draws of its colour bar.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum BarPart {
    #[default]
    All,
    /// What the values are; the colours are told elsewhere.
    Label,
    /// Nothing: another bar tells everything.
    Nothing,
}

/// A colour bar beside a figure.
#[derive(Debug)]
pub(crate) struct Bar<'a> {
    pub(crate) ramp: Ramp<'a>,
    pub(crate) beyond: Beyond,
    pub(crate) label: &'a str,
    pub(crate) part: BarPart,
}

/// Colours from the low end of a scale to its high end.
#[derive(Debug)]
pub(crate) struct Ramp<'a> {
    bands: &'a Bands,
    colors: &'a [Rgb],
    /// Where one colour ends and the next begins, from 0 to 1.
    edges: Vec<f64>,
}

impl<'a> Ramp<'a> {
    /// One colour between any two levels.
    pub(crate) fn banded(bands: &'a Bands, colors: &'a [Rgb]) -> Self {
        let edges = bands.levels.iter().map(|&v| bands.fraction(v).clamp(0.0, 1.0)).collect();
        Self { bands, colors, edges }
    }

    /// Colours of equal extent; the levels are ticks only.
    pub(crate) fn smooth(bands: &'a Bands, colors: &'a [Rgb]) -> Self {
        let count = colors.len();
        Self { bands, colors, edges: (1..count).map(|k| k as f64 / count as f64).collect() }
    }
}

impl Bar<'_> {
    /// Draws the bar to the right of `frame` and returns the width that the figure takes from there.
    pub(crate) fn draw(&self, svg: &mut Svg, frame: &Rect) -> f64 {
        match self.part {
            BarPart::All => draw(svg, frame, &self.ramp, self.beyond, self.label),
            BarPart::Label if !self.label.is_empty() => {
                draw_label(svg, frame, frame.right() + OFFSET, self.label)
            }
            BarPart::Label | BarPart::Nothing => BARE,
        }
    }

    /// The width of a whole figure, given the right end of its frame and what the bar takes from there.
    pub(crate) fn figure_width(&self, right: f64, taken: f64) -> f64 {
        let least = if self.part == BarPart::All { layout::WIDTH } else { 0.0 };
        (right + taken + 4.0).max(least)
    }
}

/// Draws the bar to the right of `frame` and returns the width it takes from there.
fn draw(svg: &mut Svg, frame: &Rect, ramp: &Ramp<'_>, beyond: Beyond, label: &str) -> f64 {
    let Ramp { bands, colors, edges } = ramp;
    let bar = bar_rect(frame, beyond);
    let height_of = |value: f64| bar.bottom() - bands.fraction(value).clamp(0.0, 1.0) * bar.height;
    let mut top = bar.bottom();
    for (k, color) in colors.iter().enumerate() {
        let bottom = top;
        top = edges.get(k).map_or(bar.y, |edge| bar.bottom() - edge * bar.height);
        // Each band reaches to the top and the next covers it: no seams.
        if k == 0 || bottom > top {
            let rect = Rect { height: bottom - bar.y, y: bar.y, ..bar };
            svg.rect(&rect, &color.hex());
        }
    }
    draw_points(svg, &bar, beyond, colors);
    draw_outline(svg, &bar, beyond);

    let mut shown = bands.levels.clone();
    shown.retain(|&v| v >= bands.lo && v <= bands.hi);
    if shown.iter().all(|&v| v == bands.lo) {
        shown = vec![bands.lo, bands.hi];
    }
    let labels = numbers::levels(&shown, bands.mapping.is_log());
    let mut widest: f64 = 0.0;
    let mut free_below = f64::INFINITY;
    let mut marks = PathData::default();
    for (&value, number) in shown.iter().zip(labels) {
        let y = height_of(value);
        marks.polyline(&[[bar.right(), y], [bar.right() + 3.0, y]], false);
        // Levels closer than a line of text keep their tick only.
        if y > free_below {
            continue;
        }
        free_below = y - 0.95 * TICK;
        widest = widest.max(number.width(TICK));
        Text::new([bar.right() + NUMBER_OFFSET, y], number).anchor(Anchor::Start).draw(svg);
    }
    if !marks.is_empty() {
        svg.tag("path").attr("d", marks.as_str()).attr("stroke", INK).attr("stroke-width", "0.8").end();
    }
    let numbers_end = bar.right() + NUMBER_OFFSET + widest;
    if label.is_empty() {
        return numbers_end + 4.0 - frame.right();
    }
    draw_label(svg, frame, numbers_end + 11.0, label)
}

/// Writes what the values are upwards at `x`, and returns the width from the frame to its end.
fn draw_label(svg: &mut Svg, frame: &Rect, x: f64, label: &str) -> f64 {
    Text::new([x, frame.y + frame.height / 2.0], label).size(LABEL).fit(frame.height).rotate(-90.0).draw(svg);
    x + 0.7 * LABEL - frame.right()
}

fn bar_rect(frame: &Rect, beyond: Beyond) -> Rect {
    let top = if beyond.above { POINT } else { 0.0 };
    let bottom = if beyond.below { POINT } else { 0.0 };
    Rect { x: frame.right() + OFFSET, y: frame.y + top, width: WIDTH, height: frame.height - top - bottom }
}

fn draw_points(svg: &mut Svg, bar: &Rect, beyond: Beyond, colors: &[Rgb]) {
    let middle = bar.x + bar.width / 2.0;
    let ends =
        [(beyond.below, bar.bottom(), POINT, colors.first()), (beyond.above, bar.y, -POINT, colors.last())];
    for (wanted, base, height, color) in ends {
        if let (true, Some(color)) = (wanted, color) {
            let mut path = PathData::default();
            // Reaches into the bar, which leaves no seam.
            let inside = base - 0.1 * height;
            let corners = [[bar.x, base], [middle, base + height], [bar.right(), base]];
            path.polyline(&[&corners[..], &[[bar.right(), inside], [bar.x, inside]]].concat(), true);
            svg.tag("path").attr("d", path.as_str()).attr("fill", &color.hex()).end();
        }
    }
}

fn draw_outline(svg: &mut Svg, bar: &Rect, beyond: Beyond) {
    let middle = bar.x + bar.width / 2.0;
    let mut points = vec![[bar.x, bar.y]];
    if beyond.above {
        points.push([middle, bar.y - POINT]);
    }
    points.extend([[bar.right(), bar.y], [bar.right(), bar.bottom()]]);
    if beyond.below {
        points.push([middle, bar.bottom() + POINT]);
    }
    points.push([bar.x, bar.bottom()]);
    let mut path = PathData::default();
    path.polyline(&points, true);
    svg.tag("path")
        .attr("d", path.as_str())
        .attr("fill", "none")
        .attr("stroke", INK)
        .attr("stroke-width", "0.8")
        .end();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{axis::scale::Extent, colors::ColorMap, plane::bands::BandOptions};

    #[test]
    fn bar_has_one_rectangle_per_band_and_points_beyond() {
        let frame = Rect { x: 50.0, y: 30.0, width: 200.0, height: 200.0 };
        let options =
            BandOptions { levels: Some(vec![1.0, 2.0]), range: Some((0.0, 4.0)), ..BandOptions::default() };
        let bands = Bands::resolve(Extent::of([-1.0, 4.0]), &options).unwrap();
        let colors = bands.colors(ColorMap::Viridis);
        let mut svg = Svg::default();
        let beyond = Beyond { below: true, above: false };
        let width = draw(&mut svg, &frame, &Ramp::banded(&bands, &colors), beyond, "loss");
        let svg = svg.finish();
        assert_eq!(svg.matches("<rect").count(), 3);
        assert!(svg.contains("z\" fill=\"#"));
        assert!((40.0..80.0).contains(&width), "{width}");
    }

    #[test]
    fn smooth_bars_have_colours_of_equal_height() {
        let frame = Rect { x: 0.0, y: 0.0, width: 10.0, height: 90.0 };
        let bands = Bands::resolve(Extent::of([1.0, 1000.0]), &BandOptions::default()).unwrap();
        let colors = [0.0, 0.5, 1.0].map(|t| ColorMap::Cividis.at(t));
        assert_eq!(Ramp::smooth(&bands, &colors).edges, [1.0 / 3.0, 2.0 / 3.0]);
        let mut svg = Svg::default();
        draw(&mut svg, &frame, &Ramp::smooth(&bands, &colors), Beyond::default(), "");
        let svg = svg.finish();
        for height in ["height=\"90\"", "height=\"60\"", "height=\"30\""] {
            assert!(svg.contains(height), "{height}: {svg}");
        }
    }
}
