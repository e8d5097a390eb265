//! The pieces that networks are built of, as plain data.

use std::{fmt, sync::Arc};

use loss_landscape_kernels::Smooth;

use crate::{fingerprint::Fingerprint, layers::CustomLayer};

/// A layer or a combination of layers, as [`Chain`] strings them together.
///
/// Names are those of PyTorch's state dict: a convolution named `conv1` has the block
/// `conv1.weight`, and inside a [`Scope`](Self::Scope) named `layer1.0` the block
/// `layer1.0.conv1.weight`.
///
/// ```
/// use loss_landscape_nets::{Architecture, Chain, Piece};
///
/// let head = Piece::Linear { name: "head".to_owned(), outputs: 10, bias: false };
/// let architecture = Architecture::new([1, 8, 8], Chain::new().piece(head))?;
/// assert_eq!(architecture.layout().len(), 640);
/// # Ok::<(), loss_landscape_nets::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Piece {
    /// A convolution: `weight` of channels × inputs / groups × height × width, and `bias` if it has one.
    Conv(Conv),
    /// Batch normalisation of each channel: `weight` (γ), `bias` (β), `running_mean` and `running_var`.
    BatchNorm {
        /// The layer's name.
        name: String,
        /// What is added to the variance.
        epsilon: f64,
    },
    /// Normalisation of consecutive channels of a sample over the whole image: `weight` (γ) and `bias` (β), a number
    /// for each channel. One group takes all channels together, as many groups as channels each by itself.
    GroupNorm {
        /// The layer's name.
        name: String,
        /// The number of groups: a divisor of the channels.
        groups: usize,
        /// What is added to the variance; positive.
        epsilon: f64,
    },
    /// Normalisation of all channels of a sample at each pixel: `weight` (γ) and `bias` (β), a number for each channel.
    /// It is PyTorch's `LayerNorm(channels)` where channels come last, as in mixers, and where there are no pixels.
    LayerNorm {
        /// The layer's name.
        name: String,
        /// What is added to the variance; positive.
        epsilon: f64,
    },
    /// max(0, z); its derivative at 0 is taken as 0.
    Relu,
    /// The Gaussian error linear unit.
    Gelu(Gelu),
    /// Nothing: what dropout does where no network is trained. It is there so that a chain reads like the network that it
    /// was written after. Trainings here do not drop anything either.
    Dropout,
    /// tanh z.
    Tanh,
    /// The maximum of windows; of equal values the first counts for derivatives.
    MaxPool(Pool),
    /// The mean of windows.
    AveragePool(Pool),
    /// The mean of each channel over the image: [channels, 1, 1].
    GlobalAveragePool,
    /// The mean of windows that share the image out among so many pixels, as PyTorch's `AdaptiveAvgPool2d`: the windows
    /// of n pixels for m are ⌊i·n/m⌋ to ⌈(i+1)·n/m⌉. With fewer pixels than asked for, pixels are repeated.
    AdaptiveAveragePool(Sides),
    /// A linear layer of the channels of each pixel, the same for all pixels: `weight` of outputs × channels, and `bias`
    /// if it has one. It is PyTorch's `Linear` where channels come last.
    PixelLinear {
        /// The layer's name.
        name: String,
        /// The number of output channels.
        outputs: usize,
        /// Whether it has a bias.
        bias: bool,
    },
    /// Pieces that see pixels as channels and channels as pixels; what they give is turned back. They must leave their
    /// pixels (the channels outside) as they are. If they leave their channels too, the image is of the same height and
    /// width as before, and else one pixel wide.
    Transposed {
        /// The pieces.
        chain: Chain,
    },
    /// A linear layer on all values of a sample, channel by channel: `weight` of outputs × inputs, and `bias`
    /// if it has one.
    Linear {
        /// The layer's name.
        name: String,
        /// The number of outputs.
        outputs: usize,
        /// Whether it has a bias.
        bias: bool,
    },
    /// Pieces whose names begin with another, and a dot.
    Scope {
        /// What the names begin with.
        name: String,
        /// The pieces.
        chain: Chain,
    },
    /// The sum of two chains, both given the same input. An empty chain is the identity.
    Skip {
        /// The chain that learns.
        body: Chain,
        /// The way round it.
        shortcut: Chain,
    },
    /// The channels of several chains, each given the same input, joined in their order.
    Concat {
        /// The chains; an empty one is the identity.
        branches: Vec<Chain>,
    },
    /// A layer of your own.
    Custom(Custom),
}

/// The two forms of the Gaussian error linear unit, z·Φ(z), Φ being the distribution function of N(0, 1).
///
/// ```
/// use loss_landscape_nets::{Chain, Gelu, Piece};
///
/// let hidden = Chain::new().linear("fc1", 64).gelu(Gelu::Exact);
/// assert_eq!(hidden.pieces()[1], Piece::Gelu(Gelu::Exact));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Gelu {
    /// By the error function: PyTorch's `GELU()`.
    Exact,
    /// z/2·(1 + tanh(√(2/π)·(z + 0.044715·z³))): PyTorch's `GELU(approximate="tanh")`, and GPT-2's.
    Tanh,
}

impl Gelu {
    pub(crate) fn kernel(self) -> Smooth {
        match self {
            Self::Exact => Smooth::Gelu,
            Self::Tanh => Smooth::GeluTanh,
        }
    }
}

/// A layer of your own with its name, and the same for all copies of a chain; [`CustomLayer`] has an example.
///
/// Two are equal if their names are, and what their layers [state](CustomLayer::fingerprint).
///
/// ```
/// use loss_landscape_nets::{Chain, Custom, CustomLayer, LayerPoint, Piece};
///
/// #[derive(Debug)]
/// struct Square;
///
/// impl CustomLayer for Square {
///     fn fingerprint(&self) -> String {
///         "square 1".to_owned()
///     }
///
///     fn value(&self, at: &LayerPoint<'_>, out: &mut [f64]) {
///         for (out, x) in out.iter_mut().zip(at.x) {
///             *out = x * x;
///         }
///     }
/// }
///
/// let piece = Piece::Custom(Custom::new("square", Square));
/// assert_eq!(Chain::new().piece(piece), Chain::new().custom("square", Square));
/// ```
#[derive(Clone, Debug)]
pub struct Custom {
    name: String,
    layer: Arc<dyn CustomLayer>,
}

impl Custom {
    /// A layer whose blocks have names that begin with `name` and a dot.
    pub fn new(name: impl Into<String>, layer: impl CustomLayer + 'static) -> Self {
        Self { name: name.into(), layer: Arc::new(layer) }
    }

    /// The layer's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The layer.
    pub fn layer(&self) -> &dyn CustomLayer {
        &*self.layer
    }

    pub(crate) fn shared(&self) -> Arc<dyn CustomLayer> {
        Arc::clone(&self.layer)
    }
}

impl PartialEq for Custom {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.layer.fingerprint() == other.layer.fingerprint()
    }
}

/// A height and a width: one number for both, or [height, width].
///
/// ```
/// use loss_landscape_nets::Sides;
///
/// assert_eq!(Sides::from(3), Sides { height: 3, width: 3 });
/// assert_eq!(Sides::from([1, 7]).to_string(), "1×7");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sides {
    /// Along columns.
    pub height: usize,
    /// Along rows.
    pub width: usize,
}

impl Sides {
    /// [height, width].
    pub(crate) fn array(self) -> [usize; 2] {
        [self.height, self.width]
    }

    /// The number, if it is the same for both.
    fn both(self) -> Option<usize> {
        (self.height == self.width).then_some(self.height)
    }
}

impl From<usize> for Sides {
    fn from(both: usize) -> Self {
        Self { height: both, width: both }
    }
}

impl From<[usize; 2]> for Sides {
    fn from([height, width]: [usize; 2]) -> Self {
        Self { height, width }
    }
}

impl fmt::Display for Sides {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.both() {
            Some(both) => write!(f, "{both}"),
            None => write!(f, "{}×{}", self.height, self.width),
        }
    }
}

/// A convolution.
///
/// What is set by one number holds for height and width, and [height, width] sets both. As in PyTorch, a kernel is not
/// turned round, `dilation` is the distance of its taps, and with `groups` the first inputs are convolved to the first
/// outputs, the next ones to the next: the weight is channels × inputs/groups × height × width. As many groups as
/// inputs make a depthwise convolution. Four outputs of a group are computed together: a depthwise convolution does
/// four times the multiplications that it needs.
///
/// ```
/// use loss_landscape_nets::{Architecture, Chain, Conv, Sides};
///
/// let conv = Conv::new("features.0", 64, 3).stride(2).bias(true);
/// assert_eq!(conv.padding, Sides::from(1)); // half the kernel, unless asked for otherwise
///
/// let chain = Chain::new()
///     .conv(Conv::new("rows", 12, [1, 7]).stride([1, 2]))
///     .conv(Conv::new("depthwise", 12, 3).groups(12))
///     .conv(Conv::new("wide", 8, 3).dilation(4).padding(4));
/// let architecture = Architecture::new([3, 16, 32], chain.linear("head", 10))?;
/// let shape = |name| architecture.layout().block(name).map(|block| block.shape());
/// assert_eq!(shape("rows.weight")?, [12, 3, 1, 7]);
/// assert_eq!(shape("depthwise.weight")?, [12, 1, 3, 3]);
/// assert_eq!(shape("head.weight")?, [10, 8 * 16 * 16]);
/// # Ok::<(), loss_landscape_nets::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Conv {
    /// The layer's name.
    pub name: String,
    /// The number of output channels.
    pub channels: usize,
    /// The sides of the kernel, 1 to 15.
    pub kernel: Sides,
    /// The step from one output pixel to the next, in input pixels.
    pub stride: Sides,
    /// Zeros around the image.
    pub padding: Sides,
    /// The step from one tap of the kernel to the next, in input pixels.
    pub dilation: Sides,
    /// Sets of channels that are convolved apart from each other.
    pub groups: usize,
    /// Whether it has a bias.
    pub bias: bool,
}

impl Conv {
    /// A convolution of stride 1 that keeps the image size (for odd sides), without bias.
    #[must_use]
    pub fn new(name: impl Into<String>, channels: usize, kernel: impl Into<Sides>) -> Self {
        let kernel = kernel.into();
        Self {
            name: name.into(),
            channels,
            kernel,
            stride: Sides::from(1),
            padding: Sides { height: kernel.height / 2, width: kernel.width / 2 },
            dilation: Sides::from(1),
            groups: 1,
            bias: false,
        }
    }

    /// The step from one output pixel to the next.
    #[must_use]
    pub fn stride(self, stride: impl Into<Sides>) -> Self {
        Self { stride: stride.into(), ..self }
    }

    /// Zeros around the image.
    #[must_use]
    pub fn padding(self, padding: impl Into<Sides>) -> Self {
        Self { padding: padding.into(), ..self }
    }

    /// The step from one tap of the kernel to the next. The padding stays half the kernel unless it is set too.
    #[must_use]
    pub fn dilation(self, dilation: impl Into<Sides>) -> Self {
        Self { dilation: dilation.into(), ..self }
    }

    /// Sets of channels that are convolved apart from each other: a divisor of inputs and outputs.
    #[must_use]
    pub fn groups(self, groups: usize) -> Self {
        Self { groups, ..self }
    }

    /// Whether it has a bias.
    #[must_use]
    pub fn bias(self, bias: bool) -> Self {
        Self { bias, ..self }
    }

    fn write_fingerprint(&self, out: &mut Fingerprint) {
        let Self { name, channels, kernel, stride, padding, dilation, groups, bias } = self;
        out.text(name);
        match [kernel, stride, padding, dilation].map(|sides| sides.both()) {
            // As before there were others.
            [Some(kernel), Some(stride), Some(padding), Some(1)] if *groups == 1 => {
                out.counts(&[*channels, kernel, stride, padding]);
            }
            _ => {
                let mut counts = vec![*channels, *groups];
                counts
                    .extend([kernel, stride, padding, dilation].into_iter().flat_map(|sides| sides.array()));
                out.counts(&counts);
            }
        }
        out.flag(*bias);
    }
}

/// The windows of a pool.
///
/// As in PyTorch, padding is ignored by maxima, and counts as zeros in means unless
/// [`count_padding(false)`](Self::count_padding) asks for the mean of the image's pixels alone.
///
/// ```
/// use loss_landscape_nets::{Architecture, Chain, Conv, Pool};
///
/// // 7×7 pixels, windows of 2×2: 3×3, or 4×4 with windows that reach over the edge.
/// for (ceil, values) in [(false, 9), (true, 16)] {
///     let chain = Chain::new().max_pool(Pool::new(2).ceil(ceil)).linear("head", 10);
///     assert_eq!(Architecture::new([1, 7, 7], chain)?.layout().block("head.weight")?.shape(), [10, values]);
/// }
///
/// // The stem of torchvision's ResNets: 224×224 pixels become 112×112, and then 56×56.
/// let stem = Chain::new()
///     .conv(Conv::new("conv1", 64, 7).stride(2).padding(3))
///     .batch_norm("bn1")
///     .relu()
///     .max_pool(Pool::new(3).stride(2).padding(1));
/// let stem = Architecture::new([3, 224, 224], stem.linear("fc", 1))?;
/// assert_eq!(stem.layout().block("fc.weight")?.shape(), [1, 64 * 56 * 56]);
/// # Ok::<(), loss_landscape_nets::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pool {
    /// The side of a window.
    pub window: usize,
    /// The step from one window to the next.
    pub stride: usize,
    /// Whether windows may reach over the right and lower edge (PyTorch's `ceil_mode`).
    pub ceil: bool,
    /// Pixels around the image on each side, at most half a window. A maximum is that of the image's pixels alone.
    pub padding: usize,
    /// Whether the padding's pixels count as zeros in a mean (PyTorch's `count_include_pad`).
    pub count_padding: bool,
}

impl Pool {
    /// Windows side by side, inside the image.
    #[must_use]
    pub fn new(window: usize) -> Self {
        Self { window, stride: window, ceil: false, padding: 0, count_padding: true }
    }

    /// The step from one window to the next.
    #[must_use]
    pub fn stride(self, stride: usize) -> Self {
        Self { stride, ..self }
    }

    /// Whether windows may reach over the right and lower edge.
    #[must_use]
    pub fn ceil(self, ceil: bool) -> Self {
        Self { ceil, ..self }
    }

    /// Pixels around the image on each side, at most half a window.
    #[must_use]
    pub fn padding(self, padding: usize) -> Self {
        Self { padding, ..self }
    }

    /// Whether the padding's pixels count as zeros in a mean; maxima ignore them.
    #[must_use]
    pub fn count_padding(self, count_padding: bool) -> Self {
        Self { count_padding, ..self }
    }

    /// Windows along `length` pixels.
    pub(crate) fn windows(self, length: usize) -> Option<usize> {
        let padded = length.saturating_add(2 * self.padding);
        if !self.ceil {
            return padded.checked_sub(self.window).map(|room| room / self.stride + 1);
        }
        // The last window may reach over the edge by less than a step, and must not begin beyond the image.
        let steps = padded.saturating_add(self.stride - 1).checked_sub(self.window)? / self.stride;
        Some(if steps * self.stride >= length.saturating_add(self.padding) { steps } else { steps + 1 })
    }
}

/// Pieces, each of which reads what the one before gives.
///
/// ```
/// use loss_landscape_nets::{Architecture, Chain};
///
/// let block = Chain::new().conv3x3("conv1", 8, 1).batch_norm("bn1").relu().conv3x3("conv2", 8, 1);
/// let chain = Chain::new()
///     .conv3x3("stem", 8, 1)
///     .scope("block", Chain::new().skip(block, Chain::new()))
///     .relu()
///     .global_average_pool()
///     .linear("head", 10);
/// let architecture = Architecture::new([1, 8, 8], chain)?;
/// assert_eq!(architecture.layout().block("block.conv1.weight")?.shape(), [8, 8, 3, 3]);
/// # Ok::<(), loss_landscape_nets::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[must_use]
pub struct Chain {
    pieces: Vec<Piece>,
}

impl Chain {
    /// Nothing yet: the identity.
    pub fn new() -> Self {
        Self::default()
    }

    /// The pieces.
    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// Adds a piece.
    pub fn piece(mut self, piece: Piece) -> Self {
        self.pieces.push(piece);
        self
    }

    /// Adds the pieces of another chain.
    pub fn then(mut self, chain: Chain) -> Self {
        self.pieces.extend(chain.pieces);
        self
    }

    /// A convolution.
    pub fn conv(self, conv: Conv) -> Self {
        self.piece(Piece::Conv(conv))
    }

    /// A 3×3 convolution with padding 1 and no bias.
    pub fn conv3x3(self, name: impl Into<String>, channels: usize, stride: usize) -> Self {
        self.conv(Conv::new(name, channels, 3).stride(stride))
    }

    /// A 1×1 convolution with no bias.
    pub fn conv1x1(self, name: impl Into<String>, channels: usize, stride: usize) -> Self {
        self.conv(Conv::new(name, channels, 1).stride(stride))
    }

    /// Batch normalisation with ε = 1e-5.
    pub fn batch_norm(self, name: impl Into<String>) -> Self {
        self.piece(Piece::BatchNorm { name: name.into(), epsilon: 1e-5 })
    }

    /// Normalisation of groups of channels over the image, with ε = 1e-5.
    pub fn group_norm(self, name: impl Into<String>, groups: usize) -> Self {
        self.piece(Piece::GroupNorm { name: name.into(), groups, epsilon: 1e-5 })
    }

    /// Normalisation of all channels at each pixel, with ε = 1e-5.
    pub fn layer_norm(self, name: impl Into<String>) -> Self {
        self.piece(Piece::LayerNorm { name: name.into(), epsilon: 1e-5 })
    }

    /// The Gaussian error linear unit.
    pub fn gelu(self, form: Gelu) -> Self {
        self.piece(Piece::Gelu(form))
    }

    /// Nothing, where a network has dropout.
    pub fn dropout(self) -> Self {
        self.piece(Piece::Dropout)
    }

    /// max(0, z).
    pub fn relu(self) -> Self {
        self.piece(Piece::Relu)
    }

    /// tanh z.
    pub fn tanh(self) -> Self {
        self.piece(Piece::Tanh)
    }

    /// The maximum of windows.
    pub fn max_pool(self, pool: Pool) -> Self {
        self.piece(Piece::MaxPool(pool))
    }

    /// The mean of windows.
    pub fn average_pool(self, pool: Pool) -> Self {
        self.piece(Piece::AveragePool(pool))
    }

    /// The mean over the image.
    pub fn global_average_pool(self) -> Self {
        self.piece(Piece::GlobalAveragePool)
    }

    /// The mean of windows that share the image out among so many pixels.
    pub fn adaptive_average_pool(self, sides: impl Into<Sides>) -> Self {
        self.piece(Piece::AdaptiveAveragePool(sides.into()))
    }

    /// A linear layer of each pixel's channels, with bias.
    pub fn pixel_linear(self, name: impl Into<String>, outputs: usize) -> Self {
        self.piece(Piece::PixelLinear { name: name.into(), outputs, bias: true })
    }

    /// Pieces that see pixels as channels and channels as pixels.
    pub fn transposed(self, chain: Chain) -> Self {
        self.piece(Piece::Transposed { chain })
    }

    /// A linear layer with bias.
    pub fn linear(self, name: impl Into<String>, outputs: usize) -> Self {
        self.piece(Piece::Linear { name: name.into(), outputs, bias: true })
    }

    /// Pieces whose names begin with `name` and a dot.
    pub fn scope(self, name: impl Into<String>, chain: Chain) -> Self {
        self.piece(Piece::Scope { name: name.into(), chain })
    }

    /// The sum of two chains, both given the same input; an empty one is the identity.
    pub fn skip(self, body: Chain, shortcut: Chain) -> Self {
        self.piece(Piece::Skip { body, shortcut })
    }

    /// The channels of several chains, each given the same input; an empty one is the identity.
    pub fn concat(self, branches: impl IntoIterator<Item = Chain>) -> Self {
        self.piece(Piece::Concat { branches: branches.into_iter().collect() })
    }

    /// A layer of your own, whose blocks have names that begin with `name` and a dot.
    pub fn custom(self, name: impl Into<String>, layer: impl CustomLayer + 'static) -> Self {
        self.piece(Piece::Custom(Custom::new(name, layer)))
    }
}

impl Chain {
    /// All pieces, in the form that [`Fingerprint`] states.
    pub(crate) fn write_fingerprint(&self, out: &mut Fingerprint) {
        out.count(self.pieces.len());
        for piece in &self.pieces {
            piece.write_fingerprint(out);
        }
    }
}

impl Piece {
    fn write_fingerprint(&self, out: &mut Fingerprint) {
        match self {
            Self::Conv(conv) => {
                out.number(0);
                conv.write_fingerprint(out);
            }
            Self::BatchNorm { name, epsilon } => {
                out.number(1);
                out.text(name);
                out.real(*epsilon);
            }
            Self::Relu => out.number(2),
            Self::Tanh => out.number(3),
            Self::MaxPool(pool) => {
                out.number(4);
                pool.write_fingerprint(out);
            }
            Self::AveragePool(pool) => {
                out.number(5);
                pool.write_fingerprint(out);
            }
            Self::GlobalAveragePool => out.number(6),
            Self::Linear { name, outputs, bias } => {
                out.number(7);
                out.text(name);
                out.count(*outputs);
                out.flag(*bias);
            }
            Self::Scope { name, chain } => {
                out.number(8);
                out.text(name);
                chain.write_fingerprint(out);
            }
            Self::Skip { body, shortcut } => {
                out.number(9);
                body.write_fingerprint(out);
                shortcut.write_fingerprint(out);
            }
            Self::Concat { branches } => {
                out.number(10);
                out.count(branches.len());
                for branch in branches {
                    branch.write_fingerprint(out);
                }
            }
            Self::Custom(custom) => {
                out.number(11);
                out.text(&custom.name);
                out.text(&custom.layer.fingerprint());
            }
            Self::GroupNorm { name, groups, epsilon } => {
                out.number(12);
                out.text(name);
                out.count(*groups);
                out.real(*epsilon);
            }
            Self::LayerNorm { name, epsilon } => {
                out.number(13);
                out.text(name);
                out.real(*epsilon);
            }
            Self::Gelu(form) => {
                out.number(14);
                out.flag(*form == Gelu::Tanh);
            }
            Self::Dropout => out.number(15),
            Self::AdaptiveAveragePool(sides) => {
                out.number(16);
                out.counts(&sides.array());
            }
            Self::PixelLinear { name, outputs, bias } => {
                out.number(17);
                out.text(name);
                out.count(*outputs);
                out.flag(*bias);
            }
            Self::Transposed { chain } => {
                out.number(18);
                chain.write_fingerprint(out);
            }
        }
    }
}

impl Pool {
    fn write_fingerprint(self, out: &mut Fingerprint) {
        // Without padding as before there was any.
        let Self { window, stride, ceil, padding, count_padding } = self;
        if padding == 0 {
            out.counts(&[window, stride]);
            out.flag(ceil);
        } else {
            out.counts(&[window, stride, padding]);
            out.flag(ceil);
            out.flag(count_padding);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_pytorchs() {
        assert_eq!(Pool::new(2).windows(8), Some(4));
        assert_eq!(Pool::new(2).windows(7), Some(3));
        assert_eq!(Pool::new(2).ceil(true).windows(7), Some(4));
        assert_eq!(Pool::new(2).ceil(true).windows(1), Some(1));
        assert_eq!(Pool::new(3).stride(2).windows(7), Some(3));
        assert_eq!(Pool::new(2).stride(3).ceil(true).windows(6), Some(2), "the third would begin outside");
        assert_eq!(Pool::new(3).windows(2), None);
        assert_eq!(Pool::new(3).stride(1).ceil(true).windows(2), None);
        assert_eq!(Pool::new(3).stride(2).ceil(true).windows(2), Some(1));
        assert_eq!(Pool::new(3).stride(2).padding(1).windows(112), Some(56));
        assert_eq!(Pool::new(3).stride(2).padding(1).windows(1), Some(1));
        assert_eq!(Pool::new(2).stride(2).padding(1).windows(7), Some(4));
        assert_eq!(Pool::new(2).stride(3).padding(1).ceil(true).windows(6), Some(3));
        assert_eq!(
            Pool::new(2).stride(3).padding(1).ceil(true).windows(5),
            Some(2),
            "the third would begin outside"
        );
    }
}
