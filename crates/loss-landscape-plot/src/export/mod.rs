//! Figures in formats that hold no SVG: the document is read back, its text set in a built-in font.

#[cfg(feature = "pdf")]
pub(crate) mod pdf;
#[cfg(feature = "png")]
pub(crate) mod png;

use std::sync::{Arc, OnceLock};

use resvg::usvg::{Options, Tree, fontdb::Database};

use crate::{Error, Result};

/// A part of DejaVu Sans; `font/README.md` says which and how it was made.
const FONT: &[u8] = include_bytes!("../font/DejaVuSans-subset.ttf");
const FAMILY: &str = "DejaVu Sans";

/// A document of this crate as shapes and glyphs.
fn tree(format: &'static str, svg: &str) -> Result<Tree> {
    tree_with(format, svg, fonts())
}

fn tree_with(format: &'static str, svg: &str, fontdb: Arc<Database>) -> Result<Tree> {
    let options = Options { fontdb, font_family: FAMILY.to_owned(), ..Options::default() };
    Tree::from_str(svg, &options).map_err(|e| Error::Render { format, source: Box::new(e) })
}

fn fonts() -> Arc<Database> {
    static FONTS: OnceLock<Arc<Database>> = OnceLock::new();
    let load = || {
        let mut fonts = Database::new();
        fonts.load_font_data(FONT.to_vec());
        fonts.set_sans_serif_family(FAMILY);
        Arc::new(fonts)
    };
    FONTS.get_or_init(load).clone()
}
