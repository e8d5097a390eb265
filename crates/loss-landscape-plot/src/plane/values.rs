//! What every figure of values over two directions has: the values, and how they become colours.

use ndarray::{Array2, ArrayView2};

use crate::{
    ColorMap, Error, Result,
    axis::scale::Extent,
    caption,
    plane::{
        bands::{BandOptions, Bands},
        colorbar::{Bar, Beyond, Ramp},
        shared::SharedScale,
        sheet::Sheet,
    },
    results,
};
use loss_landscape::Surface;

/// Values over two directions, with what is written around them and the scale that was asked for.
#[derive(Clone, Debug)]
pub(crate) struct PlaneValues {
    pub(crate) sheet: Sheet,
    pub(crate) values: Array2<f64>,
    /// Standard errors of the values, where isolines show them.
    pub(crate) errors: Option<Array2<f64>>,
    pub(crate) bands: BandOptions,
}

/// What a figure brings to a scale shared with others.
#[derive(Debug)]
pub struct Shareable<'a> {
    pub(crate) values: &'a PlaneValues,
    /// Whether its colours change without steps, rather than from level to level.
    pub(crate) smooth: bool,
}

impl PlaneValues {
    pub(crate) fn new(x: &[f64], y: &[f64], values: &ArrayView2<'_, f64>) -> Self {
        let (sheet, values) = (Sheet::new(x, y), values.to_owned());
        Self { sheet, values, errors: None, bands: BandOptions::default() }
    }

    /// The values of one channel of a surface, with the labels of its axes and the channel's name.
    pub(crate) fn from_channel(surface: &Surface, name: &str, values: &ArrayView2<'_, f64>) -> Self {
        let [alpha, beta] = results::axes(surface);
        let mut new = Self::new(alpha, beta, values);
        new.sheet.label_axes(results::LABELS);
        name.clone_into(&mut new.sheet.value_label);
        new
    }

    /// The values of the channel with this name.
    pub(crate) fn from_surface(surface: &Surface, name: &str) -> Result<Self> {
        Ok(Self::from_channel(surface, name, &results::channel(surface, name)?))
    }

    /// The values of the first channel.
    pub(crate) fn from_first_channel(surface: &Surface) -> Self {
        let (name, values) = results::first_channel(surface);
        Self::from_channel(surface, name, &values)
    }

    /// Puts zero in the middle of the colours.
    pub(crate) fn diverging(&mut self) {
        self.bands.centred = true;
        self.sheet.color_map = ColorMap::BlueRed;
    }

    /// Checks the sheet and the shape of the values.
    pub(crate) fn check(&self) -> Result<()> {
        self.sheet.check()?;
        self.sheet.check_shape("values", self.values.dim())?;
        self.errors.as_ref().map_or(Ok(()), |errors| self.sheet.check_shape("standard errors", errors.dim()))
    }

    /// The values at the lower and upper ends of their intervals, two standard errors to both sides; none without
    /// errors.
    pub(crate) fn interval_ends(&self) -> Option<[Array2<f64>; 2]> {
        let errors = self.errors.as_ref()?;
        Some([-2.0, 2.0].map(|times| &self.values + &(times * errors)))
    }

    /// Extent of the finite values.
    pub(crate) fn extent(&self) -> Option<Extent> {
        Extent::of(self.values.iter().copied())
    }

    /// The scale shared with other figures, or else its own.
    pub(crate) fn resolve(&self, shared: Option<&SharedScale>) -> Result<Bands> {
        shared.map_or_else(|| Bands::resolve(self.extent(), &self.bands), |shared| Ok(shared.bands.clone()))
    }

    /// The colour bar: all of it, or what a shared scale leaves to the figure.
    pub(crate) fn bar<'a>(&'a self, ramp: Ramp<'a>, bands: &Bands, shared: Option<&SharedScale>) -> Bar<'a> {
        let part = shared.map_or_else(Default::default, |shared| shared.bar);
        Bar { ramp, beyond: self.beyond(bands), label: &self.sheet.value_label, part }
    }

    /// Whether there are values beyond the ends of the scale.
    pub(crate) fn beyond(&self, bands: &Bands) -> Beyond {
        let extent = self.extent();
        let log = bands.mapping.is_log();
        Beyond {
            below: extent.is_some_and(|e| if log { e.min_positive } else { e.min } < bands.lo),
            above: extent.is_some_and(|e| e.max > bands.hi),
        }
    }

    /// Counts of the points that are not finite and, on a logarithmic scale, not positive.
    pub(crate) fn missing_notes(&self, bands: &Bands) -> [Option<String>; 2] {
        let log = bands.mapping.is_log();
        [
            self.note(|v| !v.is_finite(), "not finite"),
            self.note(|v| v.is_finite() && log && v <= 0.0, "not positive (logarithmic scale)"),
        ]
    }

    /// How many points of those that can be drawn are as `f` says.
    pub(crate) fn note(&self, f: impl Fn(f64) -> bool, what: &str) -> Option<String> {
        let count = self.values.iter().filter(|&&v| f(v)).count();
        caption::note(count, self.values.len(), "points", what)
    }

    /// What a flat figure does not show, for its caption.
    pub(crate) fn notes(&self, bands: &Bands) -> Vec<String> {
        let outside = |v: f64| bands.shows(v) && (v < bands.lo || v > bands.hi);
        let mut notes: Vec<String> = self.missing_notes(bands).into_iter().flatten().collect();
        notes.extend(self.note(outside, "outside the colour range"));
        notes.extend(self.sheet.overlay_notes());
        notes
    }
}

/// Element by element; an error names the dimension in which the shapes differ.
pub(crate) fn difference(first: &ArrayView2<'_, f64>, second: &ArrayView2<'_, f64>) -> Result<Array2<f64>> {
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
    use super::*;
    use crate::Scale;

    #[test]
    fn what_a_logarithm_hides_is_counted_apart() {
        let values = ndarray::array![[1.0, f64::NAN, 100.0], [0.0, -1.0, f64::INFINITY]];
        let mut field = PlaneValues::new(&[0.0, 1.0], &[0.0, 1.0, 2.0], &values.view());
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
