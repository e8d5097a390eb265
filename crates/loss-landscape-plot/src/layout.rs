//! The sizes that all figures share, in pixels, and the frame of the plotting area.

use crate::{
    geometry::Rect,
    svg::{INK, Svg},
};

/// Least width of a figure.
pub(crate) const WIDTH: f64 = 420.0;
/// Side of the plotting area that every figure uses, in pixels.
pub(crate) const FRAME_SIDE: f64 = 276.0;
/// Space above the plotting area, for the title.
pub(crate) const TOP: f64 = 30.0;
/// Space below it, for ticks and axis label.
pub(crate) const BOTTOM: f64 = 38.0;
/// Line spacing of the caption below that.
pub(crate) const CAPTION_LINE: f64 = 11.5;
/// Least space at the side that carries an axis.
pub(crate) const SIDE: f64 = 54.0;

/// The outline of the plotting area.
pub(crate) fn draw_frame(svg: &mut Svg, frame: &Rect) {
    svg.tag("rect").rect(frame).attr("fill", "none").attr("stroke", INK).attr("stroke-width", "0.8").end();
}
