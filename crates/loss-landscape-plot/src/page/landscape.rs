//! One landscape of a page: axes, channels, trajectories, provenance.

use ndarray::{Array2, ArrayView2};

use super::check_unique;
use crate::{Error, axes::check_coordinates};

/// Values over two directions, in one or more channels.
///
/// # Example
///
/// ```
/// use loss_landscape_plot::page::{Landscape, Page};
/// use ndarray::array;
///
/// let landscape = Landscape::new("ResNet-56", &[-1.0, 0.0, 1.0], &[-0.5, 0.5])
///     .x_label("first direction")
///     .y_label("second direction")
///     .channel("train loss", array![[2.0, 3.0], [0.1, 0.2], [f64::INFINITY, 4.0]].view())
///     .trajectory("the last epochs", &[-0.8, -0.2, 0.0], &[0.4, 0.1, 0.0])
///     .provenance([("seed", 42.to_string()), ("data", "CIFAR-10".to_owned())]);
/// # assert!(Page::new("").landscape(landscape).to_html().is_ok());
/// ```
#[derive(Debug, Clone)]
pub struct Landscape {
    pub(super) name: String,
    pub(super) x: Vec<f64>,
    pub(super) y: Vec<f64>,
    pub(super) x_label: String,
    pub(super) y_label: String,
    pub(super) channels: Vec<(String, Array2<f64>)>,
    pub(super) trajectories: Vec<Trajectory>,
    pub(super) provenance: Vec<(String, String)>,
}

/// A path over the plane.
#[derive(Debug, Clone)]
pub(super) struct Trajectory {
    pub(super) name: String,
    pub(super) x: Vec<f64>,
    pub(super) y: Vec<f64>,
}

impl Landscape {
    /// A landscape over the points (`x[i]`, `y[j]`), without channels yet. `x` and `y` must increase
    /// strictly, at any spacing.
    #[must_use]
    pub fn new(name: impl Into<String>, x: &[f64], y: &[f64]) -> Self {
        Self {
            name: name.into(),
            x: x.to_vec(),
            y: y.to_vec(),
            x_label: "α".to_owned(),
            y_label: "β".to_owned(),
            channels: Vec::new(),
            trajectories: Vec::new(),
            provenance: Vec::new(),
        }
    }

    /// The label of the first axis; α unless set.
    #[must_use]
    pub fn x_label(mut self, label: impl Into<String>) -> Self {
        self.x_label = label.into();
        self
    }

    /// The label of the second axis; β unless set.
    #[must_use]
    pub fn y_label(mut self, label: impl Into<String>) -> Self {
        self.y_label = label.into();
        self
    }

    /// Adds a channel; the first one of the first landscape is what a page shows at first. `values[[i, j]]`
    /// belongs to (`x[i]`, `y[j]`). Any value is fine, NaN and infinities too.
    #[must_use]
    #[allow(clippy::needless_pass_by_value, reason = "views are passed by value throughout ndarray")]
    pub fn channel(mut self, name: impl Into<String>, values: ArrayView2<'_, f64>) -> Self {
        self.channels.push((name.into(), values.into_owned()));
        self
    }

    /// Adds a trajectory through the points (`x[k]`, `y[k]`), in the coordinates of the plane. It is drawn on
    /// the surface and over the contours; points outside the axes are left out and counted.
    #[must_use]
    pub fn trajectory(mut self, name: impl Into<String>, x: &[f64], y: &[f64]) -> Self {
        self.trajectories.push(Trajectory { name: name.into(), x: x.to_vec(), y: y.to_vec() });
        self
    }

    /// Adds to what is told of where the values came from: pairs of a name and a text, in this order.
    #[must_use]
    pub fn provenance<N: Into<String>, T: Into<String>>(
        mut self,
        pairs: impl IntoIterator<Item = (N, T)>,
    ) -> Self {
        self.provenance.extend(pairs.into_iter().map(|(name, text)| (name.into(), text.into())));
        self
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        let Self { name, x, y, channels, trajectories, .. } = self;
        check_coordinates(&format!("x axis of `{name}`"), x)?;
        check_coordinates(&format!("y axis of `{name}`"), y)?;
        if channels.is_empty() {
            return Err(Error::Empty { what: "channels" });
        }
        check_unique("channels", channels.iter().map(|(channel, _)| channel.as_str()))?;
        for (channel, values) in channels {
            let (rows, columns) = values.dim();
            for (dimension, len, expected) in [("first", rows, x.len()), ("second", columns, y.len())] {
                if len != expected {
                    let what = format!("{dimension} dimension of channel `{channel}` of `{name}`");
                    return Err(Error::Length { what, len, expected });
                }
            }
        }
        check_unique("trajectories", trajectories.iter().map(|trajectory| trajectory.name.as_str()))?;
        for trajectory in trajectories {
            trajectory.check(name)?;
        }
        Ok(())
    }
}

impl Trajectory {
    fn check(&self, landscape: &str) -> Result<(), Error> {
        let Self { name, x, y } = self;
        let what = format!("trajectory `{name}` of `{landscape}`");
        if x.len() != y.len() {
            let what = format!("the second coordinates of {what}");
            return Err(Error::Length { what, len: y.len(), expected: x.len() });
        }
        if x.is_empty() {
            return Err(Error::TooFewPoints { axis: what, len: 0 });
        }
        for coordinates in [x, y] {
            if let Some(index) = coordinates.iter().position(|value| !value.is_finite()) {
                return Err(Error::NotFinite { axis: what, index, value: coordinates[index] });
            }
        }
        Ok(())
    }
}
