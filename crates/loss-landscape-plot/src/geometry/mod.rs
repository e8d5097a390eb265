//! Plane geometry in pixels: shapes, polylines, lines inside areas, isolines of gridded values, and these on splines.

pub(crate) mod chords;
pub(crate) mod isolines;
pub(crate) mod polyline;
mod shapes;
mod splines;

pub(crate) use polyline::Polyline;
pub(crate) use shapes::{Point, Rect};
