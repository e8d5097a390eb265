//! Figures as PDF.

use std::fmt::Write as _;

use krilla::{Document, geom::Size, page::PageSettings};
use krilla_svg::{SurfaceExt as _, SvgSettings};

use crate::{Error, Result, export};

/// What errors call the format.
const FORMAT: &str = "PDF";
/// How the writer of SVG asks for sharp edges; the fill comes before it.
const SHARP: &str = " shape-rendering=\"crispEdges\"";
/// Points of a page, of which 72 are an inch, for a CSS pixel, of which 96 are.
const POINTS_PER_UNIT: f32 = 0.75;

/// Writes a document of this crate as a PDF of one page.
pub(crate) fn convert(svg: &str) -> Result<Vec<u8>> {
    let tree = export::tree(FORMAT, &seamless(svg))?;
    let failed = |what: String| Error::Render { format: FORMAT, source: what.into() };
    let [width, height] = [tree.size().width(), tree.size().height()].map(|side| side * POINTS_PER_UNIT);
    let size = Size::from_wh(width, height);
    let size = size.ok_or_else(|| failed(format!("a page of {width}×{height} points")))?;
    let mut document = Document::new();
    let mut page = document.start_page_with(PageSettings::new(size));
    let mut surface = page.surface();
    let drawn = surface.draw_svg(&tree, size, SvgSettings::default());
    surface.finish();
    page.finish();
    drawn.ok_or_else(|| failed("a shape that PDF cannot hold".to_owned()))?;
    // The writer's error has no text but this.
    document.finish().map_err(|e| failed(format!("{e:?}")))
}

/// The document with a hair of its own colour around each area that has sharp edges: PDF knows no sharp edges, and
/// viewers would let the white below shine through between neighbours.
fn seamless(svg: &str) -> String {
    // Nothing that callers give can look like this, since quotation marks are escaped.
    let mut pieces = svg.split(SHARP);
    let mut out = pieces.next().unwrap_or("").to_owned();
    for piece in pieces {
        let color = out.rsplit('"').nth(1).unwrap_or("none").to_owned();
        // Writing to a text cannot fail.
        let _ = write!(out, " stroke=\"{color}\" stroke-width=\"0.3\"{piece}");
    }
    out
}
