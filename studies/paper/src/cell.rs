//! A cell of the study: a network and how it is trained. Its trainings differ by their seeds alone.

use loss_landscape_nets::{
    Adam, Architecture, Criterion, Network, Rule, Samples, Sgd, Skips, Training, TrainingObserver,
    TrainingReport,
};

use crate::{Result, Setting, setting::Larger};

/// Adam's learning rate: with a quarter of it, or two and a half times it, the deepest network without skips learns less.
pub(crate) const ADAM_RATE: f64 = 0.004;
/// Pixels along each side of the data's images, which have one channel.
pub(crate) const SIDE: usize = 8;
const CLASSES: usize = 10;
/// The paper's weight decay.
const DECAY: f64 = 5e-4;
const BATCH: usize = 128;

/// A network of the paper.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// A residual network of this depth, with so many times the channels.
    ResNet {
        /// 6n + 2.
        depth: usize,
        /// 1 for the plain ones.
        width: usize,
        /// Whether it has its skip connections.
        skips: bool,
    },
    /// VGG-9.
    Vgg9,
    /// DenseNet-121 itself, or a small network of the same pieces: blocks of 2, 4, 6 and 4 layers, growth 12.
    DenseNet {
        /// Whether it is DenseNet-121.
        full: bool,
    },
}

/// A network, and the mini-batches, decay and epochs of its trainings.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cell {
    /// The network.
    pub kind: Kind,
    /// Images in a mini-batch.
    pub batch: usize,
    /// Weight decay.
    pub decay: f64,
    /// Epochs.
    pub epochs: usize,
    /// Whether its name says how it is trained.
    pub is_pair: bool,
    /// How steps are taken.
    pub optimiser: Optimiser,
    /// Pixels along each side of an image.
    pub side: usize,
}

/// How a training takes its steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Optimiser {
    /// SGD with Nesterov momentum, as the paper has it.
    Sgd,
    /// Adam, whose steps do not grow with the gradient.
    Adam,
}

impl Kind {
    /// Its layers, for images with so many pixels along each side.
    ///
    /// # Errors
    /// Those of the networks, for a depth or a width that there is not.
    pub fn architecture(self, side: usize) -> Result<Architecture> {
        let input = [1, side, side];
        Ok(match self {
            Self::ResNet { depth, width, skips } => {
                let skips = if skips { Skips::With } else { Skips::Without };
                Architecture::wide_resnet(depth, width, input, CLASSES, skips)?
            }
            Self::Vgg9 => Architecture::vgg9(input, CLASSES)?,
            Self::DenseNet { full: true } => Architecture::densenet121(input, CLASSES)?,
            // The pieces of DenseNet-121 with a quarter of its layers and three eighths of its growth.
            Self::DenseNet { full: false } => Architecture::densenet([2, 4, 6, 4], 12, input, CLASSES)?,
        })
    }

    /// Its name, as the paper has it.
    pub fn name(self) -> String {
        match self {
            Self::ResNet { depth, width, skips } => {
                let name =
                    if width == 1 { format!("ResNet-{depth}") } else { format!("WRN-{depth}-{width}") };
                if skips { name } else { format!("{name} without skips") }
            }
            Self::Vgg9 => "VGG-9".to_owned(),
            Self::DenseNet { full: true } => "DenseNet-121".to_owned(),
            Self::DenseNet { full: false } => "DenseNet-37".to_owned(),
        }
    }
}

impl Cell {
    /// A network trained as the paper's are: SGD with batches of 128 and decay 5e-4.
    pub fn plain(kind: Kind, epochs: usize) -> Self {
        Self {
            kind,
            batch: BATCH,
            decay: DECAY,
            epochs,
            is_pair: false,
            optimiser: Optimiser::Sgd,
            side: SIDE,
        }
    }

    /// A plain residual network of C3.
    pub fn resnet(depth: usize, skips: bool, setting: &Setting) -> Self {
        Self::plain(Kind::ResNet { depth, width: 1, skips }, setting.epochs)
    }

    /// A plain residual network on larger images, trained by Adam without decay.
    pub fn larger_resnet(depth: usize, skips: bool, larger: &Larger) -> Self {
        let kind = Kind::ResNet { depth, width: 1, skips };
        let cell = Self { side: larger.side, batch: larger.batch, ..Self::plain(kind, larger.epochs) };
        Self { optimiser: Optimiser::Adam, decay: 0.0, ..cell }
    }

    /// A wide residual network of C4, trained for fewer epochs.
    pub fn wide(width: usize, skips: bool, setting: &Setting) -> Self {
        let kind = Kind::ResNet { depth: setting.wide_depth, width, skips };
        Self { is_pair: true, ..Self::plain(kind, setting.large_epochs) }
    }

    /// The DenseNet of C7.
    pub fn densenet(setting: &Setting) -> Self {
        let (full, epochs) = (setting.densenet_121, setting.large_epochs);
        Self { is_pair: true, ..Self::plain(Kind::DenseNet { full }, epochs) }
    }

    /// One of the minimisers of C1 and C2.
    pub fn pair(kind: Kind, is_small: bool, decay: f64, setting: &Setting) -> Self {
        let batch = if is_small { setting.pair_batch } else { setting.pair_large };
        Self { batch, decay, is_pair: true, ..Self::plain(kind, setting.pair_epochs) }
    }

    /// Its name, which no other cell of a study has.
    pub fn name(&self) -> String {
        let mut name = self.kind.name();
        if self.side != SIDE {
            name = format!("{name}, {0}×{0} pixels", self.side);
        }
        if self.optimiser == Optimiser::Adam {
            return format!("{name}, Adam, batch {}, {} epochs", self.batch, self.epochs);
        }
        if !self.is_pair {
            return name;
        }
        let decay = if self.decay == 0.0 { "no decay".to_owned() } else { format!("decay {}", self.decay) };
        format!("{name}, batch {}, {decay}, {} epochs", self.batch, self.epochs)
    }

    /// A shorter name, where what is left out is said elsewhere.
    pub fn short_name(&self) -> String {
        let decay = if self.decay == 0.0 { "no decay" } else { "decay" };
        if self.is_pair && self.decay != DECAY {
            format!("{}, {}, {decay}", self.kind.name(), self.batch)
        } else {
            self.kind.name()
        }
    }

    /// Its name for files.
    pub fn key(&self) -> String {
        let mut key = String::new();
        for c in self.name().to_lowercase().replace(['-', '.'], "").chars() {
            let c = if c.is_ascii_alphanumeric() { c } else { '_' };
            if c != '_' || !key.ends_with('_') {
                key.push(c);
            }
        }
        key
    }

    /// The network at the random start of a training: the seed is the training's number.
    ///
    /// # Errors
    /// Those of [`Kind::architecture`].
    pub fn start(&self, training: usize) -> Result<Network<f32>> {
        Ok(Network::new(&self.kind.architecture(self.side)?, Criterion::CrossEntropy, training as u64)?)
    }

    /// Trains a network with the paper's schedule: the rate is lowered at half, three quarters and eleven twelfths of the
    /// way. SGD has the paper's rate 0.1 and Nesterov momentum 0.9. The shuffling has the training's number for its seed.
    /// θ is kept after every epoch if the path is.
    ///
    /// # Errors
    /// Those of [`Training::train`].
    pub fn train(
        &self,
        training: usize,
        keeps_path: bool,
        net: &mut Network<f32>,
        data: &Samples<f32>,
        observer: &mut dyn TrainingObserver<f32>,
    ) -> Result<TrainingReport<f32>> {
        Ok(match self.optimiser {
            Optimiser::Sgd => {
                let rule = Sgd::new(0.1).momentum(0.9).nesterov(true);
                self.scheduled(rule, training, keeps_path).train_observed(net, data, observer)
            }
            Optimiser::Adam => {
                self.scheduled(Adam::new(ADAM_RATE), training, keeps_path).train_observed(net, data, observer)
            }
        }?)
    }

    fn scheduled<R: Rule>(&self, rule: Training<R>, training: usize, keeps_path: bool) -> Training<R> {
        let epochs = self.epochs;
        let steps = [epochs / 2, epochs * 3 / 4, epochs * 11 / 12].map(|done| (done.max(1), 0.1));
        let rule = rule
            .weight_decay(self.decay)
            .batch_size(self.batch)
            .epochs(epochs)
            .learning_rate_steps(&steps)
            .seed(training as u64);
        if keeps_path { rule.snapshots(1) } else { rule }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_keys_tell_cells_apart() {
        let setting = Setting { pair_epochs: 60, ..Setting::full() };
        let pair = Cell::pair(Kind::Vgg9, true, 5e-3, &setting);
        assert_eq!(pair.name(), "VGG-9, batch 128, decay 0.005, 60 epochs");
        assert_eq!(pair.key(), "vgg9_batch_128_decay_0005_60_epochs");
        assert_eq!(pair.short_name(), "VGG-9, 128, decay");
        let wide = Cell::wide(4, false, &setting);
        assert_eq!(wide.short_name(), "WRN-14-4 without skips");
        // Those of C3 and C4 have names of their own.
        let same = Setting { wide_depth: 20, ..setting };
        assert_ne!(Cell::wide(1, true, &same).key(), Cell::resnet(20, true, &same).key());
    }

    #[test]
    fn the_small_densenet_has_the_pieces_of_the_large_one() {
        let [small, large] = [false, true].map(|full| Kind::DenseNet { full }.architecture(SIDE).unwrap());
        assert!(small.trained_parameters() < 200_000, "{}", small.trained_parameters());
        let ends = |net: &Architecture| net.layout().blocks().last().map(|block| block.name().to_owned());
        assert_eq!(ends(&small), ends(&large));
        assert_eq!(Kind::DenseNet { full: false }.name(), "DenseNet-37");
    }
}
