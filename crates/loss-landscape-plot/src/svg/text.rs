//! Text elements, and estimates of their width: between those of Helvetica and the wider `DejaVu` Sans.

use super::writer::{Svg, Tag};
use crate::geometry::{Point, Rect};

/// Font size of titles, axis labels, ticks and captions, in pixels.
pub(crate) const TITLE: f64 = 12.5;
pub(crate) const LABEL: f64 = 11.0;
pub(crate) const TICK: f64 = 9.5;
pub(crate) const CAPTION: f64 = 8.5;

/// Colour of text and axes.
pub(crate) const INK: &str = "#1a1a1a";

/// Size of exponents and subscripts relative to what they belong to, and how far these are raised and lowered, in
/// sizes of the font.
const SCRIPT_SIZE: f64 = 0.72;
const EXPONENT_RISE: f64 = 0.36;
const SUBSCRIPT_DROP: f64 = 0.16;

/// Width of the outline of a halo, half of it outside the letters.
const HALO: &str = "2.4";

/// A piece of text with an optional exponent, as in 2×10⁻³.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Label {
    pub(crate) base: String,
    pub(crate) exponent: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

/// A line of text, vertically centred on its position.
#[derive(Clone, Debug)]
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
        text_width(&self.base, size) + text_width(exponent, size * SCRIPT_SIZE)
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

    /// Moves the text horizontally so that it is between `left` and `right`, if it fits.
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

    /// Box around the text as it is turned.
    pub(crate) fn turned_bounds(&self) -> Rect {
        let (sin, cos) = self.rotate.to_radians().sin_cos();
        let flat = self.bounds();
        let middle = [flat.x + flat.width / 2.0 - self.at[0], flat.y + flat.height / 2.0 - self.at[1]];
        let x = self.at[0] + cos * middle[0] - sin * middle[1];
        let y = self.at[1] + sin * middle[0] + cos * middle[1];
        let width = cos.abs() * flat.width + sin.abs() * flat.height;
        let height = sin.abs() * flat.width + cos.abs() * flat.height;
        Rect { x: x - width / 2.0, y: y - height / 2.0, width, height }
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

    /// Writes the text, above its halo if it has one: a text of its own, since SVG 1.1 draws outlines over letters.
    pub(crate) fn draw(self, svg: &mut Svg) {
        if self.label.base.is_empty() {
            return;
        }
        if let Some(color) = self.halo {
            self.write(svg, |tag| {
                tag.attr("fill", color)
                    .attr("stroke", color)
                    .attr("stroke-width", HALO)
                    .attr("stroke-linejoin", "round")
            });
        }
        self.write(svg, |tag| tag.attr("fill", self.fill));
    }

    fn write(&self, svg: &mut Svg, paint: impl FnOnce(Tag<'_>) -> Tag<'_>) {
        let pieces = pieces(&self.label.base);
        // Some converters align each piece of a text by itself.
        let whole = pieces.len() == 1 && self.label.exponent.is_none();
        let anchor = if whole { self.anchor } else { Anchor::Start };
        let before = if whole { 0.0 } else { self.bounds().x - self.at[0] };
        // Half the height of a digit: not every viewer knows where the middle of a line is.
        let drop = 0.35 * self.size;
        let tag = svg.tag("text");
        let mut tag = if self.rotate == 0.0 {
            tag.num("x", self.at[0] + before).num("y", self.at[1] + drop)
        } else {
            let [x, y] = self.at;
            let transform = format!("translate({x:.2} {y:.2}) rotate({:.2})", self.rotate);
            let tag = tag.attr("transform", &transform);
            let tag = if before == 0.0 { tag } else { tag.num("x", before) };
            tag.num("y", drop)
        };
        tag = paint(tag.num("font-size", self.size));
        match anchor {
            Anchor::Start => {}
            Anchor::Middle => tag = tag.attr("text-anchor", "middle"),
            Anchor::End => tag = tag.attr("text-anchor", "end"),
        }
        tag.text("");
        // How far the last piece stands below the line of the text.
        let mut below = 0.0;
        for (text, lowered) in pieces {
            let drop = if lowered { SUBSCRIPT_DROP * self.size } else { 0.0 };
            self.span(svg, &text, drop - below, lowered);
            below = drop;
        }
        if let Some(exponent) = &self.label.exponent {
            self.span(svg, exponent, -EXPONENT_RISE * self.size - below, true);
        }
        svg.close();
    }

    fn span(&self, svg: &mut Svg, text: &str, drop: f64, small: bool) {
        if !small && drop == 0.0 {
            return svg.text(text);
        }
        // Some viewers lose a space where an element begins.
        let rest = text.trim_start_matches(' ');
        svg.text(&text[..text.len() - rest.len()]);
        let mut tag = svg.tag("tspan").attr("dy", &format!("{drop:.2}"));
        if small {
            tag = tag.attr("font-size", &format!("{:.2}", SCRIPT_SIZE * self.size));
        }
        tag.inline(rest);
    }
}

/// The text in pieces on the line, and below it (true) where there are subscript letters: few fonts
/// have these, so that they are drawn as small letters.
fn pieces(text: &str) -> Vec<(String, bool)> {
    let mut pieces: Vec<(String, bool)> = Vec::new();
    for c in text.chars() {
        let (c, lowered) = subscript(c).map_or((c, false), |letter| (letter, true));
        match pieces.last_mut() {
            Some((piece, same)) if *same == lowered => piece.push(c),
            _ => pieces.push((c.to_string(), lowered)),
        }
    }
    pieces
}

/// The letter that a subscript letter of Unicode stands for.
fn subscript(c: char) -> Option<char> {
    const SUBSCRIPTS: &str = "ₐaₑeₒoₓxₕhₖkₗlₘmₙnₚpₛsₜtᵢiⱼjᵣrᵤuᵥv";
    let mut letters = SUBSCRIPTS.chars();
    while let (Some(small), Some(letter)) = (letters.next(), letters.next()) {
        if small == c {
            return Some(letter);
        }
    }
    None
}

/// Estimated width of `text` in pixels at font size `size`.
pub(crate) fn text_width(text: &str, size: f64) -> f64 {
    text.chars().map(advance).sum::<f64>() * size
}

fn advance(c: char) -> f64 {
    if let Some(letter) = subscript(c) {
        return SCRIPT_SIZE * advance(letter);
    }
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
    fn subscript_letters_are_lowered_spans() {
        let mut svg = Svg::default();
        Text::new([1.0, 2.0], "λₘᵢₙ < 1, θ₁").size(10.0).draw(&mut svg);
        let svg = svg.finish();
        let expected = ">λ<tspan dy=\"1.60\" font-size=\"7.20\">min</tspan> \
                        <tspan dy=\"-1.60\">&lt; 1, θ₁</tspan></text>";
        assert!(svg.contains(expected), "{svg}");
        assert!(text_width("λₘᵢₙ", 10.0) < text_width("λmin", 10.0));
    }

    #[test]
    fn a_halo_is_a_text_below_the_letters() {
        let mut svg = Svg::default();
        Text::new([1.0, 2.0], "θ*").size(10.0).halo("#fff").draw(&mut svg);
        let svg = svg.finish();
        let lines: Vec<&str> = svg.lines().collect();
        assert_eq!(lines.len(), 2);
        assert!(
            lines[0].contains("fill=\"#fff\" stroke=\"#fff\"") && lines[0].ends_with(">θ*</text>"),
            "{svg}"
        );
        assert!(lines[1].contains("fill=\"#1a1a1a\"") && !lines[1].contains("stroke"), "{svg}");
    }

    #[test]
    fn texts_in_pieces_begin_where_whole_ones_would() {
        let x = |anchor: Anchor, text: &str| {
            let mut svg = Svg::default();
            Text::new([100.0, 0.0], text).anchor(anchor).draw(&mut svg);
            let svg = svg.finish();
            let document = roxmltree::Document::parse(&svg).unwrap();
            let element = document.root_element();
            (
                element.attribute("x").unwrap().parse::<f64>().unwrap(),
                element.attribute("text-anchor").map(str::to_owned),
            )
        };
        assert_eq!(x(Anchor::Middle, "λ"), (100.0, Some("middle".to_owned())));
        let width = text_width("λₘᵢₙ", TICK);
        for (anchor, share) in [(Anchor::Start, 0.0), (Anchor::Middle, 0.5), (Anchor::End, 1.0)] {
            let (start, aligned) = x(anchor, "λₘᵢₙ");
            assert!((start - 100.0 + share * width).abs() < 0.006 && aligned.is_none(), "{start}");
        }
    }

    #[test]
    fn fitting_reduces_the_size_to_the_width() {
        let text = Text::new([0.0, 0.0], "a rather long title").fit(60.0);
        assert!((text.bounds().width - 60.0).abs() < 1e-9);
        let text = Text::new([0.0, 0.0], "short").fit(60.0);
        assert!((text.size - TICK).abs() < 1e-9);
    }

    #[test]
    fn turned_text_is_as_high_as_it_was_wide() {
        let text = Text::new([10.0, 20.0], "direction").anchor(Anchor::Start);
        let (flat, turned) = (text.bounds(), text.clone().rotate(-90.0).turned_bounds());
        assert!(
            (turned.height - flat.width).abs() < 1e-9 && (turned.bottom() - 20.0).abs() < 1e-9,
            "{turned:?}"
        );
        assert!((text.turned_bounds().x - flat.x).abs() < 1e-9);
    }
}
