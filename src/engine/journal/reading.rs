//! Journals read back: that of one process, or those of many merged into one.

use std::{
    fmt,
    fs::{self, File},
    io::{Cursor, Read, Seek, SeekFrom, Write},
    ops::Range,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use super::{
    by_point::ByPoint,
    header::Header,
    known::{Known, agree},
    ledger::lock,
    points::{Extra, KeptPoint, Points},
    record::{Form, Record, encode, records},
    scanner::{Scan, Scanner},
};
use crate::{
    Draws, Error, GridDimension, Landscape, Result,
    landscape::{Parts, Provenance, SweepEnd},
    replace::{self, Unfilled},
};

/// The points of one or several journals of the same sweep, as [`Sweep::journal`](crate::Sweep::journal)
/// writes them.
///
/// Journals of shards merge in any order. Where several of them have the same point, its values must agree to the bit.
/// [`gaps`](Self::gaps) lists the points that are missing; a sweep fills them if it is given the merged journal,
/// [written](Self::write) to a file.
///
/// ```
/// use loss_landscape::{FnModel, Journal, Layout, RandomDirections, Surface, Sweep};
///
/// let folder = std::env::temp_dir().join(format!("journals-{}", std::process::id()));
/// std::fs::create_dir_all(&folder).unwrap();
/// let model = FnModel::new(Layout::flat(2)?, vec![1.0, 2.0], |t: &[f64], _: &()| t[0] * t[1])?;
/// let mut paths = Vec::new();
/// for k in 0..3 {
///     // Each of these may be a process on a machine of its own.
///     let path = folder.join(format!("{k}.journal"));
///     Sweep::plane(&model, RandomDirections::new(1)).data("", &()).shard(k, 3).journal(&path).run()?;
///     paths.push(path);
/// }
/// let journal = Journal::read(&paths)?;
/// assert!(journal.gaps().is_empty());
/// let surface = Surface::from_journal(&journal)?;
/// assert_eq!(surface.report().computed, 51 * 51);
/// # std::fs::remove_dir_all(&folder).unwrap();
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Journal {
    header: Header,
    points: Points,
    sources: Vec<Source>,
    damage: Vec<Damage>,
}

/// Where a journal was read from, by the number of its file.
#[derive(Clone, Debug)]
struct Source {
    path: PathBuf,
    /// None if it is a file.
    bytes: Option<Arc<[u8]>>,
}

/// A part of a journal that holds no points, because it was changed after it was written, or cut short. Its points are
/// among the [`gaps`](Journal::gaps).
///
/// ```
/// use loss_landscape::{FnModel, Journal, Layout, RandomDirections, Sweep};
///
/// let path = std::env::temp_dir().join(format!("damaged-{}.journal", std::process::id()));
/// let model = FnModel::new(Layout::flat(2)?, vec![1.0, 2.0], |t: &[f64], _: &()| t[0] * t[1])?;
/// Sweep::line(&model, RandomDirections::new(1)).data("", &()).threads(1).journal(&path).run()?;
///
/// let mut bytes = std::fs::read(&path).unwrap();
/// bytes.pop(); // as if the process had been killed while it wrote the last record
/// let journal = Journal::from_bytes(&bytes)?;
/// let damage = &journal.damage()[0];
/// assert!(damage.torn && damage.bytes.end == bytes.len() as u64);
/// assert_eq!((journal.computed(), journal.gaps()), (50, vec![50..51]));
/// println!("{damage}"); // …: an unfinished end in bytes 2986..3033
/// # std::fs::remove_file(&path).unwrap();
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Damage {
    /// The file.
    pub path: PathBuf,
    /// The range of bytes in it.
    pub bytes: Range<u64>,
    /// Whether it is the end of the file, as a killed process may leave it.
    pub torn: bool,
}

/// A short head may announce a large grid, so that memory is limited to what a sweep may take by default.
const MEMORY_LIMIT: u64 = 4 << 30;
const WRITTEN_AT_ONCE: usize = 1 << 20;

impl Journal {
    /// Reads journals and merges them. A sweep may still be writing them (except on Windows, where its lock keeps
    /// readers out too). A file that was just begun and has no complete head yet counts as empty, if another file has a
    /// head.
    ///
    /// If a point failed in one journal and succeeded in another, the journal in which it succeeded counts.
    ///
    /// **Memory.** Some 8 bytes for each value and 4 for each point. What a ratio map or a sampled sweep leaves of its points
    /// besides stays in the files.
    ///
    /// # Errors
    /// [`Error::File`]; [`Error::NotAJournal`]; [`Error::JournalMismatch`] for journals of different sweeps;
    /// [`Error::JournalConflict`] for a point with different values; [`Error::NoJournals`].
    pub fn read<P: AsRef<Path>>(paths: impl IntoIterator<Item = P>) -> Result<Self> {
        let mut journal: Option<Self> = None;
        let mut begun = Vec::new();
        for path in paths {
            let path = path.as_ref();
            let at = |source| Error::File { path: path.to_owned(), source };
            let mut file = File::open(path).map_err(at)?;
            let header = match Header::read(&mut file).map_err(at)? {
                Ok((header, _)) => header,
                Err(reason) => {
                    begun.push((path.to_owned(), reason));
                    continue;
                }
            };
            let journal = journal.get_or_insert_with(|| Self::empty(header.clone()));
            let differences = journal.header.differences(&header);
            if !differences.is_empty() {
                return Err(Error::JournalMismatch { path: path.to_owned(), differences });
            }
            journal.add(file, Source { path: path.to_owned(), bytes: None })?;
        }
        let head = journal.as_ref().map(|journal| journal.header.encode()).unwrap_or_default();
        for (path, reason) in begun {
            let at = |source| Error::File { path: path.clone(), source };
            let mut bytes = Vec::new();
            File::open(&path)
                .and_then(|file| file.take(head.len() as u64).read_to_end(&mut bytes))
                .map_err(at)?;
            if head.is_empty() || bytes == head || !head.starts_with(&bytes) {
                return Err(Error::NotAJournal { path, reason });
            }
        }
        journal.ok_or(Error::NoJournals)
    }

    /// Reads a journal from bytes, as [`read`](Self::read) does from a file. [`Damage`](crate::report::Damage) has an
    /// example.
    ///
    /// # Errors
    /// As [`read`](Self::read), without a path.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let path = PathBuf::from("the journal");
        let (header, _) =
            (Header::decode(bytes)).map_err(|reason| Error::NotAJournal { path: path.clone(), reason })?;
        let mut journal = Self::empty(header);
        journal.add(Cursor::new(bytes), Source { path, bytes: Some(Arc::default()) })?;
        if journal.points.iter().any(|(_, kept)| kept.extra.is_some_and(|extra| extra.record.is_some())) {
            journal.sources[0].bytes = Some(bytes.into());
        }
        Ok(journal)
    }

    fn empty(header: Header) -> Self {
        let points = Points::new(header.stride());
        Self { header, points, sources: Vec::new(), damage: Vec::new() }
    }

    fn add(&mut self, bytes: impl Read + Seek, source: Source) -> Result<()> {
        let head = self.header.encode();
        let path = source.path.clone();
        let at = |source| Error::File { path: path.clone(), source };
        let file = self.sources.len();
        self.sources.push(source);
        let form = Form::new(&self.header, &head);
        let mut scanner = Scanner::new(form, bytes, head.len() as u64, &head).map_err(at)?;
        while let Some((record, place)) = scanner.next().map_err(at)? {
            let Record { point, values, failures, extras } = record;
            if let Some(known) = self.points.get(point) {
                let failed =
                    |set: usize| known.failures.iter().chain(&failures).any(|(other, _)| *other == set);
                let channels = self.header.channels.len();
                let pairs = known.values.chunks(channels).zip(values.chunks(channels)).enumerate();
                if pairs.into_iter().any(|(set, (a, b))| !failed(set) && !agree(a, b)) {
                    let (index, coordinates) = self.header.place(point);
                    let first = self.sources[known.file].path.clone();
                    return Err(Error::JournalConflict { index, coordinates, first, second: path });
                }
                if failures.len() >= known.failures.len() {
                    continue;
                }
            }
            self.points.insert(point, &values, failures, file, Extra::of(&extras, place));
        }
        let Scan { damaged, end, len } = scanner.finish();
        let damage = |bytes, torn| Damage { path: path.clone(), bytes, torn };
        self.damage.extend(damaged.into_iter().map(|bytes| damage(bytes, false)));
        self.damage.extend((end < len).then(|| damage(end..len, true)));
        Ok(())
    }

    /// The number of points of the whole sweep, of all its draws.
    pub fn total(&self) -> usize {
        self.header.points()
    }

    /// The number of points in the journal.
    pub fn computed(&self) -> usize {
        self.points.numbers_below(self.total()).count()
    }

    /// Whether a point is in the journal; its number is i·n + j on a grid of m×n points, and k·m·n more in draw k.
    pub fn contains(&self, point: usize) -> bool {
        self.points.contains(point)
    }

    /// The points that are missing, as ranges of their numbers i·n + j on a grid of m×n points.
    ///
    /// ```
    /// use loss_landscape::{FnModel, Journal, Layout, RandomDirections, Sweep};
    ///
    /// let path = std::env::temp_dir().join(format!("gaps-{}.journal", std::process::id()));
    /// let model = FnModel::new(Layout::flat(2)?, vec![1.0, 2.0], |t: &[f64], _: &()| t[0] * t[1])?;
    /// let sweep = || Sweep::line(&model, RandomDirections::new(1)).data("", &()).alpha(-1.0..=1.0, 6).journal(&path);
    /// sweep().shard(0, 2).run()?; // points 0, 2 and 4
    /// let journal = Journal::read([&path])?;
    /// assert_eq!(journal.gaps(), [1..2, 3..4, 5..6]);
    /// assert!(journal.contains(2) && (journal.computed(), journal.total()) == (3, 6));
    /// assert_eq!(journal.to_string(), "line, 6 points, 3 computed, 3 missing");
    /// // The same sweep without a shard fills them.
    /// assert_eq!(sweep().run()?.report().resumed.as_ref().map(|resumed| resumed.points), Some(3));
    /// assert!(Journal::read([&path])?.gaps().is_empty());
    /// # std::fs::remove_file(&path).unwrap();
    /// # Ok::<(), loss_landscape::Error>(())
    /// ```
    pub fn gaps(&self) -> Vec<Range<usize>> {
        let mut gaps = Vec::new();
        let mut next = 0;
        for point in self.points.numbers_below(self.total()).chain([self.total()]) {
            if point > next {
                gaps.push(next..point);
            }
            next = point + 1;
        }
        gaps
    }

    /// The parts of the files that hold no points; empty if all are intact.
    pub fn damage(&self) -> &[Damage] {
        &self.damage
    }

    /// The θ, directions and data of the sweep, by hashes.
    pub fn provenance(&self) -> &Provenance {
        &self.header.provenance
    }

    /// The same journal without the points at which an oracle failed, for a sweep that should try them again. A point
    /// whose values are not finite did not fail, and is kept.
    ///
    /// ```
    /// use std::sync::atomic::{AtomicBool, Ordering};
    /// use loss_landscape::{FnModel, Journal, Layout, OracleError, RandomDirections, Sweep};
    ///
    /// let path = std::env::temp_dir().join(format!("failures-{}.journal", std::process::id()));
    /// let disk_full = AtomicBool::new(true);
    /// let loss = |theta: &[f64], _: &()| -> Result<f64, OracleError> {
    ///     if theta[0] > 1.0 && disk_full.load(Ordering::Relaxed) { Err("no space left")? }
    ///     Ok(theta[0] * theta[0])
    /// };
    /// let model = FnModel::new(Layout::flat(1)?, vec![1.0], loss)?;
    /// let sweep = || Sweep::line(&model, RandomDirections::new(1)).data("", &()).journal(&path);
    /// assert_eq!(sweep().run()?.report().bad_points.len(), 25);
    ///
    /// disk_full.store(false, Ordering::Relaxed);
    /// Journal::read([&path])?.without_failures().write(&path)?;
    /// assert!(sweep().run()?.report().bad_points.is_empty());
    /// # std::fs::remove_file(&path).unwrap();
    /// # Ok::<(), loss_landscape::Error>(())
    /// ```
    #[must_use]
    pub fn without_failures(mut self) -> Self {
        self.points.forget_failures();
        self
    }

    /// Writes one journal of all points, in the order of their numbers. A file of that name is replaced as a whole, in
    /// the way of [`files::write`](crate::files::write).
    ///
    /// Of ratio maps and sampled sweeps, records are copied from the files that were read, which must be as they were then.
    ///
    /// # Errors
    /// Those of [`files::write`](crate::files::write); [`Error::JournalInUse`] if a sweep is writing a journal there; of
    /// records that are copied, [`Error::File`] if they cannot be read, [`Error::NotAJournal`] if they are others now.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        // Held until the new one is there, or a sweep could write on to a file that is gone. Only files hold journals.
        let old = fs::metadata(path).is_ok_and(|found| found.is_file());
        let old = old.then(|| File::options().write(true).open(path).ok()).flatten();
        old.as_ref().map_or(Ok(()), |old| lock(old, path))?;
        replace::write_by(path, |out| self.write_to(out))
    }

    /// The bytes of the file that [`write`](Self::write) writes.
    ///
    /// # Errors
    /// Those of [`write`](Self::write) for records that are copied.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        match self.write_to(&mut bytes) {
            Ok(()) => Ok(bytes),
            Err(Unfilled::Source(error)) => Err(error),
            #[expect(clippy::unreachable, reason = "bytes in memory can always be written")]
            Err(Unfilled::Write(error)) => unreachable!("{error}"),
        }
    }

    fn write_to(&self, out: &mut dyn Write) -> std::result::Result<(), Unfilled> {
        let mut bytes = self.header.encode();
        let form = Form::new(&self.header, &bytes);
        let mut open: Option<(usize, File)> = None;
        for (point, kept) in self.points.iter() {
            if let Some(place) = kept.extra.and_then(|extra| extra.record.clone()) {
                self.copy_record(form, point, &kept, place, &mut open, &mut bytes)?;
            } else {
                let failures = kept.failures.iter().map(|(set, failure)| (*set, failure));
                let extra = |set: usize, out: &mut Vec<u8>| {
                    out.extend_from_slice(kept.extra.map_or(&[], |extra| extra.summary(set)));
                };
                encode(form, point, kept.values, failures, extra, &mut bytes)?;
            }
            if bytes.len() > WRITTEN_AT_ONCE {
                out.write_all(&bytes)?;
                bytes.clear();
            }
        }
        Ok(out.write_all(&bytes)?)
    }

    /// Appends a record as it is in its file, which must not have changed.
    fn copy_record(
        &self,
        form: Form,
        point: usize,
        kept: &KeptPoint<'_>,
        place: Range<u64>,
        open: &mut Option<(usize, File)>,
        bytes: &mut Vec<u8>,
    ) -> Result<()> {
        let Source { path, bytes: memory } = &self.sources[kept.file];
        let start = bytes.len();
        if let Some(memory) = memory {
            // It was read from there, so that it fits.
            bytes.extend_from_slice(&memory[place.start as usize..place.end as usize]);
        } else {
            let at = |source| Error::File { path: path.clone(), source };
            if open.as_ref().is_none_or(|(file, _)| *file != kept.file) {
                *open = Some((kept.file, File::open(path).map_err(at)?));
            }
            if let Some((_, file)) = open {
                file.seek(SeekFrom::Start(place.start)).map_err(at)?;
                file.take(place.end - place.start).read_to_end(bytes).map_err(at)?;
            }
        }
        let same = |record: &Record<'_>| record.point == point && agree(&record.values, kept.values);
        match records(form, &bytes[start..]).as_deref() {
            Some([record]) if same(record) => Ok(()),
            _ => Err(Error::NotAJournal { path: path.clone(), reason: "it was changed after it was read" }),
        }
    }

    /// Whether the sweep is over a line, an interpolation or a plane, by name.
    pub(crate) fn kind(&self) -> &str {
        &self.header.sweep
    }

    /// Whether its settings begin like this: those of sweeps that measure other things than losses have a name there.
    pub(crate) fn is_of(&self, settings: &str) -> bool {
        self.header.settings.starts_with(settings)
    }

    /// The first bytes of what is kept in addition to the values, in which a result finds what it says of a point:
    /// point, data set, bytes.
    pub(crate) fn summaries(&self) -> impl Iterator<Item = (usize, usize, &[u8])> {
        self.points.summaries()
    }

    /// The channels of one data set.
    pub(crate) fn channels(&self) -> &[String] {
        &self.header.channels
    }

    /// The points of each draw, in the form in which a sweep returns them. `D` is the dimension that is wanted.
    pub(crate) fn parts<D: GridDimension>(&self) -> Result<Vec<Parts>> {
        let Header { alpha, beta, draws, provenance, .. } = &self.header;
        if beta.is_some() != (D::AXES == 2) {
            let expected = if D::AXES == 2 { "a plane" } else { "a line" };
            return Err(Error::JournalKind { found: self.header.sweep.clone(), expected });
        }
        let total = self.total();
        let channels = self.header.stride();
        let bytes = (total as u64).checked_mul(8 * channels as u64 + 1);
        if bytes.is_none_or(|bytes| bytes > MEMORY_LIMIT) {
            let shape = (*draws > 1).then_some(*draws).into_iter().chain([alpha.len()]);
            let shape = shape.chain(beta.as_ref().map(Vec::len)).collect();
            return Err(Error::GridTooLarge { shape, channels, bytes, limit: MEMORY_LIMIT });
        }
        let mut known = Known::nothing(&self.header)?;
        for (point, kept) in self.points.iter() {
            known.take(&self.header, point, kept.values, kept.failures);
        }
        known.merge_passes(total);
        let complete = self.computed() == total;
        let Known { values, computed, bad, .. } = known;
        let by_point = ByPoint {
            values,
            computed,
            bad_points: bad.into_iter().map(|(point, _, bad)| (point, bad)).collect(),
            end: if complete { SweepEnd::Complete } else { SweepEnd::Partial },
        };
        let (cosines, elapsed) = (vec![provenance.cosine; *draws], vec![Duration::ZERO; *draws]);
        Ok(by_point.into_parts(&self.header, &cosines, &elapsed, 0))
    }
}

impl<D: GridDimension> Landscape<D> {
    /// The curve or surface of a journal. Points that are missing are NaN and not [computed](Self::computed); the
    /// report has no time and no threads. It takes memory for all points of the sweep, and a short file may announce
    /// many: see [`Journal::total`].
    ///
    /// ```
    /// use loss_landscape::{Curve, FnModel, Journal, Layout, RandomDirections, Sweep, report::SweepEnd};
    ///
    /// let path = std::env::temp_dir().join(format!("from-journal-{}.journal", std::process::id()));
    /// let model = FnModel::new(Layout::flat(2)?, vec![1.0, 2.0], |t: &[f64], _: &()| t[0] * t[1])?;
    /// Sweep::line(&model, RandomDirections::new(1)).data("", &()).shard(0, 3).journal(&path).run()?;
    /// let so_far = Curve::from_journal(&Journal::read([&path])?)?;
    /// assert_eq!((so_far.report().end, so_far.report().computed), (SweepEnd::Partial, 17));
    /// assert!(so_far.computed()[0] && so_far.loss()[1].is_nan());
    /// # std::fs::remove_file(&path).unwrap();
    /// # Ok::<(), loss_landscape::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::JournalKind`] for the journal of a line where a surface is wanted, or of a plane where a curve is;
    /// [`Error::GridTooLarge`] above 4 GiB; [`Error::OutOfMemory`].
    pub fn from_journal(journal: &Journal) -> Result<Self> {
        if journal.header.draws > 1 {
            let found = format!("{} draws of a {}", journal.header.draws, journal.header.sweep);
            return Err(Error::JournalKind { found, expected: "one, which `Draws::from_journal` reads" });
        }
        let mut parts = journal.parts::<D>()?;
        #[expect(clippy::expect_used, reason = "as many as there are draws, which is one")]
        Ok(Self::assemble(parts.pop().expect("a draw")))
    }
}

impl<D: GridDimension> Draws<D> {
    /// The draws of a journal of [`Sweep::draws`](crate::Sweep::draws), as [`Landscape::from_journal`] gives one. Their
    /// provenance has the directions of each draw, and not their cosine.
    ///
    /// ```
    /// use loss_landscape::{Draws, FnModel, Journal, Layout, RandomDirections, Sweep, ndarray::Ix1};
    ///
    /// let path = std::env::temp_dir().join(format!("draws-{}.journal", std::process::id()));
    /// let model = FnModel::new(Layout::flat(2)?, vec![1.0, 2.0], |t: &[f64], _: &()| t[0] * t[1])?;
    /// let draws = Sweep::line(&model, RandomDirections::new(1)).data("", &()).journal(&path).draws(5)?;
    /// let read = Draws::<Ix1>::from_journal(&Journal::read([&path])?)?;
    /// assert_eq!((read.len(), read[4].loss()), (5, draws[4].loss()));
    /// # std::fs::remove_file(&path).unwrap();
    /// # Ok::<(), loss_landscape::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Landscape::from_journal`].
    pub fn from_journal(journal: &Journal) -> Result<Self> {
        let parts = journal.parts::<D>()?;
        Ok(Self::assemble(parts.into_iter().map(Landscape::assemble).collect(), |report| report))
    }
}

impl fmt::Display for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Header { sweep, draws, alpha, beta, .. } = &self.header;
        write!(f, "{sweep}, ")?;
        if *draws > 1 {
            write!(f, "{draws} draws of ")?;
        }
        write!(f, "{}", alpha.len())?;
        if let Some(beta) = beta {
            write!(f, "×{}", beta.len())?;
        }
        write!(f, " points, {} computed, {} missing", self.computed(), self.total() - self.computed())?;
        match self.damage.len() {
            0 => Ok(()),
            count => write!(f, ", {count} damaged parts"),
        }
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = if self.torn { "an unfinished end" } else { "no records" };
        write!(f, "{}: {what} in bytes {}..{}", self.path.display(), self.bytes.start, self.bytes.end)
    }
}
