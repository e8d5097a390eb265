//! Areas between two lines over the same coordinates, as far as they are inside a frame.

use crate::{
    geometry::{
        Point, Polyline, Rect,
        polyline::{clip_segment, thin},
    },
    svg::{PathData, Svg},
};

/// Fills the area between two edges of the same length, with a gap where one of them is NaN in
/// height.
pub(crate) fn draw(svg: &mut Svg, upper: &[Point], lower: &[Point], frame: &Rect, color: &str, opacity: f64) {
    let mut path = PathData::default();
    let edges: Vec<[Point; 2]> = upper.iter().zip(lower).map(|(&u, &l)| [u, l]).collect();
    for run in edges.split(|[u, l]| u[1].is_nan() || l[1].is_nan()).filter(|run| run.len() > 1) {
        let mut outline = Vec::new();
        for edge in 0..2 {
            let line: Vec<Point> = run.iter().map(|pair| pair[edge]).collect();
            let mut line = thin(&Polyline { points: clamped(&line, frame), closed: false }, 0.03).points;
            if edge == 1 {
                line.reverse();
            }
            outline.append(&mut line);
        }
        path.polyline(&outline, true);
    }
    if !path.is_empty() {
        svg.tag("path").attr("d", path.as_str()).attr("fill", color).num("fill-opacity", opacity).end();
    }
}

/// The line where it is inside the frame, the edge of the frame where it is above or below.
fn clamped(line: &[Point], frame: &Rect) -> Vec<Point> {
    let (top, bottom) = (frame.y, frame.bottom());
    let clamp = |p: Point| [p[0], p[1].clamp(top, bottom)];
    let mut points: Vec<Point> = line.iter().take(1).map(|&p| clamp(p)).collect();
    for w in line.windows(2) {
        let (a, b) = (w[0], w[1]);
        if let Some((start, end)) = clip_segment(a[1], b[1], top, bottom) {
            let at = |t: f64| clamp([a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1])]);
            points.extend([at(start), at(end)]);
        }
        points.push(clamp(b));
    }
    points
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: Rect = Rect { x: 0.0, y: 0.0, width: 10.0, height: 10.0 };

    fn filled(upper: &[Point], lower: &[Point]) -> String {
        let mut svg = Svg::default();
        draw(&mut svg, upper, lower, &FRAME, "#000", 0.5);
        svg.finish()
    }

    #[test]
    fn lines_leave_along_the_edge_of_the_frame() {
        let line = clamped(&[[0.0, 5.0], [2.0, -5.0], [4.0, 5.0]], &FRAME);
        assert!(line.contains(&[1.0, 0.0]) && line.contains(&[3.0, 0.0]), "{line:?}");
        assert!(line.iter().all(|p| (0.0..=10.0).contains(&p[1])));
    }

    #[test]
    fn areas_are_closed_and_interrupted_by_gaps() {
        let at =
            |heights: [f64; 5]| -> Vec<Point> { (0..).map(f64::from).zip(heights).map(Into::into).collect() };
        let base = at([8.0; 5]);
        let svg = filled(&at([4.0; 5]), &base);
        assert!(svg.contains("d=\"M0 4l4 0 0 4-4 0z\""), "{svg}");
        let svg = filled(&at([4.0, 4.0, f64::NAN, 4.0, 4.0]), &base);
        assert!(svg.contains("d=\"M0 4l1 0 0 4-1 0zM3 4l1 0 0 4-1 0z\""), "{svg}");
        assert!(filled(&at([f64::NAN; 5]), &base).is_empty());
    }
}
