//! Reports of shapes and trajectories, draws and measures as files: JSON, npz and CSV.
//!
//! Such a report is a few values (its head) and tables of numbers. JSON holds what serde makes of the whole; the other
//! formats hold the head as JSON, and each table.

#[cfg(feature = "csv")]
mod csv;
mod draws;
#[cfg(any(feature = "npz", feature = "csv"))]
mod draws_tables;
#[cfg(feature = "json")]
mod json;
mod measures;
#[cfg(any(feature = "npz", feature = "csv"))]
mod measures_tables;
#[cfg(feature = "npz")]
mod npz;
#[cfg(any(feature = "npz", feature = "csv"))]
mod tables;
#[cfg(all(test, feature = "npz", feature = "csv"))]
mod testing;
mod topology;
#[cfg(any(feature = "npz", feature = "csv"))]
mod topology_tables;
mod trajectory;
#[cfg(any(feature = "npz", feature = "csv"))]
mod trajectory_tables;

use serde::{Serialize, de::DeserializeOwned};

use super::table::wrong;
use crate::{Error, Result, wire::VERSION};

/// A report that files hold.
pub(super) trait Report: Serialize + DeserializeOwned {
    /// What it is of: the format is `loss-landscape NAME`.
    const NAME: &'static str;

    /// Whether everything in it fits everything else, so that nobody needs to look again.
    fn check(&self) -> Result<(), Misfit>;
}

/// What is wrong with a report that was read.
#[derive(Debug)]
pub(super) struct Misfit {
    place: String,
    expected: String,
    found: String,
}

impl Misfit {
    #[allow(clippy::needless_pass_by_value, reason = "what callers have just made for it")]
    fn new(place: impl ToString, expected: impl ToString, found: impl ToString) -> Self {
        Self { place: place.to_string(), expected: expected.to_string(), found: found.to_string() }
    }

    fn into_error(self, format: &'static str) -> Error {
        wrong(format, self.place, self.expected, self.found)
    }
}

/// A report, or the head of one, under the name and the version of its format.
#[derive(serde::Serialize, serde::Deserialize)]
struct Document<T> {
    format: String,
    version: u64,
    report: T,
}

impl<T> Document<T> {
    fn new<R: Report>(report: T) -> Self {
        Self { format: format!("loss-landscape {}", R::NAME), version: VERSION, report }
    }

    fn check<R: Report>(self, format: &'static str) -> Result<T> {
        let expected = format!("loss-landscape {}", R::NAME);
        if self.format != expected {
            let found: String = self.format.chars().take(60).collect();
            return Err(wrong(format, "the format", format!("{expected:?}"), format!("{found:?}")));
        }
        if self.version != VERSION {
            return Err(wrong(format, "the version of the format", VERSION, self.version));
        }
        Ok(self.report)
    }
}

/// The methods of a report for one format.
macro_rules! files {
    ($report:ty, $name:literal, $format:ident, $feature:literal,
     $write:ident, $to:ident, $read:ident, $from:ident) => {
        #[cfg(feature = $feature)]
        impl $report {
            #[doc = concat!("Writes it as ", $name, ". A file of that name is replaced as a whole, in the way of")]
            /// [`files::write`](crate::files::write).
            ///
            /// # Errors
            /// Those of [`files::write`](crate::files::write).
            pub fn $write(&self, path: impl AsRef<std::path::Path>) -> crate::Result<()> {
                crate::replace::write(path, self.$to()?)
            }

            #[doc = concat!("The bytes of the file that [`", stringify!($write), "`](Self::", stringify!($write),
                            ") writes.")]
            ///
            /// # Errors
            /// [`Error::Unwritable`](crate::Error::Unwritable) for what the format cannot hold.
            pub fn $to(&self) -> crate::Result<Vec<u8>> {
                super::$format::encode(self)
            }

            #[doc = concat!("Reads the file that [`", stringify!($write), "`](Self::", stringify!($write), ") wrote.")]
            ///
            /// # Errors
            /// [`Error::File`](crate::Error::File); [`Error::InFile`](crate::Error::InFile) with what
            #[doc = concat!("[`", stringify!($from), "`](Self::", stringify!($from), ") finds wrong.")]
            pub fn $read(path: impl AsRef<std::path::Path>) -> crate::Result<Self> {
                crate::replace::read(path.as_ref(), Self::$from)
            }

            #[doc = concat!("Reads the bytes of a file that [`", stringify!($write), "`](Self::", stringify!($write),
                            ") wrote.")]
            ///
            /// They are not trusted: damage is an error, and at no moment does reading hold more than 64 bytes for each
            /// byte of the file, and 64 KiB.
            ///
            /// # Errors
            /// [`Error::Parse`](crate::Error::Parse) or [`Error::Format`](crate::Error::Format).
            pub fn $from(bytes: &[u8]) -> crate::Result<Self> {
                super::$format::decode(bytes)
            }
        }
    };
}
/// The methods of a report for all formats.
macro_rules! all_files {
    ($report:ty) => {
        super::files!($report, "JSON", json, "json", write_json, to_json_bytes, read_json, from_json_bytes);
        super::files!(
            $report,
            "npz, for `numpy.load`",
            npz,
            "npz",
            write_npz,
            to_npz_bytes,
            read_npz,
            from_npz_bytes
        );
        super::files!(
            $report,
            "CSV, for spreadsheets and pandas",
            csv,
            "csv",
            write_csv,
            to_csv_bytes,
            read_csv,
            from_csv_bytes
        );
    };
}
use {all_files, files};
