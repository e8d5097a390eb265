//! What a trajectory out of a file must hold.

use super::{Misfit, Report};
use crate::trajectory::PathRecord;

super::all_files!(PathRecord);

impl Report for PathRecord {
    const NAME: &'static str = "trajectory";

    fn check(&self) -> Result<(), Misfit> {
        let report = &self.report;
        let t = report.snapshots;
        if t < 2 || report.coordinates.len() < 2 {
            let found = format!("{t} and {}", report.coordinates.len());
            return Err(Misfit::new("snapshots and components", "at least two of each", found));
        }
        let losses = self.losses.iter().flat_map(|losses| [&losses.on_path, &losses.on_plane]);
        let by_snapshot =
            [&report.distances, &report.off_plane].into_iter().chain(&report.coordinates).chain(losses);
        let by_component =
            [&report.eigenvalues, &report.shares, &report.random_walk, &report.random_walk_of_steps];
        let lengths = by_snapshot.map(|values| (values.len(), t));
        let lengths = lengths.chain(by_component.map(|values| (values.len(), t - 1)));
        if let Some((found, expected)) = { lengths }.find(|(found, expected)| found != expected) {
            return Err(Misfit::new("the values of a trajectory", format!("{expected} of them"), found));
        }
        let failures = self.losses.iter().flat_map(|losses| &losses.failures);
        match { failures }.find(|failure| failure.snapshot >= t) {
            Some(failure) => {
                Err(Misfit::new("a failure", format!("at one of {t} snapshots"), failure.snapshot))
            }
            None => Ok(()),
        }
    }
}
