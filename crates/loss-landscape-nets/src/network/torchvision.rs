//! The residual and VGG networks of torchvision, with the names of its state dicts.

use super::{
    architecture::Architecture,
    chain::{Chain, Conv, Pool},
};
use crate::error::{CountSetting, Error, Result};

impl Architecture {
    /// ResNet-18, -34, -50, -101 or -152 for ImageNet (He et al. 2016, section 4.1) as torchvision's
    /// `resnet18` to `resnet152`, names too: a 7×7 stem of stride 2 and a maximum of 3×3, then four stages of basic
    /// blocks, or from depth 50 on of bottlenecks with the stride in their 3×3 convolution, and `fc` after the mean.
    ///
    /// Images of any size: at 3×32×32 the last stage has one pixel.
    ///
    /// ```
    /// use loss_landscape_nets::Architecture;
    ///
    /// let net = Architecture::torchvision_resnet(18, [3, 224, 224], 1000)?;
    /// assert_eq!(net.trained_parameters(), 11_689_512);
    /// assert_eq!(net.layout().block("layer2.0.downsample.0.weight")?.shape(), [128, 64, 1, 1]);
    /// # Ok::<(), loss_landscape_nets::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::CountOutOfRange`] for another depth; those of [`new`](Self::new).
    pub fn torchvision_resnet(depth: usize, input: [usize; 3], classes: usize) -> Result<Self> {
        let (blocks, bottleneck) = match depth {
            18 => ([2, 2, 2, 2], false),
            34 => ([3, 4, 6, 3], false),
            50 => ([3, 4, 6, 3], true),
            101 => ([3, 4, 23, 3], true),
            152 => ([3, 8, 36, 3], true),
            _ => {
                let setting = CountSetting::TorchvisionResNetDepth;
                return Err(Error::CountOutOfRange { setting, value: depth });
            }
        };
        let mut chain = Chain::new()
            .conv(Conv::new("conv1", 64, 7).stride(2))
            .batch_norm("bn1")
            .relu()
            .max_pool(Pool::new(3).stride(2).padding(1));
        let mut inputs = 64;
        for (stage, count) in blocks.into_iter().enumerate() {
            let width = 64 << stage;
            let outputs = if bottleneck { 4 * width } else { width };
            let mut blocks = Chain::new();
            for block in 0..count {
                let stride = if stage > 0 && block == 0 { 2 } else { 1 };
                let body =
                    if bottleneck { bottleneck_body(width, stride) } else { basic_body(width, stride) };
                let shortcut = if stride != 1 || inputs != outputs {
                    Chain::new().conv1x1("downsample.0", outputs, stride).batch_norm("downsample.1")
                } else {
                    Chain::new()
                };
                blocks = blocks.scope(block.to_string(), Chain::new().skip(body, shortcut).relu());
                inputs = outputs;
            }
            chain = chain.scope(format!("layer{}", stage + 1), blocks);
        }
        Self::new(input, chain.global_average_pool().linear("fc", classes))
    }
}

fn basic_body(width: usize, stride: usize) -> Chain {
    let first = Chain::new().conv3x3("conv1", width, stride).batch_norm("bn1").relu();
    first.conv3x3("conv2", width, 1).batch_norm("bn2")
}

fn bottleneck_body(width: usize, stride: usize) -> Chain {
    let first = Chain::new().conv1x1("conv1", width, 1).batch_norm("bn1").relu();
    let second = first.conv3x3("conv2", width, stride).batch_norm("bn2").relu();
    second.conv1x1("conv3", 4 * width, 1).batch_norm("bn3")
}

/// VGG-11, -13, -16 or -19 (Simonyan and Zisserman 2015) as torchvision's `vgg11` to `vgg19_bn`, names too.
///
/// Five stages of 3×3 convolutions with bias end in maxima of 2×2; the mean to 7×7 pixels is followed by three linear
/// layers. Their dropout does nothing here. Images of 32×32 and more; below 224×224 the last pixels are repeated or
/// averaged to 7×7, as torchvision does.
///
/// ```
/// use loss_landscape_nets::Vgg;
///
/// let net = Vgg::new(16).batch_norm(true).architecture([3, 224, 224], 1000)?;
/// assert_eq!(net.trained_parameters(), 138_365_992);
/// // With a smaller head, as people put on for ten classes.
/// let small = Vgg::new(16).batch_norm(true).hidden(256).architecture([3, 32, 32], 10)?;
/// assert_eq!(small.layout().block("classifier.0.weight")?.shape(), [256, 25_088]);
/// # Ok::<(), loss_landscape_nets::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Vgg {
    depth: usize,
    batch_norm: bool,
    hidden: usize,
}

impl Vgg {
    /// The network with so many layers that have weights, without batch normalisation.
    pub fn new(depth: usize) -> Self {
        Self { depth, batch_norm: false, hidden: 4096 }
    }

    /// Whether every convolution is followed by batch normalisation.
    pub fn batch_norm(self, batch_norm: bool) -> Self {
        Self { batch_norm, ..self }
    }

    /// The outputs of the first two linear layers; 4,096 by default.
    pub fn hidden(self, hidden: usize) -> Self {
        Self { hidden, ..self }
    }

    /// The architecture.
    ///
    /// # Errors
    /// [`Error::CountOutOfRange`] for another depth; those of [`Architecture::new`], as for images below 32×32.
    pub fn architecture(self, input: [usize; 3], classes: usize) -> Result<Architecture> {
        let counts = match self.depth {
            11 => [1, 1, 2, 2, 2],
            13 => [2, 2, 2, 2, 2],
            16 => [2, 2, 3, 3, 3],
            19 => [2, 2, 4, 4, 4],
            value => return Err(Error::CountOutOfRange { setting: CountSetting::VggDepth, value }),
        };
        let mut features = Chain::new();
        let mut index = 0;
        for (count, channels) in counts.into_iter().zip([64, 128, 256, 512, 512]) {
            for _ in 0..count {
                features = features.conv(Conv::new(index.to_string(), channels, 3).bias(true));
                index += 1;
                if self.batch_norm {
                    features = features.batch_norm(index.to_string());
                    index += 1;
                }
                features = features.relu();
                index += 1;
            }
            features = features.max_pool(Pool::new(2));
            index += 1;
        }
        let mut classifier = Chain::new();
        for name in ["0", "3"] {
            classifier = classifier.linear(name, self.hidden).relu().dropout();
        }
        let chain = Chain::new()
            .scope("features", features)
            .adaptive_average_pool(7)
            .scope("classifier", classifier.linear("6", classes));
        Architecture::new(input, chain)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_as_many_as_torchvision_documents() {
        let input = [3, 224, 224];
        for (depth, count) in
            [(18, 11_689_512), (34, 21_797_672), (50, 25_557_032), (101, 44_549_160), (152, 60_192_808)]
        {
            let net = Architecture::torchvision_resnet(depth, input, 1000).unwrap();
            assert_eq!(net.trained_parameters(), count, "ResNet-{depth}");
        }
        for (depth, plain, normalised) in [
            (11, 132_863_336, 132_868_840),
            (13, 133_047_848, 133_053_736),
            (16, 138_357_544, 138_365_992),
            (19, 143_667_240, 143_678_248),
        ] {
            let count = |vgg: Vgg| vgg.architecture(input, 1000).unwrap().trained_parameters();
            assert_eq!(count(Vgg::new(depth)), plain, "VGG-{depth}");
            assert_eq!(count(Vgg::new(depth).batch_norm(true)), normalised, "VGG-{depth} with normalisation");
        }
    }

    #[test]
    fn other_depths_and_images_that_are_too_small_are_refused() {
        let depth = Architecture::torchvision_resnet(20, [3, 224, 224], 10).unwrap_err();
        assert_eq!(
            depth.to_string(),
            "the depth of torchvision's residual networks must be 18, 34, 50, 101 or 152, not 20"
        );
        let depth = Vgg::new(9).architecture([3, 224, 224], 10).unwrap_err();
        assert!(matches!(depth, Error::CountOutOfRange { setting: CountSetting::VggDepth, value: 9 }));
        let small = Vgg::new(11).architecture([3, 16, 16], 10).unwrap_err();
        assert!(matches!(small, Error::LayerShape { .. }), "{small}");
        assert!(Architecture::torchvision_resnet(50, [1, 8, 8], 10).is_ok());
    }
}
