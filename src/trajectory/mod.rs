//! Trajectories: the path of a training, in the plane in which it moves most.
//!
//! Section 7 of the paper draws the path of an optimiser in the plane of the two leading principal components of its
//! snapshots, since random planes hold next to nothing of it. [`PrincipalPlane`] finds that plane, from vectors in
//! memory or from files; the [`Trajectory`] says where every snapshot lies in it, **how far it lies off it**, and how
//! much of the variance a [random walk](random_walk_shares) of as many snapshots would have put into two dimensions.
//! [`Trajectory::losses`] sets the loss on the path beside the loss on the plane below it.

mod gram;
mod losses;
mod principal;
mod record;
mod report;
mod snapshots;
mod walk;

pub use losses::{PathFailure, PathLosses};
pub use principal::{PrincipalPlane, Trajectory};
pub use record::PathRecord;
pub use report::TrajectoryReport;
pub use snapshots::Snapshots;
pub use walk::random_walk_shares;
