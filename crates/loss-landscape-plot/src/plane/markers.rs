//! Marked positions over two directions: a dot with a label beside it.

use crate::{
    axis::Axis,
    geometry::{Point, Rect},
    plane::sheet::Sheet,
    svg::{Anchor, Label, Svg, Text},
};

const SIZE: f64 = 10.5;

/// A dot and its text.
pub(crate) struct PlacedMarker<'a> {
    at: Point,
    text: Text<'a>,
}

/// The markers inside the axes, and the boxes that numbers must keep out of.
pub(crate) fn lay_out<'a>(
    sheet: &'a Sheet,
    x: &Axis,
    y: &Axis,
    frame: &Rect,
) -> (Vec<PlacedMarker<'a>>, Vec<Rect>) {
    let mut marks = Vec::new();
    let mut boxes = Vec::new();
    for marker in sheet.markers() {
        let at = [
            frame.x + x.fraction(marker.x) * frame.width,
            frame.bottom() - y.fraction(marker.y) * frame.height,
        ];
        let label = Label::from(marker.label.as_str());
        let fits = at[0] + 9.0 + label.width(SIZE) < frame.right();
        let (side, anchor) = if fits { (6.5, Anchor::Start) } else { (-6.5, Anchor::End) };
        // Beside the dot, moved inwards where the frame is near.
        let height = at[1].clamp(frame.y + 8.0, frame.bottom() - 8.0);
        let text =
            Text::new([at[0] + side, height], label).size(SIZE).anchor(anchor).fill("#000").halo("#fff");
        boxes.push(text.bounds());
        boxes.push(Rect { x: at[0] - 4.0, y: at[1] - 4.0, width: 8.0, height: 8.0 });
        marks.push(PlacedMarker { at, text });
    }
    (marks, boxes)
}

impl PlacedMarker<'_> {
    pub(crate) fn draw(self, svg: &mut Svg) {
        svg.tag("circle")
            .num("cx", self.at[0])
            .num("cy", self.at[1])
            .attr("r", "3")
            .attr("fill", "#000")
            .attr("stroke", "#fff")
            .attr("stroke-width", "1.2")
            .end();
        self.text.draw(svg);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plane::sheet::Marker;

    #[test]
    fn labels_turn_inwards_at_the_right_edge() {
        let axis = Axis::new(0.0, 1.0, false, 6);
        let frame = Rect { x: 50.0, y: 30.0, width: 200.0, height: 200.0 };
        let mut sheet = Sheet::new(&[0.0, 1.0], &[0.0, 1.0]);
        for (x, y, label) in [(0.1, 0.5, "left one"), (0.99, 1.0, "right one"), (1.5, 0.5, "outside")] {
            sheet.markers.push(Marker { x, y, label: label.to_owned() });
        }
        let (marks, boxes) = lay_out(&sheet, &axis, &axis, &frame);
        assert_eq!(marks.len(), 2);
        assert!((marks[0].at[0] - 70.0).abs() < 1e-9 && (marks[0].at[1] - 130.0).abs() < 1e-9);
        assert!(boxes[0].x > 70.0);
        assert!(boxes[2].right() < 248.0 && boxes[2].y > 30.0);
    }
}
