//! Drawing of a contour figure whose input is checked and whose scale is known.

use ndarray::Array2;

use super::axes::{self, Axis, Side};
use super::bands::Bands;
use super::caption;
use super::color::Rgb;
use super::colorbar::{self, Beyond};
use super::contour::ContourFigure;
use super::isolines::{Grid, Polyline, Tracer};
use super::labels::{self, Candidate};
use super::markers;
use super::numbers;
use super::polyline::{cut, thin};
use super::svg::{Fragment, HATCH, PathData, Rect, Svg};
use super::text::{INK, TITLE, Text};

/// Font size of the numbers on contour lines.
const NUMBER: f64 = 8.5;
/// Tolerances of thinning, in pixels: the first that keeps the points of all lines of a kind
/// within the budget is used for each level.
const TOLERANCES: [f64; 4] = [0.03, 0.12, 0.35, 0.8];
const POINT_BUDGET: usize = 150_000;

/// Ink of one contour line and its number.
struct LineStyle {
    ink: &'static str,
    opacity: &'static str,
    /// Colour halfway between the bands on the two sides.
    ground: Rgb,
}

/// Draws the figure; `notes` go into the caption.
pub(super) fn draw(figure: &ContourFigure, bands: &Bands, notes: &[String]) -> Fragment {
    let x_axis = axis_over(&figure.x);
    let y_axis = axis_over(&figure.y);
    let frame = Rect { x: y_axis.space(), y: axes::TOP, width: axes::FRAME_SIDE, height: axes::FRAME_SIDE };
    let grid = pixel_grid(figure, bands, &x_axis, &y_axis, &frame);
    let colors = bands.colors(figure.color_map);
    let mut svg = Svg::default();

    draw_bands(&mut svg, &grid, bands, &colors, &frame);
    draw_mask(&mut svg, &grid);
    let (marks, obstacles) = markers::lay_out(figure, &x_axis, &y_axis, &frame);
    draw_lines(&mut svg, &grid, bands, &colors, &frame, &obstacles);
    for mark in marks {
        mark.draw(&mut svg);
    }
    axes::draw_frame(&mut svg, &frame);
    x_axis.draw(&mut svg, &frame, Side::Bottom, &figure.x_label, INK);
    y_axis.draw(&mut svg, &frame, Side::Left, &figure.y_label, INK);

    let extent = figure.extent();
    let log = bands.mapping.is_log();
    let beyond = Beyond {
        below: extent.is_some_and(|e| if log { e.min_positive } else { e.min } < bands.lo),
        above: extent.is_some_and(|e| e.max > bands.hi),
    };
    let bar = colorbar::draw(&mut svg, &frame, bands, &colors, beyond, &figure.value_label);
    let width = (frame.right() + bar + 4.0).max(420.0);
    Text::new([frame.x + frame.width / 2.0, frame.y - 14.0], figure.title.as_str())
        .size(TITLE)
        .fit(2.0 * (frame.width / 2.0 + frame.x - 4.0))
        .draw(&mut svg);
    caption::finish(svg, notes, &frame, width)
}

fn axis_over(values: &[f64]) -> Axis {
    let (lo, hi) = (values.first().copied(), values.last().copied());
    Axis::new(lo.unwrap_or(0.0), hi.unwrap_or(1.0), false, 6)
}

/// The grid in pixels, with values on the drawn scale; NaN where nothing can be drawn.
fn pixel_grid(figure: &ContourFigure, bands: &Bands, x: &Axis, y: &Axis, frame: &Rect) -> Grid {
    Grid {
        x: figure.x.iter().map(|&v| frame.x + x.fraction(v) * frame.width).collect(),
        y: figure.y.iter().map(|&v| frame.bottom() - y.fraction(v) * frame.height).collect(),
        values: figure.values.mapv(|v| bands.mapping.forward(v)),
    }
}

/// Fills the frame with the lowest colour, then for each level the region at or above it: later
/// regions cover earlier ones, so there are no seams between bands.
fn draw_bands(svg: &mut Svg, grid: &Grid, bands: &Bands, colors: &[Rgb], frame: &Rect) {
    if let Some(lowest) = colors.first() {
        svg.rect(frame, &lowest.hex());
    }
    let padded = grid.padded();
    let mut tracer = Tracer::new(&padded);
    for (&level, color) in bands.levels.iter().zip(&colors[1..]) {
        let rings = traced(&mut tracer, bands, level);
        let mut path = PathData::default();
        for ring in &rings {
            path.polyline(&ring.points, true);
        }
        if !path.is_empty() {
            svg.tag("path")
                .attr("d", path.as_str())
                .attr("fill", &color.hex())
                .attr("fill-rule", "evenodd")
                .end();
        }
    }
}

/// Isolines at a level, thinned to what a reader can see.
fn traced(tracer: &mut Tracer<'_>, bands: &Bands, level: f64) -> Vec<Polyline> {
    let full = tracer.trace(bands.mapping.forward(level));
    let budget = POINT_BUDGET / bands.levels.len().max(1);
    let mut lines = Vec::new();
    for tolerance in TOLERANCES {
        lines = full.iter().map(|line| thin(line, tolerance)).collect();
        lines.retain(|line| line.points.len() > if line.closed { 2 } else { 1 });
        if lines.iter().map(|l| l.points.len()).sum::<usize>() <= budget {
            break;
        }
    }
    lines
}

/// Hatches the cells with a corner that cannot be drawn.
fn draw_mask(svg: &mut Svg, grid: &Grid) {
    let (nx, ny) = grid.values.dim();
    let masked = Array2::from_shape_fn((nx - 1, ny - 1), |(i, j)| {
        grid.values.slice(ndarray::s![i..i + 2, j..j + 2]).iter().any(|v| v.is_nan())
    });
    let mut path = PathData::default();
    for j in 0..ny - 1 {
        let mut i = 0;
        while i < nx - 1 {
            let start = i;
            while i < nx - 1 && masked[[i, j]] {
                i += 1;
            }
            if i > start {
                path.rect(&Rect {
                    x: grid.x[start],
                    y: grid.y[j + 1],
                    width: grid.x[i] - grid.x[start],
                    height: grid.y[j] - grid.y[j + 1],
                });
            } else {
                i += 1;
            }
        }
    }
    if !path.is_empty() {
        svg.tag("path").attr("d", path.as_str()).attr("fill", HATCH).end();
    }
}

/// Draws contour lines, interrupted where their numbers stand.
fn draw_lines(svg: &mut Svg, grid: &Grid, bands: &Bands, colors: &[Rgb], frame: &Rect, obstacles: &[Rect]) {
    let numbers = numbers::levels(&bands.levels, bands.mapping.is_log());
    let mut tracer = Tracer::new(grid);
    let lines: Vec<(usize, Polyline)> = bands
        .levels
        .iter()
        .enumerate()
        .flat_map(|(k, &level)| {
            let lines = traced(&mut tracer, bands, level);
            lines.into_iter().map(move |line| (k, line))
        })
        .collect();
    let candidates: Vec<Candidate<'_>> = lines
        .iter()
        .map(|(k, line)| Candidate { line, level: *k, size: [numbers[*k].width(NUMBER), 0.8 * NUMBER] })
        .collect();
    let placements = labels::place(&candidates, frame, obstacles);
    let mut gaps = vec![None; lines.len()];
    for placement in &placements {
        gaps[placement.candidate] = Some(placement.gap);
    }

    let styles: Vec<LineStyle> = colors.windows(2).map(|c| line_style(c[0].mix(c[1]))).collect();
    let mut paths: Vec<PathData> = styles.iter().map(|_| PathData::default()).collect();
    for ((k, line), gap) in lines.iter().zip(&gaps) {
        match gap {
            None => paths[*k].polyline(&line.points, line.closed),
            Some([from, to]) => {
                for piece in cut(line, *from, *to) {
                    paths[*k].polyline(&piece.points, false);
                }
            }
        }
    }
    for (style, path) in styles.iter().zip(&paths).filter(|(_, path)| !path.is_empty()) {
        svg.tag("path")
            .attr("d", path.as_str())
            .attr("fill", "none")
            .attr("stroke", style.ink)
            .attr("stroke-opacity", style.opacity)
            .attr("stroke-width", "0.7")
            .attr("stroke-linejoin", "round")
            .end();
    }
    for placement in &placements {
        let level = lines[placement.candidate].0;
        Text::new(placement.center, numbers[level].clone())
            .size(NUMBER)
            .fill(styles[level].ink)
            .halo(&styles[level].ground.hex())
            .rotate(placement.angle)
            .draw(svg);
    }
}

fn line_style(ground: Rgb) -> LineStyle {
    if ground.is_dark() {
        LineStyle { ink: "#fff", opacity: "0.75", ground }
    } else {
        LineStyle { ink: "#000", opacity: "0.7", ground }
    }
}

#[cfg(test)]
mod tests {
    use super::super::scale::Scale;
    use super::*;

    fn axis(lo: f64, hi: f64, n: usize) -> Vec<f64> {
        (0..n).map(|k| lo + (hi - lo) * k as f64 / (n - 1) as f64).collect()
    }

    /// Absolute points of the first filled band above the lowest.
    fn first_band(svg: &str) -> Vec<[f64; 2]> {
        let document = roxmltree::Document::parse(svg).expect("well-formed");
        let band =
            document.descendants().find(|n| n.attribute("fill-rule") == Some("evenodd")).expect("a band");
        let data = band.attribute("d").unwrap().trim_start_matches('M').trim_end_matches('z');
        let (start, rest) = data.split_once('l').unwrap();
        // Relative numbers: a sign or a blank starts the next.
        let numbers = |s: &str| -> Vec<f64> {
            s.replace('-', " -").split_whitespace().map(|n| n.parse().unwrap()).collect()
        };
        let mut points = vec![[numbers(start)[0], numbers(start)[1]]];
        for step in numbers(rest).chunks(2) {
            let last = points[points.len() - 1];
            points.push([last[0] + step[0], last[1] + step[1]]);
        }
        points
    }

    #[test]
    fn the_first_index_runs_along_the_horizontal_axis() {
        // One high point at i = 3 of 5, j = 1 of 3: right of the centre, in the middle.
        let (x, y) = (axis(0.0, 4.0, 5), axis(0.0, 2.0, 3));
        let mut values = Array2::zeros((5, 3));
        values[[3, 1]] = 1.0;
        let svg = ContourFigure::new(&x, &y, values.view()).levels([0.5]).to_svg().unwrap();
        let band = first_band(&svg);
        let (left, top, side) = (axes::SIDE, axes::TOP, axes::FRAME_SIDE);
        let bounds =
            |d: usize| band.iter().fold((f64::MAX, f64::MIN), |(l, h), p| (l.min(p[d]), h.max(p[d])));
        let close = |(l, h): (f64, f64), lo: f64, hi: f64| (l - lo).abs() < 0.02 && (h - hi).abs() < 0.02;
        assert!(close(bounds(0), left + side * 2.5 / 4.0, left + side * 3.5 / 4.0), "{band:?}");
        assert!(close(bounds(1), top + side * 0.25, top + side * 0.75), "{band:?}");
    }

    #[test]
    fn the_second_index_runs_upwards_along_uneven_coordinates() {
        let values = Array2::from_shape_fn((2, 3), |(_, j)| [0.0, 0.0, 1.0][j]);
        let svg =
            ContourFigure::new(&[0.0, 1.0], &[0.0, 3.0, 4.0], values.view()).levels([0.5]).to_svg().unwrap();
        let lowest = first_band(&svg).iter().fold(f64::MIN, |m, p| m.max(p[1]));
        let expected = axes::TOP + axes::FRAME_SIDE * 0.5 / 4.0;
        assert!((lowest - expected).abs() < 0.02, "{lowest} {expected}");
    }

    #[test]
    fn logarithmic_isolines_interpolate_logarithms() {
        let values = ndarray::array![[1.0, 1.0], [1e4, 1e4]];
        let of = |scale: Scale| {
            let svg = ContourFigure::new(&[0.0, 1.0], &[0.0, 1.0], values.view())
                .scale(scale)
                .levels([100.0])
                .to_svg()
                .unwrap();
            let left = first_band(&svg).iter().fold(f64::MAX, |m, p| m.min(p[0]));
            (left - axes::SIDE) / axes::FRAME_SIDE
        };
        assert!((of(Scale::Auto) - 0.5).abs() < 1e-4);
        assert!((of(Scale::Linear) - 99.0 / 9999.0).abs() < 1e-4);
    }
}
