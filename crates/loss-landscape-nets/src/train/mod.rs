//! Training: gradient descent with momentum and Adam, over any network of this crate.
//!
//! The loop is the same for all rules; a rule says how one step goes.

mod adaptive_moments;
mod learner;
mod momentum;
mod observer;
mod report;
mod settings;
mod training_run;
mod update_rule;
mod update_steps;

pub use adaptive_moments::AdaptiveMoments;
pub use momentum::Momentum;
pub use observer::{EpochProgress, StepProgress, TrainingObserver};
pub use report::{Epoch, Snapshot, TrainingEnd, TrainingReport};
pub use update_rule::Rule;

pub(crate) use learner::{BatchMeans, Learner};
pub(crate) use settings::Settings;
pub(crate) use training_run::{TrainingStart, train};
pub(crate) use update_rule::UpdateRule;
