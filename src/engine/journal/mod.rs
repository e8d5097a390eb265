//! Journals: files that a sweep appends its points to as they finish, so that it survives its process.
//!
//! A head in text says what the journal is of; a record in bytes follows for each point. Every record has a
//! checksum seeded with the head's hash, so that a record of another sweep is none here.

mod header;
mod known;
mod ledger;
mod merged;
mod record;

pub(crate) use header::{Header, full_channels};
pub(crate) use known::Known;
pub(crate) use ledger::Ledger;
pub use merged::{Damage, Journal};
pub(crate) use record::encode;

/// What an oracle's side of a sweep keeps of a point beside its values, for points that start from it.
pub(crate) trait Keeper: Sync {
    /// Appends what is kept of a point of a data set.
    fn save(&self, set: usize, point: usize, out: &mut Vec<u8>);

    /// Takes it back; false if the bytes are not what `save` writes, and then nothing was taken.
    fn restore(&self, set: usize, point: usize, bytes: &[u8]) -> bool;
}
