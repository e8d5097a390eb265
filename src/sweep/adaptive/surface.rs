//! What an adaptive sweep found: values everywhere, and which of them were computed.

use ndarray::{Array2, Array3, ArrayView2};

use super::{
    refine::{AdaptiveEnd, HeldOut, Refinement, RefinementStage},
    settings::ErrorScale,
};
use crate::{Result, Surface, SweepReport, Termination, sweep::options::Swept};

/// The values of an adaptive sweep; `[i, j]` is always the point (α_i, β_j).
///
/// Some points were computed, the others interpolated from them: [`computed`](Self::computed) says which.
///
/// ```
/// use loss_landscape::{Adaptive2d, FnModel, Layout, RandomDirections};
///
/// let loss = |theta: &[f64], _: &()| 1.0 + (3.0 * theta[0]).sin() * theta[1];
/// let model = FnModel::new(Layout::flat(2)?, vec![0.2, 0.7], loss)?;
/// let dirs = RandomDirections::new(2).pair(&model)?;
/// let surface = Adaptive2d::new(&model, dirs).data("", &()).budget(500).run()?;
/// let (loss, computed) = (surface.channel("loss")?, surface.computed());
/// let interpolated = loss.iter().zip(computed).filter(|(loss, computed)| loss.is_finite() && !**computed);
/// assert_eq!(interpolated.count() + surface.evaluations(), 51 * 51);
/// let held_out = surface.held_out().expect("a check");
/// assert!(held_out.quantile_95 < 0.01);
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct AdaptiveSurface {
    surface: Surface,
    estimated_error: Array2<f64>,
    scales: Vec<ErrorScale>,
    end: AdaptiveEnd,
    stages: Vec<RefinementStage>,
    held_out: Option<HeldOut>,
}

impl AdaptiveSurface {
    pub(super) fn new(mut swept: Swept, refinement: &Refinement) -> Self {
        let filled = refinement.fill(&swept.values, &swept.computed);
        swept.values = filled.values;
        let stopped = swept.report.termination != Termination::Complete;
        let end = refinement.end.filter(|_| !stopped).unwrap_or(AdaptiveEnd::Stopped);
        let surface = Surface::new(swept);
        let [rows, columns] = surface.shape();
        let estimated_error = Array2::from_shape_vec((rows, columns), filled.errors).unwrap_or_default();
        let (stages, held_out) = (refinement.stages.clone(), refinement.held_out());
        Self { surface, estimated_error, scales: filled.scales, end, stages, held_out }
    }

    /// All channels, interpolated values among them, with axes, report and files. Its
    /// [`computed`](Surface::computed) says which values are the oracle's own; so does the array `computed` of
    /// its files.
    pub fn surface(&self) -> &Surface {
        &self.surface
    }

    /// The coordinates α.
    pub fn alpha(&self) -> &[f64] {
        self.surface.alpha()
    }

    /// The coordinates β.
    pub fn beta(&self) -> &[f64] {
        self.surface.beta()
    }

    /// The number of points along α and β.
    pub fn shape(&self) -> [usize; 2] {
        self.surface.shape()
    }

    /// The names of the channels: `"loss"`, or with named data sets `"train loss"`.
    pub fn channels(&self) -> &[String] {
        self.surface.channels()
    }

    /// One channel, [α, β]: as the oracle gave it where [`computed`](Self::computed), interpolated elsewhere;
    /// NaN where the oracle failed, and where nothing can be interpolated, next to points that are not finite.
    ///
    /// # Errors
    /// [`Error::UnknownChannel`](crate::Error::UnknownChannel).
    pub fn channel(&self, name: &str) -> Result<ArrayView2<'_, f64>> {
        self.surface.channel(name)
    }

    /// All values, [α, β, channel], interpolated ones among them.
    pub fn values(&self) -> &Array3<f64> {
        self.surface.values()
    }

    /// Which points were computed, [α, β].
    pub fn computed(&self) -> &Array2<bool> {
        self.surface.computed()
    }

    /// Points computed.
    pub fn evaluations(&self) -> usize {
        self.report().computed
    }

    /// How far off each interpolated point may be, [α, β], in the units of the tolerance, the largest of the
    /// channels that steer: 0 where computed, NaN where nothing was interpolated, infinite where nothing is known.
    ///
    /// An estimate, which was more than the error at nine tenths of the points predicted before they were
    /// computed; no bound. [`held_out`](Self::held_out) is measured.
    pub fn estimated_error(&self) -> &Array2<f64> {
        &self.estimated_error
    }

    /// What the last check measured: errors at points drawn at random from those left out, predicted before
    /// they were computed. The result knows these points too. If all of 60 kept the tolerance, fewer than 5 % of the
    /// points left out did not, with 95 % confidence; a check that was repeated until it held says less.
    ///
    /// With levels, a third of the points lie away from the contours, and an error counts there only if it
    /// hid a contour. None if the sweep ended before a check.
    pub fn held_out(&self) -> Option<&HeldOut> {
        self.held_out.as_ref()
    }

    /// The scale on which a channel was interpolated: linear or logarithmic.
    ///
    /// # Errors
    /// [`Error::UnknownChannel`](crate::Error::UnknownChannel).
    pub fn scale(&self, name: &str) -> Result<ErrorScale> {
        self.surface.position(name).map(|position| self.scales[position])
    }

    /// Why it ended.
    pub fn end(&self) -> AdaptiveEnd {
        self.end
    }

    /// The stages in their order.
    pub fn stages(&self) -> &[RefinementStage] {
        &self.stages
    }

    /// How the sweep went: evaluations, bad points, provenance.
    pub fn report(&self) -> &SweepReport {
        self.surface.report()
    }
}
