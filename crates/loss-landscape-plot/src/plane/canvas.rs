//! Drawing over two directions: areas, isolines with their numbers, axes, colour bar, caption.

use ndarray::Array2;

use crate::{
    axis::{Axis, Side, numbers},
    caption,
    colors::Rgb,
    geometry::{
        Point, Polyline, Rect,
        chords::Inside,
        isolines::{PixelGrid, Tracer},
        polyline::{cut, thin},
    },
    layout,
    plane::{
        bands::Bands,
        colorbar::Bar,
        line_numbers::{self, Candidate},
        overlay::Overlay,
        sheet::{Sheet, cell_edges},
    },
    svg::{
        Drawing, INK, PathData, Svg, TITLE, Text,
        hatching::{Hatching, UNKNOWN_GROUND},
    },
};

/// Font size of the numbers on contour lines.
const NUMBER: f64 = 8.5;
/// Opacity of what shows how sure an isoline is.
const SHADE: &str = "0.35";
/// Tolerances of thinning, in pixels: the first that keeps the points of all lines of a kind
/// within the budget is used for each level.
const TOLERANCES: [f64; 4] = [0.03, 0.12, 0.35, 0.8];
const POINT_BUDGET: usize = 150_000;

/// A drawing with a frame, to which layers are added from the ground up.
pub(crate) struct Canvas<'a> {
    sheet: &'a Sheet,
    x: Axis,
    y: Axis,
    frame: Rect,
    svg: Svg,
}

/// Ink of a contour line and its number.
#[derive(Clone, Debug)]
pub(crate) struct LineStyle {
    ink: &'static str,
    opacity: &'static str,
    width: &'static str,
    /// Ink and width of a line below, so that the line stands out on any colour.
    casing: Option<[&'static str; 2]>,
    /// Colour halfway between the bands on the two sides.
    ground: Rgb,
}

impl<'a> Canvas<'a> {
    pub(crate) fn new(sheet: &'a Sheet) -> Self {
        let [x, y] = sheet.axes();
        let frame =
            Rect { x: y.space(), y: layout::TOP, width: layout::FRAME_SIDE, height: layout::FRAME_SIDE };
        Self { sheet, x, y, frame, svg: Svg::default() }
    }

    /// The grid in pixels; `values` are NaN where nothing can be drawn.
    pub(crate) fn grid(&self, values: Array2<f64>) -> PixelGrid {
        let (sheet, frame) = (self.sheet, &self.frame);
        PixelGrid {
            x: sheet.x.iter().map(|&v| frame.x + self.x.fraction(v) * frame.width).collect(),
            y: sheet.y.iter().map(|&v| frame.bottom() - self.y.fraction(v) * frame.height).collect(),
            values,
        }
    }

    /// Fills the frame.
    pub(crate) fn ground(&mut self, color: Rgb) {
        self.svg.rect(&self.frame, &color.hex());
    }

    /// Covers the inside of rings with lines or dots.
    pub(crate) fn hatched(&mut self, rings: &[Polyline], hatching: Hatching) {
        let rings: Vec<&[Point]> = rings.iter().map(|ring| &ring.points[..]).collect();
        hatching.draw(&mut self.svg, &rings, Inside::Odd);
    }

    /// Fills the inside of rings with a colour.
    pub(crate) fn area(&mut self, rings: &[Polyline], fill: &str) {
        self.fill_rings(rings, fill, None);
    }

    /// Shades what is inside of an odd number of rings.
    pub(crate) fn shade(&mut self, rings: &[Polyline], style: &LineStyle) {
        self.fill_rings(rings, style.ink, Some(SHADE));
    }

    fn fill_rings(&mut self, rings: &[Polyline], fill: &str, opacity: Option<&str>) {
        let mut path = PathData::default();
        for ring in rings {
            path.polyline(&ring.points, true);
        }
        if path.is_empty() {
            return;
        }
        let mut tag = self.svg.tag("path").attr("d", path.as_str()).attr("fill", fill);
        if let Some(opacity) = opacity {
            tag = tag.attr("fill-opacity", opacity);
        }
        tag.attr("fill-rule", "evenodd").end();
    }

    /// Hatches the cells with a corner that cannot be drawn.
    pub(crate) fn mask(&mut self, grid: &PixelGrid) {
        let (nx, ny) = grid.values.dim();
        let masked = Array2::from_shape_fn((nx - 1, ny - 1), |(i, j)| {
            grid.values.slice(ndarray::s![i..i + 2, j..j + 2]).iter().any(|v| v.is_nan())
        });
        let mut runs = Vec::new();
        for j in 0..ny - 1 {
            let mut i = 0;
            while i < nx - 1 {
                let start = i;
                while i < nx - 1 && masked[[i, j]] {
                    i += 1;
                }
                if i > start {
                    runs.push(Rect {
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
        self.unknown(&runs);
    }

    /// Fills and hatches rectangles that do not overlap, of which nothing is known.
    pub(crate) fn unknown(&mut self, rects: &[Rect]) {
        let mut path = PathData::default();
        for rect in rects {
            path.rect(rect);
        }
        self.tiles(&path, UNKNOWN_GROUND);
        let corners: Vec<[Point; 4]> = rects.iter().map(Rect::corners).collect();
        let rings: Vec<&[Point]> = corners.iter().map(|ring| &ring[..]).collect();
        Hatching::Unknown.draw(&mut self.svg, &rings, Inside::Odd);
    }

    /// Draws isolines, each with the index of its level, interrupted where their numbers stand;
    /// then the markers and trajectories, which the numbers keep out of.
    pub(crate) fn isolines(&mut self, lines: &[(usize, Polyline)], bands: &Bands, styles: &[LineStyle]) {
        let overlay = Overlay::lay_out(self.sheet, &self.x, &self.y, &self.frame);
        let numbers = numbers::levels(&bands.levels, bands.mapping.is_log());
        let candidates: Vec<Candidate<'_>> = lines
            .iter()
            .map(|(k, line)| Candidate { line, level: *k, size: [numbers[*k].width(NUMBER), 0.8 * NUMBER] })
            .collect();
        let placements = line_numbers::place(&candidates, &self.frame, &overlay.obstacles);
        let mut gaps = vec![None; lines.len()];
        for placement in &placements {
            gaps[placement.candidate] = Some(placement.gap);
        }

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
        for (style, path) in styles.iter().zip(&paths) {
            style.draw(&mut self.svg, path);
        }
        for placement in &placements {
            let level = lines[placement.candidate].0;
            Text::new(placement.center, numbers[level].clone())
                .size(NUMBER)
                .fill(styles[level].ink)
                .halo(&styles[level].ground.hex())
                .rotate(placement.angle)
                .draw(&mut self.svg);
        }
        overlay.draw(&mut self.svg);
    }

    /// Draws markers and trajectories.
    pub(crate) fn overlay(&mut self) {
        Overlay::lay_out(self.sheet, &self.x, &self.y, &self.frame).draw(&mut self.svg);
    }

    /// Edges of the cells around the points, in pixels: one more than points along each axis.
    pub(crate) fn edges(&self) -> [Vec<f64>; 2] {
        let (sheet, frame) = (self.sheet, &self.frame);
        [
            cell_edges(&sheet.x).iter().map(|&v| frame.x + self.x.fraction(v) * frame.width).collect(),
            cell_edges(&sheet.y)
                .iter()
                .map(|&v| frame.bottom() - self.y.fraction(v) * frame.height)
                .collect(),
        ]
    }

    /// Fills rectangles with one colour, with sharp edges: neighbours leave no seams.
    pub(crate) fn tiles(&mut self, tiles: &PathData, fill: &str) {
        if !tiles.is_empty() {
            self.svg
                .tag("path")
                .attr("d", tiles.as_str())
                .attr("fill", fill)
                .attr("shape-rendering", "crispEdges")
                .end();
        }
    }

    /// Draws a small × at the points where `marked`, smaller on fine grids.
    pub(crate) fn crosses(&mut self, marked: &Array2<bool>) {
        let grid = self.grid(Array2::zeros((0, 0)));
        let steps = grid.x.windows(2).chain(grid.y.windows(2)).map(|w| (w[1] - w[0]).abs());
        let arm = (0.2 * steps.fold(f64::INFINITY, f64::min)).clamp(0.6, 2.0);
        let mut path = PathData::default();
        for ((i, j), _) in marked.indexed_iter().filter(|(_, marked)| **marked) {
            let [x, y] = [grid.x[i], grid.y[j]];
            path.polyline(&[[x - arm, y - arm], [x + arm, y + arm]], false);
            path.polyline(&[[x - arm, y + arm], [x + arm, y - arm]], false);
        }
        for (ink, width) in [("#fff", "1.8"), ("#000", "0.7")] {
            if !path.is_empty() {
                self.svg
                    .tag("path")
                    .attr("d", path.as_str())
                    .attr("stroke", ink)
                    .attr("stroke-width", width)
                    .end();
            }
        }
    }

    /// Adds all that stands around the plotting area; `notes` go into the caption.
    pub(crate) fn finish(mut self, bar: &Bar<'_>, notes: &[String]) -> Drawing {
        let (sheet, frame, svg) = (self.sheet, self.frame, &mut self.svg);
        layout::draw_frame(svg, &frame);
        self.x.draw(svg, &frame, Side::Bottom, &sheet.x_label, INK);
        self.y.draw(svg, &frame, Side::Left, &sheet.y_label, INK);
        let beside = bar.draw(svg, &frame);
        let width = bar.figure_width(frame.right(), beside);
        Text::new([frame.x + frame.width / 2.0, frame.y - 14.0], sheet.title.as_str())
            .size(TITLE)
            .fit(2.0 * (frame.width / 2.0 + frame.x - 4.0))
            .draw(svg);
        caption::finish(self.svg, notes, &frame, width)
    }
}

impl LineStyle {
    /// Styles of the lines between bands of these colours.
    pub(crate) fn between(colors: &[Rgb]) -> Vec<Self> {
        let style = |ground: Rgb| {
            let (ink, opacity) = if ground.is_dark() { ("#fff", "0.75") } else { ("#000", "0.7") };
            Self { ink, opacity, width: "0.7", casing: None, ground }
        };
        colors.windows(2).map(|c| style(c[0].mix(c[1]))).collect()
    }

    /// The same, standing out from all others.
    pub(crate) fn heavy(self) -> Self {
        let below = if self.ink == "#fff" { "#000" } else { "#fff" };
        Self { opacity: "1", width: "1.6", casing: Some([below, "3.4"]), ..self }
    }

    fn draw(&self, svg: &mut Svg, path: &PathData) {
        if path.is_empty() {
            return;
        }
        let below = self.casing.map(|[ink, width]| (ink, "1", width));
        for (ink, opacity, width) in below.into_iter().chain([(self.ink, self.opacity, self.width)]) {
            svg.tag("path")
                .attr("d", path.as_str())
                .attr("fill", "none")
                .attr("stroke", ink)
                .attr("stroke-opacity", opacity)
                .attr("stroke-width", width)
                .attr("stroke-linejoin", "round")
                .end();
        }
    }
}

/// Isolines at `level`, one of `count`, thinned to what a reader can see.
pub(crate) fn traced(tracer: &mut Tracer<'_>, level: f64, count: usize) -> Vec<Polyline> {
    let full = tracer.trace(level);
    let budget = POINT_BUDGET / count.max(1);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_heavy_line_has_a_casing_of_the_other_ink() {
        let colors = [Rgb([0; 3]), Rgb([20; 3]), Rgb([255; 3]), Rgb([255; 3])];
        let styles = LineStyle::between(&colors);
        assert_eq!(styles.iter().map(|s| s.ink).collect::<Vec<_>>(), ["#fff", "#000", "#000"]);
        let mut path = PathData::default();
        path.polyline(&[[0.0, 0.0], [1.0, 1.0]], false);
        let mut svg = Svg::default();
        styles[0].clone().heavy().draw(&mut svg, &path);
        let svg = svg.finish();
        assert!(svg.find("#000").unwrap() < svg.find("#fff").unwrap(), "{svg}");
        assert_eq!(svg.matches("<path").count(), 2);
    }

    #[test]
    fn only_cells_at_a_missing_corner_are_hatched() {
        let sheet = Sheet::new(&[0.0, 1.0, 2.0, 3.0], &[0.0, 1.0, 2.0]);
        let mut canvas = Canvas::new(&sheet);
        let mut values = Array2::zeros((4, 3));
        canvas.mask(&canvas.grid(values.clone()));
        assert!(canvas.svg.finish().is_empty());
        values[[0, 0]] = f64::NAN;
        let mut canvas = Canvas::new(&sheet);
        canvas.mask(&canvas.grid(values));
        // The lower left cell: a third of the width, half of the height.
        let svg = canvas.svg.finish();
        assert!(svg.contains("d=\"M54 168l92 0 0 138-92 0z\""), "{svg}");
    }
}
