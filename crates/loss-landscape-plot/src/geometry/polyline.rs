//! Operations on polylines: thinning, resampling by arc length, cutting out a stretch, clipping.

use super::shapes::Point;

/// Consecutive points of a line; in a closed one the last point connects to the first.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Polyline {
    pub(crate) points: Vec<Point>,
    pub(crate) closed: bool,
}

/// Drops points, keeping every dropped one within about `tolerance` of the line that remains.
/// Linear in the number of points.
pub(crate) fn thin(line: &Polyline, tolerance: f64) -> Polyline {
    if line.points.len() < 3 {
        return line.clone();
    }
    let mut points = line.points.clone();
    if line.closed {
        points.push(points[0]);
    }
    let mut anchor = points[0];
    let mut kept = Vec::new();
    kept.push(anchor);
    let mut previous = anchor;
    // Directions from the anchor that pass within the tolerance of every point since.
    let mut cone: Option<(f64, f64)> = None;
    let mut reach = 0.0;
    for &point in &points[1..] {
        let mut offset = [point[0] - anchor[0], point[1] - anchor[1]];
        let mut distance = offset[0].hypot(offset[1]);
        let outside = cone.is_some_and(|(mid, half)| {
            distance < reach || turn(offset[1].atan2(offset[0]) - mid).abs() > half
        });
        if outside {
            kept.push(previous);
            anchor = previous;
            offset = [point[0] - anchor[0], point[1] - anchor[1]];
            distance = offset[0].hypot(offset[1]);
            cone = None;
            reach = 0.0;
        }
        if distance > tolerance {
            let (angle, half) = (offset[1].atan2(offset[0]), (tolerance / distance).asin());
            cone = Some(match cone {
                None => (angle, half),
                Some((mid, old)) => {
                    let shift = turn(angle - mid);
                    let (low, high) = ((-old).max(shift - half), old.min(shift + half));
                    (mid + f64::midpoint(low, high), (high - low) / 2.0)
                }
            });
            reach = distance;
        }
        previous = point;
    }
    kept.push(previous);
    if line.closed {
        kept.pop();
    }
    Polyline { points: kept, closed: line.closed }
}

/// Points every `step` pixels along the line, starting at its first point.
pub(crate) fn resample(line: &Polyline, step: f64) -> Vec<Point> {
    let mut samples = Vec::new();
    let mut next = 0.0;
    let mut walked = 0.0;
    for (a, b) in segments(line) {
        let length = distance(a, b);
        while next <= walked + length && length > 0.0 {
            let t = (next - walked) / length;
            samples.push([a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1])]);
            next += step;
        }
        walked += length;
    }
    samples
}

/// Length in pixels.
pub(crate) fn length(line: &Polyline) -> f64 {
    segments(line).map(|(a, b)| distance(a, b)).sum()
}

/// What remains of the line without the stretch between arc lengths `from` and `to`. On a closed
/// line these may be outside 0 to the length, and are taken around it.
pub(crate) fn cut(line: &Polyline, from: f64, to: f64) -> Vec<Polyline> {
    if !line.closed {
        return [part(line, 0.0, from), part(line, to, f64::INFINITY)]
            .into_iter()
            .filter(|p| p.points.len() > 1)
            .collect();
    }
    let total = length(line);
    // Twice around, so that the remaining stretch is contiguous.
    let mut points = line.points.clone();
    points.extend(&line.points);
    points.extend(line.points.first());
    let twice = Polyline { points, closed: false };
    let start = to.rem_euclid(total);
    vec![part(&twice, start, start + total - (to - from))]
}

/// The stretch of an open line between two arc lengths.
fn part(line: &Polyline, from: f64, to: f64) -> Polyline {
    let mut points = Vec::new();
    let mut walked = 0.0;
    for (a, b) in segments(line) {
        let length = distance(a, b);
        let (start, end) = (walked, walked + length);
        walked = end;
        if end <= from || start >= to || length == 0.0 {
            continue;
        }
        let at = |s: f64| {
            let t = ((s - start) / length).clamp(0.0, 1.0);
            [a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1])]
        };
        if points.is_empty() {
            points.push(at(from));
        }
        points.push(at(to));
    }
    Polyline { points, closed: false }
}

/// The part of the segment from `a` to `b` that is between `lo` and `hi`.
pub(crate) fn clip_segment(a: f64, b: f64, lo: f64, hi: f64) -> Option<(f64, f64)> {
    if (b - a).abs() < f64::MIN_POSITIVE {
        return (a >= lo && a <= hi).then_some((0.0, 1.0));
    }
    let (t1, t2) = ((lo - a) / (b - a), (hi - a) / (b - a));
    let (start, end) = (t1.min(t2).max(0.0), t1.max(t2).min(1.0));
    (start < end).then_some((start, end))
}

fn segments(line: &Polyline) -> impl Iterator<Item = (Point, Point)> + '_ {
    let back = match (line.closed, line.points.first(), line.points.last()) {
        (true, Some(&first), Some(&last)) => Some((last, first)),
        _ => None,
    };
    line.points.windows(2).map(|w| (w[0], w[1])).chain(back)
}

fn distance(a: Point, b: Point) -> f64 {
    (b[0] - a[0]).hypot(b[1] - a[1])
}

/// An angle brought to -π to π.
fn turn(angle: f64) -> f64 {
    use std::f64::consts::{PI, TAU};
    (angle + PI).rem_euclid(TAU) - PI
}

#[cfg(test)]
mod tests {
    use super::*;

    fn circle(n: u32, radius: f64) -> Polyline {
        let points = (0..n)
            .map(|k| {
                let a = std::f64::consts::TAU * f64::from(k) / f64::from(n);
                [radius * a.cos(), radius * a.sin()]
            })
            .collect();
        Polyline { points, closed: true }
    }

    #[test]
    fn thinning_stays_within_the_tolerance() {
        let full = circle(5000, 100.0);
        let thin = thin(&full, 0.05);
        assert!(thin.points.len() < 300, "{}", thin.points.len());
        for (a, b) in segments(&thin) {
            let mid = [f64::midpoint(a[0], b[0]), f64::midpoint(a[1], b[1])];
            assert!((mid[0].hypot(mid[1]) - 100.0).abs() < 0.11);
        }
    }

    #[test]
    fn thinning_keeps_corners_and_reversals() {
        let line = Polyline {
            points: vec![[0.0, 0.0], [1.0, 0.0], [2.0, 0.0], [1.0, 0.0], [1.0, 3.0]],
            closed: false,
        };
        assert_eq!(thin(&line, 0.01).points, [[0.0, 0.0], [2.0, 0.0], [1.0, 0.0], [1.0, 3.0]]);
    }

    #[test]
    fn cutting_removes_exactly_the_stretch() {
        let ring = circle(360, 10.0);
        let total = length(&ring);
        for from in [-3.0, 5.0, total - 2.0] {
            let rest = cut(&ring, from, from + 6.0);
            assert_eq!(rest.len(), 1);
            assert!((length(&rest[0]) - (total - 6.0)).abs() < 1e-9);
        }
        let line = Polyline { points: vec![[0.0, 0.0], [10.0, 0.0]], closed: false };
        let rest = cut(&line, 4.0, 7.0);
        assert_eq!(rest[0].points, [[0.0, 0.0], [4.0, 0.0]]);
        assert_eq!(rest[1].points, [[7.0, 0.0], [10.0, 0.0]]);
    }

    #[test]
    fn segments_are_clipped_to_the_range() {
        assert_eq!(clip_segment(0.0, 10.0, 2.0, 5.0), Some((0.2, 0.5)));
        assert_eq!(clip_segment(10.0, 0.0, 2.0, 5.0), Some((0.5, 0.8)));
        assert_eq!(clip_segment(6.0, 10.0, 2.0, 5.0), None);
        assert_eq!(clip_segment(3.0, 3.0, 2.0, 5.0), Some((0.0, 1.0)));
    }

    #[test]
    fn samples_are_evenly_spaced() {
        let line = Polyline { points: vec![[0.0, 0.0], [3.0, 0.0], [3.0, 4.0]], closed: false };
        let samples = resample(&line, 2.0);
        assert_eq!(samples, [[0.0, 0.0], [2.0, 0.0], [3.0, 1.0], [3.0, 3.0]]);
    }
}
