//! The mean rise of the loss over random perturbations.

use rayon::prelude::*;

use super::ellipsoid::Ellipsoid;
use crate::{
    Error, Loss, Result, Scalar, curvature::estimate::Sample, landscape::PointFailure, model::catch,
};

/// The mean rise E L(θ + δ) − L(θ) over random perturbations, with a standard error and an interval.
/// [`Sharpness::average`](super::Sharpness::average) makes it.
///
/// ```
/// use loss_landscape::{FnModel, Layout, Model, curvature::Sharpness};
///
/// // L is not defined for negative parameters.
/// let model = FnModel::new(Layout::flat(2)?, vec![1.0; 2], |t: &[f64], _: &()| t[0].ln().powi(2) + t[1].powi(2))?;
/// let found = Sharpness::new(0.5).draws(200).average(&model, model.parameters(), &())?;
/// println!("{:.3} ± {:.3} over {} of {} draws", found.value, found.standard_error, found.counted, found.draws);
/// assert!(found.counted < 200 && found.bad == 200 - found.counted);
/// assert_eq!(found.failure.as_ref().map(ToString::to_string), Some("`loss` is NaN".to_owned()));
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct AverageSharpness {
    /// The mean of L(θ + δ) − L(θ) over the draws that count; NaN if none does.
    #[cfg_attr(feature = "serde", serde(with = "crate::wire::forms"))]
    pub value: f64,
    /// Its standard error, from the spread of the draws; infinite for fewer than two.
    #[cfg_attr(feature = "serde", serde(with = "crate::wire::forms"))]
    pub standard_error: f64,
    /// The interval that includes the expectation with the probability [`confidence`](Self::confidence): Student's t,
    /// corrected for the skewness of the draws (P. Hall, J. R. Stat. Soc. B 54, 1992).
    #[cfg_attr(feature = "serde", serde(with = "crate::wire::forms"))]
    pub interval: [f64; 2],
    /// The probability of the interval.
    #[cfg_attr(feature = "serde", serde(with = "crate::wire::forms"))]
    pub confidence: f64,
    /// L(θ).
    #[cfg_attr(feature = "serde", serde(with = "crate::wire::forms"))]
    pub loss: f64,
    /// The number of draws, or of antithetic pairs.
    pub draws: usize,
    /// The number of them in the mean: those whose losses are finite. Draws that are left out were most likely among
    /// the sharpest, so that the mean is then too small.
    pub counted: usize,
    /// The number of losses that failed or were not finite.
    pub bad: usize,
    /// What the first of them was, in the order of the draws.
    pub failure: Option<PointFailure>,
}

/// What is asked of an average.
pub(super) struct Averaging {
    pub(super) draws: usize,
    pub(super) antithetic: bool,
    pub(super) confidence: f64,
}

impl Averaging {
    /// The mean over z that `draw` writes, in parallel.
    pub(super) fn run<M, D>(
        &self,
        ellipsoid: &Ellipsoid<'_, M::Scalar>,
        model: &M,
        data: &D,
        loss: f64,
        draw: impl Fn(usize, &mut [M::Scalar]) + Sync,
    ) -> AverageSharpness
    where
        M: Loss<D> + Sync + ?Sized,
        D: Sync + ?Sized,
    {
        let signs: &[f64] = if self.antithetic { &[1.0, -1.0] } else { &[1.0] };
        let n = model.layout().len();
        let zeros = || (vec![M::Scalar::from_f64(0.0); n], Vec::new());
        // In the order of the draws, whichever thread had them.
        let rises: Vec<Rise> = (0..self.draws)
            .into_par_iter()
            .map_init(zeros, |(z, theta), index| {
                draw(index, z);
                let mut rise = Rise { value: 0.0, bad: 0, failure: None };
                for sign in signs {
                    ellipsoid.point(z, sign * ellipsoid.radius, theta);
                    match evaluate(|| model.loss(theta, data)) {
                        Ok(found) => rise.value += (found - loss) / signs.len() as f64,
                        Err(failure) => {
                            rise.bad += 1;
                            rise.failure.get_or_insert(failure);
                        }
                    }
                }
                rise
            })
            .collect();
        let values: Vec<f64> = rises.iter().filter(|rise| rise.bad == 0).map(|rise| rise.value).collect();
        let sample = Sample::of(&values);
        let none = values.is_empty();
        let reach = if none { [f64::NEG_INFINITY, f64::INFINITY] } else { sample.reach(self.confidence) };
        let value = if none { f64::NAN } else { sample.mean };
        AverageSharpness {
            value,
            standard_error: if none { f64::INFINITY } else { sample.standard_error() },
            interval: if none { reach } else { reach.map(|reach| value + reach) },
            confidence: self.confidence,
            loss,
            draws: self.draws,
            counted: values.len(),
            bad: rises.iter().map(|rise| rise.bad).sum(),
            failure: rises.into_iter().find_map(|rise| rise.failure),
        }
    }
}

/// What one draw gave.
struct Rise {
    value: f64,
    bad: usize,
    failure: Option<PointFailure>,
}

/// A finite loss, or why there is none.
pub(super) fn evaluate(call: impl FnOnce() -> Result<f64, crate::OracleError>) -> Result<f64, PointFailure> {
    match catch(call) {
        Ok(loss) if loss.is_finite() => Ok(loss),
        Ok(value) => Err(PointFailure::NonFinite { channel: "loss".to_owned(), value }),
        Err(failure) => Err(PointFailure::of(failure)),
    }
}

/// L(θ), without which nothing can rise.
pub(super) fn ensure_loss(loss: f64) -> Result<f64> {
    if loss.is_finite() { Ok(loss) } else { Err(Error::NonFiniteLoss { value: loss }) }
}
