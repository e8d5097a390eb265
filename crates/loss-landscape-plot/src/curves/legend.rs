//! The legend of a curve figure.

use super::{draw::DOT, series::Stroke};
use crate::{
    colors::Rgb,
    geometry::{Point, Rect},
    svg::{Anchor, Svg, TICK, Text, text_width},
};

/// Dash pattern of dashed curves.
pub(crate) const DASHES: &str = "5 3";

const ROW: f64 = 13.0;
const PADDING: f64 = 5.0;
const SAMPLE: f64 = 22.0;
/// Height of the shade behind a sample.
const SHADE: f64 = 8.0;
/// From the frame to the legend.
const INSET: f64 = 6.0;

/// One line of the legend.
#[derive(Debug)]
pub(crate) struct Entry<'a> {
    pub(crate) label: &'a str,
    pub(crate) color: Rgb,
    pub(crate) stroke: Stroke,
    /// Opacity of the area around the line, 0 for none.
    pub(crate) shade: f64,
}

/// Draws the legend where it hides the fewest of the points `seen` and no box of `occupied`.
pub(crate) fn draw(svg: &mut Svg, entries: &[Entry<'_>], frame: &Rect, seen: &[Point], occupied: &[Rect]) {
    if entries.is_empty() {
        return;
    }
    let widest = entries.iter().map(|e| text_width(e.label, TICK)).fold(0.0, f64::max);
    let size = [SAMPLE + widest + 3.0 * PADDING, ROW * entries.len() as f64 + PADDING];
    let place = best_place(size, frame, seen, occupied);
    svg.tag("rect")
        .rect(&place)
        .attr("rx", "2")
        .attr("fill", "#fff")
        .attr("fill-opacity", "0.88")
        .attr("stroke", "#bbb")
        .attr("stroke-width", "0.6")
        .end();
    for (k, entry) in entries.iter().enumerate() {
        let y = place.y + PADDING / 2.0 + (k as f64 + 0.5) * ROW;
        let x = place.x + PADDING;
        if entry.shade > 0.0 {
            svg.tag("rect")
                .rect(&Rect { x, y: y - SHADE / 2.0, width: SAMPLE, height: SHADE })
                .attr("fill", &entry.color.hex())
                .num("fill-opacity", entry.shade)
                .end();
        }
        if entry.stroke == Stroke::Points {
            let dot = svg.tag("circle").num("cx", x + SAMPLE / 2.0).num("cy", y).num("r", DOT);
            dot.attr("fill", &entry.color.hex()).end();
        } else {
            let mut tag = svg
                .tag("path")
                .attr("d", &format!("M{x:.2} {y:.2}h{SAMPLE}"))
                .attr("stroke", &entry.color.hex())
                .attr("stroke-width", "1.6");
            if entry.stroke == Stroke::Dashed {
                tag = tag.attr("stroke-dasharray", DASHES);
            }
            tag.end();
        }
        Text::new([x + SAMPLE + PADDING, y], entry.label).anchor(Anchor::Start).draw(svg);
    }
}

/// Tries corners before edges before the interior, and moves on only for a better place.
fn best_place(size: [f64; 2], frame: &Rect, seen: &[Point], occupied: &[Rect]) -> Rect {
    const STEPS: [f64; 7] = [1.0, 0.0, 0.5, 0.25, 0.75, 0.125, 0.875];
    let room =
        [frame.width - size[0] - 2.0 * INSET, frame.height - size[1] - 2.0 * INSET].map(|r| r.max(0.0));
    let mut places: Vec<(usize, [f64; 2])> = Vec::new();
    for (m, v) in STEPS.into_iter().enumerate() {
        for (n, u) in STEPS.into_iter().enumerate() {
            places.push((m.max(n), [u, 1.0 - v]));
        }
    }
    places.sort_by_key(|&(rank, _)| rank);
    let mut best = (usize::MAX, *frame);
    for (_, [u, v]) in places {
        let rect = Rect {
            x: frame.x + INSET + u * room[0],
            y: frame.y + INSET + v * room[1],
            width: size[0],
            height: size[1],
        };
        let wide =
            Rect { x: rect.x - 3.0, y: rect.y - 3.0, width: rect.width + 6.0, height: rect.height + 6.0 };
        let hidden = seen.iter().filter(|&&p| wide.contains(p)).count()
            + 20 * occupied.iter().filter(|o| o.overlaps(&rect)).count();
        if hidden < best.0 {
            best = (hidden, rect);
        }
        if hidden == 0 {
            break;
        }
    }
    best.1
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: Rect = Rect { x: 0.0, y: 0.0, width: 200.0, height: 200.0 };

    #[test]
    fn the_emptiest_place_is_chosen() {
        // A curve through every corner but the lower left one.
        let seen: Vec<Point> =
            (0..=200).flat_map(|k| [[f64::from(k), 20.0], [180.0, f64::from(k)]]).collect();
        let place = best_place([60.0, 40.0], &FRAME, &seen, &[]);
        assert!((place.x - 6.0).abs() < 1e-9 && (place.bottom() - 194.0).abs() < 1e-9);
    }

    #[test]
    fn a_legend_larger_than_the_frame_still_has_a_place() {
        let place = best_place([500.0, 500.0], &FRAME, &[], &[]);
        assert!((place.x - 6.0).abs() < 1e-9 && (place.y - 6.0).abs() < 1e-9);
    }
}
