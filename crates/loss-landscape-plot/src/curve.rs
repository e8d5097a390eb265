//! One curve of a curve figure.

use super::axes::check_coordinates;
use crate::Error;

/// A sequence of values over a common coordinate, with its place in the legend and its style.
///
/// A solid line on the left axis, unless set otherwise. Values that are not finite leave a gap.
///
/// # Example
///
/// ```
/// use loss_landscape_plot::Curve;
///
/// let alpha = [-0.5, 0.0, 0.5, 1.0];
/// let accuracy = [0.31, 0.92, 0.55, 0.91];
/// let curve = Curve::new("test accuracy", &alpha, &accuracy).right_axis().dashed();
/// # let _ = curve;
/// ```
#[derive(Debug, Clone)]
pub struct Curve {
    pub(super) label: String,
    pub(super) x: Vec<f64>,
    pub(super) y: Vec<f64>,
    pub(super) right: bool,
    pub(super) dashed: bool,
    pub(super) filled: bool,
    pub(super) band: Option<[Vec<f64>; 2]>,
    pub(super) color: Option<usize>,
}

impl Curve {
    /// A curve through (`x[k]`, `y[k]`). `x` must increase strictly. A curve with an empty label is
    /// not listed in the legend.
    #[must_use]
    pub fn new(label: impl Into<String>, x: &[f64], y: &[f64]) -> Self {
        Self {
            label: label.into(),
            x: x.to_vec(),
            y: y.to_vec(),
            right: false,
            dashed: false,
            filled: false,
            band: None,
            color: None,
        }
    }

    /// Measures the curve on the right axis, which is linear: accuracy beside loss.
    #[must_use]
    pub fn right_axis(mut self) -> Self {
        self.right = true;
        self
    }

    /// Dashes the line: by convention, test data.
    #[must_use]
    pub fn dashed(mut self) -> Self {
        self.dashed = true;
        self
    }

    /// Fills the area between the curve and zero, or the lower end of a logarithmic axis, lightly.
    #[must_use]
    pub fn filled(mut self) -> Self {
        self.filled = true;
        self
    }

    /// Shades the band from `lo[k]` to `hi[k]` at `x[k]`: the spread around the curve. It has gaps
    /// where an end is not finite; on a logarithmic axis an end that is not positive lies at the
    /// lower end of the axis. The axis extends to include the band.
    #[must_use]
    pub fn band(mut self, lo: &[f64], hi: &[f64]) -> Self {
        self.band = Some([lo.to_vec(), hi.to_vec()]);
        self
    }

    /// Sets the colour, 0 to 5 and repeating: dark blue, red, yellow, black, teal, violet.
    /// Otherwise each axis has its own where both are used, and each curve where only one is.
    #[must_use]
    pub fn color(mut self, index: usize) -> Self {
        self.color = Some(index);
        self
    }

    /// The values that an axis should show.
    pub(super) fn values(&self) -> impl Iterator<Item = f64> {
        self.y.iter().chain(self.band.iter().flatten().flatten()).copied()
    }

    /// Whether there is a band to see: somewhere both ends are finite.
    pub(super) fn has_band(&self) -> bool {
        let finite =
            |[lo, hi]: &[Vec<f64>; 2]| lo.iter().zip(hi).any(|(l, h)| l.is_finite() && h.is_finite());
        self.band.as_ref().is_some_and(finite)
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        let name = format!("curve `{}`", self.label);
        check_coordinates(&name, &self.x)?;
        let ends = self.band.iter().flatten().zip(["lower", "upper"]);
        let ends = ends.map(|(end, which)| (end, format!("{which} end of the band of {name}")));
        for (values, what) in [(&self.y, format!("values of {name}"))].into_iter().chain(ends) {
            if values.len() != self.x.len() {
                return Err(Error::Length { what, len: values.len(), expected: self.x.len() });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_band_without_finite_ends_is_none() {
        let curve = |hi: [f64; 2]| Curve::new("", &[0.0, 1.0], &[1.0; 2]).band(&[0.5, f64::NAN], &hi);
        assert!(curve([2.0, 2.0]).has_band() && !curve([f64::INFINITY, 2.0]).has_band());
        assert!(!Curve::new("", &[0.0, 1.0], &[1.0; 2]).has_band());
    }

    #[test]
    fn lengths_are_checked_with_the_name_of_the_curve() {
        let error = Curve::new("train", &[0.0, 1.0], &[1.0]).check().unwrap_err();
        assert_eq!(error.to_string(), "values of curve `train` has 1 elements, expected 2");
        assert!(Curve::new("train", &[0.0, 1.0], &[f64::NAN, 1.0]).check().is_ok());
        let banded = Curve::new("train", &[0.0, 1.0], &[1.0; 2]).band(&[1.0; 2], &[1.0; 3]);
        let error = banded.check().unwrap_err().to_string();
        assert_eq!(error, "upper end of the band of curve `train` has 3 elements, expected 2");
    }
}
