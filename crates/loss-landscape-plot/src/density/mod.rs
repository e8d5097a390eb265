//! Spectral densities: how many eigenvalues are where.

use loss_landscape::curvature::DensityEstimate;

use crate::{
    Error, Result, Scale, Series,
    axis::scale::Extent,
    checks::check_range,
    curves::{chart::Chart, draw},
    figure::{Draw, Figure},
    plane::shared::SharedScale,
    svg::Drawing,
};

/// Lower end of the axis of densities, as a share of the greatest.
const FLOOR: f64 = 1e-6;

/// A figure of spectral densities: eigenvalues λ on the horizontal axis, their density on the
/// vertical one, which is logarithmic unless [`linear`](Self::linear) is asked for.
///
/// A bulk at zero holds nearly all eigenvalues of a Hessian while a few outliers decide the training,
/// so that densities span many decades. The logarithmic axis begins at a millionth of the greatest
/// density, or at [`floor`](Self::floor), or at the least density if that is greater. What is
/// below, zero included, is cut off there, and counted below the figure if the floor is the caller's;
/// a density below zero is a gap. An SVG document has about 420 by 360 px.
///
/// # Example
///
/// ```
/// use loss_landscape_plot::{DensityFigure, Figure, Series};
///
/// let lambda: Vec<f64> = (0..301).map(|k| f64::from(k) / 50.0 - 1.0).collect();
/// let peak = |x: f64, at: f64, width: f64| (-((x - at) / width).powi(2) / 2.0).exp() / width;
/// let density: Vec<f64> = lambda.iter().map(|&x| peak(x, 0.0, 0.1) + 0.01 * peak(x, 4.0, 0.1)).collect();
/// let (lo, hi): (Vec<f64>, Vec<f64>) = density.iter().map(|d| (0.5 * d, 2.0 * d)).unzip();
/// let svg = DensityFigure::new()
///     .series(Series::new("10 probes", &lambda, &density).band(&lo, &hi))
///     .extremes(-0.3, 4.2)
///     .title("at the minimiser")
///     .to_svg()?;
/// assert!(svg.contains("10 probes"));
/// # Ok::<(), loss_landscape_plot::Error>(())
/// ```
///
/// # Errors
/// Drawing ends in [`Error::Empty`] without series; the errors that [`Series`] lists; [`Error::NoFiniteValue`] if no
/// density is finite, [`Error::NoPositiveValue`] if none is positive; [`Error::Range`] for a floor that is not finite,
/// not above 0, or not below the greatest density; [`Error::NotFinite`] for a guide.
#[derive(Clone, Debug)]
#[must_use]
pub struct DensityFigure {
    chart: Chart,
    linear: bool,
    floor: Option<f64>,
}

impl Default for DensityFigure {
    fn default() -> Self {
        Self::new()
    }
}

impl DensityFigure {
    /// A figure without series; at least one must be added.
    pub fn new() -> Self {
        let (x_label, left_label) = ("eigenvalue λ".to_owned(), "density".to_owned());
        Self { chart: Chart { x_label, left_label, ..Chart::default() }, linear: false, floor: None }
    }

    /// A figure of an estimate of a spectral density, with its band, and the number of its probes in the legend.
    /// [`Series::from_density`] sets the width of the Gaussians, and adds others.
    ///
    /// # Example
    /// ```
    /// use loss_landscape::curvature::{FnOperator, SpectralDensity};
    /// use loss_landscape_plot::{DensityFigure, Figure};
    ///
    /// // Three outliers at 10 beside a bulk in [−1, 1].
    /// let spectrum: Vec<f64> = (0..500).map(|i| if i < 3 { 10.0 } else { (i as f64).sin() }).collect();
    /// let mut operator = FnOperator::new(500, |v: &[f64], out: &mut [f64]| {
    ///     out.iter_mut().zip(&spectrum).zip(v).for_each(|((out, l), v)| *out = l * v);
    ///     Ok(())
    /// });
    /// let estimate = SpectralDensity::new().steps(40).run(&mut operator)?;
    /// let svg = DensityFigure::from_estimate(&estimate)?.title("A spectrum").to_svg()?;
    /// assert!(svg.contains("8 probes"));
    /// # Ok::<(), loss_landscape_plot::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Core`] for a spectrum so near to a single number that its Gaussians have no width.
    pub fn from_estimate(estimate: &DensityEstimate) -> Result<Self> {
        let label = match estimate.quadratures.len() {
            1 => "1 probe".to_owned(),
            probes => format!("{probes} probes"),
        };
        Ok(Self::new().series(Series::from_density(label, estimate, None)?))
    }

    /// Adds a density over λ. It is drawn filled, whatever the series says, and on the one vertical axis there is.
    /// [`Series::band`] shows the spread, such as that over random probes.
    pub fn series(mut self, density: Series) -> Self {
        self.chart.series.push(density);
        self
    }

    /// The title above the figure; none by default.
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.chart.title = title.into();
        self
    }

    /// The label of the horizontal axis; `eigenvalue λ` by default.
    pub fn x_label(mut self, label: impl Into<String>) -> Self {
        self.chart.x_label = label.into();
        self
    }

    /// The label of the vertical axis; `density` by default.
    pub fn y_label(mut self, label: impl Into<String>) -> Self {
        self.chart.left_label = label.into();
        self
    }

    /// Adds vertical lines at the least and the greatest eigenvalue, with the labels λₘᵢₙ and λₘₐₓ. The horizontal axis
    /// extends to include them.
    pub fn extremes(self, lambda_min: f64, lambda_max: f64) -> Self {
        self.guide(lambda_min, "λₘᵢₙ").guide(lambda_max, "λₘₐₓ")
    }

    /// Adds a vertical line at `x` with a label, which may be empty. The horizontal axis extends to include it.
    pub fn guide(mut self, x: f64, label: impl Into<String>) -> Self {
        self.chart.guide(x, label);
        self
    }

    /// The lower end of the logarithmic axis, in the units of the density: above 0 and below the greatest density.
    pub fn floor(mut self, density: f64) -> Self {
        self.floor = Some(density);
        self
    }

    /// Makes the vertical axis linear, from 0 upwards; the floor then has no effect.
    pub fn linear(mut self) -> Self {
        self.linear = true;
        self
    }

    /// Ends of the vertical axis; nothing where there is no more to say than an axis finds itself.
    fn range(&self) -> Result<Option<(f64, f64)>> {
        if self.chart.series.is_empty() {
            return Ok(None);
        }
        let what = || "density".to_owned();
        let densities = Extent::of(self.chart.series.iter().flat_map(|c| c.y.iter().copied()))
            .ok_or_else(|| Error::NoFiniteValue { what: what() })?;
        let peak = densities.max;
        if peak <= 0.0 {
            return Err(Error::NoPositiveValue { what: what() });
        }
        let top =
            self.chart.series.iter().flat_map(Series::values).filter(|v| v.is_finite()).fold(peak, f64::max);
        if self.linear {
            return Ok(Some((0.0, (1.05 * top).min(f64::MAX))));
        }
        if let Some(floor) = self.floor {
            check_range("density axis", (floor, peak), true)?;
        }
        let least = FLOOR * peak;
        let floor = self.floor.unwrap_or(if densities.min > least { densities.min / 1.5 } else { least });
        // The densities themselves may be as small as numbers get.
        Ok((floor > 0.0).then_some((floor, (1.8 * top).min(f64::MAX))))
    }

    /// The series as it is drawn; zero is as far below a logarithmic axis as a number can be.
    fn prepared(&self, mut series: Series) -> Series {
        series.right = false;
        series.filled = true;
        if !self.linear {
            series.y.iter_mut().filter(|v| **v == 0.0).for_each(|v| *v = f64::MIN_POSITIVE);
        }
        series
    }
}

impl Figure for DensityFigure {}

impl Draw for DensityFigure {
    fn draw(&self, _: Option<&SharedScale>) -> Result<Drawing> {
        let mut chart = self.chart.clone();
        chart.cut = self.floor.is_none() && !self.linear;
        chart.left_scale = if self.linear { Scale::Linear } else { Scale::Log };
        chart.left_range = self.range()?;
        chart.series = chart.series.into_iter().map(|series| self.prepared(series)).collect();
        draw::draw(&chart)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        layout::{FRAME_SIDE, TOP},
        testing::{bounds, paths, texts},
    };

    const X: [f64; 5] = [-1.0, 0.0, 1.0, 2.0, 9.0];

    fn figure(y: &[f64]) -> DensityFigure {
        DensityFigure::new().series(Series::new("density of one", &X, y))
    }

    #[test]
    fn the_axis_begins_a_millionth_below_the_peak_or_at_the_least_density() {
        let close = |figure: DensityFigure, lo: f64, hi: f64| {
            let range = figure.range().unwrap().unwrap();
            assert!((range.0 / lo - 1.0).abs() < 1e-12 && (range.1 / hi - 1.0).abs() < 1e-12, "{range:?}");
        };
        close(figure(&[1e-9, 1.0, 5.0, 0.0, 1e-3]), 5e-6, 9.0);
        close(figure(&[0.3, 1.0, 5.0, 0.3, 0.6]), 0.2, 9.0);
        let banded = Series::new("", &X, &[1.0; 5]).band(&[0.0; 5], &[10.0; 5]);
        close(DensityFigure::new().series(banded).floor(1e-3), 1e-3, 18.0);
    }

    #[test]
    fn what_is_below_the_callers_floor_is_counted_and_zero_is_no_gap() {
        let densities = [0.0, 1.0, 1e-9, 0.0, 1e-3];
        let svg = figure(&densities).floor(1e-6).to_svg().unwrap();
        assert!(svg.contains("3 of 5 points below the axis range"), "{svg}");
        let svg = figure(&densities).to_svg().unwrap();
        assert!(!svg.contains("below the axis range"), "{svg}");
        assert!(!svg.contains("not positive") && !svg.contains("<circle"));
        let area = paths(&svg, "fill-opacity", ".14");
        assert_eq!(area.len(), 1);
        let (top, bottom) = bounds(&area[0], 1);
        assert!(top > TOP && (bottom - TOP - FRAME_SIDE).abs() < 0.02, "{area:?}");
        let svg = figure(&[1.0, f64::NAN, 1.0, -1e-12, 1.0]).to_svg().unwrap();
        let caption = texts(&svg).join(" | ");
        assert!(caption.contains("1 of 5 points not finite; 1 of 5 points not positive"), "{caption}");
    }

    #[test]
    fn extremes_are_labelled_and_extend_the_axis() {
        let svg = figure(&[1.0; 5]).extremes(-20.0, 40.0).title("t").to_svg().unwrap();
        let texts = texts(&svg);
        for text in ["λmin", "λmax", "−20", "40", "eigenvalue λ", "density", "density of one", "t"] {
            assert!(texts.iter().any(|t| t == text), "{text}: {texts:?}");
        }
    }

    #[test]
    fn a_linear_axis_begins_at_zero() {
        let figure = figure(&[0.0, 1.0, 3.0, 0.1, 0.0]).linear().floor(f64::NAN);
        assert_eq!(figure.range().unwrap(), Some((0.0, 1.05 * 3.0)));
        assert!(texts(&figure.to_svg().unwrap()).iter().any(|t| t == "0.0"));
    }

    #[test]
    fn hostile_densities_do_not_panic() {
        let lists = [
            [5e-324, 0.0, 1e-310, 0.0, 0.0],
            [f64::MAX; 5],
            [f64::MAX, f64::MIN, 0.0, 5e-324, f64::INFINITY],
        ];
        for y in lists {
            for figure in [figure(&y), figure(&y).linear(), figure(&y).floor(1e-300)] {
                match figure.to_svg() {
                    Ok(svg) => {
                        roxmltree::Document::parse(&svg).unwrap();
                        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{y:?}");
                    }
                    Err(error) => assert!(matches!(error, Error::Range { .. }), "{error}"),
                }
            }
        }
    }

    #[test]
    fn bad_input_is_refused() {
        let refused = |figure: DensityFigure| figure.to_svg().unwrap_err();
        assert!(matches!(refused(DensityFigure::new()), Error::Empty { what: "series" }));
        assert!(matches!(refused(figure(&[f64::NAN; 5])), Error::NoFiniteValue { .. }));
        assert!(matches!(refused(figure(&[0.0; 5])), Error::NoPositiveValue { .. }));
        for floor in [0.0, -1.0, 1.0, f64::NAN, f64::INFINITY] {
            assert!(matches!(refused(figure(&[1.0; 5]).floor(floor)), Error::Range { log: true, .. }));
        }
        assert!(matches!(refused(figure(&[1.0; 4])), Error::Length { len: 4, expected: 5, .. }));
        assert!(matches!(refused(figure(&[1.0; 5]).guide(f64::NAN, "")), Error::NotFinite { .. }));
    }
}
