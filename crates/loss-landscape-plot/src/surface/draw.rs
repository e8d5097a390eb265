//! Drawing of a surface whose input is checked and whose scale is known: far cells first, which near ones cover.

use crate::{
    axis::Axis,
    caption,
    colors::{ColorMap, Rgb},
    geometry::{Point, Rect, chords::Inside},
    layout,
    plane::{bands::Bands, colorbar::Ramp, shades::Shades, shared::SharedScale, values::PlaneValues},
    surface::{box_axes, mesh::Mesh, projection::Projection, sight::Sight},
    svg::{
        Drawing, PathData, Svg, TITLE, Text,
        hatching::{Hatching, UNKNOWN_GROUND},
    },
};

/// The area beside the colour bar, as high as the plotting areas of flat figures.
const FRAME: Rect = Rect { x: 8.0, y: layout::TOP, width: 330.0, height: layout::FRAME_SIDE };
/// The part of it, and of the space below, that the box fills with the numbers and labels around it.
const AREA: Rect = Rect { x: 8.0, y: layout::TOP + 2.0, width: 326.0, height: layout::FRAME_SIDE + 26.0 };

/// What an area is filled with. Areas of one path must be seen from the same side, since their outlines
/// then run in the same sense and no overlap is empty.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Paint {
    Lit {
        color: Rgb,
        below: bool,
        whole: bool,
    },
    /// Striped, where the surface is cut off.
    Cut {
        color: Rgb,
    },
}

/// Areas in the order of painting; consecutive ones of equal paint share a path.
struct Painter<'a> {
    svg: &'a mut Svg,
    path: PathData,
    /// The outlines of a cut area, for its stripes.
    cut: Vec<Vec<Point>>,
    paint: Option<Paint>,
}

/// Draws the figure; `notes` go into the caption.
pub(super) fn draw(
    data: &PlaneValues,
    scale: Option<&SharedScale>,
    bands: &Bands,
    mesh: &Mesh,
    angles: [f64; 2],
    notes: &[String],
) -> Drawing {
    let sheet = &data.sheet;
    let [x, y] = sheet.axes();
    let axes = [x, y, Axis::new(bands.lo, bands.hi, bands.mapping.is_log(), 6)];
    let labels = [sheet.x_label.as_str(), sheet.y_label.as_str()];
    let view = box_axes::fitted(angles, &AREA, &axes, labels);
    let shades = Shades::new(sheet.color_map);
    let mut svg = Svg::default();
    box_axes::draw_walls(&mut svg, &view, &axes);
    draw_holes(&mut svg, &view, mesh);
    draw_surface(&mut svg, &view, mesh, sheet.color_map);
    let mut taken = box_axes::draw_axes(&mut svg, &view, &axes, labels);
    let mut notes = notes.to_vec();
    if let Some(points) = &sheet.critical_points {
        let sight = Sight { view: &view, mesh };
        let place = |[x, y]: [f64; 2]| [axes[0].fraction(x), axes[1].fraction(y)];
        let at = |p: [f64; 2]| view.place(sight.on_surface(place(p)));
        let inside = |x: f64, y: f64| sheet.contains(x, y);
        let seen = |x: f64, y: f64| sight.sees(place([x, y]));
        points.lay_out(at, |x, y| inside(x, y) && seen(x, y), &AREA, &mut taken).draw(&mut svg);
        notes.extend(points.notes(inside, seen));
    }
    let bar = data.bar(Ramp::smooth(bands, &shades.colors), bands, scale);
    let beside = bar.draw(&mut svg, &FRAME);
    let width = bar.figure_width(FRAME.right(), beside);
    Text::new([FRAME.x + FRAME.width / 2.0, FRAME.y - 14.0], sheet.title.as_str())
        .size(TITLE)
        .fit(FRAME.width)
        .draw(&mut svg);
    caption::finish(svg, &notes, &FRAME, width)
}

/// Hatches the base below missing cells.
fn draw_holes(svg: &mut Svg, view: &Projection, mesh: &Mesh) {
    let holes = mesh.slopes.indexed_iter().filter(|(_, slope)| slope.is_none()).map(|(cell, _)| cell);
    let outlines: Vec<[Point; 4]> =
        holes.map(|(i, j)| mesh.corners([i, j]).map(|[u, v, _]| view.place([u, v, 0.0]))).collect();
    let mut path = PathData::default();
    for outline in &outlines {
        path.polyline(outline, true);
    }
    if !path.is_empty() {
        svg.tag("path").attr("d", path.as_str()).attr("fill", UNKNOWN_GROUND).end();
    }
    let rings: Vec<&[Point]> = outlines.iter().map(|outline| &outline[..]).collect();
    Hatching::Unknown.draw(svg, &rings, Inside::Any);
}

fn draw_surface(svg: &mut Svg, view: &Projection, mesh: &Mesh, map: ColorMap) {
    svg.tag("g").attr("stroke-width", "0.5").attr("stroke-linejoin", "round").open();
    let mut painter = Painter { svg, path: PathData::default(), cut: Vec::new(), paint: None };
    for cell in far_to_near(view, mesh) {
        let Some(slope) = mesh.slopes[cell] else {
            continue;
        };
        let corners = mesh.corners(cell);
        let middle = corners.iter().map(|c| c[2].clamp(0.0, 1.0)).sum::<f64>() / 4.0;
        let inside = clipped(&clipped(&corners, 1.0, 1.0), 0.0, -1.0);
        let above = clipped(&corners, 1.0, -1.0);
        let under = clipped(&corners, 0.0, 1.0);
        let outline = |part: &[[f64; 3]]| -> Vec<Point> { part.iter().map(|&p| view.place(p)).collect() };
        let mut points = outline(&inside);
        let below = signed_area(&points) > 0.0;
        let (bright, shine) = view.light(slope, below);
        let whole = inside == corners;
        if whole {
            points = reaching_under(view, mesh, cell, view.high_is_near());
        }
        painter.add(&points, Paint::Lit { color: map.at(middle).lit(bright, shine), below, whole });
        for (part, height) in [(above, 1.0), (under, 0.0)] {
            let flat: Vec<[f64; 3]> = part.iter().map(|&[u, v, _]| [u, v, height]).collect();
            painter.add(&outline(&flat), Paint::Cut { color: map.at(height) });
        }
    }
    painter.finish();
    svg.close();
}

/// A whole cell, and those behind its near edges: they will be painted over it, and nothing shines
/// through the seams. In the order of [`Mesh::corners`].
fn reaching_under(
    view: &Projection,
    mesh: &Mesh,
    [i, j]: [usize; 2],
    [high_u, high_v]: [bool; 2],
) -> Vec<Point> {
    let next = |k: usize, high: bool| if high { k.checked_add(1) } else { k.checked_sub(1) };
    let painted = |i: Option<usize>, j: Option<usize>| {
        i.zip(j).and_then(|(i, j)| mesh.slopes.get([i, j])).is_some_and(Option::is_some)
    };
    let (beside, below) = (next(i, high_u), next(j, high_v));
    let along_u = painted(beside, Some(j));
    let along_v = painted(Some(i), below) && (!along_u || painted(beside, below));
    let span = |k: usize, high: bool, reach: bool| match (reach, high) {
        (false, _) => [k, k + 1],
        (true, true) => [k, k + 2],
        (true, false) => [k - 1, k + 1],
    };
    let (u, v) = (span(i, high_u, along_u), span(j, high_v, along_v));
    [[u[0], v[0]], [u[1], v[0]], [u[1], v[1]], [u[0], v[1]]]
        .map(|[i, j]| view.place([mesh.u[i], mesh.v[j], mesh.heights[[i, j]].clamp(0.0, 1.0)]))
        .to_vec()
}

/// All cells, such that none covers one before it: along both axes from the far end to the near one.
fn far_to_near(view: &Projection, mesh: &Mesh) -> impl Iterator<Item = [usize; 2]> {
    let (nx, ny) = mesh.slopes.dim();
    let [high_u, high_v] = view.high_is_near();
    let turned = |k: usize, len: usize, high: bool| if high { k } else { len - 1 - k };
    (0..nx).flat_map(move |i| (0..ny).map(move |j| [turned(i, nx, high_u), turned(j, ny, high_v)]))
}

/// The part of a polygon whose heights, times `side`, are at most `limit` times `side`.
fn clipped(polygon: &[[f64; 3]], limit: f64, side: f64) -> Vec<[f64; 3]> {
    let excess = |p: &[f64; 3]| side * (p[2] - limit);
    let mut kept = Vec::with_capacity(polygon.len() + 1);
    for (k, p) in polygon.iter().enumerate() {
        let next = &polygon[(k + 1) % polygon.len()];
        let (a, b) = (excess(p), excess(next));
        if a <= 0.0 {
            kept.push(*p);
        }
        if (a < 0.0 && b > 0.0) || (a > 0.0 && b < 0.0) {
            let t = a / (a - b);
            kept.push([p[0] + t * (next[0] - p[0]), p[1] + t * (next[1] - p[1]), limit]);
        }
    }
    // A flat part at the limit itself belongs to the inside alone.
    let outer = (side < 0.0) == (limit > 0.0);
    if outer && kept.iter().all(|p| p[2] == limit) { Vec::new() } else { kept }
}

/// Positive for outlines that run clockwise in the picture, whose vertical axis points down.
fn signed_area(points: &[Point]) -> f64 {
    let next = points.iter().cycle().skip(1);
    points.iter().zip(next).map(|(a, b)| a[0] * b[1] - a[1] * b[0]).sum()
}

impl Painter<'_> {
    fn add(&mut self, points: &[Point], paint: Paint) {
        if points.len() < 3 {
            return;
        }
        if self.paint != Some(paint) {
            self.flush();
            self.paint = Some(paint);
        }
        self.path.polyline(points, true);
        if matches!(paint, Paint::Cut { .. }) {
            self.cut.push(points.to_vec());
        }
    }

    fn flush(&mut self) {
        let path = std::mem::take(&mut self.path);
        let Some(paint) = self.paint.take() else {
            return;
        };
        let (Paint::Lit { color, .. } | Paint::Cut { color }) = paint;
        let hex = color.hex();
        let tag = self.svg.tag("path").attr("d", path.as_str()).attr("fill", &hex);
        if matches!(paint, Paint::Lit { whole: true, .. }) {
            tag.end();
        } else {
            // A hair of the same colour closes the seams around parts of cells.
            tag.attr("stroke", &hex).end();
        }
        if matches!(paint, Paint::Cut { .. }) {
            let cut = std::mem::take(&mut self.cut);
            let rings: Vec<&[Point]> = cut.iter().map(Vec::as_slice).collect();
            Hatching::Cut.draw(self.svg, &rings, Inside::Any);
        }
    }

    fn finish(mut self) {
        self.flush();
    }
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;
    use roxmltree::Document;

    use super::*;
    use crate::{Figure, Scale, SurfaceFigure, plane::bands::BandOptions, testing::axis};

    fn mesh(n: usize, f: impl Fn(f64, f64) -> f64) -> Mesh {
        let u = axis(0.0, 1.0, n);
        Mesh::new(&u, &u, &Array2::from_shape_fn((n, n), |(i, j)| f(u[i], u[j])), 200)
    }

    fn contains(polygon: &[Point], [x, y]: Point) -> bool {
        if polygon.iter().all(|p| p[1] > y) || polygon.iter().all(|p| p[0] < x) {
            return false;
        }
        let next = polygon.iter().cycle().skip(1);
        let crossings = polygon.iter().zip(next).filter(|(a, b)| {
            (a[1] > y) != (b[1] > y) && x < a[0] + (y - a[1]) / (b[1] - a[1]) * (b[0] - a[0])
        });
        crossings.count() % 2 == 1
    }

    /// The cell that the picture shows at a point is the nearest of those that are there.
    #[test]
    fn the_last_cell_painted_at_a_point_is_the_nearest() {
        let mesh = mesh(61, |u, v| 0.5 + 0.3 * (9.0 * u).sin() * (7.0 * v).cos() - 0.2 * u * v);
        for azimuth in [-150.0, -90.0, -60.0, 0.0, 20.0, 120.0] {
            let view = Projection::new(azimuth, 25.0, &AREA);
            let cells: Vec<[usize; 2]> = far_to_near(&view, &mesh).collect();
            assert_eq!(cells.len(), 120 * 120);
            let outlines: Vec<Vec<Point>> =
                cells.iter().map(|&c| mesh.corners(c).iter().map(|&p| view.place(p)).collect()).collect();
            let nearness = |cell| mesh.corners(cell).iter().map(|&p| view.nearness(p)).sum::<f64>() / 4.0;
            let mut hidden = 0;
            for k in (0..cells.len()).step_by(331) {
                let middle = [0, 1].map(|d| outlines[k].iter().map(|p| p[d]).sum::<f64>() / 4.0);
                let there: Vec<usize> =
                    (0..cells.len()).filter(|&n| contains(&outlines[n], middle)).collect();
                // The middle of a cell seen edge-on may be beside it.
                let Some(&shown) = there.last() else {
                    continue;
                };
                hidden += usize::from(there.len() > 1);
                for &n in &there {
                    assert!(nearness(cells[shown]) >= nearness(cells[n]) - 0.02, "{azimuth}: {:?}", cells[n]);
                }
            }
            assert!(hidden > 2, "{azimuth}: {hidden}");
        }
    }

    #[test]
    fn a_wall_in_front_hides_what_is_behind() {
        // Seen from the low end of the second axis: a wall along v = 0.2, a bump behind it.
        let values =
            Array2::from_shape_fn((51, 51), |(_, j)| if j == 10 { 1.0 } else { f64::from(j == 14) * 0.4 });
        let u = axis(0.0, 1.0, 51);
        let mesh = Mesh::new(&u, &u, &values, 200);
        let view = Projection::new(-90.0, 20.0, &AREA);
        let order: Vec<[usize; 2]> = far_to_near(&view, &mesh).collect();
        let parts = mesh.slopes.ncols() / 50;
        let place = |j: usize| order.iter().position(|c| c[0] == 30 && c[1] == j * parts).unwrap();
        assert!(place(14) < place(10) && place(10) < place(9));
        // The bump's top is below the wall's in the picture, and so covered by it.
        assert!(view.place([0.5, 14.0 / 50.0, 0.4])[1] > view.place([0.5, 10.0 / 50.0, 1.0])[1]);
    }

    #[test]
    fn cells_are_split_where_the_range_ends() {
        let slope = [[0.0, 0.0, 0.5], [1.0, 0.0, 1.5], [1.0, 1.0, 1.5], [0.0, 1.0, 0.5]];
        let inside = clipped(&slope, 1.0, 1.0);
        assert_eq!(inside, [[0.0, 0.0, 0.5], [0.5, 0.0, 1.0], [0.5, 1.0, 1.0], [0.0, 1.0, 0.5]]);
        assert_eq!(clipped(&slope, 1.0, -1.0).len(), 4);
        assert!(clipped(&slope, 0.0, 1.0).is_empty());
        let flat = slope.map(|[u, v, _]| [u, v, 1.0]);
        assert_eq!((clipped(&flat, 1.0, 1.0).len(), clipped(&flat, 1.0, -1.0).len()), (4, 0));
        let floor = slope.map(|[u, v, _]| [u, v, 0.0]);
        assert_eq!((clipped(&floor, 0.0, -1.0).len(), clipped(&floor, 0.0, 1.0).len()), (4, 0));
    }

    fn areas(svg: &str) -> usize {
        let document = Document::parse(svg).unwrap();
        let surface = document.descendants().find(|n| n.has_tag_name("g")).unwrap();
        let data = surface.children().filter_map(|n| n.attribute("d"));
        data.map(|d| d.matches('M').count()).sum()
    }

    #[test]
    fn every_cell_is_one_area() {
        let x = axis(-1.0, 1.0, 21);
        let values = Array2::from_shape_fn((21, 21), |(i, j)| 1.0 + x[i] * x[i] + x[j] * x[j]);
        let mut figure = SurfaceFigure::new(&x, &x, values.view());
        assert_eq!(areas(&figure.to_svg().unwrap()), 140 * 140);
        // One missing point: four cells of 7 × 7 parts.
        figure.data.values[[4, 4]] = f64::NAN;
        assert_eq!(areas(&figure.to_svg().unwrap()), 140 * 140 - 4 * 49);
    }

    #[test]
    fn equal_ratios_are_equal_heights_on_a_logarithmic_scale() {
        let values = ndarray::array![[1.0, 10.0], [1.0, 100.0]];
        let field = PlaneValues::new(&[0.0, 1.0], &[0.0, 1.0], &values.view());
        let options = BandOptions { scale: Scale::Log, ..field.bands.clone() };
        let bands = Bands::resolve(field.extent(), &options).unwrap();
        let mesh =
            Mesh::new(&[0.0, 1.0], &[0.0, 1.0], &field.values.mapv(|v| Shades::fraction(&bands, v)), 200);
        let ends = [[0, 0], [0, 8], [8, 8]].map(|at| mesh.heights[at]);
        assert!(ends.iter().zip([0.0, 0.5, 1.0]).all(|(a, b)| (a - b).abs() < 1e-12), "{ends:?}");
    }

    #[test]
    fn files_stay_small() {
        let x = axis(-1.0, 1.0, 301);
        let rough =
            Array2::from_shape_fn((301, 301), |(i, j)| ((i * 7919 + j * 104_729) as f64 * 0.61803).fract());
        let svg = SurfaceFigure::new(&x, &x, rough.view()).height_range(0.2, 0.8).to_svg().unwrap();
        assert!(svg.len() < 5_000_000, "{}", svg.len());
    }
}
