//! Training: gradient descent with momentum and Adam, over any network of this module.
//!
//! The loop is the same for all rules; a rule says how one step goes.

mod adam;
mod observer;
mod report;
mod run;
mod settings;
mod sgd;
mod trainable;

pub use adam::Adam;
pub use observer::{EpochProgress, StepProgress, TrainingObserver};
pub use report::{Epoch, Snapshot, TrainingEnd, TrainingReport};
pub use sgd::Sgd;
pub use trainable::Trainable;

pub(super) use trainable::{BatchMeans, Learner};
