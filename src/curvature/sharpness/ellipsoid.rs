//! The perturbations that sharpness looks at: an ellipsoid around θ, a ball in scaled coordinates.

use std::{fmt, ops::Range};

use crate::{Error, Layout, Mask, Result, Scalar};

/// The lengths c of the axes of the ellipsoid ‖δ/c‖₂ ≤ ρ in which sharpness is measured.
///
/// ```
/// use loss_landscape::curvature::SharpnessScale;
///
/// assert_eq!(SharpnessScale::default(), SharpnessScale::Plain);
/// assert_eq!(SharpnessScale::Relative.to_string(), "relative to |θ|");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum SharpnessScale {
    /// c = 1: a ball. It depends on the scale of the weights, which through ReLUs can be moved from one layer to the
    /// next without any change of the network (Dinh et al., [2017](https://arxiv.org/abs/1703.04933)).
    #[default]
    Plain,
    /// c = |θ|, element by element (Kwon et al., [2021](https://arxiv.org/abs/2102.11600)): such a rescaling does not
    /// change it. Parameters that are 0 stand still.
    Relative,
}

impl fmt::Display for SharpnessScale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plain => "plain",
            Self::Relative => "relative to |θ|",
        })
    }
}

/// The ellipsoid around one θ, in the parameters of chosen blocks.
#[derive(Debug)]
pub(super) struct Ellipsoid<'a, S> {
    theta: &'a [S],
    ranges: Vec<Range<usize>>,
    scale: SharpnessScale,
    pub(super) radius: f64,
}

impl<'a, S: Scalar> Ellipsoid<'a, S> {
    pub(super) fn new(
        layout: &Layout,
        theta: &'a [S],
        scale: SharpnessScale,
        radius: f64,
        mask: Option<&Mask>,
    ) -> Result<Self> {
        layout.ensure_finite("θ", theta)?;
        let trained = Mask::trained(layout);
        // Buffers stand still whatever is chosen.
        let mask = match mask {
            Some(mask) => mask.and(&trained)?,
            None => trained,
        };
        if mask.selected() == 0 {
            return Err(Error::EmptyMask);
        }
        let ellipsoid = Self { theta, ranges: mask.ranges(), scale, radius };
        let parameters = mask.selected();
        if ellipsoid.chosen().all(|index| ellipsoid.axis(index) == 0.0) {
            return Err(Error::NothingToPerturb { parameters });
        }
        Ok(ellipsoid)
    }

    /// The indices of the chosen parameters.
    pub(super) fn chosen(&self) -> impl Iterator<Item = usize> + '_ {
        self.ranges.iter().cloned().flatten()
    }

    /// c at an index.
    pub(super) fn axis(&self, index: usize) -> f64 {
        match self.scale {
            SharpnessScale::Plain => 1.0,
            SharpnessScale::Relative => self.theta[index].as_f64().abs(),
        }
    }

    /// θ + factor·c⊙z into `out`; outside the chosen blocks θ itself.
    pub(super) fn point(&self, z: &[S], factor: f64, out: &mut Vec<S>) {
        out.clear();
        out.extend_from_slice(self.theta);
        for index in self.chosen() {
            let moved = self.theta[index].as_f64() + factor * self.axis(index) * z[index].as_f64();
            out[index] = S::from_f64(moved);
        }
    }

    /// The derivative by z of a loss with this gradient, in its place: c⊙∇L, and 0 outside the chosen blocks.
    pub(super) fn pull(&self, gradient: &mut [S]) {
        self.keep(gradient, |value, axis| value * axis);
    }

    /// Sets to 0 what z cannot move.
    pub(super) fn clear_rest(&self, z: &mut [S]) {
        self.keep(z, |value, axis| if axis == 0.0 { 0.0 } else { value });
    }

    fn keep(&self, vector: &mut [S], rule: impl Fn(f64, f64) -> f64) {
        let mut end = 0;
        for range in &self.ranges {
            vector[end..range.start].fill(S::zero());
            for index in range.clone() {
                vector[index] = S::from_f64(rule(vector[index].as_f64(), self.axis(index)));
            }
            end = range.end;
        }
        vector[end..].fill(S::zero());
    }
}
