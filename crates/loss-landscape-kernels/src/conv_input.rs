//! What a convolution reads.

/// Inputs and the packed filters to convolve them with.
#[derive(Clone, Copy, Debug)]
pub struct ConvInput<'a, S> {
    /// The inputs.
    pub x: &'a [S],
    /// The filters, [packed](crate::FilterBank::pack).
    pub filters: &'a [S],
}
