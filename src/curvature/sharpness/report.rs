//! What is known of the sharpness at a point.

use std::fmt;

use super::{AverageSharpness, SharpnessScale, WorstSharpness};
use crate::{
    Scalar,
    curvature::{estimate::TraceEstimate, lanczos::Extremes},
    measure::{MeasureTable, Reading},
};

/// Sharpness on average and in the worst case, beside the curvature. As text it explains the result, with what it does
/// not say. [`Sharpness::report`](super::Sharpness::report) makes it, and [`Sharpness`](super::Sharpness) has an
/// example.
///
/// ```
/// use loss_landscape::curvature::SharpnessReport;
///
/// /// Whether a second-order picture is enough: at a minimum, and with ρ so small that nothing else shows.
/// fn is_quadratic(report: &SharpnessReport<f64>) -> bool {
///     let slope = report.radius * report.gradient_norm;
///     let gap = (report.worst.value - report.quadratic_worst()).abs();
///     slope < 0.01 * report.worst.value && gap < 0.05 * report.worst.value
/// }
/// ```
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct SharpnessReport<S> {
    /// The radius ρ.
    #[cfg_attr(feature = "serde", serde(with = "crate::wire::forms"))]
    pub radius: f64,
    /// What the axes c of the ellipsoid are.
    pub scale: SharpnessScale,
    /// The number of parameters that are perturbed, in the chosen blocks.
    pub parameters: usize,
    /// L(θ).
    #[cfg_attr(feature = "serde", serde(with = "crate::wire::forms"))]
    pub loss: f64,
    /// ‖c⊙∇L(θ)‖: 0 at a minimum. To first order the worst case is ρ times that.
    #[cfg_attr(feature = "serde", serde(with = "crate::wire::forms"))]
    pub gradient_norm: f64,
    /// The mean rise over random perturbations.
    pub average: AverageSharpness,
    /// The largest rise that was found: a lower bound.
    pub worst: WorstSharpness,
    /// The ends of the spectrum of diag(c)·H·diag(c), which is H itself in the plain form.
    pub extremes: Extremes<S>,
    /// Its trace.
    pub trace: TraceEstimate,
}

impl<S> SharpnessReport<S> {
    /// ρ²·tr/2: what the average is at any stationary point, up to terms of fourth order in ρ.
    pub fn quadratic_average(&self) -> f64 {
        self.radius.powi(2) * self.trace.value / 2.0
    }

    /// ρ²·λ_max/2, or 0 if λ_max is negative: what the worst case is at a minimum, up to terms of third order in ρ.
    pub fn quadratic_worst(&self) -> f64 {
        (self.radius.powi(2) * self.extremes.lambda_max / 2.0).max(0.0)
    }

    /// The numbers of several reports, such as those of several networks, for files: a row for each report, columns for
    /// the loss, the norm of the gradient, the average with its standard error and the number of draws that do not count
    /// in it, the worst case (a lower bound), both ends of the spectrum with their bounds, and the trace with its standard
    /// error. What is not finite is unknown.
    ///
    /// ```
    /// use loss_landscape::{curvature::SharpnessReport, measure::{MeasureTable, Reading}};
    ///
    /// /// The worst case of each network, and all of it as CSV.
    /// fn save(reports: &[SharpnessReport<f64>]) -> loss_landscape::Result<MeasureTable> {
    ///     let table = SharpnessReport::table(reports);
    ///     table.write_csv("sharpness.csv")?;
    ///     let worst = table.measures().iter().find(|measured| measured.name() == "worst-case sharpness").unwrap();
    ///     assert_eq!(worst.readings()[0], Reading::AtLeast(reports[0].worst.value));
    ///     Ok(table)
    /// }
    /// ```
    pub fn table<'r>(reports: impl IntoIterator<Item = &'r Self>) -> MeasureTable
    where
        S: 'r,
    {
        let names = [
            "loss",
            "norm of the gradient",
            "average sharpness",
            "standard error of the average sharpness",
            "draws left out of the average",
            "worst-case sharpness",
            "λ_min",
            "bound below λ_min",
            "λ_max",
            "bound above λ_max",
            "trace",
            "standard error of the trace",
        ];
        let row = |report: &Self| {
            let Self { average, worst, extremes, trace, .. } = report;
            let [below, above] = extremes.bounds;
            [
                Reading::Value(report.loss),
                Reading::Value(report.gradient_norm),
                Reading::Value(average.value),
                Reading::Value(average.standard_error),
                Reading::Value((average.draws - average.counted) as f64),
                Reading::AtLeast(worst.value),
                Reading::Value(extremes.lambda_min),
                Reading::Value(below),
                Reading::Value(extremes.lambda_max),
                Reading::Value(above),
                Reading::Value(trace.value),
                Reading::Value(trace.standard_error),
            ]
        };
        MeasureTable::of_rows(names, &reports.into_iter().map(row).collect::<Vec<_>>())
    }
}

impl<S: Scalar> fmt::Display for SharpnessReport<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { radius, scale, parameters, loss, gradient_norm, average, worst, extremes, trace } = self;
        writeln!(
            f,
            "Sharpness within ρ = {radius}, {scale}, over {parameters} parameters, where the loss is {loss:.4e} and \
             the gradient {gradient_norm:.2e} long:"
        )?;
        let [low, high] = average.interval;
        writeln!(
            f,
            "on average the loss rises by {:.4e} ± {:.0e} ({low:.4e} to {high:.4e} with probability {}), over {} of \
             {} draws; ρ²·tr/2 is {:.4e} ± {:.0e};",
            average.value,
            average.standard_error,
            average.confidence,
            average.counted,
            average.draws,
            self.quadratic_average(),
            radius.powi(2) * trace.standard_error / 2.0,
        )?;
        let least = worst.rises.iter().copied().fold(f64::INFINITY, f64::min);
        writeln!(
            f,
            "in the worst case by {:.4e} at least, the best of {} starts, the least of which found {least:.4e}; \
             ρ·‖c⊙∇L‖ is {:.4e}, ρ²·λ_max/2 is {:.4e}, and {:.4e} at most with probability {}.",
            worst.value,
            worst.rises.len(),
            radius * gradient_norm,
            self.quadratic_worst(),
            (radius.powi(2) * extremes.bounds[1] / 2.0).max(0.0),
            extremes.confidence,
        )?;
        if average.bad + worst.bad > 0 {
            writeln!(
                f,
                "Without a finite loss were {} evaluations of the draws and {} of the ascents; the loss may be \
                 largest there.",
                average.bad, worst.bad
            )?;
        }
        f.write_str("Sharpness does not correlate well with generalisation (arXiv 2302.07011).")
    }
}
