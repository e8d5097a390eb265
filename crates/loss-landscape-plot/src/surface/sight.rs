//! Which places of a surface are seen, and where they are.

use crate::surface::{mesh::Mesh, projection::Projection};

/// How far above the line of sight a surface must be to hide what is on it, as a share of the height of the box: what
/// lies on a slope seen edge-on is not hidden by it.
const LEEWAY: f64 = 0.01;
/// Of a mesh coordinate, as a share of its cell.
const ROUNDING: f64 = 1e-9;

/// A surface as it is looked at.
pub(crate) struct Sight<'a> {
    pub(crate) view: &'a Projection,
    pub(crate) mesh: &'a Mesh,
}

impl Sight<'_> {
    /// The position in the box of a place on the surface; at the base where nothing is known.
    pub(crate) fn on_surface(&self, [u, v]: [f64; 2]) -> [f64; 3] {
        [u, v, self.height(u, v).unwrap_or(0.0)]
    }

    /// Whether no part of the surface is before a place on it, both coordinates from 0 to 1.
    pub(crate) fn sees(&self, place: [f64; 2]) -> bool {
        let start = self.on_surface(place);
        let toward = self.view.toward_viewer();
        // In steps of half a cell, until the line of sight has left the box.
        let across = toward[0].abs().max(toward[1].abs());
        let cells = self.mesh.u.len().max(self.mesh.v.len()) as f64;
        let step = 0.5 / (cells * across.max(toward[2]));
        let at = |k: usize| [0, 1, 2].map(|d| start[d] + step * k as f64 * toward[d]);
        let line = (1..).map(at).take_while(|p| {
            (0.0..=1.0).contains(&p[0]) && (0.0..=1.0).contains(&p[1]) && p[2] + LEEWAY <= 1.0
        });
        let mut heights = line.filter_map(|[u, v, sight]| Some(self.height(u, v)? - sight));
        !heights.any(|excess| excess > LEEWAY)
    }

    /// The drawn height at a place, bilinear in its cell; nothing where a corner that counts is missing.
    fn height(&self, u: f64, v: f64) -> Option<f64> {
        let Mesh { u: across, v: along, heights, .. } = self.mesh;
        let cell = |axis: &[f64], at: f64| {
            let k = axis.partition_point(|&other| other <= at).clamp(1, axis.len() - 1) - 1;
            let t = (at - axis[k]) / (axis[k + 1] - axis[k]);
            let near = |end: f64| (t - end).abs() < ROUNDING;
            (
                k,
                if near(0.0) {
                    0.0
                } else if near(1.0) {
                    1.0
                } else {
                    t
                },
            )
        };
        let ((i, s), (j, t)) = (cell(across, u), cell(along, v));
        let corners =
            [(0, 0, (1.0 - s) * (1.0 - t)), (1, 0, s * (1.0 - t)), (0, 1, (1.0 - s) * t), (1, 1, s * t)];
        let weighed = corners.into_iter().filter(|(.., weight)| *weight > 0.0);
        let height: f64 =
            weighed.map(|(di, dj, weight)| weight * heights[[i + di, j + dj]].clamp(0.0, 1.0)).sum();
        (!height.is_nan()).then_some(height)
    }
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::*;
    use crate::{geometry::Rect, testing::axis};

    const AREA: Rect = Rect { x: 0.0, y: 0.0, width: 300.0, height: 300.0 };

    fn seen(mesh: &Mesh, azimuth: f64, elevation: f64, place: [f64; 2]) -> bool {
        Sight { view: &Projection::new(azimuth, elevation, &AREA), mesh }.sees(place)
    }

    fn mesh(f: impl Fn(f64, f64) -> f64) -> Mesh {
        let u = axis(0.0, 1.0, 41);
        Mesh::new(&u, &u, &Array2::from_shape_fn((41, 41), |(i, j)| f(u[i], u[j])), 200)
    }

    #[test]
    fn a_ridge_hides_what_is_behind_it_and_nothing_else() {
        // A ridge along the second axis at u = 0.5; the viewer is at its high side.
        let ridge = mesh(|u, _| if (u - 0.5).abs() < 0.01 { 1.0 } else { 0.0 });
        assert!(!seen(&ridge, 0.0, 20.0, [0.3, 0.5]) && seen(&ridge, 0.0, 20.0, [0.7, 0.5]));
        assert!(seen(&ridge, 180.0, 20.0, [0.3, 0.5]) && !seen(&ridge, 180.0, 20.0, [0.7, 0.5]));
        // The line of sight rises by tan(elevation)·2/1.1 of the height over the whole axis: over the ridge here.
        assert!(seen(&ridge, 0.0, 45.0, [0.0, 0.5]) == (2.0 / 1.1 * 0.5 > 1.0));
        assert!(seen(&ridge, 0.0, 75.0, [0.3, 0.5]) && seen(&ridge, 0.0, 90.0, [0.48, 0.5]));
        assert!(seen(&ridge, 0.0, 20.0, [0.5, 0.5]), "the top of it");
    }

    #[test]
    fn flat_ground_and_slopes_are_seen_from_everywhere() {
        let flat = mesh(|_, _| 0.4);
        let slope = mesh(|u, v| 0.3 * u + 0.2 * v);
        for azimuth in [-180.0, -60.0, 0.0, 33.0, 90.0] {
            for place in [[0.0, 0.0], [1.0, 1.0], [0.31, 0.77]] {
                assert!(seen(&flat, azimuth, 5.0, place), "{azimuth} {place:?}");
                assert!(seen(&slope, azimuth, 45.0, place), "{azimuth} {place:?}");
            }
        }
    }

    #[test]
    fn points_beside_holes_keep_their_height_and_those_without_one_lie_on_the_base() {
        let holed = mesh(|u, v| if u > 0.6 { f64::NAN } else { 0.25 + 0.5 * v });
        let view = Projection::new(-60.0, 45.0, &AREA);
        let sight = Sight { view: &view, mesh: &holed };
        let edge = axis(0.0, 1.0, 41)[24];
        assert_eq!(sight.on_surface([edge, 0.0]), [edge, 0.0, 0.25]);
        assert_eq!(sight.on_surface([0.9, 0.5])[2], 0.0);
        assert!((sight.on_surface([0.2, 0.5])[2] - 0.5).abs() < 1e-12);
    }
}
