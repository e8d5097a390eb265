//! Axes: from data to pixels, ticks outside a frame, and their captions.

pub(crate) mod numbers;
pub(crate) mod scale;
pub(crate) mod ticks;

use self::{scale::Mapping, ticks::Ticks};
use crate::{
    geometry::{Point, Rect},
    layout::SIDE,
    svg::{Anchor, LABEL, Label, PathData, Svg, TICK, Text},
};

const TICK_LENGTH: f64 = 4.0;
/// From the frame to the numbers.
const NUMBER_OFFSET: f64 = 7.0;
/// From the numbers to the middle of a vertical axis label.
const LABEL_OFFSET: f64 = 11.0;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Bottom,
    Left,
    Right,
}

/// One axis: data range, scale and ticks.
#[derive(Debug)]
pub(crate) struct Axis {
    mapping: Mapping,
    lo: f64,
    hi: f64,
    ticks: Ticks,
    labels: Vec<Label>,
}

impl Axis {
    /// An axis over `lo < hi`, both positive if `log`, with about `most` numbers at most.
    pub(crate) fn new(lo: f64, hi: f64, log: bool, most: usize) -> Self {
        let mapping = Mapping::new(log, lo.abs().max(hi.abs()));
        let (ticks, labels) = if log {
            let ticks = ticks::log_axis(lo, hi, most);
            let labels = numbers::spread(&ticks.major);
            (ticks, labels)
        } else {
            let ticks = ticks::linear_axis(lo, hi, most);
            let labels = numbers::aligned(&ticks.major);
            (ticks, labels)
        };
        Self { mapping, lo, hi, ticks, labels }
    }

    /// Position from 0 (low end) to 1 (high end), beyond for values outside; NaN for values the
    /// scale cannot show.
    pub(crate) fn fraction(&self, value: f64) -> f64 {
        self.mapping.fraction(value, self.lo, self.hi).clamp(-1e4, 1e4)
    }

    /// Whether the whole axis is above the value.
    pub(crate) fn is_above(&self, value: f64) -> bool {
        value < self.lo
    }

    /// Whether the whole axis is below the value.
    pub(crate) fn is_below(&self, value: f64) -> bool {
        value > self.hi
    }

    pub(crate) fn is_log(&self) -> bool {
        self.mapping.is_log()
    }

    /// The numbers and their positions from 0 to 1.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = (f64, &Label)> {
        let inside = |t: &f64| (-1e-9..=1.0 + 1e-9).contains(t);
        let places = self.ticks.major.iter().map(|&value| self.fraction(value));
        places.zip(&self.labels).filter(move |(t, _)| inside(t)).map(|(t, label)| (t.clamp(0.0, 1.0), label))
    }

    /// Space the ticks, numbers and label of a vertical axis need beside the frame.
    pub(crate) fn space(&self) -> f64 {
        (self.number_extent() + LABEL_OFFSET + 0.7 * LABEL + 2.0).max(SIDE)
    }

    fn number_extent(&self) -> f64 {
        let widest = self.labels.iter().map(|l| l.width(TICK)).fold(0.0, f64::max);
        NUMBER_OFFSET + widest
    }

    /// Draws ticks, numbers and the axis label on one side of the frame.
    pub(crate) fn draw(&self, svg: &mut Svg, frame: &Rect, side: Side, label: &str, color: &str) {
        let mut path = PathData::default();
        let lengths = [(&self.ticks.major, TICK_LENGTH), (&self.ticks.minor, 0.55 * TICK_LENGTH)];
        for (values, length) in lengths {
            for &value in values {
                let [x, y] = self.on_side(value, frame, side);
                let end = match side {
                    Side::Bottom => [x, y + length],
                    Side::Left => [x - length, y],
                    Side::Right => [x + length, y],
                };
                path.polyline(&[[x, y], end], false);
            }
        }
        svg.tag("path")
            .attr("d", path.as_str())
            .attr("stroke", color)
            .attr("stroke-width", "0.8")
            .attr("fill", "none")
            .end();
        for (&value, number) in self.ticks.major.iter().zip(&self.labels) {
            let [x, y] = self.on_side(value, frame, side);
            let (at, anchor) = match side {
                Side::Bottom => ([x, y + TICK_LENGTH + 8.0], Anchor::Middle),
                Side::Left => ([x - NUMBER_OFFSET, y], Anchor::End),
                Side::Right => ([x + NUMBER_OFFSET, y], Anchor::Start),
            };
            Text::new(at, number.clone()).anchor(anchor).fill(color).draw(svg);
        }
        let middle = [frame.x + frame.width / 2.0, frame.y + frame.height / 2.0];
        let away = self.number_extent() + LABEL_OFFSET;
        let (at, turn, room) = match side {
            Side::Bottom => ([middle[0], frame.bottom() + 28.0], 0.0, frame.width),
            Side::Left => ([frame.x - away, middle[1]], -90.0, frame.height),
            Side::Right => ([frame.right() + away, middle[1]], -90.0, frame.height),
        };
        Text::new(at, label).size(LABEL).fill(color).fit(room).rotate(turn).draw(svg);
    }

    fn on_side(&self, value: f64, frame: &Rect, side: Side) -> Point {
        let t = self.fraction(value).clamp(0.0, 1.0);
        match side {
            Side::Bottom => [frame.x + t * frame.width, frame.bottom()],
            Side::Left => [frame.x, frame.bottom() - t * frame.height],
            Side::Right => [frame.right(), frame.bottom() - t * frame.height],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_follow_the_scale() {
        let linear = Axis::new(-1.0, 3.0, false, 6);
        assert!((linear.fraction(0.0) - 0.25).abs() < 1e-12);
        let log = Axis::new(0.01, 100.0, true, 6);
        assert!((log.fraction(1.0) - 0.5).abs() < 1e-12);
        assert!(log.fraction(0.0).is_nan());
        assert!(log.is_log() && !log.is_above(0.01) && log.is_below(101.0));
    }

    #[test]
    fn wide_numbers_get_more_space() {
        let narrow = Axis::new(0.0, 1.0, false, 6);
        let wide = Axis::new(1e-300, 1.000_01e-300, false, 6);
        assert!((narrow.space() - SIDE).abs() < 1e-9);
        assert!(wide.space() > SIDE);
    }
}
