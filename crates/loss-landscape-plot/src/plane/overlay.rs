//! What is drawn over a flat figure: markers, trajectories, minima and saddles.

use crate::{
    axis::Axis,
    geometry::Rect,
    plane::{
        critical_points::PlacedCriticalPoints,
        markers::{self, PlacedMarker},
        sheet::Sheet,
        trajectory::PlacedTrajectory,
    },
    svg::Svg,
};

/// Markers, trajectories, minima and saddles in pixels.
pub(crate) struct Overlay<'a> {
    trajectories: Vec<PlacedTrajectory<'a>>,
    critical_points: Option<PlacedCriticalPoints<'a>>,
    markers: Vec<PlacedMarker<'a>>,
    /// Boxes that the numbers on contour lines must keep out of.
    pub(crate) obstacles: Vec<Rect>,
}

impl<'a> Overlay<'a> {
    pub(crate) fn lay_out(sheet: &'a Sheet, x: &Axis, y: &Axis, frame: &Rect) -> Self {
        let (markers, mut obstacles) = markers::lay_out(sheet, x, y, frame);
        let at = |p: [f64; 2]| {
            [frame.x + x.fraction(p[0]) * frame.width, frame.bottom() - y.fraction(p[1]) * frame.height]
        };
        let trajectories = sheet.trajectories.iter().map(|t| t.lay_out(at, frame, &mut obstacles)).collect();
        let critical_points = sheet
            .critical_points
            .as_ref()
            .map(|points| points.lay_out(at, |x, y| sheet.contains(x, y), frame, &mut obstacles));
        Self { trajectories, critical_points, markers, obstacles }
    }

    pub(crate) fn draw(self, svg: &mut Svg) {
        for trajectory in self.trajectories {
            trajectory.draw(svg);
        }
        if let Some(points) = self.critical_points {
            points.draw(svg);
        }
        for marker in self.markers {
            marker.draw(svg);
        }
    }
}
