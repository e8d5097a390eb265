//! Text elements, and estimates of their width: between those of Helvetica and the wider `DejaVu` Sans.

use super::svg::{Point, Rect, Svg, escape_into};

/// Font size of titles, axis labels, ticks and captions, in pixels.
pub(crate) const TITLE: f64 = 12.5;
pub(crate) const LABEL: f64 = 11.0;
pub(crate) const TICK: f64 = 9.5;
pub(crate) const CAPTION: f64 = 8.5;

/// Colour of text and axes.
pub(crate) const INK: &str = "#1a1a1a";

/// Size of an exponent relative to the number it belongs to.
const EXPONENT_SIZE: f64 = 0.72;

/// A piece of text with an optional exponent, as in 2×10⁻³.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Label {
    pub base: String,
    pub exponent: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

/// A line of text, vertically centred on its position.
#[derive(Debug, Clone)]
#[must_use]
pub(crate) struct Text<'a> {
    at: Point,
    label: Label,
    size: f64,
    anchor: Anchor,
    fill: &'a str,
    halo: Option<&'a str>,
    rotate: f64,
}

impl Label {
    /// Width in pixels at font size `size`.
    pub(crate) fn width(&self, size: f64) -> f64 {
        let exponent = self.exponent.as_deref().unwrap_or("");
        text_width(&self.base, size) + text_width(exponent, size * EXPONENT_SIZE)
    }
}

impl From<&str> for Label {
    fn from(text: &str) -> Self {
        Self { base: text.to_owned(), exponent: None }
    }
}

impl<'a> Text<'a> {
    pub(crate) fn new(at: Point, label: impl Into<Label>) -> Self {
        Self {
            at,
            label: label.into(),
            size: TICK,
            anchor: Anchor::Middle,
            fill: INK,
            halo: None,
            rotate: 0.0,
        }
    }

    pub(crate) fn size(mut self, size: f64) -> Self {
        self.size = size;
        self
    }

    pub(crate) fn anchor(mut self, anchor: Anchor) -> Self {
        self.anchor = anchor;
        self
    }

    pub(crate) fn fill(mut self, fill: &'a str) -> Self {
        self.fill = fill;
        self
    }

    /// Moves the text horizontally so that it lies between `left` and `right`, if it fits.
    pub(crate) fn within(mut self, left: f64, right: f64) -> Self {
        let bounds = self.bounds();
        self.at[0] += (left - bounds.x).max(0.0);
        self.at[0] -= (self.bounds().right() - right).max(0.0);
        self
    }

    pub(crate) fn lowered(mut self, by: f64) -> Self {
        self.at[1] += by;
        self
    }

    /// Outline in this colour behind the letters.
    pub(crate) fn halo(mut self, color: &'a str) -> Self {
        self.halo = Some(color);
        self
    }

    /// Rotation about the position, in degrees, clockwise on screen.
    pub(crate) fn rotate(mut self, degrees: f64) -> Self {
        self.rotate = degrees;
        self
    }

    /// Reduces the font size, to no less than 6 px, until the text is at most `width` wide.
    pub(crate) fn fit(mut self, width: f64) -> Self {
        let natural = self.label.width(self.size);
        if natural > width {
            self.size = (self.size * width / natural).max(6.0);
        }
        self
    }

    /// Box around the text, ignoring rotation.
    pub(crate) fn bounds(&self) -> Rect {
        let width = self.label.width(self.size);
        let x = match self.anchor {
            Anchor::Start => self.at[0],
            Anchor::Middle => self.at[0] - width / 2.0,
            Anchor::End => self.at[0] - width,
        };
        Rect { x, y: self.at[1] - 0.55 * self.size, width, height: 1.1 * self.size }
    }

    pub(crate) fn draw(self, svg: &mut Svg) {
        if self.label.base.is_empty() {
            return;
        }
        // Half the height of a digit: `dominant-baseline` is not honoured everywhere.
        let drop = 0.35 * self.size;
        let mut tag = svg.tag("text");
        if self.rotate == 0.0 {
            tag = tag.num("x", self.at[0]).num("y", self.at[1] + drop);
        } else {
            let [x, y] = self.at;
            let transform = format!("translate({x:.2} {y:.2}) rotate({:.2})", self.rotate);
            tag = tag.attr("transform", &transform).num("y", drop);
        }
        tag = tag.num("font-size", self.size).attr("fill", self.fill);
        match self.anchor {
            Anchor::Start => {}
            Anchor::Middle => tag = tag.attr("text-anchor", "middle"),
            Anchor::End => tag = tag.attr("text-anchor", "end"),
        }
        if let Some(color) = self.halo {
            tag = tag
                .attr("stroke", color)
                .attr("stroke-width", "2.4")
                .attr("stroke-linejoin", "round")
                .attr("paint-order", "stroke");
        }
        tag.text(&self.label.base);
        if let Some(exponent) = &self.label.exponent {
            let mut escaped = String::new();
            escape_into(&mut escaped, exponent);
            let (rise, size) = (-0.36 * self.size, EXPONENT_SIZE * self.size);
            svg.raw(&format!("<tspan dy=\"{rise:.2}\" font-size=\"{size:.2}\">{escaped}</tspan>"));
        }
        svg.close();
    }
}

/// Estimated width of `text` in pixels at font size `size`.
pub(crate) fn text_width(text: &str, size: f64) -> f64 {
    text.chars().map(advance).sum::<f64>() * size
}

fn advance(c: char) -> f64 {
    match c {
        '.' | ',' | ':' | ';' | '\'' | '|' | 'i' | 'j' | 'l' => 0.3,
        ' ' | 'f' | 't' | 'I' | '(' | ')' | '[' | ']' | '/' | '-' => 0.36,
        'r' => 0.4,
        'm' | 'M' | 'w' | '%' | '@' => 0.88,
        'W' => 0.97,
        '0'..='9' | '−' | '×' | '+' | '=' | '<' | '>' => 0.63,
        'A'..='Z' | 'Α'..='Ω' => 0.69,
        '\u{300}'..='\u{36f}' => 0.0,
        '\u{2e80}'.. => 1.0,
        _ => 0.6,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponents_are_raised_spans() {
        let mut svg = Svg::default();
        let label = Label { base: "2×10".to_owned(), exponent: Some("−3".to_owned()) };
        Text::new([1.0, 2.0], label).size(10.0).draw(&mut svg);
        let svg = svg.finish();
        assert!(svg.contains(">2×10<tspan dy=\"-3.60\" font-size=\"7.20\">−3</tspan></text>"), "{svg}");
    }

    #[test]
    fn fitting_reduces_the_size_to_the_width() {
        let text = Text::new([0.0, 0.0], "a rather long title").fit(60.0);
        assert!((text.bounds().width - 60.0).abs() < 1e-9);
        let text = Text::new([0.0, 0.0], "short").fit(60.0);
        assert!((text.size - TICK).abs() < 1e-9);
    }
}
