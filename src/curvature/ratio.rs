//! What a map of the eigenvalue ratio found: its channels, and how each point ended.

use ndarray::{Array2, ArrayView1, ArrayView2, Axis};

use super::{LanczosEnd, point::CHANNELS, store::Run};
use crate::{Curve, Error, Journal, Result, Surface, SweepReport};

/// The eigenvalue ratio over a plane; `[i, j]` is always the point (α_i, β_j).
#[derive(Clone, Debug)]
pub struct RatioSurface {
    surface: Surface,
    totals: Totals,
}

/// The eigenvalue ratio along a line.
#[derive(Clone, Debug)]
pub struct RatioCurve {
    curve: Curve,
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

/// What both results tell.
macro_rules! ratio_accessors {
    ($result:ident, $field:ident, $inner:ident, $view:ident, $axis:literal) => {
        impl $result {
            pub(super) fn new($field: $inner, totals: Totals) -> Self {
                Self { $field, totals }
            }

            /// The map of a journal; points that it does not have are NaN. See
            #[doc = concat!("[`", stringify!($inner), "::from_journal`].")]
            ///
            /// # Errors
            /// As there, and [`Error::JournalKind`] for a journal of losses.
            pub fn from_journal(journal: &Journal) -> Result<Self> {
                let $field = $inner::from_journal(journal)?;
                Ok(Self { $field, totals: Totals::from_journal(journal)? })
            }

            /// All channels, with axes, report and files.
            pub fn $field(&self) -> &$inner {
                &self.$field
            }

            /// The coordinates α.
            pub fn alpha(&self) -> &[f64] {
                self.$field.alpha()
            }

            /// One channel; NaN where nothing was computed or the point failed. The name of a data set
            /// stands before it, as in a sweep of losses.
            ///
            /// # Errors
            /// [`Error::UnknownChannel`](crate::Error::UnknownChannel).
            pub fn channel(&self, name: &str) -> Result<$view<'_, f64>> {
                self.$field.channel(name)
            }

            /// |λ_min / λ_max| on the first data set.
            pub fn ratio(&self) -> $view<'_, f64> {
                self.$field.values().index_axis(Axis($axis), 2)
            }

            /// λ_min on the first data set.
            pub fn lambda_min(&self) -> $view<'_, f64> {
                self.$field.values().index_axis(Axis($axis), 0)
            }

            /// λ_max on the first data set.
            pub fn lambda_max(&self) -> $view<'_, f64> {
                self.$field.values().index_axis(Axis($axis), 1)
            }

            /// Why the run at each point ended, [point, data set], points row by row; none where it did not
            /// run or failed.
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

            /// How the map went: termination, bad points, provenance.
            pub fn report(&self) -> &SweepReport {
                self.$field.report()
            }
        }
    };
}

ratio_accessors!(RatioSurface, surface, Surface, ArrayView2, 2);
ratio_accessors!(RatioCurve, curve, Curve, ArrayView1, 1);

impl RatioSurface {
    /// The coordinates β.
    pub fn beta(&self) -> &[f64] {
        self.surface.beta()
    }

    /// Where the ratio on the first data set is not known to the tolerance: it is neither certified nor in
    /// accord with its neighbours, or the point failed.
    pub fn uncertain(&self) -> Array2<bool> {
        let [rows, columns] = self.surface.shape();
        Array2::from_shape_fn((rows, columns), |(i, j)| !self.totals.certain[i * columns + j])
    }
}

impl RatioCurve {
    /// Where the ratio on the first data set is not known to the tolerance; see
    /// [`RatioSurface::uncertain`].
    pub fn uncertain(&self) -> Vec<bool> {
        self.totals.certain.iter().map(|certain| !certain).collect()
    }
}
