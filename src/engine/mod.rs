//! The engine of all sweeps: it deals points out to threads, survives bad points, keeps a journal, and gives the same
//! bits for any number of threads. It knows neither losses nor curvature; what is measured is a
//! [`Measurement`](execution::Measurement).

pub(crate) mod axis;
mod driver;
pub(crate) mod execution;
pub(crate) mod journal;
mod observer;
mod pace;
pub(crate) mod pool;
mod processes;
mod rows;
pub(crate) mod run;
pub(crate) mod settings;
mod shared;
mod split;
pub(crate) mod stages;
mod stock;
mod worker;

pub use execution::{AllThreads, Execution, Here, PerThread};
pub use journal::{Damage, Journal};
pub use observer::{Observer, Progress};
pub use processes::{Arrival, Executor};
