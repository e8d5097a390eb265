//! IDX files, the format of MNIST and its kin: bytes with a shape.

use crate::{Error, Result};

/// An array of bytes with its shape, as an IDX file holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Idx<'a> {
    /// The sizes, outermost first; for images [images, rows, columns].
    pub shape: Vec<usize>,
    /// The bytes, row-major.
    pub values: &'a [u8],
}

/// Reads the bytes of an IDX file of unsigned bytes; nothing is copied or allocated but the shape.
///
/// The header is 0, 0, 8 (unsigned byte), the number of sizes, and each size as a big-endian `u32`.
///
/// ```
/// use loss_landscape_nets::parse_idx;
///
/// let file = [0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6];
/// let idx = parse_idx(&file)?;
/// assert_eq!((idx.shape, idx.values), (vec![2, 3], &[1, 2, 3, 4, 5, 6][..]));
/// # Ok::<(), loss_landscape::Error>(())
/// ```
///
/// # Errors
/// [`Error::Idx`] for a file of another kind, cut short, with bytes left over, or with sizes that
/// lie.
pub fn parse_idx(file: &[u8]) -> Result<Idx<'_>> {
    let wrong = |reason, expected: u64, found: u64| Error::Idx { reason, expected, found };
    let Some((&[zero, none, kind, dimensions], mut rest)) = file.split_first_chunk::<4>() else {
        return Err(wrong("the header is cut short", 4, file.len() as u64));
    };
    if zero != 0 || none != 0 {
        return Err(wrong(
            "the first two bytes are not zero",
            0,
            u64::from(u16::from_be_bytes([zero, none])),
        ));
    }
    if kind != 8 {
        return Err(wrong("the values are not unsigned bytes", 8, u64::from(kind)));
    }
    let mut shape = Vec::with_capacity(usize::from(dimensions));
    let mut size = 1_u64;
    for index in 0..usize::from(dimensions) {
        let Some((bytes, tail)) = rest.split_first_chunk::<4>() else {
            return Err(wrong("the sizes are cut short", u64::from(dimensions), index as u64));
        };
        let length = u32::from_be_bytes(*bytes);
        shape.push(length as usize);
        // Saturating, not overflowing: 2⁶⁴ − 1 values are more than any file holds.
        size = size.saturating_mul(u64::from(length));
        rest = tail;
    }
    if rest.len() as u64 != size {
        return Err(wrong("the number of values is not the product of the sizes", size, rest.len() as u64));
    }
    Ok(Idx { shape, values: rest })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn damaged_and_hostile_files_are_refused() {
        let good = [0, 0, 8, 1, 0, 0, 0, 2, 5, 6];
        assert!(parse_idx(&good).is_ok());
        for cut in 0..good.len() {
            assert!(parse_idx(&good[..cut]).is_err(), "cut to {cut} bytes");
        }
        assert!(parse_idx(&[&good[..], &[7]].concat()).is_err(), "a byte too many");
        let mut float = good;
        float[2] = 0x0d;
        assert!(matches!(parse_idx(&float), Err(Error::Idx { expected: 8, found: 13, .. })));
        let lie = [0, 0, 8, 3, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1];
        assert!(matches!(parse_idx(&lie), Err(Error::Idx { expected: u64::MAX, found: 1, .. })));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..64), header: bool) {
            let file = if header { [&[0, 0, 8, 2][..], &bytes].concat() } else { bytes };
            if let Ok(idx) = parse_idx(&file) {
                prop_assert_eq!(idx.values.len(), idx.shape.iter().product::<usize>());
            }
        }
    }
}
