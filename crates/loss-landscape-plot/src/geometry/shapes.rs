//! Points and rectangles in pixels.

/// A point in SVG user units (pixels), y downwards.
pub(crate) type Point = [f64; 2];

/// An axis-parallel rectangle in pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Rect {
    pub(crate) x: f64,
    pub(crate) y: f64,
    pub(crate) width: f64,
    pub(crate) height: f64,
}

impl Rect {
    pub(crate) fn right(&self) -> f64 {
        self.x + self.width
    }

    pub(crate) fn bottom(&self) -> f64 {
        self.y + self.height
    }

    /// The corners, in order.
    pub(crate) fn corners(&self) -> [Point; 4] {
        let (x, y, right, bottom) = (self.x, self.y, self.right(), self.bottom());
        [[x, y], [right, y], [right, bottom], [x, bottom]]
    }

    pub(crate) fn overlaps(&self, other: &Self) -> bool {
        self.x < other.right() && other.x < self.right() && self.y < other.bottom() && other.y < self.bottom()
    }

    pub(crate) fn contains(&self, [x, y]: Point) -> bool {
        x >= self.x && x <= self.right() && y >= self.y && y <= self.bottom()
    }
}
