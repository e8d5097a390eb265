//! A drawing, and the document around it.

use super::writer::{Svg, hundredths, push_hundredths};

/// Font stack of every figure.
const FONTS: &str = "Helvetica, Arial, 'DejaVu Sans', sans-serif";

/// A finished drawing of known size, not yet a document.
#[derive(Debug)]
pub struct Drawing {
    pub(crate) width: f64,
    pub(crate) height: f64,
    /// Height of the upper edge of the plotting area, by which neighbours are aligned.
    pub(crate) top: f64,
    pub(crate) body: String,
}

impl Drawing {
    /// The complete document, on a white background.
    pub(crate) fn into_document(self) -> String {
        let mut size = [String::new(), String::new()];
        push_hundredths(&mut size[0], hundredths(self.width.ceil()));
        push_hundredths(&mut size[1], hundredths(self.height.ceil()));
        let [width, height] = size;
        let mut svg = Svg::default();
        svg.tag("svg")
            .attr("xmlns", "http://www.w3.org/2000/svg")
            .attr("width", &width)
            .attr("height", &height)
            .attr("viewBox", &format!("0 0 {width} {height}"))
            .attr("font-family", FONTS)
            .open();
        svg.tag("rect").attr("width", "100%").attr("height", "100%").attr("fill", "#fff").end();
        svg.raw(&self.body);
        svg.finish()
    }
}
