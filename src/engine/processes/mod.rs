//! Sweeps in several processes: process 0 deals out points, the others compute them and send them back.

mod dealing;
mod executor;
mod machine;
mod message;
mod serving;

pub(super) use dealing::Team;
pub use executor::{Arrival, Executor};
pub(super) use serving::{NoThreads, serve};
