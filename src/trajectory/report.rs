//! What is known of a path and its principal plane.

use std::{fmt, ops::RangeInclusive};

/// Where every snapshot lies in the principal plane, how far off it, and how much of the variance each component
/// holds beside what a random walk would put there. [`Trajectory`](super::Trajectory) has an example; `Display` says
/// it in three sentences, for people.
///
/// The plane goes through the last snapshot, θ_T, and that is the origin of all coordinates, also where the components
/// are those about the mean. Distances and coordinates are Euclidean, over the chosen parameters, and the components
/// have length 1.
///
/// **What the random walks assume**: independent steps of mean zero in so many dimensions that they are orthogonal to
/// each other. [`random_walk`](Self::random_walk) has equal steps;
/// [`random_walk_of_steps`](Self::random_walk_of_steps) has steps as long as those of the training, one by one, which
/// is the fairer comparison where the step size falls or snapshots are not evenly spaced. Shares near either say that
/// the path cannot be told from noise by its explained variance. They are expected values; those of a walk in few
/// dimensions scatter about them.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct TrajectoryReport {
    /// The number of snapshots, T.
    pub snapshots: usize,
    /// The number of parameters that took part.
    pub parameters: usize,
    /// Whether the components are those about the mean, and not about the last snapshot.
    pub centred: bool,
    /// The dimensions that the snapshots span, up to rounding.
    pub dimensions: usize,
    /// T − 1 eigenvalues of the Gram matrix, descending: Σ over snapshots of the squared coordinate along each
    /// component, about the mean or the last snapshot. Over T − 1 they are variances. Each has an absolute error of
    /// about T·2⁻⁵² of the first: a component with a share s of the variance is known to T·2⁻⁵²/s.
    pub eigenvalues: Vec<f64>,
    /// The share of the variance of each component.
    pub shares: Vec<f64>,
    /// What the [shares](super::random_walk_shares) would be for a random walk with as many snapshots.
    pub random_walk: Vec<f64>,
    /// What they would be for one whose steps are as long as those between the snapshots.
    pub random_walk_of_steps: Vec<f64>,
    /// For each computed component, the coordinates of all snapshots: `[0]` are α, `[1]` β. The last snapshot is at 0.
    pub coordinates: Vec<Vec<f64>>,
    /// The distance of each snapshot from the last one.
    pub distances: Vec<f64>,
    /// The distance of each snapshot from the plane of the first two components through the last one.
    pub off_plane: Vec<f64>,
}

impl TrajectoryReport {
    /// The share of the variance in the plane: the first two components together.
    pub fn share_in_plane(&self) -> f64 {
        two(&self.shares)
    }

    /// The [distance from the plane](Self::off_plane) of each snapshot as a share of its
    /// [distance](Self::distances) from the last one, from 0 to 1; 0 where it is the last one.
    pub fn relative_off_plane(&self) -> Vec<f64> {
        let pairs = self.off_plane.iter().zip(&self.distances);
        pairs.map(|(off, distance)| if *distance == 0.0 { 0.0 } else { off / distance }).collect()
    }

    /// Ranges of α and β that hold the whole path, wider by this share of their length at both ends (0.1 leaves a
    /// tenth), for [`Sweep::alpha`](crate::Sweep::alpha) and [`Sweep::beta`](crate::Sweep::beta).
    pub fn ranges(&self, margin: f64) -> [RangeInclusive<f64>; 2] {
        [0, 1].map(|k| {
            let along = || self.coordinates.get(k).into_iter().flatten().copied();
            let (low, high) = (along().fold(0.0, f64::min), along().fold(0.0, f64::max));
            let beside = margin * (high - low);
            low - beside..=high + beside
        })
    }
}

impl fmt::Display for TrajectoryReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = |share: f64| 100.0 * share;
        let about = if self.centred { "their mean" } else { "the last one" };
        write!(
            f,
            "{} snapshots of {} parameters: two components about {about} hold {:.1} % of the variance. A random walk \
             has {:.1} % there, and one with steps of the same lengths {:.1} %.",
            self.snapshots,
            self.parameters,
            percent(self.share_in_plane()),
            percent(two(&self.random_walk)),
            percent(two(&self.random_walk_of_steps)),
        )?;
        let relative = self.relative_off_plane();
        let farthest = (0..relative.len()).max_by(|&a, &b| relative[a].total_cmp(&relative[b]));
        if let Some(index) = farthest {
            write!(
                f,
                " Snapshot {index} lies farthest off the plane: by {:.1} % of its distance from the last one.",
                percent(relative[index])
            )?;
        }
        Ok(())
    }
}

fn two(shares: &[f64]) -> f64 {
    shares.iter().take(2).sum()
}
