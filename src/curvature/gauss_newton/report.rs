//! What is known of the parts of a Hessian.

use std::fmt;

use crate::{
    Scalar,
    curvature::{estimate::TraceEstimate, lanczos::Extremes},
    measure::{MeasureTable, Reading},
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

impl<S> GaussNewtonReport<S> {
    /// The numbers of several reports, such as those of several networks, for files: a row for each report, columns for
    /// both ends of the spectra of H, G and R with their bounds, the traces of G and R and the share of G in them with
    /// their standard errors, and the energies with theirs. What is not finite is unknown.
    ///
    /// ```
    /// use loss_landscape::curvature::GaussNewtonReport;
    ///
    /// fn save(before: &GaussNewtonReport<f32>, after: &GaussNewtonReport<f32>) -> loss_landscape::Result<()> {
    ///     GaussNewtonReport::table([before, after]).write_npz("parts.npz")
    /// }
    /// ```
    pub fn table<'r>(reports: impl IntoIterator<Item = &'r Self>) -> MeasureTable
    where
        S: 'r,
    {
        let names = [
            "λ_min(H)",
            "bound below λ_min(H)",
            "λ_max(H)",
            "bound above λ_max(H)",
            "λ_min(G)",
            "bound below λ_min(G)",
            "λ_max(G)",
            "bound above λ_max(G)",
            "λ_min(R)",
            "bound below λ_min(R)",
            "λ_max(R)",
            "bound above λ_max(R)",
            "trace of G",
            "standard error of the trace of G",
            "trace of R",
            "standard error of the trace of R",
            "share of G in the trace",
            "standard error of the share of G in the trace",
            "energy of G",
            "standard error of the energy of G",
            "energy of R",
            "standard error of the energy of R",
        ];
        let ends = |extremes: &Extremes<S>| {
            [extremes.lambda_min, extremes.bounds[0], extremes.lambda_max, extremes.bounds[1]]
        };
        let row = |report: &Self| {
            let [h, g, r] = [&report.hessian, &report.gauss_newton, &report.rest].map(ends);
            let [of_g, of_r] = [&report.gauss_newton_trace, &report.rest_trace];
            let traces = [of_g.value, of_g.standard_error, of_r.value, of_r.standard_error];
            let share = [report.trace_share, report.trace_share_error];
            let [energy_g, energy_r] = report.energies;
            let [error_g, error_r] = report.energy_errors;
            let energies = [energy_g, error_g, energy_r, error_r];
            let values = [&h[..], &g, &r, &traces, &share, &energies].concat();
            std::array::from_fn(|column| Reading::Value(values[column]))
        };
        MeasureTable::of_rows(names, &reports.into_iter().map(row).collect::<Vec<_>>())
    }
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
