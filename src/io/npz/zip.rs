//! Zip archives of stored files, as numpy writes them: to bytes, and from bytes that nobody vouches for.

use std::io::Write;

use crate::{Error, Result, io::table::wrong, replace::Unfilled};

const LOCAL: u32 = 0x0403_4b50;
const CENTRAL: u32 = 0x0201_4b50;
const END: u32 = 0x0605_4b50;

/// An archive being written.
pub(in crate::io) struct Zip<W> {
    out: W,
    written: u64,
    directory: Vec<u8>,
    files: u16,
}

/// Gives the bytes of a file, piece by piece, the same at every call.
pub(in crate::io) type Feed<'f> = dyn Fn(&mut dyn FnMut(&[u8])) + 'f;

impl<W: Write> Zip<W> {
    pub(in crate::io) fn new(out: W) -> Self {
        Self { out, written: 0, directory: Vec::new(), files: 0 }
    }

    /// Adds a file, not compressed.
    pub(in crate::io) fn add(&mut self, name: &str, data: &[u8]) -> std::result::Result<(), Unfilled> {
        self.add_pieces(name, &|sink| sink(data))
    }

    /// The same for a file that need not be in memory. It is asked for twice: an archive has the length and the checksum
    /// of a file before its bytes.
    pub(in crate::io) fn add_pieces(
        &mut self,
        name: &str,
        feed: &Feed<'_>,
    ) -> std::result::Result<(), Unfilled> {
        let too_large = |_| Error::Unwritable {
            format: "npz",
            reason: format!("at `{name}` it gets larger than the 4 GiB of a zip archive"),
        };
        let (mut sum, mut size) = (Crc32::new(), 0_u64);
        feed(&mut |piece| {
            sum.add(piece);
            size += piece.len() as u64;
        });
        let (size, offset) =
            (u32::try_from(size).map_err(too_large)?, u32::try_from(self.written).map_err(too_large)?);
        let length = u16::try_from(name.len()).map_err(too_large)?;
        self.files = self.files.checked_add(1).ok_or_else(|| Error::Unwritable {
            format: "npz",
            reason: "a zip archive holds 65,535 arrays at most".to_owned(),
        })?;
        // Version 2.0; names in UTF-8; stored; 1 January 1980, so that equal results are equal files.
        let mut common = Vec::new();
        for field in [20_u16, 0x0800, 0, 0, 0x21] {
            common.extend(field.to_le_bytes());
        }
        for field in [sum.value(), size, size] {
            common.extend(field.to_le_bytes());
        }
        common.extend(length.to_le_bytes());
        common.extend([0; 2]); // no extra field

        let local = [&LOCAL.to_le_bytes()[..], &common, name.as_bytes()].concat();
        self.out.write_all(&local)?;
        let mut written = Ok(());
        feed(&mut |piece| {
            if written.is_ok() {
                written = self.out.write_all(piece);
            }
        });
        written?;
        self.written += local.len() as u64 + u64::from(size);
        self.directory.extend(CENTRAL.to_le_bytes());
        self.directory.extend(20_u16.to_le_bytes());
        self.directory.extend(&common);
        self.directory.extend([0; 10]); // no comment, disk 0, no attributes
        self.directory.extend(offset.to_le_bytes());
        self.directory.extend(name.as_bytes());
        Ok(())
    }

    /// Ends the archive.
    pub(in crate::io) fn finish(mut self) -> std::result::Result<(), Unfilled> {
        let too_large = |_| Error::Unwritable {
            format: "npz",
            reason: "it is larger than the 4 GiB of a zip archive".to_owned(),
        };
        let offset = u32::try_from(self.written).map_err(too_large)?;
        let size = u32::try_from(self.directory.len()).map_err(too_large)?;
        let mut end = self.directory;
        end.extend(END.to_le_bytes());
        end.extend([0; 4]); // disk 0 of one
        end.extend([self.files.to_le_bytes(), self.files.to_le_bytes()].concat());
        end.extend([size.to_le_bytes(), offset.to_le_bytes()].concat());
        end.extend([0; 2]); // no comment
        Ok(self.out.write_all(&end)?)
    }
}

/// The files of an archive: their names and bytes. They take no more bytes together than the archive.
pub(in crate::io) fn files(archive: &[u8]) -> Result<Vec<(&str, &[u8])>> {
    let (files, directory) = end(archive).ok_or_else(|| {
        wrong("npz", "the end", "the directory of a zip archive of one disk and under 4 GiB", "otherwise")
    })?;
    let mut rest = archive.get(directory..).unwrap_or_default();
    let (mut found, mut total) = (Vec::new(), 0_usize);
    for number in 0..files {
        let (file, after) = entry(archive, rest).ok_or_else(|| {
            wrong("npz", format!("file {number} of the archive"), "whole and within the archive", "otherwise")
        })?;
        let Entry { name, method, flags, crc, data } = file;
        let place = format!("`{name}`");
        if method != 0 || flags & 1 != 0 {
            let found = if method == 0 { "encrypted" } else { "compressed" };
            return Err(wrong("npz", place, "stored, as numpy.savez does", found));
        }
        // Files of an archive may overlap, and each would be copied.
        total = total.saturating_add(data.len());
        if total > archive.len() {
            return Err(wrong("npz", place, "apart from other files", "overlapping them"));
        }
        let sum = crc32(data);
        if sum != crc {
            return Err(wrong("npz", place, format!("of checksum {crc:08x}"), format!("of {sum:08x}")));
        }
        found.push((name, data));
        rest = after;
    }
    Ok(found)
}

struct Entry<'a> {
    name: &'a str,
    method: u16,
    flags: u16,
    crc: u32,
    data: &'a [u8],
}

/// The number of files, and where the directory begins.
fn end(archive: &[u8]) -> Option<(u16, usize)> {
    // 22 bytes and a comment of at most 65,535.
    let first = archive.len().saturating_sub(22 + 65_535);
    (first..=archive.len().checked_sub(22)?).rev().find_map(|at| {
        let record = archive.get(at..)?;
        let whole = long(record, 0)? == END && 22 + usize::from(short(record, 20)?) == record.len();
        let (files, offset) = (short(record, 10)?, long(record, 16)?);
        // All ones stand for the fields of a larger archive.
        let small = short(record, 8)? == files && files != u16::MAX && offset != u32::MAX;
        (whole && small).then_some((files, usize::try_from(offset).ok()?))
    })
}

/// The first file of a directory, and the directory after it.
fn entry<'a>(archive: &'a [u8], directory: &'a [u8]) -> Option<(Entry<'a>, &'a [u8])> {
    if long(directory, 0)? != CENTRAL {
        return None;
    }
    let size = usize::try_from(long(directory, 20)?).ok()?;
    let lengths = [28, 30, 32].map(|at| short(directory, at).map(usize::from));
    let [name, extra, comment] = [lengths[0]?, lengths[1]?, lengths[2]?];
    let local = archive.get(usize::try_from(long(directory, 42)?).ok()?..)?;
    if long(local, 0)? != LOCAL {
        return None;
    }
    let start = 30 + usize::from(short(local, 26)?) + usize::from(short(local, 28)?);
    let entry = Entry {
        name: std::str::from_utf8(directory.get(46..46 + name)?).ok()?,
        method: short(directory, 10)?,
        flags: short(directory, 8)?,
        crc: long(directory, 16)?,
        data: local.get(start..start.checked_add(size)?)?,
    };
    Some((entry, directory.get(46 + name + extra + comment..)?))
}

fn short(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|bytes| u16::from_le_bytes(*bytes))
}

fn long(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|bytes| u32::from_le_bytes(*bytes))
}

/// CRC-32 as zip has it (reflected polynomial 0xEDB88320), of bytes that come piece by piece.
struct Crc32(u32);

impl Crc32 {
    const TABLE: [u32; 256] = {
        let mut table = [0; 256];
        let mut i = 0;
        while i < 256 {
            let (mut crc, mut bit) = (i as u32, 0);
            while bit < 8 {
                crc = (crc >> 1) ^ (0xedb8_8320 * (crc & 1));
                bit += 1;
            }
            table[i] = crc;
            i += 1;
        }
        table
    };

    fn new() -> Self {
        Self(!0)
    }

    fn add(&mut self, data: &[u8]) {
        let next = |crc: u32, &byte: &u8| (crc >> 8) ^ Self::TABLE[usize::from(crc as u8 ^ byte)];
        self.0 = data.iter().fold(self.0, next);
    }

    fn value(&self) -> u32 {
        !self.0
    }
}

fn crc32(data: &[u8]) -> u32 {
    let mut sum = Crc32::new();
    sum.add(data);
    sum.value()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn archive() -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut zip = Zip::new(&mut bytes);
        zip.add_pieces("one", &|sink| (0..4).for_each(|_| sink(&[1; 250]))).unwrap();
        zip.add("λ", &[]).unwrap();
        zip.finish().unwrap();
        bytes
    }

    #[test]
    fn the_checksum_is_the_standards() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(crc32(b""), 0);
    }

    #[test]
    fn files_are_read_as_they_were_added() {
        assert_eq!(files(&archive()).unwrap(), [("one", &[1; 1000][..]), ("λ", &[][..])]);
        let mut none = Vec::new();
        Zip::new(&mut none).finish().unwrap();
        assert!(files(&none).unwrap().is_empty());
        // A comment may follow.
        let mut commented = archive();
        let at = commented.len() - 2;
        commented[at] = 5;
        commented.extend(b"PK\x05\x06!");
        assert_eq!(files(&commented).unwrap().len(), 2);
    }

    #[test]
    fn lies_are_refused() {
        let good = archive();
        let directory = good.len() - 22 - (46 + 3) - (46 + 2);
        let error = |at: usize, bytes: &[u8]| {
            let mut bad = good.clone();
            bad[at..at + bytes.len()].copy_from_slice(bytes);
            files(&bad).unwrap_err().to_string()
        };
        assert!(error(40, &[7]).contains("checksum"));
        assert!(error(directory + 10, &[8]).contains("not compressed"));
        assert!(error(directory + 8, &[1]).contains("not encrypted"));
        assert!(error(directory + 20, &[0xff; 4]).contains("file 0"));
        assert!(error(directory + 42, &[0xff; 4]).contains("file 0"));
        assert!(error(good.len() - 22, &[0]).contains("the end"));
        // Hundreds of files out of one.
        let mut many = Vec::new();
        let mut zip = Zip::new(&mut many);
        zip.add("one", &[1; 1000]).unwrap();
        let one = zip.directory.clone();
        for _ in 0..200 {
            zip.directory.extend(&one);
            zip.files += 1;
        }
        zip.finish().unwrap();
        assert!(files(&many).unwrap_err().to_string().contains("overlapping"));
    }
}
