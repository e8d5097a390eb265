//! Journals: files to which a sweep appends its points as they finish, so that they survive its process.
//!
//! A head in text says which sweep the journal belongs to; a binary record for each point follows. Every record has a
//! checksum seeded with the hash of the head, so that a record of another sweep is not valid here.

mod by_point;
mod header;
mod known;
mod ledger;
mod reading;
mod record;

pub(crate) use by_point::ByPoint;
pub(crate) use header::{Header, full_channels};
pub(crate) use known::Known;
pub(crate) use ledger::Ledger;
pub use reading::{Damage, Journal};
pub(crate) use record::encode;

/// Keeps what a measurement needs of a point in addition to its values, for other points that start from it.
pub(crate) trait Keeper: Sync {
    /// Appends what is kept of a point of a data set.
    fn save(&self, set: usize, point: usize, out: &mut Vec<u8>);

    /// Restores it from the journal; false, without any change, if the bytes are not such as `save` writes.
    fn restore(&self, set: usize, point: usize, bytes: &[u8]) -> bool;
}
