//! What lies over a flat figure: markers and trajectories.

use super::axes::Axis;
use super::markers::{self, Mark};
use super::sheet::Sheet;
use super::svg::{Rect, Svg};
use super::trajectory::Way;

/// Markers and trajectories in pixels.
pub(super) struct Overlay<'a> {
    ways: Vec<Way<'a>>,
    marks: Vec<Mark<'a>>,
    /// Boxes that the numbers on contour lines must keep out of.
    pub obstacles: Vec<Rect>,
}

impl<'a> Overlay<'a> {
    pub(super) fn lay_out(sheet: &'a Sheet, x: &Axis, y: &Axis, frame: &Rect) -> Self {
        let (marks, mut obstacles) = markers::lay_out(sheet, x, y, frame);
        let at = |p: [f64; 2]| {
            [frame.x + x.fraction(p[0]) * frame.width, frame.bottom() - y.fraction(p[1]) * frame.height]
        };
        let ways = sheet.trajectories.iter().map(|t| t.lay_out(at, frame, &mut obstacles)).collect();
        Self { ways, marks, obstacles }
    }

    pub(super) fn draw(self, svg: &mut Svg) {
        for way in self.ways {
            way.draw(svg);
        }
        for mark in self.marks {
            mark.draw(svg);
        }
    }
}
