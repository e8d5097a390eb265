//! The folder of a study: its manifest, the lock against a second process, and how its files are read and written.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use xxhash_rust::xxh3::xxh3_64;

use crate::{Error, Result, Setting};

/// The file that makes a folder a study's.
const MANIFEST: &str = "study.json";
const LOCK: &str = "study.lock";
/// Changes with the forms of what is kept in a folder.
const FORMAT: u32 = 1;

/// A folder with the results of one study.
#[derive(Debug)]
pub struct Folder {
    root: PathBuf,
    /// Held until the study ends, and let go by the system when its process does.
    _lock: File,
}

#[derive(Debug, Serialize, Deserialize)]
struct Manifest {
    study: String,
    format: u32,
    version: String,
    setting: Setting,
}

impl Manifest {
    fn new(setting: &Setting) -> Self {
        Self {
            study: "the paper, redone".to_owned(),
            format: FORMAT,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            setting: setting.clone(),
        }
    }
}

impl Folder {
    /// Opens the folder of a study with this setting, or makes it.
    ///
    /// # Errors
    /// [`Error::ForeignFolder`], [`Error::OtherStudy`], [`Error::FolderInUse`], [`Error::Damaged`] for a manifest that
    /// cannot be read, and [`Error::Read`] or [`Error::Write`].
    pub fn open(root: impl Into<PathBuf>, setting: &Setting) -> Result<Self> {
        let root = root.into();
        setting.check()?;
        fs::create_dir_all(&root).map_err(|source| Error::Write { path: root.clone(), source })?;
        let path = root.join(MANIFEST);
        let known = path.exists();
        if !known && let Some(found) = first_file(&root)? {
            return Err(Error::ForeignFolder { folder: root, file: MANIFEST, found });
        }
        let lock_path = root.join(LOCK);
        let lock = File::create(&lock_path).map_err(|source| Error::Write { path: lock_path, source })?;
        if lock.try_lock().is_err() {
            return Err(Error::FolderInUse { folder: root });
        }
        let folder = Self { root, _lock: lock };
        if known {
            let manifest: Manifest = folder.read_json(MANIFEST)?;
            let other = |setting: &str, theirs: String, ours: String| Error::OtherStudy {
                folder: folder.root.clone(),
                setting: setting.to_owned(),
                theirs,
                ours,
            };
            if manifest.format != FORMAT {
                return Err(other("format", manifest.format.to_string(), FORMAT.to_string()));
            }
            if let Some((name, ours, theirs)) = setting.difference(&manifest.setting) {
                return Err(other(&name, theirs, ours));
            }
        } else {
            folder.write_json(MANIFEST, &Manifest::new(setting))?;
        }
        Ok(folder)
    }

    /// A file of it.
    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.root.join(name)
    }

    /// Whether a file is there.
    pub fn has(&self, name: &str) -> bool {
        self.path(name).is_file()
    }

    /// The bytes of a file.
    ///
    /// # Errors
    /// [`Error::Read`].
    pub fn read(&self, name: &str) -> Result<Vec<u8>> {
        let path = self.path(name);
        fs::read(&path).map_err(|source| Error::Read { path, source })
    }

    /// Writes a file as a whole.
    ///
    /// # Errors
    /// [`Error::Write`].
    pub fn write(&self, name: impl AsRef<Path>, bytes: impl AsRef<[u8]>) -> Result<()> {
        let path = self.path(name);
        let parent = path.parent().unwrap_or(&self.root);
        fs::create_dir_all(parent).map_err(|source| Error::Write { path: parent.to_owned(), source })?;
        loss_landscape::files::write(&path, bytes).map_err(|error| match error {
            loss_landscape::Error::File { source, .. } => Error::Write { path, source },
            other => Error::Core(other),
        })
    }

    /// A value of a JSON file.
    ///
    /// # Errors
    /// [`Error::Read`] and [`Error::Damaged`].
    pub fn read_json<T: DeserializeOwned>(&self, name: &str) -> Result<T> {
        let bytes = self.read(name)?;
        serde_json::from_slice(&bytes)
            .map_err(|error| Error::Damaged { path: self.path(name), why: error.to_string() })
    }

    /// Writes a value as JSON.
    ///
    /// # Errors
    /// [`Error::Write`].
    pub fn write_json<T: Serialize>(&self, name: &str, value: &T) -> Result<()> {
        let mut text = serde_json::to_string_pretty(value)
            .map_err(|error| Error::Write { path: self.path(name), source: io::Error::other(error) })?;
        text.push('\n');
        self.write(name, text)
    }

    /// Removes a file that is no longer needed.
    pub(crate) fn remove(&self, name: &str) {
        // What stays takes room and does no harm.
        drop(fs::remove_file(self.path(name)));
    }
}

/// The hash of a file's bytes, as it is written down.
pub(crate) fn file_hash(bytes: &[u8]) -> String {
    format!("{:016x}", xxh3_64(bytes))
}

/// The name of some file in a folder, the first in their order.
fn first_file(root: &Path) -> Result<Option<String>> {
    let failed = |source| Error::Read { path: root.to_owned(), source };
    let mut names = Vec::new();
    for entry in fs::read_dir(root).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name().to_string_lossy().into_owned();
        // A study killed between its lock and its manifest.
        if name != LOCK && !name.starts_with('.') {
            names.push(name);
        }
    }
    names.sort();
    Ok(names.into_iter().next())
}
