//! What all trainings have in common: data, rate, decay, length.

use crate::{
    data::Augment,
    error::{CountSetting, NumberSetting, Result},
};

/// The settings that no rule has for itself.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) learning_rate: f64,
    /// From which epoch on the rate is multiplied by which factor.
    pub(crate) learning_rate_steps: Vec<(usize, f64)>,
    pub(crate) weight_decay: f64,
    pub(crate) batch_size: usize,
    pub(crate) epochs: usize,
    pub(crate) seed: u64,
    /// Epochs from one snapshot of θ to the next.
    pub(crate) snapshots: Option<usize>,
    pub(crate) augment: Augment,
    pub(crate) shuffle: bool,
}

impl Settings {
    pub(crate) fn new(learning_rate: f64) -> Self {
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
    pub(crate) fn rate(&self, epoch: usize) -> f64 {
        let due = self.learning_rate_steps.iter().filter(|&&(from, _)| from <= epoch);
        due.fold(self.learning_rate, |rate, &(_, factor)| rate * factor)
    }

    pub(crate) fn check(&self) -> Result<()> {
        NumberSetting::LearningRate.check(self.learning_rate)?;
        for &(_, factor) in &self.learning_rate_steps {
            NumberSetting::LearningRateFactor.check(factor)?;
        }
        NumberSetting::WeightDecay.check(self.weight_decay)?;
        CountSetting::BatchSize.ensure(self.batch_size > 0, self.batch_size)?;
        match self.snapshots {
            Some(every) => CountSetting::SnapshotInterval.ensure(every > 0, every),
            None => Ok(()),
        }
    }
}

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
            let error = settings.check().unwrap_err().to_string();
            assert!(error.starts_with(name), "{settings:?}: {error}");
        }
        assert!(new().check().is_ok());
    }
}
