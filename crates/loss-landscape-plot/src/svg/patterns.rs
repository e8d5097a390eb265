//! Patterns over areas, defined once in a document that uses them.

use crate::svg::{Svg, Tag};

/// Stripes over [`HATCH_GROUND`]: nothing is known here.
pub(crate) const HATCH: &str = "url(#loss-landscape-hatch)";
/// The grey below [`HATCH`]. Not part of the pattern, since other colours would show at the edges of its tiles.
pub(crate) const HATCH_GROUND: &str = "#e4e4e4";
/// Dots that show on light and dark ground, the ground between them left as it is.
pub(crate) const DOTS: &str = "url(#loss-landscape-dots)";
/// Crossed lines, likewise.
pub(crate) const CROSSED: &str = "url(#loss-landscape-crossed)";
/// Stripes, likewise: cut off here.
pub(crate) const STRIPES: &str = "url(#loss-landscape-stripes)";

/// A pattern and what one tile of it holds. Definitions are the same in every document, so that
/// documents may stand on one page.
struct Pattern {
    fill: &'static str,
    side: &'static str,
    /// Shapes of a tile, in order: path data, fill, stroke, stroke width.
    shapes: &'static [[&'static str; 4]],
}

const PATTERNS: [Pattern; 4] = [
    Pattern { fill: HATCH, side: "5", shapes: &[["M2.5 0v5", "none", "#8a8a8a", "0.9"]] },
    Pattern {
        fill: DOTS,
        side: "6",
        shapes: &[["M1.8 3a1.2 1.2 0 1 0 2.4 0a1.2 1.2 0 1 0-2.4 0z", "#fff", "#000", "0.5"]],
    },
    Pattern {
        fill: CROSSED,
        side: "7",
        shapes: &[["M0 3.5h7M3.5 0v7", "none", "#fff", "1.7"], ["M0 3.5h7M3.5 0v7", "none", "#000", "0.7"]],
    },
    Pattern {
        fill: STRIPES,
        side: "6",
        shapes: &[["M3 0v6", "none", "#fff", "1"], ["M3 0v6", "none", "#000", "0.45"]],
    },
];

/// Writes the definitions of the patterns that `body` refers to.
pub(crate) fn define(svg: &mut Svg, body: &str) {
    let used: Vec<&Pattern> = PATTERNS.iter().filter(|p| body.contains(p.fill)).collect();
    if used.is_empty() {
        return;
    }
    svg.tag("defs").open();
    for pattern in used {
        svg.tag("pattern")
            .attr("id", pattern.fill.trim_start_matches("url(#").trim_end_matches(')'))
            .attr("patternUnits", "userSpaceOnUse")
            .attr("width", pattern.side)
            .attr("height", pattern.side)
            .attr("patternTransform", "rotate(45)")
            .open();
        for [data, fill, stroke, width] in pattern.shapes {
            shape(svg.tag("path").attr("d", data), fill, stroke, width).end();
        }
        svg.close();
    }
    svg.close();
}

fn shape<'a>(tag: Tag<'a>, fill: &str, stroke: &str, width: &str) -> Tag<'a> {
    let tag = tag.attr("fill", fill);
    if stroke == "none" { tag } else { tag.attr("stroke", stroke).attr("stroke-width", width) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_referred_to_is_defined() {
        let defined = |body: &str| {
            let mut svg = Svg::default();
            define(&mut svg, body);
            svg.finish()
        };
        assert_eq!(defined("<path fill=\"#fff\"/>"), "");
        let both = defined(&format!("<path fill=\"{DOTS}\"/><path fill=\"{HATCH}\"/>"));
        let document = roxmltree::Document::parse(&both).unwrap();
        let ids: Vec<_> = document.descendants().filter_map(|n| n.attribute("id")).collect();
        assert_eq!(ids, ["loss-landscape-hatch", "loss-landscape-dots"]);
    }
}
