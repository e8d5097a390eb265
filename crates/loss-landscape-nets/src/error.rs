//! The one error type of the crate.

use std::{fmt, path::PathBuf};

use crate::criterion::Criterion;

/// A result with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What was wrong with a call. Every variant carries the values that were wrong.
///
/// ```
/// use loss_landscape_nets::{Architecture, Error, CountSetting, Skips};
///
/// match Architecture::resnet(19, [3, 32, 32], 10, Skips::With) {
///     Err(Error::CountOutOfRange { setting: CountSetting::ResNetDepth, value }) => assert_eq!(value, 19),
///     other => panic!("{other:?}"),
/// }
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A layer of a network that cannot take what it is given.
    #[error("layer `{layer}` cannot take {} (channels, height, width): it needs {needs}", times(found))]
    LayerShape {
        /// The layer.
        layer: String,
        /// What it is given: channels, height, width.
        found: [usize; 3],
        /// What it needs.
        needs: String,
    },
    /// Layer sizes that make no multilayer perceptron.
    #[error("layer sizes {sizes:?} must be two or more numbers, none of them zero")]
    LayerSizes {
        /// The sizes.
        sizes: Vec<usize>,
    },
    /// A data set without samples, or samples without values.
    #[error("the data set holds no samples")]
    NoSamples,
    /// Arrays of samples that do not fit each other or the network.
    #[error("{what} has {found} where {expected} is needed")]
    SampleShape {
        /// Which array.
        what: &'static str,
        /// What it has.
        found: usize,
        /// What it should have.
        expected: usize,
    },
    /// An input or target that is NaN or infinite.
    #[error("{what} of sample {index} is {value} at position {position}")]
    NonFiniteSample {
        /// Input or target.
        what: &'static str,
        /// The sample.
        index: usize,
        /// The position inside the sample.
        position: usize,
        /// The value.
        value: f64,
    },
    /// A label that is no class.
    #[error("label {label} of sample {index} is out of range for {classes} classes")]
    LabelOutOfRange {
        /// The sample.
        index: usize,
        /// Its label.
        label: usize,
        /// The number of classes.
        classes: usize,
    },
    /// An index of a sample that is not there.
    #[error("index {index} at position {position} of the selection is out of range for {len} samples")]
    SampleOutOfRange {
        /// The position in the list of indices.
        position: usize,
        /// The index there.
        index: usize,
        /// The number of samples.
        len: usize,
    },
    /// Numbers of samples that do not ascend.
    #[error("number {index} at position {position} of the samples follows {before}; they must ascend")]
    SampleOrder {
        /// The position in the list of numbers.
        position: usize,
        /// The number there.
        index: usize,
        /// The one before it.
        before: usize,
    },
    /// Sequences of more tokens than a transformer has positions.
    #[error("sequences of {length} tokens are too long for {positions} positions")]
    SequenceTooLong {
        /// The tokens of a sequence.
        length: usize,
        /// The positions of the transformer.
        positions: usize,
    },
    /// A token that is not in the vocabulary.
    #[error(
        "{what} {token} of sequence {sequence} at position {position} is out of range for a vocabulary of {vocabulary}"
    )]
    TokenOutOfRange {
        /// Token or target.
        what: &'static str,
        /// The sequence.
        sequence: usize,
        /// The position inside the sequence.
        position: usize,
        /// The token.
        token: u32,
        /// The size of the vocabulary.
        vocabulary: usize,
    },
    /// A mask that leaves nothing of a sequence.
    #[error("the mask leaves no target of sequence {sequence} that counts")]
    EmptyMask {
        /// The first such sequence.
        sequence: usize,
    },
    /// Targets of a kind that the criterion does not compare with.
    #[error(
        "the loss {criterion} needs {}",
        match criterion {
            Criterion::CrossEntropy => "labels (`Samples::labelled`)",
            Criterion::MeanSquaredError => "target values (`Samples::regression`)",
        }
    )]
    WrongTargets {
        /// The loss of the network.
        criterion: Criterion,
    },
    /// An image shape that does not hold as many values as a sample.
    #[error("an image shape of {} needs that many features a sample; these have {features}", times(shape))]
    ImageShape {
        /// Channels, height, width.
        shape: [usize; 3],
        /// The features of a sample.
        features: usize,
    },
    /// Samples that are no images where images are needed.
    #[error(
        "{what} needs images; these samples have {features} features without an image shape (`Samples::into_images`)"
    )]
    NotImages {
        /// What needs images.
        what: &'static str,
        /// The features of a sample.
        features: usize,
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
    Cifar10 {
        /// The length of the file.
        len: usize,
        /// The length of a record.
        record: usize,
    },
    /// A real number among the settings that is NaN or out of its range.
    #[error("{setting} must be {}, not {value}", setting.range())]
    NumberOutOfRange {
        /// Which setting.
        setting: NumberSetting,
        /// What it was.
        value: f64,
    },
    /// A count among the settings that is out of its range.
    #[error("{setting} must be {}, not {value}{}", setting.range(), hint(*setting, *value))]
    CountOutOfRange {
        /// Which setting.
        setting: CountSetting,
        /// What it was.
        value: usize,
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
    Unreadable {
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
    /// Parameters that do not fit their layout, or a layout that cannot be: an error of the core.
    #[error(transparent)]
    Core(#[from] loss_landscape::Error),
}

/// The settings that are real numbers; each knows its range.
///
/// ```
/// use loss_landscape_nets::NumberSetting;
///
/// assert_eq!(NumberSetting::Momentum.to_string(), "the momentum");
/// assert_eq!(NumberSetting::Momentum.range(), "from 0 to below 1");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NumberSetting {
    /// η of [`Sgd`](crate::Sgd) and [`Adam`](crate::Adam).
    LearningRate,
    /// A factor of [`learning_rate_steps`](crate::Training::learning_rate_steps).
    LearningRateFactor,
    /// [`weight_decay`](crate::Training::weight_decay).
    WeightDecay,
    /// [`Sgd`](crate::Sgd)'s momentum.
    Momentum,
    /// [`Sgd`](crate::Sgd)'s momentum with Nesterov's rule.
    NesterovMomentum,
    /// [`Adam`](crate::Adam)'s β₁.
    Beta1,
    /// [`Adam`](crate::Adam)'s β₂.
    Beta2,
    /// [`Adam`](crate::Adam)'s ε.
    AdamEpsilon,
    /// The ε of a batch normalisation.
    BatchNormEpsilon,
    /// The ε of a normalisation within a sample.
    NormEpsilon,
    /// What the bytes of images are divided by.
    ImageScale,
    /// A mean for [`Samples::normalized`](crate::Samples::normalized).
    ChannelMean,
    /// A deviation for [`Samples::normalized`](crate::Samples::normalized).
    ChannelDeviation,
}

/// The settings that are counts; each knows its range.
///
/// ```
/// use loss_landscape_nets::CountSetting;
///
/// assert_eq!(CountSetting::ResNetDepth.range(), "6n + 2 from 8 to 10,004");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CountSetting {
    /// [`batch_size`](crate::Training::batch_size), or that of
    /// [`Network::reestimated`](crate::Network::reestimated).
    BatchSize,
    /// The epochs between [`snapshots`](crate::Training::snapshots).
    SnapshotInterval,
    /// The padding of [`Augment::crop`](crate::Augment::crop).
    CropPadding,
    /// The depth of [`Architecture::resnet`](crate::Architecture::resnet).
    ResNetDepth,
    /// The width of [`Architecture::wide_resnet`](crate::Architecture::wide_resnet).
    ResNetWidth,
    /// The layers of a block of [`Architecture::densenet`](crate::Architecture::densenet).
    DenseNetLayers,
    /// The growth of [`Architecture::densenet`](crate::Architecture::densenet).
    DenseNetGrowth,
    /// The depth of [`Architecture::torchvision_resnet`](crate::Architecture::torchvision_resnet).
    TorchvisionResNetDepth,
    /// The depth of a [`Vgg`](crate::Vgg).
    VggDepth,
    /// The number of blocks of a [`Mixer`](crate::Mixer).
    MixerDepth,
    /// The tokens that a [`Gpt`](crate::Gpt) knows.
    Vocabulary,
    /// The positions of a [`Gpt`](crate::Gpt).
    Positions,
    /// The width of a [`Gpt`](crate::Gpt).
    Width,
    /// The heads of a [`Gpt`](crate::Gpt).
    Heads,
    /// The blocks of a [`Gpt`](crate::Gpt).
    Layers,
}

impl NumberSetting {
    /// What its value must be.
    pub fn range(self) -> &'static str {
        match self {
            Self::LearningRate
            | Self::LearningRateFactor
            | Self::AdamEpsilon
            | Self::NormEpsilon
            | Self::ImageScale
            | Self::ChannelDeviation => "positive and finite",
            Self::WeightDecay | Self::BatchNormEpsilon => "0 or positive, and finite",
            Self::Momentum | Self::Beta1 | Self::Beta2 => "from 0 to below 1",
            Self::NesterovMomentum => "above 0 and below 1",
            Self::ChannelMean => "finite",
        }
    }

    /// Refuses a value that is out of range.
    pub(crate) fn check(self, value: f64) -> Result<()> {
        let right = match self {
            Self::LearningRate
            | Self::LearningRateFactor
            | Self::AdamEpsilon
            | Self::NormEpsilon
            | Self::ImageScale
            | Self::ChannelDeviation => value > 0.0,
            Self::WeightDecay | Self::BatchNormEpsilon => value >= 0.0,
            Self::Momentum | Self::Beta1 | Self::Beta2 => (0.0..1.0).contains(&value),
            Self::NesterovMomentum => value > 0.0 && value < 1.0,
            Self::ChannelMean => true,
        };
        if right && value.is_finite() {
            Ok(())
        } else {
            Err(Error::NumberOutOfRange { setting: self, value })
        }
    }
}

impl fmt::Display for NumberSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::LearningRate => "the learning rate",
            Self::LearningRateFactor => "a factor of the learning rate",
            Self::WeightDecay => "the weight decay",
            Self::Momentum => "the momentum",
            Self::NesterovMomentum => "the momentum of Nesterov's rule",
            Self::Beta1 => "Adam's β₁",
            Self::Beta2 => "Adam's β₂",
            Self::AdamEpsilon => "Adam's ε",
            Self::BatchNormEpsilon => "the epsilon of a batch normalisation",
            Self::NormEpsilon => "the epsilon of a normalisation",
            Self::ImageScale => "the scale of the images",
            Self::ChannelMean => "the mean of a channel",
            Self::ChannelDeviation => "the deviation of a channel",
        })
    }
}

impl CountSetting {
    /// What its value must be.
    pub fn range(self) -> &'static str {
        match self {
            Self::BatchSize | Self::SnapshotInterval => "at least 1",
            Self::CropPadding => "smaller than the images' height and width",
            Self::ResNetDepth => "6n + 2 from 8 to 10,004",
            Self::ResNetWidth | Self::DenseNetGrowth => "from 1 to 65,536",
            Self::DenseNetLayers | Self::MixerDepth => "from 1 to 1,024",
            Self::TorchvisionResNetDepth => "18, 34, 50, 101 or 152",
            Self::VggDepth => "11, 13, 16 or 19",
            Self::Vocabulary | Self::Positions | Self::Width => "from 1 to 16,777,216",
            Self::Heads => "a divisor of the width",
            Self::Layers => "from 1 to 4,096",
        }
    }

    /// An error if a value is not right.
    pub(crate) fn ensure(self, right: bool, value: usize) -> Result<()> {
        if right { Ok(()) } else { Err(Error::CountOutOfRange { setting: self, value }) }
    }
}

impl fmt::Display for CountSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BatchSize => "the batch size",
            Self::SnapshotInterval => "the number of epochs between snapshots",
            Self::CropPadding => "the padding of the crop",
            Self::ResNetDepth => "the depth of a residual network",
            Self::ResNetWidth => "the width of a residual network",
            Self::DenseNetLayers => "the number of layers of a dense block",
            Self::DenseNetGrowth => "the growth of a dense network",
            Self::TorchvisionResNetDepth => "the depth of torchvision's residual networks",
            Self::VggDepth => "the depth of torchvision's VGG networks",
            Self::MixerDepth => "the number of blocks of a mixer",
            Self::Vocabulary => "the size of the vocabulary",
            Self::Positions => "the number of positions",
            Self::Width => "the width of a transformer",
            Self::Heads => "the number of heads",
            Self::Layers => "the number of layers of a transformer",
        })
    }
}

/// What whoever gave that value may have meant.
fn hint(setting: CountSetting, value: usize) -> String {
    if setting != CountSetting::ResNetDepth {
        return String::new();
    }
    // The depths around it.
    let below = (value.clamp(8, 10_004) - 2) / 6 * 6 + 2;
    let nearest = match value {
        0..8 => "8".to_owned(),
        8..10_004 => format!("{below} and {}", below + 6),
        _ => "10,004".to_owned(),
    };
    format!(
        " (nearest: {nearest}): these are the networks for small images, as for CIFAR-10; ImageNet's ResNet-18, \
         ResNet-34 and ResNet-50 are other networks: `Architecture::torchvision_resnet`"
    )
}

fn times(shape: &[usize; 3]) -> String {
    format!("{}×{}×{}", shape[0], shape[1], shape[2])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_name_what_was_wrong() {
        let wrong = NumberSetting::Momentum.check(1.0).unwrap_err();
        assert_eq!(wrong.to_string(), "the momentum must be from 0 to below 1, not 1");
        let wrong = CountSetting::BatchSize.ensure(false, 0).unwrap_err();
        assert_eq!(wrong.to_string(), "the batch size must be at least 1, not 0");
        let depth = |value| CountSetting::ResNetDepth.ensure(false, value).unwrap_err().to_string();
        assert_eq!(
            depth(18),
            "the depth of a residual network must be 6n + 2 from 8 to 10,004, not 18 (nearest: 14 and 20): these are \
             the networks for small images, as for CIFAR-10; ImageNet's ResNet-18, ResNet-34 and ResNet-50 are other \
             networks: `Architecture::torchvision_resnet`"
        );
        for (value, nearest) in
            [(0, "8"), (7, "8"), (9, "8 and 14"), (34, "32 and 38"), (10_003, "9998 and 10004")]
        {
            assert!(depth(value).contains(&format!("(nearest: {nearest})")), "{}", depth(value));
        }
        for value in [10_005, usize::MAX] {
            assert!(depth(value).contains("(nearest: 10,004)"), "{}", depth(value));
        }
        let wrong = Error::WrongTargets { criterion: Criterion::CrossEntropy };
        assert_eq!(wrong.to_string(), "the loss cross-entropy needs labels (`Samples::labelled`)");
        let wrong = Error::ImageShape { shape: [3, 2, 1], features: 7 };
        assert_eq!(
            wrong.to_string(),
            "an image shape of 3×2×1 needs that many features a sample; these have 7"
        );
    }
}
