//! Journals read back: of one process, or of many merged into the whole.

use std::{
    collections::BTreeMap,
    fmt,
    fs::{self, TryLockError},
    ops::Range,
    path::{Path, PathBuf},
};

use super::{
    header::Header,
    known::{Known, agree},
    record::{Form, Record, encode, scan},
};
use crate::{
    Error, GridDimension, Landscape, Result,
    landscape::{Parts, PointFailure, Provenance, SweepEnd, SweepReport},
    replace,
};

/// The points of one or several journals of the same sweep, as [`Sweep::journal`](crate::Sweep::journal)
/// writes them.
///
/// Journals of shards merge in any order. Points that several of them have must agree to the bit. What is
/// missing are [`gaps`](Self::gaps); a merged journal [written](Self::write) to a file can be given to a sweep
/// that fills them.
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
    points: BTreeMap<usize, Kept>,
    damage: Vec<Damage>,
}

/// A part of a journal that holds no points: changed since it was written, or cut short.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Damage {
    /// The file.
    pub path: PathBuf,
    /// Where in it, in bytes.
    pub bytes: Range<u64>,
    /// Whether it is the end of the file, as a killed process may leave it.
    pub torn: bool,
}

/// A head is short and may name a large grid: as much as a sweep may take by default.
const MEMORY_LIMIT: u64 = 4 << 30;

/// One point, and which of the files it came from.
#[derive(Clone, Debug)]
struct Kept {
    values: Vec<f64>,
    failures: Vec<(usize, PointFailure)>,
    extras: Vec<Vec<u8>>,
    file: usize,
}

impl Journal {
    /// Reads journals and merges them. A sweep may still be writing them (not on Windows, which locks them against
    /// readers too). One that was begun and has no head yet counts as empty, if another one has a head.
    ///
    /// Of a point that failed in one journal and not in another the values are taken.
    ///
    /// # Errors
    /// [`Error::File`]; [`Error::NotAJournal`]; [`Error::JournalMismatch`] for journals of different sweeps;
    /// [`Error::JournalConflict`] for a point with different values; [`Error::NoJournals`].
    pub fn read<P: AsRef<Path>>(paths: impl IntoIterator<Item = P>) -> Result<Self> {
        let paths: Vec<PathBuf> = paths.into_iter().map(|path| path.as_ref().to_owned()).collect();
        let mut journal: Option<Self> = None;
        let mut begun = Vec::new();
        for (file, path) in paths.iter().enumerate() {
            let bytes = fs::read(path).map_err(|source| Error::File { path: path.clone(), source })?;
            let header = match Header::decode(&bytes) {
                Ok((header, _)) => header,
                Err(reason) => {
                    begun.push((path, bytes, reason));
                    continue;
                }
            };
            let journal = journal.get_or_insert_with(|| Self::empty(header.clone()));
            let differences = journal.header.differences(&header);
            if !differences.is_empty() {
                return Err(Error::JournalMismatch { path: path.clone(), differences });
            }
            journal.add(&bytes, file, &paths)?;
        }
        let head = journal.as_ref().map(|journal| journal.header.encode());
        for (path, bytes, reason) in begun {
            if !head.as_ref().is_some_and(|head| head.starts_with(&bytes)) {
                return Err(Error::NotAJournal { path: path.clone(), reason });
            }
        }
        journal.ok_or(Error::NoJournals)
    }

    /// The journal in these bytes, as [`read`](Self::read) reads it from a file.
    ///
    /// # Errors
    /// As [`read`](Self::read), without a path.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let path = PathBuf::from("the journal");
        let (header, _) =
            (Header::decode(bytes)).map_err(|reason| Error::NotAJournal { path: path.clone(), reason })?;
        let mut journal = Self::empty(header);
        journal.add(bytes, 0, &[path])?;
        Ok(journal)
    }

    fn empty(header: Header) -> Self {
        Self { header, points: BTreeMap::new(), damage: Vec::new() }
    }

    fn add(&mut self, bytes: &[u8], file: usize, paths: &[PathBuf]) -> Result<()> {
        let head = self.header.encode();
        let found = scan(Form::new(&self.header, &head), bytes, head.len(), &head);
        let torn = (found.end < bytes.len()).then_some(found.end..bytes.len());
        let damage = |bytes: Range<usize>, torn| Damage {
            path: paths[file].clone(),
            bytes: bytes.start as u64..bytes.end as u64,
            torn,
        };
        self.damage.extend(found.damaged.into_iter().map(|bytes| damage(bytes, false)));
        self.damage.extend(torn.map(|bytes| damage(bytes, true)));
        for record in found.records {
            let Record { point, values, failures, extras, .. } = record;
            if let Some(known) = self.points.get(&point) {
                let failed =
                    |set: usize| known.failures.iter().chain(&failures).any(|(other, _)| *other == set);
                let channels = self.header.channels.len();
                let pairs = known.values.chunks(channels).zip(values.chunks(channels)).enumerate();
                if pairs.into_iter().any(|(set, (a, b))| !failed(set) && !agree(a, b)) {
                    let (index, coordinates) = self.header.place(point);
                    let (first, second) = (paths[known.file].clone(), paths[file].clone());
                    return Err(Error::JournalConflict { index, coordinates, first, second });
                }
                if failures.len() >= known.failures.len() {
                    continue;
                }
            }
            let extras = extras.into_iter().map(<[u8]>::to_vec).collect();
            self.points.insert(point, Kept { values, failures, extras, file });
        }
        Ok(())
    }

    /// Points of the whole sweep.
    pub fn total(&self) -> usize {
        self.header.points()
    }

    /// Points that are there.
    pub fn computed(&self) -> usize {
        self.points.len()
    }

    /// Whether a point, i·n + j on a grid of m×n points, is there.
    pub fn contains(&self, point: usize) -> bool {
        self.points.contains_key(&point)
    }

    /// The points that are missing, as ranges of i·n + j on a grid of m×n points.
    pub fn gaps(&self) -> Vec<Range<usize>> {
        let mut gaps = Vec::new();
        let mut next = 0;
        for &point in self.points.keys().chain([&self.total()]) {
            if point > next {
                gaps.push(next..point);
            }
            next = point + 1;
        }
        gaps
    }

    /// What of the files holds no points.
    pub fn damage(&self) -> &[Damage] {
        &self.damage
    }

    /// What the sweep is of.
    pub fn provenance(&self) -> &Provenance {
        &self.header.provenance
    }

    /// The same journal without the points at which an oracle failed, for a sweep that should try them again. Values
    /// that are not finite are no failures.
    #[must_use]
    pub fn without_failures(mut self) -> Self {
        self.points.retain(|_, kept| kept.failures.is_empty());
        self
    }

    /// Writes one journal of all points, in their order. The file is replaced only when the new one is whole.
    ///
    /// # Errors
    /// [`Error::File`]; [`Error::JournalInUse`] if a sweep is writing a journal there.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let mut bytes = self.header.encode();
        let form = Form::new(&self.header, &bytes);
        for (&point, kept) in &self.points {
            let failures = kept.failures.iter().map(|(set, failure)| (*set, failure));
            let extra = |set: usize, out: &mut Vec<u8>| out.extend_from_slice(&kept.extras[set]);
            encode(form, point, &kept.values, failures, extra, &mut bytes)
                .map_err(|source| Error::File { path: path.to_owned(), source })?;
        }
        // Held until the new one is there, or a sweep could write on to a file that is gone.
        let old = fs::File::options().write(true).open(path);
        if let Ok(old) = &old
            && let Err(TryLockError::WouldBlock) = old.try_lock()
        {
            return Err(Error::JournalInUse { path: path.to_owned() });
        }
        replace::write(path, &bytes)
    }

    /// What the sweep goes over: a line, an interpolation, a plane.
    pub(crate) fn kind(&self) -> &str {
        &self.header.sweep
    }

    /// Whether it is of something else than losses, by the beginning of its settings.
    pub(crate) fn is_of(&self, settings: &str) -> bool {
        self.header.settings.starts_with(settings)
    }

    /// What data sets keep beside the values: point, data set, bytes.
    pub(crate) fn extras(&self) -> impl Iterator<Item = (usize, usize, &[u8])> {
        self.points.iter().flat_map(|(&point, kept)| {
            kept.extras.iter().enumerate().map(move |(set, extra)| (point, set, extra.as_slice()))
        })
    }

    /// The channels of one data set.
    pub(crate) fn channels(&self) -> &[String] {
        &self.header.channels
    }

    /// All points as a sweep returns them.
    fn parts(&self) -> Result<Parts> {
        let total = self.total();
        let channels = self.header.stride();
        let bytes = (total as u64).checked_mul(8 * channels as u64 + 1);
        if bytes.is_none_or(|bytes| bytes > MEMORY_LIMIT) {
            let shape = [self.header.alpha.len()].into_iter().chain(self.header.beta.as_ref().map(Vec::len));
            return Err(Error::GridTooLarge { shape: shape.collect(), channels, bytes, limit: MEMORY_LIMIT });
        }
        let mut known = Known::nothing(&self.header)?;
        for (&point, kept) in &self.points {
            known.take(&self.header, point, &kept.values, &kept.failures);
        }
        let complete = self.computed() == total;
        let report = SweepReport {
            end: if complete { SweepEnd::Complete } else { SweepEnd::Partial },
            total,
            computed: self.computed(),
            bad_points: known.bad.into_iter().map(|(_, _, bad)| bad).collect(),
            elapsed: std::time::Duration::ZERO,
            threads: 0,
            resumed: None,
            provenance: self.header.provenance.clone(),
        };
        Ok(Parts {
            alpha: self.header.alpha.clone(),
            beta: self.header.beta.clone().unwrap_or_else(|| vec![0.0]),
            values: known.values,
            computed: known.computed,
            channels: self.header.full_channels(),
            report,
        })
    }
}

impl<D: GridDimension> Landscape<D> {
    /// The curve or surface of a journal; points that it does not have are NaN and not
    /// [computed](Self::computed). Its report has no time and no threads. It takes memory for all points of the
    /// sweep, of which a short file may announce many: [`Journal::total`] tells.
    ///
    /// # Errors
    /// [`Error::JournalKind`] for the journal of a line where a surface is wanted, or of a plane where a curve is;
    /// [`Error::GridTooLarge`] above 4 GiB; [`Error::OutOfMemory`].
    pub fn from_journal(journal: &Journal) -> Result<Self> {
        if journal.header.beta.is_some() != (D::AXES == 2) {
            let expected = if D::AXES == 2 { "a plane" } else { "a line" };
            return Err(Error::JournalKind { found: journal.header.sweep.clone(), expected });
        }
        journal.parts().map(Self::assemble)
    }
}

impl fmt::Display for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Header { sweep, alpha, beta, .. } = &self.header;
        write!(f, "{sweep}, {}", alpha.len())?;
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
