//! The number types that variables may have.

use candle_core::{DType, WithDType};
use loss_landscape::Scalar;

/// `f32` or `f64`: the type of a model's variables. Sealed.
///
/// ```
/// use loss_landscape_candle::CandleScalar;
///
/// fn bytes<S: CandleScalar>(parameters: usize) -> usize {
///     parameters * S::TYPE.size_in_bytes()
/// }
/// assert_eq!(bytes::<f64>(10), 80);
/// ```
pub trait CandleScalar: Scalar + WithDType + sealed::Sealed {
    /// The same as candle names it.
    const TYPE: DType;
    /// For messages.
    #[doc(hidden)]
    const WORD: &'static str;
}

impl CandleScalar for f32 {
    const TYPE: DType = DType::F32;
    const WORD: &'static str = "f32, as `CandleModel::new` takes it (`new_f64` is for f64)";
}

impl CandleScalar for f64 {
    const TYPE: DType = DType::F64;
    const WORD: &'static str = "f64, as `CandleModel::new_f64` takes it (`new` is for f32)";
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
}
