//! What a map of the eigenvalue ratio found: its channels, and how each point ended.

use ndarray::{Array2, ArrayView1, ArrayView2, Axis};

use super::{Audit, LanczosEnd, RatioState, point::CHANNELS, store::Run};
use crate::{Curve, Error, Journal, PointFailure, Result, Surface, SweepReport};

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
    /// [point, data set].
    pub(super) states: Array2<Option<RatioState>>,
    pub(super) products: usize,
    pub(super) cold: usize,
    /// Points computed a second time, the audit's among them; all data sets together.
    pub(super) again: usize,
    /// By data set.
    pub(super) audits: Vec<Audit>,
}

impl Totals {
    /// Of all runs, by row and data set; the second run at a point p has the row `points` + p.
    pub(super) fn of(
        points: usize,
        sets: usize,
        runs: impl IntoIterator<Item = (usize, usize, Run)>,
    ) -> Self {
        let mut ends = Array2::from_elem((points, sets), None);
        let mut states = Array2::from_elem((points, sets), None);
        let (mut products, mut cold, mut again) = (0, 0, 0);
        let mut audits = vec![[0, 0]; sets];
        let (first, second): (Vec<_>, Vec<_>) = runs.into_iter().partition(|(row, ..)| *row < points);
        for (row, set, run) in first.into_iter().chain(second) {
            let (point, is_second) = (row % points, row >= points);
            if is_second && run.audited && states[[point, set]] == Some(RatioState::Warm) {
                audits[set][0] += 1;
                audits[set][1] += usize::from(run.was_off);
            }
            ends[[point, set]] = Some(run.end);
            states[[point, set]] = Some(run.state);
            products += run.products;
            cold += usize::from(run.cold && !is_second);
            again += usize::from(is_second);
        }
        let audits = audits.into_iter().map(|[points, off]| Audit::new(points, off)).collect();
        Self { ends, states, products, cold, again, audits }
    }

    /// Nothing is known of a point that failed the second time.
    fn forget_failed(&mut self, report: &SweepReport, columns: usize) {
        for bad in &report.bad_points {
            let set = report.provenance.data.iter().position(|name| *name == bad.data);
            if let (Some(set), PointFailure::Error(_) | PointFailure::Panic(_)) = (set, &bad.failure) {
                let place = [bad.index[0] * columns + bad.index[1], set];
                (self.ends[place], self.states[place]) = (None, None);
            }
        }
    }
    /// Whether a point of the first data set has a mark.
    fn is_marked(&self, point: usize) -> bool {
        !matches!(self.states[[point, 0]], Some(RatioState::Certified | RatioState::Warm))
    }

    fn from_journal(journal: &Journal) -> Result<Self> {
        let other = || Error::JournalKind { found: journal.kind().to_owned(), expected: "eigenvalue ratios" };
        if !journal.is_of("eigenvalue ratio") || journal.channels() != CHANNELS {
            return Err(other());
        }
        // Nothing is kept where the oracle failed.
        let kept = journal.extras().filter(|(.., bytes)| !bytes.is_empty());
        let runs = kept.map(|(row, set, bytes)| Some((row, set, Run::restore(bytes)?.0)));
        let runs: Vec<_> = runs.collect::<Option<_>>().ok_or_else(other)?;
        Ok(Self::of(journal.total(), journal.provenance().data.len(), runs))
    }
}

/// What both results tell.
macro_rules! ratio_accessors {
    ($result:ident, $field:ident, $inner:ident, $view:ident, $axis:literal, $columns:expr) => {
        impl $result {
            pub(super) fn new($field: $inner, mut totals: Totals) -> Self {
                totals.forget_failed($field.report(), $columns(&$field));
                Self { $field, totals }
            }

            /// The map of a journal; points that it does not have are NaN. See
            #[doc = concat!("[`", stringify!($inner), "::from_journal`].")]
            ///
            /// # Errors
            /// As there, and [`Error::JournalKind`] for a journal of losses.
            pub fn from_journal(journal: &Journal) -> Result<Self> {
                let $field = $inner::from_journal(journal)?;
                Ok(Self::new($field, Totals::from_journal(journal)?))
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

            /// How well the ratio at each point is known, [point, data set], points row by row; none where it did
            /// not run or failed.
            pub fn states(&self) -> &Array2<Option<RatioState>> {
                &self.totals.states
            }

            /// How the random sample of points that were not certified went, one audit a data set. No points are
            /// drawn where all are certified, or the map was stopped before.
            pub fn audits(&self) -> &[Audit] {
                &self.totals.audits
            }

            /// Points computed a second time, cold, since they did not agree with their neighbours, or for the
            /// audit; all data sets together.
            pub fn points_computed_again(&self) -> usize {
                self.totals.again
            }

            /// Hessian-vector products of all points, those computed again included.
            pub fn products(&self) -> usize {
                self.totals.products
            }

            /// Points that started from a random vector alone the first time.
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

ratio_accessors!(RatioSurface, surface, Surface, ArrayView2, 2, |surface: &Surface| surface.shape()[1]);
ratio_accessors!(RatioCurve, curve, Curve, ArrayView1, 1, |_: &Curve| 1);

impl RatioSurface {
    /// The coordinates β.
    pub fn beta(&self) -> &[f64] {
        self.surface.beta()
    }

    /// The marked points: where the ratio on the first data set is neither certified nor warm and in accord with its
    /// neighbours, or the point failed. A point without a mark need not be certified; see
    /// [`states`](Self::states).
    pub fn uncertain(&self) -> Array2<bool> {
        let [rows, columns] = self.surface.shape();
        Array2::from_shape_fn((rows, columns), |(i, j)| self.totals.is_marked(i * columns + j))
    }
}

impl RatioCurve {
    /// The marked points of the first data set; see [`RatioSurface::uncertain`].
    pub fn uncertain(&self) -> Vec<bool> {
        (0..self.totals.states.nrows()).map(|point| self.totals.is_marked(point)).collect()
    }
}
