//! Files that are replaced only when the new one is whole.

use std::{
    fs,
    io::{self, Write},
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
};

use crate::{Error, Result};

/// Files begun by this process.
static BEGUN: AtomicUsize = AtomicUsize::new(0);

/// Writes these bytes to a file beside the target, syncs it, and moves it there.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    // A name of its own, or two writers of one path would share it.
    let number = BEGUN.fetch_add(1, Ordering::Relaxed);
    let mut partial = path.as_os_str().to_owned();
    partial.push(format!(".{}-{number}.partial", std::process::id()));
    let written = create(partial.as_ref(), bytes).and_then(|()| fs::rename(&partial, path));
    written.map_err(|source| {
        // The error that matters is the first one.
        let _ = fs::remove_file(&partial);
        Error::File { path: path.to_owned(), source }
    })
}

fn create(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = fs::File::create_new(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_and_nothing_is_left_beside_it() {
        let folder = std::env::temp_dir().join(format!("loss-landscape-plot-replace-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join("file");
        for bytes in [&b"old and long"[..], b"new"] {
            write(&path, bytes).unwrap();
            assert_eq!(fs::read(&path).unwrap(), bytes);
        }
        // A folder cannot be replaced by a file.
        let taken = folder.join("folder");
        fs::create_dir_all(taken.join("inside")).unwrap();
        assert!(matches!(write(&taken, b"new"), Err(Error::File { path, .. }) if path == taken));
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 2);
        fs::remove_dir_all(&folder).unwrap();
    }
}
