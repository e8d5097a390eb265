//! A scale of colours and heights that several figures share.

use crate::plane::{bands::Bands, colorbar::BarPart, values::PlaneValues};

/// What a figure brings to a shared scale.
#[derive(Debug)]
pub struct Shareable<'a> {
    pub(crate) values: &'a PlaneValues,
    /// Whether its colours change without steps, rather than from level to level.
    pub(crate) smooth: bool,
}

/// The scale, and what each figure still draws of the colour bar.
#[derive(Debug)]
pub struct SharedScale {
    pub(crate) bands: Bands,
    pub(crate) bar: BarPart,
}
