//! Arrays in numpy's own format.

use ndarray::{ArrayView, IxDyn, ShapeBuilder};

use crate::io::half::half;

/// Bytes of a piece, about.
const PIECE: usize = 1 << 13;
const MAGIC: &[u8] = b"\x93NUMPY";

/// An array as it lies in a file.
pub(in crate::io) struct Npy<'a> {
    /// Such as `<f8`: byte order, kind, bytes an element.
    descr: &'a str,
    fortran: bool,
    pub(in crate::io) shape: Vec<usize>,
    data: &'a [u8],
}

/// The bytes of an array whose elements, row by row, are these.
pub(in crate::io) fn encode(
    descr: &str,
    shape: &[usize],
    elements: impl Iterator<Item: AsRef<[u8]>>,
) -> Vec<u8> {
    let mut bytes = Vec::new();
    feed(descr, shape, elements, &mut |piece| bytes.extend(piece));
    bytes
}

/// The same, piece by piece.
pub(in crate::io) fn feed(
    descr: &str,
    shape: &[usize],
    elements: impl Iterator<Item: AsRef<[u8]>>,
    sink: &mut dyn FnMut(&[u8]),
) {
    let shape = shape.iter().fold(String::new(), |text, n| text + &format!("{n},"));
    let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({shape}), }}");
    // Elements begin at a multiple of 64 bytes.
    let length = (10 + header.len() + 1).next_multiple_of(64) - 10;
    let mut bytes = [MAGIC, &[1, 0], &(length as u16).to_le_bytes()].concat();
    bytes.extend(format!("{header:<width$}\n", width = length - 1).bytes());
    elements.for_each(|element| {
        bytes.extend(element.as_ref());
        if bytes.len() >= PIECE {
            sink(&bytes);
            bytes.clear();
        }
    });
    sink(&bytes);
}

/// An array out of bytes, if its shape is what there are bytes for.
pub(in crate::io) fn decode(bytes: &[u8]) -> Option<Npy<'_>> {
    let rest = bytes.strip_prefix(MAGIC)?;
    let (version, rest) = rest.split_first_chunk::<2>()?;
    let (length, rest) = match version[0] {
        1 => {
            rest.split_first_chunk().map(|(length, rest)| (usize::from(u16::from_le_bytes(*length)), rest))?
        }
        2 | 3 => {
            let (length, rest) = rest.split_first_chunk()?;
            (usize::try_from(u32::from_le_bytes(*length)).ok()?, rest)
        }
        _ => return None,
    };
    let (header, data) = rest.split_at_checked(length)?;
    let header = std::str::from_utf8(header).ok()?;
    let descr = value(header, "descr")?.strip_prefix('\'')?.split_once('\'')?.0;
    let order = value(header, "fortran_order")?;
    let fortran = order.starts_with("True");
    if !fortran && !order.starts_with("False") {
        return None;
    }
    let shape = value(header, "shape")?.strip_prefix('(')?.split_once(')')?.0;
    let numbers = shape.split(',').map(str::trim).filter(|number| !number.is_empty());
    // More than 32 axes numpy does not have either.
    let shape: Vec<usize> = numbers.take(33).map(|number| number.parse().ok()).collect::<Option<_>>()?;
    let size: usize = descr.get(2..)?.parse().ok()?;
    // Texts count characters of four bytes.
    let size = if descr[1..].starts_with('U') { size.checked_mul(4)? } else { size };
    let count = shape.iter().try_fold(1_usize, |count, &n| count.checked_mul(n))?;
    (size > 0 && count.checked_mul(size)? == data.len()).then_some(Npy { descr, fortran, shape, data })
}

/// What follows a key of the header's dictionary.
fn value<'h>(header: &'h str, key: &str) -> Option<&'h str> {
    Some(header.split_once(&format!("'{key}':"))?.1.trim_start())
}

/// Its type and shape, for errors.
impl std::fmt::Display for Npy<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} of the shape {:?}", self.descr, self.shape)
    }
}

impl Npy<'_> {
    /// The numbers row by row, exactly, true as 1 and false as 0; none if it holds something else, or a whole number
    /// that `f64` does not have.
    pub(in crate::io) fn numbers(&self) -> Option<Vec<f64>> {
        match self.descr {
            "<f8" => self.elements(f64::from_le_bytes),
            ">f8" => self.elements(f64::from_be_bytes),
            "<f4" => self.elements(|b| f64::from(f32::from_le_bytes(b))),
            ">f4" => self.elements(|b| f64::from(f32::from_be_bytes(b))),
            "<f2" => self.elements(|b| half(u16::from_le_bytes(b))),
            ">f2" => self.elements(|b| half(u16::from_be_bytes(b))),
            "|b1" => self.elements(|[byte]| f64::from(u8::from(byte != 0))),
            "|i1" => self.elements(|b| f64::from(i8::from_le_bytes(b))),
            "|u1" => self.elements(|b| f64::from(u8::from_le_bytes(b))),
            "<i2" => self.elements(|b| f64::from(i16::from_le_bytes(b))),
            "<u2" => self.elements(|b| f64::from(u16::from_le_bytes(b))),
            "<i4" => self.elements(|b| f64::from(i32::from_le_bytes(b))),
            "<u4" => self.elements(|b| f64::from(u32::from_le_bytes(b))),
            "<i8" => {
                let integers = self.elements(i64::from_le_bytes)?;
                let exact = |&n: &i64| (n.unsigned_abs() <= 1 << 53).then_some(n as f64);
                integers.iter().map(exact).collect()
            }
            "<u8" => {
                let integers = self.elements(u64::from_le_bytes)?;
                integers.iter().map(|&n| (n <= 1 << 53).then_some(n as f64)).collect()
            }
            _ => None,
        }
    }

    /// Whether its elements are of two bytes, so that little may be kept of each.
    pub(in crate::io) fn is_half(&self) -> bool {
        matches!(self.descr, "<f2" | ">f2")
    }

    pub(in crate::io) fn bools(&self) -> Option<Vec<bool>> {
        if self.descr == "|b1" { self.elements(|[byte]| byte != 0) } else { None }
    }

    pub(in crate::io) fn bytes(&self) -> Option<&[u8]> {
        (self.descr == "|u1" && self.shape.len() == 1).then_some(self.data)
    }

    fn elements<T: Copy, const N: usize>(&self, read: impl Fn([u8; N]) -> T) -> Option<Vec<T>> {
        let (elements, rest) = self.data.as_chunks::<N>();
        let elements: Vec<T> = elements.iter().map(|bytes| read(*bytes)).collect();
        if !rest.is_empty() {
            return None;
        }
        if !self.fortran || self.shape.len() < 2 {
            return Some(elements);
        }
        let view = ArrayView::from_shape(IxDyn(&self.shape).f(), &elements).ok()?;
        Some(view.iter().copied().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An array with this header and these bytes.
    fn raw(header: &str, data: &[u8]) -> Vec<u8> {
        [MAGIC, &[1, 0], &(header.len() as u16).to_le_bytes(), header.as_bytes(), data].concat()
    }

    #[test]
    fn arrays_are_as_numpy_writes_them() {
        let bytes = encode("<f8", &[2, 1], [1.0_f64, -0.5].iter().map(|v| v.to_le_bytes()));
        let header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (2,1,), }";
        assert_eq!(bytes[..10], [0x93, b'N', b'U', b'M', b'P', b'Y', 1, 0, 118, 0]);
        assert_eq!(bytes[10..10 + header.len()], header[..]);
        assert_eq!((bytes.len(), bytes[127]), (128 + 16, b'\n'));
        let read = decode(&bytes).unwrap();
        assert_eq!((read.shape.as_slice(), read.numbers().unwrap()), ([2, 1].as_slice(), vec![1.0, -0.5]));
        assert!(read.bools().is_none() && read.bytes().is_none());
    }

    #[test]
    fn other_types_and_orders_are_read() {
        let data: Vec<u8> = (1..=6).flat_map(|n: i32| n.to_le_bytes()).collect();
        let columns = raw("{'shape': (2, 3), 'fortran_order': True, 'descr': '<i4'}", &data);
        assert_eq!(decode(&columns).unwrap().numbers().unwrap(), [1.0, 3.0, 5.0, 2.0, 4.0, 6.0]);
        let big = raw("{'descr': '>f4', 'fortran_order': False, 'shape': (), }", &0.5_f32.to_be_bytes());
        let big = decode(&big).unwrap();
        assert_eq!((big.shape.len(), big.numbers().unwrap()), (0, vec![0.5]));
        let bools = raw("{'descr': '|b1', 'fortran_order': False, 'shape': (2,), }", &[1, 0]);
        assert_eq!(decode(&bools).unwrap().bools().unwrap(), [true, false]);
        let large = raw("{'descr': '<i8', 'fortran_order': False, 'shape': (1,)}", &i64::MAX.to_le_bytes());
        assert!(decode(&large).unwrap().numbers().is_none(), "f64 has no such number");
        let unsigned =
            raw("{'descr': '<u8', 'fortran_order': False, 'shape': (1,)}", &u64::MAX.to_le_bytes());
        assert!(decode(&unsigned).unwrap().numbers().is_none());
        let one = |descr: &str, bytes: &[u8]| {
            let file = raw(&format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': (1,)}}"), bytes);
            decode(&file).unwrap().numbers().map(|numbers| numbers[0])
        };
        assert_eq!(one("<f2", &[0x55, 0x35]), Some(0.333_251_953_125));
        assert_eq!(one(">f2", &[0xc0, 0x00]), Some(-2.0));
        assert_eq!([one("|b1", &[1]), one("|b1", &[0])], [Some(1.0), Some(0.0)]);
        assert_eq!([one("|i1", &[0xff]), one("|u1", &[0xff])], [Some(-1.0), Some(255.0)]);
        assert_eq!([one("<i2", &[0xff, 0xff]), one("<u2", &[0xff, 0xff])], [Some(-1.0), Some(65_535.0)]);
        assert_eq!(one("<u4", &[0xff; 4]), Some(f64::from(u32::MAX)));
        assert_eq!(one("<u8", &[3, 0, 0, 0, 0, 0, 0, 0]), Some(3.0));
        // A text of two characters, which take four bytes each.
        assert_eq!(one("<U2", &[b'a', 0, 0, 0, b'b', 0, 0, 0]), None);
    }

    #[test]
    fn shapes_that_lie_are_refused() {
        for (descr, shape) in [
            ("<f8", "3,"),
            ("<f8", "18446744073709551615, 2"),
            ("<f8", "4294967296, 4294967296"),
            ("<f8", "-2,"),
            ("<f0", "2,"),
            ("<f", "2,"),
            ("λ", "2,"),
            ("<U2", "2, 2,"),
            ("<U18446744073709551615", "2,"),
            ("λU2", "2,"),
        ] {
            let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({shape})}}");
            assert!(decode(&raw(&header, &[0; 16])).is_none(), "{header}");
        }
        assert!(
            decode(&raw("{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (2,)}", &[0; 16]))
                .is_none()
        );
        assert!(decode(b"\x93NUMPY\x01\x00\xff\xff{").is_none());
        // Right in size, wrong in type.
        let odd = raw("{'descr': '<c16', 'fortran_order': False, 'shape': (1,)}", &[0; 16]);
        assert!(decode(&odd).unwrap().numbers().is_none());
    }
}
