//! What every figure of values over two directions has: the values, and how they become colours.

use ndarray::{Array2, ArrayView2};

use super::bands::{BandOptions, Bands};
use super::caption;
use super::colorbar::Beyond;
use super::scale::Extent;
use super::sheet::Sheet;
use crate::Error;

/// Values over two directions, with what is written around them and the scale that was asked for.
#[derive(Debug, Clone)]
pub(super) struct Field {
    pub sheet: Sheet,
    pub values: Array2<f64>,
    pub bands: BandOptions,
}

/// The builder methods of a figure whose field `field` is a [`Field`].
macro_rules! field_builders {
    () => {
        /// Linear or logarithmic values; [`Scale::Auto`](crate::Scale::Auto) unless set.
        #[must_use]
        pub fn scale(mut self, scale: $crate::Scale) -> Self {
            self.field.bands.scale = scale;
            self
        }
    };
    (colors) => {
        $crate::field::field_builders!();

        /// Values at the ends of the colour map, instead of the least and greatest finite value. What
        /// lies outside has the colour of the nearer end and is counted in the caption.
        #[must_use]
        pub fn color_range(mut self, lo: f64, hi: f64) -> Self {
            self.field.bands.range = Some((lo, hi));
            self
        }

        /// Puts zero in the middle of the colours, for values whose sign matters: the map becomes
        /// [`ColorMap::BlueRed`](crate::ColorMap::BlueRed), the scale linear whatever
        /// [`scale`](Self::scale) says, and the range symmetric, as far as its farther end.
        #[must_use]
        pub fn diverging(mut self) -> Self {
            self.field.diverging();
            self
        }
    };
    (difference) => {
        /// A figure of `first` − `second`, two surfaces over the same axes,
        /// [`diverging`](Self::diverging) from zero: blue where the first is lower, red where it is higher.
        ///
        /// # Errors
        ///
        /// [`Error::Length`](crate::Error::Length) if the surfaces differ in shape.
        #[allow(clippy::needless_pass_by_value, reason = "views are passed by value throughout ndarray")]
        pub fn difference(
            x: &[f64],
            y: &[f64],
            first: ndarray::ArrayView2<'_, f64>,
            second: ndarray::ArrayView2<'_, f64>,
        ) -> Result<Self, $crate::Error> {
            let difference = $crate::field::difference(&first, &second)?;
            Ok(Self::new(x, y, difference.view()).diverging())
        }
    };
}
pub(super) use field_builders;

impl Field {
    pub(super) fn new(x: &[f64], y: &[f64], values: &ArrayView2<'_, f64>) -> Self {
        Self { sheet: Sheet::new(x, y), values: values.to_owned(), bands: BandOptions::default() }
    }

    pub(super) fn diverging(&mut self) {
        self.bands.centred = true;
        self.sheet.color_map = super::ColorMap::BlueRed;
    }

    /// Checks the sheet and the shape of the values.
    pub(super) fn check(&self) -> Result<(), Error> {
        self.sheet.check()?;
        self.sheet.check_shape("values", self.values.dim())
    }

    /// Extent of the finite values.
    pub(super) fn extent(&self) -> Option<Extent> {
        Extent::of(self.values.iter().copied())
    }

    /// The scale shared with other figures, or else its own.
    pub(super) fn resolve(&self, shared: Option<&Bands>) -> Result<Bands, Error> {
        shared.map_or_else(|| Bands::resolve(self.extent(), &self.bands), |bands| Ok(bands.clone()))
    }

    /// Whether there are values beyond the ends of the scale.
    pub(super) fn beyond(&self, bands: &Bands) -> Beyond {
        let extent = self.extent();
        let log = bands.mapping.is_log();
        Beyond {
            below: extent.is_some_and(|e| if log { e.min_positive } else { e.min } < bands.lo),
            above: extent.is_some_and(|e| e.max > bands.hi),
        }
    }

    /// Counts of the points that are not finite and, on a logarithmic scale, not positive.
    pub(super) fn missing_notes(&self, bands: &Bands) -> [Option<String>; 2] {
        let log = bands.mapping.is_log();
        [
            self.note(|v| !v.is_finite(), "not finite"),
            self.note(|v| v.is_finite() && log && v <= 0.0, "not positive (logarithmic scale)"),
        ]
    }

    /// How many points of those that can be drawn are as `f` says.
    pub(super) fn note(&self, f: impl Fn(f64) -> bool, what: &str) -> Option<String> {
        let count = self.values.iter().filter(|&&v| f(v)).count();
        caption::note(count, self.values.len(), "points", what)
    }

    /// What a flat figure does not show, for its caption.
    pub(super) fn notes(&self, bands: &Bands) -> Vec<String> {
        let outside = |v: f64| bands.shows(v) && (v < bands.lo || v > bands.hi);
        let mut notes: Vec<String> = self.missing_notes(bands).into_iter().flatten().collect();
        notes.extend(self.note(outside, "outside the colour range"));
        notes.extend(self.sheet.overlay_notes());
        notes
    }
}

/// Element by element; an error names the dimension in which the shapes differ.
pub(super) fn difference(
    first: &ArrayView2<'_, f64>,
    second: &ArrayView2<'_, f64>,
) -> Result<Array2<f64>, Error> {
    let dimensions = [("first", first.nrows(), second.nrows()), ("second", first.ncols(), second.ncols())];
    for (dimension, expected, len) in dimensions {
        if len != expected {
            let what = format!("{dimension} dimension of the surface to subtract");
            return Err(Error::Length { what, len, expected });
        }
    }
    Ok(first - second)
}

#[cfg(test)]
mod tests {
    use super::super::Scale;
    use super::*;

    #[test]
    fn what_a_logarithm_hides_is_counted_apart() {
        let values = ndarray::array![[1.0, f64::NAN, 100.0], [0.0, -1.0, f64::INFINITY]];
        let mut field = Field::new(&[0.0, 1.0], &[0.0, 1.0, 2.0], &values.view());
        field.bands.scale = Scale::Log;
        field.bands.range = Some((2.0, 200.0));
        let bands = field.resolve(None).unwrap();
        assert_eq!(
            field.notes(&bands),
            [
                "2 of 6 points not finite",
                "2 of 6 points not positive (logarithmic scale)",
                "1 of 6 points outside the colour range"
            ]
        );
        assert_eq!(field.beyond(&bands), Beyond { below: true, above: false });
    }

    #[test]
    fn differences_need_equal_shapes() {
        let (a, b) = (Array2::from_elem((2, 3), 5.0), Array2::from_elem((2, 3), 3.0));
        assert_eq!(difference(&a.view(), &b.view()).unwrap(), Array2::from_elem((2, 3), 2.0));
        let error = difference(&a.view(), &b.t()).unwrap_err().to_string();
        assert_eq!(error, "first dimension of the surface to subtract has 3 elements, expected 2");
    }
}
