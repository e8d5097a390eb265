//! What a map of the eigenvalue ratio found: its channels, and how each point ended.

use std::ops::Deref;

use ndarray::{Array, Array2, ArrayView, Ix2};

use super::{LanczosEnd, point::CHANNELS, store::Run};
use crate::{Error, GridDimension, Journal, Landscape, Result};

/// The eigenvalue ratio over a plane, or with `RatioMap<Ix1>` along a line.
///
/// It is a [`Landscape`] with all its methods, files and figures, and knows how each point ended. Its channels are
/// those of [`EigenRatio`](crate::EigenRatio).
///
/// ```
/// use loss_landscape::{RatioMap, Result, Surface};
///
/// fn describe(map: &RatioMap) -> Result<()> {
///     let surface: &Surface = map; // a map is a surface that knows more
///     println!("{surface}");
///     let lowest = map.lambda_min().iter().copied().fold(f64::INFINITY, f64::min);
///     let uncertain = map.uncertain().iter().filter(|&&uncertain| uncertain).count();
///     println!("λ_min down to {lowest}; {uncertain} points uncertain; {} products", map.products());
///     Ok(())
/// }
/// ```
#[derive(Clone, Debug)]
pub struct RatioMap<D: GridDimension = Ix2> {
    landscape: Landscape<D>,
    totals: Totals,
}

/// What the points of all data sets left.
#[derive(Clone, Debug)]
pub(super) struct Totals {
    /// [point, data set].
    pub(super) ends: Array2<Option<LanczosEnd>>,
    /// Where the ratio of the first data set is known to the tolerance.
    pub(super) certain: Vec<bool>,
    pub(super) products: usize,
    pub(super) cold: usize,
}

impl Totals {
    fn from_journal(journal: &Journal) -> Result<Self> {
        let other = || Error::JournalKind { found: journal.kind().to_owned(), expected: "eigenvalue ratios" };
        let mut totals = Self::nothing(journal.total(), journal.provenance().data.len());
        for (point, set, bytes) in journal.extras() {
            // Nothing is kept where the oracle failed.
            if !bytes.is_empty() {
                let (run, _) = Run::restore(bytes).ok_or_else(other)?;
                totals.add(point, set, run);
            }
        }
        let whole = journal.is_of("eigen_ratio ") && journal.channels() == CHANNELS;
        if whole { Ok(totals) } else { Err(other()) }
    }
}

impl<D: GridDimension> RatioMap<D> {
    pub(super) fn new(landscape: Landscape<D>, totals: Totals) -> Self {
        Self { landscape, totals }
    }

    /// The map of a journal; points that it does not have are NaN. See [`Landscape::from_journal`].
    ///
    /// # Errors
    /// As there, and [`Error::JournalKind`] for a journal of losses.
    pub fn from_journal(journal: &Journal) -> Result<Self> {
        let landscape = Landscape::from_journal(journal)?;
        Ok(Self { landscape, totals: Totals::from_journal(journal)? })
    }

    /// |λ_min / λ_max| on the first data set.
    pub fn ratio(&self) -> ArrayView<'_, f64, D> {
        self.landscape.channel_at(2)
    }

    /// λ_min on the first data set.
    pub fn lambda_min(&self) -> ArrayView<'_, f64, D> {
        self.landscape.channel_at(0)
    }

    /// λ_max on the first data set.
    pub fn lambda_max(&self) -> ArrayView<'_, f64, D> {
        self.landscape.channel_at(1)
    }

    /// Why the run at each point ended, [point, data set], points row by row; none where it did not run or failed.
    pub fn ends(&self) -> &Array2<Option<LanczosEnd>> {
        &self.totals.ends
    }

    /// Hessian-vector products of all points.
    pub fn products(&self) -> usize {
        self.totals.products
    }

    /// Points that started from a random vector alone.
    pub fn cold_points(&self) -> usize {
        self.totals.cold
    }

    /// Where the ratio on the first data set is not known to the tolerance: it is neither certified nor in accord
    /// with its neighbours, or the point failed.
    pub fn uncertain(&self) -> Array<bool, D> {
        let uncertain = self.totals.certain.iter().map(|certain| !certain).collect();
        let [rows, columns] = self.landscape.rows_and_columns();
        #[expect(clippy::expect_used, reason = "a slip in the map must not pass")]
        Array::from_shape_vec(D::grid(rows, columns), uncertain).expect("a flag for each point")
    }
}

impl<D: GridDimension> Deref for RatioMap<D> {
    type Target = Landscape<D>;

    fn deref(&self) -> &Landscape<D> {
        &self.landscape
    }
}
