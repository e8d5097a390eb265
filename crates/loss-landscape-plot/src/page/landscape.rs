//! One landscape of a page: axes, channels, draws, trajectories, shapes, provenance.

use loss_landscape::topology::{Merge, Minimum, TopologyReport};
use ndarray::{Array2, ArrayView2};

use crate::{
    Error, Result,
    checks::{check_coordinates, check_shape, check_unique},
};

/// Values over two directions, in one or more channels; of several draws of the directions, if it is made
/// [of them](Self::from_draws).
///
/// # Example
///
/// ```
/// use loss_landscape_plot::page::{Page, PageLandscape};
/// use ndarray::array;
///
/// let landscape = PageLandscape::new("ResNet-56", &[-1.0, 0.0, 1.0], &[-0.5, 0.5])
///     .x_label("first direction")
///     .y_label("second direction")
///     .channel("train loss", array![[2.0, 3.0], [0.1, 0.2], [f64::INFINITY, 4.0]].view())
///     .trajectory("the last epochs", &[-0.8, -0.2, 0.0], &[0.4, 0.1, 0.0])
///     .provenance([("seed", 42.to_string()), ("data", "CIFAR-10".to_owned())]);
/// # assert!(Page::new("").landscape(landscape).to_html().is_ok());
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct PageLandscape {
    pub(super) name: String,
    pub(super) x: Vec<f64>,
    pub(super) y: Vec<f64>,
    pub(super) x_label: String,
    pub(super) y_label: String,
    pub(super) channels: Vec<PageChannel>,
    /// Empty where there is one choice of directions.
    pub(super) draws: Vec<PageDraw>,
    pub(super) trajectories: Vec<PageTrajectory>,
    pub(super) shapes: Vec<PageShape>,
    pub(super) provenance: Vec<(String, String)>,
}

/// Values with a name.
#[derive(Clone, Debug)]
pub(super) struct PageChannel {
    pub(super) name: String,
    /// One grid for each draw, or one for all of them.
    pub(super) grids: Vec<Array2<f64>>,
}

/// What is told of one draw.
#[derive(Clone, Debug)]
pub(super) struct PageDraw {
    /// Its seed and streams, or whatever is known in a few words.
    pub(super) label: String,
    /// What is not the same for all draws.
    pub(super) provenance: Vec<(String, String)>,
}

/// Minima and saddles of one channel, in one draw.
#[derive(Clone, Debug)]
pub(super) struct PageShape {
    pub(super) channel: String,
    /// The index of the channel's grid.
    pub(super) draw: usize,
    /// The shape of the grid.
    grid: [usize; 2],
    /// Indices i and j, persistence, share of points, and 1 for certain; the most persistent first.
    pub(super) minima: Vec<[f64; 5]>,
    /// Indices i and j, and that of the minimum that ends there.
    pub(super) saddles: Vec<[f64; 3]>,
    pub(super) hills: usize,
}

/// A path over the plane.
#[derive(Clone, Debug)]
pub(super) struct PageTrajectory {
    pub(super) name: String,
    pub(super) x: Vec<f64>,
    pub(super) y: Vec<f64>,
}

impl PageLandscape {
    /// A landscape over the points (`x[i]`, `y[j]`), without channels yet. `x` and `y` must increase
    /// strictly, at any spacing.
    pub fn new(name: impl Into<String>, x: &[f64], y: &[f64]) -> Self {
        Self {
            name: name.into(),
            x: x.to_vec(),
            y: y.to_vec(),
            x_label: "α".to_owned(),
            y_label: "β".to_owned(),
            channels: Vec::new(),
            draws: Vec::new(),
            trajectories: Vec::new(),
            shapes: Vec::new(),
            provenance: Vec::new(),
        }
    }

    /// The label of the first axis; α by default.
    pub fn x_label(mut self, label: impl Into<String>) -> Self {
        self.x_label = label.into();
        self
    }

    /// The label of the second axis; β by default.
    pub fn y_label(mut self, label: impl Into<String>) -> Self {
        self.y_label = label.into();
        self
    }

    /// Adds a channel; the first one of the first landscape is what a page shows at first. `values[[i, j]]`
    /// belongs to (`x[i]`, `y[j]`). Any value is fine, NaN and infinities too. In a landscape of several draws such a
    /// channel is the same for all of them: the median over draws, say.
    #[allow(clippy::needless_pass_by_value, reason = "views are passed by value throughout ndarray")]
    pub fn channel(mut self, name: impl Into<String>, values: ArrayView2<'_, f64>) -> Self {
        self.channels.push(PageChannel { name: name.into(), grids: vec![values.into_owned()] });
        self
    }

    /// Adds a trajectory through the points (`x[k]`, `y[k]`), in the coordinates of the plane. It is drawn on
    /// the surface and over the contours; points outside the axes are left out and counted.
    pub fn trajectory(mut self, name: impl Into<String>, x: &[f64], y: &[f64]) -> Self {
        self.trajectories.push(PageTrajectory { name: name.into(), x: x.to_vec(), y: y.to_vec() });
        self
    }

    /// Adds the minima and saddles of the report's channel. They are marked on the surface and over the contours while
    /// that channel is shown, listed with their values, and told where the pointer is at one; of more than 300 minima
    /// the most persistent ones. In a landscape of several draws they are those of the first.
    ///
    /// ```
    /// use loss_landscape::{Surface, topology::Topology};
    /// use loss_landscape_plot::page::{Page, PageLandscape};
    /// use ndarray::Array2;
    ///
    /// let at: Vec<f64> = (-8..=8).map(|i| f64::from(i) / 4.0).collect();
    /// let loss = Array2::from_shape_fn((17, 17), |(i, j)| (at[i] * at[i] - 1.0).powi(2) + at[j] * at[j]);
    /// let surface = Surface::from_channels(&at, &at, [("loss".to_owned(), loss)])?;
    /// let report = Topology::new().of(&surface)?;
    /// let landscape = PageLandscape::from_surface("two wells", &surface).topology(&report);
    /// # assert!(Page::new("").landscape(landscape).to_html()?.contains("\"hills\":0"));
    /// # Ok::<(), loss_landscape_plot::Error>(())
    /// ```
    pub fn topology(mut self, report: &TopologyReport) -> Self {
        self.shapes.push(PageShape::new(report, 0));
        self
    }

    /// Adds the minima and saddles of each draw, in the order of the draws; otherwise as
    /// [`topology`](Self::topology).
    ///
    /// ```
    /// use loss_landscape::{FnModel, Layout, RandomDirections, Sweep, topology::Topology};
    /// use loss_landscape_plot::page::{Page, PageLandscape};
    ///
    /// let loss = |t: &[f64], _: &()| t.iter().map(|t| t * t + 2.0 * (4.0 * t).sin()).sum::<f64>();
    /// let model = FnModel::new(Layout::flat(10)?, vec![0.5; 10], loss)?;
    /// let draws = Sweep::plane(&model, RandomDirections::new(42)).data("", &()).draws(3)?;
    /// let shapes = draws.iter().map(|surface| Topology::new().of(surface)).collect::<Result<Vec<_>, _>>()?;
    /// let landscape = PageLandscape::from_draws("waves", &draws).topologies(&shapes);
    /// # assert_eq!(Page::new("").landscape(landscape).to_html()?.matches("\"hills\":").count(), 3);
    /// # Ok::<(), loss_landscape_plot::Error>(())
    /// ```
    pub fn topologies<'r>(mut self, reports: impl IntoIterator<Item = &'r TopologyReport>) -> Self {
        self.shapes
            .extend(reports.into_iter().enumerate().map(|(draw, report)| PageShape::new(report, draw)));
        self
    }

    /// Adds to what is told of where the values came from: pairs of a name and a text, in this order.
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

    pub(super) fn check(&self) -> Result<()> {
        let Self { name, x, y, channels, trajectories, shapes, .. } = self;
        check_coordinates(&format!("x axis of `{name}`"), x)?;
        check_coordinates(&format!("y axis of `{name}`"), y)?;
        if channels.is_empty() {
            return Err(Error::Empty { what: "channels" });
        }
        check_unique("channels", channels.iter().map(|channel| channel.name.as_str()))?;
        for PageChannel { name: channel, grids } in channels {
            for values in grids {
                check_shape(&format!("channel `{channel}` of `{name}`"), values.dim(), (x.len(), y.len()))?;
            }
        }
        check_unique("trajectories", trajectories.iter().map(|trajectory| trajectory.name.as_str()))?;
        for trajectory in trajectories {
            trajectory.check(name)?;
        }
        let draws = shapes.iter().map(|shape| shape.draw).max().map_or(0, |last| last + 1);
        for draw in 0..draws {
            let of_draw = shapes.iter().filter(|shape| shape.draw == draw);
            check_unique("shapes", of_draw.map(|shape| shape.channel.as_str()))?;
        }
        for PageShape { channel, draw, grid, .. } in shapes {
            let Some(PageChannel { grids, .. }) = channels.iter().find(|other| other.name == *channel) else {
                let names = channels.iter().map(|channel| channel.name.clone()).collect();
                return Err(Error::Core(loss_landscape::Error::UnknownChannel {
                    name: channel.clone(),
                    names,
                }));
            };
            if *draw >= grids.len() {
                let what = format!("the list of the shapes of `{channel}`");
                return Err(Error::Length { what, len: draws, expected: grids.len() });
            }
            let what = format!("the grid of the shape of `{channel}`");
            check_shape(&what, (grid[0], grid[1]), (x.len(), y.len()))?;
        }
        Ok(())
    }
}

impl PageShape {
    fn new(report: &TopologyReport, draw: usize) -> Self {
        let indices = |index: [usize; 2]| index.map(|k| k as f64);
        let minimum = |minimum: &Minimum| {
            let [i, j] = indices(minimum.at.index);
            [i, j, minimum.persistence, minimum.basin_share, f64::from(u8::from(minimum.certain))]
        };
        let saddle = |merge: &Merge| {
            let [i, j] = indices(merge.at.index);
            [i, j, merge.ends as f64]
        };
        Self {
            channel: report.channel.clone(),
            draw,
            grid: report.shape,
            minima: report.minima.iter().map(minimum).collect(),
            saddles: report.merges.iter().map(saddle).collect(),
            hills: report.hills.len(),
        }
    }
}

impl PageTrajectory {
    fn check(&self, landscape: &str) -> Result<()> {
        let Self { name, x, y } = self;
        let what = format!("trajectory `{name}` of `{landscape}`");
        if x.len() != y.len() {
            let what = format!("the second coordinates of {what}");
            return Err(Error::Length { what, len: y.len(), expected: x.len() });
        }
        if x.is_empty() {
            return Err(Error::TooFewPoints { what, len: 0, least: 1 });
        }
        for coordinates in [x, y] {
            if let Some(index) = coordinates.iter().position(|value| !value.is_finite()) {
                return Err(Error::NotFinite { what, index, value: coordinates[index] });
            }
        }
        Ok(())
    }
}
