//! Where evenly spaced parallel lines run inside an area.

use crate::geometry::Point;

/// Chords nearer than this, in pixels, are one: the areas of neighbouring cells meet there.
const SEAM: f64 = 0.02;

/// Evenly spaced lines over the whole plane.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lines {
    /// Unit vector across the lines.
    pub(crate) normal: [f64; 2],
    /// Distance of neighbours.
    pub(crate) spacing: f64,
    /// Distance of one of them from the origin.
    pub(crate) offset: f64,
}

/// What lies inside rings that overlap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Inside {
    /// What an odd number of them encloses: a ring inside another is a hole.
    Odd,
    /// What any of them encloses, if all run in one sense.
    Any,
}

impl Lines {
    /// The parts of the lines inside the rings, line by line, each from end to end along the line.
    pub(crate) fn chords<'a>(
        &self,
        rings: impl IntoIterator<Item = &'a [Point]>,
        inside: Inside,
    ) -> Vec<[Point; 2]> {
        let mut chords: Vec<(i64, [f64; 2])> = Vec::new();
        let (mut line, mut depth, mut from) = (i64::MIN, 0, 0.0);
        for (k, at, turn) in self.crossings(rings) {
            if k != line {
                (line, depth) = (k, 0);
            }
            let was = inside.holds(depth);
            depth += turn;
            match (was, inside.holds(depth)) {
                (false, true) => from = at,
                (true, false) => match chords.last_mut() {
                    Some((last, [_, to])) if *last == k && from - *to < SEAM => *to = at.max(*to),
                    _ => chords.push((k, [from, at])),
                },
                _ => {}
            }
        }
        chords.retain(|(_, [from, to])| to - from > SEAM);
        chords.into_iter().map(|(k, ends)| ends.map(|at| self.point(k, at))).collect()
    }

    /// A point on line `k`, given its distance from the foot of the origin along it.
    fn point(&self, k: i64, at: f64) -> Point {
        let ([x, y], across) = (self.normal, self.offset + self.spacing * k as f64);
        [across * x - at * y, across * y + at * x]
    }

    /// The crossings of lines and rings: the line, the place along it, and the sense. In that order.
    fn crossings<'a>(&self, rings: impl IntoIterator<Item = &'a [Point]>) -> Vec<(i64, f64, i32)> {
        let [x, y] = self.normal;
        let turned = |p: &Point| [(p[0] * x + p[1] * y - self.offset) / self.spacing, p[1] * x - p[0] * y];
        let mut crossings = Vec::new();
        for ring in rings {
            for (p, q) in ring.iter().zip(ring.iter().cycle().skip(1)) {
                let (p, q, turn) = match (turned(p), turned(q)) {
                    (p, q) if p[0] <= q[0] => (p, q, 1),
                    (p, q) => (q, p, -1),
                };
                // The lower end belongs to an edge and the upper one does not, so that a corner counts once.
                let mut k = p[0].ceil();
                while k < q[0] {
                    let at = p[1] + (q[1] - p[1]) * (k - p[0]) / (q[0] - p[0]);
                    crossings.push((k as i64, at, turn));
                    k += 1.0;
                }
            }
        }
        crossings.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
        crossings
    }
}

impl Inside {
    fn holds(self, depth: i32) -> bool {
        match self {
            Self::Odd => depth % 2 != 0,
            Self::Any => depth != 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UPRIGHT: Lines = Lines { normal: [1.0, 0.0], spacing: 2.0, offset: 1.0 };

    fn square(low: f64, high: f64) -> [Point; 4] {
        [[low, low], [high, low], [high, high], [low, high]]
    }

    #[test]
    fn lines_end_at_the_outline_and_leave_holes_out() {
        let (outer, hole) = (square(0.0, 8.0), square(2.0, 6.0));
        let chords = UPRIGHT.chords([&outer[..], &hole[..]], Inside::Odd);
        let expected = [
            [[1.0, 0.0], [1.0, 8.0]],
            [[3.0, 0.0], [3.0, 2.0]],
            [[3.0, 6.0], [3.0, 8.0]],
            [[5.0, 0.0], [5.0, 2.0]],
            [[5.0, 6.0], [5.0, 8.0]],
            [[7.0, 0.0], [7.0, 8.0]],
        ];
        assert_eq!(chords, expected);
        assert_eq!(UPRIGHT.chords([&outer[..], &hole[..]], Inside::Any).len(), 4);
    }

    #[test]
    fn neighbours_are_crossed_by_one_line() {
        let rows: Vec<[Point; 4]> =
            (0..5).map(|k| square(0.0, 1.0).map(|[x, y]| [4.0 * x, y + f64::from(k)])).collect();
        for inside in [Inside::Odd, Inside::Any] {
            let chords = UPRIGHT.chords(rows.iter().map(|row| &row[..]), inside);
            assert_eq!(chords, [[[1.0, 0.0], [1.0, 5.0]], [[3.0, 0.0], [3.0, 5.0]]]);
        }
    }

    #[test]
    fn slanted_lines_cover_their_share_of_an_area() {
        // Lines at distance s have the length area/s in all.
        let ring: Vec<Point> = (0..60)
            .map(|k| f64::from(k) * std::f64::consts::TAU / 60.0)
            .map(|t| [70.0 + 50.0 * t.cos(), 90.0 + (30.0 + 8.0 * (3.0 * t).cos()) * t.sin()])
            .collect();
        let area: f64 = 0.5
            * ring
                .iter()
                .zip(ring.iter().cycle().skip(1))
                .map(|(p, q)| p[0] * q[1] - p[1] * q[0])
                .sum::<f64>();
        let half = std::f64::consts::FRAC_1_SQRT_2;
        for normal in [[half, half], [half, -half], [0.6, 0.8]] {
            let lines = Lines { normal, spacing: 0.25, offset: 0.1 };
            let chords = lines.chords([&ring[..]], Inside::Odd);
            let length: f64 = chords.iter().map(|[p, q]| (p[0] - q[0]).hypot(p[1] - q[1])).sum();
            assert!((length * 0.25 / area.abs() - 1.0).abs() < 1e-3, "{normal:?} {length} {area}");
            for [p, q] in chords {
                for end in [p, q] {
                    let across = (end[0] * normal[0] + end[1] * normal[1] - 0.1) / 0.25;
                    assert!((across - across.round()).abs() < 1e-9);
                }
            }
        }
    }
}
