//! The file of a journal while a sweep runs: it is locked, read, and appended to as points finish.

use std::{
    fs::{File, TryLockError},
    io::{self, Read, Seek, SeekFrom, Write},
    ops::Range,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use super::{
    Keeper, Recorder,
    header::Header,
    known::{Known, agree},
    record::{Form, Record},
    scanner::{Scan, Scanner},
};
use crate::{Error, Result, landscape::Resumed, replace};

/// Whatever a process has written survives its death. To lose little in a power failure too, a write syncs the file if
/// the last sync was longer ago than this.
const SYNC: Duration = Duration::from_secs(5);

/// How long a lock is waited for.
const PATIENCE: Duration = Duration::from_millis(200);

/// Why nothing but a file can be a journal.
const NEEDS: &str = "a journal must be a file, which can be locked, read back and cut";

/// A journal open for a sweep. No other process can open it until it is dropped.
#[derive(Debug)]
pub(crate) struct Ledger {
    path: PathBuf,
    form: Form,
    tail: Mutex<Tail>,
}

#[derive(Debug)]
struct Tail {
    file: File,
    /// Bytes of the head and of complete records.
    len: u64,
    points: usize,
    synced: Instant,
    failed: Option<io::Error>,
}

impl Ledger {
    /// Opens a journal, or begins one if there is none, locks it, and adds its points to `known`. The second value says
    /// what was in it; None if there was nothing.
    ///
    /// # Errors
    /// [`Error::File`]; [`Error::NotAFile`]; [`Error::JournalInUse`]; [`Error::NotAJournal`]; [`Error::JournalMismatch`];
    /// [`Error::JournalConflict`].
    pub(crate) fn resume(
        path: &Path,
        header: &Header,
        keeper: Option<&dyn Keeper>,
        known: &mut Known,
    ) -> Result<(Self, Option<Resumed>)> {
        let head = header.encode();
        let at = |source| Error::File { path: path.to_owned(), source };
        let (ledger, mut damaged) = Self::open(path, header, &head)?;
        let file = ledger.tail().file.try_clone().map_err(at)?;
        let mut scanner = Scanner::new(ledger.form, file, head.len() as u64, &head).map_err(at)?;
        let mut points = 0;
        while let Some((record, place)) = scanner.next().map_err(at)? {
            let Record { point, values, failures, extras } = record;
            if let Some(known) = known.get(point) {
                if !agree(known, &values) {
                    let (index, coordinates) = header.place(point);
                    let (first, second) = (path.to_owned(), path.to_owned());
                    return Err(Error::JournalConflict { index, coordinates, first, second });
                }
                continue;
            }
            let restored = keeper.is_none_or(|keeper| {
                extras.iter().enumerate().all(|(set, extra)| keeper.restore(set, point, extra))
            });
            if restored {
                known.take(header, point, &values, &failures);
                points += usize::from(point < header.points());
            } else {
                damaged.push(place);
            }
        }
        let Scan { damaged: between, end, len } = scanner.finish();
        damaged.extend(between);
        damaged.sort_by_key(|bytes| bytes.start);
        let torn = ledger.cut(end..len, points)?;
        let anything = points > 0 || torn > 0 || !damaged.is_empty();
        Ok((ledger, anything.then_some(Resumed { points, torn, damaged, unchecked_data: Vec::new() })))
    }

    /// Opens and locks the journal. The bytes of its head are in the list if they were damaged.
    fn open(path: &Path, header: &Header, head: &[u8]) -> Result<(Self, Vec<Range<u64>>)> {
        let at = |source| Error::File { path: path.to_owned(), source };
        replace::ensure_file(path, NEEDS)?;
        let mut file =
            File::options().read(true).write(true).create(true).truncate(false).open(path).map_err(at)?;
        lock(&file, path)?;
        let form = Form::new(header, head);
        let mut begun = Vec::new();
        (&file).take(head.len() as u64).read_to_end(&mut begun).map_err(at)?;
        let mut damaged = Vec::new();
        if head.starts_with(&begun) && begun.len() < head.len() {
            // A new file, or one whose process was killed before its head was complete.
            file.set_len(0).and_then(|()| file.rewind()).map_err(at)?;
            file.write_all(head).and_then(|()| file.sync_data()).map_err(at)?;
        } else {
            match Header::read(&mut file).map_err(at)? {
                Ok((found, _)) => {
                    let differences = header.differences(&found);
                    if !differences.is_empty() {
                        return Err(Error::JournalMismatch { path: path.to_owned(), differences });
                    }
                }
                Err(reason) => {
                    // The checksums of records are seeded with their head: valid records prove that the head was this
                    // one.
                    let mut scanner = Scanner::new(form, &mut file, begun.len() as u64, head).map_err(at)?;
                    if scanner.next().map_err(at)?.is_none() {
                        return Err(Error::NotAJournal { path: path.to_owned(), reason });
                    }
                    file.rewind().and_then(|()| file.write_all(head)).map_err(at)?;
                }
            }
            if begun != head {
                damaged.push(0..head.len() as u64);
            }
        }
        let tail = Mutex::new(Tail { file, len: 0, points: 0, synced: Instant::now(), failed: None });
        Ok((Self { path: path.to_owned(), form, tail }, damaged))
    }

    /// Removes these bytes, from the end of the last complete record to the end of the file, so that the next one begins
    /// there, and returns how many they were.
    fn cut(&self, Range { start: end, end: len }: Range<u64>, points: usize) -> Result<u64> {
        let mut tail = self.tail();
        let cut = |tail: &mut Tail| {
            if end < len {
                tail.file.set_len(end)?;
            }
            tail.file.seek(SeekFrom::Start(end))
        };
        cut(&mut tail).map_err(|source| Error::File { path: self.path.clone(), source })?;
        let torn = len.saturating_sub(end);
        (tail.len, tail.points) = (end, points);
        Ok(torn)
    }

    /// Syncs and closes the journal; fails with the error of the append that failed, if one did.
    pub(crate) fn close(self) -> Result<()> {
        let Tail { file, points, failed, .. } =
            self.tail.into_inner().unwrap_or_else(PoisonError::into_inner);
        match failed.map_or_else(|| file.sync_data(), Err) {
            Ok(()) => Ok(()),
            Err(source) => Err(Error::JournalWrite { path: self.path, points, source }),
        }
    }

    fn tail(&self) -> MutexGuard<'_, Tail> {
        self.tail.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Recorder for Ledger {
    fn form(&self) -> Form {
        self.form
    }

    fn append(&self, records: &[u8], points: usize) -> bool {
        let mut tail = self.tail();
        if tail.failed.is_some() {
            return false;
        }
        let mut written = tail.file.write_all(records);
        if written.is_ok() {
            tail.len += records.len() as u64;
            tail.points += points;
            if tail.synced.elapsed() > SYNC {
                written = tail.file.sync_data();
                tail.synced = Instant::now();
            }
        } else {
            // The next run would remove half a record anyway.
            let (len, file) = (tail.len, &mut tail.file);
            let _ = file.set_len(len).and_then(|()| file.seek(SeekFrom::Start(len)));
        }
        tail.failed = written.err();
        tail.failed.is_none()
    }

    fn fail(&self, error: io::Error) {
        self.tail().failed.get_or_insert(error);
    }
}

/// Locks the file of a journal against other sweeps.
///
/// A process that this one starts has copies of all its locks until it has begun, so that a lock may seem to be held
/// for a moment after it was given up.
pub(super) fn lock(file: &File, path: &Path) -> Result<()> {
    let started = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::Error(source)) => return Err(Error::File { path: path.to_owned(), source }),
            Err(TryLockError::WouldBlock) if started.elapsed() < PATIENCE => thread::sleep(PATIENCE / 20),
            Err(TryLockError::WouldBlock) => return Err(Error::JournalInUse { path: path.to_owned() }),
        }
    }
}
