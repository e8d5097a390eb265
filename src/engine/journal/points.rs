//! The points of journals in memory: their values side by side, and of what else is kept the beginning, and where in its
//! file the rest is.

use std::{collections::BTreeMap, ops::Range};

use crate::landscape::PointFailure;

/// Points are kept in pages of so many, so that a few of a large grid take little and all of it little more than their
/// values.
const PAGE: usize = 64;
/// What a result says of a point is at the beginning of what is kept of it, and has no more bytes than this.
const SUMMARY: usize = 32;

/// Points by their number.
#[derive(Clone, Debug)]
pub(super) struct Points {
    /// Values of a point.
    stride: usize,
    pages: BTreeMap<usize, Page>,
    failures: BTreeMap<usize, Vec<(usize, PointFailure)>>,
    extras: BTreeMap<usize, Extra>,
}

/// One of them.
#[derive(Debug)]
pub(super) struct KeptPoint<'p> {
    pub(super) values: &'p [f64],
    pub(super) failures: &'p [(usize, PointFailure)],
    /// The number of the file that it is from.
    pub(super) file: usize,
    pub(super) extra: Option<&'p Extra>,
}

/// What is kept of a point in addition to its values, if it is anything.
#[derive(Clone, Debug)]
pub(super) struct Extra {
    /// The first bytes for each data set.
    summaries: Vec<Box<[u8]>>,
    /// The bytes of its record in its file, unless the summaries are all.
    pub(super) record: Option<Range<u64>>,
}

#[derive(Clone, Debug)]
struct Page {
    /// A bit for every point.
    present: u64,
    files: Box<[u32; PAGE]>,
    values: Box<[f64]>,
}

impl Points {
    pub(super) fn new(stride: usize) -> Self {
        Self { stride, pages: BTreeMap::new(), failures: BTreeMap::new(), extras: BTreeMap::new() }
    }

    /// Adds a point, or puts it in the place of another.
    pub(super) fn insert(
        &mut self,
        point: usize,
        values: &[f64],
        failures: Vec<(usize, PointFailure)>,
        file: usize,
        extra: Option<Extra>,
    ) {
        let stride = self.stride;
        let page = self.pages.entry(point / PAGE).or_insert_with(|| Page {
            present: 0,
            files: Box::new([0; PAGE]),
            values: vec![f64::NAN; PAGE * stride].into(),
        });
        let place = point % PAGE;
        page.present |= 1 << place;
        #[expect(clippy::expect_used, reason = "no list of paths is so long")]
        let number = u32::try_from(file).expect("fewer than 2³² files");
        page.files[place] = number;
        page.values[place * stride..][..stride].copy_from_slice(values);
        self.failures.remove(&point);
        if !failures.is_empty() {
            self.failures.insert(point, failures);
        }
        self.extras.remove(&point);
        self.extras.extend(extra.map(|extra| (point, extra)));
    }

    pub(super) fn contains(&self, point: usize) -> bool {
        self.pages.get(&(point / PAGE)).is_some_and(|page| page.has(point % PAGE))
    }

    pub(super) fn get(&self, point: usize) -> Option<KeptPoint<'_>> {
        let page = self.pages.get(&(point / PAGE)).filter(|page| page.has(point % PAGE))?;
        Some(self.of_page(page, point))
    }

    fn of_page<'p>(&'p self, page: &'p Page, point: usize) -> KeptPoint<'p> {
        let place = point % PAGE;
        KeptPoint {
            values: &page.values[place * self.stride..][..self.stride],
            failures: self.failures.get(&point).map_or(&[], Vec::as_slice),
            file: page.files[place] as usize,
            extra: self.extras.get(&point),
        }
    }

    /// All points with their numbers, ascending.
    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, KeptPoint<'_>)> {
        self.pages.iter().flat_map(move |(&number, page)| {
            page.points(number).map(move |point| (point, self.of_page(page, point)))
        })
    }

    /// The numbers of all points below one, ascending.
    pub(super) fn numbers_below(&self, end: usize) -> impl Iterator<Item = usize> {
        let pages = self.pages.range(..=end / PAGE);
        pages.flat_map(|(&number, page)| page.points(number)).filter(move |&point| point < end)
    }

    /// Forgets the points at which an oracle failed.
    pub(super) fn forget_failures(&mut self) {
        for point in std::mem::take(&mut self.failures).into_keys() {
            if let Some(page) = self.pages.get_mut(&(point / PAGE)) {
                page.present &= !(1 << (point % PAGE));
            }
            self.extras.remove(&point);
        }
    }

    /// The beginnings of what is kept in addition to the values: point, data set, bytes.
    pub(super) fn summaries(&self) -> impl Iterator<Item = (usize, usize, &[u8])> {
        self.extras.iter().flat_map(|(&point, extra)| {
            extra.summaries.iter().enumerate().map(move |(set, bytes)| (point, set, &**bytes))
        })
    }
}

impl Extra {
    /// Of these bytes for each data set, out of the record with this place; None if there are none.
    pub(super) fn of(extras: &[&[u8]], record: Range<u64>) -> Option<Self> {
        if extras.iter().all(|bytes| bytes.is_empty()) {
            return None;
        }
        let whole = extras.iter().all(|bytes| bytes.len() <= SUMMARY);
        let summaries = extras.iter().map(|bytes| bytes[..bytes.len().min(SUMMARY)].into()).collect();
        Some(Self { summaries, record: (!whole).then_some(record) })
    }

    /// What is kept for a data set, if the record holds no more.
    pub(super) fn summary(&self, set: usize) -> &[u8] {
        &self.summaries[set]
    }
}

impl Page {
    /// The numbers of its points, ascending, if it is the page of this number.
    fn points(&self, number: usize) -> impl Iterator<Item = usize> {
        (0..PAGE).filter(|&place| self.has(place)).map(move |place| number * PAGE + place)
    }

    fn has(&self, place: usize) -> bool {
        self.present >> place & 1 == 1
    }
}
