//! The one error type of the crate.

/// A result with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What was wrong with a figure or a page. Every variant carries the values that were wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A sequence given to a figure does not have the length its partner requires.
    #[error("{what} has {len} elements, expected {expected}")]
    Length {
        /// The sequence, such as ``x axis`` or ``curve `train` ``.
        what: String,
        /// Its length.
        len: usize,
        /// The length it should have.
        expected: usize,
    },
    /// A plot axis or curve has fewer than two points.
    #[error("{axis} has {len} points, at least 2 are needed")]
    TooFewPoints {
        /// The axis.
        axis: String,
        /// Its length.
        len: usize,
    },
    /// A plot coordinate is not larger than the one before it.
    #[error("{axis} is not strictly increasing at index {index}: {value} follows {previous}")]
    AxisOrder {
        /// The axis.
        axis: String,
        /// Index of the offending coordinate.
        index: usize,
        /// The coordinate before it.
        previous: f64,
        /// The coordinate.
        value: f64,
    },
    /// A plot coordinate (of an axis, a marker or a guide) is NaN or infinite.
    #[error("coordinate {index} of {axis} is not finite: {value}")]
    NotFinite {
        /// The axis, marker or guide.
        axis: String,
        /// Index of the coordinate.
        index: usize,
        /// The coordinate.
        value: f64,
    },
    /// None of the values to draw is finite.
    #[error("{what} has no finite value")]
    NoFiniteValue {
        /// What was to be drawn.
        what: String,
    },
    /// A logarithmic scale was asked for, but no finite value is positive.
    #[error("logarithmic scale for {what}, but no finite value is positive")]
    NoPositiveValue {
        /// What was to be drawn.
        what: String,
    },
    /// A contour level is not finite, or not positive on a logarithmic scale.
    #[error("contour level {index} is {value}, expected a finite number{}", if *.log { " above 0 (logarithmic scale)" } else { "" })]
    Level {
        /// Index of the level in the caller's list.
        index: usize,
        /// The level.
        value: f64,
        /// Whether the scale is logarithmic.
        log: bool,
    },
    /// A range is not finite, is empty, or is not positive on a logarithmic scale.
    #[error("{what} [{lo}, {hi}] needs finite ends with low < high{}", if *.log { " and low > 0 (logarithmic scale)" } else { "" })]
    Range {
        /// The range, such as `colour range`.
        what: String,
        /// Its low end.
        lo: f64,
        /// Its high end.
        hi: f64,
        /// Whether the scale is logarithmic.
        log: bool,
    },
    /// A figure has nothing to draw: no curves, no panels, or on a page no landscapes or channels.
    #[error("the figure has no {what}")]
    Empty {
        /// What is missing, such as `curves` or `panels`.
        what: &'static str,
    },
    /// Two parts of a page of one name.
    #[error("two {what} are named `{name}`")]
    Duplicate {
        /// What they are: `landscapes`, `channels` or `trajectories`.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// A label of a trajectory for a point that it does not have.
    #[error("the label `{label}` is for point {index} of a trajectory of {len}")]
    PointIndex {
        /// The label.
        label: String,
        /// The index of the point.
        index: usize,
        /// How many points there are.
        len: usize,
    },
    /// A surface cannot be seen from this angle.
    #[error("{what} of {degrees}°, expected one from {lo}° to {hi}°")]
    View {
        /// `azimuth` or `elevation`.
        what: &'static str,
        /// The angle in degrees.
        degrees: f64,
        /// The least one.
        lo: f64,
        /// The greatest one.
        hi: f64,
    },
    /// A resolution at which a figure would have no pixels, or too many.
    #[cfg(feature = "png")]
    #[error(
        "{pixels_per_unit} pixels per unit make {width}×{height} pixels, expected at least one and at most {most} in all"
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
    /// The renderer could not draw a figure that it was given.
    #[cfg(feature = "png")]
    #[error("could not be drawn as PNG: {source}")]
    Render {
        /// What it said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A channel that a result does not have.
    #[error(transparent)]
    Core(#[from] loss_landscape::Error),
}
