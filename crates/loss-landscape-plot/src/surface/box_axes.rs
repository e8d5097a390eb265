//! The box around a surface: base and back walls with a light grid, and axes along its near edges.

use crate::{
    axis::Axis,
    geometry::{Point, Rect},
    surface::projection::Projection,
    svg::{INK, LABEL, PathData, Svg, TICK, Text},
};

const WALL: &str = "#f6f6f6";
const GRID: &str = "#dcdcdc";
const EDGE: &str = "#9a9a9a";
const TICK_LENGTH: f64 = 4.0;
/// From the edge to the numbers.
const NUMBER_OFFSET: f64 = 6.0;

/// Draws the base and the walls behind the surface.
pub(crate) fn draw_walls(svg: &mut Svg, view: &Projection, axes: &[Axis; 3]) {
    let [far_u, far_v] = view.high_is_near().map(|near| if near { 0.0 } else { 1.0 });
    let faces = [
        [[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [1.0, 1.0, 0.0], [0.0, 1.0, 0.0]],
        [[far_u, 0.0, 0.0], [far_u, 1.0, 0.0], [far_u, 1.0, 1.0], [far_u, 0.0, 1.0]],
        [[0.0, far_v, 0.0], [1.0, far_v, 0.0], [1.0, far_v, 1.0], [0.0, far_v, 1.0]],
    ];
    let mut walls = PathData::default();
    for face in faces {
        walls.polyline(&face.map(|corner| view.place(corner)), true);
    }
    let mut grid = PathData::default();
    let mut line = |points: [[f64; 3]; 3]| grid.polyline(&points.map(|p| view.place(p)), false);
    for (t, _) in axes[0].numbers() {
        line([[t, 1.0 - far_v, 0.0], [t, far_v, 0.0], [t, far_v, 1.0]]);
    }
    for (t, _) in axes[1].numbers() {
        line([[1.0 - far_u, t, 0.0], [far_u, t, 0.0], [far_u, t, 1.0]]);
    }
    for (t, _) in axes[2].numbers() {
        line([[1.0 - far_u, far_v, t], [far_u, far_v, t], [far_u, 1.0 - far_v, t]]);
    }
    svg.tag("path").attr("d", walls.as_str()).attr("fill", WALL).end();
    for (path, ink, width) in [(&grid, GRID, "0.6"), (&walls, EDGE, "0.6")] {
        let tag = svg.tag("path").attr("d", path.as_str()).attr("fill", "none");
        tag.attr("stroke", ink).attr("stroke-width", width).attr("stroke-linejoin", "round").end();
    }
}

/// The view in which the box and all that is written around it fill `area`.
pub(crate) fn fitted(
    [azimuth, elevation]: [f64; 2],
    area: &Rect,
    axes: &[Axis; 3],
    labels: [&str; 2],
) -> Projection {
    let mut inner = *area;
    // What is written moves with the box, and its size hardly changes: a few rounds are enough.
    for _ in 0..4 {
        let view = Projection::new(azimuth, elevation, &inner);
        let written = draw_axes(&mut Svg::default(), &view, axes, labels);
        let beyond = |f: &dyn Fn(&Rect) -> f64| written.iter().map(f).fold(0.0, f64::max);
        let (left, top) = (beyond(&|r| area.x - r.x), beyond(&|r| area.y - r.y));
        inner.width -= left + beyond(&|r| r.right() - area.right());
        inner.height -= top + beyond(&|r| r.bottom() - area.bottom());
        inner.width = inner.width.max(area.width / 3.0);
        inner.height = inner.height.max(area.height / 3.0);
        inner.x += left;
        inner.y += top;
    }
    Projection::new(azimuth, elevation, &inner)
}

/// Draws ticks, numbers and labels along the near edges of the base and the leftmost upright one, and returns
/// the boxes around what is written.
pub(crate) fn draw_axes(svg: &mut Svg, view: &Projection, axes: &[Axis; 3], labels: [&str; 2]) -> Vec<Rect> {
    let [near_u, near_v] = view.high_is_near().map(|near| if near { 1.0 } else { 0.0 });
    let direction = |from: [f64; 3], to: [f64; 3]| {
        let (a, b) = (view.place(from), view.place(to));
        unit([b[0] - a[0], b[1] - a[1]])
    };
    let out_u = direction([0.0, 1.0 - near_v, 0.0], [0.0, near_v, 0.0]).unwrap_or([0.0, 1.0]);
    let out_v = direction([1.0 - near_u, 0.0, 0.0], [near_u, 0.0, 0.0]).unwrap_or([0.0, 1.0]);
    let mut taken = Vec::new();
    draw_axis(svg, |t| view.place([t, near_v, 0.0]), &axes[0], out_u, labels[0], &mut taken);
    draw_axis(svg, |t| view.place([near_u, t, 0.0]), &axes[1], out_v, labels[1], &mut taken);
    let corners = [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]];
    let left = |c: &[f64; 2]| view.place([c[0], c[1], 0.0])[0];
    if let Some(&[u, v]) = corners.iter().min_by(|a, b| left(a).total_cmp(&left(b))) {
        draw_axis(svg, |t| view.place([u, v, t]), &axes[2], [-1.0, 0.0], "", &mut taken);
    }
    taken
}

/// An axis along the edge that `at` runs through from 0 to 1, written on the side of `out`, a unit vector.
/// Numbers that would cover one of `taken` are left out.
fn draw_axis(
    svg: &mut Svg,
    at: impl Fn(f64) -> Point,
    axis: &Axis,
    out: Point,
    label: &str,
    taken: &mut Vec<Rect>,
) {
    let (start, end) = (at(0.0), at(1.0));
    let length = (end[0] - start[0]).hypot(end[1] - start[1]);
    // An edge seen end-on has room for nothing.
    let Some(along) = unit([end[0] - start[0], end[1] - start[1]]).filter(|_| length > 30.0) else {
        return;
    };
    let away = |p: Point, by: f64| [p[0] + by * out[0], p[1] + by * out[1]];
    let mut path = PathData::default();
    path.polyline(&[start, end], false);
    let mut widest: f64 = 0.0;
    for (t, number) in axis.numbers() {
        let p = at(t);
        path.polyline(&[p, away(p, TICK_LENGTH)], false);
        let depth = out[0].abs() * number.width(TICK) + out[1].abs() * 0.8 * TICK;
        widest = widest.max(depth);
        let text = Text::new(away(p, NUMBER_OFFSET + depth / 2.0), number.clone());
        let bounds = text.bounds();
        let wide = Rect { x: bounds.x - 2.0, width: bounds.width + 4.0, ..bounds };
        if !taken.iter().any(|t| t.overlaps(&wide)) {
            taken.push(bounds);
            text.draw(svg);
        }
    }
    let tag = svg.tag("path").attr("d", path.as_str()).attr("fill", "none");
    tag.attr("stroke", INK).attr("stroke-width", "0.8").end();
    // How squarely the numbers stand away from the edge that the label runs along.
    let square = (along[0] * out[1] - along[1] * out[0]).abs().max(0.3);
    let middle = away(at(0.5), NUMBER_OFFSET + widest + 0.85 * LABEL / square);
    let mut turn = along[1].atan2(along[0]).to_degrees();
    if turn.abs() > 90.0 {
        turn -= 180.0_f64.copysign(turn);
    }
    // A single letter reads best upright.
    let turn = if label.chars().count() > 3 { turn } else { 0.0 };
    let text = Text::new(middle, label).size(LABEL).fit(0.9 * length).rotate(turn);
    taken.push(text.turned_bounds());
    text.draw(svg);
}

fn unit(v: Point) -> Option<Point> {
    let length = v[0].hypot(v[1]);
    (length > 1e-6).then(|| [v[0] / length, v[1] / length])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::texts;

    #[test]
    fn every_axis_has_numbers_unless_seen_end_on() {
        let area = Rect { x: 0.0, y: 0.0, width: 300.0, height: 300.0 };
        let axes =
            [Axis::new(0.0, 1.0, false, 5), Axis::new(2.0, 3.0, false, 5), Axis::new(10.0, 1e4, true, 5)];
        let written = |azimuth, elevation| {
            let mut svg = Svg::default();
            svg.tag("svg").open();
            draw_axes(&mut svg, &Projection::new(azimuth, elevation, &area), &axes, ["first", "second"]);
            texts(&svg.finish())
        };
        let shown = written(-60.0, 35.0);
        for text in ["first", "second", "0.5", "2.5", "1000", "104"] {
            assert!(shown.iter().any(|t| t == text), "{text}: {shown:?}");
        }
        let flat = written(-60.0, 90.0);
        assert!(!flat.iter().any(|t| t == "1000") && flat.iter().any(|t| t == "first"), "{flat:?}");
    }

    #[test]
    fn what_is_written_stays_inside_the_area() {
        let area = Rect { x: 10.0, y: 20.0, width: 320.0, height: 300.0 };
        let axes =
            [Axis::new(-1.0, 1.0, false, 5), Axis::new(2e-7, 3e-7, false, 5), Axis::new(0.1, 1e4, true, 5)];
        for azimuth in [-150.0, -90.0, -60.0, 0.0, 45.0, 90.0, 180.0] {
            for elevation in [5.0, 20.0, 45.0, 90.0] {
                let labels = ["the first direction", "the second direction"];
                let view = fitted([azimuth, elevation], &area, &axes, labels);
                let written = draw_axes(&mut Svg::default(), &view, &axes, labels);
                for r in &written {
                    let inside = r.x > 8.0 && r.right() < 332.0 && r.y > 18.0 && r.bottom() < 322.0;
                    assert!(inside, "{azimuth} {elevation}: {r:?}");
                }
                let numbers = &written[..written.len() - 1];
                assert!(numbers.len() >= 4);
            }
        }
    }
}
