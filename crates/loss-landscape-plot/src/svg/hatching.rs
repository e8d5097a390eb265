//! Lines and dots over areas that mean something special.
//!
//! Each line is written out, cut off at the outline. SVG has patterns for this, but converters draw their tiles with
//! gaps, or as coarse pixels.

use std::f64::consts::FRAC_1_SQRT_2;

use crate::{
    geometry::{
        Point,
        chords::{Inside, Lines},
    },
    svg::{PathData, Svg},
};

/// What areas are covered with. All leave the ground between lines and dots as it is, and show on light and dark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hatching {
    /// Grey stripes, drawn on [`UNKNOWN_GROUND`]: nothing is known here.
    Unknown,
    /// Dots: locally convex.
    Dots,
    /// Crossed lines: no curvature is positive.
    Crossed,
    /// Stripes: cut off here.
    Cut,
}

/// The ground below [`Hatching::Unknown`].
pub(crate) const UNKNOWN_GROUND: &str = "#e4e4e4";

/// Radius of a dot, with the middle of its outline.
const DOT: f64 = 1.2;
/// How far lines of [`Hatching::Cut`] reach beyond the outline: over the hair around its neighbour, so that lines from
/// one part of a surface to the next have no gaps.
const REACH: f64 = 0.3;
/// Across lines that rise to the right, and those that fall.
const RISING: [f64; 2] = [FRAC_1_SQRT_2, FRAC_1_SQRT_2];
const FALLING: [f64; 2] = [FRAC_1_SQRT_2, -FRAC_1_SQRT_2];

impl Hatching {
    /// Draws it over what is inside the rings.
    pub(crate) fn draw(self, svg: &mut Svg, rings: &[&[Point]], inside: Inside) {
        let mut path = PathData::default();
        let spacing = self.spacing();
        for &normal in self.normals() {
            let lines = Lines { normal, spacing, offset: spacing / 2.0 };
            for chord in lines.chords(rings.iter().copied(), inside) {
                match self {
                    Self::Dots => dots(&mut path, chord, normal, spacing),
                    Self::Cut => path.polyline(&longer(chord, normal), false),
                    _ => path.polyline(&chord, false),
                }
            }
        }
        if path.is_empty() {
            return;
        }
        for (fill, ink, width) in self.strokes() {
            svg.tag("path")
                .attr("d", path.as_str())
                .attr("fill", fill)
                .attr("stroke", ink)
                .attr("stroke-width", width)
                .end();
        }
    }

    /// Distance of lines, in pixels.
    fn spacing(self) -> f64 {
        match self {
            Self::Unknown => 5.0,
            Self::Dots | Self::Cut => 6.0,
            Self::Crossed => 7.0,
        }
    }

    fn normals(self) -> &'static [[f64; 2]] {
        match self {
            Self::Crossed => &[RISING, FALLING],
            _ => &[RISING],
        }
    }

    /// What the lines are drawn with, from the bottom up: fill, stroke, stroke width.
    pub(crate) fn strokes(self) -> &'static [(&'static str, &'static str, &'static str)] {
        match self {
            Self::Unknown => &[("none", "#8a8a8a", "0.9")],
            Self::Dots => &[("#fff", "#000", "0.5")],
            Self::Crossed => &[("none", "#fff", "1.7"), ("none", "#000", "0.75")],
            Self::Cut => &[("none", "#fff", "1"), ("none", "#000", "0.45")],
        }
    }
}

/// A chord that reaches a little beyond both ends.
fn longer([p, q]: [Point; 2], [x, y]: [f64; 2]) -> [Point; 2] {
    [[p[0] + REACH * y, p[1] - REACH * x], [q[0] - REACH * y, q[1] + REACH * x]]
}

/// Dots at even distances along a chord, on one lattice whatever the chord.
fn dots(path: &mut PathData, [p, q]: [Point; 2], [x, y]: [f64; 2], spacing: f64) {
    let (across, along) = (p[0] * x + p[1] * y, |p: Point| (p[1] * x - p[0] * y) / spacing);
    let mut k = along(p).ceil();
    while k <= along(q) {
        let at = k * spacing;
        path.circle([across * x - at * y, across * y + at * x], DOT);
        k += 1.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(hatching: Hatching, ring: &[Point]) -> String {
        let mut svg = Svg::default();
        hatching.draw(&mut svg, &[ring], Inside::Odd);
        svg.finish()
    }

    #[test]
    fn what_is_too_small_for_a_line_is_left_empty() {
        let ring = [[1.0, 1.0], [1.5, 1.0], [1.0, 1.5]];
        assert_eq!(drawn(Hatching::Crossed, &ring), "");
    }

    #[test]
    fn dots_stand_on_a_lattice_inside_the_area() {
        let ring = [[10.0, 20.0], [130.0, 20.0], [130.0, 110.0], [10.0, 110.0]];
        let svg = drawn(Hatching::Dots, &ring);
        let count = svg.matches('M').count() as f64;
        assert!((count * 36.0 / (120.0 * 90.0) - 1.0).abs() < 0.05, "{count}");
        assert_eq!(svg.matches('a').count() - svg.matches("path").count(), 2 * svg.matches('M').count());
    }
}
