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

#[cfg(test)]
mod tests {
    use lopdf::{Document as Read, Object};

    use super::*;
    use crate::{
        CurveFigure, Figure, Panels,
        testing::{one_of_each, texts},
    };

    fn read(figure: &dyn Figure) -> Read {
        Read::load_mem(&figure.to_pdf().unwrap()).unwrap()
    }

    /// The dictionaries of a document, those of its streams too.
    fn dictionaries(document: &Read) -> impl Iterator<Item = &lopdf::Dictionary> {
        document.objects.values().filter_map(|object| match object {
            Object::Dictionary(dictionary) => Some(dictionary),
            Object::Stream(stream) => Some(&stream.dict),
            _ => None,
        })
    }

    #[test]
    fn every_figure_is_one_page_as_large_as_its_document() {
        for (k, figure) in one_of_each().into_iter().enumerate() {
            let svg = figure.to_svg().unwrap();
            let svg = roxmltree::Document::parse(&svg).unwrap();
            let side = |name| svg.root_element().attribute(name).unwrap().parse::<f64>().unwrap();
            let pdf = read(&figure);
            let pages = pdf.get_pages();
            assert_eq!(pages.len(), 1, "{k}");
            let page = pdf.get_dictionary(pages[&1]).unwrap();
            let bounds: Vec<f32> = page
                .get(b"MediaBox")
                .unwrap()
                .as_array()
                .unwrap()
                .iter()
                .map(|v| v.as_float().unwrap())
                .collect();
            let expected = [0.0, 0.0, 0.75 * side("width"), 0.75 * side("height")];
            assert!(
                bounds.iter().zip(expected).all(|(v, e)| (f64::from(*v) - e).abs() < 1e-3),
                "{k}: {bounds:?}"
            );
        }
    }

    #[test]
    fn fonts_are_embedded_and_nothing_is_an_image() {
        for (k, figure) in one_of_each().into_iter().enumerate() {
            let pdf = read(&figure);
            let is = |key: &[u8], name: &[u8]| {
                dictionaries(&pdf)
                    .filter(|d| d.get(key).and_then(Object::as_name).is_ok_and(|n| n == name))
                    .count()
            };
            let with = |key: &[u8]| dictionaries(&pdf).filter(|d| d.has(key)).count();
            assert!(is(b"Type", b"FontDescriptor") > 0, "{k}");
            assert_eq!(with(b"FontFile2") + with(b"FontFile3"), is(b"Type", b"FontDescriptor"), "{k}");
            assert_eq!(is(b"Subtype", b"Image"), 0, "{k}");
        }
    }

    #[test]
    fn text_can_be_read_out_of_it() {
        for (k, figure) in one_of_each().into_iter().enumerate() {
            let squeezed = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
            let text = squeezed(&read(&figure).extract_text(&[1]).unwrap());
            let title = texts(&figure.to_svg().unwrap()).into_iter().max_by_key(String::len).unwrap();
            assert!(text.contains(&squeezed(&title)), "{k}: {title} not in {text}");
        }
    }

    #[test]
    fn the_same_figure_is_the_same_bytes() {
        let panels = Panels::new().panel(one_of_each().swap_remove(2)).panel(one_of_each().swap_remove(3));
        assert_eq!(panels.to_pdf().unwrap(), panels.to_pdf().unwrap());
        assert!(matches!(CurveFigure::new().to_pdf(), Err(Error::Empty { .. })));
    }
}
