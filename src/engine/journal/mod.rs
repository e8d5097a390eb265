//! Journals: files to which a sweep appends its points as they finish, so that they survive its process.
//!
//! A head in text says which sweep the journal belongs to; a binary record for each point follows. Every record has a
//! checksum seeded with the hash of the head, so that a record of another sweep is not valid here.

use std::io;

mod by_point;
mod header;
mod known;
mod ledger;
mod points;
mod reading;
mod record;
mod scanner;

pub(crate) use by_point::ByPoint;
pub(crate) use header::{Header, full_channels};
pub(crate) use known::Known;
pub(crate) use ledger::Ledger;
pub use reading::{Damage, Journal};
pub(crate) use record::{Form, Reader, Record, encode, records};

/// Keeps what a measurement needs of a point in addition to its values, for other points that start from it.
pub(crate) trait Keeper: Sync {
    /// Appends what is kept of a point of a data set.
    fn save(&self, set: usize, point: usize, out: &mut Vec<u8>);

    /// Restores it from the journal, or from another process; false, without any change, if the bytes are not such as
    /// `save` or `save_summary` writes.
    fn restore(&self, set: usize, point: usize, bytes: &[u8]) -> bool;

    /// Appends what a result says of a point, without what other points alone start from.
    fn save_summary(&self, set: usize, point: usize, out: &mut Vec<u8>);

    /// Appends the points of which something is kept that this one is computed from.
    fn needs(&self, point: usize, out: &mut Vec<usize>);

    /// Appends what else a point is computed from: what process 0 alone knows, since it has seen all points of the stages
    /// before. It is the same for all points of a stage.
    fn save_stage(&self, point: usize, out: &mut Vec<u8>);

    /// Takes what `save_stage` wrote in process 0; false if the bytes are not such as it writes.
    fn restore_stage(&self, stage: &[u8]) -> bool;
}

/// Takes the records of points as they finish.
pub(crate) trait Recorder: Sync {
    /// The shape of its records.
    fn form(&self) -> Form;

    /// Takes these records, of so many points. False if it could not, or could not before.
    fn append(&self, records: &[u8], points: usize) -> bool;

    /// Keeps the error that records could not be made with; nothing is appended after it.
    fn fail(&self, error: io::Error);
}
