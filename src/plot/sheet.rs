//! What every figure over two directions has: coordinates, labels, a colour map, markers.

use super::axes::{Axis, check_coordinates};
use super::caption;
use super::color::ColorMap;
use crate::Error;

/// Coordinates along both axes and what is written around them.
#[derive(Debug, Clone)]
pub(super) struct Sheet {
    pub x: Vec<f64>,
    pub y: Vec<f64>,
    pub title: String,
    pub x_label: String,
    pub y_label: String,
    pub value_label: String,
    pub color_map: ColorMap,
    pub markers: Vec<Marker>,
}

/// A marked position in data coordinates.
#[derive(Debug, Clone)]
pub(super) struct Marker {
    pub x: f64,
    pub y: f64,
    pub label: String,
}

/// The builder methods of a figure whose field `sheet` is a [`Sheet`].
macro_rules! sheet_builders {
    () => {
        /// Title above the figure.
        #[must_use]
        pub fn title(mut self, title: impl Into<String>) -> Self {
            self.sheet.title = title.into();
            self
        }

        /// Label of the horizontal axis.
        #[must_use]
        pub fn x_label(mut self, label: impl Into<String>) -> Self {
            self.sheet.x_label = label.into();
            self
        }

        /// Label of the vertical axis.
        #[must_use]
        pub fn y_label(mut self, label: impl Into<String>) -> Self {
            self.sheet.y_label = label.into();
            self
        }

        /// Label of the colour bar: what the values are.
        #[must_use]
        pub fn value_label(mut self, label: impl Into<String>) -> Self {
            self.sheet.value_label = label.into();
            self
        }

        /// The colour map; [`ColorMap::Viridis`] unless set.
        #[must_use]
        pub fn color_map(mut self, map: ColorMap) -> Self {
            self.sheet.color_map = map;
            self
        }

        /// Marks the position (`x`, `y`) with a dot and a label, which may be empty. Markers
        /// outside the axes are not drawn, and are counted in the caption.
        #[must_use]
        pub fn marker(mut self, x: f64, y: f64, label: impl Into<String>) -> Self {
            self.sheet.markers.push($crate::plot::sheet::Marker { x, y, label: label.into() });
            self
        }
    };
}
pub(super) use sheet_builders;

impl Sheet {
    pub(super) fn new(x: &[f64], y: &[f64]) -> Self {
        Self {
            x: x.to_vec(),
            y: y.to_vec(),
            title: String::new(),
            x_label: String::new(),
            y_label: String::new(),
            value_label: String::new(),
            color_map: ColorMap::default(),
            markers: Vec::new(),
        }
    }

    /// Checks the coordinates of axes and markers.
    pub(super) fn check(&self) -> Result<(), Error> {
        check_coordinates("x axis", &self.x)?;
        check_coordinates("y axis", &self.y)?;
        for marker in &self.markers {
            for (index, value) in [marker.x, marker.y].into_iter().enumerate() {
                if !value.is_finite() {
                    return Err(Error::PlotNotFinite {
                        axis: format!("marker `{}`", marker.label),
                        index,
                        value,
                    });
                }
            }
        }
        Ok(())
    }

    /// Checks that an array has one element at each point.
    pub(super) fn check_shape(&self, what: &str, (rows, columns): (usize, usize)) -> Result<(), Error> {
        for (dimension, len, expected) in [("first", rows, self.x.len()), ("second", columns, self.y.len())] {
            if len != expected {
                return Err(Error::PlotLength {
                    what: format!("{dimension} dimension of the {what}"),
                    len,
                    expected,
                });
            }
        }
        Ok(())
    }

    /// The horizontal and the vertical axis.
    pub(super) fn axes(&self) -> [Axis; 2] {
        [&self.x, &self.y].map(|values| {
            let (lo, hi) = (values.first().copied(), values.last().copied());
            Axis::new(lo.unwrap_or(0.0), hi.unwrap_or(1.0), false, 6)
        })
    }

    /// The markers inside the axes.
    pub(super) fn markers(&self) -> impl Iterator<Item = &Marker> {
        let within = |axis: &[f64], v: f64| {
            axis.first().is_some_and(|&a| v >= a) && axis.last().is_some_and(|&b| v <= b)
        };
        self.markers.iter().filter(move |m| within(&self.x, m.x) && within(&self.y, m.y))
    }

    /// What the caption says of markers that are not drawn.
    pub(super) fn marker_note(&self) -> Option<String> {
        let away = self.markers.len() - self.markers().count();
        caption::note(away, self.markers.len(), "markers", "outside the axes")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_are_checked_by_dimension() {
        let sheet = Sheet::new(&[0.0, 1.0, 2.0], &[0.0, 1.0]);
        assert!(sheet.check().is_ok() && sheet.check_shape("values", (3, 2)).is_ok());
        assert_eq!(
            sheet.check_shape("values", (3, 3)).unwrap_err().to_string(),
            "figure: second dimension of the values has 3 elements, expected 2"
        );
    }

    #[test]
    fn markers_outside_are_counted() {
        let mut sheet = Sheet::new(&[0.0, 1.0], &[0.0, 1.0]);
        for x in [0.0, 1.0, 1.5] {
            sheet.markers.push(Marker { x, y: 0.5, label: String::new() });
        }
        assert_eq!(sheet.markers().count(), 2);
        assert_eq!(sheet.marker_note().unwrap(), "1 of 3 markers outside the axes");
    }
}
