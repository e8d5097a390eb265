//! How files are written: a file is replaced as a whole, a device or a pipe is written to, and all else is refused.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
};

use crate::{Error, Result};

/// The number of files that this process has begun, for names that differ.
static WRITERS: AtomicUsize = AtomicUsize::new(0);

/// The most links that are followed, as Linux has it.
const LINKS: usize = 40;

/// What stands at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(unix), allow(dead_code, reason = "other systems do not tell them apart"))]
enum Kind {
    File,
    Folder,
    CharacterDevice,
    BlockDevice,
    Pipe,
    Socket,
    Other,
}

/// How the bytes get there.
#[derive(Debug)]
enum Way {
    /// A new file takes this place, from an old one or from nothing.
    Replace { place: PathBuf, old: Option<fs::Metadata> },
    /// They are written into what is there.
    Into { place: PathBuf, found: fs::Metadata, descriptor: bool },
}

/// Writes all of these bytes to a file, in the way in which every writer of this crate and of `loss-landscape-plot`
/// does. What stands at the path decides:
///
/// - **A file** is replaced as a whole: a new one is written beside it, synced and renamed, so that no reader sees half
///   of it, and an error leaves the old one as it was and nothing beside it. Its mode and owner stay, where the system
///   allows; access lists and other attributes do not. Other names of the old file (hard links) keep its old content.
/// - **Nothing**: a file is made, with the mode that the process gives to new files.
/// - **A symbolic link** is followed: what it leads to is replaced, or made if it is not there, and the link stays.
/// - **A character device or a named pipe** is written to, as `/dev/null`, a terminal, or `/dev/stdout` for a program
///   in a pipeline. Opening a pipe **waits for its reader**, for as long as there is none. Bytes written before an
///   error stay written.
/// - **An open file of this process** under `/proc/self/fd` or `/dev/fd`, to which `/dev/stdout` may lead too, is
///   appended to, whatever it is.
/// - **All else** is refused and left as it is: a directory, a block device, a socket.
///
/// ```
/// use loss_landscape::{Error, files};
///
/// let folder = std::env::temp_dir().join(format!("files-{}", std::process::id()));
/// std::fs::create_dir_all(&folder).unwrap();
/// files::write(folder.join("report.txt"), "2601 points")?;
/// assert_eq!(std::fs::read(folder.join("report.txt")).unwrap(), b"2601 points");
///
/// let error = files::write(&folder, "2601 points").unwrap_err();
/// assert!(matches!(&error, Error::NotAFile { kind: "a directory", .. }), "{error}");
/// # std::fs::remove_dir_all(&folder).unwrap();
/// # Ok::<(), loss_landscape::Error>(())
/// ```
///
/// # Errors
/// [`Error::NotAFile`] for what is refused, and for links that lead in a circle; [`Error::FolderRefuses`] if no file
/// can be made or replaced in the folder, even where the old file itself could be written to; [`Error::File`] for all
/// else that the system says, such as a full disk, a folder that is not there, or a pipe whose reader went away.
pub fn write(path: impl AsRef<Path>, bytes: impl AsRef<[u8]>) -> Result<()> {
    let (path, bytes) = (path.as_ref(), bytes.as_ref());
    write_by(path, |out| Ok(out.write_all(bytes)?))
}

/// What keeps a file from being filled.
#[derive(Debug)]
pub(crate) enum Unfilled {
    /// It cannot be written.
    Write(io::Error),
    /// There is nothing to write.
    Source(Error),
}

impl From<io::Error> for Unfilled {
    fn from(error: io::Error) -> Self {
        Self::Write(error)
    }
}

impl From<Error> for Unfilled {
    fn from(error: Error) -> Self {
        Self::Source(error)
    }
}

/// The same for bytes that are not all in memory.
pub(crate) fn write_by(
    path: &Path,
    fill: impl FnOnce(&mut dyn Write) -> std::result::Result<(), Unfilled>,
) -> Result<()> {
    match way(path)? {
        Way::Replace { place, old } => replace(path, &place, old.as_ref(), |file| {
            fill(file)?;
            Ok(file.sync_all()?)
        }),
        Way::Into { place, found, descriptor } => {
            // Its own streams are not opened anew, which systems refuse for sockets and for other users' pipes.
            let own = if descriptor { system::own_stream(&found) } else { None };
            let filled = match own {
                Some(mut stream) => fill(&mut stream).and_then(|()| stream.flush().map_err(Unfilled::Write)),
                None => (fs::File::options().append(true).open(place).map_err(Unfilled::Write))
                    .and_then(|mut file| fill(&mut file)),
            };
            filled.map_err(|unfilled| unfilled.of(path))
        }
    }
}

/// The same for many small pieces.
#[cfg(any(feature = "json", feature = "vtk"))]
pub(crate) fn write_pieces(
    path: impl AsRef<Path>,
    fill: impl FnOnce(&mut dyn Write) -> std::result::Result<(), Unfilled>,
) -> Result<()> {
    write_by(path.as_ref(), |out| {
        let mut out = io::BufWriter::with_capacity(PIECES, out);
        fill(&mut out)?;
        Ok(out.flush()?)
    })
}

/// Bytes that are written at once.
#[cfg(any(feature = "json", feature = "vtk"))]
const PIECES: usize = 1 << 16;

/// What would be written to a file, in memory.
#[cfg(any(feature = "json", feature = "vtk"))]
pub(crate) fn in_memory(
    fill: impl FnOnce(&mut dyn Write) -> std::result::Result<(), Unfilled>,
) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    // Memory refuses no byte; if it did, there would be no path to name.
    fill(&mut bytes).map_err(|unfilled| unfilled.of(Path::new("")))?;
    Ok(bytes)
}

impl Unfilled {
    fn of(self, path: &Path) -> Error {
        match self {
            Self::Write(source) => Error::File { path: path.to_owned(), source },
            Self::Source(error) => error,
        }
    }
}

/// Refuses what is there and is no file, for those who lock, read and cut it. Nothing may be there.
pub(crate) fn ensure_file(path: &Path, reason: &'static str) -> Result<()> {
    match fs::metadata(path) {
        Ok(found) if !found.is_file() => Err(refused(path, path, Kind::of(&found), reason)),
        // What else is wrong, opening it will say.
        _ => Ok(()),
    }
}

/// Reads and parses a file; errors name the file.
#[cfg(any(feature = "json", feature = "safetensors"))]
pub(crate) fn read<T>(path: &Path, parse: impl FnOnce(&[u8]) -> Result<T>) -> Result<T> {
    let bytes = fs::read(path).map_err(|source| Error::File { path: path.to_owned(), source })?;
    parse(&bytes).map_err(|error| Error::InFile { path: path.to_owned(), source: Box::new(error) })
}

/// Follows links to what is there, and decides.
fn way(path: &Path) -> Result<Way> {
    let file_error = |source| Error::File { path: path.to_owned(), source };
    let mut place = path.to_owned();
    for _ in 0..=LINKS {
        let found = match fs::symlink_metadata(&place) {
            Ok(found) => found,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Way::Replace { place, old: None });
            }
            Err(error) => return Err(file_error(error)),
        };
        // The text of such a link is no path that one could rename to: it says `pipe:[…]`, or names a file that others
        // have open.
        let descriptor = system::is_descriptor(&place, &found);
        if found.is_symlink() && !descriptor {
            let target = fs::read_link(&place).map_err(file_error)?;
            // A relative one starts at the link.
            place = place.parent().map_or(target.clone(), |folder| folder.join(&target));
            continue;
        }
        let found = if descriptor { fs::metadata(&place).map_err(file_error)? } else { found };
        return match Kind::of(&found) {
            Kind::File if !descriptor => Ok(Way::Replace { place, old: Some(found) }),
            Kind::File | Kind::CharacterDevice | Kind::Pipe => Ok(Way::Into { place, found, descriptor }),
            Kind::Socket if descriptor && system::own_stream(&found).is_some() => {
                Ok(Way::Into { place, found, descriptor })
            }
            kind => {
                Err(refused(path, &place, kind, "only files, character devices and pipes are written to"))
            }
        };
    }
    let (kind, reason) = ("a symbolic link", "more than 40 links follow each other from there");
    Err(Error::NotAFile { path: path.to_owned(), place: path.to_owned(), kind, reason })
}

fn refused(path: &Path, place: &Path, kind: Kind, reason: &'static str) -> Error {
    Error::NotAFile { path: path.to_owned(), place: place.to_owned(), kind: kind.name(), reason }
}

/// Lets `fill` write a new file in the folder of a place, and renames it to that place.
fn replace(
    path: &Path,
    place: &Path,
    old: Option<&fs::Metadata>,
    fill: impl FnOnce(&mut fs::File) -> std::result::Result<(), Unfilled>,
) -> Result<()> {
    // Two writers of one path must not share the partial file.
    let number = WRITERS.fetch_add(1, Ordering::Relaxed);
    let mut partial = place.as_os_str().to_owned();
    partial.push(format!(".{}-{number}.partial", std::process::id()));
    let mut file =
        system::create(partial.as_ref(), old).map_err(|source| not_replaced(path, place, source))?;
    let filled = fill(&mut file).map_err(|unfilled| unfilled.of(path));
    if let Some(old) = old {
        system::keep_owner_and_mode(&file, old);
    }
    drop(file);
    let written =
        filled.and_then(|()| fs::rename(&partial, place).map_err(|source| not_replaced(path, place, source)));
    if written.is_err() {
        // The first error is the one to report.
        let _ = fs::remove_file(&partial);
    }
    written
}

/// What making or renaming a file in a folder failed with.
fn not_replaced(path: &Path, place: &Path, source: io::Error) -> Error {
    match source.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            let folder = place.parent().filter(|folder| !folder.as_os_str().is_empty());
            let folder = folder.unwrap_or(Path::new(".")).to_owned();
            Error::FolderRefuses { path: path.to_owned(), folder, source }
        }
        _ => Error::File { path: path.to_owned(), source },
    }
}

impl Kind {
    fn of(found: &fs::Metadata) -> Self {
        if found.is_dir() {
            Self::Folder
        } else if found.is_file() {
            Self::File
        } else {
            system::special(found)
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::File => "a file",
            Self::Folder => "a directory",
            Self::CharacterDevice => "a character device",
            Self::BlockDevice => "a block device",
            Self::Pipe => "a named pipe",
            Self::Socket => "a socket",
            Self::Other => "neither a file nor a directory",
        }
    }
}

/// What only Unix has: kinds of files, owners, modes, and paths of open files.
#[cfg(unix)]
mod system {
    use std::{
        fs,
        io::{self, Write},
        os::{
            fd::{AsFd, OwnedFd},
            unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt, fchown},
        },
        path::Path,
    };

    use super::Kind;

    /// Set-user-ID and set-group-ID.
    const IDENTITY_BITS: u32 = 0o6000;

    pub(super) fn special(found: &fs::Metadata) -> Kind {
        let kind = found.file_type();
        if kind.is_char_device() {
            Kind::CharacterDevice
        } else if kind.is_block_device() {
            Kind::BlockDevice
        } else if kind.is_fifo() {
            Kind::Pipe
        } else if kind.is_socket() {
            Kind::Socket
        } else {
            Kind::Other
        }
    }

    /// Whether a path stands for an open file: on Linux a link in `/proc`, elsewhere what is in `/dev/fd`.
    pub(super) fn is_descriptor(place: &Path, found: &fs::Metadata) -> bool {
        let folder = place.parent().and_then(|folder| fs::canonicalize(folder).ok());
        folder.is_some_and(|folder| {
            folder == Path::new("/dev/fd") || found.is_symlink() && folder.starts_with("/proc")
        })
    }

    /// The standard stream of this process that is this open file.
    pub(super) fn own_stream(found: &fs::Metadata) -> Option<Box<dyn Write>> {
        let is = |stream: io::Result<OwnedFd>| {
            let stream = stream.and_then(|stream| fs::File::from(stream).metadata());
            stream.is_ok_and(|stream| (stream.dev(), stream.ino()) == (found.dev(), found.ino()))
        };
        if is(io::stdout().as_fd().try_clone_to_owned()) {
            Some(Box::new(io::stdout().lock()))
        } else if is(io::stderr().as_fd().try_clone_to_owned()) {
            Some(Box::new(io::stderr().lock()))
        } else {
            None
        }
    }

    /// A new file, which nobody else can read before it has the mode of the old one.
    pub(super) fn create(path: &Path, old: Option<&fs::Metadata>) -> io::Result<fs::File> {
        let mut options = fs::File::options();
        options.write(true).create_new(true);
        if old.is_some() {
            options.mode(0o600);
        }
        options.open(path)
    }

    /// Errors are no reason to lose what was written: the system does not allow it, or its files have no owners.
    pub(super) fn keep_owner_and_mode(file: &fs::File, old: &fs::Metadata) {
        let owner = |file: &fs::File| file.metadata().map(|new| (new.uid(), new.gid()));
        if let Ok((user, group)) = owner(file) {
            // One by one, since a user may give a file to another group, but not to another user.
            if group != old.gid() {
                let _ = fchown(file, None, Some(old.gid()));
            }
            if user != old.uid() {
                let _ = fchown(file, Some(old.uid()), None);
            }
        }
        // After the owner, whose change clears bits of the mode; and these bits are not for another owner.
        let kept = owner(file).is_ok_and(|owner| owner == (old.uid(), old.gid()));
        let mode = old.mode() & 0o7777 & if kept { 0o7777 } else { !IDENTITY_BITS };
        let _ = file.set_permissions(fs::Permissions::from_mode(mode));
    }
}

#[cfg(not(unix))]
mod system {
    use std::{
        fs,
        io::{self, Write},
        path::Path,
    };

    use super::Kind;

    pub(super) fn special(_: &fs::Metadata) -> Kind {
        Kind::Other
    }

    pub(super) fn is_descriptor(_: &Path, _: &fs::Metadata) -> bool {
        false
    }

    pub(super) fn own_stream(_: &fs::Metadata) -> Option<Box<dyn Write>> {
        None
    }

    pub(super) fn create(path: &Path, _: Option<&fs::Metadata>) -> io::Result<fs::File> {
        fs::File::create_new(path)
    }

    pub(super) fn keep_owner_and_mode(_: &fs::File, _: &fs::Metadata) {}
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
        let old = fs::metadata(&path).unwrap();
        let fails = replace(&path, &path, Some(&old), |file| {
            file.write_all(b"half of the ne").unwrap();
            Err(Unfilled::Write(io::ErrorKind::StorageFull.into()))
        });
        let full = |source: &io::Error| source.kind() == io::ErrorKind::StorageFull;
        assert!(matches!(fails, Err(Error::File { path: at, source }) if at == path && full(&source)));
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
        // A directory that appears in between is not replaced either.
        let taken = folder.join("taken");
        fs::create_dir(&taken).unwrap();
        let fails = replace(&taken, &taken, None, |file| Ok(file.write_all(b"new")?));
        assert!(fails.is_err() && taken.is_dir());
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 2);
        write(&path, "new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 2);
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn a_folder_that_refuses_is_named() {
        for (place, folder) in [("folder/file", "folder"), ("file", "."), ("/file", "/")] {
            let place = Path::new(place);
            for kind in [io::ErrorKind::PermissionDenied, io::ErrorKind::ReadOnlyFilesystem] {
                let error = not_replaced(Path::new("link"), place, kind.into());
                let text = error.to_string();
                assert!(
                    matches!(&error, Error::FolderRefuses { path, folder: named, .. }
                        if path == Path::new("link") && named == Path::new(folder)),
                    "{text}"
                );
                assert!(text.contains(&format!("the folder {folder} ")), "{text}");
            }
        }
    }
}
