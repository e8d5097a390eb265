//! Marching squares: the lines along which gridded data has a given value.

use ndarray::Array2;

use super::{polyline::Polyline, shapes::Point};

/// Values at the points of a rectangular grid, `values[[i, j]]` at `(x[i], y[j])`. A cell with a
/// NaN corner has no lines. Negative infinity is below every level.
#[derive(Debug)]
pub(crate) struct PixelGrid {
    pub(crate) x: Vec<f64>,
    pub(crate) y: Vec<f64>,
    pub(crate) values: Array2<f64>,
}

/// Traces the isolines of one grid, level after level.
pub(crate) struct Tracer<'a> {
    grid: &'a PixelGrid,
    /// For each crossed edge of the grid, the edges its line goes on to: one per adjacent cell.
    links: Vec<[usize; 2]>,
}

const NONE: usize = usize::MAX;

impl PixelGrid {
    /// The grid inside a border of points below every level, at the place of the outermost points
    /// themselves; NaN is below every level too. All its isolines are closed, and the ring around
    /// `values >= level` runs along the boundary of the domain where the region touches it.
    pub(crate) fn padded(&self) -> Self {
        let (nx, ny) = self.values.dim();
        let pad = |axis: &[f64]| -> Vec<f64> {
            let first = axis.first().copied();
            let last = axis.last().copied();
            first.into_iter().chain(axis.iter().copied()).chain(last).collect()
        };
        let values = Array2::from_shape_fn((nx + 2, ny + 2), |(i, j)| {
            let inside = (1..=nx).contains(&i) && (1..=ny).contains(&j);
            let value = if inside { self.values[[i - 1, j - 1]] } else { f64::NAN };
            if value.is_nan() { f64::NEG_INFINITY } else { value }
        });
        Self { x: pad(&self.x), y: pad(&self.y), values }
    }
}

impl<'a> Tracer<'a> {
    pub(crate) fn new(grid: &'a PixelGrid) -> Self {
        Self { grid, links: vec![[NONE; 2]; 2 * grid.values.len()] }
    }

    /// The isolines at `level`: the boundary between values at or above it and values below.
    ///
    /// Points are found by linear interpolation along grid edges. Where opposite corners of a cell
    /// are on the same side, the mean of the four decides which pair is connected.
    pub(crate) fn trace(&mut self, level: f64) -> Vec<Polyline> {
        let crossed = self.link_cells(level);
        let mut lines = Vec::new();
        // Open lines first, from their ends: what is left then is closed.
        for &edge in &crossed {
            if self.links[edge][0] != NONE && self.links[edge][1] == NONE {
                lines.push(self.follow(edge, level, false));
            }
        }
        for &edge in &crossed {
            if self.links[edge][0] != NONE {
                lines.push(self.follow(edge, level, true));
            }
        }
        lines
    }

    /// Records the line segments of every cell and returns the edges they cross, in grid order.
    fn link_cells(&mut self, level: f64) -> Vec<usize> {
        let (nx, ny) = self.grid.values.dim();
        let values = &self.grid.values;
        let mut crossed = Vec::new();
        for i in 0..nx.saturating_sub(1) {
            for j in 0..ny.saturating_sub(1) {
                // Counter-clockwise from the corner of least indices.
                let corners =
                    [values[[i, j]], values[[i + 1, j]], values[[i + 1, j + 1]], values[[i, j + 1]]];
                let above = corners.map(|v| v >= level);
                if above == [true; 4] || above == [false; 4] || corners.iter().any(|v| v.is_nan()) {
                    continue;
                }
                // edges[k] joins corners k and k + 1.
                let edges = [
                    2 * (i * ny + j),
                    2 * ((i + 1) * ny + j) + 1,
                    2 * (i * ny + j + 1),
                    2 * (i * ny + j) + 1,
                ];
                if above[0] == above[2] && above[1] == above[3] {
                    let center = corners.iter().map(|v| v / 4.0).sum::<f64>() >= level;
                    // Lines cut off the two corners that differ from the centre.
                    let odd = usize::from(above[0] == center);
                    for k in [odd, odd + 2] {
                        self.link(edges[(k + 3) % 4], edges[k], &mut crossed);
                    }
                } else {
                    let mut ends = (0..4).filter(|&k| above[k] != above[(k + 1) % 4]);
                    if let (Some(a), Some(b)) = (ends.next(), ends.next()) {
                        self.link(edges[a], edges[b], &mut crossed);
                    }
                }
            }
        }
        crossed
    }

    fn link(&mut self, a: usize, b: usize, crossed: &mut Vec<usize>) {
        for (from, to) in [(a, b), (b, a)] {
            let slots = &mut self.links[from];
            if slots[0] == NONE {
                slots[0] = to;
                crossed.push(from);
            } else {
                slots[1] = to;
            }
        }
    }

    /// Walks from `start` until the line ends, erasing the links behind it.
    fn follow(&mut self, start: usize, level: f64, closed: bool) -> Polyline {
        let mut points = vec![self.crossing(start, level)];
        let mut edge = start;
        loop {
            let next = self.links[edge][0];
            if next == NONE {
                break;
            }
            self.unlink(edge, next);
            self.unlink(next, edge);
            if next == start {
                break;
            }
            points.push(self.crossing(next, level));
            edge = next;
        }
        Polyline { points, closed }
    }

    fn unlink(&mut self, from: usize, to: usize) {
        let slots = &mut self.links[from];
        if slots[0] == to {
            slots[0] = slots[1];
        }
        slots[1] = NONE;
    }

    /// Where an edge crosses the level.
    fn crossing(&self, edge: usize, level: f64) -> Point {
        let PixelGrid { x, y, values } = self.grid;
        let (i, j) = (edge / 2 / y.len(), edge / 2 % y.len());
        let end = if edge.is_multiple_of(2) { [i + 1, j] } else { [i, j + 1] };
        let (low, high) = (values[[i, j]], values[end]);
        let t = if low.is_finite() && high.is_finite() { (level - low) / (high - low) } else { 0.5 };
        [x[i] + t * (x[end[0]] - x[i]), y[j] + t * (y[end[1]] - y[j])]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(nx: usize, ny: usize, f: impl Fn(f64, f64) -> f64) -> PixelGrid {
        let axis =
            |n: usize| -> Vec<f64> { (0..n).map(|k| -1.0 + 2.0 * k as f64 / (n - 1) as f64).collect() };
        let (x, y) = (axis(nx), axis(ny));
        let values = Array2::from_shape_fn((nx, ny), |(i, j)| f(x[i], y[j]));
        PixelGrid { x, y, values }
    }

    fn area(line: &Polyline) -> f64 {
        let p = &line.points;
        (0..p.len())
            .map(|k| {
                let (a, b) = (p[k], p[(k + 1) % p.len()]);
                (a[0] * b[1] - a[1] * b[0]) / 2.0
            })
            .sum::<f64>()
            .abs()
    }

    #[test]
    fn isoline_of_a_plane_is_exact() {
        let g = grid(7, 4, |x, y| 2.0 * x + y);
        let lines = Tracer::new(&g).trace(0.3);
        assert_eq!(lines.len(), 1);
        assert!(!lines[0].closed);
        for [x, y] in &lines[0].points {
            assert!((2.0 * x + y - 0.3).abs() < 1e-12);
        }
        let ends = [lines[0].points[0], *lines[0].points.last().unwrap()];
        assert!(ends.iter().all(|e| (e[1].abs() - 1.0).abs() < 1e-12), "{ends:?}");
    }

    #[test]
    fn isoline_of_a_paraboloid_is_a_closed_circle() {
        let n = 41;
        let g = grid(n, n, |x, y| x * x + y * y);
        let lines = Tracer::new(&g).trace(0.36);
        assert_eq!(lines.len(), 1);
        assert!(lines[0].closed);
        // Linear interpolation of x² errs by at most h²/4 in value, h²/(8 r) in radius.
        let h = 2.0 / (n - 1) as f64;
        for [x, y] in &lines[0].points {
            let r = x.hypot(*y);
            assert!((r - 0.6).abs() <= h * h / (8.0 * 0.6) + 1e-9, "{r}");
        }
        assert!((area(&lines[0]) - 0.36 * std::f64::consts::PI).abs() < 0.01);
    }

    #[test]
    fn the_centre_mean_decides_a_saddle() {
        let cell = |center: f64| PixelGrid {
            x: vec![0.0, 1.0],
            y: vec![0.0, 1.0],
            values: ndarray::array![[1.0, -1.0 + center], [-1.0 + center, 1.0]],
        };
        // High corners (0,0) and (1,1); with a high centre the lines cut off the low corners.
        for (shift, high) in [(0.5, true), (-0.5, false)] {
            let g = cell(shift);
            let lines = Tracer::new(&g).trace(0.0);
            assert_eq!(lines.len(), 2);
            for line in lines {
                let mid_x = f64::midpoint(line.points[0][0], line.points[1][0]);
                let mid_y = f64::midpoint(line.points[0][1], line.points[1][1]);
                let near_low_corner = (mid_x - mid_y).abs() > 0.3;
                assert_eq!(near_low_corner, high, "{line:?}");
            }
        }
    }

    #[test]
    fn padded_isolines_all_close_and_enclose_the_region() {
        let g = grid(9, 5, |x, _| x).padded();
        let lines = Tracer::new(&g).trace(0.25);
        assert_eq!(lines.len(), 1);
        assert!(lines[0].closed);
        assert!((area(&lines[0]) - 0.75 * 2.0).abs() < 1e-12);
        let whole = Tracer::new(&g).trace(-5.0);
        assert!((area(&whole[0]) - 4.0).abs() < 1e-12);
    }

    #[test]
    fn cells_with_a_missing_corner_have_no_lines() {
        let mut g = grid(5, 5, |x, _| x + 0.1);
        g.values[[2, 2]] = f64::NAN;
        let lines = Tracer::new(&g).trace(0.0);
        assert_eq!(lines.len(), 2);
        for line in &lines {
            assert!(!line.closed);
            assert!(line.points.iter().all(|p| p[1].abs() >= 0.5));
        }
    }

    #[test]
    fn a_tracer_is_clean_after_each_level() {
        let g = grid(12, 9, |x, y| (5.0 * x).sin() * (4.0 * y).cos());
        let mut tracer = Tracer::new(&g);
        let first = tracer.trace(0.2);
        tracer.trace(-0.1);
        assert_eq!(tracer.trace(0.2), first);
        assert!(tracer.links.iter().all(|l| *l == [NONE; 2]));
    }
}
