//! Fingerprints of networks and data: hashes of bytes that are written field by field.
//!
//! A journal holds the fingerprint of what it was computed from, so it must not change with the names of types
//! or fields, nor with how Rust prints them. The form is this file and the `write_fingerprint` functions of the
//! types: a change of either is a new [`VERSION`], and makes finished journals those of another sweep.

use loss_landscape::{Scalar, content_hash};
use xxhash_rust::xxh3::xxh3_64;

/// The form of the bytes.
const VERSION: u64 = 1;

/// The bytes written so far.
///
/// Every field takes eight bytes, little-endian; texts and lists are preceded by their length, and alternatives
/// by a number of their own, so that two different values never write the same bytes.
#[derive(Clone, Debug)]
pub(crate) struct Fingerprint {
    bytes: Vec<u8>,
}

impl Fingerprint {
    /// Of something of this kind, in this scalar.
    pub(crate) fn new<S: Scalar>(kind: &str) -> Self {
        let mut new = Self { bytes: Vec::new() };
        new.number(VERSION);
        new.text(kind);
        new.text(S::NAME);
        new
    }

    pub(crate) fn number(&mut self, number: u64) {
        self.bytes.extend_from_slice(&number.to_le_bytes());
    }

    pub(crate) fn count(&mut self, count: usize) {
        self.number(count as u64);
    }

    pub(crate) fn counts(&mut self, counts: &[usize]) {
        self.count(counts.len());
        for &count in counts {
            self.count(count);
        }
    }

    pub(crate) fn real(&mut self, value: f64) {
        self.number(value.to_bits());
    }

    pub(crate) fn flag(&mut self, flag: bool) {
        self.number(u64::from(flag));
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.count(text.len());
        self.bytes.extend_from_slice(text.as_bytes());
    }

    /// A hash of the values' bits.
    pub(crate) fn values<S: Scalar>(&mut self, values: &[S]) {
        self.count(values.len());
        self.number(content_hash(values));
    }

    pub(crate) fn hash(&self) -> u64 {
        xxh3_64(&self.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_keep_their_borders() {
        let with = |texts: [&str; 2]| {
            let mut fingerprint = Fingerprint::new::<f32>("test");
            for text in texts {
                fingerprint.text(text);
            }
            fingerprint.hash()
        };
        assert_ne!(with(["ab", "c"]), with(["a", "bc"]));
        assert_ne!(Fingerprint::new::<f32>("test").hash(), Fingerprint::new::<f64>("test").hash());
    }

    #[test]
    fn the_form_of_version_1_does_not_change() {
        let mut fingerprint = Fingerprint::new::<f64>("test");
        fingerprint.counts(&[1, 2, 3]);
        fingerprint.real(0.5);
        fingerprint.flag(true);
        fingerprint.values(&[1.0_f32, 2.0]);
        assert_eq!(fingerprint.bytes.len(), 8 + (8 + 4) + (8 + 3) + 4 * 8 + 8 + 8 + 2 * 8);
        assert_eq!(fingerprint.hash(), 0xae8d_c660_0d70_cd76);
    }
}
