//! Writing SVG: escaped elements and compact path data.

use std::fmt::Write as _;

use crate::geometry::{Point, Rect};

/// A growing piece of SVG.
#[derive(Debug, Default)]
pub(crate) struct Svg {
    out: String,
    open: Vec<&'static str>,
}

/// A start tag that still takes attributes; ended by [`Tag::end`], [`Tag::text`] or [`Tag::open`].
#[must_use]
pub(crate) struct Tag<'a> {
    svg: &'a mut Svg,
    name: &'static str,
}

/// Contents of a `d` attribute: absolute moves, then relative lines in hundredths of a pixel.
#[derive(Debug, Default)]
pub(crate) struct PathData {
    data: String,
}

impl Svg {
    pub(crate) fn tag(&mut self, name: &'static str) -> Tag<'_> {
        self.out.push('<');
        self.out.push_str(name);
        Tag { svg: self, name }
    }

    /// Closes the element opened last.
    pub(crate) fn close(&mut self) {
        if let Some(name) = self.open.pop() {
            let _ = writeln!(self.out, "</{name}>");
        }
    }

    /// Rectangle with the given fill and no stroke.
    pub(crate) fn rect(&mut self, rect: &Rect, fill: &str) {
        self.tag("rect").rect(rect).attr("fill", fill).end();
    }

    /// Text inside the open element, escaped.
    pub(crate) fn text(&mut self, content: &str) {
        escape_into(&mut self.out, content);
    }

    /// Inserts SVG that was written here earlier.
    pub(crate) fn raw(&mut self, svg: &str) {
        self.out.push_str(svg);
    }

    pub(crate) fn finish(mut self) -> String {
        while !self.open.is_empty() {
            self.close();
        }
        self.out
    }
}

impl Tag<'_> {
    pub(crate) fn attr(self, key: &str, value: &str) -> Self {
        let _ = write!(self.svg.out, " {key}=\"");
        escape_into(&mut self.svg.out, value);
        self.svg.out.push('"');
        self
    }

    /// Numeric attribute, rounded to two decimals.
    pub(crate) fn num(self, key: &str, value: f64) -> Self {
        let _ = write!(self.svg.out, " {key}=\"");
        push_hundredths(&mut self.svg.out, hundredths(value));
        self.svg.out.push('"');
        self
    }

    pub(crate) fn rect(self, rect: &Rect) -> Self {
        self.num("x", rect.x).num("y", rect.y).num("width", rect.width).num("height", rect.height)
    }

    /// Ends the element without content.
    pub(crate) fn end(self) {
        self.svg.out.push_str("/>\n");
    }

    /// Ends the start tag; what follows goes inside until [`Svg::close`].
    pub(crate) fn open(self) {
        self.svg.out.push('>');
        self.svg.open.push(self.name);
    }

    /// Writes the whole element with `content` escaped, without a line break after it.
    pub(crate) fn inline(self, content: &str) {
        self.svg.out.push('>');
        escape_into(&mut self.svg.out, content);
        let _ = write!(self.svg.out, "</{}>", self.name);
    }

    /// Ends the start tag and writes `content` escaped; the element stays open.
    pub(crate) fn text(self, content: &str) {
        self.svg.out.push('>');
        escape_into(&mut self.svg.out, content);
        self.svg.open.push(self.name);
    }
}

impl PathData {
    /// Adds a line through `points`; a closed one returns to its first point.
    pub(crate) fn polyline(&mut self, points: &[Point], closed: bool) {
        let Some((first, rest)) = points.split_first() else {
            return;
        };
        let mut pen = first.map(hundredths);
        self.data.push('M');
        push_hundredths(&mut self.data, pen[0]);
        push_separated(&mut self.data, pen[1]);
        let mut command = true;
        for point in rest {
            let next = point.map(hundredths);
            if next == pen {
                continue;
            }
            if command {
                self.data.push('l');
                push_hundredths(&mut self.data, next[0] - pen[0]);
                command = false;
            } else {
                push_separated(&mut self.data, next[0] - pen[0]);
            }
            push_separated(&mut self.data, next[1] - pen[1]);
            pen = next;
        }
        if closed {
            self.data.push('z');
        }
    }

    pub(crate) fn rect(&mut self, rect: &Rect) {
        self.polyline(&rect.corners(), true);
    }

    /// Adds a circle, as two half ones.
    pub(crate) fn circle(&mut self, [x, y]: Point, radius: f64) {
        let _ = write!(self.data, "M");
        push_hundredths(&mut self.data, hundredths(x - radius));
        push_separated(&mut self.data, hundredths(y));
        for step in [2.0 * radius, -2.0 * radius] {
            let _ = write!(self.data, "a{radius} {radius} 0 1 0");
            push_separated(&mut self.data, hundredths(step));
            self.data.push_str(" 0");
        }
        self.data.push('z');
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.data
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.data.is_empty()
    }
}

/// Appends `text` escaped for XML content and attributes. Characters that XML 1.0 cannot carry
/// become U+FFFD.
fn escape_into(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\t' | '\n' | '\r' => out.push(' '),
            '\0'..='\x1f' | '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
}

pub(super) fn hundredths(value: f64) -> i64 {
    // `as` maps NaN to 0; the bound keeps differences far from overflow.
    (value.clamp(-1e7, 1e7) * 100.0).round() as i64
}

fn push_separated(out: &mut String, value: i64) {
    if value >= 0 {
        out.push(' ');
    }
    push_hundredths(out, value);
}

pub(super) fn push_hundredths(out: &mut String, value: i64) {
    if value < 0 {
        out.push('-');
    }
    let (whole, part) = (value.unsigned_abs() / 100, value.unsigned_abs() % 100);
    if whole > 0 || part == 0 {
        let _ = write!(out, "{whole}");
    }
    if part > 0 {
        if part % 10 == 0 {
            let _ = write!(out, ".{}", part / 10);
        } else {
            let _ = write!(out, ".{part:02}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_attributes_are_escaped() {
        let mut svg = Svg::default();
        svg.tag("text").attr("a", "\"<&>").text("x < y & \u{1}");
        svg.close();
        assert_eq!(svg.finish(), "<text a=\"&quot;&lt;&amp;&gt;\">x &lt; y &amp; \u{fffd}</text>\n");
    }

    #[test]
    fn path_data_is_relative_and_exact_after_rounding() {
        let mut path = PathData::default();
        path.polyline(&[[1.004, 2.0], [1.5, 1.25], [1.5, 1.25], [0.0, 10.999]], true);
        assert_eq!(path.as_str(), "M1 2l.5-.75-1.5 9.75z");
    }

    #[test]
    fn rounding_does_not_accumulate_along_a_path() {
        let points: Vec<Point> = (0..1001).map(|k| [f64::from(k) * 0.3333, 0.0]).collect();
        let mut path = PathData::default();
        path.polyline(&points, false);
        let sum: f64 = path
            .as_str()
            .trim_start_matches("M0 0l")
            .split(' ')
            .step_by(2)
            .map(|n| n.parse::<f64>().unwrap())
            .sum();
        assert!((sum - 333.3).abs() < 0.006, "{sum}");
    }

    #[test]
    fn numbers_that_svg_cannot_hold_are_bounded() {
        let mut out = String::new();
        push_hundredths(&mut out, hundredths(f64::NAN));
        push_separated(&mut out, hundredths(f64::NEG_INFINITY));
        assert_eq!(out, "0-10000000");
    }
}
