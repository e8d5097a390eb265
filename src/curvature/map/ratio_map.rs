//! What a map of the eigenvalue ratio found: its channels, and how each point ended.

use std::ops::Deref;

use ndarray::{Array, Array2, ArrayView, Ix2};

use super::{audit::Audit, point::CHANNELS, ratio_state::RatioState, store::Run};
use crate::{
    Error, GridDimension, Journal, Landscape, Result,
    curvature::lanczos::LanczosEnd,
    landscape::{PointFailure, SweepReport},
};

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
///     let marked = map.uncertain().iter().filter(|&&marked| marked).count();
///     println!("λ_min down to {lowest}; {marked} points marked; {} products", map.products());
///     let audit = map.audits()[0];
///     println!("at most {:.1} % of the warm points were off", 100.0 * audit.upper_bound);
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
        if !journal.is_of("eigen_ratio ") || journal.channels() != CHANNELS {
            return Err(other());
        }
        // Nothing is kept where the oracle failed.
        let kept = journal.summaries().filter(|(.., bytes)| !bytes.is_empty());
        let runs = kept.map(|(row, set, bytes)| Some((row, set, Run::restore(bytes)?.0)));
        let runs: Vec<_> = runs.collect::<Option<_>>().ok_or_else(other)?;
        Ok(Self::of(journal.total(), journal.provenance().data.len(), runs))
    }
}

impl<D: GridDimension> RatioMap<D> {
    pub(super) fn new(landscape: Landscape<D>, mut totals: Totals) -> Self {
        totals.forget_failed(landscape.report(), landscape.rows_and_columns()[1]);
        Self { landscape, totals }
    }

    /// The map of a journal; points that it does not have are NaN. See [`Landscape::from_journal`].
    ///
    /// # Errors
    /// As there, and [`Error::JournalKind`] for a journal of losses.
    pub fn from_journal(journal: &Journal) -> Result<Self> {
        let landscape = Landscape::from_journal(journal)?;
        Ok(Self::new(landscape, Totals::from_journal(journal)?))
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

    /// How well the ratio at each point is known, [point, data set], points row by row; none where it did not run or
    /// failed.
    pub fn states(&self) -> &Array2<Option<RatioState>> {
        &self.totals.states
    }

    /// How the random sample of points that were not certified went, one audit a data set. No points are drawn where
    /// all are certified, or the map was stopped before.
    pub fn audits(&self) -> &[Audit] {
        &self.totals.audits
    }

    /// Points computed a second time, cold, since they did not agree with their neighbours, or for the audit; all data
    /// sets together.
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

    /// Why points of the first data set are marked, where their Hessian-vector products are to blame, and what helps; None
    /// where no run ended so.
    ///
    /// ```
    /// use loss_landscape::{RatioMap, Result};
    ///
    /// fn describe(map: &RatioMap) -> Result<()> {
    ///     if let Some(reason) = map.reason() {
    ///         println!("{reason}"); // products not exact enough at 40 of 81 points: use exact ones, or f64
    ///     }
    ///     Ok(())
    /// }
    /// ```
    pub fn reason(&self) -> Option<String> {
        let ends = || self.totals.ends.column(0).into_iter().flatten();
        let count = |which: LanczosEnd| ends().filter(|&&end| end == which).count();
        let (inexact, asymmetric) = (count(LanczosEnd::Inexact), count(LanczosEnd::Asymmetric));
        let help = if self.landscape.report().provenance.scalar == "f32" { ", or f64" } else { "" };
        let what = match (inexact, asymmetric) {
            (0, 0) => return None,
            (_, 0) => "not exact enough",
            (0, _) => "not symmetric",
            _ => "not exact enough, or not symmetric,",
        };
        let (points, all) = (inexact + asymmetric, self.totals.ends.nrows());
        Some(format!("products {what} at {points} of {all} points: use exact ones{help}"))
    }

    /// The marked points: where the ratio on the first data set is neither certified nor warm and in accord with its
    /// neighbours, or the point failed. A point without a mark need not be certified; see [`states`](Self::states).
    pub fn uncertain(&self) -> Array<bool, D> {
        let marked = (0..self.totals.states.nrows()).map(|point| self.totals.is_marked(point)).collect();
        let [rows, columns] = self.landscape.rows_and_columns();
        #[expect(clippy::expect_used, reason = "a slip in the map must not pass")]
        Array::from_shape_vec(D::grid(rows, columns), marked).expect("a flag for each point")
    }
}

impl<D: GridDimension> Deref for RatioMap<D> {
    type Target = Landscape<D>;

    fn deref(&self) -> &Landscape<D> {
        &self.landscape
    }
}
