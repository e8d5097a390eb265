//! What is known of the parts of a Hessian.

use std::fmt;

use crate::{
    Scalar,
    curvature::{estimate::TraceEstimate, lanczos::Extremes},
};

/// The Hessian H = G + R at a point: the ends of the spectra, the traces and the energies of its parts. As text it
/// explains the result. [`GaussNewtonSplit::report`](super::GaussNewtonSplit::report) makes it and has an example.
///
/// ```
/// use loss_landscape::curvature::GaussNewtonReport;
///
/// /// Whether negative curvature comes from the network and not from noise.
/// fn bends_down(report: &GaussNewtonReport<f64>) -> bool {
///     let [from_g, from_r] = report.lowest;
///     report.hessian.is_convex() == Some(false) && from_r < 0.0 && from_r.abs() > from_g.abs()
/// }
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct GaussNewtonReport<S> {
    /// The number of parameters, in the chosen blocks.
    pub parameters: usize,
    /// The ends of the spectrum of H.
    pub hessian: Extremes<S>,
    /// The ends of the spectrum of G. Where the criterion is convex in the outputs, λ_min is 0 or above, to rounding.
    pub gauss_newton: Extremes<S>,
    /// The ends of the spectrum of R.
    pub rest: Extremes<S>,
    /// vᵀGv and vᵀRv for the Ritz vector v of the least eigenvalue of H: their sum is λ_min(H).
    #[cfg_attr(feature = "serde", serde(with = "crate::wire::forms"))]
    pub lowest: [f64; 2],
    /// The same for the greatest eigenvalue of H.
    #[cfg_attr(feature = "serde", serde(with = "crate::wire::forms"))]
    pub highest: [f64; 2],
    /// The trace of G.
    pub gauss_newton_trace: TraceEstimate,
    /// The trace of R. It is exactly 0 in a network of linear layers or convolutions and ReLUs alone, whose outputs are
    /// linear in every single parameter, however large R is: [`energies`](Self::energies) tell the two apart.
    pub rest_trace: TraceEstimate,
    /// tr G / (tr G + tr R): 1 where R has no trace, above 1 where its trace is negative; NaN if both are 0.
    #[cfg_attr(feature = "serde", serde(with = "crate::wire::forms"))]
    pub trace_share: f64,
    /// The standard error of that share, to first order in those of the traces, which have probes of their own.
    #[cfg_attr(feature = "serde", serde(with = "crate::wire::forms"))]
    pub trace_share_error: f64,
    /// The energies Σλ² = ‖·‖_F² of G and of R, from random products. They do not add up to that of H.
    #[cfg_attr(feature = "serde", serde(with = "crate::wire::forms"))]
    pub energies: [f64; 2],
    /// The standard errors of the energies.
    #[cfg_attr(feature = "serde", serde(with = "crate::wire::forms"))]
    pub energy_errors: [f64; 2],
    /// The number of products in all.
    pub products: usize,
}

impl<S: Scalar> fmt::Display for GaussNewtonReport<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { hessian, lowest, highest, energies, energy_errors, .. } = self;
        writeln!(
            f,
            "The Hessian over {} parameters is H = G + R, from {} products:",
            self.parameters, self.products
        )?;
        let parts =
            [("G", &self.gauss_newton, &self.gauss_newton_trace, 0), ("R", &self.rest, &self.rest_trace, 1)];
        for (name, extremes, trace, index) in parts {
            writeln!(
                f,
                "λ_min({name}) = {:.4e} (at least {:.4e}), λ_max({name}) = {:.4e} (at most {:.4e}), \
                 tr {name} = {:.4e} ± {:.0e}, Σλ² = {:.3e} ± {:.0e};",
                extremes.lambda_min,
                extremes.bounds[0],
                extremes.lambda_max,
                extremes.bounds[1],
                trace.value,
                trace.standard_error,
                energies[index],
                energy_errors[index],
            )?;
        }
        for (end, value, [g, r]) in
            [("min", hessian.lambda_min, lowest), ("max", hessian.lambda_max, highest)]
        {
            writeln!(
                f,
                "λ_{end}(H) = {value:.4e}: {g:.4e} from G and {r:.4e} from R along its eigenvector."
            )?;
        }
        if self.trace_share.is_nan() {
            writeln!(f, "Both traces are 0.")?;
        } else {
            writeln!(f, "G has {:.4} ± {:.0e} of the trace of H.", self.trace_share, self.trace_share_error)?;
        }
        write!(f, "Each pair of bounds holds with probability {}.", hessian.confidence)
    }
}
