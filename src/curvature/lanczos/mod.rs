//! Lanczos runs: the ends of a spectrum with bounds on their errors, and the outermost eigenpairs.

mod basis;
mod bounds;
mod extremes;
mod pairs;
mod process;
mod run;

pub use extremes::{Extremes, LanczosEnd};
pub use pairs::EigenPairs;
pub use run::{Lanczos, eigen_extremes};

pub(super) use basis::{Basis, dot};
pub(super) use process::{LanczosProcess, Start, unit_of};
pub(super) use run::RANDOM_SHARE;
