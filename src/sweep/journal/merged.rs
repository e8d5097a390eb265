//! Journals read back: of one process, or of many merged into the whole.

use std::{
    collections::BTreeMap,
    fmt, fs,
    ops::Range,
    path::{Path, PathBuf},
};

use super::{
    header::Header,
    known::{Known, agree},
    record::{Form, Record, encode, scan},
};
use crate::{
    Curve, Error, PointFailure, Provenance, Result, Surface, SweepReport, Termination, replace,
    sweep::swept::Swept,
};

/// The points of one or several journals of the same sweep, as [`Grid2d::journal`](crate::Grid2d::journal)
/// and its like write them.
///
/// Journals of shards merge in any order. Points that several of them have must agree to the bit. What is
/// missing are [`gaps`](Self::gaps); a merged journal [written](Self::write) to a file can be given to a sweep
/// that fills them.
///
/// ```
/// use loss_landscape::{FnModel, Grid2d, Journal, Layout, RandomDirections, Surface};
///
/// let folder = std::env::temp_dir().join(format!("journals-{}", std::process::id()));
/// std::fs::create_dir_all(&folder).unwrap();
/// let model = FnModel::new(Layout::flat(2)?, vec![1.0, 2.0], |t: &[f64], _: &()| t[0] * t[1])?;
/// let mut paths = Vec::new();
/// for k in 0..3 {
///     // Each of these may be a process on a machine of its own.
///     let path = folder.join(format!("{k}.journal"));
///     let sweep = Grid2d::new(&model, RandomDirections::new(1).pair(&model)?).data("", &());
///     sweep.shard(k, 3).journal(&path).run()?;
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

/// One point, and which of the files it came from.
#[derive(Clone, Debug)]
struct Kept {
    values: Vec<f64>,
    failures: Vec<(usize, PointFailure)>,
    extras: Vec<Vec<u8>>,
    file: usize,
}

impl Journal {
    /// Reads journals and merges them. A sweep may still be writing them.
    ///
    /// # Errors
    /// [`Error::File`]; [`Error::NotAJournal`]; [`Error::JournalMismatch`] for journals of different sweeps;
    /// [`Error::JournalConflict`] for a point with different values; [`Error::NoJournals`].
    pub fn read<P: AsRef<Path>>(paths: impl IntoIterator<Item = P>) -> Result<Self> {
        let paths: Vec<PathBuf> = paths.into_iter().map(|path| path.as_ref().to_owned()).collect();
        let mut journal: Option<Self> = None;
        for (file, path) in paths.iter().enumerate() {
            let bytes = fs::read(path).map_err(|source| Error::File { path: path.clone(), source })?;
            let (header, _) = (Header::decode(&bytes))
                .map_err(|reason| Error::NotAJournal { path: path.clone(), reason })?;
            let journal = journal.get_or_insert_with(|| Self::empty(header.clone()));
            let differences = journal.header.differences(&header);
            if !differences.is_empty() {
                return Err(Error::JournalMismatch { path: path.clone(), differences });
            }
            journal.add(&bytes, file, &paths)?;
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
        let found = scan(Form::new(&self.header, &head), bytes, head.len().min(bytes.len()), &head);
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
                if !agree(&known.values, &values) {
                    let (index, coordinates) = self.header.place(point);
                    let (first, second) = (paths[known.file].clone(), paths[file].clone());
                    return Err(Error::JournalConflict { index, coordinates, first, second });
                }
                continue;
            }
            let extras = extras.into_iter().map(<[u8]>::to_vec).collect();
            self.points.insert(point, Kept { values, failures, extras, file });
        }
        Ok(())
    }

    /// Points of the whole sweep.
    pub fn total(&self) -> usize {
        self.header.points().unwrap_or(0)
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

    /// Writes one journal of all points, in their order. The file is replaced only when the new one is whole.
    ///
    /// # Errors
    /// [`Error::File`].
    pub fn write(&self, path: impl AsRef<Path>) -> Result<()> {
        let mut bytes = self.header.encode();
        let form = Form::new(&self.header, &bytes);
        for (&point, kept) in &self.points {
            let failures = kept.failures.iter().map(|(set, failure)| (*set, failure));
            let extra = |set: usize, out: &mut Vec<u8>| out.extend_from_slice(&kept.extras[set]);
            encode(form, point, &kept.values, failures, extra, &mut bytes);
        }
        replace::write(path.as_ref(), &bytes)
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

    /// All points as a sweep returns them.
    fn swept(&self) -> Result<Swept> {
        let total = self.total();
        let mut known = Known::nothing(&self.header)?;
        for (&point, kept) in &self.points {
            known.take(&self.header, point, &kept.values, &kept.failures);
        }
        let complete = self.computed() == total;
        let report = SweepReport {
            termination: if complete { Termination::Complete } else { Termination::Partial },
            total,
            computed: self.computed(),
            bad_points: known.bad.into_iter().map(|(_, _, bad)| bad).collect(),
            elapsed: std::time::Duration::ZERO,
            threads: 0,
            journal: None,
            provenance: self.header.provenance.clone(),
        };
        Ok(Swept {
            alpha: self.header.alpha.clone(),
            beta: self.header.beta.clone().unwrap_or_else(|| vec![0.0]),
            values: known.values,
            computed: known.computed,
            channels: self.header.full_channels(),
            report,
        })
    }

    fn ensure(&self, plane: bool) -> Result<()> {
        if self.header.beta.is_some() == plane {
            return Ok(());
        }
        let expected = if plane { "a plane" } else { "a line" };
        Err(Error::JournalKind { found: self.header.sweep.clone(), expected })
    }
}

impl Surface {
    /// The surface of a journal; points that it does not have are NaN and not
    /// [computed](Self::computed). Its report has no time and no threads. It takes memory for all points of the
    /// sweep, of which a short file may announce many: [`Journal::total`] tells.
    ///
    /// # Errors
    /// [`Error::JournalKind`] for a journal of a line; [`Error::OutOfMemory`].
    pub fn from_journal(journal: &Journal) -> Result<Self> {
        journal.ensure(true)?;
        journal.swept().map(Self::new)
    }
}

impl Curve {
    /// The curve of a journal; points that it does not have are NaN and not [computed](Self::computed). Its
    /// report has no time and no threads. Its memory is that of all points: [`Journal::total`].
    ///
    /// # Errors
    /// [`Error::JournalKind`] for a journal of a plane; [`Error::OutOfMemory`].
    pub fn from_journal(journal: &Journal) -> Result<Self> {
        journal.ensure(false)?;
        journal.swept().map(Self::new)
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
