//! Reads the records of a journal one after the other, from a file of any length.

use std::{
    io::{self, Read, Seek, SeekFrom},
    ops::Range,
};

use xxhash_rust::xxh3::Xxh3;

use super::record::{CHECK, Form, MARK, Parsed, Record, parse, record_len, whole_record};

/// How much is read at once, and kept if no record is longer.
const WINDOW: usize = 1 << 20;
/// After checking this many times the bytes of the file, a scan gives up, and the rest counts as damaged.
const EFFORT: u64 = 64;

/// Finds all complete records, and keeps no more in memory than the longest of them or [`WINDOW`]. Copies of the head
/// between them, as in concatenated files, are no damage.
pub(crate) struct Scanner<'h, R> {
    form: Form,
    head: &'h [u8],
    window: Window<R>,
    at: u64,
    /// Where the bytes began that are neither a record nor a head.
    broken: Option<u64>,
    /// How many bytes may yet be checked: in a file of nothing but marks, each would be checked up to the end.
    effort: u64,
    damaged: Vec<Range<u64>>,
    end: u64,
}

/// What a scan found besides records.
#[derive(Debug)]
pub(crate) struct Scan {
    /// Bytes between records that are not valid records.
    pub(crate) damaged: Vec<Range<u64>>,
    /// The end of the last complete record or head; what follows was not finished.
    pub(crate) end: u64,
    /// The end of the file.
    pub(crate) len: u64,
}

/// A part of a file that is in memory.
struct Window<R> {
    source: R,
    /// How much is read at once: [`WINDOW`], or less in tests.
    size: usize,
    len: u64,
    start: u64,
    bytes: Vec<u8>,
}

impl<'h, R: Read + Seek> Scanner<'h, R> {
    /// Of a file as long as it is now, from `start` on.
    pub(crate) fn new(form: Form, mut source: R, start: u64, head: &'h [u8]) -> io::Result<Self> {
        let len = source.seek(SeekFrom::End(0))?;
        let window = Window { source, size: WINDOW, len, start, bytes: Vec::new() };
        let effort = len.saturating_mul(EFFORT);
        Ok(Self { form, head, window, at: start, broken: None, effort, damaged: Vec::new(), end: start })
    }

    /// The next record, and its range of bytes in the file.
    pub(crate) fn next(&mut self) -> io::Result<Option<(Record<'_>, Range<u64>)>> {
        while self.at < self.window.len {
            if let Some((parsed, len)) = self.record()? {
                let place = self.at..self.at + len as u64;
                self.pass(len);
                let bytes = self.window.get(place.start, len)?;
                return Ok(Some((parsed.of(bytes), place)));
            }
            if self.window.get(self.at, self.head.len())? == self.head {
                self.pass(self.head.len());
                continue;
            }
            self.broken.get_or_insert(self.at);
            // On to the next byte that may begin a record or a head.
            let begins = |&byte: &u8| byte == MARK[0] || Some(&byte) == self.head.first();
            self.window.get(self.at, 1)?;
            let near = self.window.near(self.at);
            if near.is_empty() {
                // It was cut since.
                break;
            }
            self.at += near[1..].iter().position(begins).map_or(near.len(), |skip| skip + 1) as u64;
        }
        Ok(None)
    }

    /// What else was found; asked for after the last record.
    pub(crate) fn finish(self) -> Scan {
        Scan { damaged: self.damaged, end: self.end, len: self.window.len }
    }

    /// What begins here is valid, and so long.
    fn pass(&mut self, len: usize) {
        self.damaged.extend(self.broken.take().map(|from| from..self.at));
        self.at += len as u64;
        self.end = self.at;
    }

    /// The record that begins here, if one does, and its length.
    fn record(&mut self) -> io::Result<Option<(Parsed, usize)>> {
        let Some(len) = record_len(self.window.get(self.at, 8)?) else { return Ok(None) };
        if len as u64 > self.window.len - self.at {
            return Ok(None);
        }
        let Some(left) = self.effort.checked_sub(len as u64) else { return Ok(None) };
        self.effort = left;
        if len <= self.window.size {
            let parsed = whole_record(self.form, self.window.get(self.at, len)?);
            return Ok(parsed.map(|parsed| (parsed, len)));
        }
        // A length that is damage must not take memory.
        if !self.window.is_checked(self.form, self.at, len)? {
            return Ok(None);
        }
        Ok(parse(self.form, self.window.get(self.at, len)?).map(|parsed| (parsed, len)))
    }
}

impl<R: Read + Seek> Window<R> {
    /// So many bytes from here on; fewer if the file ends before.
    fn get(&mut self, at: u64, len: usize) -> io::Result<&[u8]> {
        let wanted = len.min(usize::try_from(self.len.saturating_sub(at)).unwrap_or(usize::MAX));
        if at < self.start || at + wanted as u64 > self.start + self.bytes.len() as u64 {
            self.load(at, wanted.max(self.size))?;
        }
        let from = usize::try_from(at - self.start).unwrap_or(usize::MAX).min(self.bytes.len());
        let end = (from + wanted).min(self.bytes.len());
        Ok(&self.bytes[from..end])
    }

    /// What is in memory from here on.
    fn near(&self, at: u64) -> &[u8] {
        let from = at.checked_sub(self.start).and_then(|from| usize::try_from(from).ok());
        from.and_then(|from| self.bytes.get(from..)).unwrap_or_default()
    }

    /// Brings so many bytes into memory, as far as the file has them.
    fn load(&mut self, at: u64, len: usize) -> io::Result<()> {
        let kept = self.near(at).len();
        let old = self.bytes.len();
        self.bytes.copy_within(old - kept.., 0);
        self.bytes.truncate(kept);
        if self.bytes.capacity() > 4 * self.size.max(len) {
            self.bytes.shrink_to(self.size.max(len));
        }
        self.start = at;
        self.source.seek(SeekFrom::Start(at + kept as u64))?;
        // A file that was cut since then is shorter than it was.
        let more = (len - kept.min(len)) as u64;
        (&mut self.source)
            .take(more.min(self.len.saturating_sub(at + kept as u64)))
            .read_to_end(&mut self.bytes)?;
        Ok(())
    }

    /// Whether a long record has its checksum, without bringing it into memory.
    fn is_checked(&mut self, form: Form, at: u64, len: usize) -> io::Result<bool> {
        let mut hasher = Xxh3::with_seed(form.seed);
        let (mut from, end) = (at, at + (len - CHECK) as u64);
        while from < end {
            let count = usize::try_from(end - from).unwrap_or(usize::MAX).min(self.size);
            let part = self.get(from, count)?;
            if part.is_empty() {
                return Ok(false);
            }
            hasher.update(part);
            from += part.len() as u64;
        }
        let checksum = self.get(end, CHECK)?;
        Ok(checksum == hasher.digest().to_le_bytes())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use proptest::prelude::*;

    use super::*;
    use crate::engine::journal::encode;

    const HEAD: &[u8] = b"a head\n";
    const FORM: Form = Form { seed: 7, points: 1000, sets: 2, stride: 4 };

    /// A journal of records with so many bytes kept for the second data set, and the ends of all of them.
    fn journal(kept: &[usize]) -> (Vec<u8>, Vec<usize>) {
        let mut bytes = HEAD.to_vec();
        let mut ends = vec![bytes.len()];
        for (point, &count) in kept.iter().enumerate() {
            let values = [0.0, 1.0, 2.0, 3.0].map(|k| k + point as f64);
            // Full of what begins a record.
            let extra = |set: usize, out: &mut Vec<u8>| out.extend(MARK.iter().cycle().take(set * count));
            encode(FORM, point, &values, std::iter::empty(), extra, &mut bytes).unwrap();
            ends.push(bytes.len());
        }
        (bytes, ends)
    }

    /// Points, places and lengths of what is kept, and what else was found, in a window of this size.
    fn scan(bytes: &[u8], size: usize) -> (Vec<(usize, Range<u64>, usize)>, Scan) {
        let mut scanner = Scanner::new(FORM, Cursor::new(bytes), HEAD.len() as u64, HEAD).unwrap();
        scanner.window.size = size;
        let mut found = Vec::new();
        while let Some((record, place)) = scanner.next().unwrap() {
            assert_eq!(record.values[3], 3.0 + record.point as f64);
            found.push((record.point, place, record.extras[1].len()));
        }
        (found, scanner.finish())
    }

    proptest! {
        /// Whatever the size of the window, and whatever a byte becomes: all other records are found.
        #[test]
        fn one_wrong_byte_costs_one_record(
            kept in prop::collection::vec(0_usize..200, 1..12),
            size in 8_usize..300,
            at: prop::sample::Index,
            change in 1_u8..=255,
        ) {
            let (mut bytes, ends) = journal(&kept);
            let at = HEAD.len() + at.index(bytes.len() - HEAD.len());
            bytes[at] ^= change;
            let wrong = ends.partition_point(|&end| end <= at) - 1;
            let (found, rest) = scan(&bytes, size);
            let expected = (0..kept.len()).filter(|&point| point != wrong);
            let place = |point: usize| ends[point] as u64..ends[point + 1] as u64;
            prop_assert_eq!(found, expected.map(|point| (point, place(point), kept[point])).collect::<Vec<_>>());
            if wrong + 1 == kept.len() {
                prop_assert_eq!((rest.damaged.len(), rest.end, rest.len), (0, place(wrong).start, bytes.len() as u64));
            } else {
                prop_assert_eq!((&rest.damaged[..], rest.end), (&[place(wrong)][..], bytes.len() as u64));
            }
        }

        /// Cut anywhere, and with a second head between, as files that were put together have it.
        #[test]
        fn what_is_whole_is_found(
            kept in prop::collection::vec(0_usize..200, 1..12),
            size in 8_usize..300,
            at: prop::sample::Index,
        ) {
            let (bytes, ends) = journal(&kept);
            let cut = HEAD.len() + at.index(bytes.len() - HEAD.len() + 1);
            let whole = ends.partition_point(|&end| end <= cut) - 1;
            let (found, rest) = scan(&bytes[..cut], size);
            prop_assert_eq!((found.len(), rest.end, rest.len), (whole, ends[whole] as u64, cut as u64));
            let twice = [&bytes[..], &bytes[..cut]].concat();
            let (found, rest) = scan(&twice, size);
            prop_assert_eq!((found.len(), rest.damaged.len()), (kept.len() + whole, 0));
            prop_assert_eq!(rest.end, (bytes.len() + ends[whole]) as u64);
        }
    }

    /// The frame of a record that is not there may say that it has 4 GiB, and the file may have them.
    #[test]
    fn a_wrong_length_takes_no_memory() {
        let (whole, ends) = journal(&[100, 100]);
        let mut bytes = whole.clone();
        bytes[ends[0] + 4..ends[0] + 8].copy_from_slice(&(1_u32 << 22).to_le_bytes());
        bytes.resize(bytes.len() + (1 << 23), 0);
        let mut scanner = Scanner::new(FORM, Cursor::new(&bytes), HEAD.len() as u64, HEAD).unwrap();
        let (record, _) = scanner.next().unwrap().unwrap();
        assert_eq!(record.point, 1);
        assert!(scanner.next().unwrap().is_none() && scanner.window.bytes.capacity() <= 4 * WINDOW);
    }
}
