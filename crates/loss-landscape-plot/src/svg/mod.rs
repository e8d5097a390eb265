//! SVG as it is written: elements, paths, texts, hatching, documents.
//!
//! Nothing is used that converters for SVG 1.1 do not know.

mod drawing;
pub(crate) mod hatching;
mod text;
mod writer;

pub(crate) use drawing::Drawing;
pub(crate) use text::{Anchor, CAPTION, INK, LABEL, Label, TICK, TITLE, Text, text_width};
pub(crate) use writer::{PathData, Svg};
