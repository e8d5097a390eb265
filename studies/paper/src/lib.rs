//! The paper's claims as numbers.
//!
//! *Visualizing the Loss Landscape of Neural Nets* (Li et al., NeurIPS 2018) rests its claims on pictures of one network
//! and one draw of random directions each. This program trains several networks of each kind on the digits that come
//! with `loss-landscape-nets`, draws several planes and lines around each of them, and says for every claim what holds,
//! by how much, and how sure. Run it with
//!
//! ```sh
//! cargo run --release -p loss-landscape-paper            # all nine claims; about 700 seconds of one core
//! cargo run --release -p loss-landscape-paper -- --full  # hours; killed at any time and started again, it goes on
//! cargo run --release -p loss-landscape-paper -- --help
//! ```
//!
//! A claim is a module of [`claims`](Claim): which [`Job`]s it needs, and how its section of the [`Report`] is made of
//! [`Measurements`]. A job is a training or a sweep around one, done in the [`Lab`], with one file for its result in the
//! [`Folder`] of the study; what is there is not done again, so that a killed study goes on. The report is made of the
//! files alone, and the same settings give the same bytes.

mod cell;
mod claims;
mod error;
mod folder;
mod images;
mod job;
mod lab;
pub mod measurements;
mod progress;
pub mod report;
mod setting;
pub mod statistics;
mod study;
pub mod verdict;

pub use cell::{Cell, Kind, Optimiser};
pub use claims::Claim;
pub use error::{Error, Result};
pub use folder::Folder;
pub use job::{Job, PathRecord, TrainingRecord};
pub use lab::{Lab, checkpoint};
pub use measurements::Measurements;
pub use progress::Meter;
pub use report::Report;
pub use setting::{Larger, Setting};
pub use statistics::Statistic;
pub use study::Study;
