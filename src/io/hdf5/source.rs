//! The bytes of an HDF5 file, and what type its last opened dataset says it has, before anybody parses that.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use hdf5_pure::{FormatError, Source};

/// Classes of types that hold no other types.
const FIXED_POINT: u8 = 0;
const FLOATING_POINT: u8 = 1;
/// Types of messages in an object's header.
const DATATYPE: u16 = 3;
const CONTINUATION: u16 = 16;

/// A file in memory that remembers where its last object header begins.
///
/// `hdf5-pure` parses types within types by recursion without a limit, and takes memory for as many members as a
/// type announces: 64 KiB of hostile file can overflow the stack, which nothing catches. So a dataset whose header
/// does not plainly announce numbers must be refused before its type is parsed.
#[derive(Clone)]
pub(super) struct Bytes {
    bytes: Arc<[u8]>,
    header: Arc<AtomicU64>,
}

impl Bytes {
    pub(super) fn new(bytes: &[u8]) -> Self {
        Self { bytes: bytes.into(), header: Arc::new(AtomicU64::new(u64::MAX)) }
    }

    /// Whether the object opened last has a type of plain numbers, in the first part of its header.
    pub(super) fn is_numeric(&self) -> bool {
        let at = usize::try_from(self.header.load(Relaxed)).unwrap_or(usize::MAX);
        let header = self.bytes.get(at..).unwrap_or_default();
        let class = if header.starts_with(b"OHDR") { class_v2(header) } else { class_v1(header) };
        matches!(class, Some(FIXED_POINT | FLOATING_POINT))
    }

    fn get(&self, offset: u64, len: usize) -> Result<&[u8], FormatError> {
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        let bytes = start.checked_add(len).and_then(|end| self.bytes.get(start..end));
        bytes.ok_or(FormatError::UnexpectedEof {
            expected: start.saturating_add(len),
            available: self.bytes.len(),
        })
    }
}

impl Source for Bytes {
    fn len(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), FormatError> {
        // Parsing a header begins by looking for the four bytes of its signature, through this method alone.
        if buffer.len() == 4 {
            self.header.store(offset, Relaxed);
        }
        buffer.copy_from_slice(self.get(offset, buffer.len())?);
        Ok(())
    }

    fn read_exact_at(&self, offset: u64, len: usize) -> Result<Vec<u8>, FormatError> {
        let bytes = self.get(offset, len)?;
        // The prefix of a header of version 1: memory for its messages is taken before they are looked for.
        if let (true, &[1, _, _, _, _, _, _, _, a, b, c, d, ..]) =
            (offset == self.header.load(Relaxed), bytes)
        {
            self.get(offset, usize::try_from(u32::from_le_bytes([a, b, c, d])).unwrap_or(usize::MAX))?;
        }
        Ok(bytes.to_vec())
    }
}

/// The class of the type in a header of version 1.
fn class_v1(header: &[u8]) -> Option<u8> {
    let mut rest = header.get(16..)?;
    loop {
        let (prefix, body) = rest.split_first_chunk::<8>()?;
        let size = usize::from(u16::from_le_bytes([prefix[2], prefix[3]]));
        match u16::from_le_bytes([prefix[0], prefix[1]]) {
            DATATYPE => return class(prefix[4], body),
            // Its messages come next.
            CONTINUATION => return None,
            _ => rest = body.get(size..)?,
        }
    }
}

/// The class of the type in a header of version 2.
fn class_v2(header: &[u8]) -> Option<u8> {
    let flags = *header.get(5)?;
    let skipped = if flags & 0x20 == 0 { 0 } else { 16 } + if flags & 0x10 == 0 { 0 } else { 4 };
    let ordered = if flags & 4 == 0 { 0 } else { 2 };
    let mut rest = header.get(6 + skipped + (1 << (flags & 3))..)?;
    loop {
        let (prefix, body) = rest.split_first_chunk::<4>()?;
        let body = body.get(ordered..)?;
        match u16::from(prefix[0]) {
            DATATYPE => return class(prefix[3], body),
            CONTINUATION => return None,
            _ => rest = body.get(usize::from(u16::from_le_bytes([prefix[1], prefix[2]]))..)?,
        }
    }
}

/// The class in a message with these flags; none if it tells where the type is instead.
fn class(flags: u8, body: &[u8]) -> Option<u8> {
    let shared = flags & 2 != 0;
    body.first().filter(|_| !shared).map(|first| first & 15)
}

#[cfg(test)]
mod tests {
    use hdf5_pure::{File, FileBuilder};

    use super::*;

    #[test]
    fn numbers_are_told_from_the_rest() {
        let mut file = FileBuilder::new();
        file.create_dataset("a").with_f64_data(&[1.0]);
        file.create_dataset("b").with_u8_data(&[1]);
        file.create_dataset("c").with_i32_data(&[1]);
        file.create_group("g").create_dataset("d").with_f32_data(&[1.0]);
        let bytes = Bytes::new(&file.finish().unwrap());
        assert!(!bytes.is_numeric());
        let file = File::from_source(bytes.clone()).unwrap();
        for name in ["a", "b", "c"] {
            assert!(file.dataset(name).is_ok() && bytes.is_numeric(), "{name}");
        }
    }

    #[test]
    fn other_types_and_types_elsewhere_are_not_numbers() {
        let message = |kind: u8, flags: u8, body: &[u8]| {
            [&[kind, 0, body.len() as u8, 0, flags, 0, 0, 0], body].concat()
        };
        let v1 = |messages: &[Vec<u8>]| class_v1(&[vec![0; 16], messages.concat()].concat());
        let (space, float) = (message(1, 0, &[0; 8]), message(3, 0, &[0x11; 8]));
        assert_eq!(v1(&[space.clone(), float.clone()]), Some(1));
        assert_eq!(v1(&[message(3, 0, &[0x16; 8]), float.clone()]), Some(6));
        assert_eq!(v1(&[message(3, 2, &[0x11; 8])]), None);
        assert_eq!(v1(&[message(16, 0, &[0; 16]), float]), None);
        assert_eq!(v1(&[space]), None);
        assert_eq!(class_v1(&[]), None);
        let v2 = |flags: u8, body: &[u8]| class_v2(&[b"OHDR\x02", &[flags][..], body].concat());
        assert_eq!(v2(0, &[20, 1, 1, 0, 0, 9, 3, 8, 0, 0, 0x19]), Some(9));
        assert_eq!(v2(5, &[20, 0, 3, 8, 0, 0, 0, 0, 0x11]), Some(1));
        assert_eq!(v2(0, &[20, 16, 1, 0, 0, 9, 3, 8, 0, 0, 0x11]), None);
        assert_eq!(v2(0x20, &[0; 3]), None);
    }
}
