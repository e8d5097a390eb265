//! What all trainings have in common: data, rate, decay, length.

use crate::{Augment, Error, Result};

/// The settings that no rule has for itself.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) learning_rate: f64,
    /// From which epoch on the rate is multiplied by which factor.
    pub(super) learning_rate_steps: Vec<(usize, f64)>,
    pub(super) weight_decay: f64,
    pub(super) batch_size: usize,
    pub(super) epochs: usize,
    pub(super) seed: u64,
    /// Epochs from one snapshot of θ to the next.
    pub(super) snapshots: Option<usize>,
    pub(super) augment: Augment,
    pub(super) shuffle: bool,
}

impl Settings {
    pub(super) fn new(learning_rate: f64) -> Self {
        Self {
            learning_rate,
            learning_rate_steps: Vec::new(),
            weight_decay: 0.0,
            batch_size: 128,
            epochs: 30,
            seed: 0,
            snapshots: None,
            augment: Augment::new(),
            shuffle: true,
        }
    }

    /// The learning rate of an epoch.
    pub(super) fn rate(&self, epoch: usize) -> f64 {
        let due = self.learning_rate_steps.iter().filter(|&&(from, _)| from <= epoch);
        due.fold(self.learning_rate, |rate, &(_, factor)| rate * factor)
    }

    pub(super) fn check(&self) -> Result<()> {
        ensure("the learning rate", "positive", self.learning_rate, self.learning_rate > 0.0)?;
        for &(_, factor) in &self.learning_rate_steps {
            ensure("a factor of the learning rate", "positive", factor, factor > 0.0)?;
        }
        ensure("the weight decay", "0 or positive", self.weight_decay, self.weight_decay >= 0.0)?;
        ensure("the batch size", "at least 1", self.batch_size as f64, self.batch_size > 0)?;
        match self.snapshots {
            Some(0) => ensure("the number of epochs between snapshots", "at least 1", 0.0, false),
            _ => Ok(()),
        }
    }
}

/// Refuses a setting that is out of its range or not finite.
pub(super) fn ensure(setting: &'static str, needs: &'static str, value: f64, right: bool) -> Result<()> {
    if right && value.is_finite() { Ok(()) } else { Err(Error::Setting { setting, needs, value }) }
}

/// The builder methods that every rule has, and its trainings.
macro_rules! training_options {
    ($rule:ident) => {
        impl $rule {
            /// λ, on all of θ but buffers: biases, and scales and shifts of normalisations, too. 0 by
            /// default.
            pub fn weight_decay(mut self, weight_decay: f64) -> Self {
                self.settings.weight_decay = weight_decay;
                self
            }

            /// Samples in a mini-batch, 128 by default; with as many as there are samples, or more, every
            /// step takes all.
            pub fn batch_size(mut self, batch_size: usize) -> Self {
                self.settings.batch_size = batch_size;
                self
            }

            /// Passes over the data; 30 by default.
            pub fn epochs(mut self, epochs: usize) -> Self {
                self.settings.epochs = epochs;
                self
            }

            /// The seed of the shuffling; 0 by default.
            pub fn seed(mut self, seed: u64) -> Self {
                self.settings.seed = seed;
                self
            }

            /// Whether samples are shuffled before every epoch; yes by default. Without, mini-batches are
            /// consecutive samples.
            pub fn shuffle(mut self, shuffle: bool) -> Self {
                self.settings.shuffle = shuffle;
                self
            }

            /// Crops and flips images at random, anew in every epoch, with draws from stream 1 of the seed;
            /// none by default.
            pub fn augment(mut self, augment: $crate::Augment) -> Self {
                self.settings.augment = augment;
                self
            }

            /// Multiplies the learning rate by a factor once so many epochs are done, for each pair
            /// (epochs, factor); never by default.
            ///
            /// The paper's networks were trained with
            /// `.learning_rate_steps(&[(150, 0.1), (225, 0.1), (275, 0.1)])`.
            pub fn learning_rate_steps(mut self, steps: &[(usize, f64)]) -> Self {
                self.settings.learning_rate_steps = steps.to_vec();
                self
            }

            /// Keeps θ from the start, after every so many epochs, and from the end, for
            /// [`TrainingReport::snapshots`]; by default none.
            ///
            /// **Memory.** epochs / `every_epochs` + 2 vectors of the length of θ at most.
            pub fn snapshots(mut self, every_epochs: usize) -> Self {
                self.settings.snapshots = Some(every_epochs);
                self
            }

            /// Trains a network from where it is.
            ///
            /// # Errors
            /// [`Error::Setting`](crate::Error::Setting) for a setting out of range; the errors of
            /// samples that do not fit the network; [`Error::OutOfMemory`](crate::Error::OutOfMemory)
            /// for snapshots. A training that diverges is no error: see [`TrainingReport::end`].
            pub fn train<S: NetScalar, N: Trainable<S> + ?Sized>(
                &self,
                net: &mut N,
                data: &Samples<S>,
            ) -> Result<TrainingReport<S>> {
                let mut nobody = |_: &EpochProgress<'_, S>| std::ops::ControlFlow::Continue(());
                self.train_observed(net, data, &mut nobody)
            }

            /// Trains a network from where it is, and tells an observer of every step and epoch; it may
            /// stop the training.
            ///
            /// # Errors
            /// As [`train`](Self::train).
            pub fn train_observed<S: NetScalar, N: Trainable<S> + ?Sized>(
                &self,
                net: &mut N,
                data: &Samples<S>,
                observer: &mut dyn TrainingObserver<S>,
            ) -> Result<TrainingReport<S>> {
                self.check()?;
                self.settings.check()?;
                run(&self.settings, self.steps(net.parameters().len()), net, data, observer)
            }
        }
    };
}
pub(super) use training_options;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_follows_the_epochs_in_any_order() {
        let steps = vec![(275, 0.1), (150, 0.1), (225, 0.5)];
        let settings = Settings { learning_rate_steps: steps, ..Settings::new(0.1) };
        for (epoch, rate) in [(0, 0.1), (149, 0.1), (150, 0.01), (224, 0.01), (225, 0.005), (275, 0.0005)] {
            approx::assert_relative_eq!(settings.rate(epoch), rate, max_relative = 1e-15);
        }
    }

    #[test]
    fn settings_out_of_range_are_named() {
        let new = || Settings::new(0.1);
        let wrong = [
            (Settings::new(0.0), "the learning rate"),
            (Settings::new(f64::NAN), "the learning rate"),
            (Settings::new(f64::INFINITY), "the learning rate"),
            (
                Settings { learning_rate_steps: vec![(3, 0.1), (5, 0.0)], ..new() },
                "a factor of the learning rate",
            ),
            (Settings { learning_rate_steps: vec![(3, f64::NAN)], ..new() }, "a factor of the learning rate"),
            (Settings { weight_decay: -1.0, ..new() }, "the weight decay"),
            (Settings { weight_decay: f64::INFINITY, ..new() }, "the weight decay"),
            (Settings { batch_size: 0, ..new() }, "the batch size"),
            (Settings { snapshots: Some(0), ..new() }, "the number of epochs between snapshots"),
        ];
        for (settings, name) in wrong {
            let error = settings.check().unwrap_err();
            assert!(
                matches!(error, Error::Setting { setting, .. } if setting == name),
                "{settings:?}: {error}"
            );
        }
        assert!(new().check().is_ok());
    }
}
