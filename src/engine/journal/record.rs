//! The records of a journal: each is one finished point, with a frame and a checksum by which it is found even after
//! damage.

use std::{io, ops::Range, sync::Arc};

use super::header::hash;
use crate::landscape::PointFailure;

/// The first bytes of every record. The first of them occurs in no text.
pub(super) const MARK: [u8; 4] = *b"\x93pt\n";
/// Bytes before the payload: the mark, and the length of the payload.
const FRAME: usize = 8;
/// Bytes after the payload: the checksum.
pub(super) const CHECK: usize = 8;
/// The most bytes that are kept of the text of an error.
const TEXT: usize = 4096;

/// One finished point, as it is in the file.
#[derive(Clone, Debug)]
pub(crate) struct Record<'b> {
    pub(crate) point: usize,
    /// By data set and channel.
    pub(crate) values: Vec<f64>,
    /// Data sets whose oracle failed, and how. Values that are not finite are not listed, since they are seen.
    pub(crate) failures: Vec<(usize, PointFailure)>,
    /// What is kept for each data set in addition to its values.
    pub(crate) extras: Vec<&'b [u8]>,
}

/// A record whose bytes are its own, but for what is kept in addition to its values.
#[derive(Debug)]
pub(super) struct Parsed {
    pub(super) point: usize,
    pub(super) values: Vec<f64>,
    pub(super) failures: Vec<(usize, PointFailure)>,
    /// The ranges of what is kept, from the beginning of the record.
    pub(super) extras: Vec<Range<usize>>,
}

/// The shape of records of one journal.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Form {
    /// The hash of the head, which every checksum is seeded with.
    pub(crate) seed: u64,
    pub(crate) points: usize,
    pub(crate) sets: usize,
    pub(crate) stride: usize,
}

/// Appends a record to `out`. `extra` appends what is kept for a data set in addition to its values.
///
/// # Errors
/// If the record takes more bytes than its frame can say, 4 GiB.
pub(crate) fn encode<'f>(
    form: Form,
    point: usize,
    values: &[f64],
    failures: impl Iterator<Item = (usize, &'f PointFailure)>,
    mut extra: impl FnMut(usize, &mut Vec<u8>),
    out: &mut Vec<u8>,
) -> io::Result<()> {
    let start = out.len();
    out.extend_from_slice(&MARK);
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&(point as u64).to_le_bytes());
    for value in values {
        out.extend_from_slice(&value.to_le_bytes());
    }
    let (place, mut count) = (out.len(), 0_u32);
    out.extend_from_slice(&[0; 4]);
    for (set, failure) in failures {
        let (kind, text) = match failure {
            PointFailure::NonFinite { .. } => continue,
            PointFailure::Error(error) => (0_u8, error.to_string()),
            PointFailure::Panic(message) => (1, message.clone()),
        };
        #[expect(clippy::expect_used, reason = "0 is a boundary of every text")]
        let end = (0..=text.len().min(TEXT)).rfind(|&end| text.is_char_boundary(end)).expect("a boundary");
        let text = &text[..end];
        count += 1;
        out.push(kind);
        out.extend_from_slice(&(set as u32).to_le_bytes());
        out.extend_from_slice(&(text.len() as u32).to_le_bytes());
        out.extend_from_slice(text.as_bytes());
    }
    out[place..place + 4].copy_from_slice(&count.to_le_bytes());
    for set in 0..form.sets {
        let at = out.len();
        out.extend_from_slice(&[0; 4]);
        extra(set, out);
        let len = length(out.len() - at - 4)?;
        out[at..at + 4].copy_from_slice(&len.to_le_bytes());
    }
    let len = length(out.len() - start - FRAME)?;
    out[start + 4..start + FRAME].copy_from_slice(&len.to_le_bytes());
    let check = check(form, &out[start..]);
    out.extend_from_slice(&check.to_le_bytes());
    Ok(())
}

/// A length as a frame holds it.
fn length(bytes: usize) -> io::Result<u32> {
    u32::try_from(bytes)
        .map_err(|_| io::Error::new(io::ErrorKind::FileTooLarge, "a record of more than 4 GiB"))
}

/// The records that these bytes are, one after the other; None if they are anything else.
pub(crate) fn records(form: Form, mut bytes: &[u8]) -> Option<Vec<Record<'_>>> {
    let mut records = Vec::new();
    while !bytes.is_empty() {
        let len = record_len(bytes)?;
        let (record, rest) = bytes.split_at_checked(len)?;
        records.push(whole_record(form, record)?.of(record));
        bytes = rest;
    }
    Some(records)
}

/// How long the record is whose frame begins here, if it is one.
pub(super) fn record_len(frame: &[u8]) -> Option<usize> {
    let mut frame = Reader(frame);
    (frame.bytes(4)? == MARK).then_some(())?;
    frame.number()?.checked_add(FRAME + CHECK)
}

/// The record that these bytes are, from its frame to its checksum.
pub(super) fn whole_record(form: Form, record: &[u8]) -> Option<Parsed> {
    let (checked, checksum) = record.split_last_chunk::<CHECK>()?;
    (u64::from_le_bytes(*checksum) == check(form, checked)).then(|| parse(form, record)).flatten()
}

/// A record whose checksum is right.
pub(super) fn parse(form: Form, record: &[u8]) -> Option<Parsed> {
    let end = record.len().checked_sub(CHECK)?;
    let mut payload = Reader(record.get(FRAME..end)?);
    let point = usize::try_from(payload.long()?).ok().filter(|&point| point < form.points)?;
    let values = payload.bytes(form.stride.checked_mul(8)?)?;
    let values = values.as_chunks().0.iter().map(|&bytes| f64::from_le_bytes(bytes)).collect();
    let count = payload.number()?;
    let mut failures = Vec::new();
    for _ in 0..count {
        let kind = payload.bytes(1)?[0];
        let set = payload.number().filter(|&set| set < form.sets)?;
        let len = payload.number()?;
        let text = std::str::from_utf8(payload.bytes(len)?).ok()?.to_owned();
        let failure = match kind {
            0 => PointFailure::Error(Arc::from(Box::<dyn std::error::Error + Send + Sync>::from(text))),
            1 => PointFailure::Panic(text),
            _ => return None,
        };
        failures.push((set, failure));
    }
    let mut extras = Vec::new();
    for _ in 0..form.sets {
        let len = payload.number()?;
        let start = end - payload.0.len();
        payload.bytes(len)?;
        extras.push(start..start + len);
    }
    payload.0.is_empty().then_some(Parsed { point, values, failures, extras })
}

impl Parsed {
    /// With the bytes that it was parsed from.
    pub(super) fn of(self, record: &[u8]) -> Record<'_> {
        let Self { point, values, failures, extras } = self;
        let extras = extras.into_iter().map(|range| &record[range]).collect();
        Record { point, values, failures, extras }
    }
}

fn check(form: Form, checked: &[u8]) -> u64 {
    xxhash_rust::xxh3::xxh3_64_with_seed(checked, form.seed)
}

impl Form {
    /// The form of the records of a journal with this head.
    pub(crate) fn new(header: &super::header::Header, head: &[u8]) -> Self {
        Self {
            seed: hash(head),
            points: header.records(),
            sets: header.provenance.data.len(),
            stride: header.stride(),
        }
    }
}

/// Reads from the front of bytes; None if there are too few.
pub(crate) struct Reader<'b>(pub(crate) &'b [u8]);

impl<'b> Reader<'b> {
    pub(crate) fn bytes(&mut self, len: usize) -> Option<&'b [u8]> {
        let (taken, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*taken)
    }

    pub(crate) fn number(&mut self) -> Option<usize> {
        usize::try_from(u32::from_le_bytes(self.array()?)).ok()
    }

    pub(crate) fn long(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::length;

    #[test]
    fn a_length_that_no_frame_can_hold_is_an_error() {
        assert_eq!(length(u32::MAX as usize).unwrap(), u32::MAX);
        assert!(length(u32::MAX as usize + 1).unwrap_err().to_string().contains("4 GiB"));
    }
}
