//! A hash of tensors, by which a journal recognises data.

use candle_core::{DType, Device, Tensor};
use loss_landscape::content_hash;

/// A hash of the values, types and shapes of tensors, the same in every process.
///
/// It copies them to the host once. A tensor that cannot be read has a fingerprint that differs each time, so that a
/// journal is refused and not taken.
///
/// ```
/// use candle_core::{Device, Tensor};
/// use loss_landscape_candle::tensor_fingerprint;
///
/// let x = Tensor::new(&[[0.5_f32, 1.0]], &Device::Cpu)?;
/// assert_eq!(tensor_fingerprint([&x]), tensor_fingerprint([&x.copy()?]));
/// assert_ne!(tensor_fingerprint([&x]), tensor_fingerprint([&x.t()?]));
/// # Ok::<(), candle_core::Error>(())
/// ```
pub fn tensor_fingerprint<'t>(tensors: impl IntoIterator<Item = &'t Tensor>) -> u64 {
    let mut parts = Vec::new();
    for tensor in tensors {
        parts.extend(tensor.dims().iter().map(|&length| length as f64));
        // Two halves, since a hash has more digits than a number of f64.
        let hash = values(tensor).unwrap_or_else(|_| unlike_any());
        parts.extend([f64::from(hash as u32), f64::from((hash >> 32) as u32)]);
        parts.push(f64::from(u8::try_from(tensor.dtype().size_in_bytes()).unwrap_or(u8::MAX)));
    }
    content_hash(&parts)
}

fn values(tensor: &Tensor) -> candle_core::Result<u64> {
    let flat = tensor.to_device(&Device::Cpu)?.flatten_all()?;
    if flat.dtype() == DType::F32 {
        return Ok(content_hash(&flat.to_vec1::<f32>()?));
    }
    Ok(content_hash(&flat.to_dtype(DType::F64)?.to_vec1::<f64>()?))
}

fn unlike_any() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(0)
}
