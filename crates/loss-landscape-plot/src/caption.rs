//! The small lines under a figure that say what it does not show.

use crate::{
    geometry::Rect,
    layout,
    svg::{Anchor, CAPTION, Drawing, Svg, Text, text_width},
};

/// `3 of 2601 points not finite`, or nothing if the count is zero.
pub(crate) fn note(count: usize, total: usize, things: &str, what: &str) -> Option<String> {
    (count > 0).then(|| format!("{count} of {total} {things} {what}"))
}

/// Joins notes into lines no wider than `width` pixels, as far as single notes allow.
fn lines(notes: &[String], width: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for note in notes {
        match lines.last_mut() {
            Some(line) if text_width(&format!("{line}; {note}"), CAPTION) <= width => {
                line.push_str("; ");
                line.push_str(note);
            }
            _ => lines.push(note.clone()),
        }
    }
    lines
}

/// Writes the notes under the plotting area and closes the drawing.
pub(crate) fn finish(mut svg: Svg, notes: &[String], frame: &Rect, width: f64) -> Drawing {
    let lines = lines(notes, width - frame.x - 4.0);
    let top = frame.bottom() + layout::BOTTOM;
    for (k, line) in lines.iter().enumerate() {
        Text::new([frame.x, top + (k as f64 + 0.5) * layout::CAPTION_LINE], line.as_str())
            .size(CAPTION)
            .anchor(Anchor::Start)
            .fill("#555")
            .draw(&mut svg);
    }
    let height = top + layout::CAPTION_LINE * lines.len() as f64 + 4.5;
    Drawing { width, height, top: frame.y, body: svg.finish() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_are_joined_until_the_line_is_full() {
        assert_eq!(note(0, 9, "points", "not finite"), None);
        let notes = vec![note(3, 2601, "points", "not finite").unwrap(); 3];
        let lines = lines(&notes, 250.0);
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[0], "3 of 2601 points not finite; 3 of 2601 points not finite");
    }
}
