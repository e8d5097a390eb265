//! Files that are read whole, and errors that name them.

use std::{fs, path::Path};

use crate::error::{Error, Result};

/// The bytes of a file.
pub(super) fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(|source| Error::Unreadable { path: path.to_owned(), source })
}

/// An error of what a file holds, with its path.
pub(super) fn in_file(path: &Path, error: Error) -> Error {
    Error::InFile { path: path.to_owned(), source: Box::new(error) }
}
