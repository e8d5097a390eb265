//! What is kept of a trajectory in a file.

use super::{PathLosses, TrajectoryReport};

/// A report of a trajectory with the losses on it, if they were evaluated: what files of trajectories hold.
///
/// ```
/// use loss_landscape::{Layout, trajectory::{PathRecord, PrincipalPlane}};
///
/// let path = [[3.0, 0.0, 0.0], [1.0, 1.0, 0.5], [0.0, 0.0, 0.0]];
/// let trajectory = PrincipalPlane::new().run(&Layout::flat(3)?, &path)?;
/// let record = PathRecord::from(trajectory.report());
/// assert_eq!(record.report.snapshots, 3);
/// # #[cfg(feature = "csv")] {
/// let file = record.to_csv_bytes()?; // or record.write_csv("path.csv")?
/// assert_eq!(PathRecord::from_csv_bytes(&file)?.report, record.report);
/// # }
/// # Ok::<(), loss_landscape::Error>(())
/// ```
///
/// # Files
///
/// With the features `json`, `npz` and `csv`, a record is written and read back exactly, `write_json(path)` and the
/// like.
///
/// - **JSON** is an object of `format` (`"loss-landscape trajectory"`), `version` and `report`, which has the fields
///   here under their names. Losses that are not finite are the texts `"NaN"`, `"Infinity"` and `"-Infinity"`.
/// - **npz** has an array for each column of two tables: `snapshot_coordinate` (T snapshots × K components, of which
///   the first two are α and β), `snapshot_distance`, `snapshot_off_plane`, with losses `snapshot_loss_on_path` and
///   `snapshot_loss_on_plane` (T each); `component_eigenvalue`, `component_share`, `component_random_walk` and
///   `component_random_walk_of_steps` (T − 1 each). The rest is in `metadata`, the bytes of a JSON text.
/// - **CSV** has the same, a line for each snapshot and each component, whose first field says which it is; coordinates
///   are `coordinate_1`, `coordinate_2` and so on. A first line `# {…}` holds the rest; pandas reads the file with
///   `comment="#"`.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct PathRecord {
    /// Coordinates, distances and shares.
    pub report: TrajectoryReport,
    /// The loss at every snapshot, and at its projection.
    pub losses: Option<PathLosses>,
}

impl PathRecord {
    /// The same with these losses, which must be those of the same snapshots.
    #[must_use]
    pub fn with_losses(self, losses: &PathLosses) -> Self {
        Self { losses: Some(losses.clone()), ..self }
    }
}

impl From<&TrajectoryReport> for PathRecord {
    fn from(report: &TrajectoryReport) -> Self {
        Self { report: report.clone(), losses: None }
    }
}
