//! The networks of the paper, with the names that its authors' code gives their parameters.

use super::{
    architecture::Architecture,
    chain::{Chain, Conv, Pool},
};
#[cfg(doc)]
use crate::error::Error;
use crate::error::{CountSetting, Result};

/// Layers that a residual network may have.
const MOST_LAYERS: usize = 10_004;

/// Skip connections, or none.
///
/// ```
/// use loss_landscape_nets::{Architecture, Skips};
///
/// let [with, without] = [Skips::With, Skips::Without]
///     .map(|skips| Architecture::resnet(56, [3, 32, 32], 10, skips).map(|net| net.trained_parameters()));
/// assert_eq!((with?, without?), (855_770, 853_018));
/// # Ok::<(), loss_landscape_nets::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Skips {
    /// As in residual networks.
    With,
    /// The same network without them; the projections of shortcuts are left out too.
    Without,
}

impl Architecture {
    /// The residual network of CIFAR-10 with depth 6n + 2 (He et al. 2016, section 4.2): 20, 56, 110. ImageNet's
    /// ResNet-18, ResNet-34 and ResNet-50 (section 4.1) are other networks, which
    /// [`torchvision_resnet`](Self::torchvision_resnet) builds; depth 50 here is not that ResNet-50.
    ///
    /// Three stages of n blocks with 16, 32 and 64 channels; shortcuts where the shape changes are
    /// 1×1 convolutions with batch normalisation, as in the paper's code. At 3×32×32 with 10 classes
    /// ResNet-20 has 272,474 trained parameters, ResNet-56 855,770, ResNet-110 1,730,714.
    ///
    /// ```
    /// use loss_landscape_nets::{Architecture, Skips};
    ///
    /// let net = Architecture::resnet(20, [3, 32, 32], 10, Skips::With)?;
    /// assert_eq!(net.trained_parameters(), 272_474);
    /// # Ok::<(), loss_landscape_nets::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::CountOutOfRange`] for a depth that is not 6n + 2, from 8 to 10,004, with the nearest; those of
    /// [`new`](Self::new).
    pub fn resnet(depth: usize, input: [usize; 3], classes: usize, skips: Skips) -> Result<Self> {
        Self::wide_resnet(depth, 1, input, classes, skips)
    }

    /// A [`resnet`](Self::resnet) with k times the channels everywhere: the paper's wide residual
    /// networks, depth 56 and k = 2, 4, 8.
    ///
    /// # Errors
    /// As [`resnet`](Self::resnet), and [`Error::CountOutOfRange`] for k = 0.
    pub fn wide_resnet(
        depth: usize,
        k: usize,
        input: [usize; 3],
        classes: usize,
        skips: Skips,
    ) -> Result<Self> {
        let right = (8..=MOST_LAYERS).contains(&depth) && depth % 6 == 2;
        CountSetting::ResNetDepth.ensure(right, depth)?;
        CountSetting::ResNetWidth.ensure((1..=1 << 16).contains(&k), k)?;
        let mut chain = Chain::new().conv3x3("conv1", 16 * k, 1).batch_norm("bn1").relu();
        let mut inputs = 16 * k;
        for stage in 0..3 {
            let channels = (16 * k) << stage;
            let mut blocks = Chain::new();
            for block in 0..(depth - 2) / 6 {
                let stride = if stage > 0 && block == 0 { 2 } else { 1 };
                let block_chain = basic_block(inputs, channels, stride, skips);
                blocks = blocks.scope(block.to_string(), block_chain);
                inputs = channels;
            }
            chain = chain.scope(format!("layer{}", stage + 1), blocks);
        }
        Self::new(input, chain.global_average_pool().linear("linear", classes))
    }

    /// VGG-9: two convolutions of 64 channels, two of 128 and three of 256, with bias and batch
    /// normalisation, maxima of 2×2 between, and two linear layers. 2,789,706 trained parameters at
    /// 3×32×32 with 10 classes.
    ///
    /// # Errors
    /// Those of [`new`](Self::new).
    pub fn vgg9(input: [usize; 3], classes: usize) -> Result<Self> {
        let mut features = Chain::new();
        let mut index = 0;
        for (channels, count) in [(64, 2), (128, 2), (256, 3)] {
            for _ in 0..count {
                features = features
                    .conv(Conv::new(index.to_string(), channels, 3).bias(true))
                    .batch_norm((index + 1).to_string())
                    .relu();
                index += 3;
            }
            features = features.max_pool(Pool::new(2).ceil(true));
            index += 1;
        }
        let dense = Chain::new().linear("0", 256).batch_norm("1").relu();
        let chain = Chain::new().scope("features", features).scope("fc", dense).linear("classifier", classes);
        Self::new(input, chain)
    }

    /// DenseNet-121 with the 3×3 stem for small images: a [`densenet`](Self::densenet) with blocks of 6, 12, 24 and 16
    /// layers and growth 32. Images of 8×8 and more.
    ///
    /// # Errors
    /// Those of [`new`](Self::new).
    pub fn densenet121(input: [usize; 3], classes: usize) -> Result<Self> {
        Self::densenet([6, 12, 24, 16], 32, input, classes)
    }

    /// A dense network with bottlenecks and the 3×3 stem for small images (Huang et al. 2017, section 3): four blocks of
    /// `layers` layers, each of which adds `growth` channels; channels and sides are halved between blocks.
    ///
    /// ```
    /// use loss_landscape_nets::Architecture;
    ///
    /// let small = Architecture::densenet([2, 4, 6, 4], 12, [1, 8, 8], 10)?;
    /// assert!(small.trained_parameters() < Architecture::densenet121([1, 8, 8], 10)?.trained_parameters());
    /// # Ok::<(), loss_landscape_nets::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::CountOutOfRange`] for a block of 0 or more than 1,024 layers, or a growth of 0 or more than 65,536; those
    /// of [`new`](Self::new).
    pub fn densenet(layers: [usize; 4], growth: usize, input: [usize; 3], classes: usize) -> Result<Self> {
        CountSetting::DenseNetGrowth.ensure((1..=1 << 16).contains(&growth), growth)?;
        for count in layers {
            CountSetting::DenseNetLayers.ensure((1..=1024).contains(&count), count)?;
        }
        let mut channels = 2 * growth;
        let mut chain = Chain::new().conv3x3("conv1", channels, 1);
        for (stage, count) in layers.into_iter().enumerate() {
            let mut layers = Chain::new();
            for layer in 0..count {
                let new = Chain::new()
                    .batch_norm("bn1")
                    .relu()
                    .conv1x1("conv1", 4 * growth, 1)
                    .batch_norm("bn2")
                    .relu()
                    .conv3x3("conv2", growth, 1);
                layers = layers.scope(layer.to_string(), Chain::new().concat([new, Chain::new()]));
                channels += growth;
            }
            chain = chain.scope(format!("dense{}", stage + 1), layers);
            if stage < 3 {
                channels /= 2;
                let transition = Chain::new().batch_norm("bn").relu().conv1x1("conv", channels, 1);
                chain = chain.scope(format!("trans{}", stage + 1), transition.average_pool(Pool::new(2)));
            }
        }
        Self::new(input, chain.batch_norm("bn").relu().global_average_pool().linear("linear", classes))
    }
}

fn basic_block(inputs: usize, channels: usize, stride: usize, skips: Skips) -> Chain {
    let body = Chain::new()
        .conv3x3("conv1", channels, stride)
        .batch_norm("bn1")
        .relu()
        .conv3x3("conv2", channels, 1)
        .batch_norm("bn2");
    let shortcut = if stride != 1 || inputs != channels {
        let projection = Chain::new().conv1x1("0", channels, stride).batch_norm("1");
        Chain::new().scope("shortcut", projection)
    } else {
        Chain::new()
    };
    match skips {
        Skips::With => Chain::new().skip(body, shortcut).relu(),
        Skips::Without => body.relu(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    #[test]
    fn parameters_are_as_many_as_in_the_papers_code() {
        let input = [3, 32, 32];
        for (depth, with, without) in
            [(20, 272_474, 269_722), (56, 855_770, 853_018), (110, 1_730_714, 1_727_962)]
        {
            let count = |skips| Architecture::resnet(depth, input, 10, skips).unwrap().trained_parameters();
            assert_eq!((count(Skips::With), count(Skips::Without)), (with, without), "depth {depth}");
        }
        let wide = |k| Architecture::wide_resnet(56, k, input, 10, Skips::With).unwrap().trained_parameters();
        // 3.41, 13.63 and 54.47 million.
        assert_eq!([2, 4, 8].map(|k| (wide(k) + 5_000) / 10_000), [341, 1_363, 5_447]);
        assert_eq!(Architecture::vgg9(input, 10).unwrap().trained_parameters(), 2_789_706);
        assert_eq!(Architecture::densenet121(input, 10).unwrap().trained_parameters(), 6_956_298);
    }

    #[test]
    fn small_images_other_channels_and_classes() {
        for input in [[1, 8, 8], [4, 9, 12]] {
            assert!(Architecture::resnet(20, input, 3, Skips::With).is_ok());
            assert!(Architecture::vgg9(input, 2).is_ok());
            assert!(Architecture::densenet121(input, 2).is_ok());
        }
        assert!(matches!(
            Architecture::resnet(19, [3, 32, 32], 10, Skips::With),
            Err(Error::CountOutOfRange { setting: CountSetting::ResNetDepth, value: 19 })
        ));
        for (layers, growth, value) in [([1, 0, 1, 1], 4, 0), ([1; 4], 0, 0), ([1, 1, 1, 1025], 4, 1025)] {
            let refused = Architecture::densenet(layers, growth, [3, 8, 8], 10).unwrap_err();
            assert!(matches!(refused, Error::CountOutOfRange { value: found, .. } if found == value));
        }
        assert!(matches!(Architecture::densenet121([3, 4, 4], 10), Err(Error::LayerShape { .. })));
        assert!(matches!(
            Architecture::resnet(20, [3, 32, 32], 0, Skips::With),
            Err(Error::LayerShape { .. })
        ));
    }
}
