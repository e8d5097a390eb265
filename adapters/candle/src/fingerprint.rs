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
        parts.push(tensor.rank() as f64);
        parts.extend(tensor.dims().iter().map(|&length| length as f64));
        parts.extend(tensor.dtype().as_str().bytes().map(f64::from));
        parts.extend(halves(values(tensor).unwrap_or_else(|_| unlike_any())));
    }
    content_hash(&parts)
}

fn values(tensor: &Tensor) -> candle_core::Result<u64> {
    let flat = tensor.to_device(&Device::Cpu)?.flatten_all()?;
    Ok(match flat.dtype() {
        DType::F32 => content_hash(&flat.to_vec1::<f32>()?),
        DType::I64 => content_hash(
            &flat.to_vec1::<i64>()?.into_iter().flat_map(|value| halves(value as u64)).collect::<Vec<_>>(),
        ),
        // All other types have fewer digits than f64.
        _ => content_hash(&flat.to_dtype(DType::F64)?.to_vec1::<f64>()?),
    })
}

/// As two numbers, since one of f64 has not enough digits.
fn halves(bits: u64) -> [f64; 2] {
    [f64::from(bits as u32), f64::from((bits >> 32) as u32)]
}

fn unlike_any() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(0)
}
