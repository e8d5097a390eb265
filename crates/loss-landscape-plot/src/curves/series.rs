//! One series of a curve figure.

use loss_landscape::{Curve, curvature::DensityEstimate};

use crate::{Error, Result, checks::check_coordinates, results};

/// A sequence of values over a common coordinate, with its place in the legend and its style.
///
/// A solid line on the left axis, unless set otherwise. Values that are not finite leave a gap.
///
/// # Example
///
/// ```
/// use loss_landscape_plot::{CurveFigure, Figure, Series};
///
/// let alpha = [-0.5, 0.0, 0.5, 1.0];
/// let accuracy = [0.31, 0.92, 0.55, 0.91];
/// let series = Series::new("test accuracy", &alpha, &accuracy)
///     .band(&[0.25, 0.90, 0.48, 0.90], &[0.37, 0.94, 0.62, 0.92])
///     .right_axis()
///     .dashed();
/// assert!(CurveFigure::new().series(series).to_svg()?.contains("test accuracy"));
/// # Ok::<(), loss_landscape_plot::Error>(())
/// ```
///
/// # Errors
/// A figure that draws the series ends in [`Error::TooFewPoints`], [`Error::NotFinite`] or [`Error::NotIncreasing`] for
/// its coordinates, and in [`Error::Length`] if there are more or fewer values, or ends of the band, than coordinates.
#[derive(Clone, Debug)]
#[must_use]
pub struct Series {
    pub(crate) label: String,
    pub(crate) x: Vec<f64>,
    pub(crate) y: Vec<f64>,
    pub(crate) right: bool,
    pub(crate) stroke: Stroke,
    pub(crate) filled: bool,
    pub(crate) band: Option<[Vec<f64>; 2]>,
    pub(crate) color: Option<usize>,
}

/// How a line is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stroke {
    Solid,
    Dashed,
    /// Thin and pale.
    Thin,
    /// Dots, and no line.
    Points,
}

impl Series {
    /// A series through (`x[k]`, `y[k]`). `x` must increase strictly, at any spacing. A series with an empty label
    /// is not listed in the legend.
    pub fn new(label: impl Into<String>, x: &[f64], y: &[f64]) -> Self {
        Self {
            label: label.into(),
            x: x.to_vec(),
            y: y.to_vec(),
            right: false,
            stroke: Stroke::Solid,
            filled: false,
            band: None,
            color: None,
        }
    }

    /// One channel along a curve, over α, with the name of the channel as its label.
    ///
    /// # Example
    /// ```
    /// use loss_landscape::Curve;
    /// use loss_landscape_plot::{CurveFigure, Figure, Series};
    /// use ndarray::array;
    ///
    /// let channels = [("train loss".to_owned(), array![0.9, 0.1]), ("train accuracy".to_owned(), array![0.7, 1.0])];
    /// let curve = Curve::from_channels(&[0.0, 1.0], channels)?;
    /// let figure = CurveFigure::from_curve(&curve, "train loss")?
    ///     .series(Series::from_curve(&curve, "train accuracy")?.right_axis());
    /// assert!(figure.to_svg()?.contains("train accuracy"));
    /// # Ok::<(), loss_landscape_plot::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Core`] for a channel that the curve does not have.
    pub fn from_curve(curve: &Curve, channel: &str) -> Result<Self> {
        let values = results::curve_channel(curve, channel)?;
        Ok(Self::new(channel, curve.alpha(), &values.to_vec()))
    }

    /// The same with another label, as where the same channel is drawn along several ways.
    ///
    /// # Example
    /// ```
    /// use loss_landscape::Curve;
    /// use loss_landscape_plot::{CurveFigure, Figure, Series};
    /// use ndarray::array;
    ///
    /// let curve = |loss| Curve::from_channels(&[0.0, 0.5, 1.0], [("loss".to_owned(), loss)]);
    /// let (line, bent) = (curve(array![0.1, 3.0, 0.2])?, curve(array![0.1, 0.1, 0.2])?);
    /// let figure = CurveFigure::new()
    ///     .series(Series::from_curve(&line, "loss")?.label("straight line"))
    ///     .series(Series::from_curve(&bent, "loss")?.label("Bezier curve"));
    /// assert!(figure.to_svg()?.contains("Bezier curve"));
    /// # Ok::<(), loss_landscape_plot::Error>(())
    /// ```
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// A spectral density, in 1,000 points or more over the range of its nodes and a little beyond, with the band of
    /// the estimate. `width` is the standard deviation, in units of λ, of the Gaussian that each node becomes;
    /// [`DensityEstimate::default_width`] if none is given.
    ///
    /// # Errors
    /// [`Error::Core`] for a width that is not finite and above 0, or subnormal.
    pub fn from_density(
        label: impl Into<String>,
        estimate: &DensityEstimate,
        width: Option<f64>,
    ) -> Result<Self> {
        let width = width.unwrap_or_else(|| estimate.default_width());
        let at = results::density_points(estimate, width);
        let density = estimate.density(&at, Some(width))?;
        Ok(Self::new(label, &at, &density.values).band(&density.lower, &density.upper))
    }

    /// The first channel along a curve.
    pub(super) fn from_first_channel(curve: &Curve) -> Self {
        let (name, values) = results::first_curve_channel(curve);
        Self::new(name, curve.alpha(), &values.to_vec())
    }

    /// Measures the series on the right axis, which is linear: accuracy beside loss.
    pub fn right_axis(mut self) -> Self {
        self.right = true;
        self
    }

    /// Dashes the line: by convention, test data. It is then not thin.
    pub fn dashed(mut self) -> Self {
        self.stroke = Stroke::Dashed;
        self
    }

    /// Fills the area between the line and zero, or the lower end of a logarithmic axis, lightly.
    pub fn filled(mut self) -> Self {
        self.filled = true;
        self
    }

    /// Draws the line thin and pale, as one of many; it is then not dashed.
    pub fn thin(mut self) -> Self {
        self.stroke = Stroke::Thin;
        self
    }

    /// Draws a dot at each point and no line, as in a scatter plot; a single point is enough, and points may share a
    /// coordinate.
    ///
    /// # Example
    /// ```
    /// use loss_landscape_plot::{CurveFigure, Figure, Series};
    ///
    /// let (width, error) = ([0.3, 0.5, 0.5], [0.04, 0.03, 0.02]);
    /// let svg = CurveFigure::new().series(Series::new("trainings", &width, &error).points()).to_svg()?;
    /// assert_eq!(svg.matches("<circle").count(), 3 + 1); // and one in the legend
    /// # Ok::<(), loss_landscape_plot::Error>(())
    /// ```
    pub fn points(mut self) -> Self {
        self.stroke = Stroke::Points;
        self
    }

    /// Shades the band from `low[k]` to `high[k]` at `x[k]`: the spread around the line. It has gaps where an end is
    /// not finite; on a logarithmic axis an end that is not positive is drawn at the lower end of the axis. The axis
    /// extends to include the band.
    pub fn band(mut self, low: &[f64], high: &[f64]) -> Self {
        self.band = Some([low.to_vec(), high.to_vec()]);
        self
    }

    /// Sets the colour, 0 to 5 and repeating: dark blue, red, yellow, black, teal, violet. By default each axis has
    /// its own where both are used, and each series where only one is.
    pub fn color(mut self, index: usize) -> Self {
        self.color = Some(index);
        self
    }

    /// The values that an axis should show.
    pub(crate) fn values(&self) -> impl Iterator<Item = f64> {
        self.y.iter().chain(self.band.iter().flatten().flatten()).copied()
    }

    /// Whether there is a band to see: somewhere both ends are finite.
    pub(crate) fn has_band(&self) -> bool {
        let finite =
            |[lo, hi]: &[Vec<f64>; 2]| lo.iter().zip(hi).any(|(l, h)| l.is_finite() && h.is_finite());
        self.band.as_ref().is_some_and(finite)
    }

    /// Checks coordinates and lengths.
    pub(crate) fn check(&self) -> Result<()> {
        let name = format!("series `{}`", self.label);
        if self.stroke == Stroke::Points {
            self.check_points(&name)?;
        } else {
            check_coordinates(&name, &self.x)?;
        }
        let ends = self.band.iter().flatten().zip(["lower", "upper"]);
        let ends = ends.map(|(end, which)| (end, format!("{which} end of the band of {name}")));
        for (values, what) in [(&self.y, format!("values of {name}"))].into_iter().chain(ends) {
            if values.len() != self.x.len() {
                return Err(Error::Length { what, len: values.len(), expected: self.x.len() });
            }
        }
        Ok(())
    }

    /// Checks the coordinates of dots: one at least, finite, in their order.
    fn check_points(&self, name: &str) -> Result<()> {
        let what = name.to_owned();
        if self.x.is_empty() {
            return Err(Error::TooFewPoints { what, len: 0, least: 1 });
        }
        if let Some(index) = self.x.iter().position(|v| !v.is_finite()) {
            return Err(Error::NotFinite { what, index, value: self.x[index] });
        }
        match self.x.windows(2).position(|w| w[0] > w[1]) {
            Some(k) => {
                let (previous, value) = (self.x[k], self.x[k + 1]);
                Err(Error::NotIncreasing { what, index: k + 1, previous, value })
            }
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_band_without_finite_ends_is_none() {
        let curve = |hi: [f64; 2]| Series::new("", &[0.0, 1.0], &[1.0; 2]).band(&[0.5, f64::NAN], &hi);
        assert!(curve([2.0, 2.0]).has_band() && !curve([f64::INFINITY, 2.0]).has_band());
        assert!(!Series::new("", &[0.0, 1.0], &[1.0; 2]).has_band());
    }

    #[test]
    fn dots_may_be_one_and_share_a_coordinate_but_keep_their_order() {
        let dots = |x: &[f64]| Series::new("", x, &vec![1.0; x.len()]).points().check();
        assert!(dots(&[0.5]).is_ok() && dots(&[0.5, 0.5, 1.0]).is_ok());
        assert!(matches!(dots(&[]), Err(Error::TooFewPoints { least: 1, .. })));
        assert!(matches!(dots(&[1.0, 0.5]), Err(Error::NotIncreasing { index: 1, .. })));
        assert!(matches!(dots(&[f64::NAN]), Err(Error::NotFinite { index: 0, .. })));
    }

    #[test]
    fn lengths_are_checked_with_the_name_of_the_series() {
        let error = Series::new("train", &[0.0, 1.0], &[1.0]).check().unwrap_err();
        assert_eq!(error.to_string(), "values of series `train` has 1 elements, expected 2");
        assert!(Series::new("train", &[0.0, 1.0], &[f64::NAN, 1.0]).check().is_ok());
        let banded = Series::new("train", &[0.0, 1.0], &[1.0; 2]).band(&[1.0; 2], &[1.0; 3]);
        let error = banded.check().unwrap_err().to_string();
        assert_eq!(error, "upper end of the band of series `train` has 3 elements, expected 2");
    }
}
