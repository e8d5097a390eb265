//! Floating point in 16 bits.

/// IEEE 754 binary16: 1 bit of sign, 5 of exponent, 10 of mantissa.
pub(super) fn half(bits: u16) -> f64 {
    let (sign, exponent, mantissa) =
        (u64::from(bits >> 15), u64::from(bits >> 10 & 31), u64::from(bits & 1023));
    let magnitude = match exponent {
        // Subnormal: multiples of 2⁻²⁴.
        0 => mantissa as f64 / f64::from(1_u32 << 24),
        31 if mantissa == 0 => f64::INFINITY,
        31 => f64::NAN,
        // The exponent's bias is 15 here and 1023 in f64.
        _ => f64::from_bits((exponent + 1008) << 52 | mantissa << 42),
    };
    if sign == 1 { -magnitude } else { magnitude }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_half_is_what_the_standard_says() {
        for bits in 0..=u16::MAX {
            let found = half(bits);
            let (exponent, mantissa) = (i32::from(bits >> 10 & 31), f64::from(bits & 1023));
            let sign = if bits & 0x8000 == 0 { 1.0 } else { -1.0 };
            let expected = match exponent {
                0 => sign * mantissa / 1024.0 * 2.0_f64.powi(-14),
                31 if mantissa == 0.0 => sign * f64::INFINITY,
                31 => f64::NAN,
                _ => sign * (1.0 + mantissa / 1024.0) * 2.0_f64.powi(exponent - 15),
            };
            assert!(
                found.to_bits() == expected.to_bits() || found.is_nan() && expected.is_nan(),
                "{bits:#06x}"
            );
        }
        assert_eq!(half(0x3c00), 1.0);
        assert_eq!(half(0xc000), -2.0);
        assert_eq!(half(0x7bff), 65504.0);
        assert_eq!(half(0x3555), 0.333_251_953_125);
    }
}
