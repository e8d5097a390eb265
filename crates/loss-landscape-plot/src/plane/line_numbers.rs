//! Placing numbers on contour lines.

use crate::geometry::{
    Point, Polyline, Rect,
    polyline::{length, resample},
};

/// Distance between the points of a line that are considered, in pixels.
const STEP: f64 = 2.0;
/// Gap between the ends of a number and its line.
const GAP: f64 = 2.5;
/// Free space kept between a number and other numbers, the frame, and other lines.
const CLEAR_LABELS: f64 = 5.0;
const CLEAR_FRAME: f64 = 3.0;
const CLEAR_LINES: f64 = 0.5;
/// How far a line may bend away from the straight number on it, in pixels.
const BEND: f64 = 3.4;
/// Most numbers per level.
const PER_LEVEL: usize = 3;

/// A line that wants a number.
#[derive(Debug)]
pub(crate) struct Candidate<'a> {
    pub(crate) line: &'a Polyline,
    /// Lines of one level share its index.
    pub(crate) level: usize,
    /// Width and height of the number in pixels.
    pub(crate) size: [f64; 2],
}

/// Where a number goes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Placement {
    /// Index of the candidate.
    pub(crate) candidate: usize,
    pub(crate) center: Point,
    /// Degrees clockwise, within -90 to 90: upright.
    pub(crate) angle: f64,
    /// The stretch of the line to leave out, in arc length.
    pub(crate) gap: [f64; 2],
}

/// A rotated rectangle.
#[derive(Clone, Copy, Debug)]
struct NumberBox {
    center: Point,
    /// Unit vector along the width.
    along: Point,
    /// Half width and half height.
    half: Point,
}

/// Points of all lines, in square buckets.
struct Crowd {
    frame: Rect,
    columns: usize,
    buckets: Vec<Vec<(usize, usize, Point)>>,
}

const BUCKET: f64 = 8.0;

/// Chooses places for numbers, at most three per level on its longest lines: where the line is
/// straight and near horizontal, clear of the frame, of `obstacles`, of other lines and of numbers
/// placed before. Lines without such a place get none.
pub(crate) fn place(candidates: &[Candidate<'_>], frame: &Rect, obstacles: &[Rect]) -> Vec<Placement> {
    let samples: Vec<Vec<Point>> = candidates.iter().map(|c| resample(c.line, STEP)).collect();
    let crowd = Crowd::new(frame, &samples);
    let mut taken: Vec<NumberBox> = obstacles.iter().map(NumberBox::from_rect).collect();
    let mut placements = Vec::new();
    for index in order(candidates) {
        if let Some((placement, tile)) =
            best_place(index, &candidates[index], &samples[index], frame, &crowd, &taken)
        {
            taken.push(tile);
            placements.push(placement);
        }
    }
    placements
}

/// The candidates to serve: short lines first, which have the least choice.
fn order(candidates: &[Candidate<'_>]) -> Vec<usize> {
    let mut lengths: Vec<(usize, f64)> = candidates
        .iter()
        .map(|c| length(c.line))
        .enumerate()
        .filter(|&(k, length)| length > 2.2 * candidates[k].size[0] + 2.0 * GAP)
        .collect();
    lengths.sort_by(|a, b| b.1.total_cmp(&a.1));
    let mut count = vec![0; candidates.iter().map(|c| c.level + 1).max().unwrap_or(0)];
    lengths.retain(|&(k, _)| {
        count[candidates[k].level] += 1;
        count[candidates[k].level] <= PER_LEVEL
    });
    lengths.into_iter().rev().map(|(k, _)| k).collect()
}

fn best_place(
    index: usize,
    candidate: &Candidate<'_>,
    samples: &[Point],
    frame: &Rect,
    crowd: &Crowd,
    taken: &[NumberBox],
) -> Option<(Placement, NumberBox)> {
    let [width, height] = candidate.size;
    let reach = ((width / 2.0 + GAP) / STEP).ceil() as usize;
    let n = samples.len();
    let closed = candidate.line.closed;
    let centers = if closed { 0..n } else { reach..n.saturating_sub(reach) };
    let mut best: Option<(f64, Placement, NumberBox)> = None;
    for center in centers {
        let at = |k: usize| samples[(center + n + k - reach) % n];
        let (a, b) = (at(0), at(2 * reach));
        let chord = [b[0] - a[0], b[1] - a[1]];
        let chord_length = chord[0].hypot(chord[1]);
        if chord_length < 0.9 * (2 * reach) as f64 * STEP {
            continue;
        }
        // Upright: reading direction to the right.
        let sign = if chord[0] < 0.0 { -1.0 } else { 1.0 };
        let along = chord.map(|c| sign * c / chord_length);
        let offsets: Vec<f64> =
            (0..=2 * reach).map(|k| cross(along, [at(k)[0] - a[0], at(k)[1] - a[1]])).collect();
        let (low, high) = offsets.iter().fold((f64::MAX, f64::MIN), |(l, h), &o| (l.min(o), h.max(o)));
        let bend = high - low;
        if bend > BEND {
            continue;
        }
        // Midway between the extremes of the bend, so that the number sits on the line.
        let shift = f64::midpoint(low, high);
        let middle = [f64::midpoint(a[0], b[0]), f64::midpoint(a[1], b[1])];
        let tile = NumberBox {
            center: [middle[0] - along[1] * shift, middle[1] + along[0] * shift],
            along,
            half: [width / 2.0, height / 2.0],
        };
        let angle = along[1].atan2(along[0]).to_degrees();
        let score = bend + angle.abs() / 60.0;
        if best.as_ref().is_some_and(|(s, ..)| *s <= score)
            || !tile.grown(CLEAR_FRAME).inside(frame)
            || taken.iter().any(|t| t.overlaps(&tile.grown(CLEAR_LABELS)))
            || crowd.crosses(&tile.grown(CLEAR_LINES), |line, k| {
                let away = (k + n - center) % n.max(1);
                line == index && (away <= reach + 1 || (n - away) <= reach + 1)
            })
        {
            continue;
        }
        let arc = center as f64 * STEP;
        let placement = Placement {
            candidate: index,
            center: tile.center,
            angle,
            gap: [arc - width / 2.0 - GAP, arc + width / 2.0 + GAP],
        };
        best = Some((score, placement, tile));
    }
    best.map(|(_, placement, tile)| (placement, tile))
}

impl NumberBox {
    fn from_rect(rect: &Rect) -> Self {
        Self {
            center: [rect.x + rect.width / 2.0, rect.y + rect.height / 2.0],
            along: [1.0, 0.0],
            half: [rect.width / 2.0, rect.height / 2.0],
        }
    }

    fn grown(&self, by: f64) -> Self {
        Self { half: self.half.map(|h| h + by), ..*self }
    }

    fn corners(&self) -> [Point; 4] {
        let [ux, uy] = self.along;
        [(1.0, 1.0), (-1.0, 1.0), (-1.0, -1.0), (1.0, -1.0)].map(|(a, b)| {
            let (a, b) = (a * self.half[0], b * self.half[1]);
            [self.center[0] + a * ux - b * uy, self.center[1] + a * uy + b * ux]
        })
    }

    fn contains(&self, point: Point) -> bool {
        let d = [point[0] - self.center[0], point[1] - self.center[1]];
        let (a, b) = (self.along[0] * d[0] + self.along[1] * d[1], cross(self.along, d));
        a.abs() <= self.half[0] && b.abs() <= self.half[1]
    }

    fn inside(&self, frame: &Rect) -> bool {
        self.corners().into_iter().all(|c| frame.contains(c))
    }

    /// Separating-axis test.
    fn overlaps(&self, other: &Self) -> bool {
        let axes =
            [self.along, [-self.along[1], self.along[0]], other.along, [-other.along[1], other.along[0]]];
        let (mine, theirs) = (self.corners(), other.corners());
        axes.into_iter().all(|axis| {
            let span = |corners: &[Point; 4]| {
                corners
                    .iter()
                    .map(|c| c[0] * axis[0] + c[1] * axis[1])
                    .fold((f64::MAX, f64::MIN), |(l, h), p| (l.min(p), h.max(p)))
            };
            let ((l1, h1), (l2, h2)) = (span(&mine), span(&theirs));
            l1 < h2 && l2 < h1
        })
    }
}

impl Crowd {
    fn new(frame: &Rect, samples: &[Vec<Point>]) -> Self {
        let columns = (frame.width / BUCKET) as usize + 1;
        let rows = (frame.height / BUCKET) as usize + 1;
        let mut crowd = Self { frame: *frame, columns, buckets: vec![Vec::new(); columns * rows] };
        for (line, points) in samples.iter().enumerate() {
            for (k, &point) in points.iter().enumerate() {
                let [column, row] = crowd.bucket(point);
                if let Some(bucket) = crowd.buckets.get_mut(row * columns + column) {
                    bucket.push((line, k, point));
                }
            }
        }
        crowd
    }

    fn bucket(&self, [x, y]: Point) -> [usize; 2] {
        let column = ((x - self.frame.x) / BUCKET).max(0.0) as usize;
        [column.min(self.columns - 1), ((y - self.frame.y) / BUCKET).max(0.0) as usize]
    }

    /// Whether a line passes through the tile, apart from the points that `own` accepts.
    fn crosses(&self, tile: &NumberBox, own: impl Fn(usize, usize) -> bool) -> bool {
        let corners = tile.corners().map(|c| self.bucket(c));
        let [left, top] = [0, 1].map(|d| corners.iter().map(|c| c[d]).min().unwrap_or(0));
        let [right, bottom] = [0, 1].map(|d| corners.iter().map(|c| c[d]).max().unwrap_or(0));
        (top..=bottom).any(|row| {
            (left..=right).any(|column| {
                self.buckets.get(row * self.columns + column).is_some_and(|bucket| {
                    bucket.iter().any(|&(line, k, point)| tile.contains(point) && !own(line, k))
                })
            })
        })
    }
}

fn cross(a: Point, b: Point) -> f64 {
    a[0] * b[1] - a[1] * b[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: Rect = Rect { x: 0.0, y: 0.0, width: 200.0, height: 200.0 };

    fn ring(radius: f64) -> Polyline {
        let points = (0..180)
            .map(|k| {
                let a = f64::from(2 * k).to_radians();
                [100.0 + radius * a.cos(), 100.0 + radius * a.sin()]
            })
            .collect();
        Polyline { points, closed: true }
    }

    fn candidates(lines: &[Polyline]) -> Vec<Candidate<'_>> {
        lines.iter().enumerate().map(|(level, line)| Candidate { line, level, size: [16.0, 7.0] }).collect()
    }

    #[test]
    fn nested_rings_get_one_upright_label_each_without_overlap() {
        let lines: Vec<Polyline> = (2..8).map(|k| ring(12.0 * f64::from(k))).collect();
        let placed = place(&candidates(&lines), &FRAME, &[]);
        assert_eq!(placed.len(), lines.len());
        for (n, a) in placed.iter().enumerate() {
            assert!(a.angle.abs() <= 90.0);
            let radius = 12.0 * (a.candidate as f64 + 2.0);
            let r = (a.center[0] - 100.0).hypot(a.center[1] - 100.0);
            assert!((r - radius).abs() < 2.0, "label off its line: {r} {radius}");
            for b in &placed[..n] {
                let d = (a.center[0] - b.center[0]).hypot(a.center[1] - b.center[1]);
                assert!(d > 7.0);
            }
        }
    }

    #[test]
    fn lines_too_short_or_too_crowded_get_none() {
        assert!(place(&candidates(&[ring(3.0)]), &FRAME, &[]).is_empty());
        let dense: Vec<Polyline> = (0..20).map(|k| ring(60.0 + f64::from(k))).collect();
        assert!(place(&candidates(&dense), &FRAME, &[]).len() <= 2);
    }

    #[test]
    fn obstacles_and_the_frame_are_avoided() {
        let line = Polyline { points: vec![[0.0, 100.0], [200.0, 100.0]], closed: false };
        let lines = [line];
        let wall = Rect { x: 0.0, y: 90.0, width: 120.0, height: 20.0 };
        let placed = place(&candidates(&lines), &FRAME, &[wall]);
        assert!(placed[0].center[0] > 120.0 + 8.0);
        assert!(placed[0].center[0] < 200.0 - 8.0);
        let all = Rect { width: 200.0, ..wall };
        assert!(place(&candidates(&lines), &FRAME, &[all]).is_empty());
    }
}
