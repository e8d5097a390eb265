//! The one error type of the crate.

use std::path::PathBuf;

/// A result with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What was wrong with a call. Every variant carries the values that were wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A layer of a network that cannot take what it is given.
    #[error("layer `{layer}` cannot take {}×{}×{} (channels, height, width): it needs {needs}", found[0], found[1], found[2])]
    LayerShape {
        /// The layer.
        layer: String,
        /// What it is given: channels, height, width.
        found: [usize; 3],
        /// What it needs.
        needs: String,
    },
    /// Layer sizes that make no network.
    #[error("layer sizes {sizes:?} must be two or more numbers, none of them zero")]
    LayerSizes {
        /// The sizes.
        sizes: Vec<usize>,
    },
    /// Samples that do not fit each other or the network.
    #[error("{what} has {found} where {expected} is needed")]
    SampleShape {
        /// Which array.
        what: &'static str,
        /// What it has.
        found: usize,
        /// What it should have.
        expected: usize,
    },
    /// A data set without samples.
    #[error("the data set holds no samples")]
    EmptyData,
    /// A label that is no class.
    #[error("label {label} of sample {index} is out of range for {classes} classes")]
    Label {
        /// The sample.
        index: usize,
        /// Its label.
        label: usize,
        /// The number of classes.
        classes: usize,
    },
    /// An input or target that is NaN or infinite.
    #[error("{what} of sample {index} is {value} at position {position}")]
    SampleValue {
        /// Input or target.
        what: &'static str,
        /// The sample.
        index: usize,
        /// The position inside the sample.
        position: usize,
        /// The value.
        value: f64,
    },
    /// An image shape that does not hold as many values as a sample.
    #[error(
        "an image shape of {} needs that many features a sample; these have {features}",
        display_shape(shape)
    )]
    ImageShape {
        /// Channels, height, width.
        shape: [usize; 3],
        /// The features of a sample.
        features: usize,
    },
    /// Samples that are no images where images are needed.
    #[error(
        "{what} needs images; these samples have {features} features without an image shape (`Samples::with_image_shape`)"
    )]
    NoImageShape {
        /// What needs images.
        what: &'static str,
        /// The features of a sample.
        features: usize,
    },
    /// An index of a sample that is not there.
    #[error("index {index} at position {position} of the selection is out of range for {len} samples")]
    SampleIndex {
        /// The position in the list of indices.
        position: usize,
        /// The index there.
        index: usize,
        /// The number of samples.
        len: usize,
    },
    /// A loss that does not go with the kind of targets.
    #[error("the loss {loss} needs {needs}")]
    Targets {
        /// The loss.
        loss: &'static str,
        /// The targets it needs.
        needs: &'static str,
    },
    /// An IDX file that is damaged or of another kind.
    #[error("not a valid IDX file: {reason} (expected {expected}, found {found})")]
    Idx {
        /// What is wrong.
        reason: &'static str,
        /// The value that was needed.
        expected: u64,
        /// The value that was found.
        found: u64,
    },
    /// A file of CIFAR-10 that is cut short or of another kind.
    #[error("{len} bytes are no CIFAR-10 records, which take {record} each")]
    Cifar {
        /// The length of the file.
        len: usize,
        /// The length of a record.
        record: usize,
    },
    /// A setting that makes no sense.
    #[error("{setting} must be {needs}, not {value}")]
    Setting {
        /// Which setting.
        setting: &'static str,
        /// The condition.
        needs: &'static str,
        /// What it was.
        value: f64,
    },
    /// Memory that the system did not give.
    #[error("the system does not give the {bytes} bytes needed for {what}")]
    OutOfMemory {
        /// What they were for.
        what: &'static str,
        /// How many.
        bytes: u64,
    },
    /// A file that could not be read.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file that was read, and holds what is wrong.
    #[error("{}: {source}", path.display())]
    InFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: Box<Self>,
    },
    /// Parameters that do not fit their layout, or a layout that cannot be.
    #[error(transparent)]
    Core(#[from] loss_landscape::Error),
}

fn display_shape(shape: &[usize]) -> String {
    shape.iter().map(ToString::to_string).collect::<Vec<_>>().join("×")
}
