//! Files that are replaced only when the new one is complete.

use std::{
    fs,
    io::Write,
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
};

use crate::{Error, Result};

/// The number of files that this process has begun, for names that differ.
static WRITERS: AtomicUsize = AtomicUsize::new(0);

/// Lets `write` fill a new file in the target's folder, syncs it, and renames it to the target.
pub(crate) fn replace(path: &Path, write: impl FnOnce(fs::File) -> Result<fs::File>) -> Result<()> {
    let file_error = |source| Error::File { path: path.to_owned(), source };
    // Two writers of one path must not share the partial file.
    let number = WRITERS.fetch_add(1, Ordering::Relaxed);
    let mut partial = path.as_os_str().to_owned();
    partial.push(format!(".{}-{number}.partial", std::process::id()));
    let file = fs::File::create_new(&partial).map_err(file_error)?;
    let written = (|| {
        write(file)?.sync_all().map_err(file_error)?;
        fs::rename(&partial, path).map_err(file_error)
    })();
    if written.is_err() {
        // The first error is the one to report.
        let _ = fs::remove_file(&partial);
    }
    written
}

/// Writes all of these bytes, or leaves the old file as it was.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    replace(path, |mut file| {
        file.write_all(bytes).map_err(|source| Error::File { path: path.to_owned(), source })?;
        Ok(file)
    })
}

/// Reads and parses a file; errors name the file.
#[cfg(any(feature = "json", feature = "safetensors"))]
pub(crate) fn read<T>(path: &Path, parse: impl FnOnce(&[u8]) -> Result<T>) -> Result<T> {
    let bytes = fs::read(path).map_err(|source| Error::File { path: path.to_owned(), source })?;
    parse(&bytes).map_err(|error| Error::InFile { path: path.to_owned(), source: Box::new(error) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_leaves_the_old_file_and_nothing_else() {
        let folder = std::env::temp_dir().join(format!("loss-landscape-replace-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join("file");
        fs::write(&path, "old").unwrap();
        let fails = replace(&path, |mut file| {
            file.write_all(b"half of the ne").unwrap();
            Err(Error::EmptyLayout)
        });
        assert!(matches!(fails, Err(Error::EmptyLayout)));
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
        let works = replace(&path, |mut file| {
            file.write_all(b"new").unwrap();
            Ok(file)
        });
        assert!(works.is_ok());
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
        fs::remove_dir_all(&folder).unwrap();
    }
}
