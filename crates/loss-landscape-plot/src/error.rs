//! The one error type of the crate.

use std::{io, path::PathBuf};

/// A result with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What was wrong with a figure or a page. Every variant carries the values that were wrong.
///
/// Figures and pages check what they were given when they are drawn or written, not before.
///
/// # Example
///
/// ```
/// use loss_landscape_plot::{ContourFigure, Error, Figure};
/// use ndarray::array;
///
/// let figure = ContourFigure::new(&[0.0, 0.0], &[0.0, 1.0], array![[1.0, 2.0], [3.0, 4.0]].view());
/// let error = figure.to_svg().unwrap_err();
/// assert!(matches!(error, Error::NotIncreasing { index: 1, .. }));
/// assert_eq!(error.to_string(), "x axis is not strictly increasing at index 1: 0 follows 0");
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A sequence that is not as long as the one that it belongs to.
    #[error("{what} has {len} elements, expected {expected}")]
    Length {
        /// The sequence, such as ``values of series `train loss` ``.
        what: String,
        /// Its length.
        len: usize,
        /// The length that it should have.
        expected: usize,
    },
    /// Coordinates of fewer points than can be drawn.
    #[error("{what} has {len} points, at least {least} are needed")]
    TooFewPoints {
        /// The axis, series or trajectory.
        what: String,
        /// The number of its points.
        len: usize,
        /// The least number that can be drawn.
        least: usize,
    },
    /// A coordinate that is not larger than the one before it.
    #[error("{what} is not strictly increasing at index {index}: {value} follows {previous}")]
    NotIncreasing {
        /// The axis or series.
        what: String,
        /// The index of the coordinate.
        index: usize,
        /// The coordinate before it.
        previous: f64,
        /// The coordinate.
        value: f64,
    },
    /// A coordinate that is NaN or infinite.
    #[error("coordinate {index} of {what} is not finite: {value}")]
    NotFinite {
        /// The axis, series, marker, guide or trajectory.
        what: String,
        /// The index of the coordinate.
        index: usize,
        /// The coordinate.
        value: f64,
    },
    /// Values of which none is finite, so that there is nothing to draw.
    #[error("{what} has no finite value")]
    NoFiniteValue {
        /// What was to be drawn.
        what: String,
    },
    /// A logarithmic scale for values of which none is positive and finite.
    #[error("logarithmic scale for {what}, but no finite value is positive")]
    NoPositiveValue {
        /// What was to be drawn.
        what: String,
    },
    /// A contour level that is not finite, or not positive on a logarithmic scale.
    #[error("contour level {index} is {value}, expected a finite number{}", above_zero(*.log))]
    Level {
        /// The index of the level in the caller's list.
        index: usize,
        /// The level.
        value: f64,
        /// Whether the scale is logarithmic.
        log: bool,
    },
    /// A range that is not finite, is empty, or is not positive on a logarithmic scale.
    #[error("{what} [{low}, {high}] needs finite ends with low < high{}", low_above_zero(*.log))]
    Range {
        /// The range, such as `colour range`.
        what: String,
        /// Its low end.
        low: f64,
        /// Its high end.
        high: f64,
        /// Whether the scale is logarithmic.
        log: bool,
    },
    /// A figure or page with nothing on it.
    #[error("there is nothing to draw: no {what}")]
    Empty {
        /// What is missing: `series`, `samples`, `panels`, `branches`, `features`, `landscapes`, `channels` or
        /// `points on a trajectory`.
        what: &'static str,
    },
    /// A name that two parts of a page share.
    #[error("two {what} are named `{name}`")]
    DuplicateName {
        /// What they are: `landscapes`, `channels`, `trajectories` or `shapes`.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// A label for a point that a trajectory does not have.
    #[error("the label `{label}` is for point {index} of a trajectory of {len}")]
    TrajectoryLabel {
        /// The label.
        label: String,
        /// The index of the point.
        index: usize,
        /// The number of points of the trajectory.
        len: usize,
    },
    /// A branch of a merge tree that cannot end where it is said to.
    #[error("branch {index} from {minimum} cannot end at {level} in branch {into}: {why}")]
    Branch {
        /// The index of the branch.
        index: usize,
        /// The level where it begins, that of its minimum.
        minimum: f64,
        /// The level where it should end.
        level: f64,
        /// The index of the branch that should go on.
        into: usize,
        /// What is wrong with that.
        why: &'static str,
    },
    /// A histogram without bins, or with more than can be drawn.
    #[error("a histogram has 1 to {most} bins, not {bins}")]
    Bins {
        /// How many were asked for.
        bins: usize,
        /// The most that there may be.
        most: usize,
    },
    /// A share that is not between none and all.
    #[error("the share of {what} is {value}, expected one from 0 to 1")]
    Share {
        /// What has the share.
        what: String,
        /// The share.
        value: f64,
    },
    /// A least persistence that is not finite or below 0.
    #[error("the least persistence is {value}, expected a finite number from 0 on")]
    Floor {
        /// The persistence.
        value: f64,
    },
    /// A feature that ends before it begins, or at no number.
    #[error("feature {index} cannot begin at {birth} and end at {death}")]
    Pair {
        /// The index of the feature.
        index: usize,
        /// The level where it should begin.
        birth: f64,
        /// The level where it should end.
        death: f64,
    },
    /// A saddle of a minimum that is not there.
    #[error("saddle {index} ends minimum {ends}, but there are {minima}")]
    Saddle {
        /// The index of the saddle.
        index: usize,
        /// The index of the minimum.
        ends: usize,
        /// The number of minima.
        minima: usize,
    },
    /// An angle from which a surface cannot be seen.
    #[error("{angle} of {degrees}°, expected one from {least}° to {greatest}°")]
    Angle {
        /// `azimuth` or `elevation`.
        angle: &'static str,
        /// The angle in degrees.
        degrees: f64,
        /// The least one.
        least: f64,
        /// The greatest one.
        greatest: f64,
    },
    /// A resolution at which an image would have no pixels, or too many.
    #[error(
        "{pixels_per_unit} pixels per unit make {width}×{height} pixels, expected at least 1 and at most {most} in all"
    )]
    Resolution {
        /// The resolution.
        pixels_per_unit: f64,
        /// The width in pixels that it makes.
        width: f64,
        /// The height in pixels that it makes.
        height: f64,
        /// The greatest number of pixels.
        most: u32,
    },
    /// A figure that the renderer of a format could not draw.
    #[error("the figure could not be drawn as {format}")]
    Render {
        /// `PNG` or `PDF`.
        format: &'static str,
        /// What the renderer said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A file name from whose ending no format follows.
    #[error("`{}` names no format: expected a name that ends in {expected}", path.display())]
    FileEnding {
        /// The file.
        path: PathBuf,
        /// The endings that there are, such as `.svg, .png or .pdf`.
        expected: &'static str,
    },
    /// A file that could not be written.
    #[error("`{}` could not be written", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// What the core said: of a result a channel that it does not have or a density that it cannot estimate, of a path
    /// that it is no file.
    #[error(transparent)]
    Core(#[from] loss_landscape::Error),
}

impl Error {
    /// What writing a file failed with.
    pub(crate) fn writing(error: loss_landscape::Error) -> Self {
        match error {
            loss_landscape::Error::File { path, source } => Self::File { path, source },
            other => Self::Core(other),
        }
    }
}

fn above_zero(log: bool) -> &'static str {
    if log { " above 0 (logarithmic scale)" } else { "" }
}

fn low_above_zero(log: bool) -> &'static str {
    if log { " and low > 0 (logarithmic scale)" } else { "" }
}
