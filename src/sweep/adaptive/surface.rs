//! The result of an adaptive sweep: values everywhere, and which of them were computed.

use std::ops::Deref;

use ndarray::Array2;

use super::{
    refine::{AdaptiveEnd, HeldOut, Refinement, RefinementStage},
    settings::ErrorScale,
};
use crate::{
    Result, Surface,
    landscape::{Parts, SweepEnd},
};

/// A [`Surface`] of which some points were computed, and the others interpolated from them.
///
/// It is a surface with all its methods, files and figures; [`computed`](crate::Landscape::computed) says which values
/// are the oracle's own, and its files keep that. Values are NaN where the oracle failed, and where nothing can be
/// interpolated because points in the neighbourhood are not finite.
///
/// ```
/// use loss_landscape::{Adaptive, FnModel, Layout, RandomDirections, Sweep};
///
/// let loss = |theta: &[f64], _: &()| 1.0 + (3.0 * theta[0]).sin() * theta[1];
/// let model = FnModel::new(Layout::flat(2)?, vec![0.2, 0.7], loss)?;
/// let sweep = Sweep::plane(&model, RandomDirections::new(2)).data("", &());
/// let surface = sweep.adaptive(&Adaptive::new().budget(500))?;
/// let (loss, computed) = (surface.loss(), surface.computed());
/// let interpolated = loss.iter().zip(computed).filter(|(loss, computed)| loss.is_finite() && !**computed);
/// assert_eq!(interpolated.count() + surface.evaluations(), 51 * 51);
/// let held_out = surface.held_out().expect("a check");
/// assert!(held_out.quantile_95 < 0.01);
/// // The point that is most in doubt, by its estimated error.
/// let doubt = |error: &f64| error.is_finite().then_some(*error);
/// let most = surface.estimated_error().iter().filter_map(doubt).fold(0.0, f64::max);
/// assert!(most < 0.05);
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
    pub(super) fn new(mut parts: Parts, refinement: &Refinement) -> Self {
        let filled = refinement.fill(&parts.values, &parts.computed);
        parts.values = filled.values;
        let end = match (parts.report.end, refinement.end) {
            (SweepEnd::Complete, Some(end)) => end,
            (SweepEnd::Complete, None) => {
                let whole = parts.computed.iter().all(|computed| *computed);
                assert!(whole, "the driver asks for stages until the refinement says why there is none");
                // Cancelled at the very last point of the grid, which left nothing to stop.
                AdaptiveEnd::AllPoints
            }
            _ => AdaptiveEnd::Stopped,
        };
        let surface = Surface::assemble(parts);
        let [rows, columns] = surface.shape();
        #[expect(clippy::expect_used, reason = "a slip in the refinement must not pass")]
        let estimated_error =
            Array2::from_shape_vec((rows, columns), filled.errors).expect("an estimate for each point");
        let (stages, held_out) = (refinement.stages.clone(), refinement.held_out());
        Self { surface, estimated_error, scales: filled.scales, end, stages, held_out }
    }

    /// The number of points computed.
    pub fn evaluations(&self) -> usize {
        self.surface.report().computed
    }

    /// The estimated error of each point, [α, β], in the units of the tolerance, the largest among the channels that
    /// steer: 0 where the point was computed, NaN where nothing was interpolated, infinite where nothing is known.
    ///
    /// An estimate, no bound: its scale is such that nine tenths of the points that were predicted last, before they
    /// were computed, were off by less. On random functions (exponentials of waves, bowls, small tanh and ReLU
    /// networks; 236 sweeps of 31×31 points that ended by a tolerance of 0.05 or 0.01) it was more than the error at
    /// 93 % of all interpolated points, and in 226 sweeps at more than 80 % of them.
    /// [`held_out`](Self::held_out) is measured.
    pub fn estimated_error(&self) -> &Array2<f64> {
        &self.estimated_error
    }

    /// What the last check measured: errors at points drawn at random from those left out, predicted before
    /// they were computed. The result knows these points too. If all of 60 kept the tolerance, fewer than 5 % of the
    /// points left out did not, with 95 % confidence; a check that was repeated until it held says less. Of the 236
    /// sweeps of [`estimated_error`](Self::estimated_error) three had more than 1 % of their interpolated points beyond
    /// the tolerance, at most 1.5 %, and no point was off by more than 2.4 times the tolerance.
    ///
    /// With levels, a third of the points are away from the contours, where an error counts only if it hid a contour.
    /// None if the sweep ended before a check.
    pub fn held_out(&self) -> Option<&HeldOut> {
        self.held_out.as_ref()
    }

    /// The scale on which a channel was interpolated: [`ErrorScale::Linear`] or [`ErrorScale::Log`].
    ///
    /// # Errors
    /// [`Error::UnknownChannel`](crate::Error::UnknownChannel).
    pub fn scale(&self, name: &str) -> Result<ErrorScale> {
        self.surface.position(name).map(|position| self.scales[position])
    }

    /// Why it ended. [`AdaptiveEnd`] has an example that goes on where the budget was spent.
    pub fn end(&self) -> AdaptiveEnd {
        self.end
    }

    /// The stages in their order; [`RefinementStage`] has an example that prints them.
    pub fn stages(&self) -> &[RefinementStage] {
        &self.stages
    }
}

impl Deref for AdaptiveSurface {
    type Target = Surface;

    fn deref(&self) -> &Surface {
        &self.surface
    }
}
