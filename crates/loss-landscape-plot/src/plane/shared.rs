//! A scale of colours and heights that several figures share.

use crate::plane::{bands::Bands, colorbar::BarPart};

/// The scale, and what each figure still draws of the colour bar.
#[derive(Debug)]
pub struct SharedScale {
    pub(crate) bands: Bands,
    pub(crate) bar: BarPart,
}
