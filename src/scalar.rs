//! The number type of a model's parameters: `f32` or `f64`.

/// The number type of parameters and directions: [`f32`] or [`f64`].
///
/// Losses, coordinates, norms and sums are always `f64`; only vectors of the length of θ use this
/// type. The trait is sealed: no other type can implement it. Code of your own that serves both types is generic
/// over it:
///
/// ```
/// use loss_landscape::Scalar;
///
/// /// The mean square of the parameters, summed in `f64`: a weight decay to add to a loss.
/// fn mean_square<S: Scalar>(theta: &[S]) -> f64 {
///     theta.iter().map(|t| t.as_f64().powi(2)).sum::<f64>() / theta.len() as f64
/// }
///
/// assert_eq!(mean_square(&[1.0_f32, 3.0]), 5.0);
/// assert_eq!(mean_square(&[1.0_f64, 3.0]), 5.0);
/// assert_eq!(<f32 as Scalar>::NAME, "f32");
/// assert_eq!(<f32 as Scalar>::from_f64(0.5), 0.5_f32);
/// ```
pub trait Scalar: ndarray::NdFloat + Default + private::Sealed {
    /// The name of the type, as results record it: `"f32"` or `"f64"`.
    const NAME: &'static str;
    /// The distance from 1 to the next larger number, as `f64`.
    const EPSILON: f64;

    /// The nearest number of this type.
    fn from_f64(value: f64) -> Self;
    /// The same number as `f64`, exactly.
    fn as_f64(self) -> f64;
    /// The bits of the number, for content hashes.
    #[doc(hidden)]
    fn append_bytes(self, bytes: &mut Vec<u8>);
}

mod private {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
}

impl Scalar for f32 {
    const NAME: &'static str = "f32";
    const EPSILON: f64 = f32::EPSILON as f64;

    fn from_f64(value: f64) -> Self {
        value as Self
    }
    fn as_f64(self) -> f64 {
        f64::from(self)
    }
    fn append_bytes(self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&self.to_le_bytes());
    }
}

impl Scalar for f64 {
    const NAME: &'static str = "f64";
    const EPSILON: f64 = f64::EPSILON;

    fn from_f64(value: f64) -> Self {
        value
    }
    fn as_f64(self) -> f64 {
        self
    }
    fn append_bytes(self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&self.to_le_bytes());
    }
}
