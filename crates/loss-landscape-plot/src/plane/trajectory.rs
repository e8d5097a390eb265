//! The path of a training over two directions: points joined by a line.

use crate::{
    Error, Result, caption,
    geometry::{
        Point, Polyline, Rect,
        polyline::{clip_segment, resample},
    },
    svg::{Anchor, Label, PathData, Svg, Text},
};

/// Ink of the line, and of what sets it off from any ground.
const INK: &str = "#111";
const CASING: &str = "#fff";
/// Most points that get a dot each.
const MOST_DOTS: usize = 120;
const LABEL: f64 = 9.5;
/// From a point to its label.
const OFFSET: f64 = 7.0;
/// Distance between the boxes along the line that numbers must keep out of.
const STEP: f64 = 5.0;

/// Points in data coordinates, and the labels of some.
#[derive(Clone, Debug)]
pub(crate) struct Trajectory {
    pub(crate) x: Vec<f64>,
    pub(crate) y: Vec<f64>,
    pub(crate) labels: Vec<(usize, String)>,
}

/// A trajectory in pixels, as far as it is inside a frame.
#[derive(Debug)]
pub(crate) struct PlacedTrajectory<'a> {
    pieces: Vec<Vec<Point>>,
    dots: Vec<Point>,
    start: Option<Point>,
    end: Option<Point>,
    labels: Vec<Text<'a>>,
}

impl Trajectory {
    /// Checks that each point has two coordinates and each label a point.
    pub(crate) fn check(&self) -> Result<()> {
        let (len, expected) = (self.y.len(), self.x.len());
        if len != expected {
            return Err(Error::Length {
                what: "second coordinate of the trajectory".to_owned(),
                len,
                expected,
            });
        }
        if len == 0 {
            return Err(Error::Empty { what: "points on a trajectory" });
        }
        match self.labels.iter().find(|(index, _)| *index >= len) {
            Some((index, label)) => Err(Error::TrajectoryLabel { label: label.clone(), index: *index, len }),
            None => Ok(()),
        }
    }

    fn points(&self) -> impl Iterator<Item = [f64; 2]> + '_ {
        self.x.iter().zip(&self.y).map(|(&x, &y)| [x, y])
    }

    /// What of it is not drawn.
    pub(crate) fn notes(&self, inside: impl Fn(f64, f64) -> bool) -> Vec<String> {
        let finite = |p: &[f64; 2]| p.iter().all(|v| v.is_finite());
        let away = self.points().filter(|p| finite(p) && !inside(p[0], p[1])).count();
        let note = |count, what| caption::note(count, self.x.len(), "trajectory points", what);
        let missing = self.points().filter(|p| !finite(p)).count();
        [note(away, "outside the axes"), note(missing, "not finite")].into_iter().flatten().collect()
    }

    /// The trajectory inside `frame`, where `at` gives the pixel of a position. Labels keep out of
    /// `taken`, as far as there is room, and are added to it.
    pub(crate) fn lay_out<'a>(
        &self,
        at: impl Fn([f64; 2]) -> Point,
        frame: &Rect,
        taken: &mut Vec<Rect>,
    ) -> PlacedTrajectory<'a> {
        let points: Vec<Option<Point>> =
            self.points().map(|p| p.iter().all(|v| v.is_finite()).then(|| at(p))).collect();
        let shown = |p: Option<&Option<Point>>| p.copied().flatten().filter(|&p| frame.contains(p));
        let pieces = pieces(&points, frame);
        let (start, end) = (shown(points.first()), shown(points.last()));
        let mut dots = Vec::new();
        if points.len() <= MOST_DOTS {
            dots.extend(points.iter().filter_map(|p| shown(Some(p))));
        }
        for piece in &pieces {
            let line = Polyline { points: piece.clone(), closed: false };
            taken.extend(resample(&line, STEP).into_iter().map(|p| square(p, 1.5)));
        }
        taken.extend(start.into_iter().chain(end).map(|p| square(p, 5.0)));
        let labels = self
            .labels
            .iter()
            .filter(|(_, label)| !label.is_empty())
            .filter_map(|(index, label)| Some(place(label, shown(points.get(*index))?, frame, taken)))
            .collect();
        PlacedTrajectory { pieces, dots, start, end, labels }
    }
}

impl PlacedTrajectory<'_> {
    pub(crate) fn draw(self, svg: &mut Svg) {
        let mut path = PathData::default();
        for piece in &self.pieces {
            path.polyline(piece, false);
        }
        for (ink, width) in [(CASING, "3.4"), (INK, "1.5")] {
            if !path.is_empty() {
                svg.tag("path")
                    .attr("d", path.as_str())
                    .attr("fill", "none")
                    .attr("stroke", ink)
                    .attr("stroke-width", width)
                    .attr("stroke-linejoin", "round")
                    .attr("stroke-linecap", "round")
                    .end();
            }
        }
        for [x, y] in self.dots {
            svg.tag("circle").num("cx", x).num("cy", y).attr("r", "1.7").attr("fill", INK).end();
        }
        if let Some([x, y]) = self.start {
            let ring = svg.tag("circle").num("cx", x).num("cy", y).attr("r", "3.6");
            ring.attr("fill", CASING).attr("stroke", INK).attr("stroke-width", "1.6").end();
        }
        if let Some([x, y]) = self.end {
            let mut diamond = PathData::default();
            diamond.polyline(&[[x, y - 5.2], [x + 5.2, y], [x, y + 5.2], [x - 5.2, y]], true);
            let tag = svg.tag("path").attr("d", diamond.as_str()).attr("fill", INK);
            tag.attr("stroke", CASING).attr("stroke-width", "1.2").end();
        }
        for label in self.labels {
            label.draw(svg);
        }
    }
}

/// The line inside the frame, interrupted where a point is missing.
fn pieces(points: &[Option<Point>], frame: &Rect) -> Vec<Vec<Point>> {
    let mut pieces: Vec<Vec<Point>> = Vec::new();
    for pair in points.windows(2) {
        let (Some(a), Some(b)) = (pair[0], pair[1]) else {
            continue;
        };
        let across = clip_segment(a[0], b[0], frame.x, frame.right());
        let down = clip_segment(a[1], b[1], frame.y, frame.bottom());
        let (Some(across), Some(down)) = (across, down) else {
            continue;
        };
        let (from, to) = (across.0.max(down.0), across.1.min(down.1));
        if from >= to {
            continue;
        }
        let at = |t: f64| [a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1])];
        let (start, end) = (if from == 0.0 { a } else { at(from) }, if to == 1.0 { b } else { at(to) });
        match pieces.last_mut() {
            Some(piece) if piece.last() == Some(&start) => piece.push(end),
            _ => pieces.push(vec![start, end]),
        }
    }
    pieces
}

fn square([x, y]: Point, half: f64) -> Rect {
    Rect { x: x - half, y: y - half, width: 2.0 * half, height: 2.0 * half }
}

/// The label beside its point, on the side where it covers least.
fn place<'a>(label: &str, [x, y]: Point, frame: &Rect, taken: &mut Vec<Rect>) -> Text<'a> {
    let far = OFFSET + 2.0;
    let sides = [
        (OFFSET, 0.0, Anchor::Start),
        (-OFFSET, 0.0, Anchor::End),
        (5.0, -far, Anchor::Start),
        (5.0, far, Anchor::Start),
        (-5.0, -far, Anchor::End),
        (-5.0, far, Anchor::End),
        (0.0, -far - 3.0, Anchor::Middle),
        (0.0, far + 3.0, Anchor::Middle),
    ];
    let candidates = sides.map(|(dx, dy, anchor)| {
        let text = Text::new([x + dx, y + dy], Label::from(label)).size(LABEL).anchor(anchor);
        let bounds = text.bounds();
        let corners = [[bounds.x, bounds.y], [bounds.right(), bounds.bottom()]];
        let outside = corners.iter().filter(|&&corner| !frame.contains(corner)).count();
        let hidden: f64 = taken.iter().map(|t| common_area(t, &bounds)).sum();
        (1e4 * outside as f64 + hidden, text.fill("#000").halo("#fff"))
    });
    let [first, rest @ ..] = candidates;
    let best = rest.into_iter().fold(first, |best, next| if next.0 < best.0 { next } else { best });
    let text = best.1.within(frame.x + 2.0, frame.right() - 2.0);
    taken.push(text.bounds());
    text
}

fn common_area(a: &Rect, b: &Rect) -> f64 {
    let width = a.right().min(b.right()) - a.x.max(b.x);
    let height = a.bottom().min(b.bottom()) - a.y.max(b.y);
    width.max(0.0) * height.max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: Rect = Rect { x: 0.0, y: 0.0, width: 100.0, height: 100.0 };

    fn trajectory(points: &[[f64; 2]]) -> Trajectory {
        let (x, y) = points.iter().map(|p| (p[0], p[1])).unzip();
        Trajectory { x, y, labels: Vec::new() }
    }

    #[test]
    fn lines_end_at_the_frame_and_at_missing_points() {
        let path = trajectory(&[
            [50.0, 50.0],
            [150.0, 50.0],
            [50.0, 90.0],
            [f64::NAN, 1.0],
            [10.0, 10.0],
            [20.0, 10.0],
        ]);
        let path = path.lay_out(|p| p, &FRAME, &mut Vec::new());
        assert_eq!(
            path.pieces,
            [
                vec![[50.0, 50.0], [100.0, 50.0]],
                vec![[100.0, 70.0], [50.0, 90.0]],
                vec![[10.0, 10.0], [20.0, 10.0]]
            ]
        );
        assert_eq!((path.start, path.end, path.dots.len()), (Some([50.0, 50.0]), Some([20.0, 10.0]), 4));
    }

    #[test]
    fn a_line_may_cross_the_frame_between_two_points_outside() {
        let path = trajectory(&[[-50.0, 50.0], [150.0, 50.0], [150.0, 200.0]]);
        let notes = path.notes(|x, y| FRAME.contains([x, y]));
        assert_eq!(notes, ["3 of 3 trajectory points outside the axes"]);
        let path = path.lay_out(|p| p, &FRAME, &mut Vec::new());
        assert_eq!(path.pieces, [vec![[0.0, 50.0], [100.0, 50.0]]]);
        assert!(path.start.is_none() && path.end.is_none() && path.dots.is_empty());
    }

    #[test]
    fn labels_turn_to_the_free_side_and_stay_inside() {
        let mut path = trajectory(&[[90.0, 50.0], [95.0, 50.0]]);
        path.labels = vec![(1, "epoch 100".to_owned()), (0, "start".to_owned())];
        let mut taken = Vec::new();
        let path = path.lay_out(|p| p, &FRAME, &mut taken);
        let boxes: Vec<Rect> = path.labels.iter().map(Text::bounds).collect();
        assert!(boxes.iter().all(|b| b.x >= 0.0 && b.right() <= 100.0), "{boxes:?}");
        assert!(!boxes[0].overlaps(&boxes[1]), "{boxes:?}");
        assert!(taken.contains(&boxes[0]));
    }

    #[test]
    fn what_has_no_point_is_refused() {
        assert!(matches!(trajectory(&[]).check(), Err(Error::Empty { .. })));
        let mut path = trajectory(&[[0.0, 0.0]]);
        assert!(path.check().is_ok());
        path.labels.push((1, "later".to_owned()));
        assert!(matches!(path.check(), Err(Error::TrajectoryLabel { index: 1, len: 1, .. })));
        path.y.push(3.0);
        assert!(matches!(path.check(), Err(Error::Length { len: 2, expected: 1, .. })));
    }
}
