//! What every figure over two directions has: coordinates, labels, a colour map, markers.

use crate::{
    Error, Result,
    axis::Axis,
    caption,
    checks::{check_coordinates, check_shape},
    colors::ColorMap,
    plane::{critical_points::CriticalPoints, trajectory::Trajectory},
};

/// Coordinates along both axes and what is written around them.
#[derive(Clone, Debug)]
pub(crate) struct Sheet {
    pub(crate) x: Vec<f64>,
    pub(crate) y: Vec<f64>,
    pub(crate) title: String,
    pub(crate) x_label: String,
    pub(crate) y_label: String,
    pub(crate) value_label: String,
    pub(crate) color_map: ColorMap,
    pub(crate) markers: Vec<Marker>,
    pub(crate) trajectories: Vec<Trajectory>,
    pub(crate) critical_points: Option<CriticalPoints>,
    /// What else the caption says.
    pub(crate) notes: Vec<String>,
    /// Whether the axes reach to the edges of cells around the outermost points.
    pub(crate) cells: bool,
}

/// A marked position in data coordinates.
#[derive(Clone, Debug)]
pub(crate) struct Marker {
    pub(crate) x: f64,
    pub(crate) y: f64,
    pub(crate) label: String,
}

impl Sheet {
    pub(crate) fn new(x: &[f64], y: &[f64]) -> Self {
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
            critical_points: None,
            notes: Vec::new(),
            cells: false,
        }
    }

    /// Labels both axes.
    pub(crate) fn label_axes(&mut self, [x, y]: [&str; 2]) {
        x.clone_into(&mut self.x_label);
        y.clone_into(&mut self.y_label);
    }

    /// Adds a marked position.
    pub(crate) fn mark(&mut self, x: f64, y: f64, label: impl Into<String>) {
        self.markers.push(Marker { x, y, label: label.into() });
    }

    /// Adds a trajectory through the points (`x[k]`, `y[k]`), with labels at some of them.
    pub(crate) fn join<L: Into<String>>(
        &mut self,
        x: &[f64],
        y: &[f64],
        labels: impl IntoIterator<Item = (usize, L)>,
    ) {
        let labels = labels.into_iter().map(|(point, label)| (point, label.into())).collect();
        self.trajectories.push(Trajectory { x: x.to_vec(), y: y.to_vec(), labels });
    }

    /// Checks axes, markers, trajectories, minima and saddles.
    pub(crate) fn check(&self) -> Result<()> {
        check_coordinates("x axis", &self.x)?;
        check_coordinates("y axis", &self.y)?;
        for marker in &self.markers {
            for (index, value) in [marker.x, marker.y].into_iter().enumerate() {
                if !value.is_finite() {
                    return Err(Error::NotFinite {
                        what: format!("marker `{}`", marker.label),
                        index,
                        value,
                    });
                }
            }
        }
        self.trajectories.iter().try_for_each(Trajectory::check)?;
        self.critical_points.as_ref().map_or(Ok(()), CriticalPoints::check)
    }

    /// Checks that an array has one element at each point.
    pub(crate) fn check_shape(&self, what: &str, shape: (usize, usize)) -> Result<()> {
        check_shape(&format!("the {what}"), shape, (self.x.len(), self.y.len()))
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
    pub(crate) fn axes(&self) -> [Axis; 2] {
        self.ends().map(|(lo, hi)| Axis::new(lo, hi, false, 6))
    }

    /// Whether a position is inside the axes.
    pub(crate) fn contains(&self, x: f64, y: f64) -> bool {
        let [(left, right), (low, high)] = self.ends();
        (left..=right).contains(&x) && (low..=high).contains(&y)
    }

    /// The markers inside the axes.
    pub(crate) fn markers(&self) -> impl Iterator<Item = &Marker> {
        self.markers.iter().filter(|m| self.contains(m.x, m.y))
    }

    /// What the caption says of all that is drawn over the values.
    pub(crate) fn overlay_notes(&self) -> Vec<String> {
        let away = self.markers.len() - self.markers().count();
        let mut notes: Vec<String> =
            caption::note(away, self.markers.len(), "markers", "outside the axes").into_iter().collect();
        if !self.trajectories.is_empty() {
            notes.push("trajectory from ○ to ◆".to_owned());
        }
        let inside = |x: f64, y: f64| self.contains(x, y);
        notes.extend(self.trajectories.iter().flat_map(|t| t.notes(inside)));
        notes.extend(self.critical_points.iter().flat_map(|points| points.notes(inside, |_, _| true)));
        notes.extend(self.notes.iter().cloned());
        notes
    }
}

/// The edges of cells around coordinates: halfway between neighbours, and as far beyond the outermost.
pub(crate) fn cell_edges(values: &[f64]) -> Vec<f64> {
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
