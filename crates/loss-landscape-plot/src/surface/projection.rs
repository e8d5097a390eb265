//! Looking at a box from afar: parallel projection, without perspective.

use crate::geometry::{Point, Rect};

/// Height of the box, where its base is 2 by 2.
const HEIGHT: f64 = 1.1;

/// A direction to look from, and where the box then is in the picture. Positions in the box run from 0
/// to 1 along the first axis, the second, and upwards.
#[derive(Clone, Debug)]
pub(crate) struct Projection {
    right: [f64; 3],
    up: [f64; 3],
    toward: [f64; 3],
    scale: f64,
    origin: Point,
}

impl Projection {
    /// Sees the box from an azimuth (0 from the high end of the first axis, 90 from that of the second)
    /// and an elevation above its base, both in degrees, as large as fits into `area`.
    pub(crate) fn new(azimuth: f64, elevation: f64, area: &Rect) -> Self {
        let (sin, cos) = azimuth.to_radians().sin_cos();
        let (rise, run) = elevation.to_radians().sin_cos();
        let mut view = Self {
            right: [-sin, cos, 0.0],
            up: [-rise * cos, -rise * sin, run],
            toward: [run * cos, run * sin, rise],
            scale: 1.0,
            origin: [0.0, 0.0],
        };
        let corners = corners().map(|corner| view.place(corner));
        let span = |k: usize| {
            let along = corners.iter().map(|c| c[k]);
            along.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), c| (l.min(c), h.max(c)))
        };
        let [(left, right), (top, bottom)] = [span(0), span(1)];
        view.scale = (area.width / (right - left)).min(area.height / (bottom - top));
        view.origin = [
            area.x + area.width / 2.0 - view.scale * f64::midpoint(left, right),
            area.y + area.height / 2.0 - view.scale * f64::midpoint(top, bottom),
        ];
        view
    }

    /// Where a position in the box is in the picture.
    pub(crate) fn place(&self, at: [f64; 3]) -> Point {
        let at = in_space(at);
        [self.origin[0] + self.scale * dot(self.right, at), self.origin[1] - self.scale * dot(self.up, at)]
    }

    /// Grows towards the viewer.
    #[cfg(test)]
    pub(crate) fn nearness(&self, at: [f64; 3]) -> f64 {
        dot(self.toward, in_space(at))
    }

    /// The way to the viewer, in the positions of the box.
    pub(crate) fn toward_viewer(&self) -> [f64; 3] {
        let [x, y, up] = self.toward;
        [x / 2.0, y / 2.0, up / HEIGHT]
    }

    /// Whether the high end of the first and of the second axis is the nearer one.
    pub(crate) fn high_is_near(&self) -> [bool; 2] {
        [self.toward[0] > 0.0, self.toward[1] > 0.0]
    }

    /// How bright a surface is and how much it shines, from its rise along both axes: light comes from the
    /// upper left, behind the viewer. Seen from below, it is in the shade.
    pub(crate) fn light(&self, slope: [f64; 2], below: bool) -> (f64, f64) {
        let side = if below { -1.0 } else { 1.0 };
        let normal = unit([-slope[0] * HEIGHT / 2.0, -slope[1] * HEIGHT / 2.0, 1.0]).map(|n| side * n);
        let lamp = self.mixed([-0.75, 0.75, 0.7]);
        let bright = 0.66 + 0.44 * dot(normal, lamp).max(0.0);
        let half = unit(std::array::from_fn(|k| lamp[k] + self.toward[k]));
        let shine = 0.08 * dot(normal, half).max(0.0).powi(24);
        if below { (0.72 * bright, 0.0) } else { (bright, shine) }
    }

    /// A direction from its shares of right, up and toward.
    fn mixed(&self, [right, up, toward]: [f64; 3]) -> [f64; 3] {
        unit(std::array::from_fn(|k| right * self.right[k] + up * self.up[k] + toward * self.toward[k]))
    }
}

/// The corners of the box.
pub(crate) fn corners() -> [[f64; 3]; 8] {
    std::array::from_fn(|k| [k & 1, (k >> 1) & 1, k >> 2].map(|bit| bit as f64))
}

fn in_space([u, v, height]: [f64; 3]) -> [f64; 3] {
    [2.0 * u - 1.0, 2.0 * v - 1.0, HEIGHT * height]
}

fn dot(a: [f64; 3], b: [f64; 3]) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

fn unit(a: [f64; 3]) -> [f64; 3] {
    let length = dot(a, a).sqrt();
    a.map(|c| c / length)
}

#[cfg(test)]
mod tests {
    use super::*;

    const AREA: Rect = Rect { x: 10.0, y: 20.0, width: 300.0, height: 200.0 };

    #[test]
    fn the_box_fills_the_area_from_everywhere() {
        for azimuth in [-170.0, -90.0, -60.0, 0.0, 30.0, 135.0] {
            for elevation in [5.0, 35.0, 90.0] {
                let view = Projection::new(azimuth, elevation, &AREA);
                let places = corners().map(|c| view.place(c));
                let grown = Rect { x: 9.99, y: 19.99, width: 300.02, height: 200.02 };
                assert!(places.iter().all(|&p| grown.contains(p)), "{azimuth} {elevation}");
                let touches = |k: usize, lo: f64, hi: f64| {
                    let near = |to: f64| places.iter().any(|p| (p[k] - to).abs() < 1e-6);
                    near(lo) && near(hi)
                };
                assert!(touches(0, 10.0, 310.0) || touches(1, 20.0, 220.0));
            }
        }
    }

    #[test]
    fn higher_is_higher_and_farther_is_higher_in_the_picture() {
        let view = Projection::new(-60.0, 35.0, &AREA);
        let height = |at| view.place(at)[1];
        assert!(height([0.3, 0.4, 0.8]) < height([0.3, 0.4, 0.2]));
        // From -60°, the near corner is at the high end of the first axis, the low end of the second.
        assert_eq!(view.high_is_near(), [true, false]);
        assert!(height([0.0, 0.0, 0.0]) < height([1.0, 0.0, 0.0]));
        assert!(view.nearness([1.0, 0.0, 0.0]) > view.nearness([0.0, 1.0, 0.0]));
        assert!(view.place([1.0, 0.5, 0.0])[0] > view.place([0.0, 0.5, 0.0])[0]);
    }

    #[test]
    fn seen_from_above_the_picture_is_the_plane() {
        let view = Projection::new(-90.0, 90.0, &AREA);
        let (a, b) = (view.place([0.2, 0.7, 0.0]), view.place([0.2, 0.7, 1.0]));
        assert!((a[0] - b[0]).abs() < 1e-9 && (a[1] - b[1]).abs() < 1e-9);
        let c = view.place([0.4, 0.7, 0.0]);
        assert!(c[0] > a[0] && (c[1] - a[1]).abs() < 1e-9);
    }

    #[test]
    fn slopes_towards_the_light_are_brighter() {
        let view = Projection::new(-90.0, 35.0, &AREA);
        let bright = |slope| view.light(slope, false).0;
        // The light is on the left: a rise to the right faces it.
        assert!(bright([2.0, 0.0]) > bright([0.0, 0.0]) && bright([0.0, 0.0]) > bright([-2.0, 0.0]));
        assert!(view.light([0.0, 2.0], true).0 < bright([0.0, 2.0]));
    }
}
