//! The MLP-Mixer, with the names that the package timm gives its parameters.

use super::{
    architecture::Architecture,
    chain::{Chain, Conv, Gelu, Piece},
};
#[cfg(doc)]
use crate::error::Error;
use crate::error::{CountSetting, Result};

/// An MLP-Mixer (Tolstikhin et al. 2021) for images, as timm's `MlpMixer`, names too.
///
/// An image is cut into square patches. Each block mixes patches, the same for every channel, and then channels, the
/// same for every patch; both by two linear layers with GELU between, after a layer normalisation (ε = 1e-6) and with a
/// skip connection. The mean over the patches, normalised once more, goes into `head`.
///
/// ```
/// use loss_landscape_nets::Mixer;
///
/// let mixer = Mixer::new(4).width(64).depth(2).hidden(32, 128).architecture([3, 32, 32], 10)?;
/// let shape = |name| mixer.layout().block(name).map(|block| block.shape());
/// assert_eq!(shape("stem.proj.weight")?, [64, 3, 4, 4]);
/// assert_eq!(shape("blocks.1.mlp_tokens.fc1.weight")?, [32, 64]); // 8×8 patches
/// assert_eq!(shape("blocks.1.mlp_channels.fc1.weight")?, [128, 64]);
/// # Ok::<(), loss_landscape_nets::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Mixer {
    patch: usize,
    width: usize,
    depth: usize,
    hidden: [usize; 2],
}

impl Mixer {
    /// Patches of this side, 1 to 15 pixels; 8 blocks of 512 channels, with 256 hidden units for patches and 2,048 for
    /// channels, as Mixer-S.
    pub fn new(patch: usize) -> Self {
        Self { patch, width: 512, depth: 8, hidden: [256, 2048] }
    }

    /// The number of channels.
    pub fn width(self, width: usize) -> Self {
        Self { width, ..self }
    }

    /// The number of blocks.
    pub fn depth(self, depth: usize) -> Self {
        Self { depth, ..self }
    }

    /// The hidden units of the layers that mix patches, and of those that mix channels.
    pub fn hidden(self, patches: usize, channels: usize) -> Self {
        Self { hidden: [patches, channels], ..self }
    }

    /// The architecture.
    ///
    /// # Errors
    /// [`Error::CountOutOfRange`] for 0 or more than 1,024 blocks; [`Error::LayerShape`] for images smaller than a
    /// patch, and for sizes of 0.
    pub fn architecture(self, input: [usize; 3], classes: usize) -> Result<Architecture> {
        let Self { patch, width, depth, hidden } = self;
        CountSetting::MixerDepth.ensure((1..=1024).contains(&depth), depth)?;
        let norm = |name: &str| Piece::LayerNorm { name: name.to_owned(), epsilon: 1e-6 };
        let two_layers = |hidden: usize, outputs: usize| {
            Chain::new().pixel_linear("fc1", hidden).gelu(Gelu::Exact).dropout().pixel_linear("fc2", outputs)
        };
        let side = |length: usize| length.checked_div(patch).unwrap_or(0);
        let patches = side(input[1]) * side(input[2]);
        let mut blocks = Chain::new();
        for block in 0..depth {
            let tokens = Chain::new().scope("mlp_tokens", two_layers(hidden[0], patches));
            let tokens = Chain::new().piece(norm("norm1")).transposed(tokens);
            let channels = Chain::new().scope("mlp_channels", two_layers(hidden[1], width));
            let channels = Chain::new().piece(norm("norm2")).then(channels);
            let both = Chain::new().skip(tokens, Chain::new()).skip(channels, Chain::new());
            blocks = blocks.scope(block.to_string(), both);
        }
        let stem = Conv::new("stem.proj", width, patch).stride(patch).padding(0).bias(true);
        let chain = Chain::new().conv(stem).scope("blocks", blocks).piece(norm("norm"));
        Architecture::new(input, chain.global_average_pool().linear("head", classes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    #[test]
    fn parameters_are_as_many_as_in_the_paper() {
        // In two parts: the stem with the layers over patches, and the rest, which knows nothing of the patches.
        let stem = |side: usize| 512 * (3 * side * side + 1);
        let over_patches = |patches: usize| 8 * (256 * (patches + 1) + patches * (256 + 1));
        let net = Mixer::new(14).architecture([3, 224, 224], 1000).unwrap();
        let rest = net.trained_parameters() - stem(14) - over_patches(16 * 16);
        // Mixer-S/32 has 7×7 patches of 32 pixels and 19 million parameters (table 1).
        assert_eq!((rest + stem(32) + over_patches(7 * 7)) / 1_000_000, 19);
    }

    #[test]
    fn sizes_of_nothing_are_refused() {
        let input = [3, 8, 8];
        assert!(matches!(
            Mixer::new(4).depth(0).architecture(input, 10),
            Err(Error::CountOutOfRange { setting: CountSetting::MixerDepth, value: 0 })
        ));
        for mixer in [Mixer::new(0), Mixer::new(9), Mixer::new(4).width(0), Mixer::new(4).hidden(0, 1)] {
            let error = mixer.architecture(input, 10).unwrap_err();
            assert!(matches!(error, Error::LayerShape { .. }), "{mixer:?}: {error}");
        }
    }
}
