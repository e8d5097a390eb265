//! Tensors of floating point in 16, 32 and 64 bits, as scalars of the crate.

use safetensors::Dtype;

use crate::{Scalar, io::half::half};

/// The type that a scalar is written as.
pub(super) fn dtype<S: Scalar>() -> Dtype {
    if S::NAME == f32::NAME { Dtype::F32 } else { Dtype::F64 }
}

/// Whether [`decode`] reads tensors of this type.
pub(super) fn decodes(dtype: Dtype) -> bool {
    matches!(dtype, Dtype::F16 | Dtype::BF16 | Dtype::F32 | Dtype::F64)
}

/// Writes the values of a tensor, little-endian, to `out`: exactly, or rounded to nearest where the scalar
/// is narrower. What overflows becomes infinite. A type that it does not read leaves `out` as it is.
pub(super) fn decode<S: Scalar>(dtype: Dtype, bytes: &[u8], out: &mut [S]) {
    match dtype {
        Dtype::F64 => fill(bytes, out, f64::from_le_bytes),
        Dtype::F32 => fill(bytes, out, |b| f64::from(f32::from_le_bytes(b))),
        // The upper half of an f32.
        Dtype::BF16 => {
            fill(bytes, out, |b| f64::from(f32::from_bits(u32::from(u16::from_le_bytes(b)) << 16)));
        }
        Dtype::F16 => fill(bytes, out, |b| half(u16::from_le_bytes(b))),
        _ => {}
    }
}

fn fill<S: Scalar, const N: usize>(bytes: &[u8], out: &mut [S], read: impl Fn([u8; N]) -> f64) {
    for (out, bytes) in out.iter_mut().zip(bytes.as_chunks::<N>().0) {
        *out = S::from_f64(read(*bytes));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded<S: Scalar>(dtype: Dtype, bytes: &[u8], len: usize) -> Vec<S> {
        let mut out = vec![S::zero(); len];
        decode(dtype, bytes, &mut out);
        out
    }

    #[test]
    fn every_type_gives_its_values() {
        let doubles = [0.1_f64, -1e300, f64::MIN_POSITIVE, f64::NAN];
        let bytes: Vec<u8> = doubles.iter().flat_map(|v| v.to_le_bytes()).collect();
        assert_eq!(decoded::<f64>(Dtype::F64, &bytes, 3), doubles[..3]);
        assert_eq!(decoded::<f32>(Dtype::F64, &bytes, 3), [0.1_f32, f32::NEG_INFINITY, 0.0]);
        assert!(decoded::<f32>(Dtype::F64, &bytes, 4)[3].is_nan());
        let singles = [0.1_f32, -3e38, 1e-45];
        let bytes: Vec<u8> = singles.iter().flat_map(|v| v.to_le_bytes()).collect();
        assert_eq!(decoded::<f32>(Dtype::F32, &bytes, 3), singles);
        assert_eq!(decoded::<f64>(Dtype::F32, &bytes, 3), singles.map(f64::from));
        // Known encodings of 1, -2 and 3.140625.
        assert_eq!(
            decoded::<f32>(Dtype::BF16, &[0x80, 0x3f, 0x00, 0xc0, 0x49, 0x40], 3),
            [1.0, -2.0, 3.140_625]
        );
        assert_eq!(decoded::<f64>(Dtype::F16, &[0x00, 0x3c, 0x48, 0x42], 2), [1.0, 3.140_625]);
        assert!(
            decodes(Dtype::F16) && decodes(Dtype::BF16) && !decodes(Dtype::I64) && !decodes(Dtype::F8_E4M3)
        );
        assert_eq!((dtype::<f32>(), dtype::<f64>()), (Dtype::F32, Dtype::F64));
    }
}
