//! What every figure over two directions has: coordinates, labels, a colour map, markers.

use super::axes::{Axis, check_coordinates};
use super::caption;
use super::color::ColorMap;
use super::trajectory::Trajectory;
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
    pub trajectories: Vec<Trajectory>,
    /// Whether the axes reach to the edges of cells around the outermost points.
    pub cells: bool,
}

/// A marked position in data coordinates.
#[derive(Debug, Clone)]
pub(super) struct Marker {
    pub x: f64,
    pub y: f64,
    pub label: String,
}

/// The builder methods of a figure that has a [`Sheet`] at this path.
macro_rules! sheet_builders {
    ($($sheet:ident).+) => {
        /// Title above the figure.
        #[must_use]
        pub fn title(mut self, title: impl Into<String>) -> Self {
            self.$($sheet).+.title = title.into();
            self
        }

        /// Label of the axis of the first index.
        #[must_use]
        pub fn x_label(mut self, label: impl Into<String>) -> Self {
            self.$($sheet).+.x_label = label.into();
            self
        }

        /// Label of the axis of the second index.
        #[must_use]
        pub fn y_label(mut self, label: impl Into<String>) -> Self {
            self.$($sheet).+.y_label = label.into();
            self
        }

        /// Label of the colour bar: what the values are.
        #[must_use]
        pub fn value_label(mut self, label: impl Into<String>) -> Self {
            self.$($sheet).+.value_label = label.into();
            self
        }

        /// The colour map; [`ColorMap::Viridis`](crate::ColorMap::Viridis) unless set.
        #[must_use]
        pub fn color_map(mut self, map: $crate::ColorMap) -> Self {
            self.$($sheet).+.color_map = map;
            self
        }
    };
}
pub(super) use sheet_builders;

/// The builder methods of what is drawn over a flat figure that has a [`Sheet`] at this path.
macro_rules! overlay_builders {
    ($($sheet:ident).+) => {
        /// Marks the position (`x`, `y`) with a dot and a label, which may be empty. Markers
        /// outside the axes are not drawn, and are counted in the caption.
        #[must_use]
        pub fn marker(mut self, x: f64, y: f64, label: impl Into<String>) -> Self {
            self.$($sheet).+.markers.push($crate::sheet::Marker { x, y, label: label.into() });
            self
        }

        /// Joins the points (`x[k]`, `y[k]`) by a line, such as the way that a training took, from a
        /// ring at the first to a diamond at the last. Points outside the axes, and points that are not
        /// finite, are not drawn, and are counted in the caption; the line ends where it leaves the axes.
        #[must_use]
        pub fn trajectory(self, x: &[f64], y: &[f64]) -> Self {
            self.labelled_trajectory(x, y, std::iter::empty::<(usize, String)>())
        }

        /// A [`trajectory`](Self::trajectory) with labels at some of its points, given by their indices.
        #[must_use]
        pub fn labelled_trajectory<L: Into<String>>(
            mut self,
            x: &[f64],
            y: &[f64],
            labels: impl IntoIterator<Item = (usize, L)>,
        ) -> Self {
            let labels = labels.into_iter().map(|(point, label)| (point, label.into())).collect();
            let (x, y) = (x.to_vec(), y.to_vec());
            self.$($sheet).+.trajectories.push($crate::trajectory::Trajectory { x, y, labels });
            self
        }
    };
}
pub(super) use overlay_builders;

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
            trajectories: Vec::new(),
            cells: false,
        }
    }

    /// Checks axes, markers and trajectories.
    pub(super) fn check(&self) -> Result<(), Error> {
        check_coordinates("x axis", &self.x)?;
        check_coordinates("y axis", &self.y)?;
        for marker in &self.markers {
            for (index, value) in [marker.x, marker.y].into_iter().enumerate() {
                if !value.is_finite() {
                    return Err(Error::NotFinite {
                        axis: format!("marker `{}`", marker.label),
                        index,
                        value,
                    });
                }
            }
        }
        self.trajectories.iter().try_for_each(Trajectory::check)
    }

    /// Checks that an array has one element at each point.
    pub(super) fn check_shape(&self, what: &str, (rows, columns): (usize, usize)) -> Result<(), Error> {
        for (dimension, len, expected) in [("first", rows, self.x.len()), ("second", columns, self.y.len())] {
            if len != expected {
                return Err(Error::Length {
                    what: format!("{dimension} dimension of the {what}"),
                    len,
                    expected,
                });
            }
        }
        Ok(())
    }

    /// The ends of both axes.
    fn ends(&self) -> [(f64, f64); 2] {
        [&self.x, &self.y].map(|values| {
            let edges = if self.cells { cell_edges(values) } else { Vec::new() };
            let values = if self.cells { &edges } else { values };
            (values.first().copied().unwrap_or(0.0), values.last().copied().unwrap_or(1.0))
        })
    }

    /// The horizontal and the vertical axis.
    pub(super) fn axes(&self) -> [Axis; 2] {
        self.ends().map(|(lo, hi)| Axis::new(lo, hi, false, 6))
    }

    /// Whether a position is inside the axes.
    pub(super) fn contains(&self, x: f64, y: f64) -> bool {
        let [(left, right), (low, high)] = self.ends();
        (left..=right).contains(&x) && (low..=high).contains(&y)
    }

    /// The markers inside the axes.
    pub(super) fn markers(&self) -> impl Iterator<Item = &Marker> {
        self.markers.iter().filter(|m| self.contains(m.x, m.y))
    }

    /// What the caption says of markers and trajectories.
    pub(super) fn overlay_notes(&self) -> Vec<String> {
        let away = self.markers.len() - self.markers().count();
        let mut notes: Vec<String> =
            caption::note(away, self.markers.len(), "markers", "outside the axes").into_iter().collect();
        if !self.trajectories.is_empty() {
            notes.push("trajectory from ○ to ◆".to_owned());
        }
        notes.extend(self.trajectories.iter().flat_map(|t| t.notes(|x, y| self.contains(x, y))));
        notes
    }
}

/// The edges of cells around coordinates: halfway between neighbours, and as far beyond the outermost.
pub(super) fn cell_edges(values: &[f64]) -> Vec<f64> {
    let (Some(&first), Some(&last)) = (values.first(), values.last()) else {
        return Vec::new();
    };
    let half = |a: f64, b: f64| b / 2.0 - a / 2.0;
    let (second, before) = (values.get(1), values.len().checked_sub(2).map(|k| values[k]));
    let start = first - second.map_or(0.5, |&second| half(first, second));
    let end = last + before.map_or(0.5, |before| half(before, last));
    let between = values.windows(2).map(|w| f64::midpoint(w[0], w[1]));
    std::iter::once(start.max(f64::MIN)).chain(between).chain([end.min(f64::MAX)]).collect()
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
            "second dimension of the values has 3 elements, expected 2"
        );
    }

    #[test]
    fn markers_outside_are_counted() {
        let mut sheet = Sheet::new(&[0.0, 1.0], &[0.0, 1.0]);
        for x in [0.0, 1.0, 1.5] {
            sheet.markers.push(Marker { x, y: 0.5, label: String::new() });
        }
        assert_eq!(sheet.markers().count(), 2);
        assert_eq!(sheet.overlay_notes(), ["1 of 3 markers outside the axes"]);
    }

    #[test]
    fn cells_reach_halfway_to_their_neighbours() {
        assert_eq!(cell_edges(&[0.0, 1.0, 3.0]), [-0.5, 0.5, 2.0, 4.0]);
        assert_eq!(cell_edges(&[f64::MIN, f64::MAX]), [f64::MIN, 0.0, f64::MAX]);
        let mut sheet = Sheet::new(&[0.0, 1.0, 3.0], &[0.0, 1.0]);
        assert!(!sheet.contains(3.5, 0.0));
        sheet.cells = true;
        assert!(sheet.contains(3.5, -0.5) && !sheet.contains(3.5, -0.6));
    }
}
