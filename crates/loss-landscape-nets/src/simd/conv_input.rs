//! What a convolution reads.

/// Inputs and the packed filters to convolve them with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ConvInput<'a, S> {
    pub(crate) x: &'a [S],
    pub(crate) filters: &'a [S],
}
